//! What the estimates rest on: the constants with their sources.

use estimator::carbon::factors::{self, Factor};

/// Every constant that belongs to no device, grid or site.
pub fn constants() -> &'static [Factor] {
    factors::all()
}
