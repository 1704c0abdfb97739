//! The machines: which, how many, in which precision, and how well they are used.

use super::assumption_field;
use crate::state::Action;
use crate::text;
use crate::widgets::{Combobox, Found, NumberField, Slide};
use estimator::hardware::{self, Device};
use estimator::report::Estimate;
use estimator::scenario::{Hardware, Scenario};
use std::rc::Rc;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Properties of [`Machine`].
#[derive(Properties, PartialEq)]
pub struct MachineProps {
    /// What is being estimated.
    pub scenario: Rc<Scenario>,
    /// What it costs, for the assumptions shown here.
    pub estimate: Option<Rc<Estimate>>,
    /// Says what the reader did.
    pub act: Callback<Action>,
}

/// Most devices that one search lists.
const MOST_FOUND: usize = 60;

/// The devices that answer to a text; all of them to none.
pub fn search(text: String) -> Vec<Found> {
    let found = |device: &Device| Found {
        id: device.id.clone(),
        label: device.name.clone(),
        detail: text::machine::detail(device),
    };
    if text.trim().is_empty() {
        return hardware::devices().iter().map(found).collect();
    }
    hardware::search(&text).into_iter().take(MOST_FOUND).map(|(device, _)| found(device)).collect()
}

/// The machines.
#[component]
pub fn Machine(props: &MachineProps) -> Html {
    let chosen = &props.scenario.hardware;
    let device = hardware::device(&chosen.device);
    let search = use_callback((), |text: String, ()| search(text));
    let choose = {
        let chosen = chosen.clone();
        // A precision that was chosen for one device may not exist on another.
        props.act.reform(move |device: String| Action::Hardware(Hardware { device, precision: None, ..chosen.clone() }))
    };
    let count = {
        let chosen = chosen.clone();
        props.act.reform(move |count: f64| Action::Hardware(Hardware { count: count as u64, ..chosen.clone() }))
    };
    let precision = {
        let chosen = chosen.clone();
        props.act.reform(move |event: Event| {
            let code = event.target_unchecked_into::<HtmlSelectElement>().value();
            Action::Hardware(Hardware { precision: Some(code).filter(|code| !code.is_empty()), ..chosen.clone() })
        })
    };
    let name = device.map_or_else(|| chosen.device.clone(), |device| device.name.clone());
    let codes: Vec<&str> =
        device.iter().flat_map(|device| device.precisions()).map(|precision| precision.code()).collect();
    html! {
        <fieldset class="panel">
            <legend>{ text::machine::TITLE }</legend>
            <Combobox id="device" label={text::machine::DEVICE} chosen={name} {search} {choose} none={text::machine::NONE}
                help={device.map(text::machine::facts).unwrap_or_default()} />
            <div class="pair">
                <NumberField id="count" label={text::machine::COUNT} value={chosen.count as f64} least={1.0} most={1e7} whole={true}
                    slide={Slide::Growing(1.0, 4096.0)} change={count} />
                <div class="field">
                    <label for="precision">{ text::machine::PRECISION }</label>
                    <select id="precision" onchange={precision}>
                        <option value="" selected={chosen.precision.is_none()}>{ text::machine::usual(device.and_then(estimator::energy::usual_precision).map(|precision| precision.code())) }</option>
                        { for codes.iter().map(|code| html! {
                            <option value={code.to_string()} selected={chosen.precision.as_deref() == Some(*code)}>{ text::machine::precision(code) }</option>
                        }) }
                    </select>
                </div>
            </div>
            if let Some(estimate) = &props.estimate { { assumption_field(estimate, "mfu", &props.act) } }
        </fieldset>
    }
}
