//! Training: operations of forward and backward passes, and the time in which devices do them.
//!
//! Operations = (1 + backward) × forward × samples × epochs, with one more forward pass where activations are computed again.
//! For a language model the items are tokens, and the forward pass is that of one token in a sequence of the chosen length;
//! where only its size is known, 2 × active parameters, which makes 6 × parameters × tokens (Kaplan and others 2020).
//! Time = operations ÷ (devices × dense peak × MFU), and for tokens a time of each beside its operations;
//! for a graph that is read, no less than starting its layers and loading its samples takes.
//! Utilisation and draw are those of published runs, by `training_constants`.

use super::EstimateError;
use super::assumptions::{Assumed, Key, Values, cited, factor};
use super::case::{Case, percent, told};
use super::figures::{Figure, Figures};
use super::training_constants::{self, Constants, Run};
use super::tuning::{self, Rollouts};
use super::{language, ledger, parallel};
use crate::format::{self, Readable};
use crate::hardware::roofline::Roof;
use crate::hardware::{self, Field, Precision};
use crate::range::{Range, Ratio};
use crate::scenario::{Kind, ModelSummary, SampleKind, Scenario, Training, Workload};
use crate::units::{Bytes, Flops, FlopsPerSecond, SECONDS_PER_HOUR, Seconds, Watts};
use std::collections::BTreeMap;

/// FLOPs in a multiply-accumulate: a multiplication and an addition.
pub(crate) const FLOPS_PER_MAC: f64 = 2.0;

/// What a training run goes through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    /// FLOPs of the forward pass for one item.
    pub(crate) forward: Flops,
    /// How often it is computed: once, or twice where activations are computed again in the backward pass.
    pub(crate) forwards: f64,
    /// Items: samples × epochs, or tokens.
    pub(crate) items: f64,
    /// Whether the items are tokens.
    pub(crate) tokens: bool,
    /// FLOPs for each item beside the training itself: a teacher's or a reference model's forward pass.
    pub(crate) beside: Flops,
    /// Prompts whose answers are written before they are learnt from, and the time in which all devices write them.
    pub(crate) written: Option<(f64, Seconds)>,
}

/// The forward pass of one item and the number of items.
///
/// # Errors
/// A model whose MACs (or, with tokens, parameters) are not known.
pub(crate) fn pass(case: &Case<'_>, training: &Training) -> Result<Pass, EstimateError> {
    tuning::check(case, &training.method)?;
    let samples = training.samples * training.epochs;
    let forwards = if training.recomputes_all() { 2.0 } else { 1.0 };
    let per_parameter = |parameters: f64| Flops(FLOPS_PER_MAC * parameters);
    let plain = |forward: Flops, items: f64, tokens: bool| Pass {
        forward,
        forwards,
        items,
        tokens,
        beside: Flops(0.0),
        written: None,
    };
    if let Some(language) = case.model.language {
        let sequence = case.assumptions.central().get(Key::SequenceTokens);
        let forward = per_parameter(language::training_macs(&language, sequence));
        let beside = Flops(tuning::beside(training, forward.0));
        if training.method.kind == Kind::Reinforcement {
            let rollouts = Rollouts::of(&training.method)?;
            let prompts = training.tokens.map_or(samples, |tokens| tokens / rollouts.tokens());
            let written = Some((prompts, rollouts.time(case, prompts)?));
            return Ok(Pass { beside, written, ..plain(forward, prompts * rollouts.tokens(), true) });
        }
        // A sample is a sequence.
        let items = training.tokens.unwrap_or(samples * sequence);
        return Ok(Pass { beside, ..plain(forward, items, true) });
    }
    if let Some(tokens) = training.tokens {
        // A graph over tokens tells what each of its tokens costs.
        if let Some(each) = case.model.sample.tokens().filter(|each| *each > 0) {
            let forward = per_parameter(macs(case)? / case.model.batch.max(1) as f64 / each as f64);
            return Ok(plain(forward, tokens, true));
        }
        let parameters = case.model.parameters.ok_or(EstimateError::UnknownCount {
            count: "parameters",
            remedy: "give samples and epochs instead of tokens",
        })?;
        return Ok(plain(per_parameter(parameters as f64), tokens, true));
    }
    let macs = macs(case)?;
    Ok(plain(Flops(FLOPS_PER_MAC * macs / case.model.batch.max(1) as f64), samples, false))
}

/// Whether the run goes through the counted passes of a graph, and not by parameters and tokens.
pub(crate) fn is_by_layers(model: &ModelSummary, training: &Training) -> bool {
    model.language.is_none() && (training.tokens.is_none() || model.sample.tokens().is_some())
}

/// MACs of one pass of a model that was read.
pub(crate) fn macs(case: &Case<'_>) -> Result<f64, EstimateError> {
    case.model.macs.map(|macs| macs as f64).ok_or(EstimateError::UnknownCount {
        count: "MACs",
        remedy: "set the model’s open dimensions so that every layer has a shape",
    })
}

/// What a training run assumes, but for power and place.
///
/// # Errors
/// A table that is a part of this crate lacks a row: a fault of ours.
pub(crate) fn assume(case: &mut Case<'_>, training: &Training) -> Result<(), EstimateError> {
    let backward = Assumed::of_factor(Key::Backward, factor("backward-over-forward")?);
    let adapted = match (training.method.kind, case.model.language) {
        (Kind::Lora | Kind::Qlora, Some(language)) => {
            Some(tuning::adapters(&language, &training.method)? / language.active_parameters)
        }
        _ => None,
    };
    case.assumptions.add(match adapted {
        // Gradients of inputs, and of the adapters' weights beside their own pass: 1 + 3 × adapters ÷ weights.
        Some(share) => Assumed {
            span: Range::exact(Ratio(1.0 + 3.0 * share)),
            source: format!(
                "frozen weights need no gradients of their own, adapters of {} of the weights do: {}",
                format::number(share * 100.0) + " %",
                cited(factor("lora-rank")?)
            ),
            ..backward
        },
        None => backward,
    });
    let experiments = factor("experiments-multiplier")?;
    case.assumptions.add(Assumed {
        widens: false,
        span: Range::new(Ratio(1.0), Ratio(1.0), experiments.value.high),
        source: format!("one final run; projects publish more: {}", cited(experiments)),
        ..Assumed::of_factor(Key::Experiments, experiments)
    });
    for (key, id) in [(Key::FailedShare, "failed-share"), (Key::ReservedIdle, "reserved-idle-share")] {
        case.assumptions.add(Assumed { widens: false, ..Assumed::of_factor(key, factor(id)?) });
    }
    parallel::assume(case, training)?;
    let by_layers = !case.model.layers.is_empty() && is_by_layers(case.model, training);
    let bandwidth = by_layers.then(|| factor("bandwidth-share")).transpose()?.map(|share| Assumed {
        // Its span is in that of the utilisation.
        widens: false,
        ..Assumed::of_factor(Key::BandwidthShare, share)
    });
    let reached = bandwidth.as_ref().map(|bandwidth| {
        let set = case.scenario.set.get(Key::BandwidthShare.code());
        // A value out of bounds is refused when all set values are taken over.
        let set = set.filter(|share| (0.001..=1.0).contains(*share));
        set.map_or(bandwidth.span, |share| Range::exact(Ratio(*share)))
    });
    let mfu = utilisation(case, training, reached);
    bandwidth.into_iter().for_each(|bandwidth| case.assumptions.add(bandwidth));
    case.assumptions.add(mfu);
    beside_operations(case, by_layers)
}

/// What takes time beside operations: of each token, or of each step and sample of a graph that is read.
fn beside_operations(case: &mut Case<'_>, by_layers: bool) -> Result<(), EstimateError> {
    // The utilisation that a user sets is that of the whole run.
    let is_whole = case.scenario.set.contains_key(Key::Mfu.code());
    let mut add = |assumed: Assumed| {
        case.assumptions.add(match is_whole {
            true => Assumed {
                span: Range::exact(Ratio(0.0)),
                source: "it is in what you set for mfu".to_owned(),
                ..assumed
            },
            false => assumed,
        });
    };
    if by_layers {
        add(Assumed { widens: false, ..Assumed::of_factor(Key::StartSeconds, factor("layer-start")?) });
        if matches!(case.model.sample.kind, SampleKind::Image | SampleKind::Audio) {
            add(Assumed { widens: false, ..Assumed::of_factor(Key::LoadSeconds, factor("sample-loading")?) });
        }
    } else if training_constants::get().token_seconds(case.device) > 0.0 {
        let constants = training_constants::get();
        let [low, high] = past(constants, "time");
        let central = constants.token_seconds(case.device);
        add(Assumed::new(
            Key::TokenSeconds,
            "Time of a token on a device beside its operations",
            "s",
            Range::new(Ratio(central * low), Ratio(central), Ratio(central * high)),
            format!("starting kernels, loading data and keeping logs: {}", fitted(constants, "time")),
        ));
    }
    Ok(())
}

/// The 80 % range of published over predicted, of runs whose publication was left out of the fit.
fn past(constants: &Constants, of: &str) -> [f64; 2] {
    ["low", "high"].map(|end| constants.value(&format!("{of}.without-own-publication.{end}")))
}

/// Where a fitted figure comes from.
fn fitted(constants: &Constants, of: &str) -> String {
    format!(
        "fitted to {} published runs (`cargo xtask calibrate`); the range is that of runs whose publication was left out",
        format::number(constants.value(&format!("{of}.runs")))
    )
}

/// The draws of a device that trains and of the computer around it.
pub(crate) struct Power {
    /// Of the device.
    pub(crate) device: Range<Watts>,
    /// Where that comes from.
    pub(crate) device_source: String,
    /// Of the computer around it, where published systems tell it: boards and processors have none.
    pub(crate) host: Option<(Range<Watts>, String)>,
}

/// The draws of training; `None` where nothing is published of the device's power.
pub(crate) fn power(case: &Case<'_>) -> Option<Power> {
    let constants = training_constants::get();
    let most = case.device.most_power()?;
    let shares = constants.power(case.device, parameters(case));
    let [low, high] = past(constants, "draw");
    let span = |share: f64| {
        let central = most * share;
        Range::new(central * low, central, central * high)
    };
    let source = |share: f64| {
        format!(
            "{} of {} W ({}), for a network of this size on such chips: {}",
            percent(Ratio(share)),
            format::number(most.0),
            told(case.device.evidence(if case.device.tdp.is_some() { Field::Tdp } else { Field::Training })),
            fitted(constants, "draw")
        )
    };
    let has_server = matches!(case.device.kind, hardware::Kind::Gpu | hardware::Kind::Tpu | hardware::Kind::Npu);
    let device = span(shares.device);
    Some(Power {
        // It cannot draw more than it may.
        device: Range::new(device.low, device.central, if device.high.0 > most.0 { most } else { device.high }),
        device_source: source(shares.device),
        host: has_server.then(|| (span(shares.host), source(shares.host))),
    })
}

/// The share of the dense peak at the chosen precision that published runs on such chips reached.
fn share_of_peak(case: &Case<'_>, constants: &Constants) -> f64 {
    let language = case.model.language;
    let active = language.map(|language| language.active_parameters);
    let active = active.or(case.model.parameters.map(|parameters| parameters as f64));
    let share = constants.utilisation(&Run {
        device: case.device,
        active: active.unwrap_or(constants.value("time.size-centre")).max(1.0),
        is_mixture: language.is_some_and(|language| language.active_parameters < language.parameters),
        is_8_bit: case.peak.computed_in == Precision::Fp8,
        devices: Some(case.devices()),
    });
    // Published runs tell utilisation over the peak in 16 bits; over a higher peak it is lower.
    match training_constants::sixteen_bits(case.device) {
        Some(sixteen) if case.peak.rate.0 > sixteen => share * sixteen / case.peak.rate.0,
        _ => share,
    }
}

/// The assumptions of a run as other constants have them, to be set in its scenario.
///
/// # Errors
/// As [`super::estimate`].
pub(crate) fn as_set(
    scenario: &Scenario,
    model: &ModelSummary,
    constants: &Constants,
) -> Result<BTreeMap<String, f64>, EstimateError> {
    let case = Case::of(scenario, model)?;
    let mut set =
        vec![(Key::Mfu, share_of_peak(&case, constants)), (Key::TokenSeconds, constants.token_seconds(case.device))];
    if let Some(most) = case.device.most_power() {
        let shares = constants.power(case.device, parameters(&case));
        set.extend([(Key::AcceleratorWatts, most.0 * shares.device), (Key::HostWatts, most.0 * shares.host)]);
    }
    Ok(set.into_iter().map(|(key, value)| (key.code().to_owned(), value)).collect())
}

/// All parameters of the model, as many as there can be where they are not known.
fn parameters(case: &Case<'_>) -> f64 {
    let parameters = match case.model.language {
        Some(language) => Some(language.parameters),
        None => case.model.parameters.map(|parameters| parameters as f64),
    };
    parameters.unwrap_or(f64::INFINITY).max(1.0)
}

/// The model FLOPs utilisation to assume: that of published runs on such chips,
/// and less for networks whose layers wait for memory, by the roofline of their own layers.
///
/// Published runs are of transformers, whose products reach the chips' arithmetic;
/// a convolutional network moves more bytes for each operation.
/// `bandwidth` is the share of the memory bandwidth that layers reach; its span widens the utilisation's.
fn utilisation(case: &Case<'_>, training: &Training, bandwidth: Option<Range<Ratio>>) -> Assumed {
    let constants = training_constants::get();
    let central = share_of_peak(case, constants);
    let [fast, slow] = past(constants, "time");
    let published = Range::new(
        Ratio(three_digits(central / slow)),
        Ratio(three_digits(central)),
        Ratio(three_digits((central / fast).min(1.0))),
    );
    let source =
        format!("{}, chips of the class “{}”", fitted(constants, "time"), training_constants::class(case.device));
    let plain = Assumed::new(Key::Mfu, "Model FLOPs utilisation of training", "share", published, source.clone());
    let Some(bandwidth) = bandwidth else { return plain };
    // Three digits: a figure that people read and change claims no more.
    let at = |mfu: Ratio, share: Ratio| three_digits(bounded(case, training, mfu.0, share.0));
    let central = at(published.central, bandwidth.central);
    // Without products there is no utilisation to speak of.
    if central >= published.central.0 || central <= 0.0 {
        return plain;
    }
    // The two are independent: their spans combine in quadrature on the logarithmic scale.
    let span = |mfu: Ratio, share: Ratio| {
        let of_mfu = libm::log(at(mfu, bandwidth.central) / central);
        let of_share = libm::log(at(published.central, share) / central);
        of_mfu.hypot(of_share)
    };
    let down = span(published.low, bandwidth.low);
    let up = span(published.high, bandwidth.high);
    Assumed {
        span: Range::new(
            Ratio(three_digits(central * libm::exp(-down))),
            Ratio(central),
            Ratio(three_digits((central * libm::exp(up)).min(1.0))),
        ),
        source: format!(
            "{:.0} % where arithmetic is the bound, less where layers wait for memory: roofline of this model’s layers; {source}",
            published.central.0 * 100.0
        ),
        ..plain
    }
}

/// A positive number with three significant digits.
fn three_digits(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let scale = libm::pow(10.0, 2.0 - libm::log10(value).floor());
    (value * scale).round() / scale
}

/// Utilisation over all layers when products reach `mfu` of the peak and traffic `share` of the bandwidth.
fn bounded(case: &Case<'_>, training: &Training, mfu: f64, share: f64) -> f64 {
    let roof = Roof {
        arithmetic: FlopsPerSecond(case.peak.rate.0 * mfu),
        traffic: case.bandwidth.map(|bandwidth| bandwidth * share),
    };
    // The batch that one device computes; the backward pass moves and computes in the same proportion.
    let samples = (training.batch as f64 / case.devices()).max(1.0) / case.model.batch.max(1) as f64;
    let stored = case.stored_bytes_each();
    let (mut time, mut work) = (Seconds(0.0), Flops(0.0));
    for term in &case.model.layers {
        let flops = Flops(FLOPS_PER_MAC * term.macs as f64 * samples);
        let bytes = Bytes(
            term.weight_bytes as f64 * case.weight_bytes_each() / stored
                + term.activation_bytes as f64 * case.activation_bytes_each() / stored * samples,
        );
        time = time + roof.time(flops, bytes).0;
        work = work + flops;
    }
    if time.0 > 0.0 { (work.0 / time.0 / case.peak.rate.0).min(mfu) } else { mfu }
}

/// The figures of a training run.
pub(crate) fn figures(case: &Case<'_>, pass: Pass, values: Values<'_>) -> Figures {
    let mut figures = Figures::new();
    // What failed was computed and is computed again.
    let repeated = values.get(Key::Experiments) / (1.0 - values.get(Key::FailedShare));
    let run = (pass.forward * (pass.forwards + values.get(Key::Backward)) + pass.beside) * pass.items;
    let all = run * repeated;
    let rate = case.peak.rate * values.get(Key::Mfu) * case.devices();
    let beside = time_beside(case, pass, values);
    let written = pass.written.map_or(0.0, |(_, time)| time.0 * repeated);
    let hours = ((all.at(rate).0 + beside.each).max(beside.least) + written) / SECONDS_PER_HOUR;
    figures.put(Figure::Flops, all.0);
    figures.put(Figure::Hours, hours);
    figures.put(Figure::WorkingHours, hours * case.devices());
    figures.put(Figure::Items, pass.items * values.get(Key::Experiments));
    // Reserved devices that wait draw as idle ones do.
    let reserved = values.get(Key::ReservedIdle);
    figures.put(Figure::IdleHours, hours * case.devices() * reserved / (1.0 - reserved));
    ledger::settle(&mut figures, values, values.get(Key::AcceleratorWatts), values.get(Key::IdleWatts), false);
    figures
}

/// Seconds that training takes beside its operations, all devices working side by side.
struct Beside {
    /// Added to the operations: what each token takes.
    each: f64,
    /// The least that the run takes: starting the layers of every step, and loading every sample.
    least: f64,
}

fn time_beside(case: &Case<'_>, pass: Pass, values: Values<'_>) -> Beside {
    let items = pass.items * values.get(Key::Experiments) / (1.0 - values.get(Key::FailedShare));
    if pass.tokens && values.get(Key::TokenSeconds) > 0.0 {
        return Beside { each: items * values.get(Key::TokenSeconds) / case.devices(), least: 0.0 };
    }
    let Workload::Train(training) = &case.scenario.workload else { return Beside { each: 0.0, least: 0.0 } };
    let samples = match (pass.tokens, case.model.sample.tokens()) {
        (true, Some(each)) => items / each.max(1) as f64,
        _ => items,
    };
    let layers: f64 = case.model.layers.iter().map(|term| term.layers as f64).sum();
    let steps = samples / training.batch as f64;
    let starting = steps * layers * (pass.forwards + values.get(Key::Backward)) * values.get(Key::StartSeconds);
    let loading = samples * values.get(Key::LoadSeconds) / case.devices();
    Beside { each: 0.0, least: starting.max(loading) }
}

/// The formula of the time.
pub(crate) const TIME: &str = "operations ÷ (devices × dense peak × MFU) + tokens × time of a token ÷ devices; no less than starting layers and loading samples takes";

/// The same with the numbers of a case.
pub(crate) fn time_in_numbers(case: &Case<'_>, pass: Pass, figures: &Figures) -> String {
    let values = case.assumptions.central();
    let beside = time_beside(case, pass, values);
    let mut text = format!(
        "{} ÷ ({} × {} × {})",
        Flops(figures.get(Figure::Flops)).readable(),
        case.scenario.hardware.count,
        case.peak.rate.readable(),
        format::number(values.get(Key::Mfu))
    );
    if beside.each > 0.0 {
        text.push_str(&format!(
            " + {} × {} ÷ {}",
            format::count(pass.items * values.get(Key::Experiments)),
            Seconds(values.get(Key::TokenSeconds)).readable(),
            case.scenario.hardware.count
        ));
    }
    if let Some((_, time)) = pass.written {
        text.push_str(&format!(" + {} of writing answers", time.readable()));
    }
    if beside.least > 0.0 {
        text.push_str(&format!("; no less than {}", Seconds(beside.least).readable()));
    }
    text
}
