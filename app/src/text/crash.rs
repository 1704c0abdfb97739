//! When the page's own program fails.

pub const TITLE: &str = "Greenprint stopped";
pub const WHAT_NOW: &str = "This is a mistake of ours, not of yours. Please send us the lines below; they hold the address with your settings but nothing of your files. \
    Reloading the page brings back what you had set.";
pub const COPY: &str = "Copy the report";
pub const COPIED: &str = "Copied";
pub const RELOAD: &str = "Reload the page";
