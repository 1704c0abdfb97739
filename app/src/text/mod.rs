//! Every sentence of the page, so that they can be read, corrected and translated in one place: a module for each page
//! and each panel. A new page or panel brings a module of its own.

// The sentences document themselves.
#![allow(missing_docs)]

pub mod assumptions;
pub mod changes;
pub mod charts;
pub mod compare;
pub mod counters;
pub mod crash;
pub mod estimate;
pub mod fault;
pub mod field;
pub mod inside;
pub mod intake;
pub mod job;
pub mod layers;
pub mod levers;
pub mod machine;
pub mod measured;
pub mod methods;
pub mod model;
pub mod page;
pub mod pages;
pub mod place;
pub mod plan;
pub mod result;
pub mod schedule;
pub mod smaller;
pub mod sources;
pub mod training_options;
pub mod validation;

/// What stands where a number cannot be known.
pub const NOT_KNOWN: &str = "not known";

/// One of something, or several.
fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", estimator::format::whole(count as u64)) }
}

/// A name inside a sentence: its first letter is small unless its first word is written in capitals, such as PUE.
pub fn inside_sentence(name: &str) -> String {
    let mut letters = name.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_small_inside_a_sentence_unless_they_are_written_in_capitals() {
        for (name, inside) in
            [("Region", "region"), ("PUE", "PUE"), ("Model FLOPs utilisation", "model FLOPs utilisation")]
        {
            assert_eq!(inside_sentence(name), inside);
        }
        assert_eq!(inside_sentence(""), "");
    }
}
