//! Inside the model.

use crate::derive::Measure;

pub const TITLE: &str = "Inside the model";
pub const MEASURE: &str = "What to show";
pub const GROUPING: &str = "Gather by";
pub const COMPUTE: &str = "Compute";
pub const PARAMETERS: &str = "Parameters";
pub const MEMORY: &str = "Memory";
pub const BY_OPERATOR: &str = "By operator";
pub const BY_KIND: &str = "By kind";
pub const BY_MODULE: &str = "By module";
pub const BY_PART: &str = "By part";
pub const BY_LAYER: &str = "By layer";
pub const NO_ROOFLINE: &str = "No roofline: the peak or the memory bandwidth of this device is not published.";

pub fn breakdown(measure: Measure) -> &'static str {
    match measure {
        Measure::Compute => "Where the compute goes",
        Measure::Parameters => "Where the parameters are",
        Measure::Memory => "Where the memory goes",
    }
}
pub fn roofline(device: &str) -> String {
    format!("What limits the layers on {device}")
}
