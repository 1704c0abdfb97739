//! What the model is: its headline figures, its open dimensions, what goes in and out, and what was not counted.

use crate::hooks::{Entry, Gallery};
use crate::numbers;
use crate::state::{Action, Counts};
use crate::text;
use crate::widgets::{Exact, JsonRecord, Notice, NumberField, SaveJson, Slide, Tone};
use estimator::format;
use estimator::notes::{Level, Note};
use estimator::report::{NotCounted, Port};
use estimator::scenario::ModelRef;
use estimator::shapes::{Origin, Symbol};
use std::collections::BTreeMap;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`ModelPanel`].
#[derive(Properties, PartialEq)]
pub struct ModelPanelProps {
    /// What it is called.
    pub name: AttrValue,
    /// Where it comes from.
    pub model: ModelRef,
    /// Its counts, when they are there.
    pub counts: Option<Counts>,
    /// The bundled models, for what they say of themselves.
    pub gallery: Gallery,
    /// Whether something is being read.
    pub loading: bool,
    /// The file that was read, where it was chosen among several; empty else.
    pub leading: AttrValue,
    /// Counts a model that is described in words.
    pub in_words: Callback<String>,
    /// Numbers chosen for dimensions.
    pub dims: BTreeMap<String, u64>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// Most dimensions shown that depend on the data.
const MOST_OTHERS: usize = 300;
/// Most parameters that a model can be said to have.
const MOST_PARAMETERS: f64 = 1e18;
/// Largest number that a dimension can be given.
const MOST_SIZE: f64 = 1e9;

/// What the model is.
#[component]
pub fn ModelPanel(props: &ModelPanelProps) -> Html {
    let entry = match &props.model {
        ModelRef::Gallery { id } => props.gallery.entry(id),
        _ => None,
    };
    html! {
        <section id="model" class="model" aria-labelledby="model-title">
            <h2 id="model-title">{ if matches!(props.model, ModelRef::Counts { .. }) { AttrValue::from(text::model::DESCRIBED) } else { props.name.clone() } }</h2>
            if let Some(entry) = entry {
                <p class="model-sentence">{ entry.sentence.clone() }{ " " }<span class="muted">{ text::model::paper(&entry.paper, entry.year) }</span></p>
            }
            if !props.leading.is_empty() { <p class="muted">{ text::model::led_by(&props.leading) }</p> }
            { match (&props.counts, &props.model) {
                (_, ModelRef::Counts { parameters, active_parameters }) => html! {
                    <>
                        { described(*parameters, *active_parameters, &props.act) }
                        <InWords describe={props.in_words.clone()} />
                    </>
                },
                (Some(counts), _) => counted(entry, counts, props),
                (None, _) if props.loading => html! { <div class="figures waiting" aria-hidden="true">{ for (0..5).map(|_| html! { <div class="figure"></div> }) }</div> },
                (None, _) => html! { <p class="notice">{ text::model::absent(&props.model) }</p> },
            } }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct InWordsProps {
    describe: Callback<String>,
}

/// A model in words: the same sentences that the command line's `--describe` takes.
#[component]
fn InWords(props: &InWordsProps) -> Html {
    let sentence = use_state(String::new);
    let oninput = {
        let sentence = sentence.clone();
        move |event: InputEvent| sentence.set(event.target_unchecked_into::<HtmlInputElement>().value())
    };
    let onsubmit = {
        let (sentence, describe) = (sentence.clone(), props.describe.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if !sentence.trim().is_empty() {
                describe.emit(sentence.trim().to_owned());
            }
        }
    };
    html! {
        <form class="field in-words" {onsubmit} novalidate={true}>
            <label for="sentence">{ text::model::IN_WORDS }</label>
            <div class="field-line">
                <input type="text" id="sentence" value={(*sentence).clone()} {oninput} placeholder={text::model::IN_WORDS_EXAMPLE}
                    autocomplete="off" spellcheck="false" aria-describedby="sentence-help" />
                <button type="submit">{ text::model::COUNT }</button>
            </div>
            <p class="field-help" id="sentence-help">{ text::model::IN_WORDS_HELP }</p>
        </form>
    }
}

/// Bits that the file spends on one parameter, scales included.
fn bits_per_weight(counts: &Counts) -> Option<f64> {
    match (counts.weight_bytes, counts.parameters) {
        (Some(bytes), Some(parameters)) if parameters > 0 => Some(bytes as f64 * 8.0 / parameters as f64),
        _ => None,
    }
}

/// The fields of a language model of which only the size is known.
fn described(parameters: f64, active: Option<f64>, act: &Callback<Action>) -> Html {
    let size = act.reform(move |parameters: f64| Action::Describe(parameters, active));
    let part = act.reform(move |active: f64| Action::Describe(parameters, Some(active)));
    html! {
        <>
            <p class="lede">{ text::model::BY_SIZE_HELP }</p>
            <div class="dims-fields">
                <NumberField id="parameters" label={text::model::SIZE} value={parameters} least={1.0} most={MOST_PARAMETERS} whole={true}
                    slide={Slide::Growing(1e6, 2e12)} help={text::model::SIZE_HELP} change={size} />
                <NumberField id="active" label={text::model::ACTIVE} value={active.unwrap_or(parameters)} least={1.0} most={parameters} whole={true}
                    slide={Slide::Growing(1e6, 2e12)} help={text::model::ACTIVE_HELP} change={part} />
            </div>
        </>
    }
}

/// What stands below the parameters: the network's own number where the file holds another, else the buffers.
fn parameters_below(entry: Option<&Entry>, counts: &Counts) -> String {
    match entry.zip(counts.parameters) {
        Some((entry, held)) if numbers::count(entry.parameters, "").text() != numbers::count(held, "").text() => {
            text::model::of_network(entry.parameters)
        }
        _ => text::model::buffers(counts.buffers),
    }
}

fn counted(entry: Option<&Entry>, counts: &Counts, props: &ModelPanelProps) -> Html {
    let of = |count: Option<u64>, unit: &str| count.map(|count| numbers::count(count, unit));
    let bytes = |count: Option<u64>| count.map(numbers::size);
    let intensity = counts.arithmetic_intensity.map(|value| numbers::Shown {
        number: format::number(value),
        unit: String::new(),
        exact: format!("{} {}", format::exact(value), text::model::FLOPS_PER_BYTE),
    });
    let weights = figure(text::model::WEIGHTS, bytes(counts.weight_bytes), text::model::dtypes(&counts.dtypes));
    let bits = bits_per_weight(counts).map(|bits| numbers::Shown {
        number: format::number(bits),
        unit: String::new(),
        exact: format::exact(bits),
    });
    let told = counts.transformer.as_ref();
    let of_weights = html! {
        <>
            <dl class="figures">
                { figure(text::model::PARAMETERS, of(counts.parameters, ""), parameters_below(entry, counts)) }
                if let Some(told) = told.filter(|told| told.active_parameters < told.parameters) {
                    { figure(text::model::ACTIVE, of(Some(told.active_parameters), ""), text::model::ACTIVE_FOR_ONE.to_owned()) }
                }
                if let Some(told) = told {
                    { figure(text::model::MACS, of(told.macs, "MACs"), text::model::pass(told)) }
                    if told.generates {
                        { figure(text::model::TOKEN_MACS, of(told.macs_per_token, "MACs"), text::model::step(told)) }
                        { figure(text::model::CACHE, bytes(told.kv_cache_bytes_per_token), text::model::CACHE_HELP.to_owned()) }
                    }
                }
                { weights.clone() }
                { figure(text::model::BITS, bits, text::model::BITS_HELP.to_owned()) }
                if counts.optimizer_state > 0 {
                    { figure(text::model::OPTIMIZER, bytes(Some(counts.optimizer_state_bytes)), text::model::OPTIMIZER_HELP.to_owned()) }
                }
            </dl>
            if let Some(told) = told {
                <section class="architecture" aria-labelledby="architecture-title">
                    <h3 id="architecture-title">{ text::model::architecture(told) }</h3>
                    <dl class="pairs">
                        { for text::model::facts(told).into_iter().map(|(name, value)| html! { <div><dt>{ name }</dt><dd>{ value }</dd></div> }) }
                    </dl>
                </section>
            } else {
                <Notice tone={Tone::Note} title={text::model::NO_GRAPH}><p>{ text::model::NO_GRAPH_REMEDY }</p></Notice>
            }
        </>
    };
    let of_graph = html! {
            <dl class="figures">
                { figure(text::model::PARAMETERS, of(counts.parameters, ""), parameters_below(entry, counts)) }
                { figure(text::model::MACS, of(counts.macs, "MACs"), text::model::one_pass(counts.other_operations)) }
                { figure(text::model::FLOPS, of(counts.flops, "FLOPs"), text::model::TWO_PER_MAC.to_owned()) }
                { weights }
                { figure(text::model::PEAK, bytes(counts.peak_activation_bytes), text::model::PEAK_HELP.to_owned()) }
                { figure(text::model::INTENSITY, intensity, text::model::PER_BYTE.to_owned()) }
            </dl>
    };
    html! {
        <>
            { if counts.weights_only { of_weights } else { of_graph } }
            { dimensions(counts, props) }
            { not_counted(&counts.not_counted) }
            <details class="about">
                <summary>{ text::model::ABOUT }</summary>
                <dl class="pairs">
                    { for text::model::about(counts).into_iter().map(|(name, value)| html! { <><dt>{ name.to_owned() }</dt><dd>{ value }</dd></> }) }
                </dl>
                { ports(text::model::INPUTS, &counts.inputs) }
                { ports(text::model::OUTPUTS, &counts.outputs) }
                <p><SaveJson file="greenprint-model.json" record={JsonRecord::of(counts.clone(), |counts| Some(&**counts))} label={text::model::SAVE} /></p>
            </details>
            { notes(&counts.warnings) }
        </>
    }
}

fn figure(label: &'static str, shown: Option<numbers::Shown>, below: String) -> Html {
    html! {
        <div class="figure">
            <dt>{ label }</dt>
            <dd class="figure-value">
                if let Some(shown) = shown { <Exact {shown} /> } else { <span class="unknown">{ text::NOT_KNOWN }</span> }
            </dd>
            if !below.is_empty() { <dd class="figure-below">{ below }</dd> }
        </div>
    }
}

/// A field for each dimension that the file leaves open.
fn dimensions(counts: &Counts, props: &ModelPanelProps) -> Html {
    if counts.symbols.is_empty() {
        return Html::default();
    }
    let field = |symbol: &&Symbol| {
        let size = props.dims.get(&symbol.name).copied().unwrap_or(symbol.value);
        let key = symbol.name.clone();
        // A number between the limits and whole, as the field asks for.
        let change = props.act.reform(move |size: f64| Action::Dim(key.clone(), size as u64));
        let id = format!("dim-{}", symbol.name.replace(char::is_whitespace, "-"));
        html! {
            <NumberField key={symbol.name.clone()} {id} label={symbol.name.clone()} value={size as f64} least={0.0} most={MOST_SIZE}
                whole={true} slide={Slide::Growing(1.0, 4096.0)} {change} />
        }
    };
    // Those of the inputs are what people set; a detector can have a hundred more that depend on what it sees.
    let (inputs, others): (Vec<&Symbol>, Vec<&Symbol>) =
        counts.symbols.iter().partition(|symbol| symbol.origin == Origin::Input);
    html! {
        <fieldset class="dims">
            if inputs.is_empty() {
                <legend>{ text::model::DATA_DIMENSIONS }</legend>
                <p class="muted">{ text::model::DATA_DIMENSIONS_HELP }</p>
            } else {
                <legend>{ text::model::DIMENSIONS }</legend>
                <p class="muted">{ text::model::DIMENSIONS_HELP }</p>
                <div class="dims-fields">{ for inputs.iter().map(field) }</div>
            }
            if !others.is_empty() {
                <details>
                    <summary>{ text::model::data_dimensions(others.len(), inputs.is_empty()) }</summary>
                    if !inputs.is_empty() { <p class="muted">{ text::model::DATA_DIMENSIONS_HELP }</p> }
                    <div class="dims-fields">{ for others.iter().take(MOST_OTHERS).map(field) }</div>
                </details>
            }
        </fieldset>
    }
}

fn not_counted(list: &[NotCounted]) -> Html {
    if list.is_empty() {
        return Html::default();
    }
    html! {
        <div class="notice not-counted" role="note">
            <p class="notice-title">{ text::model::not_counted(list.len(), list.iter().map(|one| one.share).sum()) }</p>
            <ul>{ for list.iter().map(|one| html! { <li><code>{ one.op.clone() }</code>{ " " }<span class="muted">{ text::model::nodes(one.nodes, one.share) }</span></li> }) }</ul>
        </div>
    }
}

fn ports(title: &'static str, list: &[Port]) -> Html {
    if list.is_empty() {
        return Html::default();
    }
    html! {
        <>
            <h3>{ title }</h3>
            <ul class="ports">
                { for list.iter().map(|port| html! { <li><code>{ port.name.clone() }</code>{ " " }<span class="muted">{ format!("{} {}", port.dtype, port.symbolic) }</span></li> }) }
            </ul>
        </>
    }
}

/// Notes of a result: those that matter are open, the others can be opened.
pub(super) fn notes(list: &[Note]) -> Html {
    let item = |note: &Note| {
        html! { <li>{ note.text.clone() }if !note.place.is_empty() { <span class="muted">{ " · " }{ note.place.clone() }</span> }</li> }
    };
    let (warnings, infos): (Vec<&Note>, Vec<&Note>) = list.iter().partition(|note| note.level == Level::Warning);
    let part = |title: String, notes: &[&Note]| {
        if notes.is_empty() {
            return Html::default();
        }
        html! {
            <details class="notes">
                <summary>{ title }</summary>
                <ul>{ for notes.iter().map(|note| item(note)) }</ul>
            </details>
        }
    };
    html! {
        <>
            { part(text::model::warnings(warnings.len()), &warnings) }
            { part(text::model::infos(infos.len()), &infos) }
        </>
    }
}
