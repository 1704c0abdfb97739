//! Files from the reader: dropped anywhere on the window, or chosen in a file field. Folders are walked.

use gloo::events::{EventListener, EventListenerOptions};
use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, DragEvent, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry, HtmlInputElement,
};
use yew::prelude::*;

/// Whether something is being dragged over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropState {
    /// Nothing.
    Idle,
    /// Files hang over the window.
    Over,
}

/// Most files taken from one drop: a folder dropped by mistake can hold millions.
const MOST_FILES: usize = 2_000;
/// The property in which a dropped file carries its path in the folder that it was dropped with.
pub const DROPPED_PATH: &str = "droppedPath";
/// Deepest folder that is looked into.
const DEEPEST: usize = 8;

/// The files that were chosen in a file field; the field is emptied, so that the same file can be chosen again.
pub fn files_of_input(input: &HtmlInputElement) -> Vec<File> {
    let files = input.files().map(|list| (0..list.length()).filter_map(|at| list.get(at)).collect());
    let files: Vec<File> = files.unwrap_or_default();
    input.set_value("");
    files
}

/// Takes files dropped anywhere on the window while the page that wants them is shown.
#[hook]
pub fn use_file_drop(active: bool, dropped: Callback<Vec<File>>) -> DropState {
    let state = use_state(|| DropState::Idle);
    {
        let state = state.clone();
        use_effect_with((active, dropped), move |(active, dropped)| {
            let active = *active;
            let window = gloo::utils::window();
            let options = EventListenerOptions::enable_prevent_default();
            // Elements inside the page send enter and leave in turn; only the balance says whether the files are still over it.
            let depth = std::rc::Rc::new(std::cell::Cell::new(0i32));
            let listen = |name: &'static str, run: Box<dyn Fn(&DragEvent)>| {
                EventListener::new_with_options(&window, name, options, move |event| {
                    let Some(event) = event.dyn_ref::<DragEvent>() else { return };
                    if event.data_transfer().is_some_and(|data| carries_files(&data)) {
                        // A browser left alone would open the file in the place of the page.
                        event.prevent_default();
                        if active {
                            run(event);
                        }
                    }
                })
            };
            let listeners = [
                listen("dragenter", {
                    let (depth, state) = (depth.clone(), state.clone());
                    Box::new(move |_| {
                        depth.set(depth.get() + 1);
                        state.set(DropState::Over);
                    })
                }),
                listen("dragover", Box::new(|_| {})),
                listen("dragleave", {
                    let (depth, state) = (depth.clone(), state.clone());
                    Box::new(move |_| {
                        depth.set((depth.get() - 1).max(0));
                        if depth.get() == 0 {
                            state.set(DropState::Idle);
                        }
                    })
                }),
                listen("drop", {
                    let dropped = dropped.clone();
                    Box::new(move |event| {
                        depth.set(0);
                        state.set(DropState::Idle);
                        let Some(data) = event.data_transfer() else { return };
                        // The transfer is emptied when this handler returns, so its entries are taken now and walked later.
                        let entries = entries(&data);
                        let plain = data.files().map(|list| (0..list.length()).filter_map(|at| list.get(at)).collect());
                        let plain: Vec<File> = plain.unwrap_or_default();
                        let dropped = dropped.clone();
                        wasm_bindgen_futures::spawn_local(async move {
                            let mut files = Vec::new();
                            for entry in entries {
                                walk(entry, &mut files).await;
                            }
                            dropped.emit(if files.is_empty() { plain } else { files });
                        });
                    })
                }),
            ];
            move || drop(listeners)
        });
    }
    *state
}

fn carries_files(data: &DataTransfer) -> bool {
    data.types().iter().any(|kind| kind.as_string().as_deref() == Some("Files"))
}

fn entries(data: &DataTransfer) -> Vec<FileSystemEntry> {
    let items = data.items();
    (0..items.length())
        .filter_map(|at| items.get(at))
        .filter_map(|item| item.webkit_get_as_entry().ok().flatten())
        .collect()
}

/// Adds the files of an entry, folders walked in depth. What cannot be read is left out: opening says what is missing.
async fn walk(root: FileSystemEntry, files: &mut Vec<File>) {
    let mut waiting = vec![(root, 0usize)];
    while let Some((entry, depth)) = waiting.pop() {
        if files.len() >= MOST_FILES {
            return;
        }
        if entry.is_file() {
            let full_path = entry.full_path().trim_start_matches('/').to_owned();
            let entry: FileSystemFileEntry = entry.unchecked_into();
            let promise = Promise::new(&mut |resolve: Function, reject: Function| {
                entry.file_with_callback_and_callback(&resolve, &reject);
            });
            if let Ok(file) = JsFuture::from(promise).await {
                // Files from a drop do not say in which folder they were.
                let _ = js_sys::Reflect::set(&file, &DROPPED_PATH.into(), &full_path.into());
                files.push(file.unchecked_into());
            }
        } else if entry.is_directory() && depth < DEEPEST {
            let entry: FileSystemDirectoryEntry = entry.unchecked_into();
            let reader = entry.create_reader();
            // A reader gives a hundred entries at a time, until it gives none.
            loop {
                let promise = Promise::new(&mut |resolve: Function, reject: Function| {
                    let _ = reader.read_entries_with_callback_and_callback(&resolve, &reject);
                });
                let batch = JsFuture::from(promise).await.unwrap_or(JsValue::UNDEFINED);
                let batch: Vec<FileSystemEntry> = batch
                    .dyn_into::<Array>()
                    .map(|list| list.iter().map(JsCast::unchecked_into).collect())
                    .unwrap_or_default();
                if batch.is_empty() {
                    break;
                }
                waiting.extend(batch.into_iter().map(|entry| (entry, depth + 1)));
            }
        }
    }
}
