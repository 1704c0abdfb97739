//! Classical machine learning (`ai.onnx.ml`): encoders, linear models and support vectors.
//!
//! Trees are not counted: how many comparisons a row takes depends on its path.

use super::Rule;
use super::elementwise::per_element;
use super::normalisation::SOFTMAX;
use crate::cost::count::{Seen, Work, product, sum, times};
use crate::model::{Attribute, Node};

/// Attributes that hold what was learned.
const LEARNED: &[&str] = &["coefficients", "intercepts", "support_vectors"];

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "ArrayFeatureExtractor"
        | "CastMap"
        | "CategoryMapper"
        | "DictVectorizer"
        | "FeatureVectorizer"
        | "LabelEncoder"
        | "OneHotEncoder"
        | "ZipMap" => |_| Work::NONE,
        // A comparison.
        "Binarizer" | "Imputer" => |seen| Work::other(seen.elements(0)),
        // − offset, ·scale
        "Scaler" => |seen| Work::other(times(seen.elements(0), 2)),
        // |x| or square, sum, division
        "Normalizer" => |seen| Work::other(times(seen.elements(0), 3)),
        "LinearClassifier" | "LinearRegressor" => linear,
        "SVMClassifier" | "SVMRegressor" => support_vectors,
        _ => return None,
    })
}

/// Floats that a node's attributes hold as learned parameters.
pub(super) fn parameters(node: &Node) -> u64 {
    LEARNED.iter().map(|name| listed(node, name)).fold(0, u64::saturating_add)
}

fn listed(node: &Node, name: &str) -> u64 {
    match node.attributes.get(name) {
        Some(Attribute::Floats(items)) => items.len() as u64,
        _ => 0,
    }
}

/// Rows of the input; a plain list is one row.
fn rows(seen: &Seen<'_>) -> Option<u64> {
    if seen.rank(0)? < 2 { Some(1) } else { seen.size(0, 0) }
}

/// Operations per score of what turns scores into probabilities.
fn transform(node: &Node) -> u64 {
    match node.text("post_transform").unwrap_or("NONE") {
        "LOGISTIC" => per_element("Sigmoid").unwrap_or(1),
        "SOFTMAX" | "SOFTMAX_ZERO" => SOFTMAX,
        "PROBIT" => 1,
        _ => 0,
    }
}

/// Each row is multiplied with all coefficients; each score gets its intercept.
fn linear(seen: &Seen<'_>) -> Work {
    let (rows, intercepts) = (rows(seen), listed(seen.node, "intercepts"));
    let scores = product([rows, Some(intercepts.max(1))]);
    let each = u64::from(intercepts > 0) + transform(seen.node);
    Work { macs: product([rows, Some(listed(seen.node, "coefficients"))]), other: times(scores, each) }
}

/// Each row is multiplied with every support vector, the kernel applied, and the results with the coefficients.
fn support_vectors(seen: &Seen<'_>) -> Work {
    let rows = rows(seen);
    let (vectors, coefficients) = (listed(seen.node, "support_vectors"), listed(seen.node, "coefficients"));
    let per_row = sum([Some(vectors), Some(coefficients)]);
    // Without support vectors the coefficients are a linear model's. A kernel is a factor, an offset and a function.
    let features = seen.size_from_back(0, 0);
    let kernels = features.and_then(|features| vectors.checked_div(features)).unwrap_or(0);
    Work { macs: product([rows, per_row]), other: times(product([rows, Some(kernels)]), 3) }
}
