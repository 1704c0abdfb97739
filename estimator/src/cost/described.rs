//! Files that hold weights without a graph, and configurations without weights: what their hyper-parameters tell of the cost.

use super::weights::Weights;
use super::{Found, matching};
use crate::model::{Dialect, Hyperparameters, Model};
use crate::notes::Notes;
use crate::report::{Inspection, Layer, Transformer};
use crate::shapes::{Origin, Symbol, Trace};
use crate::transformers::{self, Description, Held, Part, Pass, Role, Span, Storage, Weight, Work};
use std::collections::{BTreeMap, HashSet};

/// A model described by its hyper-parameters, for the pass that is asked for.
pub(super) struct Described {
    pub description: Description,
    pub transformer: Transformer,
    /// Whether the pass depends on the number of tokens.
    pub takes_tokens: bool,
    /// How weights that are not there are stored, where the configuration says so.
    storage: Option<Storage>,
    pass: Pass,
}

/// Names of output heads in files: of `transformers`, of GGUF, of networks with code of their own.
const HEADS: [&str; 6] =
    ["lm_head.weight", "output.weight", "embed_out.weight", "head.weight", "output_layer.weight", "proj_out.weight"];

/// Describes a model whose file holds no graph; `None`, with a note, where its hyper-parameters do not tell enough.
pub(super) fn of(model: &Model, weights: &Weights, trace: &Trace<'_>, notes: &mut Notes) -> Option<Described> {
    let stated = model.hyperparameters.as_ref()?;
    let names = || model.graph.weights.iter().map(|id| model.name(*id));
    let has_weights = !model.graph.weights.is_empty();
    let held = weights.parameters.filter(|_| has_weights).map(|parameters| Held {
        parameters,
        has_head: names().any(|name| HEADS.iter().any(|head| name == *head || name.ends_with(&format!(".{head}")))),
    });
    let description = match transformers::describe_file(stated, held) {
        Ok(description) => description,
        Err(error) => {
            notes.warn(&stated.origin, format!("nothing is known of what is computed: {error}"));
            return None;
        }
    };
    notes.extend(&description.notes);
    let size = |name: &str| trace.symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.value);
    let tokens = size("tokens").unwrap_or(1);
    let context = size("context").unwrap_or(tokens);
    let uses = |span: Span| description.parts.iter().any(|part| part.span == span && part.work != Work::None);
    let takes_tokens = uses(Span::Tokens) || uses(Span::Source) || description.untold_macs_per_token() > 0;
    let pass = Pass::prefill(tokens);
    let storage = (!has_weights && stated.dialect == Dialect::HuggingFace).then(|| Storage::of(&stated.values));
    let bytes_each = match (weights.bytes, weights.parameters) {
        (Some(bytes), Some(parameters @ 1..)) if has_weights => bytes as f64 / parameters as f64,
        _ => CACHE_ELEMENT_BYTES as f64,
    };
    if !has_weights && !storage.as_ref().is_some_and(Storage::is_known) {
        notes.warn("", "it is not said in how many bits weights are stored, so the size of the weights is not known");
    }
    if let Some(doubt) = storage.as_ref().and_then(|storage| storage.doubt.as_ref()) {
        notes.warn("quantization_config", doubt.clone());
    }
    if let Some(held) = held {
        compare(model, weights, stated, &description, held, notes);
    }
    notes.info(
        "",
        "operations of norms, activations and the like are not counted, because there is no graph that lists them",
    );
    let transformer = record(&description, &stated.origin, &pass, context, takes_tokens, bytes_each);
    let mut described = Described { description, transformer, takes_tokens, storage, pass };
    if let (Some(bytes), Some(told)) =
        (described.bytes_of_step(), described.transformer.weight_bytes_per_token.as_mut())
    {
        *told = bytes.round() as u64;
    }
    Some(described)
}

/// The inspection of a model that was described by hand, for a pass of `tokens` tokens and a step at `context`.
///
/// Its layers are the modules of the description; it holds no weights, so their size is not known.
pub fn inspect_description(description: &Description, tokens: u64, context: u64) -> Inspection {
    let pass = Pass::prefill(tokens);
    let transformer = record(description, "a description by hand", &pass, context, true, 2.0);
    let described =
        Described { description: description.clone(), transformer, takes_tokens: true, storage: None, pass };
    let macs = described.macs();
    let symbol = |name: &str, value| Symbol { name: name.to_owned(), value, origin: Origin::Input, chosen: true };
    let symbols = vec![symbol("tokens", tokens), symbol("context", context)];
    Inspection {
        format: "recipe".to_owned(),
        approximate: description.is_approximate,
        parameters: Some(description.parameters()),
        macs,
        flops: macs.and_then(|macs| macs.checked_mul(2)),
        weights_only: true,
        dynamic_dims: symbols.iter().map(|symbol| (symbol.name.clone(), symbol.value)).collect(),
        symbols,
        layers: described.rows().into_iter().map(|found| found.layer).collect(),
        warnings: description.notes.iter().cloned().collect(),
        transformer: Some(described.transformer),
        ..Inspection::default()
    }
}

fn record(
    d: &Description,
    origin: &str,
    pass: &Pass,
    context: u64,
    takes_tokens: bool,
    bytes_each: f64,
) -> Transformer {
    let generates = d.generates();
    let step = Pass::step(context);
    let macs = d.macs(pass);
    let of_decoding = |value: Option<u64>| value.filter(|_| generates);
    let above_zero = |value: u64| (value > 0 && generates).then_some(value);
    let attention = d.attention_macs(pass);
    let facts = &d.facts;
    let is_looked_up = !facts.tied_embeddings.unwrap_or(true);
    let some = |value: Option<u64>| value.filter(|value| *value > 0 && generates);
    let (of_source, of_input) = (d.cross_elements_per_source_token(), d.cross_elements_of_input());
    let crossed = of_source.zip(of_input).and_then(|(source, input)| {
        source.checked_mul(step.source)?.checked_add(input)?.checked_mul(CACHE_ELEMENT_BYTES)
    });
    Transformer {
        family: d.family.clone(),
        model_type: d.model_type.clone(),
        class: d.class.clone(),
        origin: origin.to_owned(),
        approximate: d.is_approximate,
        parameters: d.parameters(),
        active_parameters: d.active_parameters(),
        embedding_parameters: d.embedding_parameters(),
        head_parameters: d.head_parameters(),
        non_embedding_parameters: d.non_embedding_parameters(),
        tied_embeddings: facts.tied_embeddings,
        layers: facts.layers,
        hidden_size: facts.hidden_size,
        heads: facts.heads,
        kv_heads: facts.kv_heads,
        head_dim: facts.head_dim,
        vocabulary: facts.vocabulary,
        experts: facts.experts,
        experts_per_token: facts.experts_per_token,
        expert_parameters: d.expert_parameters(),
        window: d.window(),
        context_length: facts.context_length,
        generates,
        tokens: takes_tokens.then_some(pass.tokens),
        input: facts.input.clone(),
        macs,
        attention_share: attention.zip(macs).filter(|(_, all)| *all > 0).map(|(own, all)| own as f64 / all as f64),
        context: generates.then_some(context),
        macs_per_token: of_decoding(d.macs(&step)),
        kv_cache_bytes_per_token: of_decoding(Some(d.cache_bytes_per_token())),
        kv_cache_bytes: of_decoding(d.cache_elements(context).and_then(|elements| elements.checked_mul(2))),
        weight_bytes_per_token: of_decoding(
            d.weights_touched(1).map(|elements| (elements * bytes_each).round() as u64),
        ),
        weight_macs_per_token: of_decoding(d.weight_macs_per_token()),
        attention_macs_per_context_token: of_decoding(d.attention_macs_per_context_token(false)),
        windowed_attention_macs_per_context_token: of_decoding(d.attention_macs_per_context_token(true))
            .filter(|macs| *macs > 0),
        fixed_attention_macs_per_token: of_decoding(d.fixed_macs_per_token()).filter(|macs| *macs > 0),
        kv_elements_per_token: of_decoding(Some(d.cache_elements_per_token())),
        windowed_kv_elements_per_token: above_zero(d.windowed_cache_elements_per_token()),
        state_elements: above_zero(d.state_elements()),
        input_table_parameters: (generates && is_looked_up).then_some(d.embedding_parameters()),
        extra_parameters: facts.extra_parameters,
        step_parameters: of_decoding(d.step_parameters()),
        row_elements: of_decoding(d.row_elements()),
        encoder_parameters: some(d.encoder_parameters()),
        source_macs_per_token: some(d.source_macs_per_token()),
        source_attention_macs: some(d.attention_macs_per_source_token(Span::Source)),
        cross_attention_macs_per_source_token: some(d.attention_macs_per_source_token(Span::Tokens)),
        cross_kv_elements_per_source_token: some(of_source),
        cross_cache_bytes: some(crossed),
        input_macs: some(d.input_macs()),
        input_tokens: facts.input_tokens.filter(|_| generates),
        input_kv_elements: some(of_input),
    }
}

/// Says where the file's tensors and its hyper-parameters disagree, and why as far as that is known.
fn compare(model: &Model, weights: &Weights, stated: &Hyperparameters, d: &Description, held: Held, notes: &mut Notes) {
    let told = d.parameters();
    if d.is_approximate || held.parameters == told {
        return;
    }
    let table = d.embedding_parameters();
    let (more, less) = (held.parameters.saturating_sub(told), told.saturating_sub(held.parameters));
    let count = |count: u64| crate::format::count(count as f64);
    let of_file = format!(
        "the file holds {} parameters, {} {} than {} says",
        held.parameters,
        if more > 0 { more } else { less },
        if more > 0 { "more" } else { "fewer" },
        stated.origin
    );
    let beyond = behind_the_last_layer(model, weights, d);
    let why = if more > 0 && more == beyond {
        format!(
            "they stand behind layer {}, where networks keep layers that predict several tokens at once; a pass without that does not run them",
            d.facts.layers.saturating_sub(1)
        )
    } else if more > 0 && more == table && d.facts.tied_embeddings == Some(true) {
        "it stores the output head apart, although that is the input embedding once more".to_owned()
    } else if less > 0 && less == d.head_parameters() && !held.has_head {
        "it has no output head".to_owned()
    } else if stated.dialect == Dialect::HuggingFace {
        by_name(model, d)
    } else {
        format!("the rest is {} in other modules", count(more.max(less)))
    };
    notes.warn("", format!("{of_file}: {why}"));
}

/// Parameters of tensors whose layer has a number beyond those of the description.
fn behind_the_last_layer(model: &Model, weights: &Weights, d: &Description) -> u64 {
    let is_behind = |name: &str| {
        let mut steps = name.split('.').skip_while(|step| *step != "layers" && *step != "blk").skip(1);
        steps.next().and_then(|number| number.parse::<u64>().ok()).is_some_and(|number| number >= d.facts.layers)
    };
    let own = |id: &crate::model::ValueId| weights.parameters_of.get(id.0 as usize).copied().unwrap_or(0);
    let behind = model.graph.weights.iter().filter(|id| is_behind(model.name(**id)));
    behind.fold(0u64, |sum, id| sum.saturating_add(own(id)))
}

/// Bytes of an element of the KV cache as it is stated here: 16 bits.
const CACHE_ELEMENT_BYTES: u64 = 2;

/// Most names that a sentence lists.
const NAMED: usize = 3;

/// Names tensors that the description expects and the file lacks, and the other way round.
fn by_name(model: &Model, d: &Description) -> String {
    let own: HashSet<&str> = model.graph.weights.iter().map(|id| model.name(*id)).collect();
    let expected: HashSet<String> =
        d.parts.iter().flat_map(Part::tensors).filter(|(_, weight)| !weight.is_shared).map(|(name, _)| name).collect();
    let mut missing: Vec<&str> = expected.iter().map(String::as_str).filter(|name| !own.contains(name)).collect();
    let mut extra: Vec<&str> = own.iter().copied().filter(|name| !expected.contains(*name)).collect();
    if missing.len() == expected.len() {
        return "its tensors have other names than the class's, so which ones differ is not known".to_owned();
    }
    missing.sort_unstable();
    extra.sort_unstable();
    let list = |names: &[&str]| {
        let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
        let rest = names.len().saturating_sub(shown.len());
        let tail = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("{}{tail}", shown.join(", "))
    };
    match (missing.is_empty(), extra.is_empty()) {
        (false, true) => format!("it lacks {}", list(&missing)),
        (true, false) => format!("it also holds {}", list(&extra)),
        (false, false) => format!("it lacks {} and holds {}", list(&missing), list(&extra)),
        (true, true) => "the tensors have other shapes".to_owned(),
    }
}

/// Most rows that a table of modules gets from a description: experts are gathered before that.
const MOST_ROWS: u64 = 20_000;

impl Described {
    /// MACs of the pass.
    pub fn macs(&self) -> Option<u64> {
        self.description.macs(&self.pass)
    }

    /// How many elements of each type there are, all bytes of the weights with their scales, and elements of scales,
    /// where the configuration says how weights that are not there are stored.
    pub fn stored(&self) -> Option<(BTreeMap<String, u64>, Option<u64>, u64)> {
        let storage = self.storage.as_ref()?;
        let mut dtypes: BTreeMap<String, u64> = BTreeMap::new();
        let (mut bytes, mut scales) = (Some(0u64), 0u64);
        for part in &self.description.parts {
            for (place, weight) in part.weights.iter().enumerate().filter(|(_, weight)| !weight.is_shared) {
                let stored = storage.of_weight(part, place, weight)?;
                let elements = weight.elements().zip(part.modules()).and_then(|(each, all)| each.checked_mul(all));
                let of_type = dtypes.entry(stored.dtype).or_default();
                *of_type = of_type.saturating_add(elements.unwrap_or(0));
                bytes = bytes.zip(stored.bytes).and_then(|(sum, own)| sum.checked_add(own));
                scales = scales.saturating_add(stored.scales);
            }
        }
        (!dtypes.is_empty()).then_some((dtypes, bytes, scales))
    }

    /// Bytes of the weights of a part, and the type of its first.
    fn stored_part(&self, part: &Part) -> Option<(String, u64)> {
        let storage = self.storage.as_ref()?;
        let mut own = part.weights.iter().enumerate().filter(|(_, weight)| !weight.is_shared).peekable();
        let (place, first) = own.peek()?;
        let dtype = storage.of_weight(part, *place, first)?.dtype;
        let bytes =
            own.try_fold(0u64, |sum, (place, weight)| sum.checked_add(storage.of_weight(part, place, weight)?.bytes?));
        Some((dtype, bytes?))
    }

    /// Bytes that a step for one sequence reads of weights that are not there.
    fn bytes_of_step(&self) -> Option<f64> {
        if self.description.untold_macs_per_token() > 0 {
            return None;
        }
        let with_own = |part: &&Part| part.weights.iter().any(|weight| !weight.is_shared);
        let parts = self.description.parts.iter().filter(with_own);
        parts.map(|part| Some(self.stored_part(part)?.1 as f64 * self.description.share_read(part, 1))).sum()
    }

    /// Fills the MACs of a file's modules and adds what has no weights of its own; without modules the table is the description's.
    pub fn layers(&mut self, modules: Vec<Found>) -> Vec<Found> {
        if modules.is_empty() {
            return self.rows();
        }
        let d = &self.description;
        if d.untold_macs_per_token() > 0 {
            let mut modules = modules;
            modules.extend(d.parts.iter().map(|part| self.row(part, None)));
            return modules;
        }
        let joined = matching::join(d, &self.pass, modules);
        if let (Some(bytes), Some(told)) = (joined.bytes_of_step, self.transformer.weight_bytes_per_token.as_mut()) {
            *told = bytes.round() as u64;
        }
        joined.table
    }

    /// One row for each module, layer by layer, or, where there would be too many, one for each pattern.
    fn rows(&self) -> Vec<Found> {
        if self.description.sum(Part::modules).is_none_or(|all| all > MOST_ROWS) {
            return self.patterns();
        }
        let mut rows = Vec::new();
        // Parts of the same layers stand together: each layer's modules follow one another.
        for run in
            self.description.parts.chunk_by(|a, b| !a.indices.is_empty() && a.indices.first() == b.indices.first())
        {
            let layers = run.first().and_then(|part| part.indices.first()).map_or(1, |numbers| numbers.len() as u64);
            for layer in 0..layers {
                for part in run {
                    let inner = part.modules().unwrap_or(0) / layers.max(1);
                    rows.extend((0..inner).map(|module| self.row(part, Some(layer * inner + module))));
                }
            }
        }
        rows
    }

    /// One row for each pattern.
    fn patterns(&self) -> Vec<Found> {
        self.description.parts.iter().map(|part| self.row(part, None)).collect()
    }

    /// The row of one module of a part, or of all together.
    fn row(&self, part: &Part, module: Option<u64>) -> Found {
        let modules = part.modules().unwrap_or(1).max(1);
        let share = |all: u64| if module.is_some() { all / modules } else { all };
        let path = module.map_or_else(|| part.pattern(), |module| part.path_of(module));
        let is_attention = matches!(part.work, Work::Attention { .. } | Work::Recurrence(_));
        let name = match (path.is_empty(), is_attention) {
            (true, _) => part.kind.to_lowercase(),
            (false, true) => format!("{path} ({})", part.kind.to_lowercase()),
            (false, false) => path.clone(),
        };
        let op = match part.role {
            Role::OutputHead if part.weights.iter().any(|weight| weight.is_shared) => format!("{} (tied)", part.kind),
            _ => part.kind.to_owned(),
        };
        let group = path.rsplit_once('.').map_or("", |(group, _)| group).replace('.', "/");
        let macs = self.description.part_macs(part, &self.pass).map(share);
        let times = part.times;
        let parameters = share(part.parameters().unwrap_or(0));
        let stored = self.stored_part(part);
        // Without weights of its own it reads none.
        let weight_bytes = if parameters == 0 { Some(0) } else { stored.as_ref().map(|(_, bytes)| share(*bytes)) };
        let dtype = stored.map(|(dtype, _)| dtype).unwrap_or_default();
        let is_matrix = |weight: &&Weight| !weight.is_shared && super::traffic::is_matrix(&weight.shape);
        let each = part.weights.iter().filter(is_matrix).try_fold(0u64, |sum, of| sum.checked_add(of.elements()?));
        let matrix_parameters = each.and_then(|each| each.checked_mul(modules)).map_or(0, share);
        let counts = Layer { parameters, matrix_parameters, macs, weight_bytes, ..Layer::default() };
        let layer = Layer { name, op, group, times, dtype, ..counts };
        Found { layer, is_counted: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DType, Storage, Weight};
    use crate::scenario::ModelSummary;
    use crate::shapes::{Choices, infer};
    use serde_json::{Value, json};

    const TINY: &str = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 10, "tie_word_embeddings": true}"#;

    fn model(config: &str, tensors: &[(&str, &[u64])]) -> Model {
        let Value::Object(values) = serde_json::from_str(config).unwrap() else { panic!() };
        let origin = "config.json".to_owned();
        let hyperparameters = Some(Hyperparameters { dialect: Dialect::HuggingFace, origin, values });
        let mut model = Model { weights_only: true, hyperparameters, ..Model::default() };
        for (place, (name, shape)) in tensors.iter().enumerate() {
            let storage = Storage::Inside { offset: place as u64 * 1000 };
            model.add_weight(name, Weight::new(DType::F32, shape.to_vec(), storage));
        }
        model
    }

    fn inspect(model: &Model, dims: &[(&str, u64)]) -> Inspection {
        let dims = dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
        super::super::inspect(model, &infer(model, &Choices { dims, ..Choices::default() }))
    }

    /// The tensors that the tiny model has, without its head, which is tied.
    fn tensors() -> Vec<(String, Vec<u64>)> {
        let Value::Object(config) = serde_json::from_str(TINY).unwrap() else { panic!() };
        let description = transformers::describe(&config).unwrap();
        let all = description.parts.iter().flat_map(Part::tensors);
        all.filter(|(_, weight)| !weight.is_shared).map(|(name, weight)| (name, weight.shape.clone())).collect()
    }

    #[test]
    fn a_config_alone_is_inspected_for_the_pass_that_is_asked_for() {
        let found = inspect(&model(TINY, &[]), &[("tokens", 5), ("context", 7)]);
        let weights = 2 * (2 * 64 + 2 * 32 + 3 * 128) + 80;
        assert_eq!(found.macs, Some(5 * weights + 25 * 32));
        assert_eq!(found.parameters, Some(2 * (2 * 64 + 2 * 32 + 3 * 128 + 16) + 80 + 8));
        assert_eq!(found.weight_bytes, None);
        let transformer = found.transformer.as_ref().unwrap();
        assert_eq!(transformer.macs_per_token, Some(weights + 7 * 32));
        assert_eq!(transformer.kv_cache_bytes_per_token, Some(2 * 2 * 2 * 2 * 2));
        assert_eq!(found.layers.iter().map(|layer| layer.macs.unwrap()).sum::<u64>(), found.macs.unwrap());
        let language = ModelSummary::from_inspection(&found).language.unwrap();
        assert_eq!(language.weight_macs_per_token, Some(weights as f64));
        assert!(!found.warnings.iter().any(|note| note.text.contains("not used")), "{:?}", found.warnings);
    }

    #[test]
    fn tensors_and_config_agree_or_the_difference_is_named() {
        let own = tensors();
        let all: Vec<(&str, &[u64])> = own.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        let found = inspect(&model(TINY, &all), &[]);
        assert_eq!(found.parameters, found.transformer.as_ref().map(|of| of.parameters));
        assert!(!found.warnings.iter().any(|note| note.text.contains("the file holds")), "{:?}", found.warnings);
        let row = found.layers.iter().find(|layer| layer.name == "model.layers.1.mlp.up_proj").unwrap();
        assert_eq!((row.macs, row.parameters), (Some(512 * 128), 128));
        let says = |tensors: &[(&str, &[u64])]| {
            let found = inspect(&model(TINY, tensors), &[]);
            let note = found.warnings.iter().find(|note| note.text.contains("the file holds")).cloned();
            note.map(|note| note.text).unwrap_or_default()
        };
        let with_head = [all.clone(), vec![("lm_head.weight", &[10, 8])]].concat();
        assert!(says(&with_head).contains("80 more") && says(&with_head).contains("output head apart"));
        let fewer = &all[..all.len() - 1];
        assert!(says(fewer).contains("it lacks model.norm.weight"), "{}", says(fewer));
        let extra = [all.clone(), vec![("extra.scale", &[3])]].concat();
        assert!(says(&extra).contains("also holds extra.scale"), "{}", says(&extra));
    }

    #[test]
    fn a_config_alone_says_how_its_weights_are_stored() {
        let mut config: Value = serde_json::from_str(TINY).unwrap();
        config["tie_word_embeddings"] = false.into();
        config["torch_dtype"] = "bfloat16".into();
        let plain = inspect(&model(&config.to_string(), &[]), &[]);
        let parameters = plain.parameters.unwrap();
        assert_eq!(plain.weight_bytes, Some(2 * parameters));
        let of_rows = |found: &Inspection| found.layers.iter().map(|row| row.weight_bytes.unwrap()).sum::<u64>();
        assert_eq!(of_rows(&plain), 2 * parameters);
        // Of the table one row is read.
        let read = plain.transformer.as_ref().unwrap().weight_bytes_per_token.unwrap();
        assert_eq!(read, 2 * (parameters - 72));
        config["quantization_config"] = json!({"quant_method": "awq", "bits": 4, "group_size": 8});
        let packed = inspect(&model(&config.to_string(), &[]), &[]);
        let layers = 2 * (2 * 64 + 2 * 32 + 3 * 128);
        // Half a byte for each, and a scale of 16 bits and a zero point of 4 for eight.
        let saved = 2 * layers - (layers / 2 + layers / 8 * 2 + layers / 16);
        assert_eq!(packed.weight_bytes, Some(2 * parameters - saved));
        assert_eq!(packed.transformer.as_ref().unwrap().weight_bytes_per_token, Some(read - saved));
        assert_eq!((packed.dtypes["awq-int4"], packed.dtypes["bf16"]), (layers, parameters - layers));
        assert_eq!(packed.buffers, layers / 8);
        config["quantization_config"] = json!({"quant_method": "newest"});
        let unknown = inspect(&model(&config.to_string(), &[]), &[]);
        assert_eq!(unknown.weight_bytes, None);
        let row = unknown.layers.iter().find(|row| row.name.ends_with("up_proj")).unwrap();
        assert_eq!(row.weight_bytes, None);
    }

    #[test]
    fn layers_that_predict_several_tokens_are_told_and_not_counted() {
        let mut config = json!({"model_type": "deepseek_v3", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 16, "moe_intermediate_size": 4, "n_routed_experts": 4, "num_experts_per_tok": 1,
            "n_shared_experts": 1, "first_k_dense_replace": 1, "q_lora_rank": 4, "kv_lora_rank": 4, "qk_nope_head_dim": 4,
            "qk_rope_head_dim": 2, "v_head_dim": 4, "vocab_size": 10, "n_group": 1, "topk_group": 1});
        let plain = inspect(&model(&config.to_string(), &[]), &[]);
        // The balance of the experts of one layer.
        assert_eq!(plain.buffers, 4);
        config["num_nextn_predict_layers"] = 1.into();
        let told = inspect(&model(&config.to_string(), &[]), &[]);
        assert_eq!((told.parameters, told.macs), (plain.parameters, plain.macs));
        let sparse: u64 =
            plain.layers.iter().filter(|row| row.name.contains("layers.1.")).map(|row| row.parameters).sum();
        let extra = told.transformer.as_ref().unwrap().extra_parameters;
        assert_eq!(extra, Some(sparse + 2 * 64 + 3 * 8));
        assert!(told.warnings.iter().any(|note| note.place == "num_nextn_predict_layers"));
        // In a file they are named, and cost nothing in a pass.
        let description = transformers::describe(config.as_object().unwrap()).unwrap();
        let own = description.parts.iter().flat_map(Part::tensors).filter(|(_, weight)| !weight.is_shared);
        let mut tensors: Vec<_> = own.map(|(name, weight)| (name, weight.shape.clone())).collect();
        tensors.push(("model.layers.2.eh_proj.weight".to_owned(), vec![8, 16]));
        let tensors: Vec<_> = tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        let found = inspect(&model(&config.to_string(), &tensors), &[]);
        assert_eq!((found.parameters, found.macs), (plain.parameters.map(|all| all + 128), plain.macs));
        assert!(found.warnings.iter().any(|note| note.text.contains("predict several tokens")), "{:?}", found.warnings);
        let row = found.layers.iter().find(|row| row.name == "model.layers.2.eh_proj").unwrap();
        assert_eq!((row.parameters, row.macs), (128, Some(0)));
        assert_eq!(found.layers.iter().map(|row| row.macs.unwrap()).sum::<u64>(), found.macs.unwrap());
    }

    #[test]
    fn a_picture_s_network_takes_no_number_of_tokens() {
        let vit = inspect(&model(r#"{"model_type": "vit"}"#, &[]), &[]);
        assert!(vit.macs.is_some() && vit.dynamic_dims.is_empty(), "{:?}", vit.dynamic_dims);
    }

    #[test]
    fn of_an_unknown_network_alone_the_parameters_stay_open() {
        let config = r#"{"model_type": "nobody", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 4,
            "intermediate_size": 16, "vocab_size": 10, "torch_dtype": "bfloat16"}"#;
        let found = inspect(&model(config, &[]), &[("tokens", 5)]);
        assert_eq!((found.parameters, found.weight_bytes, found.approximate), (None, None, true));
        let told = found.transformer.unwrap();
        assert!(told.approximate && told.family == "nobody");
        assert_eq!(found.macs, Some(5 * told.non_embedding_parameters));
        let held = inspect(
            &model(config, &[("model.embed_tokens.weight", &[10, 8]), ("w.weight", &[8, 40])]),
            &[("tokens", 5)],
        );
        assert_eq!((held.parameters, held.macs, held.approximate), (Some(400), Some(5 * 320), true));
    }

    #[test]
    fn a_network_that_is_not_known_says_so_and_keeps_its_tensors() {
        let config = json!({"model_type": "nobody"}).to_string();
        let found = inspect(&model(&config, &[("w.weight", &[4, 4])]), &[]);
        assert_eq!((found.parameters, found.macs, found.transformer), (Some(16), None, None));
        assert!(found.warnings.iter().any(|note| note.text.contains("nobody")));
    }

    #[test]
    fn a_sentence_is_inspected_like_a_file() {
        let recipe = transformers::recipe("2 layers, d=8, 4 heads, 2 kv heads, ffn 16, vocab 10, tied").unwrap();
        let found = inspect_description(&recipe.description, 5, 7);
        assert_eq!(found.macs, inspect(&model(TINY, &[]), &[("tokens", 5)]).macs);
        let language = ModelSummary::from_inspection(&found).language.unwrap();
        assert!(language.knows_its_architecture());
        let size = transformers::recipe("7B").unwrap();
        let summary = ModelSummary::from_inspection(&inspect_description(&size.description, 512, 512));
        assert!(summary.language.is_some_and(|language| !language.knows_its_architecture()));
    }
}
