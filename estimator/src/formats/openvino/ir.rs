//! The parts of an IR file that matter here, as the file states them: layers with their ports, edges, bodies.
//!
//! Versions 7 (weights as blobs of a layer) and 10 and 11 (weights as layers of their own) have one form in memory.

use super::element::Element;
use super::xml::{Document, Tag};
use crate::formats::budget::MOST_DEPTH;
use crate::formats::error::ReadError;
use crate::model::DeclaredDim;

type Result<T> = std::result::Result<T, ReadError>;

/// Memory that names, attributes and ports of one file may take, roughly counted.
const MOST_BYTES: usize = 64 << 20;
/// Most dimensions of a port.
const MOST_RANK: usize = 32;
/// Most entries of the file's own remarks that are kept, and the longest text of one.
const MOST_REMARKS: usize = 60;

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct Net {
    pub name: String,
    pub version: Option<i64>,
    pub body: Body,
    /// What the file says of its making, as path and text.
    pub remarks: Vec<(String, String)>,
}

/// Layers and how they are connected.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub layers: Vec<Layer>,
    pub edges: Vec<Edge>,
}

/// From a port to a port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub from_layer: i64,
    pub from_port: i64,
    pub to_layer: i64,
    pub to_port: i64,
}

#[derive(Debug, Default)]
pub(super) struct Layer {
    pub id: i64,
    pub name: String,
    pub kind: String,
    pub attributes: Vec<(String, String)>,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    /// Weights of version 7, by role.
    pub blobs: Vec<Blob>,
    pub inner: Vec<Inner>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Port {
    pub id: i64,
    pub element: Option<Element>,
    pub dims: Option<Vec<DeclaredDim>>,
    /// Its name in the network that was converted, if it has one.
    pub name: String,
}

#[derive(Debug)]
pub(super) struct Blob {
    pub role: String,
    pub offset: u64,
    pub size: u64,
    pub element: Option<Element>,
}

/// A body inside a layer, with how it is connected to the layer's ports.
#[derive(Debug, Default)]
pub(super) struct Inner {
    /// `body`, `then_body` or `else_body`.
    pub role: String,
    pub body: Body,
    pub inputs: Vec<Mapping>,
    pub outputs: Vec<Mapping>,
    /// From a result of one turn to a parameter of the next.
    pub back_edges: Vec<Edge>,
}

/// A port of a layer and a layer of its body.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    pub port: i64,
    pub layer: i64,
    /// The port of that layer, in version 7; a parameter has none.
    pub inner_port: i64,
    /// The axis along which it is cut or joined, if it is.
    pub axis: Option<i64>,
    /// How much each turn takes or gives along it.
    pub part: u64,
}

impl Layer {
    /// An attribute's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a document whose first tag is `net`; `None` where it is another.
pub(super) fn read(document: &mut Document<'_>) -> Result<Option<Net>> {
    let Some(root) = document.inner()? else { return Ok(None) };
    if root.name != "net" {
        return Ok(None);
    }
    let mut net = Net {
        name: root.get("name").unwrap_or_default().to_owned(),
        version: root.number("version"),
        ..Net::default()
    };
    let mut reading = Reading { document, left: MOST_BYTES, depth: 0 };
    while let Some(tag) = reading.document.inner()? {
        match tag.name.as_str() {
            "layers" => net.body.layers = reading.layers()?,
            "edges" => net.body.edges = reading.edges()?,
            "rt_info" => reading.remarks("", 0, &mut net.remarks)?,
            _ => reading.document.skip()?,
        }
    }
    Ok(Some(net))
}

struct Reading<'d, 'a> {
    document: &'d mut Document<'a>,
    left: usize,
    depth: u32,
}

impl Reading<'_, '_> {
    fn charge(&mut self, bytes: usize) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let what = format!("the network takes more than {} MiB of names and ports", MOST_BYTES >> 20);
                Err(self.document.over(what))
            }
        }
    }

    fn layers(&mut self) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        while let Some(tag) = self.document.inner()? {
            match tag.name.as_str() {
                "layer" => layers.push(self.layer(tag)?),
                _ => self.document.skip()?,
            }
        }
        Ok(layers)
    }

    fn layer(&mut self, tag: Tag) -> Result<Layer> {
        let Some(id) = tag.number("id") else {
            return Err(self.document.corrupt(tag.get("name").unwrap_or_default(), "a layer has no id".to_owned()));
        };
        let text = |name: &str| tag.get(name).unwrap_or_default().to_owned();
        let mut layer = Layer { id, name: text("name"), kind: text("type"), ..Layer::default() };
        self.charge(size_of::<Layer>() + layer.name.len() + layer.kind.len())?;
        let precision = tag.get("precision").map(str::to_owned);
        while let Some(tag) = self.document.inner()? {
            match tag.name.as_str() {
                "data" => {
                    for (name, value) in tag.attributes {
                        self.charge(name.len() + value.len() + 48)?;
                        layer.attributes.push((name, value));
                    }
                    self.document.skip()?;
                }
                "input" => layer.inputs = self.ports(precision.as_deref())?,
                "output" => layer.outputs = self.ports(precision.as_deref())?,
                "blobs" => layer.blobs = self.blobs(precision.as_deref())?,
                "port_map" | "then_port_map" | "else_port_map" => {
                    let role = tag.name.replace("port_map", "body");
                    let (inputs, outputs) = self.port_map()?;
                    let inner = inner_of(&mut layer, &role);
                    (inner.inputs, inner.outputs) = (inputs, outputs);
                }
                "back_edges" => {
                    let edges = self.edges()?;
                    inner_of(&mut layer, "body").back_edges = edges;
                }
                "body" | "then_body" | "else_body" => {
                    let body = self.body(&layer.name)?;
                    inner_of(&mut layer, &tag.name).body = body;
                }
                _ => self.document.skip()?,
            }
        }
        Ok(layer)
    }

    fn body(&mut self, layer: &str) -> Result<Body> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.document.corrupt(layer, format!("bodies are nested more than {MOST_DEPTH} deep")));
        }
        let mut body = Body::default();
        while let Some(tag) = self.document.inner()? {
            match tag.name.as_str() {
                "layers" => body.layers = self.layers()?,
                "edges" => body.edges = self.edges()?,
                _ => self.document.skip()?,
            }
        }
        self.depth -= 1;
        Ok(body)
    }

    fn ports(&mut self, precision: Option<&str>) -> Result<Vec<Port>> {
        let mut ports = Vec::new();
        while let Some(tag) = self.document.inner()? {
            if tag.name != "port" {
                self.document.skip()?;
                continue;
            }
            let names = tag.get("names").unwrap_or_default();
            // Several names of one port stand with commas between; a comma inside a name is escaped.
            let name = names.split(',').next().unwrap_or_default().to_owned();
            let mut port = Port {
                id: tag.number("id").unwrap_or(-1),
                element: tag.get("precision").or(precision).and_then(Element::named),
                dims: Some(Vec::new()),
                name,
            };
            while let Some(tag) = self.document.inner()? {
                if tag.name != "dim" {
                    self.document.skip()?;
                    continue;
                }
                let dim = dimension(&self.document.text()?);
                if let Some(dims) = port.dims.as_mut().filter(|dims| dims.len() < MOST_RANK) {
                    dims.push(dim);
                }
            }
            self.charge(size_of::<Port>() + port.name.len() + 24 * port.dims.as_ref().map_or(0, Vec::len))?;
            ports.push(port);
        }
        Ok(ports)
    }

    fn blobs(&mut self, precision: Option<&str>) -> Result<Vec<Blob>> {
        let mut blobs = Vec::new();
        while let Some(tag) = self.document.inner()? {
            let (offset, size) = (tag.number("offset"), tag.number("size"));
            let element = tag.get("precision").or(precision).and_then(Element::named);
            self.document.skip()?;
            self.charge(size_of::<Blob>() + tag.name.len())?;
            if let (Some(offset), Some(size)) = (offset, size) {
                blobs.push(Blob { role: tag.name, offset, size, element });
            }
        }
        Ok(blobs)
    }

    fn edges(&mut self) -> Result<Vec<Edge>> {
        let mut edges = Vec::new();
        while let Some(tag) = self.document.inner()? {
            let number = |name: &str| tag.number(name);
            // Back edges name layers only.
            let port = |name: &str| tag.number(name).unwrap_or(-1);
            if let (Some(from_layer), Some(to_layer)) = (number("from-layer"), number("to-layer")) {
                let (from_port, to_port) = (port("from-port"), port("to-port"));
                self.charge(size_of::<Edge>())?;
                edges.push(Edge { from_layer, from_port, to_layer, to_port });
            }
            self.document.skip()?;
        }
        Ok(edges)
    }

    fn port_map(&mut self) -> Result<(Vec<Mapping>, Vec<Mapping>)> {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        while let Some(tag) = self.document.inner()? {
            let mapping = Mapping {
                port: tag.number("external_port_id").unwrap_or(-1),
                layer: tag.number("internal_layer_id").unwrap_or(-1),
                inner_port: tag.number("internal_port_id").unwrap_or(-1),
                axis: tag.number("axis"),
                part: tag.number("part_size").unwrap_or(1),
            };
            self.charge(size_of::<Mapping>())?;
            match tag.name.as_str() {
                "input" => inputs.push(mapping),
                "output" => outputs.push(mapping),
                _ => {}
            }
            self.document.skip()?;
        }
        Ok((inputs, outputs))
    }

    /// What a file says of itself: nested tags whose last has the text in its attribute `value`.
    fn remarks(&mut self, path: &str, depth: usize, into: &mut Vec<(String, String)>) -> Result<()> {
        while let Some(tag) = self.document.inner()? {
            let own = if path.is_empty() { tag.name.clone() } else { format!("{path}/{}", tag.name) };
            if let Some(value) = tag.get("value").filter(|value| !value.is_empty() && into.len() < MOST_REMARKS) {
                into.push((crate::notes::clip(&own), crate::notes::clip(value)));
            }
            match depth < 8 {
                true => self.remarks(&own, depth + 1, into)?,
                false => self.document.skip()?,
            }
        }
        Ok(())
    }
}

fn inner_of<'l>(layer: &'l mut Layer, role: &str) -> &'l mut Inner {
    let place = match layer.inner.iter().position(|inner| inner.role == role) {
        Some(place) => place,
        None => {
            layer.inner.push(Inner { role: role.to_owned(), ..Inner::default() });
            layer.inner.len() - 1
        }
    };
    // The place was found or made just now.
    #[allow(clippy::indexing_slicing)]
    &mut layer.inner[place]
}

/// A dimension: a number, or open where it is `-1`, `?` or a span such as `1..10`.
pub(super) fn dimension(text: &str) -> DeclaredDim {
    match text.trim().parse::<u64>() {
        Ok(size) => DeclaredDim::Fixed(size),
        Err(_) => DeclaredDim::Open,
    }
}
