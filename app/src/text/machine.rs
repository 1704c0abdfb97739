//! The machines.

use estimator::format::{self, Readable};
use estimator::hardware::Device;

pub const TITLE: &str = "The machine";
pub const DEVICE: &str = "Hardware";
pub const NONE: &str = "No such device. Try a part of its name, such as A100, 4090 or Jetson.";
pub const COUNT: &str = "How many";
pub const PRECISION: &str = "Precision";

pub fn detail(device: &Device) -> String {
    match device.memory() {
        Some(memory) => format!("{}, {}", device.year, memory.readable()),
        None => device.year.to_string(),
    }
}
pub fn facts(device: &Device) -> String {
    let mut facts = Vec::new();
    let usual = estimator::energy::usual_precision(device);
    if let Some((precision, peak)) = usual.and_then(|precision| Some((precision, device.own_peak(precision)?))) {
        facts.push(format!("{} in {}", peak.readable(), precision.code().to_uppercase()));
    }
    if let Some(bandwidth) = device.memory_bandwidth {
        facts.push(format!("{}B/s", format::count(bandwidth.0)));
    }
    if let Some(power) = device.tdp {
        facts.push(format!("{} TDP", power.readable()));
    }
    facts.join(" · ").replace(' ', "\u{a0}").replace("\u{a0}·\u{a0}", " · ")
}
pub fn precision(code: &str) -> String {
    code.to_uppercase()
}
pub fn usual(code: Option<&str>) -> String {
    code.map_or_else(|| "The usual one".to_owned(), |code| format!("Usual ({})", code.to_uppercase()))
}
