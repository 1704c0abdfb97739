//! Zeus: the CSV log of its monitor, and one measurement as JSON.
//!
//! Energies are joules of the chips alone, read from their own counters. Windows may lie inside each other and then do not add up.
//! Read in `zeus/monitor/energy.py` of 0.16.0.

use super::error::LogError;
use super::text::{Text, sensible};
use crate::notes::Notes;
use crate::report::{Boundary, DeviceRole, Epoch, Measured, MeasuredDevice, MeasuredParts, MeasuredRun, Method};
use crate::units::{Joules, KilowattHours, Seconds};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most windows that are read.
const MOST_WINDOWS: usize = 100_000;
/// The most windows that are shown as runs.
const MOST_RUNS: usize = 500;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    beginning.starts_with("start_time,window_name,elapsed_time")
        || (beginning.trim_start().starts_with('{')
            && beginning.contains("\"gpu_energy\"")
            && beginning.contains("\"time\"")
            && !beginning.contains("\"model_id\""))
}

/// One measurement, as `dataclasses.asdict` gives it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Measurement {
    /// Seconds.
    pub time: Option<f64>,
    /// Joules of each accelerator.
    pub gpu_energy: BTreeMap<String, f64>,
    /// Joules of each processor.
    pub cpu_energy: Option<BTreeMap<String, f64>>,
    /// Joules of each processor's memory.
    pub dram_energy: Option<BTreeMap<String, f64>>,
}

impl Measurement {
    /// Joules of the accelerators.
    pub fn gpu_joules(&self) -> Option<f64> {
        sum(&self.gpu_energy)
    }

    /// The energies by part.
    pub fn parts(&self) -> MeasuredParts {
        let part = |joules: Option<f64>| joules.map(|joules| Joules(joules).kilowatt_hours());
        MeasuredParts {
            cpu: part(self.cpu_energy.as_ref().and_then(sum)),
            gpu: part(self.gpu_joules()),
            ram: part(self.dram_energy.as_ref().and_then(sum)),
            other: None,
        }
    }
}

fn sum(energies: &BTreeMap<String, f64>) -> Option<f64> {
    energies.values().copied().reduce(|sum, next| sum + next).and_then(sensible)
}

/// A window of the log.
struct Window {
    name: String,
    start: f64,
    seconds: f64,
    joules: f64,
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        if text.beginning().trim_start().starts_with('{') {
            let measurement: Measurement = text.json()?;
            let parts = measurement.parts();
            measured.runs.push(MeasuredRun {
                name: crate::formats::base_name(&text.name).to_owned(),
                duration_s: measurement.time.and_then(sensible).map(Seconds),
                energy_kwh: parts.sum(),
                equipment_kwh: parts.sum(),
                boundary: boundary(&parts),
                parts_kwh: parts,
                pue: Some(1.0),
                method: Method::Measured,
                devices: gpus(measurement.gpu_energy.len()),
                ..MeasuredRun::default()
            });
        } else {
            windows(text, &mut measured.runs, &mut notes)?;
        }
        measured.files.push(text.name.clone());
    }
    if measured.runs.is_empty() {
        let first = texts.first().map(|text| text.no_run("no window was closed"));
        return Err(first.unwrap_or_else(super::nothing));
    }
    notes.info("", "Zeus’ log holds the accelerators alone: no processor, memory, fan or power supply");
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn boundary(parts: &MeasuredParts) -> Boundary {
    match (parts.cpu, parts.ram) {
        (None, None) => Boundary::Accelerators,
        (_, None) => Boundary::Chips,
        _ => Boundary::ChipsAndMemory,
    }
}

fn gpus(count: usize) -> Vec<MeasuredDevice> {
    let device = MeasuredDevice {
        role: DeviceRole::Gpu,
        name: "GPU (the log does not name it)".to_owned(),
        count: count as u64,
        id: None,
    };
    if count == 0 { Vec::new() } else { vec![device] }
}

fn windows(text: &Text, runs: &mut Vec<MeasuredRun>, notes: &mut Notes) -> Result<(), LogError> {
    let table = text.table()?;
    let energies: Vec<String> = table
        .columns()
        .filter(|column| column.starts_with("gpu") && column.ends_with("_energy"))
        .map(str::to_owned)
        .collect();
    let mut windows = Vec::new();
    for row in table.rows() {
        let amount = |column: &str| -> Result<f64, LogError> {
            let value = row.required_number(column)?;
            sensible(value).ok_or_else(|| row.fault(column, "expected an amount of 0 or more").into())
        };
        let joules: Result<Vec<f64>, LogError> = energies.iter().map(|column| amount(column)).collect();
        if windows.len() >= MOST_WINDOWS {
            return Err(text.over(format!("more than {MOST_WINDOWS} windows are not read")));
        }
        windows.push(Window {
            name: crate::notes::clip(row.text("window_name")?.unwrap_or_default()),
            start: amount("start_time")?,
            seconds: amount("elapsed_time")?,
            joules: joules?.into_iter().sum(),
        });
    }
    // Sorted by start, the longer first, each window's container is the nearest before it that is still open.
    windows.sort_by(|one, other| one.start.total_cmp(&other.start).then(other.seconds.total_cmp(&one.seconds)));
    // Clocks are read one after the other, so that ends of a window and of the last one in it differ by a little.
    let slack = 1e-3;
    let mut open: Vec<(f64, usize)> = Vec::new();
    let (first, mut nested) = (runs.len(), 0);
    let mut left_out = 0;
    for window in &windows {
        while open.last().is_some_and(|(end, _)| window.start + slack >= *end) {
            open.pop();
        }
        let end = window.start + window.seconds;
        let outer = open.iter().rev().find(|(other, _)| end <= other + slack).map(|(_, run)| *run);
        if let Some(outer) = outer.and_then(|outer| runs.get_mut(outer)) {
            nested += 1;
            if outer.epochs.len() < MOST_WINDOWS {
                outer.epochs.push(Epoch {
                    number: outer.epochs.len() as u64 + 1,
                    duration_s: Some(Seconds(window.seconds)),
                    energy_kwh: Some(Joules(window.joules).kilowatt_hours()),
                });
            }
            continue;
        }
        if runs.len() - first >= MOST_RUNS {
            left_out += 1;
            continue;
        }
        let energy: KilowattHours = Joules(window.joules).kilowatt_hours();
        open.push((end, runs.len()));
        runs.push(MeasuredRun {
            name: window.name.clone(),
            duration_s: Some(Seconds(window.seconds)),
            energy_kwh: Some(energy),
            equipment_kwh: Some(energy),
            parts_kwh: MeasuredParts { gpu: Some(energy), ..MeasuredParts::default() },
            pue: Some(1.0),
            boundary: Boundary::Accelerators,
            method: Method::Measured,
            devices: gpus(energies.len()),
            ..MeasuredRun::default()
        });
    }
    if nested > 0 {
        notes.warn(
            &text.name,
            format!("{nested} windows lie inside others: they are shown as epochs of those and not counted again"),
        );
    }
    if left_out > 0 {
        notes.warn(&text.name, format!("{left_out} windows behind the first {MOST_RUNS} are not shown"));
    }
    Ok(())
}
