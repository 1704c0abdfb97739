//! A measured run beside our estimate of the same: what differs, and what the measurement would set.
//!
//! The estimate is asked for with the run's own devices and place. Draws are compared as watts, so that the work need not be known;
//! hours are compared where the scenario's work is that of the run. Which assumptions there are, the estimate itself says.

use crate::carbon::places;
use crate::energy::{self, EstimateError};
use crate::format;
use crate::hardware;
use crate::notes::Notes;
use crate::range::{Range, Ratio};
use crate::report::{
    Adjustment, Assumption, Beside, BesideDifference, BesideRow, Boundary, DeviceRole, Estimate, MeasuredRun, Method,
    Stage,
};
use crate::scenario::{ModelSummary, Scenario, Workload};
use crate::units::{JOULES_PER_KILOWATT_HOUR, SECONDS_PER_HOUR, WATT_HOURS_PER_KILOWATT_HOUR};

/// A scenario on the devices and in the place of a run, with what was taken from it.
pub fn scenario_of(run: &MeasuredRun, given: &Scenario) -> (Scenario, Vec<String>) {
    let mut scenario = given.clone();
    let mut basis = Vec::new();
    let named = |role: DeviceRole| run.devices.iter().find(move |device| device.role == role && device.id.is_some());
    let has_gpu = run.devices.iter().any(|device| device.role == DeviceRole::Gpu);
    // A processor stands for the run only where there is no accelerator.
    let device = named(DeviceRole::Gpu).or_else(|| named(DeviceRole::Cpu).filter(|_| !has_gpu));
    match device {
        Some(device) => {
            let id = device.id.clone().unwrap_or_default();
            if scenario.hardware.device != id {
                scenario.hardware.precision = None;
            }
            scenario.hardware.device = id;
            scenario.hardware.count = device.count.max(1);
            basis.push(format!("devices from the run: {} × {}", device.count.max(1), device.name));
        }
        None => basis.push(format!(
            "devices from the scenario ({} × {}): the run {}",
            scenario.hardware.count,
            hardware::device(&scenario.hardware.device)
                .map_or(scenario.hardware.device.as_str(), |device| device.name.as_str()),
            if run.devices.is_empty() { "names none" } else { "names none of our table" }
        )),
    }
    match &run.region {
        Some(region) => {
            // A cloud region of that country stays: it knows its own PUE.
            let here =
                places::get(&scenario.site.region).and_then(places::Place::grid).is_some_and(|grid| grid.id == *region);
            if !here {
                scenario.site.region.clone_from(region);
                scenario.site.grid = None;
            }
            basis.push(format!("place from the run: {}", run.place.as_deref().unwrap_or(region)));
        }
        None => basis.push("place from the scenario: the run names none of our table".to_owned()),
    }
    (scenario, basis)
}

/// What is measured of the devices that the scenario is about, by hour and device.
#[derive(Debug, Clone, Copy, Default)]
struct Draws {
    /// Watts of each accelerator (or of each processor where it is the device).
    device: Option<f64>,
    /// Watts around each.
    around: Option<f64>,
    /// Watts of all that the run's energy covers, for each device.
    all: Option<f64>,
}

/// Puts a run beside the estimate of a scenario for the model.
///
/// # Errors
/// As [`energy::estimate`].
pub fn beside(run: &MeasuredRun, given: &Scenario, model: &ModelSummary) -> Result<Beside, EstimateError> {
    let (scenario, mut basis) = scenario_of(run, given);
    let estimate = energy::estimate(&scenario, model)?;
    let mut notes = Notes::new();
    let hours = run.duration_s.map(|duration| duration.0 / SECONDS_PER_HOUR).filter(|hours| *hours > 0.0);
    let count = scenario.hardware.count.max(1) as f64;
    let is_cpu = hardware::device(&scenario.hardware.device).is_some_and(|device| device.kind == hardware::Kind::Cpu);
    let draws = draws(run, hours, count, is_cpu);
    let mut rows = Vec::new();
    let share = share_of_work(run, &scenario, &mut basis);

    let own = watts(&estimate, estimate.energy_parts_kwh.accelerators.central.0, "accelerator-watts");
    let host = watts(&estimate, estimate.energy_parts_kwh.host.central.0, "host-watts");
    push(&mut rows, "accelerator_watts", "Draw of each device", "W", draws.device, own);
    push(&mut rows, "host_watts", "Draw around each device", "W", draws.around, host);
    if let Some(hours) = hours {
        let covered = match run.boundary {
            Boundary::Accelerators => own,
            _ => own.zip(host).map(|(own, host)| own.plus(host)),
        };
        let equipment =
            covered.map(|watts| watts.times(Range::exact(Ratio(count * hours / WATT_HOURS_PER_KILOWATT_HOUR))));
        push(
            &mut rows,
            "equipment_kwh",
            "Energy of the equipment in the measured time",
            "kWh",
            run.equipment_kwh.map(|energy| energy.0),
            equipment,
        );
        let pue = assumption(&estimate, "pue").map(span);
        let metered = equipment.zip(pue).map(|(equipment, pue)| equipment.times(pue));
        // A figure without PUE is no figure at the meter.
        let at_meter = run.pue.is_some_and(|pue| pue > 1.0).then_some(run.energy_kwh).flatten();
        push(
            &mut rows,
            "energy_kwh",
            "Energy at the meter in the measured time",
            "kWh",
            at_meter.map(|energy| energy.0),
            metered,
        );
        let intensity = assumption(&estimate, "grid-intensity").map(span);
        let emissions = metered.zip(intensity).map(|(energy, intensity)| {
            energy.times(intensity.map(|grams: Ratio| Ratio(grams.0 / crate::units::GRAMS_PER_KILOGRAM)))
        });
        push(
            &mut rows,
            "co2e_kg",
            "Emissions in the measured time",
            "kgCO₂e",
            run.co2e_kg.map(|emissions| emissions.0),
            emissions,
        );
        if run.stage != Some(Stage::Inference) && matches!(scenario.workload, Workload::Train(_)) {
            let estimated = estimate.hours.map(|hours| Ratio(hours.0 * share));
            push(&mut rows, "hours", "Time of the work", "h", Some(hours), Some(estimated));
        }
    }
    if let Some(intensity) = run.intensity {
        let own = assumption(&estimate, "grid-intensity").map(span);
        push(&mut rows, "intensity", "Carbon intensity of the electricity", "gCO₂e/kWh", Some(intensity.0), own);
    }
    per_item(run, &estimate, &mut rows);

    let differences = differences(run, given, &scenario, &estimate, count);
    let adjustments =
        adjustments(run, &scenario, model, &estimate, draws, hours.map(|hours| hours / share), &mut notes);
    let mut adjusted = None;
    let mut adjusted_estimate = None;
    if !adjustments.is_empty() {
        let mut changed = scenario.clone();
        changed.set.extend(adjustments.iter().map(|one| (one.key.clone(), one.after)));
        adjusted_estimate = Some(Box::new(energy::estimate(&changed, model)?));
        adjusted = Some(changed);
    }
    Ok(Beside {
        run: run.name.clone(),
        scenario,
        basis,
        rows,
        differences,
        adjustments,
        adjusted,
        adjusted_estimate,
        warnings: notes.iter().cloned().collect(),
    })
}

fn draws(run: &MeasuredRun, hours: Option<f64>, count: f64, is_cpu: bool) -> Draws {
    let Some(hours) = hours else { return Draws::default() };
    let watts = |energy: f64| energy * WATT_HOURS_PER_KILOWATT_HOUR / hours / count;
    let parts = run.parts_kwh;
    let positive = |watts: &f64| *watts > 0.0;
    let all = run.equipment_kwh.map(|energy| watts(energy.0)).filter(positive);
    if run.boundary == Boundary::Wall {
        return Draws { all, ..Draws::default() };
    }
    let (device, around) = match is_cpu {
        true => (parts.cpu, parts.ram),
        false => (parts.gpu, parts.around()),
    };
    let of = |part: Option<crate::units::KilowattHours>| part.map(|energy| watts(energy.0)).filter(positive);
    Draws { device: of(device), around: of(around), all }
}

/// The share of the scenario's work that the run did, where both count epochs.
fn share_of_work(run: &MeasuredRun, scenario: &Scenario, basis: &mut Vec<String>) -> f64 {
    let Workload::Train(training) = &scenario.workload else { return 1.0 };
    let measured = run.epochs.len() as f64;
    if measured > 0.0 && training.tokens.is_none() && training.epochs > 0.0 {
        basis.push(format!(
            "{measured} measured epochs of the {} that the scenario trains",
            format::number(training.epochs)
        ));
        return measured / training.epochs;
    }
    basis.push("the work is the scenario’s, as a whole: the times compare only if the run did just that".to_owned());
    1.0
}

fn assumption<'e>(estimate: &'e Estimate, key: &str) -> Option<&'e Assumption> {
    estimate.assumptions.iter().find(|item| item.key == key)
}

fn span(item: &Assumption) -> Range<Ratio> {
    Range::new(Ratio(item.low), Ratio(item.value), Ratio(item.high))
}

/// The draw behind an energy of the estimate, with the span of the assumption that it rests on.
fn watts(estimate: &Estimate, energy: f64, key: &str) -> Option<Range<Ratio>> {
    let hours = estimate.device_hours.central.0;
    let centre = if hours > 0.0 { energy * WATT_HOURS_PER_KILOWATT_HOUR / hours } else { return None };
    if centre <= 0.0 {
        return None;
    }
    let relative = |item: &Assumption| {
        let over = |end: f64| Ratio(if item.value > 0.0 { end / item.value } else { 1.0 });
        Range::new(over(item.low), Ratio(1.0), over(item.high))
    };
    let mut range = Range::exact(Ratio(centre));
    for key in [key, "unexplained-draw"] {
        if let Some(item) = assumption(estimate, key) {
            range = range.times(relative(item));
        }
    }
    Some(range)
}

fn push(
    rows: &mut Vec<BesideRow>,
    key: &str,
    name: &str,
    unit: &str,
    measured: Option<f64>,
    estimated: Option<Range<Ratio>>,
) {
    let (Some(measured), Some(estimated)) = (measured, estimated) else { return };
    if !measured.is_finite() || !estimated.high.0.is_finite() {
        return;
    }
    rows.push(BesideRow {
        key: key.to_owned(),
        name: name.to_owned(),
        unit: unit.to_owned(),
        measured,
        estimated,
        ratio: (measured > 0.0).then(|| estimated.central.0 / measured),
        inside: (estimated.low.0..=estimated.high.0).contains(&measured),
    });
}

/// Joules for each token or request, of the accelerators where the run has these alone.
fn per_item(run: &MeasuredRun, estimate: &Estimate, rows: &mut Vec<BesideRow>) {
    let joules = run.parts_kwh.gpu.map(|energy| energy.0 * JOULES_PER_KILOWATT_HOUR);
    let count =
        |of: &str| run.items.iter().find(|items| items.of == of).map(|items| items.count).filter(|count| *count > 0.0);
    let plain = |range: Range<crate::units::Joules>| range.map(|joules| Ratio(joules.0));
    let each = |of: &str| joules.zip(count(of)).map(|(joules, count)| joules / count);
    push(
        rows,
        "j_per_output_token",
        "Energy of the accelerators for each token of an answer",
        "J",
        each("output tokens"),
        estimate.accelerator_j_per_output_token.map(plain),
    );
    push(
        rows,
        "j_per_request",
        "Energy of the accelerators for each request",
        "J",
        each("requests"),
        estimate.accelerator_j_per_request.map(plain),
    );
}

fn differences(
    run: &MeasuredRun,
    given: &Scenario,
    scenario: &Scenario,
    estimate: &Estimate,
    count: f64,
) -> Vec<BesideDifference> {
    let mut found = Vec::new();
    let mut say = |key: &str, text: String| found.push(BesideDifference { key: key.to_owned(), text });
    match run.boundary {
        Boundary::Accelerators => say("boundary", "the measurement is of the accelerators alone; our estimate at the meter also has the computer around them, the network and the building".to_owned()),
        Boundary::Chips => say("boundary", "the measurement is of processors and accelerators; memory, disks, fans and power supplies are in our estimate and not in it".to_owned()),
        Boundary::ChipsAndMemory => say("boundary", "the measurement is of processors, accelerators and memory; disks, fans and power supplies are in our estimate and not in it".to_owned()),
        Boundary::Wall => say("boundary", "the measurement is of whole computers at the plug, as our estimate of accelerators and host is".to_owned()),
        Boundary::Unknown => say("boundary", "what the measurement covers is not stated".to_owned()),
    }
    let own_pue = assumption(estimate, "pue").map(|item| item.value);
    match (run.pue, own_pue) {
        (Some(pue), Some(own)) if pue > 1.0 => say(
            "pue",
            format!("the tool multiplied by a PUE of {}, we by {}", format::number(pue), format::number(own)),
        ),
        (Some(_), Some(own)) => {
            say("pue", format!("no PUE is in the measurement; our figures at the meter have {}", format::number(own)))
        }
        (None, Some(own)) => say(
            "pue",
            format!(
                "whether the tool multiplied by a PUE is not known; our figures at the meter have {}",
                format::number(own)
            ),
        ),
        _ => {}
    }
    let share = run.parts_kwh.ram.zip(run.parts_kwh.sum()).filter(|(_, sum)| sum.0 > 0.0).map(|(ram, sum)| ram / sum);
    if let Some(share) = share.filter(|share| *share > 0.02 && run.method != Method::Measured) {
        say(
            "ram",
            format!(
                "{:.0} % of the tool’s energy is memory at a constant draw; ours has memory in the draw of the host, from measured servers",
                share * 100.0
            ),
        );
    }
    let gpus: u64 = run.devices.iter().filter(|device| device.role == DeviceRole::Gpu).map(|device| device.count).sum();
    if gpus > 1 && given.hardware.count < gpus && given.hardware.device == scenario.hardware.device {
        say(
            "idle_gpus",
            format!(
                "the run counts {gpus} GPUs and the scenario works with {}: those that only idled are in the measurement too",
                given.hardware.count
            ),
        );
    }
    let others = run.devices.iter().filter(|device| {
        device.role == DeviceRole::Gpu && device.id.as_deref() != Some(scenario.hardware.device.as_str())
    });
    if let Some(other) = others.into_iter().next().filter(|_| gpus as f64 > count) {
        say(
            "idle_gpus",
            format!("the run also counts {} × {}, which the estimate leaves out", other.count, other.name),
        );
    }
    let own_intensity = assumption(estimate, "grid-intensity").map(|item| item.value);
    match (run.intensity, own_intensity) {
        (Some(used), Some(own)) if own > 0.0 && (used.0 / own - 1.0).abs() > 0.02 => say(
            "intensity",
            format!(
                "the tool counts {} gCO₂e for each kWh, we {}: another year, another basis (direct or lifecycle) or another place",
                format::number(used.0),
                format::number(own)
            ),
        ),
        (None, Some(own)) => say(
            "intensity",
            format!("the tool states no carbon intensity; ours is {} gCO₂e for each kWh", format::number(own)),
        ),
        _ => {}
    }
    match run.method {
        Method::Modelled => say(
            "method",
            "the tool computed from ratings and did not measure; ratings are upper bounds of the draw".to_owned(),
        ),
        Method::Mixed => say(
            "method",
            "a part of the tool’s energy may come from ratings and constants, not from sensors".to_owned(),
        ),
        Method::Measured | Method::Unknown => {}
    }
    found
}

/// What the measurement would set, as far as the estimate has such assumptions and the values are possible.
fn adjustments(
    run: &MeasuredRun,
    scenario: &Scenario,
    model: &ModelSummary,
    estimate: &Estimate,
    draws: Draws,
    whole_hours: Option<f64>,
    notes: &mut Notes,
) -> Vec<Adjustment> {
    let mut found: Vec<Adjustment> = Vec::new();
    let mut set = |key: &str, after: f64, why: String, notes: &mut Notes| {
        let Some(item) = assumption(estimate, key) else { return };
        // Four digits: a measurement claims no more.
        let after = digits(after);
        if !(item.least..=item.most).contains(&after) {
            notes.warn(
                "",
                format!(
                    "{} would have to be {}, which cannot be (from {} to {}): {why}",
                    item.name,
                    format::number(after),
                    item.least,
                    item.most
                ),
            );
            return;
        }
        found.push(Adjustment {
            key: key.to_owned(),
            name: item.name.clone(),
            unit: item.unit.clone(),
            before: item.value,
            after,
            why,
        });
    };
    if let Some(device) = draws.device {
        set("accelerator-watts", device, "energy of the devices ÷ their number ÷ measured time".to_owned(), notes);
    }
    if let (Boundary::Wall, Some(all)) = (run.boundary, draws.all) {
        let own = assumption(estimate, "accelerator-watts").map(|item| item.value);
        if let Some(rest) = own.map(|own| all - own) {
            set(
                "host-watts",
                rest,
                "measured draw at the plug minus the estimated draw of the devices".to_owned(),
                notes,
            );
        }
    }
    if let Some(pue) = run.pue.filter(|pue| *pue > 1.0) {
        set("pue", pue, "the PUE that the tool used".to_owned(), notes);
    }
    if let Some(intensity) = run.intensity {
        set("grid-intensity", intensity.0, "the carbon intensity that the tool used".to_owned(), notes);
    }
    let trains = matches!(scenario.workload, Workload::Train(_)) && run.stage != Some(Stage::Inference);
    if let (true, Some(hours), Some(item)) = (trains, whole_hours, assumption(estimate, "mfu")) {
        // Hours go with one over the utilisation; with it set, nothing else stretches them.
        let mut trial = scenario.clone();
        trial.set.insert("mfu".to_owned(), item.value);
        if let Ok(trial) = energy::estimate(&trial, model) {
            let needed = item.value * trial.hours.central.0 / hours;
            set(
                "mfu",
                needed,
                "operations of the scenario’s work ÷ measured time ÷ peak; only if the run did just this work"
                    .to_owned(),
                notes,
            );
        }
    }
    found
}

/// A positive number with four significant digits.
fn digits(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let scale = libm::pow(10.0, 3.0 - libm::log10(value).floor());
    if scale.is_finite() && scale > 0.0 { (value * scale).round() / scale } else { value }
}
