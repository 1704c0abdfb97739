//! Files put together here as the format's document says, and folders of them.

use crate::formats::{Files, InMemory, Problem, ReadError, open, open_folder, open_lone};
use crate::model::{DType, Model, TensorRole, Weight};
use crate::report::Inspection;
use std::io::Cursor;

/// A tensor to write: name, type as the format names it, its bits, shape.
pub(super) type Written<'t> = (&'t str, &'t str, u64, &'t [u64]);

/// A file of these tensors, each filled with zeros.
pub(super) fn file(tensors: &[Written<'_>]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".into(), serde_json::json!({"format": "pt"}));
    let mut at = 0;
    for (name, dtype, bits, shape) in tensors {
        let end = at + (shape.iter().product::<u64>() * bits).div_ceil(8);
        let described = serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [at, end]});
        header.insert((*name).to_owned(), described);
        at = end;
    }
    let mut bytes = with_header(&serde_json::to_string(&header).unwrap());
    bytes.resize(bytes.len() + at as usize, 0);
    bytes
}

pub(super) fn with_header(header: &str) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes
}

fn lone(bytes: Vec<u8>) -> Result<Model, ReadError> {
    open_lone("model.safetensors", Cursor::new(bytes))
}

pub(super) fn folder(files: &[(&str, Vec<u8>)]) -> Result<Model, ReadError> {
    let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone()));
    open_folder(&Files::new(InMemory(files.collect())))
}

pub(super) fn counts(model: &Model) -> Inspection {
    let trace = crate::shapes::infer(model, &crate::shapes::Choices::default());
    crate::cost::inspect(model, &trace)
}

pub(super) fn weight<'m>(model: &'m Model, name: &str) -> &'m Weight {
    let found = model.values.iter().find(|value| value.name.as_ref() == name);
    found.unwrap_or_else(|| panic!("no tensor {name}")).weight.as_ref().unwrap()
}

fn notes(model: &Model) -> String {
    model.notes.iter().map(|note| format!("{}: {}\n", note.place, note.text)).collect()
}

#[test]
fn tensors_are_read_with_their_types_places_and_roles() {
    let model = lone(file(&[
        ("model.layers.10.w.weight", "BF16", 16, &[4, 3]),
        ("model.layers.2.w.weight", "F8_E4M3", 8, &[4, 3]),
        ("bn.running_mean", "F32", 32, &[4]),
        ("bn.num_batches_tracked", "I64", 64, &[]),
        ("empty", "F32", 32, &[0, 7]),
    ]))
    .unwrap();
    let names: Vec<&str> = model.values.iter().map(|value| value.name.as_ref()).collect();
    assert_eq!(
        names,
        ["bn.num_batches_tracked", "bn.running_mean", "empty", "model.layers.2.w.weight", "model.layers.10.w.weight"]
    );
    assert_eq!(weight(&model, "model.layers.10.w.weight").dtype, DType::Bf16);
    assert_eq!(weight(&model, "bn.running_mean").role, Some(TensorRole::Buffer));
    assert_eq!((model.producer.as_str(), model.weights_only), ("PyTorch", true));
    assert!(model.notes.is_empty(), "{:?}", model.notes);
    let counts = counts(&model);
    assert_eq!((counts.parameters, counts.buffers, counts.weight_bytes), (Some(24), 4, Some(24 + 12 + 16)));
    assert_eq!(counts.macs, None);
}

#[test]
fn every_element_type_of_the_format_has_its_width() {
    for (name, bits) in [
        ("BOOL", 8),
        ("F4", 4),
        ("U8", 8),
        ("I8", 8),
        ("F8_E5M2", 8),
        ("F8_E4M3", 8),
        ("F8_E8M0", 8),
        ("I16", 16),
        ("U16", 16),
        ("F16", 16),
        ("BF16", 16),
        ("I32", 32),
        ("U32", 32),
        ("F32", 32),
        ("C64", 64),
        ("F64", 64),
        ("I64", 64),
        ("U64", 64),
    ] {
        let model = lone(file(&[("x", name, bits, &[6, 4])])).unwrap();
        assert_eq!(weight(&model, "x").elements(), Some(24), "{name}");
        assert!(model.notes.is_empty(), "{name}: {:?}", model.notes);
    }
    // A type without a word here still counts: its shape and bytes are known.
    let model = lone(file(&[("x", "F6_E2M3", 6, &[6, 4])])).unwrap();
    assert_eq!((weight(&model, "x").elements(), weight(&model, "x").bytes()), (Some(24), Some(18)));
    assert!(notes(&model).contains("F6_E2M3"));
}

#[test]
fn headers_that_contradict_themselves_are_refused_with_the_tensors_name() {
    let with = |header: &str, data: usize| {
        let mut bytes = with_header(header);
        bytes.resize(bytes.len() + data, 0);
        lone(bytes)
    };
    let corrupt = |header: &str, data: usize, words: &str| {
        let error = with(header, data).unwrap_err();
        assert!(matches!(error.problem, Problem::Corrupt(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    let tensor = |name: &str, shape: &str, begin: u64, end: u64| {
        format!(r#""{name}": {{"dtype": "F32", "shape": {shape}, "data_offsets": [{begin}, {end}]}}"#)
    };
    corrupt(&format!("{{{}}}", tensor("a.w", "[2]", 0, 4)), 8, "tensor a.w");
    corrupt(&format!("{{{}}}", tensor("a.w", "[2]", 8, 0)), 8, "tensor a.w");
    corrupt(&format!("{{{}}}", tensor("a.w", "[18446744073709551615, 3]", 0, 8)), 8, "tensor a.w");
    corrupt(&format!("{{{}, {}}}", tensor("a", "[2]", 0, 8), tensor("b", "[2]", 4, 12)), 12, "overlap");
    corrupt(&format!("{{{}, {}}}", tensor("a", "[1]", 0, 4), tensor("a", "[1]", 4, 8)), 8, "two tensors");
    corrupt(r#"{"a": {"dtype": "F32", "shape": [1]}}"#, 4, "data_offsets");
    corrupt(r#"{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}"#, 4, "tensor a");
    corrupt(r#"{"a": 7}"#, 4, "tensor a");
    corrupt("{} x", 0, "trailing");
    let many = format!("{{{}}}", tensor("a", &format!("[{}1]", "1,".repeat(100)), 0, 4));
    corrupt(&many, 4, "more than 64 dimensions");

    let error = with(&format!("{{{}}}", tensor("a", "[2]", 0, 8)), 7).unwrap_err();
    assert!(matches!(error.problem, Problem::Truncated { .. }), "{error}");
    let hole = format!("{{{}, {}}}", tensor("a", "[1]", 0, 4), tensor("b", "[1]", 8, 12));
    assert!(notes(&with(&hole, 12).unwrap()).contains("4 bytes of the data belong to no tensor"));
    assert!(notes(&with(&hole, 20).unwrap()).contains("12 bytes"));
    // Padding and metadata of other kinds than texts are harmless.
    let padded = r#"{"__metadata__": {"a": {"b": [1, null]}, "c": 1.5, "d": "e"}}   "#;
    assert_eq!(with(padded, 0).unwrap().properties, [("d".to_owned(), "e".to_owned())]);
    assert!(with(r#"{"__metadata__": null}"#, 0).is_ok());
}

#[test]
fn a_text_that_never_ends_is_not_held() {
    let mut header = String::from("{\"");
    header.push_str(&"x".repeat(20 << 20));
    let error = lone(with_header(&header)).unwrap_err();
    assert!(matches!(error.problem, Problem::OverLimit(_)), "{error}");
}

const CONFIG: &str = r#"{"model_type": "gpt2", "tie_word_embeddings": true}"#;

fn index(entries: &[(&str, &str)], total: u64) -> Vec<u8> {
    let map: serde_json::Map<_, _> = entries.iter().map(|(name, file)| ((*name).into(), (*file).into())).collect();
    serde_json::to_vec(&serde_json::json!({"metadata": {"total_size": total}, "weight_map": map})).unwrap()
}

#[test]
fn shards_are_one_model_and_missing_ones_are_named() {
    let one = file(&[("model.embed_tokens.weight", "F16", 16, &[10, 4])]);
    let two = file(&[("lm_head.weight", "F16", 16, &[10, 4])]);
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let map = index(&[("model.embed_tokens.weight", names[0]), ("lm_head.weight", names[1])], 160);
    let all = [
        ("config.json", CONFIG.as_bytes().to_vec()),
        ("model.safetensors.index.json", map.clone()),
        (names[0], one.clone()),
        (names[1], two.clone()),
    ];
    let model = folder(&all).unwrap();
    assert_eq!(counts(&model).parameters, Some(80));
    assert_eq!(model.file_bytes, (one.len() + two.len()) as u64);
    assert_eq!(model.hyperparameters.as_ref().unwrap().origin, "config.json");
    let said = notes(&model);
    assert!(said.contains("ties it") && said.contains("40 parameters fewer"), "{said}");
    assert!(!said.contains("missing") && !said.contains("index says"), "{said}");

    // Any shard leads to the others, with the index or by number.
    for files in [all.to_vec(), all[2..].to_vec()] {
        let files = Files::new(InMemory(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()));
        assert_eq!(counts(&open(&files, names[1]).unwrap()).parameters, Some(80));
    }
    let half = folder(&all[..3]).unwrap();
    assert_eq!(counts(&half).parameters, Some(40));
    let said = notes(&half);
    assert!(said.contains("1 of 2 shards are missing with 1 tensors: model-00002-of-00002.safetensors"), "{said}");
    let error = folder(&all[..2]).unwrap_err();
    assert!(error.to_string().contains("none of them is here"), "{error}");

    let short = index(&[("model.embed_tokens.weight", names[0]), ("lm_head.weight", names[1])], 100);
    let model = folder(&[("model.safetensors.index.json", short), all[2].clone(), all[3].clone()]).unwrap();
    assert!(notes(&model).contains("100 bytes; their headers say 160"));
    let out = index(&[("a", "../model.safetensors")], 1);
    assert!(folder(&[("model.safetensors.index.json", out)]).unwrap_err().to_string().contains("out of the folder"));
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec();
    let error = folder(&[all[1].clone(), all[2].clone(), (names[1], pointer)]).unwrap_err();
    assert!(error.file == names[1] && error.to_string().contains("Git LFS pointer"), "{error}");
}

#[test]
fn a_lone_shard_in_a_lone_drop_says_what_is_missing() {
    let bytes = file(&[("a.weight", "F16", 16, &[10, 4])]);
    let model = open_lone("model-00001-of-00003.safetensors", Cursor::new(bytes)).unwrap();
    assert_eq!(counts(&model).parameters, Some(40));
    assert!(notes(&model).contains("2 of 3 shards are missing: model-00002-of-00003.safetensors"), "{}", notes(&model));
}

#[test]
fn variants_beside_the_plain_file_are_not_counted_twice() {
    let plain = file(&[("a.weight", "F32", 32, &[10, 4])]);
    let half = file(&[("a.weight", "F16", 16, &[10, 4])]);
    let model = folder(&[("model.fp16.safetensors", half), ("model.safetensors", plain)]).unwrap();
    assert_eq!(counts(&model).dtypes, [("f32".to_owned(), 40)].into());
    assert!(notes(&model).contains("model.fp16.safetensors"));
}

#[test]
fn a_pipeline_is_the_sum_of_its_networks() {
    let pipeline = br#"{"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0",
        "feature_extractor": [null, null], "scheduler": ["diffusers", "PNDMScheduler"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "text_encoder": ["transformers", "CLIPTextModel"], "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"], "requires_safety_checker": true}"#;
    let weights = |count: u64, dtype: &str, bits| file(&[("down.0.weight", dtype, bits, &[count])]);
    let model = folder(&[
        ("sd/model_index.json", pipeline.to_vec()),
        ("sd/v1.safetensors", weights(60, "F32", 32)),
        ("sd/unet/config.json", br#"{"_class_name": "UNet2DConditionModel", "sample_size": 64}"#.to_vec()),
        ("sd/unet/diffusion_pytorch_model.safetensors", weights(30, "F32", 32)),
        ("sd/unet/diffusion_pytorch_model.fp16.safetensors", weights(30, "F16", 16)),
        ("sd/vae/diffusion_pytorch_model.fp16.safetensors", weights(20, "F16", 16)),
        ("sd/text_encoder/model.safetensors", weights(10, "F32", 32)),
    ])
    .unwrap();
    let counts = counts(&model);
    assert_eq!(counts.parameters, Some(60));
    assert_eq!(counts.dtypes, [("f16".to_owned(), 20), ("f32".to_owned(), 40)].into());
    let groups: Vec<&str> = counts.layers.iter().map(|layer| layer.group.as_str()).collect();
    assert_eq!(groups, ["text_encoder/down", "unet/down", "vae/down"]);
    let said = notes(&model);
    assert!(said.contains("safety_checker") && !said.contains("scheduler"), "{said}");
    let values = model.hyperparameters.unwrap().values;
    assert_eq!(values.get("unet").and_then(|unet| unet.get("sample_size")), Some(&serde_json::json!(64)));
}

/// Files on the web: each can be asked for, none is listed.
struct Unlisted(InMemory);

impl crate::formats::Folder for Unlisted {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn open(&self, name: &str) -> std::io::Result<Option<Box<dyn crate::formats::ReadSeek>>> {
        self.0.open(name)
    }
}

#[test]
fn where_files_cannot_be_listed_they_are_asked_for() {
    use crate::formats::Folder;
    let shard = |name: &str| file(&[(name, "F16", 16, &[10, 4])]);
    let names = ["a/model-00001-of-00002.safetensors", "a/model-00002-of-00002.safetensors"];
    let map = index(
        &[("x.weight", "model-00001-of-00002.safetensors"), ("y.weight", "model-00002-of-00002.safetensors")],
        160,
    );
    let pipeline = br#"{"_class_name": "SomePipeline", "unet": ["diffusers", "UNet"], "vae": ["diffusers", "Vae"]}"#;
    let files = [
        ("a/config.json", CONFIG.as_bytes().to_vec()),
        ("a/model.safetensors.index.json", map),
        (names[0], shard("x.weight")),
        (names[1], shard("y.weight")),
        ("b/model_index.json", pipeline.to_vec()),
        ("b/unet/diffusion_pytorch_model.safetensors", shard("x.weight")),
        ("b/vae/diffusion_pytorch_model.fp16.safetensors", shard("y.weight")),
    ];
    let all = InMemory(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect());
    for lead in ["a/model.safetensors.index.json", names[0], "b/model_index.json"] {
        let model = open(&Files::new(Unlisted(all.clone())), lead).unwrap();
        assert_eq!(counts(&model).parameters, Some(80), "{lead}");
        assert!(model.hyperparameters.is_some(), "{lead}");
        assert!(!notes(&model).contains("missing"), "{lead}: {}", notes(&model));
    }
    assert!(all.open("c").unwrap().is_none());
}
