//! CodeCarbon's `emissions.csv`, of all versions, by the names in its header.
//!
//! Units: seconds, kg CO₂e, watts, kWh. Rows of one `run_id` are totals so far, so the last one counts.
//! Versions 2 and 3 multiply each part and the total by the PUE that the user gave (`emissions_tracker.py` of 2.3.5 and 3.2.1).
//! Parts that were constants, as CodeCarbon's methodology says: memory at 0.375 W for each GB before version 3 and by its modules after;
//! a processor without a sensor at a share of its rating, which the file does not tell.

use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use crate::carbon::factors;
use crate::energy::implied_intensity;
use crate::format::Readable;
use crate::notes::Notes;
use crate::report::{Boundary, DeviceRole, Epoch, Measured, MeasuredDevice, MeasuredParts, MeasuredRun, Method};
use crate::tables::Row;
use crate::units::{KilogramsCo2e, KilowattHours, Seconds};
use std::collections::HashMap;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    let header = beginning.lines().next().unwrap_or_default();
    let has = |name: &str| header.split(',').any(|column| column == name);
    has("emissions")
        && has("duration")
        && (has("energy_consumed") || has("codecarbon_version") || has("emissions_rate"))
}

/// So far apart may a total and the sum of its parts be before a reader is told: rounding of the file's digits is far below.
const ROUNDING: f64 = 1e-3;
/// The most rows of one run that are kept as epochs.
const MOST_EPOCHS: usize = 10_000;

/// The rows of one run.
struct Rows {
    id: String,
    rows: Vec<Reading>,
}

/// What a row says.
struct Reading {
    duration: Option<f64>,
    parts: MeasuredParts,
    total: Option<f64>,
    run: MeasuredRun,
    tasks: bool,
    version: Option<String>,
    tracking: String,
    memory_gb: Option<f64>,
    memory_watts: Option<f64>,
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    let mut versions: Vec<String> = Vec::new();
    for text in texts {
        let table = text.table()?;
        let has = |column: &str| table.has_column(column);
        let mut runs: Vec<Rows> = Vec::new();
        let mut by_id: HashMap<String, usize> = HashMap::new();
        for (index, row) in table.rows().enumerate() {
            let reading = reading(&row, &has)?;
            let task = text_of(&row, "task_name", &has);
            let own = text_of(&row, "run_id", &has);
            // Before run ids each row was a run of its own.
            let id = match (own, task) {
                (Some(run), Some(task)) => format!("{run}/{task}"),
                (Some(run), None) => run,
                (None, task) => format!("row {}/{}", index + 1, task.unwrap_or_default()),
            };
            let place = *by_id.entry(id.clone()).or_insert_with(|| {
                runs.push(Rows { id, rows: Vec::new() });
                runs.len() - 1
            });
            if let Some(run) = runs.get_mut(place) {
                run.rows.push(reading);
            }
        }
        if runs.is_empty() {
            return Err(text.no_run("the table has a header and no row"));
        }
        for rows in runs {
            measured.runs.extend(run(rows, &mut versions, &mut notes));
        }
        measured.files.push(text.name.clone());
    }
    measured.version = newest(versions, &mut notes);
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn text_of(row: &Row<'_>, column: &str, has: &dyn Fn(&str) -> bool) -> Option<String> {
    let text = has(column).then(|| row.text(column).ok().flatten()).flatten()?;
    (!matches!(text, "nan" | "None")).then(|| crate::notes::clip(text))
}

fn number(row: &Row<'_>, column: &str, has: &dyn Fn(&str) -> bool) -> Result<Option<f64>, LogError> {
    match text_of(row, column, has) {
        None => Ok(None),
        Some(text) => match text.parse::<f64>().ok().and_then(sensible) {
            Some(number) => Ok(Some(number)),
            None => Err(row.fault(column, format!("“{text}” is not an amount of 0 or more")).into()),
        },
    }
}

fn reading(row: &Row<'_>, has: &dyn Fn(&str) -> bool) -> Result<Reading, LogError> {
    let amount = |column: &str| number(row, column, has);
    let energy = |column: &str| amount(column).map(|value| value.map(KilowattHours));
    let words = |column: &str| text_of(row, column, has);
    let mut devices: Vec<MeasuredDevice> = Vec::new();
    if let Some(cpu) = words("cpu_model") {
        devices.push(names::device(DeviceRole::Cpu, &cpu, 1));
    }
    if let Some(gpus) = words("gpu_model") {
        devices.extend(names::gpus(&gpus, amount("gpu_count")?.map(|count| count as u64)));
    }
    let place: Vec<String> = ["country_name", "region", "cloud_provider", "cloud_region"]
        .iter()
        .filter_map(|column| words(column))
        .collect();
    let duration = amount("duration")?;
    let total = amount("energy_consumed")?;
    let pue = amount("pue")?.filter(|pue| *pue >= 1.0);
    let run = MeasuredRun {
        name: words("task_name").or_else(|| words("project_name")).unwrap_or_default(),
        duration_s: duration.map(Seconds),
        energy_kwh: total.map(KilowattHours),
        co2e_kg: amount("emissions")?.map(KilogramsCo2e),
        pue,
        region: words("country_iso_code").or_else(|| words("country_name")).and_then(|code| names::region(&code)),
        place: (!place.is_empty()).then(|| place.join(", ")),
        devices,
        ..MeasuredRun::default()
    };
    Ok(Reading {
        duration,
        parts: MeasuredParts {
            cpu: energy("cpu_energy")?,
            gpu: energy("gpu_energy")?,
            ram: energy("ram_energy")?,
            other: None,
        },
        total,
        run,
        tasks: has("task_name"),
        version: words("codecarbon_version"),
        tracking: words("tracking_mode").unwrap_or_default(),
        memory_gb: amount("ram_total_size")?,
        memory_watts: amount("ram_power")?,
    })
}

/// One run from its rows; rows whose figures fall are further runs under the same id.
fn run(rows: Rows, versions: &mut Vec<String>, notes: &mut Notes) -> Vec<MeasuredRun> {
    let mut stretches: Vec<Vec<Reading>> = Vec::new();
    for reading in rows.rows {
        let falls = stretches.last().and_then(|stretch| stretch.last()).is_some_and(
            |before: &Reading| matches!((before.duration, reading.duration), (Some(before), Some(now)) if now < before),
        );
        match stretches.last_mut() {
            Some(stretch) if !falls => stretch.push(reading),
            _ => stretches.push(vec![reading]),
        }
    }
    if stretches.len() > 1 {
        notes.warn(
            &rows.id,
            "rows of one run_id begin anew with a shorter duration; each such stretch is read as a run of its own",
        );
    }
    stretches.into_iter().filter_map(|stretch| settle(stretch, versions, notes)).collect()
}

fn settle(stretch: Vec<Reading>, versions: &mut Vec<String>, notes: &mut Notes) -> Option<MeasuredRun> {
    let count = stretch.len();
    let epochs = if count > 1 { epochs(&stretch) } else { Vec::new() };
    let last = stretch.into_iter().next_back()?;
    let place = last.run.name.clone();
    let version = last.version.clone();
    let major = version.as_deref().and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    versions.extend(version);
    let mut run = last.run;
    run.parts_kwh = last.parts;
    run.epochs = epochs;
    run.boundary = Boundary::ChipsAndMemory;
    run.method = Method::Mixed;
    if count > 1 {
        notes.info(&place, format!("{count} rows of one run_id: each is the total so far, so the last one counts and the steps between them are shown as epochs"));
    }
    settle_pue(&mut run, last.total, notes);
    run.intensity = match (run.energy_kwh, run.co2e_kg) {
        (Some(energy), Some(emissions)) => implied_intensity(energy, emissions),
        _ => None,
    };
    if !last.tasks && last.tracking == "machine" {
        let gpus: u64 =
            run.devices.iter().filter(|device| device.role == DeviceRole::Gpu).map(|device| device.count).sum();
        if gpus > 1 {
            notes.warn(
                &place,
                format!("machine mode counts all {gpus} GPUs of the computer, those that stood idle too"),
            );
        }
    }
    note_memory(&run, major, last.memory_gb, last.memory_watts, notes);
    if run.parts_kwh.cpu.is_some_and(|energy| energy.0 > 0.0) {
        notes.info(
            &place,
            "the file does not say whether the processor’s draw comes from a sensor or from its rating (TDP)",
        );
    }
    Some(run)
}

/// Whether the PUE is in the total, in the parts, in both or in none.
fn settle_pue(run: &mut MeasuredRun, total: Option<f64>, notes: &mut Notes) {
    let sum = run.parts_kwh.sum().map(|sum| sum.0);
    let close = |one: f64, other: f64| (one - other).abs() <= ROUNDING * one.abs().max(other.abs());
    let pue = run.pue.unwrap_or(1.0);
    let (Some(total), Some(sum)) = (total, sum) else {
        run.equipment_kwh = run.energy_kwh.map(|energy| energy / pue);
        return;
    };
    if close(total, sum) {
        // The parts hold the PUE as the total does.
        let plain = |part: Option<KilowattHours>| part.map(|part| part / pue);
        let parts = run.parts_kwh;
        run.parts_kwh =
            MeasuredParts { cpu: plain(parts.cpu), gpu: plain(parts.gpu), ram: plain(parts.ram), other: None };
        if pue > 1.0 {
            notes.info(&run.name, format!("the energy and its parts contain a PUE of {pue}"));
        }
    } else if close(total, sum * pue) {
        notes.info(&run.name, format!("the energy contains a PUE of {pue}, its parts do not"));
    } else {
        notes.warn(
            &run.name,
            format!(
                "the parts add up to {}, the file’s own total is {}: something of the total is not in any part, or the file was changed",
                KilowattHours(sum).readable(),
                KilowattHours(total).readable()
            ),
        );
    }
    run.equipment_kwh = Some(KilowattHours(total / pue));
}

/// What memory was taken to draw.
fn note_memory(run: &MeasuredRun, major: Option<u32>, size: Option<f64>, watts: Option<f64>, notes: &mut Notes) {
    let Some(ram) = run.parts_kwh.ram.filter(|ram| ram.0 > 0.0) else { return };
    let share = run.parts_kwh.sum().filter(|sum| sum.0 > 0.0).map_or(0.0, |sum| ram / sum);
    let (Some(size), Some(constant)) = (size, factors::get("codecarbon-ram-watts")) else { return };
    if major.is_none_or(|major| major < 3) {
        let expected = size * constant.value.central.0;
        let whole = watts.is_some_and(|watts| (watts - expected).abs() <= 0.02 * expected.max(1e-9));
        notes.warn(
            &run.name,
            match whole {
                true => format!(
                    "memory is not measured: a constant {:.3} W for each of {size:.0} GB, {:.0} W at all times and {:.0} % of this run’s energy ({})",
                    constant.value.central.0,
                    expected,
                    share * 100.0,
                    constant.evidence.source.citation()
                ),
                false => format!(
                    "memory is not measured: a constant {:.3} W for each GB that the process used, {:.0} % of this run’s energy",
                    constant.value.central.0,
                    share * 100.0
                ),
            },
        );
    } else {
        notes.info(
            &run.name,
            format!(
                "memory is not measured: a constant draw for each module, {:.0} % of this run’s energy",
                share * 100.0
            ),
        );
    }
}

/// The steps between cumulative rows.
fn epochs(rows: &[Reading]) -> Vec<Epoch> {
    let pue = |row: &Reading| row.run.pue.unwrap_or(1.0);
    let mut before = (0.0, 0.0);
    let mut epochs = Vec::new();
    for row in rows.iter().take(MOST_EPOCHS) {
        let now = (row.duration.unwrap_or(before.0), row.total.map_or(before.1, |total| total / pue(row)));
        let (time, energy) = (now.0 - before.0, now.1 - before.1);
        before = now;
        epochs.push((time, energy));
    }
    // The row that is written when the tracker stops comes right behind the last epoch's.
    let usual = epochs.iter().map(|(time, _)| *time).fold(0.0, f64::max);
    if epochs.len() > 2 && epochs.last().is_some_and(|(time, _)| *time < usual / 10.0) {
        epochs.pop();
    }
    let steps = epochs.into_iter().zip(1..);
    steps
        .map(|((time, energy), number)| Epoch {
            number,
            duration_s: sensible(time).map(Seconds),
            energy_kwh: sensible(energy).map(KilowattHours),
        })
        .collect()
}

/// The newest of the versions that rows name.
fn newest(versions: Vec<String>, notes: &mut Notes) -> Option<String> {
    let numbers = |version: &String| -> Vec<u64> { version.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    let mut versions = versions;
    versions.sort_by_key(numbers);
    versions.dedup();
    if versions.len() > 1 {
        notes.info(
            "",
            format!(
                "the file holds runs of {} versions, from {} on",
                versions.len(),
                versions.first().map_or("", String::as_str)
            ),
        );
    }
    versions.pop()
}
