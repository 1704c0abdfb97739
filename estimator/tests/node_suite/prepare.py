"""Lay out ONNX's own backend tests for Greenprint's shape-inference harness.

The tests belong to the ONNX project and are not copied into this repository.
This script makes them from the `onnx` wheel that the reader installs:

    pip install -r requirements.txt
    python prepare.py OUTPUT_DIR

OUTPUT_DIR then holds `KIND/CASE/` folders and one `index.jsonl`:

* `model.onnx`: the case's model without any inferred or promised type. `value_info`
  is empty, graph outputs have a name and nothing else, and inputs and outputs of
  subgraphs (If, Loop, Scan, SequenceMap) have names only. Inputs of the main graph
  keep their declared types, and constants and attributes are untouched.
* `input_N.pb`: the value of input N, a TensorProto, SequenceProto, OptionalProto or
  MapProto as in ONNX's suite. Tensors of more than 4096 elements have no file.
* `expected.json`: one line of JSON, described in `describe_case` below.

Expected types and shapes are taken from the suite's output *values*, not from the
declared types, so they are what the operator really returns. `index.jsonl` repeats
every `expected.json` with the case's folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import MapProto, OptionalProto, SequenceProto, TensorProto, TypeProto, helper, numpy_helper

PINNED_ONNX = "1.23.0"
MAX_ELEMENTS = 4096

DTYPES = {
    TensorProto.FLOAT: "float32",
    TensorProto.DOUBLE: "float64",
}


def dtype_name(elem_type: int) -> str:
    """Name of a TensorProto.DataType: `float32`, `int8`, `bfloat16`, `string` …"""
    return DTYPES.get(elem_type, TensorProto.DataType.Name(elem_type).lower())


def strip_subgraph(graph: onnx.GraphProto) -> None:
    """Leave only names of a subgraph's inputs and outputs, recursively."""
    for info in (*graph.input, *graph.output):
        info.ClearField("type")
    strip_body(graph)


def strip_body(graph: onnx.GraphProto) -> None:
    graph.ClearField("value_info")
    for node in graph.node:
        for attribute in node.attribute:
            for subgraph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                strip_subgraph(subgraph)


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` in which nothing but the inputs' types is declared."""
    stripped = onnx.ModelProto()
    stripped.CopyFrom(model)
    for info in stripped.graph.output:
        info.ClearField("type")
    strip_body(stripped.graph)
    for function in stripped.functions:
        function.ClearField("value_info")
        for node in function.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    strip_subgraph(attribute.g)
    return stripped


def describe_value(value, declared: TypeProto | None) -> dict:
    """The type and shape of a value; `declared` only settles what the value leaves open."""
    which = declared.WhichOneof("value") if declared is not None else None
    if which == "optional_type":
        if value is None:
            return {"kind": "optional", "element": None}
        return {"kind": "optional", "element": describe_value(value, declared.optional_type.elem_type)}
    if which == "sequence_type" or isinstance(value, list):
        inner = declared.sequence_type.elem_type if which == "sequence_type" else None
        elements = [describe_value(v, inner) for v in (value if value is not None else [])]
        description = {"kind": "sequence", "elements": elements}
        if inner is not None and inner.HasField("tensor_type"):
            description["dtype"] = dtype_name(inner.tensor_type.elem_type)
        return description
    if isinstance(value, dict):
        return {"kind": "map", "size": len(value)}
    if isinstance(value, TensorProto):
        return {"kind": "tensor", "dtype": dtype_name(value.data_type), "shape": list(value.dims)}
    array = np.asarray(value)
    if which == "tensor_type" and declared.tensor_type.elem_type:
        # Some 4- and 8-bit results are written as wider numpy arrays: the declared
        # element type is the one the operator has.
        elem_type = declared.tensor_type.elem_type
    else:
        elem_type = helper.np_dtype_to_tensor_dtype(array.dtype)
    return {"kind": "tensor", "dtype": dtype_name(elem_type), "shape": list(array.shape)}


def element_count(value) -> int:
    if value is None:
        return 0
    if isinstance(value, (list, tuple)):
        return sum(element_count(v) for v in value)
    if isinstance(value, dict):
        return len(value)
    if isinstance(value, TensorProto):
        return int(np.prod(value.dims, dtype=np.int64))
    return int(np.asarray(value).size)


def to_proto(value, declared: TypeProto, name: str):
    which = declared.WhichOneof("value")
    if which == "map_type":
        return numpy_helper.from_dict(value, name)
    if which == "sequence_type":
        return numpy_helper.from_list(value, name)
    if which == "optional_type":
        return numpy_helper.from_optional(value, name)
    if isinstance(value, TensorProto):
        return value
    return numpy_helper.from_array(np.asarray(value), name)


def load_proto(path: Path, declared: TypeProto):
    """A stored `.pb` of the suite as a Python value."""
    which = declared.WhichOneof("value")
    data = path.read_bytes()
    if which == "sequence_type":
        return numpy_helper.to_list(SequenceProto.FromString(data))
    if which == "optional_type":
        return numpy_helper.to_optional(OptionalProto.FromString(data))
    if which == "map_type":
        return numpy_helper.to_dict(MapProto.FromString(data))
    return TensorProto.FromString(data)


def opset_of(model: onnx.ModelProto, domain: str) -> int:
    for opset in model.opset_import:
        if opset.domain == domain or (domain == "" and opset.domain == "ai.onnx"):
            return opset.version
    return 0


def describe_case(kind: str, name: str, op: str, domain: str, model: onnx.ModelProto, inputs, outputs, folder: Path) -> dict:
    """Write one case and return its description:

    `case`, `kind`, `op` (the operator under test, or the case's name for whole models),
    `domain`, `opset` (of that domain), `inputs` and `outputs` in the graph's order. Each has
    `name`, `kind` and, for a tensor, `dtype` and `shape`; for a sequence `elements`; for an
    optional `element` (null when empty). An input has `file`, or null if there is no value.
    """
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(strip(model).SerializeToString())
    initialised = {t.name for t in model.graph.initializer}
    fed = [i for i in model.graph.input if i.name not in initialised]
    described_inputs = []
    for index, (info, value) in enumerate(zip(fed, inputs)):
        description = {"name": info.name, **describe_value(value, info.type), "file": None}
        if element_count(value) <= MAX_ELEMENTS:
            proto = to_proto(value, info.type, info.name)
            description["file"] = f"input_{index}.pb"
            (folder / description["file"]).write_bytes(proto.SerializeToString())
        described_inputs.append(description)
    described_outputs = [
        {"name": info.name, **describe_value(value, info.type)} for info, value in zip(model.graph.output, outputs)
    ]
    description = {
        "case": name,
        "kind": kind,
        "op": op,
        "domain": domain,
        "opset": opset_of(model, domain),
        "nodes": len(model.graph.node),
        "inputs": described_inputs,
        "outputs": described_outputs,
    }
    (folder / "expected.json").write_text(json.dumps(description) + "\n")
    return description


def node_cases():
    """Cases of single operators and of their expansions into functions."""
    from onnx.backend.test.case import node as node_module
    from onnx.backend.test.loader import load_node_model_tests

    for case in load_node_model_tests():
        tested = node_module._existing_names.get(case.name)
        base = case.name
        while tested is None and "_expanded" in base:
            base = base[: base.rindex("_expanded")]
            tested = node_module._existing_names.get(base)
        op, domain = (tested.op_type, tested.domain) if tested is not None else (case.name, "")
        inputs, outputs = case.data_sets[0]
        yield "node", case.name, op, domain, case.model, list(inputs), list(outputs)


def model_cases():
    """Small models that the suite builds in memory."""
    from onnx.backend.test.case import model as model_module

    for case in model_module.collect_testcases():
        if case.kind != "real" and case.model is not None and case.data_sets:
            inputs, outputs = case.data_sets[0]
            yield case.kind, case.name, case.name, "", case.model, list(inputs), list(outputs)


def stored_cases(data: Path):
    """Models that the wheel stores as files with their values."""
    for kind in ("simple", "pytorch-operator", "pytorch-converted"):
        for folder in sorted((data / kind).glob("test_*")):
            model_path, values = folder / "model.onnx", folder / "test_data_set_0"
            if not model_path.exists() or not values.exists():
                continue
            model = onnx.load(model_path)
            initialised = {t.name for t in model.graph.initializer}
            fed = [i for i in model.graph.input if i.name not in initialised]
            inputs = [
                load_proto(values / f"input_{i}.pb", info.type)
                for i, info in enumerate(fed)
                if (values / f"input_{i}.pb").exists()
            ]
            outputs = [
                load_proto(values / f"output_{i}.pb", info.type)
                for i, info in enumerate(model.graph.output)
                if (values / f"output_{i}.pb").exists()
            ]
            op = model.graph.node[0].op_type if len(model.graph.node) == 1 else folder.name
            yield kind, folder.name, op, "", model, inputs, outputs
    for path in sorted((data / "light").glob("light_*.onnx")):
        model = onnx.load(path)
        output = TensorProto.FromString(path.with_name(path.stem + "_output_0.pb").read_bytes())
        initialised = {t.name for t in model.graph.initializer}
        inputs = []
        for info in model.graph.input:
            if info.name not in initialised:
                dims = [d.dim_value for d in info.type.tensor_type.shape.dim]
                inputs.append(np.zeros(dims, dtype=helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)))
        yield "light", path.stem, path.stem, "", model, inputs, [output]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder to write; replaced if it exists and holds an index.jsonl")
    args = parser.parse_args()
    if onnx.__version__ != PINNED_ONNX:
        sys.exit(f"this script expects onnx {PINNED_ONNX}, found {onnx.__version__}: pip install onnx=={PINNED_ONNX}")
    if args.output.exists():
        if any(args.output.iterdir()) and not (args.output / "index.jsonl").exists():
            sys.exit(f"{args.output} is not empty and was not made by this script: choose another folder")
        shutil.rmtree(args.output)
    args.output.mkdir(parents=True)
    warnings.simplefilter("ignore")

    data = Path(onnx.__file__).parent / "backend" / "test" / "data"
    written, skipped, seen = Counter(), [], set()
    with (args.output / "index.jsonl").open("w") as index:
        for source in (node_cases(), stored_cases(data), model_cases()):
            for kind, name, op, domain, model, inputs, outputs in source:
                if (kind, name) in seen:
                    continue
                seen.add((kind, name))
                folder = args.output / kind / name
                if len(outputs) != len(model.graph.output):
                    skipped.append(f"{kind}/{name}: {len(outputs)} values for {len(model.graph.output)} outputs")
                    continue
                description = describe_case(kind, name, op, domain, model, inputs, outputs, folder)
                index.write(json.dumps({"folder": f"{kind}/{name}", **description}) + "\n")
                written[kind] += 1
    print(f"{sum(written.values())} cases:", dict(written))
    for line in skipped:
        print("skipped", line)


if __name__ == "__main__":
    main()
