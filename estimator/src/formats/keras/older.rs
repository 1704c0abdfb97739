//! Layers of Keras 1, said in the words of Keras 2 and 3.

use serde_json::{Map, Value, json};

/// A class of layers by its present name.
pub(super) fn class(name: &str) -> &str {
    match name {
        "Convolution1D" => "Conv1D",
        "Convolution2D" | "AtrousConvolution2D" => "Conv2D",
        "Convolution3D" => "Conv3D",
        "SeparableConvolution2D" => "SeparableConv2D",
        "Deconvolution2D" | "Convolution2DTranspose" => "Conv2DTranspose",
        "SeparableConvolution1D" => "SeparableConv1D",
        "Convolution1DTranspose" => "Conv1DTranspose",
        "Convolution3DTranspose" => "Conv3DTranspose",
        "CuDNNLSTM" => "LSTM",
        "CuDNNGRU" => "GRU",
        "BatchNormalizationV1" | "BatchNormalizationV2" | "SyncBatchNormalization" => "BatchNormalization",
        "GlobalMaxPool1D" => "GlobalMaxPooling1D",
        "GlobalMaxPool2D" => "GlobalMaxPooling2D",
        "GlobalMaxPool3D" => "GlobalMaxPooling3D",
        "GlobalAvgPool1D" => "GlobalAveragePooling1D",
        "GlobalAvgPool2D" => "GlobalAveragePooling2D",
        "GlobalAvgPool3D" => "GlobalAveragePooling3D",
        "MaxPool1D" => "MaxPooling1D",
        "MaxPool2D" => "MaxPooling2D",
        "MaxPool3D" => "MaxPooling3D",
        "AvgPool1D" => "AveragePooling1D",
        "AvgPool2D" => "AveragePooling2D",
        "AvgPool3D" => "AveragePooling3D",
        other => other,
    }
}

/// A layer's settings by their present names; empty where nothing is to be said anew.
pub(super) fn settings(class: &str, config: &Map<String, Value>) -> Vec<(&'static str, Value)> {
    let mut said = Vec::new();
    let mut rename = |old: &str, new: &'static str| {
        if let (Some(value), None) = (config.get(old), config.get(new)) {
            said.push((new, value.clone()));
        }
    };
    rename("nb_filter", "filters");
    rename("border_mode", "padding");
    rename("subsample", "strides");
    rename("subsample_length", "strides");
    rename("filter_length", "kernel_size");
    rename("atrous_rate", "dilation_rate");
    rename("bias", "use_bias");
    rename("pool_length", "pool_size");
    rename("stride", "strides");
    if !matches!(class, "Embedding") {
        rename("output_dim", "units");
    }
    let sides: Option<Vec<Value>> = match config.get("kernel_dim1") {
        Some(first) => [Some(first), config.get("kernel_dim2"), config.get("kernel_dim3")]
            .into_iter()
            .map(|side| side.cloned())
            .collect(),
        None => [config.get("nb_row"), config.get("nb_col")].into_iter().map(|side| side.cloned()).collect(),
    };
    if let Some(sides) = sides {
        said.push(("kernel_size", Value::Array(sides)));
    }
    match config.get("dim_ordering").and_then(Value::as_str) {
        Some("th") => said.push(("data_format", json!("channels_first"))),
        Some("tf") => said.push(("data_format", json!("channels_last"))),
        _ => {}
    }
    said
}

/// What the layer `Merge` does by its mode.
pub(super) fn merge(mode: Option<&str>) -> &'static str {
    match mode {
        Some("concat") => "Concatenate",
        Some("mul") => "Multiply",
        Some("ave") => "Average",
        Some("max") => "Maximum",
        Some("dot" | "cos") => "Dot",
        _ => "Add",
    }
}
