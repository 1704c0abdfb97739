//! A model before and after a change: the record behind `greenprint whatif --json` and the page's panel.

use crate::notes::Note;
use crate::range::{Range, Ratio};
use crate::units::{Bytes, Dollars, Seconds, WattHours};
use serde::{Deserialize, Serialize};

/// A change of a model while it serves, in all its consequences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// What the figures are of, in words.
    pub scope: String,
    /// What is changed, in words.
    pub changes: Vec<String>,
    /// The model as it is.
    pub before: Outcome,
    /// The model changed.
    pub after: Outcome,
    /// After over before; what is uncertain about both cancels.
    pub ratio: Ratios,
    /// Where the change saves nothing or costs something, and what was taken for granted.
    pub warnings: Vec<Note>,
    /// What others measured of such changes, the nearest case in front.
    pub published: Vec<PublishedEffect>,
}

/// A model in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Elements of all weights.
    pub parameters: u64,
    /// Bytes of all weights in memory.
    pub weight_bytes: Bytes,
    /// Bytes of a file that holds them; before a change: of the file as it is.
    pub file_bytes: Bytes,
    /// MACs computed in one pass.
    pub macs: u64,
    /// Kernels started in one pass, or one step of decoding; absent where not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernels: Option<u64>,
    /// Bytes that one pass at this batch, or one step of decoding, reads and writes (without the KV cache).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_bytes: Option<Bytes>,
    /// The precision asked for.
    pub precision: String,
    /// The precision that the device computes in.
    pub computed_in: String,
    /// Time of a request.
    pub latency_s: Range<Seconds>,
    /// Requests a second that the devices answer.
    pub capacity_per_s: Range<Ratio>,
    /// Energy at the meter for one request.
    pub energy_wh: Range<WattHours>,
    /// Emissions of one request in grams, use alone.
    pub co2e_g: Range<Ratio>,
    /// Electricity for a thousand requests.
    pub electricity_usd_per_1000: Range<Dollars>,
    /// Rent for a thousand requests, where a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rent_usd_per_1000: Option<Range<Dollars>>,
    /// Whether it fits the devices' memory; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fits: Option<bool>,
    /// The share of the time that arithmetic bounds.
    pub compute_bound: Ratio,
    /// The share of the time that memory bounds.
    pub memory_bound: Ratio,
    /// The share of the time that starting takes.
    pub overhead: Ratio,
}

/// After over before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// Energy for a request.
    pub energy: Range<Ratio>,
    /// Emissions of a request, making the machines included.
    pub co2e: Range<Ratio>,
    /// What a request costs: rent where its price is known, else electricity.
    pub cost: Range<Ratio>,
    /// Time of a request.
    pub time: Range<Ratio>,
}

/// A published effect of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedEffect {
    /// What was done.
    pub method: String,
    /// To which model.
    pub model: String,
    /// On what; empty where that plays no part.
    pub hardware: String,
    /// At which batch, in words; empty where not said.
    pub batch: String,
    /// What the figure is: `speed-up`, `energy`, `memory`, `file`, `accuracy-loss`, `loss`, `performance-per-watt`.
    pub metric: String,
    /// The figure.
    pub value: Range<Ratio>,
    /// What stands behind the number, for people.
    pub unit: String,
    /// What to know about it.
    pub note: String,
    /// Who published it.
    pub source: String,
    /// How sure we are of having copied it right.
    pub certainty: String,
}
