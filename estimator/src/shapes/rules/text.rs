//! Operators on texts.

use super::Rule;
use crate::model::{Attribute, DType, Dim};
use crate::shapes::Known;
use crate::shapes::call::{Call, Outcome, broadcast};
use std::sync::Arc;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "RegexFullMatch" => regex_full_match,
        "StringConcat" => string_concat,
        "StringNormalizer" => string_normalizer,
        "StringSplit" => string_split,
        "TfIdfVectorizer" => tf_idf_vectorizer,
        _ => return None,
    })
}

fn regex_full_match(call: &mut Call<'_, '_>) -> Outcome {
    let shape = call.shape(0);
    call.set_tensor(0, Some(DType::Bool), shape);
    Ok(())
}

fn string_concat(call: &mut Call<'_, '_>) -> Outcome {
    let shape = match (call.shape(0), call.shape(1)) {
        (Some(a), Some(b)) => Some(broadcast(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, Some(DType::Text), shape);
    Ok(())
}

/// Stop words are left out; where nothing is left, one empty text is. Without stop words the shape stays.
fn string_normalizer(call: &mut Call<'_, '_>) -> Outcome {
    let Some(mut shape) = call.shape(0) else {
        call.set_tensor(0, Some(DType::Text), None);
        return Ok(());
    };
    let stopwords: &[Arc<str>] = match call.node.attributes.get("stopwords") {
        Some(Attribute::Texts(words)) => words,
        _ => &[],
    };
    if !stopwords.is_empty() {
        let exact = call.flag("is_case_sensitive", false);
        let stops = |text: &str| match exact {
            true => stopwords.iter().any(|word| word.as_ref() == text),
            false => stopwords.iter().any(|word| word.to_lowercase() == text.to_lowercase()),
        };
        let kept = call.known(0).and_then(|known| Some(known.texts()?.iter().filter(|text| !stops(text)).count()));
        let bound = shape.last().and_then(Dim::size).unwrap_or(1);
        let count = match kept {
            Some(kept) => Dim::from_len(kept.max(1)),
            None => call.data_dim("count", bound),
        };
        // The last dimension is the one of words; the shape is [C] or [1, C].
        if let Some(slot) = shape.last_mut() {
            *slot = count;
        }
    }
    call.set_tensor(0, Some(DType::Text), Some(shape));
    Ok(())
}

/// A new last dimension holds the parts, padded to the most that any text has; the second output counts them.
fn string_split(call: &mut Call<'_, '_>) -> Outcome {
    let shape = call.shape(0);
    let delimiter = call.node.text("delimiter").unwrap_or("");
    let most = call.node.int("maxsplit").and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let parts = |text: &str| match delimiter {
        "" => text.split_whitespace().count().min(most.saturating_add(1)),
        _ if text.is_empty() => 0,
        _ => text.split(delimiter).count().min(most.saturating_add(1)),
    };
    let counts: Option<Vec<usize>> =
        call.known(0).and_then(|known| Some(known.texts()?.iter().map(|text| parts(text)).collect()));
    let longest = match &counts {
        Some(counts) => Dim::from_len(counts.iter().copied().max().unwrap_or(0)),
        None => call.data_dim("parts", 1),
    };
    let known = counts.zip(call.known(0)).and_then(|(counts, known)| {
        Known::integers(known.shape.clone(), counts.into_iter().map(Dim::from_len).collect())
    });
    let split = shape.clone().map(|shape| [shape, vec![longest]].concat());
    call.set_tensor(0, Some(DType::Text), split);
    call.set_tensor(1, Some(DType::I64), shape);
    call.set_known(1, known);
    Ok(())
}

/// One number per n-gram of the vocabulary: the largest of its indices says how many there are.
fn tf_idf_vectorizer(call: &mut Call<'_, '_>) -> Outcome {
    let largest = call.node.ints("ngram_indexes").and_then(|indices| indices.iter().max().copied());
    let columns = largest.map_or(Dim::UNKNOWN, |largest| Dim::known(largest).add(&Dim::known(1)));
    let shape = call.shape(0).map(|shape| {
        let rows = shape.len().saturating_sub(1);
        let mut result: Vec<Dim> = shape.into_iter().take(rows).collect();
        result.push(columns);
        result
    });
    call.set_tensor(0, Some(DType::F32), shape);
    Ok(())
}
