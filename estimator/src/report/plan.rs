//! What a budget buys: the record behind `greenprint plan --json`.

use crate::notes::Note;
use crate::range::{Range, Ratio};
use crate::units::{Dollars, Flops, Hours, KilogramsCo2e, KilowattHours};
use serde::{Deserialize, Serialize};

/// The model that a budget trains best, what it costs, and what is cheapest over its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The budget's amount.
    pub budget: f64,
    /// Its unit: `kWh`, `kgCO2e`, `USD` or `device-hours`.
    pub unit: String,
    /// The name of the law and its source.
    pub law: String,
    /// The size, tokens and loss that the budget reaches at best, by the corrected fit.
    pub best: Best,
    /// The same by the original fit, for comparison.
    pub by_the_original_fit: Option<Point>,
    /// What training the best model costs.
    pub cost: Cost,
    /// By how much the best size may be larger or smaller, for the law alone.
    pub factor_of_the_law: f64,
    /// The compute that the budget buys at best and at worst, over the central figure.
    pub factor_of_the_cost: Range<Ratio>,
    /// Loss over size at equal compute: a tenth of the budget's, a third, the budget's, three times and ten times.
    pub isoflops: Vec<IsoFlop>,
    /// The cheapest model of the same loss over its life; absent where no tokens are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// The best model for a budget, with spans.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Parameters.
    pub parameters: Range<Ratio>,
    /// Tokens it learns from.
    pub tokens: Range<Ratio>,
    /// Tokens for each parameter, at the centre.
    pub tokens_per_parameter: f64,
    /// The loss it reaches on text like that of the law, in nats for each token.
    pub loss: Range<Ratio>,
    /// Operations of its training.
    pub flops: Flops,
}

/// A size, an amount of text, and the loss that they reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Parameters.
    pub parameters: f64,
    /// Tokens.
    pub tokens: f64,
    /// Loss.
    pub loss: f64,
}

/// What training costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Wall-clock hours of all devices together.
    pub hours: Range<Hours>,
    /// Hours × devices.
    pub device_hours: Range<Hours>,
    /// Energy at the meter.
    pub energy_kwh: Range<KilowattHours>,
    /// Emissions of that energy.
    pub co2e_kg: Range<KilogramsCo2e>,
    /// The electricity bill.
    pub cost_usd: Range<Dollars>,
    /// Rent instead, where a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rent_usd: Option<Range<Dollars>>,
}

/// Loss over size at equal compute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsoFlop {
    /// The compute.
    pub flops: Flops,
    /// The best point on the curve.
    pub best: Point,
    /// The curve, from small to large.
    pub points: Vec<Point>,
}

/// The same loss over a model's life: training and serving together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lifetime {
    /// Tokens of prompts and answers that are served.
    pub served_tokens: f64,
    /// Requests that they make.
    pub requests: f64,
    /// The loss that is reached.
    pub loss: f64,
    /// The model that the training budget alone would choose.
    pub compute_optimal: Life,
    /// The model that needs the least energy over its life.
    pub best: Life,
    /// The best size, with the span that the cost of serving gives it.
    pub parameters: Range<Ratio>,
    /// Energy that the best saves over its life.
    pub saved_kwh: KilowattHours,
    /// The same as a share of the compute-optimal model's.
    pub saved_share: f64,
    /// Energy over size, from small to large.
    pub curve: Vec<Life>,
}

/// What a model of a size costs over its life.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// Parameters.
    pub parameters: f64,
    /// Tokens with which it reaches the loss.
    pub tokens: f64,
    /// Energy of training.
    pub training_kwh: KilowattHours,
    /// Energy of serving.
    pub serving_kwh: KilowattHours,
    /// Emissions of both.
    pub co2e_kg: KilogramsCo2e,
    /// Devices that hold it while it serves.
    pub serving_devices: u64,
}

impl Life {
    /// Training and serving together.
    pub fn total(&self) -> KilowattHours {
        self.training_kwh + self.serving_kwh
    }
}

/// After how many requests extra training has paid for itself: the record behind `greenprint breakeven --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// In energy.
    pub energy: PayBack,
    /// In emissions.
    pub co2e: PayBack,
    /// In money: rent where a price is known, else the electricity bill.
    pub money: Option<PayBack>,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// What is spent once, what each request saves, and how many pay it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PayBack {
    /// The unit: `kWh`, `kg` or `USD`.
    pub unit: String,
    /// Spent once.
    pub extra: Range<Ratio>,
    /// A request before.
    pub before: Range<Ratio>,
    /// A request after.
    pub after: Range<Ratio>,
    /// Requests after which it is paid back; `null` where a request costs no less than before, so it never is.
    pub requests: Option<Range<Ratio>>,
    /// Days until then at the stated rate of requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<Range<Ratio>>,
}

/// Cost ∝ examples × data × experiments, and the efficiency that stands beside a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Green {
    /// Operations for one example (E).
    pub example_flops: Flops,
    /// Examples processed in a run: data × epochs (D).
    pub examples: f64,
    /// Runs (H).
    pub experiments: f64,
    /// The product: all operations.
    pub total_flops: Flops,
    /// Its decimal logarithm: each further one is ten times the cost.
    pub magnitude: f64,
    /// Points of the measure of quality for each tenfold of cost, where a quality is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality_per_magnitude: Option<f64>,
    /// Energy, where it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_kwh: Option<KilowattHours>,
    /// Joules for each example and run, where energy is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joules_per_example: Option<f64>,
}
