//! The analysis worker's program: reads model files away from the page's thread.

fn main() -> Result<(), wasm_bindgen::JsValue> {
    app::worker::start()
}
