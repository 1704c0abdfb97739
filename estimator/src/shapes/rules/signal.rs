//! Signals: Fourier transforms, windows, mel filters.

use super::Rule;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, axis};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "DFT" => fourier,
        "STFT" => short_time_fourier,
        "BlackmanWindow" | "HammingWindow" | "HannWindow" => window,
        "MelWeightMatrix" => mel,
        _ => return None,
    })
}

/// Bins of a one-sided transform of this length.
fn one_sided(length: &Dim) -> Dim {
    length.floor_div(&Dim::known(2)).add(&Dim::known(1))
}

fn fourier(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut shape) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    // Version 17 has the axis as an attribute, later ones as an input whose default is the last signal axis.
    let along = match call.node.opset {
        ..20 => Some(call.node.int("axis").unwrap_or(1)),
        _ if call.has(2) => call.ints(2).and_then(|axis| axis.first().copied()),
        _ => Some(-2),
    };
    let is_set = |name: &str| call.node.int(name).unwrap_or(0) != 0;
    let (half, inverse) = (is_set("onesided"), is_set("inverse"));
    let Some(along) = along else {
        call.set_tensor(0, dtype, Some(vec![Dim::UNKNOWN; shape.len()]));
        return Ok(());
    };
    let place = axis(along, shape.len())?;
    let given = if call.has(1) {
        Some(call.dims(1).and_then(|length| length.first().cloned()).unwrap_or_default())
    } else {
        None
    };
    if let Some(slot) = shape.get_mut(place) {
        *slot = match (half, inverse, given) {
            (true, true, Some(length)) => length,
            // A one-sided spectrum of n/2 + 1 bins belongs to a signal of n.
            (true, true, None) => slot.sub(&Dim::known(1)).mul(&Dim::known(2)),
            (true, false, length) => one_sided(&length.unwrap_or_else(|| slot.clone())),
            (false, _, length) => length.unwrap_or_else(|| slot.clone()),
        };
    }
    if let Some(last) = shape.last_mut() {
        *last = Dim::known(if half && inverse { 1 } else { 2 });
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn short_time_fourier(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let scalar = |index: usize| call.dims(index).and_then(|known| known.first().cloned());
    let step = scalar(1).unwrap_or_default();
    let length = match call.has(3) {
        true => scalar(3).unwrap_or_default(),
        false => call.shape(2).and_then(|shape| shape.first().cloned()).unwrap_or_default(),
    };
    if step.value().is_some_and(|step| step <= 0) {
        return Err(Mismatch("the step between frames must be positive".to_owned()));
    }
    let bins = if call.node.int("onesided").unwrap_or(1) != 0 { one_sided(&length) } else { length.clone() };
    let (batch, signal) = match call.shape(0).as_deref() {
        Some([batch, signal, ..]) => (batch.clone(), signal.clone()),
        _ => Default::default(),
    };
    let frames = signal.sub(&length).floor_div(&step).add(&Dim::known(1));
    call.set_tensor(0, dtype, Some(vec![batch, frames, bins, Dim::known(2)]));
    Ok(())
}

/// The element type named by an attribute with ONNX's numbering; 32-bit float where it is absent.
fn output_dtype(call: &Call<'_, '_>) -> Option<DType> {
    match call.node.int("output_datatype") {
        Some(number) => crate::formats::onnx_dtype(number),
        None => Some(DType::F32),
    }
}

fn window(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = output_dtype(call);
    let length = call.dims(0).and_then(|known| known.first().cloned()).unwrap_or_default();
    call.set_tensor(0, dtype, Some(vec![length]));
    Ok(())
}

fn mel(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = output_dtype(call);
    let scalar = |index: usize| call.dims(index).and_then(|known| known.first().cloned()).unwrap_or_default();
    let shape = vec![one_sided(&scalar(1)), scalar(0)];
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}
