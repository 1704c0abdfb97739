//! Printing the page, which is how it becomes a PDF.

use gloo::events::EventListener;
use std::rc::Rc;
use web_sys::Element;
use yew::prelude::*;

/// Opens the browser's dialog for printing.
pub fn print() {
    if let Err(error) = gloo::utils::window().print() {
        gloo::console::error!("cannot print", error);
    }
}

/// Fills the element in `node` with markup while the page is on paper: what `draw` makes of `of`.
///
/// The browser lays paper out as soon as its event is handled, so the markup is written at once and not with the next drawing
/// of the page. `draw` escapes whatever it did not write itself.
#[hook]
pub fn use_on_paper<T: PartialEq + 'static>(node: NodeRef, of: Rc<T>, draw: fn(&T) -> String) {
    use_effect_with((node, of), move |(node, of)| {
        let write = |event: &'static str, node: NodeRef, text: Box<dyn Fn() -> String>| {
            EventListener::new(&gloo::utils::window(), event, move |_| {
                if let Some(element) = node.cast::<Element>() {
                    element.set_inner_html(&text());
                }
            })
        };
        let of = of.clone();
        let listeners = [
            write("beforeprint", node.clone(), Box::new(move || draw(&of))),
            write("afterprint", node.clone(), Box::new(String::new)),
        ];
        move || drop(listeners)
    });
}
