//! Windows that slide over space: convolutions, their transposes and pools.

use super::Rule;
use crate::model::{DType, Dim, Node};
use crate::shapes::call::{Call, Mismatch, Outcome, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv" => |call| {
            let dtype = call.dtype(0);
            convolve(call, 1, dtype)
        },
        "ConvInteger" => |call| convolve(call, 1, Some(DType::I32)),
        "QLinearConv" => |call| {
            let dtype = call.dtype(7).or(call.dtype(0));
            convolve(call, 3, dtype)
        },
        "DeformConv" => |call| {
            let dtype = call.dtype(0);
            convolve(call, 1, dtype)
        },
        "CausalConvWithState" => causal,
        "ConvTranspose" => transposed,
        "MaxPool" | "AveragePool" | "LpPool" => pool,
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => global_pool,
        "MaxUnpool" => unpool,
        "MaxRoiPool" => roi_pool,
        "Col2Im" => columns_to_image,
        _ => return None,
    })
}

/// How a window moves over the spatial dimensions.
pub(crate) struct Window {
    kernel: Vec<Dim>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
    auto: AutoPad,
    ceil: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum AutoPad {
    Given,
    Same,
    Valid,
}

impl Window {
    /// The window of a node over as many dimensions as its kernel has.
    pub fn of(node: &Node, kernel: Vec<Dim>) -> Result<Self, Mismatch> {
        let rank = kernel.len();
        let list = |name: &str, length: usize, default: i64| match node.ints(name) {
            None => Ok(vec![default; length]),
            Some(values) if values.len() == length => Ok(values.to_vec()),
            Some(values) => Err(Mismatch(format!("{name} has {} entries where {length} are needed", values.len()))),
        };
        let window = Self {
            strides: list("strides", rank, 1)?,
            dilations: list("dilations", rank, 1)?,
            pads: list("pads", rank * 2, 0)?,
            auto: match node.text("auto_pad") {
                Some("SAME_UPPER" | "SAME_LOWER") => AutoPad::Same,
                Some("VALID") => AutoPad::Valid,
                _ => AutoPad::Given,
            },
            ceil: node.int("ceil_mode").unwrap_or(0) != 0,
            kernel,
        };
        match window.strides.iter().chain(&window.dilations).all(|step| *step > 0) {
            true => Ok(window),
            false => Err(Mismatch("strides and dilations must be positive".to_owned())),
        }
    }

    /// Padding at the begin and at the end of an axis.
    fn pads(&self, axis: usize) -> (i64, i64) {
        let at = |place: usize| self.pads.get(place).copied().unwrap_or(0);
        (at(axis), at(axis + self.kernel.len()))
    }

    /// How far the kernel reaches on an axis: dilation × (kernel − 1) + 1.
    fn reach(&self, axis: usize) -> Dim {
        let kernel = self.kernel.get(axis).cloned().unwrap_or_default();
        let dilation = self.dilations.get(axis).copied().unwrap_or(1);
        kernel.sub(&Dim::known(1)).mul(&Dim::known(dilation)).add(&Dim::known(1))
    }

    fn stride(&self, axis: usize) -> Dim {
        Dim::known(self.strides.get(axis).copied().unwrap_or(1))
    }

    /// Positions of the window along an input dimension.
    fn positions(&self, axis: usize, input: &Dim) -> Result<Dim, Mismatch> {
        let stride = self.stride(axis);
        if self.auto == AutoPad::Same {
            return Ok(input.ceil_div(&stride));
        }
        let (begin, end) = if self.auto == AutoPad::Valid { (0, 0) } else { self.pads(axis) };
        let padded = input.add(&Dim::known(begin)).add(&Dim::known(end));
        let room = padded.sub(&self.reach(axis));
        let steps = if self.ceil { room.ceil_div(&stride) } else { room.floor_div(&stride) };
        if steps.value().is_some_and(|steps| steps < 0) {
            return Err(Mismatch(format!("a window of {} does not fit into {padded}", self.reach(axis))));
        }
        let positions = steps.add(&Dim::known(1));
        // Rounded up, the last window may begin behind the input, in the padding at the end: then it does not count.
        let last = steps.mul(&stride);
        let limit = input.add(&Dim::known(begin));
        let outside = matches!((last.value(), limit.value()), (Some(last), Some(limit)) if last >= limit);
        Ok(if self.ceil && outside { steps } else { positions })
    }
}

/// Batch, channels and spatial dimensions of an input.
fn split(shape: &[Dim]) -> Result<(&Dim, &Dim, &[Dim]), Mismatch> {
    match shape {
        [batch, channels, space @ ..] => Ok((batch, channels, space)),
        _ => Err(Mismatch(format!("{} has no batch and channels", show(shape)))),
    }
}

fn convolve(call: &mut Call<'_, '_>, weight: usize, dtype: Option<DType>) -> Outcome {
    let (Some(input), Some(weight)) = (call.shape(0), call.shape(weight)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let (batch, channels, space) = split(&input)?;
    let (filters, per_group, kernel) = split(&weight)?;
    if kernel.len() != space.len() {
        return Err(Mismatch(format!("a kernel of {} does not fit {}", show(&weight), show(&input))));
    }
    let groups = Dim::known(call.node.int("group").unwrap_or(1));
    let wanted = per_group.mul(&groups);
    if matches!((wanted.value(), channels.value()), (Some(wanted), Some(channels)) if wanted != channels) {
        return Err(Mismatch(format!("the weights want {wanted} channels, the input has {channels}")));
    }
    let window = Window::of(call.node, kernel.to_vec())?;
    let mut shape = vec![batch.clone(), filters.clone()];
    for (axis, input) in space.iter().enumerate() {
        shape.push(window.positions(axis, input)?);
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn causal(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, shape) = (call.dtype(0), call.shape(0));
    let state = match (shape.as_deref(), call.shape(1).as_deref()) {
        (Some([batch, channels, _]), Some([_, _, kernel])) => {
            Some(vec![batch.clone(), channels.clone(), kernel.sub(&Dim::known(1))])
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    call.set_tensor(1, dtype, state);
    Ok(())
}

fn transposed(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(input), Some(weight)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let (batch, _, space) = split(&input)?;
    let (_, per_group, kernel) = split(&weight)?;
    if kernel.len() != space.len() {
        return Err(Mismatch(format!("a kernel of {} does not fit {}", show(&weight), show(&input))));
    }
    let groups = Dim::known(call.node.int("group").unwrap_or(1));
    let window = Window::of(call.node, kernel.to_vec())?;
    let extra = call.node.ints("output_padding").unwrap_or_default();
    // Some exporters repeat batch and channels in front.
    let given = call.node.ints("output_shape").unwrap_or_default();
    let given = given.get(given.len().saturating_sub(space.len())..).unwrap_or_default();
    let mut shape = vec![batch.clone(), per_group.mul(&groups)];
    for (axis, input) in space.iter().enumerate() {
        let stride = window.stride(axis);
        let (begin, end) = if window.auto == AutoPad::Valid { (0, 0) } else { window.pads(axis) };
        let extra = Dim::known(extra.get(axis).copied().unwrap_or(0));
        shape.push(match (given.get(axis), window.auto) {
            (Some(size), _) => Dim::known(*size),
            (None, AutoPad::Same) => input.mul(&stride),
            (None, _) => {
                let full = input.sub(&Dim::known(1)).mul(&stride).add(&window.reach(axis)).add(&extra);
                full.sub(&Dim::known(begin)).sub(&Dim::known(end))
            }
        });
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn pool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let mut shape = None;
    if let Some(input) = call.shape(0) {
        let (batch, channels, space) = split(&input)?;
        let kernel = call.node.ints("kernel_shape").unwrap_or_default();
        if kernel.len() != space.len() {
            return Err(Mismatch(format!("a window of {} dimensions does not fit {}", kernel.len(), show(&input))));
        }
        let window = Window::of(call.node, kernel.iter().map(|size| Dim::known(*size)).collect())?;
        let mut output = vec![batch.clone(), channels.clone()];
        for (axis, input) in space.iter().enumerate() {
            output.push(window.positions(axis, input)?);
        }
        shape = Some(output);
    }
    call.set_tensor(0, dtype, shape.clone());
    call.set_tensor(1, Some(DType::I64), shape);
    Ok(())
}

fn global_pool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match call.shape(0) {
        Some(input) => {
            let (batch, channels, space) = split(&input)?;
            Some([vec![batch.clone(), channels.clone()], vec![Dim::known(1); space.len()]].concat())
        }
        None => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn unpool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    if call.has(2) {
        let shape = call.dims(2);
        call.set_tensor(0, dtype, shape);
        return Ok(());
    }
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let (batch, channels, space) = split(&input)?;
    let kernel = call.node.ints("kernel_shape").unwrap_or_default();
    let window = Window::of(call.node, kernel.iter().map(|size| Dim::known(*size)).collect())?;
    let mut shape = vec![batch.clone(), channels.clone()];
    for (axis, input) in space.iter().enumerate() {
        let (begin, end) = window.pads(axis);
        let full = input.sub(&Dim::known(1)).mul(&window.stride(axis)).add(&window.reach(axis));
        shape.push(full.sub(&Dim::known(begin)).sub(&Dim::known(end)));
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn roi_pool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let pooled = call.node.ints("pooled_shape").unwrap_or_default().iter().map(|size| Dim::known(*size));
    let regions = call.shape(1).and_then(|shape| shape.first().cloned()).unwrap_or_default();
    let channels = call.shape(0).and_then(|shape| shape.get(1).cloned()).unwrap_or_default();
    let shape = [regions, channels].into_iter().chain(pooled).collect();
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn columns_to_image(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (image, block) = (call.dims(1), call.dims(2));
    let shape = match (call.shape(0).as_deref(), image, block) {
        (Some([batch, columns, ..]), Some(image), Some(block)) => {
            let per_channel = block.iter().fold(Dim::known(1), |product, size| product.mul(size));
            Some([vec![batch.clone(), columns.floor_div(&per_channel)], image].concat())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Attribute;

    fn node(attributes: &[(&str, Attribute)]) -> Node {
        let attributes = attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        Node { attributes, ..Node::default() }
    }

    fn positions(node: &Node, kernel: i64, input: i64) -> Option<i64> {
        Window::of(node, vec![Dim::known(kernel)]).unwrap().positions(0, &Dim::known(input)).unwrap().value()
    }

    #[test]
    fn a_strided_padded_window() {
        let stem = node(&[("strides", Attribute::Ints(vec![2])), ("pads", Attribute::Ints(vec![3, 3]))]);
        assert_eq!(positions(&stem, 7, 224), Some(112));
    }

    #[test]
    fn rounding_up_drops_a_window_that_begins_in_the_padding() {
        let pool = node(&[
            ("strides", Attribute::Ints(vec![2])),
            ("pads", Attribute::Ints(vec![0, 1])),
            ("ceil_mode", Attribute::Int(1)),
        ]);
        // Windows begin at 0 and 2; a third would begin at 4, outside the input of 4.
        assert_eq!(positions(&pool, 1, 4), Some(2));
    }

    #[test]
    fn same_padding_depends_on_the_stride_only() {
        let same = node(&[("auto_pad", Attribute::Text("SAME_UPPER".into())), ("strides", Attribute::Ints(vec![2]))]);
        assert_eq!(positions(&same, 3, 225), Some(113));
    }

    #[test]
    fn a_window_larger_than_its_input_is_refused() {
        let window = Window::of(&Node::default(), vec![Dim::known(5)]).unwrap();
        assert!(window.positions(0, &Dim::known(3)).is_err());
        assert!(Window::of(&node(&[("strides", Attribute::Ints(vec![0]))]), vec![Dim::known(5)]).is_err());
        assert!(Window::of(&node(&[("strides", Attribute::Ints(vec![1, 1]))]), vec![Dim::known(5)]).is_err());
    }
}
