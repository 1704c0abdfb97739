//! Element types by OpenVINO's names.

use crate::model::DType;

/// An element type; some have no counterpart among [`DType`] and are stored narrower than the one that stands for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// What stands for it in shapes and counts.
    pub dtype: DType,
    /// Its own name and width in bits, where `dtype` has not this width.
    pub packed: Option<(&'static str, u64)>,
}

/// Every name of an element type: those of version 10 and 11 files in lower case, of their ports and of version 7 in upper case.
const NAMES: &[(&str, DType)] = &[
    ("f64", DType::F64),
    ("fp64", DType::F64),
    ("f32", DType::F32),
    ("fp32", DType::F32),
    ("f16", DType::F16),
    ("fp16", DType::F16),
    ("bf16", DType::Bf16),
    ("f8e4m3", DType::F8E4M3),
    ("f8e5m2", DType::F8E5M2),
    ("f8e8m0", DType::F8E8M0),
    ("f4e2m1", DType::F4E2M1),
    ("i64", DType::I64),
    ("i32", DType::I32),
    ("i16", DType::I16),
    ("i8", DType::I8),
    ("i4", DType::I4),
    ("u64", DType::U64),
    ("u32", DType::U32),
    ("u16", DType::U16),
    ("u8", DType::U8),
    ("u4", DType::U4),
    ("u2", DType::U2),
    ("boolean", DType::Bool),
    ("bool", DType::Bool),
    ("string", DType::Text),
];

/// Types narrower than any [`DType`] of their kind: a 4-bit table of floats, truth values in a bit, odd widths.
const PACKED: &[(&str, DType, &str, u64)] = &[
    ("nf4", DType::F16, "nf4", 4),
    ("u1", DType::U2, "u1", 1),
    ("bin", DType::U2, "u1", 1),
    ("u3", DType::U4, "u3", 3),
    ("u6", DType::U8, "u6", 6),
];

impl Element {
    /// The element type of a name, in either case.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase();
        let plain = NAMES.iter().find(|(own, _)| *own == name).map(|(_, dtype)| Self { dtype: *dtype, packed: None });
        plain.or_else(|| {
            let (_, dtype, own, bits) = PACKED.iter().find(|(own, ..)| *own == name)?;
            Some(Self { dtype: *dtype, packed: Some((own, *bits)) })
        })
    }

    /// Bits that one element takes.
    pub fn bits(self) -> u64 {
        self.packed.map_or(self.dtype.bits(), |(_, bits)| bits)
    }
}

/// The element type behind a name in an attribute, as converting operators state it.
pub(crate) fn dtype(name: &str) -> Option<DType> {
    Element::named(name).map(|element| element.dtype)
}
