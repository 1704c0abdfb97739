//! From a path to an inspection.

use crate::Failure;
use crate::arguments::Shapes;
use estimator::formats::{self, Source};
use estimator::report::Inspection;
use estimator::shapes::{self, Choices};
use std::fs::File;
use std::path::Path;

/// Reads a model file and counts it. Weights in files beside it are found by name and not read.
pub(crate) fn inspect(path: &Path, shapes: &Shapes) -> Result<Inspection, Failure> {
    let fail = |fault: String| Failure::File(fault);
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|fault| fail(format!("{shown}: {fault}")))?;
    if metadata.is_dir() {
        return Err(fail(format!("{shown} is a directory; name the model file inside it")));
    }
    let file = File::open(path).map_err(|fault| fail(format!("{shown}: {fault}")))?;
    let source = Source::new(&path.to_string_lossy(), file).map_err(|fault| fail(fault.to_string()))?;
    let model = formats::open(source, &beside(path)).map_err(|fault| fail(fault.to_string()))?;
    let choices = Choices {
        dims: shapes.dim.iter().cloned().collect(),
        shapes: shapes.input.iter().cloned().collect(),
        ..Choices::default()
    };
    let trace = shapes::infer(&model, &choices);
    Ok(estimator::cost::inspect(&model, &trace))
}

/// The names of the files beside a file.
fn beside(path: &Path) -> Vec<String> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
