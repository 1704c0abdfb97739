//! Every browser facility that a component uses, one hook in one file each.

mod file_worker;

pub use file_worker::{WorkerState, use_file_worker};
