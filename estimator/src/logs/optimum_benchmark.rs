//! Optimum-Benchmark's `benchmark_report.json`, and `benchmark.json`, which also holds the configuration.
//!
//! Each target (`load`, `forward`, `prefill`, `decode`, `train` …) has latencies in seconds, a throughput, and energies in kWh that
//! CodeCarbon measured in process mode. Read in `benchmark/report.py` and `trackers/energy.py` of huggingface/optimum-benchmark.

use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use crate::notes::{Notes, clip};
use crate::report::{Boundary, DeviceRole, Items, Measured, MeasuredDevice, MeasuredParts, MeasuredRun, Method, Stage};
use crate::units::{KilowattHours, Seconds};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    beginning.trim_start().starts_with('{')
        && (beginning.contains("optimum_benchmark")
            || (beginning.contains("\"latency\"") && beginning.contains("\"stdev_\"")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    latency: Option<Latency>,
    throughput: Option<Throughput>,
    energy: Option<Energy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Latency {
    unit: String,
    values: Vec<f64>,
    total: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Throughput {
    unit: String,
    value: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Energy {
    unit: String,
    cpu: Option<f64>,
    ram: Option<f64>,
    gpu: Option<f64>,
    total: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Whole {
    #[serde(default)]
    config: Config,
    report: BTreeMap<String, Target>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    name: String,
    backend: Backend,
    environment: Environment,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Backend {
    model: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Environment {
    cpu: Option<String>,
    gpu: Option<Vec<String>>,
    optimum_benchmark_version: Option<String>,
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        let (config, report) = match text.text.contains("\"report\"") {
            true => {
                let whole: Whole = text.json()?;
                (whole.config, whole.report)
            }
            false => (Config::default(), text.json::<BTreeMap<String, Target>>()?),
        };
        measured.version = config.environment.optimum_benchmark_version.as_deref().map(clip).or(measured.version);
        let devices = devices(&config.environment);
        let before = measured.runs.len();
        for (target, figures) in report.iter().take(100) {
            measured.runs.extend(run(text, target, figures, &config, &devices, &mut notes));
        }
        if measured.runs.len() == before {
            return Err(text.no_run("no target of the report has a latency or an energy"));
        }
        measured.files.push(text.name.clone());
    }
    if measured.runs.iter().any(|run| run.energy_kwh.is_some()) {
        notes.info("", "CodeCarbon measured the energies in process mode; memory’s is a constant for each GB, and no PUE is in them");
    }
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn devices(environment: &Environment) -> Vec<MeasuredDevice> {
    let mut found: Vec<MeasuredDevice> = Vec::new();
    if let Some(cpu) = &environment.cpu {
        found.push(names::device(DeviceRole::Cpu, cpu, 1));
    }
    for gpu in environment.gpu.iter().flatten().take(64) {
        match found.iter_mut().find(|device| device.role == DeviceRole::Gpu && device.name == gpu.trim()) {
            Some(known) => known.count += 1,
            None => found.push(names::device(DeviceRole::Gpu, gpu, 1)),
        }
    }
    found
}

fn run(
    text: &Text,
    target: &str,
    figures: &Target,
    config: &Config,
    devices: &[MeasuredDevice],
    notes: &mut Notes,
) -> Option<MeasuredRun> {
    let latency = figures.latency.as_ref().filter(|latency| latency.unit.is_empty() || latency.unit == "s");
    if figures.latency.is_some() && latency.is_none() {
        notes.warn(&text.name, format!("latencies of “{}” are not in seconds and are left out", clip(target)));
    }
    let energy = figures.energy.as_ref().filter(|energy| energy.unit.is_empty() || energy.unit == "kWh");
    if figures.energy.is_some() && energy.is_none() {
        notes.warn(&text.name, format!("energies of “{}” are not in kWh and are left out", clip(target)));
    }
    let calls = latency.map(|latency| latency.values.len()).unwrap_or_default();
    let seconds = latency
        .and_then(|latency| latency.total.or_else(|| latency.values.iter().copied().reduce(|sum, next| sum + next)))
        .and_then(sensible);
    if seconds.is_none() && energy.is_none() {
        return None;
    }
    let part = |value: Option<f64>| value.and_then(sensible).map(KilowattHours);
    let parts = energy.map(|energy| MeasuredParts {
        cpu: part(energy.cpu),
        gpu: part(energy.gpu),
        ram: part(energy.ram),
        other: None,
    });
    let total = energy.and_then(|energy| part(energy.total));
    // The energy is of one call on average, the latencies of all that were timed.
    let duration = match (energy.is_some(), seconds) {
        (true, Some(seconds)) if calls > 0 => Some(seconds / calls as f64),
        (_, seconds) => seconds,
    };
    let mut items = Vec::new();
    if energy.is_none() && calls > 0 {
        items.push(Items { of: "calls".to_owned(), count: calls as f64 });
    }
    if let (Some(throughput), Some(seconds)) = (&figures.throughput, duration)
        && let Some(rate) = throughput.value.and_then(sensible)
        && let Some(of) = throughput.unit.strip_suffix("/s")
    {
        items.push(Items { of: clip(of), count: rate * seconds });
    }
    let name = if config.name.is_empty() { clip(target) } else { format!("{}: {}", clip(&config.name), clip(target)) };
    Some(MeasuredRun {
        name,
        stage: match target {
            "train" | "overall" | "training" => Some(Stage::Training),
            "load" | "load_model" => None,
            _ => Some(Stage::Inference),
        },
        model: config.backend.model.as_deref().map(clip),
        duration_s: duration.map(Seconds),
        energy_kwh: total,
        equipment_kwh: total,
        parts_kwh: parts.unwrap_or_default(),
        pue: Some(1.0),
        boundary: if energy.is_some() { Boundary::ChipsAndMemory } else { Boundary::Unknown },
        method: if energy.is_some() { Method::Mixed } else { Method::Measured },
        devices: devices.to_vec(),
        items,
        ..MeasuredRun::default()
    })
}
