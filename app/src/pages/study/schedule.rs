//! The page of hours: series are opened, a job is described, and its best hours are shown.

use super::PageProps;
use crate::derive::schedule::{self as derive, Asked, Opened};
use crate::hooks::{DropState, ask_great_britain, files_of_input, text_of, use_file_drop};
use crate::numbers;
use crate::text::schedule as text;
use crate::widgets::{ChartFigure, Choice, Choices, JsonRecord, Notice, NumberField, SaveJson, Slide, Tone};
use estimator::carbon::series::{Instant, MOST_BYTES};
use estimator::format::Readable;
use estimator::report::{RegionPlan, Schedule as Found};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

/// A made-up series to look around with.
const EXAMPLE: &str = include_str!("../../../../examples/series/made_up_days.csv");
const EXAMPLE_NAME: &str = "made_up_days.csv";
const LIVE_NAME: &str = "Great Britain, now";
/// Most stretches that are listed.
const MOST_STRETCHES: usize = 200;

/// What happens to the opened series.
enum Change {
    Open(Opened),
    Remove(String),
    Clear,
}

/// The opened series, each name once.
#[derive(Default, Clone, PartialEq)]
struct Files(Vec<Opened>);

impl Reducible for Files {
    type Action = Change;
    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut files = self.0.clone();
        match change {
            Change::Open(file) => {
                files.retain(|other| other.name != file.name);
                files.push(file);
            }
            Change::Remove(name) => files.retain(|file| file.name != name),
            Change::Clear => files.clear(),
        }
        Rc::new(Self(files))
    }
}

fn number(props: &PageProps, key: &str, otherwise: f64) -> f64 {
    props
        .query
        .get(key)
        .and_then(|value| value.parse().ok())
        .filter(|value: &f64| value.is_finite())
        .unwrap_or(otherwise)
}

/// The page.
#[component]
pub fn Schedule(props: &PageProps) -> Html {
    let files = use_reducer(Files::default);
    let asking = use_state(|| false);
    let trouble = use_state(|| None::<(AttrValue, String)>);
    let input = use_node_ref();
    let open = {
        let (files, trouble) = (files.dispatcher(), trouble.clone());
        use_callback((), move |chosen: Vec<File>, ()| {
            for file in chosen {
                let (files, trouble) = (files.clone(), trouble.clone());
                spawn_local(async move {
                    let name = file.name();
                    if file.size() > MOST_BYTES as f64 {
                        trouble.set(Some((text::NOT_READ.into(), text::too_long(&name, MOST_BYTES))));
                        return;
                    }
                    let text = text_of(&file).await;
                    match text {
                        Some(text) => files.dispatch(Change::Open(Opened { name, text })),
                        None => trouble.set(Some((text::NOT_READ.into(), text::gone(&name)))),
                    }
                });
            }
        })
    };
    let dropped = use_file_drop(props.active, open.clone());
    let ask = {
        let (files, trouble, asking) = (files.dispatcher(), trouble.clone(), asking.clone());
        Callback::from(move |_: MouseEvent| {
            let (files, trouble, asking) = (files.clone(), trouble.clone(), asking.clone());
            asking.set(true);
            trouble.set(None);
            spawn_local(async move {
                match ask_great_britain().await {
                    Ok(text) => files.dispatch(Change::Open(Opened { name: LIVE_NAME.to_owned(), text })),
                    Err(why) => trouble.set(Some((text::NOT_ASKED.into(), why))),
                }
                asking.set(false);
            });
        })
    };
    let basis = props.query.get("basis").map_or("lifecycle", String::as_str).to_owned();
    let read =
        use_memo(((*files).clone(), basis.clone()), |(files, basis)| derive::read(&files.0, derive::basis(basis)));
    let from_text = props.query.get("from").cloned().unwrap_or_default();
    let from = Instant::parse(&from_text);
    let asked = Asked {
        hours: number(props, "hours", 8.0),
        kilowatts: number(props, "kw", 6.0),
        from,
        within: number(props, "within", 0.0).max(0.0),
        pause: number(props, "pause", 0.0).clamp(0.0, 2.0) as usize,
        stretch: number(props, "stretch", 2.0),
    };
    let found = {
        let read = read.clone();
        use_memo((asked, read.clone()), move |(asked, _)| (!read.0.is_empty()).then(|| derive::best(asked, &read.0)))
    };
    let set = |key: &'static str| {
        let set = props.set.clone();
        Callback::from(move |value: f64| set.emit((key, Some(numbers::plain(value)))))
    };
    let picked = {
        let open = open.clone();
        move |event: Event| open.emit(files_of_input(&event.target_unchecked_into::<HtmlInputElement>()))
    };
    let pick = {
        let input = input.clone();
        move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let example = {
        let files = files.dispatcher();
        move |_: MouseEvent| {
            files.dispatch(Change::Open(Opened { name: EXAMPLE_NAME.to_owned(), text: EXAMPLE.to_owned() }));
        }
    };
    let clear = {
        let files = files.dispatcher();
        move |_: MouseEvent| files.dispatch(Change::Clear)
    };
    let job = use_memo(props.handover.clone(), |handover| derive::job_of(handover));
    let take = {
        let (set, job) = (props.set.clone(), job.clone());
        move |_: MouseEvent| {
            if let Some((hours, kilowatts)) = *job {
                set.emit(("hours", Some(numbers::plain(hours))));
                set.emit(("kw", Some(numbers::plain(kilowatts))));
            }
        }
    };
    let set_from = {
        let set = props.set.clone();
        move |event: InputEvent| {
            let text = event.target_unchecked_into::<HtmlInputElement>().value();
            set.emit(("from", Some(text).filter(|text| !text.trim().is_empty())));
        }
    };
    let is_wrong = from.is_none() && !from_text.trim().is_empty();
    let pauses: Vec<Choice<usize>> =
        text::PAUSES.into_iter().enumerate().map(|(value, label)| Choice { value, label }).collect();
    let bases: Vec<Choice<&'static str>> =
        ["lifecycle", "direct"].into_iter().zip(text::BASES).map(|(value, label)| Choice { value, label }).collect();
    html! {
        <section class={classes!((dropped == DropState::Over).then_some("dropping"))}>
            <h1>{ text::TITLE }</h1>
            <p class="lede">{ text::LEDE }</p>
            <div class="intake-files">
                <button type="button" class="primary" onclick={pick}>{ text::OPEN }</button>
                <input type="file" multiple={true} accept=".csv,.tsv,.txt,.json" ref={input} onchange={picked} class="hidden" tabindex="-1"
                    aria-label={text::OPEN} id="series-input" />
                <button type="button" onclick={ask} disabled={*asking}>{ text::LIVE }</button>
                <button type="button" onclick={example}>{ text::EXAMPLE }</button>
                if !files.0.is_empty() { <button type="button" class="quiet" onclick={clear}>{ text::CLEAR }</button> }
            </div>
            <p class="muted">{ if dropped == DropState::Over { text::DROP } else { text::LAYOUTS } }</p>
            <div role="status">
                if *asking { <p>{ text::ASKING }</p> }
                else if files.0.is_empty() { <p class="waiting-text">{ text::EMPTY }</p> }
            </div>
            if let Some((title, why)) = &*trouble {
                <Notice tone={Tone::Error} title={title.clone()} dismiss={Some((text::DISMISS, { let trouble = trouble.clone(); Callback::from(move |()| trouble.set(None)) }))}>
                    <p>{ why.clone() }</p>
                </Notice>
            }
            { for read.1.iter().map(|(file, why)| {
                let dismiss = { let (files, file) = (files.dispatcher(), file.clone()); Callback::from(move |()| files.dispatch(Change::Remove(file.clone()))) };
                html! {
                    <Notice key={file.clone()} tone={Tone::Error} title={text::NOT_READ} dismiss={Some((text::DISMISS, dismiss))}><p>{ why.clone() }</p></Notice>
                }
            }) }
            if !read.0.is_empty() {
                <ul class="facts" aria-label={text::SERIES}>
                    { for read.0.iter().map(|series| html! { <li>{ text::loaded(&series.zone, series.signal.words(), series.start, series.end()) }</li> }) }
                </ul>
            }
            <div class="estimate">
                <div class="inputs">
                    <fieldset class="panel">
                        <legend>{ text::JOB }</legend>
                        if job.is_some() { <button type="button" onclick={take}>{ text::FROM_ESTIMATE }</button> }
                        <NumberField id="job-hours" label={text::HOURS} unit={text::UNIT_HOURS} value={asked.hours} least={0.01} most={1e5}
                            slide={Slide::Growing(0.5, 1000.0)} change={set("hours")} />
                        <NumberField id="job-kw" label={text::POWER} unit={text::UNIT_POWER} value={asked.kilowatts} least={0.000_1} most={1e7}
                            slide={Slide::Growing(0.01, 10_000.0)} change={set("kw")} />
                        <NumberField id="job-within" label={text::DEADLINE} unit={text::UNIT_HOURS} value={asked.within} least={0.0} most={1e6}
                            help={text::DEADLINE_HELP} change={set("within")} />
                        <div class={classes!("field", is_wrong.then_some("wrong"))}>
                            <label for="job-from">{ text::FROM }</label>
                            <input type="text" id="job-from" autocomplete="off" spellcheck="false" value={from_text} oninput={set_from}
                                aria-invalid={is_wrong.to_string()} aria-describedby="job-from-below" />
                            if is_wrong {
                                <p class="field-wrong" id="job-from-below" role="alert">{ text::FROM_WRONG }</p>
                            } else {
                                <p class="field-help" id="job-from-below">{ text::FROM_HELP }</p>
                            }
                        </div>
                        <Choices<usize> id="job-pause" legend={text::PAUSE} choices={pauses} chosen={asked.pause}
                            choose={set("pause").reform(|value: usize| value as f64)} />
                        if asked.pause == 2 {
                            <NumberField id="job-stretch" label={text::STRETCH} unit={text::UNIT_HOURS} value={asked.stretch} least={0.01} most={1e5} change={set("stretch")} />
                        }
                        <Choices<&'static str> id="series-basis" legend={text::BASIS} choices={bases} chosen={if basis == "direct" { "direct" } else { "lifecycle" }}
                            choose={props.set.reform(|value: &'static str| ("basis", (value == "direct").then(|| value.to_owned())))} />
                    </fieldset>
                </div>
                <div class="result">
                    { match &*found {
                        None => Html::default(),
                        Some(Err(why)) => html! { <Notice tone={Tone::Obstacle} title={text::NO_PLAN}><p>{ why.clone() }</p></Notice> },
                        Some(Ok(found)) => result(found, &read.0, props.dark),
                    } }
                </div>
            </div>
        </section>
    }
}

fn result(found: &Found, all: &[estimator::carbon::series::Series], dark: bool) -> Html {
    let Some(best) = found.regions.first() else { return Html::default() };
    let headline = text::headline(&best.zone, &best.best, best.now.as_ref(), best.best.stretches.len());
    let figure = |label: &'static str, value: String, help: &'static str| {
        html! {
            <div class="figure">
                <dt>{ label }</dt><dd class="figure-value">{ value }</dd>
                <dd class="figure-below">{ help }</dd>
            </div>
        }
    };
    let record = JsonRecord::of(Rc::new(found.clone()), |found| Some(&**found));
    html! {
        <>
            <h2 class="hidden">{ text::RESULT }</h2>
            <p class="headline" aria-live="polite" aria-atomic="true">{ headline }</p>
            <dl class="figures results">
                { figure(text::BEST, best.best.co2e_kg.readable(), "") }
                if let Some(now) = &best.now { { figure(text::NOW, now.co2e_kg.readable(), "") } }
                { figure(text::MEAN, best.at_mean_kg.readable(), "") }
                if let Some(avoided) = best.avoided_kg { { figure(text::AVOIDED, text::signed(avoided), text::AVOIDED_HELP) } }
                { figure(text::DELAY, text::hours(best.delay), "") }
            </dl>
            if let Some(all) = &best.over_the_series { <p class="per-one">{ text::over_the_series(all) }</p> }
            if let Some(chart) = derive::chart(best, all) {
                <ChartFigure id="hours-chart" title={text::CHART} chart={Rc::new(chart)} {dark} />
            }
            if found.regions.len() > 1 { { places(&found.regions) } }
            if best.best.stretches.len() > 1 { { stretches(best) } }
            { notes(found, best) }
            <p class="actions"><SaveJson file="greenprint-schedule.json" {record} label={text::SAVE} /></p>
        </>
    }
}

fn places(regions: &[RegionPlan]) -> Html {
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={text::PLACES} id="places">
            <table>
                <caption>{ text::PLACES }</caption>
                <thead><tr>{ for text::PLACE_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                <tbody>{ for regions.iter().map(|plan| html! {
                    <tr>
                        <th scope="row">{ plan.zone.clone() }</th>
                        <td>{ plan.counts.clone() }</td>
                        <td>{ text::when(plan.best.start) }</td>
                        <td>{ plan.best.co2e_kg.readable() }</td>
                        <td>{ if plan.stands_apart { text::APART.to_owned() } else { plan.avoided_against_first_kg.map(text::signed).unwrap_or_default() } }</td>
                        <td>{ text::hours(plan.delay) }</td>
                    </tr>
                }) }</tbody>
            </table>
        </div>
    }
}

fn stretches(plan: &RegionPlan) -> Html {
    html! {
        <details id="stretches">
            <summary>{ text::STRETCHES }</summary>
            <div class="scroll" tabindex="0" role="region" aria-label={text::STRETCHES}>
                <table>
                    <thead><tr>{ for text::STRETCH_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>{ for plan.best.stretches.iter().take(MOST_STRETCHES).map(|stretch| html! {
                        <tr><th scope="row">{ text::when(stretch.start) }</th><td>{ text::when(stretch.end) }</td></tr>
                    }) }</tbody>
                </table>
            </div>
        </details>
    }
}

fn notes(found: &Found, best: &RegionPlan) -> Html {
    let all: Vec<&str> = found.warnings.iter().chain(&best.warnings).map(|note| note.text.as_str()).collect();
    if all.is_empty() {
        return Html::default();
    }
    html! {
        <div class="notes">
            <h2 class="label">{ text::NOTES }</h2>
            <ul>{ for all.iter().map(|note| html! { <li>{ crate::text::intake::sentence(note) }</li> }) }</ul>
        </div>
    }
}
