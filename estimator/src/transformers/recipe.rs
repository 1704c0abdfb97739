//! A model described by hand: "7B dense transformer, 32 layers, d=4096, 32 heads, 8 kv heads, ffn 11008, vocab 32000", or only "7B".
//!
//! Numbers are recognised by the words beside them, in any order.
//! What is not said takes the value that most models of this shape have, and a note says so.

use super::config::MOST;
use super::describe;
use super::description::{Description, Facts, Kind, Totals};
use super::error::DescribeError;
use crate::notes::Notes;
use serde_json::{Map, Value};
use std::fmt;

/// What a sentence says of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The description; it has no parts where only a size was said.
    pub description: Description,
    /// The number of parameters that was said, where one was.
    pub parameters: Option<f64>,
    /// The number of parameters that one token uses, where it was said.
    pub active_parameters: Option<f64>,
}

/// Why a sentence says no model.
#[derive(Debug, Clone, PartialEq)]
pub enum RecipeError {
    /// There is nothing in it.
    Empty,
    /// A number without a word that says what it counts.
    Nameless(String),
    /// Words that are not known; the text is the piece of the sentence.
    Unknown(String),
    /// Something without which the cost of a mixture of experts is not known.
    Mixture(&'static str),
    /// A name such as `8x7B`, which does not say how many parameters there are.
    Shorthand(String),
    /// The same thing is said twice with different numbers.
    Twice(&'static str),
    /// Something without which neither a size nor an architecture is known.
    Missing(&'static str),
    /// The numbers do not make a network.
    Network(DescribeError),
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let example = "for example “7B”, or “32 layers, d=4096, 32 heads, 8 kv heads, ffn 11008, vocab 32000”";
        match self {
            Self::Empty => write!(f, "describe a model, {example}"),
            Self::Nameless(number) => {
                write!(f, "“{number}” does not say what it counts: write “{number} layers”, “d={number}” or the like")
            }
            Self::Unknown(piece) => write!(f, "“{piece}” is not understood; say sizes with their names, {example}"),
            Self::Mixture(what) => write!(
                f,
                "{what} is missing, and a token uses only a part of a mixture of experts: say all parameters and those that a token uses (“47B MoE, 13B active”), or the sizes with “8 experts, 2 experts per token”"
            ),
            Self::Shorthand(word) => write!(
                f,
                "“{word}” names a mixture of experts without saying its size, because experts share everything else: say all parameters and those that a token uses (“47B, 13B active” for Mixtral 8x7B, “109B, 17B active” for Llama 4 Scout), or the layers, widths and experts"
            ),
            Self::Twice(what) => write!(f, "{what} is given twice with different numbers"),
            Self::Missing(what) => {
                write!(f, "{what} is missing: give it, or only the number of parameters, {example}")
            }
            Self::Network(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RecipeError {}

/// What a number may count, with the words for it. Longer words come first, so that “kv heads” is not “heads”.
const WORDS: &[(&str, &[&str])] = &[
    ("active", &["active parameters", "active params", "active", "activated"]),
    (
        "kv_heads",
        &[
            "key value heads",
            "key/value heads",
            "kv heads",
            "kv-heads",
            "kv_heads",
            "n_kv_heads",
            "num_key_value_heads",
            "kv groups",
            "query groups",
        ],
    ),
    ("heads", &["attention heads", "query heads", "num_attention_heads", "n_heads", "n_head", "heads", "head"]),
    ("head_dim", &["head dimension", "head_dim", "head dim", "head size", "d_head", "dhead"]),
    ("shared", &["shared experts", "shared expert"]),
    (
        "per_token",
        &[
            "experts per token",
            "num_experts_per_tok",
            "active experts",
            "experts active",
            "experts used",
            "top-k",
            "top_k",
            "topk",
            "top",
        ],
    ),
    ("experts", &["routed experts", "num_experts", "n_experts", "experts", "expert"]),
    ("expert_ffn", &["moe_intermediate_size", "expert ffn", "expert_ffn", "expert width", "expert intermediate"]),
    ("layers", &["num_hidden_layers", "n_layers", "n_layer", "layers", "layer", "blocks", "deep"]),
    (
        "hidden",
        &[
            "hidden_size",
            "hidden size",
            "embedding size",
            "d_model",
            "dmodel",
            "d model",
            "n_embd",
            "model width",
            "width",
            "hidden",
            "dim",
            "d",
            "wide",
        ],
    ),
    (
        "ffn",
        &[
            "intermediate_size",
            "intermediate size",
            "intermediate",
            "feed-forward",
            "feed forward",
            "feedforward",
            "d_ff",
            "dff",
            "ffn_dim",
            "ffn",
            "mlp",
        ],
    ),
    ("vocabulary", &["vocab_size", "vocabulary size", "vocabulary", "vocab size", "vocab", "tokens in the vocabulary"]),
    (
        "context",
        &[
            "max_position_embeddings",
            "context length",
            "context window",
            "context",
            "ctx",
            "sequence length",
            "seq len",
        ],
    ),
    ("window", &["sliding_window", "sliding window", "window"]),
    ("parameters", &["parameters", "parameter", "params", "param", "weights"]),
];

/// A number of active things below this counts experts, not parameters.
const MOST_EXPERTS: f64 = 10_000.0;

/// Words that say nothing about sizes.
const FILLERS: &[&str] = &[
    "a",
    "an",
    "the",
    "with",
    "and",
    "of",
    "model",
    "language",
    "llm",
    "transformer",
    "decoder",
    "decoder-only",
    "dense",
    "moe",
    "mixture",
    "large",
    "small",
    "about",
    "has",
    "is",
    "that",
    "to",
    "each",
    "per",
    "gqa",
    "mha",
    "mqa",
    "autoregressive",
    "llama-like",
    "llama",
    "style",
    "architecture",
    "size",
    "total",
    "in",
    "all",
    "for",
    "embeddings",
    "embedding",
    "head",
];

/// Reads a sentence.
///
/// # Errors
/// It says nothing, numbers lack names, names are not known, or the sizes make no network; the error tells what to write.
pub fn recipe(sentence: &str) -> Result<Recipe, RecipeError> {
    let said = Said::read(sentence)?;
    let (parameters, active) = (said.of("parameters"), said.of("active"));
    let architecture = ["layers", "hidden"].iter().any(|name| said.of(name).is_some());
    if !architecture {
        let Some(all) = parameters else {
            return Err(match said.numbers.first() {
                Some(_) => RecipeError::Missing("the number of layers"),
                None if said.unknown.is_empty() => RecipeError::Empty,
                None => RecipeError::Unknown(said.unknown.join(" ")),
            });
        };
        // A mixture uses a part of its parameters; without layers nobody can work out which.
        if active.is_none() && (said.is_mixture || ["experts", "per_token"].iter().any(|name| said.of(name).is_some()))
        {
            return Err(RecipeError::Mixture("how many parameters a token uses"));
        }
        return Ok(Recipe { description: by_size(all, active), parameters, active_parameters: active });
    }
    for (name, what) in [("layers", "the number of layers"), ("hidden", "the width (d=…)")] {
        if said.of(name).is_none() {
            return Err(RecipeError::Missing(what));
        }
    }
    if said.is_mixture && said.of("experts").is_none() {
        return Err(RecipeError::Mixture("how many experts there are"));
    }
    let (config, notes) = said.config();
    let mut description = describe(&config).map_err(RecipeError::Network)?;
    description.family = if said.of("experts").is_some() {
        "mixture of experts, described by hand"
    } else {
        "dense decoder, described by hand"
    }
    .to_owned();
    description.model_type = String::new();
    description.notes = notes;
    if let Some(stated) = parameters {
        let counted = description.parameters() as f64;
        if (counted / stated - 1.0).abs() > 0.05 {
            let text = format!(
                "the sizes make {} parameters, not the {} that were said: the sizes count",
                crate::format::count(counted),
                crate::format::count(stated)
            );
            description.notes.warn("", text);
        }
    }
    Ok(Recipe { description, parameters, active_parameters: active })
}

/// A description of which only the size is known.
fn by_size(all: f64, active: Option<f64>) -> Description {
    let mut notes = Notes::new();
    notes.warn("", "only the number of parameters is known: a token is taken to cost one MAC for each that it uses");
    let whole = |count: f64| if count >= u64::MAX as f64 { u64::MAX } else { count.round() as u64 };
    Description {
        family: "a language model of this size".to_owned(),
        model_type: String::new(),
        class: String::new(),
        is_approximate: true,
        facts: Facts { kind: Kind::Decoder, ..Facts::default() },
        parts: Vec::new(),
        notes,
        totals: Totals { parameters: whole(all), active: whole(active.unwrap_or(all).min(all)), input: 0, head: 0 },
    }
}

/// The numbers of a sentence by what they count.
#[derive(Default)]
struct Said {
    numbers: Vec<(&'static str, f64)>,
    unknown: Vec<String>,
    tied: Option<bool>,
    gated: Option<bool>,
    /// Whether it is called a mixture of experts.
    is_mixture: bool,
}

impl Said {
    fn of(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(of, _)| *of == name).map(|(_, number)| *number)
    }

    fn add(&mut self, name: &'static str, number: f64) -> Result<(), RecipeError> {
        match self.of(name) {
            Some(other) if other != number => Err(RecipeError::Twice(name)),
            Some(_) => Ok(()),
            None => {
                self.numbers.push((name, number));
                Ok(())
            }
        }
    }

    fn read(sentence: &str) -> Result<Self, RecipeError> {
        let mut said = Self::default();
        let text = sentence.trim().chars().take(2000).collect::<String>().to_lowercase();
        if text.is_empty() {
            return Err(RecipeError::Empty);
        }
        // A comma between digits groups thousands; every other one ends a piece.
        let letters: Vec<char> = text.chars().collect();
        let digit = |place: Option<usize>| place.and_then(|place| letters.get(place)).is_some_and(char::is_ascii_digit);
        let mut pieces = vec![String::new()];
        for (place, letter) in letters.iter().enumerate() {
            let groups =
                digit(place.checked_sub(1)) && (1..4).all(|next| digit(Some(place + next))) && !digit(Some(place + 4));
            match letter {
                ',' if groups => {}
                ',' | ';' | '\n' | '+' | '(' | ')' => pieces.push(String::new()),
                letter => {
                    if let Some(piece) = pieces.last_mut() {
                        piece.push(*letter);
                    }
                }
            }
        }
        for piece in pieces.iter().map(|piece| piece.trim()).filter(|piece| !piece.is_empty()) {
            said.piece(piece)?;
        }
        Ok(said)
    }

    /// Reads a piece of the sentence: numbers, each with the words behind it, or else those before it.
    fn piece(&mut self, piece: &str) -> Result<(), RecipeError> {
        let plain = piece.replace(['=', ':'], " ");
        match () {
            () if plain.contains("untied") || plain.contains("not tied") => self.tied = Some(false),
            () if plain.contains("tied") => self.tied = Some(true),
            () => {}
        }
        if plain.contains("not gated") || plain.contains("ungated") || plain.contains("gelu mlp") {
            self.gated = Some(false);
        }
        let words: Vec<&str> = plain.split_whitespace().flat_map(of_name).collect();
        if let Some(word) = words.iter().find(|word| is_shorthand(word)) {
            return Err(RecipeError::Shorthand((*word).to_owned()));
        }
        self.is_mixture |= words.iter().any(|word| ["moe", "mixture", "moes"].contains(word));
        let sizes = words.iter().filter(|word| matches!(self::number(word), Some((_, Unit::Large, _)))).count();
        let mut before: Vec<&str> = Vec::new();
        let mut place = 0;
        let mut found = false;
        while let Some(word) = words.get(place) {
            // “A3B” in names: so many that a token uses.
            if let Some(active) = active(word) {
                self.add("active", active)?;
                (found, place) = (true, place + 1);
                continue;
            }
            let Some((mut number, mut unit, mut glued)) = number(word) else {
                before.push(word);
                place += 1;
                continue;
            };
            if let (Unit::Large, Some(active)) = (unit, active(glued)) {
                self.add("active", active)?;
                glued = "";
            }
            // “70 billion”, “1.3 b”: the unit is a word of its own.
            if glued.is_empty() && unit == Unit::Plain {
                // In “Llama 3 8B” the next word is a number of its own.
                let next = words.get(place + 1).filter(|next| next.starts_with(char::is_alphabetic));
                let next = next.map(|next| format!("1{next}"));
                if let Some((factor, Unit::Large, "")) = next.as_deref().and_then(self::number) {
                    (number, unit) = (number * factor, Unit::Large);
                    place += 1;
                }
            }
            let rest: Vec<&str> = words
                .get(place + 1..)
                .unwrap_or_default()
                .iter()
                .copied()
                .take_while(|word| self::number(word).is_none())
                .collect();
            let after = if glued.is_empty() { rest.join(" ") } else { format!("{glued} {}", rest.join(" ")) };
            let (name, used) = match named(&after, true) {
                Some((name, length)) => (Some(name), length),
                None => (named(&before.join(" "), false).map(|(name, _)| name), 0),
            };
            let name = match name {
                // Only parameters come in millions.
                Some("parameters" | "active") | None if unit == Unit::Large => name.unwrap_or("parameters"),
                Some(_) if unit == Unit::Large => "parameters",
                // “8 experts, 2 active” are experts.
                Some("active") if unit == Unit::Plain && number < MOST_EXPERTS => "per_token",
                // The version in a model's name: “Llama 3 8B”.
                None if glued.is_empty() && sizes > 0 => {
                    place += 1;
                    before.clear();
                    continue;
                }
                Some(name) => name,
                None => return Err(RecipeError::Nameless((*word).to_owned())),
            };
            found = true;
            self.add(name, number)?;
            let consumed = if glued.is_empty() { used } else { used.saturating_sub(1) };
            place += 1 + consumed;
            before.clear();
        }
        let idle = |word: &&str| !FILLERS.contains(word) && !word.contains("tied") && !word.contains("gated");
        if !found && before.iter().any(idle) {
            self.unknown.push(piece.to_owned());
            return Err(RecipeError::Unknown(piece.to_owned()));
        }
        Ok(())
    }

    /// The configuration that the sizes amount to, in Llama's or Mixtral's shape, and what was filled in.
    fn config(&self) -> (Map<String, Value>, Notes) {
        let mut notes = Notes::new();
        let mut config = Map::new();
        let whole = |number: f64| {
            Value::from(if number >= 0.0 && number <= MOST as f64 * 4.0 { number.round() as u64 } else { u64::MAX })
        };
        let hidden = self.of("hidden").unwrap_or(1.0);
        let mut put = |field: &str, value: Value| _ = config.insert(field.to_owned(), value);
        let mut or = |name: &str, otherwise: f64, what: &str| {
            self.of(name).unwrap_or_else(|| {
                notes.warn("", format!("{what} was not said; {otherwise} is taken"));
                otherwise
            })
        };
        let head = self.of("head_dim");
        let heads = or("heads", (hidden / head.unwrap_or(128.0)).floor().max(1.0), "the number of heads");
        put("num_attention_heads", whole(heads));
        put("hidden_size", whole(hidden));
        put("num_hidden_layers", whole(self.of("layers").unwrap_or(1.0)));
        put("num_key_value_heads", whole(self.of("kv_heads").unwrap_or(heads)));
        put("vocab_size", whole(or("vocabulary", 32_000.0, "the size of the vocabulary")));
        let experts = self.of("experts").filter(|count| *count > 1.0);
        let inner = match (experts, self.of("expert_ffn")) {
            (Some(_), Some(inner)) => inner,
            _ => or("ffn", (hidden * 8.0 / 3.0 / 256.0).ceil() * 256.0, "the width of the feed-forward network"),
        };
        put("intermediate_size", whole(inner));
        if let Some(head) = head {
            put("head_dim", whole(head));
        }
        if let Some(context) = self.of("context") {
            put("max_position_embeddings", whole(context));
        }
        put("tie_word_embeddings", self.tied.unwrap_or(false).into());
        let mut kind = "llama";
        if let Some(count) = experts {
            kind = "mixtral";
            put("num_local_experts", whole(count));
            put("num_experts_per_tok", whole(or("per_token", 2.0_f64.min(count), "how many experts a token uses")));
        } else if self.gated == Some(false) {
            kind = "arcee";
        }
        if let Some(window) = self.of("window") {
            if experts.is_none() {
                kind = "mistral";
            }
            put("sliding_window", whole(window));
        } else if kind != "llama" {
            put("sliding_window", Value::Null);
        }
        put("model_type", kind.into());
        (config, notes)
    }
}

/// A model's name in its steps, where one of them is a size: `qwen3-30b-a3b`; any other word as it is.
fn of_name(word: &str) -> Vec<&str> {
    let is_size = |step: &str| matches!(number(step), Some((_, Unit::Large, _))) || is_shorthand(step);
    match word.starts_with(char::is_alphabetic) && word.split('-').any(is_size) {
        true => word.split('-').filter(|step| is_size(step) || active(step).is_some()).collect(),
        false => vec![word],
    }
}

/// The parameters that a token uses, as names have them behind the total: `a3b`.
fn active(word: &str) -> Option<f64> {
    match number(word.strip_prefix('a')?) {
        Some((number, Unit::Large, "")) => Some(number),
        _ => None,
    }
}

/// Whether a word names experts by their number and the size of a dense model (`8x7b`), or parameters and experts (`17b-16e`):
/// neither says the total.
fn is_shorthand(word: &str) -> bool {
    let Some((_, unit, glued)) = number(word) else { return false };
    let sized = |text: &str| matches!(number(text), Some((_, Unit::Large, _)));
    match unit {
        Unit::Plain => glued.strip_prefix(['x', '×']).is_some_and(sized),
        Unit::Large => glued.strip_suffix('e').is_some_and(|count| count.parse::<u32>().is_ok()),
    }
}

/// Whether a number carries a unit that only counts of parameters have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Plain,
    Large,
}

/// A number at the beginning of a word, with its unit, and what is glued behind it: `7b`, `128k`, `4096-wide`, `8x7b` is none.
fn number(word: &str) -> Option<(f64, Unit, &str)> {
    let digits = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == '_';
    let end = word.find(|letter: char| !digits(letter)).unwrap_or(word.len());
    let (mut head, mut tail) = word.split_at_checked(end)?;
    // An exponent: 7e9.
    if let Some(rest) = tail.strip_prefix('e') {
        let length = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        if length > 0 {
            (head, tail) = word.split_at_checked(end + 1 + length)?;
        }
    }
    let value: f64 = head.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)?;
    let rest = tail.trim_start_matches('-');
    let unit = |factor: f64, unit: Unit, skipped: &str| {
        Some((value * factor, unit, rest.strip_prefix(skipped).unwrap_or(rest).trim_start_matches('-')))
    };
    let exactly = |word: &str| rest == word || rest.strip_prefix(word).is_some_and(|next| next.starts_with('-'));
    match () {
        () if exactly("k") => unit(1e3, Unit::Plain, "k"),
        () if exactly("m") || exactly("million") => unit(1e6, Unit::Large, if exactly("m") { "m" } else { "million" }),
        () if exactly("b") || exactly("bn") || exactly("billion") => unit(
            1e9,
            Unit::Large,
            if exactly("bn") {
                "bn"
            } else if exactly("b") {
                "b"
            } else {
                "billion"
            },
        ),
        () if exactly("t") || exactly("trillion") => {
            unit(1e12, Unit::Large, if exactly("t") { "t" } else { "trillion" })
        }
        () if head.contains('e') && rest.is_empty() => Some((value, Unit::Large, rest)),
        () => Some((value, Unit::Plain, rest)),
    }
}

/// What a stretch of words names: at its beginning, or anywhere for the words before a number; with how many words that takes.
fn named(words: &str, at_start: bool) -> Option<(&'static str, usize)> {
    let words = words.trim();
    let fits = |name: &str| {
        let mut at = 0;
        while let Some(found) = words.get(at..).and_then(|rest| rest.find(name)) {
            let (begin, end) = (at + found, at + found + name.len());
            let edge = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_');
            let before = words.get(..begin).and_then(|text| text.chars().next_back());
            if edge(before) && edge(words.get(end..).and_then(|text| text.chars().next())) && (!at_start || begin == 0)
            {
                return true;
            }
            at = end;
        }
        false
    };
    let best = WORDS
        .iter()
        .flat_map(|(what, names)| names.iter().map(move |name| (*what, *name)))
        .filter(|(_, name)| fits(name));
    best.max_by_key(|(_, name)| name.len()).map(|(what, name)| (what, name.split_whitespace().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_description_is_the_network_that_it_says() {
        for sentence in [
            "7B dense transformer, 32 layers, d=4096, 32 heads, 32 kv heads, ffn 11008, vocab 32000",
            "32 layers, hidden size 4096, heads: 32, intermediate_size=11008, vocabulary 32,000",
            "a 4096-wide decoder; 32 layers; 32 attention heads; feed-forward 11008; 32k vocab",
        ] {
            let found = recipe(sentence).unwrap();
            assert_eq!(found.description.parameters(), 6_738_415_616, "{sentence}");
            assert!(!found.description.is_approximate);
            assert_eq!(found.description.notes.iter().count(), 0, "{sentence}");
        }
        let tied = recipe("22 layers, d=2048, 32 heads, 4 kv heads, ffn 5632, vocab 32000, tied embeddings").unwrap();
        assert_eq!(tied.description.parameters(), 1_100_048_384 - 65_536_000);
    }

    #[test]
    fn experts_are_said_as_people_say_them() {
        let found =
            recipe("32 layers, d=4096, 32 heads, 8 kv heads, 8 experts, 2 experts per token, ffn 14336, vocab 32000")
                .unwrap();
        assert_eq!(found.description.parameters(), 46_702_792_704);
        assert_eq!(found.description.active_parameters(), 12_879_925_248);
    }

    #[test]
    fn a_size_alone_is_a_size_alone() {
        for (sentence, all, active) in [
            ("7B", 7e9, None),
            ("7e9 parameters", 7e9, None),
            ("a 70 billion parameter model", 70e9, None),
            ("1.3 b params", 1.3e9, None),
            ("355M", 355e6, None),
            ("671B, 37B active", 671e9, Some(37e9)),
            ("47B MoE, 13B active", 47e9, Some(13e9)),
            ("30B-A3B", 30e9, Some(3e9)),
            ("Qwen3-30B-A3B", 30e9, Some(3e9)),
            ("Qwen3 235B A22B", 235e9, Some(22e9)),
            ("Llama 3 8B", 8e9, None),
            ("Qwen 2 72B", 72e9, None),
        ] {
            let found = recipe(sentence).unwrap_or_else(|error| panic!("{sentence}: {error}"));
            assert_eq!((found.parameters, found.active_parameters), (Some(all), active), "{sentence}");
            assert!(found.description.is_approximate && found.description.parts.is_empty());
            let used = active.unwrap_or(all) as u64;
            assert_eq!(found.description.macs(&crate::transformers::Pass::step(100)), Some(used));
        }
    }

    #[test]
    fn what_is_not_said_is_filled_in_with_a_note_and_what_contradicts_is_named() {
        let found = recipe("24 layers, d=2048").unwrap();
        assert!(found.description.notes.iter().count() >= 3);
        let found = recipe("70B, 32 layers, d=4096, 32 heads, ffn 11008, vocab 32000").unwrap();
        assert!(found.description.notes.iter().any(|note| note.text.contains("not the")));
    }

    #[test]
    fn errors_say_what_to_write() {
        for (sentence, named) in [
            ("", "describe a model"),
            ("4096", "does not say what it counts"),
            ("banana", "not understood"),
            ("32 layers", "width"),
            ("70B MoE with 8 experts, 2 active", "a token uses"),
            ("MoE 47B", "13B active"),
            ("a mixture of experts of 47B", "13B active"),
            ("MoE, 32 layers, d=4096", "8 experts"),
            ("8x7B", "47B, 13B active"),
            ("Mixtral 8x7B-like", "13B active"),
            ("Llama 4 17B-16E", "109B, 17B active"),
            ("d=4096", "number of layers"),
            ("32 layers, 40 layers, d=128", "twice"),
            ("32 layers, d=4096, 30 heads, 7 kv heads", "cannot share"),
            ("999999999 layers, d=4096", "num_hidden_layers"),
            ("8 heads", "number of layers"),
        ] {
            let error = recipe(sentence).unwrap_err().to_string();
            assert!(error.contains(named), "{sentence}: {error}");
        }
    }
}
