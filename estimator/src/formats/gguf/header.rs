//! The header of one GGUF file: counts, metadata, and what each tensor is and where its bytes begin.
//!
//! Versions 1 to 3 are read, the third in both byte orders. The layout is that of the GGUF specification (ggml.org, 2023):
//! a magic, a version, two counts, keys with typed values, tensors with name, dimensions, type and offset.
//! Version 1 has counts and lengths of 32 bits, the later ones of 64.

use crate::formats::budget::Budget;
use crate::formats::error::{Problem, ReadError};
use crate::formats::source::Source;
use serde_json::{Map, Value, json};

type Result<T> = std::result::Result<T, ReadError>;

/// What every GGUF file begins with.
pub const MAGIC: &[u8] = b"GGUF";
/// Newest version that is read.
const NEWEST: u32 = 3;
/// Where tensor data begins is rounded up to this, where the metadata says nothing else.
const ALIGNMENT: u64 = 32;
/// Most keys. Real files have a few dozen.
const MOST_KEYS: u64 = 65_536;
/// Most tensors. The largest models have a few thousand.
const MOST_TENSORS: u64 = 200_000;
/// Most dimensions of a tensor; ggml itself stops at 4.
const MOST_DIMENSIONS: u32 = 8;
/// Longest key or tensor name in bytes; the specification says 65,535 for keys and 64 for tensors.
const LONGEST_NAME: u64 = 65_535;
/// Longest text that is kept; a chat template is longer and plays no part in a cost.
const LONGEST_TEXT: u64 = 2048;
/// Longest list of numbers that is kept: some architectures state a number for each layer.
const LONGEST_LIST: u64 = 1024;
/// Longest list of texts that is kept; vocabularies run to hundreds of thousands.
const MOST_TEXTS: u64 = 64;
/// Most texts and lists that are walked over, in all lists together. The largest vocabulary has half a million.
const MOST_WALKED: u64 = 1 << 24;
/// Deepest lists of lists.
const MOST_DEPTH: u32 = 4;

/// What stands before the tensors' data.
#[derive(Debug)]
pub struct Header {
    pub version: u32,
    /// Whether numbers are stored with their most significant byte first.
    pub big_endian: bool,
    /// The metadata; long lists and texts are replaced by `{"length": N}`.
    pub metadata: Map<String, Value>,
    /// Keys that are there twice.
    pub repeated_keys: Vec<String>,
    pub tensors: Vec<Tensor>,
    /// Where the first tensor's bytes begin.
    pub data: u64,
    /// Every tensor begins at a multiple of this.
    pub alignment: u64,
}

/// One tensor as the header states it.
#[derive(Debug)]
pub struct Tensor {
    pub name: String,
    /// Dimensions, the innermost last (files state them the other way round).
    pub shape: Vec<u64>,
    /// The number of its type.
    pub kind: u32,
    /// Where its bytes begin behind [`Header::data`].
    pub offset: u64,
    /// Where this record stands in the file.
    pub record: u64,
}

/// Reads the header of one file.
///
/// # Errors
/// It is no GGUF file, of a newer version, cut off, contradicts itself, or is over a limit.
pub fn read(source: &mut Source<'_>, budget: &mut Budget) -> Result<Header> {
    if source.stretch(0, MAGIC.len())? != MAGIC {
        return Err(source.error(Some(0), "", Problem::Corrupt("it does not begin with GGUF".to_owned())));
    }
    let mut reader = Reader { source, budget, at: MAGIC.len() as u64, big_endian: false, short: false, walked: 0 };
    let version = reader.version()?;
    reader.short = version == 1;
    let tensor_count = reader.count("tensors", MOST_TENSORS)?;
    let key_count = reader.count("metadata keys", MOST_KEYS)?;
    let mut metadata = Map::new();
    let mut repeated_keys = Vec::new();
    for _ in 0..key_count {
        let key = reader.name("a metadata key")?;
        let kind = reader.u32()?;
        let value = reader.value(kind, &key, 0)?;
        if metadata.insert(key.clone(), value).is_some() {
            repeated_keys.push(key);
        }
    }
    let mut tensors = Vec::new();
    for _ in 0..tensor_count {
        tensors.push(reader.tensor()?);
    }
    let end = reader.at;
    let big_endian = reader.big_endian;
    let alignment = match metadata.get("general.alignment") {
        None => ALIGNMENT,
        Some(stated) => stated.as_u64().filter(|stated| stated.is_power_of_two()).ok_or_else(|| {
            let why = format!("its alignment is {stated}, which is no power of two");
            source.error(None, "general.alignment", Problem::Corrupt(why))
        })?,
    };
    let data = end.checked_next_multiple_of(alignment).ok_or_else(|| source.truncated(u64::MAX))?;
    Ok(Header { version, big_endian, metadata, repeated_keys, tensors, data, alignment })
}

/// A place in the header that moves on.
struct Reader<'s, 'a> {
    source: &'s mut Source<'a>,
    budget: &'s mut Budget,
    at: u64,
    big_endian: bool,
    /// Whether counts and lengths have 32 bits.
    short: bool,
    walked: u64,
}

impl Reader<'_, '_> {
    fn corrupt(&self, at: u64, place: &str, why: String) -> ReadError {
        self.source.error(Some(at), place, Problem::Corrupt(why))
    }

    fn over(&self, place: &str, what: String) -> ReadError {
        self.source.error(Some(self.at), place, Problem::OverLimit(what))
    }

    fn raw<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.source.byte(self.at)?;
            self.at = self.at.saturating_add(1);
        }
        if self.big_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.raw()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.raw()?))
    }

    /// A count or length, in the version's width.
    fn length(&mut self) -> Result<u64> {
        if self.short { self.u32().map(u64::from) } else { self.u64() }
    }

    /// The version, which also tells the byte order: it is a small number.
    fn version(&mut self) -> Result<u32> {
        let at = self.at;
        let stated = self.u32()?;
        let version = if stated & 0xffff == 0 { stated.swap_bytes() } else { stated };
        self.big_endian = version != stated;
        match version {
            0 => Err(self.corrupt(at, "", "it states the version 0".to_owned())),
            1..=NEWEST => Ok(version),
            _ => {
                let what = format!("GGUF of version {version} (versions 1 to {NEWEST} are known)");
                Err(self.source.error(Some(at), "", Problem::Unsupported(what)))
            }
        }
    }

    fn count(&mut self, what: &str, most: u64) -> Result<u64> {
        let count = self.length()?;
        match count > most {
            true => Err(self.over("", format!("it states {count} {what}; at most {most} are read"))),
            false => Ok(count),
        }
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let end = self.at.saturating_add(bytes);
        if end > self.source.size() {
            return Err(self.source.truncated(end));
        }
        self.at = end;
        Ok(())
    }

    /// A text of a length that was read. The caller bounds it.
    fn text(&mut self, length: u64) -> Result<String> {
        let start = self.at;
        self.skip(length)?;
        self.budget.charge(self.source, length.saturating_add(64))?;
        let bytes = self.source.stretch(start, usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn name(&mut self, what: &str) -> Result<String> {
        let length = self.length()?;
        if length > LONGEST_NAME {
            return Err(self.over("", format!("{what} has {length} bytes; at most {LONGEST_NAME} are read")));
        }
        self.text(length)
    }

    /// One value of metadata. The numbers are those of the specification's `gguf_metadata_value_type`.
    fn value(&mut self, kind: u32, key: &str, depth: u32) -> Result<Value> {
        let at = self.at;
        Ok(match kind {
            0 => json!(u8::from_le_bytes(self.raw()?)),
            1 => json!(i8::from_le_bytes(self.raw()?)),
            2 => json!(u16::from_le_bytes(self.raw()?)),
            3 => json!(i16::from_le_bytes(self.raw()?)),
            4 => json!(self.u32()?),
            5 => json!(i32::from_le_bytes(self.raw()?)),
            6 => {
                let number = f32::from_le_bytes(self.raw()?);
                // The shortest decimal that means this number, as people wrote it.
                json!(number.to_string().parse::<f64>().unwrap_or(f64::from(number)))
            }
            7 => json!(u8::from_le_bytes(self.raw()?) != 0),
            8 => {
                let length = self.length()?;
                if length > LONGEST_TEXT {
                    self.skip(length)?;
                    json!({ "length": length })
                } else {
                    json!(self.text(length)?)
                }
            }
            9 => self.list(key, depth)?,
            10 => json!(self.u64()?),
            11 => json!(i64::from_le_bytes(self.raw()?)),
            12 => json!(f64::from_le_bytes(self.raw()?)),
            _ => return Err(self.corrupt(at, key, format!("its type {kind} does not exist"))),
        })
    }

    fn list(&mut self, key: &str, depth: u32) -> Result<Value> {
        let at = self.at;
        let kind = self.u32()?;
        let count = self.length()?;
        if depth >= MOST_DEPTH {
            return Err(self.over(key, format!("lists are nested more than {MOST_DEPTH} deep")));
        }
        // Bytes of an element of fixed width; of the others, the fewest that one takes.
        let (width, is_fixed) = match kind {
            0 | 1 | 7 => (1, true),
            2 | 3 => (2, true),
            4..=6 => (4, true),
            10..=12 => (8, true),
            8 => (if self.short { 4 } else { 8 }, false),
            9 => (if self.short { 8 } else { 12 }, false),
            _ => return Err(self.corrupt(at, key, format!("the type {kind} of its elements does not exist"))),
        };
        let end = count.checked_mul(width).and_then(|bytes| bytes.checked_add(self.at)).unwrap_or(u64::MAX);
        if end > self.source.size() {
            return Err(self.source.truncated(end));
        }
        let most = if is_fixed { LONGEST_LIST } else { MOST_TEXTS };
        if count <= most {
            self.budget.charge(self.source, count.saturating_mul(64))?;
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(self.value(kind, key, depth + 1)?);
            }
            return Ok(Value::Array(items));
        }
        if is_fixed {
            self.at = end;
        } else {
            self.walked = self.walked.saturating_add(count);
            if self.walked > MOST_WALKED {
                return Err(self.over(key, format!("its lists have more than {MOST_WALKED} entries")));
            }
            for _ in 0..count {
                match kind {
                    8 => {
                        let length = self.length()?;
                        self.skip(length)?;
                    }
                    _ => {
                        self.list(key, depth + 1)?;
                    }
                }
            }
        }
        Ok(json!({ "length": count }))
    }

    fn tensor(&mut self) -> Result<Tensor> {
        let record = self.at;
        let name = self.name("a tensor's name")?;
        let rank = self.u32()?;
        if rank > MOST_DIMENSIONS {
            let what = format!("it has {rank} dimensions; at most {MOST_DIMENSIONS} are read");
            return Err(self.over(&format!("tensor {name}"), what));
        }
        self.budget.charge(self.source, 192)?;
        let mut shape = Vec::new();
        for _ in 0..rank {
            shape.push(self.length()?);
        }
        shape.reverse();
        let kind = self.u32()?;
        let offset = self.u64()?;
        Ok(Tensor { name, shape, kind, offset, record })
    }
}
