//! Parts of a page that know nothing of models or energy: fields, choices, figures, dialogs.
//! A widget's texts are given to it.

mod chart_figure;
mod choice;
mod combobox;
mod dialog;
mod figure;
mod notice;
mod number_field;
mod rows;
mod save_json;

pub use chart_figure::ChartFigure;
pub use choice::{Choice, Choices};
pub use combobox::{Combobox, Found};
pub use dialog::Dialog;
pub use figure::{Exact, RangeBar};
pub use notice::{Notice, Tone};
pub use number_field::{NumberField, Slide};
pub use rows::{Rows, use_rows};
pub use save_json::{JsonRecord, SaveJson};
