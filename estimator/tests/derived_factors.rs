//! Factors that claim to be computed from published runs are computed again here.

use estimator::carbon::factors;
use estimator::carbon::published::{self, Fit, PowerBasis, Run};
use estimator::hardware::{self, Precision};

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
fn small_networks_end_where_large_ones_begin() {
    let parameters =
        |fit: Fit| published::all().iter().filter(move |run| run.fit == Some(fit)).filter_map(|run| run.parameters);
    let limit = factors::get("small-network-parameters").unwrap().value;
    assert_eq!(parameters(Fit::DrawSmall).fold(0.0, f64::max), limit.low.0);
    assert_eq!(parameters(Fit::DrawLarge).fold(f64::MAX, f64::min), limit.high.0);
}
