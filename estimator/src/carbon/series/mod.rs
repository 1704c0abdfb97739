//! Carbon intensity over time, as exports of grid operators and of data services hold it.
//!
//! A file is recognised by its header and becomes one [`Series`] for each zone in it, on an even grid of time in UTC.
//! Gaps, times that occur twice and changes of resolution are mended where that is safe, left open where it is not, and told either way.
//! What a series is good for is [`super::schedule`]'s to say. No file is opened here, and no clock is read.

mod layouts;
mod time;

pub use time::Instant;

use super::grids::Basis;
use crate::notes::{Level, Note};
use std::fmt;
use time::{DAY, HOUR};

/// The most bytes of a file that are read.
pub const MOST_BYTES: usize = 64 << 20;
/// The most rows of a file: ten years of quarter-hours, or a year of minutes.
const MOST_ROWS: usize = 600_000;
/// The most steps of a series.
const MOST_STEPS: i64 = 1_100_000;
/// The most zones of a file.
const MOST_ZONES: usize = 400;
/// The largest intensity that is no mistake, in g/kWh: old lignite stations and marginal oil stay below.
const MOST_INTENSITY: f64 = 5000.0;
/// The longest gap that is bridged by a straight line between its ends.
const LONGEST_BRIDGE: i64 = 3 * HOUR;

/// What the figures of a series count. Series of different kinds are never compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The average of all electricity, with building the stations and supplying their fuel.
    Lifecycle,
    /// The average of all electricity, burning alone.
    Direct,
    /// What the power stations emit that answer to one more kilowatt-hour; burning alone.
    Marginal,
}

impl Signal {
    /// The words printed beside a figure.
    pub fn words(self) -> &'static str {
        match self {
            Self::Lifecycle => "average, lifecycle",
            Self::Direct => "average, direct",
            Self::Marginal => "marginal, direct",
        }
    }
}

impl From<Basis> for Signal {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Lifecycle => Self::Lifecycle,
            Basis::Direct => Self::Direct,
        }
    }
}

/// Why a file is no series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesError {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1, where the fault lies in one.
    pub line: Option<usize>,
    /// What was found, what was expected, and what would help.
    pub fault: String,
}

impl fmt::Display for SeriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for SeriesError {}

/// The carbon intensity of one zone on an even grid of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The zone's name or code, as the file gives it, else the file's name.
    pub zone: String,
    /// Whose layout the file has.
    pub layout: &'static str,
    /// What the figures count.
    pub signal: Signal,
    /// The beginning of the first step.
    pub start: Instant,
    /// The length of a step in seconds: it divides a day.
    step: i64,
    /// Grams for each kilowatt-hour; not a number where nothing is known.
    values: Vec<f64>,
    /// What a reader should know.
    pub notes: Vec<Note>,
}

impl Series {
    /// A series of hourly or other even steps, for callers that have the numbers already; values that are not finite are gaps.
    pub fn new(zone: &str, signal: Signal, start: Instant, step_minutes: u32, values: Vec<f64>) -> Self {
        let step = i64::from(step_minutes.max(1)) * 60;
        Self { zone: zone.to_owned(), layout: "figures", signal, start, step, values, notes: Vec::new() }
    }

    /// The length of a step in hours.
    pub fn step_hours(&self) -> f64 {
        self.step as f64 / HOUR as f64
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The end of the last step.
    pub fn end(&self) -> Instant {
        Instant(self.start.0 + self.step * self.values.len() as i64)
    }

    /// The beginning of a step.
    pub fn time(&self, step: usize) -> Instant {
        Instant(self.start.0 + self.step * step as i64)
    }

    /// The intensity during a step in g/kWh; `None` in a gap.
    pub fn value(&self, step: usize) -> Option<f64> {
        self.values.get(step).copied().filter(|value| value.is_finite())
    }

    /// The steps in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Option<f64>> + '_ {
        self.values.iter().map(|value| Some(*value).filter(|value| value.is_finite()))
    }

    /// The mean over all steps that are known.
    pub fn mean(&self) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0usize);
        for value in self.values().flatten() {
            sum += value;
            count += 1;
        }
        (count > 0).then(|| sum / count as f64)
    }
}

/// Reads a file, recognised by its header: Electricity Maps, WattTime, ENTSO-E generation by type, Great Britain's carbon intensity as CSV or JSON,
/// or plain columns `time` and `g_per_kwh_lifecycle` (or `_direct`, `_marginal`).
///
/// `basis` chooses between the columns of a file that has both.
///
/// # Errors
/// A file that is too long, of an unknown layout, without figures, or with a cell that is no time or no intensity; with its line where there is one.
pub fn read(name: &str, text: &str, basis: Basis) -> Result<Vec<Series>, SeriesError> {
    let fail = |fault: String| SeriesError { file: name.to_owned(), line: None, fault };
    if text.len() > MOST_BYTES {
        return Err(fail(format!("it is {} MB long; at most {} MB are read", text.len() >> 20, MOST_BYTES >> 20)));
    }
    let file = layouts::read(name, text.trim_start_matches('\u{feff}'), basis)?;
    let mut all = Vec::new();
    for zone in file.zones {
        let label = if zone.name.is_empty() { name.to_owned() } else { zone.name };
        if zone.points.is_empty() {
            continue;
        }
        let mut notes: Vec<Note> = file.notes.clone();
        notes.extend(zone.notes);
        let (start, step, values) =
            on_a_grid(zone.points, &mut notes).map_err(|fault| fail(format!("{label}: {fault}")))?;
        all.push(Series { zone: label, layout: file.layout, signal: file.signal, start, step, values, notes });
    }
    if all.is_empty() {
        return Err(fail(format!("it has the layout of {} and no figure in it", file.layout)));
    }
    Ok(all)
}

/// A point as a row gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    time: Instant,
    /// Grams for each kilowatt-hour; `None` where the cell is empty.
    value: Option<f64>,
}

/// Lays points out on an even grid: sorts, drops times that occur twice, finds the step, bridges short gaps.
fn on_a_grid(mut points: Vec<Point>, notes: &mut Vec<Note>) -> Result<(Instant, i64, Vec<f64>), String> {
    points.sort_by_key(|point| point.time);
    let before = points.len();
    // Of several rows for the same time the last one with a figure counts; the sort keeps their order.
    points.dedup_by(|later, kept| {
        let same = later.time == kept.time;
        if same && later.value.is_some() {
            kept.value = later.value;
        }
        same
    });
    if points.len() < before {
        say(
            notes,
            Level::Warning,
            format!(
                "{} rows name a time that another row names too, as clocks do when summer ends; the last of each counts",
                before - points.len()
            ),
        );
    }
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Err("there is no figure".to_owned());
    };
    let (start, end) = (first.time, last.time);
    let differences = || points.windows(2).filter_map(|pair| Some(pair.last()?.time.0 - pair.first()?.time.0));
    let step = match differences().min() {
        None => HOUR,
        Some(step) if DAY % step == 0 => step,
        Some(step) if step > DAY => {
            return Err("its rows are more than a day apart; export hourly figures, not months or years".to_owned());
        }
        Some(step) => return Err(format!("two of its rows are {step} seconds apart, which no day divides into")),
    };
    if step == DAY {
        say(notes, Level::Warning, "one figure a day: the hours of a day cannot be told apart".to_owned());
    }
    if let Some(odd) = differences().find(|difference| difference % step != 0) {
        return Err(format!("its rows are not evenly spaced: {step} seconds here and {odd} there"));
    }
    let steps = (end.0 - start.0) / step + 1;
    if steps > MOST_STEPS {
        return Err(format!("it spans {steps} steps from {start} to {end}; at most {MOST_STEPS} are read"));
    }
    // The usual distance says which rows stand for more than one step: a feed that went from hours to quarters.
    let mut counted: Vec<i64> = differences().collect();
    counted.sort_unstable();
    let usual = counted.get(counted.len() / 2).copied().unwrap_or(step);
    let mut values = vec![f64::NAN; usize::try_from(steps).unwrap_or(0)];
    let (mut spread, mut last_length) = (0usize, usual);
    for (place, point) in points.iter().enumerate() {
        let until_next = points.get(place + 1).map_or(last_length, |next| next.time.0 - point.time.0);
        let length = if until_next <= HOUR.max(usual) { until_next } else { usual.min(until_next) };
        last_length = length;
        spread += usize::from(length > step);
        let from = usize::try_from((point.time.0 - start.0) / step).unwrap_or(0);
        for value in values.iter_mut().skip(from).take(usize::try_from(length / step).unwrap_or(1)) {
            *value = point.value.unwrap_or(f64::NAN);
        }
    }
    if spread > 0 {
        say(
            notes,
            Level::Info,
            format!(
                "{spread} rows stand for longer than {} minutes; their figure is taken for each step in them",
                step / 60
            ),
        );
    }
    bridge(&mut values, step, notes);
    Ok((start, step, values))
}

/// Bridges short gaps by a straight line, and tells of them and of those that stay.
fn bridge(values: &mut [f64], step: i64, notes: &mut Vec<Note>) {
    let (mut bridged, mut open, mut longest) = (0usize, 0usize, 0usize);
    let mut place = 0;
    while place < values.len() {
        if values.get(place).is_some_and(|value| value.is_finite()) {
            place += 1;
            continue;
        }
        let gap = values.iter().skip(place).take_while(|value| !value.is_finite()).count();
        let before = place.checked_sub(1).and_then(|before| values.get(before).copied());
        let after = values.get(place + gap).copied();
        match (before, after) {
            (Some(before), Some(after)) if gap as i64 * step <= LONGEST_BRIDGE => {
                for (nth, value) in values.iter_mut().skip(place).take(gap).enumerate() {
                    let share = (nth + 1) as f64 / (gap + 1) as f64;
                    *value = before + (after - before) * share;
                }
                bridged += gap;
            }
            _ => {
                open += gap;
                longest = longest.max(gap);
            }
        }
        place += gap;
    }
    if bridged > 0 {
        say(
            notes,
            Level::Info,
            format!(
                "{bridged} steps without a figure, in gaps of up to {} hours, are bridged by straight lines",
                LONGEST_BRIDGE / HOUR
            ),
        );
    }
    if open > 0 {
        say(
            notes,
            Level::Warning,
            format!(
                "{open} steps have no figure, the longest gap lasts {} hours; no job is planned into them",
                crate::format::number(longest as f64 * step as f64 / HOUR as f64)
            ),
        );
    }
}

fn say(notes: &mut Vec<Note>, level: Level, text: String) {
    notes.push(Note { level, place: String::new(), text });
}

#[cfg(test)]
mod tests;
