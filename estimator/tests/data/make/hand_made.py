"""Graphs that exporters seldom write but files contain: functions, sparse weights, Scan, external data."""

from __future__ import annotations

import numpy as np
import onnx
import onnxscript
from onnx import TensorProto, helper, numpy_helper
from onnxscript import FLOAT, script
from onnxscript import opset18 as op


RNG = np.random.default_rng(1)
FOURIER = "left open: depends on the algorithm that one assumes"
HAND = "written by hand with onnx.helper"


def f32(*shape):
    return (RNG.standard_normal(shape) * 0.3).astype(np.float32)


def info(name, dims, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, dims)


def model(nodes, inputs, outputs, initializers=(), opset=17, ir=8, functions=(), imports=(), sparse=()):
    graph = helper.make_graph(nodes, "graph", inputs, [onnx.ValueInfoProto(name=o) for o in outputs], list(initializers), sparse_initializer=list(sparse))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *imports], ir_version=ir, functions=list(functions))


def tensor(value, name):
    return numpy_helper.from_array(value, name)


@script(onnxscript.values.Opset("greenprint.script", 1), default_opset=op)
def scripted_norm(v, scale):
    mean = op.ReduceMean(v, keepdims=1)
    centred = v - mean
    spread = op.Sqrt(op.ReduceMean(centred * centred, keepdims=1) + 0.00001)
    return centred / spread * scale


@script(default_opset=op)
def scripted_network(v: FLOAT["batch", 16], w: FLOAT[16, 8], scale: FLOAT[8]) -> FLOAT["batch", 8]:
    return scripted_norm(op.MatMul(v, w), scale)


def make(recorder) -> None:
    def add(name, built, feeds, about, **options):
        recorder.attempt(name, lambda: recorder.add(name, built() if callable(built) else built, feeds if isinstance(feeds, list) else [feeds], about=about, exporter=options.pop("exporter", HAND), **options))

    x = f32(2, 16)

    # Model-local functions: nested, with an attribute passed on, and with a weight inside.
    def functions():
        ours = helper.make_opsetid("greenprint.test", 1)
        std = helper.make_opsetid("", 17)
        block = helper.make_function(
            "greenprint.test",
            "Block",
            ["x", "w"],
            ["y"],
            [
                helper.make_node("MatMul", ["x", "w"], ["h"], name="product"),
                helper.make_node("Constant", [], ["shift"], value=tensor(f32(16), "shift"), name="shift"),
                helper.make_node("Add", ["h", "shift"], ["a"], name="sum"),
                _with_ref(helper.make_node("LeakyRelu", ["a"], ["y"], name="act"), "alpha", "slope", onnx.AttributeProto.FLOAT),
            ],
            [std],
            ["slope"],
        )
        stack = helper.make_function(
            "greenprint.test",
            "Stack",
            ["x", "w1", "w2"],
            ["z"],
            [helper.make_node("Block", ["x", "w1"], ["y"], domain="greenprint.test", slope=0.1), helper.make_node("Block", ["y", "w2"], ["z"], domain="greenprint.test", slope=0.2)],
            [std, ours],
        )
        nodes = [helper.make_node("Stack", ["x", "w1", "w2"], ["s"], domain="greenprint.test", name="stack"), helper.make_node("Block", ["s", "w1"], ["y"], domain="greenprint.test", slope=0.3, name="again")]
        return model(nodes, [info("x", ["batch", 16])], ["y"], [tensor(f32(16, 16), "w1"), tensor(f32(16, 16), "w2")], functions=[block, stack], imports=[ours])

    add("functions_nested", functions, {"x": x}, "Model-local functions, one calling another, with an attribute reference and a weight inside.", macs=[3 * 2 * 16 * 16], macs_how="three products of 2 x 16 by 16 x 16")

    add("onnxscript_function", scripted_network.to_model_proto(), {"v": x, "w": f32(16, 8), "scale": f32(8)}, "An onnxscript function kept as a model-local function; weights are inputs.", exporter="onnxscript")

    dense = np.zeros((8, 16), np.float32)
    dense[0, 1], dense[3, 7], dense[7, 15] = 1.0, 2.0, 3.0
    flat = np.flatnonzero(dense)
    sparse = helper.make_sparse_tensor(tensor(dense.flatten()[flat], "w"), helper.make_tensor("w_indices", TensorProto.INT64, [len(flat)], flat.astype(np.int64)), [8, 16])
    add("sparse_initializer", model([helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], [info("x", ["batch", 16])], ["y"], sparse=[sparse]), {"x": x}, "A sparse weight: 128 elements, three of them stored. Float elements count the dense size.", macs=[2 * 8 * 16], macs_how="dense product")
    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    add("sparse_constant", model([constant, helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], [info("x", ["batch", 16])], ["y"]), {"x": x}, "The same in a Constant node.", macs=[2 * 8 * 16], macs_how="dense product")

    weights = f32(16, 8)
    constants = [helper.make_node("Constant", [], ["w"], value=tensor(weights, "w")), helper.make_node("Constant", [], ["b"], value_floats=[0.5] * 8), helper.make_node("Gemm", ["x", "w", "b"], ["y"])]
    add("constants_only", model(constants, [info("x", ["batch", 16])], ["y"]), {"x": x}, "All weights in Constant nodes.")

    # Loop: sequence outputs, carried values, scan outputs; trip count from data or fixed.
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["product"]),
            helper.make_node("Tanh", ["product"], ["next"]),
            helper.make_node("ReduceSum", ["next"], ["total"], keepdims=0),
            helper.make_node("Identity", ["go"], ["go_on"]),
        ],
        "body",
        [info("i", [], TensorProto.INT64), info("go", [], TensorProto.BOOL), info("state", None)],
        [info("go_on", [], TensorProto.BOOL), info("next", None), info("total", None)],
    )
    loop = helper.make_node("Loop", ["trips", "yes", "x"], ["last", "totals"], body=body, name="loop")
    yes = tensor(np.array(True), "yes")
    add("loop_fixed", model([loop], [info("x", ["batch", 16])], ["last", "totals"], [tensor(np.array(6, np.int64), "trips"), yes, tensor(f32(16, 16), "w")]), {"x": x}, "A Loop of six steps; its weight lies outside the body.", macs=[6 * 2 * 256], macs_how="six products of 2 x 16 by 16 x 16")
    add("loop_input_trips", model([loop], [info("x", ["batch", 16]), info("trips", [], TensorProto.INT64)], ["last", "totals"], [yes, tensor(f32(16, 16), "w")]), {"x": x, "trips": np.array(9, np.int64)}, "The same with its trip count as an input.", macs=[9 * 2 * 256], macs_how="nine products", data_dependent=["totals"])

    growing = helper.make_graph(
        [helper.make_node("Concat", ["grown", "piece"], ["longer"], axis=0), helper.make_node("Identity", ["go"], ["go_on"])],
        "grow",
        [info("i", [], TensorProto.INT64), info("go", [], TensorProto.BOOL), info("grown", None)],
        [info("go_on", [], TensorProto.BOOL), info("longer", None)],
    )
    add("loop_growing", model([helper.make_node("Loop", ["trips", "yes", "x"], ["all"], body=growing)], [info("x", ["rows", 16]), info("piece", [3, 16])], ["all"], [tensor(np.array(4, np.int64), "trips"), yes]), {"x": x, "piece": f32(3, 16)}, "A carried value that grows: 2 + 4 x 3 rows.")

    step = helper.make_graph(
        [
            helper.make_node("MatMul", ["x_t", "w"], ["a"]),
            helper.make_node("MatMul", ["h", "r"], ["b"]),
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["h_next"]),
            helper.make_node("Identity", ["h_next"], ["y_t"]),
        ],
        "step",
        [info("h", None), info("x_t", None)],
        [info("h_next", None), info("y_t", None)],
        [tensor(f32(16, 12), "w"), tensor(f32(12, 12), "r")],
    )
    scan = helper.make_node("Scan", ["h0", "xs"], ["h_last", "ys"], body=step, num_scan_inputs=1)
    add("scan_rnn", model([scan], [info("h0", ["batch", 12]), info("xs", ["steps", "batch", 16])], ["h_last", "ys"]), {"h0": f32(2, 12), "xs": f32(5, 2, 16)}, "A recurrent network as Scan; its weights lie in the body.", macs=[5 * 2 * (16 * 12 + 12 * 12)], macs_how="five steps of two products")
    scan_axes = helper.make_node("Scan", ["h0", "xs"], ["h_last", "ys"], body=step, num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1], scan_input_directions=[1])
    add("scan_axis_1", model([scan_axes], [info("h0", ["batch", 12]), info("xs", ["batch", "steps", 16])], ["h_last", "ys"]), {"h0": f32(2, 12), "xs": f32(2, 5, 16)}, "The same along axis 1, backwards.", macs=[5 * 2 * (16 * 12 + 12 * 12)], macs_how="five steps of two products")

    then = helper.make_graph([helper.make_node("Gemm", ["x", "wt"], ["t"])], "then", [], [info("t", None)], [tensor(f32(16, 8), "wt")])
    other = helper.make_graph([helper.make_node("Gemm", ["x", "we1"], ["m"]), helper.make_node("Gemm", ["m", "we2"], ["e"])], "else", [], [info("e", None)], [tensor(f32(16, 4), "we1"), tensor(f32(4, 8), "we2")])
    branch = model([helper.make_node("If", ["flag"], ["y"], then_branch=then, else_branch=other)], [info("x", ["batch", 16]), info("flag", [], TensorProto.BOOL)], ["y"])
    add("if_unequal_cost", branch, [{"x": x, "flag": np.array(True)}, {"x": x, "flag": np.array(False)}], "Branches of unequal cost with weights inside; the condition is an input.", macs=[2 * 16 * 8, 2 * (16 * 4 + 4 * 8)], macs_how="products of the branch that ran")

    # Sequences and optionals.
    nodes = [
        helper.make_node("SplitToSequence", ["x", "two"], ["parts"], axis=1),
        helper.make_node("Constant", [], ["at"], value_int=1),
        helper.make_node("SequenceAt", ["parts", "at"], ["second"]),
        helper.make_node("SequenceInsert", ["parts", "second"], ["more"]),
        helper.make_node("ConcatFromSequence", ["more"], ["joined"], axis=1),
        helper.make_node("SequenceLength", ["more"], ["count"]),
    ]
    add("sequences", model(nodes, [info("x", ["batch", 16])], ["second", "joined", "count"], [tensor(np.array(4, np.int64), "two")]), {"x": x}, "Sequences: split, take, insert, join.")

    # Standard operators with a cost of their own.
    add("dft", model([helper.make_node("DFT", ["signal", "", "axis"], ["spectrum"], onesided=1)], [info("signal", ["batch", 64, 1])], ["spectrum"], [tensor(np.array(1, np.int64), "axis")], opset=20, ir=9), {"signal": f32(2, 64, 1)}, "Discrete Fourier transform, one-sided.", macs=[None], macs_how=FOURIER)
    stft = helper.make_node("STFT", ["signal", "step", "window"], ["frames"], onesided=1)
    add("stft", model([stft], [info("signal", ["batch", "samples", 1])], ["frames"], [tensor(np.array(16, np.int64), "step"), tensor(f32(64), "window")]), {"signal": f32(2, 400, 1)}, "Short-time Fourier transform.", macs=[None], macs_how=FOURIER)
    add("mel_weights", model([helper.make_node("MelWeightMatrix", ["bins", "size", "rate", "low", "high"], ["mel"])], [], ["mel"], [tensor(np.array(v, np.int64), n) for n, v in (("bins", 8), ("size", 64), ("rate", 16000))] + [tensor(np.array(v, np.float32), n) for n, v in (("low", 20.0), ("high", 8000.0))]), {}, "A matrix made from scalars; a graph without inputs.")
    add("einsum_three", model([helper.make_node("Einsum", ["x", "w"], ["y"], equation="...ij,jk->...ik")], [info("x", ["batch", "n", 16])], ["y"], [tensor(f32(16, 6), "w")]), {"x": f32(2, 5, 16)}, "Einsum with an ellipsis.")
    q, k, v = f32(2, 4, 6, 8), f32(2, 2, 9, 8), f32(2, 2, 9, 8)
    attention = helper.make_node("Attention", ["q", "k", "v"], ["y"], is_causal=1)
    dims = lambda h, n: ["batch", h, n, 8]
    add("attention_23_grouped", model([attention], [info("q", dims(4, "queries")), info("k", dims(2, "keys")), info("v", dims(2, "keys"))], ["y"], opset=23, ir=11), {"q": q, "k": k, "v": v}, "The standard Attention of opset 23, four query heads on two key heads.")
    flat3 = helper.make_node("Attention", ["q", "k", "v", "", "pk", "pv"], ["y", "nk", "nv"], q_num_heads=4, kv_num_heads=2)
    past = {"pk": f32(2, 2, 5, 8), "pv": f32(2, 2, 5, 8)}
    add("attention_23_past", model([flat3], [info("q", ["batch", "new", 32]), info("k", ["batch", "new", 16]), info("v", ["batch", "new", 16]), info("pk", ["batch", 2, "past", 8]), info("pv", ["batch", 2, "past", 8])], ["y", "nk", "nv"], opset=23, ir=11), {"q": f32(2, 3, 32), "k": f32(2, 3, 16), "v": f32(2, 3, 16), **past}, "The same with three dimensions and a cache.")
    u8 = lambda *d: RNG.integers(0, 255, d).astype(np.uint8)
    i8 = lambda *d: RNG.integers(-127, 127, d).astype(np.int8)
    scalars = [tensor(np.array(0.02, np.float32), "s"), tensor(np.array(128, np.uint8), "zu"), tensor(np.array(0, np.int8), "zi")]
    add("qlinear_conv_grouped", model([helper.make_node("QLinearConv", ["x", "s", "zu", "w", "s", "zi", "s", "zu"], ["y"], group=2, pads=[1, 1, 1, 1])], [info("x", ["batch", 4, 8, 8], TensorProto.UINT8)], ["y"], [*scalars, tensor(i8(6, 2, 3, 3), "w")]), {"x": u8(2, 4, 8, 8)}, "Grouped integer convolution.")
    add("qlinear_matmul", model([helper.make_node("QLinearMatMul", ["x", "s", "zu", "w", "s", "zi", "s", "zu"], ["y"])], [info("x", ["batch", 16], TensorProto.UINT8)], ["y"], [*scalars, tensor(i8(16, 8), "w")]), {"x": u8(2, 16)}, "Integer product.")
    blocked = [helper.make_node("DequantizeLinear", ["w", "scales"], ["wf"], axis=0, block_size=8), helper.make_node("MatMul", ["x", "wf"], ["y"])]
    int4 = helper.make_tensor("w", TensorProto.INT4, [32, 6], RNG.integers(-8, 7, 32 * 6).tolist())
    add("dequantize_int4_blocks", model(blocked, [info("x", ["batch", 32])], ["y"], [int4, tensor(f32(4, 6), "scales")], opset=21, ir=10), {"x": f32(2, 32)}, "int4 weights in blocks of eight, dequantised before the product.")

    # Names and dimensions that occur in the wild.
    wild = model([helper.make_node("Relu", ["x"], ["y"])], [info("x", ["unk__749", None, -1 if False else "", 4])], ["y"])
    wild.graph.input[0].type.tensor_type.shape.dim[1].Clear()
    wild.graph.input[0].type.tensor_type.shape.dim[2].dim_value = -1
    add("odd_dimensions", wild, {"x": f32(2, 3, 5, 4)}, "Dimensions named unk__749, unnamed, and -1.")
    old = model([helper.make_node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), helper.make_node("BatchNormalization", ["c", "g", "b2", "m", "v"], ["n"]), helper.make_node("Relu", ["n"], ["r"]), helper.make_node("Upsample", ["r", "scales"], ["u"], mode="nearest"), helper.make_node("Flatten", ["u"], ["y"])],
                [info("x", [1, 3, 8, 8]), info("w", [4, 3, 3, 3]), info("b", [4]), *[info(n, [4]) for n in ("g", "b2", "m", "v")]], ["y"],
                [tensor(f32(4, 3, 3, 3), "w"), *[tensor(np.abs(f32(4)) + 0.1, n) for n in ("b", "g", "b2", "m", "v")], tensor(np.array([1, 1, 2, 2], np.float32), "scales")], opset=9, ir=3)
    add("ir3_weights_among_inputs", old, {"x": f32(1, 3, 8, 8)}, "IR version 3: weights are listed among the inputs; opset 9 with Upsample.")
    legacy = model([helper.make_node("Unsqueeze", ["x"], ["u"], axes=[1]), helper.make_node("Pad", ["u"], ["p"], pads=[0, 0, 1, 0, 0, 1], value=0.5), helper.make_node("Slice", ["p"], ["s"], axes=[2], starts=[0], ends=[4]), helper.make_node("Squeeze", ["s"], ["q"], axes=[1]), helper.make_node("Softmax", ["q"], ["f"], axis=1), helper.make_node("ReduceSum", ["f"], ["r"], axes=[1], keepdims=0), helper.make_node("Clip", ["r"], ["c"], min=0.0, max=1.0), helper.make_node("Dropout", ["c"], ["y"], ratio=0.5)], [info("x", ["batch", 16])], ["y"], opset=7, ir=3)
    add("opset_7_attributes", legacy, {"x": x}, "Opset 7: axes, pads, starts and ends as attributes.")

    # External data: present beside the file, and missing.
    gemm = lambda: model([helper.make_node("Gemm", ["x", "w", "b"], ["y"])], [info("x", ["batch", 16])], ["y"], [tensor(weights, "w"), tensor(f32(8), "b")])

    def save_present(built, path):
        copy = onnx.ModelProto()
        copy.CopyFrom(built)
        (path.parent / "external_present.weights").unlink(missing_ok=True)
        onnx.save(copy, path, save_as_external_data=True, location="external_present.weights", size_threshold=0)
        return path.stat().st_size

    def save_missing(built, path):
        copy = onnx.ModelProto()
        copy.CopyFrom(built)
        onnx.external_data_helper.convert_model_to_external_data(copy, location="not_here.weights", size_threshold=0)
        for t in copy.graph.initializer:
            t.ClearField("raw_data")
            t.data_location = TensorProto.EXTERNAL
        path.write_bytes(copy.SerializeToString())
        return path.stat().st_size

    add("external_present", gemm(), {"x": x}, "Weights in a file beside this one.", save=save_present)
    add("external_missing", gemm(), {"x": x}, "Weights in a file that is not here.", save=save_missing)


def _with_ref(node, name, refers_to, kind):
    """Give a node an attribute that refers to its function's attribute."""
    attribute = node.attribute.add()
    attribute.name, attribute.ref_attr_name, attribute.type = name, refers_to, kind
    return node
