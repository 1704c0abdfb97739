//! The page as a whole.

pub const NAME: &str = "Greenprint";
/// The longest link that is printed: nobody types a longer one in again.
pub const LONGEST_PRINTED: usize = 300;
pub fn printed(link: &str) -> String {
    if link.len() > LONGEST_PRINTED {
        "Estimated with Greenprint.".to_owned()
    } else {
        format!("Estimated with Greenprint. The same page again: {link}")
    }
}
pub const HEADLINE: &str = "What a model costs, before you train or deploy it";
pub const STANDFIRST: &str = "Drop a model file or folder anywhere on this page to see its parameters and FLOPs, and the time, energy and CO₂ of training or serving it. \
    It is read in your browser: not one byte leaves your machine.";
pub const START_ANEW: &str = "Greenprint, start anew";
pub const SKIP: &str = "Skip to the estimate";
pub const PARTS: &str = "Parts of the page";
pub const LINKS: [(&str, &str); 5] = [
    ("model", "Model"),
    ("estimate", "Estimate"),
    ("changes", "What matters"),
    ("inside", "Inside"),
    ("layers", "Layers"),
];
pub const COPY_LINK: &str = "Copy link";
pub const COPIED: &str = "Copied";
pub const NOT_COPIED: &str = "Could not copy";
pub const TO_DARK: &str = "Use dark colours";
pub const TO_LIGHT: &str = "Use light colours";
pub const CLOSE: &str = "Close";
pub const DISMISS: &str = "Dismiss";
