//! Bytes to [`Model`]: one room per format, behind one register that looks at contents, not at file names.
//!
//! Every reader takes hostile bytes: it reads headers and skips weights, bounds its memory and its recursion,
//! and ends in a [`Model`] or in a [`ReadError`] that names the file, the place and the remedy.
//! Nothing is computed here beyond what the file says.

mod error;
mod onnx;
mod sniff;
mod source;

pub use error::{Problem, ReadError};
pub use onnx::{dtype as onnx_dtype, read_tensor as read_onnx_tensor};
pub use source::{ReadSeek, Source, Watch};

use crate::model::Model;

/// A format that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// ONNX, as protobuf.
    Onnx,
}

/// What a file is, by its contents; an error says what it seems to be instead and what to do.
pub fn recognise(source: &mut Source<'_>) -> Result<Format, ReadError> {
    sniff::recognise(source)
}

/// Reads a model. `companions` are the names of the files beside it, in which weights may lie; they are not read.
///
/// # Errors
/// The file is empty, truncated, corrupt, of another format, over the reader's limits, unreadable, or `watch` said stop.
pub fn open(mut source: Source<'_>, companions: &[String]) -> Result<Model, ReadError> {
    match recognise(&mut source)? {
        Format::Onnx => onnx::read(source, companions),
    }
}
