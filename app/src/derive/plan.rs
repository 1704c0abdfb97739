//! What the page of plans asks of the estimator.

use crate::charts::{Axis, Chart, Curve, Curves};
use crate::text::plan as text;
use estimator::energy;
use estimator::format::Readable;
use estimator::planning::{self, Measure, Request};
use estimator::report::{BreakEven, Estimate, Lifetime, Plan};
use estimator::scenario::{Hardware, ModelRef, Scenario, Serving, Site, Training, Workload};

/// The measures in the order of the form.
pub const MEASURES: [Measure; 4] =
    [Measure::KilowattHours, Measure::KilogramsCo2e, Measure::Dollars, Measure::DeviceHours];

/// Machines and place alone.
pub fn machines(device: &str, count: u64, region: &str) -> Scenario {
    Scenario {
        hardware: Hardware { device: device.to_owned(), count, precision: None },
        site: Site { region: region.to_owned(), ..Site::default() },
        ..Scenario::default()
    }
}

/// The plan.
///
/// # Errors
/// Why there is none, for people.
pub fn plan(request: &Request) -> Result<Plan, String> {
    planning::plan(request).map_err(|fault| fault.to_string())
}

fn axis(name: &str, logarithmic: bool) -> Axis {
    Axis { name: name.to_owned(), logarithmic, holds: None }
}

/// Loss over size at equal compute, the budget’s own in front.
pub fn isoflops(plan: &Plan) -> Chart {
    let nearest = |curve: &&estimator::report::IsoFlop| ((curve.flops.0 / plan.best.flops.0).ln().abs() * 1e6) as u64;
    let own = plan.isoflops.iter().min_by_key(nearest);
    let others = plan.isoflops.iter().filter(|curve| Some(*curve) != own);
    let curves = own.into_iter().chain(others).map(|curve| Curve {
        name: text::curve(&curve.flops.readable()),
        points: curve.points.iter().map(|point| (point.parameters, point.loss)).collect(),
        marked: Some((curve.best.parameters, curve.best.loss)),
    });
    Chart::Curves(Curves {
        curves: curves.collect(),
        across: axis(text::ACROSS, true),
        up: axis(text::UP_LOSS, false),
        summary: text::isoflops(plan.best.parameters.central.0, plan.best.loss.central.0),
        head: text::HEAD.to_owned(),
    })
}

/// Energy over a life by size.
pub fn life_chart(life: &Lifetime) -> Chart {
    let line = |name: &str, energy: &dyn Fn(&estimator::report::Life) -> f64, is_marked: bool| Curve {
        name: name.to_owned(),
        points: life.curve.iter().map(|one| (one.parameters, energy(one))).collect(),
        marked: is_marked.then(|| (life.best.parameters, energy(&life.best))),
    };
    let [all, training, serving] = text::LIFE_LINES;
    Chart::Curves(Curves {
        curves: vec![
            line(all, &|one| one.total().0, true),
            line(training, &|one| one.training_kwh.0, false),
            line(serving, &|one| one.serving_kwh.0, false),
        ],
        across: axis(text::ACROSS, true),
        up: axis(text::UP_ENERGY, true),
        summary: text::life_chart(life.best.parameters),
        head: text::HEAD.to_owned(),
    })
}

/// A smaller model in the place of a larger one.
#[derive(Clone, Debug, PartialEq)]
pub struct Swap {
    /// Parameters before and after.
    pub parameters: (f64, f64),
    /// Devices that serve before and after.
    pub devices: (u64, u64),
    /// The number format after; as before where it is empty.
    pub precision: String,
    /// Tokens of the extra training.
    pub tokens: f64,
    /// Whether the larger model teaches.
    pub distil: bool,
    /// Requests in a day.
    pub per_day: f64,
    /// How requests are served.
    pub serving: Serving,
}

/// When the swap has paid for itself, on the machines and in the place of `base`.
///
/// # Errors
/// Why that cannot be told, for people.
pub fn break_even(base: &Scenario, swap: &Swap) -> Result<BreakEven, String> {
    let run = |scenario: &Scenario, parameters: f64, workload: Workload| -> Result<Estimate, String> {
        let model = ModelRef::Counts { parameters, active_parameters: None };
        let summary = model.summary().unwrap_or_default();
        energy::estimate(&Scenario { model, workload, ..scenario.clone() }, &summary).map_err(|fault| fault.to_string())
    };
    let on = |devices: u64, precision: &str| {
        let mut scenario = base.clone();
        scenario.hardware.count = devices;
        scenario.hardware.precision = Some(precision.to_owned()).filter(|code| !code.is_empty());
        scenario
    };
    let serving = || Workload::Serve(Serving { requests_per_day: None, ..swap.serving.clone() });
    let training = || Workload::Train(Training { tokens: Some(swap.tokens), ..Training::default() });
    let (larger, smaller) = swap.parameters;
    let before = run(&on(swap.devices.0, ""), larger, serving())?;
    let after = run(&on(swap.devices.1, &swap.precision), smaller, serving())?;
    let mut extra = vec![run(base, smaller, training())?];
    if swap.distil {
        let mut forward = base.clone();
        forward.set.insert("backward-over-forward".to_owned(), 0.0);
        extra.push(run(&forward, larger, training())?);
    }
    Ok(planning::break_even(&before, &after, &extra, Some(swap.per_day)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use estimator::planning::{Budget, Served};

    #[test]
    fn charts_show_the_budget_s_own_curve_first_and_mark_the_best() {
        let request = Request {
            budget: Budget { amount: 1e5, measure: Measure::KilowattHours },
            scenario: machines("h100-sxm", 64, "fr"),
            served: Some(Served {
                tokens: 1e12,
                serving: Serving { batch: 32, ..Serving::default() },
                precision: None,
            }),
        };
        let found = plan(&request).unwrap();
        let Chart::Curves(curves) = isoflops(&found) else { panic!("curves") };
        assert_eq!(curves.curves.len(), 5);
        let first = curves.curves[0].marked.unwrap().0;
        assert!((first / found.best.parameters.central.0 - 1.0).abs() < 0.2, "{first}");
        let Chart::Curves(life) = life_chart(found.lifetime.as_ref().unwrap()) else { panic!("curves") };
        assert!(life.curves[0].points.len() > 10 && life.curves[0].marked.is_some());
        assert!(plan(&Request { scenario: machines("abacus", 1, "fr"), ..request }).unwrap_err().contains("abacus"));
    }

    #[test]
    fn a_swap_is_paid_back() {
        let swap = Swap {
            parameters: (70e9, 8e9),
            devices: (4, 1),
            precision: String::new(),
            tokens: 1e10,
            distil: true,
            per_day: 1e5,
            serving: Serving { batch: 8, ..Serving::default() },
        };
        let found = break_even(&machines("h100-sxm", 64, "fr"), &swap).unwrap();
        assert!(found.energy.requests.is_some() && found.energy.days.is_some());
        let without = break_even(&machines("h100-sxm", 64, "fr"), &Swap { distil: false, ..swap }).unwrap();
        assert!(without.energy.extra.central < found.energy.extra.central);
    }
}
