//! The layers of a file that holds weights without a graph: the modules that own its tensors.
//!
//! Nothing is known here of what is computed: the counts of operations stay open.

use super::Found;
use super::traffic::is_matrix;
use super::weights::Weights;
use crate::model::{Model, TensorRole};
use crate::report::Layer;
use std::collections::HashMap;

/// One layer for each module, in the file's order. A module is what a tensor's name says before its last dot or slash:
/// `model.layers.0.mlp.up_proj.weight` belongs to `model.layers.0.mlp.up_proj`.
pub(super) fn of(model: &Model, weights: &Weights) -> Vec<Found> {
    let mut layers: Vec<Found> = Vec::with_capacity(model.graph.weights.len() / 2);
    let mut places: HashMap<&str, usize> = HashMap::new();
    for id in &model.graph.weights {
        let Some(weight) = model.value(*id).and_then(|value| value.weight.as_ref()) else { continue };
        if matches!(weight.role, Some(TensorRole::OptimizerState | TensorRole::Setting)) {
            continue;
        }
        let name = model.name(*id);
        let module = name.rsplit_once(['.', '/']).map_or(name, |(module, _)| module);
        let place = *places.entry(module).or_insert_with(|| {
            let group = module.rsplit_once(['.', '/']).map_or("", |(group, _)| group);
            let layer = Layer {
                name: module.to_owned(),
                op: "weights".to_owned(),
                group: group.replace('.', "/"),
                times: 1,
                weight_bytes: Some(0),
                ..Layer::default()
            };
            layers.push(Found { layer, is_counted: true });
            layers.len() - 1
        });
        let Some(Found { layer, .. }) = layers.get_mut(place) else { continue };
        let of = |list: &[u64]| usize::try_from(id.0).ok().and_then(|slot| list.get(slot).copied()).unwrap_or(0);
        let own = of(&weights.parameters_of);
        layer.parameters = layer.parameters.saturating_add(own);
        if is_matrix(&weight.shape) {
            layer.matrix_parameters = layer.matrix_parameters.saturating_add(own);
        }
        layer.weight_bytes = layer.weight_bytes.map(|bytes| bytes.saturating_add(of(&weights.bytes_of)));
        if layer.dtype.is_empty() {
            layer.dtype =
                weight.packing.as_ref().map_or_else(|| weight.dtype.to_string(), |packing| packing.name.to_string());
        }
    }
    layers
}
