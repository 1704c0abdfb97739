//! The work that a scenario starts with, by what the model's samples are: pictures, texts, tokens, sounds, or nothing that is known.
//!
//! The amounts are rows of `tasks.csv`, each a published recipe or a choice that says it is one.
//! The rate of a service follows from what the chosen device answers.
//! What a user has set is not touched here: the caller decides what of this to take.

use super::assumptions::factor;
use super::{EstimateError, estimate};
use crate::format;
use crate::scenario::{Hardware, ModelSummary, SampleKind, Scenario, Serving, Training, Workload};
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use serde::Serialize;
use std::sync::OnceLock;

/// What a training run of a kind of model usually goes through.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The id: `image`, `text`, `generation`, `audio`, `other`.
    pub id: String,
    /// What it is, in words.
    pub label: String,
    /// Samples of the training set.
    pub samples: Option<f64>,
    /// Passes over it.
    pub epochs: f64,
    /// Samples of a step.
    pub batch: Option<u64>,
    /// Tokens of the run for each active parameter, where the amount goes by the model's size.
    pub tokens_per_parameter: Option<f64>,
    /// Who published it.
    pub evidence: Evidence,
    /// What to beware of.
    pub note: String,
}

impl Task {
    /// Where the amounts come from, in a sentence.
    pub fn source(&self) -> String {
        format!("{}: {}. {}.", self.label, self.evidence.source.citation(), self.note)
    }
}

/// All tasks.
pub fn tasks() -> &'static [Task] {
    static ALL: OnceLock<Vec<Task>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("tasks.csv", include_str!("../../data/tasks.csv"))))
}

fn read(name: &str, text: &str) -> Result<Vec<Task>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let (samples, tokens_per_parameter) = (row.number("samples")?, row.number("tokens_per_parameter")?);
            if samples.is_some() == tokens_per_parameter.is_some() {
                return Err(row.fault("samples", "either samples or tokens for each parameter are stated".to_owned()));
            }
            Ok(Task {
                id: row.required_text("id")?.to_owned(),
                label: row.required_text("label")?.to_owned(),
                samples,
                epochs: row.required_number("epochs")?,
                batch: row.number("batch")?.map(|batch| batch as u64),
                tokens_per_parameter,
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// The work that a scenario starts with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Defaults {
    /// The id of the task in `tasks.csv`.
    pub task: String,
    /// What one sample is: `128 tokens`, `a picture of 3 × 224 × 224`.
    pub sample: String,
    /// The training run.
    pub training: Training,
    /// Where its amounts come from, in a sentence.
    pub training_source: String,
    /// The service.
    pub serving: Serving,
    /// Where its rate comes from, in a sentence.
    pub serving_source: String,
    /// How many devices a service starts with.
    pub serving_devices: u64,
}

/// Requests that are computed together when nothing else is said: one, as they come.
const SERVING_BATCH: u64 = 1;
/// A service starts with one device.
const SERVING_DEVICES: u64 = 1;

/// The work that a scenario with this model starts with, on a device of this kind.
///
/// The rate of requests is a round number that leaves the device as busy as the factor `serving-load` says;
/// it is absent where the model cannot be served there.
///
/// # Errors
/// A table that is a part of this crate lacks a row: a fault of ours.
pub fn defaults_for(model: &ModelSummary, hardware: &Hardware) -> Result<Defaults, EstimateError> {
    let id = match (model.sample.kind, model.language.is_some() || model.sample.pass.is_some()) {
        (_, true) => "generation",
        (SampleKind::Image, _) => "image",
        (SampleKind::Tokens, _) => "text",
        (SampleKind::Audio, _) => "audio",
        (SampleKind::Unknown, _) => "other",
    };
    let task = tasks().iter().find(|task| task.id == id).ok_or(EstimateError::MissingFactor { id })?;
    let load = factor("serving-load")?.value.central.0;
    let serving = Serving { batch: SERVING_BATCH, ..Serving::default() };
    let rate = capacity(model, hardware, &serving).map(|capacity| round(capacity * load * SECONDS_PER_DAY));
    Ok(Defaults {
        task: task.id.clone(),
        sample: if model.language.is_some() { "1 token".to_owned() } else { model.sample.label() },
        training: training(model, task),
        training_source: task.source(),
        serving: Serving { requests_per_day: rate, ..serving },
        serving_source: match rate {
            Some(_) => format!(
                "a round number of requests that keeps one device about {} % busy; set your own",
                format::number(load * 100.0)
            ),
            None => "one request, without idle time; set a rate".to_owned(),
        },
        serving_devices: SERVING_DEVICES,
    })
}

const SECONDS_PER_DAY: f64 = crate::units::HOURS_PER_DAY * crate::units::SECONDS_PER_HOUR;

fn training(model: &ModelSummary, task: &Task) -> Training {
    let usual = Training::default();
    let run = Training { epochs: task.epochs, batch: task.batch.unwrap_or(usual.batch), ..usual };
    let Some(each) = task.tokens_per_parameter else {
        return Training { samples: task.samples.unwrap_or(1.0), ..run };
    };
    let parameters = match model.language {
        Some(language) => language.active_parameters,
        None => model.parameters.unwrap_or(0) as f64,
    };
    let tokens = (parameters * each).max(1.0);
    match model.language {
        // Its samples are tokens.
        Some(_) => Training { samples: tokens, tokens: Some(tokens), ..run },
        // A graph goes through them in samples of its own length.
        None => Training { samples: (tokens / model.sample.tokens().unwrap_or(1).max(1) as f64).ceil(), ..run },
    }
}

/// Requests a second that one device of this kind answers; `None` where no estimate can be made.
fn capacity(model: &ModelSummary, hardware: &Hardware, serving: &Serving) -> Option<f64> {
    let scenario = Scenario {
        workload: Workload::Serve(Serving { requests_per_day: None, ..serving.clone() }),
        hardware: Hardware { count: SERVING_DEVICES, ..hardware.clone() },
        ..Scenario::default()
    };
    let found = estimate(&scenario, model).ok()?;
    Some(found.service?.capacity_per_s.central.0).filter(|capacity| *capacity > 0.0)
}

/// The nearest number with one significant digit, 1 at least.
fn round(value: f64) -> f64 {
    let step = libm::pow(10.0, libm::log10(value.max(1.0)).floor());
    ((value / step).round() * step).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{LayerTerms, Sample, TokenPass};

    fn graph(kind: SampleKind, sizes: &[u64], pass: Option<TokenPass>) -> ModelSummary {
        let macs = 4_089_184_256;
        ModelSummary {
            parameters: Some(25_557_032),
            macs: Some(macs),
            batch: 1,
            layers: vec![LayerTerms { layers: 53, macs, weight_bytes: 102_228_128, ..LayerTerms::default() }],
            sample: Sample { kind, sizes: sizes.to_vec(), pass },
            ..ModelSummary::default()
        }
    }

    #[test]
    fn each_kind_has_its_own_work() {
        let on = Hardware::default();
        let of = |model: &ModelSummary| defaults_for(model, &on).unwrap();
        let picture = of(&graph(SampleKind::Image, &[3, 224, 224], None));
        assert_eq!((picture.training.samples, picture.training.epochs), (1_281_167.0, 90.0));
        assert_eq!(picture.sample, "a picture of 3 × 224 × 224");
        let text = of(&graph(SampleKind::Tokens, &[128], None));
        assert_eq!((text.training.samples, text.training.epochs, text.training.batch), (392_702.0, 3.0, 32));
        assert_eq!(text.sample, "128 tokens");
        let pass = TokenPass { tokens: 128, ..TokenPass::default() };
        let writer = of(&graph(SampleKind::Tokens, &[128], Some(pass)));
        // 20 tokens for each parameter, in samples of 128.
        assert_eq!(writer.training.samples, (20.0 * 25_557_032.0 / 128.0f64).ceil());
        let language = of(&ModelSummary::from_counts(100e9, Some(10e9)));
        assert_eq!((language.training.tokens, language.sample.as_str()), (Some(200e9), "1 token"));
        assert_eq!(of(&graph(SampleKind::Audio, &[16_000], None)).training.samples, 281_241.0);
        let other = of(&graph(SampleKind::Unknown, &[4], None));
        assert_eq!((other.training.samples, other.training.epochs), (1e6, 1.0));
        assert!(other.training_source.contains("neutral"));
        for found in [picture, text, writer, language, other] {
            assert!(!found.training_source.is_empty() && found.serving_devices == 1, "{found:?}");
        }
    }

    #[test]
    fn a_service_starts_with_a_rate_that_the_device_can_answer() {
        let on = Hardware { device: "l4".to_owned(), count: 8, precision: None };
        for model in [graph(SampleKind::Image, &[3, 224, 224], None), ModelSummary::from_counts(8e9, None)] {
            let found = defaults_for(&model, &on).unwrap();
            let scenario = Scenario {
                workload: Workload::Serve(found.serving.clone()),
                hardware: Hardware { count: found.serving_devices, ..on.clone() },
                ..Scenario::default()
            };
            let load = estimate(&scenario, &model).unwrap().service.unwrap().load.unwrap().central.0;
            assert!((0.15..0.5).contains(&load), "{load}");
        }
        // Without a count of MACs nothing can be served, and nothing is made up.
        assert_eq!(defaults_for(&ModelSummary::default(), &on).unwrap().serving.requests_per_day, None);
    }

    #[test]
    fn rates_are_round() {
        assert_eq!([round(0.2), round(3.7), round(4444.0), round(9.6)], [1.0, 4.0, 4000.0, 10.0]);
    }

    #[test]
    fn the_table_reads_and_refuses_what_is_no_amount() {
        assert_eq!(tasks().len(), 5);
        let header = "id,label,samples,epochs,batch,tokens_per_parameter,year,source,certainty,note\n";
        assert!(read("t.csv", &format!("{header}x,y,,1,1,,2020,greenprint,E,\n")).is_err());
        assert!(read("t.csv", &format!("{header}x,y,5,1,1,5,2020,greenprint,E,\n")).is_err());
    }
}
