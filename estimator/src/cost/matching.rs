//! Joins the modules of a file with the parts that its hyper-parameters describe, so that one row has parameters, bytes and MACs.
//!
//! Names decide where a file uses the class's own. Elsewhere (GGUF, code of a model's own) a module is found by its layer's number
//! and its number of parameters; what a file fuses or splits is joined when the parameters of both sides agree.
//! Which of two equal matrices of a layer is which does not matter: they cost the same.

use super::Found;
use crate::report::Layer;
use crate::transformers::{Description, Part, Pass, Weight, Work};
use std::collections::{BTreeMap, HashMap};

/// What the join gives.
pub(super) struct Joined {
    /// The file's modules with their work, and rows of what has no weights of its own.
    pub table: Vec<Found>,
    /// Bytes that a step for one sequence reads, as the file stores them; `None` where a module's bytes are not known.
    pub bytes_of_step: Option<f64>,
}

/// Where a module lies: in which stack, and in which of its layers.
type Place = (&'static str, Option<u64>);

/// Names of stacks in paths of either side, with the word for each.
const STACKS: [(&str, &str); 12] = [
    ("vision", "vision"),
    ("visual", "vision"),
    ("image_encoder", "vision"),
    ("v", "vision"),
    ("audio", "audio"),
    ("a", "audio"),
    ("encoder", "encoder"),
    ("enc", "encoder"),
    ("decoder", "decoder"),
    ("dec", "decoder"),
    ("vision_tower", "vision"),
    ("audio_tower", "audio"),
];

fn place(path: &str) -> Place {
    let steps = || path.split(['.', '/']);
    let stack = steps().find_map(|step| {
        let stem = step.strip_suffix("_model").unwrap_or(step);
        STACKS.iter().find(|(name, _)| *name == stem).map(|(_, stack)| *stack)
    });
    (stack.unwrap_or(""), steps().find_map(|step| step.parse().ok()))
}

/// A path with its numbers left open, as parts have it.
fn open(path: &str) -> String {
    let open = |step: &str| {
        let is_number = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { "{}".to_owned() } else { step.to_owned() }
    };
    path.split('.').map(open).collect::<Vec<_>>().join(".")
}

fn is_table(path: &str) -> bool {
    ["embd", "embed", "wte", "wpe"].iter().any(|word| path.contains(word))
}

fn is_expert(path: &str) -> bool {
    (path.contains("expert") || path.contains("_exps")) && !path.contains("shared")
}

/// The modules of a part in one layer.
struct Item<'d> {
    part: &'d Part,
    path: String,
    place: Place,
    /// Parameters of one module, and the same with those that are another's, too.
    each: u64,
    full: u64,
    /// Modules in the layer, and how many of them were found.
    modules: u64,
    found: u64,
    /// MACs of all of them.
    macs: Option<u64>,
}

impl Item<'_> {
    fn left(&self) -> u64 {
        self.modules.saturating_sub(self.found)
    }

    /// MACs of so many of its modules.
    fn macs_of(&self, modules: u64) -> Option<u64> {
        let share = u128::from(self.macs?) * u128::from(modules) / u128::from(self.modules.max(1));
        u64::try_from(share).ok()
    }
}

fn items<'d>(d: &'d Description, pass: &Pass) -> Vec<Item<'d>> {
    let mut items = Vec::new();
    for part in &d.parts {
        let (Some(all), Some(parameters)) = (part.modules(), part.parameters()) else { continue };
        let layers = part.indices.first().map_or(1, |numbers| numbers.len() as u64).max(1);
        let (modules, each) = (all / layers, parameters / all.max(1));
        let full = part.weights.iter().filter_map(Weight::elements).fold(0u64, u64::saturating_add);
        let macs = d.part_macs(part, pass).map(|macs| macs / layers);
        for layer in 0..layers {
            let path = part.pattern_of(layer);
            let place = place(&part.path_of(layer * modules));
            items.push(Item { part, path, place, each, full, modules, found: 0, macs });
        }
    }
    items
}

/// Joins a file's modules with a description for a pass.
pub(super) fn join(d: &Description, pass: &Pass, modules: Vec<Found>) -> Joined {
    let mut items = items(d, pass);
    let mut by_place: HashMap<Place, Vec<usize>> = HashMap::new();
    for (number, item) in items.iter().enumerate() {
        by_place.entry(item.place).or_default().push(number);
    }
    let mut rows = modules;
    let mut bytes_of_step = Some(0.0);
    let mut open_rows: BTreeMap<(Place, bool), Vec<usize>> = BTreeMap::new();
    let mut last: HashMap<Place, usize> = HashMap::new();
    for (number, row) in rows.iter_mut().enumerate() {
        let name = row.layer.name.clone();
        let at = place(&name);
        last.insert(at, number);
        let pattern = open(&name);
        let parameters = row.layer.parameters;
        let fit = by_place.get(&at).into_iter().flatten().filter_map(|number| {
            let item = items.get(*number)?;
            if item.left() == 0 || item.part.weights.is_empty() {
                return None;
            }
            let is_own = item.part.path == pattern && (item.full == parameters || item.each == parameters);
            let alike = parameters > 0
                && is_table(&name) == (item.part.kind == "Embedding")
                && is_expert(&name) == item.part.routed.is_some();
            let all = alike && item.found == 0 && item.each.checked_mul(item.left()) == Some(parameters);
            let one = is_own || alike && item.each == parameters;
            (all || one).then_some((is_own, *number, if one { 1 } else { item.left() }))
        });
        let Some((_, chosen, taken)) = fit.max_by_key(|(is_own, number, _)| (*is_own, usize::MAX - number)) else {
            open_rows.entry((at, is_expert(&name))).or_default().push(number);
            continue;
        };
        let Some(item) = items.get_mut(chosen) else { continue };
        item.found += taken;
        row.layer.macs = item.macs_of(taken);
        row.layer.op = item.part.kind.to_owned();
        add(&mut bytes_of_step, row, d.share_read(item.part, 1));
    }
    let mut unknown = Vec::new();
    for ((at, is_routed), numbers) in &open_rows {
        match fused(d, &mut items, &mut rows, by_place.get(at), *is_routed, numbers) {
            Some(share) => numbers
                .iter()
                .filter_map(|number| rows.get(*number))
                .for_each(|row| add(&mut bytes_of_step, row, share)),
            None => unknown.extend_from_slice(numbers),
        }
    }
    // Where every described weight was found, what else is in the file is not run.
    let is_complete = items.iter().all(|item| item.each == 0 || item.left() == 0);
    for number in unknown {
        let Some(row) = rows.get_mut(number) else { continue };
        if is_complete {
            row.layer.macs = Some(0);
        } else {
            add(&mut bytes_of_step, row, 1.0);
        }
    }
    Joined { table: with_rest(items, rows, &last), bytes_of_step }
}

fn add(bytes: &mut Option<f64>, row: &Found, share: f64) {
    *bytes = bytes.zip(row.layer.weight_bytes).map(|(sum, own)| sum + own as f64 * share);
}

/// Modules of one layer that no part is alike: where they have as many parameters as the parts that are left, they share their work.
/// Gives the share of them that a step reads.
fn fused(
    d: &Description,
    items: &mut [Item<'_>],
    rows: &mut [Found],
    of_place: Option<&Vec<usize>>,
    is_routed: bool,
    numbers: &[usize],
) -> Option<f64> {
    let own: u64 = numbers.iter().filter_map(|number| rows.get(*number)).map(|row| row.layer.parameters).sum();
    let is_left = |item: &Item<'_>| item.left() > 0 && item.each > 0 && item.part.routed.is_some() == is_routed;
    let left: Vec<usize> =
        of_place.into_iter().flatten().copied().filter(|n| items.get(*n).is_some_and(is_left)).collect();
    let of_items = |of: &dyn Fn(&Item<'_>) -> Option<u64>| {
        left.iter().try_fold(0u64, |sum, number| sum.checked_add(of(items.get(*number)?)?))
    };
    if own == 0 || of_items(&|item| item.each.checked_mul(item.left())) != Some(own) {
        return None;
    }
    let macs = of_items(&|item| item.macs_of(item.left()));
    let mut rest = macs;
    for (place, number) in numbers.iter().enumerate() {
        let Some(row) = rows.get_mut(*number) else { continue };
        let part = macs.map(|macs| (u128::from(macs) * u128::from(row.layer.parameters) / u128::from(own)) as u64);
        row.layer.macs = if place + 1 == numbers.len() { rest } else { part };
        rest = rest.zip(part).map(|(rest, part)| rest.saturating_sub(part));
    }
    let share = left.first().and_then(|number| items.get(*number)).map(|item| d.share_read(item.part, 1));
    for number in left {
        if let Some(item) = items.get_mut(number) {
            item.found = item.modules;
        }
    }
    share
}

/// The rows with those of what has no weights, each behind the last module of its layer.
fn with_rest(items: Vec<Item<'_>>, rows: Vec<Found>, last: &HashMap<Place, usize>) -> Vec<Found> {
    let mut behind: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
    let end = rows.len();
    for item in items {
        let macs = item.macs_of(item.left());
        if item.left() == 0 || macs == Some(0) {
            continue;
        }
        let is_mixing = matches!(item.part.work, Work::Attention { .. } | Work::Recurrence(_));
        let name = if is_mixing || item.path.is_empty() {
            format!("{} ({})", item.path, item.part.kind.to_lowercase()).trim_start().to_owned()
        } else {
            item.path.clone()
        };
        let is_shared = item.part.weights.iter().any(|weight| weight.is_shared);
        let op = if is_shared { format!("{} (tied)", item.part.kind) } else { item.part.kind.to_owned() };
        let group = item.path.rsplit_once('.').map_or("", |(group, _)| group).replace('.', "/");
        // Its weights, where it has some, are counted in the rows of the file.
        let layer = Layer { name, op, group, times: item.part.times, macs, weight_bytes: Some(0), ..Layer::default() };
        let place = last.get(&item.place).copied().unwrap_or(end);
        behind.entry(place).or_default().push(Found { layer, is_counted: true });
    }
    let mut table = Vec::with_capacity(rows.len());
    for (number, row) in rows.into_iter().enumerate() {
        table.push(row);
        table.extend(behind.remove(&number).into_iter().flatten());
    }
    table.extend(behind.into_values().flatten());
    table
}

#[cfg(test)]
mod tests {
    use crate::cost::inspect;
    use crate::model::{DType, Dialect, Hyperparameters, Model, Storage, Weight};
    use crate::report::Inspection;
    use crate::shapes::{Choices, infer};
    use serde_json::{Value, json};

    fn file(dialect: Dialect, values: Value, tensors: &[(&str, &[u64])]) -> Inspection {
        let Value::Object(values) = values else { panic!("{values}") };
        let hyperparameters = Some(Hyperparameters { dialect, origin: "here".to_owned(), values });
        let mut model = Model { weights_only: true, hyperparameters, ..Model::default() };
        let mut offset = 0;
        for (name, shape) in tensors {
            let weight = Weight::new(DType::F16, shape.to_vec(), Storage::Inside { offset });
            offset += 1 << 20;
            model.add_weight(name, weight);
        }
        let dims = [("tokens".to_owned(), 5), ("context".to_owned(), 5)].into_iter().collect();
        inspect(&model, &infer(&model, &Choices { dims, ..Choices::default() }))
    }

    /// Every row has its MACs and they add up to those of the pass; gives the rows with MACs and without parameters.
    fn whole(found: &Inspection) -> Vec<&str> {
        assert!(found.macs.is_some_and(|macs| macs > 0));
        assert_eq!(found.layers.iter().map(|layer| layer.macs.unwrap_or(0)).sum::<u64>(), found.macs.unwrap());
        let told = found.transformer.as_ref().unwrap();
        assert_eq!(found.parameters, Some(told.parameters));
        assert_eq!(found.layers.iter().map(|layer| layer.parameters).sum::<u64>(), told.parameters);
        let idle = |layer: &&crate::report::Layer| layer.macs.is_none();
        assert_eq!(found.layers.iter().filter(idle).count(), 0, "{:?}", found.layers);
        let bare = found.layers.iter().filter(|layer| layer.parameters == 0);
        bare.map(|layer| layer.name.as_str()).collect()
    }

    fn llama() -> Value {
        json!({"general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 8,
            "llama.feed_forward_length": 16, "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
            "tokenizer.ggml.tokens": {"length": 10}})
    }

    #[test]
    fn tensors_of_llama_cpp_have_the_work_of_their_parts() {
        let mut tensors: Vec<(String, Vec<u64>)> =
            vec![("token_embd.weight".into(), vec![8, 10]), ("output_norm.weight".into(), vec![8])];
        for layer in 0..2 {
            for (name, shape) in [
                ("attn_norm", vec![8]),
                ("attn_q", vec![8, 8]),
                ("attn_k", vec![8, 4]),
                ("attn_v", vec![8, 4]),
                ("attn_output", vec![8, 8]),
                ("ffn_norm", vec![8]),
                ("ffn_gate", vec![8, 16]),
                ("ffn_up", vec![8, 16]),
                ("ffn_down", vec![16, 8]),
            ] {
                tensors.push((format!("blk.{layer}.{name}.weight"), shape));
            }
        }
        let with = |tensors: &[(String, Vec<u64>)]| {
            let tensors: Vec<_> = tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
            file(Dialect::Gguf, llama(), &tensors)
        };
        let tied = with(&tensors);
        let bare = whole(&tied);
        // Only attention's own products, and the head that is the table once more.
        assert_eq!(bare.len(), 3, "{bare:?}");
        let row =
            |found: &Inspection, name: &str| found.layers.iter().find(|layer| layer.name == name).unwrap().clone();
        assert_eq!(row(&tied, "blk.1.ffn_up").macs, Some(5 * 128));
        assert_eq!((row(&tied, "token_embd").macs, row(&tied, "token_embd").op.as_str()), (Some(0), "Embedding"));
        // All but the table, which is the head's weight as well, is read in a step.
        assert_eq!(tied.transformer.as_ref().unwrap().weight_bytes_per_token, tied.weight_bytes);
        tensors.push(("output.weight".into(), vec![8, 10]));
        let own = with(&tensors);
        assert_eq!(whole(&own).len(), 2);
        assert_eq!(row(&own, "output").macs, Some(5 * 80));
        // Of the table one row of eight is read.
        assert_eq!(own.transformer.as_ref().unwrap().weight_bytes_per_token, own.weight_bytes.map(|all| all - 2 * 72));
        // Queries, keys and values in one tensor.
        let fused: Vec<_> = tensors
            .into_iter()
            .filter(|(name, _)| !name.contains("attn_q") && !name.contains("attn_k"))
            .map(
                |(name, shape)| {
                    if name.contains("attn_v") { (name.replace("_v", "_qkv"), vec![8, 16]) } else { (name, shape) }
                },
            )
            .collect();
        let fused = with(&fused);
        assert_eq!(whole(&fused).len(), 2);
        assert_eq!(row(&fused, "blk.0.attn_qkv").macs, Some(5 * 128));
    }

    #[test]
    fn stacked_experts_and_experts_by_themselves_are_found() {
        let mut gguf: Vec<(String, Vec<u64>)> = vec![
            ("token_embd.weight".into(), vec![8, 10]),
            ("output.weight".into(), vec![8, 10]),
            ("output_norm.weight".into(), vec![8]),
        ];
        let mut own: Vec<(String, Vec<u64>)> = vec![
            ("tok_embeddings.weight".into(), vec![10, 8]),
            ("output.weight".into(), vec![10, 8]),
            ("norm.weight".into(), vec![8]),
        ];
        for layer in 0..2 {
            for (ours, theirs, shape) in [
                ("attn_norm", "attention_norm", vec![8]),
                ("attn_q", "attention.wq", vec![8, 8]),
                ("attn_k", "attention.wk", vec![8, 4]),
                ("attn_v", "attention.wv", vec![8, 4]),
                ("attn_output", "attention.wo", vec![8, 8]),
                ("ffn_norm", "ffn_norm", vec![8]),
                ("ffn_gate_inp", "feed_forward.gate", vec![8, 4]),
            ] {
                gguf.push((format!("blk.{layer}.{ours}.weight"), shape.clone()));
                own.push((format!("layers.{layer}.{theirs}.weight"), shape));
            }
            for (ours, theirs) in [("gate", "w1"), ("up", "w3"), ("down", "w2")] {
                gguf.push((format!("blk.{layer}.ffn_{ours}_exps.weight"), vec![16, 8, 4]));
                own.extend((0..4).map(|number| {
                    (format!("layers.{layer}.feed_forward.experts.{number}.{theirs}.weight"), vec![16, 8])
                }));
            }
        }
        let mut metadata = llama();
        metadata["llama.expert_count"] = 4.into();
        metadata["llama.expert_used_count"] = 1.into();
        let config = json!({"model_type": "mixtral", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 10, "num_local_experts": 4,
            "num_experts_per_tok": 1});
        for (dialect, values, tensors) in [(Dialect::Gguf, metadata, gguf), (Dialect::HuggingFace, config, own)] {
            let tensors: Vec<_> = tensors.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
            let found = file(dialect, values, &tensors);
            assert_eq!(whole(&found).len(), 2, "{:?}", found.layers);
            // A quarter of the experts, and a row of the table.
            let experts = 2 * 2 * 3 * 4 * 128;
            let read = found.weight_bytes.unwrap() - experts * 3 / 4 - 2 * 72;
            assert_eq!(found.transformer.unwrap().weight_bytes_per_token, Some(read));
        }
    }
}
