//! Reading hyper-parameters: one field at a time, under whatever name, with the class's default, never beyond what a network can have.
//!
//! Reading does not fail at once: the first fault is kept, a harmless value is given, and [`Config::fault`] tells at the end.
//! So a family reads like a list of what its network has.

use super::defaults::{self, Class};
use super::error::DescribeError;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// The greatest number that a field may hold (134 million): above every vocabulary, width and context that exists,
/// and low enough that a product of two and a small factor fits 64 bits.
pub const MOST: u64 = 1 << 27;

/// The most layers, blocks or experts of one kind: they are listed one by one.
pub const MOST_LAYERS: u64 = 1 << 14;

/// The most patches to a side that are joined into one token.
const MOST_JOINED: u64 = 64;

/// Names that configurations use for one thing; a class's own names come first.
const SYNONYMS: [&[&str]; 7] = [
    &["hidden_size", "n_embd", "d_model", "n_embed", "dim", "model_dim"],
    &["num_hidden_layers", "n_layer", "n_layers", "num_layers"],
    &["num_attention_heads", "n_head", "n_heads", "num_heads"],
    &["num_key_value_heads", "num_kv_heads", "n_head_kv", "n_kv_heads", "multi_query_group_num"],
    &["intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"],
    &["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"],
    &["vocab_size", "padded_vocab_size", "n_vocab"],
];

/// A configuration and, for what it leaves out, its class.
pub(super) struct Config<'a> {
    map: Option<&'a Map<String, Value>>,
    class: Option<&'static Class>,
    /// What else the class that holds this part takes by default.
    also: Vec<(&'static str, Value)>,
    path: String,
    model_type: String,
    fault: Rc<RefCell<Option<DescribeError>>>,
}

impl<'a> Config<'a> {
    /// A configuration of this model type.
    pub fn new(map: &'a Map<String, Value>, model_type: &str) -> Self {
        Self {
            map: Some(map),
            class: defaults::class(model_type),
            also: Vec::new(),
            path: String::new(),
            model_type: model_type.to_owned(),
            fault: Rc::default(),
        }
    }

    /// The model type.
    pub fn model_type(&self) -> &str {
        &self.model_type
    }

    /// The first fault met, here and in the parts.
    pub fn fault(&self) -> Option<DescribeError> {
        self.fault.borrow().clone()
    }

    /// Keeps a fault, if it is the first.
    pub fn fail(&self, error: DescribeError) {
        self.fault.borrow_mut().get_or_insert(error);
    }

    /// Keeps a contradiction.
    pub fn contradiction(&self, how: impl Into<String>) {
        self.fail(DescribeError::Contradiction(how.into()));
    }

    /// A configuration inside this one. Its type is its own `model_type`, else what this class takes, else `model_type`.
    pub fn part(&self, field: &str, model_type: &str) -> Config<'a> {
        self.part_with(field, model_type, &[])
    }

    /// The same, where this class has other defaults for the part's fields than the part's own class.
    pub fn part_with(&self, field: &str, model_type: &str, also: &[(&'static str, Value)]) -> Config<'a> {
        let map = self.map.and_then(|map| map.get(field)).and_then(Value::as_object);
        let own = map.and_then(|map| map.get("model_type")).and_then(Value::as_str);
        // Some parts carry the name of the whole: that says nothing of the part.
        let own = own.filter(|own| *own != self.model_type);
        let listed = self.class.and_then(|class| class.parts.get(field)).map(String::as_str);
        let listed = listed.filter(|listed| *listed != self.model_type);
        let model_type = own.filter(|own| defaults::class(own).is_some()).or(listed).unwrap_or(model_type);
        let also = if map.is_none() { also.to_vec() } else { Vec::new() };
        Config {
            map,
            class: defaults::class(model_type),
            also,
            path: format!("{}{field}.", self.path),
            model_type: model_type.to_owned(),
            fault: self.fault.clone(),
        }
    }

    /// The same fields, read as those of another model type.
    pub fn as_type(&self, model_type: &str) -> Config<'a> {
        Config {
            map: self.map,
            class: defaults::class(model_type),
            also: Vec::new(),
            path: self.path.clone(),
            model_type: model_type.to_owned(),
            fault: self.fault.clone(),
        }
    }

    /// Whether a part or field is given and not null.
    pub fn has(&self, field: &str) -> bool {
        self.given(field).is_some_and(|value| !value.is_null())
    }

    /// The value in the configuration itself, under the field's own or another name.
    fn given(&self, field: &str) -> Option<&'a Value> {
        let map = self.map?;
        if let Some(value) = map.get(field) {
            return Some(value);
        }
        if let Some(class) = self.class {
            let own = class.names.get(field).and_then(|own| map.get(own));
            let common = || class.names.iter().find(|(_, own)| *own == field).and_then(|(common, _)| map.get(common));
            if let Some(value) = own.or_else(common) {
                return Some(value);
            }
        }
        let group = SYNONYMS.iter().find(|group| group.contains(&field))?;
        let known = |name: &&&str| !self.class.is_some_and(|class| class.fields.contains_key(**name));
        group.iter().filter(known).find_map(|name| map.get(*name))
    }

    fn default(&self, field: &str) -> Option<Value> {
        if let Some((_, value)) = self.also.iter().find(|(name, _)| *name == field) {
            return Some(value.clone());
        }
        let class = self.class?;
        let own = class.names.get(field).and_then(|own| class.fields.get(own));
        class.fields.get(field).or(own).cloned()
    }

    /// The value, given or by default; null counts as given.
    fn value(&self, field: &str) -> Option<Value> {
        self.given(field).cloned().or_else(|| self.default(field))
    }

    fn number(&self, field: &str, value: &Value, most: u64) -> Option<u64> {
        let whole = value.as_u64().or_else(|| {
            let real = value.as_f64()?;
            (real >= 0.0 && real.fract() == 0.0 && real < 1e18).then_some(real as u64)
        });
        match whole {
            Some(number) if number <= most => Some(number),
            _ if value.is_number() => {
                let found = clip(&value.to_string());
                self.fail(DescribeError::Range { field: self.name(field), found, least: 0, most });
                None
            }
            _ => {
                let found = clip(&value.to_string());
                self.fail(DescribeError::Kind { field: self.name(field), expected: "a whole number", found });
                None
            }
        }
    }

    fn name(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    /// A whole number above 0; 1 after a fault.
    pub fn int(&self, field: &str) -> u64 {
        let given = self.given(field).filter(|value| !value.is_null()).cloned();
        let Some(value) = given.or_else(|| self.default(field)).filter(|value| !value.is_null()) else {
            self.fail(DescribeError::Missing { field: self.name(field) });
            return 1;
        };
        self.at_least_one(field, self.number(field, &value, MOST))
    }

    fn at_least_one(&self, field: &str, number: Option<u64>) -> u64 {
        match number {
            Some(0) => {
                let found = "0".to_owned();
                self.fail(DescribeError::Range { field: self.name(field), found, least: 1, most: MOST });
                1
            }
            Some(number) => number,
            None => 1,
        }
    }

    /// A whole number above 0, or this one where neither the configuration nor its class has it.
    pub fn int_or(&self, field: &str, otherwise: u64) -> u64 {
        self.maybe(field).unwrap_or(otherwise)
    }

    /// A whole number above 0, where there is one; null, absent and 0 are none.
    pub fn maybe(&self, field: &str) -> Option<u64> {
        let value = self.value(field).filter(|value| !value.is_null())?;
        self.number(field, &value, MOST).filter(|number| *number > 0)
    }

    /// A whole number above 0 by which several things are joined into one, at most 64 of them to a side.
    pub fn factor(&self, field: &str, otherwise: u64) -> u64 {
        let factor = self.int_or(field, otherwise);
        if factor > MOST_JOINED {
            let found = factor.to_string();
            self.fail(DescribeError::Range { field: self.name(field), found, least: 1, most: MOST_JOINED });
            return 1;
        }
        factor
    }

    /// A whole number that may be 0 or absent.
    pub fn count(&self, field: &str) -> u64 {
        self.maybe(field).unwrap_or(0)
    }

    /// A number of layers, blocks or experts; 1 after a fault.
    pub fn layers(&self, field: &str) -> u64 {
        let layers = self.int(field);
        self.within_layers(field, layers)
    }

    /// The same where 0 or absence is 0.
    pub fn layers_or_none(&self, field: &str) -> u64 {
        let layers = self.count(field);
        self.within_layers(field, layers)
    }

    fn within_layers(&self, field: &str, layers: u64) -> u64 {
        if layers > MOST_LAYERS {
            let found = layers.to_string();
            self.fail(DescribeError::Range { field: self.name(field), found, least: 1, most: MOST_LAYERS });
            return 1;
        }
        layers
    }

    /// A switch; false where neither the configuration nor its class has it.
    pub fn flag(&self, field: &str) -> bool {
        self.flag_or(field, false)
    }

    /// A switch with a default of its own.
    pub fn flag_or(&self, field: &str, otherwise: bool) -> bool {
        match self.value(field) {
            Some(Value::Bool(flag)) => flag,
            Some(Value::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            Some(Value::Null) => false,
            _ => otherwise,
        }
    }

    /// A word.
    pub fn text(&self, field: &str) -> Option<String> {
        self.value(field)?.as_str().map(str::to_owned)
    }

    /// A number that need not be whole, and may be negative.
    pub fn real(&self, field: &str) -> Option<f64> {
        self.value(field)?.as_f64().filter(|real| real.is_finite())
    }

    /// A product of a whole number and a real field, rounded down as `int(…)` does, for example `hidden_size × mlp_ratio`.
    pub fn scaled(&self, number: u64, field: &str, otherwise: f64) -> u64 {
        let product = number as f64 * self.real(field).unwrap_or(otherwise);
        if (1.0..=MOST as f64).contains(&product) {
            return product as u64;
        }
        let found = clip(&product.to_string());
        self.fail(DescribeError::Range { field: self.name(field), found, least: 1, most: MOST });
        1
    }

    /// A list of whole numbers; empty where absent.
    pub fn list(&self, field: &str) -> Vec<u64> {
        let Some(Value::Array(items)) = self.value(field) else { return Vec::new() };
        self.few(field, &items).iter().filter_map(|item| self.number(field, item, MOST)).collect()
    }

    /// A list of words; empty where absent.
    pub fn texts(&self, field: &str) -> Vec<String> {
        let Some(Value::Array(items)) = self.value(field) else { return Vec::new() };
        self.few(field, &items).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The raw value, given or by default.
    pub fn raw(&self, field: &str) -> Option<Value> {
        self.value(field)
    }

    fn few<'v>(&self, field: &str, items: &'v [Value]) -> &'v [Value] {
        if items.len() as u64 > MOST_LAYERS {
            let found = format!("a list of {} items", items.len());
            self.fail(DescribeError::Range { field: self.name(field), found, least: 0, most: MOST_LAYERS });
            return &[];
        }
        items
    }

    /// One number for each of `times` things: a list of them, or one number for all.
    pub fn each(&self, field: &str, times: u64) -> Vec<u64> {
        let items = match self.value(field) {
            Some(Value::Array(_)) => self.list(field),
            Some(value) if !value.is_null() => {
                let number = self.number(field, &value, MOST).unwrap_or(1);
                vec![number; usize::try_from(times.min(MOST_LAYERS)).unwrap_or(0)]
            }
            _ => {
                self.fail(DescribeError::Missing { field: self.name(field) });
                return Vec::new();
            }
        };
        if items.len() as u64 != times {
            self.contradiction(format!("“{}” has {} items, expected {times}", self.name(field), items.len()));
        }
        items
    }

    /// `number` divided by `by`, which must divide it.
    pub fn divided(&self, number: u64, by: u64) -> u64 {
        match number.checked_rem(by) {
            Some(0) if number > 0 => number / by,
            _ => {
                self.contradiction(format!("{number} cannot be divided by {by} in {}", self.place()));
                1
            }
        }
    }

    /// `number` divided by `by`, rounded down; 1 after a fault.
    pub fn floored(&self, number: u64, by: u64) -> u64 {
        match number.checked_div(by) {
            Some(quotient @ 1..) => quotient,
            _ => {
                self.contradiction(format!("{number} is less than {by} in {}", self.place()));
                1
            }
        }
    }

    fn place(&self) -> String {
        if self.path.is_empty() { "config.json".to_owned() } else { self.path.trim_end_matches('.').to_owned() }
    }

    /// How many classes the heads tell apart: as many as `id2label` names, else `num_labels`, else 2.
    pub fn labels(&self) -> u64 {
        match self.raw("id2label") {
            Some(Value::Object(labels)) => labels.get("length").and_then(Value::as_u64).unwrap_or(labels.len() as u64),
            _ => self.int_or("num_labels", 2),
        }
        .clamp(1, MOST)
    }
}

fn clip(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}
