//! The counts of every golden graph against the truth beside it: parameters, MACs and the outputs' shapes.
//!
//! `data/README.md` says where the truth comes from. Graphs that were run with sizes or contents get the same here.

use estimator::cost::inspect;
use estimator::formats::{Source, open};
use estimator::model::Contents;
use estimator::report::Inspection;
use estimator::shapes::{Choices, infer};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Parameters of graphs whose float elements are not their parameters:
/// quantised weights are integers, scales and running statistics are buffers, and `Resize` takes its scales as floats.
const PARAMETERS: &[(&str, u64)] = &[
    // The network's own.
    ("autoencoder_dynamo_18_static", 2123),
    ("autoencoder_dynamo_20_static", 2123),
    ("bert_dynamic", 106_368),
    ("lstm_dynamic", 5645),
    // Without the four scales of a `Resize`.
    ("ddpm_cifar10_unet", 35_746_440 - 4),
    // As in the float export, which has the batch norms folded in.
    ("cnn_dynamic", 4370),
    ("cnn_qdq_int8", 4370),
    ("cnn_qdq_ort_extended", 4370),
    ("cnn_qdq_uint8_activations", 4370),
    ("cnn_qoperator", 4370),
    // 708 in biases and norms, 8192 that stayed floats, 14592 in 8 bits.
    ("encoder_dynamic", 708 + 8192 + 14_592),
    // The network's, the table of words once more as the last product's weights, and eight constants.
    ("gpt2_4bit", 110_592 + 100 * 64 + 8),
    // The network's, and fourteen constants.
    ("llama_4bit", 74_560 + 14),
    ("llama_4bit_qdq", 74_560 + 14),
    ("llama_4bit_zero_points", 74_560 + 14),
    // Weights as shaped before packing, and biases.
    ("dequantize_int4_blocks", 192),
    ("ms_dynamic_quantize_lstm", 312),
    ("ms_dynamic_quantize_matmul", 192),
    ("ms_gather_block_quantized", 640),
    ("ms_matmul_8bits", 1536),
    ("ms_matmul_integer_to_float", 192),
    ("ms_matmul_nbits", 1536),
    ("ms_qattention", 3168),
    ("ms_qgemm", 56),
    ("qlinear_conv_grouped", 108),
    ("qlinear_matmul", 128),
    // One float that nothing uses; the others are scales.
    ("ms_qlinear_add", 1),
    ("ms_qlinear_average_pool", 1),
    ("ms_qlinear_concat", 1),
    ("ms_qlinear_global_average_pool", 1),
    ("ms_qlinear_leaky_relu", 1),
    ("ms_qlinear_mul", 1),
    ("ms_qlinear_sigmoid", 1),
    ("ms_qlinear_softmax", 1),
    // Without mean and variance of a batch norm (8) and the scales of `Upsample` (4).
    ("ir3_weights_among_inputs", 132 - 8 - 4),
];

/// MACs that the tables leave out: two directions of an LSTM of 20 over 9 steps of batch 2, then 40 to 5.
const MACS: &[(&str, u64)] = &[("lstm_dynamic", 9 * 2 * (2 * (12 * 80 + 20 * 80) + 40 * 5))];

fn manifest() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn counts(path: &Path, choices: &Choices) -> Inspection {
    let name = path.file_name().unwrap().to_string_lossy();
    let model = open(Source::new(&name, File::open(path).unwrap()).unwrap(), &[]).unwrap();
    inspect(&model, &infer(&model, choices))
}

/// What a run was fed: dimensions, the shapes of all inputs, and the contents of small ones.
fn choices(run: &Value) -> Choices {
    let mut choices = Choices::default();
    for (name, size) in run["dims"].as_object().unwrap() {
        choices.dims.insert(name.clone(), size.as_u64().unwrap());
    }
    for (name, input) in run["inputs"].as_object().unwrap() {
        let Some(shape) = input["shape"].as_array() else { continue };
        let shape: Vec<u64> = shape.iter().map(|size| size.as_u64().unwrap()).collect();
        if let Some(values) = input["values"].as_array() {
            let items = values.iter().map(|item| item.as_i64().unwrap()).collect();
            choices.contents.insert(name.clone(), (shape.clone(), Contents::Integers(items)));
        }
        choices.shapes.insert(name.clone(), shape);
    }
    choices
}

fn override_for(table: &[(&str, u64)], stem: &str) -> Option<u64> {
    table.iter().find(|(name, _)| *name == stem).map(|(_, count)| *count)
}

/// What differs from the truth in one file.
fn differences(file: &Value) -> Vec<String> {
    let path = manifest().join("tests/data").join(file["file"].as_str().unwrap());
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    let of_data: Vec<&str> = file["data_dependent"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut wrong = Vec::new();
    for run in file["runs"].as_array().unwrap() {
        let found = counts(&path, &choices(run));
        let mut check = |what: &str, good: bool, ours: String, truth: String| {
            if !good {
                wrong.push(format!("{stem} {}: {what} {ours} for {truth}", run["dims"]));
            }
        };
        let floats = (file["float_elements_initializers"].as_u64(), file["float_elements_with_constants"].as_u64());
        let (least, most) = match override_for(PARAMETERS, &stem) {
            Some(count) => (Some(count), Some(count)),
            None => floats,
        };
        let within = found.parameters >= least && found.parameters <= most;
        check("parameters", within, format!("{:?}", found.parameters), format!("{least:?} to {most:?}"));

        let own = override_for(MACS, &stem);
        // An exporter that folds a product of constants away leaves fewer MACs than the network has.
        let truths = [own.or(run["macs"].as_u64()), own.or(run["macs_by_formula"].as_u64())];
        // Without a truth the count depends on what the graph does not hold.
        if truths.first().is_some_and(Option::is_some) {
            check("MACs", truths.contains(&found.macs), format!("{:?}", found.macs), format!("{truths:?}"));
        }
        for (port, output) in found.outputs.iter().zip(run["outputs"].as_array().unwrap()) {
            let Some(sizes) = output["shape"].as_array() else { continue };
            let truth = Some(sizes.iter().map(Value::as_u64).collect::<Vec<_>>());
            if !of_data.contains(&port.name.as_str()) && !of_data.contains(&"*") {
                check(&port.name, port.shape == truth, format!("{:?}", port.shape), format!("{truth:?}"));
            }
        }
        check("not counted", found.not_counted.is_empty(), format!("{:?}", found.not_counted), "none".into());
    }
    wrong
}

#[test]
fn golden_graphs_agree() {
    let text = fs::read_to_string(manifest().join("tests/data/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let files = expected["files"].as_array().unwrap();
    let wrong: Vec<String> = files.iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    for (stem, _) in PARAMETERS.iter().chain(MACS) {
        let name = format!("onnx/{stem}.onnx");
        let in_gallery = manifest().join(format!("../examples/models/{stem}.onnx")).exists();
        assert!(in_gallery || files.iter().any(|file| file["file"] == name.as_str()), "{stem} is no golden graph");
    }
}

/// The gallery's graphs, with the dimensions of their table.
#[test]
fn gallery_agrees() {
    let folder = manifest().join("../examples/models");
    let table = fs::read_to_string(folder.join("expected.csv")).unwrap();
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut wrong = Vec::new();
    let mut graphs = 0;
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |name: &str| cells[header.iter().position(|column| *column == name).unwrap()];
        let number = |name: &str| cell(name).parse::<u64>().ok();
        let dims = cell("dims").split_whitespace().map(|dim| dim.split_once('=').unwrap());
        let dims = dims.map(|(name, size)| (name.to_owned(), size.parse().unwrap())).collect();
        let found = counts(&folder.join(cell("file")), &Choices { dims, ..Choices::default() });
        graphs += 1;
        let stem = cell("file").trim_end_matches(".onnx");
        let (least, most) = match override_for(PARAMETERS, stem) {
            Some(count) => (Some(count), Some(count)),
            None => (number("float_elements_initializers"), number("float_elements_with_constants")),
        };
        if found.parameters < least || found.parameters > most {
            wrong.push(format!("{line}: parameters {:?}", found.parameters));
        }
        if found.macs != number("macs") {
            wrong.push(format!("{line}: MACs {:?}", found.macs));
        }
        if found.peak_activation_bytes.is_none() || found.traffic_bytes.is_none() {
            wrong.push(format!("{line}: memory is not known; {:?}", found.warnings));
        }
        for (port, truth) in found.outputs.iter().zip(cell("outputs").split_whitespace()) {
            let sizes = port.shape.iter().flatten().map(|size| size.map_or("?".to_owned(), |size| size.to_string()));
            let ours = format!("{}:{}", port.name, sizes.collect::<Vec<_>>().join("x"));
            let parts: Vec<&str> = truth.split(':').collect();
            if ours != format!("{}:{}", parts[0], parts[2]) {
                wrong.push(format!("{line}: output {ours}"));
            }
        }
        // What suppression costs depends on the boxes; everything else has a rule.
        if found.not_counted.iter().any(|not| not.op != "NonMaxSuppression") {
            wrong.push(format!("{line}: not counted {:?}", found.not_counted));
        }
    }
    assert!(graphs >= 10, "the gallery has {graphs} graphs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
