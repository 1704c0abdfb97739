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
    /// Parameters of layers that predict several tokens at once, which checkpoints hold and a plain pass does not run.
    pub extra_parameters: Option<u64>,
    /// Tokens that one picture or sound takes in the decoder's stream.
    pub input_tokens: Option<u64>,
}

/// How a step of decoding reads weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// All of them.
    Whole,
    /// One row of a table for each token.
    Rows,
    /// Those of the experts that its tokens chose.
    Routed,
    /// Not at all: they ran for the question.
    Never,
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

    /// How a step reads the weights of a part.
    fn reading(&self, part: &Part) -> Reading {
        let is_tied = part.role == Role::InputEmbedding && self.facts.tied_embeddings == Some(true);
        match part.span {
            Span::Tokens if part.kind == "Embedding" && !is_tied => Reading::Rows,
            Span::Tokens if part.routed.is_some() => Reading::Routed,
            Span::Tokens => Reading::Whole,
            Span::Source | Span::Fixed(_) => Reading::Never,
        }
    }

    /// The share of a part's weights that a step for `sequences` sequences at once reads, 0 to 1.
    pub fn share_read(&self, part: &Part, sequences: u64) -> f64 {
        match self.reading(part) {
            Reading::Whole => 1.0,
            Reading::Never => 0.0,
            Reading::Routed => self.share_of_experts(sequences),
            Reading::Rows => {
                let rows = part.weights.first().and_then(|weight| weight.shape.first()).copied().unwrap_or(1).max(1);
                (sequences as f64 / rows as f64).min(1.0)
            }
        }
    }

    /// The share of a layer's experts that so many tokens reach, when each picks at random.
    fn share_of_experts(&self, tokens: u64) -> f64 {
        let share = match (self.facts.experts, self.facts.experts_per_token) {
            (Some(experts @ 1..), Some(chosen)) => chosen as f64 / experts as f64,
            _ => 1.0,
        };
        1.0 - libm::pow(1.0 - share.clamp(0.0, 1.0), tokens as f64)
    }

    /// Elements that are kept and not learned.
    pub fn buffers(&self) -> u64 {
        self.sum(|part| part.buffers.checked_mul(part.modules()?)).unwrap_or(u64::MAX)
    }

    fn read_so(&self, how: Reading) -> Option<u64> {
        self.sum(|part| if self.reading(part) == how { part.parameters() } else { Some(0) })
    }

    /// Parameters that every step reads whole: all but looked-up tables, routed experts and what runs for an encoder.
    /// `None` where the modules are not known.
    pub fn step_parameters(&self) -> Option<u64> {
        if self.untold_macs_per_token() > 0 { None } else { self.read_so(Reading::Whole) }
    }

    /// Elements of the rows that one token looks up in tables.
    pub fn row_elements(&self) -> Option<u64> {
        let row = |part: &Part| {
            let rows = part.weights.first().and_then(|weight| weight.shape.first()).copied().unwrap_or(1).max(1);
            Some(part.parameters()? / rows)
        };
        self.sum(|part| if self.reading(part) == Reading::Rows { row(part) } else { Some(0) })
    }

    /// Parameters that run for the question alone: encoders, towers for pictures, and the keys and values that are made of what they give.
    pub fn encoder_parameters(&self) -> Option<u64> {
        self.read_so(Reading::Never)
    }

    /// Elements of weights that a step for `sequences` sequences at once reads: what every token uses,
    /// of the experts as many as so many tokens reach, when each picks at random, and of looked-up tables one row for each.
    ///
    /// `None` where they do not fit 64 bits. Where only the size is known, what a token uses without the input embedding.
    pub fn weights_touched(&self, sequences: u64) -> Option<f64> {
        if self.untold_macs_per_token() > 0 {
            return Some(self.totals.active.saturating_sub(self.totals.input) as f64);
        }
        let routed = self.read_so(Reading::Routed)? as f64 * self.share_of_experts(sequences);
        Some(self.step_parameters()? as f64 + routed + self.row_elements()? as f64 * sequences as f64)
    }

    fn sum_over(&self, span: impl Fn(Span) -> bool, pick: impl Fn(&Part) -> Option<u64>) -> Option<u64> {
        self.sum(|part| if span(part.span) { pick(part) } else { Some(0) })
    }

    /// MACs of products for each token that an encoder reads, with the keys and values that are made of it for the decoder.
    pub fn source_macs_per_token(&self) -> Option<u64> {
        let pass = Pass { tokens: 0, context: 0, source: 1, with_encoders: true };
        self.sum_over(
            |span| span == Span::Source,
            |part| match part.work {
                Work::Product(_) | Work::Recurrence(_) => self.part_macs(part, &pass),
                Work::None | Work::Attention { .. } => Some(0),
            },
        )
    }

    /// MACs of attention for each token of this stream and each token that an encoder reads: the encoder's own, or the decoder's.
    pub fn attention_macs_per_source_token(&self, stream: Span) -> Option<u64> {
        self.sum_over(
            |span| span == stream,
            |part| match part.work {
                Work::Attention { macs, keys: Span::Source, .. } => {
                    macs.checked_mul(part.modules()?)?.checked_mul(part.times)
                }
                _ => Some(0),
            },
        )
    }

    /// Cache elements that the decoder keeps of each token that an encoder read.
    pub fn cross_elements_per_source_token(&self) -> Option<u64> {
        self.crossed(|keys| u64::from(keys == Span::Source))
    }

    /// Cache elements that the decoder keeps of an input of fixed size.
    pub fn cross_elements_of_input(&self) -> Option<u64> {
        self.crossed(|keys| match keys {
            Span::Fixed(places) => places,
            Span::Tokens | Span::Source => 0,
        })
    }

    fn crossed(&self, places: impl Fn(Span) -> u64) -> Option<u64> {
        self.sum(|part| match part.work {
            Work::Attention { keys, .. } => {
                part.kept.cross.checked_mul(part.modules()?)?.checked_mul(part.times)?.checked_mul(places(keys))
            }
            _ => Some(0),
        })
    }

    /// MACs of what runs once for an input of fixed size: a picture, a sound.
    pub fn input_macs(&self) -> Option<u64> {
        let pass = Pass { tokens: 0, context: 0, source: 0, with_encoders: true };
        self.sum_over(|span| matches!(span, Span::Fixed(_)), |part| self.part_macs(part, &pass))
    }

    /// Parameters of one routed expert, summed over all layers that have experts; `None` for a dense model.
    pub fn expert_parameters(&self) -> Option<u64> {
        let experts = self.facts.experts?;
        self.sum(|part| if part.routed.is_some() { Some(part.parameters()? / experts.max(1)) } else { Some(0) })
    }
}
