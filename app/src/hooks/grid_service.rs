//! The carbon intensity of Great Britain for the next two days, asked of the service that its grid's operator runs.
//!
//! The address stands in one tag of the page, so that a policy on where a page may connect to names it and a test replaces it.
//! Nothing about the reader goes with the question.

use crate::text::schedule as text;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestInit, Response};

const TAG: &str = "meta[name='carbon-intensity-gb']";
/// How long the service may take.
const LIMIT_MS: u32 = 20_000;
/// The longest answer: two days of half-hours are a few kilobytes.
const MOST_LETTERS: usize = 1_000_000;

/// Asks from now on; the answer is the service's JSON.
///
/// # Errors
/// Why there is no answer, for people.
pub async fn ask_great_britain() -> Result<String, String> {
    if !gloo::utils::window().navigator().on_line() {
        return Err(text::OFFLINE.to_owned());
    }
    let tag = gloo::utils::document().query_selector(TAG).ok().flatten();
    let address = tag.and_then(|tag| tag.get_attribute("content")).unwrap_or_default();
    let now: String = js_sys::Date::new_0().to_iso_string().into();
    // To the minute: 2018-01-20T12:00Z.
    let minute = now.get(..16).unwrap_or_default();
    let address = address.replace("{from}", &format!("{minute}Z"));
    let options = RequestInit::new();
    options.set_signal(Some(&AbortSignal::timeout_with_u32(LIMIT_MS)));
    let said = |fault: wasm_bindgen::JsValue| {
        fault.dyn_into::<js_sys::Error>().map_or_else(|_| String::new(), |error| error.message().into())
    };
    let asked = gloo::utils::window().fetch_with_str_and_init(&address, &options);
    let answer: Response = JsFuture::from(asked).await.map_err(said)?.unchecked_into();
    if !answer.ok() {
        return Err(format!("{} {}", answer.status(), answer.status_text()));
    }
    let body = JsFuture::from(answer.text().map_err(said)?).await.map_err(said)?;
    body.as_string().filter(|body| body.len() <= MOST_LETTERS).ok_or_else(String::new)
}

/// The contents of a file as text; `None` where the browser cannot read it any more.
pub async fn text_of(file: &web_sys::File) -> Option<String> {
    JsFuture::from(file.text()).await.ok()?.as_string()
}
