//! Rules against types written down by hand. `check` is the only helper: operator, attributes and inputs as text.

use super::find;
use crate::model::{Attribute, DType, Dim, Node, ValueId, ValueType, Weight};
use crate::shapes::call::Call;
use crate::shapes::known::{Data, Known};
use crate::shapes::symbols::Symbols;
use std::sync::Arc;

/// Runs one rule. `what` is `Op`, `Op-11` for version 11, or `domain::Op`; attributes are `axis=1 axes=[0,2] mode=edge`.
/// A type is `f32[batch=2, ?, 3]`, with contents behind it as in `i64[2]{4, ?}`; `-` is an absent input.
/// Gives the outputs in the same way, or why the inputs do not fit.
fn infer(what: &str, attributes: &str, inputs: &[&str], outputs: usize) -> Result<Vec<String>, String> {
    let (domain, op) = what.split_once("::").unwrap_or(("", what));
    let (op, opset) = op.split_once('-').unwrap_or((op, "24"));
    let node = Node {
        name: op.into(),
        domain: domain.into(),
        op: op.into(),
        opset: opset.parse().unwrap(),
        inputs: (0..).zip(inputs).map(|(id, text)| (*text != "-").then_some(ValueId(id))).collect(),
        outputs: (0..outputs as u32).map(|id| Some(ValueId(100 + id))).collect(),
        attributes: attributes.split_whitespace().map(attribute).collect(),
        ..Node::default()
    };
    let parsed: Vec<_> = inputs.iter().map(|text| value(text)).collect();
    let mut symbols = Symbols::default();
    let mut call = Call {
        node: &node,
        inputs: parsed.iter().map(|(of, _)| of.clone().map(Arc::new)).collect(),
        contents: parsed.iter().map(|(_, known)| known.clone().map(Arc::new)).collect(),
        symbols: &mut symbols,
        outputs: vec![None; outputs],
        output_contents: vec![None; outputs],
    };
    find(domain, op).unwrap_or_else(|| panic!("no rule for {what}"))(&mut call).map_err(|mismatch| mismatch.0)?;
    Ok(call.outputs.iter().zip(&call.output_contents).map(|(of, known)| shown(of.as_ref(), known.as_ref())).collect())
}

#[track_caller]
pub(super) fn check(what: &str, attributes: &str, inputs: &[&str], outputs: &[&str]) {
    let found = infer(what, attributes, inputs, outputs.len());
    assert_eq!(found, Ok(outputs.iter().map(|text| (*text).to_owned()).collect()), "{what} {attributes} {inputs:?}");
}

#[track_caller]
fn check_misfit(what: &str, attributes: &str, inputs: &[&str], sentence: &str) {
    assert_eq!(infer(what, attributes, inputs, 1), Err(sentence.to_owned()), "{what} {attributes} {inputs:?}");
}

fn attribute(text: &str) -> (Arc<str>, Attribute) {
    let (name, value) = text.split_once('=').unwrap();
    let value = match value.strip_prefix('[') {
        Some(list) => Attribute::Ints(parts(list.trim_end_matches(']')).map(|item| item.parse().unwrap()).collect()),
        None => match (value.parse(), value.parse()) {
            (Ok(integer), _) => Attribute::Int(integer),
            (_, Ok(float)) => Attribute::Float(float),
            _ => Attribute::Text(value.into()),
        },
    };
    (name.into(), value)
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn dtype(name: &str) -> DType {
    *DType::ALL.iter().find(|dtype| dtype.name() == name).unwrap_or_else(|| panic!("no type {name}"))
}

fn dim(text: &str) -> Dim {
    match text.split_once('=') {
        Some((name, value)) => Dim::symbol(name, value.parse().unwrap()),
        None => text.parse().map_or(Dim::UNKNOWN, Dim::known),
    }
}

fn value(text: &str) -> (Option<ValueType>, Option<Known>) {
    let Some((name, rest)) = text.split_once('[') else { return (None, None) };
    let (dims, contents) = rest.split_once(']').unwrap();
    let (dtype, shape): (DType, Vec<Dim>) = (dtype(name), parts(dims).map(dim).collect());
    let known = contents.strip_prefix('{').map(|items| {
        let items = parts(items.trim_end_matches('}'));
        let sizes = shape.iter().map(|dim| dim.value().unwrap() as usize).collect();
        let data = match dtype.is_float() {
            true => Data::Floats(items.map(|item| item.parse().unwrap()).collect()),
            false => Data::Integers(items.map(dim).collect()),
        };
        Known::checked(sizes, data).unwrap()
    });
    let shape = if dims == "…" { None } else { Some(shape) };
    (Some(ValueType::tensor(Some(dtype), shape)), known)
}

fn shown(of: Option<&ValueType>, known: Option<&Known>) -> String {
    let tensor = match of {
        Some(ValueType::Tensor(tensor)) => tensor,
        Some(ValueType::Sequence(list)) => {
            let items = list
                .items
                .as_ref()
                .map(|items| items.iter().map(|item| shown(Some(item), None)).collect::<Vec<_>>().join("; "));
            return format!("list({})", items.unwrap_or("…".to_owned()));
        }
        Some(ValueType::Optional(inner)) => return format!("optional({})", shown(Some(inner), None)),
        Some(ValueType::Map) => return "map".to_owned(),
        None => return "-".to_owned(),
    };
    let joined = |dims: &[Dim]| dims.iter().map(Dim::to_string).collect::<Vec<_>>().join(", ");
    let shape = tensor.shape.as_ref().map_or("…".to_owned(), |shape| joined(shape));
    let contents = known.map_or(String::new(), |known| match &known.data {
        Data::Integers(items) => format!("{{{}}}", joined(items)),
        Data::Floats(items) => format!("{{{}}}", items.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    });
    format!("{}[{shape}]{contents}", tensor.dtype.map_or("?", DType::name))
}

#[test]
fn reshape_targets() {
    check("Reshape", "", &["f32[batch=2, 128, 768]", "i64[4]{0, -1, 12, 64}"], &["f32[batch, 128, 12, 64]"]);
    check("Reshape", "", &["f32[2, 3, 4]", "i64[2]{4, 6}"], &["f32[4, 6]"]);
    check("Reshape", "", &["f32[2, 3]", "i64[1]{-1}"], &["f32[6]"]);
    check("Reshape", "", &["f32[1]", "i64[0]{}"], &["f32[]"]);
    // One unknown element is what the others leave; beside -1 both stay open.
    check("Reshape", "", &["f32[2, 12, 64]", "i64[3]{?, 12, 64}"], &["f32[2, 12, 64]"]);
    check("Reshape", "", &["f32[2, 12, 64]", "i64[3]{?, -1, 64}"], &["f32[?, ?, 64]"]);
    check("Reshape", "", &["f32[?, 12, 64]", "i64[2]{0, -1}"], &["f32[?, 768]"]);
    // Unknown contents still tell the rank.
    check("Reshape", "", &["f32[2, 12]", "i64[3]"], &["f32[?, ?, ?]"]);
    check("Reshape", "", &["f32[2, 12]", "i64[?]"], &["f32[…]"]);
    // Empty tensors: a cache of no past.
    check("Reshape", "", &["f32[2, past=0, 768]", "i64[4]{0, 0, 12, -1}"], &["f32[2, past, 12, 64]"]);
    check("Reshape", "allowzero=1", &["f32[0, 3]", "i64[2]{3, 0}"], &["f32[3, 0]"]);
    check("Reshape-1", "shape=[3,-1]", &["f32[2, 6]"], &["f32[3, 4]"]);
    check("Reshape", "", &["i64[2]{5, 6}", "i64[2]{2, 1}"], &["i64[2, 1]{5, 6}"]);
    check_misfit("Reshape", "", &["f32[2, 3]", "i64[2]{4, -1}"], "2 × 3 cannot be divided into 4 × ?");
    check_misfit("Reshape", "", &["f32[2, 3]", "i64[2]{-1, -1}"], "more than one dimension is -1");
    check_misfit("Reshape", "", &["f32[2, 3]", "i64[1]{7}"], "2 × 3 does not have the elements of 7");
}

#[test]
fn shapes_as_contents() {
    check("Shape", "", &["f32[batch=2, 3, ?]"], &["i64[3]{batch, 3, ?}"]);
    check("Shape", "start=-2 end=-1", &["f32[2, 3, 4]"], &["i64[1]{3}"]);
    check("Shape", "start=2 end=1", &["f32[2, 3, 4]"], &["i64[0]{}"]);
    check("Shape", "", &["f32[…]"], &["i64[?]"]);
    check("Size", "", &["f32[batch=2, 3]"], &["i64[]{3·batch}"]);
    check("Gather", "", &["i64[3]{batch=2, 3, ?}", "i64[]{0}"], &["i64[]{batch}"]);
    check("Gather", "", &["i64[3]{batch=2, 3, ?}", "i64[2]{-1, 1}"], &["i64[2]{?, 3}"]);
    check("Concat", "axis=0", &["i64[1]{batch=2}", "i64[1]", "i64[1]{64}"], &["i64[3]{batch, ?, 64}"]);
    check("Concat", "axis=1", &["i64[2, 1]{1, 2}", "i64[2, 2]{3, 4, 5, 6}"], &["i64[2, 3]{1, 3, 4, 2, 5, 6}"]);
    check("Unsqueeze", "", &["i64[]{batch=2}", "i64[1]{0}"], &["i64[1]{batch}"]);
    check("Squeeze", "", &["i64[1]{batch=2}"], &["i64[]{batch}"]);
    check("Cast", "to=1", &["i64[1]{7}"], &["f32[1]{7}"]);
    check("Cast", "to=6", &["f32[2]{2.9, -2.9}"], &["i32[2]{2, -2}"]);
    check("ConstantOfShape", "", &["i64[2]{batch=2, 3}"], &["f32[batch, 3]{0, 0, 0, 0, 0, 0}"]);
}

#[test]
fn arithmetic_on_contents() {
    check("Mul", "", &["i64[1]{batch=2}", "i64[1]{12}"], &["i64[1]{12·batch}"]);
    check("Div", "", &["i64[3]{7, -7, ?}", "i64[]{2}"], &["i64[3]{3, -3, ?}"]);
    check("Div", "", &["i64[1]{7}", "i64[1]{0}"], &["i64[1]"]);
    check("Mod", "", &["i64[2]{7, -7}", "i64[]{4}"], &["i64[2]{3, 1}"]);
    check("Mod", "fmod=1", &["i64[2]{7, -7}", "i64[]{4}"], &["i64[2]{3, -3}"]);
    check("Pow", "", &["i64[2]{3, 2}", "f32[]{2}"], &["i64[2]{9, 4}"]);
    check("Mul", "", &["f32[1]{10}", "f32[1]{0.1}"], &["f32[1]{1}"]);
    check("Ceil", "", &["f32[2]{1.2, -1.2}"], &["f32[2]{2, -1}"]);
    check("Round", "", &["f32[3]{0.5, 1.5, 2.5}"], &["f32[3]{0, 2, 2}"]);
    check("Max", "", &["i64[1]{3}", "i64[1]{5}", "i64[1]{4}"], &["i64[1]{5}"]);
    check("Equal", "", &["i64[3]{-1, 4, ?}", "i64[]{-1}"], &["bool[3]{1, 0, ?}"]);
    check("And", "", &["bool[2]{0, 1}", "bool[2]"], &["bool[2]{0, ?}"]);
    check("Where", "", &["bool[2]{1, 0}", "i64[2]{5, 6}", "i64[2]"], &["i64[2]{5, ?}"]);
    check("Where", "", &["bool[2]", "i64[]{5}", "i64[2]{5, 6}"], &["i64[2]{5, ?}"]);
    check("Neg", "", &["i64[1]{batch=2}"], &["i64[1]{−batch}"]);
    check("Abs", "", &["i64[2]{-3, 4}"], &["i64[2]{3, 4}"]);
    check("Add", "", &["u8[1]{200}", "u8[1]{100}"], &["u8[1]"]);
    check("Range", "", &["i64[]{0}", "i64[]{length=3}", "i64[]{1}"], &["i64[length]{0, 1, 2}"]);
    check("Range", "", &["i64[]{5}", "i64[]{0}", "i64[]{-2}"], &["i64[3]{5, 3, 1}"]);
    check("Range", "", &["i64[]{0}", "i64[]", "i64[]{1}"], &["i64[Range.length]"]);
    check("Range", "", &["f32[]{0}", "f32[]{1}", "f32[]{0.5}"], &["f32[2]{0, 0.5}"]);
    check("CumSum", "", &["i64[3]{1, 2, 3}", "i64[]{0}"], &["i64[3]{1, 3, 6}"]);
    check("CumSum", "exclusive=1 reverse=1", &["i64[3]{1, 2, 3}", "i64[]{0}"], &["i64[3]{5, 3, 0}"]);
    check("ReduceProd", "keepdims=0", &["i64[2]{batch=2, 12}"], &["i64[]{12·batch}"]);
    check("ReduceMax", "", &["i64[2, 2]{1, 4, 3, 2}", "i64[1]{1}"], &["i64[2, 1]{4, 3}"]);
    check("ArgMax", "axis=0 keepdims=0", &["i64[3]{1, 5, 5}"], &["i64[]{1}"]);
    check("ArgMax", "axis=0 keepdims=0 select_last_index=1", &["i64[3]{1, 5, 5}"], &["i64[]{2}"]);
    check("Clip", "", &["i64[3]{-1, 5, ?}", "i64[]{0}", "i64[]{3}"], &["i64[3]{0, 3, ?}"]);
    check("Clip-6", "min=0.0 max=6.0", &["f32[2]{-1.5, 9}"], &["f32[2]{0, 6}"]);
}

#[test]
fn broadcasting() {
    check("Add", "", &["f32[batch=2, 1, 4]", "f32[3, 1]"], &["f32[batch, 3, 4]"]);
    check("Add", "", &["f32[?, 4]", "f32[3, 1]"], &["f32[3, 4]"]);
    check("Add-6", "broadcast=1 axis=1", &["f32[2, 3, 4]", "f32[3]"], &["f32[2, 3, 4]"]);
    check("Greater", "", &["f32[2]", "f32[]"], &["bool[2]"]);
    check("Pow", "", &["f32[2]", "i64[]"], &["f32[2]"]);
    check("PRelu", "", &["f32[2, 3, 4]", "f32[3, 1]"], &["f32[2, 3, 4]"]);
    check("Expand", "", &["f32[3, 1]", "i64[3]{2, 1, 6}"], &["f32[2, 3, 6]"]);
    check("Expand", "", &["f32[batch=2, 1]", "i64[2]{?, 5}"], &["f32[batch, 5]"]);
    check_misfit("Add", "", &["f32[2]", "f32[3]"], "shapes 2 and 3 do not broadcast");
}

#[test]
fn slices() {
    let x = "f32[batch=2, 10]";
    check("Slice", "", &[x, "i64[1]{2}", "i64[1]{9223372036854775807}", "i64[1]{1}"], &["f32[batch, 8]"]);
    check("Slice", "", &[x, "i64[1]{-3}", "i64[1]{-1}", "i64[1]{-1}"], &["f32[batch, 2]"]);
    check(
        "Slice",
        "",
        &[x, "i64[1]{9}", "i64[1]{-9223372036854775808}", "i64[1]{1}", "i64[1]{-3}"],
        &["f32[batch, 4]"],
    );
    check("Slice", "", &[x, "i64[1]", "i64[1]{5}", "i64[1]{1}"], &["f32[batch, ?]"]);
    check("Slice", "", &[x, "i64[1]", "i64[1]", "i64[1]"], &["f32[?, ?]"]);
    check("Slice", "", &["f32[length=7]", "i64[1]{0}", "i64[1]{-1}"], &["f32[length − 1]"]);
    check("Slice-9", "starts=[1] ends=[3] axes=[1]", &[x], &["f32[batch, 2]"]);
    check(
        "Slice",
        "",
        &["i64[4]{1, 2, 3, 4}", "i64[1]{-1}", "i64[1]{-5}", "i64[1]{0}", "i64[1]{-1}"],
        &["i64[4]{4, 3, 2, 1}"],
    );
    check("Slice", "", &["f32[0]", "i64[1]{5}", "i64[1]{-5}", "i64[1]{0}", "i64[1]{-1}"], &["f32[0]"]);
    check_misfit("Slice", "", &[x, "i64[1]{0}", "i64[1]{1}", "i64[1]{0}", "i64[1]{0}"], "a step of 0");
}

#[test]
fn other_movements() {
    check("Transpose", "perm=[1,0]", &["i64[2, 2]{1, 2, 3, 4}"], &["i64[2, 2]{1, 3, 2, 4}"]);
    check("Transpose", "", &["f32[2, 3, 4]"], &["f32[4, 3, 2]"]);
    check("Squeeze", "", &["f32[1, 3, 1]", "i64[1]{-1}"], &["f32[1, 3]"]);
    check("Squeeze-11", "axes=[0]", &["f32[1, 3, 1]"], &["f32[3, 1]"]);
    check("Squeeze", "", &["f32[1, ?]"], &["f32[…]"]);
    check_misfit("Squeeze", "", &["f32[2, 3]", "i64[1]{0}"], "a dimension of 2 cannot be left out of 2 × 3");
    check("Unsqueeze", "", &["f32[3]", "i64[2]{0, -1}"], &["f32[1, 3, 1]"]);
    check("Flatten", "", &["f32[batch=2, 3, 4]"], &["f32[batch, 12]"]);
    check("Flatten", "axis=3", &["f32[2, 3, 4]"], &["f32[24, 1]"]);
    check("Flatten", "axis=-1", &["f32[2, 3, 4]"], &["f32[6, 4]"]);
    check("Concat", "axis=-1", &["f32[2, length=3]", "f32[2, 1]"], &["f32[2, length + 1]"]);
    check("Concat", "axis=0", &["f32[2, ?]", "f32[3, 4]"], &["f32[5, 4]"]);
    check("Split", "", &["f32[7, 2]", "i64[2]{3, 4}"], &["f32[3, 2]", "f32[4, 2]"]);
    check("Split", "num_outputs=3", &["f32[7]"], &["f32[3]", "f32[3]", "f32[1]"]);
    check("Split", "axis=1 num_outputs=2", &["f32[2, width=8]"], &["f32[2, ⌈width/2⌉]", "f32[2, ⌈width/2⌉]"]);
    check("Split-11", "split=[1,2]", &["i64[3]{7, 8, 9}"], &["i64[1]{7}", "i64[2]{8, 9}"]);
    check_misfit("Split", "", &["f32[7]", "i64[2]{3, 3}"], "parts of 6 in all for a dimension of 7");
    check("Pad", "", &["f32[2, height=3]", "i64[4]{0, 1, 0, 1}"], &["f32[2, height + 2]"]);
    check("Pad", "", &["i64[2]{1, 2}", "i64[2]{1, 1}"], &["i64[4]{0, 1, 2, 0}"]);
    check("Pad", "mode=edge", &["i64[2]{1, 2}", "i64[2]{1, 1}"], &["i64[4]{1, 1, 2, 2}"]);
    check("Pad", "", &["f32[2, 3]", "i64[2]{1, 1}", "-", "i64[1]{-1}"], &["f32[2, 5]"]);
    check("Pad-2", "pads=[0,0,-1,0]", &["f32[2, 3]"], &["f32[1, 3]"]);
    check("Tile", "", &["i64[2]{1, 2}", "i64[1]{2}"], &["i64[4]{1, 2, 1, 2}"]);
    check("Tile", "", &["f32[batch=2, 3]", "i64[2]{1, ?}"], &["f32[batch, ?]"]);
    check("DepthToSpace", "blocksize=2", &["f32[1, 8, 3, 5]"], &["f32[1, 2, 6, 10]"]);
    check("SpaceToDepth", "blocksize=2", &["f32[1, 2, 6, 10]"], &["f32[1, 8, 3, 5]"]);
    check("CenterCropPad", "axes=[1]", &["f32[2, 9]", "i64[1]{4}"], &["f32[2, 4]"]);
    check("Trilu", "upper=0", &["i64[2, 2]{1, 2, 3, 4}"], &["i64[2, 2]{1, 0, 3, 4}"]);
}

#[test]
fn picking_and_placing() {
    check("Gather", "axis=1", &["f32[30522, 768]", "i64[batch=2, 7]"], &["f32[30522, batch, 7]"]);
    check("GatherElements", "axis=1", &["i64[2, 2]{1, 2, 3, 4}", "i64[2, 1]{1, 0}"], &["i64[2, 1]{2, 3}"]);
    check("GatherND", "", &["f32[2, 3, 4]", "i64[5, 2]"], &["f32[5, 4]"]);
    check("GatherND", "batch_dims=1", &["i64[2, 2]{1, 2, 3, 4}", "i64[2, 1]{1, 0}"], &["i64[2]{2, 3}"]);
    check("ScatterND", "", &["i64[3]{1, 2, 3}", "i64[1, 1]{1}", "i64[1]{batch=9}"], &["i64[3]{1, batch, 3}"]);
    check(
        "ScatterElements",
        "reduction=add",
        &["i64[3]{1, 2, 3}", "i64[2]{1, 1}", "i64[2]{5, 6}"],
        &["i64[3]{1, 13, 3}"],
    );
    check("OneHot", "", &["i64[2]{0, -1}", "i64[]{3}", "i64[2]{0, 1}"], &["i64[2, 3]{1, 0, 0, 0, 0, 1}"]);
    check("OneHot", "axis=0", &["i64[batch=2]", "i64[1]{3}", "f32[2]"], &["f32[3, batch]"]);
    check("NonZero", "", &["i64[2, 2]{1, 0, 0, 1}"], &["i64[2, 2]{0, 1, 0, 1}"]);
    check("NonZero", "", &["f32[2, 3]"], &["i64[2, NonZero.count]"]);
    check("Compress", "axis=1", &["i64[2, 3]{1, 2, 3, 4, 5, 6}", "bool[3]{0, 1, 1}"], &["i64[2, 2]{2, 3, 5, 6}"]);
    check("Compress", "", &["f32[2, 3]", "bool[4]"], &["f32[Compress.count]"]);
    check("TopK", "", &["i64[4]{3, 9, 9, 1}", "i64[1]{2}"], &["i64[2]{9, 9}", "i64[2]{1, 2}"]);
    check("TopK", "", &["f32[2, 9]", "i64[1]"], &["f32[2, TopK.k]", "i64[2, TopK.k]"]);
    check("TopK-9", "k=3", &["f32[2, 9]"], &["f32[2, 3]", "i64[2, 3]"]);
    check_misfit("TopK", "", &["f32[2]", "i64[1]{3}"], "the 3 largest of a dimension of 2");
    let x = "i64[6]{2, 1, 1, 3, 4, 3}";
    check(
        "Unique",
        "",
        &[x],
        &["i64[4]{1, 2, 3, 4}", "i64[4]{1, 0, 3, 4}", "i64[6]{1, 0, 0, 2, 3, 2}", "i64[4]{2, 1, 2, 1}"],
    );
    check(
        "Unique",
        "sorted=0",
        &[x],
        &["i64[4]{2, 1, 3, 4}", "i64[4]{0, 1, 3, 4}", "i64[6]{0, 1, 1, 2, 3, 2}", "i64[4]{1, 2, 2, 1}"],
    );
    check("Unique", "axis=0", &["i64[3, 2]{1, 0, 1, 0, 2, 3}"], &["i64[2, 2]{1, 0, 2, 3}", "i64[2]{0, 2}"]);
}

#[test]
fn reductions_and_losses() {
    check("ReduceMean", "", &["f32[batch=2, 3, 4]", "i64[1]{-1}"], &["f32[batch, 3, 1]"]);
    check("ReduceMean-11", "axes=[1,2] keepdims=0", &["f32[batch=2, 3, 4]"], &["f32[batch]"]);
    check("ReduceSum", "noop_with_empty_axes=1", &["f32[2, 3]"], &["f32[2, 3]"]);
    check("ReduceSum", "keepdims=0", &["f32[2, 3]", "i64[1]"], &["f32[…]"]);
    check("ReduceSum", "", &["f32[2, 3]", "i64[1]"], &["f32[?, ?]"]);
    check("Softmax", "", &["f32[2, ?]"], &["f32[2, ?]"]);
    check("SoftmaxCrossEntropyLoss", "", &["f32[2, 5]", "i64[2]"], &["f32[]", "f32[2, 5]"]);
    check("NegativeLogLikelihoodLoss", "reduction=none", &["f32[2, 5, 6]", "i64[2, 6]"], &["f32[2, 6]"]);
}

#[test]
fn made_of_nothing() {
    check("Constant", "value_ints=[4,5]", &[], &["i64[2]{4, 5}"]);
    check("EyeLike", "dtype=7 k=1", &["f32[2, 3]"], &["i64[2, 3]{0, 1, 0, 0, 0, 1}"]);
    check("RandomNormal", "shape=[2,3]", &[], &["f32[2, 3]"]);
    check("RandomUniformLike", "dtype=10", &["f32[2, 3]"], &["f16[2, 3]"]);
    check("Bernoulli", "", &["f64[2]"], &["f64[2]"]);
    check("Multinomial", "sample_size=4", &["f32[2, 10]"], &["i32[2, 4]"]);
    check("Dropout-7", "", &["f32[2]"], &["f32[2]", "f32[2]"]);
    check("Dropout", "", &["f32[2]"], &["f32[2]", "bool[2]"]);
}

#[test]
fn lists_and_options() {
    check("SequenceConstruct", "", &["f32[2]", "f32[3]"], &["list(f32[2]; f32[3])"]);
    check("SplitToSequence", "", &["f32[3, 4]"], &["list(f32[1, 4]; f32[1, 4]; f32[1, 4])"]);
    check("SplitToSequence", "keepdims=0 axis=1", &["f32[3, 2]"], &["list(f32[3]; f32[3])"]);
    check("SplitToSequence", "", &["f32[5]", "i64[]{2}"], &["list(f32[2]; f32[2]; f32[1])"]);
    check("SplitToSequence", "", &["f32[5]", "i64[2]{4, 1}"], &["list(f32[4]; f32[1])"]);
    check("Optional", "", &["f32[2]"], &["optional(f32[2])"]);
    check("OptionalHasElement", "", &["f32[2]"], &["bool[]{1}"]);
    check("OptionalHasElement", "", &["-"], &["bool[]{0}"]);
}

#[test]
fn texts() {
    check("StringConcat", "", &["string[2, 1]", "string[3]"], &["string[2, 3]"]);
    check("StringNormalizer", "", &["string[4]"], &["string[4]"]);
    check("StringSplit", "", &["string[4]"], &["string[4, StringSplit.parts]", "i64[4]"]);
    check("TfIdfVectorizer", "ngram_indexes=[0,2,1]", &["i64[2, 9]"], &["f32[2, 3]"]);
    check("RegexFullMatch", "", &["string[4]"], &["bool[4]"]);
}

#[test]
fn classical_learning_and_training() {
    check("ai.onnx.ml::LinearRegressor", "targets=3", &["f32[batch=2, 9]"], &["f32[batch, 3]"]);
    check("ai.onnx.ml::TreeEnsembleClassifier", "classlabels_int64s=[0,1,2]", &["f32[2, 9]"], &["i64[2]", "f32[2, 3]"]);
    check(
        "ai.onnx.ml::SVMClassifier",
        "classlabels_ints=[0,1,2,3] vectors_per_class=[1,1,1,1]",
        &["f32[2, 9]"],
        &["i64[2]", "f32[2, 6]"],
    );
    check("ai.onnx.ml::ArrayFeatureExtractor", "", &["f32[2, 9]", "i64[1, 3]"], &["f32[2, 3]"]);
    check("ai.onnx.ml::FeatureVectorizer", "", &["f32[2, 9]", "f32[2, 1]"], &["f32[2, 10]"]);
    check("ai.onnx.ml::OneHotEncoder", "cats_int64s=[1,2,3]", &["i64[2]"], &["f32[2, 3]"]);
    check("ai.onnx.ml::ZipMap", "", &["f32[2, 9]"], &["list(map; map)"]);
    let state = ["f32[]", "i64[]", "f32[2]", "f32[3]", "f32[2]", "f32[3]", "f32[2]", "f32[3]"];
    check("ai.onnx.preview.training::Momentum", "", &state, &["f32[2]", "f32[3]", "f32[2]", "f32[3]"]);
}

/// Every operator of the standard's schemas (version 1.23 of the `onnx` package) that is computed by a rule.
const STANDARD: &str = "
    Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization
    Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike
    CausalConvWithState Ceil Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant
    ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace
    DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU
    Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual
    GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity ImageDecoder
    InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual LinearAttention Log
    LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean
    MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss
    NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or PRelu Pad Pow QLinearConv
    QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike
    Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT
    Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert
    SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign
    SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan
    Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor";
/// The operators of the other domains of the standard.
const OTHERS: &str = "
    ai.onnx.ml::ArrayFeatureExtractor ai.onnx.ml::Binarizer ai.onnx.ml::CastMap ai.onnx.ml::CategoryMapper
    ai.onnx.ml::DictVectorizer ai.onnx.ml::FeatureVectorizer ai.onnx.ml::Imputer ai.onnx.ml::LabelEncoder
    ai.onnx.ml::LinearClassifier ai.onnx.ml::LinearRegressor ai.onnx.ml::Normalizer ai.onnx.ml::OneHotEncoder
    ai.onnx.ml::SVMClassifier ai.onnx.ml::SVMRegressor ai.onnx.ml::Scaler ai.onnx.ml::TreeEnsemble
    ai.onnx.ml::TreeEnsembleClassifier ai.onnx.ml::TreeEnsembleRegressor ai.onnx.ml::ZipMap
    ai.onnx.preview::FlexAttention ai.onnx.preview.training::Adagrad ai.onnx.preview.training::Adam
    ai.onnx.preview.training::Gradient ai.onnx.preview.training::Momentum";

fn every_operator() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lists = [STANDARD, OTHERS, super::contrib::tests::OPERATORS];
    lists.into_iter().flat_map(str::split_whitespace).map(|name| name.split_once("::").unwrap_or(("", name)))
}

#[test]
fn every_operator_has_a_rule() {
    let missing: Vec<_> = every_operator().filter(|(domain, op)| find(domain, op).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of.get(self.roll(of.len())).cloned().unwrap()
    }
}

/// Attribute names that rules read.
const NAMES: &str = "
    allowzero auto_pad axes axis batch_axis batch_dims bits block_size blocksize ceil_mode channels channels_last
    classlabels_ints
    classlabels_int64s cats_int64s dilations direction dtype end equation exclusive fmod group hidden_size
    inputdimensions k k_num_heads keepdims kernel_shape kv_num_heads layout max_map mode n_targets new_axis
    ngram_indexes noop_with_empty_axes num_groups num_heads num_outputs offset_group onesided output_datatype
    output_dtype output_height output_padding output_shape output_width pads perm pooled_shape q_num_heads reduction
    reverse sample_size scales shape sizes sorted split start starts ends stash_type storage_order strides targets to
    transA transB transBatchA upper value value_float value_floats value_int value_ints vectors_per_class";

/// Nodes as a hostile file may hold them: any operator with any inputs and attributes. A rule may refuse, never panic.
#[test]
fn no_rule_panics() {
    let sizes = [0, 1, 1, 2, 2, 3, 4, 8, 64, 5000, -1, i64::MAX, i64::MIN];
    let mut dice = Dice(7);
    for turn in 0..60 {
        for (domain, op) in every_operator() {
            let mut attributes = std::collections::BTreeMap::new();
            for _ in 0..dice.roll(8) {
                let name = dice.pick(&NAMES.split_whitespace().collect::<Vec<_>>());
                let ints = |dice: &mut Dice| (0..dice.roll(5)).map(|_| dice.pick(&sizes)).collect();
                let attribute = match dice.roll(6) {
                    0 | 1 => Attribute::Int(dice.pick(&sizes)),
                    2 | 3 => Attribute::Ints(ints(&mut dice)),
                    4 => Attribute::Floats(vec![0.0, f64::NAN, -1e300]),
                    _ => Attribute::Text(
                        dice.pick(&["SAME_UPPER", "VALID", "add", "edge", "ij,jk->ik", "...i,->", "é"]).into(),
                    ),
                };
                attributes.insert(name.into(), attribute);
            }
            let input = |dice: &mut Dice| {
                let dtype = dice.pick(DType::ALL);
                let rank = dice.roll(5);
                let shape: Vec<Dim> = (0..rank)
                    .map(|_| match dice.roll(8) {
                        0 => Dim::UNKNOWN,
                        1 => Dim::symbol("s", dice.pick(&sizes).max(0)),
                        _ => Dim::known(dice.pick(&sizes).max(0)),
                    })
                    .collect();
                let known = crate::shapes::known::sizes(&shape).and_then(Known::open).and_then(|open| {
                    let (count, shape) = (open.len(), open.shape);
                    let data = match dice.roll(3) {
                        0 => Data::Floats((0..count).map(|_| dice.pick(&[0.0, 1.0, -2.5, 1e300, f64::NAN])).collect()),
                        1 => return None,
                        _ => Data::Integers((0..count).map(|_| Dim::known(dice.pick(&sizes))).collect()),
                    };
                    Known::checked(shape, data)
                });
                match dice.roll(10) {
                    0 => (None, None),
                    1 => (Some(ValueType::tensor(Some(dtype), None)), None),
                    2 => (Some(ValueType::Sequence(Default::default())), None),
                    _ => (Some(ValueType::tensor(Some(dtype), Some(shape))), known),
                }
            };
            let inputs: Vec<_> = (0..dice.roll(7)).map(|_| input(&mut dice)).collect();
            let node = Node {
                name: op.into(),
                domain: domain.into(),
                op: op.into(),
                opset: dice.pick(&[1, 7, 9, 11, 13, 18, 25]),
                inputs: (0..).zip(&inputs).map(|(id, _)| (dice.roll(8) != 0).then_some(ValueId(id))).collect(),
                outputs: (0..dice.roll(5)).map(|_| Some(ValueId(99))).collect(),
                attributes,
                ..Node::default()
            };
            let mut symbols = Symbols::default();
            let outputs = node.outputs.len();
            let mut call = Call {
                node: &node,
                inputs: inputs.iter().map(|(of, _)| of.clone().map(Arc::new)).collect(),
                contents: inputs.iter().map(|(_, known)| known.clone().map(Arc::new)).collect(),
                symbols: &mut symbols,
                outputs: vec![None; outputs],
                output_contents: vec![None; outputs],
            };
            let rule = find(domain, op).unwrap();
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rule(&mut call).is_ok()));
            assert!(caught.is_ok(), "turn {turn}: {node:?} with {inputs:?}");
        }
    }
}

#[test]
fn a_constant_in_any_form() {
    let weight = Weight {
        contents: Some(crate::model::Contents::Integers(vec![3, 4])),
        ..Weight::new(DType::I64, vec![2], crate::model::Storage::Inside { offset: 0 })
    };
    for (name, attribute, expected) in [
        ("value", Attribute::Tensor(Box::new(weight.clone())), "i64[2]{3, 4}"),
        ("sparse_value", Attribute::Tensor(Box::new(weight)), "i64[2]{3, 4}"),
        ("value_int", Attribute::Int(3), "i64[]{3}"),
        ("value_float", Attribute::Float(0.5), "f32[]{0.5}"),
        ("value_floats", Attribute::Floats(vec![0.5, 1.0]), "f32[2]{0.5, 1}"),
        ("value_strings", Attribute::Texts(vec!["a".into()]), "string[1]Texts([\"a\"])"),
    ] {
        let node = Node {
            op: "Constant".into(),
            outputs: vec![Some(ValueId(0))],
            attributes: [(name.into(), attribute)].into(),
            ..Node::default()
        };
        let mut symbols = Symbols::default();
        let mut call = Call {
            node: &node,
            inputs: Vec::new(),
            contents: Vec::new(),
            symbols: &mut symbols,
            outputs: vec![None],
            output_contents: vec![None],
        };
        find("", "Constant").unwrap()(&mut call).unwrap();
        let found = shown(call.outputs.first().unwrap().as_ref(), call.output_contents.first().unwrap().as_ref());
        assert_eq!(found, expected, "{name}");
    }
}
