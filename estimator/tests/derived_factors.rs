//! Factors that claim to be computed from published runs are computed again here.

use estimator::carbon::factors;
use estimator::carbon::published::{self, Fit, PowerBasis, Run};
use estimator::energy::validate::{self, Missed};
use estimator::hardware::{self, Precision};
use estimator::tables::Table;
use std::collections::BTreeSet;

/// Measured services of language models.
const SERVED: &str = include_str!("../data/served_models.csv");

/// The value at a share of the way through the sorted values, between two of them by straight line.
fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() - 1) as f64 * share;
    let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

fn assert_percentiles(id: &str, mut values: Vec<f64>, shares: [f64; 3]) {
    let value = factors::get(id).unwrap_or_else(|| panic!("no factor {id}")).value;
    for (share, stated) in shares.into_iter().zip([value.low, value.central, value.high]) {
        let found = percentile(&mut values, share);
        assert!((found / stated.0 - 1.0).abs() < 0.005, "{id}: {found} at {share}, stated {}", stated.0);
    }
}

/// The dense peak that training in 16 bits, or in 32 where a chip has no 16, is measured against.
fn peak(run: &Run) -> f64 {
    let device = hardware::device(&run.device).unwrap_or_else(|| panic!("{}: no device {}", run.id, run.device));
    [Precision::Bf16, Precision::Fp16, Precision::Fp32]
        .into_iter()
        .find_map(|precision| device.own_peak(precision))
        .unwrap_or_else(|| panic!("{} has no peak", device.id))
        .0
}

fn utilisations(class: impl Fn(&str) -> bool) -> Vec<f64> {
    published::all()
        .iter()
        .filter(|run| run.fit == Some(Fit::Mfu) && class(&run.device))
        .map(|run| run.flops.unwrap().0 / run.device_time.unwrap().0 / peak(run))
        .collect()
}

fn draws(fit: Fit) -> Vec<f64> {
    published::all()
        .iter()
        .filter(|run| run.fit == Some(fit))
        .map(|run| run.mean_power().unwrap() / hardware::device(&run.device).unwrap().tdp.unwrap())
        .collect()
}

const DECILES: [f64; 3] = [0.1, 0.5, 0.9];

#[test]
fn every_run_names_a_device_we_have() {
    for run in published::all() {
        assert!(hardware::device(&run.device).is_some(), "{}: {}", run.id, run.device);
    }
}

#[test]
fn utilisation_by_class_of_chip() {
    assert_percentiles("mfu-training-default", utilisations(|_| true), DECILES);
    assert_percentiles("mfu-training-a100-class", utilisations(|id| id.starts_with("a100")), DECILES);
    assert_percentiles("mfu-training-h100-class", utilisations(|id| id.starts_with("h100")), DECILES);
    assert_percentiles("mfu-training-tpu", utilisations(|id| id.starts_with("tpu")), DECILES);
    let older = |id: &str| id.starts_with("p100") || id.starts_with("v100");
    assert_percentiles("mfu-training-older-gpu", utilisations(older), DECILES);
}

#[test]
fn draw_while_training() {
    assert_percentiles("draw-training-large", draws(Fit::DrawLarge), DECILES);
    assert_percentiles("draw-training-small", draws(Fit::DrawSmall), DECILES);
}

#[test]
fn draw_while_serving() {
    let table = Table::parse("served_models.csv", SERVED).unwrap();
    let number = |row: &estimator::tables::Row<'_>, column: &str| row.required_number(column).unwrap();
    let shares: Vec<f64> = table
        .rows()
        .map(|row| {
            let id = if row.required_text("gpu").unwrap() == "H100" { "h100-sxm" } else { "b200" };
            let tdp = hardware::device(id).unwrap().tdp.unwrap().0;
            number(&row, "avg_gpu_power_W_all_gpus") / number(&row, "num_gpus") / tdp
        })
        .collect();
    assert_eq!(shares.len(), 534);
    assert_percentiles("draw-serving", shares, DECILES);
}

/// A factor holds what past estimates missed, to the digits that it states.
fn assert_missed(id: &str, found: Missed, rows: usize) {
    let stated = factors::get(id).unwrap().value;
    assert_eq!(found.rows, rows, "{id}");
    let near = |stated: f64, found: f64| (stated / found - 1.0).abs() < 0.001;
    assert!(near(stated.low.0, found.low) && near(stated.high.0, found.high), "{id}: {found:?}, stated {stated:?}");
    assert_eq!(stated.central.0, 1.0);
}

#[test]
fn what_past_estimates_missed() {
    assert_missed("unexplained-draw", validate::missed_draw(|_| true), 19);
    assert_missed("unexplained-time", validate::missed_time(false, |_| true), 20);
    assert_missed("unexplained-time-small", validate::missed_time(true, |_| true), 9);
    assert_missed("unexplained-serving", validate::missed_serving("served_models.csv", SERVED).unwrap(), 534);
}

#[test]
fn four_of_five_published_figures_lie_inside_our_ranges() {
    let all = validate::built_in().summary;
    let share = all.within_range as f64 / all.n as f64;
    assert!((0.8..0.9).contains(&share), "{all:?}");
    let served = validate::rows("served_models.csv", SERVED).unwrap().summary;
    assert!(served.within_range as f64 / served.n as f64 > 0.8, "{served:?}");
}

/// The same when what was missed is taken from all other publications: what a new publication may expect.
#[test]
fn most_figures_of_a_publication_lie_inside_ranges_made_without_it() {
    let small = factors::get("small-training-parameters").unwrap().value.central.0;
    let is_small = |id: &str| {
        let run = published::all().iter().find(|run| run.id == id).unwrap();
        run.active_parameters.is_some_and(|parameters| parameters < small)
    };
    let source = |run: &Run| run.evidence.source.id.clone();
    let (mut inside, mut rows) = (0, 0);
    for left_out in published::all().iter().map(source).collect::<BTreeSet<_>>() {
        let others = |run: &Run| source(run) != left_out;
        let draw = validate::missed_draw(others);
        let time = [false, true].map(|small| validate::missed_time(small, others));
        let exact = [("unexplained-time", 1.0), ("unexplained-draw", 1.0)];
        for row in validate::built_in_with(&exact, &|run| source(run) == left_out) {
            let time = time[usize::from(is_small(&row.id))];
            let parts = match row.quantity.as_str() {
                "device hours" => vec![time],
                "energy" => vec![time, draw],
                _ => vec![draw],
            };
            let off = libm::log(row.published / row.central);
            let up = off > 0.0;
            let own = libm::log(if up { row.high } else { row.low } / row.central);
            let missed = parts.iter().map(|part| libm::log(if up { part.high } else { part.low }).powi(2)).sum::<f64>();
            rows += 1;
            inside += usize::from(off.powi(2) <= own.powi(2) + missed + 1e-9);
        }
    }
    println!("{inside} of {rows}");
    assert_eq!(rows, 57);
    assert!(inside >= 40, "{inside} of {rows}");
}

#[test]
fn power_at_the_wall() {
    let one_server: Vec<f64> = published::all()
        .iter()
        .filter(|run| run.power_basis == PowerBasis::Wall && run.devices == Some(8.0))
        .map(|run| run.power.unwrap().0)
        .collect();
    assert_eq!(one_server.len(), 5);
    assert_percentiles("wall-watts-h100", one_server, [0.0, 0.5, 1.0]);
}

#[test]
fn idle_draw_over_tdp() {
    let shares = hardware::devices().iter().filter_map(|device| Some(device.idle? / device.tdp?)).collect();
    assert_percentiles("idle-over-tdp", shares, DECILES);
}

#[test]
fn the_host_is_what_the_wall_has_and_the_accelerators_do_not() {
    let (wall, draw) = (factors::get("wall-watts-h100").unwrap().value, factors::get("draw-training-large").unwrap());
    let tdp = hardware::device("h100-sxm").unwrap().tdp.unwrap().0;
    let host = factors::get("host-over-tdp").unwrap().value;
    for (stated, found) in [
        (host.low, wall.low.0 / tdp - draw.value.high.0),
        (host.central, wall.central.0 / tdp - draw.value.central.0),
        (host.high, wall.high.0 / tdp - draw.value.low.0),
    ] {
        assert!((stated.0 - found).abs() < 0.002, "{found}, stated {}", stated.0);
    }
}

#[test]
fn the_host_of_a_tpu_is_its_system_without_the_chip() {
    let chip = hardware::device("tpu-v3").unwrap();
    let shares: Vec<f64> = published::all()
        .iter()
        .filter(|run| run.device == "tpu-v3" && run.power_basis == PowerBasis::System)
        .map(|run| (run.power.unwrap() - chip.training.unwrap()) / chip.tdp.unwrap())
        .collect();
    assert_eq!(shares.len(), 3);
    assert_percentiles("host-over-tdp-tpu", shares, [0.0, 0.5, 1.0]);
}

#[test]
fn small_models_end_where_large_ones_begin_in_the_time_of_training() {
    let limit = factors::get("small-training-parameters").unwrap().value;
    let timed = validate::built_in().rows.into_iter().filter(|row| row.quantity != "energy from hours");
    let ids: BTreeSet<String> = timed.map(|row| row.id).collect();
    let sizes: Vec<f64> =
        published::all().iter().filter(|run| ids.contains(&run.id)).filter_map(|run| run.active_parameters).collect();
    let below = sizes.iter().copied().filter(|size| *size < limit.central.0).fold(0.0, f64::max);
    let above = sizes.iter().copied().filter(|size| *size >= limit.central.0).fold(f64::MAX, f64::min);
    assert_eq!((below, above), (limit.low.0, limit.high.0));
}

#[test]
fn small_networks_end_where_large_ones_begin() {
    let parameters =
        |fit: Fit| published::all().iter().filter(move |run| run.fit == Some(fit)).filter_map(|run| run.parameters);
    let limit = factors::get("small-network-parameters").unwrap().value;
    assert_eq!(parameters(Fit::DrawSmall).fold(0.0, f64::max), limit.low.0);
    assert_eq!(parameters(Fit::DrawLarge).fold(f64::MAX, f64::min), limit.high.0);
}
