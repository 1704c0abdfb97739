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

/// How the tokens of one request run through a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Request {
    /// Tokens that an encoder reads; 0 without one.
    source: f64,
    /// Pictures or sounds of fixed size.
    inputs: f64,
    /// Tokens of the decoder's first pass: the prompt and what pictures take in it, or, behind an encoder, the token that it starts with.
    first: f64,
    /// Steps behind the first pass.
    steps: f64,
}

impl Request {
    /// The request of a service: where an encoder reads, the prompt is what it reads.
    pub(crate) fn of(model: &LanguageModel, serving: &Serving) -> Self {
        let (prompt, steps) = (serving.prompt_tokens, (serving.output_tokens - 1.0).max(0.0));
        if model.reads_a_source() || model.reads_one_input() {
            let inputs = if model.reads_one_input() { 1.0 } else { 0.0 };
            let source = if model.reads_a_source() { prompt } else { 0.0 };
            return Self { source, inputs, first: 1.0, steps };
        }
        let inputs = if model.takes_inputs() { serving.images.unwrap_or(0.0) } else { 0.0 };
        Self { source: 0.0, inputs, first: prompt + inputs * model.input_tokens.unwrap_or(0.0), steps }
    }

    /// Tokens that the first pass puts into the decoder.
    pub(crate) fn first_tokens(&self) -> f64 {
        self.first
    }

    /// Steps behind the first pass.
    pub(crate) fn steps(&self) -> f64 {
        self.steps
    }
}

/// MACs of the first pass of a request: what encoders read, and the prompt, each token of which attends to itself and to those before it.
pub(crate) fn first_macs(model: &LanguageModel, request: &Request) -> f64 {
    let Request { source, inputs, first, .. } = *request;
    let read = source * (zero(model.source_macs_per_token) + zero(model.source_attention_macs) * source);
    let crossed = zero(model.cross_attention_macs_per_source_token) * source * first;
    read + inputs * zero(model.input_macs) + mean_macs(model, first) * first + crossed
}

/// MACs of a step on average over the steps behind the first pass.
pub(crate) fn request_step_macs(model: &LanguageModel, request: &Request) -> f64 {
    step_macs(model, request.first, request.steps) + zero(model.cross_attention_macs_per_source_token) * request.source
}

/// MACs of a training run for each of its tokens, in sequences of so many.
///
/// The encoder of an encoder-decoder reads one token for each that its decoder writes;
/// an input of fixed size is shared by the tokens of one sequence. Pictures among the tokens are not counted.
pub(crate) fn training_macs(model: &LanguageModel, sequence: f64) -> f64 {
    let own = mean_macs(model, sequence);
    if model.reads_a_source() {
        let attention = zero(model.source_attention_macs) + zero(model.cross_attention_macs_per_source_token);
        return own + zero(model.source_macs_per_token) + attention * sequence;
    }
    let input = if model.reads_one_input() { zero(model.input_macs) } else { 0.0 };
    own + input / sequence.max(1.0)
}

/// Elements of cache and state that one sequence holds once the first pass and this share of the steps are done.
pub(crate) fn held_elements(model: &LanguageModel, request: &Request, share_of_steps: f64) -> Option<f64> {
    let own = request.first + (request.steps + 1.0) * share_of_steps;
    Some(cache_elements(model, own)? + kept_of_inputs(model, request))
}

/// Elements of cache and state that one step reads on average over the steps behind the first pass.
pub(crate) fn elements_read(model: &LanguageModel, request: &Request) -> Option<f64> {
    Some(cache_elements_read(model, request.first, request.steps)? + kept_of_inputs(model, request))
}

/// Elements kept of what an encoder read, which every step reads.
fn kept_of_inputs(model: &LanguageModel, request: &Request) -> f64 {
    zero(model.cross_kv_elements_per_source_token) * request.source + zero(model.input_kv_elements) * request.inputs
}

/// Parameters of encoders whose bytes a pass with new requests reads beside those of its tokens.
pub(crate) fn encoder_parameters_read(model: &LanguageModel, request: &Request) -> f64 {
    let encodes = request.source > 0.0 || request.inputs > 0.0;
    if encodes { zero(model.encoder_parameters) } else { 0.0 }
}

/// Parameters that every token uses, whatever experts it is routed to.
///
/// Of a mixture known by its size alone it is at most what one token uses, which is taken.
pub(crate) fn unrouted_parameters(model: &LanguageModel) -> f64 {
    match (model.expert_parameters, model.experts) {
        (Some(expert), Some(experts)) => (model.parameters - expert * experts).max(0.0),
        _ => model.active_parameters,
    }
}

fn zero(count: Option<f64>) -> f64 {
    count.unwrap_or(0.0)
}

/// MACs of one token that attends to `context` tokens, itself among them.
///
/// Of a model known by its size alone: its active parameters, each used once; attention products are not in it.
fn token_macs(model: &LanguageModel, context: f64, windowed_context: f64) -> f64 {
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
/// E × (1 − (1 − k ÷ E)^tokens) experts of a layer. Everything else is read whole, but for encoders, whose work is done,
/// and for tables that are looked up, of which each token reads a row.
/// Of a mixture known by its size alone, the same with the share of active parameters in place of k ÷ E, over all parameters.
pub(crate) fn parameters_read(model: &LanguageModel, tokens: f64) -> f64 {
    let touched = |share: f64| 1.0 - libm::pow(1.0 - share.clamp(0.0, 1.0), tokens.max(1.0));
    if let Some(whole) = model.step_parameters {
        let routed = match (model.expert_parameters, model.experts, model.experts_per_token) {
            (Some(expert), Some(experts), Some(chosen)) if experts > 0.0 => {
                expert * experts * touched(chosen / experts)
            }
            _ => 0.0,
        };
        let tables = (model.parameters - whole - zero(model.encoder_parameters)).max(0.0);
        return whole + routed + (zero(model.row_elements) * tokens.max(1.0)).min(tables);
    }
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
    use serde_json::json;

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

    /// The language model of a `config.json`, with its description.
    fn of_config(config: serde_json::Value) -> (crate::transformers::Description, LanguageModel) {
        let serde_json::Value::Object(config) = config else { panic!("{config}") };
        let description = crate::transformers::describe(&config).unwrap();
        let found = crate::cost::inspect_description(&description, 512, 512);
        let language = ModelSummary::from_inspection(&found).language.unwrap();
        (description, language)
    }

    #[test]
    fn an_encoder_reads_the_prompt_once_and_the_decoder_attends_to_it() {
        use crate::transformers::Pass;
        for config in [json!({"model_type": "t5"}), json!({"model_type": "bart"}), json!({"model_type": "marian"})] {
            let (description, language) = of_config(config);
            let serving = Serving { prompt_tokens: 300.0, output_tokens: 2.0, ..Serving::default() };
            let request = Request::of(&language, &serving);
            let first = Pass { tokens: 1, context: 1, source: 300, with_encoders: true };
            let second = Pass { tokens: 1, context: 2, source: 300, with_encoders: false };
            near(first_macs(&language, &request), description.macs(&first).unwrap() as f64);
            near(request_step_macs(&language, &request), description.macs(&second).unwrap() as f64);
            // Keys and values of 300 tokens that were read stand beside those of the two that were written.
            let facts = &description.facts;
            let each = 2 * facts.layers * facts.hidden_size;
            near(held_elements(&language, &request, 1.0).unwrap(), (each * (300 + 3)) as f64);
            let trained = Pass { tokens: 64, context: 64, source: 64, with_encoders: true };
            let causal = 64 * 63 / 2 * description.attention_macs_per_context_token(false).unwrap();
            near(training_macs(&language, 64.0) * 64.0, (description.macs(&trained).unwrap() - causal) as f64);
        }
    }

    #[test]
    fn sound_of_a_fixed_length_is_read_whole_for_every_request() {
        use crate::transformers::Pass;
        let (description, language) = of_config(json!({"model_type": "whisper"}));
        let serving = Serving { prompt_tokens: 300.0, output_tokens: 2.0, ..Serving::default() };
        let request = Request::of(&language, &serving);
        let first = Pass { tokens: 1, context: 1, source: 0, with_encoders: true };
        near(first_macs(&language, &request), description.macs(&first).unwrap() as f64);
        near(request_step_macs(&language, &request), description.macs(&Pass::step(2)).unwrap() as f64);
        // 1,500 frames, 4 layers of width 384.
        assert_eq!(language.input_kv_elements, Some(f64::from(1500 * 2 * 4 * 384)));
        assert_eq!(language.max_context, Some(448.0));
        assert!(first_macs(&language, &request) > 100.0 * request_step_macs(&language, &request));
    }

    #[test]
    fn a_picture_costs_its_tower_and_its_tokens() {
        let (description, language) = of_config(json!({"model_type": "llava"}));
        let with = |images| {
            let serving = Serving { prompt_tokens: 100.0, images: Some(images), ..Serving::default() };
            let request = Request::of(&language, &serving);
            (
                request.first_tokens(),
                first_macs(&language, &request),
                parameters_read(&language, request.first_tokens()) + encoder_parameters_read(&language, &request),
            )
        };
        let (none, one) = (with(0.0), with(1.0));
        assert_eq!((none.0, one.0), (100.0, 676.0));
        near(one.1 - mean_macs(&language, 676.0) * 676.0, description.input_macs().unwrap() as f64);
        near(none.1, mean_macs(&language, 100.0) * 100.0);
        assert!(one.2 - none.2 > description.encoder_parameters().unwrap() as f64);
    }

    #[test]
    fn a_step_reads_the_weights_that_its_description_says() {
        let mut checked = 0;
        for kind in crate::transformers::model_types() {
            let Ok(description) = crate::transformers::describe(json!({"model_type": kind}).as_object().unwrap())
            else {
                continue;
            };
            let found = crate::cost::inspect_description(&description, 512, 512);
            let Some(language) = ModelSummary::from_inspection(&found).language else { continue };
            for sequences in [1, 8] {
                let told = description.weights_touched(sequences).unwrap();
                near(parameters_read(&language, sequences as f64), told);
                assert!(told <= description.parameters() as f64, "{kind}");
            }
            let each = found.transformer.unwrap().weight_bytes_per_token.unwrap() as f64 / 2.0;
            assert!((parameters_read(&language, 1.0) - each).abs() < 1.0, "{kind}");
            checked += 1;
        }
        assert!(checked > 70, "{checked}");
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
