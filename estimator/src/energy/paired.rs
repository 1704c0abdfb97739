//! Two scenarios beside each other: what the second takes over what the first takes, with a range of its own.
//!
//! Both rest on the same assumptions, so most of what is uncertain about each cancels in their ratio:
//! an assumption that both have is moved in both at once, and one that only one has in that one.

use super::assumptions::{Assumed, Key};
use super::case::Case;
use super::figures::{Figure, Figures};
use super::{EstimateError, ledger_items, serving, training};
use crate::range::{Range, Ratio};
use crate::scenario::{ModelSummary, Scenario, Workload};

/// What the second of two scenarios takes over what the first takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Energy at the meter for each request or run.
    pub energy: Range<Ratio>,
    /// Emissions, use and making together.
    pub co2e: Range<Ratio>,
    /// The bill: electricity, or rent where a price is known.
    pub cost: Range<Ratio>,
    /// Time of a request, or hours of a run.
    pub time: Range<Ratio>,
}

/// Compares two scenarios, each with its model.
///
/// # Errors
/// As [`super::estimate`], of either.
pub fn paired(first: (&Scenario, &ModelSummary), second: (&Scenario, &ModelSummary)) -> Result<Paired, EstimateError> {
    let (first, second) = (Side::of(first)?, Side::of(second)?);
    let usual = (first.at(None), second.at(None));
    let mut ends = Vec::new();
    let mut moved: Vec<Key> = Vec::new();
    for side in [&first, &second] {
        for assumed in side.case.assumptions.iter().filter(|item| item.widens && item.span.low < item.span.high) {
            if moved.contains(&assumed.key) {
                continue;
            }
            moved.push(assumed.key);
            let at = |which: fn(&Assumed) -> f64| {
                let value =
                    |side: &Side<'_>| side.case.assumptions.find(assumed.key).map(|own| (assumed.key, which(own)));
                (first.at(value(&first)), second.at(value(&second)))
            };
            ends.push([at(|own| own.span.low.0), at(|own| own.span.high.0)]);
        }
    }
    let range = |of: fn(&Figures) -> f64| {
        let ratio = |(first, second): &(Figures, Figures)| {
            let (first, second) = (of(first), of(second));
            if first > 0.0 && second > 0.0 { second / first } else { 1.0 }
        };
        let central = ratio(&usual);
        let (mut down, mut up) = (0.0, 0.0);
        for end in &ends {
            let logs = end.each_ref().map(|pair| libm::log(ratio(pair) / central));
            down += logs.iter().fold(0.0f64, |least, log| least.min(*log)).powi(2);
            up += logs.iter().fold(0.0f64, |most, log| most.max(*log)).powi(2);
        }
        Range::new(
            Ratio(central * libm::exp(-f64::sqrt(down))),
            Ratio(central),
            Ratio(central * libm::exp(f64::sqrt(up))),
        )
    };
    let trains = matches!(first.case.scenario.workload, Workload::Train(_));
    Ok(Paired {
        energy: range(|figures| figures.get(Figure::Energy) / ledger_items(figures)),
        co2e: range(|figures| figures.get(Figure::TotalCo2e) / ledger_items(figures)),
        cost: range(|figures| {
            let (rent, electricity) = (figures.get(Figure::Rent), figures.get(Figure::Electricity));
            (if rent > 0.0 { rent } else { electricity }) / ledger_items(figures)
        }),
        time: match trains {
            true => range(|figures| figures.get(Figure::Hours)),
            false => range(|figures| figures.get(Figure::Latency)),
        },
    })
}

struct Side<'a> {
    case: Case<'a>,
}

impl<'a> Side<'a> {
    fn of((scenario, model): (&'a Scenario, &'a ModelSummary)) -> Result<Self, EstimateError> {
        let case = Case::of(scenario, model)?;
        match &scenario.workload {
            Workload::Train(own) => _ = training::pass(&case, own)?,
            Workload::Serve(_) => serving::check(&case)?,
        }
        Ok(Self { case })
    }

    /// The figures with one assumption moved.
    fn at(&self, moved: Option<(Key, f64)>) -> Figures {
        let values = match moved {
            Some((key, value)) => self.case.assumptions.with(key, value),
            None => self.case.assumptions.central(),
        };
        match &self.case.scenario.workload {
            Workload::Train(own) => match training::pass(&self.case, own) {
                Ok(pass) => training::figures(&self.case, pass, values),
                Err(_) => Figures::new(),
            },
            Workload::Serve(own) => serving::figures(&self.case, own, values),
        }
    }
}
