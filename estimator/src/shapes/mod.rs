//! Shape inference: the type of every value, for chosen numbers of the symbolic dimensions.
//!
//! [`infer`] walks the graph once in execution order, runs one rule per operator and carries the contents of small
//! integer and float tensors along (`Shape → Gather → Concat → Reshape` and the like).
//! Types declared in the file are a cross-check and a fallback, never required.
//! It never fails: where nothing is known a type stays open, and a note says why.
//!
//! What belongs here: types, small contents, which branch runs and how often. What does not: any cost.

mod call;
mod control;
mod engine;
mod expression;
mod fitting;
mod known;
mod rules;
mod symbols;

pub use engine::PROMPT;
pub use known::{Data, Known};
pub use symbols::{Origin, Symbol};

use symbols::Defaults;

pub(crate) use call::show;
pub(crate) use control::runs_bodies;
pub(crate) use rules::{KerasKind, Label, TFLITE_AS_TF, contraction, coreml, keras_canonical, keras_kind, openvino};

use crate::model::{Contents, Model, Node, ValueId, ValueType};
use crate::notes::Notes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the user decided about a model's open ends. Everything left out gets a default, and a [`Symbol`] says which.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choices {
    /// Numbers for symbolic dimensions, by name.
    pub dims: BTreeMap<String, u64>,
    /// Whole shapes for inputs, by input name; they override what the file declares.
    pub shapes: BTreeMap<String, Vec<u64>>,
    /// Contents of inputs on which shapes depend (a `shape` input of `Reshape`), by input name, with their shape.
    pub contents: BTreeMap<String, (Vec<u64>, Contents)>,
    /// The shapes of the items of inputs that are lists, by input name.
    pub items: BTreeMap<String, Vec<Vec<u64>>>,
}

/// Everything that inference found out.
#[derive(Debug)]
pub struct Trace<'m> {
    /// The type of each value, by [`ValueId`]. Inside loops: the one of the last turn.
    pub types: Vec<Option<Arc<ValueType>>>,
    /// The nodes that run, in order.
    pub steps: Vec<Step<'m>>,
    /// The symbolic dimensions met, with the number used for each.
    pub symbols: Vec<Symbol>,
    /// What was assumed or did not fit.
    pub notes: Notes,
    /// How many nodes contradict their inputs.
    pub misfits: usize,
    /// The same in branches that were left aside because of it.
    aside: usize,
    /// Dimensions that should be the same and are not, the first few.
    contradictions: Vec<fitting::Contradiction>,
}

impl Trace<'_> {
    /// Whether no node contradicts its inputs.
    fn fits(&self) -> bool {
        self.misfits == 0 && self.aside == 0
    }

    /// The type of a value, as far as known.
    pub fn value_type(&self, id: ValueId) -> Option<&ValueType> {
        self.types.get(id.0 as usize)?.as_deref()
    }
}

/// One node that runs, with the types it sees.
#[derive(Debug)]
pub struct Step<'m> {
    /// The node.
    pub node: &'m Node,
    /// The type of each input; `None` for an absent input and for a value of unknown type.
    pub inputs: Vec<Option<Arc<ValueType>>>,
    /// The type of each output.
    pub outputs: Vec<Option<Arc<ValueType>>>,
    /// The bodies that it runs, for `If`, `Loop`, `Scan` and the like.
    pub blocks: Vec<Block<'m>>,
}

/// A body run by a control-flow node.
#[derive(Debug)]
pub struct Block<'m> {
    /// The attribute that holds the body, for example `then_branch`.
    pub role: &'m str,
    /// How often it runs.
    pub times: u64,
    /// `true` where it is one of several bodies of which only one runs and which one could not be known.
    pub alternative: bool,
    /// Its nodes.
    pub steps: Vec<Step<'m>>,
}

/// The operators of ONNX Runtime's domains that have a rule, for tests of other rooms.
#[cfg(test)]
pub(crate) fn contrib_operators() -> &'static str {
    rules::contrib_operators()
}

/// Infers the type of every value of a model.
///
/// Time and memory are bounded by the size of the model: a loop body is walked at most a fixed number of times.
/// Where the default number of a symbolic dimension contradicts the model's own sizes, the number that fits is looked for,
/// and where there is none, smaller and larger defaults are tried.
pub fn infer<'m>(model: &'m Model, choices: &Choices) -> Trace<'m> {
    let run = |defaults: &Defaults| engine::Engine::new(model, choices, defaults.clone()).run();
    let mut defaults = Defaults { made_with: model.sizes_made_with.clone(), ..Defaults::default() };
    let mut best = run(&defaults);
    for _ in 0..MOST_FITTINGS {
        let Some(found) = fitting::solution(&best, &defaults.fitting) else { break };
        defaults.fitting.extend(found);
        let fitted = run(&defaults);
        if fitted.misfits > best.misfits {
            break;
        }
        best = fitted;
    }
    let by_default = |symbol: &Symbol| symbol.origin == Origin::Input && !symbol.chosen;
    for most in SMALLER_DEFAULTS {
        if best.fits() || !best.symbols.iter().any(|symbol| by_default(symbol) && symbol.value > *most) {
            break;
        }
        best = better(best, run(&Defaults { most: Some(*most), ..defaults.clone() }));
    }
    for least in LARGER_DEFAULTS {
        let is_shorter = |symbol: &Symbol| by_default(symbol) && (2..*least).contains(&symbol.value);
        if best.fits() || !best.symbols.iter().any(is_shorter) {
            break;
        }
        best = better(best, run(&Defaults { least: Some(*least), ..defaults.clone() }));
    }
    // Of a dimension of which nothing tells what it is: a sound without a name is no longer than 1 by default.
    let is_unknown = |symbol: &&Symbol| by_default(symbol) && symbol.value == 1 && !is_batch(&symbol.name);
    let unknown: Vec<String> = best.symbols.iter().filter(is_unknown).map(|symbol| symbol.name.clone()).collect();
    for name in unknown.iter().take(MOST_FITTINGS) {
        for length in LARGER_DEFAULTS {
            if best.misfits == 0 {
                return best;
            }
            let mut longer = defaults.clone();
            longer.fitting.insert(name.clone(), *length);
            best = better(best, run(&longer));
        }
    }
    best
}

/// The run that fits its model better; the first where both do alike.
fn better<'m>(first: Trace<'m>, second: Trace<'m>) -> Trace<'m> {
    if (second.misfits, second.aside) < (first.misfits, first.aside) { second } else { first }
}

/// Whether a dimension is one of the batch: by its name, or the first of a value where the file has no name for it.
fn is_batch(name: &str) -> bool {
    name.to_lowercase().contains("batch") || name.ends_with(".0")
}

/// How many times numbers that fit are looked for: models have few open dimensions.
const MOST_FITTINGS: usize = 6;

/// Bounds for defaults that are tried when the usual ones do not fit the model,
/// for example 128 tokens where its position table has 77.
const SMALLER_DEFAULTS: &[u64] = &[64, 16, 1];

/// Defaults for lengths that are tried after that, for example where a sound's window is longer than 128 samples,
/// and then for dimensions of which nothing tells what they are.
const LARGER_DEFAULTS: &[u64] = &[512, 2048, 16_384];
