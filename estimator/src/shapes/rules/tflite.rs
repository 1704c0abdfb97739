//! TensorFlow Lite's operators. Most mean the same as TensorFlow's and use its rules; those that store their weights or
//! options in another way have their own.

use super::Rule;
use super::elementwise::same_as_first;
use super::tf;
use crate::model::Dim;
use crate::shapes::call::{Call, Mismatch, Outcome, open_shape, product, show};

/// TensorFlow's operator that means the same, in its inputs and in the attributes that matter here.
pub(crate) const TFLITE_AS_TF: &[(&str, &str)] = &[
    ("ABS", "Abs"),
    ("ADD", "AddV2"),
    ("ADD_N", "AddN"),
    ("ARG_MAX", "ArgMax"),
    ("ARG_MIN", "ArgMin"),
    ("ATAN2", "Atan2"),
    ("BATCH_MATMUL", "BatchMatMulV2"),
    ("BATCH_TO_SPACE_ND", "BatchToSpaceND"),
    ("BITWISE_XOR", "BitwiseXor"),
    ("BROADCAST_ARGS", "BroadcastArgs"),
    ("BROADCAST_TO", "BroadcastTo"),
    ("CEIL", "Ceil"),
    ("COS", "Cos"),
    ("CUMSUM", "Cumsum"),
    ("DEPTH_TO_SPACE", "DepthToSpace"),
    ("DIV", "RealDiv"),
    ("ELU", "Elu"),
    ("EQUAL", "Equal"),
    ("EXP", "Exp"),
    ("EXPAND_DIMS", "ExpandDims"),
    ("FAKE_QUANT", "FakeQuantWithMinMaxArgs"),
    ("FILL", "Fill"),
    ("FLOOR", "Floor"),
    ("FLOOR_DIV", "FloorDiv"),
    ("FLOOR_MOD", "FloorMod"),
    ("GATHER", "GatherV2"),
    ("GATHER_ND", "GatherNd"),
    ("GELU", "Gelu"),
    ("GREATER", "Greater"),
    ("GREATER_EQUAL", "GreaterEqual"),
    ("LEAKY_RELU", "LeakyRelu"),
    ("LESS", "Less"),
    ("LESS_EQUAL", "LessEqual"),
    ("LOCAL_RESPONSE_NORMALIZATION", "LRN"),
    ("LOG", "Log"),
    ("LOGICAL_AND", "LogicalAnd"),
    ("LOGICAL_NOT", "LogicalNot"),
    ("LOGICAL_OR", "LogicalOr"),
    ("LOGISTIC", "Sigmoid"),
    ("LOG_SOFTMAX", "LogSoftmax"),
    ("MATRIX_SET_DIAG", "MatrixSetDiag"),
    ("MAXIMUM", "Maximum"),
    ("MEAN", "Mean"),
    ("MINIMUM", "Minimum"),
    ("MIRROR_PAD", "MirrorPad"),
    ("MUL", "Mul"),
    ("NEG", "Neg"),
    ("NON_MAX_SUPPRESSION_V4", "NonMaxSuppressionV4"),
    ("NON_MAX_SUPPRESSION_V5", "NonMaxSuppressionV5"),
    ("NOT_EQUAL", "NotEqual"),
    ("ONE_HOT", "OneHot"),
    ("PACK", "Pack"),
    ("PAD", "Pad"),
    ("PADV2", "PadV2"),
    ("POW", "Pow"),
    ("RANGE", "Range"),
    ("RANK", "Rank"),
    ("REDUCE_ALL", "All"),
    ("REDUCE_ANY", "Any"),
    ("REDUCE_MAX", "Max"),
    ("REDUCE_MIN", "Min"),
    ("REDUCE_PROD", "Prod"),
    ("RELU", "Relu"),
    ("RELU6", "Relu6"),
    ("RESHAPE", "Reshape"),
    ("RESIZE_BILINEAR", "ResizeBilinear"),
    ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor"),
    ("REVERSE_SEQUENCE", "ReverseSequence"),
    ("REVERSE_V2", "ReverseV2"),
    ("RIGHT_SHIFT", "RightShift"),
    ("ROUND", "Rint"),
    ("RSQRT", "Rsqrt"),
    ("SCATTER_ND", "ScatterNd"),
    ("SELECT", "Select"),
    ("SELECT_V2", "SelectV2"),
    ("SHAPE", "Shape"),
    ("SIGN", "Sign"),
    ("SIN", "Sin"),
    ("SLICE", "Slice"),
    ("SOFTMAX", "Softmax"),
    ("SPACE_TO_BATCH_ND", "SpaceToBatchND"),
    ("SPACE_TO_DEPTH", "SpaceToDepth"),
    ("SPLIT", "Split"),
    ("SPLIT_V", "SplitV"),
    ("SQRT", "Sqrt"),
    ("SQUARE", "Square"),
    ("SQUARED_DIFFERENCE", "SquaredDifference"),
    ("SQUEEZE", "Squeeze"),
    ("STRIDED_SLICE", "StridedSlice"),
    ("SUB", "Sub"),
    ("SUM", "Sum"),
    ("TANH", "Tanh"),
    ("TILE", "Tile"),
    ("TOPK_V2", "TopKV2"),
    ("TRANSPOSE", "Transpose"),
    ("UNPACK", "Unpack"),
    ("WHERE", "Where"),
    ("ZEROS_LIKE", "ZerosLike"),
];

/// The rules of this domain. The file declares a shape for every tensor; what has no rule here keeps it.
pub(super) fn find(op: &str) -> Option<Rule> {
    if let Some((_, name)) = TFLITE_AS_TF.iter().find(|(own, _)| *own == op) {
        return tf::find(name);
    }
    Some(match op {
        "RELU_N1_TO_1" | "RELU_0_TO_1" | "HARD_SWISH" | "PRELU" | "L2_NORMALIZATION" | "DYNAMIC_UPDATE_SLICE" => {
            same_as_first
        }
        // The element type is that of the result's own tensor.
        "QUANTIZE" | "DEQUANTIZE" | "CAST" | "BITCAST" | "DENSIFY" => |call| {
            let shape = call.shape(0);
            let known = call.known(0).filter(|known| known.dims().is_some());
            call.set_tensor(0, None, shape);
            call.set_known(0, known.map(|known| known.as_ref().clone()));
            Ok(())
        },
        "CONCATENATION" => |call| {
            let (inputs, along) = (0..call.node.inputs.len(), call.int_or("axis", 0));
            super::movement::set_joined(call, inputs, along)
        },
        "CONV_2D" => |call| convolution(call, 0),
        "DEPTHWISE_CONV_2D" => |call| convolution(call, 3),
        "CONV_3D" => convolution_3d,
        "TRANSPOSE_CONV" | "CONV_3D_TRANSPOSE" => transposed,
        "AVERAGE_POOL_2D" | "MAX_POOL_2D" | "L2_POOL_2D" => pool,
        "FULLY_CONNECTED" => fully_connected,
        "UNIDIRECTIONAL_SEQUENCE_LSTM" => |call| recurrent(call, &[16, 6]),
        "UNIDIRECTIONAL_SEQUENCE_RNN" | "RNN" => |call| recurrent(call, &[1]),
        "SVDF" => |call| {
            let units = first_of(call, 1).floor_div(&Dim::known(call.int_or("rank", 1).max(1)));
            with_last(call, units)
        },
        "EMBEDDING_LOOKUP" => embedding,
        _ => return op.strip_prefix("Flex").and_then(tf::find),
    })
}

/// The first dimension of an input.
fn first_of(call: &Call<'_, '_>, index: usize) -> Dim {
    call.shape(index).and_then(|shape| shape.first().cloned()).unwrap_or_default()
}

/// The first input's shape with another last dimension.
fn with_last(call: &mut Call<'_, '_>, last: Dim) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        if let Some(slot) = shape.last_mut() {
            *slot = last;
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Strides and dilations of height and width.
fn steps(call: &Call<'_, '_>) -> [(i64, i64); 2] {
    let at = |name: &str| call.int_or(name, 1);
    [(at("stride_h"), at("dilation_h_factor")), (at("stride_w"), at("dilation_w_factor"))]
}

/// Weights have the shape outputs × height × width × inputs of a group; a depthwise convolution's have 1 in front and its
/// outputs at the end. `outputs` is the place of these.
fn convolution(call: &mut Call<'_, '_>, outputs: usize) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(input), Some(weights)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let ([batch, height, width, channels], [_, window_height, window_width, inner]) =
        (input.as_slice(), weights.as_slice())
    else {
        return Err(Mismatch(format!("weights of {} for {}", show(&weights), show(&input))));
    };
    if let (0, Some(channels), Some(inner)) = (outputs, channels.value(), inner.value())
        && (inner <= 0 || channels % inner != 0)
    {
        return Err(Mismatch(format!("the weights want {inner} channels, the input has {channels}")));
    }
    let padding = call.node.text("padding");
    let [(stride_height, dilation_height), (stride_width, dilation_width)] = steps(call);
    let height = tf::positions(height, window_height, stride_height, dilation_height, padding, (0, 0))?;
    let width = tf::positions(width, window_width, stride_width, dilation_width, padding, (0, 0))?;
    let outputs = weights.get(outputs).cloned().unwrap_or_default();
    call.set_tensor(0, dtype, Some(vec![batch.clone(), height, width, outputs]));
    Ok(())
}

/// Weights have the shape depth × height × width × inputs × outputs.
fn convolution_3d(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(input), Some(weights)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let ([batch, space @ .., _], [window @ .., _, outputs]) = (input.as_slice(), weights.as_slice()) else {
        return Err(Mismatch(format!("weights of {} for {}", show(&weights), show(&input))));
    };
    let [height, width] = steps(call);
    let depth = (call.int_or("stride_d", 1), call.int_or("dilation_d_factor", 1));
    let mut shape = vec![batch.clone()];
    for ((size, window), (stride, dilation)) in space.iter().zip(window).zip([depth, height, width]) {
        shape.push(tf::positions(size, window, stride, dilation, call.node.text("padding"), (0, 0))?);
    }
    shape.push(outputs.clone());
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// The first input is the shape of the result. Where it is constant its batch follows the data's, because converters
/// write it for the one batch that they saw.
fn transposed(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(2);
    let mut shape = call.elements(0).and_then(|known| known.dims().map(<[Dim]>::to_vec));
    let batch = first_of(call, 2);
    if let Some(slot) = shape.as_mut().and_then(|shape| shape.first_mut())
        && batch.value().is_some()
    {
        *slot = batch;
    }
    let shape = shape.or_else(|| call.rank(2).map(open_shape));
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn pool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let [batch, height, width, channels] = input.as_slice() else {
        return Err(Mismatch(format!("{} instead of batch × height × width × channels", show(&input))));
    };
    let padding = call.node.text("padding");
    let side = |name: &str| Dim::known(call.int_or(name, 1));
    let [(stride_height, _), (stride_width, _)] = steps(call);
    let height = tf::positions(height, &side("filter_height"), stride_height, 1, padding, (0, 0))?;
    let width = tf::positions(width, &side("filter_width"), stride_width, 1, padding, (0, 0))?;
    call.set_tensor(0, dtype, Some(vec![batch.clone(), height, width, channels.clone()]));
    Ok(())
}

/// Weights have the shape outputs × inputs; without `keep_num_dims` the input is folded into rows of that many inputs.
fn fully_connected(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(input), Some(weights)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let [outputs, inputs] = weights.as_slice() else {
        return Err(Mismatch(format!("weights of {} instead of a matrix", show(&weights))));
    };
    if call.flag("keep_num_dims", false) {
        return with_last(call, outputs.clone());
    }
    let all = product(&input);
    if let (Some(all), Some(inputs)) = (all.value(), inputs.value())
        && (inputs <= 0 || all % inputs != 0)
    {
        return Err(Mismatch(format!("{} does not divide into rows of {inputs}", show(&input))));
    }
    // Where a row is a whole picture, the rows are the batch and keep its name.
    let row = product(input.get(1..).unwrap_or_default());
    let rows = match (input.first(), row == *inputs) {
        (Some(batch), true) => batch.clone(),
        _ => all.floor_div(inputs),
    };
    call.set_tensor(0, dtype, Some(vec![rows, outputs.clone()]));
    Ok(())
}

/// The result has the input's shape with as many units at the end as the first of these weights that is there has rows.
fn recurrent(call: &mut Call<'_, '_>, weights: &[usize]) -> Outcome {
    let units = weights.iter().find(|index| call.has(**index)).map(|index| first_of(call, *index));
    with_last(call, units.unwrap_or_default())
}

/// Rows of the second input, at the indices in the first.
fn embedding(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(1);
    let shape = match (call.shape(0), call.shape(1)) {
        (Some(indices), Some(table)) => {
            Some(indices.into_iter().chain(table.into_iter().skip(1)).collect::<Vec<Dim>>())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}
