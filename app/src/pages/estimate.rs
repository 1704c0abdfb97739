//! The estimate page: a model, what it is to do, where, and what that costs.

use crate::derive;
use crate::hooks::{
    DropState, FOLDER, Gallery, Handover, Wanted, are_logs, go_to, leave_logs, may_be_logs, path_of, use_file_drop,
    use_file_worker, use_fragment, use_gallery, use_hand_over, use_keep_layers,
};
use crate::panels::{
    Assumptions, Changes, Compare, Counters, Inside, Intake, Job, Layers, Levers, Machine, ModelPanel, Opened, Place,
    Result as ResultPanel, Smaller, Sources,
};
use crate::protocol::Fault;
use crate::protocol::{Answer, Dims};
use crate::route::{Address, Query, Route};
use crate::state::{Action, FIRST_SIZE, State, same_model, scenario_of};
use crate::text;
use estimator::hardware;
use estimator::scenario::{ModelRef, ModelSummary, Scenario, Workload};
use std::rc::Rc;
use web_sys::File;
use yew::prelude::*;

/// The numbers of a bundled model's dimensions: its own, unless the scenario says otherwise.
fn dims_of(model: &ModelRef, gallery: &Gallery, chosen: &Dims) -> Dims {
    let mut dims = match model {
        ModelRef::Gallery { id } => gallery.entry(id).map(|entry| entry.default_dims.clone()).unwrap_or_default(),
        _ => Dims::new(),
    };
    dims.extend(chosen.iter().map(|(name, size)| (name.clone(), *size)));
    dims
}

/// What the model is called on the page.
fn name_of(state: &State, gallery: &Gallery) -> String {
    let entry = match &state.scenario.model {
        ModelRef::Gallery { id } => gallery.entry(id),
        _ => None,
    };
    entry.map_or_else(|| state.model_name(), |entry| entry.title.clone())
}

/// What a set of files is called: the file alone, the folder they came in, or the first of several.
/// Which one leads, the worker finds out: this page knows no format.
fn name_of_files(files: &[File]) -> Option<String> {
    let paths: Vec<String> = files.iter().map(path_of).collect();
    let first = paths.first()?;
    let folder = first.split_once('/').map(|(folder, _)| folder);
    let together = |folder: &&str| paths.iter().all(|path| path.split('/').next() == Some(*folder));
    match folder.filter(together) {
        Some(folder) => Some(folder.to_owned()),
        None if paths.len() == 1 => Some(first.clone()),
        None => Some(text::intake::several(first, paths.len() - 1)),
    }
}

/// Properties of [`Estimate`].
#[derive(Properties, PartialEq)]
pub struct EstimateProps {
    /// Whether it is shown. It stays as it is while another page is, with the model that was read.
    pub active: bool,
    /// Whether the page is dark.
    pub dark: bool,
    /// The scenario to begin with, as a fragment.
    pub first: AttrValue,
    /// Hears of the scenario's fragment whenever it changes.
    pub linked: Callback<AttrValue>,
}

/// The page.
#[component]
pub fn Estimate(props: &EstimateProps) -> Html {
    let state = use_reducer(|| State::from_fragment(&props.first));
    let gallery = use_gallery();
    let dispatch = state.dispatcher();

    let heard = {
        let dispatch = dispatch.clone();
        use_callback((), move |answer: Answer, ()| match answer {
            Answer::Progress { at, of, .. } => dispatch.dispatch(Action::Progress(at, of)),
            Answer::Done { inspection, leading, .. } => {
                dispatch.dispatch(Action::Read(inspection));
                if !leading.is_empty() {
                    dispatch.dispatch(Action::Led(leading));
                }
            }
            Answer::Failed { why, .. } => dispatch.dispatch(Action::Failed(why)),
            Answer::Hello(_) | Answer::Elsewhere { .. } => {}
        })
    };
    let worker = use_file_worker(heard);

    // Opening: whatever was asked for is read beside the model shown, and takes its place when it is there.
    let open = {
        let (dispatch, worker, gallery) = (dispatch.clone(), worker.clone(), gallery.clone());
        Callback::from(move |(opened, dims): (Opened, Dims)| match opened {
            Opened::Gallery(id) => {
                let Some(entry) = gallery.entry(&id) else {
                    let (what, remedy) = (text::fault::NO_EXAMPLE.to_owned(), text::fault::CHOOSE_EXAMPLE.to_owned());
                    return dispatch.dispatch(Action::Failed(Fault { name: id, what, remedy }));
                };
                let model = ModelRef::Gallery { id };
                let dims = dims_of(&model, &gallery, &dims);
                dispatch.dispatch(Action::Open(model, entry.title.clone()));
                let url = format!("./{FOLDER}/{}", entry.file);
                worker.open(Wanted::Url { url, token: String::new() }, dims);
            }
            Opened::Url { url, token } => {
                dispatch.dispatch(Action::Open(ModelRef::Url { url: url.clone() }, url.clone()));
                worker.open(Wanted::Url { url, token }, dims);
            }
            Opened::Sentence(sentence) => {
                // The summary of what is counted goes into the link, as that of a file does.
                let model = ModelRef::File { name: sentence.clone(), summary: None };
                dispatch.dispatch(Action::Open(model, sentence.clone()));
                worker.open(Wanted::Sentence(sentence), dims);
            }
            Opened::Files(files) => {
                let Some(name) = name_of_files(&files) else { return };
                dispatch.dispatch(Action::Open(ModelRef::File { name: name.clone(), summary: None }, name));
                worker.open(Wanted::Files(files), dims);
            }
        })
    };
    let open_new = {
        let open = open.clone();
        Callback::from(move |opened: Opened| match opened {
            // Logs of measured runs belong to a page of their own; only their contents tell them from configurations.
            Opened::Files(files) if may_be_logs(&files) => {
                let open = open.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    match are_logs(&files).await {
                        true => leave_logs(&files, &Address::fragment(Route::Measured, &Query::new())),
                        false => open.emit((Opened::Files(files), Dims::new())),
                    }
                });
            }
            opened => open.emit((opened, Dims::new())),
        })
    };
    let in_words = {
        let open = open_new.clone();
        Callback::from(move |sentence: String| open.emit(Opened::Sentence(sentence)))
    };
    let dropped = use_callback(open_new.clone(), |files: Vec<File>, open| open.emit(Opened::Files(files)));
    let drop_state = use_file_drop(props.active, dropped);

    // The address names a model that is not shown: at the start, and when the reader goes back.
    {
        let (state, open, gallery) = (state.clone(), open.clone(), gallery.clone());
        let deps = (state.scenario.model.clone(), matches!(gallery, Gallery::Here(_)));
        use_effect_with(deps, move |(model, gallery_here)| {
            let known =
                state.is_current() || state.reading.as_ref().is_some_and(|reading| same_model(&reading.model, model));
            let opened = match model {
                ModelRef::Gallery { id } if *gallery_here => Some(Opened::Gallery(id.clone())),
                ModelRef::Url { url } => Some(Opened::Url { url: url.clone(), token: String::new() }),
                _ => None,
            };
            if let Some(opened) = opened.filter(|_| !known) {
                open.emit((opened, state.scenario.dims.clone()));
            }
        });
    }
    // Other numbers for the dimensions: the worker still holds the model. Numbers chosen while it was being read wait for it.
    {
        let (state, worker, gallery) = (state.clone(), worker.clone(), gallery.clone());
        let asked = use_mut_ref(|| None::<(ModelRef, Dims)>);
        use_effect_with((state.scenario.dims.clone(), state.inspection.clone()), move |(dims, counts)| {
            let Some(counts) = counts.as_ref().filter(|_| state.is_current() && state.reading.is_none()) else {
                return;
            };
            let differs =
                dims.iter().any(|(name, size)| counts.dynamic_dims.get(name).is_some_and(|used| used != size));
            let wanted = Some((state.scenario.model.clone(), dims.clone()));
            // Asked once: a number that the model does not take must not be asked for again and again.
            if differs && *asked.borrow() != wanted {
                worker.infer(dims_of(&state.scenario.model, &gallery, dims));
            }
            *asked.borrow_mut() = if differs { wanted } else { None };
        });
    }
    // The address follows the scenario.
    let link = if state.scenario == Scenario::default() {
        AttrValue::from("")
    } else {
        AttrValue::from(state.scenario.to_fragment())
    };
    let changed = {
        let dispatch = dispatch.clone();
        use_callback((), move |fragment: String, ()| {
            dispatch.dispatch(match scenario_of(&fragment) {
                Ok(scenario) => Action::Link(Box::new(scenario)),
                Err(why) => Action::BadLink(text::intake::bad_link(&why)),
            });
        })
    };
    use_fragment(link.clone(), props.active, changed);
    use_effect_with((link.clone(), props.linked.clone()), |(link, linked)| linked.emit(link.clone()));

    let current = state.inspection.clone().filter(|_| state.is_current());
    let summary = use_memo((current.clone(), state.scenario.model.clone()), |_| state.summary());
    let estimate = use_memo((state.scenario.clone(), summary.clone()), |(scenario, summary)| {
        summary.as_ref().as_ref().map(|summary| derive::estimate(scenario, summary))
    });
    let device = hardware::device(&state.scenario.hardware.device);

    let name = AttrValue::from(name_of(&state, &gallery));
    use_keep_layers(current.clone());
    use_hand_over(Handover { link: link.to_string(), name: name.to_string(), summary: summary.as_ref().clone() });
    let cancel = {
        let (dispatch, worker) = (dispatch.clone(), worker.clone());
        Callback::from(move |()| {
            worker.cancel();
            dispatch.dispatch(Action::Cancel);
        })
    };
    let describe = {
        let (dispatch, worker) = (dispatch.clone(), worker.clone());
        Callback::from(move |()| {
            worker.cancel();
            dispatch.dispatch(Action::Describe(FIRST_SIZE, None));
            go_to("model");
        })
    };
    let act = {
        let dispatch = dispatch.clone();
        use_callback((), move |action: Action, ()| dispatch.dispatch(action))
    };
    let here = gloo::utils::window().location().href().unwrap_or_default();
    let address = AttrValue::from(format!("{}#{link}", here.split('#').next().unwrap_or_default()));
    let found = match estimate.as_ref() {
        Some(Ok(found)) => Some(Rc::new(found.clone())),
        _ => None,
    };
    let scenario = Rc::new(state.scenario.clone());
    let usual = use_memo((summary.clone(), state.scenario.hardware.clone()), |(summary, hardware)| {
        summary.as_ref().as_ref().and_then(|summary| derive::usual(summary, hardware))
    });
    let usual = usual.as_ref().as_ref().filter(|_| !state.chose_work).map(|usual| {
        AttrValue::from(match &state.scenario.workload {
            Workload::Train(_) => usual.training_source.clone(),
            Workload::Serve(_) => usual.serving_source.clone(),
        })
    });
    let weights_alone = current.as_ref().filter(|counts| counts.weights_only).and_then(|counts| counts.parameters);
    let language = summary.as_ref().as_ref().is_some_and(ModelSummary::is_language);
    // The estimator says whether a graph over tokens answers prompts: by its own sight, or because it was told to.
    let answers =
        found.as_ref().and_then(|found| found.service.as_ref()).is_some_and(|service| service.first_token_s.is_some());
    let over_tokens = summary.as_ref().as_ref().is_some_and(|summary| summary.sample.pass.is_some());
    let generates = (over_tokens && !language).then_some(answers);

    html! {
        <>
            <main>
                <Intake gallery={gallery.clone()} chosen={state.scenario.model.clone()} reading={state.reading.clone()}
                    fault={state.fault.clone()} bad_link={state.bad_link.clone()} open={open_new} {describe} {cancel} act={act.clone()} />
                <ModelPanel name={name.clone()} leading={state.leading.clone()} {in_words} model={state.scenario.model.clone()} counts={current.clone()} {gallery}
                    loading={state.reading.is_some()} dims={state.scenario.dims.clone()} act={act.clone()} />
                <section id="estimate" aria-labelledby="estimate-title">
                    <h2 id="estimate-title">{ text::estimate::TITLE }</h2>
                    <div class="estimate">
                        <div class="inputs">
                            <Job scenario={scenario.clone()} {language} {generates} {usual} act={act.clone()} />
                            <Machine scenario={scenario.clone()} estimate={found.clone()} act={act.clone()} />
                            <Place scenario={scenario.clone()} estimate={found.clone()} act={act.clone()} />
                        </div>
                        <ResultPanel name={name.clone()} scenario={scenario.clone()} estimate={estimate.clone()} {device}
                            {weights_alone} act={act.clone()} />
                    </div>
                </section>
                if let Some(found) = found.clone() {
                    <Changes estimate={found.clone()} dark={props.dark} />
                    <Assumptions estimate={found} act={act.clone()} />
                    <Smaller scenario={scenario.clone()} summary={summary.clone()} counts={current.clone()} dark={props.dark} act={act.clone()} />
                    <Levers scenario={scenario.clone()} summary={summary.clone()} counts={current.clone()} dark={props.dark} />
                }
                if let Some(counts) = current {
                    <Inside counts={counts.clone()} counted={summary.as_ref().as_ref().map_or(1, |summary| summary.batch)} scenario={scenario} {device} dark={props.dark} />
                    <Layers counts={counts.clone()} />
                    <Counters counts={counts.clone()} />
                    <Compare name={name.clone()} {counts} />
                }
            </main>
            <p class="on-paper">{ text::page::printed(&address) }</p>
            <Sources />
            if drop_state == DropState::Over {
                <div class="drop-veil" aria-hidden="true"><p>{ text::intake::DROP_HERE }</p></div>
            }
        </>
    }
}
