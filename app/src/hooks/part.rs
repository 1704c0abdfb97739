//! Going to a part of the page.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Scrolls to the element with this id and lets the keyboard go on from there.
pub fn go_to(id: &str) {
    let Some(part) = gloo::utils::document().get_element_by_id(id) else { return };
    part.scroll_into_view();
    focus(part);
}

fn focus(part: Element) {
    if let Ok(part) = part.dyn_into::<HtmlElement>() {
        part.set_tab_index(-1);
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        // Focus is refused only for an element that is not in the document.
        let _ = part.focus_with_options(&options);
    }
}

/// Gives the focus to the heading of the page that is shown, unless that page has already put it somewhere.
pub fn focus_heading() {
    let document = gloo::utils::document();
    let shown = |element: &Element| element.closest("[hidden]").ok().flatten().is_none();
    let focused = document.active_element().and_then(|element| element.closest("main").ok().flatten());
    if focused.is_some_and(|main| shown(&main)) {
        return;
    }
    let Ok(headings) = document.query_selector_all("main h1") else { return };
    let headings = (0..headings.length()).filter_map(|at| headings.get(at)?.dyn_into::<Element>().ok());
    if let Some(heading) = headings.into_iter().find(shown) {
        focus(heading);
    }
}
