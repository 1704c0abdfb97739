//! Operators that move elements without computing: other shape, other order, cut, joined, repeated.

use super::Rule;
use super::elementwise::same_as_first;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, Unknown, agreed, axes, axis, broadcast, open_shape, product, show};
use crate::shapes::known::{Known, coordinates, place, sizes, strides};
use std::ops::Range;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "CenterCropPad" => center_crop_pad,
        "Concat" => concat,
        "DepthToSpace" => |call| blocks(call, true),
        "Expand" => expand,
        "Flatten" => flatten,
        "Identity" => |call| {
            call.pass(0, 0);
            Ok(())
        },
        "Pad" => pad,
        "Reshape" => reshape,
        "ReverseSequence" => same_as_first,
        "Shape" => shape,
        "Size" => size,
        "Slice" => slice,
        "SpaceToDepth" => |call| blocks(call, false),
        "Split" => split,
        "Squeeze" => squeeze,
        "Tile" => tile,
        "Transpose" => transpose,
        "Trilu" => trilu,
        "Unsqueeze" => unsqueeze,
        _ => return None,
    })
}

/// The first output holds the elements of the first input, in the same order, in this shape.
pub(super) fn set_reshaped(call: &mut Call<'_, '_>, shape: Option<Vec<Dim>>) {
    let dtype = call.dtype(0);
    let known = call.known(0).zip(shape.as_deref()).and_then(|(known, shape)| known.reshaped(shape));
    call.set_tensor(0, dtype, shape);
    call.set_known(0, known);
}

/// The number of elements of a list whose contents are not known: the rank of what it describes.
pub(super) fn described_rank(call: &Call<'_, '_>, index: usize) -> Option<usize> {
    match call.shape(index)?.as_slice() {
        [length] => usize::try_from(length.value()?).ok().filter(|rank| *rank <= MOST_RANK),
        _ => None,
    }
}

/// Highest rank that is believed of a list of unknown contents.
const MOST_RANK: usize = 64;

fn reshape(call: &mut Call<'_, '_>) -> Outcome {
    // Before version 5 the target is an attribute.
    let target = match call.node.ints("shape") {
        Some(attribute) if !call.has(1) => Some(attribute.iter().map(|dim| Dim::known(*dim)).collect::<Vec<_>>()),
        _ => call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec)),
    };
    let input = call.shape(0);
    let shape = match target {
        Some(target) => Some(reshaped(input.as_deref(), &target, call.flag("allowzero", false))?),
        None => described_rank(call, 1).map(open_shape),
    };
    set_reshaped(call, shape);
    Ok(())
}

/// The shape that a target of `Reshape` asks for: 0 copies a dimension, -1 takes what is left.
///
/// A single element that is not known also takes what is left.
pub(super) fn reshaped(input: Option<&[Dim]>, target: &[Dim], zero_is_zero: bool) -> Result<Vec<Dim>, Mismatch> {
    let mut shape = Vec::with_capacity(target.len());
    let mut copied = Vec::new();
    let mut left_open = Vec::new();
    let mut inferred = 0;
    for (index, wanted) in target.iter().enumerate() {
        match wanted.value() {
            Some(0) if !zero_is_zero => {
                copied.push(index);
                shape.push(match input {
                    Some(input) => input
                        .get(index)
                        .cloned()
                        .ok_or_else(|| Mismatch(format!("dimension {index} is to be copied from {}", show(input))))?,
                    None => Dim::UNKNOWN,
                });
            }
            Some(-1) => {
                inferred += 1;
                left_open.push(index);
                shape.push(Dim::UNKNOWN);
            }
            Some(size) if size < 0 => return Err(Mismatch(format!("{size} is not a dimension"))),
            Some(_) => shape.push(wanted.clone()),
            None => {
                left_open.push(index);
                shape.push(Dim::UNKNOWN);
            }
        }
    }
    if inferred > 1 {
        return Err(Mismatch("more than one dimension is -1".to_owned()));
    }
    let Some(input) = input else { return Ok(shape) };
    // Copied dimensions stand on both sides: without them the rest may be known although they are not, or are 0.
    let without = |dims: &[Dim], left_out: &[usize]| -> Vec<Dim> {
        let kept = dims.iter().enumerate().filter(|(index, _)| !copied.contains(index) && !left_out.contains(index));
        kept.map(|(_, dim)| dim.clone()).collect()
    };
    let (has, wants) = (without(input, &[]), without(&shape, &left_open));
    match left_open.as_slice() {
        [] => {
            let (has, wants) = (product(&has), product(&wants));
            if matches!((has.value(), wants.value()), (Some(a), Some(b)) if a != b) {
                return Err(Mismatch(format!("{} does not have the elements of {}", show(input), show(&shape))));
            }
        }
        [open] => {
            let left = quotient(&has, &wants)
                .map_err(|()| Mismatch(format!("{} cannot be divided into {}", show(input), show(&shape))))?;
            if let Some(slot) = shape.get_mut(*open) {
                *slot = left;
            }
        }
        _ => {}
    }
    Ok(shape)
}

/// The product of some dimensions over that of others; unknown where one is unknown or 0 stands above 0.
fn quotient(above: &[Dim], below: &[Dim]) -> Result<Dim, ()> {
    let (a, b) = (product(above), product(below));
    match (a.value(), b.value()) {
        // Both are empty: leave as many zeros out above as there are below.
        (Some(0), Some(0)) => {
            let zeros = below.iter().filter(|dim| dim.is(0)).count();
            let (empty, mut kept): (Vec<&Dim>, Vec<&Dim>) = above.iter().partition(|dim| dim.is(0));
            kept.extend(empty.get(zeros..).unwrap_or_default());
            let below = product(below.iter().filter(|dim| !dim.is(0)));
            if empty.len() < zeros { Ok(Dim::UNKNOWN) } else { Ok(product(kept).floor_div(&below)) }
        }
        (Some(a), Some(b)) if b == 0 || a % b != 0 => Err(()),
        _ => Ok(a.floor_div(&b)),
    }
}

fn transpose(call: &mut Call<'_, '_>) -> Outcome {
    let order = call.node.ints("perm").map(<[i64]>::to_vec);
    set_transposed(call, order)
}

/// The first output is the first input with its axes in this order, reversed where none is given.
pub(super) fn set_transposed(call: &mut Call<'_, '_>, order: Option<Vec<i64>>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        let shape = order.map(|order| open_shape(order.len()));
        call.set_tensor(0, dtype, shape);
        return Ok(());
    };
    let order = match order {
        Some(order) => axes(&order, input.len())?,
        None => (0..input.len()).rev().collect(),
    };
    if order.len() != input.len() {
        return Err(Mismatch(format!("{} axes to order for {}", order.len(), show(&input))));
    }
    if (0..input.len()).any(|axis| !order.contains(&axis)) {
        return Err(Mismatch("perm names an axis twice".to_owned()));
    }
    let shape: Vec<Dim> = order.iter().filter_map(|from| input.get(*from).cloned()).collect();
    let known = call.known(0).and_then(|known| {
        let from = strides(&known.shape);
        let from: Vec<usize> = order.iter().filter_map(|axis| from.get(*axis).copied()).collect();
        known.rearranged(sizes(&shape)?, |at| Some(place(at, &from)))
    });
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

fn squeeze(call: &mut Call<'_, '_>) -> Outcome {
    let wanted = call.ints_or_attribute(1, "axes");
    set_squeezed(call, wanted)
}

/// The first output is the first input without these axes, or without all of size 1.
pub(super) fn set_squeezed(call: &mut Call<'_, '_>, wanted: Result<Option<Vec<i64>>, Unknown>) -> Outcome {
    let shape = match (call.shape(0), wanted) {
        (Some(input), Ok(Some(list))) => {
            let gone = axes(&list, input.len())?;
            if let Some(dim) =
                gone.iter().filter_map(|axis| input.get(*axis)).find(|dim| dim.value().is_some_and(|v| v != 1))
            {
                return Err(Mismatch(format!("a dimension of {dim} cannot be left out of {}", show(&input))));
            }
            Some(input.into_iter().enumerate().filter(|(axis, _)| !gone.contains(axis)).map(|(_, dim)| dim).collect())
        }
        // Without axes every dimension of 1 goes; one that is not known may be 1.
        (Some(input), Ok(None)) if input.iter().all(|dim| dim.value().is_some()) => {
            Some(input.into_iter().filter(|dim| !dim.is(1)).collect())
        }
        (Some(input), Err(Unknown)) => {
            described_rank(call, 1).and_then(|gone| input.len().checked_sub(gone)).map(open_shape)
        }
        _ => None,
    };
    set_reshaped(call, shape);
    Ok(())
}

fn unsqueeze(call: &mut Call<'_, '_>) -> Outcome {
    let wanted = call.ints_or_attribute(1, "axes");
    set_unsqueezed(call, wanted)
}

/// The first output is the first input with new axes of size 1.
pub(super) fn set_unsqueezed(call: &mut Call<'_, '_>, wanted: Result<Option<Vec<i64>>, Unknown>) -> Outcome {
    let shape = match (call.shape(0), wanted) {
        (Some(input), Ok(Some(list))) => {
            let rank = input.len() + list.len();
            let new = axes(&list, rank)?;
            let mut old = input.into_iter();
            let dims = (0..rank).map(|axis| if new.contains(&axis) { Some(Dim::known(1)) } else { old.next() });
            Some(dims.collect::<Option<Vec<_>>>().ok_or_else(|| Mismatch("an axis is named twice".to_owned()))?)
        }
        (Some(input), Err(Unknown)) => described_rank(call, 1).map(|new| open_shape(input.len() + new)),
        _ => None,
    };
    set_reshaped(call, shape);
    Ok(())
}

fn flatten(call: &mut Call<'_, '_>) -> Outcome {
    let shape = match call.shape(0) {
        Some(input) => {
            let at = call.int_or("axis", 1);
            let rank = input.len();
            // The axis may also stand behind the last dimension.
            let at = if usize::try_from(at) == Ok(rank) { rank } else { axis(at, rank)? };
            Some(vec![product(input.iter().take(at)), product(input.iter().skip(at))])
        }
        None => Some(open_shape(2)),
    };
    set_reshaped(call, shape);
    Ok(())
}

fn shape(call: &mut Call<'_, '_>) -> Outcome {
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, Some(DType::I64), Some(open_shape(1)));
        return Ok(());
    };
    let rank = i64::try_from(input.len()).unwrap_or(i64::MAX);
    let bound = |value: i64| {
        let from_front = if value < 0 { value.saturating_add(rank) } else { value };
        usize::try_from(from_front.clamp(0, rank)).unwrap_or(0)
    };
    let (start, end) = (bound(call.int_or("start", 0)), bound(call.int_or("end", rank)));
    let dims: Vec<Dim> = input.into_iter().take(end).skip(start).collect();
    call.set_tensor(0, Some(DType::I64), Some(vec![Dim::from_len(dims.len())]));
    call.set_known(0, Known::list(dims));
    Ok(())
}

fn size(call: &mut Call<'_, '_>) -> Outcome {
    call.set_tensor(0, Some(DType::I64), Some(Vec::new()));
    if let Some(input) = call.shape(0) {
        call.set_known(0, Some(Known::scalar(product(&input))));
    }
    Ok(())
}

fn expand(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let target = call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec));
    let target = target.or_else(|| described_rank(call, 1).map(open_shape));
    let shape = match (call.shape(0), target) {
        (Some(input), Some(target)) => Some(broadcast(&input, &target)?),
        _ => None,
    };
    let known =
        call.known(0).zip(shape.as_deref().and_then(sizes)).and_then(|(known, shape)| known.broadcast_to(&shape));
    call.set_tensor(0, dtype, shape);
    call.set_known(0, known);
    Ok(())
}

fn tile(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        let shape =
            described_rank(call, 1).filter(|_| call.node.opset >= 6 || !call.node.domain.is_empty()).map(open_shape);
        call.set_tensor(0, dtype, shape);
        return Ok(());
    };
    let mut repeats = vec![Dim::known(1); input.len()];
    if call.node.opset < 6 && call.node.domain.is_empty() {
        // Version 1 repeats along one axis, given as a third input.
        let (times, along) = (call.integer(1), call.integer(2).value());
        match along {
            Some(along) => {
                let along = axis(along, input.len())?;
                if let Some(slot) = repeats.get_mut(along) {
                    *slot = times;
                }
            }
            None => repeats = open_shape(input.len()),
        }
    } else {
        match call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec)) {
            Some(given) if given.len() == input.len() => repeats = given,
            Some(given) => return Err(Mismatch(format!("{} repeats for {}", given.len(), show(&input)))),
            None => repeats = open_shape(input.len()),
        }
    }
    let shape: Vec<Dim> = input.iter().zip(&repeats).map(|(dim, times)| dim.mul(times)).collect();
    let known = call.known(0).and_then(|known| {
        let (from, of) = (strides(&known.shape), known.shape.clone());
        known.rearranged(sizes(&shape)?, |at| {
            let at = at.iter().zip(&of).map(|(at, size)| at.checked_rem(*size)).collect::<Option<Vec<_>>>()?;
            Some(place(&at, &from))
        })
    });
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

fn concat(call: &mut Call<'_, '_>) -> Outcome {
    let inputs = 0..call.node.inputs.len();
    // Only version 1 had a default.
    match call.node.int("axis") {
        Some(along) => set_joined(call, inputs, along),
        None if inputs.clone().any(|index| call.rank(index).is_some()) => {
            Err(Mismatch("its axis is missing or not a number".to_owned()))
        }
        None => Ok(()),
    }
}

/// The first output is some of the inputs, one behind the other along an axis.
pub(super) fn set_joined(call: &mut Call<'_, '_>, inputs: Range<usize>, along: i64) -> Outcome {
    let dtype = inputs.clone().find_map(|index| call.dtype(index));
    let Some(rank) = inputs.clone().find_map(|index| call.rank(index)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let along = axis(along, rank)?;
    let mut shape = open_shape(rank);
    let mut total = Dim::known(0);
    for index in inputs.clone() {
        let Some(input) = call.shape(index) else {
            total = Dim::UNKNOWN;
            continue;
        };
        if input.len() != rank {
            return Err(Mismatch(format!("input {index} has {} dimensions, the first {rank}", input.len())));
        }
        for (axis, (slot, dim)) in shape.iter_mut().zip(&input).enumerate() {
            if axis == along {
                total = total.add(dim);
            } else {
                *slot = agreed(slot, dim)?;
            }
        }
    }
    if let Some(slot) = shape.get_mut(along) {
        *slot = total;
    }
    call.set_tensor(0, dtype, Some(shape));
    let parts: Option<Vec<_>> = inputs.map(|index| call.elements(index)).collect();
    let known = parts.and_then(|parts| {
        let parts: Vec<&Known> = parts.iter().map(|part| part.as_ref()).collect();
        Known::joined(&parts, along)
    });
    call.set_known(0, known);
    Ok(())
}

/// The parts' lengths are an attribute before version 13 and an input since; without them the parts are equal.
fn split(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, outputs) = (call.dtype(0), call.output_count());
    let Some(input) = call.shape(0) else {
        for index in 0..outputs {
            call.set_tensor(index, dtype, None);
        }
        return Ok(());
    };
    let along = axis(call.int_or("axis", 0), input.len())?;
    let whole = input.get(along).cloned().unwrap_or_default();
    let lengths = match (call.has(1), call.node.ints("split")) {
        (true, _) => {
            let given = call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec));
            complete(given.unwrap_or_else(|| open_shape(outputs)), &whole)
        }
        (false, Some(given)) => given.iter().map(|length| Dim::known(*length)).collect(),
        (false, None) => equal_parts(&whole, usize::try_from(call.int_or("num_outputs", 0)).unwrap_or(0).max(outputs)),
    };
    let sum = lengths.iter().fold(Dim::known(0), |sum, length| sum.add(length));
    if matches!((sum.value(), whole.value()), (Some(sum), Some(whole)) if sum != whole) {
        return Err(Mismatch(format!("parts of {} in all for a dimension of {whole}", sum)));
    }
    let known = call.known(0);
    let mut offset = Dim::known(0);
    for index in 0..outputs {
        let length = lengths.get(index).cloned().unwrap_or_default();
        let mut shape = input.clone();
        if let Some(slot) = shape.get_mut(along) {
            *slot = length.clone();
        }
        let part = known.as_ref().and_then(|known| {
            let from = strides(&known.shape);
            let base = usize::try_from(offset.value()?).ok()?.checked_mul(*from.get(along)?)?;
            known.rearranged(sizes(&shape)?, |at| Some(base + place(at, &from)))
        });
        call.set_tensor(index, dtype, Some(shape));
        call.set_known(index, part);
        offset = offset.add(&length);
    }
    Ok(())
}

/// Where one part alone is not known, it is what the others leave.
fn complete(mut parts: Vec<Dim>, whole: &Dim) -> Vec<Dim> {
    let open: Vec<usize> =
        parts.iter().enumerate().filter(|(_, part)| part.value().is_none()).map(|(index, _)| index).collect();
    if let [open] = open.as_slice() {
        let others = parts.iter().filter(|part| part.value().is_some()).fold(Dim::known(0), |sum, part| sum.add(part));
        if let Some(slot) = parts.get_mut(*open) {
            *slot = whole.sub(&others);
        }
    }
    parts
}

/// Equal parts; where they cannot be, the last is smaller.
pub(super) fn equal_parts(whole: &Dim, parts: usize) -> Vec<Dim> {
    let count = Dim::from_len(parts);
    let each = whole.ceil_div(&count);
    let even = whole.value().zip(count.value()).is_none_or(|(whole, count)| whole.checked_rem(count) == Some(0));
    let mut left = whole.clone();
    let mut next = |_| {
        let part = if even { each.clone() } else { each.min(&left) };
        left = left.sub(&part);
        part
    };
    (0..parts).map(&mut next).collect()
}

/// Where a slice begins, its step, and how many elements it takes.
pub(super) struct Cut {
    pub start: Dim,
    pub step: i64,
    pub length: Dim,
}

/// One axis of `Slice`: bounds count from the back where negative and are clamped to the dimension.
pub(super) fn cut(start: &Dim, end: &Dim, step: i64, size: &Dim) -> Result<Cut, Mismatch> {
    let from_front =
        |bound: &Dim| if bound.value() < Some(0) && bound.value().is_some() { bound.add(size) } else { bound.clone() };
    let (start, end) = (from_front(start), from_front(end));
    let (zero, last) = (Dim::known(0), size.sub(&Dim::known(1)));
    if step > 0 {
        let start = start.max(&zero).min(size);
        let end = end.max(&zero).min(size);
        let length = end.sub(&start).max(&zero).ceil_div(&Dim::known(step));
        return Ok(Cut { start, step, length });
    }
    let Some(back) = step.checked_neg().filter(|back| *back > 0) else {
        return Err(Mismatch(format!("a step of {step}")));
    };
    let start = start.min(&last).max(&zero);
    let end = end.min(&last).max(&Dim::known(-1));
    // Of nothing, nothing is taken.
    let length = if size.is(0) { zero } else { start.sub(&end).max(&zero).ceil_div(&Dim::known(back)) };
    Ok(Cut { start, step, length })
}

fn slice(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    // Attributes before version 10.
    let bounds = |call: &Call<'_, '_>, index: usize, name: &str| -> Option<Vec<Dim>> {
        match call.node.ints(name) {
            Some(list) if !call.has(index) => Some(list.iter().map(|item| Dim::known(*item)).collect()),
            _ => call.elements(index)?.dims().map(<[Dim]>::to_vec),
        }
    };
    let (starts, ends) = (bounds(call, 1, "starts"), bounds(call, 2, "ends"));
    let count = starts.as_ref().or(ends.as_ref()).map(Vec::len).or(described_rank(call, 1));
    let along = match call.ints_or_attribute(3, "axes") {
        Ok(Some(list)) => Some(axes(&list, input.len())?),
        Ok(None) => count.map(|count| (0..count.min(input.len())).collect()),
        Err(Unknown) => None,
    };
    let Some(along) = along else {
        call.set_tensor(0, dtype, Some(open_shape(input.len())));
        return Ok(());
    };
    let steps = if call.has(4) {
        call.elements(4).and_then(|known| known.dims().map(<[Dim]>::to_vec))
    } else {
        Some(Vec::new())
    };
    let mut cuts: Vec<Cut> =
        input.iter().map(|size| Cut { start: Dim::known(0), step: 1, length: size.clone() }).collect();
    for (index, axis) in along.into_iter().enumerate() {
        let item =
            |list: &Option<Vec<Dim>>| list.as_ref().and_then(|list| list.get(index).cloned()).unwrap_or_default();
        let step = match &steps {
            Some(steps) if steps.is_empty() => Some(1),
            Some(steps) => steps.get(index).and_then(Dim::value),
            None => None,
        };
        let (Some(slot), Some(size)) = (cuts.get_mut(axis), input.get(axis)) else { continue };
        *slot = match step {
            Some(step) => cut(&item(&starts), &item(&ends), step, size)?,
            None => Cut { start: Dim::UNKNOWN, step: 1, length: Dim::UNKNOWN },
        };
    }
    set_cut(call, 0, &cuts);
    Ok(())
}

/// The first output is a cut out of an input, along every axis.
pub(super) fn set_cut(call: &mut Call<'_, '_>, input: usize, cuts: &[Cut]) {
    let dtype = call.dtype(input);
    let shape: Vec<Dim> = cuts.iter().map(|cut| cut.length.clone()).collect();
    let known = call.known(input).and_then(|known| {
        let from = strides(&known.shape);
        let starts = cuts.iter().map(|cut| cut.start.value()).collect::<Option<Vec<i64>>>()?;
        known.rearranged(sizes(&shape)?, |at| {
            let mut at_input = Vec::with_capacity(at.len());
            for ((at, start), cut) in at.iter().zip(&starts).zip(cuts) {
                at_input
                    .push(usize::try_from(start.checked_add(i64::try_from(*at).ok()?.checked_mul(cut.step)?)?).ok()?);
            }
            Some(place(&at_input, &from))
        })
    });
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
}

fn pad(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let attribute = call.node.ints("pads").or(call.node.ints("paddings"));
    let pads = match attribute {
        Some(list) if !call.has(1) => Some(list.iter().map(|item| Dim::known(*item)).collect::<Vec<_>>()),
        _ => call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec)),
    };
    let along = match call.ints_or_attribute(3, "axes") {
        Ok(Some(list)) => Some(axes(&list, input.len())?),
        Ok(None) => Some((0..input.len()).collect::<Vec<_>>()),
        Err(Unknown) => None,
    };
    let Some((pads, along)) = pads.zip(along) else {
        call.set_tensor(0, dtype, Some(open_shape(input.len())));
        return Ok(());
    };
    if pads.len() != 2 * along.len() {
        return Err(Mismatch(format!("{} pads for {} axes", pads.len(), along.len())));
    }
    let mut before = vec![Dim::known(0); input.len()];
    let mut shape = input.clone();
    let (fronts, backs) = pads.split_at(along.len());
    for ((axis, front), back) in along.iter().zip(fronts).zip(backs) {
        if let (Some(dim), Some(slot)) = (shape.get_mut(*axis), before.get_mut(*axis)) {
            *dim = dim.add(front).add(back);
            *slot = front.clone();
        }
    }
    if let Some(dim) = shape.iter().find(|dim| dim.value() < Some(0) && dim.value().is_some()) {
        return Err(Mismatch(format!("the pads cut {} down to {dim}", show(&input))));
    }
    let known = padded(call, &before, &shape);
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

/// Contents of a padded tensor, in the modes that shape arithmetic uses.
fn padded(call: &Call<'_, '_>, before: &[Dim], shape: &[Dim]) -> Option<Known> {
    let known = call.known(0)?;
    let edge = match call.node.text("mode").unwrap_or("constant") {
        "constant" => false,
        "edge" => true,
        _ => return None,
    };
    let fill = match (call.has(2), call.node.float("value")) {
        (true, _) => call.known(2)?.as_ref().clone(),
        (false, given) => match call.dtype(0)?.is_float() {
            true => Known::floats(Vec::new(), vec![given.unwrap_or(0.0)])?,
            false => Known::scalar(Dim::known(0)),
        },
    };
    let before = before.iter().map(Dim::value).collect::<Option<Vec<i64>>>()?;
    let (from, shape) = (strides(&known.shape), sizes(shape)?);
    let inside = |at: &Vec<usize>| -> Option<usize> {
        let mut source = Vec::with_capacity(at.len());
        for ((at, before), size) in at.iter().zip(&before).zip(&known.shape) {
            let at = i64::try_from(*at).ok()?.checked_sub(*before)?;
            let last = i64::try_from(*size).ok()?.checked_sub(1)?;
            let at = if edge && last >= 0 { at.clamp(0, last) } else { at };
            source.push(usize::try_from(at).ok().filter(|at| at < size)?);
        }
        Some(place(&source, &from))
    };
    let places: Vec<Option<usize>> = coordinates(&shape)?.iter().map(inside).collect();
    known.gather_or(shape, &places, &fill)
}

/// `DepthToSpace`: height and width grow by the block's size, channels shrink by its square. `SpaceToDepth` undoes it.
fn blocks(call: &mut Call<'_, '_>, to_space: bool) -> Outcome {
    let dtype = call.dtype(0);
    let block = call.node.int("blocksize").map_or(Dim::UNKNOWN, Dim::known);
    let area = block.mul(&block);
    let shape = match (call.shape(0).as_deref(), to_space) {
        (Some([batch, channels, height, width]), true) => {
            vec![batch.clone(), channels.floor_div(&area), height.mul(&block), width.mul(&block)]
        }
        (Some([batch, channels, height, width]), false) => {
            vec![batch.clone(), channels.mul(&area), height.floor_div(&block), width.floor_div(&block)]
        }
        (Some(input), _) => {
            return Err(Mismatch(format!("{} instead of batch × channels × height × width", show(input))));
        }
        (None, _) => open_shape(4),
    };
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// Sizes along some axes become those given; which part is kept does not matter here.
fn center_crop_pad(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut shape) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let along = match call.node.ints("axes") {
        Some(list) => axes(list, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    let wanted = call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec));
    for (index, axis) in along.into_iter().enumerate() {
        if let Some(slot) = shape.get_mut(axis) {
            *slot = wanted.as_ref().and_then(|wanted| wanted.get(index).cloned()).unwrap_or_default();
        }
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// One triangle of each matrix is kept, the other zeroed.
fn trilu(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let upper = call.flag("upper", true);
    let diagonal = if call.has(1) { call.integer(1).value() } else { Some(0) };
    let Some((known, diagonal)) = call.known(0).zip(diagonal) else { return Ok(()) };
    let zero = match known.dims() {
        Some(_) => Some(Known::scalar(Dim::known(0))),
        None => Known::floats(Vec::new(), vec![0.0]),
    };
    let keeps = |at: &Vec<usize>| -> Option<bool> {
        let (column, rest) = at.split_last()?;
        let offset = i64::try_from(*column).ok()?.checked_sub(i64::try_from(*rest.last()?).ok()?)?;
        Some(if upper { offset >= diagonal } else { offset <= diagonal })
    };
    let kept = zero.zip(coordinates(&known.shape)).and_then(|(zero, all)| {
        let from = strides(&known.shape);
        let places = all.iter().map(|at| Some(keeps(at)?.then(|| place(at, &from)))).collect::<Option<Vec<_>>>()?;
        known.gather_or(known.shape.clone(), &places, &zero)
    });
    call.set_known(0, kept);
    Ok(())
}
