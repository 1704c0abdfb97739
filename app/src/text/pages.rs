//! The frame around the pages: the navigation, and what is shown while a page is not there yet.

pub const NAVIGATION: &str = "Pages";
pub const LOADING: &str = "Loading the page…";
pub const NO_SUCH_PAGE: &str = "There is no such page";
pub const NO_SUCH_PAGE_REMEDY: &str =
    "The address may have been cut when it was copied, or the page has another name now. These are the pages:";
pub const NOT_LOADED: &str = "This page could not be loaded";
pub const OFFLINE: &str = "This machine is offline, and the page was not opened before.";
pub const OTHER_BUILD: &str = "The part that was loaded is from another version of Greenprint. Reload to get both from one version; what you had set stays.";
pub const NOT_FETCHED: &str = "It could not be fetched, or it did not start.";
pub const TRY_AGAIN: &str = "Try again";
pub const RELOAD: &str = "Reload the page";
pub const SKIP: &str = "Skip to the page";
/// The window's title.
pub fn title(page: Option<&str>) -> String {
    match page {
        None => "Greenprint: what a machine-learning model costs".to_owned(),
        Some(page) => format!("{page} – Greenprint"),
    }
}
