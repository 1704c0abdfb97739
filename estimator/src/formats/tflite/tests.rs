//! Files made by TensorFlow's own converter (`tests/data/make/tflite.py`), and what became of them when bytes changed.

use crate::formats::{Problem, open_lone};
use crate::model::Model;
use crate::report::Inspection;
use crate::shapes::{Choices, infer};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tflite")
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.tflite"))).unwrap()
}

fn open(bytes: &[u8]) -> Result<Model, crate::formats::ReadError> {
    open_lone("test.tflite", Cursor::new(bytes.to_vec()))
}

fn counted(model: &Model, batch: Option<u64>) -> Inspection {
    let dims = batch.map(|batch| ("batch".to_owned(), batch)).into_iter().collect();
    crate::cost::inspect(model, &infer(model, &Choices { dims, ..Choices::default() }))
}

#[derive(serde::Deserialize)]
struct Expected {
    elements: BTreeMap<String, u64>,
    macs: u64,
}

fn expected() -> BTreeMap<String, Expected> {
    serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

/// Elements of all constants by the schema's names of types.
fn elements(model: &Model) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for weight in model.values.iter().filter_map(|value| value.weight.as_ref()) {
        let name = match weight.dtype.name() {
            "f32" => "FLOAT32",
            "f16" => "FLOAT16",
            "i32" => "INT32",
            "i8" => "INT8",
            other => other,
        };
        *found.entry(name.to_owned()).or_default() += weight.elements().unwrap();
    }
    found
}

#[test]
fn elements_and_macs_are_those_of_tensorflow() {
    for (name, expected) in expected() {
        let model = open(&bytes(&name)).unwrap();
        assert_eq!(elements(&model), expected.elements, "{name}");
        let inspection = counted(&model, None);
        assert_eq!(inspection.macs, Some(expected.macs), "{name}: {:?}", inspection.warnings);
        assert!(inspection.not_counted.is_empty(), "{name}: {:?}", inspection.not_counted);
        assert!(inspection.other_operations.is_some() && inspection.peak_activation_bytes.is_some(), "{name}");
    }
}

#[test]
fn settings_are_no_parameters_and_quantised_biases_are() {
    let parameters = |name: &str| counted(&open(&bytes(name)).unwrap(), None).parameters;
    // 11 integers say axes and the shape of the transposed convolution.
    assert_eq!(parameters("cnn_float"), Some(4026));
    assert_eq!(parameters("cnn_f16"), Some(4026));
    assert_eq!(parameters("cnn_dynamic"), Some(570 + 3456));
    // Eight zeros are the bias of two layers, stored once.
    assert_eq!(parameters("cnn_int8"), Some(3968 + 77 - 11 - 8));
}

#[test]
fn another_batch_is_computed_anew() {
    for (name, times) in [("attention", 5), ("cnn_float", 5), ("cnn_int8", 5)] {
        let model = open(&bytes(name)).unwrap();
        let (one, five) = (counted(&model, Some(1)), counted(&model, Some(times)));
        assert_eq!(one.macs.map(|macs| macs * times), five.macs, "{name}: {:?}", five.warnings);
        assert_eq!(one.outputs[0].shape.as_ref().unwrap()[1..], five.outputs[0].shape.as_ref().unwrap()[1..]);
        assert_eq!(five.outputs[0].shape.as_ref().unwrap()[0], Some(times));
    }
}

#[test]
fn loops_turn_as_often_as_they_say() {
    let inspection = counted(&open(&bytes("while")).unwrap(), None);
    let product = inspection.layers.iter().find(|layer| layer.macs > Some(0)).unwrap();
    assert_eq!((product.times, product.macs), (5, Some(5 * 256)));
    assert!(inspection.warnings.is_empty(), "{:?}", inspection.warnings);
}

#[test]
fn what_is_cut_off_is_named() {
    for name in ["cnn_int8", "while", "if"] {
        let whole = bytes(name);
        for length in 0..whole.len() {
            if let Ok(model) = open(&whole[..length]) {
                panic!("{name} of {length} bytes is a model of {} nodes", model.graph.nodes.len());
            }
        }
    }
    let error = open(&bytes("if")[..3000]).unwrap_err();
    assert!(matches!(error.problem, Problem::Truncated { has: 3000, .. }), "{error}");
}

#[test]
fn changed_bytes_end_in_a_model_or_an_error() {
    // A linear congruential generator: the same bytes change in every run.
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for name in ["while", "if", "lstm", "conv3d", "attention"] {
        let whole = bytes(name);
        for _ in 0..400 {
            let mut changed = whole.clone();
            for _ in 0..1 + next() % 4 {
                let place = next() % changed.len();
                changed[place] = if next() % 3 == 0 { 0xff } else { next() as u8 };
            }
            if let Ok(model) = open(&changed) {
                counted(&model, None);
            }
        }
    }
}
