//! Runs ONNX's own backend test suite through shape inference and reports the agreement.
//!
//! `cargo run --release --example node_suite -- FOLDER [--least PERCENT] [--only WORD] [--all]`
//!
//! FOLDER is what `tests/node_suite/prepare.py` writes: models without any inferred type, the values of their inputs,
//! and the types and shapes that their outputs really have.
//! A case agrees when every output has the right type and every dimension the right number.
//! Values of inputs with at most 4096 elements are given to the inference, as a caller who knows them would.
//!
//! Two operators disagree in some cases, and are meant to: what `ImageDecoder` gives stands in the encoded picture, and how
//! many boxes `NonMaxSuppression` keeps follows from the boxes. Both get a size that the user can set instead.
//!
//! Ends with status 1 when fewer cases agree than `--least` asks for (99 by default), 2 on bad use.

use estimator::formats::{self, Source};
use estimator::model::{SequenceType, ValueType};
use estimator::shapes::{Choices, Origin, Trace, infer};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line asks for.
struct Request {
    folder: PathBuf,
    least: f64,
    only: Option<String>,
    all: bool,
}

fn request() -> Result<Request, String> {
    let mut request = Request { folder: PathBuf::new(), least: 99.0, only: None, all: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--least" => request.least = next()?.parse().map_err(|_| "--least wants a percentage".to_owned())?,
            "--only" => request.only = Some(next()?),
            "--all" => request.all = true,
            _ => request.folder = PathBuf::from(argument),
        }
    }
    match request.folder.join("index.jsonl").exists() {
        true => Ok(request),
        false => Err("give the folder that tests/node_suite/prepare.py wrote (it holds an index.jsonl)".to_owned()),
    }
}

fn main() -> ExitCode {
    let request = match request() {
        Ok(request) => request,
        Err(why) => {
            eprintln!("node_suite: {why}");
            return ExitCode::from(2);
        }
    };
    match run(&request) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("node_suite: {why}");
            ExitCode::from(2)
        }
    }
}

/// Runs every case; `true` when enough of them agree.
fn run(request: &Request) -> Result<bool, String> {
    let index = std::fs::read_to_string(request.folder.join("index.jsonl")).map_err(|why| why.to_string())?;
    let mut by_operator: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut failures, mut assumed) = (Vec::new(), 0);
    for line in index.lines() {
        let case: Json = serde_json::from_str(line).map_err(|why| format!("index.jsonl: {why}"))?;
        let name = text(&case, "folder");
        if request.only.as_ref().is_some_and(|word| !name.contains(word.as_str())) {
            continue;
        }
        let row = by_operator.entry(operator(&case)).or_default();
        row.1 += 1;
        match check(&request.folder, &case) {
            Ok(settled) => {
                row.0 += 1;
                assumed += usize::from(!settled);
            }
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    println!("{:<48}{:>7}{:>8}", "operator or model", "agree", "cases");
    for (operator, (agree, cases)) in &by_operator {
        if request.all || agree < cases {
            println!("{operator:<48}{agree:>7}{cases:>8}");
        }
    }
    let (agree, cases) = by_operator.values().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    let share = if cases == 0 { 0.0 } else { 100.0 * agree as f64 / cases as f64 };
    let whole = by_operator.values().filter(|(agree, cases)| agree == cases).count();
    println!("\n{} operators and models, {whole} of them without a miss", by_operator.len());
    println!("{agree} of {cases} cases agree: {share:.2} %");
    println!("{assumed} of those only because an assumed size happens to be the right one\n");
    for failure in &failures {
        println!("{failure}");
    }
    Ok(cases > 0 && share >= request.least)
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json.get(key).and_then(Json::as_str).unwrap_or("")
}

fn list<'j>(json: &'j Json, key: &str) -> &'j [Json] {
    json.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// The name under which a case is counted: its operator, or the kind of suite where a whole model is the case.
fn operator(case: &Json) -> String {
    let (domain, op, kind) = (text(case, "domain"), text(case, "op"), text(case, "kind"));
    match (domain, op.starts_with("test_") || op.starts_with("light_")) {
        (_, true) => format!("whole models ({kind})"),
        ("", false) => op.to_owned(),
        (domain, false) => format!("{domain}::{op}"),
    }
}

/// `Ok` when all outputs agree; `false` in it when the numbers rest on an assumption about the data.
fn check(folder: &Path, case: &Json) -> Result<bool, String> {
    let folder = folder.join(text(case, "folder"));
    let file = File::open(folder.join("model.onnx")).map_err(|why| why.to_string())?;
    let model = formats::open_lone("model.onnx", file).map_err(|why| why.to_string())?;
    let choices = choices(&folder, list(case, "inputs"))?;
    let trace = infer(&model, &choices);
    for (expected, id) in list(case, "outputs").iter().zip(&model.graph.outputs) {
        let found = trace.value_type(*id);
        if let Err(why) = agrees(expected, found) {
            return Err(format!("{}: {why}{}", model.name(*id), first_note(&trace)));
        }
    }
    match list(case, "outputs").len() == model.graph.outputs.len() {
        true => Ok(trace.symbols.iter().all(|symbol| symbol.chosen || symbol.origin == Origin::Input)),
        false => Err(format!("{} outputs instead of {}", model.graph.outputs.len(), list(case, "outputs").len())),
    }
}

fn first_note(trace: &Trace<'_>) -> String {
    trace.notes.iter().next().map_or_else(String::new, |note| format!(" [{}: {}]", note.place, note.text))
}

/// What is known of the inputs: all shapes, and the contents of those that are small.
fn choices(folder: &Path, inputs: &[Json]) -> Result<Choices, String> {
    let mut choices = Choices::default();
    for input in inputs {
        let name = text(input, "name").to_owned();
        let value = match input.get("element") {
            // An optional value that is absent: nothing more is to be said of it.
            Some(Json::Null) => continue,
            Some(element) => element,
            None => input,
        };
        match text(value, "kind") {
            "tensor" => {
                choices.shapes.insert(name.clone(), shape(value));
            }
            "sequence" => {
                let items = list(value, "elements").iter().map(shape).collect();
                choices.items.insert(name, items);
                continue;
            }
            _ => continue,
        }
        if let (Some(file), None) = (input.get("file").and_then(Json::as_str), input.get("element")) {
            let file = File::open(folder.join(file)).map_err(|why| why.to_string())?;
            let source = Source::new("input", file).map_err(|why| why.to_string())?;
            let (_, _, shape, contents) = formats::read_onnx_tensor(source).map_err(|why| why.to_string())?;
            if let Some(contents) = contents {
                choices.contents.insert(name, (shape, contents));
            }
        }
    }
    Ok(choices)
}

fn shape(json: &Json) -> Vec<u64> {
    list(json, "shape").iter().filter_map(Json::as_u64).collect()
}

fn agrees(expected: &Json, found: Option<&ValueType>) -> Result<(), String> {
    let show = |found: Option<&ValueType>| found.map_or_else(|| "nothing".to_owned(), |found| format!("{found:?}"));
    let kind = text(expected, "kind");
    match (kind, found) {
        ("tensor", Some(ValueType::Tensor(tensor))) => {
            let wanted = shape(expected);
            let dtype = our_name(text(expected, "dtype"));
            if tensor.sizes().as_ref() != Some(&wanted) {
                return Err(format!("shape {:?} instead of {wanted:?}", tensor.shape));
            }
            match tensor.dtype {
                Some(found) if found.name() == dtype => Ok(()),
                found => Err(format!("type {found:?} instead of {dtype}")),
            }
        }
        ("sequence", Some(ValueType::Sequence(SequenceType { items: Some(items), .. }))) => {
            let wanted = list(expected, "elements");
            if items.len() != wanted.len() {
                return Err(format!("{} items instead of {}", items.len(), wanted.len()));
            }
            wanted.iter().zip(items).try_for_each(|(wanted, item)| agrees(wanted, Some(item)))
        }
        ("optional", Some(ValueType::Optional(inner))) => match expected.get("element") {
            Some(element) if !element.is_null() => agrees(element, Some(inner)),
            _ => Ok(()),
        },
        ("map", Some(ValueType::Map)) => Ok(()),
        _ => Err(format!("{} instead of a {kind} {:?}", show(found), shape(expected))),
    }
}

/// Our name of an element type that the suite names in numpy's way.
fn our_name(theirs: &str) -> String {
    let short = [
        ("float32", "f32"),
        ("float64", "f64"),
        ("float16", "f16"),
        ("bfloat16", "bf16"),
        ("float8e4m3fn", "f8e4m3"),
        ("float8e4m3fnuz", "f8e4m3fnuz"),
        ("float8e5m2", "f8e5m2"),
        ("float8e5m2fnuz", "f8e5m2fnuz"),
        ("float8e8m0", "f8e8m0"),
        ("float4e2m1", "f4e2m1"),
        ("float6e2m3", "f6e2m3"),
        ("float6e3m2", "f6e3m2"),
        ("complex64", "c64"),
        ("complex128", "c128"),
    ];
    match short.iter().find(|(long, _)| *long == theirs) {
        Some((_, short)) => (*short).to_owned(),
        None => theirs.replace("uint", "u").replace("int", "i"),
    }
}
