//! From energy to emissions: how clean the electricity is, how much a site adds, and what the result feels like.
//!
//! Here are the tables of grids, residual mixes, sites, equivalents, general factors, prices of carbon and published runs, the search for places,
//! the emissions of a known energy, and when and where a job would emit least.
//! How much energy a workload needs belongs to `energy`; devices belong to `hardware`.

pub mod equivalents;
pub mod factors;
pub mod generation;
pub mod grids;
pub mod market;
pub mod offsets;
pub mod places;
pub mod published;
pub mod schedule;
pub mod series;
pub mod sites;

use crate::range::Ratio;
use crate::units::{GramsPerKilowattHour, KilogramsCo2e, KilowattHours};

/// Energy at a site's meter: the energy of the computing equipment times the site's power usage effectiveness.
pub fn at_the_meter(equipment: KilowattHours, pue: Ratio) -> KilowattHours {
    equipment * pue.0
}

/// Emissions of an energy at the meter, by location: energy × carbon intensity of the grid.
pub fn emissions(metered: KilowattHours, intensity: GramsPerKilowattHour) -> KilogramsCo2e {
    metered.at(intensity)
}
