//! Burn: burnpack containers (`.bpk`), and the records of named MessagePack (`.mpk`) that came before.
//!
//! Both say what every tensor is called, its type and its shape; tensors' bytes are skipped.
//! Records in bincode (`.bin`) do not say what they hold without the program that wrote them: they are told by name only.

mod pack;
mod record;
#[cfg(test)]
mod tests;

use super::budget::Budget;
use super::error::{Problem, ReadError};
use super::files::Files;
use super::sniff::Look;
use super::source::Source;
use crate::model::{DType, Model, Packing, Storage, TensorRole, Weight};

type Result<T> = std::result::Result<T, ReadError>;

/// Most tensors; burnpack's own limit.
const MOST_TENSORS: usize = 100_000;
/// Longest name or text in bytes.
const LONGEST_TEXT: u64 = 4096;
/// Most dimensions.
const MOST_DIMENSIONS: u64 = 32;
/// Deepest structures. Burn's modules hold each other a dozen deep.
const MOST_DEPTH: u32 = 64;

/// Whether it is a burnpack container or a record.
pub(super) fn recognises(look: &Look) -> bool {
    look.has(0, pack::MAGIC) || look.has(0, record::BEGINNING) || is_bincode(&look.beginning)
}

/// Whether it is a record in bincode: the names of the types that wrote it stand in front.
fn is_bincode(beginning: &[u8]) -> bool {
    !beginning.starts_with(b"{") && BINCODE.iter().any(|name| beginning.windows(name.len()).any(|text| text == *name))
}

/// How the name of what wrote a record begins.
const BINCODE: &[&[u8]] = &[b"burn_core::record::", b"burn::record::"];

/// Reads a model.
///
/// # Errors
/// The file is cut off, contradicts itself, is of a newer version, or is over a limit.
pub(super) fn read(_files: &Files<'_>, mut source: Source<'_>) -> Result<Model> {
    let mut model = Model {
        format: "burn".to_owned(),
        producer: "Burn".to_owned(),
        file_bytes: source.size(),
        weights_only: true,
        ..Model::default()
    };
    let length = usize::try_from(source.size().min(512)).unwrap_or(0);
    let beginning = source.stretch(0, length)?;
    if !beginning.starts_with(pack::MAGIC) && !beginning.starts_with(record::BEGINNING) {
        let what = "a Burn record in bincode, which only the program that wrote it can tell apart \
                    (save it as .mpk or .bpk with Burn's NamedMpkFileRecorder or burn-pack)";
        return Err(source.error(None, "", Problem::Unsupported(what.to_owned())));
    }
    let is_pack = source.stretch(0, pack::MAGIC.len())? == pack::MAGIC;
    let mut reader = Reader { source: &mut source, budget: Budget::default(), at: 0 };
    match is_pack {
        true => pack::read(&mut reader, &mut model)?,
        false => record::read(&mut reader, &mut model)?,
    }
    if model.graph.weights.is_empty() {
        model.notes.warn("", "the file holds no tensors");
    }
    Ok(model)
}

/// A tensor as either kind of file states it.
#[derive(Debug, Default)]
struct Stated {
    /// The name of its type, for example `F32`.
    dtype: Option<String>,
    /// How its elements are quantised, where they are.
    quantised: Option<String>,
    shape: Option<Vec<u64>>,
    /// Where its bytes begin in the file, and how many they are.
    bytes: Option<(u64, u64)>,
}

impl Stated {
    /// Adds it to the model.
    fn add(self, name: &str, source: &Source<'_>, model: &mut Model) -> Result<()> {
        let corrupt = |why: &str| source.error(None, &format!("tensor {name}"), Problem::Corrupt(why.to_owned()));
        let (Some(shape), Some((offset, bytes))) = (self.shape, self.bytes) else {
            return Err(corrupt("its shape or its bytes are not stated"));
        };
        if model.graph.weights.len() >= MOST_TENSORS {
            let what = format!("it has more than {MOST_TENSORS} tensors");
            return Err(source.error(None, "", Problem::OverLimit(what)));
        }
        let stated = self.dtype.unwrap_or_default();
        let plain = dtype(&stated);
        let mut weight = Weight::new(plain.unwrap_or(DType::F32), shape, Storage::Inside { offset });
        let Some(elements) = weight.elements() else {
            return Err(corrupt("its dimensions multiply to more than 2^64 elements"));
        };
        match plain {
            Some(dtype) => {
                // Truth values are stored in one byte or in four.
                let expected = dtype.bytes(elements);
                if expected != Some(bytes) && dtype != DType::Bool {
                    let expected = expected.map_or("more than 2^64".to_owned(), |count| count.to_string());
                    let text =
                        format!("its shape asks for {expected} bytes and the file holds {bytes}; the shape is counted");
                    model.notes.warn(name, text);
                }
            }
            None => {
                let packing = self.quantised.unwrap_or(stated).to_lowercase();
                weight.packing = Some(Packing { name: packing.as_str().into(), bytes });
            }
        }
        weight.role = Some(role(name, weight.dtype));
        model.add_weight(name, weight);
        Ok(())
    }
}

/// The element type that Burn calls so; `None` for quantised ones.
fn dtype(name: &str) -> Option<DType> {
    Some(match name {
        "F64" => DType::F64,
        // A float that the device may compute with less; stored in full.
        "F32" | "Flex32" => DType::F32,
        "F16" => DType::F16,
        "BF16" => DType::Bf16,
        "I64" => DType::I64,
        "I32" => DType::I32,
        "I16" => DType::I16,
        "I8" => DType::I8,
        "U64" => DType::U64,
        "U32" => DType::U32,
        "U16" => DType::U16,
        "U8" => DType::U8,
        "Bool" => DType::Bool,
        _ => return None,
    })
}

/// Running statistics are called alike everywhere, and so is what an optimiser keeps.
fn role(name: &str, dtype: DType) -> TensorRole {
    let mut parts = name.split('.');
    if parts.any(|part| matches!(part, "moment_1" | "moment_2" | "velocity" | "momentum")) {
        return TensorRole::OptimizerState;
    }
    match name.rsplit('.').next() {
        Some("running_mean" | "running_var") => TensorRole::Buffer,
        _ if dtype.is_float() => TensorRole::Parameter,
        _ => TensorRole::Setting,
    }
}

/// A place in the file that moves on.
struct Reader<'s, 'a> {
    source: &'s mut Source<'a>,
    budget: Budget,
    at: u64,
}

impl Reader<'_, '_> {
    fn corrupt(&self, why: &str) -> ReadError {
        self.source.error(Some(self.at), "", Problem::Corrupt(why.to_owned()))
    }

    fn too_deep(&self) -> ReadError {
        self.source.error(Some(self.at), "", Problem::OverLimit(format!("it is nested more than {MOST_DEPTH} deep")))
    }

    fn u8(&mut self) -> Result<u8> {
        let byte = self.source.byte(self.at)?;
        self.at += 1;
        Ok(byte)
    }

    /// A number of so many bytes, the most significant first.
    fn big(&mut self, width: u32) -> Result<u64> {
        let mut number = 0;
        for _ in 0..width {
            number = number << 8 | u64::from(self.u8()?);
        }
        Ok(number)
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        let end = self.at.saturating_add(bytes);
        if end > self.source.size() {
            return Err(self.source.truncated(end));
        }
        self.at = end;
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<String> {
        if length > LONGEST_TEXT {
            let what = format!("a text has {length} bytes; at most {LONGEST_TEXT} are read");
            return Err(self.source.error(Some(self.at), "", Problem::OverLimit(what)));
        }
        let start = self.at;
        self.skip(length)?;
        self.budget.charge(self.source, length + 64)?;
        let bytes = self.source.stretch(start, usize::try_from(length).unwrap_or(0))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
