//! The constants of served language models are what the fit makes of the measured rows, and their errors are as stated.

use estimator::energy::calibration::fit::{self, Rows};
use estimator::energy::calibration::{self, CONSTANTS, Constants};
use estimator::energy::validate;

const SERVED: &str = include_str!("../data/served_models.csv");

fn rows() -> Rows {
    Rows::read("served_models.csv", SERVED).unwrap()
}

#[test]
fn the_fit_of_the_committed_rows_gives_the_committed_constants() {
    let rows = rows();
    assert_eq!(rows.len(), 534);
    let mut spread = [0.0; CONSTANTS];
    for (place, entry) in spread.iter_mut().zip(calibration::all()) {
        *place = entry.spread;
    }
    let fit = fit::fit(&rows, &Constants::believed(), &spread, Constants::fitted());
    for (n, entry) in calibration::all().iter().enumerate() {
        let off = libm::log(fit.constants.0[n] / entry.value).abs();
        // Far inside the standard error, which is what the digits of the table warrant.
        assert!(
            off < 0.02_f64.max(0.1 * entry.standard_error),
            "{}: {} for {}",
            entry.id,
            fit.constants.0[n],
            entry.value
        );
        let error = libm::log(fit.standard_errors[n] / entry.standard_error).abs();
        assert!(error < 0.05, "{}: ± {} for {}", entry.id, fit.standard_errors[n], entry.standard_error);
    }
    // The errors that the table states of all rows in the fit are those of these constants.
    let estimated = fit::estimated(&rows, Constants::fitted());
    for (class, by_size) in [("architecture known", false), ("size alone", true)] {
        let ratios = estimated.iter().map(|row| if by_size { row.by_size } else { row.known });
        let found = fit::missed(class, "none", ratios).unwrap();
        let stated = calibration::errors().iter().find(|row| row.class == class && row.left_out == "none").unwrap();
        assert!((found.median / stated.median - 1.0).abs() < 0.005, "{class}: {} for {}", found.median, stated.median);
        assert!((found.p90 / stated.p90 - 1.0).abs() < 0.005, "{class}: {} for {}", found.p90, stated.p90);
    }
}

#[test]
fn a_model_left_out_is_estimated_well_enough() {
    let stated = |class: &str, left_out: &str| {
        calibration::errors().iter().find(|row| row.class == class && row.left_out == left_out).unwrap()
    };
    for class in ["text on h100-sxm", "text on b200"] {
        assert!(stated(class, "model").median <= 1.3 && stated(class, "model").p90 <= 2.0, "{class}");
        assert!(stated(class, "gpu").median <= 1.3, "{class}");
    }
}

/// The estimate of a scenario and the fit are the same arithmetic: the estimates of the rows are as far off as the fit says.
#[test]
fn estimates_are_what_the_fit_says() {
    let validation = validate::rows("served_models.csv", SERVED).unwrap();
    assert!(validation.skipped.is_empty(), "{:?}", validation.skipped);
    let summary = validation.summary;
    let stated =
        calibration::errors().iter().find(|row| row.class == "architecture known" && row.left_out == "none").unwrap();
    // Batches are whole numbers in a scenario, which moves the smallest a little.
    assert!((summary.median_error_factor.unwrap() / stated.median - 1.0).abs() < 0.02, "{summary:?}");
    let inside = summary.within_range as f64 / summary.n as f64;
    assert!((0.75..=0.95).contains(&inside), "{summary:?}");
    // Other methods stand beside ours, and ours is nearer.
    for peer in ["EcoLogits", "FLOPs × TDP"] {
        let found = &validation.peers[peer]["energy per output token"];
        assert_eq!(found.theirs.n, 534);
        assert!(found.theirs.median_error_factor > found.ours.median_error_factor, "{peer}: {found:?}");
    }
}

/// Eight bits take more energy than sixteen in small batches of the same mixture, and less in large ones.
#[test]
fn eight_bits_lose_in_small_batches_and_win_in_large_ones() {
    let header = "task,model_id,total_params_b,active_params_b,weight_precision,gpu,num_gpus,avg_batch_size,avg_output_tokens,energy_per_output_token_J\n";
    let of = |precision: &str, batch: f64| {
        let row = format!("{header}gpqa,Qwen/Qwen3-235B-A22B,235,22,{precision},B200,4,{batch},9000,1\n");
        validate::rows("t.csv", &row).unwrap().rows[0].central
    };
    assert!(of("fp8", 8.0) > of("bfloat16", 8.0));
    assert!(of("fp8", 256.0) < of("bfloat16", 256.0));
}

#[test]
fn pictures_and_videos_drawn_by_steps_are_compared() {
    let text = include_str!("../data/generated_images.csv");
    let validation = validate::rows("generated_images.csv", text).unwrap();
    assert_eq!((validation.rows.len(), validation.skipped.len()), (726, 0));
    let summary = validation.summary;
    assert!(summary.median_error_factor.unwrap() < 1.3 && summary.p90_error_factor.unwrap() < 1.7, "{summary:?}");
    let inside = summary.within_range as f64 / summary.n as f64;
    assert!((0.75..=0.95).contains(&inside), "{summary:?}");
}

#[test]
fn systems_at_the_wall_are_compared_or_said_why_not() {
    let header = "org,system,model,scenario,J_per_sample,J_per_token\n";
    let text = format!(
        "{header}NVIDIA,H200-SXM-141GBx8_TRT_MaxQ,mixtral-8x7b,Offline,18.3357,0.125639\n\
         NVIDIA,H200-SXM-141GBx8_TRT_MaxQ,resnet50,Offline,0.00890638,\n\
         NVIDIA,H200-SXM-141GBx8_TRT_MaxQ,dlrm-v2-99.9,Offline,0.0197728,\n\
         UntetherAI,h13_u3_slim,resnet50,offline,0.00236089,\n"
    );
    let validation = validate::rows("t.csv", &text).unwrap();
    for row in &validation.rows {
        println!("{}: {} for {}, ×{:.2}", row.id, row.central, row.published, row.error_factor);
    }
    assert_eq!((validation.rows.len(), validation.skipped.len()), (2, 2));
    assert!(validation.rows.iter().all(|row| row.error_factor < 3.0));
}
