//! Logs of measured runs on their way: told by their beginnings, left for the page that shows them, and read whole there.
//!
//! The two modules share no memory but the window, on which the files wait.

use super::path_of;
use js_sys::{Array, Reflect, Uint8Array};
use std::collections::BTreeMap;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

/// The window's property in which the files wait.
const WAITING: &str = "greenprintLogs";
/// Endings of names that logs have; other files are not looked into.
const ENDINGS: [&str; 4] = [".csv", ".log", ".json", ".txt"];
/// The most files of a drop that are looked into.
const MOST_LOOKED_INTO: usize = 20;
/// The largest log that is read in the page, where a tab has to hold it.
const LARGEST: f64 = 64.0 * 1024.0 * 1024.0;

async fn bytes(blob: &Blob) -> Option<Vec<u8>> {
    let buffer = JsFuture::from(blob.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}

/// Whether some of these files may be logs by their names.
pub fn may_be_logs(files: &[File]) -> bool {
    files.iter().any(has_ending)
}

fn has_ending(file: &File) -> bool {
    let name = file.name().to_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether one of these files is a log by its contents.
pub async fn are_logs(files: &[File]) -> bool {
    for file in files.iter().filter(|file| has_ending(file)).take(MOST_LOOKED_INTO) {
        let Ok(start) = file.slice_with_f64_and_f64(0.0, estimator::logs::BEGINNING as f64) else { continue };
        if let Some(start) = bytes(&start).await
            && estimator::logs::recognise(&start).is_some()
        {
            return true;
        }
    }
    false
}

/// Leaves files for the page of measured runs, which tells the other pages' address.
pub fn leave_logs(files: &[File], fragment: &str) {
    let list: Array = files.iter().collect();
    let window = gloo::utils::window();
    let _ = Reflect::set(&window, &WAITING.into(), &list);
    let _ = window.location().set_hash(fragment);
}

/// The files that were left, once.
pub fn take_logs() -> Vec<File> {
    let window = gloo::utils::window();
    let waiting = Reflect::get(&window, &WAITING.into()).unwrap_or(JsValue::UNDEFINED);
    let _ = Reflect::set(&window, &WAITING.into(), &JsValue::UNDEFINED);
    match waiting.dyn_into::<Array>() {
        Ok(list) => list.iter().filter_map(|file| file.dyn_into::<File>().ok()).collect(),
        Err(_) => Vec::new(),
    }
}

/// Files by their paths. What is too large to be a log is left out; what cannot be read is there without a byte,
/// so that its reader says what is wrong.
pub async fn read_logs(files: Vec<File>) -> BTreeMap<String, Vec<u8>> {
    let mut read = BTreeMap::new();
    let mut sum = 0.0;
    for file in files {
        sum += file.size();
        if sum > LARGEST {
            break;
        }
        read.insert(path_of(&file), bytes(&file).await.unwrap_or_default());
    }
    read
}

/// Goes to an address of the page.
pub fn go_to_fragment(fragment: &str) {
    let _ = gloo::utils::window().location().set_hash(fragment);
}
