//! The text of a log, read within bounds, and its tables, lines and JSON.
//!
//! What a column or a field means belongs to the tools' rooms.

use super::error::{LogError, LogFault};
use crate::formats::{Files, ReadError};
use crate::tables::Table;
use serde::de::DeserializeOwned;
use std::io::Read;

/// The largest log that is read: a day of power samples takes 9 MB, a profile of a thousand passes of a large network 60 MB.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The most cells of a table.
const MOST_CELLS: usize = 2_000_000;
/// The most columns of a table; the widest tool has 40.
const MOST_COLUMNS: usize = 1000;
/// How much of the beginning tells what a file is.
pub(super) const BEGINNING: usize = 16 * 1024;

/// A log.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// The file's name.
    pub name: String,
    /// Its contents.
    pub text: String,
}

impl Text {
    /// Reads a file.
    pub fn read(files: &Files<'_>, name: &str) -> Result<Self, LogError> {
        let fault = |fault| LogError { file: name.to_owned(), line: None, fault };
        let unreadable = |error: ReadError| fault(LogFault::Unreadable(error.problem.to_string()));
        let source = files.source(name).map_err(unreadable)?;
        if source.size() == 0 {
            return Err(fault(LogFault::Empty));
        }
        if source.size() > LARGEST {
            let limit = LARGEST / (1024 * 1024);
            return Err(fault(LogFault::OverLimit(format!(
                "the file has {} bytes; logs of at most {limit} MiB are read",
                source.size()
            ))));
        }
        let mut bytes = Vec::new();
        source.take(LARGEST).read_to_end(&mut bytes).map_err(|error| fault(LogFault::Unreadable(error.to_string())))?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            // Names in other encodings do not hide the figures.
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        Ok(Self { name: name.to_owned(), text })
    }

    /// The beginning, by which a room tells its files.
    pub fn beginning(&self) -> &str {
        let mut end = self.text.len().min(BEGINNING);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let start = self.text.get(..end).unwrap_or_default();
        start.strip_prefix('\u{feff}').unwrap_or(start)
    }

    /// Its lines, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Its comma-separated table.
    pub fn table(&self) -> Result<Table<'_>, LogError> {
        let header = self.text.lines().next().unwrap_or_default();
        let columns = header.bytes().filter(|byte| *byte == b',').count();
        let cells = self.text.bytes().filter(|byte| matches!(byte, b',' | b'\n')).count();
        // A quoted line break could make a header wider than its line; no tool writes one.
        if columns >= MOST_COLUMNS || cells >= MOST_CELLS || header.contains('"') {
            return Err(self.over(format!(
                "the table is larger than any that the tools write: at most {MOST_COLUMNS} plainly named columns and {MOST_CELLS} cells are read"
            )));
        }
        Ok(Table::parse(&self.name, &self.text)?)
    }

    /// Its contents as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, LogError> {
        self.json_line(1, self.text.strip_prefix('\u{feff}').unwrap_or(&self.text))
    }

    /// JSON that begins at a line.
    pub fn json_line<T: DeserializeOwned>(&self, line: usize, text: &str) -> Result<T, LogError> {
        serde_json::from_str(text).map_err(|error| {
            let at = line.saturating_add(error.line().saturating_sub(1));
            self.broken(Some(at), format!("the JSON cannot be read: {}", crate::notes::clip(&error.to_string())))
        })
    }

    /// The contents make no sense.
    pub fn broken(&self, line: Option<usize>, why: impl Into<String>) -> LogError {
        LogError { file: self.name.clone(), line, fault: LogFault::Broken(why.into()) }
    }

    /// There is no run.
    pub fn no_run(&self, what: impl Into<String>) -> LogError {
        LogError { file: self.name.clone(), line: None, fault: LogFault::NoRun(what.into()) }
    }

    /// It is too large.
    pub fn over(&self, what: impl Into<String>) -> LogError {
        LogError { file: self.name.clone(), line: None, fault: LogFault::OverLimit(what.into()) }
    }
}

/// A number that a log may hold: finite, not negative, and no larger than anything on Earth.
///
/// Trackers write nothing else; a figure beyond is a fault of the file and would only give nonsense further on.
pub(super) fn sensible(value: f64) -> Option<f64> {
    (value.is_finite() && (0.0..1e15).contains(&value)).then_some(value)
}
