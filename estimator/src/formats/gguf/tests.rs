//! GGUF against the format's own Python package, hand-made headers of every version, and hostile bytes.

use crate::formats::{Files, InMemory, Problem, open, open_folder, open_lone};
use crate::model::{Model, Storage, TensorRole};
use serde_json::{Value, json};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gguf").join(name)).unwrap()
}

fn lone(bytes: Vec<u8>) -> Result<Model, crate::formats::ReadError> {
    open_lone("x.gguf", Cursor::new(bytes))
}

fn values(model: &Model) -> &serde_json::Map<String, Value> {
    &model.hyperparameters.as_ref().unwrap().values
}

fn property<'m>(model: &'m Model, name: &str) -> Option<&'m str> {
    model.properties.iter().find(|(of, _)| of == name).map(|(_, text)| text.as_str())
}

#[test]
fn every_tensor_is_what_the_formats_own_package_reads() {
    let expected: Vec<Value> = serde_json::from_slice(&file("expected.json")).unwrap();
    assert_eq!(expected.len(), 7);
    for of in &expected {
        let name = of["file"].as_str().unwrap();
        if name.starts_with("shards") {
            continue;
        }
        let model = lone(file(name)).unwrap();
        let tensors = of["tensors"].as_array().unwrap();
        assert_eq!(model.graph.weights.len(), tensors.len(), "{name}");
        for (id, tensor) in model.graph.weights.iter().zip(tensors) {
            let weight = model.value(*id).unwrap().weight.as_ref().unwrap();
            let kind = weight.packing.as_ref().map_or_else(|| weight.dtype.to_string(), |of| of.name.to_string());
            let Storage::Inside { offset } = weight.storage else { panic!("{name}") };
            let found = json!({"name": model.name(*id), "shape": weight.shape, "type": kind, "bytes": weight.bytes(), "offset": offset});
            assert_eq!(&found, tensor, "{name}");
        }
    }
}

#[test]
fn metadata_is_kept_without_its_long_lists() {
    for name in ["every_type.gguf", "every_type_big_endian.gguf"] {
        let model = lone(file(name)).unwrap();
        let values = values(&model);
        assert_eq!(values["tokenizer.ggml.tokens"], json!({"length": 200}));
        assert_eq!(values["tokenizer.ggml.scores"], json!({"length": 2000}));
        assert_eq!(values["tokenizer.chat_template"], json!({"length": 5000}));
        assert_eq!(values["llama.attention.head_count_kv"], json!([4, 4, 2]));
        assert_eq!(values["general.languages"], json!(["en", "de"]));
        assert_eq!(values["llama.attention.layer_norm_rms_epsilon"], json!(1e-5));
        let numbers = [("test.flag", json!(true)), ("test.i8", json!(-8)), ("test.u16", json!(65535))];
        assert!(numbers.iter().all(|(key, value)| &values[*key] == value));
        assert_eq!((&values["test.i64"], &values["test.f64"]), (&json!(-(1i64 << 40)), &json!(0.1)));
        assert_eq!(property(&model, "Quantisation"), Some("Q4_K_M"));
        assert_eq!(property(&model, "Quantised by"), Some("a script"));
        assert_eq!(property(&model, "Licence"), Some("mit"));
        assert_eq!(model.format_version, Some(3));
        let says_endian = model.notes.iter().any(|note| note.text.contains("most significant"));
        assert_eq!(says_endian, name.contains("big"));
    }
}

#[test]
fn bits_per_weight_follow_from_the_tensors() {
    let model = lone(file("mmproj.gguf")).unwrap();
    // 768 elements of 16 bits and 512 of 32.
    assert_eq!(property(&model, "Bits per weight"), Some("22.40"));
    assert_eq!((property(&model, "Kind"), property(&model, "Architecture")), (Some("mmproj"), Some("clip")));
    let adapter = lone(file("adapter.gguf")).unwrap();
    assert_eq!(property(&adapter, "Adapter"), Some("lora"));
}

fn shards(numbers: &[u32]) -> InMemory {
    let names = numbers.iter().map(|number| format!("shards-0000{number}-of-00003.gguf"));
    InMemory(names.map(|name| (format!("m/{name}"), file(&name))).collect())
}

#[test]
fn all_shards_are_one_model_and_missing_ones_are_named() {
    let model = open_folder(&Files::new(shards(&[1, 2, 3]))).unwrap();
    assert_eq!(model.graph.weights.len(), 5);
    assert!(model.notes.is_empty(), "{:?}", model.notes);
    assert_eq!(property(&model, "Name"), Some("Shards"));
    let elements: u64 = model.values.iter().filter_map(|value| value.weight.as_ref()?.elements()).sum();
    assert_eq!(elements, 8 * (1 + 2 + 3 + 4 + 5));
    let sizes: u64 = (1..=3).map(|number| file(&format!("shards-0000{number}-of-00003.gguf")).len() as u64).sum();
    assert_eq!(model.file_bytes, sizes);

    // From the last one alone, and with the first missing.
    let model = open(&Files::new(shards(&[3])), "m/shards-00003-of-00003.gguf").unwrap();
    let note = &model.notes.iter().next().unwrap().text;
    assert!(note.contains("1 of 3 files") && note.contains("shards-00001-of-00003.gguf"), "{note}");
    assert_eq!(model.graph.weights.len(), 1);
    // Renamed, it still says that it is a part.
    let model = open_lone("part.gguf", Cursor::new(file("shards-00002-of-00003.gguf"))).unwrap();
    assert!(model.notes.iter().any(|note| note.text.contains("part 2 of 3")), "{:?}", model.notes);
}

/// Writes headers by hand, in any version and byte order.
struct Header {
    bytes: Vec<u8>,
    version: u32,
    big: bool,
}

impl Header {
    fn new(version: u32, big: bool, tensors: u64, keys: u64) -> Self {
        let header = Self { bytes: b"GGUF".to_vec(), version, big };
        header.u32(version).length(tensors).length(keys)
    }

    fn put(mut self, little: &[u8]) -> Self {
        let mut bytes = little.to_vec();
        if self.big {
            bytes.reverse();
        }
        self.bytes.extend(bytes);
        self
    }

    fn u32(self, number: u32) -> Self {
        self.put(&number.to_le_bytes())
    }

    fn u64(self, number: u64) -> Self {
        self.put(&number.to_le_bytes())
    }

    fn length(self, number: u64) -> Self {
        if self.version == 1 { self.u32(u32::try_from(number).unwrap()) } else { self.u64(number) }
    }

    fn text(self, text: &str) -> Self {
        let mut header = self.length(text.len() as u64);
        header.bytes.extend(text.as_bytes());
        header
    }

    fn tensor(self, name: &str, dims: &[u64], kind: u32, offset: u64) -> Self {
        let header = self.text(name).u32(u32::try_from(dims.len()).unwrap());
        dims.iter().fold(header, |header, dim| header.length(*dim)).u32(kind).u64(offset)
    }

    /// Padded to the data, which is so long.
    fn with_data(mut self, length: usize) -> Vec<u8> {
        let start = self.bytes.len().next_multiple_of(32);
        self.bytes.resize(start + length, 0);
        self.bytes
    }
}

#[test]
fn every_version_and_byte_order_reads_the_same() {
    for (version, big) in [(1, false), (2, false), (3, false), (3, true)] {
        let bytes = Header::new(version, big, 2, 3)
            .text("general.architecture")
            .u32(8)
            .text("llama")
            .text("llama.block_count")
            .u32(4)
            .u32(7)
            .text("tokenizer.ggml.tokens")
            .u32(9)
            .u32(8)
            .length(100);
        let bytes = (0..100).fold(bytes, |bytes, number| bytes.text(&number.to_string()));
        let bytes = bytes.tensor("a", &[64, 2], 2, 0).tensor("b", &[3], 0, 96).with_data(96 + 12);
        let model = lone(bytes).unwrap();
        assert_eq!(values(&model)["llama.block_count"], json!(7), "version {version}, big {big}");
        assert_eq!(values(&model)["tokenizer.ggml.tokens"], json!({"length": 100}));
        let weights: Vec<_> = model.values.iter().map(|value| value.weight.as_ref().unwrap()).collect();
        assert_eq!((&weights[0].shape, weights[0].bytes()), (&vec![2, 64], Some(72)));
        assert_eq!((&weights[1].shape, weights[1].bytes()), (&vec![3], Some(12)));
        assert_eq!(model.format_version, Some(i64::from(version)));
    }
}

#[test]
fn a_file_that_is_cut_off_says_how_much_is_missing() {
    let mut bytes = Header::new(3, false, 1, 0).tensor("a", &[256], 0, 0).with_data(1024);
    bytes.truncate(bytes.len() - 100);
    let error = lone(bytes).unwrap_err();
    assert!(matches!(error.problem, Problem::Truncated { .. }));
    assert!(error.to_string().contains("100 are missing"), "{error}");
}

#[test]
fn odd_tensors_are_noted_or_refused() {
    // 137 is a type whose rows have headers, 9999 none at all: the bytes up to the next tensor count.
    let bytes = Header::new(3, false, 3, 0).tensor("a", &[256, 4], 137, 0).tensor("b", &[10], 9999, 320);
    let model = lone(bytes.tensor("b", &[8], 0, 352).with_data(384)).unwrap();
    let weights: Vec<_> = model.values.iter().map(|value| value.weight.as_ref().unwrap()).collect();
    let packings: Vec<_> =
        weights.iter().filter_map(|weight| weight.packing.as_ref()).map(|of| (of.name.as_ref(), of.bytes)).collect();
    assert_eq!(packings, [("iq2_k", 320), ("ggml type 9999", 32)]);
    let texts: Vec<_> = model.notes.iter().map(|note| note.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains("two tensors have this name")), "{texts:?}");

    let block = lone(Header::new(3, false, 1, 0).tensor("a", &[33], 2, 0).with_data(64)).unwrap_err();
    assert!(block.to_string().contains("Q4_0's block of 32"), "{block}");
    let huge = Header::new(3, false, 1, 0).tensor("a", &[1 << 40, 1 << 40], 0, 0).with_data(64);
    assert!(lone(huge).unwrap_err().to_string().contains("2^64"));
    let empty = lone(Header::new(3, false, 0, 0).with_data(0)).unwrap_err();
    assert!(matches!(empty.problem, Problem::NotAModel(_)), "{empty}");
    let newer = lone(Header::new(4, false, 0, 0).with_data(0)).unwrap_err();
    assert!(newer.to_string().contains("version 4"), "{newer}");
    let odd = Header::new(3, false, 0, 1).text("general.alignment").u32(4).u32(7).with_data(0);
    assert!(lone(odd).unwrap_err().to_string().contains("no power of two"));
}

#[test]
fn tables_and_scales_are_no_parameters() {
    let bytes = Header::new(3, false, 3, 0)
        .tensor("rope_freqs.weight", &[64], 0, 0)
        .tensor("blk.0.ffn_up.scale", &[1], 0, 256)
        .tensor("blk.0.ffn_up.weight", &[64], 0, 288)
        .with_data(544);
    let model = lone(bytes).unwrap();
    let roles: Vec<_> = model.values.iter().map(|value| value.weight.as_ref().unwrap().role.unwrap()).collect();
    assert_eq!(roles, [TensorRole::Buffer, TensorRole::Buffer, TensorRole::Parameter]);
}

#[test]
fn counts_and_lengths_that_lie_are_refused_at_once() {
    let many = |header: Header| lone(header.with_data(64)).unwrap_err().problem;
    assert!(matches!(many(Header::new(3, false, u64::MAX, 0)), Problem::OverLimit(_)));
    assert!(matches!(many(Header::new(3, false, 0, u64::MAX)), Problem::OverLimit(_)));
    let key = || Header::new(3, false, 0, 1);
    assert!(matches!(many(key().length(u64::MAX)), Problem::OverLimit(_)));
    // A text and lists that are longer than the file, and lists in lists.
    assert!(matches!(many(key().text("k").u32(8).length(u64::MAX)), Problem::Truncated { .. }));
    assert!(matches!(many(key().text("k").u32(9).u32(8).length(u64::MAX)), Problem::Truncated { .. }));
    assert!(matches!(many(key().text("k").u32(9).u32(4).length(1 << 62)), Problem::Truncated { .. }));
    let deep = (0..9).fold(key().text("k").u32(9), |header, _| header.u32(9).length(1));
    assert!(matches!(many(deep), Problem::OverLimit(_)));
    assert!(matches!(many(key().text("k").u32(13)), Problem::Corrupt(_)));
    assert!(matches!(many(Header::new(3, false, 1, 0).text("t").u32(u32::MAX)), Problem::OverLimit(_)));
}

#[test]
fn every_cut_and_every_flipped_byte_ends_in_an_answer() {
    let whole = Header::new(3, false, 1, 2).text("a.list").u32(9).u32(8).length(2).text("x").text("y");
    let whole = whole.text("general.alignment").u32(4).u32(32).tensor("t", &[64, 2], 12, 0);
    let good = whole.tensor("u", &[4], 0, 0).with_data(512);
    for length in 0..good.len() {
        let _ = lone(good.get(..length).unwrap().to_vec());
    }
    for place in 0..good.len().min(300) {
        for flip in [0xff, 0x80, 0x01, 0x10] {
            let mut bytes = good.clone();
            bytes[place] ^= flip;
            let _ = lone(bytes);
        }
    }
}

#[test]
fn older_files_are_told_what_to_do() {
    for magic in [b"lmgg", b"tjgg", b"fmgg", b"algg"] {
        let error = lone([magic.as_slice(), &[1; 100]].concat()).unwrap_err();
        assert!(error.to_string().contains("convert_llama_ggml_to_gguf.py"), "{error}");
    }
}

/// A header followed by so many zeros that are never stored.
struct Sparse {
    header: Vec<u8>,
    size: u64,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = usize::try_from(self.size.saturating_sub(self.at)).unwrap().min(into.len());
        for byte in &mut into[..count] {
            *byte = self.header.get(usize::try_from(self.at).unwrap()).copied().unwrap_or(0);
            self.at += 1;
        }
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => self.size,
            SeekFrom::Current(_) => self.at,
        };
        Ok(self.at)
    }
}

#[test]
fn forty_gigabytes_cost_a_few_blocks() {
    // 80 layers of one matrix each, and a vocabulary of 128,000 entries, about as a 70B model has them.
    let header = Header::new(3, false, 80, 1).text("tokenizer.ggml.tokens").u32(9).u32(8).length(128_000);
    let header = (0..128_000).fold(header, |header, number| header.text(&number.to_string()));
    let each = 512u64 << 20;
    let header = (0..80).fold(header, |header, layer| {
        header.tensor(&format!("blk.{layer}.w"), &[32_768, each / 2 / 32_768], 1, layer * each)
    });
    let header = header.with_data(0);
    let (size, length) = (header.len() as u64 + 80 * each, header.len() as u64);
    let model = open_lone("x.gguf", Sparse { header, size, at: 0 }).unwrap();
    assert_eq!(model.file_bytes, size);
    assert!(size > 40 << 30);
    // No more than the header itself and a block.
    assert!(model.bytes_read < length + (64 << 10), "{} of {size}", model.bytes_read);
}
