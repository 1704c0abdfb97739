//! `greenprint plan`, `greenprint breakeven` and `greenprint green`: what a budget buys, when extra training has paid for itself, and what a result cost.

use crate::arguments::{Place, count, number, whole};
use crate::job::{machines, refusal};
use crate::{Failure, Output, json};
use clap::{ArgGroup, Args};
use estimator::energy;
use estimator::format::{self, Readable};
use estimator::notes::{Level, Note};
use estimator::planning::{self, Budget, Measure, PlanError, Request, Served};
use estimator::range::{Range, Ratio};
use estimator::report::{BreakEven, Estimate, Life, PayBack, Plan};
use estimator::scenario::{ModelRef, Scenario, Serving, Training, Workload};
use estimator::units::{Flops, KilowattHours};

#[derive(Args)]
#[command(group(ArgGroup::new("budget").required(true)))]
pub(crate) struct PlanArguments {
    /// The budget in kilowatt-hours at the meter.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, group = "budget")]
    budget_kwh: Option<f64>,
    /// The budget in kilograms of CO₂e.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, group = "budget")]
    budget_kg: Option<f64>,
    /// The budget in US dollars: rent where a price is known, else the electricity bill.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, group = "budget")]
    budget_usd: Option<f64>,
    /// The budget in hours × devices.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, group = "budget")]
    budget_device_hours: Option<f64>,
    /// Tokens of prompts and answers that the model will serve in its life: also plans the cheapest model over that life.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    served_tokens: Option<f64>,
    #[command(flatten)]
    serving: ServingArguments,
    /// The number format while serving; that of training by default.
    #[arg(long, value_name = "P")]
    serving_precision: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// How requests are served.
#[derive(Args)]
struct ServingArguments {
    /// Requests that are computed together while serving.
    #[arg(long, value_name = "N", value_parser = whole, allow_hyphen_values = true, default_value = "32")]
    batch: u64,
    /// Tokens of a request's prompt.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, default_value = "500")]
    prompt_tokens: f64,
    /// Tokens of a request's answer.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, default_value = "250")]
    output_tokens: f64,
}

impl ServingArguments {
    fn serving(&self) -> Serving {
        Serving {
            batch: self.batch,
            prompt_tokens: self.prompt_tokens,
            output_tokens: self.output_tokens,
            ..Serving::default()
        }
    }
}

#[derive(Args)]
pub(crate) struct BreakEvenArguments {
    /// Parameters before.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    params: f64,
    /// Parameters that one token uses before, in a mixture of experts.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    active_params: Option<f64>,
    /// Parameters after distillation or structured pruning; as before by default.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    to_params: Option<f64>,
    /// The number format after quantization; as before by default.
    #[arg(long, value_name = "P")]
    to_precision: Option<String>,
    /// The number of devices that serve afterwards; as before by default.
    #[arg(long, value_name = "N", value_parser = whole, allow_hyphen_values = true)]
    to_count: Option<u64>,
    /// Tokens on which the changed model is trained, tuned or calibrated.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    tune_tokens: f64,
    /// The model before runs along as a teacher: one forward pass over the same tokens.
    #[arg(long)]
    distil: bool,
    /// The changed model only looks at the tokens (one forward pass, no gradients), as calibration of quantization does.
    #[arg(long, conflicts_with = "distil")]
    calibrate: bool,
    /// Devices of the extra training; 8 by default.
    #[arg(long, value_name = "N", value_parser = whole, allow_hyphen_values = true, default_value = "8")]
    train_count: u64,
    /// Requests in a day, which turn the number of requests into days.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    requests_per_day: Option<f64>,
    #[command(flatten)]
    serving: ServingArguments,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(crate) struct GreenArguments {
    /// Operations for one example: three forward passes in training (E).
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    example_flops: f64,
    /// Examples in the data (D).
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    examples: f64,
    /// Passes over the data.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, default_value = "1")]
    epochs: f64,
    /// Experiments, the final one included (H).
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, default_value = "1")]
    experiments: f64,
    /// The quality that was reached, in the field's own measure.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    quality: Option<f64>,
    /// Energy of all experiments together, if it is known.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    energy_kwh: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Machines and place alone.
fn base(place: &Place) -> Result<Scenario, Failure> {
    if place.device.is_none() {
        return Err(Failure::Use("no device is given; use --device ID (`greenprint devices` lists them)".to_owned()));
    }
    let mut scenario = Scenario::default();
    machines(&mut scenario, place, false);
    Ok(scenario)
}

fn failure(fault: PlanError) -> Failure {
    match fault {
        PlanError::Estimate(fault) => refusal(fault),
        PlanError::MissingLaw => Failure::File(fault.to_string()),
        fault => Failure::Use(fault.to_string()),
    }
}

/// `greenprint plan`.
pub(crate) fn plan(arguments: &PlanArguments) -> Result<Output, Failure> {
    let budget = [
        (arguments.budget_kwh, Measure::KilowattHours),
        (arguments.budget_kg, Measure::KilogramsCo2e),
        (arguments.budget_usd, Measure::Dollars),
        (arguments.budget_device_hours, Measure::DeviceHours),
    ]
    .into_iter()
    .find_map(|(amount, measure)| Some(Budget { amount: amount?, measure }))
    .ok_or_else(|| Failure::Use("no budget is given".to_owned()))?;
    let served = arguments.served_tokens.map(|tokens| Served {
        tokens,
        serving: arguments.serving.serving(),
        precision: arguments.serving_precision.clone(),
    });
    let request = Request { budget, scenario: base(&arguments.place)?, served };
    let found = planning::plan(&request).map_err(failure)?;
    if arguments.place.json { json(&found).map(Output::from) } else { Ok(plan_text(&found).into()) }
}

/// A model of counts doing some work.
fn estimate(
    scenario: &Scenario,
    parameters: f64,
    active: Option<f64>,
    workload: Workload,
) -> Result<Estimate, Failure> {
    let model = ModelRef::Counts { parameters, active_parameters: active };
    let summary = model.summary().ok_or_else(|| Failure::Use("no model is given".to_owned()))?;
    energy::estimate(&Scenario { model, workload, ..scenario.clone() }, &summary).map_err(refusal)
}

/// `greenprint breakeven`.
pub(crate) fn break_even(arguments: &BreakEvenArguments) -> Result<Output, Failure> {
    let base = base(&arguments.place)?;
    let serving = || Workload::Serve(arguments.serving.serving());
    let before = estimate(&base, arguments.params, arguments.active_params, serving())?;
    let mut changed = base.clone();
    if arguments.to_precision.is_some() {
        changed.hardware.precision.clone_from(&arguments.to_precision);
    }
    changed.hardware.count = arguments.to_count.unwrap_or(base.hardware.count);
    let (parameters, active) = match arguments.to_params {
        Some(parameters) => (parameters, None),
        None => (arguments.params, arguments.active_params),
    };
    let after = estimate(&changed, parameters, active, serving())?;
    let mut training = base.clone();
    training.hardware.count = arguments.train_count;
    let run = || Workload::Train(Training { tokens: Some(arguments.tune_tokens), ..Training::default() });
    let mut forward = training.clone();
    forward.set.insert("backward-over-forward".to_owned(), 0.0);
    let mut extra = vec![estimate(if arguments.calibrate { &forward } else { &training }, parameters, active, run())?];
    if arguments.distil {
        extra.push(estimate(&forward, arguments.params, arguments.active_params, run())?);
    }
    let mut found = planning::break_even(&before, &after, &extra, arguments.requests_per_day);
    for (place, found_in) in [("before", &before), ("after", &after)] {
        found.warnings.extend(found_in.obstacles.iter().map(|obstacle| Note {
            level: Level::Warning,
            place: place.to_owned(),
            text: obstacle.text().to_owned(),
        }));
    }
    if arguments.place.json { json(&found).map(Output::from) } else { Ok(break_even_text(&found).into()) }
}

/// `greenprint green`.
pub(crate) fn green(arguments: &GreenArguments) -> Result<Output, Failure> {
    let found = planning::green(
        Flops(arguments.example_flops),
        arguments.examples,
        arguments.epochs,
        arguments.experiments,
        arguments.quality,
        arguments.energy_kwh.map(KilowattHours),
    )
    .ok_or_else(|| Failure::Use("operations, examples, epochs and experiments must be above 0".to_owned()))?;
    if arguments.json {
        return json(&found).map(Output::from);
    }
    let mut text = String::new();
    let mut row = |name: &str, value: String| text.push_str(&format!("{name:<34}{value}\n"));
    row("cost of one example (E)", found.example_flops.readable());
    row("examples processed in a run (D)", format::count(found.examples));
    row("experiments (H)", format::number(found.experiments));
    row("all operations (E × D × H)", found.total_flops.readable());
    row("magnitude (its logarithm)", format::number(found.magnitude));
    if let Some(quality) = found.quality_per_magnitude {
        row("quality for each tenfold of cost", format::number(quality));
    }
    if let Some(joules) = found.joules_per_example {
        row("energy for each example", format!("{} J", format::number(joules)));
    }
    Ok(text.into())
}

fn counts(range: Range<Ratio>) -> String {
    format!("{} ({} to {})", format::count(range.central.0), format::count(range.low.0), format::count(range.high.0))
}

fn plain(range: Range<Ratio>) -> String {
    format!("{} ({} to {})", format::number(range.central.0), format::number(range.low.0), format::number(range.high.0))
}

fn spans<T: Readable>(range: Range<T>) -> String {
    format!("{} ({} to {})", range.central.readable(), range.low.readable(), range.high.readable())
}

fn plan_text(plan: &Plan) -> String {
    let mut text = format!("{} {} train at best, by {}\n\n", format::number(plan.budget), plan.unit, plan.law);
    let mut row = |name: &str, value: String| text.push_str(&format!("  {name:<28}{value}\n"));
    row("parameters", counts(plan.best.parameters));
    row("tokens", counts(plan.best.tokens));
    row("tokens for each parameter", format::number(plan.best.tokens_per_parameter));
    row("loss", plain(plan.best.loss));
    row("operations", plan.best.flops.readable());
    if let Some(original) = plan.by_the_original_fit {
        row(
            "by the original fit",
            format!("{} parameters, {} tokens", format::count(original.parameters), format::count(original.tokens)),
        );
    }
    row("time", spans(plan.cost.hours));
    row("energy at the meter", spans(plan.cost.energy_kwh));
    row("emissions of use", spans(plan.cost.co2e_kg));
    row("electricity bill", spans(plan.cost.cost_usd));
    if let Some(rent) = plan.cost.rent_usd {
        row("rent instead", spans(rent));
    }
    if let Some(life) = &plan.lifetime {
        let show = |one: &Life| {
            format!(
                "{} parameters, {} tokens: {} to train, {} to serve on {}, {} in all",
                format::count(one.parameters),
                format::count(one.tokens),
                one.training_kwh.readable(),
                one.serving_kwh.readable(),
                if one.serving_devices == 1 {
                    "1 device".to_owned()
                } else {
                    format!("{} devices", one.serving_devices)
                },
                one.total().readable()
            )
        };
        text.push_str(&format!(
            "\nOver a life of {} served tokens ({} requests), at the same loss\n\n",
            format::count(life.served_tokens),
            format::count(life.requests)
        ));
        let mut row = |name: &str, value: String| text.push_str(&format!("  {name:<28}{value}\n"));
        row("best for training alone", show(&life.compute_optimal));
        row("best over its life", show(&life.best));
        row("best size", counts(life.parameters));
        row("saved", format!("{} ({} %)", life.saved_kwh.readable(), format::number(life.saved_share * 100.0)));
    }
    notes(&mut text, &plan.warnings);
    text
}

fn notes(text: &mut String, notes: &[Note]) {
    text.push('\n');
    for note in notes {
        text.push_str(&crate::print::note(note));
        text.push('\n');
    }
}

fn break_even_text(found: &BreakEven) -> String {
    let mut text = String::new();
    let mut show = |name: &str, one: &PayBack| {
        text.push_str(&format!("{name}\n"));
        let mut row = |name: &str, value: String| text.push_str(&format!("  {name:<28}{value}\n"));
        row("spent once", format!("{} {}", plain(one.extra), one.unit));
        row("a request before", format!("{} {}", plain(one.before), one.unit));
        row("a request after", format!("{} {}", plain(one.after), one.unit));
        match one.requests {
            Some(requests) => row("paid back after", format!("{} requests", counts(requests))),
            None => row("paid back", "never: a request costs no less than before".to_owned()),
        }
        if let Some(days) = one.days {
            row("which is", format!("{} days", plain(days)));
        }
    };
    show("Energy", &found.energy);
    show("Emissions", &found.co2e);
    if let Some(money) = &found.money {
        show("Money", money);
    }
    notes(&mut text, &found.warnings);
    text
}
