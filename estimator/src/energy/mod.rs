//! What a scenario costs: time, energy, emissions, water and money of training a model or of serving it.
//!
//! The model is a [`ModelSummary`], the rest a [`Scenario`]; factors come from the tables of `hardware` and `carbon`.
//! Every figure is computed once at the central values and again with each assumption at its ends, which gives the spans
//! and says at the same time what matters most.
//! Nothing here reads a model file, and no factor is written in code.

mod accounting;
pub mod architectures;
mod arithmetic;
mod assumptions;
pub mod calibration;
mod case;
mod defaults;
pub mod diffusion;
mod error;
mod explain;
mod feasibility;
mod figures;
mod language;
mod ledger;
mod mixed;
mod paired;
mod parallel;
mod sensitivity;
mod serving;
mod step;
mod training;
mod training_constants;
pub mod training_fit;
mod tuning;
pub mod validate;

pub use arithmetic::{FromHours, draw, from_hours, implied_intensity};
pub use case::usual_precision;
pub use defaults::{Defaults, Task, defaults_for, tasks};
pub use error::EstimateError;
pub(crate) use language::parameters_read;
pub use paired::{Paired, paired};
pub(crate) use sensitivity::forget_device;

use crate::carbon::equivalents;
use crate::format::{self, Readable};
use crate::range::Ratio;
use crate::report::{EnergyParts, Equivalent, Estimate, Service};
use crate::scenario::{ModelSummary, Scenario, Serving, Workload};
use crate::units::{Flops, GRAMS_PER_KILOGRAM, JOULES_PER_KILOWATT_HOUR, Quantity, WATT_HOURS_PER_KILOWATT_HOUR};
use case::Case;
use figures::Spread;
pub(crate) use figures::{Figure, Figures};

/// Estimates a scenario for a model.
///
/// # Errors
/// A device, precision, region or basis that the tables do not have, a number outside its bounds,
/// or a model whose operations are not known.
pub fn estimate(scenario: &Scenario, model: &ModelSummary) -> Result<Estimate, EstimateError> {
    let mut case = Case::of(scenario, model)?;
    let spread = spread(&case)?;
    let memory = feasibility::memory(&case);
    let obstacles = feasibility::obstacles(&case, &memory, &spread);
    note_load(&mut case, &spread);
    let trains = matches!(scenario.workload, Workload::Train(_));
    let tokens = match &scenario.workload {
        Workload::Train(training) => training::pass(&case, training)?.tokens,
        Workload::Serve(_) => false,
    };
    let per_item =
        |unit: f64| move |figures: &Figures| ratio(figures.get(Figure::Energy) * unit, figures.get(Figure::Items));
    let has_tokens = case.language.is_some() && spread.central.get(Figure::OutputTokens) > 0.0;
    let joules_per_item = spread.range(per_item(JOULES_PER_KILOWATT_HOUR));
    let energy = spread.figure(Figure::Energy);
    let co2e = spread.figure(Figure::Co2e);
    // Where making is not known, use alone is no total.
    let making = case.assumptions.find(assumptions::Key::EmbodiedAccelerator).is_some();
    let total = making.then(|| spread.figure(Figure::TotalCo2e));
    let counted = total.unwrap_or(co2e);
    Ok(Estimate {
        scope: scope(&case),
        flops: Flops(spread.central.get(Figure::Flops)),
        hours: spread.figure(Figure::Hours),
        device_hours: spread.range(|figures| figures.get(Figure::WorkingHours) + figures.get(Figure::IdleHours)),
        energy_kwh: energy,
        energy_parts_kwh: EnergyParts {
            accelerators: spread.figure(Figure::Accelerators),
            host: spread.figure(Figure::Host),
            network: spread.figure(Figure::Network),
            idle: spread.figure(Figure::Idle),
            pue_overhead: spread.figure(Figure::PueOverhead),
        },
        co2e_kg: co2e,
        embodied_kg: making.then(|| spread.figure(Figure::Embodied)),
        total_co2e_kg: total,
        accounting: accounting::of(&case, energy, co2e),
        offsets: accounting::offset_costs(counted),
        water_l: spread.figure(Figure::Water),
        cost_usd: spread.figure(Figure::Electricity),
        rent_usd: (spread.central.get(Figure::Rent) > 0.0).then(|| spread.figure(Figure::Rent)),
        per_sample_j: (trains && !tokens).then_some(joules_per_item),
        per_token_j: (trains && tokens).then_some(joules_per_item),
        per_request_wh: (!trains).then(|| spread.range(per_item(WATT_HOURS_PER_KILOWATT_HOUR))),
        per_request_co2e_g: (!trains).then(|| {
            spread.range(|figures| ratio(figures.get(Figure::Co2e) * GRAMS_PER_KILOGRAM, figures.get(Figure::Items)))
        }),
        per_output_token_j: has_tokens.then(|| {
            spread.range(|figures| {
                ratio(figures.get(Figure::Energy) * JOULES_PER_KILOWATT_HOUR, figures.get(Figure::OutputTokens))
            })
        }),
        accelerator_j_per_output_token: has_tokens.then(|| {
            spread.range(|figures| {
                let tokens = ratio(figures.get(Figure::OutputTokens), figures.get(Figure::Items));
                ratio(figures.get(Figure::AcceleratorPerRequest), tokens)
            })
        }),
        accelerator_j_per_request: (!trains).then(|| spread.figure(Figure::AcceleratorPerRequest)),
        service: service(&case, &spread),
        // Without an obstacle it runs, unless what it needs of the memory is not known.
        feasible: if obstacles.is_empty() { memory.fits } else { Some(false) },
        obstacles,
        memory,
        assumptions: case.assumptions.records(),
        steps: explain::steps(&case, &spread.central)?,
        sensitivity: sensitivity::of(&case, &spread.central),
        equivalents: equivalents::all()
            .iter()
            .map(|thing| {
                let (amount, name) = thing.told(thing.count(counted, energy));
                Equivalent {
                    id: thing.id.clone(),
                    name,
                    amount,
                    source: thing.evidence.source.citation(),
                    note: thing.note.clone(),
                }
            })
            .collect(),
        warnings: case.notes.iter().cloned().collect(),
    })
}

/// Whether a scenario can run as described; `None` where not all that it needs of the memory is known.
///
/// # Errors
/// As [`estimate`].
pub(crate) fn feasible(scenario: &Scenario, model: &ModelSummary) -> Result<Option<bool>, EstimateError> {
    let case = Case::of(scenario, model)?;
    let spread = spread(&case)?;
    let memory = feasibility::memory(&case);
    let obstacles = feasibility::obstacles(&case, &memory, &spread);
    Ok(if obstacles.is_empty() { memory.fits } else { Some(false) })
}

/// The most requests in flight that a serving engine of language models takes where nothing else is asked for.
pub fn engine_batch() -> Option<u64> {
    crate::carbon::factors::get("engine-batch").map(|factor| factor.value.central.0 as u64)
}

/// The figures at the central values alone, for alternatives beside the chosen scenario.
///
/// # Errors
/// As [`estimate`].
pub(crate) fn central(scenario: &Scenario, model: &ModelSummary) -> Result<Figures, EstimateError> {
    let case = Case::of(scenario, model)?;
    Ok(match &scenario.workload {
        Workload::Train(training) => {
            training::figures(&case, training::pass(&case, training)?, case.assumptions.central())
        }
        Workload::Serve(serving) => {
            serving::check(&case)?;
            serving::figures(&case, serving, case.assumptions.central())
        }
    })
}

/// Whether a scenario fits into the devices' memory; `None` where that depends on what is not known.
///
/// # Errors
/// As [`estimate`].
pub(crate) fn fits(scenario: &Scenario, model: &ModelSummary) -> Result<Option<bool>, EstimateError> {
    Ok(feasibility::memory(&Case::of(scenario, model)?).fits)
}

fn spread(case: &Case<'_>) -> Result<Spread, EstimateError> {
    Ok(match &case.scenario.workload {
        Workload::Train(training) => {
            let pass = training::pass(case, training)?;
            Spread::of(&case.assumptions, |values| training::figures(case, pass, values))
        }
        Workload::Serve(serving) => {
            serving::check(case)?;
            Spread::of(&case.assumptions, |values| serving::figures(case, serving, values))
        }
    })
}

/// Requests, samples or tokens that figures are of; 1 where there are none.
fn ledger_items(figures: &Figures) -> f64 {
    let items = figures.get(Figure::Items);
    if items > 0.0 { items } else { 1.0 }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn scope(case: &Case<'_>) -> String {
    match &case.scenario.workload {
        Workload::Train(_) => match case.assumptions.central().get(assumptions::Key::Experiments) {
            1.0 => "one training run".to_owned(),
            runs => format!("a training run and the experiments before it, {} times the run", format::number(runs)),
        },
        Workload::Serve(serving) => match serving.requests_per_day {
            None => "one request, without idle time".to_owned(),
            Some(rate) => {
                let days = format::number(serving.days);
                let unit = if serving.days == 1.0 { "day" } else { "days" };
                format!("{days} {unit} of {} requests a day", format::number(rate))
            }
        },
    }
}

fn service(case: &Case<'_>, spread: &Spread) -> Option<Service> {
    let Workload::Serve(serving) = &case.scenario.workload else { return None };
    let language = case.language.is_some();
    let share = |figure| Ratio(spread.central.get(figure));
    Some(Service {
        latency_s: spread.figure(Figure::Latency),
        first_token_s: language.then(|| spread.figure(Figure::FirstToken)),
        between_tokens_s: language.then(|| spread.figure(Figure::BetweenTokens)),
        capacity_per_s: spread.figure(Figure::Capacity),
        load: serving.requests_per_day.map(|_| spread.figure(Figure::Load)),
        compute_bound: share(Figure::ComputeBound),
        memory_bound: share(Figure::MemoryBound),
        overhead: share(Figure::Starting),
    })
}

fn note_load(case: &mut Case<'_>, spread: &Spread) {
    let Workload::Serve(serving) = &case.scenario.workload else { return };
    let usual = Serving::default();
    let has_tokens = (serving.prompt_tokens, serving.output_tokens) != (usual.prompt_tokens, usual.output_tokens);
    if (has_tokens || serving.generates == Some(true)) && case.language.is_none() {
        case.notes.warn(
            "",
            "tokens of prompt and answer play no part: the graph is not one that maps tokens to scores over a vocabulary, so a request is one pass of it and its own dimensions say how long that is",
        );
    }
    // The batch of a language model follows from the load.
    if case.language.is_none()
        && spread.central.get(Figure::Load) <= 1.0
        && let Some(rate) = serving.requests_per_day
        && serving.batch > 1
        && rate > 0.0
    {
        let filling = serving.batch as f64 / rate * crate::units::HOURS_PER_DAY * crate::units::SECONDS_PER_HOUR;
        if filling > spread.central.get(Figure::Latency) {
            case.notes.info(
                "",
                format!(
                    "a batch of {} takes {} to fill at this rate, and the first request of it waits that long",
                    serving.batch,
                    crate::units::Seconds(filling).readable()
                ),
            );
        }
    }
}

/// The amount of a quantity with its unit, where no shorter form is asked for.
fn with_unit<T: Quantity>(quantity: T) -> String {
    format!("{} {}", format::number(quantity.amount()), T::SYMBOL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::Range;
    use crate::report::Obstacle;
    use crate::scenario::{
        Hardware, LanguageModel, LayerTerms, ModelRef, Sample, SampleKind, Site, TokenPass, Training,
    };
    use crate::units::{Bytes, Hours, KilowattHours};
    use std::collections::BTreeMap;

    /// A convolutional network of 4.1 GMACs and 25.6 million parameters in three kinds of layers.
    fn network() -> ModelSummary {
        let term = |layers, macs, weight_bytes, activation_bytes| LayerTerms {
            layers,
            macs,
            other_operations: 0,
            weight_bytes,
            activation_bytes,
        };
        ModelSummary {
            parameters: Some(25_557_032),
            macs: Some(4_089_184_256),
            other_operations: Some(30_000_000),
            weight_bytes: Some(102_228_128),
            peak_activation_bytes: Some(8_000_000),
            activation_bytes: Some(89_000_000),
            batch: 1,
            layers: vec![
                term(53, 4_087_136_256, 94_000_000, 70_000_000),
                term(70, 0, 0, 100_000_000),
                term(1, 2_048_000, 8_196_000, 12_000),
            ],
            ..ModelSummary::default()
        }
    }

    fn training(parameters: f64, tokens: f64, device: &str, count: u64) -> Scenario {
        Scenario {
            model: ModelRef::Counts { parameters, active_parameters: None },
            workload: Workload::Train(Training { tokens: Some(tokens), ..Training::default() }),
            hardware: Hardware { device: device.to_owned(), count, precision: None },
            ..Scenario::default()
        }
    }

    fn serving(device: &str, count: u64, serving: Serving) -> Scenario {
        Scenario {
            workload: Workload::Serve(serving),
            hardware: Hardware { device: device.to_owned(), count, precision: Some("bf16".to_owned()) },
            ..Scenario::default()
        }
    }

    fn of_counts(scenario: &Scenario) -> Estimate {
        let model = scenario.model.summary().unwrap();
        estimate(scenario, &model).unwrap()
    }

    fn all_ranges(estimate: &Estimate) -> Vec<(&'static str, Range<Ratio>)> {
        let plain = |range: Range<KilowattHours>| range.map(|value| Ratio(value.0));
        let parts = &estimate.energy_parts_kwh;
        vec![
            ("energy", plain(estimate.energy_kwh)),
            ("accelerators", plain(parts.accelerators)),
            ("host", plain(parts.host)),
            ("network", plain(parts.network)),
            ("idle", plain(parts.idle)),
            ("overhead", plain(parts.pue_overhead)),
            ("hours", estimate.hours.map(|value| Ratio(value.0))),
            ("co2e", estimate.co2e_kg.map(|value| Ratio(value.0))),
            ("total", estimate.counted_co2e_kg().map(|value| Ratio(value.0))),
            ("water", estimate.water_l.map(|value| Ratio(value.0))),
            ("cost", estimate.cost_usd.map(|value| Ratio(value.0))),
        ]
    }

    #[test]
    fn a_board_stands_in_a_data_centre_only_where_one_is_named() {
        let pue = |device: &str, region: &str| {
            let hardware = Hardware { device: device.to_owned(), count: 1, precision: None };
            let site = Site { region: region.to_owned(), ..Site::default() };
            let found = estimate(&Scenario { hardware, site, ..Scenario::default() }, &network()).unwrap();
            found.assumptions.iter().find(|one| one.key == "pue").unwrap().value
        };
        assert_eq!(pue("raspberry-pi-5", "fr"), 1.0);
        assert!(pue("raspberry-pi-5", "aws:us-east-1") > 1.0);
        assert!(pue("a100-sxm4-80gb", "fr") > 1.0);
    }

    #[test]
    fn the_default_scenario_is_estimated() {
        let estimate = estimate(&Scenario::default(), &network()).unwrap();
        // 3 × 2 × MACs × samples × epochs.
        let expected = 6.0 * 4_089_184_256.0 * 1_281_167.0 * 90.0;
        assert!((estimate.flops.0 / expected - 1.0).abs() < 1e-12);
        for (name, range) in all_ranges(&estimate) {
            assert!(range.low <= range.central && range.central <= range.high, "{name}");
            assert!(range.low.0 >= 0.0 && range.high.0.is_finite(), "{name}");
        }
        assert!(estimate.hours.central.0 > 1.0 && estimate.hours.central.0 < 100.0, "{:?}", estimate.hours);
        assert_eq!(estimate.memory.fits, Some(true));
        assert!(!estimate.equivalents.is_empty() && !estimate.steps.is_empty());
        assert!(estimate.assumptions.iter().all(|item| !item.source.is_empty() && !item.name.is_empty()));
    }

    #[test]
    fn parts_add_up_to_the_energy() {
        let service = Serving { requests_per_day: Some(10_000.0), batch: 4, ..Serving::default() };
        for scenario in [Scenario::default(), serving("h100-sxm", 16, service)] {
            let estimate = estimate(&scenario, &network()).unwrap();
            let parts = &estimate.energy_parts_kwh;
            let sum = [parts.accelerators, parts.host, parts.network, parts.idle, parts.pue_overhead]
                .iter()
                .map(|part| part.central.0)
                .sum::<f64>();
            assert!((sum / estimate.energy_kwh.central.0 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_language_model_costs_six_operations_for_each_parameter_and_token() {
        let estimate = of_counts(&training(7e9, 2e12, "a100-sxm4-80gb", 1000));
        assert!((estimate.flops.0 / 8.4e22 - 1.0).abs() < 1e-12);
        assert!(estimate.per_token_j.is_some() && estimate.per_sample_j.is_none());
        let device_hours = estimate.device_hours;
        // The card says 184,320 hours.
        assert!(device_hours.low.0 < 184_320.0 && 184_320.0 < device_hours.high.0, "{device_hours:?}");
        let recomputed = Training { tokens: Some(2e12), recompute: true, ..Training::default() };
        let mut scenario = training(7e9, 2e12, "a100-sxm4-80gb", 1000);
        scenario.workload = Workload::Train(recomputed);
        assert!((of_counts(&scenario).flops.0 / 8.4e22 - 4.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_set_is_used_exactly_and_narrows_the_span() {
        let mut scenario = training(7e9, 2e12, "a100-sxm4-80gb", 8);
        let loose = of_counts(&scenario);
        scenario.set = BTreeMap::from(
            [
                ("mfu", 0.4),
                ("accelerator-watts", 400.0),
                ("host-watts", 0.0),
                ("network-share", 0.0),
                ("pue", 1.1),
                ("grid-intensity", 385.0),
                ("backward-over-forward", 2.0),
            ]
            .map(|(key, value)| (key.to_owned(), value)),
        );
        let exact = of_counts(&scenario);
        let expected = from_hours(
            Hours(exact.device_hours.central.0),
            crate::units::Watts(400.0),
            Ratio(1.1),
            crate::units::GramsPerKilowattHour(385.0),
        );
        assert!((exact.energy_kwh.central.0 / expected.metered.0 - 1.0).abs() < 1e-12);
        assert!((exact.co2e_kg.central.0 / expected.co2e.0 - 1.0).abs() < 1e-12);
        assert_eq!(exact.co2e_kg.low, exact.co2e_kg.high);
        assert!(loose.co2e_kg.low < loose.co2e_kg.high);
        assert!(exact.assumptions.iter().any(|item| item.key == "pue" && item.is_set));
    }

    #[test]
    fn every_assumption_can_be_set_under_its_key_to_its_own_value() {
        let service = Serving { requests_per_day: Some(1e4), ..Serving::default() };
        for (scenario, model) in [
            (Scenario::default(), network()),
            (serving("h100-sxm", 2, service), network()),
            (serving("h100-sxm", 2, Serving::default()), ModelSummary::from_counts(8e9, None)),
        ] {
            let before = estimate(&scenario, &model).unwrap();
            for item in &before.assumptions {
                let mut set = scenario.clone();
                set.set.insert(item.key.clone(), item.value);
                let after = estimate(&set, &model).unwrap_or_else(|fault| panic!("{}: {fault}", item.key));
                let change = after.energy_kwh.central.0 / before.energy_kwh.central.0 - 1.0;
                // Utilisation is bounded by the bandwidth share, which then is set in its place.
                assert!(change.abs() < 1e-9, "{} moves energy by {change}", item.key);
            }
        }
    }

    #[test]
    fn the_batch_of_a_language_model_follows_from_the_load() {
        let with = |rate: f64| {
            let service = Serving {
                requests_per_day: Some(rate),
                batch: 256,
                prompt_tokens: 230.0,
                output_tokens: 210.0,
                ..Serving::default()
            };
            estimate(&serving("h100-sxm", 1, service), &ModelSummary::from_counts(8e9, None)).unwrap()
        };
        let day = 86_400.0;
        let joules = |found: &Estimate| found.accelerator_j_per_request.unwrap().central.0;
        let (one, eight, all) = (with(day), with(8.0 * day), with(40.0 * day));
        // More requests in flight share each step, and each waits longer.
        assert!(joules(&one) > 4.0 * joules(&eight) && joules(&eight) > 1.5 * joules(&all));
        let latency = |found: &Estimate| found.service.as_ref().unwrap().latency_s.central;
        assert!(latency(&one) < latency(&eight) && latency(&eight) < latency(&all));
        // Measured on this device, model and length at one request a second: 0.139 Wh of the chip; at eight 0.021 Wh
        // (Morrison and others 2025, for Llama 3.1 8B). Waiting is in those figures where the chip was not left alone.
        assert!((250.0..1000.0).contains(&joules(&one)), "{}", joules(&one));
        assert!((38.0..153.0).contains(&joules(&eight)), "{}", joules(&eight));
        // Hardly asked, the engine waits most of the time.
        let rare = with(100.0);
        assert!(rare.energy_parts_kwh.idle.central.0 > 10.0 * rare.energy_parts_kwh.accelerators.central.0);
    }

    #[test]
    fn more_requests_share_the_idle_time() {
        let energy = |rate: f64| {
            let service = Serving { requests_per_day: Some(rate), batch: 1, ..Serving::default() };
            estimate(&serving("l4", 1, service), &network()).unwrap().per_request_wh.unwrap().central.0
        };
        assert!(energy(1_000.0) > 5.0 * energy(100_000.0));
    }

    #[test]
    fn a_service_that_cannot_keep_up_says_so() {
        let service = Serving { requests_per_day: Some(1e12), ..Serving::default() };
        let estimate = estimate(&serving("l4", 1, service), &network()).unwrap();
        assert!(estimate.service.unwrap().load.unwrap().central.0 > 1.0);
        match estimate.obstacles.as_slice() {
            [Obstacle::Overload { load, least_devices, text }] => {
                assert!(*load > 1.0 && *least_devices as f64 >= *load && text.contains("cannot keep up"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(estimate.feasible, Some(false));
    }

    #[test]
    fn small_batches_of_language_models_wait_for_memory() {
        let model = ModelSummary::from_counts(8e9, None);
        let one = |batch| {
            let service = Serving { batch, prompt_tokens: 100.0, output_tokens: 100.0, ..Serving::default() };
            estimate(&serving("h100-sxm", 1, service), &model).unwrap()
        };
        let (alone, full) = (one(1), one(64));
        assert!(alone.service.as_ref().unwrap().memory_bound.0 > 0.5);
        let joules = |estimate: &Estimate| estimate.accelerator_j_per_output_token.unwrap().central.0;
        assert!(joules(&alone) > 10.0 * joules(&full));
    }

    /// Llama 2 of 7 billion parameters by its published configuration; see `language`.
    fn llama_2_7b() -> ModelSummary {
        let language = LanguageModel {
            weight_macs_per_token: Some(6_607_077_376.0),
            attention_macs_per_context_token: Some(262_144.0),
            kv_elements_per_token: Some(262_144.0),
            input_table_parameters: Some(131_072_000.0),
            ..LanguageModel::from_size(6_738_415_616.0, None)
        };
        ModelSummary { language: Some(language), ..ModelSummary::from_counts(6_738_415_616.0, None) }
    }

    #[test]
    fn a_known_architecture_counts_attention_and_its_own_cache() {
        let service = |batch| Serving { batch, prompt_tokens: 1000.0, output_tokens: 101.0, ..Serving::default() };
        let known = estimate(&serving("h100-sxm", 1, service(8)), &llama_2_7b()).unwrap();
        let weights = 6_607_077_376.0;
        let macs = 1000.0 * (weights + 262_144.0 * 500.5) + 100.0 * (weights + 262_144.0 * 1050.5);
        assert!((known.flops.0 / (2.0 * macs) - 1.0).abs() < 1e-12);
        let cache = known.memory.parts.iter().find(|part| part.name == "KV cache").unwrap();
        assert_eq!(cache.bytes, Some(Bytes(262_144.0 * 2.0 * 1101.0 * 8.0)));
        assert!(known.warnings.iter().all(|note| !note.text.contains("approximated")), "{:?}", known.warnings);
        // An 8-bit cache is read in half the time; weights, prompts and fixed times stay.
        let mut small = serving("h100-sxm", 1, service(64));
        let usual = estimate(&small, &llama_2_7b()).unwrap().service.unwrap().between_tokens_s.unwrap().central;
        small.set.insert("kv-cache-bytes-per-element".to_owned(), 1.0);
        let halved = estimate(&small, &llama_2_7b()).unwrap().service.unwrap().between_tokens_s.unwrap().central;
        assert!(halved.0 < 0.9 * usual.0, "{halved:?} {usual:?}");
        // By its size alone, the approximation is said.
        let size = estimate(&serving("h100-sxm", 1, service(8)), &ModelSummary::from_counts(7e9, None)).unwrap();
        assert!(size.warnings.iter().any(|note| note.text.contains("approximated")));
    }

    #[test]
    fn training_of_a_known_architecture_depends_on_the_sequence() {
        let mut scenario = training(7e9, 1e12, "a100-sxm4-80gb", 1000);
        let flops = |scenario: &Scenario| estimate(scenario, &llama_2_7b()).unwrap().flops.0;
        // The factor’s central sequence is 4096 tokens, whose mean context is 2048.5.
        let expected = 6.0 * (6_607_077_376.0 + 262_144.0 * 2048.5) * 1e12;
        assert!((flops(&scenario) / expected - 1.0).abs() < 1e-12);
        scenario.set.insert("sequence-tokens".to_owned(), 1.0);
        assert!((flops(&scenario) / (6.0 * (6_607_077_376.0 + 262_144.0) * 1e12) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_mixture_reads_more_experts_as_the_batch_grows() {
        let dense = llama_2_7b();
        let language = LanguageModel {
            expert_parameters: Some(7e8),
            experts: Some(8.0),
            experts_per_token: Some(1.0),
            ..dense.language.unwrap()
        };
        let mixture = ModelSummary { language: Some(language), ..dense.clone() };
        let step = |model: &ModelSummary, batch| {
            let service = Serving { batch, prompt_tokens: 10.0, output_tokens: 10.0, ..Serving::default() };
            estimate(&serving("h100-sxm", 1, service), model)
                .unwrap()
                .service
                .unwrap()
                .between_tokens_s
                .unwrap()
                .central
                .0
        };
        // What is not read is saved; routing and fixed times stay.
        assert!(step(&mixture, 1) < step(&dense, 1));
        assert!(step(&mixture, 64) > 0.95 * step(&dense, 64));
    }

    #[test]
    fn a_graph_over_tokens_answers_prompts_when_asked_to() {
        let pass =
            TokenPass { tokens: 100, past: 0, attention_macs: 100 * 100 * 20_000, cache_elements_per_token: None };
        let graph = ModelSummary {
            macs: Some(100 * 85_000_000 + 100 * 100 * 20_000),
            parameters: Some(124_000_000),
            sample: Sample { kind: SampleKind::Tokens, sizes: vec![100], pass: Some(pass) },
            ..network()
        };
        let with = |generates, prompt_tokens, output_tokens| {
            let service = Serving { generates, prompt_tokens, output_tokens, ..Serving::default() };
            estimate(&serving("l4", 1, service), &graph).unwrap()
        };
        // As a graph: one pass.
        assert_eq!(with(None, 500.0, 250.0).flops.0, 2.0 * graph.macs.unwrap() as f64);
        // As a model that answers: the prompt and nine steps behind it.
        let answer = with(Some(true), 50.0, 10.0);
        let macs = 50.0 * (85e6 + 20_000.0 * 25.5) + 9.0 * (85e6 + 20_000.0 * 55.0);
        assert!((answer.flops.0 / (2.0 * macs) - 1.0).abs() < 1e-12);
        assert!(answer.per_output_token_j.is_some() && answer.service.as_ref().unwrap().first_token_s.is_some());
        assert!(answer.warnings.iter().any(|note| note.text.contains("one pass over the prompt")));
        assert!(with(Some(true), 50.0, 100.0).energy_kwh.central > answer.energy_kwh.central);
        // A picture has no tokens.
        let service = Serving { generates: Some(true), ..Serving::default() };
        let picture = estimate(&serving("l4", 1, service), &network()).unwrap();
        assert!(picture.warnings.iter().any(|note| note.text.contains("play no part")));
        // Tokens of a training run go through the passes as counted.
        let run = Training { tokens: Some(1e6), ..Training::default() };
        let trained = estimate(&Scenario { workload: Workload::Train(run), ..Scenario::default() }, &graph).unwrap();
        assert!((trained.flops.0 / (6.0 * graph.macs.unwrap() as f64 * 1e4) - 1.0).abs() < 1e-12);
        assert!(trained.per_token_j.is_some());
    }

    #[test]
    fn what_does_not_fit_is_said_with_the_number_of_devices_that_hold_it() {
        let model = ModelSummary::from_counts(405e9, None);
        let on = |count| estimate(&serving("h100-sxm", count, Serving::default()), &model).unwrap();
        let one = on(1);
        assert_eq!((one.memory.fits, one.feasible), (Some(false), Some(false)));
        let [Obstacle::Memory { needed, available, least_devices: Some(least), needed_is_least: false, text }] =
            one.obstacles.as_slice()
        else {
            panic!("{:?}", one.obstacles)
        };
        assert_eq!((Some(*needed), Some(*available)), (one.memory.needed, one.memory.available));
        assert!(text.contains("does not fit") && text.contains("at least 10 of them"), "{text}");
        // One device fewer does not hold it, so many do.
        assert_eq!(on(least - 1).feasible, Some(false));
        assert_eq!((on(*least).feasible, on(*least).obstacles.len()), (Some(true), 0));
    }

    #[test]
    fn a_batch_that_does_not_fit_is_shared_among_more_devices() {
        let run = |batch, count, activation_bytes| {
            let model = ModelSummary { activation_bytes: Some(activation_bytes), ..network() };
            let scenario = Scenario {
                workload: Workload::Train(Training { batch, ..Training::default() }),
                hardware: Hardware { device: "l4".to_owned(), count, precision: None },
                ..Scenario::default()
            };
            estimate(&scenario, &model).unwrap()
        };
        // 4 GB a sample in 16 bits: five or six of them beside the model in 24 GB.
        let one = run(32, 1, 8_000_000_000);
        let [Obstacle::Memory { least_devices: Some(least), .. }] = one.obstacles.as_slice() else {
            panic!("{:?}", one.obstacles)
        };
        assert_eq!(run(32, *least, 8_000_000_000).feasible, Some(true));
        assert_eq!(run(32, least - 1, 8_000_000_000).feasible, Some(false));
        // A sample that does not fit by itself is not helped by more devices.
        let huge = run(32, 1, 80_000_000_000);
        assert!(matches!(huge.obstacles.as_slice(), [Obstacle::Memory { least_devices: None, .. }]), "{huge:?}");
        // Eight devices have nothing to do with four samples.
        let idle = run(4, 8, 8_000_000);
        assert!(matches!(idle.obstacles.as_slice(), [Obstacle::IdleDevices { batch: 4, devices: 8, .. }]));
        assert_eq!((idle.feasible, run(8, 8, 8_000_000).feasible), (Some(false), Some(true)));
    }

    #[test]
    fn a_language_model_in_training_is_held_by_enough_devices() {
        // 16 bytes a parameter over eight devices, and what a sequence of 4,096 tokens keeps.
        let small = of_counts(&training(7e9, 2e12, "a100-sxm4-80gb", 8));
        let activations = small.memory.parts.iter().find(|part| part.name == "activations").unwrap().bytes.unwrap();
        let needed = small.memory.needed.unwrap();
        assert!((needed.0 - (7e9 * 16.0 / 8.0 + activations.0)).abs() < 1.0, "{needed:?}");
        assert!(!small.memory.needed_is_least && small.feasible.is_some());
        let large = of_counts(&training(70e9, 2e12, "a100-sxm4-80gb", 8));
        assert_eq!(large.memory.fits, Some(false));
        let Some(Obstacle::Memory { least_devices: Some(least), .. }) = large.obstacles.first() else {
            panic!("{:?}", large.obstacles)
        };
        let fits = |count| of_counts(&training(70e9, 2e12, "a100-sxm4-80gb", count)).memory.fits;
        assert_eq!((fits(*least), fits(least - 1)), (Some(true), Some(false)));
        assert!(large.obstacles.iter().any(|one| matches!(one, Obstacle::TooLong { .. })));
    }

    #[test]
    fn weights_that_are_stored_in_fewer_bits_are_told() {
        let packed = ModelSummary { weight_bytes: Some(6_738_415_616 / 2), ..llama_2_7b() };
        let told = |precision: &str| {
            let mut scenario = serving("h100-sxm", 1, Serving::default());
            scenario.hardware.precision = Some(precision.to_owned());
            let found = estimate(&scenario, &packed).unwrap();
            found.warnings.iter().any(|note| note.text.contains("stores 4 bits"))
        };
        assert!(told("bf16") && !told("int4"));
    }

    #[test]
    fn steps_show_the_factors_that_the_reader_typed() {
        let found = estimate(&Scenario::default(), &network()).unwrap();
        let operations = found.steps.iter().find(|step| step.title == "Operations").unwrap();
        assert!(operations.numbers.ends_with("× 1,280,000 × 90"), "{}", operations.numbers);
        let service = Serving { batch: 4, output_tokens: 11.0, ..Serving::default() };
        let mut scenario = serving("h100-sxm", 2, service);
        scenario.set.insert("unexplained-serving".to_owned(), 2.0);
        let slow = estimate(&scenario, &llama_2_7b()).unwrap();
        let batch = slow.steps.iter().find(|step| step.title == "Time in flight").unwrap();
        assert!(batch.numbers.contains(" + 10 × "), "{}", batch.numbers);
        let first = slow.steps.iter().find(|step| step.title == "Step with prompts").unwrap();
        assert!(first.numbers.contains("of 2 devices together; × 2 that"), "{}", first.numbers);
        scenario.set.clear();
        let usual = estimate(&scenario, &llama_2_7b()).unwrap();
        let latency = |found: &Estimate| found.service.as_ref().unwrap().latency_s.central.0;
        assert!((latency(&slow) / latency(&usual) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn the_time_of_a_run_has_a_range_until_the_user_knows_better() {
        let hours = |parameters: f64, set: &[(&str, f64)]| {
            let mut scenario = training(parameters, 2e12, "a100-sxm4-80gb", 1000);
            scenario.set = set.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
            of_counts(&scenario).hours
        };
        let width = |set: &[(&str, f64)]| hours(7e9, set).high.0 / hours(7e9, set).low.0;
        assert!(width(&[]) > 1.3);
        assert_eq!(width(&[("mfu", 0.4)]), 1.0);
        // 6 × 7e9 × 2e12 operations on 1000 devices of 312 TFLOP/s at 0.4, and nothing else: what is set is the whole.
        let expected = 8.4e22 / (1000.0 * 312e12 * 0.4) / 3600.0;
        assert!((hours(7e9, &[("mfu", 0.4)]).central.0 / expected - 1.0).abs() < 1e-9);
        // A key of older links is read and plays no part.
        assert_eq!(hours(7e9, &[("unexplained-time", 2.0)]), hours(7e9, &[]));
        // A small model takes longer than its operations say.
        assert!(hours(2e7, &[]).central.0 > 2.0 * hours(7e9, &[]).central.0 * (2e7 / 7e9));
    }

    #[test]
    fn a_bandwidth_that_is_not_published_is_not_told_as_zero() {
        let without = crate::hardware::devices().iter().find(|device| {
            device.memory_bandwidth.is_none() && device.most_power().is_some() && usual_precision(device).is_some()
        });
        let Some(device) = without else { return };
        let hardware = Hardware { device: device.id.clone(), count: 1, precision: None };
        let scenario = Scenario { hardware, workload: Workload::Serve(Serving::default()), ..Scenario::default() };
        let found = estimate(&scenario, &network()).unwrap();
        let told: Vec<&str> = found.steps.iter().map(|step| step.numbers.as_str()).collect();
        assert!(told.iter().any(|numbers| numbers.contains("not published")), "{told:?}");
        assert!(told.iter().all(|numbers| !numbers.contains("bandwidth 0")), "{told:?}");
    }

    #[test]
    fn layers_without_a_formula_are_mentioned() {
        let partly = ModelSummary { nodes: 100, not_counted: 3, ..network() };
        let estimate = estimate(&Scenario::default(), &partly).unwrap();
        assert!(estimate.warnings.iter().any(|note| note.text.contains("3 of 100 layers")));
    }

    #[test]
    fn what_was_set_for_another_workload_waits() {
        let mut scenario = Scenario::default();
        let before = estimate(&scenario, &network()).unwrap();
        scenario.set.insert("kv-cache-bytes-per-element".to_owned(), 1.0);
        assert_eq!(estimate(&scenario, &network()).unwrap(), before);
    }

    #[test]
    fn bandwidth_bounds_the_utilisation_of_training() {
        let hours = |share: Option<f64>| {
            let mut scenario = Scenario::default();
            scenario.set.extend(share.map(|share| ("bandwidth-share".to_owned(), share)));
            estimate(&scenario, &network()).unwrap().hours
        };
        assert!(hours(Some(0.3)).central > hours(Some(0.9)).central);
        let (open, set) = (hours(None), hours(Some(0.75)));
        assert!(open.high.0 / open.low.0 > set.high.0 / set.low.0, "{open:?} {set:?}");
    }

    #[test]
    fn faults_name_what_would_help() {
        let fault = |change: &dyn Fn(&mut Scenario)| {
            let mut scenario = Scenario::default();
            change(&mut scenario);
            estimate(&scenario, &network()).unwrap_err()
        };
        match fault(&|scenario| scenario.hardware.device = "h100".to_owned()) {
            EstimateError::UnknownDevice { near, .. } => assert!(near.iter().any(|id| id == "h100-sxm")),
            other => panic!("{other:?}"),
        }
        match fault(&|scenario| scenario.site = Site { region: "frankfurt".to_owned(), ..Site::default() }) {
            EstimateError::UnknownRegion { near, .. } => assert!(!near.is_empty()),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            fault(&|scenario| scenario.hardware.precision = Some("fp64x".to_owned())),
            EstimateError::UnknownPrecision { .. }
        ));
        assert!(matches!(
            fault(&|scenario| {
                scenario.set.insert("pue".to_owned(), 0.5);
            }),
            EstimateError::OutOfBounds { .. }
        ));
        assert!(matches!(
            fault(&|scenario| {
                scenario.set.insert("luck".to_owned(), 0.5);
            }),
            EstimateError::UnknownAssumption { .. }
        ));
        assert!(matches!(fault(&|scenario| scenario.hardware.count = 0), EstimateError::OutOfBounds { .. }));
        let uncounted = ModelSummary { macs: None, ..network() };
        assert!(matches!(estimate(&Scenario::default(), &uncounted), Err(EstimateError::UnknownCount { .. })));
        assert!(matches!(
            fault(&|scenario| scenario.hardware.device = "trainium1".to_owned()),
            EstimateError::UnknownPower { .. }
        ));
    }

    #[test]
    fn every_device_is_estimated_or_says_why_not() {
        let service = Serving { requests_per_day: Some(1000.0), ..Serving::default() };
        for device in crate::hardware::devices() {
            for workload in [Workload::Train(Training::default()), Workload::Serve(service.clone())] {
                let mut scenario = Scenario { workload, ..Scenario::default() };
                scenario.hardware = Hardware { device: device.id.clone(), count: 1, precision: None };
                match estimate(&scenario, &network()) {
                    Ok(estimate) => {
                        for (name, range) in all_ranges(&estimate) {
                            assert!(range.low.0 >= 0.0 && range.high.0.is_finite(), "{} {name}", device.id);
                        }
                    }
                    Err(EstimateError::UnknownPower { .. }) => assert!(device.most_power().is_none()),
                    Err(EstimateError::UnknownPrecision { .. }) => assert!(usual_precision(device).is_none()),
                    Err(other) => panic!("{}: {other}", device.id),
                }
            }
        }
    }

    #[test]
    fn every_place_is_estimated() {
        let places = crate::carbon::grids::all().iter().map(|grid| grid.id.as_str());
        let places = places.chain(crate::carbon::sites::all().iter().map(|site| site.id.as_str()));
        for id in places {
            let mut scenario = Scenario::default();
            scenario.site.region = id.to_owned();
            let figures = central(&scenario, &network()).unwrap_or_else(|fault| panic!("{id}: {fault}"));
            assert!(figures.get(Figure::Co2e) >= 0.0 && figures.get(Figure::Energy) > 0.0, "{id}");
        }
    }

    #[test]
    fn what_matters_most_stands_first() {
        let estimate = estimate(&Scenario::default(), &network()).unwrap();
        let ratios: Vec<f64> =
            estimate.sensitivity.iter().map(|item| item.high.total_co2e_kg.0 / item.low.total_co2e_kg.0).collect();
        assert!(ratios.windows(2).all(|pair| pair[0] >= pair[1]), "{ratios:?}");
        for key in ["region", "mfu", "device", "precision", "pue"] {
            assert!(estimate.sensitivity.iter().any(|item| item.key == key), "{key}");
        }
    }

    #[test]
    fn a_summary_from_a_link_gives_the_same_estimate_to_the_last_digit() {
        let model = ModelRef::File { name: "net.onnx".to_owned(), summary: Some(Box::new(network())) };
        let scenario = Scenario { model, ..Scenario::default() };
        let read = Scenario::from_fragment(&scenario.to_fragment()).unwrap();
        assert_eq!(estimate(&read, &read.model.summary().unwrap()), estimate(&scenario, &network()),);
    }
}
