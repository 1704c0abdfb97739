//! One rule per operator, by family. [`find`] is the only register.
//!
//! A rule reads a [`Call`] and sets its outputs. It never panics and never guesses:
//! what it cannot know it leaves open, what contradicts the operator's definition it returns as a [`Mismatch`].

mod elementwise;
mod movement;

use super::call::{Call, Outcome};

/// How the outputs of an operator follow from its inputs.
pub(super) type Rule = fn(&mut Call<'_, '_>) -> Outcome;

/// The rule of an operator; `None` for one that is not known, whose outputs stay open unless declared.
pub(super) fn find(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" | "ai.onnx" => elementwise::find(op).or_else(|| movement::find(op)),
        _ => None,
    }
}
