"""Makes the small files of `torch/` with PyTorch itself, and the truth about them.

Run with torch 2.12: `python torch_files.py`. Everything is seeded; the truth is counted by torch on the modules that were saved.
"""

import collections
import io
import json
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).resolve().parent.parent / "torch"
HERE.mkdir(exist_ok=True)
torch.manual_seed(0)
truth = []


class Tied(nn.Module):
    """A table that is also the last product's weights, a buffer that is not saved, and one that is."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 4)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 11, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("scale", torch.ones(3), persistent=False)

    def forward(self, x):
        return self.head(self.norm(self.embed(x)))


class Words(nn.Module):
    """A table, a recurrent layer, a choice that settings decide, and one that only a wrong input would take."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 4)
        self.recurrent = nn.LSTM(4, 6, batch_first=True)
        self.head = nn.Linear(6, 3)
        self.normalised = True

    def forward(self, words):
        if words.dim() != 2:
            raise ValueError("words come in batches")
        states, _ = self.recurrent(self.embed(words))
        scores = self.head(states[:, -1])
        return scores.softmax(-1) if self.normalised else scores


def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))


def counts(module, persistent_only=True):
    """Parameters once each, and buffers, in elements."""
    parameters = sum(p.numel() for p in module.parameters())
    kept = module.state_dict() if persistent_only else None
    buffers = sum(b.numel() for n, b in module.named_buffers() if kept is None or n in kept)
    size = sum(p.numel() * p.element_size() for p in module.parameters())
    size += sum(b.numel() * b.element_size() for n, b in module.named_buffers() if kept is None or n in kept)
    return {"parameters": parameters, "buffers": buffers, "weight_bytes": size}


def add(name, how, format="torch", optimizer_state=0, mentions=(), **wanted):
    truth.append({"file": name, "how": how, "format": format, "optimizer_state": optimizer_state, "mentions": list(mentions), **wanted})


def copy_archive(path, change):
    """Writes an archive anew with changed records; those that become None are left out (they quote this machine's paths)."""
    reader = torch._C.PyTorchFileReader(str(path))
    records = {name: change(name, reader.get_record(name)) for name in reader.get_all_records()}
    del reader
    writer = torch._C.PyTorchFileWriter(str(path))
    for name, data in records.items():
        if data is not None and name not in ("version", "byteorder", ".data/serialization_id"):
            writer.write_record(name, data, len(data))
    writer.write_end_of_file()


def make_tables():
    module = small()
    torch.save(module.state_dict(), HERE / "table.pt")
    add("table.pt", "a state dict, ZIP", **counts(module))
    torch.save(module.state_dict(), HERE / "table_legacy.pth", _use_new_zipfile_serialization=False)
    add("table_legacy.pth", "a state dict, stream of pickles", **counts(module))
    torch.save(module.state_dict(), HERE / "table_protocol4.pt", pickle_protocol=4)
    add("table_protocol4.pt", "a state dict, pickle protocol 4", **counts(module))
    torch.save({"module." + k: v.half() if v.is_floating_point() else v for k, v in module.state_dict().items()}, HERE / "prefixed.pt")
    wanted = counts(module)
    wanted["weight_bytes"] = (wanted["weight_bytes"] - 8) // 2 + 8
    add("prefixed.pt", "half precision, from data-parallel training", mentions=["module."], **wanted)
    tied = Tied()
    torch.save(tied.state_dict(), HERE / "tied.pt")
    add("tied.pt", "two names for one table", **counts(tied))
    torch.save({"weight": torch.arange(12.0).view(3, 4).t(), "again": None, "half": torch.zeros(20, 100)[:5]}, HERE / "views.pt")
    add("views.pt", "a transposed view, and a part of a larger storage", parameters=12 + 500, buffers=0, weight_bytes=4 * 512, mentions=["belong to no tensor"])
    sparse = torch.sparse_coo_tensor(torch.tensor([[0, 1], [2, 0]]), torch.tensor([3.0, 4.0]), (20, 30))
    torch.save({"table": sparse, "eight": torch.zeros(6, dtype=torch.float8_e4m3fn), "wide": torch.zeros(3, dtype=torch.uint16)}, HERE / "types.pt")
    add("types.pt", "a sparse table, a float of 8 bits, an unsigned integer", parameters=606, buffers=3, weight_bytes=8 + 6 + 6, mentions=["stored sparse"])
    quantised = torch.quantize_per_channel(torch.randn(8, 6), torch.ones(8), torch.zeros(8, dtype=torch.int64), 0, torch.qint8)
    torch.save(collections.OrderedDict(weight=quantised), HERE / "quantised.pt")
    add("quantised.pt", "a weight of 8 bits with a scale for each row", parameters=48, buffers=0, weight_bytes=48)


def make_modules():
    module = small()
    torch.save(module, HERE / "module.pt")
    add("module.pt", "a whole module, ZIP", mentions=["torch.nn.modules.conv.Conv2d", "not run"], **counts(module))
    # The older stream keeps each class's source; what torch's classes read is not ours to copy.
    torch.serialization.get_source_lines_and_file = lambda thing: (["class Left: out"], 0, "left_out.py")
    torch.save(module, HERE / "module_legacy.pt", _use_new_zipfile_serialization=False)
    add("module_legacy.pt", "a whole module with its source text, stream of pickles", mentions=["not run"], **counts(module))


def make_checkpoints():
    module = small()
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    state = sum(t.numel() for s in optimizer.state.values() for t in s.values())
    average = {k: v.clone() for k, v in module.state_dict().items()}
    torch.save(
        {"epoch": 7, "state_dict": module.state_dict(), "optimizer": optimizer.state_dict(), "state_dict_ema": average, "rng": torch.get_rng_state()},
        HERE / "training.ckpt",
    )
    add("training.ckpt", "weights, Adam, an averaged copy, a random state", optimizer_state=state, mentions=["'state_dict'", "averaged copy", "'rng'"], **counts(module))
    lightning = {
        "epoch": 1,
        "global_step": 20,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": {"net." + k: v for k, v in module.state_dict().items()},
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"width": 4, "rate": 0.001},
    }
    torch.save(lightning, HERE / "lightning.ckpt")
    add("lightning.ckpt", "the layout of a Lightning checkpoint", optimizer_state=state, mentions=["'state_dict'"], **counts(module))
    deepspeed = {"module": {k: v for k, v in module.state_dict().items()}, "buffer_names": ["1.running_mean"], "optimizer": None, "ds_version": "0.16"}
    torch.save(deepspeed, HERE / "mp_rank_00_model_states.pt")
    add("mp_rank_00_model_states.pt", "the layout of DeepSpeed's model states", mentions=["'module'"], **counts(module))
    # Stage 3: empty tensors in the module, their sizes beside it.
    empty = {k: torch.zeros(0) if k in dict(module.named_parameters()) else v for k, v in module.state_dict().items()}
    shapes = [collections.OrderedDict((k, p.shape) for k, p in module.named_parameters())]
    torch.save({"module": empty, "buffer_names": [], "param_shapes": shapes, "ds_version": "0.16"}, HERE / "zero_3_model_states.pt")
    add("zero_3_model_states.pt", "the layout of DeepSpeed's third stage", mentions=["ZeRO stage 3"], **counts(module))
    import tempfile

    import torch.distributed.checkpoint as distributed

    with tempfile.TemporaryDirectory() as folder:
        distributed.save({"model": module.state_dict(), "optim": optimizer.state_dict(), "step": 3}, checkpoint_id=folder)
        (HERE / "distributed.metadata").write_bytes((Path(folder) / ".metadata").read_bytes())
    add("distributed.metadata", "torch's distributed checkpoint", optimizer_state=state, mentions=[".distcp"], **counts(module))
    torch.save({"optimizer_state_dict": optimizer.state_dict(), "ds_version": "0.16"}, HERE / "optim_states.pt")
    layer = torch.nn.Linear(4, 4)
    adam = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 4)).sum().backward()
    adam.step()
    torch.save(adam.state_dict(), HERE / "optimizer_alone.pt")
    # Two averages for each of 20 weights, and a step for each of two tensors.
    add("optimizer_alone.pt", "the state dict of Adam alone", optimizer_state=42, parameters=0, buffers=0, weight_bytes=0, mentions=["no weights of a model"])
    add("optim_states.pt", "an optimiser alone", optimizer_state=state, parameters=0, buffers=0, weight_bytes=0, mentions=["no weights of a model"])


def make_scripts():
    tied = Tied().eval()
    torch.jit.save(torch.jit.trace(tied, torch.zeros(2, dtype=torch.int64)), HERE / "script.pt")
    copy_archive(HERE / "script.pt", lambda name, data: None if ".debug_pkl" in name or "traced_inputs" in name else data)
    add("script.pt", "TorchScript", "torchscript", mentions=["code"], **counts(tied, persistent_only=False))
    make_code("traced.pt", small().eval(), lambda net: torch.jit.trace(net, torch.zeros(1, 3, 8, 8)), 36 * 4 * 27 + 144 * 5)
    # At the default length of 128.
    make_code("scripted.pt", Words().eval(), torch.jit.script, 128 * 4 * 6 * (4 + 6) + 6 * 3)


def make_code(name, net, convert, macs):
    """A network as code, which is followed to count its MACs; these are counted by hand."""
    torch.jit.save(convert(net), HERE / name)
    copy_archive(HERE / name, lambda name, data: None if ".debug_pkl" in name or "traced_inputs" in name else data)
    add(name, "TorchScript", "torchscript", mentions=["code"], macs=macs, **counts(net, persistent_only=False))


def make_pickles():
    for protocol in (0, 2, 4, 5):
        name = f"plain_{protocol}.pkl"
        data = {"a": np.zeros((3, 4), np.float32), "t": torch.zeros(3, 5, dtype=torch.float64), "i": np.arange(6)}
        (HERE / name).write_bytes(pickle.dumps(data, protocol=protocol))
        add(name, f"a plain pickle of arrays, protocol {protocol}", parameters=27, buffers=6, weight_bytes=48 + 120 + 48)


def make_tar():
    """The layout before 0.1.12, which torch still reads; written by hand after its reader."""
    weight, bias = torch.arange(12.0).view(3, 4), torch.arange(3.0)
    storages, tensors, root = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pickle.dump(1, storages, protocol=2)
    pickle.dump((101, "cpu", torch.FloatStorage), storages, protocol=2)
    storages.write(struct.pack("<q", 15) + np.concatenate([weight.numpy().ravel(), bias.numpy()]).astype("<f4").tobytes())
    pickle.dump([], storages, protocol=2)
    pickle.dump(3, tensors, protocol=2)
    for key, shape, stride, first in [(1, (3, 4), (4, 1), 0), (2, (3,), (1,), 12), (3, (4, 3), (1, 4), 0)]:
        pickle.dump((key, 101, torch.FloatTensor), tensors, protocol=2)
        tensors.write(struct.pack("<i", len(shape)) + bytes(4))
        tensors.write(struct.pack(f"<{len(shape)}q", *shape) + struct.pack(f"<{len(shape)}q", *stride) + struct.pack("<q", first))

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return str(thing) if isinstance(thing, int) else None

    Pickler(root, protocol=2).dump({"weight": 1, "bias": 2, "tied": 3})
    with tarfile.open(HERE / "oldest.pt", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in [("sys_info", io.BytesIO(b"")), ("storages", storages), ("tensors", tensors), ("pickle", root)]:
            info = tarfile.TarInfo(name)
            info.size = len(data.getvalue())
            tar.addfile(info, io.BytesIO(data.getvalue()))
    read = torch.load(HERE / "oldest.pt", weights_only=False)
    assert torch.equal(read["weight"], weight) and torch.equal(read["bias"], bias)
    add("oldest.pt", "a tar archive; one name is the other transposed", parameters=15, buffers=0, weight_bytes=60)


class Picture(nn.Module):
    """Convolutions of every kind over pictures of any size, and a graph that runs without gradients."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2, bias=False)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        y = torch.relu(self.norm(self.first(x)))
        y = self.up(nn.functional.hardswish(self.deep(y)) + y)
        with torch.no_grad():
            scale = torch.sigmoid(y.mean())
        return self.head(nn.functional.adaptive_avg_pool2d(y, 1).flatten(1)) * scale


class Sentence(nn.Module):
    """A table tied to the last product, attention with fewer key heads, a recurrent layer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        self.queries, self.keys = nn.Linear(16, 16), nn.Linear(16, 8)
        self.rows = nn.LSTM(16, 16, batch_first=True)
        self.head = nn.Linear(16, 30, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("scale", torch.ones(3), persistent=False)

    def forward(self, ids):
        x = self.embed(ids)
        q = self.queries(x).unflatten(-1, (4, 4)).transpose(1, 2)
        k = self.keys(x).unflatten(-1, (2, 4)).transpose(1, 2)
        y = nn.functional.scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True)
        y, _ = self.rows(y.transpose(1, 2).flatten(2))
        return self.head(y) * self.scale.sum()


def flops(module, *given):
    """MACs by torch's own counter, which knows no recurrent layers."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        module(*given)
    return counter.get_total_flops() // 2


def without_traces(name, data):
    """The program without the paths of this machine."""
    if not (name.startswith("models/") and name.endswith(".json")):
        return None if "sample_inputs" in name else data
    program = json.loads(data)

    def strip(graph):
        for node in graph["nodes"]:
            node["metadata"] = {k: v for k, v in node["metadata"].items() if k == "nn_module_stack"}
            for given in node["inputs"]:
                if "as_graph" in given["arg"]:
                    strip(given["arg"]["as_graph"]["graph"])

    strip(program["graph_module"]["graph"])
    return json.dumps(program, separators=(",", ":")).encode()


def make_programs():
    picture, batch = Picture().eval(), torch.export.Dim("batch")
    # Twice even: the transposed convolution doubles what the first one halves.
    height, width = 2 * torch.export.Dim("half", min=4, max=64), 2 * torch.export.Dim("wide", min=4, max=64)
    given = torch.randn(2, 3, 16, 24)
    program = torch.export.export(picture, (given,), dynamic_shapes=({0: batch, 2: height, 3: width},))
    torch.export.save(program, HERE / "picture.pt2")
    copy_archive(HERE / "picture.pt2", without_traces)
    small, large = flops(picture, given), flops(picture, torch.randn(5, 3, 32, 20))
    shape = next(node for node in program.graph.nodes if node.name == "x").meta["val"].shape
    half, wide = (str(next(iter(size.node.expr.free_symbols))) for size in shape[2:])
    runs = [{"dims": {"x.0": 5, half: 16, wide: 10}, "macs": large}]
    add("picture.pt2", "a program with open sizes", "exported_program", macs=small, runs=runs, **counts(picture))

    sentence, given = Sentence().eval(), torch.zeros(3, 7, dtype=torch.int64)
    program = torch.export.export(sentence, (given,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, HERE / "sentence.pt2")
    copy_archive(HERE / "sentence.pt2", without_traces)
    # At every step four gates, each a product with 16 inputs and one with 16 states.
    rows = 4 * 16 * (16 + 16)
    macs = flops(sentence, given) + 21 * rows
    runs = [{"dims": {"ids.0": 6}, "macs": 2 * macs}]
    wanted = counts(sentence, persistent_only=False)
    add("sentence.pt2", "tied, attention with shared keys, an LSTM", "exported_program", macs=macs, runs=runs, **wanted)

    # The layout of torch 2.1 to 2.5, around the same program.
    import zipfile

    from torch._export.serde.serialize import serialize

    parts = serialize(program)
    text = without_traces("models/model.json", parts.exported_program)
    with zipfile.ZipFile(HERE / "sentence_2_4.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("version", "5.1")
        archive.writestr("serialized_exported_program.json", text)
        archive.writestr("serialized_state_dict.pt", parts.state_dict)
    add("sentence_2_4.pt2", "the older layout", "exported_program", macs=macs, runs=runs, **wanted)


make_tables()
make_modules()
make_checkpoints()
make_scripts()
make_pickles()
make_tar()
make_programs()
(HERE / "expected.json").write_text("{\n" + '  "files": [\n    ' + ",\n    ".join(json.dumps(row) for row in truth) + "\n  ]\n}\n")
