//! ZIP archives: many formats are one (PyTorch, Keras, NumPy, zipped Core ML packages).
//!
//! The central directory is read, entries that are stored as they are can be read in place, and small compressed ones unpacked.

use super::error::{Problem, ReadError};
use super::source::Source;
use std::io::Read;
use zip::read::{ArchiveOffset, Config};
use zip::{CompressionMethod, ZipArchive};

/// Most entries of an archive.
const MOST_ENTRIES: usize = 200_000;

/// One file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Its size when unpacked, in bytes.
    pub size: u64,
    /// Where its record begins in the archive: its own header stands there, the bytes behind it.
    pub offset: u64,
    /// Whether it is stored as it is, so that it can be read in place.
    pub in_place: bool,
}

/// An archive whose directory was read.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Source<'a>>,
    entries: Vec<Entry>,
    name: String,
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// The archive is damaged, or has too many entries.
    pub fn open(source: Source<'a>) -> Result<Self, ReadError> {
        let name = source.name().to_owned();
        let fail = |problem| ReadError { file: name.clone(), offset: None, place: "ZIP directory".to_owned(), problem };
        // Nothing stands before an archive here. Left to look for that, the library is misled by archives within archives.
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let zip = ZipArchive::with_config(config, source).map_err(|error| fail(problem(&error)))?;
        if zip.len() > MOST_ENTRIES {
            return Err(fail(Problem::OverLimit(format!("the archive has more than {MOST_ENTRIES} files"))));
        }
        let mut entries = Vec::with_capacity(zip.len());
        for index in 0..zip.len() {
            // From the directory alone: a file's own header lies among the weights, one block of them for each.
            let file = zip.by_index_data(index).map_err(|error| fail(problem(&error)))?;
            let in_place = file.compression() == CompressionMethod::Stored && !file.encrypted();
            let offset = file.header_start();
            let name = file.name().map_err(|error| fail(problem(&error)))?.into_owned();
            entries.push(Entry { name, size: file.size(), offset, in_place });
        }
        Ok(Self { zip, entries, name })
    }

    /// An error about a file in it.
    pub fn error(&self, place: &str, problem: Problem) -> ReadError {
        ReadError { file: self.name.clone(), offset: None, place: crate::notes::clip(place), problem }
    }

    /// All files, in the directory's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The first file whose name ends so.
    pub fn ending(&self, ending: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.ends_with(ending))
    }

    /// The contents of a file, unpacked; refused when it has more than `most` bytes.
    ///
    /// # Errors
    /// There is no such file, it is too large, damaged, or packed in a way that is not known.
    pub fn bytes(&mut self, name: &str, most: u64) -> Result<Vec<u8>, ReadError> {
        let file = self.name.clone();
        let fail = |problem| ReadError { file: file.clone(), offset: None, place: crate::notes::clip(name), problem };
        let entry = self.zip.by_name(name).map_err(|error| fail(problem(&error)))?;
        if entry.size() > most {
            return Err(fail(Problem::OverLimit(format!(
                "it has {} bytes, and at most {most} are read",
                entry.size()
            ))));
        }
        let mut bytes = Vec::new();
        // The size in the directory may be a lie.
        let read = entry.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| fail(Problem::Corrupt(error.to_string())))?;
        if bytes.len() as u64 > most {
            return Err(fail(Problem::OverLimit(format!("it has more than the {most} bytes that are read"))));
        }
        Ok(bytes)
    }

    /// At most so many first bytes of a file, unpacked.
    ///
    /// # Errors
    /// There is no such file, it is damaged, or packed in a way that is not known.
    pub fn beginning(&mut self, name: &str, most: usize) -> Result<Vec<u8>, ReadError> {
        let file = self.name.clone();
        let fail = |problem| ReadError { file: file.clone(), offset: None, place: crate::notes::clip(name), problem };
        let entry = self.zip.by_name(name).map_err(|error| fail(problem(&error)))?;
        let mut bytes = Vec::new();
        let read = entry.take(most as u64).read_to_end(&mut bytes);
        read.map_err(|error| fail(Problem::Corrupt(error.to_string())))?;
        Ok(bytes)
    }

    /// A file that is stored as it is, as a source of its own.
    ///
    /// # Errors
    /// Its own header is damaged or says another place.
    pub fn into_part(mut self, entry: &Entry) -> Result<Source<'a>, ReadError> {
        let name = format!("{}/{}", self.name, entry.name);
        let start = self.zip.by_name(&entry.name).map(|file| file.data_start());
        let fail = |problem| ReadError { file: self.name.clone(), offset: None, place: name.clone(), problem };
        let start = start.map_err(|error| fail(problem(&error)))?;
        let start = start.ok_or_else(|| fail(Problem::Corrupt("the file's place is not known".to_owned())))?;
        Ok(self.zip.into_inner().part(&name, start, entry.size))
    }
}

fn problem(error: &zip::result::ZipError) -> Problem {
    match error {
        zip::result::ZipError::FileNotFound => Problem::Corrupt("the archive has no such file".to_owned()),
        zip::result::ZipError::Io(error) => Problem::Corrupt(format!("the archive cannot be read: {error}")),
        // The directory stands at the end of an archive.
        zip::result::ZipError::InvalidArchive(_) => Problem::Corrupt(
            "it begins like a ZIP archive, and the table of contents that stands at the end of one is not there or damaged: the file is probably cut off".to_owned(),
        ),
        error => Problem::Corrupt(format!("the archive cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn archive() -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, method) in [("a/plain", CompressionMethod::Stored), ("a/packed", CompressionMethod::Deflated)] {
            writer.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(&[7; 1000]).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn stored_files_are_read_in_place_and_packed_ones_unpacked_within_a_bound() {
        let mut read = Archive::open(Source::new("x.zip", Cursor::new(archive())).unwrap()).unwrap();
        assert_eq!(read.entries().iter().map(|entry| entry.in_place).collect::<Vec<_>>(), [true, false]);
        assert_eq!(read.bytes("a/packed", 1000).unwrap(), [7; 1000]);
        assert!(matches!(read.bytes("a/packed", 999).unwrap_err().problem, Problem::OverLimit(_)));
        assert!(read.bytes("b", 10).is_err());
        let plain = read.ending("/plain").cloned().unwrap();
        let mut part = read.into_part(&plain).unwrap();
        assert_eq!(part.name(), "x.zip/a/plain");
        assert_eq!(part.stretch(990, 10).unwrap(), [7; 10]);
        assert!(part.byte(1000).is_err());
    }

    #[test]
    fn a_damaged_archive_is_named() {
        let mut bytes = archive();
        bytes.truncate(bytes.len() - 10);
        let error = Archive::open(Source::new("x.zip", Cursor::new(bytes)).unwrap()).err().unwrap();
        assert!(matches!(error.problem, Problem::Corrupt(_)), "{error}");
    }
}
