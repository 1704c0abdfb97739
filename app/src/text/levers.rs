//! Which change would save most.

use estimator::format;

pub const TITLE: &str = "Which lever first?";
pub const LEDE: &str = "Everything that could be changed about this model and its work, by the emissions that it would save, each by itself and under the same assumptions.";
pub const CHART: &str = "Emissions saved, making the machines included";
pub const CHART_HEAD: [&str; 2] = ["Lever", "Emissions saved"];
pub const TABLE: &str = "All levers";
pub const COLUMNS: [&str; 6] = ["Lever", "Emissions saved", "Energy saved", "Money saved", "Time", "What to know"];
pub const ACCURACY: &str = "Answers may get worse. ";
pub const NOTHING: &str = "Nothing that could be changed here would save emissions.";

pub fn summary(unit: &str, energy: &str, co2e: &str, cost: &str, rent: bool) -> String {
    let what = if rent { "rent" } else { "electricity" };
    format!("As it is, {unit} takes {energy} and {co2e} CO₂e, and costs {cost} of {what}.")
}

/// A share saved with its range: `35 % (21 to 46 %)`; below zero it costs more.
pub fn share(low: f64, central: f64, high: f64) -> String {
    let of = |share: f64| format::number((share * 100.0).round());
    format!("{} % ({} to {} %)", of(central), of(low), of(high))
}
