"""Small OpenVINO models, made with the real library.

    pip install openvino==2026.4.1
    python openvino_models.py ../openvino

Weights are random but from a fixed seed, so that no two constants have the same bytes and are stored once.
"""

import sys

import numpy as np
import openvino as ov
from openvino import opset13 as op

RNG = np.random.default_rng(7)


def weights(*shape, dtype=np.float32):
    return op.constant(RNG.uniform(-1, 1, shape).astype(dtype))


def cnn():
    image = op.parameter([-1, 3, 16, 16], np.float32, name="image")
    image.output(0).set_names({"image"})
    stem = op.convolution(image, weights(8, 3, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    stem = op.relu(op.add(stem, weights(1, 8, 1, 1)))
    depthwise = op.group_convolution(stem, weights(8, 1, 1, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1])
    up = op.convolution_backprop_data(depthwise, weights(8, 4, 2, 2), [2, 2])
    pooled = op.max_pool(up, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], "floor")
    flat = op.reshape(pooled.output(0), op.constant([0, -1], dtype=np.int64), special_zero=True)
    head = op.matmul(flat, weights(10, 256), False, True)
    head.set_friendly_name("__module.classifier.0/aten::linear/MatMul")
    return ov.Model([op.softmax(head, 1)], [image], "cnn")


def packed():
    """Weights of 4 bits in groups of 16, with zero points and scales; a table of 8 bits that is looked up."""
    tokens = op.parameter([-1, -1], np.int64, name="input_ids")
    tokens.output(0).set_names({"input_ids"})
    table = op.constant(RNG.integers(-127, 127, (100, 64)).astype(np.int8))
    table = op.multiply(op.convert(table, "f16"), weights(100, 1, dtype=np.float16))
    rows = op.gather(op.convert(table, "f32"), tokens, op.constant(0))

    def four_bits(*shape):
        data = RNG.integers(0, 255, int(np.prod(shape)) // 2).astype(np.uint8)
        return op.constant(ov.Tensor(data, list(shape), ov.Type.u4))

    stored = op.convert(four_bits(32, 4, 16), "f16")
    shifted = op.subtract(stored, op.convert(four_bits(32, 4, 1), "f16"))
    scaled = op.multiply(shifted, weights(32, 4, 1, dtype=np.float16))
    dense = op.convert(op.reshape(scaled, op.constant([32, 64], dtype=np.int64), False), "f32")
    return ov.Model([op.matmul(rows, dense, False, True)], [tokens], "packed")


def loops():
    series = op.parameter([2, 7, 5], np.float32, name="series")
    series.output(0).set_names({"series"})
    zeros = op.constant(np.zeros((2, 1, 6), np.float32))
    lengths = op.constant(np.array([7, 7], np.int32))
    lstm = op.lstm_sequence(
        series, zeros, zeros, lengths, weights(1, 24, 5), weights(1, 24, 6), weights(1, 24), 6, "FORWARD"
    )
    # The same cell as a loop over slices of one token.
    part = op.parameter([2, 1, 5], np.float32)
    hidden, cell = op.parameter([2, 6], np.float32), op.parameter([2, 6], np.float32)
    step = op.lstm_cell(op.squeeze(part, op.constant([1])), hidden, cell, weights(24, 5), weights(24, 6), weights(24), 6)
    taken = op.result(op.unsqueeze(step.output(0), op.constant([1])))
    body = ov.Model([op.result(step.output(0)), op.result(step.output(1)), taken], [part, hidden, cell], "body")
    results = body.get_results()
    turns = op.tensor_iterator()
    turns.set_function(body)
    start = op.constant(np.ones((2, 6), np.float32))
    turns.set_sliced_input(part, series.output(0), 0, 1, 1, -1, 1)
    turns.set_merged_input(hidden, start.output(0), results[0].output(0))
    turns.set_merged_input(cell, start.output(0), results[1].output(0))
    joined = turns.get_concatenated_slices(results[2].output(0), 0, 1, 1, -1, 1)
    # Queries, keys and values of one head each.
    states = op.reshape(lstm.output(0), op.constant([2, 7, 6], dtype=np.int64), False)
    seen = op.scaled_dot_product_attention(states, joined, joined, causal=True)
    mixed = op.einsum([seen, weights(6, 3)], "bth,hc->btc")
    # One of two branches.
    which = op.parameter([], bool, name="which")
    which.output(0).set_names({"which"})
    left, right = op.parameter([2, 7, 3], np.float32), op.parameter([2, 7, 3], np.float32)
    narrow = ov.Model([op.result(op.matmul(left, weights(3, 3), False, False))], [left], "narrow")
    wide = ov.Model(
        [op.result(op.matmul(op.matmul(right, weights(3, 8), False, False), weights(8, 3), False, False))], [right], "wide"
    )
    choice = op.if_op(which.output(0))
    choice.set_then_body(narrow)
    choice.set_else_body(wide)
    choice.set_input(mixed.output(0), left, right)
    chosen = choice.set_output(narrow.get_results()[0], wide.get_results()[0])
    return ov.Model([chosen], [series, which], "loops")


for make in (cnn, packed, loops):
    ov.save_model(make(), f"{sys.argv[1]}/{make.__name__}.xml", compress_to_fp16=False)
