//! Fields.

pub const NOT_A_NUMBER: &str = "Please type a number, such as 1,000 or 1.5M.";
pub const NOT_WHOLE: &str = "Please type a whole number.";

pub fn between(least: &str, most: &str) -> String {
    format!("Please type a number between {least} and {most}.")
}
pub fn slider(label: &str) -> String {
    format!("{label}, slider")
}
