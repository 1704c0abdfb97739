//! Element types of tensors, in every format's numbering-free form.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! dtypes {
    ($($variant:ident $name:literal $bits:literal $kind:ident $doc:literal,)*) => {
        /// The type of one element of a tensor.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum DType {
            $(#[doc = $doc] $variant,)*
        }

        impl DType {
            /// Every element type.
            pub const ALL: &'static [DType] = &[$(DType::$variant,)*];

            /// The short name, as printed and as serialised.
            pub fn name(self) -> &'static str {
                match self { $(DType::$variant => $name,)* }
            }

            /// Bits that one element takes when packed; 0 for strings, whose size is their own.
            pub fn bits(self) -> u64 {
                match self { $(DType::$variant => $bits,)* }
            }

            /// What sort of number it is.
            pub fn kind(self) -> Kind {
                match self { $(DType::$variant => Kind::$kind,)* }
            }
        }
    };
}

/// The sort of number that a [`DType`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Floating point, of any width.
    Float,
    /// A signed or unsigned integer.
    Integer,
    /// True or false.
    Boolean,
    /// A pair of floating-point numbers.
    Complex,
    /// Text.
    Text,
}

dtypes! {
    F64 "f64" 64 Float "64-bit float.",
    F32 "f32" 32 Float "32-bit float.",
    F16 "f16" 16 Float "IEEE half precision.",
    Bf16 "bf16" 16 Float "bfloat16.",
    F8E4M3 "f8e4m3" 8 Float "8-bit float with 4 exponent and 3 mantissa bits.",
    F8E4M3Fnuz "f8e4m3fnuz" 8 Float "8-bit float E4M3 without negative zero.",
    F8E5M2 "f8e5m2" 8 Float "8-bit float with 5 exponent and 2 mantissa bits.",
    F8E5M2Fnuz "f8e5m2fnuz" 8 Float "8-bit float E5M2 without negative zero.",
    F8E8M0 "f8e8m0" 8 Float "8-bit power-of-two scale.",
    F4E2M1 "f4e2m1" 4 Float "4-bit float with 2 exponent bits and 1 mantissa bit.",
    I64 "i64" 64 Integer "64-bit signed integer.",
    I32 "i32" 32 Integer "32-bit signed integer.",
    I16 "i16" 16 Integer "16-bit signed integer.",
    I8 "i8" 8 Integer "8-bit signed integer.",
    I4 "i4" 4 Integer "4-bit signed integer.",
    I2 "i2" 2 Integer "2-bit signed integer.",
    U64 "u64" 64 Integer "64-bit unsigned integer.",
    U32 "u32" 32 Integer "32-bit unsigned integer.",
    U16 "u16" 16 Integer "16-bit unsigned integer.",
    U8 "u8" 8 Integer "8-bit unsigned integer.",
    U4 "u4" 4 Integer "4-bit unsigned integer.",
    U2 "u2" 2 Integer "2-bit unsigned integer.",
    Bool "bool" 8 Boolean "A truth value, stored in a byte.",
    C64 "c64" 64 Complex "A pair of 32-bit floats.",
    C128 "c128" 128 Complex "A pair of 64-bit floats.",
    Text "string" 0 Text "Text.",
}

impl DType {
    /// Bytes that `elements` of this type take when packed, rounded up to whole bytes; `None` when that overflows.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        elements.checked_mul(self.bits()).map(|bits| bits.div_ceil(8))
    }

    /// Whether it is a float of any width.
    pub fn is_float(self) -> bool {
        self.kind() == Kind::Float
    }

    /// Whether it is an integer of any width, signed or not.
    pub fn is_integer(self) -> bool {
        self.kind() == Kind::Integer
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_is_serialised() {
        for dtype in DType::ALL.iter().filter(|dtype| **dtype != DType::Text) {
            assert_eq!(serde_json::to_string(dtype).ok(), Some(format!("\"{}\"", dtype.name())));
        }
    }

    #[test]
    fn packed_sizes_round_up() {
        assert_eq!(DType::I4.bytes(3), Some(2));
        assert_eq!(DType::F32.bytes(u64::MAX), None);
    }
}
