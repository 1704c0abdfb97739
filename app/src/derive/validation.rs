//! Estimates beside what was published: the records of the estimator's validation.

use estimator::energy::validate::{self, Validation};

/// Our own tables of published figures.
pub fn built_in() -> Validation {
    validate::built_in()
}
