//! Why a file could not be read, in words that help.

use std::fmt;

/// A file that could not be read: which, where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// The file's name.
    pub file: String,
    /// The byte at which reading stopped, where that helps.
    pub offset: Option<u64>,
    /// The node, tensor or field being read; empty when it is about the whole file.
    pub place: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It has no bytes.
    Empty,
    /// It is something else; the text says what it seems to be.
    NotAModel(String),
    /// It is a model of a kind that cannot be opened; the text names it.
    Unsupported(String),
    /// It ends before it should.
    Truncated {
        /// Bytes that its own lengths ask for.
        needs: u64,
        /// Bytes that it has.
        has: u64,
    },
    /// Its contents contradict themselves; the text says how.
    Corrupt(String),
    /// It asks for more than the reader allows; the text names the limit.
    OverLimit(String),
    /// The system could not read it; the system's words.
    Unreadable(String),
    /// The user stopped it.
    Cancelled,
}

impl Problem {
    /// What to do about it, as one sentence; empty where there is nothing to say.
    pub fn remedy(&self) -> &'static str {
        match self {
            Problem::Empty => "Download or export the file again.",
            Problem::NotAModel(_) => {
                "Choose a model file, for example one ending in .onnx, .safetensors, .gguf, .pt, .tflite or .h5."
            }
            Problem::Unsupported(_) => "Export the model to ONNX and open that.",
            Problem::Truncated { .. } => "The download or copy was probably interrupted: get the file again.",
            Problem::Corrupt(_) => "Get the file again; if it stays the same, export it anew.",
            Problem::OverLimit(_) => "If this is a real model, please report it, so that the limit can be raised.",
            Problem::Unreadable(_) => "Check that the file still exists and may be read.",
            Problem::Cancelled => "",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Empty => write!(f, "the file is empty"),
            Problem::NotAModel(what) => write!(f, "this is not a model but {what}"),
            Problem::Unsupported(what) => write!(f, "{what} cannot be opened yet"),
            Problem::Truncated { needs, has } => {
                let missing = needs.saturating_sub(*has);
                let whole = crate::format::whole;
                write!(
                    f,
                    "the file is cut off: it should have at least {} bytes and has {}, so at least {} are missing",
                    whole(*needs),
                    whole(*has),
                    whole(missing)
                )
            }
            Problem::Corrupt(why) => write!(f, "the file is damaged or not what it seems: {why}"),
            Problem::OverLimit(what) => write!(f, "{what}"),
            Problem::Unreadable(why) => write!(f, "the file cannot be read: {why}"),
            Problem::Cancelled => write!(f, "stopped"),
        }
    }
}

/// One line: file, place, offset, what is wrong, what to do.
impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}: ", self.file)?;
        }
        write!(f, "{}", self.problem)?;
        let mut details = Vec::new();
        if !self.place.is_empty() {
            details.push(self.place.clone());
        }
        if let Some(offset) = self.offset {
            details.push(format!("byte {offset}"));
        }
        if !details.is_empty() {
            write!(f, " ({})", details.join(", "))?;
        }
        match self.problem.remedy() {
            "" => Ok(()),
            remedy => write!(f, ". {remedy}"),
        }
    }
}

impl std::error::Error for ReadError {}
