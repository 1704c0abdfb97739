//! Every browser facility that a component uses, one hook in one file each.
//! Outside this room and the worker's, nothing touches `web_sys` but for the types of events.

mod canvas;
mod clipboard;
mod download;
mod file_drop;
mod file_worker;
mod fragment;
mod gallery;
mod media;
mod part;
mod print;
mod theme;

pub use canvas::{Canvas, prepared, style_value, use_canvas};
pub use clipboard::use_clipboard;
pub use download::download;
pub use file_drop::{DropState, files_of_input, use_file_drop};
pub use file_worker::{FileWorker, Wanted, path_of, use_file_worker};
pub use fragment::{current as current_fragment, use_fragment};
pub use gallery::{Entry, FOLDER, Gallery, use_gallery};
use media::use_media;
pub use part::go_to;
pub use print::{print, use_on_paper};
pub use theme::{Theme, ThemeHandle, use_theme};
