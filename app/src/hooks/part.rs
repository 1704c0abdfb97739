//! Going to a part of the page.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Scrolls to the element with this id and lets the keyboard go on from there.
pub fn go_to(id: &str) {
    let Some(part) = gloo::utils::document().get_element_by_id(id) else { return };
    part.scroll_into_view();
    if let Ok(part) = part.dyn_into::<HtmlElement>() {
        part.set_tab_index(-1);
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        // Focus is refused only for an element that is not in the document.
        let _ = part.focus_with_options(&options);
    }
}
