//! Which operators a compiler or runtime joins into one kernel, and what that spares in memory traffic.
//!
//! The rules are those that XLA, TVM, TensorRT, ONNX Runtime and `torch.compile` have in common, in their careful form:
//! - What works element by element (arithmetic, activations, casts, transpositions, slices, norms with known statistics)
//!   is computed in the kernel that makes its last input, where the result has that kernel's size.
//! - Softmaxes, other norms and reductions begin a kernel, or join element-wise operators in front of them; what is
//!   element-wise behind them joins.
//! - Two products of activations with a softmax between them are one kernel of attention, whose scores are never written.
//! - Products, convolutions and everything else begin a kernel of their own.
//!
//! What stays inside a kernel is neither written nor read; what several steps of one kernel read is read once.
//! Work is not changed: MACs and other operations are those of the graph.
//! A kernel only takes in what is made before its own result, so kernels never wait for each other in a circle.

use super::count::{Seen, Work};
use super::traffic::{Motion, Traffic};
use crate::model::{Graph, Model, ValueId};
use crate::report::{Execution, Fusion, KernelTerms};
use crate::scenario::{LayerTerms, gather};
use std::collections::{HashMap, HashSet};

/// Operators that treat each element alone, or only move elements to other places, in small letters without underscores.
/// ONNX's own are known by the rules of `elementwise`; these are the words of other dialects and of moving.
const POINTWISE: &[&str] = &[
    "addv2",
    "addn",
    "batchnorm",
    "batchnormalization",
    "biasadd",
    "biasgelu",
    "broadcastto",
    "cast",
    "castlike",
    "clamp",
    "convert",
    "dequantize",
    "dequantizelinear",
    "expand",
    "fastgelu",
    "floordiv",
    "fusedbatchnorm",
    "fusedbatchnormv3",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leakyrelu",
    "logistic",
    "max",
    "maximum",
    "mean of two",
    "min",
    "minimum",
    "multiply",
    "negative",
    "permute",
    "power",
    "quantize",
    "quantizelinear",
    "quickgelu",
    "realdiv",
    "relu6",
    "rsqrt",
    "select",
    "selectv2",
    "silu",
    "slice",
    "split",
    "splittosequence",
    "splitv",
    "square",
    "squareddifference",
    "stridedslice",
    "subtract",
    "sum",
    "swish",
    "transpose",
    "tocopy",
];

/// Operators that mix the elements of a row without a product.
const ROWWISE: &[&str] = &[
    "groupnorm",
    "groupnormalization",
    "instancenormalization",
    "l2norm",
    "l2normalization",
    "layernorm",
    "layernormalization",
    "logsoftmax",
    "lpnormalization",
    "meanvariancenormalization",
    "mvn",
    "nativelayernorm",
    "reducel1",
    "reducel2",
    "reducelogsumexp",
    "reducemax",
    "reducemean",
    "reducemin",
    "reduceprod",
    "reducesum",
    "reducesumsquare",
    "rmsnorm",
    "rmsnormalization",
    "simplifiedlayernormalization",
    "skiplayernormalization",
    "skipsimplifiedlayernormalization",
    "softmax",
];

/// What a step is to whoever joins steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Product,
    Pointwise,
    Rowwise,
    Softmax,
    Other,
}

/// One step that moves something.
#[derive(Debug)]
struct Op {
    list: usize,
    class: Class,
    /// Where each thing that it reads was made, and its bytes.
    reads: Vec<(Origin, u64)>,
    out_elements: u64,
    in_elements: u64,
    macs: u64,
    other: u64,
    weight_bytes: u64,
    moved: u64,
    times: u64,
}

/// Where a value comes from: the place of its [`Made`], or its name where no step makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    Made(usize),
    Outside(ValueId),
}

/// A value that a step made.
#[derive(Debug)]
struct Made {
    by: usize,
    bytes: u64,
    /// The steps that read it.
    readers: Vec<usize>,
    /// Whether something outside of kernels needs it: the caller, a body, the next turn of a loop.
    escapes: bool,
}

/// Steps as they are walked.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    ops: Vec<Op>,
    made: Vec<Made>,
    /// Where the value that carries this name now comes from.
    origin: HashMap<ValueId, Origin>,
    lists: usize,
    is_unknown: bool,
}

impl Recorder {
    /// The number of a new list of steps: a body's turn.
    pub(super) fn new_list(&mut self) -> usize {
        self.lists += 1;
        self.lists
    }

    fn origin(&self, id: ValueId) -> Origin {
        self.origin.get(&id).copied().unwrap_or(Origin::Outside(id))
    }

    /// Notes a step of the list `list`.
    pub(super) fn add(
        &mut self,
        seen: &Seen<'_>,
        work: Option<Work>,
        traffic: &Traffic,
        times: Option<u64>,
        list: usize,
    ) {
        let node = seen.node;
        match traffic.kind {
            Motion::Folds => return,
            Motion::View => {
                let ends = (node.outputs.first().copied().flatten(), node.inputs.first().copied().flatten());
                if let (Some(output), Some(input)) = ends {
                    let origin = self.origin(input);
                    self.origin.insert(output, origin);
                }
                return;
            }
            Motion::Calls => {
                for id in node.inputs.iter().flatten() {
                    self.escape(*id);
                }
                for id in node.outputs.iter().flatten() {
                    self.origin.remove(id);
                }
                return;
            }
            Motion::Moves => {}
        }
        let (Some(moved), Some(times)) = (traffic.moved, times) else {
            self.is_unknown = true;
            return;
        };
        let work = work.unwrap_or(Work::NONE);
        let (Some(macs), Some(other)) = (work.macs, work.other) else {
            self.is_unknown = true;
            return;
        };
        let place = self.ops.len();
        let reads: Vec<(Origin, u64)> = traffic.reads.iter().map(|(id, bytes)| (self.origin(*id), *bytes)).collect();
        for (origin, _) in &reads {
            if let Origin::Made(made) = origin
                && let Some(made) = self.made.get_mut(*made)
            {
                made.readers.push(place);
                // What another list reads cannot stay in a kernel.
                made.escapes |= self.ops.get(made.by).is_none_or(|op| op.list != list);
            }
        }
        let held = (0..node.inputs.len()).filter_map(|index| seen.elements(index));
        self.ops.push(Op {
            list,
            class: class(seen, macs),
            reads,
            out_elements: seen.out_elements().unwrap_or(0),
            in_elements: held.max().unwrap_or(0),
            macs,
            other,
            weight_bytes: traffic.weights,
            moved,
            times,
        });
        for (id, bytes) in &traffic.writes {
            self.origin.insert(*id, Origin::Made(self.made.len()));
            self.made.push(Made { by: place, bytes: *bytes, readers: Vec::new(), escapes: false });
        }
    }

    fn escape(&mut self, id: ValueId) {
        if let Origin::Made(made) = self.origin(id)
            && let Some(made) = self.made.get_mut(made)
        {
            made.escapes = true;
        }
    }

    /// What joining gives; `None` where a size or a count is not known, or nothing runs.
    pub(super) fn finish(mut self, model: &Model) -> Option<Fusion> {
        if self.is_unknown || self.ops.is_empty() {
            return None;
        }
        let mut outputs = HashSet::new();
        results(&model.graph, &mut outputs, 0);
        outputs.into_iter().for_each(|id| self.escape(id));
        Some(Joiner::new(&self).run())
    }
}

/// The results of a graph and of all bodies in it.
fn results(graph: &Graph, found: &mut HashSet<ValueId>, depth: usize) {
    // Shape inference goes no deeper either.
    if depth > 64 {
        return;
    }
    found.extend(graph.outputs.iter().copied());
    for node in &graph.nodes {
        node.graphs().for_each(|(_, body)| results(body, found, depth + 1));
    }
}

fn class(seen: &Seen<'_>, macs: u64) -> Class {
    if macs > 0 {
        return Class::Product;
    }
    let plain: String =
        seen.node.op.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect();
    if plain.ends_with("softmax") {
        return Class::Softmax;
    }
    if ROWWISE.contains(&plain.as_str()) {
        return Class::Rowwise;
    }
    match super::rules::is_elementwise(&plain) || POINTWISE.contains(&plain.as_str()) {
        true => Class::Pointwise,
        false => Class::Other,
    }
}

/// A kernel while it grows.
#[derive(Debug)]
struct Kernel {
    /// The kernel that took it in.
    into: Option<usize>,
    list: usize,
    class: Class,
    /// Whether it is a product of activations with each other, as in attention.
    of_activations: bool,
    has_softmax: bool,
    /// Elements of what it works on; nothing larger joins.
    elements: u64,
    times: u64,
}

struct Joiner<'r> {
    recorded: &'r Recorder,
    kernels: Vec<Kernel>,
    /// The kernel that each step began or joined.
    own: Vec<usize>,
    joined: u64,
    normalisations: u64,
    attentions: u64,
}

impl<'r> Joiner<'r> {
    fn new(recorded: &'r Recorder) -> Self {
        let own = Vec::with_capacity(recorded.ops.len());
        Self { recorded, kernels: Vec::new(), own, joined: 0, normalisations: 0, attentions: 0 }
    }

    /// The kernel that a step is in now.
    fn kernel(&self, op: usize) -> Option<usize> {
        let mut at = *self.own.get(op)?;
        while let Some(into) = self.kernels.get(at)?.into {
            at = into;
        }
        Some(at)
    }

    fn made_by(&self, origin: Origin) -> Option<(&Made, usize)> {
        let Origin::Made(place) = origin else { return None };
        let made = self.recorded.made.get(place)?;
        Some((made, self.kernel(made.by)?))
    }

    fn run(mut self) -> Fusion {
        for op in &self.recorded.ops {
            let kernel = match op.class {
                Class::Pointwise | Class::Rowwise | Class::Softmax => self.host(op),
                Class::Product if op.weight_bytes == 0 => self.attention(op),
                Class::Product | Class::Other => None,
            };
            let kernel = kernel.unwrap_or_else(|| {
                // A convolution's or product's result is what the steps behind it work on; a reduction's is what it reads.
                let elements = match op.class {
                    Class::Product | Class::Other => op.out_elements,
                    _ => op.out_elements.max(op.in_elements),
                };
                self.kernels.push(Kernel {
                    into: None,
                    list: op.list,
                    class: op.class,
                    of_activations: op.class == Class::Product && op.weight_bytes == 0,
                    has_softmax: op.class == Class::Softmax,
                    elements,
                    times: op.times,
                });
                self.kernels.len() - 1
            });
            self.own.push(kernel);
        }
        self.sum()
    }

    /// The kernel that a step joins: that of its last input, where it fits in.
    fn host(&mut self, op: &Op) -> Option<usize> {
        let (made, host) = op
            .reads
            .iter()
            .filter_map(|(origin, _)| self.made_by(*origin))
            .max_by_key(|(made, kernel)| (*kernel, made.bytes))?;
        let kernel = self.kernels.get(host)?;
        if kernel.list != op.list || kernel.times != op.times {
            return None;
        }
        let fits = match (kernel.class, op.class) {
            (Class::Other, _) | (_, Class::Product | Class::Other) => false,
            // The result of a product leaves the kernel only once: all its readers must be element-wise too.
            (Class::Product, Class::Pointwise) => {
                let simple =
                    |reader: &usize| self.recorded.ops.get(*reader).is_some_and(|op| op.class == Class::Pointwise);
                op.out_elements == kernel.elements && (made.readers.len() == 1 || made.readers.iter().all(simple))
            }
            // A product's rows lie in several blocks: a reduction over them begins anew.
            (Class::Product, _) => false,
            (_, Class::Pointwise) => op.out_elements <= kernel.elements,
            (_, Class::Rowwise | Class::Softmax) => op.in_elements == kernel.elements,
        };
        if !fits {
            return None;
        }
        let is_rowwise = op.class != Class::Pointwise;
        let kernel = self.kernels.get_mut(host)?;
        kernel.has_softmax |= op.class == Class::Softmax;
        if is_rowwise {
            kernel.class = Class::Rowwise;
            self.normalisations += op.times;
        } else {
            self.joined += op.times;
        }
        Some(host)
    }

    /// The kernel of attention that this product of activations ends: the scores behind a softmax, and the product that made them.
    fn attention(&mut self, op: &Op) -> Option<usize> {
        let is_only_for = |made: &Made, kernel: usize, this: &Self| {
            !made.escapes && made.readers.iter().all(|reader| this.kernel(*reader) == Some(kernel))
        };
        let place = self.own.len();
        let (softmax, first) = op.reads.iter().find_map(|(origin, _)| {
            let (made, softmax) = self.made_by(*origin)?;
            let kernel = self.kernels.get(softmax)?;
            if !kernel.has_softmax || kernel.list != op.list || made.escapes || made.readers != [place] {
                return None;
            }
            // The one product of activations that this softmax reads, and whose result nothing else needs.
            let members = self.own.iter().enumerate().filter(|(step, _)| self.kernel(*step) == Some(softmax));
            let mut products = members.filter_map(|(step, _)| self.recorded.ops.get(step)).flat_map(|step| &step.reads);
            let first = products.find_map(|(origin, _)| {
                let (made, first) = self.made_by(*origin)?;
                let kernel = self.kernels.get(first)?;
                (first != softmax && kernel.of_activations && is_only_for(made, softmax, self)).then_some(first)
            })?;
            Some((softmax, first))
        })?;
        let joined = self.kernels.len();
        self.kernels.push(Kernel {
            into: None,
            list: op.list,
            class: Class::Product,
            // It is whole: nothing that follows makes it attention once more.
            of_activations: false,
            has_softmax: false,
            elements: op.out_elements,
            times: op.times,
        });
        for part in [softmax, first] {
            self.kernels.get_mut(part)?.into = Some(joined);
        }
        self.attentions += op.times;
        Some(joined)
    }

    fn sum(self) -> Fusion {
        let ops = &self.recorded.ops;
        let mut terms: Vec<LayerTerms> = vec![LayerTerms::default(); self.kernels.len()];
        let mut eager = Execution::default();
        let mut met: HashSet<(Origin, usize)> = HashSet::new();
        // What stays in a kernel is not written.
        let mut unwritten: HashMap<usize, u64> = HashMap::new();
        for made in &self.recorded.made {
            let kernel = self.kernel(made.by);
            if !made.escapes && !made.readers.is_empty() && made.readers.iter().all(|op| self.kernel(*op) == kernel) {
                *unwritten.entry(made.by).or_default() += made.bytes;
            }
        }
        for (place, op) in ops.iter().enumerate() {
            let Some(kernel) = self.kernel(place) else { continue };
            let moved = op.moved.saturating_mul(op.times);
            eager.kernels = eager.kernels.saturating_add(op.times);
            eager.traffic_bytes = eager.traffic_bytes.saturating_add(moved);
            let mut spared = unwritten.get(&place).copied().unwrap_or(0);
            for (origin, bytes) in &op.reads {
                let is_inner = self.made_by(*origin).is_some_and(|(_, maker)| maker == kernel);
                if is_inner || !met.insert((*origin, kernel)) {
                    spared = spared.saturating_add(*bytes);
                }
            }
            let left = moved.saturating_sub(spared.saturating_mul(op.times));
            let Some(term) = terms.get_mut(kernel) else { continue };
            let weights = op.weight_bytes.saturating_mul(op.times).min(left);
            term.layers = term.layers.max(op.times);
            term.macs = term.macs.saturating_add(op.macs.saturating_mul(op.times));
            term.other_operations = term.other_operations.saturating_add(op.other.saturating_mul(op.times));
            term.weight_bytes = term.weight_bytes.saturating_add(weights);
            term.activation_bytes = term.activation_bytes.saturating_add(left - weights);
        }
        let terms: Vec<LayerTerms> = terms
            .into_iter()
            .zip(&self.kernels)
            .filter(|(_, kernel)| kernel.into.is_none())
            .map(|(term, _)| term)
            .collect();
        let total = |part: fn(&LayerTerms) -> u64| terms.iter().map(part).fold(0u64, u64::saturating_add);
        Fusion {
            eager,
            fused: Execution {
                kernels: total(|term| term.layers),
                traffic_bytes: total(|term| term.weight_bytes.saturating_add(term.activation_bytes)),
            },
            joined: self.joined,
            normalisations: self.normalisations,
            attentions: self.attentions,
            kernels: gather(&terms)
                .into_iter()
                .map(|term| KernelTerms {
                    kernels: term.layers,
                    macs: term.macs,
                    other_operations: term.other_operations,
                    weight_bytes: term.weight_bytes,
                    activation_bytes: term.activation_bytes,
                })
                .collect(),
        }
    }
}
