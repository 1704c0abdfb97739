"""Time and peak memory of reading a model: `greenprint inspect` beside the readers that people use in Python and Node.js.

    python measure.py GREENPRINT RESNET50_GRAPH FOLDER

GREENPRINT is the program, RESNET50_GRAPH a ResNet-50 whose weights lie outside, FOLDER a place for the files that are made here.
Every measurement is a process of its own. For a peer the clock runs around the reading alone, its imports left out;
for greenprint it runs around the whole process. Peak memory is that of the whole process for all of them.
Files that are larger than a disk should hold are sparse.
"""

import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
from pathlib import Path

REPEATS = 5

# What each peer does, as a program of its own; FILE is the model. It sets `begin` when its imports are done.
PEERS = {
    "onnx": {
        "onnx-tool: profile": "import onnx_tool, numpy\nbegin()\nm = onnx_tool.Model(FILE)\nm.graph.shape_infer({m.graph.input[0]: numpy.zeros((1, 3, 224, 224), numpy.float32)})\nm.graph.profile()\n",
        "onnx.shape_inference": "import onnx\nbegin()\nonnx.shape_inference.infer_shapes(onnx.load(FILE))\n",
    },
    "safetensors": {
        "safetensors: safe_open": "from safetensors import safe_open\nbegin()\nwith safe_open(FILE, 'np') as f:\n    total = sum(len(f.get_slice(k).get_shape()) for k in f.keys())\n",
    },
    "gguf": {"gguf: GGUFReader": "from gguf import GGUFReader\nbegin()\nlen(GGUFReader(FILE).tensors)\n"},
    "pt": {
        "torch.load": "import torch\nbegin()\ntorch.load(FILE, weights_only=True)\n",
        "torch.load, mmap": "import torch\nbegin()\ntorch.load(FILE, weights_only=True, mmap=True)\n",
    },
}
BEFORE = "import time\nstart = [0.0]\ndef begin():\n    start[0] = time.perf_counter()\nFILE = {file!r}\n"
AFTER = (
    "import resource\n"
    "print(time.perf_counter() - start[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
)
# Netron's protobuf reader and ONNX messages, without the page around them.
NETRON = """
import * as fs from 'fs';
const home = process.argv[1], file = process.argv[2];
const protobuf = await import(`file://${home}/protobuf.js`);
const { onnx } = await import(`file://${home}/onnx-proto.js`);
const start = performance.now();
const reader = protobuf.BinaryReader.open(new Uint8Array(fs.readFileSync(file)));
const model = onnx.ModelProto.decode(reader);
if (!model.graph) { throw new Error('no graph'); }
console.log((performance.now() - start) / 1e3, process.resourceUsage().maxRSS);
"""


def tensors(graph):
    """Names and shapes of the weights of an ONNX file."""
    import onnx

    model = onnx.load(graph, load_external_data=False)
    return model, [(t.name, list(t.dims)) for t in model.graph.initializer if len(t.dims) > 0 and t.data_type == 1]


def make_files(graph, folder):
    """ResNet-50 with weights in every format, and files of many gigabytes with nothing in them."""
    import gguf
    import numpy as np
    import onnx
    import torch
    from onnx import numpy_helper
    from safetensors.numpy import save_file

    random = np.random.default_rng(0)
    model, shapes = tensors(graph)
    weights = {name: random.standard_normal(shape, np.float32) for name, shape in shapes}
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
    onnx.save(model, folder / "resnet50.onnx")
    save_file(weights, folder / "resnet50.safetensors")
    torch.save({name: torch.from_numpy(value) for name, value in weights.items()}, folder / "resnet50.pt")
    writer = gguf.GGUFWriter(folder / "resnet50.gguf", "resnet")
    for name, value in weights.items():
        writer.add_tensor(name[:60], value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    layers, header, at = 290, {}, 0
    size = 14_000_000_000 // layers // 8192 * 8192
    for layer in range(layers):
        header[f"model.layers.{layer}.weight"] = {"dtype": "BF16", "shape": [size // 8192, 4096], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    with open(folder / "14-gigabytes.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + at)
    name = lambda text: struct.pack("<Q", len(text)) + text.encode()
    rows = 40_000_000_000 // layers // (4096 * 2)
    with open(folder / "40-gigabytes.gguf", "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, layers, 2))
        file.write(name("general.architecture") + struct.pack("<I", 8) + name("llama"))
        file.write(name("general.alignment") + struct.pack("<II", 4, 32))
        for layer in range(layers):
            offset = layer * rows * 4096 * 2
            file.write(name(f"blk.{layer}.ffn_up.weight") + struct.pack("<IQQIQ", 2, 4096, rows, 1, offset))
        file.truncate((file.tell() + 31) // 32 * 32 + layers * rows * 4096 * 2)


def median(runs):
    return statistics.median(run[0] for run in runs), max(run[1] for run in runs)


def ours(program, file):
    import time

    runs = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        child = subprocess.Popen([program, "inspect", str(file), "--json"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        runs.append((time.perf_counter() - begin, usage.ru_maxrss))
        if status != 0:
            sys.exit(f"{file}: greenprint ended with status {status}")
    return median(runs)


def peer(command):
    runs = []
    for _ in range(REPEATS):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1:] or ["failed"]
        seconds, kilobytes = done.stdout.split()[-2:]
        runs.append((float(seconds), int(kilobytes)))
    return median(runs)


def line(reader, file, seconds, kilobytes, against=None):
    ratio = "" if against is None else f"{seconds / against[0]:.0f} × | {kilobytes / against[1]:.0f} ×"
    print(f"| {file.name} | {reader} | {seconds * 1e3:.1f} ms | {kilobytes / 1e3:.0f} MB | {ratio or '1 × | 1 ×'} |", flush=True)


def main():
    program, graph, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    made = folder / "made"
    if program == "make":
        folder.mkdir(parents=True, exist_ok=True)
        make_files(graph, folder)
        return made.touch()
    if not made.exists():
        # A process of its own: a child's peak memory begins with what its parent held.
        subprocess.run([sys.executable, __file__, "make", graph, str(folder)], check=True)
    print("| file | reader | time | peak memory | time, ratio | memory, ratio |\n|---|---|---:|---:|---:|---:|")
    for file in sorted(folder.glob("resnet50.*")):
        against = ours(program, file)
        line("greenprint", file, *against)
        kind = file.suffix[1:]
        readers = {name: [sys.executable, "-c", BEFORE.format(file=str(file)) + code + AFTER] for name, code in PEERS[kind].items()}
        if kind == "onnx" and shutil.which("node"):
            import importlib.util

            home = Path(importlib.util.find_spec("netron").origin).parent
            readers["Netron's reader in Node.js"] = ["node", "--input-type=module", "-e", NETRON, str(home), str(file)]
        for reader, command in readers.items():
            found = peer(command)
            if isinstance(found, tuple):
                line(reader, file, *found, against)
            else:
                print(f"| {file.name} | {reader} | {found[0]} | | | |")
    for file in sorted(folder.glob("*-gigabytes.*")):
        line("greenprint", file, *ours(program, file))


main()
