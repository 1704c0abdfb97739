"""Two small ONNX models and the files that ONNX Runtime makes of them.

    pip install onnx==1.23.0 onnxruntime==1.27.0
    python ort_models.py ../ort
"""

import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

RNG = np.random.default_rng(7)


def weight(name, *shape):
    return numpy_helper.from_array(RNG.uniform(-1, 1, shape).astype(np.float32), name)


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def cnn():
    nodes = [
        helper.make_node("Conv", ["image", "w", "b"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2], name="stem"),
        helper.make_node("Relu", ["c"], ["r"], name="bend"),
        helper.make_node("Conv", ["r", "d"], ["e"], group=8, name="depthwise"),
        helper.make_node("GlobalAveragePool", ["e"], ["g"], name="pool"),
        helper.make_node("Flatten", ["g"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "h", "k"], ["y"], transB=1, name="head"),
    ]
    weights = [weight("w", 8, 3, 3, 3), weight("b", 8), weight("d", 8, 1, 3, 3), weight("h", 5, 8), weight("k", 5)]
    return nodes, [value("image", ["batch", 3, 16, 16])], [value("y", ["batch", 5])], weights


def loop():
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "m"], ["next"], name="step"),
            helper.make_node("Identity", ["on"], ["goes_on"], name="test"),
        ],
        "body",
        [value("turn", [], TensorProto.INT64), value("on", [], TensorProto.BOOL), value("state", [1, 6])],
        [value("goes_on", [], TensorProto.BOOL), value("next", [1, 6])],
    )
    nodes = [helper.make_node("Loop", ["limit", "", "x"], ["y"], body=body, name="turns")]
    limit = numpy_helper.from_array(np.array(5, np.int64), "limit")
    return nodes, [value("x", [1, 6])], [value("y", [1, 6])], [weight("m", 6, 6), limit]


for make in (cnn, loop):
    nodes, inputs, outputs, weights = make()
    graph = helper.make_graph(nodes, make.__name__, inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = f"{sys.argv[1]}/{make.__name__}"
    onnx.save(model, path + ".onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.optimized_model_filepath = path + ".ort"
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(path + ".onnx", options)
