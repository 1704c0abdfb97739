//! A loaded model as what can be changed of it: its layers with their weights and their work.

use crate::report::{Inspection, Layer};
use crate::scenario::{LanguageModel, ModelSummary};

/// What a change is made on: the summary that is estimated, and the layers where they are at hand.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What an estimate needs to know of the model.
    pub summary: &'a ModelSummary,
    /// The whole model; without it no layer can be told from another.
    pub inspection: Option<&'a Inspection>,
}

/// What a layer is to whoever makes it smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table of embeddings: one side is a vocabulary.
    Table,
    /// A product with weights: a convolution or a matrix product.
    Product,
    /// A convolution of each channel by itself.
    Depthwise,
    /// Everything else: norms, activations, products of activations.
    Other,
}

/// A layer, or several that nothing tells apart.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub name: String,
    pub kind: Kind,
    /// Whether its input, or its output, has a size that the network does not choose.
    pub is_first: bool,
    pub is_last: bool,
    /// Elements of weights in matrices, and in vectors (biases, scales of norms).
    pub matrices: f64,
    pub vectors: f64,
    /// MACs of one pass, for the batch that was counted.
    pub macs: f64,
    /// Other operations of one pass.
    pub other: f64,
    /// Bytes of weights that it reads, as counted.
    pub weight_bytes: f64,
    /// Bytes of inputs and outputs, as counted.
    pub activation_bytes: f64,
    /// Kernels.
    pub times: f64,
    /// Whether it multiplies activations with each other: attention, recurrences.
    pub is_mixing: bool,
    /// Whether the user leaves it out of bits and pruning.
    pub is_kept: bool,
}

impl Part {
    pub(super) fn parameters(&self) -> f64 {
        self.matrices + self.vectors
    }
}

/// A convolution of one channel by itself has an odd window of at most this many elements for each channel.
const WIDEST_WINDOW: u64 = 121;

/// The parts of a model, and what a reader should know of how they were told apart.
pub(super) fn of(subject: Subject<'_>) -> (Vec<Part>, Vec<String>) {
    let layers = subject.inspection.map(|inspection| inspection.layers.as_slice()).unwrap_or_default();
    let of_layers: u64 = layers.iter().map(|layer| layer.parameters).fold(0, u64::saturating_add);
    if of_layers > 0 {
        return (of_list(layers, subject.summary), Vec::new());
    }
    match subject.summary.language {
        Some(language) => of_language(&language),
        None => of_groups(subject.summary),
    }
}

fn of_list(layers: &[Layer], summary: &ModelSummary) -> Vec<Part> {
    let is_language = summary.language.is_some();
    let mut parts: Vec<Part> = layers
        .iter()
        .map(|layer| Part {
            name: layer.name.clone(),
            kind: kind(layer),
            is_first: false,
            is_last: false,
            matrices: layer.matrix_parameters as f64,
            vectors: layer.parameters.saturating_sub(layer.matrix_parameters) as f64,
            macs: layer.macs.unwrap_or(0) as f64,
            other: layer.other_operations.unwrap_or(0) as f64,
            weight_bytes: layer.weight_bytes.unwrap_or(0) as f64,
            activation_bytes: layer.traffic_bytes.unwrap_or(0).saturating_sub(layer.weight_bytes.unwrap_or(0)) as f64,
            times: layer.times as f64,
            is_mixing: layer.macs.unwrap_or(0) > 0
                && layer.weight_bytes.unwrap_or(0) == 0
                && layer.parameters == 0
                && !(is_language && (layer.op.ends_with("(tied)") || layer.op.starts_with("Linear"))),
            is_kept: false,
        })
        .collect();
    let is_product = |part: &Part| matches!(part.kind, Kind::Product | Kind::Depthwise) && part.matrices > 0.0;
    // A text enters through its table, which is no product: the first layer behind it is like all others.
    let has_table = parts.iter().any(|part| part.kind == Kind::Table);
    if !has_table && let Some(first) = parts.iter_mut().find(|part| is_product(part)) {
        first.is_first = true;
        // Its few input channels look like a window.
        first.kind = Kind::Product;
    }
    // A head that shares the table's weights has none of its own.
    let tied = is_language && has_table && layers.iter().any(|layer| layer.op.ends_with("(tied)"));
    if !tied && let Some(last) = parts.iter_mut().rev().find(|part| is_product(part)) {
        last.is_last = true;
    }
    parts
}

fn kind(layer: &Layer) -> Kind {
    let op = layer.op.to_ascii_lowercase();
    if layer.matrix_parameters == 0 {
        // The work of a described network may stand apart from its weights.
        let is_product = op == "linear" && layer.macs.unwrap_or(0) > 0;
        return if is_product { Kind::Product } else { Kind::Other };
    }
    let is_table = layer.macs.unwrap_or(0) == 0 && (op.contains("gather") || op.contains("embedding"))
        || op == "weights"
            && ["embed_tokens", "wte", "token_embd", "word_embeddings", "tok_embeddings", "embed_in"]
                .iter()
                .any(|name| layer.name.ends_with(name));
    if is_table {
        return Kind::Table;
    }
    let channels = layer.output_shape.as_ref().and_then(|shape| shape.get(1).copied().flatten());
    let window = channels.filter(|channels| *channels > 1).and_then(|channels| {
        layer.matrix_parameters.is_multiple_of(channels).then_some(layer.matrix_parameters / channels)
    });
    let is_single = window.is_some_and(|window| window > 1 && window % 2 == 1 && window <= WIDEST_WINDOW);
    match op.contains("depthwise") || op.contains("conv") && is_single {
        true => Kind::Depthwise,
        false => Kind::Product,
    }
}

/// A language model of which no layer is listed.
fn of_language(language: &LanguageModel) -> (Vec<Part>, Vec<String>) {
    let part = |name: &str, kind, matrices: f64, macs: f64| Part {
        name: name.to_owned(),
        kind,
        is_first: false,
        is_last: false,
        matrices,
        vectors: 0.0,
        macs,
        other: 0.0,
        weight_bytes: 0.0,
        activation_bytes: 0.0,
        times: 0.0,
        is_mixing: false,
        is_kept: false,
    };
    let table = language.input_table_parameters.unwrap_or(0.0).min(language.parameters);
    let macs = language.weight_macs_per_token.unwrap_or(language.active_parameters);
    let parts = vec![
        part("embeddings", Kind::Table, table, 0.0),
        part("all layers", Kind::Product, language.parameters - table, macs),
    ];
    let note = "the model’s layers are not at hand, so all weights but an input table change alike, and none of them can be left out by name";
    (parts, vec![note.to_owned()])
}

/// A graph of which only groups of layers are known.
fn of_groups(summary: &ModelSummary) -> (Vec<Part>, Vec<String>) {
    let all = summary.parameters.unwrap_or(0) as f64;
    let held: f64 = summary.layers.iter().map(|term| term.weight_bytes as f64).sum();
    let parts = summary
        .layers
        .iter()
        .enumerate()
        .map(|(place, term)| Part {
            name: format!("layers like {}", place + 1),
            kind: if term.macs > 0 { Kind::Product } else { Kind::Other },
            is_first: false,
            is_last: false,
            matrices: if held > 0.0 { all * term.weight_bytes as f64 / held } else { 0.0 },
            vectors: 0.0,
            macs: term.macs as f64,
            other: term.other_operations as f64,
            weight_bytes: term.weight_bytes as f64,
            activation_bytes: term.activation_bytes as f64,
            times: term.layers as f64,
            is_mixing: term.weight_bytes == 0,
            is_kept: false,
        })
        .collect();
    let note = "only the sums of this model came with the link; open its file to leave layers out by name, and for exact sizes";
    (parts, vec![note.to_owned()])
}

/// Marks what the user leaves alone; names that match nothing come back.
pub(super) fn keep(parts: &mut [Part], names: &[String]) -> Vec<String> {
    let mut missed = Vec::new();
    for name in names {
        let mut met = false;
        let is_product = |part: &Part| matches!(part.kind, Kind::Product | Kind::Depthwise) && part.matrices > 0.0;
        let ends = match name.as_str() {
            "first" => Some(parts.iter().position(is_product)),
            "last" => Some(parts.iter().rposition(is_product)),
            _ => None,
        };
        match ends {
            Some(place) => {
                if let Some(part) = place.and_then(|place| parts.get_mut(place)) {
                    part.is_kept = true;
                    met = true;
                }
            }
            None => {
                for part in parts.iter_mut() {
                    let wanted =
                        if name == "embeddings" { part.kind == Kind::Table } else { matches(name, &part.name) };
                    part.is_kept |= wanted;
                    met |= wanted;
                }
            }
        }
        if !met {
            missed.push(name.clone());
        }
    }
    missed
}

/// Whether a name is the pattern, or contains it where an asterisk stands at an end.
fn matches(pattern: &str, name: &str) -> bool {
    let inner = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => name.contains(inner),
        (true, false) => name.ends_with(inner),
        (false, true) => name.starts_with(inner),
        (false, false) => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asterisks_stand_for_any_text() {
        assert!(matches("layer1.*", "layer1.0.conv1") && !matches("layer1.*", "layer10"));
        assert!(matches("*lm_head", "model.lm_head") && matches("*attn*", "h.3.attn.c_proj"));
        assert!(matches("fc", "fc") && !matches("fc", "fc2"));
    }
}
