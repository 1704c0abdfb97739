"""Writes tests/data/keras: small models by Keras 3 and by the Keras 2 that TensorFlow keeps as tf_keras, and their counts.

    python -m venv /tmp/tf && /tmp/tf/bin/pip install tensorflow-cpu==2.21.0 tf_keras==2.21.0 keras==3.15.1 h5py==3.14.0
    /tmp/tf/bin/python keras_files.py 3
    TF_USE_LEGACY_KERAS=1 /tmp/tf/bin/python keras_files.py 2

Parameters are what Keras counts. MACs are half the floating-point operations of convolutions and matrix products
that TensorFlow's profiler finds in the frozen graph, or a formula written out here where the profiler sees none.
"""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2_as_graph

GENERATION = sys.argv[1]
if GENERATION == "2":
    import tf_keras as keras
else:
    import keras
L = keras.layers
# With `all` behind the generation every file is kept, elsewhere.
OUT = Path("/tmp/keras_all") if "all" in sys.argv else Path(__file__).parent.parent / "keras"
# Files that bring something which no other has.
KEPT = {
    "attention_2.h5", "nested_2.h5", "nested_3.h5", "nested_3.keras", "nested_3.weights.h5", "newest.h5",
    "operations_2.h5", "operations_3.keras", "picture_3.keras", "recurrent_2.h5", "trained_2.h5", "video_2.h5",
}
PRODUCTS = {"Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2", "Conv3D", "Conv2DBackpropInput",
            "Conv3DBackpropInputV2", "Einsum"}


def profiled(model):
    """MACs of one pass with a batch of one."""
    specs = [tf.TensorSpec([1] + list(t.shape)[1:], t.dtype) for t in model.inputs]
    call = tf.function(lambda *given: model(list(given) if len(given) > 1 else given[0], training=False))
    _, graph_def = convert_variables_to_constants_v2_as_graph(call.get_concrete_function(*specs))
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
        options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
        options["output"] = "none"
        node = tf.compat.v1.profiler.profile(graph, cmd="op", options=options)
    total = 0
    while True:
        below = sum(child.total_float_ops for child in node.children)
        if node.name in PRODUCTS:
            total += node.total_float_ops - below
        if not node.children:
            break
        node = node.children[0]
    assert total % 2 == 0
    return total // 2


def picture():
    x = inputs = keras.Input((32, 32, 3), name="picture")
    x = L.Rescaling(1 / 255.0)(x)
    x = L.ZeroPadding2D(((0, 1), (1, 0)))(x)
    x = L.Conv2D(8, 3, strides=2, padding="valid", use_bias=False)(x)
    x = L.BatchNormalization()(x)
    x = skip = L.ReLU(6.0)(x)
    x = L.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = L.Conv2D(8, 1, activation="swish")(x)
    x = L.Add()([x, skip])
    x = L.SeparableConv2D(12, 5, padding="same", activation="relu")(x)
    x = L.Conv2D(16, 3, dilation_rate=2, groups=4, padding="same")(x)
    x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    x = L.LayerNormalization()(x)
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    x = L.UpSampling2D(2, interpolation="bilinear")(x)
    x = L.Cropping2D(2)(x)
    x = L.AveragePooling2D(2)(x)
    y = L.GlobalAveragePooling2D()(x)
    x = L.Dropout(0.5)(L.Flatten()(x))
    x = L.Concatenate()([x, y])
    model = keras.Model(inputs, L.Dense(10, activation="softmax", name="classes")(x), name="picture")
    # The convolution in four groups is compiled apart, where the profiler does not see it.
    return model, profiled(model) + 16 * 16 * 16 * 9 * (12 // 4)


def plain():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            L.Conv2D(4, (3, 5), activation="relu"),
            L.MaxPooling2D(),
            L.Permute((2, 1, 3)),
            L.Reshape((-1, 4)),
            L.Conv1D(6, 3, padding="causal", dilation_rate=2),
            L.GlobalMaxPooling1D(),
            L.Dense(3),
        ],
        name="plain",
    )


def nested():
    """A model in a model, called twice, with two inputs and two outputs."""
    a = keras.Input((16,), name="a")
    b = keras.Input((16,), name="b")
    inner_in = keras.Input((16,))
    inner = keras.Model(inner_in, L.Dense(8, activation="gelu" if GENERATION == "3" else "elu")(L.BatchNormalization(scale=False)(inner_in)), name="encoder")
    shared = L.Dense(4, name="shared")
    tail = keras.Sequential([keras.Input((4,)), L.Dense(2, name="inside")], name="tail")
    x, y = shared(inner(a)), shared(inner(b))
    return keras.Model([a, b], [tail(L.Multiply()([x, y])), L.Subtract()([x, y])], name="nested")


def recurrent():
    """2·4·u·(i + u) per step for both directions of the LSTM, 3·u·(i + u) for the GRU, u·(i + u) for the last."""
    x = inputs = keras.Input((12,), dtype="int32", name="words")
    x = L.Embedding(50, 8)(x)
    x = L.Bidirectional(L.LSTM(6, return_sequences=True))(x)
    x = L.TimeDistributed(L.Dense(5, activation="relu"))(x)
    x = L.GRU(7, return_sequences=True)(x)
    x = L.SimpleRNN(4)(x)
    model = keras.Model(inputs, L.Dense(2, activation="sigmoid")(x), name="recurrent")
    steps = 12
    macs = steps * (2 * 4 * 6 * (8 + 6) + 12 * 5 + 3 * 7 * (5 + 7) + 4 * (7 + 4)) + 4 * 2
    return model, macs


def video():
    """4·f·window·places·(channels + f) per step for the recurrent convolution."""
    x = inputs = keras.Input((3, 8, 8, 2), name="video")
    x = L.ConvLSTM2D(4, 3, padding="same", return_sequences=True)(x)
    x = L.Conv3D(5, (3, 3, 3), strides=(1, 2, 2), padding="same")(x)
    x = L.TimeDistributed(L.Conv2D(3, 3))(x)
    x = L.GlobalAveragePooling3D()(x)
    model = keras.Model(inputs, L.Dense(2)(x), name="video")
    macs = 3 * 4 * 4 * 9 * 64 * (2 + 4) + 3 * 4 * 4 * 5 * 27 * 4 + 3 * (2 * 2) * 3 * 9 * 5 + 3 * 2
    return model, macs


def attention():
    """Projections, scores and sums of attention with 2 heads of 4, then `Attention` and `Dot`."""
    x = inputs = keras.Input((10, 16), name="tokens")
    y = L.MultiHeadAttention(2, 4, value_dim=6)(x, x)
    x = L.LayerNormalization()(L.Add()([x, y]))
    z = L.Dense(16, activation="relu")(x)
    x = L.Attention()([x, z])
    x = L.Dot(axes=2)([x, z])
    model = keras.Model(inputs, x, name="attention")
    heads = 10 * 16 * 8 * 2 + 10 * 16 * 12 + 10 * 12 * 16 + 2 * 100 * (4 + 6)
    macs = heads + 10 * 16 * 16 + 2 * 100 * 16 + 100 * 16
    return model, macs


def operations():
    """Operations on tensors between layers."""
    x = inputs = keras.Input((8, 8, 4), name="picture")
    x = L.Conv2D(4, 3, padding="same")(x)
    if GENERATION == "3":
        x = keras.ops.relu(x) * 2.0 + 1.0
        x = keras.ops.reshape(x, (-1, 64, 4))
        x = keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))
        x = keras.ops.mean(x, axis=1)
    else:
        x = tf.nn.relu(x) * 2.0 + 1.0
        x = tf.reshape(x, (-1, 64, 4))
        x = tf.matmul(x, x, transpose_b=True)
        x = tf.reduce_mean(x, axis=1)
    return keras.Model(inputs, L.Dense(3)(x), name="operations")


def facts(model, macs=None):
    fixed = sum(int(np.prod(w.shape)) for w in model.non_trainable_weights)
    shapes = [list(t.shape)[1:] for t in model.outputs]
    return {"parameters": model.count_params() - fixed, "buffers": fixed, "macs": macs or profiled(model), "outputs": shapes}


def main():
    rows = {}
    kinds = {"picture": picture, "plain": plain, "nested": nested, "recurrent": recurrent, "video": video,
             "attention": attention, "operations": operations}
    endings = ["keras", "h5"] if GENERATION == "3" else ["h5"]
    for name, make in kinds.items():
        made = make()
        model, macs = made if isinstance(made, tuple) else (made, None)
        for ending in endings:
            file = f"{name}_{GENERATION}.{ending}"
            model.save(OUT / file)
            rows[file] = facts(model, macs)
        if name == "nested" and GENERATION == "3":
            file = f"{name}_{GENERATION}.weights.h5"
            model.save_weights(OUT / file)
            rows[file] = facts(model, macs) | {"macs": None, "outputs": None}
    model = plain()
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 28, 28, 1)), np.zeros((2, 3)), verbose=0)
    for ending in endings:
        file = f"trained_{GENERATION}.{ending}"
        model.save(OUT / file)
        variables = model.optimizer.variables
        variables = variables() if callable(variables) else variables
        rows[file] = facts(model) | {"optimizer_state": sum(int(np.prod(v.shape)) for v in variables)}
    if GENERATION == "3":
        # The newest structures of HDF5: headers of version 2, links and attributes in fractal heaps.
        with h5py.File(OUT / "newest.h5", "w", libver="latest") as file:
            for number in range(12):
                group = file.create_group(f"block{number}")
                group.create_dataset("weight", data=np.zeros((number + 1, 3), np.float16))
            for extra in range(12):
                group.attrs[f"note{extra}"] = "x" * extra
            file.create_dataset("packed", data=np.zeros((64, 64)), chunks=(16, 16), compression="gzip")
            # The same dataset by so many names that their tree has two levels.
            for number in range(200):
                file[f"another name of the first one {number}"] = file["block0/weight"]
        rows["newest.h5"] = {"parameters": 3 * sum(range(1, 13)) + 64 * 64, "buffers": 0, "macs": None, "outputs": None}
    for file in set(rows) - (KEPT if "all" not in sys.argv else set(rows)):
        (OUT / file).unlink()
        del rows[file]
    path = OUT / "expected.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known |= rows
    path.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(known.items())) + "\n}\n")


def make_shards():
    """Weights in two files and the list of them; its test says the sizes (Keras 3.15)."""
    of = tf.keras.layers
    net = tf.keras.Sequential([of.Input((8,)), of.Dense(40), of.Dense(20), of.BatchNormalization(), of.Dense(4)])
    net.save_weights(OUT / "shards.weights.json", max_shard_size=4e-6)


OUT.mkdir(exist_ok=True)
main()
if tf.keras.__version__.startswith("3"):
    make_shards()
