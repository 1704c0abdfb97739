//! Operators on lists of tensors and on values that may be absent.

use super::Rule;
use super::movement::equal_parts;
use crate::model::{DType, DeclaredDim, DeclaredType, Dim, SequenceType, ValueType};
use crate::shapes::Known;
use crate::shapes::call::{Call, Mismatch, Outcome, agreed, axis, show};
use std::sync::Arc;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "ConcatFromSequence" => concat_from_sequence,
        "Optional" => optional,
        "OptionalGetElement" => optional_get_element,
        "OptionalHasElement" => optional_has_element,
        "SequenceAt" => sequence_at,
        "SequenceConstruct" => sequence_construct,
        "SequenceEmpty" => sequence_empty,
        "SequenceErase" => sequence_erase,
        "SequenceInsert" => sequence_insert,
        "SequenceLength" => sequence_length,
        "SplitToSequence" => split_to_sequence,
        _ => return None,
    })
}

/// Longest list whose elements are followed one by one.
const MOST_ITEMS: usize = 4096;

/// What two types have in common: a dimension in which they differ is open.
fn common(a: &ValueType, b: &ValueType) -> Option<ValueType> {
    let (a, b) = (a.as_tensor()?, b.as_tensor()?);
    let dtype = if a.dtype == b.dtype { a.dtype } else { None };
    let shape = match (&a.shape, &b.shape) {
        (Some(left), Some(right)) if left.len() == right.len() => {
            let same = |(a, b): (&Dim, &Dim)| if a == b { a.clone() } else { Dim::UNKNOWN };
            Some(left.iter().zip(right).map(same).collect())
        }
        _ => None,
    };
    Some(ValueType::tensor(dtype, shape))
}

/// The type of a list of these items.
fn list_of(items: Vec<ValueType>) -> ValueType {
    let mut each = items.iter().cloned().map(Some);
    let first = each.next().flatten();
    let element = each.fold(first, |a, b| common(&a?, &b?)).map(Box::new);
    let items = (items.len() <= MOST_ITEMS).then_some(items);
    ValueType::Sequence(SequenceType { element, items })
}

fn list(call: &Call<'_, '_>, index: usize) -> Option<SequenceType> {
    match call.input(index)? {
        ValueType::Sequence(list) => Some(list.clone()),
        ValueType::Optional(inner) => match inner.as_ref() {
            ValueType::Sequence(list) => Some(list.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A place in a list, counted from the front; `beyond` allows the place behind the last.
fn item_index(position: i64, length: usize, beyond: bool) -> Result<usize, Mismatch> {
    let from_front =
        if position < 0 { i64::try_from(length).ok().and_then(|n| position.checked_add(n)) } else { Some(position) };
    let place = from_front.and_then(|place| usize::try_from(place).ok());
    match place {
        Some(place) if place < length || (beyond && place == length) => Ok(place),
        _ => Err(Mismatch(format!("place {position} is outside a list of {length}"))),
    }
}

fn sequence_construct(call: &mut Call<'_, '_>) -> Outcome {
    let items: Option<Vec<_>> = (0..call.node.inputs.len()).map(|index| call.input(index).cloned()).collect();
    let list = match items {
        Some(items) => list_of(items),
        None => ValueType::Sequence(SequenceType::default()),
    };
    call.set(0, list);
    let items = (0..call.node.inputs.len()).map(|index| call.known(index)).collect();
    call.set_known(0, Known::list_of(items));
    Ok(())
}

fn sequence_empty(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype_attribute("dtype").unwrap_or(DType::F32);
    let element = Some(Box::new(ValueType::tensor(Some(dtype), None)));
    call.set(0, ValueType::Sequence(SequenceType { element, items: Some(Vec::new()) }));
    call.set_known(0, Known::list_of(Vec::new()));
    Ok(())
}

/// The contents of a list's items, as far as known.
fn contents(call: &Call<'_, '_>) -> Option<Vec<Option<Arc<Known>>>> {
    Some(call.known(0)?.items()?.to_vec())
}

fn sequence_insert(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(list), Some(new)) = (list(call, 0), call.input(1).cloned()) else { return Ok(()) };
    let position = match call.has(2) {
        true => call.integer(2).value().map(Some),
        false => Some(None),
    };
    let merged = match &list.element {
        Some(element) if list.items.as_ref().is_none_or(|items| !items.is_empty()) => common(element, &new),
        _ => Some(new.clone()),
    };
    let mut known = None;
    let result = match (list.items, position) {
        (Some(mut items), Some(position)) => {
            let place = match position {
                Some(position) => item_index(position, items.len(), true)?,
                None => items.len(),
            };
            items.insert(place, new);
            known = contents(call).filter(|known| known.len() + 1 == items.len()).map(|mut known| {
                known.insert(place, call.known(1));
                known
            });
            list_of(items)
        }
        // Where it goes is not known: how many there are is, and what they have in common.
        (Some(items), None) => {
            let items = merged.clone().map(|merged| vec![merged; items.len() + 1]);
            ValueType::Sequence(SequenceType { element: merged.map(Box::new), items })
        }
        (None, _) => ValueType::Sequence(SequenceType { element: merged.map(Box::new), items: None }),
    };
    call.set(0, result);
    call.set_known(0, known.and_then(Known::list_of));
    Ok(())
}

fn sequence_erase(call: &mut Call<'_, '_>) -> Outcome {
    let Some(list) = list(call, 0) else { return Ok(()) };
    let position = if call.has(1) { call.integer(1).value() } else { Some(-1) };
    let mut known = None;
    let result = match (list.items, position) {
        (Some(mut items), Some(position)) => {
            let place = item_index(position, items.len(), false)?;
            known = contents(call).filter(|known| known.len() == items.len()).map(|mut known| {
                known.remove(place);
                known
            });
            items.remove(place);
            match items.is_empty() {
                true => ValueType::Sequence(SequenceType { element: list.element, items: Some(items) }),
                false => list_of(items),
            }
        }
        (Some(items), None) => {
            let left = list.element.as_deref().map(|element| vec![element.clone(); items.len().saturating_sub(1)]);
            ValueType::Sequence(SequenceType { element: list.element, items: left })
        }
        (None, _) => ValueType::Sequence(SequenceType { element: list.element, items: None }),
    };
    call.set(0, result);
    call.set_known(0, known.and_then(Known::list_of));
    Ok(())
}

fn sequence_at(call: &mut Call<'_, '_>) -> Outcome {
    let Some(list) = list(call, 0) else { return Ok(()) };
    let mut known = None;
    let item = match (&list.items, call.integer(1).value()) {
        (Some(items), Some(position)) => {
            let place = item_index(position, items.len(), false)?;
            known = contents(call).and_then(|known| known.get(place).cloned().flatten());
            items.get(place).cloned()
        }
        _ => list.element.map(|element| *element),
    };
    if let Some(item) = item {
        call.set(0, item);
        call.set_known(0, known.map(|known| known.as_ref().clone()));
    }
    Ok(())
}

fn sequence_length(call: &mut Call<'_, '_>) -> Outcome {
    call.set_tensor(0, Some(DType::I64), Some(Vec::new()));
    let length = list(call, 0).and_then(|list| list.items).map(|items| Known::scalar(Dim::from_len(items.len())));
    call.set_known(0, length);
    Ok(())
}

/// The axis is split into parts of the given length or lengths; without them into parts of 1, whose axis may be left out.
fn split_to_sequence(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        let element = Some(Box::new(ValueType::tensor(dtype, None)));
        call.set(0, ValueType::Sequence(SequenceType { element, items: None }));
        return Ok(());
    };
    let along = axis(call.int_or("axis", 0), input.len())?;
    let whole = input.get(along).cloned().unwrap_or_default();
    let short = |parts: &Dim| parts.size().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= MOST_ITEMS);
    let squeezed = !call.has(1) && !call.flag("keepdims", true);
    let lengths: Option<Vec<Dim>> = match (call.has(1), call.rank(1)) {
        (false, _) => short(&whole).map(|parts| equal_parts(&whole, parts)),
        // One number: parts of that length, the last as long as what is left.
        (true, Some(0)) => {
            let each = call.integer(1);
            short(&whole.ceil_div(&each)).map(|parts| {
                let mut left = whole.clone();
                let mut next = |_| {
                    let part = each.min(&left);
                    left = left.sub(&part);
                    part
                };
                (0..parts).map(&mut next).collect()
            })
        }
        (true, _) => call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec)),
    };
    let item = |length: Dim| {
        let mut shape = input.clone();
        match (squeezed, shape.get_mut(along)) {
            (true, _) => {
                shape.remove(along);
            }
            (false, Some(slot)) => *slot = length,
            (false, None) => {}
        }
        ValueType::tensor(dtype, Some(shape))
    };
    let result = match lengths {
        Some(lengths) if !lengths.is_empty() => list_of(lengths.into_iter().map(item).collect()),
        Some(_) => {
            ValueType::Sequence(SequenceType { element: Some(Box::new(item(Dim::UNKNOWN))), items: Some(Vec::new()) })
        }
        None => ValueType::Sequence(SequenceType { element: Some(Box::new(item(Dim::UNKNOWN))), items: None }),
    };
    call.set(0, result);
    Ok(())
}

/// Joined along an axis, or stacked along a new one.
fn concat_from_sequence(call: &mut Call<'_, '_>) -> Outcome {
    let Some(list) = list(call, 0) else { return Ok(()) };
    let stacked = call.flag("new_axis", false);
    let dtype_of = |of: &ValueType| of.as_tensor().and_then(|tensor| tensor.dtype);
    let shape_of = |of: &ValueType| of.as_tensor().and_then(|tensor| tensor.shape.clone());
    let dtype = list.element.as_deref().and_then(dtype_of);
    let Some(items) = list.items.filter(|items| !items.is_empty()) else {
        // How many there are is not known: all but the axis stays as it is.
        let count = if stacked { call.data_dim("items", 1) } else { Dim::UNKNOWN };
        let mut shape = list.element.as_deref().and_then(shape_of);
        if let Some(shape) = &mut shape {
            let along = axis(call.int_or("axis", 0), shape.len() + usize::from(stacked))?;
            match (stacked, shape.get_mut(along)) {
                (true, _) => shape.insert(along, count),
                (false, Some(slot)) => *slot = count,
                (false, None) => {}
            }
        }
        call.set_tensor(0, dtype, shape);
        return Ok(());
    };
    let dtype = dtype.or(items.iter().find_map(dtype_of));
    let count = Dim::from_len(items.len());
    let shapes: Option<Vec<Vec<Dim>>> = items.iter().map(shape_of).collect();
    let Some(shapes) = shapes else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let (mut shape, rest) = match shapes.split_first() {
        Some((first, rest)) => (first.clone(), rest),
        None => return Ok(()),
    };
    let along = axis(call.int_or("axis", 0), shape.len() + usize::from(stacked))?;
    for other in rest {
        if other.len() != shape.len() {
            return Err(Mismatch(format!("items of {} and {}", show(&shape), show(other))));
        }
        for (axis, (slot, dim)) in shape.iter_mut().zip(other).enumerate() {
            *slot = if axis == along && !stacked { slot.add(dim) } else { agreed(slot, dim)? };
        }
    }
    if stacked {
        shape.insert(along, count);
    }
    call.set_tensor(0, dtype, Some(shape));
    let known = contents(call).and_then(|parts| joined(parts, along, stacked));
    call.set_known(0, known);
    Ok(())
}

fn joined(parts: Vec<Option<Arc<Known>>>, along: usize, stacked: bool) -> Option<Known> {
    let raised = |part: Option<Arc<Known>>| {
        let part = part?;
        let mut shape = part.shape.clone();
        if stacked {
            shape.insert(along.min(shape.len()), 1);
        }
        part.reshaped_to(shape)
    };
    let parts = parts.into_iter().map(raised).collect::<Option<Vec<Known>>>()?;
    Known::joined(&parts.iter().collect::<Vec<_>>(), along)
}

/// A value wrapped, or an absent one of the type that an attribute names.
fn optional(call: &mut Call<'_, '_>) -> Outcome {
    if call.has(0) {
        call.pass(0, 0);
        let wrapped = call.input(0).cloned().map(|inner| ValueType::Optional(Box::new(inner)));
        if let Some(wrapped) = wrapped {
            call.set(0, wrapped);
        }
        return Ok(());
    }
    if let Some(crate::model::Attribute::Type(declared)) = call.node.attributes.get("type") {
        let wrapped = ValueType::Optional(Box::new(of_declared(declared)));
        call.set(0, wrapped);
    }
    Ok(())
}

/// A declared type whose names stand for nothing yet.
fn of_declared(declared: &DeclaredType) -> ValueType {
    match declared {
        DeclaredType::Tensor { dtype, shape } => {
            let dim = |dim: &DeclaredDim| match dim {
                DeclaredDim::Fixed(size) => Dim::from(*size),
                _ => Dim::UNKNOWN,
            };
            ValueType::tensor(*dtype, shape.as_ref().map(|dims| dims.iter().map(dim).collect()))
        }
        DeclaredType::Sequence(element) => {
            ValueType::Sequence(SequenceType { element: Some(Box::new(of_declared(element))), items: None })
        }
        DeclaredType::Optional(inner) => ValueType::Optional(Box::new(of_declared(inner))),
        DeclaredType::Map => ValueType::Map,
    }
}

/// Since version 18 a value that is not optional passes as it is.
fn optional_get_element(call: &mut Call<'_, '_>) -> Outcome {
    call.pass(0, 0);
    let inner = match call.input(0) {
        Some(ValueType::Optional(inner)) => Some(inner.as_ref().clone()),
        _ => None,
    };
    if let Some(inner) = inner {
        call.set(0, inner);
    }
    Ok(())
}

fn optional_has_element(call: &mut Call<'_, '_>) -> Outcome {
    call.set_tensor(0, Some(DType::Bool), Some(Vec::new()));
    let has = match (call.has(0), call.input(0)) {
        (false, _) => Some(0),
        // Whether an optional value is there is seen when the model runs.
        (true, Some(ValueType::Optional(_)) | None) => None,
        (true, Some(_)) => Some(1),
    };
    call.set_known(0, has.map(|has| Known::scalar(Dim::known(has))));
    Ok(())
}
