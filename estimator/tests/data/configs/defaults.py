"""Makes ../../../data/architectures.jsonl: what a configuration class takes for a field that a config.json leaves out.

A line holds a model type, the class's other names for its fields (`names`), the types of the configurations inside (`parts`)
and the defaults of its fields (`fields`), read from the signatures of the library `transformers`.
Fields without influence on sizes (dropout, token ids, generation, losses) are left out.

Run with transformers 4.57.6: python defaults.py
"""

import inspect, json, re, warnings
warnings.filterwarnings("ignore")
import transformers
from transformers import PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

TYPES = """llama mistral ministral mixtral qwen2 qwen2_moe qwen3 qwen3_moe qwen3_next gemma gemma2 gemma3_text gemma3 phi phi3 phimoe falcon
falcon_mamba falcon_h1 olmo olmo2 olmo3 olmoe deepseek_v2 deepseek_v3 gpt_oss glm glm4 glm4_moe granite granitemoe granitemoeshared granitemoehybrid
smollm3 starcoder2 gpt_bigcode bloom opt gpt2 gpt_neox gptj gpt_neo codegen mpt cohere cohere2 stablelm persimmon nemotron arcee seed_oss apertus
helium exaone4 hunyuan_v1_dense ernie4_5 dbrx biogpt xglm openai-gpt mamba mamba2 jamba zamba zamba2 rwkv recurrent_gemma lfm2 llama4_text llama4
llama4_vision_model t5 mt5 umt5 longt5 switch_transformers bart mbart pegasus marian m2m_100 blenderbot blenderbot-small bert roberta xlm-roberta
xlm-roberta-xl camembert ernie data2vec-text distilbert mobilebert albert deberta deberta-v2 electra mpnet modernbert roformer layoutlm megatron-bert
convbert squeezebert longformer big_bird fnet esm whisper wav2vec2 hubert wavlm unispeech-sat data2vec-audio audio-spectrogram-transformer moonshine
vit deit beit data2vec-vision swin swinv2 donut-swin convnext convnextv2 dinov2 dinov2_with_registers dinov3_vit vit_msn ijepa segformer resnet
clip clip_text_model clip_vision_model siglip siglip_text_model siglip_vision_model siglip2 siglip2_text_model siglip2_vision_model
sam sam_vision_model sam_prompt_encoder sam_mask_decoder llava llava_next llava_onevision paligemma mistral3 pixtral idefics3 idefics3_vision
smolvlm smolvlm_vision qwen2_vl qwen2_vl_text qwen2_5_vl qwen2_5_vl_text qwen3_vl qwen3_vl_text qwen2_audio qwen2_audio_encoder bitnet
ernie4_5_moe hunyuan_v1_moe dots1 flex_olmo minimax longcat_flash qwen3_vl_moe qwen3_vl_moe_text gemma3n_text""".split()

# Classes that the library does not list by their own model type.
OTHERS = {}
from transformers.models.clip.configuration_clip import CLIPTextConfig, CLIPVisionConfig
from transformers.models.siglip.configuration_siglip import SiglipTextConfig, SiglipVisionConfig
from transformers.models.siglip2.configuration_siglip2 import Siglip2TextConfig, Siglip2VisionConfig
from transformers.models.sam.configuration_sam import SamVisionConfig, SamPromptEncoderConfig, SamMaskDecoderConfig
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLVisionConfig
from transformers.models.qwen3_vl_moe.configuration_qwen3_vl_moe import Qwen3VLMoeVisionConfig, Qwen3VLMoeTextConfig
from transformers.models.llama4.configuration_llama4 import Llama4VisionConfig
from transformers.models.dbrx.configuration_dbrx import DbrxAttentionConfig, DbrxFFNConfig
OTHERS = {"clip_text_model": CLIPTextConfig, "clip_vision_model": CLIPVisionConfig, "siglip_text_model": SiglipTextConfig,
    "siglip_vision_model": SiglipVisionConfig, "siglip2_text_model": Siglip2TextConfig, "siglip2_vision_model": Siglip2VisionConfig,
    "sam_vision_model": SamVisionConfig, "sam_prompt_encoder": SamPromptEncoderConfig, "sam_mask_decoder": SamMaskDecoderConfig,
    "llama4_vision_model": Llama4VisionConfig, "qwen2_vl.vision": Qwen2VLVisionConfig, "qwen2_5_vl.vision": Qwen2_5_VLVisionConfig, "qwen3_vl.vision": Qwen3VLVisionConfig, "qwen3_vl_moe.vision": Qwen3VLMoeVisionConfig,
    "qwen3_vl_moe_text": Qwen3VLMoeTextConfig,
    "dbrx.attn": DbrxAttentionConfig, "dbrx.ffn": DbrxFFNConfig}

NOISE = re.compile(r"dropout|drop_rate|droppath|drop_path|pdrop|_drop$|token_id|token_index|initializer|init_std|init_scale|init_method|init_xavier|std$|_eps|epsilon|^eps$|^use_cache$|rope_theta|rope_base|rotary_emb_base"
    r"|jitter|router_aux|aux_loss|output_router|mask_time|mask_feature|spec_augment|ctc_|loss|layerdrop|scale_embedding|z_loss|softcap|mask_prob"
    r"|pretraining_tp|hidden_act$|activation|attn_implementation|return_dict|output_attentions|output_hidden|output_past|scaling_factor|multiplier|time_step|rescale"
    r"|norm_topk|topk_group|n_group|topk_method|scoring|seq_aux|summary_(?!use_proj)|scale_attn|reorder|use_mamba_kernels|keep_prob|dtype|kwargs|gradient|out_indices|routed_scal"
    r"|diversity|contrastive|num_negatives|median_filter|decoder_start|cls_token|query_pre_attn|rope_scaling|rope_parameters|use_bfloat|torchscript|floor_scale|attn_scale|attn_temp|normalizer")

def fields(cls):
    base = set(inspect.signature(PretrainedConfig.__init__).parameters)
    out = {"tie_word_embeddings": True}
    for klass in reversed(cls.__mro__):
        if klass in (object, PretrainedConfig) or "__init__" not in vars(klass) or not issubclass(klass, PretrainedConfig): continue
        if klass is not cls and "__init__" in vars(cls): continue
        for name, p in inspect.signature(klass.__init__).parameters.items():
            if name == "self" or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL): continue
            if NOISE.search(name) or (name in base and name not in ("tie_word_embeddings", "num_labels")): continue
            value = p.default
            if value is inspect._empty or value is None and name != "tie_word_embeddings": continue
            if isinstance(value, tuple): value = list(value)
            if isinstance(value, (dict,)) or isinstance(value, list) and len(value) > 64: continue
            if isinstance(value, float) and value.is_integer(): value = int(value)
            if name == "tie_word_embeddings" and value is None: value = True
            out[name] = value
    try:
        out["tie_word_embeddings"] = bool(cls().tie_word_embeddings)
    except Exception as e:
        print(cls.__name__, type(e).__name__, str(e)[:80])
    return out

with open("../../../data/architectures.jsonl", "w") as out:
    for name in sorted(TYPES + [t for t in OTHERS if t not in TYPES]):
        cls = OTHERS.get(name)
        if cls is None:
            try: cls = CONFIG_MAPPING[name]
            except KeyError: print("no", name); continue
        line = {"model_type": name}
        if cls.attribute_map: line["names"] = {k: v for k, v in cls.attribute_map.items() if k != v}
        parts = {k: getattr(v, "model_type", "") for k, v in getattr(cls, "sub_configs", {}).items() if getattr(v, "model_type", "")}
        if parts: line["parts"] = parts
        line["fields"] = fields(cls)
        out.write(json.dumps(line, separators=(",", ":")) + "\n")
