//! What a rule sees: one node with the types and known contents of its inputs, and a place for its results.

use super::known::{Known, sizes};
use super::symbols::{Origin, Symbols};
use crate::formats::onnx_dtype;
use crate::model::{DType, Dim, Node, TensorType, ValueType};
use std::sync::Arc;

/// Why a rule could not say anything: inputs that contradict each other or the operator's definition.
/// The sentence names what was found and what was expected; the engine adds the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch(pub String);

/// A rule's outcome: `Ok` also when too little is known to set an output.
pub(crate) type Outcome = Result<(), Mismatch>;

/// Longest list of integers that is followed when none of its elements is known.
const MOST_OPEN_ELEMENTS: usize = 64;

/// One node being inferred.
pub(crate) struct Call<'a, 'm> {
    /// The node.
    pub node: &'m Node,
    pub(super) inputs: Vec<Option<Arc<ValueType>>>,
    pub(super) contents: Vec<Option<Arc<Known>>>,
    pub(super) symbols: &'a mut Symbols,
    pub(super) outputs: Vec<Option<ValueType>>,
    pub(super) output_contents: Vec<Option<Known>>,
}

impl Call<'_, '_> {
    /// Whether the optional input is there.
    pub fn has(&self, index: usize) -> bool {
        self.node.inputs.get(index).is_some_and(Option::is_some)
    }

    /// The type of an input, as far as known.
    pub fn input(&self, index: usize) -> Option<&ValueType> {
        self.inputs.get(index)?.as_deref()
    }

    /// The type of an input that is a tensor.
    pub fn tensor(&self, index: usize) -> Option<&TensorType> {
        self.input(index)?.as_tensor()
    }

    /// The element type of an input.
    pub fn dtype(&self, index: usize) -> Option<DType> {
        self.tensor(index)?.dtype
    }

    /// The shape of an input; a copy, so that outputs can be set while it is used.
    pub fn shape(&self, index: usize) -> Option<Vec<Dim>> {
        self.tensor(index)?.shape.clone()
    }

    /// The rank of an input.
    pub fn rank(&self, index: usize) -> Option<usize> {
        Some(self.tensor(index)?.shape.as_ref()?.len())
    }

    /// The contents of an input, where known.
    pub fn known(&self, index: usize) -> Option<Arc<Known>> {
        self.contents.get(index)?.clone()
    }

    /// The contents of an input as integers, each known or not.
    pub fn dims(&self, index: usize) -> Option<Vec<Dim>> {
        Some(self.known(index)?.dims()?.to_vec())
    }

    /// The contents of an input as integers, all known.
    pub fn ints(&self, index: usize) -> Option<Vec<i64>> {
        self.known(index)?.ints()
    }

    /// The integers that newer operator sets take as an input and older ones as an attribute.
    /// `Ok(None)`: neither is given. `Err(Unknown)`: given as an input whose contents are not known.
    pub fn ints_or_attribute(&self, index: usize, name: &str) -> Result<Option<Vec<i64>>, Unknown> {
        if self.has(index) {
            return self.ints(index).map(Some).ok_or(Unknown);
        }
        Ok(self.node.ints(name).map(<[i64]>::to_vec))
    }

    /// Number of outputs that the node has (absent ones included).
    pub fn output_count(&self) -> usize {
        self.node.outputs.len()
    }

    /// Sets an output's type; ignored for an output that the node does not have.
    pub fn set(&mut self, index: usize, value_type: ValueType) {
        if let Some(slot) = self.outputs.get_mut(index) {
            *slot = Some(value_type);
        }
    }

    /// Sets an output to a tensor; an open shape still tells the element type.
    pub fn set_tensor(&mut self, index: usize, dtype: Option<DType>, shape: Option<Vec<Dim>>) {
        self.set(index, ValueType::tensor(dtype, shape));
    }

    /// Sets an output's contents beside its type, which must be set before; ignored where `known` is `None`.
    ///
    /// The elements are rounded to the output's element type, and sizes that the type leaves open are taken from them.
    pub fn set_known(&mut self, index: usize, known: Option<Known>) {
        let Some(mut known) = known else { return };
        if let Some(Some(ValueType::Tensor(tensor))) = self.outputs.get_mut(index) {
            if let Some(dtype) = tensor.dtype {
                match known.fit(dtype) {
                    Some(fitting) => known = fitting,
                    None => return,
                }
            }
            let sizes = known.shape_dims();
            let shape = tensor.shape.get_or_insert_with(|| sizes.clone());
            if shape.len() != sizes.len() {
                return;
            }
            for (dim, size) in shape.iter_mut().zip(sizes) {
                match dim.value() {
                    None => *dim = size,
                    Some(_) if *dim != size => return,
                    Some(_) => {}
                }
            }
        }
        if let Some(slot) = self.output_contents.get_mut(index) {
            *slot = known.tells_anything().then_some(known);
        }
    }

    /// An output has the type of an input, but other contents.
    pub fn pass_type(&mut self, input: usize, output: usize) {
        if let Some(value_type) = self.input(input).cloned() {
            self.set(output, value_type);
        }
    }

    /// An output is an input: same type, same contents.
    pub fn pass(&mut self, input: usize, output: usize) {
        self.pass_type(input, output);
        if let Some(slot) = self.output_contents.get_mut(output) {
            *slot = self.contents.get(input).cloned().flatten().map(|known| known.as_ref().clone());
        }
    }

    /// The contents of an input; where it is a short list of integers of unknown contents, each element unknown.
    pub fn elements(&self, index: usize) -> Option<Arc<Known>> {
        if let Some(known) = self.known(index) {
            return Some(known);
        }
        let tensor = self.tensor(index)?;
        if !tensor.dtype.is_some_and(|dtype| dtype.is_integer() || dtype == DType::Bool) {
            return None;
        }
        let shape = sizes(tensor.shape.as_deref()?)?;
        let short = shape.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim))? <= MOST_OPEN_ELEMENTS;
        if short { Known::open(shape).map(Arc::new) } else { None }
    }

    /// The only element of an input as an integer, with its formula; unknown where it is not known.
    pub fn integer(&self, index: usize) -> Dim {
        self.known(index).and_then(|known| known.single().cloned()).unwrap_or_default()
    }

    /// An integer attribute, or what the operator's definition says where it is left out.
    pub fn int_or(&self, name: &str, default: i64) -> i64 {
        self.node.int(name).unwrap_or(default)
    }

    /// A truth value among the attributes.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.node.int(name).map_or(default, |value| value != 0)
    }

    /// An attribute that names an element type by ONNX's number.
    pub fn dtype_attribute(&self, name: &str) -> Option<DType> {
        onnx_dtype(self.node.int(name)?)
    }

    /// A dimension that depends on the data: a symbol named after the node, which the user can set.
    pub fn data_dim(&mut self, what: &str, default: u64) -> Dim {
        self.symbols.named(&format!("{}.{what}", self.node.name), Origin::Data, default)
    }
}

/// The contents of an input matter and are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown;

/// An axis counted from the front, from one that may count from the back.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Mismatch> {
    let rank_signed = i64::try_from(rank).unwrap_or(i64::MAX);
    let from_front = if axis < 0 { axis.saturating_add(rank_signed) } else { axis };
    match usize::try_from(from_front) {
        Ok(place) if place < rank => Ok(place),
        _ => Err(Mismatch(format!("axis {axis} is outside a tensor of {rank} dimensions"))),
    }
}

/// Several axes counted from the front; see [`axis`].
pub(crate) fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>, Mismatch> {
    list.iter().map(|place| axis(*place, rank)).collect()
}

/// A shape of this rank about which nothing else is known.
pub(crate) fn open_shape(rank: usize) -> Vec<Dim> {
    vec![Dim::UNKNOWN; rank]
}

/// The product of dimensions, with its formula; 1 for none.
pub(crate) fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
    dims.into_iter().fold(Dim::known(1), |product, dim| product.mul(dim))
}

/// The same dimension stated twice: the known one of the two, the one with a name if both are.
pub(crate) fn agreed(a: &Dim, b: &Dim) -> Result<Dim, Mismatch> {
    match (a.value(), b.value()) {
        (Some(x), Some(y)) if x != y => Err(Mismatch(format!("a dimension is {a} here and {b} there"))),
        (Some(_), Some(_)) if !a.is_symbolic() => Ok(b.clone()),
        (None, _) => Ok(b.clone()),
        _ => Ok(a.clone()),
    }
}

/// The shape that two shapes broadcast to.
///
/// An unknown dimension beside a known one above 1 takes the known one, since anything else would be an error at run time.
pub(crate) fn broadcast(left: &[Dim], right: &[Dim]) -> Result<Vec<Dim>, Mismatch> {
    let rank = left.len().max(right.len());
    let one = Dim::known(1);
    let at = |shape: &[Dim], place: usize| {
        let missing = rank - shape.len();
        if place < missing { one.clone() } else { shape.get(place - missing).cloned().unwrap_or_default() }
    };
    let mut shape = Vec::with_capacity(rank);
    for place in 0..rank {
        let (a, b) = (at(left, place), at(right, place));
        shape.push(match (a.value(), b.value()) {
            (Some(x), Some(y)) if x == y => {
                if a.is_symbolic() {
                    a
                } else {
                    b
                }
            }
            (Some(1), _) => b,
            (_, Some(1)) => a,
            (Some(_), Some(_)) => {
                return Err(Mismatch(format!("shapes {} and {} do not broadcast", show(left), show(right))));
            }
            (Some(_), None) => a,
            (None, Some(_)) => b,
            (None, None) => Dim::UNKNOWN,
        });
    }
    Ok(shape)
}

/// A shape for messages: `batch × 3 × 224 × 224`.
pub(crate) fn show(shape: &[Dim]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    shape.iter().map(Dim::to_string).collect::<Vec<_>>().join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_pads_in_front_and_keeps_names() {
        let left = [Dim::symbol("batch", 1), Dim::known(3), Dim::known(1)];
        let shape = broadcast(&left, &[Dim::known(3), Dim::known(5)]).unwrap();
        assert_eq!(show(&shape), "batch × 3 × 5");
    }

    #[test]
    fn what_cannot_broadcast_says_so() {
        let error = broadcast(&[Dim::known(2)], &[Dim::known(3)]).unwrap_err();
        assert_eq!(error.0, "shapes 2 and 3 do not broadcast");
    }

    #[test]
    fn axes_count_from_both_ends() {
        assert_eq!(axis(-1, 4), Ok(3));
        assert!(axis(4, 4).is_err() && axis(-5, 4).is_err() && axis(i64::MIN, 4).is_err());
    }
}
