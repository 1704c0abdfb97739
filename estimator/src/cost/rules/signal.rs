//! Signals and pictures: Fourier transforms, windows, resizing, sampling, losses.

use super::Rule;
use super::normalisation::{SOFTMAX, log2};
use crate::cost::count::{Seen, Work, axis, product, sum, times};
use crate::model::Contents;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "DFT" => |seen| Work::other(fourier(seen)),
        "STFT" => |seen| Work::other(short_time_fourier(seen)),
        // Angle, cosine, product, difference.
        "HannWindow" | "HammingWindow" => |seen| Work::other(times(seen.out_elements(), 4)),
        // Two angles with cosine and product, difference and sum.
        "BlackmanWindow" => |seen| Work::other(times(seen.out_elements(), 8)),
        // Each filter's rising and falling slope: two differences, two quotients, two comparisons.
        "MelWeightMatrix" => |seen| Work::other(times(seen.out_elements(), 6)),
        "Resize" | "Upsample" => |seen| Work::other(resize(seen)),
        "GridSample" => |seen| Work::other(grid_sample(seen)),
        // A row of the matrix times the point: as many products as the row is long, and sums between them.
        "AffineGrid" => |seen| {
            let row = seen.size_from_back(0, 0).map(|row| (2 * row).saturating_sub(1));
            Work::other(product([seen.out_elements(), row]))
        },
        // Elimination takes about n³/3 products with a difference each.
        "Det" => |seen| {
            let side = seen.size_from_back(0, 0);
            Work::other(product([seen.elements(0), side]).map(|cubes| cubes.saturating_mul(2) / 3))
        },
        // Softmax and the logarithm of each score; the weight and the sum of each target.
        "SoftmaxCrossEntropyLoss" => {
            |seen| Work::other(sum([times(seen.elements(0), SOFTMAX + 1), times(seen.elements(1), 2)]))
        }
        "NegativeLogLikelihoodLoss" => |seen| Work::other(times(seen.elements(1), 2)),
        // exp and running sum of each weight; a search through them for each draw.
        "Multinomial" => |seen| {
            let search = seen.size_from_back(0, 0).map(log2);
            Work::other(sum([times(seen.elements(0), 2), product([seen.out_elements(), search])]))
        },
        _ => return None,
    })
}

/// Operations of a fast Fourier transform of `length` points: 5·n·log₂ n for complex ones, half of it for real ones,
/// the convention of FFTW's benchmarks (<https://www.fftw.org/speed/method.html>). The logarithm is rounded up.
pub(super) fn fast_fourier(length: u64, is_real: bool) -> Option<u64> {
    let complex = product([Some(5), Some(length), Some(log2(length))])?;
    Some(if is_real { complex.div_ceil(2) } else { complex })
}

/// One transform for each row along the axis; the last dimension is 1 for real numbers and 2 for complex ones.
fn fourier(seen: &Seen<'_>) -> Option<u64> {
    let sizes = seen.sizes(0)?;
    let parts = *sizes.last()?;
    let along = match seen.node.opset {
        ..20 => seen.node.int("axis").unwrap_or(1),
        _ if seen.has(2) => integer(seen, 2)?,
        _ => -2,
    };
    let length = *sizes.get(axis(along, sizes.len())?)?;
    let transforms = product(sizes.iter().map(|size| Some(*size)))?.checked_div(length.checked_mul(parts)?)?;
    // The asked length is the one of the output too, but for the half of a real transform that is left out.
    let asked = match seen.has(1) {
        true => integer(seen, 1).and_then(|length| u64::try_from(length).ok()),
        false => Some(length),
    };
    product([Some(transforms), fast_fourier(asked?, parts == 1)])
}

fn integer(seen: &Seen<'_>, index: usize) -> Option<i64> {
    match seen.contents(index)? {
        Contents::Integers(items) => items.first().copied(),
        _ => None,
    }
}

/// A product with the window and a transform for each frame. The window's length, or the one given, is the frame's.
fn short_time_fourier(seen: &Seen<'_>) -> Option<u64> {
    let out = seen.out_sizes(0)?;
    let frames = product([out.first().copied(), out.get(1).copied()]);
    let length = match (seen.has(2), seen.has(3)) {
        (true, _) => seen.elements(2)?,
        (false, true) => u64::try_from(integer(seen, 3)?).ok()?,
        (false, false) => return None,
    };
    let is_real = seen.rank(0)? < 3 || seen.size_from_back(0, 0)? == 1;
    let window = if seen.has(2) { Some(length) } else { Some(0) };
    product([frames, sum([window, fast_fourier(length, is_real)])])
}

/// A value from so many neighbours: their weighted sum.
fn weighted_sum(neighbours: Option<u64>) -> Option<u64> {
    neighbours?.checked_mul(2)?.checked_sub(1)
}

/// Nearest: nothing. Linear: 2 neighbours along each resized axis. Cubic: 4.
fn resize(seen: &Seen<'_>) -> Option<u64> {
    let neighbours: u64 = match seen.node.text("mode").unwrap_or("nearest") {
        "linear" | "bilinear" => 2,
        "cubic" => 4,
        _ => return Some(0),
    };
    let (from, to) = (seen.sizes(0)?, seen.out_sizes(0)?);
    let axes = from.iter().zip(&to).filter(|(from, to)| from != to).count();
    if axes == 0 {
        return Some(0);
    }
    product([seen.out_elements(), weighted_sum(neighbours.checked_pow(u32::try_from(axes).ok()?))])
}

/// As resizing, along every axis of the grid; the point is scaled once for all channels.
fn grid_sample(seen: &Seen<'_>) -> Option<u64> {
    let axes = u32::try_from(seen.size_from_back(1, 0)?).ok()?;
    let each = match seen.node.text("mode").unwrap_or("linear") {
        "nearest" => 0,
        "cubic" | "bicubic" => weighted_sum(4u64.checked_pow(axes))?,
        _ => weighted_sum(2u64.checked_pow(axes))?,
    };
    sum([times(seen.out_elements(), each), times(seen.elements(1), 2)])
}
