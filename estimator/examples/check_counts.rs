//! Compares the counts of a folder of ONNX graphs with a table of what they must be:
//! `cargo run --release --example check_counts -- FOLDER [TABLE]`.
//!
//! The table (by default `expected.csv` in the folder) has the columns `file`, `float_elements_in_initializers`,
//! `float_elements_with_constants` and `gmacs`. Parameters must lie between the two numbers of elements,
//! MACs within 0.1 % or half a unit of the last digit.

use estimator::formats::open_lone;
use estimator::shapes::{Choices, infer};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        eprintln!("give a folder of ONNX graphs, and optionally the table");
        return ExitCode::from(2);
    };
    let table = arguments.next().unwrap_or_else(|| folder.join("expected.csv"));
    match check(&folder, &table) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line for each graph; gives how many do not agree.
fn check(folder: &Path, table: &Path) -> Result<usize, String> {
    let text = fs::read_to_string(table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let place = |name: &str| {
        header.iter().position(|column| *column == name).ok_or(format!("{}: no column {name}", table.display()))
    };
    let columns = (
        place("file")?,
        place("float_elements_in_initializers")?,
        place("float_elements_with_constants")?,
        place("gmacs")?,
    );
    let mut failures = 0;
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |place: usize| cells.get(place).copied().unwrap_or_default();
        let path = folder.join(cell(columns.0));
        let number = |place: usize| cell(place).parse::<f64>().map_err(|error| format!("{line}: {error}"));
        let (least, most, gmacs) = (number(columns.1)?, number(columns.2)?, number(columns.3)?);
        let decimals = cell(columns.3).split_once('.').map_or(0, |(_, digits)| digits.len());
        let half_unit = 0.5 * 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
        let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let model = open_lone(cell(columns.0), file).map_err(|error| error.to_string())?;
        let counts = estimator::cost::inspect(&model, &infer(&model, &Choices::default()));
        let parameters = counts.parameters.map_or(f64::NAN, |count| count as f64);
        let found = counts.macs.map_or(f64::NAN, |macs| macs as f64 / 1e9);
        let good_parameters = (least..=most).contains(&parameters);
        let good_macs = (found - gmacs).abs() <= (gmacs * 1e-3).max(half_unit);
        failures += usize::from(!(good_parameters && good_macs));
        println!(
            "{} {}: parameters {parameters} in {least}–{most} {}, GMACs {found:.6} for {gmacs} {}, {} layers, {} not counted, {} notes",
            if good_parameters && good_macs { "ok  " } else { "FAIL" },
            cell(columns.0),
            if good_parameters { "yes" } else { "NO" },
            if good_macs { "yes" } else { "NO" },
            counts.layers.len(),
            counts.not_counted.len(),
            counts.warnings.len(),
        );
    }
    Ok(failures)
}
