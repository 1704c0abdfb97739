//! A harness for tests that drive the built page in a real Chromium.
//!
//! A test opens a [`Page`], does what a person would do, and looks at what the person would see:
//!
//! ```no_run
//! use e2e::Page;
//! let page = Page::open("");
//! page.wait_for_text("h1", "Greenprint");
//! page.click("button >> Compare");
//! page.assert_no_errors();
//! page.assert_accessible();
//! ```
//!
//! # Finding elements
//! Wherever an element is asked for, a CSS selector finds it. `css >> text` keeps only elements whose text or accessible
//! label contains `text`. Elements that are not shown do not count. Every action waits for its element.
//!
//! # How it works
//! Chromium is started with its debugging pipe, which carries JSON messages (the DevTools protocol) and ends the browser when
//! the test process ends, however that happens. Tests of one process share a browser; each page has a context of its own
//! (cookies, storage, service workers). The page is served from `dist/` by the project's own static server.
//!
//! A helper that cannot do its work panics with what it saw, and a page that is dropped while its test panics leaves a
//! screenshot in `target/e2e/`. What belongs here is what several tests need; what the page should do belongs in the tests.

mod browser;
pub mod onnx;
mod page;

pub use browser::Browser;
pub use page::{Options, Page, Violation};
pub use xtask::server::{Fault, Seen, Server};

use std::path::PathBuf;

use xtask::tools;

/// The built page: `GREENPRINT_DIST`, or `dist/` in the clone.
pub fn dist() -> PathBuf {
    match std::env::var_os("GREENPRINT_DIST") {
        Some(dir) => PathBuf::from(dir),
        None => tools::root().join("dist"),
    }
}

/// A folder for what tests write: screenshots, downloads, files made for the purpose.
pub fn output_dir() -> PathBuf {
    let dir = tools::target_dir().join("e2e");
    std::fs::create_dir_all(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    dir
}
