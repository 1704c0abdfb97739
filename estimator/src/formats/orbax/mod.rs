//! Orbax: folders in which JAX keeps checkpoints.
//!
//! `_METADATA` names the tree's arrays. Shapes and types stand with each array, in Zarr's own description of it,
//! which is a small file of its own or a value of the database in `manifest.ocdbt` (`ocdbt`).
//! The shapes in `_METADATA` itself are those of the pieces that single devices wrote, so they are no substitute.

mod ocdbt;

use super::error::{Problem, ReadError};
use super::files::{Files, beside};
use super::flax::{dtype, role_in_tree};
use super::huggingface;
use super::numpy;
use super::sniff::Look;
use super::source::Source;
use crate::model::{DType, Model, Packing, Storage, Weight};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most arrays of a checkpoint.
const MOST_ARRAYS: usize = 100_000;
/// Most dimensions of an array.
const MOST_DIMS: usize = 64;
/// Most files whose sizes are added up.
const MOST_FILES: usize = 20_000;
/// Most parts of a checkpoint that are read.
const MOST_ITEMS: usize = 16;
/// How the descriptions of arrays are named: in Zarr's version 2 and 3.
const DESCRIPTIONS: [&str; 2] = [".zarray", "zarr.json"];

/// Whether the file is one of the two descriptions of a checkpoint.
pub(super) fn recognises(look: &Look, _: &mut Source<'_>) -> Result<bool, ReadError> {
    let begins = |text: &str| look.beginning.windows(text.len()).any(|window| window == text.as_bytes());
    let json = look.first_letter() == Some(b'{');
    Ok(json && (begins("\"tree_metadata\"") || begins("\"item_handlers\"")))
}

/// Reads the checkpoint whose description this is.
pub(super) fn read(files: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    let name = source.name().to_owned();
    let values = huggingface::object(source)?;
    let mut model =
        Model { format: "orbax".to_owned(), producer: "Orbax".to_owned(), weights_only: true, ..Model::default() };
    if values.contains_key("tree_metadata") {
        item(files, &name, &values, "", &mut model)?;
    } else {
        // One part lies beside its description, several in a folder each.
        let items = match values.get("item_handlers") {
            Some(Value::Object(items)) => items.keys().take(MOST_ITEMS).map(|item| format!("{item}/")).collect(),
            _ => vec![String::new()],
        };
        let mut read = Vec::new();
        for folder in items.iter().filter(|item| !item.starts_with(['/', '.']) && !item.contains('\\')) {
            let tree = beside(&name, &format!("{folder}_METADATA"));
            if let Some(values) = huggingface::json(files, &tree, &mut model.notes)? {
                read.push((folder, tree, values));
            }
        }
        let several = read.len() > 1;
        for (folder, tree, values) in &read {
            item(files, tree, values, if several { folder } else { "" }, &mut model)?;
        }
    }
    if model.graph.weights.is_empty() {
        let why = "it names no array whose description is here; open the whole folder of the checkpoint";
        let problem = Problem::Unreadable(why.to_owned());
        return Err(ReadError { file: name, offset: None, place: String::new(), problem });
    }
    for file in files.names().iter().take(MOST_FILES) {
        if let Some(source) = files.find(file)? {
            model.file_bytes = model.file_bytes.saturating_add(source.size());
        }
    }
    Ok(model)
}

/// Reads one tree of arrays.
fn item(
    files: &Files<'_>,
    name: &str,
    values: &Map<String, Value>,
    prefix: &str,
    model: &mut Model,
) -> Result<(), ReadError> {
    let fail = |problem| ReadError { file: name.to_owned(), offset: None, place: "tree_metadata".to_owned(), problem };
    let Some(tree) = values.get("tree_metadata").and_then(Value::as_object) else {
        return Err(fail(Problem::Corrupt("it has no tree".to_owned())));
    };
    if tree.len() > MOST_ARRAYS {
        return Err(fail(Problem::OverLimit(format!("the checkpoint has more than {MOST_ARRAYS} arrays"))));
    }
    // Arrays by the name under which they are stored.
    let mut arrays: BTreeMap<String, String> = BTreeMap::new();
    for leaf in tree.values() {
        let keys = leaf.get("key_metadata").and_then(Value::as_array).into_iter().flatten();
        let keys: Vec<&str> = keys.filter_map(|key| key.get("key")?.as_str()).collect();
        let kind = leaf.get("value_metadata").and_then(|value| value.get("value_type")).and_then(Value::as_str);
        // Empty branches, texts and single numbers are no weights.
        if !keys.is_empty() && !matches!(kind, Some("None" | "Dict" | "List" | "string" | "scalar")) {
            arrays.insert(keys.join("."), keys.join("/"));
        }
    }
    let manifest = beside(name, "manifest.ocdbt");
    let is_database = values.get("use_ocdbt").and_then(Value::as_bool).unwrap_or(false);
    let mut found = BTreeMap::new();
    if is_database {
        for (key, value) in ocdbt::values(files, &manifest, &DESCRIPTIONS)? {
            if let Some(array) = DESCRIPTIONS.iter().find_map(|ending| key.strip_suffix(ending)?.strip_suffix('/')) {
                found.insert(array.to_owned(), value);
            }
        }
    } else {
        for array in arrays.keys() {
            for description in DESCRIPTIONS {
                let file = beside(name, &format!("{array}/{description}"));
                if (files.names().is_empty() || files.lists(&file))
                    && let Some(mut source) = files.find(&file)?
                {
                    let length = usize::try_from(source.size()).unwrap_or(usize::MAX).min(1 << 16);
                    found.insert(array.clone(), source.stretch(0, length)?);
                    break;
                }
            }
        }
    }
    for (array, path) in arrays {
        let path = format!("{prefix}{path}");
        match found.get(&array).and_then(|text| described(text)) {
            Some((element, shape)) => add(model, &path, element, shape),
            None => model.notes.warn(&path, "its shape and type are not described here, and it is not counted"),
        }
    }
    Ok(())
}

/// The element type, or its name where it is not known, and the shape that an array's description states.
fn described(text: &[u8]) -> Option<(Result<DType, String>, Vec<u64>)> {
    let values: Map<String, Value> = serde_json::from_slice(text).ok()?;
    let sizes = values.get("shape")?.as_array().filter(|sizes| sizes.len() <= MOST_DIMS)?;
    let shape = sizes.iter().map(Value::as_u64).collect::<Option<Vec<_>>>()?;
    let named = values.get("dtype").or_else(|| values.get("data_type"))?.as_str()?;
    // Version 2 writes NumPy's codes, and names where NumPy has none; version 3 writes names.
    let known = dtype(named).map(|(dtype, _)| dtype).or_else(|| numpy::number(named));
    Some((known.ok_or_else(|| crate::notes::clip(named)), shape))
}

fn add(model: &mut Model, path: &str, element: Result<DType, String>, shape: Vec<u64>) {
    let elements = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
    let Some(bytes) = elements.and_then(|elements| elements.checked_mul(16)) else {
        model.notes.warn(path, format!("its shape {shape:?} has too many elements, and it is not counted"));
        return;
    };
    // An array lies in many files, packed; its place in the list stands for them.
    let storage = Storage::Inside { offset: model.graph.weights.len() as u64 };
    let mut weight = match element {
        Ok(dtype) => Weight::new(dtype, shape, storage),
        Err(named) => {
            model.notes.warn(path, format!("element type {named} is not known here; taken for a 32-bit float"));
            let packing = Packing { name: named.into(), bytes: bytes / 4 };
            Weight { packing: Some(packing), ..Weight::new(DType::F32, shape, storage) }
        }
    };
    weight.role = Some(role_in_tree(path, &weight));
    model.add_weight(path, weight);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{Folder, InMemory, open_folder};
    use std::path::Path;

    /// The files of a folder of golden data, by their names in it.
    fn golden(name: &str) -> InMemory {
        fn add(folder: &Path, below: &str, files: &mut InMemory) {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let name = format!("{below}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    add(&entry.path(), &format!("{name}/"), files);
                } else {
                    files.0.insert(name, std::fs::read(entry.path()).unwrap());
                }
            }
        }
        let mut files = InMemory::default();
        add(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jax").join(name), "", &mut files);
        files
    }

    fn counts(files: InMemory) -> Result<(Model, crate::report::Inspection), ReadError> {
        let model = open_folder(&Files::new(files))?;
        let found = crate::cost::inspect(&model, &crate::shapes::infer(&model, &Default::default()));
        Ok((model, found))
    }

    #[test]
    fn both_ways_of_keeping_arrays_give_the_same_tree() {
        for folder in ["orbax_zarr", "orbax_ocdbt", "orbax_zarr3"] {
            let files = golden(folder);
            let size: usize = files.0.values().map(Vec::len).sum();
            let (model, found) = counts(files).unwrap();
            assert_eq!(found.parameters, Some(16 * 24 + 24 + 15), "{folder}");
            assert_eq!((found.buffers, found.optimizer_state), (7, 384), "{folder}");
            let of = |name: &str, count| (name.to_owned(), count);
            assert_eq!(found.dtypes, [of("bf16", 384), of("f16", 15), of("f32", 24)].into(), "{folder}");
            assert!(model.notes.is_empty(), "{folder}: {:?}", model.notes);
            assert_eq!(model.file_bytes, size as u64);
            let names: Vec<&str> = model.values.iter().map(|value| value.name.as_ref()).collect();
            assert!(names.contains(&"params/dense/kernel"), "{names:?}");
        }
    }

    #[test]
    fn arrays_on_several_devices_count_whole() {
        let (model, found) = counts(golden("orbax_devices")).unwrap();
        assert_eq!(found.parameters, Some(2 * 16 * 24 + 8));
        assert!(model.notes.is_empty(), "{:?}", model.notes);
    }

    #[test]
    fn parts_of_a_checkpoint_lie_in_folders() {
        let mut files = InMemory::default();
        for (name, bytes) in golden("orbax_ocdbt").0 {
            if name != "_CHECKPOINT_METADATA" {
                files.0.insert(format!("3/state/{name}"), bytes);
            }
        }
        let parts = br#"{"item_handlers": {"state": "StandardCheckpointHandler", "cfg": "JsonCheckpointHandler"}}"#;
        files.0.insert("3/_CHECKPOINT_METADATA".to_owned(), parts.to_vec());
        assert_eq!(counts(files).unwrap().1.parameters, Some(423));
    }

    #[test]
    fn what_is_missing_or_damaged_is_an_error_or_a_note() {
        let whole = golden("orbax_ocdbt");
        for name in whole.names() {
            let mut files = whole.clone();
            files.0.remove(&name);
            if name == "_METADATA" {
                assert!(counts(files).is_err());
            } else if let Err(error) = counts(files) {
                assert!(matches!(error.problem, Problem::Unreadable(_)), "{error}");
            }
            let bytes = whole.0.get(&name).unwrap();
            for place in (0..bytes.len()).step_by(7) {
                for value in [0x00, 0xff] {
                    let mut files = whole.clone();
                    if let Some(byte) = files.0.get_mut(&name).and_then(|bytes| bytes.get_mut(place)) {
                        *byte = value;
                    }
                    let _ = counts(files);
                }
            }
        }
        let mut zarr = golden("orbax_zarr");
        zarr.0.remove("params.dense.bias/.zarray");
        let (model, found) = counts(zarr).unwrap();
        assert_eq!(found.parameters, Some(16 * 24 + 15));
        assert!(model.notes.iter().any(|note| note.place == "params/dense/bias"));
    }
}
