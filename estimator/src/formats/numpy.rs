//! NumPy: arrays in `.npy` files and archives of them (`.npz`).
//!
//! A `.npy` file is a magic word, a length, and a header that is the text of a Python dictionary: element type, order, shape.
//! The text is parsed here as the literal that it must be; nothing is evaluated, and arrays of Python objects,
//! whose bytes are pickles, are refused. The arrays themselves are never read.

use super::archive::Archive;
use super::error::{Problem, ReadError};
use super::files::{Files, base_name};
use super::safetensors::role;
use super::sniff::Look;
use super::source::Source;
use crate::model::{DType, Model, Packing, Storage, TensorRole, Weight};
use crate::notes::clip;

/// How a `.npy` file begins.
const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header that is read, in bytes. Only tables with hundreds of named columns come near it.
const LONGEST_HEADER: usize = 1 << 20;
/// What is read first: the header of all but the oddest arrays.
const USUAL_HEADER: usize = 1 << 10;
/// Deepest nesting of the header's literal.
const MOST_DEPTH: usize = 16;
/// Most dimensions of an array (NumPy 2 allows 64).
const MOST_DIMS: usize = 64;

/// Whether the file is an array or an archive of nothing but arrays.
pub(super) fn recognises(look: &Look, _: &mut Source<'_>) -> Result<bool, ReadError> {
    let arrays = !look.entries.is_empty() && look.entries.iter().all(|name| name.ends_with(".npy"));
    Ok(look.has(0, MAGIC) || arrays)
}

/// Reads the arrays' headers.
pub(super) fn read(_: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    let mut model = Model {
        format: "numpy".to_owned(),
        producer: "NumPy".to_owned(),
        weights_only: true,
        file_bytes: source.size(),
        ..Model::default()
    };
    let file = source.name().to_owned();
    if source.stretch(0, MAGIC.len().min(usize::try_from(source.size()).unwrap_or(usize::MAX)))? == MAGIC {
        let size = source.size();
        let most = usize::try_from(size).unwrap_or(usize::MAX).min(LONGEST_HEADER);
        let mut begin = source.stretch(0, most.min(USUAL_HEADER))?;
        if needed(&begin).is_some_and(|needed| needed > begin.len()) {
            begin = source.stretch(0, most)?;
        }
        let fail = |problem| source.error(Some(0), "header", problem);
        let array = Array::of(&begin, size).map_err(fail)?;
        let name = base_name(&file).strip_suffix(".npy").unwrap_or("array").to_owned();
        add(&mut model, &name, array, 0);
    } else {
        let mut archive = Archive::open(source)?;
        for entry in archive.entries().to_vec() {
            let mut begin = archive.beginning(&entry.name, USUAL_HEADER)?;
            if needed(&begin).is_some_and(|needed| needed > begin.len()) {
                begin = archive.beginning(&entry.name, LONGEST_HEADER)?;
            }
            let array = Array::of(&begin, entry.size).map_err(|problem| archive.error(&entry.name, problem))?;
            let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name);
            add(&mut model, name, array, entry.offset);
        }
    }
    let text = "the file does not say what its arrays are; arrays of floats are counted as parameters";
    model.notes.info("", text);
    Ok(model)
}

/// Adds an array to a model.
fn add(model: &mut Model, name: &str, array: Array, offset: u64) {
    let Array { element, shape, bytes } = array;
    let mut weight = Weight::new(element.dtype, shape, Storage::Inside { offset });
    if let Some(packing) = element.packing {
        weight.packing = Some(Packing { name: packing.into(), bytes });
    }
    let told = role(name, &weight);
    weight.role = Some(match element.role {
        Some(role) => role,
        None => told,
    });
    if element.is_guess {
        let text = format!(
            "stored as {} raw bytes an element, as NumPy does with types it has no name for; taken for {}",
            element.width, element.dtype
        );
        model.notes.warn(name, text);
    }
    model.add_weight(name, weight);
}

/// The type that a code such as `<f4` names, if it is one of plain numbers.
pub(super) fn number(code: &str) -> Option<DType> {
    let element = Element::of(Some(&Value::Text(code.to_owned()))).ok()?;
    (element.packing.is_none() && !element.is_guess).then_some(element.dtype)
}

/// Bytes up to the end of the header, as its length says.
fn needed(begin: &[u8]) -> Option<usize> {
    let (start, length) = header_place(begin)?;
    start.checked_add(length)
}

/// Where the header begins and how long it is.
fn header_place(begin: &[u8]) -> Option<(usize, usize)> {
    match *begin.strip_prefix(MAGIC)? {
        [1, _, a, b, ..] => Some((10, usize::from(u16::from_le_bytes([a, b])))),
        [2 | 3, _, a, b, c, d, ..] => Some((12, usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?)),
        _ => None,
    }
}

/// An array as its header states it.
#[derive(Debug, PartialEq)]
struct Array {
    element: Element,
    shape: Vec<u64>,
    bytes: u64,
}

impl Array {
    /// Reads the header of an array of `size` bytes in all.
    fn of(begin: &[u8], size: u64) -> Result<Self, Problem> {
        let corrupt = |why: String| Problem::Corrupt(why);
        let Some((start, length)) = header_place(begin) else {
            let known = begin.starts_with(MAGIC);
            return Err(match begin.get(MAGIC.len()) {
                Some(version) if known && *version > 3 => {
                    Problem::Unsupported(format!("a NumPy array of version {version}"))
                }
                _ => corrupt("it does not begin as a NumPy array".to_owned()),
            });
        };
        let end = start.saturating_add(length);
        if end as u64 > size {
            return Err(Problem::Truncated { needs: end as u64, has: size });
        }
        let Some(header) = begin.get(start..end) else {
            let what =
                format!("the header has {length} bytes, more than the {} KiB that are read", LONGEST_HEADER >> 10);
            return Err(Problem::OverLimit(what));
        };
        let text = String::from_utf8_lossy(header);
        let mut literal = Literal { rest: text.trim() };
        let parsed = literal.value(0).filter(|_| literal.rest.trim().is_empty());
        let Some(Value::Dict(entries)) = parsed else {
            return Err(corrupt(format!("its header is not a dictionary of plain values: {}", clip(&text))));
        };
        let get = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let shape = match get("shape") {
            Some(Value::List(sizes)) if sizes.len() <= MOST_DIMS => {
                let size = |value: &Value| if let Value::Int(size) = value { u64::try_from(*size).ok() } else { None };
                sizes.iter().map(size).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        let shape = shape.ok_or_else(|| corrupt("its header has no shape".to_owned()))?;
        let element = Element::of(get("descr"))?;
        let elements = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        let bytes = elements.and_then(|elements| elements.checked_mul(element.width));
        let bytes = bytes.ok_or_else(|| corrupt(format!("its shape {shape:?} has more bytes than 64 bits count")))?;
        let has = size - end as u64;
        match bytes {
            bytes if bytes > has => Err(Problem::Truncated { needs: bytes.saturating_add(end as u64), has: size }),
            bytes => Ok(Self { element, shape, bytes }),
        }
    }
}

/// What one element is.
#[derive(Debug, Clone, PartialEq)]
struct Element {
    dtype: DType,
    /// Bytes of one element.
    width: u64,
    /// Its name, where no type of ours has its width.
    packing: Option<String>,
    role: Option<TensorRole>,
    is_guess: bool,
}

impl Element {
    /// Reads a `descr`: a code such as `<f4`, or a list of named columns.
    fn of(descr: Option<&Value>) -> Result<Self, Problem> {
        let unknown = |what: &str| Problem::Unsupported(format!("a NumPy array of {what}"));
        let plain = |dtype: DType, width| Self { dtype, width, packing: None, role: None, is_guess: false };
        let setting = |dtype, width, name: &str| Self {
            dtype,
            width,
            packing: Some(name.to_owned()),
            role: Some(TensorRole::Setting),
            is_guess: false,
        };
        let code = match descr {
            Some(Value::Text(code)) => code,
            Some(columns @ Value::List(_)) => {
                let width = row_bytes(columns, 0).ok_or_else(|| unknown("columns whose types are not plain"))?;
                return Ok(setting(DType::U8, width, "columns"));
            }
            _ => return Err(Problem::Corrupt("its header has no element type".to_owned())),
        };
        let code = code.trim_start_matches(['<', '>', '|', '=']);
        let split = code.char_indices().nth(1).map_or(code.len(), |(at, _)| at);
        let (kind, width) = code.split_at(split);
        // Times carry their unit in brackets: `M8[ns]`.
        let width = width.split('[').next().unwrap_or_default();
        let width: u64 = if width.is_empty() { 0 } else { width.parse().map_err(|_| unknown(&clip(code)))? };
        let dtype = match (kind, width) {
            ("f", 2) => DType::F16,
            ("f", 4) => DType::F32,
            ("f", 8) => DType::F64,
            ("f", 10 | 12 | 16) => {
                return Ok(Self { packing: Some(format!("float{}", width * 8)), ..plain(DType::F64, width) });
            }
            ("i", 1) => DType::I8,
            ("i", 2) => DType::I16,
            ("i", 4) => DType::I32,
            ("i", 8) => DType::I64,
            ("u", 1) => DType::U8,
            ("u", 2) => DType::U16,
            ("u", 4) => DType::U32,
            ("u", 8) => DType::U64,
            ("b", 1) => DType::Bool,
            ("c", 8) => DType::C64,
            ("c", 16) => DType::C128,
            ("M" | "m", 8) => return Ok(setting(DType::I64, 8, "time")),
            ("S" | "a", _) => return Ok(setting(DType::Text, width, "text")),
            ("U", _) => {
                let width = width.checked_mul(4).ok_or_else(|| unknown("texts past 64 bits"))?;
                return Ok(setting(DType::Text, width, "text"));
            }
            // JAX's bfloat16 and 8-bit floats are unknown to NumPy, which stores their bytes.
            ("V", 2) => return Ok(Self { is_guess: true, ..plain(DType::Bf16, 2) }),
            ("V", 1) => return Ok(Self { is_guess: true, ..plain(DType::F8E4M3, 1) }),
            ("V", _) => return Ok(setting(DType::U8, width, "bytes")),
            ("O", _) => {
                let what = "Python objects, whose bytes are a program to run, and which are therefore not read";
                return Err(unknown(what));
            }
            _ => return Err(unknown(&format!("the element type {}", clip(code)))),
        };
        Ok(plain(dtype, width))
    }
}

/// Bytes of a row of named columns: `[('x', '<f4'), ('y', '<i8', (2, 3))]`.
fn row_bytes(columns: &Value, depth: usize) -> Option<u64> {
    let Value::List(columns) = columns else { return None };
    columns.iter().try_fold(0u64, |sum, column| {
        let Value::List(parts) = column else { return None };
        let of_type = match parts.get(1)? {
            nested @ Value::List(_) if depth < MOST_DEPTH => row_bytes(nested, depth + 1)?,
            code => Element::of(Some(code)).ok()?.width,
        };
        let times = match parts.get(2) {
            None => 1,
            Some(Value::Int(size)) => u64::try_from(*size).ok()?,
            Some(Value::List(sizes)) => sizes.iter().try_fold(1u64, |product, size| match size {
                Value::Int(size) => product.checked_mul(u64::try_from(*size).ok()?),
                _ => None,
            })?,
            Some(_) => return None,
        };
        sum.checked_add(of_type.checked_mul(times)?)
    })
}

/// A value of the header's literal.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Int(i64),
    Other,
    /// A list or a tuple.
    List(Vec<Value>),
    Dict(Vec<(String, Value)>),
}

/// A parser of the few Python literals that NumPy writes.
struct Literal<'t> {
    rest: &'t str,
}

impl Literal<'_> {
    fn skip(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MOST_DEPTH {
            return None;
        }
        if self.skip("{") {
            let mut entries = Vec::new();
            while !self.skip("}") {
                let Value::Text(key) = self.value(depth + 1)? else { return None };
                if !self.skip(":") {
                    return None;
                }
                entries.push((key, self.value(depth + 1)?));
                if !self.skip(",") && !self.rest.trim_start().starts_with('}') {
                    return None;
                }
            }
            return Some(Value::Dict(entries));
        }
        for (open, close) in [("(", ")"), ("[", "]")] {
            if self.skip(open) {
                let mut items = Vec::new();
                while !self.skip(close) {
                    items.push(self.value(depth + 1)?);
                    if !self.skip(",") && !self.rest.trim_start().starts_with(close) {
                        return None;
                    }
                }
                return Some(Value::List(items));
            }
        }
        for word in ["True", "False", "None"] {
            if self.skip(word) {
                return Some(Value::Other);
            }
        }
        for quote in ["'", "\""] {
            if self.skip(quote) {
                // NumPy escapes nothing in the names it writes itself.
                let (text, rest) = self.rest.split_once(quote)?;
                self.rest = rest;
                return Some(Value::Text(text.to_owned()));
            }
        }
        let end = self.rest.find(|letter: char| !letter.is_ascii_digit() && letter != '-').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end)?;
        let number = digits.parse().ok()?;
        // Python 2 wrote long numbers with an `L`.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        Some(Value::Int(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::open_lone;
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    /// A `.npy` file as NumPy writes it, filled with zeros.
    fn npy(version: u8, header: &str, data: usize) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        let padded = format!("{header}{}\n", " ".repeat(20));
        match version {
            1 => bytes.extend((padded.len() as u16).to_le_bytes()),
            _ => bytes.extend((padded.len() as u32).to_le_bytes()),
        }
        bytes.extend(padded.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn plain(descr: &str, shape: &str, data: usize) -> Vec<u8> {
        npy(1, &format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"), data)
    }

    fn read_lone(bytes: Vec<u8>) -> Result<Model, ReadError> {
        open_lone("w.npy", Cursor::new(bytes))
    }

    fn first(model: &Model) -> &Weight {
        model.values.first().and_then(|value| value.weight.as_ref()).unwrap()
    }

    #[test]
    fn headers_of_all_versions_and_types() {
        for version in [1, 2, 3] {
            let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
            let model = read_lone(npy(version, header, 48)).unwrap();
            assert_eq!((first(&model).dtype, first(&model).shape.as_slice()), (DType::F32, &[3, 4][..]));
            assert_eq!(model.values.first().map(|value| value.name.as_ref()), Some("w"));
        }
        for (descr, dtype, width, role) in [
            ("'<f2'", DType::F16, 2, TensorRole::Parameter),
            ("'>f8'", DType::F64, 8, TensorRole::Parameter),
            ("'<f16'", DType::F64, 16, TensorRole::Parameter),
            ("'|V2'", DType::Bf16, 2, TensorRole::Parameter),
            ("'<c8'", DType::C64, 8, TensorRole::Parameter),
            ("'|b1'", DType::Bool, 1, TensorRole::Setting),
            ("'<i8'", DType::I64, 8, TensorRole::Setting),
            ("'<M8[ns]'", DType::I64, 8, TensorRole::Setting),
            ("'<U7'", DType::Text, 28, TensorRole::Setting),
            ("[('x', '<f4'), ('y', '<i8', (2, 3)), ('z', [('a', '|u1')])]", DType::U8, 53, TensorRole::Setting),
        ] {
            let model = read_lone(plain(descr, "(5,)", 5 * width)).unwrap();
            assert_eq!((first(&model).dtype, first(&model).role), (dtype, Some(role)), "{descr}");
            assert_eq!(first(&model).bytes(), Some(5 * width as u64), "{descr}");
        }
        // A scalar, and the long numbers of Python 2.
        assert_eq!(first(&read_lone(plain("'<f4'", "()", 4)).unwrap()).elements(), Some(1));
        assert_eq!(first(&read_lone(plain("'<f4'", "(2L, 3L)", 24)).unwrap()).elements(), Some(6));
    }

    #[test]
    fn what_is_not_an_array_of_numbers_is_refused() {
        let error = read_lone(plain("'|O'", "(5,)", 40)).unwrap_err();
        assert!(error.to_string().contains("Python objects"), "{error}");
        for (descr, shape) in [
            ("'<f4'", "(18446744073709551615, 9)"),
            ("'<f4'", "(4294967296, 4294967296, 9)"),
            ("'<f4'", "(-1,)"),
            ("'<f4'", "x()"),
            ("'<q4'", "(1,)"),
            ("__import__('os')", "(1,)"),
        ] {
            let error = read_lone(plain(descr, shape, 40)).unwrap_err();
            assert!(matches!(error.problem, Problem::Corrupt(_) | Problem::Unsupported(_)), "{error}");
        }
        assert!(matches!(read_lone(plain("'<f4'", "(5,)", 19)).unwrap_err().problem, Problem::Truncated { .. }));
        let nested = format!("{}'<f4'{}", "[".repeat(1000), "]".repeat(1000));
        assert!(read_lone(plain(&nested, "(1,)", 4)).is_err());
        let whole = plain("'<f4'", "(5,)", 20);
        for length in 0..whole.len() {
            assert!(read_lone(whole[..length].to_vec()).is_err(), "{length}");
        }
    }

    #[test]
    fn archives_are_read_packed_or_not_and_weights_are_not() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
            let options = SimpleFileOptions::default().compression_method(method);
            for (name, bytes) in [
                ("dense/kernel.npy", plain("'<f4'", "(1000, 100)", 400_000)),
                ("dense/bias.npy", plain("'<f4'", "(100,)", 400)),
                ("step.npy", plain("'<i8'", "()", 8)),
            ] {
                writer.start_file(name, options).unwrap();
                writer.write_all(&bytes).unwrap();
            }
            let bytes = writer.finish().unwrap().into_inner();
            let model = open_lone("w.npz", Cursor::new(bytes)).unwrap();
            let found = crate::cost::inspect(&model, &crate::shapes::infer(&model, &Default::default()));
            assert_eq!(found.parameters, Some(100_100));
            assert_eq!(found.layers.first().map(|layer| layer.name.as_str()), Some("dense"));
            assert!(model.bytes_read < 100_000, "{}", model.bytes_read);
        }
    }
}
