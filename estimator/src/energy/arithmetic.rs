//! From hours to energy and emissions: the arithmetic that every published model card follows.
//!
//! Training and serving both end here, so a card that is replayed tests the estimate itself.

use crate::carbon;
use crate::range::Ratio;
use crate::units::{
    GRAMS_PER_KILOGRAM, GramsPerKilowattHour, Hours, KilogramsCo2e, KilowattHours, WATT_HOURS_PER_KILOWATT_HOUR, Watts,
};

/// Energy and emissions of a number of device-hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FromHours {
    /// Energy of the equipment: device-hours × watts.
    pub equipment: KilowattHours,
    /// Energy at the site's meter: × PUE.
    pub metered: KilowattHours,
    /// Emissions of the metered energy: × carbon intensity.
    pub co2e: KilogramsCo2e,
}

/// Energy and emissions of `device_hours` at a mean draw of `power` for each device.
pub fn from_hours(device_hours: Hours, power: Watts, pue: Ratio, intensity: GramsPerKilowattHour) -> FromHours {
    let equipment = draw(device_hours, power);
    let metered = carbon::at_the_meter(equipment, pue);
    FromHours { equipment, metered, co2e: carbon::emissions(metered, intensity) }
}

/// The energy that devices draw in some hours.
pub fn draw(device_hours: Hours, power: Watts) -> KilowattHours {
    KilowattHours(device_hours.0 * power.0 / WATT_HOURS_PER_KILOWATT_HOUR)
}

/// The mean carbon intensity behind an energy and its emissions; `None` where the energy is zero.
pub fn implied_intensity(metered: KilowattHours, co2e: KilogramsCo2e) -> Option<GramsPerKilowattHour> {
    (metered.0 > 0.0).then(|| GramsPerKilowattHour(co2e.0 * GRAMS_PER_KILOGRAM / metered.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_replays() {
        // Llama 2's card: hours × 0.4 kW × 1.1 × 0.385 kg/kWh. It prints 62.4476 t as 62.44.
        for (hours, tonnes) in [(184_320.0, 31.22), (368_640.0, 62.44), (1_720_320.0, 291.42)] {
            let run = from_hours(Hours(hours), Watts(400.0), Ratio(1.1), GramsPerKilowattHour(385.0));
            assert!((run.co2e.0 / 1000.0 - tonnes).abs() < 0.01, "{:?}", run.co2e);
        }
    }

    #[test]
    fn intensity_comes_back() {
        let run = from_hours(Hours(10.0), Watts(500.0), Ratio(1.2), GramsPerKilowattHour(57.0));
        let intensity = implied_intensity(run.metered, run.co2e);
        assert!(intensity.is_some_and(|intensity| (intensity.0 - 57.0).abs() < 1e-9));
        assert_eq!(implied_intensity(KilowattHours(0.0), KilogramsCo2e(1.0)), None);
    }
}
