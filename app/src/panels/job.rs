//! What the model is to do: learn, or answer.

use super::training_options::training_options;
use crate::state::Action;
use crate::text;
use crate::widgets::{Choice, Choices, NumberField, Slide};
use estimator::scenario::{Scenario, Serving, Training, Workload};
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Job`].
#[derive(Properties, PartialEq)]
pub struct JobProps {
    /// What is being estimated.
    pub scenario: Rc<Scenario>,
    /// Whether the model is a language model, which reads and writes tokens.
    pub language: bool,
    /// Whether it is a graph that can be asked for an answer token by token, and whether it is.
    pub generates: Option<bool>,
    /// Where the numbers come from that nobody has chosen yet.
    pub usual: Option<AttrValue>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// Largest count of samples, requests or tokens that can be asked for.
const MOST: f64 = 1e15;
/// Most tokens of one training run that can be asked for.
const MOST_TOKENS: f64 = 1e18;

/// What the model is to do.
#[component]
pub fn Job(props: &JobProps) -> Html {
    let training = matches!(props.scenario.workload, Workload::Train(_));
    let choose = props.act.reform(|training| if training { Action::ToTraining } else { Action::ToServing });
    let choices =
        vec![Choice { value: true, label: text::job::TRAIN }, Choice { value: false, label: text::job::SERVE }];
    html! {
        <fieldset class="panel">
            <legend>{ text::job::TITLE }</legend>
            <Choices<bool> id="work" legend={text::job::TITLE} quiet={true} {choices} chosen={training} {choose} />
            { match &props.scenario.workload {
                Workload::Train(training) => train(training, props.language || training.tokens.is_some(), &props.act),
                Workload::Serve(serving) => serve(serving, props.language, props.generates, &props.act),
            } }
            if let Some(usual) = &props.usual { <p class="field-help">{ text::job::usual(usual) }</p> }
        </fieldset>
    }
}

fn train(training: &Training, language: bool, act: &Callback<Action>) -> Html {
    let with = |change: fn(&mut Training, f64)| {
        let training = training.clone();
        act.reform(move |value: f64| {
            let mut changed = training.clone();
            change(&mut changed, value);
            Action::Training(changed)
        })
    };
    let recompute = {
        let training = training.clone();
        act.reform(move |_: Event| Action::Training(Training { recompute: !training.recompute, ..training.clone() }))
    };
    // Tokens of the whole run stand for samples and epochs, so there is one field or the other two.
    let samples = html! {
        <>
            <NumberField id="samples" label={text::job::SAMPLES} value={training.samples} least={1.0} most={MOST} whole={true}
                slide={Slide::Growing(1e3, 1e10)} change={with(|training, value| training.samples = value)} />
            <NumberField id="epochs" label={text::job::EPOCHS} value={training.epochs} least={0.001} most={1e6}
                slide={Slide::Growing(1.0, 1000.0)} change={with(|training, value| training.epochs = value)} />
        </>
    };
    let tokens = training.tokens.unwrap_or(training.samples * training.epochs);
    html! {
        <>
            if language {
                <NumberField id="tokens" label={text::job::TOKENS} value={tokens} least={1.0} most={MOST_TOKENS} whole={true}
                    slide={Slide::Growing(1e6, 1e14)} help={text::job::TOKENS_HELP} change={with(|training, value| training.tokens = Some(value))} />
            } else {
                { samples }
            }
            <NumberField id="batch" label={if language { text::job::TOKEN_BATCH } else { text::job::TRAIN_BATCH }} value={training.batch as f64} least={1.0} most={1e9} whole={true}
                slide={Slide::Growing(1.0, 65_536.0)} change={with(|training, value| training.batch = value as u64)} />
            <div class="check">
                <input type="checkbox" id="recompute" checked={training.recompute} onchange={recompute} />
                <label for="recompute">{ text::job::RECOMPUTE }</label>
            </div>
            { training_options(training, language, act) }
        </>
    }
}

fn serve(serving: &Serving, language: bool, generates: Option<bool>, act: &Callback<Action>) -> Html {
    let with = |change: fn(&mut Serving, f64)| {
        let serving = serving.clone();
        act.reform(move |value: f64| {
            let mut changed = serving.clone();
            change(&mut changed, value);
            Action::Serving(changed)
        })
    };
    let answer = {
        let serving = serving.clone();
        let other = !generates.unwrap_or_default();
        act.reform(move |_: Event| Action::Serving(Serving { generates: Some(other), ..serving.clone() }))
    };
    html! {
        <>
            <NumberField id="requests" label={text::job::REQUESTS} value={serving.requests_per_day.unwrap_or(0.0)} least={0.0} most={MOST}
                slide={Slide::Growing(1.0, 1e9)} help={text::job::REQUESTS_HELP}
                change={with(|serving, value| serving.requests_per_day = (value > 0.0).then_some(value))} />
            if let Some(generates) = generates {
                <div class="check">
                    <input type="checkbox" id="generates" checked={generates} onchange={answer} />
                    <label for="generates">{ text::job::GENERATES }</label>
                </div>
            }
            if language || generates == Some(true) {
                <div class="pair">
                    <NumberField id="prompt" label={text::job::PROMPT} value={serving.prompt_tokens} least={0.0} most={MOST} whole={true}
                        slide={Slide::Growing(1.0, 131_072.0)} change={with(|serving, value| serving.prompt_tokens = value)} />
                    <NumberField id="output" label={text::job::OUTPUT} value={serving.output_tokens} least={1.0} most={MOST} whole={true}
                        slide={Slide::Growing(1.0, 32_768.0)} change={with(|serving, value| serving.output_tokens = value)} />
                </div>
            }
            <NumberField id="days" label={text::job::DAYS} value={serving.days} least={0.001} most={36_500.0}
                slide={Slide::Growing(1.0, 3650.0)} change={with(|serving, value| serving.days = value)} />
            <NumberField id="batch" label={text::job::SERVE_BATCH} value={serving.batch as f64} least={1.0} most={1e6} whole={true}
                slide={Slide::Growing(1.0, 1024.0)} help={text::job::SERVE_BATCH_HELP} change={with(|serving, value| serving.batch = value as u64)} />
        </>
    }
}
