//! Tensors and operators to values and nodes: subgraphs that are called are put in place of the call, and loops and
//! branches get their bodies.

use super::flat::{Flat, Table, Vector};
use super::operators::{Kind, OPERATORS, OPTIONS, OPTIONS_2, Opt};
use crate::formats::budget::MOST_DEPTH;
use crate::formats::error::{Problem, ReadError};
use crate::formats::open_dims;
use crate::model::{
    Attribute, Contents, DType, DeclaredDim, DeclaredType, Graph, Model, Node, Storage, TensorRole, Value, ValueId,
    Weight,
};
use crate::notes::Notes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// The number of the operator that stands for all that are not built in.
const CUSTOM: usize = 32;
/// Most subgraphs: a network of many signatures has some dozens.
const MOST_SUBGRAPHS: u64 = 10_000;
/// Most dimensions of a tensor; the runtime allows 8.
const MOST_DIMS: usize = 64;
/// Most elements of which contents are kept: shapes, axes and index lists are smaller.
const MOST_CONTENTS: u64 = 1024;
/// Most floats of which contents are kept: limits and steps of ranges.
const MOST_FLOATS: u64 = 16;
/// What a tensor and an operator cost in memory, roughly.
const TENSOR_BYTES: u64 = 256;
const OPERATOR_BYTES: u64 = 512;
/// Most facts that are listed of a file.
const MOST_FACTS: u64 = 64;

/// The element type behind a number of the schema's `TensorType`; `None` also for handles of resources.
fn dtype(number: i8) -> Option<DType> {
    Some(match number {
        0 => DType::F32,
        1 => DType::F16,
        2 => DType::I32,
        3 => DType::U8,
        4 => DType::I64,
        5 => DType::Text,
        6 => DType::Bool,
        7 => DType::I16,
        8 => DType::C64,
        9 => DType::I8,
        10 => DType::F64,
        11 => DType::C128,
        12 => DType::U64,
        15 => DType::U32,
        16 => DType::U16,
        17 => DType::I4,
        18 => DType::Bf16,
        19 => DType::I2,
        20 => DType::U4,
        _ => return None,
    })
}

/// A tensor as the file describes it.
struct Tensor {
    name: Arc<str>,
    declared: DeclaredType,
    /// The same with names for open dimensions, where it is an input of the model.
    as_input: DeclaredType,
    weight: Option<Weight>,
}

/// An operator as the file describes it.
struct Operator {
    op: Arc<str>,
    version: i64,
    inputs: Vec<i32>,
    outputs: Vec<i32>,
    attributes: BTreeMap<Arc<str>, Attribute>,
    at: u64,
}

/// A subgraph as the file describes it.
struct Subgraph {
    name: String,
    tensors: Vec<Tensor>,
    inputs: Vec<i32>,
    outputs: Vec<i32>,
    operators: Vec<Operator>,
}

/// A subgraph put somewhere: its values, and its nodes in order.
struct Placed {
    inputs: Vec<ValueId>,
    outputs: Vec<ValueId>,
    nodes: Vec<Node>,
}

/// Reads the file's tables and builds the model.
pub(super) fn model(mut flat: Flat<'_>) -> Result<Model> {
    let root = flat.root()?;
    let version = flat.uint32(&root, 0)?;
    let buffers = flat.vector(&root, 4, 4)?;
    let producer = flat.text(&root, 3)?;
    let mut reader = Reader { buffers: Buffers { vector: buffers, met: HashMap::new() }, notes: Notes::new(), flat };
    let codes = reader.codes(&root)?;
    let graphs = reader.flat.vector(&root, 2, 4)?;
    if graphs.len == 0 {
        return Err(reader.flat.corrupt(root.at, "", "it has no subgraph"));
    }
    if graphs.len > MOST_SUBGRAPHS {
        let what = format!("the model has more than {MOST_SUBGRAPHS} subgraphs");
        return Err(reader.flat.error(graphs.start, "", Problem::OverLimit(what)));
    }
    let mut subgraphs = Vec::new();
    for index in 0..graphs.len {
        if let Some(table) = reader.flat.table_in(graphs, index)? {
            subgraphs.push(reader.subgraph(&table, &codes)?);
        }
    }
    let properties = reader.facts(&root)?;
    let Reader { flat, notes, .. } = reader;
    let file_bytes = flat.size();
    let mut build = Build { flat, subgraphs: subgraphs.into(), values: Vec::new(), constants: HashMap::new(), notes };
    let weights = build.constants()?;
    let main = build.place(0, None, None, 0)?;
    let name = build.subgraphs.first().map(|subgraph| subgraph.name.clone()).unwrap_or_default();
    Ok(Model {
        format: "tflite".to_owned(),
        producer,
        format_version: Some(i64::from(version)),
        values: build.values,
        graph: Graph {
            name: name.as_str().into(),
            inputs: main.inputs,
            outputs: main.outputs,
            weights,
            nodes: main.nodes,
        },
        file_bytes,
        properties,
        notes: build.notes,
        ..Model::default()
    })
}

/// Where each buffer lies, as far as it was asked for.
struct Buffers {
    vector: Vector,
    met: HashMap<u32, Option<(u64, u64)>>,
}

/// An operator code: its name and version.
type Code = (Arc<str>, i64);

struct Reader<'a> {
    flat: Flat<'a>,
    buffers: Buffers,
    notes: Notes,
}

impl Reader<'_> {
    /// The operators that the file uses, in the order in which it refers to them.
    fn codes(&mut self, root: &Table) -> Result<Vec<Code>> {
        let list = self.flat.vector(root, 1, 4)?;
        let mut codes = Vec::new();
        for index in 0..list.len {
            let Some(table) = self.flat.table_in(list, index)? else { continue };
            self.flat.charge(64)?;
            // Numbers over 127 did not fit the first field that older readers know.
            let old = self.flat.int8(&table, 0, 0)?;
            let number = self.flat.int32(&table, 3, 0)?.max(i32::from(old));
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            let name = match OPERATORS.get(place) {
                _ if place == CUSTOM => self.flat.text(&table, 1)?,
                Some(name) => (*name).to_owned(),
                None => format!("BUILTIN_{number}"),
            };
            let name = if name.is_empty() { "CUSTOM".to_owned() } else { name };
            codes.push((name.into(), i64::from(self.flat.int32(&table, 2, 1)?)));
        }
        Ok(codes)
    }

    fn subgraph(&mut self, table: &Table, codes: &[Code]) -> Result<Subgraph> {
        let name = self.flat.text(table, 4)?;
        let list = self.flat.vector(table, 0, 4)?;
        let mut tensors = Vec::new();
        for index in 0..list.len {
            if let Some(table) = self.flat.table_in(list, index)? {
                tensors.push(self.tensor(&table)?);
            }
        }
        let inputs = self.flat.ints32(table, 1)?;
        let outputs = self.flat.ints32(table, 2)?;
        let list = self.flat.vector(table, 3, 4)?;
        let mut operators = Vec::new();
        for index in 0..list.len {
            if let Some(table) = self.flat.table_in(list, index)? {
                operators.push(self.operator(&table, codes)?);
            }
        }
        Ok(Subgraph { name, tensors, inputs, outputs, operators })
    }

    fn tensor(&mut self, table: &Table) -> Result<Tensor> {
        self.flat.charge(TENSOR_BYTES)?;
        let name = self.flat.text(table, 3)?;
        let sizes = self.flat.ints32(table, 0)?;
        let signature = self.flat.ints32(table, 7)?;
        if sizes.len().max(signature.len()) > MOST_DIMS {
            let what = format!("a tensor has more than {MOST_DIMS} dimensions");
            return Err(self.flat.error(table.at, &name, Problem::OverLimit(what)));
        }
        let number = self.flat.int8(table, 1, 0)?;
        let dtype = dtype(number);
        let buffer = self.flat.uint32(table, 2)?;
        let stored = if self.flat.bool(table, 5, false)? { None } else { self.buffer(buffer)? };
        let weight = match (stored, dtype) {
            (Some(stored), Some(dtype)) => Some(self.weight(table, &name, dtype, &sizes, stored)?),
            (Some(_), None) => {
                self.notes.warn(&name, format!("its element type {number} is not known, so it is not counted"));
                None
            }
            (None, _) => None,
        };
        // The signature says which sizes are open; beside it the shape has a 1 for each.
        let open = if signature.len() == sizes.len() { &signature } else { &sizes };
        let shape: Vec<Option<u64>> = open.iter().map(|size| u64::try_from(*size).ok()).collect();
        // Without dimensions it is a scalar only if it says that it has a rank.
        let ranked = !shape.is_empty() || weight.is_some() || self.flat.bool(table, 8, false)?;
        let plain = |size: &Option<u64>| size.map_or(DeclaredDim::Open, DeclaredDim::Fixed);
        let dims = ranked.then(|| shape.iter().map(plain).collect());
        let named = ranked.then(|| open_dims::named(&shape, dtype));
        Ok(Tensor {
            name: name.into(),
            declared: DeclaredType::Tensor { dtype, shape: dims },
            as_input: DeclaredType::Tensor { dtype, shape: named },
            weight,
        })
    }

    /// Where a buffer lies and how long it is; `None` for an empty one, which no constant has.
    fn buffer(&mut self, index: u32) -> Result<Option<(u64, u64)>> {
        if let Some(place) = self.buffers.met.get(&index) {
            return Ok(*place);
        }
        self.flat.charge(48)?;
        let mut place = None;
        if let Some(table) = self.flat.table_in(self.buffers.vector, u64::from(index))? {
            // In files over 2 GB the contents follow the rest, because offsets have 32 bits. 1 stands for "to be set".
            let (at, size) = (self.flat.uint64(&table, 1)?, self.flat.uint64(&table, 2)?);
            let (start, len) = match at > 1 && size > 1 {
                true => (at, size),
                false => {
                    let vector = self.flat.vector(&table, 0, 1)?;
                    (vector.start, vector.len)
                }
            };
            let end = start.saturating_add(len);
            if end > self.flat.size() {
                return Err(self.flat.truncated(end));
            }
            place = (len > 0).then_some((start, len));
        }
        self.buffers.met.insert(index, place);
        Ok(place)
    }

    fn weight(
        &mut self,
        table: &Table,
        name: &str,
        dtype: DType,
        sizes: &[i32],
        (start, bytes): (u64, u64),
    ) -> Result<Weight> {
        let shape = sizes.iter().map(|size| u64::try_from(*size).ok()).collect::<Option<Vec<_>>>();
        let Some(shape) = shape else {
            return Err(self.flat.corrupt(table.at, name, "a constant tensor has a negative dimension"));
        };
        let mut weight = Weight::new(dtype, shape, Storage::Inside { offset: start });
        // Converters store equal contents once. That ties tensors, but single numbers are the same by chance.
        if weight.elements() == Some(1) {
            weight.storage = Storage::Inside { offset: table.at };
        }
        let quantised = match self.flat.inner(table, 4)? {
            Some(quantisation) => self.flat.vector(&quantisation, 2, 4)?.len > 0,
            None => false,
        };
        // Integers with a scale stand for real numbers; without one they are shapes, axes and indices.
        if quantised && dtype.is_integer() {
            weight.role = Some(TensorRole::Parameter);
        }
        let sparse = self.flat.inner(table, 6)?.is_some();
        let wanted = weight.bytes();
        if sparse {
            weight.stored_elements = bytes.saturating_mul(8).checked_div(dtype.bits());
        } else if dtype != DType::Text && wanted != Some(bytes) {
            let wanted = wanted.map_or("more than 2^64".to_owned(), |wanted| wanted.to_string());
            self.notes.warn(name, format!("it holds {bytes} bytes where its shape asks for {wanted}"));
        }
        let short = weight.elements().is_some_and(|count| match dtype.is_float() {
            true => count <= MOST_FLOATS,
            false => count <= MOST_CONTENTS,
        });
        if short && !sparse && !quantised && wanted == Some(bytes) {
            weight.contents = contents(dtype, &self.flat.bytes(start, bytes)?);
            self.flat.charge(bytes.saturating_mul(2))?;
        }
        Ok(weight)
    }

    fn operator(&mut self, table: &Table, codes: &[Code]) -> Result<Operator> {
        self.flat.charge(OPERATOR_BYTES)?;
        let index = self.flat.uint32(table, 0)?;
        let code = usize::try_from(index).ok().and_then(|index| codes.get(index));
        let Some((op, version)) = code.cloned() else {
            return Err(self.flat.corrupt(
                table.at,
                "",
                format!("an operator has the code {index}, which is not listed"),
            ));
        };
        let inputs = self.flat.ints32(table, 1)?;
        let outputs = self.flat.ints32(table, 2)?;
        let mut attributes = BTreeMap::new();
        for (kind, options, known) in [(3, 4, OPTIONS), (11, 12, OPTIONS_2)] {
            let kind = self.flat.int8(table, kind, 0)? as u8;
            let Some((_, fields)) = known.iter().find(|(number, _)| *number == kind) else { continue };
            let Some(options) = self.flat.inner(table, options)? else { continue };
            for field in *fields {
                let (name, value) = self.option(&options, field)?;
                attributes.insert(name, value);
            }
        }
        Ok(Operator { op, version, inputs, outputs, attributes, at: table.at })
    }

    fn option(&mut self, table: &Table, (name, slot, kind, default): &Opt) -> Result<(Arc<str>, Attribute)> {
        let small = i8::try_from(*default).unwrap_or(0);
        let value = match kind {
            Kind::Bool => Attribute::Int(i64::from(self.flat.bool(table, *slot, *default != 0)?)),
            Kind::Int8 => Attribute::Int(i64::from(self.flat.int8(table, *slot, small)?)),
            Kind::Int32 => Attribute::Int(i64::from(self.flat.int32(table, *slot, i32::from(small))?)),
            Kind::Int64 => Attribute::Int(self.flat.int64(table, *slot, *default)?),
            Kind::Float => Attribute::Float(f64::from(self.flat.float(table, *slot)?)),
            Kind::Text => Attribute::Text(self.flat.text(table, *slot)?.into()),
            Kind::Ints32 => Attribute::Ints(self.flat.ints32(table, *slot)?.into_iter().map(i64::from).collect()),
            Kind::Ints64 => Attribute::Ints(self.flat.ints64(table, *slot)?),
            Kind::Padding => match self.flat.int8(table, *slot, 0)? {
                0 => Attribute::Text("SAME".into()),
                1 => Attribute::Text("VALID".into()),
                other => Attribute::Int(i64::from(other)),
            },
            Kind::Activation => match self.flat.int8(table, *slot, 0)? {
                0 => Attribute::Text("NONE".into()),
                1 => Attribute::Text("RELU".into()),
                2 => Attribute::Text("RELU_N1_TO_1".into()),
                3 => Attribute::Text("RELU6".into()),
                4 => Attribute::Text("TANH".into()),
                5 => Attribute::Text("SIGN_BIT".into()),
                other => Attribute::Int(i64::from(other)),
            },
        };
        Ok(((*name).into(), value))
    }

    /// What the file says of itself besides: signatures, and the names of what was attached to it.
    fn facts(&mut self, root: &Table) -> Result<Vec<(String, String)>> {
        let mut facts = Vec::new();
        let list = self.flat.vector(root, 7, 4)?;
        for index in 0..list.len.min(MOST_FACTS) {
            let Some(table) = self.flat.table_in(list, index)? else { continue };
            let key = self.flat.text(&table, 2)?;
            let subgraph = self.flat.uint32(&table, 4)?;
            let (inputs, outputs) = (self.tensor_names(&table, 0)?, self.tensor_names(&table, 1)?);
            facts.push((format!("signature {key}"), format!("{inputs} → {outputs} (subgraph {subgraph})")));
        }
        let list = self.flat.vector(root, 6, 4)?;
        for index in 0..list.len.min(MOST_FACTS) {
            let Some(table) = self.flat.table_in(list, index)? else { continue };
            let name = self.flat.text(&table, 0)?;
            let buffer = self.flat.uint32(&table, 1)?;
            let Some((start, bytes)) = self.buffer(buffer)? else { continue };
            let short = if bytes <= 64 { self.flat.bytes(start, bytes)? } else { Vec::new() };
            let text = String::from_utf8(short).unwrap_or_default();
            let text = text.trim_matches(|letter: char| letter.is_control() || letter.is_whitespace());
            let shown = match text.is_empty() || text.chars().any(char::is_control) {
                true => format!("{bytes} bytes"),
                false => text.to_owned(),
            };
            facts.push((format!("metadata {name}"), shown));
        }
        Ok(facts)
    }

    fn tensor_names(&mut self, signature: &Table, slot: u16) -> Result<String> {
        let list = self.flat.vector(signature, slot, 4)?;
        let mut names = Vec::new();
        for index in 0..list.len.min(MOST_FACTS) {
            if let Some(table) = self.flat.table_in(list, index)? {
                names.push(self.flat.text(&table, 0)?);
            }
        }
        Ok(names.join(", "))
    }
}

/// The contents of a small tensor, little-endian.
fn contents(dtype: DType, bytes: &[u8]) -> Option<Contents> {
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.chunks_exact(N).filter_map(|piece| piece.try_into().ok()).map(read).collect()
    }
    Some(match dtype {
        DType::I64 => Contents::Integers(each(bytes, i64::from_le_bytes)),
        DType::I32 => Contents::Integers(each(bytes, |four| i64::from(i32::from_le_bytes(four)))),
        DType::U32 => Contents::Integers(each(bytes, |four| i64::from(u32::from_le_bytes(four)))),
        DType::I16 => Contents::Integers(each(bytes, |two| i64::from(i16::from_le_bytes(two)))),
        DType::U8 | DType::Bool => Contents::Integers(bytes.iter().map(|byte| i64::from(*byte)).collect()),
        DType::I8 => Contents::Integers(each(bytes, |one| i64::from(i8::from_le_bytes(one)))),
        DType::F32 => Contents::Floats(each(bytes, |four| f64::from(f32::from_le_bytes(four)))),
        DType::F64 => Contents::Floats(each(bytes, f64::from_le_bytes)),
        _ => return None,
    })
}

struct Build<'a> {
    flat: Flat<'a>,
    subgraphs: Arc<[Subgraph]>,
    values: Vec<Value>,
    /// The values of constants by subgraph and tensor: they are one, however often their subgraph is placed.
    constants: HashMap<(usize, usize), ValueId>,
    notes: Notes,
}

impl Build<'_> {
    fn new_value(&mut self, value: Value) -> Result<ValueId> {
        self.flat.charge(128)?;
        let id = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value);
        Ok(ValueId(id))
    }

    /// Makes a value of every constant of every subgraph.
    fn constants(&mut self) -> Result<Vec<ValueId>> {
        let subgraphs = self.subgraphs.clone();
        let mut weights = Vec::new();
        for (place, subgraph) in subgraphs.iter().enumerate() {
            for (index, tensor) in subgraph.tensors.iter().enumerate() {
                let Some(weight) = &tensor.weight else { continue };
                let value = Value { name: tensor.name.clone(), declared: None, weight: Some(weight.clone()) };
                let id = self.new_value(value)?;
                self.constants.insert((place, index), id);
                weights.push(id);
            }
        }
        Ok(weights)
    }

    /// Puts a subgraph somewhere. `given` are the values of its inputs, `wanted` those that its outputs shall be.
    fn place(
        &mut self,
        index: usize,
        given: Option<&[Option<ValueId>]>,
        wanted: Option<&[Option<ValueId>]>,
        depth: u32,
    ) -> Result<Placed> {
        let subgraphs = self.subgraphs.clone();
        let Some(subgraph) = subgraphs.get(index) else {
            return Err(self.flat.corrupt(0, "", format!("subgraph {index} is called and does not exist")));
        };
        if depth > MOST_DEPTH {
            let what = format!("subgraphs call each other more than {MOST_DEPTH} deep");
            return Err(self.flat.error(0, &subgraph.name, Problem::OverLimit(what)));
        }
        self.flat.charge(64 + 16 * subgraph.tensors.len() as u64)?;
        let mut here = Here { index, subgraph, ids: vec![None; subgraph.tensors.len()] };
        let mut inputs = Vec::new();
        for (place, tensor) in subgraph.inputs.iter().enumerate() {
            let slot = usize::try_from(*tensor).unwrap_or(usize::MAX);
            let id = match given {
                Some(given) => given.get(place).copied().flatten(),
                // An input of the model, with names for its open dimensions.
                None if depth == 0 => match subgraph.tensors.get(slot) {
                    Some(tensor) if !self.constants.contains_key(&(index, slot)) => Some(self.new_value(Value {
                        name: tensor.name.clone(),
                        declared: Some(tensor.as_input.clone()),
                        weight: None,
                    })?),
                    _ => None,
                },
                None => None,
            };
            if let (Some(id), Some(place)) = (id, here.ids.get_mut(slot)) {
                *place = Some(id);
            }
            if let Some(id) = self.id(&mut here, *tensor)? {
                inputs.push(id);
            }
        }
        let mut passed_through = Vec::new();
        for (place, tensor) in subgraph.outputs.iter().enumerate() {
            let Some(id) = wanted.and_then(|wanted| wanted.get(place).copied().flatten()) else { continue };
            let slot = usize::try_from(*tensor).unwrap_or(usize::MAX);
            match here.ids.get_mut(slot) {
                Some(free @ None) if !self.constants.contains_key(&(index, slot)) => *free = Some(id),
                _ => passed_through.push((*tensor, id)),
            }
        }
        let mut nodes = Vec::new();
        for (place, operator) in subgraph.operators.iter().enumerate() {
            self.operator(&mut here, operator, place, depth, &mut nodes)?;
        }
        let mut outputs = Vec::new();
        for tensor in &subgraph.outputs {
            if let Some(id) = self.id(&mut here, *tensor)? {
                outputs.push(id);
            }
        }
        for (tensor, id) in passed_through {
            let input = self.id(&mut here, tensor)?;
            nodes.push(Node {
                name: format!("{}/output", subgraph.name).into(),
                op: "Identity".into(),
                opset: 1,
                inputs: vec![input],
                outputs: vec![Some(id)],
                ..Node::default()
            });
        }
        Ok(Placed { inputs, outputs, nodes })
    }

    /// The value of a tensor in a placed subgraph; `None` for -1, which stands for an input left out.
    fn id(&mut self, here: &mut Here<'_>, tensor: i32) -> Result<Option<ValueId>> {
        let Ok(slot) = usize::try_from(tensor) else { return Ok(None) };
        if let Some(id) = here.ids.get(slot).copied().flatten() {
            return Ok(Some(id));
        }
        if let Some(id) = self.constants.get(&(here.index, slot)) {
            return Ok(Some(*id));
        }
        let (Some(tensor), Some(_)) = (here.subgraph.tensors.get(slot), here.ids.get(slot)) else {
            let why = format!("tensor {tensor} is used and does not exist");
            return Err(self.flat.corrupt(0, &here.subgraph.name, why));
        };
        let id =
            self.new_value(Value { name: tensor.name.clone(), declared: Some(tensor.declared.clone()), weight: None })?;
        if let Some(place) = here.ids.get_mut(slot) {
            *place = Some(id);
        }
        Ok(Some(id))
    }

    fn operator(
        &mut self,
        here: &mut Here<'_>,
        operator: &Operator,
        place: usize,
        depth: u32,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        self.flat.charge(OPERATOR_BYTES)?;
        let inputs = operator.inputs.iter().map(|tensor| self.id(here, *tensor)).collect::<Result<Vec<_>>>()?;
        let outputs = operator.outputs.iter().map(|tensor| self.id(here, *tensor)).collect::<Result<Vec<_>>>()?;
        let first = outputs.first().copied().flatten().and_then(|id| self.values.get(id.0 as usize));
        // A tensor that several operators were fused for carries all their names.
        let name = first.map(|value| value.name.split(';').next().unwrap_or_default()).unwrap_or_default();
        let name: Arc<str> = match name {
            "" => format!("{}_{place}", operator.op).into(),
            name => name.into(),
        };
        let mut node = Node {
            name,
            domain: "tflite".into(),
            op: operator.op.clone(),
            opset: operator.version,
            inputs,
            outputs,
            attributes: operator.attributes.clone(),
            ..Node::default()
        };
        let subgraph = |attribute: &str| node.int(attribute).and_then(|index| usize::try_from(index).ok());
        match operator.op.as_ref() {
            "CALL" | "STABLEHLO_COMPOSITE" => {
                let attribute =
                    if operator.op.as_ref() == "CALL" { "subgraph" } else { "decomposition_subgraph_index" };
                let Some(index) = subgraph(attribute) else { return Err(self.without_body(operator)) };
                let placed = self.place(index, Some(&node.inputs), Some(&node.outputs), depth + 1)?;
                nodes.extend(placed.nodes);
            }
            "IF" => {
                let bodies = [("then_branch", "then_subgraph_index"), ("else_branch", "else_subgraph_index")];
                for (role, attribute) in bodies {
                    let index = node.int(attribute).and_then(|index| usize::try_from(index).ok());
                    let Some(index) = index else { return Err(self.without_body(operator)) };
                    let arguments = node.inputs.get(1..).unwrap_or_default().to_vec();
                    let placed = self.place(index, Some(&arguments), None, depth + 1)?;
                    let graph = self.body(index, Vec::new(), placed.outputs, placed.nodes);
                    node.attributes.insert(role.into(), Attribute::Graphs(vec![graph]));
                }
                // The bodies name what they use by its own value.
                node.inputs.truncate(1);
                nodes.push(node);
            }
            "WHILE" | "STABLEHLO_WHILE" => {
                let (condition, body) = (subgraph("cond_subgraph_index"), subgraph("body_subgraph_index"));
                let Some((condition, body)) = condition.zip(body) else { return Err(self.without_body(operator)) };
                self.repeat(node, condition, body, depth, nodes)?;
            }
            _ => nodes.push(node),
        }
        Ok(())
    }

    /// A loop as inference knows it: whether to begin stands before it, whether to go on is the first result of its body.
    fn repeat(
        &mut self,
        mut node: Node,
        condition: usize,
        body: usize,
        depth: u32,
        nodes: &mut Vec<Node>,
    ) -> Result<()> {
        let first = self.place(condition, Some(&node.inputs), None, depth + 1)?;
        nodes.extend(first.nodes);
        let turn = self.new_value(Value { name: "turn".into(), ..Value::default() })?;
        let going = self.new_value(Value { name: "going".into(), ..Value::default() })?;
        let placed = self.place(body, None, None, depth + 1)?;
        let carried: Vec<Option<ValueId>> = placed.outputs.iter().copied().map(Some).collect();
        let again = self.place(condition, Some(&carried), None, depth + 1)?;
        let mut inputs = vec![turn, going];
        inputs.extend(placed.inputs);
        let mut outputs: Vec<ValueId> = again.outputs.first().copied().into_iter().collect();
        if outputs.is_empty() {
            outputs.push(self.new_value(Value { name: "goes_on".into(), ..Value::default() })?);
        }
        outputs.extend(placed.outputs);
        let mut inner = placed.nodes;
        inner.extend(again.nodes);
        let graph = self.body(body, inputs, outputs, inner);
        node.attributes.insert("body".into(), Attribute::Graphs(vec![graph]));
        let mut before = vec![None, first.outputs.first().copied()];
        before.append(&mut node.inputs);
        node.inputs = before;
        nodes.push(node);
        Ok(())
    }

    fn body(&self, index: usize, inputs: Vec<ValueId>, outputs: Vec<ValueId>, nodes: Vec<Node>) -> Graph {
        let name = self.subgraphs.get(index).map(|subgraph| subgraph.name.as_str()).unwrap_or_default();
        Graph { name: name.into(), inputs, outputs, weights: Vec::new(), nodes }
    }

    fn without_body(&self, operator: &Operator) -> ReadError {
        self.flat.corrupt(operator.at, "", format!("{} does not say which subgraph it runs", operator.op))
    }
}

/// A subgraph being placed.
struct Here<'s> {
    index: usize,
    subgraph: &'s Subgraph,
    ids: Vec<Option<ValueId>>,
}
