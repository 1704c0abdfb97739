//! `cargo xtask bench`: how many bytes a visitor downloads, held against limits.
//!
//! Sizes are after brotli at its best, as a static host sends them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::page::Mode;
use crate::run::{output, program};

/// A part of the page with its limit.
struct Part {
    name: &'static str,
    limit_bytes: u64,
    files: fn(&Path) -> Result<Vec<PathBuf>, String>,
}

/// The limits on downloads, in bytes after brotli.
const PARTS: [Part; 4] = [
    // It should be 450 kB; until panels that are seldom opened are fetched by themselves, this keeps it from growing.
    Part { name: "initial download (HTML, CSS, JS, the page's wasm)", limit_bytes: 510_000, files: initial },
    Part { name: "the other pages, when one is opened (JS, wasm)", limit_bytes: 600_000, files: study },
    Part { name: "parser worker (JS, wasm)", limit_bytes: 600_000, files: worker },
    Part {
        name: "parser worker for every format, when a file asks for it",
        limit_bytes: 1_000_000,
        files: every_worker,
    },
];

/// Compresses a file with Node.js, which is there because wasm-opt needs it, and prints the size.
const BROTLI: &str = "const fs = require('fs'), zlib = require('zlib'); \
    console.log(zlib.brotliCompressSync(fs.readFileSync(process.argv[1])).length)";

/// Prints the sizes; an error when one is over its limit.
pub fn sizes() -> Result<(), String> {
    let dist = Mode::Release.dist();
    let mut over = Vec::new();
    println!("| download, brotli | size | limit |");
    println!("|---|---:|---:|");
    for part in PARTS {
        let mut total = 0;
        let mut details = Vec::new();
        for file in (part.files)(&dist)? {
            let size = brotli_size(&file)?;
            total += size;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            details.push(format!("  {name}: {size} B"));
        }
        println!("| {} | {:.1} kB | {:.0} kB |", part.name, total as f64 / 1e3, part.limit_bytes as f64 / 1e3);
        if total > part.limit_bytes {
            over.push(format!("{}: {total} B\n{}", part.name, details.join("\n")));
        }
    }
    match over.is_empty() {
        true => Ok(()),
        false => Err(format!("over the limit: {}", over.join("\n"))),
    }
}

fn brotli_size(file: &Path) -> Result<u64, String> {
    output(program("node").args(["-e", BROTLI]).arg(file))
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| format!("could not compress {}", file.display()))
}

/// `index.html` and every style sheet, script and wasm file that it names.
fn initial(dist: &Path) -> Result<Vec<PathBuf>, String> {
    let index = dist.join("index.html");
    let html = fs::read_to_string(&index).map_err(|e| format!("{}: {e}", index.display()))?;
    let mut files = vec![index];
    files.extend(named_files(&html).into_iter().map(|name| dist.join(name)));
    Ok(files)
}

fn study(dist: &Path) -> Result<Vec<PathBuf>, String> {
    Ok(["study_loader.js", "study.js", "study_bg.wasm"].iter().map(|name| dist.join(name)).collect())
}

fn worker(dist: &Path) -> Result<Vec<PathBuf>, String> {
    let names = ["file_worker_loader.js", "file_worker.js", "file_worker_bg.wasm"];
    Ok(names.iter().map(|name| dist.join(name)).collect())
}

fn every_worker(dist: &Path) -> Result<Vec<PathBuf>, String> {
    let names = ["every_format_worker_loader.js", "every_format_worker.js", "every_format_worker_bg.wasm"];
    Ok(names.iter().map(|name| dist.join(name)).collect())
}

/// The local `.css`, `.js` and `.wasm` files named between quotes, each once.
fn named_files(html: &str) -> Vec<String> {
    let mut names: Vec<String> = html
        .split(['"', '\'', '='])
        .map(|word| word.trim_start_matches("./").trim_start_matches('/'))
        .filter(|word| !word.contains([' ', ':', '<', '>']))
        .filter(|word| [".css", ".js", ".wasm"].iter().any(|e| word.ends_with(e)))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_links_and_scripts() {
        let html = r#"<link rel="stylesheet" href="./style-1a.css"><link rel=icon href=./icon.svg>
            <script type="module">import init from './app-2b.js'; init({ module_or_path: './app-2b_bg.wasm' });</script>
            <link rel="modulepreload" href="./app-2b.js"><script src="https://elsewhere.example/x.js"></script>"#;
        assert_eq!(named_files(html), ["app-2b.js", "app-2b_bg.wasm", "style-1a.css"]);
    }
}
