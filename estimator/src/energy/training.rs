//! Training: operations of forward and backward passes, and the time in which devices do them.
//!
//! Operations = (1 + backward) × forward × samples × epochs, with one more forward pass where activations are computed again.
//! For a language model the items are tokens, and the forward pass is that of one token in a sequence of the chosen length;
//! where only its size is known, 2 × active parameters, which makes 6 × parameters × tokens (Kaplan and others 2020).
//! Time = operations ÷ (devices × dense peak × MFU).

use super::EstimateError;
use super::assumptions::{Assumed, Key, Values, cited, factor};
use super::case::{Case, utilisation_id};
use super::figures::{Figure, Figures};
use super::{language, ledger};
use crate::hardware::roofline::Roof;
use crate::range::{Range, Ratio};
use crate::report::MemoryPart;
use crate::scenario::{ModelSummary, Training};
use crate::units::{Bytes, Flops, FlopsPerSecond, Seconds};

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
}

/// The forward pass of one item and the number of items.
///
/// # Errors
/// A model whose MACs (or, with tokens, parameters) are not known.
pub(crate) fn pass(case: &Case<'_>, training: &Training) -> Result<Pass, EstimateError> {
    let samples = training.samples * training.epochs;
    let forwards = if training.recompute { 2.0 } else { 1.0 };
    let per_parameter = |parameters: f64| Flops(FLOPS_PER_MAC * parameters);
    if let Some(language) = case.model.language {
        let items = training.tokens.unwrap_or(samples);
        let sequence = case.assumptions.central().get(Key::SequenceTokens);
        let forward = per_parameter(language::training_macs(&language, sequence));
        return Ok(Pass { forward, forwards, items, tokens: true });
    }
    if let Some(tokens) = training.tokens {
        // A graph over tokens tells what each of its tokens costs.
        if let Some(each) = case.model.sample.tokens().filter(|each| *each > 0) {
            let forward = per_parameter(macs(case)? / case.model.batch.max(1) as f64 / each as f64);
            return Ok(Pass { forward, forwards, items: tokens, tokens: true });
        }
        let parameters = case.model.parameters.ok_or(EstimateError::UnknownCount {
            count: "parameters",
            remedy: "give samples and epochs instead of tokens",
        })?;
        return Ok(Pass { forward: per_parameter(parameters as f64), forwards, items: tokens, tokens: true });
    }
    let macs = macs(case)?;
    Ok(Pass {
        forward: Flops(FLOPS_PER_MAC * macs / case.model.batch.max(1) as f64),
        forwards,
        items: samples,
        tokens: false,
    })
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

/// The model FLOPs utilisation to assume: that of published runs on such chips,
/// and less for networks whose layers wait for memory, by the roofline of their own layers.
///
/// Published runs are of transformers, whose products reach the chips' arithmetic;
/// a convolutional network moves more bytes for each operation.
/// `bandwidth` is the share of the memory bandwidth that layers reach; its span widens the utilisation's.
pub(crate) fn utilisation(
    case: &Case<'_>,
    training: &Training,
    bandwidth: Option<Range<Ratio>>,
) -> Result<Assumed, EstimateError> {
    let row = factor(utilisation_id(case.device))?;
    let published = row.value;
    let plain = Assumed::of_factor(Key::Mfu, row);
    let Some(bandwidth) = bandwidth else { return Ok(plain) };
    // Three digits: a figure that people read and change claims no more.
    let at = |mfu: Ratio, share: Ratio| three_digits(bounded(case, training, mfu.0, share.0));
    let central = at(published.central, bandwidth.central);
    // Without products there is no utilisation to speak of.
    if central >= published.central.0 || central <= 0.0 {
        return Ok(plain);
    }
    // The two are independent: their spans combine in quadrature on the logarithmic scale.
    let span = |mfu: Ratio, share: Ratio| {
        let of_mfu = libm::log(at(mfu, bandwidth.central) / central);
        let of_share = libm::log(at(published.central, share) / central);
        of_mfu.hypot(of_share)
    };
    let down = span(published.low, bandwidth.low);
    let up = span(published.high, bandwidth.high);
    Ok(Assumed {
        span: Range::new(
            Ratio(three_digits(central * libm::exp(-down))),
            Ratio(central),
            Ratio(three_digits((central * libm::exp(up)).min(1.0))),
        ),
        source: format!(
            "{:.0} % where arithmetic is the bound, less where layers wait for memory: roofline of this model’s layers; {}",
            published.central.0 * 100.0,
            cited(row)
        ),
        ..plain
    })
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
    let experiments = values.get(Key::Experiments);
    let run = pass.forward * (pass.forwards + values.get(Key::Backward)) * pass.items;
    let all = run * experiments;
    let rate = case.peak.rate * values.get(Key::Mfu) * case.devices();
    let hours = all.at(rate).hours() * values.times(Key::UnexplainedTime);
    figures.put(Figure::Flops, all.0);
    figures.put(Figure::Hours, hours);
    figures.put(Figure::WorkingHours, hours * case.devices());
    figures.put(Figure::Items, pass.items * experiments);
    ledger::settle(&mut figures, values, values.get(Key::AcceleratorWatts), 0.0, false);
    figures
}

/// Bytes that training keeps, before it is shared out over devices.
pub(crate) struct Held {
    /// Weights, gradients and optimiser state of the whole model.
    pub(crate) state: Option<Bytes>,
    /// Activations of one sample; `None` for a language model, whose layers are not known.
    pub(crate) sample: Option<Bytes>,
}

/// What training keeps.
pub(crate) fn held(case: &Case<'_>, training: &Training) -> Held {
    let state = case.assumptions.central().get(Key::StateBytes);
    let parameters = match case.model.language {
        Some(language) => Some(language.parameters),
        None => case.model.parameters.map(|parameters| parameters as f64),
    };
    let kept = if training.recompute { case.model.peak_activation_bytes } else { case.model.activation_bytes };
    let sample = kept.map(|bytes| {
        Bytes(bytes as f64 / case.model.batch.max(1) as f64 * case.activation_bytes_each() / case.stored_bytes_each())
    });
    Held {
        state: parameters.map(|parameters| Bytes(parameters * state)),
        sample: if case.model.language.is_some() { None } else { sample },
    }
}

/// What training keeps in a device's memory: weights, gradients and optimiser state, and activations of its share of the batch.
pub(crate) fn memory(case: &Case<'_>, training: &Training) -> Vec<MemoryPart> {
    let held = held(case, training);
    // A language model's state is split over the devices, as frameworks do; a smaller network is copied to each.
    let split = if case.model.is_language() { case.devices() } else { 1.0 };
    // The fullest device has one sample more than the others where the batch cannot be shared out evenly.
    let samples = (training.batch as f64 / case.devices()).ceil();
    vec![
        MemoryPart {
            name: "weights, gradients and optimiser state".to_owned(),
            bytes: held.state.map(|bytes| bytes / split),
        },
        MemoryPart { name: "activations".to_owned(), bytes: held.sample.map(|bytes| bytes * samples) },
    ]
}
