//! Defaults that fit: a symbolic dimension whose default contradicts the model's own sizes gets the number that does not.
//!
//! Files leave dimensions open that have one right value: `num_channels` where the first convolution wants 3,
//! `encoder_sequence_length` where 1500 positions are added after halving. Here such places are found and solved.

use super::known::Known;
use super::symbols::Origin;
use super::{Symbol, Trace};
use crate::model::{Dim, Node, ValueType};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Two dimensions that an operator wants to be the same and that are not.
#[derive(Debug, Clone)]
pub(super) struct Contradiction(Dim, Dim);

/// How many contradictions are kept: the later ones mostly follow from the first.
pub(super) const MOST_CONTRADICTIONS: usize = 8;
/// Largest number that is looked for.
const LARGEST: i64 = 1 << 24;
/// How many numbers that fit equally well are compared.
const MOST_CANDIDATES: i64 = 4096;

/// What in a node's inputs contradicts each other, if at least one side depends on a symbol.
///
/// `target` is what is known of the second input's contents.
pub(super) fn contradiction(
    node: &Node,
    inputs: &[Option<Arc<ValueType>>],
    target: Option<&Known>,
) -> Option<Contradiction> {
    if !node.domain.is_empty() {
        return None;
    }
    let shape = |index: usize| inputs.get(index)?.as_deref()?.as_tensor()?.shape.as_deref();
    let dim = |index: usize, axis: usize| shape(index)?.get(axis).cloned();
    let from_back = |index: usize, place: usize| {
        let shape = shape(index)?;
        shape.get(shape.len().checked_sub(place)?).cloned()
    };
    let pairs: Vec<(Option<Dim>, Option<Dim>)> = match node.op.as_ref() {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Equal" | "Less" | "Greater" | "And" | "Or" => {
            broadcast(shape(0)?, shape(1)?)
        }
        "Where" => {
            [broadcast(shape(0)?, shape(1)?), broadcast(shape(0)?, shape(2)?), broadcast(shape(1)?, shape(2)?)].concat()
        }
        "Conv" | "ConvInteger" => {
            let groups = Dim::known(node.int("group").unwrap_or(1));
            vec![(dim(0, 1), dim(1, 1).map(|channels| channels.mul(&groups)))]
        }
        "QLinearConv" => {
            let groups = Dim::known(node.int("group").unwrap_or(1));
            vec![(dim(0, 1), dim(3, 1).map(|channels| channels.mul(&groups)))]
        }
        "ConvTranspose" => vec![(dim(0, 1), dim(1, 0))],
        "BatchNormalization" | "InstanceNormalization" => vec![(dim(0, 1), dim(1, 0))],
        "LayerNormalization" => vec![(from_back(0, 1), from_back(1, 1))],
        "LSTM" | "GRU" | "RNN" => vec![(dim(0, 2), dim(1, 2))],
        "Gemm" => {
            let first = if node.int("transA").unwrap_or(0) != 0 { 0 } else { 1 };
            let second = if node.int("transB").unwrap_or(0) != 0 { 1 } else { 0 };
            vec![(dim(0, first), dim(1, second))]
        }
        "MatMul" | "MatMulInteger" => {
            let inner = if shape(1)?.len() == 1 { from_back(1, 1) } else { from_back(1, 2) };
            vec![(from_back(0, 1), inner)]
        }
        "Reshape" => {
            let wanted = target?.dims()?;
            let fixed = wanted.iter().all(|dim| dim.value().is_some_and(|value| value > 0));
            let product = |dims: &[Dim]| Some(super::call::product(dims));
            if fixed { vec![(product(shape(0)?), product(wanted))] } else { Vec::new() }
        }
        _ => Vec::new(),
    };
    let differs = |(a, b): &(Dim, Dim)| {
        matches!((a.value(), b.value()), (Some(a), Some(b)) if a != b) && (a.is_symbolic() || b.is_symbolic())
    };
    let pair = pairs.into_iter().filter_map(|(a, b)| a.zip(b)).find(differs);
    pair.map(|(a, b)| Contradiction(a, b))
}

/// Dimensions that stand above each other when two shapes broadcast, where neither is 1.
fn broadcast(a: &[Dim], b: &[Dim]) -> Vec<(Option<Dim>, Option<Dim>)> {
    let pairs = a.iter().rev().zip(b.iter().rev()).filter(|(a, b)| !a.is(1) && !b.is(1));
    pairs.map(|(a, b)| (Some(a.clone()), Some(b.clone()))).collect()
}

/// Numbers for symbols that nobody chose and that are not in `fitted` yet, which resolve a contradiction.
pub(super) fn solution(trace: &Trace<'_>, fitted: &BTreeMap<String, u64>) -> Option<BTreeMap<String, u64>> {
    let free = |name: &str| {
        let symbol = trace.symbols.iter().find(|symbol| symbol.name == name);
        symbol.is_some_and(|symbol| symbol.origin == Origin::Input && !symbol.chosen) && !fitted.contains_key(name)
    };
    trace.contradictions.iter().find_map(|Contradiction(a, b)| {
        solved(a, b.value()?, &trace.symbols, free).or_else(|| solved(b, a.value()?, &trace.symbols, free))
    })
}

/// One number for all free symbols of a formula (a picture's height and width) with which it comes to what is wanted.
fn solved(dim: &Dim, wanted: i64, symbols: &[Symbol], free: impl Fn(&str) -> bool) -> Option<BTreeMap<String, u64>> {
    let names: Vec<Arc<str>> = dim.symbols().into_iter().filter(|name| free(name)).collect();
    // The batch is the user's to choose, unless it is all that is open.
    let batch = |name: &Arc<str>| name.to_lowercase().contains("batch");
    let open: Vec<Arc<str>> = match names.iter().all(batch) {
        true => names,
        false => names.into_iter().filter(|name| !batch(name)).collect(),
    };
    if open.is_empty() {
        return None;
    }
    let at = |number: i64| {
        dim.at(&|name| match open.iter().any(|open| open.as_ref() == name) {
            true => Some(number),
            false => i64::try_from(symbols.iter().find(|symbol| symbol.name == name)?.value).ok(),
        })
    };
    // Sizes grow with what they are made of, so halving finds the least number that is large enough.
    let (mut low, mut high) = (1, LARGEST);
    while low < high {
        let middle = low + (high - low) / 2;
        // A product past 64 bits is large enough.
        match at(middle) {
            Some(value) if value < wanted => low = middle + 1,
            _ => high = middle,
        }
    }
    // Rounding may leave several that fit: people choose round numbers, 3000 rather than 2999.
    let fitting = (low..low.saturating_add(MOST_CANDIDATES)).take_while(|number| at(*number) == Some(wanted));
    let roundest = fitting.max_by_key(|number| (number.trailing_zeros(), std::cmp::Reverse(*number)))?;
    let number = u64::try_from(roundest).ok()?;
    Some(open.iter().map(|name| (name.to_string(), number)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DType, DeclaredDim, DeclaredType, Graph, Model, Storage, Value, ValueId, Weight};
    use crate::shapes::{Choices, infer};

    /// A model of one node: an input with the declared dimensions, and a weight.
    fn model(op: &str, declared: &[&str], weight: &[u64]) -> Model {
        let dims = declared.iter().map(|dim| match dim.parse() {
            Ok(size) => DeclaredDim::Fixed(size),
            Err(_) => DeclaredDim::Named((*dim).into()),
        });
        let declared = DeclaredType::Tensor { dtype: Some(DType::F32), shape: Some(dims.collect()) };
        let weight = Weight::new(DType::F32, weight.to_vec(), Storage::Inside { offset: 0 });
        Model {
            values: vec![
                Value { name: "x".into(), declared: Some(declared), weight: None },
                Value { name: "w".into(), declared: None, weight: Some(weight) },
                Value { name: "y".into(), ..Value::default() },
            ],
            graph: Graph {
                inputs: vec![ValueId(0)],
                nodes: vec![Node {
                    name: op.into(),
                    op: op.into(),
                    opset: 20,
                    inputs: vec![Some(ValueId(0)), Some(ValueId(1))],
                    outputs: vec![Some(ValueId(2))],
                    ..Node::default()
                }],
                ..Graph::default()
            },
            ..Model::default()
        }
    }

    fn number(model: &Model, choices: &Choices, name: &str) -> Option<u64> {
        let trace = infer(model, choices);
        trace.symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.value)
    }

    #[test]
    fn open_channels_are_those_of_the_weights() {
        let model = model("Conv", &["batch", "num_channels", "height", "width"], &[64, 3, 7, 7]);
        let choices = Choices::default();
        assert_eq!(number(&model, &choices, "num_channels"), Some(3));
        assert_eq!((number(&model, &choices, "batch"), number(&model, &choices, "height")), (Some(1), Some(224)));
    }

    #[test]
    fn a_table_of_positions_settles_the_length() {
        assert_eq!(
            number(&model("Add", &["batch", "sequence", "8"], &[1500, 8]), &Choices::default(), "sequence"),
            Some(1500)
        );
    }

    #[test]
    fn of_numbers_that_fit_the_roundest_is_taken() {
        let frames = Dim::symbol("frames", 100);
        let halved = frames.sub(&Dim::known(1)).floor_div(&Dim::known(2)).add(&Dim::known(1));
        assert_eq!(solved(&halved, 1500, &[], |_| true).unwrap().get("frames"), Some(&3000));
    }

    #[test]
    fn what_the_user_chose_stays() {
        let choices = Choices { dims: [("sequence".to_owned(), 9)].into(), ..Choices::default() };
        let model = model("Add", &["batch", "sequence", "8"], &[1500, 8]);
        assert_eq!(number(&model, &choices, "sequence"), Some(9));
        assert_eq!(infer(&model, &choices).misfits, 1);
    }

    #[test]
    fn a_picture_is_square_when_two_sides_are_open() {
        let side = |name: &str| Dim::symbol(name, 224).floor_div(&Dim::known(16));
        let patches = Dim::symbol("batch", 2).mul(&side("height")).mul(&side("width"));
        let symbols = ["batch", "height", "width"].map(|name| Symbol {
            name: name.to_owned(),
            value: 2,
            origin: Origin::Input,
            chosen: false,
        });
        let found = solved(&patches, 2 * 24 * 24, &symbols, |_| true).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("height".to_owned(), 384), ("width".to_owned(), 384)]);
        assert_eq!(solved(&patches, 2 * 24 * 24 + 1, &symbols, |_| true), None);
    }
}
