//! The part of the address behind `#`: read at the start and when it changes, written a moment after the last change.

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsValue;
use yew::prelude::*;

/// Browsers limit how often an address may be written; a slider moves more often than that.
const PAUSE_MS: u32 = 250;

/// The fragment now, without its `#`.
pub fn current() -> String {
    let hash = gloo::utils::window().location().hash().unwrap_or_default();
    hash.strip_prefix('#').unwrap_or(&hash).to_owned()
}

/// Keeps the address's fragment equal to `wanted`, and calls `changed` when the reader goes to another one.
#[hook]
pub fn use_fragment(wanted: AttrValue, changed: Callback<String>) {
    let written = use_mut_ref(current);
    {
        let written = written.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
                let now = current();
                // A jump to a section of the page is no scenario.
                let section = !now.is_empty() && gloo::utils::document().get_element_by_id(&now).is_some();
                if !section && *written.borrow() != now {
                    *written.borrow_mut() = now.clone();
                    changed.emit(now);
                }
            });
            move || drop(listener)
        });
    }
    use_effect_with(wanted, move |wanted| {
        let wanted = wanted.clone();
        let timer = Timeout::new(PAUSE_MS, move || {
            // The reader has just gone to another address, of which we are about to hear: writing now would undo that.
            let moved_on = *written.borrow() != current();
            if moved_on || *written.borrow() == wanted.as_str() {
                return;
            }
            let window = gloo::utils::window();
            let path = window.location().pathname().unwrap_or_default();
            let search = window.location().search().unwrap_or_default();
            let hash = if wanted.is_empty() { String::new() } else { format!("#{wanted}") };
            if let Ok(history) = window.history() {
                let address = format!("{path}{search}{hash}");
                if history.replace_state_with_url(&JsValue::NULL, "", Some(&address)).is_ok() {
                    *written.borrow_mut() = current();
                }
            }
        });
        move || drop(timer)
    });
}
