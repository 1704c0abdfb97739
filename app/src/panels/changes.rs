//! What changes the result most.

use crate::charts::Chart;
use crate::derive;
use crate::text;
use crate::widgets::ChartFigure;
use estimator::report::Estimate;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Changes`].
#[derive(Properties, PartialEq)]
pub struct ChangesProps {
    /// What the scenario costs.
    pub estimate: Rc<Estimate>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// What changes the result most.
#[component]
pub fn Changes(props: &ChangesProps) -> Html {
    let chart = Rc::new(Chart::Tornado(derive::tornado(&props.estimate)));
    html! {
        <section id="changes" aria-labelledby="changes-title">
            <h2 id="changes-title">{ text::changes::TITLE }</h2>
            <p class="lede">{ text::changes::LEDE }</p>
            if props.estimate.sensitivity.is_empty() {
                <p class="muted">{ text::changes::NOTHING }</p>
            } else {
                <ChartFigure id="what-changes-it-most" title={text::changes::CHART} {chart} dark={props.dark} />
            }
        </section>
    }
}
