//! TensorFlow: SavedModel folders, frozen graphs and checkpoints become [`Model`]s.
//!
//! `graph` is what a graph is before names are resolved, `proto` reads it from protobuf (`tfjs`, a neighbour of this room,
//! from JSON), `build` resolves names, puts functions in place of their calls and orders the nodes.
//! `checkpoint` reads the index of a checkpoint, which holds shapes and types without a graph.
//! Weights are never read, only their shapes, types and places; small tensors are, because shapes depend on them.

mod build;
mod checkpoint;
mod graph;
mod proto;
#[cfg(test)]
mod tests;

pub(super) use build::{Ends, Parts, model, role_of};
pub(super) use graph::{Attr, Function, FunctionDef, GraphDef, NodeDef, Shape, dtype as numbered_dtype, dtype_named};

use super::budget::Budget;
use super::error::{Problem, ReadError};
use super::files::{Files, beside};
use super::source::Source;
use crate::model::Model;
use std::io::Cursor;

/// Whether the file's outermost fields are those of a SavedModel or of a graph.
pub(super) fn looks_like(source: &mut Source<'_>) -> Result<bool, ReadError> {
    Ok(proto::kind(source)?.is_some())
}

/// Whether the file ends as the index of a checkpoint does.
pub(super) fn looks_like_checkpoint(source: &mut Source<'_>) -> Result<bool, ReadError> {
    checkpoint::looks_like(source)
}

/// Reads a checkpoint.
pub(super) fn read_checkpoint(files: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    checkpoint::read(files, source)
}

/// A file that is read as a whole, in bytes.
const SMALL: u64 = 1 << 20;

/// Reads a SavedModel or a frozen graph.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    let mut budget = Budget::default();
    let name = source.name().to_owned();
    // Functions stand behind the nodes that call them and are read when called: a small file is read once and kept.
    if source.size() <= SMALL {
        let whole = source.stretch(0, usize::try_from(source.size()).unwrap_or(0))?;
        source = Source::new(&name, Cursor::new(whole))?;
    }
    let parts = match proto::kind(&mut source)? {
        Some(proto::Kind::SavedModel) => {
            let mut parts = proto::saved_model(&mut source, &mut budget)?;
            let data = beside(&name, "variables/variables.data-00000-of-00001");
            parts.variables = Some(build::Variables { present: files.lists(&data), file: data.as_str().into() });
            parts
        }
        Some(proto::Kind::Graph) => Parts { graph: proto::graph(&mut source, &mut budget)?, ..Parts::default() },
        Some(proto::Kind::MetaGraph) => proto::lone_meta_graph(&mut source, &mut budget)?,
        None => return Err(source.error(None, "", Problem::Corrupt("it is no TensorFlow graph".to_owned()))),
    };
    model(source, budget, parts)
}
