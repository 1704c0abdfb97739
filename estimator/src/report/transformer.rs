//! What hyper-parameters say of a model: the part of an inspection that a graph of layers does not show.

use serde::{Deserialize, Serialize};

/// A network described by its hyper-parameters. Counts are elements or MACs; what does not apply is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transformer {
    /// The family's name for people, for example `Llama`.
    pub family: String,
    /// The configuration's own name for it.
    pub model_type: String,
    /// The class whose modules are counted; empty where the family's usual one is.
    pub class: String,
    /// Where the hyper-parameters were read: a file's name.
    pub origin: String,
    /// Whether the family is not known and the counts are an approximation; the warnings say how.
    pub approximate: bool,
    /// All parameters, shared ones once.
    pub parameters: u64,
    /// Parameters that one token uses: all but the experts it is not routed to; tables of embeddings count whole.
    pub active_parameters: u64,
    /// Parameters of the input embedding.
    pub embedding_parameters: u64,
    /// Parameters of an output head of its own; 0 where it is tied to the input embedding or absent.
    pub head_parameters: u64,
    /// Parameters without the input embedding and the output head.
    pub non_embedding_parameters: u64,
    /// Whether input embedding and output head are one tensor; absent where there is no head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tied_embeddings: Option<bool>,
    /// Layers; of the decoder, where there are two stacks.
    pub layers: u64,
    /// Width of a token's vector.
    pub hidden_size: u64,
    /// Query heads of a layer; 0 without attention.
    pub heads: u64,
    /// Key and value heads of a layer.
    pub kv_heads: u64,
    /// Width of a head.
    pub head_dim: u64,
    /// Tokens that the model knows; 0 where it reads no text.
    pub vocabulary: u64,
    /// Routed experts of a layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<u64>,
    /// Routed experts that one token uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts_per_token: Option<u64>,
    /// Parameters of one routed expert, summed over all layers that have experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_parameters: Option<u64>,
    /// Tokens that layers with a window attend to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u64>,
    /// The longest text that the model was made for, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u64>,
    /// Whether it answers token by token; the figures of decoding and of the cache are for such models alone.
    pub generates: bool,
    /// Tokens of the pass that is counted; absent where the input has a size of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// What one pass takes in, where it has a size of its own: `one picture of 224 × 224`.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub input: String,
    /// MACs of that pass; attention counts every query with every key of its window, without causal skipping.
    pub macs: Option<u64>,
    /// The share of attention's products in those MACs, 0 to 1.
    pub attention_share: Option<f64>,
    /// Tokens that the step of decoding below sees, the new one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// MACs of one step of decoding at that context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macs_per_token: Option<u64>,
    /// Bytes that one token adds to the KV cache with elements of 16 bits, in all layers, while no window is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_cache_bytes_per_token: Option<u64>,
    /// Bytes of the whole KV cache at that context: windows hold no more than they see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_cache_bytes: Option<u64>,
    /// Bytes of weights that one step for one sequence reads, as stored; with elements of 16 bits where no weights are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_bytes_per_token: Option<u64>,
    /// MACs of all products with weights for one new token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_macs_per_token: Option<u64>,
    /// MACs of attention for one new token and each token of its context, in layers without a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention_macs_per_context_token: Option<u64>,
    /// The same in layers with a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windowed_attention_macs_per_context_token: Option<u64>,
    /// MACs for one new token that grow neither with weights nor with the context: reading of states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_attention_macs_per_token: Option<u64>,
    /// KV cache elements that one token adds in layers without a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_elements_per_token: Option<u64>,
    /// The same in layers with a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windowed_kv_elements_per_token: Option<u64>,
    /// Elements of recurrent state of one sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_elements: Option<u64>,
    /// Parameters of an input table that is looked up and is not also the output head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_table_parameters: Option<u64>,
    /// Parameters that a checkpoint of this network holds beside the counted ones: layers that predict several tokens at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_parameters: Option<u64>,
    /// Parameters that every step reads whole: all but looked-up tables, routed experts and encoders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_parameters: Option<u64>,
    /// Elements of the rows that one token looks up in tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_elements: Option<u64>,
    /// Parameters of encoders, which run once for a text, a picture or a sound and not for each new token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder_parameters: Option<u64>,
    /// MACs of products with weights for each token that an encoder reads, with what the decoder makes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_macs_per_token: Option<u64>,
    /// MACs of the encoder's attention for each pair of the tokens that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_attention_macs: Option<u64>,
    /// MACs of the decoder's attention for one new token and each token that the encoder read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_attention_macs_per_source_token: Option<u64>,
    /// Cache elements that the decoder keeps of each token that the encoder read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_kv_elements_per_source_token: Option<u64>,
    /// Bytes of what the decoder keeps of the encoder's output with elements of 16 bits:
    /// of an input of fixed size, else of as many tokens as the context has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_cache_bytes: Option<u64>,
    /// MACs of reading one input of fixed size, a picture or a sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_macs: Option<u64>,
    /// Tokens that such an input takes in the decoder's stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Cache elements that the decoder keeps of such an input, where it attends to it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_kv_elements: Option<u64>,
}
