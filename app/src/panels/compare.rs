//! A second file of the same network beside the model shown: matched layers, and why the counts differ.
//!
//! The second file is read by a worker of its own, so that the model shown stays as it is.

use crate::derive;
use crate::hooks::{Wanted, files_of_input, path_of, use_file_worker};
use crate::numbers;
use crate::protocol::{Answer, Dims, Fault};
use crate::state::Counts;
use crate::text;
use crate::widgets::{Notice, Tone};
use estimator::compare::{Comparison, Pair, Reason, Side, Total};
use estimator::report::Inspection;
use std::rc::Rc;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Compare`].
#[derive(Properties, PartialEq)]
pub struct CompareProps {
    /// What the shown model is called.
    pub name: AttrValue,
    /// Its counts.
    pub counts: Counts,
}

/// What has become of the second file.
#[derive(Clone, Debug, PartialEq)]
enum Second {
    /// None was asked for.
    None,
    /// It is being read.
    Reading,
    /// It could not be read.
    Failed(Fault),
    /// It is there.
    Here(Rc<Inspection>),
}

/// Most pairs of layers that are listed: the list is for looking at what differs.
const MOST_LISTED: usize = 200;

/// A second file beside the model shown.
#[component]
pub fn Compare(props: &CompareProps) -> Html {
    let second = use_state(|| Second::None);
    let name = use_state(String::new);
    let input = use_node_ref();
    let heard = {
        let second = second.clone();
        Callback::from(move |answer: Answer| match answer {
            Answer::Done { inspection, .. } => second.set(Second::Here(Rc::from(inspection))),
            Answer::Failed { why, .. } => second.set(Second::Failed(why)),
            Answer::Hello(_) | Answer::Progress { .. } | Answer::Elsewhere { .. } => {}
        })
    };
    let worker = use_file_worker(heard);
    let found = use_memo((props.counts.clone(), (*second).clone()), |(counts, second)| match second {
        Second::Here(second) => Some(derive::compare(counts, second)),
        _ => None,
    });
    let pick = {
        let input = input.clone();
        move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let picked = {
        let (second, name, worker) = (second.clone(), name.clone(), worker.clone());
        let dims: Dims = props.counts.dynamic_dims.clone();
        move |event: Event| {
            let files = files_of_input(&event.target_unchecked_into::<HtmlInputElement>());
            let Some(first) = files.first() else { return };
            name.set(match files.len() {
                1 => path_of(first),
                more => text::intake::several(&path_of(first), more - 1),
            });
            second.set(Second::Reading);
            worker.open(Wanted::Files(files), dims.clone());
        }
    };
    let clear = {
        let (second, worker) = (second.clone(), worker.clone());
        Callback::from(move |()| {
            worker.cancel();
            second.set(Second::None);
        })
    };
    let stop = clear.reform(|_: MouseEvent| ());
    html! {
        <section id="compare" aria-labelledby="compare-title">
            <h2 id="compare-title">{ text::compare::TITLE }</h2>
            <p class="lede">{ text::compare::LEDE }</p>
            <div class="compare-tools">
                <button type="button" onclick={pick}>{ text::compare::OPEN }</button>
                <input type="file" multiple={true} ref={input} onchange={picked} class="hidden" tabindex="-1" aria-label={text::compare::OPEN} id="compare-input" />
                if *second != Second::None {
                    <button type="button" onclick={stop}>{ if *second == Second::Reading { text::intake::CANCEL } else { text::compare::CLEAR } }</button>
                }
            </div>
            <div role="status">
                if *second == Second::Reading { <p>{ text::intake::reading(&name) }</p> }
                if let Some(found) = found.as_ref() { <p>{ text::compare::summary(&props.name, &name, found) }</p> }
            </div>
            if let Second::Failed(fault) = &*second {
                <Notice tone={Tone::Error} title={text::intake::not_read(&fault.name)} dismiss={Some((text::page::DISMISS, clear))}>
                    <p>{ text::intake::sentence(&fault.what) }{ " " }{ fault.remedy.clone() }</p>
                </Notice>
            }
            if let Some(found) = found.as_ref() { { result(&props.name, &name, found) } }
        </section>
    }
}

fn result(first: &str, second: &str, found: &Comparison) -> Html {
    let differing: Vec<&Pair> = found.pairs.iter().filter(|pair| differs(pair)).collect();
    html! {
        <>
            <div class="wide" tabindex="0" role="region" aria-label={text::compare::TOTALS}>
                <table class="counters">
                    <thead>
                        <tr>
                            <th scope="col">{ text::compare::WHAT }</th>
                            <th scope="col" class="numeric">{ first.to_owned() }</th>
                            <th scope="col" class="numeric">{ second.to_owned() }</th>
                            <th scope="col" class="numeric">{ text::compare::DIFFERENCE }</th>
                        </tr>
                    </thead>
                    <tbody>{ for found.totals.iter().map(total) }</tbody>
                </table>
            </div>
            if !found.reasons.is_empty() {
                <h3>{ text::compare::WHY }</h3>
                <ul class="reasons">{ for found.reasons.iter().map(reason) }</ul>
            }
            if !differing.is_empty() {
                <details>
                    <summary>{ text::compare::layers(differing.len()) }</summary>
                    <div class="wide" tabindex="0" role="region" aria-label={text::compare::layers(differing.len())}>
                        <table class="counters">
                            <thead>
                                <tr>
                                    <th scope="col">{ first.to_owned() }</th>
                                    <th scope="col" class="numeric">{ text::compare::PARAMETERS }</th>
                                    <th scope="col">{ second.to_owned() }</th>
                                    <th scope="col" class="numeric">{ text::compare::PARAMETERS }</th>
                                </tr>
                            </thead>
                            <tbody>{ for differing.iter().take(MOST_LISTED).map(|pair| layers(pair)) }</tbody>
                        </table>
                    </div>
                    if differing.len() > MOST_LISTED { <p class="muted">{ text::compare::more(differing.len() - MOST_LISTED) }</p> }
                </details>
            }
        </>
    }
}

/// Whether the two sides hold or compute something different.
fn differs(pair: &Pair) -> bool {
    match (&pair.first, &pair.second) {
        (Some(one), Some(two)) => {
            one.parameters != two.parameters
                || one.weight_bytes != two.weight_bytes
                || one.macs.zip(two.macs).is_some_and(|(one, two)| one != two)
        }
        _ => true,
    }
}

fn total(total: &Total) -> Html {
    let cell =
        |count: Option<u64>| count.map_or(text::compare::UNKNOWN.to_owned(), |count| numbers::count(count, "").text());
    let difference = total.first.zip(total.second).map(|(one, two)| i128::from(two) - i128::from(one));
    html! {
        <tr key={total.what.clone()}>
            <th scope="row">{ text::compare::what(&total.what) }</th>
            <td class="numeric">{ cell(total.first) }</td>
            <td class="numeric">{ cell(total.second) }</td>
            <td class="numeric">{ difference.map(text::compare::signed).unwrap_or_default() }</td>
        </tr>
    }
}

fn reason(reason: &Reason) -> Html {
    html! { <li key={reason.sentence.clone()}>{ reason.sentence.clone() }<span class="muted">{ text::compare::amounts(reason) }</span></li> }
}

fn layers(pair: &Pair) -> Html {
    let name = |side: &Option<Side>| side.as_ref().map_or(String::new(), |side| format!("{} · {}", side.name, side.op));
    let parameters =
        |side: &Option<Side>| side.as_ref().map_or(String::new(), |side| numbers::count(side.parameters, "").text());
    html! {
        <tr>
            <td class="long">{ name(&pair.first) }</td>
            <td class="numeric">{ parameters(&pair.first) }</td>
            <td class="long">{ name(&pair.second) }</td>
            <td class="numeric">{ parameters(&pair.second) }</td>
        </tr>
    }
}
