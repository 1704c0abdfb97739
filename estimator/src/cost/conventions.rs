//! Why tools disagree: the loaded model counted as other counters would.
//!
//! Each node adds to a few [`Quantities`] (MACs of convolutions, elements of batch norms …);
//! `conventions.csv` says how often each tool counts each of them. The tools listen to a network in its framework,
//! a graph is what is left of it after export, so some things are read from traces that exporters leave:
//! a batch norm folded into a convolution from the names of its weights, fused attention from the scaling of both its factors,
//! a linear layer that was called as a function from standing in one module with a product of activations.

use super::count::{Seen, product};
use super::rules;
use super::weights::Weights;
use crate::model::{Model, Node, ValueId};
use crate::report::{Difference, ToolCount};
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

/// How often a tool counts a quantity.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    tool: String,
    version: String,
    quantity: String,
    factor: i64,
    sentence: String,
    evidence: Evidence,
}

fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| built_in(read("conventions.csv", include_str!("../../data/conventions.csv"))))
}

fn read(name: &str, text: &str) -> Result<Vec<Rule>, TableError> {
    let table = Table::parse(name, text)?;
    table
        .rows()
        .map(|row| {
            let factor = row.required_text("factor")?;
            Ok(Rule {
                tool: row.required_text("tool")?.to_owned(),
                version: row.required_text("version")?.to_owned(),
                quantity: row.required_text("quantity")?.to_owned(),
                factor: factor.parse().map_err(|_| row.fault("factor", format!("“{factor}” is no whole number")))?,
                sentence: row.text("sentence")?.unwrap_or_default().to_owned(),
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
            })
        })
        .collect()
}

/// The quantities that are MACs by our own words; they add up to our count.
const PRODUCTS: [&str; 7] =
    ["convolution", "linear", "functional-linear", "fused-linear", "attention", "fused-attention", "other-product"];

/// What tools count, summed over a model.
#[derive(Debug, Default)]
pub(super) struct Quantities {
    sums: BTreeMap<String, u64>,
    /// A quantity was not known or did not fit.
    is_open: bool,
}

impl Quantities {
    fn add(&mut self, quantity: &str, amount: Option<u64>, times: Option<u64>) {
        let Some(amount) = amount.zip(times).and_then(|(amount, times)| amount.checked_mul(times)) else {
            self.is_open = true;
            return;
        };
        if amount > 0 {
            let sum = self.sums.entry(quantity.to_owned()).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    fn get(&self, quantity: &str) -> i128 {
        self.sums.get(quantity).copied().unwrap_or(0).into()
    }
}

/// What of the graph around a node decides how tools see it.
pub(super) struct Surroundings<'m> {
    model: &'m Model,
    producers: HashMap<ValueId, &'m Node>,
    /// Modules in which activations are multiplied with each other, and whether the framework did so in one fused operator.
    attention: HashMap<String, bool>,
    /// The projections of torch's multi-head attention that the names of their weights give away.
    projections: HashSet<*const Node>,
}

impl<'m> Surroundings<'m> {
    /// Looks at the main graph.
    pub fn of(model: &'m Model) -> Self {
        let mut producers = HashMap::new();
        for node in &model.graph.nodes {
            producers.extend(node.outputs.iter().flatten().map(|id| (*id, node)));
        }
        let mut this = Self { model, producers, attention: HashMap::new(), projections: HashSet::new() };
        this.find_projections();
        // What follows from weights alone is no activation.
        let mut constants: HashSet<ValueId> = (0u32..)
            .zip(&model.values)
            .filter(|(_, value)| value.weight.is_some())
            .map(|(id, _)| ValueId(id))
            .collect();
        for node in &model.graph.nodes {
            if node.is("Constant")
                || (!node.inputs.is_empty() && node.inputs.iter().flatten().all(|id| constants.contains(id)))
            {
                constants.extend(node.outputs.iter().flatten());
            } else if (node.is("MatMul") || multiplies_activations(node))
                && !node.inputs.iter().flatten().any(|id| constants.contains(id))
            {
                let fused = this.is_fused(node) || node.op.as_ref() == FUSED;
                let module = super::group_of(node);
                let known = this.attention.entry(module).or_insert(false);
                *known |= fused;
            }
        }
        this
    }

    /// `nn.MultiheadAttention` calls its projections as functions; its weights are named `in_proj_…` and `out_proj.…`.
    fn find_projections(&mut self) {
        let owner = |name: &'m str| name.split_once(".in_proj_").map(|(owner, _)| owner);
        let owners: HashSet<&str> = self.model.values.iter().filter_map(|value| owner(&value.name)).collect();
        if owners.is_empty() {
            return;
        }
        for node in &self.model.graph.nodes {
            let names = || node.inputs.iter().flatten().map(|id| self.model.name(*id));
            let is_in = names().any(|name| owner(name).is_some());
            let is_out =
                names().any(|name| name.split_once(".out_proj.").is_some_and(|(owner, _)| owners.contains(owner)));
            if !is_in && !is_out {
                continue;
            }
            self.projections.insert(std::ptr::from_ref(node));
            for input in [0, 1] {
                if let Some(before) = self.producer(node, input).filter(|before| node.is("Add") && before.is("MatMul"))
                {
                    self.projections.insert(std::ptr::from_ref(before));
                }
            }
        }
    }

    fn producer(&self, node: &Node, input: usize) -> Option<&'m Node> {
        self.producers.get(&node.inputs.get(input).copied().flatten()?).copied()
    }

    /// Torch's exporters spell scaled_dot_product_attention as a product of two factors that are both scaled before;
    /// the newer one also keeps its name.
    fn is_fused(&self, node: &Node) -> bool {
        let scaled = |input| {
            let mut producer = self.producer(node, input);
            if producer.is_some_and(|node| node.is("Transpose") || node.is("Reshape")) {
                producer = producer.and_then(|node| self.producer(node, 0));
            }
            producer.is_some_and(|node| node.is("Mul"))
        };
        node.name.contains("scaled_dot_product") || (scaled(0) && scaled(1)) || self.weighs_fused(node)
    }

    /// Whether the node weighs values with what softmax makes of a fused product.
    fn weighs_fused(&self, node: &Node) -> bool {
        let mut before = self.producer(node, 0);
        // Masks and checks for rows without any entry stand between.
        for _ in 0..6 {
            let Some(node) = before else { return false };
            if node.is("MatMul") {
                return self.is_fused(node);
            }
            let onward = if node.is("Where") { 2 } else { 0 };
            if !["Softmax", "Add", "Where", "Dropout", "Cast"].iter().any(|op| node.is(op)) {
                return false;
            }
            before = self.producer(node, onward);
        }
        false
    }

    /// What a linear layer is to tools: a module, a function within one, or a projection of fused attention; or its bias.
    fn linear(&self, node: &Node, bias: bool) -> &'static str {
        let module = super::group_of(node);
        let in_module = self.attention.get(&module).copied().filter(|_| !module.is_empty());
        let by_name = self.projections.contains(&std::ptr::from_ref(node)).then_some(true);
        match (in_module.or(by_name), bias) {
            (None, false) => "linear",
            (None, true) => "linear-bias",
            (Some(false), false) => "functional-linear",
            (Some(false), true) => "functional-linear-bias",
            (Some(true), false) => "fused-linear",
            (Some(true), true) => "fused-linear-bias",
        }
    }

    /// Whether a batch norm was folded into this convolution.
    fn has_folded_norm(&self, node: &Node) -> bool {
        super::weights::folded_norm(self.model, node).is_some()
    }
}

/// Adds what one node that runs so many times is to tools.
pub(super) fn add(
    quantities: &mut Quantities,
    around: &Surroundings<'_>,
    weights: &Weights,
    seen: &Seen<'_>,
    times: Option<u64>,
) {
    let node = seen.node;
    if node.domain.as_ref() == "aten" {
        return add_aten(quantities, around, weights, seen, times);
    }
    if !node.domain.is_empty() {
        let macs = rules::find(&node.domain, &node.op).and_then(|rule| rule(seen).macs);
        let is_attention = node.op.contains("Attention");
        return quantities.add(if is_attention { "fused-attention" } else { "other-product" }, macs, times);
    }
    let out = seen.out_elements();
    let is_constant =
        |input: usize| node.inputs.get(input).copied().flatten().is_some_and(|id| weights.is_constant(id));
    let macs = || rules::find("", &node.op).and_then(|rule| rule(seen).macs);
    let parameters = |input: usize| if is_constant(input) { seen.elements(input) } else { Some(0) };
    let module = super::group_of(node);
    let linear = |bias: bool| around.linear(node, bias);
    match node.op.as_ref() {
        "Conv" | "ConvTranspose" => {
            quantities.add("convolution", macs(), times);
            let folded = around.has_folded_norm(node);
            let has_bias = seen.has(2) && !folded;
            if folded {
                quantities.add("batch-norm", out, times);
                // The norm's own scale and shift.
                quantities.add(
                    "module-weights",
                    seen.out_sizes(0).and_then(|sizes| sizes.get(1)?.checked_mul(2)),
                    times,
                );
            }
            if has_bias {
                quantities.add("convolution-bias", out, times);
            }
            let weights = parameters(1).zip(if has_bias { parameters(2) } else { Some(0) });
            let positions = seen
                .out_sizes(0)
                .map(|sizes| sizes.into_iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, size)| Some(size)));
            let moved = weights
                .zip(positions.and_then(product))
                .and_then(|((a, b), positions)| a.checked_add(b)?.checked_mul(positions));
            quantities.add("convolution-weights-moved", moved, times);
        }
        "MatMul" | "Gemm" if is_constant(1) || is_constant(0) => {
            quantities.add(linear(false), macs(), times);
            if linear(false) == "linear" {
                quantities.add("module-weights", parameters(1), times);
            }
            if node.op.as_ref() == "Gemm" && seen.has(2) {
                quantities.add(linear(true), out, times);
                if linear(false) == "linear" {
                    quantities.add("module-weights", parameters(2), times);
                }
            }
        }
        "MatMul" | "Gemm" | "Einsum" => {
            let fused = around.attention.get(&module).copied().unwrap_or(false) && around.is_fused(node);
            quantities.add(if fused { "fused-attention" } else { "attention" }, macs(), times);
        }
        "Attention" => quantities.add("fused-attention", macs(), times),
        "Add" if (is_constant(0) || is_constant(1)) && adds_bias(around, node) => {
            quantities.add(linear(true), out, times);
            if linear(false) == "linear" {
                let bias = if is_constant(0) { 0 } else { 1 };
                quantities.add("module-weights", parameters(bias), times);
            }
        }
        "BatchNormalization" => {
            quantities.add("batch-norm", out, times);
            quantities.add("module-weights", product([parameters(1), Some(2)]), times);
        }
        "LayerNormalization" => {
            quantities.add("layer-norm", out, times);
            quantities.add("module-weights", parameters(1), times);
            quantities.add("module-weights", if seen.has(2) { parameters(2) } else { Some(0) }, times);
        }
        // A look-up in a table, or in a position table cut to the sequence.
        "Gather" if is_constant(0) && seen.rank(0) == Some(2) => quantities.add("module-weights", parameters(0), times),
        "Relu" => quantities.add("relu", out, times),
        "Clip" => quantities.add("clip", out, times),
        // Older exports spell GELU out; its error function stands for it.
        "Gelu" | "Erf" => quantities.add("gelu", out, times),
        "Softmax" => quantities.add("softmax", out, times),
        "MaxPool" => {
            quantities.add("max-pool-input", seen.elements(0), times);
            let window = seen.node.ints("kernel_shape").map(|sizes| sizes.iter().map(|size| u64::try_from(*size).ok()));
            quantities.add(
                "max-pool-window",
                window.and_then(product).and_then(|window| out?.checked_mul(window)),
                times,
            );
        }
        "GlobalAveragePool" => quantities.add("global-pool-input", seen.elements(0), times),
        "ReduceMean" if seen.rank(0) == Some(4) => quantities.add("global-pool-input", seen.elements(0), times),
        _ => {
            let macs = macs();
            if macs != Some(0) {
                quantities.add("other-product", macs, times);
            }
        }
    }
    // Operators on shapes are computed once and for all by a tool that reads graphs.
    let folds = !node.inputs.is_empty() && node.inputs.iter().flatten().all(|id| weights.is_constant(*id));
    if !folds {
        quantities.add(&format!("op:{}", node.op), out.or(Some(0)), times);
    }
}

/// PyTorch's operator for all of attention.
const FUSED: &str = "scaled_dot_product_attention";

/// Whether an operator of ATen multiplies what are no weights, if its inputs are none.
fn multiplies_activations(node: &Node) -> bool {
    node.domain.as_ref() == "aten" && matches!(node.op.as_ref(), "matmul" | "bmm" | "baddbmm" | "einsum" | FUSED)
}

/// As [`add`], for the operators that PyTorch itself names: what tools listen to.
fn add_aten(
    quantities: &mut Quantities,
    around: &Surroundings<'_>,
    weights: &Weights,
    seen: &Seen<'_>,
    times: Option<u64>,
) {
    let node = seen.node;
    let out = seen.out_elements();
    let is_constant =
        |input: usize| node.inputs.get(input).copied().flatten().is_some_and(|id| weights.is_constant(id));
    let macs = || rules::find("aten", &node.op).and_then(|rule| rule(seen).macs);
    let parameters = |input: usize| if is_constant(input) { seen.elements(input) } else { Some(0) };
    let module = |quantities: &mut Quantities, inputs: [usize; 2]| {
        for input in inputs {
            quantities.add("module-weights", if seen.has(input) { parameters(input) } else { Some(0) }, times);
        }
    };
    match node.op.trim_end_matches('_') {
        "conv1d" | "conv2d" | "conv3d" | "convolution" | "_convolution" | "conv_transpose1d" | "conv_transpose2d"
        | "conv_transpose3d" => {
            quantities.add("convolution", macs(), times);
            let held = parameters(1).zip(if seen.has(2) { parameters(2) } else { Some(0) });
            if seen.has(2) {
                quantities.add("convolution-bias", out, times);
            }
            let positions = seen.out_sizes(0).and_then(|sizes| {
                product(sizes.into_iter().enumerate().filter(|(axis, _)| *axis != 1).map(|(_, size)| Some(size)))
            });
            let moved = held.zip(positions).and_then(|((a, b), positions)| a.checked_add(b)?.checked_mul(positions));
            quantities.add("convolution-weights-moved", moved, times);
        }
        "linear" => {
            quantities.add(around.linear(node, false), macs(), times);
            if seen.has(2) {
                quantities.add(around.linear(node, true), out, times);
            }
            if around.linear(node, false) == "linear" {
                module(quantities, [1, 2]);
            }
        }
        "addmm" if is_constant(2) => {
            quantities.add(around.linear(node, false), macs(), times);
            quantities.add(around.linear(node, true), out, times);
            if around.linear(node, false) == "linear" {
                module(quantities, [0, 2]);
            }
        }
        "matmul" | "mm" | "bmm" if is_constant(1) => quantities.add("functional-linear", macs(), times),
        "matmul" | "mm" | "bmm" | "baddbmm" | "einsum" => quantities.add("attention", macs(), times),
        FUSED => quantities.add("fused-attention", macs(), times),
        "batch_norm" | "_native_batch_norm_legit_no_training" => {
            quantities.add("batch-norm", out, times);
            module(quantities, [1, 2]);
        }
        "layer_norm" | "native_layer_norm" => {
            quantities.add("layer-norm", out, times);
            module(quantities, [1, 2]);
        }
        "embedding" => quantities.add("module-weights", parameters(0), times),
        "relu" => quantities.add("relu", out, times),
        "hardtanh" | "relu6" => quantities.add("clip", out, times),
        "gelu" => quantities.add("gelu", out, times),
        "softmax" | "_softmax" => quantities.add("softmax", out, times),
        "max_pool2d" | "max_pool2d_with_indices" => quantities.add("max-pool-input", seen.elements(0), times),
        "adaptive_avg_pool2d" | "_adaptive_avg_pool2d" => {
            quantities.add("global-pool-input", seen.elements(0), times);
        }
        "mean" if seen.rank(0) == Some(4) => quantities.add("global-pool-input", seen.elements(0), times),
        _ => {
            let macs = macs();
            if macs != Some(0) {
                quantities.add("other-product", macs, times);
            }
        }
    }
}

/// Whether this addition is the bias of the product before it.
fn adds_bias(around: &Surroundings<'_>, node: &Node) -> bool {
    [0, 1].iter().any(|input| around.producer(node, *input).is_some_and(|node| node.is("MatMul")))
}

/// Why a model cannot be recounted; `None` for one whose format these tools can see.
pub(super) fn why_not(model: &Model) -> Option<&'static str> {
    match model.format.as_str() {
        "onnx" | "ort" | "exported_program" | "torchscript" if !model.weights_only => None,
        _ if model.weights_only => Some("the file holds no operators that they could count"),
        _ => Some(
            "they count PyTorch’s modules or the operators of ONNX, and the operators of this file’s framework \
             are cut in another way",
        ),
    }
}

/// The model as each tool would count it; empty where that cannot be known.
pub(super) fn recount(quantities: &Quantities, model: &Model, macs: Option<u64>) -> Vec<ToolCount> {
    if why_not(model).is_some() {
        return Vec::new();
    }
    // A tool that reads ONNX files has no price for PyTorch's own operators.
    let is_onnx = matches!(model.format.as_str(), "onnx" | "ort");
    let ours: i128 = PRODUCTS.iter().map(|quantity| quantities.get(quantity)).sum();
    if quantities.is_open || macs.map(i128::from) != Some(ours) || ours == 0 {
        return Vec::new();
    }
    let mut tools: Vec<ToolCount> = Vec::new();
    for rule in rules().iter().filter(|rule| is_onnx || !rule.tool.starts_with("onnx-tool")) {
        if tools.last().is_none_or(|tool| tool.tool != rule.tool) {
            let source = rule.evidence.source.citation();
            tools.push(ToolCount {
                tool: rule.tool.clone(),
                version: rule.version.clone(),
                source,
                ..ToolCount::default()
            });
        }
        let Some(tool) = tools.last_mut() else { continue };
        let own = i128::from(PRODUCTS.contains(&rule.quantity.as_str()));
        let change = (i128::from(rule.factor) - own) * quantities.get(&rule.quantity);
        let Ok(macs) = i64::try_from(change) else { continue };
        if macs == 0 {
            continue;
        }
        // One sentence may cover several quantities.
        match tool.differences.iter_mut().find(|difference| difference.sentence == rule.sentence) {
            Some(difference) => difference.macs = difference.macs.saturating_add(macs),
            None => tool.differences.push(Difference { sentence: rule.sentence.clone(), macs }),
        }
    }
    for tool in &mut tools {
        let change: i128 = tool.differences.iter().map(|difference| i128::from(difference.macs)).sum();
        tool.macs = u64::try_from(ours + change).unwrap_or(0);
        tool.differences.retain(|difference| difference.macs != 0);
        tool.differences.sort_by_key(|difference| std::cmp::Reverse(difference.macs.unsigned_abs()));
    }
    tools
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_of_every_product_whether_it_counts_it() {
        let tools: Vec<&str> = rules().iter().map(|rule| rule.tool.as_str()).collect();
        assert!(tools.len() > 80);
        for tool in &tools {
            for product in PRODUCTS {
                let rows = rules().iter().filter(|rule| rule.tool == *tool && rule.quantity == product).count();
                assert_eq!(rows, 1, "{tool}: {product}");
            }
        }
        for rule in rules() {
            let own = i64::from(PRODUCTS.contains(&rule.quantity.as_str()));
            assert!(
                rule.factor == own || !rule.sentence.is_empty(),
                "{} {} needs a sentence",
                rule.tool,
                rule.quantity
            );
        }
    }
}
