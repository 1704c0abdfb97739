//! What training keeps in each device's memory, by the plan that devices share it by, and the least number of devices that hold it.
//!
//! State: 16-bit weights and gradients and the optimiser's share, over the devices that split the model (tensor × pipeline) and,
//! by the stage of ZeRO, over the replicas as well (Rajbhandari and others 2020).
//! Activations of a language model: 34 × width × layers bytes for each token in 16 bits, and 5 × heads × sequence × layers more where attention maps
//! are kept; with full recomputation, 2 × width × layers and one layer's own (Korthikanti and others 2022).
//! Tensor parallelism splits them, with the sequence split along; a pipeline does not, for its first stage keeps as many micro-batches as there are stages.
//! Vectors of the vocabulary, buffers of communication and fragmentation are not counted.

use super::EstimateError;
use super::assumptions::{Assumed, Key, factor};
use super::case::Case;
use super::tuning::{self, Shape};
use crate::format;
use crate::range::{Range, Ratio};
use crate::report::{MemoryPart, Obstacle};
use crate::scenario::{Activations, Kind, LanguageModel, Optimizer, Training};
use crate::units::{Bytes, Quantity};

/// How many bits halve and double what formulas for 16 bits say.
const USUAL_BITS: f64 = 16.0;
/// ZeRO's stages: from each on, what it names is shared.
const SHARES_OPTIMIZER: u8 = 1;
const SHARES_GRADIENTS: u8 = 2;
const SHARES_WEIGHTS: u8 = 3;
/// The most devices that are tried.
const MOST_REPLICAS: f64 = 1e7;

/// How devices are parted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Layout {
    tensor: f64,
    pipeline: f64,
    replicas: f64,
    zero: u8,
}

impl Layout {
    /// A language model's state is split over all devices unless a plan says otherwise, as frameworks do; a smaller network is copied to each.
    ///
    /// Without any plan a language model whose sequence fills a device is split over the devices of a server, two, four or all of them.
    fn of(case: &Case<'_>, training: &Training) -> Self {
        let plan = &training.plan;
        let is_open = plan.zero.is_none() && plan.tensor_parallel.is_none() && plan.pipeline_parallel.is_none();
        let plain = Self::split_over(case, training, plan.tensor_parallel.unwrap_or(1));
        let (Some(available), true, true) = (case.device.memory(), is_open, case.model.is_language()) else {
            return plain;
        };
        let server = factor("devices-per-server").map_or(1.0, |server| server.value.central.0) as u64;
        let mut best = plain;
        for tensor in (0..4).map(|power| 1 << power).filter(|tensor| *tensor <= server) {
            if !case.scenario.hardware.count.is_multiple_of(tensor) {
                break;
            }
            best = Self::split_over(case, training, tensor);
            if needed(&parts(case, training, &best)) <= available.0 {
                return best;
            }
        }
        best
    }

    fn split_over(case: &Case<'_>, training: &Training, tensor: u64) -> Self {
        let plan = &training.plan;
        let (tensor, pipeline) = (tensor as f64, plan.pipeline_parallel.unwrap_or(1) as f64);
        Self {
            tensor,
            pipeline,
            replicas: (case.devices() / (tensor * pipeline)).max(1.0),
            zero: plan.zero.unwrap_or(if case.model.is_language() { SHARES_WEIGHTS } else { 0 }),
        }
    }

    /// Over how many devices something is split that replicas share from a stage on.
    fn split(&self, from: u8) -> f64 {
        self.tensor * self.pipeline * if self.zero >= from { self.replicas } else { 1.0 }
    }
}

/// Bytes of each parameter that learns.
struct Each {
    weights: f64,
    gradients: f64,
    optimizer: f64,
}

impl Each {
    fn of(case: &Case<'_>) -> Self {
        let weights = bytes_of_a_weight(case);
        let all = case.assumptions.central().get(Key::StateBytes);
        Self { weights, gradients: weights, optimizer: (all - 2.0 * weights).max(0.0) }
    }
}

/// Weights and gradients are kept in 16 bits where products are computed in fewer.
fn bytes_of_a_weight(case: &Case<'_>) -> f64 {
    f64::from(case.precision.bits().max(16)) / 8.0
}

/// What memory rests on: the state of each parameter, and a language model's activations.
///
/// # Errors
/// A table that is a part of this crate lacks a row: a fault of ours.
pub(crate) fn assume(case: &mut Case<'_>, training: &Training) -> Result<(), EstimateError> {
    let optimizer = training.plan.optimizer.unwrap_or_default();
    let state = Assumed::of_factor(Key::StateBytes, factor("training-bytes-per-parameter")?);
    let kept = factor(match optimizer {
        Optimizer::Adamw => "optimizer-adamw",
        Optimizer::Adamw8bit => "optimizer-adamw-8bit",
        Optimizer::Sgd => "optimizer-sgd",
        Optimizer::SgdMomentum => "optimizer-sgd-momentum",
        Optimizer::Adafactor => "optimizer-adafactor",
    })?;
    let weights = bytes_of_a_weight(case);
    // In 32 bits the weights are their own copy.
    let copy = if weights > 2.0 { factor("optimizer-copy")?.value.central.0 } else { 0.0 };
    let central = Ratio(2.0 * weights + kept.value.central.0 - copy);
    let span = &state.span;
    case.assumptions.add(Assumed {
        widens: false,
        span: Range::new(Ratio(span.low.0.min(central.0)), central, Ratio(span.high.0.max(central.0))),
        source: format!(
            "weights and gradients of {} bytes each and the optimiser’s {}: {}",
            format::number(weights),
            format::number(kept.value.central.0 - copy),
            super::assumptions::cited(kept)
        ),
        ..state
    });
    if let Some(language) = case.model.language {
        let sequence = sequence(case)?;
        let bytes = activation_bytes(&language, training, sequence.span.central.0)?
            * (case.activation_bytes_each() * 8.0 / USUAL_BITS);
        case.assumptions.add(sequence);
        let kept = match activations(training) {
            Activations::All => "all are kept",
            Activations::Selective => "all are kept but attention maps, as fused attention does",
            Activations::Full => "the inputs of layers are kept and the rest computed again",
        };
        case.assumptions.add(Assumed {
            widens: false,
            ..Assumed::new(
                Key::ActivationBytes,
                "Activations kept of each token of a sequence",
                "B",
                Range::exact(Ratio(bytes)),
                format!("{kept}: {}", super::assumptions::cited(factor("activation-bytes")?)),
            )
        });
    }
    Ok(())
}

/// The length of a sequence: the usual one, or what the model can read where that is less.
fn sequence(case: &mut Case<'_>) -> Result<Assumed, EstimateError> {
    let usual = factor("training-sequence")?;
    let assumed = Assumed { widens: false, ..Assumed::of_factor(Key::SequenceTokens, usual) };
    let most = case.model.language.and_then(|language| language.max_context).filter(|most| *most >= 1.0);
    let given = case.scenario.set.get(Key::SequenceTokens.code()).copied();
    if let (Some(most), Some(given)) = (most, given)
        && given > most
    {
        case.notes.warn(
            "",
            format!(
                "a sequence of {} tokens is longer than the {} that the model reads",
                format::number(given),
                format::number(most)
            ),
        );
    }
    Ok(match (most, given) {
        // What is set is what activations are kept for.
        (_, Some(given)) if (1.0..=1e8).contains(&given) => Assumed { span: Range::exact(Ratio(given)), ..assumed },
        (Some(most), _) if most < usual.value.central.0 => Assumed {
            span: Range::exact(Ratio(most)),
            source: "the longest that the model reads".to_owned(),
            ..assumed
        },
        _ => assumed,
    })
}

fn activations(training: &Training) -> Activations {
    if training.recomputes_all() { Activations::Full } else { training.plan.activations.unwrap_or_default() }
}

/// Bytes of activations in 16 bits for each token of a sequence, before anything is split.
fn activation_bytes(model: &LanguageModel, training: &Training, sequence: f64) -> Result<f64, EstimateError> {
    let value = |id| Ok::<_, EstimateError>(factor(id)?.value.central.0);
    let shape = Shape::of(model)?;
    let layer = value("activation-bytes")?;
    Ok(match activations(training) {
        Activations::Selective => layer * shape.width_times_layers,
        Activations::All => {
            let heads_times_layers = shape.width_times_layers / value("usual-head-width")?;
            layer * shape.width_times_layers + value("attention-map-bytes")? * heads_times_layers * sequence
        }
        Activations::Full => value("layer-input-bytes")? * shape.width_times_layers + layer * shape.width,
    })
}

/// What each device keeps by the plan of the scenario.
pub(crate) fn memory(case: &Case<'_>, training: &Training) -> Vec<MemoryPart> {
    parts(case, training, &Layout::of(case, training))
}

fn parts(case: &Case<'_>, training: &Training, layout: &Layout) -> Vec<MemoryPart> {
    let each = Each::of(case);
    let method = &training.method;
    let (parameters, trainable) = match case.model.language {
        Some(language) => (Some(language.parameters), tuning::trainable(&language, method).ok()),
        None => {
            let parameters = case.model.parameters.map(|parameters| parameters as f64);
            (parameters, parameters)
        }
    };
    let part = |name: &str, bytes: Option<f64>| MemoryPart { name: name.to_owned(), bytes: bytes.map(Bytes) };
    let weights = parameters.zip(trainable).map(|(all, trainable)| match method.kind {
        Kind::Lora => all * each.weights + trainable * each.weights,
        Kind::Qlora => {
            let packed = factor("qlora-bytes").map_or(each.weights, |bytes| bytes.value.central.0);
            all * packed + trainable * each.weights
        }
        // The teacher, or the model as it was, stands beside.
        Kind::Distillation => (all + method.teacher_parameters.unwrap_or(0.0)) * each.weights,
        Kind::Reinforcement => 2.0 * all * each.weights,
        _ => all * each.weights,
    });
    let activations = match (layout.tensor, training.plan.tensor_parallel) {
        (split, None) if split > 1.0 => {
            format!("activations, each layer over {} devices of a server", format::number(split))
        }
        _ => "activations".to_owned(),
    };
    let of_trainable = |bytes: f64, from: u8| trainable.map(|trainable| trainable * bytes / layout.split(from));
    vec![
        part("weights", weights.map(|weights| weights / layout.split(SHARES_WEIGHTS))),
        part("gradients", of_trainable(each.gradients, SHARES_GRADIENTS)),
        part("optimiser state", of_trainable(each.optimizer, SHARES_OPTIMIZER)),
        part(&activations, of_activations(case, training, layout)),
    ]
}

/// Bytes of the parts that are known.
fn needed(parts: &[MemoryPart]) -> f64 {
    parts.iter().filter_map(|part| part.bytes).map(|bytes| bytes.amount()).sum()
}

/// Activations on one device.
fn of_activations(case: &Case<'_>, training: &Training, layout: &Layout) -> Option<f64> {
    if case.model.is_language() {
        let values = case.assumptions.central();
        let sequences = training.plan.micro_batch.unwrap_or(1) as f64;
        let all = values.get(Key::ActivationBytes) * values.get(Key::SequenceTokens) * sequences;
        return Some(all / layout.tensor);
    }
    let kept = if training.recomputes_all() { case.model.peak_activation_bytes } else { case.model.activation_bytes }?;
    let sample = kept as f64 / case.model.batch.max(1) as f64 * case.activation_bytes_each() / case.stored_bytes_each();
    // The fullest replica has one sample more than the others where the batch cannot be shared out evenly.
    let samples = (training.batch as f64 / layout.replicas).ceil();
    Some(sample * training.plan.micro_batch.map_or(samples, |most| samples.min(most as f64)) / layout.tensor)
}

/// The least number of devices that hold the plan; `None` where no number does.
pub(crate) fn least_devices(case: &Case<'_>, training: &Training, available: Bytes) -> Option<f64> {
    let layout = Layout::of(case, training);
    let replicas = least_replicas(case, training, layout, available)?;
    Some(replicas * layout.tensor * layout.pipeline)
}

fn least_replicas(case: &Case<'_>, training: &Training, layout: Layout, available: Bytes) -> Option<f64> {
    let fits = |replicas: f64| needed(&parts(case, training, &Layout { replicas, ..layout })) <= available.0;
    if !fits(MOST_REPLICAS) {
        return None;
    }
    // Each further replica keeps no more than the others did.
    let (mut few, mut enough) = (0.0, MOST_REPLICAS);
    while enough - few > 1.0 {
        let middle = ((few + enough) / 2.0f64).floor();
        if fits(middle) { enough = middle } else { few = middle }
    }
    Some(enough)
}

/// What would make a plan fit that does not, in words: the first change that helps, from the cheapest.
pub(crate) fn remedy(case: &Case<'_>, training: &Training, available: Bytes) -> String {
    if let Some(least) = least_devices(case, training, available) {
        return format!(
            "at least {} of them hold it; a lower precision, a smaller batch or a device with more memory would help too",
            format::number(least)
        );
    }
    let server = factor("devices-per-server").map_or(1.0, |server| server.value.central.0) as u64;
    let mut changes: Vec<(&str, Training)> = Vec::new();
    let with = |change: fn(&mut Training)| {
        let mut changed = training.clone();
        change(&mut changed);
        changed
    };
    if case.model.is_language() {
        changes.push(("ZeRO of stage 3", with(|training| training.plan.zero = Some(SHARES_WEIGHTS))));
        changes.push(("full recomputation", with(|training| training.plan.activations = Some(Activations::Full))));
        let mut split = training.clone();
        split.plan = crate::scenario::Plan {
            zero: Some(SHARES_WEIGHTS),
            tensor_parallel: Some(server),
            activations: Some(Activations::Full),
            ..split.plan
        };
        changes.push(("tensor parallelism over a server, ZeRO of stage 3 and full recomputation", split));
    } else {
        changes.push(("recomputing activations", with(|training| training.recompute = true)));
        changes.push(("ZeRO of stage 3", with(|training| training.plan.zero = Some(SHARES_WEIGHTS))));
    }
    for (name, changed) in changes {
        if let Some(least) = least_devices(case, &changed, available) {
            return format!("more devices alone do not help; with {name}, {} of them hold it", format::number(least));
        }
    }
    "more devices do not help; a shorter sequence, a smaller batch, a lower precision or a device with more memory would".to_owned()
}

/// Plans that cannot be carried out at all.
pub(crate) fn impossible(case: &Case<'_>, training: &Training) -> Option<Obstacle> {
    let plan = &training.plan;
    let (tensor, pipeline) = (plan.tensor_parallel.unwrap_or(1), plan.pipeline_parallel.unwrap_or(1));
    let group = tensor.saturating_mul(pipeline);
    let devices = case.scenario.hardware.count;
    let refuse = |text: String, least: Option<u64>| Some(Obstacle::Plan { text, least_devices: least });
    if group > 1 && !devices.is_multiple_of(group) {
        let least = devices.div_ceil(group).saturating_mul(group);
        return refuse(
            format!(
                "{} devices cannot be parted into groups of {tensor} × {pipeline}; take {} of them, or other numbers for tensor and pipeline parallelism",
                format::whole(devices),
                format::whole(least)
            ),
            Some(least),
        );
    }
    if let Some(language) = case.model.language {
        let shape = Shape::of(&language).ok()?;
        let layers = shape.layers().round();
        if pipeline as f64 > layers.max(1.0) {
            return refuse(
                format!(
                    "a pipeline of {pipeline} stages needs as many layers, and the model has about {}; take fewer stages",
                    format::number(layers)
                ),
                None,
            );
        }
        if tensor as f64 > shape.width {
            return refuse(
                format!(
                    "layers of a width of about {} cannot be split over {tensor} devices; take fewer",
                    format::number(shape.width)
                ),
                None,
            );
        }
    }
    let replicas = devices / group.max(1);
    if let Some(micro) = plan.micro_batch
        && !case.model.is_language()
        && micro.saturating_mul(replicas) > training.batch
    {
        return refuse(
            format!(
                "a batch of {} is less than {micro} samples on each of {} replicas; take a larger batch, fewer devices or smaller parts",
                format::whole(training.batch),
                format::whole(replicas)
            ),
            None,
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::energy::estimate;
    use crate::report::{Estimate, Obstacle};
    use crate::scenario::{
        Activations, Hardware, Kind, Method, ModelRef, Optimizer, Plan, Scenario, Targets, Training, Workload,
    };

    fn run(parameters: f64, count: u64, method: Method, plan: Plan) -> Estimate {
        let scenario = Scenario {
            model: ModelRef::Counts { parameters, active_parameters: None },
            workload: Workload::Train(Training { tokens: Some(1e9), method, plan, ..Training::default() }),
            hardware: Hardware { device: "a100-sxm4-80gb".to_owned(), count, precision: None },
            ..Scenario::default()
        };
        estimate(&scenario, &scenario.model.summary().unwrap()).unwrap()
    }

    fn planned(plan: Plan) -> Estimate {
        run(7e9, 64, Method::default(), plan)
    }

    fn bytes(estimate: &Estimate, name: &str) -> f64 {
        estimate.memory.parts.iter().find(|part| part.name == name).unwrap().bytes.unwrap().0
    }

    #[test]
    fn stages_of_zero_share_what_they_name() {
        // The table of the ZeRO paper for 7.5 billion parameters on 64 devices: 120, 31.4, 16.6 and 1.9 GB.
        for (zero, gigabytes) in [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)] {
            let found = run(7.5e9, 64, Method::default(), Plan { zero: Some(zero), ..Plan::default() });
            let state: f64 = ["weights", "gradients", "optimiser state"].iter().map(|name| bytes(&found, name)).sum();
            assert!((state / 1e9 - gigabytes).abs() < 0.06, "stage {zero}: {state}");
        }
    }

    #[test]
    fn activations_are_those_of_the_paper() {
        // Korthikanti and others 2022, of their model of 22 billion parameters: 48 layers of 6,144, 64 heads, sequences of 2,048.
        let mut scenario = Scenario {
            model: ModelRef::Counts { parameters: 22e9, active_parameters: None },
            hardware: Hardware { device: "a100-sxm4-80gb".to_owned(), count: 8, precision: None },
            ..Scenario::default()
        };
        scenario.set.insert("sequence-tokens".to_owned(), 2048.0);
        let mut model = scenario.model.summary().unwrap();
        let language = model.language.as_mut().unwrap();
        language.weight_macs_per_token = Some(22e9);
        language.attention_macs_per_context_token = Some(2.0 * 6144.0 * 48.0);
        let mut of = |activations, tensor| {
            let plan = Plan {
                activations: Some(activations),
                tensor_parallel: Some(tensor),
                micro_batch: Some(4),
                ..Plan::default()
            };
            scenario.workload = Workload::Train(Training { tokens: Some(1e9), plan, ..Training::default() });
            bytes(&estimate(&scenario, &model).unwrap(), "activations")
        };
        let layers = 2048.0 * 4.0 * 6144.0 * 48.0;
        assert!((of(Activations::Selective, 8) / (34.0 * layers / 8.0) - 1.0).abs() < 1e-9);
        assert!((of(Activations::Selective, 1) / of(Activations::Selective, 8) - 8.0).abs() < 1e-9);
        // Heads of 128 instead of their 96: 5 × 48 × 2,048 ÷ 6,144 is 80 in place of 107.
        assert!((of(Activations::All, 8) / ((34.0 + 80.0) * layers / 8.0) - 1.0).abs() < 1e-9);
        let full = of(Activations::Full, 8);
        assert!(full > 2.0 * layers / 8.0 && full < 4.0 * layers / 8.0, "{full}");
    }

    #[test]
    fn optimisers_and_adapters_change_the_state() {
        let of = |optimizer| {
            bytes(&planned(Plan { optimizer: Some(optimizer), zero: Some(0), ..Plan::default() }), "optimiser state")
                / 7e9
        };
        assert_eq!(
            [of(Optimizer::Adamw), of(Optimizer::Adamw8bit), of(Optimizer::SgdMomentum), of(Optimizer::Sgd)],
            [12.0, 6.0, 8.0, 4.0]
        );
        let lora = |kind| {
            let method = Method { kind, rank: Some(16), targets: Some(Targets::AllLinear), ..Method::default() };
            run(7e9, 1, method, Plan { zero: Some(0), ..Plan::default() })
        };
        let (lora, qlora) = (lora(Kind::Lora), lora(Kind::Qlora));
        assert!(bytes(&lora, "gradients") < 0.02 * 14e9);
        assert!(bytes(&lora, "weights") > 14e9 && bytes(&qlora, "weights") < 4.5e9);
        // Forward, and gradients of inputs: two thirds of the operations and a little for the adapters.
        let full = run(7e9, 1, Method::default(), Plan::default());
        let share = lora.flops.0 / full.flops.0;
        assert!((0.6667..0.69).contains(&share), "{share}");
        assert_eq!(lora.flops, qlora.flops);
    }

    #[test]
    fn impossible_plans_are_refused_with_what_would_do() {
        let refused = |count, plan: Plan| {
            let found = run(7e9, count, Method::default(), plan);
            assert_eq!(found.feasible, Some(false));
            found.obstacles.first().map(|one| (one.text().to_owned(), one.least_devices())).unwrap()
        };
        let (text, least) =
            refused(12, Plan { tensor_parallel: Some(8), pipeline_parallel: Some(1), ..Plan::default() });
        assert!(text.contains("groups of 8 × 1") && least == Some(16), "{text}");
        let (text, _) = refused(128, Plan { pipeline_parallel: Some(64), ..Plan::default() });
        assert!(text.contains("about 3"), "{text}");
        // Without ZeRO each replica holds all: more devices do not help, and the remedy says what does.
        let found = run(30e9, 8, Method::default(), Plan { zero: Some(0), ..Plan::default() });
        let Some(Obstacle::Memory { text, least_devices: None, .. }) = found.obstacles.first() else {
            panic!("{:?}", found.obstacles)
        };
        assert!(text.contains("with ZeRO of stage 3"), "{text}");
    }

    #[test]
    fn teachers_and_answers_cost_beside_the_training() {
        let plain = run(1e9, 8, Method::default(), Plan::default());
        let method = Method { kind: Kind::Distillation, teacher_parameters: Some(7e9), ..Method::default() };
        let distilled = run(1e9, 8, method, Plan::default());
        // 6 × student + 2 × teacher.
        assert!((distilled.flops.0 / plain.flops.0 - (6.0 + 14.0) / 6.0).abs() < 1e-9);
        let method = Method { kind: Kind::Reinforcement, answer_tokens: Some(4000.0), ..Method::default() };
        let reinforced = run(1e9, 8, method, Plan::default());
        // A reference model's pass more, and far more time: each token of an answer is a step.
        assert!((reinforced.flops.0 / plain.flops.0 - 8.0 / 6.0).abs() < 1e-9);
        assert!(reinforced.hours.central.0 > 2.0 * plain.hours.central.0, "{:?}", reinforced.hours);
        assert!(reinforced.steps.iter().any(|step| step.title == "Writing of answers"));
        let scenario = Scenario {
            model: ModelRef::Counts { parameters: 1e9, active_parameters: None },
            workload: Workload::Train(Training {
                method: Method { kind: Kind::Distillation, ..Method::default() },
                ..Training::default()
            }),
            ..Scenario::default()
        };
        let fault = estimate(&scenario, &scenario.model.summary().unwrap()).unwrap_err();
        assert!(fault.to_string().contains("--teacher-params"), "{fault}");
    }

    #[test]
    fn a_sample_of_a_language_model_is_a_sequence_it_can_read() {
        let of = |max_context, set: Option<f64>| {
            let mut scenario = Scenario {
                model: ModelRef::Counts { parameters: 1e9, active_parameters: None },
                workload: Workload::Train(Training { samples: 1000.0, epochs: 2.0, ..Training::default() }),
                ..Scenario::default()
            };
            scenario.set.extend(set.map(|tokens| ("sequence-tokens".to_owned(), tokens)));
            let mut model = scenario.model.summary().unwrap();
            model.language.as_mut().unwrap().max_context = max_context;
            let found = estimate(&scenario, &model).unwrap();
            (found.flops.0 / 6e9, found)
        };
        assert_eq!(of(None, None).0, 2000.0 * 4096.0);
        let (tokens, found) = of(Some(448.0), None);
        assert_eq!(tokens, 2000.0 * 448.0);
        assert!(found.assumptions.iter().any(|one| one.key == "sequence-tokens" && one.value == 448.0));
        let (tokens, found) = of(Some(448.0), Some(1000.0));
        assert_eq!(tokens, 2_000_000.0);
        assert!(found.warnings.iter().any(|note| note.text.contains("longer than the 448")), "{:?}", found.warnings);
    }

    #[test]
    fn reserved_and_failed_shares_add_time_and_waiting() {
        let with = |key: &str| {
            let mut scenario = Scenario {
                model: ModelRef::Counts { parameters: 1e9, active_parameters: None },
                workload: Workload::Train(Training { tokens: Some(1e12), ..Training::default() }),
                ..Scenario::default()
            };
            if !key.is_empty() {
                scenario.set.insert(key.to_owned(), 0.2);
            }
            estimate(&scenario, &scenario.model.summary().unwrap()).unwrap()
        };
        let (plain, failed, reserved) = (with(""), with("failed-share"), with("reserved-idle"));
        assert!((failed.hours.central.0 / plain.hours.central.0 - 1.25).abs() < 1e-9);
        assert_eq!(reserved.hours, plain.hours);
        assert_eq!(plain.energy_parts_kwh.idle.central.0, 0.0);
        assert!(reserved.energy_parts_kwh.idle.central.0 > 0.0);
        assert!((reserved.device_hours.central.0 / plain.device_hours.central.0 - 1.25).abs() < 1e-9);
    }
}
