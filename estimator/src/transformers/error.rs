//! Why no description could be made from hyper-parameters, in words that help.

use std::fmt;

/// Hyper-parameters that do not describe a model, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescribeError {
    /// Neither `model_type`, `architectures` nor `_class_name` says which network this is.
    NoFamily,
    /// The network is of a family that is not known here; the text is its own name for itself.
    UnknownFamily(String),
    /// A field that the architecture needs is missing and has no default.
    Missing {
        /// The field with the parts it lies in, for example `text_config.hidden_size`.
        field: String,
    },
    /// A field holds something of another kind than it must.
    Kind {
        /// The field.
        field: String,
        /// What it must hold.
        expected: &'static str,
        /// What it holds, clipped.
        found: String,
    },
    /// A number lies outside of what any network has.
    Range {
        /// The field.
        field: String,
        /// The number.
        found: String,
        /// The least that is taken.
        least: u64,
        /// The greatest that is taken.
        most: u64,
    },
    /// Fields contradict each other; the sentence says how.
    Contradiction(String),
    /// A count does not fit 64 bits; the text names the module.
    TooLarge(String),
}

impl fmt::Display for DescribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFamily => f.write_str(
                "the configuration does not say which network it is for: it has no “model_type”, no “architectures” and no “_class_name”",
            ),
            Self::UnknownFamily(name) => write!(f, "no family of networks called “{name}” is known here"),
            Self::Missing { field } => {
                write!(f, "the configuration has no “{field}”, and this architecture has no default for it: add it")
            }
            Self::Kind { field, expected, found } => {
                write!(f, "“{field}” of the configuration is {found}; expected {expected}")
            }
            Self::Range { field, found, least, most } => {
                write!(f, "“{field}” of the configuration is {found}; expected {least} to {most}")
            }
            Self::Contradiction(how) => write!(f, "the configuration contradicts itself: {how}"),
            Self::TooLarge(module) => write!(f, "the size of {module} does not fit 64 bits: check the configuration"),
        }
    }
}

impl std::error::Error for DescribeError {}
