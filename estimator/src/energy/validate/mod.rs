//! Estimates beside published figures: how far off we are, row by row, with nothing fitted to the rows at hand.
//!
//! A row gives a model's size, its work and its machines, as a user would; the estimate is made as for a new run
//! and compared at the boundary that the publication drew (the chips alone, the server at the wall, the whole system).
//! Rows are our own table of published runs, or a file in one of three layouts.
//! Draws that are nothing but a TDP are no measurement, so energies computed from them are passed over.

mod inference;
mod training;

pub use inference::missed_serving;
pub use training::{built_in_with, missed_draw, missed_time};

use super::{EstimateError, estimate};
use crate::carbon::published;
use crate::hardware::{self, Device};
use crate::range::{Range, Ratio};
use crate::report::Estimate;
use crate::scenario::Scenario;
use crate::tables::{Table, TableError};
use crate::units::{KilowattHours, Quantity};
use serde::Serialize;
use std::collections::BTreeMap;

/// Published figures beside ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validation {
    /// One published figure each.
    pub rows: Vec<Compared>,
    /// Rows that could not be compared, with the reason.
    pub skipped: Vec<Skipped>,
    /// All rows together.
    pub summary: Summary,
    /// The same by quantity.
    pub by_quantity: BTreeMap<String, Summary>,
}

/// A published figure beside our estimate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The row.
    pub id: String,
    /// What is compared: `device hours`, `energy`, `energy from hours`, `energy per output token`.
    pub quantity: String,
    /// What was published.
    pub published: f64,
    /// The lower end of our estimate.
    pub low: f64,
    /// Our estimate.
    pub central: f64,
    /// The upper end of our estimate.
    pub high: f64,
    /// The unit of all four.
    pub unit: String,
    /// The larger of central ÷ published and published ÷ central: 1 is perfect.
    pub error_factor: f64,
    /// Whether the row is one of those from which a factor of ours was derived.
    pub in_sample: bool,
}

/// A row that could not be compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Skipped {
    /// The row.
    pub id: String,
    /// Why not.
    pub why: String,
}

/// How far off several rows are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub n: usize,
    /// The median of the error factors; `null` without rows.
    pub median_error_factor: Option<f64>,
    /// Their 90th percentile.
    pub p90_error_factor: Option<f64>,
    /// How many published figures lie inside our range.
    pub within_range: usize,
}

impl Summary {
    fn of<'a>(rows: impl Iterator<Item = &'a Compared>) -> Self {
        let (mut errors, mut within_range) = (Vec::new(), 0);
        for row in rows {
            errors.push(row.error_factor);
            if (row.low..=row.high).contains(&row.published) {
                within_range += 1;
            }
        }
        errors.sort_by(f64::total_cmp);
        let at = |share: f64| percentile(&errors, share);
        Self { n: errors.len(), median_error_factor: at(0.5), p90_error_factor: at(0.9), within_range }
    }
}

/// What a publication's power includes, and so what our energy must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Accelerators,
    Server,
    System,
}

/// A published figure with the scenario that should reproduce it.
struct Claim {
    id: String,
    published: f64,
    measure: Measure,
    scenario: Scenario,
    in_sample: bool,
}

#[derive(Debug, Clone, Copy)]
enum Measure {
    DeviceHours,
    /// kWh, from the operations alone.
    Energy(Boundary),
    /// kWh, from published device-hours.
    EnergyFromHours(Boundary, f64),
    /// J of the chips.
    OutputToken,
}

impl Measure {
    const HOURS: &'static str = "device hours";
    const ENERGY: &'static str = "energy";
    const FROM_HOURS: &'static str = "energy from hours";

    fn quantity(self) -> (&'static str, &'static str) {
        match self {
            Self::DeviceHours => (Self::HOURS, "h"),
            Self::Energy(_) => (Self::ENERGY, "kWh"),
            Self::EnergyFromHours(..) => (Self::FROM_HOURS, "kWh"),
            Self::OutputToken => ("energy per output token", "J"),
        }
    }

    fn of(self, estimate: &Estimate) -> Option<Range<Ratio>> {
        match self {
            Self::DeviceHours => Some(plain(estimate.device_hours)),
            Self::Energy(boundary) => Some(plain(energy(estimate, boundary))),
            Self::EnergyFromHours(boundary, hours) => {
                // The draw alone is compared: our energy over our hours, for the published hours.
                let ours = estimate.device_hours;
                let energy = energy(estimate, boundary);
                let draw = |energy: KilowattHours| Ratio(energy.0 / ours.central.0 * hours);
                let time = |end: f64| libm::log(end / ours.central.0).powi(2);
                // Its span is that of the energy without that of the time.
                let narrow = |energy_end: f64, hours_end: f64| {
                    (libm::log(energy_end / energy.central.0).powi(2) - time(hours_end)).max(0.0).sqrt()
                };
                let down = narrow(energy.low.0, ours.low.0);
                let up = narrow(energy.high.0, ours.high.0);
                let central = draw(energy.central);
                Some(Range::new(Ratio(central.0 * libm::exp(-down)), central, Ratio(central.0 * libm::exp(up))))
            }
            Self::OutputToken => Some(plain(estimate.accelerator_j_per_output_token?)),
        }
    }
}

fn plain<T: Quantity>(range: Range<T>) -> Range<Ratio> {
    range.map(|value| Ratio(value.amount()))
}

/// The energy inside a boundary, with the share of the building's overhead that falls to it.
fn energy(estimate: &Estimate, boundary: Boundary) -> Range<KilowattHours> {
    let parts = &estimate.energy_parts_kwh;
    let inside = match boundary {
        Boundary::Accelerators => parts.accelerators,
        Boundary::Server => parts.accelerators.plus(parts.host),
        Boundary::System => parts.accelerators.plus(parts.host).plus(parts.network),
    };
    let equipment = estimate.energy_kwh.central.0 - parts.pue_overhead.central.0;
    let pue = if equipment > 0.0 { estimate.energy_kwh.central.0 / equipment } else { 1.0 };
    inside.map(|energy| energy * pue)
}

/// Compares our estimates with our own table of published runs.
pub fn built_in() -> Validation {
    let mut claims = Claims::default();
    for run in published::all() {
        claims.run(run);
    }
    claims.compare()
}

/// Compares our estimates with the rows of a file: our own layout of published runs, the layout of training runs
/// (`params_active_B`, `tokens_B`, `hardware` …), or that of served language models (`energy_per_output_token_J` …).
///
/// # Errors
/// A text that is no table, or none of these layouts.
pub fn rows(name: &str, text: &str) -> Result<Validation, TableError> {
    let table = Table::parse(name, text)?;
    let mut claims = Claims::default();
    if table.has_column("energy_per_output_token_J") {
        for row in table.rows() {
            claims.served(&row)?;
        }
    } else if table.has_column("params_total_B") && table.has_column("hardware") {
        for row in table.rows() {
            claims.trained(&row)?;
        }
    } else if table.has_column("power_basis") && table.has_column("device_hours") {
        for run in &published::read(name, text)? {
            claims.run(run);
        }
    } else {
        return Err(TableError {
            table: name.to_owned(),
            line: 1,
            column: None,
            fault: "no layout that can be validated; expected the columns of published_runs.csv, \
                    or params_total_B and hardware, or energy_per_output_token_J"
                .to_owned(),
        });
    }
    Ok(claims.compare())
}

/// What our estimates missed of published figures: the span of a factor by which they would have to be multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Missed {
    /// How many rows it rests on.
    pub rows: usize,
    /// The lower end; with it a tenth of the rows lies below our range.
    pub low: f64,
    /// The upper end; with it a tenth of the rows lies above our range.
    pub high: f64,
}

impl Missed {
    /// Of rows whose own ranges contain nothing of it.
    ///
    /// A row beyond our range asks for so much that, with the range's own width in quadrature, it would just reach it; any other row asks for nothing.
    /// The ends are the 90th percentiles of what is asked for in each direction, over all rows.
    fn of(rows: &[Compared]) -> Self {
        let asked = |upward: bool| {
            let each = rows.iter().map(|row| {
                let off = libm::log(row.published / row.central);
                let own = libm::log(if upward { row.high } else { row.low } / row.central);
                if (off > 0.0) == upward { (off.powi(2) - own.powi(2)).max(0.0).sqrt() } else { 0.0 }
            });
            let mut each: Vec<f64> = each.collect();
            each.sort_by(f64::total_cmp);
            percentile(&each, 0.9).unwrap_or(0.0)
        };
        Self { rows: rows.len(), low: libm::exp(-asked(false)), high: libm::exp(asked(true)) }
    }
}

/// The value at a share of the way through sorted values, between two of them by straight line.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * share;
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

#[derive(Default)]
struct Claims {
    claims: Vec<Claim>,
    skipped: Vec<Skipped>,
}

impl Claims {
    fn skip(&mut self, id: &str, why: impl Into<String>) {
        self.skipped.push(Skipped { id: id.to_owned(), why: why.into() });
    }

    /// Sets assumptions in all scenarios.
    fn set(&mut self, values: &[(&str, f64)]) {
        for claim in &mut self.claims {
            claim.scenario.set.extend(values.iter().map(|(key, value)| ((*key).to_owned(), *value)));
        }
    }

    fn compare(mut self) -> Validation {
        let mut rows = Vec::new();
        for claim in std::mem::take(&mut self.claims) {
            match compare(&claim) {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => self.skip(&claim.id, "the estimate has no such figure"),
                Err(fault) => self.skip(&claim.id, fault.to_string()),
            }
        }
        let mut by_quantity: BTreeMap<String, Summary> = BTreeMap::new();
        for row in &rows {
            if !by_quantity.contains_key(&row.quantity) {
                let same = Summary::of(rows.iter().filter(|other| other.quantity == row.quantity));
                by_quantity.insert(row.quantity.clone(), same);
            }
        }
        Validation { summary: Summary::of(rows.iter()), by_quantity, rows, skipped: self.skipped }
    }
}

fn compare(claim: &Claim) -> Result<Option<Compared>, EstimateError> {
    let Some(model) = claim.scenario.model.summary() else { return Ok(None) };
    let estimate = estimate(&claim.scenario, &model)?;
    let Some(range) = claim.measure.of(&estimate) else { return Ok(None) };
    let (quantity, unit) = claim.measure.quantity();
    let ratio = range.central.0 / claim.published;
    Ok(Some(Compared {
        id: claim.id.clone(),
        quantity: quantity.to_owned(),
        published: claim.published,
        low: range.low.0,
        central: range.central.0,
        high: range.high.0,
        unit: unit.to_owned(),
        error_factor: ratio.max(1.0 / ratio),
        in_sample: claim.in_sample,
    }))
}

/// The first number in a cell such as `1.1 (inferred)` or `2048 (65B)`; `None` where it begins with none.
fn first_number(cell: &str) -> Option<f64> {
    let end = cell
        .find(|letter: char| !(letter.is_ascii_digit() || ['.', 'e', 'E', '+', '-'].contains(&letter)))
        .unwrap_or(cell.len());
    cell.get(..end)?.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)
}

/// A device by the name that papers use: `A100-80GB SXM`, `TPUv3`, `H100`. Modules are preferred over cards, for clusters are built of them.
fn device_by_name(name: &str) -> Option<&'static Device> {
    let spaced = name.replace("GB", " GB").replace("TPUv", "TPU v").replace(['-', '_'], " ");
    let found = hardware::search(&spaced);
    let module = found.iter().find(|(device, _)| ["sxm", "oam"].contains(&device.form.as_str()));
    module.or(found.first()).map(|(device, _)| *device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_rows_are_compared_and_none_is_lost() {
        let validation = built_in();
        assert!(validation.summary.n >= 30, "{:?}", validation.summary);
        for run in published::all() {
            let listed = validation.rows.iter().any(|row| row.id == run.id)
                || validation.skipped.iter().any(|row| row.id == run.id);
            assert!(listed, "{}", run.id);
        }
        assert!(validation.rows.iter().all(|row| row.error_factor >= 1.0 && row.error_factor.is_finite()));
    }

    #[test]
    fn papers_names_of_devices_are_understood() {
        for (name, id) in [
            ("A100-80GB SXM", "a100-sxm4-80gb"),
            ("A100-80GB", "a100-sxm4-80gb"),
            ("A100-40GB PCIe", "a100-pcie-40gb"),
            ("H100-80GB SXM", "h100-sxm"),
            ("H100", "h100-sxm"),
            ("B200", "b200"),
            ("TPUv3", "tpu-v3"),
            ("P40", "p40"),
            ("MI250X", "mi250x"),
        ] {
            assert_eq!(device_by_name(name).map(|device| device.id.as_str()), Some(id), "{name}");
        }
        assert!(device_by_name("abacus").is_none());
    }

    #[test]
    fn numbers_with_remarks_are_read() {
        assert_eq!(first_number("1.1 (inferred)"), Some(1.1));
        assert_eq!(first_number("1.61e+19"), Some(1.61e19));
        assert_eq!(first_number("1.2/1.12"), Some(1.2));
        assert_eq!(first_number("not stated"), None);
        assert_eq!(first_number("2+7"), None);
    }

    #[test]
    fn files_of_rows_are_compared_and_faults_name_the_file() {
        let served = "task,model_id,total_params_b,active_params_b,weight_precision,gpu,num_gpus,avg_batch_size,avg_output_tokens,energy_per_output_token_J\n\
                      chat,m/8B,8,8,bfloat16,H100,1,8,300,0.4548\nchat,m/8B,8,8,bfloat16,Abacus,1,8,300,0.4\n";
        let validation = rows("t.csv", served).unwrap();
        assert_eq!((validation.rows.len(), validation.skipped.len()), (1, 1));
        let trained = "model,params_total_B,params_active_B,tokens_B,hardware,chip_hours,power_basis,energy_MWh\n\
                       L,7,7,2000,A100-80GB,184320,TDP,73.7\n";
        let validation = rows("t.csv", trained).unwrap();
        assert_eq!(validation.rows.iter().map(|row| row.quantity.as_str()).collect::<Vec<_>>(), ["device hours"]);
        assert!(rows("t.csv", "a,b\n1,2\n").unwrap_err().to_string().starts_with("t.csv, line 1"));
    }

    #[test]
    fn an_empty_summary_has_no_median() {
        assert_eq!(Summary::of([].iter()), Summary::default());
    }
}
