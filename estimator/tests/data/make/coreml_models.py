"""Small Core ML models, made with the real library from small networks.

    pip install coremltools==9.0 torch==2.12.1 numpy==2.0.2 scikit-learn
    python coreml_models.py ../coreml

`expected.json` holds what torch counts: parameters, and multiply-accumulates by its `FlopCounterMode`, with those of recurrent
layers and of attention, which that counter leaves out, added by their formulas.
"""

import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
import torch
from coremltools.models.neural_network import quantization_utils
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

OUT = Path(sys.argv[1])
torch.manual_seed(7)


class Picture(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.up, self.bend, self.head = nn.ConvTranspose2d(8, 4, 2, 2), nn.PReLU(4), nn.Conv2d(4, 2, 1)
        self.dense = nn.Linear(2, 5)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = self.bend(self.up(self.depthwise(x) + x))
        x = nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        x = nn.functional.max_pool2d(self.head(x), 2)
        return torch.softmax(self.dense(x.mean((2, 3))), 1)


class Series(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 12, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(24, 8, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.gru(self.lstm(x)[0])[0])

    # The LSTM alone: gates · hidden · (input + hidden) in both directions for each of 2 · 7 steps.
    uncounted = 14 * 2 * 4 * 12 * (10 + 12)


class Texts(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.query, self.pair = nn.Embedding(100, 32), nn.Linear(32, 32), nn.Linear(32, 64)
        self.out = nn.Linear(32, 100, bias=False)

    def forward(self, tokens):
        x = self.table(tokens)
        heads = lambda y: y.reshape(y.shape[0], -1, 4, 8).transpose(1, 2)
        key, value = self.pair(x).chunk(2, -1)
        seen = nn.functional.scaled_dot_product_attention(heads(self.query(x)), heads(key), heads(value))
        return self.out(seen.transpose(1, 2).flatten(2))

    # Two products of 2 · 4 heads, 9 × 9 tokens, 8 wide.
    uncounted = 2 * 2 * 4 * 9 * 9 * 8


expected = {}


def count(name, network, *inputs):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    macs = counter.get_total_flops() // 2
    expected[name] = {
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs": macs + getattr(network, "uncounted", 0),
    }


def convert(network, example, kind, **options):
    dtype = np.int32 if example.dtype == torch.int64 else np.float32
    shape = options.pop("shape", example.shape)
    traced = torch.jit.trace(network, example)
    return ct.convert(traced, inputs=[ct.TensorType(name="x", shape=shape, dtype=dtype)], convert_to=kind, **options)


picture, image = Picture().eval(), torch.randn(1, 3, 32, 32)
# Biases that are zeros would be stored once for all layers of the same width.
for parameter in picture.parameters():
    nn.init.uniform_(parameter, -1, 1)
series, steps = Series().eval(), torch.randn(2, 7, 10)
texts, tokens = Texts().eval(), torch.randint(0, 100, (2, 9))
count("picture", picture, image)
count("series", series, steps)
count("texts", texts, tokens)

program = convert(picture, image, "mlprogram")
program.save(str(OUT / "picture.mlpackage"))
convert(series, steps, "mlprogram").save(str(OUT / "series.mlpackage"))
ranges = (ct.RangeDim(1, 16, default=1), 9)
convert(texts, tokens, "mlprogram", shape=ranges, minimum_deployment_target=ct.target.iOS18).save(str(OUT / "texts.mlpackage"))

layers = convert(picture, image, "neuralnetwork")
layers.save(str(OUT / "picture.mlmodel"))
convert(series, steps, "neuralnetwork").save(str(OUT / "series.mlmodel"))

for bits, mode in ((8, "linear"), (4, "linear_lut")):
    small = quantization_utils.quantize_weights(layers, bits, mode)
    spec = small if not hasattr(small, "get_spec") else small.get_spec()
    ct.utils.save_spec(spec, str(OUT / f"picture_{mode}{bits}.mlmodel"))

everything = {"weight_threshold": 0}
packed = {
    "lut4": lambda model: cto.palettize_weights(
        model, cto.OptimizationConfig(cto.OpPalettizerConfig(mode="kmeans", nbits=4, **everything))
    ),
    "int8": lambda model: cto.linear_quantize_weights(
        model, cto.OptimizationConfig(cto.OpLinearQuantizerConfig(mode="linear_symmetric", **everything))
    ),
    "sparse": lambda model: cto.prune_weights(
        model, cto.OptimizationConfig(cto.OpMagnitudePrunerConfig(target_sparsity=0.5, **everything))
    ),
}
for name, pack in packed.items():
    pack(program).save(str(OUT / f"picture_{name}.mlpackage"))
newer = convert(texts, tokens, "mlprogram", minimum_deployment_target=ct.target.iOS18)
blocks = cto.OpLinearQuantizerConfig(dtype="int4", granularity="per_block", block_size=16, **everything)
cto.linear_quantize_weights(newer, cto.OptimizationConfig(blocks)).save(str(OUT / "texts_int4.mlpackage"))

# One model behind the other.
second = nn.Sequential(nn.Linear(5, 7), nn.ReLU()).eval()
inner = convert(second, torch.randn(1, 5), "neuralnetwork").get_spec()
first = layers.get_spec()
name = first.description.output[0].name
ct.utils.rename_feature(inner, "x", name)
pipeline = ct.models.pipeline.Pipeline(
    [("x", ct.models.datatypes.Array(1, 3, 32, 32))], [(inner.description.output[0].name, ct.models.datatypes.Array(1, 7))]
)
pipeline.add_model(first)
pipeline.add_model(inner)
ct.utils.save_spec(pipeline.spec, str(OUT / "pipeline.mlmodel"))

# A linear classifier of three classes and four features.
classical = ct.proto.Model_pb2.Model(specificationVersion=1)
feature = classical.description.input.add(name="features")
feature.type.multiArrayType.shape.append(4)
feature.type.multiArrayType.dataType = ct.proto.FeatureTypes_pb2.ArrayFeatureType.DOUBLE
classical.description.output.add(name="class").type.int64Type.SetInParent()
classical.glmClassifier.offset.extend([0.1, 0.2, 0.3])
for row in range(3):
    classical.glmClassifier.weights.add().value.extend([row, 1.0, 2.0, 3.0])
(OUT / "linear.mlmodel").write_bytes(classical.SerializeToString())

(OUT / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
