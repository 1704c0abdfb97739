//! Serving: the time of a batch by the roofline of its layers, and the idle time between batches.
//!
//! A layer takes the longer of its arithmetic and its traffic, plus a fixed time for being started.
//! A language model takes one pass over the prompt and one step for each further token of the answer,
//! which reads the weights that the batch touches and its KV cache again.

use super::EstimateError;
use super::assumptions::{Key, Values};
use super::case::Case;
use super::figures::{Figure, Figures};
use super::language::Request;
use super::training::{FLOPS_PER_MAC, macs};
use super::{language, ledger};
use crate::hardware::roofline::{Bound, Roof};
use crate::report::MemoryPart;
use crate::scenario::{LanguageModel, Serving};
use crate::units::{Bytes, Flops, HOURS_PER_DAY, SECONDS_PER_HOUR, Seconds};

/// Seconds of a batch by what bounds them.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    compute: f64,
    memory: f64,
    start: f64,
}

impl Times {
    fn add(&mut self, (time, bound): (Seconds, Bound)) {
        match bound {
            Bound::Compute => self.compute += time.0,
            Bound::Memory => self.memory += time.0,
        }
    }

    fn total(self) -> f64 {
        self.compute + self.memory + self.start
    }

    fn and(self, other: Self, times: f64) -> Self {
        Self {
            compute: self.compute + other.compute * times,
            memory: self.memory + other.memory * times,
            start: self.start + other.start * times,
        }
    }
}

/// Checks that the model can be served at all: its operations are known.
///
/// # Errors
/// A model that was read and whose MACs are not known.
pub(crate) fn check(case: &Case<'_>) -> Result<(), EstimateError> {
    if case.language.is_some() { Ok(()) } else { macs(case).map(|_| ()) }
}

/// The figures of a service, or of one request where no rate is given.
pub(crate) fn figures(case: &Case<'_>, serving: &Serving, values: Values<'_>) -> Figures {
    let mut figures = Figures::new();
    let batch = serving.batch as f64;
    // A language model is split over all devices and each batch runs on all of them;
    // a network that was read is copied to each, and each computes a batch of its own.
    let (first, step, steps, at_once) = match case.language {
        Some(language) => {
            let (first, step) = language_times(case, language, serving, values);
            (first, step, (serving.output_tokens - 1.0).max(0.0), 1.0)
        }
        None => (layer_times(case, batch, values), Times::default(), 0.0, case.devices()),
    };
    // What past estimates missed of a request falls to all its parts alike.
    let missed = values.times(Key::UnexplainedServing);
    let (first, step) = (Times::default().and(first, missed), Times::default().and(step, missed));
    let whole = first.and(step, steps);
    let latency = whole.total();
    let capacity = if latency > 0.0 { batch * at_once / latency } else { 0.0 };
    let devices_each = case.devices() / at_once;
    let working_seconds_per_request = if capacity > 0.0 { case.devices() / capacity } else { 0.0 };

    let operations = match case.language {
        Some(language) if language.knows_its_architecture() => {
            FLOPS_PER_MAC
                * (language::first_macs(&language, &Request::of(&language, serving))
                    + language::request_step_macs(&language, &Request::of(&language, serving)) * steps)
        }
        Some(language) => FLOPS_PER_MAC * language.active_parameters * (serving.prompt_tokens + serving.output_tokens),
        None => FLOPS_PER_MAC * case.model.macs.unwrap_or(0) as f64 / case.model.batch.max(1) as f64,
    };
    let requests = serving.requests_per_day.map_or(1.0, |rate| rate * serving.days);
    let working = working_seconds_per_request * requests / SECONDS_PER_HOUR;
    figures.put(Figure::Flops, operations * requests);
    figures.put(Figure::WorkingHours, working);
    match serving.requests_per_day {
        Some(_) => {
            let available = serving.days * HOURS_PER_DAY;
            figures.put(Figure::Hours, available);
            figures.put(Figure::IdleHours, (available * case.devices() - working).max(0.0));
            figures.put(Figure::Load, working / (available * case.devices()));
        }
        None => figures.put(Figure::Hours, working / devices_each.max(1.0)),
    }
    figures.put(Figure::Items, requests);
    figures.put(Figure::OutputTokens, serving.output_tokens * requests);
    figures.put(Figure::Latency, latency);
    figures.put(Figure::FirstToken, first.total());
    figures.put(Figure::BetweenTokens, step.total());
    figures.put(Figure::Capacity, capacity);
    let share = |part: f64| if latency > 0.0 { part / latency } else { 0.0 };
    figures.put(Figure::ComputeBound, share(whole.compute));
    figures.put(Figure::MemoryBound, share(whole.memory));
    figures.put(Figure::Starting, share(whole.start));

    // While layers are being started the chip waits.
    let (busy, waiting) = (values.get(Key::AcceleratorWatts), values.get(Key::IdleWatts));
    let watts = busy + (waiting.min(busy) - busy) * share(whole.start);
    figures.put(Figure::AcceleratorPerRequest, working_seconds_per_request * watts);
    ledger::settle(&mut figures, values, watts, waiting, serving.requests_per_day.is_some());
    figures
}

/// The roof that a case reaches on `devices` devices together.
fn roof(case: &Case<'_>, devices: f64, values: Values<'_>) -> Roof {
    Roof {
        arithmetic: case.peak.rate * values.get(Key::ComputeShare) * devices,
        traffic: case.bandwidth.map(|bandwidth| bandwidth * values.get(Key::BandwidthShare) * devices),
    }
}

/// One pass over the layers of a model that was read, for a batch on one device.
fn layer_times(case: &Case<'_>, batch: f64, values: Values<'_>) -> Times {
    let roof = roof(case, 1.0, values);
    let scale = batch / case.model.batch.max(1) as f64;
    let stored = case.stored_bytes_each();
    let mut times = Times::default();
    for term in &case.model.layers {
        let work = Flops(FLOPS_PER_MAC * term.macs as f64 * scale);
        let moved = Bytes(
            term.weight_bytes as f64 * case.weight_bytes_each() / stored
                + term.activation_bytes as f64 * case.activation_bytes_each() / stored * scale,
        );
        times.add(roof.time(work, moved));
        times.start += term.layers as f64 * values.get(Key::StartSeconds);
    }
    if case.model.layers.is_empty() {
        // A summary without layers: one piece of work.
        let work = Flops(FLOPS_PER_MAC * case.model.macs.unwrap_or(0) as f64 * scale);
        times.add(roof.time(work, case.weights().unwrap_or(Bytes(0.0))));
        times.start += values.get(Key::StartSeconds);
    }
    times
}

/// The pass over the prompts of a batch, and one step of decoding for the batch.
fn language_times(case: &Case<'_>, language: LanguageModel, serving: &Serving, values: Values<'_>) -> (Times, Times) {
    let roof = roof(case, case.devices(), values);
    let batch = serving.batch as f64;
    let start = values.get(Key::StartSeconds);
    let request = Request::of(&language, serving);
    let operations = |macs: f64| Flops(FLOPS_PER_MAC * macs);
    let each = case.weight_bytes_each();

    let mut first = Times { start, ..Times::default() };
    first.add(roof.time(
        operations(language::first_macs(&language, &request) * batch),
        Bytes(
            language::first_parameters_read(&language, &request, batch) * each
                + cache(&language, &request, 0.0, values) * batch,
        ),
    ));
    let mut step = Times { start, ..Times::default() };
    let read = match language::elements_read(&language, &request) {
        // State is written back as well; a cache only grows by a token, which is next to nothing.
        Some(elements) => (elements + language.state_elements.unwrap_or(0.0)) * values.get(Key::CacheElementBytes),
        // On average half of the answer is in the cache beside the prompt.
        None => values.get(Key::CacheBytes) * (request.first_tokens() + serving.output_tokens / 2.0),
    };
    step.add(roof.time(
        operations(language::request_step_macs(&language, &request) * batch),
        Bytes(language::parameters_read(&language, batch) * each + read * batch),
    ));
    (first, step)
}

/// Bytes of cache and state that one sequence holds behind the first pass and this share of its answer.
fn cache(language: &LanguageModel, request: &Request, share: f64, values: Values<'_>) -> f64 {
    match language::held_elements(language, request, share) {
        Some(elements) => elements * values.get(Key::CacheElementBytes),
        None => values.get(Key::CacheBytes) * (request.first_tokens() + (request.steps() + 1.0) * share),
    }
}

/// What serving keeps in a device's memory: weights, and activations or KV cache of a batch.
pub(crate) fn memory(case: &Case<'_>, serving: &Serving) -> Vec<MemoryPart> {
    let weights = case.weights();
    let part = |name: &str, bytes: Option<Bytes>| MemoryPart { name: name.to_owned(), bytes };
    if let Some(language) = case.language {
        let request = Request::of(&language, serving);
        let held = cache(&language, &request, 1.0, case.assumptions.central()) * serving.batch as f64;
        let name = if language.state_elements.is_some() { "KV cache and state" } else { "KV cache" };
        return vec![
            part("weights", weights.map(|weights| weights / case.devices())),
            part(name, Some(Bytes(held / case.devices()))),
        ];
    }
    let scale = serving.batch as f64 / case.model.batch.max(1) as f64;
    let activations = case
        .model
        .peak_activation_bytes
        .map(|bytes| Bytes(bytes as f64 * scale * case.activation_bytes_each() / case.stored_bytes_each()));
    vec![part("weights", weights), part("activations", activations)]
}
