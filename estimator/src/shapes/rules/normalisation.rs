//! Normalisations: batch, layer, instance, group, RMS and the older ones.

use super::Rule;
use super::elementwise::same_as_first;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Outcome, axis};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "BatchNormalization" => batch,
        "LayerNormalization" => layer,
        "InstanceNormalization"
        | "GroupNormalization"
        | "RMSNormalization"
        | "LpNormalization"
        | "LRN"
        | "MeanVarianceNormalization" => same_as_first,
        _ => return None,
    })
}

/// In training it also gives statistics, one per channel.
fn batch(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let channels = call.shape(0).map(|shape| vec![shape.get(1).cloned().unwrap_or_else(|| Dim::known(1))]);
    for output in 1..call.output_count() {
        let dtype = call.dtype(3).or(call.dtype(0));
        call.set_tensor(output, dtype, channels.clone());
    }
    Ok(())
}

/// It also gives the mean and the inverse deviation, with the normalised axes kept as 1.
fn layer(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let statistics = match call.shape(0) {
        Some(shape) => {
            let from = axis(call.node.int("axis").unwrap_or(-1), shape.len())?;
            let kept = |(place, dim): (usize, Dim)| if place < from { dim } else { Dim::known(1) };
            Some(shape.into_iter().enumerate().map(kept).collect::<Vec<_>>())
        }
        None => None,
    };
    let dtype = match call.node.int("stash_type") {
        Some(11) => DType::F64,
        Some(10) => DType::F16,
        Some(16) => DType::Bf16,
        _ => DType::F32,
    };
    call.set_tensor(1, Some(dtype), statistics.clone());
    call.set_tensor(2, Some(dtype), statistics);
    Ok(())
}
