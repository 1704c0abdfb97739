//! OpenVINO IR: an `.xml` that holds the network, and a `.bin` beside it that holds the weights.
//!
//! `xml` gives tags one by one, `ir` keeps the parts that matter, `element` knows the names of element types, and
//! `build` turns layers and edges into nodes and values. Every port states its shape; the weights are not read,
//! except for the few small constants on which shapes depend, where the `.bin` is there.

mod build;
mod element;
mod ir;
mod xml;

#[cfg(test)]
mod tests;

pub(crate) use element::dtype;

use super::error::{Problem, ReadError};
use super::files::Files;
use super::sniff::Look;
use super::source::Source;
use crate::model::Model;

/// Longest description that is read. Large networks take a few megabytes; weights are not in it.
const MOST_BYTES: u64 = 512 << 20;

/// Whether the beginning is that of an IR: a `net` tag is the first or comes behind the XML declaration.
pub(super) fn looks_like(look: &Look) -> bool {
    let text = String::from_utf8_lossy(&look.beginning);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut rest = text;
    while let Some(inner) = rest.strip_prefix("<?").or(rest.strip_prefix("<!--")) {
        let Some((_, behind)) = inner.split_once('>') else { return false };
        rest = behind.trim_start();
    }
    rest.strip_prefix("<net").is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n', '>']))
}

/// Reads a model.
pub(super) fn read(files: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    if source.size() > MOST_BYTES {
        let what = format!("the description has {} bytes; at most {MOST_BYTES} are read", source.size());
        return Err(source.error(None, "", Problem::OverLimit(what)));
    }
    let (name, size) = (source.name().to_owned(), source.size());
    let mut document = xml::Document::new(source);
    let net = ir::read(&mut document)?;
    let Some(net) = net else { return Err(document.corrupt("", "its first tag is not <net>".to_owned())) };
    build::model(files, &name, size, net)
}
