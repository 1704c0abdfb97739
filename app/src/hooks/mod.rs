//! Every browser facility that a component uses, one hook in one file each.
//! Outside this room and the worker's, nothing touches `web_sys` but for the types of events.

mod address;
mod canvas;
mod clipboard;
mod download;
mod file_drop;
mod file_worker;
mod fragment;
mod gallery;
mod grid_service;
mod handover;
mod layers_kept;
mod logs;
mod media;
mod part;
mod print;
mod slices;
mod study;
mod theme;
mod window;

pub use address::{use_address, use_query};
pub use canvas::{Canvas, prepared, style_value, use_canvas};
pub use clipboard::use_clipboard;
pub use download::download;
pub use file_drop::{DropState, files_of_input, use_file_drop};
pub use file_worker::{FileWorker, Wanted, path_of, use_file_worker};
pub use fragment::{current as current_fragment, use_fragment};
pub use gallery::{Entry, FOLDER, Gallery, use_gallery};
pub use grid_service::{ask_great_britain, text_of};
pub use handover::{Handover, use_hand_over};
pub use layers_kept::{kept_layers, use_keep_layers};
pub use logs::{are_logs, go_to_fragment, leave_logs, may_be_logs, read_logs, take_logs};
use media::use_media;
pub use part::{focus_heading, go_to};
pub use print::{print, use_on_paper};
pub use slices::{Slices, in_slices};
pub use study::{Study, study_place, use_study, why_missing};
pub use theme::{Theme, ThemeHandle, use_theme};
pub use window::{address_of, reload, set_title, use_place_kept};
