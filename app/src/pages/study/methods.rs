//! The methods page: formulas, constants, tables, and what is not in the figures.

use super::PageProps;
use crate::derive::methods::{self as derive, Fitted, Section};
use crate::hooks::go_to;
use crate::numbers;
use crate::route::{Address, Query, Route};
use crate::text::{self as words, methods as text};
use estimator::carbon::factors::Factor;
use gloo::timers::callback::Timeout;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// The id of a constant's place on the page, which no other page has.
fn place(id: &str) -> String {
    format!("constant-{id}")
}

/// A title as an id.
fn slug(title: &str) -> String {
    let slug: String =
        title.to_lowercase().chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    format!("methods-{slug}")
}

/// The page.
#[component]
pub fn Methods(props: &PageProps) -> Html {
    let find = props.query.get("find").cloned().unwrap_or_default();
    // An address that names a constant leads to it.
    use_effect_with(props.query.get("at").cloned(), |at| {
        // Once the page is in sight: until its first drawing is done, it is hidden.
        let timer = at.clone().map(|at| Timeout::new(0, move || go_to(&place(&at))));
        move || drop(timer)
    });
    let sections: Vec<Section> = derive::sections()
        .filter(|section| derive::has_words(&format!("{} {}", section.title, derive::words_of(section.html)), &find))
        .collect();
    let constants: Vec<&Factor> = derive::constants()
        .iter()
        .filter(|factor| {
            let all = [&factor.id, &factor.label, &factor.unit, &factor.note, &factor.evidence.source.citation()];
            derive::has_words(&all.map(String::as_str).join(" "), &find)
        })
        .collect();
    let fitted = use_memo((), |()| derive::fitted());
    let fitted: Vec<(&str, Vec<&Fitted>)> = fitted
        .iter()
        .map(|(name, rows)| {
            let kept = rows.iter().filter(|row| derive::has_words(&format!("{name} {} {}", row.id, row.note), &find));
            (*name, kept.collect::<Vec<&Fitted>>())
        })
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let count = sections.len() + constants.len() + fitted.iter().map(|(_, rows)| rows.len()).sum::<usize>();
    let set = props.set.clone();
    let search = move |event: InputEvent| {
        let words = event.target_unchecked_into::<HtmlInputElement>().value();
        set.emit(("find", Some(words).filter(|words| !words.is_empty())));
    };
    let title = |section: &Section| if section.title.is_empty() { text::INTRODUCTION } else { section.title };
    let mut contents: Vec<&str> = sections.iter().map(title).collect();
    contents.extend((!constants.is_empty()).then_some(text::CONSTANTS));
    contents.extend((!fitted.is_empty()).then_some(text::FITTED));
    contents.push(text::TABLES);
    html! {
        <>
            <section>
                <h1>{ text::TITLE }</h1>
                <p class="lede">{ text::LEDE }</p>
                <div class="table-tools">
                    <div class="field">
                        <label for="methods-find">{ text::FIND }</label>
                        <input type="search" id="methods-find" autocomplete="off" spellcheck="false" value={find.clone()} oninput={search} />
                    </div>
                    <p class="muted" role="status">{ if find.is_empty() { String::new() } else { text::found(count) } }</p>
                </div>
                if count == 0 { <p>{ text::NONE }</p> }
                <nav class="contents" aria-label={text::CONTENTS}>
                    <ul>{ for contents.iter().map(|title| contents_line(title)) }</ul>
                </nav>
                <p class="muted">{ text::version(derive::DATA_VERSION, crate::BUILD_ID) }</p>
            </section>
            { for sections.iter().map(|section| html! {
                <section key={section.title} id={slug(title(section))} class="prose">
                    <h2>{ title(section) }</h2>
                    { Html::from_html_unchecked(AttrValue::from(section.html)) }
                </section>
            }) }
            if !constants.is_empty() {
                <section id={slug(text::CONSTANTS)}>
                    <h2>{ text::CONSTANTS }</h2>
                    <p class="lede">{ text::CONSTANTS_HELP }</p>
                    <ul class="constants">{ for constants.iter().map(|factor| constant(factor)) }</ul>
                </section>
            }
            if !fitted.is_empty() {
                <section id={slug(text::FITTED)}>
                    <h2>{ text::FITTED }</h2>
                    <p class="lede">{ text::FITTED_HELP }</p>
                    { for fitted.iter().map(|(name, rows)| fitted_table(name, rows)) }
                </section>
            }
            <section id={slug(text::TABLES)}>
                <h2>{ text::TABLES }</h2>
                <div class="scroll" tabindex="0" role="region" aria-label={text::TABLES}>
                    <table>
                        <thead><tr>{ for text::TABLES_HEAD.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                        <tbody>
                            { for derive::tables().iter().map(|(name, rows)| html! {
                                <tr><th scope="row"><code>{ *name }</code></th><td>{ estimator::format::whole(*rows as u64) }</td><td>{ text::what_a_row_is(name) }</td></tr>
                            }) }
                        </tbody>
                    </table>
                </div>
            </section>
        </>
    }
}

fn contents_line(title: &str) -> Html {
    let to = slug(title);
    let href = format!("#{to}");
    let go = move |event: MouseEvent| {
        event.prevent_default();
        go_to(&to);
    };
    html! { <li><a {href} onclick={go}>{ title.to_owned() }</a></li> }
}

fn constant(factor: &Factor) -> Html {
    let shown = |value: f64| numbers::rough(value);
    let (low, central, high) = (factor.value.low.0, factor.value.central.0, factor.value.high.0);
    let source = factor.evidence.source;
    let cited = text::source(&source.citation(), factor.evidence.year, factor.evidence.certainty.word());
    let here: Query = [("at".to_owned(), factor.id.clone())].into();
    html! {
        <li key={factor.id.clone()} id={place(&factor.id)}>
            <h3>{ factor.label.clone() }</h3>
            <p class="constant-value"><strong>{ text::value(&shown(central), &factor.unit) }</strong>
                if low < high { <span class="muted">{ text::range(&shown(low), &shown(high)) }</span> }
            </p>
            <p>{ words::intake::sentence(&factor.note) }</p>
            <p class="muted">
                if let Some(link) = source.link() { <a href={link} rel="noreferrer">{ cited }</a> } else { { cited } }
                { ". " }<a href={format!("#{}", Address::fragment(Route::Methods, &here))} title={text::LINK}><code>{ factor.id.clone() }</code></a>
            </p>
        </li>
    }
}

fn fitted_table(name: &str, rows: &[&Fitted]) -> Html {
    html! {
        <div>
            <h3><code>{ name.to_owned() }</code></h3>
            <div class="scroll" tabindex="0" role="region" aria-label={name.to_owned()}>
                <table>
                    <thead><tr>{ for text::FITTED_HEAD.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>
                        { for rows.iter().map(|row| html! {
                            <tr>
                                <th scope="row"><code>{ row.id.clone() }</code></th>
                                <td>{ text::value(&numbers::rough(row.value), &row.unit) }</td>
                                <td>{ row.error.map_or_else(String::new, numbers::rough) }</td>
                                <td>{ words::intake::sentence(&row.note) }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </div>
    }
}
