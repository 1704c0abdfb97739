//! Programs: functions of blocks of operations, in which every value has a name and a type.
//!
//! Constants are operations too. Those that say how (strides, axes, modes) become attributes, the others weights;
//! what is packed, quantised or sparse and only unpacked when used is one weight, counted unpacked.

use super::build::{Builder, Feature, Growing, MOST_NUMBERS, Result, Settings};
use super::others::{Description, input};
use crate::formats::budget::MOST_DEPTH;
use crate::formats::protobuf::{Numbers, Span, add_fixed};
use crate::model::{
    Attribute, Contents, DType, DeclaredDim, DeclaredType, Graph, Node, Packing, Storage, TensorRole, ValueId, Weight,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Most elements of a constant whose contents are kept.
const MOST_CONTENTS: u64 = 4096;
/// Most dimensions of a tensor.
const MOST_RANK: usize = 32;

/// Operands by operator, in the order in which the rules of shapes and costs expect them.
/// `None` stands where one is left out.
const OPERANDS: &[(&str, &[&str])] = &[
    ("conv", &["x", "weight", "bias"]),
    ("conv_quantized", &["x", "weight", "bias"]),
    ("conv_transpose", &["x", "weight", "bias"]),
    ("linear", &["x", "weight", "bias"]),
    ("matmul", &["x", "y"]),
    ("batch_norm", &["x", "gamma", "beta", "mean", "variance"]),
    ("instance_norm", &["x", "gamma", "beta"]),
    ("layer_norm", &["x", "gamma", "beta"]),
    ("prelu", &["x", "alpha"]),
    (
        "lstm",
        &[
            "x",
            "initial_h",
            "initial_c",
            "weight_ih",
            "weight_hh",
            "bias",
            "peephole",
            "weight_ih_back",
            "weight_hh_back",
            "bias_back",
            "peephole_back",
        ],
    ),
    ("gru", &["x", "initial_h", "weight_ih", "weight_hh", "bias", "input_bias"]),
    ("rnn", &["x", "initial_h", "weight_ih", "weight_hh", "bias"]),
    ("scaled_dot_product_attention", &["query", "key", "value", "attn_mask"]),
    ("select", &["cond", "a", "b"]),
    ("gather", &["x", "indices"]),
    ("gather_along_axis", &["x", "indices"]),
    ("gather_nd", &["x", "indices"]),
    ("reshape", &["x", "shape"]),
    ("tile", &["x", "reps"]),
    ("fill", &["shape", "value"]),
    ("one_hot", &["indices"]),
    ("range_1d", &["start", "end", "step"]),
    ("slice_by_index", &["x", "begin", "end", "stride"]),
    ("slice_by_size", &["x", "begin", "size"]),
    ("expand_dims", &["x", "axes"]),
    ("squeeze", &["x", "axes"]),
    ("topk", &["x", "k"]),
    ("pad", &["x", "pad"]),
];

/// Names of operands of operators that are not listed, in their usual order; any other constant is an attribute.
const USUAL: &[&str] = &[
    "x",
    "y",
    "values",
    "data",
    "cond",
    "a",
    "b",
    "input",
    "indices",
    "updates",
    "weight",
    "bias",
    "gamma",
    "beta",
    "quantized_data",
    "scale",
    "boxes",
    "scores",
];

/// Adds the program's main function to a graph.
pub(super) fn add(
    builder: &mut Builder<'_>,
    span: Span,
    described: &Description,
    path: &str,
    into: &mut Growing,
) -> Result<()> {
    let fields = builder.fields(span)?;
    let functions = builder.map(&fields, 2)?;
    let wanted = if described.function.is_empty() { "main" } else { &described.function };
    let chosen = functions.iter().find(|(name, _)| name == wanted).or(functions.first());
    let Some((name, function)) = chosen.cloned() else {
        return Err(builder.corrupt(span.start, path, "the program has no function"));
    };
    if functions.len() > 1 {
        let text = format!("the program has {} functions; '{name}' is counted", functions.len());
        builder.notes.info("", text);
    }
    let function = builder.fields(function)?;
    let opset = builder.text_of(&function, 2)?;
    builder.property("operators", &opset);
    let mut program =
        Program { scopes: vec![HashMap::new()], path: path.to_owned(), pending: HashMap::new(), depth: 0 };
    for field in function.all(1) {
        let (name, declared) = named_type(builder, field.span(&builder.source)?)?;
        let feature = described.inputs.iter().find(|feature| feature.name == name).cloned();
        let declared = declared.map(|declared| match &feature {
            Some(feature) => completed(declared, feature),
            None => declared,
        });
        let feature = Feature { name: name.clone(), ..Default::default() };
        let declared = declared.unwrap_or(DeclaredType::Tensor { dtype: None, shape: None });
        let id = input(builder, &feature, declared, into)?;
        program.define(&name, id);
    }
    let blocks = builder.map(&function, 3)?;
    let Some((_, block)) = blocks.iter().find(|(name, _)| *name == opset).or(blocks.first()) else {
        return Err(builder.corrupt(function.start, path, "the function has no body"));
    };
    let outputs = program.block(builder, *block, &mut into.graph)?;
    for (name, id) in outputs {
        into.scope.insert(name, id);
        into.graph.outputs.push(id);
    }
    Ok(())
}

/// A type whose open dimensions have the description's sizes, so that the default input is counted; a first dimension
/// of 1 keeps open and is the batch.
fn completed(declared: DeclaredType, feature: &Feature) -> DeclaredType {
    let DeclaredType::Tensor { dtype, shape: Some(shape) } = declared else { return declared };
    let sizes = feature.shape.clone().unwrap_or_default();
    let rank = shape.len();
    let behind = rank.saturating_sub(sizes.len());
    let dims = shape.into_iter().enumerate().map(|(place, dim)| {
        let size = place.checked_sub(behind).and_then(|place| sizes.get(place)).copied();
        match (dim, size) {
            (DeclaredDim::Open, Some(1)) if place == 0 && rank > 1 => DeclaredDim::Named("batch".into()),
            (DeclaredDim::Open, Some(size)) => u64::try_from(size).map_or(DeclaredDim::Open, DeclaredDim::Fixed),
            (dim, _) => dim,
        }
    });
    DeclaredType::Tensor { dtype, shape: Some(dims.collect()) }
}

struct Program {
    /// Values by name, innermost block last.
    scopes: Vec<HashMap<String, ValueId>>,
    path: String,
    /// Constants that no operator takes as an operand so far.
    pending: HashMap<ValueId, ()>,
    depth: u32,
}

/// An argument: values by name, or a value that stands in the file right here.
enum Bound {
    Named(String),
    Given(Span),
}

impl Program {
    fn define(&mut self, name: &str, id: ValueId) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), id);
        }
    }

    fn resolve(&self, name: &str) -> Option<ValueId> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    /// The operations of a block; gives its outputs.
    fn block(&mut self, builder: &mut Builder<'_>, span: Span, graph: &mut Graph) -> Result<Vec<(String, ValueId)>> {
        let fields = builder.fields(span)?;
        for field in fields.all(3) {
            let span = field.span(&builder.source)?;
            self.operation(builder, span, graph)?;
        }
        let names = builder.texts_of(&fields, 2)?;
        let mut outputs = Vec::new();
        for name in names {
            match self.resolve(&name) {
                Some(id) => {
                    self.used(id, graph);
                    outputs.push((name, id));
                }
                None => {
                    return Err(builder.corrupt(span.start, &name, "a block gives back a value that nothing makes"));
                }
            }
        }
        Ok(outputs)
    }

    /// A constant that is an operand is a weight of the graph.
    fn used(&mut self, id: ValueId, graph: &mut Graph) {
        if self.pending.remove(&id).is_some() {
            graph.weights.push(id);
        }
    }

    fn operation(&mut self, builder: &mut Builder<'_>, span: Span, graph: &mut Graph) -> Result<()> {
        let fields = builder.fields(span)?;
        let op = builder.text_of(&fields, 1)?;
        let attributes = builder.map(&fields, 5)?;
        let mut outputs = Vec::new();
        for field in fields.all(3) {
            outputs.push(named_type(builder, field.span(&builder.source)?)?);
        }
        let mut name = String::new();
        if let Some((_, span)) = attributes.iter().find(|(key, _)| key == "name")
            && let Some((_, Some(Contents::Texts(texts)))) = immediate(builder, *span)?
        {
            name = texts.first().map(|text| text.to_string()).unwrap_or_default();
        }
        if op == "const" {
            let value = attributes.iter().find(|(key, _)| key == "val").map(|(_, span)| *span);
            let (Some(value), Some((output, _))) = (value, outputs.first()) else {
                return Err(builder.corrupt(span.start, &name, "a constant has no value"));
            };
            let id = self.constant(builder, output, value)?;
            self.define(output, id);
            return Ok(());
        }
        let mut arguments = Vec::new();
        for (key, argument) in builder.map(&fields, 2)? {
            let list = builder.fields(argument)?;
            let mut bound = Vec::new();
            for field in list.all(1) {
                let binding = builder.fields(field.span(&builder.source)?)?;
                match (binding.has(1), binding.span(2)) {
                    (true, _) => bound.push(Bound::Named(builder.text_of(&binding, 1)?)),
                    (false, Some(span)) => bound.push(Bound::Given(span)),
                    (false, None) => {}
                }
            }
            arguments.push((key, bound));
        }
        let mut resolved: Vec<(String, Vec<ValueId>)> = Vec::new();
        for (key, bound) in arguments {
            let mut ids = Vec::with_capacity(bound.len());
            for bound in bound {
                ids.push(match bound {
                    Bound::Named(value) => match self.resolve(&value) {
                        Some(id) => id,
                        None => return Err(builder.corrupt(span.start, &value, "a value that nothing makes is used")),
                    },
                    Bound::Given(span) => self.constant(builder, &key, span)?,
                });
            }
            resolved.push((key, ids));
        }
        if op.starts_with("constexpr_") {
            return self.unpacked(builder, &op, &attributes, &resolved, &outputs, span);
        }
        let mut node = builder.node(&op, &name, &self.path)?;
        if node.path.is_empty() {
            node.path = builder.intern(&module_path(&name));
        }
        for (key, value) in attributes.iter().filter(|(key, _)| key != "name") {
            if let Some((weight, Some(contents))) = immediate(builder, *value)?
                && let Some(attribute) = as_attribute(&weight, &contents)
            {
                node.attributes.insert(builder.intern(key), attribute);
            }
        }
        self.operands(builder, &op, resolved, &mut node, graph)?;
        for (name, declared) in &outputs {
            let id = builder.value(name, declared.clone())?;
            node.outputs.push(Some(id));
        }
        let blocks: Vec<Span> = fields.all(4).map(|field| field.span(&builder.source)).collect::<Result<_>>()?;
        if !blocks.is_empty() {
            self.blocks(builder, &op, &blocks, &mut node)?;
        }
        for ((name, _), id) in outputs.iter().zip(node.outputs.clone()) {
            if let Some(id) = id {
                self.define(name, id);
            }
        }
        graph.nodes.push(node);
        Ok(())
    }

    /// Splits arguments into operands and attributes.
    fn operands(
        &mut self,
        builder: &mut Builder<'_>,
        op: &str,
        mut arguments: Vec<(String, Vec<ValueId>)>,
        node: &mut Node,
        graph: &mut Graph,
    ) -> Result<()> {
        let listed = OPERANDS.iter().find(|(name, _)| *name == op).map(|(_, names)| *names);
        for name in listed.unwrap_or(USUAL) {
            match arguments.iter().position(|(key, _)| key == name) {
                Some(place) => {
                    for id in arguments.remove(place).1 {
                        self.used(id, graph);
                        node.inputs.push(Some(id));
                    }
                }
                None if listed.is_some() => node.inputs.push(None),
                None => {}
            }
        }
        for (key, ids) in arguments {
            let attribute = match ids.as_slice() {
                [id] => builder.weight_of(*id).and_then(|weight| as_attribute(weight, weight.contents.as_ref()?)),
                _ => None,
            };
            match attribute {
                Some(attribute) => {
                    let key = builder.intern(&key);
                    node.attributes.insert(key, attribute);
                }
                None => {
                    for id in ids {
                        self.used(id, graph);
                        node.inputs.push(Some(id));
                    }
                }
            }
        }
        // Left out at the end is not there.
        while node.inputs.last().is_some_and(Option::is_none) {
            node.inputs.pop();
        }
        Ok(())
    }

    /// The blocks of an operation: two branches, or condition and body of a loop.
    fn blocks(&mut self, builder: &mut Builder<'_>, op: &str, blocks: &[Span], node: &mut Node) -> Result<()> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(builder.over(&node.name, format!("blocks are nested more than {MOST_DEPTH} deep")));
        }
        let roles: &[&str] = if op == "cond" { &["then_branch", "else_branch"] } else { &["condition", "body"] };
        for (span, role) in blocks.iter().zip(roles) {
            self.scopes.push(HashMap::new());
            let mut graph = Graph::default();
            let fields = builder.fields(*span)?;
            for field in fields.all(1) {
                let (name, declared) = named_type(builder, field.span(&builder.source)?)?;
                let id = builder.value(&name, declared)?;
                self.define(&name, id);
                graph.inputs.push(id);
            }
            let outputs = self.block(builder, *span, &mut graph)?;
            graph.outputs = outputs.into_iter().map(|(_, id)| id).collect();
            self.scopes.pop();
            node.attributes.insert((*role).into(), Attribute::Graphs(vec![graph]));
        }
        self.depth -= 1;
        Ok(())
    }

    /// A constant as a value; it becomes a weight when an operator takes it as an operand.
    fn constant(&mut self, builder: &mut Builder<'_>, name: &str, span: Span) -> Result<ValueId> {
        let Some(weight) = value(builder, span)? else {
            return Err(builder.corrupt(span.start, name, "a constant is no tensor of a known type"));
        };
        let id = builder.weight(name, weight)?;
        self.pending.insert(id, ());
        Ok(id)
    }

    /// A weight that is stored packed: its type is the output's, its bytes those of all parts.
    fn unpacked(
        &mut self,
        builder: &mut Builder<'_>,
        op: &str,
        attributes: &[(String, Span)],
        arguments: &[(String, Vec<ValueId>)],
        outputs: &[(String, Option<DeclaredType>)],
        span: Span,
    ) -> Result<()> {
        let mut parts: Vec<(String, Weight)> = Vec::new();
        for (key, span) in attributes.iter().filter(|(key, _)| key != "name") {
            parts.extend(value(builder, *span)?.map(|weight| (key.clone(), weight)));
        }
        for (key, ids) in arguments {
            for id in ids {
                self.pending.remove(id);
                parts.extend(builder.weight_of(*id).map(|weight| (key.clone(), weight.clone())));
            }
        }
        let Some((name, Some(DeclaredType::Tensor { dtype: Some(dtype), shape: Some(dims) }))) = outputs.first() else {
            return Err(builder.corrupt(span.start, op, "a packed weight does not say its type"));
        };
        let sizes: Option<Vec<u64>> = dims
            .iter()
            .map(|dim| match dim {
                DeclaredDim::Fixed(size) => Some(*size),
                _ => None,
            })
            .collect();
        let Some(shape) = sizes else {
            return Err(builder.corrupt(span.start, name, "a packed weight has an open dimension"));
        };
        let is_data = |key: &str| {
            matches!(
                key,
                "quantized_data" | "data" | "indices" | "nonzero_data" | "indices_nonzero_data" | "source_val"
            )
        };
        let data = parts.iter().find(|(key, _)| is_data(key)).map(|(_, weight)| weight);
        let stored = data.map(|weight| match &weight.packing {
            Some(packing) => packing.name.to_string(),
            None => weight.dtype.name().to_owned(),
        });
        let table = parts.iter().find(|(key, _)| key == "lut").and_then(|(_, weight)| {
            // In a table for each group the entries stand in the last but one dimension.
            let entries = if weight.shape.len() > 2 { weight.shape.iter().rev().nth(1) } else { weight.shape.last() };
            entries.copied().filter(|entries| entries.is_power_of_two())
        });
        let kind = match (op, table) {
            (op, Some(entries)) if op.contains("lut") => format!("lut{}", entries.trailing_zeros()),
            (op, _) if op.contains("sparse") => format!("sparse-{}", stored.unwrap_or_default()),
            _ => stored.unwrap_or_default(),
        };
        let bytes = parts.iter().filter_map(|(_, weight)| weight.bytes()).fold(0, u64::saturating_add);
        // Two uses of the same stored data are one weight.
        let storage = match data.map(|weight| weight.storage.clone()) {
            Some(storage) => storage,
            None => Storage::Inside { offset: span.start },
        };
        let mut weight = Weight::new(*dtype, shape, storage);
        weight.packing = Some(Packing { name: kind.into(), bytes });
        weight.role = Some(TensorRole::Parameter);
        let id = builder.weight(name, weight)?;
        self.pending.insert(id, ());
        self.define(name, id);
        Ok(())
    }
}

/// Converted PyTorch names have their modules' names joined by underscores, so that nothing can be told from them;
/// names with slashes come from TensorFlow and tell their own path.
fn module_path(name: &str) -> String {
    name.rsplit_once('/').map_or(String::new(), |(path, _)| path.to_owned())
}

/// `NamedValueType`.
fn named_type(builder: &mut Builder<'_>, span: Span) -> Result<(String, Option<DeclaredType>)> {
    let fields = builder.fields(span)?;
    let name = builder.text_of(&fields, 1)?;
    let declared = match fields.span(2) {
        Some(span) => declared(builder, span, 0)?,
        None => None,
    };
    Ok((name, declared))
}

/// `ValueType`: a tensor, a list, or a state that holds a tensor.
fn declared(builder: &mut Builder<'_>, span: Span, depth: u32) -> Result<Option<DeclaredType>> {
    if depth > MOST_DEPTH {
        return Err(builder.over("", format!("types are nested more than {MOST_DEPTH} deep")));
    }
    let fields = builder.fields(span)?;
    if let Some(tensor) = fields.span(1) {
        let tensor = tensor_type(builder, tensor)?;
        let dtype = tensor.element.map(|element| element.dtype);
        return Ok(Some(DeclaredType::Tensor { dtype, shape: tensor.dims }));
    }
    if let Some(list) = builder.inner(&fields, 2)? {
        let element = match list.span(1) {
            Some(span) => declared(builder, span, depth + 1)?,
            None => None,
        };
        let element = element.unwrap_or(DeclaredType::Tensor { dtype: None, shape: None });
        return Ok(Some(DeclaredType::Sequence(Box::new(element))));
    }
    if let Some(state) = builder.inner(&fields, 5)?
        && let Some(span) = state.span(1)
    {
        return declared(builder, span, depth + 1);
    }
    Ok(fields.has(4).then_some(DeclaredType::Map))
}

/// An element type, with its own name and bits where it is narrower than the one that stands for it.
#[derive(Debug, Clone, Copy)]
struct Element {
    dtype: DType,
    packed: Option<(&'static str, u64)>,
}

/// By the number of `MILSpec.DataType`.
fn element(number: i64) -> Option<Element> {
    let plain = |dtype| Some(Element { dtype, packed: None });
    match number {
        1 => plain(DType::Bool),
        2 => plain(DType::Text),
        10 => plain(DType::F16),
        11 => plain(DType::F32),
        12 => plain(DType::F64),
        13 => plain(DType::Bf16),
        21 => plain(DType::I8),
        22 => plain(DType::I16),
        23 => plain(DType::I32),
        24 => plain(DType::I64),
        25 => plain(DType::I4),
        31 => plain(DType::U8),
        32 => plain(DType::U16),
        33 => plain(DType::U32),
        34 => plain(DType::U64),
        35 => plain(DType::U4),
        36 => plain(DType::U2),
        37 => Some(Element { dtype: DType::U2, packed: Some(("u1", 1)) }),
        38 => Some(Element { dtype: DType::U8, packed: Some(("u6", 6)) }),
        39 => Some(Element { dtype: DType::U4, packed: Some(("u3", 3)) }),
        40 => plain(DType::F8E4M3),
        41 => plain(DType::F8E5M2),
        _ => None,
    }
}

struct TensorShape {
    element: Option<Element>,
    dims: Option<Vec<DeclaredDim>>,
}

/// `TensorType`.
fn tensor_type(builder: &mut Builder<'_>, span: Span) -> Result<TensorShape> {
    let fields = builder.fields(span)?;
    let mut dims = Vec::new();
    let mut is_open = false;
    for field in fields.all(3) {
        if dims.len() >= MOST_RANK {
            return Err(builder.over("", format!("a tensor has more than {MOST_RANK} dimensions")));
        }
        let dim = builder.fields(field.span(&builder.source)?)?;
        dims.push(match builder.inner(&dim, 1)? {
            Some(constant) => DeclaredDim::Fixed(constant.size(1)),
            None => {
                is_open |= builder.inner(&dim, 2)?.is_some_and(|unknown| unknown.flag(1));
                DeclaredDim::Open
            }
        });
    }
    is_open |= fields.int(2) < 0;
    Ok(TensorShape { element: element(fields.int(1)), dims: if is_open { None } else { Some(dims) } })
}

/// A value that stands in the file: its type as a weight without contents, and the contents where they are few.
fn immediate(builder: &mut Builder<'_>, span: Span) -> Result<Option<(Weight, Option<Contents>)>> {
    Ok(value(builder, span)?.map(|weight| {
        let contents = weight.contents.clone();
        (weight, contents)
    }))
}

/// `Value`: a tensor in the file or in the file of weights; `None` for lists and other things.
fn value(builder: &mut Builder<'_>, span: Span) -> Result<Option<Weight>> {
    let fields = builder.fields(span)?;
    let Some(tensor) = builder.inner(&fields, 2)?.and_then(|of| of.span(1)) else { return Ok(None) };
    let tensor = tensor_type(builder, tensor)?;
    let (Some(element), Some(dims)) = (tensor.element, tensor.dims) else { return Ok(None) };
    let size = |dim: &DeclaredDim| match dim {
        DeclaredDim::Fixed(size) => Some(*size),
        _ => None,
    };
    let Some(shape) = dims.iter().map(size).collect::<Option<Vec<u64>>>() else { return Ok(None) };
    let storage = match builder.inner(&fields, 5)? {
        Some(blob) => {
            let file = builder.text_of(&blob, 1)?;
            let file = builder.intern(file.trim_start_matches("@model_path/"));
            Storage::Outside { file, offset: blob.size(2), present: builder.weights.present }
        }
        None => Storage::Inside { offset: span.start },
    };
    let is_scalar = shape.is_empty();
    let mut weight = Weight::new(element.dtype, shape, storage);
    if let Some((name, bits)) = element.packed {
        let bytes = weight.elements().and_then(|count| count.checked_mul(bits)).map(|bits| bits.div_ceil(8));
        weight.packing = Some(Packing { name: name.into(), bytes: bytes.unwrap_or(u64::MAX) });
    }
    if is_scalar && element.dtype.is_float() {
        weight.role = Some(TensorRole::Setting);
    }
    if weight.elements().is_some_and(|count| count <= MOST_CONTENTS)
        && let Some(given) = builder.inner(&fields, 3)?
        && let Some(tensor) = builder.inner(&given, 1)?
    {
        weight.contents = contents(builder, element.dtype, &tensor)?;
        let kept = weight.contents.as_ref().map_or(0, Contents::len) as u64;
        builder.budget.charge(&builder.source, kept * 8)?;
        // An element that was left out is protobuf's zero; a list of another length is nonsense.
        if weight.elements() != Some(kept) {
            weight.contents = None;
        }
    }
    Ok(Some(weight))
}

/// `TensorValue`.
fn contents(builder: &mut Builder<'_>, dtype: DType, tensor: &Settings) -> Result<Option<Contents>> {
    let Some(field) = tensor.each().last() else { return Ok(None) };
    let list = builder.fields(field.span(&builder.source)?)?;
    let numbers = |builder: &mut Builder<'_>| -> Result<Vec<i64>> { builder.ints(&list, 1) };
    Ok(match field.number {
        // Floats, and doubles.
        1 => floats::<4>(builder, &list, |bytes| f64::from(f32::from_le_bytes(bytes)))?.map(Contents::Floats),
        6 => floats::<8>(builder, &list, f64::from_le_bytes)?.map(Contents::Floats),
        // 32-bit integers are sign-extended in the encoding.
        2 => Some(Contents::Integers(numbers(builder)?.into_iter().map(|number| i64::from(number as i32)).collect())),
        3 | 5 => Some(Contents::Integers(numbers(builder)?)),
        4 => {
            let texts = builder.texts_of(&list, 1)?;
            Some(Contents::Texts(texts.into_iter().map(Arc::from).collect()))
        }
        7 => match list.span(1) {
            Some(span) if span.len() <= MOST_CONTENTS * 8 => {
                let bytes = builder.source.stretch(span.start, usize::try_from(span.len()).unwrap_or(0))?;
                from_bytes(dtype, &bytes)
            }
            _ => None,
        },
        _ => None,
    })
}

/// Elements of types that protobuf has no list for.
fn from_bytes(dtype: DType, bytes: &[u8]) -> Option<Contents> {
    let pairs = || bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    Some(match dtype {
        DType::I8 => Contents::Integers(bytes.iter().map(|byte| i64::from(*byte as i8)).collect()),
        DType::U8 | DType::Bool => Contents::Integers(bytes.iter().map(|byte| i64::from(*byte)).collect()),
        DType::I16 => Contents::Integers(pairs().map(|pair| i64::from(i16::from_le_bytes(pair))).collect()),
        DType::U16 => Contents::Integers(pairs().map(|pair| i64::from(u16::from_le_bytes(pair))).collect()),
        DType::F16 => Contents::Floats(pairs().map(|pair| half(u16::from_le_bytes(pair))).collect()),
        _ => return None,
    })
}

/// IEEE half precision, widened.
fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(exponent) - 15),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

fn floats<const N: usize>(
    builder: &mut Builder<'_>,
    list: &Settings,
    number: impl Fn([u8; N]) -> f64,
) -> Result<Option<Vec<f64>>> {
    let mut numbers = Numbers::default();
    for field in list.all(1) {
        add_fixed::<N>(&field, &mut builder.source, &mut numbers, MOST_NUMBERS)?;
    }
    Ok(numbers.complete().map(|items| items.into_iter().map(number).collect()))
}

/// A small constant as an attribute: one number without dimensions, or a list.
fn as_attribute(weight: &Weight, contents: &Contents) -> Option<Attribute> {
    if matches!(weight.storage, Storage::Outside { .. }) {
        return None;
    }
    let is_scalar = weight.shape.is_empty();
    Some(match contents {
        Contents::Integers(items) if is_scalar => Attribute::Int(*items.first()?),
        Contents::Integers(items) => Attribute::Ints(items.clone()),
        Contents::Floats(items) if is_scalar => Attribute::Float(*items.first()?),
        Contents::Floats(items) => Attribute::Floats(items.clone()),
        Contents::Texts(items) if is_scalar => Attribute::Text(items.first()?.clone()),
        Contents::Texts(items) => Attribute::Texts(items.clone()),
    })
}
