//! Gives the tables in `data/` a version: equal tables, equal version.

use std::path::PathBuf;
use std::{env, fs};

/// The 64-bit FNV-1a hash, which stays the same whatever compiles it.
fn hash(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn main() {
    let data = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("data");
    println!("cargo:rerun-if-changed={}", data.display());
    let entries = fs::read_dir(&data).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let mut state = 0xcbf2_9ce4_8422_2325;
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Words about the tables are no data.
        if !name.ends_with(".md") {
            state = hash(state, name.as_bytes());
            state = hash(state, &fs::read(&path).unwrap_or_default());
        }
    }
    println!("cargo:rustc-env=GREENPRINT_DATA_VERSION={:08x}", state >> 32);
}
