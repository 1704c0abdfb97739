//! What a model is: the record behind `greenprint inspect --json` and the page's model view.

use super::{Fusion, Transformer};
use crate::notes::Note;
use crate::shapes::Symbol;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model's counts, for the chosen numbers of its symbolic dimensions.
///
/// A count that cannot be known is `None` with a warning, never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// The format's name, for example `onnx`.
    pub format: String,
    /// What wrote the file.
    pub producer: String,
    /// The file format's own version.
    pub format_version: Option<i64>,
    /// Operator sets by domain; the standard one is `ai.onnx`.
    pub opsets: BTreeMap<String, i64>,
    /// Elements of all weights, each once, quantised ones unpacked; `cost::weights` says what is one.
    pub parameters: Option<u64>,
    /// Whether MACs are an approximation, because the network is of a family that is not known; the warnings say how.
    #[serde(default)]
    pub approximate: bool,
    /// Elements of running statistics and quantisation constants, which training does not learn as weights.
    pub buffers: u64,
    /// Multiply-accumulates of convolutions, matrix and attention products.
    pub macs: Option<u64>,
    /// 2 × MACs.
    pub flops: Option<u64>,
    /// Operations of everything else with a cost model: norms, activations, element-wise arithmetic.
    pub other_operations: Option<u64>,
    /// Bytes of all weights and buffers as stored.
    pub weight_bytes: Option<u64>,
    /// Most bytes of activations alive at once, with buffers reused, in the file's order of execution.
    pub peak_activation_bytes: Option<u64>,
    /// Bytes that all layers read and write: weights once per layer, inputs and outputs. Views move nothing,
    /// look-ups only what they find, and what follows from weights alone is read as the weights stored.
    pub traffic_bytes: Option<u64>,
    /// FLOPs (other operations left out) per byte of that traffic.
    pub arithmetic_intensity: Option<f64>,
    /// Parameters by stored element type.
    pub dtypes: BTreeMap<String, u64>,
    /// Elements of what an optimiser keeps beside the weights, in a training checkpoint; and their bytes.
    #[serde(default)]
    pub optimizer_state: u64,
    /// Bytes of that state as stored.
    #[serde(default)]
    pub optimizer_state_bytes: u64,
    /// Whether the file holds weights alone: `layers` are then the modules that own them, and nothing is known of what they compute.
    #[serde(default)]
    pub weights_only: bool,
    /// What the hyper-parameters in or beside the file say of the network, where it has no graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformer: Option<Transformer>,
    /// What else the file says of itself, as name and text.
    #[serde(default)]
    pub properties: Vec<(String, String)>,
    /// Size of the file or files, in bytes.
    pub file_bytes: u64,
    /// Bytes that were read to know all this.
    pub bytes_read: u64,
    /// Symbolic dimensions and the numbers used.
    pub dynamic_dims: BTreeMap<String, u64>,
    /// The same with their origin, in the order met.
    pub symbols: Vec<Symbol>,
    /// What the caller provides.
    pub inputs: Vec<Port>,
    /// What the model gives back.
    pub outputs: Vec<Port>,
    /// Every node that runs, in order; the turns of a loop are one layer, of two possible branches the costlier runs.
    pub layers: Vec<Layer>,
    /// Operators without a formula.
    pub not_counted: Vec<NotCounted>,
    /// What a runtime that joins operators makes of the graph; absent for weights without a graph and where a size is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<Fusion>,
    /// The model as other counters would count it; empty where that cannot be known.
    #[serde(default)]
    pub conventions: Vec<ToolCount>,
    /// Why other counters would not see this model at all, where they would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conventions_missing: Option<String>,
    /// What a reader should know.
    pub warnings: Vec<Note>,
}

/// The model's MACs as another counter would report them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCount {
    /// The counter.
    pub tool: String,
    /// The version whose convention this is.
    pub version: String,
    /// What it would report, halved where it reports FLOPs.
    pub macs: u64,
    /// What it counts differently, the largest first.
    pub differences: Vec<Difference>,
    /// Where its convention was read.
    pub source: String,
}

/// One thing that a counter counts differently.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it does, as a sentence.
    pub sentence: String,
    /// How many MACs that adds to our count; negative where it takes away.
    pub macs: i64,
}

/// An input or output of the model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Element type; empty where unknown or not a tensor.
    pub dtype: String,
    /// Sizes; `null` for what is unknown.
    pub shape: Option<Vec<Option<u64>>>,
    /// The shape with its symbols, for example `batch × 1000`.
    pub symbolic: String,
}

/// One node that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Its name in the file.
    pub name: String,
    /// Its operator, with the domain where it is not the standard one.
    pub op: String,
    /// The module, function or body it belongs to, slash-separated; empty at the top.
    pub group: String,
    /// How often it runs in one pass (loops).
    pub times: u64,
    /// Sizes of its first output.
    pub output_shape: Option<Vec<Option<u64>>>,
    /// The same with symbols.
    pub output_symbolic: String,
    /// Element type of its first output.
    pub dtype: String,
    /// Elements of the weights that it is the first to use.
    pub parameters: u64,
    /// Those of them in tensors with two or more dimensions: what quantisers and pruners change, unlike biases and scales of norms.
    #[serde(default)]
    pub matrix_parameters: u64,
    /// Multiply-accumulates of all its runs; `None` where unknown and for an operator that is not counted.
    pub macs: Option<u64>,
    /// Other operations of all its runs; `None` where unknown and for an operator that is not counted.
    pub other_operations: Option<u64>,
    /// Bytes of the weights it reads, shared ones included; `None` where it is not known how they are stored.
    pub weight_bytes: Option<u64>,
    /// Bytes that its outputs take, of the largest run; 0 for a view and for what follows from weights alone;
    /// `None` where unknown.
    pub activation_bytes: Option<u64>,
    /// Bytes it reads and writes in all its runs: weights, inputs, outputs; `None` where unknown.
    pub traffic_bytes: Option<u64>,
}

/// An operator that has no formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotCounted {
    /// The operator, with its domain.
    pub op: String,
    /// How many nodes.
    pub nodes: u64,
    /// Their share of all nodes, 0 to 1.
    pub share: f64,
}
