//! What a user would change of a model before serving it: fewer bits, fewer weights, a smaller network, other software.
//!
//! Each choice is one word with its numbers, the same in a link, in a file and on the command line:
//! `int4-weight-only`, `structured:0.5`, `layers=0.5,width=0.5`, `fused`.
//! What a choice does is for `compression` to say.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The largest group of weights that share a scale.
const LARGEST_GROUP: u64 = 1 << 20;

/// The changes; what is `None` or empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compression {
    /// The number format of weights and arithmetic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantize: Option<Format>,
    /// Weights that share a scale; the format's usual group when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<u64>,
    /// Which weights are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prune: Option<Prune>,
    /// The size of the network that learns from this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distil: Option<Distil>,
    /// How the model is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<Software>,
    /// What bits and pruning leave alone: `first`, `last`, `embeddings`, or names of layers, with `*` at either end for any text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

impl Compression {
    /// Whether nothing is changed.
    pub fn is_none(&self) -> bool {
        self.quantize.is_none() && self.prune.is_none() && self.distil.is_none() && self.software.is_none()
    }
}

/// A word that is no choice, with what is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceError {
    /// What was written.
    pub found: String,
    /// What is understood.
    pub expected: &'static str,
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "“{}” is not understood; expected {}", self.found, self.expected)
    }
}

impl std::error::Error for ChoiceError {}

fn fault(found: &str, expected: &'static str) -> ChoiceError {
    ChoiceError { found: found.chars().take(80).collect(), expected }
}

/// Number formats of weights, and of the arithmetic where that changes too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// 16-bit floating point.
    Fp16,
    /// 16 bits with an exponent of 8.
    Bf16,
    /// 8-bit floating point, weights and activations.
    Fp8,
    /// 8-bit integers, weights and activations.
    Int8,
    /// Weights in 8 bits, unpacked to 16 before they are multiplied.
    Int8WeightOnly,
    /// Weights in 4 bits, unpacked to 16 before they are multiplied.
    Int4WeightOnly,
    /// Weights in 4 bits, activations and arithmetic in 8.
    Int4Act8,
    /// 4-bit integers, weights and activations.
    Int4,
    /// 4-bit floating point with scales of blocks, weights and activations.
    Fp4,
}

impl Format {
    /// All of them, the widest first.
    pub const ALL: [Self; 9] = [
        Self::Fp16,
        Self::Bf16,
        Self::Fp8,
        Self::Int8,
        Self::Int8WeightOnly,
        Self::Int4Act8,
        Self::Int4WeightOnly,
        Self::Int4,
        Self::Fp4,
    ];

    /// The word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
            Self::Int8WeightOnly => "int8-weight-only",
            Self::Int4WeightOnly => "int4-weight-only",
            Self::Int4Act8 => "int4-act8",
            Self::Int4 => "int4",
            Self::Fp4 => "fp4",
        }
    }
}

/// Which weights are left out, and how that is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prune {
    /// A share of all weights, wherever they stand.
    Unstructured {
        /// The share that is left out, above 0 and below 1.
        share: f64,
        /// How the rest is stored.
        storage: Storage,
    },
    /// A share of all channels, heads and hidden units: a network that really is narrower.
    Structured {
        /// The share that is left out, above 0 and below 1.
        share: f64,
    },
    /// Two of every four neighbouring weights.
    TwoOfFour,
}

/// How weights with zeros among them are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// Zeros are written out.
    #[default]
    Dense,
    /// One bit for each weight says whether it is there.
    Bitmap,
    /// Compressed sparse rows: each weight with its column.
    Csr,
}

impl Storage {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dense, Self::Bitmap, Self::Csr];

    /// The word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Bitmap => "bitmap",
            Self::Csr => "csr",
        }
    }
}

/// The student's size as shares of the teacher's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distil {
    /// The share of the layers that stay, above 0 and at most 1.
    pub layers: f64,
    /// The share of the width that stays, above 0 and at most 1.
    pub width: f64,
}

/// How a model is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Software {
    /// One kernel for each operator, each started by the host.
    Eager,
    /// What works element by element is computed where its input is made, and attention in one kernel.
    Fused,
    /// Fused, and all kernels of a pass are started together.
    Graph,
}

impl Software {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Eager, Self::Fused, Self::Graph];

    /// The word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Eager => "eager",
            Self::Fused => "fused",
            Self::Graph => "graph",
        }
    }
}

/// A share that is left out: above 0 and below 1.
fn left_out(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0)
}

/// A share that stays: above 0 and at most 1.
fn staying(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share: &f64| *share > 0.0 && *share <= 1.0)
}

impl FromStr for Format {
    type Err = ChoiceError;
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let expected = "fp16, bf16, fp8, int8, int8-weight-only, int4-act8, int4-weight-only, int4 or fp4";
        let plain = text.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.code() == plain).ok_or_else(|| fault(text, expected))
    }
}

impl FromStr for Prune {
    type Err = ChoiceError;
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let expected = "2:4, unstructured:0.9 (also :bitmap or :csr behind it) or structured:0.5, the share left out between 0 and 1";
        let fault = || fault(text, expected);
        let plain = text.trim().to_ascii_lowercase();
        if plain == "2:4" {
            return Ok(Self::TwoOfFour);
        }
        let mut parts = plain.split(':');
        let (kind, share) = (parts.next(), parts.next().and_then(left_out).ok_or_else(fault)?);
        let storage = match parts.next() {
            None => None,
            Some(word) => Some(Storage::ALL.into_iter().find(|own| own.code() == word).ok_or_else(fault)?),
        };
        match (kind, storage, parts.next()) {
            (Some("unstructured"), storage, None) => {
                Ok(Self::Unstructured { share, storage: storage.unwrap_or_default() })
            }
            (Some("structured"), None, None) => Ok(Self::Structured { share }),
            _ => Err(fault()),
        }
    }
}

impl FromStr for Distil {
    type Err = ChoiceError;
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let fault = || fault(text, "layers=0.5,width=0.5, each above 0 and at most 1");
        let mut found = Self { layers: 1.0, width: 1.0 };
        for part in text.split(',') {
            let (name, share) = part.split_once('=').ok_or_else(fault)?;
            let share = staying(share.trim()).ok_or_else(fault)?;
            match name.trim() {
                "layers" => found.layers = share,
                "width" => found.width = share,
                _ => return Err(fault()),
            }
        }
        Ok(found)
    }
}

impl FromStr for Software {
    type Err = ChoiceError;
    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let plain = text.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|software| software.code() == plain)
            .ok_or_else(|| fault(text, "eager, fused or graph"))
    }
}

/// A number of weights that share a scale.
///
/// # Errors
/// No whole number, 0, or more than a million.
pub fn group(text: &str) -> Result<u64, ChoiceError> {
    let size = text.trim().parse().ok().filter(|size| (1..=LARGEST_GROUP).contains(size));
    size.ok_or_else(|| fault(text, "a group of 1 to 1048576 weights"))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Prune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unstructured { share, storage: Storage::Dense } => write!(f, "unstructured:{share}"),
            Self::Unstructured { share, storage } => write!(f, "unstructured:{share}:{}", storage.code()),
            Self::Structured { share } => write!(f, "structured:{share}"),
            Self::TwoOfFour => f.write_str("2:4"),
        }
    }
}

impl fmt::Display for Distil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layers={},width={}", self.layers, self.width)
    }
}

impl fmt::Display for Software {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(Format, Prune, Distil, Software);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_there_and_back() {
        for format in Format::ALL {
            assert_eq!(format.code().parse(), Ok(format));
        }
        for software in Software::ALL {
            assert_eq!(software.to_string().parse(), Ok(software));
        }
        for text in ["2:4", "unstructured:0.9", "unstructured:0.5:csr", "structured:0.25"] {
            assert_eq!(text.parse::<Prune>().unwrap().to_string(), text);
        }
        assert_eq!("width=0.5".parse(), Ok(Distil { layers: 1.0, width: 0.5 }));
        assert_eq!("layers=0.5,width=0.25".parse::<Distil>().unwrap().to_string(), "layers=0.5,width=0.25");
    }

    #[test]
    fn nonsense_is_refused_with_what_is_understood() {
        for text in ["", "1:4", "structured", "structured:0", "structured:1", "structured:NaN", "unstructured:0.5:coo"]
        {
            assert!(text.parse::<Prune>().unwrap_err().to_string().contains("2:4"), "{text}");
        }
        for text in ["", "layers", "layers=0", "depth=0.5", "layers=2"] {
            assert!(text.parse::<Distil>().is_err(), "{text}");
        }
        assert!("int3".parse::<Format>().unwrap_err().to_string().contains("int4-weight-only"));
        assert_eq!(group("128"), Ok(128));
        assert!(group("0").is_err() && group("-1").is_err() && group("99999999").is_err());
    }

    #[test]
    fn a_file_holds_words() {
        let choice = Compression {
            quantize: Some(Format::Int4WeightOnly),
            group: Some(128),
            prune: Some(Prune::TwoOfFour),
            distil: Some(Distil { layers: 0.5, width: 1.0 }),
            software: Some(Software::Graph),
            keep: vec!["first".to_owned()],
        };
        let text = serde_json::to_string(&choice).unwrap();
        assert!(text.contains(r#""prune":"2:4""#) && text.contains(r#""quantize":"int4-weight-only""#));
        assert_eq!(serde_json::from_str::<Compression>(&text).unwrap(), choice);
        assert_eq!(serde_json::from_str::<Compression>("{}").unwrap(), Compression::default());
    }
}
