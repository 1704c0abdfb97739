//! When and where a job emits least: the record behind `greenprint schedule --json` and the page's plan of hours.

use crate::carbon::series::{Instant, Signal};
use crate::notes::Note;
use crate::units::{GramsPerKilowattHour, Hours, KilogramsCo2e, KilowattHours};
use serde::{Deserialize, Serialize};

/// A job, and the best hours for it in each series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// How long it runs.
    pub hours: Hours,
    /// What it draws from the meter in all.
    pub energy_kwh: KilowattHours,
    /// Whether it may be stopped and taken up again.
    pub pausable: bool,
    /// The shortest stretch that it runs without a pause, where it may be paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_stretch: Option<Hours>,
    /// The best hours in each series, those of the first series' kind in front and the least emissions first.
    pub regions: Vec<RegionPlan>,
    /// What a reader should know about the whole.
    pub warnings: Vec<Note>,
}

/// The best hours for a job in one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegionPlan {
    /// The zone, as its file names it.
    pub zone: String,
    /// Whose layout the file has.
    pub layout: String,
    /// What its figures count.
    pub signal: Signal,
    /// The same in words: `average, lifecycle`.
    pub counts: String,
    /// Whether it is of another kind than the first series, and so stands apart from the ranking.
    pub stands_apart: bool,
    /// The earliest time at which the job may start.
    pub from: Instant,
    /// When it has to be done.
    pub deadline: Instant,
    /// What starting at once and running through emits; absent where the series has a gap there.
    pub now: Option<Run>,
    /// The hours that emit least.
    pub best: Run,
    /// The emissions at the mean intensity between the two times.
    pub at_mean_kg: KilogramsCo2e,
    /// What the best hours avoid against starting at once.
    pub avoided_kg: Option<KilogramsCo2e>,
    /// The same as a share of starting at once.
    pub avoided_share: Option<f64>,
    /// What the best hours avoid against the mean.
    pub avoided_against_mean_kg: KilogramsCo2e,
    /// What the best hours avoid against starting at once in the first series; absent where the two count different things.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avoided_against_first_kg: Option<KilogramsCo2e>,
    /// How much later the job is done than if it had started at once.
    pub delay: Hours,
    /// What the same freedom would have saved at every start in the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_the_series: Option<OverTheSeries>,
    /// What a reader should know about this series.
    pub warnings: Vec<Note>,
}

/// The hours in which a job runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it begins.
    pub start: Instant,
    /// When it is done.
    pub end: Instant,
    /// The stretches in which it runs: one where it is not paused.
    pub stretches: Vec<Stretch>,
    /// Emissions of its energy.
    pub co2e_kg: KilogramsCo2e,
    /// The mean intensity while it runs.
    pub g_per_kwh: GramsPerKilowattHour,
}

/// A stretch of time without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its beginning.
    pub start: Instant,
    /// Its end.
    pub end: Instant,
}

/// What waiting for the best start within the same time would have saved, over all starts in a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverTheSeries {
    /// How many starts were tried.
    pub starts: u64,
    /// The share of emissions saved over all of them together.
    pub mean_share: f64,
    /// The share that half of the starts save at least.
    pub median_share: f64,
    /// The mean delay.
    pub mean_delay: Hours,
}
