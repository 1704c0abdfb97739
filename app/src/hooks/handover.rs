//! What the estimate page hands to the other pages: its scenario, and the model as far as it is known.
//!
//! The two live in modules of their own and share no memory. The browser keeps the record for this tab, so that it is still
//! there when another page is reloaded.

use estimator::scenario::{ModelSummary, Scenario};
use gloo::storage::{SessionStorage, Storage};
use serde::{Deserialize, Serialize};
use yew::prelude::*;

const KEY: &str = "greenprint-estimate";

/// What the estimate page shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handover {
    /// The scenario as a fragment, without `#`; empty for the one that the page opens with.
    pub link: String,
    /// What the model is called.
    pub name: String,
    /// What an estimate needs to know of the model; `None` before it was read.
    pub summary: Option<ModelSummary>,
}

impl Handover {
    /// The scenario. A link of another version that makes no sense any more is the scenario that the page opens with.
    pub fn scenario(&self) -> Scenario {
        Scenario::from_fragment(&self.link).unwrap_or_default()
    }

    /// What was kept last; nothing where the browser keeps nothing or the estimate page was never shown.
    pub fn kept() -> Self {
        SessionStorage::get(KEY).unwrap_or_default()
    }
}

/// Keeps the newest record.
#[hook]
pub fn use_hand_over(record: Handover) {
    use_effect_with(record, |record| {
        // A browser that keeps nothing leaves the other pages without a model, which they can say.
        let _ = SessionStorage::set(KEY, record);
    });
}
