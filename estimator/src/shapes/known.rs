//! Contents of small tensors, as far as they are known without running the model.
//!
//! Here are the container and the arithmetic that several rules share; what an operator does with it stands in `rules`.

use crate::model::{Contents, DType, Dim, Kind, Weight};
use std::sync::Arc;

/// A small tensor whose contents are known. Elements of [`Data::Integers`] may be unknown one by one.
#[derive(Debug, Clone)]
pub struct Known {
    /// Dimensions; their product is the number of elements.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Data,
}

/// The elements of a [`Known`] tensor.
#[derive(Debug, Clone)]
pub enum Data {
    /// Integers and truth values, each with its formula where it has one.
    Integers(Vec<Dim>),
    /// Floats, widened.
    Floats(Vec<f64>),
    /// Texts.
    Texts(Vec<Arc<str>>),
    /// The items of a list instead of elements of a tensor, each as far as known.
    Items(Vec<Option<Arc<Known>>>),
}

/// Largest tensor whose contents are followed. Shape arithmetic needs tens of elements, position tables a few thousand.
pub(crate) const MOST_ELEMENTS: usize = 4096;

impl Known {
    /// A tensor of integers; `None` when it is too large to follow or the elements do not fill the shape.
    pub fn integers(shape: Vec<usize>, items: Vec<Dim>) -> Option<Self> {
        Self::checked(shape, Data::Integers(items))
    }

    /// A tensor of floats; see [`Known::integers`].
    pub fn floats(shape: Vec<usize>, items: Vec<f64>) -> Option<Self> {
        Self::checked(shape, Data::Floats(items))
    }

    /// A list of dimensions, such as `Shape` gives.
    pub fn list(items: Vec<Dim>) -> Option<Self> {
        Self::integers(vec![items.len()], items)
    }

    /// One integer without dimensions.
    pub fn scalar(item: Dim) -> Self {
        Self { shape: Vec::new(), data: Data::Integers(vec![item]) }
    }

    pub(crate) fn checked(shape: Vec<usize>, data: Data) -> Option<Self> {
        (elements(&shape)? == data.len()).then_some(Self { shape, data })
    }

    /// The contents of a weight, where the file reader kept them.
    pub fn of_weight(weight: &Weight) -> Option<Self> {
        let shape = weight.shape.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<_>>()?;
        Self::of_contents(shape, weight.contents.as_ref()?)
    }

    /// Contents with a shape.
    pub fn of_contents(shape: Vec<usize>, contents: &Contents) -> Option<Self> {
        let data = match contents {
            Contents::Integers(items) => Data::Integers(items.iter().map(|item| Dim::known(*item)).collect()),
            Contents::Floats(items) => Data::Floats(items.clone()),
            Contents::Texts(items) => Data::Texts(items.clone()),
        };
        Self::checked(shape, data)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as integers; floats are not rounded but refused.
    pub fn dims(&self) -> Option<&[Dim]> {
        match &self.data {
            Data::Integers(items) => Some(items),
            _ => None,
        }
    }

    /// The elements as plain integers, all known.
    pub fn ints(&self) -> Option<Vec<i64>> {
        self.dims()?.iter().map(Dim::value).collect()
    }

    /// The elements as numbers, all known; integers are widened.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        match &self.data {
            Data::Integers(items) => items.iter().map(|item| item.value().map(|value| value as f64)).collect(),
            Data::Floats(items) => Some(items.clone()),
            Data::Texts(_) | Data::Items(_) => None,
        }
    }

    /// The contents of a list.
    pub fn list_of(items: Vec<Option<Arc<Known>>>) -> Option<Self> {
        Self::checked(vec![items.len()], Data::Items(items))
    }

    /// The items of a list.
    pub fn items(&self) -> Option<&[Option<Arc<Known>>]> {
        match &self.data {
            Data::Items(items) => Some(items),
            _ => None,
        }
    }

    /// The elements as texts.
    pub fn texts(&self) -> Option<&[Arc<str>]> {
        match &self.data {
            Data::Texts(items) => Some(items),
            _ => None,
        }
    }

    /// The only element as an integer.
    pub fn single(&self) -> Option<&Dim> {
        match self.dims()? {
            [item] => Some(item),
            _ => None,
        }
    }

    /// The shape as dimensions.
    pub fn shape_dims(&self) -> Vec<Dim> {
        self.shape.iter().map(|dim| Dim::from_len(*dim)).collect()
    }

    /// The same elements in another shape, if it has as many.
    pub fn reshaped(&self, shape: &[Dim]) -> Option<Self> {
        Self::checked(sizes(shape)?, self.data.clone())
    }

    /// The elements at these places, in this order and shape.
    pub fn gather(&self, shape: Vec<usize>, places: &[usize]) -> Option<Self> {
        fn pick<T: Clone>(items: &[T], places: &[usize]) -> Option<Vec<T>> {
            places.iter().map(|place| items.get(*place).cloned()).collect()
        }
        let data = match &self.data {
            Data::Integers(items) => Data::Integers(pick(items, places)?),
            Data::Floats(items) => Data::Floats(pick(items, places)?),
            Data::Texts(items) => Data::Texts(pick(items, places)?),
            Data::Items(items) => Data::Items(pick(items, places)?),
        };
        Self::checked(shape, data)
    }

    /// A tensor of integers none of which is known; `None` when there are too many to follow.
    pub fn open(shape: Vec<usize>) -> Option<Self> {
        let elements = elements(&shape)?;
        Self::integers(shape, vec![Dim::UNKNOWN; elements])
    }

    /// As [`Known::gather`], with the only element of `fill` where there is no place.
    pub fn gather_or(&self, shape: Vec<usize>, places: &[Option<usize>], fill: &Known) -> Option<Self> {
        let joined = Self::joined(&[&self.reshaped_to(vec![self.len()])?, &fill.reshaped_to(vec![1])?], 0)?;
        let places: Vec<usize> = places.iter().map(|place| place.unwrap_or(self.len())).collect();
        joined.gather(shape, &places)
    }

    /// Several tensors one behind the other along an axis; `None` where they do not fit.
    pub fn joined(parts: &[&Known], along: usize) -> Option<Self> {
        let (first, others) = parts.split_first()?;
        let mut shape = first.shape.clone();
        for part in others {
            let fits = |(place, (a, b)): (usize, (&usize, &usize))| place == along || a == b;
            if part.shape.len() != shape.len() || !shape.iter().zip(&part.shape).enumerate().all(fits) {
                return None;
            }
            let size = shape.get_mut(along)?;
            *size = size.checked_add(*part.shape.get(along)?)?;
        }
        let inner: usize = shape.get(along + 1..)?.iter().product();
        let outer: usize = shape.get(..along)?.iter().product();
        let runs = Runs { parts, along, inner, outer };
        let data = match &first.data {
            Data::Integers(_) => Data::Integers(runs.collect(Known::dims)?),
            Data::Floats(_) => Data::Floats(runs.collect(|part| match &part.data {
                Data::Floats(items) => Some(items),
                _ => None,
            })?),
            Data::Texts(_) => Data::Texts(runs.collect(Known::texts)?),
            Data::Items(_) => return None,
        };
        Self::checked(shape, data)
    }

    /// The same elements in another shape, if it has as many.
    pub fn reshaped_to(&self, shape: Vec<usize>) -> Option<Self> {
        Self::checked(shape, self.data.clone())
    }

    /// A tensor whose every element is taken from here: `source` gives the place for each coordinate of the new shape.
    pub fn rearranged(&self, shape: Vec<usize>, source: impl Fn(&[usize]) -> Option<usize>) -> Option<Self> {
        let places = coordinates(&shape)?.iter().map(|at| source(at)).collect::<Option<Vec<_>>>()?;
        self.gather(shape, &places)
    }

    /// The same elements broadcast to a larger shape.
    pub fn broadcast_to(&self, shape: &[usize]) -> Option<Self> {
        let (shape, places, _) = broadcast_places(&self.shape, shape)?;
        self.gather(shape, &places)
    }

    /// The shape to which this tensor and a shape broadcast.
    pub fn broadcast_shape(&self, other: &[usize]) -> Option<Vec<usize>> {
        broadcast_sizes(&self.shape, other)
    }

    /// An element-wise operation, on integers with formulas or on floats.
    pub fn map(&self, integers: impl Fn(&Dim) -> Dim, floats: impl Fn(f64) -> f64) -> Option<Known> {
        let data = match &self.data {
            Data::Integers(items) => Data::Integers(items.iter().map(integers).collect()),
            Data::Floats(items) => Data::Floats(items.iter().map(|item| floats(*item)).collect()),
            Data::Texts(_) | Data::Items(_) => return None,
        };
        Self::checked(self.shape.clone(), data)
    }

    /// The elements as one of this type holds them: floats rounded to its precision, integers unknown where out of range.
    /// `None` where the elements are of another kind.
    pub fn fit(mut self, dtype: DType) -> Option<Known> {
        match (&mut self.data, dtype.kind()) {
            (Data::Integers(items), Kind::Integer | Kind::Boolean) => {
                let (least, most) = integer_range(dtype);
                for item in items.iter_mut().filter(|item| item.value().is_some_and(|v| v < least || v > most)) {
                    *item = Dim::UNKNOWN;
                }
            }
            (Data::Floats(items), Kind::Float) => {
                for item in items {
                    *item = rounded(*item, dtype)?;
                }
            }
            (Data::Texts(_), Kind::Text) => {}
            _ => return None,
        }
        Some(self)
    }

    /// Whether at least one element is known.
    pub fn tells_anything(&self) -> bool {
        match &self.data {
            Data::Integers(items) => items.is_empty() || items.iter().any(|item| item.value().is_some()),
            _ => true,
        }
    }

    /// An element-wise operation of two tensors with broadcasting, on integers with formulas or on floats.
    ///
    /// `None` where the shapes do not broadcast, the types differ, or the result is too large to follow.
    pub fn zip(
        &self,
        other: &Known,
        integers: impl Fn(&Dim, &Dim) -> Dim,
        floats: impl Fn(f64, f64) -> f64,
    ) -> Option<Known> {
        let (shape, left, right) = broadcast_places(&self.shape, &other.shape)?;
        let a = self.gather(shape.clone(), &left)?;
        let b = other.gather(shape.clone(), &right)?;
        let data = match (&a.data, &b.data) {
            (Data::Integers(a), Data::Integers(b)) => {
                Data::Integers(a.iter().zip(b).map(|(a, b)| integers(a, b)).collect())
            }
            (Data::Floats(a), Data::Floats(b)) => Data::Floats(a.iter().zip(b).map(|(a, b)| floats(*a, *b)).collect()),
            _ => return None,
        };
        Self::checked(shape, data)
    }

    /// A comparison of two tensors with broadcasting; the result holds 0 and 1, unknown where an element is.
    pub fn compare(&self, other: &Known, holds: impl Fn(std::cmp::Ordering) -> bool) -> Option<Known> {
        let (shape, left, right) = broadcast_places(&self.shape, &other.shape)?;
        let a = self.gather(shape.clone(), &left)?;
        let b = other.gather(shape.clone(), &right)?;
        let truth = |ordering: Option<std::cmp::Ordering>| match ordering {
            Some(ordering) => Dim::known(i64::from(holds(ordering))),
            None => Dim::UNKNOWN,
        };
        let items = match (&a.data, &b.data) {
            (Data::Integers(a), Data::Integers(b)) => {
                let order = |a: &Dim, b: &Dim| Some(a.value()?.cmp(&b.value()?));
                a.iter().zip(b).map(|(a, b)| truth(order(a, b))).collect()
            }
            (Data::Floats(a), Data::Floats(b)) => a.iter().zip(b).map(|(a, b)| truth(a.partial_cmp(b))).collect(),
            (Data::Texts(a), Data::Texts(b)) => a.iter().zip(b).map(|(a, b)| truth(Some(a.cmp(b)))).collect(),
            _ => return None,
        };
        Self::integers(shape, items)
    }

    /// Converted to another element type, as `Cast` does; formulas survive between integer types.
    pub fn cast(&self, to: DType) -> Option<Known> {
        let data = match (&self.data, to) {
            (Data::Integers(items), DType::Bool) => {
                let truth = |item: &Dim| item.value().map_or(Dim::UNKNOWN, |value| Dim::known(i64::from(value != 0)));
                Data::Integers(items.iter().map(truth).collect())
            }
            (Data::Floats(items), DType::Bool) => {
                Data::Integers(items.iter().map(|item| Dim::known(i64::from(*item != 0.0))).collect())
            }
            (Data::Integers(_), to) if to.is_integer() => self.data.clone(),
            (_, to) if to.is_float() => Data::Floats(self.numbers()?),
            // Rust's cast truncates towards zero and saturates, as ONNX Runtime does on common hardware.
            (Data::Floats(items), to) if to.is_integer() => {
                let whole = |item: &f64| if item.is_finite() { Dim::known(*item as i64) } else { Dim::UNKNOWN };
                Data::Integers(items.iter().map(whole).collect())
            }
            _ => return None,
        };
        Self::checked(self.shape.clone(), data)
    }
}

/// Tensors to be joined: from each in turn a run of elements, as often as there are turns.
struct Runs<'k> {
    parts: &'k [&'k Known],
    along: usize,
    inner: usize,
    outer: usize,
}

impl<'k> Runs<'k> {
    fn collect<T: Clone + 'k>(&self, items: impl Fn(&'k Known) -> Option<&'k [T]>) -> Option<Vec<T>> {
        let mut joined = Vec::new();
        for turn in 0..self.outer {
            for part in self.parts {
                let run = self.inner * part.shape.get(self.along)?;
                joined.extend_from_slice(items(part)?.get(turn * run..(turn + 1) * run)?);
            }
        }
        Some(joined)
    }
}

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::Integers(items) => items.len(),
            Data::Floats(items) => items.len(),
            Data::Texts(items) => items.len(),
            Data::Items(items) => items.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Number of elements of a shape; `None` when they are too many to follow.
///
/// The bound holds without the zeros too, so that no product of some of the dimensions overflows.
fn elements(shape: &[usize]) -> Option<usize> {
    let product = shape.iter().try_fold(1usize, |product, dim| product.checked_mul((*dim).max(1)))?;
    let empty = shape.contains(&0);
    (product <= MOST_ELEMENTS).then_some(if empty { 0 } else { product })
}

/// Sizes of dimensions that are all known.
pub(crate) fn sizes(shape: &[Dim]) -> Option<Vec<usize>> {
    shape.iter().map(|dim| usize::try_from(dim.value()?).ok()).collect()
}

/// Row-major strides of a shape, in elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    let mut step = 1usize;
    for (stride, dim) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.saturating_mul(*dim);
    }
    strides
}

/// The coordinates of every element of a shape in row-major order; `None` when there are too many to follow.
pub(crate) fn coordinates(shape: &[usize]) -> Option<Vec<Vec<usize>>> {
    let elements = elements(shape)?;
    let strides = strides(shape);
    let at = |place: usize| strides.iter().zip(shape).map(|(stride, dim)| place / stride % dim).collect();
    Some((0..elements).map(at).collect())
}

/// The least and the largest integer of a type; unsigned 64-bit ones are followed as far as signed ones reach.
fn integer_range(dtype: DType) -> (i64, i64) {
    let bits = dtype.bits().min(64);
    match dtype {
        DType::Bool => (0, 1),
        DType::U64 => (0, i64::MAX),
        DType::U2 | DType::U4 | DType::U8 | DType::U16 | DType::U32 => (0, (1i64 << bits) - 1),
        _ => (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits)),
    }
}

/// A float rounded to a narrower type, half to even; `None` for types that shape arithmetic does not use.
fn rounded(value: f64, dtype: DType) -> Option<f64> {
    // Bits of the significand with the implicit one, and the least exponent of a normal number.
    let (bits, least) = match dtype {
        DType::F64 => return Some(value),
        DType::F32 => return Some(f64::from(value as f32)),
        DType::F16 => (11, -14),
        DType::Bf16 => (8, -126),
        _ => return None,
    };
    if value == 0.0 || !value.is_finite() {
        return Some(value);
    }
    let exponent = (libm::log2(value.abs()).floor() as i32).max(least);
    let step = 2f64.powi(exponent - (bits - 1));
    let value = (value / step).round_ties_even() * step;
    let largest = if dtype == DType::F16 { 65504.0 } else { f64::from(f32::MAX) };
    Some(if value.abs() > largest { f64::INFINITY.copysign(value) } else { value })
}

/// The place of a coordinate in a tensor of these strides.
pub(crate) fn place(at: &[usize], strides: &[usize]) -> usize {
    at.iter().zip(strides).map(|(at, stride)| at * stride).sum()
}

/// A shape with ones in front up to this rank.
fn padded(shape: &[usize], rank: usize) -> Vec<usize> {
    [vec![1; rank.saturating_sub(shape.len())], shape.to_vec()].concat()
}

fn broadcast_sizes(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let rank = left.len().max(right.len());
    let size = |(a, b)| match (a, b) {
        (a, b) if a == b => Some(a),
        (1, b) => Some(b),
        (a, 1) => Some(a),
        _ => None,
    };
    padded(left, rank).into_iter().zip(padded(right, rank)).map(size).collect()
}

type Places = (Vec<usize>, Vec<usize>, Vec<usize>);

/// The broadcast shape of two tensors, and for each of its elements the place in the left and in the right one.
fn broadcast_places(left: &[usize], right: &[usize]) -> Option<Places> {
    let shape = broadcast_sizes(left, right)?;
    let (left, right) = (padded(left, shape.len()), padded(right, shape.len()));
    let places = |of: &[usize], coordinates: &[Vec<usize>]| {
        let strides = strides(of);
        let place = |at: &Vec<usize>| {
            let axes = at.iter().zip(of).zip(&strides);
            axes.map(|((at, dim), stride)| if *dim == 1 { 0 } else { at * stride }).sum()
        };
        coordinates.iter().map(place).collect::<Vec<usize>>()
    };
    let coordinates = coordinates(&shape)?;
    let (left, right) = (places(&left, &coordinates), places(&right, &coordinates));
    Some((shape, left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[i64]) -> Known {
        Known::list(items.iter().map(|item| Dim::known(*item)).collect()).unwrap()
    }

    #[test]
    fn a_scalar_broadcasts_over_a_list() {
        let product = list(&[2, 3]).zip(&Known::scalar(Dim::known(10)), Dim::mul, |a, b| a * b).unwrap();
        assert_eq!((product.shape.clone(), product.ints()), (vec![2], Some(vec![20, 30])));
    }

    #[test]
    fn a_column_and_a_row_make_a_table() {
        let column = Known::integers(vec![2, 1], vec![Dim::known(10), Dim::known(20)]).unwrap();
        let sum = column.zip(&list(&[1, 2, 3]), Dim::add, |a, b| a + b).unwrap();
        assert_eq!((sum.shape.clone(), sum.ints()), (vec![2, 3], Some(vec![11, 12, 13, 21, 22, 23])));
    }

    #[test]
    fn one_unknown_element_leaves_the_others_known() {
        let partly = Known::list(vec![Dim::UNKNOWN, Dim::known(4)]).unwrap();
        let equal = partly.compare(&list(&[4, 4]), std::cmp::Ordering::is_eq).unwrap();
        assert_eq!(equal.dims().unwrap().iter().map(Dim::value).collect::<Vec<_>>(), [None, Some(1)]);
    }

    #[test]
    fn what_is_too_large_is_not_followed() {
        let many = MOST_ELEMENTS + 1;
        assert!(Known::floats(vec![many], vec![0.0; many]).is_none());
        assert!(coordinates(&[usize::MAX, 2]).is_none());
    }

    #[test]
    fn elements_fit_their_type() {
        assert_eq!(list(&[300, 7]).fit(DType::U8).unwrap().dims().unwrap().first().unwrap().value(), None);
        let tenth = Known::floats(vec![1], vec![0.1]).unwrap();
        assert_eq!(tenth.clone().fit(DType::F32).unwrap().numbers(), Some(vec![f64::from(0.1f32)]));
        assert_eq!(tenth.fit(DType::F16).unwrap().numbers(), Some(vec![0.0999755859375]));
        assert!(list(&[1]).fit(DType::F32).is_none());
    }

    #[test]
    fn casting_to_float_and_back_truncates() {
        let half =
            list(&[7])
                .cast(DType::F32)
                .unwrap()
                .zip(&Known::floats(vec![], vec![2.0]).unwrap(), Dim::mul, |a, b| a / b);
        assert_eq!(half.unwrap().cast(DType::I64).unwrap().ints(), Some(vec![3]));
    }
}
