//! Which fields a scenario file may have, so that a misspelt one is told and not silently passed over.
//!
//! The fields are those of the records themselves: scenarios with every field filled are written as JSON, and their keys are the known ones.

use super::compression::{Distil, Format, Prune, Software};
use super::{
    Activations, Compression, Hardware, Kind, LanguageModel, LayerTerms, Method, ModelRef, ModelSummary, Optimizer,
    Plan, Sample, SampleKind, Scenario, Serving, Site, Targets, TokenPass, Training, VERSION, Workload,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A field that no scenario has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Where it stands: `hardware.deviec`.
    pub path: String,
    /// The known field that is spelt most like it, with its path: of the same record where it has one, else of any.
    pub near: Option<String>,
}

/// Objects whose keys are names of the user's own.
const FREE: [&str; 2] = ["dims", "set"];
/// The deepest that a file is looked into; a scenario is far flatter.
const DEEPEST: usize = 8;
/// The most unknown fields that are told.
const MOST: usize = 20;

impl Scenario {
    /// The fields of a scenario file that no scenario has, and that reading it passed over.
    pub fn unknown_fields(file: &Value) -> Vec<UnknownField> {
        let known = known();
        let mut found = Vec::new();
        walk(file, "", &known, 0, &mut found);
        found
    }
}

fn walk(
    value: &Value,
    path: &str,
    known: &BTreeMap<String, BTreeSet<String>>,
    depth: usize,
    found: &mut Vec<UnknownField>,
) {
    if depth > DEEPEST || FREE.contains(&path) {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, path, known, depth + 1, found)),
        Value::Object(fields) => {
            let Some(names) = known.get(path) else { return };
            for (name, field) in fields {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if names.contains(name) {
                    walk(field, &inner, known, depth + 1, found);
                } else if found.len() < MOST && !found.iter().any(|other| other.path == inner) {
                    let near = near(name, path, names, known);
                    found.push(UnknownField { path: inner, near });
                }
            }
        }
        _ => {}
    }
}

/// The field that a name is a misspelling of, with its path.
fn near(
    name: &str,
    path: &str,
    names: &BTreeSet<String>,
    known: &BTreeMap<String, BTreeSet<String>>,
) -> Option<String> {
    let of = |path: &str, names: &BTreeSet<String>| {
        let found = crate::search::nearest(name, names.iter().map(String::as_str))?;
        Some(if path.is_empty() { found.to_owned() } else { format!("{path}.{found}") })
    };
    of(path, names).or_else(|| known.iter().find_map(|(path, names)| of(path, names)))
}

/// The names of each record's fields by the record's path.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for scenario in filled() {
        if let Ok(value) = serde_json::to_value(&scenario) {
            gather(&value, "", &mut all);
        }
    }
    all
}

fn gather(value: &Value, path: &str, all: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, path, all)),
        Value::Object(fields) => {
            all.entry(path.to_owned()).or_default().extend(fields.keys().cloned());
            for (name, field) in fields {
                gather(field, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, all);
            }
        }
        _ => {}
    }
}

/// Scenarios that together have every field.
fn filled() -> [Scenario; 4] {
    let language = LanguageModel::from_counts([Some(1.0); LanguageModel::COUNTS]);
    let pass = Some(TokenPass { cache_elements_per_token: Some(1), ..TokenPass::default() });
    let summary = ModelSummary {
        layers: vec![LayerTerms::default()],
        sample: Sample { kind: SampleKind::Tokens, sizes: vec![1], pass },
        language,
        ..ModelSummary::default()
    };
    let method = Method {
        kind: Kind::Lora,
        rank: Some(1),
        targets: Some(Targets::Attention),
        teacher_parameters: Some(1.0),
        answers: Some(1.0),
        prompt_tokens: Some(1.0),
        answer_tokens: Some(1.0),
        answer_batch: Some(1),
    };
    let plan = Plan {
        optimizer: Some(Optimizer::Sgd),
        activations: Some(Activations::All),
        zero: Some(1),
        tensor_parallel: Some(1),
        pipeline_parallel: Some(1),
        micro_batch: Some(1),
    };
    let training = Workload::Train(Training { tokens: Some(1.0), method, plan, ..Training::default() });
    let serving = Workload::Serve(Serving {
        requests_per_day: Some(1.0),
        images: Some(1.0),
        generates: Some(true),
        ..Serving::default()
    });
    let with = |model: ModelRef, workload: Workload| Scenario {
        version: VERSION,
        model,
        dims: BTreeMap::new(),
        workload,
        hardware: Hardware { precision: Some(String::new()), ..Hardware::default() },
        site: Site { grid: Some(String::new()), basis: Some(String::new()), year: Some(2024), ..Site::default() },
        set: BTreeMap::new(),
        compression: Some(Compression {
            quantize: Some(Format::Int8),
            group: Some(1),
            prune: Some(Prune::TwoOfFour),
            distil: Some(Distil { layers: 1.0, width: 1.0 }),
            software: Some(Software::Eager),
            keep: vec![String::new()],
        }),
    };
    [
        with(ModelRef::File { name: String::new(), summary: Some(Box::new(summary)) }, training.clone()),
        with(ModelRef::Counts { parameters: 1.0, active_parameters: Some(1.0) }, serving),
        with(ModelRef::Gallery { id: String::new() }, training.clone()),
        with(ModelRef::Url { url: String::new() }, training),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(text: &str) -> Vec<(String, Option<String>)> {
        let value: Value = serde_json::from_str(text).unwrap();
        Scenario::unknown_fields(&value).into_iter().map(|field| (field.path, field.near)).collect()
    }

    #[test]
    fn every_field_of_ours_is_known() {
        for scenario in filled() {
            assert_eq!(Scenario::unknown_fields(&serde_json::to_value(&scenario).unwrap()), []);
        }
        let free = r#"{"dims": {"batch & more": 3}, "set": {"anything": 1.0}, "model": {"from": "counts", "parameters": 7e9}}"#;
        assert_eq!(unknown(free), []);
    }

    #[test]
    fn a_misspelt_field_is_named_with_the_nearest() {
        let near = |path: &str, near: &str| (path.to_owned(), Some(near.to_owned()));
        assert_eq!(unknown(r#"{"hardware": {"deviec": "l4"}}"#), [near("hardware.deviec", "hardware.device")]);
        assert_eq!(
            unknown(r#"{"deviec": "l4", "sites": {}}"#),
            [near("deviec", "hardware.device"), near("sites", "site")]
        );
        let service = r#"{"workload": {"do": "serve", "request_per_day": 5}}"#;
        assert_eq!(unknown(service), [near("workload.request_per_day", "workload.requests_per_day")]);
        assert_eq!(unknown("[1, 2]"), []);
        let many: String = (0..500).map(|n| format!("\"x{n}\": 1,")).collect();
        assert_eq!(unknown(&format!("{{{many} \"y\": 1}}")).len(), MOST);
    }
}
