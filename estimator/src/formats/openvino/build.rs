//! Layers and edges to nodes and values.

use super::element::Element;
use super::ir::{Blob, Body, Inner, Layer, Mapping, Net, Port, dimension};
use crate::formats::error::{Problem, ReadError};
use crate::formats::files::{Files, base_name};
use crate::formats::order;
use crate::formats::source::Source;
use crate::model::{
    Attribute, Contents, DType, DeclaredDim, DeclaredType, Graph, Model, Node, Packing, Storage, TensorRole, Value,
    ValueId, Weight,
};
use crate::notes::Notes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// Largest constant whose contents are read: shapes, axes, bounds of slices.
const MOST_CONTENTS: u64 = 512;
/// How much of the weights' file is read for the contents of small constants, where sizes are open and depend on them.
const MOST_READ: u64 = 16 << 20;
/// The same where all sizes are stated, so that the contents only serve other sizes than those.
const MOST_READ_STATIC: u64 = 1 << 20;
/// Operators whose float constants describe a shape.
const READS_FLOATS: &[&str] = &["Interpolate", "Range"];
/// Oldest and newest version of the format that the rules were written for.
const VERSIONS: std::ops::RangeInclusive<i64> = 7..=11;
/// Most elements of a list among the attributes.
const MOST_LIST: usize = 4096;

/// The model that a file describes.
pub(super) fn model(files: &Files<'_>, name: &str, size: u64, net: Net) -> Result<Model> {
    let bin_name = match name.rsplit_once('.') {
        Some((stem, _)) => format!("{stem}.bin"),
        None => format!("{name}.bin"),
    };
    // Several files dropped at once have no folder between them, but the names may differ in case only.
    let bin = files.find(&bin_name)?;
    let mut notes = Notes::new();
    match net.version {
        Some(version) if !VERSIONS.contains(&version) => {
            let text = format!("version {version} of the format is not among those known here ({VERSIONS:?})");
            notes.warn("", text);
        }
        None => notes.warn("", "the file does not say which version of the format it follows"),
        _ => {}
    }
    let file_bytes = size.saturating_add(bin.as_ref().map_or(0, Source::size));
    let mut builder = Builder {
        name: name.to_owned(),
        bin_name: base_name(&bin_name).into(),
        present: bin.is_some(),
        bin,
        opset: net.version.unwrap_or(11),
        values: Vec::new(),
        texts: HashSet::new(),
        notes,
        tensors: 0,
        behind_the_end: 0,
        most_read: if is_open(&net.body) { MOST_READ } else { MOST_READ_STATIC },
        shape_floats: HashSet::new(),
    };
    let Built { mut graph, .. } = builder.graph(net.body, &HashMap::new())?;
    graph.name = net.name.as_str().into();
    settle_roles(&mut builder.values, &graph);
    builder.note_weights();
    if graph.nodes.is_empty() {
        builder.notes.warn("", "the network has no layers that compute");
    }
    let version = net.remarks.iter().find(|(path, _)| path == "Runtime_version" || path == "MO_version");
    Ok(Model {
        format: "openvino".to_owned(),
        producer: version.map_or("OpenVINO".to_owned(), |(_, version)| format!("OpenVINO {version}")),
        format_version: net.version,
        values: builder.values,
        graph,
        file_bytes,
        properties: net.remarks,
        notes: builder.notes,
        ..Model::default()
    })
}

struct Builder<'a> {
    name: String,
    bin_name: Arc<str>,
    bin: Option<Source<'a>>,
    present: bool,
    opset: i64,
    values: Vec<Value>,
    texts: HashSet<Arc<str>>,
    notes: Notes,
    tensors: u64,
    behind_the_end: u64,
    most_read: u64,
    /// Layers of the body being read whose floats describe a shape.
    shape_floats: HashSet<i64>,
}

/// A layer's id and a port's.
type End = (i64, i64);

/// A walk over the layers of one body.
struct Walk<'w> {
    given: &'w HashMap<End, ValueId>,
    sources: HashMap<End, End>,
    built: Built,
}

impl Builder<'_> {
    fn corrupt(&self, place: &str, why: String) -> ReadError {
        let problem = Problem::Corrupt(why);
        ReadError { file: self.name.clone(), offset: None, place: crate::notes::clip(place), problem }
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        match self.texts.get(text) {
            Some(known) => known.clone(),
            None => {
                let text: Arc<str> = text.into();
                self.texts.insert(text.clone());
                text
            }
        }
    }

    fn value(&mut self, name: &str, declared: Option<DeclaredType>) -> ValueId {
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(Value { name: name.into(), declared, weight: None });
        id
    }

    /// The graph of a body. `given` are values that come from outside, by the layer and port that take them;
    /// -1 stands for the port of a parameter.
    fn graph(&mut self, body: Body, given: &HashMap<End, ValueId>) -> Result<Built> {
        let Body { layers, edges } = body;
        let mut place_of: HashMap<i64, usize> = HashMap::new();
        for (place, layer) in layers.iter().enumerate() {
            if place_of.insert(layer.id, place).is_some() {
                return Err(self.corrupt(&layer.name, format!("two layers have the id {}", layer.id)));
            }
        }
        let mut sources: HashMap<End, End> = HashMap::new();
        let mut needs = vec![Vec::new(); layers.len()];
        for edge in &edges {
            let (Some(from), Some(to)) = (place_of.get(&edge.from_layer), place_of.get(&edge.to_layer)) else {
                let why = format!("an edge goes from layer {} to layer {}", edge.from_layer, edge.to_layer);
                return Err(self.corrupt("", format!("{why}, of which one is missing")));
            };
            if let Some(needs) = needs.get_mut(*to) {
                needs.push(*from);
            }
            sources.insert((edge.to_layer, edge.to_port), (edge.from_layer, edge.from_port));
        }
        let Some(order) = order::sorted(&needs) else {
            return Err(self.corrupt("", "its layers depend on each other in a circle".to_owned()));
        };
        let readers: HashSet<i64> =
            layers.iter().filter(|layer| READS_FLOATS.contains(&layer.kind.as_str())).map(|layer| layer.id).collect();
        self.shape_floats =
            edges.iter().filter(|edge| readers.contains(&edge.to_layer)).map(|edge| edge.from_layer).collect();
        let mut layers: Vec<Option<Layer>> = layers.into_iter().map(Some).collect();
        let mut walk = Walk {
            given,
            sources,
            built: Built { graph: Graph::default(), results: Vec::new(), made: HashMap::new() },
        };
        for place in order {
            if let Some(layer) = layers.get_mut(place).and_then(Option::take) {
                self.layer(layer, &mut walk)?;
            }
        }
        let mut built = walk.built;
        // In the file's order, not in that of the walk.
        built.results.sort_by_key(|(id, _)| place_of.get(id).copied());
        built.graph.outputs = built.results.iter().map(|(_, value)| *value).collect();
        if built.results.is_empty() {
            // Version 7 has no layers for results: they are what nothing takes.
            let nodes = &built.graph.nodes;
            let taken: HashSet<ValueId> = nodes.iter().flat_map(|node| node.inputs.iter().flatten()).copied().collect();
            let made = nodes.iter().flat_map(|node| node.outputs.iter().flatten()).copied();
            built.graph.outputs = made.filter(|id| !taken.contains(id)).collect();
        }
        Ok(built)
    }

    fn layer(&mut self, mut layer: Layer, walk: &mut Walk<'_>) -> Result<()> {
        let Built { graph, results, made } = &mut walk.built;
        let source = |port: &Port| {
            let end = (layer.id, port.id);
            walk.given.get(&end).or_else(|| made.get(walk.sources.get(&end)?)).copied()
        };
        let mut inputs: Vec<Option<ValueId>> = layer.inputs.iter().map(source).collect();
        match layer.kind.as_str() {
            "Result" => {
                results.extend(inputs.first().copied().flatten().map(|value| (layer.id, value)));
                return Ok(());
            }
            "Parameter" | "Input" => {
                let id = match walk.given.get(&(layer.id, -1)) {
                    Some(id) => *id,
                    None => {
                        let id = self.parameter(&layer);
                        graph.inputs.push(id);
                        id
                    }
                };
                made.extend(layer.outputs.iter().map(|port| ((layer.id, port.id), id)));
                return Ok(());
            }
            "Const" => {
                let id = self.constant(&layer)?;
                graph.weights.push(id);
                made.extend(layer.outputs.iter().map(|port| ((layer.id, port.id), id)));
                return Ok(());
            }
            _ => {}
        }
        for (place, id) in inputs.iter().enumerate() {
            if id.is_none() && self.opset >= 10 {
                let port = layer.inputs.get(place).map_or(-1, |port| port.id);
                self.notes.warn(&layer.name, format!("nothing leads to its input {port}"));
            }
        }
        for blob in std::mem::take(&mut layer.blobs) {
            let id = self.blob(&layer, &blob);
            graph.weights.push(id);
            inputs.push(Some(id));
        }
        let mut outputs = Vec::with_capacity(layer.outputs.len());
        for (place, port) in layer.outputs.iter().enumerate() {
            let name = match (port.name.as_str(), place) {
                ("", 0) => layer.name.clone(),
                ("", place) => format!("{}.{place}", layer.name),
                (name, _) => name.to_owned(),
            };
            let id = self.value(&name, Some(declared(port)));
            made.insert((layer.id, port.id), id);
            outputs.push(Some(id));
        }
        let mut attributes = BTreeMap::new();
        for (name, value) in &layer.attributes {
            let name = self.intern(name);
            attributes.insert(name, attribute(value));
        }
        if layer.kind == "Reshape" {
            let target = layer.outputs.first().and_then(|port| port.dims.as_deref()).map(as_target);
            attributes.extend(target.map(|target| ("declared_shape".into(), Attribute::Ints(target))));
        }
        self.bodies(&mut layer, &inputs, &mut attributes)?;
        let op = self.intern(&layer.kind);
        let domain = self.intern("openvino");
        let name = match layer.name.as_str() {
            "" => format!("{}_{}", layer.kind, layer.id),
            name => name.to_owned(),
        };
        let path = module_path(&name).into();
        graph.nodes.push(Node { name: name.into(), domain, op, opset: self.opset, inputs, outputs, attributes, path });
        Ok(())
    }

    fn parameter(&mut self, layer: &Layer) -> ValueId {
        let port = layer.outputs.first();
        let dtype = layer.get("element_type").and_then(Element::named).or(port.and_then(|port| port.element));
        let name = port.map(|port| port.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(&layer.name);
        // The attribute also tells the rank where the port says nothing; `...` is a rank that is open.
        let shape = match layer.get("shape") {
            Some(text) if text.contains("...") => None,
            Some(text) => Some(text.split(',').map(str::trim).filter(|dim| !dim.is_empty()).map(dimension).collect()),
            None => port.and_then(|port| port.dims.clone()),
        };
        let dtype = dtype.map(|element| element.dtype);
        let shape = shape.map(|shape: Vec<DeclaredDim>| named(name, dtype, shape));
        self.value(name, Some(DeclaredType::Tensor { dtype, shape }))
    }

    fn constant(&mut self, layer: &Layer) -> Result<ValueId> {
        let blob = layer.blobs.first();
        let number = |name: &str| layer.get(name).and_then(|text| text.trim().parse::<u64>().ok());
        let port = layer.outputs.first();
        let element = layer
            .get("element_type")
            .and_then(Element::named)
            .or(blob.and_then(|blob| blob.element))
            .or(port.and_then(|port| port.element));
        let (Some(offset), Some(size)) =
            (number("offset").or(blob.map(|blob| blob.offset)), number("size").or(blob.map(|blob| blob.size)))
        else {
            return Err(self.corrupt(&layer.name, "a constant does not say where its contents are".to_owned()));
        };
        let shape: Option<Vec<u64>> = match layer.get("shape") {
            Some(text) => {
                text.split(',').map(str::trim).filter(|dim| !dim.is_empty()).map(|dim| dim.parse().ok()).collect()
            }
            None => port.and_then(|port| port.dims.as_ref()).and_then(|dims| sizes(dims)),
        };
        let (Some(shape), Some(element)) = (shape, element) else {
            return Err(self.corrupt(&layer.name, "a constant has no shape or an unknown element type".to_owned()));
        };
        let mut weight = self.weight(&layer.name, element, shape, offset, size)?;
        if !element.dtype.is_float() || self.shape_floats.contains(&layer.id) {
            weight.contents = self.contents(&weight, offset, size)?;
        }
        let id = self.value(&layer.name, None);
        if let Some(value) = self.values.get_mut(id.0 as usize) {
            value.weight = Some(weight);
        }
        Ok(id)
    }

    fn weight(&mut self, name: &str, element: Element, shape: Vec<u64>, offset: u64, size: u64) -> Result<Weight> {
        self.tensors += 1;
        let storage = Storage::Outside { file: self.bin_name.clone(), offset, present: self.present };
        let mut weight = Weight::new(element.dtype, shape, storage);
        let needs = weight.elements().and_then(|elements| elements.checked_mul(element.bits()));
        let needs = needs.map(|bits| bits.div_ceil(8));
        if element.dtype != DType::Text && needs != Some(size) {
            let needs = needs.map_or("more than can be said".to_owned(), |bytes| bytes.to_string());
            return Err(self.corrupt(name, format!("its shape asks for {needs} bytes, it has {size}")));
        }
        if let Some((packed, _)) = element.packed {
            weight.packing = Some(Packing { name: packed.into(), bytes: size });
        }
        let end = offset.saturating_add(size);
        if self.bin.as_ref().is_some_and(|bin| end > bin.size()) {
            self.behind_the_end += 1;
        }
        Ok(weight)
    }

    /// The contents of a small constant.
    fn contents(&mut self, weight: &Weight, offset: u64, size: u64) -> Result<Option<Contents>> {
        let Some(bin) = self.bin.as_mut() else { return Ok(None) };
        let wide = matches!(
            weight.dtype,
            DType::I64 | DType::I32 | DType::U64 | DType::U32 | DType::F32 | DType::F64 | DType::Bool
        );
        let few = weight.elements().is_some_and(|elements| elements <= MOST_CONTENTS);
        let there = offset.checked_add(size).is_some_and(|end| end <= bin.size());
        if !wide || !few || !there || weight.packing.is_some() || bin.bytes_read() > self.most_read {
            return Ok(None);
        }
        let bytes = bin.stretch(offset, usize::try_from(size).unwrap_or(0))?;
        Ok(contents(weight.dtype, &bytes))
    }

    /// A blob of version 7: its shape is not stated and follows from the layer.
    fn blob(&mut self, layer: &Layer, blob: &Blob) -> ValueId {
        self.tensors += 1;
        let element = blob.element.unwrap_or(Element { dtype: DType::F32, packed: None });
        let elements = blob.size.saturating_mul(8).checked_div(element.bits()).unwrap_or(0);
        let shape = if blob.role == "weights" { blob_shape(layer, elements) } else { None };
        let storage = Storage::Outside { file: self.bin_name.clone(), offset: blob.offset, present: self.present };
        let mut weight = Weight::new(element.dtype, shape.unwrap_or_else(|| vec![elements]), storage);
        // The moments of a batch norm, in this order.
        let buffer = layer.kind == "BatchNormalization";
        weight.role = Some(if buffer { TensorRole::Buffer } else { TensorRole::Parameter });
        let id = self.value(&format!("{}/{}", layer.name, blob.role), None);
        if let Some(value) = self.values.get_mut(id.0 as usize) {
            value.weight = Some(weight);
        }
        id
    }

    /// Turns bodies into attributes. What goes into every turn unchanged is the same value inside.
    fn bodies(
        &mut self,
        layer: &mut Layer,
        inputs: &[Option<ValueId>],
        attributes: &mut BTreeMap<Arc<str>, Attribute>,
    ) -> Result<()> {
        let inner = std::mem::take(&mut layer.inner);
        let ports: Vec<i64> = layer.inputs.iter().map(|port| port.id).collect();
        let outputs: Vec<i64> = layer.outputs.iter().map(|port| port.id).collect();
        for mut inner in inner {
            let role: Arc<str> = match inner.role.as_str() {
                "then_body" => "then_branch".into(),
                "else_body" => "else_branch".into(),
                _ => "body".into(),
            };
            let repeated = role.as_ref() == "body";
            let body = self.inner_graph(&mut inner, &ports, &outputs, inputs, repeated)?;
            if repeated {
                let axes = |ids: &[i64], maps: &[Mapping]| {
                    let of = |id: &i64| maps.iter().find(|map| map.port == *id).and_then(|map| map.axis);
                    Attribute::Ints(ids.iter().map(|id| of(id).unwrap_or(NO_AXIS)).collect())
                };
                let part = |id: &i64| inner.inputs.iter().find(|map| map.port == *id).map_or(1, |map| map.part);
                let parts = ports.iter().map(|id| i64::try_from(part(id)).unwrap_or(1)).collect();
                attributes.insert("input_axes".into(), axes(&ports, &inner.inputs));
                attributes.insert("input_parts".into(), Attribute::Ints(parts));
                attributes.insert("output_axes".into(), axes(&outputs, &inner.outputs));
            }
            attributes.insert(role, Attribute::Graphs(vec![body]));
        }
        Ok(())
    }

    /// The graph of a body with one input for each input of the layer and one output for each of its outputs.
    fn inner_graph(
        &mut self,
        inner: &mut Inner,
        ports: &[i64],
        outputs: &[i64],
        outside: &[Option<ValueId>],
        repeated: bool,
    ) -> Result<Graph> {
        let carried: HashSet<i64> = inner.back_edges.iter().map(|edge| edge.to_layer).collect();
        let body = std::mem::take(&mut inner.body);
        let parameters: HashMap<i64, Port> = (body.layers.iter())
            .filter(|layer| layer.kind == "Parameter" || layer.kind == "Input")
            .filter_map(|layer| Some((layer.id, layer.outputs.first()?.clone())))
            .collect();
        let mut given = HashMap::new();
        let mut bound = vec![None; ports.len()];
        for map in &inner.inputs {
            let place = ports.iter().position(|id| *id == map.port);
            let unchanged = !repeated || (map.axis.is_none() && !carried.contains(&map.layer));
            let outer = place.and_then(|place| outside.get(place).copied().flatten());
            let id = match (unchanged, outer) {
                (true, Some(outer)) => outer,
                _ => {
                    let port = parameters.get(&map.layer);
                    self.value(port.map_or("", |port| &port.name), port.map(declared))
                }
            };
            given.insert((map.layer, map.inner_port), id);
            if let (false, Some(slot)) = (unchanged, place.and_then(|place| bound.get_mut(place))) {
                *slot = Some(id);
            }
        }
        let Built { mut graph, results, made } = self.graph(body, &given)?;
        // One value for each port; what goes in unchanged needs none, so nothing uses the one that it gets.
        graph.inputs = bound.into_iter().map(|id| id.unwrap_or_else(|| self.value("", None))).collect();
        let result = |layer: i64| {
            let of_result = results.iter().find(|(id, _)| *id == layer).map(|(_, value)| *value);
            // Version 7 names the layer itself.
            of_result.or_else(|| made.iter().filter(|((id, _), _)| *id == layer).map(|(_, value)| *value).min())
        };
        let mapped = |port: &i64| inner.outputs.iter().find(|map| map.port == *port).and_then(|map| result(map.layer));
        let found: Vec<Option<ValueId>> = outputs.iter().map(mapped).collect();
        graph.outputs = found.into_iter().map(|id| id.unwrap_or_else(|| self.value("", None))).collect();
        Ok(graph)
    }

    fn note_weights(&mut self) {
        let (file, tensors) = (self.bin_name.clone(), self.tensors);
        if tensors == 0 {
            return;
        }
        let text = match self.present {
            true => {
                format!("{tensors} tensors lie in this file; only their shapes are needed, so it was not read through")
            }
            false => format!(
                "{tensors} tensors lie in this file, which is not here; their shapes are in the description, \
                 so every count of it stands, but other sizes can only be followed with the file beside it"
            ),
        };
        self.notes.info(&file, text);
        if self.behind_the_end > 0 {
            let text =
                format!("{} tensors lie behind its end: it is cut off or belongs to another file", self.behind_the_end);
            self.notes.warn(&file, text);
        }
    }
}

/// What is not cut or joined along an axis.
const NO_AXIS: i64 = i64::MIN;

/// A graph, with the values behind its results and behind every port.
struct Built {
    graph: Graph,
    results: Vec<(i64, ValueId)>,
    made: HashMap<End, ValueId>,
}

fn declared(port: &Port) -> DeclaredType {
    DeclaredType::Tensor { dtype: port.element.map(|element| element.dtype), shape: port.dims.clone() }
}

/// Whether any port of any layer has an open dimension.
fn is_open(body: &Body) -> bool {
    let mut ports = body.layers.iter().flat_map(|layer| &layer.outputs);
    ports.any(|port| port.dims.as_ref().is_some_and(|dims| dims.contains(&DeclaredDim::Open)))
}

/// The format gives open dimensions no names. These are the usual ones, so that inputs that belong together
/// have the same: a first dimension is a batch (and so is the only one of integers, which are an index for each member),
/// two of integers are a batch of texts, two behind channels a picture. Any other is named after its input and its place.
fn named(input: &str, dtype: Option<DType>, shape: Vec<DeclaredDim>) -> Vec<DeclaredDim> {
    let rank = shape.len();
    let integers = dtype.is_some_and(|dtype| dtype.is_integer() || dtype == DType::Bool);
    let name = |place: usize| match (rank, place) {
        (_, 0) => "batch".to_owned(),
        (2, 1) if integers => "sequence".to_owned(),
        (4, 2) => "height".to_owned(),
        (4, 3) => "width".to_owned(),
        _ => format!("{input}.{place}"),
    };
    let one = |(place, dim)| match dim {
        DeclaredDim::Open if rank > 1 || integers => DeclaredDim::Named(name(place).into()),
        dim => dim,
    };
    shape.into_iter().enumerate().map(one).collect()
}

fn sizes(dims: &[DeclaredDim]) -> Option<Vec<u64>> {
    let size = |dim: &DeclaredDim| match dim {
        DeclaredDim::Fixed(size) => Some(*size),
        _ => None,
    };
    dims.iter().map(size).collect()
}

/// A shape as a target of a reshape: open dimensions are -1.
fn as_target(dims: &[DeclaredDim]) -> Vec<i64> {
    let size = |dim: &DeclaredDim| match dim {
        DeclaredDim::Fixed(size) => i64::try_from(*size).unwrap_or(-1),
        _ => -1,
    };
    dims.iter().map(size).collect()
}

/// An attribute by its looks: the format writes all of them as text.
fn attribute(text: &str) -> Attribute {
    let trimmed = text.trim();
    match trimmed {
        "true" | "True" => return Attribute::Int(1),
        "false" | "False" => return Attribute::Int(0),
        _ => {}
    }
    if let Ok(value) = trimmed.parse::<i64>() {
        return Attribute::Int(value);
    }
    let is_number = trimmed.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-' || letter == '.');
    if is_number {
        if let Ok(value) = trimmed.parse::<f64>() {
            return Attribute::Float(value);
        }
        let parts = || trimmed.split(',').map(str::trim).take(MOST_LIST);
        if let Ok(values) = parts().map(str::parse).collect::<std::result::Result<Vec<i64>, _>>() {
            return Attribute::Ints(values);
        }
        if let Ok(values) = parts().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>() {
            return Attribute::Floats(values);
        }
    }
    Attribute::Text(text.into())
}

fn contents(dtype: DType, bytes: &[u8]) -> Option<Contents> {
    fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.chunks_exact(N).filter_map(|chunk| <[u8; N]>::try_from(chunk).ok()).map(number).collect()
    }
    Some(match dtype {
        DType::I64 => Contents::Integers(each(bytes, i64::from_le_bytes)),
        // Nothing that describes a shape reaches the upper half.
        DType::U64 => {
            Contents::Integers(each(bytes, |bytes| i64::try_from(u64::from_le_bytes(bytes)).unwrap_or(i64::MAX)))
        }
        DType::I32 => Contents::Integers(each(bytes, |bytes| i64::from(i32::from_le_bytes(bytes)))),
        DType::U32 => Contents::Integers(each(bytes, |bytes| i64::from(u32::from_le_bytes(bytes)))),
        DType::Bool => Contents::Integers(bytes.iter().map(|byte| i64::from(*byte != 0)).collect()),
        DType::F32 => Contents::Floats(each(bytes, |bytes| f64::from(f32::from_le_bytes(bytes)))),
        DType::F64 => Contents::Floats(each(bytes, f64::from_le_bytes)),
        _ => return None,
    })
}

/// The shape of a version 7 layer's weights, where it follows from the layer and has so many elements.
fn blob_shape(layer: &Layer, elements: u64) -> Option<Vec<u64>> {
    let number = |name: &str| layer.get(name).and_then(|text| text.trim().parse::<u64>().ok());
    let outputs = number("output").or(number("out-size"))?;
    let shape = match layer.kind.as_str() {
        "FullyConnected" => vec![outputs, elements.checked_div(outputs)?],
        "Convolution" | "Deconvolution" | "DeformableConvolution" | "BinaryConvolution" => {
            let kernel: Option<Vec<u64>> = match layer.get("kernel") {
                Some(text) => text.split(',').map(|side| side.trim().parse().ok()).collect(),
                // The oldest files state both sides apart.
                None => number("kernel-y").zip(number("kernel-x")).map(|(y, x)| vec![y, x]),
            };
            let kernel = kernel?;
            let group = number("group").unwrap_or(1);
            let window = kernel.iter().try_fold(1u64, |product, side| product.checked_mul(*side))?;
            let (first, second) = match layer.kind.as_str() {
                "Deconvolution" => {
                    let second = outputs.checked_div(group)?;
                    (elements.checked_div(second.checked_mul(window)?)?, second)
                }
                _ => (outputs, elements.checked_div(outputs.checked_mul(window)?)?),
            };
            [vec![first, second], kernel].concat()
        }
        _ => return None,
    };
    let product = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
    (product == Some(elements)).then_some(shape)
}

/// The module that a name of a converted PyTorch network tells: `__module.layer1.0.conv1/aten::_convolution/Convolution`
/// stands in `layer1/0/conv1`. Names of other origins have slashes between modules already.
fn module_path(name: &str) -> String {
    let Some(rest) = name.strip_prefix("__module.") else { return String::new() };
    rest.split('/').next().unwrap_or_default().replace('.', "/")
}

/// Says of constants what their use in the graph tells and their types do not: weights that are stored as small
/// numbers and converted, scaled and shifted before they are used, their scales and zero points; and single floats
/// that are factors of a formula.
fn settle_roles(values: &mut [Value], graph: &Graph) {
    let mut roles = HashMap::new();
    gather_roles(values, graph, &mut roles);
    for (id, role) in roles {
        if let Some(weight) = values.get_mut(id.0 as usize).and_then(|value| value.weight.as_mut()) {
            weight.role = weight.role.or(Some(role));
        }
    }
}

/// Steps between a stored weight and what scales it.
const MOST_STEPS: usize = 4;

fn gather_roles(values: &[Value], graph: &Graph, roles: &mut HashMap<ValueId, TensorRole>) {
    let weight = |id: ValueId| values.get(id.0 as usize).and_then(|value| value.weight.as_ref());
    let makers: HashMap<ValueId, &Node> =
        graph.nodes.iter().flat_map(|node| node.outputs.iter().flatten().map(move |id| (*id, node))).collect();
    // The constant behind a value, through operators that only convert it or change its shape.
    let constant = |id: ValueId| {
        let mut id = id;
        for _ in 0..MOST_STEPS {
            if weight(id).is_some() {
                return Some(id);
            }
            let node = makers.get(&id)?;
            if !matches!(node.op.as_ref(), "Convert" | "Reshape" | "Unsqueeze" | "Squeeze" | "Broadcast" | "Transpose")
            {
                return None;
            }
            id = node.inputs.first().copied().flatten()?;
        }
        None
    };
    let is_single =
        |id: ValueId| weight(id).is_some_and(|weight| weight.dtype.is_float() && weight.elements() == Some(1));
    let narrow = |id: ValueId| {
        weight(id).is_some_and(|weight| {
            weight.packing.is_some() || weight.dtype.bits() <= 8 && !matches!(weight.dtype, DType::Bool | DType::Text)
        })
    };
    for node in &graph.nodes {
        for (_, body) in node.graphs() {
            gather_roles(values, body, roles);
        }
        let inputs: Vec<ValueId> = node.inputs.iter().copied().flatten().collect();
        match (node.op.as_ref(), inputs.as_slice()) {
            ("Multiply", [a, b]) => {
                for (scaled, scale) in [(*a, *b), (*b, *a)] {
                    let (mut stored, mut shift) = (constant(scaled), None);
                    if let Some(node) = makers.get(&scaled).filter(|node| node.op.as_ref() == "Subtract") {
                        stored = node.inputs.first().copied().flatten().and_then(constant);
                        shift = node.inputs.get(1).copied().flatten().and_then(constant);
                    }
                    let (Some(stored), Some(scale)) = (stored.filter(|id| narrow(*id)), constant(scale)) else {
                        continue;
                    };
                    roles.insert(stored, TensorRole::Parameter);
                    roles.insert(scale, TensorRole::Buffer);
                    if let Some(shift) = shift {
                        roles.insert(shift, TensorRole::Buffer);
                    }
                    break;
                }
            }
            // A bias of one output is a weight; the network's formulas hold single floats elsewhere.
            ("Add", [a, b]) if [a, b].iter().any(|id| makers.get(id).is_some_and(|node| has_bias(&node.op))) => {
                for id in [*a, *b].into_iter().filter_map(constant).filter(|id| is_single(*id)) {
                    roles.insert(id, TensorRole::Parameter);
                }
            }
            _ => {}
        }
        for id in inputs.into_iter().filter(|id| is_single(*id)) {
            if !matches!(node.op.as_ref(), "PReLU" | "PRelu") {
                roles.entry(id).or_insert(TensorRole::Setting);
            }
        }
    }
}

/// Layers behind which an addition is their bias.
fn has_bias(op: &str) -> bool {
    matches!(op, "MatMul" | "FullyConnected") || op.contains("Convolution")
}
