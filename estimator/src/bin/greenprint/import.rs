//! `greenprint import`: what was measured, our estimate beside it, and a whole training from its first epochs.

use crate::arguments::{ModelChoice, Place, count, whole};
use crate::job::{machines, refusal, start};
use crate::{Failure, Output, json, model, print};
use clap::Args;
use estimator::format::{self, Readable};
use estimator::logs;
use estimator::notes::Level;
use estimator::report::{Beside, Boundary, Extrapolation, Measured, MeasuredRun, Method, ProfileBeside};
use estimator::scenario::{Training, Workload};
use serde::Serialize;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Examples:
  greenprint import emissions.csv
  greenprint import logs/run_carbontracker.log logs/run_carbontracker_output.log --epochs 90
  greenprint import emissions.csv --model resnet50.onnx --samples 1,281,167 --epochs 90
  greenprint import onnxruntime_profile.json --model resnet50.onnx --device epyc-9654 --precision fp32
  greenprint import mlperf/run_1/ --json

Read are the logs of CodeCarbon, Carbontracker, Eco2AI, experiment-impact-tracker, Zeus, ML.ENERGY, MLPerf power, BoAmps,
Green Algorithms, Optimum-Benchmark, ONNX Runtime's profiler and TensorRT's trtexec; a folder may hold several.
With a model (--model, --describe, --params or --scenario) our estimate stands beside each run; devices and place are the
run's where it names them.";

#[derive(Args)]
pub(crate) struct ImportArguments {
    /// Logs, or folders with logs.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    choice: ModelChoice,
    /// Epochs of the whole training: extrapolates a run that tells its epochs apart.
    #[arg(long, value_name = "N", value_parser = whole)]
    epochs: Option<u64>,
    /// Samples in the training set.
    #[arg(long, value_name = "N", value_parser = count)]
    samples: Option<f64>,
    /// Tokens seen in the whole run.
    #[arg(long, value_name = "N", value_parser = count)]
    tokens: Option<f64>,
    #[command(flatten)]
    place: Place,
}

/// One log with what stands beside it.
#[derive(Serialize)]
struct Imported<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
    /// For each run that has epochs, the whole training.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extrapolated: Vec<OfRun<Extrapolation>>,
    /// For each run, our estimate of the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    beside: Vec<Beside>,
    /// The profile beside the model's layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<ProfileBeside>,
}

#[derive(Serialize)]
struct OfRun<T> {
    run: String,
    #[serde(flatten)]
    found: T,
}

/// The most runs of one log that are estimated: a log may hold thousands.
const MOST_BESIDE: usize = 50;

pub(crate) fn import(import: &ImportArguments) -> Result<Output, Failure> {
    let files = model::files(&import.files)?;
    let found = logs::read(&files).map_err(|fault| Failure::File(fault.to_string()))?;
    let mut output = Output::default();
    for fault in &found.failed {
        output.said.push(fault.to_string());
        output.status = 1;
    }
    if found.passed_over > 0 {
        output.said.push(format!("{} files are no logs of a known tool and were passed over", found.passed_over));
    }
    let choice = &import.choice;
    let has_model =
        choice.model.is_some() || choice.describe.is_some() || choice.params.is_some() || choice.scenario.is_some();
    if !has_model && (import.samples.is_some() || import.tokens.is_some()) {
        return Err(Failure::Use(
            "--samples and --tokens need a model: --model, --describe, --params or --scenario".to_owned(),
        ));
    }
    let given = match has_model {
        true => {
            let mut given = start(choice)?;
            machines(&mut given.scenario, &import.place, choice.scenario.is_some());
            if choice.scenario.is_none()
                || import.samples.is_some()
                || import.tokens.is_some()
                || import.epochs.is_some()
            {
                work(&mut given, import)?;
            }
            Some(given)
        }
        false => None,
    };
    let mut imported = Vec::new();
    for measured in &found.logs {
        let mut one = Imported { measured, extrapolated: Vec::new(), beside: Vec::new(), layers: None };
        if let Some(epochs) = import.epochs {
            for run in measured.runs.iter().filter(|run| !run.epochs.is_empty()) {
                let found = logs::extrapolate(run, epochs).map_err(Failure::Use)?;
                one.extrapolated.push(OfRun { run: run.name.clone(), found });
            }
            if one.extrapolated.is_empty() && measured.profile.is_none() {
                output
                    .said
                    .push(format!("{}: no run tells its epochs apart, so none is extrapolated", measured.tool_name));
            }
        }
        if let Some(given) = &given {
            for run in measured.runs.iter().filter(|run| run.energy_kwh.is_some()).take(MOST_BESIDE) {
                one.beside.push(logs::beside(run, &given.scenario, &given.summary).map_err(refusal)?);
            }
            if let (Some(profile), Some(file)) = (&measured.profile, &choice.model) {
                let inspection = model::inspect(file, &choice.shapes)?;
                one.layers =
                    Some(logs::beside_layers(profile, &inspection, &given.scenario.hardware).map_err(refusal)?);
            }
        }
        imported.push(one);
    }
    output.text = match import.place.json {
        true => json(&imported)?,
        false => imported.iter().map(|one| text(one, has_model)).collect::<Vec<_>>().join("\n"),
    };
    Ok(output)
}

/// The work to which measured hours are compared.
fn work(given: &mut crate::job::Start, import: &ImportArguments) -> Result<(), Failure> {
    let usual = match &given.scenario.workload {
        Workload::Train(training) if import.choice.scenario.is_some() => training.clone(),
        Workload::Serve(_) if import.choice.scenario.is_some() => return Ok(()),
        _ => estimator::energy::defaults_for(&given.summary, &given.scenario.hardware).map_err(refusal)?.training,
    };
    given.scenario.workload = Workload::Train(Training {
        samples: import.samples.unwrap_or(usual.samples),
        epochs: import.epochs.map_or(usual.epochs, |epochs| epochs as f64),
        tokens: import.tokens.or(if import.samples.is_some() { None } else { usual.tokens }),
        ..usual
    });
    Ok(())
}

fn boundary(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::Accelerators => "the accelerators alone",
        Boundary::Chips => "processors and accelerators",
        Boundary::ChipsAndMemory => "processors, accelerators and memory",
        Boundary::Wall => "the whole computer at its plug",
        Boundary::Unknown => "not stated",
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Measured => "measured",
        Method::Mixed => "measured in part, else from ratings and constants",
        Method::Modelled => "computed from ratings",
        Method::Unknown => "not stated",
    }
}

fn text(one: &Imported<'_>, has_model: bool) -> String {
    let measured = one.measured;
    let version = measured.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut text = format!("{}{version}: {}\n\n", measured.tool_name, measured.files.join(", "));
    print::notes(&mut text, measured.warnings.iter(), Level::Warning);
    for run in &measured.runs {
        text.push_str(&run_text(run));
        if let Some(extrapolated) = one.extrapolated.iter().find(|other| other.run == run.name) {
            text.push_str(&extrapolation(&extrapolated.found));
        }
        if let Some(beside) = one.beside.iter().find(|beside| beside.run == run.name) {
            text.push_str(&beside_text(beside));
        }
        text.push('\n');
    }
    if let Some(profile) = &measured.profile {
        match &one.layers {
            Some(layers) => text.push_str(&layers_text(layers)),
            None => {
                let mut layers: Vec<_> = profile.layers.iter().collect();
                layers.sort_by(|one, other| other.mean_s.0.total_cmp(&one.mean_s.0));
                let mut rows = vec![vec!["slowest kernels".to_owned(), "time".to_owned(), "operator".to_owned()]];
                let slowest = layers.iter().take(20);
                rows.extend(
                    slowest.map(|layer| vec![print::cut(&layer.name), layer.mean_s.readable(), layer.op.clone()]),
                );
                text.push_str(&print::table(&rows, &[1]));
                text.push_str(if has_model {
                    ""
                } else {
                    "with --model FILE the layers of the model stand beside them\n"
                });
            }
        }
        text.push('\n');
    }
    print::notes(&mut text, measured.warnings.iter(), Level::Info);
    text
}

fn run_text(run: &MeasuredRun) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: Option<String>| rows.extend(value.map(|value| vec![format!("  {name}"), value]));
    row("time", run.duration_s.map(Readable::readable));
    let pue = match run.pue {
        Some(pue) if pue > 1.0 => format!(", with a PUE of {pue}"),
        Some(_) => ", without PUE".to_owned(),
        None => String::new(),
    };
    row("energy", run.energy_kwh.map(|energy| format!("{}{pue}", energy.readable())));
    if run.pue.is_some_and(|pue| pue > 1.0) {
        row("of the equipment", run.equipment_kwh.map(Readable::readable));
    }
    for (name, part) in [
        ("processors", run.parts_kwh.cpu),
        ("accelerators", run.parts_kwh.gpu),
        ("memory", run.parts_kwh.ram),
        ("undivided", run.parts_kwh.other),
    ] {
        row(name, part.map(Readable::readable));
    }
    row("emissions", run.co2e_kg.map(Readable::readable));
    row("intensity", run.intensity.map(|intensity| format!("{} gCO₂e/kWh", format::number(intensity.0))));
    row("covers", Some(boundary(run.boundary).to_owned()));
    row("method", Some(method(run.method).to_owned()));
    row("place", run.place.as_ref().map(|place| print::cut(place)));
    for device in &run.devices {
        let id = device.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
        row("device", Some(format!("{} × {}{id}", device.count, print::cut(&device.name))));
    }
    row("model", run.model.as_ref().map(|model| print::cut(model)));
    for items in &run.items {
        row("computed", Some(format!("{} {}", format::number(items.count), items.of)));
    }
    if !run.epochs.is_empty() {
        let planned = run.planned_epochs.map(|planned| format!(" of {planned}")).unwrap_or_default();
        row("epochs", Some(format!("{}{planned}", run.epochs.len())));
    }
    row("the tool’s forecast", run.forecast_kwh.map(Readable::readable));
    format!("{}\n{}", if run.name.is_empty() { "run" } else { &run.name }, print::table(&rows, &[]))
}

fn extrapolation(found: &Extrapolation) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: Option<String>| rows.extend(value.map(|value| vec![format!("  {name}"), value]));
    row("time", found.hours.map(format::range));
    row("equipment", found.equipment_kwh.map(format::range));
    row("energy", found.energy_kwh.map(format::range));
    row("emissions", found.co2e_kg.map(format::range));
    let mut text = format!("\nall {} epochs ({})\n{}", found.epochs, found.method, print::table(&rows, &[]));
    for level in [Level::Warning, Level::Info] {
        print::notes(&mut text, found.warnings.iter(), level);
    }
    text
}

fn beside_text(found: &Beside) -> String {
    let mut rows =
        vec![["", "measured", "estimated", "from", "to", "estimated ÷ measured"].map(str::to_owned).to_vec()];
    for row in &found.rows {
        rows.push(vec![
            format!("{} ({})", row.name, row.unit),
            format::number(row.measured),
            format::number(row.estimated.central.0),
            format::number(row.estimated.low.0),
            format::number(row.estimated.high.0),
            row.ratio.map_or_else(String::new, |ratio| {
                format!("{}{}", format::number(ratio), if row.inside { "" } else { "  outside" })
            }),
        ]);
    }
    let mut text = format!("\nbeside our estimate\n{}", print::table(&rows, &[1, 2, 3, 4]));
    for line in &found.basis {
        text.push_str(&format!("  basis: {line}\n"));
    }
    text.push_str("what differs\n");
    for difference in &found.differences {
        text.push_str(&format!("  {}\n", difference.text));
    }
    if !found.adjustments.is_empty() {
        text.push_str("the measurement would set\n");
        for one in &found.adjustments {
            text.push_str(&format!(
                "  --set {}={}  {}: {} {} in place of {} ({})\n",
                one.key,
                one.after,
                one.name,
                format::number(one.after),
                one.unit,
                format::number(one.before),
                one.why
            ));
        }
    }
    for level in [Level::Warning, Level::Info] {
        print::notes(&mut text, found.warnings.iter(), level);
    }
    text
}

fn layers_text(found: &ProfileBeside) -> String {
    let mut rows =
        vec![["kernel", "operator", "measured", "roofline", "bound by", "of the peak"].map(str::to_owned).to_vec()];
    for row in &found.rows {
        rows.push(vec![
            print::cut(&row.name),
            row.op.clone(),
            row.measured_s.readable(),
            row.estimated_s.map_or_else(|| "no layer".to_owned(), Readable::readable),
            row.bound.clone().unwrap_or_default(),
            row.share_of_peak.map(|share| format!("{} %", format::number(share * 100.0))).unwrap_or_default(),
        ]);
    }
    let mut text = print::table(&rows, &[2, 3, 5]);
    text.push_str(&format!(
        "\nmatched kernels {} beside {} by the roofline; other kernels {}\n",
        found.matched_s.readable(),
        found.estimated_s.readable(),
        found.unmatched_s.readable()
    ));
    for level in [Level::Warning, Level::Info] {
        print::notes(&mut text, found.warnings.iter(), level);
    }
    text
}
