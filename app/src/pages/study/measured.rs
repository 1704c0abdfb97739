//! The page of measured runs: logs in, our estimate beside them, assumptions out.

use super::PageProps;
use crate::derive::measured as derive;
use crate::hooks::{DropState, files_of_input, go_to_fragment, kept_layers, read_logs, take_logs, use_file_drop};
use crate::text::measured as text;
use crate::widgets::{ChartFigure, Notice, NumberField, Tone};
use estimator::format::{self, Readable};
use estimator::logs::Found;
use estimator::notes::{Level, Note};
use estimator::report::{Beside, Measured, MeasuredRun, Profile};
use std::rc::Rc;
use web_sys::{File, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// What is on the page.
#[derive(Clone)]
enum Stand {
    Empty,
    Reading,
    Failed(String),
    Read(Rc<Found>),
}

/// The most kernels in the table: the slowest.
const MOST_KERNELS: usize = 200;
/// The most epochs that can be asked for.
const MOST_EPOCHS: f64 = 1e6;

/// The page.
#[component]
pub fn MeasuredRuns(props: &PageProps) -> Html {
    let stand = use_state(|| Stand::Empty);
    let chosen = use_state(|| 0usize);
    let (file_input, folder_input) = (use_node_ref(), use_node_ref());
    let open = {
        let (stand, chosen) = (stand.clone(), chosen.clone());
        use_callback((), move |files: Vec<File>, ()| {
            if files.is_empty() {
                return;
            }
            stand.set(Stand::Reading);
            chosen.set(0);
            let stand = stand.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let files = read_logs(files).await;
                stand.set(match derive::read(files) {
                    Ok(found) => Stand::Read(Rc::new(found)),
                    Err(why) => Stand::Failed(why),
                });
            });
        })
    };
    // What was dropped on the estimate page.
    {
        let open = open.clone();
        use_effect_with(props.active, move |active| {
            if *active {
                open.emit(take_logs());
            }
        });
    }
    let drop_state = use_file_drop(props.active, open.clone());
    use_effect_with(folder_input.clone(), |node| {
        if let Some(input) = node.cast::<web_sys::Element>() {
            let _ = input.set_attribute("webkitdirectory", "");
        }
    });
    let pick = |node: &NodeRef| {
        let node = node.clone();
        move |_: MouseEvent| {
            if let Some(input) = node.cast::<HtmlInputElement>() {
                input.click();
            }
        }
    };
    let picked = open.reform(|event: Event| files_of_input(&event.target_unchecked_into::<HtmlInputElement>()));
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |place: usize| chosen.set(place))
    };
    let said = match &*stand {
        Stand::Empty | Stand::Failed(_) => String::new(),
        Stand::Reading => text::READING.to_owned(),
        Stand::Read(found) => text::done(found.logs.len(), found.logs.iter().map(|log| log.runs.len()).sum()),
    };
    html! {
        <>
            <section>
                <h1>{ text::TITLE }</h1>
                <p class="lede">{ text::LEDE }</p>
                <div class="intake-files">
                    <button type="button" class="primary" onclick={pick(&file_input)}>{ text::OPEN_FILE }</button>
                    <button type="button" onclick={pick(&folder_input)}>{ text::OPEN_FOLDER }</button>
                    <input type="file" multiple={true} ref={file_input.clone()} onchange={picked.clone()} class="hidden" tabindex="-1" aria-label={text::OPEN_FILE} id="log-input" />
                    <input type="file" multiple={true} ref={folder_input.clone()} onchange={picked} class="hidden" tabindex="-1" aria-label={text::OPEN_FOLDER} id="log-folder-input" />
                </div>
                <p role="status" class="muted" id="log-status">{ said }</p>
                if drop_state == DropState::Over { <p class="notice" id="log-drop">{ text::DROP }</p> }
                { match &*stand {
                    Stand::Empty => html! {
                        <>
                            <p>{ text::EMPTY }</p>
                            <ul id="log-tools">{ for estimator::logs::tools().map(|(_, name)| html! { <li>{ name }</li> }) }</ul>
                        </>
                    },
                    Stand::Failed(why) => html! { <Notice tone={Tone::Error} title={text::NOT_READ}><p>{ why.clone() }</p></Notice> },
                    _ => html! {},
                } }
            </section>
            if let Stand::Read(found) = &*stand {
                { for logs(found, *chosen, &choose, props) }
            }
        </>
    }
}

/// The run that is shown, of all that were read.
fn logs(found: &Rc<Found>, chosen: usize, choose: &Callback<usize>, props: &PageProps) -> Vec<Html> {
    let all: Vec<(&Measured, &MeasuredRun)> =
        found.logs.iter().flat_map(|log| log.runs.iter().map(move |run| (log, run))).collect();
    let Some((log, run)) = all.get(chosen).or(all.first()).copied() else { return Vec::new() };
    let onchange = {
        let choose = choose.clone();
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            choose.emit(value.parse().unwrap_or(0));
        })
    };
    let head = html! {
        <section key="runs">
            <h2>{ text::RUNS }</h2>
            <p>{ text::log(&log.tool_name, log.version.as_deref(), log.runs.len()) }</p>
            if !found.failed.is_empty() {
                <Notice tone={Tone::Error} title={text::SOME_NOT_READ}>
                    <ul>{ for found.failed.iter().map(|fault| html! { <li>{ fault.to_string() }</li> }) }</ul>
                </Notice>
            }
            if found.passed_over > 0 { <p class="muted">{ text::passed_over(found.passed_over) }</p> }
            if all.len() > 1 {
                <label for="log-run">{ text::RUN }</label>
                <select id="log-run" {onchange}>
                    { for all.iter().enumerate().take(1000).map(|(place, (log, run))| html! {
                        <option value={place.to_string()} selected={place == chosen}>{ format!("{}: {}", log.tool_name, run.name) }</option>
                    }) }
                </select>
            }
            { facts(run) }
            if !log.warnings.is_empty() {
                <h3>{ text::KNOW }</h3>
                { notes(&log.warnings) }
            }
        </section>
    };
    let profile = log.profile.as_ref().map(|profile| html! { <Kernels key="kernels" profile={Rc::new(profile.clone())} hardware={props.handover.scenario().hardware} /> });
    let parts = [
        Some(head),
        run.energy_kwh.is_some().then(|| beside(run, props)),
        profile,
        run.energy_kwh
            .is_some()
            .then(|| html! { <Whole key={format!("whole-{chosen}")} run={Rc::new(run.clone())} /> }),
    ];
    parts.into_iter().flatten().collect()
}

fn notes(notes: &[Note]) -> Html {
    let of = |level: Level| notes.iter().filter(move |note| note.level == level);
    html! {
        <ul class="log-notes">
            { for of(Level::Warning).chain(of(Level::Info)).map(|note| html! {
                <li>
                    if note.level == Level::Warning { <strong>{ note.text.clone() }</strong> } else { { note.text.clone() } }
                    if !note.place.is_empty() { <span class="muted">{ " " }{ note.place.clone() }</span> }
                </li>
            }) }
        </ul>
    }
}

fn facts(run: &MeasuredRun) -> Html {
    use text::fact;
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut row = |name: &'static str, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    row(fact::TIME, run.duration_s.map(Readable::readable));
    row(fact::ENERGY, run.energy_kwh.map(Readable::readable));
    row(
        fact::PUE,
        run.energy_kwh.map(|_| match run.pue {
            Some(pue) if pue > 1.0 => format::number(pue),
            Some(_) => text::PUE_NONE.to_owned(),
            None => text::PUE_UNKNOWN.to_owned(),
        }),
    );
    if run.pue.is_some_and(|pue| pue > 1.0) {
        row(fact::EQUIPMENT, run.equipment_kwh.map(Readable::readable));
    }
    let parts = run.parts_kwh;
    for (name, part) in
        [(fact::CPU, parts.cpu), (fact::GPU, parts.gpu), (fact::RAM, parts.ram), (fact::OTHER, parts.other)]
    {
        row(name, part.map(Readable::readable));
    }
    row(fact::EMISSIONS, run.co2e_kg.map(Readable::readable));
    row(fact::INTENSITY, run.intensity.map(|intensity| format!("{} gCO₂e/kWh", format::number(intensity.0))));
    row(fact::COVERS, run.energy_kwh.map(|_| text::boundary(run.boundary).to_owned()));
    row(fact::METHOD, Some(text::method(run.method).to_owned()));
    row(fact::PLACE, run.place.clone());
    let devices: Vec<String> = run.devices.iter().map(|device| format!("{} × {}", device.count, device.name)).collect();
    row(fact::DEVICES, (!devices.is_empty()).then(|| devices.join("; ")));
    row(fact::MODEL, run.model.clone());
    let items: Vec<String> =
        run.items.iter().map(|items| format!("{} {}", format::number(items.count), items.of)).collect();
    row(fact::COMPUTED, (!items.is_empty()).then(|| items.join(", ")));
    row(fact::EPOCHS, (!run.epochs.is_empty()).then(|| run.epochs.len().to_string()));
    row(fact::FORECAST, run.forecast_kwh.map(Readable::readable));
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={text::FACTS}>
            <table id="log-facts">
                <caption>{ text::FACTS }{ ": " }{ run.name.clone() }</caption>
                <tbody>{ for rows.into_iter().map(|(name, value)| html! { <tr><th scope="row">{ name }</th><td>{ value }</td></tr> }) }</tbody>
            </table>
        </div>
    }
}

fn beside(run: &MeasuredRun, props: &PageProps) -> Html {
    let Some(model) = &props.handover.summary else {
        return html! {
            <section key="beside">
                <h2>{ text::BESIDE }</h2>
                <Notice tone={Tone::Note} title={text::NO_MODEL}><p>{ text::NO_MODEL_REMEDY }</p></Notice>
            </section>
        };
    };
    let found = match derive::beside(run, &props.handover.scenario(), model) {
        Ok(found) => found,
        Err(why) => {
            return html! {
                <section key="beside">
                    <h2>{ text::BESIDE }</h2>
                    <Notice tone={Tone::Error} title={text::NOT_ESTIMATED}><p>{ why }</p></Notice>
                </section>
            };
        }
    };
    html! {
        <section key="beside" id="log-beside">
            <h2>{ text::BESIDE }</h2>
            <p>{ text::model(&props.handover.name) }</p>
            if found.rows.is_empty() { <p>{ text::NOTHING_TO_COMPARE }</p> } else { { rows(&found) } }
            if let Some(chart) = derive::ratios(&found) {
                <ChartFigure id="log-ratios" title={text::RATIOS} chart={Rc::new(chart)} dark={props.dark} />
            }
            <h3>{ text::DIFFERENCES }</h3>
            <ul id="log-differences">{ for found.differences.iter().map(|one| html! { <li>{ one.text.clone() }</li> }) }</ul>
            <h3>{ text::BASIS }</h3>
            <ul>{ for found.basis.iter().map(|line| html! { <li>{ line.clone() }</li> }) }</ul>
            if !found.warnings.is_empty() { { notes(&found.warnings) } }
            { adjust(&found) }
        </section>
    }
}

fn rows(found: &Beside) -> Html {
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label={text::BESIDE}>
            <table id="log-table">
                <thead><tr>{ for text::BESIDE_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                <tbody>
                    { for found.rows.iter().map(|row| html! {
                        <tr>
                            <th scope="row">{ row.name.clone() }</th>
                            <td>{ row.unit.clone() }</td>
                            <td>{ format::number(row.measured) }</td>
                            <td>{ format::number(row.estimated.central.0) }</td>
                            <td>{ format::number(row.estimated.low.0) }{ "–" }{ format::number(row.estimated.high.0) }</td>
                            <td>
                                { row.ratio.map(|ratio| format!("× {}, ", format::number(ratio))).unwrap_or_default() }
                                { if row.inside { text::INSIDE } else { text::OUTSIDE } }
                            </td>
                        </tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}

fn adjust(found: &Beside) -> Html {
    let Some(adjusted) = &found.adjusted else {
        return html! { <><h3>{ text::ADJUST }</h3><p>{ text::NOTHING_TO_ADJUST }</p></> };
    };
    let fragment = adjusted.to_fragment();
    html! {
        <>
            <h3>{ text::ADJUST }</h3>
            <div class="scroll" tabindex="0" role="region" aria-label={text::ADJUST}>
                <table id="log-adjust">
                    <thead><tr>{ for text::ADJUST_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>
                        { for found.adjustments.iter().map(|one| html! {
                            <tr>
                                <th scope="row">{ one.name.clone() }</th>
                                <td>{ format::number(one.before) }{ " " }{ one.unit.clone() }</td>
                                <td>{ format::number(one.after) }{ " " }{ one.unit.clone() }</td>
                                <td>{ one.why.clone() }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
            <p class="muted">{ text::USE_HELP }</p>
            <button type="button" class="primary" id="log-use" onclick={move |_| go_to_fragment(&fragment)}>{ text::USE }</button>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct WholeProps {
    run: Rc<MeasuredRun>,
}

/// The whole training from its first epochs.
#[component]
fn Whole(props: &WholeProps) -> Html {
    let measured = props.run.epochs.len() as u64;
    let epochs = use_state(|| props.run.planned_epochs.unwrap_or(0).max(measured.saturating_mul(10)).max(1));
    let change = {
        let epochs = epochs.clone();
        Callback::from(move |value: f64| epochs.set(value as u64))
    };
    html! {
        <section id="log-whole">
            <h2>{ text::WHOLE }</h2>
            if measured == 0 { <p>{ text::NO_EPOCHS }</p> } else {
                <NumberField id="log-epochs" label={text::EPOCHS} value={*epochs as f64} least={measured as f64} most={MOST_EPOCHS} whole={true} {change} />
                { match derive::extrapolate(&props.run, *epochs) {
                    Err(why) => html! { <Notice tone={Tone::Obstacle} title={why} /> },
                    Ok(found) => {
                        let rows = [
                            (text::HOURS, found.hours.map(format::range)),
                            (text::EQUIPMENT, found.equipment_kwh.map(format::range)),
                            (text::ENERGY, found.energy_kwh.map(format::range)),
                            (text::EMISSIONS, found.co2e_kg.map(format::range)),
                        ];
                        html! {
                            <>
                                <div class="scroll" tabindex="0" role="region" aria-label={text::WHOLE}>
                                    <table id="log-whole-table">
                                        <thead><tr>{ for text::WHOLE_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                                        <tbody>{ for rows.into_iter().filter_map(|(name, value)| Some(html! { <tr><th scope="row">{ name }</th><td>{ value? }</td></tr> })) }</tbody>
                                    </table>
                                </div>
                                <p class="muted">{ found.method.clone() }</p>
                                if !found.warnings.is_empty() { { notes(&found.warnings) } }
                            </>
                        }
                    }
                } }
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct KernelsProps {
    profile: Rc<Profile>,
    hardware: estimator::scenario::Hardware,
}

/// Kernels, with the roofline of the layers that they compute where the model is known.
#[component]
fn Kernels(props: &KernelsProps) -> Html {
    let layers = use_memo((), |()| kept_layers());
    let found = (!layers.is_empty()).then(|| derive::layers(&props.profile, (*layers).clone(), &props.hardware));
    let (head, body, after) = match found {
        Some(Ok(found)) => {
            let mut rows: Vec<_> = found.rows.iter().collect();
            rows.sort_by(|one, other| other.measured_s.0.total_cmp(&one.measured_s.0));
            let bound = |word: &str| if word == "compute" { text::COMPUTE } else { text::MEMORY };
            let body: Vec<Vec<String>> = rows
                .into_iter()
                .take(MOST_KERNELS)
                .map(|row| {
                    vec![
                        row.name.clone(),
                        row.op.clone(),
                        row.measured_s.readable(),
                        row.estimated_s.map_or_else(|| text::NO_LAYER.to_owned(), Readable::readable),
                        row.bound.as_deref().map(bound).unwrap_or_default().to_owned(),
                        row.share_of_peak
                            .map(|share| format!("{} %", format::number(share * 100.0)))
                            .unwrap_or_default(),
                    ]
                })
                .collect();
            (text::PROFILE_BESIDE_COLUMNS.to_vec(), body, notes(&found.warnings))
        }
        other => {
            let mut kernels: Vec<_> = props.profile.layers.iter().collect();
            kernels.sort_by(|one, other| other.mean_s.0.total_cmp(&one.mean_s.0));
            let body = kernels
                .into_iter()
                .take(MOST_KERNELS)
                .map(|one| vec![one.name.clone(), one.op.clone(), one.mean_s.readable()]);
            let after = match other {
                Some(Err(why)) => html! { <Notice tone={Tone::Obstacle} title={why} /> },
                _ => html! { <p>{ text::NO_LAYERS }</p> },
            };
            (text::PROFILE_COLUMNS.to_vec(), body.collect(), after)
        }
    };
    html! {
        <section id="log-kernels">
            <h2>{ text::PROFILE }</h2>
            { after }
            <div class="scroll" tabindex="0" role="region" aria-label={text::PROFILE}>
                <table>
                    <thead><tr>{ for head.into_iter().map(|name| html! { <th scope="col">{ name }</th> }) }</tr></thead>
                    <tbody>
                        { for body.into_iter().map(|row| html! {
                            <tr>{ for row.into_iter().enumerate().map(|(place, cell)| if place == 0 { html! { <th scope="row">{ cell }</th> } } else { html! { <td>{ cell }</td> } }) }</tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </section>
    }
}
