//! The validation page.

use super::plural;

pub const NAME: &str = "Validation";
pub const TITLE: &str = "How often are the estimates right?";
pub const LEDE: &str = "Every published or measured figure that our tables hold, beside what Greenprint estimates for the same work. An asterisk marks what our constants were fitted to. A range is worth what its past errors say it is worth.";
pub const WORKING: &str = "Estimating every row…";
pub const PROGRESS: &str = "Rows estimated";
pub const OURS: &str = "Greenprint";
pub const CHART: &str = "Published against estimated";
pub const CHART_HEAD: [&str; 4] = ["Row", "Method", "Published", "Estimated"];
pub const SUMS: &str = "By what is compared";
pub const SUMS_HEAD: [&str; 5] = ["What is compared", "Rows", "Median factor", "90th percentile", "Inside the range"];
pub const SUMS_HELP: &str =
    "The factor is the larger of estimated ÷ published and published ÷ estimated: 1 is perfect.";
pub const ALL: &str = "All";
pub const BESIDE: &str = "Other methods on the same rows";
pub const BESIDE_HEAD: [&str; 5] = ["Method", "What is compared", "Rows", "Its median factor", "Ours"];
pub const BESIDE_HELP: &str = "Only rows of which the method says something are counted, for it and for us; ours are training estimates with constants that were fitted without the row’s own publication, and estimates of services with constants that were fitted to these rows among others.";
pub const LEFT_OUT: &str = "Services, judged without their own model or chip";
pub const LEFT_OUT_HELP: &str = "The constants of serving are fitted to the measured services above, so those rows say too little of a new model. Here the fit was made again without each model, and without each chip, and judged on what it had not seen; the range of an estimate comes from these errors.";
pub const LEFT_OUT_HEAD: [&str; 5] =
    ["Rows", "Left out of the fit", "How many", "Off by, median", "Off by, 90th percentile"];
pub fn left_out(what: &str) -> &str {
    match what {
        "none" => "nothing",
        "model" => "the row’s model",
        "gpu" => "the row’s chip",
        other => other,
    }
}
pub const WITH: &str = "Beside";
pub const NO_METHOD: &str = "No other method";
pub const GLANCE: &str = "At a glance";
pub const ROWS: &str = "Every row";
pub const TABLE: &str = "Table of rows";
pub const FIND: &str = "Find rows";
pub const QUANTITY: &str = "What is compared";
pub const OUTSIDE: &str = "Only those outside our range";
pub const COLUMNS: [&str; 9] =
    ["No.", "Row", "What is compared", "Published", "Estimated", "Range", "Off by", "Inside", "Source"];
pub const YES: &str = "yes";
pub const NO: &str = "no";
pub const NONE: &str = "No row matches.";
pub const SAVE_CSV: &str = "Save as CSV";
pub const SAVE_JSON: &str = "Save as JSON";
pub const YOURS: &str = "Test us with rows of your own";
pub const YOURS_HELP: &str = "Drop a CSV file anywhere on this page, or open one. It is read in your browser and goes nowhere. Nothing is fitted to it.";
pub const LAYOUTS: [(&str, &str); 3] = [
    (
        "Training runs",
        "model, params_total_B, params_active_B, tokens_B, hardware, n_chips, chip_hours, energy_MWh, power_basis, pue",
    ),
    (
        "Served language models",
        "model_id, total_params_b, active_params_b, weight_precision, gpu, num_gpus, avg_batch_size, avg_output_tokens, energy_per_output_token_J",
    ),
    ("Our own table of published runs", "the columns of published_runs.csv"),
];
pub const LAYOUTS_SHOW: &str = "The three layouts that are understood";
pub const OPEN: &str = "Open a CSV file…";
pub const BACK: &str = "Back to our tables";
pub const DROP: &str = "Drop the rows to test us with them";
pub const NOT_READ: &str = "These rows could not be read";
pub const TOO_LARGE: &str = "The file is larger than 20 MB. Please take a part of it.";
pub const METHOD_OF_TEST: &str = "Each row gives a model’s size, its work and its machines, as a user would. The estimate is made as for a new run and compared at the boundary that the publication drew: the accelerators alone, the server at the wall, or the whole system. Nothing is fitted to the rows at hand; rows from which a factor of ours was derived are marked with an asterisk.";

pub fn band(factor: &str) -> String {
    format!("within a factor of {factor}")
}
pub fn axes(unit: Option<&str>) -> [String; 2] {
    let unit = unit.unwrap_or("in the row’s unit");
    [format!("Published, {unit}"), format!("Estimated, {unit}")]
}
pub fn summary(rows: usize, within_band: usize, within_range: usize, worst: Option<(&str, String)>) -> String {
    let Some((name, factor)) = worst else { return NONE.to_owned() };
    format!(
        "{within_band} of {} lie within a factor of 2, and {within_range} inside our range. Furthest off is {name}, by a factor of {factor}. On the line, both are equal; a thin upright line is our range.",
        plural(rows, "row", "rows")
    )
}
pub fn quantity(quantity: &str) -> String {
    let mut letters = quantity.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
/// What a mark on a row means: it helped to derive a factor, and how far off we are without its publication.
pub fn in_sample(without: Option<f64>) -> String {
    let without = without
        .map(|factor| format!("; without its publication we are off by × {}", estimator::format::number(factor)));
    format!("A factor of ours was derived from this row among others{}", without.unwrap_or_default())
}
pub fn factor(factor: &str, in_sample: bool) -> String {
    format!("× {factor}{}", if in_sample { " *" } else { "" })
}
pub fn count(shown: usize, all: usize) -> String {
    let all_rows = plural(all, "row", "rows");
    if shown == all { all_rows } else { format!("{} of {all_rows}", estimator::format::whole(shown as u64)) }
}
pub fn inside(within: usize, all: usize) -> String {
    if all == 0 { String::new() } else { format!("{within} ({})", crate::numbers::percent(within as f64 / all as f64)) }
}
pub fn skipped(count: usize) -> String {
    plural(count, "row was left out, and why", "rows were left out, and why")
}
pub fn of_file(name: &str) -> String {
    format!("These are the rows of {name}.")
}
