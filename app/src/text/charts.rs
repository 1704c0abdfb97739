//! Charts.

use crate::derive::{Grouping, Measure};
use crate::numbers;
use estimator::format::{self, Readable};
use estimator::units::{BytesPerSecond, FlopsPerSecond};

pub const AS_TABLE: &str = "The same as a table";
pub const SAVE: &str = "Save as SVG";
pub const ROOFLINE_AXES: [&str; 2] = ["FLOPs per byte moved", "FLOP/s within reach"];
pub const ROOFLINE_HEAD: [&str; 4] = ["Layer", "FLOPs per byte", "Bound by", "Share of the time"];
pub const BOUNDS: [&str; 2] = ["computing", "memory"];
pub const TORNADO_HEAD: [&str; 3] = ["If this were different", "Least emissions", "Most emissions"];

pub fn as_table(title: &str) -> String {
    format!("{title}, as a table")
}
pub fn rest(count: usize) -> String {
    format!("{count} others")
}
pub fn group_head(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::None => "Layer",
        Grouping::Operator => "Operator",
        Grouping::Part => "Part",
    }
}
pub fn measure_head(measure: Measure) -> &'static str {
    match measure {
        Measure::Compute => "MACs",
        Measure::Parameters => "Parameters",
        Measure::Memory => "Weights and outputs",
    }
}
pub fn breakdown(measure: Measure, first: Option<(&str, f64)>) -> String {
    let what = match measure {
        Measure::Compute => "the multiply-accumulates",
        Measure::Parameters => "the parameters",
        Measure::Memory => "the bytes of weights and outputs",
    };
    match first {
        Some((label, share)) => format!("{label} has {} of {what}.", numbers::percent(share)),
        None => format!("Nothing to show: {what} are not known or there are none."),
    }
}
pub fn roofline(
    device: &str,
    batch: f64,
    precision: &str,
    peak: FlopsPerSecond,
    bandwidth: BytesPerSecond,
    ridge: f64,
    memory_share: f64,
) -> String {
    format!(
        "{device} computes at most {} in {} and moves {}B/s, so below {} FLOPs per byte its memory is the limit. For the job’s batch of {} on each device, at best {} of a forward pass is bound by memory. A larger circle takes longer; green is bound by computing.",
        peak.readable(),
        precision.to_uppercase(),
        format::count(bandwidth.0),
        format::number(ridge),
        format::number(batch),
        numbers::percent(memory_share),
    )
}
pub fn now(amount: &str) -> String {
    format!("Now: {amount} CO₂e, making included")
}
/// A mark on a scale of factors: what is multiplied, or divided, by how much.
pub fn factor(factor: f64) -> String {
    if factor < 1.0 { format!("÷ {}", format::number(1.0 / factor)) } else { format!("× {}", format::number(factor)) }
}
pub fn tornado(first: Option<(&str, String, &str, String, &str)>) -> String {
    match first {
        Some((name, low, low_label, high, high_label)) => {
            let name = super::inside_sentence(name);
            format!(
                "What matters most is the {name}: from {low} ({low_label}) to {high} ({high_label}). The scale is logarithmic: the same length is the same factor."
            )
        }
        None => "Nothing would change the result.".to_owned(),
    }
}
