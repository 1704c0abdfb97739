//! The units everything is said in: a type for each, so that no naked `f64` crosses a room's wall.
//!
//! Here are the types, their arithmetic and the conversions between them.
//! How a number is printed belongs to [`crate::format`].

use serde::{Deserialize, Serialize};

/// What every unit here has in common: one finite amount behind a name.
pub trait Quantity: Copy + PartialOrd {
    /// The unit's symbol as printed, for example `kWh`.
    const SYMBOL: &'static str;
    /// The amount in this unit.
    fn amount(self) -> f64;
    /// The quantity of this amount.
    fn of(amount: f64) -> Self;
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl Quantity for $name {
            const SYMBOL: &'static str = $symbol;
            fn amount(self) -> f64 {
                self.0
            }
            fn of(amount: f64) -> Self {
                Self(amount)
            }
        }
        impl std::ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl std::ops::Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl std::ops::Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }
        impl std::ops::Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self {
                Self(self.0 / divisor)
            }
        }
        impl std::ops::Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                Self(items.map(|item| item.0).sum())
            }
        }
    };
}

unit!(
    /// Floating-point operations, a count: 2 × MACs for convolutions and matrix products.
    Flops,
    "FLOPs"
);
unit!(
    /// Floating-point operations per second, a rate.
    FlopsPerSecond,
    "FLOP/s"
);
unit!(
    /// An amount of memory or traffic in bytes (8 bits); not rounded to whole bytes because 4-bit weights share them.
    Bytes,
    "B"
);
unit!(
    /// Bytes per second.
    BytesPerSecond,
    "B/s"
);
unit!(
    /// A duration in seconds.
    Seconds,
    "s"
);
unit!(
    /// Power in watts.
    Watts,
    "W"
);
unit!(
    /// Energy in joules.
    Joules,
    "J"
);
unit!(
    /// Energy in kilowatt-hours; 1 kWh is 3.6 MJ.
    KilowattHours,
    "kWh"
);
unit!(
    /// A duration in hours, for spans that people plan with.
    Hours,
    "h"
);
unit!(
    /// Energy in watt-hours, for what one request needs.
    WattHours,
    "Wh"
);
unit!(
    /// Greenhouse-gas emissions in kilograms of CO₂ equivalent.
    KilogramsCo2e,
    "kgCO₂e"
);
unit!(
    /// Carbon intensity of electricity in grams of CO₂ equivalent per kilowatt-hour.
    GramsPerKilowattHour,
    "gCO₂e/kWh"
);
unit!(
    /// Volume of water in litres.
    Litres,
    "L"
);
unit!(
    /// Litres of water per kilowatt-hour, the unit of WUE.
    LitresPerKilowattHour,
    "L/kWh"
);
unit!(
    /// Money in US dollars.
    Dollars,
    "USD"
);

/// Seconds in an hour.
pub const SECONDS_PER_HOUR: f64 = 3600.0;
/// Joules in a kilowatt-hour.
pub const JOULES_PER_KILOWATT_HOUR: f64 = 3.6e6;
/// Watt-hours in a kilowatt-hour.
pub const WATT_HOURS_PER_KILOWATT_HOUR: f64 = 1000.0;
/// Hours in a day.
pub const HOURS_PER_DAY: f64 = 24.0;
/// Days in a year of the Gregorian calendar, on average.
pub const DAYS_PER_YEAR: f64 = 365.2425;
/// Grams in a kilogram.
pub const GRAMS_PER_KILOGRAM: f64 = 1000.0;

impl Seconds {
    /// The duration of this many hours.
    pub fn from_hours(hours: f64) -> Self {
        Self(hours * SECONDS_PER_HOUR)
    }
    /// This duration in hours.
    pub fn hours(self) -> f64 {
        self.0 / SECONDS_PER_HOUR
    }
}

impl Joules {
    /// This energy in kilowatt-hours.
    pub fn kilowatt_hours(self) -> KilowattHours {
        KilowattHours(self.0 / JOULES_PER_KILOWATT_HOUR)
    }
}

impl KilowattHours {
    /// This energy in joules.
    pub fn joules(self) -> Joules {
        Joules(self.0 * JOULES_PER_KILOWATT_HOUR)
    }
    /// Emissions of this energy at a carbon intensity.
    pub fn at(self, intensity: GramsPerKilowattHour) -> KilogramsCo2e {
        KilogramsCo2e(self.0 * intensity.0 / GRAMS_PER_KILOGRAM)
    }
}

impl Watts {
    /// The energy drawn at this power for a time.
    pub fn for_time(self, time: Seconds) -> Joules {
        Joules(self.0 * time.0)
    }
}

impl Flops {
    /// The time these operations take at a rate.
    pub fn at(self, rate: FlopsPerSecond) -> Seconds {
        Seconds(self.0 / rate.0)
    }
}

impl Bytes {
    /// The time these bytes take at a bandwidth.
    pub fn at(self, bandwidth: BytesPerSecond) -> Seconds {
        Seconds(self.0 / bandwidth.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilowatt_for_an_hour_is_a_kilowatt_hour() {
        let energy = Watts(1000.0).for_time(Seconds::from_hours(1.0));
        assert_eq!(energy.kilowatt_hours(), KilowattHours(1.0));
        assert_eq!(energy.kilowatt_hours().joules(), energy);
    }

    #[test]
    fn emissions_are_in_kilograms() {
        assert_eq!(KilowattHours(1000.0).at(GramsPerKilowattHour(57.0)), KilogramsCo2e(57.0));
    }

    #[test]
    fn a_peak_gives_the_time() {
        assert_eq!(Flops(989e12).at(FlopsPerSecond(989e12)), Seconds(1.0));
    }
}
