//! The bundled models: a list that is fetched once.

use gloo::net::http::Request;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;
use yew::prelude::*;

/// Where the bundled models lie, beside the page.
pub const FOLDER: &str = "models";

/// A bundled model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Its id in a scenario.
    pub id: String,
    /// Its file in the folder.
    pub file: String,
    /// Its name.
    pub title: String,
    /// What it does.
    pub task: String,
    /// A picture of what it does, in the folder.
    pub thumb: String,
    /// When it was published.
    pub year: u16,
    /// The paper.
    pub paper: String,
    /// One sentence on it.
    pub sentence: String,
    /// What goes in.
    pub input: String,
    /// Numbers for its dimensions.
    pub default_dims: BTreeMap<String, u64>,
    /// Its parameters.
    pub parameters: u64,
    /// Where its structure comes from and under which licence.
    pub licence: String,
}

#[derive(Deserialize)]
struct Manifest {
    models: Vec<Entry>,
}

/// The list, as far as it is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Gallery {
    /// On its way.
    Loading,
    /// Here.
    Here(Rc<Vec<Entry>>),
    /// It did not come; in the browser's words.
    Failed(String),
}

impl Gallery {
    /// The model with this id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        match self {
            Gallery::Here(entries) => entries.iter().find(|entry| entry.id == id),
            _ => None,
        }
    }
}

/// Fetches the list.
#[hook]
pub fn use_gallery() -> Gallery {
    let gallery = use_state(|| Gallery::Loading);
    {
        let gallery = gallery.clone();
        use_effect_with((), move |()| {
            wasm_bindgen_futures::spawn_local(async move {
                let fetched = async {
                    let response = Request::get(&format!("./{FOLDER}/manifest.json")).send().await?;
                    let text = response.text().await?;
                    serde_json::from_str::<Manifest>(&text).map_err(gloo::net::Error::from)
                };
                gallery.set(match fetched.await {
                    Ok(manifest) => Gallery::Here(Rc::new(manifest.models)),
                    Err(error) => Gallery::Failed(error.to_string()),
                });
            });
        });
    }
    (*gallery).clone()
}
