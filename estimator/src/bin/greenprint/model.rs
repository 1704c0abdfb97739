//! From a path to an inspection.

use crate::Failure;
use crate::arguments::Shapes;
use estimator::formats::{self, Files, Folder, ReadSeek};
use estimator::report::Inspection;
use estimator::shapes::{self, Choices};
use std::fs::File;
use std::path::{Component, Path, PathBuf};

/// Reads a model file and counts it. Weights in files beside it are found by name and not read.
pub(crate) fn inspect(path: &Path, shapes: &Shapes) -> Result<Inspection, Failure> {
    let fail = |fault: String| Failure::File(fault);
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|fault| fail(format!("{shown}: {fault}")))?;
    if metadata.is_dir() {
        return Err(fail(format!("{shown} is a directory; name the model file inside it")));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let model =
        formats::open(&Files::new(Disk(folder(path).to_owned())), &name).map_err(|fault| fail(fault.to_string()))?;
    let choices = Choices {
        dims: shapes.dim.iter().cloned().collect(),
        shapes: shapes.input.iter().cloned().collect(),
        ..Choices::default()
    };
    let trace = shapes::infer(&model, &choices);
    Ok(estimator::cost::inspect(&model, &trace))
}

/// The folder in which a file lies.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A folder on disk.
struct Disk(PathBuf);

impl Folder for Disk {
    fn names(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.0) else { return Vec::new() };
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn open(&self, name: &str) -> std::io::Result<Option<Box<dyn ReadSeek>>> {
        // A name in a model file may not lead out of its folder.
        if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
            return Ok(None);
        }
        match File::open(self.0.join(name)) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
