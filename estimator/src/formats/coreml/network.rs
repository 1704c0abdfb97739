//! Networks of layers. The file states the shapes of inputs alone; what layers make of them stands in `shapes::rules::coreml`.
//!
//! Attributes get the names that programs have for the same thing, so that one rule serves both.

use super::build::{Builder, Feature, Growing, Result, Settings};
use super::layers::{Kind, operator, settings};
use super::others::{Description, input};
use crate::formats::budget::MOST_DEPTH;
use crate::formats::protobuf::{Content, Numbers, Span, add_fixed};
use crate::model::{
    Attribute, Contents, DType, DeclaredDim, DeclaredType, Graph, Node, Packing, Storage, TensorRole, ValueId, Weight,
};
use std::collections::HashMap;

/// Most floats of a constant whose contents are kept: shapes and indices.
const MOST_CONTENTS: u64 = 64;
/// Most dimensions that a file may state.
const MOST_RANK: usize = 32;

/// Adds a network to a graph.
pub(super) fn add(
    builder: &mut Builder<'_>,
    span: Span,
    described: &Description,
    path: &str,
    into: &mut Growing,
) -> Result<()> {
    let fields = builder.fields(span)?;
    // Older networks see every input as sequence × batch × channels × height × width.
    let (exact, rank_4) = (fields.int(5) == 1, fields.int(6) == 1);
    if !exact && described.inputs.iter().any(|feature| !feature.is_image) {
        builder.property("input shapes", "sequence × batch × channels × height × width");
    }
    let mut network = Network { path: path.to_owned(), scope: HashMap::new(), depth: 0 };
    for feature in &described.inputs {
        let declared = match (feature.is_image, exact) {
            (true, _) => feature.declared(if rank_4 { &[1] } else { &[1, 1] }),
            (false, true) => with_batch(feature.declared(&[]), feature),
            (false, false) => in_five(feature),
        };
        let id = input(builder, feature, declared, into)?;
        network.scope.insert(feature.name.clone(), id);
    }
    network.layers(builder, &fields, &mut into.graph)?;
    // A classifier gives its last layer's output under other names.
    let last = into.graph.nodes.last().and_then(|node| node.outputs.first().copied().flatten());
    for feature in &described.outputs {
        let made = network.scope.get(&feature.name).copied();
        if let Some(id) = made {
            into.scope.insert(feature.name.clone(), id);
            into.graph.outputs.push(id);
        }
    }
    if into.graph.outputs.is_empty() {
        into.graph.outputs.extend(last);
    }
    Ok(())
}

/// A first dimension of 1 that may take other sizes is the batch.
fn with_batch(declared: DeclaredType, feature: &Feature) -> DeclaredType {
    let DeclaredType::Tensor { dtype, shape: Some(mut shape) } = declared else { return declared };
    let open = feature.ranges.first().is_some_and(|(least, most)| i64::try_from(*least) != Ok(*most));
    if let Some(first) = shape.first_mut().filter(|first| open && **first == DeclaredDim::Fixed(1)) {
        *first = DeclaredDim::Named("batch".into());
    }
    DeclaredType::Tensor { dtype, shape: Some(shape) }
}

/// One dimension is the channels, three are channels × height × width, four have the batch and five the sequence before.
fn in_five(feature: &Feature) -> DeclaredType {
    let sizes: Vec<i64> = feature.shape.clone().unwrap_or_default();
    let five = match sizes.as_slice() {
        [channels] => vec![1, 1, *channels, 1, 1],
        [sequence, channels] => vec![*sequence, 1, *channels, 1, 1],
        [channels, height, width] => vec![1, 1, *channels, *height, *width],
        [batch, channels, height, width] => vec![1, *batch, *channels, *height, *width],
        _ => sizes,
    };
    let shape = if five.is_empty() { None } else { Some(five) };
    Feature { shape, ..feature.clone() }.declared(&[])
}

struct Network {
    path: String,
    scope: HashMap<String, ValueId>,
    depth: u32,
}

impl Network {
    fn layers(&mut self, builder: &mut Builder<'_>, network: &Settings, graph: &mut Graph) -> Result<()> {
        for field in network.all(1) {
            let span = field.span(&builder.source)?;
            self.layer(builder, span, graph)?;
        }
        Ok(())
    }

    fn layer(&mut self, builder: &mut Builder<'_>, span: Span, graph: &mut Graph) -> Result<()> {
        let fields = builder.fields(span)?;
        let name = builder.text_of(&fields, 1)?;
        let kind = fields.each().filter(|field| field.number >= 100).last();
        let Some((number, params)) = kind.and_then(|field| match field.content {
            Content::Bytes(span) => Some((field.number, span)),
            _ => None,
        }) else {
            return Err(builder.corrupt(span.start, &name, "a layer does not say what it does"));
        };
        let params = builder.fields(params)?;
        let op = match operator(number) {
            Some(op) => op.to_owned(),
            None => format!("layer_{number}"),
        };
        let mut node = builder.node(&op, &name, &self.path)?;
        if node.path.is_empty() {
            node.path = builder.intern(name.rsplit_once('/').map_or("", |(path, _)| path));
        }
        for input in builder.texts_of(&fields, 2)? {
            let id = match self.scope.get(&input) {
                Some(id) => *id,
                None => {
                    builder.notes.warn(&input, "an input that nothing produces; what depends on it may stay unknown");
                    let id = builder.value(&input, None)?;
                    self.scope.insert(input, id);
                    id
                }
            };
            node.inputs.push(Some(id));
        }
        for (field, name, kind) in settings(number) {
            if !params.has(field) {
                continue;
            }
            let attribute = match kind {
                Kind::Integer => Attribute::Int(params.int(field)),
                Kind::Integers => Attribute::Ints(builder.ints(&params, field)?),
                Kind::Float => Attribute::Float(params.float(field)),
                Kind::Floats => {
                    let mut numbers = Numbers::default();
                    for field in params.all(field) {
                        add_fixed::<4>(&field, &mut builder.source, &mut numbers, MOST_RANK)?;
                    }
                    let floats = numbers.items.into_iter().map(|bytes| f64::from(f32::from_le_bytes(bytes)));
                    Attribute::Floats(floats.collect())
                }
            };
            node.attributes.insert(name.into(), attribute);
        }
        self.special(builder, &op, &params, &mut node, graph)?;
        let stated = self.stated(builder, &fields)?;
        for (place, output) in builder.texts_of(&fields, 3)?.into_iter().enumerate() {
            let declared = stated.get(place).cloned().flatten();
            let id = builder.value(&output, declared)?;
            self.scope.insert(output, id);
            node.outputs.push(Some(id));
        }
        graph.nodes.push(node);
        Ok(())
    }

    /// The shapes of the outputs, where the layer states them.
    fn stated(&mut self, builder: &mut Builder<'_>, layer: &Settings) -> Result<Vec<Option<DeclaredType>>> {
        let mut stated = Vec::new();
        for field in layer.all(5) {
            let tensor = builder.fields(field.span(&builder.source)?)?;
            let dims = builder.ints(&tensor, 2)?;
            let rank = usize::try_from(tensor.size(1)).unwrap_or(usize::MAX);
            let whole = rank == dims.len() && rank <= MOST_RANK && !dims.is_empty();
            let dim = |size: &i64| u64::try_from(*size).ok().filter(|size| *size > 0);
            let dim = |size| dim(size).map_or(DeclaredDim::Open, DeclaredDim::Fixed);
            stated
                .push(whole.then(|| DeclaredType::Tensor { dtype: None, shape: Some(dims.iter().map(dim).collect()) }));
        }
        Ok(stated)
    }

    /// What layers with weights, windows or bodies have of their own.
    fn special(
        &mut self,
        builder: &mut Builder<'_>,
        op: &str,
        params: &Settings,
        node: &mut Node,
        graph: &mut Graph,
    ) -> Result<()> {
        let mut tensors = Tensors { builder, graph, layer: node.name.to_string(), ids: Vec::new() };
        let set = |node: &mut Node, name: &str, value: Attribute| drop(node.attributes.insert(name.into(), value));
        let (mut keeps_place, mut inputs) = (true, node.inputs.len());
        match op {
            "convolution" => {
                // Left out they are 1, and a kernel is 3 × 3.
                let list = |tensors: &mut Tensors<'_, '_, '_>, number, default: i64| -> Result<Vec<i64>> {
                    let list = tensors.builder.ints(params, number)?;
                    Ok(if list.is_empty() { vec![default; 2] } else { list })
                };
                let kernel = list(&mut tensors, 20, 3)?;
                let (strides, dilations) = (list(&mut tensors, 30, 1)?, list(&mut tensors, 40, 1)?);
                let groups = params.size(10).max(1);
                let outputs = params.size(1);
                let transposed = params.flag(60);
                let (first, second) = match transposed {
                    true => (params.size(2), outputs.checked_div(groups).unwrap_or(0)),
                    false => (outputs, params.size(2)),
                };
                let sides = kernel.iter().map(|side| u64::try_from(*side).unwrap_or(0));
                let shape = [first, second].into_iter().chain(sides).collect();
                tensors.add(params, 90, "weights", shape, TensorRole::Parameter)?;
                tensors.add_if(params.flag(70), params, 91, "bias", vec![outputs])?;
                let output_shape = tensors.builder.ints(params, 100)?;
                set(node, "kernel_sizes", Attribute::Ints(kernel));
                set(node, "strides", Attribute::Ints(strides));
                set(node, "dilations", Attribute::Ints(dilations));
                set(node, "groups", Attribute::Int(i64::try_from(groups).unwrap_or(i64::MAX)));
                set(node, "output_channels", Attribute::Int(params.int(1)));
                set(node, "transposed", Attribute::Int(i64::from(transposed)));
                if transposed && !output_shape.is_empty() {
                    set(node, "output_shape", Attribute::Ints(output_shape));
                }
                padding(tensors.builder, params, [50, 51], node)?;
            }
            "convolution3d" => {
                let three = |first: u64| [first, first + 1, first + 2].map(|number| params.int(number));
                let kernel = three(20);
                let groups = params.size(10).max(1);
                let outputs = params.size(1);
                let transposed = params.flag(86);
                let (first, second) = match transposed {
                    true => (params.size(2), outputs.checked_div(groups).unwrap_or(0)),
                    false => (outputs, params.size(2).checked_div(groups).unwrap_or(0)),
                };
                let sides = kernel.iter().map(|side| u64::try_from(*side).unwrap_or(0));
                tensors.add(
                    params,
                    60,
                    "weights",
                    [first, second].into_iter().chain(sides).collect(),
                    TensorRole::Parameter,
                )?;
                tensors.add_if(params.flag(50), params, 61, "bias", vec![outputs])?;
                set(node, "kernel_sizes", Attribute::Ints(kernel.to_vec()));
                set(node, "strides", Attribute::Ints(three(31).map(|step| step.max(1)).to_vec()));
                set(node, "dilations", Attribute::Ints(three(40).map(|step| step.max(1)).to_vec()));
                set(node, "groups", Attribute::Int(i64::try_from(groups).unwrap_or(i64::MAX)));
                set(node, "output_channels", Attribute::Int(params.int(1)));
                set(node, "transposed", Attribute::Int(i64::from(transposed)));
                padding_3d(params, 70, 80, node);
            }
            "innerProduct" => {
                let (from, to) = (params.size(1), params.size(2));
                tensors.add(params, 20, "weights", vec![to, from], TensorRole::Parameter)?;
                tensors.add_if(params.flag(10), params, 21, "bias", vec![to])?;
                set(node, "input_channels", Attribute::Int(params.int(1)));
                set(node, "output_channels", Attribute::Int(params.int(2)));
            }
            "embedding" | "embeddingND" => {
                let has_bias = params.flag(if op == "embedding" { 10 } else { 3 });
                let (rows, width) = (params.size(1), params.size(2));
                tensors.add(params, 20, "weights", vec![width, rows], TensorRole::Parameter)?;
                tensors.add_if(has_bias, params, 21, "bias", vec![width])?;
                set(node, "output_channels", Attribute::Int(params.int(2)));
            }
            "batchnorm" => {
                let channels = vec![params.size(1)];
                tensors.add(params, 15, "gamma", channels.clone(), TensorRole::Parameter)?;
                tensors.add(params, 16, "beta", channels.clone(), TensorRole::Parameter)?;
                let buffers = !params.flag(5);
                if buffers {
                    tensors.add(params, 17, "mean", channels.clone(), TensorRole::Buffer)?;
                    tensors.add(params, 18, "variance", channels, TensorRole::Buffer)?;
                }
                set(node, "instance", Attribute::Int(params.int(6)));
            }
            "scale" => {
                let shape = sizes(tensors.builder.ints(params, 1)?);
                tensors.add(params, 2, "scale", shape, TensorRole::Parameter)?;
                let shape = sizes(tensors.builder.ints(params, 4)?);
                tensors.add_if(params.flag(3), params, 5, "bias", shape)?;
            }
            "bias" => {
                let shape = sizes(tensors.builder.ints(params, 1)?);
                tensors.add(params, 2, "bias", shape, TensorRole::Parameter)?;
            }
            "loadConstant" | "loadConstantND" => {
                let shape = sizes(tensors.builder.ints(params, 1)?);
                tensors.constant(params, 2, shape)?;
            }
            "batchedMatmul" => {
                set(node, "transpose_x", Attribute::Int(params.int(1)));
                set(node, "transpose_y", Attribute::Int(params.int(2)));
                let (rows, columns) = (params.size(5), params.size(6));
                if rows > 0 && columns > 0 {
                    tensors.add(params, 8, "weights", vec![rows, columns], TensorRole::Parameter)?;
                    tensors.add_if(params.flag(7), params, 9, "bias", vec![columns])?;
                }
            }
            "layerNormalization" => {
                let axes = tensors.builder.ints(params, 1)?;
                tensors.add(params, 3, "gamma", sizes(axes.clone()), TensorRole::Parameter)?;
                tensors.add(params, 4, "beta", sizes(axes), TensorRole::Parameter)?;
            }
            "activation" => {
                let kind = params.each().last();
                if let Some(kind) = kind {
                    let function = activation(kind.number);
                    node.op = tensors.builder.intern(function);
                    let inner = tensors.builder.fields(kind.span(&tensors.builder.source)?)?;
                    match function {
                        "PReLU" => tensors.stored(&inner, 1, "alpha")?,
                        "parametricSoftplus" => {
                            tensors.stored(&inner, 1, "alpha")?;
                            tensors.stored(&inner, 2, "beta")?;
                        }
                        _ => {}
                    }
                }
            }
            "simpleRecurrent" => {
                let (from, to) = (params.size(1), params.size(2));
                tensors.add(params, 30, "weights", vec![to, from], TensorRole::Parameter)?;
                tensors.add(params, 31, "recursion", vec![to, to], TensorRole::Parameter)?;
                tensors.add_if(params.flag(20), params, 32, "bias", vec![to])?;
                recurrence(node, params, 1, params.flag(15), params.flag(20));
            }
            "gru" => {
                let (from, to) = (params.size(1), params.size(2));
                for number in 30..33 {
                    tensors.add(params, number, "weights", vec![to, from], TensorRole::Parameter)?;
                    tensors.add(params, number + 20, "recursion", vec![to, to], TensorRole::Parameter)?;
                    tensors.add_if(params.flag(20), params, number + 40, "bias", vec![to])?;
                }
                recurrence(node, params, 1, params.flag(15), params.flag(20));
            }
            "uniDirectionalLSTM" | "biDirectionalLSTM" => {
                let (from, to) = (params.size(1), params.size(2));
                let settings = tensors.builder.inner(params, 15)?.unwrap_or_default();
                for field in params.all(20) {
                    let weights = tensors.builder.fields(field.span(&tensors.builder.source)?)?;
                    for gate in 1..5 {
                        tensors.add(&weights, gate, "weights", vec![to, from], TensorRole::Parameter)?;
                        tensors.add(&weights, gate + 19, "recursion", vec![to, to], TensorRole::Parameter)?;
                        tensors.add_if(settings.flag(20), &weights, gate + 39, "bias", vec![to])?;
                        tensors.add_if(settings.flag(40) && gate < 4, &weights, gate + 59, "peephole", vec![to])?;
                    }
                }
                let directions = if op == "biDirectionalLSTM" { 2 } else { 1 };
                recurrence(node, params, directions, settings.flag(10), settings.flag(20));
                set(node, "peepholes", Attribute::Int(settings.int(40)));
            }
            "pooling" => {
                let list = |list: Vec<i64>, default: i64| if list.is_empty() { vec![default; 2] } else { list };
                let kernel = list(tensors.builder.ints(params, 10)?, 3);
                let strides = list(tensors.builder.ints(params, 20)?, 1);
                set(node, "kernel_sizes", Attribute::Ints(kernel));
                set(node, "strides", Attribute::Ints(strides));
                set(node, "pool_type", Attribute::Int(params.int(1)));
                set(node, "global", Attribute::Int(params.int(60)));
                padding(tensors.builder, params, [30, 31], node)?;
                if let Some(complete) = tensors.builder.inner(params, 32)? {
                    let pads = tensors.builder.ints(&complete, 10)?;
                    let pads = if pads.len() == 2 { pads } else { vec![0, 0] };
                    set(node, "pad", Attribute::Ints([pads.clone(), pads].concat()));
                    set(node, "ceil_mode", Attribute::Int(1));
                }
            }
            "pooling3d" => {
                let three = |first: u64| [first, first + 1, first + 2].map(|number| params.int(number)).to_vec();
                set(node, "kernel_sizes", Attribute::Ints(three(2)));
                set(node, "strides", Attribute::Ints(three(5)));
                set(node, "pool_type", Attribute::Int(params.int(1)));
                padding_3d(params, 15, 8, node);
            }
            "globalPooling3d" => {
                set(node, "pool_type", Attribute::Int(params.int(1)));
                set(node, "global", Attribute::Int(1));
            }
            "padding" | "crop" => {
                let borders = tensors.builder.inner(params, if op == "padding" { 10 } else { 1 })?;
                if let Some(borders) = borders {
                    let edges = edges(tensors.builder, &borders)?;
                    set(node, "edges", Attribute::Ints(edges));
                }
            }
            "cropResize" => {
                let target = tensors.builder.ints(params, 1)?;
                set(node, "target_size", Attribute::Ints(target));
            }
            "softmax" | "split" => set(node, "axis", Attribute::Int(CHANNELS)),
            "concat" => {
                let axis = if node.int("sequenceConcat") == Some(1) { 0 } else { CHANNELS };
                set(node, "axis", Attribute::Int(axis));
            }
            "custom" => {
                let class = params.field(10);
                if let Some(field) = class {
                    let class = tensors.builder.text(&field)?;
                    set(node, "class", Attribute::Text(class.into()));
                }
                for field in params.all(20) {
                    let span = field.span(&tensors.builder.source)?;
                    tensors.stored_in(span, "weights")?;
                }
            }
            "branch" | "loop" => keeps_place = false,
            _ => {}
        }
        let ids = std::mem::take(&mut tensors.ids);
        if !keeps_place {
            self.bodies(builder, op, params, node)?;
            inputs = node.inputs.len();
        }
        node.inputs.truncate(inputs);
        node.inputs.extend(ids.into_iter().map(Some));
        Ok(())
    }

    /// Bodies share the names of the network around them.
    fn bodies(&mut self, builder: &mut Builder<'_>, op: &str, params: &Settings, node: &mut Node) -> Result<()> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(builder.over(&node.name, format!("networks are nested more than {MOST_DEPTH} deep")));
        }
        let roles: &[(u64, &str)] =
            if op == "branch" { &[(1, "then_branch"), (2, "else_branch")] } else { &[(4, "body")] };
        if op == "loop" {
            node.attributes.insert("max_iterations".into(), Attribute::Int(params.int(1)));
        }
        let outside = self.scope.clone();
        builder.budget.charge(&builder.source, 64 * outside.len() as u64)?;
        let mut made = HashMap::new();
        for (number, role) in roles {
            let mut graph = Graph::default();
            if let Some(network) = builder.inner(params, *number)? {
                self.layers(builder, &network, &mut graph)?;
            }
            node.attributes.insert((*role).into(), Attribute::Graphs(vec![graph]));
            made.extend(std::mem::replace(&mut self.scope, outside.clone()));
        }
        // What either body makes can be used behind it.
        self.scope = made;
        self.depth -= 1;
        Ok(())
    }
}

/// The axis of channels, counted from the back.
const CHANNELS: i64 = -3;

fn sizes(list: Vec<i64>) -> Vec<u64> {
    list.into_iter().map(|size| u64::try_from(size).unwrap_or(0)).collect()
}

/// What the two kinds of padding are called in programs; absent both, nothing is padded.
fn padding(builder: &mut Builder<'_>, params: &Settings, [valid, same]: [u64; 2], node: &mut Node) -> Result<()> {
    if params.has(same) {
        node.attributes.insert("pad_type".into(), Attribute::Text("same".into()));
        return Ok(());
    }
    let borders = match builder.inner(params, valid)? {
        Some(valid) => builder.inner(&valid, 1)?,
        None => None,
    };
    if let Some(borders) = borders {
        let edges = edges(builder, &borders)?;
        node.attributes.insert("pad_type".into(), Attribute::Text("custom".into()));
        node.attributes.insert("pad".into(), Attribute::Ints(edges));
    }
    Ok(())
}

/// `BorderAmounts`: begin and end of each axis, as `top, bottom, left, right`.
fn edges(builder: &mut Builder<'_>, borders: &Settings) -> Result<Vec<i64>> {
    let mut edges = Vec::new();
    for field in borders.all(10).take(MOST_RANK) {
        let edge = builder.fields(field.span(&builder.source)?)?;
        edges.extend([edge.int(1), edge.int(2)]);
    }
    Ok(edges)
}

fn padding_3d(params: &Settings, kind: u64, first: u64, node: &mut Node) {
    let name = match params.int(kind) {
        0 => "custom",
        1 => "valid",
        _ => "same",
    };
    let pads = (first..first + 6).map(|number| params.int(number)).collect();
    node.attributes.insert("pad_type".into(), Attribute::Text(name.into()));
    node.attributes.insert("pad".into(), Attribute::Ints(pads));
}

/// The function of an activation layer.
fn activation(number: u64) -> &'static str {
    match number {
        5 => "linearActivation",
        10 => "ReLU",
        15 => "leakyReLU",
        20 => "thresholdedReLU",
        25 => "PReLU",
        30 => "tanh",
        31 => "scaledTanh",
        40 => "sigmoid",
        41 => "sigmoidHard",
        50 => "ELU",
        60 => "softsign",
        70 => "softplus",
        71 => "parametricSoftplus",
        _ => "activation",
    }
}

fn recurrence(node: &mut Node, params: &Settings, directions: i64, all: bool, bias: bool) {
    let settings = [
        ("input_size", params.int(1)),
        ("hidden_size", params.int(2)),
        ("directions", directions),
        ("output_sequence", i64::from(all)),
        ("has_bias", i64::from(bias)),
    ];
    for (name, value) in settings {
        node.attributes.insert(name.into(), Attribute::Int(value));
    }
}

/// The weights of one layer.
struct Tensors<'b, 'a, 'g> {
    builder: &'b mut Builder<'a>,
    graph: &'g mut Graph,
    layer: String,
    ids: Vec<ValueId>,
}

impl Tensors<'_, '_, '_> {
    fn add_if(&mut self, is_there: bool, params: &Settings, number: u64, name: &str, shape: Vec<u64>) -> Result<()> {
        if is_there { self.add(params, number, name, shape, TensorRole::Parameter) } else { Ok(()) }
    }

    /// The weights in a field, in this shape; none where the field is not there.
    fn add(&mut self, params: &Settings, number: u64, name: &str, shape: Vec<u64>, role: TensorRole) -> Result<()> {
        let Some(span) = params.span(number) else { return Ok(()) };
        let stored = self.stored_weight(span)?;
        self.push(span, name, Some(shape), stored, Some(role))
    }

    /// The weights in a field, which have no other shape than their number.
    fn stored(&mut self, params: &Settings, number: u64, name: &str) -> Result<()> {
        match params.span(number) {
            Some(span) => self.stored_in(span, name),
            None => Ok(()),
        }
    }

    fn stored_in(&mut self, span: Span, name: &str) -> Result<()> {
        let stored = self.stored_weight(span)?;
        self.push(span, name, None, stored, Some(TensorRole::Parameter))
    }

    /// A constant: what it is, its use tells.
    fn constant(&mut self, params: &Settings, number: u64, shape: Vec<u64>) -> Result<()> {
        let Some(span) = params.span(number) else { return Ok(()) };
        let stored = self.stored_weight(span)?;
        let few = stored.elements.is_some_and(|elements| elements <= MOST_CONTENTS);
        let single = stored.elements == Some(1);
        self.push(span, "data", Some(shape), stored, single.then_some(TensorRole::Setting))?;
        let weights = self.builder.fields(span)?;
        if few && weights.has(1) {
            let mut numbers = Numbers::default();
            for field in weights.all(1) {
                add_fixed::<4>(&field, &mut self.builder.source, &mut numbers, MOST_CONTENTS as usize)?;
            }
            let id = self.ids.last().copied().unwrap_or(ValueId(u32::MAX));
            let weight = self.builder.values.get_mut(id.0 as usize).and_then(|value| value.weight.as_mut());
            if let (Some(weight), Some(items)) = (weight, numbers.complete()) {
                let floats: Vec<f64> = items.into_iter().map(|bytes| f64::from(f32::from_le_bytes(bytes))).collect();
                weight.contents = (weight.elements() == Some(floats.len() as u64)).then_some(Contents::Floats(floats));
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        span: Span,
        name: &str,
        shape: Option<Vec<u64>>,
        stored: Stored,
        role: Option<TensorRole>,
    ) -> Result<()> {
        let shape = shape.unwrap_or_else(|| vec![stored.elements.unwrap_or(0)]);
        let mut weight = Weight::new(stored.dtype, shape, Storage::Inside { offset: span.start });
        let wanted = weight.elements();
        let place = format!("{}/{name}", self.layer);
        if stored.elements == Some(0) && wanted != Some(0) {
            self.builder.notes.info(&place, "its contents were taken out of the file; its shape is the layer's");
        } else if stored.elements.is_some() && stored.elements != wanted {
            self.builder.notes.warn(&place, "the file holds another number of elements than the layer asks for");
        }
        let bytes = stored.bytes;
        let name = stored.packing.or_else(|| (weight.bytes() != Some(bytes)).then(|| stored.dtype.name().to_owned()));
        weight.packing = name.map(|name| Packing { name: name.into(), bytes });
        weight.role = role;
        let id = self.builder.weight(&place, weight)?;
        self.graph.weights.push(id);
        self.ids.push(id);
        Ok(())
    }

    /// `WeightParams`: how the elements are stored.
    fn stored_weight(&mut self, span: Span) -> Result<Stored> {
        let weights = self.builder.fields(span)?;
        let length = |number: u64, single: u64| {
            weights.all(number).fold(0u64, |sum, field| match field.content {
                Content::Bytes(span) => sum.saturating_add(span.len()),
                _ => sum.saturating_add(single),
            })
        };
        let (floats, halves, raw, small) = (length(1, 4), length(2, 0), length(30, 0), length(31, 0));
        if let Some(quantised) = self.builder.inner(&weights, 40)? {
            let bits = quantised.size(1).clamp(1, 16);
            let mut bytes = raw.saturating_add(small);
            for number in [101, 102] {
                if let Some(table) = self.builder.inner(&quantised, number)? {
                    bytes = table.each().fold(bytes, |sum, field| match field.content {
                        Content::Bytes(span) => sum.saturating_add(span.len()),
                        _ => sum.saturating_add(4),
                    });
                }
            }
            if raw > 0 || small > 0 {
                let kind = if quantised.has(102) { "lut" } else { "u" };
                // The last byte may be filled up, so that the number of elements is not told.
                return Ok(Stored { dtype: DType::F32, elements: None, bytes, packing: Some(format!("{kind}{bits}")) });
            }
        }
        let (dtype, bytes, each) = match (floats, halves, small) {
            (0, 0, small) if small > 0 => (DType::I8, small, 1),
            (0, halves, _) if halves > 0 => (DType::F16, halves, 2),
            (floats, ..) => (DType::F32, floats, 4),
        };
        Ok(Stored { dtype, elements: bytes.checked_div(each), bytes, packing: None })
    }
}

/// How a weight is stored.
struct Stored {
    dtype: DType,
    /// Its elements, where the bytes tell.
    elements: Option<u64>,
    bytes: u64,
    packing: Option<String>,
}
