//! The layers of the model on the estimate page, kept for the page of measured runs: a profile is matched with them by name.

use estimator::report::{Inspection, Layer};
use gloo::storage::{SessionStorage, Storage};
use yew::prelude::*;

const KEY: &str = "greenprint-layers";
/// The most layers that are kept: a tab's storage holds a few megabytes.
const MOST: usize = 5_000;

/// Keeps the layers of the newest model; of a larger one, none.
#[hook]
pub fn use_keep_layers<T: std::ops::Deref<Target = Inspection> + Clone + PartialEq + 'static>(model: Option<T>) {
    use_effect_with(model, |model| {
        let layers = model.as_ref().map(|model| model.layers.as_slice()).filter(|layers| layers.len() <= MOST);
        match layers {
            Some(layers) => {
                let _ = SessionStorage::set(KEY, layers);
            }
            None => SessionStorage::delete(KEY),
        }
    });
}

/// The layers that were kept last.
pub fn kept_layers() -> Vec<Layer> {
    SessionStorage::get(KEY).unwrap_or_default()
}
