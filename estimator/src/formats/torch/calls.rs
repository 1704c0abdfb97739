//! What a pickle may "call": the short list of functions that rebuild tensors, arrays and containers.
//!
//! Each entry says what Python's function would make of its arguments, and makes the description of that.
//! Everything else becomes an [`Object`] which is counted by its name and never run.

use super::super::error::{Problem, ReadError};
use super::super::source::Source;
use super::container;
use super::pickle::{Blob, Machine, Object, Storage, Tensor, Thing, Value};
use crate::model::DType;
use std::rc::Rc;

/// Most dimensions of a tensor.
const MOST_RANK: usize = 64;
/// Most tensors inside one that packs itself, and how far they are looked for.
const MOST_INNER: usize = 16;
/// How deep the rebuilding of one tensor may rest on the rebuilding of another.
const MOST_DEPTH: u32 = 8;

/// The element type that PyTorch calls so (`float32`).
pub(super) fn torch_dtype(name: &str) -> Option<DType> {
    Some(match name {
        "float64" | "double" => DType::F64,
        "float32" | "float" => DType::F32,
        "float16" | "half" => DType::F16,
        "bfloat16" => DType::Bf16,
        "float8_e4m3fn" => DType::F8E4M3,
        "float8_e4m3fnuz" => DType::F8E4M3Fnuz,
        "float8_e5m2" => DType::F8E5M2,
        "float8_e5m2fnuz" => DType::F8E5M2Fnuz,
        "float8_e8m0fnu" => DType::F8E8M0,
        "float4_e2m1fn_x2" | "uint8" | "bits8" => DType::U8,
        "int64" | "long" => DType::I64,
        "int32" | "int" | "qint32" => DType::I32,
        "int16" | "short" => DType::I16,
        "int8" | "qint8" => DType::I8,
        "quint8" | "quint4x2" | "quint2x4" => DType::U8,
        "uint64" => DType::U64,
        "uint32" => DType::U32,
        "uint16" => DType::U16,
        "bool" => DType::Bool,
        "complex64" | "cfloat" => DType::C64,
        "complex128" | "cdouble" => DType::C128,
        _ => return None,
    })
}

/// The element type of a storage's class (`FloatStorage`); `None` inside for one of plain bytes.
fn storage_dtype(class: &str) -> Option<Option<DType>> {
    let kind = class.rsplit('.').next()?.strip_suffix("Storage")?;
    Some(match kind {
        "Untyped" => None,
        "Double" => Some(DType::F64),
        "Float" => Some(DType::F32),
        "Half" => Some(DType::F16),
        "BFloat16" => Some(DType::Bf16),
        "Long" => Some(DType::I64),
        "Int" | "QInt32" => Some(DType::I32),
        "Short" => Some(DType::I16),
        "Char" | "QInt8" => Some(DType::I8),
        "Byte" | "QUInt8" | "QUInt4x2" | "QUInt2x4" => Some(DType::U8),
        "Bool" => Some(DType::Bool),
        "ComplexFloat" => Some(DType::C64),
        "ComplexDouble" => Some(DType::C128),
        _ => return None,
    })
}

/// The element type that NumPy writes so (`f4`, `<i8`).
pub(super) fn numpy_dtype(code: &str) -> Option<DType> {
    Some(match code.trim_start_matches(['<', '>', '=', '|']) {
        "f8" | "float64" => DType::F64,
        "f4" | "float32" => DType::F32,
        "f2" | "float16" => DType::F16,
        "i8" | "int64" => DType::I64,
        "i4" | "int32" => DType::I32,
        "i2" | "int16" => DType::I16,
        "i1" | "int8" => DType::I8,
        "u8" | "uint64" => DType::U64,
        "u4" | "uint32" => DType::U32,
        "u2" | "uint16" => DType::U16,
        "u1" | "uint8" => DType::U8,
        "b1" | "bool" => DType::Bool,
        "c8" | "complex64" => DType::C64,
        "c16" | "complex128" => DType::C128,
        // ml_dtypes, which JAX brings along.
        "bfloat16" => DType::Bf16,
        "float8_e4m3fn" => DType::F8E4M3,
        "float8_e5m2" => DType::F8E5M2,
        _ => return None,
    })
}

/// The number in a value, if it is a size.
fn size(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// A list of sizes; `None` where it is none or too long.
fn sizes(machine: &Machine, value: &Value) -> Option<Vec<u64>> {
    let items = match machine.thing(value) {
        Some(Thing::List(items)) => items.as_slice(),
        // `torch.Size` as an object, as some writers spell it.
        Some(Thing::Object(object)) => &object.items,
        _ => return None,
    };
    if items.len() > MOST_RANK {
        return None;
    }
    items.iter().map(size).collect()
}

fn strides(machine: &Machine, value: &Value) -> Vec<i64> {
    let number = |item: &Value| match item {
        Value::Int(number) => *number,
        _ => 0,
    };
    machine.items(value).iter().take(MOST_RANK).map(number).collect()
}

/// The element type that a value names.
fn dtype_of(machine: &Machine, value: &Value) -> Option<DType> {
    match value {
        Value::Name(name) => torch_dtype(name.strip_prefix("torch.")?),
        value => match machine.thing(value)? {
            Thing::DType(dtype) => Some(*dtype),
            _ => None,
        },
    }
}

/// What a persistent id stands for: a storage, or an object that an older file wraps with its source text.
pub(super) fn persistent(machine: &mut Machine, source: &Source<'_>, id: &Value) -> Result<Value, ReadError> {
    let parts: Vec<Value> = machine.items(id).iter().take(6).cloned().collect();
    match parts.as_slice() {
        [Value::Text(kind), class, key, _, elements, rest @ ..] if kind.as_ref() == "storage" => {
            let class = match class {
                Value::Name(name) => storage_dtype(name),
                _ => None,
            };
            let key = match key {
                Value::Text(text) => text.to_string(),
                Value::Int(number) => number.to_string(),
                _ => String::new(),
            };
            let elements = size(elements).unwrap_or(0);
            // Older files: a view of the storage, with a key of its own, its beginning and its length.
            let first = match rest.first().map(|view| machine.items(view)) {
                Some([_, offset, _]) => size(offset).unwrap_or(0),
                _ => 0,
            };
            machine.budget.charge(source, key.len() as u64)?;
            let key = format!("{}{key}", machine.prefix);
            let storage = Storage { key: key.into(), dtype: class.flatten(), elements, first };
            machine.add(source, Thing::Storage(storage))
        }
        [Value::Text(kind), object, ..] if kind.as_ref() == "module" => Ok(object.clone()),
        _ => {
            // The oldest files number what they keep outside of the pickle; the reader of those replaces it.
            let key: Rc<str> = match id {
                Value::Text(text) => Rc::clone(text),
                Value::Int(number) => number.to_string().into(),
                _ => "".into(),
            };
            let object = Object { class: PERSISTENT.into(), arguments: Some(Value::Text(key)), ..Object::default() };
            machine.add(source, Thing::Object(object))
        }
    }
}

/// The class under which what a persistent id stands for waits to be found.
pub(super) const PERSISTENT: &str = "persistent id";

/// Makes an object of a class, without running anything of it.
pub(super) fn new_object(
    machine: &mut Machine,
    source: &Source<'_>,
    class: &Value,
    arguments: Value,
) -> Result<Value, ReadError> {
    match class {
        Value::Name(name) if is_dict(name) => machine.add(source, Thing::Dict(Vec::new())),
        Value::Name(name) => {
            let class = Rc::clone(name);
            machine.meet(&class);
            let object = Object { class, arguments: Some(arguments), ..Object::default() };
            machine.add(source, Thing::Object(object))
        }
        _ => machine.add(source, Thing::Object(Object { arguments: Some(arguments), ..Object::default() })),
    }
}

fn is_dict(name: &str) -> bool {
    matches!(
        name,
        "collections.OrderedDict"
            | "collections.defaultdict"
            | "collections.Counter"
            | "builtins.dict"
            | "__builtin__.dict"
    )
}

/// What a function makes of its arguments, for the functions that are known.
pub(super) fn reduce(
    machine: &mut Machine,
    source: &mut Source<'_>,
    function: &Value,
    arguments: &Value,
) -> Result<Value, ReadError> {
    reduce_within(machine, source, function, arguments, 0)
}

fn reduce_within(
    machine: &mut Machine,
    source: &mut Source<'_>,
    function: &Value,
    arguments: &Value,
    depth: u32,
) -> Result<Value, ReadError> {
    let name = match function {
        Value::Name(name) => Rc::clone(name),
        _ => "an object that is called".into(),
    };
    // No function of the list takes more.
    let given: Vec<Value> = machine.items(arguments).iter().take(12).cloned().collect();
    let at = |index: usize| given.get(index).cloned().unwrap_or(Value::None);
    if depth < MOST_DEPTH {
        if let Some(tensor) = rebuilt(machine, &name, &given) {
            return machine.add(source, Thing::Tensor(tensor));
        }
        match name.as_ref() {
            "torch._tensor._rebuild_from_type_v2" | "torch._tensor._rebuild_from_type" => {
                let made = reduce_within(machine, source, &at(0), &at(2), depth + 1)?;
                let class = match at(1) {
                    Value::Name(class) => class,
                    _ => "".into(),
                };
                finish_subclass(machine, &made, &class, &at(3));
                return Ok(made);
            }
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                if let Some(Thing::Tensor(tensor)) = machine.thing_mut(&at(0)) {
                    tensor.is_parameter = true;
                }
                return Ok(at(0));
            }
            "torch.storage._load_from_bytes" => {
                if let Some(value) = embedded(machine, source, &at(0))? {
                    return Ok(value);
                }
            }
            _ => {}
        }
    }
    Ok(match name.as_ref() {
        // What holds one thing is that thing here.
        "torch.Size"
        | "torch.device"
        | "torch.serialization._get_layout"
        | "torch._utils._rebuild_nested_tensor"
        | "torch.jit._pickle.build_intlist"
        | "torch.jit._pickle.build_tensorlist"
        | "torch.jit._pickle.build_doublelist"
        | "torch.jit._pickle.build_boollist"
        | "torch.jit._pickle.build_tensor_from_id"
        | "torch.jit._pickle.restore_type_tag"
        | "_codecs.encode" => at(0),
        "builtins.list"
        | "builtins.tuple"
        | "builtins.set"
        | "builtins.frozenset"
        | "__builtin__.list"
        | "__builtin__.tuple"
        | "__builtin__.set"
        | "__builtin__.frozenset" => match given.first() {
            Some(items) => items.clone(),
            None => machine.add(source, Thing::List(Vec::new()))?,
        },
        "builtins.int"
        | "builtins.float"
        | "builtins.bool"
        | "builtins.str"
        | "builtins.bytes"
        | "builtins.bytearray"
        | "builtins.complex"
        | "builtins.slice"
        | "builtins.range"
        | "__builtin__.bytearray"
        | "__builtin__.complex"
        | "__builtin__.slice"
        | "__builtin__.xrange" => at(0),
        name if is_dict(name) => {
            // A list of pairs may come along.
            let pair = |item: &Value| match machine.items(item) {
                [key, value] => Some((key.clone(), value.clone())),
                _ => None,
            };
            let entries = given.iter().flat_map(|list| machine.items(list)).filter_map(pair).collect();
            machine.add(source, Thing::Dict(entries))?
        }
        "numpy.dtype" => match given.first() {
            Some(Value::Text(code)) => match numpy_dtype(code) {
                Some(dtype) => machine.add(source, Thing::DType(dtype))?,
                None => Value::Text(Rc::clone(code)),
            },
            Some(Value::Name(name)) => match name.rsplit('.').next().and_then(numpy_dtype) {
                Some(dtype) => machine.add(source, Thing::DType(dtype))?,
                None => Value::None,
            },
            _ => Value::None,
        },
        "numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar" => Value::None,
        "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
            machine.add(source, Thing::Object(Object { class: ARRAY.into(), ..Object::default() }))?
        }
        "copyreg._reconstructor" | "copy_reg._reconstructor" | "copyreg.__newobj__" => {
            return new_object(machine, source, &at(0), Value::None);
        }
        _ => {
            machine.meet(&name);
            let object = Object { class: name, arguments: Some(arguments.clone()), ..Object::default() };
            machine.add(source, Thing::Object(object))?
        }
    })
}

/// The class of an array until its state tells what it is.
const ARRAY: &str = "numpy.ndarray";

/// The tensor that a function of `torch._utils` (or NumPy's) rebuilds; `None` for another function.
fn rebuilt(machine: &Machine, name: &str, given: &[Value]) -> Option<Tensor> {
    let at = |index: usize| given.get(index).unwrap_or(&Value::None);
    let function = name.strip_prefix("torch._utils.").or_else(|| name.strip_prefix("torch._tensor.")).unwrap_or(name);
    match function {
        "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3" | "_rebuild_qtensor" => {
            let storage = match at(0) {
                Value::Thing(index) => machine.storage(*index).map(|storage| (*index, storage)),
                _ => None,
            };
            let own = if function == "_rebuild_tensor_v3" { dtype_of(machine, at(6)) } else { None };
            let first = size(at(1))?;
            Some(Tensor {
                dtype: own.or(storage.and_then(|(_, storage)| storage.dtype)),
                shape: sizes(machine, at(2))?,
                strides: strides(machine, at(3)),
                storage: storage.map(|(index, storage)| (index, first.saturating_add(storage.first))),
                // Only weights are stored quantised.
                is_parameter: function == "_rebuild_qtensor",
                ..Tensor::default()
            })
        }
        "_rebuild_meta_tensor_no_storage" => {
            Some(Tensor { dtype: dtype_of(machine, at(0)), shape: sizes(machine, at(1))?, ..Tensor::default() })
        }
        "_rebuild_wrapper_subclass" => {
            let class = match at(0) {
                Value::Name(class) => Rc::clone(class),
                _ => "".into(),
            };
            Some(Tensor {
                dtype: dtype_of(machine, at(1)),
                shape: sizes(machine, at(2))?,
                packed: Some((class, Vec::new())),
                ..Tensor::default()
            })
        }
        "_rebuild_device_tensor_from_numpy" | "_rebuild_device_tensor_from_cpu_tensor" => {
            let data = machine.tensor(at(0))?;
            Some(Tensor { dtype: dtype_of(machine, at(1)).or(data.dtype), ..data.clone() })
        }
        "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => {
            let parts = machine.items(at(1));
            // Coordinates, values, size; or two lists of places, values, size.
            let values_at = if function == "_rebuild_sparse_tensor" { 1 } else { 2 };
            let values = machine.tensor(parts.get(values_at)?)?;
            let stored = values.shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim))?;
            Some(Tensor { shape: sizes(machine, parts.get(values_at + 1)?)?, stored: Some(stored), ..values.clone() })
        }
        "numpy.core.numeric._frombuffer" | "numpy._core.numeric._frombuffer" => {
            let blob = match at(0) {
                Value::Blob(blob) => Some(*blob),
                _ => None,
            };
            Some(Tensor { dtype: dtype_of(machine, at(1)), shape: sizes(machine, at(2))?, blob, ..Tensor::default() })
        }
        _ => None,
    }
}

/// A tensor of a subclass: one that is a parameter, or one that keeps its numbers in tensors among its attributes.
fn finish_subclass(machine: &mut Machine, made: &Value, class: &str, state: &Value) {
    let packs = machine.tensor(made).is_some_and(|tensor| tensor.packed.is_some());
    let inner = if packs { inner_tensors(machine, state) } else { Vec::new() };
    if let Some(Thing::Tensor(tensor)) = machine.thing_mut(made) {
        if class.starts_with("torch.nn.parameter.") && class.ends_with("Parameter") {
            tensor.is_parameter = true;
        }
        if let Some((_, held)) = &mut tensor.packed {
            *held = inner;
        }
    }
}

/// The tensors among the attributes of an object, a few levels deep.
fn inner_tensors(machine: &Machine, state: &Value) -> Vec<u32> {
    let mut found = Vec::new();
    let mut waiting = vec![(state.clone(), 0)];
    let mut looked = 0;
    while let Some((value, depth)) = waiting.pop() {
        looked += 1;
        if depth > 4 || looked > 200 || found.len() >= MOST_INNER {
            break;
        }
        let Value::Thing(index) = value else { continue };
        match machine.things.get(index as usize) {
            Some(Thing::Tensor(_)) if !found.contains(&index) => found.push(index),
            Some(Thing::Dict(entries)) => {
                waiting.extend(entries.iter().take(64).map(|(_, value)| (value.clone(), depth + 1)));
            }
            Some(Thing::List(items)) => waiting.extend(items.iter().take(64).map(|item| (item.clone(), depth + 1))),
            Some(Thing::Object(object)) => {
                waiting.extend(object.state.iter().chain(&object.arguments).map(|value| (value.clone(), depth + 1)));
            }
            _ => {}
        }
    }
    found
}

/// A storage that stands as a whole file of its own within bytes of this one: its pickles come first and are read.
///
/// In protocol 2 these bytes are written as a text of as many letters.
fn embedded(machine: &mut Machine, source: &mut Source<'_>, bytes: &Value) -> Result<Option<Value>, ReadError> {
    machine.budget.charge(source, EMBEDDED_COST)?;
    let (key, bytes) = match bytes {
        Value::Text(text) => (machine.things.len() as u64, text.bytes().take(MOST_EMBEDDED).collect()),
        Value::Blob(blob) => {
            let length = usize::try_from(blob.length).unwrap_or(usize::MAX).min(MOST_EMBEDDED);
            (blob.at, source.stretch(blob.at, length)?)
        }
        _ => return Ok(None),
    };
    let bytes = match bytes.first() {
        Some(&FIRST_OF_TEXT) => {
            let letters = String::from_utf8_lossy(&bytes).into_owned();
            letters.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(0)).collect()
        }
        _ => bytes,
    };
    let prefix = std::mem::replace(&mut machine.prefix, format!("{key}:"));
    let mut inner = Source::new(source.name(), std::io::Cursor::new(bytes))?;
    let value = machine.deeper(|machine| container::legacy_root(machine, &mut inner, 0));
    machine.prefix = prefix;
    match value {
        Some(Ok(found)) => Ok(found.map(|(value, _)| value)),
        Some(Err(error)) if !matches!(error.problem, Problem::Corrupt(_) | Problem::Truncated { .. }) => Err(error),
        // What is no such file stays an object that is not known.
        _ => Ok(None),
    }
}

/// How 0x80, with which a pickle begins, begins in UTF-8.
const FIRST_OF_TEXT: u8 = 0xc2;
/// How much of an embedded file is read, and what that costs of the budget, so that one file cannot be read for ever.
const MOST_EMBEDDED: usize = 16 * 1024;
const EMBEDDED_COST: u64 = 4096;

/// Gives a thing its state.
pub(super) fn build(machine: &mut Machine, source: &Source<'_>, target: &Value, state: Value) -> Result<(), ReadError> {
    let array = match machine.thing(target) {
        Some(Thing::Object(object)) if object.class.as_ref() == ARRAY => match machine.items(&state) {
            // Version, shape, element type, order, bytes; an array of objects has a list instead of bytes.
            [_, shape, dtype, _, data] => {
                let blob = match data {
                    Value::Blob(blob) => Some(*blob),
                    // Bytes written as a text: no two of them lie at one place.
                    Value::Text(_) => Some(Blob { at: (1 << 48) + machine.things.len() as u64, length: 0 }),
                    _ => None,
                };
                let dtype = dtype_of(machine, dtype);
                match (dtype, sizes(machine, shape)) {
                    (Some(dtype), Some(shape)) => Some(Tensor { dtype: Some(dtype), shape, blob, ..Tensor::default() }),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    };
    machine.budget.charge(source, 24)?;
    match (machine.thing_mut(target), array) {
        (Some(thing), Some(array)) => *thing = Thing::Tensor(array),
        (Some(Thing::Object(object)), None) => object.state = Some(state),
        _ => {}
    }
    Ok(())
}

/// Modules that a file of weights has no business with: what a pickle asks of them is an attack or a mistake.
const DANGEROUS: &[&str] = &[
    "os",
    "posix",
    "nt",
    "subprocess",
    "sys",
    "runpy",
    "shutil",
    "socket",
    "importlib",
    "ctypes",
    "pty",
    "webbrowser",
    "urllib",
    "requests",
    "httplib",
    "http",
    "aiohttp",
    "asyncio",
    "multiprocessing",
    "threading",
    "code",
    "commands",
    "pickle",
    "_pickle",
    "timeit",
    "bdb",
    "pdb",
    "pip",
    "tempfile",
    "signal",
    "platform",
];
/// Functions of Python itself that run what they are given.
const DANGEROUS_BUILTINS: &[&str] =
    &["eval", "exec", "execfile", "compile", "__import__", "open", "input", "breakpoint", "apply"];

/// Whether a name is one that a file of weights has no business with.
pub(super) fn is_dangerous(name: &str) -> bool {
    let (module, function) = name.split_once('.').unwrap_or((name, ""));
    DANGEROUS.contains(&module)
        || (matches!(module, "builtins" | "__builtin__") && DANGEROUS_BUILTINS.contains(&function))
        || name == "torch.hub.load"
        || name.starts_with("torch.utils.cpp_extension")
}
