//! A running Chromium and the messages to and from it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::tools;

use crate::output_dir;

/// How long the browser may take over one message.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The browser that the tests of this process share while any of them holds a page.
static SHARED: Mutex<Weak<Browser>> = Mutex::new(Weak::new());
static STARTED: AtomicU64 = AtomicU64::new(0);

/// A running Chromium. It ends when the last page is dropped.
pub struct Browser {
    child: Mutex<Child>,
    profile: PathBuf,
    wire: Arc<Wire>,
}

/// The pipe to the browser and what came back through it.
struct Wire {
    pipe: Mutex<ChildStdin>,
    next_id: AtomicU64,
    waiting: Mutex<HashMap<u64, Sender<Value>>>,
    events: Mutex<Vec<Value>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that failed while it held the lock must not fail the others.
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl Browser {
    /// The browser of this process, started if need be.
    pub fn shared() -> Arc<Browser> {
        let mut shared = locked(&SHARED);
        if let Some(browser) = shared.upgrade() {
            return browser;
        }
        let browser = Arc::new(Browser::start());
        *shared = Arc::downgrade(&browser);
        browser
    }

    fn start() -> Browser {
        let program =
            tools::chromium().expect("no Chromium found: run `cargo xtask setup`, or set CHROMIUM to where it lies");
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let profile = output_dir().join(format!("profile-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&profile);
        // The browser reads messages from descriptor 3 and writes them to 4; the shell lays our two pipes there.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#])
            .arg(&program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                // Root, as in most containers, cannot use the sandbox; the only pages opened are our own.
                "--no-sandbox",
                "--enable-unsafe-webgpu",
                "--use-webgpu-adapter=swiftshader",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-component-extensions-with-background-pages",
                "--disable-default-apps",
                "--no-startup-window",
                // Windows of tests that run side by side cover each other, and must go on drawing.
                "--disable-background-timer-throttling",
                "--disable-backgrounding-occluded-windows",
                "--disable-renderer-backgrounding",
                "--hide-scrollbars",
                "--force-color-profile=srgb",
                "--lang=en-GB",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let pipe = child.stdin.take().expect("a piped standard input");
        let answers = child.stdout.take().expect("a piped standard output");
        let wire = Arc::new(Wire {
            pipe: Mutex::new(pipe),
            next_id: AtomicU64::new(1),
            waiting: Mutex::new(HashMap::new()),
            events: Mutex::new(Vec::new()),
        });
        thread::spawn({
            let wire = wire.clone();
            move || wire.listen(BufReader::new(answers))
        });
        let browser = Browser { child: Mutex::new(child), profile, wire };
        browser.call(None, "Browser.getVersion", json!({}));
        browser
    }

    /// Sends a message and waits for its answer; an error is what the browser said against it.
    pub(crate) fn try_call(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value, String> {
        let (sender, receiver) = mpsc::channel();
        self.wire.send(session, method, params, Some(sender));
        let mut answer =
            receiver.recv_timeout(ANSWER_LIMIT).map_err(|_| format!("{method}: Chromium gave no answer"))?;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].take()),
        }
    }

    /// Sends a message and waits for its answer.
    pub(crate) fn call(&self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.try_call(session, method, params).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Listens to a page from before its first line on.
    pub(crate) fn listen_to(&self, session: &str) {
        for (method, params) in listening() {
            self.call(Some(session), method, params);
        }
    }

    /// What the sessions have reported, oldest first.
    pub(crate) fn events(&self, sessions: impl Fn(&str) -> bool) -> Vec<Value> {
        let events = locked(&self.wire.events);
        let of_sessions = |event: &&Value| event["sessionId"].as_str().is_some_and(&sessions);
        events.iter().filter(of_sessions).cloned().collect()
    }
}

impl Wire {
    fn send(&self, session: Option<&str>, method: &str, params: Value, answer: Option<Sender<Value>>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        if let Some(answer) = answer {
            locked(&self.waiting).insert(id, answer);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // When the browser is gone, whoever waits for an answer hears of it.
        let _ = locked(&self.pipe).write_all(&bytes);
    }

    fn listen(&self, mut answers: impl BufRead) {
        let mut bytes = Vec::new();
        while matches!(answers.read_until(0, &mut bytes), Ok(count) if count > 0) {
            bytes.pop();
            if let Ok(message) = serde_json::from_slice::<Value>(&bytes) {
                self.take(message);
            }
            bytes.clear();
        }
        locked(&self.waiting).clear();
    }

    fn take(&self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            if let Some(sender) = locked(&self.waiting).remove(&id) {
                let _ = sender.send(message);
            }
            return;
        }
        if message["method"] == "Target.attachedToTarget" && message["params"]["waitingForDebugger"] == true {
            // A worker, held before its first line until we listen to it.
            let session = message["params"]["sessionId"].as_str().unwrap_or_default();
            for (method, params) in listening() {
                self.send(Some(session), method, params, None);
            }
            self.send(Some(session), "Runtime.runIfWaitingForDebugger", json!({}), None);
        }
        locked(&self.events).push(message);
    }
}

/// What asks a session for its messages, errors and requests, and to hold its workers until they are listened to.
fn listening() -> [(&'static str, Value); 4] {
    let attach = json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true });
    [
        ("Runtime.enable", json!({})),
        ("Log.enable", json!({})),
        ("Network.enable", json!({})),
        ("Target.setAutoAttach", attach),
    ]
}

impl Drop for Browser {
    fn drop(&mut self) {
        let mut child = locked(&self.child);
        let _ = child.kill();
        let _ = child.wait();
        // Helpers of the browser may still be writing for a moment.
        for _ in 0..20 {
            if fs::remove_dir_all(&self.profile).is_ok() || !self.profile.exists() {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}
