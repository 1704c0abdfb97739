//! Matrix products: `MatMul`, `Gemm`, `Einsum` and their integer forms.

use super::Rule;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, broadcast, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "MatMul" => |call| {
            let dtype = call.dtype(0).or(call.dtype(1));
            set_product(call, 0, 1, dtype)
        },
        "MatMulInteger" => |call| set_product(call, 0, 1, Some(DType::I32)),
        "QLinearMatMul" => |call| {
            let dtype = call.dtype(7).or(call.dtype(0));
            set_product(call, 0, 3, dtype)
        },
        "Gemm" => gemm,
        "Einsum" => einsum,
        "Det" => det,
        _ => return None,
    })
}

/// Sets the first output to the product of two inputs, as NumPy's `matmul` multiplies.
fn set_product(call: &mut Call<'_, '_>, left: usize, right: usize, dtype: Option<DType>) -> Outcome {
    if !call.has(left) || !call.has(right) {
        return Err(Mismatch("an input is missing".to_owned()));
    }
    let shape = match (call.shape(left), call.shape(right)) {
        (Some(a), Some(b)) => Some(matmul(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The shape of a matrix product with broadcast batch dimensions; vectors count as a row on the left, a column on the right.
pub(super) fn matmul(a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, Mismatch> {
    let mismatch = || Mismatch(format!("{} and {} cannot be multiplied", show(a), show(b)));
    let (batch_a, rows, inner_a) = match a {
        [] => return Err(mismatch()),
        [inner] => (&[][..], None, inner),
        [batch @ .., rows, inner] => (batch, Some(rows), inner),
    };
    let (batch_b, inner_b, columns) = match b {
        [] => return Err(mismatch()),
        [inner] => (&[][..], inner, None),
        [batch @ .., inner, columns] => (batch, inner, Some(columns)),
    };
    agree(inner_a, inner_b).ok_or_else(mismatch)?;
    let mut shape = broadcast(batch_a, batch_b)?;
    shape.extend(rows.cloned());
    shape.extend(columns.cloned());
    Ok(shape)
}

/// Whether two dimensions can be the same; unknown ones can.
fn agree(a: &Dim, b: &Dim) -> Option<()> {
    match (a.value(), b.value()) {
        (Some(a), Some(b)) if a != b => None,
        _ => Some(()),
    }
}

fn gemm(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0).or(call.dtype(1));
    let side = |shape: Option<Vec<Dim>>, transposed: bool| match shape.as_deref() {
        Some([rows, columns]) => {
            Some(if transposed { (columns.clone(), rows.clone()) } else { (rows.clone(), columns.clone()) })
        }
        _ => None,
    };
    let is_set = |name: &str| call.node.int(name).unwrap_or(0) != 0;
    let (a, b) = (side(call.shape(0), is_set("transA")), side(call.shape(1), is_set("transB")));
    if let (Some((_, inner_a)), Some((inner_b, _))) = (&a, &b) {
        let why = || Mismatch(format!("inner dimensions {inner_a} and {inner_b} differ"));
        agree(inner_a, inner_b).ok_or_else(why)?;
    }
    let rows = a.map(|(rows, _)| rows).unwrap_or_default();
    let columns = b.map(|(_, columns)| columns).unwrap_or_default();
    call.set_tensor(0, dtype, Some(vec![rows, columns]));
    Ok(())
}

fn det(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        shape.truncate(shape.len().saturating_sub(2));
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// An `Einsum` equation against the shapes of its operands.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Contraction {
    /// Each operand's labels; `None` stands for a broadcast dimension of the ellipsis, counted from the right.
    pub operands: Vec<Vec<Label>>,
    /// The result's labels.
    pub result: Vec<Label>,
    /// The size of each label.
    pub sizes: Vec<(Label, Dim)>,
}

/// A label of an `Einsum` dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    /// A dimension of the ellipsis, counted from its right end.
    Ellipsis(usize),
    /// A letter.
    Letter(char),
}

/// Reads an `Einsum` equation for operands of these shapes.
pub(crate) fn contraction(equation: &str, shapes: &[Vec<Dim>]) -> Result<Contraction, Mismatch> {
    let equation: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != shapes.len() {
        return Err(Mismatch(format!("the equation has {} operands, the node {}", terms.len(), shapes.len())));
    }
    let mut parsed = Contraction::default();
    let mut widest = 0;
    for (term, shape) in terms.iter().zip(shapes) {
        let letters = term.replace("...", "").chars().count();
        let missing = shape.len().checked_sub(letters);
        let ellipsis = match (term.contains("..."), missing) {
            (true, Some(missing)) => missing,
            (false, Some(0)) => 0,
            _ => return Err(Mismatch(format!("'{term}' does not fit {}", show(shape)))),
        };
        widest = widest.max(ellipsis);
        let labels = labels(term, ellipsis)?;
        for (label, dim) in labels.iter().zip(shape) {
            match parsed.sizes.iter_mut().find(|(known, _)| known == label) {
                None => parsed.sizes.push((*label, dim.clone())),
                Some((_, size)) if size.is(1) || size.value().is_none() => *size = dim.clone(),
                Some((_, size)) => {
                    if !dim.is(1) {
                        let why = || Mismatch(format!("'{term}' gives one label two sizes, {size} and {dim}"));
                        agree(size, dim).ok_or_else(why)?;
                    }
                }
            }
        }
        parsed.operands.push(labels);
    }
    parsed.result = match right {
        Some(right) => labels(right, widest)?,
        None => {
            // Without an arrow: the ellipsis, then every letter that stands once, in alphabetical order.
            let mut letters: Vec<char> = left.chars().filter(|letter| letter.is_alphabetic()).collect();
            letters.sort_unstable();
            let once = |letter: &&char| letters.iter().filter(|other| other == letter).count() == 1;
            let ellipsis = (0..widest).rev().map(Label::Ellipsis);
            ellipsis.chain(letters.iter().filter(once).map(|letter| Label::Letter(*letter))).collect()
        }
    };
    Ok(parsed)
}

fn labels(term: &str, ellipsis: usize) -> Result<Vec<Label>, Mismatch> {
    let mut labels = Vec::new();
    let mut rest = term;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            labels.extend((0..ellipsis).rev().map(Label::Ellipsis));
            rest = after;
        } else if letter.is_alphabetic() {
            labels.push(Label::Letter(letter));
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        } else {
            return Err(Mismatch(format!("'{letter}' is not a label")));
        }
    }
    Ok(labels)
}

fn einsum(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shapes: Option<Vec<_>> = (0..call.node.inputs.len()).map(|index| call.shape(index)).collect();
    let equation = call.node.text("equation").unwrap_or_default();
    let Some(shapes) = shapes else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let parsed = contraction(equation, &shapes)?;
    let size = |label: &Label| {
        let found = parsed.sizes.iter().find(|(known, _)| known == label);
        found
            .map(|(_, size)| size.clone())
            .ok_or_else(|| Mismatch("the result has a label that no operand has".to_owned()))
    };
    let shape = parsed.result.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(sizes: &[i64]) -> Vec<Dim> {
        sizes.iter().map(|size| Dim::known(*size)).collect()
    }

    #[test]
    fn products_broadcast_their_batch() {
        assert_eq!(show(&matmul(&dims(&[8, 1, 5, 3]), &dims(&[12, 3, 7])).unwrap()), "8 × 12 × 5 × 7");
        assert_eq!(show(&matmul(&dims(&[3]), &dims(&[3, 7])).unwrap()), "7");
        assert_eq!(show(&matmul(&dims(&[5, 3]), &dims(&[3])).unwrap()), "5");
        assert!(matmul(&dims(&[5, 3]), &dims(&[4, 7])).is_err());
    }

    #[test]
    fn an_equation_without_an_arrow_sorts_its_letters() {
        let parsed = contraction("ba,...b", &[dims(&[2, 3]), dims(&[4, 2])]).unwrap();
        assert_eq!(parsed.result, [Label::Ellipsis(0), Label::Letter('a')]);
    }

    #[test]
    fn a_label_with_two_sizes_is_refused() {
        assert!(contraction("ij,jk->ik", &[dims(&[2, 3]), dims(&[4, 2])]).is_err());
        assert!(contraction("ij->i", &[dims(&[2, 3, 4])]).is_err());
        assert!(contraction("i$->i", &[dims(&[2, 3])]).is_err());
    }
}
