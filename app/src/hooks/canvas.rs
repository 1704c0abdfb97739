//! A canvas that is as sharp as the screen: its size in device pixels follows its size on the page.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, ResizeObserver};
use yew::prelude::*;

/// A canvas's size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Canvas {
    /// Width in CSS pixels; 0 until it is laid out.
    pub width: f64,
    /// Device pixels for each CSS pixel.
    pub ratio: f64,
}

/// Follows the width of the element in `node` and the screen's density.
#[hook]
pub fn use_canvas(node: NodeRef) -> Canvas {
    let size = use_state_eq(|| Canvas { width: 0.0, ratio: 1.0 });
    {
        let size = size.clone();
        use_effect_with(node, move |node| {
            let element = node.cast::<web_sys::Element>();
            let measured = element.clone();
            let observe = Closure::<dyn FnMut()>::new(move || {
                let Some(element) = &measured else { return };
                let ratio = gloo::utils::window().device_pixel_ratio();
                size.set(Canvas { width: element.get_bounding_client_rect().width().round(), ratio });
            });
            let observer = ResizeObserver::new(observe.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                observer.observe(element);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(observe);
            }
        });
    }
    *size
}

/// The canvas in `node`, set to this size in device pixels, blank.
pub fn prepared(node: &NodeRef, canvas: Canvas, height: f64) -> Option<HtmlCanvasElement> {
    let element = node.cast::<HtmlCanvasElement>()?;
    element.set_width((canvas.width * canvas.ratio).round() as u32);
    element.set_height((height * canvas.ratio).round() as u32);
    Some(element)
}

/// The value of a custom property of the root element's style, for example a colour.
pub fn style_value(name: &str) -> String {
    let window = gloo::utils::window();
    let root = gloo::utils::document().document_element();
    let style = root.and_then(|root| window.get_computed_style(&root).ok().flatten());
    style.and_then(|style| style.get_property_value(name).ok()).unwrap_or_default().trim().to_owned()
}
