//! Market-based carbon intensity: what remains of a grid's electricity once the certified green part of it has been sold to others.
//!
//! A residual mix belongs to whoever buys no certificates; it says nothing about what the grid emits on average, which is [`super::grids`]'.
//! Where none is published, nothing is made up: the market-based figure of such a place is not known.

use super::grids::Basis;
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use crate::units::GramsPerKilowattHour;
use std::sync::OnceLock;

/// The residual mix of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualMix {
    /// The grid's id.
    pub grid: String,
    /// The figure, an annual average.
    pub value: GramsPerKilowattHour,
    /// What it counts.
    pub basis: Basis,
    /// Who published it, for which year.
    pub evidence: Evidence,
    /// What a reader should know about it; usually empty.
    pub note: String,
}

/// All residual mixes, in the file's order.
pub fn all() -> &'static [ResidualMix] {
    static ALL: OnceLock<Vec<ResidualMix>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("residual_mixes.csv", include_str!("../../data/residual_mixes.csv"))))
}

/// The residual mix of the grid with this id, or of the country that the grid is a part of.
pub fn residual(grid: &super::grids::Grid) -> Option<&'static ResidualMix> {
    let of = |id: &str| all().iter().find(|mix| mix.grid == id);
    of(&grid.id).or_else(|| of(grid.parent.as_deref()?))
}

fn read(name: &str, text: &str) -> Result<Vec<ResidualMix>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            Ok(ResidualMix {
                grid: row.required_text("grid")?.to_owned(),
                value: GramsPerKilowattHour(row.required_number("g_per_kwh")?),
                basis: Basis::read(&row, "basis")?,
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::grids;
    use std::collections::HashSet;

    #[test]
    fn every_mix_belongs_to_a_grid_and_to_one_only() {
        let mixes = read("residual_mixes.csv", include_str!("../../data/residual_mixes.csv")).unwrap();
        let mut seen = HashSet::new();
        for mix in &mixes {
            assert!(grids::get(&mix.grid).is_some(), "{}", mix.grid);
            assert!(seen.insert(&mix.grid), "{} twice", mix.grid);
            assert!((0.0..=1500.0).contains(&mix.value.0), "{}", mix.grid);
        }
        assert!(mixes.len() >= 50);
    }

    #[test]
    fn a_mix_is_compared_with_an_average_that_counts_the_same() {
        for mix in all() {
            let grid = grids::get(&mix.grid).unwrap();
            assert!(grid.newest(mix.basis).is_some(), "{} has no average on the basis of its residual mix", mix.grid);
        }
    }

    #[test]
    fn what_was_certified_and_sold_leaves_the_rest_dirtier() {
        // In the United States a small part is certified: the mix lies just above the average of the same year.
        for mix in all().iter().filter(|mix| mix.grid.starts_with("us-")) {
            let average = grids::get(&mix.grid).unwrap().newest(Basis::Direct).unwrap();
            let ratio = mix.value / average.value;
            assert!((1.0..1.25).contains(&ratio), "{}: {ratio}", mix.grid);
        }
        let (germany, denmark) = (grids::get("de").unwrap(), grids::get("dk").unwrap());
        assert!(residual(germany).unwrap().value.0 > 2.0 * germany.newest(Basis::Direct).unwrap().value.0);
        assert!(residual(denmark).unwrap().value.0 > 5.0 * denmark.newest(Basis::Direct).unwrap().value.0);
    }

    #[test]
    fn parts_take_the_country_s_and_others_have_none() {
        let part = grids::get("au-nsw").unwrap();
        assert_eq!(residual(part).unwrap().grid, "au");
        assert_eq!(residual(grids::get("us-camx").unwrap()).unwrap().grid, "us-camx");
        for id in ["world", "no", "in", "at", "us"] {
            assert!(residual(grids::get(id).unwrap()).is_none(), "{id}");
        }
    }
}
