//! The model.

use super::plural;
use crate::numbers;
use estimator::format;
use estimator::report::{Inspection, Transformer};
use estimator::scenario::ModelRef;
use std::collections::BTreeMap;

pub const SAVE: &str = "Save the counts as JSON";
pub const BY_SIZE_HELP: &str = "A language model of which only the size is known. For each token it computes with every active parameter once, which is two FLOPs each; everything on the page follows. Open its file to know more.";
pub const IN_WORDS: &str = "Or describe its architecture in words";
pub const IN_WORDS_EXAMPLE: &str = "32 layers, d=4096, 32 heads, 8 kv heads";
pub const IN_WORDS_HELP: &str = "Such as “7B dense transformer, 32 layers, d=4096, 32 heads, 8 kv heads, ffn 11008, vocab 32000”. What is not said takes the value that most models of this shape have, and a note says so.";
pub const COUNT: &str = "Count it";
pub fn led_by(file: &str) -> String {
    format!("Read from {file}, which leads among the files that came along.")
}
pub const SIZE: &str = "Parameters";
pub const SIZE_HELP: &str = "Such as 8B, 70B or 1.5T.";
pub const ACTIVE: &str = "Active parameters";
pub const ACTIVE_HELP: &str = "Those that one token uses: fewer than all of them in a mixture of experts.";
/// The size of a model as its makers write it: 8B, 1.5T.
pub fn size(parameters: f64) -> String {
    format::count(parameters).replace(" G", "B").replace(' ', "")
}
pub fn by_size(parameters: f64, active: Option<f64>) -> String {
    match active {
        Some(active) => format!("a model of {} parameters, {} of them active,", size(parameters), size(active)),
        None => format!("a model of {} parameters", size(parameters)),
    }
}
pub const DESCRIBED: &str = "A model of your own description";
pub const PARAMETERS: &str = "Parameters";
pub const MACS: &str = "MACs";
pub const FLOPS: &str = "FLOPs";
pub const WEIGHTS: &str = "Weights";
pub const PEAK: &str = "Peak activations";
pub const INTENSITY: &str = "Arithmetic intensity";
pub const BITS: &str = "Bits per weight";
pub const BITS_HELP: &str = "scales and what else comes with them included";
pub const ACTIVE_FOR_ONE: &str = "used by one token";
pub const TOKEN_MACS: &str = "MACs of one more token";
pub const CACHE: &str = "KV cache for each token";
pub const CACHE_HELP: &str = "in all layers, 16 bits an element";

/// What one counted pass is.
pub fn pass(told: &Transformer) -> String {
    match told.tokens {
        Some(tokens) => {
            format!("one pass over {}", plural(usize::try_from(tokens).unwrap_or(usize::MAX), "token", "tokens"))
        }
        None if told.input.is_empty() => "one forward pass".to_owned(),
        None => format!("one pass over {}", told.input),
    }
}
pub fn step(told: &Transformer) -> String {
    let context = told.context.map_or_else(|| super::NOT_KNOWN.to_owned(), format::whole);
    format!("one step of an answer, with {context} in context")
}
pub fn architecture(told: &Transformer) -> String {
    match (told.approximate, told.family.is_empty()) {
        (true, _) => format!("An architecture that is not known here, by {}: approximated", told.origin),
        (false, true) => format!("The architecture, by {}", told.origin),
        (false, false) => format!("{}, by {}", told.family, told.origin),
    }
}
/// What hyper-parameters say of a network, as names and values; what does not apply is left out.
pub fn facts(told: &Transformer) -> Vec<(&'static str, String)> {
    let whole = |count: u64| (count > 0).then(|| format::whole(count));
    let count = |count: u64| (count > 0).then(|| numbers::count(count, "").text());
    let heads = whole(told.heads).map(|heads| match told.kv_heads {
        kv if kv == told.heads || kv == 0 => format!("{heads} of {}", told.head_dim),
        kv => format!("{heads} of {}, sharing {} of keys and values", told.head_dim, format::whole(kv)),
    });
    let experts = told.experts.zip(told.experts_per_token);
    let experts =
        experts.map(|(all, used)| format!("{} of {} for each token", format::whole(used), format::whole(all)));
    let tied = told.tied_embeddings.map(|tied| if tied { "the input embedding" } else { "of its own" }.to_owned());
    let read = told.weight_bytes_per_token.map(|bytes| numbers::size(bytes).text());
    let all = [
        ("Class", Some(told.class.clone()).filter(|class| !class.is_empty())),
        ("Layers", whole(told.layers)),
        ("Width", whole(told.hidden_size)),
        ("Heads", heads),
        ("Experts", experts),
        ("Vocabulary", whole(told.vocabulary)),
        ("Window", told.window.map(|window| format!("{} tokens", format::whole(window)))),
        ("Made for", told.context_length.map(|length| format!("{} tokens", format::whole(length)))),
        ("Input embedding", count(told.embedding_parameters)),
        ("Output head", tied),
        ("Without embeddings", count(told.non_embedding_parameters)),
        ("Weights read for a token", read),
        ("Attention’s share of MACs", told.attention_share.map(numbers::percent)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
pub const OPTIMIZER: &str = "Optimizer state";
pub const OPTIMIZER_HELP: &str = "kept for training, beside the weights";
pub const NO_GRAPH: &str = "This file holds weights and no graph";
pub const NO_GRAPH_REMEDY: &str = "It does not say what is computed with them, so there are no MACs. Open its folder as a whole, or its config.json along with it, or the same model as ONNX.";
pub const TWO_PER_MAC: &str = "2 × MACs, by definition";
pub const PEAK_HELP: &str = "alive at once, buffers reused";
pub const FLOPS_PER_BYTE: &str = "FLOPs/byte";
pub const PER_BYTE: &str = "FLOPs per byte moved";
pub const DIMENSIONS: &str = "Open dimensions";
pub const DIMENSIONS_HELP: &str = "The file leaves these open. Everything on the page follows what you choose.";
pub const DATA_DIMENSIONS_HELP: &str = "How many of something the model finds, or how often it goes round. Taken as the most there can be where that is known.";
pub const ABOUT: &str = "About this file";
pub const INPUTS: &str = "Inputs";
pub const OUTPUTS: &str = "Outputs";

pub const DATA_DIMENSIONS: &str = "Dimensions that depend on the data";

/// What the list of these dimensions is called, beside others or alone.
pub fn data_dimensions(count: usize, alone: bool) -> String {
    match (count, alone) {
        (1, false) => "One more depends on the data".to_owned(),
        (_, false) => format!("{count} more depend on the data"),
        (1, true) => "Show it".to_owned(),
        (_, true) => format!("Show all {count}"),
    }
}
pub fn paper(paper: &str, year: u16) -> String {
    if paper.is_empty() { format!("{year}") } else { format!("{paper}.") }
}
pub fn of_network(parameters: u64) -> String {
    format!("in this file; {} in the network, see the notes", numbers::count(parameters, "").text())
}
pub fn buffers(count: u64) -> String {
    if count == 0 { String::new() } else { format!("and {} buffers", numbers::count(count, "").text()) }
}
pub fn dtypes(types: &BTreeMap<String, u64>) -> String {
    let names: Vec<&str> = types.keys().map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!("as stored, {}", names.join(", ")) }
}
pub fn one_pass(operations: Option<u64>) -> String {
    match operations {
        Some(count) => format!("one forward pass, beside {} other operations", numbers::count(count, "").text()),
        None => "one forward pass".to_owned(),
    }
}
pub fn not_counted(kinds: usize, share: f64) -> String {
    format!(
        "{} without a formula, {} of all nodes: not counted",
        plural(kinds, "operator", "operators"),
        numbers::percent(share)
    )
}
pub fn nodes(count: u64, share: f64) -> String {
    format!("{}, {}", plural(usize::try_from(count).unwrap_or(usize::MAX), "node", "nodes"), numbers::percent(share))
}
pub fn warnings(count: usize) -> String {
    plural(count, "thing to be careful about", "things to be careful about")
}
pub fn infos(count: usize) -> String {
    plural(count, "note", "notes")
}
pub fn absent(model: &ModelRef) -> String {
    match model {
        ModelRef::File { name, summary: Some(_) } => format!(
            "This link carries a summary of {name}, from which the estimate is made. Open the file to see its layers."
        ),
        ModelRef::File { name, summary: None } => {
            format!("This link is about {name}, a file that it cannot carry. Open the file to go on.")
        }
        ModelRef::Counts { .. } | ModelRef::Gallery { .. } | ModelRef::Url { .. } => {
            "No model is shown. Open a file, an address or an example.".to_owned()
        }
    }
}
/// What is to be said of a file, as names and values.
pub fn about(counts: &Inspection) -> Vec<(&str, String)> {
    let mut pairs = vec![(
        "Format",
        match counts.format_version {
            Some(version) => format!("{}, version {version}", counts.format.to_uppercase()),
            None => counts.format.to_uppercase(),
        },
    )];
    if !counts.producer.is_empty() {
        pairs.push(("Written by", counts.producer.clone()));
    }
    let opsets: Vec<String> = counts.opsets.iter().map(|(domain, version)| format!("{domain} {version}")).collect();
    if !opsets.is_empty() {
        pairs.push(("Operator sets", opsets.join(", ")));
    }
    let (size, read) = (numbers::size(counts.file_bytes).text(), numbers::size(counts.bytes_read).text());
    pairs.push(("Size", format!("{size}, of which {read} were read")));
    let kind = if counts.weights_only { "Modules with weights" } else { "Nodes that run" };
    pairs.push((kind, format::whole(counts.layers.len() as u64)));
    let types: Vec<String> =
        counts.dtypes.iter().map(|(dtype, count)| format!("{} {dtype}", numbers::count(*count, "").text())).collect();
    if !types.is_empty() {
        pairs.push(("Parameters by type", types.join(", ")));
    }
    pairs.extend(counts.properties.iter().map(|(name, text)| (name.as_str(), text.clone())));
    pairs
}
