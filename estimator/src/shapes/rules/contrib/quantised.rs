//! Operators on integers with scales, and products with weights of a few bits.

use super::super::elementwise::same_as_first;
use super::super::linear::matmul;
use super::super::{FAMILIES, Rule};
use super::{broadcast_of, channels_last, is_set, with_inputs};
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, axis};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "MatMulNBits" => |call| columns(call, 0, 0, call.int_or("N", 0)),
        "MatMulBnb4" => |call| {
            let transposed = call.node.int("transB").unwrap_or(1) != 0;
            columns(call, 0, 0, call.int_or(if transposed { "N" } else { "K" }, 0))
        },
        "MatMulFpQ4" => |call| {
            let width = call.ints(2).and_then(|shape| shape.last().copied());
            columns(call, 0, 0, width.unwrap_or(0))
        },
        "MatMulBlockQuantizedFp4Weight" | "MatMulBlockQuantizedFp8Weight" => |call| {
            let width = call.shape(1).and_then(|shape| shape.first()?.value());
            columns(call, 0, 0, width.unwrap_or(0))
        },
        "MatMulNBitsMlp" => |call| {
            call.pass_type(0, 1);
            columns(call, 0, 0, call.int_or("N", 0))
        },
        "MatMulNBitsQkv" => |call| {
            let (queries, keys) = (call.int_or("Nq", 0), call.int_or("Nkv", 0));
            columns(call, 0, 0, queries)?;
            columns(call, 0, 1, keys)?;
            columns(call, 0, 2, keys)?;
            call.pass_type(0, 3);
            Ok(())
        },
        "MatMulInteger16" => |call| {
            let unsigned = (call.dtype(0), call.dtype(1)) == (Some(DType::U16), Some(DType::U16));
            product(call, 1, Some(if unsigned { DType::U32 } else { DType::I32 }))
        },
        "MatMulIntegerToFloat" => |call| product(call, 1, call.dtype(2)),
        "DynamicQuantizeMatMul" => |call| product(call, 1, call.dtype(0)),
        "QOrderedMatMul" => ordered_product,
        "QGemm" => |call| {
            standard_on(call, &[0, 3], "Gemm")?;
            let dtype = if call.has(7) { call.dtype(8).or(call.dtype(0)) } else { Some(DType::F32) };
            retype(call, dtype)
        },
        "QLinearAdd" | "QLinearMul" => |call| combined(call, &[0, 3], call.dtype(0)),
        "QLinearWhere" => |call| combined(call, &[0, 1, 4], call.dtype(1)),
        "MulInteger" => |call| combined(call, &[0, 2], Some(DType::I32)),
        "QLinearConcat" => concat,
        "QLinearSigmoid" | "QLinearLeakyRelu" | "QLinearSoftmax" | "QOrderedGelu" | "QOrderedLayerNormalization" => {
            same_as_first
        }
        "QLinearConv" => |call| in_layout(call, |call| standard_on(call, &[0, 1, 2, 3, 4, 5, 6, 7], "QLinearConv")),
        "QLinearConvTranspose" => |call| in_layout(call, |call| standard_on(call, &[0, 3], "ConvTranspose")),
        "QLinearAveragePool" => |call| in_layout(call, |call| standard_on(call, &[0], "AveragePool")),
        "QLinearGlobalAveragePool" => |call| in_layout(call, |call| standard_on(call, &[0], "GlobalAveragePool")),
        "NhwcMaxPool" => |call| channels_last(call, |call| standard_on(call, &[0], "MaxPool")),
        "QLinearReduceMean" => |call| reduced(call, call.dtype(0)),
        "ReduceSumInteger" => |call| {
            let unsigned = call.dtype(0) == Some(DType::U8);
            reduced(call, Some(if unsigned { DType::U32 } else { DType::I32 }))
        },
        "QuantizeLinear" | "DequantizeLinear" => |call| standard(call, &call.node.op.clone()),
        "QuantizeWithOrder" => |call| {
            same_as_first(call)?;
            retype(call, Some(DType::I8))
        },
        "DequantizeWithOrder" => |call| {
            same_as_first(call)?;
            retype(call, call.dtype_attribute("to"))
        },
        "DynamicQuantizeLSTM" => |call| {
            // Its weights are transposed, so the width of the hidden state is the recurrent weights' middle dimension.
            standard_on(call, &[0, 1], "LSTM")?;
            Ok(())
        },
        "GatherBlockQuantized" => gather_block,
        "MoE" | "QMoE" => same_as_first,
        _ => return None,
    })
}

/// Runs a standard rule on this node.
pub(super) fn standard(call: &mut Call<'_, '_>, op: &str) -> Outcome {
    match FAMILIES.iter().find_map(|family| family(op)) {
        Some(rule) => rule(call),
        None => Ok(()),
    }
}

/// Runs a standard rule on these inputs.
pub(super) fn standard_on(call: &mut Call<'_, '_>, places: &[usize], op: &str) -> Outcome {
    with_inputs(call, places, |call| standard(call, op))
}

/// Runs a rule in the layout that the node's `channels_last` says.
fn in_layout(call: &mut Call<'_, '_>, rule: impl FnOnce(&mut Call<'_, '_>) -> Outcome) -> Outcome {
    if is_set(call, "channels_last") { channels_last(call, rule) } else { rule(call) }
}

/// Gives the first output another element type.
fn retype(call: &mut Call<'_, '_>, dtype: Option<DType>) -> Outcome {
    if let Some(Some(crate::model::ValueType::Tensor(tensor))) = call.outputs.first_mut() {
        tensor.dtype = dtype;
    }
    Ok(())
}

/// An output like an input, but with another number of columns; 0 stands for an unknown one.
fn columns(call: &mut Call<'_, '_>, input: usize, output: usize, width: i64) -> Outcome {
    let dtype = call.dtype(input);
    let shape = call.shape(input).map(|mut shape| {
        if let Some(last) = shape.last_mut() {
            *last = if width > 0 { Dim::known(width) } else { Dim::UNKNOWN };
        }
        shape
    });
    call.set_tensor(output, dtype, shape);
    Ok(())
}

/// The matrix product of the first input and another.
fn product(call: &mut Call<'_, '_>, right: usize, dtype: Option<DType>) -> Outcome {
    let shape = match (call.shape(0), call.shape(right)) {
        (Some(a), Some(b)) => Some(matmul(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The right factor is transposed when it is stored by column.
fn ordered_product(call: &mut Call<'_, '_>) -> Outcome {
    let by_column = call.int_or("order_B", 0) == 0;
    let right = call.shape(2).map(|mut shape| {
        if by_column {
            shape.reverse();
        }
        shape
    });
    let shape = match (call.shape(0), right) {
        (Some(a), Some(b)) => Some(matmul(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, Some(DType::I8), shape);
    Ok(())
}

/// Element by element with broadcasting.
fn combined(call: &mut Call<'_, '_>, inputs: &[usize], dtype: Option<DType>) -> Outcome {
    let shape = broadcast_of(call, inputs)?;
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// After the output's scale and zero point, each part comes as tensor, scale and zero point.
fn concat(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(1);
    let mut shape: Option<Vec<Dim>> = None;
    for index in (2..call.node.inputs.len()).step_by(3) {
        let Some(part) = call.shape(index) else {
            call.set_tensor(0, dtype, None);
            return Ok(());
        };
        let along = axis(call.int_or("axis", 0), part.len())?;
        match &mut shape {
            None => shape = Some(part),
            Some(all) => match (all.get_mut(along), part.get(along)) {
                (Some(sum), Some(more)) => *sum = sum.add(more),
                _ => return Err(Mismatch("the parts differ in rank".to_owned())),
            },
        }
    }
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Reduced along the axes of an attribute.
fn reduced(call: &mut Call<'_, '_>, dtype: Option<DType>) -> Outcome {
    let axes = call.node.ints("axes").unwrap_or_default().to_vec();
    let keep = call.int_or("keepdims", 1) != 0;
    let mut shape = None;
    if let Some(input) = call.shape(0) {
        let gone = axes.iter().map(|along| axis(*along, input.len())).collect::<Result<Vec<_>, _>>()?;
        let is_gone = |place: usize| gone.is_empty() || gone.contains(&place);
        let kept = input.into_iter().enumerate().filter_map(|(place, dim)| match (is_gone(place), keep) {
            (false, _) => Some(dim),
            (true, true) => Some(Dim::known(1)),
            (true, false) => None,
        });
        shape = Some(kept.collect());
    }
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// A table of quantised rows: in bytes, several elements share one along the last axis.
fn gather_block(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(2);
    let bits = call.int_or("bits", 4);
    let (Some(mut table), Some(indices)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    if let (Some(DType::U8), Some(last), 1..=8) = (call.dtype(0), table.last_mut(), bits) {
        *last = last.mul(&Dim::known(8 / bits));
    }
    let along = axis(call.int_or("gather_axis", 0), table.len())?;
    table.splice(along..=along, indices);
    call.set_tensor(0, dtype, Some(table));
    Ok(())
}
