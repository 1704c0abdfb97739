//! `cargo xtask build` and `cargo xtask serve`: the page into `dist/`, and `dist/` onto localhost.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use xtask::server::Server;
use xtask::tools;

use crate::run::{WasmRust, run};

/// What the page is made of, relative to the clone's root.
const INPUTS: [&str; 14] = [
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "index.html",
    "METHODOLOGY.md",
    "app/Cargo.toml",
    "app/build.rs",
    "app/src",
    "estimator/Cargo.toml",
    "estimator/build.rs",
    "estimator/data",
    "estimator/src",
    "examples",
    "public",
];

/// How the page is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Small and fast, as it is published: into `dist`.
    Release,
    /// Quick to build, large and slow: into `target/dist-dev`.
    Dev,
}

impl Mode {
    /// Where the built page lies.
    pub fn dist(self) -> PathBuf {
        match self {
            Mode::Release => tools::root().join("dist"),
            Mode::Dev => tools::target_dir().join("dist-dev"),
        }
    }
}

/// Builds the page with trunk.
pub fn build(rust: &WasmRust, mode: Mode) -> Result<(), String> {
    let mut trunk = rust.program("trunk")?;
    trunk
        .args(["build", "--dist"])
        .arg(mode.dist())
        .env("TRUNK_TOOLS_WASM_OPT", wasm_opt_version())
        .env("GREENPRINT_BUILD_ID", build_id()?)
        // Trunk takes any value of NO_COLOR but true and false as a mistake.
        .env_remove("NO_COLOR");
    if mode == Mode::Release {
        trunk.arg("--release");
    }
    run(&mut trunk)
}

/// Builds the page unless what was built is newer than everything that it is made of.
pub fn build_if_older(rust: &WasmRust, mode: Mode) -> Result<(), String> {
    let built = fs::metadata(mode.dist().join("index.html")).and_then(|m| m.modified());
    let inputs = INPUTS.iter().map(|input| tools::root().join(input));
    let newest = inputs.filter_map(|input| newest(&input)).max();
    match (built, newest) {
        (Ok(built), Some(newest)) if built > newest => {
            println!("build: {} is up to date", mode.dist().display());
            Ok(())
        }
        _ => build(rust, mode),
    }
}

/// Serves what was built until the process is ended.
pub fn serve(mode: Mode, port: u16) -> Result<(), String> {
    let server = Server::start(&mode.dist(), port)?;
    println!("Greenprint is at {} (end with Ctrl-C)", server.url(""));
    server.wait();
    Ok(())
}

/// The name under which trunk knows the version of wasm-opt.
fn wasm_opt_version() -> String {
    let major = tools::BINARYEN.split('.').next().unwrap_or_default();
    format!("version_{major}")
}

/// A name for what was built from these sources: equal sources, equal name.
/// The page and its workers compare it, since a browser may hold an older file of either.
fn build_id() -> Result<String, String> {
    let mut hasher = DefaultHasher::new();
    for input in INPUTS.iter().filter(|input| **input != "examples") {
        hash(&tools::root().join(input), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> Result<(), String> {
    if path.is_dir() {
        for entry in sorted_entries(path) {
            hash(&entry, hasher)?;
        }
    } else if path.exists() {
        let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        path.strip_prefix(tools::root()).unwrap_or(path).hash(hasher);
        bytes.hash(hasher);
    }
    Ok(())
}

fn newest(path: &Path) -> Option<SystemTime> {
    let own = fs::metadata(path).and_then(|m| m.modified()).ok()?;
    let below = sorted_entries(path).into_iter().filter_map(|e| newest(&e));
    Some(below.fold(own, SystemTime::max))
}

fn sorted_entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
