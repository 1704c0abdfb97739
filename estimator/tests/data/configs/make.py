"""Makes parameters.jsonl: what the model classes of the library `transformers` count for many configurations.

Every model is built on torch's meta device, so no weight takes memory; parameters are counted once where they are shared.
A line holds the configuration as a config.json would state it (what it leaves out takes the class's own default),
the number of parameters, that of the input embedding, and for small models every tensor's name and shape.

Run with transformers 4.57.6, diffusers 0.37.1 and torch 2.12: python make.py
"""

import json, os, re, sys, time, warnings, logging
warnings.filterwarnings("ignore")
import torch, transformers
from transformers import AutoConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
transformers.logging.set_verbosity_error()

HEADS = {
    "decoder": ["Model", "ForCausalLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"],
    "encoder": ["Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice", "ForPreTraining", "ForCausalLM", "LMHeadModel", "ForNextSentencePrediction"],
    "seq2seq": ["Model", "ForConditionalGeneration", "EncoderModel", "ForCausalLM", "MTModel", "ForSequenceClassification", "ForQuestionAnswering", "ForTokenClassification"],
    "vision": ["Model", "ForImageClassification", "ForMaskedImageModeling", "ForImageClassificationWithTeacher"],
    "speech": ["Model", "ForCTC", "ForSequenceClassification", "ForAudioFrameClassification", "ForXVector", "ForPreTraining", "ForAudioClassification", "ForConditionalGeneration", "ForCausalLM"],
    "dual": ["Model", "TextModel", "TextModelWithProjection", "VisionModel", "VisionModelWithProjection", "ForImageClassification"],
    "mm": ["Model", "ForConditionalGeneration", "ForCausalLM"],
}

def dims(h, l, a, kv=None, i=None, v=None, **more):
    out = dict(hidden_size=h, num_hidden_layers=l, num_attention_heads=a)
    if kv is not None: out["num_key_value_heads"] = kv
    if i is not None: out["intermediate_size"] = i
    if v is not None: out["vocab_size"] = v
    return {**out, **more}

TINY = dims(64, 3, 4, 2, 96, 128)
# List the tensors of small models with every head, and not with the usual one alone.
FULL = "FULL" in os.environ
CASES = []
def case(model_type, stem, heads, small, *sizes):
    """`small`: configurations tried with every head class; `sizes`: with the first causal, conditional or base class only."""
    CASES.append((model_type, stem, heads, small, sizes))

D = "decoder"; E = "encoder"; Q = "seq2seq"; V = "vision"; A = "speech"
case("llama", "Llama", D, [TINY, {**TINY, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}, {**TINY, "head_dim": 24}],
     dims(4096, 32, 32, None, 11008, 32000), dims(8192, 80, 64, 8, 28672, 128256), {}, dims(5120, 40, 40, 40, 13824, 32000))
case("mistral", "Mistral", D, [TINY, {**TINY, "sliding_window": 16}], dims(4096, 32, 32, 8, 14336, 32000), dims(5120, 40, 32, 8, 14336, 131072, head_dim=128), {})
case("ministral", "Ministral", D, [{**TINY, "layer_types": ["full_attention", "sliding_attention", "sliding_attention"], "sliding_window": 8, "rope_theta": 10000.0, "head_dim": 16}])
case("mixtral", "Mixtral", D, [{**TINY, "num_local_experts": 4, "num_experts_per_tok": 2}], dims(4096, 4, 32, 8, 14336, 32000, num_local_experts=8))
case("qwen2", "Qwen2", D, [TINY, {**TINY, "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}], dims(3584, 28, 28, 4, 18944, 152064), dims(896, 24, 14, 2, 4864, 151936, tie_word_embeddings=True),
     dims(8192, 80, 64, 8, 29568, 152064), dims(2560, 40, 20, 20, 6912, 151936), {})
case("qwen2_moe", "Qwen2Moe", D, [{**TINY, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 48},
     {**TINY, "num_experts": 4, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 48, "decoder_sparse_step": 2, "mlp_only_layers": [0], "num_hidden_layers": 5}],
     dims(2048, 24, 16, 16, 5632, 151936, num_experts=60, num_experts_per_tok=4, moe_intermediate_size=1408, shared_expert_intermediate_size=5632))
case("qwen3", "Qwen3", D, [{**TINY, "head_dim": 16}, {**TINY, "attention_bias": True}], dims(1024, 28, 16, 8, 3072, 151936, head_dim=128, tie_word_embeddings=True), {})
case("qwen3_moe", "Qwen3Moe", D, [{**TINY, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}, {**TINY, "num_experts": 4, "num_experts_per_tok": 2, "decoder_sparse_step": 2, "mlp_only_layers": [2]}],
     dims(2048, 6, 32, 4, 6144, 151936, head_dim=128, num_experts=128, num_experts_per_tok=8, moe_intermediate_size=768))
case("qwen3_next", "Qwen3Next", D, [{**TINY, "num_hidden_layers": 4, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32, "head_dim": 32, "linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 4}])
case("gemma", "Gemma", D, [{**TINY, "head_dim": 16}], dims(2048, 18, 8, 1, 16384, 256000, head_dim=256), dims(3072, 28, 16, 16, 24576, 256000, head_dim=256), {})
case("gemma2", "Gemma2", D, [{**TINY, "head_dim": 16}], dims(2304, 26, 8, 4, 9216, 256000, head_dim=256), dims(4608, 46, 32, 16, 36864, 256000, head_dim=128), {})
case("gemma3_text", "Gemma3", ["ForCausalLM"], [{**TINY, "head_dim": 16, "num_hidden_layers": 7}], dims(1152, 26, 4, 1, 6912, 262144, head_dim=256), dims(2560, 34, 8, 4, 10240, 262208, head_dim=256), {})
case("gemma3", "Gemma3", "mm", [dict(text_config={**TINY, "head_dim": 16, "model_type": "gemma3_text"}, vision_config=dims(32, 2, 2, None, 48, image_size=56, patch_size=14, model_type="siglip_vision_model"), mm_tokens_per_image=4)],
     dict(text_config=dims(2560, 34, 8, 4, 10240, 262208, head_dim=256), vision_config=dims(1152, 27, 16, None, 4304, image_size=896, patch_size=14)), {})
case("phi", "Phi", D, [TINY, {**TINY, "qk_layernorm": True}], dims(2560, 32, 32, None, 10240, 51200), dims(2048, 24, 32, None, 8192, 51200), {})
case("phi3", "Phi3", D, [{**TINY, "pad_token_id": 0}], dims(3072, 32, 32, 32, 8192, 32064), dims(3072, 32, 24, 8, 8192, 200064, tie_word_embeddings=True, partial_rotary_factor=0.75), {})
case("phimoe", "Phimoe", D, [{**TINY, "num_local_experts": 4, "attention_bias": True, "lm_head_bias": True}], dims(4096, 4, 32, 8, 6400, 32064, num_local_experts=16, attention_bias=True, lm_head_bias=True))
case("falcon", "Falcon", D, [dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=128),
     dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=128, new_decoder_architecture=True, num_kv_heads=2),
     dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=128, multi_query=False, parallel_attn=False, bias=True, alibi=True)],
     dict(hidden_size=4544, num_hidden_layers=32, num_attention_heads=71, vocab_size=65024, multi_query=True, parallel_attn=True, bias=False),
     dict(hidden_size=8192, num_hidden_layers=60, num_attention_heads=128, vocab_size=65024, new_decoder_architecture=True, num_kv_heads=8),
     dict(hidden_size=4096, num_hidden_layers=60, num_attention_heads=32, vocab_size=65024, new_decoder_architecture=True, num_ln_in_parallel_attn=1, num_kv_heads=8, ffn_hidden_size=9000), {})
case("falcon_mamba", "FalconMamba", D, [dict(hidden_size=64, num_hidden_layers=2, vocab_size=128)], {})
case("falcon_h1", "FalconH1", D, [{**TINY, "mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_state": 16, "mamba_expand": 1}])
case("olmo", "Olmo", D, [TINY, {**TINY, "attention_bias": True}], dims(4096, 32, 32, None, 11008, 50304), {})
case("olmo2", "Olmo2", D, [TINY], dims(4096, 32, 32, None, 11008, 100352), {})
case("olmo3", "Olmo3", D, [{**TINY, "num_hidden_layers": 4, "sliding_window": 8}])
case("olmoe", "Olmoe", D, [{**TINY, "num_experts": 4, "num_experts_per_tok": 2}], {})
case("deepseek_v2", "DeepseekV2", D, [dims(64, 3, 4, 4, 96, 128, n_routed_experts=4, n_shared_experts=2, num_experts_per_tok=2, moe_intermediate_size=32, q_lora_rank=24, kv_lora_rank=16, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=10, first_k_dense_replace=1, topk_method="greedy"),
     dims(64, 3, 4, 4, 96, 128, n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=32, q_lora_rank=None, kv_lora_rank=16, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=10, first_k_dense_replace=1, topk_method="greedy")],
     dims(2048, 3, 16, 16, 10944, 102400, q_lora_rank=None, n_routed_experts=64, n_shared_experts=2, num_experts_per_tok=6, moe_intermediate_size=1408, first_k_dense_replace=1))
case("deepseek_v3", "DeepseekV3", D, [dims(64, 4, 4, 4, 96, 128, n_routed_experts=8, n_group=2, topk_group=1, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=32, q_lora_rank=24, kv_lora_rank=16, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=10, first_k_dense_replace=1)],
     dims(7168, 4, 128, 128, 18432, 129280))
case("gpt_oss", "GptOss", D, [{**TINY, "num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 16}], dims(2880, 24, 64, 8, 2880, 201088, num_local_experts=32), {})
case("glm", "Glm", D, [{**TINY, "head_dim": 16, "pad_token_id": 0}], {})
case("glm4", "Glm4", D, [{**TINY, "head_dim": 16, "pad_token_id": 0}], {})
case("glm4_moe", "Glm4Moe", D, [dims(64, 3, 4, 2, 96, 128, head_dim=16, n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, first_k_dense_replace=1, use_qk_norm=True), dims(64, 3, 4, 2, 96, 128, head_dim=16, n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, first_k_dense_replace=1, attention_bias=True)])
case("granite", "Granite", D, [TINY, {**TINY, "attention_bias": True, "mlp_bias": True}], dims(4096, 40, 32, 8, 12800, 49155, tie_word_embeddings=True), {})
case("granitemoe", "GraniteMoe", D, [{**TINY, "num_local_experts": 4, "num_experts_per_tok": 2}], {})
case("granitemoeshared", "GraniteMoeShared", D, [{**TINY, "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 48}])
case("granitemoehybrid", "GraniteMoeHybrid", D, [{**TINY, "num_local_experts": 4, "num_experts_per_tok": 2, "shared_intermediate_size": 48, "layer_types": ["mamba", "attention", "mamba"], "mamba_n_heads": 8, "mamba_d_state": 16}])
case("smollm3", "SmolLM3", D, [{**TINY, "pad_token_id": 0, "num_hidden_layers": 4}], {"pad_token_id": 0})
case("starcoder2", "Starcoder2", D, [TINY, {**TINY, "use_bias": False, "tie_word_embeddings": False}], dims(6144, 40, 48, 4, 24576, 49152), {})
case("gpt_bigcode", "GPTBigCode", D, [dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32), dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32, multi_query=False)], dict(n_embd=6144, n_layer=40, n_head=48, vocab_size=49152, n_positions=8192, n_inner=24576), {})
case("bloom", "Bloom", D, [dict(hidden_size=64, n_layer=2, n_head=4, vocab_size=128)], dict(hidden_size=1024, n_layer=24, n_head=16, vocab_size=250880), dict(n_embed=14336, n_layer=70, num_attention_heads=112, vocab_size=250880), {})
case("opt", "OPT", D, [dims(64, 2, 4, None, None, 128, ffn_dim=96, max_position_embeddings=32), dims(64, 2, 4, None, None, 128, ffn_dim=96, max_position_embeddings=32, word_embed_proj_dim=32, do_layer_norm_before=False), dims(64, 2, 4, None, None, 128, ffn_dim=96, enable_bias=False, layer_norm_elementwise_affine=False, max_position_embeddings=32)],
     dims(1024, 24, 16, None, None, 50272, ffn_dim=4096, word_embed_proj_dim=512, do_layer_norm_before=False), dims(4096, 32, 32, None, None, 50272, ffn_dim=16384), {})
case("gpt2", "GPT2", D, [dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32), dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32, n_inner=80, add_cross_attention=True)], dict(n_embd=1600, n_layer=48, n_head=25), {})
case("gpt_neox", "GPTNeoX", D, [dims(64, 2, 4, None, 96, 128), dims(64, 2, 4, None, 96, 128, attention_bias=False, tie_word_embeddings=True)], dims(5120, 36, 40, None, 20480, 50688), {})
case("gptj", "GPTJ", D, [dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32, rotary_dim=8)], {})
case("gpt_neo", "GPTNeo", D, [dict(hidden_size=64, num_layers=2, num_heads=4, vocab_size=128, max_position_embeddings=32, attention_types=[[["global", "local"], 1]])], {})
case("codegen", "CodeGen", D, [dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32, rotary_dim=8)], {})
case("mpt", "Mpt", D, [dict(d_model=64, n_layers=2, n_heads=4, vocab_size=128)], dict(d_model=4096, n_layers=32, n_heads=32, vocab_size=50432), {})
case("cohere", "Cohere", D, [TINY, {**TINY, "use_qk_norm": True, "attention_bias": True}], dims(8192, 40, 64, 64, 22528, 256000), {})
case("cohere2", "Cohere2", D, [TINY], dims(4096, 32, 32, 8, 14336, 256000), {})
case("stablelm", "StableLm", D, [TINY, {**TINY, "use_qkv_bias": True, "qk_layernorm": True, "use_parallel_residual": True}], dims(2048, 24, 32, 32, 5632, 100352, use_qkv_bias=True), {})
case("persimmon", "Persimmon", D, [dims(64, 2, 4, None, 96, 128)], {})
case("nemotron", "Nemotron", D, [TINY], {})
case("arcee", "Arcee", D, [TINY])
case("seed_oss", "SeedOss", D, [{**TINY, "head_dim": 16}])
case("apertus", "Apertus", D, [TINY])
case("helium", "Helium", D, [{**TINY, "head_dim": 16}])
case("exaone4", "Exaone4", D, [{**TINY, "num_hidden_layers": 4}])
case("hunyuan_v1_dense", "HunYuanDenseV1", D, [{**TINY, "head_dim": 16}])
case("ernie4_5", "Ernie4_5", D, [{**TINY, "head_dim": 16}])
case("dbrx", "Dbrx", D, [dict(d_model=64, n_layers=2, n_heads=4, vocab_size=128, attn_config=dict(kv_n_heads=2, clip_qkv=8), ffn_config=dict(ffn_hidden_size=64, moe_num_experts=4, moe_top_k=2))])
case("biogpt", "BioGpt", D, [dims(64, 2, 4, None, 96, 128)], {})
case("xglm", "XGLM", D, [dict(d_model=64, num_layers=2, attention_heads=4, ffn_dim=96, vocab_size=128)], {})
case("openai-gpt", "OpenAIGPT", D, [dict(n_embd=64, n_layer=2, n_head=4, vocab_size=128, n_positions=32)], {})
case("mamba", "Mamba", D, [dict(hidden_size=64, num_hidden_layers=2, vocab_size=128)], dict(hidden_size=2560, num_hidden_layers=64, vocab_size=50280), {})
case("mamba2", "Mamba2", D, [dict(hidden_size=64, num_hidden_layers=2, vocab_size=128, num_heads=8, head_dim=16, state_size=16, n_groups=2)], dict(hidden_size=2560, num_hidden_layers=64, vocab_size=50288, num_heads=80, head_dim=64, n_groups=1, tie_word_embeddings=True), {})
case("jamba", "Jamba", D, [{**TINY, "num_hidden_layers": 4, "num_experts": 4, "attn_layer_period": 4, "attn_layer_offset": 2, "use_mamba_kernels": False}], )
case("zamba", "Zamba", D, [{**TINY, "num_hidden_layers": 6, "attn_layer_period": 3, "attn_layer_offset": 2, "n_mamba_heads": 2, "num_key_value_heads": 4, "use_mamba_kernels": False}])
case("zamba2", "Zamba2", D, [{**TINY, "num_hidden_layers": 6, "layers_block_type": ["mamba", "mamba", "hybrid", "mamba", "mamba", "hybrid"], "n_mamba_heads": 8, "hybrid_layer_ids": [2, 5], "num_key_value_heads": 4, "mamba_d_state": 16, "mamba_headdim": 16, "adapter_rank": 8, "use_shared_attention_adapter": True}, {**TINY, "num_hidden_layers": 6, "layers_block_type": ["mamba", "mamba", "hybrid", "mamba", "hybrid", "hybrid"], "hybrid_layer_ids": [2, 4, 5], "num_mem_blocks": 2, "num_key_value_heads": 4, "mamba_d_state": 16, "mamba_headdim": 16, "n_mamba_heads": 8, "adapter_rank": 8}], )
case("rwkv", "Rwkv", D, [dict(hidden_size=64, num_hidden_layers=2, vocab_size=128), dict(hidden_size=64, num_hidden_layers=2, vocab_size=128, attention_hidden_size=80, intermediate_size=96)], {})
case("recurrent_gemma", "RecurrentGemma", D, [{**TINY, "lru_width": 64, "num_key_value_heads": 1, "pad_token_id": 0}])
case("lfm2", "Lfm2", D, [{**TINY, "block_auto_adjust_ff_dim": False, "layer_types": ["conv", "full_attention", "conv"]}])
case("llama4_text", "Llama4", ["ForCausalLM"], [{**TINY, "head_dim": 16, "num_hidden_layers": 4, "intermediate_size_mlp": 80, "num_local_experts": 4, "interleave_moe_layer_step": 2, "pad_token_id": 0}],
     )
case("llama4", "Llama4", "mm", [dict(text_config={**TINY, "head_dim": 16, "num_hidden_layers": 4, "intermediate_size_mlp": 80, "num_local_experts": 4, "pad_token_id": 0}, vision_config=dims(32, 2, 2, None, 128, image_size=56, patch_size=14, vision_output_dim=48, projector_input_dim=48, projector_output_dim=48, pixel_shuffle_ratio=0.5))])
T5T = dict(d_model=64, d_kv=12, d_ff=96, num_layers=2, num_heads=4, vocab_size=128)
case("t5", "T5", Q, [T5T, {**T5T, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "num_decoder_layers": 3}], dict(d_model=512), dict(d_model=2048, d_kv=64, d_ff=5120, num_layers=24, num_heads=32, feed_forward_proj="gated-gelu", tie_word_embeddings=False), {})
case("mt5", "MT5", Q, [T5T], dict(d_model=768, d_kv=64, d_ff=2048, num_layers=12, num_heads=12, vocab_size=250112, tie_word_embeddings=False), {})
case("umt5", "UMT5", Q, [T5T])
BA = dict(d_model=64, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=80, vocab_size=128, max_position_embeddings=32)
case("bart", "Bart", Q, [BA], {})
case("mbart", "MBart", Q, [BA], {})
case("pegasus", "Pegasus", Q, [BA], {})
case("marian", "Marian", Q, [{**BA, "pad_token_id": 0}, {**BA, "pad_token_id": 0, "share_encoder_decoder_embeddings": False, "decoder_vocab_size": 120, "tie_word_embeddings": True}], dict(d_model=512, encoder_layers=6, decoder_layers=6, encoder_attention_heads=8, decoder_attention_heads=8, encoder_ffn_dim=2048, decoder_ffn_dim=2048, vocab_size=58101, max_position_embeddings=512, pad_token_id=58100))
case("m2m_100", "M2M100", Q, [BA], {})
case("blenderbot", "Blenderbot", Q, [BA])
case("blenderbot-small", "BlenderbotSmall", Q, [BA])
BE = dims(64, 2, 4, None, 96, 128, max_position_embeddings=32)
NL = {"id2label": {"0": "a", "1": "b", "2": "c"}}
case("bert", "Bert", E, [BE, {**BE, **NL}, {**BE, "add_cross_attention": True, "is_decoder": True}], {}, dims(1024, 24, 16, None, 4096), dims(312, 4, 12, None, 1200))
case("roberta", "Roberta", E, [BE], {}, dims(1024, 24, 16, None, 4096, 50265, max_position_embeddings=514, type_vocab_size=1))
case("xlm-roberta", "XLMRoberta", E, [BE], dict(vocab_size=250002, max_position_embeddings=514, type_vocab_size=1))
case("xlm-roberta-xl", "XLMRobertaXL", E, [BE])
case("camembert", "Camembert", E, [BE])
case("ernie", "Ernie", E, [{**BE, "use_task_id": True}, BE])
case("data2vec-text", "Data2VecText", E, [BE])
case("distilbert", "DistilBert", E, [dict(dim=64, hidden_dim=96, n_heads=4, n_layers=2, vocab_size=128, max_position_embeddings=32), dict(dim=64, hidden_dim=96, n_heads=4, n_layers=2, vocab_size=128, **NL)], {})
case("mobilebert", "MobileBert", E, [dict(hidden_size=64, intra_bottleneck_size=32, embedding_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, true_hidden_size=32, vocab_size=128), dict(hidden_size=64, intra_bottleneck_size=32, embedding_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=128, num_feedforward_networks=2, use_bottleneck_attention=True, classifier_activation=False),
     dict(hidden_size=64, intra_bottleneck_size=32, embedding_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=128, key_query_shared_bottleneck=False, trigram_input=False, normalization_type="layer_norm")], {})
case("albert", "Albert", E, [{**BE, "embedding_size": 32}, {**BE, "embedding_size": 32, "num_hidden_groups": 2, "inner_group_num": 2}], dims(768, 12, 12, None, 3072), {})
case("deberta", "Deberta", E, [{**BE, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, {**BE, "relative_attention": False, "embedding_size": 32, "type_vocab_size": 2}, {**BE, "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "talking_head": True, "position_biased_input": False}], dims(768, 12, 12, None, 3072, 50265, relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=False, type_vocab_size=0))
case("deberta-v2", "DebertaV2", E, [{**BE, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, {**BE, "relative_attention": True, "share_att_key": True, "pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm", "position_buckets": 16, "position_biased_input": False, "type_vocab_size": 0, "conv_kernel_size": 3, "conv_act": "gelu"}],
     dims(768, 12, 12, None, 3072, 128100, relative_attention=True, position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0), {})
case("electra", "Electra", E, [{**BE, "embedding_size": 32}, BE], dims(768, 12, 12, None, 3072, embedding_size=768), {})
case("mpnet", "MPNet", E, [BE], {})
case("modernbert", "ModernBert", E, [dims(64, 4, 4, None, 96, 128, pad_token_id=0), dims(64, 4, 4, None, 96, 128, pad_token_id=0, attention_bias=True, mlp_bias=True, norm_bias=True, decoder_bias=False, classifier_bias=True)], dims(1024, 28, 16, None, 2624), {})
case("layoutlm", "LayoutLM", E, [BE])
case("megatron-bert", "MegatronBert", E, [BE])
case("esm", "Esm", E, [{**BE, "pad_token_id": 1, "mask_token_id": 2}, {**BE, "pad_token_id": 1, "mask_token_id": 2, "position_embedding_type": "rotary", "emb_layer_norm_before": True}])
WH = dict(d_model=64, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=80, vocab_size=128, num_mel_bins=20, max_source_positions=50, max_target_positions=30, pad_token_id=0)
case("whisper", "Whisper", A, [WH], dict(d_model=1280, encoder_layers=32, decoder_layers=4, encoder_attention_heads=20, decoder_attention_heads=20, encoder_ffn_dim=5120, decoder_ffn_dim=5120, vocab_size=51866, num_mel_bins=128), {})
W2 = dims(64, 2, 4, None, 96, 40, conv_dim=[32, 32, 48], conv_kernel=[10, 3, 2], conv_stride=[5, 2, 2], num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, num_feat_extract_layers=3, classifier_proj_size=24, tdnn_dim=[32, 32, 48], tdnn_kernel=[5, 3, 1], tdnn_dilation=[1, 2, 1], xvector_output_dim=16, proj_codevector_dim=32, codevector_dim=32, num_codevectors_per_group=10)
W2L = {**W2, "feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True, "add_adapter": True, "output_hidden_size": 56}
case("wav2vec2", "Wav2Vec2", A, [W2, W2L, {**W2, "use_weighted_layer_sum": True, **NL}], {}, dims(1024, 24, 16, None, 4096, 32, feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True))
case("hubert", "Hubert", A, [W2, {**W2, "feat_extract_norm": "layer", "conv_bias": True, "do_stable_layer_norm": True, "feat_proj_layer_norm": False}], {})
case("wavlm", "WavLM", A, [W2, {**W2, "do_stable_layer_norm": True}], {})
case("unispeech-sat", "UniSpeechSat", A, [W2])
case("data2vec-audio", "Data2VecAudio", A, [W2])
case("audio-spectrogram-transformer", "AST", A, [dims(64, 2, 4, None, 96, max_length=64, num_mel_bins=32)], {})
VI = dims(64, 2, 4, None, 96, image_size=32, patch_size=8)
case("vit", "ViT", V, [VI, {**VI, **NL, "qkv_bias": False, "num_channels": 1, "encoder_stride": 8}], {}, {"id2label": {str(i): str(i) for i in range(1000)}}, dims(1024, 24, 16, None, 4096))
case("deit", "DeiT", V, [VI, {**VI, **NL}], {}, dims(192, 12, 3, None, 768))
case("beit", "Beit", V, [{**VI, "vocab_size": 50, "out_features": ["stage1","stage2","stage1","stage2"]} if False else {**VI, "vocab_size": 50}, {**VI, "vocab_size": 50, "use_mask_token": True, "use_absolute_position_embeddings": True, "use_relative_position_bias": True, "layer_scale_init_value": 0.0, "use_mean_pooling": False}, {**VI, "use_shared_relative_position_bias": True}], {})
case("data2vec-vision", "Data2VecVision", V, [{**VI}])
SW = dict(embed_dim=16, depths=[2, 2, 2], num_heads=[2, 2, 4], window_size=4, image_size=64, patch_size=4)
case("swin", "Swin", V, [SW, {**SW, **NL, "use_absolute_embeddings": True, "qkv_bias": False}], {}, dict(embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32], window_size=7))
case("swinv2", "Swinv2", V, [SW], {})
case("donut-swin", "DonutSwin", V, [SW])
case("convnext", "ConvNext", V, [dict(hidden_sizes=[16, 24, 32, 40], depths=[1, 2, 2, 1])], {})
case("convnextv2", "ConvNextV2", V, [dict(hidden_sizes=[16, 24, 32, 40], depths=[1, 2, 2, 1])], {})
case("dinov2", "Dinov2", V, [{**VI, "mlp_ratio": 2}, {**VI, "use_swiglu_ffn": True, **NL}], {}, dims(1536, 40, 24, use_swiglu_ffn=True, image_size=518))
case("dinov2_with_registers", "Dinov2WithRegisters", V, [{**VI, "num_register_tokens": 3}], {})
case("dinov3_vit", "DINOv3ViT", V, [{**VI, "num_register_tokens": 3}, {**VI, "use_gated_mlp": True, "key_bias": True}])
case("vit_msn", "ViTMSN", V, [VI])
case("ijepa", "IJepa", V, [VI])
CV = dims(64, 2, 4, None, 96, image_size=32, patch_size=8, projection_dim=40)
CT = dims(64, 2, 4, None, 96, 128, max_position_embeddings=20, projection_dim=40)
case("clip", "CLIP", "dual", [dict(text_config={**CT, "eos_token_id": 2}, vision_config=CV, projection_dim=48), dict(text_config=CT, vision_config={**CV, **NL}, projection_dim=48)], {}, dict(projection_dim=768, text_config=dims(768, 12, 12, None, 3072, projection_dim=768), vision_config=dims(1024, 24, 16, None, 4096, patch_size=14, projection_dim=768)))
case("clip_text_model", "CLIPText", "dual", [CT], {})
case("clip_vision_model", "CLIPVision", "dual", [CV], {})
case("siglip", "Siglip", "dual", [dict(text_config=CT, vision_config=CV), dict(text_config={**CT, "projection_size": 56}, vision_config={**CV, "vision_use_head": False})], {})
case("siglip_vision_model", "SiglipVision", "dual", [CV], {})
case("siglip2", "Siglip2", "dual", [dict(text_config=CT, vision_config={**CV, "num_patches": 16})], {})
case("sam", "Sam", V, [dict(vision_config=dims(64, 3, 4, image_size=64, patch_size=8, window_size=4, global_attn_indexes=[1], output_channels=32, mlp_dim=96), prompt_encoder_config=dict(hidden_size=32, image_size=64, patch_size=8, mask_input_channels=8), mask_decoder_config=dict(hidden_size=32, mlp_dim=48, num_attention_heads=4, iou_head_hidden_dim=24))], {}, dict(vision_config=dims(1280, 32, 16, global_attn_indexes=[7, 15, 23, 31], mlp_dim=5120)))
case("llava", "Llava", "mm", [dict(text_config={**TINY, "model_type": "llama"}, vision_config={**CV, "model_type": "clip_vision_model"}), dict(text_config={**TINY, "model_type": "mistral"}, vision_config={**CV, "model_type": "siglip_vision_model"}, multimodal_projector_bias=False, vision_feature_layer=[-1, -2])], {})
case("llava_next", "LlavaNext", "mm", [dict(text_config={**TINY, "model_type": "mistral"}, vision_config={**CV, "model_type": "clip_vision_model"})])
case("llava_onevision", "LlavaOnevision", "mm", [dict(text_config={**TINY, "model_type": "qwen2"}, vision_config={**CV, "model_type": "siglip_vision_model"})])
case("paligemma", "PaliGemma", "mm", [dict(text_config={**TINY, "model_type": "gemma", "head_dim": 16}, vision_config={**CV, "model_type": "siglip_vision_model"}, projection_dim=64)])
case("mistral3", "Mistral3", "mm", [dict(text_config={**TINY, "model_type": "mistral"}, vision_config=dims(32, 2, 2, None, 48, image_size=56, patch_size=14, model_type="pixtral"))])
case("idefics3", "Idefics3", "mm", [dict(text_config={**TINY, "model_type": "llama", "pad_token_id": 0}, vision_config=dims(32, 2, 2, None, 48, image_size=56, patch_size=14), scale_factor=2)])
case("smolvlm", "SmolVLM", "mm", [dict(text_config={**TINY, "model_type": "llama", "pad_token_id": 0}, vision_config=dims(32, 2, 2, None, 48, image_size=56, patch_size=14), scale_factor=2)])
case("qwen2_vl", "Qwen2VL", "mm", [dict(text_config={**TINY, "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}, vision_config=dict(depth=2, embed_dim=32, hidden_size=64, num_heads=2, mlp_ratio=2, patch_size=4))])
case("qwen2_5_vl", "Qwen2_5_VL", "mm", [dict(text_config={**TINY, "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}}, vision_config=dict(depth=2, hidden_size=32, out_hidden_size=64, intermediate_size=48, num_heads=2, patch_size=4))])
case("qwen3_vl", "Qwen3VL", "mm", [dict(text_config={**TINY, "head_dim": 16, "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]}}, vision_config=dict(depth=3, hidden_size=32, out_hidden_size=64, intermediate_size=48, num_heads=2, patch_size=4, num_position_embeddings=16, deepstack_visual_indexes=[1, 2]))])
case("qwen2_audio", "Qwen2Audio", "mm", [dict(text_config={**TINY, "model_type": "qwen2"}, audio_config=dims(64, 2, 4) if False else dict(d_model=64, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=96, num_mel_bins=20, max_source_positions=50))])
case("bitnet", "BitNet", D, [TINY])
MOE = dict(num_experts_per_tok=2, moe_intermediate_size=32)
case("ernie4_5_moe", "Ernie4_5_Moe", D, [{**TINY, "moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 32, "moe_num_shared_experts": 2, "moe_layer_start_index": 1}, {**TINY, "use_bias": True, "moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 32, "moe_num_shared_experts": 0, "moe_layer_start_index": 0, "moe_layer_interval": 2, "moe_layer_end_index": 1, "tie_word_embeddings": False}], {})
case("hunyuan_v1_moe", "HunYuanMoEV1", D, [{**TINY, "num_experts": 4, "moe_topk": 2, "head_dim": 16}, {**TINY, "num_experts": [4, 4, 4], "moe_topk": [2, 2, 2], "head_dim": 16}])
case("dots1", "Dots1", D, [{**TINY, **MOE, "n_routed_experts": 4, "n_shared_experts": 2, "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1}])
case("flex_olmo", "FlexOlmo", D, [{**TINY, "pad_token_id": 0, "num_experts": 4, "num_experts_per_tok": 2}])
case("minimax", "MiniMax", D, [{**TINY, "num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 16, "block_size": 4, "layer_types": ["linear_attention", "full_attention", "linear_attention"]}])
case("longcat_flash", "LongcatFlash", D, [dict(hidden_size=64, num_layers=2, num_attention_heads=4, vocab_size=128, ffn_hidden_size=96, expert_ffn_hidden_size=32, n_routed_experts=4, zero_expert_num=2, moe_topk=2, q_lora_rank=24, kv_lora_rank=16, qk_nope_head_dim=12, qk_rope_head_dim=8, head_dim=8, v_head_dim=10)])
case("qwen3_vl_moe", "Qwen3VLMoe", "mm", [dict(text_config={**TINY, **MOE, "num_experts": 4, "head_dim": 16, "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]}}, vision_config=dict(depth=3, hidden_size=32, out_hidden_size=64, intermediate_size=48, num_heads=2, patch_size=8, deepstack_visual_indexes=[0, 1], num_position_embeddings=16))])
case("longformer", "Longformer", E, [{**BE, "attention_window": 4}, {**BE, "attention_window": [4, 6], **NL}], {})
case("big_bird", "BigBird", E, [{**BE, "attention_type": "original_full"}, {**BE, "attention_type": "block_sparse", "block_size": 2, "num_random_blocks": 1, "use_bias": False}], {})
case("resnet", "ResNet", V, [dict(embedding_size=16, hidden_sizes=[24, 32, 40, 48], depths=[2, 1, 2, 1]), dict(embedding_size=16, hidden_sizes=[16, 32, 40, 48], depths=[2, 1, 1, 1], layer_type="basic", downsample_in_first_stage=True, **NL)], {}, dict(hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic"))
case("segformer", "Segformer", ["Model", "ForImageClassification", "ForSemanticSegmentation"], [dict(hidden_sizes=[16, 32, 48, 64], depths=[1, 2, 1, 1], num_attention_heads=[1, 2, 3, 4], decoder_hidden_size=40, image_size=64)], {}, dict(hidden_sizes=[64, 128, 320, 512], depths=[3, 6, 40, 3], decoder_hidden_size=768))

case("gemma3n_text", "Gemma3n", ["ForCausalLM"], [{**TINY, "head_dim": 16, "num_hidden_layers": 6, "intermediate_size": [96, 96, 80, 96, 96, 64], "vocab_size_per_layer_input": 120, "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 2, "laurel_rank": 8, "sliding_window": 32, "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention"], "activation_sparsity_pattern": [0.0] * 6}], {})

# Families that came with version 5 of the library; their configurations are whole, as published ones are.
NEWER = []
def newer(model_type, name, *configs):
    NEWER.extend((model_type, name, config) for config in configs)

newer("minimax_m2", "MiniMaxM2ForCausalLM", {**TINY, "head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2})
newer("apertus", "ApertusForCausalLM", {**TINY, "pad_token_id": 0, "tie_word_embeddings": False})
newer("glm4_moe_lite", "Glm4MoeLiteForCausalLM", dims(64, 4, 4, 4, 96, 128, n_routed_experts=8, n_group=1, topk_group=1, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=32, q_lora_rank=24, kv_lora_rank=16, qk_nope_head_dim=12, qk_rope_head_dim=8, v_head_dim=10, first_k_dense_replace=1, mlp_layer_types=["dense", "sparse", "sparse", "sparse"]))
newer("lfm2_moe", "Lfm2MoeForCausalLM", {**TINY, **MOE, "num_experts": 4, "num_dense_layers": 1, "use_expert_bias": True, "conv_L_cache": 3, "conv_bias": False, "layer_types": ["conv", "full_attention", "conv"]})
newer("nemotron_h", "NemotronHForCausalLM", {**TINY, "head_dim": 16, "num_hidden_layers": 4, "layers_block_type": ["mamba", "mlp", "attention", "mamba"], "mamba_num_heads": 8, "mamba_head_dim": 8, "ssm_state_size": 16, "n_groups": 2, "conv_kernel": 4, "use_conv_bias": True, "tie_word_embeddings": False},
      {**TINY, "head_dim": 16, "num_hidden_layers": 3, "layers_block_type": ["mamba", "moe", "attention"], "mamba_num_heads": 8, "mamba_head_dim": 8, "ssm_state_size": 16, "n_groups": 2, "conv_kernel": 4, "use_conv_bias": True, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "moe_shared_expert_intermediate_size": 40, "moe_latent_size": 24, "n_group": 1, "topk_group": 1, "tie_word_embeddings": False})
LINEAR = dict(linear_conv_kernel_dim=4, linear_key_head_dim=8, linear_value_head_dim=8, linear_num_key_heads=2, linear_num_value_heads=4, head_dim=16)
newer("qwen3_5_text", "Qwen3_5ForCausalLM", {**TINY, **LINEAR, "num_hidden_layers": 4, "tie_word_embeddings": False, "layer_types": ["linear_attention"] * 3 + ["full_attention"]})
newer("qwen3_5_moe_text", "Qwen3_5MoeForCausalLM", {**TINY, **LINEAR, **MOE, "num_hidden_layers": 4, "num_experts": 4, "shared_expert_intermediate_size": 40, "tie_word_embeddings": False, "layer_types": ["linear_attention"] * 3 + ["full_attention"]})

def build(cls, config):
    try: from transformers.modeling_utils import no_init_weights
    except ImportError: from transformers.initialization import no_init_weights
    with torch.device("meta"), no_init_weights():
        model = cls._from_config(config) if hasattr(cls, "_from_config") else cls(config)
    model.tie_weights()
    return model

def count(model):
    seen, total = set(), 0
    for p in model.parameters():
        if id(p) not in seen:
            seen.add(id(p)); total += p.numel()
    return total

def trim(kwargs):
    return json.loads(json.dumps(kwargs))

def transformers_cases(only=None):
    for model_type, stem, kind, small, sizes in CASES:
        if only and model_type not in only: continue
        if model_type not in CONFIG_MAPPING: print("no such type", model_type, file=sys.stderr); continue
        Config = CONFIG_MAPPING[model_type]
        heads = HEADS[kind] if isinstance(kind, str) else kind
        kind = kind if isinstance(kind, str) else "decoder"
        tries = [(k, h, True) for k in small for h in heads]
        main = {"decoder": ["ForCausalLM", "LMHeadModel"], "encoder": ["Model"], "seq2seq": ["ForConditionalGeneration", "MTModel"], "vision": ["ForImageClassification", "Model"], "speech": ["ForConditionalGeneration", "Model"], "dual": ["Model"], "mm": ["ForConditionalGeneration"]}[kind]
        if heads is HEADS["decoder"]: tries += [(k, "LMHeadModel", True) for k in small]
        for k in sizes:
            for h in main:
                if hasattr(transformers, stem + h): tries.append((k, h, False)); break
        n = 0
        for kwargs, head, tiny in tries:
            name = stem + head
            cls = getattr(transformers, name, None)
            if cls is None: continue
            try:
                kwargs = trim(kwargs)
                if "id2label" in kwargs and len(kwargs["id2label"]) > 100: pass
                config = Config(**{k: v for k, v in trim(kwargs).items()}) if "id2label" not in kwargs else Config(**{**trim(kwargs), "id2label": {int(k): v for k, v in kwargs["id2label"].items()}})
                model = build(cls, config)
            except Exception as e:
                if "not recognized" in str(e) or "Unrecognized" in str(e): continue
                print(f"skip {name}: {type(e).__name__} {str(e)[:150]}", file=sys.stderr); continue
            line = {"config": {"model_type": model_type, "architectures": [name], **kwargs}, "parameters": count(model)}
            try:
                e = model.get_input_embeddings()
                line["embedding"] = sum(p.numel() for p in e.parameters())
            except Exception: pass
            if tiny and (head in main or FULL):
                line["tensors"] = tensors(model)
            n += 1
            yield line
        if n == 0: print("nothing of", model_type, file=sys.stderr)

def tensors(model):
    """How many tensors there are of each name, with numbers replaced, and shape."""
    out = {}
    for name, p in model.named_parameters():
        key = re.sub(r"(?<=\.)\d+(?=\.|$)", "{}", "." + name)[1:] + " " + "x".join(map(str, p.shape))
        out[key] = out.get(key, 0) + 1
    return out

def diffusers_cases():
    import diffusers
    from diffusers import UNet2DConditionModel, AutoencoderKL, DiTTransformer2DModel, UNet2DModel
    tiny = dict(block_out_channels=[32, 64], layers_per_block=1, down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"], up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"], cross_attention_dim=24, attention_head_dim=8, sample_size=16)
    sd15 = dict(cross_attention_dim=768, sample_size=64, attention_head_dim=8)
    sd21 = dict(cross_attention_dim=1024, sample_size=96, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True)
    sdxl = dict(cross_attention_dim=2048, sample_size=128, attention_head_dim=[5, 10, 20], use_linear_projection=True, block_out_channels=[320, 640, 1280], down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"], up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], transformer_layers_per_block=[1, 2, 10], addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816)
    vae = dict(block_out_channels=[128, 256, 512, 512], down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, layers_per_block=2, latent_channels=4, sample_size=512)
    vaetiny = dict(block_out_channels=[32, 64], down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, layers_per_block=1, latent_channels=4, sample_size=32)
    dit = dict(num_attention_heads=16, attention_head_dim=72, in_channels=4, out_channels=8, num_layers=28, sample_size=32, patch_size=2, num_embeds_ada_norm=1000)
    dittiny = dict(num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=8, num_layers=2, sample_size=16, patch_size=2, num_embeds_ada_norm=20)
    ddpm = dict(sample_size=32, block_out_channels=[32, 64], layers_per_block=1, down_block_types=["DownBlock2D", "AttnDownBlock2D"], up_block_types=["AttnUpBlock2D", "UpBlock2D"])
    for cls, kwargs, small in [(UNet2DConditionModel, tiny, True), (UNet2DConditionModel, {**tiny, "use_linear_projection": True, "transformer_layers_per_block": [1, 2]}, True), (UNet2DConditionModel, sd15, False), (UNet2DConditionModel, sd21, False), (UNet2DConditionModel, sdxl, False),
            (AutoencoderKL, vaetiny, True), (AutoencoderKL, vae, False), (DiTTransformer2DModel, dittiny, True), (DiTTransformer2DModel, dit, False)]:
        try:
            with torch.device("meta"):
                model = cls(**kwargs)
        except Exception as e:
            print(f"skip {cls.__name__}: {type(e).__name__} {str(e)[:150]}", file=sys.stderr); continue
        line = {"config": {"_class_name": cls.__name__, **kwargs}, "parameters": count(model)}
        if small: line["tensors"] = tensors(model)
        yield line

def newer_cases():
    for model_type, name, kwargs in NEWER:
        config = CONFIG_MAPPING[model_type](**trim(kwargs))
        model = build(getattr(transformers, name), config)
        embedding = sum(p.numel() for p in model.get_input_embeddings().parameters())
        yield {"config": {"model_type": model_type, "architectures": [name], **kwargs}, "parameters": count(model), "embedding": embedding}

if __name__ == "__main__" and transformers.__version__.startswith("5."):
    # The same with transformers 5.23.0 makes parameters_newer.jsonl.
    with open("parameters_newer.jsonl", "w") as out:
        for line in newer_cases(): out.write(json.dumps(line, separators=(",", ":")) + "\n")
elif __name__ == "__main__":
    only = set(sys.argv[1:])
    start = time.time()
    lines = list(transformers_cases(only))
    if not only or "diffusers" in only: lines += list(diffusers_cases())
    out = open(os.environ.get("FULL") or "parameters.jsonl", "w")
    for line in lines: out.write(json.dumps(line, separators=(",", ":")) + "\n")
    print(len(lines), "configurations", round(time.time() - start), "s", file=sys.stderr)
