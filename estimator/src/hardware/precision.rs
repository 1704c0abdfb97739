//! Number formats that a device computes in, and what it computes in where it lacks one.
//!
//! Here is the choice of a peak only.
//! What a lower precision does to a model's size and accuracy belongs to `compression`.

use super::{Device, Field};
use crate::sources::Evidence;
use crate::units::FlopsPerSecond;
use serde::{Deserialize, Serialize};

/// A number format of matrix products. Every peak in our table is dense: 2:4 sparsity is never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE 64-bit.
    Fp64,
    /// IEEE 32-bit, in matrix units where the device has them for unreduced 32-bit inputs.
    Fp32,
    /// 32-bit inputs rounded to a 10-bit mantissa.
    Tf32,
    /// IEEE 16-bit with 32-bit accumulation, where the device has it.
    Fp16,
    /// IEEE 16-bit with 16-bit accumulation: faster on GeForce cards, and not what training frameworks use.
    #[serde(rename = "fp16-acc16")]
    Fp16Accumulate16,
    /// 16-bit with an 8-bit exponent.
    Bf16,
    /// 8-bit floating point with 32-bit accumulation, where the device has it.
    Fp8,
    /// 8-bit integers.
    Int8,
    /// 4-bit integers.
    Int4,
    /// 4-bit floating point with block scales (MXFP4, NVFP4).
    Fp4,
}

impl Precision {
    /// All precisions, the widest first.
    pub const ALL: [Self; 10] = [
        Self::Fp64,
        Self::Fp32,
        Self::Tf32,
        Self::Fp16,
        Self::Fp16Accumulate16,
        Self::Bf16,
        Self::Fp8,
        Self::Int8,
        Self::Int4,
        Self::Fp4,
    ];

    /// The word that scenarios and the command line use, for example `bf16`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fp64 => "fp64",
            Self::Fp32 => "fp32",
            Self::Tf32 => "tf32",
            Self::Fp16 => "fp16",
            Self::Fp16Accumulate16 => "fp16-acc16",
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::Fp4 => "fp4",
        }
    }

    /// The precision of this code, whatever its letter case.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.code().eq_ignore_ascii_case(code.trim()))
    }

    /// Bits of one stored number. TF32 is stored in 32 bits.
    pub fn bits(self) -> u32 {
        match self {
            Self::Fp64 => 64,
            Self::Fp32 | Self::Tf32 => 32,
            Self::Fp16 | Self::Fp16Accumulate16 | Self::Bf16 => 16,
            Self::Fp8 | Self::Int8 => 8,
            Self::Int4 | Self::Fp4 => 4,
        }
    }

    /// What a device computes in where it has no rate for this precision, in the order tried.
    ///
    /// - FP64 is never replaced: less would be wrong.
    /// - FP32 neither: a device without it (a TPU) is slower by a factor that no table states.
    /// - TF32 becomes FP32.
    /// - BF16 becomes FP32: chips before it emulate it in 32 bits, and FP16 has too little range to stand in for it.
    /// - FP16 becomes BF16 (a TPU's 16-bit format), then FP32.
    /// - 8 and 4 bits are unpacked to the next wider format that the device has: stored small, computed wide.
    pub fn substitutes(self) -> &'static [Self] {
        match self {
            Self::Fp64 | Self::Fp32 => &[],
            Self::Tf32 | Self::Bf16 => &[Self::Fp32],
            Self::Fp16 => &[Self::Bf16, Self::Fp32],
            Self::Fp16Accumulate16 => &[Self::Fp16, Self::Bf16, Self::Fp32],
            Self::Fp8 | Self::Int8 => &[Self::Bf16, Self::Fp16, Self::Fp32],
            Self::Int4 => &[Self::Int8, Self::Bf16, Self::Fp16, Self::Fp32],
            Self::Fp4 => &[Self::Fp8, Self::Bf16, Self::Fp16, Self::Fp32],
        }
    }
}

/// A dense peak, and what it is the peak of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Operations per second; for integers an operation is a multiplication or an addition, as for floating point.
    pub rate: FlopsPerSecond,
    /// The precision that the device computes in, which differs from the one asked for where it lacks that.
    pub computed_in: Precision,
    /// What stands behind the figure.
    pub evidence: Evidence,
}

impl Device {
    /// The dense peak for a precision, or that of its first substitute; see [`Precision::substitutes`].
    ///
    /// `None` where the device computes in nothing that can stand in for it.
    pub fn peak(&self, precision: Precision) -> Option<Peak> {
        std::iter::once(precision).chain(precision.substitutes().iter().copied()).find_map(|computed_in| {
            let rate = self.own_peak(computed_in)?;
            Some(Peak { rate, computed_in, evidence: self.evidence(Field::Peak(computed_in))? })
        })
    }

    /// The dense peak in just this precision.
    pub fn own_peak(&self, precision: Precision) -> Option<FlopsPerSecond> {
        self.peaks.iter().find(|(own, _)| *own == precision).map(|(_, rate)| *rate)
    }

    /// The precisions that the device has a rate of its own for, the widest first.
    pub fn precisions(&self) -> impl Iterator<Item = Precision> {
        self.peaks.iter().map(|(precision, _)| *precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::device;

    fn peak(id: &str, precision: Precision) -> Option<(f64, Precision)> {
        device(id).unwrap().peak(precision).map(|peak| (peak.rate.0 / 1e12, peak.computed_in))
    }

    #[test]
    fn a_device_computes_in_its_own_precision_first() {
        assert_eq!(peak("h100-sxm", Precision::Bf16), Some((989.4, Precision::Bf16)));
        assert_eq!(peak("h100-sxm", Precision::Fp8), Some((1978.9, Precision::Fp8)));
        assert_eq!(peak("rtx-4090", Precision::Fp16), Some((165.16, Precision::Fp16)));
        assert_eq!(peak("rtx-4090", Precision::Fp16Accumulate16), Some((330.32, Precision::Fp16Accumulate16)));
    }

    #[test]
    fn a_missing_precision_falls_to_what_the_chip_computes_in() {
        assert_eq!(peak("v100-sxm2-16gb", Precision::Bf16), Some((15.7, Precision::Fp32)), "not the FP16 rate");
        assert_eq!(peak("tpu-v4", Precision::Fp16), Some((275.0, Precision::Bf16)));
        assert_eq!(peak("a100-sxm4-80gb", Precision::Fp8), Some((312.0, Precision::Bf16)));
        assert_eq!(peak("h100-sxm", Precision::Int4), Some((1978.9, Precision::Int8)));
        assert_eq!(peak("h100-sxm", Precision::Fp4), Some((1978.9, Precision::Fp8)));
        assert_eq!(peak("p100-sxm2-16gb", Precision::Int8), Some((21.2, Precision::Fp16)));
        assert_eq!(peak("t4", Precision::Tf32), Some((8.1, Precision::Fp32)));
    }

    #[test]
    fn some_things_have_no_substitute() {
        assert_eq!(peak("coral-edge-tpu", Precision::Fp32), None);
        assert_eq!(peak("coral-edge-tpu", Precision::Fp16), None);
        assert_eq!(peak("tpu-v5e", Precision::Fp32), None);
        assert_eq!(peak("rtx-4090", Precision::Fp64), None);
    }

    #[test]
    fn codes_go_there_and_back() {
        for precision in Precision::ALL {
            assert_eq!(Precision::from_code(precision.code()), Some(precision));
            assert_eq!(serde_json::to_string(&precision).unwrap(), format!("\"{}\"", precision.code()));
        }
        assert_eq!(Precision::from_code(" BF16 "), Some(Precision::Bf16));
        assert_eq!(Precision::from_code("bfloat"), None);
    }
}
