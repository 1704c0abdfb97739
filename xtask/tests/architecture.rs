//! The walls between the crates, which no compiler checks.

use std::process::Command;

use xtask::tools;

/// Every package that `package` depends on when it runs, as cargo names it, wherever it is compiled for;
/// those that only `without` brings are left out.
fn dependencies(package: &str, without: Option<&str>) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--target", "all", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}", "--package", package])
        .args(without.iter().flat_map(|package| ["--prune", package]))
        .current_dir(tools::root())
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let lines = String::from_utf8(tree.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn the_estimator_knows_of_no_browser() {
    // For wasm32 zip takes random numbers from the browser, to encrypt; here it only reads.
    let names = dependencies("estimator", Some("zip"));
    assert!(names.contains(&"serde".to_owned()), "{names:?}");
    for browser in ["wasm-bindgen", "js-sys", "web-sys", "yew", "gloo", "app"] {
        assert!(!names.contains(&browser.to_owned()), "estimator depends on {browser}");
    }
}

#[test]
fn the_commands_are_quick_to_compile() {
    let names = dependencies("xtask", None);
    assert!(names.len() < 12, "every fresh clone compiles these first: {names:?}");
}
