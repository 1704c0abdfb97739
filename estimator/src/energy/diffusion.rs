//! Models that draw pictures and videos by steps: the time and the energy of a generation, with constants fitted to measured ones.
//!
//! A step is one pass of the network over all tokens of the picture or video, or two where it is guided by a second pass without the prompt.
//! Its operations are 2 FLOPs for each parameter and token and the two products of attention; text encoder and image decoder
//! cost a number of FLOPs for each pixel. Products and the fixed time of a step overlap as the root of their squares.
//! How large a token is, how many layers there are and how many passes a step has, is taken from `diffusion_models.csv` by the model’s name;
//! of other models, the commonest values and the layers of language models of that size.

use super::calibration::least_squares::{counted, least_squares};
use super::calibration::{self, Entry};
use super::{architectures, validate};
use crate::hardware::{Device, Precision};
use crate::scenario::LanguageModel;
use crate::tables::{Row, Table, TableError, built_in};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The constants, in the order of `calibration_diffusion.csv`.
const CONSTANTS: usize = 7;
const COMPUTE_SHARE: usize = 0;
const STEP_START: usize = 1;
const EXCHANGE_TIME: usize = 2;
const SHARING_LOSS: usize = 3;
const WAITING_DRAW: usize = 4;
const COMPUTE_DRAW: usize = 5;
const PICTURE_FLOPS: usize = 6;

/// FLOPs of a parameter and token, and of attention for each layer, width and pair of tokens: two products of 2.
const FLOPS_PER_PARAMETER: f64 = 2.0;
const FLOPS_PER_PAIR: f64 = 4.0;
/// Of a model that we do not know by its name: pixels along a token’s side, frames in a latent frame, passes of a step.
const USUAL: (f64, f64, f64) = (16.0, 4.0, 2.0);
/// The error that a measured energy is given, and the weight of a time beside it; as for language models.
const SPREAD: f64 = 0.2;
const WEIGHT_OF_TIME: f64 = 0.4;

/// A published architecture.
struct Known {
    names: Vec<String>,
    pixels: f64,
    frames: f64,
    passes: f64,
    layers: f64,
    width: f64,
    attention: f64,
}

fn known() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read = |row: &Row<'_>| {
            let number = |column: &str| row.required_number(column);
            Ok(Known {
                names: row.list("names")?.map(str::to_owned).collect(),
                pixels: number("pixels_per_token")?,
                frames: number("frames_per_latent")?,
                passes: number("passes")?,
                layers: number("layers")?,
                width: number("width")?,
                attention: number("attention")?,
            })
        };
        let table = Table::parse("diffusion_models.csv", include_str!("../../data/diffusion_models.csv"));
        built_in(table.and_then(|table| table.rows().map(|row| read(&row)).collect()))
    })
}

/// The constants in the order of their table.
pub fn entries() -> &'static [Entry] {
    static ALL: OnceLock<Vec<Entry>> = OnceLock::new();
    ALL.get_or_init(|| {
        let text = include_str!("../../data/calibration_diffusion.csv");
        built_in(calibration::read("calibration_diffusion.csv", text))
    })
}

fn column(of: impl Fn(&Entry) -> f64) -> [f64; CONSTANTS] {
    let mut values = [0.0; CONSTANTS];
    for (place, entry) in values.iter_mut().zip(entries()) {
        *place = of(entry);
    }
    values
}

/// A measured generation of pictures or videos: a row in the layout of `generated_images.csv`.
#[derive(Debug, Clone)]
pub struct Generation {
    /// The row in words.
    pub id: String,
    /// The name under which the model is published.
    pub model_id: String,
    parameters: f64,
    /// The device; `None` where our table has none of that name.
    pub device: Option<&'static Device>,
    devices: f64,
    precision: Precision,
    batch: f64,
    pixels: f64,
    frames: f64,
    steps: f64,
    /// Joules of the chips for each picture or video.
    pub joules: f64,
    seconds: Option<f64>,
}

/// What a generation takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Joules of the chips for each picture or video.
    pub joules: f64,
    /// Seconds of a batch.
    pub seconds: f64,
}

impl Generation {
    /// Reads a row.
    ///
    /// # Errors
    /// A cell that is missing or no number, or a precision that is not known.
    pub fn read(row: &Row<'_>) -> Result<Self, TableError> {
        let text = |column: &str| row.text(column).ok().flatten().unwrap_or_default();
        let model = row.required_text("model_id")?;
        let gpu = row.required_text("gpu")?;
        let word = row.required_text("weight_precision")?;
        let code = match word {
            "bfloat16" => "bf16",
            "float16" => "fp16",
            "float32" => "fp32",
            other => other,
        };
        let precision = Precision::from_code(code)
            .ok_or_else(|| row.fault("weight_precision", format!("“{word}” is no precision that we know")))?;
        let devices = row.number("num_gpus")?.unwrap_or(1.0).max(1.0);
        let batch = row.number("batch_size")?.unwrap_or(1.0).max(1.0);
        let frames = if text("num_frames").is_empty() { 1.0 } else { row.required_number("num_frames")?.max(1.0) };
        Ok(Self {
            id: format!("{model} on {devices} {gpu}, {}, batch {batch}", precision.code()),
            model_id: model.to_owned(),
            parameters: row.required_number("total_params_b")? * 1e9,
            device: validate::device_by_name(gpu),
            devices,
            precision,
            batch,
            pixels: row.required_number("height")? * row.required_number("width")?,
            frames,
            steps: row.required_number("steps")?,
            joules: row.number("energy_per_generation_J")?.unwrap_or(0.0),
            seconds: row.number("batch_latency_s")?.filter(|seconds| *seconds > 0.0),
        })
    }

    /// Whether the model is one whose architecture we have.
    pub fn knows_its_model(&self) -> bool {
        self.known().is_some()
    }

    fn known(&self) -> Option<&'static Known> {
        known().iter().find(|one| one.names.iter().any(|name| self.model_id.contains(name.as_str())))
    }

    /// The number format of the weights.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// FLOPs of the steps of one picture or video.
    pub fn flops(&self) -> f64 {
        let size = LanguageModel::from_size(self.parameters, None);
        let layers = architectures::layers(&size);
        let (pixels, frames, passes) = USUAL;
        let usual = Known {
            names: Vec::new(),
            pixels,
            frames,
            passes,
            layers,
            width: architectures::width(&size, layers),
            attention: 1.0,
        };
        let model = self.known().unwrap_or(&usual);
        // The first frame stands alone in the latent, the others in groups.
        let latent = 1.0 + (self.frames - 1.0) / model.frames;
        let tokens = self.pixels / (model.pixels * model.pixels) * latent;
        let attention = FLOPS_PER_PAIR * model.layers * model.width * tokens * tokens * model.attention;
        self.steps * model.passes * (FLOPS_PER_PARAMETER * self.parameters * tokens + attention)
    }

    fn find(&self, constants: &[f64; CONSTANTS]) -> Option<Found> {
        let get = |n: usize| constants.get(n).copied().unwrap_or(0.0);
        let device = self.device?;
        let (peak, tdp) = (device.peak(self.precision)?.rate.0, device.most_power()?.0);
        let flops = self.flops() + get(PICTURE_FLOPS) * self.pixels * self.frames;
        let shared = self.devices / libm::pow(self.devices, get(SHARING_LOSS));
        let computing = self.batch * flops / (shared * peak * get(COMPUTE_SHARE));
        let fixed = self.steps * (get(STEP_START) + get(EXCHANGE_TIME) * libm::log2(self.devices));
        let products = get(COMPUTE_DRAW) * tdp / peak * flops * self.batch;
        let most = self.devices * tdp;
        let waiting = most * get(WAITING_DRAW).min(0.95);
        let seconds = libm::hypot(computing, fixed).max(products / (most - waiting));
        Some(Found { joules: (waiting * seconds + products) / self.batch, seconds })
    }

    /// The estimate; `None` without a device, its peak or its power.
    pub fn estimate(&self) -> Option<Found> {
        self.find(&column(|entry| entry.value))
    }

    fn name(&self) -> &str {
        &self.model_id
    }
}

/// The fit of the constants to measured generations.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The constants by their ids, with their standard errors in the natural logarithm.
    pub constants: Vec<(String, f64, f64)>,
    /// Each row as a fit without its model estimates it.
    pub left_out: Vec<LeftOut>,
}

/// A row left out of a fit, as that fit estimates it: estimated over measured energy.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// The row.
    pub row: Generation,
    /// With the architecture, where we have it by the model’s name.
    pub known: f64,
    /// From the size alone.
    pub by_size: f64,
}

/// Fits the constants to the rows of a table, each model with the same weight.
///
/// # Errors
/// A text that is no such table.
pub fn fit(name: &str, text: &str) -> Result<Fit, TableError> {
    let rows = Table::parse(name, text)?.rows().map(|row| Generation::read(&row)).collect::<Result<Vec<_>, _>>()?;
    let rows: Vec<Generation> = rows.into_iter().filter(|row| row.joules > 0.0 && row.estimate().is_some()).collect();
    let all = fit_some(&rows, &|_| true, column(|entry| entry.prior));
    let names: BTreeSet<&str> = rows.iter().map(Generation::name).collect();
    let mut left_out = Vec::new();
    for name in names {
        let without = fit_some(&rows, &|row| row.name() != name, all.0).0;
        for row in rows.iter().filter(|row| row.name() == name) {
            let unnamed = Generation { model_id: String::new(), ..row.clone() };
            if let (Some(known), Some(by_size)) = (row.find(&without), unnamed.find(&without)) {
                let over = |found: Found| found.joules / row.joules;
                left_out.push(LeftOut { row: row.clone(), known: over(known), by_size: over(by_size) });
            }
        }
    }
    let constants = entries().iter().zip(all.0).zip(all.1);
    Ok(Fit { constants: constants.map(|((entry, value), error)| (entry.id.clone(), value, error)).collect(), left_out })
}

fn fit_some(
    rows: &[Generation],
    takes: &dyn Fn(&Generation) -> bool,
    from: [f64; CONSTANTS],
) -> ([f64; CONSTANTS], [f64; CONSTANTS]) {
    let (prior, spread) = (column(|entry| entry.prior), column(|entry| entry.spread));
    let of_model = |name: &str| rows.iter().filter(|row| row.name() == name).count();
    let models = rows.iter().map(Generation::name).collect::<BTreeSet<_>>().len();
    let mean = rows.len() as f64 / models.max(1) as f64;
    let weighted: Vec<(&Generation, f64)> = rows
        .iter()
        .filter(|row| takes(row))
        .map(|row| (row, (mean / of_model(row.name()) as f64).sqrt() / SPREAD))
        .collect();
    let errors = |point: &[f64; CONSTANTS]| {
        let constants = point.map(libm::exp);
        let mut errors = Vec::new();
        for (row, weight) in &weighted {
            let Some(found) = row.find(&constants) else { continue };
            errors.push(weight * counted(libm::log(found.joules / row.joules)));
            let time = row.seconds.map_or(0.0, |seconds| libm::log(found.seconds / seconds));
            errors.push(weight * WEIGHT_OF_TIME * counted(time));
        }
        let believed = point.iter().zip(prior).zip(spread);
        errors.extend(believed.map(|((value, prior), spread)| (value - libm::log(prior)) / spread));
        errors
    };
    let (point, error) = least_squares(&errors, from.map(libm::log));
    (point.map(libm::exp), error)
}
