//! Models on the web: a file with its neighbours, or a repository of the hub, as a folder that readers can ask.
//!
//! The file that leads is opened first, without blocking; the others are asked for when a reader wants them.

use super::address::{self, Place, Repository, Wrong};
use super::ahead::Ahead;
use super::http::{self, Access, Failure, Http};
use crate::protocol::Fault;
use crate::text;
use estimator::formats::{self, Folder, ReadSeek};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

/// Most files of a repository; the hub lists a thousand at once.
const MOST_FILES: usize = 20_000;

/// Files on the web.
pub struct Web {
    root: Root,
    access: Access,
    failure: Failure,
    /// What was opened to begin with, by name.
    first: RefCell<Option<(String, Ahead<Http>)>>,
}

enum Root {
    /// The address up to the last slash.
    Beside(String),
    /// A repository, with the size of each file where the hub tells it.
    Hub { hub: String, repository: Repository, files: BTreeMap<String, Option<u64>> },
}

/// What to read, once it is known that it is there.
pub struct Found {
    /// The files.
    pub web: Web,
    /// The one that leads, where it is known.
    pub name: String,
    /// What went wrong while reading, told at the end.
    pub failure: Failure,
}

/// Finds what was typed.
///
/// # Errors
/// It leads nowhere, may not be read, or holds no model; in words.
pub async fn find(typed: &str, hub: &str, token: &str) -> Result<Found, Fault> {
    let hub = hub.trim_end_matches('/');
    match address::parse(typed, hub) {
        Ok(Place::File(url)) => {
            let access = Access::open();
            let opened = http::open(&url, &access).await?;
            let name = http::file_name(&url).to_owned();
            let without_query = url.split(['?', '#']).next().unwrap_or(&url);
            let folder = without_query.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            Ok(found(Root::Beside(folder), access, name, opened))
        }
        Ok(Place::Hub(repository)) => {
            let access = Access::with_token(token);
            let mut files = list(&repository, hub, &access).await?;
            let below = |name: &str| {
                let rest = name.strip_prefix(repository.path.as_str());
                repository.path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let is_file = files.contains_key(&repository.path);
            if !is_file {
                files.retain(|name, _| below(name));
            }
            let names: Vec<String> = files.keys().cloned().collect();
            let leading = match is_file {
                true => repository.path.clone(),
                false => formats::leading(&names).first().map(|name| (*name).to_owned()).ok_or_else(|| Fault {
                    name: typed.to_owned(),
                    what: text::fault::no_model_in(names.len()),
                    remedy: text::fault::OTHER_REPOSITORY.to_owned(),
                })?,
            };
            let opened = http::open(&repository.file(hub, &leading), &access).await?;
            Ok(found(Root::Hub { hub: hub.to_owned(), repository, files }, access, leading, opened))
        }
        Err(wrong) => Err(Fault {
            name: typed.to_owned(),
            what: match wrong {
                Wrong::NotAnAddress => text::fault::NOT_AN_ADDRESS,
                Wrong::NotAModel => text::fault::NOT_A_MODEL_PAGE,
            }
            .to_owned(),
            remedy: text::fault::ADDRESSES.to_owned(),
        }),
    }
}

fn found(root: Root, access: Access, name: String, opened: Ahead<Http>) -> Found {
    let failure = opened.failure();
    let web = Web { root, access, failure: failure.clone(), first: RefCell::new(Some((name.clone(), opened))) };
    Found { web, name, failure }
}

/// One entry of the hub's listing.
#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    size: Option<u64>,
}

/// The files of a repository. The hub gives its list in pages.
async fn list(repository: &Repository, hub: &str, access: &Access) -> Result<BTreeMap<String, Option<u64>>, Fault> {
    let mut files = BTreeMap::new();
    let mut next = Some(repository.listing(hub));
    while let Some(url) = next.take() {
        let (page, onward) = http::whole(&url, access).await?;
        let listed: Vec<Listed> = serde_json::from_slice(&page).map_err(|error| Fault {
            name: url.clone(),
            what: text::fault::odd_listing(&error.to_string()),
            remedy: text::fault::TRY_LATER.to_owned(),
        })?;
        files.extend(listed.into_iter().filter(|entry| entry.kind == "file").map(|entry| (entry.path, entry.size)));
        // A page that leads back to itself would never end.
        next = onward.filter(|onward| files.len() < MOST_FILES && *onward != url);
    }
    Ok(files)
}

impl Folder for Web {
    fn names(&self) -> Vec<String> {
        match &self.root {
            Root::Beside(_) => Vec::new(),
            Root::Hub { files, .. } => files.keys().cloned().collect(),
        }
    }

    fn open(&self, name: &str) -> io::Result<Option<Box<dyn ReadSeek>>> {
        if let Some((_, opened)) = self.first.borrow_mut().take_if(|(first, _)| first == name) {
            return Ok(Some(Box::new(opened)));
        }
        let (url, size) = match &self.root {
            Root::Beside(folder) => (format!("{folder}/{name}"), None),
            Root::Hub { hub, repository, files } => match files.get(name) {
                Some(size) => (repository.file(hub, name), *size),
                None => return Ok(None),
            },
        };
        let opened = http::open_now(&url, size, &self.access, &self.failure)?;
        Ok(opened.map(|opened| Box::new(opened) as Box<dyn ReadSeek>))
    }
}
