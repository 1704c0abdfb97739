//! How fast and at what power chips train: the constants fitted to published runs, and the formulas that they stand in.
//!
//! The constants are rows of `calibration_training.csv`, which `cargo xtask calibrate` writes; `training_fit` makes them.
//! The same formulas are evaluated with constants that leave a publication out.

use super::case::usual_precision;
use crate::hardware::{Device, Kind, Precision};
use crate::tables::{Table, TableError, built_in};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// The id: `time.class.a100-class`.
    pub id: String,
    /// The value.
    pub value: f64,
    /// Its standard error, where it has one.
    pub error: Option<f64>,
    /// The unit.
    pub unit: String,
    /// What it is.
    pub note: String,
}

/// The constants of time and power of training.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Constants {
    values: BTreeMap<String, f64>,
}

/// What of a training run decides its utilisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) device: &'a Device,
    /// Parameters that one token uses.
    pub(crate) active: f64,
    /// Whether it is a mixture of experts.
    pub(crate) is_mixture: bool,
    /// Whether products are computed in 8 bits.
    pub(crate) is_8_bit: bool,
    /// How many devices; `None` where that is not known.
    pub(crate) devices: Option<f64>,
}

/// The rows of the committed table.
pub fn rows() -> &'static [Constant] {
    static ROWS: OnceLock<Vec<Constant>> = OnceLock::new();
    ROWS.get_or_init(|| built_in(read("calibration_training.csv", include_str!("../../data/calibration_training.csv"))))
}

/// The committed constants.
pub fn get() -> &'static Constants {
    static CONSTANTS: OnceLock<Constants> = OnceLock::new();
    CONSTANTS.get_or_init(|| Constants::of(rows()))
}

fn read(name: &str, text: &str) -> Result<Vec<Constant>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            Ok(Constant {
                id: row.required_text("id")?.to_owned(),
                value: row.required_number("value")?,
                error: row.number("standard_error")?,
                unit: row.required_text("unit")?.to_owned(),
                note: row.required_text("note")?.to_owned(),
            })
        })
        .collect()
}

/// The class of a chip whose utilisation and draw are alike.
///
/// Chips with 8-bit floats came with the H100 and after it, chips with BF16 with the A100.
pub(crate) fn class(device: &Device) -> &'static str {
    let has = |precision| device.own_peak(precision).is_some();
    match device.kind {
        Kind::Tpu => "tpu",
        Kind::Gpu if device.vendor == "AMD" => "amd",
        Kind::Gpu if has(Precision::Fp8) => "h100-class",
        Kind::Gpu if has(Precision::Bf16) => "a100-class",
        Kind::Gpu => "older-gpu",
        _ => "other",
    }
}

/// The family of a chip, whatever its memory and form: `a100`, `tpu-v3`.
pub(crate) fn family(device: &Device) -> &str {
    match device.kind {
        Kind::Tpu => &device.id,
        _ => device.id.split('-').next().unwrap_or(&device.id),
    }
}

/// The dense peak that utilisation is told against: that of 16 bits, or of 32 where a chip has no 16.
pub(crate) fn sixteen_bits(device: &Device) -> Option<f64> {
    Some(device.own_peak(usual_precision(device)?)?.0)
}

impl Constants {
    /// The constants of some rows.
    pub(crate) fn of(rows: &[Constant]) -> Self {
        Self { values: rows.iter().map(|row| (row.id.clone(), row.value)).collect() }
    }

    /// A constant; 0 for what was not fitted, which is the effect of a class without runs.
    pub(crate) fn value(&self, id: &str) -> f64 {
        self.values.get(id).copied().unwrap_or(0.0)
    }

    fn effect(&self, prefix: &str, name: &str) -> f64 {
        self.value(&format!("{prefix}.{name}"))
    }

    /// The utilisation of a run, over the dense peak in 16 bits (in 32 where a chip has no 16):
    /// exp(intercept + class + size × ln(active ÷ centre) + mixture + 8 bits + devices × ln(devices ÷ centre)).
    pub(crate) fn utilisation(&self, run: &Run<'_>) -> f64 {
        let of_devices = run.devices.map_or(0.0, |devices| libm::log(devices / self.value("time.devices-centre")));
        let logarithm = self.value("time.intercept")
            + self.effect("time.class", class(run.device))
            + self.value("time.size") * libm::log(run.active / self.value("time.size-centre"))
            + self.value("time.mixture") * f64::from(run.is_mixture)
            + self.value("time.8-bit") * f64::from(run.is_8_bit)
            + self.value("time.devices") * of_devices;
        libm::exp(logarithm).min(1.0)
    }

    /// Seconds that a device takes for a token beside its operations: starting kernels, loading data, writing logs.
    ///
    /// The program of a TPU is compiled whole, so it starts no kernels, and none is added.
    pub(crate) fn token_seconds(&self, device: &Device) -> f64 {
        if device.kind == Kind::Tpu { 0.0 } else { self.value("time.token-seconds") }
    }

    /// The draw of a device that trains, over the most that it can draw:
    /// exp(intercept + class + family + size × min(0, ln(parameters ÷ limit))).
    pub(super) fn draw_share(&self, device: &Device, parameters: f64) -> f64 {
        let below = libm::log(parameters / self.value("draw.size-limit")).min(0.0);
        let logarithm = self.value("draw.intercept")
            + self.effect("draw.class", class(device))
            + self.effect("draw.family", family(device))
            + self.value("draw.size") * below;
        libm::exp(logarithm).min(1.0)
    }

    /// What the computer around a device drew beyond [`Self::draw_share`], as fitted: it can be below zero.
    fn beyond_the_device(&self, device: &Device) -> f64 {
        self.value("host.intercept")
            + self.effect("host.class", class(device))
            + self.effect("host.family", family(device))
    }

    /// The draws of a device that trains and of the computer around it.
    ///
    /// Together they are what systems of such chips drew; the computer has at least [`LEAST_HOST`] of it.
    pub(crate) fn power(&self, device: &Device, parameters: f64) -> Shares {
        let (draw, beyond) = (self.draw_share(device, parameters), self.beyond_the_device(device));
        let system = (draw + beyond).max(draw * LEAST_SYSTEM);
        let host = beyond.max(system * LEAST_HOST);
        Shares { device: system - host, host }
    }
}

/// The part of a system that at least is not its chip: memory, fans and supplies are never free.
const LEAST_HOST: f64 = 0.05;
/// The least that a system draws, over what its chip alone is expected to.
const LEAST_SYSTEM: f64 = 0.5;

/// Draws over the most that a device can draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shares {
    /// The device itself.
    pub(crate) device: f64,
    /// The computer around it.
    pub(crate) host: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware;

    #[test]
    fn devices_fall_into_classes_and_families() {
        for (id, expected, of) in [
            ("p100-sxm2-16gb", "older-gpu", "p100"),
            ("v100-sxm2-32gb", "older-gpu", "v100"),
            ("a100-sxm4-80gb", "a100-class", "a100"),
            ("h100-sxm", "h100-class", "h100"),
            ("b200", "h100-class", "b200"),
            ("tpu-v3", "tpu", "tpu-v3"),
            ("mi250x", "amd", "mi250x"),
            ("trainium1", "other", "trainium1"),
        ] {
            let device = hardware::device(id).unwrap();
            assert_eq!((class(device), family(device)), (expected, of), "{id}");
        }
    }

    #[test]
    fn the_committed_constants_are_plausible() {
        let constants = get();
        for device in hardware::devices() {
            let run = Run { device, active: 7e9, is_mixture: false, is_8_bit: false, devices: None };
            let (mfu, Shares { device: draw, host }) = (constants.utilisation(&run), constants.power(device, 7e9));
            assert!((0.15..0.6).contains(&mfu), "{}: {mfu}", device.id);
            assert!((0.2..=1.0).contains(&draw), "{}: {draw}", device.id);
            assert!((0.0..1.0).contains(&host), "{}: {host}", device.id);
        }
        assert!(constants.value("time.token-seconds") > 0.0);
    }
}
