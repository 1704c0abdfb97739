//! Kinds of training, and how devices share a run.

use estimator::scenario::{Activations, Kind, Optimizer};

pub const TITLE: &str = "Kind of training, memory and parallel plan";
pub const KIND: &str = "Kind";
pub const RANK: &str = "Rank of adapters";
pub const TEACHER: &str = "Teacher’s parameters";
pub const ANSWERS: &str = "Answers to a prompt";
pub const ANSWER: &str = "Tokens of an answer";
pub const OPTIMIZER: &str = "Optimiser";
pub const ACTIVATIONS: &str = "Activations kept";
pub const ZERO: &str = "ZeRO stage";
pub const TENSOR: &str = "Tensor parallel";
pub const PIPELINE: &str = "Pipeline parallel";
pub const MICRO: &str = "Micro-batch";

/// A kind in a list.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Pretraining => "From nothing",
        Kind::ContinuedPretraining => "Continued pretraining",
        Kind::FineTuning => "Fine-tuning, all weights",
        Kind::Lora => "LoRA",
        Kind::Qlora => "QLoRA, 4-bit weights",
        Kind::Distillation => "Distillation",
        Kind::Reinforcement => "Reinforcement",
    }
}

/// An optimiser in a list.
pub fn optimizer(optimizer: Optimizer) -> &'static str {
    match optimizer {
        Optimizer::Adamw => "AdamW",
        Optimizer::Adamw8bit => "AdamW, 8 bits",
        Optimizer::Sgd => "SGD",
        Optimizer::SgdMomentum => "SGD with momentum",
        Optimizer::Adafactor => "Adafactor",
    }
}

/// Which activations are kept, in a list.
pub fn activations(activations: Activations) -> &'static str {
    match activations {
        Activations::All => "All",
        Activations::Selective => "All but attention maps",
        Activations::Full => "Inputs of layers alone",
    }
}
