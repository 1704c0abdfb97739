//! After how many requests distillation, quantization or pruning has paid for the training that it took.

use crate::format;
use crate::notes::{Level, Note};
use crate::range::{Range, Ratio};
use crate::report::{BreakEven, Estimate, PayBack};
use crate::units::{GRAMS_PER_KILOGRAM, Quantity, WATT_HOURS_PER_KILOWATT_HOUR};

/// Compares the estimates of one request before and after a change, and of all that the change took.
///
/// `before` and `after` are estimates of serving, without a rate of requests so that idle time plays no part; `extra` are estimates of training.
/// `requests_per_day` turns requests into days.
///
/// A request costs what the estimates say; their errors are mostly shared (the same device, place and formulas),
/// so the saving has the relative span of the estimate before, and combines with that of the extra training in quadrature.
pub fn break_even(before: &Estimate, after: &Estimate, extra: &[Estimate], requests_per_day: Option<f64>) -> BreakEven {
    let sum = |value: &dyn Fn(&Estimate) -> Range<Ratio>| {
        extra.iter().map(value).reduce(Range::plus).unwrap_or(Range::exact(Ratio(0.0)))
    };
    let none = Range::exact(Ratio(0.0));
    let request_kwh = |estimate: &Estimate| {
        estimate
            .per_request_wh
            .map_or(none, |energy| energy.map(|energy| Ratio(energy.0 / WATT_HOURS_PER_KILOWATT_HOUR)))
    };
    let request_kg = |estimate: &Estimate| {
        estimate.per_request_co2e_g.map_or(none, |grams| grams.map(|grams| Ratio(grams.0 / GRAMS_PER_KILOGRAM)))
    };
    // Rent where all have a price, else electricity for all.
    let rented = [before, after].into_iter().chain(extra).all(|estimate| estimate.rent_usd.is_some());
    let money = |estimate: &Estimate| match (rented, estimate.rent_usd) {
        (true, Some(rent)) => plain(rent),
        _ => plain(estimate.cost_usd),
    };
    let pay_back = |unit: &str, extra: Range<Ratio>, before: Range<Ratio>, after: Range<Ratio>| {
        let requests = requests(extra, before, after);
        PayBack {
            unit: unit.to_owned(),
            extra,
            before,
            after,
            requests,
            days: requests
                .zip(requests_per_day.filter(|rate| *rate > 0.0))
                .map(|(requests, rate)| requests.map(|requests| Ratio(requests.0 / rate))),
        }
    };
    let energy = pay_back("kWh", sum(&|estimate| plain(estimate.energy_kwh)), request_kwh(before), request_kwh(after));
    let mut warnings = Vec::new();
    if energy.requests.is_none() {
        warnings.push(Note {
            level: Level::Warning,
            place: String::new(),
            text: format!(
                "a request takes {} times the energy it took before, so the extra training is never paid back in energy",
                format::number(ratio(energy.after.central.0, energy.before.central.0))
            ),
        });
    }
    warnings.push(Note {
        level: Level::Info,
        place: String::new(),
        text: format!(
            "money is {}; quality is not compared: a smaller model may need more requests for the same work",
            if rented {
                "what renting the devices costs"
            } else {
                "the electricity bill alone, since no rent is known for all devices"
            }
        ),
    });
    BreakEven {
        co2e: pay_back("kg", sum(&|estimate| plain(estimate.co2e_kg)), request_kg(before), request_kg(after)),
        money: Some(pay_back("USD", sum(&money), money(before), money(after))),
        energy,
        warnings,
    }
}

fn plain<T: Quantity>(range: Range<T>) -> Range<Ratio> {
    range.map(|value| Ratio(value.amount()))
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Extra ÷ (before − after); `None` where nothing is saved.
fn requests(extra: Range<Ratio>, before: Range<Ratio>, after: Range<Ratio>) -> Option<Range<Ratio>> {
    let saved = before.central.0 - after.central.0;
    if saved <= 0.0 || before.central.0 <= 0.0 {
        return None;
    }
    let scale = saved / before.central.0;
    let saved = before.map(|before| Ratio(before.0 * scale));
    if extra.central.0 <= 0.0 || saved.low.0 <= 0.0 {
        return Some(Range::exact(Ratio(extra.central.0 / saved.central.0)));
    }
    Some(extra.over(saved))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::estimate;
    use crate::scenario::{Hardware, ModelRef, Scenario, Serving, Training, Workload};

    fn served(parameters: f64, precision: &str, batch: u64) -> Estimate {
        let model = ModelRef::Counts { parameters, active_parameters: None };
        let summary = model.summary().unwrap();
        let hardware = Hardware { device: "h100-sxm".to_owned(), count: 4, precision: Some(precision.to_owned()) };
        let workload = Workload::Serve(Serving { batch, ..Serving::default() });
        estimate(&Scenario { model, workload, hardware, ..Scenario::default() }, &summary).unwrap()
    }

    fn trained(parameters: f64, tokens: f64) -> Estimate {
        let model = ModelRef::Counts { parameters, active_parameters: None };
        let summary = model.summary().unwrap();
        let hardware = Hardware { device: "h100-sxm".to_owned(), count: 64, precision: None };
        let workload = Workload::Train(Training { tokens: Some(tokens), ..Training::default() });
        estimate(&Scenario { model, workload, hardware, ..Scenario::default() }, &summary).unwrap()
    }

    #[test]
    fn a_smaller_model_pays_for_its_training() {
        let (before, after) = (served(70e9, "bf16", 8), served(8e9, "bf16", 8));
        let extra = [trained(8e9, 1e11), trained(8e9, 1e10)];
        let found = break_even(&before, &after, &extra, Some(1e5));
        let requests = found.energy.requests.unwrap();
        // Spent once, saved each time.
        let saved = found.energy.before.central.0 - found.energy.after.central.0;
        assert!((requests.central.0 * saved / found.energy.extra.central.0 - 1.0).abs() < 1e-9);
        assert!(requests.low < requests.central && requests.central < requests.high);
        let energy: f64 = extra.iter().map(|estimate| estimate.energy_kwh.central.0).sum();
        assert!((found.energy.extra.central.0 / energy - 1.0).abs() < 1e-12);
        assert!((found.energy.days.unwrap().central.0 * 1e5 / requests.central.0 - 1.0).abs() < 1e-9);
        // The same grid on both sides: emissions pay back when energy does.
        let in_emissions = found.co2e.requests.unwrap().central.0;
        assert!((in_emissions / requests.central.0 - 1.0).abs() < 1e-9);
        // Twice the training, twice the requests.
        let twice = break_even(&before, &after, &[extra[0].clone(), extra[0].clone()], None);
        let once = break_even(&before, &after, &extra[..1], None);
        let factor = twice.energy.requests.unwrap().central.0 / once.energy.requests.unwrap().central.0;
        assert!((factor - 2.0).abs() < 1e-9 && once.energy.days.is_none());
    }

    #[test]
    fn what_saves_nothing_is_never_paid_back() {
        let (before, after) = (served(8e9, "bf16", 8), served(70e9, "bf16", 8));
        let found = break_even(&before, &after, &[trained(8e9, 1e9)], None);
        assert_eq!((found.energy.requests, found.co2e.requests), (None, None));
        assert!(found.warnings.iter().any(|note| note.text.contains("never paid back")));
        // What costs nothing is paid back at once.
        let free = break_even(&after, &before, &[], None);
        assert_eq!(free.energy.requests.map(|requests| requests.central.0), Some(0.0));
    }
}
