//! The pages of the second module: everything to read, to compare and to plan that does not have to be there at once.
//!
//! Each page is one file. It gets [`PageProps`] and draws a `main` whose heading is its only `h1`.

mod measured;
mod methods;
mod plan;
mod schedule;
mod validation;

use crate::hooks::{Handover, study_place, use_address, use_query, use_theme};
use crate::panels::Sources;
use crate::route::{Query, Route};
use std::rc::Rc;
use yew::prelude::*;

/// What a page gets.
#[derive(Properties, Clone, PartialEq)]
pub struct PageProps {
    /// Its state in the address.
    pub query: Query,
    /// Changes one key of that state, or takes it out.
    pub set: Callback<(&'static str, Option<String>)>,
    /// Whether it is shown: the last page stays as it is while the reader is at the estimate.
    pub active: bool,
    /// Whether the page is dark, for charts.
    pub dark: bool,
    /// What the estimate page shows.
    pub handover: Rc<Handover>,
}

/// The program of the second module.
pub fn start() {
    super::catch_crashes();
    if let Some(place) = study_place() {
        yew::Renderer::<Study>::with_root(place).render();
    }
}

/// The page that the address means. While that is the estimate, which is not ours, the last one stays as it is, out of sight.
#[component]
fn Study() -> Html {
    let address = use_address();
    let last = use_state(|| Route::Validation);
    let route = address.route.filter(|route| *route != Route::Estimate).unwrap_or(*last);
    {
        let last = last.clone();
        use_effect_with(route, move |route| last.set(*route));
    }
    let theme = use_theme();
    let (query, set) = use_query(route, &address);
    // Taken anew when the reader comes to a page.
    let handover = use_memo(address.route, |_| Handover::kept());
    let active = address.route == Some(route);
    let props = PageProps { query, set, active, dark: theme.dark, handover };
    html! {
        <>
            <main key={route.slug()} class="study">
                { match route {
                    // Never ours; its place in the list is that of the page that opens first.
                    Route::Estimate | Route::Validation => html! { <validation::Validation ..props /> },
                    Route::Schedule => html! { <schedule::Schedule ..props /> },
                    Route::Plan => html! { <plan::Plan ..props /> },
                    Route::Measured => html! { <measured::MeasuredRuns ..props /> },
                    Route::Methods => html! { <methods::Methods ..props /> },
                } }
            </main>
            <Sources />
        </>
    }
}
