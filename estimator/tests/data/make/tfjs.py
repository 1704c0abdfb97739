"""Makes the files in `../tfjs`: the frozen graph of `tf_graphs.py` as TensorFlow.js keeps it.

    venv/bin/python tfjs.py

The graph becomes JSON by protobuf's own mapping, as TensorFlow.js' converter writes it, and the contents of constants move
into two files of bytes that a manifest describes. The depthwise convolution gets the name that this
converter gives it.
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict

import tf_graphs

HERE = pathlib.Path(__file__).resolve().parent.parent / "tfjs"
HERE.mkdir(exist_ok=True)

model = tf_graphs.network()
graph = tf_graphs.graph(lambda x: model(x, training=False), tf.TensorSpec((None, 32, 32, 3)))
weights, content = [], b""
for node in graph.node:
    if node.op == "Const":
        array = tf.make_ndarray(node.attr["value"].tensor)
        array = array.astype(np.int32 if array.dtype.kind == "i" else np.float32)
        weights.append({"name": node.name, "shape": list(array.shape), "dtype": array.dtype.name})
        content += array.tobytes()
        del node.attr["value"]
    if node.op == "DepthwiseConv2dNative":
        node.op = "FusedDepthwiseConv2dNative"

document = {
    "format": "graph-model",
    "generatedBy": tf.__version__,
    "convertedBy": "tests/data/make/tfjs.py",
    "modelTopology": MessageToDict(graph),
    "weightsManifest": [{"paths": ["group1-shard1of2.bin", "group1-shard2of2.bin"], "weights": weights}],
}
(HERE / "model.json").write_text(json.dumps(document))
cut = len(content) // 3
(HERE / "group1-shard1of2.bin").write_bytes(content[:cut])
(HERE / "group1-shard2of2.bin").write_bytes(content[cut:])
(HERE / "expected.json").write_text(json.dumps(tf_graphs.facts(model)) + "\n")
