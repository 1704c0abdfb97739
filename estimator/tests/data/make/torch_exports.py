"""Small networks through both of torch's exporters, at several opsets, with fixed and free dimensions."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

import graph_only as go

VERSION = torch.__version__.split("+")[0]


class SmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Hardswish(), nn.Conv2d(16, 32, 1))
        self.grouped = nn.Conv2d(32, 32, 3, padding=2, dilation=2, groups=4)
        self.pool = nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(32, 8, 1), nn.ReLU(), nn.Conv2d(8, 32, 1), nn.Hardsigmoid())
        self.head = nn.Linear(32, 10)

    def forward(self, image):
        x = self.pool(self.grouped(self.depthwise(self.stem(image))))
        x = x * self.gate(x)
        return F.log_softmax(self.head(x.mean((2, 3))), dim=1)


class Residual1d(nn.Module):
    """One-dimensional convolutions with normalisation that is not folded."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(8, 24, 5, stride=2, padding=2)
        self.norm = nn.GroupNorm(4, 24)
        self.instance = nn.InstanceNorm1d(24, affine=True)
        self.conv2 = nn.Conv1d(24, 24, 3, padding=1)
        self.prelu = nn.PReLU(24)

    def forward(self, signal):
        x = self.conv1(signal)
        return x + self.prelu(self.instance(self.conv2(self.norm(x))))


class Volume(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(1, 8, 3, padding=1)
        self.up = nn.ConvTranspose3d(8, 4, 2, stride=2)

    def forward(self, volume):
        return self.up(F.avg_pool3d(self.conv(volume), 2))


class AutoEncoder(nn.Module):
    """Transposed convolutions with output padding, dilation and groups, and resizing."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 16, 4, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1)
        self.up2 = nn.ConvTranspose2d(8, 8, 3, stride=3, padding=2, dilation=2, groups=4)
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, image):
        x = self.up2(self.up(F.elu(self.down(image))))
        x = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return torch.tanh(self.last(F.pad(x, (1, 2, 3, 0), mode="reflect")))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 32)
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu"), 2, enable_nested_tensor=False)
        self.out = nn.Linear(32, 100)

    def forward(self, ids):
        length = ids.shape[1]
        x = self.embed(ids) + torch.arange(length, device=ids.device)[None, :, None] / length
        return self.out(self.layers(x))


class CausalAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(48, 3 * 48)
        self.out = nn.Linear(48, 48)
        self.norm = nn.RMSNorm(48)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 6, 8).permute(2, 0, 3, 1, 4)
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.out(h.transpose(1, 2).reshape(batch, length, width))


class Recurrent(nn.Module):
    def __init__(self, cell, bidirectional, layers):
        super().__init__()
        self.cell = cell(12, 20, layers, bidirectional=bidirectional, batch_first=True)
        self.out = nn.Linear(40 if bidirectional else 20, 5)

    def forward(self, x):
        hidden, state = self.cell(x)
        return self.out(hidden), state[0] if isinstance(state, tuple) else state


class ShapeArithmetic(nn.Module):
    """Shapes computed inside the graph: Shape, Gather, Range, Slice, Expand, Where, Concat, Mod."""

    def forward(self, x):
        batch, length, width = x.shape
        half = (length + 1) // 2
        windows = x[:, : half * 2 - length % 2].reshape(batch, -1, width // 2, 2)
        position = torch.arange(length).unsqueeze(0).expand(batch, length)
        mask = (position[:, :, None] >= position[:, None, :]).float()
        tiled = x.repeat(1, 2, 1)[:, 1 : length + 3]
        joined = torch.cat([x, x.new_zeros(batch, 4, width)], dim=1)
        return windows, mask @ x, tiled, joined.flatten(1), x.flip(1), torch.roll(x, 1, dims=1)


class Contractions(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.randn(6, 8, 10))
        self.b = nn.Parameter(torch.randn(4, 16, 16))

    def forward(self, x, y):
        first = torch.einsum("bsh,nhd->bnsd", x, self.a)
        second = torch.einsum("bnqd,bnkd->bnqk", first, first)
        third = torch.einsum("gij,bgjk->bgik", self.b, y)
        return second, third, torch.einsum("bii->bi", second[:, 0]), torch.baddbmm(x, x @ x.transpose(1, 2), x)


class Rearranged(nn.Module):
    """Operators that move elements."""

    def forward(self, x):
        shuffled = F.pixel_shuffle(x, 2)
        back = F.pixel_unshuffle(shuffled, 2)
        columns = F.unfold(x, 3, padding=1, stride=2)
        values, indices = torch.topk(x.flatten(1), 5, dim=1)
        grid = F.affine_grid(torch.eye(2, 3).repeat(x.shape[0], 1, 1), [x.shape[0], x.shape[1], 5, 7], align_corners=False)
        sampled = F.grid_sample(x, grid, align_corners=False)
        gathered = torch.gather(x, 3, torch.zeros_like(x, dtype=torch.int64))
        return back, columns, values, indices, sampled, gathered, torch.cumsum(x, 1), x.argmax(1), torch.tril(x)


class DataDependent(nn.Module):
    def forward(self, x):
        found = torch.nonzero(x > 0)
        return found, x[x > 0], F.one_hot((x > 0).long(), 2)


class Spectrum(nn.Module):
    def forward(self, audio):
        transformed = torch.stft(audio, n_fft=64, hop_length=16, window=torch.hann_window(64), return_complex=True, center=False)
        return torch.view_as_real(transformed)


class Branch(nn.Module):
    """An If whose branches hold weights, kept by torch.jit.script."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(16, 32)
        self.narrow = nn.Linear(16, 32, bias=False)

    def forward(self, x, flag):
        if bool(flag.sum() > 0):
            y = self.wide(x)
        else:
            y = self.narrow(x)
        return y


class Repeat(nn.Module):
    """A Loop with a trip count given by an input, kept by torch.jit.script."""

    def __init__(self):
        super().__init__()
        self.step = nn.Linear(16, 16)

    def forward(self, x, times: torch.Tensor):
        for _ in range(int(times)):
            x = torch.relu(self.step(x))
        return x


class MixedPrecision(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 24).half()
        self.second = nn.Linear(24, 8).to(torch.bfloat16)

    def forward(self, x):
        return self.second(self.first(x.half()).to(torch.bfloat16)).float()


class TiedWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.out = nn.Linear(16, 50, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, ids):
        return self.out(torch.relu(self.embed(ids)))


def feeds(inputs, args):
    return {name: value.numpy() for name, value in zip(inputs, args)}


def make(recorder) -> None:
    torch.manual_seed(0)

    def case(name, network, runs, inputs, dynamic, about, exports, *, count=True, export_args=None, script=False, data_dependent=None, randomise=True):
        """Export `network` in every way of `exports`: (dynamo, opset, free dimensions)."""
        network = network.eval()
        if randomise:
            go.randomise(network)
        macs = [go.torch_macs(network, args) for args in runs] if count else None
        for dynamo, opset, free in exports:
            label = f"{name}_{'dynamo' if dynamo else 'torchscript'}_{opset}{'' if free else '_static'}"

            def one():
                with go.quiet():
                    model = go.export(
                        torch.jit.script(network) if script else network,
                        (export_args or runs[-1]) if free else runs[0],
                        inputs=inputs,
                        outputs=None,
                        opset=opset,
                        dynamo=dynamo,
                        dynamic=dynamic if free else None,
                    )
                recorder.add(
                    label,
                    model,
                    [feeds(inputs, args) for args in (runs if free else runs[:1])],
                    about=about,
                    exporter=f"torch {VERSION}, dynamo={dynamo}",
                    macs=[None] if name == "spectrum" else macs,
                    macs_how="torch FlopCounterMode" if count else "formula over the shapes of a run",
                    parameters=go.torch_parameters(network),
                    data_dependent=data_dependent,
                )

            recorder.attempt(label, one)

    image = lambda b, h, w: (torch.randn(b, 3, h, w),)
    both = lambda *pairs: [(d, o, True) for d, o in pairs]

    case("small_cnn", SmallCnn(), [image(1, 64, 64), image(3, 64, 64)], ["image"], {"image": {0: "batch"}}, "Convolutions: grouped, depthwise, dilated; pooling with ceil_mode; squeeze and excitation.",
         [(False, 9, False), (False, 11, True), (False, 13, True), (False, 17, False), (False, 20, True), (True, 18, False), (True, 18, True), (True, 21, True), (True, 23, True)])
    case("small_cnn_hw", SmallCnn(), [image(1, 64, 64), image(2, 96, 80)], ["image"], {"image": {0: "batch", 2: "height", 3: "width"}}, "The same with free height and width.", both((False, 12), (False, 17), (True, 20)))
    case("residual_1d", Residual1d(), [(torch.randn(1, 8, 100),), (torch.randn(2, 8, 64),)], ["signal"], {"signal": {0: "batch", 2: "samples"}}, "One-dimensional convolution, group and instance normalisation.", both((False, 17), (True, 18), (True, 21)))
    case("volume", Volume(), [(torch.randn(1, 1, 8, 8, 8),), (torch.randn(2, 1, 6, 8, 10),)], ["volume"], {"volume": {0: "batch", 2: "depth", 3: "height", 4: "width"}}, "Three-dimensional convolution and its transpose.", both((False, 13), (True, 18)))
    case("autoencoder", AutoEncoder(), [image(1, 32, 32), image(2, 48, 40)], ["image"], {"image": {0: "batch", 2: "height", 3: "width"}}, "Transposed convolutions, Resize by scale, reflecting Pad.", [(False, 11, True), (False, 17, True), (True, 18, False), (True, 20, False)])
    ids = lambda b, n: (torch.randint(1, 99, (b, n)),)
    case("encoder", Encoder(), [ids(1, 16), ids(2, 23)], ["ids"], {"ids": {0: "batch", 1: "sequence"}}, "nn.TransformerEncoder with positions from Range.", [(False, 14, False), (False, 17, False), (True, 18, True), (True, 22, True), (True, 23, True)])
    hidden = lambda b, n: (torch.randn(b, n, 48),)
    case("causal_attention", CausalAttention(), [hidden(1, 10), hidden(2, 17)], ["x"], {"x": {0: "batch", 1: "sequence"}}, "Causal attention; at opset 23 as the standard Attention operator.", both((True, 18), (True, 23)))
    signal = lambda b, n: (torch.randn(b, n, 12),)
    for kind, cell in (("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)):
        case(kind, Recurrent(cell, True, 2), [signal(1, 9), signal(3, 14)], ["x"], {"x": {0: "batch", 1: "sequence"}}, f"Two bidirectional layers of {kind.upper()}.", both((False, 11), (False, 17)))
        if kind != "rnn":  # which that exporter unrolls and folds
            case(f"{kind}_plain", Recurrent(cell, False, 1), [signal(2, 9)], ["x"], {}, f"One layer of {kind.upper()}.", [(True, 18, False)])
    case("shape_arithmetic", ShapeArithmetic(), [(torch.randn(2, 9, 8),), (torch.randn(3, 12, 8),)], ["x"], {"x": {0: "batch", 1: "sequence"}}, "Shapes computed inside the graph.", [(False, 13, True), (False, 17, True), (True, 18, True), (True, 23, False)])
    case("contractions", Contractions(), [(torch.randn(2, 8, 8), torch.randn(2, 4, 16, 5)), (torch.randn(3, 8, 8), torch.randn(3, 4, 16, 7))], ["x", "y"], {"x": {0: "batch"}, "y": {0: "batch", 3: "columns"}}, "Einsum and batched products.", both((False, 13), (True, 18)))
    case("rearranged", Rearranged(), [(torch.randn(1, 4, 6, 8),), (torch.randn(2, 4, 6, 8),)], ["x"], {"x": {0: "batch"}}, "Pixel shuffle, unfold, top-k, grid sampling, gather, cumulative sum.", [(False, 20, False), (True, 20, False), (True, 20, True)], count=False)
    case("data_dependent", DataDependent(), [(torch.randn(4, 5),)], ["x"], {"x": {0: "rows"}}, "Non-zero and boolean indexing: sizes that depend on values.", both((False, 13), (True, 18)), data_dependent=["*"], export_args=(torch.randn(6, 5),))
    case("spectrum", Spectrum(), [(torch.randn(1, 400),)], ["audio"], {"audio": {1: "samples"}}, "Short-time Fourier transform.", [(True, 18, False)], count=False)
    case("branch", Branch(), [(torch.randn(2, 16), torch.ones(1))], ["x", "flag"], {"x": {0: "batch"}}, "An If whose branches hold weights.", [(False, 13, True), (False, 17, False)], script=True, export_args=(torch.randn(2, 16), torch.ones(1)))
    case("repeat", Repeat(), [(torch.randn(2, 16), torch.tensor(5))], ["x", "times"], {"x": {0: "batch"}}, "A Loop whose trip count is an input.", [(False, 13, True), (False, 17, False)], script=True)
    case("mixed_precision", MixedPrecision(), [(torch.randn(2, 16),)], ["x"], {"x": {0: "batch"}}, "float16 and bfloat16 weights in one graph.", [(False, 17, False), (True, 18, False)])
    case("tied_weights", TiedWeights(), [(torch.randint(0, 50, (2, 7)),)], ["ids"], {"ids": {0: "batch", 1: "sequence"}}, "One weight used as embedding and as output layer.", both((False, 14), (True, 18)), export_args=(torch.randint(0, 50, (2, 9)),))
