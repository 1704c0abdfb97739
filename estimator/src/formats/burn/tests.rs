//! Burn: a container written by Burn's own crate, records written after its sources, and hostile bytes.

use crate::formats::{Problem, ReadError, open_lone};
use crate::model::{Model, TensorRole};
use std::io::Cursor;

/// Written by `burn-pack` 0.22.1 (`tests/data/make/burn_pack.rs`).
const PACK: &[u8] = include_bytes!("../../../tests/data/burn/small.bpk");

fn lone(bytes: &[u8]) -> Result<Model, ReadError> {
    open_lone("x", Cursor::new(bytes.to_vec()))
}

fn tensors(model: &Model) -> Vec<(String, Vec<u64>, String, TensorRole)> {
    let of = |value: &crate::model::Value| {
        let weight = value.weight.as_ref().unwrap();
        (value.name.to_string(), weight.shape.clone(), weight.dtype.to_string(), weight.role.unwrap())
    };
    model.values.iter().map(of).collect()
}

#[test]
fn a_container_is_read_without_its_tensors() {
    let model = lone(PACK).unwrap();
    let mut found = tensors(&model);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let row = |name: &str, shape: &[u64], dtype: &str, role| (name.to_owned(), shape.to_vec(), dtype.to_owned(), role);
    use TensorRole::{Buffer, Parameter, Setting};
    let expected = [
        row("conv.bias", &[8], "f16", Parameter),
        row("conv.weight", &[8, 3, 3, 3], "f32", Parameter),
        row("mask", &[4, 4], "bool", Setting),
        row("norm.gamma", &[8], "f32", Parameter),
        row("norm.running_mean", &[8], "f32", Buffer),
    ];
    assert_eq!(found, expected);
    assert!(model.properties.contains(&("producer".to_owned(), "a script".to_owned())));
    let cut = lone(&PACK[..PACK.len() - 1]);
    assert!(matches!(cut.unwrap_err().problem, Problem::Truncated { .. }));
}

/// MessagePack by hand.
#[derive(Clone, Default)]
struct Pack(Vec<u8>);

impl Pack {
    fn map(mut self, count: u8) -> Self {
        self.0.push(0x80 | count);
        self
    }

    fn list(mut self, count: u8) -> Self {
        self.0.push(0x90 | count);
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.0.extend([0xd9, u8::try_from(text.len()).unwrap()]);
        if text.len() < 32 {
            self.0.truncate(self.0.len() - 2);
            self.0.push(0xa0 | u8::try_from(text.len()).unwrap());
        }
        self.0.extend(text.as_bytes());
        self
    }

    fn number(mut self, number: u8) -> Self {
        self.0.extend([0xcc, number]);
        self
    }

    fn bytes(mut self, count: u8) -> Self {
        self.0.extend([0xc4, count]);
        self.0.extend(vec![0; usize::from(count)]);
        self
    }

    /// A parameter of 32-bit floats.
    fn param(self, shape: &[u8]) -> Self {
        let bytes = shape.iter().product::<u8>() * 4;
        let tensor = self.map(2).text("id").text("abc").text("param").map(3).text("bytes").bytes(bytes).text("shape");
        let tensor =
            shape.iter().fold(tensor.list(u8::try_from(shape.len()).unwrap()), |pack, size| pack.number(*size));
        tensor.text("dtype").text("F32")
    }

    fn record() -> Self {
        let head = Self::default().map(2).text("metadata").map(5);
        let head = ["float", "int", "format"].iter().fold(head, |pack, key| pack.text(key).text("x"));
        head.text("version").text("0.18.0").text("settings").text("Full").text("item")
    }
}

#[test]
fn a_record_names_its_tensors_by_their_modules() {
    let record = Pack::record().map(3).text("conv").map(2).text("weight").param(&[4, 2]).text("bias");
    let mut record = record;
    record.0.push(0xc0);
    let record = record.text("blocks").list(2).map(1).text("w").param(&[3]).map(1).text("w").param(&[3]);
    let record = record.text("norm").map(1).text("running_mean").param(&[2]);
    let model = lone(&record.0).unwrap();
    let found: Vec<_> = tensors(&model).into_iter().map(|(name, shape, _, role)| (name, shape, role)).collect();
    assert_eq!(
        found,
        [
            ("conv.weight".to_owned(), vec![4, 2], TensorRole::Parameter),
            ("blocks.0.w".to_owned(), vec![3], TensorRole::Parameter),
            ("blocks.1.w".to_owned(), vec![3], TensorRole::Parameter),
            ("norm.running_mean".to_owned(), vec![2], TensorRole::Buffer),
        ]
    );
    assert_eq!(model.producer, "Burn 0.18.0");
    assert!(model.notes.is_empty(), "{:?}", model.notes);
}

#[test]
fn hostile_bytes_end_in_an_answer() {
    let deep = (0..200).fold(Pack::record(), |pack, _| pack.list(1));
    assert!(matches!(lone(&deep.0).unwrap_err().problem, Problem::OverLimit(_)));
    let mut long = Pack::record();
    long.0.extend([0xdf, 0xff, 0xff, 0xff, 0xff]);
    assert!(lone(&long.0).is_err());
    for good in [PACK.to_vec(), Pack::record().map(1).text("w").param(&[3, 3]).0] {
        for length in 0..good.len() {
            assert!(lone(&good[..length]).is_err(), "cut after {length}");
        }
        for place in 0..good.len().min(700) {
            for flip in [0xff, 0x80, 0x01, 0x20] {
                let mut bytes = good.clone();
                bytes[place] ^= flip;
                let _ = lone(&bytes);
            }
        }
    }
}

#[test]
fn a_record_in_bincode_is_called_by_its_name() {
    let mut bytes = b"\x03f32\x03i32\x38burn_core::record::recorder::BinFileRecorder<...>".to_vec();
    bytes.extend([0; 64]);
    let error = lone(&bytes).unwrap_err();
    assert!(matches!(error.problem, Problem::Unsupported(_)) && error.to_string().contains("bincode"), "{error}");
}
