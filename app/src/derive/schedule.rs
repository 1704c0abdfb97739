//! What the page of hours asks of the estimator.

use crate::charts::{Axis, Chart, Curve, Curves};
use crate::hooks::Handover;
use crate::text::schedule as text;
use estimator::carbon::grids::Basis;
use estimator::carbon::schedule::{Deadline, Job, Pause, plan};
use estimator::carbon::series::{self, Instant, Series};
use estimator::energy;
use estimator::report::{RegionPlan, Schedule};
use estimator::scenario::Workload;

/// Most points of a line: a year of hours is drawn by the means of spans.
const MOST_POINTS: usize = 700;

/// A file as it was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A job as the reader describes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// How long it runs.
    pub hours: f64,
    /// What it draws.
    pub kilowatts: f64,
    /// The earliest start.
    pub from: Option<Instant>,
    /// Hours until it has to be done; 0 for the end of the series.
    pub within: f64,
    /// 0: it runs through, 1: it may be paused anywhere, 2: in stretches.
    pub pause: usize,
    /// The shortest stretch.
    pub stretch: f64,
}

/// What a basis is called in an address.
pub fn basis(word: &str) -> Basis {
    Basis::from_word(word).unwrap_or(Basis::Lifecycle)
}

/// The series of all files, and why some are none.
pub fn read(files: &[Opened], basis: Basis) -> (Vec<Series>, Vec<(String, String)>) {
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for file in files {
        match series::read(&file.name, &file.text, basis) {
            Ok(found) => all.extend(found),
            Err(fault) => faults.push((file.name.clone(), fault.to_string())),
        }
    }
    (all, faults)
}

/// The best hours.
///
/// # Errors
/// Why there are none, for people.
pub fn best(asked: &Asked, all: &[Series]) -> Result<Schedule, String> {
    let job = Job {
        hours: asked.hours,
        kilowatts: asked.kilowatts,
        from: asked.from,
        deadline: (asked.within > 0.0).then_some(Deadline::After(asked.within)),
        pause: match asked.pause {
            1 => Pause::Anywhere,
            2 => Pause::After(asked.stretch),
            _ => Pause::Never,
        },
    };
    plan(&job, all).map_err(|fault| fault.to_string())
}

/// The job of the estimate page: hours and kilowatts of its training run.
pub fn job_of(handover: &Handover) -> Option<(f64, f64)> {
    let scenario = handover.scenario();
    let summary = handover.summary.clone().or_else(|| scenario.model.summary())?;
    let Workload::Train(_) = scenario.workload else { return None };
    let found = energy::estimate(&scenario, &summary).ok()?;
    let hours = found.hours.central.0;
    (hours > 0.0).then(|| (hours, found.energy_kwh.central.0 / hours))
}

/// The series between the earliest start and the deadline, with the chosen hours in front.
pub fn chart(plan: &RegionPlan, all: &[Series]) -> Option<Chart> {
    let series = all.iter().find(|series| series.zone == plan.zone && series.signal == plan.signal)?;
    let within: Vec<usize> =
        (0..series.len()).filter(|step| (plan.from..plan.deadline).contains(&series.time(*step))).collect();
    let every = within.len().div_ceil(MOST_POINTS).max(1);
    let is_chosen = |time: Instant| {
        let middle = time.plus_hours(series.step_hours() / 2.0);
        plan.best.stretches.iter().any(|stretch| (stretch.start..stretch.end).contains(&middle))
    };
    let (mut line, mut chosen) = (Vec::new(), Vec::new());
    for part in within.chunks(every) {
        let Some(first) = part.first() else { continue };
        let known: Vec<f64> = part.iter().filter_map(|step| series.value(*step)).collect();
        let mean = if known.is_empty() { f64::NAN } else { known.iter().sum::<f64>() / known.len() as f64 };
        let across = series.time(*first).hours_since(plan.from);
        line.push((across, mean));
        let taken = part.iter().any(|step| is_chosen(series.time(*step)));
        chosen.push((across, if taken { mean } else { f64::NAN }));
    }
    let ends = line.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let (low, high) = ends.fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    Some(Chart::Curves(Curves {
        curves: vec![
            Curve { name: text::CHOSEN.to_owned(), points: chosen, marked: None },
            Curve { name: text::SERIES_LINE.to_owned(), points: line, marked: None },
        ],
        across: Axis { name: text::ACROSS.to_owned(), logarithmic: false, holds: None },
        up: Axis { name: text::UP.to_owned(), logarithmic: false, holds: Some((0.0, 0.0)) },
        summary: text::chart(&plan.zone, if low.is_finite() { low } else { 0.0 }, high),
        head: text::HEAD.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_hours_and_a_chart() {
        let text = include_str!("../../../examples/series/made_up_days.csv").to_owned();
        let files = [
            Opened { name: "days.csv".to_owned(), text },
            Opened { name: "words.csv".to_owned(), text: "no series".to_owned() },
        ];
        let (all, faults) = read(&files, Basis::Lifecycle);
        assert_eq!((all.len(), faults.len()), (1, 1));
        let asked = Asked { hours: 6.0, kilowatts: 10.0, from: None, within: 0.0, pause: 0, stretch: 1.0 };
        let found = best(&asked, &all).unwrap();
        let Some(Chart::Curves(curves)) = chart(&found.regions[0], &all) else { panic!("a chart") };
        let chosen = curves.curves[0].points.iter().filter(|(_, value)| value.is_finite()).count();
        assert_eq!((chosen, curves.curves[1].points.len()), (6, 72));
        assert!(best(&Asked { hours: 1000.0, ..asked }, &all).unwrap_err().contains("1,000 hours"));
    }
}
