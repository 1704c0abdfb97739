//! One operator standing in for another: other frameworks' operators that differ from ONNX's in how their attributes and
//! inputs are written, and not in what they give.

use crate::model::{Attribute, DType, Dim, Node, ValueId, ValueType};
use crate::shapes::call::{Call, Outcome};
use crate::shapes::known::Known;
use std::sync::Arc;

/// An operand of the operator that stands in.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// An input of the node itself.
    Input(usize),
    /// Left out.
    Absent,
    /// A tensor of this shape.
    Shaped(Option<DType>, Option<Vec<Dim>>),
    /// A list of integers.
    List(Vec<Dim>),
}

/// An operator of the newest operator set, whose definitions the rules follow by default.
const OPSET: i64 = 23;

/// Infers the outputs of the node as ONNX's operator of this name gives them for these operands and attributes.
pub(super) fn infer(
    call: &mut Call<'_, '_>,
    op: &str,
    operands: &[Operand],
    attributes: Vec<(&str, Attribute)>,
) -> Outcome {
    let Some(rule) = super::find("", op) else { return Ok(()) };
    let mut inputs = Vec::with_capacity(operands.len());
    let mut contents = Vec::with_capacity(operands.len());
    let mut ids = Vec::with_capacity(operands.len());
    for operand in operands {
        let (id, of, known) = match operand {
            Operand::Input(index) => (
                call.node.inputs.get(*index).copied().flatten(),
                call.inputs.get(*index).cloned().flatten(),
                call.contents.get(*index).cloned().flatten(),
            ),
            Operand::Absent => (None, None, None),
            // No rule asks for more of an id than whether there is one.
            Operand::Shaped(dtype, shape) => {
                (Some(ValueId(u32::MAX)), Some(Arc::new(ValueType::tensor(*dtype, shape.clone()))), None)
            }
            Operand::List(items) => {
                let shape = vec![Dim::from_len(items.len())];
                let of = ValueType::tensor(Some(DType::I64), Some(shape));
                (Some(ValueId(u32::MAX)), Some(Arc::new(of)), Known::list(items.clone()).map(Arc::new))
            }
        };
        ids.push(id);
        inputs.push(of);
        contents.push(known);
    }
    let node = Node {
        name: call.node.name.clone(),
        op: op.into(),
        opset: OPSET,
        inputs: ids,
        outputs: call.node.outputs.clone(),
        attributes: attributes.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        ..Node::default()
    };
    let outputs = call.output_count();
    let mut inner = Call {
        node: &node,
        inputs,
        contents,
        symbols: &mut *call.symbols,
        outputs: vec![None; outputs],
        output_contents: vec![None; outputs],
    };
    let outcome = rule(&mut inner);
    let (outputs, output_contents) = (inner.outputs, inner.output_contents);
    (call.outputs, call.output_contents) = (outputs, output_contents);
    outcome
}

/// Takes what was inferred as the input of one operator more, with a list as its second operand; nothing for an empty list.
pub(super) fn again(call: &mut Call<'_, '_>, op: &str, list: Vec<Dim>) -> Outcome {
    if list.is_empty() {
        return Ok(());
    }
    let (of, known) = (call.outputs.first().cloned().flatten(), call.output_contents.first().cloned().flatten());
    let kept = (call.inputs.clone(), call.contents.clone());
    if let (Some(input), Some(contents)) = (call.inputs.first_mut(), call.contents.first_mut()) {
        (*input, *contents) = (of.map(Into::into), known.map(Into::into));
    }
    let outcome = infer(call, op, &[Operand::Input(0), Operand::List(list)], Vec::new());
    (call.inputs, call.contents) = kept;
    outcome
}

/// The node's inputs in their own order.
pub(super) fn inputs(call: &Call<'_, '_>) -> Vec<Operand> {
    (0..call.node.inputs.len()).map(Operand::Input).collect()
}

/// Some of the node's attributes under other names.
pub(super) fn renamed<'n>(call: &Call<'_, '_>, names: &[(&str, &'n str)]) -> Vec<(&'n str, Attribute)> {
    let pairs = names.iter().filter_map(|(own, name)| Some((*name, call.node.attributes.get(*own)?.clone())));
    pairs.collect()
}
