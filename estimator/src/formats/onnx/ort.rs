//! ONNX Runtime's own files (`.ort`): the same operators in FlatBuffers' encoding, which are read into the same messages.
//!
//! Slots of fields are those of `ort.fbs`. A runtime's optimisations stand in the file as operators of its own domains.

use super::build;
use super::messages::{
    AttributeProto, AttributeValue, External, GraphProto, MOST_DIMS, MOST_FLOATS, MOST_INTEGERS, ModelProto, NodeProto,
    Stored, TensorProto, ValueInfoProto, decode,
};
use crate::formats::budget::{Budget, MOST_DEPTH};
use crate::formats::error::{Problem, ReadError};
use crate::formats::files::Files;
use crate::formats::source::Source;
use crate::formats::tflite::flat::{Flat, Table, Vector};
use crate::model::{DeclaredDim, DeclaredType, Model};

type Result<T> = std::result::Result<T, ReadError>;

/// What a node, a tensor and a value cost in memory besides their texts, roughly.
const RECORD: u64 = 320;
/// Most numbers or texts of an attribute.
const MOST_NUMBERS: u64 = 1 << 16;

/// Reads a model.
pub(in crate::formats) fn read(files: &Files<'_>, source: Source<'_>) -> Result<Model> {
    let mut flat = Flat::new(source);
    let session = flat.root()?;
    let version = flat.text(&session, 0)?;
    let Some(model) = flat.inner(&session, 1)? else {
        return Err(flat.corrupt(session.at, "", "the file holds no model"));
    };
    let mut proto = ModelProto {
        ir_version: Some(flat.int64(&model, 0, 0)?),
        producer_name: flat.text(&model, 2)?,
        producer_version: flat.text(&model, 3)?,
        ..ModelProto::default()
    };
    let opsets = flat.vector(&model, 1, 4)?;
    for place in 0..opsets.len {
        if let Some(opset) = flat.table_in(opsets, place)? {
            flat.charge(RECORD)?;
            let version = flat.int64(&opset, 1, 0)?;
            proto.opsets.push((flat.text(&opset, 0)?, version));
        }
    }
    if let Some(table) = flat.inner(&model, 7)? {
        proto.graph = Some(graph(&mut flat, &table, 0)?);
    }
    let mut model = build::model(flat.into_source(), Budget::default(), proto, files.names())?;
    model.format = "ort".to_owned();
    model.properties.push(("format version".to_owned(), version));
    Ok(model)
}

/// Calls `each` with every table of a vector.
fn tables<T>(flat: &mut Flat<'_>, vector: Vector, each: impl Fn(&mut Flat<'_>, &Table) -> Result<T>) -> Result<Vec<T>> {
    let mut list = Vec::new();
    for place in 0..vector.len {
        if let Some(table) = flat.table_in(vector, place)? {
            flat.charge(RECORD)?;
            list.push(each(flat, &table)?);
        }
    }
    Ok(list)
}

/// A vector of texts. Each is at the place that the vector's element points at, as tables are.
fn texts(flat: &mut Flat<'_>, table: &Table, slot: u16) -> Result<Vec<String>> {
    let vector = flat.vector(table, slot, 4)?;
    if vector.len > MOST_NUMBERS {
        let what = format!("a list has {} texts; at most {MOST_NUMBERS} are read", vector.len);
        return Err(flat.error(vector.start, "", Problem::OverLimit(what)));
    }
    (0..vector.len).map(|place| flat.text_in(vector, place)).collect()
}

fn graph(flat: &mut Flat<'_>, table: &Table, depth: u32) -> Result<GraphProto> {
    if depth >= MOST_DEPTH {
        let what = format!("graphs are nested more than {MOST_DEPTH} deep");
        return Err(flat.error(table.at, "", Problem::OverLimit(what)));
    }
    let initializers = flat.vector(table, 0, 4)?;
    let values = flat.vector(table, 1, 4)?;
    let nodes = flat.vector(table, 2, 4)?;
    let sparse = flat.vector(table, 7, 4)?;
    let mut proto = GraphProto {
        tensors: tables(flat, initializers, tensor)?,
        values: tables(flat, values, |flat, table| value(flat, table, depth))?,
        nodes: tables(flat, nodes, |flat, table| node(flat, table, depth))?,
        ..GraphProto::default()
    };
    proto.tensors.extend(tables(flat, sparse, sparse_tensor)?);
    let known = |name: String| {
        let declared = proto.values.iter().find(|value| value.name == name).and_then(|value| value.declared.clone());
        ValueInfoProto { name, declared }
    };
    let inputs = texts(flat, table, 5)?.into_iter().map(known).collect();
    let outputs = texts(flat, table, 6)?.into_iter().map(known).collect();
    (proto.inputs, proto.outputs) = (inputs, outputs);
    Ok(proto)
}

fn node(flat: &mut Flat<'_>, table: &Table, depth: u32) -> Result<NodeProto> {
    let attributes = flat.vector(table, 10, 4)?;
    Ok(NodeProto {
        name: flat.text(table, 0)?,
        domain: flat.text(table, 2)?,
        op: flat.text(table, 5)?,
        inputs: texts(flat, table, 8)?,
        outputs: texts(flat, table, 9)?,
        attributes: tables(flat, attributes, |flat, table| attribute(flat, table, depth))?,
        offset: table.at,
        ..NodeProto::default()
    })
}

fn attribute(flat: &mut Flat<'_>, table: &Table, depth: u32) -> Result<AttributeProto> {
    let numbers = |flat: &mut Flat<'_>, slot, size| -> Result<()> {
        let length = flat.vector(table, slot, size)?.len;
        if length > MOST_NUMBERS {
            let what = format!("an attribute has {length} numbers; at most {MOST_NUMBERS} are read");
            return Err(flat.error(table.at, "", Problem::OverLimit(what)));
        }
        Ok(())
    };
    // `AttributeType`.
    let value = match flat.int32(table, 2, 0)? {
        1 => Some(AttributeValue::Float(f64::from(flat.float(table, 3)?))),
        2 => Some(AttributeValue::Int(flat.int64(table, 4, 0)?)),
        3 => Some(AttributeValue::Text(flat.text(table, 5)?)),
        4 => match flat.inner(table, 6)? {
            Some(inner) => Some(AttributeValue::Tensor(Box::new(tensor(flat, &inner)?))),
            None => None,
        },
        5 => match flat.inner(table, 7)? {
            Some(inner) => Some(AttributeValue::Graphs(vec![graph(flat, &inner, depth + 1)?])),
            None => None,
        },
        6 => {
            numbers(flat, 8, 4)?;
            let bits = flat.ints32(table, 8)?.into_iter();
            Some(AttributeValue::Floats(bits.map(|bits| f64::from(f32::from_bits(bits as u32))).collect()))
        }
        7 => {
            numbers(flat, 9, 8)?;
            Some(AttributeValue::Ints(flat.ints64(table, 9)?))
        }
        8 => Some(AttributeValue::Texts(texts(flat, table, 10)?)),
        10 => {
            let graphs = flat.vector(table, 12, 4)?;
            Some(AttributeValue::Graphs(tables(flat, graphs, |flat, table| graph(flat, table, depth + 1))?))
        }
        _ => None,
    };
    Ok(AttributeProto { name: flat.text(table, 0)?, reference: String::new(), value })
}

/// `Tensor`: its bytes stay where they are, unless they are few.
fn tensor(flat: &mut Flat<'_>, table: &Table) -> Result<TensorProto> {
    let mut tensor = TensorProto { name: flat.text(table, 0)?, offset: table.at, ..TensorProto::default() };
    tensor.data_type = i64::from(flat.int32(table, 3, 0)?);
    let rank = flat.vector(table, 2, 8)?.len;
    if rank > MOST_DIMS as u64 {
        let what = format!("tensor {} has more than {MOST_DIMS} dimensions", tensor.name);
        return Err(flat.error(table.at, "", Problem::OverLimit(what)));
    }
    tensor.dims = flat.ints64(table, 2)?;
    let raw = flat.vector(table, 4, 1)?;
    let outside = flat.int64(table, 6, -1)?;
    if outside >= 0 {
        let offset = u64::try_from(outside).unwrap_or(0);
        tensor.external = Some(External { location: "external data".to_owned(), offset, length: None });
        return Ok(tensor);
    }
    let stored_texts = flat.vector(table, 5, 4)?.len;
    tensor.stored = Some(if stored_texts > 0 { Stored::Numbers(stored_texts) } else { Stored::Bytes(raw.len) });
    let elements = tensor.dims.iter().try_fold(1u64, |product, dim| product.checked_mul(u64::try_from(*dim).ok()?));
    if let (Some(elements), Some(dtype)) = (elements, build::dtype(tensor.data_type)) {
        let most = if dtype.is_float() { MOST_FLOATS } else { MOST_INTEGERS };
        if elements <= most && Some(raw.len) == dtype.bytes(elements) {
            flat.charge(8 * elements)?;
            let bytes = flat.bytes(raw.start, raw.len)?;
            let contents = decode(dtype, &bytes, elements);
            tensor.contents = contents.filter(|contents| contents.len() as u64 == elements);
        }
    }
    Ok(tensor)
}

/// `SparseTensor`: values, indices, and the dense shape.
fn sparse_tensor(flat: &mut Flat<'_>, table: &Table) -> Result<TensorProto> {
    let values = match flat.inner(table, 0)? {
        Some(values) => tensor(flat, &values)?,
        None => TensorProto::default(),
    };
    let stored = values.dims.first().and_then(|count| u64::try_from(*count).ok());
    Ok(TensorProto { dims: flat.ints64(table, 2)?, contents: None, stored: None, sparse_elements: stored, ..values })
}

fn value(flat: &mut Flat<'_>, table: &Table, depth: u32) -> Result<ValueInfoProto> {
    let declared = match flat.inner(table, 2)? {
        Some(of) => declared(flat, &of, depth)?,
        None => None,
    };
    Ok(ValueInfoProto { name: flat.text(table, 0)?, declared })
}

/// `TypeInfo`: a tensor, a list of values, or a map.
fn declared(flat: &mut Flat<'_>, table: &Table, depth: u32) -> Result<Option<DeclaredType>> {
    if depth >= MOST_DEPTH {
        let what = format!("types are nested more than {MOST_DEPTH} deep");
        return Err(flat.error(table.at, "", Problem::OverLimit(what)));
    }
    let kind = flat.int8(table, 1, 0)?;
    let Some(of) = flat.inner(table, 2)? else { return Ok(None) };
    Ok(match kind {
        1 => {
            let dtype = build::dtype(i64::from(flat.int32(&of, 0, 0)?));
            let shape = match flat.inner(&of, 1)? {
                Some(shape) => {
                    let dims = flat.vector(&shape, 0, 4)?;
                    Some(tables(flat, dims, dimension)?)
                }
                None => None,
            };
            Some(DeclaredType::Tensor { dtype, shape })
        }
        2 => match flat.inner(&of, 0)? {
            Some(element) => {
                let element = declared(flat, &element, depth + 1)?;
                element.map(|element| DeclaredType::Sequence(Box::new(element)))
            }
            None => None,
        },
        3 => Some(DeclaredType::Map),
        _ => None,
    })
}

fn dimension(flat: &mut Flat<'_>, table: &Table) -> Result<DeclaredDim> {
    let Some(value) = flat.inner(table, 0)? else { return Ok(DeclaredDim::Open) };
    Ok(match flat.int8(&value, 0, 0)? {
        1 => u64::try_from(flat.int64(&value, 1, 0)?).map_or(DeclaredDim::Open, DeclaredDim::Fixed),
        2 => match flat.text(&value, 2)? {
            name if name.is_empty() => DeclaredDim::Open,
            name => DeclaredDim::Named(name.into()),
        },
        _ => DeclaredDim::Open,
    })
}

#[cfg(test)]
mod tests {
    use crate::cost::inspect;
    use crate::formats::open_lone;
    use crate::report::Inspection;
    use crate::shapes::{Choices, infer};
    use std::io::Cursor;
    use std::path::Path;

    fn read(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
    }

    fn counted(name: &str, bytes: Vec<u8>) -> Option<Inspection> {
        let model = open_lone(name, Cursor::new(bytes)).ok()?;
        Some(inspect(&model, &infer(&model, &Choices::default())))
    }

    #[test]
    fn the_same_network_in_either_encoding() {
        for name in ["cnn", "loop"] {
            let onnx = counted("x.onnx", read(&format!("ort/{name}.onnx"))).unwrap();
            let ort = counted("x.ort", read(&format!("ort/{name}.ort"))).unwrap();
            assert_eq!((ort.format.as_str(), ort.macs, ort.parameters), ("ort", onnx.macs, onnx.parameters), "{name}");
            assert!(ort.not_counted.is_empty() && ort.macs > Some(0), "{:?}", ort.not_counted);
            let shapes = |of: &Inspection| (of.inputs.clone(), of.outputs.clone());
            assert_eq!(shapes(&ort), shapes(&onnx));
        }
    }

    #[test]
    fn cut_off_or_scrambled_it_ends_in_an_answer() {
        for name in ["ort/cnn.ort", "ort/loop.ort"] {
            let bytes = read(name);
            for length in (0..bytes.len()).step_by(41) {
                counted("x.ort", bytes[..length].to_vec());
            }
            for place in (8..bytes.len()).step_by(13) {
                let mut changed = bytes.clone();
                changed[place] ^= 0xff;
                counted("x.ort", changed);
            }
        }
    }
}
