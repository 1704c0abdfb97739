//! Golden graphs: the estimator against what torch counted and what ONNX Runtime saw when it ran the graphs.
//!
//! `tests/data/README.md` says what the files are and who worked out the truth in them.
//! Every disagreement of a table is listed before a test fails.

use estimator::cost::inspect;
use estimator::formats;
use estimator::model::{Contents, DeclaredDim, DeclaredType, Model, ValueType};
use estimator::report::Inspection;
use estimator::shapes::{Choices, Trace, infer};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn gallery() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models")
}

fn json(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn open(path: &Path) -> Model {
    let name = path.file_name().unwrap().to_string_lossy();
    formats::open_lone(&name, File::open(path).unwrap()).unwrap()
}

fn list<'j>(json: &'j Json, key: &str) -> &'j [Json] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

fn numbers(json: &Json) -> Vec<u64> {
    json.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

/// Our name of an element type that numpy names.
fn dtype(numpy: &str) -> String {
    match numpy {
        "bfloat16" => "bf16".to_owned(),
        "float16" | "float32" | "float64" => numpy.replace("float", "f"),
        _ => numpy.replace("uint", "u").replace("int", "i"),
    }
}

/// The run's named dimensions, the shapes of inputs whose dimensions have no name, and the fed integers.
fn choices(model: &Model, run: &Json) -> Choices {
    let mut choices = Choices::default();
    for (name, size) in run["dims"].as_object().unwrap() {
        choices.dims.insert(name.clone(), size.as_u64().unwrap());
    }
    for (name, input) in run["inputs"].as_object().unwrap() {
        let declared = model
            .graph
            .inputs
            .iter()
            .find(|id| model.name(**id) == name)
            .and_then(|id| model.value(*id)?.declared.as_ref());
        if let Some(DeclaredType::Tensor { shape: Some(dims), .. }) = declared
            && dims.contains(&DeclaredDim::Open)
        {
            choices.shapes.insert(name.clone(), numbers(&input["shape"]));
        }
        if let Some(values) = input["values"].as_array() {
            let values = values.iter().map(|value| value.as_i64().unwrap()).collect();
            choices.contents.insert(name.clone(), (numbers(&input["shape"]), Contents::Integers(values)));
        }
    }
    choices
}

/// A table of `shapes/`: every tensor's type and sizes by name.
fn table(path: &Path) -> BTreeMap<String, (String, Vec<u64>)> {
    let mut tensors = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let mut cells = line.split('\t');
        let (name, numpy, sizes) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
        let sizes = sizes.split(',').filter(|size| !size.is_empty()).map(|size| size.parse().unwrap()).collect();
        tensors.insert(name.to_owned(), (dtype(numpy), sizes));
    }
    tensors
}

/// How closely sizes must agree with those of a run.
#[derive(Clone, Copy, PartialEq)]
enum Sizes {
    Exact,
    /// Some sizes follow from values: the same rank, and no size below the run's.
    AtLeast,
}

impl Sizes {
    fn of(data_dependent: bool) -> Self {
        if data_dependent { Self::AtLeast } else { Self::Exact }
    }

    fn agree(self, found: Option<&[u64]>, run: &[u64]) -> bool {
        match (self, found) {
            (Self::Exact, Some(found)) => found == run,
            (Self::AtLeast, Some(found)) => {
                found.len() == run.len() && found.iter().zip(run).all(|(found, run)| found >= run)
            }
            (_, None) => false,
        }
    }
}

/// The tensors whose type or sizes differ from the table; also how many were compared.
fn compare(
    model: &Model,
    trace: &Trace<'_>,
    truth: &BTreeMap<String, (String, Vec<u64>)>,
    strictness: Sizes,
) -> (Vec<String>, usize) {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    let produced: Vec<_> = trace.steps.iter().flat_map(|step| &step.node.outputs).flatten().copied().collect();
    for id in model.graph.inputs.iter().chain(&produced) {
        let Some((dtype, sizes)) = truth.get(model.name(*id)) else { continue };
        compared += 1;
        let found = trace.value_type(*id).and_then(ValueType::as_tensor);
        let found_sizes = found.and_then(|tensor| tensor.sizes());
        let found_dtype = found.and_then(|tensor| tensor.dtype).map(|dtype| dtype.name());
        if !strictness.agree(found_sizes.as_deref(), sizes) || found_dtype != Some(dtype) {
            wrong.push(format!(
                "{}: {found_dtype:?} {:?} instead of {dtype} {sizes:?}",
                model.name(*id),
                found
                    .and_then(|tensor| tensor.shape.clone())
                    .map(|dims| dims.iter().map(|dim| dim.value()).collect::<Vec<_>>()),
            ));
        }
    }
    (wrong, compared)
}

/// Cuts a long list of disagreements to what a person reads.
fn first(wrong: &[String]) -> String {
    let more = if wrong.len() > 3 { format!(" … {} in all", wrong.len()) } else { String::new() };
    format!("{}{more}", wrong.iter().take(3).cloned().collect::<Vec<_>>().join("; "))
}

/// Parameters and buffers lie between the floats in initializers and those with constants.
///
/// Exporters add some scalars (epsilons, scales) that no network has; a reader may or may not call them parameters.
fn parameters_fit(found: &Inspection, network: Option<u64>, initializers: u64, with_constants: u64) -> bool {
    let least = network.map_or(initializers, |network| network.min(initializers));
    let Some(parameters) = found.parameters else { return false };
    (least..=with_constants).contains(&parameters) || (least..=with_constants).contains(&(parameters + found.buffers))
}

#[test]
fn golden_graphs_agree_with_torch_and_onnx_runtime() {
    let expected = json(&data().join("expected.json"));
    let (mut wrong, mut runs, mut tensors) = (Vec::new(), 0, 0);
    for file in list(&expected, "files") {
        let name = file["file"].as_str().unwrap();
        let model = open(&data().join(name));
        let depends_on_data = !list(file, "data_dependent").is_empty();
        for run in list(file, "runs") {
            runs += 1;
            let trace = infer(&model, &choices(&model, run));
            let found = inspect(&model, &trace);
            let truth = table(&data().join(run["shapes"].as_str().unwrap()));
            let (differing, compared) = compare(&model, &trace, &truth, Sizes::of(depends_on_data));
            tensors += compared;
            if !differing.is_empty() {
                wrong.push(format!("{name} {}: {}", run["dims"], first(&differing)));
            }
            if !found.not_counted.is_empty() {
                wrong.push(format!("{name} {}: not counted {:?}", run["dims"], found.not_counted));
            }
            let macs = run["macs"].as_u64();
            if macs.is_some() && found.macs != macs {
                wrong.push(format!(
                    "{name} {}: MACs {:?} instead of {macs:?}; not counted {:?}",
                    run["dims"], found.macs, found.not_counted
                ));
            }
            // Quantised weights count unpacked and are integers in the file: their floats say nothing.
            let floats_say_all = matches!(file["group"].as_str(), Some("torch_exports" | "transformer_exports"));
            let (least, most) = (
                file["float_elements_initializers"].as_u64().unwrap(),
                file["float_elements_with_constants"].as_u64().unwrap(),
            );
            if floats_say_all && !parameters_fit(&found, file["parameters_of_network"].as_u64(), least, most) {
                wrong.push(format!(
                    "{name}: parameters {:?} and buffers {} not in {least}–{most}",
                    found.parameters, found.buffers
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} disagreements in {runs} runs:\n{}", wrong.len(), wrong.join("\n"));
    println!("{runs} runs and {tensors} tensors agree");
    assert!(runs > 250 && tensors > 15_000, "{runs} runs, {tensors} tensors");
}

#[test]
fn the_gallery_agrees_with_its_table() {
    let text = fs::read_to_string(gallery().join("expected.csv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let (mut wrong, mut seen, mut tensors) = (Vec::new(), BTreeSet::new(), 0);
    for line in lines {
        let cells: BTreeMap<&str, &str> = header.iter().copied().zip(line.split(',')).collect();
        let (name, dims) = (cells["file"], cells["dims"]);
        let model = open(&gallery().join(name));
        let mut choices = Choices::default();
        for (dim, size) in dims.split_whitespace().map(|pair| pair.split_once('=').unwrap()) {
            choices.dims.insert(dim.to_owned(), size.parse().unwrap());
        }
        let trace = infer(&model, &choices);
        let found = inspect(&model, &trace);
        let number = |column: &str| cells[column].parse::<u64>().unwrap();
        if found.macs != Some(number("macs")) {
            wrong.push(format!(
                "{name} {dims}: MACs {:?} instead of {}; not counted {:?}",
                found.macs, cells["macs"], found.not_counted
            ));
        }
        let (network, least, most) = (
            number("params_of_network"),
            number("float_elements_initializers"),
            number("float_elements_with_constants"),
        );
        if !parameters_fit(&found, Some(network), least, most) {
            wrong.push(format!(
                "{name}: parameters {:?} and buffers {} not in {least}–{most}",
                found.parameters, found.buffers
            ));
        }
        if found.peak_activation_bytes.is_none() || found.traffic_bytes.is_none() {
            wrong.push(format!("{name} {dims}: memory is not known; {:?}", found.warnings));
        }
        // What suppression costs depends on the boxes; everything else has a rule.
        if found.not_counted.iter().any(|not| not.op != "NonMaxSuppression") {
            wrong.push(format!("{name} {dims}: not counted {:?}", found.not_counted));
        }
        if seen.insert(name) {
            // The tables of all tensors hold for the first row of each file.
            let truth = table(&data().join("shapes").join(format!("gallery_{}", name.replace(".onnx", ".tsv"))));
            let (differing, compared) = compare(&model, &trace, &truth, Sizes::of(cells["data_dependent"] == "yes"));
            tensors += compared;
            if !differing.is_empty() {
                wrong.push(format!("{name} {dims}: {}", first(&differing)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} files and {tensors} tensors agree", seen.len());
    assert!(seen.len() >= 20 && tensors > 8_000, "{} files, {tensors} tensors", seen.len());
}

#[test]
fn every_model_of_the_gallery_is_described() {
    let manifest = json(&gallery().join("manifest.json"));
    let mut described = BTreeSet::new();
    for model in list(&manifest, "models") {
        for key in ["id", "title", "task", "family", "paper", "sentence", "input", "exported", "licence"] {
            assert!(model[key].as_str().is_some_and(|text| !text.is_empty()), "{}: no {key}", model["file"]);
        }
        let file = gallery().join(model["file"].as_str().unwrap());
        assert_eq!(fs::metadata(&file).unwrap().len(), model["bytes"].as_u64().unwrap(), "{}", file.display());
        assert!(gallery().join(model["thumb"].as_str().unwrap()).is_file(), "{}", model["thumb"]);
        let found = open(&file);
        let trace = infer(&found, &Choices::default());
        let named: BTreeSet<&str> = trace.symbols.iter().map(|symbol| symbol.name.as_ref()).collect();
        for dim in model["default_dims"].as_object().unwrap().keys() {
            assert!(named.contains(dim.as_str()), "{}: no dimension {dim} among {named:?}", file.display());
        }
        described.insert(file);
    }
    for entry in fs::read_dir(gallery()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "onnx") {
            assert!(described.contains(&path), "{} is not in the manifest", path.display());
        }
    }
}
