//! From arguments to a scenario and its estimate: `greenprint train` and `greenprint infer`.

use crate::arguments::{MethodChoice, ModelChoice, Place, PlanChoice, Service, Shapes, Train};
use crate::{Failure, Output, check_names, json, model, print};
use estimator::energy::{self, EstimateError};
use estimator::notes::{Level, Note};
use estimator::report::{Estimate, Inspection};
use estimator::scenario::{Method, ModelRef, ModelSummary, Plan, Scenario, Serving, Training, UnknownField, Workload};
use serde_json::Value;

/// A scenario before its workload is settled.
pub(crate) struct Start {
    pub(crate) scenario: Scenario,
    pub(crate) summary: ModelSummary,
    /// The whole model, where a file or a description was read.
    pub(crate) inspection: Option<Inspection>,
    /// What a reader of the scenario should know before the figures.
    pub(crate) notes: Vec<Note>,
    /// What reading the model found, which `greenprint inspect` tells too.
    of_model: Vec<Note>,
}

fn warning(text: String) -> Note {
    Note { level: Level::Warning, place: String::new(), text }
}

/// The scenario that a file or the defaults give, with the model that the arguments name.
pub(crate) fn start(choice: &ModelChoice) -> Result<Start, Failure> {
    let mut notes = Vec::new();
    let mut scenario = match &choice.scenario {
        None => Scenario::default(),
        Some(file) => {
            let fail = |fault: serde_json::Error| Failure::File(format!("{} is no scenario: {fault}", file.display()));
            let value: Value = serde_json::from_str(&model::text(file)?).map_err(fail)?;
            notes.extend(Scenario::unknown_fields(&value).iter().map(unknown_field));
            serde_json::from_value(value).map_err(fail)?
        }
    };
    for (name, size) in &choice.shapes.dim {
        scenario.dims.insert(name.clone(), *size);
    }
    // A configuration is a model by itself, where nothing else is named.
    let is_named = choice.model.is_some() || choice.describe.is_some() || choice.params.is_some();
    let alone = choice.shapes.config.as_ref().filter(|_| !is_named && choice.scenario.is_none());
    if let Some(file) = choice.model.as_ref().or(alone) {
        let shapes = Shapes {
            dim: scenario.dims.iter().map(|(name, size)| (name.clone(), *size)).collect(),
            config: choice.shapes.config.clone().filter(|_| alone.is_none()),
            ..choice.shapes.clone()
        };
        let inspection = model::inspect(file, &shapes)?;
        if inspection.weights_only && inspection.transformer.is_none() {
            return Err(Failure::File(format!(
                "{} holds weights without a graph, so it does not say what is computed with them: name its configuration with --config config.json, or give --params N in place of --model",
                file.display()
            )));
        }
        check_names(&choice.shapes, &[&inspection])?;
        let of_model = inspection.warnings.iter().filter(|note| note.level == Level::Warning).cloned().collect();
        let summary = ModelSummary::from_inspection(&inspection);
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        scenario.model = ModelRef::File { name, summary: Some(Box::new(summary.clone())) };
        return Ok(Start { scenario, summary, inspection: Some(inspection), notes, of_model });
    }
    if let Some(sentence) = &choice.describe {
        let inspection = model::describe(sentence, &choice.shapes)?;
        check_names(&choice.shapes, &[&inspection])?;
        let of_model = inspection.warnings.iter().filter(|note| note.level == Level::Warning).cloned().collect();
        let summary = ModelSummary::from_inspection(&inspection);
        scenario.model = ModelRef::File { name: sentence.clone(), summary: Some(Box::new(summary.clone())) };
        return Ok(Start { scenario, summary, inspection: Some(inspection), notes, of_model });
    }
    if let Some(parameters) = choice.params {
        scenario.model = ModelRef::Counts { parameters, active_parameters: choice.active_params };
    } else if choice.active_params.is_some() {
        return Err(Failure::Use("--active-params needs --params".to_owned()));
    }
    match scenario.model.summary() {
        Some(summary) if choice.params.is_some() || choice.scenario.is_some() => {
            Ok(Start { scenario, summary, inspection: None, notes, of_model: Vec::new() })
        }
        _ => Err(Failure::Use(
            "no model is given; use --model FILE, --config config.json, --describe TEXT or --params N".to_owned(),
        )),
    }
}

fn unknown_field(field: &UnknownField) -> Note {
    let near = field.near.as_ref().map(|near| format!("; did you mean “{near}”?")).unwrap_or_default();
    warning(format!("the scenario’s field “{}” is not known and plays no part{near}", field.path))
}

/// Puts the arguments about machines and place into a scenario.
pub(crate) fn machines(scenario: &mut Scenario, place: &Place, is_from_file: bool) {
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
    if place.year.is_some() {
        scenario.site.year = place.year;
    }
    if let Some(pue) = place.pue {
        scenario.set.insert("pue".to_owned(), pue);
    }
    scenario.set.extend(place.set.iter().cloned());
}

pub(crate) fn needs_device(choice: &ModelChoice, place: &Place) -> Result<(), Failure> {
    if place.device.is_none() && choice.scenario.is_none() {
        return Err(Failure::Use("no device is given; use --device ID (`greenprint devices` lists them)".to_owned()));
    }
    Ok(())
}

/// `greenprint train`.
pub(crate) fn train(train: &Train) -> Result<Output, Failure> {
    needs_device(&train.choice, &train.place)?;
    let mut start = start(&train.choice)?;
    let scenario = &mut start.scenario;
    machines(scenario, &train.place, train.choice.scenario.is_some());
    for (key, value) in [
        ("mfu", train.mfu),
        ("experiments", train.experiments),
        ("sequence-tokens", train.sequence),
        ("failed-share", train.failed_share),
        ("reserved-idle", train.reserved_idle),
    ] {
        scenario.set.extend(value.map(|value| (key.to_owned(), value)));
    }
    if train.sequence.is_some() && start.summary.language.is_none() {
        start.notes.push(warning(
            "--sequence plays no part: it is for language models; a graph’s own dimensions say how long its samples are (--dim)".to_owned(),
        ));
    }
    let from_file = match (&scenario.workload, &train.choice.scenario) {
        (Workload::Train(training), Some(_)) => Some(training.clone()),
        _ => None,
    };
    let usual = match from_file {
        Some(training) => training,
        None if train.tokens.is_some() || train.samples.is_some() => {
            Training { samples: 0.0, epochs: 1.0, ..Training::default() }
        }
        None => {
            let defaults = energy::defaults_for(&start.summary, &scenario.hardware).map_err(refusal)?;
            start.notes.push(warning(format!(
                "no amount of training is given, so a usual one is taken (a sample is {}). {} Use --samples N --epochs N or --tokens N for your own",
                defaults.sample, defaults.training_source
            )));
            defaults.training
        }
    };
    scenario.workload = Workload::Train(Training {
        samples: train.samples.unwrap_or(usual.samples),
        epochs: train.epochs.unwrap_or(usual.epochs),
        batch: train.batch.unwrap_or(usual.batch),
        // Samples on the command line replace the tokens of a file.
        tokens: train.tokens.or(if train.samples.is_some() { None } else { usual.tokens }),
        recompute: train.recompute || usual.recompute,
        method: method(&train.method, usual.method),
        plan: plan(&train.plan, usual.plan),
    });
    finish(start, train.place.json)
}

/// The kind of training, from the arguments where they state it.
fn method(given: &MethodChoice, usual: Method) -> Method {
    Method {
        kind: given.kind.unwrap_or(usual.kind),
        rank: given.lora_rank.or(usual.rank),
        targets: given.lora_targets.or(usual.targets),
        teacher_parameters: given.teacher_params.or(usual.teacher_parameters),
        answers: given.answers_per_prompt.or(usual.answers),
        prompt_tokens: given.prompt_tokens.or(usual.prompt_tokens),
        answer_tokens: given.answer_tokens.or(usual.answer_tokens),
        answer_batch: given.answer_batch.or(usual.answer_batch),
    }
}

/// How devices share the run, likewise.
fn plan(given: &PlanChoice, usual: Plan) -> Plan {
    Plan {
        optimizer: given.optimizer.or(usual.optimizer),
        activations: given.activations.or(usual.activations),
        zero: given.zero.or(usual.zero),
        tensor_parallel: given.tensor_parallel.or(usual.tensor_parallel),
        pipeline_parallel: given.pipeline_parallel.or(usual.pipeline_parallel),
        micro_batch: given.micro_batch.or(usual.micro_batch),
    }
}

/// Puts the arguments about machines and service into the scenario that was started.
pub(crate) fn serve(start: &mut Start, service: &Service) {
    let is_from_file = service.choice.scenario.is_some();
    let scenario = &mut start.scenario;
    machines(scenario, &service.place, is_from_file);
    let usual = match (&scenario.workload, is_from_file) {
        (Workload::Serve(serving), true) => serving.clone(),
        _ => Serving::default(),
    };
    let rate = service.requests_per_day.or(usual.requests_per_day);
    let batch = match (rate, start.summary.language, is_from_file) {
        // Its batch follows from the load, up to what engines take.
        (Some(_), Some(_), false) => energy::engine_batch().unwrap_or(usual.batch),
        _ => usual.batch,
    };
    scenario.workload = Workload::Serve(Serving {
        requests_per_day: rate,
        days: service.days.unwrap_or(usual.days),
        batch: service.batch.unwrap_or(batch),
        prompt_tokens: service.prompt_tokens.unwrap_or(usual.prompt_tokens),
        output_tokens: service.output_tokens.unwrap_or(usual.output_tokens),
        images: service.images.or(usual.images),
        // Who asks for tokens means a model that answers with them.
        generates: (service.prompt_tokens.is_some() || service.output_tokens.is_some())
            .then_some(true)
            .or(usual.generates),
    });
}

/// `greenprint infer`.
pub(crate) fn infer(service: &Service) -> Result<Output, Failure> {
    needs_device(&service.choice, &service.place)?;
    let mut start = start(&service.choice)?;
    serve(&mut start, service);
    finish(start, service.place.json)
}

pub(crate) fn refusal(fault: EstimateError) -> Failure {
    match fault {
        // The model file says too little, or our tables do: nothing is wrong with the arguments.
        EstimateError::UnknownCount { .. } | EstimateError::MissingFactor { .. } => Failure::File(fault.to_string()),
        fault => Failure::Use(fault.to_string()),
    }
}

fn finish(start: Start, as_json: bool) -> Result<Output, Failure> {
    let Start { scenario, summary, mut notes, of_model, .. } = start;
    let estimate: Estimate = energy::estimate(&scenario, &summary).map_err(refusal)?;
    if as_json {
        // The record is the library's; what is to be known beside it goes to stderr.
        let said = notes.into_iter().map(|note| print::note(&note)).collect();
        return Ok(Output { text: json(&estimate)?, said, status: 0 });
    }
    notes.extend(of_model);
    Ok(print::estimate(&scenario, &estimate, &notes).into())
}
