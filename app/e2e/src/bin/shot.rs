//! `cargo xtask shot`: a screenshot of the built page, for looking at it.
//!
//! A file that ends in `.pdf` gets the page as it would be printed.
//! Steps such as `--click` and `--upload` are done in the order in which they are given, then the picture is taken.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use e2e::{Options, Page};

/// What a person does before the picture is taken.
enum Step {
    Click(String),
    Upload(PathBuf),
    Type(String, String),
    Wait(String),
}

struct Request {
    options: Options,
    path: String,
    steps: Vec<Step>,
    full: bool,
    out: PathBuf,
}

fn read(words: impl IntoIterator<Item = String>) -> Result<Request, String> {
    let mut words = words.into_iter();
    let (mut options, mut steps, mut path, mut full, mut out) =
        (Options::default(), Vec::new(), String::new(), false, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is not a number of pixels"));
        match word.as_str() {
            "--path" => path = value()?,
            "--width" => options.width = number(value()?)?,
            "--height" => options.height = number(value()?)?,
            "--scale" => options.scale = f64::from(number(value()?)?),
            "--dark" => options.dark = true,
            "--full" => full = true,
            "--click" => steps.push(Step::Click(value()?)),
            "--upload" => steps.push(Step::Upload(value()?.into())),
            "--type" => steps.push(Step::Type(value()?, value()?)),
            "--wait" => steps.push(Step::Wait(value()?)),
            file if !file.starts_with('-') => out = Some(PathBuf::from(file)),
            other => return Err(format!("shot: what is {other}?")),
        }
    }
    let out = out.ok_or("name the PNG or PDF file to write")?;
    Ok(Request { options, path, steps, full, out })
}

fn take(request: &Request) {
    let page = Page::open_with(&request.path, &request.options);
    // Without a better sign, a heading tells that the page has drawn itself.
    page.wait_for("h1");
    for step in &request.steps {
        match step {
            Step::Click(selector) => page.click(selector),
            Step::Upload(file) => page.upload("input[type=file]", &[file as &Path]),
            Step::Type(selector, text) => page.type_into(selector, text),
            Step::Wait(selector) => page.wait_for(selector),
        }
    }
    match request.full {
        _ if request.out.extension().is_some_and(|end| end == "pdf") => {
            std::fs::write(&request.out, page.print()).unwrap_or_else(|why| panic!("{}: {why}", request.out.display()));
        }
        true => page.screenshot_full(&request.out),
        false => page.screenshot(&request.out),
    }
    for error in page.console_errors() {
        println!("console: {error}");
    }
    println!("{}", request.out.display());
}

fn main() -> ExitCode {
    match read(std::env::args().skip(1)) {
        Ok(request) => {
            take(&request);
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}
