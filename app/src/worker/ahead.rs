//! Reading in large pieces: each piece costs a call or a request, so more than asked for is taken and the rest is kept.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that can be had by their place.
pub trait Stretches {
    /// How many bytes there are.
    fn size(&self) -> u64;
    /// The bytes from `start` up to, but without, `end`; both lie within the size.
    fn stretch(&mut self, start: u64, end: u64) -> io::Result<Vec<u8>>;
}

/// A reader over stretches that keeps the last piece.
pub struct Ahead<S> {
    stretches: S,
    at: u64,
    piece: Vec<u8>,
    piece_start: u64,
    piece_size: u64,
}

impl<S: Stretches> Ahead<S> {
    /// A reader that takes pieces of this many bytes.
    pub fn new(stretches: S, piece_size: u64) -> Self {
        Self { stretches, at: 0, piece: Vec::new(), piece_start: 0, piece_size }
    }

    /// As [`Ahead::new`], with the first piece already there.
    pub fn with_start(stretches: S, piece_size: u64, start: Vec<u8>) -> Self {
        Self { piece: start, ..Self::new(stretches, piece_size) }
    }

    /// What is read from.
    pub fn inner(&self) -> &S {
        &self.stretches
    }

    fn held(&self) -> &[u8] {
        let from = self.at.checked_sub(self.piece_start).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.piece.get(from..)).unwrap_or_default()
    }
}

impl<S: Stretches> Read for Ahead<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = self.stretches.size();
        if self.at >= size || into.is_empty() {
            return Ok(0);
        }
        if self.held().is_empty() {
            let end = self.at.saturating_add(self.piece_size).min(size);
            self.piece = self.stretches.stretch(self.at, end)?;
            self.piece_start = self.at;
        }
        let held = self.held();
        let count = held.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), held.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl<S: Stretches> Seek for Ahead<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.stretches.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers {
        size: u64,
        calls: Vec<(u64, u64)>,
    }

    impl Stretches for Numbers {
        fn size(&self) -> u64 {
            self.size
        }
        fn stretch(&mut self, start: u64, end: u64) -> io::Result<Vec<u8>> {
            self.calls.push((start, end));
            Ok((start..end).map(|at| at as u8).collect())
        }
    }

    #[test]
    fn pieces_are_read_once_and_never_past_the_end() {
        let mut reader = Ahead::new(Numbers { size: 100, calls: Vec::new() }, 64);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, (0..100).collect::<Vec<u8>>());
        assert_eq!(reader.stretches.calls, [(0, 64), (64, 100)]);
    }

    #[test]
    fn small_seeks_stay_within_a_piece() {
        let mut reader = Ahead::new(Numbers { size: 1000, calls: Vec::new() }, 64);
        let mut byte = [0u8];
        for place in [10u64, 40, 20, 500, 63] {
            reader.seek(SeekFrom::Start(place)).unwrap();
            reader.read_exact(&mut byte).unwrap();
            assert_eq!(u64::from(byte[0]), place % 256);
        }
        // 20 is behind the first piece's start, 63 lies in none that is kept.
        assert_eq!(reader.stretches.calls, [(10, 74), (500, 564), (63, 127)]);
    }

    #[test]
    fn a_start_that_is_there_costs_nothing() {
        let mut reader = Ahead::with_start(Numbers { size: 9, calls: Vec::new() }, 64, (0..9).collect());
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!((all.len(), reader.stretches.calls.len()), (9, 0));
        assert_eq!(reader.seek(SeekFrom::End(-1)).unwrap(), 8);
        assert!(reader.seek(SeekFrom::Current(-100)).is_err());
    }
}
