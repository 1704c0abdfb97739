//! The analysis worker: reads model files away from the page's thread and counts them.
//!
//! It keeps the model that was read last, so that another number for a dimension is answered at once.
//! To cancel, the page ends the worker; nothing here needs to be interrupted.

mod address;
mod ahead;
mod blob;
mod http;
mod web;

use crate::protocol::{Answer, Dims, Fault, Request};
use crate::text;
use estimator::cost;
use estimator::formats::{self, Files, Folder, Problem, ReadError, ReadSeek};
use estimator::model::Model;
use estimator::shapes::{self, Choices};
use estimator::transformers::{self, Description};
use js_sys::Array;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, File, MessageEvent};

/// Least time between two reports of progress.
const REPORT_EVERY_MS: f64 = 40.0;

/// Starts answering. The first message that goes out names the build.
///
/// # Errors
/// This is not running in a worker.
pub fn start() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    say(&scope, &Answer::Hello(crate::BUILD_ID.to_owned()));
    let kept: Rc<RefCell<Option<Kept>>> = Rc::default();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
        let scope = scope.clone();
        move |event: MessageEvent| {
            let parts: Array = event.data().unchecked_into();
            let text = parts.get(0).as_string().unwrap_or_default();
            let files: Vec<File> = parts.iter().skip(1).map(JsCast::unchecked_into).collect();
            // The page and the worker are of one build, so this does not fail; if it did, the page would wait for ever.
            match serde_json::from_str(&text) {
                Ok(request) => answer(&scope, &kept, request, files),
                Err(error) => wasm_bindgen::throw_str(&error.to_string()),
            }
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    Ok(())
}

fn say(scope: &DedicatedWorkerGlobalScope, answer: &Answer) {
    match serde_json::to_string(answer) {
        Ok(text) => {
            // Posting fails only for values that cannot be cloned; a text can.
            let _ = scope.post_message(&JsValue::from_str(&text));
        }
        Err(error) => wasm_bindgen::throw_str(&error.to_string()),
    }
}

/// What was counted last.
enum Kept {
    /// A model that was read.
    Model(Box<Model>),
    /// A model that was described in words.
    Description(Box<Description>),
}

/// What was read, and the file that was chosen among several; empty where there was no choice.
type Read = (Model, String);

fn answer(scope: &DedicatedWorkerGlobalScope, kept: &Rc<RefCell<Option<Kept>>>, request: Request, files: Vec<File>) {
    match request {
        Request::OpenFiles { job, names, dims } => {
            let files = Files::new(Dropped(names.iter().cloned().zip(files).collect()));
            finish(scope, kept, job, read(scope, job, files, None), dims);
        }
        Request::OpenUrl { job, url, hub, token, dims } => {
            let (scope, kept) = (scope.clone(), kept.clone());
            wasm_bindgen_futures::spawn_local(async move {
                let outcome = match web::find(&url, &hub, &token).await {
                    // A connection that breaks while reading is told in its own words.
                    Ok(found) => read(&scope, job, Files::new(found.web), Some(&found.name))
                        .map_err(|unread| found.failure.take().map_or(unread, Unread::Fault)),
                    Err(fault) => Err(fault.into()),
                };
                finish(&scope, &kept, job, outcome, dims);
            });
        }
        Request::Describe { job, sentence, dims } => match transformers::recipe(&sentence) {
            Ok(recipe) => {
                let description = Box::new(recipe.description);
                count_described(scope, job, &description, &dims);
                *kept.borrow_mut() = Some(Kept::Description(description));
            }
            Err(error) => {
                let why = Fault { name: sentence, what: error.to_string(), remedy: String::new() };
                say(scope, &Answer::Failed { job, why });
            }
        },
        Request::Infer { job, dims } => match &*kept.borrow() {
            Some(Kept::Model(model)) => count(scope, job, model, dims, String::new()),
            Some(Kept::Description(description)) => count_described(scope, job, description, &dims),
            None => {
                let why = Fault {
                    name: String::new(),
                    what: text::fault::NOTHING_READ.to_owned(),
                    remedy: text::fault::OPEN_AGAIN.to_owned(),
                };
                say(scope, &Answer::Failed { job, why });
            }
        },
    }
}

/// Reads the file named; else the only file, or the one among several that leads.
fn read<'a>(
    scope: &'a DedicatedWorkerGlobalScope,
    job: u64,
    files: Files<'a>,
    name: Option<&str>,
) -> Result<Read, Unread> {
    let mut said = f64::NEG_INFINITY;
    let watch = move |at: u64, of: u64| {
        let now = js_sys::Date::now();
        if now - said >= REPORT_EVERY_MS {
            said = now;
            say(scope, &Answer::Progress { job, at, of });
        }
        true
    };
    let files = files.watched(watch);
    // A file that was asked for by its name needs no telling.
    let leading = match (name, files.names()) {
        (None, [_, _, ..]) => formats::leading(files.names()).first().map(|name| (*name).to_owned()),
        _ => None,
    };
    let model = match (name, files.names()) {
        (Some(name), _) => formats::open(&files, name),
        (None, []) => {
            let what = text::fault::NO_FILE.to_owned();
            return Err(Fault { name: String::new(), what, remedy: String::new() }.into());
        }
        (None, [one]) => formats::open(&files, one),
        (None, _) => formats::open_folder(&files),
    };
    model.map(|model| (model, leading.unwrap_or_default())).map_err(|error| match error.problem {
        Problem::NotAModel(_) | Problem::Unsupported(_) if !formats::EVERY_FORMAT => Unread::Elsewhere,
        _ => fault(&error).into(),
    })
}

/// The files that the reader dropped or chose, by name.
struct Dropped(BTreeMap<String, File>);

impl Folder for Dropped {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek>>> {
        let Some(file) = self.0.get(name) else { return Ok(None) };
        let blob = blob::Blob::new(file.clone()).map_err(io::Error::other)?;
        Ok(Some(Box::new(blob)))
    }
}

fn fault(error: &ReadError) -> Fault {
    let mut what = error.problem.to_string();
    let mut places = Vec::new();
    if !error.place.is_empty() {
        places.push(error.place.clone());
    }
    if let Some(offset) = error.offset {
        places.push(text::fault::at_byte(offset));
    }
    if !places.is_empty() {
        what = format!("{what} ({})", places.join(", "));
    }
    Fault { name: error.file.clone(), what, remedy: error.problem.remedy().to_owned() }
}

/// Why nothing was read.
enum Unread {
    /// A worker with more readers may know the file.
    Elsewhere,
    /// Nobody can read it.
    Fault(Fault),
}

impl From<Fault> for Unread {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn finish(
    scope: &DedicatedWorkerGlobalScope,
    kept: &Rc<RefCell<Option<Kept>>>,
    job: u64,
    outcome: Result<Read, Unread>,
    dims: Dims,
) {
    match outcome {
        Ok((model, leading)) => {
            count(scope, job, &model, dims, leading);
            *kept.borrow_mut() = Some(Kept::Model(Box::new(model)));
        }
        Err(Unread::Elsewhere) => say(scope, &Answer::Elsewhere { job }),
        Err(Unread::Fault(why)) => say(scope, &Answer::Failed { job, why }),
    }
}

fn count(scope: &DedicatedWorkerGlobalScope, job: u64, model: &Model, dims: Dims, leading: String) {
    let trace = shapes::infer(model, &Choices { dims, ..Choices::default() });
    let inspection = Box::new(cost::inspect(model, &trace));
    say(scope, &Answer::Done { job, inspection, leading });
}

fn count_described(scope: &DedicatedWorkerGlobalScope, job: u64, description: &Description, dims: &Dims) {
    let tokens = dims.get("tokens").copied().unwrap_or(shapes::PROMPT);
    let context = dims.get("context").copied().unwrap_or(tokens);
    let inspection = Box::new(cost::inspect_description(description, tokens, context));
    say(scope, &Answer::Done { job, inspection, leading: String::new() });
}
