//! What a file is, by its first bytes, and what to tell people who opened something else.

use super::Room;
use super::archive::Archive;
use super::error::{Problem, ReadError};
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
    // Written as 32-bit numbers, so that their letters stand backwards.
    (0, b"lmgg", OLDER_GGML, true),
    (0, b"fmgg", OLDER_GGML, true),
    (0, b"tjgg", OLDER_GGML, true),
    (0, b"algg", OLDER_GGML, true),
    (0, b"PK\x03\x04", "a ZIP archive (PyTorch, Keras or CoreML files are such archives)", true),
    (0, b"\x1f\x8b", "a gzip archive; unpack it first", false),
    (0, b"\xfd7zXZ", "an xz archive; unpack it first", false),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first", false),
    (0, b"7z\xbc\xaf", "a 7-Zip archive; unpack it first", false),
    (257, b"ustar", "a packed tar archive (unpack it first)", true),
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

/// What ggml wrote before GGUF, and whisper.cpp still does.
const OLDER_GGML: &str = "a GGML file of the time before GGUF \
     (for a language model, llama.cpp's convert_llama_ggml_to_gguf.py makes a GGUF file of it)";

/// How much of the beginning the signatures look at.
const BEGINNING: u64 = 512;

/// What is looked at of every file, once for all formats.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The first bytes, at most [`BEGINNING`].
    pub beginning: Vec<u8>,
    /// The names in it, if it is a ZIP archive.
    pub entries: Vec<String>,
}

impl Look {
    /// Whether these bytes stand at this place of the beginning.
    pub fn has(&self, at: usize, bytes: &[u8]) -> bool {
        self.beginning.get(at..).is_some_and(|rest| rest.starts_with(bytes))
    }

    /// Whether it is an archive with a file whose name ends so.
    pub fn holds(&self, ending: &str) -> bool {
        self.entries.iter().any(|name| name.ends_with(ending))
    }

    /// The first byte that is no white space: JSON and XML are told by it.
    pub fn first_letter(&self) -> Option<u8> {
        let text = self.beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.beginning);
        text.iter().copied().find(|byte| !byte.is_ascii_whitespace())
    }
}

/// The first room that takes the file; else what the file seems to be.
pub(super) fn recognise<'r>(rooms: &'r [Room], source: &mut Source<'_>) -> Result<&'r Room, ReadError> {
    if source.size() == 0 {
        return Err(source.error(None, "", Problem::Empty));
    }
    let length = usize::try_from(source.size().min(BEGINNING)).unwrap_or(0);
    let mut look = Look { beginning: source.stretch(0, length)?, entries: Vec::new() };
    if look.has(0, b"PK\x03\x04") || look.has(0, b"PK\x05\x06") {
        let archive = Archive::open(source.again())?;
        look.entries = archive.entries().iter().map(|entry| entry.name.clone()).collect();
    }
    let all_zeros = look.beginning.iter().all(|byte| *byte == 0);
    if !all_zeros {
        // A few signatures are surer than any format's own look, for example those of pictures.
        let foreign = SIGNATURES.iter().find(|(at, bytes, _, model)| !model && look.has(*at, bytes));
        if let Some((_, _, what, _)) = foreign {
            return Err(source.error(None, "", Problem::NotAModel((*what).to_owned())));
        }
        for room in rooms {
            if (room.recognises)(&look, source)? {
                return Ok(room);
            }
        }
    }
    if let Some((_, _, what, _)) = SIGNATURES.iter().find(|(at, bytes, _, model)| *model && look.has(*at, bytes)) {
        return Err(source.error(None, "", Problem::Unsupported((*what).to_owned())));
    }
    let what = match () {
        () if all_zeros => "nothing but zeros (an interrupted download often looks like this)",
        () if look.beginning.iter().all(|byte| (b' '..0x7f).contains(byte) || b"\t\r\n".contains(byte)) => {
            "a text file"
        }
        () => "a file of an unknown kind",
    };
    Err(source.error(Some(0), "", Problem::NotAModel(what.to_owned())))
}
