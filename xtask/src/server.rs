//! A static web server on localhost, for `cargo xtask serve` and for the browser tests.
//!
//! It answers range requests, forbids caching and can misbehave on request, so that tests can see what the page makes of a
//! server that ignores ranges, lacks CORS headers, redirects, is slow or breaks off.
//! It is a tool for one's own machine: it listens on the loopback address only.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, StatusCode};

/// How many requests are answered side by side, slow ones included.
const THREADS: usize = 8;
/// How many ports are tried, counted up from the wished one.
const PORTS: u16 = 20;
/// Pause before each piece that [`Fault::Slow`] sends.
const SLOW_PAUSE: Duration = Duration::from_millis(50);
/// Bytes in each piece that [`Fault::Slow`] sends.
const SLOW_PIECE: usize = 16 * 1024;

/// A way to misbehave. See [`Server::url_with`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Ignores the Range header and sends the whole file with status 200.
    NoRange,
    /// Status 404 for a file that exists.
    NotFound,
    /// Status 500 for a file that exists.
    Broken,
    /// No CORS header, so that a page of another origin may not read the answer.
    NoCors,
    /// Status 302 to the same file without a fault.
    Redirect,
    /// Sends 16 KiB every 50 ms.
    Slow,
    /// Sends half of the file and then what is no HTTP, so that the browser breaks off.
    Cut,
}

impl Fault {
    const ALL: [(Fault, &str); 7] = [
        (Fault::NoRange, "~no-range"),
        (Fault::NotFound, "~not-found"),
        (Fault::Broken, "~broken"),
        (Fault::NoCors, "~no-cors"),
        (Fault::Redirect, "~redirect"),
        (Fault::Slow, "~slow"),
        (Fault::Cut, "~cut"),
    ];

    fn prefix(self) -> &'static str {
        Fault::ALL.iter().find(|(fault, _)| *fault == self).map_or("", |(_, prefix)| prefix)
    }

    fn of(path: &str) -> (Option<Fault>, &str) {
        for (fault, prefix) in Fault::ALL {
            if let Some(rest) = path.strip_prefix(prefix).and_then(|r| r.strip_prefix('/')) {
                return (Some(fault), rest);
            }
        }
        (None, path)
    }
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method, such as `GET`.
    pub method: String,
    /// The path and query as they were sent.
    pub path: String,
    /// The Range header, if any.
    pub range: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How many bytes of body the answer announced.
    pub bytes: u64,
}

/// A running server. It stops when dropped.
pub struct Server {
    http: Arc<tiny_http::Server>,
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Serves `dir` on the first free port from `port` on; 0 takes any free port.
    ///
    /// # Errors
    /// One sentence when the folder does not exist or no port is free.
    pub fn start(dir: &Path, port: u16) -> Result<Server, String> {
        if !dir.is_dir() {
            return Err(format!("{} is not a folder", dir.display()));
        }
        let mut wished: VecDeque<u16> = match port {
            0 => VecDeque::from([0]),
            _ => (port..=port.saturating_add(PORTS - 1)).collect(),
        };
        let http = loop {
            let Some(next) = wished.pop_front() else {
                return Err(format!("no free port from {port} on; choose another with --port"));
            };
            if let Ok(http) = tiny_http::Server::http(("127.0.0.1", next)) {
                break Arc::new(http);
            }
        };
        let port = http.server_addr().to_ip().map_or(0, |ip| ip.port());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let threads = (0..THREADS)
            .map(|_| {
                let (http, dir, seen) = (http.clone(), dir.to_path_buf(), seen.clone());
                thread::spawn(move || {
                    while let Ok(request) = http.recv() {
                        answer(request, &dir, &seen);
                    }
                })
            })
            .collect();
        Ok(Server { http, port, seen, threads })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a file, for instance `http://localhost:8080/index.html`.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}/{path}", self.port)
    }

    /// The address of a file, answered with a fault.
    pub fn url_with(&self, fault: Fault, path: &str) -> String {
        self.url(&format!("{}/{path}", fault.prefix()))
    }

    /// Every request answered so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().map(|s| s.clone()).unwrap_or_default()
    }

    /// Waits until the process is ended from outside.
    pub fn wait(mut self) {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for _ in 0..THREADS {
            self.http.unblock();
        }
    }
}

fn answer(request: Request, dir: &Path, seen: &Mutex<Vec<Seen>>) {
    let range = request.headers().iter().find(|h| h.field.equiv("Range")).map(|h| h.value.as_str().to_owned());
    let answer = Answer::to(request.method(), request.url(), range.as_deref(), dir);
    if let Ok(mut seen) = seen.lock() {
        seen.push(Seen {
            method: request.method().to_string(),
            path: request.url().to_owned(),
            range,
            status: answer.status,
            bytes: answer.length,
        });
    }
    // A reader that went away is no fault of ours.
    let _ = answer.send(request);
}

/// What will be sent: status, headers and body.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Box<dyn Read + Send>,
    length: u64,
    fault: Option<Fault>,
}

impl Answer {
    fn to(method: &Method, url: &str, range: Option<&str>, dir: &Path) -> Answer {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let (fault, path) = Fault::of(path.trim_start_matches('/'));
        let mut answer = match (method, fault) {
            (Method::Options, _) => Answer::text(204, ""),
            (Method::Get | Method::Head, Some(Fault::NotFound)) => Answer::text(404, "not found"),
            (Method::Get | Method::Head, Some(Fault::Broken)) => Answer::text(500, "out of order"),
            (Method::Get | Method::Head, Some(Fault::Redirect)) => {
                let mut redirect = Answer::text(302, "");
                redirect.headers.push(("Location", format!("/{path}")));
                redirect
            }
            (Method::Get | Method::Head, _) => {
                let range = range.filter(|_| fault != Some(Fault::NoRange));
                Answer::file(dir, path, range).unwrap_or_else(|_| Answer::text(404, "not found"))
            }
            _ => Answer::text(405, "only GET and HEAD are answered"),
        };
        answer.headers.push(("Cache-Control", "no-store".into()));
        if fault != Some(Fault::NoCors) {
            for (name, value) in [
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Headers", "Range"),
                ("Access-Control-Expose-Headers", "Content-Range, Content-Length, Accept-Ranges"),
            ] {
                answer.headers.push((name, value.into()));
            }
        }
        if fault != Some(Fault::NoRange) {
            answer.headers.push(("Accept-Ranges", "bytes".into()));
        }
        answer.fault = fault;
        answer
    }

    fn text(status: u16, text: &'static str) -> Answer {
        Answer {
            status,
            headers: vec![("Content-Type", "text/plain; charset=utf-8".into())],
            body: Box::new(text.as_bytes()),
            length: text.len() as u64,
            fault: None,
        }
    }

    fn file(dir: &Path, path: &str, range: Option<&str>) -> io::Result<Answer> {
        let mut file_path = below(dir, path).ok_or(io::ErrorKind::NotFound)?;
        if file_path.is_dir() {
            file_path.push("index.html");
        }
        let mut file = File::open(&file_path)?;
        let size = file.metadata()?.len();
        let content_type = ("Content-Type", content_type(&file_path.to_string_lossy()).to_owned());
        let (status, start, length, mut headers) = match range.map(|r| parse_range(r, size)) {
            None | Some(Wanted::Whole) => (200, 0, size, vec![]),
            Some(Wanted::Nothing) => {
                let mut refusal = Answer::text(416, "no such range");
                refusal.headers.push(("Content-Range", format!("bytes */{size}")));
                return Ok(refusal);
            }
            Some(Wanted::Part { start, length }) => {
                let part = format!("bytes {start}-{}/{size}", start + length - 1);
                (206, start, length, vec![("Content-Range", part)])
            }
        };
        headers.push(content_type);
        file.seek(SeekFrom::Start(start))?;
        Ok(Answer { status, headers, body: Box::new(file.take(length)), length, fault: None })
    }

    fn send(self, request: Request) -> io::Result<()> {
        let body: Box<dyn Read + Send> = match self.fault {
            Some(Fault::Slow) => Box::new(Slow(self.body)),
            Some(Fault::Cut) => return self.send_half(request),
            _ => self.body,
        };
        let headers =
            self.headers.iter().filter_map(|(name, value)| Header::from_bytes(*name, value.as_str()).ok()).collect();
        let length = usize::try_from(self.length).ok();
        let response =
            Response::new(StatusCode(self.status), headers, body, length, None).with_chunked_threshold(usize::MAX);
        request.respond(response)
    }

    /// The server's library always completes an answer, so this one is written by hand: chunked, with a broken chunk.
    fn send_half(self, request: Request) -> io::Result<()> {
        let mut half = Vec::new();
        self.body.take(self.length / 2).read_to_end(&mut half)?;
        let mut writer = request.into_writer();
        write!(writer, "HTTP/1.1 {} Half\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(writer, "{name}: {value}\r\n")?;
        }
        write!(writer, "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", half.len())?;
        writer.write_all(&half)?;
        writer.write_all(b"\r\nno chunk\r\n")?;
        writer.flush()
    }
}

/// Passes on a little at a time.
struct Slow(Box<dyn Read + Send>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        thread::sleep(SLOW_PAUSE);
        let piece = buffer.len().min(SLOW_PIECE);
        self.0.read(&mut buffer[..piece])
    }
}

/// The file that a path of a URL means, or nothing when it would leave the folder.
fn below(dir: &Path, path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(percent_decoded(path)?);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| dir.join(path))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part { start: u64, length: u64 },
    Nothing,
}

/// What a Range header asks of a file of `size` bytes. Several ranges at once, or nonsense, mean the whole file.
fn parse_range(header: &str, size: u64) -> Wanted {
    let Some((first, last)) =
        header.strip_prefix("bytes=").filter(|spec| !spec.contains(',')).and_then(|spec| spec.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(start), Ok(end)) if end < start => return Wanted::Whole,
        (Ok(start), Ok(end)) => (start, end.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if last.is_empty() => (start, size),
        (Err(_), Ok(count)) if first.is_empty() => (size.saturating_sub(count), size),
        _ => return Wanted::Whole,
    };
    match end.checked_sub(start) {
        None | Some(0) => Wanted::Nothing,
        Some(length) => Wanted::Part { start, length },
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" | "md" | "csv" | "ftl" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let part = |start, length| Wanted::Part { start, length };
        assert_eq!(parse_range("bytes=0-9", 100), part(0, 10));
        assert_eq!(parse_range("bytes=90-", 100), part(90, 10));
        assert_eq!(parse_range("bytes=-5", 100), part(95, 5));
        assert_eq!(parse_range("bytes=-500", 100), part(0, 100));
        assert_eq!(parse_range("bytes=90-200", 100), part(90, 10));
        assert_eq!(parse_range("bytes=100-", 100), Wanted::Nothing);
        assert_eq!(parse_range("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(parse_range("bytes=9-0", 100), Wanted::Whole);
        assert_eq!(parse_range("bytes=0-1,5-6", 100), Wanted::Whole);
        assert_eq!(parse_range("lines=0-1", 100), Wanted::Whole);
    }

    #[test]
    fn a_path_cannot_leave_the_folder() {
        let dir = Path::new("site");
        assert_eq!(below(dir, "a%20b/c.js"), Some(dir.join("a b/c.js")));
        assert_eq!(below(dir, "../Cargo.toml"), None);
        assert_eq!(below(dir, "a/%2e%2e/%2e%2e/x"), None);
        assert_eq!(below(dir, "%2Fetc/passwd"), None);
        assert_eq!(below(dir, "%zz"), None);
    }

    #[test]
    fn every_fault_is_found_again_in_its_path() {
        for (fault, _) in Fault::ALL {
            let path = format!("{}/models/a.onnx", fault.prefix());
            assert_eq!(Fault::of(&path), (Some(fault), "models/a.onnx"));
        }
        assert_eq!(Fault::of("models/a.onnx"), (None, "models/a.onnx"));
    }
}
