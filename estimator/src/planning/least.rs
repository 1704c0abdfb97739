//! The least of a function of one positive variable over several orders of magnitude.

/// Places that are tried between the ends before the best is narrowed down.
const PLACES: usize = 160;
/// Steps by which it is narrowed down: each leaves 62 %.
const STEPS: usize = 40;

/// Where a function is least between two positive ends, and its value there; places where it has none are passed over.
///
/// The function may have steps (a model that needs one more device): it is tried all over first, then narrowed down around the best place.
pub(super) fn least(from: f64, to: f64, value: impl Fn(f64) -> Option<f64>) -> Option<(f64, f64)> {
    let (low, high) = (libm::log(from), libm::log(to));
    if !(low.is_finite() && high.is_finite() && low <= high) {
        return None;
    }
    let width = (high - low) / PLACES as f64;
    let at = |log: f64| value(libm::exp(log)).filter(|value| value.is_finite()).map(|value| (log, value));
    let better = |a: Option<(f64, f64)>, b: Option<(f64, f64)>| match (a, b) {
        (Some(a), Some(b)) => Some(if b.1 < a.1 { b } else { a }),
        (a, b) => a.or(b),
    };
    let mut best = (0..=PLACES).map(|place| at(low + width * place as f64)).fold(None, better)?;
    let (mut left, mut right) = ((best.0 - width).max(low), (best.0 + width).min(high));
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    for _ in 0..STEPS {
        let (a, b) = (right - (right - left) * golden, left + (right - left) * golden);
        let (at_a, at_b) = (at(a), at(b));
        best = better(better(Some(best), at_a), at_b)?;
        match (at_a, at_b) {
            (Some(one), Some(other)) if one.1 <= other.1 => right = b,
            (Some(_), None) => right = b,
            _ => left = a,
        }
    }
    Some((libm::exp(best.0), best.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_found_past_steps_and_holes() {
        let (place, value) = least(1.0, 1e12, |x| Some((libm::log(x) - 17.0).powi(2) + 3.0)).unwrap();
        assert!((libm::log(place) - 17.0).abs() < 1e-6 && (value - 3.0).abs() < 1e-9);
        let stepped = |x: f64| (x >= 50.0).then(|| x + if x > 200.0 { -120.0 } else { 0.0 });
        let (place, _) = least(1.0, 1e4, stepped).unwrap();
        assert!((50.0..51.0).contains(&place), "{place}");
        assert_eq!(least(1.0, 10.0, |_| None), None);
        assert_eq!(least(0.0, 10.0, Some), None);
    }
}
