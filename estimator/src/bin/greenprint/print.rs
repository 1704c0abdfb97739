//! Results as people read them in a terminal, and the records of the lists.

use estimator::carbon::places::Place;
use estimator::carbon::sites::Scope;
use estimator::compare::{Comparison, Side};
use estimator::energy::validate::{Summary, Validation};
use estimator::format::{self, Readable};
use estimator::hardware::{Device, Field};
use estimator::notes::{Level, Note};
use estimator::range::{Range, Ratio};
use estimator::report::{Account, Estimate, Inspection, Levers, Outcome, Transformer, WhatIf};
use estimator::scenario::{ModelRef, Scenario, Workload};
use estimator::units::{Bytes, FlopsPerSecond, GramsPerKilowattHour, Quantity};
use serde::Serialize;

/// How many layers and assumptions are listed before the rest is summed up.
const MOST_ROWS: usize = 12;
/// The widest text in a column.
const WIDEST: usize = 60;

/// Rows of cells in aligned columns; columns whose place is in `right` are set to the right.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let blanks = " ".repeat(widths.get(column).copied().unwrap_or(0).saturating_sub(cell.chars().count()));
            if right.contains(&column) {
                line.push_str(&blanks);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&blanks);
            }
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// The text without control characters, cut where it is too wide for a column.
pub(crate) fn cut(text: &str) -> String {
    let clean: String = text.chars().filter(|letter| !letter.is_control()).collect();
    match clean.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

/// A note in one line.
pub(crate) fn note(note: &Note) -> String {
    let word = match note.level {
        Level::Info => "note",
        Level::Warning => "warning",
    };
    let place = if note.place.is_empty() { String::new() } else { format!("{}: ", cut(&note.place)) };
    format!("{word}: {place}{}", note.text)
}

/// Notes of one level, each once, and a blank line behind them where there are any.
pub(crate) fn notes<'n>(text: &mut String, notes: impl Iterator<Item = &'n Note>, level: Level) {
    let mut said: Vec<String> = Vec::new();
    for line in notes.filter(|note| note.level == level).map(note) {
        if !said.contains(&line) {
            said.push(line);
        }
    }
    for line in &said {
        text.push_str(line);
        text.push('\n');
    }
    if !said.is_empty() {
        text.push('\n');
    }
}

fn known(count: Option<u64>) -> String {
    count.map_or("unknown".to_owned(), |count| format!("{} ({})", format::count(count as f64), format::whole(count)))
}

fn bytes(count: Option<u64>) -> String {
    count.map_or("unknown".to_owned(), |count| Bytes(count as f64).readable())
}

/// A model's counts.
pub(crate) fn inspection(file: &str, inspection: &Inspection, all_layers: bool) -> String {
    let mut text = format!("{file}\n");
    // What changes the meaning of the figures is read before them.
    notes(&mut text, inspection.warnings.iter(), Level::Warning);
    let mut facts = vec![
        vec!["format".to_owned(), inspection.format.clone()],
        vec!["parameters".to_owned(), known(inspection.parameters)],
        vec![if inspection.approximate { "MACs, about" } else { "MACs" }.to_owned(), known(inspection.macs)],
        vec!["FLOPs".to_owned(), known(inspection.flops)],
        vec!["other operations".to_owned(), known(inspection.other_operations)],
        vec!["weights".to_owned(), bytes(inspection.weight_bytes)],
        vec!["peak activations".to_owned(), bytes(inspection.peak_activation_bytes)],
        vec![
            "bytes read".to_owned(),
            format!(
                "{} of {}",
                Bytes(inspection.bytes_read as f64).readable(),
                Bytes(inspection.file_bytes as f64).readable()
            ),
        ],
    ];
    for port in &inspection.inputs {
        facts.push(vec!["input".to_owned(), cut(&format!("{} {} {}", port.name, port.dtype, port.symbolic))]);
    }
    for port in &inspection.outputs {
        facts.push(vec!["output".to_owned(), cut(&format!("{} {} {}", port.name, port.dtype, port.symbolic))]);
    }
    for (name, size) in &inspection.dynamic_dims {
        facts.push(vec!["open dimension".to_owned(), format!("{} = {size}", cut(name))]);
    }
    if let Some(transformer) = &inspection.transformer {
        facts.extend(described(transformer));
    }
    text.push_str(&table(&facts, &[]));
    if !inspection.not_counted.is_empty() {
        text.push_str("\nNot counted\n");
        let rows: Vec<Vec<String>> = inspection
            .not_counted
            .iter()
            .map(|entry| vec![cut(&entry.op), entry.nodes.to_string(), format!("{:.1} %", entry.share * 100.0)])
            .collect();
        text.push_str(&table(&rows, &[1, 2]));
    }
    let mut layers: Vec<_> = inspection.layers.iter().collect();
    if !all_layers {
        // A list of the largest is a list of nothing where none is known or all are zero.
        layers.retain(|layer| layer.macs.is_some_and(|macs| macs > 0));
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.macs.unwrap_or(0)));
        layers.truncate(MOST_ROWS);
    }
    if !layers.is_empty() {
        text.push_str(&if all_layers {
            "\nLayers\n".to_owned()
        } else {
            let which = if layers.len() == 1 { "layer".to_owned() } else { format!("{} layers", layers.len()) };
            format!("\nThe {which} with the most MACs, of {} (--layers lists all)\n", inspection.layers.len())
        });
        let mut rows = vec![row(["layer", "operator", "output", "parameters", "MACs", "other"])];
        let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| format::count(count as f64));
        rows.extend(layers.iter().map(|layer| {
            vec![
                cut(&layer.name),
                cut(&layer.op),
                cut(&layer.output_symbolic),
                format::count(layer.parameters as f64),
                count(layer.macs),
                count(layer.other_operations),
            ]
        }));
        text.push_str(&table(&rows, &[3, 4, 5]));
    }
    let zero: Vec<String> =
        inspection.dynamic_dims.iter().filter(|(_, size)| **size == 0).map(|(name, _)| cut(name)).collect();
    if inspection.macs == Some(0) && !zero.is_empty() {
        text.push_str(&format!("\nNothing is computed, for {} is 0.\n", zero.join(", ")));
    }
    if inspection.warnings.iter().any(|note| note.level == Level::Info) {
        text.push('\n');
        notes(&mut text, inspection.warnings.iter(), Level::Info);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn model_name(model: &ModelRef) -> String {
    match model {
        ModelRef::Gallery { id } => id.clone(),
        ModelRef::Url { url } => url.clone(),
        ModelRef::File { name, .. } => name.clone(),
        ModelRef::Counts { parameters, active_parameters } => match active_parameters {
            Some(active) => format!(
                "language model of {} parameters, {} active",
                format::count(*parameters),
                format::count(*active)
            ),
            None => format!("language model of {} parameters", format::count(*parameters)),
        },
    }
}

fn spans<T: Readable>(name: &str, range: Range<T>) -> Vec<String> {
    vec![name.to_owned(), range.central.readable(), format!("{} to {}", range.low.readable(), range.high.readable())]
}

/// A model before and after a change.
pub(crate) fn what_if(scenario: &Scenario, found: &WhatIf, before: &[Note]) -> String {
    let mut text = format!(
        "{} on {} × {} in {}: {}\nWhat if: {}\n\n",
        cut(&model_name(&scenario.model)),
        scenario.hardware.count,
        scenario.hardware.device,
        scenario.site.region,
        found.scope,
        found.changes.join("; ")
    );
    notes(&mut text, before.iter().chain(&found.warnings), Level::Warning);
    let (old, new) = (&found.before, &found.after);
    let times = |ratio: f64| if ratio.is_finite() { format!("× {}", format::number(ratio)) } else { String::new() };
    let both = |name: &str, of: &dyn Fn(&Outcome) -> Option<f64>, show: &dyn Fn(f64) -> String| {
        let (a, b) = (of(old)?, of(new)?);
        let ratio = if a > 0.0 { times(b / a) } else { String::new() };
        Some(vec![name.to_owned(), show(a), show(b), ratio, String::new()])
    };
    let size = |bytes: f64| Bytes(bytes).readable();
    let mut rows = vec![row(["", "before", "after", "ratio", "range"])];
    rows.extend(both("parameters", &|of| Some(of.parameters as f64), &format::count));
    rows.extend(both("file", &|of| Some(of.file_bytes.0), &size));
    rows.extend(both("weights in memory", &|of| Some(of.weight_bytes.0), &size));
    rows.extend(both("MACs of a pass", &|of| Some(of.macs as f64), &format::count));
    rows.extend(both("bytes moved by a pass", &|of| of.traffic_bytes.map(|bytes| bytes.0), &size));
    rows.extend(both("kernels of a pass", &|of| of.kernels.map(|count| count as f64), &|count| {
        format::whole(count as u64)
    }));
    rows.push(vec!["computed in".to_owned(), old.computed_in.clone(), new.computed_in.clone()]);
    let ranged = |name: &str, a: String, b: String, ratio: Range<Ratio>| {
        let range = format!("{} to {}", times(ratio.low.0), times(ratio.high.0));
        vec![name.to_owned(), a, b, times(ratio.central.0), range]
    };
    let grams = |of: Range<Ratio>| format!("{} g", format::number(of.central.0));
    let money = |of: &Outcome| of.rent_usd_per_1000.unwrap_or(of.electricity_usd_per_1000).central.readable();
    rows.push(ranged(
        "time of a request",
        old.latency_s.central.readable(),
        new.latency_s.central.readable(),
        found.ratio.time,
    ));
    rows.push(ranged(
        "energy of a request",
        old.energy_wh.central.readable(),
        new.energy_wh.central.readable(),
        found.ratio.energy,
    ));
    rows.push(ranged("emissions of a request", grams(old.co2e_g), grams(new.co2e_g), found.ratio.co2e));
    let bill = if old.rent_usd_per_1000.is_some() { "rent of 1,000 requests" } else { "electricity of 1,000" };
    rows.push(ranged(bill, money(old), money(new), found.ratio.cost));
    text.push_str(&table(&rows, &[1, 2, 3]));
    let bound = |of: &Outcome| {
        let share = |part: Ratio| format!("{:.0} %", part.0 * 100.0);
        format!(
            "arithmetic {}, memory {}, starting {}",
            share(of.compute_bound),
            share(of.memory_bound),
            share(of.overhead)
        )
    };
    text.push_str(&format!("\nWhat bounds the time before: {}; after: {}\n", bound(old), bound(new)));
    if !found.published.is_empty() {
        text.push_str("\nWhat others measured\n");
        let rows: Vec<Vec<String>> = found
            .published
            .iter()
            .map(|effect| {
                let batch = if effect.batch.is_empty() { String::new() } else { format!("batch {}", effect.batch) };
                let value = if effect.value.low == effect.value.high {
                    format::number(effect.value.central.0)
                } else {
                    let [low, mid, high] =
                        [effect.value.low, effect.value.central, effect.value.high].map(|of| format::number(of.0));
                    format!("{mid} ({low} to {high})")
                };
                vec![
                    cut(&effect.method),
                    cut(&effect.model),
                    cut(&effect.hardware),
                    batch,
                    format!("{value} {}", effect.unit),
                    cut(&effect.source),
                ]
            })
            .collect();
        text.push_str(&table(&rows, &[]));
    }
    text.push('\n');
    notes(&mut text, found.warnings.iter(), Level::Info);
    text
}

/// The levers of a model, the one that saves most in front.
pub(crate) fn levers(scenario: &Scenario, found: &Levers, before: &[Note]) -> String {
    let mut text = format!(
        "{} on {} × {} in {}: {} take {}, {} and {}{}\n\n",
        cut(&model_name(&scenario.model)),
        scenario.hardware.count,
        scenario.hardware.device,
        scenario.site.region,
        found.unit,
        found.energy_kwh.central.readable(),
        found.co2e_kg.central.readable(),
        found.cost_usd.central.readable(),
        if found.cost_is_rent { " of rent" } else { " of electricity" },
    );
    notes(&mut text, before.iter(), Level::Warning);
    let mut rows = vec![row(["lever", "saves CO₂e", "", "energy", "money", "time", "accuracy"])];
    for lever in &found.levers {
        let percent = |ratio: Range<Ratio>| {
            let of = |ratio: Ratio| format!("{:.0}", (1.0 - ratio.0) * 100.0);
            format!("{} % ({} to {})", of(ratio.central), of(ratio.high), of(ratio.low))
        };
        rows.push(vec![
            cut(&lever.title),
            lever.co2e_kg.central.readable(),
            percent(lever.co2e_ratio),
            lever.energy_kwh.central.readable(),
            lever.cost_usd.central.readable(),
            format!("× {}", format::number(lever.time_ratio.central.0)),
            if lever.costs_accuracy { "may fall".to_owned() } else { "same".to_owned() },
        ]);
    }
    text.push_str(&table(&rows, &[1, 2, 3, 4, 5]));
    text.push('\n');
    for sentence in &found.advice {
        text.push_str(sentence);
        text.push('\n');
    }
    text.push('\n');
    notes(&mut text, found.notes.iter(), Level::Info);
    text
}

/// What a scenario costs; `before` is what was found while reading the model and the scenario.
pub(crate) fn estimate(scenario: &Scenario, estimate: &Estimate, before: &[Note]) -> String {
    let verb = match scenario.workload {
        Workload::Train(_) => "Training",
        Workload::Serve(_) => "Serving",
    };
    let mut text = format!(
        "{verb} {} on {} × {} in {}: {}\n\n",
        cut(&model_name(&scenario.model)),
        scenario.hardware.count,
        scenario.hardware.device,
        scenario.site.region,
        estimate.scope
    );
    for obstacle in &estimate.obstacles {
        text.push_str(&format!("does not run as described: {}\n", obstacle.text()));
    }
    if !estimate.obstacles.is_empty() {
        text.push('\n');
    }
    notes(&mut text, before.iter().chain(&estimate.warnings), Level::Warning);
    let parts = &estimate.energy_parts_kwh;
    let mut rows = vec![
        row(["", "estimate", "range"]),
        vec!["operations".to_owned(), estimate.flops.readable(), String::new()],
        spans("time", estimate.hours),
        vec![
            "device-hours".to_owned(),
            estimate.device_hours.central.device_hours(),
            format!("{} to {}", estimate.device_hours.low.device_hours(), estimate.device_hours.high.device_hours()),
        ],
        spans("energy at the meter", estimate.energy_kwh),
        spans("  accelerators", parts.accelerators),
        spans("  hosts", parts.host),
        spans("  network", parts.network),
        spans("  waiting", parts.idle),
        spans("  building (PUE)", parts.pue_overhead),
        spans("emissions of use", estimate.co2e_kg),
    ];
    match estimate.embodied_kg {
        Some(embodied) => rows.push(spans("share of making", embodied)),
        None => rows.push(row(["share of making", "unknown", ""])),
    }
    match estimate.total_co2e_kg {
        Some(total) => rows.push(spans("emissions in all", total)),
        None => rows.push(row(["emissions in all", "unknown", ""])),
    }
    let accounting = &estimate.accounting;
    match &accounting.market {
        Some(market) => {
            let named = |account: &Account| {
                let year = account.year.map(|year| format!(" {year}")).unwrap_or_default();
                format!("  by {}, {}{year}", account.method.trim_end_matches("-based"), account.basis)
            };
            rows.push(row(["by location and market", "", ""]));
            rows.push(spans(&named(&accounting.location), accounting.location.co2e_kg));
            if let Some(beside) = &accounting.location_beside_market {
                rows.push(spans(&named(beside), beside.co2e_kg));
            }
            rows.push(spans(&named(market), market.co2e_kg));
        }
        None => rows.push(row(["emissions by market", "unknown", ""])),
    }
    rows.push(spans("lost in the network, besides", accounting.losses.co2e_kg));
    rows.push(spans("water", estimate.water_l));
    rows.push(spans("electricity bill", estimate.cost_usd));
    rows.extend(estimate.rent_usd.map(|rent| spans("rent instead", rent)));
    rows.extend(estimate.per_sample_j.map(|energy| spans("energy per sample", energy)));
    rows.extend(estimate.per_token_j.map(|energy| spans("energy per token", energy)));
    rows.extend(estimate.per_request_wh.map(|energy| spans("energy per request", energy)));
    rows.extend(estimate.per_output_token_j.map(|energy| spans("energy per output token", energy)));
    rows.extend(estimate.accelerator_j_per_output_token.map(|energy| spans("  of the chips at work", energy)));
    if let Some(service) = &estimate.service {
        rows.push(spans("time of a batch", service.latency_s));
        rows.extend(service.first_token_s.map(|time| spans("first token", time)));
        rows.extend(service.between_tokens_s.map(|time| spans("each further token", time)));
        let plain = |name: &str, range: Range<Ratio>, scale: f64, unit: &str| {
            let show = |value: Ratio| format!("{}{unit}", format::number(value.0 * scale));
            vec![name.to_owned(), show(range.central), format!("{} to {}", show(range.low), show(range.high))]
        };
        rows.push(plain("capacity", service.capacity_per_s, 1.0, " requests/s"));
        rows.extend(service.load.map(|load| plain("load", load, 100.0, " %")));
    }
    text.push_str(&table(&rows, &[1]));

    let memory = &estimate.memory;
    let show = |bytes: Bytes| bytes.readable();
    let least = if memory.needed_is_least { "at least " } else { "" };
    let unknown: Vec<&str> =
        memory.parts.iter().filter(|part| part.bytes.is_none()).map(|part| part.name.as_str()).collect();
    text.push_str(&format!(
        "\nMemory of each device: {}, {}, {}\n",
        memory
            .needed
            .map_or("what is needed is not known".to_owned(), |bytes| format!("{least}{} needed", show(bytes))),
        memory.available.map_or("its size is not published".to_owned(), |bytes| format!("{} there", show(bytes))),
        match memory.fits {
            Some(true) => "fits".to_owned(),
            Some(false) => "does not fit".to_owned(),
            None if unknown.is_empty() => "so whether it fits is not known".to_owned(),
            None => format!("and the size of the {} is not known", unknown.join(" and the ")),
        }
    ));

    text.push_str("\nWhat the tonnes would cost (an offset does not undo an emission)\n");
    let offsets: Vec<Vec<String>> =
        estimate.offsets.iter().map(|one| spans(&format!("{} ({})", one.name, one.year), one.cost_usd)).collect();
    text.push_str(&table(&offsets, &[1]));

    text.push_str("\nHow this was computed\n");
    let steps: Vec<Vec<String>> = estimate
        .steps
        .iter()
        .map(|step| vec![step.title.clone(), format!("{} = {}", step.numbers, step.result)])
        .collect();
    text.push_str(&table(&steps, &[]));

    text.push_str("\nWhat changes the emissions most, use and making together\n");
    let changes: Vec<Vec<String>> = estimate
        .sensitivity
        .iter()
        .take(MOST_ROWS)
        .map(|item| {
            let case =
                |case: &estimator::report::Alternative| format!("{} ({})", case.total_co2e_kg.readable(), case.label);
            vec![cut(&item.name), case(&item.low), case(&item.high)]
        })
        .collect();
    text.push_str(&table(&changes, &[]));

    text.push_str("\nAssumptions (--set KEY=VALUE changes one)\n");
    let assumptions: Vec<Vec<String>> = estimate
        .assumptions
        .iter()
        .map(|item| {
            let span = if item.low == item.high {
                String::new()
            } else {
                format!("{} to {}", format::number(item.low), format::number(item.high))
            };
            let unit = match item.unit.as_str() {
                "ratio" | "share" | "count" => "",
                unit => unit,
            };
            vec![item.key.clone(), format!("{} {unit}", format::number(item.value)), span, cut(&item.source)]
        })
        .collect();
    text.push_str(&table(&assumptions, &[]));
    text.push('\n');
    notes(&mut text, before.iter().chain(&estimate.warnings), Level::Info);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// A device in a list.
#[derive(Serialize)]
pub(crate) struct DeviceRecord {
    id: String,
    name: String,
    vendor: String,
    kind: &'static str,
    year: u16,
    memory_bytes: Option<f64>,
    memory_bandwidth_bytes_per_s: Option<f64>,
    tdp_w: Option<f64>,
    idle_w: Option<f64>,
    peak_flops_per_s: std::collections::BTreeMap<&'static str, FlopsPerSecond>,
    source: String,
}

impl DeviceRecord {
    pub(crate) fn of(device: &Device) -> Self {
        Self {
            id: device.id.clone(),
            name: device.name.clone(),
            vendor: device.vendor.clone(),
            kind: device.kind.code(),
            year: device.year,
            memory_bytes: device.memory().map(Quantity::amount),
            memory_bandwidth_bytes_per_s: device.memory_bandwidth.map(Quantity::amount),
            tdp_w: device.tdp.map(Quantity::amount),
            idle_w: device.idle.map(Quantity::amount),
            peak_flops_per_s: device
                .precisions()
                .filter_map(|precision| Some((precision.code(), device.own_peak(precision)?)))
                .collect(),
            source: device
                .precisions()
                .find_map(|precision| device.evidence(Field::Peak(precision)))
                .map(|evidence| evidence.source.citation())
                .unwrap_or_default(),
        }
    }
}

/// The devices as a table.
pub(crate) fn devices(devices: &[&Device]) -> String {
    let mut rows = vec![row(["id", "name", "year", "memory", "bandwidth", "TDP", "usual precision", "dense peak"])];
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    for device in devices {
        let usual = estimator::energy::usual_precision(device);
        rows.push(vec![
            device.id.clone(),
            device.name.clone(),
            device.year.to_string(),
            or_unknown(device.memory().map(Readable::readable)),
            or_unknown(device.memory_bandwidth.map(|bandwidth| format!("{}/s", Bytes(bandwidth.0).readable()))),
            or_unknown(device.tdp.map(Readable::readable)),
            or_unknown(usual.map(|precision| precision.code().to_owned())),
            or_unknown(usual.and_then(|precision| Some(device.own_peak(precision)?.readable()))),
        ]);
    }
    table(&rows, &[2, 3, 4, 5, 7])
}

/// A region in a list.
#[derive(Serialize)]
pub(crate) struct RegionRecord {
    id: String,
    name: String,
    grid: Option<String>,
    g_per_kwh: Option<GramsPerKilowattHour>,
    basis: Option<&'static str>,
    year: Option<u16>,
    pue: Option<f64>,
    pue_is_of: Option<&'static str>,
    wue_l_per_kwh: Option<f64>,
    source: Option<String>,
}

impl RegionRecord {
    pub(crate) fn of(place: Place) -> Self {
        let intensity = place.grid().map(|grid| &grid.intensity);
        let site = match place {
            Place::Site(site) => Some(site),
            Place::Grid(_) => None,
        };
        let pue = site.and_then(|site| site.pue());
        Self {
            id: place.id().to_owned(),
            name: place.name().to_owned(),
            grid: place.grid().map(|grid| grid.id.clone()),
            g_per_kwh: intensity.map(|intensity| intensity.value),
            basis: intensity.map(|intensity| intensity.basis.word()),
            year: intensity.map(|intensity| intensity.evidence.year),
            pue: pue.map(|(pue, _)| pue.value.0),
            pue_is_of: pue.map(|(_, scope)| match scope {
                Scope::Site => "site",
                Scope::Fleet => "operator",
            }),
            wue_l_per_kwh: site.and_then(|site| site.wue()).map(|(wue, _)| wue.value.0),
            source: intensity.map(|intensity| intensity.evidence.source.citation()),
        }
    }
}

/// The regions as a table.
pub(crate) fn regions(records: &[RegionRecord]) -> String {
    let mut rows = vec![row(["id", "name", "grid", "g/kWh", "basis", "year", "PUE"])];
    let plain = |number: Option<f64>| number.map_or("?".to_owned(), format::number);
    for record in records {
        rows.push(vec![
            record.id.clone(),
            cut(&record.name),
            record.grid.clone().unwrap_or_else(|| "?".to_owned()),
            plain(record.g_per_kwh.map(|intensity| intensity.0)),
            record.basis.unwrap_or("?").to_owned(),
            record.year.map_or("?".to_owned(), |year| year.to_string()),
            plain(record.pue).replace('?', ""),
        ]);
    }
    table(&rows, &[3, 5, 6])
}

/// Published figures beside ours.
/// Two models side by side.
pub(crate) fn comparison(found: &Comparison, all_layers: bool) -> String {
    let mut rows = vec![row(["", "first", "second", "difference"])];
    for total in &found.totals {
        let difference = total.first.zip(total.second).map(|(a, b)| signed(i128::from(b) - i128::from(a)));
        rows.push(vec![
            total.what.replace('_', " "),
            known(total.first),
            known(total.second),
            difference.unwrap_or_default(),
        ]);
    }
    let mut text = table(&rows, &[1, 2, 3]);
    text.push_str(&format!("\n{} layers are the same in both\n", found.matched));
    if found.reasons.is_empty() {
        text.push_str("nothing differs\n");
    }
    for reason in &found.reasons {
        let parts = [(reason.parameters, "parameters"), (reason.macs, "MACs"), (reason.bytes, "bytes")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(amount, _)| *amount != 0)
            .map(|(amount, of)| format!("{} {of}", signed(*amount)))
            .collect();
        let sum = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        text.push_str(&format!("- {}{sum}\n", reason.sentence));
    }
    if all_layers {
        let mut rows =
            vec![row(["first", "operator", "parameters", "MACs", "second", "operator", "parameters", "MACs"])];
        for pair in &found.pairs {
            let cells = |side: &Option<Side>| match side {
                Some(side) => [cut(&side.name), side.op.clone(), format::whole(side.parameters), known(side.macs)],
                None => Default::default(),
            };
            rows.push(cells(&pair.first).into_iter().chain(cells(&pair.second)).collect());
        }
        text.push('\n');
        text.push_str(&table(&rows, &[2, 3, 6, 7]));
    }
    text
}

/// A difference with its sign.
fn signed(amount: i128) -> String {
    let size = format::whole(u64::try_from(amount.unsigned_abs()).unwrap_or(u64::MAX));
    match amount {
        0 => "0".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("−{size}"),
    }
}

pub(crate) fn validation(validation: &Validation) -> String {
    let mut rows = vec![row([
        "row",
        "quantity",
        "published",
        "estimate",
        "range",
        "unit",
        "factor",
        "without its publication",
        "other methods",
        "inside",
    ])];
    for entry in &validation.rows {
        rows.push(vec![
            cut(&entry.id),
            entry.quantity.clone(),
            format::number(entry.published),
            format::number(entry.central),
            format!("{} to {}", format::number(entry.low), format::number(entry.high)),
            entry.unit.clone(),
            format!("×{:.2}{}", entry.error_factor, if entry.in_sample { "*" } else { "" }),
            entry.left_out.map_or(String::new(), |_| format!("×{:.2}", entry.left_out_error())),
            entry
                .peers
                .iter()
                .map(|(name, figure)| format!("{name} {}", format::number(*figure)))
                .collect::<Vec<_>>()
                .join(", "),
            if entry.flag.is_some() {
                "not counted"
            } else if (entry.low..=entry.high).contains(&entry.published) {
                "yes"
            } else {
                "no"
            }
            .to_owned(),
        ]);
    }
    let mut text = table(&rows, &[2, 3, 4, 6, 7]);
    text.push_str("* our constants were fitted to this row among others; without its publication they give the factor beside it\n\n");
    let factor = |factor: Option<f64>| factor.map_or("none".to_owned(), |factor| format!("×{factor:.2}"));
    let line = |name: &str, summary: &Summary| {
        vec![
            name.to_owned(),
            summary.n.to_string(),
            factor(summary.median_error_factor),
            factor(summary.p90_error_factor),
            summary.within_1_5.to_string(),
            summary.within_2.to_string(),
            summary.within_range.to_string(),
        ]
    };
    let head = ["", "rows", "median factor", "90th percentile", "within 1.5", "within 2", "inside the range"];
    let mut sums = vec![row(head)];
    sums.extend(validation.by_quantity.iter().map(|(name, summary)| line(name, summary)));
    sums.push(line("all", &validation.summary));
    text.push_str(&table(&sums, &[1, 2, 3, 4, 5, 6]));
    // A range is that of the estimate itself; without it the last column says nothing.
    let bare = |name: &str, summary: &Summary| {
        let mut cells = line(name, summary);
        cells.pop();
        cells
    };
    if validation.rows.iter().any(|row| row.left_out.is_some()) {
        let mut sums = vec![row([
            "without the row’s own publication",
            "rows",
            "median factor",
            "90th percentile",
            "within 1.5",
            "within 2",
        ])];
        sums.extend(validation.left_out_by_quantity.iter().map(|(name, summary)| bare(name, summary)));
        text.push_str(&format!("\n{}", table(&sums, &[1, 2, 3, 4, 5])));
    }
    if !validation.peers.is_empty() {
        let mut sums =
            vec![row(["other methods", "rows", "median factor", "90th percentile", "within 1.5", "within 2"])];
        for (peer, quantities) in &validation.peers {
            for (quantity, summary) in quantities {
                sums.push(bare(&format!("{peer}: {quantity}"), &summary.theirs));
                sums.push(bare("  ours on the same rows", &summary.ours));
            }
        }
        text.push_str(&format!("\n{}", table(&sums, &[1, 2, 3, 4, 5])));
    }
    if !validation.skipped.is_empty() {
        text.push_str(&format!("\n{} rows were passed over:\n", validation.skipped.len()));
        let skipped: Vec<Vec<String>> =
            validation.skipped.iter().map(|entry| vec![cut(&entry.id), entry.why.clone()]).collect();
        text.push_str(&table(&skipped, &[]));
    }
    text
}

/// What hyper-parameters say of a model, as lines of the table of facts.
fn described(of: &Transformer) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| lines.push(vec![name.to_owned(), text]);
    let exact = |number: u64| known(Some(number));
    let about = if of.approximate { ", counted approximately" } else { "" };
    line("network", format!("{}{about}, from {}", cut(&of.family), cut(&of.origin)));
    if of.active_parameters != of.parameters {
        line("active for a token", exact(of.active_parameters));
    }
    line("without embeddings", exact(of.non_embedding_parameters));
    if !of.input.is_empty() {
        line("one pass", cut(&of.input));
    }
    if let (Some(macs), Some(context)) = (of.macs_per_token, of.context) {
        line("MACs of a step", format!("{} at {context} tokens of context", exact(macs)));
    }
    if let Some(held) = of.kv_cache_bytes_per_token {
        line("KV cache", format!("{} a token, with elements of 16 bits", bytes(Some(held))));
    }
    if of.weight_bytes_per_token.is_some() {
        line("weights of a step", bytes(of.weight_bytes_per_token));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [row(["a", "1"]), row(["bcd", "100"])];
        assert_eq!(table(&rows, &[1]), "a      1\nbcd  100\n");
        assert_eq!(table(&rows, &[]), "a    1\nbcd  100\n");
    }

    #[test]
    fn texts_from_files_are_cut_and_cleaned() {
        assert_eq!(cut("a\u{1b}[31mb\nc"), "a[31mbc");
        assert_eq!(cut(&"é".repeat(1000)).chars().count(), WIDEST + 1);
    }
}
