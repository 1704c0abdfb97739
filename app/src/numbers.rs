//! Numbers in fields and figures: what a person types is read here, and what the estimator's formatter prints is split into a number,
//! its unit and the exact value behind it.
//!
//! How a number is rounded and which unit it gets is [`estimator::format`]'s to say.

use estimator::format::{self, Readable};
use estimator::range::Range;
use estimator::units::Quantity;

/// A number ready to be shown: `25.6` and `M`, and what it is exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The rounded number.
    pub number: String,
    /// Its unit with prefix; may be empty.
    pub unit: String,
    /// The number to its last digit, with its unit.
    pub exact: String,
}

impl Shown {
    fn of(text: &str, exact: String) -> Self {
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        Self { number: number.to_owned(), unit: unit.to_owned(), exact }
    }

    /// Number and unit in one text that does not break between them.
    pub fn text(&self) -> String {
        if self.unit.is_empty() { self.number.clone() } else { format!("{}\u{a0}{}", self.number, self.unit) }
    }
}

/// A whole count with a prefix before its unit: 8.18 GFLOPs, 25.6 M.
pub fn count(value: u64, unit: &str) -> Shown {
    let text = format::count(value as f64);
    let space = if unit.is_empty() || text.contains(' ') { "" } else { " " };
    Shown::of(&format!("{text}{space}{unit}"), format!("{} {unit}", format::whole(value)).trim_end().to_owned())
}

/// Whole bytes.
pub fn size(value: u64) -> Shown {
    Shown::of(&estimator::units::Bytes(value as f64).readable(), format!("{} bytes", format::whole(value)))
}

/// A quantity.
pub fn quantity<Q: Readable>(value: Q) -> Shown {
    Shown::of(&value.readable(), format!("{} {}", format::exact(value.amount()), Q::SYMBOL))
}

/// Both ends of a range, the unit once where both have the same: `7.1 – 19 kg`.
pub fn span<Q: Readable>(range: Range<Q>) -> String {
    let (low, high) = (quantity(range.low), quantity(range.high));
    if low.unit == high.unit {
        format!("{} – {}", low.number, high.text())
    } else {
        format!("{} – {}", low.text(), high.text())
    }
}

/// Whether a range has a width worth showing.
pub fn has_span<Q: Quantity>(range: &Range<Q>) -> bool {
    range.low < range.high
}

/// A short count for axes and cells: 1.2M.
pub fn short(value: f64) -> String {
    format::count(value).replace(' ', "")
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value > 0.0 && value < 0.1 {
        "< 0.1\u{a0}%".to_owned()
    } else if value < 100.0 && value > 99.9 {
        "> 99.9\u{a0}%".to_owned()
    } else if value < 10.0 {
        format!("{}\u{a0}%", format::number((value * 10.0).round() / 10.0))
    } else {
        format!("{value:.0}\u{a0}%")
    }
}

/// A number that a person typed: `1,281,167`, `1.28M`, `300 k`, `1e6`. `None` where it is not a number.
pub fn parse(text: &str) -> Option<f64> {
    let text: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '\u{a0}' | '\u{202f}')).collect();
    let (digits, factor) = match text.char_indices().next_back()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1e3),
        (at, 'm' | 'M') => (text.get(..at)?, 1e6),
        (at, 'g' | 'G' | 'b' | 'B') => (text.get(..at)?, 1e9),
        (at, 't' | 'T') => (text.get(..at)?, 1e12),
        _ => (text.as_str(), 1.0),
    };
    // Rust reads "inf" and "nan" as numbers; people who type them mean something else.
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
    if digits.is_empty() || !digits.bytes().all(plain) {
        return None;
    }
    digits.parse::<f64>().ok().map(|value| value * factor).filter(|value| value.is_finite())
}

/// Digits that a field shows of a number that is not whole.
const DIGITS: f64 = 5.0;

/// A number as it stands in a field: thousands set apart, and no more digits than anybody would type.
pub fn in_field(value: f64) -> String {
    if value == 0.0 || value.fract() == 0.0 {
        return format::exact(value);
    }
    let decimals = (DIGITS - 1.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.decimals$}");
    // Reading it back drops the zeros at the end.
    format::exact(text.parse().unwrap_or(value))
}

/// A number as it stands in an address: every digit of it, and no signs between them.
pub fn plain(value: f64) -> String {
    // Both forms give back the same number; the shorter one is easier to read.
    let (full, short) = (format!("{value}"), format!("{value:e}"));
    if short.len() < full.len() { short } else { full }
}

/// A number that is itself an estimate, as it stands in a field: three digits.
pub fn rough(value: f64) -> String {
    if value.abs() < 1000.0 { format::number(value) } else { in_field(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use estimator::units::{Dollars, KilogramsCo2e};

    #[test]
    fn counts_carry_units_and_exact_values() {
        let shown = count(8_178_368_512, "FLOPs");
        assert_eq!((shown.text().as_str(), shown.exact.as_str()), ("8.18\u{a0}GFLOPs", "8,178,368,512 FLOPs"));
        assert_eq!(count(311, "MACs").text(), "311\u{a0}MACs");
        assert_eq!(count(25_557_032, "").text(), "25.6\u{a0}M");
    }

    #[test]
    fn the_ends_of_a_range_share_a_unit_where_they_can() {
        let range = Range::new(KilogramsCo2e(1.1), KilogramsCo2e(1.2), KilogramsCo2e(1.9));
        assert_eq!(span(range), "1.1 – 1.9\u{a0}kg");
        let range = Range::new(KilogramsCo2e(0.9), KilogramsCo2e(1.2), KilogramsCo2e(1.9));
        assert_eq!(span(range), "900\u{a0}g – 1.9\u{a0}kg");
        assert_eq!(span(Range::new(Dollars(1.0), Dollars(2.0), Dollars(3.0))), "$1 – $3");
    }

    #[test]
    fn what_people_type_is_understood_or_refused() {
        for (text, value) in [
            ("1,281,167", Some(1_281_167.0)),
            ("1.28M", Some(1_280_000.0)),
            (" 3 k", Some(3000.0)),
            ("1e6", Some(1e6)),
            ("abc", None),
            ("", None),
            ("k", None),
            ("inf", None),
            ("nan", None),
            ("1e999", None),
            ("é", None),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }

    #[test]
    fn a_field_reads_back_what_it_shows() {
        for value in [0.0, 1.0, 1_281_167.0, 0.375, 1.1, -2.5, 0.012345] {
            assert_eq!(parse(&in_field(value)), Some(value), "{value}");
        }
        assert_eq!(in_field(0.2333108307966873), "0.23331");
        assert_eq!(rough(0.2333108307966873), "0.233");
        assert_eq!((rough(1_281_167.0), rough(0.0)), ("1,281,167".to_owned(), "0".to_owned()));
    }
}
