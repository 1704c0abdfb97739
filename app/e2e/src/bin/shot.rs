//! `cargo xtask shot`: a screenshot of the built page, for looking at it.

use std::path::Path;

use e2e::{Options, Page};

fn main() {
    let mut options = Options::default();
    let (mut path, mut wait, mut out, mut full) = (String::new(), None, None, false);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--path" => path = value(),
            "--wait" => wait = Some(value()),
            "--width" => options.width = value().parse().expect("--width takes a number"),
            "--height" => options.height = value().parse().expect("--height takes a number"),
            "--scale" => options.scale = value().parse().expect("--scale takes a number"),
            "--dark" => options.dark = true,
            "--full" => full = true,
            file if !file.starts_with('-') => out = Some(word),
            other => panic!("what is {other}?"),
        }
    }
    let out = out.expect("name the PNG file to write");
    let page = Page::open_with(&path, &options);
    // Without a better sign, a heading tells that the page has drawn itself.
    page.wait_for(wait.as_deref().unwrap_or("h1"));
    let out = Path::new(&out);
    match full {
        true => page.screenshot_full(out),
        false => page.screenshot(out),
    }
    for error in page.console_errors() {
        println!("console: {error}");
    }
    println!("{}", out.display());
}
