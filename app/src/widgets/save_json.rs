//! A button that saves a record of the estimator as JSON, the same that `greenprint … --json` prints.

use crate::hooks::download;
use serde::Serialize;
use std::rc::Rc;
use yew::prelude::*;

/// Writes a record down, only when it is asked for.
#[derive(Clone)]
pub struct JsonRecord(Rc<dyn Fn() -> Result<String, serde_json::Error>>);

impl JsonRecord {
    /// The record that `part` finds in `whole`.
    pub fn of<W: 'static, T: Serialize + 'static>(whole: W, part: fn(&W) -> Option<&T>) -> Self {
        Self(Rc::new(move || serde_json::to_string_pretty(&part(&whole))))
    }
}

/// A new record replaces the old one whenever its panel is drawn.
impl PartialEq for JsonRecord {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Properties of [`SaveJson`].
#[derive(Properties, PartialEq)]
pub struct SaveJsonProps {
    /// What the file is called.
    pub file: AttrValue,
    /// What goes into it.
    pub record: JsonRecord,
    /// What the button says.
    pub label: AttrValue,
}

/// The button.
#[component]
pub fn SaveJson(props: &SaveJsonProps) -> Html {
    let (record, file) = (props.record.clone(), props.file.clone());
    let save = move |_: MouseEvent| match (record.0)() {
        Ok(text) => download(&file, "application/json", &text),
        Err(error) => gloo::console::error!("cannot write the record down:", error.to_string()),
    };
    html! { <button type="button" class="link" onclick={save}>{ props.label.clone() }</button> }
}
