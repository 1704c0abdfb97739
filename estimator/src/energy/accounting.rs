//! Emissions by location and by market, losses of the network, and prices of the tonnes: what stands beside the estimate's own emissions.
//!
//! Lifecycle and direct figures never meet in a sum or in a comparison: beside a market-based figure stands an average that counts the same.

use super::EstimateError;
use super::assumptions::{Assumed, Key, factor};
use super::case::Case;
use crate::carbon::grids::{Basis, Grid, Intensity};
use crate::carbon::{market, offsets};
use crate::range::{Range, Ratio};
use crate::report::{Account, Accounting, Losses, OffsetCost};
use crate::sources::Evidence;
use crate::units::{GramsPerKilowattHour, KilogramsCo2e, KilowattHours};

const LOCATION: &str = "location-based";
const MARKET: &str = "market-based";

impl Case<'_> {
    /// Adds what accounting rests on: the residual mix where there is one, and the losses of the network.
    ///
    /// # Errors
    /// A table that lacks a row: a fault of ours.
    pub(super) fn account_for(&mut self) -> Result<(), EstimateError> {
        let set = self.scenario.set.get(Key::MarketIntensity.code()).copied();
        let mix = self.grid.and_then(market::residual);
        // A contract of one's own counts where no residual mix is published, too.
        if let Some(value) = mix.map(|mix| mix.value.0).or(set) {
            self.assumptions.add(Assumed {
                widens: false,
                ..Assumed::new(
                    Key::MarketIntensity,
                    "Carbon intensity by market",
                    "g/kWh",
                    Range::exact(Ratio(value)),
                    mix.map(|mix| about(&mix.evidence, mix.basis, MARKET)).unwrap_or_default(),
                )
            });
        }
        let losses = factor("transmission-loss")?;
        self.assumptions.add(Assumed { widens: false, ..Assumed::of_factor(Key::TransmissionLoss, losses) });
        Ok(())
    }
}

fn about(evidence: &Evidence, basis: Basis, method: &str) -> String {
    format!(
        "{}, for {}, {}; {}, {method}",
        evidence.source.citation(),
        evidence.year,
        evidence.certainty.word(),
        basis.word()
    )
}

/// Emissions of an energy at an intensity.
fn at(energy: Range<KilowattHours>, grams: f64) -> Range<KilogramsCo2e> {
    energy.map(|energy| energy.at(GramsPerKilowattHour(grams)))
}

/// The accounts of an estimate.
pub(super) fn of(case: &Case<'_>, energy: Range<KilowattHours>, co2e: Range<KilogramsCo2e>) -> Accounting {
    let assumed = |key: Key| case.assumptions.find(key);
    let own = assumed(Key::Intensity);
    let is_set = own.is_some_and(|own| own.is_set);
    let location = Account {
        method: LOCATION.to_owned(),
        basis: case.intensity.filter(|_| !is_set).map_or("as set", |figure| figure.basis.word()).to_owned(),
        year: case.intensity.filter(|_| !is_set).map(|figure| figure.evidence.year),
        g_per_kwh: own.map_or(0.0, |own| own.span.central.0),
        co2e_kg: co2e,
        source: own.map(|own| own.source.clone()).unwrap_or_default(),
    };
    let mix = case.grid.and_then(market::residual);
    let market = assumed(Key::MarketIntensity).map(|by_market| Account {
        method: MARKET.to_owned(),
        basis: mix.filter(|_| !by_market.is_set).map_or("as set", |mix| mix.basis.word()).to_owned(),
        year: mix.filter(|_| !by_market.is_set).map(|mix| mix.evidence.year),
        g_per_kwh: by_market.span.central.0,
        co2e_kg: at(energy, by_market.span.central.0),
        source: by_market.source.clone(),
    });
    let beside = market
        .as_ref()
        .filter(|market| market.basis != location.basis)
        .and(mix)
        .and_then(|mix| {
            let grid = case.grid?;
            // The mix of a part is that of its country, and so is what stands beside it where the part has no such figure.
            let of = |grid: &'static Grid| same_kind(grid, mix.basis, mix.evidence.year);
            of(grid).or_else(|| of(grid.country()?))
        })
        .map(|figure| Account {
            method: LOCATION.to_owned(),
            basis: figure.basis.word().to_owned(),
            year: Some(figure.evidence.year),
            g_per_kwh: figure.value.0,
            co2e_kg: at(energy, figure.value.0),
            source: about(&figure.evidence, figure.basis, LOCATION),
        });
    let about_the_market = match (&market, mix) {
        (Some(market), _) if market.basis == "as set" => "the figure of your own contract".to_owned(),
        (Some(_), Some(mix)) => format!(
            "the residual mix: what is left of this grid’s electricity for those who buy no certificates, direct emissions alone. {}",
            mix.note
        )
        .trim_end()
        .to_owned(),
        _ => "not known: no residual mix is published for this grid, or it has none because all electricity is disclosed; set market-intensity to that of your contract".to_owned(),
    };
    let share = assumed(Key::TransmissionLoss).map_or(Range::exact(Ratio(0.0)), |losses| losses.span);
    // What reaches the meter is one less the share of what is generated.
    let lost = |emitted: KilogramsCo2e, share: Ratio| emitted * (share.0 / (1.0 - share.0));
    Accounting {
        location,
        market,
        location_beside_market: beside,
        about_the_market,
        losses: Losses {
            co2e_kg: Range::new(
                lost(co2e.low, share.low),
                lost(co2e.central, share.central),
                lost(co2e.high, share.high),
            ),
            share,
            source: assumed(Key::TransmissionLoss).map(|losses| losses.source.clone()).unwrap_or_default(),
        },
    }
}

/// The figure of a grid on a basis, of the year nearest to one.
fn same_kind(grid: &'static Grid, basis: Basis, year: u16) -> Option<&'static Intensity> {
    grid.intensities().filter(|figure| figure.basis == basis).min_by_key(|figure| figure.evidence.year.abs_diff(year))
}

/// What the emissions would cost at each published price.
pub(super) fn offset_costs(emissions: Range<KilogramsCo2e>) -> Vec<OffsetCost> {
    offsets::all()
        .iter()
        .map(|price| OffsetCost {
            id: price.id.clone(),
            name: price.label.clone(),
            kind: price.kind.clone(),
            cost_usd: price.of(emissions),
            usd_per_tonne: price.per_tonne,
            year: price.evidence.year,
            source: format!("{}, {} a tonne. {}", price.evidence.source.citation(), price.published, price.note),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::estimate;
    use crate::report::Estimate;
    use crate::scenario::{Hardware, ModelRef, Scenario, Training, Workload};

    fn run(change: impl Fn(&mut Scenario)) -> Estimate {
        let model = ModelRef::Counts { parameters: 1e9, active_parameters: None };
        let summary = model.summary().unwrap();
        let mut scenario = Scenario {
            model,
            workload: Workload::Train(Training { tokens: Some(1e10), ..Training::default() }),
            ..Scenario::default()
        };
        change(&mut scenario);
        estimate(&scenario, &summary).unwrap()
    }

    fn in_place(region: &str) -> Estimate {
        run(|scenario| scenario.site.region = region.to_owned())
    }

    #[test]
    fn bases_never_meet() {
        for grid in crate::carbon::grids::all() {
            let found = in_place(&grid.id).accounting;
            assert_eq!(found.location.basis, grid.intensity.basis.word(), "{}", grid.id);
            let Some(market) = found.market else {
                assert!(found.about_the_market.contains("not known"), "{}", grid.id);
                continue;
            };
            // What stands beside the market's figure counts the same, be it the first account or one of its own.
            match found.location_beside_market {
                Some(beside) => {
                    assert_eq!(beside.basis, market.basis, "{}", grid.id);
                    assert_ne!(found.location.basis, market.basis, "{}", grid.id);
                }
                None => assert_eq!(found.location.basis, market.basis, "{}", grid.id),
            }
        }
    }

    #[test]
    fn germany_by_location_and_by_market() {
        let found = in_place("de");
        let accounting = &found.accounting;
        assert_eq!(accounting.location.co2e_kg, found.co2e_kg);
        assert_eq!((accounting.location.basis.as_str(), accounting.location.year), ("lifecycle", Some(2024)));
        let market = accounting.market.as_ref().unwrap();
        assert_eq!((market.basis.as_str(), market.year, market.g_per_kwh), ("direct", Some(2024), 724.56));
        let beside = accounting.location_beside_market.as_ref().unwrap();
        assert_eq!((beside.basis.as_str(), beside.g_per_kwh), ("direct", 291.0));
        let ratio = market.co2e_kg.central / beside.co2e_kg.central;
        assert!((ratio - 724.56 / 291.0).abs() < 1e-9);
        // In the United States the default is direct, so the first account is the one to compare with.
        assert!(in_place("us-camx").accounting.location_beside_market.is_none());
    }

    #[test]
    fn a_contract_of_one_s_own_replaces_the_residual_mix() {
        for region in ["de", "no"] {
            let found = run(|scenario| {
                scenario.site.region = region.to_owned();
                scenario.set.insert("market-intensity".to_owned(), 0.0);
            });
            let market = found.accounting.market.unwrap();
            assert_eq!((market.basis.as_str(), market.co2e_kg.high), ("as set", KilogramsCo2e(0.0)));
            // Emissions by location do not move.
            assert_eq!(found.co2e_kg, in_place(region).co2e_kg);
        }
    }

    #[test]
    fn losses_are_told_and_added_to_nothing() {
        let found = in_place("fr");
        let losses = &found.accounting.losses;
        let share = losses.share.central.0;
        assert!((losses.co2e_kg.central / found.co2e_kg.central - share / (1.0 - share)).abs() < 1e-12);
        let without = run(|scenario| {
            scenario.site.region = "fr".to_owned();
            scenario.set.insert("transmission-loss".to_owned(), 0.0);
        });
        assert_eq!(without.co2e_kg, found.co2e_kg);
        assert_eq!(without.accounting.losses.co2e_kg.central, KilogramsCo2e(0.0));
    }

    #[test]
    fn the_year_is_the_reader_s() {
        let of = |year: u16| {
            run(|scenario| {
                scenario.site.region = "us-camx".to_owned();
                scenario.site.year = Some(year);
            })
        };
        let years: Vec<u16> =
            crate::carbon::grids::get("fr").unwrap().intensities().map(|one| one.evidence.year).collect();
        assert!(years.contains(&2022) && years.contains(&2024), "{years:?}");
        assert_eq!(of(2023).accounting.location.year, Some(2023));
        let old = run(|scenario| {
            scenario.site.region = "fr".to_owned();
            scenario.site.year = Some(2022);
        });
        assert_eq!((old.accounting.location.year, old.accounting.location.basis.as_str()), (Some(2022), "direct"));
        let model = ModelRef::Counts { parameters: 1e9, active_parameters: None };
        let mut scenario = Scenario { model: model.clone(), hardware: Hardware::default(), ..Scenario::default() };
        scenario.site.year = Some(1999);
        let fault = estimate(&scenario, &model.summary().unwrap()).unwrap_err().to_string();
        assert!(fault.contains("1999") && fault.contains("2024"), "{fault}");
    }

    #[test]
    fn a_total_without_the_making_is_no_total() {
        let unknown = run(|scenario| scenario.hardware.device = "rtx-4090".to_owned());
        assert_eq!((unknown.embodied_kg, unknown.total_co2e_kg), (None, None));
        assert_eq!(unknown.counted_co2e_kg(), unknown.co2e_kg);
        let known = run(|_| {});
        let (making, total) = (known.embodied_kg.unwrap(), known.total_co2e_kg.unwrap());
        assert!((making.central + known.co2e_kg.central - total.central).0.abs() < 1e-9);
        assert_eq!(known.counted_co2e_kg(), total);
    }

    #[test]
    fn tonnes_have_prices() {
        let found = run(|_| {});
        assert_eq!(found.offsets.len(), offsets::all().len());
        for cost in &found.offsets {
            let expected = found.counted_co2e_kg().central.0 / 1000.0 * cost.usd_per_tonne.central.0;
            assert!((cost.cost_usd.central.0 / expected - 1.0).abs() < 1e-12, "{}", cost.id);
            assert!(cost.year >= 2020 && !cost.source.is_empty());
        }
    }
}
