//! The window: its title, its address as a text to copy, how far down the reader is.

use super::fragment::current;
use std::cell::Cell;
use web_sys::{ScrollBehavior, ScrollToOptions};
use yew::prelude::*;

/// The name in the window's title and in the history.
pub fn set_title(title: &str) {
    gloo::utils::document().set_title(title);
}

/// Loads the page anew.
pub fn reload() {
    if let Err(error) = gloo::utils::window().location().reload() {
        gloo::console::error!("cannot reload", error);
    }
}

/// The whole address of this page with another fragment, or with the one it has.
pub fn address_of(fragment: Option<&str>) -> String {
    let here = gloo::utils::window().location().href().unwrap_or_default();
    let page = here.split('#').next().unwrap_or_default();
    let fragment = fragment.map_or_else(current, str::to_owned);
    if fragment.is_empty() { page.to_owned() } else { format!("{page}#{fragment}") }
}

/// Brings the reader back to where they were when the first page is shown again, and to the top of any other.
#[hook]
pub fn use_place_kept(first: bool) {
    let before = use_mut_ref(|| Cell::new((first, 0.0)));
    let (was_first, place) = before.borrow().get();
    if was_first != first {
        // While drawing: afterwards the page is another one, and perhaps shorter.
        let here = if first { place } else { gloo::utils::window().scroll_y().unwrap_or_default() };
        before.borrow().set((first, here));
    }
    let place = before.borrow().get().1;
    let fresh = use_mut_ref(|| true);
    use_effect_with(first, move |first| {
        // What the window opens with is the browser's business.
        if !fresh.replace(false) {
            let to = ScrollToOptions::new();
            to.set_top(if *first { place } else { 0.0 });
            to.set_behavior(ScrollBehavior::Instant);
            gloo::utils::window().scroll_to_with_scroll_to_options(&to);
        }
    });
}
