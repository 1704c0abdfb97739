//! The layouts of files with carbon intensity over time: which columns they have, what their figures count, and what their times mean.
//!
//! Recognised by the header alone, never by the file's name. What comes out are points; laying them on a grid is the room's own work.

use super::time::{Stamp, Zone};
use super::{Instant, MOST_INTENSITY, MOST_ROWS, MOST_ZONES, Point, SeriesError, Signal};
use crate::carbon::generation::{self, Technology};
use crate::carbon::grids::Basis;
use crate::notes::{Level, Note, clip};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Grams in a pound, over kilowatt-hours in a megawatt-hour.
const GRAMS_PER_KWH_OF_POUNDS_PER_MWH: f64 = 0.453_592_37;
/// The share of generation without a factor above which it is worth a warning.
const MUCH_WITHOUT_FACTOR: f64 = 0.05;

/// What a file holds.
pub(super) struct File {
    pub(super) layout: &'static str,
    pub(super) signal: Signal,
    pub(super) zones: Vec<ZonePoints>,
    pub(super) notes: Vec<Note>,
}

/// The points of one zone.
#[derive(Debug, Default)]
pub(super) struct ZonePoints {
    pub(super) name: String,
    pub(super) points: Vec<Point>,
    pub(super) notes: Vec<Note>,
}

const LAYOUTS: &str = "the exports of Electricity Maps (Datetime (UTC), Carbon intensity gCO₂eq/kWh (Life cycle)), WattTime (point_time, value), ENTSO-E (MTU, … Actual Aggregated [MW]; or ProductionType, ActualGenerationOutput[MW]), the carbon intensity of Great Britain (Datetime (UTC), Actual Carbon Intensity (gCO2/kWh); or its JSON), and plain columns time and g_per_kwh_lifecycle, g_per_kwh_direct or g_per_kwh_marginal";

/// Reads a file by what its first line or its first sign says.
pub(super) fn read(name: &str, text: &str, basis: Basis) -> Result<File, SeriesError> {
    if text.trim_start().starts_with(['{', '[']) {
        return json(name, text);
    }
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let Some((_, header)) = lines.next() else {
        return Err(fault(name, None, "it is empty; expected a header and rows".to_owned()));
    };
    let separator = separator(header);
    let columns: Vec<String> = cells(header, separator).iter().map(|cell| plain(cell)).collect();
    let rows = Rows { name, separator, columns: columns.len(), lines };
    let find = |wanted: &[&str]| columns.iter().position(|column| wanted.contains(&column.as_str()));
    let starting = |start: &str| columns.iter().position(|column| column.starts_with(start));
    let utc = find(&["datetime (utc)", "datetime(utc)"]);

    let lifecycle = columns.iter().position(|column| {
        column.starts_with("carbon intensity gco2eq/kwh") && (column.contains("(lca)") || column.contains("life cycle"))
    });
    let direct = columns
        .iter()
        .position(|column| column.starts_with("carbon intensity gco2eq/kwh") && column.contains("(direct)"));
    let zone = find(&["zone id", "zone_id"]).or(find(&["zone name", "zone_name"]));
    if let (Some(time), Some(_)) = (utc, lifecycle.or(direct)) {
        let (figure, signal) = match (basis, lifecycle, direct) {
            (Basis::Direct, _, Some(column)) | (Basis::Lifecycle, None, Some(column)) => (column, Signal::Direct),
            (_, Some(column), _) => (column, Signal::Lifecycle),
            (_, None, None) => return Err(unknown(name)),
        };
        let estimated = find(&["data estimated"]);
        let plan =
            Plan { layout: "Electricity Maps", signal, time, zone, figures: vec![figure], estimated, scale: 1.0 };
        return plan.read(rows);
    }
    if let (Some(time), Some(figure)) = (find(&["datetime", "timestamp"]), find(&["carbon_intensity_avg"])) {
        let time = find(&["datetime"]).unwrap_or(time);
        let plan = Plan {
            layout: "Electricity Maps (older)",
            signal: Signal::Lifecycle,
            time,
            zone,
            figures: vec![figure],
            estimated: None,
            scale: 1.0,
        };
        return plan.read(rows);
    }
    let moer = match (find(&["point_time"]), find(&["value"])) {
        (Some(time), Some(value)) => Some((time, value)),
        _ => find(&["timestamp"]).zip(find(&["moer"])),
    };
    if let Some((time, figure)) = moer {
        let zone = find(&["region", "ba", "balancing authority"]);
        let scale = GRAMS_PER_KWH_OF_POUNDS_PER_MWH;
        let plan = Plan {
            layout: "WattTime",
            signal: Signal::Marginal,
            time,
            zone,
            figures: vec![figure],
            estimated: None,
            scale,
        };
        let mut file = plan.read(rows)?;
        file.notes.push(note(Level::Warning, "marginal emissions, converted from pounds of CO₂ a megawatt-hour: they say what one more kilowatt-hour causes, and must not be compared with averages"));
        return Ok(file);
    }
    let actual = find(&["actual carbon intensity (gco2/kwh)", "actual"]);
    let forecast = find(&["forecast carbon intensity (gco2/kwh)", "forecast"]);
    let mix = find(&["carbon_intensity"]).filter(|_| find(&["gas", "coal", "wind"]).is_some());
    if let (Some(time), Some(first)) = (utc.or(find(&["datetime", "from"])), actual.or(forecast).or(mix)) {
        // What was measured, and what was forecast where nothing has been measured yet.
        let mut figures = vec![first];
        figures.extend(forecast.filter(|column| *column != first));
        let plan =
            Plan { layout: GREAT_BRITAIN, signal: Signal::Direct, time, zone, figures, estimated: None, scale: 1.0 };
        let mut file = plan.read(rows)?;
        name_zones(&mut file, "Great Britain");
        file.notes.push(british());
        return Ok(file);
    }
    if let Some(time) = starting("mtu")
        && columns.iter().any(|column| column.ends_with("actual aggregated [mw]"))
    {
        return wide_generation(name, rows, &columns, time, find(&["area"]));
    }
    let output = find(&["actualgenerationoutput[mw]", "actualgenerationoutput", "generation (mw)"]);
    let kind = find(&["productiontype", "production type"]);
    if let (Some(time), Some(output), Some(kind)) = (utc.or(find(&["datetime"])).or(starting("mtu")), output, kind) {
        let area = find(&["areadisplayname", "areaname", "area", "mapcode", "areamapcode"]);
        return long_generation(name, rows, &columns, [time, output, kind], area, find(&["areatypecode"]));
    }
    for (column, signal) in [
        ("g_per_kwh_lifecycle", Signal::Lifecycle),
        ("g_per_kwh_direct", Signal::Direct),
        ("g_per_kwh_marginal", Signal::Marginal),
    ] {
        let wanted = match basis {
            Basis::Direct if find(&["g_per_kwh_direct"]).is_some() => signal == Signal::Direct,
            _ => true,
        };
        if let (true, Some(time), Some(figure)) = (wanted, find(&["time", "datetime", "timestamp"]), find(&[column])) {
            let zone = find(&["zone"]);
            let plan = Plan {
                layout: "plain columns",
                signal,
                time,
                zone,
                figures: vec![figure],
                estimated: None,
                scale: 1.0,
            };
            return plan.read(rows);
        }
    }
    Err(unknown(name))
}

const GREAT_BRITAIN: &str = "Great Britain’s carbon intensity";

fn british() -> Note {
    note(
        Level::Info,
        "Great Britain’s figures count burning in power stations with imports and losses of the network, and not the building of stations; what is not measured yet is a forecast",
    )
}

fn unknown(name: &str) -> SeriesError {
    fault(name, Some(1), format!("its header is of no layout that is known; known are {LAYOUTS}"))
}

fn fault(name: &str, line: Option<usize>, fault: String) -> SeriesError {
    SeriesError { file: name.to_owned(), line, fault }
}

fn note(level: Level, text: &str) -> Note {
    Note { level, place: String::new(), text: text.to_owned() }
}

fn name_zones(file: &mut File, name: &str) {
    for zone in file.zones.iter_mut().filter(|zone| zone.name.is_empty()) {
        zone.name = name.to_owned();
    }
}

/// A column's name in small letters, with single blanks and a plain 2.
fn plain(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace('₂', "2")
}

/// What separates cells: the sign of which the header has most.
fn separator(header: &str) -> char {
    [',', ';', '\t'].into_iter().max_by_key(|sign| header.matches(*sign).count()).unwrap_or(',')
}

/// The cells of a line; quotes around a cell are taken off, two inside stand for one.
fn cells(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    if !line.contains('"') {
        return line.split(separator).map(|cell| Cow::Borrowed(cell.trim())).collect();
    }
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => {
                cells.push(Cow::Owned(std::mem::take(&mut cell).trim().to_owned()))
            }
            letter => cell.push(letter),
        }
    }
    cells.push(Cow::Owned(cell.trim().to_owned()));
    cells
}

/// The rows behind a header.
struct Rows<'t, L> {
    name: &'t str,
    separator: char,
    columns: usize,
    lines: L,
}

impl<'t, L: Iterator<Item = (usize, &'t str)>> Rows<'t, L> {
    /// Hands each row's cells with its line to `take`.
    fn each(self, mut take: impl FnMut(usize, &[Cow<'t, str>]) -> Result<(), String>) -> Result<(), SeriesError> {
        for (count, (line, text)) in self.lines.enumerate() {
            let line = line + 1;
            if count >= MOST_ROWS {
                return Err(fault(
                    self.name,
                    Some(line),
                    format!("it has more than {MOST_ROWS} rows; cut it into shorter spans"),
                ));
            }
            let cells = cells(text, self.separator);
            if cells.len() < self.columns {
                let told = format!("{} cells where the header has {}", cells.len(), self.columns);
                return Err(fault(self.name, Some(line), told));
            }
            take(line, &cells).map_err(|told| fault(self.name, Some(line), told))?;
        }
        Ok(())
    }
}

/// A cell's number; `None` where it says that there is none.
fn number(cell: &str) -> Result<Option<f64>, String> {
    if ["", "-", "n/a", "n/e", "na", "nan", "null", "none"].contains(&cell.to_lowercase().as_str()) {
        return Ok(None);
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        _ => Err(format!("“{}” is not a number", clip(cell))),
    }
}

fn intensity(cell: &str, scale: f64) -> Result<Option<f64>, String> {
    let Some(value) = number(cell)? else { return Ok(None) };
    in_bounds(value * scale).map(Some)
}

fn in_bounds(value: f64) -> Result<f64, String> {
    if (0.0..=MOST_INTENSITY).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{} g/kWh is no carbon intensity; expected 0 to {MOST_INTENSITY}", crate::format::number(value)))
    }
}

fn stamp(cell: &str) -> Result<Stamp, String> {
    Stamp::parse(cell).ok_or_else(|| format!("“{}” is no time; expected for example 2024-03-31 14:00", clip(cell)))
}

fn cell<'c>(cells: &'c [Cow<'_, str>], column: usize) -> &'c str {
    cells.get(column).map(AsRef::as_ref).unwrap_or_default()
}

/// The zones of a file by name, in the order in which they come.
#[derive(Default)]
struct Zones {
    all: Vec<ZonePoints>,
    places: HashMap<String, usize>,
}

impl Zones {
    fn of(&mut self, name: &str) -> Result<&mut ZonePoints, String> {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None if self.all.len() >= MOST_ZONES => return Err(format!("it has more than {MOST_ZONES} zones")),
            None => {
                self.all.push(ZonePoints { name: clip(name), ..ZonePoints::default() });
                self.places.insert(name.to_owned(), self.all.len() - 1);
                self.all.len() - 1
            }
        };
        self.all.get_mut(place).ok_or_else(|| "a zone is lost; this is our mistake".to_owned())
    }
}

/// Where the figures stand in a file that has them ready made.
struct Plan {
    layout: &'static str,
    signal: Signal,
    time: usize,
    zone: Option<usize>,
    /// Columns of the figure: the first that has one counts.
    figures: Vec<usize>,
    /// A column that says whether the figure is an estimate.
    estimated: Option<usize>,
    scale: f64,
}

impl Plan {
    fn read<'t, L: Iterator<Item = (usize, &'t str)>>(self, rows: Rows<'t, L>) -> Result<File, SeriesError> {
        let mut zones = Zones::default();
        let (mut second, mut estimated, mut count) = (0usize, 0usize, 0usize);
        rows.each(|_, cells| {
            let time = stamp(cell(cells, self.time))?.in_zone(Zone::Utc, None);
            let mut value = None;
            for (nth, column) in self.figures.iter().enumerate() {
                value = intensity(cell(cells, *column), self.scale)?;
                if value.is_some() {
                    second += usize::from(nth > 0);
                    break;
                }
            }
            count += 1;
            estimated +=
                usize::from(self.estimated.is_some_and(|column| cell(cells, column).eq_ignore_ascii_case("true")));
            let zone = zones.of(self.zone.map(|column| cell(cells, column)).unwrap_or_default())?;
            zone.points.extend(time.map(|time| Point { time, value }));
            Ok(())
        })?;
        let mut notes = Vec::new();
        if second > 0 {
            notes.push(note(
                Level::Info,
                &format!("{second} of {count} rows have no measured figure; their forecast is taken"),
            ));
        }
        if estimated > 0 {
            notes.push(note(Level::Info, &format!("{estimated} of {count} rows are estimates of the publisher")));
        }
        Ok(File { layout: self.layout, signal: self.signal, zones: zones.all, notes })
    }
}

/// Megawatts of a moment, with and without a factor.
#[derive(Debug, Clone, Copy, Default)]
struct Generation {
    /// Σ MW × g/kWh of what has a factor.
    weighted: f64,
    /// Σ MW of what has a factor.
    known: f64,
    /// Σ MW of what has none.
    unknown: f64,
}

impl Generation {
    fn add(&mut self, kind: Kind, megawatts: f64) {
        // Below zero a station uses more than it makes.
        let megawatts = megawatts.max(0.0);
        match kind {
            Kind::Known(technology) => {
                self.weighted += megawatts * technology.lifecycle.central.0;
                self.known += megawatts;
            }
            Kind::Unknown => self.unknown += megawatts,
            Kind::Stored => {}
        }
    }

    fn intensity(self) -> Option<f64> {
        (self.known > 0.0).then(|| self.weighted / self.known)
    }
}

/// What a production type is to us.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Known(&'static Technology),
    /// No factor was found: waste, others.
    Unknown,
    /// It was generated, and counted, before.
    Stored,
}

fn kind(name: &str) -> Kind {
    let name = plain(name);
    match generation::by_name(&name) {
        _ if name.contains("pumped storage") || name.contains("energy storage") => Kind::Stored,
        Some(technology) => Kind::Known(technology),
        None => Kind::Unknown,
    }
}

/// What local time an ENTSO-E file is in, by its header.
fn zone_of(header: &str, notes: &mut Vec<Note>) -> Zone {
    match header {
        header if header.contains("utc") => Zone::Utc,
        header if header.contains("eet") => Zone::European(2),
        header if header.contains("wet") => Zone::European(0),
        header if header.contains("cet") => Zone::European(1),
        _ => {
            notes.push(note(
                Level::Warning,
                "the header names no time zone; Central European time is taken, in which ENTSO-E exports unless asked",
            ));
            Zone::European(1)
        }
    }
}

const ENTSO_E: &str = "ENTSO-E generation by type";

fn from_generation(zones: Zones, mut notes: Vec<Note>, weights: &[(f64, f64)]) -> File {
    let mut all = zones.all;
    for (zone, (known, unknown)) in all.iter_mut().zip(weights) {
        let share = if known + unknown > 0.0 { unknown / (known + unknown) } else { 0.0 };
        if share > 0.0 {
            let level = if share > MUCH_WITHOUT_FACTOR { Level::Warning } else { Level::Info };
            zone.notes.push(note(level, &format!(
                "{} % of the generation is of a type without a published factor (waste, other) and left out of the average",
                crate::format::number(share * 100.0)
            )));
        }
    }
    notes.push(note(Level::Info, "intensity is computed from generation by type with the median lifecycle emissions of each (IPCC); imports are not in it, and what comes out of storage was counted when it was made"));
    File { layout: ENTSO_E, signal: Signal::Lifecycle, zones: all, notes }
}

/// One column for each production type.
fn wide_generation<'t, L: Iterator<Item = (usize, &'t str)>>(
    name: &str,
    rows: Rows<'t, L>,
    columns: &[String],
    time: usize,
    area: Option<usize>,
) -> Result<File, SeriesError> {
    let kinds: Vec<(usize, Kind)> = columns
        .iter()
        .enumerate()
        .filter_map(|(place, column)| {
            let name = column.strip_suffix("actual aggregated [mw]")?.trim_end().strip_suffix('-')?;
            Some((place, kind(name)))
        })
        .collect();
    let mut notes = Vec::new();
    let zone = zone_of(columns.get(time).map(String::as_str).unwrap_or_default(), &mut notes);
    let (mut zones, mut skipped) = (Zones::default(), 0usize);
    let mut weights: Vec<(f64, f64)> = Vec::new();
    rows.each(|_, cells| {
        let area = area.map(|column| cell(cells, column)).unwrap_or_default();
        let points = zones.of(area)?;
        let after = points.points.last().map(|point| point.time);
        let Some(time) = stamp(cell(cells, time))?.in_zone(zone, after) else {
            skipped += 1;
            return Ok(());
        };
        let mut generation = Generation::default();
        for (column, kind) in &kinds {
            if let Some(megawatts) = number(cell(cells, *column))? {
                generation.add(*kind, megawatts);
            }
        }
        let value = generation.intensity().map(in_bounds).transpose()?;
        points.points.push(Point { time, value });
        let place = zones.places.get(area).copied().unwrap_or(0);
        if weights.len() <= place {
            weights.resize(place + 1, (0.0, 0.0));
        }
        if let Some(weight) = weights.get_mut(place) {
            weight.0 += generation.known;
            weight.1 += generation.unknown;
        }
        Ok(())
    })?;
    if kinds.is_empty() {
        return Err(unknown(name));
    }
    note_skipped(&mut notes, skipped);
    Ok(from_generation(zones, notes, &weights))
}

fn note_skipped(notes: &mut Vec<Note>, skipped: usize) {
    if skipped > 0 {
        notes.push(note(
            Level::Info,
            &format!("{skipped} rows name an hour that clocks skip when summer begins; they are passed over"),
        ));
    }
}

/// One row for each moment and production type.
fn long_generation<'t, L: Iterator<Item = (usize, &'t str)>>(
    name: &str,
    rows: Rows<'t, L>,
    columns: &[String],
    [time, output, kind_column]: [usize; 3],
    area: Option<usize>,
    area_type: Option<usize>,
) -> Result<File, SeriesError> {
    let mut notes = Vec::new();
    let header = columns.get(time).map(String::as_str).unwrap_or_default();
    // The bulk files are in UTC though their older header does not say so.
    let zone = if header.starts_with("mtu") { zone_of(header, &mut notes) } else { Zone::Utc };
    let mut zones = Zones::default();
    let mut moments: Vec<BTreeMap<Instant, HashMap<String, f64>>> = Vec::new();
    let mut last: HashMap<(usize, String), Instant> = HashMap::new();
    let mut skipped = 0usize;
    rows.each(|_, cells| {
        // Control areas repeat what bidding zones and countries hold.
        if area_type.is_some_and(|column| cell(cells, column) == "CTA") {
            return Ok(());
        }
        let area = area.map(|column| cell(cells, column)).unwrap_or_default();
        zones.of(area)?;
        let place = zones.places.get(area).copied().unwrap_or(0);
        let kind = cell(cells, kind_column);
        let after = last.get(&(place, kind.to_owned())).copied();
        let Some(time) = stamp(cell(cells, time))?.in_zone(zone, after) else {
            skipped += 1;
            return Ok(());
        };
        last.insert((place, clip(kind)), time);
        if moments.len() <= place {
            moments.resize_with(place + 1, BTreeMap::new);
        }
        if let (Some(moments), Some(megawatts)) = (moments.get_mut(place), number(cell(cells, output))?) {
            // A later row for the same moment and type is a correction.
            moments.entry(time).or_default().insert(clip(kind), megawatts);
        }
        Ok(())
    })?;
    let mut weights = Vec::new();
    for (zone, moments) in zones.all.iter_mut().zip(moments) {
        let mut weight = (0.0, 0.0);
        for (time, kinds) in moments {
            let mut generation = Generation::default();
            for (name, megawatts) in kinds {
                generation.add(kind(&name), megawatts);
            }
            weight = (weight.0 + generation.known, weight.1 + generation.unknown);
            let value = generation.intensity().map(in_bounds).transpose().map_err(|told| fault(name, None, told))?;
            zone.points.push(Point { time, value });
        }
        weights.push(weight);
    }
    note_skipped(&mut notes, skipped);
    Ok(from_generation(zones, notes, &weights))
}

/// The answers of services: Great Britain's, WattTime's and Electricity Maps'.
fn json(name: &str, text: &str) -> Result<File, SeriesError> {
    let fail = |told: String| fault(name, None, told);
    let value: Value = serde_json::from_str(text)
        .map_err(|wrong| fault(name, Some(wrong.line()), format!("it is no JSON: {wrong}")))?;
    if let Some(message) = value.pointer("/error/message").and_then(Value::as_str) {
        return Err(fail(format!("the service answers: {}", clip(message))));
    }
    let rows = |value: &Value| value.as_array().cloned();
    // Great Britain as a whole, or one of its regions.
    let region = value.pointer("/data/shortname").and_then(Value::as_str);
    let data = value.get("data").and_then(rows).or_else(|| value.pointer("/data/data").and_then(rows));
    if let Some(data) = &data
        && data.iter().any(|row| row.get("intensity").is_some())
    {
        let mut zone = ZonePoints { name: region.unwrap_or("Great Britain").to_owned(), ..ZonePoints::default() };
        let mut forecast = 0usize;
        for (nth, row) in data.iter().take(MOST_ROWS).enumerate() {
            let time = row.get("from").and_then(Value::as_str).and_then(Instant::parse);
            let time = time.ok_or_else(|| fail(format!("entry {} has no time “from”", nth + 1)))?;
            let of = |field: &str| row.get("intensity").and_then(|found| found.get(field)).and_then(Value::as_f64);
            forecast += usize::from(of("actual").is_none());
            let value = of("actual").or_else(|| of("forecast")).map(in_bounds).transpose();
            zone.points.push(Point { time, value: value.map_err(|told| fail(format!("entry {}: {told}", nth + 1)))? });
        }
        let mut notes = vec![british()];
        if forecast > 0 {
            notes.push(note(Level::Info, &format!("{forecast} of {} entries are forecasts", data.len())));
        }
        return Ok(File { layout: GREAT_BRITAIN, signal: Signal::Direct, zones: vec![zone], notes });
    }
    let points = |rows: &[Value], time: &str, figure: &str, scale: f64| -> Result<Vec<Point>, SeriesError> {
        let mut points = Vec::new();
        for (nth, row) in rows.iter().take(MOST_ROWS).enumerate() {
            let at = row.get(time).and_then(Value::as_str).and_then(Instant::parse);
            let at = at.ok_or_else(|| fail(format!("entry {} has no time “{time}”", nth + 1)))?;
            let value = row.get(figure).and_then(Value::as_f64).map(|value| in_bounds(value * scale)).transpose();
            points.push(Point { time: at, value: value.map_err(|told| fail(format!("entry {}: {told}", nth + 1)))? });
        }
        Ok(points)
    };
    if let Some(data) = &data
        && data.iter().any(|row| row.get("point_time").is_some())
    {
        let region = value.pointer("/meta/region").and_then(Value::as_str).unwrap_or_default();
        let points = points(data, "point_time", "value", GRAMS_PER_KWH_OF_POUNDS_PER_MWH)?;
        let zone = ZonePoints { name: clip(region), points, ..ZonePoints::default() };
        let notes = vec![note(
            Level::Warning,
            "marginal emissions, converted from pounds of CO₂ a megawatt-hour: they say what one more kilowatt-hour causes, and must not be compared with averages",
        )];
        return Ok(File { layout: "WattTime", signal: Signal::Marginal, zones: vec![zone], notes });
    }
    for field in ["history", "forecast", "data"] {
        let Some(rows) = value.get(field).and_then(Value::as_array) else { continue };
        if !rows.iter().any(|row| row.get("carbonIntensity").is_some()) {
            continue;
        }
        let region = value.get("zone").and_then(Value::as_str).unwrap_or_default();
        let direct = rows.iter().any(|row| row.get("emissionFactorType").and_then(Value::as_str) == Some("direct"));
        let points = points(rows, "datetime", "carbonIntensity", 1.0)?;
        let zone = ZonePoints { name: clip(region), points, ..ZonePoints::default() };
        let signal = if direct { Signal::Direct } else { Signal::Lifecycle };
        return Ok(File { layout: "Electricity Maps", signal, zones: vec![zone], notes: Vec::new() });
    }
    Err(fail("this JSON is of no layout that is known; known are the answers of Great Britain’s carbon intensity, WattTime and Electricity Maps".to_owned()))
}
