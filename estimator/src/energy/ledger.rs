//! From hours to everything that is charged for them: energy by part, emissions, water, money, and the share of making the machines.

use super::arithmetic::{draw, from_hours};
use super::assumptions::{Key, Values};
use super::figures::{Figure, Figures};
use crate::range::Ratio;
use crate::units::{DAYS_PER_YEAR, GramsPerKilowattHour, HOURS_PER_DAY, Hours, Watts};

/// Fills the figures of energy and what follows from it.
///
/// `figures` holds the hours; `working` and `waiting` are the watts of a device in its working and its idle hours.
/// A dedicated machine is charged for its whole life by the calendar, a shared one by the hours in which machines work.
pub(crate) fn settle(figures: &mut Figures, values: Values<'_>, working: f64, waiting: f64, dedicated: bool) {
    let hours = Hours(figures.get(Figure::WorkingHours));
    let idle_hours = Hours(figures.get(Figure::IdleHours));
    let host = values.get(Key::HostWatts);
    let network = values.get(Key::NetworkShare);
    let accelerators = draw(hours, Watts(working));
    let around = draw(hours, Watts(host));
    // The host waits at its working draw: fans, memory and power supplies do not rest with the chip.
    let idle = draw(idle_hours, Watts((waiting + host) * (1.0 + network)));
    let switches = (accelerators + around) * network;

    let (pue, intensity) = (Ratio(values.get(Key::Pue)), GramsPerKilowattHour(values.get(Key::Intensity)));
    // The same function that replays published cards, for the working and for the waiting hours.
    let work = from_hours(hours, Watts((working + host) * (1.0 + network)), pue, intensity);
    let wait = from_hours(idle_hours, Watts((waiting + host) * (1.0 + network)), pue, intensity);
    let (equipment, metered) = (work.equipment + wait.equipment, work.metered + wait.metered);

    figures.put(Figure::Accelerators, accelerators.0);
    figures.put(Figure::Host, around.0);
    figures.put(Figure::Network, switches.0);
    figures.put(Figure::Idle, idle.0);
    figures.put(Figure::PueOverhead, (metered - equipment).0);
    figures.put(Figure::Energy, metered.0);
    let use_phase = (work.co2e + wait.co2e).0;
    figures.put(Figure::Co2e, use_phase);

    let occupied = hours.0 + idle_hours.0;
    let used = if dedicated { 1.0 } else { values.get(Key::LifetimeUse) };
    let life = values.get(Key::LifetimeYears) * DAYS_PER_YEAR * HOURS_PER_DAY * used;
    let making = values.get(Key::EmbodiedAccelerator) + values.get(Key::EmbodiedHost);
    let embodied = if life > 0.0 { occupied / life * making } else { 0.0 };
    figures.put(Figure::Embodied, embodied);
    figures.put(Figure::TotalCo2e, use_phase + embodied);

    // WUE counts litres for each kWh of the equipment; power stations use water for each kWh at the meter.
    figures.put(Figure::Water, equipment.0 * values.get(Key::Wue) + metered.0 * values.get(Key::GridWater));
    figures.put(Figure::Electricity, metered.0 * values.get(Key::ElectricityPrice));
    figures.put(Figure::Rent, occupied * values.get(Key::RentPrice));
}
