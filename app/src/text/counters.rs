//! Why tools disagree.

use crate::numbers;

pub const TITLE: &str = "Why do tools disagree?";
pub const LEDE: &str = "The same network, counted as other tools would count it. Most of them call MACs FLOPs, and each adds or leaves out something of its own.";
pub const TOOL: &str = "Counter, and what it does differently";
pub const MACS: &str = "MACs";
pub const CHANGE: &str = "Against ours";
pub const OURS: &str = "This page";
pub const OUR_WORDS: &str =
    "Convolutions, matrix products and attention products, one MAC for each multiplication with its addition.";

pub fn missing(why: &str) -> String {
    format!("Other counters cannot be set beside this model: {why}.")
}
pub fn change(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        small if small < 0.005 => "the same".to_owned(),
        _ => format!("{}{:.2} %", if percent > 0.0 { "+" } else { "−" }, percent.abs()),
    }
}
pub fn amount(macs: i64) -> String {
    let sign = if macs > 0 { "+" } else { "−" };
    format!(" {sign}{}", numbers::count(macs.unsigned_abs(), "").text())
}
