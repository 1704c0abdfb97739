//! The validation page: every published figure beside the estimate for it.

use super::PageProps;
use crate::charts::Chart;
use crate::derive::validation::{self as derive, Column, View, Work};
use crate::hooks::{DropState, Slices, download, files_of_input, in_slices, use_file_drop};
use crate::text::validation as text;
use crate::widgets::{ChartFigure, JsonRecord, Notice, SaveJson, Tone, use_rows};
use estimator::energy::validate::{Compared, Validation as Found};
use estimator::format;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Larger files of rows are refused.
const MOST_BYTES: f64 = 20e6;

/// Rows of the reader, instead of ours.
#[derive(Clone, Debug, PartialEq)]
struct Own {
    name: String,
    text: Rc<str>,
}

/// How far the estimating is.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Working { done: usize, all: usize },
    Done(Rc<Found>),
    Failed(String),
}

/// Estimates the rows, ours or the reader's, without holding up the page.
#[hook]
fn use_found(own: Option<Own>) -> State {
    let state = use_state(|| State::Working { done: 0, all: 0 });
    let running = use_mut_ref(|| None::<Slices>);
    {
        let state = state.clone();
        use_effect_with(own, move |own| {
            let work = match own {
                Some(own) => Work::of_file(&own.name, &own.text),
                None => Work::every_table(),
            };
            match work {
                Err(fault) => state.set(State::Failed(fault.to_string())),
                Ok(work) => {
                    let all = work.waiting();
                    state.set(State::Working { done: 0, all });
                    let work = Rc::new(RefCell::new(work));
                    let step = {
                        let work = work.clone();
                        move || {
                            let mut work = work.borrow_mut();
                            work.advance(1);
                            work.waiting() == 0
                        }
                    };
                    let pause = move || {
                        let waiting = work.borrow().waiting();
                        state.set(if waiting == 0 {
                            State::Done(Rc::new(work.take().finish()))
                        } else {
                            State::Working { done: all - waiting, all }
                        });
                    };
                    *running.borrow_mut() = Some(in_slices(step, pause));
                }
            }
            move || drop(running.borrow_mut().take())
        });
    }
    (*state).clone()
}

/// The page.
#[component]
pub fn Validation(props: &PageProps) -> Html {
    let own = use_state(|| None::<Own>);
    let refused = use_state(|| None::<String>);
    let state = use_found((*own).clone());
    let take = {
        let (own, refused) = (own.clone(), refused.clone());
        use_callback((), move |files: Vec<File>, ()| {
            let Some(file) = files.into_iter().next() else { return };
            if file.size() > MOST_BYTES {
                return refused.set(Some(text::TOO_LARGE.to_owned()));
            }
            refused.set(None);
            let (own, refused) = (own.clone(), refused.clone());
            wasm_bindgen_futures::spawn_local(async move {
                match JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()) {
                    Some(text) => own.set(Some(Own { name: file.name(), text: text.into() })),
                    None => refused.set(Some(crate::text::fault::BROWSER_REFUSED.to_owned())),
                }
            });
        })
    };
    let drop_state = use_file_drop(props.active, take.clone());
    let picker = use_node_ref();
    let open = {
        let picker = picker.clone();
        move |_: MouseEvent| {
            if let Some(input) = picker.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let back = {
        let own = own.clone();
        move |_: MouseEvent| own.set(None)
    };
    let picked = move |event: Event| take.emit(files_of_input(&event.target_unchecked_into()));
    html! {
        <>
            <section>
                <h1>{ text::TITLE }</h1>
                <p class="lede">{ text::LEDE }</p>
                if let Some(why) = (*refused).clone() {
                    <Notice tone={Tone::Error} title={text::NOT_READ}><p>{ why }</p></Notice>
                }
                if let Some(own) = &*own {
                    <p>{ text::of_file(&own.name) }{ " " }<button type="button" class="link" onclick={back}>{ text::BACK }</button></p>
                }
                { match &state {
                    State::Working { done, all } => html! {
                        <div class="reading on">
                            <span role="status">{ text::WORKING }</span>
                            <progress aria-label={text::PROGRESS} value={done.to_string()} max={all.max(&1).to_string()}></progress>
                        </div>
                    },
                    State::Failed(why) => html! {
                        <Notice tone={Tone::Error} title={text::NOT_READ}><p>{ crate::text::intake::sentence(why) }</p></Notice>
                    },
                    State::Done(found) => html! { <Overview found={found.clone()} page={props.clone()} /> },
                } }
            </section>
            if let State::Done(found) = &state {
                <Rows found={found.clone()} page={props.clone()} />
            }
            <section aria-labelledby="yours-title">
                <h2 id="yours-title">{ text::YOURS }</h2>
                <p class="lede">{ text::YOURS_HELP }</p>
                <div class="actions">
                    <button type="button" onclick={open}>{ text::OPEN }</button>
                    <input ref={picker} type="file" accept=".csv,text/csv" hidden=true tabindex="-1" aria-label={text::OPEN} onchange={picked} />
                </div>
                <details>
                    <summary>{ text::LAYOUTS_SHOW }</summary>
                    <dl class="pairs">
                        { for text::LAYOUTS.iter().map(|(name, columns)| html! { <><dt>{ *name }</dt><dd><code>{ *columns }</code></dd></> }) }
                    </dl>
                </details>
                <p class="muted facts">{ text::METHOD_OF_TEST }</p>
            </section>
            if drop_state == DropState::Over {
                <div class="drop-veil" aria-hidden="true"><p>{ text::DROP }</p></div>
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct FoundProps {
    found: Rc<Found>,
    page: PageProps,
}

/// What the address says of the view.
fn view(page: &PageProps) -> View {
    let of = |key: &str| page.query.get(key).cloned().unwrap_or_default();
    let sort = of("sort");
    let column = sort.trim_start_matches('-');
    View {
        find: of("find"),
        quantity: of("what"),
        outside: page.query.contains_key("outside"),
        sort: Column::ALL.iter().find(|(_, name)| *name == column).map(|(column, _)| *column).unwrap_or_default(),
        down: sort.starts_with('-'),
    }
}

fn in_address(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The chart and the statistics.
#[component]
fn Overview(props: &FoundProps) -> Html {
    let view = view(&props.page);
    let method = props.page.query.get("beside").cloned().unwrap_or_default();
    let found = &props.found;
    let chart = use_memo((found.clone(), view.clone(), method.clone()), |(found, view, method)| {
        Chart::Scatter(derive::chart(found, &derive::chosen(found, view), method))
    });
    let factor =
        |factor: Option<f64>| factor.map_or_else(String::new, |factor| text::factor(&format::number(factor), false));
    let set = props.page.set.clone();
    let choose = move |event: Event| {
        set.emit(("beside", in_address(event.target_unchecked_into::<HtmlSelectElement>().value())));
    };
    let methods = derive::methods(found);
    html! {
        <>
            <h2>{ text::GLANCE }</h2>
            <Tools found={found.clone()} page={props.page.clone()} />
            <ChartFigure id="validation" title={text::CHART} {chart} dark={props.page.dark}>
                if !methods.is_empty() {
                    <div class="field chart-choice">
                        <label for="beside">{ text::WITH }</label>
                        <select id="beside" onchange={choose}>
                            <option value="" selected={method.is_empty()}>{ text::NO_METHOD }</option>
                            { for methods.iter().map(|name| html! { <option value={(*name).to_owned()} selected={*name == method}>{ *name }</option> }) }
                        </select>
                    </div>
                }
            </ChartFigure>
            <div class="block">
                <h2>{ text::SUMS }</h2>
                <p class="muted">{ text::SUMS_HELP }</p>
                <div class="scroll" tabindex="0" role="region" aria-label={text::SUMS}>
                    <table class="sums">
                        <thead><tr>{ for text::SUMS_HEAD.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                        <tbody>
                            { for derive::quantities(found).into_iter().filter_map(|name| Some((name, found.by_quantity.get(name)?))).chain([(text::ALL, &found.summary)]).map(|(name, sum)| html! {
                                <tr>
                                    <th scope="row">{ text::quantity(name) }</th>
                                    <td>{ sum.n }</td>
                                    <td>{ factor(sum.median_error_factor) }</td>
                                    <td>{ factor(sum.p90_error_factor) }</td>
                                    <td>{ text::inside(sum.within_range, sum.n) }</td>
                                </tr>
                            }) }
                        </tbody>
                    </table>
                </div>
            </div>
            <details class="block">
                <summary>{ text::LEFT_OUT }</summary>
                <p class="muted">{ text::LEFT_OUT_HELP }</p>
                <div class="scroll" tabindex="0" role="region" aria-label={text::LEFT_OUT}>
                    <table class="sums">
                        <thead><tr>{ for text::LEFT_OUT_HEAD.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                        <tbody>
                            { for derive::missed().iter().map(|row| html! {
                                <tr>
                                    <th scope="row">{ row.class.clone() }</th>
                                    <td>{ text::left_out(&row.left_out).to_owned() }</td>
                                    <td>{ row.rows }</td>
                                    <td>{ factor(Some(row.median)) }</td>
                                    <td>{ factor(Some(row.p90)) }</td>
                                </tr>
                            }) }
                        </tbody>
                    </table>
                </div>
            </details>
            if !found.peers.is_empty() {
                <div class="block">
                    <h2>{ text::BESIDE }</h2>
                    <p class="muted">{ text::BESIDE_HELP }</p>
                    <div class="scroll" tabindex="0" role="region" aria-label={text::BESIDE}>
                        <table class="sums">
                            <thead><tr>{ for text::BESIDE_HEAD.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                            <tbody>
                                { for found.peers.iter().flat_map(|(method, all)| all.iter().map(move |(quantity, sum)| (method, quantity, sum))).map(|(method, quantity, sum)| html! {
                                    <tr>
                                        <th scope="row">{ method.clone() }</th>
                                        <td>{ text::quantity(quantity) }</td>
                                        <td>{ sum.theirs.n }</td>
                                        <td>{ factor(sum.theirs.median_error_factor) }</td>
                                        <td>{ factor(sum.ours.median_error_factor) }</td>
                                    </tr>
                                }) }
                            </tbody>
                        </table>
                    </div>
                </div>
            }
        </>
    }
}

/// What is shown: words to find, what is compared, and only those outside.
#[component]
fn Tools(props: &FoundProps) -> Html {
    let view = view(&props.page);
    let found = &props.found;
    let shown = use_memo((found.clone(), view.clone()), |(found, view)| derive::chosen(found, view).len());
    let set = props.page.set.clone();
    let find = {
        let set = set.clone();
        move |event: InputEvent| {
            set.emit(("find", in_address(event.target_unchecked_into::<HtmlInputElement>().value())))
        }
    };
    let choose = {
        let set = set.clone();
        move |event: Event| set.emit(("what", in_address(event.target_unchecked_into::<HtmlSelectElement>().value())))
    };
    let outside = move |event: Event| {
        let on = event.target_unchecked_into::<HtmlInputElement>().checked();
        set.emit(("outside", on.then(String::new)));
    };
    html! {
        <div class="table-tools">
            <div class="field">
                <label for="validation-find">{ text::FIND }</label>
                <input type="search" id="validation-find" autocomplete="off" spellcheck="false" value={view.find.clone()} oninput={find} />
            </div>
            <div class="field">
                <label for="validation-what">{ text::QUANTITY }</label>
                <select id="validation-what" onchange={choose}>
                    <option value="" selected={view.quantity.is_empty()}>{ text::ALL }</option>
                    { for derive::quantities(found).into_iter().map(|name| html! {
                        <option value={name.to_owned()} selected={name == view.quantity}>{ text::quantity(name) }</option>
                    }) }
                </select>
            </div>
            <label class="check"><input type="checkbox" checked={view.outside} onchange={outside} />{ text::OUTSIDE }</label>
            <p class="muted" role="status">{ text::count(*shown, found.rows.len()) }</p>
        </div>
    }
}

/// Every row, and those that were left out.
#[component]
fn Rows(props: &FoundProps) -> Html {
    let view = view(&props.page);
    let found = props.found.clone();
    let places = use_memo((found.clone(), view.clone()), |(found, view)| derive::chosen(found, view));
    let sight = use_rows(places.len(), (found.clone(), view.clone()));
    let head = |(place, name): (usize, &&'static str)| {
        let column = match place {
            0 => Column::Table,
            1 => Column::Name,
            2 => Column::Quantity,
            3 => Column::Published,
            4 => Column::Central,
            6 => Column::Factor,
            _ => return html! { <th scope="col" class="plain">{ *name }</th> },
        };
        let sorted = view.sort == column;
        let direction = match (sorted, view.down) {
            (false, _) => "none",
            (true, true) => "descending",
            (true, false) => "ascending",
        };
        // Large numbers first, names from A: what people look for.
        let down = if sorted { !view.down } else { place >= 3 };
        let word = Column::ALL.iter().find(|(one, _)| *one == column).map(|(_, word)| *word).unwrap_or_default();
        let set = props.page.set.clone();
        let sort = move |_: MouseEvent| {
            let word = format!("{}{word}", if down { "-" } else { "" });
            set.emit(("sort", Some(word).filter(|word| word != "table")));
        };
        html! {
            <th scope="col" aria-sort={direction} class={classes!((place >= 3).then_some("number"), sorted.then_some("sorted"))}>
                <button type="button" onclick={sort}>{ *name }
                    <span class="arrow" aria-hidden="true">{ match (sorted, view.down) { (false, _) => "", (true, true) => "↓", (true, false) => "↑" } }</span></button>
            </th>
        }
    };
    let csv = {
        let found = found.clone();
        move |_: MouseEvent| download("greenprint-validation.csv", "text/csv", &found.csv())
    };
    let columns = text::COLUMNS.len().to_string();
    html! {
        <section aria-labelledby="rows-title">
            <h2 id="rows-title">{ text::ROWS }</h2>
            <div class="layer-table rows" ref={sight.node.clone()} onscroll={sight.onscroll.clone()} tabindex="0" role="region" aria-label={text::TABLE}>
                <table aria-rowcount={(places.len() + 1).to_string()}>
                    <thead><tr aria-rowindex="1">{ for text::COLUMNS.iter().enumerate().map(head) }</tr></thead>
                    <tbody>
                        if sight.above > 0.0 { <tr class="gap" aria-hidden="true"><td colspan={columns.clone()} style={format!("height:{}px", sight.above)}></td></tr> }
                        { for places.iter().enumerate().take(sight.to).skip(sight.from).filter_map(|(at, place)| Some(line(at, *place, found.rows.get(*place)?))) }
                        if sight.below > 0.0 { <tr class="gap" aria-hidden="true"><td colspan={columns} style={format!("height:{}px", sight.below)}></td></tr> }
                    </tbody>
                </table>
                if places.is_empty() { <p class="table-empty">{ text::NONE }</p> }
            </div>
            <div class="actions">
                <button type="button" class="link" onclick={csv}>{ text::SAVE_CSV }</button>
                <SaveJson file="greenprint-validation.json" label={text::SAVE_JSON} record={JsonRecord::of(found.clone(), |found| Some(found.as_ref()))} />
            </div>
            if !found.skipped.is_empty() {
                <details>
                    <summary>{ text::skipped(found.skipped.len()) }</summary>
                    <dl class="pairs left-out">
                        { for found.skipped.iter().map(|row| html! { <><dt>{ row.id.clone() }</dt><dd>{ crate::text::intake::sentence(&row.why) }</dd></> }) }
                    </dl>
                </details>
            }
        </section>
    }
}

fn line(at: usize, place: usize, row: &Compared) -> Html {
    let name = derive::name(row).to_owned();
    let what = match row.compared.as_str() {
        "" => text::quantity(&row.quantity),
        compared => format!("{}: {compared}", text::quantity(&row.quantity)),
    };
    let note =
        row.flag.clone().or_else(|| row.in_sample.then(|| text::in_sample(row.left_out.map(|_| row.left_out_error()))));
    let published = format!("{} {}", format::number(row.published), row.unit);
    let range = format!("{}–{}", format::number(row.low), format::number(row.high));
    html! {
        <tr key={place} aria-rowindex={(at + 2).to_string()}>
            <td class="number muted">{ place + 1 }</td>
            <th scope="row" title={name.clone()}>{ name.clone() }</th>
            <td title={what.clone()}>{ what.clone() }</td>
            <td class="number" title={published.clone()}>{ published.clone() }</td>
            <td class="number">{ format::number(row.central) }</td>
            <td class="number" title={range.clone()}>{ range.clone() }</td>
            <td class="number" title={note}>{ text::factor(&format::number(row.error_factor), row.in_sample) }</td>
            <td>{ if row.is_within() { text::YES } else { text::NO } }</td>
            <td>
                if let Some(source) = derive::source(row) {
                    if let Some(link) = source.link() {
                        <a href={link} rel="noreferrer" title={source.citation()}>{ &source.publisher }{ " " }{ source.year }</a>
                    } else {
                        <span title={source.citation()}>{ &source.publisher }{ " " }{ source.year }</span>
                    }
                }
            </td>
        </tr>
    }
}
