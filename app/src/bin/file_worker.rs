//! The analysis worker's program: reads model files away from the page's thread.
//!
//! It says its build first, so that the page can refuse a worker that does not belong to it.

use js_sys::global;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

fn main() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = global().dyn_into()?;
    scope.post_message(&JsValue::from_str(app::BUILD_ID))
}
