//! The database that Orbax keeps small values in: OCDBT, a B+tree in files, read as far as needed to list values by key.
//!
//! A manifest names the newest root; a node holds keys with values, or keys with the places of further nodes.
//! Manifest and nodes are packed with Zstandard. The layout follows TensorStore's description of its format
//! ("OCDBT: storage format"); checksums are not looked at, because every length is.

use super::super::error::{Problem, ReadError};
use super::super::files::{Files, beside};
use super::super::source::Source;
use std::io::Read;

/// How a manifest and a node of the B+tree begin.
const MANIFEST: u32 = 0x0cdb_3a2a;
const NODE: u32 = 0x0cdb_20de;
/// Most bytes of an unpacked manifest or node. TensorStore's nodes have at most 8 MiB unless set otherwise.
const MOST_UNPACKED: u64 = 16 << 20;
/// Most nodes of a tree, and most entries of one.
const MOST_NODES: usize = 20_000;
const MOST_ENTRIES: u64 = 1_000_000;
/// Most bytes of all nodes together.
const MOST_BYTES: u64 = 256 << 20;
/// Tallest tree.
const MOST_HEIGHT: u8 = 16;
/// Longest key and longest value that are kept.
const LONGEST_KEY: usize = 8_192;
const LONGEST_VALUE: u64 = 64 << 10;

/// A value by its key.
pub(super) type Entry = (String, Vec<u8>);

/// The values whose keys end so, of the database in the folder of the file `manifest`.
///
/// # Errors
/// A file is missing, damaged or over the limits.
pub(super) fn values(files: &Files<'_>, manifest: &str, endings: &[&str]) -> Result<Vec<Entry>, ReadError> {
    let mut tree = Tree { files, manifest, endings, found: Vec::new(), nodes: 0, bytes: 0, open: None };
    let source = files.source(manifest)?;
    let size = source.size();
    let body = tree.unpacked(manifest, source, 0, size, MANIFEST)?;
    let mut cursor = Cursor { bytes: &body, at: 0 };
    let root = root(&mut cursor).ok_or_else(|| tree.fail(manifest, "the manifest is not what its format says"))?;
    if let Some((place, height)) = root {
        tree.node(&place, height, Vec::new())?;
    }
    Ok(tree.found)
}

/// Where a node or a value lies.
#[derive(Debug, Clone)]
struct Place {
    /// The part of the file's name that its own references start from.
    base: String,
    file: String,
    offset: u64,
    length: u64,
}

/// The newest root of the tree and its height; an empty database has none. `None` where the bytes are not a manifest.
fn root(cursor: &mut Cursor<'_>) -> Option<Option<(Place, u8)>> {
    cursor.take(16)?;
    // Numbered manifests keep their roots elsewhere; Orbax writes single ones.
    (cursor.varint()? == 0).then_some(())?;
    cursor.varint()?;
    cursor.varint()?;
    cursor.byte()?;
    if cursor.varint()? == 1 {
        cursor.take(4)?;
    }
    let table = cursor.files("")?;
    let count = cursor.count()?;
    cursor.varints(count)?;
    let heights: Vec<u8> = (0..count).map(|_| cursor.byte()).collect::<Option<_>>()?;
    let places = cursor.places(&table, count)?;
    Some(places.into_iter().zip(heights).next_back())
}

struct Tree<'f, 'a> {
    files: &'f Files<'a>,
    manifest: &'f str,
    endings: &'f [&'f str],
    found: Vec<Entry>,
    nodes: usize,
    bytes: u64,
    /// The file read last: neighbours in the tree mostly lie in one.
    open: Option<Source<'a>>,
}

impl<'a> Tree<'_, 'a> {
    fn fail(&self, place: &str, why: &str) -> ReadError {
        let problem = Problem::Corrupt(why.to_owned());
        ReadError { file: self.manifest.to_owned(), offset: None, place: crate::notes::clip(place), problem }
    }

    fn over(&self, what: &str) -> ReadError {
        let problem = Problem::OverLimit(what.to_owned());
        ReadError { file: self.manifest.to_owned(), offset: None, place: String::new(), problem }
    }

    /// The file of a place, beside the manifest.
    fn source(&mut self, place: &Place) -> Result<Source<'a>, ReadError> {
        if place.file.starts_with('/') || place.file.split(['/', '\\']).any(|part| part == "..") {
            return Err(self.fail(&place.file, "a file's name leads out of the folder"));
        }
        let name = beside(self.manifest, &place.file);
        match self.open.take_if(|open| open.name() == name) {
            Some(source) => Ok(source),
            None => self.files.source(&name),
        }
    }

    /// The unpacked body of a manifest or node, whose header, length and footer are checked and left out.
    fn unpacked(
        &mut self,
        name: &str,
        mut source: Source<'a>,
        offset: u64,
        length: u64,
        magic: u32,
    ) -> Result<Vec<u8>, ReadError> {
        // Magic, length, version and compression in front; a checksum behind.
        const AROUND: usize = 4 + 8 + 1 + 1 + 4;
        let whole = usize::try_from(length).ok().filter(|length| (AROUND..=1 << 26).contains(length));
        let whole = whole.ok_or_else(|| self.fail(name, "a node has no possible length"))?;
        let bytes = source.stretch(offset, whole)?;
        self.open = Some(source);
        let said = bytes.get(4..12).and_then(|field| Some(u64::from_le_bytes(field.try_into().ok()?)));
        let begins = bytes.get(..4) == Some(&magic.to_be_bytes()[..]) && said == Some(length);
        let body = bytes.get(14..bytes.len() - 4);
        let (Some([0, compression]), Some(body), true) = (bytes.get(12..14), body, begins) else {
            return Err(self.fail(name, "it does not begin as its format says"));
        };
        let unpacked = match compression {
            0 => body.to_vec(),
            1 => {
                let damaged = |_| self.fail(name, "its packed contents are damaged");
                let mut rest = body;
                let mut decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest)
                    .map_err(|_| self.fail(name, "its packed contents are damaged"))?;
                let mut unpacked = Vec::new();
                decoder.by_ref().take(MOST_UNPACKED + 1).read_to_end(&mut unpacked).map_err(damaged)?;
                unpacked
            }
            _ => return Err(self.fail(name, "it is packed in a way that is not known")),
        };
        self.bytes = self.bytes.saturating_add(unpacked.len() as u64);
        if unpacked.len() as u64 > MOST_UNPACKED || self.bytes > MOST_BYTES {
            return Err(self.over("the checkpoint's tree of keys is too large"));
        }
        Ok(unpacked)
    }

    /// Reads a node and all below it. Keys begin with `prefix`.
    fn node(&mut self, place: &Place, height: u8, prefix: Vec<u8>) -> Result<(), ReadError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || height > MOST_HEIGHT {
            return Err(self.over("the checkpoint's tree of keys has too many nodes"));
        }
        let source = self.source(place)?;
        let body = self.unpacked(&place.file, source, place.offset, place.length, NODE)?;
        let mut cursor = Cursor { bytes: &body, at: 0 };
        let damaged = || self.fail(&place.file, "a node of the tree is not what its format says");
        if cursor.byte() != Some(height) {
            return Err(damaged());
        }
        if height == 0 {
            let entries = leaf(&mut cursor, &place.base, &prefix, self.endings).ok_or_else(damaged)?;
            for (key, value) in entries {
                let value = match value {
                    Ok(value) => value,
                    Err(place) if place.length > LONGEST_VALUE => continue,
                    Err(place) => {
                        let mut source = self.source(&place)?;
                        let value = source.stretch(place.offset, usize::try_from(place.length).unwrap_or(0))?;
                        self.open = Some(source);
                        value
                    }
                };
                self.found.push((key, value));
            }
            return Ok(());
        }
        let children = interior(&mut cursor, &place.base, &prefix).ok_or_else(damaged)?;
        for (prefix, child) in children {
            self.node(&child, height - 1, prefix)?;
        }
        Ok(())
    }
}

/// A value that is there, or its place.
type Value = Result<Vec<u8>, Place>;

/// The entries of a leaf whose keys end in one of `endings`.
fn leaf(cursor: &mut Cursor<'_>, base: &str, prefix: &[u8], endings: &[&str]) -> Option<Vec<(String, Value)>> {
    let table = cursor.files(base)?;
    let count = cursor.count()?;
    let (prefixes, suffixes) = (cursor.varints(count.saturating_sub(1))?, cursor.varints(count)?);
    let keys = cursor.keys(&prefixes, &suffixes)?;
    let lengths = cursor.varints(count)?;
    let kinds = cursor.varints(count)?;
    let outside = kinds.iter().filter(|kind| **kind == 1).count();
    let (ids, offsets) = (cursor.varints(outside)?, cursor.varints(outside)?);
    let mut outside = ids.into_iter().zip(offsets);
    let mut entries = Vec::new();
    for ((key, length), kind) in keys.into_iter().zip(lengths).zip(kinds) {
        let value = match kind {
            0 => Ok(cursor.take(usize::try_from(length).ok()?)?.to_vec()),
            1 => {
                let (id, offset) = outside.next()?;
                let (base, file) = table.get(usize::try_from(id).ok()?)?.clone();
                Err(Place { base, file, offset, length })
            }
            _ => return None,
        };
        let key = String::from_utf8_lossy(&[prefix, &key].concat()).into_owned();
        if endings.iter().any(|ending| key.ends_with(ending)) {
            entries.push((key, value));
        }
    }
    Some(entries)
}

/// The children of an inner node, each with the beginning that all its keys share.
fn interior(cursor: &mut Cursor<'_>, base: &str, prefix: &[u8]) -> Option<Vec<(Vec<u8>, Place)>> {
    let table = cursor.files(base)?;
    let count = cursor.count()?;
    let (prefixes, suffixes) = (cursor.varints(count.saturating_sub(1))?, cursor.varints(count)?);
    let shared = cursor.varints(count)?;
    let keys = cursor.keys(&prefixes, &suffixes)?;
    let places = cursor.places(&table, count)?;
    let children = keys.into_iter().zip(shared).zip(places).map(|((key, shared), place)| {
        let shared = key.get(..usize::try_from(shared).ok()?)?;
        Some(([prefix, shared].concat(), place))
    });
    children.collect()
}

/// A reader of the unpacked bytes of a node.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Cursor<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number of things that follow; each takes a byte at least.
    fn count(&mut self) -> Option<usize> {
        let count = self.varint()?;
        let left = self.bytes.len() - self.at;
        usize::try_from(count).ok().filter(|count| *count <= left && count_is_sane(*count))
    }

    fn varints(&mut self, count: usize) -> Option<Vec<u64>> {
        (0..count).map(|_| self.varint()).collect()
    }

    /// Texts of which each begins like the one before it.
    fn keys(&mut self, prefixes: &[u64], suffixes: &[u64]) -> Option<Vec<Vec<u8>>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut total = 0usize;
        for (index, suffix) in suffixes.iter().enumerate() {
            let shared = match index.checked_sub(1) {
                Some(before) => usize::try_from(*prefixes.get(before)?).ok()?,
                None => 0,
            };
            let mut key = keys.last().map_or(Some(&[][..]), |key| key.get(..shared))?.to_vec();
            key.extend(self.take(usize::try_from(*suffix).ok()?)?);
            total = total.checked_add(key.len())?;
            // Shared beginnings would otherwise multiply a small file into gigabytes.
            if key.len() > LONGEST_KEY || total as u64 > MOST_UNPACKED * 2 {
                return None;
            }
            keys.push(key);
        }
        Some(keys)
    }

    /// The files that a node names: the part that is handed down, and the whole name.
    fn files(&mut self, base: &str) -> Option<Vec<(String, String)>> {
        let count = self.count()?;
        let (prefixes, suffixes) = (self.varints(count.saturating_sub(1))?, self.varints(count)?);
        let bases = self.varints(count)?;
        let paths = self.keys(&prefixes, &suffixes)?;
        let named = paths.into_iter().zip(bases).map(|(path, length)| {
            let own = path.get(..usize::try_from(length).ok()?)?;
            let handed_down = format!("{base}{}", std::str::from_utf8(own).ok()?);
            Some((handed_down, format!("{base}{}", std::str::from_utf8(&path).ok()?)))
        });
        named.collect()
    }

    /// Places of nodes: file, offset, length, then three sums that are passed over.
    fn places(&mut self, table: &[(String, String)], count: usize) -> Option<Vec<Place>> {
        let (ids, offsets, lengths) = (self.varints(count)?, self.varints(count)?, self.varints(count)?);
        self.varints(count.checked_mul(3)?)?;
        let places = ids.into_iter().zip(offsets).zip(lengths).map(|((id, offset), length)| {
            let (base, file) = table.get(usize::try_from(id).ok()?)?.clone();
            Some(Place { base, file, offset, length })
        });
        places.collect()
    }
}

fn count_is_sane(count: usize) -> bool {
    count as u64 <= MOST_ENTRIES
}
