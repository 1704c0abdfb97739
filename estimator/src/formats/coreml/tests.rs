//! Files that coremltools wrote, and bytes that nobody exported.

use crate::formats::{Files, Folder, InMemory, Problem, ReadError, ReadSeek, open, open_folder, open_lone};
use crate::model::Model;
use crate::report::Inspection;
use crate::shapes::{Choices, infer};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/coreml")
}

/// The message of a package, and where its weights are.
const MESSAGE: &str = "Data/com.apple.CoreML/model.mlmodel";
const BIN: &str = "Data/com.apple.CoreML/weights/weight.bin";

/// A package as a folder.
struct Package(PathBuf);

impl Folder for Package {
    fn names(&self) -> Vec<String> {
        ["Manifest.json", MESSAGE, BIN].map(str::to_owned).to_vec()
    }

    fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek>>> {
        let path = self.0.join(name);
        if path.exists() { Ok(Some(Box::new(File::open(path)?))) } else { Ok(None) }
    }
}

fn package(name: &str) -> Model {
    open_folder(&Files::new(Package(data().join(name)))).unwrap()
}

fn layers(name: &str) -> Model {
    open_lone(name, File::open(data().join(name)).unwrap()).unwrap()
}

fn counted(model: &Model, dims: &[(&str, u64)]) -> Inspection {
    let dims: BTreeMap<String, u64> = dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    crate::cost::inspect(model, &infer(model, &Choices { dims, ..Choices::default() }))
}

/// Parameters and MACs as torch counts them.
fn truth(name: &str) -> (u64, u64) {
    let text = std::fs::read_to_string(data().join("expected.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    (all[name]["parameters"].as_u64().unwrap(), all[name]["macs"].as_u64().unwrap())
}

fn no_misfit(found: &Inspection) {
    assert!(found.not_counted.is_empty(), "{:?}", found.not_counted);
    assert!(found.warnings.iter().all(|note| !note.text.contains("does not fit")), "{:?}", found.warnings);
}

#[test]
fn a_picture_network_as_program_and_as_layers() {
    let (parameters, macs) = truth("picture");
    // The converter folds the batch norm: 8 scales and 8 shifts go into weights and biases that are there already.
    let folded = parameters - 16;
    for model in [package("picture.mlpackage"), layers("picture.mlmodel")] {
        let found = counted(&model, &[]);
        assert_eq!((found.parameters, found.macs), (Some(folded), Some(macs)));
        assert_eq!(found.outputs[0].shape, Some(vec![Some(1), Some(5)]));
        assert!(found.peak_activation_bytes.is_some());
        no_misfit(&found);
    }
    let model = package("picture.mlpackage");
    assert!(model.producer.starts_with("coremltools"));
    assert!(model.properties.contains(&("kind".to_owned(), "mlProgram".to_owned())));
}

#[test]
fn recurrent_layers_and_a_loop_whose_turns_follow_from_its_counter() {
    let (parameters, macs) = truth("series");
    let found = counted(&package("series.mlpackage"), &[]);
    // Torch has two biases where Core ML's LSTM has their sum: 4 · 12 in each direction.
    assert_eq!((found.parameters, found.macs), (Some(parameters - 96), Some(macs)));
    assert!(found.layers.iter().any(|layer| layer.times == 7));
    no_misfit(&found);
    // As layers the GRU is a loop that tests a tensor; how often it turns is the user's to say.
    let older = layers("series.mlmodel");
    let found = counted(&older, &[("while_loop_0.trip_count", 7)]);
    assert_eq!(found.macs, Some(macs));
    assert!(counted(&older, &[]).warnings.iter().any(|note| note.text.contains("how often this loop runs")));
}

#[test]
fn attention_and_an_open_batch() {
    let (parameters, macs) = truth("texts");
    let model = package("texts.mlpackage");
    let found = counted(&model, &[("batch", 2)]);
    // A layer without bias gets one of zeros: 100 numbers.
    assert_eq!((found.parameters, found.macs), (Some(parameters + 100), Some(macs)));
    assert_eq!(found.outputs[0].shape, Some(vec![Some(2), Some(9), Some(100)]));
    assert_eq!(counted(&model, &[("batch", 8)]).macs, Some(4 * macs));
    no_misfit(&found);
}

#[test]
fn packed_weights_count_unpacked() {
    let (parameters, macs) = truth("picture");
    let folded = Some(parameters - 16);
    let bytes_in_float = counted(&layers("picture.mlmodel"), &[]).weight_bytes.unwrap();
    for (name, kind) in [
        ("picture_lut4.mlpackage", "lut4"),
        ("picture_int8.mlpackage", "i8"),
        ("picture_sparse.mlpackage", "sparse-f16"),
        ("picture_linear8.mlmodel", "u8"),
        ("picture_linear_lut4.mlmodel", "lut4"),
    ] {
        let model = if name.ends_with('l') { layers(name) } else { package(name) };
        let found = counted(&model, &[]);
        assert_eq!((found.parameters, found.macs), (folded, Some(macs)), "{name}");
        assert!(found.dtypes.get(kind) > Some(&400), "{name}: {:?}", found.dtypes);
        assert!(found.weight_bytes.unwrap() < bytes_in_float / 2, "{name}: {:?}", found.weight_bytes);
        no_misfit(&found);
    }
    let found = counted(&package("texts_int4.mlpackage"), &[]);
    assert_eq!(found.macs, Some(truth("texts").1));
    // 4 bits each, and a scale of 16 bits for each block of 16.
    let (packed, scales) = (9_472u64, 9_472 / 16);
    assert_eq!(found.dtypes.get("i4"), Some(&packed));
    assert_eq!(found.weight_bytes, Some(packed / 2 + 2 * scales + 2 * 196));
}

#[test]
fn a_pipeline_is_the_sum_of_its_members() {
    let first = counted(&layers("picture.mlmodel"), &[]);
    let found = counted(&layers("pipeline.mlmodel"), &[]);
    // A layer from 5 to 7 follows.
    assert_eq!(found.macs, first.macs.map(|macs| macs + 35));
    assert_eq!(found.parameters, first.parameters.map(|parameters| parameters + 42));
    assert_eq!((found.inputs.len(), found.outputs[0].shape.clone()), (1, Some(vec![Some(1), Some(7)])));
    let groups: std::collections::BTreeSet<&str> = found.layers.iter().map(|layer| layer.group.as_str()).collect();
    assert_eq!(groups.len(), 2, "{groups:?}");
}

#[test]
fn a_classical_model_says_what_it_is() {
    let model = layers("linear.mlmodel");
    let found = counted(&model, &[]);
    assert_eq!((found.parameters, found.macs), (Some(12 + 3), Some(12)));
    assert!(model.properties.contains(&("kind".to_owned(), "glmClassifier".to_owned())));
}

#[test]
fn a_package_by_its_manifest_in_an_archive_and_without_its_weights() {
    let folder = data().join("picture.mlpackage");
    let whole = counted(&package("picture.mlpackage"), &[]);
    let by_manifest = open(&Files::new(Package(folder.clone())), "Manifest.json").unwrap();
    assert_eq!(counted(&by_manifest, &[]).parameters, whole.parameters);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let methods = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated];
    for name in ["Manifest.json", MESSAGE, BIN] {
        let method = methods[usize::from(name == MESSAGE)];
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("picture.mlpackage/{name}"), options).unwrap();
        archive.write_all(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    }
    let zipped = open_lone("p.zip", Cursor::new(archive.finish().unwrap().into_inner())).unwrap();
    assert_eq!(counted(&zipped, &[]).parameters, whole.parameters);
    let alone = open_lone("model.mlmodel", File::open(folder.join(MESSAGE)).unwrap()).unwrap();
    let alone = counted(&alone, &[]);
    assert_eq!((alone.parameters, alone.macs), (whole.parameters, whole.macs));
    assert!(alone.warnings.iter().any(|note| note.text.contains("not here")));
    let nothing = InMemory::one("Manifest.json", b"{\"itemInfoEntries\": {}, \"rootModelIdentifier\": \"x\"}".to_vec());
    let problem = open(&Files::new(nothing), "Manifest.json").unwrap_err().problem;
    assert!(matches!(problem, Problem::Corrupt(_)));
}

fn survives(bytes: Vec<u8>) -> Result<(), ReadError> {
    let model = open_lone("x.mlmodel", Cursor::new(bytes))?;
    counted(&model, &[]);
    Ok(())
}

fn messages() -> Vec<Vec<u8>> {
    let programs = ["series.mlpackage", "picture_lut4.mlpackage"].map(|name| data().join(name).join(MESSAGE));
    let networks = ["picture.mlmodel", "pipeline.mlmodel", "linear.mlmodel"].map(|name| data().join(name));
    programs.iter().chain(&networks).map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn cut_off_anywhere() {
    for message in messages() {
        for length in (0..message.len()).step_by(message.len() / 150 + 1) {
            assert!(survives(message[..length].to_vec()).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn bytes_exchanged(which in 0usize..5, changes in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..10)) {
        let mut message = messages().swap_remove(which);
        for (place, byte) in changes {
            let place = (place * message.len() as f64) as usize;
            message[place] = byte;
        }
        let _ = survives(message);
    }

    #[test]
    fn numbers_made_huge(which in 0usize..5, place in 0.0..1.0f64, length in 1usize..10) {
        let mut message = messages().swap_remove(which);
        let place = (place * message.len() as f64) as usize;
        for byte in message.iter_mut().skip(place).take(length) {
            *byte = 0xff;
        }
        let _ = survives(message);
    }
}
