//! The result.

use crate::numbers;
use estimator::format;

pub const TITLE: &str = "Result";
pub const WAITING: &str = "The estimate appears as soon as the model has been read.";
pub const NO_ESTIMATE: &str = "There is no estimate for this";
pub const CO2: &str = "Emissions";
pub const CO2_HELP: &str = "of the electricity used";
pub const ENERGY: &str = "Energy";
pub const ENERGY_HELP: &str = "at the building’s meter";
pub const COST: &str = "Electricity bill";
pub const WATER: &str = "Water";
pub const EMBODIED: &str = "Making the machines";
pub const EMBODIED_HELP: &str = "their share, on top";
pub const AND: &str = " of electricity and emits about ";
pub const PARTS: &str = "Where the energy goes";
pub const PART_NAMES: [&str; 5] = ["Accelerators", "Hosts", "Network", "Idle", "Cooling and losses"];
pub fn as_much_as(total: &str, with_making: bool) -> String {
    let making = if with_making { ", making included," } else { "" };
    format!("{total} CO₂e{making} is as much as")
}
pub const ACCOUNTING: &str = "By location and by market, losses, and what the tonnes would cost";
pub fn account(account: &estimator::report::Account) -> String {
    let year = account.year.map(|year| format!(", {year}")).unwrap_or_default();
    let method = account.method.trim_end_matches("-based");
    format!("By {method} ({}{year})", account.basis)
}
pub fn intensity(grams: f64) -> String {
    format!("{} g/kWh", format::number(grams))
}
pub fn price(name: &str, year: u16) -> String {
    format!("{name} ({year})")
}
pub fn a_tonne(price: &str) -> String {
    format!("{price} a tonne")
}
pub fn market(about: &str) -> String {
    super::intake::sentence(&format!("by market: {about}"))
}
pub fn losses(amount: &str, share: f64) -> String {
    format!(
        "Generating what the network loses ({} of what is generated) emits {amount} more; no figure here holds it.",
        numbers::percent(share)
    )
}
pub fn altogether(total: &str, span: &str) -> String {
    format!("With the share of making the machines: {total} CO₂e ({span}).")
}
pub const MORE_EQUIVALENTS: &str = "More comparisons, and their sources";
pub const HOW: &str = "How was this computed?";
pub const HOW_TITLE: &str = "How this was computed";
pub const SAVE: &str = "Save as JSON";
pub const PRINT: &str = "Print, or save as PDF";
pub const HOW_LEDE: &str = "Each line is a formula, the same with your numbers in it, and its result. Central figures; the assumptions behind them are listed on the page.";
pub const HOW_RANGES: &str =
    "Low and high figures come from the spans of the assumptions, combined as independent errors.";

pub fn hours(training: bool) -> &'static str {
    if training { "Time" } else { "Time covered" }
}
pub fn machines(count: u64, device: &str) -> String {
    if count == 1 { format!("one {device}") } else { format!("{} × {device}", format::whole(count)) }
}
pub fn training(name: &str, epochs: f64, machines: &str, time: &str) -> String {
    let epochs = if epochs == 1.0 { "one epoch".to_owned() } else { format!("{} epochs", format::number(epochs)) };
    format!("Training {name} for {epochs} on {machines} takes about {time},")
}
pub fn training_tokens(name: &str, tokens: f64, machines: &str, time: &str) -> String {
    let tokens = super::model::size(tokens);
    format!("Training {name} on {tokens} tokens with {machines} takes about {time},")
}
pub fn serving(name: &str, scope: &str, machines: &str) -> String {
    format!("Serving {name} on {machines}, {scope}, takes about")
}
pub fn between(span: &str) -> String {
    format!(" (likely {span}).")
}
pub fn per_request(amount: &str, span: &str) -> String {
    format!("One request: {amount} at the meter ({span}), idle share included.")
}
pub fn per_token(amount: &str, span: &str) -> String {
    format!("One token of the answer: {amount} at the meter ({span}), prompt and idle share included.")
}
pub fn per_trained_token(amount: &str, span: &str) -> String {
    format!("One token read in training: {amount} at the meter ({span}).")
}
pub fn first_token(amount: &str, span: &str) -> String {
    format!("Time to the first token: {amount} ({span}).")
}
pub fn between_tokens(amount: &str, span: &str) -> String {
    format!("Time between tokens: {amount} ({span}).")
}
pub fn latency(amount: &str, span: &str) -> String {
    format!("Latency of a batch: {amount} ({span}), without queueing.")
}
pub fn load(central: f64, high: f64, capacity: f64) -> String {
    let capacity = format::number(capacity);
    if central > 1.0 {
        format!(
            "Overloaded: the machines can answer {capacity} requests a second, and {} of that is asked for.",
            numbers::percent(central)
        )
    } else if high > 1.0 {
        format!(
            "Load: {} of the {capacity} requests a second that the machines can answer; at the high end they could not keep up.",
            numbers::percent(central)
        )
    } else {
        format!("Load: {} of the {capacity} requests a second that the machines can answer.", numbers::percent(central))
    }
}
pub fn bound(compute: f64, memory: f64, overhead: f64) -> String {
    format!(
        "Of the time of a batch, {} is bound by computing, {} by memory, {} goes into starting layers.",
        numbers::percent(compute),
        numbers::percent(memory),
        numbers::percent(overhead)
    )
}
pub fn memory(needed: &str, is_least: bool, available: Option<&str>, fits: Option<bool>) -> String {
    let about = if is_least { "at least" } else { "about" };
    match (available, fits) {
        (Some(available), Some(true)) => {
            format!("Memory: needs {about} {needed} of each device’s {available}. It fits.")
        }
        (Some(available), Some(false)) => {
            format!("Memory: needs {about} {needed}, and each device has {available}.")
        }
        (Some(available), None) => {
            format!(
                "Memory: needs {about} {needed} of each device’s {available}; whether it fits depends on what is not known."
            )
        }
        (None, _) => format!("Memory: needs {about} {needed} on each device."),
    }
}
pub const NO_OPERATIONS: &str = "The file holds weights and does not say what is computed with them. Open it together with its config.json, or go by its size.";
pub const OBSTACLE: &str = "This cannot run as described";
pub fn use_devices(count: u64) -> String {
    if count == 1 { "Use one device".to_owned() } else { format!("Use {} devices", format::whole(count)) }
}
pub fn by_size(parameters: u64) -> String {
    format!("Estimate it as a language model of {} parameters", super::model::size(parameters as f64))
}
pub fn memory_parts(parts: &[String]) -> String {
    format!("({})", parts.join(", "))
}
