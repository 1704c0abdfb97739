//! What a kilowatt-hour of each kind of power station emits over its life: what makes an intensity out of generation by type.
//!
//! Medians and ends of published assessments; a single station can lie anywhere between.
//! Names are those of ENTSO-E's production types.

use crate::range::Range;
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use crate::units::GramsPerKilowattHour;
use std::sync::OnceLock;

/// A kind of power station.
#[derive(Debug, Clone, PartialEq)]
pub struct Technology {
    /// The id: `hard-coal`.
    pub id: String,
    /// The name that people read.
    pub label: String,
    /// Names in files, in small letters.
    pub names: Vec<String>,
    /// Lifecycle emissions.
    pub lifecycle: Range<GramsPerKilowattHour>,
    /// Who published it, for which year.
    pub evidence: Evidence,
    /// What to beware of; usually empty.
    pub note: String,
}

/// All kinds, in the file's order.
pub fn all() -> &'static [Technology] {
    static ALL: OnceLock<Vec<Technology>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("generation.csv", include_str!("../../data/generation.csv"))))
}

/// The kind that a file calls by this name; letter case and double blanks do not matter.
pub fn by_name(name: &str) -> Option<&'static Technology> {
    let plain = name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    all().iter().find(|kind| kind.names.contains(&plain))
}

fn read(name: &str, text: &str) -> Result<Vec<Technology>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let [low, central, high] = ["low", "central", "high"].map(|column| row.required_number(column));
            let (low, central, high) = (low?, central?, high?);
            if !(0.0 <= low && low <= central && central <= high) {
                return Err(row.fault("central", format!("{low}, {central}, {high} do not ascend")));
            }
            Ok(Technology {
                id: row.required_text("id")?.to_owned(),
                label: row.required_text("label")?.to_owned(),
                names: row.list("names")?.map(str::to_lowercase).collect(),
                lifecycle: Range::new(
                    GramsPerKilowattHour(low),
                    GramsPerKilowattHour(central),
                    GramsPerKilowattHour(high),
                ),
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_found_whatever_their_case_and_belong_to_one_kind() {
        read("generation.csv", include_str!("../../data/generation.csv")).unwrap();
        assert_eq!(by_name("Fossil  Brown coal/Lignite").unwrap().id, "lignite");
        assert_eq!(by_name("Hydro Run-of-river and poundage").unwrap().id, "hydro");
        assert!(by_name("Other").is_none() && by_name("Waste").is_none());
        let mut seen = HashSet::new();
        for name in all().iter().flat_map(|kind| &kind.names) {
            assert!(seen.insert(name), "{name} twice");
        }
    }

    #[test]
    fn burning_stands_above_the_rest() {
        let of = |name: &str| by_name(name).unwrap().lifecycle.central.0;
        assert!(of("coal") > of("gas") && of("gas") > of("biomass") && of("biomass") > of("solar"));
        assert!(of("solar") > of("wind onshore"));
    }
}
