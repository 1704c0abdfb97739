//! A measured run as a tracker or a profiler wrote it: the record behind `greenprint import --json` and the measured view.
//!
//! Units are those of the types; what a tool did not write is `None`, never 0.

use super::Estimate;
use crate::notes::Note;
use crate::range::{Range, Ratio};
use crate::scenario::Scenario;
use crate::units::{GramsPerKilowattHour, Hours, KilogramsCo2e, KilowattHours, Seconds};
use serde::{Deserialize, Serialize};

/// What one file, or the files of one folder, say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The tool's id: `codecarbon`.
    pub tool: String,
    /// What people call it.
    pub tool_name: String,
    /// Its version, where it says it; of several, the newest.
    pub version: Option<String>,
    /// The files that were read.
    pub files: Vec<String>,
    /// The runs, in the order of the file.
    pub runs: Vec<MeasuredRun>,
    /// Times of a network's layers, of a profiler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// What a reader should know: each trap of the tool that this file falls into.
    pub warnings: Vec<Note>,
}

/// What the energy of a run covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Boundary {
    /// The accelerators alone.
    Accelerators,
    /// Processors and accelerators, without memory, fans, disks and power supplies.
    Chips,
    /// Processors, accelerators and memory, without fans, disks and power supplies.
    ChipsAndMemory,
    /// The whole computer at its plug.
    Wall,
    /// Not stated.
    #[default]
    Unknown,
}

/// How the energy of a run was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A meter or a sensor in the chip.
    Measured,
    /// A part from sensors, a part from ratings (TDP) or constants.
    Mixed,
    /// Ratings and loads, no sensor.
    Modelled,
    /// Not stated.
    #[default]
    Unknown,
}

/// What a run did, as far as the tool knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A model learnt.
    Training,
    /// A model answered.
    Inference,
}

/// One run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRun {
    /// What the tool calls it.
    pub name: String,
    /// What it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// The model, where the tool names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long.
    pub duration_s: Option<Seconds>,
    /// Its energy as the tool states it, with the PUE if the tool multiplied by one.
    pub energy_kwh: Option<KilowattHours>,
    /// The same before the PUE: what the equipment drew. `None` where it cannot be known.
    pub equipment_kwh: Option<KilowattHours>,
    /// The equipment's energy by part, without PUE.
    pub parts_kwh: MeasuredParts,
    /// Emissions as the tool states them.
    pub co2e_kg: Option<KilogramsCo2e>,
    /// The PUE that `energy_kwh` contains; 1 where it contains none, `None` where that is not known.
    pub pue: Option<f64>,
    /// What the energy covers.
    pub boundary: Boundary,
    /// How it was found.
    pub method: Method,
    /// Carbon intensity that the tool used, stated or from its own emissions and energy.
    pub intensity: Option<GramsPerKilowattHour>,
    /// The place in the tool's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The id of that place in our tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Processors and accelerators.
    pub devices: Vec<MeasuredDevice>,
    /// Epochs, where the tool wrote each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<Epoch>,
    /// Epochs that the run was to have, where the tool knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_epochs: Option<u64>,
    /// The tool's own forecast for all planned epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast_kwh: Option<KilowattHours>,
    /// How many of what were computed: `tokens`, `images`, `requests`, `samples`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Items>,
}

/// The equipment's energy by part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredParts {
    /// Processors.
    pub cpu: Option<KilowattHours>,
    /// Accelerators.
    pub gpu: Option<KilowattHours>,
    /// Memory.
    pub ram: Option<KilowattHours>,
    /// Anything else, or what is not told apart.
    pub other: Option<KilowattHours>,
}

impl MeasuredParts {
    /// The sum of the parts that are known; `None` when none is.
    pub fn sum(&self) -> Option<KilowattHours> {
        let known = [self.cpu, self.gpu, self.ram, self.other].into_iter().flatten();
        known.reduce(|sum, part| sum + part)
    }

    /// What is drawn around the accelerators; `None` when nothing of it is known.
    pub fn around(&self) -> Option<KilowattHours> {
        [self.cpu, self.ram, self.other].into_iter().flatten().reduce(|sum, part| sum + part)
    }
}

/// What kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRole {
    /// A processor.
    Cpu,
    /// An accelerator.
    Gpu,
}

/// A device as the tool names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredDevice {
    /// What it is.
    pub role: DeviceRole,
    /// Its name in the file.
    pub name: String,
    /// How many.
    pub count: u64,
    /// The id in our table of devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// One epoch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u64,
    /// How long it took.
    pub duration_s: Option<Seconds>,
    /// What the equipment drew in it, without PUE.
    pub energy_kwh: Option<KilowattHours>,
}

/// How many of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Items {
    /// Of what, in the plural.
    pub of: String,
    /// How many.
    pub count: f64,
}

/// Times of a network's layers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Passes over which the times were taken.
    pub passes: u64,
    /// The mean time of a whole pass, where the profiler wrote it.
    pub pass_s: Option<Seconds>,
    /// Where it ran, in the profiler's words.
    pub runs_on: Vec<String>,
    /// The layers or kernels, in the order of their run.
    pub layers: Vec<ProfiledLayer>,
}

/// One measured layer or kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfiledLayer {
    /// The profiler's name of it.
    pub name: String,
    /// Its operator, where the profiler tells.
    pub op: String,
    /// The nodes of the model that it computes, where its name or the profiler tells; several where they are fused.
    pub nodes: Vec<String>,
    /// Its mean time in one pass.
    pub mean_s: Seconds,
}

/// A whole run forecast from its first epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extrapolation {
    /// Epochs that were measured.
    pub measured_epochs: u64,
    /// Epochs of the whole run.
    pub epochs: u64,
    /// Time of the whole run.
    pub hours: Option<Range<Hours>>,
    /// What its equipment draws, without PUE.
    pub equipment_kwh: Option<Range<KilowattHours>>,
    /// The same with the PUE that the tool used, where it used one.
    pub energy_kwh: Option<Range<KilowattHours>>,
    /// Emissions at the tool's intensity.
    pub co2e_kg: Option<Range<KilogramsCo2e>>,
    /// How it was computed, with its sources.
    pub method: String,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// A measured run beside our estimate of the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// The run's name.
    pub run: String,
    /// The scenario that was estimated: the given one with the run's devices and place.
    pub scenario: Scenario,
    /// What was taken from the run, and what from the given scenario.
    pub basis: Vec<String>,
    /// Measured beside estimated.
    pub rows: Vec<BesideRow>,
    /// Why the two differ, apart from errors.
    pub differences: Vec<BesideDifference>,
    /// Assumptions that the measurement would set.
    pub adjustments: Vec<Adjustment>,
    /// The scenario with those assumptions set; absent where there are none.
    pub adjusted: Option<Scenario>,
    /// Its estimate.
    pub adjusted_estimate: Option<Box<Estimate>>,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// One quantity, measured and estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BesideRow {
    /// A short word for it: `accelerator_watts`, `equipment_kwh`.
    pub key: String,
    /// What it is.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// As measured.
    pub measured: f64,
    /// As we estimate it.
    pub estimated: Range<Ratio>,
    /// Estimated over measured, at the centre.
    pub ratio: Option<f64>,
    /// Whether the measurement lies in our range.
    pub inside: bool,
}

/// A reason why the two differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BesideDifference {
    /// A short word: `boundary`, `pue`, `ram`, `idle_gpus`, `intensity`, `method`.
    pub key: String,
    /// The sentence.
    pub text: String,
}

/// An assumption that a measurement would set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The key in `Scenario::set`.
    pub key: String,
    /// Its name in a sentence.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// The value before.
    pub before: f64,
    /// The value that the measurement gives.
    pub after: f64,
    /// How it follows from the measurement.
    pub why: String,
}

/// A profile beside the roofline of the model's layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileBeside {
    /// The device whose roofline it is.
    pub device: String,
    /// The number format of the products.
    pub precision: String,
    /// Measured kernels with the layers that they compute.
    pub rows: Vec<ProfileRow>,
    /// Measured time of a pass in the matched kernels.
    pub matched_s: Seconds,
    /// Measured time of a pass in kernels that no layer of the model answers to (copies, reformatting).
    pub unmatched_s: Seconds,
    /// The model's layers with work to do that no kernel answers to.
    pub missing_layers: Vec<String>,
    /// What our estimate of a pass is, over the matched layers.
    pub estimated_s: Seconds,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// One measured kernel and the layers that it computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileRow {
    /// The profiler's name.
    pub name: String,
    /// The model's layers.
    pub layers: Vec<String>,
    /// Their operators, the first being what the kernel is about.
    pub op: String,
    /// Measured time in one pass.
    pub measured_s: Seconds,
    /// Our roofline's time; `None` where no layer was found.
    pub estimated_s: Option<Seconds>,
    /// What bounds it by our roofline: `compute` or `memory`.
    pub bound: Option<String>,
    /// FLOPs per second that the measured time means, over the device's peak.
    pub share_of_peak: Option<f64>,
}
