//! The page as a whole.

use yew::prelude::*;

use crate::hooks::{WorkerState, use_file_worker};

/// The page.
#[component]
pub fn Page() -> Html {
    let worker = match use_file_worker() {
        WorkerState::Starting => "starting…".to_owned(),
        WorkerState::Ready => "ready".to_owned(),
        WorkerState::Failed(why) => format!("not available: {why}"),
    };
    html! {
        <main>
            <h1>{ "Greenprint" }</h1>
            <p>{ "What a machine-learning model costs, before you train or deploy it." }</p>
            <p id="worker" role="status">{ format!("Model reader: {worker}") }</p>
        </main>
    }
}
