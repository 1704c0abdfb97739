//! Writes METHODOLOGY.md down as sections of HTML, and the names of the tables that fits have written, for the methods page.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A part of the text: its heading, and what stands under it as HTML.
#[derive(Default)]
struct Section {
    title: String,
    html: String,
}

/// The parts of a text, each under a heading of the second level. What stands before the first has no title.
fn sections(text: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let (mut title, mut events, mut in_title) = (String::new(), Vec::new(), None);
    let mut finish = |title: &mut String, events: &mut Vec<Event<'_>>| {
        let mut body = String::new();
        html::push_html(&mut body, events.drain(..));
        if !body.trim().is_empty() {
            let html = reachable(&body, title);
            sections.push(Section { title: std::mem::take(title), html });
        }
    };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { level: level @ (HeadingLevel::H1 | HeadingLevel::H2), .. }) => {
                finish(&mut title, &mut events);
                title.clear();
                in_title = Some(level);
            }
            Event::End(TagEnd::Heading(HeadingLevel::H1 | HeadingLevel::H2)) => in_title = None,
            Event::Text(words) | Event::Code(words) if in_title.is_some() => {
                if in_title == Some(HeadingLevel::H2) {
                    title.push_str(&words);
                }
            }
            other => events.push(other),
        }
    }
    finish(&mut title, &mut events);
    sections
}

/// What may be wider than the window can be scrolled by the keyboard too; heads of columns say that they are.
fn reachable(html: &str, title: &str) -> String {
    let mut parts = html.split("<table>");
    let mut named = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        let label = format!("{}, table {}", title.replace('"', "&quot;"), place + 1);
        let _ =
            write!(named, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table>{part}");
    }
    named
        .replace("</table>", "</table></div>")
        .replace("<th>", "<th scope=\"col\">")
        .replace("<pre>", "<pre tabindex=\"0\">")
}

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("..");
    let methodology = root.join("METHODOLOGY.md");
    let data = root.join("estimator/data");
    println!("cargo:rerun-if-changed={}", methodology.display());
    println!("cargo:rerun-if-changed={}", data.display());
    let text = fs::read_to_string(&methodology).unwrap_or_else(|why| panic!("{}: {why}", methodology.display()));
    let mut code = String::from("pub const SECTIONS: &[(&str, &str)] = &[\n");
    for section in sections(&text) {
        let _ = writeln!(code, "({:?}, {:?}),", section.title, section.html);
    }
    code.push_str("];\npub const CALIBRATIONS: &[(&str, &str)] = &[\n");
    for table in calibrations(&data) {
        let name = table.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let _ = writeln!(code, "({name:?}, include_str!({:?})),", table.display().to_string());
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("methods.rs");
    fs::write(&out, code).unwrap_or_else(|why| panic!("{}: {why}", out.display()));
}

/// The tables of fitted constants, by their names.
fn calibrations(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_fitted = |path: &PathBuf| {
        path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.starts_with("calibration") && name.ends_with(".csv")
        })
    };
    let mut tables: Vec<PathBuf> = entries.filter(is_fitted).collect();
    tables.sort();
    tables
}
