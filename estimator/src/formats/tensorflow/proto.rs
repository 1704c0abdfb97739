//! TensorFlow's messages: `SavedModel`, `MetaGraphDef`, `GraphDef` and what is in them, with the fields that matter here.
//!
//! Field numbers are those of TensorFlow's `.proto` files. Nothing is resolved here: names are texts, as in the file.

use super::build::{Ends, Parts};
use super::graph::{Attr, Function, FunctionDef, GraphDef, NodeDef, Shape, dtype};
use crate::formats::budget::Budget;
use crate::formats::error::{Problem, ReadError};
use crate::formats::protobuf::{Content, Field, Fields, Numbers, Span, add_fixed, add_numbers, corrupt, whole};
use crate::formats::source::Source;
use crate::model::{Contents, DType, Storage, Weight};
use std::collections::{BTreeMap, HashSet};

type Result<T> = std::result::Result<T, ReadError>;

/// What a node costs in memory, roughly.
const NODE_BYTES: u64 = 256;
/// Most dimensions of a shape; TensorFlow allows 254.
const MOST_DIMS: usize = 254;
/// Most elements of which contents are kept: shapes, axes and index lists are smaller.
const MOST_CONTENTS: u64 = 1024;
/// Most floats of which contents are kept: limits, steps and scale factors.
const MOST_FLOATS: u64 = 16;
/// Longest list of numbers in an attribute.
const MOST_NUMBERS: usize = 4096;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SavedModel`.
    SavedModel,
    /// `MetaGraphDef`.
    MetaGraph,
    /// `GraphDef`.
    Graph,
}

/// What a file is by its outermost fields; `None` for anything else.
pub fn kind(source: &mut Source<'_>) -> Result<Option<Kind>> {
    let mut fields = Fields::of(whole(source));
    // What cannot be read as fields is of another kind.
    let Ok(Some(first)) = fields.next(source) else { return Ok(None) };
    match (first.number, first.content) {
        // A schema version, then graphs; ONNX has other fields besides.
        (1, Content::Number(1)) => {
            let second = fields.next(source);
            let is_saved = matches!(
                second,
                Ok(Some(Field { number: 2, content: Content::Bytes(span), .. })) if is_meta_graph(span, source)
            );
            Ok(is_saved.then_some(Kind::SavedModel))
        }
        (1, Content::Bytes(span)) if is_node(span, source) => Ok(Some(Kind::Graph)),
        (1, Content::Bytes(_)) if is_meta_graph(whole(source), source) => Ok(Some(Kind::MetaGraph)),
        _ => Ok(None),
    }
}

/// Whether a message has the fields of a `MetaGraphDef`, among them a graph with nodes.
fn is_meta_graph(span: Span, source: &mut Source<'_>) -> bool {
    let mut fields = Fields::of(span);
    while let Ok(Some(field)) = fields.next(source) {
        match (field.number, field.content) {
            (1, Content::Bytes(_)) => {}
            (2, Content::Bytes(graph)) => {
                let mut parts = Fields::of(graph);
                return match parts.next(source) {
                    Ok(Some(Field { number: 1, content: Content::Bytes(node), .. })) => is_node(node, source),
                    Ok(Some(Field { number: 2..=5, .. })) | Ok(None) => true,
                    _ => false,
                };
            }
            _ => return false,
        }
    }
    false
}

/// Whether a message is a `NodeDef`: a name, an operator, and no other fields than a node has.
fn is_node(span: Span, source: &mut Source<'_>) -> bool {
    let (mut named, mut operator) = (false, false);
    let mut fields = Fields::of(span);
    loop {
        match fields.next(source) {
            Ok(None) => return named && operator,
            Ok(Some(Field { number, content: Content::Bytes(text), .. })) => match number {
                1 => named = !named && is_word(text, source),
                2 => operator = is_word(text, source),
                3..=7 => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// Whether a text is what names of nodes and operators are made of.
fn is_word(span: Span, source: &mut Source<'_>) -> bool {
    let length = usize::try_from(span.len()).unwrap_or(usize::MAX);
    (1..=1024).contains(&length)
        && source.stretch(span.start, length).is_ok_and(|bytes| bytes.iter().all(|byte| (b' '..0x7f).contains(byte)))
}

/// `SavedModel`: the graph for serving, and where its signature enters and leaves it.
pub fn saved_model(source: &mut Source<'_>, budget: &mut Budget) -> Result<Parts> {
    let mut best: Option<(bool, MetaGraph)> = None;
    let mut fields = Fields::of(whole(source));
    while let Some(field) = fields.next(source)? {
        if field.number != 2 {
            continue;
        }
        let meta = meta_graph(field.span(source)?, source, budget)?;
        let serves = meta.tags.iter().any(|tag| tag == "serve");
        if best.as_ref().is_none_or(|(best, _)| serves && !best) {
            best = Some((serves, meta));
        }
    }
    let Some((_, meta)) = best else {
        return Err(source.error(None, "", Problem::Corrupt("it has no graph".to_owned())));
    };
    let Some(span) = meta.graph else {
        return Err(source.error(None, "", Problem::Corrupt("its meta graph has no graph".to_owned())));
    };
    let mut parts = Parts { graph: graph_in(span, source, budget)?, producer: meta.version, ..Parts::default() };
    let mut signatures = meta.signatures;
    parts.facts.extend(signatures.iter().map(|(name, ends)| {
        let names = |ends: &[(String, String, Shape, Option<DType>)]| {
            ends.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        (format!("signature {name}"), format!("{} → {}", names(&ends.inputs), names(&ends.outputs)))
    }));
    let usual = signatures.remove("serving_default");
    parts.ends = usual.or_else(|| {
        signatures.retain(|name, _| !name.starts_with("__"));
        signatures.into_values().next()
    });
    parts.has_signatures = true;
    Ok(parts)
}

/// A `MetaGraphDef` by itself, as training programs keep it beside a checkpoint: what its inputs lead to, without the
/// gradients, the updates and the saving that stand in the same graph.
pub fn lone_meta_graph(source: &mut Source<'_>, budget: &mut Budget) -> Result<Parts> {
    let mut meta = meta_graph(whole(source), source, budget)?;
    let Some(span) = meta.graph else {
        return Err(source.error(None, "", Problem::Corrupt("its meta graph has no graph".to_owned())));
    };
    let graph = graph_in(span, source, budget)?;
    let usual = meta.signatures.remove("serving_default").or_else(|| meta.signatures.into_values().next());
    let ends = usual.or_else(|| forward_ends(&graph.nodes));
    Ok(Parts { graph, ends, producer: meta.version, format: Some("tensorflow meta graph"), ..Parts::default() })
}

/// Scopes in which training programs put what is no part of the network.
const TRAINING_SCOPES: &[&str] = &["gradients", "save", "train", "report_uninitialized_variables", "init"];

/// What follows from the inputs and leads to nothing else, apart from training.
fn forward_ends(nodes: &[NodeDef]) -> Option<Ends> {
    let is_training = |node: &NodeDef| {
        let scope = node.name.split('/').next().unwrap_or_default();
        let scope = scope.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_');
        TRAINING_SCOPES.contains(&scope)
            || ["Apply", "Assign", "Save", "Restore", "Scatter"].iter().any(|start| node.op.starts_with(start))
            || node.op.contains("Apply")
            || node.op.ends_with("Summary")
            || node.op == "NoOp"
    };
    let name = |input: &str| input.trim_start_matches('^').split(':').next().unwrap_or_default().to_owned();
    let mut reached: HashSet<&str> = HashSet::new();
    let network: Vec<&NodeDef> = nodes.iter().filter(|node| !is_training(node)).collect();
    // Nodes may stand in any order, but seldom do: few turns are enough.
    for _ in 0..MOST_TURNS {
        let before = reached.len();
        for node in &network {
            let begins = node.op.starts_with("Placeholder") || node.op.starts_with("IteratorGetNext");
            if begins || node.inputs.iter().any(|input| reached.contains(name(input).as_str())) {
                reached.insert(&node.name);
            }
        }
        if reached.len() == before {
            break;
        }
    }
    let used: HashSet<String> = network.iter().flat_map(|node| &node.inputs).map(|input| name(input)).collect();
    let last = network.iter().filter(|node| {
        reached.contains(node.name.as_str()) && !used.contains(&node.name) && !node.op.starts_with("Placeholder")
    });
    let outputs: Vec<_> = last.map(|node| (node.name.clone(), node.name.clone(), None, None)).collect();
    (!outputs.is_empty()).then(|| Ends { outputs, ..Ends::default() })
}

/// How often nodes in an unusual order are gone through.
const MOST_TURNS: usize = 64;

/// `MetaGraphDef`, its graph unread.
#[derive(Default)]
struct MetaGraph {
    tags: Vec<String>,
    version: String,
    graph: Option<Span>,
    signatures: BTreeMap<String, Ends>,
}

fn meta_graph(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<MetaGraph> {
    let mut meta = MetaGraph::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => {
                let mut infos = Fields::of(field.span(source)?);
                while let Some(info) = infos.next(source)? {
                    match info.number {
                        4 => meta.tags.push(info.text(source, budget)?),
                        5 => meta.version = info.text(source, budget)?,
                        _ => {}
                    }
                }
            }
            2 => meta.graph = Some(field.span(source)?),
            5 => {
                let (name, value) = entry(&field, source, budget)?;
                if let Some(value) = value {
                    let ends = signature(value, source, budget)?;
                    meta.signatures.insert(name, ends);
                }
            }
            _ => {}
        }
    }
    Ok(meta)
}

/// A key and a message of a map.
fn entry(field: &Field, source: &mut Source<'_>, budget: &mut Budget) -> Result<(String, Option<Span>)> {
    let (mut name, mut value) = (String::new(), None);
    let mut parts = Fields::of(field.span(source)?);
    while let Some(part) = parts.next(source)? {
        match part.number {
            1 => name = part.text(source, budget)?,
            2 => value = Some(part.span(source)?),
            _ => {}
        }
    }
    Ok((name, value))
}

fn signature(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<Ends> {
    let mut ends = Ends::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        if !matches!(field.number, 1 | 2) {
            continue;
        }
        let (name, Some(info)) = entry(&field, source, budget)? else { continue };
        let (mut tensor, mut of, mut shape) = (String::new(), None, None);
        let mut parts = Fields::of(info);
        while let Some(part) = parts.next(source)? {
            match part.number {
                1 => tensor = part.text(source, budget)?,
                2 => of = dtype(part.integer(source)?),
                3 => shape = tensor_shape(part.span(source)?, source, budget)?,
                _ => {}
            }
        }
        let list = if field.number == 1 { &mut ends.inputs } else { &mut ends.outputs };
        list.push((name, tensor, shape, of));
    }
    // Maps have no order of their own.
    ends.inputs.sort_by(|a, b| a.0.cmp(&b.0));
    ends.outputs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(ends)
}

/// The whole file as a `GraphDef`.
pub fn graph(source: &mut Source<'_>, budget: &mut Budget) -> Result<GraphDef> {
    let span = whole(source);
    graph_in(span, source, budget)
}

fn graph_in(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<GraphDef> {
    let mut graph = GraphDef::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => graph.nodes.push(node(&field, source, budget)?),
            2 => {
                let mut functions = Fields::of(field.span(source)?);
                while let Some(function) = functions.next(source)? {
                    if function.number == 1 {
                        let span = function.span(source)?;
                        let name = function_name(span, source, budget)?;
                        graph.functions.insert(name, Function::Unread(span));
                    }
                }
            }
            4 => {
                let mut versions = Fields::of(field.span(source)?);
                while let Some(version) = versions.next(source)? {
                    if version.number == 1 {
                        graph.producer = Some(version.integer(source)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(graph)
}

/// The name in a function's signature, which comes first.
fn function_name(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<String> {
    budget.charge(source, 64)?;
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        if field.number == 1 {
            let mut parts = Fields::of(field.span(source)?);
            while let Some(part) = parts.next(source)? {
                if part.number == 1 {
                    return part.text(source, budget);
                }
            }
        }
    }
    Ok(String::new())
}

/// `FunctionDef`.
pub fn function(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<FunctionDef> {
    let mut function = FunctionDef::default();
    let mut results = Vec::new();
    let mut gives: BTreeMap<String, String> = BTreeMap::new();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => {
                let mut parts = Fields::of(field.span(source)?);
                while let Some(part) = parts.next(source)? {
                    match part.number {
                        1 => function.name = part.text(source, budget)?,
                        2 => function.inputs.push(argument(part.span(source)?, source, budget)?),
                        3 => results.push(argument(part.span(source)?, source, budget)?),
                        _ => {}
                    }
                }
            }
            3 => function.nodes.push(node(&field, source, budget)?),
            4 => {
                let (mut name, mut value) = (String::new(), String::new());
                let mut parts = Fields::of(field.span(source)?);
                while let Some(part) = parts.next(source)? {
                    match part.number {
                        1 => name = part.text(source, budget)?,
                        2 => value = part.text(source, budget)?,
                        _ => {}
                    }
                }
                gives.insert(name, value);
            }
            _ => {}
        }
    }
    function.outputs = results.into_iter().map(|name| gives.remove(&name).unwrap_or_default()).collect();
    Ok(function)
}

/// The name of an argument.
fn argument(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<String> {
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        if field.number == 1 {
            return field.text(source, budget);
        }
    }
    Ok(String::new())
}

fn node(field: &Field, source: &mut Source<'_>, budget: &mut Budget) -> Result<NodeDef> {
    budget.charge(source, NODE_BYTES)?;
    let mut node = NodeDef { offset: field.offset, ..NodeDef::default() };
    let mut fields = Fields::of(field.span(source)?);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => node.name = field.text(source, budget)?,
            2 => node.op = field.text(source, budget)?,
            3 => {
                let input = field.text(source, budget)?;
                // What only has to happen before is no input.
                if !input.starts_with('^') {
                    node.inputs.push(input);
                }
            }
            5 => {
                let (name, value) = entry(&field, source, budget)?;
                let value = match value {
                    Some(value) => attribute(value, source, budget)?,
                    None => None,
                };
                if let Some(value) = value {
                    budget.charge(source, 64)?;
                    node.attributes.insert(name, value);
                }
            }
            _ => {}
        }
    }
    Ok(node)
}

fn attribute(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<Option<Attr>> {
    let mut value = None;
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        value = Some(match field.number {
            1 => match list(field.span(source)?, source, budget)? {
                Some(list) => list,
                None => continue,
            },
            2 | 9 => Attr::Text(field.text(source, budget)?),
            3 => Attr::Int(field.integer(source)?),
            4 => match field.content {
                Content::Four(bits) => Attr::Float(f64::from(f32::from_bits(bits))),
                _ => return Err(corrupt(source, field.offset, "a float attribute is no float")),
            },
            5 => Attr::Int(i64::from(field.number(source)? != 0)),
            6 => Attr::Type(dtype(field.integer(source)?)),
            7 => Attr::Shape(tensor_shape(field.span(source)?, source, budget)?),
            8 => match tensor(field.span(source)?, source, budget)? {
                Some(weight) => Attr::Tensor(Box::new(weight)),
                None => continue,
            },
            10 => Attr::Function(argument(field.span(source)?, source, budget)?),
            _ => continue,
        });
    }
    Ok(value)
}

fn list(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<Option<Attr>> {
    let (mut texts, mut shapes) = (Vec::new(), Vec::new());
    let (mut ints, mut truths, mut types) = (Numbers::default(), Numbers::default(), Numbers::default());
    let mut floats: Numbers<[u8; 4]> = Numbers::default();
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        budget.charge(source, 16)?;
        match field.number {
            2 => texts.push(field.text(source, budget)?),
            3 => add_numbers(&field, source, &mut ints, MOST_NUMBERS)?,
            4 => add_fixed(&field, source, &mut floats, MOST_NUMBERS)?,
            5 => add_numbers(&field, source, &mut truths, MOST_NUMBERS)?,
            6 => add_numbers(&field, source, &mut types, MOST_NUMBERS)?,
            7 => shapes.push(tensor_shape(field.span(source)?, source, budget)?),
            _ => {}
        }
    }
    budget.charge(source, 8 * (ints.items.len() + types.items.len() + floats.items.len()) as u64)?;
    let numbers = |numbers: Vec<u64>| numbers.into_iter().map(|number| number as i64).collect();
    Ok(Some(match () {
        () if !texts.is_empty() => Attr::Texts(texts),
        () if !shapes.is_empty() => Attr::Shapes(shapes),
        () if !types.items.is_empty() => {
            Attr::Types(types.items.into_iter().map(|number| dtype(number as i64)).collect())
        }
        () if !floats.items.is_empty() => {
            Attr::Floats(floats.items.into_iter().map(|four| f64::from(f32::from_le_bytes(four))).collect())
        }
        () if !truths.items.is_empty() => Attr::Ints(numbers(truths.items)),
        () => Attr::Ints(numbers(ints.items)),
    }))
}

/// `TensorShapeProto`.
pub fn tensor_shape(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<Shape> {
    let (mut shape, mut unknown) = (Vec::new(), false);
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            2 => {
                if shape.len() >= MOST_DIMS {
                    let what = format!("a shape has more than {MOST_DIMS} dimensions");
                    return Err(source.error(Some(field.offset), "", Problem::OverLimit(what)));
                }
                budget.charge(source, 16)?;
                // A size of 0 is left out.
                let mut size = Some(0);
                let mut parts = Fields::of(field.span(source)?);
                while let Some(part) = parts.next(source)? {
                    if part.number == 1 {
                        size = u64::try_from(part.integer(source)?).ok();
                    }
                }
                shape.push(size);
            }
            3 => unknown = field.number(source)? != 0,
            _ => {}
        }
    }
    Ok((!unknown).then_some(shape))
}

/// `TensorProto`; `None` for types that are no tensors and for shapes that are not known.
fn tensor(span: Span, source: &mut Source<'_>, budget: &mut Budget) -> Result<Option<Weight>> {
    let (mut of, mut shape, mut offset) = (None, Some(Vec::new()), span.start);
    let mut bytes: Option<Span> = None;
    let mut ints: Numbers<u64> = Numbers::default();
    let mut floats: Numbers<[u8; 4]> = Numbers::default();
    let mut doubles: Numbers<[u8; 8]> = Numbers::default();
    let most = usize::try_from(MOST_CONTENTS).unwrap_or(0);
    let mut fields = Fields::of(span);
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => of = dtype(field.integer(source)?),
            2 => shape = tensor_shape(field.span(source)?, source, budget)?,
            4 => {
                let span = field.span(source)?;
                offset = span.start;
                bytes = Some(span);
            }
            5 => add_fixed(&field, source, &mut floats, most)?,
            6 => add_fixed(&field, source, &mut doubles, most)?,
            7 | 10 | 11 | 16 | 17 => add_numbers(&field, source, &mut ints, most)?,
            _ => {}
        }
    }
    let (Some(of), Some(shape)) = (of, shape.and_then(|shape| shape.into_iter().collect::<Option<Vec<u64>>>())) else {
        return Ok(None);
    };
    let mut weight = Weight::new(of, shape, Storage::Inside { offset });
    let most = if of.is_float() { MOST_FLOATS } else { MOST_CONTENTS };
    let Some(count) = weight.elements().filter(|count| *count <= most) else { return Ok(Some(weight)) };
    budget.charge(source, count * 8)?;
    let count = usize::try_from(count).unwrap_or(0);
    // Where fewer numbers are given than there are elements the last is repeated.
    fn filled<T: Clone>(mut items: Vec<T>, count: usize, zero: T) -> Vec<T> {
        let last = items.last().cloned().unwrap_or(zero);
        items.resize(count, last);
        items
    }
    weight.contents = match bytes {
        Some(span) if weight.bytes() == Some(span.len()) => {
            let bytes = source.stretch(span.start, usize::try_from(span.len()).unwrap_or(0))?;
            decoded(of, &bytes)
        }
        Some(_) => None,
        None => match of {
            DType::F32 => floats.complete().map(|items| {
                let items = items.into_iter().map(|four| f64::from(f32::from_le_bytes(four))).collect();
                Contents::Floats(filled(items, count, 0.0))
            }),
            DType::F64 => doubles
                .complete()
                .map(|items| Contents::Floats(filled(items.into_iter().map(f64::from_le_bytes).collect(), count, 0.0))),
            of if of.is_integer() || of == DType::Bool => ints
                .complete()
                .map(|items| Contents::Integers(filled(items.into_iter().map(|item| item as i64).collect(), count, 0))),
            _ => None,
        },
    };
    Ok(Some(weight))
}

/// Contents in little-endian order.
fn decoded(of: DType, bytes: &[u8]) -> Option<Contents> {
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.chunks_exact(N).filter_map(|piece| piece.try_into().ok()).map(read).collect()
    }
    Some(match of {
        DType::I64 => Contents::Integers(each(bytes, i64::from_le_bytes)),
        DType::I32 => Contents::Integers(each(bytes, |four| i64::from(i32::from_le_bytes(four)))),
        DType::U8 | DType::Bool => Contents::Integers(bytes.iter().map(|byte| i64::from(*byte)).collect()),
        DType::F32 => Contents::Floats(each(bytes, |four| f64::from(f32::from_le_bytes(four)))),
        DType::F64 => Contents::Floats(each(bytes, f64::from_le_bytes)),
        _ => return None,
    })
}
