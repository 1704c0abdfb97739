//! Operators that pick, place or count elements by index or by condition.

use super::Rule;
use super::elementwise::same_as_first;
use crate::model::{DType, Dim, elements};
use crate::shapes::call::{Call, Mismatch, Outcome, axis, product, show};
use crate::shapes::known::{Data, Known, coordinates, place, sizes, strides};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Compress" => compress,
        "Gather" => gather,
        "GatherElements" => gather_elements,
        "GatherND" => gather_nd,
        "NonZero" => non_zero,
        "OneHot" => one_hot,
        "Scatter" | "ScatterElements" => scatter_elements,
        "ScatterND" => scatter_nd,
        "TopK" => top_k,
        "Unique" => unique,
        _ => return None,
    })
}

/// An index into a dimension of this size, which may count from the back; `None` where it points outside.
fn index(value: i64, size: usize) -> Option<usize> {
    let from_front = if value < 0 { value.checked_add(i64::try_from(size).ok()?)? } else { value };
    usize::try_from(from_front).ok().filter(|index| *index < size)
}

/// The elements at these places; one whose place is not known is unknown, if it is an integer.
fn picked(known: &Known, shape: Vec<usize>, places: &[Option<usize>]) -> Option<Known> {
    if places.iter().all(Option::is_some) {
        let places: Vec<usize> = places.iter().flatten().copied().collect();
        return known.gather(shape, &places);
    }
    known.dims()?;
    known.gather_or(shape, places, &Known::scalar(Dim::UNKNOWN))
}

fn gather(call: &mut Call<'_, '_>) -> Outcome {
    let along = call.int_or("axis", 0);
    set_gathered(call, along)
}

/// The first output is slices of the first input along an axis, at the indices in the second.
pub(super) fn set_gathered(call: &mut Call<'_, '_>, along: i64) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(data), Some(indices)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let along = axis(along, data.len())?;
    let shape: Vec<Dim> =
        [data.get(..along), Some(&indices), data.get(along + 1..)].into_iter().flatten().flatten().cloned().collect();
    let known = call.known(0).zip(call.elements(1)).and_then(|(known, indices)| {
        let from = strides(&known.shape);
        let size = *known.shape.get(along)?;
        let (wanted, of_indices) = (indices.dims()?, strides(&indices.shape));
        let shape = sizes(&shape)?;
        let mut places = Vec::new();
        for at in coordinates(&shape)? {
            let (front, rest) = at.split_at(along.min(at.len()));
            let (middle, back) = rest.split_at(indices.shape.len().min(rest.len()));
            let picked = wanted.get(place(middle, &of_indices))?.value();
            let Some(picked) = picked else {
                places.push(None);
                continue;
            };
            let at = [front, &[index(picked, size)?], back].concat();
            places.push(Some(place(&at, &from)));
        }
        picked(&known, shape, &places)
    });
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

fn gather_elements(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, shape) = (call.dtype(0), call.shape(1));
    let known = match call.known(0).zip(call.elements(1)) {
        Some((known, indices)) => {
            let along = axis(call.int_or("axis", 0), known.shape.len())?;
            at_indices(&known.shape, &indices, along).and_then(|places| picked(&known, indices.shape.clone(), &places))
        }
        None => None,
    };
    call.set_tensor(0, dtype, shape);
    call.set_known(0, known);
    Ok(())
}

/// For each element of `indices` its place in a tensor of this shape, where the index replaces the coordinate of an axis.
fn at_indices(shape: &[usize], indices: &Known, along: usize) -> Option<Vec<Option<usize>>> {
    let from = strides(shape);
    let size = *shape.get(along)?;
    let mut places = Vec::new();
    for (mut at, wanted) in coordinates(&indices.shape)?.into_iter().zip(indices.dims()?) {
        let Some(wanted) = wanted.value() else {
            places.push(None);
            continue;
        };
        *at.get_mut(along)? = index(wanted, size)?;
        places.push(Some(place(&at, &from)));
    }
    Some(places)
}

/// Each row of `indices` points at a slice of the data.
fn gather_nd(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let batch = usize::try_from(call.int_or("batch_dims", 0)).unwrap_or(0);
    let (Some(data), Some(indices)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let Some((depth, rows)) = indices.split_last() else {
        return Err(Mismatch("the indices are a scalar".to_owned()));
    };
    let Some(depth) = depth.value().and_then(|depth| usize::try_from(depth).ok()) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let slice = data.get(batch.saturating_add(depth)..).ok_or_else(|| {
        Mismatch(format!("indices of {depth} numbers behind {batch} batch dimensions for {}", show(&data)))
    })?;
    let shape = [rows, slice].concat();
    let known = call.known(0).zip(call.elements(1)).and_then(|(known, indices)| {
        let (from, of_indices) = (strides(&known.shape), strides(&indices.shape));
        let shape = sizes(&shape)?;
        let wanted = indices.dims()?;
        let mut places = Vec::new();
        for at in coordinates(&shape)? {
            let (row, slice) = at.split_at(rows.len().min(at.len()));
            let first = place(row, &of_indices);
            let numbers = wanted.get(first..first.checked_add(depth)?)?;
            let mut source: Vec<usize> = row.get(..batch)?.to_vec();
            let mut open = false;
            for (number, size) in numbers.iter().zip(known.shape.get(batch..)?) {
                match number.value() {
                    Some(number) => source.push(index(number, *size)?),
                    None => open = true,
                }
            }
            source.extend_from_slice(slice);
            places.push((!open).then(|| place(&source, &from)));
        }
        picked(&known, shape, &places)
    });
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

fn scatter_elements(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let (Some(data), Some(indices), Some(updates)) = (call.elements(0), call.known(1), call.elements(2)) else {
        return Ok(());
    };
    let along = axis(call.int_or("axis", 0), data.shape.len())?;
    if indices.shape == updates.shape {
        let places = at_indices(&data.shape, &indices, along);
        let known = places.and_then(|places| scattered(call, &data, &places, &updates));
        call.set_known(0, known);
    }
    Ok(())
}

fn scatter_nd(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let (Some(data), Some(indices), Some(updates)) = (call.elements(0), call.known(1), call.elements(2)) else {
        return Ok(());
    };
    let places = (|| {
        let (depth, rows) = indices.shape.split_last()?;
        let (from, of_indices) = (strides(&data.shape), strides(&indices.shape));
        let wanted = indices.dims()?;
        let mut places = Vec::new();
        for at in coordinates(&updates.shape)? {
            let (row, slice) = at.split_at_checked(rows.len())?;
            let first = place(row, &of_indices);
            let numbers = wanted.get(first..first.checked_add(*depth)?)?;
            let known: Option<Vec<i64>> = numbers.iter().map(Dim::value).collect();
            let Some(numbers) = known else {
                places.push(None);
                continue;
            };
            let heads = numbers.iter().zip(&data.shape).map(|(number, size)| index(*number, *size));
            let mut source = heads.collect::<Option<Vec<usize>>>()?;
            source.extend_from_slice(slice);
            places.push(Some(place(&source, &from)));
        }
        Some(places)
    })();
    let known = places.and_then(|places| scattered(call, &data, &places, &updates));
    call.set_known(0, known);
    Ok(())
}

/// The data with each update written to its place, in the way the node's `reduction` says.
fn scattered(call: &Call<'_, '_>, data: &Known, places: &[Option<usize>], updates: &Known) -> Option<Known> {
    // An update whose place is not known may have gone anywhere.
    let places = places.iter().copied().collect::<Option<Vec<usize>>>()?;
    type Pair = (fn(&Dim, &Dim) -> Dim, fn(f64, f64) -> f64);
    let (integers, floats): Pair = match call.node.text("reduction").unwrap_or("none") {
        "none" => (|_, new| new.clone(), |_, new| new),
        "add" => (Dim::add, |a, b| a + b),
        "mul" => (Dim::mul, |a, b| a * b),
        "max" => (Dim::max, f64::max),
        "min" => (Dim::min, f64::min),
        _ => return None,
    };
    let mut result = data.clone();
    match (&mut result.data, &updates.data) {
        (Data::Integers(items), Data::Integers(updates)) => {
            for (place, update) in places.iter().zip(updates) {
                let slot = items.get_mut(*place)?;
                *slot = integers(slot, update);
            }
        }
        (Data::Floats(items), Data::Floats(updates)) => {
            for (place, update) in places.iter().zip(updates) {
                let slot = items.get_mut(*place)?;
                *slot = floats(*slot, *update);
            }
        }
        _ => return None,
    }
    Some(result)
}

/// The size as a default for a dimension that depends on the data: its upper bound, or 1 where that is not known either.
fn at_most(dim: &Dim) -> u64 {
    dim.size().unwrap_or(1)
}

fn compress(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let along = match (call.node.int("axis"), call.rank(0)) {
        (Some(along), Some(rank)) => Some(axis(along, rank)?),
        (Some(_), None) => {
            call.set_tensor(0, dtype, None);
            return Ok(());
        }
        (None, _) => None,
    };
    let input = call.shape(0);
    let whole = match (&input, along) {
        (Some(input), Some(along)) => input.get(along).cloned().unwrap_or_default(),
        (Some(input), None) => product(input),
        (None, _) => Dim::UNKNOWN,
    };
    let kept: Option<Vec<usize>> = call.ints(1).map(|condition| {
        condition.iter().enumerate().filter(|(_, kept)| **kept != 0).map(|(index, _)| index).collect()
    });
    let count = match &kept {
        Some(kept) => Dim::from_len(kept.len()),
        None => {
            let condition = call.shape(1).and_then(|shape| shape.first().cloned()).unwrap_or_default();
            let bound = if condition.value().is_some() { whole.min(&condition) } else { whole };
            call.data_dim("count", at_most(&bound))
        }
    };
    let known = call.known(0).zip(kept).and_then(|(known, kept)| match along {
        Some(along) => {
            let from = strides(&known.shape);
            let mut shape = known.shape.clone();
            *shape.get_mut(along)? = kept.len();
            known.rearranged(shape, |at| {
                let mut at = at.to_vec();
                let slot = at.get_mut(along)?;
                *slot = *kept.get(*slot)?;
                Some(place(&at, &from))
            })
        }
        None => known.gather(vec![kept.len()], &kept),
    });
    let shape = match along {
        Some(along) => input.map(|mut shape| {
            if let Some(slot) = shape.get_mut(along) {
                *slot = count;
            }
            shape
        }),
        None => Some(vec![count]),
    };
    call.set_tensor(0, dtype, shape);
    call.set_known(0, known);
    Ok(())
}

/// One row per dimension, one column per element that is not zero.
fn non_zero(call: &mut Call<'_, '_>) -> Outcome {
    let rows = call.rank(0).map_or(Dim::UNKNOWN, Dim::from_len);
    let found = call.known(0).and_then(|known| {
        let truth: Vec<bool> = match &known.data {
            Data::Integers(items) => items.iter().map(|item| item.value().map(|v| v != 0)).collect::<Option<_>>()?,
            Data::Floats(items) => items.iter().map(|item| *item != 0.0).collect(),
            Data::Texts(_) | Data::Items(_) => return None,
        };
        let all = coordinates(&known.shape)?.into_iter().zip(truth);
        let found: Vec<Vec<usize>> = all.filter(|(_, truth)| *truth).map(|(at, _)| at).collect();
        let rank = known.shape.len();
        let mut items = Vec::with_capacity(rank * found.len());
        for axis in 0..rank {
            for at in &found {
                items.push(Dim::from_len(*at.get(axis)?));
            }
        }
        Some((found.len(), Known::integers(vec![rank, found.len()], items)))
    });
    let (count, known) = match found {
        Some((count, known)) => (Dim::from_len(count), known),
        None => {
            let bound = call.shape(0).and_then(|shape| elements(&shape)).unwrap_or(1);
            (call.data_dim("count", bound), None)
        }
    };
    call.set_tensor(0, Some(DType::I64), Some(vec![rows, count]));
    call.set_known(0, known);
    Ok(())
}

fn one_hot(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(2);
    let Some(indices) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let new = axis(call.int_or("axis", -1), indices.len() + 1)?;
    let depth = match call.known(1) {
        Some(known) => known.cast(DType::I64).and_then(|known| known.single().cloned()).unwrap_or_default(),
        None => call.data_dim("depth", 1),
    };
    let mut shape = indices;
    shape.insert(new.min(shape.len()), depth);
    let known = (|| {
        let (indices, values) = (call.known(0)?.cast(DType::I64)?, call.known(2)?);
        let (indices, from) = (indices.clone(), strides(&indices.shape));
        let wanted = indices.ints()?;
        let shape = sizes(&shape)?;
        let depth = *shape.get(new)?;
        let on = |at: &Vec<usize>| -> Option<usize> {
            let mut at = at.clone();
            let here = if new < at.len() { at.remove(new) } else { return None };
            Some(usize::from(index(*wanted.get(place(&at, &from))?, depth) == Some(here)))
        };
        let places = coordinates(&shape)?.iter().map(on).collect::<Option<Vec<usize>>>()?;
        values.gather(shape, &places)
    })();
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

/// The number of elements is an attribute before version 10.
fn top_k(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, input) = (call.dtype(0), call.shape(0));
    let along = match &input {
        Some(input) => Some(axis(call.int_or("axis", -1), input.len())?),
        None => None,
    };
    let size = input.as_ref().zip(along).and_then(|(input, along)| input.get(along).cloned()).unwrap_or_default();
    let count = match (call.has(1), call.node.int("k")) {
        (false, Some(count)) => Dim::known(count),
        _ => match call.integer(1) {
            count if count.value().is_some() => count,
            _ => call.data_dim("k", at_most(&size)),
        },
    };
    if matches!((count.value(), size.value()), (Some(count), Some(size)) if count > size) {
        return Err(Mismatch(format!("the {count} largest of a dimension of {size}")));
    }
    let shape = input.zip(along).map(|(mut shape, along)| {
        if let Some(slot) = shape.get_mut(along) {
            *slot = count.clone();
        }
        shape
    });
    let ranked = along.zip(count.size()).and_then(|(along, count)| ranked(call, along, usize::try_from(count).ok()?));
    call.set_tensor(0, dtype, shape.clone());
    call.set_tensor(1, Some(DType::I64), shape);
    if let Some((values, indices)) = ranked {
        call.set_known(0, Some(values));
        call.set_known(1, Some(indices));
    }
    Ok(())
}

/// The first `count` elements along an axis in order of value, and their indices; equal ones in order of index.
fn ranked(call: &Call<'_, '_>, along: usize, count: usize) -> Option<(Known, Known)> {
    let known = call.known(0)?;
    let numbers = Comparable::of(&known)?;
    let largest = call.flag("largest", true);
    let from = strides(&known.shape);
    let (stride, size) = (*from.get(along)?, *known.shape.get(along)?);
    let mut shape = known.shape.clone();
    *shape.get_mut(along)? = count;
    let mut orders: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let (mut places, mut indices) = (Vec::new(), Vec::new());
    for mut at in coordinates(&shape)? {
        let turn = std::mem::take(at.get_mut(along)?);
        let first = place(&at, &from);
        let order = orders.entry(first).or_insert_with(|| {
            let mut order: Vec<usize> = (0..size).collect();
            order.sort_by(|a, b| {
                let ordering = numbers.order(first + a * stride, first + b * stride);
                if largest { ordering.reverse() } else { ordering }
            });
            order
        });
        let chosen = *order.get(turn)?;
        places.push(first + chosen * stride);
        indices.push(Dim::from_len(chosen));
    }
    Some((known.gather(shape.clone(), &places)?, Known::integers(shape, indices)?))
}

/// Elements that have an order, all of them known.
pub(super) enum Comparable<'k> {
    /// Integers and truth values.
    Integers(Vec<i64>),
    /// Floats.
    Floats(&'k [f64]),
    /// Texts.
    Texts(&'k [std::sync::Arc<str>]),
}

impl<'k> Comparable<'k> {
    pub fn of(known: &'k Known) -> Option<Self> {
        Some(match &known.data {
            Data::Integers(_) => Self::Integers(known.ints()?),
            Data::Floats(items) => Self::Floats(items),
            Data::Texts(items) => Self::Texts(items),
            Data::Items(_) => return None,
        })
    }

    /// The order of the elements at two places.
    pub fn order(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Integers(items) => items.get(a).cmp(&items.get(b)),
            Self::Floats(items) => match (items.get(a), items.get(b)) {
                // Adding 0 makes −0 equal to it; what is not a number has a place too, or sorting could panic.
                (Some(a), Some(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
                _ => Ordering::Equal,
            },
            Self::Texts(items) => items.get(a).cmp(&items.get(b)),
        }
    }
}

/// Four outputs: the values, where each first occurs, which one each element is, how often each occurs.
fn unique(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let input = call.shape(0);
    let along = match (call.node.int("axis"), &input) {
        (Some(along), Some(input)) => Some(axis(along, input.len())?),
        _ => None,
    };
    let whole = match (&input, along) {
        (Some(input), Some(along)) => input.get(along).cloned().unwrap_or_default(),
        (Some(input), None) => product(input),
        (None, _) => Dim::UNKNOWN,
    };
    let groups = call.known(0).and_then(|known| grouped(&known, along, call.flag("sorted", true)));
    let count = match &groups {
        Some(groups) => Dim::from_len(groups.firsts.len()),
        None => call.data_dim("count", at_most(&whole)),
    };
    let values = call.known(0).zip(groups.as_ref()).and_then(|(known, groups)| match along {
        Some(along) => {
            let from = strides(&known.shape);
            let mut shape = known.shape.clone();
            *shape.get_mut(along)? = groups.firsts.len();
            known.rearranged(shape, |at| {
                let mut at = at.to_vec();
                let slot = at.get_mut(along)?;
                *slot = *groups.firsts.get(*slot)?;
                Some(place(&at, &from))
            })
        }
        None => known.gather(vec![groups.firsts.len()], &groups.firsts),
    });
    let shape = match (input, along, call.node.int("axis")) {
        (Some(mut shape), Some(along), _) => {
            if let Some(slot) = shape.get_mut(along) {
                *slot = count.clone();
            }
            Some(shape)
        }
        (_, _, Some(_)) => None,
        _ => Some(vec![count.clone()]),
    };
    call.set_tensor(0, dtype, shape);
    call.set_known(0, values);
    let list = |items: &Vec<usize>| Known::list(items.iter().map(|item| Dim::from_len(*item)).collect());
    for (output, length) in [(1, &count), (2, &whole), (3, &count)] {
        call.set_tensor(output, Some(DType::I64), Some(vec![length.clone()]));
    }
    if let Some(groups) = groups {
        call.set_known(1, list(&groups.firsts));
        call.set_known(2, list(&groups.members));
        call.set_known(3, list(&groups.counts));
    }
    Ok(())
}

/// Equal elements (or slices along an axis) as groups.
struct Groups {
    firsts: Vec<usize>,
    members: Vec<usize>,
    counts: Vec<usize>,
}

fn grouped(known: &Known, along: Option<usize>, sorted: bool) -> Option<Groups> {
    let numbers = Comparable::of(known)?;
    let from = strides(&known.shape);
    let count = match along {
        Some(along) => *known.shape.get(along)?,
        None => known.len(),
    };
    // The places of each slice's elements; without an axis every element is a slice of its own.
    let slices: Vec<Vec<usize>> = match along {
        Some(along) => {
            let mut rest = known.shape.clone();
            *rest.get_mut(along)? = 1;
            let stride = *from.get(along)?;
            let bases: Vec<usize> = coordinates(&rest)?.iter().map(|at| place(at, &from)).collect();
            (0..count).map(|index| bases.iter().map(|base| base + index * stride).collect()).collect()
        }
        None => (0..count).map(|index| vec![index]).collect(),
    };
    let order = |a: usize, b: usize| match (slices.get(a), slices.get(b)) {
        (Some(a), Some(b)) => {
            a.iter().zip(b).map(|(a, b)| numbers.order(*a, *b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        }
        _ => Ordering::Equal,
    };
    let mut by_value: Vec<usize> = (0..count).collect();
    by_value.sort_by(|a, b| order(*a, *b).then(a.cmp(b)));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in by_value {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|first| order(*first, index).is_eq()) => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    if !sorted {
        groups.sort_by_key(|group| group.first().copied());
    }
    let mut members = vec![0; count];
    for (number, group) in groups.iter().enumerate() {
        for index in group {
            *members.get_mut(*index)? = number;
        }
    }
    let firsts = groups.iter().filter_map(|group| group.first().copied()).collect();
    Some(Groups { firsts, members, counts: groups.iter().map(Vec::len).collect() })
}
