//! ONNX: a protobuf `ModelProto` becomes a [`Model`].
//!
//! `messages` turns the fields of the protobuf encoding into the parts of
//! ONNX's schema that matter here; `build` resolves names, inlines model-local functions and orders the nodes.
//! `ort` reads ONNX Runtime's own encoding into the same parts.
//! Weights are never read, only their shapes, types and places; small tensors are, because shapes depend on them.

mod build;
mod messages;
pub(super) mod ort;

pub use build::dtype;

use super::budget::Budget;
use super::error::ReadError;
use super::files::Files;
use super::source::Source;
use crate::model::{Contents, DType, Model};

/// Whether the file's outermost fields are those of an ONNX model.
pub(super) fn looks_like(source: &mut Source<'_>) -> Result<bool, ReadError> {
    messages::looks_like_model(source)
}

/// Reads a model.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    let mut budget = Budget::default();
    let proto = messages::model(&mut source, &mut budget)?;
    build::model(source, budget, proto, files.names())
}

/// A tensor on its own (`.pb`, as ONNX's test suites keep inputs and outputs in): type, shape, and contents if small.
///
/// # Errors
/// As for a model.
pub fn read_tensor(mut source: Source<'_>) -> Result<(String, DType, Vec<u64>, Option<Contents>), ReadError> {
    let mut budget = Budget::default();
    let proto = messages::lone_tensor(&mut source, &mut budget)?;
    let name = proto.name.clone();
    let weight = build::lone_weight(&source, proto)?;
    Ok((name, weight.dtype, weight.shape, weight.contents))
}
