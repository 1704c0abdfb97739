//! Kinds of training: what adapters, a teacher or answers written along the way change in the operations and the time.
//!
//! Adapters (Hu and others 2021): every product is computed forward and its input's gradient backward; weights' gradients, of the adapters alone.
//! With M adapter parameters beside N frozen ones, a token costs 4N + 6M instead of 6N; frozen weights of 4 bits change memory, not operations.
//! Distillation (Hinton and others 2015): the teacher's forward pass for every token, 2 × its parameters, beside the student's training.
//! Reinforcement (as in Shao and others 2024): several answers are written to each prompt, by the model as a service; then prompt and answers
//! are learnt from, with one more forward pass of a reference model. Writing dominates: it takes a step for each token, training does not.
//! Continued pretraining and full fine-tuning are training as ever, with their own amounts.

use super::assumptions::factor;
use super::case::Case;
use super::figures::Figure;
use super::{EstimateError, central};
use crate::scenario::{Kind, LanguageModel, Method, Scenario, Serving, Targets, Training, Workload};
use crate::units::Seconds;

/// The width and the layers of a language model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    /// Width × layers.
    pub(crate) width_times_layers: f64,
    /// The width of the hidden state.
    pub(crate) width: f64,
}

impl Shape {
    /// From what attention costs, which is 2 × width × layers MACs for each token of context;
    /// of a model known by its size alone, from 12 × width² × layers parameters (Kaplan and others 2020).
    /// Both at the usual width for each layer.
    ///
    /// # Errors
    /// A table that is a part of this crate lacks a row: a fault of ours.
    pub(crate) fn of(model: &LanguageModel) -> Result<Self, EstimateError> {
        let aspect = factor("width-over-layers")?.value.central.0;
        let attention = model.attention_macs_per_context_token.unwrap_or(0.0)
            + model.windowed_attention_macs_per_context_token.unwrap_or(0.0);
        let width_times_layers = if attention > 0.0 {
            attention / 2.0
        } else {
            libm::pow(aspect * model.active_parameters / 12.0, 2.0 / 3.0) / aspect
        };
        Ok(Self { width_times_layers, width: (aspect * width_times_layers).sqrt() })
    }

    /// How many layers.
    pub(crate) fn layers(&self) -> f64 {
        self.width_times_layers / self.width
    }
}

/// Parameters of adapters: rank × (inputs + outputs) of each matrix, in units of the width: a square matrix has 2,
/// the three of a gated feed-forward layer of 8/3 of the width have 11 together.
///
/// # Errors
/// As [`Shape::of`].
pub(crate) fn adapters(model: &LanguageModel, method: &Method) -> Result<f64, EstimateError> {
    let rank = method.rank.map_or(factor("lora-rank")?.value.central.0, |rank| rank as f64);
    let widths = match method.targets.unwrap_or_default() {
        Targets::QueryValue => 4.0,
        Targets::Attention => 8.0,
        Targets::AllLinear => 19.0,
    };
    let all = rank * widths * Shape::of(model)?.width_times_layers;
    Ok(all.min(model.parameters))
}

/// Parameters that learn.
///
/// # Errors
/// As [`Shape::of`].
pub(crate) fn trainable(model: &LanguageModel, method: &Method) -> Result<f64, EstimateError> {
    match method.kind {
        Kind::Lora | Kind::Qlora => adapters(model, method),
        _ => Ok(model.parameters),
    }
}

/// Refuses what is known of language models alone.
///
/// # Errors
/// A kind that needs a language model, for another network; a distillation without its teacher.
pub(crate) fn check(case: &Case<'_>, method: &Method) -> Result<(), EstimateError> {
    let of_language = matches!(method.kind, Kind::Lora | Kind::Qlora | Kind::Distillation | Kind::Reinforcement);
    if of_language && case.model.language.is_none() {
        return Err(EstimateError::UnknownCount {
            count: "layers with adapters, a teacher or answers",
            remedy: "those kinds are estimated for language models; give its config.json (--config) or its size (--params), or take --kind fine-tuning",
        });
    }
    if method.kind == Kind::Distillation && method.teacher_parameters.is_none() {
        return Err(EstimateError::UnknownCount {
            count: "teacher’s parameters",
            remedy: "give --teacher-params N, or teacher_parameters in the scenario",
        });
    }
    Ok(())
}

/// What a prompt of reinforcement becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rollouts {
    /// Answers to each prompt.
    pub(crate) answers: f64,
    /// Tokens of a prompt.
    pub(crate) prompt: f64,
    /// Tokens of an answer.
    pub(crate) answer: f64,
    /// Answers that are written at once.
    pub(crate) batch: u64,
}

impl Rollouts {
    /// What a method states, and usual amounts for the rest.
    ///
    /// # Errors
    /// As [`Shape::of`].
    pub(crate) fn of(method: &Method) -> Result<Self, EstimateError> {
        let usual = |given: Option<f64>, id| Ok::<_, EstimateError>(given.unwrap_or(factor(id)?.value.central.0));
        Ok(Self {
            answers: usual(method.answers, "rollout-answers")?,
            prompt: usual(method.prompt_tokens, "rollout-prompt")?,
            answer: usual(method.answer_tokens, "rollout-answer")?,
            batch: usual(method.answer_batch.map(|batch| batch as f64), "rollout-batch")? as u64,
        })
    }

    /// Tokens that are learnt from for each prompt.
    pub(crate) fn tokens(&self) -> f64 {
        self.answers * (self.prompt + self.answer)
    }

    /// The time in which all devices write the answers to so many prompts, by the model as a service.
    ///
    /// # Errors
    /// As [`super::estimate`].
    pub(crate) fn time(&self, case: &Case<'_>, prompts: f64) -> Result<Seconds, EstimateError> {
        let serving = Serving {
            batch: self.batch.max(1),
            prompt_tokens: self.prompt,
            output_tokens: self.answer.max(1.0),
            ..Serving::default()
        };
        let scenario = Scenario { workload: Workload::Serve(serving), ..case.scenario.clone() };
        let capacity = central(&scenario, case.model)?.get(Figure::Capacity);
        Ok(Seconds(if capacity > 0.0 { prompts * self.answers / capacity } else { 0.0 }))
    }
}

/// How often the forward pass is computed beside the training itself, in FLOPs for each token: the teacher's, or the reference model's.
pub(crate) fn beside(training: &Training, forward: f64) -> f64 {
    match training.method.kind {
        Kind::Distillation => 2.0 * training.method.teacher_parameters.unwrap_or(0.0),
        Kind::Reinforcement => forward,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, within: f64) {
        assert!((found / expected - 1.0).abs() < within, "{found} for {expected}");
    }

    #[test]
    fn shapes_of_known_models_come_out() {
        // GPT-3: 96 layers of 12,288; Llama 3.1 405B: 126 of 16,384. From the size alone.
        for (parameters, width, layers) in [(175e9, 12_288.0, 96.0), (405e9, 16_384.0, 126.0), (6.7e9, 4096.0, 32.0)] {
            let shape = Shape::of(&LanguageModel::from_size(parameters, None)).unwrap();
            near(shape.width, width, 0.05);
            near(shape.layers(), layers, 0.05);
        }
    }

    #[test]
    fn adapters_are_as_many_as_published() {
        // Hu and others 2021: rank 8 on queries and values of GPT-3 makes 37.7 million parameters.
        let method =
            Method { kind: Kind::Lora, rank: Some(8), targets: Some(Targets::QueryValue), ..Method::default() };
        let gpt_3 = LanguageModel {
            attention_macs_per_context_token: Some(2.0 * 12_288.0 * 96.0),
            ..LanguageModel::from_size(175e9, None)
        };
        near(adapters(&gpt_3, &method).unwrap(), 37.7e6, 0.01);
        assert_eq!(trainable(&gpt_3, &Method::default()).unwrap(), 175e9);
        assert!(trainable(&gpt_3, &Method { targets: None, ..method }).unwrap() > 37.7e6);
    }
}
