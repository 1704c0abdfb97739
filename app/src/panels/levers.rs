//! Which lever first: what each change would save, and advice in words.

use crate::charts::Chart;
use crate::derive;
use crate::state::Counts;
use crate::text::{levers as text, smaller};
use crate::widgets::ChartFigure;
use estimator::format::Readable;
use estimator::scenario::{ModelSummary, Scenario};
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Levers`].
#[derive(Properties, PartialEq)]
pub struct LeversProps {
    /// What is being estimated.
    pub scenario: Rc<Scenario>,
    /// The model, as an estimate sees it.
    pub summary: Rc<Option<ModelSummary>>,
    /// The model with its layers, where it was read.
    pub counts: Option<Counts>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// Which lever first?
#[component]
pub fn Levers(props: &LeversProps) -> Html {
    // A change that is being tried is no part of the scenario as it is.
    let scenario = Scenario { compression: None, ..(*props.scenario).clone() };
    let found = use_memo((scenario, props.summary.clone(), props.counts.clone()), |(scenario, summary, counts)| {
        derive::smaller::levers_of(scenario, summary.as_ref().as_ref()?, counts.as_deref()).ok()
    });
    let Some(found) = found.as_ref() else { return Html::default() };
    let chart = Rc::new(Chart::Bars(derive::smaller::saved(found)));
    html! {
        <section id="levers" aria-labelledby="levers-title">
            <h2 id="levers-title">{ text::TITLE }</h2>
            <p class="lede">{ text::LEDE }</p>
            if found.levers.is_empty() {
                <p class="muted">{ text::NOTHING }</p>
            } else {
                <ul class="advice">{ for found.advice.iter().map(|sentence| html! { <li>{ sentence.clone() }</li> }) }</ul>
                <ChartFigure id="which-lever-first" title={text::CHART} {chart} dark={props.dark} />
                <details>
                    <summary>{ text::TABLE }</summary>
                    <div class="scroll" tabindex="0" role="region" aria-label={text::TABLE}>
                        <table id="levers-table">
                            <thead><tr>{ for text::COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                            <tbody>
                                { for found.levers.iter().map(|lever| html! {
                                    <tr>
                                        <th scope="row">{ lever.title.clone() }</th>
                                        <td>{ lever.co2e_kg.central.readable() }</td>
                                        <td>{ lever.energy_kwh.central.readable() }</td>
                                        <td>{ lever.cost_usd.central.readable() }</td>
                                        <td>{ smaller::times(lever.time_ratio.central.0) }</td>
                                        <td>{ if lever.costs_accuracy { text::ACCURACY } else { "" } }{ lever.caution.clone() }</td>
                                    </tr>
                                }) }
                            </tbody>
                        </table>
                    </div>
                </details>
                if !found.notes.is_empty() {
                    <ul class="muted">{ for found.notes.iter().map(|note| html! { <li>{ note.text.clone() }</li> }) }</ul>
                }
            }
        </section>
    }
}
