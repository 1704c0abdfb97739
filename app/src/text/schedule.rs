//! The page of hours: when and where a job emits least.

use crate::numbers;
use estimator::carbon::series::Instant;
use estimator::format::{self, Readable};
use estimator::report::{OverTheSeries, Run};
use estimator::units::{Hours, KilogramsCo2e};

pub const NAME: &str = "When and where";
pub const TITLE: &str = "When and where it emits least";
pub const LEDE: &str = "Open hourly carbon intensity, as grid operators and data services export it, and find the hours in which a job emits least. Files stay on your machine. Times are in UTC.";
pub const SERIES: &str = "Carbon intensity over time";
pub const OPEN: &str = "Open files…";
pub const LIVE: &str = "Ask Great Britain’s service";
pub const EXAMPLE: &str = "Show a made-up example";
pub const CLEAR: &str = "Clear";
pub const LAYOUTS: &str = "CSV or JSON of Electricity Maps, WattTime, ENTSO-E (generation by type) or Great Britain’s carbon intensity; or columns time and g_per_kwh_lifecycle. Several files are compared.";
pub const DROP: &str = "Drop the files anywhere";
pub const EMPTY: &str =
    "No series yet. Open a file, drop one on the page, or ask Great Britain’s service for the next two days.";
pub const ASKING: &str = "Asking for the next two days in Great Britain…";
pub const OFFLINE: &str = "You are offline, so the service cannot be asked. A file works without a network.";
pub const NOT_ASKED: &str = "The service did not answer";
pub const NOT_READ: &str = "This file was not read";
pub const NO_PLAN: &str = "There are no such hours";
pub const DISMISS: &str = "Dismiss";
pub const JOB: &str = "The job";
pub const HOURS: &str = "How long it runs";
pub const POWER: &str = "What it draws at the meter";
pub const FROM: &str = "Earliest start";
pub const FROM_HELP: &str = "For example 2024-06-01 09:00; the beginning of the series where it is left empty";
pub const FROM_WRONG: &str = "This is no time. Write for example 2024-06-01 09:00.";
pub const DEADLINE: &str = "Done within";
pub const DEADLINE_HELP: &str = "Hours after the earliest start; 0 for the end of the series";
pub const PAUSE: &str = "Pauses";
pub const PAUSES: [&str; 3] = ["None", "Anywhere", "In stretches"];
pub const STRETCH: &str = "Shortest stretch";
pub const BASIS: &str = "Where a file has both";
pub const BASES: [&str; 2] = ["Lifecycle", "Direct"];
pub const FROM_ESTIMATE: &str = "Take the job of the estimate";
pub const UNIT_HOURS: &str = "h";
pub const UNIT_POWER: &str = "kW";
pub const RESULT: &str = "Result";
pub const BEST: &str = "Best hours";
pub const NOW: &str = "Started at once";
pub const MEAN: &str = "At the mean";
pub const AVOIDED: &str = "Avoided";
pub const AVOIDED_HELP: &str = "against starting at once";
pub const DELAY: &str = "Done later by";
pub const PLACES: &str = "Places compared";
pub const PLACE_COLUMNS: [&str; 6] =
    ["Place", "What is counted", "Best start (UTC)", "Emissions", "Avoided against the first at once", "Done later by"];
pub const STRETCHES: &str = "When it runs";
pub const STRETCH_COLUMNS: [&str; 2] = ["From (UTC)", "To (UTC)"];
pub const CHART: &str = "Carbon intensity and the chosen hours";
pub const CHOSEN: &str = "Chosen hours";
pub const SERIES_LINE: &str = "Carbon intensity";
pub const ACROSS: &str = "Hours after the earliest start";
pub const UP: &str = "g CO₂e/kWh";
pub const HEAD: &str = "Line";
pub const SAVE: &str = "Save as JSON";
pub const NOTES: &str = "About this series";
pub const APART: &str = "not compared: it counts something else";

pub fn loaded(zone: &str, counts: &str, start: Instant, end: Instant) -> String {
    format!("{zone}: {counts}, {} to {}", when(start), when(end))
}
pub fn too_long(file: &str, most: usize) -> String {
    format!("{file} is longer than {} MB. Export a shorter span.", most >> 20)
}
pub fn gone(file: &str) -> String {
    format!("The browser cannot read {file} any more. Choose it again.")
}
pub fn when(time: Instant) -> String {
    time.to_string().replace('T', " ").trim_end_matches('Z').to_owned()
}
pub fn headline(zone: &str, best: &Run, now: Option<&Run>, paused: usize) -> String {
    let pauses = match paused {
        0 | 1 => String::new(),
        more => format!(" in {more} stretches"),
    };
    let start = when(best.start);
    match now {
        Some(now) if now.co2e_kg.0 > 0.0 => format!(
            "In {zone}, start at {start}{pauses}: {} instead of {}, {} less.",
            best.co2e_kg.readable(),
            now.co2e_kg.readable(),
            numbers::percent((now.co2e_kg - best.co2e_kg) / now.co2e_kg)
        ),
        _ => format!("In {zone}, start at {start}{pauses}: {}.", best.co2e_kg.readable()),
    }
}
pub fn signed(amount: KilogramsCo2e) -> String {
    if amount.0 < 0.0 { format!("{} more", KilogramsCo2e(-amount.0).readable()) } else { amount.readable() }
}
pub fn hours(hours: Hours) -> String {
    if hours.0 == 0.0 { "not at all".to_owned() } else { hours.readable() }
}
pub fn over_the_series(all: &OverTheSeries) -> String {
    format!(
        "Over the whole series, the same freedom saves {} in the mean of {} starts, for a mean delay of {}.",
        numbers::percent(all.mean_share),
        format::whole(all.starts),
        all.mean_delay.readable()
    )
}
pub fn chart(zone: &str, low: f64, high: f64) -> String {
    format!(
        "In {zone} the intensity lies between {} and {} g/kWh in this time.",
        format::number(low),
        format::number(high)
    )
}
