//! ONNX Runtime's operators against types written down by hand.
//!
//! All but the last two tests were compared with what ONNX Runtime 1.27 infers and, where it has a kernel, computes.

use super::super::tests::check;

/// Every operator of these domains that has a rule.
pub(in crate::shapes::rules) const OPERATORS: &str = "
    SimplifiedLayerNormalization
    com.microsoft::Attention com.microsoft::AttnLSTM com.microsoft::BeamSearch com.microsoft::BiasAdd
    com.microsoft::BiasDropout com.microsoft::BiasGelu com.microsoft::BiasSoftmax com.microsoft::BiasSplitGelu
    com.microsoft::BitmaskBiasDropout com.microsoft::BitmaskDropout com.microsoft::CDist
    com.microsoft::CausalConvWithState com.microsoft::ComplexMul com.microsoft::ComplexMulConj
    com.microsoft::ConvTransposeWithDynamicPads com.microsoft::CropAndResize com.microsoft::DecoderAttention
    com.microsoft::DecoderMaskedMultiHeadAttention com.microsoft::DecoderMaskedSelfAttention
    com.microsoft::DequantizeLinear com.microsoft::DequantizeWithOrder com.microsoft::DynamicQuantizeLSTM
    com.microsoft::DynamicQuantizeMatMul com.microsoft::DynamicTimeWarping com.microsoft::EmbedLayerNormalization
    com.microsoft::EngramGate com.microsoft::ExpandDims com.microsoft::FastGelu com.microsoft::FusedConv
    com.microsoft::FusedGemm com.microsoft::FusedMatMul com.microsoft::FusedMatMulActivation com.microsoft::GatedAdd
    com.microsoft::GatedDeltaNet com.microsoft::GatedRMSNorm com.microsoft::GatedRelativePositionBias
    com.microsoft::GatherBlockQuantized com.microsoft::GatherND com.microsoft::Gelu com.microsoft::GemmFastGelu
    com.microsoft::GemmFloat8 com.microsoft::GemmaRotaryEmbedding com.microsoft::GreedySearch
    com.microsoft::GridSample com.microsoft::GroupNorm com.microsoft::GroupQueryAttention com.microsoft::Inverse
    com.microsoft::Irfft com.microsoft::IsAllFinite com.microsoft::LinearAttention com.microsoft::LinearAttentionGate
    com.microsoft::LongformerAttention com.microsoft::MRotaryEmbedding com.microsoft::MatMulBlockQuantizedFp4Weight
    com.microsoft::MatMulBlockQuantizedFp8Weight com.microsoft::MatMulBnb4 com.microsoft::MatMulFpQ4
    com.microsoft::MatMulInteger16 com.microsoft::MatMulIntegerToFloat com.microsoft::MatMulNBits
    com.microsoft::MatMulNBitsMlp com.microsoft::MatMulNBitsQkv com.microsoft::MaxpoolWithMask com.microsoft::MoE
    com.microsoft::MulInteger com.microsoft::MultiHeadAttention com.microsoft::MurmurHash3
    com.microsoft::NGramHashMapping com.microsoft::NGramRepeatBlock com.microsoft::NhwcConv
    com.microsoft::NhwcFusedConv com.microsoft::NhwcMaxPool com.microsoft::PackedAttention
    com.microsoft::PackedMultiHeadAttention com.microsoft::Pad com.microsoft::PagedAttention
    com.microsoft::QAttention com.microsoft::QEmbedLayerNormalization com.microsoft::QGemm com.microsoft::QLinearAdd
    com.microsoft::QLinearAveragePool com.microsoft::QLinearConcat com.microsoft::QLinearConv
    com.microsoft::QLinearConvTranspose com.microsoft::QLinearGlobalAveragePool com.microsoft::QLinearLeakyRelu
    com.microsoft::QLinearMul com.microsoft::QLinearReduceMean com.microsoft::QLinearSigmoid
    com.microsoft::QLinearSoftmax com.microsoft::QLinearWhere com.microsoft::QMoE com.microsoft::QOrderedAttention
    com.microsoft::QOrderedGelu com.microsoft::QOrderedLayerNormalization
    com.microsoft::QOrderedLongformerAttention com.microsoft::QOrderedMatMul com.microsoft::QuantizeLinear
    com.microsoft::QuantizeWithOrder com.microsoft::QuickGelu com.microsoft::Range com.microsoft::ReduceSumInteger
    com.microsoft::RelativePositionBias com.microsoft::RemovePadding com.microsoft::RestorePadding
    com.microsoft::Rfft com.microsoft::RotaryEmbedding com.microsoft::SampleOp com.microsoft::Sampling
    com.microsoft::SimplifiedLayerNormalization com.microsoft::SkipGroupNorm com.microsoft::SkipLayerNormalization
    com.microsoft::SkipSimplifiedLayerNormalization com.microsoft::SparseAttention
    com.microsoft::SparseToDenseMatMul com.microsoft::TorchEmbedding com.microsoft::TransposeMatMul
    com.microsoft::Trilu com.microsoft::UnfoldTensor com.microsoft::Unique
    com.microsoft::VarlenCausalConvWithState com.microsoft::VarlenNGramHashMapping com.microsoft::WhisperBeamSearch
    com.microsoft::WordConvEmbedding
    com.microsoft.nchwc::AveragePool com.microsoft.nchwc::Conv com.microsoft.nchwc::GlobalAveragePool
    com.microsoft.nchwc::GlobalMaxPool com.microsoft.nchwc::MaxPool com.microsoft.nchwc::ReorderInput
    com.microsoft.nchwc::ReorderOutput com.microsoft.nchwc::Upsample
    com.ms.internal.nhwc::AveragePool com.ms.internal.nhwc::Conv com.ms.internal.nhwc::ConvTranspose
    com.ms.internal.nhwc::GlobalAveragePool com.ms.internal.nhwc::MaxPool";

fn ms(op: &str, attributes: &str, inputs: &[&str], outputs: &[&str]) {
    check(&format!("com.microsoft::{op}"), attributes, inputs, outputs);
}

#[test]
fn attention_with_projections() {
    let cached = ["f32[2, 5, 8]", "f32[8, 24]", "f32[24]", "-", "f32[2, 2, 4, 3, 2]"];
    ms("Attention", "num_heads=4", &cached, &["f32[2, 5, 8]", "f32[2, 2, 4, 8, 2]"]);
    let sizes = "num_heads=2 qkv_hidden_sizes=[8,8,12]";
    ms("Attention", sizes, &["f32[batch=2, 5, 8]", "f32[8, 28]"], &["f32[batch, 5, 12]"]);
    let quantised = ["u8[2, 5, 8]", "i8[8, 24]", "f32[24]", "f32[]", "f32[]"];
    ms("QAttention", "num_heads=4", &quantised, &["f32[2, 5, 8]"]);
}

#[test]
fn attention_after_projections() {
    let heads = "num_heads=4";
    ms("MultiHeadAttention", heads, &["f32[2, 5, 8]", "f32[2, 7, 8]", "f32[2, 7, 12]"], &["f32[2, 5, 12]"]);
    let new = ["f32[2, 5, 8]", "f32[2, 5, 8]", "f32[2, 5, 8]", "-", "-", "-", "f32[2, 4, 3, 2]", "f32[2, 4, 3, 2]"];
    ms("MultiHeadAttention", heads, &new, &["f32[2, 5, 8]", "f32[2, 4, 8, 2]", "f32[2, 4, 8, 2]"]);
    ms("MultiHeadAttention", heads, &["f32[2, 5, 4, 3, 2]"], &["f32[2, 5, 8]"]);
    ms("MultiHeadAttention", heads, &["f32[2, 5, 8]", "f32[2, 7, 4, 2, 2]"], &["f32[2, 5, 8]"]);
    ms("MultiHeadAttention", heads, &["f32[2, 5, 8]", "f32[2, 4, 7, 2]", "f32[2, 4, 7, 2]"], &["f32[2, 5, 8]"]);
    let buffers =
        ["f32[2, 1, 8]", "f32[2, 1, 8]", "f32[2, 1, 8]", "-", "-", "f32[2, 4, 16, 2]", "f32[2, 4, 16, 2]", "i32[1]"];
    let outputs = ["f32[2, 1, 8]", "f32[2, 4, 16, 2]", "f32[2, 4, 16, 2]"];
    ms("DecoderMaskedMultiHeadAttention", "num_heads=4 past_present_share_buffer=1", &buffers, &outputs);
}

#[test]
fn grouped_queries() {
    let heads = "num_heads=4 kv_num_heads=2";
    let cache = "f32[2, 2, 3, 8]";
    let inputs = ["f32[2, 5, 32]", "f32[2, 5, 16]", "f32[2, 5, 16]", cache, cache, "i32[2]", "i32[]{8}"];
    ms("GroupQueryAttention", heads, &inputs, &["f32[2, 5, 32]", "f32[2, 2, 8, 8]", "f32[2, 2, 8, 8]"]);
    // Nothing says how many tokens there are in all: those cached and the new ones.
    let open = ["f32[2, 5, 64]", "-", "-", "f32[2, 2, past=3, 8]", "f32[2, 2, past=3, 8]", "i32[2]", "i32[]"];
    ms("GroupQueryAttention", heads, &open, &["f32[2, 5, 32]", "f32[2, 2, past + 5, 8]", "f32[2, 2, past + 5, 8]"]);
    // A cache that is long enough is a buffer.
    let buffer = ["f32[2, 5, 64]", "-", "-", "f32[2, 2, 64, 8]", "f32[2, 2, 64, 8]", "i32[2]", "i32[]{8}"];
    ms("GroupQueryAttention", heads, &buffer, &["f32[2, 5, 32]", "f32[2, 2, 64, 8]", "f32[2, 2, 64, 8]"]);
}

#[test]
fn positions() {
    ms("RotaryEmbedding", "", &["f32[2, 4, 5, 8]", "i64[2, 5]"], &["f32[2, 4, 5, 8]"]);
    ms("RelativePositionBias", "", &["f32[32, 4]", "i64[1]{5}", "i64[1]{7}"], &["f32[1, 4, 5, 7]"]);
    ms("GatedRelativePositionBias", "", &["f32[2, 5, 8]", "f32[8]", "f32[1, 4, 5, 5]"], &["f32[2, 4, 5, 5]"]);
}

#[test]
fn norms_with_their_sums() {
    let three = ["f32[2, 3, 8]", "f32[2, 3, 8]", "f32[8]"];
    let all = ["f32[2, 3, 8]", "f32[2, 3, 1]", "f32[2, 3, 1]", "f32[2, 3, 8]"];
    ms("SkipLayerNormalization", "", &three, &all);
    ms("SkipSimplifiedLayerNormalization", "", &three, &all);
    check("SimplifiedLayerNormalization", "", &["f32[2, 3, 8]", "f32[8]"], &["f32[2, 3, 8]", "f32[2, 3, 1]"]);
    let embeddings = ["i32[2, 5]", "i32[2, 5]", "f32[30, 8]", "f32[16, 8]", "f32[2, 8]", "f32[8]", "f32[8]"];
    ms("EmbedLayerNormalization", "", &embeddings, &["f32[2, 5, 8]", "i32[2]", "f32[2, 5, 8]"]);
}

#[test]
fn products() {
    ms("FusedMatMul", "transA=1 transB=1", &["f32[2, 3, 5]", "f32[2, 7, 3]"], &["f32[2, 5, 7]"]);
    ms("FusedMatMul", "transBatchA=1", &["f32[5, 2, 3]", "f32[2, 3, 7]"], &["f32[2, 5, 7]"]);
    ms("FusedMatMul", "transBatchA=1 transA=1", &["f32[3, 2, 5]", "f32[2, 3, 7]"], &["f32[2, 5, 7]"]);
    ms("MatMulNBits", "K=64 N=48", &["f16[2, s=5, 64]", "u8[48, 2, 16]", "f16[48, 2]"], &["f16[2, s, 48]"]);
    ms("MatMulBnb4", "K=64 N=48", &["f32[2, 5, 64]", "u8[1536]", "f32[96]"], &["f32[2, 5, 48]"]);
    ms("MatMulInteger16", "", &["i16[5, 8]", "i16[8, 6]"], &["i32[5, 6]"]);
    ms("MatMulIntegerToFloat", "", &["u8[2, 5, 8]", "i8[8, 6]", "f32[]", "f32[]"], &["f32[2, 5, 6]"]);
    ms("DynamicQuantizeMatMul", "", &["f32[2, 5, 8]", "i8[8, 6]", "f32[]"], &["f32[2, 5, 6]"]);
    let gemm = ["u8[5, 8]", "f32[]", "u8[]", "i8[6, 8]", "f32[]", "i8[]", "i32[6]", "f32[]", "u8[]"];
    ms("QGemm", "transB=1", &gemm, &["u8[5, 6]"]);
    ms("QGemm", "transB=1", gemm.get(..7).unwrap(), &["f32[5, 6]"]);
}

#[test]
fn quantised_element_wise() {
    let two = ["u8[2, 3, 8]", "f32[]", "u8[]", "u8[1, 8]", "f32[]", "u8[]", "f32[]", "u8[]"];
    ms("QLinearAdd", "", &two, &["u8[2, 3, 8]"]);
    let parts = ["f32[]", "u8[]", "u8[2, 3]", "f32[]", "u8[]", "u8[2, 5]", "f32[]", "u8[]"];
    ms("QLinearConcat", "axis=1", &parts, &["u8[2, 8]"]);
    let choice = ["bool[2, 1]", "u8[2, 3]", "f32[]", "u8[]", "u8[3]", "f32[]", "u8[]", "f32[]", "u8[]"];
    ms("QLinearWhere", "", &choice, &["u8[2, 3]"]);
    ms("QLinearSigmoid", "", &["u8[2, 3]", "f32[]", "u8[]", "f32[]", "u8[]"], &["u8[2, 3]"]);
    ms("GatherBlockQuantized", "bits=4", &["u8[10, 16]", "i64[2, 5]", "f32[10, 1]"], &["f32[2, 5, 32]"]);
    ms("DequantizeLinear", "", &["u16[2, 3]", "f32[]", "u16[]"], &["f32[2, 3]"]);
}

#[test]
fn windows_with_channels_last() {
    let picture = ["u8[1, 8, 8, 3]", "f32[]", "u8[]", "f32[]", "u8[]"];
    let pool = "kernel_shape=[2,2] strides=[2,2]";
    ms("QLinearAveragePool", &format!("{pool} channels_last=1"), &picture, &["u8[1, 4, 4, 3]"]);
    ms("QLinearGlobalAveragePool", "channels_last=1", &picture, &["u8[1, 1, 1, 3]"]);
    ms("NhwcMaxPool", pool, &["u8[1, 8, 8, 3]"], &["u8[1, 4, 4, 3]"]);
    let filters = ["u8[1, 8, 8, 3]", "f32[]", "u8[]", "i8[4, 3, 3, 3]", "f32[]", "i8[]", "f32[]", "u8[]"];
    ms("QLinearConv", "channels_last=1 strides=[2,2]", &filters, &["u8[1, 3, 3, 4]"]);
    let first = ["u8[1, 3, 8, 8]", "f32[]", "u8[]", "i8[4, 3, 3, 3]", "f32[]", "i8[]", "f32[]", "u8[]"];
    ms("QLinearConv", "strides=[2,2]", &first, &["u8[1, 4, 3, 3]"]);
}

#[test]
fn recurrences() {
    let lstm = ["f32[7, 2, 3]", "i8[1, 3, 20]", "i8[1, 5, 20]"];
    ms("DynamicQuantizeLSTM", "hidden_size=5", &lstm, &["f32[7, 1, 2, 5]", "f32[1, 2, 5]", "f32[1, 2, 5]"]);
    let linear = ["f32[2, 9, 32]", "f32[2, 9, 16]", "f32[2, 9, 12]"];
    ms("LinearAttention", "q_num_heads=4 kv_num_heads=2", &linear, &["f32[2, 9, 24]", "f32[2, 2, 8, 6]"]);
    ms("CausalConvWithState", "", &["f32[2, 6, 10]", "f32[6, 1, 4]"], &["f32[2, 6, 10]", "f32[2, 6, 3]"]);
}

#[test]
fn the_rest() {
    ms("BiasSplitGelu", "", &["f32[2, 3, 8]", "f32[8]"], &["f32[2, 3, 4]"]);
    ms("CDist", "", &["f32[4, 3]", "f32[5, 3]"], &["f32[4, 5]"]);
    ms("UnfoldTensor", "dim=1 size=4 step=2", &["f32[2, 10]"], &["f32[2, 4, 4]"]);
    ms("WordConvEmbedding", "", &["i32[4, 12]", "f32[10, 1, 5, 6]"], &["f32[4, 10]"]);
    ms("TorchEmbedding", "", &["f32[10, 4]", "i64[2, 3]"], &["f32[2, 3, 4]"]);
    ms("Rfft", "", &["f32[2, 16]"], &["f32[2, 9, 2]"]);
    ms("Irfft", "", &["f32[2, 9, 2]"], &["f32[2, 16]"]);
    ms("CropAndResize", "", &["f32[1, 3, 8, 8]", "f32[5, 4]", "i32[5]", "i32[2]{4, 6}"], &["f32[5, 3, 4, 6]"]);
    ms("ExpandDims", "", &["f32[3, 4]", "i32[]{1}"], &["f32[3, 1, 4]"]);
    ms("RestorePadding", "", &["f32[7, 8]", "i32[2, 5]"], &["f32[2, 5, 8]"]);
}

#[test]
fn generated_text() {
    let inputs = ["i32[2, 5]", "i32[1]{20}", "i32[1]{1}", "i32[1]{4}", "i32[1]{3}"];
    ms("BeamSearch", "vocab_size=99", &inputs, &["i32[2, 3, 20]", "f32[2, 3]", "f32[15, 2, 4, 99]"]);
    ms("GreedySearch", "", &["i32[2, 5]", "i32[1]{20}"], &["i32[2, 20]"]);
}
