//! Numbers as people read them: the one formatter of the page and of the command line.
//!
//! Three significant digits and a unit that keeps the number between 1 and 1000.
//! Exact values are printed by [`exact`]; what a number means is not known here.

use crate::range::Range;
use crate::units::{
    Bytes, Dollars, Flops, FlopsPerSecond, Hours, Joules, KilogramsCo2e, KilowattHours, Litres, Quantity, Seconds,
    WattHours, Watts,
};

/// A number with three significant digits and no exponent where that is readable: `0.0123`, `4.56`, `789`, `12,300`.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let magnitude = libm::log10(value.abs()).floor();
    if !(-5.0..9.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let step = libm::pow(10.0, magnitude - 2.0);
    let rounded = (value / step).round() * step;
    // Rounding can carry into the next power of ten.
    let magnitude = libm::log10(rounded.abs()).floor();
    let decimals = (2.0 - magnitude).max(0.0) as usize;
    let text = format!("{rounded:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    grouped(text)
}

/// A number with every digit, thousands separated by commas.
pub fn exact(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    grouped(&format!("{value}"))
}

/// A whole number with thousands separated by commas.
pub fn whole(value: u64) -> String {
    grouped(&value.to_string())
}

/// Puts commas between the thousands of a plain decimal number.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (integer, fraction) =
        rest.split_once('.').map_or((rest, None), |(integer, fraction)| (integer, Some(fraction)));
    let mut out = String::from(sign);
    for (place, digit) in integer.chars().enumerate() {
        if place > 0 && (integer.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A count with a metric prefix: `25.6 M`, `4.09 G`, `311`.
pub fn count(value: f64) -> String {
    scaled(value, 1000.0, &["", "k", "M", "G", "T", "P", "E", "Z", "Y"]).trim_end().to_owned()
}

/// A number in the largest of these units, each `step` times the one before, in which it is at least 1.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut scaled = value;
    let mut chosen = units.first().copied().unwrap_or_default();
    for unit in units.iter().skip(1) {
        // 999.6 would be printed as 1000 of the smaller unit.
        if scaled.abs() < step * 0.9995 {
            break;
        }
        scaled /= step;
        chosen = unit;
    }
    format!("{} {chosen}", number(scaled))
}

/// A quantity that has a way of its own to be read.
pub trait Readable: Quantity {
    /// The number and its unit, for example `1.23 MWh`.
    fn readable(self) -> String;
}

impl Readable for Flops {
    fn readable(self) -> String {
        scaled(
            self.0,
            1000.0,
            &["FLOPs", "kFLOPs", "MFLOPs", "GFLOPs", "TFLOPs", "PFLOPs", "EFLOPs", "ZFLOPs", "YFLOPs"],
        )
    }
}

impl Readable for FlopsPerSecond {
    fn readable(self) -> String {
        scaled(self.0, 1000.0, &["FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s", "EFLOP/s"])
    }
}

impl Readable for Bytes {
    fn readable(self) -> String {
        scaled(self.0, 1000.0, &["B", "kB", "MB", "GB", "TB", "PB"])
    }
}

impl Readable for KilowattHours {
    fn readable(self) -> String {
        if self.0.abs() < 0.9995 {
            WattHours(self.0 * crate::units::WATT_HOURS_PER_KILOWATT_HOUR).readable()
        } else {
            scaled(self.0, 1000.0, &["kWh", "MWh", "GWh", "TWh"])
        }
    }
}

impl Readable for WattHours {
    fn readable(self) -> String {
        if self.0 != 0.0 && self.0.abs() < 0.9995 {
            // Nobody has a feeling for less than a milliwatt-hour.
            scaled(self.0 * 1e3, 1000.0, &["mWh", "Wh"])
        } else {
            scaled(self.0, 1000.0, &["Wh", "kWh", "MWh", "GWh", "TWh"])
        }
    }
}

impl Readable for Joules {
    fn readable(self) -> String {
        if self.0 != 0.0 && self.0.abs() < 0.9995 {
            scaled(self.0 * 1e6, 1000.0, &["µJ", "mJ", "J"])
        } else {
            scaled(self.0, 1000.0, &["J", "kJ", "MJ", "GJ", "TJ"])
        }
    }
}

impl Readable for Watts {
    fn readable(self) -> String {
        scaled(self.0, 1000.0, &["W", "kW", "MW", "GW"])
    }
}

impl Readable for KilogramsCo2e {
    fn readable(self) -> String {
        if self.0 == 0.0 {
            "0 kg".to_owned()
        } else if self.0.abs() < 0.9995 {
            scaled(self.0 * 1e6, 1000.0, &["mg", "g", "kg"])
        } else {
            scaled(self.0, 1000.0, &["kg", "t", "kt", "Mt"])
        }
    }
}

impl Readable for Litres {
    fn readable(self) -> String {
        if self.0 != 0.0 && self.0.abs() < 0.9995 {
            scaled(self.0 * 1000.0, 1000.0, &["mL", "L"])
        } else {
            scaled(self.0, 1000.0, &["L", "m³", "thousand m³", "million m³"])
        }
    }
}

/// A cent, in dollars.
const CENT: f64 = 0.01;
/// Most decimal places of an amount of money; less than that is nothing.
const MOST_PLACES: f64 = 12.0;

impl Readable for Dollars {
    fn readable(self) -> String {
        let amount = self.0.abs();
        // Money has no exponents: a part of a cent is written out, as far as three digits go.
        let shown = if amount > 0.0 && amount < CENT {
            let places = (2.0 - libm::log10(amount).floor()).min(MOST_PLACES) as usize;
            let text = format!("{amount:.places$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            number(amount)
        };
        format!("{}${shown}", if self.0 < 0.0 { "-" } else { "" })
    }
}

impl Readable for Seconds {
    fn readable(self) -> String {
        if self.0 != 0.0 && self.0.abs() < 0.9995 {
            scaled(self.0 * 1e6, 1000.0, &["µs", "ms", "s"])
        } else if self.0 < 60.0 {
            format!("{} s", number(self.0))
        } else {
            Hours(self.hours()).readable()
        }
    }
}

impl Readable for Hours {
    fn readable(self) -> String {
        let seconds = Seconds::from_hours(self.0);
        if self.0 >= 2.0 * crate::units::HOURS_PER_DAY * crate::units::DAYS_PER_YEAR {
            format!("{} years", number(self.0 / crate::units::HOURS_PER_DAY / crate::units::DAYS_PER_YEAR))
        } else if self.0 >= 2.0 * crate::units::HOURS_PER_DAY {
            format!("{} days", number(self.0 / crate::units::HOURS_PER_DAY))
        } else if self.0 >= 2.0 {
            format!("{} hours", number(self.0))
        } else if seconds.0 >= 60.0 {
            format!("{} min", number(seconds.0 / 60.0))
        } else {
            seconds.readable()
        }
    }
}

impl Hours {
    /// Hours summed over devices, as people read them: a number of hours, or a shorter time in its own unit.
    pub fn device_hours(self) -> String {
        if self.0 == 0.0 || self.0 >= 1.0 { format!("{} h", number(self.0)) } else { self.readable() }
    }
}

/// A range as people read it: `1.23 MWh (0.9 MWh to 1.7 MWh)`, or the figure alone where there is no span.
pub fn range<T: Readable>(range: Range<T>) -> String {
    if range.low == range.high {
        return range.central.readable();
    }
    format!("{} ({} to {})", range.central.readable(), range.low.readable(), range.high.readable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (25.557, "25.6"),
            (0.001234, "0.00123"),
            (999.6, "1,000"),
            (1234.0, "1,230"),
            (1_280_000.0, "1,280,000"),
            (9.999, "10"),
            (1.5, "1.5"),
            (-42.0, "-42"),
            (3.14e23, "3.14e23"),
            (2e-9, "2.00e-9"),
            (f64::NAN, "unknown"),
            (f64::INFINITY, "unknown"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn counts_have_prefixes() {
        assert_eq!(count(25_557_032.0), "25.6 M");
        assert_eq!(count(4_089_184_256.0), "4.09 G");
        assert_eq!(count(999_960.0), "1 M");
        assert_eq!(count(311.0), "311");
        assert_eq!(whole(25_557_032), "25,557,032");
        assert_eq!(exact(1234.5), "1,234.5");
    }

    #[test]
    fn quantities_choose_their_unit() {
        assert_eq!(KilowattHours(433_196.0).readable(), "433 MWh");
        assert_eq!(KilowattHours(0.0123).readable(), "12.3 Wh");
        assert_eq!(WattHours(0.00034).readable(), "0.34 mWh");
        assert_eq!(KilogramsCo2e(24_690.0).readable(), "24.7 t");
        assert_eq!(KilogramsCo2e(0.025).readable(), "25 g");
        assert_eq!(Hours(0.5).readable(), "30 min");
        assert_eq!(Hours(36.0).readable(), "36 hours");
        assert_eq!(Hours(60.0).readable(), "2.5 days");
        assert_eq!((Hours(84_700.0).device_hours(), Hours(0.5).device_hours()), ("84,700 h".into(), "30 min".into()));
        assert_eq!(Hours(100.0 * 24.0).readable(), "100 days");
        assert_eq!(Hours(10.0 * 8765.82).readable(), "10 years");
        assert_eq!(Seconds(0.0123).readable(), "12.3 ms");
        assert_eq!(Bytes(8e10).readable(), "80 GB");
        assert_eq!(Dollars(-3.0).readable(), "-$3");
        assert_eq!(Dollars(0.0000099).readable(), "$0.0000099");
        assert_eq!(Dollars(0.0012345).readable(), "$0.00123");
        assert_eq!((Dollars(0.0).readable(), Dollars(1e-30).readable()), ("$0".into(), "$0".into()));
        assert_eq!(Joules(0.0).readable(), "0 J");
    }

    #[test]
    fn a_range_without_a_span_is_one_figure() {
        assert_eq!(range(Range::exact(Joules(5.0))), "5 J");
        assert_eq!(range(Range::new(Joules(1.0), Joules(2.0), Joules(3000.0))), "2 J (1 J to 3 kJ)");
    }
}
