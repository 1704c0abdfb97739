//! What the estimates rest on: the text of METHODOLOGY.md, the constants with their sources, and the tables.

use estimator::carbon::factors::{self, Factor};
use estimator::carbon::{grids, published, sites};
use estimator::hardware;
use estimator::sources;
use estimator::tables::Table;

mod built {
    include!(concat!(env!("OUT_DIR"), "/methods.rs"));
}

/// The version of the tables.
pub use estimator::DATA_VERSION;

/// A part of the methods in words and formulas: its title and what stands under it, as HTML of our own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// The title; empty for what stands before the first.
    pub title: &'static str,
    /// What stands under it.
    pub html: &'static str,
}

/// All parts, in the order of the text.
pub fn sections() -> impl Iterator<Item = Section> {
    built::SECTIONS.iter().map(|(title, html)| Section { title, html })
}

/// A constant that was fitted to measured rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Its id: `time.class.a100-class`.
    pub id: String,
    /// The value.
    pub value: f64,
    /// Its standard error.
    pub error: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// What it is.
    pub note: String,
}

/// The tables that fits have written, with their rows. A row that lacks a value is left out.
pub fn fitted() -> Vec<(&'static str, Vec<Fitted>)> {
    let one = |(name, text): &(&'static str, &'static str)| {
        let table = Table::parse(name, text).ok()?;
        let rows = table.rows().filter_map(|row| {
            let word = |column: &str| row.text(column).ok().flatten().unwrap_or_default().to_owned();
            Some(Fitted {
                id: word("id"),
                value: row.number("value").ok()??,
                error: row.number("standard_error").ok().flatten(),
                unit: word("unit"),
                note: word("note"),
            })
        });
        Some((*name, rows.collect::<Vec<Fitted>>()))
    };
    // What the fits missed is a table beside them, and no constant: the validation page shows it.
    built::CALIBRATIONS.iter().filter_map(one).filter(|(_, rows)| !rows.is_empty()).collect()
}

/// Every constant that belongs to no device, grid or site.
pub fn constants() -> &'static [Factor] {
    factors::all()
}

/// The tables whose rows are too many to be listed here: their files, and how many rows they have.
pub fn tables() -> [(&'static str, usize); 5] {
    [
        ("hardware.csv", hardware::devices().len()),
        ("grids.csv", grids::all().len()),
        ("sites.csv", sites::all().len()),
        ("published_runs.csv", published::all().len()),
        ("sources.csv", sources::all().len()),
    ]
}

/// Whether a text has all of these words.
pub fn has_words(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The words of a piece of HTML.
pub fn words_of(html: &str) -> String {
    let mut inside = false;
    html.chars()
        .filter(|letter| {
            let shown = !inside && *letter != '<';
            inside = *letter == '<' || (inside && *letter != '>');
            shown && *letter != '>'
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methodology_comes_in_parts_with_its_formulas_and_tables() {
        let all: Vec<Section> = sections().collect();
        let training = all.iter().find(|section| section.title == "Training").unwrap();
        assert!(training.html.contains("<pre tabindex=\"0\">") && training.html.contains("hours"), "{}", training.html);
        assert!(all.iter().any(|section| section.html.contains("<th scope=\"col\">")));
        assert!(all.iter().all(|section| !section.html.contains("<h1") && !section.html.contains("<h2")));
        assert!(all.first().is_some_and(|section| section.title.is_empty()));
    }

    #[test]
    fn words_are_found_in_text_and_not_in_markup() {
        assert_eq!(words_of("<p class=\"x\">a <b>bold</b> word</p>"), "a bold word");
        assert!(has_words("Power usage effectiveness", "USAGE power"));
        assert!(!has_words("Power usage effectiveness", "power water"));
        assert!(has_words("anything", " "));
    }

    #[test]
    fn fitted_constants_are_read() {
        let names: Vec<&str> = fitted().iter().map(|(name, _)| *name).collect();
        for name in ["calibration.csv", "calibration_diffusion.csv", "calibration_training.csv"] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        for (name, rows) in fitted() {
            assert!(rows.iter().all(|row| !row.id.is_empty()), "{name}");
        }
    }
}
