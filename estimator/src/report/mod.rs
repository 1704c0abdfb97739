//! What leaves the estimator: plain serialisable records, the same for the page, the command line and the exports.
//!
//! Nothing is computed here that another room could compute; records are filled from `cost` and `energy` and printed.

mod inspection;

pub use inspection::{Inspection, Layer, NotCounted, Port};
