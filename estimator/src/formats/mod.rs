//! Bytes to [`Model`]: one room per format, behind one register that looks at contents, not at file names.
//!
//! Every reader takes hostile bytes: it reads headers and skips weights, bounds its memory and its recursion,
//! and ends in a [`Model`] or in a [`ReadError`] that names the file, the place and the remedy.
//! Nothing is computed here beyond what the file says.
//!
//! A new format is a room beside the others and a line in [`ROOMS`].

mod archive;
mod budget;
mod burn;
mod coreml;
mod error;
mod files;
mod flax;
mod gguf;
mod huggingface;
mod keras;
mod numpy;
mod onnx;
mod open_dims;
mod openvino;
mod orbax;
mod order;
mod protobuf;
mod safetensors;
mod sniff;
mod source;
mod tensorflow;
mod tfjs;
mod tflite;
mod torch;

pub use error::{Problem, ReadError};
pub use files::{Files, Folder, InMemory, base_name, beside};
pub use onnx::{dtype as onnx_dtype, read_tensor as read_onnx_tensor};
pub(crate) use openvino::dtype as openvino_dtype;
pub use source::{ReadSeek, Source, Watch};

use crate::model::Model;
use sniff::Look;

/// Whether this program was built with every format. Without, it opens what most people bring (ONNX, safetensors, GGUF,
/// configurations) and is a fraction of the size; the others it knows by their names only.
pub const EVERY_FORMAT: bool = cfg!(any(test, feature = "every-format"));

/// The rooms that every program has.
const USUAL: [&str; 4] = ["safetensors", "gguf", "onnx", "config"];

/// One format: how to tell it, and how to read it.
struct Room {
    /// Its short name, as in [`Model::format`].
    id: &'static str,
    /// What people call it.
    name: &'static str,
    /// Endings of the names of files that lead a folder of this format, the surest first.
    /// They only choose among several files; what a file is, its contents say.
    leads: &'static [&'static str],
    /// Whether a file is of this format.
    recognises: fn(&Look, &mut Source<'_>) -> Result<bool, ReadError>,
    /// Reads the model that a file leads; what it needs besides, it asks the files for.
    read: fn(&Files<'_>, Source<'_>) -> Result<Model, ReadError>,
}

/// Every format that can be opened. The first that recognises a file reads it, so the surest signs come first.
const ROOMS: &[Room] = &[
    Room {
        id: "safetensors",
        name: "safetensors",
        leads: &["model_index.json", ".safetensors.index.json", "model.safetensors", ".safetensors"],
        recognises: safetensors::recognises,
        read: safetensors::read,
    },
    Room {
        id: "burn",
        name: "Burn",
        leads: &[".bpk", ".mpk"],
        recognises: |look, _| Ok(EVERY_FORMAT && burn::recognises(look)),
        read: |files, source| if EVERY_FORMAT { burn::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "keras",
        name: "Keras and HDF5",
        leads: &[".keras", ".weights.json", ".weights.h5", ".h5", ".hdf5"],
        recognises: |look, _| Ok(EVERY_FORMAT && keras::recognises(look)),
        read: |files, source| if EVERY_FORMAT { keras::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "gguf",
        name: "GGUF",
        leads: &[".gguf"],
        recognises: |look, _| Ok(gguf::recognises(look)),
        read: gguf::read,
    },
    Room {
        id: "openvino",
        name: "OpenVINO IR",
        leads: &[".xml"],
        recognises: |look, _| Ok(EVERY_FORMAT && openvino::looks_like(look)),
        read: |files, source| if EVERY_FORMAT { openvino::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "coreml",
        name: "Core ML",
        leads: &[".mlmodel"],
        recognises: |look, source| if EVERY_FORMAT { coreml::recognises(look, source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { coreml::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "tflite",
        name: "TensorFlow Lite",
        leads: &[".tflite", ".lite"],
        recognises: |look, _| Ok(EVERY_FORMAT && tflite::looks_like(look)),
        read: |files, source| if EVERY_FORMAT { tflite::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "tfjs",
        name: "TensorFlow.js",
        leads: &["model.json", "weights_manifest.json"],
        recognises: |look, source| if EVERY_FORMAT { tfjs::recognises(look, source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { tfjs::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "torch",
        name: "PyTorch",
        leads: &[".bin.index.json", ".metadata", ".pt2", ".pth", ".pt", ".ckpt", ".bin", ".pkl"],
        recognises: |look, source| if EVERY_FORMAT { torch::recognises(look, source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { torch::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "numpy",
        name: "NumPy",
        leads: &[".npz", ".npy"],
        recognises: |look, source| if EVERY_FORMAT { numpy::recognises(look, source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { numpy::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "tensorflow",
        name: "TensorFlow SavedModel or graph",
        leads: &["saved_model.pb", ".pb", ".meta"],
        recognises: |_, source| if EVERY_FORMAT { tensorflow::looks_like(source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { tensorflow::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "tensorflow-checkpoint",
        name: "TensorFlow checkpoint",
        leads: &[".index"],
        recognises: |_, source| if EVERY_FORMAT { tensorflow::looks_like_checkpoint(source) } else { Ok(false) },
        read: |files, source| {
            if EVERY_FORMAT { tensorflow::read_checkpoint(files, source) } else { Err(not_here(&source)) }
        },
    },
    Room {
        id: "flax",
        name: "Flax",
        leads: &[".msgpack.index.json", ".msgpack"],
        recognises: |look, source| if EVERY_FORMAT { flax::recognises(look, source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { flax::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "orbax",
        name: "Orbax",
        leads: &["_metadata"],
        recognises: |look, source| if EVERY_FORMAT { orbax::recognises(look, source) } else { Ok(false) },
        read: |files, source| if EVERY_FORMAT { orbax::read(files, source) } else { Err(not_here(&source)) },
    },
    Room {
        id: "ort",
        name: "ONNX Runtime",
        leads: &[".ort"],
        recognises: |look, _| Ok(EVERY_FORMAT && look.has(4, b"ORTM")),
        read: |files, source| if EVERY_FORMAT { onnx::ort::read(files, source) } else { Err(not_here(&source)) },
    },
    // Protobuf has no signature: whatever looks like its fields is taken last.
    Room {
        id: "onnx",
        name: "ONNX",
        leads: &[".onnx"],
        recognises: |_, source| onnx::looks_like(source),
        read: onnx::read,
    },
    // Last, so that weights and graphs lead a folder in which a config lies beside them.
    Room {
        id: "config",
        name: "Hugging Face config.json",
        leads: &["config.json"],
        recognises: huggingface::recognises,
        read: huggingface::read,
    },
];

/// What is said of a file whose room was left out.
fn not_here(source: &Source<'_>) -> ReadError {
    source.error(None, "", Problem::Unsupported("a model of a format that this program was built without".to_owned()))
}

/// What people call the formats that can be opened. Made while compiling, so that naming them does not link their readers.
// The index stays below both lengths, and a fault would stop the compiler, not a reader.
#[allow(clippy::indexing_slicing)]
pub const NAMES: [&str; ROOMS.len()] = {
    let mut names = [""; ROOMS.len()];
    let mut at = 0;
    while at < ROOMS.len() {
        names[at] = ROOMS[at].name;
        at += 1;
    }
    names
};

/// The formats that can be opened: short name, and what people call it.
pub fn formats() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROOMS.iter().map(|room| (room.id, room.name))
}

/// Most files of a folder that are looked into when no name tells which one leads.
const MOST_TRIED: usize = 50;

/// Reads the model that the file `name` leads. Files beside it are opened only if it needs them.
///
/// # Errors
/// The file is missing, empty, truncated, corrupt, of no known format, over the reader's limits, unreadable,
/// or the watch of `files` said stop.
pub fn open(files: &Files<'_>, name: &str) -> Result<Model, ReadError> {
    let mut source = files.source(name)?;
    // Some formats can be told from ONNX by their own rooms alone: a name of theirs is not tried here.
    let lower = name.to_lowercase();
    let names = |room: &Room| room.leads.iter().any(|ending| lower.ends_with(ending));
    if !EVERY_FORMAT && ROOMS.iter().any(|room| !USUAL.contains(&room.id) && names(room)) {
        return Err(not_here(&source));
    }
    let room = sniff::recognise(ROOMS, &mut source)?;
    let mut model = (room.read)(files, source)?;
    model.bytes_read = files.bytes_read();
    Ok(model)
}

/// Reads the model in one file that is open already and has no neighbours.
///
/// # Errors
/// As [`open`].
pub fn open_lone(name: &str, reader: impl ReadSeek + 'static) -> Result<Model, ReadError> {
    open(&Files::lone(name, reader), name)
}

/// Reads the model in a folder or among several files: the one whose name leads best.
///
/// # Errors
/// As [`open`]; where no file is a model, it says so and what the first one is.
pub fn open_folder(files: &Files<'_>) -> Result<Model, ReadError> {
    let leading = leading(files.names());
    if let Some(name) = leading.first() {
        return open(files, name);
    }
    let names = files.names();
    let mut first = None;
    for name in names.iter().take(MOST_TRIED) {
        match open(files, name) {
            Ok(model) => return Ok(model),
            Err(error) if matches!(error.problem, Problem::NotAModel(_) | Problem::Empty) => {
                first = first.or(Some(error))
            }
            Err(error) => return Err(error),
        }
    }
    let what = match first {
        Some(error) => {
            format!("a folder of {} files, none of which is one; {}: {}", names.len(), error.file, error.problem)
        }
        None => "a folder without files".to_owned(),
    };
    Err(ReadError { file: String::new(), offset: None, place: String::new(), problem: Problem::NotAModel(what) })
}

/// The files among several that lead a model by their names, the likeliest first:
/// nearest to the top of the folder, then by the order of the formats' endings, then by name.
pub fn leading(names: &[String]) -> Vec<&str> {
    let endings = || ROOMS.iter().flat_map(|room| room.leads);
    let rank = |name: &str| {
        let name = name.to_lowercase();
        endings().position(|ending| name.ends_with(ending))
    };
    let mut ranked: Vec<(usize, usize, &str)> =
        names.iter().filter_map(|name| Some((name.matches('/').count(), rank(name)?, name.as_str()))).collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, _, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_nearest_the_top_leads() {
        let names = ["b/y.onnx", "readme.md", "z.onnx", "a.ONNX"].map(str::to_owned);
        assert_eq!(leading(&names), ["a.ONNX", "z.onnx", "b/y.onnx"]);
        assert!(leading(&["readme.md".to_owned()]).is_empty());
    }

    #[test]
    fn a_folder_without_a_model_says_what_its_first_file_is() {
        let folder = InMemory([("a.txt".to_owned(), b"hello".to_vec()), ("b.txt".to_owned(), vec![0; 9])].into());
        let error = open_folder(&Files::new(folder)).unwrap_err().to_string();
        assert!(error.contains("2 files") && error.contains("a.txt") && error.contains("a text file"), "{error}");
        let error = open_folder(&Files::new(InMemory::default())).unwrap_err().to_string();
        assert!(error.contains("without files"), "{error}");
    }
}
