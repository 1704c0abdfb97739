//! A field that searches a list while one types: the WAI-ARIA combobox with a list box.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, ScrollIntoViewOptions};
use yew::prelude::*;

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What is given back when it is chosen.
    pub id: String,
    /// Its name.
    pub label: String,
    /// What tells it from others like it.
    pub detail: String,
}

/// Properties of [`Combobox`].
#[derive(Properties, PartialEq)]
pub struct ComboboxProps {
    /// Unique on the page.
    pub id: &'static str,
    /// What is being chosen.
    pub label: &'static str,
    /// The name of what is chosen.
    pub chosen: AttrValue,
    /// What there is for a text; for an empty one, what to offer first.
    pub search: Callback<String, Vec<Found>>,
    /// Called with the id of what the reader chooses.
    pub choose: Callback<String>,
    /// What is said when nothing is found.
    pub none: &'static str,
    /// A line below that helps.
    #[prop_or_default]
    pub help: AttrValue,
}

/// A field that searches a list.
#[component]
pub fn Combobox(props: &ComboboxProps) -> Html {
    // What is typed; `None` while the list is closed.
    let typed = use_state(|| None::<String>);
    let active = use_state(|| 0usize);
    let list = use_node_ref();
    let found = use_memo(((*typed).clone(), props.search.clone()), |(typed, search)| {
        typed.as_ref().map(|typed| search.emit(typed.clone())).unwrap_or_default()
    });
    let open = typed.is_some();
    {
        let list = list.clone();
        use_effect_with((*active, open), move |(active, _)| {
            let option = list.cast::<HtmlElement>().and_then(|list| list.children().item(*active as u32));
            if let Some(option) = option {
                let options = ScrollIntoViewOptions::new();
                options.set_block(web_sys::ScrollLogicalPosition::Nearest);
                option.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    let choose = {
        let (typed, choose) = (typed.clone(), props.choose.clone());
        Callback::from(move |id: String| {
            typed.set(None);
            choose.emit(id);
        })
    };
    let onfocus = {
        let (typed, active) = (typed.clone(), active.clone());
        move |event: FocusEvent| {
            // The whole name is marked, so that typing replaces it.
            if let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) {
                input.select();
            }
            active.set(0);
            typed.set(None);
        }
    };
    let onclick = {
        let typed = typed.clone();
        move |_: MouseEvent| {
            if typed.is_none() {
                typed.set(Some(String::new()));
            }
        }
    };
    let oninput = {
        let (typed, active) = (typed.clone(), active.clone());
        move |event: InputEvent| {
            active.set(0);
            typed.set(Some(event.target_unchecked_into::<HtmlInputElement>().value()));
        }
    };
    let onblur = {
        let typed = typed.clone();
        move |_: FocusEvent| typed.set(None)
    };
    let onkeydown = {
        let (typed, active, found, choose) = (typed.clone(), active.clone(), found.clone(), choose.clone());
        move |event: KeyboardEvent| {
            let last = found.len().saturating_sub(1);
            match event.key().as_str() {
                "ArrowDown" if typed.is_none() => typed.set(Some(String::new())),
                "ArrowUp" if typed.is_none() => typed.set(Some(String::new())),
                "ArrowDown" => active.set(if *active >= last { 0 } else { *active + 1 }),
                "ArrowUp" => active.set(if *active == 0 { last } else { *active - 1 }),
                "PageDown" if typed.is_some() => active.set((*active + 8).min(last)),
                "PageUp" if typed.is_some() => active.set(active.saturating_sub(8)),
                "Enter" if typed.is_some() => {
                    if let Some(option) = found.get(*active) {
                        choose.emit(option.id.clone());
                    }
                }
                "Escape" if typed.is_some() => typed.set(None),
                _ => return,
            }
            event.prevent_default();
        }
    };
    let list_id = format!("{}-list", props.id);
    let option_id = |place: usize| format!("{}-option-{place}", props.id);
    let option = |(place, option): (usize, &Found)| {
        let choose = choose.clone();
        let id = option.id.clone();
        // Before the field loses its focus and the list with it.
        let onmousedown = move |event: MouseEvent| {
            event.prevent_default();
            choose.emit(id.clone());
        };
        html! {
            <li key={option.id.clone()} id={option_id(place)} role="option" aria-selected={(place == *active).to_string()} {onmousedown}>
                <span>{ option.label.clone() }</span>
                <span class="detail">{ option.detail.clone() }</span>
            </li>
        }
    };
    let shown = (*typed).clone().filter(|typed| !typed.is_empty()).map_or(props.chosen.clone(), AttrValue::from);
    // An emptied field shows what was typed: nothing.
    let shown = if typed.as_ref().is_some_and(String::is_empty) { AttrValue::from("") } else { shown };
    let below = format!("{}-below", props.id);
    html! {
        <div class="field combobox">
            <label for={props.id}>{ props.label }</label>
            <div class="combobox-box">
                <input type="text" role="combobox" id={props.id} autocomplete="off" spellcheck="false" value={shown}
                    placeholder={props.chosen.clone()} aria-autocomplete="list" aria-expanded={open.to_string()} aria-controls={list_id.clone()}
                    aria-activedescendant={(open && !found.is_empty()).then(|| option_id(*active))}
                    aria-describedby={(!props.help.is_empty()).then(|| below.clone())}
                    {onfocus} {onclick} {oninput} {onblur} {onkeydown} />
                <ul role="listbox" id={list_id} ref={list} aria-label={props.label} hidden={!open || found.is_empty()}>
                    { for found.iter().enumerate().map(option) }
                </ul>
                if open && found.is_empty() { <p class="combobox-none">{ props.none }</p> }
            </div>
            if !props.help.is_empty() { <p class="field-help" id={below}>{ props.help.clone() }</p> }
        </div>
    }
}
