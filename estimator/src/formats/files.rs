//! Files that lie beside each other: a folder, a drop of several files, the neighbours of an address.
//!
//! A model often needs more than one file (shards, weights beside a graph, a config).
//! A reader asks [`Files`] for them by name; where they come from is the caller's business: [`Folder`] is all it must offer.

use super::error::{Problem, ReadError};
use super::source::{ReadSeek, Source, Tally, Watch};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

/// A place that has files by name.
pub trait Folder {
    /// The names of all files, with `/` between folders; empty where they cannot be listed (an address on the web).
    fn names(&self) -> Vec<String>;

    /// Opens a file; `None` where there is none of that name.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek>>>;
}

/// Files that lie beside each other, as readers see them.
pub struct Files<'a> {
    folder: Box<dyn Folder + 'a>,
    names: Vec<String>,
    tally: Tally<'a>,
}

impl<'a> Files<'a> {
    /// The files of a folder.
    pub fn new(folder: impl Folder + 'a) -> Self {
        let mut names = folder.names();
        names.sort();
        Self { folder: Box::new(folder), names, tally: Tally::default() }
    }

    /// One file alone that is open already.
    pub fn lone(name: &str, reader: impl ReadSeek + 'static) -> Self {
        Self::new(Lone { name: name.to_owned(), reader: RefCell::new(Some(Box::new(reader))) })
    }

    /// Reports progress to `watch` at every block of any file, and stops when it answers `false`.
    pub fn watched(mut self, watch: impl FnMut(u64, u64) -> bool + 'a) -> Self {
        self.tally = Tally::watched(Box::new(watch) as Watch<'a>);
        self
    }

    /// The names of all files in order; empty where they cannot be listed.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the folder lists a file of this name.
    pub fn lists(&self, name: &str) -> bool {
        self.names.binary_search_by(|listed| listed.as_str().cmp(name)).is_ok()
    }

    /// Opens a file if there is one of that name.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn find(&self, name: &str) -> Result<Option<Source<'a>>, ReadError> {
        let opened = self.folder.open(name).map_err(|error| unreadable(name, error.to_string()))?;
        opened.map(|reader| Source::tallied(name, reader, self.tally.clone())).transpose()
    }

    /// Opens a file.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be read.
    pub fn source(&self, name: &str) -> Result<Source<'a>, ReadError> {
        self.find(name)?.ok_or_else(|| unreadable(name, "there is no such file".to_owned()))
    }

    /// Bytes read so far from all files.
    pub fn bytes_read(&self) -> u64 {
        self.tally.bytes_read()
    }
}

fn unreadable(name: &str, why: String) -> ReadError {
    ReadError { file: name.to_owned(), offset: None, place: String::new(), problem: Problem::Unreadable(why) }
}

/// The name of a file that lies in the same folder as another: `beside("a/b.json", "c.bin")` is `a/c.bin`.
pub fn beside(of: &str, name: &str) -> String {
    match of.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// The last part of a name, whichever way its slashes lean.
pub fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// One file that is open already; it can be asked for once.
struct Lone {
    name: String,
    reader: RefCell<Option<Box<dyn ReadSeek>>>,
}

impl Folder for Lone {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek>>> {
        Ok(if name == self.name { self.reader.take() } else { None })
    }
}

/// Files held in memory: for tests, and for what is unpacked from an archive.
#[derive(Debug, Clone, Default)]
pub struct InMemory(pub BTreeMap<String, Vec<u8>>);

impl InMemory {
    /// One file alone.
    pub fn one(name: &str, bytes: Vec<u8>) -> Self {
        Self([(name.to_owned(), bytes)].into())
    }
}

impl Folder for InMemory {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek>>> {
        Ok(self.0.get(name).map(|bytes| Box::new(io::Cursor::new(bytes.clone())) as Box<dyn ReadSeek>))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_and_their_bytes_are_added_up() {
        let folder = InMemory([("a/x".to_owned(), vec![1; 10]), ("a/y".to_owned(), vec![2; 20])].into());
        let files = Files::new(folder);
        assert_eq!(files.names(), ["a/x", "a/y"]);
        assert!(files.lists("a/x") && !files.lists("x"));
        for name in ["a/x", &beside("a/x", "y")] {
            let _ = files.source(name).unwrap().byte(3).unwrap();
        }
        // Each was read from its fourth byte to its end.
        assert_eq!(files.bytes_read(), 7 + 17);
        assert!(files.find("z").unwrap().is_none());
        assert!(files.source("z").is_err());
    }
}
