//! Fits the constants of the estimates to the published measurements and writes their tables.
//!
//! `cargo run --release --example calibrate`
//!
//! The fits are code of the library; running them twice gives the same tables.

use estimator::energy::training_fit;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match training() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("calibrate: {why}");
            ExitCode::FAILURE
        }
    }
}

fn training() -> Result<(), String> {
    let fit = training_fit::all().ok_or("the published runs of training cannot be fitted")?;
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/calibration_training.csv");
    std::fs::write(&table, training_fit::csv(&fit.rows)).map_err(|why| format!("{}: {why}", table.display()))?;
    println!("Training: each run beside what the fit says of it without its publication, predicted over published\n");
    for run in &fit.runs {
        println!("{:5.2}  {:<5} {:<11} {}", run.ratio, run.quantity, run.class, run.id);
    }
    println!();
    for row in &fit.rows {
        let error = row.error.map_or(String::new(), |error| format!(" ± {error}"));
        println!("{} = {}{error} {}", row.id, row.value, row.unit);
    }
    println!("\nwritten: {}", table.display());
    Ok(())
}
