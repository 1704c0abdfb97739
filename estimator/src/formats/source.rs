//! A file to read from: its name, its size, and a window of bytes that moves over it.
//!
//! Readers ask for small pieces at increasing places and skip the weights between them.
//! The window turns that into few reads of whole blocks and counts what was really read.

use super::error::{Problem, ReadError};
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// Something to read from at any place: a file, a slice in memory, a `Blob`, a URL that answers range requests.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Told the place reached and the size; answers whether to go on.
pub type Watch<'a> = Box<dyn FnMut(u64, u64) -> bool + 'a>;

/// Bytes read at once. Larger blocks read more of the weights between headers, smaller ones cost more calls.
const BLOCK: usize = 16 * 1024;

/// What several sources count together: the bytes read, and who is told of them.
#[derive(Clone, Default)]
pub(super) struct Tally<'a> {
    bytes_read: Rc<Cell<u64>>,
    watch: Option<Rc<RefCell<Watch<'a>>>>,
}

impl<'a> Tally<'a> {
    /// A tally that reports to `watch`.
    pub fn watched(watch: Watch<'a>) -> Self {
        Self { bytes_read: Rc::default(), watch: Some(Rc::new(RefCell::new(watch))) }
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// Reports a place; answers whether to go on.
    fn goes_on(&self, at: u64, size: u64) -> bool {
        // A watch that reads files itself would find itself busy; it is not asked then.
        self.watch.as_ref().is_none_or(|watch| watch.try_borrow_mut().is_ok_and(|mut watch| watch(at, size)))
    }
}

/// A file being read.
///
/// It is also [`Read`] and [`Seek`], for libraries that want these.
pub struct Source<'a> {
    name: String,
    reader: Box<dyn ReadSeek + 'a>,
    size: u64,
    tally: Tally<'a>,
    window: Vec<u8>,
    window_start: u64,
    bytes_read: u64,
    /// Where [`Read`] goes on.
    at: u64,
}

impl<'a> Source<'a> {
    /// A source over a reader; its size is found by seeking to the end.
    ///
    /// # Errors
    /// The reader cannot seek.
    pub fn new(name: &str, reader: impl ReadSeek + 'a) -> Result<Self, ReadError> {
        Self::tallied(name, Box::new(reader), Tally::default())
    }

    /// As [`Source::new`], counted together with others.
    pub(super) fn tallied(name: &str, mut reader: Box<dyn ReadSeek + 'a>, tally: Tally<'a>) -> Result<Self, ReadError> {
        let unreadable = |error: std::io::Error| ReadError {
            file: name.to_owned(),
            offset: None,
            place: String::new(),
            problem: Problem::Unreadable(error.to_string()),
        };
        let size = reader.seek(SeekFrom::End(0)).map_err(unreadable)?;
        Ok(Self {
            name: name.to_owned(),
            reader,
            size,
            tally,
            window: Vec::new(),
            window_start: 0,
            bytes_read: 0,
            at: 0,
        })
    }

    /// A stretch of this source as a source of its own, for a file that is stored in an archive as it is.
    /// A stretch that goes behind the end is cut there.
    pub(super) fn part(self, name: &str, start: u64, size: u64) -> Source<'a> {
        let start = start.min(self.size);
        let size = size.min(self.size - start);
        let tally = self.tally.clone();
        let part = Part { reader: self.reader, start, size, at: 0 };
        Source {
            name: name.to_owned(),
            reader: Box::new(part),
            size,
            tally,
            window: Vec::new(),
            window_start: 0,
            bytes_read: 0,
            at: 0,
        }
    }

    /// The same file from its beginning, as long as it is read there and not here. Its reader is not watched.
    pub(super) fn again(&mut self) -> Source<'_> {
        Source {
            name: self.name.clone(),
            reader: Box::new(&mut self.reader),
            size: self.size,
            tally: Tally { bytes_read: self.tally.bytes_read.clone(), watch: None },
            window: Vec::new(),
            window_start: 0,
            bytes_read: 0,
            at: 0,
        }
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
    pub(super) fn stretch(&mut self, at: u64, length: usize) -> Result<Vec<u8>, ReadError> {
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
        if !self.tally.goes_on(at, size) {
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
        self.tally.bytes_read.set(self.tally.bytes_read.get() + filled as u64);
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

/// Reading fails only with what the system said, or because the user stopped it.
impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || into.is_empty() {
            return Ok(0);
        }
        if self.in_window(self.at).is_none() {
            self.load(self.at).map_err(|error| io::Error::other(error.problem.to_string()))?;
        }
        let from = self.at.checked_sub(self.window_start).and_then(|from| usize::try_from(from).ok());
        let held = from.and_then(|from| self.window.get(from..)).unwrap_or_default();
        let count = held.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), held.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = sought(to, self.at, self.size)?;
        Ok(self.at)
    }
}

/// The place that a seek asks for.
fn sought(to: SeekFrom, at: u64, size: u64) -> io::Result<u64> {
    let place = match to {
        SeekFrom::Start(place) => Some(place),
        SeekFrom::End(by) => size.checked_add_signed(by),
        SeekFrom::Current(by) => at.checked_add_signed(by),
    };
    place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

/// A stretch of a reader.
struct Part<'a> {
    reader: Box<dyn ReadSeek + 'a>,
    start: u64,
    size: u64,
    at: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..rest).filter(|into| !into.is_empty()) else { return Ok(0) };
        self.reader.seek(SeekFrom::Start(self.start.saturating_add(self.at)))?;
        let count = self.reader.read(into)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = sought(to, self.at, self.size)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_part_is_a_source_of_its_own() {
        let data: Vec<u8> = (0..100).collect();
        let mut part = Source::new("x", Cursor::new(data)).unwrap().part("x/y", 10, 5);
        assert_eq!((part.size(), part.stretch(0, 5).unwrap()), (5, vec![10, 11, 12, 13, 14]));
        assert!(part.byte(5).is_err());
        let mut read = Vec::new();
        part.seek(SeekFrom::Start(3)).unwrap();
        part.read_to_end(&mut read).unwrap();
        assert_eq!(read, [13, 14]);
    }

    #[test]
    fn reads_across_blocks_and_counts_what_it_read() {
        let data: Vec<u8> = (0..BLOCK * 3).map(|place| (place % 251) as u8).collect();
        let mut source = Source::new("x", Cursor::new(data.clone())).unwrap();
        let piece = source.stretch(BLOCK as u64 - 2, BLOCK + 4).unwrap();
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
        assert!(source.stretch(2, 3).is_err());
    }

    #[test]
    fn a_watch_can_stop_it() {
        let tally = Tally::watched(Box::new(|_, _| false));
        let mut source = Source::tallied("x", Box::new(Cursor::new(vec![0; 4])), tally).unwrap();
        assert_eq!(source.byte(0).unwrap_err().problem, Problem::Cancelled);
    }
}
