//! What the model is to do.

pub const TITLE: &str = "The job";
pub const TRAIN: &str = "Train it";
pub const SERVE: &str = "Serve it";
pub const SAMPLES: &str = "Training samples";
pub const EPOCHS: &str = "Epochs";
pub const TRAIN_BATCH: &str = "Batch, all devices together";
pub const TOKENS: &str = "Training tokens";
pub const TOKENS_HELP: &str = "Tokens read in the whole run, repeated ones too.";
pub const TOKEN_BATCH: &str = "Sequences of one step, all devices together";
pub fn usual(source: &str) -> String {
    format!("To start with: {}", super::intake::sentence(&super::inside_sentence(source)))
}
pub const GENERATES: &str = "A request is a prompt and its answer, token by token";
pub const PROMPT: &str = "Prompt tokens";
pub const OUTPUT: &str = "Answer tokens";
pub const RECOMPUTE: &str = "Recompute activations in the backward pass";
pub const REQUESTS: &str = "Requests a day";
pub const REQUESTS_HELP: &str = "0 for a single request, without idle time.";
pub const DAYS: &str = "Days";
pub const SERVE_BATCH: &str = "Batch";
pub const SERVE_BATCH_HELP: &str = "Requests computed together.";
