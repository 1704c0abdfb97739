//! Starting other programs: one way to do it, with the environment that wasm builds need.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xtask::tools;

/// A program to be started in the clone's root.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(tools::root());
    command
}

/// Prints the command, runs it and waits for its end.
pub fn run(command: &mut Command) -> Result<(), String> {
    println!("$ {}", shown(command));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", shown(command))),
        Err(e) => Err(format!("`{}` did not start: {e}", shown(command))),
    }
}

/// Runs a command for what it prints; nothing when it fails or is not there.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// As [`run`], but ends the program when it takes longer than `limit`.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<(), String> {
    println!("$ {}", shown(command));
    let not_started = |e| format!("`{}` did not start: {e}", shown(command));
    let mut child = Command::new(command.get_program())
        .args(command.get_args())
        .current_dir(tools::root())
        // A refusal is told in one line, not with rustup's own stack.
        .env("RUST_BACKTRACE", "0")
        .spawn()
        .map_err(not_started)?;
    let start = Instant::now();
    loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("`{}` ended with {status}", shown(command))),
            None if start.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = limit.as_secs();
                return Err(format!("`{}` took over {seconds} s", shown(command)));
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Which Rust compiler builds for wasm32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasmRust {
    /// The one that `PATH` finds, with its own wasm32 target.
    Ordinary,
    /// The one in this folder, which is put first in `PATH`.
    In(PathBuf),
}

impl WasmRust {
    /// A program with the tools in `PATH`, which finds this compiler when it asks for `cargo` or `rustc`.
    pub fn program(&self, name: &str) -> Result<Command, String> {
        let mut dirs = tools::bin_dirs()?;
        let mut command = program(name);
        if let WasmRust::In(dir) = self {
            dirs.push(dir.clone());
            // What rustup's cargo leaves behind for its children would lead back to rustup's compiler.
            for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
                command.env_remove(variable);
            }
        }
        if let Some(path) = env::var_os("PATH") {
            dirs.extend(env::split_paths(&path));
        }
        let path = env::join_paths(dirs).map_err(|e| e.to_string())?;
        command.env("PATH", path);
        Ok(command)
    }

    /// Whether this compiler has the standard library for wasm32.
    pub fn has_wasm32(&self) -> bool {
        self.target_libdir().is_some_and(|dir| !files_starting(&dir, "libcore-").is_empty())
    }

    /// What the compiler says of its version.
    pub fn version(&self) -> Option<String> {
        output(self.program("rustc").ok()?.arg("-V"))
    }

    /// The folder in which this compiler looks for the standard library for wasm32.
    pub fn target_libdir(&self) -> Option<PathBuf> {
        let mut rustc = self.program("rustc").ok()?;
        rustc.args(["--print", "target-libdir", "--target", "wasm32-unknown-unknown"]);
        output(&mut rustc).map(PathBuf::from)
    }
}

/// The files in a folder whose names start so; none when there is no such folder.
pub fn files_starting(dir: &Path, start: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start)).map(|entry| entry.path()).collect()
}
