//! The figures of one computation, and how the spans of assumptions become the spans of figures.

use super::assumptions::{Assumptions, Values};
use crate::range::Range;
use crate::units::Quantity;

/// Names of the figures; each is a place in [`Figures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Floating-point operations of products.
    Flops,
    /// Wall-clock hours.
    Hours,
    /// Hours × devices, working.
    WorkingHours,
    /// Hours × devices, waiting.
    IdleHours,
    /// kWh.
    Accelerators,
    /// kWh.
    Host,
    /// kWh.
    Network,
    /// kWh.
    Idle,
    /// kWh.
    PueOverhead,
    /// kWh at the meter.
    Energy,
    /// kg.
    Co2e,
    /// kg.
    Embodied,
    /// kg.
    TotalCo2e,
    /// Litres.
    Water,
    /// USD.
    Electricity,
    /// USD.
    Rent,
    /// Samples learnt from, tokens learnt from, or requests answered: what energy is divided by.
    Items,
    /// Tokens of the answers.
    OutputTokens,
    /// Joules of the chips while working, per request.
    AcceleratorPerRequest,
    /// Seconds.
    Latency,
    /// Seconds.
    FirstToken,
    /// Seconds.
    BetweenTokens,
    /// Requests per second.
    Capacity,
    /// Share of capacity.
    Load,
    /// Requests in flight while there are any.
    InFlight,
    /// Share of a batch's time.
    ComputeBound,
    /// Share of a batch's time.
    MemoryBound,
    /// Share of a batch's time.
    Starting,
}

/// How many figures there are.
const FIGURES: usize = Figure::Starting as usize + 1;

/// The figures of one computation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures([f64; FIGURES]);

impl Figures {
    /// All zero.
    pub(crate) fn new() -> Self {
        Self([0.0; FIGURES])
    }

    /// One figure.
    pub(crate) fn get(&self, figure: Figure) -> f64 {
        self.0.get(figure as usize).copied().unwrap_or(0.0)
    }

    /// Sets one figure.
    pub(crate) fn put(&mut self, figure: Figure, value: f64) {
        if let Some(place) = self.0.get_mut(figure as usize) {
            *place = value;
        }
    }
}

/// The figures at the central values, and with each uncertain assumption at its ends.
pub(crate) struct Spread {
    /// At the central values.
    pub(crate) central: Figures,
    /// With one assumption at its low and at its high end.
    ends: Vec<(Figures, Figures)>,
}

impl Spread {
    /// Runs a computation at the centre and at both ends of every assumption that has a span and widens results.
    pub(crate) fn of(assumptions: &Assumptions, compute: impl Fn(Values<'_>) -> Figures) -> Self {
        let ends = assumptions
            .iter()
            .filter(|item| item.widens && item.span.low < item.span.high)
            .map(|item| {
                (
                    compute(assumptions.with(item.key, item.span.low.0)),
                    compute(assumptions.with(item.key, item.span.high.0)),
                )
            })
            .collect();
        Self { central: compute(assumptions.central()), ends }
    }

    /// The span of any value derived from the figures.
    ///
    /// Assumptions are independent: what each does alone to the logarithm of the value is combined in quadrature,
    /// as [`Range::times`] does for a product.
    /// Where a value is zero, and so has no logarithm, the widest single excursion is taken.
    pub(crate) fn range<T: Quantity>(&self, value: impl Fn(&Figures) -> f64) -> Range<T> {
        let central = value(&self.central);
        let (mut down, mut up) = (0.0, 0.0);
        let (mut least, mut most) = (central, central);
        let mut has_logarithm = central > 0.0;
        for (low, high) in &self.ends {
            let (a, b) = (value(low), value(high));
            least = least.min(a).min(b);
            most = most.max(a).max(b);
            if a > 0.0 && b > 0.0 && central > 0.0 {
                let (a, b) = (libm::log(a / central), libm::log(b / central));
                down += a.min(b).min(0.0).powi(2);
                up += a.max(b).max(0.0).powi(2);
            } else {
                has_logarithm = false;
            }
        }
        if has_logarithm {
            Range::new(
                T::of(central * libm::exp(-f64::sqrt(down))),
                T::of(central),
                T::of(central * libm::exp(f64::sqrt(up))),
            )
        } else {
            Range::new(T::of(least), T::of(central), T::of(most))
        }
    }

    /// The span of one figure.
    pub(crate) fn figure<T: Quantity>(&self, figure: Figure) -> Range<T> {
        self.range(|figures| figures.get(figure))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assumptions::{Assumed, Key};
    use super::*;
    use crate::range::Ratio;
    use crate::units::KilowattHours;

    fn assumptions() -> Assumptions {
        let mut all = Assumptions::default();
        let twofold = Range::new(Ratio(0.5), Ratio(1.0), Ratio(2.0));
        all.add(Assumed::new(Key::Pue, "a", "", twofold, String::new()));
        all.add(Assumed::new(Key::Mfu, "b", "", twofold, String::new()));
        all
    }

    #[test]
    fn a_product_widens_as_ranges_do() {
        let spread = Spread::of(&assumptions(), |values| {
            let mut figures = Figures::new();
            figures.put(Figure::Energy, 10.0 * values.get(Key::Pue) / values.get(Key::Mfu));
            figures
        });
        let twofold = Range::new(Ratio(0.5), Ratio(1.0), Ratio(2.0));
        let expected = Range::exact(KilowattHours(10.0)).times(twofold).over(twofold);
        let range: Range<KilowattHours> = spread.figure(Figure::Energy);
        assert!((range.high.0 - expected.high.0).abs() < 1e-9 && (range.low.0 - expected.low.0).abs() < 1e-9);
    }

    #[test]
    fn what_an_assumption_does_not_touch_stays_narrow() {
        let spread = Spread::of(&assumptions(), |_| {
            let mut figures = Figures::new();
            figures.put(Figure::Hours, 3.0);
            figures
        });
        assert_eq!(spread.figure::<Ratio>(Figure::Hours), Range::exact(Ratio(3.0)));
    }

    #[test]
    fn zeros_have_a_span_too() {
        let spread = Spread::of(&assumptions(), |values| {
            let mut figures = Figures::new();
            figures.put(Figure::Idle, (values.get(Key::Pue) - 1.0).max(0.0));
            figures
        });
        let range: Range<Ratio> = spread.figure(Figure::Idle);
        assert_eq!((range.low, range.central, range.high), (Ratio(0.0), Ratio(0.0), Ratio(1.0)));
    }
}
