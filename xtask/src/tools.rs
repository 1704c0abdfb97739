//! Which outside programs the project uses, in which version, and where they lie.
//!
//! Each version is named here and nowhere else; the version of wasm-bindgen is read from `Cargo.lock`, because the
//! program must equal the crate.
//! Installing them is `setup`'s work, not this module's.

use std::env;
use std::path::{Path, PathBuf};

/// Version of trunk, which turns `index.html` and the wasm binaries into `dist/`.
pub const TRUNK: &str = "0.21.14";
/// Version of the npm package binaryen, which brings wasm-opt.
pub const BINARYEN: &str = "132.0.0";
/// Version of the npm package axe-core, which the browser tests inject to look for accessibility faults.
pub const AXE: &str = "4.14.0";

/// The root of this clone.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder that cargo builds into: `CARGO_TARGET_DIR`, or `target` in the clone.
pub fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The per-user folder in which tools are kept across clones:
/// `$XDG_CACHE_HOME/greenprint`, else `~/Library/Caches/greenprint` on macOS and `~/.cache/greenprint` elsewhere.
///
/// # Errors
/// One sentence when neither `XDG_CACHE_HOME` nor a home folder is set.
pub fn cache() -> Result<PathBuf, String> {
    if let Some(dir) = env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir).join("greenprint"));
    }
    let home = env::var_os("HOME")
        .or_else(|| env::var_os("USERPROFILE"))
        .ok_or("set HOME or XDG_CACHE_HOME: the tools are kept in a cache folder below it")?;
    let below = if cfg!(target_os = "macos") { "Library/Caches/greenprint" } else { ".cache/greenprint" };
    Ok(PathBuf::from(home).join(below))
}

/// The folder of one tool in one version, for instance `…/greenprint/tools/trunk-0.21.14`.
///
/// # Errors
/// As [`cache`].
pub fn tool_dir(name: &str, version: &str) -> Result<PathBuf, String> {
    Ok(cache()?.join("tools").join(format!("{name}-{version}")))
}

/// The version of the crate wasm-bindgen in `Cargo.lock`.
///
/// # Errors
/// One sentence when `Cargo.lock` cannot be read or does not name the crate.
pub fn wasm_bindgen() -> Result<String, String> {
    let lock = root().join("Cargo.lock");
    let text = std::fs::read_to_string(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    locked_version(&text, "wasm-bindgen").ok_or_else(|| format!("{} does not name wasm-bindgen", lock.display()))
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    lines.find(|line| *line == name)?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.strip_suffix('"')?.to_owned())
}

/// The folders that hold the tools' programs, to be put first in `PATH`.
///
/// # Errors
/// As [`cache`] and [`wasm_bindgen`].
pub fn bin_dirs() -> Result<Vec<PathBuf>, String> {
    Ok(vec![
        tool_dir("trunk", TRUNK)?.join("bin"),
        tool_dir("wasm-bindgen-cli", &wasm_bindgen()?)?.join("bin"),
        tool_dir("binaryen", BINARYEN)?.join("node_modules/.bin"),
    ])
}

/// The minified source of axe-core.
///
/// # Errors
/// As [`cache`].
pub fn axe() -> Result<PathBuf, String> {
    Ok(tool_dir("axe-core", AXE)?.join("node_modules/axe-core/axe.min.js"))
}

/// A Chromium or Chrome: the one that `CHROMIUM` names, else the first one found in the usual places.
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let apps = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    names.iter().find_map(|name| in_path(name)).or_else(|| apps.iter().map(PathBuf::from).find(|app| app.exists()))
}

/// The first program of this name in `PATH`.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(&file)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_of_exactly_that_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"0.2.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.7\"\nsource = \"x\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.7"));
        assert_eq!(locked_version(lock, "yew"), None);
    }
}
