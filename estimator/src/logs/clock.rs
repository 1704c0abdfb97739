//! Dates and durations as tools print them, without a clock of our own.

/// Seconds since 1970 of `MM-DD-YYYY HH:MM:SS.mmm`, as MLPerf writes times; no time zone is applied.
pub(super) fn american(text: &str) -> Option<f64> {
    let (date, time) = text.trim().split_once(' ')?;
    let mut parts = date.split('-').map(str::parse::<i64>);
    let (month, day, year) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if parts.next().is_some()
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || !(1970..=9999).contains(&year)
    {
        return None;
    }
    Some(days(year, month, day) as f64 * 86_400.0 + duration(time)?)
}

/// Seconds of `H:MM:SS` or `H:MM:SS.cc`.
pub(super) fn duration(text: &str) -> Option<f64> {
    let mut parts = text.trim().splitn(3, ':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let hours = super::text::sensible(hours.parse::<u32>().ok()?.into())?;
    let minutes = f64::from(minutes.parse::<u8>().ok().filter(|minutes| *minutes < 60)?);
    let seconds = seconds.parse::<f64>().ok().filter(|seconds| (0.0..61.0).contains(seconds))?;
    Some(hours * 3600.0 + minutes * 60.0 + seconds)
}

/// Days from 1 January 1970 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day at their end.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(american("01-01-1970 00:00:00.000"), Some(0.0));
        // 2000 was a leap year, and 1 March its 61st day.
        assert_eq!(american("03-01-2000 00:00:01.500"), Some(951_868_801.5));
        assert_eq!(american("12-23-2020 10:21:51.496"), Some(1_608_718_911.496));
        assert_eq!(american("13-01-2000 00:00:00"), None);
        assert_eq!(american("2020-12-23 10:21:51"), None);
    }

    #[test]
    fn durations_are_read_with_and_without_fractions() {
        assert_eq!(duration("0:00:02.60"), Some(2.6));
        assert_eq!(duration("26:01:09"), Some(93_669.0));
        assert_eq!((duration("1:75:00"), duration("12"), duration("-1:00:00")), (None, None, None));
    }
}
