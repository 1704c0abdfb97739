//! What the page and the analysis worker say to each other, as JSON; files travel beside the text.
//!
//! Both are built from one source, and the worker names its build first, so the layout needs no version.

use estimator::report::Inspection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers for symbolic dimensions, by name.
pub type Dims = BTreeMap<String, u64>;

/// What the page asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Read the model in the files that came along: the only one, or the one that leads.
    OpenFiles {
        /// Comes back in the answer.
        job: u64,
        /// Names of all files, with their folders where known.
        names: Vec<String>,
        /// Numbers chosen so far.
        dims: Dims,
    },
    /// Read a file on the web, without loading more of it than needed.
    OpenUrl {
        /// Comes back in the answer.
        job: u64,
        /// What was typed: an address, absolute or relative to the page, or a repository (`hf:org/name`).
        url: String,
        /// The address of the hub that `hf:` stands for.
        hub: String,
        /// A token for private repositories of the hub; empty for none.
        token: String,
        /// Numbers chosen so far.
        dims: Dims,
    },
    /// Count a model that is described in words: "7B", or "32 layers, d=4096, 32 heads, vocab 32000".
    Describe {
        /// Comes back in the answer.
        job: u64,
        /// The words.
        sentence: String,
        /// Numbers chosen so far.
        dims: Dims,
    },
    /// Count the model that was read last again, with other numbers.
    Infer {
        /// Comes back in the answer.
        job: u64,
        /// The numbers.
        dims: Dims,
    },
}

/// What the worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It runs; the first message, with the build it was made from.
    Hello(String),
    /// How far it has come.
    Progress {
        /// Of which request.
        job: u64,
        /// The place reached, in bytes.
        at: u64,
        /// Of how many.
        of: u64,
    },
    /// What the model is.
    Done {
        /// Of which request.
        job: u64,
        /// The counts.
        inspection: Box<Inspection>,
        /// The file that leads, where it was chosen among several; empty else, and when counted again.
        leading: String,
    },
    /// This worker does not know the file, but the one with every format may.
    Elsewhere {
        /// Of which request.
        job: u64,
    },
    /// It could not be read; the sentences name the place and the remedy.
    Failed {
        /// Of which request.
        job: u64,
        /// What went wrong.
        why: Fault,
    },
}

/// Why something could not be read, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The file or address.
    pub name: String,
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}
