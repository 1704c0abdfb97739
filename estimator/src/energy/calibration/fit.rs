//! The fit of the constants to measured services, and the errors that it makes of models and devices which it has not seen.
//!
//! Each constant is positive, so its logarithm is fitted. What was believed before counts as one measurement of it.
//! A measured service counts with the logarithm of its energy for each token, less with its time for each step and with the time between
//! two tokens, which part prompts from answers; where one model was measured in 8 and in 16 bits on the same devices,
//! the ratio of the two energies counts as well. Large errors count as their size and not as their square, for some rows
//! were held up by what no roofline knows.
//! The sum of squares is brought down by Levenberg's and Marquardt's method. Nothing is random: the same rows give the same constants.

use super::least_squares::{counted, least_squares};
use super::rows::Measured;
use super::{CONSTANTS, Constants, Missed};
use crate::energy::architectures;
use crate::energy::language::Request;
use crate::energy::serving::SCALES;
use crate::energy::step::{self, Arithmetic, Load, Machine, Set, Stack, Steps};
use crate::hardware::Precision;
use crate::scenario::Serving;
use crate::tables::{Table, TableError};
use std::collections::BTreeSet;

/// The error, in the natural logarithm, that a measured energy is given.
const SPREAD: f64 = 0.2;
/// Weights beside that of a text row’s energy, which is 1: of times, of ratios of energies, of rows that are not typical text.
const WEIGHT_OF_STEP: f64 = 0.4;
const WEIGHT_OF_BETWEEN: f64 = 0.3;
const WEIGHT_OF_RATIO: f64 = 2.0;
const WEIGHT_OF_OTHERS: f64 = 0.5;

/// A measured service with everything that its steps depend on but the constants.
struct Observation {
    measured: Measured,
    machine: Machine,
    known: Stack,
    by_size: Stack,
    /// The same service in 16 bits, for one in 8.
    partner: Option<usize>,
}

/// What the steps of a service are estimated to take.
#[derive(Debug, Clone, Copy)]
struct Found {
    joules: f64,
    step: f64,
    between: f64,
}

impl Observation {
    fn of(measured: Measured) -> Option<Self> {
        let device = measured.device.filter(|_| measured.joules > 0.0)?;
        let arithmetic = match measured.precision.bits() {
            ..8 => Arithmetic::Packed,
            8 => Arithmetic::EightBit,
            _ => Arithmetic::Wide,
        };
        let computed = if arithmetic == Arithmetic::Packed { Precision::Bf16 } else { measured.precision };
        let bytes = f64::from(measured.precision.bits()) / 8.0;
        let machine = Machine {
            devices: measured.devices,
            bandwidth: device.memory_bandwidth.map(|bandwidth| bandwidth.0),
            peak: device.peak(computed)?.rate.0,
            tdp: device.most_power()?.0,
            link: device.interconnect.map(|link| link.0 / 2.0),
            arithmetic,
            weight_bytes: bytes * if arithmetic == Arithmetic::Packed { 1.0 + SCALES } else { 1.0 },
            ranks: measured.ranks.min(measured.devices),
        };
        let stack = |by_name: bool| {
            let model = measured.model(by_name);
            let layers = model.layers.unwrap_or_else(|| architectures::layers(&model));
            Stack {
                model,
                layers,
                width: model.width.unwrap_or_else(|| architectures::width(&model, layers)),
                cache_bytes: architectures::cache_elements(layers) * ELEMENT_BYTES,
                element_bytes: ELEMENT_BYTES,
            }
        };
        let (known, by_size) = (stack(true), stack(false));
        Some(Self { measured, machine, known, by_size, partner: None })
    }

    fn find(&self, constants: &Constants, knows: bool) -> Found {
        let stack = if knows { &self.known } else { &self.by_size };
        let serving = Serving {
            prompt_tokens: self.measured.prompt(constants).unwrap_or(Serving::default().prompt_tokens),
            output_tokens: self.measured.output_tokens,
            ..Serving::default()
        };
        let load = Load {
            request: Request::of(&stack.model, &serving),
            batch: self.measured.batch,
            input_seconds: self.measured.input_seconds(constants),
        };
        let Steps { decoding, mean, .. } = step::steps(constants, &self.machine, stack, &load, &Set::default());
        Found { joules: mean.joules / self.measured.batch, step: mean.seconds, between: decoding.seconds }
    }

    fn weight(&self) -> f64 {
        let text = if self.measured.is_text() { 1.0 } else { WEIGHT_OF_OTHERS };
        if self.machine.ranks > 1.0 { text * WEIGHT_OF_OTHERS } else { text }
    }

    /// How far off an estimate is in the logarithm of the energy: positive where we estimate too much.
    fn off(&self, found: &Found) -> f64 {
        libm::log(found.joules / self.measured.joules)
    }
}

/// Bytes of an element of the KV cache: serving engines keep 16 bits where nothing else is asked for.
const ELEMENT_BYTES: f64 = 2.0;

/// The measured services of a table.
pub struct Rows(Vec<Observation>);

impl Rows {
    /// Reads a table in the layout of `served_models.csv`. Rows on devices that we do not have are left out.
    ///
    /// # Errors
    /// A text that is no such table.
    pub fn read(name: &str, text: &str) -> Result<Self, TableError> {
        let measured =
            Table::parse(name, text)?.rows().map(|row| Measured::read(&row)).collect::<Result<Vec<_>, _>>()?;
        let mut rows: Vec<Observation> = measured.into_iter().filter_map(Observation::of).collect();
        let partners: Vec<Option<usize>> = rows.iter().map(|row| partner(row, &rows)).collect();
        for (row, partner) in rows.iter_mut().zip(partners) {
            row.partner = partner;
        }
        Ok(Self(rows))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn groups(&self, of: impl Fn(&Observation) -> String) -> BTreeSet<String> {
        self.0.iter().map(of).collect()
    }
}

fn partner(row: &Observation, rows: &[Observation]) -> Option<usize> {
    if row.machine.arithmetic != Arithmetic::EightBit {
        return None;
    }
    rows.iter().position(|other| {
        let (a, b) = (&row.measured, &other.measured);
        other.machine.arithmetic == Arithmetic::Wide
            && a.family() == b.family()
            && a.task == b.task
            && a.device.map(|device| &device.id) == b.device.map(|device| &device.id)
            && a.devices == b.devices
            && a.ranks == b.ranks
            && a.most == b.most
    })
}

/// A fit: constants and their standard errors.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The constants.
    pub constants: Constants,
    /// Their standard errors in the natural logarithm.
    pub standard_errors: [f64; CONSTANTS],
}

/// Fits the constants to the rows, from what is believed (`prior`) and how firmly (`spread`, in the natural logarithm).
pub fn fit(rows: &Rows, prior: &Constants, spread: &[f64; CONSTANTS], from: &Constants) -> Fit {
    fit_some(rows, &|_| true, prior, spread, from)
}

fn fit_some(
    rows: &Rows,
    takes: &dyn Fn(&Observation) -> bool,
    prior: &Constants,
    spread: &[f64; CONSTANTS],
    from: &Constants,
) -> Fit {
    let taken: Vec<bool> = rows.0.iter().map(takes).collect();
    let logarithms = |constants: &Constants| constants.0.map(libm::log);
    let believed = logarithms(prior);
    let errors = |point: &[f64; CONSTANTS]| {
        let constants = Constants(point.map(libm::exp));
        let found: Vec<Option<Found>> =
            rows.0.iter().zip(&taken).map(|(row, taken)| taken.then(|| row.find(&constants, true))).collect();
        let mut errors = Vec::new();
        for (row, found_here) in rows.0.iter().zip(&found) {
            let Some(here) = found_here else { continue };
            let weight = row.weight() / SPREAD;
            let off = row.off(here);
            errors.push(weight * counted(off));
            let step = row.measured.tokens_per_second.map(|rate| row.measured.batch / rate);
            errors.push(step.map_or(0.0, |step| weight * WEIGHT_OF_STEP * counted(libm::log(here.step / step))));
            // The median is a step without prompts while most steps have none.
            let mostly_plain = row.measured.batch < row.measured.output_tokens / 2.0;
            let between = row.measured.between.filter(|_| mostly_plain);
            errors.push(
                between.map_or(0.0, |between| weight * WEIGHT_OF_BETWEEN * counted(libm::log(here.between / between))),
            );
            let other = row.partner.and_then(|n| Some((rows.0.get(n)?, (*found.get(n)?)?)));
            errors
                .push(other.map_or(0.0, |(other, there)| WEIGHT_OF_RATIO / SPREAD * counted(off - other.off(&there))));
        }
        errors.extend(
            point.iter().zip(&believed).zip(spread).map(|((value, believed), spread)| (value - believed) / spread),
        );
        errors
    };
    let (point, standard_errors) = least_squares(&errors, logarithms(from));
    Fit { constants: Constants(point.map(libm::exp)), standard_errors }
}

/// A row left out of a fit, as that fit estimates it.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// The row.
    pub measured: Measured,
    /// Estimated over measured energy with the architecture known.
    pub known: f64,
    /// The same from the size alone.
    pub by_size: f64,
    /// The place of the same service in 16 bits, for one in 8.
    pub partner: Option<usize>,
}

/// Each row as a fit without its model (`by_gpu` false) or without its device estimates it.
pub fn left_out(
    rows: &Rows,
    by_gpu: bool,
    prior: &Constants,
    spread: &[f64; CONSTANTS],
    from: &Constants,
) -> Vec<LeftOut> {
    let group = |row: &Observation| match row.measured.device {
        Some(device) if by_gpu => device.id.clone(),
        _ => row.measured.family().to_owned(),
    };
    let mut found: Vec<Option<LeftOut>> = rows.0.iter().map(|_| None).collect();
    for name in rows.groups(group) {
        let fitted = fit_some(rows, &|row| group(row) != name, prior, spread, from).constants;
        for (place, row) in found.iter_mut().zip(&rows.0).filter(|(_, row)| group(row) == name) {
            let ratio = |knows| libm::exp(row.off(&row.find(&fitted, knows)));
            *place = Some(LeftOut {
                measured: row.measured.clone(),
                known: ratio(true),
                by_size: ratio(false),
                partner: row.partner,
            });
        }
    }
    found.into_iter().flatten().collect()
}

/// Each row as given constants estimate it.
pub fn estimated(rows: &Rows, constants: &Constants) -> Vec<LeftOut> {
    let each = rows.0.iter().map(|row| {
        let ratio = |knows| libm::exp(row.off(&row.find(constants, knows)));
        LeftOut { measured: row.measured.clone(), known: ratio(true), by_size: ratio(false), partner: row.partner }
    });
    each.collect()
}

/// The errors of a class of rows from their ratios of estimated to measured energy; `None` without rows.
pub fn missed(class: &str, left_out: &str, ratios: impl Iterator<Item = f64>) -> Option<Missed> {
    let mut under: Vec<f64> = ratios.map(|ratio| 1.0 / ratio).collect();
    under.sort_by(f64::total_cmp);
    let mut factors: Vec<f64> = under.iter().map(|ratio| ratio.max(1.0 / ratio)).collect();
    factors.sort_by(f64::total_cmp);
    let at = crate::energy::validate::percentile;
    Some(Missed {
        class: class.to_owned(),
        left_out: left_out.to_owned(),
        rows: under.len() as f64,
        median: at(&factors, 0.5)?,
        p90: at(&factors, 0.9)?,
        ratio: [at(&under, 0.1)?, at(&under, 0.5)?, at(&under, 0.9)?],
    })
}
