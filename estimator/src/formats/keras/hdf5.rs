//! HDF5: the tree of groups, attributes and datasets of a file, read by its headers alone.
//!
//! What is read: superblocks 0 to 3, object headers 1 and 2, groups as symbol tables, as links in the header and as
//! links in a fractal heap, types, spaces and layouts of datasets, and the contents of attributes that are asked for.
//! No dataset's contents are read. The layout is that of "HDF5 File Format Specification, version 3.0" (The HDF Group).
//! The crates for HDF5 hold whole files in memory or want files of the operating system; this runs over a [`Source`].

use crate::formats::budget::Budget;
use crate::formats::error::{Problem, ReadError};
use crate::formats::source::Source;
use crate::model::DType;
use std::collections::{HashMap, HashSet};

type Result<T> = std::result::Result<T, ReadError>;

/// What every HDF5 file begins with. Files with a block of the user's own before it are no models.
pub const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Bytes of a page, and most pages that are kept: 8 MiB.
const PAGE: u64 = 16 * 1024;
const MOST_PAGES: usize = 512;
/// Most objects that are visited.
const MOST_OBJECTS: usize = 400_000;
/// Most messages of one object.
const MOST_MESSAGES: usize = 100_000;
/// Most blocks of one object's header, and most nodes of one tree.
const MOST_BLOCKS: usize = 100_000;
/// Largest message that is read whole.
const LARGEST_MESSAGE: u64 = 1 << 20;
/// Longest text of an attribute; the configuration of a large network has a few megabytes.
const LONGEST_TEXT: u64 = 8 << 20;
/// Longest name.
const LONGEST_NAME: u64 = 4096;
/// Deepest trees and types in types.
const MOST_DEPTH: u32 = 32;
/// Most dimensions; HDF5 allows 32.
const MOST_RANK: u8 = 32;

/// An open file.
pub struct Hdf5<'s, 'a> {
    source: &'s mut Source<'a>,
    budget: Budget,
    /// Where addresses count from.
    base: u64,
    offset_size: u8,
    length_size: u8,
    /// The header of the root group.
    pub root: u64,
    objects: usize,
    pages: HashMap<u64, Vec<u8>>,
}

/// What stands in an object's header.
#[derive(Debug, Default)]
pub struct Object {
    /// Type and shape, if it is a dataset.
    pub dataset: Option<Dataset>,
    /// Names and addresses of what a group holds.
    pub links: Vec<(String, u64)>,
    /// The attributes that were asked for.
    pub attributes: Vec<(String, Value)>,
}

/// A dataset, without its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its element type; `None` for one that is no number, truth value or text.
    pub dtype: Option<DType>,
    pub shape: Vec<u64>,
    /// Whether it is packed by filters.
    pub is_filtered: bool,
}

/// The contents of an attribute, as far as they are of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Other,
}

impl Object {
    /// The text of an attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.iter().find(|(of, _)| of == name)? {
            (_, Value::Texts(texts)) => texts.first().map(String::as_str),
            _ => None,
        }
    }

    /// The texts of an attribute, which writers cut into several where it is long: `names0`, `names1` …
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let numbered = |of: &str| {
            let rest = of.strip_prefix(name)?;
            if rest.is_empty() { Some(0) } else { rest.parse::<u32>().ok() }
        };
        let mut parts: Vec<(u32, &Vec<String>)> = Vec::new();
        for (of, value) in &self.attributes {
            if let (Some(number), Value::Texts(texts)) = (numbered(of), value) {
                parts.push((number, texts));
            }
        }
        parts.sort_by_key(|(number, _)| *number);
        let all: Vec<&str> = parts.into_iter().flat_map(|(_, texts)| texts.iter().map(String::as_str)).collect();
        (!all.is_empty()).then_some(all)
    }
}

/// Bytes that were read, taken piece by piece.
struct Bytes<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn number(&mut self, width: u8) -> Option<u64> {
        if width > 8 {
            return None;
        }
        Some(self.take(usize::from(width))?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.number(4)?).ok()
    }

    fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// A type as its message states it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Type {
    class: u8,
    size: u64,
    signed: bool,
    /// For a float of 16 bits: whether it has 8 exponent bits.
    is_brain_float: bool,
    /// For a variable-length type: whether it is text.
    is_text: bool,
}

impl Type {
    fn dtype(&self) -> Option<DType> {
        Some(match (self.class, self.size, self.signed) {
            (0, 1, true) => DType::I8,
            (0, 2, true) => DType::I16,
            (0, 4, true) => DType::I32,
            (0, 8, true) => DType::I64,
            (0, 1, false) => DType::U8,
            (0, 2, false) => DType::U16,
            (0, 4, false) => DType::U32,
            (0, 8, false) => DType::U64,
            (1, 2, _) if self.is_brain_float => DType::Bf16,
            (1, 2, _) => DType::F16,
            (1, 4, _) => DType::F32,
            (1, 8, _) => DType::F64,
            (3, ..) => DType::Text,
            // What h5py makes of truth values.
            (8, 1, _) => DType::Bool,
            (9, ..) if self.is_text => DType::Text,
            // Pairs of floats.
            (6, 8, _) => DType::C64,
            (6, 16, _) => DType::C128,
            _ => return None,
        })
    }
}

/// One message of an object's header.
struct Message {
    kind: u16,
    flags: u8,
    bytes: Vec<u8>,
}

impl<'s, 'a> Hdf5<'s, 'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// A superblock of a newer version, or one that contradicts the file.
    pub fn open(source: &'s mut Source<'a>) -> Result<Self> {
        let mut file = Self {
            source,
            budget: Budget::default(),
            base: 0,
            offset_size: 8,
            length_size: 8,
            root: 0,
            objects: 0,
            pages: HashMap::new(),
        };
        let length = usize::try_from(file.source.size().min(128)).unwrap_or(0);
        let head = file.source.stretch(0, length)?;
        let mut bytes = Bytes::new(&head);
        let fields = (|| {
            bytes.take(SIGNATURE.len())?;
            let version = bytes.u8()?;
            if version > 3 {
                return Some((version, 0, 0, 0, 0, 0));
            }
            let (sizes_at, after) = if version < 2 { (4, 3) } else { (0, 1) };
            bytes.take(sizes_at)?;
            let (offset, length) = (bytes.u8()?, bytes.u8()?);
            bytes.take(after)?;
            if version < 2 {
                // The sizes of tree nodes, flags, and in version 1 the size of chunk trees.
                bytes.take(if version == 1 { 10 } else { 6 })?;
            }
            let base = bytes.number(offset)?;
            bytes.number(offset)?;
            let end = bytes.number(offset)?;
            if version < 2 {
                bytes.number(offset)?;
                // The root's link has no name; its header's address follows.
                bytes.number(offset)?;
            }
            Some((version, offset, length, base, end, bytes.number(offset)?))
        })();
        let Some((version, offset_size, length_size, base, end, root)) = fields else {
            return Err(file.source.truncated(128));
        };
        if version > 3 {
            let what = format!("an HDF5 file with a superblock of version {version} (versions 0 to 3 are known)");
            return Err(file.source.error(Some(0), "superblock", Problem::Unsupported(what)));
        }
        if ![2, 4, 8].contains(&offset_size) || ![2, 4, 8].contains(&length_size) {
            let why = format!("addresses have {offset_size} bytes and lengths {length_size}");
            return Err(file.corrupt(0, "superblock", why));
        }
        (file.base, file.offset_size, file.length_size, file.root) = (base, offset_size, length_size, root);
        let needs = file.base.saturating_add(end);
        if end != u64::MAX && needs > file.source.size() {
            return Err(file.source.truncated(needs));
        }
        Ok(file)
    }

    fn corrupt(&self, at: u64, place: &str, why: String) -> ReadError {
        self.source.error(Some(at), place, Problem::Corrupt(why))
    }

    fn over(&self, at: u64, what: String) -> ReadError {
        self.source.error(Some(at), "", Problem::OverLimit(what))
    }

    /// The bytes at an address. The caller bounds `length`.
    fn read(&mut self, address: u64, length: u64) -> Result<Vec<u8>> {
        let at = self.base.saturating_add(address);
        if length > LONGEST_TEXT {
            return Err(self.over(at, format!("a part of {length} bytes; at most {LONGEST_TEXT} are read")));
        }
        let end = at.saturating_add(length);
        if end > self.source.size() {
            return Err(self.source.truncated(end));
        }
        if length > PAGE {
            return self.source.stretch(at, usize::try_from(length).unwrap_or(usize::MAX));
        }
        let mut bytes = Vec::new();
        let mut at = at;
        while at < end {
            let number = at / PAGE;
            let page = self.page(number)?;
            let from = usize::try_from(at - number * PAGE).unwrap_or(usize::MAX);
            let rest = page.get(from..).unwrap_or_default();
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(rest.len());
            bytes.extend_from_slice(rest.get(..wanted).unwrap_or_default());
            at = at.saturating_add(wanted.max(1) as u64);
        }
        Ok(bytes)
    }

    /// A page of the file. Headers, names and trees lie scattered and are returned to, so pages are kept for a while.
    fn page(&mut self, number: u64) -> Result<&[u8]> {
        if !self.pages.contains_key(&number) {
            let start = number.saturating_mul(PAGE);
            let length = self.source.size().saturating_sub(start).min(PAGE);
            let bytes = self.source.stretch(start, usize::try_from(length).unwrap_or(0))?;
            if self.pages.len() >= MOST_PAGES {
                self.pages.clear();
            }
            self.pages.insert(number, bytes);
        }
        Ok(self.pages.get(&number).map_or(&[], Vec::as_slice))
    }

    fn is_defined(&self, address: u64) -> bool {
        let bits = u32::from(self.offset_size) * 8;
        address != u64::MAX && !(bits < 64 && address == (1u64 << bits) - 1)
    }

    /// Reads an object's header. Only attributes that `wanted` names are read.
    ///
    /// # Errors
    /// The header contradicts itself or the file, or is over a limit.
    pub fn object(&mut self, address: u64, wanted: &dyn Fn(&str) -> bool) -> Result<Object> {
        self.objects += 1;
        if self.objects > MOST_OBJECTS {
            return Err(self.over(address, format!("it has more than {MOST_OBJECTS} groups and datasets")));
        }
        self.budget.charge(self.source, 256)?;
        let messages = self.messages(address)?;
        let damaged = |file: &Self, what: &str| file.corrupt(address, "", format!("{what} cannot be read"));
        let mut object = Object::default();
        let (mut of_type, mut shape, mut has_layout, mut is_filtered) = (None, None, false, false);
        for message in messages {
            let bytes = message.bytes.as_slice();
            match message.kind {
                0x01 => shape = Some(self.space(bytes).ok_or_else(|| damaged(self, "a dataspace"))?),
                0x02 => {
                    let (heap, tree) = self.link_info(bytes).ok_or_else(|| damaged(self, "a group's links"))?;
                    self.dense(heap, tree, &mut |file, bytes| {
                        let Some(link) = file.link(bytes) else { return Err(damaged(file, "a link")) };
                        object.links.extend(link);
                        Ok(())
                    })?;
                }
                0x03 => of_type = Some(self.shared_type(bytes, message.flags, 0)?),
                0x06 => object.links.extend(self.link(bytes).ok_or_else(|| damaged(self, "a link"))?),
                0x08 => has_layout = true,
                0x0b => is_filtered = bytes.get(1).is_some_and(|filters| *filters > 0),
                0x0c => object.attributes.extend(self.attribute(bytes, wanted)?),
                0x11 => {
                    let mut bytes = Bytes::new(bytes);
                    let (tree, heap) = (bytes.number(self.offset_size), bytes.number(self.offset_size));
                    let (Some(tree), Some(heap)) = (tree, heap) else { return Err(damaged(self, "a group")) };
                    self.symbol_table(tree, heap, &mut object.links)?;
                }
                0x15 => {
                    if let Some((heap, tree)) = self.attribute_info(bytes) {
                        self.dense(heap, tree, &mut |file, bytes| {
                            object.attributes.extend(file.attribute(bytes, wanted)?);
                            Ok(())
                        })?;
                    }
                }
                _ => {}
            }
        }
        if has_layout && let (Some(of_type), Some(shape)) = (of_type, shape) {
            object.dataset = Some(Dataset { dtype: of_type.dtype(), shape, is_filtered });
        }
        Ok(object)
    }

    /// All messages of a header that are of use, through its continuation blocks.
    fn messages(&mut self, address: u64) -> Result<Vec<Message>> {
        let start = self.read(address, 4)?;
        let version_2 = start == b"OHDR";
        let mut blocks: Vec<(u64, u64)> = Vec::new();
        let mut order_width = 0;
        if version_2 {
            let head = self.read(address, 6)?;
            let flags = head.get(5).copied().unwrap_or(0);
            let mut at = address.saturating_add(6);
            at = at.saturating_add(if flags & 0x20 != 0 { 16 } else { 0 });
            at = at.saturating_add(if flags & 0x10 != 0 { 4 } else { 0 });
            order_width = if flags & 0x04 != 0 { 2 } else { 0 };
            let width = 1u8 << (flags & 0x03);
            let bytes = self.read(at, u64::from(width))?;
            let size = Bytes::new(&bytes).number(width).unwrap_or(0);
            blocks.push((at.saturating_add(u64::from(width)), size));
        } else {
            let head = self.read(address, 16)?;
            let mut bytes = Bytes::new(&head);
            let version = bytes.u8();
            if version != Some(1) {
                return Err(self.corrupt(address, "", "an object's header is expected here".to_owned()));
            }
            bytes.take(7);
            blocks.push((address.saturating_add(16), u64::from(bytes.u32().unwrap_or(0))));
        }
        let head_size: u64 = if version_2 { 4 + order_width } else { 8 };
        let mut messages = Vec::new();
        let mut block = 0;
        while let Some((mut at, size)) = blocks.get(block).copied() {
            block += 1;
            let end = at.saturating_add(size);
            while end.saturating_sub(at) >= head_size {
                let head = self.read(at, head_size)?;
                let mut bytes = Bytes::new(&head);
                let (kind, size, flags) = match version_2 {
                    true => (bytes.u8().map(u16::from), bytes.u16(), bytes.u8()),
                    false => (bytes.u16(), bytes.u16(), bytes.u8()),
                };
                let (kind, size, flags) = (kind.unwrap_or(0), u64::from(size.unwrap_or(0)), flags.unwrap_or(0));
                at = at.saturating_add(head_size);
                if size > end.saturating_sub(at) {
                    return Err(self.corrupt(address, "", "a message is longer than its header".to_owned()));
                }
                let useful = matches!(kind, 0x01 | 0x02 | 0x03 | 0x06 | 0x08 | 0x0b | 0x0c | 0x10 | 0x11 | 0x15);
                if useful {
                    let bytes = self.read(at, size.min(LARGEST_MESSAGE))?;
                    if kind == 0x10 {
                        let mut bytes = Bytes::new(&bytes);
                        let place = bytes.number(self.offset_size).zip(bytes.number(self.length_size));
                        let (mut start, mut length) = place.unwrap_or_default();
                        if version_2 {
                            // A signature before and a checksum behind.
                            start = start.saturating_add(4);
                            length = length.saturating_sub(8);
                        }
                        blocks.push((start, length));
                        if blocks.len() > MOST_BLOCKS {
                            return Err(self.over(address, format!("an object has more than {MOST_BLOCKS} blocks")));
                        }
                    } else {
                        // The layout's contents are of no use, only that it is there.
                        messages.push(Message { kind, flags, bytes: if kind == 0x08 { Vec::new() } else { bytes } });
                    }
                }
                if messages.len() > MOST_MESSAGES {
                    return Err(self.over(address, format!("an object has more than {MOST_MESSAGES} messages")));
                }
                at = at.saturating_add(size);
            }
        }
        Ok(messages)
    }

    /// Dimensions; empty for a scalar.
    fn space(&self, bytes: &[u8]) -> Option<Vec<u64>> {
        let mut bytes = Bytes::new(bytes);
        let (version, rank, _flags) = (bytes.u8()?, bytes.u8()?, bytes.u8()?);
        let kind = bytes.u8()?;
        if rank > MOST_RANK {
            return None;
        }
        if version == 1 {
            bytes.take(4)?;
        } else if version == 2 && kind == 2 {
            // No elements at all.
            return Some(vec![0]);
        }
        (0..rank).map(|_| bytes.number(self.length_size)).collect()
    }

    /// A type that stands here, or in another object that is named here.
    fn shared_type(&mut self, bytes: &[u8], flags: u8, depth: u32) -> Result<Type> {
        let damaged = |file: &Self| file.corrupt(0, "", "a type cannot be read".to_owned());
        if flags & 0x02 == 0 {
            return data_type(bytes, 0).ok_or_else(|| damaged(self));
        }
        let mut bytes = Bytes::new(bytes);
        let version = bytes.u8().unwrap_or(0);
        bytes.take(if version == 1 { 7 } else { 1 });
        let Some(address) = bytes.number(self.offset_size).filter(|_| depth < MOST_DEPTH) else {
            return Err(damaged(self));
        };
        for message in self.messages(address)? {
            if message.kind == 0x03 {
                return self.shared_type(&message.bytes, message.flags, depth + 1);
            }
        }
        Err(damaged(self))
    }

    /// A hard link: its name and the object's address. Links by name are left out.
    #[allow(clippy::option_option)]
    fn link(&self, bytes: &[u8]) -> Option<Option<(String, u64)>> {
        let mut bytes = Bytes::new(bytes);
        bytes.u8()?;
        let flags = bytes.u8()?;
        let kind = if flags & 0x08 != 0 { bytes.u8()? } else { 0 };
        if flags & 0x04 != 0 {
            bytes.number(8)?;
        }
        if flags & 0x10 != 0 {
            bytes.u8()?;
        }
        let length = bytes.number(1 << (flags & 0x03))?;
        if length > LONGEST_NAME {
            return None;
        }
        let name = bytes.take(usize::try_from(length).ok()?)?;
        if kind != 0 {
            return Some(None);
        }
        Some(Some((String::from_utf8_lossy(name).into_owned(), bytes.number(self.offset_size)?)))
    }

    /// Where a group keeps many links: a heap and a tree.
    fn link_info(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let mut bytes = Bytes::new(bytes);
        bytes.u8()?;
        if bytes.u8()? & 0x01 != 0 {
            bytes.number(8)?;
        }
        Some((bytes.number(self.offset_size)?, bytes.number(self.offset_size)?))
    }

    /// Where an object keeps many attributes.
    fn attribute_info(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let mut bytes = Bytes::new(bytes);
        bytes.u8()?;
        if bytes.u8()? & 0x01 != 0 {
            bytes.number(2)?;
        }
        Some((bytes.number(self.offset_size)?, bytes.number(self.offset_size)?))
    }

    fn attribute(&mut self, message: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Option<(String, Value)>> {
        let damaged = |file: &Self| file.corrupt(0, "", "an attribute cannot be read".to_owned());
        let mut bytes = Bytes::new(message);
        let parts = (|| {
            let (version, flags) = (bytes.u8()?, bytes.u8()?);
            let sizes = [bytes.u16()?, bytes.u16()?, bytes.u16()?].map(usize::from);
            if version == 3 {
                bytes.u8()?;
            }
            let padded = |size: usize| if version == 1 { size.next_multiple_of(8) } else { size };
            let [name, of_type, space] = sizes;
            Some((flags, bytes.take(padded(name))?, bytes.take(padded(of_type))?, bytes.take(padded(space))?))
        })();
        let Some((flags, name, of_type, space)) = parts else { return Err(damaged(self)) };
        let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
        if !wanted(&name) {
            return Ok(None);
        }
        let of_type = self.shared_type(of_type, if flags & 0x01 != 0 { 0x02 } else { 0 }, 0)?;
        let shape = self.space(space).ok_or_else(|| damaged(self))?;
        let count = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        let count = count.ok_or_else(|| damaged(self))?;
        let held = bytes.rest();
        let value = self.value(&of_type, count, held)?;
        Ok(Some((name, value)))
    }

    fn value(&mut self, of_type: &Type, count: u64, held: &[u8]) -> Result<Value> {
        let width = usize::try_from(of_type.size).unwrap_or(usize::MAX).max(1);
        let items = held.chunks_exact(width).take(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(match (of_type.class, of_type.is_text) {
            (0, _) => Value::Integers(
                items
                    .filter_map(|item| Bytes::new(item).number(u8::try_from(item.len()).ok()?))
                    .map(|number| {
                        let empty = 64u64.saturating_sub(of_type.size.saturating_mul(8));
                        match of_type.signed {
                            true => ((number << empty.min(63)) as i64) >> empty.min(63),
                            false => i64::try_from(number).unwrap_or(i64::MAX),
                        }
                    })
                    .collect(),
            ),
            (3, _) => {
                self.budget.charge(self.source, held.len() as u64)?;
                let text = |item: &[u8]| {
                    let end = item.iter().position(|byte| *byte == 0).unwrap_or(item.len());
                    String::from_utf8_lossy(item.get(..end).unwrap_or_default()).into_owned()
                };
                Value::Texts(items.map(text).collect())
            }
            (9, true) => {
                let mut texts = Vec::new();
                for item in items {
                    let mut bytes = Bytes::new(item);
                    let parts = (|| Some((bytes.u32()?, bytes.number(self.offset_size)?, bytes.u32()?)))();
                    let Some((length, address, index)) = parts else { continue };
                    texts.push(self.heap_text(u64::from(length), address, index)?);
                }
                Value::Texts(texts)
            }
            _ => Value::Other,
        })
    }

    /// A text in a collection of the global heap.
    fn heap_text(&mut self, length: u64, collection: u64, index: u32) -> Result<String> {
        if length == 0 || !self.is_defined(collection) {
            return Ok(String::new());
        }
        let width = u64::from(self.length_size);
        let head = self.read(collection, 8 + width)?;
        let damaged = |file: &Self| file.corrupt(collection, "", "a text cannot be found".to_owned());
        if head.get(..4) != Some(b"GCOL".as_slice()) {
            return Err(damaged(self));
        }
        let size = Bytes::new(head.get(8..).unwrap_or_default()).number(self.length_size).unwrap_or(0);
        let end = collection.saturating_add(size);
        let mut at = collection.saturating_add(8 + width);
        for _ in 0..=u16::MAX {
            if at.saturating_add(8 + width) > end {
                break;
            }
            let head = self.read(at, 8 + width)?;
            let mut bytes = Bytes::new(&head);
            let found = bytes.u16().unwrap_or(0);
            bytes.take(6);
            let size = bytes.number(self.length_size).unwrap_or(0);
            at = at.saturating_add(8 + width);
            if u32::from(found) == index {
                let length = length.min(size);
                self.budget.charge(self.source, length)?;
                let bytes = self.read(at, length)?;
                return Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned());
            }
            if found == 0 {
                break;
            }
            at = at.saturating_add(size.checked_next_multiple_of(8).unwrap_or(u64::MAX));
        }
        Err(damaged(self))
    }

    /// A group of the older kind: a tree of tables whose names lie in a heap of their own.
    fn symbol_table(&mut self, tree: u64, heap: u64, links: &mut Vec<(String, u64)>) -> Result<()> {
        let (offset, length) = (u64::from(self.offset_size), u64::from(self.length_size));
        let head = self.read(heap, 8 + 2 * length + offset)?;
        if head.get(..4) != Some(b"HEAP".as_slice()) {
            return Err(self.corrupt(heap, "", "a group's names are expected here".to_owned()));
        }
        let mut bytes = Bytes::new(&head);
        bytes.take(8);
        let size = bytes.number(self.length_size).unwrap_or(0);
        bytes.number(self.length_size);
        let names = bytes.number(self.offset_size).unwrap_or(0);
        self.budget.charge(self.source, size)?;
        let names = self.read(names, size)?;
        let mut nodes = vec![tree];
        let mut met = HashSet::new();
        while let Some(node) = nodes.pop() {
            if !met.insert(node) || met.len() > MOST_BLOCKS {
                return Err(self.corrupt(node, "", "a group's tree bites its own tail".to_owned()));
            }
            let signature = self.read(node, 4)?;
            if signature == b"TREE" {
                let head = self.read(node, 8)?;
                let used = Bytes::new(head.get(6..).unwrap_or_default()).u16().unwrap_or(0);
                let body = self.read(node.saturating_add(8 + 2 * offset), u64::from(used) * (length + offset))?;
                let mut bytes = Bytes::new(&body);
                let mut children = Vec::new();
                for _ in 0..used {
                    bytes.number(self.length_size);
                    children.extend(bytes.number(self.offset_size));
                }
                nodes.extend(children.into_iter().rev());
            } else if signature == b"SNOD" {
                let head = self.read(node, 8)?;
                let used = Bytes::new(head.get(6..).unwrap_or_default()).u16().unwrap_or(0);
                self.budget.charge(self.source, u64::from(used) * 96)?;
                let each = 2 * offset + 24;
                let body = self.read(node.saturating_add(8), u64::from(used) * each)?;
                for entry in body.chunks_exact(usize::try_from(each).unwrap_or(40)) {
                    let mut bytes = Bytes::new(entry);
                    let parts =
                        (|| Some((bytes.number(self.offset_size)?, bytes.number(self.offset_size)?, bytes.u32()?)))();
                    let Some((name, object, kind)) = parts else { continue };
                    // 2 is a link by name.
                    if kind == 2 {
                        continue;
                    }
                    let rest = usize::try_from(name).ok().and_then(|name| names.get(name..)).unwrap_or_default();
                    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
                    let name = rest.get(..end).unwrap_or_default();
                    self.budget.charge(self.source, name.len() as u64)?;
                    links.push((String::from_utf8_lossy(name).into_owned(), object));
                }
            } else {
                return Err(self.corrupt(node, "", "a group's tree is expected here".to_owned()));
            }
        }
        Ok(())
    }

    /// Everything that a tree of version 2 finds in a fractal heap: links or attributes, in the tree's order.
    fn dense(&mut self, heap: u64, tree: u64, each: &mut dyn FnMut(&mut Self, &[u8]) -> Result<()>) -> Result<()> {
        if !self.is_defined(heap) || !self.is_defined(tree) {
            return Ok(());
        }
        let heap = self.heap(heap)?;
        for id in self.heap_ids(tree)? {
            if let Some(bytes) = self.heap_object(&heap, &id)? {
                self.budget.charge(self.source, bytes.len() as u64)?;
                each(self, &bytes)?;
            }
        }
        Ok(())
    }

    fn heap(&mut self, address: u64) -> Result<Heap> {
        let (offset, length) = (self.offset_size, self.length_size);
        let size = 26 + 3 * u64::from(offset) + 12 * u64::from(length);
        let head = self.read(address, size)?;
        let mut bytes = Bytes::new(&head);
        let fields = (|| {
            if bytes.take(4)? != b"FRHP" {
                return None;
            }
            bytes.u8()?;
            let (id_length, filters, _flags) = (bytes.u16()?, bytes.u16()?, bytes.u8()?);
            let largest_object = u64::from(bytes.u32()?);
            // The next huge object's number and tree, free space and its manager.
            bytes.number(length)?;
            bytes.number(offset)?;
            bytes.number(length)?;
            bytes.number(offset)?;
            // Sizes and numbers of managed, huge and tiny objects.
            for _ in 0..8 {
                bytes.number(length)?;
            }
            let table_width = bytes.u16()?;
            let (first_block, largest_block) = (bytes.number(length)?, bytes.number(length)?);
            let heap_bits = bytes.u16()?;
            bytes.u16()?;
            let root = bytes.number(offset)?;
            let rows = bytes.u16()?;
            let is_sound = filters == 0 && table_width > 0 && first_block > 0 && first_block.is_power_of_two();
            let sizes = largest_block >= first_block && largest_block.is_power_of_two() && heap_bits <= 64;
            (is_sound && sizes && (1..=4096).contains(&id_length)).then_some(Heap {
                id_length,
                table_width: u64::from(table_width),
                first_block,
                largest_block,
                offset_width: u8::try_from(heap_bits.div_ceil(8)).unwrap_or(8),
                length_width: {
                    let most = largest_block.min(largest_object.max(1));
                    u8::try_from((u64::BITS - most.leading_zeros()).div_ceil(8)).unwrap_or(8)
                },
                root,
                rows,
            })
        })();
        fields.ok_or_else(|| self.corrupt(address, "", "a heap of links or attributes cannot be read".to_owned()))
    }

    /// The heap identifiers in the records of a tree of version 2.
    fn heap_ids(&mut self, address: u64) -> Result<Vec<Vec<u8>>> {
        let damaged = |file: &Self| file.corrupt(address, "", "a tree of names cannot be read".to_owned());
        let head = self.read(address, 20 + u64::from(self.offset_size) + u64::from(self.length_size))?;
        let mut bytes = Bytes::new(&head);
        let fields = (|| {
            if bytes.take(4)? != b"BTHD" {
                return None;
            }
            bytes.u8()?;
            let kind = bytes.u8()?;
            let (node_size, record_size, depth) = (bytes.u32()?, bytes.u16()?, bytes.u16()?);
            bytes.u16()?;
            Some((
                kind,
                u64::from(node_size),
                u64::from(record_size),
                depth,
                bytes.number(self.offset_size)?,
                bytes.u16()?,
            ))
        })();
        let Some((kind, node_size, record_size, depth, root, records)) = fields else { return Err(damaged(self)) };
        // Where the identifier stands in a record: links by name and by order, attributes by name and by order.
        let id_at = match kind {
            5 => 4,
            6 => 8,
            8 | 9 => 0,
            _ => return Err(damaged(self)),
        };
        if record_size == 0 || node_size < 10 + record_size || u32::from(depth) > MOST_DEPTH {
            return Err(damaged(self));
        }
        // How many records a node of each depth holds, which settles the widths of the counts beside its children.
        let leaf_most = (node_size - 10) / record_size;
        let width = |most: u64| u8::try_from((u64::BITS - most.leading_zeros()).div_ceil(8)).unwrap_or(8).max(1);
        let count_width = width(leaf_most);
        // The count of all records below is not written beside a leaf.
        let mut total_widths = vec![0u8];
        let mut total = leaf_most;
        for _ in 0..depth {
            let below = total_widths.last().copied().unwrap_or(0);
            let pointer = u64::from(self.offset_size) + u64::from(count_width) + u64::from(below);
            let most = node_size.saturating_sub(10 + pointer) / (record_size + pointer);
            total = most.saturating_add(1).saturating_mul(total).saturating_add(most);
            total_widths.push(width(total));
        }
        let mut ids = Vec::new();
        let mut nodes = vec![(root, u64::from(records), depth)];
        let mut visited = 0usize;
        while let Some((node, records, level)) = nodes.pop() {
            visited += 1;
            if visited > MOST_BLOCKS {
                return Err(damaged(self));
            }
            if !self.is_defined(node) || records == 0 {
                continue;
            }
            let body = self.read(node, node_size)?;
            let mut bytes = Bytes::new(&body);
            let signature = if level == 0 { b"BTLF" } else { b"BTIN" };
            if bytes.take(4) != Some(signature.as_slice()) {
                return Err(damaged(self));
            }
            bytes.take(2);
            for _ in 0..records {
                let record = bytes.take(usize::try_from(record_size).unwrap_or(usize::MAX));
                let Some(id) = record.and_then(|record| record.get(id_at..)) else { return Err(damaged(self)) };
                self.budget.charge(self.source, 64)?;
                ids.push(id.to_vec());
            }
            if level > 0 {
                let below = total_widths.get(usize::from(level - 1)).copied().unwrap_or(0);
                for _ in 0..=records {
                    let child = bytes.number(self.offset_size).zip(bytes.number(count_width));
                    bytes.number(below);
                    let Some((child, count)) = child else { return Err(damaged(self)) };
                    nodes.push((child, count, level - 1));
                }
            }
        }
        Ok(ids)
    }

    /// An object of a fractal heap; `None` for a huge one, which lies outside of it.
    fn heap_object(&mut self, heap: &Heap, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let damaged = |file: &Self| file.corrupt(heap.root, "", "an object of a heap cannot be found".to_owned());
        let id = id.get(..usize::from(heap.id_length)).unwrap_or(id);
        let mut bytes = Bytes::new(id);
        let flags = bytes.u8().unwrap_or(0xff);
        match (flags >> 4) & 0x03 {
            0 => {
                let place = bytes.number(heap.offset_width).zip(bytes.number(heap.length_width));
                let Some((offset, length)) = place.filter(|(_, length)| *length <= LARGEST_MESSAGE) else {
                    return Err(damaged(self));
                };
                let Some((block, start)) = self.heap_block(heap, offset)? else { return Err(damaged(self)) };
                self.read(block.saturating_add(offset.saturating_sub(start)), length).map(Some)
            }
            2 => {
                let length = usize::from(flags & 0x0f) + 1;
                Ok(bytes.take(length).map(<[u8]>::to_vec))
            }
            _ => Ok(None),
        }
    }

    /// The direct block that holds an offset of the heap: its address, and the heap's offset of its first byte.
    fn heap_block(&mut self, heap: &Heap, offset: u64) -> Result<Option<(u64, u64)>> {
        if heap.rows == 0 {
            return Ok(Some((heap.root, 0)));
        }
        let (mut node, mut start, mut rows) = (heap.root, 0u64, u64::from(heap.rows));
        for _ in 0..MOST_DEPTH {
            // The blocks of the first two rows have the first size; from there on each row doubles it.
            let mut row_start = start;
            let mut found = None;
            for row in 0..rows.min(64) {
                let size = heap.block_size(row);
                let all = size.saturating_mul(heap.table_width);
                if offset < row_start.saturating_add(all) {
                    let column = offset.saturating_sub(row_start) / size;
                    found = Some((row, column, size, row_start.saturating_add(column.saturating_mul(size))));
                    break;
                }
                row_start = row_start.saturating_add(all);
            }
            let Some((row, column, size, block_start)) = found else { return Ok(None) };
            let head = 5 + u64::from(self.offset_size) + u64::from(heap.offset_width);
            let place = row.saturating_mul(heap.table_width).saturating_add(column);
            let entry = head.saturating_add(place.saturating_mul(u64::from(self.offset_size)));
            let bytes = self.read(node.saturating_add(entry), u64::from(self.offset_size))?;
            let child = Bytes::new(&bytes).number(self.offset_size).unwrap_or(u64::MAX);
            if !self.is_defined(child) {
                return Ok(None);
            }
            if size <= heap.largest_block {
                return Ok(Some((child, block_start)));
            }
            // An indirect block that covers `size` bytes.
            let mut covered = 0u64;
            let mut inner = 0u64;
            while covered < size && inner < 64 {
                covered = covered.saturating_add(heap.block_size(inner).saturating_mul(heap.table_width));
                inner += 1;
            }
            (node, start, rows) = (child, block_start, inner);
        }
        Ok(None)
    }
}

/// A fractal heap.
struct Heap {
    id_length: u16,
    table_width: u64,
    first_block: u64,
    largest_block: u64,
    offset_width: u8,
    length_width: u8,
    root: u64,
    rows: u16,
}

impl Heap {
    fn block_size(&self, row: u64) -> u64 {
        let doublings = u32::try_from(row.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_block.checked_shl(doublings).filter(|size| *size > 0).unwrap_or(u64::MAX)
    }
}

/// A type's message. Types in types are followed as far as needed.
fn data_type(message: &[u8], depth: u32) -> Option<Type> {
    let mut bytes = Bytes::new(message);
    let class = bytes.u8()? & 0x0f;
    let flags = bytes.number(3)?;
    let size = u64::from(bytes.u32()?);
    let mut of = Type { class, size, signed: false, is_brain_float: false, is_text: class == 3 };
    match class {
        0 => of.signed = flags & 0x08 != 0,
        1 => {
            // Bit offset and precision, then where the exponent begins and how wide it is.
            bytes.take(5)?;
            of.is_brain_float = size == 2 && bytes.u8()? == 8;
        }
        9 => of.is_text = flags & 0x0f == 1,
        // A list of fixed length: its elements' type would have to be multiplied out.
        10 if depth < MOST_DEPTH => {}
        _ => {}
    }
    Some(of)
}
