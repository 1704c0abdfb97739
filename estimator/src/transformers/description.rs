//! What hyper-parameters say of a model: its parts, and everything that can be counted from them.

use super::parts::{Kept, Part, Role, Span, Work};
use crate::notes::Notes;

/// What a network is for, as far as its input and output go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Continues a text token by token.
    Decoder,
    /// Reads a text at once.
    #[default]
    Encoder,
    /// Reads a text, a picture or a sound, then writes a text.
    EncoderDecoder,
    /// Looks at a picture.
    Vision,
    /// Listens to a sound.
    Speech,
    /// Takes one step in removing noise from a picture.
    Diffusion,
}

/// The dimensions of a network as people name them; 0 or `None` where it has no such thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it is for.
    pub kind: Kind,
    /// Layers (of the decoder, where there are two stacks).
    pub layers: u64,
    /// Width of a token's vector.
    pub hidden_size: u64,
    /// Query heads of a layer.
    pub heads: u64,
    /// Key and value heads of a layer.
    pub kv_heads: u64,
    /// Width of a head.
    pub head_dim: u64,
    /// Tokens that the model knows.
    pub vocabulary: u64,
    /// Routed experts of a layer.
    pub experts: Option<u64>,
    /// Routed experts that one token uses.
    pub experts_per_token: Option<u64>,
    /// The longest text that it was made for, in tokens.
    pub context_length: Option<u64>,
    /// Whether input table and output head are one tensor; `None` where there is no head.
    pub tied_embeddings: Option<bool>,
    /// What a pass takes when the caller does not say: the name and size of the natural input, for example `image 224 × 224`.
    pub input: String,
}

/// One forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Tokens that run through the model.
    pub tokens: u64,
    /// Tokens that attention sees, the new ones included.
    pub context: u64,
    /// Tokens that the encoder of an encoder-decoder reads.
    pub source: u64,
    /// Whether encoders run; they have run already when a decoder takes one more step.
    pub with_encoders: bool,
}

impl Pass {
    /// A whole input of so many tokens; an encoder reads as many as its decoder writes.
    pub fn prefill(tokens: u64) -> Self {
        Self { tokens, context: tokens, source: tokens, with_encoders: true }
    }

    /// One new token at the end of `context` tokens (itself included).
    pub fn step(context: u64) -> Self {
        Self { tokens: 1, context: context.max(1), source: context, with_encoders: false }
    }

    fn runs(&self, span: Span) -> u64 {
        match span {
            Span::Tokens => self.tokens,
            Span::Source if self.with_encoders => self.source,
            Span::Fixed(times) if self.with_encoders => times,
            Span::Source | Span::Fixed(_) => 0,
        }
    }

    fn keys(&self, span: Span) -> u64 {
        match span {
            Span::Tokens => self.context,
            Span::Source => self.source,
            Span::Fixed(times) => times,
        }
    }
}

/// A model as its hyper-parameters describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The family's name for people, for example `Llama`.
    pub family: String,
    /// The configuration's `model_type`.
    pub model_type: String,
    /// The class that is described, for example `LlamaForCausalLM`.
    pub class: String,
    /// Whether counts are an approximation because the architecture is not known.
    pub is_approximate: bool,
    /// Its dimensions.
    pub facts: Facts,
    /// Its modules in order; empty for a model of which only the size is known.
    pub parts: Vec<Part>,
    /// What a reader should know.
    pub notes: Notes,
    pub(super) totals: Totals,
}

/// Sums over all parts; they are checked when a description is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub parameters: u64,
    pub active: u64,
    pub input: u64,
    pub head: u64,
}

impl Totals {
    /// The sums, or the path of the part at which they do not fit 64 bits any more.
    pub fn of(parts: &[Part]) -> Result<Self, String> {
        let mut totals = Self::default();
        for part in parts {
            let added = (|| {
                let own = part.parameters()?;
                totals.parameters = totals.parameters.checked_add(own)?;
                totals.active = totals.active.checked_add(part.active_parameters()?)?;
                match part.role {
                    Role::InputEmbedding => totals.input = totals.input.checked_add(own)?,
                    // The matrix alone: a bias is no embedding.
                    Role::OutputHead => {
                        let matrix = part.weights.first().filter(|weight| !weight.is_shared);
                        totals.head = totals.head.checked_add(matrix.map_or(Some(0), |matrix| matrix.elements())?)?;
                    }
                    Role::Body => {}
                }
                Some(())
            })();
            added.ok_or_else(|| part.path.clone())?;
        }
        Ok(totals)
    }
}

impl Description {
    /// Elements of all weights, tied ones once.
    pub fn parameters(&self) -> u64 {
        self.totals.parameters
    }

    /// Parameters that one token uses: all but the experts it is not routed to. Tables of embeddings count whole.
    pub fn active_parameters(&self) -> u64 {
        self.totals.active
    }

    /// Parameters of the input embedding.
    pub fn embedding_parameters(&self) -> u64 {
        self.totals.input
    }

    /// Parameters of the matrix of an output head that is not tied to the input embedding.
    pub fn head_parameters(&self) -> u64 {
        self.totals.head
    }

    /// Parameters without the input embedding and the output head.
    pub fn non_embedding_parameters(&self) -> u64 {
        self.totals.parameters.saturating_sub(self.totals.input).saturating_sub(self.totals.head)
    }

    /// Whether it answers token by token, so that prefill, decoding and a KV cache are things it has.
    pub fn generates(&self) -> bool {
        matches!(self.facts.kind, Kind::Decoder | Kind::EncoderDecoder)
    }

    /// MACs of a part in a pass: products with weights, attention and recurrences. `None` when they do not fit 64 bits.
    pub fn part_macs(&self, part: &Part, pass: &Pass) -> Option<u64> {
        let runs = pass.runs(part.span);
        let each = match part.work {
            Work::None => 0,
            Work::Product(macs) | Work::Recurrence(macs) => macs,
            Work::Attention { macs, keys, window } => {
                let keys = pass.keys(keys);
                macs.checked_mul(window.map_or(keys, |window| keys.min(window)))?
            }
        };
        part.used(each.checked_mul(part.modules()?)?)?.checked_mul(runs)?.checked_mul(part.times)
    }

    /// MACs of a pass. Attention counts every query with every key up to the window, as kernels without causal skipping compute it.
    ///
    /// `None` when they do not fit 64 bits. An approximate description counts each active non-embedding parameter once a token.
    pub fn macs(&self, pass: &Pass) -> Option<u64> {
        let parts = self.sum(|part| self.part_macs(part, pass))?;
        parts.checked_add(self.untold_macs_per_token().checked_mul(pass.tokens)?)
    }

    /// MACs of a token in modules that are not listed: where the weights are known only by their number,
    /// each parameter that a token uses outside of the tables of embeddings counts once.
    pub fn untold_macs_per_token(&self) -> u64 {
        if self.parts.iter().any(|part| !part.weights.is_empty()) {
            return 0;
        }
        self.totals.active.saturating_sub(self.totals.input).saturating_sub(self.totals.head)
    }

    /// MACs of the attention products alone.
    pub fn attention_macs(&self, pass: &Pass) -> Option<u64> {
        self.sum(|part| match part.work {
            Work::Attention { .. } => self.part_macs(part, pass),
            _ => Some(0),
        })
    }

    /// Sums what `each` says of all parts.
    pub fn sum(&self, each: impl Fn(&Part) -> Option<u64>) -> Option<u64> {
        self.parts.iter().try_fold(0u64, |sum, part| sum.checked_add(each(part)?))
    }

    fn kept(&self, each: impl Fn(&Part, Kept) -> u64) -> u64 {
        let of = |part: &Part| each(part, part.kept).checked_mul(part.modules()?)?.checked_mul(part.times);
        self.sum(of).unwrap_or(u64::MAX)
    }

    /// The window of layers that have one; the widest, where they differ.
    pub fn window(&self) -> Option<u64> {
        self.parts.iter().filter_map(|part| self.own_window(part)).max()
    }

    fn own_window(&self, part: &Part) -> Option<u64> {
        match part.work {
            Work::Attention { keys: Span::Tokens, window, .. } => window,
            _ => None,
        }
    }

    /// KV cache elements that one token adds in all layers without a window.
    pub fn cache_elements_per_token(&self) -> u64 {
        self.kept(|part, kept| if self.own_window(part).is_none() { kept.cache } else { 0 })
    }

    /// KV cache elements that one token adds in all layers with a window, while the window is not yet full.
    pub fn windowed_cache_elements_per_token(&self) -> u64 {
        self.kept(|part, kept| if self.own_window(part).is_some() { kept.cache } else { 0 })
    }

    /// Bytes that one token adds to the KV cache with 16-bit elements, all layers together, while windows are not yet full.
    pub fn cache_bytes_per_token(&self) -> u64 {
        let elements = self.cache_elements_per_token().saturating_add(self.windowed_cache_elements_per_token());
        elements.saturating_mul(2)
    }

    /// Elements of the KV cache at this context: windows hold no more than they see. `None` when that does not fit 64 bits.
    pub fn cache_elements(&self, context: u64) -> Option<u64> {
        self.sum(|part| {
            let tokens = self.own_window(part).map_or(context, |window| window.min(context));
            part.kept.cache.checked_mul(part.modules()?)?.checked_mul(part.times)?.checked_mul(tokens)
        })
    }

    /// Elements of recurrent state of one sequence.
    pub fn state_elements(&self) -> u64 {
        self.kept(|_, kept| kept.state)
    }

    /// MACs of all products with weights for one token of the stream.
    pub fn weight_macs_per_token(&self) -> Option<u64> {
        let told = self.stream(|part, macs| matches!(part.work, Work::Product(_)).then_some(macs))?;
        told.checked_add(self.untold_macs_per_token())
    }

    /// MACs of attention for one new token and each token of its own context, in layers without (`false`) or with (`true`) a window.
    pub fn attention_macs_per_context_token(&self, windowed: bool) -> Option<u64> {
        self.sum(|part| match part.work {
            Work::Attention { macs, keys: Span::Tokens, window } if window.is_some() == windowed => {
                macs.checked_mul(part.modules()?)?.checked_mul(part.times)
            }
            _ => Some(0),
        })
    }

    /// MACs for one new token that depend neither on weights nor on the context: recurrences, and attention to what an encoder of fixed length made.
    pub fn fixed_macs_per_token(&self) -> Option<u64> {
        self.stream(|part, macs| match part.work {
            Work::Recurrence(_) => Some(macs),
            Work::Attention { keys: Span::Fixed(_), .. } => Some(macs),
            _ => None,
        })
    }

    fn stream(&self, pick: impl Fn(&Part, u64) -> Option<u64>) -> Option<u64> {
        let pass = Pass { with_encoders: false, ..Pass::step(1) };
        self.sum(|part| match part.span {
            Span::Tokens => Some(pick(part, self.part_macs(part, &pass)?).unwrap_or(0)),
            _ => Some(0),
        })
    }

    /// Elements of weights that a step for `sequences` sequences at once reads: what every token uses,
    /// and of the experts as many as so many tokens reach, when each picks at random.
    /// An input table that is looked up counts one row for each.
    pub fn weights_touched(&self, sequences: u64) -> f64 {
        let touched = |part: &Part| -> f64 {
            let all = part.parameters().unwrap_or(u64::MAX) as f64;
            if part.span != Span::Tokens {
                return 0.0;
            }
            let looked_up = part.kind == "Embedding" && !self.facts.tied_embeddings.unwrap_or(false);
            if looked_up {
                let rows = part.weights.first().and_then(|weight| weight.shape.first()).copied().unwrap_or(1).max(1);
                return all / rows as f64 * sequences.min(rows) as f64;
            }
            let Some(routed) = part.routed else { return all };
            let missed = 1.0 - routed.per_token as f64 / routed.experts.max(1) as f64;
            all * (1.0 - libm::pow(missed, sequences as f64))
        };
        if self.untold_macs_per_token() > 0 {
            return self.totals.active.saturating_sub(self.totals.input) as f64;
        }
        self.parts.iter().map(touched).sum()
    }

    /// Parameters of one routed expert, summed over all layers that have experts; `None` for a dense model.
    pub fn expert_parameters(&self) -> Option<u64> {
        let experts = self.facts.experts?;
        self.sum(|part| if part.routed.is_some() { Some(part.parameters()? / experts.max(1)) } else { Some(0) })
    }
}
