//! From red to green: what a result cost, said as Green AI asks for it.
//!
//! Schwartz and others (2020): `Cost(R) ∝ E · D · H`, the cost of one example, the size of the data, and the number of experiments.
//! It is reported in operations, which do not depend on the machine, beside the quality that was reached; it is a way to report, and no mark.

use crate::report::Green;
use crate::units::{Flops, KilowattHours};

/// The cost of a result from its three factors, with the quality and the energy where they are known.
///
/// `epochs` multiplies the data, since each pass processes every example again.
/// `quality` is what the field measures (accuracy in per cent, BLEU …); over the magnitude of the cost it says what a tenfold of compute brings at most.
/// `None` where a factor is not a positive number.
pub fn green(
    example: Flops,
    data: f64,
    epochs: f64,
    experiments: f64,
    quality: Option<f64>,
    energy: Option<KilowattHours>,
) -> Option<Green> {
    let examples = data * epochs;
    let total = example.0 * examples * experiments;
    let is_sound = [example.0, data, epochs, experiments, total].iter().all(|value| value.is_finite() && *value > 0.0);
    let magnitude = libm::log10(total);
    is_sound.then(|| Green {
        example_flops: example,
        examples,
        experiments,
        total_flops: Flops(total),
        magnitude,
        quality_per_magnitude: quality.filter(|_| magnitude > 0.0).map(|quality| quality / magnitude),
        energy_kwh: energy,
        joules_per_example: energy.map(|energy| energy.joules().0 / (examples * experiments)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_the_product_of_three() {
        let base = green(Flops(1e9), 1e6, 10.0, 1.0, Some(75.0), Some(KilowattHours(1.0))).unwrap();
        assert_eq!((base.total_flops.0, base.magnitude), (1e16, 16.0));
        assert_eq!((base.quality_per_magnitude, base.joules_per_example), (Some(75.0 / 16.0), Some(0.36)));
        for doubled in [
            green(Flops(2e9), 1e6, 10.0, 1.0, None, None),
            green(Flops(1e9), 2e6, 10.0, 1.0, None, None),
            green(Flops(1e9), 1e6, 10.0, 2.0, None, None),
        ] {
            assert_eq!(doubled.unwrap().total_flops.0, 2e16);
        }
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(green(Flops(wrong), 1e6, 1.0, 1.0, None, None).is_none());
        }
    }
}
