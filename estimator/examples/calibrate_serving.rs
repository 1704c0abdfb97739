//! Fits the constants of served language models to `data/served_models.csv` and writes them, with their errors, into `data/`.
//!
//! `cargo xtask calibrate` runs it. It prints what it writes; the same rows give the same files.

use estimator::energy::calibration::fit::{self, LeftOut, Rows};
use estimator::energy::calibration::{self, CONSTANTS, Constants, Entry, Missed};
use estimator::energy::diffusion;
use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let served = std::fs::read_to_string(data.join("served_models.csv"))?;
    let rows = Rows::read("served_models.csv", &served)?;
    let prior = Constants::believed();
    let mut spread = [0.0; CONSTANTS];
    for (place, entry) in spread.iter_mut().zip(calibration::all()) {
        *place = entry.spread;
    }
    let all = fit::fit(&rows, &prior, &spread, &prior);
    println!("{} measured services\n", rows.len());
    println!("{:28} {:>12} {:>12} {:>8}", "constant", "believed", "fitted", "± %");
    for (n, entry) in calibration::all().iter().enumerate() {
        let (value, error) = (all.constants.0[n], all.standard_errors[n]);
        println!("{:28} {:>12.4e} {:>12.4e} {:>8.0}", entry.id, entry.prior, value, error * 100.0);
    }
    let mut errors = Vec::new();
    tell(&mut errors, "none", &fit::estimated(&rows, &all.constants));
    tell(&mut errors, "model", &fit::left_out(&rows, false, &prior, &spread, &all.constants));
    tell(&mut errors, "gpu", &fit::left_out(&rows, true, &prior, &spread, &all.constants));
    let drawn = diffusion::fit("generated_images.csv", &std::fs::read_to_string(data.join("generated_images.csv"))?)?;
    println!("\npictures and videos drawn by steps");
    for (id, value, error) in &drawn.constants {
        println!("{id:28} {value:>12.4e} ± {:.0} %", error * 100.0);
    }
    let models: std::collections::BTreeSet<&str> = drawn.left_out.iter().map(|row| row.row.model_id.as_str()).collect();
    let by_name = fit::missed("diffusion by name", "model", drawn.left_out.iter().map(|row| row.known));
    let by_size = fit::missed("diffusion by size", "model", drawn.left_out.iter().map(|row| row.by_size));
    let of_models = models.iter().map(|model| {
        let same = drawn.left_out.iter().filter(|row| row.row.model_id == *model);
        fit::missed(model, "model", same.map(|row| row.known))
    });
    println!("each model left out in its turn");
    for row in [by_name, by_size].into_iter().chain(of_models).flatten() {
        println!("{:52} {:>5} {:>8.3} {:>8.3} {:?}", row.class, row.rows, row.median, row.p90, row.ratio);
        errors.push(row);
    }
    let mut text = String::from("id,label,unit,prior,spread,value,standard_error,source,note\n");
    for (entry, (_, value, error)) in diffusion::entries().iter().zip(&drawn.constants) {
        line(&mut text, entry, *value, *error)?;
    }
    std::fs::write(data.join("calibration_diffusion.csv"), text)?;
    std::fs::write(
        data.join("calibration.csv"),
        constants(&std::fs::read_to_string(data.join("calibration.csv"))?, &all)?,
    )?;
    let mut text =
        String::from("class,left_out,rows,median_error_factor,p90_error_factor,ratio_p10,ratio_median,ratio_p90\n");
    for row in &errors {
        let [low, middle, high] = row.ratio;
        writeln!(
            text,
            "{},{},{},{:.3},{:.3},{low:.3},{middle:.3},{high:.3}",
            row.class, row.left_out, row.rows, row.median, row.p90
        )?;
    }
    std::fs::write(data.join("calibration_errors.csv"), text)?;
    Ok(())
}

/// The table of constants with new values and standard errors.
fn constants(old: &str, fit: &fit::Fit) -> Result<String, Box<dyn std::error::Error>> {
    let mut text = String::new();
    for (n, row) in old.lines().enumerate() {
        if n == 0 {
            writeln!(text, "{row}")?;
            continue;
        }
        line(&mut text, &calibration::all()[n - 1], fit.constants.0[n - 1], fit.standard_errors[n - 1])?;
    }
    Ok(text)
}

/// A row of a table of constants.
fn line(text: &mut String, entry: &Entry, value: f64, error: f64) -> std::fmt::Result {
    let quote = |cell: &str| if cell.contains(',') { format!("\"{cell}\"") } else { cell.to_owned() };
    writeln!(
        text,
        "{},{},{},{},{},{},{},{},{}",
        entry.id,
        quote(&entry.label),
        entry.unit,
        entry.prior,
        entry.spread,
        rounded(value),
        rounded(error),
        entry.source.id,
        quote(&entry.note)
    )
}

/// Four digits, which is more than the standard error warrants.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Prints and keeps the errors by class.
fn tell(errors: &mut Vec<Missed>, how: &str, rows: &[LeftOut]) {
    println!(
        "\n{}",
        if how == "none" { "all rows in the fit".to_owned() } else { format!("each {how} left out in its turn") }
    );
    println!("{:34} {:>5} {:>8} {:>8} {:>6} {:>6} {:>6}", "rows", "n", "median ×", "p90 ×", "p10", "p50", "p90");
    type Takes = Box<dyn Fn(&LeftOut) -> bool>;
    let mut classes: Vec<(String, Takes)> = vec![
        ("architecture known".into(), Box::new(|_| true)),
        ("text".into(), Box::new(|row| row.measured.is_text())),
        ("pictures and videos".into(), Box::new(|row| !row.measured.is_text())),
        ("mixtures of experts".into(), Box::new(|row| row.measured.active_parameters < row.measured.parameters)),
        ("dense".into(), Box::new(|row| row.measured.active_parameters >= row.measured.parameters)),
        ("batch up to 16".into(), Box::new(|row| row.measured.batch <= 16.5)),
        ("batch 17 to 128".into(), Box::new(|row| row.measured.batch > 16.5 && row.measured.batch <= 128.5)),
        ("batch above 128".into(), Box::new(|row| row.measured.batch > 128.5)),
    ];
    for gpu in ["h100-sxm", "b200"] {
        classes.push((
            format!("text on {gpu}"),
            Box::new(move |row| row.measured.is_text() && row.measured.device.is_some_and(|device| device.id == gpu)),
        ));
    }
    for precision in ["bf16", "fp8", "fp4"] {
        classes.push((precision.into(), Box::new(move |row| row.measured.precision.code() == precision)));
    }
    let families: std::collections::BTreeSet<String> =
        rows.iter().map(|row| row.measured.family().to_owned()).collect();
    for family in families {
        classes.push((family.clone(), Box::new(move |row| row.measured.family() == family)));
    }
    let by_size = fit::missed("size alone", how, rows.iter().map(|row| row.by_size));
    let text_by_size =
        fit::missed("text by size alone", how, rows.iter().filter(|row| row.measured.is_text()).map(|row| row.by_size));
    let named = classes
        .iter()
        .map(|(class, takes)| fit::missed(class, how, rows.iter().filter(|row| takes(row)).map(|row| row.known)));
    for row in named.chain([by_size, text_by_size]).flatten() {
        let [low, middle, high] = row.ratio;
        println!(
            "{:34} {:>5} {:>8.3} {:>8.3} {low:>6.2} {middle:>6.2} {high:>6.2}",
            row.class, row.rows, row.median, row.p90
        );
        errors.push(row);
    }
    for clear in [0.0, 0.02] {
        let pairs: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| {
                let other = &rows[row.partner?];
                let measured = libm::log(row.measured.joules / other.measured.joules);
                (measured.abs() > clear).then(|| (measured, measured + libm::log(row.known / other.known)))
            })
            .collect();
        let right = pairs.iter().filter(|(measured, ours)| (*measured > 0.0) == (*ours > 0.0)).count();
        println!(
            "8 against 16 bits: {right} of {} right which takes more, of those that differ by over {clear}",
            pairs.len()
        );
    }
}
