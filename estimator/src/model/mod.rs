//! The format-neutral model: values, weights, nodes and graphs, as a file states them.
//!
//! A room under `formats` fills a [`Model`]; `shapes` and `cost` read it.
//! Nothing here knows a file format, and nothing here is computed: no inferred shape, no count.
//!
//! All values of a model live in one list, whatever graph they belong to,
//! so that a subgraph which uses an outer value names it by the same [`ValueId`].
//! Model-local functions are already inlined: a [`Node`] is always an operator.

mod dim;
mod dtype;

pub use dim::Dim;
pub use dtype::{DType, Kind};

use crate::notes::Notes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A model as read from a file.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The format's name, for example `onnx`.
    pub format: String,
    /// What wrote the file, with its version, as the file says.
    pub producer: String,
    /// The file format's own version (ONNX: the IR version).
    pub format_version: Option<i64>,
    /// Operator sets by domain; the standard one is ``.
    pub opsets: BTreeMap<String, i64>,
    /// Every value of the main graph and of all subgraphs.
    pub values: Vec<Value>,
    /// The main graph.
    pub graph: Graph,
    /// Size of the file (with its external data where present), in bytes.
    pub file_bytes: u64,
    /// How many of those bytes were read.
    pub bytes_read: u64,
    /// Whether the file holds weights alone and says nothing of what is computed with them: its graph has no nodes then.
    pub weights_only: bool,
    /// The numbers that open dimensions had when the file was made, by the dimensions' names: defaults for them.
    pub sizes_made_with: BTreeMap<String, u64>,
    /// Whether the file states the shape of every value as arithmetic on its open dimensions,
    /// so that no other sizes can be chosen than those of these dimensions.
    pub states_all_shapes: bool,
    /// The architecture's numbers, where the file or a config beside it states them.
    pub hyperparameters: Option<Hyperparameters>,
    /// What else the file says of itself (author, licence, quantisation method …), for people, as name and text.
    pub properties: Vec<(String, String)>,
    /// What was noticed on the way.
    pub notes: Notes,
}

/// The numbers that describe an architecture, as its config states them.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters {
    /// In whose words they are.
    pub dialect: Dialect,
    /// Where they were read, for people: a file's name.
    pub origin: String,
    /// The entries. Long lists are replaced by `{"length": N}`.
    pub values: serde_json::Map<String, serde_json::Value>,
}

/// In whose words hyper-parameters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A `config.json` of Hugging Face transformers or diffusers.
    HuggingFace,
    /// The metadata of a GGUF file.
    Gguf,
}

/// The place of a value in [`Model::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// One value: an input, a weight, or what a node produces.
#[derive(Debug, Clone, Default)]
pub struct Value {
    /// Its name in the file.
    pub name: Arc<str>,
    /// The type that the file declares for it, if it does.
    pub declared: Option<DeclaredType>,
    /// Its contents, when the file holds them.
    pub weight: Option<Weight>,
}

/// A type as declared in a file, before any number is chosen for symbolic dimensions.
#[derive(Debug, Clone, PartialEq)]
pub enum DeclaredType {
    /// A tensor; an absent shape means that even the rank is open.
    Tensor {
        /// Element type, if stated.
        dtype: Option<DType>,
        /// Dimensions, if stated.
        shape: Option<Vec<DeclaredDim>>,
    },
    /// A list of values of one type.
    Sequence(Box<DeclaredType>),
    /// A value that may be absent.
    Optional(Box<DeclaredType>),
    /// Keys to values; its contents play no part in a cost.
    Map,
}

/// A dimension as declared in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclaredDim {
    /// A number.
    Fixed(u64),
    /// A name that stands for a number.
    Named(Arc<str>),
    /// Neither: an open dimension without a name (also -1 and other nonsense that files contain).
    Open,
}

/// A tensor whose contents are in the file or beside it.
#[derive(Debug, Clone)]
pub struct Weight {
    /// Element type.
    pub dtype: DType,
    /// Dimensions of the dense tensor.
    pub shape: Vec<u64>,
    /// Where its bytes are.
    pub storage: Storage,
    /// The contents, kept only for small tensors, which shape arithmetic needs.
    pub contents: Option<Contents>,
    /// For a sparse tensor, how many elements are stored.
    pub stored_elements: Option<u64>,
    /// How it is stored, where that is not `dtype` at its own width.
    pub packing: Option<Packing>,
    /// What it is, where the format says so itself; else that follows from its use.
    pub role: Option<TensorRole>,
}

/// How a tensor is stored that is packed or quantised in blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// What the format calls it, for example `q4_k`, `nf4` or `gptq-int4`.
    pub name: Arc<str>,
    /// Bytes of the whole tensor as stored, with the scales that lie inside it.
    pub bytes: u64,
}

/// What a tensor is, in a format that keeps weights without a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TensorRole {
    /// It is learned.
    Parameter,
    /// Running statistics, scales and zero points of quantisation, position tables that are not learned.
    Buffer,
    /// Shapes, indices, modes.
    Setting,
    /// What an optimiser keeps beside the weights in a training checkpoint.
    OptimizerState,
}

impl Weight {
    /// A tensor of which no contents are kept.
    pub fn new(dtype: DType, shape: Vec<u64>, storage: Storage) -> Self {
        Self { dtype, shape, storage, contents: None, stored_elements: None, packing: None, role: None }
    }

    /// Elements of the dense tensor; `None` when the product does not fit 64 bits.
    pub fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim))
    }

    /// Bytes of the stored elements, packed; `None` when the product does not fit 64 bits.
    pub fn bytes(&self) -> Option<u64> {
        if let Some(packing) = &self.packing {
            return Some(packing.bytes);
        }
        self.dtype.bytes(self.stored_elements.or(self.elements())?)
    }
}

/// Where the bytes of a [`Weight`] are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In the model file.
    Inside {
        /// Where in the file the tensor's record begins, in bytes: two uses of one record are one weight.
        offset: u64,
    },
    /// In another file.
    Outside {
        /// That file's name as the model states it.
        file: Arc<str>,
        /// Where in that file it begins, in bytes.
        offset: u64,
        /// Whether that file was among those opened.
        present: bool,
    },
}

/// The contents of a small tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    /// Integers and truth values.
    Integers(Vec<i64>),
    /// Floats of any width, widened.
    Floats(Vec<f64>),
    /// Texts.
    Texts(Vec<Arc<str>>),
}

impl Contents {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Contents::Integers(items) => items.len(),
            Contents::Floats(items) => items.len(),
            Contents::Texts(items) => items.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A list of nodes between inputs and outputs.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The graph's name in the file.
    pub name: Arc<str>,
    /// What the caller must provide (weights that older files list among the inputs are left out).
    pub inputs: Vec<ValueId>,
    /// What the graph gives back.
    pub outputs: Vec<ValueId>,
    /// Weights that belong to this graph, in file order.
    pub weights: Vec<ValueId>,
    /// The operators, in an order in which each can be computed.
    pub nodes: Vec<Node>,
}

/// The domains of operators that are not ONNX's, each named by its framework: nodes keep their own format's operators,
/// and `shapes` and `cost` have a register for each domain.
pub const FRAMEWORKS: &[&str] = &["tflite", "tf", "keras", "coreml", "openvino", "aten"];

/// One operator applied to values.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Its name; never empty: a node without one is named after its operator and place.
    pub name: Arc<str>,
    /// The operator's domain: `` for the standard one, else for example `com.microsoft`.
    pub domain: Arc<str>,
    /// The operator's name, for example `Conv`.
    pub op: Arc<str>,
    /// The version of the operator set that this node follows.
    pub opset: i64,
    /// Inputs in order; `None` where an optional one is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// Outputs in order; `None` where one is not wanted.
    pub outputs: Vec<Option<ValueId>>,
    /// Attributes by name.
    pub attributes: BTreeMap<Arc<str>, Attribute>,
    /// The model-local functions it was inlined from and the module it came from as the exporter says,
    /// outermost first, joined by `/`; empty where the file tells neither.
    pub path: Arc<str>,
}

/// The value of a node's attribute.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text (bytes that are not UTF-8 are replaced).
    Text(Arc<str>),
    /// Integers.
    Ints(Vec<i64>),
    /// Floats.
    Floats(Vec<f64>),
    /// Texts.
    Texts(Vec<Arc<str>>),
    /// A tensor.
    Tensor(Box<Weight>),
    /// Subgraphs (one for `Graph`, several for `Graphs`).
    Graphs(Vec<Graph>),
    /// A type.
    Type(Box<DeclaredType>),
}

impl Model {
    /// Adds a weight to the main graph.
    ///
    /// The caller bounds how many there are; past 2^32 they all get the last id.
    pub fn add_weight(&mut self, name: &str, weight: Weight) -> ValueId {
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(Value { name: name.into(), declared: None, weight: Some(weight) });
        self.graph.weights.push(id);
        id
    }

    /// The value of this id; `None` only for an id of another model.
    pub fn value(&self, id: ValueId) -> Option<&Value> {
        self.values.get(id.0 as usize)
    }

    /// The name of a value, for messages.
    pub fn name(&self, id: ValueId) -> &str {
        self.value(id).map_or("", |value| &value.name)
    }
}

impl Node {
    /// An integer attribute.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// A float attribute.
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.attributes.get(name) {
            Some(Attribute::Float(value)) => Some(*value),
            _ => None,
        }
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// An attribute of integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// An attribute of floats.
    pub fn floats(&self, name: &str) -> Option<&[f64]> {
        match self.attributes.get(name) {
            Some(Attribute::Floats(values)) => Some(values),
            _ => None,
        }
    }

    /// A tensor attribute.
    pub fn tensor(&self, name: &str) -> Option<&Weight> {
        match self.attributes.get(name) {
            Some(Attribute::Tensor(weight)) => Some(weight),
            _ => None,
        }
    }

    /// The subgraph in an attribute.
    pub fn graph(&self, name: &str) -> Option<&Graph> {
        match self.attributes.get(name) {
            Some(Attribute::Graphs(graphs)) => graphs.first(),
            _ => None,
        }
    }

    /// Every subgraph of the node, with the attribute's name.
    pub fn graphs(&self) -> impl Iterator<Item = (&str, &Graph)> {
        self.attributes.iter().flat_map(|(name, attribute)| {
            let graphs: &[Graph] = match attribute {
                Attribute::Graphs(graphs) => graphs,
                _ => &[],
            };
            graphs.iter().map(move |graph| (name.as_ref(), graph))
        })
    }

    /// Whether this is the standard operator of that name.
    pub fn is(&self, op: &str) -> bool {
        self.domain.is_empty() && self.op.as_ref() == op
    }

    /// The operator as people write it: bare for ONNX's standard domain and for other frameworks' own operators,
    /// else `domain::op`.
    pub fn op_name(&self) -> String {
        if self.domain.is_empty() || FRAMEWORKS.contains(&self.domain.as_ref()) {
            self.op.to_string()
        } else {
            format!("{}::{}", self.domain, self.op)
        }
    }
}

/// A type with every symbolic dimension given a number: what shape inference works on and reports.
#[derive(Debug, Clone)]
pub enum ValueType {
    /// A tensor.
    Tensor(TensorType),
    /// A list of values.
    Sequence(SequenceType),
    /// A value that may be absent.
    Optional(Box<ValueType>),
    /// Keys to values.
    Map,
}

/// Element type and dimensions of a tensor, each as far as known.
#[derive(Debug, Clone, Default)]
pub struct TensorType {
    /// Element type.
    pub dtype: Option<DType>,
    /// Dimensions; `None` when even the rank is unknown.
    pub shape: Option<Vec<Dim>>,
}

/// The type of a list.
#[derive(Debug, Clone, Default)]
pub struct SequenceType {
    /// What all elements have in common, if anything is known of them.
    pub element: Option<Box<ValueType>>,
    /// Each element's type, where the length is known and small.
    pub items: Option<Vec<ValueType>>,
}

impl TensorType {
    /// A tensor of this element type and shape.
    pub fn new(dtype: Option<DType>, shape: Option<Vec<Dim>>) -> Self {
        Self { dtype, shape }
    }

    /// Number of elements; `None` where a dimension is unknown, negative, or the product does not fit 64 bits.
    pub fn elements(&self) -> Option<u64> {
        elements(self.shape.as_deref()?)
    }

    /// Packed size in bytes; `None` where elements or type are unknown.
    pub fn bytes(&self) -> Option<u64> {
        self.dtype?.bytes(self.elements()?)
    }

    /// The sizes, all known.
    pub fn sizes(&self) -> Option<Vec<u64>> {
        self.shape.as_ref()?.iter().map(Dim::size).collect()
    }
}

/// The product of dimensions; `None` where one is unknown, negative, or the product does not fit 64 bits.
pub fn elements(shape: &[Dim]) -> Option<u64> {
    // A zero makes the whole empty even beside dimensions whose product overflows.
    if shape.iter().any(|dim| dim.is(0)) && shape.iter().all(|dim| dim.size().is_some()) {
        return Some(0);
    }
    shape.iter().try_fold(1u64, |product, dim| product.checked_mul(dim.size()?))
}

impl ValueType {
    /// A tensor of this element type and shape.
    pub fn tensor(dtype: Option<DType>, shape: Option<Vec<Dim>>) -> Self {
        Self::Tensor(TensorType::new(dtype, shape))
    }

    /// The tensor type, if it is a tensor.
    pub fn as_tensor(&self) -> Option<&TensorType> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }
}
