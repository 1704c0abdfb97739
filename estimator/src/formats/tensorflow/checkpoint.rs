//! The index of a checkpoint: a sorted table of names, each with shape, type and place of a tensor in the data files.
//!
//! The table is made of blocks of keys that share prefixes, with an index of blocks and a footer at the end.

use super::build::role_of;
use super::graph::dtype;
use super::proto::tensor_shape;
use crate::formats::budget::Budget;
use crate::formats::error::{Problem, ReadError};
use crate::formats::files::Files;
use crate::formats::protobuf::{Fields, whole};
use crate::formats::source::Source;
use crate::model::{DType, Model, Storage, TensorRole, Weight};
use std::io::Cursor;

type Result<T> = std::result::Result<T, ReadError>;

/// The last eight bytes of a table.
const MAGIC: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/// Bytes of the footer.
const FOOTER: u64 = 48;
/// Largest block; TensorFlow writes blocks of 4 to 256 kB.
const MOST_BLOCK: u64 = 16 << 20;
/// Longest key.
const MOST_KEY: usize = 64 << 10;

/// Whether the file ends as a table does.
pub fn looks_like(source: &mut Source<'_>) -> Result<bool> {
    match source.size().checked_sub(8) {
        Some(at) if source.size() >= FOOTER => Ok(source.stretch(at, 8)? == MAGIC),
        _ => Ok(false),
    }
}

/// Reads the index. The data files are not opened.
pub fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model> {
    let mut budget = Budget::default();
    let at = source.size().saturating_sub(FOOTER);
    let footer = source.stretch(at, usize::try_from(FOOTER).unwrap_or(0))?;
    let mut bytes = footer.as_slice();
    // The first handle is that of an index of filters, which is empty.
    let handles = [(); 4].map(|()| varint(&mut bytes));
    let [Some(_), Some(_), Some(offset), Some(size)] = handles else {
        return Err(source.error(Some(at), "footer", Problem::Corrupt("a place takes more than ten bytes".to_owned())));
    };
    let prefix = source.name().strip_suffix(".index").unwrap_or(source.name()).to_owned();
    let mut model = Model {
        format: "tensorflow checkpoint".to_owned(),
        file_bytes: source.size(),
        weights_only: true,
        ..Model::default()
    };
    let mut shards = 1;
    let index = entries(&mut source, &mut budget, offset, size)?;
    for (_, handle, place) in index {
        let mut handle = handle.as_slice();
        let (Some(offset), Some(size)) = (varint(&mut handle), varint(&mut handle)) else {
            return Err(source.error(Some(place), "index", Problem::Corrupt("a block has no place".to_owned())));
        };
        for (key, value, place) in entries(&mut source, &mut budget, offset, size)? {
            // What is in memory already is not read from the file again.
            let mut value = Source::new(source.name(), Cursor::new(value))?;
            let from_file = |mut error: ReadError| {
                error.offset = error.offset.map(|offset| offset.saturating_add(place));
                error
            };
            if key.is_empty() {
                shards = header(&mut value).map_err(from_file)?;
                continue;
            }
            // Slices of partitioned variables stand under keys that begin with 0, the whole under its name.
            if key.first() == Some(&0) {
                continue;
            }
            let key = String::from_utf8_lossy(&key).into_owned();
            let Some(tensor) = tensor(&mut value, &mut budget).map_err(from_file)? else { continue };
            let name = key.strip_suffix("/.ATTRIBUTES/VARIABLE_VALUE").unwrap_or(&key).to_owned();
            let file = format!("{prefix}.data-{:05}-of-{shards:05}", tensor.shard);
            let present = files.lists(&file);
            let storage = Storage::Outside { file: file.as_str().into(), offset: tensor.offset, present };
            let mut weight = Weight::new(tensor.dtype, tensor.shape, storage);
            weight.role = role_of(&name).or(match tensor.dtype.is_float() {
                true => Some(TensorRole::Parameter),
                // Steps and counters; quantised weights have a shape.
                false if weight.shape.is_empty() || weight.dtype.bits() > 8 => Some(TensorRole::Setting),
                false => Some(TensorRole::Parameter),
            });
            model.add_weight(&name, weight);
        }
    }
    Ok(model)
}

/// Key, value and the value's place of each entry of a block.
type Entries = Vec<(Vec<u8>, Vec<u8>, u64)>;

/// The entries of a block.
fn entries(source: &mut Source<'_>, budget: &mut Budget, offset: u64, size: u64) -> Result<Entries> {
    let corrupt =
        |source: &Source<'_>, at: u64, why: &str| source.error(Some(at), "", Problem::Corrupt(why.to_owned()));
    if size > MOST_BLOCK {
        let what = format!("a block of the index has {size} bytes; at most {MOST_BLOCK} are read");
        return Err(source.error(Some(offset), "", Problem::OverLimit(what)));
    }
    budget.charge(source, size)?;
    let block = source.stretch(offset, usize::try_from(size).unwrap_or(0))?;
    if source.byte(offset.saturating_add(size))? != 0 {
        let what = "a checkpoint index that is packed with Snappy";
        return Err(source.error(Some(offset), "", Problem::Unsupported(what.to_owned())));
    }
    // Behind the entries stand the places where keys begin anew, and how many there are.
    let count = block.len().checked_sub(4).and_then(|at| block.get(at..)).and_then(|four| four.try_into().ok());
    let restarts = u64::from(u32::from_le_bytes(count.unwrap_or_default()));
    let end = size.checked_sub(4).and_then(|rest| rest.checked_sub(restarts.checked_mul(4)?));
    let Some(mut rest) = end.and_then(|end| block.get(..usize::try_from(end).ok()?)) else {
        return Err(corrupt(source, offset, "a block is shorter than its own index"));
    };
    let length = rest.len();
    let mut entries: Entries = Vec::new();
    let mut key: Vec<u8> = Vec::new();
    while !rest.is_empty() {
        let here = offset.saturating_add((length - rest.len()) as u64);
        let lengths = [(); 3].map(|()| varint(&mut rest).and_then(|length| usize::try_from(length).ok()));
        let [Some(shared), Some(own), Some(value)] = lengths else {
            return Err(corrupt(source, here, "an entry has no lengths"));
        };
        let (Some(kept), Some((added, behind))) = (key.get(..shared), rest.split_at_checked(own)) else {
            return Err(corrupt(source, here, "a key is longer than its block"));
        };
        if shared.saturating_add(own) > MOST_KEY {
            let what = format!("a name has more than {MOST_KEY} bytes");
            return Err(source.error(Some(here), "", Problem::OverLimit(what)));
        }
        key = [kept, added].concat();
        let Some((value, behind)) = behind.split_at_checked(value) else {
            return Err(corrupt(source, here, "a value is longer than its block"));
        };
        let place = offset.saturating_add((length - behind.len() - value.len()) as u64);
        budget.charge(source, 128 + (key.len() + value.len()) as u64)?;
        entries.push((key.clone(), value.to_vec(), place));
        rest = behind;
    }
    Ok(entries)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..10u32 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(place * 7).unwrap_or(0);
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The number of data files in `BundleHeaderProto`.
fn header(source: &mut Source<'_>) -> Result<u64> {
    let mut shards = 1;
    let mut fields = Fields::of(whole(source));
    while let Some(field) = fields.next(source)? {
        if field.number == 1 {
            shards = field.number(source)?;
        }
    }
    Ok(shards)
}

/// What an entry says of a tensor.
struct Tensor {
    dtype: DType,
    shape: Vec<u64>,
    shard: u64,
    offset: u64,
}

/// `BundleEntryProto`; `None` for what is no tensor of numbers.
fn tensor(source: &mut Source<'_>, budget: &mut Budget) -> Result<Option<Tensor>> {
    let (mut of, mut shape, mut shard, mut offset) = (None, Some(Vec::new()), 0, 0);
    let mut fields = Fields::of(whole(source));
    while let Some(field) = fields.next(source)? {
        match field.number {
            1 => of = dtype(field.integer(source)?),
            2 => shape = tensor_shape(field.span(source)?, source, budget)?,
            3 => shard = field.number(source)?,
            4 => offset = field.number(source)?,
            _ => {}
        }
    }
    let shape = shape.and_then(|shape| shape.into_iter().collect::<Option<Vec<u64>>>());
    Ok(match (of, shape) {
        (Some(DType::Text) | None, _) | (_, None) => None,
        (Some(dtype), Some(shape)) => Some(Tensor { dtype, shape, shard, offset }),
    })
}
