//! What lies around weights in a folder of the Hugging Face kind: `config.json`, the quantisation's own config,
//! an adapter's config, the lengths that generation is set to.
//!
//! These files describe weights and hold none; the rooms of weights ask for them.
//! A damaged one costs a note and never the weights. Tokenizers and the like are not looked at.

use super::error::{Problem, ReadError};
use super::files::{Files, base_name, beside};
use super::sniff::Look;
use super::source::Source;
use crate::model::{Dialect, Hyperparameters, Model};
use crate::notes::{Notes, clip};
use serde_json::{Map, Value};

/// Longest description that is read, in bytes. Configs with tables of labels reach a few megabytes.
const LONGEST_JSON: u64 = 16 << 20;
/// Longest list or table in a config that is kept as it is; longer ones are replaced by their length.
const LONGEST_LIST: usize = 1_024;
/// Deepest nesting of a config that is kept.
const MOST_DEPTH: usize = 16;

/// What was found around the weights.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The config of the model, with the name of its file.
    pub config: Option<(String, Map<String, Value>)>,
    /// How the weights are quantised, as far as the configs say so.
    pub quantisation: Quantisation,
    /// What people should know: name and text.
    properties: Vec<(String, String)>,
    notes: Notes,
}

/// How weights are quantised, as the configs say: most of it shows in the tensors, too, and these win.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Quantisation {
    /// The method's name, for example `gptq`, `awq`, `bitsandbytes`, `compressed-tensors`; empty where nothing is said.
    pub method: String,
    /// Bits of one weight.
    pub bits: Option<u64>,
    /// Weights that share a scale.
    pub group: Option<u64>,
    /// Bits and group of single modules, where they differ (MLX).
    pub of_modules: Vec<(String, u64, u64)>,
}

impl Quantisation {
    /// Bits and group of a module.
    pub fn of(&self, module: &str) -> (Option<u64>, Option<u64>) {
        match self.of_modules.iter().find(|(name, ..)| name == module) {
            Some((_, bits, group)) => (Some(*bits), Some(*group)),
            None => (self.bits, self.group),
        }
    }
}

/// Words of which a config holds at least one.
const CONFIG_WORDS: [&[u8]; 3] = [b"\"model_type\"", b"\"architectures\"", b"\"_class_name\""];
/// How far into a JSON file these words are looked for, in bytes.
const CONFIG_BEGINNING: u64 = 64 << 10;

/// Whether the file is a config by itself.
pub(super) fn recognises(look: &Look, source: &mut Source<'_>) -> Result<bool, ReadError> {
    if look.first_letter() != Some(b'{') {
        return Ok(false);
    }
    let length = usize::try_from(source.size().min(CONFIG_BEGINNING)).unwrap_or(0);
    let beginning = source.stretch(0, length)?;
    Ok(CONFIG_WORDS.iter().any(|word| beginning.windows(word.len()).any(|window| window == *word)))
}

/// Reads a config by itself: a model without weights, of which the hyper-parameters are known.
pub(super) fn read(_: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    let (file, file_bytes) = (source.name().to_owned(), source.size());
    let origin = base_name(&file).to_owned();
    let values = object(source)?;
    if !CONFIG_WORDS.iter().any(|word| values.keys().any(|key| format!("\"{key}\"").as_bytes() == *word)) {
        let what =
            "a JSON file that is not a config of a network: it names no model_type, architectures or _class_name";
        let problem = Problem::NotAModel(what.to_owned());
        return Err(ReadError { file, offset: None, place: String::new(), problem });
    }
    let properties = facts(&values, CONFIG_FACTS);
    let values = shortened(values);
    let hyperparameters = Some(Hyperparameters { dialect: Dialect::HuggingFace, origin, values });
    let format = "config".to_owned();
    Ok(Model { format, weights_only: true, hyperparameters, properties, file_bytes, ..Model::default() })
}

/// Looks for what describes the weights in the file `lead`, in the same folder.
///
/// # Errors
/// Only what the user stopped: anything else that is wrong with a description becomes a note.
pub(super) fn around(files: &Files<'_>, lead: &str) -> Result<Surroundings, ReadError> {
    let mut found = Surroundings::default();
    let listed = !files.names().is_empty();
    // Where files are listed, one that is not there need not be asked for;
    // where they are not, each question takes a moment, and rare files are asked for only with a reason.
    let mut look = |name: &str, reason: bool| {
        let name = beside(lead, name);
        if if listed { !files.lists(&name) } else { !reason } {
            return Ok(None);
        }
        Ok(json(files, &name, &mut found.notes)?.map(|values| (name, values)))
    };
    let config = look("config.json", true)?;
    let adapter = look("adapter_config.json", base_name(lead).contains("adapter"))?;
    let generation = look("generation_config.json", config.is_some())?;
    let mut own = None;
    for name in ["quantize_config.json", "quant_config.json", "hf_quant_config.json"] {
        // A config that says how the weights are quantised needs no second one.
        if config.as_ref().is_none_or(|(_, values)| quantisation(values).is_none()) {
            own = own.or(look(name, false)?);
        }
    }
    if let Some((_, values)) = &config {
        found.quantisation = quantisation(values).unwrap_or_default();
        found.properties.extend(facts(values, CONFIG_FACTS));
    }
    if let Some((_, values)) = &own {
        found.quantisation = from_quantisation(values);
    }
    found.properties.extend(found.quantisation.describe());
    if let Some((_, values)) = &generation {
        found.properties.extend(facts(values, GENERATION_FACTS));
    }
    if let Some((_, values)) = &adapter {
        found.properties.extend(facts(values, ADAPTER_FACTS));
        let base = values.get("base_model_name_or_path").and_then(Value::as_str).unwrap_or("another model");
        let text =
            format!("these are the weights of an adapter alone; those of '{base}', which it changes, are not here");
        found.notes.warn("", text);
    }
    found.config = config.map(|(name, values)| (name, shortened(values)));
    Ok(found)
}

impl Surroundings {
    /// Writes what was found into a model.
    pub fn describe(self, model: &mut Model) {
        if let Some((origin, values)) = self.config {
            model.hyperparameters = Some(Hyperparameters { dialect: Dialect::HuggingFace, origin, values });
        }
        model.properties.extend(self.properties);
        model.notes.extend(&self.notes);
    }

    /// Whether the config says that the table of the input's embeddings is also that of the output.
    pub fn ties_embeddings(&self) -> bool {
        let Some((_, config)) = &self.config else { return false };
        let text = config.get("text_config").and_then(Value::as_object);
        let tied = config.get("tie_word_embeddings").or_else(|| text?.get("tie_word_embeddings"));
        tied.and_then(Value::as_bool).unwrap_or(false)
    }
}

/// Entries of a config that people read, with our words for them.
type Facts = &'static [(&'static str, &'static str)];

const CONFIG_FACTS: Facts = &[
    ("architectures", "Architecture"),
    ("_class_name", "Architecture"),
    ("model_type", "Model type"),
    ("torch_dtype", "Stored as"),
    ("dtype", "Stored as"),
    ("transformers_version", "transformers version"),
    ("_diffusers_version", "diffusers version"),
];
const GENERATION_FACTS: Facts =
    &[("max_new_tokens", "Longest answer by default, tokens"), ("max_length", "Longest text by default, tokens")];
const ADAPTER_FACTS: Facts = &[
    ("peft_type", "Adapter"),
    ("base_model_name_or_path", "Adapts"),
    ("r", "Rank of the adapter"),
    ("lora_alpha", "Alpha of the adapter"),
    ("target_modules", "Modules adapted"),
    ("task_type", "Task"),
];

fn facts(values: &Map<String, Value>, wanted: Facts) -> Vec<(String, String)> {
    let fact = |(key, name): &(&str, &str)| {
        let text = match values.get(*key)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Array(items) => items.iter().take(32).filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            _ => return None,
        };
        (!text.is_empty()).then(|| ((*name).to_owned(), clip(&text)))
    };
    wanted.iter().filter_map(fact).collect()
}

/// How a model's config says that the weights are quantised.
fn quantisation(config: &Map<String, Value>) -> Option<Quantisation> {
    let of = |config: &Map<String, Value>| {
        let own = config.get("quantization_config").and_then(Value::as_object).map(from_quantisation);
        // MLX writes `quantization`; later versions write the same under both names.
        let mlx = || config.get("quantization").and_then(Value::as_object).map(from_mlx);
        own.filter(|own| !own.method.is_empty()).or_else(mlx)
    };
    of(config).or_else(|| of(config.get("text_config")?.as_object()?))
}

fn whole(values: &Map<String, Value>, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| values.get(*key)?.as_u64())
}

/// Reads a quantisation config in the words of any of the libraries that write one.
fn from_quantisation(values: &Map<String, Value>) -> Quantisation {
    let text = |key: &str| values.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let is = |key: &str| values.get(key).and_then(Value::as_bool).unwrap_or(false);
    let mut found = Quantisation {
        method: text("quant_method"),
        bits: whole(values, &["bits", "w_bit", "nbits"]),
        group: whole(values, &["group_size", "q_group_size"]),
        of_modules: Vec::new(),
    };
    // Not every library names itself.
    if found.method.is_empty() {
        found.method = match () {
            () if is("load_in_4bit") || is("load_in_8bit") => "bitsandbytes".to_owned(),
            () if values.contains_key("w_bit") => "awq".to_owned(),
            () if values.contains_key("desc_act") => "gptq".to_owned(),
            () => String::new(),
        };
    }
    if is("load_in_4bit") {
        found.bits = Some(4);
    }
    if is("load_in_8bit") {
        found.bits = Some(8);
    }
    // quanto writes `"weights": "int4"`.
    if let Some(bits) = text("weights").strip_prefix("int").and_then(|bits| bits.parse().ok()) {
        found.bits = found.bits.or(Some(bits));
    }
    // ModelOpt keeps its own file and its own words.
    if let Some(own) = values.get("quantization").and_then(Value::as_object) {
        let algorithm = own.get("quant_algo").and_then(Value::as_str).unwrap_or_default();
        found.method = format!("modelopt {algorithm}").trim().to_lowercase();
        found.group = whole(own, &["group_size"]);
    }
    // HQQ nests its numbers.
    let weights = values.get("quant_config").and_then(|own| own.get("weight_quant_params")).and_then(Value::as_object);
    if let Some(weights) = weights {
        found.bits = whole(weights, &["nbits"]);
        found.group = whole(weights, &["group_size"]);
    }
    // compressed-tensors has groups of modules; where they differ, the tensors tell.
    let groups = values.get("config_groups").and_then(Value::as_object);
    if let Some(group) = groups.filter(|groups| groups.len() == 1).and_then(|groups| groups.values().next())
        && let Some(weights) = group.get("weights").and_then(Value::as_object)
    {
        found.bits = whole(weights, &["num_bits"]);
        found.group = whole(weights, &["group_size"]);
    }
    found
}

/// Reads MLX's `quantization`: bits and group for all, and for single modules under their names.
fn from_mlx(values: &Map<String, Value>) -> Quantisation {
    let of_modules = values.iter().filter_map(|(name, own)| {
        let own = own.as_object()?;
        Some((name.clone(), whole(own, &["bits"])?, whole(own, &["group_size"])?))
    });
    Quantisation {
        method: "mlx".to_owned(),
        bits: whole(values, &["bits"]),
        group: whole(values, &["group_size"]),
        of_modules: of_modules.take(LONGEST_LIST).collect(),
    }
}

impl Quantisation {
    /// One line for people; nothing where nothing is quantised.
    fn describe(&self) -> Option<(String, String)> {
        if self.method.is_empty() {
            return None;
        }
        let bits = self.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
        let group = self.group.map(|group| format!(", groups of {group}")).unwrap_or_default();
        Some(("Quantisation".to_owned(), clip(&format!("{}{bits}{group}", self.method))))
    }
}

/// Reads a description; `None` where there is none or where it is damaged, which is noted.
///
/// # Errors
/// The user stopped it.
pub(super) fn json(files: &Files<'_>, name: &str, notes: &mut Notes) -> Result<Option<Map<String, Value>>, ReadError> {
    let read = files.find(name).and_then(|source| source.map(object).transpose());
    match read {
        Ok(found) => Ok(found),
        Err(error) if error.problem == Problem::Cancelled => Err(error),
        Err(error) => {
            notes.warn(name, format!("not used: {}", error.problem));
            Ok(None)
        }
    }
}

/// Reads a file that holds one JSON object.
///
/// # Errors
/// It is too long, no JSON, or JSON of another kind.
pub(super) fn object(mut source: Source<'_>) -> Result<Map<String, Value>, ReadError> {
    if source.size() > LONGEST_JSON {
        let what = format!("it is longer than the {} MiB that are read of a description", LONGEST_JSON >> 20);
        return Err(source.error(None, "", Problem::OverLimit(what)));
    }
    let length = usize::try_from(source.size()).unwrap_or(0);
    let bytes = source.stretch(0, length)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|error| {
        let why = format!(
            "its JSON cannot be read: {error}; write it anew, or take the file from where the model comes from"
        );
        source.error(None, "", Problem::Corrupt(why))
    })
}

/// The same config without its long lists: `{"length": N}` stands for them.
pub(super) fn shortened(values: Map<String, Value>) -> Map<String, Value> {
    values.into_iter().map(|(key, value)| (key, short(value, 0))).collect()
}

fn short(value: Value, depth: usize) -> Value {
    let length = |length: usize| Value::from_iter([("length", length)]);
    match value {
        Value::Array(items) if items.len() > LONGEST_LIST || depth >= MOST_DEPTH => length(items.len()),
        Value::Array(items) => items.into_iter().map(|item| short(item, depth + 1)).collect(),
        Value::Object(entries) if entries.len() > LONGEST_LIST || depth >= MOST_DEPTH => length(entries.len()),
        Value::Object(entries) => entries.into_iter().map(|(key, item)| (key, short(item, depth + 1))).collect(),
        Value::String(text) => Value::String(clip(&text)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::InMemory;
    use super::*;

    fn folder(entries: &[(&str, &str)]) -> Files<'static> {
        let files = entries.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        Files::new(InMemory(files.collect()))
    }

    #[test]
    fn the_config_becomes_hyperparameters_without_its_long_lists() {
        let labels: Vec<String> = (0..2000).map(|label| format!("\"{label}\": \"x\"")).collect();
        let text = format!(
            "{{\"model_type\": \"vit\", \"hidden_size\": 768, \"tie_word_embeddings\": true, \"id2label\": {{{}}}}}",
            labels.join(",")
        );
        let found = around(&folder(&[("m/config.json", &text)]), "m/model.safetensors").unwrap();
        assert!(found.ties_embeddings());
        let mut model = Model::default();
        found.describe(&mut model);
        let parameters = model.hyperparameters.unwrap();
        assert_eq!((parameters.dialect, parameters.origin.as_str()), (Dialect::HuggingFace, "m/config.json"));
        assert_eq!(parameters.values.get("hidden_size"), Some(&Value::from(768)));
        assert_eq!(parameters.values.get("id2label"), Some(&serde_json::json!({"length": 2000})));
        assert_eq!(model.properties, [("Model type".to_owned(), "vit".to_owned())]);
    }

    #[test]
    fn every_library_words_its_quantisation_otherwise() {
        let of = |text: &str| {
            let found = around(&folder(&[("config.json", text)]), "model.safetensors").unwrap().quantisation;
            (found.method, found.bits, found.group)
        };
        let is = |method: &str, bits, group| (method.to_owned(), bits, group);
        assert_eq!(
            of(r#"{"quantization_config": {"quant_method": "gptq", "bits": 3, "group_size": 128}}"#),
            is("gptq", Some(3), Some(128))
        );
        assert_eq!(
            of(r#"{"quantization_config": {"load_in_4bit": true, "quant_method": "bitsandbytes"}}"#),
            is("bitsandbytes", Some(4), None)
        );
        assert_eq!(of(r#"{"quantization": {"group_size": 64, "bits": 4}}"#), is("mlx", Some(4), Some(64)));
        assert_eq!(
            of(r#"{"quantization_config": {"quant_method": "compressed-tensors", "config_groups":
                {"group_0": {"weights": {"num_bits": 8, "group_size": 32}}}}}"#),
            is("compressed-tensors", Some(8), Some(32))
        );
        assert_eq!(
            of(r#"{"quantization_config": {"quant_method": "hqq", "quant_config":
                {"weight_quant_params": {"nbits": 4, "group_size": 64}}}}"#),
            is("hqq", Some(4), Some(64))
        );
        assert_eq!(of("{}"), is("", None, None));
        let own = folder(&[("config.json", "{}"), ("quant_config.json", r#"{"w_bit": 4, "q_group_size": 128}"#)]);
        let found = around(&own, "model.safetensors").unwrap();
        assert_eq!((found.quantisation.method.as_str(), found.quantisation.bits), ("awq", Some(4)));
    }

    #[test]
    fn an_adapter_says_what_it_adapts_and_a_damaged_config_is_noted() {
        let adapter =
            r#"{"peft_type": "LORA", "r": 16, "base_model_name_or_path": "big/model", "target_modules": ["q", "v"]}"#;
        let files = folder(&[("adapter_config.json", adapter), ("config.json", "{\"hidden")]);
        let mut model = Model::default();
        around(&files, "adapter_model.safetensors").unwrap().describe(&mut model);
        assert!(model.hyperparameters.is_none());
        assert!(model.properties.contains(&("Rank of the adapter".to_owned(), "16".to_owned())));
        assert!(model.properties.contains(&("Modules adapted".to_owned(), "q, v".to_owned())));
        let notes: Vec<_> = model.notes.iter().map(|note| (note.place.as_str(), note.text.as_str())).collect();
        assert!(notes.iter().any(|(place, _)| *place == "config.json"), "{notes:?}");
        assert!(notes.iter().any(|(_, text)| text.contains("'big/model'")), "{notes:?}");
    }
}
