//! What the rooms for programs, networks and other models share: values, names, fields of messages, features.

use crate::formats::budget::Budget;
use crate::formats::error::{Problem, ReadError};
use crate::formats::protobuf::{Content, Field, Fields, Numbers, Span, add_numbers};
use crate::formats::source::Source;
use crate::model::{DType, DeclaredDim, DeclaredType, Graph, Model, Node, Storage, Value, ValueId, Weight};
use crate::notes::{Notes, clip};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) type Result<T> = std::result::Result<T, ReadError>;

/// Memory that a node, a value or a field takes, roughly.
const RECORD: u64 = 200;
/// Most numbers of a list that are kept.
pub(super) const MOST_NUMBERS: usize = 4096;
/// Most fields of one message of settings.
const MOST_FIELDS: usize = 100_000;
/// What the file says of itself: most entries.
const MOST_PROPERTIES: usize = 60;

/// The file of weights beside the message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weights {
    pub present: bool,
    pub bytes: u64,
}

/// A model being built.
pub(super) struct Builder<'a> {
    pub source: Source<'a>,
    pub budget: Budget,
    pub weights: Weights,
    pub values: Vec<Value>,
    pub notes: Notes,
    pub properties: Vec<(String, String)>,
    pub version: Option<i64>,
    pub producer: String,
    /// Tensors in the file of weights.
    pub outside: u64,
    texts: HashSet<Arc<str>>,
    unnamed: u64,
}

/// A graph that grows, and its values by name.
#[derive(Default)]
pub(super) struct Growing {
    pub graph: Graph,
    pub scope: HashMap<String, ValueId>,
}

impl<'a> Builder<'a> {
    pub fn new(source: Source<'a>, weights: Weights) -> Self {
        Self {
            source,
            budget: Budget::default(),
            weights,
            values: Vec::new(),
            notes: Notes::new(),
            properties: Vec::new(),
            version: None,
            producer: String::new(),
            outside: 0,
            texts: HashSet::new(),
            unnamed: 0,
        }
    }

    pub fn finish(mut self, graph: Graph) -> Result<Model> {
        if self.outside > 0 {
            let (tensors, file) = (self.outside, "weights/weight.bin");
            let text = match self.weights.present {
                true => format!("{tensors} tensors lie in this file; only their shapes are needed, so it was not read"),
                false => format!(
                    "{tensors} tensors lie in this file, which is not here; their shapes are in the model, so every count stands"
                ),
            };
            self.notes.info(file, text);
        }
        Ok(Model {
            format: "coreml".to_owned(),
            producer: if self.producer.is_empty() { "Core ML".to_owned() } else { self.producer },
            format_version: self.version,
            values: self.values,
            graph,
            file_bytes: self.source.size().saturating_add(self.weights.bytes),
            properties: self.properties,
            notes: self.notes,
            ..Model::default()
        })
    }

    pub fn corrupt(&self, offset: u64, place: &str, why: &str) -> ReadError {
        self.source.error(Some(offset), place, Problem::Corrupt(why.to_owned()))
    }

    pub fn over(&self, place: &str, what: String) -> ReadError {
        self.source.error(None, place, Problem::OverLimit(what))
    }

    pub fn intern(&mut self, text: &str) -> Arc<str> {
        match self.texts.get(text) {
            Some(known) => known.clone(),
            None => {
                let text: Arc<str> = text.into();
                self.texts.insert(text.clone());
                text
            }
        }
    }

    /// A new value.
    pub fn value(&mut self, name: &str, declared: Option<DeclaredType>) -> Result<ValueId> {
        self.budget.charge(&self.source, RECORD)?;
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(Value { name: name.into(), declared, weight: None });
        Ok(id)
    }

    /// A new value with a weight.
    pub fn weight(&mut self, name: &str, weight: Weight) -> Result<ValueId> {
        if matches!(weight.storage, Storage::Outside { .. }) {
            self.outside += 1;
        }
        let id = self.value(name, None)?;
        if let Some(value) = self.values.get_mut(id.0 as usize) {
            value.weight = Some(weight);
        }
        Ok(id)
    }

    pub fn weight_of(&self, id: ValueId) -> Option<&Weight> {
        self.values.get(id.0 as usize)?.weight.as_ref()
    }

    /// Something that a file says of itself.
    pub fn property(&mut self, name: &str, text: &str) {
        if !text.is_empty() && self.properties.len() < MOST_PROPERTIES {
            self.properties.push((clip(name), clip(text)));
        }
    }

    /// A node of this room's domain.
    pub fn node(&mut self, op: &str, name: &str, path: &str) -> Result<Node> {
        self.budget.charge(&self.source, RECORD)?;
        self.unnamed += 1;
        let name = if name.is_empty() { format!("{op}_{}", self.unnamed) } else { name.to_owned() };
        Ok(Node {
            name: name.into(),
            domain: self.intern("coreml"),
            op: self.intern(op),
            opset: self.version.unwrap_or(0),
            path: self.intern(path),
            ..Node::default()
        })
    }

    /// All fields of a message of settings: contents stay where they are.
    pub fn fields(&mut self, span: Span) -> Result<Settings> {
        let mut fields = Fields::of(span);
        let mut kept = Vec::new();
        while let Some(field) = fields.next(&mut self.source)? {
            if kept.len() >= MOST_FIELDS {
                return Err(self.over("", format!("a message has more than {MOST_FIELDS} fields")));
            }
            self.budget.charge(&self.source, size_of::<Field>() as u64)?;
            kept.push(field);
        }
        Ok(Settings { fields: kept, start: span.start })
    }

    pub fn text(&mut self, field: &Field) -> Result<String> {
        field.text(&mut self.source, &mut self.budget)
    }

    /// The first text with this number; empty where there is none.
    pub fn text_of(&mut self, settings: &Settings, number: u64) -> Result<String> {
        match settings.field(number) {
            Some(field) => self.text(&field),
            None => Ok(String::new()),
        }
    }

    pub fn texts_of(&mut self, settings: &Settings, number: u64) -> Result<Vec<String>> {
        settings.all(number).map(|field| self.text(&field)).collect()
    }

    /// The fields of the message with this number; none where it is not there.
    pub fn inner(&mut self, settings: &Settings, number: u64) -> Result<Option<Settings>> {
        match settings.span(number) {
            Some(span) => Ok(Some(self.fields(span)?)),
            None => Ok(None),
        }
    }

    /// Integers with this number, packed or single.
    pub fn ints(&mut self, settings: &Settings, number: u64) -> Result<Vec<i64>> {
        let mut numbers = Numbers::default();
        for field in settings.all(number) {
            add_numbers(&field, &mut self.source, &mut numbers, MOST_NUMBERS)?;
        }
        if numbers.count > MOST_NUMBERS as u64 {
            return Err(self.over("", format!("a list of settings has more than {MOST_NUMBERS} numbers")));
        }
        Ok(numbers.items.into_iter().map(|number| number as i64).collect())
    }

    /// A list of messages `{1: key, 2: value}`.
    pub fn map(&mut self, settings: &Settings, number: u64) -> Result<Vec<(String, Span)>> {
        let mut entries = Vec::new();
        for field in settings.all(number) {
            let entry = self.fields(field.span(&self.source)?)?;
            let key = self.text_of(&entry, 1)?;
            if let Some(value) = entry.span(2) {
                entries.push((key, value));
            }
        }
        Ok(entries)
    }
}

/// The fields of a message, not yet understood.
#[derive(Debug, Default)]
pub(super) struct Settings {
    fields: Vec<Field>,
    /// Where the message begins.
    pub start: u64,
}

impl Settings {
    pub fn all(&self, number: u64) -> impl Iterator<Item = Field> + '_ {
        self.fields.iter().filter(move |field| field.number == number).copied()
    }

    pub fn each(&self) -> impl Iterator<Item = Field> + '_ {
        self.fields.iter().copied()
    }

    /// The last field with this number, which counts in protobuf.
    pub fn field(&self, number: u64) -> Option<Field> {
        self.all(number).last()
    }

    pub fn has(&self, number: u64) -> bool {
        self.field(number).is_some()
    }

    pub fn span(&self, number: u64) -> Option<Span> {
        match self.field(number)?.content {
            Content::Bytes(span) => Some(span),
            _ => None,
        }
    }

    /// An integer; 0 where it is left out, as in protobuf.
    pub fn int(&self, number: u64) -> i64 {
        match self.field(number).map(|field| field.content) {
            Some(Content::Number(value)) => value as i64,
            _ => 0,
        }
    }

    pub fn size(&self, number: u64) -> u64 {
        u64::try_from(self.int(number)).unwrap_or(0)
    }

    pub fn flag(&self, number: u64) -> bool {
        self.int(number) != 0
    }

    pub fn float(&self, number: u64) -> f64 {
        match self.field(number).map(|field| field.content) {
            Some(Content::Four(bits)) => f64::from(f32::from_bits(bits)),
            Some(Content::Eight(bits)) => f64::from_bits(bits),
            _ => 0.0,
        }
    }
}

/// An input or output as the description states it.
#[derive(Debug, Clone, Default)]
pub(super) struct Feature {
    pub name: String,
    pub dtype: Option<DType>,
    /// Sizes by default; none where the description leaves them open.
    pub shape: Option<Vec<i64>>,
    /// The span that each size may take, if it is not fixed.
    pub ranges: Vec<(u64, i64)>,
    /// Whether it is a picture: then the shape is channels × height × width.
    pub is_image: bool,
}

impl Builder<'_> {
    /// `FeatureDescription`.
    pub fn feature(&mut self, span: Span) -> Result<Feature> {
        let fields = self.fields(span)?;
        let mut feature = Feature { name: self.text_of(&fields, 1)?, ..Feature::default() };
        let Some(kind) = self.inner(&fields, 3)? else { return Ok(feature) };
        if kind.has(1) {
            feature.dtype = Some(DType::I64);
        }
        if kind.has(2) {
            feature.dtype = Some(DType::F64);
        }
        if kind.has(3) {
            feature.dtype = Some(DType::Text);
        }
        if kind.has(1) || kind.has(2) || kind.has(3) {
            feature.shape = Some(vec![1]);
        }
        if let Some(image) = self.inner(&kind, 4)? {
            // Shades of grey have one channel.
            let channels = if matches!(image.int(3), 10 | 40) { 1 } else { 3 };
            let (mut width, mut height) = (image.int(1), image.int(2));
            if let Some(range) = self.inner(&image, 31)? {
                for (place, size) in [(1, &mut width), (2, &mut height)] {
                    let bounds = self.inner(&range, place)?.unwrap_or_default();
                    feature.ranges.insert(0, (bounds.size(1), bounds.int(2)));
                    if *size <= 0 {
                        *size = bounds.int(1).max(1);
                    }
                }
                feature.ranges.insert(0, (0, 0));
            }
            feature.shape = Some(vec![channels, height, width]);
            (feature.is_image, feature.dtype) = (true, Some(DType::F32));
        }
        let state = self.inner(&kind, 8)?.and_then(|state| state.span(1));
        if let Some(span) = kind.span(5).or(state) {
            let array = self.fields(span)?;
            feature.dtype = match array.int(2) {
                65_568 => Some(DType::F32),
                65_600 => Some(DType::F64),
                65_552 => Some(DType::F16),
                131_104 => Some(DType::I32),
                131_080 => Some(DType::I8),
                _ => None,
            };
            let mut shape = self.ints(&array, 1)?;
            if let Some(range) = self.inner(&array, 31)? {
                for field in range.all(1) {
                    let bounds = self.fields(field.span(&self.source)?)?;
                    feature.ranges.push((bounds.size(1), bounds.int(2)));
                }
                if shape.is_empty() {
                    shape = feature.ranges.iter().map(|(least, _)| i64::try_from(*least).unwrap_or(1).max(1)).collect();
                }
            }
            feature.shape = if shape.is_empty() { None } else { Some(shape) };
        }
        Ok(feature)
    }

    /// Says that an input takes other sizes too.
    pub fn note_ranges(&mut self, feature: &Feature) {
        let open = feature
            .ranges
            .iter()
            .enumerate()
            .find(|(_, (least, most))| i64::try_from(*least) != Ok(*most) && *most != 0);
        if let (Some((place, (least, most))), Some(shape)) = (open, &feature.shape) {
            let most = if *most < 0 { "any size".to_owned() } else { most.to_string() };
            let size = shape.get(place).copied().unwrap_or(0);
            let text = format!(
                "takes other sizes too (dimension {place}: {least} to {most}); counted at its default, {size}, unless you choose another"
            );
            self.notes.info(&feature.name, text);
        }
    }
}

impl Feature {
    /// The type of an input whose shape has so many dimensions in front of those of the description.
    pub fn declared(&self, in_front: &[u64]) -> DeclaredType {
        let dim = |size: &i64| u64::try_from(*size).map_or(DeclaredDim::Open, DeclaredDim::Fixed);
        let shape = self.shape.as_ref().map(|shape| {
            let front = in_front.iter().map(|size| DeclaredDim::Fixed(*size));
            front.chain(shape.iter().map(dim)).collect()
        });
        DeclaredType::Tensor { dtype: self.dtype, shape }
    }
}
