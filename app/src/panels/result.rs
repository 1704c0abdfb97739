//! What it costs: a sentence, the figures with their spans, what people know of such amounts, and how it was computed.

use super::model::notes;
use crate::hooks::print;
use crate::numbers::{self, Shown};
use crate::state::Action;
use crate::text;
use crate::widgets::{Dialog, Exact, JsonRecord, Notice, RangeBar, SaveJson, Tone};
use estimator::energy::EstimateError;
use estimator::format::Readable;
use estimator::hardware::Device;
use estimator::range::Range;
use estimator::report::{
    Account, Accounting, EnergyParts, Equivalent, Estimate, MemoryFit, Obstacle, OffsetCost, Service, Step,
};
use estimator::scenario::{Hardware, Scenario, Workload};
use estimator::units::KilowattHours;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Result`].
#[derive(Properties, PartialEq)]
pub struct ResultProps {
    /// What the model is called.
    pub name: AttrValue,
    /// What is being estimated.
    pub scenario: Rc<Scenario>,
    /// What it costs; nothing while the model is not known.
    pub estimate: Rc<Option<std::result::Result<Estimate, EstimateError>>>,
    /// The chosen device.
    pub device: Option<&'static Device>,
    /// Parameters of a file that holds weights alone: enough for an estimate of a language model.
    pub weights_alone: Option<u64>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// What it costs.
#[component]
pub fn Result(props: &ResultProps) -> Html {
    let how = use_state(|| false);
    let open = {
        let how = how.clone();
        move |_: MouseEvent| how.set(true)
    };
    let close = {
        let how = how.clone();
        Callback::from(move |()| how.set(false))
    };
    let content = match props.estimate.as_ref() {
        None => html! { <p class="muted waiting-text">{ text::result::WAITING }</p> },
        Some(Err(error)) => html! {
            <Notice tone={Tone::Error} title={text::result::NO_ESTIMATE}>
                if let (EstimateError::UnknownCount { .. }, Some(parameters)) = (error, props.weights_alone) {
                    <p>{ text::result::NO_OPERATIONS }</p>
                    { by_size(parameters, &props.act) }
                } else {
                    <p>{ text::intake::sentence(&error.to_string()) }</p>
                }
            </Notice>
        },
        Some(Ok(estimate)) => html! {
            <>
                { obstacles(&estimate.obstacles, &props.scenario.hardware, &props.act) }
                <p class={classes!("headline", (estimate.feasible == Some(false)).then_some("doubtful"))} aria-live="polite" aria-atomic="true">{ headline(props, estimate) }</p>
                <dl class="figures results">
                    { figure(text::result::CO2, Some(text::result::CO2_HELP), estimate.co2e_kg) }
                    { figure(text::result::ENERGY, Some(text::result::ENERGY_HELP), estimate.energy_kwh) }
                    { figure(text::result::hours(matches!(props.scenario.workload, Workload::Train(_))), None, estimate.hours) }
                    { figure(text::result::COST, None, estimate.cost_usd) }
                    { figure(text::result::WATER, None, estimate.water_l) }
                    if let Some(embodied) = estimate.embodied_kg { { figure(text::result::EMBODIED, Some(text::result::EMBODIED_HELP), embodied) } }
                </dl>
                if let Some(total) = estimate.total_co2e_kg {
                    <p class="per-one">{ text::result::altogether(&numbers::quantity(total.central).text(), &numbers::span(total)) }</p>
                }
                if let Some(per_token) = estimate.per_output_token_j {
                    <p class="per-one">{ text::result::per_token(&per_token.central.readable(), &numbers::span(per_token)) }</p>
                }
                if let Some(per_token) = estimate.per_token_j {
                    <p class="per-one">{ text::result::per_trained_token(&per_token.central.readable(), &numbers::span(per_token)) }</p>
                }
                if let Some(per_request) = estimate.per_request_wh {
                    <p class="per-one">{ text::result::per_request(&per_request.central.readable(), &numbers::span(per_request)) }</p>
                }
                if let Some(service) = &estimate.service { { answers(service) } }
                { memory(&estimate.memory) }
                { parts(&estimate.energy_parts_kwh, estimate.energy_kwh.central) }
                { accounting(&estimate.accounting, &estimate.offsets) }
                { equivalents(&estimate.equivalents, &numbers::quantity(estimate.counted_co2e_kg().central).text(), estimate.total_co2e_kg.is_some()) }
                { notes(&estimate.warnings) }
                <p class="actions">
                    <button type="button" onclick={open} aria-haspopup="dialog">{ text::result::HOW }</button>
                    <SaveJson file="greenprint-estimate.json" record={JsonRecord::of(props.estimate.clone(), |shown| shown.as_ref().as_ref()?.as_ref().ok())} label={text::result::SAVE} />
                    <button type="button" class="link" onclick={|_| print()}>{ text::result::PRINT }</button>
                </p>
                <Dialog id="how" title={text::result::HOW_TITLE} close_label={text::page::CLOSE} open={*how} {close}>
                    <p>{ text::result::HOW_LEDE }</p>
                    <ol class="steps">{ for estimate.steps.iter().map(step) }</ol>
                    <p class="muted">{ text::result::HOW_RANGES }</p>
                </Dialog>
            </>
        },
    };
    html! {
        <section class="result" id="result" aria-label={text::result::TITLE}>{ content }</section>
    }
}

/// The way on for weights whose file does not say what is computed with them.
fn by_size(parameters: u64, act: &Callback<Action>) -> Html {
    let describe = act.reform(move |_: MouseEvent| Action::Describe(parameters as f64, None));
    html! { <button type="button" onclick={describe}>{ text::result::by_size(parameters) }</button> }
}

/// The same emissions by location and by market, what the network loses, and what the tonnes would cost.
fn accounting(accounts: &Accounting, offsets: &[OffsetCost]) -> Html {
    let row = |account: &Account| {
        html! {
            <tr>
                <th scope="row">{ text::result::account(account) }</th>
                <td>{ text::result::intensity(account.g_per_kwh) }</td>
                <td>{ numbers::quantity(account.co2e_kg.central).text() }</td>
                <td>{ numbers::span(account.co2e_kg) }</td>
            </tr>
        }
    };
    html! {
        <details id="accounting">
            <summary>{ text::result::ACCOUNTING }</summary>
            <div class="scroll" tabindex="0" role="region" aria-label={text::result::ACCOUNTING}>
                <table>
                    <tbody>
                        { row(&accounts.location) }
                        { for accounts.location_beside_market.iter().map(row) }
                        { for accounts.market.iter().map(row) }
                        { for offsets.iter().map(|cost| html! {
                            <tr>
                                <th scope="row">{ text::result::price(&cost.name, cost.year) }</th>
                                <td>{ text::result::a_tonne(&cost.usd_per_tonne.central.readable()) }</td>
                                <td>{ cost.cost_usd.central.readable() }</td>
                                <td>{ numbers::span(cost.cost_usd) }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
            <ul class="facts">
                <li>{ text::result::market(&accounts.about_the_market) }</li>
                <li>{ text::result::losses(&accounts.losses.co2e_kg.central.readable(), accounts.losses.share.central.0) }</li>
                <li>{ text::intake::sentence(estimator::carbon::offsets::CAVEAT) }</li>
            </ul>
        </details>
    }
}

/// What stands in the way, each with the click that takes it away where more devices, or fewer, do.
fn obstacles(list: &[Obstacle], hardware: &Hardware, act: &Callback<Action>) -> Html {
    if list.is_empty() {
        return Html::default();
    }
    let item = |obstacle: &Obstacle| {
        let devices = match obstacle {
            Obstacle::IdleDevices { batch, .. } => Some(*batch),
            other => other.least_devices(),
        };
        let remedy = devices.filter(|devices| (1..=MOST_DEVICES).contains(devices) && *devices != hardware.count);
        let remedy = remedy.map(|count| {
            let hardware = Hardware { count, ..hardware.clone() };
            let change = act.reform(move |_: MouseEvent| Action::Hardware(hardware.clone()));
            html! { <button type="button" onclick={change}>{ text::result::use_devices(count) }</button> }
        });
        html! { <li><p>{ text::intake::sentence(obstacle.text()) }</p>{ remedy }</li> }
    };
    html! {
        <Notice tone={Tone::Obstacle} title={text::result::OBSTACLE}><ul class="obstacles">{ for list.iter().map(item) }</ul></Notice>
    }
}

/// Most devices that a click asks for.
const MOST_DEVICES: u64 = 10_000_000;
/// Amounts that people can picture.
const PICTURED: std::ops::RangeInclusive<f64> = 0.5..=50_000.0;
/// Most comparisons shown at once.
const MOST_PICTURED: usize = 6;

fn headline(props: &ResultProps, estimate: &Estimate) -> Html {
    let device = props.device.map_or(props.scenario.hardware.device.as_str(), |device| device.name.as_str());
    let machines = text::result::machines(props.scenario.hardware.count, device);
    let (energy, mass) =
        (numbers::quantity(estimate.energy_kwh.central).text(), numbers::quantity(estimate.co2e_kg.central).text());
    let lead = match &props.scenario.workload {
        Workload::Train(training) if training.tokens.is_some() => text::result::training_tokens(
            &props.name,
            training.tokens.unwrap_or_default(),
            &machines,
            &numbers::quantity(estimate.hours.central).text(),
        ),
        Workload::Train(training) => text::result::training(
            &props.name,
            training.epochs,
            &machines,
            &numbers::quantity(estimate.hours.central).text(),
        ),
        Workload::Serve(_) => text::result::serving(&props.name, &estimate.scope, &machines),
    };
    html! { <>{ lead }{ " " }<strong>{ energy }</strong>{ text::result::AND }<strong>{ mass }{ " CO₂e" }</strong>{ text::result::between(&numbers::span(estimate.co2e_kg)) }</> }
}

fn figure<Q: Readable>(label: &'static str, help: Option<&'static str>, range: Range<Q>) -> Html {
    let shown: Shown = numbers::quantity(range.central);
    let high = range.high.amount();
    let part = |value: Q| if high > 0.0 { value.amount() / high } else { 0.0 };
    html! {
        <div class="figure">
            <dt>{ label }</dt>
            <dd class="figure-value"><Exact {shown} /></dd>
            <dd class="figure-below">
                if numbers::has_span(&range) {
                    <RangeBar low={part(range.low)} central={part(range.central)} />
                    <span class="span">{ numbers::span(range) }</span>
                }
                if let Some(help) = help { <span class="figure-help">{ help }</span> }
            </dd>
        </div>
    }
}

fn answers(service: &Service) -> Html {
    let latency = text::result::latency(&service.latency_s.central.readable(), &numbers::span(service.latency_s));
    let tokens = |range: Range<estimator::units::Seconds>, say: fn(&str, &str) -> String| {
        html! { <li>{ say(&range.central.readable(), &numbers::span(range)) }</li> }
    };
    let load = service
        .load
        .as_ref()
        .map(|load| text::result::load(load.central.0, load.high.0, service.capacity_per_s.central.0));
    html! {
        <ul class="facts">
            <li>{ latency }</li>
            if let Some(first) = service.first_token_s { { tokens(first, text::result::first_token) } }
            if let Some(between) = service.between_tokens_s { { tokens(between, text::result::between_tokens) } }
            if let Some(load) = load { <li>{ load }</li> }
            <li>{ text::result::bound(service.compute_bound.0, service.memory_bound.0, service.overhead.0) }</li>
        </ul>
    }
}

fn memory(fit: &MemoryFit) -> Html {
    let Some(needed) = fit.needed else { return Html::default() };
    let available = fit.available.map(|bytes| bytes.readable());
    let text = text::result::memory(&needed.readable(), fit.needed_is_least, available.as_deref(), fit.fits);
    let part =
        |part: &estimator::report::MemoryPart| part.bytes.map(|bytes| format!("{} {}", part.name, bytes.readable()));
    let parts: Vec<String> = fit.parts.iter().filter_map(part).collect();
    html! {
        <p class={classes!("memory", (fit.fits == Some(false)).then_some("too-much"))}>
            { text }if !parts.is_empty() { <span class="muted">{ format!(" {}", text::result::memory_parts(&parts)) }</span> }
        </p>
    }
}

/// The energy by what draws it, as one bar of several pieces, with its legend as a list.
fn parts(parts: &EnergyParts, whole: KilowattHours) -> Html {
    let pieces = [parts.accelerators, parts.host, parts.network, parts.idle, parts.pue_overhead];
    let pieces: Vec<(usize, KilowattHours)> =
        pieces.iter().map(|range| range.central).enumerate().filter(|(_, amount)| amount.0 > 0.0).collect();
    if pieces.is_empty() || whole.0 <= 0.0 {
        return Html::default();
    }
    let share = |amount: KilowattHours| amount / whole;
    html! {
        <div class="energy-parts">
            <h3 class="label">{ text::result::PARTS }</h3>
            <div class="stack" aria-hidden="true">
                { for pieces.iter().map(|(place, amount)| html! { <span class={format!("piece-{place}")} style={format!("width:{:.3}%", share(*amount) * 100.0)}></span> }) }
            </div>
            <ul class="legend">
                { for pieces.iter().map(|(place, amount)| html! {
                    <li><span class={format!("key piece-{place}")} aria-hidden="true"></span>{ text::result::PART_NAMES.get(*place).copied().unwrap_or_default() }
                        <span class="muted">{ format!(" {}", numbers::percent(share(*amount))) }</span></li>
                }) }
            </ul>
        </div>
    }
}

fn equivalents(list: &[Equivalent], total: &str, with_making: bool) -> Html {
    if list.is_empty() {
        return Html::default();
    }
    // What can be pictured: neither a thousandth of something nor millions of it; the rest is a click away.
    let first_of_name =
        |one: &Equivalent| list.iter().find(|other| other.name == one.name).is_some_and(|first| first.id == one.id);
    let pictured = |one: &&Equivalent| PICTURED.contains(&one.amount.central.0) && first_of_name(one);
    let item = |one: &Equivalent| {
        html! {
            <li title={one.source.clone()}><strong>{ estimator::format::number(one.amount.central.0) }</strong>{ " " }{ one.name.clone() }</li>
        }
    };
    let sourced = |one: &Equivalent| {
        html! {
            <li>{ format!("{} {}", estimator::format::number(one.amount.central.0), one.name) }<span class="source">{ one.source.clone() }</span></li>
        }
    };
    html! {
        <div class="equivalents">
            <h3 class="label">{ text::result::as_much_as(total, with_making) }</h3>
            <ul>{ for list.iter().filter(pictured).take(MOST_PICTURED).map(item) }</ul>
            <details>
                <summary>{ text::result::MORE_EQUIVALENTS }</summary>
                <ul class="all">{ for list.iter().map(sourced) }</ul>
            </details>
        </div>
    }
}

fn step(step: &Step) -> Html {
    html! {
        <li>
            <h3>{ step.title.clone() }</h3>
            <p class="formula">{ step.formula.clone() }</p>
            <p class="formula-numbers">{ step.numbers.clone() }{ " = " }<strong>{ step.result.clone() }</strong></p>
        </li>
    }
}
