//! The project's own commands, run as `cargo xtask COMMAND`. `cargo xtask help` lists them.

mod bench;
mod checks;
mod node_suite;
mod page;
mod peers;
mod run;
mod setup;

use std::process::ExitCode;

use checks::Part;
use page::Mode;

const HELP: &str = "\
cargo xtask COMMAND

  setup                 install what is missing: wasm32 target, trunk, wasm-bindgen, wasm-opt, a browser for the tests
  build [--dev]         build the page into dist/ (--dev: quick, into target/dist-dev)
  serve [--dev] [--port N] [--no-build]
                        build the page and serve it on localhost
  test  [--only PART[,PART]…] [--dev] [NAME]
                        run every check, or only some of fmt, clippy, unit, wasm, e2e; NAME: only tests so named
  bench [--readers]     measure the downloads and hold them against their limits; print what opening large models costs;
                        --readers: time reading a model beside other readers instead (installs them with Python once)
  node-suite [--all] [--only WORD] [--least PERCENT]
                        run ONNX's backend tests through shape inference (prepares them with Python the first time)
  calibrate             fit the constants of the estimates to the published measurements and write their tables
  shot  [--path '#…'] [--width N] [--height N] [--scale N] [--dark] [--full] [--dev] [--no-build] [STEP…] OUT.png
                        take a screenshot of the page in a headless Chromium, after steps such as --upload FILE,
                        --click CSS, --type CSS TEXT, --wait CSS, which are done in the order given

Options apply where they are listed. Port 8080 is tried first, then the ones above it.
Tools are kept in a per-user cache outside the clone; CONTRIBUTING.md says where.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = Arguments::read(&words).and_then(|arguments| arguments.run());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Use(why)) => {
            eprintln!("{why}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(Failure::Work(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    /// The command line was not understood.
    Use(String),
    /// The work itself failed.
    Work(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Work(why)
    }
}

/// What the command line said. Options of `shot` and `node-suite` go to their own programs unread.
struct Arguments {
    command: String,
    mode: Mode,
    port: u16,
    build: bool,
    readers: bool,
    parts: Vec<Part>,
    filter: Option<String>,
    rest: Vec<String>,
}

impl Arguments {
    fn read(words: &[String]) -> Result<Arguments, Failure> {
        let mut words = words.iter().cloned();
        let mut arguments = Arguments {
            command: words.next().unwrap_or_else(|| "help".to_owned()),
            mode: Mode::Release,
            port: 8080,
            build: true,
            readers: false,
            parts: Part::ALL.map(|(_, part)| part).to_vec(),
            filter: None,
            rest: Vec::new(),
        };
        let command = arguments.command.clone();
        while let Some(word) = words.next() {
            let mut value = || {
                let missing = || Failure::Use(format!("{word} needs a value"));
                words.next().ok_or_else(missing)
            };
            match (command.as_str(), word.as_str()) {
                ("build" | "serve" | "test" | "shot", "--dev") => arguments.mode = Mode::Dev,
                ("serve" | "shot", "--no-build") => arguments.build = false,
                ("serve", "--port") => {
                    let wrong = |_| Failure::Use("--port needs a number up to 65535".to_owned());
                    arguments.port = value()?.parse().map_err(wrong)?;
                }
                ("bench", "--readers") => arguments.readers = true,
                ("test", "--only") => arguments.parts = parts(&value()?)?,
                ("test", name) if !name.starts_with('-') => arguments.filter = Some(name.into()),
                ("shot" | "node-suite", _) => arguments.rest.push(word),
                _ => return Err(Failure::Use(format!("{command}: what is {word}?"))),
            }
        }
        Ok(arguments)
    }

    fn run(&self) -> Result<(), Failure> {
        match self.command.as_str() {
            "setup" => {
                setup::for_building(true)?;
                setup::for_testing(true)?;
            }
            "build" => page::build(&setup::for_building(false)?, self.mode)?,
            "serve" => {
                self.build_page()?;
                page::serve(self.mode, self.port)?;
            }
            "test" => checks::test(&self.parts, self.mode, self.filter.as_deref())?,
            "bench" if self.readers => peers::compare()?,
            "bench" => {
                page::build_if_older(&setup::for_building(false)?, Mode::Release)?;
                bench::sizes()?;
                println!();
                setup::for_testing(false)?;
                let mut measure = run::program("cargo");
                measure
                    .args(["run", "--quiet", "--locked", "--package", "e2e", "--bin", "measure"])
                    .env("GREENPRINT_DIST", Mode::Release.dist());
                run::run(&mut measure)?;
            }
            "node-suite" => node_suite::check(&self.rest)?,
            "calibrate" => {
                for example in ["calibrate", "calibrate_serving"] {
                    let mut fit = run::program("cargo");
                    fit.args([
                        "run",
                        "--quiet",
                        "--locked",
                        "--release",
                        "--package",
                        "estimator",
                        "--example",
                        example,
                    ]);
                    run::run(&mut fit)?;
                }
            }
            "shot" => {
                self.build_page()?;
                setup::for_testing(false)?;
                let mut shot = run::program("cargo");
                shot.args(["run", "--quiet", "--locked", "--package", "e2e", "--"])
                    .args(&self.rest)
                    .env("GREENPRINT_DIST", self.mode.dist());
                run::run(&mut shot)?;
            }
            "help" | "--help" | "-h" => println!("{HELP}"),
            other => return Err(Failure::Use(format!("there is no command {other}"))),
        }
        Ok(())
    }

    fn build_page(&self) -> Result<(), String> {
        match self.build {
            true => page::build_if_older(&setup::for_building(false)?, self.mode),
            false => Ok(()),
        }
    }
}

fn parts(names: &str) -> Result<Vec<Part>, Failure> {
    let part = |name: &str| {
        let found = Part::ALL.iter().find(|(known, _)| *known == name);
        let known = Part::ALL.map(|(known, _)| known).join(", ");
        found.map(|(_, part)| *part).ok_or_else(|| Failure::Use(format!("--only takes {known}; not {name}")))
    };
    names.split(',').map(part).collect()
}
