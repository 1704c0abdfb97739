//! What each node costs: MACs, other operations, parameters, bytes; and what the whole costs.
//!
//! Counting words: one MAC is one multiply-accumulate of a convolution, matrix product or attention product.
//! Everything else with a cost model is "other operations" (`rules` says which). What has neither is listed as not counted.
//! Bias additions and norms are never folded into MACs.
//! Work is counted as the graph states it, each node for itself: what a runtime might fuse, fold or skip is counted.
//! Memory and traffic take what follows from weights alone for a weight, because runtimes compute it once.
//! Nothing here knows a device, a time or an energy.

mod conventions;
mod count;
mod described;
mod fusion;
mod matching;
mod memory;
mod modules;
mod rules;
#[cfg(test)]
mod tests;
mod traffic;
mod weights;

pub use described::inspect_description;

use crate::model::{Model, Node, ValueId, ValueType};
use crate::notes::Notes;
use crate::report::{Inspection, Layer, NotCounted, Port};
use crate::shapes::{Block, Step, Trace};
use conventions::{Quantities, Surroundings};
use count::{Seen, Work, sum};
use memory::NoFigure;
use std::collections::{BTreeMap, HashMap};
use weights::Weights;

/// Counts a model whose shapes were inferred.
///
/// Counts that cannot be known are `None`, and a warning names the node.
pub fn inspect(model: &Model, trace: &Trace<'_>) -> Inspection {
    let mut notes = Notes::new();
    notes.extend(&model.notes);
    notes.extend(&trace.notes);
    let weights = weights::count(model, &mut notes);
    let mut walk = Walk::new(model, weights, notes);
    walk.list(&trace.steps, 1, "");
    walk.note_uncounted_work(trace);
    let (mut layers, not_counted) = walk.finish();
    let Walk { weights, mut notes, quantities, fusion, .. } = walk;

    let mut described = None;
    if model.weights_only {
        layers = modules::of(model, &weights);
        described = described::of(model, &weights, trace, &mut notes);
        match &mut described {
            Some(described) => layers = described.layers(layers),
            None => {
                notes.warn("", "the file holds weights without a graph, so it does not say what is computed with them")
            }
        }
    }
    let counted = |layer: &&Found| layer.is_counted;
    let macs = match &described {
        Some(described) => described.macs(),
        None if model.weights_only => None,
        None => sum(layers.iter().filter(counted).map(|found| found.layer.macs)),
    };
    let has_weights = !model.weights_only || !model.graph.weights.is_empty();
    let parameters = match &described {
        // How many an unknown network has is not known without its tensors.
        Some(described) if !has_weights => {
            Some(described.description.parameters()).filter(|_| !described.description.is_approximate)
        }
        _ => weights.parameters,
    };
    // Of weights that are not there, the config says how they are stored.
    let stored = described.as_ref().filter(|_| !has_weights).map(|described| {
        let of_network = described.description.buffers();
        match described.stored() {
            Some((dtypes, bytes, scales)) if parameters.is_some() => (dtypes, bytes, scales.saturating_add(of_network)),
            _ => (BTreeMap::new(), None, of_network),
        }
    });
    let (dtypes, weight_bytes, buffers) = stored.unwrap_or((weights.dtypes, weights.bytes, weights.buffers));
    let takes_tokens = described.as_ref().is_none_or(|described| described.takes_tokens);
    // A context is open only where a model goes on token by token.
    let decodes = described.as_ref().is_none_or(|described| described.description.generates());
    let is_open = |name: &str| takes_tokens && (decodes || name != "context");
    let symbols: Vec<_> = trace.symbols.iter().filter(|symbol| is_open(&symbol.name)).cloned().collect();
    let other_operations = match model.weights_only {
        true => None,
        false => sum(layers.iter().filter(counted).map(|found| found.layer.other_operations)),
    };
    let traffic_bytes = sum(layers.iter().map(|found| found.layer.traffic_bytes));
    let too_large = "does not fit 64 bits and is left out";
    let all_known =
        |part: fn(&Layer) -> Option<u64>| layers.iter().filter(counted).all(|found| part(&found.layer).is_some());
    if macs.is_none() && all_known(|layer| layer.macs) {
        notes.warn("", format!("the number of MACs {too_large}"));
    }
    if weights.parameters.is_none() {
        notes.warn("", format!("the number of parameters {too_large}"));
    }
    let owned = sum(layers.iter().map(|found| Some(found.layer.parameters)));
    if let Some(idle @ 1..) =
        weights.parameters.filter(|_| described.is_none()).zip(owned).map(|(all, owned)| all.saturating_sub(owned))
    {
        notes.info("", format!("{idle} parameters are in the file but no node that runs uses them"));
    }
    if weights.bytes.is_none() {
        notes.warn("", format!("the size of the weights {too_large}"));
    }
    let peak_activation_bytes = match memory::peak(model, trace, &weights.is_constant) {
        _ if model.weights_only => None,
        Ok(bytes) => Some(bytes),
        Err(NoFigure::UnknownSize(id)) => {
            notes.warn(model.name(id), "its size is not known, so peak activation memory is not known either");
            None
        }
        Err(NoFigure::TooLarge) => {
            notes.warn("", format!("peak activation memory {too_large}"));
            None
        }
    };
    let flops = macs.and_then(|macs| macs.checked_mul(2));
    let arithmetic_intensity = match (flops, traffic_bytes) {
        (Some(flops), Some(traffic)) if traffic > 0 => Some(flops as f64 / traffic as f64),
        _ => None,
    };
    let ports = |ids: &[ValueId]| ids.iter().map(|id| port(model.name(*id), trace.value_type(*id))).collect();
    let mut warnings: Vec<_> = notes.iter().cloned().collect();
    if notes.left_out() > 0 {
        let mut rest = Notes::new();
        rest.info("", format!("{} more notes of these kinds are not shown", notes.left_out()));
        warnings.extend(rest.iter().cloned());
    }
    let opset_name = |domain: &String| if domain.is_empty() { "ai.onnx".to_owned() } else { domain.clone() };
    Inspection {
        format: model.format.clone(),
        producer: model.producer.clone(),
        format_version: model.format_version,
        opsets: model.opsets.iter().map(|(domain, version)| (opset_name(domain), *version)).collect(),
        approximate: described.as_ref().is_some_and(|described| described.description.is_approximate),
        parameters,
        buffers,
        macs,
        flops,
        other_operations,
        weight_bytes,
        peak_activation_bytes,
        traffic_bytes,
        arithmetic_intensity,
        dtypes,
        optimizer_state: weights.optimizer,
        optimizer_state_bytes: weights.optimizer_bytes,
        weights_only: model.weights_only,
        transformer: described.map(|described| described.transformer),
        properties: model.properties.clone(),
        file_bytes: model.file_bytes,
        bytes_read: model.bytes_read,
        dynamic_dims: symbols.iter().map(|symbol| (symbol.name.clone(), symbol.value)).collect(),
        symbols,
        inputs: ports(&model.graph.inputs),
        outputs: ports(&model.graph.outputs),
        layers: layers.into_iter().map(|found| found.layer).collect(),
        not_counted,
        fusion: if model.weights_only { None } else { fusion.finish(model) },
        conventions: conventions::recount(&quantities, model, macs),
        conventions_missing: conventions::why_not(model).map(str::to_owned),
        warnings,
    }
}

fn port(name: &str, of: Option<&ValueType>) -> Port {
    let (dtype, shape, symbolic) = described(of);
    Port { name: name.to_owned(), dtype, shape, symbolic }
}

type Described = (String, Option<Vec<Option<u64>>>, String);

/// Element type, sizes and the shape with its symbols, for people.
fn described(of: Option<&ValueType>) -> Described {
    let Some(tensor) = of.and_then(ValueType::as_tensor) else {
        let kind = match of {
            Some(ValueType::Sequence(_)) => "sequence",
            Some(ValueType::Optional(_)) => "optional",
            Some(ValueType::Map) => "map",
            Some(ValueType::Tensor(_)) | None => "",
        };
        return (String::new(), None, kind.to_owned());
    };
    let dtype = tensor.dtype.map(|dtype| dtype.name().to_owned()).unwrap_or_default();
    let sizes = tensor.shape.as_ref().map(|shape| shape.iter().map(|dim| dim.size()).collect());
    let symbolic = tensor.shape.as_deref().map(crate::shapes::show).unwrap_or_default();
    (dtype, sizes, symbolic)
}

/// A dimension of this size makes products of a few dimensions larger than 64 bits hold.
const HUGE: u64 = 1 << 31;

/// A layer, and whether its operator has a counting rule.
struct Found {
    layer: Layer,
    is_counted: bool,
}

/// The walk over the steps that run.
struct Walk<'a> {
    model: &'a Model,
    weights: Weights,
    notes: Notes,
    found: Vec<Found>,
    around: Surroundings<'a>,
    quantities: Quantities,
    /// What a runtime could join into one kernel.
    fusion: fusion::Recorder,
    /// The number of the list of steps that is being walked: each turn of a body is one.
    turn: usize,
    /// The place in `found` of each node: the turns of a loop are one layer.
    places: HashMap<*const Node, usize>,
    /// Operators without a rule, with how many nodes have them.
    not_counted: BTreeMap<String, u64>,
    /// Why nodes with a rule are not counted: how many, the first one's name, and what of it.
    uncounted: BTreeMap<Uncounted, (u64, String, &'static str)>,
}

/// Why the work of a node with a counting rule is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Uncounted {
    /// The count is larger than 64 bits hold.
    Overflow,
    /// The rule needs an attribute that is not there.
    Attribute,
    /// A shape is not known.
    Shapes,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, weights: Weights, notes: Notes) -> Self {
        Self {
            model,
            weights,
            notes,
            found: Vec::new(),
            around: Surroundings::of(model),
            quantities: Quantities::default(),
            fusion: fusion::Recorder::default(),
            turn: 0,
            places: HashMap::new(),
            not_counted: BTreeMap::new(),
            uncounted: BTreeMap::new(),
        }
    }

    fn finish(&mut self) -> (Vec<Found>, Vec<NotCounted>) {
        let layers = std::mem::take(&mut self.found);
        let all = layers.len().max(1) as f64;
        let mut not_counted: Vec<NotCounted> = std::mem::take(&mut self.not_counted)
            .into_iter()
            .map(|(op, nodes)| NotCounted { op, nodes, share: nodes as f64 / all })
            .collect();
        not_counted.sort_by(|a, b| b.nodes.cmp(&a.nodes).then_with(|| a.op.cmp(&b.op)));
        (layers, not_counted)
    }

    /// Counts steps that run so many times; `times` is `None` when that does not fit 64 bits.
    fn list(&mut self, steps: &[Step<'_>], times: impl Into<Option<u64>>, group: &str) {
        let times = times.into();
        for step in steps {
            self.step(step, times, group);
            if step.blocks.is_empty() {
                continue;
            }
            let own_group = group_of(step.node);
            let inner_group = join(if group.is_empty() { &own_group } else { group }, &step.node.name);
            for block in counted_blocks(self.model, &step.blocks) {
                let inner_times = times.and_then(|times| times.checked_mul(block.times));
                let outer = std::mem::replace(&mut self.turn, self.fusion.new_list());
                self.list(&block.steps, inner_times, &inner_group);
                self.turn = outer;
            }
        }
    }

    fn step(&mut self, step: &Step<'_>, times: Option<u64>, group: &str) {
        let node = step.node;
        let place = std::ptr::from_ref(node);
        let traffic = traffic::of(step, &mut self.weights, !self.places.contains_key(&place));
        let seen = Seen::new(self.model, step);
        conventions::add(&mut self.quantities, &self.around, &self.weights, &seen, times);
        let rule = rules::find(&node.domain, &node.op);
        let work = rule.map(|rule| rule(&seen));
        let total = match (work, times) {
            (Some(work), Some(times)) => work.times(times),
            _ => Work::UNKNOWN,
        };
        if work.is_some() && (total.macs.is_none() || total.other.is_none()) {
            let what = if total.macs.is_none() { "MACs" } else { "other operations" };
            let why = match (seen.is_known(), seen.may_overflow() || times.is_none()) {
                (true, true) => Uncounted::Overflow,
                (true, false) => Uncounted::Attribute,
                (false, _) => Uncounted::Shapes,
            };
            let (nodes, ..) = self.uncounted.entry(why).or_insert((0, node.name.to_string(), what));
            *nodes += 1;
        }
        let traffic_bytes = times.and_then(|times| traffic.moved?.checked_mul(times));
        self.fusion.add(&seen, work, &traffic, times, self.turn);
        if let Some(found) = self.places.get(&place).and_then(|place| self.found.get_mut(*place)) {
            let layer = &mut found.layer;
            layer.times = layer.times.saturating_add(times.unwrap_or(u64::MAX));
            layer.macs = sum([layer.macs, total.macs]);
            layer.other_operations = sum([layer.other_operations, total.other]);
            layer.traffic_bytes = sum([layer.traffic_bytes, traffic_bytes]);
            layer.activation_bytes = layer.activation_bytes.zip(traffic.made).map(|(a, b)| a.max(b));
            layer.parameters = layer.parameters.saturating_add(traffic.parameters);
            layer.matrix_parameters = layer.matrix_parameters.saturating_add(traffic.matrix_parameters);
            return;
        }
        self.note_uncounted(node, work.is_some());
        let (dtype, output_shape, output_symbolic) = described(step.outputs.first().and_then(|of| of.as_deref()));
        let own_group = group_of(node);
        let layer = Layer {
            name: node.name.to_string(),
            op: node.op_name(),
            group: if group.is_empty() { own_group } else { group.to_owned() },
            times: times.unwrap_or(u64::MAX),
            output_shape,
            output_symbolic,
            dtype,
            parameters: traffic.parameters,
            matrix_parameters: traffic.matrix_parameters,
            macs: total.macs,
            other_operations: total.other,
            weight_bytes: Some(traffic.weights),
            activation_bytes: traffic.made,
            traffic_bytes,
        };
        self.places.insert(place, self.found.len());
        self.found.push(Found { layer, is_counted: work.is_some() });
    }

    /// Notes the nodes whose work is not known, one sentence for each reason: what one node does not tell, those behind it do not either.
    fn note_uncounted_work(&mut self, trace: &Trace<'_>) {
        let largest = trace.symbols.iter().max_by_key(|symbol| symbol.value).filter(|symbol| symbol.value >= HUGE);
        for (why, (nodes, first, what)) in &self.uncounted {
            let others = match nodes {
                1 => String::new(),
                2 => ", nor is the work of one node more".to_owned(),
                nodes => format!(", nor is the work of {} nodes more", nodes - 1),
            };
            let why = match (why, largest) {
                (Uncounted::Overflow, _) => "the count does not fit 64 bits".to_owned(),
                (Uncounted::Attribute, _) => "an attribute that it depends on is missing".to_owned(),
                (Uncounted::Shapes, Some(symbol)) => {
                    format!("with {} = {} sizes do not fit 64 bits", symbol.name, symbol.value)
                }
                (Uncounted::Shapes, None) => "the shapes that they depend on are not known".to_owned(),
            };
            self.notes.warn(first, format!("its {what} are not counted{others}: {why}"));
        }
    }

    /// Notes, for a node met for the first time, what of it is not counted.
    fn note_uncounted(&mut self, node: &Node, is_counted: bool) {
        if !is_counted {
            let nodes = self.not_counted.entry(node.op_name()).or_default();
            if *nodes == 0 {
                self.notes.warn(&node.name, format!("{} has no counting rule and is not counted", node.op_name()));
            }
            *nodes += 1;
        }
        if !crate::shapes::runs_bodies(node) && node.graphs().next().is_some() {
            self.notes.warn(&node.name, format!("what the bodies of {} cost is not counted", node.op_name()));
        }
    }
}

/// The bodies that count: of alternatives the costliest one.
fn counted_blocks<'b, 'm>(model: &Model, blocks: &'b [Block<'m>]) -> Vec<&'b Block<'m>> {
    let certain = blocks.iter().filter(|block| !block.alternative);
    let costliest = blocks.iter().filter(|block| block.alternative).max_by_key(|block| operations(model, &block.steps));
    certain.chain(costliest).collect()
}

/// Operations of some steps, for comparing branches: what is not known does not count.
fn operations(model: &Model, steps: &[Step<'_>]) -> u128 {
    let of_step = |step: &Step<'_>| {
        let work = rules::find(&step.node.domain, &step.node.op).map(|rule| rule(&Seen::new(model, step)));
        let own = work.map_or(0, |work| 2 * u128::from(work.macs.unwrap_or(0)) + u128::from(work.other.unwrap_or(0)));
        let of_block = |block: &Block<'_>| operations(model, &block.steps).saturating_mul(u128::from(block.times));
        let certain: u128 =
            step.blocks.iter().filter(|block| !block.alternative).map(of_block).fold(0, u128::saturating_add);
        let either = step.blocks.iter().filter(|block| block.alternative).map(of_block).max().unwrap_or(0);
        own.saturating_add(certain).saturating_add(either)
    };
    steps.iter().map(of_step).fold(0, u128::saturating_add)
}

/// The module that a node belongs to, as far as the file or its name tells:
/// exporters write `/layer1/layer1.0/conv1/Conv` or `model/dense/MatMul`.
fn group_of(node: &Node) -> String {
    if !node.path.is_empty() {
        return node.path.to_string();
    }
    node.name.rsplit_once('/').map_or("", |(scope, _)| scope.trim_start_matches('/')).to_owned()
}

/// The group of what runs inside a node.
fn join(outer: &str, name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if outer.is_empty() { last.to_owned() } else { format!("{outer}/{last}") }
}
