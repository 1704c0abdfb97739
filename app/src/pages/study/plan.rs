//! The page of plans: a budget becomes a model, a life, and the moment when a smaller model has paid for itself.

use super::PageProps;
use crate::derive::plan::{self as derive, MEASURES, Swap};
use crate::numbers;
use crate::panels::{devices_found, places_found};
use crate::text::plan as text;
use crate::widgets::{ChartFigure, Choice, Choices, Combobox, JsonRecord, Notice, NumberField, SaveJson, Slide, Tone};
use estimator::carbon::places;
use estimator::format::{self, Readable};
use estimator::hardware;
use estimator::planning::{Budget, Request, Served};
use estimator::range::{Range, Ratio};
use estimator::report::{BreakEven, Lifetime, Plan as Found};
use estimator::scenario::{Scenario, Serving};
use std::rc::Rc;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Number formats that a model is quantized to.
const FORMATS: [&str; 3] = ["fp8", "int8", "int4"];

/// The state in the address, with what stands for a missing key.
struct Asked<'p>(&'p PageProps);

impl Asked<'_> {
    fn number(&self, key: &str, otherwise: f64) -> f64 {
        let value = self.0.query.get(key).and_then(|value| value.parse().ok());
        value.filter(|value: &f64| value.is_finite()).unwrap_or(otherwise)
    }

    fn text(&self, key: &str, otherwise: &str) -> String {
        self.0.query.get(key).cloned().unwrap_or_else(|| otherwise.to_owned())
    }

    fn set(&self, key: &'static str) -> Callback<f64> {
        self.0.set.reform(move |value: f64| (key, Some(numbers::plain(value))))
    }

    fn name(&self, key: &'static str) -> Callback<String> {
        self.0.set.reform(move |value: String| (key, Some(value)))
    }
}

/// The page.
#[component]
pub fn Plan(props: &PageProps) -> Html {
    let asked = Asked(props);
    // The machines of the estimate page, until the reader chooses others.
    let usual = use_memo(props.handover.clone(), |handover| handover.scenario());
    let device = asked.text("on", &usual.hardware.device);
    let region = asked.text("at", &usual.site.region);
    let count = asked.number("n", usual.hardware.count as f64).clamp(1.0, 1e7);
    let measure = asked.number("in", 0.0).clamp(0.0, 3.0) as usize;
    let serving = Serving {
        batch: asked.number("batch", 32.0).clamp(1.0, 1e6) as u64,
        prompt_tokens: asked.number("prompt", 500.0),
        output_tokens: asked.number("output", 250.0),
        ..Serving::default()
    };
    let served = asked.number("served", 1e12);
    let request = Request {
        budget: Budget {
            amount: asked.number("budget", 100_000.0),
            measure: MEASURES.get(measure).copied().unwrap_or(MEASURES[0]),
        },
        scenario: derive::machines(&device, count as u64, &region),
        served: (served > 0.0).then(|| Served { tokens: served, serving: serving.clone(), precision: None }),
    };
    let found = use_memo(request.clone(), derive::plan);
    let device_name = hardware::device(&device).map_or_else(|| device.clone(), |device| device.name.clone());
    let region_name = places::get(&region).map_or_else(|| region.clone(), |place| place.name().to_owned());
    let find_device = use_callback((), |typed: String, ()| devices_found(typed));
    let find_place = use_callback((), |typed: String, ()| places_found(typed));
    let measures: Vec<Choice<usize>> =
        text::MEASURES.into_iter().enumerate().map(|(value, label)| Choice { value, label }).collect();
    html! {
        <>
            <section>
                <h1>{ text::TITLE }</h1>
                <p class="lede">{ text::LEDE }</p>
                <div class="estimate">
                    <div class="inputs">
                        <fieldset class="panel">
                            <legend>{ text::BUDGET }</legend>
                            <NumberField id="budget" label={text::AMOUNT} unit={text::MEASURES.get(measure).copied().unwrap_or_default()}
                                value={request.budget.amount} least={0.001} most={1e15} slide={Slide::Growing(1.0, 1e9)} change={asked.set("budget")} />
                            <Choices<usize> id="budget-in" legend={text::MEASURE} choices={measures} chosen={measure}
                                choose={asked.set("in").reform(|value: usize| value as f64)} />
                        </fieldset>
                        <fieldset class="panel">
                            <legend>{ text::MACHINES }</legend>
                            <Combobox id="plan-device" label={text::DEVICE} chosen={device_name} search={find_device} choose={asked.name("on")} none={text::NO_DEVICE} />
                            <NumberField id="plan-count" label={text::COUNT} value={count} least={1.0} most={1e7} whole={true}
                                slide={Slide::Growing(1.0, 16_384.0)} change={asked.set("n")} />
                            <Combobox id="plan-region" label={text::REGION} chosen={region_name} search={find_place} choose={asked.name("at")} none={text::NO_REGION} />
                        </fieldset>
                        <fieldset class="panel">
                            <legend>{ text::LIFE }</legend>
                            <NumberField id="served" label={text::SERVED} value={served.max(0.0)} least={0.0} most={1e21} help={text::SERVED_HELP}
                                slide={Slide::Growing(1e6, 1e16)} change={asked.set("served")} />
                            <div class="pair">
                                <NumberField id="plan-prompt" label={text::PROMPT} value={serving.prompt_tokens} least={0.0} most={1e7} change={asked.set("prompt")} />
                                <NumberField id="plan-output" label={text::OUTPUT} value={serving.output_tokens} least={1.0} most={1e7} change={asked.set("output")} />
                            </div>
                            <NumberField id="plan-batch" label={text::BATCH} value={serving.batch as f64} least={1.0} most={1e6} whole={true}
                                slide={Slide::Growing(1.0, 512.0)} change={asked.set("batch")} />
                        </fieldset>
                    </div>
                    <div class="result">
                        { match &*found {
                            Err(why) => html! { <Notice tone={Tone::Obstacle} title={text::NO_PLAN}><p>{ crate::text::intake::sentence(why) }</p></Notice> },
                            Ok(plan) => result(plan, props.dark),
                        } }
                    </div>
                </div>
            </section>
            <BreakEvenPart page={props.clone()} base={request.scenario} {serving} />
        </>
    }
}

fn figure(label: &'static str, value: String, span: String) -> Html {
    html! {
        <div class="figure">
            <dt>{ label }</dt><dd class="figure-value">{ value }</dd>
            <dd class="figure-below"><span class="span">{ span }</span></dd>
        </div>
    }
}

fn of<T: Readable>(label: &'static str, range: Range<T>) -> Html {
    figure(label, range.central.readable(), numbers::span(range))
}

fn counted(label: &'static str, range: Range<Ratio>) -> Html {
    figure(label, text::count(range.central.0), text::counts(range))
}

fn result(plan: &Found, dark: bool) -> Html {
    let loss = plan.best.loss;
    let record = JsonRecord::of(Rc::new(plan.clone()), |plan| Some(&**plan));
    html! {
        <>
            <h2 class="hidden">{ text::RESULT }</h2>
            <p class="headline" aria-live="polite" aria-atomic="true">{ text::headline(plan) }</p>
            <dl class="figures results">
                { counted(text::SIZE, plan.best.parameters) }
                { counted(text::TOKENS, plan.best.tokens) }
                { figure(text::LOSS, format::number(loss.central.0), format!("{} to {}", format::number(loss.low.0), format::number(loss.high.0))) }
                { of(text::TIME, plan.cost.hours) }
                { of(text::ENERGY, plan.cost.energy_kwh) }
                { of(text::EMISSIONS, plan.cost.co2e_kg) }
                { of(text::BILL, plan.cost.cost_usd) }
                if let Some(rent) = plan.cost.rent_usd { { of(text::RENT, rent) } }
            </dl>
            <ul class="facts">
                <li>{ text::causes(plan.factor_of_the_law, plan.factor_of_the_cost.low.0, plan.factor_of_the_cost.high.0) }</li>
                if let Some(original) = plan.by_the_original_fit { <li>{ text::original(original.parameters, original.tokens) }</li> }
                <li>{ text::by(&plan.law) }</li>
            </ul>
            <ChartFigure id="isoflops" title={text::ISOFLOPS} chart={Rc::new(derive::isoflops(plan))} {dark} />
            if let Some(life) = &plan.lifetime { { lifetime(life, dark) } }
            <div class="notes">
                <h2 class="label">{ text::NOTES }</h2>
                <ul>{ for plan.warnings.iter().map(|note| html! { <li>{ crate::text::intake::sentence(&note.text) }</li> }) }</ul>
            </div>
            <p class="actions"><SaveJson file="greenprint-plan.json" {record} label={text::SAVE} /></p>
        </>
    }
}

fn lifetime(life: &Lifetime, dark: bool) -> Html {
    let rows = text::LIFE_ROWS.into_iter().zip([&life.compute_optimal, &life.best]);
    html! {
        <>
            <h2>{ text::OVER_LIFE }</h2>
            <p class="headline" id="lifetime">{ text::lifetime(life) }</p>
            <p class="per-one">{ text::size_range(life.parameters) }</p>
            <div class="scroll" tabindex="0" role="region" aria-label={crate::text::charts::as_table(text::OVER_LIFE)}>
                <table>
                    <thead><tr>{ for text::LIFE_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>{ for rows.map(|(name, one)| html! {
                        <tr>
                            <th scope="row">{ name }</th>
                            <td>{ text::count(one.parameters) }</td>
                            <td>{ text::count(one.tokens) }</td>
                            <td>{ one.training_kwh.readable() }</td>
                            <td>{ one.serving_kwh.readable() }</td>
                            <td>{ text::total(one) }</td>
                        </tr>
                    }) }</tbody>
                </table>
            </div>
            <ChartFigure id="lifetime-chart" title={text::LIFETIME} chart={Rc::new(derive::life_chart(life))} {dark} />
        </>
    }
}

#[derive(Properties, PartialEq)]
struct BreakEvenProps {
    page: PageProps,
    base: Scenario,
    serving: Serving,
}

/// When a smaller model has paid for itself.
#[component]
fn BreakEvenPart(props: &BreakEvenProps) -> Html {
    let asked = Asked(&props.page);
    let swap = Swap {
        parameters: (asked.number("before", 70e9), asked.number("after", 8e9)),
        devices: (asked.number("sb", 4.0).clamp(1.0, 1e6) as u64, asked.number("sa", 1.0).clamp(1.0, 1e6) as u64),
        precision: asked.text("format", ""),
        tokens: asked.number("tuned", 1e10),
        distil: asked.number("distil", 1.0) > 0.0,
        per_day: asked.number("perday", 1e5),
        serving: props.serving.clone(),
    };
    let found = use_memo((props.base.clone(), swap.clone()), |(base, swap)| derive::break_even(base, swap));
    let choose = {
        let set = props.page.set.clone();
        move |event: Event| {
            let code = event.target_unchecked_into::<HtmlSelectElement>().value();
            set.emit(("format", Some(code).filter(|code| !code.is_empty())));
        }
    };
    let distil = {
        let set = props.page.set.clone();
        move |event: Event| {
            let on = event.target_unchecked_into::<HtmlInputElement>().checked();
            set.emit(("distil", (!on).then(|| "0".to_owned())));
        }
    };
    html! {
        <section id="break-even" aria-labelledby="break-even-title">
            <h2 id="break-even-title">{ text::BREAK_EVEN }</h2>
            <p class="lede">{ text::BREAK_EVEN_LEDE }</p>
            <div class="estimate">
                <div class="panel inputs" role="group" aria-labelledby="break-even-title">
                    <div class="pair">
                        <NumberField id="swap-before" label={text::BEFORE} value={swap.parameters.0} least={1e3} most={1e15} change={asked.set("before")} />
                        <NumberField id="swap-after" label={text::AFTER} value={swap.parameters.1} least={1e3} most={1e15} change={asked.set("after")} />
                    </div>
                    <div class="pair">
                        <NumberField id="swap-devices" label={text::SERVING_DEVICES} value={swap.devices.0 as f64} least={1.0} most={1e6} whole={true} change={asked.set("sb")} />
                        <NumberField id="swap-devices-after" label={text::SERVING_DEVICES_AFTER} value={swap.devices.1 as f64} least={1.0} most={1e6} whole={true} change={asked.set("sa")} />
                    </div>
                    <div class="field">
                        <label for="swap-format">{ text::PRECISION }</label>
                        <select id="swap-format" onchange={choose}>
                            <option value="" selected={swap.precision.is_empty()}>{ text::SAME }</option>
                            { for FORMATS.iter().map(|code| html! { <option value={*code} selected={swap.precision == *code}>{ code.to_uppercase() }</option> }) }
                        </select>
                    </div>
                    <NumberField id="swap-tokens" label={text::TUNED} value={swap.tokens} least={1.0} most={1e20} slide={Slide::Growing(1e5, 1e14)} change={asked.set("tuned")} />
                    <div class="check">
                        <input type="checkbox" id="swap-distil" checked={swap.distil} onchange={distil} />
                        <label for="swap-distil">{ text::DISTIL }</label>
                    </div>
                    <NumberField id="swap-day" label={text::PER_DAY} value={swap.per_day} least={1e-6} most={1e15} slide={Slide::Growing(1.0, 1e9)} change={asked.set("perday")} />
                </div>
                <div class="result">
                    { match &*found {
                        Err(why) => html! { <Notice tone={Tone::Obstacle} title={text::NO_PLAN}><p>{ crate::text::intake::sentence(why) }</p></Notice> },
                        Ok(found) => pay_back(found),
                    } }
                </div>
            </div>
        </section>
    }
}

fn pay_back(found: &BreakEven) -> Html {
    let rows = text::PAY_ROWS.into_iter().zip([Some(&found.energy), Some(&found.co2e), found.money.as_ref()]);
    html! {
        <>
            <div class="scroll" tabindex="0" role="region" aria-label={crate::text::charts::as_table(text::BREAK_EVEN)}>
                <table>
                    <thead><tr>{ for text::PAY_COLUMNS.iter().map(|name| if name.is_empty() { html! { <td></td> } } else { html! { <th scope="col">{ *name }</th> } }) }</tr></thead>
                    <tbody aria-live="polite">{ for rows.filter_map(|(name, one)| one.map(|one| html! {
                        <tr>
                            <th scope="row">{ name }</th>
                            <td>{ text::amount(one.extra, &one.unit) }</td>
                            <td>{ text::amount(one.before, &one.unit) }</td>
                            <td>{ text::amount(one.after, &one.unit) }</td>
                            <td>{ one.requests.map_or_else(|| text::NEVER.to_owned(), text::requests) }</td>
                            <td>{ one.days.map(text::days).unwrap_or_default() }</td>
                        </tr>
                    })) }</tbody>
                </table>
            </div>
            <ul class="facts">{ for found.warnings.iter().map(|note| html! { <li>{ crate::text::intake::sentence(&note.text) }</li> }) }</ul>
        </>
    }
}
