"""Make the gallery's graphs: real architectures, random weights, weights left out.

    pip install -r requirements.txt
    python gallery.py            # all of them
    python gallery.py bert-base  # one

Writes `../models/*.onnx`, their rows in `../models/manifest.json` and in
`../models/expected.csv`. Every figure there is measured here: parameters by torch,
MACs by torch's FlopCounterMode and, independently, from the shapes that ONNX Runtime
saw when it ran the exported graph.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch import nn

import graph_only as go

MODELS = Path(__file__).resolve().parent.parent / "models"
# Every tensor's real shape at the default dimensions, for the estimator's tests.
SHAPES = Path(__file__).resolve().parent.parent.parent / "estimator" / "tests" / "data" / "shapes"
TORCHVISION = "Structure from torchvision (BSD-3-Clause); random weights, no trained weights."
TRANSFORMERS = "Structure from transformers (Apache-2.0); random weights, no trained weights."
DIFFUSERS = "Structure from diffusers (Apache-2.0); random weights, no trained weights."
OURS = "Our own implementation after the paper; random weights, no trained weights."


@dataclass
class Entry:
    """One model of the gallery. `build` returns (network, sample arguments at the default dimensions)."""

    id: str
    title: str
    task: str
    thumb: str
    family: str
    year: int
    paper: str
    sentence: str
    input: str
    licence: str
    build: Callable[[], tuple[nn.Module, tuple]]
    inputs: list[str]
    outputs: list[str]
    dynamic: dict[str, dict[int, str]]
    default_dims: dict[str, int]
    published: list[dict] = field(default_factory=list)
    dynamo: bool = True
    opset: int = 20
    fold: bool = False
    # True where sizes depend on values: shapes and outputs then hold for the run's values only.
    data_dependent: bool = False
    note: str = ""
    # Sample arguments used only for the export, where sizes of 1 would be taken as fixed.
    export_args: Callable[[], tuple] | None = None

    @property
    def file(self) -> str:
        return self.id.replace("-", "_") + ".onnx"


class Wrapped(nn.Module):
    """A network called through a function of (network, *arguments), so that inputs and outputs are plain tensors."""

    def __init__(self, network: nn.Module, call: Callable):
        super().__init__()
        self.network, self.call = network, call

    def forward(self, *args):
        return self.call(self.network, *args)


def tokens(batch: int, length: int, vocabulary: int) -> torch.Tensor:
    return torch.randint(1, vocabulary, (batch, length), dtype=torch.int64)


def published(quantity: str, value: float, source: str) -> dict:
    return {"quantity": quantity, "value": value, "source": source}


# ---- torchvision ------------------------------------------------------------------------------


def image_classifier(name: str, weights: str):
    """Builder and published figures of a torchvision classifier; the figures are in torchvision's own metadata."""
    import torchvision

    meta = torchvision.models.get_model_weights(name)[weights].meta
    source = f"torchvision {torchvision.__version__.split('+')[0]}, metadata of {name} {weights}"
    figures = [published("parameters", meta["num_params"], source), published("gmacs", meta["_ops"], source)]

    def build():
        return torchvision.models.get_model(name, weights=None), (torch.randn(1, 3, 224, 224),)

    return dict(
        build=build,
        published=figures,
        task="image classification",
        thumb="image-classification",
        input="RGB image, 224 x 224, normalised",
        licence=TORCHVISION,
        inputs=["image"],
        outputs=["logits"],
        dynamic={"image": {0: "batch"}},
        default_dims={"batch": 1},
        export_args=lambda: (torch.randn(2, 3, 224, 224),),
    )


def build_ssdlite():
    import torchvision

    network = torchvision.models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=91)

    def call(net, image):
        found = net([image])[0]
        return found["boxes"], found["scores"], found["labels"]

    return Wrapped(network, call), (torch.rand(3, 320, 320),)


# ---- transformers -------------------------------------------------------------------------------


def build_bert(**config):
    from transformers import BertConfig, BertModel

    def build():
        network = BertModel(BertConfig(**config))

        def call(net, input_ids, attention_mask, token_type_ids):
            out = net(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
            return out.last_hidden_state, out.pooler_output

        ids = tokens(1, 128, 30522)
        return Wrapped(network, call), (ids, torch.ones_like(ids), torch.zeros_like(ids))

    return build


def bert_inputs():
    def export_args():
        ids = tokens(2, 48, 30522)
        return ids, torch.ones_like(ids), torch.zeros_like(ids)

    axes = {0: "batch", 1: "sequence"}
    return dict(
        task="text understanding",
        thumb="text",
        input="Token ids, attention mask and segment ids; 128 tokens by default",
        licence=TRANSFORMERS,
        inputs=["input_ids", "attention_mask", "token_type_ids"],
        outputs=["last_hidden_state", "pooler_output"],
        dynamic={n: axes for n in ("input_ids", "attention_mask", "token_type_ids")},
        default_dims={"batch": 1, "sequence": 128},
        export_args=export_args,
    )


def build_distilbert():
    from transformers import DistilBertConfig, DistilBertModel

    network = DistilBertModel(DistilBertConfig())
    ids = tokens(1, 128, 30522)
    return Wrapped(network, lambda net, i, m: net(input_ids=i, attention_mask=m).last_hidden_state), (ids, torch.ones_like(ids))


def build_gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    network = GPT2LMHeadModel(GPT2Config())
    return Wrapped(network, lambda net, i: net(input_ids=i, use_cache=False).logits), (tokens(1, 512, 50257),)


def build_smollm():
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        rms_norm_eps=1e-5,
    )
    network = LlamaForCausalLM(config)
    ids = tokens(1, 512, 49152)
    return Wrapped(network, lambda net, i, m: net(input_ids=i, attention_mask=m, use_cache=False).logits), (ids, torch.ones_like(ids))


def whisper():
    from transformers import WhisperConfig, WhisperModel

    return WhisperModel(
        WhisperConfig(
            vocab_size=51865,
            d_model=384,
            encoder_layers=4,
            encoder_attention_heads=6,
            encoder_ffn_dim=1536,
            decoder_layers=4,
            decoder_attention_heads=6,
            decoder_ffn_dim=1536,
        )
    )


def build_whisper_encoder():
    return Wrapped(whisper().encoder, lambda net, mel: net(mel).last_hidden_state), (torch.randn(1, 80, 3000),)


def build_whisper_decoder():
    network = whisper().decoder

    def call(net, ids, encoded):
        hidden = net(input_ids=ids, encoder_hidden_states=encoded, use_cache=False).last_hidden_state
        # The output layer is the embedding's weight, as in the published network.
        return hidden @ net.embed_tokens.weight.T

    return Wrapped(network, call), (tokens(1, 64, 51865), torch.randn(1, 1500, 384))


def build_wav2vec2():
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    network = Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=32))
    # The positional convolution's weight normalisation is a training device: fold it, as deployed files do.
    conv = network.wav2vec2.encoder.pos_conv_embed.conv
    torch.nn.utils.parametrize.remove_parametrizations(conv, "weight")
    return Wrapped(network, lambda net, audio: net(audio).logits), (torch.randn(1, 160_000),)


def build_detr():
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=64,
        hidden_sizes=[256, 512, 1024, 2048],
        depths=[3, 4, 6, 3],
        layer_type="bottleneck",
        out_features=["stage4"],
    )
    config = DetrConfig(use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone, num_labels=91)
    config._attn_implementation = "eager"
    network = DetrForObjectDetection(config)

    def call(net, image):
        out = net(pixel_values=image)
        return out.logits, out.pred_boxes

    return Wrapped(network, call), (torch.randn(1, 3, 800, 1066),)


def build_clip():
    from transformers import CLIPConfig, CLIPModel

    network = CLIPModel(CLIPConfig())

    def call(net, ids, mask, image):
        out = net(input_ids=ids, attention_mask=mask, pixel_values=image)
        return out.logits_per_image, out.text_embeds, out.image_embeds

    ids = tokens(1, 77, 49406)
    return Wrapped(network, call), (ids, torch.ones_like(ids), torch.randn(1, 3, 224, 224))


def build_segformer():
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    network = SegformerForSemanticSegmentation(SegformerConfig(num_labels=150, decoder_hidden_size=256))
    return Wrapped(network, lambda net, image: net(image).logits), (torch.randn(1, 3, 512, 512),)


# ---- generation and small networks ------------------------------------------------------------------


def build_ddpm():
    from diffusers import UNet2DModel

    network = UNet2DModel(
        sample_size=32,
        in_channels=3,
        out_channels=3,
        block_out_channels=(128, 256, 256, 256),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=None,
        downsample_padding=0,
        flip_sin_to_cos=False,
        freq_shift=1,
        norm_eps=1e-6,
        norm_num_groups=32,
    )
    return Wrapped(network, lambda net, image, step: net(image, step).sample), (torch.randn(1, 3, 32, 32), torch.tensor([10]))


def build_dit():
    from networks import Dit

    return Dit(), (torch.randn(1, 4, 32, 32), torch.tensor([10]), torch.tensor([3]))


def build_unet():
    from networks import UNet

    return UNet(), (torch.randn(1, 3, 256, 256),)


def build_ds_cnn():
    from networks import DsCnn

    return DsCnn(), (torch.randn(1, 1, 49, 10),)


def build_lstm():
    from networks import LstmLanguageModel

    return LstmLanguageModel(), (tokens(1, 35, 10_000),)


def entries() -> list[Entry]:
    causal = dict(task="text generation", thumb="text-generation")
    return [
        Entry(
            id="resnet50",
            title="ResNet-50",
            family="convolutional network",
            year=2015,
            paper="He et al. 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385",
            sentence="The residual network that became the yardstick of image classification and of hardware benchmarks.",
            **image_classifier("resnet50", "IMAGENET1K_V2"),
        ),
        Entry(
            id="mobilenet-v3-large",
            title="MobileNetV3-Large",
            family="mobile convolutional network",
            year=2019,
            paper="Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244",
            sentence="Depthwise convolutions and squeeze-and-excitation, searched for phones.",
            **image_classifier("mobilenet_v3_large", "IMAGENET1K_V2"),
        ),
        Entry(
            id="efficientnet-b0",
            title="EfficientNet-B0",
            family="mobile convolutional network",
            year=2019,
            paper="Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946",
            sentence="The smallest of a family that scales depth, width and resolution together.",
            **image_classifier("efficientnet_b0", "IMAGENET1K_V1"),
        ),
        Entry(
            id="vit-b-16",
            title="ViT-B/16",
            family="vision transformer",
            year=2020,
            paper="Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, arXiv:2010.11929",
            sentence="A plain transformer that reads an image as 196 patches.",
            **image_classifier("vit_b_16", "IMAGENET1K_V1"),
        ),
        Entry(
            id="convnext-tiny",
            title="ConvNeXt-Tiny",
            family="convolutional network",
            year=2022,
            paper="Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545",
            sentence="A convolutional network rebuilt with what transformers taught.",
            **image_classifier("convnext_tiny", "IMAGENET1K_V1"),
        ),
        Entry(
            id="bert-base",
            title="BERT-base (uncased)",
            family="transformer encoder",
            year=2018,
            paper="Devlin et al. 2018, BERT: Pre-training of Deep Bidirectional Transformers, arXiv:1810.04805",
            sentence="Twelve encoder layers that read a sentence in both directions.",
            build=build_bert(),
            published=[published("parameters", 110e6, "Devlin et al. 2018, section 3 (rounded)")],
            **bert_inputs(),
        ),
        Entry(
            id="distilbert",
            title="DistilBERT-base",
            family="transformer encoder",
            year=2019,
            paper="Sanh et al. 2019, DistilBERT, a distilled version of BERT, arXiv:1910.01108",
            sentence="BERT taught to a student with half the layers.",
            build=build_distilbert,
            published=[published("parameters", 66e6, "Sanh et al. 2019, table 3 (rounded)")],
            **{
                **bert_inputs(),
                "input": "Token ids and attention mask; 128 tokens by default",
                "inputs": ["input_ids", "attention_mask"],
                "outputs": ["last_hidden_state"],
                "dynamic": {n: {0: "batch", 1: "sequence"} for n in ("input_ids", "attention_mask")},
                "export_args": lambda: (tokens(2, 48, 30522), torch.ones(2, 48, dtype=torch.int64)),
            },
        ),
        Entry(
            id="tinybert-4l-312",
            title="TinyBERT (4 layers, 312 wide)",
            family="transformer encoder",
            year=2019,
            paper="Jiao et al. 2019, TinyBERT: Distilling BERT for Natural Language Understanding, arXiv:1909.10351",
            sentence="BERT distilled twice, into a student with an eighth of its parameters.",
            build=build_bert(hidden_size=312, num_hidden_layers=4, num_attention_heads=12, intermediate_size=1200),
            published=[published("parameters", 14.5e6, "Jiao et al. 2019, table 1 (rounded)")],
            **bert_inputs(),
        ),
        Entry(
            id="gpt2-small",
            title="GPT-2 small",
            family="transformer decoder",
            year=2019,
            paper="Radford et al. 2019, Language Models are Unsupervised Multitask Learners",
            sentence="The 124-million-parameter decoder on which many learned what a language model is.",
            input="Token ids; 512 tokens by default, no cache of earlier tokens",
            licence=TRANSFORMERS,
            build=build_gpt2,
            inputs=["input_ids"],
            outputs=["logits"],
            dynamic={"input_ids": {0: "batch", 1: "sequence"}},
            default_dims={"batch": 1, "sequence": 512},
            export_args=lambda: (tokens(2, 48, 50257),),
            published=[published("parameters", 124e6, "model sizes in the repository of GPT-2 (rounded; the paper's 117M was corrected there)")],
            **causal,
        ),
        Entry(
            id="smollm-135m",
            title="SmolLM-135M (Llama architecture)",
            family="transformer decoder",
            year=2024,
            paper="Ben Allal et al. 2024, SmolLM: blazingly fast and remarkably powerful; architecture: Touvron et al. 2023, arXiv:2302.13971",
            sentence="A small Llama: rotary positions, grouped-query attention, gated feed-forward layers, tied embeddings.",
            input="Token ids and attention mask; 512 tokens by default, no cache of earlier tokens",
            licence=TRANSFORMERS,
            build=build_smollm,
            inputs=["input_ids", "attention_mask"],
            outputs=["logits"],
            dynamic={n: {0: "batch", 1: "sequence"} for n in ("input_ids", "attention_mask")},
            default_dims={"batch": 1, "sequence": 512},
            export_args=lambda: (tokens(2, 48, 49152), torch.ones(2, 48, dtype=torch.int64)),
            published=[published("parameters", 135e6, "name of the model (rounded)")],
            **causal,
        ),
        Entry(
            id="ssdlite320-mobilenet-v3",
            title="SSDLite320 MobileNetV3-Large",
            task="object detection",
            thumb="object-detection",
            family="single-shot detector",
            year=2019,
            paper="Howard et al. 2019, arXiv:1905.02244; Liu et al. 2016, SSD: Single Shot MultiBox Detector, arXiv:1512.02325",
            sentence="A detector for phones, with its resizing, its anchors and its non-maximum suppression in the graph.",
            input="One RGB image with values 0 to 1, 320 x 320",
            licence=TORCHVISION,
            build=build_ssdlite,
            inputs=["image"],
            outputs=["boxes", "scores", "labels"],
            dynamic={},
            default_dims={},
            dynamo=False,
            opset=17,
            fold=True,
            data_dependent=True,
            published=[published("parameters", 3440060, "torchvision metadata of ssdlite320_mobilenet_v3_large COCO_V1"), published("gmacs", 0.583, "torchvision metadata of ssdlite320_mobilenet_v3_large COCO_V1")],
            note="The number of boxes found depends on the image: it is a free dimension.",
        ),
        Entry(
            id="detr-resnet50",
            title="DETR (ResNet-50)",
            task="object detection",
            thumb="object-detection",
            family="detection transformer",
            year=2020,
            paper="Carion et al. 2020, End-to-End Object Detection with Transformers, arXiv:2005.12872",
            sentence="A convolutional backbone and a transformer that answers with a set of a hundred boxes.",
            input="RGB image, 800 x 1066, normalised",
            licence=TRANSFORMERS,
            build=build_detr,
            inputs=["image"],
            outputs=["logits", "boxes"],
            dynamic={"image": {0: "batch"}},
            default_dims={"batch": 1},
            export_args=lambda: (torch.randn(2, 3, 800, 1066),),
            published=[published("parameters", 41e6, "Carion et al. 2020, table 1 (rounded)")],
        ),
        Entry(
            id="unet",
            title="U-Net",
            task="image segmentation",
            thumb="image-segmentation",
            family="convolutional encoder-decoder",
            year=2015,
            paper="Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, arXiv:1505.04597",
            sentence="Down four levels and up again, with a bridge at each level; padded convolutions and batch normalisation.",
            input="RGB image; 256 x 256 by default, sides divisible by 16",
            licence=OURS,
            build=build_unet,
            inputs=["image"],
            outputs=["logits"],
            dynamic={"image": {0: "batch", 2: "height", 3: "width"}},
            default_dims={"batch": 1, "height": 256, "width": 256},
            export_args=lambda: (torch.randn(2, 3, 96, 128),),
            dynamo=False,
            opset=17,
        ),
        Entry(
            id="segformer-b0",
            title="SegFormer-B0",
            task="image segmentation",
            thumb="image-segmentation",
            family="vision transformer",
            year=2021,
            paper="Xie et al. 2021, SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, arXiv:2105.15203",
            sentence="A hierarchical transformer with a light decoder, sized for real-time segmentation.",
            input="RGB image, 512 x 512, normalised",
            licence=TRANSFORMERS,
            build=build_segformer,
            inputs=["image"],
            outputs=["logits"],
            dynamic={"image": {0: "batch"}},
            default_dims={"batch": 1},
            export_args=lambda: (torch.randn(2, 3, 512, 512),),
            published=[published("parameters", 3.8e6, "Xie et al. 2021, ADE20K, 512 x 512 (rounded)"), published("gmacs", 8.4, "Xie et al. 2021, ADE20K, 512 x 512, called Flops there (rounded)")],
        ),
        Entry(
            id="clip-vit-b-32",
            title="CLIP ViT-B/32",
            task="image and text",
            thumb="image-and-text",
            family="two-tower transformer",
            year=2021,
            paper="Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, arXiv:2103.00020",
            sentence="Two towers that place images and sentences in one space.",
            input="Token ids and attention mask (77 tokens by default), and RGB images of 224 x 224",
            licence=TRANSFORMERS,
            build=build_clip,
            inputs=["input_ids", "attention_mask", "image"],
            outputs=["logits_per_image", "text_embeds", "image_embeds"],
            dynamic={"input_ids": {0: "texts", 1: "sequence"}, "attention_mask": {0: "texts", 1: "sequence"}, "image": {0: "images"}},
            default_dims={"texts": 1, "sequence": 77, "images": 1},
            export_args=lambda: (tokens(3, 77, 49406), torch.ones(3, 77, dtype=torch.int64), torch.randn(2, 3, 224, 224)),
        ),
        Entry(
            id="whisper-tiny-encoder",
            title="Whisper tiny, encoder",
            task="speech recognition",
            thumb="speech",
            family="transformer encoder",
            year=2022,
            paper="Radford et al. 2022, Robust Speech Recognition via Large-Scale Weak Supervision, arXiv:2212.04356",
            sentence="Reads thirty seconds of sound at once; half of the smallest Whisper.",
            input="Log-mel spectrogram, 80 bands x 3000 frames (30 s)",
            licence=TRANSFORMERS,
            build=build_whisper_encoder,
            inputs=["mel"],
            outputs=["encoded"],
            dynamic={"mel": {0: "batch"}},
            default_dims={"batch": 1},
            export_args=lambda: (torch.randn(2, 80, 3000),),
            note="Encoder and decoder together have 39M parameters (Radford et al. 2022, table 1, rounded).",
        ),
        Entry(
            id="whisper-tiny-decoder",
            title="Whisper tiny, decoder",
            task="speech recognition",
            thumb="speech",
            family="transformer decoder",
            year=2022,
            paper="Radford et al. 2022, Robust Speech Recognition via Large-Scale Weak Supervision, arXiv:2212.04356",
            sentence="Writes the words that the encoder heard, attending to 1500 frames.",
            input="Token ids (64 by default) and the encoder's output, 1500 x 384",
            licence=TRANSFORMERS,
            build=build_whisper_decoder,
            inputs=["input_ids", "encoded"],
            outputs=["logits"],
            dynamic={"input_ids": {0: "batch", 1: "sequence"}, "encoded": {0: "batch"}},
            default_dims={"batch": 1, "sequence": 64},
            export_args=lambda: (tokens(2, 48, 51865), torch.randn(2, 1500, 384)),
        ),
        Entry(
            id="wav2vec2-base",
            title="wav2vec 2.0 base",
            task="speech recognition",
            thumb="speech",
            family="transformer encoder",
            year=2020,
            paper="Baevski et al. 2020, wav2vec 2.0, arXiv:2006.11477",
            sentence="Learns from raw sound: seven convolutions, then twelve transformer layers over 49 frames a second.",
            input="Sound at 16 kHz; 160,000 samples (10 s) by default",
            licence=TRANSFORMERS,
            build=build_wav2vec2,
            inputs=["audio"],
            outputs=["logits"],
            dynamic={"audio": {0: "batch", 1: "samples"}},
            default_dims={"batch": 1, "samples": 160_000},
            export_args=lambda: (torch.randn(2, 20_000),),
            published=[published("parameters", 95e6, "Baevski et al. 2020, section 4.2 (rounded)")],
        ),
        Entry(
            id="dit-s-2",
            title="DiT-S/2",
            task="image generation",
            thumb="image-generation",
            family="diffusion transformer",
            year=2022,
            paper="Peebles and Xie 2022, Scalable Diffusion Models with Transformers, arXiv:2212.09748",
            sentence="One denoising step of a diffusion transformer on a 32 x 32 latent (a 256 x 256 image).",
            input="Latent 4 x 32 x 32, time step and class label",
            licence=OURS,
            build=build_dit,
            inputs=["latent", "timestep", "label"],
            outputs=["noise"],
            dynamic={n: {0: "batch"} for n in ("latent", "timestep", "label")},
            default_dims={"batch": 1},
            export_args=lambda: (torch.randn(2, 4, 32, 32), torch.tensor([10, 11]), torch.tensor([3, 4])),
            published=[published("parameters", 33e6, "Peebles and Xie 2022, table 1 (rounded)"), published("gmacs", 6.06, "Peebles and Xie 2022, table 4, called Gflops there")],
        ),
        Entry(
            id="ddpm-cifar10-unet",
            title="DDPM U-Net (CIFAR-10)",
            task="image generation",
            thumb="image-generation",
            family="diffusion U-Net",
            year=2020,
            paper="Ho et al. 2020, Denoising Diffusion Probabilistic Models, arXiv:2006.11239",
            sentence="One denoising step of the network that made diffusion models popular.",
            input="Noisy RGB image, 32 x 32, and time step",
            licence=DIFFUSERS,
            build=build_ddpm,
            inputs=["image", "timestep"],
            outputs=["noise"],
            dynamic={"image": {0: "batch"}, "timestep": {0: "batch"}},
            default_dims={"batch": 1},
            export_args=lambda: (torch.randn(2, 3, 32, 32), torch.tensor([10, 11])),
            published=[published("parameters", 35.7e6, "Ho et al. 2020, appendix B (rounded)")],
        ),
        Entry(
            id="lstm-lm-medium",
            title="LSTM language model (medium)",
            task="text generation",
            thumb="text-generation",
            family="recurrent network",
            year=2014,
            paper="Zaremba et al. 2014, Recurrent Neural Network Regularization, arXiv:1409.2329",
            sentence="Two LSTM layers of 650 units: what language models were before transformers.",
            input="Word ids; 35 words by default",
            licence=OURS,
            build=build_lstm,
            inputs=["input_ids"],
            outputs=["logits"],
            dynamic={"input_ids": {0: "batch", 1: "sequence"}, "logits": {0: "batch", 1: "sequence"}},
            default_dims={"batch": 1, "sequence": 35},
            dynamo=False,
            opset=17,
            export_args=lambda: (tokens(2, 20, 10_000),),
        ),
        Entry(
            id="ds-cnn-kws",
            title="DS-CNN keyword spotting",
            task="keyword spotting on a microcontroller",
            thumb="tiny",
            family="tiny convolutional network",
            year=2017,
            paper="Zhang et al. 2017, Hello Edge: Keyword Spotting on Microcontrollers, arXiv:1711.07128; size of MLPerf Tiny: Banbury et al. 2021, arXiv:2106.07597",
            sentence="Hears twelve words within the memory of a microcontroller.",
            input="49 frames x 10 mel-frequency coefficients (one second of sound)",
            licence=OURS,
            build=build_ds_cnn,
            inputs=["features"],
            outputs=["probabilities"],
            dynamic={"features": {0: "batch"}},
            default_dims={"batch": 1},
            dynamo=False,
            opset=13,
        ),
    ]


def make(entry: Entry) -> dict:
    """Export one entry, measure it, write its file, and return what was measured."""
    torch.manual_seed(0)
    torch.set_num_threads(2)
    network, args = entry.build()
    network.eval()
    go.randomise(network)
    parameters = go.torch_parameters(network)
    macs = go.torch_macs(network, args)
    with go.quiet():
        model = go.export(
            network,
            entry.export_args() if entry.export_args else args,
            inputs=entry.inputs,
            outputs=entry.outputs,
            opset=entry.opset,
            dynamo=entry.dynamo,
            dynamic=entry.dynamic,
        )
    if entry.fold:
        with go.quiet():
            model = go.fold_constants(model)
        go.short_tensor_names(model)
    feeds = {name: value.numpy() for name, value in zip(entry.inputs, args)}
    fed = {i.name for i in model.graph.input}
    shapes, outputs = go.runtime_shapes(model, {k: v for k, v in feeds.items() if k in fed})
    graph_macs, per_op = go.graph_macs(model, shapes)
    go.write_shapes(SHAPES / f"gallery_{entry.file[:-5]}.tsv", shapes)
    # A second set of dimensions, where more than the batch is free.
    second = None
    if entry.export_args and set(entry.default_dims) - {"batch"}:
        other = entry.export_args()
        other_feeds = {name: value.numpy() for name, value in zip(entry.inputs, other)}
        other_shapes, _ = go.runtime_shapes(model, {k: v for k, v in other_feeds.items() if k in fed})
        second = {
            "dims": {dim: other_feeds[name].shape[axis] for name, axes in entry.dynamic.items() if name in other_feeds for axis, dim in axes.items()},
            "macs": go.torch_macs(network, other),
            "graph_macs": go.graph_macs(model, other_shapes)[0],
            "outputs": {name: other_shapes[name] for name in outputs},
        }
    initializers, with_constants = go.float_elements(model)
    size = go.save(model, MODELS / entry.file)
    opset = next(o.version for o in model.opset_import if o.domain == "")
    return {
        "id": entry.id,
        "bytes": size,
        "nodes": len(model.graph.node),
        "functions": len(model.functions),
        "parameters": parameters,
        "macs": macs,
        "graph_macs": graph_macs,
        "per_op": per_op,
        "initializers": initializers,
        "with_constants": with_constants,
        "opset": opset,
        "ops": sorted({n.op_type for n in model.graph.node}),
        "dims": sorted({d.dim_param for i in model.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param}),
        "outputs": {name: shapes[name] for name in outputs},
        "second": second,
    }


def write_tables(measured: dict[str, dict]) -> None:
    import torch as t

    how_of = lambda e: f"torch.onnx.export, dynamo={e.dynamo}, opset {measured[e.id]['opset']}, torch {t.__version__.split('+')[0]}" + (", constants folded by onnxscript" if e.fold else "")
    rows = []
    for entry in entries():
        m = measured.get(entry.id)
        if m is None:
            continue
        rows.append(
            {
                "id": entry.id,
                "file": entry.file,
                "title": entry.title,
                "task": entry.task,
                "thumb": f"thumbs/{entry.thumb}.svg",
                "family": entry.family,
                "year": entry.year,
                "paper": entry.paper,
                "sentence": entry.sentence,
                "input": entry.input,
                "default_dims": entry.default_dims,
                "parameters": m["parameters"],
                "published": entry.published,
                "exported": how_of(entry),
                "note": entry.note,
                "licence": entry.licence,
                "bytes": m["bytes"],
            }
        )
    (MODELS / "manifest.json").write_text(json.dumps({"version": 1, "models": rows}, indent=1, ensure_ascii=False) + "\n")
    with (MODELS / "expected.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("file,dims,params_of_network,float_elements_initializers,float_elements_with_constants,macs,macs_from_graph,outputs,data_dependent,how".split(","))
        for entry in entries():
            m = measured.get(entry.id)
            if m is None:
                continue
            how = m.get("how") or how_of(entry)
            for run in filter(None, ({**m, "dims": entry.default_dims}, m.get("second"))):
                dims = " ".join(f"{k}={v}" for k, v in run["dims"].items())
                outputs = " ".join(f"{name}:{dtype}:{'x'.join(map(str, s))}" for name, (dtype, s) in run["outputs"].items())
                writer.writerow([entry.file, dims, m["parameters"], m["initializers"], m["with_constants"], run["macs"], run["graph_macs"], outputs, "yes" if entry.data_dependent else "", how])


def main() -> None:
    # What was measured, kept between runs so that one network can be made again alone.
    cache = Path(tempfile.gettempdir()) / "greenprint-gallery.json"
    measured = json.loads(cache.read_text()) if cache.exists() else {}
    if len(sys.argv) == 3 and sys.argv[1] == "--only":
        entry = next(e for e in entries() if e.id == sys.argv[2])
        measured[entry.id] = make(entry)
        cache.write_text(json.dumps(measured, indent=1) + "\n")
        return
    wanted = sys.argv[1:] or [e.id for e in entries()]
    for name in wanted:
        # One process for each network, so that memory is given back.
        done = subprocess.run([sys.executable, __file__, "--only", name], capture_output=True, text=True)
        measured = json.loads(cache.read_text()) if cache.exists() else {}
        if done.returncode:
            print(f"FAILED {name}\n{done.stderr[-1500:]}", flush=True)
            continue
        m = measured[name]
        print(name, {k: m[k] for k in ("bytes", "nodes", "opset", "parameters", "initializers", "with_constants", "macs", "graph_macs", "dims", "outputs")}, "MACS DIFFER" if m["macs"] != m["graph_macs"] else "", flush=True)
    write_tables(measured)


if __name__ == "__main__":
    main()
