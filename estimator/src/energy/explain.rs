//! “How was this computed?”: the formulas with the numbers of the case in them.

use super::EstimateError;
use super::assumptions::Key;
use super::case::Case;
use super::figures::{Figure, Figures};
use super::tuning::Rollouts;
use super::with_unit;
use super::{language, training};
use crate::format::{Readable, count, exact, number};
use crate::report::Step;
use crate::scenario::{Kind, LanguageModel, Serving, Training, Workload};
use crate::units::{
    Bytes, Dollars, Flops, GramsPerKilowattHour, Hours, KilogramsCo2e, KilowattHours, Litres, Seconds, Watts,
};

/// The steps of a case at its central values.
///
/// # Errors
/// As [`training::pass`].
pub(crate) fn steps(case: &Case<'_>, figures: &Figures) -> Result<Vec<Step>, EstimateError> {
    let mut steps = Vec::new();
    match &case.scenario.workload {
        Workload::Train(training) => train(case, training, figures, &mut steps)?,
        Workload::Serve(serving) => serve(case, serving, figures, &mut steps),
    }
    charge(case, figures, &mut steps);
    Ok(steps)
}

fn step(steps: &mut Vec<Step>, title: &str, formula: &str, numbers: String, result: String) {
    steps.push(Step { title: title.to_owned(), formula: formula.to_owned(), numbers, result });
}

fn train(case: &Case<'_>, training: &Training, figures: &Figures, steps: &mut Vec<Step>) -> Result<(), EstimateError> {
    let values = case.assumptions.central();
    let pass = training::pass(case, training)?;
    if let Some((prompts, time)) = pass.written {
        let rollouts = Rollouts::of(&training.method)?;
        step(
            steps,
            "Writing of answers",
            "prompts × answers ÷ what the devices answer as a service",
            format!(
                "{} × {} of {} tokens behind {}, {} at once",
                number(prompts),
                number(rollouts.answers),
                number(rollouts.answer),
                number(rollouts.prompt),
                rollouts.batch
            ),
            time.readable(),
        );
    }
    if pass.tokens {
        let (formula, numbers) = forward_of_token(case, pass.forward);
        step(steps, "Forward pass of one token", formula, numbers, pass.forward.readable());
    } else {
        step(
            steps,
            "Forward pass of one sample",
            "2 FLOPs × MACs of a pass ÷ samples in it",
            format!("2 × {} ÷ {}", number(case.model.macs.unwrap_or(0) as f64), case.model.batch),
            pass.forward.readable(),
        );
    }
    let (mut formula, mut numbers) = (
        format!(
            "({} + backward) × forward × {}",
            if training.recomputes_all() { "1 + 1 again" } else { "1" },
            match (pass.tokens, training.tokens, training.method.kind) {
                (true, _, Kind::Reinforcement) => "prompts × answers × tokens of prompt and answer",
                (true, Some(_), _) => "tokens",
                (true, None, _) => "samples × epochs × tokens of a sequence",
                (false, ..) => "samples × epochs",
            }
        ),
        format!(
            "({} + {}) × {} × {}",
            number(pass.forwards),
            number(values.get(Key::Backward)),
            pass.forward.readable(),
            if training.tokens.is_some() {
                number(pass.items)
            } else if pass.tokens {
                count(pass.items)
            } else {
                format!("{} × {}", number(training.samples), number(training.epochs))
            }
        ),
    );
    if pass.beside.0 > 0.0 {
        let whose = match training.method.kind {
            Kind::Distillation => "the teacher’s",
            _ => "the reference model’s",
        };
        formula.push_str(&format!(" + {whose} forward pass × tokens"));
        numbers.push_str(&format!(" + {} × {}", pass.beside.readable(), number(pass.items)));
    }
    if values.get(Key::Experiments) != 1.0 {
        formula.push_str(" × experiments");
        numbers.push_str(&format!(" × {}", number(values.get(Key::Experiments))));
    }
    step(steps, "Operations", &formula, numbers, Flops(figures.get(Figure::Flops)).readable());
    step(
        steps,
        "Time",
        training::TIME,
        training::time_in_numbers(case, pass, figures),
        Hours(figures.get(Figure::Hours)).readable(),
    );
    Ok(())
}

/// The formula of one token's forward pass, and the same with its numbers.
fn forward_of_token(case: &Case<'_>, forward: Flops) -> (&'static str, String) {
    let sequence = case.assumptions.central().get(Key::SequenceTokens);
    match (case.language, case.model.sample.tokens()) {
        (Some(model), _) if model.knows_its_architecture() => (
            "2 FLOPs × (MACs with weights + attention MACs at the mean context of a sequence)",
            format!(
                "2 × ({} + {}) in a sequence of {} tokens",
                count(model.weight_macs_per_token.unwrap_or(0.0)),
                count(forward.0 / training::FLOPS_PER_MAC - model.weight_macs_per_token.unwrap_or(0.0)),
                exact(sequence)
            ),
        ),
        (None, Some(each)) => (
            "2 FLOPs × MACs of a pass ÷ tokens in it",
            format!("2 × {} ÷ ({} × {each})", count(case.model.macs.unwrap_or(0) as f64), case.model.batch),
        ),
        _ => ("2 FLOPs × active parameters", format!("2 × {}", count(forward.0 / training::FLOPS_PER_MAC))),
    }
}

fn serve(case: &Case<'_>, serving: &Serving, figures: &Figures, steps: &mut Vec<Step>) {
    let values = case.assumptions.central();
    let traffic = match case.bandwidth {
        Some(bandwidth) => {
            format!("bandwidth {}/s × {}", Bytes(bandwidth.0).readable(), number(values.get(Key::BandwidthShare)))
        }
        None => "bandwidth not published, so arithmetic alone bounds the time".to_owned(),
    };
    let missed = match values.times(Key::UnexplainedServing) {
        1.0 => String::new(),
        missed => format!("; × {} that is not explained", number(missed)),
    };
    // A language model is split over all devices; a network that was read is copied to each.
    let together = match (case.language, case.scenario.hardware.count) {
        (Some(_), count @ 2..) => format!(" of {count} devices together"),
        _ => String::new(),
    };
    let roof = format!(
        "peak {} × {}, {traffic}{together}{missed}",
        if case.language.is_some() { case.serving_peak() } else { case.peak.rate }.readable(),
        number(values.get(Key::ComputeShare))
    );
    match case.language {
        Some(model) => serve_language(case, serving, model, figures, &roof, steps),
        None => {
            step(
                steps,
                "Time of a batch",
                "sum over the layers of the longer of FLOPs ÷ reached peak and bytes ÷ reached bandwidth, plus the time to start each",
                format!(
                    "batch {}; {roof}; {} to start",
                    serving.batch,
                    Seconds(values.get(Key::StartSeconds)).readable()
                ),
                Seconds(figures.get(Figure::Latency)).readable(),
            );
            step(
                steps,
                "Capacity",
                "devices × batch ÷ time of a batch",
                format!(
                    "{} × {} ÷ {}",
                    case.scenario.hardware.count,
                    serving.batch,
                    Seconds(figures.get(Figure::Latency)).readable()
                ),
                format!("{} requests a second", number(figures.get(Figure::Capacity))),
            );
        }
    }
    step(
        steps,
        "Working device-hours",
        if case.language.is_some() {
            "requests × devices × time in flight ÷ requests in flight"
        } else {
            "requests × devices ÷ capacity"
        },
        match case.language {
            Some(_) => format!(
                "{} × {} × {} ÷ {}",
                number(figures.get(Figure::Items)),
                case.scenario.hardware.count,
                Seconds(figures.get(Figure::Latency)).readable(),
                number(figures.get(Figure::InFlight))
            ),
            None => format!(
                "{} × {} ÷ {} a second",
                number(figures.get(Figure::Items)),
                case.scenario.hardware.count,
                number(figures.get(Figure::Capacity))
            ),
        },
        Hours(figures.get(Figure::WorkingHours)).device_hours(),
    );
    if serving.requests_per_day.is_some() {
        step(
            steps,
            "Waiting device-hours",
            "devices × 24 h × days − working",
            format!(
                "{} × 24 h × {} − {}",
                case.scenario.hardware.count,
                number(serving.days),
                Hours(figures.get(Figure::WorkingHours)).device_hours()
            ),
            Hours(figures.get(Figure::IdleHours)).device_hours(),
        );
    }
}

/// The steps of a language model's engine.
fn serve_language(
    case: &Case<'_>,
    serving: &Serving,
    model: LanguageModel,
    figures: &Figures,
    roof: &str,
    steps: &mut Vec<Step>,
) {
    let values = case.assumptions.central();
    let request = language::Request::of(&model, serving);
    let knows = model.knows_its_architecture();
    let batch = figures.get(Figure::InFlight);
    if serving.requests_per_day.is_some() {
        step(
            steps,
            "Requests in flight",
            "rate × time in flight, and at least one while the engine works; at most the batch",
            format!("{} a day, at most {}", number(serving.requests_per_day.unwrap_or(0.0)), serving.batch),
            number(batch),
        );
    }
    let read = language::parameters_read(&model, batch) * case.weight_bytes_each();
    let cache = match language::elements_read(&model, &request) {
        Some(elements) => elements * values.get(Key::CacheElementBytes),
        None => values.get(Key::CacheBytes) * (request.first_tokens() + request.steps() / 2.0),
    };
    step(
        steps,
        "Step with prompts",
        if knows {
            "√(products² + traffic²) + fixed times; products: 2 × MACs of the whole prompt ÷ reached peak"
        } else {
            "√(products² + traffic²) + fixed times; products: 2 × active parameters × prompt tokens ÷ reached peak"
        },
        format!("2 × {} for each prompt; {roof}", count(language::first_macs(&model, &request))),
        Seconds(figures.get(Figure::FirstToken)).readable(),
    );
    step(
        steps,
        "Each further token",
        if knows {
            "√(products² + traffic²) + fixed times, and its share of steps with prompts; products: 2 × MACs of a token at the mean context × requests in flight; traffic: weights touched + KV cache × requests in flight"
        } else {
            "√(products² + traffic²) + fixed times, and its share of steps with prompts; products: 2 × active parameters × requests in flight; traffic: weights touched + KV cache × requests in flight"
        },
        format!(
            "2 × {} × {}; {} of weights + {} of cache × {}; {} fixed; {roof}",
            count(language::request_step_macs(&model, &request)),
            number(batch),
            Bytes(read).readable(),
            Bytes(cache).readable(),
            number(batch),
            Seconds(values.get(Key::StartSeconds)).readable()
        ),
        Seconds(figures.get(Figure::BetweenTokens)).readable(),
    );
    step(
        steps,
        "Time in flight",
        "step with prompts + (output tokens − 1) × each further token",
        format!(
            "{} + {} × {}",
            Seconds(figures.get(Figure::FirstToken)).readable(),
            number((serving.output_tokens - 1.0).max(0.0)),
            Seconds(figures.get(Figure::BetweenTokens)).readable()
        ),
        Seconds(figures.get(Figure::Latency)).readable(),
    );
    step(
        steps,
        "Capacity",
        "batch ÷ time in flight with a full batch",
        format!("batch {}", serving.batch),
        format!("{} requests a second", number(figures.get(Figure::Capacity))),
    );
}

fn charge(case: &Case<'_>, figures: &Figures, steps: &mut Vec<Step>) {
    let values = case.assumptions.central();
    let hours = Hours(figures.get(Figure::WorkingHours));
    let energy = |figure| KilowattHours(figures.get(figure)).readable();
    // While layers are being started a chip draws less: the mean is what the energy says.
    let mean = if hours.0 > 0.0 { figures.get(Figure::Accelerators) / hours.0 * 1000.0 } else { 0.0 };
    step(
        steps,
        "Energy of the accelerators",
        "working device-hours × mean draw",
        format!("{} × {}", hours.device_hours(), Watts(mean).readable()),
        energy(Figure::Accelerators),
    );
    step(
        steps,
        "Energy of the hosts",
        "working device-hours × draw of the computer around each device",
        format!("{} × {}", hours.device_hours(), Watts(values.get(Key::HostWatts)).readable()),
        energy(Figure::Host),
    );
    if values.get(Key::NetworkShare) > 0.0 {
        step(
            steps,
            "Energy of the network",
            "share × (accelerators + hosts)",
            format!(
                "{} × ({} + {})",
                number(values.get(Key::NetworkShare)),
                energy(Figure::Accelerators),
                energy(Figure::Host)
            ),
            energy(Figure::Network),
        );
    }
    if figures.get(Figure::IdleHours) > 0.0 {
        step(
            steps,
            "Energy of waiting",
            "waiting device-hours × (idle draw + host)",
            format!(
                "{} × ({} + {})",
                Hours(figures.get(Figure::IdleHours)).device_hours(),
                Watts(values.get(Key::IdleWatts)).readable(),
                Watts(values.get(Key::HostWatts)).readable()
            ),
            energy(Figure::Idle),
        );
    }
    let equipment = figures.get(Figure::Energy) - figures.get(Figure::PueOverhead);
    step(
        steps,
        "Energy at the meter",
        "equipment × PUE",
        format!("{} × {}", KilowattHours(equipment).readable(), number(values.get(Key::Pue))),
        energy(Figure::Energy),
    );
    step(
        steps,
        "Emissions",
        "energy × carbon intensity",
        format!("{} × {}", energy(Figure::Energy), with_unit(GramsPerKilowattHour(values.get(Key::Intensity)))),
        KilogramsCo2e(figures.get(Figure::Co2e)).readable(),
    );
    if case.assumptions.find(Key::EmbodiedAccelerator).is_some() {
        let occupied = Hours(hours.0 + figures.get(Figure::IdleHours));
        let making = values.get(Key::EmbodiedAccelerator) + values.get(Key::EmbodiedHost);
        let dedicated =
            matches!(&case.scenario.workload, Workload::Serve(serving) if serving.requests_per_day.is_some());
        let (formula, life) = if dedicated {
            ("device-hours ÷ lifetime × emissions of making", String::new())
        } else {
            (
                "device-hours ÷ (lifetime × share in use) × emissions of making",
                format!(" × {}", number(values.get(Key::LifetimeUse))),
            )
        };
        step(
            steps,
            "Share of making the machines",
            formula,
            format!(
                "{} ÷ ({} years{life}) × {}",
                occupied.device_hours(),
                number(values.get(Key::LifetimeYears)),
                KilogramsCo2e(making).readable()
            ),
            KilogramsCo2e(figures.get(Figure::Embodied)).readable(),
        );
    }
    step(
        steps,
        "Water",
        "equipment × WUE + energy × water of power stations",
        format!(
            "{} × {} L/kWh + {} × {} L/kWh",
            KilowattHours(equipment).readable(),
            number(values.get(Key::Wue)),
            energy(Figure::Energy),
            number(values.get(Key::GridWater))
        ),
        Litres(figures.get(Figure::Water)).readable(),
    );
    step(
        steps,
        "Electricity bill",
        "energy × price",
        format!("{} × {} USD/kWh", energy(Figure::Energy), number(values.get(Key::ElectricityPrice))),
        Dollars(figures.get(Figure::Electricity)).readable(),
    );
}
