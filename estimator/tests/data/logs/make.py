"""Measured runs, written by the trackers and profilers themselves.

    python3 make.py FOLDER [NAME…]

Makes one virtual environment a tool in FOLDER with the versions below, runs the tool in it, and puts what it wrote beside this
script, with paths and names of the machine taken out. An environment that is there already is used as it is.
What no tool could write here (a power meter, a GPU's engine) is in `by_hand/`; README.md says after which code.
"""

import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
GALLERY = HERE.parents[3] / "examples" / "models"

TOOLS = {
    "codecarbon-2.3.5": ["codecarbon==2.3.5", "pandas==2.2.3", "numpy==1.26.4"],
    "codecarbon-2.8.4": ["codecarbon==2.8.4"],
    "codecarbon-3.2.1": ["codecarbon==3.2.1"],
    "carbontracker-2.4.7": ["carbontracker==2.4.7"],
    "carbontracker-1.2.5": ["carbontracker==1.2.5", "setuptools==75.8.0"],
    "eco2ai-0.3.12": ["eco2ai==0.3.12", "setuptools==75.8.0", "pandas==2.2.3", "numpy==1.26.4"],
    "zeus-0.16.0": ["zeus==0.16.0"],
    "onnxruntime-1.22.1": ["onnxruntime==1.22.1", "onnx==1.18.0", "numpy==2.2.6"],
    "loadgen-6.0.17": ["mlcommons-loadgen==6.0.17", "numpy==2.2.6"],
    "optimum-benchmark-0.6.0": [
        "optimum-benchmark==0.6.0",
        "torch==2.12.1",
        "transformers==4.57.6",
        "datasets==3.6.0",
        "codecarbon==2.8.4",
        "pandas==2.2.3",
    ],
}


def work(seconds):
    """Something for a processor to do."""
    end, total = time.time() + seconds, 0.0
    while time.time() < end:
        total += sum(i * 0.5 for i in range(10_000))
    return total


def codecarbon(out):
    """A run written once, and one written at every epoch, so that its rows are cumulative."""
    from codecarbon import OfflineEmissionsTracker

    here = dict(output_dir=str(out), country_iso_code="FRA", log_level="error", measure_power_secs=1)
    tracker = OfflineEmissionsTracker(**here, output_file="emissions.csv", project_name="one-run", tracking_mode="machine")
    tracker.start()
    work(4)
    tracker.stop()
    tracker = OfflineEmissionsTracker(**here, output_file="emissions_by_epoch.csv", project_name="by-epoch", tracking_mode="process")
    tracker.start()
    for _ in range(3):
        work(2.5)
        tracker.flush()
    tracker.stop()


def carbontracker(out):
    from inspect import signature

    from carbontracker.tracker import CarbonTracker

    options = dict(epochs=10, epochs_before_pred=2, monitor_epochs=4, update_interval=1, log_dir=str(out), verbose=0)
    if "sim_cpu" in signature(CarbonTracker.__init__).parameters:
        # Without access to RAPL or a GPU the tool itself offers to simulate their draw.
        options.update(sim_cpu="AMD EPYC 7742", sim_cpu_tdp=225, sim_cpu_util=0.5, sim_gpu="A100-SXM4-40GB", sim_gpu_watts=300, sim_gpu_util=0.8)
    else:
        from carbontracker import tracker as module
        from carbontracker.components import component
        from carbontracker.components.handler import Handler

        class Meter(Handler):
            """A stand-in for RAPL, which this machine has not."""

            def devices(self):
                return ["cpu:0"]

            def available(self):
                return True

            def power_usage(self):
                return [61.5]

            def init(self):
                pass

            def shutdown(self):
                pass

        for entry in component.COMPONENTS if hasattr(component, "COMPONENTS") else component.components:
            entry["handlers"] = [Meter] if entry["name"] == "cpu" else []
    tracker = CarbonTracker(**options)
    for seconds in (2.6, 2.2, 2.4, 2.1):
        tracker.epoch_start()
        time.sleep(seconds)
        tracker.epoch_end()
    tracker.stop()


def eco2ai(out):
    import eco2ai as tool

    for epochs in (0, 3):
        tracker = tool.Tracker(project_name="greenprint", experiment_description=f"epochs {epochs}", file_name=str(out / "emission.csv"), alpha_2_code="FR", measure_period=1, pue=1.2, ignore_warnings=True)
        if epochs:
            tracker.start_training(start_epoch=1)
            for epoch in range(epochs):
                work(2.2)
                tracker.new_epoch({"loss": 1 / (epoch + 1)})
            tracker.stop_training()
        else:
            tracker.start()
            work(3)
            tracker.stop()


def zeus(out):
    """The monitor's own log, with two stand-ins for GPUs that draw 250 W and 80 W."""
    from unittest import mock

    from zeus.monitor import energy

    start = time.monotonic()

    class Gpus:
        watts = [250.0, 80.0]

        def __len__(self):
            return 2

        def get_name(self, index):
            return "stand-in"

        getName = get_name

        def supports_get_total_energy_consumption(self, index):
            return True

        supportsGetTotalEnergyConsumption = supports_get_total_energy_consumption

        def get_total_energy_consumption(self, index):
            return self.watts[index] * (time.monotonic() - start) * 1000

        getTotalEnergyConsumption = get_total_energy_consumption

        def __getattr__(self, name):
            return lambda *_, **__: [self] * 2 if name == "gpus" else None

    with mock.patch.object(energy, "get_gpus", lambda *_, **__: Gpus()), mock.patch.object(energy, "sync_execution_fn", lambda *_, **__: None):
        monitor = energy.ZeusMonitor(gpu_indices=[0, 1], cpu_indices=[], log_file=out / "zeus.csv")
        monitor.begin_window("training")
        for epoch in range(3):
            monitor.begin_window(f"epoch_{epoch}")
            time.sleep(1.5)
            monitor.end_window(f"epoch_{epoch}")
        monitor.end_window("training")
        monitor.log_file.close()


def filled(path):
    """A graph of the gallery with random weights in place of those that were left out."""
    import numpy as np
    import onnx

    model = onnx.load(path, load_external_data=False)
    random = np.random.default_rng(1)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            values = random.normal(scale=0.05, size=tuple(tensor.dims)).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.abs(values), tensor.name))
    return model.SerializeToString()


def onnxruntime(out):
    """Three passes of the keyword network: with its graph as it is, and as ONNX Runtime fuses it."""
    import numpy as np
    import onnxruntime as ort

    for name, level in (("plain", ort.GraphOptimizationLevel.ORT_DISABLE_ALL), ("fused", ort.GraphOptimizationLevel.ORT_ENABLE_ALL)):
        options = ort.SessionOptions()
        options.graph_optimization_level = level
        options.enable_profiling = True
        options.intra_op_num_threads = 1
        options.profile_file_prefix = str(out / f"ds_cnn_kws_{name}")
        session = ort.InferenceSession(filled(GALLERY / "ds_cnn_kws.onnx"), options, providers=["CPUExecutionProvider"])
        feed = {i.name: np.zeros([d if isinstance(d, int) else 1 for d in i.shape], np.float32) for i in session.get_inputs()}
        for _ in range(3):
            session.run(None, feed)
        os.replace(session.end_profiling(), out / f"ds_cnn_kws_{name}.json")


def loadgen(out):
    """LoadGen's own detail log, and beside it samples once a second in the layout of a PTDaemon log."""
    import datetime
    import threading

    import mlperf_loadgen as lg

    settings = lg.TestSettings()
    settings.scenario = lg.TestScenario.SingleStream
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = 5000
    settings.min_query_count = 100
    logs = lg.LogSettings()
    logs.log_output.outdir = str(out)
    logs.enable_trace = False
    stop = threading.Event()

    def sample():
        with open(out / "spl.txt", "w") as file:
            count = 0
            while not stop.wait(1.0):
                now = datetime.datetime.utcnow().strftime("%m-%d-%Y %H:%M:%S.%f")[:-3]
                watts = 430.0 + 5.0 * (count % 3)
                file.write(f"Time,{now},Watts,{watts:.6f},Volts,229.800000,Amps,1.912000,PF,0.978000,Mark,run_1\n")
                count += 1

    meter = threading.Thread(target=sample)
    meter.start()

    def answer(samples):
        time.sleep(0.01)
        lg.QuerySamplesComplete([lg.QuerySampleResponse(s.id, 0, 0) for s in samples])

    sut = lg.ConstructSUT(answer, lambda: None)
    qsl = lg.ConstructQSL(64, 64, lambda _: None, lambda _: None)
    time.sleep(2)
    lg.StartTestWithLogSettings(sut, qsl, settings, logs)
    time.sleep(2)
    stop.set()
    meter.join()
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    for name in ("mlperf_log_accuracy.json", "mlperf_log_trace.json"):
        (out / name).unlink(missing_ok=True)


def optimum_benchmark(out):
    """A tiny BERT, made here, so that nothing is fetched."""
    from optimum_benchmark import Benchmark, BenchmarkConfig, InferenceConfig, InlineConfig, PyTorchConfig
    from transformers import BertConfig, BertForSequenceClassification

    folder = out / "model"
    BertForSequenceClassification(BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128, vocab_size=1000)).save_pretrained(folder)
    backend = PyTorchConfig(model=str(folder), device="cpu", task="text-classification", library="transformers", model_type="bert", no_weights=False)
    scenario = InferenceConfig(latency=True, memory=False, energy=True, input_shapes={"batch_size": 4, "sequence_length": 32, "num_choices": 2}, duration=2, iterations=5, warmup_runs=2)
    report = Benchmark.launch(BenchmarkConfig(name="tiny-bert", scenario=scenario, backend=backend, launcher=InlineConfig()))
    report.save_json(out / "benchmark_report.json")
    config = BenchmarkConfig(name="tiny-bert", scenario=scenario, backend=backend, launcher=InlineConfig())
    (out / "benchmark.json").write_text(json.dumps({"config": config.to_dict(), "report": report.to_dict()}, indent=4))
    for path in sorted(out.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.name not in ("benchmark_report.json", "benchmark.json"):
            path.unlink()


def scrub(folder):
    """Takes paths, addresses and names of the machine out, and what differs between machines for no reason of ours."""
    host = os.uname().nodename
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_text()
        text = text.replace(str(folder), "out").replace(host, "host").replace(os.path.expanduser("~") + "/", "home/")
        text = re.sub(r'"[^"]*/([^"/]+\.(?:onnx|json))"', r'"\1"', text)
        text = re.sub(r"Linux-[^\s,\"]+", "Linux-6.1-x86_64", text)
        path.write_text(text)
        name = re.sub(r"^\d+(\.\w+)?_[^_]+_carbontracker", "run_carbontracker", path.name)
        if name.endswith("_err.log"):
            path.unlink()
        elif name != path.name:
            path.rename(path.with_name(name))


def main():
    if sys.argv[1] == "--inside":
        tool, out = sys.argv[2], pathlib.Path(sys.argv[3])
        globals()[tool](out)
        return
    environments, names = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:] or list(TOOLS)
    for name in names:
        environment = environments / name
        if not environment.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            subprocess.run([environment / "bin" / "python", "-m", "pip", "install", "--quiet", *TOOLS[name]], check=True)
        out = HERE / name
        out.mkdir(exist_ok=True)
        for old in out.iterdir():
            old.unlink()
        tool = name.rsplit("-", 1)[0].replace("-", "_")
        subprocess.run([environment / "bin" / "python", __file__, "--inside", tool, out], check=True, cwd=out)
        scrub(out)
        print(name, [path.name for path in sorted(out.iterdir())])


if __name__ == "__main__":
    main()
