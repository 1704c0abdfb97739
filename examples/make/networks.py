"""Networks of the gallery that no library on this page's list provides.

Written from the papers, for their structure only: weights are random.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F


class DsCnn(nn.Module):
    """Keyword spotting with depthwise-separable convolutions (Zhang et al. 2017; MLPerf Tiny's size)."""

    def __init__(self, channels: int = 64, blocks: int = 4, classes: int = 12):
        super().__init__()
        # 49 frames x 10 coefficients; the first filter covers 10 x 4 of them.
        layers = [nn.ZeroPad2d((1, 1, 4, 5)), nn.Conv2d(1, channels, (10, 4), stride=2, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
        for _ in range(blocks):
            layers += [
                nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, features):
        x = self.features(features)
        return F.softmax(self.classifier(x.mean((2, 3))), dim=-1)


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) with padded convolutions and batch normalisation, four levels."""

    def __init__(self, channels_in: int = 3, classes: int = 2, width: int = 64):
        super().__init__()

        def double(c_in, c_out):
            return nn.Sequential(
                nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
                nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
            )

        widths = [width * 2**i for i in range(5)]
        self.down = nn.ModuleList(double(a, b) for a, b in zip([channels_in, *widths[:-2]], widths[:-1]))
        self.bottom = double(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in zip(widths[-2::-1], widths[:0:-1]))
        self.merge = nn.ModuleList(double(2 * a, a) for a in widths[-2::-1])
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image):
        skips, x = [], image
        for level in self.down:
            x = level(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottom(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips)):
            x = merge(torch.cat([skip, up(x)], dim=1))
        return self.head(x)


class LstmLanguageModel(nn.Module):
    """Word-level LSTM language model, the 'medium' size of Zaremba et al. (2014)."""

    def __init__(self, vocabulary: int = 10_000, width: int = 650, layers: int = 2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, width, layers, batch_first=True)
        self.output = nn.Linear(width, vocabulary)

    def forward(self, input_ids):
        hidden, _ = self.lstm(self.embedding(input_ids))
        return self.output(hidden)


class DitBlock(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, condition):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(condition).unsqueeze(1).chunk(6, dim=-1)
        h = self.norm1(x) * (1 + scale1) + shift1
        batch, tokens, width = h.shape
        q, k, v = self.qkv(h).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + gate1 * self.project(h)
        h = self.norm2(x) * (1 + scale2) + shift2
        return x + gate2 * self.mlp(h)


class Dit(nn.Module):
    """Diffusion transformer with adaLN-zero (Peebles and Xie 2023); defaults are DiT-S/2 on 32 x 32 latents."""

    def __init__(self, size=32, patch=2, channels=4, width=384, depth=12, heads=6, classes=1000):
        super().__init__()
        self.patch, self.side, self.out_channels = patch, size // patch, 2 * channels
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.position = nn.Parameter(torch.randn(1, self.side**2, width), requires_grad=False)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width)
        self.blocks = nn.ModuleList(DitBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.output = nn.Linear(width, patch * patch * self.out_channels)

    def forward(self, latent, timestep, label):
        x = self.patches(latent).flatten(2).transpose(1, 2) + self.position
        frequencies = torch.exp(-math.log(10_000) * torch.arange(128, dtype=torch.float32) / 128)
        angles = timestep[:, None].float() * frequencies[None]
        condition = self.time(torch.cat([angles.cos(), angles.sin()], dim=-1)) + self.label(label)
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.modulation(condition).unsqueeze(1).chunk(2, dim=-1)
        x = self.output(self.norm(x) * (1 + scale) + shift)
        x = x.reshape(-1, self.side, self.side, self.patch, self.patch, self.out_channels)
        return x.permute(0, 5, 1, 3, 2, 4).reshape(-1, self.out_channels, self.side * self.patch, self.side * self.patch)
