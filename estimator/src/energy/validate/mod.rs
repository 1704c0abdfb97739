//! Estimates beside published figures: how far off we are, row by row, with nothing fitted to the rows at hand.
//!
//! A row gives a model's size, its work and its machines, as a user would; the estimate is made as for a new run
//! and compared at the boundary that the publication drew (the chips alone, the server at the wall, the whole system).
//! Rows are our own table of published runs, or a file in one of three layouts.
//! Draws that are nothing but a TDP are no measurement, so energies computed from them are passed over.

mod csv;
mod inference;
mod training;
mod work;

pub use training::built_in_with;
pub use work::Work;

use super::training_constants::Constants;
use super::{EstimateError, estimate};
use crate::carbon::published;
use crate::hardware::{self, Device};
use crate::range::{Range, Ratio};
use crate::report::Estimate;
use crate::scenario::Scenario;
use crate::tables::{Table, TableError};
use crate::units::{KilowattHours, Quantity, SECONDS_PER_HOUR};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Published figures beside ours.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Validation {
    /// One published figure each.
    pub rows: Vec<Compared>,
    /// Rows that could not be compared, with the reason.
    pub skipped: Vec<Skipped>,
    /// All rows together.
    pub summary: Summary,
    /// The same by quantity.
    pub by_quantity: BTreeMap<String, Summary>,
    /// The same of estimates without the row's own publication.
    pub left_out_by_quantity: BTreeMap<String, Summary>,
    /// Other methods on the rows on which they say something, by method and quantity, and ours on the same rows.
    pub peers: BTreeMap<String, BTreeMap<String, PeerSummary>>,
}

/// Another method beside ours, on the same rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PeerSummary {
    /// The other method.
    pub theirs: Summary,
    /// Ours, without the rows' own publications.
    pub ours: Summary,
}

/// A published figure beside our estimate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
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
    /// What is compared with what: the boundary, the building, and what ours is made from; empty where the quantity says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compared: String,
    /// Our estimate with constants that were fitted without the row's own publication, where it is in sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<f64>,
    /// What other methods say, in the same unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub peers: BTreeMap<String, f64>,
    /// Why the row is listed and not counted in the summaries, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// The publication, by its id in `sources.csv`; empty for rows of a file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl Compared {
    /// Whether the published figure lies inside our range.
    pub fn is_within(&self) -> bool {
        (self.low..=self.high).contains(&self.published)
    }

    /// The error factor of the estimate without the row's own publication; of the estimate itself where the row is not in sample.
    pub fn left_out_error(&self) -> f64 {
        error_factor(self.left_out.unwrap_or(self.central), self.published)
    }
}

/// The larger of the two ratios of an estimate and a published figure.
fn error_factor(estimate: f64, published: f64) -> f64 {
    let ratio = estimate / published;
    ratio.max(1.0 / ratio)
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
    /// How many estimates are within a factor of 1.5.
    pub within_1_5: usize,
    /// How many estimates are within a factor of 2.
    pub within_2: usize,
}

impl Summary {
    fn of<'a>(rows: impl Iterator<Item = &'a Compared>) -> Self {
        let counted: Vec<&Compared> = rows.filter(|row| row.flag.is_none()).collect();
        let within_range = counted.iter().filter(|row| row.is_within()).count();
        Self { within_range, ..Self::of_errors(counted.iter().map(|row| row.error_factor)) }
    }

    /// A summary of error factors alone, which says nothing of ranges.
    fn of_errors(errors: impl Iterator<Item = f64>) -> Self {
        let mut errors: Vec<f64> = errors.collect();
        errors.sort_by(f64::total_cmp);
        let at = |share: f64| percentile(&errors, share);
        let within = |limit: f64| errors.iter().filter(|error| **error <= limit).count();
        Self {
            n: errors.len(),
            median_error_factor: at(0.5),
            p90_error_factor: at(0.9),
            within_range: 0,
            within_1_5: within(1.5),
            within_2: within(2.0),
        }
    }
}

/// What a publication's power includes, and so what our energy must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Accelerators,
    Server,
    System,
    /// No measurement: hours × TDP.
    Tdp,
}

/// A published figure with the scenario that should reproduce it.
struct Claim {
    id: String,
    published: f64,
    measure: Measure,
    compared: String,
    scenario: Scenario,
    in_sample: bool,
    flag: Option<String>,
    /// The publication that our constants were also fitted to, by its source.
    left_out: Option<String>,
    peers: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy)]
enum Measure {
    DeviceHours,
    /// kWh, from the operations alone.
    Energy(Boundary),
    /// kWh, from published device-hours.
    EnergyFromHours(Boundary, f64),
    /// kWh: our hours × this TDP in W.
    EnergyAtTdp(f64),
    /// J of the chips.
    OutputToken,
    /// J of the servers at the wall.
    OutputTokenAtWall,
    /// J of the servers at the wall.
    RequestAtWall,
}

impl Measure {
    const HOURS: &'static str = "device hours";
    const ENERGY: &'static str = "energy";
    const FROM_HOURS: &'static str = "energy from hours";
    const AT_TDP: &'static str = "energy at TDP";

    fn quantity(self) -> (&'static str, &'static str) {
        match self {
            Self::DeviceHours => (Self::HOURS, "h"),
            Self::Energy(_) => (Self::ENERGY, "kWh"),
            Self::EnergyFromHours(..) => (Self::FROM_HOURS, "kWh"),
            Self::EnergyAtTdp(_) => (Self::AT_TDP, "kWh"),
            Self::OutputToken => ("energy per output token", "J"),
            Self::OutputTokenAtWall => ("energy per output token at the wall", "J"),
            Self::RequestAtWall => ("energy per sample at the wall", "J"),
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
            Self::EnergyAtTdp(tdp) => {
                let pue = estimate.assumptions.iter().find(|one| one.key == "pue").map_or(1.0, |one| one.value);
                Some(plain(estimate.device_hours).map(|hours| Ratio(hours.0 * tdp / 1000.0 * pue)))
            }
            Self::OutputToken => Some(plain(estimate.accelerator_j_per_output_token?)),
            Self::OutputTokenAtWall => Some(plain(estimate.per_output_token_j?)),
            Self::RequestAtWall => {
                Some(plain(estimate.per_request_wh?).map(|energy| Ratio(energy.0 * SECONDS_PER_HOUR)))
            }
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
        Boundary::System | Boundary::Tdp => parts.accelerators.plus(parts.host).plus(parts.network),
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
/// (`params_active_B`, `tokens_B`, `hardware` …), that of served language models (`energy_per_output_token_J` …),
/// of generated pictures and videos (`energy_per_generation_J` …), or of systems at the wall (`system`, `J_per_sample` …).
///
/// # Errors
/// A text that is no table, or none of these layouts.
pub fn rows(name: &str, text: &str) -> Result<Validation, TableError> {
    Ok(Claims::of_file(name, text)?.compare())
}

/// The value at a share of the way through sorted values, between two of them by straight line.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * share;
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

#[derive(Default)]
struct Claims {
    claims: Vec<Claim>,
    /// Rows that need no scenario.
    compared: Vec<Compared>,
    skipped: Vec<Skipped>,
}

impl Claims {
    /// The rows of a file, as [`rows`] takes it.
    fn of_file(name: &str, text: &str) -> Result<Self, TableError> {
        let table = Table::parse(name, text)?;
        let mut claims = Claims::default();
        if table.has_column("energy_per_output_token_J") {
            for row in table.rows() {
                claims.served(&row)?;
            }
        } else if table.has_column("energy_per_generation_J") {
            for row in table.rows() {
                claims.generated(&row)?;
            }
        } else if table.has_column("J_per_sample") && table.has_column("system") {
            for row in table.rows() {
                claims.at_the_wall(&row)?;
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
                        or params_total_B and hardware, energy_per_output_token_J, energy_per_generation_J, or system and J_per_sample"
                    .to_owned(),
            });
        }
        Ok(claims)
    }

    fn skip(&mut self, id: &str, why: impl Into<String>) {
        self.skipped.push(Skipped { id: id.to_owned(), why: why.into() });
    }

    /// Sets assumptions in all scenarios.
    fn set(&mut self, values: &[(&str, f64)]) {
        for claim in &mut self.claims {
            claim.scenario.set.extend(values.iter().map(|(key, value)| ((*key).to_owned(), *value)));
        }
    }

    fn compare(self) -> Validation {
        let mut work = Work::from(self);
        work.advance(usize::MAX);
        work.finish()
    }
}

impl Validation {
    /// The sums over rows.
    fn of(rows: Vec<Compared>, skipped: Vec<Skipped>) -> Self {
        let (mut by_quantity, mut left_out_by_quantity) = (BTreeMap::new(), BTreeMap::new());
        let mut peers: BTreeMap<String, BTreeMap<String, PeerSummary>> = BTreeMap::new();
        for row in &rows {
            if by_quantity.contains_key(&row.quantity) {
                continue;
            }
            let same = || rows.iter().filter(|other| other.quantity == row.quantity);
            by_quantity.insert(row.quantity.clone(), Summary::of(same()));
            let counted = || same().filter(|row| row.flag.is_none());
            // Where nothing was left out, the same figures again would claim that it was.
            if counted().any(|row| row.left_out.is_some()) {
                let errors = Summary::of_errors(counted().map(Compared::left_out_error));
                left_out_by_quantity.insert(row.quantity.clone(), errors);
            }
            let names: BTreeSet<&String> = counted().flat_map(|row| row.peers.keys()).collect();
            for name in names {
                let theirs = counted().filter_map(|row| Some(error_factor(*row.peers.get(name)?, row.published)));
                let ours = counted().filter(|row| row.peers.contains_key(name)).map(Compared::left_out_error);
                let summary = PeerSummary { theirs: Summary::of_errors(theirs), ours: Summary::of_errors(ours) };
                peers.entry(name.clone()).or_default().insert(row.quantity.clone(), summary);
            }
        }
        let summary = Summary::of(rows.iter());
        Self { summary, by_quantity, left_out_by_quantity, peers, rows, skipped }
    }
}

fn compare(claim: &Claim, without: &[(String, Constants)]) -> Result<Option<Compared>, EstimateError> {
    let Some(model) = claim.scenario.model.summary() else { return Ok(None) };
    let of = |scenario: &Scenario| Ok::<_, EstimateError>(claim.measure.of(&estimate(scenario, &model)?));
    let Some(range) = of(&claim.scenario)? else { return Ok(None) };
    let mut left_out = None;
    let constants = without.iter().find(|(source, _)| Some(source) == claim.left_out.as_ref());
    if let Some((_, constants)) = constants {
        let mut scenario = claim.scenario.clone();
        let set = super::training::as_set(&claim.scenario, &model, constants)?;
        // What the claim itself sets stays.
        set.into_iter().for_each(|(key, value)| {
            scenario.set.entry(key).or_insert(value);
        });
        left_out = of(&scenario)?.map(|range| range.central.0);
    }
    let (quantity, unit) = claim.measure.quantity();
    Ok(Some(Compared {
        id: claim.id.clone(),
        quantity: quantity.to_owned(),
        published: claim.published,
        low: range.low.0,
        central: range.central.0,
        high: range.high.0,
        unit: unit.to_owned(),
        error_factor: error_factor(range.central.0, claim.published),
        in_sample: claim.in_sample,
        compared: claim.compared.clone(),
        left_out,
        peers: claim.peers.clone(),
        flag: claim.flag.clone(),
        source: String::new(),
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
pub(crate) fn device_by_name(name: &str) -> Option<&'static Device> {
    if let Some(device) = hardware::device(&name.trim().to_lowercase()) {
        return Some(device);
    }
    let spaced = name.replace("GB", " GB").replace("TPUv", "TPU v").replace(['-', '_', '/', '(', ')'], " ");
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    // Makers and memories that our names do not carry are left away from the end, one after the other.
    while !words.is_empty() {
        let found = hardware::search(&words.join(" "));
        let module = found.iter().find(|(device, _)| ["sxm", "oam"].contains(&device.form.as_str()));
        if let Some((device, _)) = module.or(found.first()) {
            return Some(device);
        }
        words.pop();
    }
    None
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
            ("P100", "p100-sxm2-16gb"),
            ("V100", "v100-sxm2-32gb"),
            ("TPUv2", "tpu-v2"),
            ("TPUv4", "tpu-v4"),
            ("TPUv5e", "tpu-v5e"),
            ("H100 SXM", "h100-sxm"),
            ("A800", "a800-sxm4-80gb"),
            ("H800", "h800-sxm"),
            ("A100-40GB", "a100-sxm4-40gb"),
            ("Trainium", "trainium1"),
            ("Trainium2", "trainium2"),
            ("MI300X", "mi300x"),
            ("AMD MI250X 128GB", "mi250x"),
            ("h100-sxm", "h100-sxm"),
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
