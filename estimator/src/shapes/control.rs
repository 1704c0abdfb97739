//! Nodes that run a body: which branch of `If`, how many turns of `Loop`, `Scan` and `SequenceMap`.
//!
//! A loop whose number of turns is known and small is walked turn by turn, because lists and tensors may grow in it.
//! Any other is walked once and counted as often as it turns.

use super::Block;
use super::call::{Mismatch, Outcome, axis};
use super::engine::Engine;
use super::known::Known;
use super::symbols::Origin;
use crate::model::{Dim, Graph, Node, SequenceType, ValueId, ValueType};
use crate::notes::Notes;
use std::sync::Arc;

/// Most turns that are walked one by one.
const MOST_TURNS: i64 = 64;

/// Most turns that are counted by testing a loop's condition.
const MOST_COUNTED: i64 = 1 << 16;

/// A limit of turns from which on it is none.
const NO_LIMIT: i64 = i32::MAX as i64;

type Type = Option<Arc<ValueType>>;

/// What running the bodies of a node gave.
pub(super) struct Inner<'m> {
    pub outcome: Outcome,
    pub outputs: Vec<Option<ValueType>>,
    pub contents: Vec<Option<Known>>,
    pub blocks: Vec<Block<'m>>,
}

impl<'m> Inner<'m> {
    fn failed(why: String) -> Self {
        Self { outcome: Err(Mismatch(why)), outputs: Vec::new(), contents: Vec::new(), blocks: Vec::new() }
    }
}

/// How a node runs its bodies, by ONNX's name for it; `None` for one that is computed by a rule.
///
/// The readers of TensorFlow's formats give their branches and loops the inputs and bodies of ONNX's.
fn manner(node: &Node) -> Option<&'static str> {
    Some(match (node.domain.as_ref(), node.op.as_ref()) {
        ("", "If") | ("tflite", "IF") | ("tf", "If" | "StatelessIf") => "If",
        ("", "Loop") | ("tflite", "WHILE" | "STABLEHLO_WHILE") | ("tf", "While" | "StatelessWhile") => "Loop",
        ("", "Scan") => "Scan",
        ("", "SequenceMap") => "SequenceMap",
        ("openvino", "If") | ("coreml", "branch" | "cond") => "If",
        ("openvino", "Loop" | "TensorIterator") | ("coreml", "loop" | "while_loop") => "TensorIterator",
        _ => return None,
    })
}

/// Whether the node is run here and not by a rule.
pub(crate) fn runs_bodies(node: &Node) -> bool {
    manner(node).is_some()
}

/// Runs the bodies of a node whose inputs have these types.
pub(super) fn run<'m>(engine: &mut Engine<'m, '_>, node: &'m Node, inputs: &[Type]) -> Inner<'m> {
    let inner = engine.deeper(|engine| match manner(node).unwrap_or_default() {
        "If" => branch(engine, node),
        "TensorIterator" => iterate(engine, node, inputs),
        "Loop" => repeat(engine, node, inputs),
        "Scan" => scan(engine, node, inputs),
        _ => map_sequence(engine, node, inputs),
    });
    inner.unwrap_or_else(|| Inner::failed("bodies are nested too deeply to be followed".to_owned()))
}

fn branch<'m>(engine: &mut Engine<'m, '_>, node: &'m Node) -> Inner<'m> {
    let (Some(yes), Some(no)) = (node.graph("then_branch"), node.graph("else_branch")) else {
        return Inner::failed("a branch is missing".to_owned());
    };
    let condition = known_input(engine, node, 0).and_then(|known| known.single()?.value());
    let mut run = |role: &'m str, graph: &'m Graph, alternative: bool| {
        let notes = std::mem::take(&mut engine.notes);
        let misfits = std::mem::take(&mut engine.misfits);
        engine.alternatives += usize::from(alternative);
        let steps = engine.walk(&graph.nodes);
        engine.alternatives -= usize::from(alternative);
        Branch {
            types: graph.outputs.iter().map(|id| engine.type_of(*id)).collect(),
            contents: graph.outputs.iter().map(|id| engine.contents_of(*id)).collect(),
            block: Block { role, times: 1, alternative, steps },
            notes: std::mem::replace(&mut engine.notes, notes),
            misfits: std::mem::replace(&mut engine.misfits, misfits),
        }
    };
    if let Some(condition) = condition {
        let (role, graph) = if condition != 0 { ("then_branch", yes) } else { ("else_branch", no) };
        let branch = run(role, graph, false);
        return branch.taken(engine);
    }
    let (yes, no) = (run("then_branch", yes, true), run("else_branch", no, true));
    // Only one of the two can run with these sizes: the other would fail.
    if (yes.misfits == 0) != (no.misfits == 0) {
        let (fits, other) = if yes.misfits == 0 { (yes, no) } else { (no, yes) };
        engine.aside += other.misfits;
        let why = other.notes.iter().find(|note| note.text.contains("does not fit")).map(|note| note.text.as_str());
        let text = format!(
            "which branch runs depends on the data; only the {} fits these sizes and is counted ({})",
            fits.block.role.replace('_', " "),
            why.unwrap_or("the other does not fit")
        );
        engine.notes.warn(&node.name, text);
        return fits.taken(engine);
    }
    engine.misfits += yes.misfits + no.misfits;
    engine.notes.extend(&yes.notes);
    engine.notes.extend(&no.notes);
    engine.notes.warn(&node.name, "which branch runs depends on the data; the costlier one is counted");
    let outputs = yes.types.iter().zip(&no.types).map(|(a, b)| either(a, b)).collect();
    Inner { outcome: Ok(()), outputs, contents: Vec::new(), blocks: vec![yes.block, no.block] }
}

/// What walking one branch gave.
struct Branch<'m> {
    block: Block<'m>,
    types: Vec<Type>,
    contents: Vec<Option<Arc<Known>>>,
    notes: Notes,
    misfits: usize,
}

impl<'m> Branch<'m> {
    /// This branch as the one that runs.
    fn taken(mut self, engine: &mut Engine<'m, '_>) -> Inner<'m> {
        engine.misfits += self.misfits;
        engine.notes.extend(&self.notes);
        self.block.alternative = false;
        Inner {
            outcome: Ok(()),
            outputs: self.types.iter().map(own_type).collect(),
            contents: self.contents.into_iter().map(|known| known.map(|known| known.as_ref().clone())).collect(),
            blocks: vec![self.block],
        }
    }
}

/// The type of a value that one of two branches gives: what both agree on; where the ranks differ, the first.
fn either(a: &Type, b: &Type) -> Option<ValueType> {
    let (Some(a), Some(b)) = (own_type(a), own_type(b)) else { return own_type(a).or(own_type(b)) };
    if let (ValueType::Tensor(one), ValueType::Tensor(other)) = (&a, &b)
        && let (Some(left), Some(right)) = (&one.shape, &other.shape)
        && left.len() == right.len()
    {
        // Where they differ, the larger: the costlier branch is the one counted.
        let shape = left.iter().zip(right).map(|(a, b)| a.max(b)).collect();
        return Some(ValueType::tensor(one.dtype.or(other.dtype), Some(shape)));
    }
    Some(a)
}

fn repeat<'m>(engine: &mut Engine<'m, '_>, node: &'m Node, inputs: &[Type]) -> Inner<'m> {
    let Some(body) = node.graph("body") else { return Inner::failed("the body is missing".to_owned()) };
    let carried = node.inputs.len().saturating_sub(2);
    let scanned = body.outputs.len().saturating_sub(1 + carried);
    let first = known_input(engine, node, 1).and_then(|known| known.single()?.value());
    let stops_itself = first == Some(0);
    let limit = known_input(engine, node, 0).and_then(|known| known.single().cloned());
    // Exporters write a `while` with the largest number there is as its limit.
    let endless = limit.as_ref().and_then(Dim::value).is_some_and(|limit| limit >= NO_LIMIT);
    let limit = limit.filter(|_| !endless);
    let has_limit = node.inputs.first().is_some_and(Option::is_some) && !endless;
    let most = if stops_itself { Some(0) } else { limit.as_ref().and_then(Dim::value).map(|turns| turns.max(0)) };

    let mut state: Vec<Type> = inputs.get(2..).unwrap_or_default().to_vec();
    let mut contents: Vec<Option<Arc<Known>>> =
        node.inputs.iter().skip(2).map(|id| engine.contents_of((*id)?)).collect();
    state.resize(carried, None);
    contents.resize(carried, None);
    let mut blocks = Vec::new();
    let mut collected: Vec<Type> = vec![None; scanned];
    let mut collected_contents: Vec<Vec<Option<Arc<Known>>>> = vec![Vec::new(); scanned];
    let mut turns = 0i64;
    let mut ended = most == Some(0);
    // Turn by turn, as long as it is known that there is a next turn and it is affordable.
    while !ended && turns < MOST_TURNS && engine.affords(body.nodes.len().saturating_mul(2)) {
        let known_turns = most.is_some_and(|most| most <= MOST_TURNS);
        let counts = if known_turns || !has_limit { Some(Known::scalar(Dim::known(turns))) } else { None };
        let kept = if known_turns || !has_limit { contents.clone() } else { vec![None; carried] };
        bind(
            engine,
            body,
            0,
            Some(Arc::new(ValueType::tensor(Some(crate::model::DType::I64), Some(Vec::new())))),
            counts,
        );
        bind(
            engine,
            body,
            1,
            Some(Arc::new(ValueType::tensor(Some(crate::model::DType::Bool), Some(Vec::new())))),
            Some(Known::scalar(Dim::known(1))),
        );
        for (place, (value_type, known)) in state.iter().zip(&kept).enumerate() {
            bind(engine, body, place + 2, value_type.clone(), known.as_deref().cloned());
        }
        let steps = engine.walk(&body.nodes);
        let result = |engine: &Engine<'m, '_>, place: usize| body.outputs.get(place).and_then(|id| engine.type_of(*id));
        let goes_on =
            body.outputs.first().and_then(|id| engine.contents_of(*id)).and_then(|known| known.single()?.value());
        let next: Vec<Type> = (0..carried).map(|place| result(engine, place + 1)).collect();
        let next_contents = (0..carried).map(|place| engine.contents_of(*body.outputs.get(place + 1)?)).collect();
        for (place, (slot, contents)) in collected.iter_mut().zip(&mut collected_contents).enumerate() {
            *slot = result(engine, 1 + carried + place);
            contents.push(body.outputs.get(1 + carried + place).and_then(|id| engine.contents_of(*id)));
        }
        blocks.push(Block { role: "body", times: 1, alternative: false, steps });
        turns += 1;
        let steady = same_types(&state, &next);
        (state, contents) = (next, next_contents);
        ended = goes_on == Some(0) || most.is_some_and(|most| turns >= most);
        if !(ended || known_turns || !has_limit && goes_on == Some(1)) {
            if !steady {
                engine.notes.warn(
                    &node.name,
                    "what the loop carries changes shape from turn to turn; its first turn is counted for all",
                );
            }
            break;
        }
    }
    let total = match (ended, most) {
        (true, _) => Dim::known(turns),
        (false, Some(most)) => limit.unwrap_or_else(|| Dim::known(most)),
        (false, None) => engine.symbols.named(&format!("{}.trip_count", node.name), Origin::TripCount, 1),
    };
    let total_turns = total.size().unwrap_or(1);
    if let (false, Some(last)) = (ended, blocks.last_mut()) {
        // Turns beyond those walked cost what the last walked one did.
        last.times = total_turns.saturating_sub(u64::try_from(turns).unwrap_or(0)).saturating_add(1);
    }
    if total_turns == 0 {
        blocks.clear();
    }
    let unrun = blocks.is_empty();
    let mut outputs: Vec<Option<ValueType>> = state.iter().map(own_type).collect();
    for (place, item) in collected.iter().enumerate() {
        let declared = if unrun { declared_output(engine, body, 1 + carried + place) } else { own_type(item) };
        outputs.push(stacked(declared, &total, 0));
    }
    let mut known: Vec<Option<Known>> = match ended {
        true => {
            let carried = contents.into_iter().map(|known| known.map(|known| known.as_ref().clone()));
            carried.chain(collected_contents.iter().map(|turns| stacked_contents(turns))).collect()
        }
        false => Vec::new(),
    };
    known.resize(outputs.len(), None);
    Inner { outcome: Ok(()), outputs, contents: known, blocks }
}

fn scan<'m>(engine: &mut Engine<'m, '_>, node: &'m Node, inputs: &[Type]) -> Inner<'m> {
    let Some(body) = node.graph("body") else { return Inner::failed("the body is missing".to_owned()) };
    // Version 8 has a batch axis in front and an optional first input for lengths.
    let batched = node.opset < 9;
    let inputs = if batched { inputs.get(1..).unwrap_or_default() } else { inputs };
    let scanned = usize::try_from(node.int("num_scan_inputs").unwrap_or(0)).unwrap_or(0).min(inputs.len());
    let carried = inputs.len() - scanned;
    let axes = node.ints("scan_input_axes").unwrap_or_default();
    let mut turns: Option<Dim> = None;
    let batch = if batched { inputs.first().and_then(|of| shape_of(of)?.into_iter().next()) } else { None };
    for (place, of) in inputs.iter().enumerate() {
        let Some(mut shape) = shape_of(of) else {
            bind(engine, body, place, of.clone(), None);
            continue;
        };
        if batched && !shape.is_empty() {
            shape.remove(0);
        }
        if place >= carried {
            let along = match axis(axes.get(place - carried).copied().unwrap_or(0), shape.len()) {
                Ok(along) => along,
                Err(Mismatch(why)) => return Inner::failed(why),
            };
            turns = turns.or(Some(shape.remove(along)));
        }
        let dtype = of.as_deref().and_then(ValueType::as_tensor).and_then(|tensor| tensor.dtype);
        bind(engine, body, place, Some(Arc::new(ValueType::tensor(dtype, Some(shape)))), None);
    }
    let steps = engine.walk(&body.nodes);
    let turns = turns.unwrap_or(Dim::UNKNOWN);
    let times = turns.size().unwrap_or(1).saturating_mul(batch.as_ref().and_then(Dim::size).unwrap_or(1));
    let output_axes = node.ints("scan_output_axes").unwrap_or_default();
    let mut outputs = Vec::new();
    for (place, id) in body.outputs.iter().enumerate() {
        let mut output = engine.type_of(*id).as_deref().cloned();
        if place >= carried {
            output = stacked(output, &turns, output_axes.get(place - carried).copied().unwrap_or(0));
        }
        if let Some(batch) = &batch {
            output = stacked(output, batch, 0);
        }
        outputs.push(output);
    }
    let blocks = vec![Block { role: "body", times, alternative: false, steps }];
    Inner { outcome: Ok(()), outputs, contents: Vec::new(), blocks }
}

/// Loops of OpenVINO and Core ML: the body has one input for each input of the node and one output for each of its outputs.
/// Some inputs are cut along an axis, a part for each turn, and some outputs are joined along one; attributes say which.
/// A `Loop` also says how often it turns, in its first input.
fn iterate<'m>(engine: &mut Engine<'m, '_>, node: &'m Node, inputs: &[Type]) -> Inner<'m> {
    let Some(body) = node.graph("body") else { return Inner::failed("the body is missing".to_owned()) };
    let tests = node.graph("condition");
    let list = |name: &str| node.ints(name).unwrap_or_default();
    // An axis that is none is far outside any tensor.
    let along = |axes: &[i64], place: usize, rank: usize| axis(*axes.get(place)?, rank).ok();
    let mut turns: Option<Dim> = None;
    for (place, of) in inputs.iter().enumerate() {
        let mut of = own_type(of);
        if let Some(ValueType::Tensor(tensor)) = &mut of
            && let Some(shape) = &mut tensor.shape
            && let Some(along) = along(list("input_axes"), place, shape.len())
            && let Some(dim) = shape.get_mut(along)
        {
            let part = Dim::known(list("input_parts").get(place).copied().unwrap_or(1).max(1));
            turns = turns.or(Some(dim.floor_div(&part)));
            *dim = part;
        }
        // Counters are followed, so that a condition on them tells how often it turns.
        let known = if tests.is_some() { known_input(engine, node, place) } else { None };
        bind(engine, body, place, of.map(Arc::new), known.as_deref().cloned());
    }
    let limit = match node.op.as_ref() {
        "Loop" => known_input(engine, node, 0).and_then(|known| known.single().cloned()),
        // 0 is none.
        "loop" => node.int("max_iterations").filter(|turns| *turns > 0).map(Dim::known),
        _ => None,
    };
    let mut steps = None;
    let limit = match tests {
        Some(tests) => {
            steps = Some(engine.walk(&body.nodes));
            counted_turns(engine, node, tests, body).map(Dim::known)
        }
        None => limit,
    };
    let limit = limit.filter(|limit| limit.value().is_some_and(|turns| (0..NO_LIMIT).contains(&turns)));
    let turns = match turns.or(limit) {
        Some(turns) => turns,
        None => engine.symbols.named(&format!("{}.trip_count", node.name), Origin::TripCount, 1),
    };
    let steps = steps.unwrap_or_else(|| engine.walk(&body.nodes));
    let mut outputs = Vec::new();
    for (place, id) in body.outputs.iter().enumerate() {
        let mut output = own_type(&engine.type_of(*id)).or_else(|| declared(engine, *id));
        if let Some(ValueType::Tensor(tensor)) = &mut output
            && let Some(shape) = &mut tensor.shape
            && let Some(along) = along(list("output_axes"), place, shape.len())
            && let Some(dim) = shape.get_mut(along)
        {
            *dim = dim.mul(&turns);
        }
        outputs.push(output);
    }
    let times = turns.size().unwrap_or(1);
    let blocks = vec![Block { role: "body", times, alternative: false, steps }];
    Inner { outcome: Ok(()), outputs, contents: Vec::new(), blocks }
}

/// How often a loop turns whose condition follows from counters: integers that change by the same step in every turn.
/// The body was walked once, so that each counter's step is known.
fn counted_turns<'m>(engine: &mut Engine<'m, '_>, node: &'m Node, tests: &'m Graph, body: &'m Graph) -> Option<i64> {
    let single = |engine: &Engine<'m, '_>, id: Option<ValueId>| engine.contents_of(id?)?.single()?.value();
    let mut counters = Vec::new();
    for place in 0..node.inputs.len() {
        let start = single(engine, node.inputs.get(place).copied().flatten());
        let next = single(engine, body.outputs.get(place).copied());
        counters.push(start.zip(next).and_then(|(start, next)| Some((start, next.checked_sub(start)?))));
    }
    for turn in 0..MOST_COUNTED {
        if !engine.affords(tests.nodes.len().saturating_mul(2)) {
            return None;
        }
        for (place, counter) in counters.iter().enumerate() {
            let value = counter.and_then(|(start, step)| start.checked_add(step.checked_mul(turn)?));
            let of = node.inputs.get(place).copied().flatten().and_then(|id| engine.type_of(id));
            bind(engine, tests, place, of, value.map(|value| Known::scalar(Dim::known(value))));
        }
        engine.walk(&tests.nodes);
        if single(engine, tests.outputs.first().copied())? == 0 {
            return Some(turn);
        }
    }
    None
}

fn map_sequence<'m>(engine: &mut Engine<'m, '_>, node: &'m Node, inputs: &[Type]) -> Inner<'m> {
    let Some(body) = node.graph("body") else { return Inner::failed("the body is missing".to_owned()) };
    let Some(ValueType::Sequence(list)) = inputs.first().and_then(|of| of.as_deref()) else {
        return Inner { outcome: Ok(()), outputs: Vec::new(), contents: Vec::new(), blocks: Vec::new() };
    };
    let length = list.items.as_ref().map(Vec::len).filter(|length| *length <= MOST_TURNS as usize);
    let turns = length.unwrap_or(1);
    let mut blocks = Vec::new();
    let mut items: Vec<Vec<Option<ValueType>>> = vec![Vec::new(); body.outputs.len()];
    let mut contents: Vec<Vec<Option<Arc<Known>>>> = vec![Vec::new(); body.outputs.len()];
    for turn in 0..turns {
        for (place, of) in inputs.iter().enumerate() {
            let known = known_input(engine, node, place).and_then(|known| match known.items() {
                Some(items) => items.get(turn).cloned().flatten(),
                None => Some(known),
            });
            let item = match of.as_deref() {
                Some(ValueType::Sequence(list)) => {
                    list.items.as_ref().and_then(|items| items.get(turn).cloned()).or(list.element.as_deref().cloned())
                }
                other => other.cloned(),
            };
            bind(engine, body, place, item.map(Arc::new), known.as_deref().cloned());
        }
        let steps = engine.walk(&body.nodes);
        for ((slot, contents), id) in items.iter_mut().zip(&mut contents).zip(&body.outputs) {
            slot.push(engine.type_of(*id).as_deref().cloned());
            contents.push(engine.contents_of(*id));
        }
        blocks.push(Block { role: "body", times: 1, alternative: false, steps });
    }
    if length.is_none() {
        let times =
            engine.symbols.named(&format!("{}.trip_count", node.name), Origin::TripCount, 1).size().unwrap_or(1);
        blocks.iter_mut().for_each(|block| block.times = times);
    }
    let lists = items.into_iter().map(|items| {
        let element = items.first().cloned().flatten().map(Box::new);
        let items = length.and_then(|_| items.into_iter().collect());
        Some(ValueType::Sequence(SequenceType { element, items }))
    });
    let contents = contents.into_iter().map(|items| length.and_then(|_| Known::list_of(items)));
    Inner { outcome: Ok(()), outputs: lists.collect(), contents: contents.collect(), blocks }
}

fn known_input(engine: &Engine<'_, '_>, node: &Node, index: usize) -> Option<Arc<Known>> {
    engine.contents_of(node.inputs.get(index).copied().flatten()?)
}

/// Gives a body's input a type, falling back to what the body declares.
fn bind(engine: &mut Engine<'_, '_>, body: &Graph, place: usize, value_type: Type, known: Option<Known>) {
    let Some(id) = body.inputs.get(place).copied() else { return };
    let value_type = value_type.or_else(|| declared(engine, id).map(Arc::new));
    engine.set_type(id, value_type);
    engine.set_contents(id, known.map(Arc::new));
}

fn declared(engine: &mut Engine<'_, '_>, id: ValueId) -> Option<ValueType> {
    let model = engine.model;
    let declared = model.value(id)?.declared.as_ref()?;
    Some(engine.declared_type(declared))
}

fn declared_output(engine: &mut Engine<'_, '_>, body: &Graph, place: usize) -> Option<ValueType> {
    declared(engine, *body.outputs.get(place)?)
}

fn own_type(of: &Type) -> Option<ValueType> {
    of.as_deref().cloned()
}

fn shape_of(of: &Type) -> Option<Vec<Dim>> {
    of.as_deref()?.as_tensor()?.shape.clone()
}

fn same_types(a: &[Type], b: &[Type]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| shape_of(a) == shape_of(b))
}

/// Known contents of each turn, stacked along a new first axis.
fn stacked_contents(turns: &[Option<Arc<Known>>]) -> Option<Known> {
    let raised = |known: &Option<Arc<Known>>| {
        let known = known.as_ref()?;
        known.reshaped_to([&[1], known.shape.as_slice()].concat())
    };
    let turns = turns.iter().map(raised).collect::<Option<Vec<Known>>>()?;
    Known::joined(&turns.iter().collect::<Vec<_>>(), 0)
}

/// One tensor per turn, stacked along a new axis.
fn stacked(item: Option<ValueType>, turns: &Dim, along: i64) -> Option<ValueType> {
    let Some(ValueType::Tensor(mut tensor)) = item else { return item };
    if let Some(shape) = &mut tensor.shape {
        let place = axis(along, shape.len() + 1).ok()?;
        shape.insert(place, turns.clone());
    }
    Some(ValueType::Tensor(tensor))
}
