//! Notes: what a reader should know about a result, travelling with the result itself.
//!
//! A note is for what was understood only in part or assumed.
//! What could not be done at all is an error of the room where it happened.

use serde::{Deserialize, Serialize};

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know; the figures stand.
    Info,
    /// A figure is incomplete or rests on an assumption.
    Warning,
}

/// One sentence about a result, and where in the model it applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// The node, tensor or dimension it is about; empty when it is about the whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// The sentence.
    pub text: String,
}

/// The notes of one result. The same sentence about many places is kept a few times and then counted,
/// so that a hostile or huge file cannot fill memory with warnings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    items: Vec<Note>,
    #[serde(default, skip_serializing_if = "is_zero")]
    left_out: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How many notes one result keeps.
const MOST_NOTES: usize = 200;
/// How many times one sentence is kept with different places.
const MOST_REPEATS: usize = 5;
/// Longest place or sentence that is kept, in characters: names in hostile files run to megabytes.
const LONGEST: usize = 300;

impl Notes {
    /// No notes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sentence that is good to know.
    pub fn info(&mut self, place: &str, text: impl Into<String>) {
        self.add(Level::Info, place, text.into());
    }

    /// Adds a sentence about something incomplete or assumed.
    pub fn warn(&mut self, place: &str, text: impl Into<String>) {
        self.add(Level::Warning, place, text.into());
    }

    fn add(&mut self, level: Level, place: &str, text: String) {
        let note = Note { level, place: clip(place), text: clip(&text) };
        if self.items.contains(&note) {
            return;
        }
        let repeats = self.items.iter().filter(|kept| kept.text == note.text).count();
        if repeats >= MOST_REPEATS || self.items.len() >= MOST_NOTES {
            self.left_out += 1;
        } else {
            self.items.push(note);
        }
    }

    /// Adds another result's notes behind these.
    pub fn extend(&mut self, other: &Notes) {
        for note in &other.items {
            self.add(note.level, &note.place, note.text.clone());
        }
        self.left_out += other.left_out;
    }

    /// The notes kept, in the order in which they arose.
    pub fn iter(&self) -> impl Iterator<Item = &Note> {
        self.items.iter()
    }

    /// How many further notes of the same kinds were dropped.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// The text, cut at a character boundary when it is too long to show.
pub fn clip(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sentence_is_kept_a_few_times_and_counted() {
        let mut notes = Notes::new();
        for node in 0..1000 {
            notes.warn(&format!("node {node}"), "no formula");
        }
        assert_eq!(notes.iter().count(), MOST_REPEATS);
        assert_eq!(notes.left_out(), 1000 - MOST_REPEATS);
    }

    #[test]
    fn long_names_are_cut_at_a_character_boundary() {
        let clipped = clip(&"é".repeat(10_000));
        assert_eq!(clipped.chars().count(), LONGEST + 1);
    }
}
