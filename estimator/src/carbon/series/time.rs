//! Points in time: seconds since 1970 in UTC, and the ways in which files write them.
//!
//! A time without an offset means what its file's layout says: UTC, or European local time with its summer hours.
//! No clock is read here.

use serde::{Deserialize, Serialize};

const MINUTE: i64 = 60;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// The years that a file may speak of.
const YEARS: std::ops::RangeInclusive<i64> = 1990..=2100;

/// A point in time, written as `2024-03-31T01:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Instant(pub i64);

impl Instant {
    /// Reads a time with its offset, or one that is taken as UTC.
    pub fn parse(text: &str) -> Option<Self> {
        Stamp::parse(text)?.in_zone(Zone::Utc, None)
    }

    /// The time so many hours later.
    pub fn plus_hours(self, hours: f64) -> Self {
        Self(self.0.saturating_add((hours * HOUR as f64).round() as i64))
    }

    /// The hours from an earlier time to this one.
    pub fn hours_since(self, earlier: Self) -> f64 {
        (self.0.saturating_sub(earlier.0)) as f64 / HOUR as f64
    }

    /// The year.
    pub fn year(self) -> i64 {
        civil(self.0.div_euclid(DAY)).0
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        let (hour, minute, rest) = (second / HOUR, second % HOUR / MINUTE, second % MINUTE);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}")?;
        if rest != 0 {
            write!(f, ":{rest:02}")?;
        }
        f.write_str("Z")
    }
}

impl From<Instant> for String {
    fn from(instant: Instant) -> Self {
        instant.to_string()
    }
}

impl TryFrom<String> for Instant {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("“{}” is no time", crate::notes::clip(&text)))
    }
}

/// What a time without an offset means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Coordinated universal time.
    Utc,
    /// A European zone so many hours ahead of UTC in winter, and one more in summer.
    European(i64),
}

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Seconds since 1970 on the clock that it was read from.
    local: i64,
    /// How far that clock is ahead of UTC, where the text says so.
    offset: Option<i64>,
}

impl Stamp {
    /// Reads a date and a time of day: `2024-03-31 01:00:00+00:00`, `2024-03-31T01:00Z`, `31.03.2024 02:00`, `31/03/2024 02:00:00 (CEST)`.
    /// Of a span, `… - …`, its beginning.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // The zone of a span may stand behind its end; only UTC says more than the header does.
        let (text, utc) = match text.split_once(" - ") {
            Some((start, end)) => (start.trim_end(), end.ends_with("(UTC)").then_some(0)),
            None => (text, None),
        };
        let (text, named) = match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
            Some((rest, name)) => (rest.trim_end(), Some(offset_of(name)?)),
            None => match text.strip_suffix(" UTC") {
                Some(rest) => (rest, Some(0)),
                None => (text, None),
            },
        };
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, time.trim()),
            None => (text, ""),
        };
        let days = days_of(date)?;
        let (time, offset) = split_offset(time)?;
        let seconds = seconds_of(time)?;
        Some(Self { local: days * DAY + seconds, offset: offset.or(named).or(utc) })
    }

    /// The point in time; `None` for an hour that the clock skips in spring.
    ///
    /// An hour that the clock shows twice in autumn is the first of the two unless `after` is not before it.
    pub(crate) fn in_zone(self, zone: Zone, after: Option<Instant>) -> Option<Instant> {
        if let Some(offset) = self.offset {
            return Some(Instant(self.local - offset));
        }
        let Zone::European(base) = zone else { return Some(Instant(self.local)) };
        let summer = Instant(self.local - (base + 1) * HOUR);
        let winter = Instant(self.local - base * HOUR);
        match (is_summer(summer), !is_summer(winter)) {
            (true, true) if after.is_some_and(|after| after >= summer) => Some(winter),
            (true, _) => Some(summer),
            (false, true) => Some(winter),
            (false, false) => None,
        }
    }
}

/// Whether European clocks show summer time: from the last Sunday of March to that of October, 01:00 UTC.
fn is_summer(instant: Instant) -> bool {
    let year = instant.year();
    let change = |month: i64| {
        let last = days_from_civil(year, month, 31);
        // The first of January 1970 was a Thursday.
        let weekday = (last + 4).rem_euclid(7);
        (last - weekday) * DAY + HOUR
    };
    (change(3)..change(10)).contains(&instant.0)
}

fn offset_of(name: &str) -> Option<i64> {
    let hours = match name.trim() {
        "UTC" | "GMT" | "WET" => 0,
        "CET" | "WEST" | "BST" => 1,
        "CEST" | "EET" => 2,
        "EEST" => 3,
        _ => return None,
    };
    Some(hours * HOUR)
}

fn number(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn days_of(date: &str) -> Option<i64> {
    let mut parts = date.split(['-', '.', '/']);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, month, day) = if first.len() == 4 { (first, second, third) } else { (third, second, first) };
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let is_valid = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let days = days_from_civil(year, month, day);
    (is_valid && civil(days) == (year, month, day)).then_some(days)
}

/// The time of day and the offset behind it.
fn split_offset(time: &str) -> Option<(&str, Option<i64>)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, Some(0)));
    }
    let Some(place) = time.rfind(['+', '-']) else { return Some((time, None)) };
    let (time, offset) = (time.get(..place)?, time.get(place..)?);
    let (sign, digits) = (if offset.starts_with('-') { -1 } else { 1 }, offset.get(1..)?);
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then_some((time.trim_end(), Some(sign * (hours * HOUR + minutes * MINUTE))))
}

fn seconds_of(time: &str) -> Option<i64> {
    if time.is_empty() {
        return Some(0);
    }
    let mut parts = time.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    // Fractions of a second are dropped.
    let second = parts.next().map_or(Some(0), |text| number(text.split('.').next()?))?;
    let is_valid = parts.next().is_none() && hour <= 24 && minute < 60 && second < 60;
    is_valid.then_some(hour * HOUR + minute * MINUTE + second)
}

/// Days since 1970 of a date of the Gregorian calendar, counted in years that begin with March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of so many days since 1970: year, month, day.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> String {
        Instant::parse(text).map(|instant| instant.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_writing_of_a_time_is_read() {
        for text in [
            "2024-03-31 01:00:00",
            "2024-03-31T01:00Z",
            "2024-03-31T01:00:00.000Z",
            "2024-03-31 02:00:00+01:00",
            "2024-03-30T20:00-0500",
            "31.03.2024 01:00",
            "31/03/2024 01:00:00 - 31/03/2024 01:15:00",
            "31/03/2024 03:00:00 (CEST) - 31/03/2024 04:00:00 (CEST)",
            "2024-03-31 01:00:00 UTC",
            "2024/03/31 01:00",
            "31.03.2024 01:00 - 31.03.2024 02:00 (UTC)",
        ] {
            assert_eq!(utc(text), "2024-03-31T01:00Z", "{text}");
        }
        assert_eq!(utc("2024-02-29"), "2024-02-29T00:00Z");
        assert_eq!(utc("2024-12-31T24:00"), "2025-01-01T00:00Z");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "now",
            "2023-02-29 00:00",
            "2024-13-01",
            "03/31/2024 00:00",
            "2024-01-01 25:00",
            "2024-01-01 00:60",
            "9999-01-01",
            "2024-01-01T00:00+99:00",
            "2024-01-01 (XYZ)",
            "-1-1-1",
            "2024-01-01 1:é",
        ] {
            assert_eq!(utc(text), "", "{text}");
        }
    }

    #[test]
    fn summer_time_skips_an_hour_and_repeats_one() {
        let local = |text: &str, after: Option<Instant>| Stamp::parse(text).unwrap().in_zone(Zone::European(1), after);
        let show = |found: Option<Instant>| found.map(|instant| instant.to_string());
        assert_eq!(show(local("31.03.2024 01:00", None)), Some("2024-03-31T00:00Z".to_owned()));
        assert_eq!(local("31.03.2024 02:00", None), None);
        assert_eq!(show(local("31.03.2024 03:00", None)), Some("2024-03-31T01:00Z".to_owned()));
        let first = local("27.10.2024 02:00", local("27.10.2024 01:00", None));
        assert_eq!(show(first), Some("2024-10-27T00:00Z".to_owned()));
        let second = local("27.10.2024 02:00", first);
        assert_eq!(show(second), Some("2024-10-27T01:00Z".to_owned()));
        assert_eq!(show(local("27.10.2024 03:00", second)), Some("2024-10-27T02:00Z".to_owned()));
    }

    #[test]
    fn dates_come_back_for_two_centuries() {
        for days in (7_305..47_000).step_by(13) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn times_travel_as_text() {
        let instant = Instant::parse("2024-03-31T01:00Z").unwrap();
        let text = serde_json::to_string(&instant).unwrap();
        assert_eq!(text, "\"2024-03-31T01:00Z\"");
        assert_eq!(serde_json::from_str::<Instant>(&text).unwrap(), instant);
        assert!(serde_json::from_str::<Instant>("\"soon\"").is_err());
    }
}
