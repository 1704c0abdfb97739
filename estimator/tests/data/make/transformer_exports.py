"""Tiny transformers of the kinds people export: the library's real code, small configurations."""

from __future__ import annotations

import torch
from torch import nn

import graph_only as go
from gallery import Wrapped, tokens

VERSION = torch.__version__.split("+")[0]


def feeds(inputs, args):
    return {name: value.numpy() for name, value in zip(inputs, args)}


def ids_and_mask(batch, length, vocabulary=99):
    ids = tokens(batch, length, vocabulary)
    return ids, torch.ones_like(ids)


def make(recorder) -> None:
    import transformers as t

    library = f"transformers {t.__version__}"
    torch.manual_seed(0)

    def case(name, build, call, runs, inputs, dynamic, about, exports, *, export_args=None, outputs=None, count=True, data_dependent=None):
        def prepare():
            network = Wrapped(build(), call).eval()
            go.randomise(network)
            macs = [go.torch_macs(network, args) for args in runs] if count else None
            for dynamo, opset, free in exports:
                label = f"{name}_{'dynamo' if dynamo else 'torchscript'}_{opset}{'' if free else '_static'}"

                def one():
                    with go.quiet():
                        model = go.export(network, (export_args or runs[-1]) if free else runs[0], inputs=inputs, outputs=outputs, opset=opset, dynamo=dynamo, dynamic=dynamic if free else None)
                    recorder.add(
                        label,
                        model,
                        [feeds(inputs, args) for args in (runs if free else runs[:1])],
                        about=about,
                        exporter=f"torch {VERSION}, dynamo={dynamo}, {library}",
                        macs=macs,
                        macs_how="torch FlopCounterMode" if count else "formula over the shapes of a run",
                        parameters=go.torch_parameters(network),
                        data_dependent=data_dependent,
                    )

                recorder.attempt(label, one)

        recorder.attempt(name, prepare)

    text = {"input_ids": {0: "batch", 1: "sequence"}, "attention_mask": {0: "batch", 1: "sequence"}}
    masked = lambda net, i, m: net(input_ids=i, attention_mask=m)[0]
    two = [ids_and_mask(1, 12), ids_and_mask(3, 20)]
    small = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
    both = [(False, 14, True), (False, 17, True), (True, 18, True), (True, 23, True)]

    case("bert_tiny", lambda: t.BertModel(t.BertConfig(**small), add_pooling_layer=False), masked, two, ["input_ids", "attention_mask"], text, "BERT, two layers of 32.", both + [(True, 20, False)])
    case("bert_eager", lambda: t.BertModel(t.BertConfig(**small, attn_implementation="eager"), add_pooling_layer=False), masked, two, ["input_ids", "attention_mask"], text, "The same with attention written out.", [(False, 12, True), (True, 18, True)])
    case("albert_tiny", lambda: t.AlbertModel(t.AlbertConfig(**small, embedding_size=16), add_pooling_layer=False), masked, two, ["input_ids", "attention_mask"], text, "ALBERT: one layer's weights used twice.", [(False, 17, True), (True, 18, True)])
    case("roberta_tiny", lambda: t.RobertaModel(t.RobertaConfig(**small), add_pooling_layer=False), masked, two, ["input_ids", "attention_mask"], text, "RoBERTa: positions from a cumulative sum.", [(False, 17, True), (True, 18, True)])
    case("distilbert_tiny", lambda: t.DistilBertModel(t.DistilBertConfig(vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=64)), masked, two, ["input_ids", "attention_mask"], text, "DistilBERT.", [(False, 17, True), (True, 20, True)])
    case("deberta_tiny", lambda: t.DebertaV2Model(t.DebertaV2Config(**small, relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"], max_relative_positions=-1, norm_rel_ebd="layer_norm", share_att_key=True)), masked, two, ["input_ids", "attention_mask"], text, "DeBERTa v2: disentangled attention.", [(True, 18, True)])
    case("t5_encoder_tiny", lambda: t.T5EncoderModel(t.T5Config(vocab_size=100, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4)), masked, two, ["input_ids", "attention_mask"], text, "T5's encoder: relative position buckets.", [(False, 17, True), (True, 18, True)])

    gpt2 = lambda: t.GPT2LMHeadModel(t.GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=64))
    case("gpt2_tiny", gpt2, lambda net, i, m: net(input_ids=i, attention_mask=m, use_cache=False).logits, two, ["input_ids", "attention_mask"], text, "GPT-2, two layers of 32, tied embeddings.", [(True, 18, True), (True, 23, True)])
    llama_config = dict(vocab_size=100, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
    llama = lambda: t.LlamaForCausalLM(t.LlamaConfig(**llama_config))
    plain = lambda net, i, m: net(input_ids=i, attention_mask=m, use_cache=False).logits
    case("llama_tiny", llama, plain, two, ["input_ids", "attention_mask"], text, "Llama: rotary positions, grouped queries, gated feed-forward.", [(True, 18, True)])
    # At opset 23 the exporter's RotaryEmbedding runs with a batch of one only.
    case("llama_tiny", llama, plain, [ids_and_mask(1, 12), ids_and_mask(1, 20)], ["input_ids", "attention_mask"], text, "Llama with the standard RotaryEmbedding, RMSNormalization and Attention.", [(True, 23, True)], export_args=ids_and_mask(2, 20))
    case("qwen2_tiny", lambda: t.Qwen2ForCausalLM(t.Qwen2Config(**llama_config, tie_word_embeddings=True)), plain, two, ["input_ids", "attention_mask"], text, "Qwen2: biased projections, tied embeddings.", [(True, 20, True)])
    case("gemma_tiny", lambda: t.GemmaForCausalLM(t.GemmaConfig(**llama_config, head_dim=16)), plain, two, ["input_ids", "attention_mask"], text, "Gemma: heads wider than the hidden size over the heads.", [(True, 20, True)])
    case("neox_tiny", lambda: t.GPTNeoXForCausalLM(t.GPTNeoXConfig(vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64)), plain, two, ["input_ids", "attention_mask"], text, "GPT-NeoX: partial rotary, parallel residual.", [(True, 20, True)])

    def with_past(net, ids, mask, k0, v0, k1, v1):
        cache = t.DynamicCache.from_legacy_cache(((k0, v0), (k1, v1)))
        out = net(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True)
        return (out.logits, *[x for layer in out.past_key_values.to_legacy_cache() for x in layer])

    def past_run(batch, past, new, heads, size):
        kv = [torch.randn(batch, heads, past, size) for _ in range(4)]
        return (tokens(batch, new, 99), torch.ones(batch, past + new, dtype=torch.int64), *kv)

    cache_inputs = ["input_ids", "attention_mask", "past_key_0", "past_value_0", "past_key_1", "past_value_1"]
    cache_axes = {"input_ids": {0: "batch"}, "attention_mask": {0: "batch", 1: "total_sequence"}, **{n: {0: "batch", 2: "past_sequence"} for n in cache_inputs[2:]}}
    for name, build, heads in (("gpt2_past", gpt2, 4), ("llama_past", llama, 2)):
        case(name, build, with_past, [past_run(1, 9, 1, heads, 8), past_run(2, 15, 1, heads, 8)], cache_inputs, cache_axes, "One decoding step with a cache of keys and values.", [(True, 18, True)])

    case("whisper_tiny", lambda: t.WhisperModel(t.WhisperConfig(vocab_size=100, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_source_positions=50, num_mel_bins=16, decoder_start_token_id=1, pad_token_id=0, bos_token_id=1, eos_token_id=2)), lambda net, mel, ids: net(input_features=mel, decoder_input_ids=ids, use_cache=False).last_hidden_state, [(torch.randn(1, 16, 100), tokens(1, 7, 99)), (torch.randn(2, 16, 100), tokens(2, 11, 99))], ["mel", "ids"], {"mel": {0: "batch"}, "ids": {0: "batch", 1: "sequence"}}, "Whisper: encoder and decoder in one graph.", [(True, 18, True), (True, 23, True)])
    audio = {"audio": {0: "batch", 1: "samples"}}
    case("wav2vec2_tiny", lambda: t.Wav2Vec2Model(t.Wav2Vec2Config(vocab_size=32, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, conv_dim=(16, 16, 16), conv_stride=(5, 2, 2), conv_kernel=(10, 3, 3), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4)), lambda net, a: net(a)[0], [(torch.randn(1, 800),), (torch.randn(2, 1000),)], ["audio"], audio, "wav2vec 2.0 with a free number of samples.", [(False, 17, True), (True, 18, True)])

    image = {"image": {0: "batch"}}
    pixels = lambda b, s: (torch.randn(b, 3, s, s),)
    case("vit_tiny", lambda: t.ViTModel(t.ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8), add_pooling_layer=False), lambda net, x: net(x)[0], [pixels(1, 32), pixels(3, 32)], ["image"], image, "ViT, two layers of 32.", [(False, 17, True), (True, 18, True), (True, 23, True)])
    case("swin_tiny", lambda: t.SwinModel(t.SwinConfig(image_size=32, patch_size=2, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4)), lambda net, x: net(x)[0], [pixels(1, 32), pixels(2, 32)], ["image"], image, "Swin: shifted windows.", [(True, 18, True)])
    case("segformer_tiny", lambda: t.SegformerForSemanticSegmentation(t.SegformerConfig(num_labels=5, hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16)), lambda net, x: net(x).logits, [pixels(1, 64), pixels(2, 64)], ["image"], image, "SegFormer: overlapping patches, reduced keys.", [(True, 18, True)])
    case("convnext_v2_tiny", lambda: t.ConvNextV2Model(t.ConvNextV2Config(hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1])), lambda net, x: net(x)[0], [pixels(1, 64), pixels(2, 64)], ["image"], image, "ConvNeXt v2: global response normalisation.", [(False, 17, True), (True, 18, True)])
    case("mamba_tiny", lambda: t.MambaForCausalLM(t.MambaConfig(vocab_size=50, hidden_size=16, state_size=4, num_hidden_layers=1)), lambda net, i: net(input_ids=i, use_cache=False).logits, [(tokens(1, 6, 49),)], ["input_ids"], {}, "Mamba: a selective scan written out.", [(False, 17, False), (True, 18, False)])
    case("clip_tiny", lambda: t.CLIPModel(t.CLIPConfig(text_config=dict(vocab_size=100, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, max_position_embeddings=20, eos_token_id=99), vision_config=dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, image_size=32, patch_size=8), projection_dim=16)), lambda net, i, m, x: net(input_ids=i, attention_mask=m, pixel_values=x).logits_per_image, [(*ids_and_mask(1, 8), *pixels(1, 32)), (*ids_and_mask(3, 10), *pixels(2, 32))], ["input_ids", "attention_mask", "image"], {"input_ids": {0: "texts", 1: "sequence"}, "attention_mask": {0: "texts", 1: "sequence"}, "image": {0: "images"}}, "CLIP: two towers.", [(True, 18, True)])
