//! The frame: the header with the navigation, and the page that the address means.
//!
//! The estimate is drawn here; every other page by the second module, in an element of its own beside ours.

use super::estimate::Estimate;
use crate::hooks::{
    Handover, Study, address_of, current_fragment, focus_heading, reload, set_title, use_address, use_clipboard,
    use_place_kept, use_study, use_theme, why_missing,
};
use crate::panels::{Header, to_part};
use crate::route::{Address, Query, Route};
use crate::text;
use crate::widgets::{Notice, Tone};
use yew::prelude::*;

/// The program of the page.
pub fn start() {
    super::catch_crashes();
    match gloo::utils::document().get_element_by_id("page") {
        Some(place) => yew::Renderer::<Shell>::with_root(place).render(),
        None => yew::Renderer::<Shell>::new().render(),
    };
}

/// The scenario that the estimate page begins with: the address's, or what it showed before another page was reloaded.
fn first_link() -> AttrValue {
    let fragment = current_fragment();
    AttrValue::from(if Address::is_page(&fragment) { Handover::kept().link } else { fragment })
}

/// The frame.
#[component]
fn Shell() -> Html {
    let address = use_address();
    let theme = use_theme();
    let (copied, copy) = use_clipboard();
    let first = use_memo((), |()| first_link());
    let link = use_state(|| (*first).clone());
    let at_estimate = address.route == Some(Route::Estimate);
    let elsewhere = address.route.filter(|route| *route != Route::Estimate);
    // Nothing is read for a page that nobody has come to.
    let seen = use_mut_ref(|| false);
    *seen.borrow_mut() |= at_estimate;
    let (study, again) = use_study(elsewhere.is_some());

    use_effect_with(address.route, |route| {
        let page = route.map_or(text::pages::NO_SUCH_PAGE, Route::name);
        set_title(&text::pages::title(Some(page).filter(|_| *route != Some(Route::Estimate))));
    });
    use_place_kept(at_estimate);
    // Whoever goes to another page is at its heading; whoever opens the first one has not gone anywhere.
    let opened_at = use_mut_ref(|| address.route);
    use_effect_with((address.route, study), move |(route, _)| {
        let moved = *opened_at.borrow() != *route;
        if moved {
            *opened_at.borrow_mut() = None;
            focus_heading();
        }
    });

    let share = {
        let link = link.clone();
        Callback::from(move |()| copy.emit(address_of(at_estimate.then_some(link.as_str()))))
    };
    let linked = {
        let link = link.clone();
        use_callback((), move |now: AttrValue, ()| link.set(now))
    };
    let (target, skip) = if at_estimate { ("estimate", text::page::SKIP) } else { ("study", text::pages::SKIP) };
    html! {
        <>
            <a class="skip" href={format!("#{target}")} onclick={to_part(target)}>{ skip }</a>
            <Header dark={theme.dark} choose_theme={theme.choose.clone()} {share} {copied} route={address.route} link={(*link).clone()} />
            if *seen.borrow() {
                <div hidden={!at_estimate}>
                    <Estimate active={at_estimate} dark={theme.dark} first={(*first).clone()} {linked} />
                </div>
            }
            { match elsewhere {
                Some(route) => waiting(route, study, &again),
                None if at_estimate => Html::default(),
                None => no_such_page(),
            } }
        </>
    }
}

/// What stands in the place of a page that is not there.
fn waiting(route: Route, study: Study, again: &Callback<()>) -> Html {
    let inside = match study {
        Study::Here => return Html::default(),
        Study::Asleep | Study::Loading => html! { <p role="status">{ text::pages::LOADING }</p> },
        Study::Missing => {
            let again = again.clone();
            html! {
                <Notice tone={Tone::Error} title={text::pages::NOT_LOADED}>
                    <p>{ why_missing() }</p>
                    <button type="button" onclick={move |_| again.emit(())}>{ text::pages::TRY_AGAIN }</button>
                </Notice>
            }
        }
        Study::OtherBuild => html! {
            <Notice tone={Tone::Error} title={text::pages::NOT_LOADED}>
                <p>{ text::pages::OTHER_BUILD }</p>
                <button type="button" onclick={|_| reload()}>{ text::pages::RELOAD }</button>
            </Notice>
        },
    };
    html! { <main class="waiting"><h1>{ route.name() }</h1>{ inside }</main> }
}

fn no_such_page() -> Html {
    html! {
        <main class="waiting">
            <h1>{ text::pages::NO_SUCH_PAGE }</h1>
            <p>{ text::pages::NO_SUCH_PAGE_REMEDY }</p>
            <ul>
                { for Route::ALL.iter().map(|route| html! {
                    <li><a href={format!("#{}", Address::fragment(*route, &Query::new()))}>{ route.name() }</a></li>
                }) }
            </ul>
        </main>
    }
}
