//! BoAmps reports (Boavizta): JSON with `task`, `measures` and `infrastructure`.
//!
//! `powerConsumption` is energy in kWh; drafts of the format had a `unit` beside it, which is heeded. What the energy covers, the report
//! says only by the tool that measured. Read in `model/report_schema.json` and the examples of Boavizta/BoAmps.

use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use crate::notes::{Notes, clip};
use crate::report::{Boundary, DeviceRole, Items, Measured, MeasuredDevice, MeasuredRun, Method, Stage};
use crate::units::{GramsPerKilowattHour, KilowattHours, Seconds, WATT_HOURS_PER_KILOWATT_HOUR};
use serde::Deserialize;
use serde_json::Value;

/// Whether a file is of this kind.
pub(super) fn recognises(beginning: &str) -> bool {
    beginning.trim_start().starts_with('{')
        && (beginning.contains("BoAmps")
            || (beginning.contains("\"task\"") && beginning.contains("\"taskStage\""))
            || (beginning.contains("\"measures\"") && beginning.contains("\"powerConsumption\"")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Report {
    task: Option<Task>,
    measures: Option<Vec<Measure>>,
    infrastructure: Option<Infrastructure>,
    environment: Option<Environment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Task {
    task_stage: String,
    task_family: String,
    nb_request: Option<f64>,
    algorithms: Vec<Algorithm>,
    dataset: Vec<Dataset>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Algorithm {
    algorithm_name: Option<String>,
    foundation_model_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Dataset {
    data_usage: Option<String>,
    data_type: Option<String>,
    data_quantity: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Measure {
    measurement_method: Option<String>,
    version: Option<String>,
    unit: Option<String>,
    power_consumption: Option<Value>,
    measurement_duration: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Infrastructure {
    components: Vec<Component>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Component {
    component_name: Option<String>,
    component_type: Option<String>,
    nb_component: Option<f64>,
    manufacturer: Option<String>,
    series: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Environment {
    country: Option<String>,
    power_source_carbon_intensity: Option<f64>,
}

/// Reads the files.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        let report: Report = text.json()?;
        let missing: Vec<&str> = [
            ("task", report.task.is_none()),
            ("measures", report.measures.is_none()),
            ("infrastructure", report.infrastructure.is_none()),
        ]
        .into_iter()
        .filter_map(|(part, is_missing)| is_missing.then_some(part))
        .collect();
        if !missing.is_empty() {
            notes.warn(&text.name, format!("a BoAmps report requires {}, which this one lacks", missing.join(" and ")));
        }
        let task = report.task.unwrap_or_default();
        let devices = devices(&report.infrastructure.unwrap_or_default());
        let environment = report.environment.unwrap_or_default();
        let measures = report.measures.unwrap_or_default();
        if measures.is_empty() {
            return Err(text.no_run("the report holds no measure"));
        }
        for (place, measure) in measures.into_iter().enumerate().take(1000) {
            measured.runs.push(run(text, place, measure, &task, &devices, &environment, &mut notes)?);
        }
        measured.files.push(text.name.clone());
    }
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn run(
    text: &Text,
    place: usize,
    measure: Measure,
    task: &Task,
    devices: &[MeasuredDevice],
    environment: &Environment,
    notes: &mut Notes,
) -> Result<MeasuredRun, LogError> {
    let figure = match &measure.power_consumption {
        None | Some(Value::Null) => None,
        Some(value) => {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).and_then(sensible);
            Some(number.ok_or_else(|| {
                text.broken(
                    None,
                    format!(
                        "powerConsumption of measure {} is “{}”, not an energy in kWh",
                        place + 1,
                        clip(&value.to_string())
                    ),
                )
            })?)
        }
    };
    let energy = match measure.unit.as_deref() {
        None | Some("kWh" | "") => figure,
        Some("Wh") => {
            notes.warn(&text.name, "the measure says Wh where the format wants kWh; it is read as Wh");
            figure.map(|watt_hours| watt_hours / WATT_HOURS_PER_KILOWATT_HOUR)
        }
        Some(other) => {
            notes.warn(&text.name, format!("the measure’s unit “{}” is not known; it is read as kWh", clip(other)));
            figure
        }
    };
    let tool = measure.measurement_method.unwrap_or_default();
    // What the trackers cover is known from their own rooms.
    let (boundary, method) = match tool.to_lowercase().as_str() {
        "codecarbon" | "eco2ai" => (Boundary::ChipsAndMemory, Method::Mixed),
        "carbontracker" | "carbon-tracker" => (Boundary::Chips, Method::Mixed),
        "wattmeter" | "wattmetre" => (Boundary::Wall, Method::Measured),
        "zeus" | "nvml" => (Boundary::Accelerators, Method::Measured),
        _ => (Boundary::Unknown, Method::Unknown),
    };
    if !tool.is_empty() {
        let version = measure.version.map(|version| format!(" {version}")).unwrap_or_default();
        notes.info(&text.name, format!("measured with {}{}", clip(&tool), clip(&version)));
    }
    notes.info(&text.name, "a BoAmps report does not say whether a PUE is in its energy");
    let stage = task.task_stage.to_lowercase();
    let model = task
        .algorithms
        .iter()
        .find_map(|algorithm| algorithm.foundation_model_name.as_ref().or(algorithm.algorithm_name.as_ref()));
    let mut items: Vec<Items> = Vec::new();
    if let Some(requests) = task.nb_request.and_then(sensible).filter(|requests| *requests > 0.0) {
        items.push(Items { of: "requests".to_owned(), count: requests });
    }
    for set in task.dataset.iter().take(20) {
        if let (Some(usage), Some("token"), Some(count)) =
            (&set.data_usage, set.data_type.as_deref(), set.data_quantity.and_then(sensible))
        {
            items.push(Items { of: format!("{} tokens", clip(usage)), count });
        }
    }
    Ok(MeasuredRun {
        name: format!("{} {}", clip(&task.task_stage), clip(&task.task_family)).trim().to_owned(),
        stage: match () {
            () if stage.contains("training") || stage.contains("tuning") => Some(Stage::Training),
            () if stage.contains("inference") => Some(Stage::Inference),
            () => None,
        },
        model: model.map(|model| clip(model)),
        duration_s: measure.measurement_duration.and_then(sensible).map(Seconds),
        energy_kwh: energy.map(KilowattHours),
        boundary,
        method,
        intensity: environment.power_source_carbon_intensity.and_then(sensible).map(GramsPerKilowattHour),
        region: environment.country.as_deref().and_then(names::region),
        place: environment.country.as_deref().map(clip),
        devices: devices.to_vec(),
        items,
        ..MeasuredRun::default()
    })
}

fn devices(infrastructure: &Infrastructure) -> Vec<MeasuredDevice> {
    let mut found = Vec::new();
    for component in infrastructure.components.iter().take(64) {
        let name = component.component_name.clone().unwrap_or_default();
        let kind = component.component_type.clone().unwrap_or_else(|| name.clone()).to_lowercase();
        let role = match kind.as_str() {
            "gpu" => DeviceRole::Gpu,
            "cpu" => DeviceRole::Cpu,
            _ => continue,
        };
        let count = component.nb_component.and_then(sensible).map_or(1, |count| count as u64).max(1);
        // Older reports call the component only “gpu” and name it in other fields.
        let plain = match name.to_lowercase().as_str() {
            "" | "gpu" | "cpu" => [&component.manufacturer, &component.series]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
            _ => name.rsplit(" x ").next().unwrap_or(&name).to_owned(),
        };
        found.push(names::device(role, &plain, count));
    }
    found
}
