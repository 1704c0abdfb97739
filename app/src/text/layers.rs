//! The table of layers.

use super::plural;

pub const TITLE: &str = "Layer by layer";
pub const MODULES: &str = "Module by module";
pub const TABLE: &str = "Table of all layers";
pub const FILTER: &str = "Filter by name, operator or shape";
pub const FILTER_MODULES: &str = "Filter by name";
pub const ARRANGE: &str = "Arrange";
pub const IN_ORDER: &str = "In order";
pub const NO_PART: &str = "(top level)";
pub const COLUMNS: [&str; 9] =
    ["No.", "Name", "Operator", "Output", "Parameters", "MACs", "Other ops", "Weights", "Activations"];

pub fn count(kept: usize, all: usize, modules: bool) -> String {
    let (one, many) = if modules { ("module", "modules") } else { ("layer", "layers") };
    if kept == all {
        plural(all, one, many)
    } else {
        format!("{} of {}", estimator::format::whole(kept as u64), plural(all, one, many))
    }
}
pub fn none(filter: &str) -> String {
    if filter.is_empty() { "There are no layers.".to_owned() } else { format!("No layer matches “{filter}”.") }
}
pub fn times(times: u64) -> String {
    format!(" (runs {} times)", estimator::format::whole(times))
}
