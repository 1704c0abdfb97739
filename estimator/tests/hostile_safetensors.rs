//! Safetensors files that nobody exported: cut, changed, made to exhaust; and files too large to be read.

use estimator::formats::{self, Files, InMemory, Problem, ReadError};
use estimator::model::Model;
use estimator::shapes::{Choices, infer};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::{Cursor, Read, Seek, SeekFrom};

fn run_through(bytes: &[u8]) -> Result<Model, ReadError> {
    let model = formats::open_lone("test.safetensors", Cursor::new(bytes.to_vec()))?;
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
    Ok(model)
}

fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// Tensors of most of the layouts that are known, so that mutations reach them.
fn sound() -> Vec<u8> {
    let mut header = String::from(r#"{"__metadata__": {"format": "pt", "t.w": "{\"_type\": \"Int4Tensor\"}"}"#);
    let mut at = 0;
    for (name, dtype, bytes, shape) in [
        ("g.qweight", "I32", 64, "[2, 8]"),
        ("g.qzeros", "I32", 4, "[1, 1]"),
        ("g.scales", "F16", 16, "[1, 8]"),
        ("p.weight_packed", "I32", 32, "[4, 2]"),
        ("p.weight_shape", "I64", 16, "[2]"),
        ("p.weight_scale", "BF16", 8, "[4, 1]"),
        ("b.weight", "U8", 32, "[32, 1]"),
        ("b.weight.absmax", "F32", 4, "[1]"),
        ("b.weight.quant_map", "F32", 64, "[16]"),
        ("m.up_blocks", "U8", 64, "[2, 2, 16]"),
        ("m.up_scales", "U8", 4, "[2, 2]"),
        ("x.weight", "U32", 16, "[1, 4]"),
        ("x.scales", "F16", 2, "[1, 1]"),
        ("t._w_qdata", "U8", 16, "[4, 4]"),
        ("q.codes", "I8", 8, "[4, 2, 1]"),
        ("q.codebooks", "F16", 16, "[1, 2, 1, 4]"),
        ("e.trellis", "I16", 32, "[1, 1, 16]"),
        ("n.weight", "F32", 16, "[4]"),
    ] {
        let end = at + bytes;
        write!(header, r#", "{name}": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": [{at}, {end}]}}"#)
            .unwrap();
        at = end;
    }
    header.push('}');
    with_header(&header, at)
}

#[test]
fn the_sound_file_is_read() {
    let model = run_through(&sound()).unwrap();
    assert_eq!(model.values.len(), 18);
    assert_eq!(model.values.iter().filter(|value| value.weight.as_ref().unwrap().packing.is_some()).count(), 9);
}

#[test]
fn every_cut_is_an_error() {
    let whole = sound();
    for length in 0..whole.len() {
        let error = run_through(&whole[..length]).map(|model| model.values.len()).unwrap_err();
        assert!(error.to_string().starts_with("test.safetensors: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_header_ends_in_a_model_or_an_error(text in "[\\[\\]{}\",:0-9a-z_\\.\\-]{0,300}", data in 0usize..64) {
        let _ = run_through(&with_header(&format!("{{{text}"), data));
    }

    #[test]
    fn changed_bytes(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = sound();
        for (place, byte) in places {
            let length = bytes.len();
            bytes[place.index(length)] = byte;
        }
        let _ = run_through(&bytes);
    }

    #[test]
    fn shapes_of_any_size(dims in proptest::collection::vec(any::<u64>(), 0..6), names in 0usize..8) {
        let name = ["l.qweight", "l.weight_packed", "l.weight", "l_blocks", "l.W_q", "l.codes", "l.B", "l.compressed"][names];
        let mut header = String::from("{");
        // Empty tensors may have any other dimensions.
        let shape = std::iter::once(0).chain(dims).map(|dim| dim.to_string()).collect::<Vec<_>>().join(",");
        for leaf in [name, "l.scales", "l_scales", "l.weight_scale", "l.scale", "l.codebooks", "l.s", "l.bitmask", "l.qzeros"] {
            let comma = if header.len() > 1 { "," } else { "" };
            write!(header, r#"{comma}"{leaf}":{{"dtype":"I32","shape":[{shape}],"data_offsets":[0,0]}}"#).unwrap();
        }
        header.push('}');
        let _ = run_through(&with_header(&header, 0));
    }

    #[test]
    fn any_index(text in "[\\[\\]{}\",:0-9a-z_/\\.\\-]{0,200}") {
        for index in [format!("{{\"weight_map\": {{\"a\": \"a.safetensors\", {text}"), format!("{{\"_class_name\": \"Pipeline\", {text}")] {
            let files = InMemory([("model.safetensors.index.json".to_owned(), index.into_bytes()), ("a.safetensors".to_owned(), sound())].into());
            let _ = formats::open_folder(&Files::new(files));
        }
    }
}

#[test]
fn a_header_that_is_deep_or_endless_is_refused() {
    let deep = format!("{{\"__metadata__\": {{\"a\": {}", "[".repeat(100_000));
    assert!(matches!(run_through(&with_header(&deep, 0)).unwrap_err().problem, Problem::Corrupt(_)));
    let shape = format!("{{\"a\": {{\"shape\": [{}1]", "1,".repeat(1_000_000));
    assert!(matches!(run_through(&with_header(&shape, 0)).unwrap_err().problem, Problem::Corrupt(_)));
    let mut many = String::from("{");
    for tensor in 0..400_001 {
        write!(many, r#""{tensor}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},"#).unwrap();
    }
    assert!(matches!(run_through(&with_header(&many, 0)).unwrap_err().problem, Problem::OverLimit(_)));
    // A length that no file has.
    let mut bytes = (1u64 << 26).to_le_bytes().to_vec();
    bytes.extend(b"{\"a\"");
    assert!(matches!(run_through(&bytes).unwrap_err().problem, Problem::Truncated { .. }));
}

/// A file of which only the beginning exists: the rest is zeros.
struct Sparse {
    head: Vec<u8>,
    size: u64,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.size.saturating_sub(self.at).min(into.len() as u64) as usize;
        for (place, byte) in into[..left].iter_mut().enumerate() {
            *byte = self.head.get(self.at as usize + place).copied().unwrap_or(0);
        }
        self.at += left as u64;
        Ok(left)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

fn sparse(tensors: impl Iterator<Item = (String, &'static str, u64, String)>) -> Sparse {
    let mut header = String::from("{\"__metadata__\":{\"format\":\"pt\"}");
    let mut at = 0;
    for (name, dtype, bytes, shape) in tensors {
        let end = at + bytes;
        write!(header, r#","{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{at},{end}]}}"#).unwrap();
        at = end;
    }
    header.push('}');
    let head = with_header(&header, 0);
    let size = head.len() as u64 + at;
    Sparse { head, size, at: 0 }
}

#[test]
fn fourteen_gigabytes_of_weights_are_skipped() {
    // 291 tensors as in a 7B model at 16 bits.
    let layer = |layer: u64| {
        (0..9).map(move |part| {
            let name = format!("model.layers.{layer}.part_{part}.weight");
            (name, "BF16", 48_000_000, "[4000, 6000]".to_owned())
        })
    };
    let file = sparse((0..32).flat_map(layer));
    let size = file.size;
    assert!(size > 13_800_000_000);
    let model = formats::open_lone("seven.safetensors", file).unwrap();
    let found = estimator::cost::inspect(&model, &infer(&model, &Choices::default()));
    assert_eq!(found.parameters, Some(32 * 9 * 24_000_000));
    assert!(model.bytes_read < 64_000, "{} bytes were read", model.bytes_read);
}

#[test]
fn a_hundred_thousand_tensors_are_a_list_and_nothing_more() {
    // As the experts of a 671B model: weights of 8 bits with their scales, and the shapes of packed ones side by side.
    let expert = |expert: u64| {
        let name = format!("model.layers.{}.mlp.experts.{}.up_proj", expert / 256, expert % 256);
        [
            (format!("{name}.weight_packed"), "I32", 7_340_032, "[2048, 896]".to_owned()),
            (format!("{name}.weight_scale"), "BF16", 917_504, "[2048, 224]".to_owned()),
        ]
    };
    let shapes = (0..50_000).map(|expert| {
        (
            format!("model.layers.{}.mlp.experts.{}.up_proj.weight_shape", expert / 256, expert % 256),
            "I64",
            16,
            "[2]".to_owned(),
        )
    });
    let file = sparse(shapes.chain((0..50_000).flat_map(expert)));
    let size = file.size;
    let model = formats::open_lone("many.safetensors", file).unwrap();
    assert_eq!(model.values.len(), 150_000);
    assert!(model.bytes_read * 1_000 < size, "{} of {size} bytes were read", model.bytes_read);
    let found = estimator::cost::inspect(&model, &infer(&model, &Choices::default()));
    assert_eq!(found.parameters, Some(50_000 * 2048 * 7168));
}
