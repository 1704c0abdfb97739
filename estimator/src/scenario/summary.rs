//! What an estimate needs to know of a model, small enough to travel in a link.

use super::sample::{self, LENGTHS, Sample};
use crate::report::{Inspection, KernelTerms, Transformer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most groups of layers a summary holds.
pub const MOST_TERMS: usize = 40;

/// A model as an estimate sees it: its counts, and its layers gathered into a few groups of like arithmetic intensity.
///
/// The page and the command line both estimate from a summary, also right after reading a file,
/// so a link that carries the summary gives the same figures to the last digit.
/// A count that is not known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSummary {
    /// Elements of all weights.
    pub parameters: Option<u64>,
    /// Multiply-accumulates of one pass.
    pub macs: Option<u64>,
    /// Other operations of one pass.
    pub other_operations: Option<u64>,
    /// Bytes of all weights as stored.
    pub weight_bytes: Option<u64>,
    /// Most bytes of activations alive at once in one pass.
    pub peak_activation_bytes: Option<u64>,
    /// Bytes of all layers' outputs in one pass: what training keeps for the backward pass.
    pub activation_bytes: Option<u64>,
    /// Samples that one pass computes: the number of the dimension called “batch”, else the first dimension of the first input
    /// where that input has several and the first is not named as a length.
    pub batch: u64,
    /// Nodes that run.
    pub nodes: u64,
    /// Those of them that have no formula, and so are missing in the counts.
    pub not_counted: u64,
    /// The layers in groups, for the roofline.
    pub layers: Vec<LayerTerms>,
    /// The same with operators joined into kernels, as compilers do; empty where that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fused: Vec<LayerTerms>,
    /// Bytes that each weight takes in memory while serving, where weights are stored apart from what is computed in;
    /// set for a changed model alone and never stored.
    #[serde(skip)]
    pub weight_bytes_each: Option<f64>,
    /// What one sample is, as far as the inputs of a graph tell.
    #[serde(skip_serializing_if = "Sample::is_unknown")]
    pub sample: Sample,
    /// Present for a language model that is known by its size or its architecture; its layers are then empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<LanguageModel>,
}

/// A group of layers of like arithmetic intensity; sums over the group for one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerTerms {
    /// How many layers run, each with its fixed cost of being started.
    pub layers: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Other operations.
    pub other_operations: u64,
    /// Bytes of weights read, which do not grow with the batch.
    pub weight_bytes: u64,
    /// Bytes of inputs and outputs, which grow with the batch.
    pub activation_bytes: u64,
}

impl From<&KernelTerms> for LayerTerms {
    fn from(of: &KernelTerms) -> Self {
        Self {
            layers: of.kernels,
            macs: of.macs,
            other_operations: of.other_operations,
            weight_bytes: of.weight_bytes,
            activation_bytes: of.activation_bytes,
        }
    }
}

/// A language model: its size, and, where its architecture is known, what one token costs.
///
/// Counts are per token of one sequence and in elements, not bytes; how many bytes an element takes is for `energy` to say.
/// A layer “with a window” attends to at most [`Self::window`] tokens; all others attend to the whole context.
/// What is `None` is not known; for a model of which only the size is known, that is everything but the first two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguageModel {
    /// All parameters.
    pub parameters: f64,
    /// The parameters that one token uses. A table of embeddings counts whole, as it does in published “active” figures.
    pub active_parameters: f64,
    /// MACs of all products with weights, for one token in one forward pass.
    /// Looking up an embedding is no product and counts 0; the output head counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_macs_per_token: Option<f64>,
    /// MACs of the two attention products for one new token, per token of its context: all layers without a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_macs_per_context_token: Option<f64>,
    /// The same for all layers with a window, whose context is at most that window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windowed_attention_macs_per_context_token: Option<f64>,
    /// Tokens that a layer with a window attends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<f64>,
    /// MACs of mixing tokens that do not grow with the context (linear attention, state-space layers), for one new token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_attention_macs_per_token: Option<f64>,
    /// Elements that one token adds to the KV cache in all layers without a window:
    /// 2 × KV heads × head dimension × layers, or, with latent attention, its rank and rotary part for each layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_elements_per_token: Option<f64>,
    /// The same for all layers with a window, which hold at most that many tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windowed_kv_elements_per_token: Option<f64>,
    /// Elements of recurrent state that one sequence keeps (Mamba, RWKV), whatever its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_elements: Option<f64>,
    /// Parameters of one routed expert, summed over all layers that have experts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expert_parameters: Option<f64>,
    /// Routed experts of a layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts: Option<f64>,
    /// Routed experts that one token uses in a layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts_per_token: Option<f64>,
    /// Parameters of a table of input embeddings that is not also the output head: rows are looked up, it is never read whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_table_parameters: Option<f64>,
    /// Parameters that every step of the answer reads whole: all but looked-up tables, routed experts and encoders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_parameters: Option<f64>,
    /// Elements of the rows that one token looks up in tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_elements: Option<f64>,
    /// Parameters that run for the question alone: an encoder of text or sound, a tower for pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_parameters: Option<f64>,
    /// MACs of products with weights for each token that the encoder of an encoder-decoder reads,
    /// the keys and values that it makes for the decoder among them. Where it is known, the prompt goes to the encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_macs_per_token: Option<f64>,
    /// MACs of the encoder's attention for each token that it reads and each one that this attends to: it sees all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_attention_macs: Option<f64>,
    /// MACs of the decoder's attention to the encoder's tokens, for one new token and each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_attention_macs_per_source_token: Option<f64>,
    /// Elements that the decoder keeps of each token that the encoder read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_kv_elements_per_source_token: Option<f64>,
    /// MACs of reading one input of fixed size: a picture, or 30 s of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_macs: Option<f64>,
    /// Tokens that one such input takes in the decoder's own stream; absent where the decoder attends to it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<f64>,
    /// Elements that the decoder keeps of one such input, where it attends to it apart. Then every request has exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_kv_elements: Option<f64>,
    /// The longest text that the model was made for, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_context: Option<f64>,
    /// Layers; of the decoder, where there are two stacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<f64>,
    /// Width of a token's vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
}

impl LanguageModel {
    /// A model of which only the size is known: all its parameters, and those that one token uses (all when `None`).
    pub fn from_size(parameters: f64, active_parameters: Option<f64>) -> Self {
        Self { parameters, active_parameters: active_parameters.unwrap_or(parameters), ..Self::default() }
    }

    /// How many counts the record has.
    pub(super) const COUNTS: usize = 27;

    /// All counts in the order of the record, as a link carries them.
    pub(super) fn counts(&self) -> [Option<f64>; Self::COUNTS] {
        [
            Some(self.parameters),
            Some(self.active_parameters),
            self.weight_macs_per_token,
            self.attention_macs_per_context_token,
            self.windowed_attention_macs_per_context_token,
            self.window,
            self.fixed_attention_macs_per_token,
            self.kv_elements_per_token,
            self.windowed_kv_elements_per_token,
            self.state_elements,
            self.expert_parameters,
            self.experts,
            self.experts_per_token,
            self.input_table_parameters,
            self.step_parameters,
            self.row_elements,
            self.encoder_parameters,
            self.source_macs_per_token,
            self.source_attention_macs,
            self.cross_attention_macs_per_source_token,
            self.cross_kv_elements_per_source_token,
            self.input_macs,
            self.input_tokens,
            self.input_kv_elements,
            self.max_context,
            self.layers,
            self.width,
        ]
    }

    /// The record of these counts; `None` where the size is not among them.
    pub(super) fn from_counts(counts: [Option<f64>; Self::COUNTS]) -> Option<Self> {
        let [parameters, active_parameters, weight, attention, windowed, window, fixed, rest @ ..] = counts;
        let [kv, windowed_kv, state, expert, experts, experts_per_token, input_table, rest @ ..] = rest;
        let [step, row, encoder, source, source_attention, cross, cross_kv, rest @ ..] = rest;
        let [input_macs, input_tokens, input_kv, max_context, layers, width] = rest;
        Some(Self {
            parameters: parameters?,
            active_parameters: active_parameters?,
            weight_macs_per_token: weight,
            attention_macs_per_context_token: attention,
            windowed_attention_macs_per_context_token: windowed,
            window,
            fixed_attention_macs_per_token: fixed,
            kv_elements_per_token: kv,
            windowed_kv_elements_per_token: windowed_kv,
            state_elements: state,
            expert_parameters: expert,
            experts,
            experts_per_token,
            input_table_parameters: input_table,
            step_parameters: step,
            row_elements: row,
            encoder_parameters: encoder,
            source_macs_per_token: source,
            source_attention_macs: source_attention,
            cross_attention_macs_per_source_token: cross,
            cross_kv_elements_per_source_token: cross_kv,
            input_macs,
            input_tokens,
            input_kv_elements: input_kv,
            max_context,
            layers,
            width,
        })
    }

    /// Whether what one token costs is known, and not the size alone.
    pub fn knows_its_architecture(&self) -> bool {
        self.weight_macs_per_token.is_some()
    }

    /// Whether an encoder reads the prompt and a decoder writes the answer.
    pub fn reads_a_source(&self) -> bool {
        self.source_macs_per_token.is_some()
    }

    /// Whether each request is one input of fixed size, 30 s of sound for example, and its answer.
    pub fn reads_one_input(&self) -> bool {
        self.input_kv_elements.is_some()
    }

    /// Whether pictures or sounds of fixed size can stand among the prompt's tokens.
    pub fn takes_inputs(&self) -> bool {
        self.input_tokens.is_some()
    }
}

impl From<&Transformer> for LanguageModel {
    fn from(of: &Transformer) -> Self {
        let float = |count: Option<u64>| count.map(|count| count as f64);
        Self {
            parameters: of.parameters as f64,
            active_parameters: of.active_parameters as f64,
            weight_macs_per_token: float(of.weight_macs_per_token),
            attention_macs_per_context_token: float(of.attention_macs_per_context_token),
            windowed_attention_macs_per_context_token: float(of.windowed_attention_macs_per_context_token),
            window: float(of.window),
            fixed_attention_macs_per_token: float(of.fixed_attention_macs_per_token),
            kv_elements_per_token: float(of.kv_elements_per_token),
            windowed_kv_elements_per_token: float(of.windowed_kv_elements_per_token),
            state_elements: float(of.state_elements),
            expert_parameters: float(of.expert_parameters),
            experts: float(of.experts),
            experts_per_token: float(of.experts_per_token),
            input_table_parameters: float(of.input_table_parameters),
            step_parameters: float(of.step_parameters),
            row_elements: float(of.row_elements),
            encoder_parameters: float(of.encoder_parameters),
            source_macs_per_token: float(of.source_macs_per_token),
            source_attention_macs: float(of.source_attention_macs),
            cross_attention_macs_per_source_token: float(of.cross_attention_macs_per_source_token),
            cross_kv_elements_per_source_token: float(of.cross_kv_elements_per_source_token),
            input_macs: float(of.input_macs),
            input_tokens: float(of.input_tokens),
            input_kv_elements: float(of.input_kv_elements),
            max_context: float(of.context_length),
            layers: Some(of.layers as f64).filter(|layers| *layers > 0.0),
            width: Some(of.hidden_size as f64).filter(|width| *width > 0.0),
        }
    }
}

impl ModelSummary {
    /// The summary of an inspected model.
    pub fn from_inspection(inspection: &Inspection) -> Self {
        let terms: Vec<LayerTerms> = inspection
            .layers
            .iter()
            .map(|layer| LayerTerms {
                layers: layer.times.max(1),
                macs: layer.macs.unwrap_or(0),
                other_operations: layer.other_operations.unwrap_or(0),
                weight_bytes: layer.weight_bytes.unwrap_or(0),
                activation_bytes: layer.traffic_bytes.unwrap_or(0).saturating_sub(layer.weight_bytes.unwrap_or(0)),
            })
            .collect();
        let described = inspection.transformer.as_ref().filter(|transformer| transformer.generates);
        let language = described.map(|transformer| {
            let told = LanguageModel::from(transformer);
            // A model of which no layer is known is known by its size alone.
            if transformer.layers == 0 {
                return LanguageModel::from_size(told.parameters, Some(told.active_parameters));
            }
            // What the file holds, where it holds weights.
            let parameters = inspection.parameters.map_or(told.parameters, |parameters| parameters as f64);
            LanguageModel { parameters, active_parameters: told.active_parameters.min(parameters), ..told }
        });
        let outputs = inspection.layers.iter().try_fold(0u64, |sum, layer| sum.checked_add(layer.activation_bytes?));
        Self {
            parameters: inspection.parameters,
            macs: inspection.macs,
            other_operations: inspection.other_operations,
            weight_bytes: inspection.weight_bytes,
            peak_activation_bytes: inspection.peak_activation_bytes,
            activation_bytes: outputs,
            batch: batch(inspection),
            nodes: inspection.layers.len() as u64,
            not_counted: inspection.not_counted.iter().map(|entry| entry.nodes).sum(),
            layers: if language.is_some() { Vec::new() } else { gather(&terms) },
            fused: inspection.fusion.iter().flat_map(|fusion| &fusion.kernels).map(LayerTerms::from).collect(),
            weight_bytes_each: None,
            sample: sample::of(inspection, batch(inspection)),
            language,
        }
    }

    /// The summary of a language model of this many parameters, of which one token uses `active_parameters` (all when `None`).
    pub fn from_counts(parameters: f64, active_parameters: Option<f64>) -> Self {
        Self {
            // A count beyond 2^64 saturates; `energy` refuses such sizes before they matter.
            parameters: Some(parameters as u64),
            batch: 1,
            language: Some(LanguageModel::from_size(parameters, active_parameters)),
            ..Self::default()
        }
    }

    /// Whether this is a language model known by its size or its architecture, and not as a graph of layers.
    pub fn is_language(&self) -> bool {
        self.language.is_some()
    }
}

fn batch(inspection: &Inspection) -> u64 {
    let named = inspection.dynamic_dims.iter().find(|(name, _)| name.to_lowercase().contains("batch"));
    if let Some((_, size)) = named {
        return (*size).max(1);
    }
    let Some(input) = inspection.inputs.first() else { return 1 };
    let first = input.symbolic.split(' ').next().unwrap_or_default().to_lowercase();
    match input.shape.as_deref() {
        // A picture by itself: channels, height, width.
        Some([Some(1..=4), Some(32..), Some(32..)]) => 1,
        Some([Some(size), _, ..]) if !LENGTHS.iter().any(|word| first.contains(word)) => (*size).max(1),
        _ => 1,
    }
}

/// Gathers layers into at most [`MOST_TERMS`] groups.
///
/// Where layers have the same arithmetic intensity, the roofline's time of their sum is the sum of their times;
/// so layers are grouped by the logarithm of MACs per byte, and by the weights' share of the bytes, which decides what a larger batch changes.
pub(crate) fn gather(terms: &[LayerTerms]) -> Vec<LayerTerms> {
    let mut width = 0.25;
    loop {
        let mut groups: BTreeMap<(i64, i64), LayerTerms> = BTreeMap::new();
        for term in terms {
            let bytes = term.weight_bytes as f64 + term.activation_bytes as f64;
            if bytes == 0.0 && term.macs == 0 && term.other_operations == 0 {
                // Nothing is moved or computed: constants and other nodes that cost no time.
                continue;
            }
            let intensity = libm::log2((term.macs as f64 + 1.0) / (bytes + 1.0));
            let share = if bytes > 0.0 { term.weight_bytes as f64 / bytes } else { 0.0 };
            let key = ((intensity / width).round() as i64, (share / width).round() as i64);
            let group = groups.entry(key).or_default();
            group.layers = group.layers.saturating_add(term.layers);
            group.macs = group.macs.saturating_add(term.macs);
            group.other_operations = group.other_operations.saturating_add(term.other_operations);
            group.weight_bytes = group.weight_bytes.saturating_add(term.weight_bytes);
            group.activation_bytes = group.activation_bytes.saturating_add(term.activation_bytes);
        }
        if groups.len() <= MOST_TERMS || width > 1e6 {
            return groups.into_values().collect();
        }
        width *= 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Port;

    fn with_input(shape: &[u64], symbolic: &str, dims: &[(&str, u64)]) -> Inspection {
        let port = Port {
            shape: Some(shape.iter().map(|size| Some(*size)).collect()),
            symbolic: symbolic.to_owned(),
            ..Port::default()
        };
        Inspection {
            inputs: vec![port],
            dynamic_dims: dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect(),
            ..Inspection::default()
        }
    }

    #[test]
    fn the_batch_is_found_by_name_then_by_place() {
        for (inspection, expected) in [
            (with_input(&[1, 3, 224, 224], "1 × 3 × 224 × 224", &[]), 1),
            (with_input(&[8, 3, 224, 224], "8 × 3 × 224 × 224", &[]), 8),
            (with_input(&[128, 4], "sequence × batch_size", &[("batch_size", 4), ("sequence", 128)]), 4),
            (with_input(&[3, 320, 320], "3 × 320 × 320", &[]), 1),
            (with_input(&[16, 320, 64], "16 × 320 × 64", &[]), 16),
            (with_input(&[480_000], "480000", &[]), 1),
            (with_input(&[100, 80], "n_frames × 80", &[("n_frames", 100)]), 1),
            (Inspection::default(), 1),
        ] {
            assert_eq!(batch(&inspection), expected);
        }
    }

    #[test]
    fn a_language_model_known_by_its_size_is_written_and_read_as_ever() {
        let size = LanguageModel::from_size(8e9, None);
        assert!(!size.knows_its_architecture());
        let text = serde_json::to_string(&size).unwrap();
        assert_eq!(text, r#"{"parameters":8000000000.0,"active_parameters":8000000000.0}"#);
        assert_eq!(serde_json::from_str::<LanguageModel>(&text).unwrap(), size);
        let known = LanguageModel { weight_macs_per_token: Some(7.5e9), window: Some(4096.0), ..size };
        assert!(known.knows_its_architecture());
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<LanguageModel>(&text).unwrap(), known);
    }

    #[test]
    fn gathering_keeps_every_sum_and_the_number_of_layers() {
        let terms: Vec<LayerTerms> = (1..500u64)
            .map(|n| LayerTerms {
                layers: 1,
                macs: n * n * 1000,
                other_operations: n,
                weight_bytes: n * 7 % 1000,
                activation_bytes: 4000 + n,
            })
            .collect();
        let groups = gather(&terms);
        assert!(groups.len() <= MOST_TERMS && groups.len() > 5, "{}", groups.len());
        let sums = |terms: &[LayerTerms]| {
            terms.iter().fold([0u64; 5], |sum, term| {
                [
                    sum[0] + term.layers,
                    sum[1] + term.macs,
                    sum[2] + term.other_operations,
                    sum[3] + term.weight_bytes,
                    sum[4] + term.activation_bytes,
                ]
            })
        };
        assert_eq!(sums(&terms), sums(&groups));
    }
}
