//! The messages of ONNX's schema, with the fields that matter for a graph; everything else is skipped.
//!
//! Field numbers are those of `onnx.proto`. Nothing is resolved here: names are texts, as in the file.

use crate::formats::budget::{Budget, MOST_DEPTH};
use crate::formats::error::{Problem, ReadError};
use crate::formats::protobuf::{Content, Field, Fields, Numbers, Span, add_fixed, add_numbers, corrupt, whole};
use crate::formats::source::Source;
use crate::model::{Contents, DType, DeclaredDim, DeclaredType};
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// `ModelProto`.
#[derive(Default)]
pub struct ModelProto {
    pub ir_version: Option<i64>,
    pub producer_name: String,
    pub producer_version: String,
    pub opsets: Vec<(String, i64)>,
    pub graph: Option<GraphProto>,
    pub functions: Vec<FunctionProto>,
    pub has_training_info: bool,
}

/// `GraphProto`.
#[derive(Default, Clone)]
pub struct GraphProto {
    pub name: String,
    pub nodes: Vec<NodeProto>,
    pub tensors: Vec<TensorProto>,
    pub inputs: Vec<ValueInfoProto>,
    pub outputs: Vec<ValueInfoProto>,
    pub values: Vec<ValueInfoProto>,
}

/// `NodeProto`.
#[derive(Default, Clone)]
pub struct NodeProto {
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub name: String,
    pub op: String,
    pub domain: String,
    pub overload: String,
    pub attributes: Vec<AttributeProto>,
    /// The module of the network that the node came from, slash-separated; empty where the exporter does not say.
    pub module: String,
    pub offset: u64,
}

/// `AttributeProto`.
#[derive(Clone)]
pub struct AttributeProto {
    pub name: String,
    /// In a function's body: the function's attribute that this one takes its value from.
    pub reference: String,
    pub value: Option<AttributeValue>,
}

/// The value of an attribute.
#[derive(Clone)]
pub enum AttributeValue {
    Int(i64),
    Float(f64),
    Text(String),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Texts(Vec<String>),
    Tensor(Box<TensorProto>),
    Graphs(Vec<GraphProto>),
    Type(DeclaredType),
}

/// `TensorProto`, and the dense view of `SparseTensorProto`.
#[derive(Default, Clone)]
pub struct TensorProto {
    pub name: String,
    pub dims: Vec<i64>,
    pub data_type: i64,
    pub contents: Option<Contents>,
    /// Bytes or elements that the file stores, to compare with what the shape asks for.
    pub stored: Option<Stored>,
    pub external: Option<External>,
    /// For a sparse tensor: the elements stored.
    pub sparse_elements: Option<u64>,
    pub offset: u64,
}

/// How much of a tensor's contents is in the file.
#[derive(Clone, Copy)]
pub enum Stored {
    Bytes(u64),
    Numbers(u64),
}

/// Where a tensor's contents lie outside the file.
#[derive(Default, Clone)]
pub struct External {
    pub location: String,
    pub offset: u64,
    pub length: Option<u64>,
}

/// `ValueInfoProto`.
#[derive(Clone)]
pub struct ValueInfoProto {
    pub name: String,
    pub declared: Option<DeclaredType>,
}

/// `FunctionProto`.
#[derive(Default, Clone)]
pub struct FunctionProto {
    pub name: String,
    pub domain: String,
    pub overload: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub defaults: Vec<AttributeProto>,
    pub nodes: Vec<NodeProto>,
    pub opsets: Vec<(String, i64)>,
}

/// Largest tensor whose contents are kept: integers feed shape arithmetic, floats only scales and the like.
pub(super) const MOST_INTEGERS: u64 = 4096;
pub(super) const MOST_FLOATS: u64 = 1024;
/// Most dimensions of a tensor; frameworks stop at 64 or earlier.
pub(super) const MOST_DIMS: usize = 64;
/// Most numbers of an attribute that are kept; tree ensembles have tens of thousands.
const MOST_ATTRIBUTE_NUMBERS: usize = 1 << 16;
/// What a message costs in memory besides its texts, roughly.
const NODE_BYTES: u64 = 320;
const ATTRIBUTE_BYTES: u64 = 96;
const TENSOR_BYTES: u64 = 224;
const VALUE_BYTES: u64 = 96;

/// Whether the outermost fields are those of a model: known numbers with the right kinds, up to a graph.
pub fn looks_like_model(source: &mut Source<'_>) -> Result<bool> {
    let mut fields = Fields::of(whole(source));
    let mut known = 0;
    // A model has few outermost fields besides functions and metadata; a look at the first ones settles it.
    for _ in 0..64 {
        let field = match fields.next(source) {
            Ok(Some(field)) => field,
            Ok(None) => break,
            // A file that begins as a model and is then cut off is a model that is cut off.
            Err(error) => return Ok(known >= 1 && matches!(error.problem, Problem::Truncated { .. })),
        };
        match (field.number, field.content) {
            (1 | 5, Content::Number(_)) => known += 1,
            (2 | 3 | 4 | 6 | 8 | 14 | 20 | 25 | 26, Content::Bytes(_)) => known += 1,
            (7, Content::Bytes(_)) => return Ok(true),
            _ => return Ok(false),
        }
    }
    Ok(false)
}

/// Reads a model.
pub fn model(source: &mut Source<'_>, budget: &mut Budget) -> Result<ModelProto> {
    let mut model = ModelProto::default();
    let mut fields = Fields::of(whole(source));
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => model.ir_version = Some(field.integer(source)?),
            2 => model.producer_name = field.text(source, budget)?,
            3 => model.producer_version = field.text(source, budget)?,
            7 => model.graph = Some(graph(field.span(source)?, source, budget, 0)?),
            8 => model.opsets.push(opset(field.span(source)?, source, budget)?),
            20 => model.has_training_info = true,
            25 => model.functions.push(function(field.span(source)?, source, budget)?),
            _ => {}
        }
    }
    Ok(model)
}

/// Reads a file that holds one tensor.
pub fn lone_tensor(source: &mut Source<'_>, budget: &mut Budget) -> Result<TensorProto> {
    tensor(whole(source), source, budget)
}

fn opset(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<(String, i64)> {
    let (mut domain, mut version) = (String::new(), 0);
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => domain = field.text(source, budget)?,
            2 => version = field.integer(source)?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn deeper(depth: u32, at: Span, source: &Source<'_>) -> Result<u32> {
    if depth >= MOST_DEPTH {
        let what = format!("graphs or types are nested more than {MOST_DEPTH} deep");
        return Err(source.error(Some(at.start), "", Problem::OverLimit(what)));
    }
    Ok(depth + 1)
}

fn graph(span: Span, source: &mut Source<'_>, budget: &mut Budget, depth: u32) -> Result<GraphProto> {
    let depth = deeper(depth, span, source)?;
    let mut graph = GraphProto::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => graph.nodes.push(node(&field, source, budget, depth)?),
            2 => graph.name = field.text(source, budget)?,
            5 => graph.tensors.push(tensor(field.span(source)?, source, budget)?),
            11 => graph.inputs.push(value_info(field.span(source)?, source, budget)?),
            12 => graph.outputs.push(value_info(field.span(source)?, source, budget)?),
            13 => graph.values.push(value_info(field.span(source)?, source, budget)?),
            15 => graph.tensors.push(sparse_tensor(field.span(source)?, source, budget)?),
            _ => {}
        }
    }
    Ok(graph)
}

fn node(field: &Field, source: &mut Source<'_>, budget: &mut Budget, depth: u32) -> Result<NodeProto> {
    budget.charge(source, NODE_BYTES)?;
    let mut node = NodeProto { offset: field.offset, ..NodeProto::default() };
    let mut fields = Fields::of(field.span(source)?);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => node.inputs.push(field.text(source, budget)?),
            2 => node.outputs.push(field.text(source, budget)?),
            3 => node.name = field.text(source, budget)?,
            4 => node.op = field.text(source, budget)?,
            5 => {
                let attribute = attribute(field.span(source)?, source, budget, depth);
                node.attributes.push(attribute.map_err(|error| within(error, &node))?);
            }
            7 => node.domain = field.text(source, budget)?,
            8 => node.overload = field.text(source, budget)?,
            9 => {
                if let Some(module) = module(&field, source, budget)? {
                    node.module = module;
                }
            }
            _ => {}
        }
    }
    Ok(node)
}

/// The key under which torch's exporter writes the modules around a node, as a Python list of names from the outermost
/// in: `['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']`, the last being the operation's own.
const MODULE_KEY: &str = "pkg.torch.onnx.name_scopes";
/// Longest list of modules that is read, in bytes; other entries, such as stack traces, are not read at all.
const LONGEST_MODULES: u64 = 4096;

/// The innermost module in an entry of a node's metadata, if that is what the entry holds.
fn module(field: &Field, source: &mut Source<'_>, budget: &mut Budget) -> Result<Option<String>> {
    let mut fields = Fields::of(field.span(source)?);
    let mut is_modules = false;
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => {
                is_modules =
                    field.span(source)?.len() == MODULE_KEY.len() as u64 && field.text(source, budget)? == MODULE_KEY
            }
            2 if is_modules && field.span(source)?.len() <= LONGEST_MODULES => {
                let list = field.text(source, budget)?;
                let names: Vec<&str> = list.split('\'').skip(1).step_by(2).collect();
                return Ok(names
                    .len()
                    .checked_sub(2)
                    .and_then(|place| names.get(place))
                    .map(|name| name.replace('.', "/")));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Names the node in an error from inside it, unless a deeper one is named already.
fn within(mut error: ReadError, node: &NodeProto) -> ReadError {
    if error.place.is_empty() {
        let name = if node.name.is_empty() { node.outputs.first().map_or("", String::as_str) } else { &node.name };
        error.place = crate::notes::clip(&format!("node {name}"));
    }
    error
}

fn attribute(span: Span, source: &mut Source<'_>, budget: &mut Budget, depth: u32) -> Result<AttributeProto> {
    budget.charge(source, ATTRIBUTE_BYTES)?;
    let (mut name, mut reference, mut kind) = (String::new(), String::new(), 0);
    let (mut float, mut int, mut text) = (None, None, None);
    let (mut tensor_value, mut type_value) = (None, None);
    let (mut texts, mut graphs) = (Vec::new(), Vec::new());
    let mut floats = Numbers::default();
    let mut ints = Numbers::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => name = field.text(source, budget)?,
            2 => {
                let mut single = Numbers::default();
                add_fixed::<4>(&field, source, &mut single, 1)?;
                float = single.items.first().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
            }
            3 => int = Some(field.integer(source)?),
            // A long text is data (a tokenizer, an engine), which no shape depends on.
            4 if field.span(source)?.len() > 4096 => text = Some(String::new()),
            4 => text = Some(field.text(source, budget)?),
            5 => tensor_value = Some(tensor(field.span(source)?, source, budget)?),
            6 | 11 => graphs.push(graph(field.span(source)?, source, budget, depth)?),
            7 => add_fixed::<4>(&field, source, &mut floats, MOST_ATTRIBUTE_NUMBERS)?,
            8 => add_numbers(&field, source, &mut ints, MOST_ATTRIBUTE_NUMBERS)?,
            9 if field.span(source)?.len() > 4096 => texts.push(String::new()),
            9 => texts.push(field.text(source, budget)?),
            14 | 15 => type_value = Some(declared_type(field.span(source)?, source, budget, depth)?),
            20 => kind = field.number(source)?,
            21 => reference = field.text(source, budget)?,
            22 => tensor_value = Some(sparse_tensor(field.span(source)?, source, budget)?),
            _ => {}
        }
    }
    budget.charge(source, 8 * (ints.items.len() + floats.items.len()) as u64)?;
    let ints = ints.complete().map(|items| items.into_iter().map(|item| item as i64).collect::<Vec<_>>());
    let single = |bytes: [u8; 4]| f64::from(f32::from_le_bytes(bytes));
    let floats = floats.complete().map(|items| items.into_iter().map(single).collect::<Vec<_>>());
    // Old files leave the kind out: what is there tells it.
    let kind = match kind {
        0 if int.is_some() => 2,
        0 if float.is_some() => 1,
        0 if text.is_some() => 3,
        0 if tensor_value.is_some() => 4,
        0 if !graphs.is_empty() => 10,
        0 if floats.as_ref().is_none_or(|items| !items.is_empty()) => 6,
        0 if ints.as_ref().is_none_or(|items| !items.is_empty()) => 7,
        0 if !texts.is_empty() => 8,
        kind => kind,
    };
    let value = match kind {
        1 => Some(AttributeValue::Float(float.unwrap_or(0.0))),
        2 => Some(AttributeValue::Int(int.unwrap_or(0))),
        3 => Some(AttributeValue::Text(text.unwrap_or_default())),
        4 | 11 => tensor_value.map(|tensor| AttributeValue::Tensor(Box::new(tensor))),
        5 | 10 => Some(AttributeValue::Graphs(graphs)),
        6 => floats.map(AttributeValue::Floats),
        7 => ints.map(AttributeValue::Ints),
        8 => Some(AttributeValue::Texts(texts)),
        13 | 14 => type_value.map(AttributeValue::Type),
        _ => None,
    };
    Ok(AttributeProto { name, reference, value })
}

fn tensor(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<TensorProto> {
    budget.charge(source, TENSOR_BYTES)?;
    let mut tensor = TensorProto { offset: span.start, ..TensorProto::default() };
    let mut dims = Numbers::default();
    let mut raw: Option<Span> = None;
    let mut texts = Numbers::default();
    let mut fours: Numbers<[u8; 4]> = Numbers::default();
    let mut eights: Numbers<[u8; 8]> = Numbers::default();
    let mut numbers = Numbers::default();
    let most = MOST_INTEGERS as usize;
    let mut external = External::default();
    let mut is_external = false;
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => add_numbers(&field, source, &mut dims, MOST_DIMS)?,
            2 => tensor.data_type = field.integer(source)?,
            4 => add_fixed(&field, source, &mut fours, most)?,
            5 | 7 | 11 => add_numbers(&field, source, &mut numbers, most)?,
            6 => {
                let short = field.span(source)?.len() <= 4096 && texts.items.len() < 256;
                texts.push(if short { field.text(source, budget)? } else { String::new() }, 256);
            }
            8 => tensor.name = field.text(source, budget)?,
            9 => raw = Some(field.span(source)?),
            10 => add_fixed(&field, source, &mut eights, most)?,
            13 => external_entry(field.span(source)?, source, budget, &mut external)?,
            14 => is_external = field.number(source)? == 1,
            _ => {}
        }
    }
    let Some(dims) = dims.complete() else {
        let what = format!("tensor {} has more than {MOST_DIMS} dimensions", tensor.name);
        return Err(source.error(Some(span.start), "", Problem::OverLimit(what)));
    };
    tensor.dims = dims.into_iter().map(|dim| dim as i64).collect();
    if is_external {
        tensor.external = Some(external);
        return Ok(tensor);
    }
    tensor.stored = Some(match raw {
        Some(raw) => Stored::Bytes(raw.len()),
        None => Stored::Numbers(fours.count.max(eights.count).max(numbers.count).max(texts.count)),
    });
    let elements = tensor.dims.iter().try_fold(1u64, |product, dim| product.checked_mul(u64::try_from(*dim).ok()?));
    let dtype = super::build::dtype(tensor.data_type);
    let (Some(elements), Some(dtype)) = (elements, dtype) else { return Ok(tensor) };
    let most = if dtype.is_float() { MOST_FLOATS } else { MOST_INTEGERS };
    if elements > most {
        return Ok(tensor);
    }
    tensor.contents = match raw {
        Some(raw) if Some(raw.len()) == dtype.bytes(elements) => {
            let bytes = source.stretch(raw.start, usize::try_from(raw.len()).unwrap_or(0))?;
            decode(dtype, &bytes, elements)
        }
        Some(_) => None,
        None => typed(dtype, fours, eights, numbers, texts),
    };
    tensor.contents = tensor.contents.filter(|contents| contents.len() as u64 == elements);
    budget.charge(source, 8 * tensor.contents.as_ref().map_or(0, Contents::len) as u64)?;
    Ok(tensor)
}

/// Numbers stored in the typed fields. Sixteen-bit floats and narrower stand in the integer field as bit patterns.
fn typed(
    dtype: DType,
    fours: Numbers<[u8; 4]>,
    eights: Numbers<[u8; 8]>,
    numbers: Numbers<u64>,
    texts: Numbers<String>,
) -> Option<Contents> {
    Some(match dtype {
        DType::F32 => {
            Contents::Floats(fours.complete()?.into_iter().map(|bytes| f64::from(f32::from_le_bytes(bytes))).collect())
        }
        DType::F64 => Contents::Floats(eights.complete()?.into_iter().map(f64::from_le_bytes).collect()),
        DType::F16 => Contents::Floats(numbers.complete()?.into_iter().map(|bits| half(bits as u16)).collect()),
        DType::Bf16 => Contents::Floats(numbers.complete()?.into_iter().map(|bits| brain(bits as u16)).collect()),
        DType::Text => Contents::Texts(texts.complete()?.into_iter().map(Arc::from).collect()),
        // Packed pairs of four-bit integers, which nothing in shape arithmetic uses.
        _ if dtype.bits() < 8 => return None,
        _ if dtype.is_integer() || dtype == DType::Bool => {
            // 32-bit fields hold negative numbers sign-extended to 64 bits or, by careless writers, as 32-bit patterns.
            let narrow = |value: u64| match dtype {
                DType::I32 | DType::I16 | DType::I8 => i64::from(value as u32 as i32),
                _ => value as i64,
            };
            Contents::Integers(numbers.complete()?.into_iter().map(narrow).collect())
        }
        _ => return None,
    })
}

/// Little-endian bytes to numbers.
pub(super) fn decode(dtype: DType, bytes: &[u8], elements: u64) -> Option<Contents> {
    fn each<const N: usize, T>(bytes: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.chunks_exact(N).filter_map(|chunk| <[u8; N]>::try_from(chunk).ok()).map(convert).collect()
    }
    Some(match dtype {
        DType::F32 => Contents::Floats(each(bytes, |b| f64::from(f32::from_le_bytes(b)))),
        DType::F64 => Contents::Floats(each(bytes, f64::from_le_bytes)),
        DType::F16 => Contents::Floats(each(bytes, |b| half(u16::from_le_bytes(b)))),
        DType::Bf16 => Contents::Floats(each(bytes, |b| brain(u16::from_le_bytes(b)))),
        DType::I64 => Contents::Integers(each(bytes, i64::from_le_bytes)),
        DType::U64 => Contents::Integers(each(bytes, |b| u64::from_le_bytes(b) as i64)),
        DType::I32 => Contents::Integers(each(bytes, |b| i64::from(i32::from_le_bytes(b)))),
        DType::U32 => Contents::Integers(each(bytes, |b| i64::from(u32::from_le_bytes(b)))),
        DType::I16 => Contents::Integers(each(bytes, |b| i64::from(i16::from_le_bytes(b)))),
        DType::U16 => Contents::Integers(each(bytes, |b| i64::from(u16::from_le_bytes(b)))),
        DType::I8 => Contents::Integers(each(bytes, |b: [u8; 1]| i64::from(i8::from_le_bytes(b)))),
        DType::U8 => Contents::Integers(each(bytes, |b: [u8; 1]| i64::from(u8::from_le_bytes(b)))),
        DType::Bool => Contents::Integers(each(bytes, |b: [u8; 1]| i64::from(b != [0]))),
        DType::I4 | DType::U4 => {
            // Two in a byte, the lower half first.
            let both = |byte: &u8| [byte & 0xf, byte >> 4];
            let signed = |nibble: u8| i64::from(nibble) - if dtype == DType::I4 && nibble > 7 { 16 } else { 0 };
            Contents::Integers(bytes.iter().flat_map(both).map(signed).take(usize::try_from(elements).ok()?).collect())
        }
        _ => return None,
    })
}

/// An IEEE half-precision number from its bits.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// A bfloat16 number from its bits: the upper half of a 32-bit float.
fn brain(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

fn external_entry(span: Span, source: &mut Source<'_>, budget: &mut Budget, into: &mut External) -> Result<()> {
    let (mut key, mut value) = (String::new(), String::new());
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => key = field.text(source, budget)?,
            2 => value = field.text(source, budget)?,
            _ => {}
        }
    }
    let number = |value: &str| {
        value.parse::<u64>().map_err(|_| corrupt(source, span.start, "the place of external data is not a number"))
    };
    match key.as_str() {
        "location" => into.location = value,
        "offset" => into.offset = number(&value)?,
        "length" => into.length = Some(number(&value)?),
        _ => {}
    }
    Ok(())
}

/// The dense tensor that a sparse one stands for.
fn sparse_tensor(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<TensorProto> {
    let mut values = None;
    let mut dims = Numbers::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => values = Some(tensor(field.span(source)?, source, budget)?),
            3 => add_numbers(&field, source, &mut dims, MOST_DIMS)?,
            _ => {}
        }
    }
    let Some(values) = values else { return Err(corrupt(source, span.start, "a sparse tensor has no values")) };
    let dims = dims.complete().unwrap_or_default().into_iter().map(|dim| dim as i64).collect();
    let stored = values.dims.iter().try_fold(1u64, |product, dim| product.checked_mul(u64::try_from(*dim).ok()?));
    Ok(TensorProto {
        name: values.name,
        dims,
        data_type: values.data_type,
        external: values.external,
        sparse_elements: stored,
        offset: span.start,
        ..TensorProto::default()
    })
}

fn value_info(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<ValueInfoProto> {
    budget.charge(source, VALUE_BYTES)?;
    let (mut name, mut declared) = (String::new(), None);
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => name = field.text(source, budget)?,
            2 => declared = Some(declared_type(field.span(source)?, source, budget, 0)?),
            _ => {}
        }
    }
    Ok(ValueInfoProto { name, declared })
}

fn declared_type(span: Span, source: &mut Source<'_>, budget: &mut Budget, depth: u32) -> Result<DeclaredType> {
    let depth = deeper(depth, span, source)?;
    let mut declared = DeclaredType::Tensor { dtype: None, shape: None };
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 | 8 => declared = tensor_type(field.span(source)?, source, budget)?,
            4 => declared = DeclaredType::Sequence(Box::new(element_type(field.span(source)?, source, budget, depth)?)),
            5 => declared = DeclaredType::Map,
            9 => declared = DeclaredType::Optional(Box::new(element_type(field.span(source)?, source, budget, depth)?)),
            _ => {}
        }
    }
    Ok(declared)
}

fn element_type(span: Span, source: &mut Source<'_>, budget: &mut Budget, depth: u32) -> Result<DeclaredType> {
    let mut element = DeclaredType::Tensor { dtype: None, shape: None };
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        if field.number == 1 {
            element = declared_type(field.span(source)?, source, budget, depth)?;
        }
    }
    Ok(element)
}

fn tensor_type(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<DeclaredType> {
    let (mut dtype, mut shape) = (None, None);
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => dtype = super::build::dtype(field.integer(source)?),
            2 => shape = Some(declared_shape(field.span(source)?, source, budget)?),
            _ => {}
        }
    }
    Ok(DeclaredType::Tensor { dtype, shape })
}

fn declared_shape(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<Vec<DeclaredDim>> {
    let mut shape = Vec::new();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        if field.number != 1 {
            continue;
        }
        if shape.len() >= MOST_DIMS {
            let what = format!("a value is declared with more than {MOST_DIMS} dimensions");
            return Err(source.error(Some(field.offset), "", Problem::OverLimit(what)));
        }
        budget.charge(source, 24)?;
        let mut dim = DeclaredDim::Open;
        let mut parts = Fields::of(field.span(source)?);
        while let Some(part) = parts.next(source)? {
            match part.number {
                1 => dim = u64::try_from(part.integer(source)?).map_or(DeclaredDim::Open, DeclaredDim::Fixed),
                2 => {
                    let name = part.text(source, budget)?;
                    // Names that exporters write for "no name".
                    if !["", "?", "-1", "None"].contains(&name.as_str()) {
                        dim = DeclaredDim::Named(name.into());
                    }
                }
                _ => {}
            }
        }
        shape.push(dim);
    }
    Ok(shape)
}

fn function(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<FunctionProto> {
    let mut function = FunctionProto::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => function.name = field.text(source, budget)?,
            4 => function.inputs.push(field.text(source, budget)?),
            5 => function.outputs.push(field.text(source, budget)?),
            7 => function.nodes.push(node(&field, source, budget, 1)?),
            9 => function.opsets.push(opset(field.span(source)?, source, budget)?),
            10 => function.domain = field.text(source, budget)?,
            11 => function.defaults.push(attribute(field.span(source)?, source, budget, 1)?),
            13 => function.overload = field.text(source, budget)?,
            _ => {}
        }
    }
    Ok(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_numbers_are_decoded() {
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xc000), -2.0);
        assert_eq!(half(0x0001), 2f64.powi(-24));
        assert_eq!(half(0x7c00), f64::INFINITY);
        assert_eq!(brain(0x3f80), 1.0);
    }

    #[test]
    fn four_bit_integers_are_unpacked_lower_half_first() {
        assert_eq!(decode(DType::I4, &[0xf1, 0x07], 3), Some(Contents::Integers(vec![1, -1, 7])));
    }
}
