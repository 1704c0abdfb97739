"""Quantised and optimised graphs as ONNX Runtime's own tools write them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import graph_only as go
from gallery import Wrapped
from torch_exports import Encoder, Recurrent, SmallCnn
from transformer_exports import feeds, ids_and_mask

TOOL = f"onnxruntime {onnxruntime.__version__}"


class Feeder:
    """Calibration data for static quantisation."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def get_next(self):
        return next(self.batches, None)


def quantised_file(model: onnx.ModelProto, quantise) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
        onnx.save(model, source)
        quantise(str(source), str(target))
        return onnx.load(target)


def make(recorder) -> None:
    import transformers as t
    from onnxruntime import quantization as q

    torch.manual_seed(0)
    networks = {}

    def source(name, network, runs, inputs, dynamic, opset, dynamo=False):
        network = network.eval()
        go.randomise(network)
        macs = [go.torch_macs(network, args) for args in runs]
        with go.quiet():
            model = go.export(network, runs[-1], inputs=inputs, outputs=None, opset=opset, dynamo=dynamo, dynamic=dynamic)
        networks[name] = (model, [feeds(inputs, args) for args in runs], macs, go.torch_parameters(network))

    def add(label, name, quantise, about, *, macs=True, note=""):
        def one():
            model, runs, counted, parameters = networks[name]
            copy = onnx.ModelProto()
            copy.CopyFrom(model)  # some tools change what they are given
            with go.quiet():
                changed = quantise(copy)
            recorder.add(label, changed, runs, about=about, exporter=f"torch export, then {TOOL}", macs=counted if macs else None, macs_how="torch FlopCounterMode of the network before the tool" if macs else "formula over the shapes of a run", parameters=parameters, note=note)

        recorder.attempt(label, one)

    text = {"input_ids": {0: "batch", 1: "sequence"}, "attention_mask": {0: "batch", 1: "sequence"}}
    bert_config = dict(vocab_size=100, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128)
    runs = [ids_and_mask(1, 12), ids_and_mask(3, 20)]
    source("cnn", SmallCnn(), [(torch.randn(1, 3, 64, 64),), (torch.randn(3, 3, 64, 64),)], ["image"], {"image": {0: "batch"}}, 13)
    source("encoder", Encoder(), [(torch.randint(1, 99, (2, 16)),)], ["ids"], {"ids": {0: "batch"}}, 14)
    source("lstm", Recurrent(torch.nn.LSTM, True, 1), [(torch.randn(2, 9, 12),)], ["x"], {"x": {0: "batch", 1: "sequence"}}, 14)
    source("bert", Wrapped(t.BertModel(t.BertConfig(**bert_config, attn_implementation="eager"), add_pooling_layer=False), lambda net, i, m: net(input_ids=i, attention_mask=m)[0]), runs, ["input_ids", "attention_mask"], text, 14)
    gpt2 = t.GPT2LMHeadModel(t.GPT2Config(vocab_size=100, n_embd=64, n_layer=2, n_head=4, n_positions=64, attn_implementation="eager"))
    source("gpt2", Wrapped(gpt2, lambda net, i, m: net(input_ids=i, attention_mask=m, use_cache=False).logits), runs, ["input_ids", "attention_mask"], text, 18, dynamo=True)
    llama = t.LlamaForCausalLM(t.LlamaConfig(vocab_size=100, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64))
    source("llama", Wrapped(llama, lambda net, i, m: net(input_ids=i, attention_mask=m, use_cache=False).logits), runs, ["input_ids", "attention_mask"], text, 18, dynamo=True)
    vit = t.ViTModel(t.ViTConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=32, patch_size=8, attn_implementation="eager"), add_pooling_layer=False)
    source("vit", Wrapped(vit, lambda net, x: net(x)[0]), [(torch.randn(1, 3, 32, 32),), (torch.randn(3, 3, 32, 32),)], ["image"], {"image": {0: "batch"}}, 17)

    def static(format, **options):
        def quantise(model):
            name = model.graph.input[0].name
            shapes = {"image": (1, 3, 64, 64)}
            batches = [{name: np.random.default_rng(i).standard_normal(shapes[name]).astype(np.float32)} for i in range(2)]
            return quantised_file(model, lambda a, b: q.quantize_static(a, b, Feeder(batches), quant_format=format, **options))

        return quantise

    def dynamic(**options):
        return lambda model: quantised_file(model, lambda a, b: q.quantize_dynamic(a, b, **options))

    add("cnn_qdq_int8", "cnn", static(q.QuantFormat.QDQ, per_channel=True), "Static int8, QuantizeLinear and DequantizeLinear around each operator, per channel.")
    add("cnn_qdq_uint8_activations", "cnn", static(q.QuantFormat.QDQ, activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8), "The same per tensor, unsigned activations.")
    add("cnn_qoperator", "cnn", static(q.QuantFormat.QOperator, activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8, per_channel=True), "QLinearConv and its relatives.")
    add("cnn_dynamic", "cnn", dynamic(weight_type=q.QuantType.QUInt8), "ConvInteger with DynamicQuantizeLinear.")
    add("encoder_dynamic", "encoder", dynamic(weight_type=q.QuantType.QInt8), "MatMulInteger with DynamicQuantizeLinear.")
    add("lstm_dynamic", "lstm", dynamic(weight_type=q.QuantType.QInt8), "DynamicQuantizeLSTM.")
    add("bert_dynamic", "bert", dynamic(weight_type=q.QuantType.QInt8, per_channel=True), "BERT with dynamic int8.")

    def four_bits(**options):
        def quantise(model):
            from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

            quantizer = MatMulNBitsQuantizer(model, **options)
            quantizer.process()
            return quantizer.model.model

        return quantise

    from onnxruntime.quantization.quant_utils import QuantFormat

    add("llama_4bit", "llama", four_bits(block_size=32, is_symmetric=True), "MatMulNBits, 4 bits in blocks of 32, symmetric.")
    add("llama_4bit_zero_points", "llama", four_bits(block_size=16, is_symmetric=False), "MatMulNBits with zero points, blocks of 16.")
    add("llama_4bit_qdq", "llama", four_bits(block_size=32, is_symmetric=True, quant_format=QuantFormat.QDQ), "DequantizeLinear of int4 blocks before each MatMul (opset 21).")
    add("gpt2_4bit", "gpt2", four_bits(block_size=32, is_symmetric=True), "GPT-2 with MatMulNBits.")

    def float16(model):
        from onnxruntime.transformers.float16 import convert_float_to_float16

        return convert_float_to_float16(model, keep_io_types=True)

    add("cnn_float16", "cnn", float16, "Weights and arithmetic in float16, float32 at the borders.")
    add("encoder_float16", "encoder", float16, "The same for a transformer encoder.")

    def optimised(model_type, heads, hidden, opt_level=0, **flags):
        def optimise(model):
            from onnxruntime.transformers import optimizer
            from onnxruntime.transformers.fusion_options import FusionOptions

            options = FusionOptions(model_type)
            for flag, value in flags.items():
                setattr(options, flag, value)
            with tempfile.TemporaryDirectory() as folder:
                path = str(Path(folder) / "source.onnx")
                onnx.save(model, path)
                return optimizer.optimize_model(path, model_type=model_type, num_heads=heads, hidden_size=hidden, optimization_options=options, opt_level=opt_level).model

        return optimise

    add("bert_fused", "bert", optimised("bert", 4, 64), "com.microsoft's fused BERT: EmbedLayerNormalization, Attention, SkipLayerNormalization, BiasGelu.")
    add("bert_fused_mha", "bert", optimised("bert", 4, 64, use_multi_head_attention=True), "The same with MultiHeadAttention.")
    add("gpt2_fused", "gpt2", optimised("gpt2", 4, 64), "Fused GPT-2.")
    add("vit_fused", "vit", optimised("vit", 4, 64), "Fused ViT.")

    def ort_level(level):
        def optimise(model):
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = level
            options.log_severity_level = 3
            with tempfile.TemporaryDirectory() as folder:
                source_path, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
                onnx.save(model, source_path)
                options.optimized_model_filepath = str(target)
                onnxruntime.InferenceSession(str(source_path), options, providers=["CPUExecutionProvider"])
                return onnx.load(target)

        return optimise

    extended = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    everything = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    add("cnn_ort_extended", "cnn", ort_level(extended), "Saved by ONNX Runtime after its extended optimisations: FusedConv.")
    add("cnn_ort_all", "cnn", ort_level(everything), "Saved after layout optimisations: blocked weights of com.microsoft.nchwc.", macs=False, note="The 8 channels of one convolution are padded to 16: 256 MACs more for each image than the network has.")
    add("bert_ort_extended", "bert", ort_level(extended), "Saved by ONNX Runtime: FusedMatMul, SkipLayerNormalization, BiasGelu.")
    add("encoder_ort_extended", "encoder", ort_level(extended), "Saved by ONNX Runtime.")
    add("gpt2_ort_extended", "gpt2", ort_level(extended), "Saved by ONNX Runtime.")
    add("cnn_qdq_ort_extended", "cnn", lambda m: ort_level(extended)(static(q.QuantFormat.QDQ, per_channel=True)(m)), "A QDQ graph that ONNX Runtime turned into integer operators.")
