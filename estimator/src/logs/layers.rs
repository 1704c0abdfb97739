//! A profile beside the roofline of a model's layers.
//!
//! A kernel is matched with layers by the names of nodes that it computes. Where a runtime fused layers and names the last of them,
//! the layers in front of it that no other kernel names belong to it.
//! A layer's own time is that of the roofline at the shares of the peaks that `factors.csv` states, and the start of a layer once for each kernel.

use crate::carbon::factors;
use crate::energy::{EstimateError, usual_precision};
use crate::hardware::roofline::{Bound, Roof};
use crate::hardware::{self, Precision};
use crate::notes::Notes;
use crate::report::{Inspection, Layer, Profile, ProfileBeside, ProfileRow};
use crate::scenario::Hardware;
use crate::units::{Bytes, Flops, Seconds};
use std::collections::{HashMap, HashSet};

/// FLOPs of a multiply-accumulate.
const FLOPS_PER_MAC: f64 = 2.0;
/// The most layers without a kernel that are listed.
const MOST_MISSING: usize = 50;

/// Puts a profile beside the layers of the model that was profiled, on a device.
///
/// # Errors
/// A device or a precision that the table does not have.
pub fn beside_layers(profile: &Profile, model: &Inspection, on: &Hardware) -> Result<ProfileBeside, EstimateError> {
    let device = hardware::device(&on.device).ok_or_else(|| EstimateError::UnknownDevice {
        id: crate::notes::clip(&on.device),
        near: hardware::search(&on.device).into_iter().take(3).map(|(device, _)| device.id.clone()).collect(),
    })?;
    let unknown = || EstimateError::UnknownPrecision {
        precision: crate::notes::clip(on.precision.as_deref().unwrap_or_default()),
        device: device.id.clone(),
        offered: device.precisions().map(|precision| precision.code().to_owned()).collect(),
    };
    let precision = match &on.precision {
        Some(code) => Precision::from_code(code).ok_or_else(unknown)?,
        None => usual_precision(device).ok_or_else(unknown)?,
    };
    let peak = device.peak(precision).ok_or_else(unknown)?;
    let factor = |id: &str| factors::get(id).map_or(1.0, |factor| factor.value.central.0);
    let roof = Roof {
        arithmetic: peak.rate * factor("compute-share"),
        traffic: device.memory_bandwidth.map(|bandwidth| bandwidth * factor("bandwidth-share")),
    };
    let start = Seconds(factors::get("layer-start").map_or(0.0, |factor| factor.value.central.0));

    let mut notes = Notes::new();
    let by_name: HashMap<&str, usize> =
        model.layers.iter().enumerate().map(|(place, layer)| (layer.name.as_str(), place)).collect();
    let mut of_kernel: Vec<Vec<usize>> = Vec::new();
    let mut taken: HashSet<usize> = HashSet::new();
    for kernel in &profile.layers {
        let mut layers: Vec<usize> =
            kernel.nodes.iter().filter_map(|node| by_name.get(node.as_str()).copied()).collect();
        layers.sort_unstable();
        layers.dedup();
        taken.extend(layers.iter().copied());
        of_kernel.push(layers);
    }
    let named = taken.len();
    for layers in &mut of_kernel {
        let Some(mut at) = layers.first().copied() else { continue };
        // Layers that were folded away while the session was made leave no kernel, and cost nothing here.
        while let Some(before) = at.checked_sub(1).filter(|before| !taken.contains(before)) {
            taken.insert(before);
            layers.insert(0, before);
            at = before;
        }
    }
    if taken.len() > named {
        notes.info("", format!("{} layers without a kernel of their own are counted with the kernel behind them, into which the runtime fused them", taken.len() - named));
    }
    let (mut matched, mut unmatched, mut estimated) = (0.0, 0.0, 0.0);
    let rows: Vec<ProfileRow> = profile
        .layers
        .iter()
        .zip(&of_kernel)
        .map(|(kernel, layers)| {
            let layers: Vec<&Layer> = layers.iter().filter_map(|place| model.layers.get(*place)).collect();
            let main = layers.iter().max_by_key(|layer| layer.macs.unwrap_or(0));
            if layers.is_empty() {
                unmatched += kernel.mean_s.0;
            } else {
                matched += kernel.mean_s.0;
            }
            let macs: f64 = layers.iter().map(|layer| layer.macs.unwrap_or(0) as f64).sum();
            let flops = Flops(FLOPS_PER_MAC * macs);
            let moved = Bytes(traffic(&layers, precision));
            let (time, bound) = roof.time(flops, moved);
            let own = (!layers.is_empty()).then_some(time + start);
            estimated += own.map_or(0.0, |own| own.0);
            ProfileRow {
                name: kernel.name.clone(),
                op: main.map_or_else(|| kernel.op.clone(), |layer| layer.op.clone()),
                measured_s: kernel.mean_s,
                estimated_s: own,
                bound: own.map(|_| if bound == Bound::Compute { "compute" } else { "memory" }.to_owned()),
                share_of_peak: (flops.0 > 0.0 && kernel.mean_s.0 > 0.0)
                    .then(|| flops.0 / kernel.mean_s.0 / peak.rate.0),
                layers: layers.into_iter().map(|layer| layer.name.clone()).collect(),
            }
        })
        .collect();
    let missing: Vec<String> = model
        .layers
        .iter()
        .enumerate()
        .filter(|(place, layer)| !taken.contains(place) && layer.macs.unwrap_or(0) > 0)
        .map(|(_, layer)| layer.name.clone())
        .take(MOST_MISSING)
        .collect();
    if named == 0 {
        notes.warn("", "no kernel carries the name of a layer of this model: the profile is of another model, or of one whose names the runtime changed");
    } else if !missing.is_empty() {
        notes.warn("", format!("{} layers with products have no kernel in the profile", missing.len()));
    }
    notes.info("", format!("our time of a layer is its roofline on {} in {}; it is the device of the scenario, which the profile cannot tell", device.name, precision.code()));
    Ok(ProfileBeside {
        device: device.id.clone(),
        precision: precision.code().to_owned(),
        rows,
        matched_s: Seconds(matched),
        unmatched_s: Seconds(unmatched),
        missing_layers: missing,
        estimated_s: Seconds(estimated),
        warnings: notes.iter().cloned().collect(),
    })
}

/// Bytes that a kernel moves: what the layers read and write, without what only passes from one to the next inside it.
fn traffic(layers: &[&Layer], precision: Precision) -> f64 {
    let whole: f64 = layers.iter().map(|layer| scaled(layer, layer.traffic_bytes.unwrap_or(0), precision)).sum();
    let inner: f64 = layers
        .split_last()
        .map(|(_, fused)| {
            fused.iter().map(|layer| 2.0 * scaled(layer, layer.activation_bytes.unwrap_or(0), precision)).sum()
        })
        .unwrap_or(0.0);
    (whole - inner).max(0.0)
}

/// Bytes as stored in the precision that is computed in.
fn scaled(layer: &Layer, bytes: u64, precision: Precision) -> f64 {
    let stored = match layer.dtype.as_str() {
        "f64" => 64.0,
        "f32" => 32.0,
        "f16" | "bf16" => 16.0,
        _ => return bytes as f64,
    };
    bytes as f64 * f64::from(precision.bits()) / stored
}
