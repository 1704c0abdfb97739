//! Files made by TensorFlow (`tests/data/make/tf_graphs.py`), and what became of them when bytes changed.

use crate::formats::{Files, InMemory, Problem, ReadError, open, open_lone};
use crate::model::Model;
use crate::report::Inspection;
use crate::shapes::{Choices, infer};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tensorflow")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn read(bytes: &[u8]) -> Result<Model, ReadError> {
    open_lone("test.pb", Cursor::new(bytes.to_vec()))
}

fn counted(model: &Model, batch: u64) -> Inspection {
    let dims = BTreeMap::from([("batch".to_owned(), batch)]);
    crate::cost::inspect(model, &infer(model, &Choices { dims, ..Choices::default() }))
}

#[derive(serde::Deserialize)]
struct Expected {
    parameters: u64,
    buffers: u64,
    macs: Option<u64>,
    #[serde(default)]
    optimizer_state: u64,
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_slice(&bytes("expected.json")).unwrap()
}

#[test]
fn parameters_buffers_and_macs_are_those_of_keras() {
    for (name, expected) in expected() {
        let inspection = counted(&read(&bytes(&name)).unwrap(), 1);
        let found = (inspection.parameters, inspection.buffers, inspection.macs, inspection.optimizer_state);
        let wanted = (Some(expected.parameters), expected.buffers, expected.macs, expected.optimizer_state);
        assert_eq!(found, wanted, "{name}: {:?}", inspection.warnings);
        assert!(inspection.not_counted.is_empty(), "{name}: {:?}", inspection.not_counted);
        assert!(expected.macs.is_none() || inspection.peak_activation_bytes.is_some(), "{name}");
    }
}

#[test]
fn another_batch_is_computed_anew() {
    for name in ["saved/saved_model.pb", "frozen.pb", "while.pb", "first.pb", "lstm.pb"] {
        let model = read(&bytes(name)).unwrap();
        let (one, three) = (counted(&model, 1), counted(&model, 3));
        assert_eq!(one.macs.map(|macs| macs * 3), three.macs, "{name}: {:?}", three.warnings);
        assert_eq!(three.outputs[0].shape.as_ref().unwrap()[0], Some(3), "{name}");
    }
}

#[test]
fn loops_turn_as_often_as_they_say() {
    for (name, turns) in [("while.pb", 5), ("lstm.pb", 10)] {
        let inspection = counted(&read(&bytes(name)).unwrap(), 1);
        let product = inspection.layers.iter().find(|layer| layer.macs > Some(0)).unwrap();
        assert_eq!(product.times, turns, "{name}");
    }
}

#[test]
fn a_saved_model_knows_whether_its_variables_are_there() {
    let present = |extra: &[&str]| {
        let mut files = InMemory([("net/saved_model.pb".to_owned(), bytes("saved/saved_model.pb"))].into());
        files.0.extend(extra.iter().map(|name| ((*name).to_owned(), vec![0])));
        let model = open(&Files::new(files), "net/saved_model.pb").unwrap();
        let storage = |weight: &crate::model::Weight| match &weight.storage {
            crate::model::Storage::Outside { file, present, .. } => Some((file.to_string(), *present)),
            crate::model::Storage::Inside { .. } => None,
        };
        model.values.iter().filter_map(|value| storage(value.weight.as_ref()?)).next()
    };
    let file = "net/variables/variables.data-00000-of-00001";
    assert_eq!(present(&[]), Some((file.to_owned(), false)));
    assert_eq!(present(&[file]), Some((file.to_owned(), true)));
}

#[test]
fn a_checkpoint_names_its_data_file() {
    let files = InMemory([("a/model.index".to_owned(), bytes("checkpoint.index"))].into());
    let model = open(&Files::new(files), "a/model.index").unwrap();
    let kernel =
        model.values.iter().find(|value| value.name.ends_with("kernel") || value.name.contains("_trainable")).unwrap();
    let storage = format!("{:?}", kernel.weight.as_ref().unwrap().storage);
    assert!(storage.contains("a/model.data-00000-of-00001") && storage.contains("present: false"), "{storage}");
}

#[test]
fn a_graph_that_is_cut_off_is_an_error_or_names_what_is_missing() {
    let whole = bytes("while.pb");
    for length in 0..whole.len() {
        if let Ok(model) = read(&whole[..length]) {
            counted(&model, 1);
        }
    }
    let index = bytes("checkpoint.index");
    for length in 0..index.len() {
        assert!(read(&index[..length]).is_err(), "{length} bytes");
    }
    let error = read(&bytes("frozen.pb")[..30_000]).unwrap_err();
    assert!(matches!(error.problem, Problem::Truncated { .. }), "{error}");
}

#[test]
fn changed_bytes_end_in_a_model_or_an_error() {
    // A linear congruential generator: the same bytes change in every run.
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for name in ["while.pb", "if.pb", "checkpoint.index", "saved/variables/variables.index", "first.pb"] {
        let whole = bytes(name);
        for _ in 0..300 {
            let mut changed = whole.clone();
            for _ in 0..1 + next() % 4 {
                // Weights fill most of some files; what is before them matters.
                let place = next() % changed.len().min(5000);
                changed[place] = if next() % 3 == 0 { 0xff } else { next() as u8 };
            }
            if let Ok(model) = read(&changed) {
                counted(&model, 1);
            }
        }
    }
}
