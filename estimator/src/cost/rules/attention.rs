//! tbd
use super::Rule;
pub(super) fn find(_op: &str) -> Option<Rule> {
    None
}
