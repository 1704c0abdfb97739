//! Why a log could not be read, in words that help.

use crate::tables::TableError;
use std::fmt;

/// A log that could not be read: which, where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogError {
    /// The file's name.
    pub file: String,
    /// The line at which reading stopped, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: LogFault,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFault {
    /// It has no bytes.
    Empty,
    /// It is no log of a tool that we know; the text says what it seems to be.
    NotALog(String),
    /// It is such a log and its contents make no sense; the text says what was found and what was expected.
    Broken(String),
    /// It holds no run; the text says what it holds.
    NoRun(String),
    /// It asks for more than the reader allows; the text names the limit.
    OverLimit(String),
    /// The system could not read it; the system's words.
    Unreadable(String),
}

impl LogFault {
    /// What to do about it, as one sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Empty => "Let the tool finish, which writes its file at the end, and bring the file again.",
            Self::NotALog(_) => {
                "Bring what a tracker or profiler wrote, for example CodeCarbon’s emissions.csv or Carbontracker’s logs."
            }
            Self::Broken(_) => "Bring the file as the tool wrote it; a spreadsheet may have changed it.",
            Self::NoRun(_) => "Let the tool measure for longer, or bring the other file that it wrote.",
            Self::OverLimit(_) => "Profile or log fewer passes and bring that file.",
            Self::Unreadable(_) => "Check that the file still exists and may be read.",
        }
    }
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the file is empty"),
            Self::NotALog(what) => write!(f, "this is no log of a measured run but {what}"),
            Self::Broken(why) | Self::NoRun(why) | Self::OverLimit(why) => write!(f, "{why}"),
            Self::Unreadable(why) => write!(f, "the file cannot be read: {why}"),
        }
    }
}

/// One line: file, line, what is wrong, what to do.
impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}", crate::notes::clip(&self.file))?;
            match self.line {
                Some(line) => write!(f, ", line {line}: ")?,
                None => write!(f, ": ")?,
            }
        }
        write!(f, "{}. {}", self.fault, self.fault.remedy())
    }
}

impl std::error::Error for LogError {}

impl From<TableError> for LogError {
    fn from(error: TableError) -> Self {
        let column = error.column.map(|column| format!("column “{}”: ", crate::notes::clip(&column)));
        let why = format!("{}{}", column.unwrap_or_default(), crate::notes::clip(&error.fault));
        Self { file: error.table, line: Some(error.line), fault: LogFault::Broken(why) }
    }
}
