//! The analysis worker with the readers of every format: fetched when the usual one does not know a file.

fn main() -> Result<(), wasm_bindgen::JsValue> {
    app::worker::start()
}
