//! Where the figures of this crate's tables come from: who published them, when, and under which licence.
//!
//! Each row of a table names a source by its id and says how sure we are of having copied it right.
//! What a figure means belongs to the table that holds it.

use crate::tables::{Row, Table, TableError, built_in};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A publication that rows of our tables rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The id that rows use.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// When it was published.
    pub year: u16,
    /// Its licence; `facts` where single figures were taken from a publication that grants none.
    pub licence: String,
    /// The credit line that the licence asks for; empty where it asks for none.
    pub credit: String,
    /// Where it is found.
    pub location: String,
}

impl Source {
    /// Its address on the web; `None` for a report that has only a number, and for choices of our own.
    pub fn link(&self) -> Option<String> {
        match self.location.strip_prefix("arXiv:") {
            Some(number) => Some(format!("https://arxiv.org/abs/{number}")),
            None => Some(self.location.clone()).filter(|location| location.starts_with("http")),
        }
    }

    /// The source in one line: publisher, title, year.
    pub fn citation(&self) -> String {
        format!("{}: {} ({})", self.publisher, self.title, self.year)
    }
}

/// How a figure came into our table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Read in the publication itself or in a data file made from it.
    Read,
    /// Read in a text that quotes the publication.
    Quoted,
    /// Computed from figures that were read; the row or its table says how.
    Derived,
    /// An independent estimate of what its owner does not publish.
    Estimated,
    /// Written from memory and not yet checked.
    Remembered,
}

impl Certainty {
    /// The certainty that a table's code stands for: `R`, `R2`, `D`, `E` or `M`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "R" => Some(Self::Read),
            "R2" => Some(Self::Quoted),
            "D" => Some(Self::Derived),
            "E" => Some(Self::Estimated),
            "M" => Some(Self::Remembered),
            _ => None,
        }
    }

    /// The certainty of a row, from its column `column`.
    ///
    /// # Errors
    /// A code that [`Certainty::from_code`] does not know.
    pub fn read(row: &Row<'_>, column: &str) -> Result<Self, TableError> {
        let code = row.required_text(column)?;
        Self::from_code(code)
            .ok_or_else(|| row.fault(column, format!("“{code}” is no certainty; expected R, R2, D, E or M")))
    }

    /// The word that stands beside a figure on the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read in the source",
            Self::Quoted => "quoted from the source",
            Self::Derived => "computed from the source",
            Self::Estimated => "an independent estimate",
            Self::Remembered => "remembered, not yet checked",
        }
    }
}

/// What stands behind one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The publication.
    pub source: &'static Source,
    /// The year that the figure describes.
    pub year: u16,
    /// How sure we are of it.
    pub certainty: Certainty,
}

impl Evidence {
    /// Reads a row's evidence from three columns.
    ///
    /// # Errors
    /// An empty cell, a source that `sources.csv` does not have, a year or certainty that is none.
    pub fn read(row: &Row<'_>, source: &str, year: &str, certainty: &str) -> Result<Self, TableError> {
        let id = row.required_text(source)?;
        Ok(Self {
            source: get(id).ok_or_else(|| row.fault(source, format!("sources.csv has no “{id}”")))?,
            year: row.year(year)?.ok_or_else(|| row.fault(year, "a year is required"))?,
            certainty: Certainty::read(row, certainty)?,
        })
    }
}

/// All sources, in the file's order: the list of credits.
pub fn all() -> &'static [Source] {
    static ALL: OnceLock<Vec<Source>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("sources.csv", include_str!("../data/sources.csv"))))
}

/// The source with this id.
pub fn get(id: &str) -> Option<&'static Source> {
    static BY_ID: OnceLock<HashMap<&'static str, &'static Source>> = OnceLock::new();
    BY_ID.get_or_init(|| all().iter().map(|source| (source.id.as_str(), source)).collect()).get(id).copied()
}

fn read(name: &str, text: &str) -> Result<Vec<Source>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            Ok(Source {
                id: row.required_text("id")?.to_owned(),
                title: row.required_text("title")?.to_owned(),
                publisher: row.required_text("publisher")?.to_owned(),
                year: row.year("year")?.ok_or_else(|| row.fault("year", "a year is required"))?,
                licence: row.required_text("licence")?.to_owned(),
                credit: row.text("credit")?.unwrap_or_default().to_owned(),
                location: row.text("where")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_reads_and_ids_are_unique() {
        let sources = read("sources.csv", include_str!("../data/sources.csv")).unwrap();
        let ids: HashSet<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        assert_eq!(ids.len(), sources.len());
        assert!(sources.iter().all(|source| (2005..=2026).contains(&source.year)));
    }

    #[test]
    fn licences_are_known_and_those_that_ask_for_credit_have_it() {
        let known = ["CC-BY-4.0", "CC-BY-SA-4.0", "OGL-UK-3.0", "MIT", "Apache-2.0", "public domain", "facts"];
        for source in all() {
            assert!(known.contains(&source.licence.as_str()), "{}: {}", source.id, source.licence);
            if !["facts", "public domain"].contains(&source.licence.as_str()) {
                assert!(!source.credit.is_empty(), "{} asks for credit", source.id);
            }
        }
    }

    #[test]
    fn tables_that_may_not_ship_are_absent() {
        for source in all() {
            let text = format!("{} {}", source.publisher, source.title).to_lowercase();
            for name in ["boavizta", "electricity maps", "electricitymap", "green software foundation"] {
                assert!(!text.contains(name), "{}", source.id);
            }
        }
    }
}
