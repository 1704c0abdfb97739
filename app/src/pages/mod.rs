//! Pages: panels put together around one state, and the frame around the pages.

mod crash;
mod estimate;
mod shell;
pub mod study;

pub use crash::catch_crashes;
pub use shell::start;
