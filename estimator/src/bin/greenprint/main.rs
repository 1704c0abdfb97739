//! `greenprint`: the estimator as a command line.
//!
//! Here are the commands, what they print, and the exit status: 0 when done, 2 on bad use, 1 when a file cannot be read or nothing is found.
//! Every figure comes from the library, and every record printed with `--json` is one of its own.

mod arguments;
mod import;
mod job;
mod model;
mod plan;
mod print;
mod schedule;
mod whatif;

use arguments::{Arguments, Command, Shapes};
use clap::Parser;
use estimator::carbon::{grids, places, sites};
use estimator::energy::validate;
use estimator::hardware;
use estimator::report::Inspection;
use estimator::search;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// Why a command ends without its result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments do not make sense: exit status 2.
    Use(String),
    /// A file cannot be read, or says too little: exit status 1.
    File(String),
}

/// What a command prints.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// For stdout.
    pub(crate) text: String,
    /// Lines for stderr.
    pub(crate) said: Vec<String>,
    /// The exit status.
    pub(crate) status: u8,
}

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Inspect(inspect) => inspect_files(inspect),
        Command::Train(train) => job::train(train),
        Command::Infer(infer) => job::infer(infer),
        Command::Devices { search, json } => list_devices(search.as_deref(), *json),
        Command::Regions { search, json } => list_regions(search.as_deref(), *json),
        Command::Whatif(asked) => whatif::what_if(asked),
        Command::Levers(asked) => whatif::levers(asked),
        Command::Compare(pair) => compare_files(pair),
        Command::Plan(arguments) => plan::plan(arguments),
        Command::Breakeven(arguments) => plan::break_even(arguments),
        Command::Green(arguments) => plan::green(arguments),
        Command::Schedule(arguments) => schedule::run(arguments),
        Command::Import(import) => import::import(import),
        Command::Validate { rows, json } => compare(rows.as_deref(), *json).map(Output::from),
    };
    let output = outcome.unwrap_or_else(|failure| match failure {
        Failure::Use(message) => Output { said: vec![message], status: 2, ..Output::default() },
        Failure::File(message) => Output { said: vec![message], status: 1, ..Output::default() },
    });
    // A reader that has seen enough closes the pipe (`| head`): that is no failure of ours.
    let _ = std::io::stdout().write_all(output.text.as_bytes());
    for message in output.said {
        // One line, whatever a file's name or contents hold.
        let line: String = message.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let _ = writeln!(std::io::stderr(), "greenprint: {line}");
    }
    ExitCode::from(output.status)
}

pub(crate) fn json<T: Serialize>(record: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(record)
        .map(|text| text + "\n")
        .map_err(|fault| Failure::File(format!("the result cannot be written as JSON: {fault}")))
}

/// One of several files in a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Read {
        file: String,
        #[serde(flatten)]
        inspection: &'a Inspection,
    },
    Failed {
        file: String,
        error: String,
    },
}

fn inspect_files(inspect: &arguments::Inspect) -> Result<Output, Failure> {
    let mut results = Vec::new();
    if let Some(sentence) = &inspect.describe {
        results.push((sentence.clone(), model::describe(sentence, &inspect.shapes)));
    }
    for file in &inspect.files {
        results.push((file.to_string_lossy().into_owned(), model::inspect(file, &inspect.shapes)));
    }
    let read: Vec<&Inspection> = results.iter().filter_map(|(_, result)| result.as_ref().ok()).collect();
    if !read.is_empty() {
        check_names(&inspect.shapes, &read)?;
    }
    if let [(_, _)] = results.as_slice() {
        let Some((file, result)) = results.pop() else { return Ok(Output::default()) };
        let inspection = result?;
        return match inspect.json {
            true => json(&inspection).map(Output::from),
            false => Ok(print::inspection(&file, &inspection, inspect.layers).into()),
        };
    }
    let mut output = Output::default();
    let mut entries = Vec::new();
    let mut texts = Vec::new();
    for (file, result) in &results {
        match result {
            Ok(inspection) => {
                entries.push(Entry::Read { file: file.clone(), inspection });
                texts.push(print::inspection(file, inspection, inspect.layers));
            }
            Err(Failure::Use(error) | Failure::File(error)) => {
                entries.push(Entry::Failed { file: file.clone(), error: error.clone() });
                output.said.push(error.clone());
                output.status = 1;
            }
        }
    }
    output.text = if inspect.json { json(&entries)? } else { texts.join("\n") };
    Ok(output)
}

fn compare_files(pair: &arguments::Compare) -> Result<Output, Failure> {
    let first = model::inspect(&pair.first, &pair.shapes)?;
    let second = model::inspect(&pair.second, &pair.shapes)?;
    check_names(&pair.shapes, &[&first, &second])?;
    let found = estimator::compare::compare(&first, &second);
    match pair.json {
        true => json(&found).map(Output::from),
        false => Ok(print::comparison(&found, pair.layers).into()),
    }
}

/// Refuses numbers for dimensions and inputs that none of the models has: a misspelt name would leave the default in place.
pub(crate) fn check_names(shapes: &Shapes, models: &[&Inspection]) -> Result<(), Failure> {
    // What has no graph may still be asked for a number of tokens, in a row with others that count them; a note says that it plays no part.
    let is_idle = |name: &str| ["tokens", "context"].contains(&name) && models.iter().any(|model| model.weights_only);
    for (name, size) in &shapes.dim {
        if *size == 0 && is_idle(name) {
            return Err(Failure::Use(format!("--dim {name}=0: a pass takes 1 or more")));
        }
    }
    let dims: Vec<&str> = models.iter().flat_map(|model| model.dynamic_dims.keys()).map(String::as_str).collect();
    let inputs: Vec<&str> = models.iter().flat_map(|model| &model.inputs).map(|port| port.name.as_str()).collect();
    for (name, _) in &shapes.dim {
        if !dims.contains(&name.as_str()) && !is_idle(name) {
            return Err(Failure::Use(format!("the model has no open dimension “{name}”; {}", offered(name, &dims))));
        }
    }
    for (name, _) in &shapes.input {
        if !inputs.contains(&name.as_str()) {
            return Err(Failure::Use(format!("the model has no input “{name}”; {}", offered(name, &inputs))));
        }
    }
    Ok(())
}

/// The most names listed in a message.
const MOST_NAMES: usize = 8;

/// Which names there are, the nearest in front.
fn offered(wanted: &str, names: &[&str]) -> String {
    let near = search::nearest(wanted, names.iter().copied());
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match (near, names.is_empty()) {
        (_, true) => "it has none".to_owned(),
        (Some(near), _) => format!("did you mean “{near}”? It has {}{more}", names.join(", ")),
        (None, _) => format!("it has {}{more}", names.join(", ")),
    }
}

/// A list that nothing answers to: nothing found is a failure for people, and an empty list for programs.
fn nothing(kind: &str, search: &str, as_json: bool) -> Output {
    match as_json {
        true => "[]\n".to_owned().into(),
        false => Output {
            said: vec![format!("no {kind} answers to “{search}”; `greenprint {kind}s` lists them all")],
            status: 1,
            ..Output::default()
        },
    }
}

fn list_devices(search: Option<&str>, as_json: bool) -> Result<Output, Failure> {
    let devices: Vec<&hardware::Device> = match search {
        None => hardware::devices().iter().collect(),
        Some(text) => hardware::search(text).into_iter().map(|(device, _)| device).collect(),
    };
    if let (Some(search), true) = (search, devices.is_empty()) {
        return Ok(nothing("device", search, as_json));
    }
    if as_json {
        json(&devices.iter().map(|device| print::DeviceRecord::of(device)).collect::<Vec<_>>()).map(Output::from)
    } else {
        Ok(print::devices(&devices).into())
    }
}

fn list_regions(search: Option<&str>, as_json: bool) -> Result<Output, Failure> {
    let places: Vec<places::Place> = match search {
        None => {
            grids::all().iter().map(places::Place::Grid).chain(sites::all().iter().map(places::Place::Site)).collect()
        }
        Some(text) => places::search(text).into_iter().map(|(place, _)| place).collect(),
    };
    if let (Some(search), true) = (search, places.is_empty()) {
        return Ok(nothing("region", search, as_json));
    }
    let records: Vec<print::RegionRecord> = places.into_iter().map(print::RegionRecord::of).collect();
    if as_json { json(&records).map(Output::from) } else { Ok(print::regions(&records).into()) }
}

fn compare(rows: Option<&std::path::Path>, as_json: bool) -> Result<String, Failure> {
    let validation = match rows {
        None => validate::built_in(),
        Some(file) => validate::rows(&file.to_string_lossy(), &model::text(file)?)
            .map_err(|fault| Failure::File(fault.to_string()))?,
    };
    if as_json { json(&validation) } else { Ok(print::validation(&validation)) }
}
