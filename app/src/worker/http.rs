//! A file on the web, by range requests: only the parts that describe the model are loaded.
//!
//! The first request goes out without blocking, so that it can be stopped when the server sends more than was asked for;
//! the later ones block this worker, which is what lets the same readers work on files and addresses.

use super::ahead::{Ahead, Stretches};
use crate::protocol::Fault;
use crate::text;
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, DedicatedWorkerGlobalScope, RequestInit, RequestMode, Response, XmlHttpRequest,
    XmlHttpRequestResponseType,
};

/// Bytes of one request.
const PIECE: u64 = 256 * 1024;
/// Largest file taken whole from a server that ignores ranges.
const MOST_WHOLE: u64 = 32 * 1024 * 1024;

/// What went wrong while reading, kept for the end: a reader can only say that it failed.
#[derive(Clone, Default)]
pub struct Failure(Rc<RefCell<Option<Fault>>>);

impl Failure {
    /// What went wrong, if anything did.
    pub fn take(&self) -> Option<Fault> {
        self.0.borrow_mut().take()
    }

    /// Keeps what went wrong; the reader is told in the same words.
    fn keep(&self, fault: Fault) -> io::Error {
        let words = fault.what.clone();
        *self.0.borrow_mut() = Some(fault);
        io::Error::other(words)
    }
}

/// How a reader shows that it may read: by nothing, or by a token for private repositories.
/// The token lives in memory only and goes to nobody but the hub.
#[derive(Clone, Default)]
pub struct Access {
    token: Option<Rc<str>>,
}

impl Access {
    /// For files that everybody may read.
    pub fn open() -> Self {
        Self::default()
    }

    /// With a token, if one was typed.
    pub fn with_token(token: &str) -> Self {
        let token = token.trim();
        Self { token: (!token.is_empty()).then(|| token.into()) }
    }

    /// The header's value.
    fn authorization(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    /// What to do where a login is asked for.
    fn remedy(&self) -> &'static str {
        if self.token.is_some() { text::fault::TOKEN_REFUSED } else { text::fault::LOG_IN }
    }
}

/// An address that answers range requests, or that was small enough to be held whole.
pub struct Http {
    url: String,
    size: u64,
    access: Access,
    failure: Failure,
}

impl Ahead<Http> {
    /// Where this reader will say what went wrong.
    pub fn failure(&self) -> Failure {
        self.inner().failure.clone()
    }
}

/// The last part of an address's path.
pub fn file_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}

/// Opens an address.
///
/// # Errors
/// It does not exist, may not be read from here, or is too large for a server that ignores ranges; in words.
pub async fn open(url: &str, access: &Access) -> Result<Ahead<Http>, Fault> {
    let controller = AbortController::new().map_err(|_| fault(url, text::fault::BROWSER_REFUSED, ""))?;
    let options = RequestInit::new();
    options.set_signal(Some(&controller.signal()));
    let range = format!("bytes=0-{}", PIECE - 1);
    options.set_headers(&headers(access, Some(&range)));
    let http = |size| Http { url: url.to_owned(), size, access: access.clone(), failure: Failure::default() };
    let response = match fetch(url, &options).await {
        Ok(response) => response,
        Err(_) => return Err(unreachable(url).await),
    };
    match response.status() {
        206 => {
            let start = body(url, &response).await?;
            let total =
                header(&response, "content-range").and_then(|range| range.rsplit('/').next()?.trim().parse().ok());
            let size = match total {
                Some(size) => size,
                // A shorter answer than asked for is the whole file; else the size is asked for, since the header that says it is hidden from pages.
                None if (start.len() as u64) < PIECE => start.len() as u64,
                None => length(url, access)
                    .await
                    .ok_or_else(|| fault(url, text::fault::NO_LENGTH, text::fault::DOWNLOAD_FIRST))?,
            };
            Ok(Ahead::with_start(http(size), PIECE, start))
        }
        200 => {
            let announced = header(&response, "content-length").and_then(|length| length.parse::<u64>().ok());
            if announced.is_none_or(|length| length > MOST_WHOLE) {
                controller.abort();
                return Err(fault(url, text::fault::NO_RANGES, text::fault::DOWNLOAD_FIRST));
            }
            let whole = body(url, &response).await?;
            Ok(Ahead::with_start(http(whole.len() as u64), PIECE, whole))
        }
        status => Err(refused(url, status, access)),
    }
}

/// What a status that is no success means.
fn refused(url: &str, status: u16, access: &Access) -> Fault {
    match status {
        416 => fault(url, text::fault::EMPTY, text::fault::CHECK_ADDRESS),
        404 | 410 => fault(url, &text::fault::not_found(status), text::fault::CHECK_ADDRESS),
        401 | 403 => fault(url, &text::fault::forbidden(status), access.remedy()),
        status => fault(url, &text::fault::status(status), text::fault::TRY_LATER),
    }
}

/// The headers of a request, as a plain object.
fn headers(access: &Access, range: Option<&str>) -> js_sys::Object {
    let headers = js_sys::Object::new();
    let authorization = access.authorization();
    for (name, value) in [("Range", range), ("Authorization", authorization.as_deref())] {
        if let Some(value) = value {
            // A plain object of text to text: setting cannot fail.
            let _ = js_sys::Reflect::set(&headers, &name.into(), &value.into());
        }
    }
    headers
}

/// A small text whole, and the address of the page that follows it, if it says so (`Link: <…>; rel="next"`).
///
/// # Errors
/// As [`open`].
pub async fn whole(url: &str, access: &Access) -> Result<(Vec<u8>, Option<String>), Fault> {
    let options = RequestInit::new();
    options.set_headers(&headers(access, None));
    let response = match fetch(url, &options).await {
        Ok(response) => response,
        Err(_) => return Err(unreachable(url).await),
    };
    if response.status() != 200 {
        return Err(refused(url, response.status(), access));
    }
    let next = header(&response, "link").and_then(|link| next_page(&link));
    Ok((body(url, &response).await?, next))
}

/// The address behind `rel="next"` in a `Link` header.
fn next_page(link: &str) -> Option<String> {
    link.split(',').find(|part| part.contains("rel=\"next\"")).and_then(|part| {
        let (_, rest) = part.split_once('<')?;
        Some(rest.split_once('>')?.0.to_owned())
    })
}

/// Opens a neighbour of a file that is being read; `None` where there is none. Its size is asked for unless it is known.
///
/// # Errors
/// The server refuses it or breaks off; why is kept in `failure`.
pub fn open_now(url: &str, size: Option<u64>, access: &Access, failure: &Failure) -> io::Result<Option<Ahead<Http>>> {
    let size = match size {
        Some(size) => size,
        None => {
            let ask = || -> Result<(u16, Option<u64>), JsValue> {
                let request = XmlHttpRequest::new()?;
                request.open_with_async("HEAD", url, false)?;
                if let Some(value) = access.authorization() {
                    request.set_request_header("Authorization", &value)?;
                }
                request.send()?;
                let length = request.get_response_header("content-length")?.and_then(|text| text.trim().parse().ok());
                Ok((request.status()?, length))
            };
            match ask() {
                Ok((200, Some(size))) => size,
                Ok((404 | 410, _)) => return Ok(None),
                Ok((200, None)) => {
                    return Err(failure.keep(fault(url, text::fault::NO_LENGTH, text::fault::DOWNLOAD_FIRST)));
                }
                Ok((status, _)) => return Err(failure.keep(refused(url, status, access))),
                Err(_) => return Err(failure.keep(fault(url, text::fault::BROKE_OFF, text::fault::TRY_AGAIN))),
            }
        }
    };
    let http = Http { url: url.to_owned(), size, access: access.clone(), failure: failure.clone() };
    Ok(Some(Ahead::new(http, PIECE)))
}

async fn fetch(url: &str, options: &RequestInit) -> Result<Response, JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    JsFuture::from(scope.fetch_with_str_and_init(url, options)).await?.dyn_into()
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}

async fn body(url: &str, response: &Response) -> Result<Vec<u8>, Fault> {
    let broken = |_| fault(url, text::fault::BROKE_OFF, text::fault::TRY_AGAIN);
    let buffer = JsFuture::from(response.array_buffer().map_err(broken)?).await.map_err(broken)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The file's size, by asking for its headers alone.
async fn length(url: &str, access: &Access) -> Option<u64> {
    let options = RequestInit::new();
    options.set_headers(&headers(access, None));
    options.set_method("HEAD");
    let response = fetch(url, &options).await.ok()?;
    header(&response, "content-length")?.parse().ok()
}

/// Why a request failed without an answer: a request that may not read the answer tells a missing permission from a missing server.
async fn unreachable(url: &str) -> Fault {
    let scope = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>();
    if scope.is_ok_and(|scope| !scope.navigator().on_line()) {
        return fault(url, text::fault::OFFLINE, text::fault::TRY_ONLINE);
    }
    let options = RequestInit::new();
    options.set_mode(RequestMode::NoCors);
    options.set_method("HEAD");
    match fetch(url, &options).await {
        Ok(_) => fault(url, text::fault::NO_CORS, text::fault::DOWNLOAD_FIRST),
        Err(_) => fault(url, text::fault::NO_SERVER, text::fault::CHECK_ADDRESS),
    }
}

fn fault(url: &str, what: &str, remedy: &str) -> Fault {
    Fault { name: url.to_owned(), what: what.to_owned(), remedy: remedy.to_owned() }
}

impl Stretches for Http {
    fn size(&self) -> u64 {
        self.size
    }

    fn stretch(&mut self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let load = || -> Result<(u16, Vec<u8>), JsValue> {
            let request = XmlHttpRequest::new()?;
            request.open_with_async("GET", &self.url, false)?;
            request.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
            request.set_request_header("Range", &format!("bytes={start}-{}", end.saturating_sub(1)))?;
            if let Some(value) = self.access.authorization() {
                request.set_request_header("Authorization", &value)?;
            }
            request.send()?;
            Ok((request.status()?, Uint8Array::new(&request.response()?).to_vec()))
        };
        let why = match load() {
            Ok((206, bytes)) if bytes.len() as u64 == end - start => return Ok(bytes),
            // A server that ignores ranges sends the whole of a small file.
            Ok((200, bytes)) if bytes.len() as u64 == self.size => {
                let piece = usize::try_from(start).ok().zip(usize::try_from(end).ok());
                return Ok(piece.and_then(|(start, end)| bytes.get(start..end)).unwrap_or_default().to_vec());
            }
            Ok((206, _)) | Err(_) => text::fault::BROKE_OFF.to_owned(),
            Ok((status, _)) => text::fault::status(status),
        };
        Err(self.failure.keep(fault(&self.url, &why, text::fault::TRY_AGAIN)))
    }
}

#[cfg(test)]
mod tests {
    use super::{file_name, next_page};

    #[test]
    fn the_next_page_is_found_in_its_header() {
        let link = r#"<https://a.example/x?cursor=1>; rel="next", <https://a.example/x>; rel="first""#;
        assert_eq!(next_page(link).as_deref(), Some("https://a.example/x?cursor=1"));
        assert_eq!(next_page("<https://a.example/x>; rel=\"first\""), None);
    }

    #[test]
    fn the_name_is_the_last_part_of_the_path() {
        for (url, name) in [
            ("https://example.org/a/b.onnx?download=true#x", "b.onnx"),
            ("https://example.org/", "example.org"),
            ("models/resnet50.onnx", "resnet50.onnx"),
        ] {
            assert_eq!(file_name(url), name);
        }
    }
}
