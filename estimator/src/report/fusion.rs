//! What a compiler or runtime would make of a graph by joining operators into one kernel.

use serde::{Deserialize, Serialize};

/// A graph run operator by operator, and the same with operators joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fusion {
    /// One kernel for each operator that moves or computes something.
    pub eager: Execution,
    /// With operators joined.
    pub fused: Execution,
    /// Operators that work element by element and were computed where an input of theirs is made.
    pub joined: u64,
    /// Normalisations, softmaxes and reductions that took the element-wise operators in front of them in.
    pub normalisations: u64,
    /// Attentions in one kernel, whose scores are never written.
    pub attentions: u64,
    /// The kernels in groups of like arithmetic intensity, for the roofline.
    pub kernels: Vec<KernelTerms>,
}

/// How a pass is executed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Kernels that are started in one pass.
    pub kernels: u64,
    /// Bytes that they read and write: weights, inputs, outputs.
    pub traffic_bytes: u64,
}

/// Kernels of like arithmetic intensity, summed for one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelTerms {
    /// How many are started.
    pub kernels: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Other operations.
    pub other_operations: u64,
    /// Bytes of weights read, which do not grow with the batch.
    pub weight_bytes: u64,
    /// Bytes of inputs and outputs, which grow with the batch.
    pub activation_bytes: u64,
}
