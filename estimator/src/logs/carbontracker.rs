//! Carbontracker's two logs: `*_carbontracker.log` (epochs and watts) and `*_carbontracker_output.log` (printed results).
//!
//! The energy that it prints contains its PUE, the watts of its epochs do not. Its own parser takes every printed result for that of
//! one epoch; how many epochs were measured is counted here. Read in Carbontracker 2.4.7's `tracker.py`, `loggerutil.py` and `parser.py`.

use super::clock;
use super::error::LogError;
use super::names;
use super::text::{Text, sensible};
use crate::carbon::factors;
use crate::notes::Notes;
use crate::report::{Boundary, DeviceRole, Epoch, Measured, MeasuredDevice, MeasuredParts, MeasuredRun, Method, Stage};
use crate::units::{
    GRAMS_PER_KILOGRAM, GramsPerKilowattHour, JOULES_PER_KILOWATT_HOUR, KilogramsCo2e, KilowattHours, Seconds,
};
use std::collections::BTreeMap;

/// The most epochs that are kept.
const MOST_EPOCHS: usize = 100_000;

/// Whether a file is of this tool.
pub(super) fn recognises(beginning: &str) -> bool {
    // The tool's own errors stand in a third file, which holds no figure.
    beginning.lines().take(20).any(|line| {
        let message = message(line);
        message.starts_with("carbontracker version") || message.starts_with("CarbonTracker: ")
    })
}

/// What stands behind the date of a line.
fn message(line: &str) -> &str {
    line.split_once(" - ").map_or("", |(_, message)| message)
}

/// Epochs and watts.
#[derive(Default)]
struct Standard {
    version: Option<String>,
    pue: Option<f64>,
    devices: Vec<MeasuredDevice>,
    epochs: Vec<WattsOfEpoch>,
    intensity: Option<f64>,
    place: Option<String>,
    interrupted: bool,
}

#[derive(Default)]
struct WattsOfEpoch {
    seconds: f64,
    cpu: Option<f64>,
    gpu: Option<f64>,
}

/// Printed results.
#[derive(Default)]
struct Printed {
    actual: Option<Told>,
    predicted: Option<(u64, Told)>,
    devices: Vec<MeasuredDevice>,
    intensity: Option<f64>,
}

#[derive(Default, Clone, Copy)]
struct Told {
    epochs: Option<u64>,
    seconds: Option<f64>,
    energy: Option<f64>,
    grams: Option<f64>,
}

/// Reads the files; the two logs of one run are told by their names.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    let mut pairs: BTreeMap<String, (Option<&Text>, Option<&Text>)> = BTreeMap::new();
    for text in texts {
        let is_standard =
            text.beginning().lines().take(5).any(|line| message(line).starts_with("carbontracker version"));
        let stem = text.name.rsplit_once("_carbontracker").map_or(text.name.as_str(), |(stem, _)| stem);
        // One of each kind belongs together even where somebody renamed them.
        let key = if texts.len() == 2 { String::new() } else { stem.to_owned() };
        let pair = pairs.entry(key).or_default();
        match if is_standard { &mut pair.0 } else { &mut pair.1 } {
            slot @ None => *slot = Some(text),
            Some(_) => {
                let own = pairs.entry(text.name.clone()).or_default();
                *(if is_standard { &mut own.0 } else { &mut own.1 }) = Some(text);
            }
        }
        measured.files.push(text.name.clone());
    }
    for (standard, printed) in pairs.into_values() {
        let name = standard.or(printed).map(|text| text.name.clone()).unwrap_or_default();
        let standard = standard.map(read_standard).transpose()?;
        let printed = printed.map(read_printed).transpose()?;
        if let Some(version) = standard.as_ref().and_then(|standard| standard.version.clone()) {
            measured.version = Some(version);
        }
        if let Some(run) = settle(&name, standard, printed, &mut notes) {
            measured.runs.push(run);
        }
    }
    if measured.runs.is_empty() {
        let first =
            texts.first().ok_or_else(|| LogError { file: String::new(), line: None, fault: super::LogFault::Empty })?;
        return Err(first.no_run("no epoch was measured: the log ends before the first one"));
    }
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn read_standard(text: &Text) -> Result<Standard, LogError> {
    let mut found = Standard::default();
    for (number, line) in text.lines() {
        let message = message(line);
        if let Some(version) = message.strip_prefix("carbontracker version ") {
            found.version = Some(crate::notes::clip(version.trim()));
        } else if let Some((_, rest)) = message.split_once("PUE coefficient of ") {
            let figure: String = rest.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect();
            found.pue = figure.trim_end_matches('.').parse().ok().and_then(sensible).filter(|pue| *pue >= 1.0);
        } else if let Some(devices) = message.strip_prefix("The following components were found:") {
            found.devices = read_devices(devices);
        } else if let Some(duration) = message.strip_prefix("Duration: ") {
            let seconds = clock::duration(duration).ok_or_else(|| {
                text.broken(
                    Some(number),
                    format!("“{}” is no duration; expected hours:minutes:seconds", crate::notes::clip(duration)),
                )
            })?;
            if found.epochs.len() >= MOST_EPOCHS {
                return Err(text.over(format!("more than {MOST_EPOCHS} epochs are not read")));
            }
            found.epochs.push(WattsOfEpoch { seconds, ..WattsOfEpoch::default() });
        } else if let Some(rest) = message.strip_prefix("Average power usage (W) for ") {
            let Some((part, watts)) = rest.split_once(": ") else { continue };
            let watts = read_watts(watts).map_err(|bad| {
                text.broken(Some(number), format!("“{}” is no power in watts", crate::notes::clip(&bad)))
            })?;
            let Some(epoch) = found.epochs.last_mut() else {
                return Err(text.broken(Some(number), "watts of an epoch stand before its duration"));
            };
            match part {
                "cpu" => epoch.cpu = watts,
                _ => epoch.gpu = watts,
            }
        } else if let Some(rest) = message.strip_prefix("Average carbon intensity during training was ") {
            found.intensity = leading_number(rest);
            found.place = found
                .place
                .or_else(|| rest.split_once("at detected location: ").and_then(|(_, place)| place_of(place)));
        } else if let Some((_, rest)) = message.split_once("at detected location: ") {
            found.place = place_of(rest.split_once(": [").map_or(rest, |(place, _)| place)).or(found.place);
        } else if message.contains("Training was interrupted") {
            found.interrupted = true;
        }
    }
    Ok(found)
}

/// A place; nothing where the tool says in one of its ways that it found none.
fn place_of(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.');
    let found = !text.is_empty() && !text.starts_with("Unknown") && !text.starts_with("UNDETECTED");
    found.then(|| crate::notes::clip(text))
}

fn leading_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok().and_then(sensible)
}

/// Watts of a component: a number, a list with one for each device, or `None` where the epoch was too short.
fn read_watts(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    if text == "None" {
        return Ok(None);
    }
    let mut sum = 0.0;
    for word in text.trim_matches(['[', ']']).split([' ', ',']).filter(|word| !word.is_empty()) {
        sum += word.parse::<f64>().ok().and_then(sensible).ok_or_else(|| text.to_owned())?;
    }
    Ok(Some(sum))
}

/// `GPU with device(s) A, B. CPU with device(s) C.`
fn read_devices(text: &str) -> Vec<MeasuredDevice> {
    let mut found: Vec<MeasuredDevice> = Vec::new();
    let mut role = DeviceRole::Gpu;
    for (place, piece) in text.split(" with device(s) ").take(16).enumerate() {
        // In front of each mark but the first stand the devices of the component before, then the next component's name.
        let (list, next) = match piece.rsplit_once(". ") {
            Some((list, next)) if matches!(next.trim(), "CPU" | "GPU") => (list, next.trim()),
            _ => (piece, piece.trim()),
        };
        if place > 0 {
            for name in
                list.trim().trim_end_matches('.').split(',').map(str::trim).filter(|name| !name.is_empty()).take(64)
            {
                match found.iter_mut().find(|device| device.role == role && device.name == name) {
                    Some(known) => known.count += 1,
                    None => found.push(names::device(role, name, 1)),
                }
            }
        }
        role = if next == "CPU" { DeviceRole::Cpu } else { DeviceRole::Gpu };
    }
    found
}

fn read_printed(text: &Text) -> Result<Printed, LogError> {
    let mut found = Printed::default();
    let mut current: Option<(bool, Told)> = None;
    let finish = |found: &mut Printed, current: &mut Option<(bool, Told)>| match current.take() {
        Some((true, result)) => found.actual = Some(result),
        Some((false, result)) => found.predicted = result.epochs.map(|epochs| (epochs, result)),
        None => {}
    };
    for (number, line) in text.lines() {
        let amount = |rest: &str| {
            leading_number(rest)
                .ok_or_else(|| text.broken(Some(number), format!("“{}” is no amount", crate::notes::clip(rest.trim()))))
        };
        let epochs = |line: &str| line.split("for ").nth(1)?.split(' ').next()?.parse::<u64>().ok();
        if line.starts_with("Actual consumption") {
            finish(&mut found, &mut current);
            current = Some((true, Told { epochs: epochs(line), ..Told::default() }));
        } else if line.starts_with("Predicted consumption") {
            finish(&mut found, &mut current);
            current = Some((false, Told { epochs: epochs(line), ..Told::default() }));
        } else if let Some((_, result)) = &mut current {
            let trimmed = line.trim_start();
            if let Some(rest) = trimmed.strip_prefix("Time:") {
                result.seconds = clock::duration(rest);
            } else if let Some(rest) = trimmed.strip_prefix("Energy:") {
                result.energy = Some(amount(rest)?);
            } else if let Some(rest) = trimmed.strip_prefix("CO2eq:") {
                result.grams = Some(amount(rest)?);
            }
        }
        let message = message(line);
        if let Some(devices) = message.strip_prefix("CarbonTracker: The following components were found:") {
            found.devices = read_devices(devices);
        } else if let Some(rest) = message.strip_prefix("CarbonTracker: Average carbon intensity during training was ")
        {
            found.intensity = leading_number(rest);
        }
    }
    finish(&mut found, &mut current);
    Ok(found)
}

fn settle(name: &str, standard: Option<Standard>, printed: Option<Printed>, notes: &mut Notes) -> Option<MeasuredRun> {
    let has_standard = standard.is_some();
    let standard = standard.unwrap_or_default();
    let printed = printed.unwrap_or_default();
    let place = crate::formats::base_name(name);
    let epochs: Vec<Epoch> = standard.epochs.iter().zip(1..).map(|(epoch, number)| epoch_of(epoch, number)).collect();
    if epochs.is_empty() && printed.actual.is_none() {
        let predicted = printed.predicted?;
        notes.warn(place, "the log holds a forecast and no measured result");
        return Some(forecast_only(place, predicted, printed.devices));
    }
    let counted = epochs.len() as u64;
    let told = printed.actual.and_then(|actual| actual.epochs);
    if let Some(told) = told.filter(|told| counted > 0 && *told != counted) {
        notes.warn(place, format!("the log prints {told} epochs and lists {counted}; those listed are counted"));
    }
    let of_part = |watts: fn(&WattsOfEpoch) -> Option<f64>| {
        let known = standard.epochs.iter().filter_map(|epoch| Some(watts(epoch)? * epoch.seconds));
        known.reduce(|sum, joules| sum + joules).map(|joules| KilowattHours(joules / JOULES_PER_KILOWATT_HOUR))
    };
    let parts =
        MeasuredParts { cpu: of_part(|epoch| epoch.cpu), gpu: of_part(|epoch| epoch.gpu), ..MeasuredParts::default() };
    let unmeasured = standard.epochs.iter().filter(|epoch| epoch.cpu.is_none() && epoch.gpu.is_none()).count();
    if unmeasured > 0 {
        notes.warn(place, format!("{unmeasured} of {counted} epochs were too short for a measurement and count as 0"));
    }
    let assumed = factors::get("carbontracker-pue");
    let pue = standard.pue.or(assumed.map(|factor| factor.value.central.0));
    let stated = printed.actual.and_then(|actual| actual.energy);
    if stated.is_some() {
        match standard.pue {
            Some(pue) => notes.info(
                place,
                format!("the printed energy contains Carbontracker’s PUE of {pue}; the watts of its epochs do not"),
            ),
            None => {
                let range = assumed.map(|factor| factor.value);
                notes.warn(place, format!(
                    "the printed energy contains Carbontracker’s PUE, which this log does not state: {} to {} by its version, and {} is assumed; bring the other log for the exact one",
                    range.map_or(0.0, |range| range.low.0), range.map_or(0.0, |range| range.high.0), pue.unwrap_or(1.0)
                ));
            }
        }
    }
    let seconds = if counted > 0 {
        standard.epochs.iter().map(|epoch| epoch.seconds).reduce(|sum, next| sum + next)
    } else {
        printed.actual.and_then(|actual| actual.seconds)
    };
    let equipment = parts.sum().or_else(|| Some(KilowattHours(stated? / pue?)));
    // The tool's figure is printed with its PUE; where only watts are there, they stand without one.
    let (energy, contained) = match stated {
        Some(stated) => (Some(KilowattHours(stated)), pue),
        None => (equipment, Some(1.0)),
    };
    if let (Some(equipment), Some(stated), Some(pue)) = (parts.sum(), stated, standard.pue)
        && (equipment.0 * pue / stated - 1.0).abs() > 0.02
    {
        notes.warn(
            place,
            format!(
                "the epochs’ watts give {:.3} times the printed energy, PUE taken into account",
                equipment.0 * pue / stated
            ),
        );
    }
    if standard.interrupted {
        notes.info(place, "the training was interrupted, says the log");
    }
    if !has_standard {
        notes.info(place, "without the other log (…_carbontracker.log) the epochs and the parts are not known");
    }
    let intensity = standard.intensity.or(printed.intensity);
    let location = standard.place;
    if location.is_none() && intensity.is_some() {
        notes.warn(
            place,
            "the tool did not find its location and used an average of the world for the carbon intensity",
        );
    }
    let planned = printed.predicted.map(|(epochs, _)| epochs);
    Some(MeasuredRun {
        name: place.to_owned(),
        stage: Some(Stage::Training),
        duration_s: seconds.and_then(sensible).map(Seconds),
        energy_kwh: energy,
        equipment_kwh: equipment,
        parts_kwh: parts,
        co2e_kg: printed.actual.and_then(|actual| actual.grams).map(|grams| KilogramsCo2e(grams / GRAMS_PER_KILOGRAM)),
        pue: contained,
        boundary: Boundary::Chips,
        method: Method::Mixed,
        intensity: intensity.map(GramsPerKilowattHour),
        region: location.as_deref().and_then(|place| place.rsplit(',').find_map(names::region)),
        place: location,
        devices: if standard.devices.is_empty() { printed.devices } else { standard.devices },
        epochs,
        planned_epochs: planned,
        forecast_kwh: printed.predicted.and_then(|(_, result)| result.energy).map(KilowattHours),
        ..MeasuredRun::default()
    })
}

fn epoch_of(epoch: &WattsOfEpoch, number: u64) -> Epoch {
    let watts = match (epoch.cpu, epoch.gpu) {
        (None, None) => None,
        (cpu, gpu) => Some(cpu.unwrap_or(0.0) + gpu.unwrap_or(0.0)),
    };
    Epoch {
        number,
        duration_s: Some(Seconds(epoch.seconds)),
        energy_kwh: watts.map(|watts| KilowattHours(watts * epoch.seconds / JOULES_PER_KILOWATT_HOUR)),
    }
}

fn forecast_only(name: &str, (epochs, result): (u64, Told), devices: Vec<MeasuredDevice>) -> MeasuredRun {
    MeasuredRun {
        name: name.to_owned(),
        stage: Some(Stage::Training),
        planned_epochs: Some(epochs),
        forecast_kwh: result.energy.map(KilowattHours),
        boundary: Boundary::Chips,
        devices,
        ..MeasuredRun::default()
    }
}
