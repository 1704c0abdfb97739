//! The part of the address behind `#`: read at the start and when it changes, written a moment after the last change.

use super::address::is_part;
use crate::route::Address;
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsValue;
use yew::prelude::*;

/// Browsers limit how often an address may be written; a slider moves more often than that.
pub(super) const PAUSE_MS: u32 = 250;

/// The fragment now, without its `#`.
pub fn current() -> String {
    let hash = gloo::utils::window().location().hash().unwrap_or_default();
    hash.strip_prefix('#').unwrap_or(&hash).to_owned()
}

/// Writes another fragment into the address, without an entry in the history; whether that was possible.
pub(super) fn replace(fragment: &str) -> bool {
    let window = gloo::utils::window();
    let path = window.location().pathname().unwrap_or_default();
    let search = window.location().search().unwrap_or_default();
    let hash = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
    let address = format!("{path}{search}{hash}");
    window.history().is_ok_and(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&address)).is_ok())
}

/// Keeps the address's fragment equal to `wanted`, and calls `changed` when the reader goes to another one.
/// Addresses of other pages are left alone; `active` says whether this page is the one shown.
#[hook]
pub fn use_fragment(wanted: AttrValue, active: bool, changed: Callback<String>) {
    let written = use_mut_ref(current);
    {
        let written = written.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
                let now = current();
                // A jump to a section of the page is no scenario.
                if !is_part(&now) && !Address::is_page(&now) && *written.borrow() != now {
                    *written.borrow_mut() = now.clone();
                    changed.emit(now);
                }
            });
            move || drop(listener)
        });
    }
    use_effect_with((wanted, active), move |(wanted, _)| {
        let wanted = wanted.clone();
        let timer = Timeout::new(PAUSE_MS, move || {
            // The reader has just gone to another address, of which we are about to hear: writing now would undo that.
            let moved_on = *written.borrow() != current();
            if moved_on || *written.borrow() == wanted.as_str() {
                return;
            }
            if replace(&wanted) {
                *written.borrow_mut() = current();
            }
        });
        move || drop(timer)
    });
}
