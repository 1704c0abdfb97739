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
}

/// An address that answers range requests, or that was small enough to be held whole.
pub struct Http {
    url: String,
    size: u64,
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
pub async fn open(url: &str) -> Result<Ahead<Http>, Fault> {
    let controller = AbortController::new().map_err(|_| fault(url, text::fault::BROWSER_REFUSED, ""))?;
    let options = RequestInit::new();
    options.set_signal(Some(&controller.signal()));
    let headers = js_sys::Object::new();
    let range = format!("bytes=0-{}", PIECE - 1);
    // A plain object of text to text: setting cannot fail.
    let _ = js_sys::Reflect::set(&headers, &"Range".into(), &range.into());
    options.set_headers(&headers);
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
                None => {
                    length(url).await.ok_or_else(|| fault(url, text::fault::NO_LENGTH, text::fault::DOWNLOAD_FIRST))?
                }
            };
            Ok(Ahead::with_start(Http { url: url.to_owned(), size, failure: Failure::default() }, PIECE, start))
        }
        200 => {
            let announced = header(&response, "content-length").and_then(|length| length.parse::<u64>().ok());
            if announced.is_none_or(|length| length > MOST_WHOLE) {
                controller.abort();
                return Err(fault(url, text::fault::NO_RANGES, text::fault::DOWNLOAD_FIRST));
            }
            let whole = body(url, &response).await?;
            let size = whole.len() as u64;
            Ok(Ahead::with_start(Http { url: url.to_owned(), size, failure: Failure::default() }, PIECE, whole))
        }
        416 => Err(fault(url, text::fault::EMPTY, text::fault::CHECK_ADDRESS)),
        404 | 410 => Err(fault(url, &text::fault::not_found(response.status()), text::fault::CHECK_ADDRESS)),
        401 | 403 => Err(fault(url, &text::fault::forbidden(response.status()), text::fault::LOG_IN)),
        status => Err(fault(url, &text::fault::status(status), text::fault::TRY_LATER)),
    }
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
async fn length(url: &str) -> Option<u64> {
    let options = RequestInit::new();
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
            request.send()?;
            Ok((request.status()?, Uint8Array::new(&request.response()?).to_vec()))
        };
        let why = match load() {
            Ok((206, bytes)) if bytes.len() as u64 == end - start => return Ok(bytes),
            Ok((206, _)) | Err(_) => text::fault::BROKE_OFF.to_owned(),
            Ok((status, _)) => text::fault::status(status),
        };
        *self.failure.0.borrow_mut() = Some(fault(&self.url, &why, text::fault::TRY_AGAIN));
        Err(io::Error::other(why))
    }
}

#[cfg(test)]
mod tests {
    use super::file_name;

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
