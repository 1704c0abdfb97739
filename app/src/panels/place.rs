//! Where the machines stand: the grid that feeds them and the building around them.

use super::assumption_field;
use crate::state::Action;
use crate::text;
use crate::widgets::{Combobox, Found};
use estimator::carbon::{grids, places};
use estimator::report::Estimate;
use estimator::scenario::{Scenario, Site};
use std::rc::Rc;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Properties of [`Place`].
#[derive(Properties, PartialEq)]
pub struct PlaceProps {
    /// What is being estimated.
    pub scenario: Rc<Scenario>,
    /// What it costs, for the assumptions shown here.
    pub estimate: Option<Rc<Estimate>>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// Most places that one search lists.
const MOST_FOUND: usize = 60;
/// What an empty search offers: the world, large grids from clean to dirty, and cloud regions that many use.
const OFFERED: &[&str] = &[
    "world",
    "us",
    "eu",
    "cn",
    "in",
    "fr",
    "de",
    "gb",
    "se",
    "no",
    "pl",
    "jp",
    "ca",
    "br",
    "au",
    "za",
    "aws:us-east-1",
    "aws:eu-west-1",
    "gcp:us-central1",
    "gcp:europe-west1",
    "azure:eastus",
    "azure:westeurope",
];

fn found(place: places::Place) -> Found {
    Found { id: place.id().to_owned(), label: place.name().to_owned(), detail: text::place::detail(place) }
}

/// The places that answer to a text; well-known ones to none.
pub fn search(text: String) -> Vec<Found> {
    if text.trim().is_empty() {
        return OFFERED.iter().filter_map(|id| places::get(id)).map(found).collect();
    }
    places::search(&text).into_iter().take(MOST_FOUND).map(|(place, _)| found(place)).collect()
}

/// Where the machines stand.
#[component]
pub fn Place(props: &PlaceProps) -> Html {
    let chosen = &props.scenario.site;
    let search = use_callback((), |text: String, ()| search(text));
    let choose = {
        let chosen = chosen.clone();
        props.act.reform(move |region: String| Action::Site(Site { region, basis: None, year: None, ..chosen.clone() }))
    };
    let of_year = {
        let chosen = chosen.clone();
        props.act.reform(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            let (year, basis) =
                value.split_once(' ').map_or((None, None), |(year, basis)| (year.parse().ok(), Some(basis.to_owned())));
            Action::Site(Site { year, basis, ..chosen.clone() })
        })
    };
    let grid = chosen.grid.as_deref().and_then(grids::get).or_else(|| places::get(&chosen.region)?.grid());
    let place = places::get(&chosen.region);
    let name = place.map_or_else(|| chosen.region.clone(), |place| place.name().to_owned());
    html! {
        <fieldset class="panel">
            <legend>{ text::place::TITLE }</legend>
            <Combobox id="region" label={text::place::REGION} chosen={name} {search} {choose} none={text::place::NONE}
                help={place.map(text::place::facts).unwrap_or_default()} />
            if let Some(grid) = grid.filter(|grid| !grid.others.is_empty()) {
                <div class="field">
                    <label for="grid-year">{ text::place::YEAR }</label>
                    <select id="grid-year" onchange={of_year}>
                        <option value="" selected={chosen.year.is_none()}>{ text::place::newest(&grid.intensity) }</option>
                        { for grid.others.iter().map(|figure| {
                            let is_chosen = chosen.year == Some(figure.evidence.year) && chosen.basis.as_deref() == Some(figure.basis.word());
                            html! { <option value={format!("{} {}", figure.evidence.year, figure.basis.word())} selected={is_chosen}>{ text::place::figure(figure) }</option> }
                        }) }
                    </select>
                </div>
            }
            if let Some(estimate) = &props.estimate {
                { assumption_field(estimate, "pue", &props.act) }
                <details>
                    <summary>{ text::place::PRICES }</summary>
                    { assumption_field(estimate, "electricity-price", &props.act) }
                    { assumption_field(estimate, "rent-price", &props.act) }
                </details>
            }
        </fieldset>
    }
}
