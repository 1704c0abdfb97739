"""Makes the files in `../tensorflow` with TensorFlow, and `expected.json` with what Keras says of each network.

    python -m venv venv && venv/bin/pip install tensorflow-cpu==2.21.0 && venv/bin/python tf_graphs.py

The folder's data files of variables are left out: nothing reads them.
"""

import json
import os
import pathlib
import shutil

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as v1
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

HERE = pathlib.Path(__file__).resolve().parent.parent / "tensorflow"
HERE.mkdir(exist_ok=True)
layers = tf.keras.layers
expected = {}
tf.keras.utils.set_random_seed(1)


def network():
    image = layers.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="valid", name="depthwise")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="up")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(10, activation="softmax", name="head")(x)
    return tf.keras.Model(image, x)


def macs(model):
    total = 0
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "DepthwiseConv2D", "Dense", "Conv2DTranspose"):
            shape = layer.input.shape if kind == "Conv2DTranspose" else layer.output.shape
            total += int(np.prod(shape[1:-1], dtype=int)) * int(np.prod(layer.kernel.shape))
    return total


def facts(model):
    trained = int(sum(np.prod(w.shape) for w in model.trainable_weights))
    return {"parameters": trained, "buffers": int(model.count_params()) - trained, "macs": macs(model)}


def graph(function, *signature):
    concrete = tf.function(function).get_concrete_function(*signature)
    return convert_variables_to_constants_v2(concrete, lower_control_flow=False).graph.as_graph_def()


def make_training(expected):
    """A graph as a training program of TensorFlow 1 keeps it beside a checkpoint: forward, gradients, updates and saving."""
    with v1.Graph().as_default():
        x, y = v1.placeholder(tf.float32, (None, 8, 8, 3), "x"), v1.placeholder(tf.int32, (None,), "y")
        w, b = v1.get_variable("w", (3, 3, 3, 4)), v1.get_variable("b", (4,))
        h = tf.reshape(tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, w, 1, "SAME"), b)), (-1, 256))
        logits = tf.matmul(h, v1.get_variable("w2", (256, 10), use_resource=True), name="logits")
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        v1.summary.scalar("loss", loss)
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        v1.train.Saver().export_meta_graph(str(HERE / "training.ckpt.meta"))
    expected["training.ckpt.meta"] = {"parameters": 108 + 4 + 2560, "buffers": 0, "macs": 64 * 4 * 27 + 2560}


if __name__ == "__main__":
    model = network()
    saved = HERE / "saved"
    shutil.rmtree(saved, ignore_errors=True)
    model.export(str(saved))
    for path in saved.rglob("*"):
        if path.is_file() and path.name not in ("saved_model.pb", "variables.index"):
            path.unlink()
    expected["saved/saved_model.pb"] = facts(model)

    frozen = graph(lambda x: model(x, training=False), tf.TensorSpec((None, 32, 32, 3)))
    (HERE / "frozen.pb").write_bytes(frozen.SerializeToString())
    expected["frozen.pb"] = facts(model)

    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(HERE / "checkpoint"))
    (HERE / "checkpoint.data-00000-of-00001").unlink()
    state = {k: v for k, v in facts(model).items() if k != "macs"}
    # Adam keeps two moments of every weight, a learning rate and a counter of steps.
    expected["checkpoint.index"] = {**state, "optimizer_state": 2 * state["parameters"] + 2}

    weight = tf.constant(np.random.rand(16, 16).astype(np.float32))

    def looped(x):
        for _ in tf.range(5):
            x = tf.matmul(x, weight)
        return x

    (HERE / "while.pb").write_bytes(graph(looped, tf.TensorSpec((None, 16))).SerializeToString())
    expected["while.pb"] = {"parameters": 256, "buffers": 0, "macs": 5 * 256}

    wide = tf.constant(np.random.rand(16, 64).astype(np.float32))

    def branched(x):
        return tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(tf.matmul(x, wide), wide, transpose_b=True), lambda: x + 1.0)

    (HERE / "if.pb").write_bytes(graph(branched, tf.TensorSpec((1, 16))).SerializeToString())
    expected["if.pb"] = {"parameters": 1024, "buffers": 0, "macs": 2 * 1024}

    series = layers.Input((10, 8), name="series")
    lstm = tf.keras.Model(series, layers.LSTM(12, name="lstm")(series))
    folder = HERE / "lstm"
    shutil.rmtree(folder, ignore_errors=True)
    lstm.export(str(folder))
    (folder / "saved_model.pb").rename(HERE / "lstm.pb")
    shutil.rmtree(folder)
    steps = 10 * (8 + 12) * 4 * 12
    expected["lstm.pb"] = {"parameters": int(lstm.count_params()), "buffers": 0, "macs": steps}

    with v1.Graph().as_default() as old:
        x = v1.placeholder(tf.float32, (None, 3, 20, 20), "x")
        w = tf.constant(np.random.rand(5, 5, 3, 4).astype(np.float32))
        y = tf.nn.conv2d(x, w, strides=[1, 1, 2, 2], padding=[[0, 0], [0, 0], [2, 1], [2, 2]], data_format="NCHW")
        y = tf.nn.relu(tf.nn.bias_add(y, tf.constant([1.0, 2.0, 3.0, 4.0]), data_format="NC.."))
        y = tf.reshape(y, tf.stack([tf.shape(y)[0], -1]))
        tf.matmul(y, tf.constant(np.random.rand(4 * 10 * 10, 7).astype(np.float32)), name="out")
        (HERE / "first.pb").write_bytes(old.as_graph_def().SerializeToString())
    expected["first.pb"] = {"parameters": 300 + 4 + 2800, "buffers": 0, "macs": 300 * 100 + 2800}

    make_training(expected)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
