//! Core ML: an `.mlmodel` (a protobuf message), a package (a folder with a manifest, that message and the weights beside it),
//! and a package in a ZIP archive.
//!
//! A message is one of three things. A *program* (`program`) names the type of every value; its weights lie in another file.
//! A *network* (`network`) holds layers with their weights and states the shapes of inputs alone.
//! Everything else (`others`) is said to be what it is: pipelines are the sum of their members, classical models are
//! named, with their parameters where these are plain. Weights are never read, only their lengths.

mod build;
mod layers;
mod network;
mod others;
mod program;

#[cfg(test)]
mod tests;

use super::archive::Archive;
use super::error::{Problem, ReadError};
use super::files::{Files, beside};
use super::protobuf::{Content, Fields, whole};
use super::sniff::Look;
use super::source::Source;
use crate::model::Model;
use build::{Builder, Weights};
use std::io::Cursor;

/// Largest message in an archive that has to be unpacked to be read.
const MOST_UNPACKED: u64 = 64 << 20;
/// Largest message that is read at once.
const MOST_AT_ONCE: u64 = 2 << 20;
/// Largest manifest of a package.
const MOST_MANIFEST: u64 = 1 << 20;
/// Where a package keeps its weights, beside the message.
const WEIGHTS: &str = "weights/weight.bin";

/// Whether it is a Core ML message, a package's manifest, or an archive with a package.
pub(super) fn recognises(look: &Look, source: &mut Source<'_>) -> Result<bool, ReadError> {
    if look.first_letter() == Some(b'{') {
        let text = String::from_utf8_lossy(&look.beginning);
        return Ok(text.contains("itemInfoEntries") || text.contains("rootModelIdentifier"));
    }
    Ok(look.holds(".mlmodel") || (look.entries.is_empty() && is_message(source)))
}

/// Whether all outermost fields are those of the message, and one of them says which kind of model it holds.
fn is_message(source: &mut Source<'_>) -> bool {
    let mut fields = Fields::of(whole(source));
    let mut kinds = 0;
    let mut at = 0;
    // A field that cannot be read, as in a file cut off, ends the look; one model follows its description.
    while let Ok(Some(field)) = fields.next(source) {
        let fits = match (field.number, field.content) {
            (1, Content::Number(version)) => version < 1000,
            (2, Content::Bytes(_)) => true,
            (10, Content::Number(_)) => true,
            (number, Content::Bytes(_)) => {
                kinds += 1;
                others::kind(number).is_some()
            }
            _ => false,
        };
        at += 1;
        if !fits || at > 8 {
            return false;
        }
    }
    kinds == 1
}

/// Reads a model.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    let name = source.name().to_owned();
    match source.byte(0)? {
        b'P' => archived(source),
        b'{' | b' ' | b'\n' | b'\r' | b'\t' | 0xef => {
            let name = root(&mut source)?;
            let source = files.source(&name)?;
            let weights = packaged(files, &name)?;
            model(source, weights)
        }
        _ => {
            let weights = packaged(files, &name)?;
            model(source, weights)
        }
    }
}

/// The weights beside a message, if they are there.
fn packaged(files: &Files<'_>, name: &str) -> Result<Weights, ReadError> {
    let beside = files.find(&beside(name, WEIGHTS))?;
    Ok(Weights { present: beside.is_some(), bytes: beside.map_or(0, |file| file.size()) })
}

/// The message that a package's manifest names.
fn root(source: &mut Source<'_>) -> Result<String, ReadError> {
    let name = source.name().to_owned();
    if source.size() > MOST_MANIFEST {
        let what = format!("the manifest has {} bytes; at most {MOST_MANIFEST} are read", source.size());
        return Err(source.error(None, "", Problem::OverLimit(what)));
    }
    let bytes = source.stretch(0, usize::try_from(source.size()).unwrap_or(0))?;
    let text = String::from_utf8_lossy(&bytes);
    let manifest: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| source.error(None, "manifest", Problem::Corrupt(error.to_string())))?;
    let entry = || {
        let root = manifest.get("rootModelIdentifier")?.as_str()?;
        manifest.get("itemInfoEntries")?.get(root)?.get("path")?.as_str()
    };
    match entry() {
        Some(path) if !path.contains("..") => Ok(beside(&name, &format!("Data/{path}"))),
        _ => Err(source.error(None, "manifest", Problem::Corrupt("it does not say where the model is".to_owned()))),
    }
}

/// A package in an archive.
fn archived(source: Source<'_>) -> Result<Model, ReadError> {
    let (name, size) = (source.name().to_owned(), source.size());
    let mut archive = Archive::open(source)?;
    let problem = |problem| ReadError { file: name.clone(), offset: None, place: String::new(), problem };
    let Some(entry) = archive.ending(".mlmodel").cloned() else {
        return Err(problem(Problem::Corrupt("the archive has no file ending in .mlmodel".to_owned())));
    };
    let present = archive.ending(WEIGHTS).is_some();
    let weights = Weights { present, bytes: 0 };
    let mut model = match entry.in_place {
        true => model(archive.into_part(&entry)?, weights)?,
        false => {
            let bytes = archive.bytes(&entry.name, MOST_UNPACKED)?;
            model(Source::new(&format!("{name}/{}", entry.name), Cursor::new(bytes))?, weights)?
        }
    };
    model.file_bytes = size;
    Ok(model)
}

fn model(mut source: Source<'_>, weights: Weights) -> Result<Model, ReadError> {
    // Nested messages are gone over several times, which a small file is spared.
    if source.size() <= MOST_AT_ONCE {
        let bytes = source.stretch(0, usize::try_from(source.size()).unwrap_or(0))?;
        source = Source::new(source.name(), Cursor::new(bytes))?;
    }
    let span = whole(&source);
    let mut builder = Builder::new(source, weights);
    let outcome = others::whole_model(&mut builder, span)?;
    builder.finish(outcome)
}
