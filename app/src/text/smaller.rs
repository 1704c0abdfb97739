//! What the model would be with fewer bits, fewer weights, a student in its place, or other software.

use estimator::format;
use estimator::report::WhatIf;

pub const TITLE: &str = "What if it were smaller?";
pub const LEDE: &str = "Size, traffic, arithmetic, time and energy are different things: a model that is four times smaller is seldom four times cheaper to run. Choose a change and see each of them apart. Accuracy is never estimated here, only quoted.";
pub const OF_SERVING: &str =
    "These figures are of serving the model, one request after the other on one device; training is left as it is.";
pub const CHOICES: &str = "The change";
pub const QUANTIZE: &str = "Bits";
pub const GROUP: &str = "Weights that share a scale";
pub const PRUNE: &str = "Weights left out";
pub const DISTIL: &str = "A student in its place";
pub const SOFTWARE: &str = "Software";
pub const KEEP: &str = "Leave alone";
pub const KEEP_NAMES: &str = "Layers to leave alone, by name";
pub const KEEP_HELP: &str = "Names with commas between them; * at either end stands for any text, as in layer1.*";
pub const NOTHING: &str = "as it is";
pub const USUAL_GROUP: &str = "the usual group";
pub const CLEAR: &str = "Undo the change";
pub const NONE_CHOSEN: &str = "Nothing is changed yet. Choose fewer bits, for example, and see what that does.";
pub const CHART: &str = "What stays of each, in percent of what it is now";
pub const CHART_HEAD: [&str; 2] = ["What", "After, of before"];
pub const TABLE: &str = "Before and after";
pub const COLUMNS: [&str; 4] = ["", "Before", "After", "After over before"];
pub const WARNINGS: &str = "What to know";
pub const PUBLISHED: &str = "What others measured of such changes";
pub const PUBLISHED_COLUMNS: [&str; 5] = ["Change", "Model", "On", "Result", "Source"];
pub const LAYERS_NOT_HERE: &str = "Open the model’s file to leave layers out by name.";
pub const FILE: &str = "File";
pub const WEIGHTS: &str = "Weights in memory";
pub const PARAMETERS: &str = "Parameters";
pub const MACS: &str = "MACs of a pass";
pub const TRAFFIC: &str = "Bytes moved by a pass";
pub const KERNELS: &str = "Kernels of a pass";
pub const TIME: &str = "Time of a request";
pub const ENERGY: &str = "Energy of a request";
pub const CO2E: &str = "Emissions of a request";
pub const MONEY_RENT: &str = "Rent of 1,000 requests";
pub const MONEY_ELECTRICITY: &str = "Electricity of 1,000 requests";
pub const COMPUTED_IN: &str = "Computed in";

/// The three ends of models that can be left alone, with the words that scenarios use.
pub const KEPT: [(&str, &str); 3] =
    [("first", "the first layer"), ("last", "the last layer"), ("embeddings", "the embeddings")];

pub fn format(code: &str) -> &str {
    match code {
        "fp16" => "FP16",
        "bf16" => "BF16",
        "fp8" => "FP8, weights and activations",
        "int8" => "INT8, weights and activations",
        "int8-weight-only" => "INT8, weights alone",
        "int4-act8" => "INT4 weights, 8-bit activations",
        "int4-weight-only" => "INT4, weights alone",
        "int4" => "INT4, weights and activations",
        "fp4" => "FP4 with block scales",
        other => other,
    }
}

pub const PRUNES: [(&str, &str); 6] = [
    ("2:4", "two of every four (2:4)"),
    ("structured:0.3", "30 % of the channels"),
    ("structured:0.5", "half of the channels"),
    ("unstructured:0.5", "half of the weights, anywhere"),
    ("unstructured:0.9:bitmap", "90 % of the weights, stored as a bitmap"),
    ("unstructured:0.9:csr", "90 % of the weights, stored as sparse rows"),
];
pub const DISTILS: [(&str, &str); 4] = [
    ("layers=0.5,width=1", "half of the layers"),
    ("layers=1,width=0.5", "half of the width"),
    ("layers=0.5,width=0.7", "half of the layers, 70 % of the width"),
    ("layers=0.5,width=0.5", "half of the layers and of the width"),
];
pub const SOFTWARES: [(&str, &str); 3] =
    [("eager", "operator by operator"), ("fused", "operators joined"), ("graph", "joined, and started together")];

/// A choice that a link brought and the list does not offer.
pub fn own(word: &str) -> String {
    format!("as in the link: {word}")
}

pub fn group(size: u64) -> String {
    format!("{} weights", format::whole(size))
}

pub fn times(ratio: f64) -> String {
    format!("× {}", format::number(ratio))
}

pub fn span(low: f64, high: f64) -> String {
    format!("× {} to {}", format::number(low), format::number(high))
}

/// The sentence above the chart and for screen readers.
pub fn summary(found: &WhatIf) -> String {
    let percent = |ratio: f64| format!("{} %", format::number((ratio * 1000.0).round() / 10.0));
    let memory = found.after.weight_bytes.0 / found.before.weight_bytes.0.max(1.0);
    format!(
        "With {}, the weights take {} of the memory, and {} takes {} of the time and {} of the energy ({} to {}).",
        found.changes.join(" and "),
        percent(memory),
        found.scope,
        percent(found.ratio.time.central.0),
        percent(found.ratio.energy.central.0),
        percent(found.ratio.energy.low.0),
        percent(found.ratio.energy.high.0)
    )
}
