//! The estimate.

pub const NAME: &str = "Estimate";
pub const TITLE: &str = "The estimate";
