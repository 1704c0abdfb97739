//! The methods page.

use super::plural;

pub const NAME: &str = "Methods";
pub const TITLE: &str = "What the estimates rest on";
pub const LEDE: &str = "Every formula, every constant with its range and its source, and what is not in the figures.";
pub const FIND: &str = "Find a formula, a constant or a source";
pub const CONTENTS: &str = "On this page";
pub const CONSTANTS: &str = "Constants";
pub const CONSTANTS_HELP: &str = "Factors that belong to no device, grid or site. The range holds about four of five comparable cases where the note names percentiles; elsewhere its ends are other published figures.";
pub const FITTED: &str = "Fitted constants";
pub const FITTED_HELP: &str =
    "Written by a fit to measured or published rows; the fit is part of the program and can be run again.";
pub const FITTED_HEAD: [&str; 4] = ["Constant", "Value", "Standard error", "What it is"];
pub const TABLES: &str = "Tables";
pub const TABLES_HEAD: [&str; 3] = ["Table", "Rows", "A row is"];
pub const INTRODUCTION: &str = "How to read this";
pub const NONE: &str = "Nothing here has these words.";
pub const LINK: &str = "Link to this constant";

pub fn version(data: &str, build: &str) -> String {
    format!("Data version {data}, build {build}. Equal tables have equal versions.")
}
pub fn found(count: usize) -> String {
    plural(count, "place", "places")
}
pub fn value(value: &str, unit: &str) -> String {
    format!("{value} {}", unit_of(unit)).trim_end().to_owned()
}
fn unit_of(unit: &str) -> &str {
    match unit {
        "ratio" | "share" | "count" => "",
        unit => unit,
    }
}
pub fn range(low: &str, high: &str) -> String {
    format!("{low} to {high}")
}
pub fn source(citation: &str, year: u16, certainty: &str) -> String {
    format!("{citation}; the figure is of {year}, {certainty}")
}
pub fn what_a_row_is(table: &str) -> &'static str {
    match table {
        "hardware.csv" => "a device with its peaks, memory, power and emissions of making",
        "grids.csv" => "a published carbon intensity of a grid, with its basis and year",
        "sites.csv" => "a cloud region, a supercomputer, or a place of one’s own, with PUE and WUE",
        "published_runs.csv" => "a training run as its authors reported it",
        "sources.csv" => "a publication that rows of the other tables name",
        _ => "",
    }
}
