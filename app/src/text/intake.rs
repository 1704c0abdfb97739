//! Where models come in.

pub const OPEN_FILE: &str = "Open a file…";
pub const OPEN_FOLDER: &str = "Open a folder…";
pub const DESCRIBE: &str = "Describe a model";
/// What can be opened.
pub fn formats() -> String {
    format!("Opens {}; several files together and whole folders too.", estimator::formats::NAMES.join(", "))
}
pub const ADDRESS: &str = "Address of a model file, or hf:organisation/name";
pub const ADDRESS_EXAMPLE: &str = "https://… or hf:org/name";
pub const PRIVATE: &str = "Private repository?";
pub const TOKEN: &str = "Access token of the Hugging Face hub";
pub const TOKEN_HELP: &str = "It is sent to the hub alone, kept in memory, and gone when you close or reload the page. A token that may only read is enough.";
pub const OPEN_ADDRESS: &str = "Open address";
pub const ADDRESS_WRONG: &str = "An address begins with https:// or http://, a repository of the hub with hf:.";
pub const EXAMPLES: &str = "Or look at an example";
pub const ALL_EXAMPLES: &str = "Examples";
pub const EXAMPLES_LOADING: &str = "Loading the examples…";
pub const DROP_HERE: &str = "Drop the model to open it";
pub const PROGRESS: &str = "Progress of reading";
pub const CANCEL: &str = "Cancel";
pub const BAD_LINK: &str = "This link could not be understood";

pub fn examples_failed(why: &str) -> String {
    format!(
        "The examples could not be loaded ({why}). Opening files and addresses still works; reload the page to try again."
    )
}
pub fn all(count: usize) -> String {
    format!("All {count} examples…")
}
pub fn reading(name: &str) -> String {
    format!("Reading {name}…")
}
pub fn reached(at: &str, of: &str) -> String {
    format!("{at} of {of}")
}
pub fn card(task: &str, parameters: &str) -> String {
    format!("{task} · {parameters}")
}
pub fn published(year: u16) -> String {
    format!("({year})")
}
pub fn not_read(name: &str) -> String {
    if name.is_empty() { "The model could not be read".to_owned() } else { format!("{name} could not be read") }
}
pub fn several(first: &str, others: usize) -> String {
    format!("{first} and {others} more")
}
pub const NOTHING_KNOWN: &str =
    "nothing behind its # is a setting of this page; it may have been cut when it was copied";
pub fn bad_link_at_start(why: &str) -> String {
    format!("{} The example is shown instead.", sentence(why))
}
pub fn bad_link(why: &str) -> String {
    format!("{} The page stays as it was.", sentence(why))
}
/// Words as a sentence: a capital at the beginning and a full stop at the end.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let mut text: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if !text.is_empty() && !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
