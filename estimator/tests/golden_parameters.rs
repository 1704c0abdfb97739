//! Exact parameters of the golden graphs and gallery models of which the table of float elements does not tell them.
//!
//! `goldens.rs` holds everything else against the truth beside the graphs.

use estimator::cost::inspect;
use estimator::formats::open_lone;
use estimator::shapes::{Choices, infer};
use std::fs::File;
use std::path::Path;

/// Parameters of graphs whose float elements are not their parameters:
/// quantised weights are integers, scales and running statistics are buffers, and `Resize` takes its scales as floats.
const PARAMETERS: &[(&str, u64)] = &[
    // The network's own.
    ("autoencoder_dynamo_18_static", 2123),
    ("autoencoder_dynamo_20_static", 2123),
    ("bert_dynamic", 106_368),
    ("lstm_dynamic", 5645),
    // Without the four scales of a `Resize`.
    ("ddpm_cifar10_unet", 35_746_440 - 4),
    // As in the float export, which has the batch norms folded in.
    ("cnn_dynamic", 4370),
    ("cnn_qdq_int8", 4370),
    ("cnn_qdq_ort_extended", 4370),
    ("cnn_qdq_uint8_activations", 4370),
    ("cnn_qoperator", 4370),
    // 708 in biases and norms, 8192 that stayed floats, 14592 in 8 bits.
    ("encoder_dynamic", 708 + 8192 + 14_592),
    // The network's, the table of words once more as the last product's weights, and eight constants.
    ("gpt2_4bit", 110_592 + 100 * 64 + 8),
    // The network's, and fourteen constants.
    ("llama_4bit", 74_560 + 14),
    ("llama_4bit_qdq", 74_560 + 14),
    ("llama_4bit_zero_points", 74_560 + 14),
    // Weights as shaped before packing, and biases.
    ("dequantize_int4_blocks", 192),
    ("ms_dynamic_quantize_lstm", 312),
    ("ms_dynamic_quantize_matmul", 192),
    ("ms_gather_block_quantized", 640),
    ("ms_matmul_8bits", 1536),
    ("ms_matmul_integer_to_float", 192),
    ("ms_matmul_nbits", 1536),
    ("ms_qattention", 3168),
    ("ms_qgemm", 56),
    ("qlinear_conv_grouped", 108),
    ("qlinear_matmul", 128),
    // One float that nothing uses; the others are scales.
    ("ms_qlinear_add", 1),
    ("ms_qlinear_average_pool", 1),
    ("ms_qlinear_concat", 1),
    ("ms_qlinear_global_average_pool", 1),
    ("ms_qlinear_leaky_relu", 1),
    ("ms_qlinear_mul", 1),
    ("ms_qlinear_sigmoid", 1),
    ("ms_qlinear_softmax", 1),
    // Without mean and variance of a batch norm (8) and the scales of `Upsample` (4).
    ("ir3_weights_among_inputs", 132 - 8 - 4),
];

#[test]
fn parameters_are_exact() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (stem, truth) in PARAMETERS {
        let places =
            ["tests/data/onnx", "../examples/models"].map(|folder| here.join(folder).join(format!("{stem}.onnx")));
        let path = places.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{stem} is no golden graph"));
        let model = open_lone(stem, File::open(path).unwrap()).unwrap();
        let found = inspect(&model, &infer(&model, &Choices::default()));
        let by_type = found.dtypes.values().sum::<u64>();
        let by_layer = found.layers.iter().map(|layer| layer.parameters).sum::<u64>();
        // Weights that nothing uses belong to no layer.
        let unused = truth - by_layer.min(*truth);
        if found.parameters != Some(*truth) || by_type != *truth || unused > 1 {
            wrong.push(format!("{stem}: {:?} for {truth}, {by_type} by type, {by_layer} by layer", found.parameters));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
