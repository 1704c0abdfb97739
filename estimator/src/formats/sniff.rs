//! What a file is, by its first bytes, and what to tell people who opened something else.

use super::Format;
use super::error::{Problem, ReadError};
use super::onnx;
use super::source::Source;

/// Beginnings that settle what a file is, with what to call it; the first that fits counts.
/// Model formats come with `true`: they are not nonsense, only not readable here.
const SIGNATURES: &[(usize, &[u8], &str, bool)] = &[
    (
        0,
        b"version https://git-lfs",
        "a Git LFS pointer of a few lines (run `git lfs pull` to get the real file)",
        false,
    ),
    (0, b"GGUF", "a GGUF model", true),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras .h5)", true),
    (4, b"TFL3", "a TensorFlow Lite model", true),
    (4, b"ORTM", "an ONNX Runtime .ort model", true),
    (8, b"{\"", "a safetensors file", true),
    (0, b"PK\x03\x04", "a ZIP archive (PyTorch, Keras or CoreML files are such archives)", true),
    (0, b"\x80\x02", "a Python pickle (an older PyTorch file)", true),
    (0, b"\x80\x03", "a Python pickle", true),
    (0, b"\x80\x04", "a Python pickle", true),
    (0, b"\x80\x05", "a Python pickle", true),
    (0, b"\x93NUMPY", "a NumPy array", true),
    (0, b"\x1f\x8b", "a gzip archive; unpack it first", false),
    (0, b"\xfd7zXZ", "an xz archive; unpack it first", false),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first", false),
    (0, b"7z\xbc\xaf", "a 7-Zip archive; unpack it first", false),
    (257, b"ustar", "a tar archive; unpack it first", false),
    (0, b"\x89PNG", "a PNG picture", false),
    (0, b"\xff\xd8\xff", "a JPEG picture", false),
    (0, b"GIF8", "a GIF picture", false),
    (0, b"RIFF", "a sound, video or WebP file", false),
    (0, b"%PDF", "a PDF document", false),
    (0, b"\x7fELF", "a program", false),
    (0, b"MZ", "a Windows program", false),
    (0, b"<!DOCTYPE", "a web page (a download link often gives one instead of the file)", false),
    (0, b"<!doctype", "a web page (a download link often gives one instead of the file)", false),
    (0, b"<html", "a web page (a download link often gives one instead of the file)", false),
    (0, b"<?xml", "an XML file", true),
    (0, b"{", "a JSON file", true),
    (0, b"[", "a JSON file", true),
];

/// How much of the beginning the signatures look at.
const BEGINNING: u64 = 512;

pub(super) fn recognise(source: &mut Source<'_>) -> Result<Format, ReadError> {
    if source.size() == 0 {
        return Err(source.error(None, "", Problem::Empty));
    }
    let length = usize::try_from(source.size().min(BEGINNING)).unwrap_or(0);
    let beginning = source.bytes(0, length)?;
    let fits = |(at, bytes, _, _): &&(usize, &[u8], &str, bool)| {
        beginning.get(*at..).is_some_and(|rest| rest.starts_with(bytes))
    };
    if let Some((_, _, what, model)) = SIGNATURES.iter().find(fits) {
        let what = (*what).to_owned();
        let problem = if *model { Problem::Unsupported(what) } else { Problem::NotAModel(what) };
        return Err(source.error(None, "", problem));
    }
    if beginning.iter().all(|byte| *byte == 0) {
        let what = "nothing but zeros (an interrupted download often looks like this)".to_owned();
        return Err(source.error(Some(0), "", Problem::NotAModel(what)));
    }
    match onnx::looks_like(source)? {
        true => Ok(Format::Onnx),
        false => {
            let text = beginning.iter().all(|byte| (b' '..0x7f).contains(byte) || b"\t\r\n".contains(byte));
            let what = if text { "a text file" } else { "a file of an unknown kind" }.to_owned();
            Err(source.error(Some(0), "", Problem::NotAModel(what)))
        }
    }
}
