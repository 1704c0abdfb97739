//! A static web server on localhost, for `cargo xtask serve` and for the browser tests.
//!
//! It answers range requests, forbids caching and can misbehave on request, so that tests can see what the page makes of a
//! server that ignores ranges, lacks CORS headers, redirects, is slow or breaks off.
//! It is a tool for one's own machine: it listens on the loopback address only.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Longest head of a request, in bytes.
const LONGEST_HEAD: u64 = 64 * 1024;
/// How long a connection may lie idle.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
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
    /// Status 401 without the header `Authorization: Bearer secret`.
    Private,
    /// Sends half of the file and then what is no HTTP, so that the browser breaks off.
    Cut,
}

impl Fault {
    const ALL: [(Fault, &str); 8] = [
        (Fault::NoRange, "~no-range"),
        (Fault::NotFound, "~not-found"),
        (Fault::Broken, "~broken"),
        (Fault::NoCors, "~no-cors"),
        (Fault::Redirect, "~redirect"),
        (Fault::Slow, "~slow"),
        (Fault::Private, "~private"),
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
///
/// Each connection has a thread of its own: a browser opens several at once and keeps them,
/// and a request on one must never wait for another to be closed.
pub struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
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
        let last = if port == 0 { 0 } else { port.saturating_add(PORTS - 1) };
        let listener = (port..=last)
            .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
            .ok_or_else(|| format!("no free port from {port} on; choose another with --port"))?;
        let port = listener.local_addr().map_err(|why| why.to_string())?.port();
        let (seen, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let accepting = thread::spawn({
            let (dir, seen, stopped) = (dir.to_path_buf(), seen.clone(), stopped.clone());
            move || {
                for stream in listener.incoming().flatten() {
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    let (dir, seen) = (dir.clone(), seen.clone());
                    // A reader that went away is no fault of ours.
                    thread::spawn(move || serve(stream, &dir, &seen).unwrap_or_default());
                }
            }
        });
        Ok(Server { port, seen, stopped, accepting: Some(accepting) })
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
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // One more connection, so that it notices.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Answers the requests of one connection, one after the other.
fn serve(mut stream: TcpStream, dir: &Path, seen: &Mutex<Vec<Seen>>) -> io::Result<()> {
    stream.set_read_timeout(Some(IDLE_LIMIT))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = Request::read(&mut reader)? {
        let answer = Answer::to(&request, dir);
        if let Ok(mut seen) = seen.lock() {
            seen.push(Seen {
                method: request.method.clone(),
                path: request.path.clone(),
                range: request.range.clone(),
                status: answer.status,
                bytes: answer.length,
            });
        }
        let broken_off = answer.fault == Some(Fault::Cut);
        answer.send(&mut stream, request.method == "HEAD")?;
        if broken_off || request.close {
            break;
        }
    }
    Ok(())
}

/// What of a request matters here. Its body does not: nothing that is answered has one.
struct Request {
    method: String,
    path: String,
    range: Option<String>,
    authorization: Option<String>,
    close: bool,
}

impl Request {
    /// The next request of a connection; nothing when the other side has closed it.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
        let mut head = reader.take(LONGEST_HEAD);
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut request = Request { method, path, range: None, authorization: None, close: false };
        loop {
            let mut line = String::new();
            if head.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.split_once(':') else { return Ok(Some(request)) };
            match name.to_ascii_lowercase().as_str() {
                "range" => request.range = Some(value.trim().to_owned()),
                "authorization" => request.authorization = Some(value.trim().to_owned()),
                "connection" => request.close = value.trim().eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
    }
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
    fn to(request: &Request, dir: &Path) -> Answer {
        let path = request.path.split(['?', '#']).next().unwrap_or_default();
        let (fault, path) = Fault::of(path.trim_start_matches('/'));
        let mut answer = match (request.method.as_str(), fault) {
            ("OPTIONS", _) => Answer::text(204, ""),
            ("GET" | "HEAD", Some(Fault::NotFound)) => Answer::text(404, "not found"),
            ("GET" | "HEAD", Some(Fault::Broken)) => Answer::text(500, "out of order"),
            ("GET" | "HEAD", Some(Fault::Private)) if request.authorization.as_deref() != Some("Bearer secret") => {
                Answer::text(401, "who are you?")
            }
            ("GET" | "HEAD", Some(Fault::Redirect)) => {
                let mut redirect = Answer::text(302, "");
                redirect.headers.push(("Location", format!("/{path}")));
                redirect
            }
            ("GET" | "HEAD", _) => {
                let range = request.range.as_deref().filter(|_| fault != Some(Fault::NoRange));
                Answer::file(dir, path, range).unwrap_or_else(|_| Answer::text(404, "not found"))
            }
            _ => Answer::text(405, "only GET and HEAD are answered"),
        };
        answer.headers.push(("Cache-Control", "no-store".into()));
        if fault != Some(Fault::NoCors) {
            for (name, value) in [
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Headers", "Range, Authorization"),
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

    /// Writes status, headers and, unless only the head is wanted, the body.
    fn send(self, stream: &mut TcpStream, head_only: bool) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, if self.status < 400 { "OK" } else { "Not OK" });
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.length));
        stream.write_all(head.as_bytes())?;
        if head_only {
            return Ok(());
        }
        let sent = match self.fault {
            Some(Fault::Slow) => io::copy(&mut Slow(self.body), stream)?,
            Some(Fault::Cut) => return io::copy(&mut self.body.take(self.length / 2), stream).map(|_| ()),
            _ => io::copy(&mut self.body.take(self.length), stream)?,
        };
        // A file that became shorter meanwhile: the connection cannot be used for another answer.
        if sent == self.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
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
    fn requests_are_read_one_after_the_other() {
        let sent = b"GET /a?b HTTP/1.1\r\nRANGE: bytes=0-9\r\n\r\nHEAD / HTTP/1.1\r\nConnection: close\r\n\r\n";
        let mut reader = &sent[..];
        let first = Request::read(&mut reader).expect("a request").expect("one");
        assert_eq!(
            (first.method.as_str(), first.path.as_str(), first.range.as_deref()),
            ("GET", "/a?b", Some("bytes=0-9"))
        );
        let second = Request::read(&mut reader).expect("a request").expect("another");
        assert!(second.method == "HEAD" && second.close && !first.close);
        assert!(Request::read(&mut reader).expect("the end").is_none());
        assert!(Request::read(&mut &b"nonsense\r\n\r\n"[..]).is_err());
    }

    #[test]
    fn many_connections_are_answered_while_others_lie_idle() {
        let dir = std::env::temp_dir().join(format!("server-test-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        std::fs::write(dir.join("a.txt"), "hello").expect("a file");
        let server = Server::start(&dir, 0).expect("a server");
        let mut kept = Vec::new();
        for _ in 0..40 {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).expect("a connection");
            stream.write_all(b"GET /a.txt HTTP/1.1\r\n\r\n").expect("a request");
            kept.push(stream);
        }
        for stream in &mut kept {
            stream.set_read_timeout(Some(IDLE_LIMIT)).expect("a limit");
            let mut text = Vec::new();
            let mut piece = [0u8; 512];
            while !text.ends_with(b"\r\n\r\nhello") {
                let count = stream.read(&mut piece).expect("an answer");
                assert!(count > 0, "{}", String::from_utf8_lossy(&text));
                text.extend_from_slice(&piece[..count]);
            }
        }
        assert_eq!(server.requests().len(), 40);
        let _ = std::fs::remove_dir_all(&dir);
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
