//! PyTorch's files: tables of weights and checkpoints (`.pt`, `.pth`, `.bin`, `.ckpt`), TorchScript, exported programs (`.pt2`).
//!
//! Nothing in such a file is ever run: `pickle` is a machine that can only build containers and descriptions of tensors.
//! `container` takes the shells off, `checkpoint` finds the model among what was saved, `script` reads TorchScript
//! (`code` its code, `tracing` what that code does, in the words of `operators`), `exported` programs with their graph.
//! What an operator computes or costs does not belong here.

mod calls;
mod checkpoint;
mod code;
mod container;
mod distributed;
mod exported;
mod folder;
mod operators;
mod pickle;
mod script;
#[cfg(test)]
mod tests;
mod tracing;

use super::Files;
use super::archive::Archive;
use super::error::ReadError;
use super::sniff::Look;
use super::source::Source;
use crate::model::Model;

/// Whether it is an archive with PyTorch's pickle, a pickle, or a tar archive with PyTorch's files.
pub(super) fn recognises(look: &Look, source: &mut Source<'_>) -> Result<bool, ReadError> {
    if look.entries.iter().any(|name| container::is_pickle(name)) || exported::recognises(look) {
        return Ok(true);
    }
    if look.has(257, b"ustar") {
        let files = container::tar_files(source)?;
        return Ok(files.iter().any(|(name, _, _)| name == "storages"));
    }
    Ok(is_pickle(look) || folder::is_index(look))
}

/// Whether the beginning is that of a pickle: of a binary one by its protocol, of a textual one by what torch writes first.
fn is_pickle(look: &Look) -> bool {
    let binary = (2..=5).any(|version| look.has(0, &[0x80, version]));
    binary
        || ["(dp", "(lp", "ccollections\n", "L119547037146038801333356L\n"]
            .iter()
            .any(|start| look.has(0, start.as_bytes()))
}

/// Reads weights, a checkpoint, a module or a program, with the shards and the config that belong to it.
///
/// # Errors
/// The file is damaged, cut off, over the limits, or holds no tensors.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    match source.byte(0)? {
        b'{' | b' ' | b'\n' | b'\r' | b'\t' => folder::index(files, source),
        _ => folder::weights(files, source),
    }
}

/// Reads one file alone.
fn lone(mut source: Source<'_>) -> Result<Model, ReadError> {
    let (name, size) = (source.name().to_owned(), source.size());
    let beginning = source.stretch(0, usize::try_from(size.min(512)).unwrap_or(0))?;
    let mut contents = match () {
        () if beginning.starts_with(b"PK") => {
            let names = Archive::open(source.again())?;
            let has = |is: fn(&str) -> bool| names.entries().iter().any(|entry| is(&entry.name));
            let (program, script) =
                (has(exported::is_program), has(|name| name == "constants.pkl" || name.ends_with("/constants.pkl")));
            drop(names);
            if program {
                return exported::read(source);
            }
            let archive = Archive::open(source)?;
            if script {
                return script::read(&name, size, archive);
            }
            container::zip(archive)?
        }
        () if beginning.get(257..262) == Some(b"ustar") => container::tar(&mut source)?,
        () => container::pickle(&mut source)?,
    };
    let told = distributed::resolve(&mut contents);
    let mut model = checkpoint::model(&name, size, &contents, None)?;
    if let Some(told) = told {
        model.notes.warn("", told);
    }
    Ok(model)
}
