//! Records of named MessagePack: `{metadata, item}`, where modules are maps by their fields' names,
//! lists of modules are lists, and a parameter is `{id, param}` around `{bytes, shape, dtype}`.
//!
//! MessagePack is read as its specification has it. Bytes are skipped by their length.

use super::{MOST_DEPTH, MOST_DIMENSIONS, Reader, Result, Stated};
use crate::formats::error::Problem;
use crate::model::Model;

/// A map of two, the first of which is `metadata`, a map of five beginning with `float`.
pub(super) const BEGINNING: &[u8] = b"\x82\xa8metadata\x85\xa5float";

/// What begins at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Number(u64),
    /// A negative number, a truth value, nothing, or a float: its bytes were skipped.
    Other,
    Text(u64),
    Bytes(u64),
    List(u64),
    Map(u64),
}

pub(super) fn read(reader: &mut Reader<'_, '_>, model: &mut Model) -> Result<()> {
    reader.at = 0;
    let Item::Map(entries) = reader.packed()? else { return Err(reader.corrupt("a map is expected here")) };
    for _ in 0..entries {
        match reader.key()?.as_str() {
            "metadata" => {
                let Item::Map(count) = reader.packed()? else { return Err(reader.corrupt("a map is expected here")) };
                for _ in 0..count {
                    let key = reader.key()?;
                    let start = reader.at;
                    match reader.packed()? {
                        Item::Text(length) => {
                            let text = crate::notes::clip(&reader.text(length)?);
                            match key.as_str() {
                                "version" => model.producer = format!("Burn {text}"),
                                // How it was recorded, in the names of Rust's types: `burn::record::FullPrecision`.
                                _ => model.properties.push((crate::notes::clip(&key), text)),
                            }
                        }
                        _ => {
                            reader.at = start;
                            reader.over_item(0)?;
                        }
                    }
                }
            }
            "item" => reader.module("", model, 0)?,
            _ => reader.over_item(0)?,
        }
    }
    Ok(())
}

impl Reader<'_, '_> {
    fn packed(&mut self) -> Result<Item> {
        let first = self.u8()?;
        Ok(match first {
            0x00..=0x7f => Item::Number(u64::from(first)),
            0x80..=0x8f => Item::Map(u64::from(first & 0x0f)),
            0x90..=0x9f => Item::List(u64::from(first & 0x0f)),
            0xa0..=0xbf => Item::Text(u64::from(first & 0x1f)),
            0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Item::Other,
            0xc4..=0xc6 => Item::Bytes(self.big(1 << (first - 0xc4))?),
            0xc7..=0xc9 => {
                let length = self.big(1 << (first - 0xc7))?;
                self.skip(1)?;
                Item::Bytes(length)
            }
            0xca | 0xd2 => self.other(4)?,
            0xcb | 0xd3 => self.other(8)?,
            0xcc..=0xcf => Item::Number(self.big(1 << (first - 0xcc))?),
            0xd0 => self.other(1)?,
            0xd1 => self.other(2)?,
            0xd4..=0xd8 => {
                self.skip(1)?;
                Item::Bytes(1 << (first - 0xd4))
            }
            0xd9..=0xdb => Item::Text(self.big(1 << (first - 0xd9))?),
            0xdc | 0xdd => Item::List(self.big(if first == 0xdc { 2 } else { 4 })?),
            0xde | 0xdf => Item::Map(self.big(if first == 0xde { 2 } else { 4 })?),
            0xc1 => return Err(self.corrupt("a byte that MessagePack never uses")),
        })
    }

    fn other(&mut self, bytes: u64) -> Result<Item> {
        self.skip(bytes)?;
        Ok(Item::Other)
    }

    /// The name of a field. Maps by number are named by the number.
    fn key(&mut self) -> Result<String> {
        match self.packed()? {
            Item::Text(length) => self.text(length),
            Item::Number(number) => Ok(number.to_string()),
            _ => Err(self.corrupt("a field's name is expected here")),
        }
    }

    /// Steps over one item.
    fn over_item(&mut self, depth: u32) -> Result<()> {
        if depth > MOST_DEPTH {
            return Err(self.too_deep());
        }
        let count = match self.packed()? {
            Item::Text(length) | Item::Bytes(length) => return self.skip(length),
            Item::List(count) => self.numbers_of_one_width(count)?,
            Item::Map(count) => count.saturating_mul(2),
            Item::Number(_) | Item::Other => return Ok(()),
        };
        for _ in 0..count {
            self.over_item(depth + 1)?;
        }
        Ok(())
    }

    /// Records before Burn 0.14 keep weights as lists of floats: a list that begins with one is skipped at once.
    /// Gives how many of its items are left.
    fn numbers_of_one_width(&mut self, count: u64) -> Result<u64> {
        if count > 0 {
            let width = match self.source.byte(self.at)? {
                0xca => 5,
                0xcb => 9,
                _ => return Ok(count),
            };
            self.skip(count.saturating_mul(width))?;
        }
        Ok(0)
    }

    /// A module, a parameter, or a value: adds the tensors in it.
    fn module(&mut self, path: &str, model: &mut Model, depth: u32) -> Result<()> {
        if depth > MOST_DEPTH {
            return Err(self.too_deep());
        }
        let start = self.at;
        match self.packed()? {
            Item::List(count) => {
                if self.numbers_of_one_width(count)? == 0 {
                    return Ok(());
                }
                for number in 0..count {
                    self.module(&join(path, &number.to_string()), model, depth + 1)?;
                }
                Ok(())
            }
            Item::Map(count) => {
                if self.tensor_ahead(count)? {
                    return self.tensor_record(path, count, model);
                }
                for _ in 0..count {
                    let key = self.key()?;
                    match key.as_str() {
                        // The identifier of a parameter, and the wrapper around its tensor.
                        "id" => self.over_item(depth)?,
                        "param" => self.module(path, model, depth + 1)?,
                        _ => self.module(&join(path, &key), model, depth + 1)?,
                    }
                }
                Ok(())
            }
            _ => {
                self.at = start;
                self.over_item(depth)
            }
        }
    }

    /// Whether a map is a tensor: of two or three fields, the first of which holds bytes or a list of numbers.
    fn tensor_ahead(&mut self, count: u64) -> Result<bool> {
        let start = self.at;
        let is_tensor = (2..=3).contains(&count) && matches!(self.key()?.as_str(), "bytes" | "value") && {
            matches!(self.packed()?, Item::Bytes(_) | Item::List(_))
        };
        self.at = start;
        Ok(is_tensor)
    }

    fn tensor_record(&mut self, path: &str, count: u64, model: &mut Model) -> Result<()> {
        let mut stated = Stated::default();
        for _ in 0..count {
            match self.key()?.as_str() {
                "bytes" | "value" => {
                    let start = self.at;
                    match self.packed()? {
                        Item::Bytes(length) => {
                            stated.bytes = Some((self.at, length));
                            self.skip(length)?;
                        }
                        Item::List(length) => {
                            let first = self.at;
                            let width = if length > 0 { self.source.byte(first)? } else { 0xca };
                            let dtype = if width == 0xcb { "F64" } else { "F32" };
                            stated.dtype.get_or_insert(dtype.to_owned());
                            let each = if width == 0xcb { 8 } else { 4 };
                            stated.bytes = Some((first, length.saturating_mul(each)));
                            self.at = start;
                            self.over_item(0)?;
                        }
                        _ => return Err(self.corrupt("a tensor's bytes are expected here")),
                    }
                }
                "shape" => {
                    let Item::List(rank) = self.packed()? else { return Err(self.corrupt("a shape is expected here")) };
                    if rank > MOST_DIMENSIONS {
                        let what = format!("it has {rank} dimensions; at most {MOST_DIMENSIONS} are read");
                        return Err(self.source.error(Some(self.at), path, Problem::OverLimit(what)));
                    }
                    let mut shape = Vec::new();
                    for _ in 0..rank {
                        match self.packed()? {
                            Item::Number(size) => shape.push(size),
                            _ => return Err(self.corrupt("a dimension is expected here")),
                        }
                    }
                    stated.shape = Some(shape);
                }
                "dtype" => match self.packed()? {
                    Item::Text(length) => stated.dtype = Some(self.text(length)?),
                    Item::Map(1) => {
                        let name = self.key()?;
                        let start = self.at;
                        // How a quantised tensor's values are kept, where it is a text: newer records have a map.
                        if let Item::Text(length) = self.packed()? {
                            stated.quantised = Some(self.text(length)?);
                        } else {
                            self.at = start;
                            self.over_item(0)?;
                        }
                        stated.dtype = Some(name);
                    }
                    _ => return Err(self.corrupt("a type is expected here")),
                },
                _ => self.over_item(0)?,
            }
        }
        stated.add(path, self.source, model)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
