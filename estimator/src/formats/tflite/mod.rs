//! TensorFlow Lite (LiteRT): a FlatBuffers `Model` becomes a [`Model`].
//!
//! `flat` reads tables and vectors by seeking; `operators` holds the schema's numbers and names; `build` turns tensors and
//! operators into values and nodes. Buffers of weights are never read, only their lengths; small tensors of integers are,
//! because shapes depend on them.

mod build;
pub(super) mod flat;
mod operators;
#[cfg(test)]
mod tests;

use super::error::ReadError;
use super::files::Files;
use super::sniff::Look;
use super::source::Source;
use crate::model::Model;

/// Whether the file says that it is of this format.
pub(super) fn looks_like(look: &Look) -> bool {
    look.has(4, b"TFL3")
}

/// Reads a model.
pub(super) fn read(_: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    build::model(flat::Flat::new(source))
}
