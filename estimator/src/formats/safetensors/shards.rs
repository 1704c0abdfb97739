//! Which files of weights belong together: the shards of one network, the networks of a pipeline.

use super::super::error::{Problem, ReadError};
use super::super::files::{Files, base_name, beside};
use super::super::huggingface;
use super::super::source::Source;
use crate::notes::Notes;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most shards of one network.
const MOST_SHARDS: u64 = 2_000;
/// Most networks of a pipeline.
pub(super) const MOST_PARTS: usize = 64;
/// How many missing files are named.
const MOST_NAMED: usize = 8;

/// One file of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::formats) struct Shard {
    pub name: String,
    /// How many tensors the index says that it holds.
    pub tensors: Option<usize>,
}

/// The files of one network.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::formats) struct Family {
    /// The file beside which the config lies.
    pub lead: String,
    /// The files; which of them are there shows when they are opened.
    pub shards: Vec<Shard>,
    /// Bytes of all tensors as the index says.
    pub total_size: Option<u64>,
}

impl Family {
    fn lone(name: &str) -> Self {
        let shards = vec![Shard { name: name.to_owned(), tensors: None }];
        Self { lead: name.to_owned(), shards, total_size: None }
    }

    /// Says what is missing, and whether the index's sum is that of the tensors read.
    ///
    /// # Errors
    /// Nothing is there.
    pub fn check(&self, missing: &[&Shard], bytes: u64, notes: &mut Notes) -> Result<(), ReadError> {
        let Some(first) = missing.first() else {
            if let Some(stated) = self.total_size.filter(|stated| *stated != bytes) {
                let text = format!("the index says that all tensors take {stated} bytes; their headers say {bytes}");
                notes.info(base_name(&self.lead), text);
            }
            return Ok(());
        };
        if missing.len() == self.shards.len() {
            let why = format!(
                "it only lists files of weights, {} in all, and none of them is here; open the folder that holds {}",
                missing.len(),
                base_name(&first.name)
            );
            let problem = Problem::Unreadable(why);
            return Err(ReadError { file: self.lead.clone(), offset: None, place: String::new(), problem });
        }
        let named: Vec<&str> = missing.iter().take(MOST_NAMED).map(|shard| base_name(&shard.name)).collect();
        let more = match missing.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let tensors = match missing.iter().filter_map(|shard| shard.tensors).sum::<usize>() {
            0 => String::new(),
            count => format!(" with {count} tensors"),
        };
        let text = format!(
            "{} of {} shards are missing{tensors}: {}{more}; only what is here is counted. Put them into the same folder, or choose them together with this file",
            missing.len(),
            self.shards.len(),
            named.join(", ")
        );
        notes.warn(base_name(&self.lead), text);
        Ok(())
    }
}

/// The files that belong to one that was chosen: its fellow shards if its name is numbered, else it alone.
pub(in crate::formats) fn of_file(files: &Files<'_>, name: &str, notes: &mut Notes) -> Result<Family, ReadError> {
    let Some(numbered) = Numbered::of(name) else {
        note_others(files, name, notes);
        return Ok(Family::lone(name));
    };
    let index = format!("{}{}.index.json", numbered.stem, numbered.ending);
    if may_be(files, &index)
        && let Some(values) = huggingface::json(files, &index, notes)?
    {
        let family = of_index(&index, &values)?;
        if family.shards.iter().any(|shard| shard.name == name) {
            return Ok(family);
        }
    }
    let shards = (1..=numbered.count).map(|number| Shard { name: numbered.shard(number), tensors: None });
    Ok(Family { lead: name.to_owned(), shards: shards.collect(), total_size: None })
}

/// Whether it is worth asking for a file: where any file of its folder is listed, all are.
fn may_be(files: &Files<'_>, name: &str) -> bool {
    if files.lists(name) {
        return true;
    }
    let folder = beside(name, "");
    let first = files.names().partition_point(|listed| listed.as_str() < folder.as_str());
    let below = files.names().get(first..).unwrap_or_default();
    let mut below = below.iter().map_while(|listed| listed.strip_prefix(folder.as_str()));
    !below.any(|rest| !rest.contains('/'))
}

/// Other files of weights beside a lone one are probably the same network in another form.
fn note_others(files: &Files<'_>, name: &str, notes: &mut Notes) {
    let folder = beside(name, "");
    let is_other = |other: &&String| {
        other.ends_with(".safetensors")
            && *other != name
            && other.strip_prefix(&folder).is_some_and(|rest| !rest.contains('/'))
    };
    let others: Vec<&str> = files.names().iter().filter(is_other).map(|other| base_name(other)).collect();
    if !others.is_empty() {
        let shown = others.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
        notes.info(base_name(name), format!("only this file is counted; beside it lie other weights: {shown}"));
    }
}

/// The files that an index names.
///
/// # Errors
/// Its map is not one of tensors to files, or names too many files.
pub(in crate::formats) fn of_index(name: &str, index: &Map<String, Value>) -> Result<Family, ReadError> {
    let fail = |problem| ReadError { file: name.to_owned(), offset: None, place: "weight_map".to_owned(), problem };
    let corrupt = |why: &str| fail(Problem::Corrupt(why.to_owned()));
    let map = index.get("weight_map").and_then(Value::as_object).filter(|map| !map.is_empty());
    let map = map.ok_or_else(|| corrupt("it has no table of tensors and files"))?;
    let mut shards: BTreeMap<&str, usize> = BTreeMap::new();
    for file in map.values() {
        let file = file.as_str().ok_or_else(|| corrupt("a tensor's file is not a text"))?;
        // A name may not lead out of the folder.
        if file.is_empty() || file.starts_with('/') || file.split(['/', '\\']).any(|part| part == "..") {
            return Err(corrupt("a file's name leads out of the folder"));
        }
        *shards.entry(file).or_default() += 1;
        if shards.len() as u64 > MOST_SHARDS {
            return Err(fail(Problem::OverLimit(format!("the model has more than {MOST_SHARDS} files"))));
        }
    }
    let stated = index.get("metadata").and_then(|metadata| metadata.get("total_size"));
    // Some writers give it as a float.
    let total_size = stated.and_then(|size| size.as_u64().or_else(|| size.as_f64().map(|size| size.round() as u64)));
    let shards =
        shards.into_iter().map(|(file, tensors)| Shard { name: beside(name, file), tensors: Some(tensors) }).collect();
    Ok(Family { lead: name.to_owned(), shards, total_size })
}

/// The files of one network of a pipeline; `None` where its folder has no weights in this format.
///
/// A folder often holds the same network several times, in other precisions ("variants"): the plain one counts,
/// or else the first variant.
pub(super) fn of_part(
    files: &Files<'_>,
    pipeline: &str,
    part: &str,
    notes: &mut Notes,
) -> Result<Option<Family>, ReadError> {
    if part.contains(['/', '\\']) || part.starts_with('.') {
        return Ok(None);
    }
    let at = |file: String| beside(pipeline, &format!("{part}/{file}"));
    for stem in ["diffusion_pytorch_model", "model"] {
        for variant in ["", ".fp16", ".bf16", ".fp32"] {
            // Both spellings of an index of a variant occur.
            let indices =
                [format!("{stem}.safetensors.index{variant}.json"), format!("{stem}{variant}.safetensors.index.json")];
            for index in indices.map(at) {
                if may_be(files, &index)
                    && let Some(values) = huggingface::json(files, &index, notes)?
                {
                    return of_index(&index, &values).map(Some);
                }
            }
            let lone = at(format!("{stem}{variant}.safetensors"));
            if may_be(files, &lone) && files.find(&lone)?.is_some() {
                return Ok(Some(Family::lone(&lone)));
            }
        }
    }
    Ok(None)
}

/// Whether a class of a pipeline is a network, by its name.
pub(super) fn has_weights(class: &str) -> bool {
    !["Scheduler", "Tokenizer", "TokenizerFast", "Processor", "Extractor", "ImageProcessor"]
        .iter()
        .any(|ending| class.ends_with(ending))
}

/// Refuses a Git LFS pointer with its own words: in folders that were cloned without the large files, every shard is one.
///
/// # Errors
/// The file is such a pointer, or cannot be read.
pub(super) fn refuse_pointer(source: &mut Source<'_>) -> Result<(), ReadError> {
    const POINTER: &[u8] = b"version https://git-lfs";
    let length = POINTER.len().min(usize::try_from(source.size()).unwrap_or(usize::MAX));
    if source.stretch(0, length)? == POINTER {
        let what = "a Git LFS pointer of a few lines (run `git lfs pull` to get the real file)";
        return Err(source.error(None, "", Problem::NotAModel(what.to_owned())));
    }
    Ok(())
}

/// The parts of a shard's name: `model-00002-of-00005.safetensors`, or with a variant `model.fp16-00001-of-00002.safetensors`.
#[derive(Debug, PartialEq, Eq)]
struct Numbered<'n> {
    stem: &'n str,
    width: (usize, usize),
    count: u64,
    ending: &'n str,
}

impl<'n> Numbered<'n> {
    fn of(name: &'n str) -> Option<Self> {
        let rest = name.strip_suffix(".safetensors").or_else(|| name.strip_suffix(".bin"))?;
        let ending = name.get(rest.len()..)?;
        let (rest, count) = rest.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let is_number =
            |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(number) || !is_number(count) {
            return None;
        }
        let width = (number.len(), count.len());
        let count = count.parse().ok().filter(|count| (1..=MOST_SHARDS).contains(count))?;
        Some(Self { stem, width, count, ending })
    }

    fn shard(&self, number: u64) -> String {
        let Self { stem, width: (own, all), count, ending } = self;
        format!("{stem}-{number:0own$}-of-{count:0all$}{ending}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_names_name_their_fellows() {
        let numbered = Numbered::of("a/model-00002-of-00005.safetensors").unwrap();
        assert_eq!((numbered.stem, numbered.count), ("a/model", 5));
        assert_eq!(numbered.shard(4), "a/model-00004-of-00005.safetensors");
        assert_eq!(
            Numbered::of("model-00001-of-000163.safetensors").unwrap().shard(9),
            "model-00009-of-000163.safetensors"
        );
        assert!(Numbered::of("model.safetensors").is_none());
        assert!(Numbered::of("model-1-of-99999999.safetensors").is_none());
    }
}
