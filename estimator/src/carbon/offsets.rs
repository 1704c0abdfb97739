//! What some tonnes would cost at published prices: credits of the voluntary market, allowances, and the damage that they do.
//!
//! These are three different things in one table, and none of them undoes an emission:
//! a credit pays somebody else to emit less or to take up carbon, an allowance is a permit, and the social cost is an estimate of harm.

use crate::range::Range;
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use crate::units::{Dollars, KilogramsCo2e};
use std::sync::OnceLock;

/// Kilograms in a tonne.
const KILOGRAMS_PER_TONNE: f64 = 1000.0;

/// What the caveat beside every such price says.
pub const CAVEAT: &str = "An offset does not undo an emission: the carbon dioxide stays in the air, and whether a credit stands for a tonne that would have been emitted otherwise is often in doubt";

/// A published price of a tonne.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// The id: `voluntary`.
    pub id: String,
    /// The name that people read.
    pub label: String,
    /// What is bought: `credit`, `allowance`, or nothing at all: `damage`.
    pub kind: String,
    /// Dollars for a tonne.
    pub per_tonne: Range<Dollars>,
    /// The price as published, with its currency.
    pub published: String,
    /// Who published it, for which year.
    pub evidence: Evidence,
    /// Where the ends come from.
    pub note: String,
}

impl Price {
    /// What an amount costs at this price. The span is that of the price and of the amount together.
    pub fn of(&self, amount: Range<KilogramsCo2e>) -> Range<Dollars> {
        let at = |kilograms: KilogramsCo2e, price: Dollars| Dollars(kilograms.0 / KILOGRAMS_PER_TONNE * price.0);
        Range::new(
            at(amount.low, self.per_tonne.low),
            at(amount.central, self.per_tonne.central),
            at(amount.high, self.per_tonne.high),
        )
    }
}

/// All prices, in the file's order.
pub fn all() -> &'static [Price] {
    static ALL: OnceLock<Vec<Price>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("offset_prices.csv", include_str!("../../data/offset_prices.csv"))))
}

fn read(name: &str, text: &str) -> Result<Vec<Price>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let [low, central, high] = ["low", "central", "high"].map(|column| row.required_number(column));
            let (low, central, high) = (low?, central?, high?);
            if !(0.0 < low && low <= central && central <= high) {
                return Err(row.fault("central", format!("{low}, {central}, {high} are not positive and ascending")));
            }
            let rate = row.required_number("usd_per_unit")?;
            let currency = row.required_text("currency")?;
            Ok(Price {
                id: row.required_text("id")?.to_owned(),
                label: row.required_text("label")?.to_owned(),
                kind: match row.required_text("kind")? {
                    kind @ ("credit" | "allowance" | "damage") => kind.to_owned(),
                    other => return Err(row.fault("kind", format!("“{other}” is no kind of price"))),
                },
                per_tonne: Range::new(Dollars(low * rate), Dollars(central * rate), Dollars(high * rate)),
                published: format!("{low} to {high} {currency}"),
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tonne_costs_its_price() {
        read("offset_prices.csv", include_str!("../../data/offset_prices.csv")).unwrap();
        let tonne = Range::exact(KilogramsCo2e(1000.0));
        for price in all() {
            assert_eq!(price.of(tonne), price.per_tonne, "{}", price.id);
        }
        let social = all().iter().find(|price| price.id == "social-cost").unwrap();
        assert_eq!(social.of(Range::exact(KilogramsCo2e(500.0))).central, Dollars(105.0));
    }

    #[test]
    fn credits_cost_less_than_the_harm_they_stand_for() {
        let of = |id: &str| all().iter().find(|price| price.id == id).unwrap().per_tonne.central;
        assert!(of("voluntary") < of("eu-ets") && of("eu-ets") < of("social-cost"));
    }
}
