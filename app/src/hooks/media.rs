//! What kind of place the page is shown in: a media query, followed.

use gloo::events::EventListener;
use yew::prelude::*;

/// Whether a media query holds, now and whenever that changes.
#[hook]
pub(super) fn use_media(words: &'static str) -> bool {
    let query = use_memo((), |()| gloo::utils::window().match_media(words).ok().flatten());
    let holds = use_state(|| query.as_ref().as_ref().is_some_and(|query| query.matches()));
    {
        let holds = holds.clone();
        use_effect_with((), move |()| {
            let listener = query.as_ref().clone().map(|query| {
                let target = query.clone();
                EventListener::new(&target, "change", move |_| holds.set(query.matches()))
            });
            move || drop(listener)
        });
    }
    *holds
}
