//! MLPerf power logs: the meter's samples (`spl.txt`, or `ptd_logs.txt`) and LoadGen's own log (`mlperf_log_detail.txt`).
//!
//! PTDaemon samples the wall power about once a second; what counts lies between `power_begin` and `power_end` of LoadGen's log, both
//! in universal time. The energy is the mean power of those samples times that time, as MLCommons' own checker has it
//! (`compliance/check.py` of mlcommons/power-dev).

use super::clock;
use super::error::LogError;
use super::text::{Text, sensible};
use crate::notes::Notes;
use crate::report::{Boundary, Items, Measured, MeasuredParts, MeasuredRun, Method, Stage};
use crate::units::{JOULES_PER_KILOWATT_HOUR, KilowattHours, SECONDS_PER_HOUR, Seconds};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether a file is of this kind.
pub(super) fn recognises(beginning: &str) -> bool {
    is_detail(beginning) || is_samples(beginning)
}

fn is_detail(beginning: &str) -> bool {
    beginning.starts_with(":::MLLOG") && beginning.contains("loadgen")
}

fn is_samples(beginning: &str) -> bool {
    beginning.lines().take(400).any(|line| {
        let time = line.split_once("Time,").map(|(_, time)| time);
        time.is_some_and(|time| time.starts_with(|letter: char| letter.is_ascii_digit()) && time.contains(",Watts,"))
    })
}

/// What LoadGen says.
#[derive(Default)]
struct Detail {
    begin: Option<f64>,
    end: Option<f64>,
    scenario: Option<String>,
    version: Option<String>,
    queries: Option<f64>,
    samples_per_query: Option<f64>,
    samples_per_second: Option<f64>,
    invalid: bool,
}

/// Reads the files; logs that lie in one folder are of one run.
pub(super) fn read(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    let folder = |name: &str| name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut runs: BTreeMap<String, (Option<&Text>, Option<&Text>)> = BTreeMap::new();
    for text in texts {
        let pair = runs.entry(folder(&text.name)).or_default();
        let slot = if is_detail(text.beginning()) { &mut pair.1 } else { &mut pair.0 };
        // PTDaemon's own log repeats the samples that spl.txt holds.
        if slot.is_none_or(|before| !before.name.ends_with("spl.txt")) {
            *slot = Some(text);
        }
        measured.files.push(text.name.clone());
    }
    for (folder, (samples, detail)) in runs {
        let detail = detail.map(|text| read_detail(text, &mut notes)).transpose()?;
        let samples = samples.map(read_samples).transpose()?;
        if let Some(version) = detail.as_ref().and_then(|detail| detail.version.clone()) {
            measured.version = Some(version);
        }
        measured.runs.extend(settle(&folder, samples.as_deref(), detail.as_ref(), &mut notes));
    }
    if measured.runs.is_empty() {
        let first = texts.first().map(|text| text.no_run("there is neither a sample of power nor a timed run"));
        return Err(first.unwrap_or_else(super::nothing));
    }
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    #[serde(default)]
    value: Value,
}

fn read_detail(text: &Text, notes: &mut Notes) -> Result<Detail, LogError> {
    let mut found = Detail::default();
    for (number, line) in text.lines() {
        let Some(json) = line.strip_prefix(":::MLLOG ") else { continue };
        // Most entries of a long log are of no interest, and parsing them would take most of the time.
        let wanted = [
            "power_",
            "effective_scenario",
            "loadgen_version",
            "result_",
            "generated_samples_per_query",
            "effective_samples_per_query",
        ];
        if !wanted.iter().any(|key| json.contains(key)) {
            continue;
        }
        let entry: Entry = text.json_line(number, json)?;
        let amount = || entry.value.as_f64().or_else(|| entry.value.as_str()?.parse().ok()).and_then(sensible);
        let moment = || {
            let written = entry.value.as_str().unwrap_or_default();
            clock::american(written).ok_or_else(|| {
                text.broken(
                    Some(number),
                    format!("“{}” is no time; expected MM-DD-YYYY HH:MM:SS.mmm", crate::notes::clip(written)),
                )
            })
        };
        match entry.key.as_str() {
            "power_begin" => found.begin = Some(moment()?),
            "power_end" => found.end = Some(moment()?),
            "effective_scenario" => found.scenario = entry.value.as_str().map(crate::notes::clip),
            "loadgen_version" => found.version = entry.value.as_str().map(crate::notes::clip),
            "result_query_count" => found.queries = amount(),
            "effective_samples_per_query" | "generated_samples_per_query" => found.samples_per_query = amount(),
            "result_samples_per_second" => found.samples_per_second = amount(),
            "result_validity" => found.invalid = entry.value.as_str() == Some("INVALID"),
            _ => {}
        }
    }
    if found.invalid {
        notes.warn(&text.name, "LoadGen calls this run invalid");
    }
    Ok(found)
}

/// Times and watts.
fn read_samples(text: &Text) -> Result<Vec<(f64, f64)>, LogError> {
    let mut samples = Vec::new();
    for (number, line) in text.lines() {
        let Some(at) = line.find("Time,") else { continue };
        let mut cells = line.get(at..).unwrap_or_default().split(',').skip(1);
        let (Some(time), Some("Watts"), Some(watts)) = (cells.next(), cells.next(), cells.next()) else { continue };
        let fault =
            |what: &str, of: &str| text.broken(Some(number), format!("“{}” is no {what}", crate::notes::clip(of)));
        let time = clock::american(time).ok_or_else(|| fault("time; expected MM-DD-YYYY HH:MM:SS.mmm", time))?;
        // The meter writes nan or −1 where it could not read.
        let watts = watts.trim().parse::<f64>().map_err(|_| fault("power in watts", watts))?;
        samples.push((time, watts));
    }
    Ok(samples)
}

fn settle(
    folder: &str,
    samples: Option<&[(f64, f64)]>,
    detail: Option<&Detail>,
    notes: &mut Notes,
) -> Option<MeasuredRun> {
    let window = detail.and_then(|detail| detail.begin.zip(detail.end)).filter(|(begin, end)| end > begin);
    let samples = samples.unwrap_or_default();
    let name = if folder.is_empty() { "MLPerf run" } else { folder };
    // A clock that was set back, or a spoilt date, must not turn the time around.
    let times = || samples.iter().map(|(time, _)| *time);
    let whole = times().reduce(f64::min).zip(times().reduce(f64::max)).filter(|(first, last)| last > first);
    let (begin, end) = window.or(whole)?;
    if window.is_none() {
        notes.warn(name, "without power_begin and power_end of LoadGen’s log all samples count, those before and after the run too; bring mlperf_log_detail.txt of the same run");
    }
    let inside: Vec<f64> =
        samples.iter().filter(|(time, _)| (begin..=end).contains(time)).map(|(_, watts)| *watts).collect();
    let good: Vec<f64> = inside.iter().copied().filter_map(sensible).filter(|watts| *watts > 0.0).collect();
    if good.len() < inside.len() {
        notes.warn(
            name,
            format!(
                "{} of {} samples could not be read by the meter and are left out",
                inside.len() - good.len(),
                inside.len()
            ),
        );
    }
    let seconds = end - begin;
    let energy = (!good.is_empty()).then(|| {
        let mean = good.iter().sum::<f64>() / good.len() as f64;
        KilowattHours(mean * seconds / JOULES_PER_KILOWATT_HOUR)
    });
    match (samples.is_empty(), energy) {
        (true, _) => notes.warn(name, "without the meter’s samples (spl.txt) the energy is not known"),
        (false, None) => {
            let apart = samples.first().map_or(0.0, |(first, _)| ((first - begin) / SECONDS_PER_HOUR).round());
            notes.warn(name, format!("no sample lies between power_begin and power_end: the clocks differ by about {apart} hours, or the logs are of different runs"));
        }
        (false, Some(_)) => {
            // One sample a second, with some slack for its first and last.
            if (good.len() as f64) < 0.9 * seconds - 2.0 {
                notes.warn(name, format!("{} samples for {seconds:.0} seconds: the meter missed some", good.len()));
            }
        }
    }
    let detail_items = detail.into_iter().flat_map(|detail| {
        let samples = detail
            .samples_per_second
            .map(|rate| rate * seconds)
            .or_else(|| Some(detail.queries? * detail.samples_per_query.unwrap_or(1.0)));
        [("queries", detail.queries), ("samples", samples)]
    });
    let items = detail_items.filter_map(|(of, count)| Some(Items { of: of.to_owned(), count: count? }));
    let scenario = detail.and_then(|detail| detail.scenario.clone()).map(|scenario| format!(" ({scenario})"));
    Some(MeasuredRun {
        name: format!("{name}{}", scenario.unwrap_or_default()),
        stage: Some(Stage::Inference),
        duration_s: Some(Seconds(seconds)),
        energy_kwh: energy,
        equipment_kwh: energy,
        parts_kwh: MeasuredParts { other: energy, ..MeasuredParts::default() },
        pue: Some(1.0),
        boundary: Boundary::Wall,
        method: Method::Measured,
        items: items.collect(),
        ..MeasuredRun::default()
    })
}
