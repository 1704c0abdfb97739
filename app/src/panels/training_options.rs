//! The kind of a training run, and how devices share it: choices that most readers leave alone.

use crate::state::Action;
use crate::text::training_options as text;
use crate::widgets::{NumberField, Slide};
use estimator::scenario::{Activations, Kind, Optimizer, Training};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// The fields, folded away. Adapters, teachers and answers are for language models.
pub fn training_options(training: &Training, language: bool, act: &Callback<Action>) -> Html {
    let (method, plan) = (&training.method, &training.plan);
    let with = |change: fn(&mut Training, f64)| {
        let training = training.clone();
        act.reform(move |value: f64| {
            let mut changed = training.clone();
            change(&mut changed, value);
            Action::Training(changed)
        })
    };
    let number = |id: &'static str, label: &'static str, value: u64, most: f64, change: fn(&mut Training, f64)| {
        html! {
            <NumberField {id} {label} value={value as f64} least={1.0} {most} whole={true} slide={Slide::Growing(1.0, most.min(1024.0))} change={with(change)} />
        }
    };
    let kinds = [Kind::Pretraining, Kind::ContinuedPretraining, Kind::FineTuning];
    let kinds = Kind::ALL.iter().copied().filter(|kind| language || kinds.contains(kind));
    let adapters = matches!(method.kind, Kind::Lora | Kind::Qlora);
    html! {
        <details>
            <summary>{ text::TITLE }</summary>
            { choice("kind", text::KIND, kinds.map(|one| (one.code(), text::kind(one), one == method.kind)), training, act,
                |training, code| training.method.kind = Kind::from_code(code).unwrap_or_default()) }
            if adapters {
                { number("rank", text::RANK, method.rank.unwrap_or(16), 1024.0, |training, value| training.method.rank = Some(value as u64)) }
            }
            if method.kind == Kind::Distillation {
                <NumberField id="teacher" label={text::TEACHER} value={method.teacher_parameters.unwrap_or(0.0)} least={0.0} most={1e14} whole={true}
                    slide={Slide::Growing(1e8, 1e12)} change={with(|training, value| training.method.teacher_parameters = (value >= 1.0).then_some(value))} />
            }
            if method.kind == Kind::Reinforcement {
                { number("answers", text::ANSWERS, method.answers.unwrap_or(16.0) as u64, 1e6, |training, value| training.method.answers = Some(value)) }
                { number("answer-tokens", text::ANSWER, method.answer_tokens.unwrap_or(2000.0) as u64, 1e6, |training, value| training.method.answer_tokens = Some(value)) }
            }
            { choice("optimizer", text::OPTIMIZER,
                Optimizer::ALL.iter().map(|one| (one.code(), text::optimizer(*one), *one == plan.optimizer.unwrap_or_default())), training, act,
                |training, code| training.plan.optimizer = Optimizer::from_code(code).filter(|one| *one != Optimizer::default())) }
            if language {
                { choice("activations", text::ACTIVATIONS,
                    Activations::ALL.iter().map(|one| (one.code(), text::activations(*one), *one == plan.activations.unwrap_or_default())), training, act,
                    |training, code| training.plan.activations = Activations::from_code(code).filter(|one| *one != Activations::default())) }
                { choice("zero", text::ZERO, ["0", "1", "2", "3"].into_iter().map(|code| (code, code, code == plan.zero.unwrap_or(3).to_string())), training, act,
                    |training, code| training.plan.zero = code.parse().ok().filter(|stage| *stage != 3)) }
                <div class="pair">
                    { number("tensor", text::TENSOR, plan.tensor_parallel.unwrap_or(1), 1024.0, |training, value| training.plan.tensor_parallel = (value > 1.0).then_some(value as u64)) }
                    { number("pipeline", text::PIPELINE, plan.pipeline_parallel.unwrap_or(1), 1024.0, |training, value| training.plan.pipeline_parallel = (value > 1.0).then_some(value as u64)) }
                </div>
                { number("micro", text::MICRO, plan.micro_batch.unwrap_or(1), 1e6, |training, value| training.plan.micro_batch = (value > 1.0).then_some(value as u64)) }
            }
        </details>
    }
}

/// A list of words.
fn choice(
    id: &'static str,
    label: &'static str,
    options: impl Iterator<Item = (&'static str, &'static str, bool)>,
    training: &Training,
    act: &Callback<Action>,
    change: fn(&mut Training, &str),
) -> Html {
    let training = training.clone();
    let onchange = act.reform(move |event: Event| {
        let mut changed = training.clone();
        change(&mut changed, &event.target_unchecked_into::<HtmlSelectElement>().value());
        Action::Training(changed)
    });
    html! {
        <div class="field">
            <label for={id}>{ label }</label>
            <select {id} {onchange}>
                { for options.map(|(code, word, selected)| html! { <option value={code} {selected}>{ word }</option> }) }
            </select>
        </div>
    }
}
