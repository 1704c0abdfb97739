//! What opening a model costs the browser, for `cargo xtask bench`: the memory of the worker that reads it,
//! and how long the page stood still.
//!
//! The longest pause depends on the machine and on what else it does; it is printed to be compared, never held against a limit.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use e2e::{Options, Page, dist, onnx, output_dir};

/// Notes every task of more than 50 ms, the browser's own bound for a long one.
const PAUSES: &str = "window.pauses = []; new PerformanceObserver((list) => { for (const task of list.getEntries()) \
    window.pauses.push(task.duration); }).observe({ type: 'longtask', buffered: true });";

/// Bytes of a file too large to be loaded: most of it is a hole, which takes no room on the disk.
const LARGE: u64 = 6 << 30;

fn with_hole(name: &str, weights: u64) -> std::io::Result<PathBuf> {
    let path = output_dir().join(name);
    let (before, behind) = onnx::around_weights(weights);
    let mut file = File::create(&path)?;
    file.write_all(&before)?;
    file.seek(SeekFrom::Current(weights as i64))?;
    file.write_all(&behind)?;
    Ok(path)
}

fn written(name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let path = output_dir().join(name);
    fs::write(&path, bytes)?;
    Ok(path)
}

fn measure(what: &str, file: &Path) {
    let page = Page::open_with("", &Options { before: PAUSES.to_owned(), ..Options::default() });
    page.wait_for("#layers tbody tr");
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    page.eval("window.pauses.length = 0");
    page.upload("#file-input", &[file]);
    page.wait_for_text("#model h2", &name);
    // The last long task is known only once it is over.
    page.eval("new Promise((done) => setTimeout(done, 1000))");
    let memory = page.worker_memory().map_or("not known".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
    let opening = pauses(&page);
    // What a reader then does with its layers.
    page.click("#layers thead button >> Name");
    page.type_into("#layer-filter", "1");
    page.type_into("#layer-filter", "");
    page.click("#layers label >> By operator");
    page.click("#inside label >> Parameters");
    page.click("label >> Serve it");
    page.eval("new Promise((done) => setTimeout(done, 1000))");
    let touching = pauses(&page);
    let size = fs::metadata(file).map_or(0.0, |about| about.len() as f64 / 1e6);
    println!("| {what} | {size:.1} MB | {memory} | {opening} | {touching} |");
}

/// The longest tasks since the last time, in milliseconds.
fn pauses(page: &Page) -> String {
    let list = page.eval("window.pauses.splice(0).map(Math.round).sort((a, b) => b - a).slice(0, 4).join(', ')");
    list.as_str().filter(|list| !list.is_empty()).unwrap_or("none").to_owned()
}

fn main() -> std::io::Result<()> {
    println!(
        "| model opened | file | worker's memory | longest tasks while it opens, ms | while it is looked at, ms |"
    );
    println!("|---|---:|---:|---:|---:|");
    let given: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    for file in &given {
        measure(&file.display().to_string(), file);
    }
    if given.is_empty() {
        measure("SSDLite320 of the examples", &dist().join("models/ssdlite320_mobilenet_v3.onnx"));
        measure("10,000 layers", &written("layers-10000.onnx", &onnx::long_model(10_000))?);
        measure("60,000 layers", &written("layers-60000.onnx", &onnx::long_model(60_000))?);
        let large = with_hole("large.onnx", LARGE)?;
        measure("6 GB of weights", &large);
        fs::remove_file(large)?;
    }
    Ok(())
}
