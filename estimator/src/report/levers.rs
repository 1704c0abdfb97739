//! What would save most: the record behind `greenprint levers --json` and the page's chart.

use crate::notes::Note;
use crate::range::{Range, Ratio};
use crate::units::{Dollars, KilogramsCo2e, KilowattHours};
use serde::{Deserialize, Serialize};

/// The levers of a model and its work, the one that saves most emissions in front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Levers {
    /// What the amounts are for: `1,000 requests` or `one training run`.
    pub unit: String,
    /// What that takes as it is.
    pub energy_kwh: Range<KilowattHours>,
    /// Its emissions, making the machines included.
    pub co2e_kg: Range<KilogramsCo2e>,
    /// What it costs: rent where a price is known, else electricity.
    pub cost_usd: Range<Dollars>,
    /// Whether that cost is rent.
    pub cost_is_rent: bool,
    /// The levers, by the emissions that they save.
    pub levers: Vec<Lever>,
    /// The advice in sentences.
    pub advice: Vec<String>,
    /// What was left out, and why.
    pub notes: Vec<Note>,
}

/// One thing that could be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lever {
    /// What kind it is: `region`, `device`, `batch`, `quantize`, `software`, `prune`, `distil`, `smaller-model`, `precision`, `power-cap`, `clocks`.
    pub kind: String,
    /// What it is, in words: `8-bit floating point, weights and activations`.
    pub title: String,
    /// The word or id to put into a scenario, where one does it.
    pub value: String,
    /// Energy after over before.
    pub energy_ratio: Range<Ratio>,
    /// Emissions after over before.
    pub co2e_ratio: Range<Ratio>,
    /// Time of a request or run, after over before.
    pub time_ratio: Range<Ratio>,
    /// Energy saved; below zero where it takes more.
    pub energy_kwh: Range<KilowattHours>,
    /// Emissions saved.
    pub co2e_kg: Range<KilogramsCo2e>,
    /// Money saved.
    pub cost_usd: Range<Dollars>,
    /// Whether answers may get worse.
    pub costs_accuracy: bool,
    /// What to know before doing it: accuracy, effort, the measurement behind it.
    pub caution: String,
}
