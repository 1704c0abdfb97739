//! The top of the page: its name, the ways to all pages and to the parts of this one, the link and the theme.

use crate::hooks::{Theme, go_to};
use crate::route::{Address, Query, Route};
use crate::text;
use yew::prelude::*;

/// Properties of [`Header`].
#[derive(Properties, PartialEq)]
pub struct HeaderProps {
    /// Whether the page is dark.
    pub dark: bool,
    /// Chooses the theme.
    pub choose_theme: Callback<Theme>,
    /// Copies the link.
    pub share: Callback<()>,
    /// Whether the link was copied a moment ago, and whether that worked.
    pub copied: Option<bool>,
    /// The page shown; `None` where the address leads to none.
    pub route: Option<Route>,
    /// The estimate page's scenario, as a fragment.
    pub link: AttrValue,
}

/// Goes to a part of the page without touching the address, which holds the scenario.
pub fn to_part(id: &'static str) -> impl Fn(MouseEvent) {
    move |event: MouseEvent| {
        event.prevent_default();
        go_to(id);
    }
}

/// The top of the page.
#[component]
pub fn Header(props: &HeaderProps) -> Html {
    let share = props.share.clone();
    let (choose, dark) = (props.choose_theme.clone(), props.dark);
    let toggle = move |_: MouseEvent| choose.emit(if dark { Theme::Light } else { Theme::Dark });
    let label = match props.copied {
        None => text::page::COPY_LINK,
        Some(true) => text::page::COPIED,
        Some(false) => text::page::NOT_COPIED,
    };
    html! {
        <header class="top">
            <a class="wordmark" href="./" aria-label={text::page::START_ANEW}>{ text::page::NAME }</a>
            <Navigation route={props.route} link={props.link.clone()} />
            <div class="top-tools">
                <button type="button" onclick={move |_| share.emit(())}>{ label }</button>
                <span class="hidden" role="status">{ if props.copied.is_some() { label } else { "" } }</span>
                <button type="button" class="quiet icon" onclick={toggle}
                    aria-label={if dark { text::page::TO_LIGHT } else { text::page::TO_DARK }}
                    title={if dark { text::page::TO_LIGHT } else { text::page::TO_DARK }}>
                    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round">
                        if dark {
                            <circle cx="12" cy="12" r="4.5" />
                            <path d="M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.9 4.9l1.8 1.8M17.3 17.3l1.8 1.8M19.1 4.9l-1.8 1.8M6.7 17.3l-1.8 1.8" />
                        } else {
                            <path d="M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z" />
                        }
                    </svg>
                </button>
            </div>
            if props.route == Some(Route::Estimate) {
                <nav class="parts" aria-label={text::page::PARTS}>
                    { for text::page::LINKS.iter().map(|(to, label)| html! { <a href={format!("#{to}")} onclick={to_part(to)}>{ *label }</a> }) }
                </nav>
            }
        </header>
    }
}

#[derive(Properties, PartialEq)]
struct NavigationProps {
    route: Option<Route>,
    link: AttrValue,
}

/// The ways to all pages: a line of links, or on a narrow window a list behind a button.
#[component]
fn Navigation(props: &NavigationProps) -> Html {
    let open = use_state(|| false);
    let button = use_node_ref();
    let toggle = {
        let open = open.clone();
        move |_: MouseEvent| open.set(!*open)
    };
    let close = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(false))
    };
    let escape = {
        let (open, button) = (open.clone(), button.clone());
        move |event: KeyboardEvent| {
            if *open && event.key() == "Escape" {
                open.set(false);
                if let Some(button) = button.cast::<web_sys::HtmlElement>() {
                    let _ = button.focus();
                }
            }
        }
    };
    let link = |route: Route| {
        let to = match route {
            Route::Estimate => props.link.to_string(),
            route => Address::fragment(route, &Query::new()),
        };
        let here = (props.route == Some(route)).then_some("page");
        html! { <li><a href={format!("#{to}")} aria-current={here} onclick={close.clone()}>{ route.name() }</a></li> }
    };
    html! {
        <nav class={classes!("pages", open.then_some("open"))} aria-label={text::pages::NAVIGATION} onkeydown={escape}>
            <button ref={button} type="button" class="quiet" aria-expanded={open.to_string()} aria-controls="pages-list" onclick={toggle}>
                <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"><path d="M4 7h16M4 12h16M4 17h16" /></svg>
                { text::pages::NAVIGATION }
            </button>
            <ul id="pages-list">{ for Route::ALL.into_iter().map(link) }</ul>
        </nav>
    }
}
