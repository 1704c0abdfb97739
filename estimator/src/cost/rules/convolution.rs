//! Convolutions and pooling windows.

use super::Rule;
use super::elementwise::per_element;
use crate::cost::count::{Seen, Work, product, sum, times, volume};

/// Operations of interpolating one value from four neighbours: four products and three additions.
const BILINEAR: u64 = 7;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv" => |seen| with_bias(seen, convolved(seen, 1), seen.has(2)),
        "ConvTranspose" => |seen| with_bias(seen, transposed(seen, 0, 1), seen.has(2)),
        "DeformConv" => deformable,
        "MaxPool" => |seen| Work::other(window(seen).and_then(|of| times(seen.out_elements(), of.saturating_sub(1)))),
        "AveragePool" => |seen| Work::other(product([seen.out_elements(), window(seen)])),
        "LpPool" => |seen| Work::other(times(product([seen.out_elements(), window(seen)]), 2)),
        // The sum of all and one division.
        "GlobalAveragePool" => |seen| Work::other(seen.elements(0)),
        "GlobalMaxPool" => |seen| Work::other(minus(seen.elements(0), seen.out_elements())),
        "GlobalLpPool" => |seen| Work::other(times(seen.elements(0), 2)),
        "CausalConvWithState" => causal,
        "RoiAlign" => roi_align,
        // Every column element is added to the picture.
        "Col2Im" => |seen| Work::other(seen.elements(0)),
        _ => return None,
    })
}

/// Every output element is a sum over one filter: its weights have the shape outputs × inputs of the group × window.
/// `weights` is the place of the filters among the inputs.
pub(super) fn convolved(seen: &Seen<'_>, weights: usize) -> Option<u64> {
    let filters = seen.sizes(weights)?;
    product([seen.out_elements(), volume(filters.get(1..)?)])
}

/// Every input element is spread over one filter: the weights have the shape inputs × outputs of the group × window.
/// What falls on the padding is counted too, as torch's FLOP counter does.
pub(super) fn transposed(seen: &Seen<'_>, data: usize, weights: usize) -> Option<u64> {
    let filters = seen.sizes(weights)?;
    product([seen.elements(data), volume(filters.get(1..)?)])
}

/// MACs and one addition per output element for a bias.
pub(super) fn with_bias(seen: &Seen<'_>, macs: Option<u64>, bias: bool) -> Work {
    Work { macs, other: if bias { seen.out_elements() } else { Some(0) } }
}

/// As `Conv`, after interpolating every sample (and weighting it by the mask).
fn deformable(seen: &Seen<'_>) -> Work {
    let samples = || {
        let (filters, out) = (seen.sizes(1)?, seen.out_sizes(0)?);
        let groups = u64::try_from(seen.node.int("group").unwrap_or(1)).ok()?;
        let channels = filters.get(1)?.checked_mul(groups)?;
        product([out.first().copied(), Some(channels), volume(out.get(2..)?), volume(filters.get(2..)?)])
    };
    let interpolation = times(samples(), BILINEAR + u64::from(seen.has(4)));
    let bias = if seen.has(3) { seen.out_elements() } else { Some(0) };
    Work { macs: convolved(seen, 1), other: sum([interpolation, bias]) }
}

/// A depthwise convolution along time, the bias and the activation (`x·sigmoid(x)`).
pub(super) fn causal(seen: &Seen<'_>) -> Work {
    let silu = matches!(seen.node.text("activation"), Some("silu" | "swish"));
    let each = u64::from(seen.has(2)) + if silu { per_element("Swish").unwrap_or(0) } else { 0 };
    Work { macs: convolved(seen, 1), other: times(seen.out_elements(), each) }
}

/// Elements of a pooling window.
pub(super) fn window(seen: &Seen<'_>) -> Option<u64> {
    let sides = seen.node.ints("kernel_shape")?;
    product(sides.iter().map(|side| u64::try_from(*side).ok()))
}

/// Samples of each bin, interpolated and averaged. A sampling ratio of 0 depends on the data: two are assumed,
/// which is what the operator's authors use.
fn roi_align(seen: &Seen<'_>) -> Work {
    let ratio = match seen.node.int("sampling_ratio").unwrap_or(0) {
        0 => Some(2),
        ratio => u64::try_from(ratio).ok(),
    };
    Work::other(times(product([seen.out_elements(), ratio, ratio]), BILINEAR + 1))
}

/// The difference; `None` where a side is unknown, 0 where it would be negative.
pub(super) fn minus(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    Some(a?.saturating_sub(b?))
}
