//! The validation page.

pub const NAME: &str = "Validation";
pub const TITLE: &str = "How often are the estimates right?";
pub const LEDE: &str = "Every published figure that our tables hold, beside what Greenprint estimates for the same run without knowing the result.";
pub const ROWS: &str = "Published and estimated";
pub const COLUMNS: [&str; 6] = ["Run", "What is compared", "Published", "Estimated", "Range", "Off by"];
