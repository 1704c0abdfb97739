//! Measured runs: reading logs, our estimate beside them, and what a whole training would take.

use crate::charts::{Bar, Bars, Chart};
use crate::text::measured as text;
use estimator::format;
use estimator::formats::{Files, InMemory};
use estimator::logs::{self, Found};
use estimator::report::{Beside, Extrapolation, Inspection, Layer, MeasuredRun, Profile, ProfileBeside};
use estimator::scenario::{Hardware, ModelSummary, Scenario};
use std::collections::BTreeMap;

/// Reads the logs among files.
///
/// # Errors
/// In words for people.
pub fn read(files: BTreeMap<String, Vec<u8>>) -> Result<Found, String> {
    logs::read(&Files::new(InMemory(files))).map_err(|fault| fault.to_string())
}

/// Our estimate beside a run.
///
/// # Errors
/// In words for people.
pub fn beside(run: &MeasuredRun, given: &Scenario, model: &ModelSummary) -> Result<Beside, String> {
    logs::beside(run, given, model).map_err(|fault| fault.to_string())
}

/// A whole training.
///
/// # Errors
/// In words for people.
pub fn extrapolate(run: &MeasuredRun, epochs: u64) -> Result<Extrapolation, String> {
    logs::extrapolate(run, epochs)
}

/// A profile beside the layers of a model.
///
/// # Errors
/// In words for people.
pub fn layers(profile: &Profile, layers: Vec<Layer>, on: &Hardware) -> Result<ProfileBeside, String> {
    let model = Inspection { layers, ..Inspection::default() };
    logs::beside_layers(profile, &model, on).map_err(|fault| fault.to_string())
}

/// Our estimate over the measurement, as bars: at 1 the two are equal.
pub fn ratios(beside: &Beside) -> Option<Chart> {
    let rows: Vec<_> = beside.rows.iter().filter_map(|row| Some((row, row.ratio?))).collect();
    let largest = rows.iter().map(|(_, ratio)| *ratio).fold(0.0, f64::max);
    if rows.is_empty() || largest <= 0.0 {
        return None;
    }
    let bars = rows.iter().map(|(row, ratio)| Bar {
        label: row.name.clone(),
        share: ratio / largest,
        shown: format!("× {}", format::number(*ratio)),
        rest: false,
    });
    Some(Chart::Bars(Bars {
        bars: bars.collect(),
        summary: text::ratios_summary(rows.len(), rows.iter().filter(|(row, _)| row.inside).count()),
        head: text::RATIO_HEAD.map(str::to_owned),
    }))
}
