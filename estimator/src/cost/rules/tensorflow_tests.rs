//! TensorFlow's and TensorFlow Lite's formulas against numbers worked out by hand, and against ONNX's where these are the same.

use super::tests::op as case;
use super::tests::{Case, work};

fn lite(op: &'static str, inputs: &[&str], output: &str) -> Case {
    case(op, inputs, output).domain("tflite")
}

fn tf(op: &'static str, inputs: &[&str], output: &str) -> Case {
    case(op, inputs, output).domain("tf")
}

#[test]
fn convolutions_count_alike_whatever_the_order_of_their_weights() {
    // 3 → 8 channels, a window of 3 × 5, 6 × 7 positions.
    let macs = 2 * 6 * 7 * 8 * 3 * 5 * 3;
    let onnx = case("Conv", &["2x3x6x7", "8x3x3x5"], "2x8x6x7");
    assert_eq!(onnx.counts(), work(macs, 0));
    assert_eq!(lite("CONV_2D", &["2x6x7x3", "8x3x5x3"], "2x6x7x8").counts(), work(macs, 0));
    assert_eq!(tf("Conv2D", &["2x6x7x3", "3x5x3x8"], "2x6x7x8").counts(), work(macs, 0));
    let results = 2 * 6 * 7 * 8;
    let relu = lite("CONV_2D", &["2x6x7x3", "8x3x5x3", "8"], "2x6x7x8").text("fused_activation_function", "RELU6");
    assert_eq!(relu.counts(), work(macs, results * 3));
    // Depthwise with two filters for each of three channels.
    assert_eq!(lite("DEPTHWISE_CONV_2D", &["1x4x4x3", "1x3x3x6"], "1x4x4x6").counts(), work(16 * 6 * 9, 0));
    assert_eq!(tf("DepthwiseConv2dNative", &["1x4x4x3", "3x3x3x2"], "1x4x4x6").counts(), work(16 * 6 * 9, 0));
    assert_eq!(lite("CONV_3D", &["1x2x4x4x3", "3x3x3x3x5"], "1x2x4x4x5").counts(), work(32 * 5 * 27 * 3, 0));
}

#[test]
fn transposed_convolutions_spread_their_input() {
    let macs = 4 * 4 * 3 * 8 * 2 * 2;
    assert_eq!(case("ConvTranspose", &["1x3x4x4", "3x8x2x2"], "1x8x8x8").counts(), work(macs, 0));
    assert_eq!(lite("TRANSPOSE_CONV", &["4", "8x2x2x3", "1x4x4x3"], "1x8x8x8").counts(), work(macs, 0));
    assert_eq!(tf("Conv2DBackpropInput", &["4", "2x2x8x3", "1x4x4x3"], "1x8x8x8").counts(), work(macs, 0));
    let bias = lite("Convolution2DTransposeBias", &["1x4x4x3", "8x2x2x3", "8"], "1x8x8x8");
    assert_eq!(bias.counts(), work(macs, 8 * 64));
}

#[test]
fn products_count_the_contracted_axis() {
    assert_eq!(lite("FULLY_CONNECTED", &["2x5", "7x5", "7"], "2x7").counts(), work(70, 14));
    assert_eq!(lite("BATCH_MATMUL", &["3x5x2", "3x5x4"], "3x2x4").int("adj_x", 1).counts(), work(3 * 2 * 4 * 5, 0));
    assert_eq!(tf("MatMul", &["2x5", "5x7"], "2x7").counts(), work(70, 0));
    assert_eq!(tf("MatMul", &["5x2", "5x7"], "2x7").int("transpose_a", 1).counts(), work(70, 0));
    assert_eq!(tf("_FusedMatMul", &["2x5", "5x7", "7"], "2x7").counts(), work(70, 0));
}

#[test]
fn recurrent_cells_multiply_with_all_their_weights() {
    // 3 steps of a batch of 2, 4 inputs, 5 units: 6 rounds of four gates.
    let (w, r) = ("5x4", "5x5");
    let lstm: Vec<&str> =
        ["2x3x4", w, w, w, w, r, r, r, r, "", "", "", "5", "5", "5", "5", "", "", "2x5", "2x5"].into();
    assert_eq!(lite("UNIDIRECTIONAL_SEQUENCE_LSTM", &lstm, "2x3x5").counts(), work(6 * 4 * (20 + 25), 6 * 5 * 26));
    // A coupled input gate has no weights of its own, and a projection to 3 outputs is one more product.
    let coupled: Vec<&str> =
        ["2x3x4", "", w, w, w, "", "5x3", "5x3", "5x3", "", "", "", "", "5", "5", "5", "3x5", ""].into();
    let counts = lite("UNIDIRECTIONAL_SEQUENCE_LSTM", &coupled, "2x3x3").counts();
    assert_eq!(counts.0, Some(6 * (3 * (20 + 15) + 15)));
    let rnn = lite("UNIDIRECTIONAL_SEQUENCE_RNN", &["2x3x4", w, r, "5", "2x5"], "2x3x5");
    assert_eq!(rnn.text("fused_activation_function", "TANH").counts(), work(6 * 45, 6 * 5 * 3));
    let basic = lite("LSTM", &["2x4", "2x5", "20x9", "20", "2x5"], "2x5").int("kernel_type", 1);
    assert_eq!(basic.counts(), work(2 * 180, 2 * 5 * 26));
    // 6 filters of rank 2 over a memory of 8.
    assert_eq!(lite("SVDF", &["2x4", "6x4", "6x8", "3", "2x48"], "2x3").counts().0, Some(2 * (24 + 48)));
    // A window over time: 7 steps of a batch of 2.
    let block = tf("BlockLSTM", &["", "7x2x4", "2x5", "2x5", "9x20"], "7x2x5");
    assert_eq!(block.counts(), work(14 * 180, 14 * 5 * 26));
}

#[test]
fn the_rest_costs_what_onnx_operators_do() {
    for (own, onnx) in [("LOGISTIC", "Sigmoid"), ("SOFTMAX", "Softmax"), ("RELU6", "Clip"), ("HARD_SWISH", "HardSwish")]
    {
        assert_eq!(lite(own, &["2x9"], "2x9").counts(), case(onnx, &["2x9"], "2x9").counts(), "{own}");
    }
    assert_eq!(lite("MEAN", &["2x6x7x3", "2"], "2x3").counts(), case("ReduceMean", &["2x6x7x3", "2"], "2x3").counts());
    assert_eq!(tf("BiasAdd", &["2x9", "9"], "2x9").counts(), work(0, 18));
    assert_eq!(tf("FusedBatchNormV3", &["2x9", "9", "9", "9", "9"], "2x9").counts(), work(0, 36));
    assert_eq!(tf("Rsqrt", &["9"], "9").counts(), work(0, 18));
    assert_eq!(lite("FlexErf", &["9"], "9").counts(), work(0, 9));
    assert_eq!(tf("MaxPool", &["1x4x4x3"], "1x2x2x3").ints("ksize", &[1, 2, 2, 1]).counts(), work(0, 12 * 3));
    let pool = lite("AVERAGE_POOL_2D", &["1x4x4x3"], "1x2x2x3").int("filter_width", 2).int("filter_height", 2);
    assert_eq!(pool.counts(), work(0, 12 * 4));
    assert_eq!(lite("RESIZE_BILINEAR", &["1x2x2x3", "2"], "1x4x4x3").counts(), work(0, 48 * 7));
}

#[test]
fn every_shared_rule_is_there() {
    for (own, shared) in crate::shapes::TFLITE_AS_TF {
        // How many boxes overlap depends on the data.
        if !own.starts_with("NON_MAX") {
            assert!(super::find("tflite", own).is_some(), "{own} as {shared}");
        }
    }
}
