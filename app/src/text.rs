//! Every sentence of the page, so that they can be read, corrected and translated in one place.

/// What stands where a number cannot be known.
pub const NOT_KNOWN: &str = "not known";

/// One of something, or several.
fn plural(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", estimator::format::whole(count as u64)) }
}

/// A name inside a sentence: its first letter is small unless its first word is written in capitals, such as PUE.
pub fn inside_sentence(name: &str) -> String {
    let mut letters = name.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => name.to_owned(),
    }
}

/// The page as a whole.
pub mod page {
    #![allow(missing_docs)]
    pub const NAME: &str = "Greenprint";
    /// The longest link that is printed: nobody types a longer one in again.
    pub const LONGEST_PRINTED: usize = 300;
    pub fn printed(link: &str) -> String {
        if link.len() > LONGEST_PRINTED {
            "Estimated with Greenprint.".to_owned()
        } else {
            format!("Estimated with Greenprint. The same page again: {link}")
        }
    }
    pub const HEADLINE: &str = "What a model costs, before you train or deploy it";
    pub const STANDFIRST: &str = "Drop a model file or folder anywhere on this page to see its parameters and FLOPs, and the time, energy and CO₂ of training or serving it. \
        It is read in your browser: not one byte leaves your machine.";
    pub const START_ANEW: &str = "Greenprint, start anew";
    pub const SKIP: &str = "Skip to the estimate";
    pub const PARTS: &str = "Parts of the page";
    pub const LINKS: [(&str, &str); 5] = [
        ("model", "Model"),
        ("estimate", "Estimate"),
        ("changes", "What matters"),
        ("inside", "Inside"),
        ("layers", "Layers"),
    ];
    pub const COPY_LINK: &str = "Copy link";
    pub const COPIED: &str = "Copied";
    pub const NOT_COPIED: &str = "Could not copy";
    pub const TO_DARK: &str = "Use dark colours";
    pub const TO_LIGHT: &str = "Use light colours";
    pub const CLOSE: &str = "Close";
    pub const DISMISS: &str = "Dismiss";
}

/// Where models come in.
pub mod intake {
    #![allow(missing_docs)]
    pub const OPEN_FILE: &str = "Open a file…";
    pub const OPEN_FOLDER: &str = "Open a folder…";
    pub const DESCRIBE: &str = "Describe a model";
    /// What can be opened.
    pub fn formats() -> String {
        format!("Opens {}; several files together and whole folders too.", estimator::formats::NAMES.join(", "))
    }
    pub const ADDRESS: &str = "Address of a model file, or hf:organisation/name";
    pub const ADDRESS_EXAMPLE: &str = "https://…/model.onnx or hf:org/name";
    pub const PRIVATE: &str = "Private repository?";
    pub const TOKEN: &str = "Access token of the Hugging Face hub";
    pub const TOKEN_HELP: &str = "It is sent to the hub alone, kept in memory, and gone when you close or reload the page. A token that may only read is enough.";
    pub const OPEN_ADDRESS: &str = "Open address";
    pub const ADDRESS_WRONG: &str = "An address begins with https:// or http://, a repository of the hub with hf:.";
    pub const EXAMPLES: &str = "Or look at an example";
    pub const ALL_EXAMPLES: &str = "Examples";
    pub const EXAMPLES_LOADING: &str = "Loading the examples…";
    pub const DROP_HERE: &str = "Drop the model to open it";
    pub const PROGRESS: &str = "Progress of reading";
    pub const CANCEL: &str = "Cancel";
    pub const BAD_LINK: &str = "This link could not be understood";

    pub fn examples_failed(why: &str) -> String {
        format!(
            "The examples could not be loaded ({why}). Opening files and addresses still works; reload the page to try again."
        )
    }
    pub fn all(count: usize) -> String {
        format!("All {count} examples…")
    }
    pub fn reading(name: &str) -> String {
        format!("Reading {name}…")
    }
    pub fn reached(at: &str, of: &str) -> String {
        format!("{at} of {of}")
    }
    pub fn card(task: &str, parameters: &str) -> String {
        format!("{task} · {parameters}")
    }
    pub fn published(year: u16) -> String {
        format!("({year})")
    }
    pub fn not_read(name: &str) -> String {
        if name.is_empty() { "The model could not be read".to_owned() } else { format!("{name} could not be read") }
    }
    pub fn several(first: &str, others: usize) -> String {
        format!("{first} and {others} more")
    }
    pub const NOTHING_KNOWN: &str =
        "nothing behind its # is a setting of this page; it may have been cut when it was copied";
    pub fn bad_link_at_start(why: &str) -> String {
        format!("{} The example is shown instead.", sentence(why))
    }
    pub fn bad_link(why: &str) -> String {
        format!("{} The page stays as it was.", sentence(why))
    }
    /// Words as a sentence: a capital at the beginning and a full stop at the end.
    pub fn sentence(words: &str) -> String {
        let mut letters = words.chars();
        let mut text: String =
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
        if !text.is_empty() && !text.ends_with(['.', '!', '?']) {
            text.push('.');
        }
        text
    }
}

/// The model.
pub mod model {
    #![allow(missing_docs)]
    use super::plural;
    use crate::numbers;
    use estimator::format;
    use estimator::report::{Inspection, Transformer};
    use estimator::scenario::ModelRef;
    use std::collections::BTreeMap;

    pub const SAVE: &str = "Save the counts as JSON";
    pub const BY_SIZE_HELP: &str = "A language model of which only the size is known. For each token it computes with every active parameter once, which is two FLOPs each; everything on the page follows. Open its file to know more.";
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
        match (told.is_approximate, told.family.is_empty()) {
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
        format!(
            "{}, {}",
            plural(usize::try_from(count).unwrap_or(usize::MAX), "node", "nodes"),
            numbers::percent(share)
        )
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
        let types: Vec<String> = counts
            .dtypes
            .iter()
            .map(|(dtype, count)| format!("{} {dtype}", numbers::count(*count, "").text()))
            .collect();
        if !types.is_empty() {
            pairs.push(("Parameters by type", types.join(", ")));
        }
        pairs.extend(counts.properties.iter().map(|(name, text)| (name.as_str(), text.clone())));
        pairs
    }
}

/// The estimate.
pub mod estimate {
    #![allow(missing_docs)]
    pub const TITLE: &str = "The estimate";
}

/// What the model is to do.
pub mod job {
    #![allow(missing_docs)]
    pub const TITLE: &str = "The job";
    pub const TRAIN: &str = "Train it";
    pub const SERVE: &str = "Serve it";
    pub const SAMPLES: &str = "Training samples";
    pub const EPOCHS: &str = "Epochs";
    pub const TRAIN_BATCH: &str = "Batch, all devices together";
    pub const TOKENS: &str = "Training tokens";
    pub const TOKENS_HELP: &str = "Tokens read in the whole run, repeated ones too.";
    pub const TOKEN_BATCH: &str = "Sequences of one step, all devices together";
    pub fn usual(source: &str) -> String {
        format!("To start with: {}", super::intake::sentence(&super::inside_sentence(source)))
    }
    pub const GENERATES: &str = "A request is a prompt and its answer, token by token";
    pub const PROMPT: &str = "Prompt tokens";
    pub const OUTPUT: &str = "Answer tokens";
    pub const RECOMPUTE: &str = "Recompute activations in the backward pass";
    pub const REQUESTS: &str = "Requests a day";
    pub const REQUESTS_HELP: &str = "0 for a single request, without idle time.";
    pub const DAYS: &str = "Days";
    pub const SERVE_BATCH: &str = "Batch";
    pub const SERVE_BATCH_HELP: &str = "Requests computed together.";
}

/// The machines.
pub mod machine {
    #![allow(missing_docs)]
    use estimator::format::{self, Readable};
    use estimator::hardware::Device;

    pub const TITLE: &str = "The machine";
    pub const DEVICE: &str = "Hardware";
    pub const NONE: &str = "No such device. Try a part of its name, such as A100, 4090 or Jetson.";
    pub const COUNT: &str = "How many";
    pub const PRECISION: &str = "Precision";

    pub fn detail(device: &Device) -> String {
        match device.memory() {
            Some(memory) => format!("{}, {}", device.year, memory.readable()),
            None => device.year.to_string(),
        }
    }
    pub fn facts(device: &Device) -> String {
        let mut facts = Vec::new();
        let usual = estimator::energy::usual_precision(device);
        if let Some((precision, peak)) = usual.and_then(|precision| Some((precision, device.own_peak(precision)?))) {
            facts.push(format!("{} in {}", peak.readable(), precision.code().to_uppercase()));
        }
        if let Some(bandwidth) = device.memory_bandwidth {
            facts.push(format!("{}B/s", format::count(bandwidth.0)));
        }
        if let Some(power) = device.tdp {
            facts.push(format!("{} TDP", power.readable()));
        }
        facts.join(" · ").replace(' ', "\u{a0}").replace("\u{a0}·\u{a0}", " · ")
    }
    pub fn precision(code: &str) -> String {
        code.to_uppercase()
    }
    pub fn usual(code: Option<&str>) -> String {
        code.map_or_else(|| "The usual one".to_owned(), |code| format!("Usual ({})", code.to_uppercase()))
    }
}

/// Where the machines stand.
pub mod place {
    #![allow(missing_docs)]
    use estimator::carbon::places::Place;
    use estimator::format;

    pub const TITLE: &str = "The place";
    pub const REGION: &str = "Country, city or cloud region";
    pub const NONE: &str = "No such place. Try a country, a city such as Dublin, or a cloud region such as us-east-1.";

    pub fn detail(place: Place) -> String {
        let intensity = place.grid().map(|grid| format!("{} g/kWh", format::number(grid.intensity.value.0)));
        let intensity = intensity.unwrap_or_default();
        match place {
            Place::Grid(_) => intensity,
            Place::Site(site) if site.region.is_empty() => intensity,
            Place::Site(site) => format!("{} · {intensity}", site.region),
        }
    }
    pub fn facts(place: Place) -> String {
        let Some(grid) = place.grid() else { return String::new() };
        let intensity = &grid.intensity;
        format!(
            "{} gCO₂e/kWh, {} ({}, {})",
            format::number(intensity.value.0),
            intensity.basis.word(),
            intensity.evidence.source.publisher,
            intensity.evidence.year
        )
    }
}

/// The result.
pub mod result {
    #![allow(missing_docs)]
    use crate::numbers;
    use estimator::format;

    pub const TITLE: &str = "Result";
    pub const WAITING: &str = "The estimate appears as soon as the model has been read.";
    pub const NO_ESTIMATE: &str = "There is no estimate for this";
    pub const CO2: &str = "Emissions";
    pub const CO2_HELP: &str = "of the electricity used";
    pub const ENERGY: &str = "Energy";
    pub const ENERGY_HELP: &str = "at the building’s meter";
    pub const COST: &str = "Electricity bill";
    pub const WATER: &str = "Water";
    pub const EMBODIED: &str = "Making the machines";
    pub const EMBODIED_HELP: &str = "their share, on top";
    pub const AND: &str = " of electricity and emits about ";
    pub const PARTS: &str = "Where the energy goes";
    pub const PART_NAMES: [&str; 5] = ["Accelerators", "Hosts", "Network", "Idle", "Cooling and losses"];
    pub fn as_much_as(total: &str) -> String {
        format!("{total} CO₂e, making included, is as much as")
    }
    pub fn altogether(total: &str, span: &str) -> String {
        format!("With the share of making the machines: {total} CO₂e ({span}).")
    }
    pub const MORE_EQUIVALENTS: &str = "More comparisons, and their sources";
    pub const HOW: &str = "How was this computed?";
    pub const HOW_TITLE: &str = "How this was computed";
    pub const SAVE: &str = "Save as JSON";
    pub const PRINT: &str = "Print, or save as PDF";
    pub const HOW_LEDE: &str = "Each line is a formula, the same with your numbers in it, and its result. Central figures; the assumptions behind them are listed on the page.";
    pub const HOW_RANGES: &str =
        "Low and high figures come from the spans of the assumptions, combined as independent errors.";

    pub fn hours(training: bool) -> &'static str {
        if training { "Time" } else { "Time covered" }
    }
    pub fn machines(count: u64, device: &str) -> String {
        if count == 1 { format!("one {device}") } else { format!("{} × {device}", format::whole(count)) }
    }
    pub fn training(name: &str, epochs: f64, machines: &str, time: &str) -> String {
        let epochs = if epochs == 1.0 { "one epoch".to_owned() } else { format!("{} epochs", format::number(epochs)) };
        format!("Training {name} for {epochs} on {machines} takes about {time},")
    }
    pub fn training_tokens(name: &str, tokens: f64, machines: &str, time: &str) -> String {
        let tokens = super::model::size(tokens);
        format!("Training {name} on {tokens} tokens with {machines} takes about {time},")
    }
    pub fn serving(name: &str, scope: &str, machines: &str) -> String {
        format!("Serving {name} on {machines}, {scope}, takes about")
    }
    pub fn between(span: &str) -> String {
        format!(" (likely {span}).")
    }
    pub fn per_request(amount: &str, span: &str) -> String {
        format!("One request: {amount} at the meter ({span}), idle share included.")
    }
    pub fn per_token(amount: &str, span: &str) -> String {
        format!("One token of the answer: {amount} at the meter ({span}), prompt and idle share included.")
    }
    pub fn per_trained_token(amount: &str, span: &str) -> String {
        format!("One token read in training: {amount} at the meter ({span}).")
    }
    pub fn first_token(amount: &str, span: &str) -> String {
        format!("Time to the first token: {amount} ({span}).")
    }
    pub fn between_tokens(amount: &str, span: &str) -> String {
        format!("Time between tokens: {amount} ({span}).")
    }
    pub fn latency(amount: &str, span: &str) -> String {
        format!("Latency of a batch: {amount} ({span}), without queueing.")
    }
    pub fn load(central: f64, high: f64, capacity: f64) -> String {
        let capacity = format::number(capacity);
        if central > 1.0 {
            format!(
                "Overloaded: the machines can answer {capacity} requests a second, and {} of that is asked for.",
                numbers::percent(central)
            )
        } else if high > 1.0 {
            format!(
                "Load: {} of the {capacity} requests a second that the machines can answer; at the high end they could not keep up.",
                numbers::percent(central)
            )
        } else {
            format!(
                "Load: {} of the {capacity} requests a second that the machines can answer.",
                numbers::percent(central)
            )
        }
    }
    pub fn bound(compute: f64, memory: f64, overhead: f64) -> String {
        format!(
            "Of the time of a batch, {} is bound by computing, {} by memory, {} goes into starting layers.",
            numbers::percent(compute),
            numbers::percent(memory),
            numbers::percent(overhead)
        )
    }
    pub fn memory(needed: &str, is_least: bool, available: Option<&str>, fits: Option<bool>) -> String {
        let about = if is_least { "at least" } else { "about" };
        match (available, fits) {
            (Some(available), Some(true)) => {
                format!("Memory: needs {about} {needed} of each device’s {available}. It fits.")
            }
            (Some(available), Some(false)) => {
                format!("Memory: needs {about} {needed}, and each device has {available}.")
            }
            (Some(available), None) => {
                format!(
                    "Memory: needs {about} {needed} of each device’s {available}; whether it fits depends on what is not known."
                )
            }
            (None, _) => format!("Memory: needs {about} {needed} on each device."),
        }
    }
    pub const NO_OPERATIONS: &str = "The file holds weights and does not say what is computed with them. Open it together with its config.json, or go by its size.";
    pub const OBSTACLE: &str = "This cannot run as described";
    pub fn use_devices(count: u64) -> String {
        if count == 1 { "Use one device".to_owned() } else { format!("Use {} devices", format::whole(count)) }
    }
    pub fn by_size(parameters: u64) -> String {
        format!("Estimate it as a language model of {} parameters", super::model::size(parameters as f64))
    }
    pub fn memory_parts(parts: &[String]) -> String {
        format!("({})", parts.join(", "))
    }
}

/// What changes the result.
pub mod changes {
    #![allow(missing_docs)]
    pub const TITLE: &str = "What changes it most?";
    pub const LEDE: &str = "Each line changes one thing and leaves the rest as you set it. The longer the bar, the more that choice or assumption matters.";
    pub const CHART: &str = "Emissions if one thing were different, making included";
    pub const NOTHING: &str = "Nothing that could be changed would move this result.";
}

/// The assumptions.
pub mod assumptions {
    #![allow(missing_docs)]
    use super::plural;

    pub const TITLE: &str = "What this rests on";
    pub const SHOW: &str = "Show and change the assumptions";
    pub const RESET: &str = "Reset";

    pub fn lede(count: usize) -> String {
        format!(
            "{}, each with its source. Change any of them, and everything follows.",
            plural(count, "assumption", "assumptions")
        )
    }
    pub fn reset(count: usize) -> String {
        format!("Reset {}", plural(count, "changed assumption", "changed assumptions"))
    }
    pub fn reset_one(name: &str) -> String {
        format!("Reset {}", super::inside_sentence(name))
    }
    pub fn span(low: &str, high: &str, unit: &str) -> String {
        format!("Likely between {low} and {high} {unit}").trim_end().to_owned()
    }
    pub fn source(source: &str) -> String {
        format!("Source: {source}")
    }
    pub fn set_by_you() -> String {
        "Set by you.".to_owned()
    }
}

/// Inside the model.
pub mod inside {
    #![allow(missing_docs)]
    use crate::derive::Measure;

    pub const TITLE: &str = "Inside the model";
    pub const MEASURE: &str = "What to show";
    pub const GROUPING: &str = "Gather by";
    pub const COMPUTE: &str = "Compute";
    pub const PARAMETERS: &str = "Parameters";
    pub const MEMORY: &str = "Memory";
    pub const BY_OPERATOR: &str = "By operator";
    pub const BY_KIND: &str = "By kind";
    pub const BY_MODULE: &str = "By module";
    pub const BY_PART: &str = "By part";
    pub const BY_LAYER: &str = "By layer";
    pub const NO_ROOFLINE: &str = "No roofline: the peak or the memory bandwidth of this device is not published.";

    pub fn breakdown(measure: Measure) -> &'static str {
        match measure {
            Measure::Compute => "Where the compute goes",
            Measure::Parameters => "Where the parameters are",
            Measure::Memory => "Where the memory goes",
        }
    }
    pub fn roofline(device: &str) -> String {
        format!("What limits the layers on {device}")
    }
}

/// The table of layers.
pub mod layers {
    #![allow(missing_docs)]
    use super::plural;

    pub const TITLE: &str = "Layer by layer";
    pub const MODULES: &str = "Module by module";
    pub const TABLE: &str = "Table of all layers";
    pub const FILTER: &str = "Filter by name, operator or shape";
    pub const FILTER_MODULES: &str = "Filter by name";
    pub const ARRANGE: &str = "Arrange";
    pub const IN_ORDER: &str = "In order";
    pub const NO_PART: &str = "(top level)";
    pub const COLUMNS: [&str; 9] =
        ["No.", "Name", "Operator", "Output", "Parameters", "MACs", "Other ops", "Weights", "Activations"];

    pub fn count(kept: usize, all: usize, modules: bool) -> String {
        let (one, many) = if modules { ("module", "modules") } else { ("layer", "layers") };
        if kept == all {
            plural(all, one, many)
        } else {
            format!("{} of {}", estimator::format::whole(kept as u64), plural(all, one, many))
        }
    }
    pub fn none(filter: &str) -> String {
        if filter.is_empty() { "There are no layers.".to_owned() } else { format!("No layer matches “{filter}”.") }
    }
    pub fn times(times: u64) -> String {
        format!(" (runs {} times)", estimator::format::whole(times))
    }
}

/// Charts.
pub mod charts {
    #![allow(missing_docs)]
    use crate::derive::{Grouping, Measure};
    use crate::numbers;
    use estimator::format::{self, Readable};
    use estimator::units::{BytesPerSecond, FlopsPerSecond};

    pub const AS_TABLE: &str = "The same as a table";
    pub const SAVE: &str = "Save as SVG";
    pub const ROOFLINE_AXES: [&str; 2] = ["FLOPs per byte moved", "FLOP/s within reach"];
    pub const ROOFLINE_HEAD: [&str; 4] = ["Layer", "FLOPs per byte", "Bound by", "Share of the time"];
    pub const BOUNDS: [&str; 2] = ["computing", "memory"];
    pub const TORNADO_HEAD: [&str; 3] = ["If this were different", "Least emissions", "Most emissions"];

    pub fn as_table(title: &str) -> String {
        format!("{title}, as a table")
    }
    pub fn rest(count: usize) -> String {
        format!("{count} others")
    }
    pub fn group_head(grouping: Grouping) -> &'static str {
        match grouping {
            Grouping::None => "Layer",
            Grouping::Operator => "Operator",
            Grouping::Part => "Part",
        }
    }
    pub fn measure_head(measure: Measure) -> &'static str {
        match measure {
            Measure::Compute => "MACs",
            Measure::Parameters => "Parameters",
            Measure::Memory => "Weights and outputs",
        }
    }
    pub fn breakdown(measure: Measure, first: Option<(&str, f64)>) -> String {
        let what = match measure {
            Measure::Compute => "the multiply-accumulates",
            Measure::Parameters => "the parameters",
            Measure::Memory => "the bytes of weights and outputs",
        };
        match first {
            Some((label, share)) => format!("{label} has {} of {what}.", numbers::percent(share)),
            None => format!("Nothing to show: {what} are not known or there are none."),
        }
    }
    pub fn roofline(
        device: &str,
        batch: f64,
        precision: &str,
        peak: FlopsPerSecond,
        bandwidth: BytesPerSecond,
        ridge: f64,
        memory_share: f64,
    ) -> String {
        format!(
            "{device} computes at most {} in {} and moves {}B/s, so below {} FLOPs per byte its memory is the limit. For the job’s batch of {} on each device, at best {} of a forward pass is bound by memory. A larger circle takes longer; green is bound by computing.",
            peak.readable(),
            precision.to_uppercase(),
            format::count(bandwidth.0),
            format::number(ridge),
            format::number(batch),
            numbers::percent(memory_share),
        )
    }
    pub fn now(amount: &str) -> String {
        format!("Now: {amount} CO₂e, making included")
    }
    /// A mark on a scale of factors: what is multiplied, or divided, by how much.
    pub fn factor(factor: f64) -> String {
        if factor < 1.0 {
            format!("÷ {}", format::number(1.0 / factor))
        } else {
            format!("× {}", format::number(factor))
        }
    }
    pub fn tornado(first: Option<(&str, String, &str, String, &str)>) -> String {
        match first {
            Some((name, low, low_label, high, high_label)) => {
                let name = super::inside_sentence(name);
                format!(
                    "What matters most is the {name}: from {low} ({low_label}) to {high} ({high_label}). The scale is logarithmic: the same length is the same factor."
                )
            }
            None => "Nothing would change the result.".to_owned(),
        }
    }
}

/// Fields.
pub mod field {
    #![allow(missing_docs)]
    pub const NOT_A_NUMBER: &str = "Please type a number, such as 1,000 or 1.5M.";
    pub const NOT_WHOLE: &str = "Please type a whole number.";

    pub fn between(least: &str, most: &str) -> String {
        format!("Please type a number between {least} and {most}.")
    }
    pub fn slider(label: &str) -> String {
        format!("{label}, slider")
    }
}

/// Why a model could not be read, where the estimator does not say it itself.
pub mod fault {
    #![allow(missing_docs)]
    pub const NO_EXAMPLE: &str = "there is no example of this name";
    pub const CHOOSE_EXAMPLE: &str = "Choose one of the examples, or open a file or an address.";
    pub const NO_FILE: &str = "no file came along";
    pub const UNREADABLE_REMEDY: &str = "Check that the file still exists and may be read.";
    pub const NOTHING_READ: &str = "the model is no longer in memory";
    pub const OPEN_AGAIN: &str = "Open it again.";
    pub const BROWSER_REFUSED: &str = "the browser would not read it";
    pub const NO_LENGTH: &str = "the server does not say how long the file is";
    pub const NO_RANGES: &str = "the server sends the whole file instead of the parts asked for (it ignores Range requests), and the file is too large for that";
    pub const NO_CORS: &str = "the server does not let other pages read this file (it sends no CORS header)";
    pub const NO_SERVER: &str = "no server answers at this address";
    pub const OFFLINE: &str = "this machine is offline";
    pub const EMPTY: &str = "the file is empty";
    pub const BROKE_OFF: &str = "the connection broke off";
    pub const DOWNLOAD_FIRST: &str = "Download the file and open it from your disk.";
    pub const CHECK_ADDRESS: &str = "Check the address; it should lead to the file itself, not to a page about it.";
    pub const LOG_IN: &str = "If it lies in a private repository of the hub, give a token below the address; else download it with your account and open it from your disk.";
    pub const TOKEN_REFUSED: &str = "Check the token, and that its account may read this repository.";
    pub const NOT_AN_ADDRESS: &str = "this leads to no model";
    pub const NOT_A_MODEL_PAGE: &str = "this leads to a page of the hub that is no model";
    pub const ADDRESSES: &str =
        "Give the address of a file, or a repository of the hub as hf:organisation/name, with @revision if you like.";
    pub const OTHER_REPOSITORY: &str =
        "Look at the repository’s files and name one, as in hf:organisation/name/file.gguf.";
    pub const TRY_LATER: &str = "Try again later, or download the file and open it from your disk.";
    pub const TRY_AGAIN: &str = "Try again, or download the file and open it from your disk.";
    pub const TRY_ONLINE: &str = "Try again when it is online, or open a file from your disk.";
    pub const NO_START: &str = "it did not start";
    pub const OTHER_BUILD: &str = "the model reader is from another version of this page";
    pub const RELOAD: &str =
        "The rest of the page still works. Open the model again; if it happens again, reload the page.";

    pub fn at_byte(offset: u64) -> String {
        format!("at byte {}", estimator::format::whole(offset))
    }
    pub fn no_model_in(files: usize) -> String {
        format!("none of the repository’s {files} files is a model by its name")
    }
    pub fn odd_listing(why: &str) -> String {
        format!("the hub’s list of files cannot be read ({why})")
    }
    pub fn not_found(status: u16) -> String {
        format!("there is no such file on the server (status {status})")
    }
    pub fn forbidden(status: u16) -> String {
        format!("the server does not give out this file without a login (status {status})")
    }
    pub fn status(status: u16) -> String {
        format!("the server answered with status {status}")
    }
    pub fn worker_crashed(words: &str) -> String {
        format!("the model reader stopped with a fault of its own ({words})")
    }
}

/// Two files of one network.
pub mod compare {
    #![allow(missing_docs)]
    use crate::numbers;
    use estimator::compare::{Comparison, Reason};

    pub const TITLE: &str = "Compare with another file";
    pub const LEDE: &str = "The same network in another format, quantised, pruned or exported anew: which layers are the same, what differs, and why.";
    pub const OPEN: &str = "Open the other file…";
    pub const CLEAR: &str = "Put it away";
    pub const TOTALS: &str = "Counts of both files";
    pub const WHAT: &str = "Count";
    pub const DIFFERENCE: &str = "Difference";
    pub const WHY: &str = "Why they differ";
    pub const PARAMETERS: &str = "Parameters";
    pub const UNKNOWN: &str = "not known";

    pub fn what(code: &str) -> &str {
        match code {
            "parameters" => "Parameters",
            "buffers" => "Buffers",
            "macs" => "MACs",
            "other_operations" => "Other operations",
            "weight_bytes" => "Bytes of weights",
            "peak_activation_bytes" => "Bytes of activations at most",
            "file_bytes" => "Bytes of the file",
            code => code,
        }
    }
    pub fn signed(amount: i128) -> String {
        let size = numbers::count(u64::try_from(amount.unsigned_abs()).unwrap_or(u64::MAX), "").text();
        match amount {
            0 => "0".to_owned(),
            1.. => format!("+{size}"),
            _ => format!("−{size}"),
        }
    }
    pub fn amounts(reason: &Reason) -> String {
        let parts = [(reason.parameters, "parameters"), (reason.macs, "MACs"), (reason.bytes, "bytes")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(amount, _)| *amount != 0)
            .map(|(amount, of)| format!("{} {of}", signed(*amount)))
            .collect();
        if parts.is_empty() { String::new() } else { format!(" {}", parts.join(", ")) }
    }
    pub fn summary(first: &str, second: &str, found: &Comparison) -> String {
        let same = match found.matched {
            1 => "One layer is the same".to_owned(),
            count => format!("{} layers are the same", estimator::format::whole(count)),
        };
        let end = if found.reasons.is_empty() { "; nothing differs." } else { "." };
        format!("{same} in {first} (the first) and {second} (the second){end}")
    }
    pub fn layers(count: usize) -> String {
        match count {
            1 => "The layer that differs".to_owned(),
            count => format!("The {} layers that differ", estimator::format::whole(count as u64)),
        }
    }
    pub fn more(count: usize) -> String {
        format!("and {} more", estimator::format::whole(count as u64))
    }
}

/// Why tools disagree.
pub mod counters {
    #![allow(missing_docs)]
    use crate::numbers;

    pub const TITLE: &str = "Why do tools disagree?";
    pub const LEDE: &str = "The same network, counted as other tools would count it. Most of them call MACs FLOPs, and each adds or leaves out something of its own.";
    pub const TOOL: &str = "Counter, and what it does differently";
    pub const MACS: &str = "MACs";
    pub const CHANGE: &str = "Against ours";
    pub const OURS: &str = "This page";
    pub const OUR_WORDS: &str =
        "Convolutions, matrix products and attention products, one MAC for each multiplication with its addition.";

    pub fn change(share: f64) -> String {
        let percent = share * 100.0;
        match percent.abs() {
            small if small < 0.005 => "the same".to_owned(),
            _ => format!("{}{:.2} %", if percent > 0.0 { "+" } else { "−" }, percent.abs()),
        }
    }
    pub fn amount(macs: i64) -> String {
        let sign = if macs > 0 { "+" } else { "−" };
        format!(" {sign}{}", numbers::count(macs.unsigned_abs(), "").text())
    }
}

/// When the page's own program fails.
pub mod crash {
    #![allow(missing_docs)]
    pub const TITLE: &str = "Greenprint stopped";
    pub const WHAT_NOW: &str = "This is a mistake of ours, not of yours. Please send us the lines below; they hold the address with your settings but nothing of your files. \
        Reloading the page brings back what you had set.";
    pub const COPY: &str = "Copy the report";
    pub const COPIED: &str = "Copied";
    pub const RELOAD: &str = "Reload the page";
}

/// The foot of the page.
pub mod sources {
    #![allow(missing_docs)]
    use estimator::sources::Source;

    pub const METHOD: &str = "How to read this";
    pub const METHOD_TEXT: [&str; 3] = [
        "One MAC is one multiplication and one addition, so FLOPs are 2 × MACs. Only convolutions, matrix products and attention products are counted as MACs; norms, activations and the like are “other operations”. What has no formula is listed, never counted as zero.",
        "Every estimate is a range. The central figure is the best single guess, and the ends combine the spans of the assumptions. They are not calibrated yet; the command line’s validate prints how many published figures lie between them.",
        "Emissions are those of the electricity used, by the average carbon intensity of the grid. The share of making the machines is shown beside them.",
    ];
    pub const TITLE: &str = "Sources and credits";
    pub const CREDIT: &str = "Carbon intensities by country: Our World in Data, based on Ember’s Yearly Electricity Data and the Energy Institute’s Statistical Review of World Energy (CC BY 4.0). \
        Further figures are facts from the publications below.";

    pub fn all(count: usize) -> String {
        format!("All {count} sources")
    }
    pub fn line(source: &Source) -> String {
        let credit = if source.credit.is_empty() { String::new() } else { format!(" Credit: {}.", source.credit) };
        format!("{}, {}.{credit}", source.citation(), source.licence)
    }
    /// The host of an address, to be read as a link.
    pub fn host(address: &str) -> String {
        let rest = address.split("://").nth(1).unwrap_or(address);
        rest.split('/').next().unwrap_or(rest).to_owned()
    }
    pub fn build(id: &str) -> String {
        format!("Greenprint, MIT or Apache-2.0. Build {id}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_small_inside_a_sentence_unless_they_are_written_in_capitals() {
        for (name, inside) in
            [("Region", "region"), ("PUE", "PUE"), ("Model FLOPs utilisation", "model FLOPs utilisation")]
        {
            assert_eq!(inside_sentence(name), inside);
        }
        assert_eq!(inside_sentence(""), "");
    }
}
