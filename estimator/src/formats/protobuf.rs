//! The protobuf encoding: fields with numbers, lengths and places, read from a [`Source`] without copying contents.
//!
//! Knows no schema: the rooms of the formats that are written in protobuf (ONNX, TensorFlow, Core ML) know theirs.

use super::budget::Budget;
use super::error::{Problem, ReadError};
use super::source::Source;

/// A stretch of the file that holds a message.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Its first byte.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
}

impl Span {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// A variable-length integer.
    Number(u64),
    /// Eight bytes, little-endian.
    Eight(u64),
    /// Four bytes, little-endian.
    Four(u32),
    /// Bytes: a text, a message, packed numbers.
    Bytes(Span),
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its number in the schema.
    pub number: u64,
    /// What it holds.
    pub content: Content,
    /// Where its key stands.
    pub offset: u64,
}

/// Longest text. Names run to a few hundred bytes.
const MOST_TEXT: u64 = 64 << 10;
/// The whole file as a message.
pub fn whole(source: &Source<'_>) -> Span {
    Span { start: 0, end: source.size() }
}

/// Reads the fields of a message one after the other; what is not asked for is skipped, not read.
pub struct Fields {
    at: u64,
    end: u64,
}

impl Fields {
    /// The fields of the message in a span.
    pub fn of(span: Span) -> Self {
        Self { at: span.start, end: span.end }
    }

    /// The next field; `None` at the end of the message.
    pub fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Field>, ReadError> {
        if self.at >= self.end {
            return Ok(None);
        }
        let offset = self.at;
        let key = self.number(source)?;
        let number = key >> 3;
        if number == 0 {
            return Err(corrupt(source, offset, "a field has the number 0"));
        }
        let content = match key & 7 {
            0 => Content::Number(self.number(source)?),
            1 => Content::Eight(u64::from_le_bytes(self.fixed::<8>(source)?)),
            5 => Content::Four(u32::from_le_bytes(self.fixed::<4>(source)?)),
            2 => {
                let length = self.number(source)?;
                let start = self.at;
                let end = start.checked_add(length).filter(|end| *end <= self.end);
                let Some(end) = end else {
                    let needs = start.saturating_add(length);
                    // Behind the end of the file it was cut off; behind the end of its own message it is nonsense.
                    return Err(match self.end >= source.size() {
                        true => source.truncated(needs),
                        false => {
                            corrupt(source, offset, &format!("a field of {length} bytes is longer than what holds it"))
                        }
                    });
                };
                self.at = end;
                Content::Bytes(Span { start, end })
            }
            kind => return Err(corrupt(source, offset, &format!("a field has the unknown kind {kind}"))),
        };
        Ok(Some(Field { number, content, offset }))
    }

    fn fixed<const N: usize>(&mut self, source: &mut Source<'_>) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.byte(source)?;
        }
        Ok(bytes)
    }

    fn byte(&mut self, source: &mut Source<'_>) -> Result<u8, ReadError> {
        if self.at >= self.end {
            return Err(match self.end >= source.size() {
                true => source.truncated(self.end.saturating_add(1)),
                false => corrupt(source, self.at, "a number runs over the end of what holds it"),
            });
        }
        let byte = source.byte(self.at)?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self, source: &mut Source<'_>) -> Result<u64, ReadError> {
        let start = self.at;
        let mut value = 0u64;
        for place in 0..10u32 {
            let byte = self.byte(source)?;
            value |= u64::from(byte & 0x7f).checked_shl(place * 7).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(corrupt(source, start, "a number takes more than ten bytes"))
    }
}

impl Field {
    /// The field as an integer; packed fields are not integers.
    pub fn number(&self, source: &Source<'_>) -> Result<u64, ReadError> {
        match self.content {
            Content::Number(value) => Ok(value),
            _ => Err(self.wrong_kind(source, "a number")),
        }
    }

    /// The field as a signed integer.
    pub fn integer(&self, source: &Source<'_>) -> Result<i64, ReadError> {
        Ok(self.number(source)? as i64)
    }

    /// The field as a message or other bytes.
    pub fn span(&self, source: &Source<'_>) -> Result<Span, ReadError> {
        match self.content {
            Content::Bytes(span) => Ok(span),
            _ => Err(self.wrong_kind(source, "a message")),
        }
    }

    /// The field as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self, source: &mut Source<'_>, budget: &mut Budget) -> Result<String, ReadError> {
        let span = self.span(source)?;
        if span.len() > MOST_TEXT {
            let what = format!("a name has {} bytes; at most {MOST_TEXT} are read", span.len());
            return Err(source.error(Some(self.offset), "", Problem::OverLimit(what)));
        }
        budget.charge(source, span.len() + 32)?;
        let bytes = source.stretch(span.start, usize::try_from(span.len()).unwrap_or(0))?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    fn wrong_kind(&self, source: &Source<'_>, expected: &str) -> ReadError {
        corrupt(source, self.offset, &format!("field {} should be {expected}", self.number))
    }
}

/// Adds the numbers of a repeated field, packed or single, to a list that keeps at most `most` and counts all.
pub struct Numbers<T> {
    /// Those kept.
    pub items: Vec<T>,
    /// How many there were.
    pub count: u64,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { items: Vec::new(), count: 0 }
    }
}

impl<T> Numbers<T> {
    /// Adds one.
    pub fn push(&mut self, item: T, most: usize) {
        self.count += 1;
        if self.items.len() < most {
            self.items.push(item);
        }
    }

    /// The numbers, if all were kept.
    pub fn complete(self) -> Option<Vec<T>> {
        (self.items.len() as u64 == self.count).then_some(self.items)
    }
}

/// The variable-length integers of a field, packed or single. Packed ones beyond `most` are not read.
pub fn add_numbers(
    field: &Field,
    source: &mut Source<'_>,
    into: &mut Numbers<u64>,
    most: usize,
) -> Result<(), ReadError> {
    match field.content {
        Content::Number(value) => into.push(value, most),
        Content::Bytes(span) => {
            let mut fields = Fields::of(span);
            while fields.at < fields.end {
                if into.items.len() >= most {
                    // Each takes at least a byte: enough to know that not all are kept.
                    into.count = into.count.saturating_add(fields.end - fields.at);
                    return Ok(());
                }
                let value = fields.number(source)?;
                into.push(value, most);
            }
        }
        _ => return Err(field.wrong_kind(source, "numbers")),
    }
    Ok(())
}

/// The fixed-size numbers of a field, packed or single. Packed ones beyond `most` are not read.
pub fn add_fixed<const N: usize>(
    field: &Field,
    source: &mut Source<'_>,
    into: &mut Numbers<[u8; N]>,
    most: usize,
) -> Result<(), ReadError> {
    let single = |bytes: &[u8]| <[u8; N]>::try_from(bytes).ok();
    match field.content {
        Content::Four(value) => match single(&value.to_le_bytes()) {
            Some(bytes) => into.push(bytes, most),
            None => return Err(field.wrong_kind(source, "an eight-byte number")),
        },
        Content::Eight(value) => match single(&value.to_le_bytes()) {
            Some(bytes) => into.push(bytes, most),
            None => return Err(field.wrong_kind(source, "a four-byte number")),
        },
        Content::Bytes(span) => {
            let count = span.len() / N as u64;
            let room = most.saturating_sub(into.items.len());
            if count > room as u64 {
                into.count = into.count.saturating_add(count);
                return Ok(());
            }
            let bytes = source.stretch(span.start, usize::try_from(span.len()).unwrap_or(0))?;
            bytes.chunks_exact(N).filter_map(single).for_each(|bytes| into.push(bytes, most));
        }
        Content::Number(_) => return Err(field.wrong_kind(source, "fixed-size numbers")),
    }
    Ok(())
}

/// An error about the file's contents.
pub fn corrupt(source: &Source<'_>, offset: u64, why: &str) -> ReadError {
    source.error(Some(offset), "", Problem::Corrupt(why.to_owned()))
}
