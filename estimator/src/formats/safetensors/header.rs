//! The header of one safetensors file: an 8-byte length, then JSON that gives each tensor's type, shape and place.
//!
//! The JSON is parsed as it is read, tensor by tensor, so that a header of a hundred thousand tensors costs their list
//! and nothing more. What the tensors are is not decided here.

use super::super::error::{Problem, ReadError};
use super::super::source::Source;
use crate::model::DType;
use crate::notes::Notes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

/// Longest header that the format allows, in bytes.
pub(super) const LONGEST_HEADER: u64 = 100_000_000;
/// Most tensors of one model, all its shards together. The largest published models have about 200,000.
pub(super) const MOST_TENSORS: usize = 400_000;
/// Most bytes of names and shapes of one model.
const MOST_NAME_BYTES: usize = 64 << 20;
/// Longest single text in a header: it is held as a whole while it is read.
const LONGEST_TEXT: usize = 16 << 20;
/// Most dimensions of a tensor.
const MOST_DIMS: usize = 64;
/// Most entries of the free-form metadata that are kept.
const MOST_METADATA: usize = 2_000;
/// Longest value of the free-form metadata that is kept, in bytes.
const LONGEST_VALUE: usize = 4_096;
/// Where the free-form metadata stand.
const METADATA: &str = "__metadata__";
/// Bytes of the length in front of the header.
const LENGTH_BYTES: u64 = 8;

/// One tensor as the header states it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub name: Arc<str>,
    /// Its element type; `Err` with the format's own name for a type that we have no word for.
    pub dtype: Result<DType, Arc<str>>,
    pub shape: Vec<u64>,
    /// Where its bytes begin in the file, and where they end.
    pub begin: u64,
    pub end: u64,
}

/// A header that was read and checked.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// The tensors in the order of their places.
    pub entries: Vec<Entry>,
    /// The free-form metadata, bounded.
    pub metadata: Vec<(String, String)>,
}

/// What may still be taken for the tensors of one model.
#[derive(Debug)]
pub(super) struct Allowance {
    tensors: usize,
    bytes: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { tensors: MOST_TENSORS, bytes: MOST_NAME_BYTES }
    }
}

/// The length of the header if the file begins like a safetensors file: a possible length, then `{`.
pub(super) fn length(beginning: &[u8]) -> Option<u64> {
    let bytes = beginning.get(..8)?.try_into().ok()?;
    let length = u64::from_le_bytes(bytes);
    let opens = beginning.get(8) == Some(&b'{');
    (opens && (2..=LONGEST_HEADER).contains(&length)).then_some(length)
}

/// Reads the header of a file.
pub(super) fn read(source: &mut Source<'_>, allowance: &mut Allowance, notes: &mut Notes) -> Result<Header, ReadError> {
    let start = source.stretch(0, 9)?;
    let length = length(&start).ok_or_else(|| {
        source.error(Some(0), "header", Problem::Corrupt("it does not begin with the length of a header".to_owned()))
    })?;
    let data = LENGTH_BYTES + length;
    if data > source.size() {
        return Err(source.truncated(data));
    }
    let mut header = Header::default();
    let mut reader = HeaderReader::new(source, LENGTH_BYTES, data);
    let mut json = serde_json::Deserializer::from_reader(&mut reader);
    let outcome = HeaderSeed { header: &mut header, allowance }.deserialize(&mut json).and_then(|()| json.end());
    let failure = reader.failure.take();
    if let Some(failure) = failure {
        return Err(failure);
    }
    if let Err(error) = outcome {
        // The header is one line; serde counts its columns from 1.
        let offset = (error.line() == 1).then(|| LENGTH_BYTES + (error.column() as u64).saturating_sub(1));
        let text = error.to_string();
        let problem = match text.strip_prefix(OVER_LIMIT) {
            Some(limit) => Problem::OverLimit(limit.to_owned()),
            None => Problem::Corrupt(format!("its header is not what the format asks for: {text}")),
        };
        return Err(source.error(offset, "header", problem));
    }
    check(source, data, &mut header, notes)?;
    Ok(header)
}

/// Places the tensors in the file and checks that they fit there.
///
/// The format asks that the tensors cover the data without holes and do not overlap.
/// A hole loses nothing and is only noted; an overlap would count bytes twice and is refused.
fn check(source: &Source<'_>, data: u64, header: &mut Header, notes: &mut Notes) -> Result<(), ReadError> {
    let fail = |entry: &Entry, problem| source.error(Some(entry.begin), &format!("tensor {}", entry.name), problem);
    let corrupt = |entry: &Entry, why: String| fail(entry, Problem::Corrupt(why));
    for entry in &mut header.entries {
        if entry.end < entry.begin {
            let why = format!("its bytes end at {} before they begin at {}", entry.end, entry.begin);
            return Err(corrupt(entry, why));
        }
        let (begin, end) = (entry.begin.checked_add(data), entry.end.checked_add(data));
        let (Some(begin), Some(end)) = (begin, end) else {
            return Err(corrupt(entry, format!("it ends at byte {} of the data", entry.end)));
        };
        (entry.begin, entry.end) = (begin, end);
        let elements = entry.shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        let Some(elements) = elements else {
            return Err(corrupt(entry, format!("its shape {:?} has more elements than 64 bits count", entry.shape)));
        };
        let held = end - begin;
        if let Ok(dtype) = entry.dtype
            && dtype.bytes(elements) != Some(held)
        {
            let why = format!("{elements} elements of type {dtype} do not take the {held} bytes that it has");
            return Err(corrupt(entry, why));
        }
    }
    header.entries.sort_by(|a, b| (a.begin, a.end).cmp(&(b.begin, b.end)).then_with(|| a.name.cmp(&b.name)));
    let mut reached = data;
    let mut holes = 0u64;
    for entry in &header.entries {
        if entry.begin < reached && entry.end > entry.begin {
            return Err(corrupt(entry, "its bytes overlap those of another tensor".to_owned()));
        }
        holes = holes.saturating_add(entry.begin.saturating_sub(reached));
        reached = reached.max(entry.end);
    }
    if reached > source.size() {
        return Err(source.truncated(reached));
    }
    holes = holes.saturating_add(source.size() - reached);
    if holes > 0 {
        let text = format!("{holes} bytes of the data belong to no tensor; the format allows no such holes");
        notes.warn(source.name(), text);
    }
    let mut names = HashSet::with_capacity(header.entries.len());
    match header.entries.iter().find(|entry| !names.insert(&entry.name)) {
        Some(entry) => Err(corrupt(entry, "two tensors have this name".to_owned())),
        None => Ok(()),
    }
}

/// The stretch of a file that holds the header, as a reader for serde. It keeps the error that stopped it,
/// and stops at a text that is too long to be held.
struct HeaderReader<'s, 'a> {
    source: &'s mut Source<'a>,
    at: u64,
    end: u64,
    chunk: Vec<u8>,
    given: usize,
    /// Length so far of the text that the chunk ends in; `None` outside of texts.
    text: Option<usize>,
    escaped: bool,
    failure: Option<ReadError>,
}

/// Bytes taken from the source at once.
const CHUNK: u64 = 16 * 1024;

impl<'s, 'a> HeaderReader<'s, 'a> {
    fn new(source: &'s mut Source<'a>, at: u64, end: u64) -> Self {
        Self { source, at, end, chunk: Vec::new(), given: 0, text: None, escaped: false, failure: None }
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        let length = usize::try_from(self.end.saturating_sub(self.at).min(CHUNK)).unwrap_or(0);
        self.chunk = self.source.stretch(self.at, length)?;
        self.given = 0;
        for byte in &self.chunk {
            match (&mut self.text, byte) {
                (Some(_), _) if self.escaped => self.escaped = false,
                (Some(_), b'\\') => self.escaped = true,
                (Some(_), b'"') => self.text = None,
                (Some(length), _) => *length += 1,
                (None, b'"') => self.text = Some(0),
                (None, _) => {}
            }
        }
        if self.text.is_some_and(|length| length > LONGEST_TEXT) {
            let what = format!("a text in the header is longer than {} MiB", LONGEST_TEXT >> 20);
            return Err(self.source.error(Some(self.at), "header", Problem::OverLimit(what)));
        }
        self.at += length as u64;
        Ok(())
    }
}

impl Read for HeaderReader<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.chunk.len() {
            self.fill().map_err(|error| {
                let text = error.problem.to_string();
                self.failure = Some(error);
                io::Error::other(text)
            })?;
        }
        let rest = self.chunk.get(self.given..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

/// How messages about our own limits begin, so that they can be told from those about the file's faults.
const OVER_LIMIT: &str = "limit: ";

struct HeaderSeed<'h> {
    header: &'h mut Header,
    allowance: &'h mut Allowance,
}

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                map.next_value_seed(MetadataSeed(&mut self.header.metadata))?;
                continue;
            }
            let Described { dtype, shape, place } =
                map.next_value_seed(TensorSeed).map_err(|error| named(&name, &error))?;
            let cost = name.len() + size_of_val(shape.as_slice());
            let left = (self.allowance.tensors.checked_sub(1), self.allowance.bytes.checked_sub(cost));
            let (Some(tensors), Some(bytes)) = left else {
                return Err(A::Error::custom(format_args!(
                    "{OVER_LIMIT}the model has more than {MOST_TENSORS} tensors, or their names take more than {} MiB",
                    MOST_NAME_BYTES >> 20
                )));
            };
            *self.allowance = Allowance { tensors, bytes };
            let (begin, end) = place;
            self.header.entries.push(Entry { name: name.into(), dtype, shape, begin, end });
        }
        Ok(())
    }
}

/// The same error with the tensor's name in front.
fn named<E: serde::de::Error>(name: &str, error: &E) -> E {
    E::custom(format_args!("tensor {}: {error}", crate::notes::clip(name)))
}

/// What the header says of one tensor; its place counts from the beginning of the data.
struct Described {
    dtype: Result<DType, Arc<str>>,
    shape: Vec<u64>,
    place: (u64, u64),
}

struct TensorSeed;

impl<'de> DeserializeSeed<'de> for TensorSeed {
    type Value = Described;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Described, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TensorSeed {
    type Value = Described;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tensor's dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Described, A::Error> {
        let (mut dtype, mut shape, mut place) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "dtype" => {
                    let name = map.next_value::<String>()?;
                    dtype = Some(self::dtype(&name).ok_or_else(|| crate::notes::clip(&name).into()));
                }
                "shape" => shape = Some(map.next_value_seed(ShapeSeed)?),
                "data_offsets" => place = Some(map.next_value::<(u64, u64)>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let missing = |field| move || A::Error::missing_field(field);
        Ok(Described {
            dtype: dtype.ok_or_else(missing("dtype"))?,
            shape: shape.ok_or_else(missing("shape"))?,
            place: place.ok_or_else(missing("data_offsets"))?,
        })
    }
}

struct ShapeSeed;

impl<'de> DeserializeSeed<'de> for ShapeSeed {
    type Value = Vec<u64>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<u64>, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ShapeSeed {
    type Value = Vec<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of sizes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<u64>, A::Error> {
        let mut shape = Vec::new();
        while let Some(size) = items.next_element::<u64>()? {
            if shape.len() == MOST_DIMS {
                return Err(A::Error::custom(format_args!("more than {MOST_DIMS} dimensions")));
            }
            shape.push(size);
        }
        Ok(shape)
    }
}

/// The free-form metadata: texts by name. What is not a text is passed over.
struct MetadataSeed<'m>(&'m mut Vec<(String, String)>);

impl<'de> DeserializeSeed<'de> for MetadataSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by name")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value::<Text>()?;
            if let Text(Some(mut value)) = value
                && self.0.len() < MOST_METADATA
                && name.len() <= LONGEST_VALUE
            {
                if value.len() > LONGEST_VALUE {
                    value = crate::notes::clip(&value);
                }
                self.0.push((name, value));
            }
        }
        Ok(())
    }
}

/// A text, or nothing for any other value.
struct Text(Option<String>);

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text(Some(text)))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        from.deserialize_any(TextVisitor)
    }
}

/// The element type that the format calls so (Hugging Face's safetensors library, `Dtype`).
fn dtype(name: &str) -> Option<DType> {
    Some(match name {
        "BOOL" => DType::Bool,
        "F4" => DType::F4E2M1,
        "U8" => DType::U8,
        "I8" => DType::I8,
        "F8_E5M2" => DType::F8E5M2,
        "F8_E4M3" => DType::F8E4M3,
        "F8_E8M0" => DType::F8E8M0,
        "F8_E4M3FNUZ" => DType::F8E4M3Fnuz,
        "F8_E5M2FNUZ" => DType::F8E5M2Fnuz,
        "I4" => DType::I4,
        "U4" => DType::U4,
        "I16" => DType::I16,
        "U16" => DType::U16,
        "F16" => DType::F16,
        "BF16" => DType::Bf16,
        "I32" => DType::I32,
        "U32" => DType::U32,
        "F32" => DType::F32,
        "C64" => DType::C64,
        "C128" => DType::C128,
        "F64" => DType::F64,
        "I64" => DType::I64,
        "U64" => DType::U64,
        _ => return None,
    })
}
