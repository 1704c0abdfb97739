//! The estimate.

pub const TITLE: &str = "The estimate";
