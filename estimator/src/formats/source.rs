//! A file to read from: its name, its size, and a window of bytes that moves over it.
//!
//! Readers ask for small pieces at increasing places and skip the weights between them.
//! The window turns that into few reads of whole blocks and counts what was really read.

use super::error::{Problem, ReadError};
use std::io::{Read, Seek, SeekFrom};

/// Something to read from at any place: a file, a slice in memory, a `Blob`, a URL that answers range requests.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Told the place reached and the size; answers whether to go on.
pub type Watch<'a> = Box<dyn FnMut(u64, u64) -> bool + 'a>;

/// Bytes read at once. Larger blocks read more of the weights between headers, smaller ones cost more calls.
const BLOCK: usize = 16 * 1024;

/// A file being read.
pub struct Source<'a> {
    name: String,
    reader: Box<dyn ReadSeek + 'a>,
    size: u64,
    watch: Option<Watch<'a>>,
    window: Vec<u8>,
    window_start: u64,
    bytes_read: u64,
}

impl<'a> Source<'a> {
    /// A source over a reader; its size is found by seeking to the end.
    ///
    /// # Errors
    /// The reader cannot seek.
    pub fn new(name: &str, mut reader: impl ReadSeek + 'a) -> Result<Self, ReadError> {
        let unreadable = |error: std::io::Error| ReadError {
            file: name.to_owned(),
            offset: None,
            place: String::new(),
            problem: Problem::Unreadable(error.to_string()),
        };
        let size = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
        Ok(Self {
            name: name.to_owned(),
            reader: Box::new(reader),
            size,
            watch: None,
            window: Vec::new(),
            window_start: 0,
            bytes_read: 0,
        })
    }

    /// Reports progress to `watch` at every block, and stops when it answers `false`.
    pub fn watched(mut self, watch: impl FnMut(u64, u64) -> bool + 'a) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The byte at a place.
    ///
    /// # Errors
    /// The place is behind the end, or the system cannot read.
    pub(super) fn byte(&mut self, at: u64) -> Result<u8, ReadError> {
        match self.in_window(at) {
            Some(byte) => Ok(byte),
            None => {
                self.load(at)?;
                self.in_window(at).ok_or_else(|| self.truncated(at.saturating_add(1)))
            }
        }
    }

    /// The bytes of a stretch. The caller bounds `length`: it is allocated.
    ///
    /// # Errors
    /// The stretch goes behind the end, or the system cannot read.
    pub(super) fn bytes(&mut self, at: u64, length: usize) -> Result<Vec<u8>, ReadError> {
        let end = at.saturating_add(length as u64);
        if end > self.size {
            return Err(self.truncated(end));
        }
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let place = at + bytes.len() as u64;
            self.byte(place)?;
            let from = usize::try_from(place - self.window_start).unwrap_or(usize::MAX);
            let rest = self.window.get(from..).unwrap_or_default();
            let wanted = rest.len().min(length - bytes.len());
            bytes.extend_from_slice(rest.get(..wanted).unwrap_or_default());
        }
        Ok(bytes)
    }

    fn in_window(&self, at: u64) -> Option<u8> {
        let place = at.checked_sub(self.window_start)?;
        self.window.get(usize::try_from(place).ok()?).copied()
    }

    fn load(&mut self, at: u64) -> Result<(), ReadError> {
        let size = self.size;
        if let Some(watch) = &mut self.watch
            && !watch(at, size)
        {
            return Err(self.error(None, "", Problem::Cancelled));
        }
        let wanted = usize::try_from(self.size.saturating_sub(at)).unwrap_or(BLOCK).min(BLOCK);
        self.window.resize(wanted, 0);
        self.window_start = at;
        let mut filled = 0;
        let outcome = self.reader.seek(SeekFrom::Start(at)).and_then(|_| {
            while let Some(rest) = self.window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match self.reader.read(rest) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        self.window.truncate(filled);
        self.bytes_read += filled as u64;
        outcome.map_err(|error| self.error(Some(at), "", Problem::Unreadable(error.to_string())))
    }

    /// An error about this file.
    pub(super) fn error(&self, offset: Option<u64>, place: &str, problem: Problem) -> ReadError {
        ReadError { file: self.name.clone(), offset, place: crate::notes::clip(place), problem }
    }

    pub(super) fn truncated(&self, needs: u64) -> ReadError {
        self.error(Some(self.size), "", Problem::Truncated { needs, has: self.size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn reads_across_blocks_and_counts_what_it_read() {
        let data: Vec<u8> = (0..BLOCK * 3).map(|place| (place % 251) as u8).collect();
        let mut source = Source::new("x", Cursor::new(data.clone())).unwrap();
        let piece = source.bytes(BLOCK as u64 - 2, BLOCK + 4).unwrap();
        assert_eq!(piece.as_slice(), &data[BLOCK - 2..BLOCK * 2 + 2]);
        assert!(source.bytes_read() <= data.len() as u64);
    }

    #[test]
    fn skipping_reads_nothing_in_between() {
        let mut source = Source::new("x", Cursor::new(vec![7; 100 * BLOCK])).unwrap();
        source.byte(0).unwrap();
        source.byte(99 * BLOCK as u64).unwrap();
        assert_eq!(source.bytes_read(), 2 * BLOCK as u64);
    }

    #[test]
    fn behind_the_end_is_truncated() {
        let mut source = Source::new("x", Cursor::new(vec![0; 4])).unwrap();
        assert_eq!(source.byte(4).unwrap_err().problem, Problem::Truncated { needs: 5, has: 4 });
        assert!(source.bytes(2, 3).is_err());
    }

    #[test]
    fn a_watch_can_stop_it() {
        let mut source = Source::new("x", Cursor::new(vec![0; 4])).unwrap().watched(|_, _| false);
        assert_eq!(source.byte(0).unwrap_err().problem, Problem::Cancelled);
    }
}
