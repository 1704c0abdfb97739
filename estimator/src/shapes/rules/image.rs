//! Pictures: resizing, sampling on grids, regions of interest.

use super::Rule;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, axis, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Resize" => resize,
        "Upsample" => upsample,
        "GridSample" => grid_sample,
        "AffineGrid" => affine_grid,
        "RoiAlign" => roi_align,
        "NonMaxSuppression" => non_max_suppression,
        "ImageDecoder" => image_decoder,
        _ => return None,
    })
}

/// A dimension scaled and rounded down, as `Resize` and `Upsample` do.
fn scaled(dim: &Dim, scale: f64) -> Dim {
    if scale.fract() == 0.0 && (1.0..1e9).contains(&scale) {
        return dim.mul(&Dim::known(scale as i64));
    }
    let inverse = 1.0 / scale;
    if inverse.fract() == 0.0 && (1.0..1e9).contains(&inverse) {
        return dim.floor_div(&Dim::known(inverse as i64));
    }
    dim.apply(&Dim::known(0), |size, _| {
        // In the scales' own precision, as runtimes do: 7 × 13/7 is then 13 again.
        let product = (size as f32 * scale as f32).floor();
        (0.0..1e15).contains(&product).then_some(product as i64)
    })
}

fn resize(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    // Version 10 has no region input.
    let (scales_at, sizes_at) = if call.node.opset < 11 { (1, usize::MAX) } else { (2, 3) };
    let axes = match call.node.ints("axes") {
        Some(axes) => axes.iter().map(|place| axis(*place, input.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..input.len()).collect(),
    };
    let mut shape = input.clone();
    // An empty `scales` beside `sizes` counts as absent.
    let sizes = call.has(sizes_at).then(|| call.dims(sizes_at)).flatten().filter(|sizes| !sizes.is_empty());
    let scales = call.known(scales_at).and_then(|known| known.numbers()).filter(|scales| !scales.is_empty());
    let wants_sizes = call.has(sizes_at);
    let length = sizes.as_ref().map(Vec::len).or(scales.as_ref().map(Vec::len));
    if length.is_some_and(|length| length != axes.len()) {
        let why = format!("{} factors or sizes for {} axes of {}", length.unwrap_or(0), axes.len(), show(&input));
        return Err(Mismatch(why));
    }
    match (sizes, scales) {
        (Some(sizes), _) => {
            let kept = ratio_kept(call.node.text("keep_aspect_ratio_policy"), &sizes, &axes, &input);
            for (place, size) in axes.iter().zip(kept.unwrap_or(sizes)) {
                if let Some(slot) = shape.get_mut(*place) {
                    *slot = size;
                }
            }
        }
        (None, Some(scales)) if !wants_sizes => {
            for (place, scale) in axes.iter().zip(scales) {
                if let Some(slot) = shape.get_mut(*place) {
                    *slot = scaled(slot, scale);
                }
            }
        }
        _ => {
            for place in &axes {
                if let Some(slot) = shape.get_mut(*place) {
                    *slot = Dim::UNKNOWN;
                }
            }
        }
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// The sizes when the aspect ratio is kept: one scale for all axes, the results rounded half up.
fn ratio_kept(policy: Option<&str>, sizes: &[Dim], axes: &[usize], input: &[Dim]) -> Option<Vec<Dim>> {
    let larger = match policy? {
        "not_larger" => false,
        "not_smaller" => true,
        _ => return None,
    };
    let dims: Vec<&Dim> = axes.iter().filter_map(|place| input.get(*place)).collect();
    let scales = sizes.iter().zip(&dims).map(|(size, dim)| Some(size.value()? as f64 / dim.value()? as f64));
    let scales = scales.collect::<Option<Vec<f64>>>()?;
    let pick = if larger { f64::max } else { f64::min };
    let scale = scales.into_iter().reduce(pick)?;
    dims.iter().map(|dim| Some(Dim::known((dim.value()? as f64 * scale + 0.5).floor() as i64))).collect()
}

fn upsample(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let scales = match call.node.floats("scales") {
        Some(scales) => Some(scales.to_vec()),
        None => call.known(1).and_then(|known| known.numbers()),
    };
    let shape = call.shape(0).map(|input| match &scales {
        Some(scales) => input.iter().zip(scales).map(|(dim, scale)| scaled(dim, *scale)).collect(),
        None => vec![Dim::UNKNOWN; input.len()],
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn grid_sample(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match (call.shape(0).as_deref(), call.shape(1).as_deref()) {
        (Some([batch, channels, ..]), Some([_, space @ .., _])) => {
            Some([vec![batch.clone(), channels.clone()], space.to_vec()].concat())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// `size` is batch, channels, space; the grid has one coordinate per spatial dimension.
fn affine_grid(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match call.dims(1).as_deref() {
        Some([batch, _, space @ ..]) => {
            Some([vec![batch.clone()], space.to_vec(), vec![Dim::from_len(space.len())]].concat())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn roi_align(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let size = |name: &str| Dim::known(call.node.int(name).unwrap_or(1));
    let regions = call.shape(1).and_then(|shape| shape.first().cloned()).unwrap_or_default();
    let channels = call.shape(0).and_then(|shape| shape.get(1).cloned()).unwrap_or_default();
    let shape = vec![regions, channels, size("output_height"), size("output_width")];
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// How many boxes remain depends on the data; at most the given number per class and picture.
fn non_max_suppression(call: &mut Call<'_, '_>) -> Outcome {
    let size = |shape: Option<Vec<Dim>>, place: usize| shape.and_then(|shape| shape.get(place)?.size()).unwrap_or(1);
    let most = call.ints(2).and_then(|most| u64::try_from(*most.first()?).ok()).unwrap_or(0);
    let boxes = size(call.shape(0), 1);
    let pictures = size(call.shape(1), 0);
    let classes = size(call.shape(1), 1);
    let bound = most.min(boxes).saturating_mul(pictures).saturating_mul(classes);
    let count = match call.has(2) {
        true => call.data_dim("selected", bound),
        // Without a limit nothing is selected, says the standard.
        false => Dim::known(0),
    };
    call.set_tensor(0, Some(DType::I64), Some(vec![count, Dim::known(3)]));
    Ok(())
}

/// Height and width stand in the encoded picture, which is data; the pixel format says how many channels come out.
fn image_decoder(call: &mut Call<'_, '_>) -> Outcome {
    let channels = if call.node.text("pixel_format") == Some("Grayscale") { 1 } else { 3 };
    let (height, width) = (call.data_dim("height", USUAL_SIDE), call.data_dim("width", USUAL_SIDE));
    call.set_tensor(0, Some(DType::U8), Some(vec![height, width, Dim::known(channels)]));
    Ok(())
}

/// Side of a picture whose size only the data tells: what image classifiers mostly take.
const USUAL_SIDE: u64 = 224;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_rounds_down_and_keeps_names_where_it_can() {
        let height = Dim::symbol("height", 225);
        assert_eq!(scaled(&height, 2.0).to_string(), "2·height");
        assert_eq!(scaled(&height, 0.5).to_string(), "⌊height/2⌋");
        assert_eq!(scaled(&height, 1.3).value(), Some(292));
        assert_eq!(scaled(&Dim::known(7), f64::from(13.0f32 / 7.0)).value(), Some(13));
        assert_eq!(scaled(&height, f64::NAN).value(), None);
        assert_eq!(scaled(&height, 0.0).value(), Some(0));
    }

    #[test]
    fn a_kept_aspect_ratio_uses_one_scale() {
        let (sizes, input) = ([Dim::known(7), Dim::known(8)], [Dim::known(2), Dim::known(4)]);
        let sizes_of = |policy| ratio_kept(Some(policy), &sizes, &[0, 1], &input).unwrap();
        assert_eq!(show(&sizes_of("not_larger")), "4 × 8");
        assert_eq!(show(&sizes_of("not_smaller")), "7 × 14");
    }
}
