//! What a scenario costs: the record behind `greenprint train --json`, `greenprint infer --json` and the page's result.

use super::{Accounting, OffsetCost};
use crate::notes::Note;
use crate::range::{Range, Ratio};
use crate::units::{Bytes, Dollars, Flops, Hours, Joules, KilogramsCo2e, KilowattHours, Litres, Seconds, WattHours};
use serde::{Deserialize, Serialize};

/// The estimate of a scenario, each figure as a range, with all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What the figures cover, in words: `one training run`, `one request`, `365 days of 10,000 requests a day`.
    pub scope: String,
    /// Floating-point operations of products: 2 × MACs, and for training the backward pass; experiments are included.
    pub flops: Flops,
    /// Wall-clock hours of all devices together working (training: duration of the run; serving: the time the service covers,
    /// or, without a rate of requests, the device time of one request).
    pub hours: Range<Hours>,
    /// Hours × devices.
    pub device_hours: Range<Hours>,
    /// Energy at the site's meter (PUE applied).
    pub energy_kwh: Range<KilowattHours>,
    /// The same energy by what draws it.
    pub energy_parts_kwh: EnergyParts,
    /// Emissions of that energy by the grid's average intensity.
    pub co2e_kg: Range<KilogramsCo2e>,
    /// The share of making the machines that falls to these hours; not part of `co2e_kg`, and `null` where it is not published.
    pub embodied_kg: Option<Range<KilogramsCo2e>>,
    /// Use and making together; `null` where making is not published, for then use alone is no total.
    pub total_co2e_kg: Option<Range<KilogramsCo2e>>,
    /// The same energy by location and by market, and what the network loses.
    pub accounting: Accounting,
    /// What the emissions, with those of making where they are known, would cost at published prices; none of it undoes an emission.
    pub offsets: Vec<OffsetCost>,
    /// Water evaporated for cooling on site and in power stations.
    pub water_l: Range<Litres>,
    /// The electricity bill.
    pub cost_usd: Range<Dollars>,
    /// What renting the devices costs instead, electricity included; absent where no price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rent_usd: Option<Range<Dollars>>,
    /// Energy at the meter for one sample of training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_sample_j: Option<Range<Joules>>,
    /// Energy at the meter for one token of training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_token_j: Option<Range<Joules>>,
    /// Energy at the meter for one request, idle share included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request_wh: Option<Range<WattHours>>,
    /// Emissions of one request in grams; idle share included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_request_co2e_g: Option<Range<Ratio>>,
    /// Energy at the meter for one token of the answer, the prompt's work included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_output_token_j: Option<Range<Joules>>,
    /// The chips alone, while working, for one token of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_j_per_output_token: Option<Range<Joules>>,
    /// The chips alone, while working, for one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_j_per_request: Option<Range<Joules>>,
    /// How the service answers; for serving only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// Whether the scenario can run as described: `false` where an obstacle stands in its way,
    /// `null` where not all that it needs of the memory is known.
    pub feasible: Option<bool>,
    /// What stands in the way, and what would help. The figures are those of a scenario without it, so it is read before them.
    pub obstacles: Vec<Obstacle>,
    /// Whether it fits into the devices' memory.
    pub memory: MemoryFit,
    /// Everything assumed, with its span and source; each can be set through `Scenario::set` under its key.
    pub assumptions: Vec<Assumption>,
    /// The computation, step by step, with its numbers.
    pub steps: Vec<Step>,
    /// What would change the emissions most, use and making together as far as it is known, largest first.
    pub sensitivity: Vec<Sensitivity>,
    /// The emissions in things that people know.
    pub equivalents: Vec<Equivalent>,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

impl Estimate {
    /// Emissions of use, with those of making where they are known: what equivalents and alternatives are compared with.
    pub fn counted_co2e_kg(&self) -> Range<KilogramsCo2e> {
        self.total_co2e_kg.unwrap_or(self.co2e_kg)
    }
}

/// Energy by what draws it, in kWh; the five parts add up to `energy_kwh`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EnergyParts {
    /// The accelerators while they work.
    pub accelerators: Range<KilowattHours>,
    /// The computers around them: processors, memory, fans, power supplies.
    pub host: Range<KilowattHours>,
    /// Switches and links between computers.
    pub network: Range<KilowattHours>,
    /// Everything while it waits for requests.
    pub idle: Range<KilowattHours>,
    /// Cooling and power distribution of the building: (PUE − 1) × the rest.
    pub pue_overhead: Range<KilowattHours>,
}

/// How a service answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Time from the start of a batch to its answer, without waiting in a queue.
    pub latency_s: Range<Seconds>,
    /// Time to the first token, for language models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_s: Option<Range<Seconds>>,
    /// Time between tokens, for language models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between_tokens_s: Option<Range<Seconds>>,
    /// Requests per second that all devices together can answer.
    pub capacity_per_s: Range<Ratio>,
    /// Share of that capacity which the rate of requests uses, above 1 when the devices cannot keep up; absent without a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Range<Ratio>>,
    /// Share of the time of a batch that is bound by computing.
    pub compute_bound: Ratio,
    /// Share of the time of a batch that is bound by memory bandwidth.
    pub memory_bound: Ratio,
    /// Share of the time of a batch that goes into starting layers.
    pub overhead: Ratio,
}

/// Something that keeps a scenario from running as described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// It does not fit into the devices' memory.
    Memory {
        /// The sentence: what does not fit, by how much, what would help.
        text: String,
        /// Bytes needed on each device.
        needed: Bytes,
        /// Whether more is needed than that, because a part is not known.
        needed_is_least: bool,
        /// Bytes that a device has.
        available: Bytes,
        /// The least number of these devices on which it fits; `None` where more devices do not help.
        least_devices: Option<u64>,
    },
    /// The plan by which devices share the work cannot be carried out.
    Plan {
        /// The sentence.
        text: String,
        /// The least number of devices with which it could; `None` where more devices do not help.
        least_devices: Option<u64>,
    },
    /// The batch has fewer samples than there are devices to share it.
    IdleDevices {
        /// The sentence.
        text: String,
        /// Samples of the batch.
        batch: u64,
        /// Devices.
        devices: u64,
    },
    /// Requests arrive faster than they are answered.
    Overload {
        /// The sentence.
        text: String,
        /// Requests over what the devices answer.
        load: f64,
        /// The least number of these devices that keeps up.
        least_devices: u64,
    },
    /// The run takes longer than the machines last.
    TooLong {
        /// The sentence.
        text: String,
        /// Its duration.
        hours: Hours,
        /// The least number of these devices that is done within their life.
        least_devices: u64,
    },
}

impl Obstacle {
    /// The sentence that says what stands in the way and what would help.
    pub fn text(&self) -> &str {
        match self {
            Self::Memory { text, .. }
            | Self::Plan { text, .. }
            | Self::IdleDevices { text, .. }
            | Self::Overload { text, .. }
            | Self::TooLong { text, .. } => text,
        }
    }

    /// The least number of devices with which it would not stand in the way; `None` where more devices do not help.
    pub fn least_devices(&self) -> Option<u64> {
        match self {
            Self::Memory { least_devices, .. } | Self::Plan { least_devices, .. } => *least_devices,
            Self::IdleDevices { .. } => None,
            Self::Overload { least_devices, .. } | Self::TooLong { least_devices, .. } => Some(*least_devices),
        }
    }
}

/// What the workload needs of one device's memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryFit {
    /// Bytes needed on each device: the sum of the parts that are known; `None` when none is.
    pub needed: Option<Bytes>,
    /// Whether more is needed than that, because a part is not known.
    #[serde(default)]
    pub needed_is_least: bool,
    /// Bytes a device has; `None` when its table row does not say.
    pub available: Option<Bytes>,
    /// Whether it fits; `None` when that depends on what is not known.
    pub fits: Option<bool>,
    /// The parts of what is needed.
    pub parts: Vec<MemoryPart>,
}

/// One part of the memory needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryPart {
    /// What it is: `weights`, `gradients and optimiser`, `activations`.
    pub name: String,
    /// Bytes on each device; `None` when unknown.
    pub bytes: Option<Bytes>,
}

/// One number that the estimate rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assumption {
    /// The key under which `Scenario::set` changes it, for example `pue`.
    pub key: String,
    /// Its name in a sentence.
    pub name: String,
    /// The value used.
    pub value: f64,
    /// The lower end of its span.
    pub low: f64,
    /// The upper end of its span.
    pub high: f64,
    /// Its unit; empty for plain numbers.
    pub unit: String,
    /// Where it comes from, in one line; `set by you` when the scenario sets it.
    pub source: String,
    /// The row of `factors.csv` that it is; empty where it comes from another table.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub factor: String,
    /// Whether the scenario sets it.
    pub is_set: bool,
    /// The least value that may be set.
    pub least: f64,
    /// The greatest value that may be set.
    pub most: f64,
}

/// One step of the computation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it computes: `Energy of the accelerators`.
    pub title: String,
    /// The formula in words: `devices × hours × watts`.
    pub formula: String,
    /// The same with numbers: `8 × 12.3 h × 320 W`.
    pub numbers: String,
    /// The result with its unit: `31.5 kWh`.
    pub result: String,
}

/// How far one assumption or choice would move the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The assumption's key, or `region`, `device`, `precision`, `batch`.
    pub key: String,
    /// Its name in a sentence.
    pub name: String,
    /// The case with the least emissions.
    pub low: Alternative,
    /// The case with the most emissions.
    pub high: Alternative,
}

/// One case beside the chosen one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// What it would be: `PUE 1.58`, `Sweden`, `H100 SXM`.
    pub label: String,
    /// The id or value to put into the scenario.
    pub value: String,
    /// Energy at the meter in that case.
    pub energy_kwh: KilowattHours,
    /// Emissions in that case, use and making together as far as making is known: what stands beside it is `Estimate::counted_co2e_kg`.
    pub total_co2e_kg: KilogramsCo2e,
    /// Hours in that case.
    pub hours: Hours,
}

/// The emissions as an amount of something that people know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Equivalent {
    /// The id in `equivalents.csv`.
    pub id: String,
    /// What it is: `kilometres in a petrol car`.
    pub name: String,
    /// How many.
    pub amount: Range<Ratio>,
    /// Where the factor comes from.
    pub source: String,
    /// Distance, place and choices behind the factor.
    pub note: String,
}
