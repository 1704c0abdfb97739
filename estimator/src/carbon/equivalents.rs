//! What an amount of emissions or energy feels like: kilometres by car, flights, smartphone charges, months of a tree.
//!
//! An equivalent is one everyday thing with its published cost; how many of them a result equals is computed here.
//! Which of them a page shows belongs to the page.

use crate::range::{Range, Ratio};
use crate::sources::Evidence;
use crate::tables::{Row, Table, TableError, built_in};
use crate::units::{DAYS_PER_YEAR, HOURS_PER_DAY, KilogramsCo2e, KilowattHours, Quantity};
use std::sync::OnceLock;

/// What one of a thing costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cost {
    /// In emissions; for a tree, what it takes up.
    Emissions(Range<KilogramsCo2e>),
    /// In electricity, wherever it comes from.
    Energy(Range<KilowattHours>),
}

/// What the published cost counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Making the thing and its fuel as well as using it.
    Lifecycle,
    /// Using it only.
    Direct,
    /// Carbon dioxide taken from the air.
    Uptake,
    /// Electricity.
    Energy,
}

/// A thing that goes on for a time, and so can be told in the unit of time that fits the amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lasting {
    /// The unit in which the table states its cost: `hour`, `month` or `year`.
    pub unit: &'static str,
    /// What so many of it for a year are: `grown trees for a year`.
    pub for_a_year: String,
}

/// Units of time, with their hours: the longest first.
const UNITS: [(&str, f64); 5] = [
    ("year", DAYS_PER_YEAR * HOURS_PER_DAY),
    ("month", DAYS_PER_YEAR * HOURS_PER_DAY / 12.0),
    ("day", HOURS_PER_DAY),
    ("hour", 1.0),
    ("minute", 1.0 / 60.0),
];

/// An everyday thing to compare with.
#[derive(Debug, Clone, PartialEq)]
pub struct Equivalent {
    /// The id: `car-km`.
    pub id: String,
    /// The name of one: `kilometre in a petrol car`.
    pub one: String,
    /// The name of several.
    pub many: String,
    /// The span of time with which its names begin, for a thing that goes on: a month of a grown tree.
    pub lasting: Option<Lasting>,
    /// What one costs.
    pub cost: Cost,
    /// What that cost counts.
    pub counts: Counts,
    /// Who published it, for which year.
    pub evidence: Evidence,
    /// Distance, place and choices behind the figure.
    pub note: String,
}

impl Equivalent {
    /// How many of this thing an amount equals; an equivalent in energy is compared with the energy, one in emissions with the emissions.
    ///
    /// The span is that of the amount alone: the thing is taken at its central cost, so that two results can be compared by the same measure.
    pub fn count(&self, emissions: Range<KilogramsCo2e>, energy: Range<KilowattHours>) -> Range<Ratio> {
        match self.cost {
            Cost::Emissions(cost) => emissions.map(|amount| Ratio(amount / cost.central)),
            Cost::Energy(cost) => energy.map(|amount| Ratio(amount / cost.central)),
        }
    }

    /// The name that fits a count.
    fn name(&self, count: f64) -> &str {
        if count == 1.0 { &self.one } else { &self.many }
    }

    /// A count as people would say it: its unit of time is changed so that the count is neither tiny nor huge.
    ///
    /// 0.007 years of electricity are 2.6 days of it, 41 months of a tree are 3.4 trees for a year.
    pub fn told(&self, count: Range<Ratio>) -> (Range<Ratio>, String) {
        let as_it_is = || (count, self.name(count.central.0).to_owned());
        let Some(lasting) = &self.lasting else { return as_it_is() };
        let Some((_, own)) = UNITS.iter().find(|(unit, _)| *unit == lasting.unit) else { return as_it_is() };
        let hours = count.central.0 * own;
        // Two of a unit at least, for one and a half days are easier said in hours.
        let fitting = UNITS.iter().find(|(_, each)| hours >= 2.0 * each).or(UNITS.last());
        let Some((unit, each)) = fitting else { return as_it_is() };
        let amount = count.map(|count| Ratio(count.0 * own / each));
        let name = match *unit {
            "year" => lasting.for_a_year.clone(),
            unit if unit == lasting.unit => self.many.clone(),
            unit => self.many.replacen(&format!("{}s", lasting.unit), &format!("{unit}s"), 1),
        };
        (amount, name)
    }
}

/// All equivalents, in the file's order: the better known first.
pub fn all() -> &'static [Equivalent] {
    static ALL: OnceLock<Vec<Equivalent>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("equivalents.csv", include_str!("../../data/equivalents.csv"))))
}

/// The equivalent with this id.
pub fn get(id: &str) -> Option<&'static Equivalent> {
    all().iter().find(|equivalent| equivalent.id == id)
}

fn read(name: &str, text: &str) -> Result<Vec<Equivalent>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let [low, central, high] = ["low", "central", "high"].map(|column| row.required_number(column));
            let (low, central, high) = (low?, central?, high?);
            if !(0.0 < low && low <= central && central <= high) {
                return Err(row.fault("central", format!("{low}, {central}, {high} are not positive and ascending")));
            }
            Ok(Equivalent {
                id: row.required_text("id")?.to_owned(),
                one: row.required_text("one")?.to_owned(),
                many: row.required_text("many")?.to_owned(),
                lasting: lasting(&row)?,
                cost: match row.required_text("unit")? {
                    "kg" => Cost::Emissions(span(low, central, high)),
                    "kWh" => Cost::Energy(span(low, central, high)),
                    other => return Err(row.fault("unit", format!("“{other}” is neither kg nor kWh"))),
                },
                counts: match row.required_text("basis")? {
                    "lifecycle" => Counts::Lifecycle,
                    "direct" => Counts::Direct,
                    "uptake" => Counts::Uptake,
                    "energy" => Counts::Energy,
                    other => return Err(row.fault("basis", format!("“{other}” is no basis of an equivalent"))),
                },
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

fn lasting(row: &Row<'_>) -> Result<Option<Lasting>, TableError> {
    let Some(word) = row.text("time")? else { return Ok(None) };
    let Some((unit, _)) = UNITS.iter().find(|(unit, _)| *unit == word) else {
        return Err(row.fault("time", format!("“{word}” is no unit of time")));
    };
    // The names begin with the unit, which is changed to fit the amount.
    if !row.required_text("many")?.starts_with(&format!("{unit}s ")) {
        return Err(row.fault("many", format!("it does not begin with “{unit}s”")));
    }
    Ok(Some(Lasting { unit, for_a_year: row.required_text("for_a_year")?.to_owned() }))
}

fn span<T: Quantity>(low: f64, central: f64, high: f64) -> Range<T> {
    Range::new(T::of(low), T::of(central), T::of(high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_reads_and_ids_are_unique() {
        let equivalents = read("equivalents.csv", include_str!("../../data/equivalents.csv")).unwrap();
        let ids: HashSet<&str> = equivalents.iter().map(|equivalent| equivalent.id.as_str()).collect();
        assert_eq!(ids.len(), equivalents.len());
    }

    #[test]
    fn the_promised_ones_are_there_with_a_note_and_a_year() {
        for id in ["car-km", "flight-paris-new-york", "flight-short", "smartphone-charge", "tree-month", "beef-patty"] {
            assert!(get(id).is_some(), "{id}");
        }
        for equivalent in all() {
            assert!(!equivalent.note.is_empty(), "{}", equivalent.id);
            assert!((2005..=2026).contains(&equivalent.evidence.year), "{}", equivalent.id);
        }
    }

    #[test]
    fn energy_is_counted_in_kilowatt_hours_and_nothing_else_is() {
        for equivalent in all() {
            let energy = matches!(equivalent.cost, Cost::Energy(_));
            assert_eq!(energy, equivalent.counts == Counts::Energy, "{}", equivalent.id);
        }
    }

    #[test]
    fn a_result_is_counted_in_things() {
        let emissions = Range::new(KilogramsCo2e(11.75), KilogramsCo2e(23.5), KilogramsCo2e(47.0));
        let energy = Range::exact(KilowattHours(18.0));
        let car = get("car-km").unwrap().count(emissions, energy);
        assert!((car.central.0 - 100.0).abs() < 1e-9 && (car.low.0 - 50.0).abs() < 1e-9);
        let bulb = get("led-hour").unwrap().count(emissions, energy);
        assert!((bulb.central.0 - 2000.0).abs() < 1e-9);
        assert_eq!(get("car-km").unwrap().name(1.0), "kilometre in a petrol car");
        assert_eq!(get("car-km").unwrap().name(1.5), "kilometres in a petrol car");
    }

    #[test]
    fn spans_of_time_are_told_in_the_unit_that_fits() {
        let told = |id: &str, count: f64| {
            let (amount, name) = get(id).unwrap().told(Range::new(Ratio(count / 2.0), Ratio(count), Ratio(count)));
            assert!((amount.low.0 * 2.0 / amount.central.0 - 1.0).abs() < 1e-12);
            format!("{} {name}", crate::format::number(amount.central.0))
        };
        assert_eq!(told("tree-month", 41.0), "3.42 grown trees for a year");
        assert_eq!(told("tree-month", 5.0), "5 months of a grown tree");
        assert_eq!(told("tree-month", 0.1), "3.04 days of a grown tree");
        assert_eq!(told("household-year-us", 0.007), "2.56 days of electricity in a US home");
        assert_eq!(told("household-year-eu", 700.0), "700 European homes supplied with electricity for a year");
        assert_eq!(told("led-hour", 9000.0), "12.3 months of an LED bulb");
        assert_eq!(told("person-year", 0.5), "6 months of an average person’s emissions");
        assert_eq!(told("streaming-hour", 0.01), "0.6 minutes of streamed video");
        // A thing that does not last is counted as it is.
        assert_eq!(told("car-km", 0.02), "0.02 kilometres in a petrol car");
    }

    #[test]
    fn a_tree_takes_eleven_kilograms_a_year() {
        let Cost::Emissions(month) = get("tree-month").unwrap().cost else { panic!("a tree is counted in emissions") };
        assert!((month.central.0 * 12.0 - 11.0).abs() < 0.01);
    }
}
