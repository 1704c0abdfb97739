//! The analysis worker as the page sees it: ask for a model, hear of its progress, stop it.
//!
//! The worker is started with the first request and again after it was stopped or crashed.

use super::file_drop::DROPPED_PATH;
use crate::BUILD_ID;
use crate::protocol::{Answer, Dims, Fault, Request};
use crate::text;
use gloo::timers::callback::Timeout;
use js_sys::Array;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, File, MessageEvent};
use yew::prelude::*;

/// Where the loaders that trunk makes lie: of the worker with the usual readers, and of the one with all of them.
const LOADER: &str = "file_worker_loader.js";
const EVERY_LOADER: &str = "every_format_worker_loader.js";

/// A model to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A file of the reader, first, with its companions.
    Files(Vec<File>),
    /// An address, relative to the page, or a repository of the hub (`hf:org/name`).
    Url {
        /// What was typed.
        url: String,
        /// A token for private repositories; empty for none.
        token: String,
    },
    /// A description in words.
    Sentence(String),
}

/// A handle on the worker.
#[derive(Clone)]
pub struct FileWorker {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    running: Option<Running>,
    /// The number of the last request; answers to older ones are passed over.
    job: u64,
    /// Kept to be read again when the worker that held it is gone.
    last: Option<Wanted>,
    /// The numbers that it was asked for with.
    last_dims: Dims,
    /// Whether a file needed the worker with every format; it then stays.
    every_format: bool,
    /// Whether the running worker holds the model of `last`.
    holds_last: bool,
    /// Whether the worker is counting with other numbers, and the numbers that came up in the meantime:
    /// a slider moves faster than a large model is counted, and only its last place matters.
    counting: bool,
    counting_next: Option<Dims>,
    said: Callback<Answer>,
}

/// The address of the hub, which the page's head states.
fn hub() -> String {
    let stated = gloo::utils::document().query_selector("meta[name='model-hub']").ok().flatten();
    stated.and_then(|meta| meta.get_attribute("content")).unwrap_or_default()
}

/// A file's path in the folder that was chosen or dropped; its name where it came alone.
pub fn path_of(file: &File) -> String {
    let of = |key: &str| js_sys::Reflect::get(file, &key.into()).ok()?.as_string().filter(|path| !path.is_empty());
    of(DROPPED_PATH).or_else(|| of("webkitRelativePath")).unwrap_or_else(|| file.name())
}

/// How long a worker may take to start before it is given up.
const START_LIMIT_MS: u32 = 60_000;

struct Running {
    worker: web_sys::Worker,
    /// Gives up a worker that never says that it runs; gone once it has.
    start_limit: Option<Timeout>,
    ready: bool,
    waiting: Vec<JsValue>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// A worker whose answers go to `said`: progress, results and faults of the newest request only.
#[hook]
pub fn use_file_worker(said: Callback<Answer>) -> FileWorker {
    let inner = use_mut_ref(|| Inner {
        running: None,
        job: 0,
        last: None,
        last_dims: Dims::new(),
        every_format: false,
        holds_last: false,
        counting: false,
        counting_next: None,
        said: Callback::noop(),
    });
    inner.borrow_mut().said = said;
    FileWorker { inner }
}

impl Inner {
    fn forget_model(&mut self) {
        self.holds_last = false;
        self.counting = false;
        self.counting_next = None;
    }
}

impl FileWorker {
    /// Reads a model.
    pub fn open(&self, wanted: Wanted, dims: Dims) {
        let mut inner = self.inner.borrow_mut();
        inner.last = Some(wanted);
        inner.forget_model();
        drop(inner);
        self.read_last(dims);
    }

    /// Counts the last model again with these numbers.
    pub fn infer(&self, dims: Dims) {
        if !self.inner.borrow().holds_last {
            self.read_last(dims);
            return;
        }
        {
            let mut inner = self.inner.borrow_mut();
            if inner.counting {
                inner.counting_next = Some(dims);
                return;
            }
            inner.counting = true;
        }
        let job = self.next_job();
        self.send(&Request::Infer { job, dims }, &[]);
    }

    /// Stops whatever is being read.
    pub fn cancel(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.job += 1;
        inner.forget_model();
        inner.running = None;
    }

    fn read_last(&self, dims: Dims) {
        let last = self.inner.borrow().last.clone();
        self.inner.borrow_mut().last_dims.clone_from(&dims);
        match last {
            Some(Wanted::Files(files)) => {
                let job = self.next_job();
                let names = files.iter().map(path_of).collect();
                self.send(&Request::OpenFiles { job, names, dims }, &files);
            }
            Some(Wanted::Url { url, token }) => {
                let job = self.next_job();
                // The worker's own address is not the page's.
                let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
                // An `hf:` address is one by itself, whatever the base.
                let url = web_sys::Url::new_with_base(&url, &base).map_or(url, |url| url.href());
                self.send(&Request::OpenUrl { job, url, hub: hub(), token, dims }, &[]);
            }
            Some(Wanted::Sentence(sentence)) => {
                let job = self.next_job();
                self.send(&Request::Describe { job, sentence, dims }, &[]);
            }
            None => {}
        }
    }

    fn next_job(&self) -> u64 {
        let mut inner = self.inner.borrow_mut();
        inner.job += 1;
        inner.job
    }

    fn send(&self, request: &Request, files: &[File]) {
        let message = Array::new();
        match serde_json::to_string(request) {
            Ok(text) => message.push(&text.into()),
            Err(error) => return self.fail(error.to_string()),
        };
        for file in files {
            message.push(file);
        }
        if self.inner.borrow().running.is_none() {
            match self.start() {
                Ok(running) => self.inner.borrow_mut().running = Some(running),
                Err(error) => return self.fail(format!("{error:?}")),
            }
        }
        if let Some(running) = &mut self.inner.borrow_mut().running {
            if running.ready {
                let _ = running.worker.post_message(&message);
            } else {
                running.waiting.push(message.into());
            }
        }
    }

    fn start(&self) -> Result<Running, JsValue> {
        // A name of its own for each build, so that a browser does not start one that it kept from an older page.
        let loader = if self.inner.borrow().every_format { EVERY_LOADER } else { LOADER };
        let worker = web_sys::Worker::new(&format!("./{loader}?build={BUILD_ID}"))?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
            let this = self.clone();
            move |event: MessageEvent| this.hear(&event.data().as_string().unwrap_or_default())
        });
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new({
            let this = self.clone();
            move |event: ErrorEvent| {
                event.prevent_default();
                this.crashed(event.message());
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let start_limit = Timeout::new(START_LIMIT_MS, {
            let this = self.clone();
            move || this.crashed(text::fault::NO_START.to_owned())
        });
        Ok(Running {
            worker,
            start_limit: Some(start_limit),
            ready: false,
            waiting: Vec::new(),
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    fn hear(&self, text: &str) {
        let answer = match serde_json::from_str(text) {
            Ok(answer) => answer,
            Err(error) => return self.crashed(error.to_string()),
        };
        let mut inner = self.inner.borrow_mut();
        let newest = inner.job;
        match &answer {
            Answer::Hello(build) if build == BUILD_ID => {
                if let Some(running) = &mut inner.running {
                    running.ready = true;
                    running.start_limit = None;
                    for message in running.waiting.drain(..) {
                        let _ = running.worker.post_message(&message);
                    }
                }
                return;
            }
            Answer::Hello(_) => {
                drop(inner);
                return self.fail(text::fault::OTHER_BUILD.to_owned());
            }
            Answer::Progress { job, .. }
            | Answer::Done { job, .. }
            | Answer::Failed { job, .. }
            | Answer::Elsewhere { job }
                if *job != newest =>
            {
                return;
            }
            Answer::Elsewhere { .. } => {
                inner.every_format = true;
                inner.forget_model();
                let (worker, dims) = (inner.running.take(), inner.last_dims.clone());
                drop(inner);
                // Its closures are on the stack: they are dropped once this handler has returned.
                Timeout::new(0, move || drop(worker)).forget();
                return self.read_last(dims);
            }
            Answer::Done { .. } => {
                inner.holds_last = true;
                inner.counting = false;
            }
            Answer::Failed { .. } => inner.counting = false,
            Answer::Progress { .. } => {}
        }
        let said = inner.said.clone();
        let next = if inner.counting { None } else { inner.counting_next.take() };
        drop(inner);
        said.emit(answer);
        if let Some(dims) = next {
            self.infer(dims);
        }
    }

    /// The worker is gone; the next request starts another.
    fn crashed(&self, words: String) {
        let worker = {
            let mut inner = self.inner.borrow_mut();
            inner.forget_model();
            inner.running.take()
        };
        // Its closures are on the stack: they are dropped once this handler has returned.
        Timeout::new(0, move || drop(worker)).forget();
        self.fail(text::fault::worker_crashed(&words));
    }

    fn fail(&self, what: String) {
        let (job, said) = {
            let inner = self.inner.borrow();
            (inner.job, inner.said.clone())
        };
        let why = Fault { name: String::new(), what, remedy: text::fault::RELOAD.to_owned() };
        said.emit(Answer::Failed { job, why });
    }
}
