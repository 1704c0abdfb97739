//! What stands in the way of a scenario: memory that is too small, devices without work, requests that pile up, runs that outlast their machines.
//!
//! Each obstacle is told with numbers and with the least number of devices that would do, where more devices would.
//! Time and energy are not computed here.

use super::assumptions::Key;
use super::case::Case;
use super::figures::{Figure, Spread};
use super::{parallel, serving};
use crate::format::{self, Readable};
use crate::report::{MemoryFit, MemoryPart, Obstacle};
use crate::scenario::Workload;
use crate::units::{Bytes, DAYS_PER_YEAR, HOURS_PER_DAY, Hours};

/// What the workload needs of each device's memory, and whether it fits.
pub(crate) fn memory(case: &Case<'_>) -> MemoryFit {
    let parts: Vec<MemoryPart> = match &case.scenario.workload {
        Workload::Train(training) => parallel::memory(case, training),
        Workload::Serve(serving) => serving::memory(case, serving),
    };
    let known: Vec<Bytes> = parts.iter().filter_map(|part| part.bytes).collect();
    let needed = (!known.is_empty()).then(|| known.iter().copied().sum());
    let needed_is_least = known.len() < parts.len();
    let available = case.device.memory();
    let fits = match (available, needed) {
        // What is known does not fit already.
        (Some(available), Some(needed)) if needed > available => Some(false),
        (Some(_), Some(_)) if !needed_is_least => Some(true),
        _ => None,
    };
    MemoryFit { needed, needed_is_least, available, fits, parts }
}

/// Everything that stands in the way, what cannot run at all in front.
pub(crate) fn obstacles(case: &Case<'_>, memory: &MemoryFit, spread: &Spread) -> Vec<Obstacle> {
    [of_plan(case), of_memory(case, memory), of_batch(case), of_load(case, spread), of_time(case, spread)]
        .into_iter()
        .flatten()
        .collect()
}

fn of_memory(case: &Case<'_>, memory: &MemoryFit) -> Option<Obstacle> {
    let (Some(false), Some(needed), Some(available)) = (memory.fits, memory.needed, memory.available) else {
        return None;
    };
    let least_devices = match &case.scenario.workload {
        Workload::Train(training) => parallel::least_devices(case, training, available),
        // What a language model keeps is split over its devices.
        _ if case.language.is_some() => Some((needed * case.devices() / available).ceil()),
        _ => None,
    };
    let remedy = match (&case.scenario.workload, least_devices) {
        (Workload::Train(training), _) => parallel::remedy(case, training, available),
        (_, Some(least)) => format!("at least {} of them hold it; a lower precision, a smaller batch or a device with more memory would help too", format::number(least)),
        (_, None) => "more devices do not help, for each holds the whole model; a smaller batch, a lower precision or a device with more memory would".to_owned(),
    };
    Some(Obstacle::Memory {
        text: format!(
            "it does not fit: {}{} are needed on each {}, which has {}; {remedy}. The figures are those of a device on which it would fit",
            if memory.needed_is_least { "at least " } else { "" },
            needed.readable(),
            case.device.name,
            available.readable()
        ),
        needed,
        needed_is_least: memory.needed_is_least,
        available,
        least_devices: least_devices.map(|least| least as u64),
    })
}

/// A plan that cannot be carried out.
fn of_plan(case: &Case<'_>) -> Option<Obstacle> {
    match &case.scenario.workload {
        Workload::Train(training) => parallel::impossible(case, training),
        Workload::Serve(_) => None,
    }
}

/// Devices that share out a batch of fewer samples than there are devices.
fn of_batch(case: &Case<'_>) -> Option<Obstacle> {
    let Workload::Train(training) = &case.scenario.workload else { return None };
    let devices = case.scenario.hardware.count;
    if case.model.language.is_some() || training.batch >= devices {
        return None;
    }
    let samples = if training.batch == 1 { "sample" } else { "samples" };
    Some(Obstacle::IdleDevices {
        text: format!(
            "a batch of {} {samples} keeps at most {} of {} devices busy; a batch of {} and more, or fewer devices, would use all. The figures are those of devices that all work",
            format::whole(training.batch),
            format::whole(training.batch),
            format::whole(devices),
            format::whole(devices),
        ),
        batch: training.batch,
        devices,
    })
}

/// Requests that arrive faster than the devices answer.
fn of_load(case: &Case<'_>, spread: &Spread) -> Option<Obstacle> {
    let load = spread.central.get(Figure::Load);
    if load <= 1.0 {
        return None;
    }
    let least = (load * case.devices()).ceil();
    Some(Obstacle::Overload {
        text: format!(
            "the devices cannot keep up: the requests are {} times what they answer and need about {} of them; energy is counted for those",
            format::number(load),
            format::number(least)
        ),
        load,
        least_devices: least as u64,
    })
}

/// A run that takes longer than the machines last.
fn of_time(case: &Case<'_>, spread: &Spread) -> Option<Obstacle> {
    let Workload::Train(_) = case.scenario.workload else { return None };
    let years = case.assumptions.central().get(Key::LifetimeYears);
    let hours = Hours(spread.central.get(Figure::Hours));
    let life = years * DAYS_PER_YEAR * HOURS_PER_DAY;
    if hours.0 <= life || life <= 0.0 {
        return None;
    }
    let least = (hours.0 * case.devices() / life).ceil();
    Some(Obstacle::TooLong {
        text: format!(
            "it would take {}, longer than the machines last ({} years); {} devices would be done within their life",
            hours.readable(),
            format::number(years),
            format::number(least)
        ),
        hours,
        least_devices: least as u64,
    })
}
