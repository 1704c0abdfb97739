//! Every number that the estimate rests on, with its source; each can be set.

use super::{capitalised, unit};
use crate::numbers;
use crate::route::{Address, Query, Route};
use crate::state::Action;
use crate::text;
use crate::widgets::NumberField;
use estimator::report::{Assumption, Estimate};
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Assumptions`].
#[derive(Properties, PartialEq)]
pub struct AssumptionsProps {
    /// What the scenario costs.
    pub estimate: Rc<Estimate>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// Every number that the estimate rests on.
#[component]
pub fn Assumptions(props: &AssumptionsProps) -> Html {
    let list = &props.estimate.assumptions;
    let set = list.iter().filter(|assumption| assumption.is_set).count();
    let reset = props.act.reform(|_: MouseEvent| Action::AssumeNothing);
    html! {
        <section id="assumptions" aria-labelledby="assumptions-title">
            <h2 id="assumptions-title">{ text::assumptions::TITLE }</h2>
            <p class="lede">{ text::assumptions::lede(list.len()) }</p>
            <details class="assumptions">
                <summary>{ text::assumptions::SHOW }</summary>
                if set > 0 { <p><button type="button" onclick={reset}>{ text::assumptions::reset(set) }</button></p> }
                <ul class="assumption-list">{ for list.iter().map(|assumption| row(assumption, &props.act)) }</ul>
            </details>
        </section>
    }
}

/// Where the methods page speaks of a constant.
fn methods_of(factor: &str) -> String {
    let at: Query = [("at".to_owned(), factor.to_owned())].into();
    format!("#{}", Address::fragment(Route::Methods, &at))
}

fn row(assumption: &Assumption, act: &Callback<Action>) -> Html {
    let key = assumption.key.clone();
    let change = act.reform(move |value: f64| Action::Assume(key.clone(), Some(value)));
    let key = assumption.key.clone();
    let reset = act.reform(move |_: MouseEvent| Action::Assume(key.clone(), None));
    let span = (assumption.low < assumption.high).then(|| {
        text::assumptions::span(&numbers::rough(assumption.low), &numbers::rough(assumption.high), unit(assumption))
    });
    html! {
        <li key={assumption.key.clone()} class={classes!(assumption.is_set.then_some("set"))}>
            <NumberField id={format!("assume-{}", assumption.key)} label={capitalised(&assumption.name)} unit={unit(assumption).to_owned()}
                value={assumption.value} least={assumption.least} most={assumption.most} rough={!assumption.is_set} {change} />
            <div class="assumption-source">
                if let Some(span) = span { <p>{ span }</p> }
                <p class="muted">
                    { text::assumptions::source(&assumption.source) }
                    if !assumption.factor.is_empty() {
                        { " " }<a href={methods_of(&assumption.factor)} aria-label={text::assumptions::more_on(&assumption.name)}>{ text::assumptions::MORE }</a>
                    }
                </p>
            </div>
            if assumption.is_set {
                <button type="button" class="quiet" onclick={reset} aria-label={text::assumptions::reset_one(&assumption.name)}>{ text::assumptions::RESET }</button>
            }
        </li>
    }
}
