"""Makes the files in `../tflite` with TensorFlow's own converter, and `expected.json` with what Keras says of each network.

    python -m venv venv && venv/bin/pip install tensorflow-cpu==2.21.0 && venv/bin/python tflite.py

MACs are counted here from Keras' layers: kernel size x output positions (for a transposed convolution: input positions).
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent.parent / "tflite"
HERE.mkdir(exist_ok=True)
layers = tf.keras.layers
expected = {}
tf.keras.utils.set_random_seed(1)


def macs(model, batch=1):
    total = 0
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "DepthwiseConv2D", "Dense", "Conv3D", "Conv2DTranspose"):
            shape = layer.input.shape if kind == "Conv2DTranspose" else layer.output.shape
            total += int(np.prod(shape[1:-1], dtype=int)) * int(np.prod(layer.kernel.shape))
        if kind in ("LSTM", "GRU"):
            steps = layer.input.shape[1]
            total += steps * sum(int(np.prod(w.shape)) for w in layer.cell.weights if "bias" not in w.name)
    return total * batch


def elements(content):
    """Elements of the constant tensors of all subgraphs, by type, as TensorFlow's own reader of the schema sees them."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(content, 0)
    names = {v: k for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
    found = {}
    for g in range(model.SubgraphsLength()):
        graph = model.Subgraphs(g)
        for t in range(graph.TensorsLength()):
            tensor = graph.Tensors(t)
            buffer = model.Buffers(tensor.Buffer())
            if buffer.DataLength() == 0 and buffer.Offset() <= 1:
                continue
            count = int(np.prod([tensor.Shape(i) for i in range(tensor.ShapeLength())], dtype=int))
            name = names[tensor.Type()]
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def save(name, content, **facts):
    (HERE / f"{name}.tflite").write_bytes(content)
    expected[name] = {"elements": elements(content), **facts}


def convert(name, model, mode="float", **facts):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if mode == "behind":
        # As in models over 2 GB: contents follow the FlatBuffer.
        converter._experimental_use_buffer_offset = True
        mode = "float"
    if mode != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if mode == "f16":
        converter.target_spec.supported_types = [tf.float16]
    if mode == "int8":
        size = model.input.shape[1:]
        converter.representative_dataset = lambda: ([np.random.rand(1, *size).astype(np.float32)] for _ in range(4))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    save(name, converter.convert(), macs=macs(model), **facts)


def small_cnn():
    image = layers.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="stem")(image)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(6.0)(x)
    y = layers.Conv2D(16, 1, use_bias=True, bias_initializer="random_normal", name="point")(x)
    x = layers.MaxPooling2D(2)(y)
    x = layers.Conv2D(16, 3, dilation_rate=2, padding="valid", bias_initializer="random_normal", name="dilated")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", bias_initializer="random_normal", name="up")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(10, activation="softmax", bias_initializer="random_normal", name="head")(x)
    return tf.keras.Model(image, x)


def converted_function(name, function, *signature, **facts):
    concrete = tf.function(function).get_concrete_function(*signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    save(name, converter.convert(), **facts)


if __name__ == "__main__":
    cnn = small_cnn()
    for mode in ("float", "f16", "dynamic", "int8", "behind"):
        convert(f"cnn_{mode}", cnn, mode)

    series = layers.Input((10, 8), batch_size=1, name="series")
    convert("lstm", tf.keras.Model(series, layers.LSTM(12, name="lstm", bias_initializer="random_normal")(series)))

    volume = layers.Input((6, 6, 6, 2), name="volume")
    convert("conv3d", tf.keras.Model(volume, layers.Conv3D(3, 3, padding="same", name="conv")(volume)))

    weight = tf.constant(np.random.rand(16, 16).astype(np.float32))

    def looped(x):
        for _ in tf.range(5):
            x = tf.matmul(x, weight)
        return x

    converted_function("while", looped, tf.TensorSpec((1, 16), tf.float32), macs=5 * 16 * 16)

    wide = tf.constant(np.random.rand(16, 64).astype(np.float32))

    def branched(x):
        return tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(tf.matmul(x, wide), wide, transpose_b=True), lambda: x + 1.0)

    converted_function("if", branched, tf.TensorSpec((1, 16), tf.float32), macs=2 * 16 * 64)

    def attention(q, k, v):
        scores = tf.matmul(q, k, transpose_b=True)
        return tf.matmul(tf.nn.softmax(scores), v)

    spec = tf.TensorSpec((None, 4, 10, 8), tf.float32)
    converted_function("attention", attention, spec, spec, spec, macs=2 * 4 * 10 * 10 * 8)

    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
