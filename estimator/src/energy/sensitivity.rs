//! “What changes it most?”: the same scenario with one assumption at its ends, or with one choice made otherwise.

use super::case::Case;
use super::figures::{Figure, Figures};
use super::{central, serving, training};
use crate::carbon::grids::Grid;
use crate::carbon::sites;
use crate::format;
use crate::hardware::{self, Kind, Precision};
use crate::report::{Alternative, Sensitivity};
use crate::scenario::{Scenario, Workload};
use crate::units::{Hours, KilogramsCo2e, KilowattHours};

/// How many years around the chosen device's alternatives come from.
const YEARS_AROUND: u16 = 5;
/// Batches that a service may be compared with.
const BATCHES: [u64; 2] = [1, 64];
/// Below this relative change an assumption is not listed.
const LEAST_CHANGE: f64 = 0.001;

/// All assumptions and choices that matter, the one that moves emissions most in front.
pub(crate) fn of(case: &Case<'_>, chosen: &Figures) -> Vec<Sensitivity> {
    let mut all = assumptions(case);
    all.extend(choice(case, "region", "Region", regions(case)));
    all.extend(choice(case, "device", "Device", devices(case)));
    all.extend(choice(case, "precision", "Precision", precisions(case)));
    all.extend(choice(case, "batch", "Batch", batches(case)));
    let swing = |item: &Sensitivity| {
        let (low, high) = (item.low.total_co2e_kg.0, item.high.total_co2e_kg.0);
        if low > 0.0 { libm::log(high / low) } else { f64::MAX.min(high) }
    };
    let worth = chosen.get(Figure::TotalCo2e);
    all.retain(|item| worth <= 0.0 || (item.high.total_co2e_kg.0 - item.low.total_co2e_kg.0) / worth > LEAST_CHANGE);
    all.sort_by(|a, b| swing(b).total_cmp(&swing(a)));
    all
}

fn alternative(label: String, value: String, figures: &Figures) -> Alternative {
    Alternative {
        label,
        value,
        energy_kwh: KilowattHours(figures.get(Figure::Energy)),
        total_co2e_kg: KilogramsCo2e(figures.get(Figure::TotalCo2e)),
        hours: Hours(figures.get(Figure::Hours)),
    }
}

/// The two cases in order of their emissions.
fn ordered(key: &str, name: &str, one: Alternative, other: Alternative) -> Sensitivity {
    let (low, high) = if one.total_co2e_kg <= other.total_co2e_kg { (one, other) } else { (other, one) };
    Sensitivity { key: key.to_owned(), name: name.to_owned(), low, high }
}

fn assumptions(case: &Case<'_>) -> Vec<Sensitivity> {
    let compute = |values| match &case.scenario.workload {
        Workload::Train(training) => {
            training::pass(case, training).ok().map(|pass| training::figures(case, pass, values))
        }
        Workload::Serve(serving) => Some(serving::figures(case, serving, values)),
    };
    case.assumptions
        .iter()
        .filter(|item| item.span.low < item.span.high)
        .filter_map(|item| {
            let end = |value: f64| {
                let figures = compute(case.assumptions.with(item.key, value))?;
                let unit = match item.unit.as_str() {
                    "ratio" | "share" | "count" => "",
                    unit => unit,
                };
                let label = format!("{} {unit}", format::number(value)).trim_end().to_owned();
                Some(alternative(label, value.to_string(), &figures))
            };
            Some(ordered(item.key.code(), &item.name, end(item.span.low.0)?, end(item.span.high.0)?))
        })
        .collect()
}

/// The best and the worst of several other scenarios, each with a label and the value to put in.
fn choice(
    case: &Case<'_>,
    key: &str,
    name: &str,
    others: impl Iterator<Item = (String, String, Scenario)>,
) -> Option<Sensitivity> {
    let mut found: Vec<Alternative> = others
        .filter_map(|(label, value, scenario)| {
            let figures = central(&scenario, case.model).ok()?;
            Some(alternative(label, value, &figures))
        })
        .collect();
    found.sort_by(|a, b| a.total_co2e_kg.0.total_cmp(&b.total_co2e_kg.0));
    let high = found.pop()?;
    let low = if found.is_empty() { return None } else { found.swap_remove(0) };
    Some(Sensitivity { key: key.to_owned(), name: name.to_owned(), low, high })
}

/// The cleanest and the dirtiest grid among those on which cloud regions run, at the chosen site's PUE.
fn regions<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (String, String, Scenario)> + 'a {
    let mut grids: Vec<&'static Grid> = sites::all()
        .iter()
        .filter(|site| site.kind == sites::Kind::Cloud)
        .filter_map(|site| site.grid())
        .filter(|grid| grid.intensity.basis == crate::carbon::grids::Basis::Lifecycle)
        .collect();
    grids.sort_by(|a, b| a.intensity.value.0.total_cmp(&b.intensity.value.0));
    let ends = [grids.first().copied(), grids.last().copied()];
    let is_set = case.scenario.set.contains_key("grid-intensity");
    ends.into_iter().flatten().filter(move |_| !is_set).map(|grid| {
        let mut scenario = case.scenario.clone();
        // The grid alone changes: the building and its PUE stay.
        scenario.site.grid = Some(grid.id.clone());
        scenario.site.basis = None;
        scenario.site.year = None;
        (grid.name.clone(), grid.id.clone(), scenario)
    })
}

/// Takes out what was set for a device: it says nothing about another.
pub(crate) fn forget_device(scenario: &mut Scenario) {
    for key in
        ["accelerator-watts", "idle-watts", "host-watts", "mfu", "embodied-accelerator", "embodied-host", "rent-price"]
    {
        scenario.set.remove(key);
    }
}

/// Accelerators of the same sort from about the same years that have the precision themselves and whose power is published.
fn devices<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (String, String, Scenario)> + 'a {
    let chosen = case.device;
    let is_server = |form: &str| ["sxm", "oam", "superchip"].contains(&form);
    hardware::devices()
        .iter()
        .filter(|device| device.kind == chosen.kind || (chosen.kind == Kind::Gpu && device.kind == Kind::Npu))
        .filter(move |device| is_server(&device.form) == is_server(&chosen.form))
        .filter(|device| device.year.abs_diff(chosen.year) <= YEARS_AROUND)
        .filter(|device| device.own_peak(case.precision).is_some() && device.most_power().is_some())
        .map(|device| {
            let mut scenario = case.scenario.clone();
            scenario.hardware.device = device.id.clone();
            scenario.hardware.precision = Some(case.precision.code().to_owned());
            forget_device(&mut scenario);
            (device.name.clone(), device.id.clone(), scenario)
        })
}

/// The precisions that the device computes in; training does not use integers.
fn precisions<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (String, String, Scenario)> + 'a {
    let trains = matches!(case.scenario.workload, Workload::Train(_));
    case.device
        .precisions()
        .filter(move |precision| {
            let integer = matches!(precision, Precision::Int8 | Precision::Int4 | Precision::Fp4);
            *precision != Precision::Fp64 && *precision != Precision::Fp16Accumulate16 && !(trains && integer)
        })
        .map(|precision| {
            let mut scenario = case.scenario.clone();
            scenario.hardware.precision = Some(precision.code().to_owned());
            (precision.code().to_uppercase(), precision.code().to_owned(), scenario)
        })
}

/// Other batches of a service.
fn batches<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (String, String, Scenario)> + 'a {
    BATCHES.into_iter().filter_map(|batch| {
        let mut scenario = case.scenario.clone();
        match &mut scenario.workload {
            Workload::Serve(serving) => serving.batch = batch,
            Workload::Train(_) => return None,
        }
        Some((format!("batch {batch}"), batch.to_string(), scenario))
    })
}
