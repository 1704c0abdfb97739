//! Published services: the scenario that should reproduce each, and what past estimates missed of them.

use super::{Claim, Claims, Measure, Missed, device_by_name};
use crate::scenario::{Hardware, ModelRef, Scenario, Serving, Workload};
use crate::tables::{Row, Table, TableError};
use std::collections::BTreeMap;

/// What our estimates missed of the energy of served language models, from rows in that layout.
///
/// # Errors
/// As [`rows`].
pub fn missed_serving(name: &str, text: &str) -> Result<Missed, TableError> {
    let mut claims = Claims::default();
    for row in Table::parse(name, text)?.rows() {
        claims.served(&row)?;
    }
    claims.set(&[("unexplained-serving", 1.0)]);
    Ok(Missed::of(&claims.compare().rows))
}

impl Claims {
    /// A row of the layout of served language models.
    pub(super) fn served(&mut self, row: &Row<'_>) -> Result<(), TableError> {
        let model = row.required_text("model_id")?;
        let (gpu, batch) = (row.required_text("gpu")?, row.number("avg_batch_size")?);
        let devices = row.number("num_gpus")?.unwrap_or(1.0);
        let precision = match row.required_text("weight_precision")? {
            "bfloat16" => "bf16",
            "float16" => "fp16",
            "mxfp4" | "nvfp4" => "fp4",
            other => other,
        };
        let id = format!(
            "{model} on {devices} {gpu}, {precision}, batch {}, {}",
            batch.unwrap_or(1.0),
            row.text("task").ok().flatten().unwrap_or("served")
        );
        let total = row.required_number("total_params_b")? * 1e9;
        let active = row.number("active_params_b")?.map_or(total, |billions| billions * 1e9);
        let Some(published) = row.number("energy_per_output_token_J")? else {
            self.skip(&id, "no energy is given");
            return Ok(());
        };
        let Some(device) = device_by_name(gpu) else {
            self.skip(&id, "its device is not in our table");
            return Ok(());
        };
        let usual = Serving::default();
        self.claims.push(Claim {
            id,
            published,
            measure: Measure::OutputToken,
            compared: String::new(),
            scenario: Scenario {
                model: ModelRef::Counts { parameters: total, active_parameters: Some(active) },
                workload: Workload::Serve(Serving {
                    batch: batch.map_or(1, |batch| (batch.round() as u64).max(1)),
                    output_tokens: row.number("avg_output_tokens")?.unwrap_or(usual.output_tokens),
                    ..usual
                }),
                hardware: Hardware {
                    device: device.id.clone(),
                    count: (devices as u64).max(1),
                    precision: Some(precision.to_owned()),
                },
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
