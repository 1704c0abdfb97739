//! Carbon-aware scheduling: the hours, and of several places the one, in which a job of known length and power emits least.
//!
//! The search is exact for the series it is given: sums from the beginning of the series make every start a subtraction,
//! a job that may be paused takes the cheapest steps, and one with a least stretch is solved step by step.
//! How a series is read belongs to [`super::series`]; forecasting one is nobody's here.

use super::series::{Instant, Series};
use crate::format;
use crate::notes::{Level, Note};
use crate::report::{OverTheSeries, RegionPlan, Run, Schedule, Stretch};
use crate::units::{GRAMS_PER_KILOGRAM, GramsPerKilowattHour, Hours, KilogramsCo2e, KilowattHours};
use std::collections::VecDeque;
use std::fmt;

/// The longest job, in hours, and the highest power, in kilowatts, that are no slip of the finger.
const LONGEST: f64 = 1e5;
const STRONGEST: f64 = 1e7;
/// The most places in the table of a job with a least stretch; a finer series is merged until it is smaller.
const MOST_PLACES: usize = 24_000_000;
/// The most sums kept at once for it.
const MOST_SUMS: usize = 4_000_000;
/// Hours that are the same but for rounding.
const SAME: f64 = 1e-9;

/// Whether a job may stop and go on later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pause {
    /// It runs through.
    Never,
    /// At any time.
    Anywhere,
    /// Not before so many hours have run.
    After(f64),
}

/// A job to be placed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// How long it runs.
    pub hours: f64,
    /// What it draws at the meter while it runs.
    pub kilowatts: f64,
    /// The earliest start; the series' beginning when absent.
    pub from: Option<Instant>,
    /// When it has to be done; the series' end when absent.
    pub deadline: Option<Deadline>,
    /// Whether it may be paused.
    pub pause: Pause,
}

/// When a job has to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deadline {
    /// At a point in time.
    At(Instant),
    /// So many hours after the earliest start.
    After(f64),
}

/// Why a job cannot be placed.
#[derive(Debug, Clone, PartialEq)]
pub enum ScheduleError {
    /// There is no series.
    NoSeries,
    /// A number of the job is outside its bounds.
    OutOfBounds {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The bounds, in words.
        bounds: String,
    },
    /// There is not enough time between the earliest start and the deadline.
    TooShort {
        /// The zone.
        zone: String,
        /// The hours between them, as far as the series reaches.
        available: f64,
        /// The hours of the job.
        needed: f64,
        /// The beginning of the series.
        start: Instant,
        /// The end of the series.
        end: Instant,
    },
    /// Gaps leave no room for it.
    Gaps {
        /// The zone.
        zone: String,
    },
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSeries => f.write_str("there is no series to plan in; give a file with carbon intensity over time"),
            Self::OutOfBounds { what, value, bounds } => write!(f, "{what} is {value}; it must be {bounds}"),
            Self::TooShort { zone, available, needed, start, end } => write!(
                f,
                "{zone}: the job takes {} hours and only {} lie between its earliest start and its deadline; the series reaches from {start} to {end}",
                format::number(*needed),
                format::number(available.max(0.0)),
            ),
            Self::Gaps { zone } => write!(f, "{zone}: gaps in the series leave no stretch that is long enough"),
        }
    }
}

impl std::error::Error for ScheduleError {}

/// Plans a job in each series and ranks those that count the same as the first.
///
/// # Errors
/// No series, a number outside its bounds, a time between start and deadline that is too short, or gaps that leave no room.
/// Of several series those in which the job has no room are left out with a warning; all of them is an error.
pub fn plan(job: &Job, all: &[Series]) -> Result<Schedule, ScheduleError> {
    check(job)?;
    let first = all.first().ok_or(ScheduleError::NoSeries)?;
    let mut warnings = Vec::new();
    let (mut regions, mut refused) = (Vec::new(), None);
    for series in all {
        match of_series(job, series) {
            Ok(mut plan) => {
                plan.stands_apart = series.signal != first.signal;
                regions.push(plan);
            }
            Err(fault) => {
                if all.len() > 1 {
                    warnings.push(warning(format!("left out: {fault}")));
                }
                refused.get_or_insert(fault);
            }
        }
    }
    if regions.is_empty() {
        return Err(refused.unwrap_or(ScheduleError::NoSeries));
    }
    let home =
        regions.iter().find(|plan| plan.zone == first.zone && !plan.stands_apart).and_then(|plan| plan.now.clone());
    for plan in regions.iter_mut().filter(|plan| !plan.stands_apart) {
        plan.avoided_against_first_kg = home.as_ref().map(|home| home.co2e_kg - plan.best.co2e_kg);
    }
    regions.sort_by(|a, b| {
        (a.stands_apart, a.best.co2e_kg.0)
            .partial_cmp(&(b.stands_apart, b.best.co2e_kg.0))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    if regions.iter().any(|plan| plan.stands_apart) {
        warnings.push(warning(format!(
            "series that count something else than the first ({}) stand apart: averages of different bases, and averages and marginal figures, are not compared",
            first.signal.words()
        )));
    }
    let spans = |a: &RegionPlan, b: &RegionPlan| a.from < b.deadline && b.from < a.deadline;
    if let [one, others @ ..] = regions.as_slice()
        && others.iter().any(|other| !spans(one, other))
    {
        warnings.push(warning(
            "the series do not cover the same time, so the comparison of places is one of seasons too".to_owned(),
        ));
    }
    let (pausable, least_stretch) = match job.pause {
        Pause::Never => (false, None),
        Pause::Anywhere => (true, None),
        Pause::After(hours) => (true, Some(Hours(hours))),
    };
    Ok(Schedule {
        hours: Hours(job.hours),
        energy_kwh: KilowattHours(job.hours * job.kilowatts),
        pausable,
        least_stretch,
        regions,
        warnings,
    })
}

fn warning(text: String) -> Note {
    Note { level: Level::Warning, place: String::new(), text }
}

fn check(job: &Job) -> Result<(), ScheduleError> {
    let within = |what: &'static str, value: f64, most: f64| {
        if value.is_finite() && value > 0.0 && value <= most {
            Ok(())
        } else {
            Err(ScheduleError::OutOfBounds { what, value, bounds: format!("above 0 and at most {most}") })
        }
    };
    within("the length of the job in hours", job.hours, LONGEST)?;
    within("the power in kilowatts", job.kilowatts, STRONGEST)?;
    if let Pause::After(hours) = job.pause {
        within("the least stretch in hours", hours, LONGEST)?;
    }
    if let Some(Deadline::After(hours)) = job.deadline {
        within("the time until the deadline in hours", hours, 100.0 * LONGEST)?;
    }
    Ok(())
}

/// A series with the sums from its beginning, in hours.
struct Sums<'s> {
    series: &'s Series,
    step: f64,
    /// Σ g/kWh × hours before each step; gaps count nothing.
    before: Vec<f64>,
    /// Steps without a figure before each step.
    gaps: Vec<usize>,
}

impl<'s> Sums<'s> {
    fn of(series: &'s Series) -> Self {
        let step = series.step_hours();
        let (mut sum, mut count) = (0.0, 0usize);
        let (mut before, mut gaps) = (vec![0.0], vec![0usize]);
        for value in series.values() {
            sum += value.unwrap_or(0.0) * step;
            count += usize::from(value.is_none());
            before.push(sum);
            gaps.push(count);
        }
        Self { series, step, before, gaps }
    }

    /// The step that holds a time, in hours from the beginning, and how far into it.
    fn place(&self, hours: f64) -> (usize, f64) {
        let at = (hours / self.step).max(0.0);
        // A boundary that rounding has moved is that boundary.
        let whole = if (at - at.round()).abs() < SAME { at.round() } else { at.floor() };
        (whole as usize, (at - whole).max(0.0))
    }

    fn until(&self, hours: f64) -> f64 {
        let (step, into) = self.place(hours);
        let whole = self.before.get(step).or(self.before.last()).copied().unwrap_or(0.0);
        whole + into * self.step * self.series.value(step).unwrap_or(0.0)
    }

    /// Σ g/kWh × hours between two times; `None` where a gap lies between them.
    fn between(&self, from: f64, to: f64) -> Option<f64> {
        let (first, _) = self.place(from);
        let (last, into) = self.place(to);
        let end = if into > 0.0 { last + 1 } else { last };
        let gaps = self.gaps.get(end)?.checked_sub(*self.gaps.get(first)?)?;
        (gaps == 0).then(|| self.until(to) - self.until(from))
    }

    /// The mean over what is known between two times.
    fn mean(&self, from: f64, to: f64) -> Option<f64> {
        let (first, _) = self.place(from);
        let (last, into) = self.place(to);
        let end = if into > 0.0 { last + 1 } else { last };
        let (mut sum, mut hours) = (0.0, 0.0);
        for step in first..end {
            let begin = (step as f64 * self.step).max(from);
            let length = (((step + 1) as f64 * self.step).min(to) - begin).max(0.0);
            if let Some(value) = self.series.value(step) {
                sum += value * length;
                hours += length;
            }
        }
        (hours > 0.0).then(|| sum / hours)
    }

    fn time(&self, hours: f64) -> Instant {
        self.series.start.plus_hours(hours)
    }
}

/// Stretches in hours from the beginning of the series, with Σ g/kWh × hours in them.
struct Found {
    stretches: Vec<(f64, f64)>,
    sum: f64,
}

fn of_series(job: &Job, series: &Series) -> Result<RegionPlan, ScheduleError> {
    let sums = Sums::of(series);
    let length = series.len() as f64 * sums.step;
    let from = job.from.map_or(0.0, |from| from.hours_since(series.start));
    let deadline = match job.deadline {
        None => length,
        Some(Deadline::After(hours)) => from + hours,
        Some(Deadline::At(time)) => time.hours_since(series.start),
    };
    let mut warnings = series.notes.clone();
    if deadline > length + SAME {
        warnings.push(warning(format!(
            "the series ends at {}, before the deadline; later hours are not known",
            series.end()
        )));
    }
    let deadline = deadline.min(length);
    if from < -SAME || deadline - from < job.hours - SAME {
        let available = if from < -SAME { 0.0 } else { deadline - from };
        return Err(ScheduleError::TooShort {
            zone: series.zone.clone(),
            available,
            needed: job.hours,
            start: series.start,
            end: series.end(),
        });
    }
    let gaps = || ScheduleError::Gaps { zone: series.zone.clone() };
    let best = match job.pause {
        Pause::Never => through(&sums, from, deadline, job.hours),
        Pause::Anywhere => cheapest(&sums, from, deadline, job.hours),
        Pause::After(stretch) => in_stretches(&sums, from, deadline, job.hours, stretch, &mut warnings),
    }
    .ok_or_else(gaps)?;
    let run = |found: &Found| run(&sums, found, job);
    let now =
        sums.between(from, from + job.hours).map(|sum| run(&Found { stretches: vec![(from, from + job.hours)], sum }));
    let best = run(&best);
    let mean = sums.mean(from, deadline).ok_or_else(gaps)?;
    let at_mean_kg = KilogramsCo2e(job.hours * job.kilowatts * mean / GRAMS_PER_KILOGRAM);
    let avoided_kg = now.as_ref().map(|now| now.co2e_kg - best.co2e_kg);
    Ok(RegionPlan {
        zone: series.zone.clone(),
        layout: series.layout.to_owned(),
        signal: series.signal,
        counts: series.signal.words().to_owned(),
        stands_apart: false,
        from: sums.time(from),
        deadline: sums.time(deadline),
        avoided_share: now
            .as_ref()
            .filter(|now| now.co2e_kg.0 > 0.0)
            .map(|now| (now.co2e_kg - best.co2e_kg) / now.co2e_kg),
        avoided_kg,
        avoided_against_mean_kg: at_mean_kg - best.co2e_kg,
        avoided_against_first_kg: None,
        delay: Hours(best.end.hours_since(sums.time(from + job.hours)).max(0.0)),
        over_the_series: over_the_series(&sums, job, deadline - from),
        now,
        best,
        at_mean_kg,
        warnings,
    })
}

fn run(sums: &Sums<'_>, found: &Found, job: &Job) -> Run {
    let stretches: Vec<Stretch> =
        found.stretches.iter().map(|(start, end)| Stretch { start: sums.time(*start), end: sums.time(*end) }).collect();
    // Where whole steps were taken they may be a little longer than the job; its energy is spread over them.
    let hours: f64 = found.stretches.iter().map(|(start, end)| end - start).sum();
    let mean = if hours > 0.0 { found.sum / hours } else { 0.0 };
    Run {
        start: stretches.first().map_or(sums.series.start, |stretch| stretch.start),
        end: stretches.last().map_or(sums.series.start, |stretch| stretch.end),
        stretches,
        co2e_kg: KilogramsCo2e(job.hours * job.kilowatts * mean / GRAMS_PER_KILOGRAM),
        g_per_kwh: GramsPerKilowattHour(mean),
    }
}

/// The best start of a job that runs through.
///
/// Between two boundaries the sum changes evenly with the start, so the best start is one at which the job begins or ends on a boundary,
/// or the first or the last that is allowed.
fn through(sums: &Sums<'_>, from: f64, deadline: f64, hours: f64) -> Option<Found> {
    let latest = deadline - hours;
    let boundaries = (sums.place(from).0..=sums.place(deadline).0).map(|step| step as f64 * sums.step);
    let starts = boundaries.flat_map(|boundary| [boundary, boundary - hours]);
    let mut best: Option<(f64, f64)> = None;
    for start in starts.chain([from, latest]).filter(|start| (from - SAME..=latest + SAME).contains(start)) {
        let start = start.clamp(from, latest.max(from));
        let Some(sum) = sums.between(start, start + hours) else { continue };
        // Of equal starts the earliest.
        let better = best.is_none_or(|(found, least)| {
            let margin = SAME * least.abs().max(1.0);
            sum < least - margin || (sum <= least + margin && start < found)
        });
        if better {
            best = Some((start, sum));
        }
    }
    best.map(|(start, sum)| Found { stretches: vec![(start, start + hours)], sum })
}

/// The cheapest steps for a job that may be paused at any time.
fn cheapest(sums: &Sums<'_>, from: f64, deadline: f64, hours: f64) -> Option<Found> {
    let end = sums.place(deadline - SAME).0;
    // What of each step lies between start and deadline.
    let mut steps: Vec<(f64, f64, f64)> = (sums.place(from).0..=end)
        .filter_map(|step| {
            let begin = (step as f64 * sums.step).max(from);
            let finish = ((step + 1) as f64 * sums.step).min(deadline);
            Some((sums.series.value(step)?, begin, finish)).filter(|(_, begin, finish)| finish - begin > SAME)
        })
        .collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut left, mut sum, mut chosen) = (hours, 0.0, Vec::new());
    let mut last = None;
    for (value, begin, finish) in steps {
        if left <= SAME {
            break;
        }
        let length = (finish - begin).min(left);
        left -= length;
        sum += value * length;
        if length < finish - begin - SAME {
            last = Some((begin, finish, length));
        } else {
            chosen.push((begin, finish));
        }
    }
    if left > SAME {
        return None;
    }
    if let Some((begin, finish, length)) = last {
        // The part of a step stands where it joins a stretch.
        let joins =
            |edge: f64, edges: &dyn Fn(&(f64, f64)) -> f64| chosen.iter().any(|one| (edges(one) - edge).abs() < SAME);
        let at_end = joins(finish, &|one| one.0) && !joins(begin, &|one| one.1);
        chosen.push(if at_end { (finish - length, finish) } else { (begin, begin + length) });
    }
    Some(Found { stretches: joined(chosen), sum })
}

/// Stretches in order, those that touch made one.
fn joined(mut stretches: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut all: Vec<(f64, f64)> = Vec::new();
    for (begin, end) in stretches {
        match all.last_mut() {
            Some(last) if begin - last.1 < SAME => last.1 = end,
            _ => all.push((begin, end)),
        }
    }
    all
}

/// The best steps for a job that runs at least so long before each pause.
///
/// In whole steps: of the first `i` steps `j` are taken, and either the last is left out, or it lengthens a stretch, or it ends one of the least length.
fn in_stretches(
    sums: &Sums<'_>,
    from: f64,
    deadline: f64,
    hours: f64,
    stretch: f64,
    warnings: &mut Vec<Note>,
) -> Option<Found> {
    let (first, into) = sums.place(from);
    let first = if into > 0.0 { first + 1 } else { first };
    let end = sums.place(deadline).0.min(sums.series.len());
    let mut values: Vec<f64> = (first..end).map(|step| sums.series.value(step).unwrap_or(f64::INFINITY)).collect();
    let mut step = sums.step;
    let steps_of = |hours: f64, step: f64| ((hours / step - SAME).ceil() as usize).max(1);
    let (mut taken, mut least) = (steps_of(hours, step), steps_of(stretch, step));
    let too_large = |count: usize, taken: usize, least: usize| {
        count.saturating_mul(taken + 1) > MOST_PLACES
            || least.min(taken).saturating_add(1).saturating_mul(taken + 1) > MOST_SUMS
    };
    let mut merged = 1usize;
    while too_large(values.len(), taken, least) && values.len() > 2 {
        values = values.chunks_exact(2).map(|pair| pair.iter().sum::<f64>() / 2.0).collect();
        step *= 2.0;
        merged *= 2;
        (taken, least) = (steps_of(hours, step), steps_of(stretch, step));
    }
    if merged > 1 {
        warnings.push(warning(format!(
            "for a series of this length, stretches are planned in steps of {} hours",
            format::number(step)
        )));
    }
    let least = least.min(taken);
    if values.len() < taken {
        return None;
    }
    let chosen = stretches_of(&values, taken, least)?;
    let begin = first as f64 * sums.step;
    let stretches =
        joined(chosen.iter().map(|place| (begin + *place as f64 * step, begin + (place + 1) as f64 * step)).collect());
    let sum = chosen.iter().filter_map(|place| values.get(*place)).sum::<f64>() * step;
    Some(Found { stretches, sum })
}

/// The `taken` places with the least sum of which no run is shorter than `least`; `None` where gaps (infinite values) leave no room.
fn stretches_of(values: &[f64], taken: usize, least: usize) -> Option<Vec<usize>> {
    let width = taken + 1;
    let mut running = vec![0.0];
    let mut open = vec![0usize];
    for value in values {
        running.push(running.last().copied().unwrap_or(0.0) + if value.is_finite() { *value } else { 0.0 });
        open.push(open.last().copied().unwrap_or(0) + usize::from(!value.is_finite()));
    }
    // The least sum of `j` places among the first `i`, for the last few `i`; and of those that end with a place taken.
    let mut best: VecDeque<Vec<f64>> = VecDeque::from([start_row(width)]);
    let mut ending = vec![f64::INFINITY; width];
    // For each `i` and `j`: whether the last place is taken, and whether its run began with the least length.
    let mut choices = vec![0u8; (values.len() + 1).checked_mul(width)?];
    for (place, value) in values.iter().enumerate() {
        let i = place + 1;
        let before = best.back()?;
        let mut row = before.clone();
        let mut next = vec![f64::INFINITY; width];
        let block = i.checked_sub(least).filter(|from| open.get(i) == open.get(*from));
        let block_sum = block.and_then(|from| Some(running.get(i)? - running.get(from)?));
        // The row of `i − least` is the front once so many rows are kept.
        let earlier = (best.len() == least).then(|| best.front()).flatten();
        for j in 1..=taken.min(i) {
            let longer = ending.get(j - 1).copied().unwrap_or(f64::INFINITY) + value;
            let fresh = match (block_sum, earlier, j.checked_sub(least)) {
                (Some(sum), Some(row), Some(rest)) => row.get(rest).copied().unwrap_or(f64::INFINITY) + sum,
                _ => f64::INFINITY,
            };
            let is_fresh = fresh <= longer;
            let sum = if is_fresh { fresh } else { longer };
            if let (Some(cell), Some(kept), Some(choice)) =
                (next.get_mut(j), row.get_mut(j), choices.get_mut(i * width + j))
            {
                *cell = sum;
                let is_taken = sum < *kept;
                if is_taken {
                    *kept = sum;
                }
                *choice = u8::from(is_taken) | u8::from(is_fresh) << 1;
            }
        }
        ending = next;
        best.push_back(row);
        if best.len() > least {
            best.pop_front();
        }
    }
    if !best.back()?.get(taken)?.is_finite() {
        return None;
    }
    let (mut i, mut j, mut chosen, mut is_ending) = (values.len(), taken, Vec::new(), false);
    while j > 0 {
        let choice = choices.get(i * width + j).copied()?;
        if !is_ending && choice & 1 == 0 {
            i = i.checked_sub(1)?;
        } else if choice & 2 != 0 {
            chosen.extend(i.checked_sub(least)?..i);
            (i, j, is_ending) = (i - least, j.checked_sub(least)?, false);
        } else {
            chosen.push(i.checked_sub(1)?);
            (i, j, is_ending) = (i - 1, j - 1, true);
        }
    }
    chosen.sort_unstable();
    Some(chosen)
}

fn start_row(width: usize) -> Vec<f64> {
    let mut row = vec![f64::INFINITY; width];
    if let Some(first) = row.first_mut() {
        *first = 0.0;
    }
    row
}

/// What the same freedom would have saved at each start: a sliding least of all sums of the job's length.
fn over_the_series(sums: &Sums<'_>, job: &Job, freedom: f64) -> Option<OverTheSeries> {
    if job.pause != Pause::Never {
        return None;
    }
    let steps = |hours: f64| (hours / sums.step + SAME).floor() as usize;
    let (length, room) = (((job.hours / sums.step - SAME).ceil() as usize).max(1), steps(freedom - job.hours));
    let starts = (sums.series.len() + 1).checked_sub(length)?;
    // A series no longer than the freedom itself says nothing that the plan does not.
    if room == 0 || starts < 2 * (room + length) {
        return None;
    }
    let sum = |start: usize| {
        let gaps = sums.gaps.get(start + length)? - sums.gaps.get(start)?;
        (gaps == 0)
            .then(|| sums.before.get(start + length).zip(sums.before.get(start)).map(|(end, begin)| end - begin))?
    };
    let mut window: VecDeque<(usize, f64)> = VecDeque::new();
    let (mut shares, mut spent, mut saved, mut delay) = (Vec::new(), 0.0, 0.0, 0.0);
    // From behind, so that the window ahead of a start is known when it is reached.
    for start in (0..starts).rev() {
        if let Some(own) = sum(start) {
            while window.back().is_some_and(|(_, other)| *other >= own) {
                window.pop_back();
            }
            window.push_back((start, own));
        }
        while window.front().is_some_and(|(place, _)| *place > start + room) {
            window.pop_front();
        }
        if start + room >= starts {
            continue;
        }
        if let (Some(own), Some((place, least))) = (sum(start), window.front()) {
            spent += own;
            saved += own - least;
            delay += (place - start) as f64 * sums.step;
            shares.push(if own > 0.0 { (own - least) / own } else { 0.0 });
        }
    }
    let count = shares.len();
    shares.sort_by(f64::total_cmp);
    Some(OverTheSeries {
        starts: count as u64,
        mean_share: if spent > 0.0 { saved / spent } else { 0.0 },
        median_share: shares.get(count / 2).copied()?,
        mean_delay: Hours(delay / count.max(1) as f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::series::Signal;

    fn series(values: &[f64]) -> Series {
        Series::new("A", Signal::Direct, Instant::parse("2024-01-01T00:00Z").unwrap(), 60, values.to_vec())
    }

    fn job(hours: f64, pause: Pause) -> Job {
        Job { hours, kilowatts: 10.0, from: None, deadline: None, pause }
    }

    fn best(job: &Job, values: &[f64]) -> RegionPlan {
        plan(job, &[series(values)]).unwrap().regions.remove(0)
    }

    /// Numbers that look random and are the same each time.
    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % 500) as f64
            })
            .collect()
    }

    #[test]
    fn the_cheapest_window_is_found_with_what_it_avoids_and_what_it_costs() {
        let found = best(&job(2.0, Pause::Never), &[300.0, 200.0, 100.0, 50.0, 400.0]);
        assert_eq!(found.best.start.to_string(), "2024-01-01T02:00Z");
        assert_eq!(found.best.co2e_kg, KilogramsCo2e(1.5));
        assert_eq!(found.now.unwrap().co2e_kg, KilogramsCo2e(5.0));
        assert_eq!((found.avoided_kg, found.avoided_share), (Some(KilogramsCo2e(3.5)), Some(0.7)));
        assert_eq!((found.at_mean_kg, found.delay), (KilogramsCo2e(4.2), Hours(2.0)));
        assert!((found.avoided_against_mean_kg.0 - 2.7).abs() < 1e-12);
    }

    #[test]
    fn a_length_that_is_no_whole_number_of_steps_is_placed_exactly() {
        // One and a half hours: the cheap hour whole, and half of the next cheapest beside it.
        let found = best(&job(1.5, Pause::Never), &[300.0, 200.0, 10.0, 100.0, 400.0]);
        assert_eq!(found.best.start.to_string(), "2024-01-01T02:00Z");
        let found = best(&job(1.5, Pause::Never), &[300.0, 100.0, 10.0, 200.0, 400.0]);
        assert_eq!(found.best.start.to_string(), "2024-01-01T01:30Z");
        assert!((found.best.co2e_kg.0 - 10.0 * (0.5 * 100.0 + 10.0) / 1000.0).abs() < 1e-12);
        assert_eq!(found.delay, Hours(1.5));
    }

    #[test]
    fn no_window_is_better_than_the_one_found() {
        for seed in 1..30 {
            let values = noise(60, seed);
            let hours = 0.25 * (seed % 23 + 1) as f64;
            let found = best(&job(hours, Pause::Never), &values);
            let series = series(&values);
            let sums = Sums::of(&series);
            for minute in 0..=((60.0 - hours) * 60.0) as usize {
                let start = minute as f64 / 60.0;
                let other = sums.between(start, start + hours).unwrap();
                assert!(found.best.co2e_kg.0 * 100.0 <= other + 1e-9, "seed {seed}, minute {minute}");
            }
        }
    }

    #[test]
    fn a_job_that_may_pause_takes_the_cheapest_hours() {
        let found = best(&job(2.5, Pause::Anywhere), &[300.0, 10.0, 400.0, 20.0, 100.0]);
        let stretches: Vec<String> =
            found.best.stretches.iter().map(|one| format!("{} {}", one.start, one.end)).collect();
        assert_eq!(stretches, ["2024-01-01T01:00Z 2024-01-01T02:00Z", "2024-01-01T03:00Z 2024-01-01T04:30Z"]);
        assert!((found.best.co2e_kg.0 - 10.0 * (10.0 + 20.0 + 50.0) / 1000.0).abs() < 1e-12);
        for seed in 1..20 {
            let values = noise(40, seed);
            let through = best(&job(7.0, Pause::Never), &values).best.co2e_kg;
            let stretched = best(&job(7.0, Pause::After(3.0)), &values).best.co2e_kg;
            let anywhere = best(&job(7.0, Pause::Anywhere), &values).best.co2e_kg;
            assert!(anywhere <= stretched && stretched <= through, "seed {seed}");
        }
    }

    #[test]
    fn least_stretches_are_kept_and_the_best_of_all() {
        /// Every choice of places, tried one by one.
        fn by_hand(values: &[f64], taken: usize, least: usize) -> Option<f64> {
            (0u32..1 << values.len())
                .filter(|set| set.count_ones() as usize == taken)
                .filter(|set| {
                    let bits: String =
                        (0..values.len()).map(|bit| if set >> bit & 1 == 1 { '1' } else { ' ' }).collect();
                    bits.split(' ').all(|run| run.is_empty() || run.len() >= least)
                })
                .map(|set| {
                    values.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, value)| value).sum()
                })
                .min_by(f64::total_cmp)
        }
        for seed in 1..40 {
            let mut values = noise(12, seed);
            if seed % 5 == 0 {
                values[4] = f64::INFINITY;
            }
            for (taken, least) in [(4, 2), (5, 3), (6, 1), (7, 4), (12, 2), (3, 3)] {
                let found = stretches_of(&values, taken, least);
                let sum = found.as_ref().map(|places| places.iter().map(|place| values[*place]).sum::<f64>());
                let expected = by_hand(&values, taken, least).filter(|sum| sum.is_finite());
                assert_eq!(sum, expected, "seed {seed}, {taken} in runs of {least}: {found:?}");
                let Some(places) = found else { continue };
                let runs = joined(places.iter().map(|place| (*place as f64, *place as f64 + 1.0)).collect());
                assert!(runs.iter().all(|(begin, end)| end - begin >= least as f64), "{runs:?}");
            }
        }
    }

    #[test]
    fn a_year_in_stretches_is_planned_in_steps_that_fit() {
        let values = noise(8760, 3);
        let found = best(&job(6000.0, Pause::After(24.0)), &values);
        assert!(found.warnings.iter().any(|note| note.text.contains("planned in steps of")));
        assert!(found.best.stretches.iter().all(|one| one.end.hours_since(one.start) >= 24.0));
        let hours: f64 = found.best.stretches.iter().map(|one| one.end.hours_since(one.start)).sum();
        assert!((6000.0..6010.0).contains(&hours), "{hours}");
    }

    #[test]
    fn start_and_deadline_are_kept() {
        let values = [5.0, 300.0, 200.0, 100.0, 50.0, 1.0];
        let from = Instant::parse("2024-01-01T01:00Z");
        for deadline in [Deadline::After(4.0), Deadline::At(Instant::parse("2024-01-01T05:00Z").unwrap())] {
            let job = Job { from, deadline: Some(deadline), ..job(1.0, Pause::Never) };
            let found = best(&job, &values);
            assert_eq!(found.best.start.to_string(), "2024-01-01T04:00Z");
            assert_eq!(
                (found.from.to_string().as_str(), found.deadline.to_string().as_str()),
                ("2024-01-01T01:00Z", "2024-01-01T05:00Z")
            );
            let paused = Job { pause: Pause::Anywhere, ..job };
            assert_eq!(best(&paused, &values).best.start.to_string(), "2024-01-01T04:00Z");
        }
        let late = Job { deadline: Some(Deadline::After(100.0)), ..job(1.0, Pause::Never) };
        assert!(best(&late, &values).warnings.iter().any(|note| note.text.contains("before the deadline")));
    }

    #[test]
    fn gaps_are_stepped_around() {
        let values = [300.0, f64::NAN, 10.0, 20.0, f64::NAN];
        let found = best(&job(2.0, Pause::Never), &values);
        assert_eq!(found.best.start.to_string(), "2024-01-01T02:00Z");
        assert_eq!((found.now, found.avoided_kg), (None, None));
        assert!(matches!(plan(&job(3.0, Pause::Never), &[series(&values)]), Err(ScheduleError::Gaps { .. })));
        assert!(plan(&job(3.0, Pause::Anywhere), &[series(&values)]).is_ok());
        assert!(matches!(plan(&job(4.0, Pause::Anywhere), &[series(&values)]), Err(ScheduleError::Gaps { .. })));
        assert!(matches!(plan(&job(4.0, Pause::After(2.0)), &[series(&values)]), Err(ScheduleError::Gaps { .. })));
    }

    #[test]
    fn places_are_ranked_and_kinds_are_not_mixed() {
        let named = |name: &str, signal: Signal, value: f64| {
            let start = Instant::parse("2024-01-01T00:00Z").unwrap();
            Series::new(name, signal, start, 60, vec![value; 5])
        };
        let all = [
            named("home", Signal::Lifecycle, 300.0),
            named("clean", Signal::Lifecycle, 30.0),
            named("marginal", Signal::Marginal, 1.0),
        ];
        let found = plan(&job(1.0, Pause::Never), &all).unwrap();
        let order: Vec<&str> = found.regions.iter().map(|plan| plan.zone.as_str()).collect();
        assert_eq!(order, ["clean", "home", "marginal"]);
        assert_eq!(found.regions[0].avoided_against_first_kg, Some(KilogramsCo2e(2.7)));
        assert!(found.regions[2].stands_apart && found.regions[2].avoided_against_first_kg.is_none());
        assert!(found.warnings.iter().any(|note| note.text.contains("not compared")));
        let short = [named("home", Signal::Direct, 3.0), series(&[1.0])];
        let found = plan(&job(3.0, Pause::Never), &short).unwrap();
        assert!(found.regions.len() == 1 && found.warnings[0].text.starts_with("left out: A:"));
    }

    #[test]
    fn the_whole_series_says_what_the_same_freedom_saves() {
        // Cheap at night: 12 hours at 100, 12 at 300, for ten days.
        let values: Vec<f64> = (0..240).map(|hour| if hour % 24 < 12 { 300.0 } else { 100.0 }).collect();
        let job = Job { deadline: Some(Deadline::After(24.0)), ..job(1.0, Pause::Never) };
        let found = best(&job, &values).over_the_series.unwrap();
        assert!(found.starts > 200 && found.median_share > 0.0);
        // Half of the starts are cheap already, the others save two thirds: 100 of 200 in the mean.
        assert!((found.mean_share - 0.5).abs() < 0.05, "{}", found.mean_share);
        assert!(best(&Job { deadline: None, ..job }, &values).over_the_series.is_none());
    }

    #[test]
    fn faults_say_what_would_do() {
        let fault = |job: Job| plan(&job, &[series(&[1.0; 5])]).unwrap_err().to_string();
        assert!(fault(job(6.0, Pause::Never)).contains("takes 6 hours and only 5 lie between"));
        assert!(
            fault(job(0.0, Pause::Never)).contains("above 0") && fault(job(f64::NAN, Pause::Never)).contains("above 0")
        );
        assert!(fault(Job { kilowatts: -1.0, ..job(1.0, Pause::Never) }).contains("kilowatts"));
        assert!(
            fault(Job { from: Instant::parse("2023-01-01"), ..job(1.0, Pause::Never) })
                .contains("reaches from 2024-01-01T00:00Z")
        );
        assert!(plan(&job(1.0, Pause::Never), &[]).unwrap_err().to_string().contains("no series"));
    }
}
