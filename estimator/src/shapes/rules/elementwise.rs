//! Operators that treat each element alone: arithmetic, comparison, logic, activations, casts.

use super::Rule;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, axis, broadcast};
use crate::shapes::known::{Data, Known, strides};
use std::cmp::Ordering;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        // Activations and functions whose values no shape depends on. For PRelu the slope fits the first input.
        "Acos" | "Acosh" | "Asin" | "Asinh" | "Atan" | "Atanh" | "Celu" | "Cos" | "Cosh" | "Elu" | "Erf" | "Gelu"
        | "HardSigmoid" | "HardSwish" | "LeakyRelu" | "Mish" | "PRelu" | "Selu" | "Shrink" | "Sigmoid" | "Sin"
        | "Sinh" | "Softplus" | "Softsign" | "SwiGLU" | "Swish" | "Tan" | "Tanh" | "ThresholdedRelu"
        // Each element alone or not, the result is as large as the first input.
        => same_as_first,
        "Hardmax" | "LogSoftmax" | "Softmax" => along_axis,
        "Abs" => |call| unary(call, |a| if a.value() < Some(0) { negated(a) } else { a.clone() }, f64::abs),
        "Ceil" => |call| unary(call, Dim::clone, f64::ceil),
        "Exp" => |call| unary(call, unknown, libm::exp),
        "Floor" => |call| unary(call, Dim::clone, f64::floor),
        "Log" => |call| unary(call, unknown, libm::log),
        "Neg" => |call| unary(call, negated, |a| -a),
        "Reciprocal" => |call| unary(call, unknown, f64::recip),
        "Relu" => |call| unary(call, |a| a.max(&Dim::known(0)), |a| a.max(0.0)),
        "Round" => |call| unary(call, Dim::clone, f64::round_ties_even),
        "Sign" => |call| unary(call, |a| of_value(a, i64::signum), |a| if a == 0.0 { 0.0 } else { a.signum() }),
        "Sqrt" => |call| unary(call, unknown, f64::sqrt),
        "BitwiseNot" => |call| unary(call, |a| of_value(a, |a| !a), |a| a),
        "Not" => |call| unary(call, |a| of_value(a, |a| i64::from(a == 0)), |a| a),
        "Add" => |call| arithmetic(call, Dim::add, |a, b| a + b),
        "Sub" => |call| arithmetic(call, Dim::sub, |a, b| a - b),
        "Mul" => |call| arithmetic(call, Dim::mul, |a, b| a * b),
        "Div" => |call| arithmetic(call, Dim::truncating_div, |a, b| a / b),
        "Mod" => modulo,
        "Pow" => power,
        "BitShift" => bit_shift,
        "BitwiseAnd" => |call| arithmetic(call, |a, b| a.apply(b, |a, b| Some(a & b)), |a, _| a),
        "BitwiseOr" => |call| arithmetic(call, |a, b| a.apply(b, |a, b| Some(a | b)), |a, _| a),
        "BitwiseXor" => |call| arithmetic(call, |a, b| a.apply(b, |a, b| Some(a ^ b)), |a, _| a),
        "Max" => |call| variadic(call, Dim::max, f64::max),
        "Mean" => mean,
        "Min" => |call| variadic(call, Dim::min, f64::min),
        "Sum" => |call| variadic(call, Dim::add, |a, b| a + b),
        "Equal" => |call| comparison(call, Ordering::is_eq),
        "Greater" => |call| comparison(call, Ordering::is_gt),
        "GreaterOrEqual" => |call| comparison(call, Ordering::is_ge),
        "Less" => |call| comparison(call, Ordering::is_lt),
        "LessOrEqual" => |call| comparison(call, Ordering::is_le),
        "And" => |call| logic(call, both),
        "Or" => |call| logic(call, either),
        "Xor" => |call| logic(call, |a, b| a.apply(b, |a, b| Some(i64::from((a != 0) != (b != 0))))),
        "IsInf" | "IsNaN" => truth_per_element,
        "BitCast" => bit_cast,
        "Cast" => cast,
        "CastLike" => cast_like,
        "Clip" => clip,
        "CumProd" => |call| running(call, 1, Dim::mul, |a, b| a * b),
        "CumSum" => |call| running(call, 0, Dim::add, |a, b| a + b),
        "Dropout" => dropout,
        "Where" => select,
        _ => return None,
    })
}

/// Type and shape of the first input.
pub(super) fn same_as_first(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, shape) = (call.dtype(0), call.shape(0));
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The same, along an axis that must exist.
fn along_axis(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let usual = if call.node.opset < 13 { 1 } else { -1 };
    let along = call.node.int("axis").unwrap_or(usual);
    match call.rank(0) {
        // Before version 13 the axis says where to fold the input into a matrix, which may be behind its end.
        Some(rank) if call.node.opset < 13 && usize::try_from(along) == Ok(rank) => Ok(()),
        Some(0) | None => Ok(()),
        Some(rank) => axis(along, rank).map(|_| ()),
    }
}

fn unknown(_: &Dim) -> Dim {
    Dim::UNKNOWN
}

fn negated(a: &Dim) -> Dim {
    Dim::known(0).sub(a)
}

/// A function of the number alone, whose formula is not written down.
fn of_value(a: &Dim, function: impl Fn(i64) -> i64) -> Dim {
    a.apply(&Dim::known(0), |a, _| Some(function(a)))
}

fn unary(call: &mut Call<'_, '_>, integers: fn(&Dim) -> Dim, floats: fn(f64) -> f64) -> Outcome {
    same_as_first(call)?;
    let known = call.known(0).and_then(|known| known.map(integers, floats));
    call.set_known(0, known);
    Ok(())
}

fn arithmetic(call: &mut Call<'_, '_>, integers: fn(&Dim, &Dim) -> Dim, floats: fn(f64, f64) -> f64) -> Outcome {
    let dtype = call.dtype(0).or(call.dtype(1));
    set_broadcast(call, dtype)?;
    let known = call.known(0).zip(call.known(1)).and_then(|(a, b)| a.zip(&b, integers, floats));
    call.set_known(0, known);
    Ok(())
}

pub(super) fn comparison(call: &mut Call<'_, '_>, holds: fn(Ordering) -> bool) -> Outcome {
    set_broadcast(call, Some(DType::Bool))?;
    let known = call.known(0).zip(call.known(1)).and_then(|(a, b)| Known::compare(&a, &b, holds));
    call.set_known(0, known);
    Ok(())
}

fn logic(call: &mut Call<'_, '_>, integers: fn(&Dim, &Dim) -> Dim) -> Outcome {
    set_broadcast(call, Some(DType::Bool))?;
    let known = call.elements(0).zip(call.elements(1)).and_then(|(a, b)| a.zip(&b, integers, |a, _| a));
    call.set_known(0, known);
    Ok(())
}

/// Logical and: false beside anything is false.
fn both(a: &Dim, b: &Dim) -> Dim {
    match (a.value(), b.value()) {
        (Some(0), _) | (_, Some(0)) => Dim::known(0),
        (Some(_), Some(_)) => Dim::known(1),
        _ => Dim::UNKNOWN,
    }
}

/// Logical or: true beside anything is true.
fn either(a: &Dim, b: &Dim) -> Dim {
    match (a.value(), b.value()) {
        (Some(0), Some(0)) => Dim::known(0),
        (Some(a), _) | (_, Some(a)) if a != 0 => Dim::known(1),
        (Some(0), Some(_)) => Dim::known(1),
        _ => Dim::UNKNOWN,
    }
}

fn truth_per_element(call: &mut Call<'_, '_>) -> Outcome {
    let shape = call.shape(0);
    call.set_tensor(0, Some(DType::Bool), shape);
    Ok(())
}

/// Remainders: with `fmod` of the dividend's sign, else of the divisor's.
fn modulo(call: &mut Call<'_, '_>) -> Outcome {
    if call.flag("fmod", false) {
        return arithmetic(call, |a, b| a.apply(b, i64::checked_rem), |a, b| a % b);
    }
    let floored = |a: i64, b: i64| {
        let rest = a.checked_rem(b)?;
        Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
    };
    let floats = |a: f64, b: f64| a - (a / b).floor() * b;
    set_broadcast(call, call.dtype(0).or(call.dtype(1)))?;
    let known = call.known(0).zip(call.known(1)).and_then(|(a, b)| a.zip(&b, |a, b| a.apply(b, floored), floats));
    call.set_known(0, known);
    Ok(())
}

/// The result has the base's type; the exponent may be of another.
fn power(call: &mut Call<'_, '_>) -> Outcome {
    set_broadcast(call, call.dtype(0))?;
    let Some((base, exponent)) = call.known(0).zip(call.known(1)) else { return Ok(()) };
    let whole = |a: i64, b: i64| a.checked_pow(u32::try_from(b).ok()?);
    let known = match (&base.data, &exponent.data) {
        (Data::Integers(_), Data::Integers(_)) => base.zip(&exponent, |a, b| a.apply(b, whole), libm::pow),
        (base_data, _) => {
            let widened = base.cast(DType::F64).zip(exponent.cast(DType::F64));
            let result = widened.and_then(|(a, b)| a.zip(&b, Dim::mul, libm::pow));
            match base_data {
                Data::Integers(_) => result.and_then(|result| result.cast(DType::I64)),
                _ => result,
            }
        }
    };
    call.set_known(0, known);
    Ok(())
}

fn bit_shift(call: &mut Call<'_, '_>) -> Outcome {
    let by = |b: i64| u32::try_from(b).ok();
    if call.node.text("direction") == Some("LEFT") {
        let dtype = call.dtype(0);
        set_broadcast(call, dtype)?;
        // A bit shifted out at the left is lost at the type's width: the result is then left open.
        let left = |a: i64, b: i64| a.checked_mul(2i64.checked_pow(by(b)?)?);
        let known = call.known(0).zip(call.known(1)).and_then(|(a, b)| a.zip(&b, |a, b| a.apply(b, left), |a, _| a));
        call.set_known(0, known);
        return Ok(());
    }
    arithmetic(call, |a, b| a.apply(b, |a, b| a.checked_shr(u32::try_from(b).ok()?)), |a, _| a)
}

/// All inputs broadcast against each other.
fn variadic(call: &mut Call<'_, '_>, integers: fn(&Dim, &Dim) -> Dim, floats: fn(f64, f64) -> f64) -> Outcome {
    let dtype = (0..call.node.inputs.len()).find_map(|index| call.dtype(index));
    set_broadcast(call, dtype)?;
    let known = folded(call, integers, floats);
    call.set_known(0, known);
    Ok(())
}

fn mean(call: &mut Call<'_, '_>) -> Outcome {
    variadic(call, unknown_pair, |a, b| a + b)?;
    let inputs = call.node.inputs.len() as f64;
    let known = folded(call, unknown_pair, |a, b| a + b);
    let known = known.and_then(|sum| sum.map(unknown, |item| item / inputs));
    call.set_known(0, known);
    Ok(())
}

fn unknown_pair(_: &Dim, _: &Dim) -> Dim {
    Dim::UNKNOWN
}

fn folded(call: &Call<'_, '_>, integers: fn(&Dim, &Dim) -> Dim, floats: fn(f64, f64) -> f64) -> Option<Known> {
    let mut result = call.known(0)?.as_ref().clone();
    for index in 1..call.node.inputs.len() {
        result = result.zip(call.known(index)?.as_ref(), integers, floats)?;
    }
    Some(result)
}

/// The first output gets the shape to which all inputs broadcast.
pub(super) fn set_broadcast(call: &mut Call<'_, '_>, dtype: Option<DType>) -> Outcome {
    // Before version 7 the second input was stretched to the first, along `axis` if given.
    if call.node.opset < 7 && call.node.attributes.contains_key("broadcast") {
        let shape = call.shape(0);
        call.set_tensor(0, dtype, shape);
        return Ok(());
    }
    let mut shape = call.shape(0);
    for index in 1..call.node.inputs.len() {
        shape = match (shape, call.shape(index)) {
            (Some(a), Some(b)) => Some(broadcast(&a, &b)?),
            _ => None,
        };
    }
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn cast(call: &mut Call<'_, '_>) -> Outcome {
    let to = call.dtype_attribute("to");
    set_cast(call, to);
    Ok(())
}

fn cast_like(call: &mut Call<'_, '_>) -> Outcome {
    let to = call.dtype(1);
    set_cast(call, to);
    Ok(())
}

pub(super) fn set_cast(call: &mut Call<'_, '_>, to: Option<DType>) {
    let shape = call.shape(0);
    call.set_tensor(0, to, shape);
    let known = call.known(0).zip(to).and_then(|(known, to)| known.cast(to));
    call.set_known(0, known);
}

/// The same bits read as another type of the same width.
fn bit_cast(call: &mut Call<'_, '_>) -> Outcome {
    let (from, to) = (call.dtype(0), call.dtype_attribute("to"));
    if let (Some(from), Some(to)) = (from, to)
        && from.bits() != to.bits()
    {
        return Err(Mismatch(format!("{from} and {to} differ in width")));
    }
    let shape = call.shape(0);
    call.set_tensor(0, to, shape);
    Ok(())
}

/// The bounds are attributes before version 11.
fn clip(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let Some(mut known) = call.known(0).map(|known| known.as_ref().clone()) else { return Ok(()) };
    for (index, name) in [(1, "min"), (2, "max")] {
        let bound = match (call.has(index), call.node.float(name)) {
            (true, _) => match call.known(index) {
                Some(bound) => bound.as_ref().clone(),
                None => return Ok(()),
            },
            (false, Some(bound)) => match Known::floats(Vec::new(), vec![bound]) {
                Some(bound) => bound,
                None => return Ok(()),
            },
            (false, None) => continue,
        };
        let bounded = match index {
            1 => known.zip(&bound, Dim::max, f64::max),
            _ => known.zip(&bound, Dim::min, f64::min),
        };
        match bounded {
            Some(bounded) => known = bounded,
            None => return Ok(()),
        }
    }
    call.set_known(0, Some(known));
    Ok(())
}

/// Sums or products of all elements up to each along an axis.
fn running(
    call: &mut Call<'_, '_>,
    start: i64,
    integers: fn(&Dim, &Dim) -> Dim,
    floats: fn(f64, f64) -> f64,
) -> Outcome {
    same_as_first(call)?;
    let (Some(known), Some(along)) = (call.known(0), call.integer(1).value()) else { return Ok(()) };
    let along = axis(along, known.shape.len())?;
    let (exclusive, reverse) = (call.flag("exclusive", false), call.flag("reverse", false));
    let data = match &known.data {
        Data::Integers(items) => {
            accumulated(items, &known.shape, along, exclusive, reverse, Dim::known(start), integers).map(Data::Integers)
        }
        Data::Floats(items) => {
            let add = |a: &f64, b: &f64| floats(*a, *b);
            accumulated(items, &known.shape, along, exclusive, reverse, start as f64, add).map(Data::Floats)
        }
        Data::Texts(_) | Data::Items(_) => None,
    };
    let known = data.and_then(|data| Known::checked(known.shape.clone(), data));
    call.set_known(0, known);
    Ok(())
}

fn accumulated<T: Clone>(
    items: &[T],
    shape: &[usize],
    along: usize,
    exclusive: bool,
    reverse: bool,
    start: T,
    operation: impl Fn(&T, &T) -> T,
) -> Option<Vec<T>> {
    let (stride, length) = (*strides(shape).get(along)?, *shape.get(along)?);
    let mut result = items.to_vec();
    let firsts = (0..items.len()).filter(|place| place / stride % length.max(1) == 0);
    for first in firsts {
        let mut total = start.clone();
        for turn in 0..length {
            let step = if reverse { length - 1 - turn } else { turn };
            let place = first + step * stride;
            let next = operation(&total, items.get(place)?);
            *result.get_mut(place)? = if exclusive { total } else { next.clone() };
            total = next;
        }
    }
    Some(result)
}

/// The second output is a mask: of truth values since version 10, of the data's type before.
fn dropout(call: &mut Call<'_, '_>) -> Outcome {
    // In training the contents are random; without the third input it does not train.
    match call.has(2) {
        true => same_as_first(call)?,
        false => call.pass(0, 0),
    }
    let shape = call.shape(0);
    let dtype = if call.node.opset >= 10 { Some(DType::Bool) } else { call.dtype(0) };
    call.set_tensor(1, dtype, shape);
    Ok(())
}

fn select(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(1).or(call.dtype(2));
    set_broadcast(call, dtype)?;
    let known = selected(call);
    call.set_known(0, known);
    Ok(())
}

/// An integer stays unknown where the condition is and the two sides differ; floats and texts must be known throughout.
fn selected(call: &Call<'_, '_>) -> Option<Known> {
    let (condition, yes, no) = (call.elements(0)?, call.elements(1), call.elements(2));
    // The side of which nothing is chosen need not be known.
    let all = |wanted: bool| {
        condition.dims().is_some_and(|items| items.iter().all(|item| item.value().map(|v| v != 0) == Some(wanted)))
    };
    let (yes, no) = match (yes, no) {
        (Some(yes), Some(no)) => (yes, no),
        (Some(yes), None) if all(true) => (yes.clone(), yes),
        (None, Some(no)) if all(false) => (no.clone(), no),
        _ => return None,
    };
    let shape = condition.broadcast_shape(&yes.broadcast_shape(&no.shape)?)?;
    let (condition, yes, no) = (condition.broadcast_to(&shape)?, yes.broadcast_to(&shape)?, no.broadcast_to(&shape)?);
    let condition: Vec<Option<bool>> = condition.dims()?.iter().map(|item| item.value().map(|v| v != 0)).collect();
    let data = match (&yes.data, &no.data) {
        (Data::Integers(yes), Data::Integers(no)) => {
            let pick = |(condition, (yes, no)): (&Option<bool>, (&Dim, &Dim))| match condition {
                Some(true) => yes.clone(),
                Some(false) => no.clone(),
                None if yes == no => yes.clone(),
                None => Dim::UNKNOWN,
            };
            Data::Integers(condition.iter().zip(yes.iter().zip(no)).map(pick).collect())
        }
        (Data::Floats(yes), Data::Floats(no)) => Data::Floats(picked(&condition, yes, no)?),
        (Data::Texts(yes), Data::Texts(no)) => Data::Texts(picked(&condition, yes, no)?),
        _ => return None,
    };
    Known::checked(shape, data)
}

fn picked<T: Clone>(condition: &[Option<bool>], yes: &[T], no: &[T]) -> Option<Vec<T>> {
    let sides = yes.iter().zip(no);
    condition
        .iter()
        .zip(sides)
        .map(|(condition, (yes, no))| Some(if (*condition)? { yes } else { no }.clone()))
        .collect()
}
