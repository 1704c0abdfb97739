//! Published services: the scenario that should reproduce each, and what other methods say of it.
//!
//! A row of a served language model names its model; where we have its architecture by that name, it is used, as a file would tell it.
//! Prompts are as the row says, else as the fit found them for the task.
//! Whatever else a row has measured, its power or its time, plays no part.

use super::{Claim, Claims, Compared, Measure, device_by_name, error_factor};
use crate::carbon::factors;
use crate::energy::calibration::rows::Measured;
use crate::energy::calibration::{self, Constants};
use crate::energy::diffusion::Generation;
use crate::hardware::Device;
use crate::range::{Range, Ratio};
use crate::scenario::{Hardware, LayerTerms, ModelRef, ModelSummary, Scenario, Serving, Workload};
use crate::tables::{Row, Table, TableError, built_in};
use crate::units::{JOULES_PER_KILOWATT_HOUR, WATT_HOURS_PER_KILOWATT_HOUR};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// EcoLogits' formula for the energy of a token.
const ECOLOGITS: &str = "EcoLogits";
/// Operations over the peak, times the TDP.
const FLOPS_AT_TDP: &str = "FLOPs × TDP";
/// FLOPs of a parameter and token.
const FLOPS_PER_PARAMETER: f64 = 2.0;
/// Bytes in a gigabyte.
const GIGABYTE: f64 = 1e9;

impl Claims {
    /// A row of the layout of served language models.
    pub(super) fn served(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        let measured = Measured::read(row)?;
        if measured.joules <= 0.0 {
            self.skip(&measured.id, "no energy is given");
            return Ok(());
        }
        let Some(device) = measured.device else {
            self.skip(&measured.id, "its device is not in our table");
            return Ok(());
        };
        let constants = Constants::fitted();
        let usual = Serving::default();
        let prompt_tokens = measured.prompt(constants).unwrap_or(usual.prompt_tokens);
        let summary = ModelSummary {
            parameters: Some(measured.parameters as u64),
            language: Some(measured.model(true)),
            ..ModelSummary::default()
        };
        let mut set = BTreeMap::new();
        if measured.ranks > 1.0 {
            set.insert("data-parallel".to_owned(), measured.ranks);
        }
        let input_seconds = measured.input_seconds(constants);
        if input_seconds > 0.0 {
            set.insert("input-seconds".to_owned(), input_seconds);
        }
        self.claims.push(Claim {
            id: measured.id.clone(),
            published: measured.joules,
            measure: Measure::OutputToken,
            compared: String::new(),
            scenario: Scenario {
                model: ModelRef::File { name: measured.model_id.clone(), summary: Some(Box::new(summary)) },
                workload: Workload::Serve(Serving {
                    batch: (measured.batch.round() as u64).max(1),
                    output_tokens: measured.output_tokens,
                    prompt_tokens,
                    ..usual
                }),
                hardware: Hardware {
                    device: device.id.clone(),
                    count: (measured.devices as u64).max(1),
                    precision: Some(measured.precision.code().to_owned()),
                },
                set,
                ..Scenario::default()
            },
            in_sample: false,
            flag: None,
            left_out: None,
            peers: peers(&measured, device, prompt_tokens),
        });
        Ok(())
    }
}

impl Claims {
    /// A row of the layout of generated pictures and videos.
    pub(super) fn generated(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        let row = Generation::read(row)?;
        let (Some(device), Some(found)) = (row.device, row.estimate()) else {
            self.skip(&row.id, "its device is not in our table, or its peak or power is not known");
            return Ok(());
        };
        if row.joules <= 0.0 {
            self.skip(&row.id, "no energy is given");
            return Ok(());
        }
        let class = if row.knows_its_model() { "diffusion by name" } else { "diffusion by size" };
        let span = calibration::span(class, "model").unwrap_or(Range::exact(Ratio(1.0)));
        let at_tdp = device.peak(row.precision()).zip(device.most_power());
        let at_tdp = at_tdp.map(|(peak, tdp)| row.flops() / peak.rate.0 * tdp.0);
        self.compared.push(Compared {
            id: row.id.clone(),
            quantity: "energy per generation".to_owned(),
            published: row.joules,
            low: found.joules * span.low.0,
            central: found.joules,
            high: found.joules * span.high.0,
            unit: "J".to_owned(),
            error_factor: error_factor(found.joules, row.joules),
            in_sample: false,
            compared: String::new(),
            left_out: None,
            peers: at_tdp.map(|figure| (FLOPS_AT_TDP.to_owned(), figure)).into_iter().collect(),
            flag: None,
            source: String::new(),
        });
        Ok(())
    }

    /// A row of the layout of systems whose power was measured at the wall. Each device of such a system serves requests of its own.
    pub(super) fn at_the_wall(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        let (system, name) = (row.required_text("system")?, row.required_text("model")?);
        let id = format!("{name} on {system}, {}", row.text("scenario")?.unwrap_or_default());
        let Some(device) = device_by_name(system.split("-SXM").next().unwrap_or(system)) else {
            self.skip(&id, "its device is not in our table");
            return Ok(());
        };
        let Some(model) = benchmarked().iter().find(|model| name.starts_with(&model.name)) else {
            self.skip(&id, "what one sample costs is not in our tables");
            return Ok(());
        };
        let (published, measure) = match (row.number("J_per_token")?, row.number("J_per_sample")?) {
            (Some(joules), _) if joules > 0.0 => (joules, Measure::OutputTokenAtWall),
            (_, Some(joules)) if joules > 0.0 => (joules, Measure::RequestAtWall),
            _ => {
                self.skip(&id, "no energy is given");
                return Ok(());
            }
        };
        self.claims.push(Claim {
            id,
            published,
            measure,
            compared: "the server at the wall; the power limit of the run is not known".to_owned(),
            scenario: Scenario {
                model: ModelRef::File { name: name.to_owned(), summary: Some(Box::new(model.summary.clone())) },
                workload: Workload::Serve(model.serving.clone()),
                hardware: Hardware { device: device.id.clone(), count: 1, precision: Some(model.precision.clone()) },
                set: BTreeMap::from([("pue".to_owned(), 1.0)]),
                ..Scenario::default()
            },
            in_sample: false,
            flag: None,
            left_out: None,
            peers: BTreeMap::new(),
        });
        Ok(())
    }
}

/// A model of a benchmark, with the work of one sample.
struct Benchmarked {
    name: String,
    summary: ModelSummary,
    serving: Serving,
    precision: String,
}

fn benchmarked() -> &'static [Benchmarked] {
    static ALL: OnceLock<Vec<Benchmarked>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read = |row: &Row<'_>| {
            let parameters = row.required_number("parameters_b")? * 1e9;
            let active = row.number("active_parameters_b")?.map(|billions| billions * 1e9);
            let macs = row.number("macs_g")?.map(|macs| (macs * 1e9) as u64);
            let usual = Serving::default();
            let summary = match macs {
                None => ModelSummary::from_counts(parameters, active),
                Some(macs) => {
                    let layers = LayerTerms {
                        layers: row.required_number("layers")? as u64,
                        macs,
                        other_operations: 0,
                        weight_bytes: (parameters * STORED_BYTES) as u64,
                        activation_bytes: (row.required_number("activation_mb")? * 1e6) as u64,
                    };
                    ModelSummary {
                        parameters: Some(parameters as u64),
                        weight_bytes: Some(layers.weight_bytes),
                        macs: Some(macs),
                        batch: 1,
                        layers: vec![layers],
                        ..ModelSummary::default()
                    }
                }
            };
            Ok(Benchmarked {
                name: row.required_text("model")?.to_owned(),
                summary,
                serving: Serving {
                    batch: row.required_number("batch")? as u64,
                    prompt_tokens: row.number("prompt_tokens")?.unwrap_or(usual.prompt_tokens),
                    output_tokens: row.number("output_tokens")?.unwrap_or(usual.output_tokens),
                    ..usual
                },
                precision: row.required_text("precision")?.to_owned(),
            })
        };
        let table = Table::parse("mlperf_models.csv", include_str!("../../../data/mlperf_models.csv"));
        built_in(table.and_then(|table| table.rows().map(|row| read(&row)).collect()))
    })
}

/// Bytes of an element in the stored graphs of that table.
const STORED_BYTES: f64 = 4.0;

/// What other methods say of a service, in joules of the chips for each output token.
fn peers(measured: &Measured, device: &Device, prompt_tokens: f64) -> BTreeMap<String, f64> {
    let found = [(ECOLOGITS, ecologits(measured)), (FLOPS_AT_TDP, flops_at_tdp(measured, device, prompt_tokens))];
    found.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), figure?))).collect()
}

/// EcoLogits 0.8 and later: (α × e^(β × batch) × active parameters in billions + γ) Wh a token on each of the GPUs
/// on which the model fits with a fifth of their memory to spare; batch, bits and memory as it assumes them.
fn ecologits(measured: &Measured) -> Option<f64> {
    let factor = |id: &str| factors::get(id).map(|factor| factor.value.central.0);
    let each = factor("ecologits-alpha")?
        * libm::exp(factor("ecologits-beta")? * factor("ecologits-batch")?)
        * measured.active_parameters
        / 1e9
        + factor("ecologits-gamma")?;
    let held = factor("ecologits-memory-share")? * measured.parameters * factor("ecologits-bits")? / 8.0;
    let gpus = (held / (factor("ecologits-gpu-memory")? * GIGABYTE)).ceil().max(1.0);
    Some(each * gpus * JOULES_PER_KILOWATT_HOUR / WATT_HOURS_PER_KILOWATT_HOUR)
}

/// 2 FLOPs for each active parameter and token, of the prompt too, over the dense peak, at the TDP.
fn flops_at_tdp(measured: &Measured, device: &Device, prompt_tokens: f64) -> Option<f64> {
    let tokens = 1.0 + prompt_tokens / measured.output_tokens;
    let flops = FLOPS_PER_PARAMETER * measured.active_parameters * tokens;
    Some(flops / device.peak(measured.precision)?.rate.0 * device.most_power()?.0)
}
