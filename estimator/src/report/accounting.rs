//! The same energy by two ways of accounting, what the network loses on the way, and what the tonnes would cost.

use crate::range::{Range, Ratio};
use crate::units::{Dollars, KilogramsCo2e};
use serde::{Deserialize, Serialize};

/// Emissions by location and by market, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accounting {
    /// What the grid emits on average: the figure in `Estimate::co2e_kg`.
    pub location: Account,
    /// What remains of the grid's electricity for those who buy no certificates; `null` where no residual mix is published.
    pub market: Option<Account>,
    /// The average of the same grid that counts the same as the market's figure; there where the first account counts something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_beside_market: Option<Account>,
    /// A sentence about the market's figure: what it is, or that it is not known.
    pub about_the_market: String,
    /// What the network loses between the power station and the meter.
    pub losses: Losses,
}

/// Emissions by one way of accounting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `location-based` or `market-based`.
    pub method: String,
    /// What is counted: `lifecycle` or `direct`; `as set` where the reader set the figure.
    pub basis: String,
    /// The year that the figure describes; absent where the reader set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// Grams for each kilowatt-hour.
    pub g_per_kwh: f64,
    /// Emissions of the energy at the meter.
    pub co2e_kg: Range<KilogramsCo2e>,
    /// Where the figure comes from.
    pub source: String,
}

/// What the network loses. Grid figures do not contain it, and neither does `Estimate::co2e_kg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// The share of what is generated that does not reach a meter.
    pub share: Range<Ratio>,
    /// The emissions of generating what is lost; not part of any other figure.
    pub co2e_kg: Range<KilogramsCo2e>,
    /// Where the share comes from.
    pub source: String,
}

/// What the emissions would cost at a published price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OffsetCost {
    /// The id of the price.
    pub id: String,
    /// What it is the price of.
    pub name: String,
    /// `credit`, `allowance`, or `damage` that nobody pays.
    pub kind: String,
    /// What the emissions cost.
    pub cost_usd: Range<Dollars>,
    /// The price of a tonne.
    pub usd_per_tonne: Range<Dollars>,
    /// The year of the price.
    pub year: u16,
    /// Where it comes from, and what its ends are.
    pub source: String,
}
