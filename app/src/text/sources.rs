//! The foot of the page.

use estimator::sources::Source;

pub const METHOD: &str = "How to read this";
pub const METHOD_TEXT: [&str; 3] = [
    "One MAC is one multiplication and one addition, so FLOPs are 2 × MACs. Only convolutions, matrix products and attention products are counted as MACs; norms, activations and the like are “other operations”. What has no formula is listed, never counted as zero.",
    "Every estimate is a range. The central figure is the best single guess, and the ends combine the spans of the assumptions. The validation page shows how many published figures lie between them.",
    "Emissions are those of the electricity used, by the average carbon intensity of the grid. The share of making the machines is shown beside them.",
];
pub const TITLE: &str = "Sources and credits";
pub const CREDIT: &str = "Carbon intensities by country: Our World in Data, based on Ember’s Yearly Electricity Data and the Energy Institute’s Statistical Review of World Energy (CC BY 4.0). \
    Further figures are facts from the publications below.";

pub fn all(count: usize) -> String {
    format!("All {count} sources")
}
pub fn line(source: &Source) -> String {
    let credit = if source.credit.is_empty() { String::new() } else { format!(" Credit: {}.", source.credit) };
    format!("{}, {}.{credit}", source.citation(), source.licence)
}
/// The host of an address, to be read as a link.
pub fn host(address: &str) -> String {
    let rest = address.split("://").nth(1).unwrap_or(address);
    rest.split('/').next().unwrap_or(rest).to_owned()
}
pub fn build(id: &str) -> String {
    format!("Greenprint, MIT or Apache-2.0. Build {id}.")
}
