//! One rule per operator, by family. [`find`] is the only register.
//!
//! A rule reads a [`Call`] and sets its outputs. It never panics and never guesses:
//! what it cannot know it leaves open, what contradicts the operator's definition it returns as a [`Mismatch`].

mod aten;
mod attention;
mod contrib;
mod convolution;
pub(crate) mod coreml;
mod elementwise;
mod generation;
mod image;
mod indexing;
mod keras;
mod linear;
mod ml;
mod movement;
mod normalisation;
pub(crate) mod openvino;
mod quantised;
mod recurrent;
mod reduction;
mod sequence;
mod signal;
mod stand_in;
mod text;
mod tf;
mod tflite;
mod training;

pub(crate) use keras::{Kind as KerasKind, canonical as keras_canonical, kind as keras_kind};
pub(crate) use linear::{Label, contraction};
pub(crate) use tflite::TFLITE_AS_TF;

use super::call::{Call, Outcome};
use crate::formats::EVERY_FORMAT;

/// How the outputs of an operator follow from its inputs.
pub(super) type Rule = fn(&mut Call<'_, '_>) -> Outcome;

/// The families of the standard domain, each with its own register.
const FAMILIES: &[fn(&str) -> Option<Rule>] = &[
    elementwise::find,
    movement::find,
    indexing::find,
    reduction::find,
    generation::find,
    sequence::find,
    text::find,
    linear::find,
    convolution::find,
    attention::find,
    normalisation::find,
    quantised::find,
    recurrent::find,
    image::find,
    signal::find,
];

/// The rule of an operator; `None` for one that is not known, whose outputs stay open unless declared.
pub(super) fn find(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" => FAMILIES.iter().find_map(|family| family(op)).or_else(|| contrib::find("", op)),
        "aten" if EVERY_FORMAT => aten::find(op),
        "coreml" if EVERY_FORMAT => coreml::find(op),
        "keras" if EVERY_FORMAT => keras::find(op),
        "openvino" if EVERY_FORMAT => openvino::find(op),
        "ai.onnx.ml" => ml::find(op),
        "ai.onnx.preview" => attention::find(op),
        "ai.onnx.preview.training" => training::find(op),
        "tf" if EVERY_FORMAT => tf::find(op),
        "tflite" if EVERY_FORMAT => tflite::find(op),
        _ => contrib::find(domain, op),
    }
}

#[cfg(test)]
mod tests;

/// The operators of ONNX Runtime's domains that have a rule.
#[cfg(test)]
pub(super) fn contrib_operators() -> &'static str {
    contrib::tests::OPERATORS
}
