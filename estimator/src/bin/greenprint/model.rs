//! From a path to an inspection.

use crate::Failure;
use crate::arguments::Shapes;
use estimator::formats::{self, Files, Folder, ReadSeek};
use estimator::report::Inspection;
use estimator::shapes::{self, Choices};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Component, Path, PathBuf};

/// Reads a model file, or the model in a folder, and counts it. Weights in files beside it are found by name and not read.
pub(crate) fn inspect(path: &Path, shapes: &Shapes) -> Result<Inspection, Failure> {
    let fail = |fault: String| Failure::File(fault);
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|fault| fail(format!("{shown}: {fault}")))?;
    let mut model = if metadata.is_dir() {
        formats::open_folder(&Files::new(Disk { root: path.to_owned(), depth: DEEPEST }))
            .map_err(|fault| fail(format!("{shown}: {fault}")))?
    } else {
        regular(path, &metadata)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        formats::open(&Files::new(Disk { root: folder(path).to_owned(), depth: 0 }), &name)
            .map_err(|fault| fail(fault.to_string()))?
    };
    if let Some(config) = &shapes.config {
        let name = config.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let read = formats::open(&Files::new(Disk { root: folder(config).to_owned(), depth: 0 }), &name);
        let read = read.map_err(|fault| fail(fault.to_string()))?;
        if read.format != "config" {
            return Err(fail(format!("{}: this is no config.json", config.display())));
        }
        model.hyperparameters = read.hyperparameters;
    }
    let choices = Choices {
        dims: shapes.dim.iter().cloned().collect(),
        shapes: shapes.input.iter().cloned().collect(),
        ..Choices::default()
    };
    let trace = shapes::infer(&model, &choices);
    Ok(estimator::cost::inspect(&model, &trace))
}

/// The files of a log: of a folder all, of a file it alone.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Files<'static>, Failure> {
    let mut listed = Listed::default();
    for path in paths {
        let fail = |fault: std::io::Error| Failure::File(format!("{}: {fault}", path.display()));
        let metadata = std::fs::metadata(path).map_err(fail)?;
        regular(path, &metadata)?;
        match metadata.is_dir() {
            true => {
                let disk = Disk { root: path.clone(), depth: DEEPEST };
                listed.0.extend(disk.names().into_iter().map(|name| (name.clone(), path.join(name))));
            }
            false => {
                listed.0.insert(path.to_string_lossy().into_owned(), path.clone());
            }
        }
    }
    Ok(Files::new(listed))
}

/// Files named one by one.
#[derive(Default)]
struct Listed(BTreeMap<String, PathBuf>);

impl Folder for Listed {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn open(&self, name: &str) -> std::io::Result<Option<Box<dyn ReadSeek>>> {
        match self.0.get(name) {
            // Opening a pipe would wait for whoever writes to it.
            Some(path) if std::fs::metadata(path)?.is_file() => Ok(Some(Box::new(File::open(path)?))),
            _ => Ok(None),
        }
    }
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let fail = |fault: std::io::Error| Failure::File(format!("{}: {fault}", path.display()));
    regular(path, &std::fs::metadata(path).map_err(fail)?)?;
    std::fs::read_to_string(path).map_err(fail)
}

/// Refuses what would be waited for and not read: pipes, devices, sockets.
fn regular(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Failure> {
    if metadata.is_file() || metadata.is_dir() {
        return Ok(());
    }
    Err(Failure::File(format!(
        "{} is a pipe, a device or a socket and no file; save what it gives to a file first",
        path.display()
    )))
}

/// Counts a model that is described in words, for `--dim tokens=N` and `--dim context=N`.
pub(crate) fn describe(sentence: &str, shapes: &Shapes) -> Result<Inspection, Failure> {
    let recipe = estimator::transformers::recipe(sentence).map_err(|fault| Failure::Use(fault.to_string()))?;
    let size = |name: &str| shapes.dim.iter().rev().find(|(of, _)| of == name).map(|(_, size)| *size);
    let tokens = size("tokens").unwrap_or(estimator::shapes::PROMPT);
    Ok(estimator::cost::inspect_description(&recipe.description, tokens, size("context").unwrap_or(tokens)))
}

/// The folder in which a file lies.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Deepest folder that is looked into when a folder is opened.
const DEEPEST: usize = 8;
/// Most files listed: a folder named by mistake can hold millions.
const MOST_FILES: usize = 20_000;

/// A folder on disk.
struct Disk {
    root: PathBuf,
    /// How many levels of folders below it are listed.
    depth: usize,
}

impl Folder for Disk {
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut waiting = vec![(String::new(), 0)];
        while let Some((below, depth)) = waiting.pop() {
            let Ok(entries) = std::fs::read_dir(self.root.join(&below)) else { continue };
            for entry in entries.flatten() {
                let own = entry.file_name().to_string_lossy().into_owned();
                let name = if below.is_empty() { own } else { format!("{below}/{own}") };
                if entry.path().is_dir() {
                    if depth < self.depth {
                        waiting.push((name, depth + 1));
                    }
                } else {
                    names.push(name);
                }
                if names.len() >= MOST_FILES {
                    return names;
                }
            }
        }
        names
    }

    fn open(&self, name: &str) -> std::io::Result<Option<Box<dyn ReadSeek>>> {
        // A name in a model file may not lead out of its folder.
        if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
            return Ok(None);
        }
        let path = self.root.join(name);
        // Opening a pipe would wait for whoever writes to it.
        if std::fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(None);
        }
        match File::open(path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
