//! Serving: the time of a batch by the roofline of its layers, and the idle time between batches.
//!
//! A layer takes the longer of its arithmetic and its traffic, plus a fixed time for being started.
//! A language model takes one pass over the prompt and one step for each further token of the answer,
//! which reads the weights that the batch touches and its KV cache again.

use super::EstimateError;
use super::assumptions::{Key, Values};
use super::calibration::Constants;
use super::case::Case;
use super::figures::{Figure, Figures};
use super::language::Request;
use super::step::{self, Load, Machine, Stack};
use super::training::{FLOPS_PER_MAC, macs};
use super::{architectures, language, ledger};
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

/// What a service does with its devices.
#[derive(Debug, Clone, Copy)]
struct Service {
    /// Seconds from a request's arrival to its end.
    latency: f64,
    /// Of them by what bounds them.
    times: Times,
    /// Seconds to the first token, and between two of them.
    first: f64,
    between: f64,
    /// Requests a second at most.
    capacity: f64,
    /// Seconds that all devices together work for a request.
    working: f64,
    /// Watts of a device at work.
    watts: f64,
    /// Share of the capacity that is asked for; 0 without a rate.
    load: f64,
    /// Requests in flight while there are any.
    batch: f64,
}

/// The figures of a service, or of one request where no rate is given.
pub(crate) fn figures(case: &Case<'_>, serving: &Serving, values: Values<'_>) -> Figures {
    let mut figures = Figures::new();
    let service = match case.language {
        Some(language) => of_language(case, language, serving, values),
        None => of_layers(case, serving, values),
    };
    let steps = (serving.output_tokens - 1.0).max(0.0);
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
    let working = service.working * requests / SECONDS_PER_HOUR;
    figures.put(Figure::Flops, operations * requests);
    figures.put(Figure::WorkingHours, working);
    match serving.requests_per_day {
        Some(_) => {
            let available = serving.days * HOURS_PER_DAY;
            figures.put(Figure::Hours, available);
            figures.put(Figure::IdleHours, (available * case.devices() - working).max(0.0));
            figures.put(Figure::Load, service.load);
        }
        // A language model is split over all devices; of a network that was read each device has a copy.
        None if case.language.is_some() => figures.put(Figure::Hours, working / case.devices()),
        None => figures.put(Figure::Hours, working),
    }
    figures.put(Figure::Items, requests);
    figures.put(Figure::OutputTokens, serving.output_tokens * requests);
    figures.put(Figure::Latency, service.latency);
    figures.put(Figure::FirstToken, service.first);
    figures.put(Figure::BetweenTokens, service.between);
    figures.put(Figure::Capacity, service.capacity);
    figures.put(Figure::InFlight, service.batch);
    let share = |part: f64| if service.latency > 0.0 { part / service.latency } else { 0.0 };
    figures.put(Figure::ComputeBound, share(service.times.compute));
    figures.put(Figure::MemoryBound, share(service.times.memory));
    figures.put(Figure::Starting, share(service.times.start));
    figures.put(Figure::AcceleratorPerRequest, service.working * service.watts);
    let idle = values.get(Key::IdleWatts);
    ledger::settle(&mut figures, values, service.watts, idle, serving.requests_per_day.is_some());
    figures
}

/// A network that was read: each device computes batches of its own.
fn of_layers(case: &Case<'_>, serving: &Serving, values: Values<'_>) -> Service {
    let batch = serving.batch as f64;
    // What past estimates missed of a request falls to all its parts alike.
    let times = Times::default().and(layer_times(case, batch, values), values.times(Key::UnexplainedServing));
    let latency = times.total();
    let capacity = if latency > 0.0 { batch * case.devices() / latency } else { 0.0 };
    let working = if capacity > 0.0 { case.devices() / capacity } else { 0.0 };
    // While layers are being started the chip waits.
    let (busy, waiting) = (values.get(Key::AcceleratorWatts), values.get(Key::IdleWatts));
    let starting = if latency > 0.0 { times.start / latency } else { 0.0 };
    Service {
        latency,
        times,
        first: latency,
        between: 0.0,
        capacity,
        working,
        watts: busy + (waiting.min(busy) - busy) * starting,
        load: rate(serving) * working / case.devices(),
        batch,
    }
}

/// Requests a second; 0 where no rate is given.
fn rate(serving: &Serving) -> f64 {
    serving.requests_per_day.map_or(0.0, |rate| rate / HOURS_PER_DAY / SECONDS_PER_HOUR)
}

/// A language model: one engine on all devices together, whose batch is what is in flight.
///
/// Requests that arrive at random and are never held up are in flight as in a queue with as many servers as are needed (M/G/∞):
/// with n in flight on average, there is at least one for 1 − e^−n of the time, and then n ÷ (1 − e^−n) of them.
/// n is the rate times the time in flight (Little 1961), which itself depends on the batch; the two are solved together.
/// The batch of the scenario is the most that the engine takes.
fn of_language(case: &Case<'_>, language: LanguageModel, serving: &Serving, values: Values<'_>) -> Service {
    let engine = Engine::of(case, language, values);
    let missed = values.times(Key::UnexplainedServing);
    let most = serving.batch as f64;
    let outputs = serving.output_tokens.max(1.0);
    let steps_of = |batch: f64| engine.steps(serving, batch, values);
    let latency_of = |batch: f64| outputs * steps_of(batch).mean.seconds * missed;
    let capacity = most / latency_of(most);
    let asked = rate(serving);
    let (batch, busy) = match serving.requests_per_day {
        None => (most, most / latency_of(most)),
        Some(_) if asked >= capacity => (most, capacity),
        Some(_) => {
            let while_busy = |flight: f64| if flight > 0.0 { (flight / -libm::expm1(-flight)).min(most) } else { 1.0 };
            let (mut low, mut high) = (0.0, most);
            for _ in 0..HALVINGS {
                let middle = (low + high) / 2.0;
                if asked * latency_of(while_busy(middle)) > middle { low = middle } else { high = middle }
            }
            let batch = while_busy(high);
            // The share of the time in which the engine works is what is in flight over what it takes at once.
            (batch, asked * batch / high)
        }
    };
    let steps = steps_of(batch);
    let mean = steps.mean;
    let scale = missed * outputs;
    let draw = mean.joules / mean.seconds / case.devices();
    // A draw that is set replaces the one that follows from the step.
    let set = case.assumptions.find(Key::AcceleratorWatts).filter(|item| item.is_set);
    Service {
        latency: mean.seconds * scale,
        times: Times {
            compute: mean.compute * scale,
            memory: mean.memory * scale,
            start: (mean.seconds - mean.compute - mean.memory).max(0.0) * scale,
        },
        first: steps.joined.seconds * missed,
        between: if outputs > 1.0 {
            (mean.seconds * scale - steps.joined.seconds * missed).max(0.0) / (outputs - 1.0)
        } else {
            0.0
        },
        capacity,
        working: case.devices() / busy,
        watts: set.map_or(draw, |_| values.get(Key::AcceleratorWatts)),
        load: asked / capacity,
        batch,
    }
}

/// How often the interval in which the number in flight lies is halved: to a part in 10¹² of the largest batch.
const HALVINGS: usize = 40;

/// A language model on the devices of a case.
pub(crate) struct Engine {
    machine: Machine,
    stack: Stack,
}

impl Engine {
    /// The engine of a case; of the values it takes the bytes of the cache, the ranks and the draw where the TDP is not published.
    pub(crate) fn of(case: &Case<'_>, model: LanguageModel, values: Values<'_>) -> Self {
        let layers = model.layers.unwrap_or_else(|| architectures::layers(&model));
        let machine = Machine {
            devices: case.devices(),
            bandwidth: case.bandwidth.map(|bandwidth| bandwidth.0),
            peak: case.serving_peak().0,
            tdp: case.device.most_power().map_or(values.get(Key::AcceleratorWatts), |watts| watts.0),
            // The table has both directions together.
            link: case.device.interconnect.map(|link| link.0 / 2.0),
            arithmetic: case.arithmetic(),
            weight_bytes: case.weight_bytes_each() * if case.precision.bits() < 8 { 1.0 + SCALES } else { 1.0 },
            ranks: values.times(Key::DataParallel).min(case.devices()),
        };
        let stack = Stack {
            model,
            layers,
            width: model.width.unwrap_or_else(|| architectures::width(&model, layers)),
            cache_bytes: values.get(Key::CacheBytes),
            element_bytes: values.get(Key::CacheElementBytes),
        };
        Self { machine, stack }
    }

    /// The share of the peak, and the fixed time of a step, that the fit says.
    pub(crate) fn fitted(&self) -> (f64, f64) {
        let constants = Constants::fitted();
        (
            step::compute_share(constants, self.machine.arithmetic),
            step::start_seconds(constants, &self.machine, &self.stack),
        )
    }

    /// The steps with so many requests in flight.
    pub(crate) fn steps(&self, serving: &Serving, batch: f64, values: Values<'_>) -> step::Steps {
        let load = Load {
            request: Request::of(&self.stack.model, serving),
            batch,
            input_seconds: values.get(Key::InputSeconds),
        };
        let set = step::Set {
            bandwidth_share: Some(values.get(Key::BandwidthShare)),
            compute_share: Some(values.get(Key::ComputeShare)),
            start_seconds: Some(values.get(Key::StartSeconds)),
        };
        step::steps(Constants::fitted(), &self.machine, &self.stack, &load, &set)
    }
}

/// Scales beside weights packed in 4 bits, over the weights: 8 bits for each block of 32 (Open Compute Project, MX specification 1.0, 2023).
pub(crate) const SCALES: f64 = 1.0 / 16.0;

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
        let values = case.assumptions.central();
        let held = cache(&language, &request, 1.0, values) * of_language(case, language, serving, values).batch;
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
