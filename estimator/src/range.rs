//! Low, central and high: the only shape in which an estimate leaves this crate.
//!
//! Here is the arithmetic of ranges; which range a factor has comes from its row in a data table.

use crate::units::Quantity;
use serde::{Deserialize, Serialize};

/// A quantity with its plausible span, `low <= central <= high`.
///
/// The span means "about 80 % of comparable measured cases lie inside" where a factor's table says so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range<T> {
    /// The lower end.
    pub low: T,
    /// The best single figure.
    pub central: T,
    /// The upper end.
    pub high: T,
}

impl<T: Quantity> Range<T> {
    /// A range from three figures; they are put in order, so that a careless table row cannot turn a range inside out.
    pub fn new(low: T, central: T, high: T) -> Self {
        let (low, high) = if low <= high { (low, high) } else { (high, low) };
        let central = if central < low {
            low
        } else if central > high {
            high
        } else {
            central
        };
        Self { low, central, high }
    }

    /// A range of no width, for what is known exactly or was typed by the user.
    pub fn exact(value: T) -> Self {
        Self { low: value, central: value, high: value }
    }

    /// The same range in another unit, by a conversion that keeps order (a positive factor).
    pub fn map<U: Quantity>(self, convert: impl Fn(T) -> U) -> Range<U> {
        Range::new(convert(self.low), convert(self.central), convert(self.high))
    }

    /// Scaled by a positive factor that is itself uncertain.
    ///
    /// Independent factors: relative spreads combine in quadrature on the logarithmic scale,
    /// so that the product of many factors is not the product of all their worst cases.
    pub fn times(self, factor: Range<Ratio>) -> Self {
        let central = self.central.amount() * factor.central.0;
        if central <= 0.0 || self.low.amount() <= 0.0 || factor.low.0 <= 0.0 {
            // A zero has no logarithm: take the corners, which are never too narrow.
            return Self::new(
                T::of(self.low.amount() * factor.low.0),
                T::of(central),
                T::of(self.high.amount() * factor.high.0),
            );
        }
        let spread = |a: f64, b: f64| libm::exp((libm::log(a).powi(2) + libm::log(b).powi(2)).sqrt());
        let down = spread(self.central.amount() / self.low.amount(), factor.central.0 / factor.low.0);
        let up = spread(self.high.amount() / self.central.amount(), factor.high.0 / factor.central.0);
        Self::new(T::of(central / down), T::of(central), T::of(central * up))
    }

    /// Divided by a positive factor that is itself uncertain; see [`Range::times`].
    pub fn over(self, divisor: Range<Ratio>) -> Self {
        self.times(Range::new(Ratio(1.0 / divisor.high.0), Ratio(1.0 / divisor.central.0), Ratio(1.0 / divisor.low.0)))
    }

    /// The sum of two parts whose errors move together (the same run, the same site): ends add up.
    pub fn plus(self, other: Self) -> Self {
        let add = |a: T, b: T| T::of(a.amount() + b.amount());
        Self::new(add(self.low, other.low), add(self.central, other.central), add(self.high, other.high))
    }
}

/// A number without a unit: a utilisation, a PUE, a share.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(pub f64);

impl Quantity for Ratio {
    const SYMBOL: &'static str = "";
    fn amount(self) -> f64 {
        self.0
    }
    fn of(amount: f64) -> Self {
        Self(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Joules;

    #[test]
    fn ends_are_put_in_order() {
        let range = Range::new(Joules(3.0), Joules(5.0), Joules(1.0));
        assert_eq!((range.low, range.central, range.high), (Joules(1.0), Joules(3.0), Joules(3.0)));
    }

    #[test]
    fn spreads_combine_in_quadrature_on_the_log_scale() {
        let twofold = Range::new(Joules(0.5), Joules(1.0), Joules(2.0));
        let product = twofold.times(Range::new(Ratio(0.5), Ratio(1.0), Ratio(2.0)));
        let expected = libm::pow(2.0, 2f64.sqrt());
        assert!((product.high.0 - expected).abs() < 1e-12);
        assert!((product.low.0 - 1.0 / expected).abs() < 1e-12);
        assert!(product.high.0 < 4.0);
    }

    #[test]
    fn an_exact_factor_leaves_the_spread_alone() {
        let range = Range::new(Joules(1.0), Joules(2.0), Joules(5.0)).times(Range::exact(Ratio(3.0)));
        assert!((range.low.0 - 3.0).abs() < 1e-9 && (range.high.0 - 15.0).abs() < 1e-9);
    }

    #[test]
    fn division_undoes_multiplication_at_the_centre() {
        let range = Range::exact(Joules(6.0)).over(Range::new(Ratio(1.0), Ratio(2.0), Ratio(3.0)));
        assert_eq!(range.central, Joules(3.0));
        assert!((range.low.0 - 2.0).abs() < 1e-9 && (range.high.0 - 6.0).abs() < 1e-9);
    }

    #[test]
    fn a_zero_low_end_stays_zero() {
        let range = Range::new(Joules(0.0), Joules(1.0), Joules(2.0)).times(Range::exact(Ratio(2.0)));
        assert_eq!(range.low, Joules(0.0));
    }
}
