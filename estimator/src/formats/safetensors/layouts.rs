//! stub
use super::super::huggingface::Quantisation;
use super::Named;
use crate::notes::Notes;

pub(in crate::formats) fn unpack(
    mut tensors: Vec<Named>,
    _prefix: &str,
    _quantisation: &Quantisation,
    _metadata: &[(String, String)],
    _notes: &mut Notes,
) -> Vec<Named> {
    for (name, weight) in &mut tensors {
        weight.role = Some(super::role(name, weight));
    }
    tensors
}
