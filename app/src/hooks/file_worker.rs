//! The analysis worker as a component sees it.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{MessageEvent, Worker};
use yew::prelude::*;

use crate::BUILD_ID;

/// What is known of the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// It was started and has not answered.
    Starting,
    /// It runs and was built from the same sources as the page.
    Ready,
    /// It cannot be used, for this reason.
    Failed(String),
}

/// Starts the worker once and follows its state. A worker of another build is refused.
#[hook]
pub fn use_file_worker() -> WorkerState {
    let state = use_state(|| WorkerState::Starting);
    {
        let state = state.clone();
        use_effect_with((), move |()| {
            let url = format!("./file_worker_loader.js?build={BUILD_ID}");
            let worker = match Worker::new(&url) {
                Ok(worker) => worker,
                Err(why) => {
                    state.set(WorkerState::Failed(format!("{why:?}")));
                    return Box::new(|| ()) as Box<dyn FnOnce()>;
                }
            };
            let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                state.set(match event.data().as_string() {
                    Some(build) if build == BUILD_ID => WorkerState::Ready,
                    _ => WorkerState::Failed("it is of another build; reload the page".into()),
                });
            });
            worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            Box::new(move || {
                worker.terminate();
                drop(on_message);
            })
        });
    }
    (*state).clone()
}
