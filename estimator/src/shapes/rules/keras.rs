//! Keras's layers. The batch comes first and the channels last, unless `data_format` is `channels_first`.
//!
//! A node's first inputs are tensors (`data_inputs` says how many), the others its weights, which no rule here needs:
//! a layer's settings say all of its output. Operations on tensors, which Keras writes as layers too
//! (`TFOpLambda`, the operations of Keras 3), go by the last part of their names.

use super::Rule;
use crate::model::{DType, Dim, Node};
use crate::shapes::call::{Call, Mismatch, Outcome, axis, broadcast, product, show};

/// What sort of thing a layer does, for those whose shape and cost go by a common rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing while inferring: the input is the output.
    Nothing,
    /// One function of each element; the name is that of ONNX's operator that costs the same.
    Each(&'static str),
    /// Several tensors of shapes that broadcast, element by element.
    Several(&'static str),
    /// The result is one truth value for each pair of elements.
    Comparison,
    /// A norm that keeps the shape.
    Norm(&'static str),
    /// Elements along some axes become one.
    Reduction(&'static str),
}

/// A layer's or operation's name without the module before it, in small letters: `tf.math.reduce_mean` is `reducemean`.
pub(crate) fn canonical(op: &str) -> String {
    let last = op.rsplit(['.', '>']).next().unwrap_or(op);
    last.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

/// The kind of a layer, where it has one.
pub(crate) fn kind(op: &str) -> Option<Kind> {
    Some(match canonical(op).as_str() {
        "activityregularization"
        | "alphadropout"
        | "autocontrast"
        | "dropout"
        | "gaussiandropout"
        | "gaussiannoise"
        | "identity"
        | "masking"
        | "randombrightness"
        | "randomcolordegeneration"
        | "randomcolorjitter"
        | "randomcontrast"
        | "randomerasing"
        | "randomflip"
        | "randomgaussianblur"
        | "randomgrayscale"
        | "randomhue"
        | "randominvert"
        | "randomperspective"
        | "randomposterization"
        | "randomrotation"
        | "randomsaturation"
        | "randomsharpness"
        | "randomshear"
        | "randomtranslation"
        | "randomzoom"
        | "randaugment"
        | "augmix"
        | "cutmix"
        | "mixup"
        | "spatialdropout1d"
        | "spatialdropout2d"
        | "spatialdropout3d"
        | "stopgradient"
        | "cast"
        | "ensureshape"
        | "stochasticdepth"
        | "flip"
        | "reverse"
        | "roll"
        | "mask" => Kind::Nothing,
        // Keras's own names of activations, and those of functions.
        "relu" | "relu1" | "threshold" | "thresholdedrelu" => Kind::Each("Relu"),
        "relu6" | "clip" | "clipbyvalue" | "hardtanh" => Kind::Each("Clip"),
        "leakyrelu" => Kind::Each("LeakyRelu"),
        "prelu" => Kind::Each("PRelu"),
        "elu" | "celu" => Kind::Each("Elu"),
        "selu" => Kind::Each("Selu"),
        "gelu" => Kind::Each("Gelu"),
        "sigmoid" => Kind::Each("Sigmoid"),
        "hardsigmoid" => Kind::Each("HardSigmoid"),
        "hardswish" | "hardsilu" => Kind::Each("HardSwish"),
        "swish" | "silu" => Kind::Each("Swish"),
        "mish" => Kind::Each("Mish"),
        "softplus" => Kind::Each("Softplus"),
        "softsign" => Kind::Each("Softsign"),
        "tanh" => Kind::Each("Tanh"),
        "exp" | "exponential" => Kind::Each("Exp"),
        "log" => Kind::Each("Log"),
        "sqrt" => Kind::Each("Sqrt"),
        "rsqrt" => Kind::Each("Reciprocal"),
        "square" => Kind::Each("Mul"),
        "abs" | "absolute" => Kind::Each("Abs"),
        "neg" | "negative" => Kind::Each("Neg"),
        "sin" => Kind::Each("Sin"),
        "cos" => Kind::Each("Cos"),
        "erf" => Kind::Each("Erf"),
        "floor" => Kind::Each("Floor"),
        "ceil" => Kind::Each("Ceil"),
        "round" => Kind::Each("Round"),
        "sign" => Kind::Each("Sign"),
        "reciprocal" => Kind::Each("Reciprocal"),
        "logicalnot" => Kind::Each("Not"),
        "softmax" | "logsoftmax" => Kind::Norm("Softmax"),
        "add" | "addv2" | "addn" | "biasadd" => Kind::Several("Add"),
        "subtract" | "sub" => Kind::Several("Sub"),
        "multiply" | "mul" => Kind::Several("Mul"),
        "divide" | "div" | "realdiv" | "truediv" | "truedivide" | "divnonan" => Kind::Several("Div"),
        "floordiv" | "floordivide" => Kind::Several("Div"),
        "mod" | "floormod" => Kind::Several("Mod"),
        "maximum" => Kind::Several("Max"),
        "minimum" => Kind::Several("Min"),
        "average" => Kind::Several("Mean"),
        "power" | "pow" => Kind::Several("Pow"),
        "squareddifference" => Kind::Several("Sub"),
        // Layers that Keras's own networks bring along: a product with one learned number for each channel,
        // and a sum of two tensors of which the second is scaled.
        "layerscale" => Kind::Each("Mul"),
        "customscalelayer" => Kind::Several("ScaledAdd"),
        "where" | "selectv2" => Kind::Several("Where"),
        "logicaland" | "logicalor" | "equal" | "notequal" | "greater" | "greaterequal" | "less" | "lessequal" => {
            Kind::Comparison
        }
        "batchnormalization" => Kind::Norm("BatchNormalization"),
        "layernormalization" => Kind::Norm("LayerNormalization"),
        "rmsnormalization" => Kind::Norm("RMSNormalization"),
        "groupnormalization" | "instancenormalization" => Kind::Norm("GroupNormalization"),
        "unitnormalization" | "l2normalize" | "normalize" => Kind::Norm("LpNormalization"),
        // One product and one sum.
        "rescaling" | "normalization" => Kind::Norm("BatchNormalization"),
        "reducemean" | "mean" => Kind::Reduction("ReduceMean"),
        "reducesum" | "sum" => Kind::Reduction("ReduceSum"),
        "reducemax" | "max" | "amax" => Kind::Reduction("ReduceMax"),
        "reducemin" | "min" | "amin" => Kind::Reduction("ReduceMin"),
        "reduceprod" | "prod" => Kind::Reduction("ReduceProd"),
        "norm" => Kind::Reduction("ReduceL2"),
        "argmax" | "argmin" => Kind::Reduction("ArgMax"),
        "logsumexp" | "reducelogsumexp" => Kind::Reduction("ReduceLogSumExp"),
        _ => return None,
    })
}

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv1D" | "Conv2D" | "Conv3D" => |call| convolve(call, |call, _| filters(call)),
        "DepthwiseConv1D" | "DepthwiseConv2D" => {
            |call| convolve(call, |call, channels| Ok(channels.mul(&Dim::known(call.int_or("depth_multiplier", 1)))))
        }
        "SeparableConv1D" | "SeparableConv2D" => |call| convolve(call, |call, _| filters(call)),
        "Conv1DTranspose" | "Conv2DTranspose" | "Conv3DTranspose" => transposed,
        "MaxPooling1D" | "MaxPooling2D" | "MaxPooling3D" | "AveragePooling1D" | "AveragePooling2D"
        | "AveragePooling3D" => pool,
        "AdaptiveAveragePooling1D"
        | "AdaptiveAveragePooling2D"
        | "AdaptiveAveragePooling3D"
        | "AdaptiveMaxPooling1D"
        | "AdaptiveMaxPooling2D"
        | "AdaptiveMaxPooling3D" => adaptive,
        "GlobalAveragePooling1D"
        | "GlobalAveragePooling2D"
        | "GlobalAveragePooling3D"
        | "GlobalMaxPooling1D"
        | "GlobalMaxPooling2D"
        | "GlobalMaxPooling3D" => global,
        "Dense" => dense,
        "EinsumDense" => einsum_dense,
        "Flatten" => flatten,
        "Reshape" => reshape,
        "Permute" => permute,
        "RepeatVector" => repeat_vector,
        "Cropping1D" | "Cropping2D" | "Cropping3D" => |call| border(call, "cropping", -1),
        "ZeroPadding1D" | "ZeroPadding2D" | "ZeroPadding3D" => |call| border(call, "padding", 1),
        "UpSampling1D" | "UpSampling2D" | "UpSampling3D" => up_sampling,
        "Resizing" | "CenterCrop" | "RandomCrop" => resizing,
        "Concatenate" => concatenate,
        "Dot" => dot,
        "Embedding" => embedding,
        "LSTM" | "GRU" | "SimpleRNN" => recurrent,
        "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" => convolved_recurrent,
        "MultiHeadAttention" | "GroupedQueryAttention" | "GroupQueryAttention" => attend,
        "Attention" | "AdditiveAttention" => dot_attention,
        "MergeTime" => merge_time,
        "SplitTime" => split_time,
        "Activation" => same,
        "CategoryEncoding" => category,
        _ => return operation(op),
    })
}

/// Operations and layers of a common kind.
fn operation(op: &str) -> Option<Rule> {
    Some(match kind(op) {
        Some(Kind::Nothing | Kind::Each(_) | Kind::Norm(_)) => same,
        Some(Kind::Several(_)) => several,
        Some(Kind::Comparison) => |call| {
            several(call)?;
            let shape = call.outputs.first().and_then(|of| of.as_ref()?.as_tensor()?.shape.clone());
            call.set_tensor(0, Some(DType::Bool), shape);
            Ok(())
        },
        Some(Kind::Reduction(_)) => reduction,
        None => match canonical(op).as_str() {
            "reshape" => reshape,
            "transpose" => transpose,
            "expanddims" => expand_dims,
            "squeeze" => squeeze,
            "concat" | "concatv2" | "concatenate" => concatenate,
            "matmul" | "batchmatmul" | "batchmatmulv2" => matmul,
            "resize" | "resizebilinear" | "resizenearestneighbor" => resize_operation,
            "pad" | "padv2" => pad,
            _ => return None,
        },
    })
}

/// How many of a node's inputs are tensors and not weights.
fn data_inputs(node: &Node) -> usize {
    node.int("data_inputs").and_then(|count| usize::try_from(count).ok()).unwrap_or(node.inputs.len())
}

fn same(call: &mut Call<'_, '_>) -> Outcome {
    call.pass_type(0, 0);
    // Attention masks, dropout states and the like: as many outputs as inputs at most.
    for output in 1..call.output_count() {
        if output < data_inputs(call.node) {
            call.pass_type(output, output);
        }
    }
    Ok(())
}

fn several(call: &mut Call<'_, '_>) -> Outcome {
    let mut shape: Option<Vec<Dim>> = None;
    for input in 0..data_inputs(call.node) {
        let Some(next) = call.shape(input) else {
            call.set_tensor(0, call.dtype(0), None);
            return Ok(());
        };
        shape = Some(match shape {
            None => next,
            Some(shape) => broadcast(&shape, &next)?,
        });
    }
    call.set_tensor(0, call.dtype(0), shape);
    Ok(())
}

/// Batch, spatial dimensions and channels of an input, wherever the channels stand.
struct Layout {
    batch: Dim,
    space: Vec<Dim>,
    channels: Dim,
    channels_first: bool,
}

impl Layout {
    fn of(call: &Call<'_, '_>) -> Result<Option<Self>, Mismatch> {
        let Some(shape) = call.shape(0) else { return Ok(None) };
        let channels_first = is_channels_first(call.node);
        match shape.as_slice() {
            [batch, channels, space @ ..] if channels_first => Ok(Some(Self {
                batch: batch.clone(),
                space: space.to_vec(),
                channels: channels.clone(),
                channels_first,
            })),
            [batch, space @ .., channels] => Ok(Some(Self {
                batch: batch.clone(),
                space: space.to_vec(),
                channels: channels.clone(),
                channels_first,
            })),
            other => Err(Mismatch(format!("{} has no batch and channels", show(other)))),
        }
    }

    fn shape(self) -> Vec<Dim> {
        let mut shape = vec![self.batch];
        if self.channels_first {
            shape.push(self.channels.clone());
        }
        shape.extend(self.space);
        if !self.channels_first {
            shape.push(self.channels);
        }
        shape
    }
}

fn is_channels_first(node: &Node) -> bool {
    node.text("data_format") == Some("channels_first")
}

/// A setting for each spatial dimension, which may be one number for all.
fn sides(node: &Node, name: &str, rank: usize, default: i64) -> Result<Vec<i64>, Mismatch> {
    match (node.ints(name), node.int(name)) {
        (Some(list), _) if list.len() == rank => Ok(list.to_vec()),
        (Some([one]), _) => Ok(vec![*one; rank]),
        (Some(list), _) => Err(Mismatch(format!("{name} has {} entries where {rank} are needed", list.len()))),
        (None, Some(one)) => Ok(vec![one; rank]),
        (None, None) => Ok(vec![default; rank]),
    }
}

/// Positions of a window: all of the input's with `same` and `causal` padding, else those that fit in.
fn positions(input: &Dim, kernel: i64, stride: i64, dilation: i64, padding: &str) -> Result<Dim, Mismatch> {
    if stride < 1 || dilation < 1 || kernel < 1 {
        return Err(Mismatch("kernels, strides and dilations must be positive".to_owned()));
    }
    let step = Dim::known(stride);
    if matches!(padding, "same" | "causal") {
        return Ok(input.ceil_div(&step));
    }
    let reach = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
    let room = input.sub(&Dim::known(reach));
    if room.value().is_some_and(|room| room < 0) {
        return Err(Mismatch(format!("a window of {reach} does not fit into {input}")));
    }
    Ok(room.floor_div(&step).add(&Dim::known(1)))
}

fn filters(call: &Call<'_, '_>) -> Result<Dim, Mismatch> {
    Ok(call.node.int("filters").map_or(Dim::UNKNOWN, Dim::known))
}

fn convolve(call: &mut Call<'_, '_>, outputs: fn(&Call<'_, '_>, &Dim) -> Result<Dim, Mismatch>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let channels = outputs(call, &layout.channels)?;
    window(call, &mut layout, "kernel_size", None)?;
    layout.channels = channels;
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

/// Moves a window over the spatial dimensions.
fn window(call: &Call<'_, '_>, layout: &mut Layout, kernel: &str, stride: Option<Vec<i64>>) -> Outcome {
    let rank = layout.space.len();
    let kernel = sides(call.node, kernel, rank, 1)?;
    let stride = match stride {
        Some(stride) => stride,
        None => sides(call.node, "strides", rank, 1)?,
    };
    let dilation = sides(call.node, "dilation_rate", rank, 1)?;
    let padding = call.node.text("padding").unwrap_or("valid");
    for (dim, ((kernel, stride), dilation)) in layout.space.iter_mut().zip(kernel.iter().zip(&stride).zip(&dilation)) {
        *dim = positions(dim, *kernel, *stride, *dilation, padding)?;
    }
    Ok(())
}

/// `valid` gives `(n − 1)·stride + reach`, or `n·stride` if the stride is longer; `same` gives `n·stride`;
/// with `output_padding` it is `(n − 1)·stride + reach − 2·pad + output_padding`.
fn transposed(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let rank = layout.space.len();
    let kernel = sides(call.node, "kernel_size", rank, 1)?;
    let stride = sides(call.node, "strides", rank, 1)?;
    let dilation = sides(call.node, "dilation_rate", rank, 1)?;
    let extra = match call.node.attributes.contains_key("output_padding") {
        true => Some(sides(call.node, "output_padding", rank, 0)?),
        false => None,
    };
    let is_same = call.node.text("padding") == Some("same");
    for (place, dim) in layout.space.iter_mut().enumerate() {
        let at = |list: &[i64]| list.get(place).copied().unwrap_or(1);
        let (kernel, stride, dilation) = (at(&kernel), at(&stride), at(&dilation));
        let reach = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
        let scaled = dim.mul(&Dim::known(stride));
        *dim = match &extra {
            Some(extra) => {
                let pad = if is_same { reach / 2 } else { 0 };
                let more = reach.saturating_sub(stride).saturating_sub(pad.saturating_mul(2)).saturating_add(at(extra));
                scaled.add(&Dim::known(more))
            }
            None if is_same => scaled,
            None => scaled.add(&Dim::known(reach.saturating_sub(stride).max(0))),
        };
    }
    layout.channels = filters(call)?;
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

fn pool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let rank = layout.space.len();
    let own = sides(call.node, "pool_size", rank, 2)?;
    let stride = match call.node.ints("strides").is_some() || call.node.int("strides").is_some() {
        true => sides(call.node, "strides", rank, 1)?,
        false => own.clone(),
    };
    let padding = call.node.text("padding").unwrap_or("valid");
    for (dim, (kernel, stride)) in layout.space.iter_mut().zip(own.iter().zip(&stride)) {
        *dim = positions(dim, *kernel, *stride, 1, padding)?;
    }
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

fn adaptive(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else { return Ok(()) };
    let sizes = sides(call.node, "output_size", layout.space.len(), 1)?;
    layout.space = sizes.into_iter().map(Dim::known).collect();
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

fn global(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let keep = call.flag("keepdims", false);
    layout.space = if keep { vec![Dim::known(1); layout.space.len()] } else { Vec::new() };
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

/// The last dimension of the input replaced.
fn with_last(call: &mut Call<'_, '_>, last: Dim) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        if let Some(dim) = shape.last_mut() {
            *dim = last;
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn dense(call: &mut Call<'_, '_>) -> Outcome {
    let units = call.node.int("units").map_or(Dim::UNKNOWN, Dim::known);
    with_last(call, units)
}

/// The equation tells where the input's dimensions go; `output_shape` gives the new ones.
fn einsum_dense(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = (|| {
        let input = call.shape(0)?;
        let (left, right) = call.node.text("equation")?.split_once("->")?;
        let (data, _) = left.split_once(',')?;
        let ellipsis = data.contains("...");
        let (data, right) = (data.replace("...", ""), right.replace("...", ""));
        let labels = data.chars().count();
        let hidden = input.len().checked_sub(labels)?;
        if !ellipsis && hidden > 0 {
            return None;
        }
        let stated: Vec<i64> = match (call.node.ints("output_shape"), call.node.int("output_shape")) {
            (Some(list), _) => list.to_vec(),
            (None, one) => one.into_iter().collect(),
        };
        let mut shape: Vec<Dim> = input.iter().take(hidden).cloned().collect();
        let outputs: Vec<char> = right.chars().collect();
        let skipped = outputs.len().saturating_sub(stated.len());
        for (place, label) in outputs.iter().enumerate() {
            let from_input = data.chars().position(|own| own == *label);
            let from_settings = place.checked_sub(skipped).and_then(|place| stated.get(place));
            shape.push(match (from_input, from_settings) {
                (Some(place), _) => input.get(hidden + place).cloned()?,
                (None, Some(size)) if *size >= 0 => Dim::known(*size),
                _ => Dim::UNKNOWN,
            });
        }
        Some(shape)
    })();
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn flatten(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|shape| match shape.as_slice() {
        [batch, rest @ ..] => vec![batch.clone(), product(rest)],
        [] => vec![Dim::known(1)],
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// A layer's `target_shape` leaves out the batch; an operation's `shape` or `newshape` has it.
fn reshape(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let node = call.node;
    let (target, batch) = match node.ints("target_shape") {
        Some(target) => (Some(target), input.first().cloned()),
        None => (["newshape", "shape", "arg1"].iter().find_map(|name| node.ints(name)), None),
    };
    let Some(target) = target else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let whole = if batch.is_some() { input.get(1..).unwrap_or_default() } else { &input };
    let known: Vec<Dim> = target.iter().filter(|dim| **dim >= 0).map(|dim| Dim::known(*dim)).collect();
    let open = target.iter().filter(|dim| **dim < 0).count();
    let mut shape: Vec<Dim> = batch.into_iter().collect();
    for dim in target {
        shape.push(match *dim {
            size if size >= 0 => Dim::known(size),
            _ if open == 1 => product(whole).floor_div(&product(&known)),
            _ => Dim::UNKNOWN,
        });
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn permute(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).zip(call.node.ints("dims")).map(|(shape, dims)| {
        let at = |place: usize| shape.get(place).cloned().unwrap_or_default();
        let moved = dims.iter().map(|dim| usize::try_from(*dim).map_or(Dim::UNKNOWN, at));
        std::iter::once(at(0)).chain(moved).collect()
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn transpose(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let node = call.node;
    let axes = ["axes", "perm", "arg1"].iter().find_map(|name| node.ints(name));
    let shape = call.shape(0).map(|shape| match axes {
        Some(axes) => {
            let at = |place: &i64| usize::try_from(*place).ok().and_then(|place| shape.get(place)).cloned();
            axes.iter().map(|place| at(place).unwrap_or_default()).collect()
        }
        None => shape.into_iter().rev().collect(),
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn repeat_vector(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let times = call.node.int("n").map_or(Dim::UNKNOWN, Dim::known);
    let shape = match call.shape(0).as_deref() {
        Some([batch, features]) => Some(vec![batch.clone(), times, features.clone()]),
        Some(other) => return Err(Mismatch(format!("{} does not have two dimensions", show(other)))),
        None => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Adds or takes away what stands before and behind on each spatial dimension.
/// The setting is one number, one for each dimension, or two.
fn border(call: &mut Call<'_, '_>, name: &str, sign: i64) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let rank = layout.space.len();
    let list: Vec<i64> = match (call.node.ints(name), call.node.int(name)) {
        (Some(list), _) if list.len() == rank * 2 => {
            list.chunks(2).map(|pair| pair.iter().fold(0i64, |sum, side| sum.saturating_add(*side))).collect()
        }
        (Some(list), _) if list.len() == rank => list.iter().map(|side| side.saturating_mul(2)).collect(),
        (Some(list), _) => return Err(Mismatch(format!("{name} has {} entries for {rank} dimensions", list.len()))),
        (None, side) => vec![side.unwrap_or(1).saturating_mul(2); rank],
    };
    for (dim, sum) in layout.space.iter_mut().zip(&list) {
        *dim = dim.add(&Dim::known(sum.saturating_mul(sign)));
    }
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

fn up_sampling(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let factors = sides(call.node, "size", layout.space.len(), 2)?;
    for (dim, factor) in layout.space.iter_mut().zip(&factors) {
        *dim = dim.mul(&Dim::known(*factor));
    }
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

fn resizing(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut layout) = Layout::of(call)? else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let sizes = [call.node.int("height"), call.node.int("width")];
    for (dim, size) in layout.space.iter_mut().zip(sizes) {
        *dim = size.map_or(Dim::UNKNOWN, Dim::known);
    }
    call.set_tensor(0, dtype, Some(layout.shape()));
    Ok(())
}

fn resize_operation(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let sizes = call.node.ints("size").or(call.node.ints("arg1"));
    let shape = match (call.shape(0).as_deref(), sizes) {
        (Some([batch, _, _, channels]), Some([height, width])) => {
            Some(vec![batch.clone(), Dim::known(*height), Dim::known(*width), channels.clone()])
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn concatenate(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(mut shape) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let place = axis(call.int_or("axis", call.int_or("concat_axis", -1)), shape.len())?;
    for input in 1..data_inputs(call.node) {
        let Some(next) = call.shape(input) else {
            call.set_tensor(0, dtype, None);
            return Ok(());
        };
        if next.len() != shape.len() {
            return Err(Mismatch(format!("{} is joined to {}", show(&next), show(&shape))));
        }
        let more = next.get(place).cloned().unwrap_or_default();
        if let Some(dim) = shape.get_mut(place) {
            *dim = dim.add(&more);
        }
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// The axes that `Dot` sums over, one of each input.
fn dot_axes(node: &Node, ranks: (usize, usize)) -> Result<(usize, usize), Mismatch> {
    let (first, second) = match (node.ints("axes"), node.int("axes").or(node.int("dot_axes"))) {
        (Some([first, second]), _) => (*first, *second),
        (_, one) => (one.unwrap_or(-1), one.unwrap_or(-1)),
    };
    Ok((axis(first, ranks.0)?, axis(second, ranks.1)?))
}

fn dot(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(left), Some(right)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let (a, b) = dot_axes(call.node, (left.len(), right.len()))?;
    let rest = |shape: &[Dim], skipped: usize, from: usize| -> Vec<Dim> {
        shape
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != skipped && *place >= from)
            .map(|(_, dim)| dim.clone())
            .collect()
    };
    let mut shape = rest(&left, a, 0);
    shape.extend(rest(&right, b, 1));
    if shape.len() == 1 {
        shape.push(Dim::known(1));
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn embedding(call: &mut Call<'_, '_>) -> Outcome {
    let width = call.node.int("output_dim").map_or(Dim::UNKNOWN, Dim::known);
    let shape = call.shape(0).map(|mut shape| {
        shape.push(width);
        shape
    });
    call.set_tensor(0, Some(DType::F32), shape);
    Ok(())
}

fn recurrent(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let units = call.node.int("units").map_or(Dim::UNKNOWN, Dim::known);
    let (batch, steps) = match call.shape(0).as_deref() {
        Some([batch, steps, _]) => (batch.clone(), steps.clone()),
        Some(other) => return Err(Mismatch(format!("the input {} does not have three dimensions", show(other)))),
        None => Default::default(),
    };
    let state = vec![batch.clone(), units.clone()];
    let shape = if call.flag("return_sequences", false) { vec![batch, steps, units] } else { state.clone() };
    call.set_tensor(0, dtype, Some(shape));
    for output in 1..call.output_count() {
        call.set_tensor(output, dtype, Some(state.clone()));
    }
    Ok(())
}

/// Steps of pictures: batch × steps × space × channels.
fn convolved_recurrent(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let channels_first = is_channels_first(call.node);
    let (batch, steps, space) = match call.shape(0).as_deref() {
        Some([batch, steps, _, space @ ..]) if channels_first => (batch.clone(), steps.clone(), space.to_vec()),
        Some([batch, steps, space @ .., _]) => (batch.clone(), steps.clone(), space.to_vec()),
        _ => {
            call.set_tensor(0, dtype, None);
            return Ok(());
        }
    };
    let mut layout = Layout { batch, space, channels: filters(call)?, channels_first };
    window(call, &mut layout, "kernel_size", None)?;
    let state = layout.shape();
    let mut shape = state.clone();
    if call.flag("return_sequences", false) {
        shape.insert(1, steps);
    }
    call.set_tensor(0, dtype, Some(shape));
    for output in 1..call.output_count() {
        call.set_tensor(output, dtype, Some(state.clone()));
    }
    Ok(())
}

/// The query's shape, with the last dimension of `output_shape` where it is given;
/// the scores are batch × heads × queries × keys.
fn attend(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let last = call.node.ints("output_shape").and_then(|list| list.last().copied()).or(call.node.int("output_shape"));
    match last {
        Some(last) => with_last(call, Dim::known(last))?,
        None => call.pass_type(0, 0),
    }
    let heads = call.node.int("num_heads").map_or(Dim::UNKNOWN, Dim::known);
    if let (Some([batch, queries, ..]), Some([_, keys, ..])) = (call.shape(0).as_deref(), call.shape(1).as_deref()) {
        call.set_tensor(1, dtype, Some(vec![batch.clone(), heads, queries.clone(), keys.clone()]));
    }
    Ok(())
}

/// Inputs are query, value and key.
fn dot_attention(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let last = call.shape(1).and_then(|shape| shape.last().cloned()).unwrap_or_default();
    with_last(call, last)?;
    if let (Some([batch, queries, ..]), Some([_, keys, ..])) = (call.shape(0).as_deref(), call.shape(1).as_deref()) {
        call.set_tensor(1, dtype, Some(vec![batch.clone(), queries.clone(), keys.clone()]));
    }
    Ok(())
}

/// Steps become more of the batch.
fn merge_time(call: &mut Call<'_, '_>) -> Outcome {
    for input in 0..call.output_count() {
        let shape = match call.shape(input).as_deref() {
            Some([batch, steps, rest @ ..]) => {
                Some(std::iter::once(batch.mul(steps)).chain(rest.iter().cloned()).collect())
            }
            Some(other) => return Err(Mismatch(format!("{} has no steps", show(other)))),
            None => None,
        };
        let dtype = call.dtype(input);
        call.set_tensor(input, dtype, shape);
    }
    Ok(())
}

/// The second input is the one whose steps were merged.
fn split_time(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match (call.shape(0).as_deref(), call.shape(1).as_deref()) {
        (Some([_, rest @ ..]), Some([batch, steps, ..])) => {
            Some([batch.clone(), steps.clone()].into_iter().chain(rest.iter().cloned()).collect())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn category(call: &mut Call<'_, '_>) -> Outcome {
    let tokens = call.node.int("num_tokens").map_or(Dim::UNKNOWN, Dim::known);
    with_last(call, tokens)
}

fn expand_dims(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match (call.shape(0), call.node.int("axis").or(call.node.int("arg1"))) {
        (Some(mut shape), Some(place)) => {
            let place = axis(place, shape.len() + 1)?;
            shape.insert(place, Dim::known(1));
            Some(shape)
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn squeeze(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let node = call.node;
    let stated: Vec<i64> = match (node.ints("axis"), node.int("axis")) {
        (Some(list), _) => list.to_vec(),
        (None, one) => one.into_iter().collect(),
    };
    let shape = match call.shape(0) {
        Some(shape) if !stated.is_empty() => {
            let gone = crate::shapes::call::axes(&stated, shape.len())?;
            Some(shape.into_iter().enumerate().filter(|(place, _)| !gone.contains(place)).map(|(_, dim)| dim).collect())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn reduction(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let node = call.node;
    let keep = node.int("keepdims").or(node.int("keep_dims")).unwrap_or(0) != 0;
    let stated: Option<Vec<i64>> = ["axis", "arg1"]
        .iter()
        .find_map(|name| node.ints(name).map(<[i64]>::to_vec).or(node.int(name).map(|one| vec![one])));
    let shape = match (call.shape(0), stated) {
        (Some(shape), Some(stated)) => {
            let gone = crate::shapes::call::axes(&stated, shape.len())?;
            let kept = |(place, dim): (usize, Dim)| match (gone.contains(&place), keep) {
                (false, _) => Some(dim),
                (true, true) => Some(Dim::known(1)),
                (true, false) => None,
            };
            Some(shape.into_iter().enumerate().filter_map(kept).collect())
        }
        (Some(shape), None) => Some(if keep { vec![Dim::known(1); shape.len()] } else { Vec::new() }),
        _ => None,
    };
    let dtype = if kind(&node.op) == Some(Kind::Reduction("ArgMax")) { Some(DType::I64) } else { dtype };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn matmul(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let flag = |names: [&str; 2]| names.iter().any(|name| call.node.int(name).unwrap_or(0) != 0);
    let turned = |mut shape: Vec<Dim>, turn: bool| {
        let rank = shape.len();
        if turn && rank >= 2 {
            shape.swap(rank - 1, rank - 2);
        }
        shape
    };
    let (left, right) = (flag(["transpose_a", "adj_x"]), flag(["transpose_b", "adj_y"]));
    let (Some(a), Some(b)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let (a, b) = (turned(a, left), turned(b, right));
    let ([outer_a @ .., rows, _], [outer_b @ .., _, columns]) = (a.as_slice(), b.as_slice()) else {
        return Err(Mismatch(format!("{} and {} are no matrices", show(&a), show(&b))));
    };
    let mut shape = broadcast(outer_a, outer_b)?;
    shape.extend([rows.clone(), columns.clone()]);
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn pad(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let node = call.node;
    let list = ["paddings", "pad_width", "arg1"].iter().find_map(|name| node.ints(name));
    let shape = match (call.shape(0), list) {
        (Some(shape), Some(list)) if list.len() == shape.len() * 2 => {
            let more = |pair: &[i64]| Dim::known(pair.iter().fold(0i64, |sum, side| sum.saturating_add(*side)));
            Some(shape.iter().zip(list.chunks(2)).map(|(dim, pair)| dim.add(&more(pair))).collect())
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}
