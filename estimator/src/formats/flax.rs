//! Flax: a tree of JAX arrays in MessagePack, as `flax.serialization` writes it and Hugging Face names it `flax_model.msgpack`.
//!
//! Maps are the tree's branches. An array is an extension of type 1 whose contents are MessagePack again:
//! shape, element type, bytes; the bytes are stepped over. Arrays past a gigabyte are cut into chunks.
//! What the names of a JAX tree tell of an array's role is here, too, for the other formats that keep such trees.

use super::error::{Problem, ReadError};
use super::files::{Files, beside};
use super::huggingface;
use super::safetensors::role;
use super::sniff::Look;
use super::source::Source;
use crate::model::{DType, Model, Packing, Storage, TensorRole, Weight};
use crate::notes::clip;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The extension that holds an array (`_MsgpackExtType.ndarray`), and those of single numbers.
const ARRAY: i8 = 1;
const COMPLEX: i8 = 2;
const SCALAR: i8 = 3;
/// The key that marks an array in chunks.
const CHUNKED: &str = "__msgpack_chunked_array__";
/// Deepest nesting of a tree.
const MOST_DEPTH: usize = 64;
/// Most values of a tree.
const MOST_VALUES: u64 = 4_000_000;
/// Most arrays of a tree, and most bytes of their names.
const MOST_ARRAYS: usize = 400_000;
const MOST_NAME_BYTES: usize = 64 << 20;
/// Longest key.
const LONGEST_KEY: u64 = 4_096;
/// Most dimensions of an array.
const MOST_DIMS: u64 = 64;
/// Most files that an index may name.
const MOST_FILES: usize = 2_000;

/// Whether the file is a map whose first leaf is an array of Flax, or an index of such files.
pub(super) fn recognises(look: &Look, source: &mut Source<'_>) -> Result<bool, ReadError> {
    let begins = |text: &str| look.beginning.windows(text.len()).any(|window| window == text.as_bytes());
    if look.first_letter() == Some(b'{') {
        return Ok(begins("\"weight_map\"") && begins(".msgpack\""));
    }
    if !matches!(look.beginning.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Ok(false);
    }
    let mut pack = Pack { source, at: 0, end: u64::MAX, values: 256 };
    // Anything that is no such tree ends this look, and is no error: other rooms may know the file.
    Ok(pack.leads_to_array(0).unwrap_or(false))
}

/// Reads the tree, and those of the other files of an index.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    let name = source.name().to_owned();
    let mut tree = Tree {
        model: Model { format: "flax".to_owned(), producer: "Flax".to_owned(), weights_only: true, ..Model::default() },
        name_bytes: 0,
        file: None,
    };
    if source.byte(0)? == b'{' {
        for file in files_of(&name, huggingface::object(source)?)? {
            let part = beside(&name, &file);
            match files.find(&part)? {
                Some(part) => {
                    tree.file = Some(file.as_str().into());
                    tree.read(part)?;
                }
                None => tree.model.notes.warn(&file, "this file of weights is missing; only what is here is counted"),
            }
        }
    } else {
        tree.read(source)?;
    }
    if tree.model.graph.weights.is_empty() {
        let problem = Problem::Corrupt("it holds no arrays".to_owned());
        return Err(ReadError { file: name, offset: None, place: String::new(), problem });
    }
    huggingface::around(files, &name)?.describe(&mut tree.model);
    Ok(tree.model)
}

/// The files that an index names.
fn files_of(name: &str, index: serde_json::Map<String, serde_json::Value>) -> Result<BTreeSet<String>, ReadError> {
    let fail = |problem| ReadError { file: name.to_owned(), offset: None, place: "weight_map".to_owned(), problem };
    let map = index.get("weight_map").and_then(serde_json::Value::as_object);
    let files: BTreeSet<String> =
        map.into_iter().flat_map(|map| map.values()).filter_map(|file| Some(file.as_str()?.to_owned())).collect();
    if files.iter().any(|file| file.starts_with('/') || file.split(['/', '\\']).any(|part| part == "..")) {
        return Err(fail(Problem::Corrupt("a file's name leads out of the folder".to_owned())));
    }
    if files.len() > MOST_FILES {
        return Err(fail(Problem::OverLimit(format!("the model has more than {MOST_FILES} files"))));
    }
    Ok(files)
}

/// What an array of a JAX tree is, by the branch that it hangs on.
pub(super) fn role_in_tree(path: &str, weight: &Weight) -> TensorRole {
    let mut branches = path.split(['/', '.']).take(3);
    let found = branches.find_map(|branch| match branch {
        "opt_state" | "optimizer" | "optimizer_state" | "ema_params" | "ema" | "mu" | "nu" => {
            Some(TensorRole::OptimizerState)
        }
        "batch_stats" => Some(TensorRole::Buffer),
        "cache" | "rng" | "rngs" | "dropout_rng" => Some(TensorRole::Setting),
        _ => None,
    });
    // Weights, too, may be whole numbers only where they are quantised.
    found.unwrap_or_else(|| role(path, weight))
}

/// The element type of this name of NumPy's or of the `ml_dtypes` package, and the bits that an array in memory takes of it.
pub(super) fn dtype(name: &str) -> Option<(DType, u64)> {
    Some(match name {
        "float64" => (DType::F64, 64),
        "float32" => (DType::F32, 32),
        "float16" => (DType::F16, 16),
        "bfloat16" => (DType::Bf16, 16),
        "float8_e4m3fn" | "float8_e4m3" | "float8_e4m3b11fnuz" => (DType::F8E4M3, 8),
        "float8_e4m3fnuz" => (DType::F8E4M3Fnuz, 8),
        "float8_e5m2" => (DType::F8E5M2, 8),
        "float8_e5m2fnuz" => (DType::F8E5M2Fnuz, 8),
        "float8_e8m0fnu" => (DType::F8E8M0, 8),
        // Types below a byte take a whole one.
        "float4_e2m1fn" => (DType::F4E2M1, 8),
        "int4" => (DType::I4, 8),
        "uint4" => (DType::U4, 8),
        "int2" => (DType::I2, 8),
        "uint2" => (DType::U2, 8),
        "int64" => (DType::I64, 64),
        "int32" => (DType::I32, 32),
        "int16" => (DType::I16, 16),
        "int8" => (DType::I8, 8),
        "uint64" => (DType::U64, 64),
        "uint32" => (DType::U32, 32),
        "uint16" => (DType::U16, 16),
        "uint8" => (DType::U8, 8),
        "bool" => (DType::Bool, 8),
        "complex64" => (DType::C64, 64),
        "complex128" => (DType::C128, 128),
        _ => return None,
    })
}

/// A tree on its way to a model.
struct Tree {
    model: Model,
    name_bytes: usize,
    /// The file being read, if the model has several.
    file: Option<Arc<str>>,
}

impl Tree {
    fn read(&mut self, mut source: Source<'_>) -> Result<(), ReadError> {
        self.model.file_bytes = self.model.file_bytes.saturating_add(source.size());
        let size = source.size();
        let mut pack = Pack { source: &mut source, at: 0, end: size, values: MOST_VALUES };
        self.branch(&mut pack, "", 0)?;
        if pack.at < size {
            let text = format!("{} bytes follow the tree and belong to no array", size - pack.at);
            self.model.notes.warn(source.name(), text);
        }
        Ok(())
    }

    /// Reads one value of the tree.
    fn branch(&mut self, pack: &mut Pack<'_, '_>, path: &str, depth: usize) -> Result<(), ReadError> {
        if depth > MOST_DEPTH {
            let what = format!("the tree is nested deeper than {MOST_DEPTH} levels");
            return Err(pack.error(path, Problem::OverLimit(what)));
        }
        let begin = pack.at;
        match pack.head(path)? {
            Head::Map(count) => self.map(pack, path, count, depth, begin),
            Head::Array(count) => {
                for index in 0..count {
                    self.branch(pack, &join(path, &index.to_string()), depth + 1)?;
                }
                Ok(())
            }
            Head::Extension(ARRAY, length) => {
                let array = pack.array(path, length)?;
                self.add(pack, path, array, begin)
            }
            Head::Text(length) | Head::Bytes(length) | Head::Extension(_, length) => pack.skip(path, length),
            Head::Number(_) => Ok(()),
        }
    }

    fn map(
        &mut self,
        pack: &mut Pack<'_, '_>,
        path: &str,
        count: u64,
        depth: usize,
        begin: u64,
    ) -> Result<(), ReadError> {
        let mut is_chunked = false;
        let (mut shape, mut chunks): (Vec<u64>, Option<Array>) = (Vec::new(), None);
        for _ in 0..count {
            let key = pack.key(path)?;
            match key.as_str() {
                CHUNKED => {
                    pack.head(path)?;
                    is_chunked = true;
                }
                "shape" if is_chunked => shape = pack.sizes(path)?,
                "chunks" if is_chunked => {
                    let Head::Map(count) = pack.head(path)? else {
                        return Err(pack.error(path, Problem::Corrupt("its chunks are no map".to_owned())));
                    };
                    for _ in 0..count {
                        pack.key(path)?;
                        let Head::Extension(ARRAY, length) = pack.head(path)? else {
                            return Err(pack.error(path, Problem::Corrupt("a chunk is no array".to_owned())));
                        };
                        let chunk = pack.array(path, length)?;
                        chunks = Some(match chunks {
                            None => chunk,
                            Some(sum) => Array { bytes: sum.bytes.saturating_add(chunk.bytes), ..sum },
                        });
                    }
                }
                key => self.branch(pack, &join(path, key), depth + 1)?,
            }
        }
        match chunks {
            Some(chunks) => self.add(pack, path, Array { shape, ..chunks }, begin),
            None => Ok(()),
        }
    }

    fn add(&mut self, pack: &Pack<'_, '_>, path: &str, array: Array, offset: u64) -> Result<(), ReadError> {
        self.name_bytes += path.len();
        if self.model.graph.weights.len() >= MOST_ARRAYS || self.name_bytes > MOST_NAME_BYTES {
            let what = format!("the tree has more than {MOST_ARRAYS} arrays, or their names are too long");
            return Err(pack.error(path, Problem::OverLimit(what)));
        }
        let Array { named, shape, bytes } = array;
        let corrupt = |why: String| pack.error(path, Problem::Corrupt(why));
        let elements = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        let elements = elements.ok_or_else(|| corrupt(format!("its shape {shape:?} has too many elements")))?;
        let storage = match &self.file {
            None => Storage::Inside { offset },
            Some(file) => Storage::Outside { file: file.clone(), offset, present: true },
        };
        let mut weight = match dtype(&named) {
            Some((dtype, bits)) => {
                if elements.checked_mul(bits / 8) != Some(bytes) {
                    let why = format!("{elements} elements of {named} do not take the {bytes} bytes that it has");
                    return Err(corrupt(why));
                }
                let mut weight = Weight::new(dtype, shape, storage);
                weight.packing =
                    (dtype.bits() < 8).then(|| Packing { name: format!("{dtype} in a byte").into(), bytes });
                weight
            }
            None => {
                let name = clip(&named);
                self.model.notes.warn(path, format!("element type {name} is not known here; taken for a float"));
                let mut weight = Weight::new(DType::F32, shape, storage);
                weight.packing = Some(Packing { name: name.into(), bytes });
                weight
            }
        };
        weight.role = Some(role_in_tree(path, &weight));
        self.model.add_weight(path, weight);
        Ok(())
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") }
}

/// An array as its extension states it.
struct Array {
    /// Its element type in NumPy's word.
    named: String,
    shape: Vec<u64>,
    bytes: u64,
}

/// What a value begins with. Numbers are read whole; `None` is one that is no whole number of 0 or more.
enum Head {
    Map(u64),
    Array(u64),
    Text(u64),
    Bytes(u64),
    Extension(i8, u64),
    Number(Option<u64>),
}

/// A reader of MessagePack that steps over what it need not know.
struct Pack<'s, 'a> {
    source: &'s mut Source<'a>,
    at: u64,
    /// Where the value that holds this one ends.
    end: u64,
    /// Values that may still be read.
    values: u64,
}

impl Pack<'_, '_> {
    fn error(&self, path: &str, problem: Problem) -> ReadError {
        self.source.error(Some(self.at), path, problem)
    }

    /// The next bytes as a number, highest first.
    fn number(&mut self, bytes: u64) -> Result<u64, ReadError> {
        let mut number = 0;
        for _ in 0..bytes {
            number = number << 8 | u64::from(self.source.byte(self.at)?);
            self.at += 1;
        }
        Ok(number)
    }

    fn skip(&mut self, path: &str, length: u64) -> Result<(), ReadError> {
        let end = self.at.saturating_add(length);
        if end > self.source.size() {
            return Err(self.source.truncated(end));
        }
        if end > self.end {
            return Err(self.error(path, Problem::Corrupt("a value is longer than what holds it".to_owned())));
        }
        self.at = end;
        Ok(())
    }

    /// Reads what a value begins with.
    fn head(&mut self, path: &str) -> Result<Head, ReadError> {
        let Some(values) = self.values.checked_sub(1) else {
            let what = format!("the tree has more than {MOST_VALUES} values");
            return Err(self.error(path, Problem::OverLimit(what)));
        };
        self.values = values;
        let code = self.number(1)?;
        Ok(match code {
            0x00..=0x7f => Head::Number(Some(code)),
            0x80..=0x8f => Head::Map(code & 0x0f),
            0x90..=0x9f => Head::Array(code & 0x0f),
            0xa0..=0xbf => Head::Text(code & 0x1f),
            0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Head::Number(None),
            0xc4..=0xc6 => Head::Bytes(self.number(1 << (code - 0xc4))?),
            0xc7..=0xc9 => {
                let length = self.number(1 << (code - 0xc7))?;
                Head::Extension(self.kind()?, length)
            }
            0xca | 0xcb => {
                self.number(4 << (code - 0xca))?;
                Head::Number(None)
            }
            0xcc..=0xcf => Head::Number(Some(self.number(1 << (code - 0xcc))?)),
            0xd0..=0xd3 => {
                let bytes = 1 << (code - 0xd0);
                let number = self.number(bytes)?;
                let is_negative = number >> (8 * bytes - 1) & 1 == 1;
                Head::Number((!is_negative).then_some(number))
            }
            0xd4..=0xd8 => Head::Extension(self.kind()?, 1 << (code - 0xd4)),
            0xd9..=0xdb => Head::Text(self.number(1 << (code - 0xd9))?),
            0xdc | 0xdd => Head::Array(self.number(2 << (code - 0xdc))?),
            0xde | 0xdf => Head::Map(self.number(2 << (code - 0xde))?),
            _ => return Err(self.error(path, Problem::Corrupt(format!("no value begins with the byte {code:#04x}")))),
        })
    }

    fn kind(&mut self) -> Result<i8, ReadError> {
        Ok(self.number(1)? as u8 as i8)
    }

    fn text(&mut self, path: &str, length: u64) -> Result<String, ReadError> {
        if length > LONGEST_KEY {
            let what = format!("a name has {length} bytes, more than the {LONGEST_KEY} that are read");
            return Err(self.error(path, Problem::OverLimit(what)));
        }
        let bytes = self.source.stretch(self.at, usize::try_from(length).unwrap_or(0))?;
        self.skip(path, length)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn key(&mut self, path: &str) -> Result<String, ReadError> {
        match self.head(path)? {
            Head::Text(length) | Head::Bytes(length) => self.text(path, length),
            Head::Number(Some(number)) => Ok(number.to_string()),
            _ => Err(self.error(path, Problem::Corrupt("a key of the tree is no text".to_owned()))),
        }
    }

    /// The sizes of a shape, as a list or as a map of places to sizes.
    fn sizes(&mut self, path: &str) -> Result<Vec<u64>, ReadError> {
        let (count, is_map) = match self.head(path)? {
            Head::Array(count) => (count, false),
            Head::Map(count) => (count, true),
            _ => return Err(self.error(path, Problem::Corrupt("its shape is no list".to_owned()))),
        };
        if count > MOST_DIMS {
            return Err(self.error(path, Problem::Corrupt(format!("it has {count} dimensions"))));
        }
        let mut sizes = Vec::new();
        for _ in 0..count {
            if is_map {
                self.key(path)?;
            }
            let Head::Number(Some(size)) = self.head(path)? else {
                return Err(self.error(path, Problem::Corrupt("a size of its shape is no number".to_owned())));
            };
            sizes.push(size);
        }
        Ok(sizes)
    }

    /// Reads the contents of an array's extension and steps over its bytes.
    fn array(&mut self, path: &str, length: u64) -> Result<Array, ReadError> {
        let begin = self.at;
        self.skip(path, length)?;
        let (end, outer) = (self.at, self.end);
        (self.at, self.end) = (begin, end);
        let corrupt = |pack: &Self| pack.error(path, Problem::Corrupt("it is no array of Flax".to_owned()));
        let Head::Array(3) = self.head(path)? else { return Err(corrupt(self)) };
        let shape = self.sizes(path)?;
        let (Head::Text(length) | Head::Bytes(length)) = self.head(path)? else { return Err(corrupt(self)) };
        let named = self.text(path, length)?;
        let (Head::Bytes(bytes) | Head::Text(bytes)) = self.head(path)? else { return Err(corrupt(self)) };
        self.skip(path, bytes)?;
        if self.at != end {
            return Err(corrupt(self));
        }
        self.end = outer;
        Ok(Array { named, shape, bytes })
    }

    /// Whether the first leaves are those of a tree of Flax: follows the tree until an extension or a mark of chunks.
    fn leads_to_array(&mut self, depth: usize) -> Result<bool, ReadError> {
        if depth > MOST_DEPTH {
            return Ok(false);
        }
        let count = match self.head("")? {
            Head::Map(count) => count,
            Head::Extension(kind, _) => return Ok([ARRAY, COMPLEX, SCALAR].contains(&kind)),
            Head::Number(_) => return Ok(false),
            Head::Text(length) | Head::Bytes(length) => {
                self.skip("", length)?;
                return Ok(false);
            }
            Head::Array(_) => return Ok(false),
        };
        for _ in 0..count {
            if self.key("")? == CHUNKED || self.leads_to_array(depth + 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{InMemory, open_folder, open_lone};
    use std::io::Cursor;

    fn golden(name: &str) -> Vec<u8> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jax");
        std::fs::read(folder.join(name)).unwrap()
    }

    fn counts(model: &Model) -> crate::report::Inspection {
        crate::cost::inspect(model, &crate::shapes::infer(model, &Default::default()))
    }

    fn lone(bytes: Vec<u8>) -> Result<Model, ReadError> {
        open_lone("flax_model.msgpack", Cursor::new(bytes))
    }

    #[test]
    fn a_training_state_keeps_its_parts_apart() {
        let model = lone(golden("train_state.msgpack")).unwrap();
        let found = counts(&model);
        assert_eq!(found.parameters, Some(16 * 24 + 24 + 15));
        assert_eq!((found.buffers, found.optimizer_state, found.optimizer_state_bytes), (7, 384, 4 * 384));
        let of = |name: &str, count| (name.to_owned(), count);
        assert_eq!(found.dtypes, [of("bf16", 384), of("f16", 15), of("f32", 24)].into());
        assert!(model.notes.is_empty(), "{:?}", model.notes);
        let names: Vec<&str> = model.values.iter().map(|value| value.name.as_ref()).collect();
        assert!(names.contains(&"params/dense/kernel") && names.contains(&"params/list/0"), "{names:?}");
    }

    #[test]
    fn an_array_in_chunks_is_one_array() {
        let model = lone(golden("chunked.msgpack")).unwrap();
        let found = counts(&model);
        assert_eq!(found.dtypes, [("bf16".to_owned(), 384), ("f32".to_owned(), 24)].into());
        let kernel = model.values.iter().find(|value| value.name.as_ref() == "kernel").unwrap();
        assert_eq!(kernel.weight.as_ref().unwrap().shape, [16, 24]);
    }

    #[test]
    fn an_index_names_the_files() {
        let index = br#"{"metadata": {"total_size": 1}, "weight_map": {"a": "flax_model-00001-of-00002.msgpack",
            "b": "flax_model-00002-of-00002.msgpack"}}"#;
        let files = [
            ("flax_model.msgpack.index.json".to_owned(), index.to_vec()),
            ("flax_model-00002-of-00002.msgpack".to_owned(), golden("chunked.msgpack")),
        ];
        let model = open_folder(&Files::new(InMemory(files.into()))).unwrap();
        assert_eq!(counts(&model).parameters, Some(408));
        assert!(model.notes.iter().any(|note| note.place == "flax_model-00001-of-00002.msgpack"));
    }

    #[test]
    fn cut_and_changed_trees_end_in_errors() {
        let whole = golden("train_state.msgpack");
        for length in 1..whole.len() {
            assert!(lone(whole[..length].to_vec()).is_err(), "{length}");
        }
        for place in 0..600 {
            for value in [0x00, 0x7f, 0x81, 0xc7, 0xdf, 0xff] {
                let mut bytes = whole.clone();
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = value;
                }
                if let Ok(model) = lone(bytes) {
                    counts(&model);
                }
            }
        }
        // Maps in maps, and a map of four billion entries.
        let deep: Vec<u8> = [0x81, 0xa1, b'a'].repeat(10_000);
        assert!(lone(deep).is_err());
        let error = lone([&[0x81, 0xa1, b'a', 0xc7, 14, 1, 0x93, 0x91, 1, 0xa5], &b"int8"[..], &[0xc4, 1, 7]].concat());
        assert!(error.is_err());
    }
}
