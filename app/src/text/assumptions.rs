//! The assumptions.

use super::plural;

pub const TITLE: &str = "What this rests on";
pub const SHOW: &str = "Show and change the assumptions";
pub const RESET: &str = "Reset";
pub const MORE: &str = "In the methods";

pub fn lede(count: usize) -> String {
    format!(
        "{}, each with its source. Change any of them, and everything follows.",
        plural(count, "assumption", "assumptions")
    )
}
pub fn reset(count: usize) -> String {
    format!("Reset {}", plural(count, "changed assumption", "changed assumptions"))
}
pub fn reset_one(name: &str) -> String {
    format!("Reset {}", super::inside_sentence(name))
}
pub fn span(low: &str, high: &str, unit: &str) -> String {
    format!("Likely between {low} and {high} {unit}").trim_end().to_owned()
}
pub fn source(source: &str) -> String {
    format!("Source: {source}")
}
pub fn set_by_you() -> String {
    "Set by you.".to_owned()
}
pub fn more_on(name: &str) -> String {
    format!("In the methods: {}", super::inside_sentence(name))
}
