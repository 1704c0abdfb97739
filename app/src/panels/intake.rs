//! Where models come in: files, folders, addresses and examples; and what becomes of them on the way.

use crate::hooks::{Entry, FOLDER, Gallery, files_of_input};
use crate::numbers;
use crate::protocol::Fault;
use crate::state::{Action, Reading};
use crate::text;
use crate::widgets::{Dialog, Notice, Tone};
use estimator::scenario::ModelRef;
use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

/// What the reader wants to look at.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// A bundled model, by id.
    Gallery(String),
    /// An address, or a repository of the hub.
    Url {
        /// What was typed.
        url: String,
        /// A token for private repositories, kept in memory only; empty for none.
        token: String,
    },
    /// Files.
    Files(Vec<File>),
    /// A description in words.
    Sentence(String),
}

/// Properties of [`Intake`].
#[derive(Properties, PartialEq)]
pub struct IntakeProps {
    /// The bundled models.
    pub gallery: Gallery,
    /// The scenario's model.
    pub chosen: ModelRef,
    /// What is being read.
    pub reading: Option<Reading>,
    /// Why the last model could not be read.
    pub fault: Option<Fault>,
    /// Why the address made no sense.
    pub bad_link: Option<String>,
    /// Opens a model.
    pub open: Callback<Opened>,
    /// Goes on with a language model of which only the size is known.
    pub describe: Callback<()>,
    /// Stops reading.
    pub cancel: Callback<()>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// How many examples stand on the page itself.
const ON_THE_PAGE: usize = 4;

/// Examples of as many tasks as there is room for: the first of each.
fn of_each_task(entries: &[Entry]) -> Vec<&Entry> {
    let mut shown: Vec<&Entry> = Vec::new();
    for entry in entries {
        if shown.len() < ON_THE_PAGE && shown.iter().all(|other| other.task != entry.task) {
            shown.push(entry);
        }
    }
    shown
}

/// Where models come in.
#[component]
pub fn Intake(props: &IntakeProps) -> Html {
    let (file_input, folder_input) = (use_node_ref(), use_node_ref());
    let address = use_state(String::new);
    let address_wrong = use_state(|| false);
    // Not part of the scenario: it must never get into a link or onto a disk.
    let token = use_state(String::new);
    let all = use_state(|| false);

    let pick = |node: &NodeRef| {
        let node = node.clone();
        move |_: MouseEvent| {
            if let Some(input) = node.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let picked = {
        let open = props.open.clone();
        Callback::from(move |event: Event| {
            let files = files_of_input(&event.target_unchecked_into::<HtmlInputElement>());
            if !files.is_empty() {
                open.emit(Opened::Files(files));
            }
        })
    };
    // The attribute for folders is no part of HTML proper, so the framework does not know it.
    use_effect_with(folder_input.clone(), |node| {
        if let Some(input) = node.cast::<web_sys::Element>() {
            let _ = input.set_attribute("webkitdirectory", "");
        }
    });
    let onsubmit = {
        let (address, wrong, open) = (address.clone(), address_wrong.clone(), props.open.clone());
        let token = token.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            let url = address.trim().to_owned();
            let sensible = ["https://", "http://", "hf:"].iter().any(|start| url.starts_with(start));
            wrong.set(!sensible);
            if sensible {
                open.emit(Opened::Url { url, token: (*token).clone() });
            }
        }
    };
    let oninput = {
        let (address, wrong) = (address.clone(), address_wrong.clone());
        move |event: InputEvent| {
            wrong.set(false);
            address.set(event.target_unchecked_into::<HtmlInputElement>().value());
        }
    };
    let on_token = {
        let token = token.clone();
        move |event: InputEvent| token.set(event.target_unchecked_into::<HtmlInputElement>().value())
    };
    let open_all = {
        let all = all.clone();
        move |_: MouseEvent| all.set(true)
    };
    let close_all = {
        let all = all.clone();
        Callback::from(move |()| all.set(false))
    };
    let choose = {
        let (open, all) = (props.open.clone(), all.clone());
        Callback::from(move |id: String| {
            all.set(false);
            open.emit(Opened::Gallery(id));
        })
    };
    let chosen = match &props.chosen {
        ModelRef::Gallery { id } => id.clone(),
        _ => String::new(),
    };
    let cancel = props.cancel.clone();
    let describe = props.describe.clone();
    let dismiss = props.act.reform(|()| Action::Dismiss);

    html! {
        <section class="intake" aria-labelledby="page-title">
            <h1 id="page-title">{ text::page::HEADLINE }</h1>
            <p class="standfirst">{ text::page::STANDFIRST }</p>
            <div class="intake-row">
                <div class="intake-files">
                    <button type="button" class="primary" onclick={pick(&file_input)}>{ text::intake::OPEN_FILE }</button>
                    <button type="button" onclick={pick(&folder_input)}>{ text::intake::OPEN_FOLDER }</button>
                    <button type="button" onclick={move |_| describe.emit(())}>{ text::intake::DESCRIBE }</button>
                    <input type="file" multiple={true} ref={file_input} onchange={picked.clone()} class="hidden" tabindex="-1" aria-label={text::intake::OPEN_FILE} id="file-input" />
                    <input type="file" multiple={true} ref={folder_input} onchange={picked} class="hidden" tabindex="-1" aria-label={text::intake::OPEN_FOLDER} id="folder-input" />
                </div>
                <form class="intake-address" {onsubmit} novalidate={true}>
                    <label for="address" class="hidden">{ text::intake::ADDRESS }</label>
                    <input type="text" inputmode="url" id="address" placeholder={text::intake::ADDRESS_EXAMPLE} value={(*address).clone()} {oninput}
                        autocomplete="off" spellcheck="false" aria-invalid={address_wrong.to_string()} aria-describedby={address_wrong.then_some("address-wrong")} />
                    <button type="submit">{ text::intake::OPEN_ADDRESS }</button>
                </form>
            </div>
            <details class="intake-token">
                <summary>{ text::intake::PRIVATE }</summary>
                <label for="token">{ text::intake::TOKEN }</label>
                <input type="password" id="token" value={(*token).clone()} oninput={on_token} autocomplete="off" spellcheck="false" aria-describedby="token-help" />
                <p class="muted" id="token-help">{ text::intake::TOKEN_HELP }</p>
            </details>
            if *address_wrong { <p class="field-wrong" id="address-wrong" role="alert">{ text::intake::ADDRESS_WRONG }</p> }
            <p class="field-help">{ text::intake::formats() }</p>
            { reading(props.reading.as_ref(), cancel) }
            if let Some(why) = &props.bad_link {
                <Notice tone={Tone::Error} title={text::intake::BAD_LINK} dismiss={Some((text::page::DISMISS, dismiss.clone()))}>
                    <p>{ why.clone() }</p>
                </Notice>
            }
            if let Some(fault) = &props.fault {
                <Notice tone={Tone::Error} title={text::intake::not_read(&fault.name)} dismiss={Some((text::page::DISMISS, dismiss))}>
                    <p>{ text::intake::sentence(&fault.what) }{ " " }{ fault.remedy.clone() }</p>
                </Notice>
            }
            <div class="examples">
                <h2 class="label">{ text::intake::EXAMPLES }</h2>
                { match &props.gallery {
                    Gallery::Loading => html! { <p class="muted">{ text::intake::EXAMPLES_LOADING }</p> },
                    Gallery::Failed(why) => html! { <p class="muted">{ text::intake::examples_failed(why) }</p> },
                    Gallery::Here(entries) => html! {
                        <ul>
                            { for of_each_task(entries).into_iter().map(|entry| card(entry, &chosen, &choose, false)) }
                            if entries.len() > ON_THE_PAGE {
                                <li><button type="button" class="card more" onclick={open_all}>{ text::intake::all(entries.len()) }</button></li>
                            }
                        </ul>
                    },
                } }
            </div>
            <Dialog id="gallery" title={text::intake::ALL_EXAMPLES} close_label={text::page::CLOSE} open={*all} close={close_all}>
                if let Gallery::Here(entries) = &props.gallery {
                    <ul class="gallery">{ for entries.iter().map(|entry| card(entry, &chosen, &choose, true)) }</ul>
                }
            </Dialog>
        </section>
    }
}

/// How far reading has come, and the button that stops it.
fn reading(reading: Option<&Reading>, cancel: Callback<()>) -> Html {
    let Some(reading) = reading else { return html! { <div class="reading" role="status"></div> } };
    let progress = reading.progress.filter(|(_, of)| *of > 0);
    html! {
        <div class="reading on">
            <p role="status">{ text::intake::reading(&reading.name) }</p>
            if let Some((at, of)) = progress {
                <progress max="1" value={(at as f64 / of as f64).to_string()} aria-label={text::intake::PROGRESS}></progress>
                <span class="muted">{ text::intake::reached(&numbers::size(at).text(), &numbers::size(of).text()) }</span>
            } else {
                <progress aria-label={text::intake::PROGRESS}></progress>
            }
            <button type="button" onclick={move |_| cancel.emit(())}>{ text::intake::CANCEL }</button>
        </div>
    }
}

fn card(entry: &Entry, chosen: &str, choose: &Callback<String>, full: bool) -> Html {
    let (choose, id) = (choose.clone(), entry.id.clone());
    let picture = format!("--picture:url(./{FOLDER}/{})", entry.thumb);
    html! {
        <li key={entry.id.clone()}>
            <button type="button" class="card" aria-pressed={(entry.id == chosen).to_string()} onclick={move |_| choose.emit(id.clone())}>
                <span class="picture" style={picture} aria-hidden="true"></span>
                <span class="card-text">
                    <span class="card-title">{ entry.title.clone() }</span>
                    <span class="card-detail">{ text::intake::card(&entry.task, &numbers::short(entry.parameters as f64)) }</span>
                    if full { <span class="card-sentence">{ entry.sentence.clone() }{ " " }{ text::intake::published(entry.year) }</span> }
                </span>
            </button>
        </li>
    }
}
