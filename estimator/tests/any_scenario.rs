//! Whatever a scenario or a link holds, estimating it ends in finite, ordered figures or in an error.

#![cfg(not(target_arch = "wasm32"))]

use estimator::energy::estimate;
use estimator::report::Estimate;
use estimator::scenario::{
    Hardware, LanguageModel, LayerTerms, ModelRef, ModelSummary, Sample, SampleKind, Scenario, Serving, Site,
    TokenPass, Training, Workload,
};
use proptest::prelude::*;
use serde_json::Value;

/// Fields that are null where something is not known; elsewhere JSON's null is a number that is none.
const MAY_BE_NULL: [&str; 9] = [
    ".embodied_kg",
    ".total_co2e_kg",
    ".market",
    ".needed",
    ".available",
    ".fits",
    ".bytes",
    ".feasible",
    ".least_devices",
];

/// Every number in a record is finite (JSON writes what is not as null), and every range ascends.
fn assert_sound(value: &Value, path: &str) {
    match value {
        Value::Object(fields) => {
            if let (Some(low), Some(central), Some(high)) =
                (fields.get("low"), fields.get("central"), fields.get("high"))
            {
                let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{path} is not finite"));
                let (low, central, high) = (number(low), number(central), number(high));
                assert!(0.0 <= low && low <= central && central <= high, "{path}: {low} {central} {high}");
            }
            for (name, field) in fields {
                assert_sound(field, &format!("{path}.{name}"));
            }
        }
        Value::Null if !MAY_BE_NULL.iter().any(|name| path.ends_with(name)) => panic!("{path} is not finite"),
        Value::Array(items) => items.iter().for_each(|item| assert_sound(item, path)),
        _ => {}
    }
}

fn check(scenario: &Scenario, model: &ModelSummary) {
    if let Ok(found) = estimate(scenario, model) {
        let record = serde_json::to_value(&found).unwrap();
        assert_sound(&record, "estimate");
        assert!(record["flops"].is_f64());
        let back: Estimate = serde_json::from_value(record).unwrap();
        assert_eq!(back.scope, found.scope);
    }
}

/// Numbers of every magnitude, and those that are none.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => Just(0.0),
        3 => Just(1.0),
        1 => Just(-1.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::MAX),
        1 => Just(f64::MIN_POSITIVE),
        30 => (-3.0..21.0f64).prop_map(|exponent| libm::pow(10.0, exponent)),
        3 => (-300.0..300.0f64).prop_map(|exponent| libm::pow(10.0, exponent)),
    ]
}

fn whole() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 3 => Just(1), 1 => Just(u64::MAX), 3 => any::<u64>(), 20 => 1..10_000u64]
}

fn workload() -> impl Strategy<Value = Workload> {
    let training = (number(), number(), whole(), prop::option::of(number()), any::<bool>()).prop_map(
        |(samples, epochs, batch, tokens, recompute)| {
            Workload::Train(Training { samples, epochs, batch, tokens, recompute, ..Training::default() })
        },
    );
    let generates = prop::option::of(any::<bool>());
    let serving = (prop::option::of(number()), number(), whole(), number(), number(), generates).prop_map(
        |(requests_per_day, days, batch, prompt_tokens, output_tokens, generates)| {
            Workload::Serve(Serving {
                requests_per_day,
                days,
                batch,
                prompt_tokens,
                output_tokens,
                images: None,
                generates,
            })
        },
    );
    prop_oneof![training.boxed(), serving.boxed()].boxed()
}

fn summary() -> impl Strategy<Value = ModelSummary> {
    let term = (whole(), whole(), whole(), whole(), whole()).prop_map(
        |(layers, macs, other_operations, weight_bytes, activation_bytes)| LayerTerms {
            layers,
            macs,
            other_operations,
            weight_bytes,
            activation_bytes,
        },
    );
    let count = || prop::option::of(whole());
    let read = (count(), count(), count(), count(), whole(), prop::collection::vec(term, 0..5)).prop_map(
        |(parameters, macs, weight_bytes, activation_bytes, batch, layers)| ModelSummary {
            parameters,
            macs,
            weight_bytes,
            activation_bytes,
            peak_activation_bytes: activation_bytes,
            batch,
            layers,
            ..ModelSummary::default()
        },
    );
    let read = read.boxed();
    let counted = (number(), prop::option::of(0.01..1.01f64))
        .prop_map(|(all, active)| ModelSummary::from_counts(all, active.map(|share| share * all)))
        .boxed();
    let pass = prop::option::of((whole(), whole(), whole(), count()).prop_map(
        |(tokens, past, attention_macs, cache_elements_per_token)| TokenPass {
            tokens,
            past,
            attention_macs,
            cache_elements_per_token,
        },
    ));
    let kind = prop::sample::select(&[SampleKind::Tokens, SampleKind::Image, SampleKind::Unknown][..]);
    let sample =
        (kind, prop::collection::vec(whole(), 0..3), pass).prop_map(|(kind, sizes, pass)| Sample { kind, sizes, pass });
    let graph = (read.clone(), sample).prop_map(|(read, sample)| ModelSummary { sample, ..read });
    let more = || prop::option::of(number());
    let known = (counted.clone(), [more(), more(), more(), more(), more(), more()], [more(), more(), more(), more()])
        .prop_map(|(counted, tokens, experts)| {
            let size = counted.language.unwrap_or_default();
            let language = LanguageModel {
                weight_macs_per_token: tokens[0],
                attention_macs_per_context_token: tokens[1],
                windowed_attention_macs_per_context_token: tokens[2],
                window: tokens[3],
                kv_elements_per_token: tokens[4],
                state_elements: tokens[5],
                expert_parameters: experts[0],
                experts: experts[1],
                experts_per_token: experts[2],
                input_table_parameters: experts[3],
                ..size
            };
            ModelSummary { language: Some(language), ..counted }
        });
    // Boxed, for these trees of strategies are larger than a test's stack.
    prop_oneof![read, graph.boxed(), counted, known.boxed()].boxed()
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let devices = || estimator::hardware::devices().iter().map(|device| device.id.clone()).collect::<Vec<_>>();
    const KEYS: [&str; 7] =
        ["pue", "mfu", "grid-intensity", "accelerator-watts", "host-watts", "experiments", "start-seconds"];
    let set_to = prop_oneof![4 => 0.2..2.0f64, 1 => number()];
    let set = prop::collection::btree_map(prop::sample::select(&KEYS[..]).prop_map(str::to_owned), set_to, 0..3);
    let precision =
        prop::sample::select(&["fp32", "bf16", "fp8", "int4", "bf16", "fp16", "x"][..]).prop_map(str::to_owned);
    let region = prop::sample::select(
        &["world", "fr", "us-srvc", "own:home", "aws:us-east-1", "hpc:jean-zay", "gcp:europe-west1", "nowhere"][..],
    );
    (workload(), prop::sample::select(devices()), whole(), prop::option::of(precision), region, set).prop_map(
        |(workload, device, count, precision, region, set)| Scenario {
            workload,
            hardware: Hardware { device, count, precision },
            site: Site { region: region.to_owned(), ..Site::default() },
            set,
            ..Scenario::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn an_estimate_is_sound_or_an_error(scenario in scenario(), model in summary()) {
        check(&scenario, &model);
    }

    #[test]
    fn a_link_reads_back_as_it_was_written(scenario in scenario(), model in summary()) {
        let model = ModelRef::File { name: "a & b.onnx".to_owned(), summary: Some(Box::new(model)) };
        let written = Scenario { model, ..scenario }.to_fragment();
        // Numbers that are none are refused with their key; everything else comes back the same.
        if let Ok(read) = Scenario::from_fragment(&written) {
            prop_assert_eq!(read.to_fragment(), written);
        }
    }

    #[test]
    fn any_text_is_a_link_or_an_error(text in ".{0,300}") {
        let _ = Scenario::from_fragment(&text);
    }

    #[test]
    fn any_link_of_ours_is_estimated_or_an_error(
        pairs in prop::collection::vec(
            (prop::sample::select(&["v", "params", "active", "do", "samples", "epochs", "batch", "tokens", "rpd", "days",
                "prompt", "output", "on", "n", "p", "at", "grid", "basis", "dim.x", "set.pue", "file", "sum", "sample", "lm",
                "gen"][..]),
             "[a-z0-9.,;%:-]{0,20}"),
            0..12,
        )
    ) {
        let text: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if let Ok(scenario) = Scenario::from_fragment(&text.join("&"))
            && let Some(model) = scenario.model.summary()
        {
            check(&scenario, &model);
        }
    }
}
