//! The families: for each `model_type` the function that writes down what its network has.

mod bert;
mod convolutional;
mod deepseek;
mod diffusion;
mod experts;
mod gemma3n;
mod gpt;
mod llama;
mod multimodal;
mod pairs;
mod sam;
mod seq2seq;
mod speech;
mod states;
mod vision;

use super::config::Config;
use super::description::Facts;
use super::heads::Head;
use super::parts::Parts;

/// Writes a network's parts and says what it has.
pub(super) type Build = fn(&Config<'_>, &mut Parts, Head) -> Facts;

/// A family of networks.
#[derive(Clone, Copy)]
pub(super) struct Family {
    /// The model types that configurations give it.
    pub types: &'static [&'static str],
    /// Its name for people.
    pub name: &'static str,
    /// The head that is meant where the configuration names no class.
    pub head: Head,
    /// What writes it down.
    pub build: Build,
}

const fn lm(name: &'static str, types: &'static [&'static str], build: Build) -> Family {
    Family { types, name, head: Head::CausalLm, build }
}

const fn encoder(name: &'static str, types: &'static [&'static str], build: Build) -> Family {
    Family { types, name, head: Head::Base, build }
}

const fn seq2seq(name: &'static str, types: &'static [&'static str], build: Build) -> Family {
    Family { types, name, head: Head::Conditional, build }
}

/// All families.
static FAMILIES: &[Family] = &[
    lm("Llama", &["llama", "llama2", "code_llama", "yi", "Yi"], llama::llama),
    lm("Mistral", &["mistral", "ministral"], llama::mistral),
    lm("Mixtral", &["mixtral"], experts::mixtral),
    lm("Qwen 2", &["qwen2", "qwen2_vl_text", "qwen2_5_vl_text"], llama::qwen2),
    lm("MiMo", &["mimo"], llama::qwen2),
    lm("Qwen 2 MoE", &["qwen2_moe"], experts::qwen_moe),
    lm("Qwen 3", &["qwen3", "qwen3_vl_text"], llama::qwen3),
    lm("Qwen 3 MoE", &["qwen3_moe"], experts::qwen_moe),
    lm("Qwen", &["qwen"], gpt::qwen),
    lm("Gemma", &["gemma"], llama::gemma),
    lm("Gemma 2", &["gemma2"], llama::gemma2),
    lm("Gemma 3", &["gemma3_text"], llama::gemma3_text),
    lm("Gemma 3n", &["gemma3n_text"], gemma3n::gemma3n),
    lm("Phi", &["phi"], llama::phi),
    lm("Phi 3", &["phi3"], llama::phi3),
    lm("Phi MoE", &["phimoe"], experts::phimoe),
    lm("Falcon", &["falcon", "RefinedWeb", "RefinedWebModel"], gpt::falcon),
    lm("OLMo", &["olmo"], llama::olmo),
    lm("OLMo 2", &["olmo2"], llama::olmo2),
    lm("OLMo 3", &["olmo3"], llama::olmo2),
    lm("OLMoE", &["olmoe"], experts::olmoe),
    lm("DeepSeek V2", &["deepseek_v2"], deepseek::deepseek),
    lm("DeepSeek V3", &["deepseek_v3"], deepseek::deepseek),
    lm("Kimi K2", &["kimi_k2"], deepseek::deepseek),
    lm("GLM 4.7 Flash", &["glm4_moe_lite"], deepseek::deepseek),
    lm("LongCat-Flash", &["longcat_flash"], deepseek::longcat),
    lm("gpt-oss", &["gpt_oss"], experts::gpt_oss),
    lm("GLM", &["glm", "glm4"], llama::glm),
    lm("GLM 4.5", &["glm4_moe"], experts::glm4_moe),
    lm("ChatGLM", &["chatglm"], gpt::chatglm),
    lm("Granite", &["granite"], llama::llama),
    lm("Granite MoE", &["granitemoe", "granitemoeshared"], experts::granite_moe),
    lm("SmolLM 3", &["smollm3"], llama::smollm3),
    lm("StarCoder 2", &["starcoder2"], llama::starcoder2),
    lm("GPT-BigCode", &["gpt_bigcode"], gpt::gpt_bigcode),
    lm("BLOOM", &["bloom"], gpt::bloom),
    lm("OPT", &["opt"], gpt::opt),
    lm("GPT-2", &["gpt2", "gpt-sw3"], gpt::gpt2),
    lm("GPT", &["openai-gpt"], gpt::openai_gpt),
    lm("GPT-NeoX", &["gpt_neox"], gpt::gpt_neox),
    lm("GPT-J", &["gptj"], gpt::gptj),
    lm("CodeGen", &["codegen"], gpt::gptj),
    lm("GPT-Neo", &["gpt_neo"], gpt::gpt_neo),
    lm("MPT", &["mpt"], gpt::mpt),
    lm("Command-R", &["cohere"], llama::cohere),
    lm("Command-R 2", &["cohere2"], llama::cohere2),
    lm("StableLM", &["stablelm", "stablelm_epoch"], llama::stablelm),
    lm("Persimmon", &["persimmon"], gpt::persimmon),
    lm("Nemotron", &["nemotron"], llama::nemotron),
    lm("Arcee", &["arcee"], llama::nemotron),
    lm("Seed-OSS", &["seed_oss"], llama::seed_oss),
    lm("Apertus", &["apertus"], llama::apertus),
    lm("Helium", &["helium"], gpt::plain_stack),
    lm("EXAONE 4", &["exaone4"], llama::exaone4),
    lm("Hunyuan", &["hunyuan_v1_dense"], llama::hunyuan),
    lm("Hunyuan with experts", &["hunyuan_v1_moe"], experts::hunyuan_moe),
    lm("ERNIE 4.5", &["ernie4_5"], llama::ernie45),
    lm("ERNIE 4.5 with experts", &["ernie4_5_moe"], experts::ernie45_moe),
    lm("dots.llm1", &["dots1"], experts::dots1),
    lm("FlexOLMo", &["flex_olmo"], experts::flex_olmo),
    lm("MiniMax M2", &["minimax_m2"], experts::minimax_m2),
    lm("MiniMax 01 and M1", &["minimax", "minimax_m1"], states::minimax),
    lm("Qwen3-VL with experts", &["qwen3_vl_moe_text"], experts::qwen3_vl_moe_text),
    lm("Qwen 3.5", &["qwen3_5_text"], states::qwen3_next),
    lm("Qwen 3.5 with experts", &["qwen3_5_moe_text"], states::qwen3_next),
    lm("Nemotron-H", &["nemotron_h"], states::nemotron_h),
    lm("BitNet", &["bitnet"], llama::bitnet),
    lm("DBRX", &["dbrx"], experts::dbrx),
    lm("BioGPT", &["biogpt"], gpt::biogpt),
    lm("XGLM", &["xglm"], gpt::biogpt),
    lm("Llama 4", &["llama4_text"], experts::llama4_text),
    lm("Baichuan", &["baichuan"], gpt::baichuan),
    lm("InternLM 2", &["internlm2"], gpt::internlm2),
    lm("Mamba", &["mamba"], states::mamba),
    lm("Falcon-Mamba", &["falcon_mamba"], states::mamba),
    lm("Mamba 2", &["mamba2"], states::mamba2),
    lm("Jamba", &["jamba"], states::jamba),
    lm("Zamba", &["zamba"], states::zamba),
    lm("Zamba 2", &["zamba2"], states::zamba2),
    lm("RWKV", &["rwkv"], states::rwkv),
    lm("Qwen3-Next", &["qwen3_next"], states::qwen3_next),
    lm("Granite 4", &["granitemoehybrid"], states::granite_hybrid),
    lm("Falcon-H1", &["falcon_h1"], states::falcon_h1),
    lm("RecurrentGemma", &["recurrent_gemma"], states::recurrent_gemma),
    lm("LFM 2", &["lfm2", "lfm2_moe"], states::lfm2),
    encoder("BERT", &["bert", "ernie", "layoutlm"], bert::bert),
    encoder("RoBERTa", &["roberta", "xlm-roberta", "camembert", "data2vec-text"], bert::roberta),
    encoder("Longformer", &["longformer"], bert::longformer),
    encoder("BigBird", &["big_bird"], bert::big_bird),
    encoder("XLM-R XL", &["xlm-roberta-xl"], bert::pre_norm),
    encoder("Megatron-BERT", &["megatron-bert"], bert::pre_norm),
    encoder("ESM", &["esm"], bert::esm),
    encoder("DistilBERT", &["distilbert"], bert::distilbert),
    encoder("MobileBERT", &["mobilebert"], bert::mobilebert),
    encoder("ALBERT", &["albert"], bert::albert),
    encoder("DeBERTa", &["deberta"], bert::deberta),
    encoder("DeBERTa 2 and 3", &["deberta-v2"], bert::deberta),
    encoder("ELECTRA", &["electra"], bert::electra),
    encoder("MPNet", &["mpnet"], bert::mpnet),
    encoder("ModernBERT", &["modernbert"], bert::modernbert),
    encoder("ViT", &["vit", "vit_msn", "ijepa"], vision::vit),
    encoder("DeiT", &["deit"], vision::vit),
    encoder("BEiT", &["beit", "data2vec-vision"], vision::beit),
    encoder("DINOv2", &["dinov2", "dinov2_with_registers"], vision::dinov2),
    encoder("DINOv3", &["dinov3_vit"], vision::dinov3),
    encoder("Swin", &["swin", "swinv2", "donut-swin"], vision::swin),
    encoder("ResNet", &["resnet"], convolutional::resnet),
    encoder("SegFormer", &["segformer"], convolutional::segformer),
    encoder("ConvNeXt", &["convnext", "convnextv2"], vision::convnext),
    encoder("CLIP", &["clip", "clip_text_model", "clip_vision_model"], pairs::pair),
    encoder("SigLIP", &["siglip", "siglip_text_model", "siglip_vision_model"], pairs::pair),
    encoder("SigLIP 2", &["siglip2", "siglip2_text_model", "siglip2_vision_model"], pairs::pair),
    encoder("wav2vec 2.0", &["wav2vec2", "unispeech-sat"], speech::wav2vec2),
    encoder("HuBERT", &["hubert"], speech::wav2vec2),
    encoder("WavLM", &["wavlm"], speech::wav2vec2),
    encoder("data2vec", &["data2vec-audio"], speech::wav2vec2),
    encoder("AST", &["audio-spectrogram-transformer"], speech::spectrogram),
    encoder("SAM", &["sam"], sam::sam),
    seq2seq("LLaVA", &["llava", "llava_next", "llava_onevision"], multimodal::llava),
    seq2seq("PaliGemma", &["paligemma"], multimodal::llava),
    seq2seq("Gemma 3", &["gemma3"], multimodal::llava),
    seq2seq("Mistral 3", &["mistral3"], multimodal::llava),
    seq2seq("Idefics 3", &["idefics3", "smolvlm"], multimodal::idefics),
    seq2seq("Qwen2-VL", &["qwen2_vl"], multimodal::qwen_vl),
    seq2seq("Qwen2.5-VL", &["qwen2_5_vl"], multimodal::qwen_vl),
    seq2seq("Qwen3-VL", &["qwen3_vl", "qwen3_vl_moe"], multimodal::qwen_vl),
    seq2seq("Llama 4", &["llama4"], multimodal::llama4),
    seq2seq("Qwen2-Audio", &["qwen2_audio"], multimodal::qwen2_audio),
    encoder("Stable Diffusion UNet", &["UNet2DConditionModel"], diffusion::unet),
    encoder("Autoencoder", &["AutoencoderKL"], diffusion::autoencoder),
    encoder("Diffusion transformer", &["DiTTransformer2DModel", "Transformer2DModel"], diffusion::dit),
    seq2seq("T5", &["t5", "mt5", "umt5"], seq2seq::t5),
    seq2seq(
        "BART",
        &["bart", "mbart", "pegasus", "marian", "m2m_100", "blenderbot", "blenderbot-small"],
        seq2seq::bart,
    ),
    seq2seq("Whisper", &["whisper"], seq2seq::whisper),
];

/// The family of a model type.
pub(super) fn find(model_type: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.types.contains(&model_type))
}

/// All model types that are known.
pub(super) fn model_types() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| family.types.iter().copied())
}
