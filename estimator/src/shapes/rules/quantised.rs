//! Between floats and quantised integers.

use super::Rule;
use crate::model::DType;
use crate::shapes::call::{Call, Outcome};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "QuantizeLinear" => quantise,
        "DequantizeLinear" => dequantise,
        "DynamicQuantizeLinear" => dynamic,
        _ => return None,
    })
}

/// The element type of an `output_dtype` attribute, where it says one.
fn stated(call: &Call<'_, '_>) -> Option<DType> {
    call.node.int("output_dtype").filter(|number| *number != 0).and_then(crate::formats::onnx_dtype)
}

fn quantise(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = match call.has(2) {
        true => call.dtype(2),
        false => stated(call).or(Some(DType::U8)),
    };
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn dequantise(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = stated(call).or(call.dtype(1));
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn dynamic(call: &mut Call<'_, '_>) -> Outcome {
    let shape = call.shape(0);
    call.set_tensor(0, Some(DType::U8), shape);
    call.set_tensor(1, Some(DType::F32), Some(Vec::new()));
    call.set_tensor(2, Some(DType::U8), Some(Vec::new()));
    Ok(())
}
