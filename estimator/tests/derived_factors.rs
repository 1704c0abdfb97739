//! Factors that claim to be computed from published runs are computed again here.

use estimator::carbon::factors;
use estimator::carbon::published::{self, PowerBasis};
use estimator::energy::validate;
use estimator::hardware;
use estimator::tables::Table;

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

/// Mean draws at the accelerator over its TDP, of networks that are not small.
fn draws() -> Vec<f64> {
    published::all()
        .iter()
        .filter(|run| run.calibrates && run.power_basis == PowerBasis::Accelerator)
        .filter(|run| run.parameters.is_none_or(|parameters| parameters > 8e7))
        .filter_map(|run| Some(run.mean_power()? / hardware::device(&run.device)?.tdp?))
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
fn draw_while_training() {
    assert_percentiles("draw-training-large", draws(), DECILES);
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

#[test]
fn four_of_five_published_figures_lie_inside_our_ranges() {
    let all = validate::built_in().summary;
    let share = all.within_range as f64 / all.n as f64;
    assert!((0.8..0.9).contains(&share), "{all:?}");
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
    assert_eq!(shares.len(), 5);
    assert_percentiles("host-over-tdp-tpu", shares, [0.0, 0.5, 1.0]);
}
