//! What quantisation, pruning, distillation and better software would change of a loaded model, and which lever comes first.
//!
//! A change is a [`Compression`]: its bytes, MACs and kernels are computed here, in `change`;
//! its time, energy, emissions and money by `energy`, from the changed summary and the same assumptions.
//! Published effects stand beside, from `data/compression_effects.csv`, and warnings say where a change saves nothing.
//! Accuracy is never estimated, only quoted.

mod change;
pub mod levers;
mod parts;
pub mod published;
#[cfg(test)]
mod tests;
mod warnings;

pub use parts::Subject;

use crate::energy::{self, EstimateError};
use crate::format::Readable;
use crate::hardware::{self, Device, Precision};
use crate::report::{Estimate, Outcome, PublishedEffect, Ratios, WhatIf};
use crate::scenario::compression::{Compression, Prune, Software};
use crate::scenario::{Hardware, ModelSummary, Scenario, Serving, Workload};
use crate::units::{Bytes, Dollars, Quantity};
use change::{Changed, Machine, Size, Start};

/// The most published rows beside a change.
const MOST_PUBLISHED: usize = 8;
const REQUESTS: f64 = 1000.0;

/// A scenario of serving: the given one, or one request after the other on one device where it trains.
pub fn serving_of(scenario: &Scenario) -> Scenario {
    match scenario.workload {
        Workload::Serve(_) => scenario.clone(),
        Workload::Train(_) => Scenario {
            workload: Workload::Serve(Serving::default()),
            hardware: Hardware { count: 1, ..scenario.hardware.clone() },
            ..scenario.clone()
        },
    }
}

/// A changed model, ready to be estimated.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) scenario: Scenario,
    pub(crate) summary: ModelSummary,
    changed: Changed,
    device: &'static Device,
    /// What the unchanged model computes in.
    usual: Precision,
}

/// What a change would do to a model that serves: the whole comparison.
///
/// `student` is the smaller network of a distillation that has a description of its own.
///
/// # Errors
/// As [`energy::estimate`], of the model before or after the change.
pub fn what_if(
    scenario: &Scenario,
    subject: Subject<'_>,
    change: &Compression,
    student: Option<Subject<'_>>,
) -> Result<WhatIf, EstimateError> {
    let scenario = serving_of(scenario);
    let before = energy::estimate(&scenario, subject.summary)?;
    let usual = Compression::default();
    let basis = Basis::of(&before);
    let first = ready(&scenario, subject, &usual, basis)?;
    let second = match student {
        Some(student) => ready(&scenario, student, &Compression { distil: None, ..change.clone() }, basis)?,
        None => ready(&scenario, subject, change, basis)?,
    };
    let after = energy::estimate(&second.scenario, &second.summary)?;
    let paired = energy::paired((&scenario, subject.summary), (&second.scenario, &second.summary))?;
    let batch = match &scenario.workload {
        Workload::Serve(serving) => serving.batch,
        Workload::Train(_) => 1,
    };
    let traffic = |ready: &Ready| traffic(ready, batch);
    let mut size = second.changed.after.clone();
    let original = match student {
        Some(_) => {
            size = second.changed.after.clone();
            first.changed.before.clone()
        }
        None => second.changed.before.clone(),
    };
    if second.changed.before.kernels > 0.0 && size.kernels == 0.0 {
        size.kernels = second.changed.before.kernels;
    }
    let ratio = Ratios { energy: paired.energy, co2e: paired.co2e, cost: paired.cost, time: paired.time };
    let before = outcome(&before, &original, &first, traffic(&first));
    let after = outcome(&after, &size, &second, traffic(&second));
    let warnings = warnings::of(&warnings::Seen {
        change,
        ready: &second,
        before: &before,
        after: &after,
        ratio: &ratio,
        batch,
        is_language: subject.summary.language.is_some(),
    });
    Ok(WhatIf {
        scope: scope(&scenario),
        changes: in_words(change, student.is_some()),
        before,
        after,
        ratio,
        warnings,
        published: effects(change, &scenario.hardware.device, batch),
    })
}

/// The key of the time to start a kernel or a step.
const START: &str = "start-seconds";
/// The key of the share of the memory bandwidth that is reached.
const BANDWIDTH: &str = "bandwidth-share";

/// What of the estimate before the change the change rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis {
    /// The time to start a kernel or a step.
    start: f64,
    /// The share of the memory bandwidth that is reached.
    bandwidth_share: f64,
}

impl Basis {
    pub(crate) fn of(estimate: &Estimate) -> Self {
        let value = |key: &str| estimate.assumptions.iter().find(|item| item.key == key).map(|item| item.value);
        Self { start: value(START).unwrap_or(0.0), bandwidth_share: value(BANDWIDTH).unwrap_or(1.0) }
    }
}

/// Applies a change and puts what it does to the machine into the scenario.
///
/// # Errors
/// A device that there is not.
pub(crate) fn ready(
    scenario: &Scenario,
    subject: Subject<'_>,
    change: &Compression,
    basis: Basis,
) -> Result<Ready, EstimateError> {
    let id = &scenario.hardware.device;
    let device = hardware::device(id)
        .ok_or_else(|| EstimateError::UnknownDevice { id: crate::notes::clip(id), near: Vec::new() })?;
    let asked = scenario.hardware.precision.as_deref().and_then(Precision::from_code);
    let usual = asked.or_else(|| energy::usual_precision(device)).unwrap_or(Precision::Fp32);
    let changed =
        change::apply(subject, change, Machine { device, precision: usual, bandwidth_share: basis.bandwidth_share });
    let mut scenario = Scenario { compression: None, ..scenario.clone() };
    scenario.hardware.precision = Some(changed.precision.unwrap_or(usual).code().to_owned());
    match changed.start {
        Start::Same => {}
        Start::Added(seconds) => _ = scenario.set.insert(START.to_owned(), basis.start + seconds),
        Start::Set(seconds) => _ = scenario.set.insert(START.to_owned(), seconds),
    }
    let summary = match change.is_none() {
        true => subject.summary.clone(),
        false => changed.summary.clone(),
    };
    Ok(Ready { scenario, summary, changed, device, usual })
}

/// Bytes that a pass or a step moves.
fn traffic(ready: &Ready, batch: u64) -> Option<Bytes> {
    let (summary, usual) = (&ready.summary, ready.usual);
    let each = summary.weight_bytes_each.unwrap_or(f64::from(usual.bits()) / 8.0);
    if let Some(language) = &summary.language {
        return Some(Bytes(energy::parameters_read(language, batch as f64) * each / ready.changed.unpacking));
    }
    let stored = summary.weight_bytes.zip(summary.parameters).filter(|(_, parameters)| *parameters > 0);
    let stored = stored.map(|(bytes, parameters)| bytes as f64 / parameters as f64)?;
    let activation = f64::from(usual.bits().max(8)) / 8.0;
    let scale = batch as f64 / summary.batch.max(1) as f64;
    let moved = summary.layers.iter().map(|term| {
        term.weight_bytes as f64 * each / stored + term.activation_bytes as f64 * activation / stored * scale
    });
    Some(Bytes(moved.sum()))
}

fn outcome(estimate: &Estimate, size: &Size, ready: &Ready, traffic: Option<Bytes>) -> Outcome {
    let service = estimate.service.as_ref();
    let zero = crate::range::Range::exact(crate::range::Ratio(0.0));
    let items = estimate.per_request_wh.map_or(1.0, |each| {
        // Requests that the estimate covers: energy of all over energy of one.
        let one = each.central.0 / crate::units::WATT_HOURS_PER_KILOWATT_HOUR;
        if one > 0.0 { (estimate.energy_kwh.central.0 / one).round().max(1.0) } else { 1.0 }
    });
    let each = |dollars: Dollars| Dollars(dollars.0 / items * REQUESTS);
    let precision = ready.scenario.hardware.precision.as_deref().and_then(Precision::from_code).unwrap_or(ready.usual);
    Outcome {
        parameters: size.parameters.round() as u64,
        weight_bytes: Bytes(size.weight_bytes),
        file_bytes: Bytes(size.file_bytes),
        macs: size.macs.round() as u64,
        kernels: (size.kernels > 0.0).then_some(size.kernels.round() as u64),
        traffic_bytes: traffic,
        precision: precision.code().to_owned(),
        computed_in: ready.device.peak(precision).map_or(precision, |peak| peak.computed_in).code().to_owned(),
        latency_s: service.map_or(zero.map(|_| crate::units::Seconds(0.0)), |service| service.latency_s),
        capacity_per_s: service.map_or(zero, |service| service.capacity_per_s),
        energy_wh: estimate.per_request_wh.unwrap_or_else(|| zero.map(|_| crate::units::WattHours(0.0))),
        co2e_g: estimate.per_request_co2e_g.unwrap_or(zero),
        electricity_usd_per_1000: estimate.cost_usd.map(each),
        rent_usd_per_1000: estimate.rent_usd.map(|rent| rent.map(each)),
        fits: estimate.memory.fits,
        compute_bound: service.map_or(crate::range::Ratio(0.0), |service| service.compute_bound),
        memory_bound: service.map_or(crate::range::Ratio(0.0), |service| service.memory_bound),
        overhead: service.map_or(crate::range::Ratio(0.0), |service| service.overhead),
    }
}

fn scope(scenario: &Scenario) -> String {
    match &scenario.workload {
        Workload::Serve(Serving { batch, requests_per_day: Some(rate), .. }) => {
            format!(
                "one request of {} a day, in batches of {batch}, with its share of idle time",
                crate::format::number(*rate)
            )
        }
        Workload::Serve(Serving { batch, .. }) => format!("one request in a batch of {batch}, without idle time"),
        Workload::Train(_) => String::new(),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", crate::format::number(share * 100.0))
}

/// A change in words.
pub fn in_words(change: &Compression, has_student: bool) -> Vec<String> {
    let mut said = Vec::new();
    if has_student {
        said.push("distilled to a network of its own description".to_owned());
    } else if let Some(distil) = change.distil {
        said.push(format!(
            "distilled to {} of the layers and {} of the width",
            percent(distil.layers),
            percent(distil.width)
        ));
    }
    match change.prune {
        Some(Prune::Structured { share }) => {
            said.push(format!("{} of all channels, heads and hidden units left out", percent(share)))
        }
        Some(Prune::Unstructured { share, storage }) => {
            said.push(format!(
                "{} of the weights set to zero, stored {}",
                percent(share),
                match storage.code() {
                    "dense" => "with their zeros",
                    "bitmap" => "with a bit for each",
                    _ => "as sparse rows",
                }
            ));
        }
        Some(Prune::TwoOfFour) => said.push("two of every four weights left out".to_owned()),
        None => {}
    }
    if let Some(format) = change.quantize {
        let layout = change::layout(format);
        let group = change.group.filter(|_| layout.bits <= 8.0).or(layout.group);
        let group = group.map(|group| format!(" in groups of {group}")).unwrap_or_default();
        let what = if layout.is_weight_only { "weights alone" } else { "weights and activations" };
        said.push(format!("{what} in {}{group}", format.code().trim_end_matches("-weight-only").to_uppercase()));
    }
    match change.software {
        Some(Software::Eager) => said.push("run operator by operator".to_owned()),
        Some(Software::Fused) => said.push("operators joined into kernels".to_owned()),
        Some(Software::Graph) => said.push("operators joined, and all kernels of a pass started together".to_owned()),
        None => {}
    }
    if !change.keep.is_empty() && (change.quantize.is_some() || change.prune.is_some()) {
        said.push(format!("left alone: {}", change.keep.join(", ")));
    }
    said
}

/// The published effects of a change, of each of its parts.
pub fn effects(change: &Compression, device: &str, batch: u64) -> Vec<PublishedEffect> {
    let mut words: Vec<&str> = Vec::new();
    words.extend(change.quantize.map(|format| format.code()));
    words.extend(match change.prune {
        Some(Prune::TwoOfFour) => Some("2:4"),
        Some(Prune::Structured { .. }) => Some("structured"),
        Some(Prune::Unstructured { .. }) | None => None,
    });
    words.extend(change.distil.map(|_| "distil"));
    words.extend(change.software.filter(|software| *software != Software::Eager).map(Software::code));
    let each = (MOST_PUBLISHED / words.len().max(1)).max(2);
    words.iter().flat_map(|word| published::of(word, device, batch).into_iter().take(each)).map(record).collect()
}

/// An effect as a record.
pub fn record(effect: &published::Effect) -> PublishedEffect {
    PublishedEffect {
        method: effect.method.clone(),
        model: effect.model.clone(),
        hardware: effect.hardware.clone(),
        batch: match effect.batch {
            None => String::new(),
            Some((low, high)) if low == high => low.to_string(),
            Some((low, high)) => format!("{low} to {high}"),
        },
        metric: effect.metric.code().to_owned(),
        value: effect.value,
        unit: effect.metric.unit().to_owned(),
        note: effect.note.clone(),
        source: effect.evidence.source.citation(),
        certainty: effect.evidence.certainty.word().to_owned(),
    }
}

/// A size for people.
fn readable(bytes: f64) -> String {
    Bytes::of(bytes).readable()
}
