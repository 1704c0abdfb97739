//! What a tensor is, told by its name, type and shape: the conventions of PyTorch's state dicts.
//!
//! Tensors that belong to a quantised one are told in `layouts`.

use crate::model::{DType, Kind, TensorRole, Weight};

/// Last parts of names of floats that are computed and not learned: statistics of batch norms, tables of rotary angles,
/// the balance of experts that DeepSeek's models adjust without a gradient, masks.
const BUFFERS: &[&str] = &[
    "running_mean",
    "running_var",
    "inv_freq",
    "original_inv_freq",
    "cos_cached",
    "sin_cached",
    "e_score_correction_bias",
    "masked_bias",
    "causal_mask",
    "attn_mask",
    "relative_position_index",
    "alpha",
];

/// Last parts of names of what quantisation keeps beside weights and activations, whatever its type.
const QUANTISATION: &[&str] = &[
    "SCB",
    "weight_scale",
    "weight_scale_inv",
    "weight_scale_2",
    "weight_scales",
    "weight_global_scale",
    "weight_zero_point",
    "input_scale",
    "input_scale_ub",
    "input_scale_inv",
    "input_global_scale",
    "input_zero_point",
    "output_scale",
    "q_scale",
    "k_scale",
    "v_scale",
    "prob_scale",
    "activation_scale",
];

/// Tables of a diffusion's noise schedule, as single-file checkpoints of latent diffusion keep them.
const SCHEDULE: &[&str] = &[
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
    "logvar",
    "sigmas",
    "log_sigmas",
];

/// What a tensor of this name is.
pub(in crate::formats) fn role(name: &str, weight: &Weight) -> TensorRole {
    let leaf = name.rsplit(['.', '/']).next().unwrap_or(name);
    let elements = weight.elements();
    if QUANTISATION.contains(&leaf) {
        return TensorRole::Buffer;
    }
    match weight.dtype.kind() {
        Kind::Float | Kind::Complex => {}
        // Whole matrices of small integers are quantised weights, wherever their scales are.
        Kind::Integer if weight.dtype.bits() <= 8 && leaf.starts_with("weight") && weight.shape.len() >= 2 => {
            return TensorRole::Parameter;
        }
        Kind::Integer | Kind::Boolean | Kind::Text => return TensorRole::Setting,
    }
    // EMA copies stand beside the weights that were trained.
    if name.starts_with("model_ema.") {
        return TensorRole::OptimizerState;
    }
    match leaf {
        // A scalar: the strength of an adapter.
        "alpha" if elements != Some(1) => TensorRole::Parameter,
        leaf if BUFFERS.contains(&leaf) => TensorRole::Buffer,
        leaf if SCHEDULE.contains(&leaf) && weight.shape.len() == 1 && !name.contains("layers.") => TensorRole::Buffer,
        "bias" if is_mask(&weight.shape) => TensorRole::Buffer,
        _ => TensorRole::Parameter,
    }
}

/// Whether the shape is that of a mask over positions, which GPT-2, GPT-J and GPT-NeoX keep as the `bias` of an attention.
fn is_mask(shape: &[u64]) -> bool {
    matches!(shape, [1, 1, rows, columns] if rows == columns && *rows > 1)
}

/// A float of the same width as a name's type, for tensors whose type has no word here.
pub(in crate::formats) fn nearest(bits: u64) -> DType {
    match bits {
        0..=4 => DType::F4E2M1,
        5..=8 => DType::F8E4M3,
        9..=16 => DType::F16,
        17..=32 => DType::F32,
        _ => DType::F64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Storage;

    #[test]
    fn names_types_and_shapes_tell_what_is_learned() {
        let of = |name: &str, dtype, shape: &[u64]| {
            role(name, &Weight::new(dtype, shape.to_vec(), Storage::Inside { offset: 0 }))
        };
        use TensorRole::{Buffer, OptimizerState, Parameter, Setting};
        assert_eq!(of("model.embed_tokens.weight", DType::Bf16, &[10, 4]), Parameter);
        assert_eq!(of("layer1.0.bn1.running_var", DType::F32, &[64]), Buffer);
        assert_eq!(of("layer1.0.bn1.num_batches_tracked", DType::I64, &[]), Setting);
        assert_eq!(of("h.0.attn.bias", DType::F32, &[1, 1, 1024, 1024]), Buffer);
        assert_eq!(of("h.0.attn.bias", DType::Bool, &[1, 1, 1024, 1024]), Setting);
        assert_eq!(of("h.0.attn.c_attn.bias", DType::F32, &[2304]), Parameter);
        assert_eq!(of("bert.embeddings.position_ids", DType::I64, &[1, 512]), Setting);
        assert_eq!(of("model.layers.0.self_attn.rotary_emb.inv_freq", DType::F32, &[64]), Buffer);
        assert_eq!(of("unet.down.lora_down.alpha", DType::F32, &[]), Buffer);
        assert_eq!(of("mixer.alpha", DType::F32, &[64]), Parameter);
        assert_eq!(of("model_ema.decay", DType::F32, &[]), OptimizerState);
        assert_eq!(of("q_proj.weight", DType::I8, &[64, 64]), Parameter);
        assert_eq!(of("betas", DType::F32, &[1000]), Buffer);
    }
}
