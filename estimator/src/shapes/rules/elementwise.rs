//! Operators that treat each element alone: arithmetic, comparison, activation, casts.

use super::Rule;
use crate::model::{DType, Dim};
use crate::shapes::Known;
use crate::shapes::call::{Call, Outcome, broadcast};
use std::cmp::Ordering;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Relu" | "Sigmoid" | "Tanh" => same_as_first,
        "Add" => |call| arithmetic(call, Dim::add, |a, b| a + b),
        "Sub" => |call| arithmetic(call, Dim::sub, |a, b| a - b),
        "Mul" => |call| arithmetic(call, Dim::mul, |a, b| a * b),
        "Equal" => |call| comparison(call, Ordering::is_eq),
        _ => return None,
    })
}

/// Type and shape of the first input.
pub(super) fn same_as_first(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, shape) = (call.dtype(0), call.shape(0));
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn arithmetic(call: &mut Call<'_, '_>, integers: fn(&Dim, &Dim) -> Dim, floats: fn(f64, f64) -> f64) -> Outcome {
    let dtype = call.dtype(0).or(call.dtype(1));
    set_broadcast(call, dtype)?;
    let known = call.known(0).zip(call.known(1)).and_then(|(a, b)| a.zip(&b, integers, floats));
    call.set_known(0, known);
    Ok(())
}

fn comparison(call: &mut Call<'_, '_>, holds: fn(Ordering) -> bool) -> Outcome {
    set_broadcast(call, Some(DType::Bool))?;
    let known = call.known(0).zip(call.known(1)).and_then(|(a, b)| Known::compare(&a, &b, holds));
    call.set_known(0, known);
    Ok(())
}

/// The first output gets the shape to which all inputs broadcast.
fn set_broadcast(call: &mut Call<'_, '_>, dtype: Option<DType>) -> Outcome {
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
