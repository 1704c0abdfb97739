"""Makes macs.jsonl: MACs that torch's FlopCounterMode counts in a forward pass of small models, at two lengths of text.

It counts matrix products, convolutions and attention products, each run for real with eager attention on random weights.
Products that make rotary angles (a position times a frequency) are outer products and are taken off.
Configurations come from parameters.jsonl.

Run with transformers 4.57.6 and torch 2.12: python macs.py
"""

import json, sys, time, warnings
warnings.filterwarnings("ignore")
import torch, transformers
from torch.utils.flop_counter import FlopCounterMode
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
transformers.logging.set_verbosity_error()
torch.manual_seed(0)
torch.set_num_threads(1)

LENGTHS = [12, 20]
SPEECH = {"wav2vec2", "hubert", "wavlm", "unispeech-sat", "data2vec-audio", "audio-spectrogram-transformer", "moonshine", "sam"}
# These compute more in the library's plain path than the network asks for (Llama 4 runs every expert on every token,
# Qwen3-Next fills its chunks up, MiniMax computes its blocks whole,
# Longformer and sparse BigBird compute overlapping blocks; LongCat's routing decides how many experts compute), or call a fused kernel that is not counted on a processor (RecurrentGemma).
# Their text is counted with the decoder's own family.
MULTIMODAL = {"gemma3", "llama4", "llava", "llava_next", "llava_onevision", "paligemma", "mistral3", "idefics3", "smolvlm", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen2_audio"}
OTHERWISE = {"llama4_text", "qwen3_next", "recurrent_gemma", "minimax", "longformer", "longcat_flash"}
ROTARY = ("rotary_emb", "rotary_emb_local", "pos_emb", "rotary_pos_emb", "rotary_embeddings", "rope_embeddings", "global_rotary", "local_rotary", "embed_positions_rotary")
seen = set()
only = set(sys.argv[1:])

def inputs(model, config, kind, n):
    ids = torch.randint(3, min(100, vocabulary(config)), (1, n))
    if kind == "whisper": return dict(input_features=torch.randn(1, config.num_mel_bins, 2 * config.max_source_positions), decoder_input_ids=ids)
    if kind in ("clip", "siglip"):
        v, t = config.vision_config, config.text_config
        text = torch.randint(3, 100, (1, t.max_position_embeddings))
        return dict(input_ids=text, pixel_values=torch.randn(1, v.num_channels, v.image_size, v.image_size))
    if kind in ("clip_vision_model", "siglip_vision_model"):
        return dict(pixel_values=torch.randn(1, config.num_channels, config.image_size, config.image_size))
    if kind == "clip_text_model": return dict(input_ids=torch.randint(3, 100, (1, config.max_position_embeddings)))
    if kind == "resnet": return dict(pixel_values=torch.randn(1, config.num_channels, 224, 224))
    if hasattr(config, "image_size") and hasattr(config, "num_channels"):
        return dict(pixel_values=torch.randn(1, config.num_channels, config.image_size, config.image_size))
    if config.is_encoder_decoder: return dict(input_ids=ids, decoder_input_ids=ids)
    if kind == "rwkv": return dict(input_ids=ids, use_cache=False)
    return dict(input_ids=ids)

def vocabulary(config):
    return getattr(config, "vocab_size", 128)

def count(model, given):
    counter = FlopCounterMode(model, display=False, depth=None)
    with torch.no_grad(), counter:
        model(**given)
    counts = counter.get_flop_counts()
    total = sum(counts["Global"].values())
    for name, of in counts.items():
        if name.split(".")[-1] in ROTARY or name.split(".")[-1].endswith("rotary_emb"):
            total -= sum(of.values())
    # Causal convolutions are padded on both sides, and what they compute behind the end is thrown away.
    for module in model.modules():
        if isinstance(module, torch.nn.Conv1d) and module.groups > 1 and module.padding == (module.kernel_size[0] - 1,):
            total -= 2 * module.padding[0] * module.weight.numel()
    return total // 2

out = open("macs.jsonl" if not only else "/dev/stdout", "w")
start = time.time()
for line in open("parameters.jsonl"):
    line = json.loads(line)
    given = line["config"]
    kind = given.get("model_type")
    if kind is None or kind in SPEECH | OTHERWISE or given.get("sliding_window", 99) < max(LENGTHS) or given.get("add_cross_attention") or kind in MULTIMODAL or "tensors" not in line: continue
    if only and kind not in only or given.get("attention_type") == "block_sparse": continue
    name = given["architectures"][0]
    key = json.dumps(given)
    if key in seen or line["parameters"] > 3_000_000: continue
    seen.add(key)
    try:
        fields = {k: v for k, v in json.loads(key).items() if k not in ("architectures", "model_type")}
        if "id2label" in fields: fields["id2label"] = {int(k): v for k, v in fields["id2label"].items()}
        config = CONFIG_MAPPING[kind](**fields)
        cls = getattr(transformers, name)
        try:
            model = cls._from_config(config, attn_implementation="eager")
        except ValueError:
            model = cls(config)
        model = model.float().eval()
        macs = [count(model, inputs(model, config, kind, n)) for n in LENGTHS]
        out.write(json.dumps({"config": given, "tokens": LENGTHS, "macs": macs}, separators=(",", ":")) + "\n")
    except Exception as e:
        print("skip", name, type(e).__name__, str(e)[:120], file=sys.stderr)
print(round(time.time() - start), "s", file=sys.stderr)
