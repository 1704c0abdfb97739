//! Light or dark: what the system prefers, unless the reader chose; on paper always light.

use super::use_media;
use gloo::events::EventListener;
use gloo::storage::{LocalStorage, Storage};
use wasm_bindgen::JsCast;
use web_sys::{CustomEvent, CustomEventInit};
use yew::prelude::*;

/// What the reader chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system prefers.
    #[default]
    Auto,
    /// Light, always.
    Light,
    /// Dark, always.
    Dark,
}

impl Theme {
    fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    fn stored() -> Theme {
        // Storage can be forbidden; then the system's preference holds.
        Theme::of(LocalStorage::raw().get_item(KEY).ok().flatten().as_deref())
    }

    fn of(word: Option<&str>) -> Theme {
        match word {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::Auto,
        }
    }
}

const KEY: &str = "greenprint-theme";
/// The event by which one of the page's modules tells the others of a choice.
const CHOSEN: &str = "themechosen";

/// The theme in force and how to change it.
#[derive(Clone, PartialEq)]
pub struct ThemeHandle {
    /// Whether the page is dark now.
    pub dark: bool,
    /// Chooses.
    pub choose: Callback<Theme>,
}

/// Follows the system's preference and the reader's choice, and writes it to the root element's `data-theme`.
#[hook]
pub fn use_theme() -> ThemeHandle {
    let system_dark = use_media("(prefers-color-scheme: dark)");
    let on_paper = use_media("print");
    let theme = use_state(Theme::stored);
    let dark = match *theme {
        _ if on_paper => false,
        Theme::Auto => system_dark,
        Theme::Light => false,
        Theme::Dark => true,
    };
    // Before the children draw: charts read their colours from the root element's style.
    if let Some(root) = gloo::utils::document().document_element() {
        let _ = root.set_attribute("data-theme", if dark { "dark" } else { "light" });
    }
    {
        let theme = theme.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&gloo::utils::window(), CHOSEN, move |event| {
                let word = event.dyn_ref::<CustomEvent>().and_then(|event| event.detail().as_string());
                theme.set(Theme::of(word.as_deref()));
            });
            move || drop(listener)
        });
    }
    let choose = Callback::from(move |chosen: Theme| {
        let _ = LocalStorage::raw().set_item(KEY, chosen.word());
        let choice = CustomEventInit::new();
        choice.set_detail(&chosen.word().into());
        if let Ok(event) = CustomEvent::new_with_event_init_dict(CHOSEN, &choice) {
            let _ = gloo::utils::window().dispatch_event(&event);
        }
    });
    ThemeHandle { dark, choose }
}
