//! General factors: every constant of the energy and carbon models that belongs to no device, grid or site.
//!
//! One row each in `factors.csv`, with a span, a source and a year; no such constant is written in code.
//! What a factor is used for belongs to the room that asks for it.

use crate::range::{Range, Ratio};
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use std::collections::HashMap;
use std::sync::OnceLock;

/// One factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The id: `default-pue`.
    pub id: String,
    /// What it is, in words that stand beside a slider.
    pub label: String,
    /// Its unit: `ratio` and `share` have none.
    pub unit: String,
    /// The figure in that unit with its span. About 80 % of comparable cases lie inside where the note names percentiles;
    /// elsewhere the ends are other published figures, which the note names.
    pub value: Range<Ratio>,
    /// Who published it, for which year.
    pub evidence: Evidence,
    /// Where the ends come from, and what to beware of.
    pub note: String,
}

/// All factors, in the file's order.
pub fn all() -> &'static [Factor] {
    static ALL: OnceLock<Vec<Factor>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("factors.csv", include_str!("../../data/factors.csv"))))
}

/// The factor with this id.
pub fn get(id: &str) -> Option<&'static Factor> {
    static BY_ID: OnceLock<HashMap<&'static str, &'static Factor>> = OnceLock::new();
    BY_ID.get_or_init(|| all().iter().map(|factor| (factor.id.as_str(), factor)).collect()).get(id).copied()
}

fn read(name: &str, text: &str) -> Result<Vec<Factor>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let [low, central, high] = ["low", "central", "high"].map(|column| row.required_number(column));
            let (low, central, high) = (low?, central?, high?);
            if !(low <= central && central <= high) {
                return Err(row.fault("central", format!("{low}, {central}, {high} do not ascend")));
            }
            Ok(Factor {
                id: row.required_text("id")?.to_owned(),
                label: row.required_text("label")?.to_owned(),
                unit: row.required_text("unit")?.to_owned(),
                value: Range::new(Ratio(low), Ratio(central), Ratio(high)),
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::grids::{self, Basis};
    use crate::sources::Certainty;
    use std::collections::HashSet;

    /// The value at a share of the way through the sorted values, between two of them by straight line.
    fn percentile(values: &mut [f64], share: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        let place = (values.len() - 1) as f64 * share;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        below + (above - below) * place.fract()
    }

    fn assert_percentiles(id: &str, mut values: Vec<f64>, tolerance: f64) {
        let value = get(id).unwrap_or_else(|| panic!("no factor {id}")).value;
        for (share, stated) in [(0.1, value.low), (0.5, value.central), (0.9, value.high)] {
            let found = percentile(&mut values, share);
            assert!((found - stated.0).abs() <= tolerance, "{id}: {found} at {share}, stated {}", stated.0);
        }
    }

    #[test]
    fn the_table_reads_and_ids_are_unique() {
        let factors = read("factors.csv", include_str!("../../data/factors.csv")).unwrap();
        let ids: HashSet<&str> = factors.iter().map(|factor| factor.id.as_str()).collect();
        assert_eq!(ids.len(), factors.len());
    }

    #[test]
    fn units_and_years_are_known() {
        let units = [
            "ratio", "share", "L/kWh", "g/kWh", "USD/kWh", "TFLOP/s", "1/GB", "USD/h", "years", "kg", "W", "W/GB", "s",
            "J", "B", "GB", "GB/s", "Wh", "count",
        ];
        for factor in all() {
            assert!(units.contains(&factor.unit.as_str()), "{}: {}", factor.id, factor.unit);
            assert!((2005..=2026).contains(&factor.evidence.year), "{}", factor.id);
            if factor.unit == "share" {
                assert!((0.0..=1.0).contains(&factor.value.low.0) && factor.value.high.0 <= 1.0, "{}", factor.id);
            }
            if factor.id.ends_with("pue") {
                assert!((1.0..=3.0).contains(&factor.value.low.0) && factor.value.high.0 <= 3.0, "{}", factor.id);
            }
        }
    }

    #[test]
    fn a_factor_that_is_a_span_says_where_its_ends_come_from() {
        for factor in all().iter().filter(|factor| factor.value.low != factor.value.high) {
            assert!(!factor.note.is_empty(), "{}", factor.id);
        }
    }

    #[test]
    fn rows_that_do_not_ascend_are_refused() {
        let header = include_str!("../../data/factors.csv").lines().next().unwrap();
        let fault = read("t.csv", &format!("{header}\na,A,ratio,2,1,3,2020,greenprint,D,\n")).unwrap_err().to_string();
        assert!(fault.contains("do not ascend"), "{fault}");
    }

    #[test]
    fn what_the_lifecycle_basis_adds_is_recomputed_from_the_grids() {
        let mut differences = Vec::new();
        for grid in grids::all().iter().filter(|grid| grid.alpha2.is_some()) {
            let direct = grid.intensities().find(|figure| figure.evidence.source.id == "eea-2024");
            let lifecycle = &grid.intensity;
            if let Some(direct) = direct {
                assert_eq!((lifecycle.basis, lifecycle.evidence.year), (Basis::Lifecycle, direct.evidence.year));
                differences.push(lifecycle.value.0 - direct.value.0);
            }
        }
        assert_eq!(differences.len(), 27, "the members of the European Union");
        assert_percentiles("lifecycle-minus-direct", differences, 0.1);
    }

    #[test]
    fn derived_factors_name_the_project_or_the_measurements_they_come_from() {
        for factor in all().iter().filter(|factor| factor.evidence.certainty == Certainty::Derived) {
            assert!(!factor.note.is_empty(), "{}", factor.id);
        }
    }
}
