//! `cargo xtask setup`: does what is missing and nothing else.
//!
//! Tools go into a per-user cache outside the clone, so a second clone finds them.
//! Each step first looks whether its result is there, then makes it beside its place and renames it, so that a step which
//! was interrupted is done again and never half believed.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use xtask::tools;

use crate::run::{WasmRust, files_starting, output, program, run, run_within};

/// How long rustup may take to fetch one target before it counts as unreachable.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);
/// Debian's Rust for the web and what it needs to build for wasm32.
const DEBIAN_RUST: [&str; 6] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "rust-web-clippy", "lld-22"];
/// Where Debian's packages put their programs.
const DEBIAN_BIN: &str = "/usr/bin";
/// The file beside the libraries that says which compiler they were built for.
const STD_STAMP: &str = "built-for";
/// Set to `debian` to build for wasm32 with Debian's compiler even where rustup's could.
const WASM_RUST_VARIABLE: &str = "GREENPRINT_WASM_RUST";

/// Sets up all that `build`, `serve` and `bench` need. Says what it does; silent about what was there unless `chatty`.
pub fn for_building(chatty: bool) -> Result<WasmRust, String> {
    let _lock = lock()?;
    let rust = wasm_rust(chatty)?;
    // Optimisation is what makes these slow to compile, and they are quick enough without; wasm-bindgen reads megabytes
    // at every build and gets a little.
    cargo_tool("trunk", tools::TRUNK, &["--no-default-features"], 0, chatty)?;
    let wasm_bindgen = tools::wasm_bindgen()?;
    cargo_tool("wasm-bindgen-cli", &wasm_bindgen, &[], 1, chatty)?;
    npm_package("binaryen", tools::BINARYEN, chatty)?;
    // Later cargo commands can then do without the network, which trunk's `offline` demands.
    fetch(&rust)?;
    Ok(rust)
}

/// Fetches the crates that `Cargo.lock` names.
fn fetch(rust: &WasmRust) -> Result<(), String> {
    let fetch = ["fetch", "--locked", "--quiet"];
    let there = output(rust.program("cargo")?.args(fetch).arg("--offline"));
    match there {
        Some(_) => Ok(()),
        None => run(rust.program("cargo")?.args(fetch)),
    }
}

/// Sets up what the tests need besides: rustfmt and clippy, a browser, axe-core.
pub fn for_testing(chatty: bool) -> Result<(), String> {
    let _lock = lock()?;
    component("fmt", "rustfmt", chatty)?;
    component("clippy", "clippy", chatty)?;
    npm_package("axe-core", tools::AXE, chatty)?;
    browser(chatty)
}

/// One setup at a time for each user, since clones share the cache.
fn lock() -> Result<File, String> {
    let dir = tools::cache()?.join("tools");
    let path = dir.join("lock");
    fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let file = File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    file.lock().map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(file)
}

/// Where a result is made before it is moved to its place.
fn partial(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn present(what: &str, chatty: bool) {
    if chatty {
        println!("setup: {what}: present");
    }
}

/// Finds or makes a Rust compiler for wasm32: first the ordinary way, then Debian's packages.
fn wasm_rust(chatty: bool) -> Result<WasmRust, String> {
    let debian = WasmRust::In(PathBuf::from(DEBIAN_BIN));
    let debian_only = env::var(WASM_RUST_VARIABLE).is_ok_and(|way| way == "debian");
    if !debian_only {
        if WasmRust::Ordinary.has_wasm32() {
            present("wasm32 target, the ordinary way", chatty);
            return Ok(WasmRust::Ordinary);
        }
        if tools::in_path("rustup").is_some() && !has_debian_wasm32(&debian) {
            println!("setup: wasm32 target: asking rustup for it");
            let mut rustup = program("rustup");
            rustup.args(["target", "add", "wasm32-unknown-unknown"]);
            match run_within(&mut rustup, RUSTUP_LIMIT) {
                Ok(()) if WasmRust::Ordinary.has_wasm32() => {
                    println!("setup: wasm32 target: added the ordinary way, by rustup");
                    return Ok(WasmRust::Ordinary);
                }
                Ok(()) => println!("setup: rustup added it, but not for the compiler in PATH"),
                Err(why) => println!("setup: rustup could not: {why}"),
            }
        }
    }
    if has_debian_wasm32(&debian) {
        present("wasm32 target, from Debian's packages", chatty);
        return Ok(debian);
    }
    debian_rust(&debian).map_err(|why| {
        format!(
            "no Rust compiler for wasm32: `rustup target add wasm32-unknown-unknown` is the ordinary way and did not \
             work, and Debian's packages did not help either ({why})"
        )
    })?;
    println!("setup: wasm32 target: built from Debian's packages");
    Ok(debian)
}

fn has_debian_rust() -> bool {
    let mut dpkg = program("dpkg-query");
    dpkg.args(["-W", "-f=${db:Status-Status}\n"]).args(DEBIAN_RUST);
    output(&mut dpkg).is_some_and(|states| states.lines().all(|state| state == "installed"))
}

/// Whether Debian's compiler is there with a standard library for wasm32 that was built for this very version.
fn has_debian_wasm32(rust: &WasmRust) -> bool {
    let stamp = rust.target_libdir().map(|dir| dir.join(STD_STAMP));
    let built_for = stamp.and_then(|stamp| fs::read_to_string(stamp).ok());
    built_for.is_some() && built_for == rust.version() && rust.has_wasm32() && has_debian_rust()
}

/// Installs Debian's compiler and gives it the standard library for wasm32, built once per compiler version.
fn debian_rust(rust: &WasmRust) -> Result<(), String> {
    println!("setup: wasm32 target: taking Debian's packages");
    if !has_debian_rust() {
        apt_install(&DEBIAN_RUST)?;
    }
    let version = rust.version().ok_or("its rustc does not run")?;
    let folder: String = version.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let kept = tools::tool_dir("std-wasm32", &folder)?;
    if !kept.is_dir() {
        build_std(rust, &kept)?;
    }
    let target = rust.target_libdir().ok_or("its rustc does not run")?;
    let no_copy = |e| format!("{}: {e}", target.display());
    fs::create_dir_all(&target).map_err(no_copy)?;
    // The libraries of an older compiler would be taken for this one's.
    for old in files_starting(&target, "lib") {
        fs::remove_file(&old).map_err(no_copy)?;
    }
    for library in files_starting(&kept, "lib") {
        let name = library.file_name().unwrap_or_default();
        fs::copy(&library, target.join(name)).map_err(no_copy)?;
    }
    fs::write(target.join(STD_STAMP), version).map_err(no_copy)
}

/// Builds the standard library for wasm32 and keeps its libraries in `kept`.
fn build_std(rust: &WasmRust, kept: &Path) -> Result<(), String> {
    let project = tools::cache()?.join("build/std-wasm32");
    let failed = |e| format!("{}: {e}", project.display());
    fs::create_dir_all(project.join("src")).map_err(failed)?;
    fs::write(project.join("src/lib.rs"), "#![no_std]\n").map_err(failed)?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(project.join("Cargo.toml"), manifest).map_err(failed)?;
    let mut cargo = rust.program("cargo")?;
    cargo
        .current_dir(&project)
        .args(["build", "--release", "--target", "wasm32-unknown-unknown"])
        .arg("-Zbuild-std=std,panic_abort")
        .env("CARGO_TARGET_DIR", project.join("target"))
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode in the libraries, builds with link-time optimisation fail.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    run(&mut cargo)?;
    let built = project.join("target/wasm32-unknown-unknown/release/deps");
    let unfinished = partial(kept);
    fs::create_dir_all(&unfinished).map_err(failed)?;
    for library in files_starting(&built, "lib") {
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(&library, unfinished.join(&*name)).map_err(failed)?;
        }
    }
    fs::rename(&unfinished, kept).map_err(failed)?;
    fs::remove_dir_all(&project).map_err(failed)
}

/// Installs Debian packages, as root.
fn apt_install(packages: &[&str]) -> Result<(), String> {
    let listed = packages.join(" ");
    if tools::in_path("apt-get").is_none() {
        return Err(format!("there is no apt to install {listed} with"));
    }
    let root = output(program("id").arg("-u")).is_some_and(|id| id == "0");
    let sudo = !root && output(program("sudo").args(["-n", "true"])).is_some();
    if !root && !sudo {
        return Err(format!("as root, run: apt-get install {listed}"));
    }
    let apt = |args: &[&str]| {
        let mut command = program(if sudo { "sudo" } else { "apt-get" });
        if sudo {
            command.args(["-n", "apt-get"]);
        }
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
        run(&mut command)
    };
    // Old lists may still do, so this may fail.
    if let Err(why) = apt(&["update", "-qq"]) {
        println!("setup: {why}; going on with the lists that are there");
    }
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(packages);
    apt(&install)
}

/// Compiles a program from the crate registry into the cache.
fn cargo_tool(name: &str, version: &str, flags: &[&str], opt_level: u8, chatty: bool) -> Result<(), String> {
    let dir = tools::tool_dir(name, version)?;
    if dir.is_dir() {
        present(&format!("{name} {version}"), chatty);
        return Ok(());
    }
    println!("setup: {name} {version}: compiling it, once for all clones; this takes minutes");
    let unfinished = partial(&dir);
    let build = tools::cache()?.join("build").join(name);
    let mut cargo = program("cargo");
    cargo
        .args(["install", "--locked", "--version", version])
        .args(flags)
        .arg("--root")
        .arg(&unfinished)
        .arg(name)
        // Away from the clone, or its own cargo configuration would apply.
        .current_dir(tools::cache()?)
        .env("CARGO_TARGET_DIR", &build)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level.to_string())
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_STRIP", "true");
    run(&mut cargo)?;
    fs::rename(&unfinished, &dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let _ = fs::remove_dir_all(&build);
    Ok(())
}

/// Installs a package from the npm registry into the cache. No package's install script is run.
fn npm_package(name: &str, version: &str, chatty: bool) -> Result<(), String> {
    let dir = tools::tool_dir(name, version)?;
    if dir.is_dir() {
        present(&format!("{name} {version}"), chatty);
        return Ok(());
    }
    if tools::in_path("npm").is_none() {
        println!("setup: npm: installing Debian's");
        apt_install(&["nodejs", "npm"])
            .map_err(|why| format!("install Node.js with npm, which {name} comes from: {why}"))?;
    }
    println!("setup: {name} {version}: fetching it from the npm registry");
    let unfinished = partial(&dir);
    fs::create_dir_all(&unfinished).map_err(|e| format!("{}: {e}", unfinished.display()))?;
    let mut npm = program("npm");
    npm.args(["install", "--no-save", "--no-package-lock", "--no-audit"])
        .args(["--no-fund", "--ignore-scripts", "--loglevel=error"])
        .arg("--prefix")
        .arg(&unfinished)
        .arg(format!("{name}@{version}"));
    run(&mut npm)?;
    fs::rename(&unfinished, &dir).map_err(|e| format!("{}: {e}", dir.display()))
}

/// A part of the Rust toolchain that a minimal install lacks.
fn component(subcommand: &str, component: &str, chatty: bool) -> Result<(), String> {
    let there = || output(program("cargo").args([subcommand, "--version"])).is_some();
    if there() {
        present(component, chatty);
        return Ok(());
    }
    let mut rustup = program("rustup");
    rustup.args(["component", "add", component]);
    match run_within(&mut rustup, RUSTUP_LIMIT) {
        Ok(()) if there() => Ok(()),
        _ => Err(format!("install {component} for this Rust: `rustup component add {component}` did not work")),
    }
}

/// A Chromium for the browser tests, and its driver for wasm-bindgen's own test runner.
fn browser(chatty: bool) -> Result<(), String> {
    if let Some(path) = tools::chromium() {
        present(&format!("browser {}", path.display()), chatty);
        return Ok(());
    }
    println!("setup: browser: installing Debian's Chromium");
    apt_install(&["chromium", "chromium-driver", "fonts-dejavu-core"])
        .map_err(|why| format!("install Chromium or Chrome, or set CHROMIUM to where it lies ({why})"))
}
