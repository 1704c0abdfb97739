//! What if it were smaller: choices of a change, and what it does.

use crate::charts::Chart;
use crate::derive;
use crate::numbers;
use crate::state::{Action, Counts};
use crate::text::smaller as text;
use crate::widgets::{ChartFigure, Notice, Tone};
use estimator::format::{self, Readable};
use estimator::notes::Level;
use estimator::range::{Range, Ratio};
use estimator::report::{Outcome, WhatIf};
use estimator::scenario::compression::{self, Format};
use estimator::scenario::{Compression, ModelSummary, Scenario, Workload};
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Properties of [`Smaller`].
#[derive(Properties, PartialEq)]
pub struct SmallerProps {
    /// What is being estimated.
    pub scenario: Rc<Scenario>,
    /// The model, as an estimate sees it.
    pub summary: Rc<Option<ModelSummary>>,
    /// The model with its layers, where it was read.
    pub counts: Option<Counts>,
    /// Whether the page is dark.
    pub dark: bool,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// Groups that tools offer.
const GROUPS: [u64; 4] = [32, 64, 128, 256];

/// A list to choose one word from, none of them being the first entry.
fn select(
    id: &'static str,
    label: &'static str,
    none: &'static str,
    offered: Vec<(String, String)>,
    chosen: Option<String>,
    choose: Callback<Option<String>>,
) -> Html {
    let onchange = move |event: Event| {
        let word = event.target_unchecked_into::<HtmlSelectElement>().value();
        choose.emit(Some(word).filter(|word| !word.is_empty()));
    };
    let own = chosen.clone().filter(|word| offered.iter().all(|(offered, _)| offered != word));
    html! {
        <div class="field">
            <label for={id}>{ label }</label>
            <select {id} {onchange}>
                <option value="" selected={chosen.is_none()}>{ none }</option>
                { for offered.iter().map(|(word, name)| html! {
                    <option value={word.clone()} selected={chosen.as_ref() == Some(word)}>{ name.clone() }</option>
                }) }
                if let Some(own) = own {
                    <option value={own.clone()} selected={true}>{ text::own(&own) }</option>
                }
            </select>
        </div>
    }
}

fn words(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(word, name)| ((*word).to_owned(), (*name).to_owned())).collect()
}

/// What if it were smaller?
#[component]
pub fn Smaller(props: &SmallerProps) -> Html {
    let change = props.scenario.compression.clone().unwrap_or_default();
    let found = use_memo(
        (props.scenario.clone(), props.summary.clone(), props.counts.clone()),
        |(scenario, summary, counts)| {
            let change = scenario.compression.clone().filter(|change| !change.is_none())?;
            let summary = summary.as_ref().as_ref()?;
            Some(derive::smaller::what_if(scenario, summary, counts.as_deref(), &change))
        },
    );
    let act = &props.act;
    let change_to = |edit: fn(&mut Compression, Option<String>)| {
        let change = change.clone();
        act.reform(move |word: Option<String>| {
            let mut change = change.clone();
            edit(&mut change, word);
            Action::Compress(Some(change).filter(|change| *change != Compression::default()))
        })
    };
    let read = |word: Option<String>| word;
    let formats =
        Format::ALL.iter().map(|format| (format.to_string(), text::format(format.code()).to_owned())).collect();
    let groups = GROUPS.iter().map(|size| (size.to_string(), text::group(*size))).collect();
    let is_graph = props.summary.as_ref().as_ref().is_some_and(|summary| summary.language.is_none());
    let keeps = change.quantize.is_some() || change.prune.is_some();
    let names: Vec<String> =
        change.keep.iter().filter(|name| text::KEPT.iter().all(|(word, _)| word != name)).cloned().collect();
    let keep_end = |word: &'static str| {
        let change = change.clone();
        act.reform(move |_: Event| {
            let mut change = change.clone();
            match change.keep.iter().position(|name| name == word) {
                Some(place) => _ = change.keep.remove(place),
                None => change.keep.push(word.to_owned()),
            }
            Action::Compress(Some(change))
        })
    };
    let keep_names = {
        let change = change.clone();
        act.reform(move |event: Event| {
            let typed = event.target_unchecked_into::<HtmlInputElement>().value();
            let mut change = change.clone();
            change.keep.retain(|name| text::KEPT.iter().any(|(word, _)| word == name));
            change.keep.extend(typed.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
            Action::Compress(Some(change))
        })
    };
    let clear = act.reform(|_: MouseEvent| Action::Compress(None));
    html! {
        <section id="smaller" aria-labelledby="smaller-title">
            <h2 id="smaller-title">{ text::TITLE }</h2>
            <p class="lede">{ text::LEDE }</p>
            if matches!(props.scenario.workload, Workload::Train(_)) {
                <p class="muted">{ text::OF_SERVING }</p>
            }
            <fieldset class="panel">
                <legend>{ text::CHOICES }</legend>
                <div class="pair">
                    { select("smaller-bits", text::QUANTIZE, text::NOTHING, formats, read(change.quantize.map(|own| own.to_string())),
                        change_to(|change, word| change.quantize = word.and_then(|word| word.parse().ok()))) }
                    if change.quantize.is_some() {
                        { select("smaller-group", text::GROUP, text::USUAL_GROUP, groups, read(change.group.map(|own| own.to_string())),
                            change_to(|change, word| change.group = word.and_then(|word| compression::group(&word).ok()))) }
                    }
                </div>
                <div class="pair">
                    { select("smaller-prune", text::PRUNE, text::NOTHING, words(&text::PRUNES), read(change.prune.map(|own| own.to_string())),
                        change_to(|change, word| change.prune = word.and_then(|word| word.parse().ok()))) }
                    { select("smaller-student", text::DISTIL, text::NOTHING, words(&text::DISTILS), read(change.distil.map(|own| own.to_string())),
                        change_to(|change, word| change.distil = word.and_then(|word| word.parse().ok()))) }
                </div>
                <div class="pair">
                    { select("smaller-software", text::SOFTWARE, text::NOTHING, words(&text::SOFTWARES), read(change.software.map(|own| own.to_string())),
                        change_to(|change, word| change.software = word.and_then(|word| word.parse().ok()))) }
                </div>
                if keeps {
                    <fieldset class="kept">
                        <legend>{ text::KEEP }</legend>
                        { for text::KEPT.iter().map(|(word, name)| {
                            let id = format!("keep-{word}");
                            let is_kept = change.keep.iter().any(|own| own == word);
                            html! {
                                <span class="check">
                                    <input type="checkbox" id={id.clone()} checked={is_kept} onchange={keep_end(word)} />
                                    <label for={id}>{ *name }</label>
                                </span>
                            }
                        }) }
                        if props.counts.is_some() {
                            <div class="field">
                                <label for="keep-names">{ text::KEEP_NAMES }</label>
                                <input type="text" id="keep-names" value={names.join(", ")} onchange={keep_names} aria-describedby="keep-help" />
                                <p id="keep-help" class="field-help">{ text::KEEP_HELP }</p>
                            </div>
                        } else if is_graph {
                            <p class="muted">{ text::LAYERS_NOT_HERE }</p>
                        }
                    </fieldset>
                }
                if !change.is_none() {
                    <button type="button" class="link" onclick={clear}>{ text::CLEAR }</button>
                }
            </fieldset>
            <div aria-live="polite">
                { match found.as_ref() {
                    None => html! { <p class="muted">{ text::NONE_CHOSEN }</p> },
                    Some(Err(error)) => html! { <Notice tone={Tone::Error} title={text::TITLE}><p>{ error.to_string() }</p></Notice> },
                    Some(Ok(found)) => shown(found, props.dark),
                } }
            </div>
        </section>
    }
}

fn shown(found: &WhatIf, dark: bool) -> Html {
    let chart = Rc::new(Chart::Bars(derive::smaller::stays(found)));
    let of_level = |level: Level| found.warnings.iter().filter(move |note| note.level == level);
    html! {
        <>
            if of_level(Level::Warning).next().is_some() {
                <Notice tone={Tone::Note} title={text::WARNINGS}>
                    <ul>{ for of_level(Level::Warning).map(|note| html! { <li>{ note.text.clone() }</li> }) }</ul>
                </Notice>
            }
            <ChartFigure id="what-stays" title={text::CHART} {chart} {dark} />
            { amounts(found) }
            if of_level(Level::Info).next().is_some() {
                <ul class="muted">{ for of_level(Level::Info).map(|note| html! { <li>{ note.text.clone() }</li> }) }</ul>
            }
            if !found.published.is_empty() {
                <details>
                    <summary>{ text::PUBLISHED }</summary>
                    <div class="scroll" tabindex="0" role="region" aria-label={text::PUBLISHED}>
                        <table>
                            <thead><tr>{ for text::PUBLISHED_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                            <tbody>
                                { for found.published.iter().map(|effect| {
                                    let batch = if effect.batch.is_empty() { String::new() } else { format!(", batch {}", effect.batch) };
                                    html! {
                                        <tr>
                                            <th scope="row">{ effect.method.clone() }</th>
                                            <td>{ effect.model.clone() }</td>
                                            <td>{ format!("{}{batch}", effect.hardware) }</td>
                                            <td>{ format!("{} {}", format::number(effect.value.central.0), effect.unit) }<br /><span class="muted">{ effect.note.clone() }</span></td>
                                            <td>{ format!("{}, {}", effect.source, effect.certainty) }</td>
                                        </tr>
                                    }
                                }) }
                            </tbody>
                        </table>
                    </div>
                </details>
            }
        </>
    }
}

/// All amounts before and after.
fn amounts(found: &WhatIf) -> Html {
    let (before, after) = (&found.before, &found.after);
    let mut rows: Vec<[String; 4]> = Vec::new();
    let mut plain = |name: &str, of: &dyn Fn(&Outcome) -> Option<(f64, String)>| {
        if let (Some((old, before)), Some((new, after))) = (of(before), of(after)) {
            let ratio = if old > 0.0 { text::times(new / old) } else { String::new() };
            rows.push([name.to_owned(), before, after, ratio]);
        }
    };
    let size = |bytes: f64| (bytes, numbers::size(bytes as u64).text());
    plain(text::PARAMETERS, &|of| Some((of.parameters as f64, numbers::count(of.parameters, "").text())));
    plain(text::FILE, &|of| Some(size(of.file_bytes.0)));
    plain(text::WEIGHTS, &|of| Some(size(of.weight_bytes.0)));
    plain(text::MACS, &|of| Some((of.macs as f64, numbers::count(of.macs, "MACs").text())));
    plain(text::TRAFFIC, &|of| of.traffic_bytes.map(|bytes| size(bytes.0)));
    plain(text::KERNELS, &|of| of.kernels.map(|count| (count as f64, format::whole(count))));
    rows.push([
        text::COMPUTED_IN.to_owned(),
        before.computed_in.to_uppercase(),
        after.computed_in.to_uppercase(),
        String::new(),
    ]);
    let mut ranged = |name: &str, before: String, after: String, ratio: Range<Ratio>| {
        let span = if ratio.low < ratio.high {
            format!(" ({})", text::span(ratio.low.0, ratio.high.0))
        } else {
            String::new()
        };
        rows.push([name.to_owned(), before, after, format!("{}{span}", text::times(ratio.central.0))]);
    };
    ranged(text::TIME, before.latency_s.central.readable(), after.latency_s.central.readable(), found.ratio.time);
    ranged(text::ENERGY, before.energy_wh.central.readable(), after.energy_wh.central.readable(), found.ratio.energy);
    let grams = |of: &Outcome| format!("{} g", format::number(of.co2e_g.central.0));
    ranged(text::CO2E, grams(before), grams(after), found.ratio.co2e);
    let bill = |of: &Outcome| of.rent_usd_per_1000.unwrap_or(of.electricity_usd_per_1000).central.readable();
    let money = if before.rent_usd_per_1000.is_some() { text::MONEY_RENT } else { text::MONEY_ELECTRICITY };
    ranged(money, bill(before), bill(after), found.ratio.cost);
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={text::TABLE}>
            <table id="smaller-table">
                <thead><tr>{ for text::COLUMNS.iter().map(|name| if name.is_empty() { html! { <td></td> } } else { html! { <th scope="col">{ *name }</th> } }) }</tr></thead>
                <tbody>
                    { for rows.into_iter().map(|[name, before, after, ratio]| html! {
                        <tr><th scope="row">{ name }</th><td>{ before }</td><td>{ after }</td><td>{ ratio }</td></tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}
