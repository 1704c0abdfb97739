//! Keras against what Keras itself says of its models, and hostile bytes.

use crate::cost;
use crate::formats::{Problem, ReadError, open_lone};
use crate::model::Model;
use crate::report::Inspection;
use crate::shapes::{Choices, infer};
use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keras").join(name)).unwrap()
}

fn lone(bytes: Vec<u8>) -> Result<Model, ReadError> {
    open_lone("x.h5", Cursor::new(bytes))
}

fn inspected(model: &Model, batch: Option<u64>) -> Inspection {
    let dims = batch.map(|batch| ("batch".to_owned(), batch)).into_iter().collect();
    let trace = infer(model, &Choices { dims, ..Choices::default() });
    cost::inspect(model, &trace)
}

#[test]
fn counts_are_those_of_keras_and_of_tensorflows_profiler() {
    let expected: Value = serde_json::from_slice(&file("expected.json")).unwrap();
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 12);
    for (name, of) in expected {
        let model = lone(file(name)).unwrap();
        let found = inspected(&model, None);
        assert_eq!(found.parameters, of["parameters"].as_u64(), "{name}");
        assert_eq!(Some(found.buffers), of["buffers"].as_u64(), "{name}");
        assert_eq!(found.macs, of["macs"].as_u64(), "{name}");
        assert_eq!(
            found.optimizer_state,
            of.get("optimizer_state").map_or(0, |count| count.as_u64().unwrap()),
            "{name}"
        );
        assert!(found.not_counted.is_empty(), "{name}: {:?}", found.not_counted);
        if let Some(shapes) = of["outputs"].as_array() {
            let sizes = |shape: &Vec<Option<u64>>| shape.iter().skip(1).copied().collect::<Vec<_>>();
            let outputs: Vec<_> = found.outputs.iter().map(|port| sizes(port.shape.as_ref().unwrap())).collect();
            assert_eq!(serde_json::json!(outputs), serde_json::json!(shapes), "{name}");
            assert!(found.other_operations.is_some(), "{name}");
            // Every weight found the layer that uses it.
            let owned: u64 = found.layers.iter().map(|layer| layer.parameters).sum();
            assert_eq!(Some(owned), found.parameters, "{name}");
            let eight = inspected(&model, Some(8));
            assert_eq!(eight.macs, found.macs.map(|macs| macs * 8), "{name}");
        }
    }
}

#[test]
fn a_shared_layer_counts_once_and_works_twice() {
    for name in ["nested_2.h5", "nested_3.keras"] {
        let found = inspected(&lone(file(name)).unwrap(), None);
        let shared: Vec<_> = found.layers.iter().filter(|layer| layer.name.starts_with("shared")).collect();
        assert_eq!(shared.iter().map(|layer| layer.parameters).collect::<Vec<_>>(), [36, 0], "{name}");
        assert_eq!(shared.iter().map(|layer| layer.macs).collect::<Vec<_>>(), [Some(32), Some(32)], "{name}");
        assert_eq!(found.inputs.len(), 2);
        assert!(found.layers.iter().any(|layer| layer.group == "encoder" && layer.op == "Dense"));
    }
}

/// An archive around a configuration, without weights.
fn archive(config: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("metadata.json", r#"{"keras_version": "3.0.0"}"#), ("config.json", config)] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn layers_of_keras_1_are_understood() {
    let config = r#"{"class_name": "Sequential", "config": [
        {"class_name": "Convolution2D", "config": {"name": "c", "nb_filter": 8, "nb_row": 3, "nb_col": 5, "subsample": [1, 1],
            "border_mode": "valid", "dim_ordering": "th", "batch_input_shape": [null, 3, 32, 32], "activation": "relu", "bias": true}},
        {"class_name": "MaxPooling2D", "config": {"name": "p", "pool_size": [2, 2], "dim_ordering": "th", "border_mode": "valid"}},
        {"class_name": "Flatten", "config": {"name": "f"}},
        {"class_name": "Dense", "config": {"name": "d", "output_dim": 10, "activation": "softmax"}}]}"#;
    let found = inspected(&lone(archive(config)).unwrap(), None);
    let flat = 8 * 15 * 14;
    assert_eq!(found.macs, Some(30 * 28 * 8 * 15 * 3 + flat * 10));
    assert!(found.warnings.iter().any(|note| note.text.contains("weights are not in the archive")));
}

#[test]
fn unknown_layers_are_named_and_never_free() {
    let config = r#"{"class_name": "Sequential", "config": {"layers": [
        {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 4]}},
        {"class_name": "Mystery", "registered_name": "my>Mystery", "config": {"name": "m"}},
        {"class_name": "Dense", "config": {"name": "d", "units": 2}}]}}"#;
    let found = inspected(&lone(archive(config)).unwrap(), None);
    assert_eq!(found.not_counted.iter().map(|of| of.op.as_str()).collect::<Vec<_>>(), ["Mystery"]);
    // What comes behind it has no known input.
    assert_eq!(found.macs, None);
}

#[test]
fn models_that_contain_themselves_or_wait_for_nothing_end() {
    let loops = r#"{"class_name": "Functional", "config": {"layers": [
        {"class_name": "Dense", "name": "a", "config": {"units": 2}, "inbound_nodes": [[["b", 0, 0, {}]]]},
        {"class_name": "Dense", "name": "b", "config": {"units": 2}, "inbound_nodes": [[["a", 0, 0, {}]]]}],
        "input_layers": [], "output_layers": [["b", 0, 0]]}}"#;
    let model = lone(archive(loops)).unwrap();
    assert!(model.notes.iter().any(|note| note.text.contains("wait for tensors")));
    let mut deep = r#"{"class_name": "Dense", "config": {"units": 2}}"#.to_owned();
    for _ in 0..30 {
        deep = format!(r#"{{"class_name": "Sequential", "config": {{"layers": [{deep}]}}}}"#);
    }
    assert!(matches!(lone(archive(&deep)).unwrap_err().problem, Problem::OverLimit(_)));
    let mut deep = r#"{"class_name": "Dense", "config": {"units": 2}}"#.to_owned();
    for _ in 0..120 {
        deep = format!(r#"{{"class_name": "Sequential", "config": {{"layers": [{deep}]}}}}"#);
    }
    assert!(lone(archive(&deep)).is_err());
    // Wrappers in wrappers.
    let mut deep = r#"{"class_name": "Dense", "config": {"units": 2}}"#.to_owned();
    for _ in 0..55 {
        deep = format!(r#"{{"class_name": "TimeDistributed", "config": {{"layer": {deep}}}}}"#);
    }
    let deep = format!(r#"{{"class_name": "Sequential", "config": {{"layers": [{deep}]}}}}"#);
    assert!(matches!(lone(archive(&deep)).unwrap_err().problem, Problem::OverLimit(_)));
}

#[test]
fn a_file_that_is_cut_off_says_so() {
    let mut bytes = file("nested_2.h5");
    bytes.truncate(bytes.len() - 100);
    let error = lone(bytes).unwrap_err();
    assert!(error.to_string().contains("100 are missing"), "{error}");
}

#[test]
fn every_cut_and_flipped_bytes_end_in_an_answer() {
    for name in ["operations_2.h5", "newest.h5", "nested_3.weights.h5", "operations_3.keras"] {
        let good = file(name);
        for length in (0..good.len()).step_by(1499) {
            assert!(lone(good[..length].to_vec()).is_err(), "{name} cut after {length}");
        }
        for place in (0..good.len()).step_by(307) {
            let mut bytes = good.clone();
            bytes[place] ^= [0xff, 0x80, 0x01, 0x10][place % 4];
            let _ = lone(bytes);
        }
    }
}

#[test]
fn weights_in_several_files_are_one_model() {
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/keras");
    let names = ["shards.weights.json", "shards_00000.weights.h5", "shards_00001.weights.h5"];
    let held = |names: &[&str]| {
        let read = |name: &&str| ((*name).to_owned(), std::fs::read(folder.join(name)).unwrap());
        crate::formats::Files::new(crate::formats::InMemory(names.iter().map(read).collect()))
    };
    let model = crate::formats::open_folder(&held(&names)).unwrap();
    let found = crate::cost::inspect(&model, &crate::shapes::infer(&model, &crate::shapes::Choices::default()));
    // 8×40 + 40, 40×20 + 20, 2×20 of the norm and 2×20 of its statistics, 20×4 + 4.
    assert_eq!((found.parameters, found.buffers), (Some(1304), 40), "{:?}", found.warnings);
    let part = crate::formats::open(&held(&names[..2]), names[0]).unwrap();
    assert!(part.notes.iter().any(|note| note.text.contains("1 of 2 files are missing")));
    let error = crate::formats::open(&held(&names[..1]), names[0]).unwrap_err();
    assert!(error.to_string().contains("none of the files"), "{error}");
}
