//! Green Algorithms' export: one row of the calculator's inputs, separated by semicolons.
//!
//! It is a calculation from ratings, hours and loads, no measurement; the file holds the inputs and not the result, which is computed
//! here by the calculator's own formula: hours × (cores × watts × load + GPUs × watts × load + memory) × PUE × multiplier.
//! Read in `blueprints/form/form_blueprint.py` and `blueprints/import_export` of GreenAlgorithms/green-algorithms-tool.

use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use crate::carbon::factors;
use crate::notes::{Notes, clip};
use crate::report::{Boundary, DeviceRole, Measured, MeasuredParts, MeasuredRun, Method};
use crate::units::{GramsPerKilowattHour, Hours, KilowattHours, SECONDS_PER_HOUR, Seconds, Watts};
use std::collections::BTreeMap;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    let header = beginning.lines().next().unwrap_or_default();
    header.contains("coreType") && header.contains("runTime_hour")
}

/// The most rows of one file.
const MOST_ROWS: usize = 1000;

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        let mut lines = text.lines().filter(|(_, line)| !line.trim().is_empty());
        let Some((_, header)) = lines.next() else { return Err(text.no_run("the file has no row")) };
        // An old export, or one saved by a spreadsheet, has commas.
        let separator = if header.contains(';') { ';' } else { ',' };
        let names: Vec<String> = cells(header.trim_start_matches('\u{feff}'), separator);
        let before = measured.runs.len();
        for (number, line) in lines.take(MOST_ROWS) {
            let values = cells(line, separator);
            if values.len() != names.len() {
                return Err(
                    text.broken(Some(number), format!("{} cells where the header has {}", values.len(), names.len()))
                );
            }
            let row: BTreeMap<&str, &str> =
                names.iter().map(String::as_str).zip(values.iter().map(|value| value.trim())).collect();
            measured.version = row.get("appVersion").map(|version| clip(version)).or(measured.version);
            measured.runs.push(run(text, number, &row, &mut notes)?);
        }
        if measured.runs.len() == before {
            return Err(text.no_run("the file has a header and no row"));
        }
        measured.files.push(text.name.clone());
    }
    notes.warn("", "Green Algorithms computes from ratings (TDP), loads and hours; nothing of it is measured");
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

/// The cells of a line, with quotes around those that hold a separator.
fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => cells.push(String::new()),
            letter => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(letter);
                }
            }
        }
    }
    cells
}

fn run(text: &Text, line: usize, row: &BTreeMap<&str, &str>, notes: &mut Notes) -> Result<MeasuredRun, LogError> {
    let words = |key: &str| row.get(key).copied().filter(|value| !matches!(*value, "" | "None" | "nan"));
    let number = |key: &str| -> Result<Option<f64>, LogError> {
        let Some(value) = words(key) else { return Ok(None) };
        match value.parse::<f64>().ok().and_then(sensible) {
            Some(number) => Ok(Some(number)),
            None => Err(text.broken(Some(line), format!("{key} is “{}”, not an amount of 0 or more", clip(value)))),
        }
    };
    let or = |key: &str, usual: f64| number(key).map(|value| value.unwrap_or(usual));
    let hours = Hours(or("runTime_hour", 0.0)? + or("runTime_min", 0.0)? / 60.0);
    let kind = words("coreType").unwrap_or_default();
    let (has_cpu, has_gpu) = (kind != "GPU", matches!(kind, "GPU" | "Both"));
    // Newer versions give the rating of a whole processor and its cores, older ones that of a core.
    let cores = or("CPU_model_n_cores", 1.0)?.max(1.0);
    let cpu_watts = or("numberCPUs", 0.0)? * or("tdpCPU", 0.0)? / cores * or("usageCPU", 1.0)?;
    let gpu_watts = or("numberGPUs", 0.0)? * or("tdpGPU", 0.0)? * or("usageGPU", 1.0)?;
    let memory_factor = factors::get("green-algorithms-ram-watts").map_or(0.0, |factor| factor.value.central.0);
    let ram_watts = or("memory", 0.0)? * memory_factor;
    let pue = or("PUE", 1.0)?.max(1.0);
    let times = or("mult_factor", 1.0)?;
    let energy = |watts: f64| {
        KilowattHours(Watts(watts).for_time(Seconds(hours.0 * SECONDS_PER_HOUR)).kilowatt_hours().0 * times)
    };
    let parts = MeasuredParts {
        cpu: has_cpu.then(|| energy(cpu_watts)),
        gpu: has_gpu.then(|| energy(gpu_watts)),
        ram: Some(energy(ram_watts)),
        other: None,
    };
    let equipment = parts.sum().filter(|sum| sensible(sum.0).is_some());
    let intensity = number("carbonIntensity")?.map(GramsPerKilowattHour);
    let metered = equipment.map(|equipment| equipment * pue);
    if times != 1.0 {
        notes
            .info("", format!("the calculation is multiplied by {times} for repeated runs, and so is the energy here"));
    }
    if pue > 1.0 {
        notes.info("", format!("the energy contains a PUE of {pue}"));
    }
    notes.info("", format!("memory counts with a constant {memory_factor} W for each GB"));
    let mut devices = Vec::new();
    for (has, role, model, count) in
        [(has_cpu, DeviceRole::Cpu, "CPUmodel", "numberCPUs"), (has_gpu, DeviceRole::Gpu, "GPUmodel", "numberGPUs")]
    {
        if let (true, Some(name)) = (has, words(model)) {
            devices.push(names::device(role, name, or(count, 1.0)? as u64));
        }
    }
    let place = words("location").map(clip);
    let country = words("locationCountry").and_then(names::region);
    Ok(MeasuredRun {
        name: "calculation".to_owned(),
        duration_s: Some(Seconds(hours.0 * SECONDS_PER_HOUR)),
        energy_kwh: metered,
        equipment_kwh: equipment,
        parts_kwh: parts,
        co2e_kg: metered.zip(intensity).map(|(energy, intensity)| energy.at(intensity)),
        pue: Some(pue),
        boundary: Boundary::ChipsAndMemory,
        method: Method::Modelled,
        intensity,
        region: country
            .or_else(|| place.as_deref().and_then(|place| names::region(place.split('-').next().unwrap_or_default()))),
        place,
        devices,
        ..MeasuredRun::default()
    })
}
