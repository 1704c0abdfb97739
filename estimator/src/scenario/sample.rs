//! What one sample of a graph is, read off its inputs and outputs: a picture, so many tokens, a sound, or something else.
//!
//! Names and shapes are all there is to go by; what they do not tell stays [`SampleKind::Unknown`].
//! What a sample costs is not known here.

use crate::format;
use crate::report::{Inspection, Port, Transformer};
use serde::{Deserialize, Serialize};

/// Words in a dimension's name by which it is the length of one sample and not a number of samples.
pub(super) const LENGTHS: [&str; 7] = ["seq", "time", "len", "token", "sample", "frame", "audio"];
/// Words in an input's name by which its numbers are tokens.
const TOKENS: [&str; 3] = ["input_ids", "token", "ids"];
/// Words in an input's name by which it is a sound or its spectrum.
const SOUNDS: [&str; 8] = ["audio", "wave", "speech", "sound", "mel", "spectr", "input_features", "input_values"];
/// Words in an input's name by which it is a cache of keys and values.
const CACHES: [&str; 3] = ["past", "key_cache", "cache_k"];
/// The most channels, and the least width and height, that a picture has.
const MOST_CHANNELS: u64 = 4;
const LEAST_SIDE: u64 = 16;

/// What kind of thing one sample is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleKind {
    /// Something that names and shapes do not tell.
    #[default]
    Unknown,
    /// A picture: channels, height, width in either order.
    Image,
    /// A text as numbers of its tokens.
    Tokens,
    /// A sound or its spectrum.
    Audio,
}

impl SampleKind {
    /// The word that links use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "other",
            Self::Image => "image",
            Self::Tokens => "tokens",
            Self::Audio => "audio",
        }
    }

    /// The kind that a word stands for; a word of a newer link stands for none that we know.
    pub fn from_code(code: &str) -> Self {
        [Self::Image, Self::Tokens, Self::Audio].into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Unknown)
    }
}

/// One sample of a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// What kind of thing it is.
    pub kind: SampleKind,
    /// Sizes of the input that tells, without the batch.
    pub sizes: Vec<u64>,
    /// What one pass goes through, for a graph that maps tokens to scores over a vocabulary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<TokenPass>,
}

/// One pass of a graph over tokens, as it was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenPass {
    /// New tokens of each sample.
    pub tokens: u64,
    /// Tokens of each sample that stand in the cache already.
    pub past: u64,
    /// MACs of products between activations, all samples of the pass together: the attention products.
    pub attention_macs: u64,
    /// Elements of keys and values that one token adds, where the graph takes a cache as input.
    pub cache_elements_per_token: Option<u64>,
}

impl Sample {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Tokens of a sample, where it is made of them.
    pub fn tokens(&self) -> Option<u64> {
        match (self.kind, self.sizes.as_slice()) {
            (SampleKind::Tokens, sizes) => sizes.iter().try_fold(1u64, |product, size| product.checked_mul(*size)),
            _ => None,
        }
    }

    /// What one sample is, in words: `128 tokens`, `a picture of 3 × 224 × 224`.
    pub fn label(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(|size| format::whole(*size)).collect();
        let sizes = sizes.join(" × ");
        match (self.kind, sizes.is_empty()) {
            (SampleKind::Tokens, false) if self.tokens() == Some(1) => "1 token".to_owned(),
            (SampleKind::Tokens, false) => format!("{sizes} tokens"),
            (SampleKind::Tokens, true) => "1 token".to_owned(),
            (SampleKind::Image, false) => format!("a picture of {sizes}"),
            (SampleKind::Image, true) => "a picture".to_owned(),
            (SampleKind::Audio, false) => format!("a sound of {sizes} values"),
            (SampleKind::Audio, true) => "a sound".to_owned(),
            (SampleKind::Unknown, false) => format!("an input of {sizes}"),
            (SampleKind::Unknown, true) => "one input".to_owned(),
        }
    }
}

/// What a sample of an inspected model is, when one pass computes `batch` of them.
pub(super) fn of(inspection: &Inspection, batch: u64) -> Sample {
    if let (Some(described), true) = (&inspection.transformer, inspection.inputs.is_empty()) {
        return of_description(described);
    }
    let inputs: Vec<(&Port, Vec<u64>)> =
        inspection.inputs.iter().filter_map(|port| Some((port, without_batch(port, batch)?))).collect();
    let is_named = |port: &Port, words: &[&str]| {
        let name = port.name.to_lowercase();
        words.iter().any(|word| name.contains(word))
    };
    let is_cache = |port: &Port| is_named(port, &CACHES);
    let is_whole = |port: &Port| ["i64", "i32", "u64", "u32", "u16"].contains(&port.dtype.as_str());
    let of_tokens = |port: &Port, sizes: &[u64]| is_whole(port) && is_named(port, &TOKENS) && sizes.len() <= 1;
    let picture = inputs.iter().find(|(port, sizes)| !is_whole(port) && is_picture(sizes) && !is_cache(port));
    let tokens = inputs.iter().find(|(port, sizes)| of_tokens(port, sizes));
    let sound = inputs.iter().find(|(port, _)| !is_whole(port) && is_named(port, &SOUNDS) && !is_cache(port));
    let (kind, sizes) = match (sound, picture, tokens, inputs.first()) {
        // A text beside a picture or a sound is a pair, for which no kind stands.
        (Some(_), _, Some((_, sizes)), _) | (_, Some(_), Some((_, sizes)), _) => (SampleKind::Unknown, sizes.clone()),
        (Some((_, sizes)), ..) => (SampleKind::Audio, sizes.clone()),
        (_, Some((_, sizes)), ..) => (SampleKind::Image, sizes.clone()),
        (_, _, Some((_, sizes)), _) => (SampleKind::Tokens, sizes.clone()),
        (.., Some((_, sizes))) => (SampleKind::Unknown, sizes.clone()),
        _ => return Sample::default(),
    };
    let mut sample = Sample { kind, sizes, pass: None };
    // Another text, picture or state that the tokens are read with has a length of its own: the pass does not tell what a token costs.
    let reads_more =
        inputs.iter().any(|(port, sizes)| !is_whole(port) && sizes.len() >= 2 && !is_cache(port) && !is_mask(port));
    if kind == SampleKind::Tokens && !reads_more {
        sample.pass = token_pass(inspection, batch, sample.tokens().unwrap_or(1), &is_cache);
    }
    sample
}

/// What a sample is of a network that is described by its hyper-parameters and has no inputs of its own.
fn of_description(described: &Transformer) -> Sample {
    let says = |words: &[&str]| words.iter().any(|word| described.input.contains(word));
    let kind = match described.tokens {
        Some(_) => SampleKind::Tokens,
        None if says(&["picture"]) => SampleKind::Image,
        None if says(&["sound", "spectrogram"]) => SampleKind::Audio,
        None => SampleKind::Unknown,
    };
    Sample { kind, sizes: described.tokens.into_iter().collect(), pass: None }
}

fn is_mask(port: &Port) -> bool {
    let name = port.name.to_lowercase();
    ["mask", "bias", "position"].iter().any(|word| name.contains(word))
}

/// The pass of a graph whose output is a score for each word of a vocabulary; `None` for any other.
fn token_pass(inspection: &Inspection, batch: u64, tokens: u64, is_cache: &dyn Fn(&Port) -> bool) -> Option<TokenPass> {
    let caches: Vec<&Port> = inspection.inputs.iter().filter(|port| is_cache(port)).collect();
    let (mut past, mut elements) = (0, 0u64);
    for port in &caches {
        let (of_port, length) = cache_elements(port, batch)?;
        elements = elements.checked_add(of_port)?;
        past = length.max(past);
    }
    // A row of scores for each token, as wide as a vocabulary; scores for classes are one row for each sample, or few.
    let scores = inspection.outputs.iter().any(|port| {
        let Some([_, .., Some(last)]) = port.shape.as_deref() else { return false };
        let rank = port.shape.as_ref().map_or(0, Vec::len);
        port.name.to_lowercase().contains("logits") && rank >= 3 && *last >= LEAST_VOCABULARY
    });
    if caches.is_empty() && !scores {
        return None;
    }
    let attention_macs = inspection
        .layers
        .iter()
        .filter(|layer| layer.weight_bytes == Some(0))
        .try_fold(0u64, |sum, layer| sum.checked_add(layer.macs.unwrap_or(0)))?;
    Some(TokenPass { tokens, past, attention_macs, cache_elements_per_token: (!caches.is_empty()).then_some(elements) })
}

/// The smallest last dimension of logits that is taken for a vocabulary: published tokenizers start at a few hundred (bytes: 256).
const LEAST_VOCABULARY: u64 = 256;

/// Elements that one token takes in a cache input, and the tokens it holds: the axis named “past”, else the third of four.
fn cache_elements(port: &Port, batch: u64) -> Option<(u64, u64)> {
    let shape: Vec<u64> = port.shape.as_ref()?.iter().copied().collect::<Option<_>>()?;
    let words: Vec<&str> = port.symbolic.split(" × ").collect();
    let named =
        words.iter().position(|word| CACHES.iter().chain(&LENGTHS).any(|part| word.to_lowercase().contains(part)));
    let axis = named.or((shape.len() == 4).then_some(2))?;
    let length = *shape.get(axis)?;
    let rest = shape
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != axis)
        .try_fold(1u64, |product, (_, size)| product.checked_mul(*size))?;
    Some((rest / batch.max(1), length))
}

fn is_picture(sizes: &[u64]) -> bool {
    let [a, b, c] = *sizes else { return false };
    let is_side = |size: u64| size >= LEAST_SIDE;
    let first = (1..=MOST_CHANNELS).contains(&a) && is_side(b) && is_side(c);
    let last = (1..=MOST_CHANNELS).contains(&c) && is_side(a) && is_side(b);
    first || last
}

/// Sizes of an input for one sample; `None` where its shape is not known.
fn without_batch(port: &Port, batch: u64) -> Option<Vec<u64>> {
    let shape: Vec<u64> = port.shape.as_ref()?.iter().copied().collect::<Option<_>>()?;
    let words: Vec<&str> = port.symbolic.split(" × ").collect();
    let named = words.iter().position(|word| word.to_lowercase().contains("batch"));
    let is_length = |word: &str| LENGTHS.iter().any(|part| word.to_lowercase().contains(part));
    let first = words.first().copied().unwrap_or_default();
    let axis = match named {
        Some(axis) => Some(axis),
        // A picture by itself has no batch; neither has a single axis that is a length.
        None if is_picture(&shape) || is_length(first) => None,
        None if shape.len() >= 2 && shape.first() == Some(&batch) => Some(0),
        None => None,
    };
    let kept = shape.iter().enumerate().filter(|(place, _)| Some(*place) != axis);
    Some(kept.map(|(_, size)| *size).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Layer;

    fn port(name: &str, dtype: &str, symbolic: &str, shape: &[u64]) -> Port {
        Port {
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            shape: Some(shape.iter().map(|size| Some(*size)).collect()),
            symbolic: symbolic.to_owned(),
        }
    }

    fn with(inputs: Vec<Port>, outputs: Vec<Port>) -> Inspection {
        let layer = |bytes, macs| Layer { weight_bytes: Some(bytes), macs: Some(macs), ..Layer::default() };
        Inspection {
            inputs,
            outputs,
            layers: vec![layer(4, 1000), layer(0, 30), layer(0, 12)],
            ..Inspection::default()
        }
    }

    #[test]
    fn samples_are_told_by_names_and_shapes() {
        for (input, batch, kind, label) in [
            (
                port("image", "f32", "batch × 3 × 224 × 224", &[2, 3, 224, 224]),
                2,
                SampleKind::Image,
                "a picture of 3 × 224 × 224",
            ),
            (
                port("x", "f32", "1 × 224 × 224 × 3", &[1, 224, 224, 3]),
                1,
                SampleKind::Image,
                "a picture of 224 × 224 × 3",
            ),
            (port("image", "f32", "3 × 320 × 320", &[3, 320, 320]), 1, SampleKind::Image, "a picture of 3 × 320 × 320"),
            (port("input_ids", "i64", "batch × sequence", &[1, 128]), 1, SampleKind::Tokens, "128 tokens"),
            (port("input_ids", "i64", "sequence × batch", &[128, 4]), 4, SampleKind::Tokens, "128 tokens"),
            (
                port("input_values", "f32", "batch × samples", &[1, 16000]),
                1,
                SampleKind::Audio,
                "a sound of 16,000 values",
            ),
            (
                port("features", "f32", "batch × 1 × 49 × 10", &[1, 1, 49, 10]),
                1,
                SampleKind::Unknown,
                "an input of 1 × 49 × 10",
            ),
        ] {
            let sample = of(&with(vec![input], vec![]), batch);
            assert_eq!((sample.kind, sample.label().as_str()), (kind, label));
        }
        let pair = vec![
            port("input_ids", "i64", "texts × sequence", &[1, 77]),
            port("image", "f32", "images × 3 × 224 × 224", &[1, 3, 224, 224]),
        ];
        assert_eq!(of(&with(pair, vec![]), 1).kind, SampleKind::Unknown);
        assert!(of(&Inspection::default(), 1).is_unknown());
    }

    #[test]
    fn a_described_network_says_what_it_takes_in() {
        let of = |tokens: Option<u64>, input: &str| {
            let described = Transformer { tokens, input: input.to_owned(), ..Transformer::default() };
            super::of(&Inspection { transformer: Some(described), ..Inspection::default() }, 1)
        };
        assert_eq!(of(Some(512), "").tokens(), Some(512));
        assert_eq!(of(None, "one picture of 224 × 224").kind, SampleKind::Image);
        assert_eq!(of(None, "a spectrogram of 3000 frames").kind, SampleKind::Audio);
        assert_eq!(of(None, "").kind, SampleKind::Unknown);
    }

    #[test]
    fn a_pass_over_tokens_is_told_by_its_vocabulary_or_its_cache() {
        let ids = || port("input_ids", "i64", "batch × sequence", &[2, 8]);
        let logits = port("logits", "f32", "batch × sequence × 50257", &[2, 8, 50257]);
        let pass = |inputs, outputs| of(&with(inputs, outputs), 2).pass;
        let plain = TokenPass { tokens: 8, past: 0, attention_macs: 42, cache_elements_per_token: None };
        assert_eq!(pass(vec![ids()], vec![logits.clone()]), Some(plain));
        // Sentiments are no vocabulary, and hidden states no scores.
        assert_eq!(pass(vec![ids()], vec![port("logits", "f32", "batch × 2", &[2, 2])]), None);
        assert_eq!(pass(vec![ids()], vec![port("logits", "f32", "batch × 1000", &[2, 1000])]), None);
        assert_eq!(pass(vec![ids()], vec![port("last_hidden_state", "f32", "b × s × 768", &[2, 8, 768])]), None);
        let cache = |name: &str, symbolic: &str, shape: &[u64]| port(name, "f32", symbolic, shape);
        let caches = vec![
            ids(),
            cache("past_key_values.0.key", "batch × 3 × past × 64", &[2, 3, 16, 64]),
            cache("past_key_values.0.value", "batch × 3 × past × 64", &[2, 3, 16, 64]),
        ];
        let cached = TokenPass { past: 16, cache_elements_per_token: Some(2 * 3 * 64), ..plain };
        assert_eq!(pass(caches, vec![logits.clone()]), Some(cached));
        // An empty cache tells its elements too.
        let empty = vec![ids(), cache("past.0", "2 × batch × 3 × past_sequence × 64", &[2, 2, 3, 0, 64])];
        let found = pass(empty, vec![]).unwrap();
        assert_eq!((found.past, found.cache_elements_per_token), (0, Some(2 * 3 * 64)));
        // A decoder that also reads an encoder's states.
        let decoder = vec![ids(), port("encoder_hidden_states", "f32", "batch × 1500 × 384", &[2, 1500, 384])];
        assert_eq!(pass(decoder, vec![logits]), None);
    }
}
