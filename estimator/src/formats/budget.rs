//! What reading one file may cost: memory for names, nodes and small tensors, and nesting.

use super::error::{Problem, ReadError};
use super::source::Source;

/// Memory that reading one file may take for names, nodes and small tensors, roughly counted.
/// Real graphs stay far below: 10,000 nodes take about 10 MB.
const MOST_BYTES: u64 = 64 << 20;
/// Deepest nesting of graphs in attributes, types in types, and functions in functions.
pub const MOST_DEPTH: u32 = 24;

/// What is left of [`MOST_BYTES`].
#[derive(Debug)]
pub struct Budget {
    left: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MOST_BYTES }
    }
}

impl Budget {
    /// Takes `bytes` from what is left.
    pub fn charge(&mut self, source: &Source<'_>, bytes: u64) -> Result<(), ReadError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let what = format!("the model's graph takes more than {} MiB of names and nodes", MOST_BYTES >> 20);
                Err(source.error(None, "", Problem::OverLimit(what)))
            }
        }
    }
}
