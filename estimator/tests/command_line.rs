//! The command line as other programs use it: exit status, one line on stderr, and the fields of every record.
#![cfg(feature = "cli")]

mod support;

use estimator::energy;
use estimator::scenario::{Hardware, ModelRef, Scenario, Site, Training, Workload};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use support::{Axis, Message};

fn greenprint(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_greenprint")).args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = greenprint(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The single line on stderr of a command that fails with this status and prints nothing else.
fn complaint(arguments: &[&str], status: i32) -> String {
    let output = greenprint(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("greenprint-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `y = relu(x × w)` with `x` of batch × 64 and `w` of 64 × 10.
fn small_model() -> Vec<u8> {
    let graph = Message::new()
        .message(1, support::node("MatMul", &["x", "w"], &["h"]))
        .message(1, support::node("Relu", &["h"], &["y"]))
        .bytes(2, "small")
        .message(5, support::tensor("w", &[64, 10]))
        .message(11, support::value("x", &[Axis::Named("batch"), Axis::Fixed(64)]))
        .message(12, support::value("y", &[Axis::Named("batch"), Axis::Fixed(10)]));
    support::model(graph)
}

fn assert_fields(record: &Value, fields: &[&str]) {
    for field in fields {
        assert!(record.get(field).is_some(), "no field {field} in {record}");
    }
}

fn assert_range(value: &Value, name: &str) {
    let end = |end: &str| value[end].as_f64().unwrap_or_else(|| panic!("{name} has no {end}: {value}"));
    assert!(end("low") <= end("central") && end("central") <= end("high"), "{name}: {value}");
}

#[test]
fn inspect_prints_the_promised_fields() {
    let folder = Folder::new("inspect");
    let file = folder.file("small.onnx", &small_model());
    let record = json(&["inspect", &file, "--dim", "batch=4", "--json"]);
    assert_fields(
        &record,
        &[
            "format",
            "parameters",
            "buffers",
            "macs",
            "flops",
            "other_operations",
            "weight_bytes",
            "peak_activation_bytes",
            "dtypes",
            "bytes_read",
            "dynamic_dims",
            "inputs",
            "outputs",
            "layers",
            "not_counted",
            "warnings",
        ],
    );
    assert_eq!(record["format"], "onnx");
    assert_eq!(record["parameters"], 640);
    assert_eq!(record["macs"], 4 * 640);
    assert_eq!(record["flops"], 2 * 4 * 640);
    assert_eq!(record["weight_bytes"], 4 * 640);
    assert_eq!(record["dtypes"]["f32"], 640);
    assert_eq!(record["dynamic_dims"]["batch"], 4);
    assert_eq!(record["inputs"][0]["shape"], serde_json::json!([4, 64]));
    for layer in record["layers"].as_array().unwrap() {
        assert_fields(
            layer,
            &[
                "name",
                "op",
                "output_shape",
                "parameters",
                "macs",
                "other_operations",
                "weight_bytes",
                "activation_bytes",
            ],
        );
    }
    let shaped = json(&["inspect", &file, "--input", "x=7x64", "--json"]);
    assert_eq!(shaped["macs"], 7 * 640);
    let several = json(&["inspect", &file, &file, "--json"]);
    assert_eq!(several.as_array().map(Vec::len), Some(2));
    let text = greenprint(&["inspect", &file]);
    assert!(String::from_utf8(text.stdout).unwrap().contains("parameters"));
}

#[test]
fn train_prints_the_promised_fields_and_the_library_s_numbers() {
    let record = json(&[
        "train",
        "--params",
        "7B",
        "--tokens",
        "2e12",
        "--device",
        "a100-sxm4-80gb",
        "--count",
        "1000",
        "--precision",
        "bf16",
        "--mfu",
        "0.4",
        "--region",
        "us",
        "--pue",
        "1.1",
        "--json",
    ]);
    for field in ["hours", "energy_kwh", "co2e_kg", "water_l", "cost_usd"] {
        assert_range(&record[field], field);
    }
    for part in ["accelerators", "host", "network", "idle", "pue_overhead"] {
        assert_range(&record["energy_parts_kwh"][part], part);
    }
    for assumption in record["assumptions"].as_array().unwrap() {
        assert_fields(assumption, &["name", "value", "unit", "source"]);
    }
    assert!(record["warnings"].is_array());
    assert_eq!(record["flops"].as_f64(), Some(6.0 * 7e9 * 2e12));

    let scenario = Scenario {
        model: ModelRef::Counts { parameters: 7e9, active_parameters: None },
        workload: Workload::Train(Training { samples: 0.0, epochs: 1.0, tokens: Some(2e12), ..Training::default() }),
        hardware: Hardware { device: "a100-sxm4-80gb".into(), count: 1000, precision: Some("bf16".into()) },
        site: Site { region: "us".into(), ..Site::default() },
        set: [("mfu".to_owned(), 0.4), ("pue".to_owned(), 1.1)].into(),
        ..Scenario::default()
    };
    let model = scenario.model.summary().unwrap();
    let ours = serde_json::to_string_pretty(&energy::estimate(&scenario, &model).unwrap()).unwrap();
    assert_eq!(record, serde_json::from_str::<Value>(&ours).unwrap());
}

#[test]
fn infer_prints_the_promised_fields() {
    let record = json(&[
        "infer",
        "--params",
        "8e9",
        "--device",
        "h100-sxm",
        "--count",
        "1",
        "--precision",
        "bf16",
        "--batch",
        "8",
        "--prompt-tokens",
        "500",
        "--output-tokens",
        "300",
        "--requests-per-day",
        "10000",
        "--json",
    ]);
    for field in [
        "hours",
        "energy_kwh",
        "co2e_kg",
        "water_l",
        "cost_usd",
        "per_output_token_j",
        "per_request_wh",
        "accelerator_j_per_output_token",
        "accelerator_j_per_request",
    ] {
        assert_range(&record[field], field);
    }
    assert!(record["energy_parts_kwh"]["idle"]["central"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_model_file_is_trained_and_served() {
    let folder = Folder::new("file");
    let file = folder.file("small.onnx", &small_model());
    let machine = ["--device", "l4", "--count", "1", "--json"];
    let train = json(&[&["train", "--model", &file, "--samples", "1000", "--epochs", "3"], &machine[..]].concat());
    assert_eq!(train["flops"].as_f64(), Some(3.0 * 2.0 * 640.0 * 1000.0 * 3.0));
    let infer = json(&[&["infer", "--model", &file, "--batch", "16"], &machine[..]].concat());
    assert_eq!(infer["flops"].as_f64(), Some(2.0 * 640.0));
    assert!(infer.get("per_output_token_j").is_none());
    let tokens = json(&[&["infer", "--model", &file, "--prompt-tokens", "5"], &machine[..]].concat());
    assert!(tokens["warnings"].to_string().contains("play no part"));
    // The number of samples in a pass does not change the cost of one.
    let batched = json(
        &[&["train", "--model", &file, "--dim", "batch=8", "--samples", "1000", "--epochs", "3"], &machine[..]]
            .concat(),
    );
    assert_eq!(batched["flops"], train["flops"]);
}

#[test]
fn a_graph_over_tokens_answers_prompts() {
    let file = example("models/gpt2_small.onnx");
    let machine = ["--device", "l4", "--count", "1", "--json"];
    let one = json(&[&["infer", "--model", &file], &machine[..]].concat());
    let macs = json(&["inspect", &file, "--json"])["macs"].as_f64().unwrap();
    assert_eq!(one["flops"].as_f64(), Some(2.0 * macs));
    let infer = |prompt: &str, output: &str| {
        json(
            &[&["infer", "--model", &file, "--prompt-tokens", prompt, "--output-tokens", output], &machine[..]]
                .concat(),
        )
    };
    let answer = infer("128", "1");
    assert_range(&answer["per_output_token_j"], "per_output_token_j");
    assert!(answer["warnings"].to_string().contains("one pass over the prompt"));
    // The graph attends to all 128 tokens, a prompt to half of them; the rest is the same.
    let share = answer["flops"].as_f64().unwrap() / (2.0 * macs);
    assert!((0.95..1.0).contains(&share), "{share}");
    // GPT-2’s published cache: 2 × 12 layers × 768 elements of 2 bytes.
    let cache = &infer("1000", "24")["memory"]["parts"][1];
    assert_eq!((cache["name"].as_str(), cache["bytes"].as_f64()), (Some("KV cache"), Some(36_864.0 * 1024.0)));
    let longer = infer("128", "100");
    assert!(longer["energy_kwh"]["central"].as_f64() > answer["energy_kwh"]["central"].as_f64());
    // The length at which the file is read changes nothing.
    let other = json(
        &[
            &["infer", "--model", &file, "--dim", "sequence=64", "--prompt-tokens", "128", "--output-tokens", "100"],
            &machine[..],
        ]
        .concat(),
    );
    let ratio = other["flops"].as_f64().unwrap() / longer["flops"].as_f64().unwrap();
    assert!((ratio - 1.0).abs() < 1e-3, "{ratio}");
}

#[test]
fn a_scenario_file_is_a_start_that_arguments_replace() {
    let folder = Folder::new("scenario");
    let text = r#"{"model": {"from": "counts", "parameters": 1e9}, "workload": {"do": "train", "tokens": 2e10},
                   "hardware": {"device": "h100-sxm", "count": 4}, "site": {"region": "fr"}, "from_the_future": true}"#;
    let file = folder.file("scenario.json", text.replace(r#", "from_the_future": true"#, "").as_bytes());
    let plain = json(&["train", "--scenario", &file, "--json"]);
    assert_eq!(plain["flops"].as_f64(), Some(6.0 * 1e9 * 2e10));
    let moved = json(&["train", "--scenario", &file, "--region", "pl", "--json"]);
    // A newer scenario opens too; what is not known of it is said beside the record.
    let newer = folder.file("newer.json", text.as_bytes());
    let output = greenprint(&["train", "--scenario", &newer, "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), plain);
    assert!(String::from_utf8(output.stderr).unwrap().contains("“from_the_future” is not known"));
    let misspelt = folder.file("misspelt.json", text.replace("\"device\"", "\"deviec\"").as_bytes());
    let output = greenprint(&["train", "--scenario", &misspelt]);
    let text = String::from_utf8(output.stdout).unwrap();
    let (warning, table) = (text.find("hardware.deviec").unwrap(), text.find("operations").unwrap());
    assert!(warning < table && text.contains("did you mean “hardware.device”?"), "{text}");
    assert!(moved["co2e_kg"]["central"].as_f64() > plain["co2e_kg"]["central"].as_f64());
    let broken = folder.file("broken.json", b"{");
    assert!(complaint(&["train", "--scenario", &broken], 1).contains("is no scenario"));
}

#[test]
fn a_misspelt_dimension_or_input_is_refused_with_the_nearest_name() {
    let folder = Folder::new("names");
    let file = folder.file("small.onnx", &small_model());
    let line = complaint(&["inspect", &file, "--dim", "bacth=4"], 2);
    assert!(line.contains("no open dimension “bacth”") && line.contains("did you mean “batch”?"), "{line}");
    let line = complaint(&["inspect", &file, "--input", "images=4x64", "--json"], 2);
    assert!(line.contains("no input “images”") && line.contains("it has x"), "{line}");
    let line = complaint(&["infer", "--model", &file, "--dim", "frames=4", "--device", "l4"], 2);
    assert!(line.contains("it has batch"), "{line}");
}

#[test]
fn a_configuration_s_dimensions_are_checked_and_it_is_a_model_by_itself() {
    let folder = Folder::new("configuration");
    let file = folder.file("config.json", br#"{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}"#);
    let line = complaint(&["inspect", &file, "--dim", "tokns=4"], 2);
    assert!(line.contains("no open dimension “tokns”") && line.contains("did you mean “tokens”?"), "{line}");
    let line = complaint(&["inspect", &file, "--dim", "tokens=0"], 2);
    assert!(line.contains("1 or more"), "{line}");
    let serve = ["--device", "l4", "--json"];
    let alone = json(&[&["infer", "--config", &file], &serve[..]].concat());
    let named = json(&[&["infer", "--model", &file], &serve[..]].concat());
    assert_eq!(alone, named);
    // A picture's network has no tokens; who gives a number of them with other files is told so.
    let picture = folder.file("vit.json", br#"{"model_type": "vit"}"#);
    let found = json(&["inspect", &picture, "--dim", "tokens=128", "--json"]);
    assert_eq!(found["dynamic_dims"], serde_json::json!({}));
    assert!(found["macs"].as_u64().is_some_and(|macs| macs > 0));
}

#[test]
fn sound_and_pictures_are_in_the_price_of_an_answer() {
    let folder = Folder::new("senses");
    let serve = |config: &[u8], more: &[&str]| {
        let file = folder.file("config.json", config);
        let fixed =
            ["infer", "--config", &file, "--device", "l4", "--prompt-tokens", "100", "--output-tokens", "10", "--json"];
        json(&[&fixed[..], more].concat())
    };
    let flops = |of: &Value| of["flops"].as_f64().unwrap();
    let says = |of: &Value, word: &str| of["warnings"].to_string().contains(word);
    let whisper = serve(br#"{"model_type": "whisper"}"#, &[]);
    // The encoder of the smallest: 4 layers of width 384 over 1,500 frames.
    assert!(flops(&whisper) > 2.0 * 1500.0 * 4.0 * 12.0 * 384.0 * 384.0 && says(&whisper, "fixed size"));
    let llava = br#"{"model_type": "llava", "torch_dtype": "float16"}"#;
    let (none, two) = (serve(llava, &[]), serve(llava, &["--images", "2"]));
    assert!(says(&none, "no picture is counted") && says(&two, "576 tokens"));
    assert!(flops(&two) > 8.0 * flops(&none), "{} {}", flops(&two), flops(&none));
}

#[test]
fn a_change_starts_from_the_service_that_infer_reads() {
    let service = [
        "--params",
        "8e9",
        "--device",
        "h100-sxm",
        "--prompt-tokens",
        "500",
        "--output-tokens",
        "300",
        "--requests-per-day",
        "1e6",
    ];
    let of = |command: &[&str]| json(&[command, &service, &["--json"]].concat());
    let (served, change) = (of(&["infer"]), of(&["whatif", "--quantize", "fp8"]));
    // Without a batch, it follows from the load for both.
    assert_eq!(served["service"]["latency_s"], change["before"]["latency_s"], "{}", change["before"]);
    assert_ne!(change["before"]["latency_s"], change["after"]["latency_s"]);
}

#[test]
fn weights_without_a_graph_ask_for_their_configuration() {
    let folder = Folder::new("weights");
    let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
    let file = folder.file("model.safetensors", &bytes);
    for work in ["train", "infer"] {
        let line = complaint(&[work, "--model", &file, "--device", "l4"], 1);
        assert!(line.contains("--config") && line.contains("--params"), "{line}");
    }
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let folder = Folder::new("several");
    let good = folder.file("small.onnx", &small_model());
    let bad = folder.file("empty.onnx", b"");
    let output = greenprint(&["inspect", &good, &bad, &good, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("empty.onnx"));
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((list[0]["parameters"].as_u64(), list[2]["macs"].as_u64()), (Some(640), Some(640)));
    assert_eq!((list[0]["file"].as_str(), list[1]["file"].as_str()), (Some(good.as_str()), Some(bad.as_str())));
    assert!(list[1]["error"].as_str().unwrap().contains("empty"), "{list}");
    let text = greenprint(&["inspect", &bad, &good]);
    assert_eq!(text.status.code(), Some(1));
    assert!(String::from_utf8(text.stdout).unwrap().contains("640"));
}

/// Llama 2 of 7 billion parameters, as its configuration file has it.
const LLAMA: &[u8] = br#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
    "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
    "vocab_size": 32000, "tie_word_embeddings": false, "max_position_embeddings": 4096}"#;

#[test]
fn a_configuration_is_trained_and_served_by_its_architecture() {
    let folder = Folder::new("config");
    let file = folder.file("config.json", LLAMA);
    let train = |sequence: &str| {
        let arguments = ["train", "--model", &file, "--tokens", "1e12", "--sequence", sequence];
        json(&[&arguments[..], &["--device", "a100-sxm4-80gb", "--count", "64", "--json"]].concat())["flops"].as_f64()
    };
    // All parameters but the input table multiply; attention adds 2 × 4096 × 32 MACs for each token of context.
    let weights = 6_607_077_376.0 - 32.0 * 2.0 * 4096.0 - 4096.0;
    let flops = |sequence: f64| 6.0 * (weights + 262_144.0 * (sequence + 1.0) / 2.0) * 1e12;
    for sequence in [1.0, 4096.0] {
        let found = train(&sequence.to_string()).unwrap();
        assert!((found / flops(sequence) - 1.0).abs() < 1e-3, "{found} for {}", flops(sequence));
    }
    let served = json(&[
        "infer",
        "--model",
        &file,
        "--device",
        "h100-sxm",
        "--batch",
        "4",
        "--prompt-tokens",
        "900",
        "--output-tokens",
        "100",
        "--json",
    ]);
    // The published cache: half a mebibyte for each token.
    assert_eq!(served["memory"]["parts"][1]["bytes"].as_f64(), Some(524_288.0 * 1000.0 * 4.0));
    assert!(!served["warnings"].to_string().contains("approximated"));
    // A sample of a language model is a sequence, and its length is told.
    let sized = ["train", "--params", "7B", "--samples", "1000", "--sequence", "512", "--device", "l4", "--json"];
    assert_eq!(json(&sized)["flops"].as_f64(), Some(6.0 * 7e9 * 512_000.0));
}

/// Who reads a pipe that nobody writes to waits for ever, and a device never ends.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let folder = Folder::new("pipe");
    let pipe = folder.0.join("pipe.onnx").to_string_lossy().into_owned();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in [pipe.as_str(), "/dev/zero"] {
        assert!(complaint(&["inspect", file], 1).contains("pipe"), "{file}");
        assert!(complaint(&["train", "--scenario", file], 1).contains("pipe"), "{file}");
        assert!(complaint(&["validate", "--rows", file], 1).contains("pipe"), "{file}");
    }
    // Beside a model, too.
    let model = folder.file("small.onnx", &small_model());
    assert_eq!(json(&["inspect", &model, "--json"])["parameters"], 640);
}

#[test]
fn what_changes_the_meaning_is_read_before_the_figures() {
    let folder = Folder::new("order");
    let file = folder.file("small.onnx", &small_model());
    let text = |arguments: &[&str]| {
        let output = greenprint(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let before = |text: &str, first: &str, then: &str| {
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no “{words}” in {text}"));
        assert!(place(first) < place(then), "{text}");
    };
    // An input that does not fit: said first, once, and no list of layers without counts.
    let misfit = text(&["inspect", &file, "--input", "x=7x65"]);
    before(&misfit, "does not fit its inputs", "parameters");
    assert!(!misfit.contains("with the most MACs"), "{misfit}");
    assert!(misfit.matches("are not counted").count() <= 1, "{misfit}");
    let nothing = text(&["inspect", &file, "--dim", "batch=0"]);
    assert!(nothing.contains("batch is 0") && !nothing.contains("with the most MACs"), "{nothing}");
    let huge = text(&["inspect", &file, "--dim", "batch=9000000000000000000"]);
    before(&huge, "64 bits", "parameters");
    assert!(!huge.contains("shapes that they depend on are not known"), "{huge}");
    // A model that does not fit the memory, with the number of devices that would hold it.
    let service = text(&["infer", "--params", "405B", "--device", "h100-sxm"]);
    before(&service, "does not run as described: it does not fit", "energy at the meter");
    before(&service, "at least 10 of them", "energy at the meter");
    assert!(!service.contains("unknown needed"), "{service}");
    // An amount of training that nobody gave.
    let usual = text(&["train", "--model", &file, "--device", "l4"]);
    before(&usual, "a usual one is taken", "operations");
    let json = greenprint(&["train", "--params", "1e9", "--device", "l4", "--json"]);
    assert_eq!(json.status.code(), Some(0));
    // 20 tokens for each parameter.
    assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap()["flops"].as_f64(), Some(6.0 * 1e9 * 20e9));
    assert!(String::from_utf8(json.stderr).unwrap().contains("compute-optimal"));
}

/// A file of the repository's examples.
fn example(name: &str) -> String {
    format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_example_scenarios_are_estimated() {
    let training = json(&["train", "--scenario", &example("scenarios/llama-2-7b.json"), "--json"]);
    // The card: 184,320 hours on A100.
    let hours = &training["device_hours"];
    assert!(hours["low"].as_f64() < Some(184_320.0) && hours["high"].as_f64() > Some(184_320.0), "{hours}");
    let service = example("scenarios/vision-service.json");
    let service = json(&["infer", "--scenario", &service, "--model", &example("models/resnet50.onnx"), "--json"]);
    assert!(service["service"]["load"]["central"].as_f64().is_some_and(|load| load > 0.0 && load < 1.0));
}

#[test]
fn devices_and_regions_are_listed_with_their_ids() {
    let devices = json(&["devices", "--json"]);
    assert!(devices.as_array().unwrap().len() >= 60);
    assert!(devices.as_array().unwrap().iter().any(|device| device["id"] == "h100-sxm"));
    let regions = json(&["regions", "--json"]);
    for id in ["fr", "aws:us-east-1"] {
        assert!(regions.as_array().unwrap().iter().any(|region| region["id"] == id), "{id}");
    }
    assert_eq!(json(&["devices", "h100 sxm", "--json"])[0]["id"], "h100-sxm");
    assert_eq!(json(&["regions", "France", "--json"])[0]["id"], "fr");
    for list in ["devices", "regions"] {
        assert!(complaint(&[list, "xyzzy"], 1).contains("“xyzzy”"), "{list}");
        assert_eq!(json(&[list, "xyzzy", "--json"]), serde_json::json!([]));
    }
}

#[test]
fn validate_prints_rows_and_a_summary() {
    let record = json(&["validate", "--json"]);
    for row in record["rows"].as_array().unwrap() {
        assert_fields(row, &["id", "published", "low", "central", "high", "unit", "error_factor"]);
    }
    assert_fields(&record["summary"], &["n", "median_error_factor", "p90_error_factor", "within_range"]);
    let folder = Folder::new("rows");
    let rows = folder.file("rows.csv", b"a,b\n1,2\n");
    assert!(complaint(&["validate", "--rows", &rows], 1).contains("no layout"));
}

#[test]
fn files_that_cannot_be_read_end_with_status_1_and_one_line() {
    let (folder, hollow) = (Folder::new("bad"), Folder::new("hollow"));
    let missing = folder.0.join("missing.onnx").to_string_lossy().into_owned();
    for (file, says) in [
        (missing, "missing.onnx"),
        (folder.file("empty.onnx", b""), "empty"),
        (folder.file("page.onnx", b"<!doctype html><html>"), "page.onnx"),
        (folder.file("cut.onnx", small_model().get(..40).unwrap()), "cut.onnx"),
        (hollow.0.to_string_lossy().into_owned(), "without files"),
    ] {
        let line = complaint(&["inspect", &file], 1);
        assert!(line.starts_with("greenprint: ") && line.contains(says), "{line}");
        complaint(&["train", "--model", &file, "--samples", "1", "--device", "l4"], 1);
    }
}

#[test]
fn bad_use_ends_with_status_2() {
    let base = ["train", "--params", "7B", "--tokens", "1T", "--count", "1"];
    let with = |more: &[&str]| complaint(&[&base[..], more].concat(), 2);
    assert!(with(&["--device", "h100"]).contains("h100-sxm"), "it names what is near");
    assert!(with(&["--device", "l4", "--region", "atlantis"]).contains("greenprint regions"));
    assert!(with(&["--device", "l4", "--pue", "0.5"]).contains("pue"));
    assert!(with(&["--device", "l4", "--set", "luck=1"]).contains("luck"));
    assert!(with(&["--device", "l4", "--precision", "fp63"]).contains("fp63"));
    assert!(with(&[]).contains("--device"));
    assert!(complaint(&["train", "--device", "l4", "--tokens", "1e9"], 2).contains("--model"));
    let message = |arguments: &[&str]| {
        let output = greenprint(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for negative in ["-5", "-7B"] {
        let line = message(&["train", "--params", negative, "--device", "l4"]);
        assert!(line.contains("is negative") && line.contains("7B"), "{line}");
    }
    assert!(message(&["train", "--params", "7B", "--device", "l4", "--count", "-2"]).contains("is negative"));
    assert!(message(&["inspect", "x.onnx", "--dim", "batch=99999999999999999999"]).contains("64 bits"));
    for wrong in [
        &["explode"][..],
        &["inspect"],
        &["train", "--params", "many"],
        &["inspect", "x.onnx", "--dim", "batch"],
        &["train", "--tokens", "1", "--samples", "1"],
    ] {
        assert_eq!(greenprint(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn the_best_hours_of_a_file_are_printed_for_people_and_programs() {
    let folder = Folder::new("hours");
    let file = folder.file(
        "hours.csv",
        b"time,g_per_kwh_lifecycle\n2024-01-01 00:00,300\n2024-01-01 01:00,100\n2024-01-01 02:00,50\n2024-01-01 03:00,400\n",
    );
    let found = json(&["schedule", &file, "--hours", "2", "--kw", "10", "--json"]);
    assert_eq!(found["regions"][0]["best"]["start"], "2024-01-01T01:00Z");
    assert_eq!(found["regions"][0]["avoided_kg"], 2.5);
    assert_eq!(found["regions"][0]["delay"], 1.0);
    let paused =
        json(&["schedule", &file, "--hours", "2", "--energy-kwh", "20", "--pausable", "--deadline", "3h", "--json"]);
    assert_eq!((paused["pausable"].as_bool(), paused["energy_kwh"].as_f64()), (Some(true), Some(20.0)));
    let output = greenprint(&["schedule", &file, "--hours", "2", "--kw", "10"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("best hours") && text.contains("2024-01-01T01:00Z to 2024-01-01T03:00Z"), "{text}");
    // A job that does not fit, a file that is none, a flag that makes no sense.
    assert_eq!(greenprint(&["schedule", &file, "--hours", "9", "--kw", "1"]).status.code(), Some(2));
    let words = folder.file("words.csv", b"these,are\nwords,only\n");
    let output = greenprint(&["schedule", &words, "--hours", "1", "--kw", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("words.csv, line 1"));
    assert_eq!(
        greenprint(&["schedule", &file, "--hours", "1", "--kw", "1", "--deadline", "soon"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_budget_and_a_swap_are_planned() {
    let plan = json(&[
        "plan",
        "--budget-kwh",
        "10k",
        "--device",
        "h100-sxm",
        "--count",
        "8",
        "--served-tokens",
        "1T",
        "--json",
    ]);
    let spent = plan["cost"]["energy_kwh"]["central"].as_f64().unwrap();
    assert!((spent / 1e4 - 1.0).abs() < 1e-6, "{spent}");
    assert!(plan["lifetime"]["best"]["parameters"].as_f64() < plan["best"]["parameters"]["central"].as_f64());
    let swap = [
        "breakeven",
        "--params",
        "70B",
        "--to-params",
        "8B",
        "--tune-tokens",
        "1B",
        "--device",
        "h100-sxm",
        "--count",
        "4",
        "--json",
    ];
    assert!(json(&swap)["energy"]["requests"]["central"].as_f64().is_some_and(|requests| requests > 0.0));
    let green = json(&["green", "--example-flops", "1G", "--examples", "1M", "--epochs", "10", "--json"]);
    assert_eq!(green["total_flops"], 1e16);
    assert_eq!(greenprint(&["plan", "--device", "h100-sxm"]).status.code(), Some(2));
    assert_eq!(
        greenprint(&["plan", "--budget-kwh", "1", "--budget-kg", "1", "--device", "h100-sxm"]).status.code(),
        Some(2)
    );
}

#[test]
fn the_year_of_the_grid_can_be_chosen() {
    let of = |year: &str| {
        json(&[
            "train", "--params", "1B", "--tokens", "1B", "--device", "h100-sxm", "--region", "fr", "--year", year,
            "--json",
        ])
    };
    assert_eq!(of("2022")["accounting"]["location"]["year"], 2022);
    assert_eq!(of("2024")["accounting"]["market"]["basis"], "direct");
    let wrong = greenprint(&[
        "train", "--params", "1B", "--tokens", "1B", "--device", "h100-sxm", "--region", "fr", "--year", "1999",
    ]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("it is known for"));
}
