//! One tab and what a person can do in it.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use xtask::server::Server;
use xtask::tools;

use crate::{Browser, dist, output_dir};

/// How long an element or a text may take to appear.
const WAIT_LIMIT: Duration = Duration::from_secs(30);
const WAIT_STEP: Duration = Duration::from_millis(25);

/// Finds the shown elements that a selector means. Every helper starts with it.
const FIND: &str = r#"
const find = (selector) => {
  const [css, text] = selector.split(' >> ');
  return [...document.querySelectorAll(css)].filter((e) =>
    (e.checkVisibility({ visibilityProperty: true }) || e.type === 'file') &&
    (text === undefined || e.innerText?.includes(text) || e.getAttribute('aria-label')?.includes(text)));
};
"#;

/// How a page is opened. `Options::default()` is a desktop of 1280 × 800 CSS pixels in light colours.
#[derive(Clone, Debug)]
pub struct Options {
    /// Width of the window in CSS pixels; 390 is a phone.
    pub width: u32,
    /// Height of the window in CSS pixels.
    pub height: u32,
    /// Device pixels for each CSS pixel.
    pub scale: f64,
    /// Whether the system prefers dark colours.
    pub dark: bool,
    /// Whether the system asks for less movement.
    pub reduced_motion: bool,
    /// A script run before any of the page's own, for instance to take a facility away.
    pub before: String,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: 1280, height: 800, scale: 1.0, dark: false, reduced_motion: true, before: String::new() }
    }
}

impl Options {
    /// A phone: 390 × 844 CSS pixels, two device pixels each.
    pub fn phone() -> Self {
        Options { width: 390, height: 844, scale: 2.0, ..Options::default() }
    }
}

/// A fault that axe-core found.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule, such as `color-contrast`.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// What the rule asks for.
    pub help: String,
    /// The elements at fault, as HTML.
    pub elements: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.rule, self.impact, self.help)?;
        for element in &self.elements {
            write!(f, "\n    {element}")?;
        }
        Ok(())
    }
}

/// An open page with a server, a browser context and a window of its own.
pub struct Page {
    browser: Arc<Browser>,
    server: Server,
    context: String,
    target: String,
    session: String,
}

impl Page {
    /// Opens the built page at a path such as `"#model=resnet50"`, or `""`.
    pub fn open(path: &str) -> Page {
        Page::open_with(path, &Options::default())
    }

    /// As [`Page::open`], in another window or theme.
    pub fn open_with(path: &str, options: &Options) -> Page {
        let dist = dist();
        assert!(dist.join("index.html").exists(), "{} holds no page: run `cargo xtask build`", dist.display());
        let server = Server::start(&dist, 0).unwrap_or_else(|why| panic!("{why}"));
        let browser = Browser::shared();
        let text = |value: Value| value.as_str().expect("a string").to_owned();
        let context = browser.call(None, "Target.createBrowserContext", json!({}));
        let context = text(context["browserContextId"].clone());
        let blank = json!({ "url": "about:blank", "browserContextId": context });
        let target = browser.call(None, "Target.createTarget", blank);
        let target = text(target["targetId"].clone());
        let attach = json!({ "targetId": target, "flatten": true });
        let session = browser.call(None, "Target.attachToTarget", attach);
        let session = text(session["sessionId"].clone());
        let page = Page { browser, server, context, target, session };
        page.browser.listen_to(&page.session);
        page.call("Page.enable", json!({}));
        page.resize(options.width, options.height, options.scale);
        page.theme(options.dark, options.reduced_motion);
        if !options.before.is_empty() {
            let script = json!({ "source": options.before });
            page.call("Page.addScriptToEvaluateOnNewDocument", script);
        }
        page.go(path);
        page
    }

    fn call(&self, method: &str, params: Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }

    /// The server that the page came from.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Goes to another path of the same server and waits until the document has loaded.
    pub fn go(&self, path: &str) {
        let url = self.server.url(path);
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.wait_until_loaded();
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.eval("window.__old = true; 0");
        self.call("Page.reload", json!({}));
        self.wait_for_true("the page has loaded anew", "window.__old === undefined");
        self.wait_until_loaded();
    }

    fn wait_until_loaded(&self) {
        self.wait_for_true("the document is complete", "document.readyState === 'complete'");
    }

    /// The address shown, fragment included.
    pub fn url(&self) -> String {
        self.eval_string("location.href")
    }

    /// Changes the window's size, in CSS pixels, and its device pixels for each of them.
    pub fn resize(&self, width: u32, height: u32, scale: f64) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Changes what the system prefers.
    pub fn theme(&self, dark: bool, reduced_motion: bool) {
        let motion = if reduced_motion { "reduce" } else { "no-preference" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } },
            { "name": "prefers-reduced-motion", "value": motion },
        ]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Shows the page as it would be printed, or as on screen again.
    pub fn print_media(&self, on: bool) {
        let media = if on { "print" } else { "" };
        self.call("Emulation.setEmulatedMedia", json!({ "media": media }));
    }

    /// Takes the network away, or gives it back.
    pub fn offline(&self, offline: bool) {
        let conditions = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.call("Network.emulateNetworkConditions", conditions);
    }

    /// The value of a JavaScript expression; a promise is waited for.
    pub fn eval(&self, script: &str) -> Value {
        self.try_eval(script).unwrap_or_else(|why| panic!("{script}\n{why}"))
    }

    fn try_eval(&self, script: &str) -> Result<Value, String> {
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.browser.try_call(Some(&self.session), "Runtime.evaluate", params)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(exception_text(details)),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Bytes that the wasm module of the newest worker holds; nothing where there is no worker.
    pub fn worker_memory(&self) -> Option<u64> {
        let events = self.events();
        let is_worker = |event: &&Value| {
            event["method"] == "Target.attachedToTarget" && event["params"]["targetInfo"]["type"] == "worker"
        };
        let session = events.iter().rev().find(is_worker)?["params"]["sessionId"].as_str()?.to_owned();
        // Asked again, the generated script gives back the module that it has already started.
        let script = "wasm_bindgen().then((module) => module.memory.buffer.byteLength)";
        let params = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        self.browser.try_call(Some(&session), "Runtime.evaluate", params).ok()?["result"]["value"].as_u64()
    }

    /// The page as it would be printed on A4, as a PDF.
    pub fn print(&self) -> Vec<u8> {
        let paper = json!({ "paperWidth": 8.27, "paperHeight": 11.69, "printBackground": false });
        let answer = self.call("Page.printToPDF", paper);
        BASE64.decode(answer["data"].as_str().unwrap_or_default()).expect("base64 from Chromium")
    }

    fn eval_string(&self, script: &str) -> String {
        let value = self.eval(script);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// The value of `body`, the body of a function that may use `find(selector)`; nothing while it returns null.
    fn try_find(&self, selector: &str, body: &str) -> Option<Value> {
        let selector = Value::from(selector);
        let script = format!("(() => {{ {FIND} const all = find({selector}); {body} }})()");
        self.try_eval(&script).ok().filter(|v| !v.is_null())
    }

    fn wait_find(&self, selector: &str, body: &str, what: &str) -> Value {
        let start = Instant::now();
        loop {
            if let Some(value) = self.try_find(selector, body) {
                return value;
            }
            if start.elapsed() > WAIT_LIMIT {
                let seen =
                    self.try_find(selector, "return all.map((e) => e.outerHTML.slice(0, 500))").unwrap_or_default();
                panic!("waited for {what}; `{selector}` finds {seen:#}");
            }
            thread::sleep(WAIT_STEP);
        }
    }

    /// Waits until an expression is true; `what` says in words what is waited for.
    pub fn wait_for_true(&self, what: &str, expression: &str) {
        let start = Instant::now();
        loop {
            let value = self.try_eval(expression);
            if value == Ok(Value::Bool(true)) {
                return;
            }
            assert!(start.elapsed() < WAIT_LIMIT, "waited until {what}; `{expression}` is {value:?}");
            thread::sleep(WAIT_STEP);
        }
    }

    /// Waits until an element is shown.
    pub fn wait_for(&self, selector: &str) {
        self.wait_find(selector, "return all.length > 0 || null", "an element");
    }

    /// Waits until no such element is shown.
    pub fn wait_for_none(&self, selector: &str) {
        self.wait_find(selector, "return all.length === 0 || null", "no element");
    }

    /// Waits until a shown element contains a text.
    pub fn wait_for_text(&self, selector: &str, text: &str) {
        let wanted = Value::from(text);
        let body = format!("return all.some((e) => e.innerText.includes({wanted})) || null");
        self.wait_find(selector, &body, &format!("the text {text:?}"));
    }

    /// How many such elements are shown now.
    pub fn count(&self, selector: &str) -> usize {
        let count = self.try_find(selector, "return all.length");
        count.and_then(|c| usize::try_from(c.as_u64()?).ok()).unwrap_or(0)
    }

    /// The text of the first such element, as it is shown.
    pub fn text(&self, selector: &str) -> String {
        let body = "return all.length ? all[0].innerText : null";
        let text = self.wait_find(selector, body, "an element");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The texts of all such elements that are shown now.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.try_find(selector, "return all.map((e) => e.innerText)");
        let texts = texts.as_ref().and_then(Value::as_array);
        let strings = texts.into_iter().flatten().filter_map(Value::as_str);
        strings.map(str::to_owned).collect()
    }

    /// The value of an input, select or text area.
    pub fn value(&self, selector: &str) -> String {
        let body = "return all.length ? String(all[0].value) : null";
        let value = self.wait_find(selector, body, "an input");
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Moves the pointer onto the middle of an element; returns where that is.
    pub fn hover(&self, selector: &str) -> (f64, f64) {
        // What a person cannot hit because something lies over it does not count as there.
        let body = "
            if (!all.length) return null;
            const e = all[0];
            e.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
            const r = e.getBoundingClientRect();
            const [x, y] = [r.x + r.width / 2, r.y + r.height / 2];
            const hit = document.elementFromPoint(x, y);
            return hit && (e.contains(hit) || hit.contains(e) || hit.control === e) ? [x, y] : null;";
        let point = self.wait_find(selector, body, "an element that nothing covers");
        let at = |index: usize| point[index].as_f64().unwrap_or_default();
        let (x, y) = (at(0), at(1));
        self.mouse("mouseMoved", x, y);
        (x, y)
    }

    fn mouse(&self, kind: &str, x: f64, y: f64) {
        let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", event);
    }

    /// Clicks on an element.
    pub fn click(&self, selector: &str) {
        let (x, y) = self.hover(selector);
        self.mouse("mousePressed", x, y);
        self.mouse("mouseReleased", x, y);
    }

    /// Replaces what stands in a text input, as if typed.
    pub fn type_into(&self, selector: &str, text: &str) {
        let body = "if (!all.length) return null; all[0].focus(); all[0].select(); return true";
        self.wait_find(selector, body, "an input");
        if text.is_empty() {
            self.press("Delete");
        } else {
            self.call("Input.insertText", json!({ "text": text }));
        }
    }

    /// Sets a slider, select, date or checkbox to a value and tells the page so, as the control itself would.
    pub fn set_value(&self, selector: &str, value: &str) {
        let value = Value::from(value);
        let body = format!(
            "if (!all.length) return null;
            const e = all[0];
            if (e.type === 'checkbox') e.checked = {value} === 'true';
            else Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), 'value').set.call(e, {value});
            for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, {{ bubbles: true }}));
            return true"
        );
        self.wait_find(selector, &body, "a control");
    }

    /// Presses a key where the focus is: `Tab`, `Shift+Tab`, `Enter`, `Escape`, `Space`, `ArrowDown`, `a` …
    pub fn press(&self, key: &str) {
        let (modifiers, key) = match key.rsplit_once('+') {
            Some((held, key)) if !key.is_empty() => (modifiers(held), key),
            _ => (0, key),
        };
        let (key, code, number, text) = match key {
            "Enter" => ("Enter", "Enter".to_owned(), 13, "\r"),
            "Space" => (" ", "Space".to_owned(), 32, " "),
            "Tab" => ("Tab", "Tab".to_owned(), 9, ""),
            "Escape" => ("Escape", "Escape".to_owned(), 27, ""),
            "Backspace" => ("Backspace", "Backspace".to_owned(), 8, ""),
            "Delete" => ("Delete", "Delete".to_owned(), 46, ""),
            "PageUp" => ("PageUp", "PageUp".to_owned(), 33, ""),
            "PageDown" => ("PageDown", "PageDown".to_owned(), 34, ""),
            "End" => ("End", "End".to_owned(), 35, ""),
            "Home" => ("Home", "Home".to_owned(), 36, ""),
            "ArrowLeft" => ("ArrowLeft", "ArrowLeft".to_owned(), 37, ""),
            "ArrowUp" => ("ArrowUp", "ArrowUp".to_owned(), 38, ""),
            "ArrowRight" => ("ArrowRight", "ArrowRight".to_owned(), 39, ""),
            "ArrowDown" => ("ArrowDown", "ArrowDown".to_owned(), 40, ""),
            letter if letter.chars().count() == 1 => {
                let upper = letter.to_ascii_uppercase();
                let number = upper.bytes().next().map_or(0, u32::from);
                (letter, format!("Key{upper}"), number, letter)
            }
            other => panic!("press does not know the key {other}"),
        };
        let text = if modifiers & !8 == 0 { text } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({
                "type": kind, "key": key, "code": code, "text": text, "modifiers": modifiers,
                "windowsVirtualKeyCode": number,
            });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// The element that has the focus, as its tag, id and accessible label or text, for instance `button#go Compare`.
    pub fn focused(&self) -> String {
        self.eval_string(
            "(() => { const e = document.activeElement;
            const name = e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '';
            return `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''} ${name.slice(0, 80)}`.trim() })()",
        )
    }

    /// Chooses files, or a folder, in a file input.
    pub fn upload(&self, selector: &str, files: &[&Path]) {
        self.wait_for(selector);
        let selector = Value::from(selector);
        let script = format!("(() => {{ {FIND} return find({selector})[0] }})()");
        let input = self.call("Runtime.evaluate", json!({ "expression": script }));
        let input = &input["result"]["objectId"];
        let params = json!({ "files": absolute(files), "objectId": input });
        self.call("DOM.setFileInputFiles", params);
    }

    /// Drags files from outside over an element and drops them there.
    pub fn drop_files(&self, selector: &str, files: &[&Path]) {
        let (x, y) = self.hover(selector);
        for kind in ["dragEnter", "dragOver", "drop"] {
            self.drag(kind, x, y, files);
        }
    }

    /// Drags files over an element and holds them there.
    pub fn drag_files_over(&self, selector: &str, files: &[&Path]) {
        let (x, y) = self.hover(selector);
        for kind in ["dragEnter", "dragOver"] {
            self.drag(kind, x, y, files);
        }
    }

    fn drag(&self, kind: &str, x: f64, y: f64, files: &[&Path]) {
        let data = json!({ "items": [], "files": absolute(files), "dragOperationsMask": 1 });
        let event = json!({ "type": kind, "x": x, "y": y, "data": data });
        self.call("Input.dispatchDragEvent", event);
    }

    /// Does something that downloads one file, and returns the file's name and content.
    pub fn download(&self, action: impl FnOnce(&Page)) -> (String, Vec<u8>) {
        let dir = output_dir().join(format!("download-{}", self.target));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        let behavior = json!({
            "behavior": "allow", "browserContextId": self.context, "downloadPath": dir,
        });
        self.browser.call(None, "Browser.setDownloadBehavior", behavior);
        action(self);
        let start = Instant::now();
        loop {
            let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
            let done =
                entries.map(|entry| entry.path()).find(|path| path.extension().is_none_or(|e| e != "crdownload"));
            if let Some(path) = done {
                let name = path.file_name().unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                let _ = fs::remove_dir_all(&dir);
                return (name, bytes);
            }
            assert!(start.elapsed() < WAIT_LIMIT, "nothing was downloaded");
            thread::sleep(WAIT_STEP);
        }
    }

    /// Writes what the window shows to a PNG file.
    pub fn screenshot(&self, file: &Path) {
        self.capture(file, json!({ "format": "png" }));
    }

    /// Writes the whole page, also what lies below the window's edge, to a PNG file.
    pub fn screenshot_full(&self, file: &Path) {
        let sizes = self.call("Page.getLayoutMetrics", json!({}));
        let size = &sizes["cssContentSize"];
        let clip = json!({
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
        });
        let how = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        self.capture(file, how);
    }

    fn capture(&self, file: &Path, how: Value) {
        let answer = self.call("Page.captureScreenshot", how);
        let png = BASE64.decode(answer["data"].as_str().unwrap_or_default()).expect("base64 from Chromium");
        fs::write(file, png).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// What axe-core finds wrong on the page as it is now.
    pub fn axe(&self) -> Vec<Violation> {
        if self.eval("typeof window.axe") == "undefined" {
            let path = tools::axe().unwrap_or_else(|why| panic!("{why}"));
            let source = fs::read_to_string(&path)
                .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask setup`", path.display()));
            self.eval(&format!("{source}; 0"));
        }
        let found = self.eval(
            "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.map((v) => ({
                rule: v.id, impact: v.impact ?? 'unknown', help: v.help, elements: v.nodes.map((n) => n.html) })))",
        );
        let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        list(&found)
            .iter()
            .map(|v| Violation {
                rule: string(&v["rule"]),
                impact: string(&v["impact"]),
                help: string(&v["help"]),
                elements: list(&v["elements"]).iter().map(string).collect(),
            })
            .collect()
    }

    /// Panics with every fault that axe-core finds.
    pub fn assert_accessible(&self) {
        let faults: Vec<String> = self.axe().iter().map(Violation::to_string).collect();
        assert!(faults.is_empty(), "axe-core finds\n{}", faults.join("\n"));
    }

    /// Everything that went wrong so far, in the page and its workers: errors in the console, uncaught exceptions,
    /// requests that failed.
    pub fn console_errors(&self) -> Vec<String> {
        let mut errors = Vec::new();
        for event in self.events() {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => errors.push(exception_text(&params["exceptionDetails"])),
                "Runtime.consoleAPICalled" if params["type"] == "error" => {
                    let words = params["args"].as_array().cloned().unwrap_or_default();
                    let words: Vec<String> = words.iter().map(console_text).collect();
                    errors.push(words.join(" "));
                }
                "Log.entryAdded" if params["entry"]["level"] == "error" => {
                    let entry = &params["entry"];
                    errors.push(format!("{} {}", entry["text"], entry["url"]));
                }
                _ => {}
            }
        }
        errors
    }

    /// Panics with everything that went wrong so far.
    pub fn assert_no_errors(&self) {
        let errors = self.console_errors();
        assert!(errors.is_empty(), "the console says\n{}", errors.join("\n"));
    }

    /// The address of everything that the page and its workers asked for so far.
    pub fn requests(&self) -> Vec<String> {
        self.events()
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .filter_map(|event| event["params"]["request"]["url"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// What the page's session and those of its workers have reported.
    fn events(&self) -> Vec<Value> {
        let mut sessions = vec![self.session.clone()];
        loop {
            let events = self.browser.events(|s| sessions.iter().any(|own| own == s));
            let attached = events.iter().filter_map(|event| {
                let attached = event["method"] == "Target.attachedToTarget";
                let session = event["params"]["sessionId"].as_str()?;
                (attached && !sessions.iter().any(|own| own == session)).then(|| session.to_owned())
            });
            let new: Vec<String> = attached.collect();
            if new.is_empty() {
                return events;
            }
            sessions.extend(new);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if thread::panicking() {
            let name = thread::current().name().unwrap_or("test").replace("::", "-");
            let file = output_dir().join(format!("failed-{name}.png"));
            let how = json!({ "format": "png" });
            let shot = self.browser.try_call(Some(&self.session), "Page.captureScreenshot", how);
            let png = shot.ok().and_then(|s| BASE64.decode(s["data"].as_str()?).ok());
            if png.is_some_and(|png| fs::write(&file, png).is_ok()) {
                eprintln!("what the page showed: {}", file.display());
            }
            for error in self.console_errors() {
                eprintln!("console: {error}");
            }
        }
        let context = json!({ "browserContextId": self.context });
        let _ = self.browser.try_call(None, "Target.disposeBrowserContext", context);
    }
}

fn exception_text(details: &Value) -> String {
    let description = details["exception"]["description"].as_str();
    let text = details["text"].as_str().unwrap_or_default();
    format!("{text} {}", description.unwrap_or_default())
}

fn console_text(argument: &Value) -> String {
    match (&argument["value"], argument["description"].as_str()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(description)) => description.to_owned(),
        (value, None) => value.to_string(),
    }
}

fn absolute(files: &[&Path]) -> Vec<String> {
    files
        .iter()
        .map(|file| {
            let path = fs::canonicalize(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            path.to_string_lossy().into_owned()
        })
        .collect()
}

fn modifiers(held: &str) -> u32 {
    held.split('+')
        .map(|name| match name {
            "Alt" => 1,
            "Control" => 2,
            "Meta" => 4,
            "Shift" => 8,
            other => panic!("press does not know the modifier {other}"),
        })
        .sum()
}
