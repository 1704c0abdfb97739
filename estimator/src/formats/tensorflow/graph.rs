//! A TensorFlow graph as a file states it: nodes that name their inputs, and functions that nodes call.

use super::super::protobuf::Span;
use crate::model::{DType, Weight};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Sizes as far as stated; an absent shape means that even the rank is open.
pub type Shape = Option<Vec<Option<u64>>>;

/// `GraphDef`.
#[derive(Default)]
pub struct GraphDef {
    pub nodes: Vec<NodeDef>,
    pub functions: HashMap<String, Function>,
    /// The version of the operators' definitions.
    pub producer: Option<i64>,
}

/// A function, as far as it was needed.
pub enum Function {
    /// Where its definition stands in the file.
    Unread(Span),
    /// Its definition.
    Read(Arc<FunctionDef>),
}

/// `FunctionDef`.
#[derive(Default)]
pub struct FunctionDef {
    pub name: String,
    /// The names of its arguments.
    pub inputs: Vec<String>,
    /// Which values it gives back, in order.
    pub outputs: Vec<String>,
    pub nodes: Vec<NodeDef>,
}

/// `NodeDef`.
#[derive(Default)]
pub struct NodeDef {
    pub name: String,
    pub op: String,
    pub inputs: Vec<String>,
    pub attributes: BTreeMap<String, Attr>,
    pub offset: u64,
}

/// `AttrValue`.
pub enum Attr {
    Int(i64),
    Float(f64),
    Text(String),
    Type(Option<DType>),
    Shape(Shape),
    Tensor(Box<Weight>),
    Function(String),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Texts(Vec<String>),
    Types(Vec<Option<DType>>),
    Shapes(Vec<Shape>),
}

impl NodeDef {
    /// The function that an attribute names.
    pub fn function(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attr::Function(function)) => Some(function),
            _ => None,
        }
    }

    /// The element type in an attribute.
    pub fn dtype(&self, name: &str) -> Option<DType> {
        match self.attributes.get(name) {
            Some(Attr::Type(dtype)) => *dtype,
            _ => None,
        }
    }

    /// The shape in an attribute.
    pub fn shape(&self, name: &str) -> Shape {
        match self.attributes.get(name) {
            Some(Attr::Shape(shape)) => shape.clone(),
            _ => None,
        }
    }

    /// The shape that the file states for an output.
    pub fn output_shape(&self, index: usize) -> Shape {
        match self.attributes.get("_output_shapes") {
            Some(Attr::Shapes(shapes)) => shapes.get(index).cloned().flatten(),
            _ => None,
        }
    }

    /// How many outputs its attributes tell of; 0 where they do not.
    pub fn told_outputs(&self) -> usize {
        let number = |name: &str| match self.attributes.get(name) {
            Some(Attr::Int(number)) => usize::try_from(*number).unwrap_or(0).min(MOST_OUTPUTS),
            Some(Attr::Types(types)) => types.len(),
            _ => 0,
        };
        match self.op.as_str() {
            "Split" | "SplitV" => number("num_split"),
            "Unpack" => number("num"),
            "IdentityN" => number("T"),
            "ShapeN" => number("N"),
            _ => 0,
        }
    }
}

/// Most outputs of a node.
pub const MOST_OUTPUTS: usize = 4096;

/// The element type behind a number of TensorFlow's `DataType`; `None` also for handles and lists.
pub fn dtype(number: i64) -> Option<DType> {
    // Types of references to variables are 100 more.
    Some(match if number > 100 { number - 100 } else { number } {
        1 => DType::F32,
        2 => DType::F64,
        3 | 13 => DType::I32,
        4 | 12 => DType::U8,
        5 | 15 => DType::I16,
        6 | 11 => DType::I8,
        7 => DType::Text,
        8 => DType::C64,
        9 => DType::I64,
        10 => DType::Bool,
        14 => DType::Bf16,
        16 | 17 => DType::U16,
        18 => DType::C128,
        19 => DType::F16,
        22 => DType::U32,
        23 => DType::U64,
        24 => DType::F8E5M2,
        25 => DType::F8E4M3,
        26 => DType::F8E4M3Fnuz,
        28 => DType::F8E5M2Fnuz,
        29 => DType::I4,
        30 => DType::U4,
        31 => DType::I2,
        32 => DType::U2,
        _ => return None,
    })
}

/// The element type behind a name of TensorFlow's `DataType`, as JSON writes it, or of TensorFlow.js.
pub fn dtype_named(name: &str) -> Option<DType> {
    Some(match name.strip_prefix("DT_").unwrap_or(name).to_ascii_lowercase().as_str() {
        "float" | "float32" => DType::F32,
        "double" | "float64" => DType::F64,
        "half" | "float16" => DType::F16,
        "bfloat16" => DType::Bf16,
        "int8" | "qint8" => DType::I8,
        "int16" => DType::I16,
        "int32" | "qint32" => DType::I32,
        "int64" => DType::I64,
        "uint8" | "quint8" => DType::U8,
        "uint16" => DType::U16,
        "uint32" => DType::U32,
        "uint64" => DType::U64,
        "bool" => DType::Bool,
        "string" => DType::Text,
        "complex64" => DType::C64,
        "complex128" => DType::C128,
        _ => return None,
    })
}

/// The names of the outputs of operators that have several named ones: references within functions use the names.
const OUTPUTS: &[(&[&str], &[&str])] = &[
    (
        &["FusedBatchNorm", "FusedBatchNormV2"],
        &["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"],
    ),
    (
        &["FusedBatchNormV3", "_FusedBatchNormEx"],
        &["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"],
    ),
    (&["TopK", "TopKV2"], &["values", "indices"]),
    (&["Switch", "RefSwitch"], &["output_false", "output_true"]),
    (&["Merge", "RefMerge"], &["output", "value_index"]),
    (&["Unique", "UniqueV2"], &["y", "idx"]),
    (&["UniqueWithCounts", "UniqueWithCountsV2"], &["y", "idx", "count"]),
    (&["MaxPoolWithArgmax"], &["output", "argmax"]),
    (&["NonMaxSuppressionV4"], &["selected_indices", "valid_outputs"]),
    (&["NonMaxSuppressionV5"], &["selected_indices", "selected_scores", "valid_outputs"]),
    (&["CombinedNonMaxSuppression"], &["nmsed_boxes", "nmsed_scores", "nmsed_classes", "valid_detections"]),
    (&["LSTMBlockCell", "BlockLSTM", "BlockLSTMV2"], &["i", "cs", "f", "o", "ci", "co", "h"]),
    (&["CudnnRNNV3"], &["output", "output_h", "output_c", "reserve_space", "host_reserved"]),
    (&["CudnnRNNV2"], &["output", "output_h", "output_c", "reserve_space", "host_reserved"]),
    (&["CudnnRNN"], &["output", "output_h", "output_c", "reserve_space"]),
    (&["TensorArrayV3"], &["handle", "flow"]),
    (&["TensorArrayConcatV3"], &["value", "lengths"]),
    (&["TensorListSplit", "TensorListPopBack"], &["output_handle", "tensor"]),
    (&["SparseTensorDenseMatMul"], &["product"]),
    (&["Svd"], &["s", "u", "v"]),
    (&["Qr"], &["q", "r"]),
    (&["SelfAdjointEigV2"], &["e", "v"]),
    (&["Moments"], &["mean", "variance"]),
    (&["DynamicPartition"], &["outputs"]),
    (&["FakeQuantWithMinMaxVarsGradient"], &["backprops_wrt_input", "backprop_wrt_min", "backprop_wrt_max"]),
];

/// The place among all outputs of the one of this name and number.
pub fn output_place(op: &str, name: &str, number: usize) -> usize {
    let names = OUTPUTS.iter().find(|(ops, _)| ops.contains(&op)).map(|(_, names)| *names).unwrap_or_default();
    names.iter().position(|own| *own == name).unwrap_or(0).saturating_add(number)
}
