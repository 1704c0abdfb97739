//! Greenprint's estimator: bytes of a model file in, the cost of training and running it out.
//!
//! Data flows one way: `formats` → `model` → `shapes` → `cost` → (`hardware`, `energy`, `carbon`) → `report`.
//! No room uses one that stands to its right, and none knows of a browser.

// Whatever a file holds, reading it ends in a value or an error.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod carbon;
pub mod compare;
pub mod compression;
pub mod cost;
pub mod energy;
pub mod format;
pub mod formats;
pub mod hardware;
pub mod logs;
pub mod model;
pub mod notes;
pub mod planning;
pub mod range;
pub mod report;
pub mod scenario;
pub mod search;
pub mod shapes;
pub mod sources;
pub mod tables;
pub mod transformers;
pub mod units;

/// The version of the tables in `data/`: equal tables, equal version. Results and exports that quote it can be made again.
pub const DATA_VERSION: &str = env!("GREENPRINT_DATA_VERSION");
