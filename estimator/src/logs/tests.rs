//! Each tool's room on files that the tool wrote (or, where it cannot run without its hardware, on files in its layout),
//! and all rooms on spoilt ones. What the files are, `tests/data/logs/README.md` says.

use super::*;
use crate::formats::InMemory;
use crate::report::{Boundary, Inspection, MeasuredRun, Method, Stage};
use crate::scenario::{Hardware, ModelSummary, Scenario, Training, Workload};
use crate::shapes::Choices;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/logs").join(name)
}

fn files(names: &[&str]) -> Files<'static> {
    let folder = names.iter().map(|name| ((*name).to_owned(), std::fs::read(data(name)).unwrap())).collect();
    Files::new(InMemory(folder))
}

fn one(names: &[&str]) -> Measured {
    let found = read(&files(names)).unwrap_or_else(|fault| panic!("{names:?}: {fault}"));
    assert_eq!((found.failed.len(), found.passed_over), (0, 0), "{:?}", found.failed);
    let [log] = <[Measured; 1]>::try_from(found.logs).unwrap();
    log
}

fn of_text(name: &str, text: &str) -> Result<Measured, LogError> {
    Ok(read(&Files::new(InMemory::one(name, text.as_bytes().to_vec())))?.logs.remove(0))
}

fn warns(log: &Measured, word: &str) -> bool {
    log.warnings.iter().any(|note| note.text.contains(word))
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * other.abs().max(1e-12)
}

fn kwh(run: &MeasuredRun) -> f64 {
    run.energy_kwh.unwrap().0
}

#[test]
fn codecarbon_of_every_version_is_read_by_its_header() {
    for (version, constant) in [("2.3.5", true), ("2.8.4", true), ("3.2.1", false)] {
        let log = one(&[&format!("codecarbon-{version}/emissions.csv")]);
        assert_eq!((log.tool.as_str(), log.version.as_deref(), log.runs.len()), ("codecarbon", Some(version), 1));
        let run = &log.runs[0];
        assert_eq!((run.name.as_str(), run.region.as_deref(), run.pue), ("one-run", Some("fr"), Some(1.0)));
        assert!(close(run.parts_kwh.sum().unwrap().0, kwh(run)), "{version}: {run:?}");
        assert!(run.intensity.unwrap().0 > 10.0 && run.duration_s.unwrap().0 > 3.0, "{run:?}");
        assert_eq!(warns(&log, "a constant 0.375 W"), constant, "{version}: {:?}", log.warnings);
        assert!(warns(&log, "memory is not measured"));
    }
}

#[test]
fn rows_of_one_run_of_codecarbon_are_totals_so_far() {
    let log = one(&["codecarbon-2.3.5/emissions_by_epoch.csv"]);
    let run = &log.runs[0];
    // Three epochs of 2.5 seconds and a row right behind them.
    assert_eq!((log.runs.len(), run.epochs.len()), (1, 3));
    assert!((7.0..9.0).contains(&run.duration_s.unwrap().0) && warns(&log, "total so far"));
    let steps: f64 = run.epochs.iter().map(|epoch| epoch.energy_kwh.unwrap().0).sum();
    assert!(steps <= kwh(run) && steps > 0.9 * kwh(run));
    assert!(run.epochs.iter().all(|epoch| (2.0..3.5).contains(&epoch.duration_s.unwrap().0)));
}

#[test]
fn codecarbon_counts_every_gpu_of_the_machine() {
    let log = one(&["by_hand/codecarbon_gpus.csv"]);
    let ids = |run: &MeasuredRun| -> Vec<(u64, Option<String>)> {
        run.devices.iter().skip(1).map(|device| (device.count, device.id.clone())).collect()
    };
    assert_eq!(ids(&log.runs[0]), [(1, Some("rtx-3090".to_owned()))]);
    assert_eq!(ids(&log.runs[1]), [(4, Some("a40".to_owned())), (1, Some("a100-pcie-80gb".to_owned()))]);
    assert!(warns(&log, "all 5 GPUs") && warns(&log, "26 % of this run’s energy"), "{:?}", log.warnings);
    assert!(close(log.runs[0].intensity.unwrap().0, 0.532_647_247_862_331_5 / 1.370_322_889_674_690_6 * 1000.0));
    assert_eq!(log.runs[0].boundary, Boundary::ChipsAndMemory);
}

#[test]
fn a_pue_of_codecarbon_is_found_where_it_is() {
    let head = "run_id,project_name,duration,emissions,cpu_energy,gpu_energy,ram_energy,energy_consumed,pue";
    let run = |row: &str| of_text("emissions.csv", &format!("{head}\n{row}\n")).unwrap();
    // In the parts and the total, in the total alone, and in neither with something missing.
    let both = run("a,x,10,0.1,0.2,0.6,0.4,1.2,1.2");
    assert!(close(both.runs[0].equipment_kwh.unwrap().0, 1.0) && close(both.runs[0].parts_kwh.gpu.unwrap().0, 0.5));
    let total = run("a,x,10,0.1,0.2,0.5,0.3,1.2,1.2");
    assert!(close(total.runs[0].equipment_kwh.unwrap().0, 1.0) && close(total.runs[0].parts_kwh.gpu.unwrap().0, 0.5));
    assert!(warns(&run("a,x,10,0.1,0.2,0.5,0.3,3,1"), "add up to"));
    // Version 1 had no run ids and no parts.
    let old = of_text(
        "emissions.csv",
        "timestamp,experiment_id,project_name,duration,emissions,energy_consumed\nt,e,p,1,0.1,0.2\nt,e,p,2,0.1,0.3\n",
    )
    .unwrap();
    assert_eq!(old.runs.len(), 2);
}

#[test]
fn what_carbontracker_prints_contains_its_pue() {
    for (version, pue) in [("2.4.7", 1.58), ("1.2.5", 1.55)] {
        let name = |kind: &str| format!("carbontracker-{version}/run_carbontracker{kind}.log");
        let log = one(&[&name(""), &name("_output")]);
        assert_eq!((log.version.as_deref(), log.runs.len()), (Some(version), 1));
        let run = &log.runs[0];
        assert_eq!((run.epochs.len(), run.planned_epochs, run.pue), (4, Some(10), Some(pue)));
        // Watts are printed without, so that the two agree.
        assert!((run.equipment_kwh.unwrap().0 * pue / kwh(run) - 1.0).abs() < 0.01, "{run:?}");
        assert!((run.forecast_kwh.unwrap().0 / kwh(run) - 2.5).abs() < 0.15);
        assert!(warns(&log, "contains Carbontracker’s PUE") && warns(&log, "average of the world"));
        // By itself each tells a part.
        let watts = one(&[&name("")]);
        assert_eq!((watts.runs[0].pue, watts.runs[0].epochs.len()), (Some(1.0), 4));
        assert!(close(kwh(&watts.runs[0]), run.equipment_kwh.unwrap().0));
        let printed = one(&[&name("_output")]);
        assert!(close(kwh(&printed.runs[0]), kwh(run)) && printed.runs[0].epochs.is_empty());
        assert!(warns(&printed, "does not state") && warns(&printed, "other log"));
    }
    let gpu = one(&["carbontracker-2.4.7/run_carbontracker.log"]).runs.remove(0);
    assert!(close(gpu.parts_kwh.gpu.unwrap().0 / gpu.parts_kwh.cpu.unwrap().0, 240.0 / 112.5));
    assert_eq!(gpu.devices[0].id.as_deref(), Some("a100-sxm4-40gb"));
}

#[test]
fn epochs_of_eco2ai_add_up() {
    let log = one(&["eco2ai-0.3.12/emission.csv"]);
    assert_eq!((log.runs.len(), log.runs[1].epochs.len()), (2, 3));
    let training = &log.runs[1];
    assert!((6.0..12.0).contains(&training.duration_s.unwrap().0), "{training:?}");
    let steps: f64 = training.epochs.iter().map(|epoch| epoch.energy_kwh.unwrap().0).sum();
    assert!(close(steps, kwh(training)) && training.equipment_kwh.is_none() && warns(&log, "PUE"));
    let old = one(&["by_hand/eco2ai_kwth.csv"]);
    assert!(close(kwh(&old.runs[0]), 0.31) && warns(&old, "kWTh"));
    let gpu = &old.runs[0].devices[1];
    assert_eq!((gpu.id.as_deref(), gpu.count, old.runs[0].region.as_deref()), (Some("t4"), 1, Some("fr")));
}

#[test]
fn windows_of_zeus_inside_others_are_not_counted_again() {
    let log = one(&["zeus-0.16.0/zeus.csv"]);
    assert_eq!((log.runs.len(), log.runs[0].name.as_str(), log.runs[0].epochs.len()), (1, "training", 3));
    // 330 W for a bit over 4.5 seconds.
    let run = &log.runs[0];
    assert!((kwh(run) * 3.6e6 / run.duration_s.unwrap().0 - 330.0).abs() < 1.0);
    assert_eq!((run.boundary, run.method, run.devices[0].count), (Boundary::Accelerators, Method::Measured, 2));
    let json =
        of_text("m.json", r#"{"time": 10.0, "gpu_energy": {"0": 3600.0}, "cpu_energy": {"0": 1800.0}}"#).unwrap();
    assert!(close(kwh(&json.runs[0]), 0.0015) && json.runs[0].boundary == Boundary::Chips);
}

#[test]
fn the_power_of_mlperf_counts_between_its_marks() {
    let detail = "loadgen-6.0.17/mlperf_log_detail.txt";
    let log = one(&[detail, "loadgen-6.0.17/spl.txt"]);
    let run = &log.runs[0];
    assert_eq!((run.boundary, run.stage), (Boundary::Wall, Some(Stage::Inference)));
    assert!((5.0..5.2).contains(&run.duration_s.unwrap().0));
    assert!((kwh(run) * 3.6e6 / run.duration_s.unwrap().0 - 435.0).abs() < 4.0, "{run:?}");
    assert!(run.items.iter().any(|items| items.of == "queries" && items.count > 100.0));
    let samples = one(&["loadgen-6.0.17/spl.txt"]);
    assert!(samples.runs[0].duration_s.unwrap().0 > 7.0 && warns(&samples, "all samples count"));
    // A date that jumps turns no time around, and the hole in the samples is told.
    let text = std::fs::read_to_string(data("loadgen-6.0.17/spl.txt")).unwrap();
    let jumped = of_text("spl.txt", &text.replacen("Time,11-", "Time,12-", 1)).unwrap();
    assert!(jumped.runs[0].duration_s.unwrap().0 > 1e6 && warns(&jumped, "missed some"));
    let alone = one(&[detail]);
    assert!(alone.runs[0].energy_kwh.is_none() && warns(&alone, "spl.txt"));
}

#[test]
fn a_folder_of_experiment_impact_tracker_is_added_up() {
    let log = one(&["by_hand/impacttracker/data.json"]);
    // 60 W and 240 W for a hundred seconds.
    let run = &log.runs[0];
    assert!(
        close(run.parts_kwh.cpu.unwrap().0, 6000.0 / 3.6e6) && close(run.parts_kwh.gpu.unwrap().0, 24_000.0 / 3.6e6)
    );
    assert!(warns(&log, "77 %") && warns(&log, "pickle") && warns(&log, "1.58"));
    let text = std::fs::read_to_string(data("by_hand/impacttracker/data.json")).unwrap();
    let cut = of_text("data.json", &text[..text.len() - 30]).unwrap();
    assert!(warns(&cut, "cut off"));
}

#[test]
fn results_of_mlenergy_are_of_the_accelerators() {
    let log = one(&["by_hand/mlenergy_llm.json"]);
    let [steady, whole] = log.runs.as_slice() else { panic!("{:?}", log.runs) };
    assert!(close(steady.parts_kwh.gpu.unwrap().0, 54_656.0 / 3.6e6) && close(steady.items[0].count, 683_200.0));
    assert!(close(kwh(whole), 0.02) && whole.items.len() == 3 && warns(&log, "do not add up"));
    let picture = one(&["by_hand/mlenergy_diffusion.json"]);
    assert!(close(kwh(&picture.runs[0]), 38_400.0 / 3.6e6) && picture.runs[0].items[0].count == 24.0);
}

#[test]
fn reports_and_calculations_are_read() {
    let log = one(&["by_hand/boamps.json"]);
    let run = &log.runs[0];
    assert!(close(kwh(run), 0.0534) && run.region.as_deref() == Some("fr") && run.intensity.unwrap().0 == 25.0);
    assert_eq!(run.devices.iter().map(|device| device.count).collect::<Vec<_>>(), [1, 2]);
    let text = std::fs::read_to_string(data("by_hand/boamps.json")).unwrap();
    let draft = text.replace("\"powerConsumption\": 0.0534", "\"unit\": \"Wh\", \"powerConsumption\": 53.4");
    assert!(close(kwh(&of_text("r.json", &draft).unwrap().runs[0]), 0.0534));

    let log = one(&["by_hand/green_algorithms.csv"]);
    let run = &log.runs[0];
    // 12.5 h × (8 × 120/16 + 2 × 300 × 0.8 + 64 × 0.3725) W × 3, and a PUE of 1.67.
    let equipment = 12.5 * (60.0 + 480.0 + 64.0 * 0.3725) * 3.0 / 1000.0;
    assert!(close(run.equipment_kwh.unwrap().0, equipment) && close(kwh(run), equipment * 1.67));
    assert!(close(run.co2e_kg.unwrap().0, equipment * 1.67 * 0.05128) && run.method == Method::Modelled);
    assert_eq!(run.region.as_deref(), Some("fr"));
}

#[test]
fn targets_of_optimum_benchmark_are_runs() {
    for name in ["benchmark", "benchmark_report"] {
        let log = one(&[&format!("optimum-benchmark-0.6.0/{name}.json")]);
        assert_eq!(log.runs.len(), 3);
        let forward = log.runs.iter().find(|run| run.name.ends_with("forward") && !run.name.contains("first")).unwrap();
        // The energy is of one call, as the tool's own efficiency says: 4 samples ÷ 578,116 samples/kWh.
        assert!(
            close(kwh(forward), 4.0 / 578_116.406_980_113_6) && close(kwh(forward), forward.parts_kwh.sum().unwrap().0)
        );
        assert!((forward.duration_s.unwrap().0 - 0.1518).abs() < 1e-3 && (forward.items[0].count - 4.0).abs() < 0.01);
        assert_eq!(log.version.is_some(), name == "benchmark");
    }
}

fn keyword_network() -> Inspection {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models/ds_cnn_kws.onnx");
    let file = std::fs::File::open(path).unwrap();
    let model = crate::formats::open_lone("ds_cnn_kws.onnx", file).unwrap();
    crate::cost::inspect(&model, &crate::shapes::infer(&model, &Choices::default()))
}

#[test]
fn kernels_of_onnxruntime_stand_beside_the_layers() {
    let model = keyword_network();
    let on = Hardware { device: "epyc-9654".to_owned(), count: 1, precision: Some("fp32".to_owned()) };
    for name in ["plain", "fused"] {
        let log = one(&[&format!("onnxruntime-1.22.1/ds_cnn_kws_{name}.json")]);
        let profile = log.profile.as_ref().unwrap();
        assert_eq!(profile.passes, 3);
        let sum: f64 = profile.layers.iter().map(|layer| layer.mean_s.0).sum();
        assert!(sum > 0.0 && sum <= profile.pass_s.unwrap().0, "{name}");
        let beside = beside_layers(profile, &model, &on).unwrap();
        assert!(beside.missing_layers.is_empty(), "{name}: {:?}", beside.missing_layers);
        assert!(beside.unmatched_s.0 < 0.2 * beside.matched_s.0 && beside.estimated_s.0 > 0.0);
        // Each product is counted once.
        let with = |row: &&crate::report::ProfileRow| row.share_of_peak.is_some();
        let shares: f64 =
            beside.rows.iter().filter(with).map(|row| row.share_of_peak.unwrap() * row.measured_s.0).sum();
        let peak = crate::hardware::device("epyc-9654").unwrap().peak(crate::hardware::Precision::Fp32).unwrap().rate.0;
        assert!(close(shares * peak, 2.0 * model.macs.unwrap() as f64), "{name}");
        assert!(beside.rows.iter().all(|row| row.estimated_s.is_some() != row.layers.is_empty()));
    }
    let other = Profile {
        layers: vec![crate::report::ProfiledLayer {
            name: "x".into(),
            op: "Conv".into(),
            nodes: vec!["x".into()],
            mean_s: crate::units::Seconds(1.0),
        }],
        passes: 1,
        ..Profile::default()
    };
    let beside = beside_layers(&other, &model, &on).unwrap();
    assert!(beside.warnings.iter().any(|note| note.text.contains("another model")) && beside.unmatched_s.0 == 1.0);
    assert!(beside_layers(&other, &model, &Hardware { device: "h1000".to_owned(), ..on }).is_err());
}

use crate::report::Profile;

#[test]
fn kernels_of_tensorrt_are_named_by_profile_and_layer_information() {
    let name = |kind: &str| format!("by_hand/trt_{kind}.json");
    let log = one(&[&name("profile"), &name("layers"), &name("times")]);
    let profile = log.profile.as_ref().unwrap();
    assert_eq!(profile.passes, 250);
    let nodes: Vec<&[String]> = profile.layers.iter().map(|layer| layer.nodes.as_slice()).collect();
    assert!(nodes[0].is_empty());
    assert_eq!(nodes[1], ["/features/features.1/Conv", "/features/features.3/Relu"]);
    assert_eq!(nodes[2], ["/features/features.4/Conv", "/features/features.6/Relu"]);
    assert!(close(profile.layers[1].mean_s.0, 2e-5) && close(log.runs[0].duration_s.unwrap().0, 1.2e-4));
    let on = Hardware { device: "a100-sxm4-80gb".to_owned(), count: 1, precision: Some("fp16".to_owned()) };
    let beside = beside_layers(profile, &keyword_network(), &on).unwrap();
    assert!(close(beside.unmatched_s.0, 3e-6) && beside.rows[1].op == "Conv" && !beside.missing_layers.is_empty());
    let alone = read(&files(&["by_hand/trt_layers.json"])).unwrap_err().to_string();
    assert!(alone.contains("holds no times") && alone.contains("exportProfile"), "{alone}");
}

#[test]
fn a_run_stands_beside_the_estimate_and_adjusts_it() {
    let network = ModelSummary::from_inspection(&keyword_network());
    let log = one(&["carbontracker-2.4.7/run_carbontracker.log", "carbontracker-2.4.7/run_carbontracker_output.log"]);
    let run = &log.runs[0];
    // So many samples that the four epochs take about as long on an A100 as they did here.
    let training = Training { samples: 2e7, epochs: 10.0, batch: 64, ..Training::default() };
    let given = Scenario { workload: Workload::Train(training), ..Scenario::default() };
    let found = beside(run, &given, &network).unwrap();
    assert_eq!((found.scenario.hardware.device.as_str(), found.scenario.hardware.count), ("a100-sxm4-40gb", 1));
    let row =
        |key: &str| found.rows.iter().find(|row| row.key == key).unwrap_or_else(|| panic!("{key}: {:?}", found.rows));
    assert!(close(row("accelerator_watts").measured, 240.0) && close(row("host_watts").measured, 112.5));
    assert!(close(row("hours").measured, 9.3 / 3600.0));
    assert!(row("equipment_kwh").estimated.low <= row("equipment_kwh").estimated.high);
    for key in ["boundary", "pue", "intensity", "method"] {
        assert!(found.differences.iter().any(|difference| difference.key == key), "{key}: {:?}", found.differences);
    }
    let adjusted = found.adjusted.as_ref().unwrap();
    assert_eq!(
        (adjusted.set["accelerator-watts"], adjusted.set["pue"], adjusted.set["grid-intensity"]),
        (240.0, 1.58, 445.0)
    );
    // With the adjusted utilisation the ten epochs take as long as the four measured ones say.
    let hours = found.adjusted_estimate.as_ref().unwrap().hours.central.0;
    assert!((hours / (9.3 / 3600.0 / 4.0 * 10.0) - 1.0).abs() < 1e-3, "{hours}");
}

#[test]
fn figures_for_each_token_are_compared() {
    let log = one(&["by_hand/mlenergy_llm.json"]);
    let model = ModelSummary::from_counts(8e9, None);
    let given = Scenario {
        workload: Workload::Serve(crate::scenario::Serving { batch: 64, ..crate::scenario::Serving::default() }),
        hardware: Hardware { device: "h100-sxm".to_owned(), count: 8, precision: None },
        ..Scenario::default()
    };
    let found = beside(&log.runs[0], &given, &model).unwrap();
    let row = found.rows.iter().find(|row| row.key == "j_per_output_token").unwrap();
    assert!(close(row.measured, 0.08) && row.estimated.central.0 > 0.0);
    assert!(found.rows.iter().all(|row| row.key != "hours"));
    assert!(found.adjustments.iter().all(|one| one.key != "mfu"));
}

#[test]
fn a_wall_meter_gives_the_host_what_the_devices_leave() {
    let log = one(&["loadgen-6.0.17/mlperf_log_detail.txt", "loadgen-6.0.17/spl.txt"]);
    let given = Scenario {
        workload: Workload::Serve(crate::scenario::Serving::default()),
        hardware: Hardware { device: "l4".to_owned(), count: 2, precision: None },
        ..Scenario::default()
    };
    let found = beside(&log.runs[0], &given, &ModelSummary::from_inspection(&keyword_network())).unwrap();
    let host = found.adjustments.iter().find(|one| one.key == "host-watts").unwrap();
    assert!(host.after > 0.0 && host.after < 435.0 / 2.0, "{host:?}");
    assert!(found.differences.iter().any(|difference| difference.text.contains("at the plug")));
}

#[test]
fn other_files_are_refused_with_a_remedy() {
    let refuse = |name: &str, text: &str| of_text(name, text).unwrap_err().to_string();
    assert!(refuse("a.csv", "a,b\n1,2\n").contains("other columns"));
    assert!(refuse("a.json", "{\"a\": 1}").contains("JSON file of another kind"));
    assert!(refuse("a.txt", "").contains("empty"));
    assert!(refuse("a.txt", "hello").contains("Bring what a tracker"));
    let bad = refuse("emissions.csv", "run_id,duration,emissions,energy_consumed\na,x,1,2\n");
    assert!(bad.contains("line 2") && bad.contains("duration") && bad.contains("“x”"), "{bad}");
    let bad = refuse("emissions.csv", "run_id,duration,emissions,energy_consumed\na,1,1,-2\n");
    assert!(bad.contains("energy_consumed"), "{bad}");
    assert!(refuse("emissions.csv", "run_id,duration,emissions,energy_consumed\n").contains("no row"));
    let bad = refuse("p.log", "2026-01-01 00:00:00 - carbontracker version 2.4.7\n2026 - Duration: x\n");
    assert!(bad.contains("line 2") && bad.contains("hours:minutes:seconds"), "{bad}");
    let wide: String = (0..2000).map(|n| format!("c{n},")).collect();
    assert!(
        refuse("emissions.csv", &format!("{wide}duration,emissions,energy_consumed\n1\n")).contains("larger than any")
    );
    // One bad file does not hide the others.
    let mut folder =
        InMemory::one("bad/emissions.csv", b"run_id,duration,emissions,energy_consumed\na,x,1,2\n".to_vec());
    folder.0.insert("good/emissions.csv".to_owned(), std::fs::read(data("codecarbon-3.2.1/emissions.csv")).unwrap());
    folder.0.insert("notes.txt".to_owned(), b"hello".to_vec());
    let found = read(&Files::new(folder)).unwrap();
    assert_eq!((found.logs.len(), found.failed.len(), found.passed_over), (1, 1, 1));
}

#[test]
fn a_model_is_no_log() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/models/ds_cnn_kws.onnx");
    assert_eq!(recognise(&std::fs::read(path).unwrap()), None);
    assert_eq!(recognise(br#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}"#), None);
    assert_eq!(recognise(&std::fs::read(data("codecarbon-3.2.1/emissions.csv")).unwrap()), Some("codecarbon"));
}

/// All files of the tests.
fn samples() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![data("")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => waiting.push(path),
                false => {
                    let bytes = std::fs::read(&path).unwrap();
                    if recognise(&bytes).is_some() {
                        found.push((path.file_name().unwrap().to_string_lossy().into_owned(), bytes));
                    }
                }
            }
        }
    }
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever bytes are changed, put in or cut, reading ends, and what is read has no figure that is not one.
    #[test]
    fn spoilt_logs_end_in_a_record_or_an_error(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            prop::sample::select(b"0123456789eE+-.,;:\"[]{}\n nN".to_vec()), any::<u8>(),
        ], 0u8..3), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let samples = samples();
        let (name, mut bytes) = samples[pick.index(samples.len())].clone();
        for (place, byte, how) in changes {
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()).max(1));
        }
        if let Ok(found) = read(&Files::new(InMemory::one(&name, bytes))) {
            for log in &found.logs {
                for run in &log.runs {
                    let figures = [run.duration_s.map(|it| it.0), run.energy_kwh.map(|it| it.0), run.equipment_kwh.map(|it| it.0), run.co2e_kg.map(|it| it.0)];
                    for figure in figures.into_iter().flatten() {
                        prop_assert!(figure.is_finite() && figure >= 0.0, "{figure} in {name}");
                    }
                    let _ = extrapolate(run, run.epochs.len() as u64 + 7);
                    let _ = beside(run, &Scenario::default(), &ModelSummary::from_counts(1e9, None));
                }
                prop_assert!(serde_json::to_string(log).is_ok());
            }
        }
    }
}
