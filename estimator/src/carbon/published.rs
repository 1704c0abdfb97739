//! Published training runs: what others reported, in one layout, to check our arithmetic and our estimates against.
//!
//! Each row keeps the factors that its publication used, so that the publication's result can be replayed from them;
//! a row whose result does not follow from its own factors says why.
//! Estimating a run from its model alone, as for a new one, belongs to `energy`.

use crate::range::Ratio;
use crate::sources::Evidence;
use crate::tables::{Row, Table, TableError, built_in};
use crate::units::{Flops, GramsPerKilowattHour, KilogramsCo2e, KilowattHours, Seconds, Watts};
use std::sync::OnceLock;

/// What a published power describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerBasis {
    /// Measured average of the system for each chip, with host and network.
    System,
    /// Measured at the accelerator alone.
    Accelerator,
    /// Measured at the wall socket of the whole server, for each chip.
    Wall,
    /// The chip's thermal design power, not measured.
    Tdp,
}

/// Which published results follow from the row's own factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replays {
    /// Energy = device hours × power, × PUE where it is included.
    pub energy: bool,
    /// Emissions = that energy × carbon intensity.
    pub emissions: bool,
}

/// One published run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The id: `llama-2-70b`.
    pub id: String,
    /// The model's name.
    pub model: String,
    /// Parameters, and of those how many are active for a token.
    pub parameters: Option<f64>,
    /// Parameters active for a token.
    pub active_parameters: Option<f64>,
    /// Training tokens.
    pub tokens: Option<f64>,
    /// Training compute as published, or 6 × active parameters × tokens.
    pub flops: Option<Flops>,
    /// The device's id in `hardware.csv`.
    pub device: String,
    /// The number format of the products; 16 bits, or what the device usually computes in, where it is absent.
    pub precision: Option<String>,
    /// How many devices ran at once.
    pub devices: Option<f64>,
    /// Time summed over all devices.
    pub device_time: Option<Seconds>,
    /// Power for each device.
    pub power: Option<Watts>,
    /// What that power describes.
    pub power_basis: PowerBasis,
    /// The site's power usage effectiveness that the publication used.
    pub pue: Option<Ratio>,
    /// The carbon intensity that the publication used.
    pub intensity: Option<GramsPerKilowattHour>,
    /// Published energy.
    pub energy: Option<KilowattHours>,
    /// Published emissions.
    pub emissions: Option<KilogramsCo2e>,
    /// Whether the published results contain the PUE.
    pub includes_pue: bool,
    /// What the run is: `final run` or `development`.
    pub scope: String,
    /// Which results replay.
    pub replays: Replays,
    /// Why a result does not replay; empty when both do.
    pub why_not: String,
    /// Whether the constants of training are fitted to it, where it has what that takes.
    pub calibrates: bool,
    /// Who published it.
    pub evidence: Evidence,
    /// What to beware of.
    pub note: String,
}

impl Run {
    /// The energy that follows from device time, power and, where the publication counts it, PUE.
    pub fn replayed_energy(&self) -> Option<KilowattHours> {
        let equipment = self.power?.for_time(self.device_time?).kilowatt_hours();
        if self.includes_pue { Some(super::at_the_meter(equipment, self.pue?)) } else { Some(equipment) }
    }

    /// The emissions that follow from the replayed energy and the publication's carbon intensity.
    pub fn replayed_emissions(&self) -> Option<KilogramsCo2e> {
        Some(super::emissions(self.replayed_energy()?, self.intensity?))
    }

    /// The mean power of a device: as published, or published energy over device time, without PUE.
    pub fn mean_power(&self) -> Option<Watts> {
        self.power.or_else(|| {
            let pue = if self.includes_pue { self.pue?.0 } else { 1.0 };
            Some(Watts(self.energy?.joules().0 / self.device_time?.0 / pue))
        })
    }
}

/// All runs, in the file's order: the oldest publication first.
pub fn all() -> &'static [Run] {
    static ALL: OnceLock<Vec<Run>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("published_runs.csv", include_str!("../../data/published_runs.csv"))))
}

/// The run with this id.
pub fn get(id: &str) -> Option<&'static Run> {
    all().iter().find(|run| run.id == id)
}

/// Reads a table in the layout of `published_runs.csv`.
///
/// # Errors
/// A cell that does not hold what its column says.
pub(crate) fn read(name: &str, text: &str) -> Result<Vec<Run>, TableError> {
    Table::parse(name, text)?.rows().map(|row| run(&row)).collect()
}

fn run(row: &Row<'_>) -> Result<Run, TableError> {
    let text = |column| Ok(row.text(column)?.unwrap_or_default().to_owned());
    Ok(Run {
        id: row.required_text("id")?.to_owned(),
        model: row.required_text("model")?.to_owned(),
        parameters: row.number("parameters")?,
        active_parameters: row.number("active_parameters")?,
        tokens: row.number("tokens")?,
        flops: row.number("flops")?.map(Flops),
        device: row.required_text("device")?.to_owned(),
        // A file in an older layout has no such column.
        precision: row.text("precision").ok().flatten().map(str::to_owned),
        devices: row.number("devices")?,
        device_time: row.number("device_hours")?.map(Seconds::from_hours),
        power: row.number("watts")?.map(Watts),
        power_basis: match row.required_text("power_basis")? {
            "system" => PowerBasis::System,
            "accelerator" => PowerBasis::Accelerator,
            "wall" => PowerBasis::Wall,
            "tdp" => PowerBasis::Tdp,
            other => return Err(row.fault("power_basis", format!("“{other}” is no basis of a power"))),
        },
        pue: row.number("pue")?.map(Ratio),
        intensity: row.number("grid_g_per_kwh")?.map(GramsPerKilowattHour),
        energy: row.number("energy_kwh")?.map(KilowattHours),
        emissions: row.number("co2e_kg")?.map(KilogramsCo2e),
        includes_pue: match row.required_text("includes_pue")? {
            "yes" => true,
            "no" => false,
            other => return Err(row.fault("includes_pue", format!("“{other}” is neither yes nor no"))),
        },
        scope: text("scope")?,
        replays: match row.text("replays")?.unwrap_or_default() {
            "both" => Replays { energy: true, emissions: true },
            "energy" => Replays { energy: true, emissions: false },
            "carbon" => Replays { energy: false, emissions: true },
            "" => Replays { energy: false, emissions: false },
            other => return Err(row.fault("replays", format!("“{other}” is not both, energy, carbon or empty"))),
        },
        why_not: text("why_not")?,
        calibrates: match row.text("fit")? {
            None => false,
            Some("yes") => true,
            Some(other) => return Err(row.fault("fit", format!("“{other}” is neither yes nor empty"))),
        },
        evidence: Evidence::read(row, "source", "year", "certainty")?,
        note: text("note")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_table_reads_and_ids_are_unique() {
        let runs = read("published_runs.csv", include_str!("../../data/published_runs.csv")).unwrap();
        let ids: HashSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids.len(), runs.len());
        assert!(runs.len() >= 50);
    }

    #[test]
    fn figures_are_plausible() {
        for run in all() {
            assert!(run.pue.is_none_or(|pue| (1.0..=3.0).contains(&pue.0)), "{}", run.id);
            assert!(run.intensity.is_none_or(|grid| (0.0..=1500.0).contains(&grid.0)), "{}", run.id);
            assert!(run.power.is_none_or(|power| (50.0..=1500.0).contains(&power.0)), "{}", run.id);
            assert!((2017..=2026).contains(&run.evidence.year), "{}", run.id);
            if let (Some(active), Some(all)) = (run.active_parameters, run.parameters) {
                assert!(active <= all, "{}", run.id);
            }
        }
    }

    #[test]
    fn compute_follows_from_parameters_and_tokens_where_both_are_given() {
        for run in all() {
            let (Some(active), Some(tokens), Some(flops)) = (run.active_parameters, run.tokens, run.flops) else {
                continue;
            };
            // T5 is an encoder and decoder: a token passes through half of it.
            let expected = if run.id == "t5-11b" { continue } else { 6.0 * active * tokens };
            assert!((flops.0 / expected - 1.0).abs() < 0.02, "{}: {} against {expected}", run.id, flops.0);
        }
    }

    #[test]
    fn a_row_says_why_a_result_does_not_replay() {
        for run in all() {
            let both = run.replays.energy && run.replays.emissions;
            assert_eq!(both, run.why_not.is_empty(), "{}", run.id);
        }
    }

    #[test]
    fn runs_that_calibrate_have_what_it_takes() {
        for run in all().iter().filter(|run| run.calibrates) {
            let has_time = run.flops.is_some() && (run.device_time.is_some() || run.energy.is_some());
            let has_power = run.power_basis != PowerBasis::Tdp && run.mean_power().is_some();
            assert!(has_time || has_power, "{}", run.id);
        }
    }
}
