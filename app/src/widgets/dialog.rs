//! A dialog over the page: the browser's own, which keeps the focus inside and gives it back.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

/// Properties of [`Dialog`].
#[derive(Properties, PartialEq)]
pub struct DialogProps {
    /// Unique on the page.
    pub id: &'static str,
    /// Its heading.
    pub title: AttrValue,
    /// What the button that closes it says.
    pub close_label: &'static str,
    /// Whether it is open.
    pub open: bool,
    /// Called when the reader closes it.
    pub close: Callback<()>,
    /// What is in it; drawn only while it is open.
    pub children: Children,
}

/// A dialog.
#[component]
pub fn Dialog(props: &DialogProps) -> Html {
    let node = use_node_ref();
    use_effect_with((props.open, node.clone()), |(open, node)| {
        if let Some(dialog) = node.cast::<HtmlDialogElement>() {
            if *open && !dialog.open() {
                // Fails only for a dialog that is not in the document.
                let _ = dialog.show_modal();
            } else if !*open && dialog.open() {
                dialog.close();
            }
        }
    });
    let close = props.close.clone();
    // Escape closes it without asking; the state follows.
    let onclose = Callback::from({
        let close = close.clone();
        move |_: Event| close.emit(())
    });
    // A click on what lies behind: the dialog itself is hit only outside its content.
    let onclick = Callback::from({
        let (close, node) = (close.clone(), node.clone());
        move |event: MouseEvent| {
            let hit: Option<web_sys::Element> = event.target_dyn_into();
            if hit.is_some() && hit == node.cast::<web_sys::Element>() {
                close.emit(());
            }
        }
    });
    let heading = format!("{}-title", props.id);
    html! {
        <dialog id={props.id} ref={node} aria-labelledby={heading.clone()} {onclose} {onclick}>
            if props.open {
                <div class="dialog">
                    <header>
                        <h2 id={heading}>{ props.title.clone() }</h2>
                        <button type="button" class="quiet" onclick={move |_| close.emit(())}>{ props.close_label }</button>
                    </header>
                    <div class="dialog-body" tabindex="0" role="group" aria-label={props.title.clone()}>{ props.children.clone() }</div>
                </div>
            }
        </dialog>
    }
}
