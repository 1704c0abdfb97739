//! Changes of real networks, with sizes worked out by hand, and of published cases, in their direction.

use super::change::{self, Machine};
use super::*;
use crate::hardware::device;
use crate::report::Inspection;
use crate::scenario::compression::{Distil, Format, Storage};
use crate::scenario::{LanguageModel, ModelRef};
use crate::shapes::{self, Choices};
use std::path::Path;

fn example(name: &str) -> Inspection {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models").join(name);
    let model = crate::formats::open_lone(name, std::fs::File::open(path).unwrap()).unwrap();
    let trace = shapes::infer(&model, &Choices::default());
    crate::cost::inspect(&model, &trace)
}

fn described(sentence: &str) -> Inspection {
    let recipe = crate::transformers::recipe(sentence).unwrap();
    crate::cost::inspect_description(&recipe.description, 128, 128)
}

/// Llama 2 of 7 billion parameters, from its published sizes.
fn llama_2_7b() -> Inspection {
    described("32 layers, d=4096, 32 heads, 32 kv heads, ffn 11008, vocab 32000, untied")
}

/// Llama 3.1 of 8 billion parameters.
fn llama_3_8b() -> Inspection {
    described("32 layers, d=4096, 32 heads, 8 kv heads, ffn 14336, vocab 128256, untied")
}

fn quantize(format: Format, group: u64) -> Compression {
    Compression { quantize: Some(format), group: Some(group).filter(|group| *group > 1), ..Compression::default() }
}

fn serving(device: &str, batch: u64) -> Scenario {
    Scenario {
        model: ModelRef::Counts { parameters: 1.0, active_parameters: None },
        workload: Workload::Serve(Serving { batch, prompt_tokens: 2048.0, output_tokens: 128.0, ..Serving::default() }),
        hardware: Hardware { device: device.to_owned(), count: 1, precision: None },
        ..Scenario::default()
    }
}

fn applied(inspection: &Inspection, change: &Compression, on: &str, precision: Precision) -> Changed {
    let summary = ModelSummary::from_inspection(inspection);
    let subject = Subject { summary: &summary, inspection: Some(inspection) };
    change::apply(subject, change, Machine { device: device(on).unwrap(), precision, bandwidth_share: 0.75 })
}

fn compared(inspection: &Inspection, change: &Compression, scenario: &Scenario) -> WhatIf {
    let summary = ModelSummary::from_inspection(inspection);
    what_if(scenario, Subject { summary: &summary, inspection: Some(inspection) }, change, None).unwrap()
}

#[test]
fn resnet_50_in_4_bits_takes_as_many_bytes_as_by_hand() {
    let found =
        applied(&example("resnet50.onnx"), &quantize(Format::Int4WeightOnly, 128), "a100-sxm4-80gb", Precision::Bf16);
    // 25,502,912 weights in convolutions and the last product, 27,560 in biases: its norms are folded.
    // Packed: 25,502,912 ÷ 2 = 12,751,456 bytes. Groups: 9,408 ÷ 128 = 73.5 begin 74 in the first convolution,
    // 25,493,504 ÷ 128 = 199,168 in the others: 199,242 of 20 bits = 498,105 bytes. The rest at 2 bytes: 55,120.
    assert_eq!(found.after.weight_bytes, 12_751_456.0 + 498_105.0 + 55_120.0);
    assert_eq!(found.before.weight_bytes, 25_530_472.0 * 2.0);
    assert_eq!((found.before.parameters, found.after.parameters), (25_530_472.0, 25_530_472.0));
    assert_eq!(found.after.macs, 4_089_184_256.0);
}

#[test]
fn llama_2_in_4_bits_takes_as_many_bytes_as_by_hand() {
    let model = llama_2_7b();
    assert_eq!(model.parameters, Some(6_738_415_616));
    let mut change = quantize(Format::Int4WeightOnly, 128);
    // Layers: 32 × (4 × 4096² + 3 × 4096 × 11008) = 6,476,005,376 weights, a table and a head of 131,072,000 each,
    // and 65 norms of 4,096, at 2 bytes. 20 bits for each group of 128.
    let (body, table, norms) = (6_476_005_376.0, 131_072_000.0, 65.0 * 4096.0 * 2.0);
    let packed = |weights: f64| weights / 2.0 + weights / 128.0 * 20.0 / 8.0;
    let found = applied(&model, &change, "h100-sxm", Precision::Bf16);
    assert_eq!(found.after.weight_bytes, packed(body + 2.0 * table) + norms);
    change.keep = vec!["embeddings".to_owned(), "last".to_owned()];
    let found = applied(&model, &change, "h100-sxm", Precision::Bf16);
    assert_eq!(found.after.weight_bytes, packed(body) + 2.0 * 2.0 * table + norms);
    // 3.37 GB for the layers and half a gigabyte for what stays: as published files have it.
    assert!((found.after.weight_bytes / 1e9 - 3.89).abs() < 0.01, "{}", found.after.weight_bytes);
    assert!((found.kept_share - 262_144_000.0 / 6_738_415_616.0).abs() < 1e-9);
}

#[test]
fn the_estimate_sees_the_bytes_of_the_change() {
    // What a step reads and what lies in memory are those of the change, also with tables that stay at 16 bits.
    let model = llama_2_7b();
    let change = Compression { keep: vec!["embeddings".to_owned()], ..quantize(Format::Int4WeightOnly, 128) };
    let found = applied(&model, &change, "h100-sxm", Precision::Bf16);
    let language = found.summary.language.unwrap();
    let each = found.summary.weight_bytes_each.unwrap();
    assert!((language.parameters * each / found.after.weight_bytes - 1.0).abs() < 1e-9);
    let read = found.after.weight_bytes - 131_072_000.0 * 2.0;
    let touched = energy::parameters_read(&language, 1.0) * each / found.unpacking;
    assert!((touched / read - 1.0).abs() < 1e-3, "{touched} for {read}");
}

#[test]
fn narrower_layers_keep_the_square_of_their_share() {
    let model = example("resnet50.onnx");
    let change = Compression { prune: Some(Prune::Structured { share: 0.5 }), ..Compression::default() };
    let found = applied(&model, &change, "a100-sxm4-80gb", Precision::Bf16);
    // The first convolution (118,013,952 MACs) and the last product (2,048,000) keep a half, all others a quarter.
    let ends = 118_013_952.0 + 2_048_000.0;
    assert_eq!(found.after.macs, (4_089_184_256.0 - ends) / 4.0 + ends / 2.0);
    // Convolutions of single channels keep the share itself.
    let mobile = example("mobilenet_v3_large.onnx");
    let (parts, _) = parts::of(Subject { summary: &ModelSummary::from_inspection(&mobile), inspection: Some(&mobile) });
    let single = parts.iter().filter(|part| part.kind == parts::Kind::Depthwise).count();
    assert_eq!(single, 15, "one in each block");
}

#[test]
fn zeros_save_a_file_and_nothing_else() {
    let model = example("resnet50.onnx");
    let pruned =
        |storage| Compression { prune: Some(Prune::Unstructured { share: 0.9, storage }), ..Compression::default() };
    let found = |storage| applied(&model, &pruned(storage), "a100-sxm4-80gb", Precision::Fp32);
    let (dense, bitmap, rows) = (found(Storage::Dense), found(Storage::Bitmap), found(Storage::Csr));
    // Of 25,502,912 weights of 4 bytes (but the vectors) a tenth stays, with a bit for each, or 2 bytes for each that stays.
    let (weights, rest) = (25_502_912.0, 27_560.0 * 4.0);
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found} for {expected}");
    near(dense.after.file_bytes, weights * 4.0 + rest);
    near(bitmap.after.file_bytes, weights * 0.4 + weights / 8.0 + rest);
    near(rows.after.file_bytes, weights * 0.4 + weights * 0.2 + rest);
    for one in [dense, bitmap, rows] {
        assert_eq!((one.after.weight_bytes, one.after.macs), (one.before.weight_bytes, one.before.macs));
    }
    let told = compared(&model, &pruned(Storage::Bitmap), &serving("a100-sxm4-80gb", 16));
    assert_eq!(told.ratio.energy.central.0, 1.0);
    assert!(told.warnings.iter().any(|note| note.text.contains("dense")));
}

#[test]
fn two_of_four_never_doubles_the_speed() {
    let change = Compression { prune: Some(Prune::TwoOfFour), ..Compression::default() };
    let models = [example("resnet50.onnx"), example("bert_base.onnx"), llama_2_7b()];
    for model in &models {
        for batch in [1, 8, 64, 512] {
            let told = compared(model, &change, &serving("h100-sxm", batch));
            let gain = 1.0 / told.ratio.time.central.0;
            assert!((1.0..=1.6).contains(&gain), "{gain} at {batch}");
        }
    }
    // In 8 bits, half of them and 2 bits for each place: 5 of 8.
    let model = llama_2_7b();
    let found = applied(&model, &change, "h100-sxm", Precision::Fp8);
    let sparse = found.after.file_bytes / found.before.weight_bytes;
    assert!((0.62..0.66).contains(&sparse), "{sparse}");
    // A chip without units for it gets a smaller file and nothing else.
    let told = compared(&models[0], &change, &serving("v100-sxm2-16gb", 8));
    assert_eq!(told.ratio.energy.central.0, 1.0);
    assert!(told.after.file_bytes.0 < told.before.weight_bytes.0);
    assert!(told.warnings.iter().any(|note| note.text.contains("no units that skip")));
}

#[test]
fn a_student_is_as_large_as_its_own_description() {
    let model = llama_2_7b();
    let change = Compression { distil: Some(Distil { layers: 0.5, width: 0.5 }), ..Compression::default() };
    let found = applied(&model, &change, "h100-sxm", Precision::Bf16);
    let own = described("16 layers, d=2048, 16 heads, 16 kv heads, ffn 5504, vocab 32000, untied");
    let expected = own.parameters.unwrap() as f64;
    // The last norm is the only part that is no layer's and not counted as such.
    assert!((found.after.parameters / expected - 1.0).abs() < 1e-4, "{} for {expected}", found.after.parameters);
    let language = LanguageModel::from(own.transformer.as_ref().unwrap());
    let student = found.summary.language.unwrap();
    let near = |found: Option<f64>, expected: Option<f64>| {
        let (found, expected) = (found.unwrap(), expected.unwrap());
        assert!((found / expected - 1.0).abs() < 1e-3, "{found} for {expected}");
    };
    near(student.weight_macs_per_token, language.weight_macs_per_token);
    near(student.attention_macs_per_context_token, language.attention_macs_per_context_token);
    near(student.kv_elements_per_token, language.kv_elements_per_token);
}

#[test]
fn joined_operators_move_less_and_compute_the_same() {
    // ResNet-50: each of 53 convolutions takes its norm, its activation and the sum behind it in; two pools, the last
    // product and what reshapes for it stay.
    for (name, most_kernels, most_traffic, attentions) in
        [("resnet50.onnx", 60, 0.70, 0), ("vit_b_16.onnx", 250, 0.65, 12), ("bert_base.onnx", 200, 0.70, 12)]
    {
        let model = example(name);
        let fusion = model.fusion.as_ref().unwrap();
        assert_eq!(fusion.eager.traffic_bytes, model.traffic_bytes.unwrap(), "{name}");
        assert!(fusion.fused.kernels <= most_kernels, "{name}: {}", fusion.fused.kernels);
        let ratio = fusion.fused.traffic_bytes as f64 / fusion.eager.traffic_bytes as f64;
        assert!(ratio < most_traffic && ratio > 0.3, "{name}: {ratio}");
        assert_eq!(fusion.attentions, attentions, "{name}");
        let macs: u64 = fusion.kernels.iter().map(|kernel| kernel.macs).sum();
        assert_eq!(macs, model.macs.unwrap(), "{name}");
        // Weights are read as before.
        let weights: u64 = fusion.kernels.iter().map(|kernel| kernel.weight_bytes).sum();
        assert!(weights <= model.layers.iter().filter_map(|layer| layer.weight_bytes).sum(), "{name}");
        let eager = compared(&model, &software(Software::Eager), &serving("a100-sxm4-80gb", 8));
        let fused = compared(&model, &software(Software::Fused), &serving("a100-sxm4-80gb", 8));
        let graph = compared(&model, &software(Software::Graph), &serving("a100-sxm4-80gb", 8));
        assert!((eager.ratio.energy.central.0 - 1.0).abs() < 1e-3, "{name}: {:?}", eager.ratio);
        assert!(fused.ratio.energy.central.0 < 1.0 && graph.ratio.energy.central.0 < fused.ratio.energy.central.0);
        assert_eq!(fused.after.macs, model.macs.unwrap());
    }
}

fn software(software: Software) -> Compression {
    Compression { software: Some(software), ..Compression::default() }
}

#[test]
fn warnings_name_what_saves_nothing() {
    let says = |told: &WhatIf, text: &str| told.warnings.iter().any(|note| note.text.contains(text));
    let model = example("resnet50.onnx");
    let told = compared(&model, &quantize(Format::Fp8, 1), &serving("a100-sxm4-80gb", 64));
    assert!(says(&told, "no units for FP8"), "{:?}", told.warnings);
    let told = compared(&model, &quantize(Format::Int8, 1), &serving("h100-sxm", 1));
    assert!(says(&told, "starting kernels"), "{:?}", told.warnings);
    let llama = llama_3_8b();
    let told = compared(&llama, &quantize(Format::Int4WeightOnly, 128), &serving("h100-sxm", 256));
    assert!(says(&told, "unpacked before"), "{:?}", told.warnings);
    let told = compared(&llama, &quantize(Format::Bf16, 1), &serving("h100-sxm", 1));
    assert!(says(&told, "already served"), "{:?}", told.warnings);
    let change = Compression { keep: vec!["no such layer".to_owned()], ..quantize(Format::Int8, 1) };
    assert!(says(&compared(&llama, &change, &serving("h100-sxm", 1)), "no such layer"));
}

#[test]
fn nothing_changed_is_the_same() {
    for model in [example("resnet50.onnx"), llama_2_7b()] {
        let told = compared(&model, &Compression::default(), &serving("h100-sxm", 4));
        assert_eq!(told.before, told.after);
        assert_eq!(told.ratio.energy.central.0, 1.0);
    }
}

#[test]
fn levers_are_ranked_by_what_they_save() {
    let model = example("resnet50.onnx");
    let summary = ModelSummary::from_inspection(&model);
    let subject = Subject { summary: &summary, inspection: Some(&model) };
    let found = levers::of(&serving("t4", 1), subject).unwrap();
    let saved: Vec<f64> = found.levers.iter().map(|lever| lever.co2e_kg.central.0).collect();
    assert!(saved.is_sorted_by(|a, b| a >= b) && saved.len() > 5);
    for kind in ["region", "batch", "quantize", "software", "prune", "distil", "smaller-model"] {
        assert!(found.levers.iter().any(|lever| lever.kind == kind), "{kind}");
    }
    for lever in &found.levers {
        assert!(lever.co2e_kg.low <= lever.co2e_kg.central && lever.co2e_kg.central <= lever.co2e_kg.high);
        assert!(!lever.caution.is_empty() && !lever.title.is_empty());
    }
    // A cleaner grid saves emissions and no energy.
    let region = found.levers.iter().find(|lever| lever.kind == "region").unwrap();
    assert!(region.energy_kwh.central.0.abs() < 1e-12 && region.co2e_kg.central.0 > 0.0);
    assert!(found.advice.iter().any(|sentence| sentence.starts_with("First")));
    // A training run has levers too, and none that only serving has.
    let training = levers::of(&Scenario::default(), subject).unwrap();
    assert!(training.levers.iter().all(|lever| lever.kind != "batch" && lever.kind != "clocks"));
    assert!(training.levers.iter().any(|lever| lever.kind == "region"));
}

#[test]
fn a_link_alone_can_be_changed() {
    let summary = ModelSummary::from_inspection(&example("resnet50.onnx"));
    let subject = Subject { summary: &summary, inspection: None };
    let told = what_if(&serving("a100-sxm4-80gb", 8), subject, &quantize(Format::Int8, 1), None).unwrap();
    assert!((told.after.weight_bytes.0 / told.before.weight_bytes.0 - 0.5).abs() < 0.01);
    let sizes = ModelSummary::from_counts(8e9, None);
    let subject = Subject { summary: &sizes, inspection: None };
    let told = what_if(&serving("h100-sxm", 1), subject, &quantize(Format::Int4WeightOnly, 128), None).unwrap();
    assert!((told.after.weight_bytes.0 / 8e9 - (4.0 + 20.0 / 128.0) / 8.0).abs() < 1e-6);
    assert!(told.ratio.energy.central.0 < 1.0);
}

/// The networks of the published rows that we can describe; SDXL and what runs on phones are not among them.
fn published_model(name: &str) -> Option<Inspection> {
    Some(described(match name {
        "Llama-3.1-8B" => "32 layers, d=4096, 32 heads, 8 kv heads, ffn 14336, vocab 128256, untied",
        "Llama-3.1-70B" => "80 layers, d=8192, 64 heads, 8 kv heads, ffn 28672, vocab 128256, untied",
        "Llama-2-70B" => "80 layers, d=8192, 64 heads, 8 kv heads, ffn 28672, vocab 32000, untied",
        "Phi-3.5-mini" => "32 layers, d=3072, 32 heads, 32 kv heads, ffn 8192, vocab 32064, untied",
        "Mistral-7B" => "32 layers, d=4096, 32 heads, 8 kv heads, ffn 14336, vocab 32000, untied",
        "Llama-3.2-3B" => "28 layers, d=3072, 24 heads, 8 kv heads, ffn 8192, vocab 128256, tied",
        "Gemma-2b" => "18 layers, d=2048, 8 heads, 1 kv heads, ffn 16384, vocab 256000, tied",
        _ => return None,
    }))
}

/// Our speed-up for a published row: requests a second of each device after over before.
fn predicted(effect: &published::Effect) -> Option<f64> {
    let (model, device, (batch, _)) = (published_model(&effect.model)?, effect.device.as_deref()?, effect.batch?);
    let mut change = match effect.applies.parse::<Format>() {
        Ok(format) => Compression { quantize: Some(format), ..Compression::default() },
        Err(_) if effect.applies == "2:4" => Compression { prune: Some(Prune::TwoOfFour), ..Compression::default() },
        Err(_) => return None,
    };
    if matches!(change.quantize, Some(Format::Int4WeightOnly | Format::Int4Act8)) {
        change.keep = vec!["embeddings".to_owned(), "last".to_owned()];
    }
    let mut scenario = serving(device, batch);
    let is_large = effect.model == "Llama-3.1-70B";
    if change.prune.is_some() {
        scenario.hardware = Hardware { precision: Some("fp8".to_owned()), count: 2, ..scenario.hardware };
    }
    let summary = ModelSummary::from_inspection(&model);
    let subject = Subject { summary: &summary, inspection: Some(&model) };
    let base = Scenario {
        hardware: Hardware { count: if is_large { 2 } else { scenario.hardware.count }, ..scenario.hardware.clone() },
        ..scenario.clone()
    };
    let capacity =
        |found: &Outcome, scenario: &Scenario| found.capacity_per_s.central.0 / scenario.hardware.count as f64;
    let before = what_if(&base, subject, &change, None).unwrap().before;
    let after = what_if(&scenario, subject, &change, None).unwrap().after;
    Some(capacity(&after, &scenario) / capacity(&before, &base))
}

#[test]
fn published_speed_ups_are_met() {
    let (mut met, mut all, mut lines) = (0, 0, String::new());
    for effect in published::all().iter().filter(|effect| effect.metric == published::Metric::SpeedUp) {
        let Some(ours) = predicted(effect) else { continue };
        let told = effect.value.central.0;
        let factor = (ours / told).max(told / ours);
        all += 1;
        met += usize::from(factor <= 1.5);
        let batch = effect.batch.map_or(0, |batch| batch.0);
        lines += &format!(
            "{:12} {:14} {:10} {batch:4} published {told:.2} ours {ours:.2} × {factor:.2}\n",
            effect.applies, effect.model, effect.hardware
        );
    }
    println!("{lines}{met} of {all} within a factor 1.5");
    assert!(all >= 25, "{lines}");
    assert!(met * 10 >= all * 8, "{met} of {all}\n{lines}");
}

#[test]
fn eight_bits_win_at_large_batches() {
    let model = published_model("Llama-3.1-8B").unwrap();
    let change = Compression { quantize: Some(Format::Fp8), ..Compression::default() };
    let energy = |batch| compared(&model, &change, &serving("h100-sxm", batch)).ratio.energy.central.0;
    println!("FP8 over BF16 at 8, 16, 32, 64, 128, 256: {:?}", [8, 16, 32, 64, 128, 256].map(energy));
    assert!(energy(128) < 1.0 && energy(256) < 1.0);
}
