//! The FlatBuffers encoding: tables, vectors and texts, read one by one from a [`Source`] without the rest of the file.
//!
//! Knows nothing of TensorFlow. Every offset is checked against the file, and what is read is charged to the budget.

use crate::formats::budget::Budget;
use crate::formats::error::{Problem, ReadError};
use crate::formats::source::Source;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

type Result<T> = std::result::Result<T, ReadError>;

/// Longest text. Names run to a few hundred bytes; fused operators join several.
const MOST_TEXT: u64 = 64 << 10;
/// Most tables of fields that are remembered; equal tables share one.
const MOST_VTABLES: usize = 4096;

/// Bytes of a page: what a source reads at once.
const PAGE: u64 = 16 << 10;
/// Most pages that are kept. Tables point to and fro, so one page would be read again and again.
const MOST_PAGES: usize = 256;

/// A file in this encoding.
pub struct Flat<'a> {
    source: Source<'a>,
    budget: Budget,
    vtables: HashMap<u64, Rc<[u16]>>,
    pages: HashMap<u64, Vec<u8>>,
    /// The pages in the order in which they were read.
    read: VecDeque<u64>,
}

/// A table: its fields are found through a table of their places, which equal tables share.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its first byte.
    pub at: u64,
    fields: Rc<[u16]>,
}

/// A vector: elements of one size after each other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vector {
    /// Its first element's first byte.
    pub start: u64,
    /// How many elements there are.
    pub len: u64,
}

impl<'a> Flat<'a> {
    /// A file of which nothing is read yet.
    pub fn new(source: Source<'a>) -> Self {
        Self {
            source,
            budget: Budget::default(),
            vtables: HashMap::new(),
            pages: HashMap::new(),
            read: VecDeque::new(),
        }
    }

    /// The file itself.
    pub fn into_source(self) -> Source<'a> {
        self.source
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.source.size()
    }

    /// Takes memory from the budget.
    pub fn charge(&mut self, bytes: u64) -> Result<()> {
        self.budget.charge(&self.source, bytes)
    }

    /// An error about a place of the file.
    pub fn error(&self, at: u64, place: &str, problem: Problem) -> ReadError {
        self.source.error(Some(at), place, problem)
    }

    /// An error about what stands at a place.
    pub fn corrupt(&self, at: u64, place: &str, why: impl Into<String>) -> ReadError {
        self.error(at, place, Problem::Corrupt(why.into()))
    }

    /// The file ends before this byte.
    pub fn truncated(&self, needs: u64) -> ReadError {
        self.source.truncated(needs)
    }

    /// The bytes of a stretch. The caller bounds its length.
    pub fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>> {
        let end = at.saturating_add(length);
        if end > self.size() {
            return Err(self.truncated(end));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        let mut place = at;
        while place < end {
            let from = usize::try_from(place % PAGE).unwrap_or(0);
            let rest = self.page(place / PAGE)?.get(from..).unwrap_or_default();
            let wanted = usize::try_from(end - place).unwrap_or(usize::MAX).min(rest.len());
            bytes.extend_from_slice(rest.get(..wanted).unwrap_or_default());
            place += wanted.max(1) as u64;
        }
        Ok(bytes)
    }

    fn page(&mut self, page: u64) -> Result<&[u8]> {
        if !self.pages.contains_key(&page) {
            let start = page.saturating_mul(PAGE);
            let length = self.size().saturating_sub(start).min(PAGE);
            let bytes = self.source.stretch(start, usize::try_from(length).unwrap_or(0))?;
            if self.read.len() >= MOST_PAGES
                && let Some(oldest) = self.read.pop_front()
            {
                self.pages.remove(&oldest);
            }
            self.pages.insert(page, bytes);
            self.read.push_back(page);
        }
        Ok(self.pages.get(&page).map(Vec::as_slice).unwrap_or_default())
    }

    fn number<const N: usize>(&mut self, at: u64) -> Result<[u8; N]> {
        let end = at.saturating_add(N as u64);
        let from = usize::try_from(at % PAGE).unwrap_or(0);
        if end <= self.size()
            && let Some(bytes) = self.page(at / PAGE)?.get(from..from + N)
            && let Ok(bytes) = bytes.try_into()
        {
            return Ok(bytes);
        }
        // Behind the end, or across two pages.
        let bytes = self.bytes(at, N as u64)?;
        bytes.try_into().map_err(|_| self.truncated(end))
    }

    /// The table that the file begins with.
    pub fn root(&mut self) -> Result<Table> {
        let at = u32::from_le_bytes(self.number(0)?);
        self.table(u64::from(at))
    }

    /// The table at a place.
    pub fn table(&mut self, at: u64) -> Result<Table> {
        let back = i64::from(i32::from_le_bytes(self.number(at)?));
        let Some(fields_at) = at.checked_add_signed(back.wrapping_neg()) else {
            return Err(self.corrupt(at, "", "a table points outside the file"));
        };
        if let Some(fields) = self.vtables.get(&fields_at) {
            return Ok(Table { at, fields: fields.clone() });
        }
        let bytes = u16::from_le_bytes(self.number(fields_at)?);
        if bytes < 4 || bytes % 2 != 0 {
            return Err(self.corrupt(fields_at, "", format!("a table of fields cannot have {bytes} bytes")));
        }
        let list = self.bytes(fields_at + 4, u64::from(bytes) - 4)?;
        let pair = |pair: &[u8]| <[u8; 2]>::try_from(pair).map(u16::from_le_bytes).unwrap_or(0);
        let fields: Rc<[u16]> = list.chunks_exact(2).map(pair).collect();
        if self.vtables.len() < MOST_VTABLES {
            self.charge(u64::from(bytes) + 64)?;
            self.vtables.insert(fields_at, fields.clone());
        }
        Ok(Table { at, fields })
    }

    /// Where a field of a table stands; `None` where it is left out.
    pub fn field(&self, table: &Table, slot: u16) -> Option<u64> {
        let offset = *table.fields.get(usize::from(slot))?;
        if offset == 0 { None } else { table.at.checked_add(u64::from(offset)) }
    }

    /// A truth value; `default` where it is left out.
    pub fn bool(&mut self, table: &Table, slot: u16, default: bool) -> Result<bool> {
        Ok(self.int8(table, slot, i8::from(default))? != 0)
    }

    /// An integer of one byte.
    pub fn int8(&mut self, table: &Table, slot: u16, default: i8) -> Result<i8> {
        match self.field(table, slot) {
            Some(at) => Ok(i8::from_le_bytes(self.number(at)?)),
            None => Ok(default),
        }
    }

    /// A signed integer of four bytes.
    pub fn int32(&mut self, table: &Table, slot: u16, default: i32) -> Result<i32> {
        match self.field(table, slot) {
            Some(at) => Ok(i32::from_le_bytes(self.number(at)?)),
            None => Ok(default),
        }
    }

    /// An unsigned integer of four bytes; 0 where it is left out.
    pub fn uint32(&mut self, table: &Table, slot: u16) -> Result<u32> {
        match self.field(table, slot) {
            Some(at) => Ok(u32::from_le_bytes(self.number(at)?)),
            None => Ok(0),
        }
    }

    /// A signed integer of eight bytes.
    pub fn int64(&mut self, table: &Table, slot: u16, default: i64) -> Result<i64> {
        match self.field(table, slot) {
            Some(at) => Ok(i64::from_le_bytes(self.number(at)?)),
            None => Ok(default),
        }
    }

    /// An unsigned integer of eight bytes; 0 where it is left out.
    pub fn uint64(&mut self, table: &Table, slot: u16) -> Result<u64> {
        Ok(self.int64(table, slot, 0)? as u64)
    }

    /// A float of four bytes; 0 where it is left out.
    pub fn float(&mut self, table: &Table, slot: u16) -> Result<f32> {
        match self.field(table, slot) {
            Some(at) => Ok(f32::from_le_bytes(self.number(at)?)),
            None => Ok(0.0),
        }
    }

    /// The place that a field points at.
    fn target(&mut self, at: u64) -> Result<u64> {
        let offset = u32::from_le_bytes(self.number(at)?);
        Ok(at.saturating_add(u64::from(offset)))
    }

    /// A table within a table.
    pub fn inner(&mut self, table: &Table, slot: u16) -> Result<Option<Table>> {
        let Some(at) = self.field(table, slot) else { return Ok(None) };
        let target = self.target(at)?;
        self.table(target).map(Some)
    }

    /// A vector of elements of so many bytes; empty where it is left out.
    pub fn vector(&mut self, table: &Table, slot: u16, size: u64) -> Result<Vector> {
        let Some(at) = self.field(table, slot) else { return Ok(Vector::default()) };
        let target = self.target(at)?;
        let len = u64::from(u32::from_le_bytes(self.number(target)?));
        let start = target.saturating_add(4);
        let end = start.saturating_add(len.saturating_mul(size));
        if end > self.size() {
            return Err(self.truncated(end));
        }
        Ok(Vector { start, len })
    }

    /// The table that an element of a vector of tables points at.
    pub fn table_in(&mut self, vector: Vector, index: u64) -> Result<Option<Table>> {
        if index >= vector.len {
            return Ok(None);
        }
        let target = self.target(vector.start.saturating_add(index.saturating_mul(4)))?;
        self.table(target).map(Some)
    }

    /// A text; empty where it is left out. Bytes that are not UTF-8 are replaced.
    pub fn text(&mut self, table: &Table, slot: u16) -> Result<String> {
        let vector = self.vector(table, slot, 1)?;
        self.text_of(vector)
    }

    /// The text that an element of a vector of texts points at; empty behind its end.
    pub fn text_in(&mut self, vector: Vector, index: u64) -> Result<String> {
        if index >= vector.len {
            return Ok(String::new());
        }
        let target = self.target(vector.start.saturating_add(index.saturating_mul(4)))?;
        let len = u64::from(u32::from_le_bytes(self.number(target)?));
        let start = target.saturating_add(4);
        let end = start.saturating_add(len);
        if end > self.size() {
            return Err(self.truncated(end));
        }
        self.text_of(Vector { start, len })
    }

    fn text_of(&mut self, vector: Vector) -> Result<String> {
        if vector.len > MOST_TEXT {
            let what = format!("a name has {} bytes; at most {MOST_TEXT} are read", vector.len);
            return Err(self.error(vector.start, "", Problem::OverLimit(what)));
        }
        self.charge(vector.len + 32)?;
        let bytes = self.bytes(vector.start, vector.len)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A vector of integers of four bytes.
    pub fn ints32(&mut self, table: &Table, slot: u16) -> Result<Vec<i32>> {
        let vector = self.vector(table, slot, 4)?;
        self.charge(vector.len * 8)?;
        let bytes = self.bytes(vector.start, vector.len * 4)?;
        Ok(bytes.chunks_exact(4).filter_map(|four| four.try_into().ok()).map(i32::from_le_bytes).collect())
    }

    /// A vector of integers of eight bytes.
    pub fn ints64(&mut self, table: &Table, slot: u16) -> Result<Vec<i64>> {
        let vector = self.vector(table, slot, 8)?;
        self.charge(vector.len * 8)?;
        let bytes = self.bytes(vector.start, vector.len * 8)?;
        Ok(bytes.chunks_exact(8).filter_map(|eight| eight.try_into().ok()).map(i64::from_le_bytes).collect())
    }
}
