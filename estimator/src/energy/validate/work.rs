//! Comparing a few rows at a time, for a caller that must not be held up, such as a page.

use super::super::training_fit;
use super::{Claim, Claims, Compared, Constants, Skipped, Validation, compare};
use crate::carbon::published;
use crate::tables::{Table, TableError};
use std::collections::{BTreeMap, VecDeque};

/// The measured energies of served language models that this crate holds.
const SERVED: (&str, &str) = ("served_models.csv", include_str!("../../../data/served_models.csv"));

/// Published figures of which some still wait to be compared.
#[derive(Default)]
pub struct Work {
    waiting: VecDeque<Claim>,
    /// Where rows come from, by their ids: ids of `sources.csv`.
    sources: BTreeMap<String, String>,
    /// Constants that were fitted without a publication, by publication.
    without: Vec<(String, Constants)>,
    rows: Vec<Compared>,
    skipped: Vec<Skipped>,
}

impl Work {
    /// All rows of all tables of published figures that this crate holds: training runs and services.
    ///
    /// # Errors
    /// None in a table that passes this crate's tests.
    pub fn every_table() -> Result<Self, TableError> {
        let mut claims = Claims::default();
        let mut sources = BTreeMap::new();
        for run in published::all() {
            sources.insert(run.id.clone(), run.evidence.source.id.clone());
            claims.run(run);
        }
        let (name, text) = SERVED;
        for row in Table::parse(name, text)?.rows() {
            let before = claims.claims.len();
            claims.served(&row)?;
            let source = row.text("source")?.unwrap_or_default();
            for claim in claims.claims.iter_mut().skip(before) {
                // The constants of serving are fitted to these rows.
                claim.in_sample = true;
                sources.insert(claim.id.clone(), source.to_owned());
            }
        }
        Ok(Self { sources, ..Self::from(claims) })
    }

    /// The rows of a file, in one of the layouts of [`super::rows`].
    ///
    /// # Errors
    /// As [`super::rows`].
    pub fn of_file(name: &str, text: &str) -> Result<Self, TableError> {
        Claims::of_file(name, text).map(Self::from)
    }

    /// How many rows wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Compares so many rows of those that wait.
    pub fn advance(&mut self, most: usize) {
        for _ in 0..most {
            let Some(claim) = self.waiting.pop_front() else { return };
            // Fitted once for all rows, and only where a row asks for it.
            if claim.left_out.is_some() && self.without.is_empty() {
                self.without = training_fit::without_each();
            }
            match compare(&claim, &self.without) {
                Ok(Some(row)) => {
                    let source = self.sources.get(&row.id).cloned().unwrap_or_default();
                    self.rows.push(Compared { source, ..row });
                }
                Ok(None) => {
                    self.skipped.push(Skipped { id: claim.id, why: "the estimate has no such figure".to_owned() });
                }
                Err(fault) => self.skipped.push(Skipped { id: claim.id, why: fault.to_string() }),
            }
        }
    }

    /// What was compared.
    pub fn finish(self) -> Validation {
        Validation::of(self.rows, self.skipped)
    }
}

impl From<Claims> for Work {
    fn from(claims: Claims) -> Self {
        Self { waiting: claims.claims.into(), rows: claims.compared, skipped: claims.skipped, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_steps_or_at_once_the_result_is_the_same() {
        let all = super::super::built_in();
        let mut work = Work { waiting: Work::every_table().unwrap().waiting, ..Work::default() };
        // The runs come first; the many services are left waiting.
        let runs = all.rows.len();
        let waiting = work.waiting();
        while work.rows.len() < runs {
            work.advance(7);
        }
        let done = waiting - work.waiting();
        assert!(done >= runs && work.waiting() > 0);
        let stepped = work.finish();
        assert_eq!(
            stepped.rows.iter().take(runs).map(|row| &row.id).collect::<Vec<_>>(),
            all.rows.iter().map(|row| &row.id).collect::<Vec<_>>()
        );
        assert_eq!(stepped.rows.first().map(|row| row.central), all.rows.first().map(|row| row.central));
    }

    #[test]
    fn every_row_of_our_tables_has_a_source_that_is_listed() {
        let mut work = Work::every_table().unwrap();
        for claim in &work.waiting {
            let source = work.sources.get(&claim.id).unwrap_or_else(|| panic!("{} has no source", claim.id));
            assert!(crate::sources::get(source).is_some(), "{}: sources.csv has no {source}", claim.id);
        }
        work.advance(1);
        assert!(!work.finish().rows.first().unwrap().source.is_empty());
    }
}
