//! Two files of one network.

use crate::numbers;
use estimator::compare::{Comparison, Reason};

pub const TITLE: &str = "Compare with another file";
pub const LEDE: &str = "The same network in another format, quantised, pruned or exported anew: which layers are the same, what differs, and why.";
pub const OPEN: &str = "Open the other file…";
pub const CLEAR: &str = "Put it away";
pub const TOTALS: &str = "Counts of both files";
pub const WHAT: &str = "Count";
pub const DIFFERENCE: &str = "Difference";
pub const WHY: &str = "Why they differ";
pub const PARAMETERS: &str = "Parameters";
pub const UNKNOWN: &str = "not known";

pub fn what(code: &str) -> &str {
    match code {
        "parameters" => "Parameters",
        "buffers" => "Buffers",
        "macs" => "MACs",
        "other_operations" => "Other operations",
        "weight_bytes" => "Bytes of weights",
        "peak_activation_bytes" => "Bytes of activations at most",
        "file_bytes" => "Bytes of the file",
        code => code,
    }
}
pub fn signed(amount: i128) -> String {
    let size = numbers::count(u64::try_from(amount.unsigned_abs()).unwrap_or(u64::MAX), "").text();
    match amount {
        0 => "0".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("−{size}"),
    }
}
pub fn amounts(reason: &Reason) -> String {
    let parts = [(reason.parameters, "parameters"), (reason.macs, "MACs"), (reason.bytes, "bytes")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(amount, _)| *amount != 0)
        .map(|(amount, of)| format!("{} {of}", signed(*amount)))
        .collect();
    if parts.is_empty() { String::new() } else { format!(" {}", parts.join(", ")) }
}
pub fn summary(first: &str, second: &str, found: &Comparison) -> String {
    let same = match found.matched {
        1 => "One layer is the same".to_owned(),
        count => format!("{} layers are the same", estimator::format::whole(count)),
    };
    let end = if found.reasons.is_empty() { "; nothing differs." } else { "." };
    format!("{same} in {first} (the first) and {second} (the second){end}")
}
pub fn layers(count: usize) -> String {
    match count {
        1 => "The layer that differs".to_owned(),
        count => format!("The {} layers that differ", estimator::format::whole(count as u64)),
    }
}
pub fn more(count: usize) -> String {
    format!("and {} more", estimator::format::whole(count as u64))
}
