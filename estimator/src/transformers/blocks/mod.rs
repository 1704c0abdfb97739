//! Building blocks that families share: attention, feed-forward networks, experts, the frame of a decoder, a stack of layers.

mod attention;
mod decoder;
mod feed_forward;
mod stack;

pub(super) use attention::{Biases, Grouped, HeadNorm, grouped};
pub(super) use decoder::{Frame, decoder, heads_of, windows};
pub(super) use feed_forward::{experts, gated, plain};
pub(super) use stack::{NORM_OF_ALL, NORM_OF_HEAD, Stack, common, facts, gated_stack, stack};
