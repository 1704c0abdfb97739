//! ATen's operators that stand in a graph without declared shapes: those of TorchScript's code that ONNX has no operator for.
//!
//! Exported programs state every shape themselves.
//! Tensors stand in the order of the operator's signature, everything else is an attribute of its name.

use super::Rule;
use crate::model::Dim;
use crate::shapes::call::{Call, Mismatch, Outcome, show};

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        op if op.starts_with("adaptive_") => |call| resized(call),
        op if op.starts_with("upsample_") || op.starts_with("_upsample_") => |call| resized(call),
        "scaled_dot_product_attention" => attention,
        "flip" | "roll" | "tril" | "triu" => |call| {
            let (dtype, shape) = (call.dtype(0), call.shape(0));
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "lstm" | "gru" | "rnn_tanh" | "rnn_relu" => recurrent,
        _ => return None,
    })
}

/// The last dimensions get stated sizes, or are scaled.
fn resized(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(mut shape), dtype) = (call.shape(0), call.dtype(0)) else { return Ok(()) };
    let rank = shape.len();
    if let Some(sizes) = call.node.ints("output_size") {
        let Some(from) = rank.checked_sub(sizes.len()) else {
            return Err(Mismatch(format!("{} sizes for the input {}", sizes.len(), show(&shape))));
        };
        for (dim, size) in shape.iter_mut().skip(from).zip(sizes) {
            *dim = Dim::known(*size);
        }
    } else if let Some(scales) = call.node.floats("scale_factors") {
        let Some(from) = rank.checked_sub(scales.len()) else {
            return Err(Mismatch(format!("{} scales for the input {}", scales.len(), show(&shape))));
        };
        for (dim, scale) in shape.iter_mut().skip(from).zip(scales) {
            let whole = if scale.fract() == 0.0 && (1.0..1e6).contains(scale) { Some(*scale as i64) } else { None };
            *dim = match (whole, dim.size()) {
                (Some(whole), _) => dim.mul(&Dim::known(whole)),
                (None, Some(size)) => Dim::known(libm::floor(size as f64 * scale) as i64),
                (None, None) => Dim::UNKNOWN,
            };
        }
    } else {
        return Ok(());
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// Queries, keys, values: what comes out has the queries' shape and the values' width.
fn attention(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(mut shape), dtype) = (call.shape(0), call.dtype(0)) else { return Ok(()) };
    if let (Some(last), Some(values)) = (shape.last_mut(), call.shape(2))
        && let Some(width) = values.last()
    {
        *last = width.clone();
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// All states of the last layer, and the last state of each layer (and its cell).
/// The second of a layer's weights is gates·hidden × hidden.
fn recurrent(call: &mut Call<'_, '_>) -> Outcome {
    // Exported programs, which follow no set of operators, declare what comes out, in an order of their own.
    if call.node.opset == 0 {
        return Ok(());
    }
    let (Some(input), dtype) = (call.shape(0), call.dtype(0)) else { return Ok(()) };
    let from = call.node.ints("params").and_then(|stretch| usize::try_from(*stretch.first()?).ok()).unwrap_or(2);
    let hidden = call.shape(from + 1).and_then(|shape| shape.last().cloned()).unwrap_or_default();
    let directions = if call.node.int("bidirectional").unwrap_or(0) != 0 { 2 } else { 1 };
    let layers = call.node.int("num_layers").unwrap_or(1);
    let batch_first = call.node.int("batch_first").unwrap_or(0) != 0;
    let [first, second, _] = input.as_slice() else {
        return match input.len() {
            2 => Ok(()),
            _ => Err(Mismatch(format!("the input {} does not have three dimensions", show(&input)))),
        };
    };
    let batch = if batch_first { first } else { second };
    let states = vec![Dim::known(directions * layers), batch.clone(), hidden.clone()];
    let all = vec![first.clone(), second.clone(), hidden.mul(&Dim::known(directions))];
    call.set_tensor(0, dtype, Some(all));
    call.set_tensor(1, dtype, Some(states.clone()));
    call.set_tensor(2, dtype, Some(states));
    Ok(())
}
