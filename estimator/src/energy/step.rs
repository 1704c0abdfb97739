//! A serving engine with continuous batching, step by step: how long a step takes, what bounds it, and what it draws.
//!
//! In each step every sequence in flight gets one token, and prompts of new requests join.
//! A step lasts as long as its products and its traffic, which overlap as the root of their squares, plus the fixed times of its layers,
//! of exchanges between devices and of each sequence.
//! Its energy is a waiting draw over the whole step, and what bytes and products cost on top; where that would pass the TDP,
//! the clock falls and the step lasts longer.
//! All constants are fitted ([`super::calibration`]); which model and which device is asked about is for the caller to say.

use super::calibration::{Constant, Constants};
use super::language::{self, Request};
use crate::scenario::LanguageModel;

/// FLOPs of a multiply-accumulate.
const FLOPS_PER_MAC: f64 = 2.0;
/// Bytes of an activation that travels between devices, and of an element of recurrent state.
const WIDE_BYTES: f64 = 2.0;

/// In what the products run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// 16 bits and more.
    Wide,
    /// 8 bits, with scales for blocks.
    EightBit,
    /// 16 bits, from weights packed in 4.
    Packed,
}

/// The devices that serve one model together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Machine {
    /// How many.
    pub(crate) devices: f64,
    /// Bytes per second of one device's memory; `None` where it is not published.
    pub(crate) bandwidth: Option<f64>,
    /// Dense FLOPs per second of one device in what the products run in.
    pub(crate) peak: f64,
    /// Watts of one device at most.
    pub(crate) tdp: f64,
    /// Bytes per second from one device to the others, in one direction; `None` where it is not known.
    pub(crate) link: Option<f64>,
    /// In what the products run.
    pub(crate) arithmetic: Arithmetic,
    /// Bytes of a stored weight.
    pub(crate) weight_bytes: f64,
    /// Ways in which the requests are divided: each has attention of its own, and experts are shared.
    pub(crate) ranks: f64,
}

/// A model as a step sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stack {
    /// The model.
    pub(crate) model: LanguageModel,
    /// Layers.
    pub(crate) layers: f64,
    /// Width of a token's vector.
    pub(crate) width: f64,
    /// Bytes of KV cache of one token where the model does not tell its elements.
    pub(crate) cache_bytes: f64,
    /// Bytes of an element of the cache where it does.
    pub(crate) element_bytes: f64,
}

/// The requests that are in flight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// One request.
    pub(crate) request: Request,
    /// Requests in flight.
    pub(crate) batch: f64,
    /// Seconds that each request takes before its prompt: reading a picture.
    pub(crate) input_seconds: f64,
}

/// What a person may set of a step; the fitted constants where absent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Set {
    /// Share of the bandwidth.
    pub(crate) bandwidth_share: Option<f64>,
    /// Share of the peak.
    pub(crate) compute_share: Option<f64>,
    /// Fixed seconds of a step.
    pub(crate) start_seconds: Option<f64>,
}

/// Seconds and joules of a step, all devices together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Step {
    /// How long.
    pub(crate) seconds: f64,
    /// Of them waiting for products.
    pub(crate) compute: f64,
    /// Of them waiting for memory.
    pub(crate) memory: f64,
    /// What the devices draw.
    pub(crate) joules: f64,
}

impl Step {
    fn mix(self, share: f64, other: Self, rest: f64) -> Self {
        let of = |a: f64, b: f64| a * share + b * rest;
        Self {
            seconds: of(self.seconds, other.seconds),
            compute: of(self.compute, other.compute),
            memory: of(self.memory, other.memory),
            joules: of(self.joules, other.joules),
        }
    }
}

/// The steps of a service whose requests come and go.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Steps {
    /// A step in which no prompt joins.
    pub(crate) decoding: Step,
    /// A step in which prompts join.
    pub(crate) joined: Step,
    /// Which share of the steps has prompts.
    pub(crate) share_joined: f64,
    /// The mean step: each request in flight gets one token in it.
    pub(crate) mean: Step,
}

/// Fixed seconds of a step, without what each sequence adds.
pub(crate) fn start_seconds(constants: &Constants, machine: &Machine, stack: &Stack) -> f64 {
    let get = |constant| constants.get(constant);
    let exchange = if machine.devices > 1.0 { get(Constant::ExchangeTime) } else { 0.0 };
    let routing = if is_routed(&stack.model) { get(Constant::Routing) } else { 0.0 };
    get(Constant::StepStart) + stack.layers * (get(Constant::LayerStart) + routing + exchange)
}

/// Share of the dense peak that the products reach.
pub(crate) fn compute_share(constants: &Constants, arithmetic: Arithmetic) -> f64 {
    let get = |constant| constants.get(constant);
    get(Constant::ComputeShare)
        * match arithmetic {
            Arithmetic::Wide => 1.0,
            Arithmetic::EightBit => get(Constant::EightBitShare),
            Arithmetic::Packed => get(Constant::PackedShare),
        }
}

/// Whether tokens are routed to experts.
pub(crate) fn is_routed(model: &LanguageModel) -> bool {
    model.experts.is_some_and(|experts| experts > 0.0)
        || (!model.knows_its_architecture() && model.active_parameters < model.parameters)
}

/// The steps of a load in its steady state.
///
/// A request of G output tokens has one step with its prompt and G − 1 without. Of B requests in flight, B ÷ G begin in each step;
/// below one, that is the share of steps with a prompt.
pub(crate) fn steps(constants: &Constants, machine: &Machine, stack: &Stack, load: &Load, set: &Set) -> Steps {
    let outputs = load.request.steps() + 1.0;
    let share_joined = (load.batch / outputs).min(1.0);
    let prompts = load.batch / (outputs * share_joined);
    let one = |prompts: f64| step(constants, machine, stack, load, set, prompts);
    let (decoding, joined) = (one(0.0), one(prompts));
    Steps { decoding, joined, share_joined, mean: joined.mix(share_joined, decoding, 1.0 - share_joined) }
}

/// One step in which so many prompts join the other requests in flight.
fn step(constants: &Constants, machine: &Machine, stack: &Stack, load: &Load, set: &Set, prompts: f64) -> Step {
    let get = |constant| constants.get(constant);
    let (model, request) = (&stack.model, &load.request);
    let devices = machine.devices;
    let sequences = (load.batch - prompts).max(0.0);
    let prompt_tokens = prompts * request.first_tokens();
    let tokens = sequences + prompt_tokens;

    // Traffic: weights that the tokens touch, once; the cache of every sequence.
    let choosing = libm::pow(tokens.max(1.0), get(Constant::ExpertSpread));
    let mut parameters = language::parameters_read(model, choosing);
    if prompts > 0.0 {
        parameters += language::encoder_parameters_read(model, request);
    }
    if machine.ranks > 1.0 {
        parameters += language::unrouted_parameters(model) * (machine.ranks - 1.0);
    }
    let weights = parameters * machine.weight_bytes;
    let cache = sequences
        * match language::elements_read(model, request) {
            Some(elements) => elements * stack.element_bytes + model.state_elements.unwrap_or(0.0) * WIDE_BYTES,
            None => stack.cache_bytes * (request.first_tokens() + request.steps() / 2.0),
        };
    let bandwidth_share = set.bandwidth_share.unwrap_or(get(Constant::BandwidthShare));
    let reading = machine.bandwidth.map_or(0.0, |bandwidth| {
        let all = devices * bandwidth;
        weights / (all * bandwidth_share) + cache / (all * get(Constant::CacheBandwidthShare))
    });

    // Products. With several ranks a prompt runs on one of them while the others wait.
    let decoding_flops = FLOPS_PER_MAC * language::request_step_macs(model, request) * sequences;
    let prompt_flops = FLOPS_PER_MAC * language::first_macs(model, request) * prompts;
    let waits = match machine.ranks {
        ranks if ranks > 1.0 => (ranks / prompts.max(1.0)).max(1.0) * get(Constant::RanksPenalty),
        _ => 1.0,
    };
    let share = set.compute_share.unwrap_or_else(|| compute_share(constants, machine.arithmetic));
    let rate = devices * machine.peak * share;
    let computing = (decoding_flops + prompt_flops * waits) / rate;

    let plain = libm::hypot(reading, computing);
    let floor = match machine.arithmetic {
        // Measured on mixtures alone; published speed-ups of dense models in 8 bits have no such floor.
        Arithmetic::EightBit if is_routed(model) => stack.layers * get(Constant::EightBitFloor),
        _ => 0.0,
    };
    let working = libm::hypot(plain, floor);

    let mut fixed = set.start_seconds.unwrap_or_else(|| start_seconds(constants, machine, stack));
    fixed += load.batch * get(Constant::SequenceTime);
    if prompts > 0.0 {
        fixed += get(Constant::PromptStart) + prompts * load.input_seconds;
    }
    // Two all-reduces of the tokens' vectors in each layer, each of which sends nearly twice the vector.
    let exchanged = 2.0 * stack.layers * tokens * stack.width * WIDE_BYTES * 2.0 * (devices - 1.0) / devices;
    let exchanging = match machine.link {
        Some(link) if devices > 1.0 && link > 0.0 => exchanged / link,
        _ => 0.0,
    };

    let most = devices * machine.tdp;
    let extra = most * (get(Constant::BusyDraw) * plain + get(Constant::EightBitDraw) * (working - plain))
        + get(Constant::ByteEnergy) * (weights + cache)
        + get(Constant::ComputeDraw) * machine.tdp / machine.peak * (decoding_flops + prompt_flops);
    let waiting = most * get(Constant::WaitingDraw).min(0.95);
    let lasting = (working + fixed + exchanging).max(extra / (most - waiting));
    let bound = if plain > 0.0 { reading * reading / (plain * plain) } else { 0.0 };
    let held = working + (lasting - working - fixed - exchanging).max(0.0);
    Step { seconds: lasting, compute: held * (1.0 - bound), memory: held * bound, joules: waiting * lasting + extra }
}
