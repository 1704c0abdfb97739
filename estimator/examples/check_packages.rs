//! Reads real model files that lie in published packages and compares what is found with what the formats' own libraries
//! read there: `cargo run --release --example check_packages -- FOLDER [TABLE]`.
//!
//! The folder holds one folder for each package, unpacked and named after it; packages that are missing are skipped.
//! The table (by default `tests/data/packages.csv`) has the columns `registry`, `package`, `version`, `file`, and what the
//! library counts: `elements` of all stored tensors and `nodes`, those of bodies included; `float_elements` and `tensors` of the main graph.
//! An empty cell is not compared.

use estimator::formats::{self, Files, Folder, ReadSeek};
use estimator::model::{DType, Graph, Model};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        eprintln!("give the folder of the packages, and optionally the table");
        return ExitCode::from(2);
    };
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/packages.csv");
    match check(&folder, &arguments.next().unwrap_or_else(default)) {
        Ok((0, read)) if read > 0 => ExitCode::SUCCESS,
        Ok((failures, read)) => {
            eprintln!("{failures} of {read} files do not agree");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for each file; gives how many do not agree, and how many were read.
fn check(packages: &Path, table: &Path) -> Result<(usize, usize), String> {
    let text = fs::read_to_string(table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let (mut failures, mut read) = (0, 0);
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |name: &str| {
            let place = header.iter().position(|column| *column == name);
            place.and_then(|place| cells.get(place)).copied().unwrap_or_default()
        };
        let folder = packages.join(cell("package"));
        let path = folder.join(cell("file"));
        if !path.exists() {
            println!("skip {}", cell("file"));
            continue;
        }
        read += 1;
        let (root, name) = (path.parent().unwrap_or(&folder), path.file_name().unwrap_or_default().to_string_lossy());
        let model = match formats::open(&Files::new(Beside(root.to_owned())), &name) {
            Ok(model) => model,
            Err(error) => {
                failures += 1;
                println!("FAIL {}: {error}", cell("file"));
                continue;
            }
        };
        let mut wrong = Vec::new();
        let mut found = Vec::new();
        for (name, count) in counts(&model) {
            found.push(format!("{name} {count}"));
            let expected = cell(name);
            if !expected.is_empty() && expected.parse() != Ok(count) {
                wrong.push(format!("{name} should be {expected}"));
            }
        }
        failures += usize::from(!wrong.is_empty());
        let verdict = if wrong.is_empty() { "ok  " } else { "FAIL" };
        let share = 100.0 * model.bytes_read as f64 / model.file_bytes.max(1) as f64;
        println!("{verdict} {}: {}; {share:.2} % read; {}", cell("file"), found.join(", "), wrong.join(", "));
    }
    Ok((failures, read))
}

/// What the file holds, under the names of the table's columns.
fn counts(model: &Model) -> [(&'static str, u64); 4] {
    let of = |graph: &Graph, counts: fn(DType) -> bool| -> u64 {
        let weights = graph.weights.iter().filter_map(|id| model.value(*id)?.weight.as_ref());
        let elements =
            weights.filter(|weight| counts(weight.dtype)).map(|weight| weight.elements().unwrap_or(u64::MAX));
        elements.fold(0, u64::saturating_add)
    };
    let elements = over_graphs(&model.graph, &|graph| of(graph, |_| true));
    let tensors = model.graph.weights.len() as u64;
    let nodes = over_graphs(&model.graph, &|graph| graph.nodes.len() as u64);
    [
        ("elements", elements),
        ("float_elements", of(&model.graph, DType::is_float)),
        ("tensors", tensors),
        ("nodes", nodes),
    ]
}

/// A sum over a graph and all bodies in it.
fn over_graphs(graph: &Graph, of: &dyn Fn(&Graph) -> u64) -> u64 {
    let bodies = graph.nodes.iter().flat_map(|node| node.graphs());
    of(graph).saturating_add(bodies.map(|(_, body)| over_graphs(body, of)).sum::<u64>())
}

/// The files of one folder.
struct Beside(PathBuf);

impl Folder for Beside {
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn open(&self, name: &str) -> std::io::Result<Option<Box<dyn ReadSeek>>> {
        match File::open(self.0.join(name)) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
