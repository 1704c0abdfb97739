//! What a change of the model would do, and which one to make first.

use crate::charts::{Bar, Bars};
use crate::text;
use estimator::compression::{self, Subject, levers};
use estimator::energy::EstimateError;
use estimator::format::Readable;
use estimator::range::{Range, Ratio};
use estimator::report::{Inspection, Levers, WhatIf};
use estimator::scenario::{Compression, ModelSummary, Scenario};

/// The model with the scenario's change, beside the model as it is.
///
/// # Errors
/// As the estimate.
pub fn what_if(
    scenario: &Scenario,
    model: &ModelSummary,
    counts: Option<&Inspection>,
    change: &Compression,
) -> Result<WhatIf, EstimateError> {
    compression::what_if(scenario, Subject { summary: model, inspection: counts }, change, None)
}

/// The levers of the scenario.
///
/// # Errors
/// As the estimate.
pub fn levers_of(
    scenario: &Scenario,
    model: &ModelSummary,
    counts: Option<&Inspection>,
) -> Result<Levers, EstimateError> {
    levers::of(scenario, Subject { summary: model, inspection: counts })
}

/// What stays of each amount, as bars.
pub fn stays(found: &WhatIf) -> Bars {
    let (before, after) = (&found.before, &found.after);
    let mut bars = Vec::new();
    let mut bar = |label: &str, ratio: f64, range: Option<Range<Ratio>>| {
        let percent = |ratio: f64| format!("{:.0} %", ratio * 100.0);
        let shown = match range.filter(|range| range.low < range.high) {
            Some(range) => format!("{} ({} – {})", percent(ratio), percent(range.low.0), percent(range.high.0)),
            None => percent(ratio),
        };
        bars.push(Bar { label: label.to_owned(), share: ratio.max(0.0), shown, rest: false });
    };
    let ratio = |after: f64, before: f64| if before > 0.0 { after / before } else { 1.0 };
    bar(text::smaller::WEIGHTS, ratio(after.weight_bytes.0, before.weight_bytes.0), None);
    bar(text::smaller::MACS, ratio(after.macs as f64, before.macs as f64), None);
    if let (Some(new), Some(old)) = (after.traffic_bytes, before.traffic_bytes) {
        bar(text::smaller::TRAFFIC, ratio(new.0, old.0), None);
    }
    bar(text::smaller::TIME, found.ratio.time.central.0, Some(found.ratio.time));
    bar(text::smaller::ENERGY, found.ratio.energy.central.0, Some(found.ratio.energy));
    bar(text::smaller::CO2E, found.ratio.co2e.central.0, Some(found.ratio.co2e));
    Bars { bars, summary: text::smaller::summary(found), head: text::smaller::CHART_HEAD.map(str::to_owned) }
}

/// What each lever saves, as bars; those that save nothing have none.
pub fn saved(found: &Levers) -> Bars {
    let whole = found.co2e_kg.central.0;
    let bars = found
        .levers
        .iter()
        .map(|lever| {
            let share = if whole > 0.0 { lever.co2e_kg.central.0 / whole } else { 0.0 };
            let ends = (1.0 - lever.co2e_ratio.high.0, 1.0 - lever.co2e_ratio.low.0);
            Bar {
                label: lever.title.clone(),
                share: share.max(0.0),
                shown: text::levers::share(ends.0, share, ends.1),
                rest: false,
            }
        })
        .collect();
    let summary = text::levers::summary(
        &found.unit,
        &found.energy_kwh.central.readable(),
        &found.co2e_kg.central.readable(),
        &found.cost_usd.central.readable(),
        found.cost_is_rent,
    );
    Bars { bars, summary, head: text::levers::CHART_HEAD.map(str::to_owned) }
}
