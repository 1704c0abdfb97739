//! Names for the dimensions that TensorFlow's formats leave open on the inputs of a model: they only write -1.

use crate::model::{DType, DeclaredDim};

/// What is said of each dimension of an input, with a name for an open one that its place tells.
///
/// The first of several dimensions is the batch; of four with known channels at the end the middle ones are a picture's
/// height and width; the second of a table is a sequence of tokens or of a sound's samples, that of a table of rows frames.
pub(super) fn named(shape: &[Option<u64>], dtype: Option<DType>) -> Vec<DeclaredDim> {
    let rank = shape.len();
    let picture = rank == 4 && shape.last().is_some_and(Option::is_some);
    let tokens = rank == 2 && dtype.is_some_and(DType::is_integer);
    let name = |axis: usize| match axis {
        0 if rank > 1 => Some("batch"),
        1 if picture => Some("height"),
        2 if picture => Some("width"),
        1 if tokens => Some("sequence"),
        1 if rank == 2 => Some("samples"),
        1 if rank == 3 && shape.last().is_some_and(Option::is_some) => Some("frames"),
        _ => None,
    };
    let dim = |(axis, size): (usize, &Option<u64>)| match (size, name(axis)) {
        (Some(size), _) => DeclaredDim::Fixed(*size),
        (None, Some(name)) => DeclaredDim::Named(name.into()),
        (None, None) => DeclaredDim::Open,
    };
    shape.iter().enumerate().map(dim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_place_and_type() {
        let names = |shape: &[Option<u64>], dtype| {
            let dims = named(shape, Some(dtype));
            let text = |dim: &DeclaredDim| match dim {
                DeclaredDim::Fixed(size) => size.to_string(),
                DeclaredDim::Named(name) => name.to_string(),
                DeclaredDim::Open => "?".to_owned(),
            };
            dims.iter().map(text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&[None, None, None, Some(3)], DType::F32), "batch height width 3");
        assert_eq!(names(&[None, None, None, None], DType::F32), "batch ? ? ?");
        assert_eq!(names(&[None, None], DType::I32), "batch sequence");
        assert_eq!(names(&[None, None], DType::F32), "batch samples");
        assert_eq!(names(&[Some(1), None, Some(80)], DType::F32), "1 frames 80");
        assert_eq!(names(&[None], DType::F32), "?");
    }
}
