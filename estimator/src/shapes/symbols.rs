//! The symbolic dimensions of a model and the numbers that stand for them.
//!
//! Here is which number a dimension gets when the user chose none, and why.

use super::expression;
use crate::model::{DeclaredDim, Dim};
use crate::notes::Notes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A symbolic dimension and the number used for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// Its name: the file's own where there is one, else made of the value's name and the axis.
    pub name: String,
    /// The number used.
    pub value: u64,
    /// What kind of open end it is.
    pub origin: Origin,
    /// Whether the user chose the number.
    pub chosen: bool,
}

/// What makes a dimension open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Declared open on an input.
    Input,
    /// It depends on the data (`NonZero`, `NonMaxSuppression` …).
    Data,
    /// How often a loop runs depends on the data.
    TripCount,
}

/// Defaults by words in a dimension's name, first match wins.
/// Typical working sizes, so that the first figures shown are of the right order; the page shows and lets change each.
const DEFAULTS: &[(&[&str], u64)] = &[
    (&["batch"], 1),
    (&["past"], 0),
    (&["height", "width"], 224),
    (&["sequence", "seq", "tokens", "length"], 128),
    (&["samples", "audio"], 16_000),
    (&["frames", "time"], 100),
];

/// What is known of a model's own sizes before an inference begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults {
    /// Numbers that fit the model's weights, by name.
    pub fitting: BTreeMap<String, u64>,
    /// Numbers that the file was made with, by name; see [`Model::sizes_made_with`](crate::model::Model).
    pub made_with: BTreeMap<String, u64>,
    /// The largest number that is taken by default otherwise.
    pub most: Option<u64>,
    /// The smallest number that is taken by default for a length; what is 1 by default stays 1.
    pub least: Option<u64>,
}

/// The symbols of one inference.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    chosen: BTreeMap<String, u64>,
    defaults: Defaults,
    met: Vec<Symbol>,
    places: BTreeMap<String, usize>,
}

impl Symbols {
    /// Symbols with the user's numbers, and with defaults for the rest.
    pub fn new(chosen: BTreeMap<String, u64>, defaults: Defaults) -> Self {
        Self { chosen, defaults, ..Self::default() }
    }

    pub fn into_met(self) -> Vec<Symbol> {
        self.met
    }

    /// Names that the user gave a number and that the model does not have.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        self.chosen.keys().filter(|name| !self.places.contains_key(*name)).map(String::as_str)
    }

    /// Chooses a number for a name that has none yet.
    pub fn settle(&mut self, name: &str, value: u64) {
        if !self.places.contains_key(name) {
            self.chosen.entry(name.to_owned()).or_insert(value);
        }
    }

    /// The dimension that a name stands for, with a default when it is met for the first time.
    pub fn named(&mut self, name: &str, origin: Origin, default: u64) -> Dim {
        let value = match self.places.get(name).and_then(|place| self.met.get(*place)) {
            Some(symbol) => symbol.value,
            None => {
                let choice = self.chosen.get(name).copied();
                let made_with = self.defaults.made_with.get(name);
                let fitting = self.defaults.fitting.get(name).or(made_with).copied();
                let bounded = match default {
                    0 | 1 => default,
                    length => length.max(self.defaults.least.unwrap_or(length)),
                };
                let default = fitting.unwrap_or(bounded.min(self.defaults.most.unwrap_or(bounded)));
                let value = choice.unwrap_or(default);
                self.places.insert(name.to_owned(), self.met.len());
                self.met.push(Symbol { name: name.to_owned(), value, origin, chosen: choice.is_some() });
                value
            }
        };
        i64::try_from(value).map_or(Dim::UNKNOWN, |value| Dim::symbol(name, value))
    }

    /// A dimension declared on an input of the model.
    pub fn of_input(&mut self, input: &str, axis: usize, rank: usize, dim: &DeclaredDim) -> Dim {
        match dim {
            DeclaredDim::Fixed(size) => Dim::from(*size),
            DeclaredDim::Named(name) => self.expression(name, |symbols, word| {
                let default = default_for(word, axis, rank);
                symbols.named(word, Origin::Input, default)
            }),
            DeclaredDim::Open => self.named(&format!("{input}.{axis}"), Origin::Input, default_for("", axis, rank)),
        }
    }

    /// A dimension declared on another value, as far as the symbols met so far tell it.
    pub fn declared(&mut self, dim: &DeclaredDim) -> Dim {
        match dim {
            DeclaredDim::Fixed(size) => Dim::from(*size),
            DeclaredDim::Named(name) => self.expression(name, |symbols, word| {
                let stated = &symbols.defaults.made_with;
                let known = symbols.places.contains_key(word) || symbols.chosen.contains_key(word);
                match known || stated.contains_key(word) {
                    true => symbols.named(word, Origin::Data, 1),
                    false => Dim::UNKNOWN,
                }
            }),
            DeclaredDim::Open => Dim::UNKNOWN,
        }
    }

    /// Exporters write arithmetic into a name (`past_sequence_length + 1`, `2*batch`): compute what the parts stand for.
    fn expression(&mut self, name: &str, mut word: impl FnMut(&mut Self, &str) -> Dim) -> Dim {
        if self.chosen.contains_key(name) || !name.contains(['+', '*', '(']) && !name.contains("//") {
            return word(self, name);
        }
        if let Some(dim) = expression::dimension(name, &mut |part| word(self, part)) {
            return dim;
        }
        if !name.contains('+') {
            return word(self, name);
        }
        let mut sum = Dim::known(0);
        for part in name.split('+').map(str::trim) {
            let dim = match part.parse::<i64>() {
                Ok(number) => Dim::known(number),
                Err(_) => word(self, part),
            };
            sum = sum.add(&dim);
        }
        sum
    }

    /// Says which symbols stand for numbers that nobody chose.
    pub fn note_defaults(&self, notes: &mut Notes) {
        for symbol in self.met.iter().filter(|symbol| !symbol.chosen) {
            if self.defaults.fitting.contains_key(&symbol.name) {
                notes
                    .info(&symbol.name, format!("{} is used, because this model's own sizes ask for it", symbol.value));
            }
            let text = match symbol.origin {
                Origin::Input => continue,
                Origin::Data => "depends on the data; the number used is an assumption that you can set",
                Origin::TripCount => {
                    "how often this loop runs depends on the data; the number used is an assumption that you can set"
                }
            };
            notes.warn(&symbol.name, format!("{text} (now {})", symbol.value));
        }
    }
}

fn default_for(name: &str, axis: usize, rank: usize) -> u64 {
    let lower = name.to_lowercase();
    let by_name = DEFAULTS.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)));
    match by_name {
        Some((_, default)) => *default,
        // An unnamed picture: batch × channels × height × width.
        None if rank == 4 && axis >= 2 => 224,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_number() {
        let mut symbols = Symbols::new(BTreeMap::from([("batch".to_owned(), 8)]), Defaults::default());
        let named = DeclaredDim::Named("batch".into());
        assert!(symbols.of_input("x", 0, 2, &named).is(8));
        assert!(symbols.of_input("y", 0, 2, &named).is(8));
        assert_eq!(symbols.into_met().len(), 1);
    }

    #[test]
    fn sums_in_names_are_added_up() {
        let mut symbols = Symbols::new(BTreeMap::from([("past".to_owned(), 5)]), Defaults::default());
        let dim = symbols.of_input("x", 1, 2, &DeclaredDim::Named("past + 1".into()));
        assert_eq!((dim.value(), dim.to_string()), (Some(6), "past + 1".to_owned()));
    }

    #[test]
    fn open_dimensions_are_named_after_their_input() {
        let mut symbols = Symbols::default();
        symbols.of_input("image", 3, 4, &DeclaredDim::Open);
        let met = symbols.into_met();
        assert_eq!(met.first().map(|symbol| (symbol.name.as_str(), symbol.value)), Some(("image.3", 224)));
    }

    #[test]
    fn a_choice_for_nothing_is_reported() {
        let symbols = Symbols::new(BTreeMap::from([("bacth".to_owned(), 8)]), Defaults::default());
        assert_eq!(symbols.unused().collect::<Vec<_>>(), ["bacth"]);
    }
}
