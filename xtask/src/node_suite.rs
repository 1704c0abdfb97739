//! `cargo xtask node-suite`: ONNX's own backend tests through the estimator's shape inference.
//!
//! The tests belong to the ONNX project. They are made once from its pinned Python wheel, in a virtual environment
//! of the per-user cache, and made again when the script or its requirements change.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::tools;

use crate::run::{program, run};

/// The script and what it needs, in the clone.
const SOURCES: [&str; 2] = ["prepare.py", "requirements.txt"];

/// Prepares the suite unless `GREENPRINT_NODE_SUITE` names a folder that holds it, and runs it; `rest` goes to the harness.
pub fn check(rest: &[String]) -> Result<(), String> {
    let suite = match std::env::var_os("GREENPRINT_NODE_SUITE") {
        Some(folder) => PathBuf::from(folder),
        None => prepared()?,
    };
    let mut harness = program("cargo");
    harness.args([
        "run",
        "--quiet",
        "--locked",
        "--release",
        "--package",
        "estimator",
        "--example",
        "node_suite",
        "--",
    ]);
    run(harness.arg(suite).args(rest))
}

/// The suite in the cache, made where it is missing or older than its script.
fn prepared() -> Result<PathBuf, String> {
    let sources = tools::root().join("estimator/tests/node_suite");
    let home = tools::cache()?.join("node-suite");
    let (python, suite) = (home.join("python"), home.join("cases"));
    let current = |name: &&str| {
        let read = |folder: &Path| fs::read(folder.join(name)).ok();
        read(&home).is_some() && read(&home) == read(&sources)
    };
    if SOURCES.iter().all(current) && suite.join("index.jsonl").exists() {
        return Ok(suite);
    }
    let failed = |e: std::io::Error| format!("{} cannot be written: {e}", home.display());
    fs::create_dir_all(&home).map_err(failed)?;
    let base = ["python3", "python"].into_iter().find_map(tools::in_path);
    let base = base.ok_or("the suite comes from a Python wheel: install Python 3.10 or newer with its venv module")?;
    run(program(base).args(["-m", "venv"]).arg(&python))?;
    let python = python.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    run(program(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(sources.join("requirements.txt")))?;
    run(program(&python).arg(sources.join("prepare.py")).arg(&suite))?;
    // Last, so that a run that broke off is made again.
    for name in SOURCES {
        fs::copy(sources.join(name), home.join(name)).map_err(failed)?;
    }
    Ok(suite)
}
