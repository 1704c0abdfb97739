//! Copying a text, and saying for a moment that it was copied.

use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::JsFuture;
use yew::prelude::*;

/// How long "Copied" stays.
const SAID_FOR_MS: u32 = 2_000;

/// What became of the last copy: `None` when nothing is to be said, else whether it worked.
/// The callback copies a text.
#[hook]
pub fn use_clipboard() -> (Option<bool>, Callback<String>) {
    let outcome = use_state(|| None);
    let timer = use_mut_ref(|| None::<Timeout>);
    let copy = {
        let outcome = outcome.clone();
        Callback::from(move |text: String| {
            let (outcome, timer) = (outcome.clone(), timer.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let clipboard = gloo::utils::window().navigator().clipboard();
                let copied = JsFuture::from(clipboard.write_text(&text)).await.is_ok();
                outcome.set(Some(copied));
                *timer.borrow_mut() = Some(Timeout::new(SAID_FOR_MS, move || outcome.set(None)));
            });
        })
    };
    (*outcome, copy)
}
