//! A source that no table names is left over from a row that has gone.

use estimator::sources;
use std::collections::HashSet;
use std::path::Path;

#[test]
fn every_source_is_named_by_a_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut words = HashSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "csv") && !path.ends_with("sources.csv") {
            let text = std::fs::read_to_string(path).unwrap();
            // Cells hold an id alone, or hardware's `group=source/certainty;…`.
            words.extend(text.split([',', '\n', '=', '/', ';', '"', '|']).map(str::to_owned));
        }
    }
    let unused: Vec<&str> =
        sources::all().iter().map(|source| source.id.as_str()).filter(|id| !words.contains(*id)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
