//! A long table of which only the rows in sight are drawn.

use web_sys::HtmlElement;
use yew::prelude::*;

/// Height of a row in CSS pixels; the style holds rows to it.
const ROW: f64 = 37.0;
/// Rows drawn above and below those in sight.
const MARGIN: usize = 12;
/// Height in sight before it was measured.
const FIRST_SIGHT: f64 = 600.0;

/// Which rows to draw, and what to connect to the element that scrolls.
#[derive(Clone)]
pub struct Rows {
    /// The element that scrolls.
    pub node: NodeRef,
    /// What it calls when it scrolls.
    pub onscroll: Callback<Event>,
    /// The first row to draw.
    pub from: usize,
    /// The row behind the last to draw.
    pub to: usize,
    /// Height of what is left out above, in CSS pixels.
    pub above: f64,
    /// Height of what is left out below, in CSS pixels.
    pub below: f64,
}

/// The rows in sight of so many. Whenever `order` becomes another, the table starts at its top again.
#[hook]
pub fn use_rows<T: PartialEq + 'static>(total: usize, order: T) -> Rows {
    let node = use_node_ref();
    let sight = use_state_eq(|| (0usize, (FIRST_SIGHT / ROW) as usize));
    let onscroll = {
        let (node, sight) = (node.clone(), sight.clone());
        use_callback((), move |_: Event, ()| {
            if let Some(element) = node.cast::<HtmlElement>() {
                let first = (f64::from(element.scroll_top()) / ROW) as usize;
                let count = (f64::from(element.client_height()) / ROW).ceil() as usize;
                // In steps, so that most scrolling draws nothing anew.
                sight.set((first / MARGIN * MARGIN, count + MARGIN));
            }
        })
    };
    {
        let (node, sight) = (node.clone(), sight.clone());
        use_effect_with(order, move |_| {
            if let Some(element) = node.cast::<HtmlElement>() {
                element.set_scroll_top(0);
            }
            let (_, count) = *sight;
            sight.set((0, count));
        });
    }
    let (first, count) = *sight;
    let from = first.saturating_sub(MARGIN).min(total);
    let to = (first + count + MARGIN).min(total);
    // A filter can leave fewer rows than lie above what is in sight.
    let from = from.min(to.saturating_sub(count));
    Rows { node, onscroll, from, to, above: from as f64 * ROW, below: (total - to) as f64 * ROW }
}
