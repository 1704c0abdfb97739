//! The fit of time and power of training to published runs: code that `cargo xtask calibrate` runs, and nothing else needs.
//!
//! Three fits, one after the other, each a linear model with random effects (`mixed`) whose spreads are those of the greatest likelihood:
//! the draw of accelerators, by class and family of chip and size of the model, from draws measured at the accelerator;
//! the draw of the computer around them, from what systems and wall sockets drew beyond that;
//! and the time, by class of chip, size, mixture, precision and number of devices, with a fixed time of each token.
//! Runs of one publication share an effect of their own, so that a publication with many runs does not outvote the others.
//! Errors are those of runs whose publication, or whose class of chips, was left out.

use super::mixed::{self, Deviations, Estimated, Fitted, Observation, Prior};
use super::training_constants::{self, Constant, Constants, Run, class, family, sixteen_bits};
use crate::carbon::factors;
use crate::carbon::published::{self, PowerBasis};
use crate::hardware::{self, Device, Field, Kind, Precision};
use std::collections::BTreeSet;

/// Spreads that are tried, as standard deviations of a logarithm (or of a share of the power).
const DEVIATIONS: [f64; 6] = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4];
/// Seconds of a token that are tried: these steps up to as many.
const TOKEN_STEP: f64 = 0.25e-6;
const TOKEN_STEPS: u32 = 24;
/// Parameters below which a network may draw less.
const SIZE_LIMITS: [f64; 5] = [5e7, 1e8, 2e8, 5e8, 1e9];
/// Before anything is observed, a variable is expected to change utilisation by this for each of its standard deviations.
const EXPECTED_CHANGE: f64 = 0.05;
/// What the observations of a fit are grouped by.
const KINDS_OF_POWER: [&str; 3] = ["class", "family", "publication"];
const KINDS_OF_TIME: [&str; 2] = ["class", "publication"];
/// What is expected of an intercept: next to nothing.
const VAGUE: f64 = 3.0;
/// The spread of a draw that was not measured but taken from the fit, as a logarithm.
const DRAW_UNKNOWN: f64 = 0.2;
/// The share of the time that at least goes into operations, so that the logarithm of the rest exists.
const LEAST_IN_OPERATIONS: f64 = 0.1;

/// The constants, the errors, and what the fits rest on.
#[derive(Debug, Clone)]
pub struct Fit {
    /// The rows of `calibration_training.csv`.
    pub rows: Vec<Constant>,
    /// Each run with its prediction when its publication is left out, for reading.
    pub runs: Vec<LeftOut>,
}

/// A run beside what constants without its publication say of it.
#[derive(Debug, Clone)]
pub struct LeftOut {
    /// The run's id.
    pub id: String,
    /// `time`, `draw`, or `energy`: from operations where they are published, else from hours.
    pub quantity: &'static str,
    /// The class of its chips.
    pub class: &'static str,
    /// Predicted over published.
    pub ratio: f64,
}

/// Fits everything to the committed table of published runs.
pub fn all() -> Option<Fit> {
    let data = Data::read();
    let chosen = Spreads::chosen(&data)?;
    let mut rows = constants(&data, &chosen)?;
    let (mut runs, mut by_class, mut by_run) = (Vec::new(), Vec::new(), Vec::new());
    for run in data.runs() {
        let (rest, out) = data.part(|one| one.run != run);
        by_run.extend(errors(&Constants::of(&constants(&rest, &chosen)?), &out));
    }
    for source in data.sources() {
        let (rest, out) = data.part(|one| one.source != source);
        runs.extend(errors(&Constants::of(&constants(&rest, &chosen)?), &out));
    }
    for class in data.classes() {
        let (rest, out) = data.part(|one| one.class != class);
        by_class.extend(errors(&Constants::of(&constants(&rest, &chosen)?), &out));
    }
    for (of, errors) in [("run", &by_run), ("publication", &runs), ("class", &by_class)] {
        for quantity in ["time", "draw", "energy"] {
            rows.extend(summary(of, quantity, errors));
        }
    }
    rows.iter_mut().for_each(round);
    Some(Fit { rows, runs })
}

/// The constants without each publication in turn, by its source, with the committed spreads.
pub fn without_each() -> Vec<(String, Constants)> {
    let data = Data::read();
    let chosen = Spreads::committed();
    let without = |source: String| {
        let (rest, _) = data.part(|one| one.source != source);
        Some((source, Constants::of(&constants(&rest, &chosen)?)))
    };
    data.sources().into_iter().filter_map(without).collect()
}

/// The rows as the text of the table.
pub fn csv(rows: &[Constant]) -> String {
    let quoted = |text: &str| match text.contains([',', '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let mut text = "id,value,standard_error,unit,note\n".to_owned();
    for row in rows {
        let error = row.error.map_or(String::new(), |error| format!("{error}"));
        text.push_str(&format!("{},{},{error},{},{}\n", row.id, row.value, quoted(&row.unit), quoted(&row.note)));
    }
    text
}

/// What was measured of a draw.
#[derive(Debug, Clone)]
struct Power {
    id: String,
    source: String,
    device: &'static Device,
    parameters: Option<f64>,
    basis: PowerBasis,
    watts: f64,
    most: f64,
    /// Whether it is of a run, and not of a device's own table.
    of_run: bool,
}

/// What was published of a time, or of an energy that tells it.
#[derive(Debug, Clone)]
struct Time {
    id: String,
    source: String,
    device: &'static Device,
    parameters: f64,
    active: f64,
    is_mixture: bool,
    is_8_bit: bool,
    devices: Option<f64>,
    operations: f64,
    /// Operations a second at the dense peak.
    peak: f64,
    told: Told,
    /// Joules that were measured, without the building.
    measured: Option<(PowerBasis, f64)>,
}

/// How a run's time is known.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// Device-seconds.
    Seconds(f64),
    /// Joules of the accelerators alone: the draw is that of the fit.
    AcceleratorJoules(f64),
    /// Joules of the system, and the watts of the system for each device.
    SystemJoules(f64, f64),
}

/// What an observation can be left out with.
struct Belonging<'a> {
    run: &'a str,
    source: &'a str,
    class: &'static str,
}

#[derive(Debug, Clone, Default)]
struct Data {
    powers: Vec<Power>,
    times: Vec<Time>,
}

impl Data {
    fn read() -> Self {
        let runs = published::all().iter().filter(|run| run.calibrates);
        let mut data = Self::default();
        for run in runs {
            let Some(device) = hardware::device(&run.device) else { continue };
            let source = run.evidence.source.id.clone();
            if let (Some(watts), Some(most)) = (run.mean_power(), device.most_power())
                && run.power_basis != PowerBasis::Tdp
            {
                data.powers.push(Power {
                    id: run.id.clone(),
                    source: source.clone(),
                    device,
                    parameters: run.parameters,
                    basis: run.power_basis,
                    watts: watts.0,
                    most: most.0,
                    of_run: true,
                });
            }
            let pue = if run.includes_pue { run.pue.map_or(1.0, |pue| pue.0) } else { 1.0 };
            let joules = run.energy.map(|energy| energy.joules().0 / pue);
            let told = match (run.device_time, joules, run.power_basis, run.power) {
                (Some(time), ..) => Told::Seconds(time.0),
                (None, Some(joules), PowerBasis::Accelerator, _) => Told::AcceleratorJoules(joules),
                (None, Some(joules), PowerBasis::System, Some(watts)) => Told::SystemJoules(joules, watts.0),
                _ => continue,
            };
            let (Some(operations), Some(active), Some(peak)) = (run.flops, run.active_parameters, sixteen_bits(device))
            else {
                continue;
            };
            data.times.push(Time {
                id: run.id.clone(),
                source,
                device,
                parameters: run.parameters.unwrap_or(active),
                active,
                is_mixture: run.parameters.is_some_and(|all| all > active),
                is_8_bit: run.precision.as_deref() == Some(Precision::Fp8.code()),
                devices: run.devices,
                operations: operations.0,
                peak,
                told,
                measured: joules.filter(|_| run.power_basis != PowerBasis::Tdp).map(|joules| (run.power_basis, joules)),
            });
        }
        let published: BTreeSet<String> = data.powers.iter().map(|power| power.source.clone()).collect();
        // Draws in the table of devices that are not those of the runs again.
        for device in hardware::devices() {
            let (Some(watts), Some(most), Some(evidence)) =
                (device.training, device.most_power(), device.evidence(Field::Training))
            else {
                continue;
            };
            if !published.contains(&evidence.source.id) {
                data.powers.push(Power {
                    id: device.id.clone(),
                    source: evidence.source.id.clone(),
                    device,
                    parameters: None,
                    basis: PowerBasis::Accelerator,
                    watts: watts.0,
                    most: most.0,
                    of_run: false,
                });
            }
        }
        data
    }

    /// The observations that are kept, and the others.
    fn part(&self, keeps: impl Fn(&Belonging<'_>) -> bool) -> (Self, Self) {
        let of = |run: &str, source: &str, device| keeps(&Belonging { run, source, class: class(device) });
        let (powers, no_powers) = self.powers.iter().cloned().partition(|one| of(&one.id, &one.source, one.device));
        let (times, no_times) = self.times.iter().cloned().partition(|one| of(&one.id, &one.source, one.device));
        (Self { powers, times }, Self { powers: no_powers, times: no_times })
    }

    fn runs(&self) -> BTreeSet<String> {
        let times = self.times.iter().map(|time| &time.id);
        times.chain(self.powers.iter().map(|power| &power.id)).cloned().collect()
    }

    fn sources(&self) -> BTreeSet<String> {
        let times = self.times.iter().map(|time| &time.source);
        times.chain(self.powers.iter().map(|power| &power.source)).cloned().collect()
    }

    fn classes(&self) -> BTreeSet<&'static str> {
        let times = self.times.iter().map(|time| class(time.device));
        times.chain(self.powers.iter().map(|power| class(power.device))).collect()
    }
}

/// What the likelihood of all runs chose: spreads, the size below which networks draw less, the time of a token.
#[derive(Debug, Clone)]
struct Spreads {
    draw: Deviations,
    size_limit: f64,
    host: Deviations,
    time: Deviations,
    token_seconds: f64,
    token_error: f64,
}

impl Spreads {
    /// Those of the committed table.
    fn committed() -> Self {
        let value = |id: String| training_constants::get().value(&id);
        let of = |fit: &str, kinds: &[&str]| Deviations {
            noise: value(format!("{fit}.spread.run")),
            groups: kinds.iter().map(|kind| value(format!("{fit}.spread.{kind}"))).collect(),
        };
        Self {
            draw: of("draw", &KINDS_OF_POWER),
            size_limit: value("draw.size-limit".to_owned()),
            host: of("host", &KINDS_OF_POWER),
            time: of("time", &KINDS_OF_TIME),
            token_seconds: value("time.token-seconds".to_owned()),
            token_error: 0.0,
        }
    }

    fn chosen(data: &Data) -> Option<Self> {
        let (draw, size_limit) =
            best(SIZE_LIMITS.iter().flat_map(|limit| grid(3).map(|one| (one, *limit))), |(one, limit)| {
                mixed::log_likelihood(&draws(data, *limit), &DRAW_PRIORS, one)
            })?;
        let of_draw = draw_rows(&mixed::fit(&draws(data, size_limit), &DRAW_PRIORS, &draw)?, size_limit);
        let of_draw = Constants::of(&of_draw);
        let host = best(grid(3), |one| mixed::log_likelihood(&hosts(data, &of_draw), &HOST_PRIORS, one))?;
        let priors = time_priors(data);
        let likelihood = |one: &Deviations, seconds: f64| {
            let observations = times(data, &of_draw, seconds);
            // From the scale of what is left for operations to that of the whole time, in which all are compared.
            let scale: f64 = data.times.iter().map(|time| libm::log(stretch(time, &of_draw, seconds))).sum();
            Some(mixed::log_likelihood(&observations, &priors, one)? + scale)
        };
        let tokens = || (0..=TOKEN_STEPS).map(|step| f64::from(step) * TOKEN_STEP);
        let (time, token_seconds) =
            best(tokens().flat_map(|seconds| grid(2).map(move |one| (one, seconds))), |(one, seconds)| {
                likelihood(one, *seconds)
            })?;
        // The likelihood falls by a half within one standard error.
        let top = likelihood(&time, token_seconds)?;
        let near: Vec<f64> =
            tokens().filter(|seconds| likelihood(&time, *seconds).is_some_and(|one| one >= top - 0.5)).collect();
        let width = near.last().unwrap_or(&token_seconds) - near.first().unwrap_or(&token_seconds);
        Some(Self { draw, size_limit, host, time, token_seconds, token_error: (width / 2.0).max(TOKEN_STEP / 2.0) })
    }
}

/// All combinations of spreads of the noise and of so many groupings.
fn grid(groupings: u32) -> impl Iterator<Item = Deviations> {
    let size = DEVIATIONS.len();
    (0..size.pow(groupings + 1)).map(move |number| {
        let at = |place: u32| DEVIATIONS.get(number / size.pow(place) % size).copied().unwrap_or(0.1);
        Deviations { noise: at(0), groups: (1..=groupings).map(at).collect() }
    })
}

/// The first of the choices that reach the greatest likelihood.
fn best<T>(choices: impl Iterator<Item = T>, likelihood: impl Fn(&T) -> Option<f64>) -> Option<T> {
    let mut found: Option<(f64, T)> = None;
    for choice in choices {
        let Some(height) = likelihood(&choice) else { continue };
        if found.as_ref().is_none_or(|(top, _)| height > *top) {
            found = Some((height, choice));
        }
    }
    found.map(|(_, choice)| choice)
}

const DRAW_PRIORS: [Prior; 2] = [Prior { mean: -0.5, deviation: VAGUE }, Prior { mean: 0.0, deviation: VAGUE }];
const HOST_PRIORS: [Prior; 1] = [Prior { mean: 0.3, deviation: VAGUE }];

/// Draws at the accelerator: the logarithm of the share of the most, by class, family and publication.
fn draws(data: &Data, limit: f64) -> Vec<Observation> {
    let at_accelerator = data.powers.iter().filter(|power| power.basis == PowerBasis::Accelerator);
    at_accelerator
        .map(|power| Observation {
            y: libm::log(power.watts / power.most),
            x: vec![1.0, power.parameters.map_or(0.0, |parameters| libm::log(parameters / limit).min(0.0))],
            groups: groups(power.device, &power.source),
            noise: 0.0,
        })
        .collect()
}

fn groups(device: &Device, source: &str) -> Vec<String> {
    vec![class(device).to_owned(), family(device).to_owned(), source.to_owned()]
}

/// What systems and sockets drew beyond the accelerators, as a share of the most that an accelerator can draw.
fn hosts(data: &Data, of_draw: &Constants) -> Vec<Observation> {
    let around = data.powers.iter().filter(|power| power.basis != PowerBasis::Accelerator);
    around
        .map(|power| {
            let draw = of_draw.draw_share(power.device, power.parameters.unwrap_or(f64::INFINITY));
            Observation {
                y: power.watts / within_system(power.basis) / power.most - draw,
                x: vec![1.0],
                groups: groups(power.device, &power.source),
                noise: 0.0,
            }
        })
        .collect()
}

/// A system's draw over that of its servers: the network between them.
fn within_system(basis: PowerBasis) -> f64 {
    match basis {
        PowerBasis::System => 1.0 + factors::get("network-share").map_or(0.0, |share| share.value.central.0),
        _ => 1.0,
    }
}

/// The device-seconds of a run; where an energy tells them, through its draw.
fn seconds(time: &Time, of_draw: &Constants) -> f64 {
    match time.told {
        Told::Seconds(seconds) => seconds,
        Told::SystemJoules(joules, watts) => joules / watts,
        Told::AcceleratorJoules(joules) => {
            let most = time.device.most_power().map_or(f64::NAN, |most| most.0);
            joules / (most * of_draw.power(time.device, time.parameters).device)
        }
    }
}

/// Tokens of a run: its operations over six for each active parameter.
fn tokens(time: &Time) -> f64 {
    time.operations / 6.0 / time.active
}

/// The whole time of a run over what operations leave of it when each token takes some seconds of its own.
fn stretch(time: &Time, of_draw: &Constants, token_seconds: f64) -> f64 {
    let all = seconds(time, of_draw);
    // As in `Constants::token_seconds`.
    let token_seconds = if time.device.kind == Kind::Tpu { 0.0 } else { token_seconds };
    all / (all - token_seconds * tokens(time)).max(LEAST_IN_OPERATIONS * all)
}

fn times(data: &Data, of_draw: &Constants, token_seconds: f64) -> Vec<Observation> {
    let centres = Centres::of(data);
    let of_time = |time: &Time| {
        let (all, stretch) = (seconds(time, of_draw), stretch(time, of_draw, token_seconds));
        let unknown = if matches!(time.told, Told::AcceleratorJoules(_)) { DRAW_UNKNOWN } else { 0.0 };
        Observation {
            y: libm::log(time.operations / time.peak / (all / stretch)),
            x: variables(time, &centres),
            groups: vec![class(time.device).to_owned(), time.source.clone()],
            // A relative error of the whole time is a larger one of the part that goes into operations.
            noise: (unknown * stretch).hypot(DRAW_UNKNOWN * (stretch - 1.0)),
        }
    };
    data.times.iter().map(of_time).collect()
}

/// The geometric means around which sizes and numbers of devices are told.
struct Centres {
    size: f64,
    devices: f64,
}

impl Centres {
    fn of(data: &Data) -> Self {
        let size = mean(data.times.iter().map(|time| libm::log(time.active)));
        let devices = mean(data.times.iter().filter_map(|time| Some(libm::log(time.devices?))));
        Self { size: libm::exp(size), devices: libm::exp(devices) }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// The variables of a run, the first of them constant.
fn variables(time: &Time, centres: &Centres) -> Vec<f64> {
    vec![
        1.0,
        libm::log(time.active / centres.size),
        f64::from(time.is_mixture),
        f64::from(time.is_8_bit),
        time.devices.map_or(0.0, |devices| libm::log(devices / centres.devices)),
    ]
}

/// An intercept of which nothing is known, and variables of each of which little is expected.
fn time_priors(data: &Data) -> Vec<Prior> {
    let centres = Centres::of(data);
    let all: Vec<Vec<f64>> = data.times.iter().map(|time| variables(time, &centres)).collect();
    let mut priors = vec![Prior { mean: -1.0, deviation: VAGUE }];
    for place in 1..5 {
        let column = || all.iter().filter_map(|row| row.get(place).copied());
        let middle = mean(column());
        let spread = mean(column().map(|value| (value - middle).powi(2))).sqrt();
        priors.push(Prior {
            mean: 0.0,
            deviation: if spread > 0.0 { EXPECTED_CHANGE / spread } else { EXPECTED_CHANGE },
        });
    }
    priors
}

/// The constants of some runs, with spreads that are given.
fn constants(data: &Data, chosen: &Spreads) -> Option<Vec<Constant>> {
    let draw = mixed::fit(&draws(data, chosen.size_limit), &DRAW_PRIORS, &chosen.draw)?;
    let mut rows = draw_rows(&draw, chosen.size_limit);
    let of_draw = Constants::of(&rows);
    rows.extend(spread_rows("draw", &chosen.draw, &KINDS_OF_POWER));
    let host = mixed::fit(&hosts(data, &of_draw), &HOST_PRIORS, &chosen.host)?;
    rows.extend(coefficient(
        &host,
        0,
        "host.intercept",
        "share",
        "Draw of the computer around a device, over the most that the device can draw",
    ));
    rows.extend(effects(&host, "host", "share"));
    rows.extend(spread_rows("host", &chosen.host, &KINDS_OF_POWER));
    let time = mixed::fit(&times(data, &of_draw, chosen.token_seconds), &time_priors(data), &chosen.time)?;
    let centres = Centres::of(data);
    for (place, (name, note)) in TIME_VARIABLES.iter().enumerate() {
        rows.extend(coefficient(&time, place, &format!("time.{name}"), "logarithm", note));
    }
    rows.extend(effects(&time, "time", "logarithm"));
    rows.push(plain(
        "time.size-centre",
        centres.size,
        "count",
        "The size around which the effect of size is told: geometric mean of active parameters",
    ));
    rows.push(plain("time.devices-centre", centres.devices, "count", "The same for the number of devices"));
    rows.push(Constant {
        error: Some(chosen.token_error),
        ..plain("time.token-seconds", chosen.token_seconds, "s", "Time of a token on a device beside its operations")
    });
    rows.extend(spread_rows("time", &chosen.time, &KINDS_OF_TIME));
    rows.push(plain("time.runs", data.times.len() as f64, "count", "Runs that the time is fitted to"));
    rows.push(plain("draw.runs", data.powers.len() as f64, "count", "Measured draws that power is fitted to"));
    Some(rows)
}

const TIME_VARIABLES: [(&str, &str); 5] = [
    (
        "intercept",
        "Utilisation of 16-bit operations, of a dense model of usual size on a usual number of devices of a class without runs",
    ),
    ("size", "Change of utilisation when the active parameters grow by a factor of e"),
    ("mixture", "Change of utilisation of a mixture of experts"),
    ("8-bit", "Change of utilisation, over the peak in 16 bits, when products are computed in 8"),
    ("devices", "Change of utilisation when the number of devices grows by a factor of e"),
];

fn plain(id: &str, value: f64, unit: &str, note: &str) -> Constant {
    Constant { id: id.to_owned(), value, error: None, unit: unit.to_owned(), note: note.to_owned() }
}

fn estimated(id: &str, of: Estimated, unit: &str, note: &str) -> Constant {
    Constant { error: Some(of.error), ..plain(id, of.value, unit, note) }
}

fn coefficient(fitted: &Fitted, place: usize, id: &str, unit: &str, note: &str) -> Option<Constant> {
    fitted.coefficients.get(place).map(|of| estimated(id, *of, unit, note))
}

fn draw_rows(fitted: &Fitted, limit: f64) -> Vec<Constant> {
    let mut rows = Vec::new();
    rows.extend(coefficient(
        fitted,
        0,
        "draw.intercept",
        "logarithm",
        "Draw of a device that trains a large network, over the most that it can draw",
    ));
    rows.extend(coefficient(
        fitted,
        1,
        "draw.size",
        "logarithm",
        "Change of the draw when a network below the limit grows by a factor of e",
    ));
    rows.push(plain("draw.size-limit", limit, "count", "Parameters from which on a network draws as large ones do"));
    rows.extend(effects(fitted, "draw", "logarithm"));
    rows
}

/// The effects of classes and, where there are three groupings, of families; those of publications are not for use.
fn effects(fitted: &Fitted, of: &str, unit: &str) -> Vec<Constant> {
    let kinds: &[&str] = if fitted.effects.len() > 2 { &["class", "family"] } else { &["class"] };
    let mut rows = Vec::new();
    for (kind, effects) in kinds.iter().zip(&fitted.effects) {
        for (name, effect) in effects {
            let note = match *kind {
                "class" => "How chips of this class differ from all",
                _ => "How chips of this family differ from their class",
            };
            rows.push(estimated(&format!("{of}.{kind}.{name}"), *effect, unit, note));
        }
    }
    rows
}

fn spread_rows(of: &str, deviations: &Deviations, kinds: &[&str]) -> Vec<Constant> {
    let mut rows = vec![plain(
        &format!("{of}.spread.run"),
        deviations.noise,
        "standard deviation",
        "Between runs that are alike in all else",
    )];
    for (kind, deviation) in kinds.iter().zip(&deviations.groups) {
        let note = match *kind {
            "class" => "Between classes of chips",
            "family" => "Between families of a class",
            _ => "Between publications",
        };
        rows.push(plain(&format!("{of}.spread.{kind}"), *deviation, "standard deviation", note));
    }
    rows
}

/// What constants that were fitted to other runs say of these.
fn errors(constants: &Constants, out: &Data) -> Vec<LeftOut> {
    let share = |device: &Device, parameters: f64, basis: PowerBasis| {
        let shares = constants.power(device, parameters);
        match basis {
            PowerBasis::Accelerator => shares.device,
            basis => (shares.device + shares.host) * within_system(basis),
        }
    };
    let left_out = |id: &str, quantity, device: &Device, ratio| LeftOut {
        id: id.to_owned(),
        quantity,
        class: class(device),
        ratio,
    };
    let mut found = Vec::new();
    for time in &out.times {
        let run = Run {
            device: time.device,
            active: time.active,
            is_mixture: time.is_mixture,
            is_8_bit: time.is_8_bit,
            devices: time.devices,
        };
        let predicted = time.operations / time.peak / constants.utilisation(&run)
            + constants.token_seconds(time.device) * tokens(time);
        found.push(left_out(&time.id, "time", time.device, predicted / seconds(time, constants)));
        if let (Some((basis, joules)), Some(most)) = (time.measured, time.device.most_power()) {
            let watts = most.0 * share(time.device, time.parameters, basis);
            found.push(left_out(&time.id, "energy", time.device, predicted * watts / joules));
        }
    }
    for power in &out.powers {
        let ratio =
            share(power.device, power.parameters.unwrap_or(f64::INFINITY), power.basis) * power.most / power.watts;
        found.push(left_out(&power.id, "draw", power.device, ratio));
        // Where operations are not published, the energy is that of the published hours.
        if power.of_run && !out.times.iter().any(|time| time.id == power.id) {
            found.push(left_out(&power.id, "energy", power.device, ratio));
        }
    }
    found
}

/// The rows that tell how far off the runs were that were left out.
fn summary(of: &str, quantity: &str, errors: &[LeftOut]) -> Vec<Constant> {
    // Published over predicted: what an estimate is multiplied by to be right.
    let mut ratios: Vec<f64> =
        errors.iter().filter(|one| one.quantity == quantity).map(|one| 1.0 / one.ratio).collect();
    let mut factors: Vec<f64> = ratios.iter().map(|ratio| ratio.max(1.0 / ratio)).collect();
    ratios.sort_by(f64::total_cmp);
    factors.sort_by(f64::total_cmp);
    let within =
        |limit: f64| factors.iter().filter(|factor| **factor <= limit).count() as f64 / factors.len().max(1) as f64;
    let at = |sorted: &[f64], share: f64| super::validate::percentile(sorted, share).unwrap_or(1.0);
    let id = |name: &str| format!("{quantity}.without-own-{of}.{name}");
    let left_out = format!("when its own {of} is left out of the fit");
    vec![
        plain(&id("low"), at(&ratios, 0.1), "ratio", &format!("Published over predicted, 10th percentile, {left_out}")),
        plain(
            &id("high"),
            at(&ratios, 0.9),
            "ratio",
            &format!("Published over predicted, 90th percentile, {left_out}"),
        ),
        plain(&id("median"), at(&factors, 0.5), "ratio", &format!("Error factor of a run, median, {left_out}")),
        plain(&id("p90"), at(&factors, 0.9), "ratio", &format!("Error factor of a run, 90th percentile, {left_out}")),
        plain(&id("within-1.5"), within(1.5), "share", &format!("Runs within a factor of 1.5, {left_out}")),
        plain(&id("within-2"), within(2.0), "share", &format!("Runs within a factor of 2, {left_out}")),
    ]
}

/// Four digits: what is fitted to a few dozen runs claims no more.
fn round(row: &mut Constant) {
    row.value = four_digits(row.value);
    row.error = row.error.map(four_digits);
}

/// Through its decimal form, so that the same digits come back when the table is read.
fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_makes_the_committed_table_again() {
        let fit = all().unwrap();
        for (made, committed) in fit.rows.iter().zip(training_constants::rows()) {
            assert_eq!(made, committed, "run `cargo xtask calibrate` and commit what it writes");
        }
        assert_eq!(fit.rows.len(), training_constants::rows().len());
    }

    #[test]
    fn a_table_that_is_written_is_read_again() {
        let row = Constant { error: Some(0.25), ..plain("a.b", 1.5e-6, "s", "with, a comma and “quotes”") };
        let text = csv(&[row.clone(), plain("c", 2.0, "count", "none")]);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("a.b,0.0000015,0.25,s,\"with, a comma and “quotes”\""), "{text}");
    }
}
