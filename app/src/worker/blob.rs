//! A file on the reader's disk, by slices: nothing of it is in memory but the slice at hand.

use super::ahead::{Ahead, Stretches};
use crate::text;
use js_sys::Uint8Array;
use std::io;
use web_sys::{File, FileReaderSync};

/// Bytes of one slice.
const SLICE: u64 = 128 * 1024;

/// A file that can be sliced.
pub struct Blob {
    file: File,
    reader: FileReaderSync,
}

impl Blob {
    /// A reader over a file.
    ///
    /// # Errors
    /// The browser gives no reader, in words.
    pub fn new(file: File) -> Result<Ahead<Self>, String> {
        let reader = FileReaderSync::new().map_err(|error| words(&error))?;
        Ok(Ahead::new(Self { file, reader }, SLICE))
    }
}

impl Stretches for Blob {
    fn size(&self) -> u64 {
        // Sizes of files are whole numbers below 2^53.
        self.file.size() as u64
    }

    fn stretch(&mut self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let read = || {
            let slice = self.file.slice_with_f64_and_f64(start as f64, end as f64)?;
            self.reader.read_as_array_buffer(&slice)
        };
        let bytes = read().map(|buffer| Uint8Array::new(&buffer).to_vec());
        bytes.map_err(|error| io::Error::other(words(&error)))
    }
}

/// The browser's own words for an error.
fn words(error: &wasm_bindgen::JsValue) -> String {
    js_sys::Reflect::get(error, &"message".into())
        .ok()
        .and_then(|message| message.as_string())
        .unwrap_or_else(|| text::fault::BROWSER_REFUSED.to_owned())
}
