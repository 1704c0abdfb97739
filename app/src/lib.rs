//! The page: everything that a person sees and touches, and nothing that computes a cost.
//!
//! Four programs are made from it: `bin/app.rs`, the frame and the estimate page; `bin/study.rs`, the other pages;
//! `bin/file_worker.rs`, the worker that reads the usual model files; and `bin/every_format_worker.rs`, the worker that reads all of them.
//! Data flows one way: what happens becomes an action, [`state`] turns actions into state, [`derive`] asks the estimator,
//! panels show the answer.

// What is drawn may differ in its last digit from one machine to another; figures come from the estimator.
#![allow(clippy::disallowed_methods)]

pub mod charts;
pub mod derive;
pub mod hooks;
pub mod numbers;
pub mod pages;
pub mod panels;
pub mod protocol;
pub mod route;
pub mod state;
pub mod text;
pub mod widgets;
pub mod worker;

/// Which sources this was built from. The page and its worker carry it, so that a browser that holds an old file of one of
/// them is found out.
pub const BUILD_ID: &str = match option_env!("GREENPRINT_BUILD_ID") {
    Some(id) => id,
    None => "unnamed build",
};
