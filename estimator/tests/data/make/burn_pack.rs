//! Writes tests/data/burn/small.bpk with Burn's own crate: an empty package that depends on `burn-pack = "=0.22.1"` and
//! `burn-std = "=0.22.1"`, with this as `src/main.rs`, run with the path of the file to write.

use burn_pack::{Bytes, DType, Tensor, Writer};
fn main() {
    let plain = |name: &str, dtype, shape: Vec<usize>, width: usize| {
        let bytes = vec![0u8; shape.iter().product::<usize>() * width];
        Tensor::new(name.to_string(), dtype, shape, Some(7), Bytes::from_bytes_vec(bytes))
    };
    let packed = Writer::new(vec![
        plain("conv.weight", DType::F32, vec![8, 3, 3, 3], 4),
        plain("conv.bias", DType::F16, vec![8], 2),
        plain("norm.gamma", DType::F32, vec![8], 4),
        plain("norm.running_mean", DType::F32, vec![8], 4),
        plain("mask", DType::Bool(burn_std::BoolStore::U8), vec![4, 4], 1),
    ])
    .with_metadata("producer", "a script")
    .into_bytes()
    .unwrap();
    std::fs::write(std::env::args().nth(1).unwrap(), &packed[..]).unwrap();
}
