//! `greenprint`: the estimator as a command line.
//!
//! Here are reading of arguments and files, and the exit status: 0 when done, 2 on bad use, 1 when a file cannot be read.
//! Every figure comes from the library, and every record printed with `--json` is one of its own.

mod arguments;
mod model;
mod print;

use arguments::{Arguments, Command, Infer, ModelChoice, Place, Train};
use clap::Parser;
use estimator::carbon::{grids, places, sites};
use estimator::energy::{self, EstimateError, validate};
use estimator::hardware;
use estimator::report::Estimate;
use estimator::scenario::{ModelRef, ModelSummary, Scenario, Serving, Training, Workload};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// Why a command ends without its result.
pub(crate) enum Failure {
    /// The arguments do not make sense: exit status 2.
    Use(String),
    /// A file cannot be read, or says too little: exit status 1.
    File(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Inspect(inspect) => inspect_files(inspect),
        Command::Train(train) => train_model(train),
        Command::Infer(infer) => serve_model(infer),
        Command::Devices { search, json } => list_devices(search.as_deref(), *json),
        Command::Regions { search, json } => list_regions(search.as_deref(), *json),
        Command::Validate { rows, json } => compare(rows.as_deref(), *json),
    };
    let (text, status, message) = match outcome {
        Ok(text) => (text, 0, None),
        Err(Failure::Use(message)) => (String::new(), 2, Some(message)),
        Err(Failure::File(message)) => (String::new(), 1, Some(message)),
    };
    // A reader that has seen enough closes the pipe (`| head`): that is no failure of ours.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if let Some(message) = message {
        // One line, whatever a file's name or contents hold.
        let line: String = message.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let _ = writeln!(std::io::stderr(), "greenprint: {line}");
    }
    ExitCode::from(status)
}

fn json<T: Serialize>(record: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(record)
        .map(|text| text + "\n")
        .map_err(|fault| Failure::File(format!("the result cannot be written as JSON: {fault}")))
}

fn inspect_files(inspect: &arguments::Inspect) -> Result<String, Failure> {
    let inspections =
        inspect.files.iter().map(|file| model::inspect(file, &inspect.shapes)).collect::<Result<Vec<_>, _>>()?;
    match (inspect.json, inspections.as_slice()) {
        (true, [one]) => json(one),
        (true, several) => json(&several),
        (false, several) => Ok(several
            .iter()
            .zip(&inspect.files)
            .map(|(inspection, file)| print::inspection(&file.to_string_lossy(), inspection, inspect.layers))
            .collect::<Vec<_>>()
            .join("\n")),
    }
}

/// The scenario that a file or the defaults give, with the model that the arguments name.
fn start(choice: &ModelChoice) -> Result<(Scenario, ModelSummary), Failure> {
    let mut scenario = match &choice.scenario {
        None => Scenario::default(),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|fault| Failure::File(format!("{}: {fault}", file.display())))?;
            serde_json::from_str(&text)
                .map_err(|fault| Failure::File(format!("{} is no scenario: {fault}", file.display())))?
        }
    };
    for (name, size) in &choice.shapes.dim {
        scenario.dims.insert(name.clone(), *size);
    }
    if let Some(file) = &choice.model {
        let shapes = arguments::Shapes {
            dim: scenario.dims.iter().map(|(name, size)| (name.clone(), *size)).collect(),
            ..choice.shapes.clone()
        };
        let inspection = model::inspect(file, &shapes)?;
        let summary = ModelSummary::from_inspection(&inspection);
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        scenario.model = ModelRef::File { name, summary: Some(Box::new(summary.clone())) };
        return Ok((scenario, summary));
    }
    if let Some(parameters) = choice.params {
        scenario.model = ModelRef::Counts { parameters, active_parameters: choice.active_params };
    } else if choice.active_params.is_some() {
        return Err(Failure::Use("--active-params needs --params".to_owned()));
    }
    match scenario.model.summary() {
        Some(summary) if choice.params.is_some() || choice.scenario.is_some() => Ok((scenario, summary)),
        _ => Err(Failure::Use("no model is given; use --model FILE or --params N".to_owned())),
    }
}

/// Puts the arguments about machines and place into a scenario.
fn machines(scenario: &mut Scenario, place: &Place, is_from_file: bool) {
    if !is_from_file {
        scenario.hardware.count = 1;
    }
    if let Some(device) = &place.device {
        scenario.hardware.device.clone_from(device);
    }
    if let Some(count) = place.count {
        scenario.hardware.count = count;
    }
    if place.precision.is_some() {
        scenario.hardware.precision.clone_from(&place.precision);
    }
    if let Some(region) = &place.region {
        scenario.site.region.clone_from(region);
    }
    if place.grid.is_some() {
        scenario.site.grid.clone_from(&place.grid);
    }
    if place.basis.is_some() {
        scenario.site.basis.clone_from(&place.basis);
    }
    if let Some(pue) = place.pue {
        scenario.set.insert("pue".to_owned(), pue);
    }
    scenario.set.extend(place.set.iter().cloned());
}

fn needs_device(choice: &ModelChoice, place: &Place) -> Result<(), Failure> {
    if place.device.is_none() && choice.scenario.is_none() {
        return Err(Failure::Use("no device is given; use --device ID (`greenprint devices` lists them)".to_owned()));
    }
    Ok(())
}

fn train_model(train: &Train) -> Result<String, Failure> {
    needs_device(&train.choice, &train.place)?;
    let (mut scenario, summary) = start(&train.choice)?;
    machines(&mut scenario, &train.place, train.choice.scenario.is_some());
    if let Some(mfu) = train.mfu {
        scenario.set.insert("mfu".to_owned(), mfu);
    }
    if let Some(experiments) = train.experiments {
        scenario.set.insert("experiments".to_owned(), experiments);
    }
    let from_file = match (&scenario.workload, &train.choice.scenario) {
        (Workload::Train(training), Some(_)) => Some(training.clone()),
        _ => None,
    };
    let is_given = train.tokens.is_some() || train.samples.is_some() || from_file.is_some();
    if !is_given {
        return Err(Failure::Use(
            "no amount of training is given; use --tokens N or --samples N --epochs N".to_owned(),
        ));
    }
    let usual = from_file.unwrap_or(Training { samples: 0.0, epochs: 1.0, ..Training::default() });
    scenario.workload = Workload::Train(Training {
        samples: train.samples.unwrap_or(usual.samples),
        epochs: train.epochs.unwrap_or(usual.epochs),
        batch: train.batch.unwrap_or(usual.batch),
        // Samples on the command line replace the tokens of a file.
        tokens: train.tokens.or(if train.samples.is_some() { None } else { usual.tokens }),
        recompute: train.recompute || usual.recompute,
    });
    finish(&scenario, &summary, train.place.json)
}

fn serve_model(infer: &Infer) -> Result<String, Failure> {
    needs_device(&infer.choice, &infer.place)?;
    let (mut scenario, summary) = start(&infer.choice)?;
    machines(&mut scenario, &infer.place, infer.choice.scenario.is_some());
    let usual = match (&scenario.workload, &infer.choice.scenario) {
        (Workload::Serve(serving), Some(_)) => serving.clone(),
        _ => Serving::default(),
    };
    scenario.workload = Workload::Serve(Serving {
        requests_per_day: infer.requests_per_day.or(usual.requests_per_day),
        days: infer.days.unwrap_or(usual.days),
        batch: infer.batch.unwrap_or(usual.batch),
        prompt_tokens: infer.prompt_tokens.unwrap_or(usual.prompt_tokens),
        output_tokens: infer.output_tokens.unwrap_or(usual.output_tokens),
        // Who asks for tokens means a model that answers with them.
        generates: (infer.prompt_tokens.is_some() || infer.output_tokens.is_some()).then_some(true).or(usual.generates),
    });
    finish(&scenario, &summary, infer.place.json)
}

fn finish(scenario: &Scenario, summary: &ModelSummary, as_json: bool) -> Result<String, Failure> {
    let estimate: Estimate = energy::estimate(scenario, summary).map_err(|fault| match fault {
        // The model file says too little, or our tables do: nothing is wrong with the arguments.
        EstimateError::UnknownCount { .. } | EstimateError::MissingFactor { .. } => Failure::File(fault.to_string()),
        fault => Failure::Use(fault.to_string()),
    })?;
    if as_json { json(&estimate) } else { Ok(print::estimate(scenario, &estimate)) }
}

fn list_devices(search: Option<&str>, as_json: bool) -> Result<String, Failure> {
    let devices: Vec<&hardware::Device> = match search {
        None => hardware::devices().iter().collect(),
        Some(text) => hardware::search(text).into_iter().map(|(device, _)| device).collect(),
    };
    if as_json {
        json(&devices.iter().map(|device| print::DeviceRecord::of(device)).collect::<Vec<_>>())
    } else {
        Ok(print::devices(&devices))
    }
}

fn list_regions(search: Option<&str>, as_json: bool) -> Result<String, Failure> {
    let places: Vec<places::Place> = match search {
        None => {
            grids::all().iter().map(places::Place::Grid).chain(sites::all().iter().map(places::Place::Site)).collect()
        }
        Some(text) => places::search(text).into_iter().map(|(place, _)| place).collect(),
    };
    let records: Vec<print::RegionRecord> = places.into_iter().map(print::RegionRecord::of).collect();
    if as_json { json(&records) } else { Ok(print::regions(&records)) }
}

fn compare(rows: Option<&std::path::Path>, as_json: bool) -> Result<String, Failure> {
    let validation = match rows {
        None => validate::built_in(),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|fault| Failure::File(format!("{}: {fault}", file.display())))?;
            validate::rows(&file.to_string_lossy(), &text).map_err(|fault| Failure::File(fault.to_string()))?
        }
    };
    if as_json { json(&validation) } else { Ok(print::validation(&validation)) }
}
