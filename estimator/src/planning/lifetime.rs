//! The cheapest model of a given loss over its life: a smaller one that learns longer, where it is asked often enough.
//!
//! The idea is that of Sardana and others (2024), who count operations; here energy is counted, for training and for serving apart,
//! because a token that is written costs far more energy for its operations than one that is learnt from.

use super::budget::{PlanError, SIZES, Served, far_from_the_law, model, training};
use super::law::Law;
use super::least::least;
use crate::energy::{self, Figure};
use crate::notes::{Level, Note};
use crate::range::{Range, Ratio};
use crate::report::{Life, Lifetime, Point};
use crate::scenario::{Scenario, Serving, Workload};
use crate::units::{KilogramsCo2e, KilowattHours};

/// Points of the curve.
const POINTS: usize = 31;
/// The most devices on which one copy of a model is served.
const MOST_DEVICES: u64 = 1024;
/// The tokens that can be served: more are a slip of the finger.
const MOST_TOKENS: f64 = 1e21;
/// Tokens for each parameter beyond which the law rests on no run of its own.
const FAR_FROM_THE_LAW: f64 = 200.0;

/// The size between two ends at which a model of this loss costs least, given what size and tokens cost; with its tokens and its cost.
pub(super) fn cheapest(
    law: &Law,
    loss: f64,
    most: f64,
    cost: impl Fn(f64, f64) -> Option<f64>,
) -> Option<(f64, f64, f64)> {
    let smallest = law.least_size(loss)?.max(SIZES.0) * 1.000_001;
    let (parameters, spent) = least(smallest, most, |parameters| cost(parameters, law.tokens_for(loss, parameters)?))?;
    Some((parameters, law.tokens_for(loss, parameters)?, spent))
}

/// Plans the model of the same loss as `point` that needs the least energy over its life.
///
/// # Errors
/// A number outside its bounds, or a model that cannot be served on these devices.
pub(super) fn plan(
    law: &Law,
    base: &Scenario,
    point: &Point,
    served: &Served,
    warnings: &mut Vec<Note>,
) -> Result<Lifetime, PlanError> {
    if !(served.tokens.is_finite() && served.tokens > 0.0 && served.tokens <= MOST_TOKENS) {
        let bounds = format!("above 0 and at most {MOST_TOKENS:e}");
        return Err(PlanError::OutOfBounds { what: "the number of served tokens", value: served.tokens, bounds });
    }
    let each = served.serving.prompt_tokens + served.serving.output_tokens;
    let requests = served.tokens / each.max(1.0);
    let life = |parameters: f64, tokens: f64| {
        let (scenario, summary) = training(base, parameters, tokens);
        let trained = energy::central(&scenario, &summary).ok()?;
        let (devices, one) = request(base, served, parameters)?;
        Some(Life {
            parameters,
            tokens,
            training_kwh: KilowattHours(trained.get(Figure::Energy)),
            serving_kwh: KilowattHours(one.get(Figure::Energy) * requests),
            co2e_kg: KilogramsCo2e(trained.get(Figure::Co2e) + one.get(Figure::Co2e) * requests),
            serving_devices: devices,
        })
    };
    let no_model = || PlanError::NoModel { unit: "kWh" };
    let compute_optimal = life(point.parameters, point.tokens).ok_or_else(no_model)?;
    // A larger model than the compute-optimal one costs more in training and in serving.
    let best_with = |factor: f64| {
        cheapest(law, point.loss, point.parameters, |parameters, tokens| {
            let life = life(parameters, tokens)?;
            Some(life.training_kwh.0 + life.serving_kwh.0 * factor)
        })
    };
    let (parameters, tokens, _) = best_with(1.0).ok_or_else(no_model)?;
    let best = life(parameters, tokens).ok_or_else(no_model)?;
    // Serving that costs more than the centre makes smaller models worth more training.
    let spread = serving_span(base, served, parameters).unwrap_or(Range::exact(Ratio(1.0)));
    let end = |factor: f64| best_with(factor).map_or(parameters, |(parameters, _, _)| parameters);
    let span = Range::new(Ratio(end(spread.high.0)), Ratio(parameters), Ratio(end(spread.low.0)));
    if tokens / parameters > FAR_FROM_THE_LAW {
        let text = format!("over its life: {}", far_from_the_law(tokens / parameters));
        warnings.push(Note { level: Level::Warning, place: String::new(), text });
    }
    let saved = compute_optimal.total() - best.total();
    let (low, high) = (libm::log(parameters / 4.0), libm::log(point.parameters * 2.0));
    let curve = (0..POINTS).filter_map(|nth| {
        let parameters = libm::exp(low + (high - low) * nth as f64 / (POINTS - 1) as f64);
        life(parameters, law.tokens_for(point.loss, parameters)?)
    });
    Ok(Lifetime {
        served_tokens: served.tokens,
        requests,
        loss: point.loss,
        parameters: span,
        saved_share: if compute_optimal.total().0 > 0.0 { saved / compute_optimal.total() } else { 0.0 },
        saved_kwh: saved,
        curve: curve.collect(),
        compute_optimal,
        best,
    })
}

/// The scenario of one request to a model of a size, on so many devices.
fn scenario(base: &Scenario, served: &Served, parameters: f64, devices: u64) -> Scenario {
    let mut scenario = base.clone();
    scenario.model = model(parameters).0;
    scenario.workload = Workload::Serve(Serving { requests_per_day: None, ..served.serving.clone() });
    scenario.hardware.count = devices;
    if served.precision.is_some() {
        scenario.hardware.precision.clone_from(&served.precision);
    }
    scenario
}

/// One request in a full batch on the fewest devices that hold the model, doubled from one; with their number.
fn request(base: &Scenario, served: &Served, parameters: f64) -> Option<(u64, energy::Figures)> {
    let summary = model(parameters).1;
    let mut devices = 1;
    loop {
        let scenario = scenario(base, served, parameters, devices);
        if energy::fits(&scenario, &summary).ok()? != Some(false) {
            return Some((devices, energy::central(&scenario, &summary).ok()?));
        }
        devices *= 2;
        if devices > MOST_DEVICES {
            return None;
        }
    }
}

/// The ends of the energy of a request over its centre.
fn serving_span(base: &Scenario, served: &Served, parameters: f64) -> Option<Range<Ratio>> {
    let (devices, _) = request(base, served, parameters)?;
    let found = energy::estimate(&scenario(base, served, parameters, devices), &model(parameters).1).ok()?;
    let energy = found.per_request_wh?;
    let central = energy.central.0;
    (central > 0.0).then(|| energy.map(|end| Ratio(end.0 / central)))
}

#[cfg(test)]
mod tests {
    use super::super::budget::{self, Budget, Measure, Request};
    use super::super::law;
    use super::*;
    use crate::scenario::Hardware;

    #[test]
    fn a_published_case_is_reproduced_in_operations() {
        // Sardana and others 2024, with the original fit: who would train 13 billion parameters by Chinchilla's rule and serve two trillion tokens
        // saves 17 % of all operations, 1.7e22, with about 7 billion.
        let law = law::original().unwrap();
        let flops = law.flops_of_size(13e9);
        let start = law.optimum(flops);
        assert!((start.parameters / 13e9 - 1.0).abs() < 1e-9);
        let served = 2e12;
        let cost = |parameters: f64, tokens: f64| Some(6.0 * parameters * tokens + 2.0 * parameters * served);
        let (parameters, tokens, spent) = cheapest(law, start.loss, start.parameters, cost).unwrap();
        let before = cost(start.parameters, start.tokens).unwrap();
        assert!((6e9..9e9).contains(&parameters), "{parameters:e}");
        assert!((law.loss(parameters, tokens) - start.loss).abs() < 1e-9);
        let saved = (before - spent) / before;
        assert!((0.12..0.22).contains(&saved), "{saved}");
        assert!((1e22..2.5e22).contains(&(before - spent)), "{:e}", before - spent);
        // A real minimum: neighbours of the same loss cost more.
        for step in [0.7, 0.9, 1.1, 1.4] {
            let other = parameters * step;
            assert!(cost(other, law.tokens_for(start.loss, other).unwrap()).unwrap() > spent, "{step}");
        }
    }

    fn lifetime(tokens: f64) -> Lifetime {
        let hardware = Hardware { device: "h100-sxm".to_owned(), count: 256, precision: None };
        let serving = Serving { batch: 32, ..Serving::default() };
        let request = Request {
            budget: Budget { amount: 200_000.0, measure: Measure::KilowattHours },
            scenario: Scenario { hardware, ..Scenario::default() },
            served: Some(Served { tokens, serving, precision: None }),
        };
        budget::plan(&request).unwrap().lifetime.unwrap()
    }

    #[test]
    fn the_more_is_served_the_smaller_the_best_model() {
        let found: Vec<Lifetime> = [1e9, 1e11, 1e13].into_iter().map(lifetime).collect();
        for one in &found {
            assert!(one.best.parameters <= one.compute_optimal.parameters * 1.000_001);
            assert!(one.best.total().0 <= one.compute_optimal.total().0 * 1.000_001);
            assert!((one.saved_kwh.0 - (one.compute_optimal.total() - one.best.total()).0).abs() < 1e-6);
            assert!(one.curve.iter().all(|life| life.total().0 >= one.best.total().0 * 0.999_999), "{:?}", one.best);
            assert!(one.parameters.low <= one.parameters.central && one.parameters.central <= one.parameters.high);
        }
        assert!(found.windows(2).all(|pair| pair[0].best.parameters > pair[1].best.parameters));
        assert!(found.windows(2).all(|pair| pair[0].saved_share < pair[1].saved_share));
        // What is hardly asked is best trained by the budget alone.
        assert!(found[0].saved_share < 0.01, "{}", found[0].saved_share);
    }
}
