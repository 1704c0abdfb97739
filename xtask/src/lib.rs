//! What the project's commands and its browser tests share: where the tools lie, and a static web server.
//!
//! The commands themselves are in `main.rs` and its modules.
//! Nothing here may need more than the standard library and a small HTTP server, since every fresh clone compiles it first.

pub mod server;
pub mod tools;
