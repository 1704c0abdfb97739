//! Which lever first: everything that could be changed about a model and its work, ranked by what it saves.
//!
//! Each lever is a scenario beside the given one, compared under the same assumptions.
//! Lower clocks and power caps are the exception: what they save is measured by others and not computed here.

use super::{Basis, Subject, change, in_words, published, ready};
use crate::carbon::factors;
use crate::energy::{self, EstimateError, Paired};
use crate::format::Readable;
use crate::hardware::{self, Kind};
use crate::notes::{Level, Note};
use crate::range::{Range, Ratio};
use crate::report::{Estimate, Lever, Levers};
use crate::scenario::compression::{Compression, Distil, Format, Prune, Software};
use crate::scenario::{ModelSummary, Scenario, Workload};
use crate::units::{Dollars, KilogramsCo2e, KilowattHours, Quantity};

/// Requests that amounts are for.
const REQUESTS: f64 = 1000.0;
/// Batches that a service may be gathered into.
const BATCHES: [u64; 3] = [8, 16, 32];
/// The share of channels whose loss published networks make good.
const PRUNED: f64 = 0.3;
/// A student with half of the layers, as in the best-known case.
const STUDENT: Distil = Distil { layers: 0.5, width: 1.0 };
/// A network of about a quarter of the size.
const SMALLER: Distil = Distil { layers: 0.5, width: 0.7 };
/// A saving below this share is not worth a sentence.
const LITTLE: f64 = 0.03;

/// The levers of a model and its work.
///
/// # Errors
/// As [`energy::estimate`], of the scenario as it is.
pub fn of(scenario: &Scenario, subject: Subject<'_>) -> Result<Levers, EstimateError> {
    let trains = matches!(scenario.workload, Workload::Train(_));
    let scenario = Scenario { compression: None, ..scenario.clone() };
    let base = energy::estimate(&scenario, subject.summary)?;
    let items = if trains { 1.0 } else { items(&base) / REQUESTS };
    let cost = base.rent_usd.unwrap_or(base.cost_usd);
    let mut table = Table {
        scenario: &scenario,
        subject,
        basis: Basis::of(&base),
        energy: base.energy_kwh.map(|all| KilowattHours(all.0 / items)),
        // Where making the machines is unknown, their electricity alone is compared on both sides.
        co2e: base.total_co2e_kg.unwrap_or(base.co2e_kg).map(|all| KilogramsCo2e(all.0 / items)),
        cost: cost.map(|all| Dollars(all.0 / items)),
        levers: Vec::new(),
        notes: Vec::new(),
    };
    table.choices(&base);
    if trains {
        table.smaller("");
    } else {
        table.batches();
        table.formats();
        table.software();
        table.pruned();
        table.smaller("its training takes energy that many requests have to pay back; ");
        table.clocks(&base);
    }
    let mut levers = std::mem::take(&mut table.levers);
    levers.sort_by(|a, b| b.co2e_kg.central.0.total_cmp(&a.co2e_kg.central.0));
    let unit = if trains { base.scope.clone() } else { "1,000 requests".to_owned() };
    Ok(Levers {
        advice: advice(&levers, &unit),
        unit,
        energy_kwh: table.energy,
        co2e_kg: table.co2e,
        cost_usd: table.cost,
        cost_is_rent: base.rent_usd.is_some(),
        levers,
        notes: table.notes,
    })
}

/// Requests that an estimate covers.
fn items(estimate: &Estimate) -> f64 {
    let each = estimate.per_request_wh.map_or(0.0, |each| each.central.0) / crate::units::WATT_HOURS_PER_KILOWATT_HOUR;
    if each > 0.0 { (estimate.energy_kwh.central.0 / each).max(f64::MIN_POSITIVE) } else { 1.0 }
}

struct Table<'a> {
    scenario: &'a Scenario,
    subject: Subject<'a>,
    basis: Basis,
    energy: Range<KilowattHours>,
    co2e: Range<KilogramsCo2e>,
    cost: Range<Dollars>,
    levers: Vec<Lever>,
    notes: Vec<Note>,
}

/// What of an amount is saved at a ratio: all corners of both ranges, for either may be at its end.
fn saved<T: Quantity>(amount: Range<T>, ratio: Range<Ratio>) -> Range<T> {
    let corners =
        [amount.low, amount.high].map(|end| [ratio.low, ratio.high].map(|ratio| end.amount() * (1.0 - ratio.0)));
    let all = || corners.iter().flatten().copied();
    let central = amount.central.amount() * (1.0 - ratio.central.0);
    Range::new(T::of(all().fold(central, f64::min)), T::of(central), T::of(all().fold(central, f64::max)))
}

impl Table<'_> {
    fn add(&mut self, kind: &str, title: String, value: String, paired: Paired, caution: String, costs_accuracy: bool) {
        self.levers.push(Lever {
            kind: kind.to_owned(),
            title,
            value,
            energy_ratio: paired.energy,
            co2e_ratio: paired.co2e,
            time_ratio: paired.time,
            energy_kwh: saved(self.energy, paired.energy),
            co2e_kg: saved(self.co2e, paired.co2e),
            cost_usd: saved(self.cost, paired.cost),
            costs_accuracy,
            caution,
        });
    }

    fn against(&self, scenario: &Scenario, summary: &ModelSummary) -> Option<Paired> {
        // What does not run saves nothing.
        if energy::feasible(scenario, summary).ok()? == Some(false) {
            return None;
        }
        energy::paired((self.scenario, self.subject.summary), (scenario, summary)).ok()
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(Note { level: Level::Info, place: String::new(), text: text.into() });
    }

    /// The best region, the best chip and, for training, the best precision, as the estimate itself found them.
    fn choices(&mut self, base: &Estimate) {
        let trains = matches!(self.scenario.workload, Workload::Train(_));
        for item in &base.sensitivity {
            let best = &item.low;
            let mut scenario = self.scenario.clone();
            let (title, caution) = match item.key.as_str() {
                "region" => {
                    scenario.site.grid = Some(best.value.clone());
                    scenario.site.basis = None;
                    let caution = "the same work where electricity is cleaner, by the grid’s yearly average; data, laws and distance may forbid it";
                    (format!("the grid of {}", best.label), caution)
                }
                "device" if best.value != self.scenario.hardware.device => {
                    scenario.hardware.device.clone_from(&best.value);
                    scenario.hardware.precision = None;
                    energy::forget_device(&mut scenario);
                    (
                        best.label.clone(),
                        "as many of another chip; whether it can be had, and at what price, is another question",
                    )
                }
                "precision" if trains => {
                    scenario.hardware.precision = Some(best.value.clone());
                    (
                        format!("training in {}", best.label),
                        "lower precision can make training unstable; loss scaling or a mixture of formats is usual",
                    )
                }
                _ => continue,
            };
            let Some(paired) = self.against(&scenario, self.subject.summary) else { continue };
            // Of regions and chips only what is better is a lever.
            if paired.co2e.central.0 < 1.0 {
                self.add(&item.key, title, best.value.clone(), paired, caution.to_owned(), item.key == "precision");
            }
        }
    }

    fn batches(&mut self) {
        let Workload::Serve(serving) = &self.scenario.workload else { return };
        let own = serving.batch;
        let tried = BATCHES.into_iter().filter(|batch| *batch > own).filter_map(|batch| {
            let mut scenario = self.scenario.clone();
            if let Workload::Serve(serving) = &mut scenario.workload {
                serving.batch = batch;
            }
            Some((batch, self.against(&scenario, self.subject.summary)?))
        });
        let best = tried.min_by(|a, b| a.1.energy.central.0.total_cmp(&b.1.energy.central.0));
        let Some((batch, paired)) = best else { return };
        let slower = crate::format::number(paired.time.central.0);
        let caution = format!("each request takes about {slower} times as long, and has to wait until a batch is full");
        self.add("batch", format!("{batch} requests at a time"), batch.to_string(), paired, caution, false);
    }

    fn changed(&mut self, kind: &str, change: &Compression, caution: String, costs_accuracy: bool) {
        let Ok(ready) = ready(self.scenario, self.subject, change, self.basis) else { return };
        let Some(paired) = self.against(&ready.scenario, &ready.summary) else { return };
        let value = change
            .quantize
            .map(|format| format.to_string())
            .or(change.prune.map(|prune| prune.to_string()))
            .or(change.distil.map(|distil| distil.to_string()))
            .or(change.software.map(|software| software.to_string()))
            .unwrap_or_default();
        self.add(kind, in_words(change, false).join(", "), value, paired, caution, costs_accuracy);
    }

    fn formats(&mut self) {
        let Some(device) = hardware::device(&self.scenario.hardware.device) else { return };
        let asked = self.scenario.hardware.precision.as_deref().and_then(hardware::Precision::from_code);
        let Some(usual) = asked.or_else(|| energy::usual_precision(device)) else { return };
        for format in [Format::Bf16, Format::Fp8, Format::Int8, Format::Int4WeightOnly, Format::Fp4] {
            let layout = change::layout(format);
            let computed = change::computed_in(format, device, usual);
            // A format without units of its own only helps where weights alone are stored in it.
            if layout.bits >= f64::from(usual.bits()) || (!layout.is_weight_only && device.own_peak(computed).is_none())
            {
                continue;
            }
            let lost: Vec<String> = published::of(format.code(), &device.id, 1)
                .into_iter()
                .filter(|effect| effect.metric == published::Metric::AccuracyLoss)
                .map(|effect| format!("{} % for {}", crate::format::number(effect.value.central.0), effect.model))
                .collect();
            let lost = match lost.is_empty() {
                true => "test accuracy on your own data".to_owned(),
                false => format!("published loss of MMLU: {}", lost.join(", ")),
            };
            let lost = if format == Format::Bf16 {
                "the usual format for serving; hardly ever a loss".to_owned()
            } else {
                lost
            };
            let keep = if layout.bits < 8.0 { vec!["embeddings".to_owned(), "last".to_owned()] } else { Vec::new() };
            let change = Compression { quantize: Some(format), keep, ..Compression::default() };
            self.changed("quantize", &change, lost, format != Format::Bf16);
        }
    }

    fn software(&mut self) {
        if self.subject.summary.language.is_some() {
            self.note("the estimate of a language model is of a serving engine that already joins operators and starts a step’s kernels together");
            return;
        }
        if self.subject.summary.fused.is_empty() {
            self.note("which operators can be joined is not known for this model");
            return;
        }
        let captures = hardware::device(&self.scenario.hardware.device).is_some_and(|device| device.kind == Kind::Gpu);
        for software in [Software::Fused, Software::Graph].into_iter().filter(|own| captures || *own == Software::Fused)
        {
            let change = Compression { software: Some(software), ..Compression::default() };
            let caution = match software {
                Software::Graph => {
                    "a compiler and shapes that do not change; torch.compile was measured at 1.2 to 2.3 times the speed of eager PyTorch"
                }
                _ => {
                    "what TensorRT, ONNX Runtime, XLA, TVM or torch.compile do without changing an answer by more than rounding"
                }
            };
            self.changed("software", &change, caution.to_owned(), false);
        }
    }

    fn pruned(&mut self) {
        let Some(device) = hardware::device(&self.scenario.hardware.device) else { return };
        let structured = Compression { prune: Some(Prune::Structured { share: PRUNED }), ..Compression::default() };
        let caution =
            "needs training anew; ResNet-50 pruned to 1.6 times the speed kept its accuracy (HALP)".to_owned();
        self.changed("prune", &structured, caution, true);
        if change::skips_two_of_four(device) {
            let change = Compression { prune: Some(Prune::TwoOfFour), ..Compression::default() };
            self.changed(
                "prune",
                &change,
                "needs training anew, and a runtime that uses the units for it".to_owned(),
                true,
            );
        }
    }

    fn smaller(&mut self, start: &str) {
        let student = Compression { distil: Some(STUDENT), ..Compression::default() };
        let caution = format!("{start}DistilBERT kept 97 % of BERT’s score with half of its layers");
        self.changed("distil", &student, caution, true);
        let smaller = Compression { distil: Some(SMALLER), ..Compression::default() };
        let caution = "about a quarter of the size; only your own test tells whether it is good enough".to_owned();
        self.changed("smaller-model", &smaller, caution, true);
    }

    /// What others measured of power caps and lower clocks, applied to the accelerators' share of the energy.
    fn clocks(&mut self, base: &Estimate) {
        let Some(device) = hardware::device(&self.scenario.hardware.device) else { return };
        let whole = base.energy_kwh.central.0;
        if device.kind != Kind::Gpu || whole <= 0.0 {
            return;
        }
        // The building's overhead grows with what the chips draw.
        let parts = &base.energy_parts_kwh;
        let equipment = whole - parts.pue_overhead.central.0;
        let share = if equipment > 0.0 { parts.accelerators.central.0 / equipment } else { 0.0 };
        let is_language = self.subject.summary.language.is_some();
        let energy_of_co2e = match base.total_co2e_kg {
            Some(total) if total.central.0 > 0.0 => base.co2e_kg.central.0 / total.central.0,
            _ => 1.0,
        };
        for (kind, id, title, caution) in [
            (
                "power-cap",
                "power-cap-gain",
                "a lower power cap",
                "answers 6 to 7 % slower in the measured case; decoding on large chips never reaches the cap, and then nothing is saved",
            ),
            (
                "clocks",
                "low-clocks-gain",
                "a lower clock",
                "measured while decoding, which memory bounds, at 1 to 6 % more time; work that arithmetic bounds gets as much slower as the clock",
            ),
        ] {
            let Some(factor) = factors::get(id) else { continue };
            if kind == "clocks" && !is_language {
                continue;
            }
            let scaled = |share: f64| factor.value.map(|value| Ratio(1.0 - share * (1.0 - value.0)));
            let same = Range::exact(Ratio(1.0));
            let rents = base.rent_usd.is_some();
            let paired = Paired {
                energy: scaled(share),
                co2e: scaled(share * energy_of_co2e),
                cost: if rents { same } else { scaled(share) },
                time: Range::new(Ratio(1.0), Ratio(1.04), Ratio(1.07)),
            };
            let source = factor.evidence.source.citation();
            self.add(kind, title.to_owned(), String::new(), paired, format!("{caution} ({source})"), false);
        }
    }
}

/// The advice in sentences: what to do first, what costs nothing, what not to do.
fn advice(levers: &[Lever], unit: &str) -> Vec<String> {
    let worth = |lever: &&Lever| lever.co2e_ratio.central.0 < 1.0 - LITTLE;
    let share = |ratio: &Range<Ratio>| {
        let percent = |ratio: Ratio| crate::format::number(((1.0 - ratio.0) * 100.0).round());
        format!("{} % ({} to {} %)", percent(ratio.central), percent(ratio.high), percent(ratio.low))
    };
    let named = |lever: &Lever| {
        format!(
            "{} saves {} of the emissions, {} for {unit}",
            lever.title,
            share(&lever.co2e_ratio),
            lever.co2e_kg.central.readable()
        )
    };
    let mut said = Vec::new();
    let free: Vec<&Lever> = levers.iter().filter(worth).filter(|lever| !lever.costs_accuracy).collect();
    match free.as_slice() {
        [] => said.push("Nothing among these saves a worthwhile part without changing the model’s answers.".to_owned()),
        [first, rest @ ..] => {
            said.push(format!("First, without changing any answer: {}.", named(first)));
            if let Some(second) = rest.iter().find(|lever| lever.kind != first.kind) {
                said.push(format!("Then: {}.", named(second)));
            }
        }
    }
    if let Some(best) = levers.iter().filter(worth).find(|lever| lever.costs_accuracy) {
        said.push(format!("At a price in accuracy or training: {}; {}.", named(best), best.caution));
    }
    let idle: Vec<&str> = levers
        .iter()
        .filter(|lever| lever.co2e_ratio.central.0 >= 1.0 - LITTLE)
        .map(|lever| lever.title.as_str())
        .collect();
    if !idle.is_empty() {
        said.push(format!("Not worth it here: {}.", idle.join("; ")));
    }
    said.push("Savings do not add up: make one change, then look again.".to_owned());
    said
}
