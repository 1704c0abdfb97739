//! Pages: panels put together around one state.

mod crash;
mod estimate;

pub use crash::catch_crashes;
pub use estimate::Estimate;
