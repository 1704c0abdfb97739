//! Files that nobody should have made: each must be refused or read with its fault named, in words that help.
//!
//! `tests/data/make/bad_files.py` says how each was spoilt. What a reader lets through, shape inference and counting survive.

use estimator::cost::inspect;
use estimator::formats;
use estimator::shapes::{Choices, infer};
use serde_json::Value as Json;
use std::fs::{self, File};
use std::path::Path;

fn list<'j>(json: &'j Json, key: &str) -> &'j [Json] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn bad_files_are_named_and_never_crash() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bad");
    let expected: Json = serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for entry in list(&expected, "files") {
        let (name, outcome) = (entry["file"].as_str().unwrap(), entry["outcome"].as_str().unwrap());
        let path = folder.join(name);
        let read = formats::open_lone(name, File::open(&path).unwrap());
        let (refused, said) = match read {
            Err(error) => (true, error.to_string()),
            Ok(model) => {
                let found = inspect(&model, &infer(&model, &Choices::default()));
                let notes: Vec<String> =
                    found.warnings.iter().map(|note| format!("{}: {}", note.place, note.text)).collect();
                let uncounted: Vec<&str> = found.not_counted.iter().map(|operator| operator.op.as_str()).collect();
                (false, format!("{} {}", notes.join(" | "), uncounted.join(" ")))
            }
        };
        let fits = match outcome {
            "error" => refused,
            "warning" | "ok" => !refused,
            _ => true,
        };
        if !fits {
            wrong.push(format!("{name} ({}): refused is {refused}: {said}", entry["how"]));
        }
        let lower = said.to_lowercase();
        let names = |words: &Json| {
            words.as_array().unwrap().iter().filter_map(Json::as_str).any(|word| lower.contains(&word.to_lowercase()))
        };
        let missing: Vec<&Json> = list(entry, "mentions").iter().filter(|words| !names(words)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{name} ({}): none of {missing:?} in: {said}", entry["how"]));
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
