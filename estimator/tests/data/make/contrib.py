"""One small graph for each operator of ONNX Runtime's com.microsoft domain that exports contain."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

TOOL = f"written by hand, shapes from onnxruntime {onnxruntime.__version__}"
# Left open where the count depends on a value that a graph does not hold.
UNDEFINED = "undefined"
RNG = np.random.default_rng(0)


def f32(*shape):
    return (RNG.standard_normal(shape) * 0.5).astype(np.float32)


def integers(low, high, shape, dtype):
    return RNG.integers(low, high, shape).astype(dtype)


def model_of(op, feeds, weights, order, outputs, attributes, *, domain="com.microsoft", symbolic=None, opset=17, extra_nodes=()):
    """A graph of one node. `order` names the node's inputs; '' leaves one out."""
    symbolic = symbolic or {}
    inputs = []
    for name, value in feeds.items():
        dims = [symbolic.get(name, {}).get(axis, size) for axis, size in enumerate(value.shape)]
        inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), dims))
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    node = helper.make_node(op, order, outputs, name=f"{op}_0", domain=domain, **attributes)
    graph = helper.make_graph([node, *extra_nodes], op, inputs, [onnx.ValueInfoProto(name=o) for o in outputs if o], initializers)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def make(recorder) -> None:
    def add(label, op, feeds, weights, order, outputs, attributes, about, *, macs=None, **options):
        def one():
            model = model_of(op, feeds, weights, order, outputs, attributes, **options)
            recorder.add(f"ms_{label}", model, [feeds], about=about, exporter=TOOL, macs=[None] if macs == UNDEFINED else [macs] if macs is not None else None, macs_how="formula over the shapes of a run" if macs is None else "written out beside the case")

        recorder.attempt(label, one)

    b, s, t, heads, size = 2, 5, 7, 4, 8
    width = heads * size
    batch_seq = {0: "batch", 1: "sequence"}
    x = f32(b, s, width)

    add("attention", "Attention", {"x": x}, {"w": f32(width, 3 * width), "bias": f32(3 * width)}, ["x", "w", "bias"], ["y"], {"num_heads": heads}, "Projection to queries, keys and values, then attention.", symbolic={"x": batch_seq})
    add("attention_past", "Attention", {"x": f32(b, 1, width), "past": f32(2, b, heads, t, size)}, {"w": f32(width, 3 * width), "bias": f32(3 * width)}, ["x", "w", "bias", "", "past"], ["y", "present"], {"num_heads": heads, "unidirectional": 1}, "The same with a cache.", symbolic={"past": {3: "past"}})
    add("attention_split_sizes", "Attention", {"x": x}, {"w": f32(width, 16 + 16 + 24), "bias": f32(56)}, ["x", "w", "bias"], ["y"], {"num_heads": heads, "qkv_hidden_sizes": [16, 16, 24]}, "Queries and keys narrower than values.")
    add("multi_head_attention", "MultiHeadAttention", {"q": x, "k": f32(b, t, width), "v": f32(b, t, width)}, {}, ["q", "k", "v"], ["y"], {"num_heads": heads}, "Cross attention, projections outside.", symbolic={"q": batch_seq, "k": {0: "batch", 1: "keys"}, "v": {0: "batch", 1: "keys"}})
    add("multi_head_attention_past", "MultiHeadAttention", {"q": f32(b, 1, width), "k": f32(b, 1, width), "v": f32(b, 1, width), "pk": f32(b, heads, t, size), "pv": f32(b, heads, t, size)}, {}, ["q", "k", "v", "", "", "", "pk", "pv"], ["y", "present_k", "present_v"], {"num_heads": heads}, "Self attention with a cache.", symbolic={"pk": {2: "past"}, "pv": {2: "past"}})
    kv = 2
    gqa_feeds = {"q": f32(b, s, width), "k": f32(b, s, kv * size), "v": f32(b, s, kv * size), "pk": f32(b, kv, 0, size), "pv": f32(b, kv, 0, size), "lengths": np.full((b,), s - 1, np.int32), "total": np.array(s, np.int32)}
    order = ["q", "k", "v", "pk", "pv", "lengths", "total"]
    add("group_query_attention", "GroupQueryAttention", gqa_feeds, {}, order, ["y", "present_k", "present_v"], {"num_heads": heads, "kv_num_heads": kv}, "Four query heads share two key heads; a whole prompt.", symbolic={"q": batch_seq, "k": batch_seq, "v": batch_seq})
    wide = 16
    step = {"q": f32(b, 1, heads * wide), "k": f32(b, 1, kv * wide), "v": f32(b, 1, kv * wide), "pk": f32(b, kv, t, wide), "pv": f32(b, kv, t, wide), "lengths": np.full((b,), t, np.int32), "total": np.array(t + 1, np.int32)}
    add("group_query_attention_step", "GroupQueryAttention", step, {"cos": f32(32, wide // 2), "sin": f32(32, wide // 2)}, order + ["cos", "sin"], ["y", "present_k", "present_v"], {"num_heads": heads, "kv_num_heads": kv, "do_rotary": 1}, "One decoding step with rotary positions inside.", symbolic={"pk": {2: "past"}, "pv": {2: "past"}})
    packed = {"qkv": f32(b, s, width + 2 * kv * size), "pk": f32(b, kv, 0, size), "pv": f32(b, kv, 0, size), "lengths": np.full((b,), s - 1, np.int32), "total": np.array(s, np.int32)}
    add("group_query_attention_packed", "GroupQueryAttention", packed, {}, ["qkv", "", "", "pk", "pv", "lengths", "total"], ["y", "present_k", "present_v"], {"num_heads": heads, "kv_num_heads": kv}, "Queries, keys and values in one tensor.")
    add("rotary_embedding", "RotaryEmbedding", {"x": f32(b, heads, s, size), "position": np.arange(s, dtype=np.int64)[None].repeat(b, 0)}, {"cos": f32(16, size // 2), "sin": f32(16, size // 2)}, ["x", "position", "cos", "sin"], ["y"], {}, "Rotary positions.", symbolic={"x": {0: "batch", 2: "sequence"}})

    norm = {"gamma": f32(width), "beta": f32(width)}
    add("skip_layer_normalization", "SkipLayerNormalization", {"x": x, "skip": f32(b, s, width)}, {**norm, "bias": f32(width)}, ["x", "skip", "gamma", "beta", "bias"], ["y", "", "", "sum"], {"epsilon": 1e-5}, "Residual sum and layer normalisation, with the sum as fourth output.", symbolic={"x": batch_seq, "skip": batch_seq})
    add("skip_simplified_layer_normalization", "SkipSimplifiedLayerNormalization", {"x": x, "skip": f32(b, s, width)}, {"gamma": f32(width)}, ["x", "skip", "gamma"], ["y", "", "", "sum"], {"epsilon": 1e-5}, "The same without mean and shift.")
    add("simplified_layer_normalization", "SimplifiedLayerNormalization", {"x": x}, {"gamma": f32(width)}, ["x", "gamma"], ["y"], {"axis": -1}, "RMS normalisation, which ONNX Runtime keeps in the standard domain.", domain="", symbolic={"x": batch_seq})
    ids = {"ids": integers(0, 20, (b, s), np.int32), "segments": np.zeros((b, s), np.int32), "mask": np.ones((b, s), np.int32)}
    tables = {"words": f32(20, width), "positions": f32(16, width), "types": f32(2, width), **norm}
    add("embed_layer_normalization", "EmbedLayerNormalization", ids, tables, ["ids", "segments", "words", "positions", "types", "gamma", "beta", "mask"], ["y", "mask_index"], {"epsilon": 1e-5}, "BERT's three embeddings and their normalisation.", symbolic={n: batch_seq for n in ids})
    add("bias_gelu", "BiasGelu", {"x": x}, {"bias": f32(width)}, ["x", "bias"], ["y"], {}, "Bias and GELU.")
    for op, about in (("Gelu", "GELU."), ("FastGelu", "GELU by tanh."), ("QuickGelu", "GELU by sigmoid.")):
        add(op.lower(), op, {"x": x}, {}, ["x"], ["y"], {}, about, symbolic={"x": batch_seq})
    add("inverse", "Inverse", {"x": f32(2, 3, 3)}, {}, ["x"], ["y"], {}, "Matrix inverse.")

    add("fused_matmul", "FusedMatMul", {"a": f32(b, heads, s, size), "c": f32(b, heads, t, size)}, {}, ["a", "c"], ["y"], {"alpha": 0.35, "transB": 1}, "Product with a transposed right side and a factor.", symbolic={"a": {0: "batch", 2: "q"}, "c": {0: "batch", 2: "k"}})
    add("fused_matmul_left", "FusedMatMul", {"a": f32(b, 9, s)}, {"w": f32(9, 6)}, ["a", "w"], ["y"], {"transA": 1}, "Product with a transposed left side.")
    add("fused_gemm", "FusedGemm", {"a": f32(4, 6)}, {"w": f32(8, 6), "c": f32(8)}, ["a", "w", "c"], ["y"], {"transB": 1, "activation": "Relu"}, "Gemm and its activation.", macs=4 * 8 * 6)
    add("fused_conv", "FusedConv", {"x": f32(1, 3, 10, 10)}, {"w": f32(8, 3, 3, 3), "c": f32(8)}, ["x", "w", "c"], ["y"], {"activation": "Relu", "pads": [1, 1, 1, 1], "strides": [2, 2]}, "Convolution and its activation.", macs=8 * 5 * 5 * 27, symbolic={"x": {0: "batch"}})

    k, n, block = 64, 24, 32
    blob = integers(0, 255, (n, k // block, block // 2), np.uint8)
    add("matmul_nbits", "MatMulNBits", {"a": f32(b, s, k)}, {"w": blob, "scales": f32(n * k // block)}, ["a", "w", "scales"], ["y"], {"K": k, "N": n, "bits": 4, "block_size": block}, "Weights of four bits in blocks of 32: 1,536 weights in 768 bytes.", symbolic={"a": batch_seq})
    eight = integers(0, 255, (n, k // block, block), np.uint8)
    add("matmul_8bits", "MatMulNBits", {"a": f32(s, k)}, {"w": eight, "scales": f32(n * k // block)}, ["a", "w", "scales"], ["y"], {"K": k, "N": n, "bits": 8, "block_size": block, "accuracy_level": 4}, "The same operator with eight bits.")
    add("gather_block_quantized", "GatherBlockQuantized", {"i": integers(0, 10, (b, s), np.int64)}, {"w": integers(0, 255, (10, 32), np.uint8), "scales": f32(10, 2)}, ["w", "i", "scales"], ["y"], {"bits": 4, "block_size": 32, "gather_axis": 0, "quantize_axis": 1}, "Rows of a four-bit table: 10 x 64 weights in 320 bytes.")

    u8, i8 = (lambda *d: integers(0, 255, d, np.uint8)), (lambda *d: integers(-127, 127, d, np.int8))
    scale, zero_u, zero_i = np.float32(0.02), np.uint8(128), np.int8(0)
    qp = {"xs": np.array(scale), "xz": np.array(zero_u), "ws": np.array(scale), "wz": np.array(zero_i), "ys": np.array(scale), "yz": np.array(zero_u)}
    add("qgemm", "QGemm", {"a": u8(4, 6)}, {**qp, "w": i8(8, 6), "c": integers(-50, 50, (8,), np.int32)}, ["a", "xs", "xz", "w", "ws", "wz", "c", "ys", "yz"], ["y"], {"transB": 1}, "Integer Gemm.", macs=4 * 8 * 6)
    add("qattention", "QAttention", {"x": u8(b, s, width)}, {"w": i8(width, 3 * width), "bias": f32(3 * width), **{k: qp[k] for k in ("xs", "ws", "xz", "wz")}}, ["x", "w", "bias", "xs", "ws", "", "xz", "wz"], ["y"], {"num_heads": heads}, "Attention with an integer projection.")
    add("qlinear_add", "QLinearAdd", {"a": u8(2, 3), "c": u8(2, 3)}, qp, ["a", "xs", "xz", "c", "xs", "xz", "ys", "yz"], ["y"], {}, "Integer sum.")
    add("qlinear_mul", "QLinearMul", {"a": u8(2, 3), "c": u8(1, 3)}, qp, ["a", "xs", "xz", "c", "xs", "xz", "ys", "yz"], ["y"], {}, "Integer product, broadcast.")
    add("qlinear_global_average_pool", "QLinearGlobalAveragePool", {"x": u8(1, 3, 5, 5)}, qp, ["x", "xs", "xz", "ys", "yz"], ["y"], {"channels_last": 0}, "Integer global pooling.")
    add("qlinear_average_pool", "QLinearAveragePool", {"x": u8(1, 3, 8, 8)}, qp, ["x", "xs", "xz", "ys", "yz"], ["y"], {"kernel_shape": [2, 2], "strides": [2, 2]}, "Integer pooling.")
    add("qlinear_sigmoid", "QLinearSigmoid", {"x": u8(2, 5)}, qp, ["x", "xs", "xz", "ys", "yz"], ["y"], {}, "Integer sigmoid.")
    add("qlinear_leaky_relu", "QLinearLeakyRelu", {"x": u8(2, 5)}, qp, ["x", "xs", "xz", "ys", "yz"], ["y"], {"alpha": 0.1}, "Integer leaky ReLU.")
    add("qlinear_softmax", "QLinearSoftmax", {"x": u8(2, 5)}, qp, ["x", "xs", "xz", "ys", "yz"], ["y"], {"opset": 13}, "Integer softmax.")
    add("qlinear_concat", "QLinearConcat", {"a": u8(2, 3), "c": u8(2, 4)}, qp, ["ys", "yz", "a", "xs", "xz", "c", "xs", "xz"], ["y"], {"axis": 1}, "Integer concatenation.")
    add("dynamic_quantize_matmul", "DynamicQuantizeMatMul", {"a": f32(b, s, 16)}, {"w": i8(16, 12), "ws": np.array(scale), "wz": np.array(zero_i)}, ["a", "w", "ws", "wz"], ["y"], {}, "Product of a float matrix and an integer weight.")
    add("matmul_integer_to_float", "MatMulIntegerToFloat", {"a": u8(b, s, 16)}, {"w": i8(16, 12), "as": np.array(scale), "ws": np.array(scale), "az": np.array(zero_u), "wz": np.array(zero_i)}, ["a", "w", "as", "ws", "az", "wz"], ["y"], {}, "Integer product scaled to float.")
    steps, hidden, features = 4, 6, 5
    add("dynamic_quantize_lstm", "DynamicQuantizeLSTM", {"x": f32(steps, b, features)}, {"w": i8(1, features, 4 * hidden), "r": i8(1, hidden, 4 * hidden), "bias": f32(1, 8 * hidden), "ws": f32(1), "wz": np.zeros(1, np.int8), "rs": f32(1), "rz": np.zeros(1, np.int8)}, ["x", "w", "r", "bias", "", "", "", "", "ws", "wz", "rs", "rz"], ["y", "h", "c"], {"hidden_size": hidden}, "LSTM with integer weights, stored transposed.", macs=steps * b * 4 * hidden * (features + hidden))
    add("moe", "MoE", {"x": f32(b * s, 16), "router": f32(b * s, 4)}, {"w1": f32(4, 32, 16), "b1": f32(4, 32), "w2": f32(4, 16, 32), "b2": f32(4, 16)}, ["x", "router", "w1", "b1", "w2", "b2"], ["y"], {"k": 2, "activation_type": "gelu"}, "Mixture of four experts, two for each token.", macs=b * s * 2 * (16 * 32 + 32 * 16))
    add("nhwc_max_pool", "NhwcMaxPool", {"x": u8(1, 8, 8, 3)}, {}, ["x"], ["y"], {"kernel_shape": [2, 2], "strides": [2, 2]}, "Pooling with channels last.")
    add("trilu", "Trilu", {"x": f32(2, 4, 4)}, {}, ["x"], ["y"], {"upper": 0}, "Lower triangle.")
    add("grid_sample", "GridSample", {"x": f32(1, 2, 6, 6), "grid": f32(1, 3, 4, 2)}, {}, ["x", "grid"], ["y"], {}, "Sampling at a grid.")
    add("decoder_masked_mha", "DecoderMaskedMultiHeadAttention", {"q": f32(b, 1, width), "k": f32(b, 1, width), "v": f32(b, 1, width), "pk": f32(b, heads, 16, size), "pv": f32(b, heads, 16, size), "length": np.array([t], np.int32)}, {}, ["q", "k", "v", "", "", "pk", "pv", "length"], ["y", "present_k", "present_v"], {"num_heads": heads, "past_present_share_buffer": 1}, "One decoding step into a shared buffer, of which a value says how much is used.", macs=UNDEFINED)
