//! experiment-impact-tracker's log: `impacttracker/data.json`, one JSON record a line.
//!
//! Each record is a moment with watts of the processors (RAPL) and of the GPUs (nvidia-smi), absolute and attributed to the process.
//! The tool adds up attributed watts × time and multiplies by its PUE when it reports (`utils.py`); the log itself is without it.
//! What the tool knows of machine and place stands in `info.pkl`, a Python pickle, which is never executed and not read here.

use super::error::LogError;
use super::text::{Text, sensible};
use crate::carbon::factors;
use crate::notes::Notes;
use crate::report::{Boundary, Measured, MeasuredParts, MeasuredRun, Method};
use crate::units::{JOULES_PER_KILOWATT_HOUR, KilowattHours, Seconds};
use serde::Deserialize;
use serde_json::Value;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    let first = beginning.lines().next().unwrap_or_default();
    first.starts_with('{')
        && first.contains("\"timestamp\"")
        && [
            "\"rapl_power_draw_absolute\"",
            "\"nvidia_draw_absolute\"",
            "\"cpu_count_adjusted_average_load\"",
            "\"process_ids\"",
        ]
        .iter()
        .any(|key| first.contains(key))
}

#[derive(Debug, Deserialize)]
struct Record {
    timestamp: f64,
    rapl_power_draw_absolute: Option<f64>,
    rapl_estimated_attributable_power_draw: Option<f64>,
    nvidia_draw_absolute: Option<f64>,
    nvidia_estimated_attributable_power_draw: Option<f64>,
    realtime_carbon_intensity: Option<Value>,
}

/// Joules added up over the records.
#[derive(Default)]
struct Sums {
    cpu: Option<f64>,
    gpu: Option<f64>,
    whole_cpu: f64,
    whole_gpu: f64,
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        measured.runs.push(run(text, &mut notes)?);
        measured.files.push(text.name.clone());
    }
    if let Some(pue) = factors::get("impact-tracker-pue") {
        notes.info(
            "",
            format!(
                "the tool’s own reports multiply by a PUE of {}; the log, and the figures here, are without it",
                pue.value.central.0
            ),
        );
    }
    notes.info("", "machine and place stand in info.pkl, a Python pickle, which is not read");
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn run(text: &Text, notes: &mut Notes) -> Result<MeasuredRun, LogError> {
    let mut sums = Sums::default();
    let mut first = None;
    let mut before: Option<f64> = None;
    let (mut intensities, mut count, mut backwards) = ((0.0, 0u32), 0u64, 0u64);
    let mut lines = text.lines().filter(|(_, line)| !line.trim().is_empty()).peekable();
    while let Some((number, line)) = lines.next() {
        let record: Record = match text.json_line(number, line) {
            Ok(record) => record,
            // A tracker that is killed leaves half a line.
            Err(_) if lines.peek().is_none() && count > 1 => {
                notes.warn(&text.name, "the last record is cut off and left out");
                break;
            }
            Err(fault) => return Err(fault),
        };
        let Some(time) = sensible(record.timestamp) else {
            return Err(text.broken(Some(number), "the timestamp is no time"));
        };
        count += 1;
        first = first.or(Some(time));
        // The draw at a record stands for the time since the one before.
        let seconds = time - before.unwrap_or(time);
        before = Some(time.max(before.unwrap_or(time)));
        if seconds < 0.0 {
            backwards += 1;
            continue;
        }
        let add = |sum: &mut Option<f64>, watts: Option<f64>| {
            if let Some(watts) = watts.and_then(sensible) {
                *sum = Some(sum.unwrap_or(0.0) + watts * seconds);
            }
        };
        add(&mut sums.cpu, record.rapl_estimated_attributable_power_draw);
        add(&mut sums.gpu, record.nvidia_estimated_attributable_power_draw);
        sums.whole_cpu += record.rapl_power_draw_absolute.and_then(sensible).unwrap_or(0.0) * seconds;
        sums.whole_gpu += record.nvidia_draw_absolute.and_then(sensible).unwrap_or(0.0) * seconds;
        if let Some(intensity) = record.realtime_carbon_intensity.as_ref().and_then(Value::as_f64).and_then(sensible) {
            intensities = (intensities.0 + intensity, intensities.1 + 1);
        }
    }
    let (Some(first), Some(last)) = (first, before) else {
        return Err(text.no_run("the log has no record"));
    };
    if backwards > 0 {
        notes.warn(&text.name, format!("{backwards} records are earlier than those before them and are left out"));
    }
    let kilowatt_hours = |joules: f64| KilowattHours(joules / JOULES_PER_KILOWATT_HOUR);
    let parts = MeasuredParts {
        cpu: sums.cpu.map(kilowatt_hours),
        gpu: sums.gpu.map(kilowatt_hours),
        ..MeasuredParts::default()
    };
    if parts.sum().is_none() {
        notes.warn(&text.name, "the log holds no watts: the tool found neither RAPL nor an NVIDIA GPU");
    }
    let (own, whole) = (sums.cpu.unwrap_or(0.0) + sums.gpu.unwrap_or(0.0), sums.whole_cpu + sums.whole_gpu);
    if whole > 0.0 && own < 0.95 * whole {
        notes.warn(
            &text.name,
            format!("{:.0} % of what the machine drew is attributed to this process; the rest, idle draw among it, is not counted", own / whole * 100.0),
        );
    }
    let energy = parts.sum();
    let intensity =
        (intensities.1 > 0).then(|| crate::units::GramsPerKilowattHour(intensities.0 / f64::from(intensities.1)));
    let folder = text.name.rsplit('/').find(|part| !matches!(*part, "data.json" | "impacttracker"));
    Ok(MeasuredRun {
        name: folder.unwrap_or("run").to_owned(),
        duration_s: Some(Seconds(last - first)),
        energy_kwh: energy,
        equipment_kwh: energy,
        parts_kwh: parts,
        co2e_kg: energy.zip(intensity).map(|(energy, intensity)| energy.at(intensity)),
        pue: Some(1.0),
        boundary: Boundary::ChipsAndMemory,
        method: Method::Measured,
        intensity,
        ..MeasuredRun::default()
    })
}
