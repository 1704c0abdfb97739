//! What tokens cost a language model: MACs of a prompt and of a step, elements of its cache, parameters that a batch reads.
//!
//! Three kinds of model come here: one known by its architecture, one known by its size alone,
//! and a graph over tokens that was read, whose counted pass is taken apart.
//! Seconds, bytes and joules are not known here.

use crate::scenario::{LanguageModel, ModelSummary, Serving, TokenPass};

/// The language model that a graph over tokens amounts to, from the pass that was counted; `None` where it is no such graph
/// or its counts are not known.
///
/// Products with weights grow with the tokens alone, products between activations with the tokens and with the context they attend to,
/// which in the counted pass was all its tokens and the cache.
/// A graph without cache inputs does not say how many keys and values a token has; with as many heads for them as for queries,
/// which is the most there can be, one token adds as many elements as its attention products have MACs for each token of context:
/// both are 2 × heads × head dimension × layers.
pub(crate) fn of_graph(model: &ModelSummary) -> Option<LanguageModel> {
    let pass = model.sample.pass?;
    let parameters = model.parameters.filter(|parameters| *parameters > 0)? as f64;
    let weight_macs = model.macs?.checked_sub(pass.attention_macs)? as f64;
    let tokens = model.batch.max(1) as f64 * pass.tokens as f64;
    let context = pass.tokens as f64 + pass.past as f64;
    if tokens <= 0.0 {
        return None;
    }
    let attention = pass.attention_macs as f64 / tokens / context;
    Some(LanguageModel {
        weight_macs_per_token: Some(weight_macs / tokens),
        attention_macs_per_context_token: Some(attention),
        kv_elements_per_token: Some(pass.cache_elements_per_token.map_or(attention, |elements| elements as f64)),
        ..LanguageModel::from_size(parameters, None)
    })
}

/// Whether a service of this model answers prompts token by token.
pub(crate) fn generates(pass: Option<TokenPass>, serving: &Serving) -> bool {
    pass.is_some_and(|pass| serving.generates.unwrap_or(pass.cache_elements_per_token.is_some()))
}

/// MACs of one token that attends to `context` tokens, itself among them.
///
/// Of a model known by its size alone: its active parameters, each used once; attention products are not in it.
fn token_macs(model: &LanguageModel, context: f64, windowed_context: f64) -> f64 {
    let zero = |count: Option<f64>| count.unwrap_or(0.0);
    match model.weight_macs_per_token {
        None => model.active_parameters,
        Some(weights) => {
            weights
                + zero(model.fixed_attention_macs_per_token)
                + zero(model.attention_macs_per_context_token) * context
                + zero(model.windowed_attention_macs_per_context_token) * windowed_context
        }
    }
}

/// MACs of one token on average over a whole sequence of `tokens`, each attending to itself and to those before it.
pub(crate) fn mean_macs(model: &LanguageModel, tokens: f64) -> f64 {
    token_macs(model, mean_context(0.0, tokens, f64::INFINITY), mean_context(0.0, tokens, window(model)))
}

/// MACs of one token on average over the steps behind a prompt: the first attends to the prompt and itself, the last to all but the last token.
pub(crate) fn step_macs(model: &LanguageModel, prompt: f64, steps: f64) -> f64 {
    token_macs(
        model,
        mean_context(prompt, prompt + steps, f64::INFINITY),
        mean_context(prompt, prompt + steps, window(model)),
    )
}

/// Elements of cache and state that one sequence of `tokens` holds; `None` where neither the architecture nor a graph tells.
pub(crate) fn cache_elements(model: &LanguageModel, tokens: f64) -> Option<f64> {
    elements(model, tokens, tokens.min(window(model)))
}

/// Elements of cache and state that one step reads on average over the steps behind a prompt.
pub(crate) fn cache_elements_read(model: &LanguageModel, prompt: f64, steps: f64) -> Option<f64> {
    elements(
        model,
        mean_context(prompt, prompt + steps, f64::INFINITY),
        mean_context(prompt, prompt + steps, window(model)),
    )
}

fn elements(model: &LanguageModel, tokens: f64, windowed_tokens: f64) -> Option<f64> {
    let (all, windowed, state) =
        (model.kv_elements_per_token, model.windowed_kv_elements_per_token, model.state_elements);
    if all.is_none() && windowed.is_none() && state.is_none() {
        return None;
    }
    Some(all.unwrap_or(0.0) * tokens + windowed.unwrap_or(0.0) * windowed_tokens + state.unwrap_or(0.0))
}

fn window(model: &LanguageModel) -> f64 {
    model.window.unwrap_or(f64::INFINITY)
}

/// The mean context of tokens number `from` + 1 to `to`, each of which attends to itself and to those before it, to `window` at most.
fn mean_context(from: f64, to: f64, window: f64) -> f64 {
    // 1 + 2 + … + n, with the part beyond the window flat.
    let sum = |n: f64| {
        let grows = n.min(window);
        grows * (grows + 1.0) / 2.0 + (n - grows) * if n > window { window } else { 0.0 }
    };
    if to > from { (sum(to) - sum(from)) / (to - from) } else { (from + 1.0).min(window) }
}

/// Parameters whose bytes a pass over `tokens` tokens reads.
///
/// Each token chooses its experts independently of the others, k of E in each layer, so `tokens` of them touch
/// E × (1 − (1 − k ÷ E)^tokens) experts of a layer. Everything else is read whole, but for an input table of its own, which is only looked up.
/// Of a mixture known by its size alone, the same with the share of active parameters in place of k ÷ E, over all parameters.
pub(crate) fn parameters_read(model: &LanguageModel, tokens: f64) -> f64 {
    let touched = |share: f64| 1.0 - libm::pow(1.0 - share.clamp(0.0, 1.0), tokens.max(1.0));
    let table = model.input_table_parameters.unwrap_or(0.0);
    match (model.expert_parameters, model.experts, model.experts_per_token) {
        (Some(expert), Some(experts), Some(chosen)) if experts > 0.0 => {
            let routed = expert * experts;
            (model.parameters - table - routed).max(0.0) + routed * touched(chosen / experts)
        }
        _ if model.knows_its_architecture() => (model.parameters - table).max(0.0),
        _ => model.parameters * touched(model.active_parameters / model.parameters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Sample, SampleKind};

    fn near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} for {expected}");
    }

    /// The 7-billion model of Llama 2, from its published configuration: 32 layers, width 4096, 11008 in the middle, 32,000 words.
    fn llama_2_7b() -> LanguageModel {
        let (layers, width, middle, words) = (32.0, 4096.0, 11008.0, 32_000.0);
        LanguageModel {
            weight_macs_per_token: Some(layers * (4.0 * width * width + 3.0 * width * middle) + width * words),
            attention_macs_per_context_token: Some(2.0 * width * layers),
            kv_elements_per_token: Some(2.0 * width * layers),
            input_table_parameters: Some(width * words),
            ..LanguageModel::from_size(6_738_415_616.0, None)
        }
    }

    #[test]
    fn a_prompt_attends_to_half_of_itself() {
        let model = llama_2_7b();
        let weights = model.weight_macs_per_token.unwrap();
        near(mean_macs(&model, 1.0), weights + 262_144.0);
        // Tokens 1 to 1000 attend to 500.5 on average.
        near(mean_macs(&model, 1000.0), weights + 262_144.0 * 500.5);
        // The two steps behind a prompt of 10 attend to 11 and 12.
        near(step_macs(&model, 10.0, 2.0), weights + 262_144.0 * 11.5);
        near(step_macs(&model, 10.0, 0.0), weights + 262_144.0 * 11.0);
    }

    #[test]
    fn the_cache_of_llama_2_is_half_a_megabyte_a_token() {
        // 2 × 32 layers × 4096 × 2 bytes = 524,288 bytes, as published for this model.
        near(cache_elements(&llama_2_7b(), 1.0).unwrap() * 2.0, 524_288.0);
        near(cache_elements_read(&llama_2_7b(), 100.0, 3.0).unwrap(), 262_144.0 * 102.0);
        assert_eq!(cache_elements(&LanguageModel::from_size(7e9, None), 10.0), None);
        let recurrent = LanguageModel { state_elements: Some(5.0), ..LanguageModel::from_size(7e9, None) };
        assert_eq!(cache_elements(&recurrent, 1e6), Some(5.0));
    }

    #[test]
    fn a_window_bounds_context_and_cache() {
        let model = LanguageModel {
            weight_macs_per_token: Some(0.0),
            windowed_attention_macs_per_context_token: Some(1.0),
            windowed_kv_elements_per_token: Some(2.0),
            window: Some(4.0),
            ..LanguageModel::from_size(7e9, None)
        };
        // 1, 2, 3, 4, 4, 4 tokens of context.
        near(mean_macs(&model, 6.0), 18.0 / 6.0);
        near(step_macs(&model, 2.0, 3.0), (3.0 + 4.0 + 4.0) / 3.0);
        near(step_macs(&model, 100.0, 7.0), 4.0);
        near(step_macs(&model, 100.0, 0.0), 4.0);
        assert_eq!(cache_elements(&model, 3.0), Some(6.0));
        assert_eq!(cache_elements(&model, 100.0), Some(8.0));
        near(cache_elements_read(&model, 100.0, 7.0).unwrap(), 8.0);
    }

    #[test]
    fn a_mixture_known_by_its_size_touches_more_as_the_batch_grows() {
        let mixture = LanguageModel::from_size(100.0, Some(10.0));
        near(parameters_read(&mixture, 1.0), 10.0);
        near(parameters_read(&mixture, 2.0), 19.0);
        assert!(parameters_read(&mixture, 1000.0) > 99.9);
        assert_eq!(parameters_read(&LanguageModel::from_size(100.0, None), 1.0), 100.0);
    }

    #[test]
    fn a_batch_touches_the_experts_that_its_tokens_choose() {
        // 8 experts of 10 parameters, 2 for each token; 20 parameters beside them, 5 of which are a table.
        let mixture = LanguageModel {
            weight_macs_per_token: Some(35.0),
            expert_parameters: Some(10.0),
            experts: Some(8.0),
            experts_per_token: Some(2.0),
            input_table_parameters: Some(5.0),
            ..LanguageModel::from_size(100.0, Some(40.0))
        };
        near(parameters_read(&mixture, 1.0), 15.0 + 20.0);
        // Two tokens: 8 × (1 − 0.75²) = 3.5 experts.
        near(parameters_read(&mixture, 2.0), 15.0 + 35.0);
        near(parameters_read(&mixture, 1e6), 15.0 + 80.0);
        near(parameters_read(&llama_2_7b(), 1.0), 6_738_415_616.0 - 131_072_000.0);
    }

    #[test]
    fn a_counted_pass_is_taken_apart() {
        // 2 samples of 8 tokens behind 24 in the cache; 50 MACs with weights a token, 3 for each token of context.
        let pass = TokenPass { tokens: 8, past: 24, attention_macs: 16 * 3 * 32, cache_elements_per_token: Some(3) };
        let graph = |pass| ModelSummary {
            parameters: Some(60),
            macs: Some(16 * 50 + 16 * 3 * 32),
            batch: 2,
            sample: Sample { kind: SampleKind::Tokens, sizes: vec![8], pass },
            ..ModelSummary::default()
        };
        let model = of_graph(&graph(Some(pass))).unwrap();
        assert_eq!(model.weight_macs_per_token, Some(50.0));
        assert_eq!(model.attention_macs_per_context_token, Some(3.0));
        assert_eq!((model.kv_elements_per_token, model.parameters), (Some(3.0), 60.0));
        assert_eq!(of_graph(&graph(None)), None);
        assert_eq!(of_graph(&graph(Some(TokenPass { tokens: 0, past: 0, ..pass }))), None);
        let serving = |generates| Serving { generates, ..Serving::default() };
        assert!(generates(Some(pass), &serving(None)) && !generates(Some(pass), &serving(Some(false))));
        let bare = TokenPass { cache_elements_per_token: None, ..pass };
        assert!(!generates(Some(bare), &serving(None)) && generates(Some(bare), &serving(Some(true))));
        assert!(!generates(None, &serving(Some(true))));
    }
}
