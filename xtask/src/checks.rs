//! `cargo xtask test`: every check, cheapest first, stopping at the first that fails.
//!
//! The browser tests come last, so the output ends with their closing lines.

use std::time::Instant;

use xtask::tools;

use crate::bench;
use crate::page::{self, Mode};
use crate::run::{WasmRust, program, run};
use crate::setup;

/// Packages that are compiled for wasm32, and so are linted for it too.
const WASM_PACKAGES: [&str; 2] = ["estimator", "app"];

/// A part of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `cargo fmt --check`.
    Fmt,
    /// clippy, natively and for wasm32.
    Clippy,
    /// Unit, golden and property tests, natively.
    Unit,
    /// Tests compiled for wasm32: `tests/wasm.rs` of each package that has one.
    Wasm,
    /// Tests in a real browser.
    E2e,
}

impl Part {
    /// Every part with its name, in the order in which they run.
    pub const ALL: [(&str, Part); 5] =
        [("fmt", Part::Fmt), ("clippy", Part::Clippy), ("unit", Part::Unit), ("wasm", Part::Wasm), ("e2e", Part::E2e)];
}

/// Runs the parts; `filter` goes to cargo test as the name that tests must contain.
pub fn test(parts: &[Part], mode: Mode, filter: Option<&str>) -> Result<(), String> {
    let mut times = Vec::new();
    let mut start = Instant::now();
    let mut lap = |name: &str| {
        let time = format!("{name} {} s", start.elapsed().as_secs());
        start = Instant::now();
        println!("== done: {time}");
        times.push(time);
        times.join(", ")
    };
    setup::for_testing(false)?;
    let native = [Part::Fmt, Part::Unit];
    let rust = match parts.iter().all(|part| native.contains(part)) {
        true => WasmRust::Ordinary,
        false => setup::for_building(false)?,
    };
    lap("setup");
    for (name, part) in Part::ALL {
        if !parts.contains(&part) {
            continue;
        }
        println!("== {name}");
        match part {
            Part::Fmt => run(program("cargo").args(["fmt", "--all", "--check"]))?,
            Part::Clippy => clippy(&rust)?,
            Part::Unit => unit(filter)?,
            Part::Wasm => wasm(&rust, filter)?,
            Part::E2e => {
                page::build_if_older(&rust, mode)?;
                if mode == Mode::Release {
                    bench::sizes()?;
                }
                let times = lap("page");
                println!("== so far: {times}");
                e2e(mode, filter)?;
                continue;
            }
        }
        lap(name);
    }
    Ok(())
}

fn clippy(rust: &WasmRust) -> Result<(), String> {
    let deny = ["--", "-D", "warnings"];
    let mut native = program("cargo");
    native.args(["clippy", "--locked", "--workspace", "--all-targets"]);
    run(native.args(deny))?;
    let mut wasm = rust.program("cargo")?;
    wasm.args(["clippy", "--locked", "--target", "wasm32-unknown-unknown"]);
    for package in WASM_PACKAGES {
        wasm.args(["--package", package]);
    }
    run(wasm.args(deny))
}

fn unit(filter: Option<&str>) -> Result<(), String> {
    let mut cargo = program("cargo");
    cargo.args(["test", "--locked", "--workspace", "--exclude", "e2e"]);
    run(cargo.args(filter))
}

fn wasm(rust: &WasmRust, filter: Option<&str>) -> Result<(), String> {
    for package in WASM_PACKAGES {
        let tests = tools::root().join(package).join("tests/wasm.rs");
        if !tests.exists() {
            continue;
        }
        let mut cargo = rust.program("cargo")?;
        cargo
            .args(["test", "--locked", "--target", "wasm32-unknown-unknown"])
            .args(["--package", package, "--test", "wasm"])
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner");
        run(cargo.args(filter))?;
    }
    Ok(())
}

fn e2e(mode: Mode, filter: Option<&str>) -> Result<(), String> {
    // A test compares the page with the command line.
    run(program("cargo").args(["build", "--locked", "--package", "estimator", "--bin", "greenprint"]))?;
    let mut cargo = program("cargo");
    cargo.args(["test", "--locked", "--package", "e2e", "--tests"]).env("GREENPRINT_DIST", mode.dist()).env(
        "GREENPRINT_CLI",
        tools::target_dir().join("debug").join(format!("greenprint{}", std::env::consts::EXE_SUFFIX)),
    );
    run(cargo.args(filter))
}
