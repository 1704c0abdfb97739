//! ML.ENERGY benchmark results: `results.json` of a language model or of a diffusion model.
//!
//! Energies are joules of the accelerators, measured with Zeus; no host, no PUE. For language models the “steady state” is the
//! part of the run in which the server is full, and the figures per token come from it; the whole run also holds its filling and draining.
//! Read in `mlenergy/llm/benchmark.py` and `mlenergy/diffusion/benchmark.py` of ml-energy/benchmark.

use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use super::zeus::Measurement;
use crate::notes::Notes;
use crate::report::{Boundary, DeviceRole, Items, Measured, MeasuredDevice, MeasuredParts, MeasuredRun, Method, Stage};
use crate::units::{Joules, Seconds};
use serde::Deserialize;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    beginning.trim_start().starts_with('{')
        && beginning.contains("\"model_id\"")
        && [
            "\"endpoint_type\"",
            "\"num_prompts\"",
            "\"steady_state_energy\"",
            "\"total_images\"",
            "\"inference_steps\"",
        ]
        .iter()
        .any(|key| beginning.contains(key))
}

/// What is read of a result; requests and timelines are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Results {
    model_id: String,
    gpu_model: Option<String>,
    num_gpus: Option<f64>,
    max_num_seqs: Option<f64>,
    duration: Option<f64>,
    completed: Option<f64>,
    steady_state_duration: Option<f64>,
    steady_state_energy: Option<f64>,
    steady_state_energy_per_token: Option<f64>,
    total_input_tokens: Option<f64>,
    total_output_tokens: Option<f64>,
    steady_state_measurement: Option<Measurement>,
    entire_benchmark_measurement: Option<Measurement>,
    batch_size: Option<f64>,
    total_images: Option<f64>,
    total_time: Option<f64>,
    total_energy: Option<f64>,
    energy_measurement: Option<Measurement>,
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        let results: Results = text.json()?;
        let before = measured.runs.len();
        if results.total_images.is_some() || results.total_energy.is_some() {
            measured.runs.extend(images(&results));
        } else {
            measured.runs.extend(tokens(&results, &mut notes));
        }
        if measured.runs.len() == before {
            return Err(text.no_run("the result holds no energy: neither of the whole run nor of its steady state"));
        }
        measured.files.push(text.name.clone());
    }
    notes.info("", "ML.ENERGY measures the accelerators alone: no processor, memory, fan or power supply");
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn devices(results: &Results, measurement: Option<&Measurement>) -> Vec<MeasuredDevice> {
    let counted = measurement.map(|measurement| measurement.gpu_energy.len()).filter(|count| *count > 0);
    let count = counted.map(|count| count as u64).or(results.num_gpus.and_then(sensible).map(|count| count as u64));
    let name = results.gpu_model.clone().unwrap_or_else(|| "GPU (the result does not name it)".to_owned());
    vec![names::device(DeviceRole::Gpu, &name, count.unwrap_or(1).max(1))]
}

fn run(
    results: &Results,
    name: &str,
    seconds: Option<f64>,
    joules: Option<f64>,
    measurement: Option<&Measurement>,
) -> Option<MeasuredRun> {
    let joules = joules.or(measurement.and_then(Measurement::gpu_joules)).and_then(sensible)?;
    let energy = Joules(joules).kilowatt_hours();
    let model = crate::notes::clip(&results.model_id);
    Some(MeasuredRun {
        name: format!("{model}: {name}"),
        stage: Some(Stage::Inference),
        model: Some(model),
        duration_s: seconds.or(measurement.and_then(|measurement| measurement.time)).and_then(sensible).map(Seconds),
        energy_kwh: Some(energy),
        equipment_kwh: Some(energy),
        parts_kwh: MeasuredParts { gpu: Some(energy), ..MeasuredParts::default() },
        pue: Some(1.0),
        boundary: Boundary::Accelerators,
        method: Method::Measured,
        devices: devices(results, measurement),
        ..MeasuredRun::default()
    })
}

fn items(of: &str, count: Option<f64>) -> Option<Items> {
    Some(Items { of: of.to_owned(), count: count.and_then(sensible)? })
}

fn tokens(results: &Results, notes: &mut Notes) -> Vec<MeasuredRun> {
    let mut runs = Vec::new();
    let steady = results.steady_state_energy;
    if let Some(mut run) =
        run(results, "steady state", results.steady_state_duration, steady, results.steady_state_measurement.as_ref())
    {
        // Tokens of the steady state are known by its energy and its energy per token.
        let tokens =
            steady.zip(results.steady_state_energy_per_token.filter(|each| *each > 0.0)).map(|(all, each)| all / each);
        run.items.extend(items("output tokens", tokens));
        runs.push(run);
    }
    let whole = results.entire_benchmark_measurement.as_ref();
    if let Some(mut run) = run(results, "whole benchmark", results.duration, None, whole) {
        run.items.extend(items("output tokens", results.total_output_tokens));
        run.items.extend(items("prompt tokens", results.total_input_tokens));
        run.items.extend(items("requests", results.completed));
        runs.push(run);
    }
    if runs.len() > 1 {
        notes.info("", "the steady state lies inside the whole benchmark: the two do not add up");
    }
    if let Some(limit) = results.max_num_seqs.and_then(sensible) {
        notes.info("", format!("at most {limit} requests were computed together"));
    }
    runs
}

fn images(results: &Results) -> Option<MeasuredRun> {
    let mut run =
        run(results, "benchmark", results.total_time, results.total_energy, results.energy_measurement.as_ref())?;
    run.items.extend(items("pictures or videos", results.total_images));
    run.items.extend(items("batches", results.total_images.zip(results.batch_size).map(|(all, batch)| all / batch)));
    Some(run)
}
