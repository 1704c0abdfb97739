//! The kinds of training and the plans by which devices share it: choices, and nothing computed from them.

use serde::{Deserialize, Serialize};

/// What kind of training it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// From nothing.
    #[default]
    Pretraining,
    /// From a trained model, on more of the same sort: all weights learn.
    ContinuedPretraining,
    /// From a trained model, on examples of a task: all weights learn.
    FineTuning,
    /// Low-rank adapters learn beside frozen weights.
    Lora,
    /// The same beside frozen weights of 4 bits.
    Qlora,
    /// A smaller model learns from what a larger one answers.
    Distillation,
    /// A model answers, is judged, and learns from that.
    Reinforcement,
}

/// Which matrices get adapters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Queries and values of the attention, as in the first publication.
    QueryValue,
    /// All four matrices of the attention.
    Attention,
    /// All matrices of the layers.
    #[default]
    AllLinear,
}

/// What the optimiser keeps for each weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Two moments.
    #[default]
    Adamw,
    /// Two moments in 8 bits.
    #[serde(rename = "adamw-8bit")]
    Adamw8bit,
    /// No moment.
    Sgd,
    /// One moment.
    SgdMomentum,
    /// Moments by row and column.
    Adafactor,
}

/// Which activations are kept for the backward pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activations {
    /// All of them, attention maps included.
    All,
    /// All but attention maps, which are computed again, or by a fused kernel never stored.
    #[default]
    Selective,
    /// The inputs of the layers alone: everything else is computed again.
    Full,
}

/// The kind of a training run with what the kind asks for; what is absent takes its usual value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Method {
    /// The kind.
    pub kind: Kind,
    /// The rank of adapters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// Which matrices get adapters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// The teacher's parameters that one token uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher_parameters: Option<f64>,
    /// Answers to each prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<f64>,
    /// Tokens of a prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<f64>,
    /// Tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_tokens: Option<f64>,
    /// Answers that are written at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_batch: Option<u64>,
}

/// How devices share a run; what is absent is as usual for the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// The optimiser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// Which activations are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activations: Option<Activations>,
    /// The stage of ZeRO: 0 copies everything to each replica, 1 shares the optimiser's state, 2 gradients too, 3 weights too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero: Option<u8>,
    /// Devices that share each layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor_parallel: Option<u64>,
    /// Devices that hold one stretch of layers each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_parallel: Option<u64>,
    /// Samples or sequences that a replica computes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<u64>,
}

impl Method {
    /// Whether it is as usual.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Plan {
    /// Whether it is as usual.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Words for the choices, the same in scenarios, links, the command line and the page.
macro_rules! words {
    ($of:ident: $($case:ident = $word:literal),+ $(,)?) => {
        impl $of {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// The word.
            pub fn code(self) -> &'static str {
                match self { $(Self::$case => $word),+ }
            }

            /// The choice of this word.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

words!(Kind:
    Pretraining = "pretraining",
    ContinuedPretraining = "continued-pretraining",
    FineTuning = "fine-tuning",
    Lora = "lora",
    Qlora = "qlora",
    Distillation = "distillation",
    Reinforcement = "reinforcement",
);
words!(Targets: QueryValue = "query-value", Attention = "attention", AllLinear = "all-linear");
words!(Optimizer:
    Adamw = "adamw",
    Adamw8bit = "adamw-8bit",
    Sgd = "sgd",
    SgdMomentum = "sgd-momentum",
    Adafactor = "adafactor",
);
words!(Activations: All = "all", Selective = "selective", Full = "full");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_files_use() {
        let same = |word: &str, json: serde_json::Value| assert_eq!(json, serde_json::Value::from(word));
        Kind::ALL.iter().for_each(|one| same(one.code(), serde_json::to_value(one).unwrap()));
        Targets::ALL.iter().for_each(|one| same(one.code(), serde_json::to_value(one).unwrap()));
        Activations::ALL.iter().for_each(|one| same(one.code(), serde_json::to_value(one).unwrap()));
        assert_eq!(Optimizer::from_code("adamw-8bit"), Some(Optimizer::Adamw8bit));
        for one in Optimizer::ALL {
            assert_eq!(Optimizer::from_code(one.code()), Some(*one));
        }
        assert_eq!(Kind::from_code("magic"), None);
    }
}
