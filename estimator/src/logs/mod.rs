//! Measured runs: what trackers, meters and profilers wrote, read into one record; and that record beside our own estimate.
//!
//! One room per tool, behind one register that looks at contents, not at file names.
//! A log is as hostile as any file: it is read within bounds, and ends in a record or in a [`LogError`] that names the file, the line and the remedy.
//! What a tool leaves out, multiplies by or counts twice is said in the record's warnings.
//! How energy is estimated is not known here; [`beside`] asks `energy` for it.
//!
//! A new tool is a room beside the others and a line in [`SIGNS`] and in [`ROOMS`].

mod beside;
mod boamps;
mod carbontracker;
mod clock;
mod codecarbon;
mod eco2ai;
mod error;
mod extrapolate;
mod green_algorithms;
mod impact_tracker;
mod layers;
mod mlenergy;
mod mlperf;
mod names;
mod optimum_benchmark;
mod profile;
mod text;
mod zeus;

pub use beside::{beside, scenario_of};
pub use error::{LogError, LogFault};
pub use extrapolate::extrapolate;
pub use layers::beside_layers;

use crate::formats::Files;
use crate::report::Measured;
use text::Text;

/// One tool.
struct Room {
    id: &'static str,
    name: &'static str,
    /// Reads the files of a folder together.
    read: fn(&[&Text]) -> Result<Measured, LogError>,
}

/// Tells a file by its beginning.
type Sign = fn(&str) -> bool;

/// How to tell each tool's files by their beginning; the first that fits counts.
/// A list of its own, so that telling a log does not link its reader.
const SIGNS: &[(&str, Sign)] = &[
    ("codecarbon", codecarbon::recognises),
    ("carbontracker", carbontracker::recognises),
    ("eco2ai", eco2ai::recognises),
    ("experiment-impact-tracker", impact_tracker::recognises),
    ("mlperf", mlperf::recognises),
    ("mlenergy", mlenergy::recognises),
    ("boamps", boamps::recognises),
    ("green-algorithms", green_algorithms::recognises),
    ("onnxruntime", profile::recognises_onnxruntime),
    ("tensorrt", profile::recognises_tensorrt),
    ("optimum-benchmark", optimum_benchmark::recognises),
    ("zeus", zeus::recognises),
];

/// Every tool whose logs can be read.
const ROOMS: &[Room] = &[
    Room { id: "codecarbon", name: "CodeCarbon", read: codecarbon::read },
    Room { id: "carbontracker", name: "Carbontracker", read: carbontracker::read },
    Room { id: "eco2ai", name: "Eco2AI", read: eco2ai::read },
    Room { id: "experiment-impact-tracker", name: "experiment-impact-tracker", read: impact_tracker::read },
    Room { id: "mlperf", name: "MLPerf power", read: mlperf::read },
    Room { id: "mlenergy", name: "ML.ENERGY benchmark", read: mlenergy::read },
    Room { id: "boamps", name: "BoAmps", read: boamps::read },
    Room { id: "green-algorithms", name: "Green Algorithms", read: green_algorithms::read },
    Room { id: "onnxruntime", name: "ONNX Runtime profile", read: profile::read_onnxruntime },
    Room { id: "tensorrt", name: "TensorRT trtexec", read: profile::read_tensorrt },
    Room { id: "optimum-benchmark", name: "Optimum-Benchmark", read: optimum_benchmark::read },
    Room { id: "zeus", name: "Zeus", read: zeus::read },
];

/// How many bytes of a file's beginning tell whether it is a log.
pub const BEGINNING: usize = text::BEGINNING;

/// The most files of a folder that are read.
const MOST_FILES: usize = 500;
/// The most bytes that are read of a folder.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The tools whose logs can be read: short name, and what people call it.
pub fn tools() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROOMS.iter().map(|room| (room.id, room.name))
}

/// The tool that wrote a file, by the file's first [`BEGINNING`] bytes.
pub fn recognise(beginning: &[u8]) -> Option<&'static str> {
    let end = beginning.len().min(BEGINNING);
    let text = String::from_utf8_lossy(beginning.get(..end).unwrap_or_default());
    tool_of(text.trim_start_matches('\u{feff}'))
}

fn tool_of(beginning: &str) -> Option<&'static str> {
    SIGNS.iter().find(|(_, recognises)| recognises(beginning)).map(|(id, _)| *id)
}

fn room_of(beginning: &str) -> Option<&'static Room> {
    let id = tool_of(beginning)?;
    ROOMS.iter().find(|room| room.id == id)
}

/// What was found among files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// One record for each tool.
    pub logs: Vec<Measured>,
    /// Files of a known tool that could not be read.
    pub failed: Vec<LogError>,
    /// Files of no known tool.
    pub passed_over: usize,
}

/// Reads the logs among some files: those of one tool together, since a tool may write several.
///
/// # Errors
/// No file is a log of a known tool, or all that are cannot be read.
pub fn read(files: &Files<'_>) -> Result<Found, LogError> {
    let mut found = Found::default();
    let mut texts: Vec<(&'static Room, Text)> = Vec::new();
    let (mut bytes, mut other) = (0usize, None);
    let is_lone = files.names().len() == 1;
    for name in files.names().iter().take(MOST_FILES) {
        match Text::read(files, name) {
            Ok(text) => match room_of(text.beginning()) {
                Some(room) => {
                    bytes = bytes.saturating_add(text.text.len());
                    if bytes > MOST_BYTES {
                        return Err(
                            text.over(format!("the files have more than {} MiB together", MOST_BYTES / (1024 * 1024)))
                        );
                    }
                    texts.push((room, text));
                }
                None => {
                    found.passed_over += 1;
                    other = other.or_else(|| Some(not_a_log(&text)));
                }
            },
            // A folder may hold anything; a file that was named is told.
            Err(fault) if is_lone => return Err(fault),
            Err(_) => found.passed_over += 1,
        }
    }
    found.passed_over += files.names().len().saturating_sub(MOST_FILES);
    for room in ROOMS {
        let own: Vec<&Text> = texts.iter().filter(|(of, _)| of.id == room.id).map(|(_, text)| text).collect();
        if own.is_empty() {
            continue;
        }
        match (room.read)(&own) {
            Ok(measured) => found.logs.push(named(room, measured)),
            // One bad file does not hide the others of its tool.
            Err(fault) if own.len() > 1 => {
                let (good, bad): (Vec<_>, Vec<_>) =
                    own.iter().map(|text| (room.read)(&[*text])).partition(Result::is_ok);
                found.logs.extend(good.into_iter().flatten().map(|measured| named(room, measured)));
                let faults: Vec<LogError> = bad.into_iter().filter_map(Result::err).collect();
                found.failed.extend(if faults.is_empty() { vec![fault] } else { faults });
            }
            Err(fault) => found.failed.push(fault),
        }
    }
    match (found.logs.is_empty(), found.failed.first()) {
        (false, _) => Ok(found),
        (true, Some(fault)) => Err(fault.clone()),
        (true, None) => Err(other.unwrap_or_else(nothing)),
    }
}

fn named(room: &Room, measured: Measured) -> Measured {
    Measured { tool: room.id.to_owned(), tool_name: room.name.to_owned(), ..measured }
}

/// The error of a list without files.
fn nothing() -> LogError {
    LogError { file: String::new(), line: None, fault: LogFault::NotALog("a folder without files".to_owned()) }
}

/// What a file that no room takes seems to be.
fn not_a_log(text: &Text) -> LogError {
    let beginning = text.beginning().trim_start();
    let what = match () {
        () if beginning.starts_with(['{', '[']) => "a JSON file of another kind",
        () if beginning.starts_with('<') => "a web page or an XML file",
        () if beginning.contains('\0') || beginning.contains('\u{fffd}') => "a binary file",
        () if beginning.lines().next().is_some_and(|line| line.contains(',')) => "a table with other columns",
        () => "a text file of another kind",
    };
    LogError { file: text.name.clone(), line: None, fault: LogFault::NotALog(what.to_owned()) }
}

#[cfg(test)]
mod tests;
