"""Writes quantised layers with the libraries that people quantise with, to `../safetensors/`.

Each file holds one linear layer of 64 inputs and 96 outputs with a bias: 6,144 + 96 parameters.
Run in an environment with torch, safetensors and the libraries below; what is missing is skipped and named.
Made with torch 2.12.1, safetensors 0.8.0, torchao 0.18.0, bitsandbytes 0.50.2, compressed-tensors 0.20.0,
hqq 0.2.8, optimum-quanto 0.2.7 and mlx 0.32.4.
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parent.parent / "safetensors"
INPUTS, OUTPUTS = 64, 96


def layer(dtype=torch.float32):
    torch.manual_seed(1)
    return torch.nn.Linear(INPUTS, OUTPUTS, dtype=dtype)


def save(name, tensors, metadata=None):
    kept = {f"layers.0.{key}": value.contiguous() for key, value in tensors.items() if isinstance(value, torch.Tensor)}
    save_file(kept, OUT / f"{name}.safetensors", metadata=metadata or {"format": "pt"})


def torchao():
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, IntxWeightOnlyConfig, PerGroup, quantize_

    configs = {
        "torchao_int8": Int8WeightOnlyConfig(version=2),
        "torchao_float8": Float8WeightOnlyConfig(),
        "torchao_intx4": IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32)),
    }
    for name, config in configs.items():
        model = torch.nn.ModuleDict({"layers": torch.nn.ModuleList([layer(torch.bfloat16)])})
        quantize_(model, config)
        tensors, metadata = flatten_tensor_state_dict(model.state_dict())
        save_file({key: value.contiguous() for key, value in tensors.items()}, OUT / f"{name}.safetensors", metadata=metadata)


def bitsandbytes():
    import bitsandbytes as bnb

    for kind, nested in (("nf4", True), ("fp4", False)):
        made = bnb.nn.Linear4bit(INPUTS, OUTPUTS, quant_type=kind, compress_statistics=nested)
        made.load_state_dict(layer().state_dict())
        save(f"bitsandbytes_{kind}", made.to("cpu").state_dict())
    made = bnb.nn.Linear8bitLt(INPUTS, OUTPUTS, has_fp16_weights=False).to("cpu")
    save("bitsandbytes_int8", made.state_dict())


def compressed_tensors():
    from compressed_tensors.compressors import compress_module
    from compressed_tensors.quantization import initialize_module_for_quantization, preset_name_to_scheme

    presets = ("W3A16", "W4A16", "W4A16_ASYM", "W8A16", "W8A8", "FP8", "FP8_BLOCK", "NVFP4", "MXFP4", "MXFP6A16", "MXFP8")
    for preset in presets:
        try:
            scheme = preset_name_to_scheme(preset, ["Linear"])
            if scheme.weights.group_size == 128:
                scheme.weights.group_size = 32
            made = layer(torch.bfloat16)
            initialize_module_for_quantization(made, scheme)
            for key, value in made.named_parameters():
                if key.endswith("scale"):
                    value.data.fill_(0.01)
            compress_module(made)
            save(f"compressed_{preset.lower()}", made.state_dict())
        except Exception as error:
            print(f"compressed-tensors {preset}: {error!r}", file=sys.stderr)


def hqq():
    from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

    for bits in (4, 3, 2):
        made = HQQLinear(layer(), BaseQuantizeConfig(nbits=bits, group_size=64), device="cpu", compute_dtype=torch.float32)
        made.encoded_state_dict = True
        save(f"hqq_{bits}", made.state_dict())


def quanto():
    from optimum.quanto import freeze, qfloat8, qint2, qint4, qint8, quantize

    for name, kind in (("int8", qint8), ("int4", qint4), ("int2", qint2), ("float8", qfloat8)):
        made = torch.nn.Sequential(layer())
        quantize(made, weights=kind)
        freeze(made)
        save(f"quanto_{name}", {key.removeprefix("0."): value for key, value in made.state_dict().items()})


def mlx():
    import mlx.core as mx
    import mlx.nn as nn
    from mlx.utils import tree_flatten

    for name, bits, group, mode in (
        ("4", 4, 64, "affine"),
        ("3", 3, 32, "affine"),
        ("8", 8, 64, "affine"),
        ("mxfp4", 4, 32, "mxfp4"),
        ("nvfp4", 4, 16, "nvfp4"),
        ("mxfp8", 8, 32, "mxfp8"),
    ):
        made = nn.QuantizedLinear(INPUTS, OUTPUTS, bias=True, group_size=group, bits=bits, mode=mode)
        tensors = {f"layers.0.{key}": value for key, value in tree_flatten(made.parameters())}
        mx.save_safetensors(str(OUT / f"mlx_{name}"), tensors, metadata={"format": "mlx"})


OUT.mkdir(exist_ok=True)
for make in (torchao, bitsandbytes, compressed_tensors, hqq, quanto, mlx):
    try:
        make()
    except Exception as error:
        print(f"{make.__name__}: {error!r}", file=sys.stderr)
