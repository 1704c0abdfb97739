"""Export a network as a graph without its weights, and measure the truth about it.

This module is shared by the scripts that make the gallery and the golden files. It
knows how to export (both of torch's exporters), how to run a graph in ONNX Runtime to
learn every tensor's real shape, how to count multiply-accumulates in two independent
ways, and how to take the weights out. It knows nothing of any particular network.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import math
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

# Above these sizes a tensor's bytes are left out; integers stay longer because shapes may be computed from them.
EXTERNAL_ABOVE_BYTES = 256
EXTERNAL_INTEGERS_ABOVE_BYTES = 1024
WEIGHTS_FILE = "weights.bin"
# Where torch's exporter writes the modules around a node.
MODULES_KEY = "pkg.torch.onnx.name_scopes"
FLOAT_TYPES = {
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.BFLOAT16,
    TensorProto.DOUBLE,
}


def randomise(model: torch.nn.Module) -> None:
    """Give every parameter and every running statistic values of its own.

    Fresh networks hold many equal tensors (scales of one, biases of zero), which an
    exporter shares or folds away: the file would then differ from that of a trained network.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point() and (parameter == parameter.flatten()[0]).all():
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
        for module in model.modules():
            if getattr(module, "running_mean", None) is not None:
                module.running_mean += 0.05 * torch.randn(module.running_mean.shape, generator=generator)
                module.running_var += 0.05 * torch.rand(module.running_var.shape, generator=generator)


# ---- truth from torch ------------------------------------------------------------------


def torch_parameters(model: torch.nn.Module) -> int:
    """Parameters as torch counts them: a tied weight once, buffers not at all."""
    return sum(p.numel() for p in model.parameters())


def torch_macs(model: torch.nn.Module, args: tuple, kwargs: dict | None = None) -> int:
    """MACs of convolutions and matrix products, by torch's own FlopCounterMode.

    Attention runs in the `math` backend so that its two products are matrix products;
    oneDNN is off so that recurrent layers are matrix products too, and
    nn.MultiheadAttention's fused path, which the counter does not see, is off.
    """
    torch.backends.mha.set_fastpath_enabled(False)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH), counter:
        model(*args, **(kwargs or {}))
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


# ---- export ------------------------------------------------------------------------------


def export(
    model: torch.nn.Module,
    args: tuple,
    *,
    inputs: list[str],
    outputs: list[str] | None,
    opset: int,
    dynamo: bool,
    dynamic: dict[str, dict[int, str]] | None = None,
    kwargs: dict | None = None,
    **options,
) -> onnx.ModelProto:
    """A complete ONNX model with its weights in memory.

    `dynamic` maps an input's (or, for the older exporter, an output's) name to
    {axis: name of the dimension}.
    """
    model = model.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "model.onnx"
        common = dict(input_names=inputs, output_names=outputs, opset_version=opset, dynamo=dynamo, **options)
        if dynamo:
            shapes = None
            if dynamic:
                dims = {dim: torch.export.Dim(dim) for axes in dynamic.values() for dim in axes.values()}
                shapes = tuple({axis: dims[dim] for axis, dim in dynamic.get(name, {}).items()} or None for name in inputs)
                if any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(model.forward).parameters.values()):
                    shapes = (shapes,)
            program = torch.onnx.export(model, args, kwargs=kwargs, dynamic_shapes=shapes, external_data=False, verbose=False, **common)
            program.save(str(path), external_data=True)
        else:
            torch.onnx.export(model, args, str(path), kwargs=kwargs, dynamic_axes=dynamic, **common)
        return onnx.load(path)


def fold_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Work out what does not depend on the inputs, as deployed files do; names of the rest are kept."""
    import onnxscript.optimizer

    return onnxscript.optimizer.optimize(model)


def short_tensor_names(model: onnx.ModelProto) -> None:
    """Number the tensors between nodes. Nodes keep their names, inputs, outputs and weights theirs."""
    kept = {v.name for v in (*model.graph.input, *model.graph.output, *model.graph.initializer)} | {""}
    short: dict[str, str] = {}

    def rename(names) -> None:
        for index, name in enumerate(names):
            if name not in kept:
                names[index] = short.setdefault(name, f"t{len(short)}")

    def walk(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            rename(node.input)
            rename(node.output)
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    for info in (*attribute.g.input, *attribute.g.output, *attribute.g.initializer):
                        if info.name not in kept:
                            info.name = short.setdefault(info.name, f"t{len(short)}")
                    walk(attribute.g)

    walk(model.graph)
    del model.graph.value_info[:]


# ---- truth from a run ----------------------------------------------------------------------


def run_in_onnxruntime(model: onnx.ModelProto, feeds: dict[str, np.ndarray]):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    saved = onnx.ModelProto()
    saved.CopyFrom(model)  # onnx.save moves the tensors' bytes out of what it is given
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(saved, path, save_as_external_data=True, location="w.bin", size_threshold=1024)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]
        return names, session.run(names, feeds)


def run_in_reference(model: onnx.ModelProto, feeds: dict[str, np.ndarray]):
    """Run in ONNX's own reference evaluator."""
    from onnx.reference import ReferenceEvaluator

    names = [o.name for o in model.graph.output]
    return names, ReferenceEvaluator(model).run(names, feeds)


def runtime_shapes(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> tuple[dict[str, tuple[str, list[int]]], list[str]]:
    """Run the graph unoptimised and return every main-graph tensor's dtype and shape.

    The second value lists the graph's outputs in order.
    """
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    outputs = [o.name for o in model.graph.output]
    known = set(outputs)
    for node in whole.graph.node:
        for name in node.output:
            if name and name not in known:
                known.add(name)
                whole.graph.output.append(onnx.ValueInfoProto(name=name))
    try:
        names, values = run_in_onnxruntime(whole, feeds)
    except Exception as error:  # noqa: BLE001
        if "NOT_IMPLEMENTED" not in str(error) and "Exception during initialization" not in str(error):
            raise
        # An operator or element type that ONNX Runtime has no kernel for on this machine.
        names, values = run_in_reference(whole, feeds)
    shapes = {}
    for name, value in zip(names, values):
        if isinstance(value, list):
            shapes[name] = ("sequence", [list(np.shape(v)) for v in value])
        elif isinstance(value, (np.ndarray, np.generic)):
            array = np.asarray(value)
            dtype = "string" if array.dtype.kind in "OU" else array.dtype.name
            shapes[name] = (dtype, list(array.shape))
    for name, value in feeds.items():
        shapes[name] = (value.dtype.name, list(value.shape))
    return shapes, outputs


def write_shapes(path: Path, shapes: dict[str, tuple[str, list[int]]]) -> None:
    """One line a tensor: name, dtype, dimensions joined by commas (empty for a scalar)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for name, (dtype, dims) in shapes.items():
            if dtype != "sequence":
                file.write(f"{name}\t{dtype}\t{','.join(map(str, dims))}\n")


def graph_macs(model: onnx.ModelProto, shapes: dict[str, tuple[str, list[int]]]) -> tuple[int, dict[str, int]]:
    """MACs of the main graph from each node's real shapes, by our own formulas.

    Independent of torch: a second opinion for graphs that torch cannot count. Covers what
    the goldens contain; an operator with a matrix product that is not here would show as a
    difference from torch's count. Returns the total and the sum per operator.
    """
    shape = {name: s for name, (_, s) in shapes.items()}
    for tensor in model.graph.initializer:
        shape[tensor.name] = list(tensor.dims)
    for sparse in model.graph.sparse_initializer:
        shape[sparse.values.name] = list(sparse.dims)
    per_op: dict[str, int] = {}
    for node in model.graph.node:
        attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        ins = [shape.get(i) for i in node.input]
        outs = [shape.get(o) for o in node.output]
        macs = 0
        op = node.op_type
        if op in ("Conv", "ConvInteger", "FusedConv"):
            macs = math.prod(outs[0]) * math.prod(ins[1][1:])
        elif op == "QLinearConv":
            macs = math.prod(outs[0]) * math.prod(ins[3][1:])
        elif op == "ConvTranspose":
            macs = math.prod(ins[0]) * math.prod(ins[1][1:])
        elif op in ("MatMul", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"):
            macs = math.prod(outs[0]) * ins[0][-1]
        elif op == "FusedMatMul":
            macs = math.prod(outs[0]) * (ins[0][-2] if attrs.get("transA") else ins[0][-1])
        elif op == "QLinearMatMul":
            macs = math.prod(outs[0]) * ins[0][-1]
        elif op in ("Gemm", "QGemm", "FusedGemm"):
            macs = math.prod(outs[0]) * (ins[0][0] if attrs.get("transA") else ins[0][1])
        elif op == "MatMulNBits":
            macs = math.prod(outs[0]) * attrs["K"]
        elif op in ("LSTM", "GRU", "RNN"):
            steps, batch = ins[0][0], ins[0][1]
            if attrs.get("layout"):
                steps, batch = batch, steps
            macs = steps * batch * (math.prod(ins[1]) + math.prod(ins[2]))
        elif op == "MultiHeadAttention":
            # com.microsoft: query (batch, q, width); keys and values (batch, k, width) or (batch, heads, k, width / heads).
            batch, q, width = ins[0][0], ins[0][1], ins[0][2]
            k = ins[1][1] if len(ins[1]) == 3 else ins[1][2]
            values = outs[0][2]
            past = ins[6][2] if len(ins) > 6 and ins[6] else 0
            macs = batch * q * (k + past) * (width + values)
        elif op == "GroupQueryAttention":
            # com.microsoft: query (batch, q, width), or q, k and v packed; outputs 1 and 2 are the whole cache.
            batch, q, width = outs[0]
            macs = 2 * batch * q * outs[1][2] * width
        elif op in ("Attention", "QAttention") and node.domain == "com.microsoft":
            # Projection to q, k and v, then the two products of attention.
            batch, q, width = ins[0]
            qkv = ins[1][1]
            out = outs[0][2]
            past = ins[4][3] if op == "Attention" and len(ins) > 4 and ins[4] else 0
            qk = attrs["qkv_hidden_sizes"][0] if "qkv_hidden_sizes" in attrs else out
            macs = batch * q * width * qkv + batch * q * (q + past) * (qk + out)
        elif op == "Attention":
            # ai.onnx 23: (batch, heads, q, size) or (batch, q, heads x size).
            past = ins[4][2] if len(ins) > 4 and ins[4] else 0
            if len(ins[0]) == 4:
                batch, heads, q, size = ins[0]
                macs = batch * heads * q * (ins[1][2] + past) * (size + ins[2][3])
            else:
                batch, q, width = ins[0]
                v_size = ins[2][2] // attrs["kv_num_heads"] * attrs["q_num_heads"]
                macs = batch * q * (ins[1][1] + past) * (width + v_size)
        elif op == "Einsum":
            macs = einsum_macs(attrs["equation"].decode(), ins)
        if macs:
            per_op[op] = per_op.get(op, 0) + macs
    return sum(per_op.values()), per_op


def formula_covers(model: onnx.ModelProto) -> bool:
    """Whether `graph_macs` sees all of a graph: no bodies, no functions, no product that it has no formula for."""
    without = {"MoE", "DynamicQuantizeLSTM", "DecoderMaskedMultiHeadAttention", "DFT", "STFT"}
    bodies = any(a.HasField("g") or a.graphs for node in model.graph.node for a in node.attribute)
    return not (bodies or model.functions or any(node.op_type in without for node in model.graph.node))


def einsum_macs(equation: str, shapes: list[list[int]]) -> int:
    """Elements of the space spanned by all letters (one contraction of two operands).

    Where no letter is summed over there is no accumulation: an outer product is no MAC, as torch counts too.
    """
    left, _, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) < 2 or ("->" in equation and set(left) - {",", "."} <= set(right)):
        return 0
    sizes: dict[str, int] = {}
    for term, dims in zip(terms, shapes):
        letters = term.replace("...", "")
        extra = len(dims) - len(letters)
        index = term.find("...")
        full = list(letters)
        if index >= 0:
            full = list(term[:index]) + [f".{extra - i}" for i in range(extra)] + list(term[index + 3 :])
        for letter, size in zip(full, dims):
            sizes[letter] = max(sizes.get(letter, 1), size)
    return math.prod(sizes.values())


# ---- what the file holds ------------------------------------------------------------------------


def tensors_of(graph: onnx.GraphProto):
    """(tensor, is_constant) for every weight in a graph and its subgraphs."""
    for tensor in graph.initializer:
        yield tensor, False
    for sparse in graph.sparse_initializer:
        # A sparse initializer stands for a dense tensor: its element count is that of `dims`.
        dense = TensorProto(data_type=sparse.values.data_type, dims=list(sparse.dims))
        yield dense, False
    yield from tensors_of_nodes(graph.node)


def tensors_of_nodes(nodes):
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t, True
            if attribute.HasField("sparse_tensor"):
                sparse = attribute.sparse_tensor
                yield TensorProto(data_type=sparse.values.data_type, dims=list(sparse.dims)), True
            if node.op_type == "Constant" and attribute.name == "value_float":
                yield TensorProto(data_type=TensorProto.FLOAT, dims=[]), True
            if node.op_type == "Constant" and attribute.name == "value_floats":
                yield TensorProto(data_type=TensorProto.FLOAT, dims=[len(attribute.floats)]), True
            if attribute.HasField("g"):
                yield from tensors_of(attribute.g)
            for subgraph in attribute.graphs:
                yield from tensors_of(subgraph)


def float_elements(model: onnx.ModelProto) -> tuple[int, int]:
    """Float elements in initializers, and the same with Constant nodes included.

    Subgraphs and model-local functions count; a function's constants count once.
    """
    initializers = constants = 0
    sources = [tensors_of(model.graph)] + [tensors_of_nodes(f.node) for f in model.functions]
    for source in sources:
        for tensor, is_constant in source:
            if tensor.data_type in FLOAT_TYPES:
                elements = math.prod(tensor.dims)
                constants += elements
                if not is_constant:
                    initializers += elements
    return initializers, constants


# ---- taking the weights out -------------------------------------------------------------------------


def graph_only(model: onnx.ModelProto, *, location: str = WEIGHTS_FILE, keep_value_info: bool = False) -> onnx.ModelProto:
    """A copy whose larger tensors are external data in a file that is not there.

    Dimensions, types, offsets and lengths stay true. Also leaves out value_info,
    documentation strings and metadata: exporters write stack traces of the machine there.
    Of the metadata stays the module that a node belongs to, by which layers are gathered.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    out.doc_string = ""
    del out.metadata_props[:]
    offset = 0

    def externalise(tensor: onnx.TensorProto) -> None:
        nonlocal offset
        if tensor.data_type in (TensorProto.STRING, TensorProto.UNDEFINED):
            return
        size = (math.prod(tensor.dims) * bits_of(tensor.data_type) + 7) // 8
        limit = EXTERNAL_INTEGERS_ABOVE_BYTES if tensor.data_type in (TensorProto.INT64, TensorProto.INT32) else EXTERNAL_ABOVE_BYTES
        if size <= limit:
            return
        dims, data_type, name = list(tensor.dims), tensor.data_type, tensor.name
        tensor.Clear()
        tensor.dims.extend(dims)
        tensor.data_type = data_type
        tensor.name = name
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", size)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
        offset += size

    def keep_module(node: onnx.NodeProto) -> None:
        scopes = next((entry.value for entry in node.metadata_props if entry.key == MODULES_KEY), "[]")
        # The innermost module and the operation in it: the modules around them are in its name.
        inner = ast.literal_eval(scopes)[-2:]
        del node.metadata_props[:]
        if len(inner) == 2 and inner[0]:
            node.metadata_props.add(key=MODULES_KEY, value=str(inner))

    def clean_nodes(nodes) -> None:
        for node in nodes:
            node.doc_string = ""
            keep_module(node)
            for attribute in node.attribute:
                attribute.doc_string = ""
                if attribute.HasField("t"):
                    externalise(attribute.t)
                if attribute.HasField("g"):
                    clean_graph(attribute.g)
                for subgraph in attribute.graphs:
                    clean_graph(subgraph)

    def clean_graph(graph: onnx.GraphProto) -> None:
        if not keep_value_info:
            del graph.value_info[:]
        graph.doc_string = ""
        del graph.metadata_props[:]
        del graph.quantization_annotation[:]
        for tensor in graph.initializer:
            tensor.doc_string = ""
            externalise(tensor)
        for info in (*graph.input, *graph.output, *graph.value_info):
            info.doc_string = ""
            del info.metadata_props[:]
        clean_nodes(graph.node)

    clean_graph(out.graph)
    for function in out.functions:
        function.doc_string = ""
        del function.metadata_props[:]
        if not keep_value_info:
            del function.value_info[:]
        clean_nodes(function.node)
    return out


def bits_of(data_type: int) -> int:
    if data_type in (TensorProto.UINT4, TensorProto.INT4, TensorProto.FLOAT4E2M1):
        return 4
    return helper.tensor_dtype_to_np_dtype(data_type).itemsize * 8


def save(model: onnx.ModelProto, path: Path, **options) -> int:
    """Write the graph-only file; returns its size in bytes."""
    data = graph_only(model, **options).SerializeToString(deterministic=True)
    path.write_bytes(data)
    return len(data)


@contextlib.contextmanager
def quiet():
    """Silence the exporters' progress messages."""
    import io
    import logging
    import warnings

    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)
