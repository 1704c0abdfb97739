//! Burnpack: ten bytes of header, a description in CBOR, and the tensors' bytes.
//!
//! The description is a map: `tensors` by name with `dtype`, `shape` and `data_offsets`, and texts under `metadata`.
//! CBOR is that of RFC 8949, as far as the description has it.

use super::{MOST_DEPTH, MOST_DIMENSIONS, Reader, Result, Stated};
use crate::formats::error::Problem;
use crate::model::Model;

/// `BURN` as a number, so that its letters stand backwards.
pub(super) const MAGIC: &[u8] = b"NRUB";
/// The version of the format that is known.
const VERSION: u64 = 1;
/// Bytes before the description.
const HEADER: u64 = 10;
/// Tensors begin at multiples of this.
const ALIGNMENT: u64 = 256;
/// Longest description; burnpack's own limit.
const LONGEST_DESCRIPTION: u64 = 100 << 20;
/// Most texts of the metadata that are shown.
const MOST_TEXTS: usize = 50;

/// What begins at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Number(u64),
    Negative,
    Bytes(u64),
    Text(u64),
    /// Elements; open ones end with a break.
    List(Option<u64>),
    Map(Option<u64>),
    Tag,
    /// A truth value, null, or a float, whose bytes were skipped.
    Simple,
    Break,
}

pub(super) fn read(reader: &mut Reader<'_, '_>, model: &mut Model) -> Result<()> {
    reader.at = MAGIC.len() as u64;
    let mut header = [0u64; 6];
    for byte in &mut header {
        *byte = u64::from(reader.u8()?);
    }
    let little = |bytes: &[u64]| bytes.iter().rev().fold(0u64, |number, byte| number << 8 | byte);
    let (version, length) = header.split_at(2);
    let (version, length) = (little(version), little(length));
    if version != VERSION {
        let what = format!("a burnpack file of version {version} (version {VERSION} is known)");
        return Err(reader.source.error(Some(4), "", Problem::Unsupported(what)));
    }
    model.format_version = i64::try_from(version).ok();
    let end = HEADER + length;
    if length > LONGEST_DESCRIPTION {
        let what = format!("its description has {length} bytes; at most {LONGEST_DESCRIPTION} are read");
        return Err(reader.source.error(Some(6), "", Problem::OverLimit(what)));
    }
    if end > reader.source.size() {
        return Err(reader.source.truncated(end));
    }
    let data = end.next_multiple_of(ALIGNMENT);
    let mut needs = end;
    reader.map(&mut |reader, key| match key {
        "tensors" => reader.map(&mut |reader, name| {
            let stated = reader.tensor(data)?;
            if let Some((start, bytes)) = stated.bytes {
                needs = needs.max(start.saturating_add(bytes));
            }
            stated.add(name, reader.source, model)
        }),
        "metadata" => reader.map(&mut |reader, key| {
            let Item::Text(length) = reader.item()? else { return Err(reader.corrupt("a text is expected here")) };
            let text = reader.text(length)?;
            if model.properties.len() < MOST_TEXTS {
                model.properties.push((crate::notes::clip(key), crate::notes::clip(&text)));
            }
            Ok(())
        }),
        _ => reader.pass(0),
    })?;
    if needs > reader.source.size() {
        return Err(reader.source.truncated(needs));
    }
    Ok(())
}

impl Reader<'_, '_> {
    fn item(&mut self) -> Result<Item> {
        let first = self.u8()?;
        let short = first & 0x1f;
        let open = short == 31;
        let number = match short {
            0..=23 => u64::from(short),
            24..=27 => self.big(1 << (short - 24))?,
            31 => 0,
            _ => return Err(self.corrupt("a reserved length in CBOR")),
        };
        Ok(match first >> 5 {
            0 if !open => Item::Number(number),
            1 if !open => Item::Negative,
            2 if !open => Item::Bytes(number),
            3 if !open => Item::Text(number),
            4 => Item::List((!open).then_some(number)),
            5 => Item::Map((!open).then_some(number)),
            6 if !open => Item::Tag,
            7 if open => Item::Break,
            7 => Item::Simple,
            _ => return Err(self.corrupt("an open text or number in CBOR")),
        })
    }

    /// A map of texts to anything; `each` reads one value.
    fn map(&mut self, each: &mut dyn FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        let Item::Map(count) = self.item()? else { return Err(self.corrupt("a map is expected here")) };
        let mut number = 0;
        while count.is_none_or(|count| number < count) {
            number += 1;
            let length = match self.item()? {
                Item::Text(length) => length,
                Item::Break if count.is_none() => break,
                _ => return Err(self.corrupt("a name is expected here")),
            };
            let key = self.text(length)?;
            each(self, &key)?;
        }
        Ok(())
    }

    fn numbers(&mut self) -> Result<Vec<u64>> {
        let Item::List(count) = self.item()? else { return Err(self.corrupt("a list is expected here")) };
        let mut numbers = Vec::new();
        while count.is_none_or(|count| (numbers.len() as u64) < count) {
            match self.item()? {
                Item::Number(number) if (numbers.len() as u64) < MOST_DIMENSIONS => numbers.push(number),
                Item::Break if count.is_none() => break,
                _ => return Err(self.corrupt("a short list of numbers is expected here")),
            }
        }
        Ok(numbers)
    }

    fn tensor(&mut self, data: u64) -> Result<Stated> {
        let mut stated = Stated::default();
        let mut offsets = None;
        self.map(&mut |reader, key| {
            match key {
                "dtype" => (stated.dtype, stated.quantised) = reader.variant()?,
                "shape" => stated.shape = Some(reader.numbers()?),
                "data_offsets" => offsets = Some(reader.numbers()?),
                _ => reader.pass(0)?,
            }
            Ok(())
        })?;
        if let Some([start, end]) = offsets.as_deref() {
            let Some(bytes) = end.checked_sub(*start) else {
                return Err(self.corrupt("a tensor ends before it begins"));
            };
            stated.bytes = Some((data.saturating_add(*start), bytes));
        }
        Ok(stated)
    }

    /// A type: a text, or a map of one with what belongs to it. Of a quantised one, how its values are kept.
    fn variant(&mut self) -> Result<(Option<String>, Option<String>)> {
        let start = self.at;
        match self.item()? {
            Item::Text(length) => Ok((Some(self.text(length)?), None)),
            Item::Map(_) => {
                self.at = start;
                let (mut name, mut quantised) = (None, None);
                self.map(&mut |reader, key| {
                    name = Some(key.to_owned());
                    let start = reader.at;
                    if key == "QFloat" && matches!(reader.item()?, Item::Map(_)) {
                        reader.at = start;
                        return reader.map(&mut |reader, key| {
                            let start = reader.at;
                            match reader.item()? {
                                Item::Text(length) if key == "value" => quantised = Some(reader.text(length)?),
                                _ => {
                                    reader.at = start;
                                    reader.pass(0)?;
                                }
                            }
                            Ok(())
                        });
                    }
                    reader.at = start;
                    reader.pass(0)
                })?;
                Ok((name, quantised))
            }
            _ => Err(self.corrupt("a type is expected here")),
        }
    }

    /// Steps over one item.
    fn pass(&mut self, depth: u32) -> Result<()> {
        if depth > MOST_DEPTH {
            return Err(self.too_deep());
        }
        let item = self.item()?;
        self.pass_rest(item, depth)
    }

    fn pass_rest(&mut self, item: Item, depth: u32) -> Result<()> {
        let (count, each) = match item {
            Item::Bytes(length) | Item::Text(length) => return self.skip(length),
            Item::Tag => return self.pass(depth + 1),
            Item::List(count) => (count, 1),
            Item::Map(count) => (count, 2),
            Item::Break => return Err(self.corrupt("an end without a beginning")),
            Item::Number(_) | Item::Negative | Item::Simple => return Ok(()),
        };
        let mut number = 0u64;
        let count = count.map(|count| count.saturating_mul(each));
        while count.is_none_or(|count| number < count) {
            number += 1;
            if depth > MOST_DEPTH {
                return Err(self.too_deep());
            }
            let item = self.item()?;
            if item == Item::Break && count.is_none() {
                break;
            }
            self.pass_rest(item, depth + 1)?;
        }
        Ok(())
    }
}
