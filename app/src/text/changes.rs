//! What changes the result.

pub const TITLE: &str = "What changes it most?";
pub const LEDE: &str = "Each line changes one thing and leaves the rest as you set it. The longer the bar, the more that choice or assumption matters.";
pub const CHART: &str = "Emissions if one thing were different, making included";
pub const NOTHING: &str = "Nothing that could be changed would move this result.";
