//! `greenprint schedule`: the hours and the place in which a job emits least.

use crate::arguments::number;
use crate::{Failure, Output, json, model};
use clap::Args;
use estimator::carbon::grids::Basis;
use estimator::carbon::schedule::{Deadline, Job, Pause, ScheduleError, plan};
use estimator::carbon::series::{self, Instant};
use estimator::format::{self, Readable};
use estimator::notes::Level;
use estimator::report::{RegionPlan, Run, Schedule};
use estimator::units::{Hours, KilogramsCo2e};
use std::path::PathBuf;

/// How many stretches of a paused job are listed before the rest is summed up.
const MOST_STRETCHES: usize = 12;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files with carbon intensity over time: Electricity Maps, WattTime, ENTSO-E or Great Britain's layout, as CSV or JSON.
    #[arg(required = true, value_name = "SERIES.csv")]
    files: Vec<PathBuf>,
    /// How long the job runs, in hours.
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    hours: f64,
    /// What it draws at the meter, in kilowatts.
    #[arg(long, value_name = "P", value_parser = number, allow_hyphen_values = true, required_unless_present = "energy_kwh")]
    kw: Option<f64>,
    /// What it draws in all, in kilowatt-hours.
    #[arg(long, value_name = "E", value_parser = number, allow_hyphen_values = true, conflicts_with = "kw")]
    energy_kwh: Option<f64>,
    /// When it has to be done: a time, or a number of hours after its earliest start, for example 2024-06-01T18:00Z or 48h.
    #[arg(long, value_name = "WHEN", value_parser = deadline)]
    deadline: Option<Deadline>,
    /// The earliest start, for example 2024-06-01T09:00Z; the beginning of the series by default.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Instant>,
    /// It may be stopped and taken up again.
    #[arg(long)]
    pausable: bool,
    /// The shortest stretch without a pause, in hours.
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true, requires = "pausable")]
    min_chunk: Option<f64>,
    /// Which column of a file that has both: lifecycle or direct.
    #[arg(long, value_name = "BASIS", value_parser = basis, default_value = "lifecycle")]
    basis: Basis,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn time(text: &str) -> Result<Instant, String> {
    Instant::parse(text).ok_or_else(|| format!("“{text}” is no time; write for example 2024-06-01T18:00Z"))
}

fn deadline(text: &str) -> Result<Deadline, String> {
    if let Some(hours) = text.strip_suffix('h').or(Some(text)).and_then(|text| text.parse().ok()) {
        return Ok(Deadline::After(hours));
    }
    time(text).map(Deadline::At)
}

fn basis(text: &str) -> Result<Basis, String> {
    Basis::from_word(text).ok_or_else(|| format!("“{text}” is neither lifecycle nor direct"))
}

/// Plans the job in all files.
pub(crate) fn run(arguments: &Arguments) -> Result<Output, Failure> {
    let mut all = Vec::new();
    for file in &arguments.files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = model::text(file)?;
        all.extend(series::read(&name, &text, arguments.basis).map_err(|fault| Failure::File(fault.to_string()))?);
    }
    let kilowatts = match (arguments.kw, arguments.energy_kwh) {
        (Some(kilowatts), _) => kilowatts,
        (None, Some(energy)) => energy / arguments.hours,
        (None, None) => 0.0,
    };
    let pause = match (arguments.pausable, arguments.min_chunk) {
        (false, _) => Pause::Never,
        (true, None) => Pause::Anywhere,
        (true, Some(hours)) => Pause::After(hours),
    };
    let job = Job { hours: arguments.hours, kilowatts, from: arguments.from, deadline: arguments.deadline, pause };
    let found = plan(&job, &all).map_err(|fault| match fault {
        ScheduleError::Gaps { .. } => Failure::File(fault.to_string()),
        fault => Failure::Use(fault.to_string()),
    })?;
    if arguments.json { json(&found).map(Output::from) } else { Ok(text(&found).into()) }
}

fn signed(amount: KilogramsCo2e) -> String {
    if amount.0 < 0.0 { format!("−{}", KilogramsCo2e(-amount.0).readable()) } else { amount.readable() }
}

fn row(text: &mut String, name: &str, value: String) {
    text.push_str(&format!("  {name:<26}{value}\n"));
}

fn show(run: &Run) -> String {
    format!("{} to {}, {} at {} g/kWh", run.start, run.end, run.co2e_kg.readable(), format::number(run.g_per_kwh.0))
}

fn region(text: &mut String, plan: &RegionPlan) {
    text.push_str(&format!("\n{} ({}; {})\n", plan.zone, plan.layout, plan.counts));
    match &plan.now {
        Some(now) => row(text, "started at once", show(now)),
        None => row(text, "started at once", "not known, for the series has a gap there".to_owned()),
    }
    row(text, "best hours", show(&plan.best));
    if let [_, _, ..] = plan.best.stretches.as_slice() {
        for stretch in plan.best.stretches.iter().take(MOST_STRETCHES) {
            row(text, "", format!("{} to {}", stretch.start, stretch.end));
        }
        let more = plan.best.stretches.len().saturating_sub(MOST_STRETCHES);
        if more > 0 {
            row(text, "", format!("and {more} more stretches; --json lists all"));
        }
    }
    if let (Some(avoided), Some(share)) = (plan.avoided_kg, plan.avoided_share) {
        row(text, "avoided", format!("{} ({} %)", signed(avoided), format::number(share * 100.0)));
    }
    row(text, "avoided against the mean", signed(plan.avoided_against_mean_kg));
    if let Some(avoided) = plan.avoided_against_first_kg {
        row(text, "against the first at once", signed(avoided));
    }
    row(text, "delay", plan.delay.readable());
    if let Some(all) = plan.over_the_series {
        row(
            text,
            "over the whole series",
            format!(
                "the same freedom saves {} % in the mean of {} starts (half of them save {} % and more), for a mean delay of {}",
                format::number(all.mean_share * 100.0),
                format::whole(all.starts),
                format::number(all.median_share * 100.0),
                all.mean_delay.readable()
            ),
        );
    }
    for note in &plan.warnings {
        let word = if note.level == Level::Warning { "warning" } else { "note" };
        text.push_str(&format!("  {word}: {}\n", note.text));
    }
}

fn text(found: &Schedule) -> String {
    let pause = match (found.pausable, found.least_stretch) {
        (false, _) => "without a pause".to_owned(),
        (true, None) => "pausable".to_owned(),
        (true, Some(Hours(hours))) => format!("pausable, in stretches of {} h at least", format::number(hours)),
    };
    let mut text = format!("A job of {}, {}, {pause}\n", found.hours.readable(), found.energy_kwh.readable());
    for note in &found.warnings {
        text.push_str(&format!("warning: {}\n", note.text));
    }
    for plan in &found.regions {
        region(&mut text, plan);
    }
    text
}
