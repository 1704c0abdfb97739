//! `cargo xtask bench`, second part: time and memory of reading a model beside the readers that people use elsewhere.
//!
//! The other readers are Python packages, kept in a virtual environment of the per-user cache;
//! `GREENPRINT_PEERS_PYTHON` names an interpreter that has them already.

use std::path::PathBuf;

use xtask::tools;

use crate::run::{program, run};

/// Builds the program, makes the environment and the files where they are missing, and prints the table.
pub fn compare() -> Result<(), String> {
    let root = tools::root();
    let home = tools::cache()?.join("peers");
    run(program("cargo").args(["build", "--quiet", "--locked", "--release", "--package", "estimator"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let ours = target.join("release").join(format!("greenprint{}", std::env::consts::EXE_SUFFIX));
    let python = match std::env::var_os("GREENPRINT_PEERS_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => environment(&home)?,
    };
    println!();
    let mut measure = program(&python);
    measure.arg(root.join("xtask/peers/measure.py")).arg(ours);
    run(measure.arg(root.join("examples/models/resnet50.onnx")).arg(home.join("files")))
}

/// The interpreter with the other readers.
fn environment(home: &std::path::Path) -> Result<PathBuf, String> {
    let python = home.join(if cfg!(windows) { "python/Scripts/python.exe" } else { "python/bin/python" });
    let requirements = tools::root().join("xtask/peers/requirements.txt");
    let installed = home.join("requirements.txt");
    let read = |path: &PathBuf| std::fs::read(path).ok();
    if read(&installed).is_some() && read(&installed) == read(&requirements) {
        return Ok(python);
    }
    let base = ["python3", "python"].into_iter().find_map(tools::in_path);
    let base =
        base.ok_or("the other readers are Python packages: install Python 3.10 or newer with its venv module")?;
    std::fs::create_dir_all(home).map_err(|e| format!("{} cannot be written: {e}", home.display()))?;
    run(program(base).args(["-m", "venv"]).arg(home.join("python")))?;
    run(program(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    std::fs::copy(&requirements, &installed).map(|_| ()).map_err(|e| format!("{}: {e}", installed.display()))?;
    Ok(python)
}
