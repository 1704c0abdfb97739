//! A whole training from its first epochs.
//!
//! The centre is what Carbontracker does: the mean of the epochs that were measured, times all epochs.
//! The span comes from the spread of those epochs (an interval that a sum of further epochs falls into in 80 % of cases, by Student's
//! distribution) and from how far such forecasts were off where they were tested, combined in quadrature.

use crate::carbon::factors;
use crate::notes::Notes;
use crate::range::{Range, Ratio};
use crate::report::{Extrapolation, MeasuredRun};
use crate::units::{Hours, KilowattHours, SECONDS_PER_HOUR};

/// The 90th percentile of Student's distribution by degrees of freedom from 1, which leaves a tenth on either side.
/// Behind the table it is taken as the last one, which is at most 3 % wide of it.
const STUDENT: [f64; 20] = [
    3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372, 1.363, 1.356, 1.350, 1.345, 1.341, 1.337,
    1.333, 1.330, 1.328, 1.325,
];
/// The most epochs that may be asked for.
const MOST: u64 = 1_000_000_000;

/// Extrapolates a run to a number of epochs.
///
/// # Errors
/// In words: the run tells no epochs, or has as many already.
pub fn extrapolate(run: &MeasuredRun, epochs: u64) -> Result<Extrapolation, String> {
    let measured = run.epochs.len() as u64;
    if measured == 0 {
        return Err("the log does not tell epochs apart, so there is nothing to extrapolate from; bring a log with epochs, for example both of Carbontracker’s".to_owned());
    }
    if epochs < measured || epochs > MOST {
        return Err(format!("the run has {measured} epochs already; ask for more, up to {MOST}"));
    }
    let mut notes = Notes::new();
    let energies: Vec<f64> = run.epochs.iter().filter_map(|epoch| Some(epoch.energy_kwh?.0)).collect();
    let times: Vec<f64> = run.epochs.iter().filter_map(|epoch| Some(epoch.duration_s?.0)).collect();
    if energies.len() < run.epochs.len() && !energies.is_empty() {
        notes.warn(
            "",
            format!(
                "{} of {measured} epochs have no energy; the mean is of the others",
                run.epochs.len() - energies.len()
            ),
        );
    }
    first_is_slow(&times, &mut notes);
    let energy =
        whole(&energies, epochs, "extrapolation-energy").map(|range| range.map(|kwh: Ratio| KilowattHours(kwh.0)));
    let hours = whole(&times, epochs, "extrapolation-time")
        .map(|range| range.map(|seconds| Hours(seconds.0 / SECONDS_PER_HOUR)));
    // Epochs are without the PUE where it is known; where it is not, they are as the tool states them.
    let metered = match (run.pue, energy) {
        (Some(pue), Some(energy)) => Some(energy.times(Range::exact(Ratio(pue)))),
        (None, energy) => energy,
        _ => None,
    };
    if run.pue.is_none() {
        notes.info("", "whether a PUE is in this energy is not known");
    }
    let source =
        factors::get("extrapolation-energy").map(|factor| factor.evidence.source.citation()).unwrap_or_default();
    Ok(Extrapolation {
        measured_epochs: measured,
        epochs,
        hours,
        equipment_kwh: run.pue.and(energy),
        energy_kwh: metered,
        co2e_kg: metered.zip(run.intensity).map(|(energy, intensity)| energy.map(|energy| energy.at(intensity))),
        method: format!(
            "mean of {measured} measured epochs × {epochs}; the span is that of the epochs’ spread and of how far such forecasts were off in tests ({source})"
        ),
        warnings: notes.iter().cloned().collect(),
    })
}

/// The sum over all epochs, of which some are known.
fn whole(known: &[f64], epochs: u64, drift: &str) -> Option<Range<Ratio>> {
    let count = known.len() as f64;
    if known.is_empty() {
        return None;
    }
    let sum: f64 = known.iter().sum();
    let mean = sum / count;
    let rest = epochs as f64 - count;
    if rest <= 0.0 {
        return Some(Range::exact(Ratio(sum)));
    }
    let variance = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let student = STUDENT.get(known.len().saturating_sub(2)).or(STUDENT.last()).copied().unwrap_or(1.0);
    // The mean is uncertain for all further epochs alike; each further epoch scatters by itself.
    let spread = if known.len() > 1 { student * (variance * (rest * rest / count + rest)).sqrt() } else { 0.0 };
    let drift = factors::get(drift).map(|factor| factor.value);
    let off = |end: f64| (spread.powi(2) + (mean * rest * (end - 1.0)).powi(2)).sqrt();
    let (low, high) = drift.map_or((1.0, 1.0), |drift| (drift.low.0, drift.high.0));
    let centre = sum + mean * rest;
    Some(Range::new(Ratio((centre - off(low)).max(sum)), Ratio(centre), Ratio(centre + off(high))))
}

/// The first epoch also loads data and compiles kernels.
fn first_is_slow(times: &[f64], notes: &mut Notes) {
    let Some((first, others)) = times.split_first().filter(|(_, others)| others.len() >= 2) else { return };
    let mean = others.iter().sum::<f64>() / others.len() as f64;
    if *first > 1.3 * mean {
        notes.warn("", format!("the first epoch took {:.1} times as long as the others, for loading and compiling; the mean holds it, so the forecast is a little high", first / mean));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Epoch;
    use crate::units::{GramsPerKilowattHour, Seconds};

    fn run(energies: &[f64]) -> MeasuredRun {
        let epochs = energies.iter().zip(1..).map(|(energy, number)| Epoch {
            number,
            duration_s: Some(Seconds(3600.0 * energy)),
            energy_kwh: Some(KilowattHours(*energy)),
        });
        MeasuredRun {
            epochs: epochs.collect(),
            pue: Some(1.5),
            intensity: Some(GramsPerKilowattHour(100.0)),
            ..MeasuredRun::default()
        }
    }

    #[test]
    fn the_mean_of_the_epochs_counts_for_those_to_come() {
        let found = extrapolate(&run(&[1.0, 1.2, 0.8]), 30).unwrap();
        let energy = found.equipment_kwh.unwrap();
        assert!((energy.central.0 - 30.0).abs() < 1e-9, "{energy:?}");
        // 27 further epochs: s = 0.2, t(2) = 1.886.
        let spread = 1.886 * (0.04f64 * (27.0 * 27.0 / 3.0 + 27.0)).sqrt();
        let drift = factors::get("extrapolation-energy").unwrap().value.high.0 - 1.0;
        let up = spread.hypot(27.0 * drift);
        assert!((energy.high.0 - 30.0 - up).abs() < 1e-9, "{energy:?} {up}");
        assert!((found.energy_kwh.unwrap().central.0 - 45.0).abs() < 1e-9);
        assert!((found.co2e_kg.unwrap().central.0 - 4.5).abs() < 1e-9);
        assert!((found.hours.unwrap().central.0 - 30.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_measured_is_certain() {
        let found = extrapolate(&run(&[1.0, 1.2]), 2).unwrap();
        let energy = found.equipment_kwh.unwrap();
        assert_eq!((energy.low, energy.high), (energy.central, energy.central));
        // More epochs narrow the span.
        let width = |energies: &[f64]| {
            let range = extrapolate(&run(energies), 100).unwrap().equipment_kwh.unwrap();
            range.high.0 / range.central.0
        };
        assert!(width(&[1.0, 1.2, 0.9, 1.1, 1.0, 1.05]) < width(&[1.0, 1.2]));
        assert!(width(&[1.0]) > 1.0);
    }

    #[test]
    fn what_cannot_be_extrapolated_says_so() {
        assert!(extrapolate(&run(&[]), 10).unwrap_err().contains("epochs"));
        assert!(extrapolate(&run(&[1.0, 1.0]), 1).unwrap_err().contains("2 epochs already"));
        let slow = extrapolate(&run(&[2.0, 1.0, 1.0]), 10).unwrap();
        assert!(slow.warnings.iter().any(|note| note.text.contains("first epoch")));
    }
}
