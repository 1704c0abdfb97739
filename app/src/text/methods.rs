//! The methods page.

pub const NAME: &str = "Methods";
pub const TITLE: &str = "What the estimates rest on";
pub const LEDE: &str = "Every constant with its range, its unit and where it comes from.";
pub const CONSTANTS: &str = "Constants";
pub const COLUMNS: [&str; 4] = ["Constant", "Value", "Range", "Source"];
