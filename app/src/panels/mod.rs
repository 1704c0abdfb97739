//! Panels: the parts of the page that a reader would name: the model, the job, the machine, the place, the result.
//!
//! Panels show state and say what the reader did; they hold no state but that of their own view, and no formula.

mod assumptions;
mod changes;
mod compare;
mod counters;
mod header;
mod inside;
mod intake;
mod job;
mod layers;
mod levers;
mod machine;
mod model;
mod place;
mod result;
mod smaller;
mod sources;
mod training_options;

pub use assumptions::Assumptions;
pub use changes::Changes;
pub use compare::Compare;
pub use counters::Counters;
pub use header::{Header, to_part};
pub use inside::Inside;
pub use intake::{Intake, Opened};
pub use job::Job;
pub use layers::Layers;
pub use levers::Levers;
pub use machine::{Machine, search as devices_found};
pub use model::ModelPanel;
pub use place::{Place, search as places_found};
pub use result::Result;
pub use smaller::Smaller;
pub use sources::Sources;

use crate::numbers;
use crate::state::Action;
use crate::widgets::{NumberField, Slide};
use estimator::report::{Assumption, Estimate};
use yew::prelude::*;

/// The field of one assumption, with its slider, for the panels that show it among their own fields.
fn assumption_field(estimate: &Estimate, key: &str, act: &Callback<Action>) -> Html {
    match estimate.assumptions.iter().find(|assumption| assumption.key == key) {
        Some(assumption) => field(assumption, act),
        None => Html::default(),
    }
}

fn field(assumption: &Assumption, act: &Callback<Action>) -> Html {
    let key = assumption.key.clone();
    let change = act.reform(move |value: f64| Action::Assume(key.clone(), Some(value)));
    html! {
        <NumberField id={format!("set-{}", assumption.key)} label={capitalised(&assumption.name)} unit={unit(assumption).to_owned()}
            value={assumption.value} least={assumption.least} most={assumption.most} slide={slide(assumption)} rough={!assumption.is_set}
            help={help(assumption)} {change} />
    }
}

/// A unit as it is printed: what has none needs no word for that.
fn unit(assumption: &Assumption) -> &str {
    match assumption.unit.as_str() {
        "ratio" | "share" => "",
        unit => unit,
    }
}

/// The span that is likely; the source stands in the list of assumptions.
fn help(assumption: &Assumption) -> String {
    if assumption.is_set {
        return crate::text::assumptions::set_by_you();
    }
    crate::text::assumptions::span(&numbers::rough(assumption.low), &numbers::rough(assumption.high), unit(assumption))
}

/// A slider around the assumption's span, wide enough to try something else.
fn slide(assumption: &Assumption) -> Option<Slide> {
    let (least, most) = (assumption.least, assumption.most);
    if !least.is_finite() || !most.is_finite() || least >= most {
        return None;
    }
    Some(if least > 0.0 && most / least > 50.0 { Slide::Growing(least, most) } else { Slide::Even(least, most) })
}

/// A name at the beginning of a line.
fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
