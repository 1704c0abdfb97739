//! Eco2AI's `emission.csv`.
//!
//! Its column of energy is spelt `power_consumption(kWTh)` in older versions and `power_consumption(kWh)` in newer ones; both hold kWh.
//! A training has a row for each epoch under one `id`, each with that epoch's own time and energy, so they are added up.
//! The PUE that the user gave is in the energy and nowhere stated. Read in `emission_track.py` of 0.3.12, and seen in what it writes.

use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use crate::energy::implied_intensity;
use crate::notes::Notes;
use crate::report::{Boundary, DeviceRole, Epoch, Measured, MeasuredRun, Method, Stage};
use crate::tables::Row;
use crate::units::{KilogramsCo2e, KilowattHours, Seconds};

/// The spellings of the column of energy.
const ENERGY: [&str; 2] = ["power_consumption(kWTh)", "power_consumption(kWh)"];

/// The most epochs of one run that are kept.
const MOST_EPOCHS: usize = 100_000;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    let header = beginning.lines().next().unwrap_or_default();
    ENERGY.iter().any(|column| header.contains(column))
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        let table = text.table()?;
        let has = |column: &str| table.has_column(column);
        let mut last: Option<String> = None;
        for row in table.rows() {
            let words = |column: &str| {
                let text = has(column).then(|| row.text(column).ok().flatten()).flatten();
                text.filter(|text| !matches!(*text, "N/A" | "nan"))
            };
            let energy = match ENERGY.iter().find(|column| has(column)) {
                Some(column) => amount(&row, column)?,
                None => None,
            };
            let duration = match ["duration(s)", "time(s)"].iter().find(|column| has(column)) {
                Some(column) => amount(&row, column)?,
                None => None,
            };
            let emissions = if has("CO2_emissions(kg)") { amount(&row, "CO2_emissions(kg)")? } else { None };
            let id = words("id").map(str::to_owned);
            let epoch = words("epoch").is_some();
            let again = id.is_some() && id == last;
            if !again {
                let name = [words("project_name"), words("experiment_description")];
                measured.runs.push(MeasuredRun {
                    name: crate::notes::clip(&name.into_iter().flatten().collect::<Vec<_>>().join(": ")),
                    boundary: Boundary::ChipsAndMemory,
                    method: Method::Mixed,
                    ..MeasuredRun::default()
                });
            }
            last = id;
            let Some(run) = measured.runs.last_mut() else { continue };
            let (mut duration, mut energy, mut emissions) = (duration, energy, emissions);
            if epoch {
                run.stage = Some(Stage::Training);
                if run.epochs.len() < MOST_EPOCHS {
                    run.epochs.push(Epoch {
                        number: run.epochs.len() as u64 + 1,
                        duration_s: duration.map(Seconds),
                        energy_kwh: energy.map(KilowattHours),
                    });
                }
                let add = |own: Option<f64>, before: Option<f64>| Some(own? + before.unwrap_or(0.0));
                duration = add(duration, run.duration_s.map(|before| before.0));
                energy = add(energy, run.energy_kwh.map(|before| before.0));
                emissions = add(emissions, run.co2e_kg.map(|before| before.0));
            }
            run.duration_s = duration.map(Seconds);
            run.energy_kwh = energy.map(KilowattHours);
            run.co2e_kg = emissions.map(KilogramsCo2e);
            run.intensity =
                run.energy_kwh.zip(run.co2e_kg).and_then(|(energy, emissions)| implied_intensity(energy, emissions));
            run.place = words("region/country").or_else(|| words("country")).map(crate::notes::clip);
            run.region = run.place.as_deref().and_then(|place| place.rsplit('/').find_map(names::region));
            run.devices.clear();
            if let Some(cpu) = words("CPU_name") {
                // `name/1 device(s), TDP:100.0`
                let (name, rest) = cpu.rsplit_once('/').unwrap_or((cpu, ""));
                let count = rest.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(1);
                run.devices.push(names::device(DeviceRole::Cpu, name, count));
            }
            if let Some(gpu) = words("GPU_name") {
                // `name 2 device(s)`, and ` 0 device(s)` without any.
                let plain = gpu.trim_end_matches("device(s)").trim();
                let (name, count) = plain.rsplit_once(' ').unwrap_or(("", plain));
                if !name.is_empty() {
                    run.devices.push(names::device(DeviceRole::Gpu, name, count.parse().unwrap_or(1)));
                }
            }
        }
        if table.has_column(ENERGY[0]) {
            notes.info("", "the column “power_consumption(kWTh)” holds energy in kWh");
        }
        measured.files.push(text.name.clone());
    }
    if measured.runs.is_empty() {
        let first = texts.first().map(|text| text.no_run("the table has a header and no row"));
        return Err(first.unwrap_or_else(super::nothing));
    }
    if measured.runs.iter().any(|run| run.epochs.len() > 1) {
        notes
            .info("", "rows of one id are epochs of one training, each with its own time and energy, and are added up");
    }
    notes.warn("", "Eco2AI multiplies by the PUE that its user gave and does not write it: what the equipment drew is not known unless that PUE was 1");
    notes.info("", "the processor’s draw is its rating (TDP) times its load, memory’s a constant for each GB; only NVIDIA GPUs are read from a sensor");
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn amount(row: &Row<'_>, column: &str) -> Result<Option<f64>, LogError> {
    match row.text(column)? {
        None | Some("N/A" | "nan") => Ok(None),
        Some(text) => match text.parse::<f64>().ok().and_then(sensible) {
            Some(number) => Ok(Some(number)),
            None => Err(row.fault(column, format!("“{text}” is not an amount of 0 or more")).into()),
        },
    }
}
