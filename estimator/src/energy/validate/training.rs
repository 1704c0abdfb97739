//! Published training runs: the scenario that should reproduce each, and what past estimates missed of them.

use super::{Boundary, Claim, Claims, Compared, Measure, Missed, device_by_name, first_number};
use crate::carbon::factors;
use crate::carbon::published::{self, PowerBasis, Run};
use crate::hardware::{self, Device};
use crate::scenario::{Hardware, ModelRef, Scenario, Training, Workload};
use crate::tables::{Row, TableError};
use std::collections::BTreeMap;

/// What our estimates missed of the draw while training: of energies from published hours.
pub fn missed_draw(publications: impl Fn(&Run) -> bool) -> Missed {
    let rows = built_in_with(&[("unexplained-draw", 1.0), ("unexplained-time", 1.0)], &publications);
    Missed::of(&rows.into_iter().filter(|row| row.quantity == Measure::FROM_HOURS).collect::<Vec<_>>())
}

/// What our estimates missed of the time of training: each run once, by its hours, or by its energy where it has none.
/// `small` chooses the models below the factor `small-training-parameters`, or the others.
pub fn missed_time(small: bool, publications: impl Fn(&Run) -> bool) -> Missed {
    let limit = factors::get("small-training-parameters").map_or(0.0, |factor| factor.value.central.0);
    let of_size = |run: &Run| run.active_parameters.is_some_and(|parameters| (parameters < limit) == small);
    let rows = built_in_with(&[("unexplained-time", 1.0)], &|run| of_size(run) && publications(run));
    let has_hours = |id: &str| rows.iter().any(|row| row.id == id && row.quantity == Measure::HOURS);
    let once =
        |row: &&Compared| row.quantity == Measure::HOURS || (row.quantity == Measure::ENERGY && !has_hours(&row.id));
    Missed::of(&rows.iter().filter(once).cloned().collect::<Vec<_>>())
}

/// Our own rows of some publications, compared with estimates for which assumptions are set.
pub fn built_in_with(set: &[(&str, f64)], publications: &dyn Fn(&Run) -> bool) -> Vec<Compared> {
    let mut claims = Claims::default();
    published::all().iter().filter(|run| publications(run)).for_each(|run| claims.run(run));
    claims.set(set);
    claims.compare().rows
}

impl Claims {
    /// A row of our own table.
    pub(super) fn run(&mut self, run: &Run) {
        if run.scope != "final run" {
            return self.skip(&run.id, format!("its scope is “{}”", run.scope));
        }
        let published = Trained {
            id: run.id.clone(),
            active: run.active_parameters,
            operations: run.flops.map(|flops| flops.0),
            device: hardware::device(&run.device),
            devices: run.devices,
            device_hours: run.device_time.map(|time| time.hours()),
            energy_kwh: run.energy.map(|energy| energy.0),
            boundary: match run.power_basis {
                PowerBasis::System => Some(Boundary::System),
                PowerBasis::Accelerator => Some(Boundary::Accelerators),
                PowerBasis::Wall => Some(Boundary::Server),
                PowerBasis::Tdp => None,
            },
            pue: if run.includes_pue { run.pue.map_or(1.0, |pue| pue.0) } else { 1.0 },
            in_sample: run.fit.is_some(),
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
        let number = |column: &str| text(column).map(first_number);
        let active = number("params_active_B")?.or(number("params_total_B")?).map(|billions| billions * 1e9);
        let tokens = number("tokens_B")?.map(|billions| billions * 1e9);
        let six = |(active, tokens): (f64, f64)| 6.0 * active * tokens;
        let operations =
            number("flops_used")?.or(number("train_flops_published")?).or_else(|| active.zip(tokens).map(six));
        let basis = text("power_basis")?.to_lowercase();
        let boundary = if basis.contains("tdp") || basis.contains("as listed") || basis.contains("as above") {
            None
        } else if basis.contains("wall") {
            Some(Boundary::Server)
        } else if basis.contains("gpu only") || basis.contains("gpu power") {
            Some(Boundary::Accelerators)
        } else if basis.contains("system") || basis.contains("sampled") {
            Some(Boundary::System)
        } else {
            None
        };
        self.training(Trained {
            id,
            active,
            operations,
            device: device_by_name(text("hardware")?),
            devices: number("n_chips")?,
            device_hours: number("chip_hours")?,
            energy_kwh: number("energy_MWh")?.map(|energy| energy * 1e3),
            boundary,
            pue: first_number(text("pue")?).unwrap_or(1.0).max(1.0),
            in_sample: false,
        });
        Ok(())
    }

    fn training(&mut self, run: Trained) {
        let Some(device) = run.device else {
            return self.skip(&run.id, "its device is not in our table");
        };
        // Without a size the draw of a large network is assumed; with hours alone, the operations play no part.
        let active = run.active.unwrap_or(1e9);
        let scenario = |operations: f64| Scenario {
            model: ModelRef::Counts { parameters: active, active_parameters: None },
            workload: Workload::Train(Training { tokens: Some(operations / 6.0 / active), ..Training::default() }),
            hardware: Hardware {
                device: device.id.clone(),
                count: run.devices.map_or(8, |devices| (devices as u64).max(1)),
                precision: None,
            },
            set: BTreeMap::from([("pue".to_owned(), run.pue)]),
            ..Scenario::default()
        };
        let before = self.claims.len();
        let claim = |published: f64, measure: Measure, operations: f64, in_sample: bool| Claim {
            id: run.id.clone(),
            published,
            measure,
            scenario: scenario(operations),
            in_sample,
        };
        if let (Some(operations), Some(hours)) = (run.operations, run.device_hours) {
            self.claims.push(claim(hours, Measure::DeviceHours, operations, run.in_sample));
        }
        if let (Some(energy), Some(boundary)) = (run.energy_kwh, run.boundary) {
            match (run.operations, run.device_hours) {
                (Some(operations), _) => {
                    self.claims.push(claim(energy, Measure::Energy(boundary), operations, run.in_sample));
                }
                (None, Some(hours)) => {
                    let measure = Measure::EnergyFromHours(boundary, hours);
                    self.claims.push(claim(energy, measure, 6.0 * active * 1e9, run.in_sample));
                }
                (None, None) => {}
            }
        }
        if self.claims.len() == before {
            let why = if run.boundary.is_none() && run.energy_kwh.is_some() {
                "its energy is hours × TDP or of unknown boundary, and its operations or hours are not given"
            } else {
                "operations, hours or energy are not given"
            };
            self.skip(&run.id, why);
        }
    }
}

/// A training run as any layout states it.
struct Trained {
    id: String,
    active: Option<f64>,
    operations: Option<f64>,
    device: Option<&'static Device>,
    devices: Option<f64>,
    device_hours: Option<f64>,
    energy_kwh: Option<f64>,
    boundary: Option<Boundary>,
    pue: f64,
    in_sample: bool,
}
