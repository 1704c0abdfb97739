//! What people type to reach a model on the web: an address of a file, or a repository of the Hugging Face hub.
//!
//! Only texts are taken apart here; nothing is asked of any server.

/// A place on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file at this address; its neighbours lie beside it.
    File(String),
    /// A repository of the hub, or a file or folder in it.
    Hub(Repository),
}

/// A repository of models at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `organisation/name`, or a name alone for the oldest ones.
    pub id: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// The file or folder in it that was named; empty for the whole.
    pub path: String,
}

/// Why an address leads to no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It names neither a file nor a repository.
    NotAnAddress,
    /// It leads to a data set or an application of the hub.
    NotAModel,
}

/// The branch that a repository has when none is named.
const USUAL_REVISION: &str = "main";
/// First parts of the hub's addresses that are no organisations.
const NOT_MODELS: [&str; 8] = ["datasets", "spaces", "docs", "papers", "collections", "blog", "models", "learn"];

/// Reads what was typed. `hub` is the address of the hub, without a slash at its end.
///
/// # Errors
/// It leads nowhere.
pub fn parse(typed: &str, hub: &str) -> Result<Place, Wrong> {
    let typed = typed.trim();
    if let Some(rest) = typed.strip_prefix("hf:") {
        return short(rest.trim_start_matches('/')).map(Place::Hub).ok_or(Wrong::NotAnAddress);
    }
    let (address, _) = typed.split_once(['?', '#']).unwrap_or((typed, ""));
    match address.strip_prefix(hub).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => page(rest.trim_matches('/')),
        None if typed.is_empty() => Err(Wrong::NotAnAddress),
        None => Ok(Place::File(typed.to_owned())),
    }
}

/// `org/name`, `org/name@revision`, each with a path behind.
fn short(text: &str) -> Option<Repository> {
    let (before, after) = match text.split_once('@') {
        Some((id, rest)) => {
            let (revision, path) = rest.split_once('/').unwrap_or((rest, ""));
            (id.to_owned(), Some((revision.to_owned(), path.to_owned())))
        }
        None => (text.to_owned(), None),
    };
    let mut parts = before.splitn(3, '/');
    let (first, second, rest) = (parts.next()?, parts.next(), parts.next());
    let id = match second {
        Some(second) => format!("{first}/{second}"),
        None => first.to_owned(),
    };
    if first.is_empty() || second == Some("") || id.contains(char::is_whitespace) {
        return None;
    }
    let (revision, path) = after.unwrap_or_else(|| (USUAL_REVISION.to_owned(), rest.unwrap_or_default().to_owned()));
    (!revision.is_empty()).then(|| Repository { id, revision, path: path.trim_matches('/').to_owned() })
}

/// The hub's own pages: `org/name`, `org/name/tree/main/sub`, `org/name/blob/main/file`, `org/name/resolve/main/file`.
fn page(rest: &str) -> Result<Place, Wrong> {
    let parts: Vec<&str> = rest.split('/').collect();
    let views = ["tree", "blob", "resolve", "raw"];
    let view = parts.iter().take(3).position(|part| views.contains(part));
    let (id, revision, path) = match (parts.as_slice(), view) {
        ([] | [""], _) => return Err(Wrong::NotAnAddress),
        ([first, ..], _) if NOT_MODELS.contains(first) => return Err(Wrong::NotAModel),
        (parts, Some(at)) if at > 0 => {
            let id = parts.get(..at).unwrap_or_default().join("/");
            let revision = parts.get(at + 1).filter(|revision| !revision.is_empty()).copied().unwrap_or(USUAL_REVISION);
            (id, decoded(revision), decoded(&parts.get(at + 2..).unwrap_or_default().join("/")))
        }
        ([_] | [_, _], _) => (rest.to_owned(), USUAL_REVISION.to_owned(), String::new()),
        _ => return Err(Wrong::NotAnAddress),
    };
    Ok(Place::Hub(Repository { id, revision, path }))
}

impl Repository {
    /// Where the hub lists its files.
    pub fn listing(&self, hub: &str) -> String {
        format!("{hub}/api/models/{}/tree/{}?recursive=true", self.id, escaped(&self.revision))
    }

    /// Where a file of it lies.
    pub fn file(&self, hub: &str, name: &str) -> String {
        let name: Vec<String> = name.split('/').map(escaped).collect();
        format!("{hub}/{}/resolve/{}/{}", self.id, escaped(&self.revision), name.join("/"))
    }
}

/// A part of an address as it is meant.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// A part of a path, escaped for an address.
fn escaped(part: &str) -> String {
    percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2E", ".")
        .replace("%2D", "-")
        .replace("%5F", "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://hub.example";

    fn repository(id: &str, revision: &str, path: &str) -> Place {
        Place::Hub(Repository { id: id.to_owned(), revision: revision.to_owned(), path: path.to_owned() })
    }

    #[test]
    fn repositories_are_named_in_many_ways() {
        for (typed, expected) in [
            ("hf:gpt2", repository("gpt2", "main", "")),
            ("hf:org/name", repository("org/name", "main", "")),
            (" hf:org/name@v1.0 ", repository("org/name", "v1.0", "")),
            ("hf:org/name@abc/sub/file.gguf", repository("org/name", "abc", "sub/file.gguf")),
            ("hf:org/name/file.gguf", repository("org/name", "main", "file.gguf")),
            ("https://hub.example/org/name", repository("org/name", "main", "")),
            ("https://hub.example/org/name/", repository("org/name", "main", "")),
            ("https://hub.example/gpt2", repository("gpt2", "main", "")),
            ("https://hub.example/org/name/tree/dev/sub", repository("org/name", "dev", "sub")),
            ("https://hub.example/org/name/blob/main/a/b.onnx", repository("org/name", "main", "a/b.onnx")),
            (
                "https://hub.example/org/name/resolve/main/b.safetensors?download=true",
                repository("org/name", "main", "b.safetensors"),
            ),
            ("https://hub.example/org/name/blob/main/a%20b.onnx", repository("org/name", "main", "a b.onnx")),
            ("https://hub.example/gpt2/blob/main/model.safetensors", repository("gpt2", "main", "model.safetensors")),
        ] {
            assert_eq!(parse(typed, HUB), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn other_addresses_are_files_and_nonsense_is_refused() {
        let file = "https://example.org/a.onnx?x=1";
        assert_eq!(parse(file, HUB), Ok(Place::File(file.to_owned())));
        assert_eq!(parse("models/a.onnx", HUB), Ok(Place::File("models/a.onnx".to_owned())));
        for typed in
            ["hf:", "hf:org/", "hf:org/na me", "hf:org/name@", "https://hub.example/", "", "https://hub.example/a/b/c"]
        {
            assert_eq!(parse(typed, HUB), Err(Wrong::NotAnAddress), "{typed}");
        }
        assert_eq!(parse("https://hub.example/datasets/org/name", HUB), Err(Wrong::NotAModel));
    }

    #[test]
    fn names_are_escaped_part_by_part() {
        let Ok(Place::Hub(repository)) = parse("hf:org/name@a/b", HUB) else { panic!("no repository") };
        assert_eq!(repository.file(HUB, "sub/x y.bin"), "https://hub.example/org/name/resolve/a/sub/x%20y.bin");
        assert_eq!(repository.listing(HUB), "https://hub.example/api/models/org/name/tree/a?recursive=true");
    }
}
