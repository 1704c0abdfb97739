//! The second module of the page, in which every page but the estimate lives: fetched when one of them is first opened.
//!
//! It draws into an element of its own beside ours, since two programs that draw inside one another would take each other's
//! events for their own. `public/study_loader.js` starts it and says how that went; the element carries the builds of both.

use crate::BUILD_ID;
use crate::text;
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{CustomEvent, Element};
use yew::prelude::*;

/// The id of the element that it draws into.
const PLACE: &str = "study";
/// The attribute in which it states the build that it was made from.
const BUILD: &str = "data-build";
/// The event by which the loader says how it went: its detail is empty, or what went wrong.
const LOADED: &str = "studyloaded";
/// How long it may take to arrive and start before it is given up: a slow line brings half a megabyte in that time.
const LIMIT_MS: u32 = 120_000;

/// How far the second module is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Study {
    /// Not asked for.
    #[default]
    Asleep,
    /// On its way.
    Loading,
    /// It draws.
    Here,
    /// It did not come; asking again may help.
    Missing,
    /// It is from another build; only a reload helps.
    OtherBuild,
}

fn place() -> Option<Element> {
    gloo::utils::document().get_element_by_id(PLACE)
}

/// Loads the second module once it is wanted, and shows its element while it is; the callback tries again.
#[hook]
pub fn use_study(wanted: bool) -> (Study, Callback<()>) {
    let state = use_state(Study::default);
    let attempt = use_state(|| 0u32);
    {
        let state = state.clone();
        use_effect_with((wanted, *attempt), move |(wanted, attempt)| {
            if *wanted && matches!(*state, Study::Asleep | Study::Missing) {
                state.set(Study::Loading);
                load(*attempt);
            }
        });
    }
    {
        let state = state.clone();
        use_effect_with(*state == Study::Loading, move |loading| {
            let waiting = loading.then(|| {
                let heard = {
                    let state = state.clone();
                    EventListener::new(&gloo::utils::window(), LOADED, move |event| {
                        let fault = event.dyn_ref::<CustomEvent>().and_then(|event| event.detail().as_string());
                        state.set(outcome(&fault.unwrap_or_default()));
                    })
                };
                (heard, Timeout::new(LIMIT_MS, move || state.set(Study::Missing)))
            });
            move || drop(waiting)
        });
    }
    let shown = wanted && *state == Study::Here;
    use_effect_with(shown, |shown| {
        if let Some(place) = place() {
            // Refused only for a name that is no attribute's.
            let _ = if *shown { place.remove_attribute("hidden") } else { place.set_attribute("hidden", "") };
        }
    });
    let again = Callback::from(move |()| attempt.set(*attempt + 1));
    (*state, again)
}

fn outcome(fault: &str) -> Study {
    if !fault.is_empty() {
        gloo::console::warn!("the second module was not loaded:", fault);
        return Study::Missing;
    }
    match place().and_then(|place| place.get_attribute(BUILD)) {
        Some(build) if build == BUILD_ID => Study::Here,
        _ => Study::OtherBuild,
    }
}

/// Starts the loader. A name of its own for each build and attempt, so that a browser neither takes one that it kept from an
/// older page nor remembers a failure.
fn load(attempt: u32) {
    let document = gloo::utils::document();
    let Ok(script) = document.create_element("script") else { return };
    let again = if attempt == 0 { String::new() } else { format!("&attempt={attempt}") };
    let source = format!("./study_loader.js?build={BUILD_ID}{again}");
    for (name, value) in [("type", "module"), ("src", &source)] {
        let _ = script.set_attribute(name, value);
    }
    let fail = EventListener::once(&script, "error", |_| {
        let init = web_sys::CustomEventInit::new();
        init.set_detail(&"the loader did not come".into());
        if let Ok(event) = CustomEvent::new_with_event_init_dict(LOADED, &init) {
            let _ = gloo::utils::window().dispatch_event(&event);
        }
    });
    fail.forget();
    let _ = gloo::utils::body().append_child(&script);
}

/// The element to draw into, for the second module's own program; `None` in a page of another build, which will say so.
pub fn study_place() -> Option<Element> {
    let place = place()?;
    let _ = place.set_attribute(BUILD, BUILD_ID);
    // Ours is asked for by a name that holds the page's build.
    let asked = gloo::utils::document().query_selector(&format!("script[src*='build={BUILD_ID}']")).ok().flatten();
    asked.map(|_| place)
}

/// Why it is not there, in words.
pub fn why_missing() -> &'static str {
    if gloo::utils::window().navigator().on_line() { text::pages::NOT_FETCHED } else { text::pages::OFFLINE }
}
