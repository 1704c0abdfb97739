//! What the numbers of tensor types and file types mean: two tables, read once.

use crate::model::DType;
use crate::sources;
use crate::tables::{Row, Table, TableError, built_in};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How tensors of one type are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType {
    /// Its number in files.
    pub id: u32,
    /// Its name in small letters, for example `q4_k`.
    pub name: String,
    /// The element type, where it is a plain one.
    pub plain: Option<DType>,
    /// Elements of a block and its bytes; `None` where rows have headers of their own.
    pub block: Option<(u64, u64)>,
}

impl TensorType {
    /// Bytes of a tensor of this shape, the innermost dimension last; `None` where unknown or past 64 bits.
    ///
    /// # Errors
    /// The length of a row and that of a block, where the one is no multiple of the other.
    pub fn bytes(&self, shape: &[u64]) -> Result<Option<u64>, (u64, u64)> {
        let Some((elements, bytes)) = self.block else { return Ok(None) };
        let row = shape.last().copied().unwrap_or(1);
        if elements == 0 || !row.is_multiple_of(elements) {
            return Err((row, elements));
        }
        let all = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        Ok(all.and_then(|all| (all / elements).checked_mul(bytes)))
    }
}

/// The tensor type of this number.
pub fn tensor_type(id: u32) -> Option<&'static TensorType> {
    static ALL: OnceLock<BTreeMap<u32, TensorType>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let rows = built_in(tensor_types(include_str!("../../../data/ggml_types.csv")));
        rows.into_iter().map(|row| (row.id, row)).collect()
    });
    all.get(&id)
}

/// What people call a quantisation mix, for example `Q4_K_M`.
pub fn file_type(id: u64) -> Option<&'static str> {
    static ALL: OnceLock<BTreeMap<u32, String>> = OnceLock::new();
    let all = ALL
        .get_or_init(|| built_in(file_types(include_str!("../../../data/gguf_file_types.csv"))).into_iter().collect());
    all.get(&u32::try_from(id).ok()?).map(String::as_str)
}

fn tensor_types(text: &str) -> Result<Vec<TensorType>, TableError> {
    let table = Table::parse("ggml_types.csv", text)?;
    let read = |row: Row<'_>| {
        known_source(&row)?;
        let name = row.required_text("name")?.to_owned();
        let block = match (whole(&row, "block")?, whole(&row, "bytes")?) {
            (Some(elements @ 1..), Some(bytes @ 1..)) => Some((elements, bytes)),
            (None, None) => None,
            _ => return Err(row.fault("block", "block and bytes must both be given and not be zero, or neither")),
        };
        let plain = DType::ALL.iter().copied().find(|dtype| dtype.name() == name);
        Ok(TensorType { id: id(&row)?, name, plain, block })
    };
    table.rows().map(read).collect()
}

fn file_types(text: &str) -> Result<Vec<(u32, String)>, TableError> {
    let table = Table::parse("gguf_file_types.csv", text)?;
    let read = |row: Row<'_>| {
        known_source(&row)?;
        Ok((id(&row)?, row.required_text("name")?.to_owned()))
    };
    table.rows().map(read).collect()
}

fn known_source(row: &Row<'_>) -> Result<(), TableError> {
    let source = row.required_text("source")?;
    match sources::get(source) {
        Some(_) => Ok(()),
        None => Err(row.fault("source", format!("sources.csv has no “{source}”"))),
    }
}

fn whole(row: &Row<'_>, column: &str) -> Result<Option<u64>, TableError> {
    let Some(text) = row.text(column)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| row.fault(column, format!("“{text}” is no whole number")))
}

fn id(row: &Row<'_>) -> Result<u32, TableError> {
    let id = whole(row, "id")?.and_then(|id| u32::try_from(id).ok());
    id.ok_or_else(|| row.fault("id", "a number below 2^32 is required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_what_the_format_says() {
        let bytes = |id, shape: &[u64]| tensor_type(id).unwrap().bytes(shape);
        // 4.5, 6.5625 and 2.0625 bits for each element.
        assert_eq!(bytes(12, &[2, 256]), Ok(Some(288)));
        assert_eq!(bytes(14, &[256]), Ok(Some(210)));
        assert_eq!(bytes(16, &[1, 256]), Ok(Some(66)));
        assert_eq!(bytes(0, &[]), Ok(Some(4)));
        assert_eq!(bytes(2, &[3, 33]), Err((33, 32)));
        assert_eq!(bytes(0, &[u64::MAX]), Ok(None));
        assert_eq!(tensor_type(30).unwrap().plain, Some(DType::Bf16));
        assert_eq!(tensor_type(12).unwrap().plain, None);
        assert_eq!(tensor_type(5), None);
    }

    #[test]
    fn plain_types_are_as_wide_as_their_elements() {
        for id in 0..500 {
            let Some(of) = tensor_type(id) else { continue };
            if let Some(plain) = of.plain {
                assert_eq!(of.block, Some((1, plain.bits() / 8)), "{}", of.name);
            }
        }
        assert_eq!(file_type(15), Some("Q4_K_M"));
        assert_eq!(file_type(u64::MAX), None);
    }
}
