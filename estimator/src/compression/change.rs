//! The arithmetic of a change: bytes, parameters and MACs of each part before and after, and the summary that an estimate takes.
//!
//! # Sizes
//! A format of b bits with groups of g weights takes b ÷ 8 bytes for each weight of a matrix, and for each group begun a scale
//! and, where it has one, a zero point. Biases and scales of norms stay at 16 bits, and so does what is left alone.
//! Two of four weights left out takes half of the bits and 2 bits for the place of each weight that stays.
//!
//! # Work
//! Narrower layers: an inner product keeps the square of the share that stays, for both of its sides shrink; the first and last
//! layer, tables, convolutions of single channels, norms and products of activations keep the share itself.
//! Zeros among weights change no work of a dense kernel. Two of four are skipped by units made for it, which gain what was
//! published (`sparse-24-gain`), never twice.

use super::parts::{Kind, Part, Subject, keep, of};
use crate::carbon::factors;
use crate::hardware::{Device, Kind as DeviceKind, Precision};
use crate::scenario::compression::{Compression, Distil, Format, Prune, Software, Storage};
use crate::scenario::{LanguageModel, LayerTerms, ModelSummary};

/// Bytes of what stays at 16 bits.
const SIXTEEN_BITS: f64 = 2.0;
/// Bits for the place of a weight among four, of which two stay.
const PLACE_BITS: f64 = 2.0;
/// Bits of a column in compressed sparse rows.
const COLUMN_BITS: f64 = 16.0;

/// How a format is laid out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    /// Bits of a weight.
    pub bits: f64,
    /// Weights that share a scale when nothing else is said; `None` where a whole tensor does.
    pub group: Option<u64>,
    /// Bits of a scale.
    pub scale_bits: f64,
    /// Bits of a zero point; 0 for formats around zero.
    pub zero_bits: f64,
    /// Whether only weights are stored so, and unpacked before they are multiplied.
    pub is_weight_only: bool,
}

/// The layout of a format: what the field's usual tools write.
pub(super) fn layout(format: Format) -> Layout {
    let of = |bits, group, scale_bits, zero_bits, is_weight_only| Layout {
        bits,
        group,
        scale_bits,
        zero_bits,
        is_weight_only,
    };
    match format {
        Format::Fp16 | Format::Bf16 => of(16.0, None, 0.0, 0.0, false),
        Format::Fp8 => of(8.0, None, 32.0, 0.0, false),
        Format::Int8 => of(8.0, None, 32.0, 0.0, false),
        Format::Int8WeightOnly => of(8.0, None, 32.0, 0.0, true),
        // Groups of 128 with a scale of 16 bits and a zero point of 4, as GPTQ and AWQ write them.
        Format::Int4WeightOnly => of(4.0, Some(128), 16.0, 4.0, true),
        Format::Int4Act8 => of(4.0, Some(128), 16.0, 0.0, false),
        Format::Int4 => of(4.0, Some(128), 16.0, 0.0, false),
        // NVFP4: blocks of 16 with a scale of 8 bits.
        Format::Fp4 => of(4.0, Some(16), 8.0, 0.0, false),
    }
}

/// The precision that a format's products are computed in on a device; `usual` is what the unchanged model computes in.
pub(super) fn computed_in(format: Format, device: &Device, usual: Precision) -> Precision {
    let has = |precision| device.own_peak(precision).is_some();
    match format {
        Format::Fp16 => Precision::Fp16,
        Format::Bf16 => Precision::Bf16,
        Format::Fp8 => Precision::Fp8,
        Format::Int8 => Precision::Int8,
        Format::Int4Act8 if has(Precision::Fp8) => Precision::Fp8,
        Format::Int4Act8 => Precision::Int8,
        Format::Int4 => Precision::Int4,
        Format::Fp4 => Precision::Fp4,
        Format::Int8WeightOnly | Format::Int4WeightOnly if usual.bits() <= 16 && usual.bits() > 8 => usual,
        Format::Int8WeightOnly | Format::Int4WeightOnly => {
            [Precision::Bf16, Precision::Fp16].into_iter().find(|precision| has(*precision)).unwrap_or(usual)
        }
    }
}

/// Whether a device has units that skip two of four weights: NVIDIA's since the A100 (those with TF32), AMD's since the MI300.
pub(super) fn skips_two_of_four(device: &Device) -> bool {
    let has = |precision| device.own_peak(precision).is_some();
    device.kind == DeviceKind::Gpu
        && match device.vendor.as_str() {
            "NVIDIA" => has(Precision::Tf32),
            "AMD" => device.form == "oam" && has(Precision::Fp8),
            _ => false,
        }
}

/// A model before or after a change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Size {
    pub parameters: f64,
    /// Bytes of all weights in memory while serving.
    pub weight_bytes: f64,
    /// Bytes of a file that holds them.
    pub file_bytes: f64,
    /// MACs that are computed in one pass, or for one token.
    pub macs: f64,
    /// Kernels started in one pass; 0 where not known.
    pub kernels: f64,
}

/// The time to start a kernel, or a step of a language model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    /// As estimated.
    Same,
    /// So many seconds more.
    Added(f64),
    /// So many seconds.
    Set(f64),
}

/// The result of a change.
#[derive(Debug, Clone)]
pub(super) struct Changed {
    pub before: Size,
    pub after: Size,
    /// For `energy`: the changed model, with work and bytes such that its roofline takes the time of the parts.
    pub summary: ModelSummary,
    /// The precision to compute in, where it changes.
    pub precision: Option<Precision>,
    /// What the software changes of the time to start a kernel or a step.
    pub start: Start,
    /// How many times as long as reading them weights take, where they are unpacked.
    pub unpacking: f64,
    /// The share of the weights that stays in 16 bits because the user wants it so.
    pub kept_share: f64,
    pub notes: Vec<String>,
}

/// What a device does to the work of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine<'a> {
    pub device: &'a Device,
    /// What the unchanged model computes in.
    pub precision: Precision,
    /// The share of the memory bandwidth that reading weights reaches in the estimate.
    pub bandwidth_share: f64,
}

impl Machine<'_> {
    /// How many times as long as reading them the weights of a layer take, where they are packed in fewer bits than are
    /// multiplied: unpacking takes operations of the vector units for each weight, whatever the batch.
    fn unpacking(&self, bytes_each: f64) -> f64 {
        let operations = factors::get("unpack-operations").map_or(0.0, |factor| factor.value.central.0);
        let (Some(bandwidth), Some(vector)) = (self.device.memory_bandwidth, self.device.own_peak(Precision::Fp32))
        else {
            return 1.0;
        };
        let (unpacking, reading) = (operations / vector.0, bytes_each / (bandwidth.0 * self.bandwidth_share));
        if reading > 0.0 { (unpacking / reading).max(1.0) } else { 1.0 }
    }

    /// How many times as fast products in one precision are as in another.
    fn speed(&self, of: Precision, over: Precision) -> f64 {
        match (self.device.peak(of), self.device.peak(over)) {
            (Some(one), Some(other)) if other.rate.0 > 0.0 => one.rate.0 / other.rate.0,
            _ => 1.0,
        }
    }
}

/// Bytes of `count` weights of a matrix in a layout; `group` replaces the layout's own.
pub(super) fn matrix_bytes(count: f64, layout: Layout, group: Option<u64>) -> f64 {
    let groups = match group.filter(|_| layout.bits <= 8.0).or(layout.group) {
        Some(group) => (count / group as f64).ceil(),
        None => 1.0,
    };
    let scales = if count > 0.0 { groups * (layout.scale_bits + layout.zero_bits) } else { 0.0 };
    ((count * layout.bits + scales) / 8.0).ceil()
}

/// What stays of each part of a narrower, shallower network: the factors of its matrices, vectors, MACs and activations, and of its number.
fn narrowed(part: &Part, width: f64, layers: f64) -> (f64, f64, f64, f64, f64) {
    let is_inner = !part.is_first && !part.is_last;
    let depth = if is_inner && part.kind != Kind::Table { layers } else { 1.0 };
    let (matrices, macs) = match part.kind {
        Kind::Product if is_inner => (width * width, width * width),
        Kind::Product | Kind::Table | Kind::Depthwise | Kind::Other => (width, width),
    };
    (matrices * depth, if part.is_last { 1.0 } else { width * depth }, macs * depth, width * depth, depth)
}

/// Makes a change to a model.
pub(super) fn apply(subject: Subject<'_>, change: &Compression, machine: Machine<'_>) -> Changed {
    let (mut parts, mut notes) = of(subject);
    for missed in keep(&mut parts, &change.keep) {
        notes.push(format!("no layer is called “{missed}”, so it is not left out"));
    }
    let summary = subject.summary;
    let held_bits = f64::from(machine.precision.bits());
    let plain = Layout { bits: held_bits, group: None, scale_bits: 0.0, zero_bits: 0.0, is_weight_only: false };
    let format = change.quantize.map(|format| (layout(format), computed_in(format, machine.device, machine.precision)));
    let Distil { layers: depth, width: student } = change.distil.unwrap_or(Distil { layers: 1.0, width: 1.0 });
    let skips = skips_two_of_four(machine.device);
    let gain = factors::get("sparse-24-gain").map_or(1.0, |factor| factor.value.central.0);
    let precision = format.map(|(_, precision)| precision);
    let faster = precision.map_or(1.0, |precision| machine.speed(precision, machine.precision));
    let stored_each =
        summary.weight_bytes.filter(|bytes| *bytes > 0).zip(summary.parameters.filter(|count| *count > 0));
    let stored_each = stored_each.map_or(4.0, |(bytes, parameters)| bytes as f64 / parameters as f64);

    let is_language = summary.language.is_some();
    let (mut before, mut after) = (Size::default(), Size::default());
    // Sums before and after: products' MACs nominal and as time, activations, weights read.
    let mut terms: Vec<LayerTerms> = Vec::new();
    let (mut timed, mut weighted, mut tables) = (0.0, 0.0, (0.0, 0.0));
    let (mut read_after, mut moved_before, mut moved_after) = (0.0, 0.0, 0.0);
    let mut kept = 0.0;
    for part in &parts {
        let keep_width = match change.prune {
            Some(Prune::Structured { share }) if !part.is_kept => 1.0 - share,
            _ => 1.0,
        };
        let (a, b) = (narrowed(part, student, depth), narrowed(part, keep_width, 1.0));
        let matrices = part.matrices * a.0 * b.0;
        let vectors = part.vectors * a.1 * b.1;
        let macs = part.macs * a.2 * b.2;
        let activations = part.activation_bytes * a.3 * b.3;
        let times = part.times * a.4;
        let (own, group) = match format {
            Some((layout, _)) if !part.is_kept => (layout, change.group),
            // What is left alone stays at 16 bits, or as narrow as the whole model was.
            Some(_) => (Layout { bits: plain.bits.min(16.0), ..plain }, None),
            None => (plain, None),
        };
        let vector_each = if own.bits < 16.0 { SIXTEEN_BITS } else { own.bits / 8.0 };
        let dense = matrix_bytes(matrices, own, group);
        let is_sparse = part.kind == Kind::Product && !part.is_kept && matrices > 0.0;
        let (in_file, in_memory, skipped, speed) = match change.prune {
            Some(Prune::TwoOfFour) if is_sparse => {
                let small = dense / 2.0 + matrices / 2.0 * PLACE_BITS / 8.0;
                if skips { (small, small, 0.5, gain) } else { (small, dense, 1.0, 1.0) }
            }
            Some(Prune::Unstructured { share, storage }) if is_sparse => {
                let left = dense * (1.0 - share);
                let small = match storage {
                    Storage::Dense => dense,
                    Storage::Bitmap => left + matrices / 8.0,
                    Storage::Csr => left + matrices * (1.0 - share) * COLUMN_BITS / 8.0,
                };
                (small, dense, 1.0, 1.0)
            }
            _ => (dense, dense, 1.0, 1.0),
        };
        let bytes = in_memory + vectors * vector_each;
        let old_bytes = part.parameters() * held_bits / 8.0;
        before.parameters += part.parameters();
        before.weight_bytes += old_bytes;
        before.macs += part.macs;
        after.parameters += matrices + vectors;
        after.weight_bytes += bytes;
        after.file_bytes += in_file + vectors * vector_each;
        after.macs += macs * skipped;
        if part.is_kept {
            kept += part.parameters();
        }
        // Kept products run at the old rate; what is skipped gains no more than was published.
        let as_time =
            macs / speed * if part.is_kept && part.matrices > 0.0 { faster.max(f64::MIN_POSITIVE) } else { 1.0 };
        // A language model's attention is told apart; of a graph everything is summed.
        if !(is_language && part.is_mixing) {
            timed += as_time;
            weighted += part.macs;
        }
        if part.kind == Kind::Table {
            tables.0 += part.parameters();
            tables.1 += matrices + vectors;
        } else {
            read_after += bytes;
        }
        moved_before += part.activation_bytes;
        moved_after += activations;
        // A table is read row by row: its bytes in the term are what was found, and shrink with the bits.
        let own_bytes = part.weight_bytes * held_bits / 8.0 / stored_each;
        // Weights that another layer counts (a tied head) shrink like its own.
        let ratio = if old_bytes > 0.0 { bytes / old_bytes } else { a.0 * b.0 * own.bits / held_bits };
        terms.push(LayerTerms {
            layers: times.round() as u64,
            macs: as_time.round() as u64,
            other_operations: (part.other * a.3 * b.3).round() as u64,
            weight_bytes: (own_bytes * ratio).round() as u64,
            activation_bytes: activations.round() as u64,
        });
    }
    before.file_bytes = summary.weight_bytes.map_or(before.weight_bytes, |bytes| bytes as f64);
    if change.quantize.is_none() && change.prune.is_none() && change.distil.is_none() {
        after.file_bytes = before.file_bytes;
    }

    let mut changed = ModelSummary { parameters: Some(after.parameters.round() as u64), ..summary.clone() };
    let times = |count: Option<u64>, ratio: f64| count.map(|count| (count as f64 * ratio).round() as u64);
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
    let (mut start, mut unpacking) = (Start::Same, 1.0);
    match summary.language {
        Some(language) => {
            let width = student * if let Some(Prune::Structured { share }) = change.prune { 1.0 - share } else { 1.0 };
            let read_parameters = after.parameters - tables.1;
            let each = if read_parameters > 0.0 { read_after / read_parameters } else { held_bits / 8.0 };
            let scale = Scale {
                parameters: read_parameters,
                kept: ratio(read_parameters, before.parameters - tables.0),
                weight_macs: ratio(timed, weighted),
                width,
                heads: width * depth,
                tables: if each > 0.0 { (after.weight_bytes - read_after) / each } else { tables.1 },
            };
            changed.weight_bytes_each = Some(each);
            let is_packed = matches!(change.quantize, Some(Format::Int4WeightOnly | Format::Int4Act8));
            // What stays wide is not unpacked.
            let packed = if before.parameters > 0.0 { 1.0 - kept / before.parameters } else { 1.0 };
            unpacking = if is_packed { 1.0 + packed * (machine.unpacking(each) - 1.0) } else { 1.0 };
            let mut model = scaled(&language, &scale);
            if unpacking > 1.0 {
                // Steps take the time of so many more bytes; what lies in memory is the same.
                model.step_parameters = Some(model.step_parameters.unwrap_or(read_parameters) * unpacking);
                model.expert_parameters = model.expert_parameters.map(|count| count * unpacking);
            }
            changed.language = Some(model);
            changed.weight_bytes = Some(after.weight_bytes.round() as u64);
            if let Some(software) = change.software {
                match steps_of(subject, software, depth) {
                    Some((kernels, base, seconds)) => {
                        (before.kernels, after.kernels) = (base, kernels);
                        start = if seconds > 0.0 { Start::Added(seconds) } else { Start::Same };
                    }
                    None => notes.push(
                        "how many layers this model has is not known, so what its software costs is not either"
                            .to_owned(),
                    ),
                }
            }
        }
        None => {
            // The bytes in the terms are literal: the summary's own size makes `energy` take them as they are.
            let held: f64 = after.weight_bytes.max(1.0);
            let each = held / after.parameters.max(1.0);
            changed.weight_bytes = Some(held.round() as u64);
            changed.weight_bytes_each = Some(each);
            // Activations are counted in the file's element; the changed size stands for another.
            let restated = each / stored_each;
            let fused = matches!(change.software, Some(Software::Fused | Software::Graph));
            before.kernels = summary.layers.iter().map(|term| term.layers as f64).sum();
            if fused && !summary.fused.is_empty() {
                let (wide, deep) = (ratio(moved_after, moved_before), ratio(after_times(&terms), before_times(&parts)));
                let heavy = ratio(read_terms(&terms), parts.iter().map(|part| part.weight_bytes).sum::<f64>());
                let busy = ratio(timed, weighted);
                terms = summary
                    .fused
                    .iter()
                    .map(|term| LayerTerms {
                        layers: (term.layers as f64 * deep).round() as u64,
                        macs: (term.macs as f64 * busy).round() as u64,
                        other_operations: (term.other_operations as f64 * wide).round() as u64,
                        weight_bytes: (term.weight_bytes as f64 * heavy).round() as u64,
                        activation_bytes: (term.activation_bytes as f64 * wide).round() as u64,
                    })
                    .collect();
            } else if fused {
                notes.push(
                    "which operators can be joined is not known for this model, because a shape or an operator of it is not known".to_owned(),
                );
            }
            if change.software == Some(Software::Graph) {
                start = factors::get("captured-start").map_or(Start::Same, |factor| Start::Set(factor.value.central.0));
            }
            for term in &mut terms {
                term.activation_bytes = (term.activation_bytes as f64 * restated).round() as u64;
            }
            changed.activation_bytes = times(summary.activation_bytes, ratio(moved_after, moved_before) * restated);
            changed.peak_activation_bytes =
                times(summary.peak_activation_bytes, ratio(moved_after, moved_before) * restated);
            changed.macs = Some(timed.round() as u64);
            terms.retain(|term| term.macs > 0 || term.weight_bytes > 0 || term.activation_bytes > 0);
            after.kernels = terms.iter().map(|term| term.layers as f64).sum();
            changed.layers = crate::scenario::gather(&terms);
            changed.fused = Vec::new();
        }
    }
    let whole = before.parameters.max(1.0);
    Changed {
        before,
        after,
        summary: changed,
        precision,
        start,
        unpacking,
        kept_share: if kept > 0.0 { kept / whole } else { 0.0 },
        notes,
    }
}

fn after_times(terms: &[LayerTerms]) -> f64 {
    terms.iter().map(|term| term.layers as f64).sum()
}

fn before_times(parts: &[Part]) -> f64 {
    parts.iter().map(|part| part.times).sum()
}

fn read_terms(terms: &[LayerTerms]) -> f64 {
    terms.iter().map(|term| term.weight_bytes as f64).sum()
}

/// How a language model's counts change.
struct Scale {
    /// Parameters outside of tables, after the change.
    parameters: f64,
    /// Those over the ones before.
    kept: f64,
    /// All products with weights, in time, over those before.
    weight_macs: f64,
    /// The share of the width that stays.
    width: f64,
    /// What grows with layers × width: attention and its cache.
    heads: f64,
    /// Parameters that, at the bytes of the others, take what the tables really take.
    tables: f64,
}

/// The language model after a change.
fn scaled(of: &LanguageModel, scale: &Scale) -> LanguageModel {
    let times = |count: Option<f64>, by: f64| count.map(|count| count * by);
    let parameters = scale.parameters + scale.tables;
    // A dense model of which only the size is known: its work is told apart from its size from here on.
    let told = match of.weight_macs_per_token {
        None if of.active_parameters >= of.parameters => Some(of.active_parameters),
        told => told,
    };
    LanguageModel {
        parameters,
        active_parameters: (of.active_parameters * scale.kept).min(parameters),
        weight_macs_per_token: times(told, scale.weight_macs),
        attention_macs_per_context_token: times(of.attention_macs_per_context_token, scale.heads),
        windowed_attention_macs_per_context_token: times(of.windowed_attention_macs_per_context_token, scale.heads),
        fixed_attention_macs_per_token: times(of.fixed_attention_macs_per_token, scale.heads),
        kv_elements_per_token: times(of.kv_elements_per_token, scale.heads),
        windowed_kv_elements_per_token: times(of.windowed_kv_elements_per_token, scale.heads),
        state_elements: times(of.state_elements, scale.heads),
        expert_parameters: times(of.expert_parameters, scale.kept),
        input_table_parameters: of.input_table_parameters.map(|_| scale.tables),
        step_parameters: times(of.step_parameters, scale.kept),
        row_elements: times(of.row_elements, scale.width),
        encoder_parameters: times(of.encoder_parameters, scale.kept),
        source_macs_per_token: times(of.source_macs_per_token, scale.weight_macs),
        source_attention_macs: times(of.source_attention_macs, scale.heads),
        cross_attention_macs_per_source_token: times(of.cross_attention_macs_per_source_token, scale.heads),
        cross_kv_elements_per_source_token: times(of.cross_kv_elements_per_source_token, scale.heads),
        input_macs: times(of.input_macs, scale.weight_macs),
        input_kv_elements: times(of.input_kv_elements, scale.heads),
        layers: times(of.layers, scale.heads / scale.width),
        width: times(of.width, scale.width),
        ..*of
    }
}

/// Kernels of one step of a language model under a software, kernels as it is usually served, and the seconds that this adds to a step.
///
/// Serving engines fuse and capture their steps, and the fixed time of a step that our estimates rest on was measured on such:
/// what others need more is added to it.
fn steps_of(subject: Subject<'_>, software: Software, depth: f64) -> Option<(f64, f64, f64)> {
    let layers = subject.inspection?.transformer.as_ref()?.layers as f64;
    let central = |id: &str| factors::get(id).map(|factor| factor.value.central.0);
    let fused = central("fused-kernels-per-layer")?;
    let kernels =
        depth * layers * if software == Software::Eager { central("eager-kernels-per-layer")? } else { fused };
    let seconds = if software == Software::Graph { 0.0 } else { kernels * central("eager-start")? };
    (layers > 0.0).then_some((kernels, layers * fused, seconds))
}
