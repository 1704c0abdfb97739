//! Electricity grids and their carbon intensity: every country, and the parts of large countries.
//!
//! A grid can have several figures, one for each year and basis; the default is the newest lifecycle figure, or the newest direct one where no lifecycle figure exists.
//! All figures are location-based: what the grid emits on average, not what a contract promises.
//! Which grid a data centre hangs on belongs to [`super::sites`].

use crate::range::{Range, Ratio};
use crate::sources::Evidence;
use crate::tables::{Row, Table, TableError, built_in};
use crate::units::GramsPerKilowattHour;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What a carbon intensity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Fuel supply, building and burning: wind, solar, hydro and nuclear are not zero.
    Lifecycle,
    /// Burning at the power station only: wind, solar, hydro and nuclear are zero.
    Direct,
}

impl Basis {
    /// The basis that a row names in its column `column`.
    ///
    /// # Errors
    /// A word that is no basis.
    pub(crate) fn read(row: &Row<'_>, column: &str) -> Result<Self, TableError> {
        match row.required_text(column)? {
            "lifecycle" => Ok(Self::Lifecycle),
            "direct" => Ok(Self::Direct),
            other => Err(row.fault(column, format!("“{other}” is neither lifecycle nor direct"))),
        }
    }

    /// The basis of this name, as scenarios write it.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Lifecycle, Self::Direct].into_iter().find(|basis| basis.word() == word)
    }

    /// The word printed beside a figure.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Direct => "direct",
        }
    }
}

/// Which electricity a carbon intensity averages over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// What is generated inside the area.
    Generation,
    /// What is consumed inside the area, with imports and without exports.
    Consumption,
}

impl Flow {
    /// The word printed beside a figure.
    pub fn word(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Consumption => "consumption",
        }
    }
}

/// One published carbon intensity of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Intensity {
    /// The figure, an annual average.
    pub value: GramsPerKilowattHour,
    /// What it counts.
    pub basis: Basis,
    /// Which electricity it averages over.
    pub flow: Flow,
    /// Who published it, for which year.
    pub evidence: Evidence,
    /// What a reader should know about it; usually empty.
    pub note: String,
}

/// A grid: a country, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// The id: `fr`, `us-srvc`, `ca-qc`.
    pub id: String,
    /// The name in English.
    pub name: String,
    /// The id of the country that it is a part of.
    pub parent: Option<String>,
    /// The country's code of two letters (ISO 3166-1), for countries only.
    pub alpha2: Option<String>,
    /// The country's code of three letters (ISO 3166-1), for countries only.
    pub alpha3: Option<String>,
    /// Other names, cities and states by which people look for it.
    pub aliases: Vec<String>,
    /// The figure to use unless the user wants another.
    pub intensity: Intensity,
    /// Figures of other years and bases, newest first.
    pub others: Vec<Intensity>,
}

impl Grid {
    /// All figures, the default first.
    pub fn intensities(&self) -> impl Iterator<Item = &Intensity> {
        std::iter::once(&self.intensity).chain(&self.others)
    }

    /// The newest figure of a basis.
    pub fn newest(&self, basis: Basis) -> Option<&Intensity> {
        self.intensities().filter(|figure| figure.basis == basis).max_by_key(|figure| figure.evidence.year)
    }

    /// The newest figure of a year, on a basis where one is asked for; else on the default figure's basis, if that year has it.
    pub fn of_year(&self, year: u16, basis: Option<Basis>) -> Option<&Intensity> {
        let of =
            |basis: Basis| self.intensities().find(move |figure| figure.evidence.year == year && figure.basis == basis);
        match basis {
            Some(basis) => of(basis),
            None => of(self.intensity.basis).or_else(|| of(Basis::Lifecycle)).or_else(|| of(Basis::Direct)),
        }
    }

    /// The grid that this one is a part of.
    pub fn country(&self) -> Option<&'static Grid> {
        self.parent.as_deref().and_then(get)
    }

    /// The default figure with its span: `relative` is how far public tables differ about the same grid (see the factor `grid-intensity-spread`),
    /// and the span never leaves out another published figure of the same basis from the three years before the default's.
    pub fn span(&self, relative: Range<Ratio>) -> Range<GramsPerKilowattHour> {
        let value = self.intensity.value;
        let newest = self.intensity.evidence.year;
        let (mut low, mut high) = (value * relative.low.0, value * relative.high.0);
        for figure in &self.others {
            if figure.basis == self.intensity.basis && figure.evidence.year + 3 >= newest {
                low = if figure.value < low { figure.value } else { low };
                high = if figure.value > high { figure.value } else { high };
            }
        }
        Range::new(low, value, high)
    }
}

/// All grids, in the file's order: the world, countries by code, then parts of countries.
pub fn all() -> &'static [Grid] {
    static ALL: OnceLock<Vec<Grid>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("grids.csv", include_str!("../../data/grids.csv"))))
}

/// The grid with this id; letter case does not matter.
pub fn get(id: &str) -> Option<&'static Grid> {
    static BY_ID: OnceLock<HashMap<&'static str, &'static Grid>> = OnceLock::new();
    BY_ID
        .get_or_init(|| all().iter().map(|grid| (grid.id.as_str(), grid)).collect())
        .get(id.to_lowercase().as_str())
        .copied()
}

/// Reads a table in the layout of `grids.csv`; rows of one grid stand together, and names and aliases come from its first row.
///
/// # Errors
/// A cell that does not hold what its column says, or the rows of a grid torn apart.
fn read(name: &str, text: &str) -> Result<Vec<Grid>, TableError> {
    let table = Table::parse(name, text)?;
    let mut grids: Vec<Grid> = Vec::new();
    for row in table.rows() {
        let id = row.required_text("id")?;
        let intensity = Intensity {
            value: GramsPerKilowattHour(row.required_number("g_per_kwh")?),
            basis: Basis::read(&row, "basis")?,
            flow: match row.required_text("flow")? {
                "generation" => Flow::Generation,
                "consumption" => Flow::Consumption,
                other => return Err(row.fault("flow", format!("“{other}” is neither generation nor consumption"))),
            },
            evidence: Evidence::read(&row, "source", "year", "certainty")?,
            note: row.text("note")?.unwrap_or_default().to_owned(),
        };
        if let Some(grid) = grids.last_mut().filter(|grid| grid.id == id) {
            grid.others.push(intensity);
            continue;
        }
        if grids.iter().any(|grid| grid.id == id) {
            return Err(row.fault("id", format!("the rows of “{id}” do not stand together")));
        }
        grids.push(Grid {
            id: id.to_owned(),
            name: row.required_text("name")?.to_owned(),
            parent: row.text("parent")?.map(str::to_owned),
            alpha2: row.text("alpha2")?.map(str::to_owned),
            alpha3: row.text("alpha3")?.map(str::to_owned),
            aliases: row.list("aliases")?.map(str::to_owned).collect(),
            intensity,
            others: Vec::new(),
        });
    }
    for grid in &mut grids {
        choose_default(grid);
    }
    Ok(grids)
}

/// Puts the newest figure of the preferred basis in front and sorts the others, newest first.
fn choose_default(grid: &mut Grid) {
    let rank = |figure: &Intensity| (figure.basis == Basis::Lifecycle, figure.evidence.year);
    for other in &mut grid.others {
        if rank(other) > rank(&grid.intensity) {
            std::mem::swap(other, &mut grid.intensity);
        }
    }
    grid.others.sort_by_key(|figure| std::cmp::Reverse(rank(figure)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Certainty;
    use std::collections::HashSet;

    const HEADER: &str = "id,name,parent,alpha2,alpha3,aliases,year,g_per_kwh,basis,flow,source,certainty,note\n";

    #[test]
    fn the_table_reads_and_ids_are_unique() {
        let grids = read("grids.csv", include_str!("../../data/grids.csv")).unwrap();
        let ids: HashSet<&str> = grids.iter().map(|grid| grid.id.as_str()).collect();
        assert_eq!(ids.len(), grids.len());
        assert_eq!(all().len(), grids.len());
    }

    #[test]
    fn every_country_and_the_parts_of_large_ones_are_there() {
        let countries = all().iter().filter(|grid| grid.alpha2.is_some()).count();
        assert!(countries >= 190, "{countries} countries");
        for (parent, least) in [("us", 26 + 50), ("ca", 13), ("au", 7), ("cn", 30), ("se", 4), ("no", 5), ("jp", 2)] {
            let parts = all().iter().filter(|grid| grid.parent.as_deref() == Some(parent)).count();
            assert!(parts >= least, "{parent} has {parts} parts");
        }
    }

    #[test]
    fn codes_belong_to_countries_and_match_ids() {
        let mut seen = HashSet::new();
        for grid in all() {
            assert_eq!(grid.alpha2.is_some(), grid.alpha3.is_some(), "{}", grid.id);
            if let (Some(alpha2), Some(alpha3)) = (&grid.alpha2, &grid.alpha3) {
                assert_eq!(alpha2.to_lowercase(), grid.id);
                assert_eq!((alpha2.len(), alpha3.len()), (2, 3), "{}", grid.id);
                assert!(seen.insert(alpha3.clone()), "{alpha3} twice");
                assert!(grid.parent.is_none(), "{}", grid.id);
            }
        }
    }

    #[test]
    fn parents_exist_and_prefix_their_parts() {
        for grid in all() {
            if let Some(parent) = &grid.parent {
                assert!(grid.country().is_some(), "{}: no grid {parent}", grid.id);
                assert!(grid.id.starts_with(&format!("{parent}-")), "{}", grid.id);
            }
        }
    }

    #[test]
    fn figures_are_plausible_and_dated() {
        for grid in all() {
            for figure in grid.intensities() {
                assert!((0.0..=1500.0).contains(&figure.value.0), "{}: {:?}", grid.id, figure.value);
                assert!((2005..=2026).contains(&figure.evidence.year), "{}", grid.id);
            }
        }
    }

    #[test]
    fn no_year_and_basis_appears_twice() {
        for grid in all() {
            let mut seen = HashSet::new();
            for figure in grid.intensities() {
                assert!(seen.insert((figure.evidence.year, figure.basis)), "{}: {}", grid.id, figure.evidence.year);
            }
        }
    }

    #[test]
    fn countries_default_to_the_lifecycle_basis() {
        for grid in all().iter().filter(|grid| grid.alpha2.is_some()) {
            assert_eq!(grid.intensity.basis, Basis::Lifecycle, "{}", grid.id);
        }
    }

    #[test]
    fn lifecycle_figures_stand_above_direct_ones_of_the_same_year() {
        // A check of mixed-up bases. Publishers count blast-furnace gas and combined heat differently (Belgium is the extreme),
        // so a single pair may cross a little; most may not.
        let mut ratios = Vec::new();
        for grid in all() {
            for lifecycle in grid.intensities().filter(|figure| figure.basis == Basis::Lifecycle) {
                for direct in grid.intensities().filter(|figure| figure.basis == Basis::Direct) {
                    if lifecycle.evidence.year == direct.evidence.year && lifecycle.flow == direct.flow {
                        let ratio = lifecycle.value / direct.value;
                        assert!(ratio > 0.7, "{}: ratio {ratio}", grid.id);
                        ratios.push(ratio);
                    }
                }
            }
        }
        assert!(ratios.len() >= 25, "{} pairs", ratios.len());
        ratios.sort_by(f64::total_cmp);
        assert!(ratios[ratios.len() / 4] > 1.0, "{ratios:?}");
    }

    #[test]
    fn few_figures_are_remembered() {
        let remembered = all()
            .iter()
            .flat_map(Grid::intensities)
            .filter(|figure| figure.evidence.certainty == Certainty::Remembered)
            .count();
        assert!(remembered <= 2, "{remembered}");
    }

    #[test]
    fn the_default_is_the_newest_of_the_preferred_basis() {
        let text = format!(
            "{HEADER}xx,X,,XX,XXX,,2021,100,direct,generation,egrid2023,R,\n\
             xx,X,,XX,XXX,,2022,150,lifecycle,generation,egrid2023,R,\n\
             xx,X,,XX,XXX,,2024,90,direct,generation,egrid2023,R,\n\
             xx,X,,XX,XXX,,2023,140,lifecycle,generation,egrid2023,R,\n"
        );
        let grids = read("t.csv", &text).unwrap();
        let years: Vec<u16> = grids[0].intensities().map(|figure| figure.evidence.year).collect();
        assert_eq!(years, [2023, 2022, 2024, 2021]);
        assert_eq!(grids[0].newest(Basis::Direct).unwrap().value, GramsPerKilowattHour(90.0));
    }

    #[test]
    fn the_span_holds_recent_figures_of_the_same_basis() {
        let text = format!(
            "{HEADER}xx,X,,,,,2024,100,direct,generation,egrid2023,R,\n\
             xx,X,,,,,2022,160,direct,generation,egrid2023,R,\n\
             xx,X,,,,,2010,400,direct,generation,egrid2023,R,\n"
        );
        let grids = read("t.csv", &text).unwrap();
        let span = grids[0].span(Range::new(Ratio(0.9), Ratio(1.0), Ratio(1.1)));
        assert_eq!(
            (span.low, span.central, span.high),
            (GramsPerKilowattHour(90.0), GramsPerKilowattHour(100.0), GramsPerKilowattHour(160.0))
        );
    }

    #[test]
    fn faults_name_line_and_column() {
        let fault = |row: &str| read("t.csv", &format!("{HEADER}{row}\n")).unwrap_err().to_string();
        assert!(
            fault("xx,X,,,,,2024,1,market,generation,egrid2023,R,")
                .contains("“market” is neither lifecycle nor direct")
        );
        assert!(fault("xx,X,,,,,2024,1,direct,generation,nowhere,R,").contains("sources.csv has no “nowhere”"));
        assert!(fault("xx,X,,,,,2024,1,direct,generation,egrid2023,X,").contains("expected R, R2, D, E or M"));
        assert!(
            fault(
                "xx,X,,,,,2024,1,direct,generation,egrid2023,R,\nyy,Y,,,,,2024,1,direct,generation,egrid2023,R,\n\
                 xx,X,,,,,2023,1,direct,generation,egrid2023,R,"
            )
            .contains("do not stand together")
        );
    }
}
