//! TensorFlow Lite's operators. Most cost what TensorFlow's do; those that store their weights in another way have their own
//! formula. A function that is applied to the result (`fused_activation_function`) is counted with its operator.

use super::Rule;
use super::elementwise::per_element;
use super::tf;
use crate::cost::count::{Seen, Work, product, size_attribute, sum, times, volume};
use crate::cost::weights::Use;
use crate::shapes::TFLITE_AS_TF;

/// Operators without arithmetic.
const FREE: &[&str] = &[
    "ASSIGN_VARIABLE",
    "BITCAST",
    "BROADCAST_ARGS",
    "CALL_ONCE",
    "CAST",
    "DENSIFY",
    "DYNAMIC_UPDATE_SLICE",
    "EMBEDDING_LOOKUP",
    "HASHTABLE",
    "HASHTABLE_FIND",
    "HASHTABLE_IMPORT",
    "HASHTABLE_LOOKUP",
    "HASHTABLE_SIZE",
    "IF",
    "IMAG",
    "MATRIX_DIAG",
    "READ_VARIABLE",
    "REAL",
    "SPARSE_TO_DENSE",
    "STABLEHLO_WHILE",
    "VAR_HANDLE",
    "WHILE",
];

/// TensorFlow's operator that means the same.
pub(super) fn same_as_tf(op: &str) -> Option<&'static str> {
    TFLITE_AS_TF.iter().find(|(own, _)| *own == op).map(|(_, name)| *name)
}

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    if FREE.contains(&op) {
        return Some(|_| Work::NONE);
    }
    Some(match op {
        "CONV_2D" => |seen| activated(seen, weighted(seen, convolved(seen, 1..4))),
        "DEPTHWISE_CONV_2D" => |seen| activated(seen, weighted(seen, convolved(seen, 1..3))),
        // The weights lie as window × inputs × outputs.
        "CONV_3D" => |seen| activated(seen, weighted(seen, convolved(seen, 0..4))),
        // Every element of the data is spread over the outputs × window of a filter.
        "TRANSPOSE_CONV" => |seen| activated(seen, spread(seen, 2, 1, 0..3, 3)),
        "CONV_3D_TRANSPOSE" => |seen| activated(seen, spread(seen, 2, 1, 0..4, 3)),
        "Convolution2DTransposeBias" => |seen| spread(seen, 0, 1, 0..3, 2),
        "FULLY_CONNECTED" => |seen| activated(seen, weighted(seen, product([seen.out_elements(), seen.size(1, 1)]))),
        "BATCH_MATMUL" => |seen| Work::macs(tf::product_of(seen, "adj_x")),
        "AVERAGE_POOL_2D" => |seen| activated(seen, Work::other(product([seen.out_elements(), window(seen)]))),
        "MAX_POOL_2D" => |seen| {
            let each = window(seen).map(|of| of.saturating_sub(1));
            activated(seen, Work::other(product([seen.out_elements(), each])))
        },
        // Square and sum, then a root.
        "L2_POOL_2D" => |seen| {
            let each = window(seen).and_then(|of| of.checked_mul(2)?.checked_add(1));
            activated(seen, Work::other(product([seen.out_elements(), each])))
        },
        "LSTM" | "UNIDIRECTIONAL_SEQUENCE_LSTM" => lstm,
        "BIDIRECTIONAL_SEQUENCE_LSTM" => |seen| {
            let rounds = rounds(seen);
            join(lstm_cell(seen, rounds, &FORWARD), lstm_cell(seen, rounds, &BACKWARD))
        },
        "RNN" | "UNIDIRECTIONAL_SEQUENCE_RNN" => |seen| rnn_cell(seen, rounds(seen), 1),
        "BIDIRECTIONAL_SEQUENCE_RNN" => |seen| join(rnn_cell(seen, rounds(seen), 1), rnn_cell(seen, rounds(seen), 5)),
        "UNIDIRECTIONAL_SEQUENCE_GRU" => gru,
        // A product with the features' weights and one with the memory of each filter; the rank is summed up.
        "SVDF" => |seen| {
            let batch = seen.size(0, 0);
            let macs = product([batch, sum([seen.elements(1), seen.elements(2)])]);
            let folded = product([batch, seen.size(1, 0)]);
            activated(seen, Work { macs, other: sum([folded, biased(seen, 3)]) })
        },
        "L2_NORMALIZATION" => |seen| activated(seen, Work::other(times(seen.elements(0), 3))),
        "PRELU" => |seen| each(seen, "PRelu"),
        "HARD_SWISH" => |seen| each(seen, "HardSwish"),
        "RELU_N1_TO_1" | "RELU_0_TO_1" => |seen| each(seen, "Clip"),
        // ÷ scale, + zero point, round, clamp.
        "QUANTIZE" => |seen| Work::other(times(seen.out_elements(), 5)),
        // − zero point, · scale; half precision is only widened.
        "DEQUANTIZE" => |seen| {
            let floats = seen.input(0).and_then(|of| of.dtype).is_some_and(|dtype| dtype.is_float());
            if floats { Work::NONE } else { Work::other(times(seen.out_elements(), 2)) }
        },
        "CONCATENATION" | "ADD" | "SUB" | "MUL" | "DIV" => |seen| {
            let own = match same_as_tf(&seen.node.op) {
                Some(name) => tf::aliased(name, seen),
                None => Work::NONE,
            };
            activated(seen, own)
        },
        "COMPLEX_ABS" => |seen| Work::other(times(seen.out_elements(), 4)),
        _ => match same_as_tf(op) {
            Some(name) => return same(name),
            None => return op.strip_prefix("Flex").and_then(same_flex),
        },
    })
}

/// The rule of TensorFlow's operator; where that looks itself up by its name it is given the name.
fn same(name: &str) -> Option<Rule> {
    if !tf::is_aliased(name) {
        return tf::find(name);
    }
    Some(|seen| same_as_tf(&seen.node.op).map_or(Work::UNKNOWN, |name| tf::aliased(name, seen)))
}

/// The rule of an operator that the runtime takes from TensorFlow as it is.
fn same_flex(name: &str) -> Option<Rule> {
    if !tf::is_aliased(name) {
        return tf::find(name);
    }
    Some(|seen| seen.node.op.strip_prefix("Flex").map_or(Work::UNKNOWN, |name| tf::aliased(name, seen)))
}

/// The operator's own work, and the function that it applies to its result.
fn activated(seen: &Seen<'_>, own: Work) -> Work {
    let each = match seen.node.text("fused_activation_function") {
        Some("RELU" | "SIGN_BIT") => per_element("Relu"),
        Some("RELU6" | "RELU_N1_TO_1") => per_element("Clip"),
        Some("TANH") => per_element("Tanh"),
        _ => Some(0),
    };
    let function = each.and_then(|each| times(seen.out_elements(), each));
    Work { other: sum([own.other, function]), ..own }
}

/// As ONNX's operator of this name, which treats each element alone.
fn each(seen: &Seen<'_>, onnx: &str) -> Work {
    Work::other(per_element(onnx).and_then(|each| times(seen.out_elements(), each)))
}

/// MACs, and an addition for each result where there is a bias in the third input.
fn weighted(seen: &Seen<'_>, macs: Option<u64>) -> Work {
    Work { macs, other: biased(seen, 2) }
}

fn biased(seen: &Seen<'_>, index: usize) -> Option<u64> {
    if seen.has(index) { seen.out_elements() } else { Some(0) }
}

/// Every result is a sum over these axes of the weights.
fn convolved(seen: &Seen<'_>, axes: std::ops::Range<usize>) -> Option<u64> {
    product([seen.out_elements(), volume(seen.sizes(1)?.get(axes)?)])
}

/// Every element of the data is multiplied with these axes of the weights.
fn spread(seen: &Seen<'_>, data: usize, weights: usize, axes: std::ops::Range<usize>, bias: usize) -> Work {
    let macs = || product([seen.elements(data), volume(seen.sizes(weights)?.get(axes.clone())?)]);
    Work { macs: macs(), other: biased(seen, bias) }
}

/// Elements of a pooling window.
fn window(seen: &Seen<'_>) -> Option<u64> {
    product([size_attribute(seen.node, "filter_height", 1), size_attribute(seen.node, "filter_width", 1)])
}

/// How often a recurrent cell runs: once for each row but the units of the input.
fn rounds(seen: &Seen<'_>) -> Option<u64> {
    volume(seen.sizes(0)?.split_last()?.1)
}

fn join(a: Work, b: Work) -> Work {
    Work { macs: sum([a.macs, b.macs]), other: sum([a.other, b.other]) }
}

/// Where an LSTM's weights stand among its inputs.
struct Places {
    /// Four from the input, four from the last output.
    products: std::ops::Range<usize>,
    /// From the cell into the gates.
    peepholes: std::ops::Range<usize>,
    projection: usize,
    norms: std::ops::Range<usize>,
}

const FORWARD: Places = Places { products: 1..9, peepholes: 9..12, projection: 16, norms: 20..24 };
const BACKWARD: Places = Places { products: 18..26, peepholes: 26..29, projection: 33, norms: 48..48 };

fn lstm(seen: &Seen<'_>) -> Work {
    // The basic kernel has all weights in one matrix, of gates × (input and state).
    if seen.node.int("kernel_type") == Some(1) {
        let batch = seen.size(0, 0);
        let units = seen.size(2, 0).map(|gates| gates / 4);
        return Work { macs: product([batch, seen.elements(2)]), other: times(product([batch, units]), tf::LSTM_CELL) };
    }
    lstm_cell(seen, rounds(seen), &FORWARD)
}

/// Products with the weights that are there (a coupled input gate has none), and the cell's other operations:
/// a product and a sum for each peephole, four for the moments of a norm and two for its scale in each gate.
fn lstm_cell(seen: &Seen<'_>, rounds: Option<u64>, places: &Places) -> Work {
    let there = |places: &std::ops::Range<usize>| places.clone().filter(|place| seen.has(*place)).count() as u64;
    let products = places.products.clone().filter(|place| seen.has(*place)).map(|place| seen.elements(place));
    let projection = if seen.has(places.projection) { seen.elements(places.projection) } else { Some(0) };
    let units = seen.size(places.products.start + 5, 0);
    let each = tf::LSTM_CELL + 2 * there(&places.peepholes) + 6 * there(&places.norms);
    Work { macs: product([rounds, sum(products.chain([projection]))]), other: times(product([rounds, units]), each) }
}

/// A product with the input, one with the state, both sums and the function.
fn rnn_cell(seen: &Seen<'_>, rounds: Option<u64>, weights: usize) -> Work {
    let macs = product([rounds, sum([seen.elements(weights), seen.elements(weights + 1)])]);
    let each = 2 + match seen.node.text("fused_activation_function") {
        Some("NONE") | None => 0,
        _ => 1,
    };
    Work { macs, other: times(product([rounds, seen.size(weights, 0)]), each) }
}

/// Gates' and candidate's weights are matrices over input and state together.
fn gru(seen: &Seen<'_>) -> Work {
    let rounds = rounds(seen);
    let macs = product([rounds, sum([seen.elements(2), seen.elements(4)])]);
    // Three biases, two gate activations, r·h, the candidate's activation, (1 − z)·h̃ + z·h.
    let each = 3 + 2 * 4 + 1 + 1 + 4;
    Work { macs, other: times(product([rounds, seen.size(4, 0)]), each) }
}

/// How a node uses the constant in one of its inputs.
pub(super) fn use_of(op: &str, index: usize) -> Option<Use> {
    Some(match (op, index) {
        ("CONV_2D" | "DEPTHWISE_CONV_2D" | "CONV_3D" | "FULLY_CONNECTED", 1 | 2) => Use::Weight,
        ("TRANSPOSE_CONV" | "CONV_3D_TRANSPOSE", 1 | 3) => Use::Weight,
        ("EMBEDDING_LOOKUP", 1) => Use::Weight,
        (
            "LSTM"
            | "UNIDIRECTIONAL_SEQUENCE_LSTM"
            | "BIDIRECTIONAL_SEQUENCE_LSTM"
            | "RNN"
            | "UNIDIRECTIONAL_SEQUENCE_RNN"
            | "BIDIRECTIONAL_SEQUENCE_RNN"
            | "SVDF",
            1..,
        ) => Use::Weight,
        ("DEQUANTIZE", 0) => Use::Dequantised,
        ("QUANTIZE" | "DENSIFY", 0) | ("CONCATENATION", _) => Use::Through,
        _ => return same_as_tf(op).and_then(|name| tf::use_of(name, index)),
    })
}
