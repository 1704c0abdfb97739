//! The shells around the pickle: the ZIP archive, the older stream of pickles, and the oldest tar archive.
//!
//! Each gives the pickle's result and where every storage lies; the storages themselves are stepped over.

use super::super::archive::{Archive, Entry};
use super::super::error::{Problem, ReadError};
use super::super::source::Source;
use super::calls::PERSISTENT;
use super::pickle::{Machine, Object, Tensor, Thing, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// The number that a stream of pickles begins with, little-endian: 0x1950a86a20f9469cfc6c.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Largest pickle that is unpacked into memory. PyTorch stores it unpacked, and then it is read in place.
const MOST_PACKED: u64 = 32 << 20;
/// Largest of the small files beside it.
const MOST_SMALL: u64 = 4096;
/// A tar archive comes in blocks of this size.
const TAR_BLOCK: u64 = 512;
/// Most files of a tar archive that are looked at.
const MOST_TAR_FILES: usize = 64;
/// Most storages and tensors of the oldest format.
const MOST_LISTED: i64 = 1_000_000;

/// A file's contents, all shells taken off.
pub(super) struct Contents {
    pub machine: Machine,
    pub root: Value,
    /// Where storages lie, by key.
    pub places: HashMap<Rc<str>, Place>,
    /// Where the pickle itself begins in the file: arrays in it are told apart by their place.
    pub base: u64,
    /// The version of the archive's layout.
    pub version: Option<i64>,
    /// What people call the shell.
    pub shell: &'static str,
}

/// Where a storage lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub offset: u64,
    /// Its size in the file, where that is known.
    pub bytes: Option<u64>,
}

/// The folder in which an archive keeps everything, with the slash: what stands before `data.pkl`.
pub(super) fn folder(entries: &[Entry]) -> Option<String> {
    let name = entries.iter().map(|entry| entry.name.as_str()).filter(|name| is_pickle(name));
    name.min_by_key(|name| name.len()).and_then(|name| name.strip_suffix("data.pkl")).map(str::to_owned)
}

/// Whether an entry's name is that of an archive's pickle.
pub(super) fn is_pickle(name: &str) -> bool {
    name == "data.pkl" || name.ends_with("/data.pkl")
}

/// Reads a ZIP archive of PyTorch 1.6 and later, or of TorchScript.
pub(super) fn zip(mut archive: Archive<'_>) -> Result<Contents, ReadError> {
    let folder = folder(archive.entries()).unwrap_or_default();
    let name = format!("{folder}data.pkl");
    let at = |entry: &Entry| Place { offset: entry.offset, bytes: Some(entry.size) };
    let data = format!("{folder}data/");
    let places = archive.entries().iter();
    let places = places.filter_map(|entry| Some((entry.name.strip_prefix(&data)?.into(), at(entry)))).collect();
    let version = archive.bytes(&format!("{folder}version"), MOST_SMALL).ok();
    let version = version.and_then(|bytes| String::from_utf8_lossy(&bytes).trim().parse().ok());
    let mut machine = Machine::default();
    let entry = archive.entries().iter().find(|entry| entry.name == name).cloned();
    let Some(entry) = entry else {
        let why = "it has no data.pkl, which says what the weights are".to_owned();
        return Err(archive.error("data.pkl", Problem::Corrupt(why)));
    };
    let base = entry.offset;
    let root = match entry.in_place {
        true => machine.run(&mut archive.into_part(&entry)?, 0)?.0,
        false => {
            let bytes = archive.bytes(&name, MOST_PACKED)?;
            machine.run(&mut Source::new(&name, std::io::Cursor::new(bytes))?, 0)?.0
        }
    };
    Ok(Contents { machine, root, places, base, version, shell: "ZIP archive" })
}

/// Reads one stream of pickles at a place, up to and with the object: its result and the place behind it.
/// `None` if no such stream stands there.
pub(super) fn legacy_root(
    machine: &mut Machine,
    source: &mut Source<'_>,
    at: u64,
) -> Result<Option<(Value, u64)>, ReadError> {
    let (magic, at) = machine.run(source, at)?;
    if !matches!(magic, Value::Long(bytes) if *bytes == MAGIC) {
        return Ok(None);
    }
    let (_protocol, at) = machine.run(source, at)?;
    let (_system, at) = machine.run(source, at)?;
    machine.run(source, at).map(Some)
}

/// Reads a stream of pickles as PyTorch wrote it before 1.6, or a plain pickle.
pub(super) fn pickle(source: &mut Source<'_>) -> Result<Contents, ReadError> {
    let mut machine = Machine::default();
    let (root, end) = machine.run(source, 0)?;
    let contents = |machine, root, places, shell| Contents { machine, root, places, base: 0, version: None, shell };
    if !matches!(&root, Value::Long(bytes) if **bytes == MAGIC) {
        return Ok(contents(machine, root, HashMap::new(), "plain pickle"));
    }
    let (_protocol, end) = machine.run(source, end)?;
    let (_system, end) = machine.run(source, end)?;
    let (root, end) = machine.run(source, end)?;
    let (keys, end) = machine.run(source, end)?;
    // The storages follow in the order of these keys, each behind its length.
    let mut lengths: HashMap<Rc<str>, u64> = HashMap::new();
    for thing in &machine.things {
        if let Thing::Storage(storage) = thing {
            let bytes = storage.dtype.map_or(Some(storage.elements), |dtype| dtype.bytes(storage.elements));
            lengths.insert(Rc::clone(&storage.key), bytes.unwrap_or(u64::MAX));
        }
    }
    let mut places = HashMap::new();
    let mut at = end;
    for key in machine.items(&keys) {
        let key: Rc<str> = match key {
            Value::Text(text) => Rc::clone(text),
            Value::Int(number) => number.to_string().into(),
            _ => continue,
        };
        let bytes = lengths.get(&key).copied().unwrap_or(0);
        let offset = at.saturating_add(8);
        places.insert(key, Place { offset, bytes: Some(bytes) });
        at = offset.saturating_add(bytes);
    }
    if at > source.size() {
        return Err(source.truncated(at));
    }
    Ok(contents(machine, root, places, "stream of pickles"))
}

/// The files in a tar archive that are looked at, by name: where they begin and how long they are.
pub(super) fn tar_files(source: &mut Source<'_>) -> Result<Vec<(String, u64, u64)>, ReadError> {
    let mut files = Vec::new();
    let mut at = 0u64;
    while files.len() < MOST_TAR_FILES && at.saturating_add(TAR_BLOCK) <= source.size() {
        let header = source.stretch(at, 512)?;
        let text = |from: usize, to: usize| {
            let bytes = header.get(from..to).unwrap_or_default();
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).trim().to_owned()
        };
        let name = text(0, 100);
        let Some(length) = u64::from_str_radix(&text(124, 136), 8).ok().filter(|_| !name.is_empty()) else { break };
        let start = at.saturating_add(TAR_BLOCK);
        files.push((name.trim_start_matches("./").to_owned(), start, length));
        at = start.saturating_add(length.div_ceil(TAR_BLOCK).saturating_mul(TAR_BLOCK));
    }
    Ok(files)
}

/// Reads a tar archive as PyTorch wrote it before 0.1.12: the storages, the tensors and the pickle apart.
pub(super) fn tar(source: &mut Source<'_>) -> Result<Contents, ReadError> {
    let files = tar_files(source)?;
    let start = |name: &str| files.iter().find(|(file, _, _)| file == name).map(|(_, start, _)| *start);
    let (Some(storages), Some(tensors), Some(pickle)) = (start("storages"), start("tensors"), start("pickle")) else {
        let what = "a tar archive without PyTorch's files; unpack it first".to_owned();
        return Err(source.error(None, "", Problem::NotAModel(what)));
    };
    let mut machine = Machine::default();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut places = HashMap::new();
    let key_of = |value: Option<&Value>| match value {
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Text(text)) => text.to_string(),
        Some(Value::Long(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => String::new(),
    };
    // Each storage: key, place and class, then its length and its numbers.
    let (count, mut at) = machine.run(source, storages)?;
    for _ in 0..listed(source, &count)? {
        let (description, next) = machine.run(source, at)?;
        let (key, class) = match machine.items(&description) {
            [key, _, class] => (key.clone(), class.clone()),
            _ => (Value::None, Value::None),
        };
        let elements = number(source, next)?;
        let id = [
            Value::Text("storage".into()),
            class,
            Value::Text(key_of(Some(&key)).into()),
            Value::None,
            Value::Int(elements),
        ];
        let id = machine.add(source, Thing::List(id.to_vec()))?;
        if let Value::Thing(index) = super::calls::persistent(&mut machine, source, &id)? {
            let dtype = machine.storage(index).and_then(|storage| storage.dtype);
            let bytes =
                u64::try_from(elements).ok().and_then(|count| dtype.map_or(Some(count), |dtype| dtype.bytes(count)));
            let bytes = bytes.unwrap_or(u64::MAX);
            let offset = next.saturating_add(8);
            places.insert(key_of(Some(&key)).into(), Place { offset, bytes: Some(bytes) });
            known.insert(key_of(Some(&key)), index);
            at = offset.saturating_add(bytes);
        }
        if at > source.size() {
            return Err(source.truncated(at));
        }
    }
    // Parts of storages that have a number of their own.
    let (views, _) = machine.run(source, at)?;
    for view in machine.items(&views).to_vec() {
        if let [target, root, Value::Int(offset), _] = machine.items(&view) {
            let (target, first) = (key_of(Some(target)), u64::try_from(*offset).unwrap_or(0));
            let base = known.get(&key_of(Some(root))).and_then(|index| machine.storage(*index)).cloned();
            if let Some(mut storage) = base {
                storage.first = storage.first.saturating_add(first);
                if let Value::Thing(index) = machine.add(source, Thing::Storage(storage))? {
                    known.insert(target, index);
                }
            }
        }
    }
    // Each tensor: key, storage and class, then rank, sizes, strides and the first element.
    let mut made: HashMap<String, Tensor> = HashMap::new();
    let (count, mut at) = machine.run(source, tensors)?;
    for _ in 0..listed(source, &count)? {
        let (description, next) = machine.run(source, at)?;
        let (key, storage) = match machine.items(&description) {
            [key, storage, _] => (key_of(Some(key)), known.get(&key_of(Some(storage))).copied()),
            _ => (String::new(), None),
        };
        // The rank was once written as eight bytes, of which four are read.
        let rank = u64::try_from(number(source, next)? & 0xffff_ffff).unwrap_or(0);
        if rank > 64 {
            return Err(source.error(
                Some(next),
                "tensors",
                Problem::Corrupt(format!("a tensor of {rank} dimensions")),
            ));
        }
        let mut numbers = Vec::new();
        for index in 0..2 * rank + 1 {
            numbers.push(number(source, next.saturating_add(8 * (index + 1)))?);
        }
        let rank = usize::try_from(rank).unwrap_or(0);
        let shape: Vec<u64> = numbers.iter().take(rank).map(|size| u64::try_from(*size).unwrap_or(0)).collect();
        let first = numbers.last().and_then(|first| u64::try_from(*first).ok()).unwrap_or(0);
        let record = storage.and_then(|index| Some((index, machine.storage(index)?)));
        let tensor = Tensor {
            dtype: record.and_then(|(_, storage)| storage.dtype),
            strides: numbers.iter().skip(rank).take(rank).copied().collect(),
            storage: record.map(|(index, storage)| (index, first.saturating_add(storage.first))),
            shape,
            ..Tensor::default()
        };
        machine.budget.charge(source, 200 + 16 * rank as u64)?;
        made.insert(key, tensor);
        at = next.saturating_add(8 * (numbers.len() as u64 + 1));
    }
    let (root, _) = machine.run(source, pickle)?;
    // What the pickle names by number is put in its place.
    for thing in &mut machine.things {
        let key = match thing {
            Thing::Object(Object { class, arguments: Some(Value::Text(key)), .. }) if class.as_ref() == PERSISTENT => {
                key
            }
            _ => continue,
        };
        if let Some(tensor) = made.get(key.as_ref()) {
            *thing = Thing::Tensor(tensor.clone());
        }
    }
    Ok(Contents { machine, root, places, base: pickle, version: None, shell: "tar archive" })
}

/// How many records follow.
fn listed(source: &Source<'_>, count: &Value) -> Result<i64, ReadError> {
    match count {
        Value::Int(count) if (0..=MOST_LISTED).contains(count) => Ok(*count),
        _ => Err(source.error(None, "tar", Problem::Corrupt("its number of records is no number".to_owned()))),
    }
}

/// Eight bytes as a number.
fn number(source: &mut Source<'_>, at: u64) -> Result<i64, ReadError> {
    let bytes = source.stretch(at, 8)?;
    Ok(bytes.iter().rev().fold(0i64, |number, byte| number << 8 | i64::from(*byte)))
}
