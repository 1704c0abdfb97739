//! A budget inverted: the size and the tokens that reach the least loss for so many kilowatt-hours, kilograms, dollars or device-hours.

use super::law::{self, FLOPS_PER_PARAMETER_TOKEN, Law};
use super::least::least;
use super::lifetime;
use crate::energy::{self, EstimateError, Figure};
use crate::notes::{Level, Note};
use crate::range::{Range, Ratio};
use crate::report::{Best, Cost, Estimate, IsoFlop, Plan, Point};
use crate::scenario::{ModelRef, ModelSummary, Scenario, Serving, Training, Workload};
use crate::units::{Flops, Quantity};
use std::fmt;

/// The smallest and the largest model that are tried.
pub(super) const SIZES: (f64, f64) = (1e5, 1e14);
/// Points of an isoFLOP curve.
const POINTS: usize = 41;
/// How far such a curve reaches to either side of its best size.
const REACH: f64 = 10.0;
/// Tokens for each parameter beyond which the law rests on no run of its own.
const FAR_FROM_THE_LAW: f64 = 200.0;
/// The smallest and the largest budget that are no slip of the finger.
const BUDGETS: std::ops::RangeInclusive<f64> = 1e-3..=1e15;
/// How often a cost that is nearly proportional to the tokens is brought nearer to the budget.
const ROUNDS: usize = 6;

/// What a budget is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Energy at the meter.
    KilowattHours,
    /// Emissions of that energy.
    KilogramsCo2e,
    /// Rent where a price is known, else the electricity bill.
    Dollars,
    /// Hours × devices.
    DeviceHours,
}

impl Measure {
    /// The unit that is printed.
    pub fn unit(self) -> &'static str {
        match self {
            Self::KilowattHours => "kWh",
            Self::KilogramsCo2e => "kgCO2e",
            Self::Dollars => "USD",
            Self::DeviceHours => "device-hours",
        }
    }
}

/// A budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// How much.
    pub amount: f64,
    /// Of what.
    pub measure: Measure,
}

/// What is served over the model's life.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// Tokens of prompts and answers together.
    pub tokens: f64,
    /// How they are served: batch and tokens of a request. A rate of requests plays no part.
    pub serving: Serving,
    /// The number format, where it is another than in training.
    pub precision: Option<String>,
}

/// What is to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The budget.
    pub budget: Budget,
    /// Machines, place and assumptions; its model and workload play no part.
    pub scenario: Scenario,
    /// What is served afterwards.
    pub served: Option<Served>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanError {
    /// The scenario cannot be estimated.
    Estimate(EstimateError),
    /// A number is outside its bounds.
    OutOfBounds {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The bounds, in words.
        bounds: String,
    },
    /// The budget trains no model of any size, or one beyond all sizes.
    NoModel {
        /// The measure's unit.
        unit: &'static str,
    },
    /// A table that is a part of this crate lacks a row: a fault of ours.
    MissingLaw,
}

impl From<EstimateError> for PlanError {
    fn from(fault: EstimateError) -> Self {
        Self::Estimate(fault)
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estimate(fault) => fault.fmt(f),
            Self::OutOfBounds { what, value, bounds } => write!(f, "{what} is {value}; it must be {bounds}"),
            Self::NoModel { unit } => {
                write!(
                    f,
                    "no model can be planned for this budget: a run costs nothing in {unit} here, or the budget is too small or too large"
                )
            }
            Self::MissingLaw => f.write_str("the table of scaling laws lacks its corrected fit; this is our mistake"),
        }
    }
}

impl std::error::Error for PlanError {}

/// A language model of a size, as an estimate wants it.
pub(super) fn model(parameters: f64) -> (ModelRef, ModelSummary) {
    (ModelRef::Counts { parameters, active_parameters: None }, ModelSummary::from_counts(parameters, None))
}

/// The scenario of training a model of a size on so many tokens.
pub(super) fn training(base: &Scenario, parameters: f64, tokens: f64) -> (Scenario, ModelSummary) {
    let (model, summary) = model(parameters);
    let run = match &base.workload {
        Workload::Train(training) => training.clone(),
        Workload::Serve(_) => Training::default(),
    };
    let workload = Workload::Train(Training { tokens: Some(tokens), ..run });
    (Scenario { model, workload, ..base.clone() }, summary)
}

/// The figure that a budget limits.
fn figure(measure: Measure, has_rent: bool) -> Figure {
    match measure {
        Measure::KilowattHours => Figure::Energy,
        Measure::KilogramsCo2e => Figure::Co2e,
        Measure::Dollars if has_rent => Figure::Rent,
        Measure::Dollars => Figure::Electricity,
        Measure::DeviceHours => Figure::WorkingHours,
    }
}

/// The tokens on which a model of this size can learn for the budget.
fn tokens_for(base: &Scenario, limited: Figure, budget: f64, parameters: f64) -> Option<f64> {
    let mut tokens = parameters;
    for _ in 0..ROUNDS {
        let (scenario, summary) = training(base, parameters, tokens);
        let cost = energy::central(&scenario, &summary).ok()?.get(limited);
        let factor = budget / cost;
        if !(factor.is_finite() && factor > 0.0) {
            return None;
        }
        tokens *= factor;
        if (factor - 1.0).abs() < 1e-9 {
            break;
        }
    }
    Some(tokens).filter(|tokens| tokens.is_finite() && *tokens >= 1.0)
}

/// Plans what a budget trains best, and what is cheapest over the model's life.
///
/// # Errors
/// Machines or a place that cannot be estimated, numbers outside their bounds, or a budget that trains no model.
pub fn plan(request: &Request) -> Result<Plan, PlanError> {
    let Budget { amount, measure } = request.budget;
    if !(amount.is_finite() && BUDGETS.contains(&amount)) {
        let bounds = format!("from {} to {:e}", BUDGETS.start(), BUDGETS.end());
        return Err(PlanError::OutOfBounds { what: "the budget", value: amount, bounds });
    }
    let law = law::corrected().ok_or(PlanError::MissingLaw)?;
    let base = &request.scenario;
    // A first estimate says whether the scenario can be estimated at all, and whether a rent is known.
    let (scenario, summary) = training(base, 1e9, 1e9);
    let has_rent = energy::estimate(&scenario, &summary)?.rent_usd.is_some();
    let limited = figure(measure, has_rent);
    let best_of = |law: &Law| {
        let (parameters, loss) = least(SIZES.0, SIZES.1, |parameters| {
            let tokens = tokens_for(base, limited, amount, parameters)?;
            Some(law.loss(parameters, tokens))
        })?;
        Some(Point { parameters, tokens: tokens_for(base, limited, amount, parameters)?, loss })
    };
    let no_model = || PlanError::NoModel { unit: measure.unit() };
    let point = best_of(law).ok_or_else(no_model)?;
    let (scenario, summary) = training(base, point.parameters, point.tokens);
    let estimate = energy::estimate(&scenario, &summary)?;
    let flops = FLOPS_PER_PARAMETER_TOKEN * point.parameters * point.tokens;
    let (best, factor_of_the_cost) = with_spans(law, point, flops, relative(&estimate, limited));
    let mut warnings = notes(&estimate, &point, measure, has_rent);
    let lifetime = match &request.served {
        None => None,
        Some(served) => Some(lifetime::plan(law, base, &point, served, &mut warnings)?),
    };
    Ok(Plan {
        budget: amount,
        unit: measure.unit().to_owned(),
        law: format!("{}: {}", law.label, law.evidence.source.citation()),
        best,
        by_the_original_fit: law::original().and_then(best_of),
        cost: Cost {
            hours: estimate.hours,
            device_hours: estimate.device_hours,
            energy_kwh: estimate.energy_kwh,
            co2e_kg: estimate.co2e_kg,
            cost_usd: estimate.cost_usd,
            rent_usd: estimate.rent_usd,
        },
        factor_of_the_law: law.size_factor(flops),
        factor_of_the_cost,
        isoflops: [0.1, 0.3, 1.0, 3.0, 10.0].map(|factor| isoflop(law, flops * factor)).into(),
        lifetime,
        warnings,
    })
}

/// The ends of the limited figure over its centre.
fn relative(estimate: &Estimate, limited: Figure) -> Range<Ratio> {
    fn of<T: Quantity>(range: Range<T>) -> Range<Ratio> {
        let central = range.central.amount();
        range.map(|end| Ratio(if central > 0.0 { end.amount() / central } else { 1.0 }))
    }
    match limited {
        Figure::Energy => of(estimate.energy_kwh),
        Figure::Co2e => of(estimate.co2e_kg),
        Figure::Electricity => of(estimate.cost_usd),
        Figure::Rent => estimate.rent_usd.map_or(Range::exact(Ratio(1.0)), of),
        _ => of(estimate.device_hours),
    }
}

/// The best point with the spans that the law and the cost of compute give it, combined in quadrature on the logarithm.
fn with_spans(law: &Law, point: Point, flops: f64, cost: Range<Ratio>) -> (Best, Range<Ratio>) {
    // Where a run costs more than the centre, the budget buys less compute.
    let compute = Range::new(Ratio(1.0 / cost.high.0), Ratio(1.0), Ratio(1.0 / cost.low.0.max(f64::MIN_POSITIVE)));
    let of_law = law.size_factor(flops);
    let of_law = Range::new(Ratio(1.0 / of_law), Ratio(1.0), Ratio(of_law));
    let size = law.size_exponent();
    let grown = |exponent: f64| compute.map(|factor| Ratio(libm::pow(factor.0, exponent)));
    let span = |value: f64, exponent: f64| grown(exponent).times(of_law).map(|factor| Ratio(factor.0 * value));
    let fit = law.loss_range(point.parameters, point.tokens);
    // The loss moves against the compute: less of it, more loss.
    let at = |factor: f64| {
        law.loss(point.parameters * libm::pow(factor, size), point.tokens * libm::pow(factor, 1.0 - size))
    };
    let beside = |of_fit: f64, of_cost: f64| (of_fit * of_fit + of_cost * of_cost).sqrt();
    let loss = Range::new(
        Ratio(point.loss - beside(point.loss - fit.low.0, point.loss - at(compute.high.0))),
        Ratio(point.loss),
        Ratio(point.loss + beside(fit.high.0 - point.loss, at(compute.low.0) - point.loss)),
    );
    let best = Best {
        parameters: span(point.parameters, size),
        tokens: span(point.tokens, 1.0 - size),
        tokens_per_parameter: point.tokens / point.parameters,
        loss,
        flops: Flops(flops),
    };
    (best, compute)
}

/// Loss over size at equal compute.
fn isoflop(law: &Law, flops: f64) -> IsoFlop {
    let best = law.optimum(flops);
    let point = |parameters: f64| {
        let tokens = flops / (FLOPS_PER_PARAMETER_TOKEN * parameters);
        Point { parameters, tokens, loss: law.loss(parameters, tokens) }
    };
    let points = (0..POINTS).map(|nth| {
        let exponent = 2.0 * nth as f64 / (POINTS - 1) as f64 - 1.0;
        point(best.parameters * libm::pow(REACH, exponent))
    });
    IsoFlop { flops: Flops(flops), best: point(best.parameters), points: points.collect() }
}

fn notes(estimate: &Estimate, point: &Point, measure: Measure, has_rent: bool) -> Vec<Note> {
    let mut all = Vec::new();
    let mut say = |level: Level, text: String| all.push(Note { level, place: String::new(), text });
    for obstacle in &estimate.obstacles {
        say(Level::Warning, format!("on these devices it does not run as planned: {}", obstacle.text()));
    }
    if point.tokens / point.parameters > FAR_FROM_THE_LAW {
        say(Level::Warning, far_from_the_law(point.tokens / point.parameters));
    }
    if measure == Measure::Dollars {
        let what =
            if has_rent { "the rent of the devices" } else { "the electricity bill alone, for no rent is known" };
        say(Level::Info, format!("money is {what}; set electricity-price or rent-price to your own"));
    }
    say(
        Level::Info,
        "the law is of plain language models that see each token once; other data, tokenisers and mixtures of experts move it, and loss is no measure of usefulness".to_owned(),
    );
    all.extend(estimate.warnings.iter().filter(|note| note.level == Level::Warning).cloned());
    all
}

pub(super) fn far_from_the_law(tokens_per_parameter: f64) -> String {
    format!(
        "{} tokens for each parameter is far beyond the runs behind the law, which promises too much of further tokens there (Sardana and others 2024)",
        crate::format::number(tokens_per_parameter)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Hardware;

    pub(crate) fn request(amount: f64, measure: Measure) -> Request {
        let hardware = Hardware { device: "a100-sxm4-80gb".to_owned(), count: 64, precision: None };
        Request {
            budget: Budget { amount, measure },
            scenario: Scenario { hardware, ..Scenario::default() },
            served: None,
        }
    }

    #[test]
    fn the_budget_is_met_in_each_measure() {
        for (amount, measure) in [
            (10_000.0, Measure::KilowattHours),
            (5_000.0, Measure::KilogramsCo2e),
            (50_000.0, Measure::Dollars),
            (20_000.0, Measure::DeviceHours),
        ] {
            let plan = plan(&request(amount, measure)).unwrap();
            let spent = match measure {
                Measure::KilowattHours => plan.cost.energy_kwh.central.0,
                Measure::KilogramsCo2e => plan.cost.co2e_kg.central.0,
                Measure::Dollars => plan.cost.rent_usd.unwrap().central.0,
                Measure::DeviceHours => plan.cost.device_hours.central.0,
            };
            assert!((spent / amount - 1.0).abs() < 1e-6, "{measure:?}: {spent}");
            assert_eq!(plan.unit, measure.unit());
        }
    }

    #[test]
    fn neighbours_that_cost_the_same_are_worse() {
        let request = request(10_000.0, Measure::KilowattHours);
        let found = plan(&request).unwrap();
        let law = law::corrected().unwrap();
        let best = found.best.parameters.central.0;
        for step in [0.5, 0.8, 0.95, 1.05, 1.25, 2.0] {
            let tokens = tokens_for(&request.scenario, Figure::Energy, 10_000.0, best * step).unwrap();
            assert!(law.loss(best * step, tokens) > found.best.loss.central.0, "{step}");
        }
    }

    #[test]
    fn where_energy_follows_operations_the_optimum_is_chinchilla_s() {
        let found = plan(&request(1e6, Measure::DeviceHours)).unwrap();
        let expected = law::corrected().unwrap().optimum(found.best.flops.0);
        assert!((found.best.parameters.central.0 / expected.parameters - 1.0).abs() < 0.1, "{found:?} {expected:?}");
        let original = found.by_the_original_fit.unwrap();
        // The original fit asks for smaller models and more tokens.
        assert!(original.parameters < found.best.parameters.central.0);
    }

    #[test]
    fn spans_hold_the_centre_and_both_causes() {
        let found = plan(&request(1e5, Measure::KilowattHours)).unwrap();
        let (size, tokens, loss) = (found.best.parameters, found.best.tokens, found.best.loss);
        for range in [size, tokens, loss] {
            assert!(range.low < range.central && range.central < range.high, "{range:?}");
        }
        assert!(size.high.0 / size.central.0 >= found.factor_of_the_law);
        assert!(found.factor_of_the_cost.low.0 < 1.0 && found.factor_of_the_cost.high.0 > 1.0);
        let more = plan(&request(4e5, Measure::KilowattHours)).unwrap();
        assert!(more.best.parameters.central > size.central && more.best.loss.central < loss.central);
    }

    #[test]
    fn curves_of_equal_compute_have_their_best_in_the_middle() {
        let found = plan(&request(1e5, Measure::KilowattHours)).unwrap();
        assert_eq!(found.isoflops.len(), 5);
        for curve in &found.isoflops {
            assert!(curve.points.iter().all(|point| point.loss >= curve.best.loss));
            for point in &curve.points {
                assert!((6.0 * point.parameters * point.tokens / curve.flops.0 - 1.0).abs() < 1e-9);
            }
            assert!(curve.points.windows(2).all(|pair| pair[0].parameters < pair[1].parameters));
        }
        assert!(found.isoflops.windows(2).all(|pair| pair[0].best.loss > pair[1].best.loss));
    }

    #[test]
    fn faults_are_told() {
        for amount in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e30] {
            let fault = plan(&request(amount, Measure::KilowattHours)).unwrap_err();
            assert!(matches!(fault, PlanError::OutOfBounds { .. }), "{fault}");
        }
        let mut unknown = request(1.0, Measure::KilowattHours);
        unknown.scenario.hardware.device = "abacus".to_owned();
        assert!(matches!(plan(&unknown), Err(PlanError::Estimate(EstimateError::UnknownDevice { .. }))));
        let mut free = request(1.0, Measure::KilogramsCo2e);
        free.scenario.set.insert("grid-intensity".to_owned(), 0.0);
        assert!(matches!(plan(&free), Err(PlanError::NoModel { .. })));
    }
}
