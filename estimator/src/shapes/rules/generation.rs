//! Operators that make tensors out of attributes, sizes or chance.

use super::Rule;
use crate::model::{Attribute, DType, Dim, Weight};
use crate::shapes::call::{Call, Outcome, open_shape};
use crate::shapes::known::{Data, Known, MOST_ELEMENTS, coordinates, sizes};
use std::sync::Arc;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Constant" => constant,
        "ConstantOfShape" => constant_of_shape,
        "EyeLike" => eye_like,
        "Multinomial" => multinomial,
        "RandomNormal" | "RandomUniform" => random,
        "Bernoulli" | "RandomNormalLike" | "RandomUniformLike" => like_first,
        "Range" => range,
        _ => return None,
    })
}

/// Shape of the first input, with the element type of an attribute or else that of the input.
fn like_first(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype_attribute("dtype").or(call.dtype(0));
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn constant(call: &mut Call<'_, '_>) -> Outcome {
    let set = |call: &mut Call<'_, '_>, dtype: DType, shape: Vec<usize>, data: Data| {
        let dims = shape.iter().map(|size| Dim::from_len(*size)).collect();
        call.set_tensor(0, Some(dtype), Some(dims));
        call.set_known(0, Known::checked(shape, data));
    };
    let node = call.node;
    for (name, attribute) in &node.attributes {
        match (name.as_ref(), attribute) {
            ("value" | "sparse_value", Attribute::Tensor(weight)) => set_weight(call, weight),
            ("value_int", Attribute::Int(item)) => {
                set(call, DType::I64, Vec::new(), Data::Integers(vec![Dim::known(*item)]));
            }
            ("value_ints", Attribute::Ints(items)) => {
                let data = Data::Integers(items.iter().map(|item| Dim::known(*item)).collect());
                set(call, DType::I64, vec![items.len()], data);
            }
            ("value_float", Attribute::Float(item)) => {
                set(call, DType::F32, Vec::new(), Data::Floats(vec![*item]));
            }
            ("value_floats", Attribute::Floats(items)) => {
                set(call, DType::F32, vec![items.len()], Data::Floats(items.clone()));
            }
            ("value_string", Attribute::Text(item)) => {
                set(call, DType::Text, Vec::new(), Data::Texts(vec![Arc::clone(item)]));
            }
            ("value_strings", Attribute::Texts(items)) => {
                set(call, DType::Text, vec![items.len()], Data::Texts(items.clone()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn set_weight(call: &mut Call<'_, '_>, weight: &Weight) {
    let shape = weight.shape.iter().map(|size| Dim::from(*size)).collect();
    call.set_tensor(0, Some(weight.dtype), Some(shape));
    call.set_known(0, Known::of_weight(weight));
}

/// The value is a tensor of one element, by default a 32-bit float of 0.
fn constant_of_shape(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.node.tensor("value");
    let dtype = value.map_or(DType::F32, |weight| weight.dtype);
    let fill = match value {
        Some(weight) => Known::of_weight(weight),
        None => Known::floats(Vec::new(), vec![0.0]),
    };
    let shape = match call.elements(0) {
        Some(known) => known.dims().map(<[Dim]>::to_vec),
        None => match call.shape(0).as_deref() {
            Some([rank]) => rank.size().filter(|rank| *rank <= 64).map(|rank| open_shape(rank as usize)),
            _ => None,
        },
    };
    let known = fill.zip(shape.as_deref().and_then(sizes)).and_then(|(fill, shape)| {
        let one = fill.reshaped_to(vec![1; shape.len()])?;
        one.broadcast_to(&shape)
    });
    call.set_tensor(0, Some(dtype), shape);
    call.set_known(0, known);
    Ok(())
}

fn eye_like(call: &mut Call<'_, '_>) -> Outcome {
    like_first(call)?;
    let diagonal = call.int_or("k", 0);
    let dtype = call.dtype_attribute("dtype").or(call.dtype(0));
    let known = call.shape(0).as_deref().and_then(sizes).and_then(|shape| {
        let on = |at: &Vec<usize>| match at.as_slice() {
            [row, column] => i64::try_from(*column).ok()?.checked_sub(i64::try_from(*row).ok()?).map(|d| d == diagonal),
            _ => None,
        };
        let ones = coordinates(&shape)?.iter().map(on).collect::<Option<Vec<bool>>>()?;
        let ones = ones.into_iter().map(|one| Dim::known(i64::from(one))).collect();
        Known::integers(shape, ones)?.cast(dtype?)
    });
    call.set_known(0, known);
    Ok(())
}

/// `sample_size` draws for each row.
fn multinomial(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype_attribute("dtype").unwrap_or(DType::I32);
    let rows = call.shape(0).and_then(|shape| shape.first().cloned()).unwrap_or_default();
    call.set_tensor(0, Some(dtype), Some(vec![rows, Dim::known(call.int_or("sample_size", 1))]));
    Ok(())
}

fn random(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype_attribute("dtype").unwrap_or(DType::F32);
    let shape = call.node.ints("shape").map(|shape| shape.iter().map(|size| Dim::known(*size)).collect());
    call.set_tensor(0, Some(dtype), shape);
    Ok(())
}

/// Length of a list whose ends only the data tells: what a dimension called a length has by default.
const USUAL_LENGTH: u64 = 128;

fn range(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = (0..3).find_map(|index| call.dtype(index));
    let inputs = [call.known(0), call.known(1), call.known(2)];
    let [Some(start), Some(limit), Some(step)] = inputs else {
        let length = call.data_dim("length", USUAL_LENGTH);
        call.set_tensor(0, dtype, Some(vec![length]));
        return Ok(());
    };
    if let (Some(start), Some(limit), Some(step)) = (start.single(), limit.single(), step.single()) {
        let span = if step.value() < Some(0) { start.sub(limit) } else { limit.sub(start) };
        let by = if step.value() < Some(0) { Dim::known(0).sub(step) } else { step.clone() };
        let length = span.ceil_div(&by).max(&Dim::known(0));
        let length = if length.value().is_some() { length } else { call.data_dim("length", USUAL_LENGTH) };
        let short = length.size().and_then(|length| usize::try_from(length).ok()).filter(|n| *n <= MOST_ELEMENTS);
        let items = short.map(|length| (0..length).map(|turn| start.add(&step.mul(&Dim::from_len(turn)))).collect());
        call.set_tensor(0, dtype, Some(vec![length]));
        call.set_known(0, items.and_then(Known::list));
        return Ok(());
    }
    let numbers = [start.numbers(), limit.numbers(), step.numbers()].map(|n| n.and_then(|n| n.first().copied()));
    let [Some(start), Some(limit), Some(step)] = numbers else {
        let length = call.data_dim("length", USUAL_LENGTH);
        call.set_tensor(0, dtype, Some(vec![length]));
        return Ok(());
    };
    let length = ((limit - start) / step).ceil().max(0.0);
    // Rust's cast saturates; what is not a number becomes 0.
    let length = length as u64;
    let items = (length <= MOST_ELEMENTS as u64).then(|| (0..length).map(|turn| start + step * turn as f64).collect());
    call.set_tensor(0, dtype, Some(vec![Dim::from(length)]));
    call.set_known(0, items.and_then(|items: Vec<f64>| Known::floats(vec![items.len()], items)));
    Ok(())
}
