//! Published training runs: the scenario that should reproduce each, at the boundary that its publication drew, and other methods beside ours.
//!
//! Energies that are hours × TDP are no measurement: they are compared with our hours × the same TDP, where hours are not given,
//! and passed over where they are, for then they say nothing that the hours do not.
//! The other methods are those of their publications: LLMCarbon's, which tells time and energy from the model,
//! and ML CO2 Impact's, which tells energy from hours.

use super::{Boundary, Claim, Claims, Compared, Measure, device_by_name, first_number};
use crate::carbon::factors;
use crate::carbon::published::{self, PowerBasis, Run};
use crate::energy::training_constants::{self, family};
use crate::hardware::{self, Device, Precision};
use crate::scenario::{Hardware, ModelRef, Scenario, Training, Workload};
use crate::tables::{Row, TableError};
use std::collections::BTreeMap;

/// Our own rows of some publications, compared with estimates for which assumptions are set.
pub fn built_in_with(set: &[(&str, f64)], publications: &dyn Fn(&Run) -> bool) -> Vec<Compared> {
    let mut claims = Claims::default();
    published::all().iter().filter(|run| publications(run)).for_each(|run| claims.run(run));
    claims.set(set);
    claims.compare().rows
}

/// How near two published figures are that are one.
const SAME: f64 = 0.02;

impl Claims {
    /// A row of our own table.
    pub(super) fn run(&mut self, run: &Run) {
        if run.scope != "final run" {
            return self.skip(&run.id, format!("its scope is “{}”", run.scope));
        }
        let published = Trained {
            id: run.id.clone(),
            parameters: run.parameters,
            active: run.active_parameters,
            operations: run.flops.map(|flops| flops.0),
            device: hardware::device(&run.device),
            devices: run.devices,
            precision: run.precision.clone(),
            device_hours: run.device_time.map(|time| time.hours()),
            energy_kwh: run.energy.map(|energy| energy.0),
            boundary: Some(match run.power_basis {
                PowerBasis::System => Boundary::System,
                PowerBasis::Accelerator => Boundary::Accelerators,
                PowerBasis::Wall => Boundary::Server,
                PowerBasis::Tdp => Boundary::Tdp,
            }),
            pue: if run.includes_pue { run.pue.map_or(1.0, |pue| pue.0) } else { 1.0 },
            flag: None,
            fitted_to: run.calibrates.then(|| run.evidence.source.id.clone()),
        };
        self.training(published);
    }

    /// A row of the layout of training runs.
    pub(super) fn trained(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        let id = row.required_text("model")?.to_owned();
        let text = |column: &str| Ok::<_, TableError>(row.text(column).ok().flatten().unwrap_or_default());
        let usage = text("use")?;
        if ["EXCLUDE", "do not use", "reference only", "scope example", "R&D"].iter().any(|word| usage.contains(word)) {
            self.skip(&id, format!("marked “{usage}”"));
            return Ok(());
        }
        let flag = ["flag", "weak"].iter().any(|word| usage.contains(word)).then(|| usage.to_owned());
        let number = |column: &str| text(column).map(first_number);
        let parameters = number("params_total_B")?.map(|billions| billions * 1e9);
        let active = number("params_active_B")?.map(|billions| billions * 1e9).or(parameters);
        let tokens = number("tokens_B")?.map(|billions| billions * 1e9);
        let six = |(active, tokens): (f64, f64)| 6.0 * active * tokens;
        // What was pruned or distilled from a larger model did not start from nothing.
        let is_whole = !["distilled", "pruned"].iter().any(|word| text("note").is_ok_and(|note| note.contains(word)));
        let published = number("train_flops_published")?.or(number("flops_used")?);
        let operations = published.or_else(|| active.zip(tokens).map(six).filter(|_| is_whole));
        let basis = text("power_basis")?.to_lowercase();
        let device = device_by_name(text("hardware")?);
        let is_tdp = |watts: f64| device.and_then(|device| device.tdp).is_some_and(|tdp| near(watts, tdp.0));
        let boundary = if basis.contains("tdp") || basis.contains("peak power") {
            Some(Boundary::Tdp)
        } else if basis.contains("as listed") {
            // The watts themselves say which they are.
            number("power_W_per_chip")?.map(|watts| if is_tdp(watts) { Boundary::Tdp } else { Boundary::System })
        } else if basis.contains("wall") {
            Some(Boundary::Server)
        } else if basis.contains("gpu only") || basis.contains("gpu power") {
            Some(Boundary::Accelerators)
        } else if basis.contains("system") || basis.contains("sampled") {
            Some(Boundary::System)
        } else {
            None
        };
        let device_hours = number("chip_hours")?;
        let energy_kwh = number("energy_MWh")?.map(|energy| energy * 1e3);
        // A run that is also in our table: the estimate without its publication is told beside.
        let same = device.and_then(|device| {
            published::all().iter().find(|run| {
                let alike = |theirs: Option<f64>, ours: Option<f64>| matches!((theirs, ours), (Some(theirs), Some(ours)) if near(theirs, ours));
                run.calibrates
                    && hardware::device(&run.device).is_some_and(|theirs| family(theirs) == family(device))
                    && (alike(device_hours, run.device_time.map(|time| time.hours()))
                        || alike(operations, run.flops.map(|flops| flops.0))
                        || (alike(active, run.active_parameters) && alike(energy_kwh, run.energy.map(|energy| energy.0))))
            })
        });
        self.training(Trained {
            id,
            parameters,
            active,
            operations,
            device,
            devices: number("n_chips")?,
            precision: same.and_then(|run| run.precision.clone()),
            device_hours,
            energy_kwh,
            boundary,
            pue: first_number(text("pue")?).unwrap_or(1.0).max(1.0),
            flag,
            fitted_to: same.map(|run| run.evidence.source.id.clone()),
        });
        Ok(())
    }

    fn training(&mut self, run: Trained) {
        let Some(device) = run.device else {
            return self.skip(&run.id, "its device is not in our table");
        };
        // Without a size the draw of a large network is assumed; with hours alone, the operations play no part.
        let active = run.active.unwrap_or(1e9);
        let parameters = run.parameters.unwrap_or(active).max(active);
        // As many devices as usual where their number is not published.
        let usual = training_constants::get().value("time.devices-centre").round();
        let mut set = BTreeMap::from([("pue".to_owned(), run.pue)]);
        if device.most_power().is_none() {
            // Time can be compared where power is not published.
            set.insert("accelerator-watts".to_owned(), 0.0);
        }
        let scenario = |operations: f64| Scenario {
            model: ModelRef::Counts { parameters, active_parameters: (active < parameters).then_some(active) },
            workload: Workload::Train(Training { tokens: Some(operations / 6.0 / active), ..Training::default() }),
            hardware: Hardware {
                device: device.id.clone(),
                count: run.devices.map_or(usual, f64::round).max(1.0) as u64,
                precision: run.precision.clone(),
            },
            set: set.clone(),
            ..Scenario::default()
        };
        let before = self.claims.len();
        let claim = |published: f64, measure: Measure, operations: f64| Claim {
            id: run.id.clone(),
            published,
            measure,
            compared: run.compared(measure),
            scenario: scenario(operations),
            in_sample: run.fitted_to.is_some(),
            flag: run.flag.clone(),
            left_out: run.fitted_to.clone(),
            peers: run.peers(device, measure, parameters),
        };
        if let (Some(operations), Some(hours)) = (run.operations, run.device_hours) {
            self.claims.push(claim(hours, Measure::DeviceHours, operations));
        }
        if let (Some(energy), Some(boundary)) = (run.energy_kwh, run.boundary) {
            let tdp = device.tdp.map_or(0.0, |tdp| tdp.0);
            match (boundary, run.operations, run.device_hours) {
                (Boundary::Tdp, Some(operations), None) if tdp > 0.0 => {
                    self.claims.push(claim(energy, Measure::EnergyAtTdp(tdp), operations));
                }
                (Boundary::Tdp, ..) => {}
                (_, Some(operations), _) => self.claims.push(claim(energy, Measure::Energy(boundary), operations)),
                (_, None, Some(hours)) => {
                    self.claims.push(claim(energy, Measure::EnergyFromHours(boundary, hours), 6.0 * active * 1e9));
                }
                (_, None, None) => {}
            }
        }
        if self.claims.len() == before {
            let why = if run.boundary.is_none_or(|boundary| boundary == Boundary::Tdp) && run.energy_kwh.is_some() {
                "its energy is hours × TDP or of unknown boundary, and its operations are not given"
            } else {
                "operations, hours or energy are not given"
            };
            self.skip(&run.id, why);
        }
    }
}

fn near(one: f64, other: f64) -> bool {
    (one / other - 1.0).abs() < SAME
}

/// A training run as any layout states it.
struct Trained {
    id: String,
    parameters: Option<f64>,
    active: Option<f64>,
    operations: Option<f64>,
    device: Option<&'static Device>,
    devices: Option<f64>,
    precision: Option<String>,
    device_hours: Option<f64>,
    energy_kwh: Option<f64>,
    boundary: Option<Boundary>,
    pue: f64,
    flag: Option<String>,
    /// The source of the publication, where our constants were fitted to this run.
    fitted_to: Option<String>,
}

impl Trained {
    /// What is compared with what, in a sentence.
    fn compared(&self, measure: Measure) -> String {
        let pue =
            if self.pue > 1.0 { format!(", with a PUE of {}", self.pue) } else { ", without the building".to_owned() };
        let of = |boundary: Boundary| match boundary {
            Boundary::Accelerators => "the accelerators alone, as measured at them",
            Boundary::Server => "accelerators and server, as measured at the wall",
            Boundary::System => "accelerators, server and network, as measured for the system",
            Boundary::Tdp => "the accelerators at TDP",
        };
        match measure {
            Measure::DeviceHours => "hours of all devices together, from the operations".to_owned(),
            Measure::Energy(boundary) => format!("energy of {}{pue}; ours from the operations", of(boundary)),
            Measure::EnergyFromHours(boundary, _) => {
                format!("energy of {}{pue}; ours from the published hours", of(boundary))
            }
            Measure::EnergyAtTdp(_) => format!("hours × TDP{pue}: no measurement; ours are our hours × the same TDP"),
            Measure::OutputToken | Measure::OutputTokenAtWall | Measure::RequestAtWall => String::new(),
        }
    }

    /// What other methods say, in the unit of the measure.
    fn peers(&self, device: &Device, measure: Measure, parameters: f64) -> BTreeMap<String, f64> {
        let mut peers = BTreeMap::new();
        let tdp = device.tdp.map(|tdp| tdp.0 / 1000.0);
        let llmcarbon = self.operations.and_then(|operations| llmcarbon_hours(device, parameters, operations));
        let (of_model, of_hours) = match measure {
            Measure::DeviceHours => (llmcarbon, None),
            Measure::Energy(_) | Measure::EnergyFromHours(..) => (
                llmcarbon.zip(tdp).map(|(hours, tdp)| hours * tdp * self.pue),
                self.device_hours.zip(tdp).map(|(hours, tdp)| hours * tdp),
            ),
            Measure::EnergyAtTdp(_) | Measure::OutputToken | Measure::OutputTokenAtWall | Measure::RequestAtWall => {
                (None, None)
            }
        };
        peers.extend(of_model.map(|figure| (LLMCARBON.to_owned(), figure)));
        peers.extend(of_hours.map(|figure| (ML_CO2_IMPACT.to_owned(), figure)));
        peers
    }
}

/// Faiz and others 2024: throughput by the number of parameters, regressed on Megatron's on A100 80 GB and scaled by the peak;
/// energy = TDP × hours × PUE.
const LLMCARBON: &str = "LLMCarbon";
/// Lacoste and others 2019: energy = published hours × TDP.
const ML_CO2_IMPACT: &str = "ML CO2 Impact";

/// Device-hours by the method of LLMCarbon, as its published program computes them.
fn llmcarbon_hours(device: &Device, parameters: f64, operations: f64) -> Option<f64> {
    let factor = |id: &str| factors::get(&format!("llmcarbon-{id}")).map(|factor| factor.value.central.0);
    let memory = device.memory()?.0 / (1u64 << 30) as f64;
    let peak = device.own_peak(Precision::Bf16).or(device.own_peak(Precision::Fp16))?.0;
    let fits_a_node = parameters / 1e9 < factor("node")? * factor("billions-per-gigabyte")? * memory;
    let way = if fits_a_node { "tensor" } else { "pipeline" };
    let at = |power: &str| factor(&format!("{way}-{power}"));
    let on_a100 = at("square")? * parameters * parameters + at("slope")? * parameters + at("intercept")?;
    // Beyond the sizes that it was regressed on the parabola falls below zero.
    let on_a100 = Some(on_a100).filter(|rate| *rate > 0.0)?;
    let of_memory = if (memory - 80.0).abs() < 1.0 { 1.0 } else { 1.0 - factor("smaller-memory")? };
    let rate = on_a100 * of_memory / factor("a100-peak")? * peak;
    Some(operations / rate / crate::units::SECONDS_PER_HOUR)
}
