//! Two files of one network side by side: which layers are the same, what differs, and why.
//!
//! Files of one network differ because exporters fold batch norms, drop heads, tie or copy tables, and quantise weights.
//! Layers are matched by the names of their modules, then by what they compute in the order in which they run.
//! Only what [`Inspection`]s say is compared here; no file is read.

use crate::report::{Inspection, Layer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Two models side by side. Differences are those of the second against the first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The counts of both.
    pub totals: Vec<Total>,
    /// Why they differ, the largest difference in parameters, then in MACs, then in bytes first.
    pub reasons: Vec<Reason>,
    /// Layers of both that are the same one, and layers that only one has, in the first one's order.
    pub pairs: Vec<Pair>,
    /// How many layers with weights or MACs were matched.
    pub matched: u64,
}

/// One count of both models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// What is counted, for example `parameters`.
    pub what: String,
    /// Of the first.
    pub first: Option<u64>,
    /// Of the second.
    pub second: Option<u64>,
}

/// One cause of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Norms that only one has: the other folded them into the layers before.
    FoldedNorm,
    /// Biases that only one has.
    Bias,
    /// A table that only one stores, or stores twice.
    Table,
    /// Layers with MACs that only one has, for example a head.
    Layer,
    /// Other weights that only one has.
    Constant,
    /// The same weights in another number format.
    Quantised,
    /// The same layers at another size of input.
    InputSize,
    /// Layers that take each other's place and differ in their weights.
    Shape,
    /// Hardly any layer of one is in the other: they are different networks.
    Networks,
    /// The same layers, whose results are kept for longer or shorter.
    Activations,
}

/// What one cause adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The cause.
    pub cause: Cause,
    /// What happened, as a sentence; the models are called the first and the second.
    pub sentence: String,
    /// How many layers it concerns.
    pub layers: u64,
    /// Parameters that the second has more.
    pub parameters: i128,
    /// MACs that the second has more.
    pub macs: i128,
    /// Bytes of weights that the second has more.
    pub bytes: i128,
}

/// A layer of the first and the one of the second that does the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// In the first; `None` where only the second has it.
    pub first: Option<Side>,
    /// In the second; `None` where only the first has it.
    pub second: Option<Side>,
}

/// One model's side of a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The layer's name in its file.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Its parameters, with those of a bias that is added in a node of its own.
    pub parameters: u64,
    /// Its MACs.
    pub macs: Option<u64>,
    /// Bytes of its weights.
    pub weight_bytes: u64,
}

/// What a layer is, as far as its operator and name tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Norm,
    Table,
    Product,
    Constant,
}

/// A layer that holds weights or has MACs.
#[derive(Debug, Clone)]
struct Unit {
    side: Side,
    module: String,
    kind: Kind,
    /// Elements of a bias that was merged into it.
    bias: u64,
}

/// Most pairs of layers that are compared by what they compute: beyond, only names match.
const MOST_ALIGNED: usize = 4_000_000;

/// Compares two models.
pub fn compare(first: &Inspection, second: &Inspection) -> Comparison {
    let (mut a, mut b) = (units(first), units(second));
    join_halves(&a, &mut b);
    join_halves(&b, &mut a);
    let mut partner: Vec<Option<usize>> = vec![None; a.len()];
    let mut taken = vec![false; b.len()];
    match_by_name(&a, &b, &mut partner, &mut taken);
    match_by_work(&a, &b, &mut partner, &mut taken);
    match_by_size(&a, &b, &mut partner, &mut taken);
    let total = |what: &str, of: fn(&Inspection) -> Option<u64>| Total {
        what: what.to_owned(),
        first: of(first),
        second: of(second),
    };
    let mut pairs: Vec<Pair> = Vec::with_capacity(a.len());
    for (unit, partner) in a.iter().zip(&partner) {
        let second = partner.and_then(|place| b.get(place)).map(|unit| unit.side.clone());
        pairs.push(Pair { first: Some(unit.side.clone()), second });
    }
    let rest = b.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(unit, _)| unit);
    pairs.extend(rest.map(|unit| Pair { first: None, second: Some(unit.side.clone()) }));
    let mut reasons = reasons(&a, &b, &partner, &taken);
    let matched = partner.iter().flatten().count();
    reasons.extend(activations(first, second, &reasons));
    if let Some(reason) = other_networks(&a, &b, matched) {
        reasons.insert(0, reason);
    }
    let all = |of: &Inspection| of.parameters.map(i128::from);
    if let (Some(one), Some(two)) = (all(first), all(second)) {
        let explained: i128 = reasons.iter().map(|reason| reason.parameters).sum();
        let rest = two - one - explained;
        if rest != 0 {
            reasons.push(Reason {
                cause: Cause::Constant,
                sentence: "weights that no layer uses, or that layers share and count differently".to_owned(),
                layers: 0,
                parameters: rest,
                macs: 0,
                bytes: 0,
            });
        }
    }
    Comparison {
        totals: vec![
            total("parameters", |of| of.parameters),
            total("buffers", |of| Some(of.buffers)),
            total("macs", |of| of.macs),
            total("other_operations", |of| of.other_operations),
            total("weight_bytes", |of| of.weight_bytes),
            total("peak_activation_bytes", |of| of.peak_activation_bytes),
            total("file_bytes", |of| Some(of.file_bytes)),
        ],
        reasons,
        matched: matched as u64,
        pairs,
    }
}

/// Joins the two products that a separable convolution of the other model is: depthwise, then pointwise.
fn join_halves(whole: &[Unit], halves: &mut Vec<Unit>) {
    for unit in whole.iter().filter(|unit| unit.side.op.to_lowercase().contains("separable")) {
        let Some(macs) = unit.side.macs.filter(|macs| *macs > 0) else { continue };
        let are_its = |pair: &[Unit]| match pair {
            [one, two] => {
                let parameters = one.side.parameters.saturating_add(two.side.parameters);
                one.side.macs.zip(two.side.macs).is_some_and(|(one, two)| one > 0 && two > 0 && one.checked_add(two) == Some(macs))
                    // One half may have a bias that the whole has not.
                    && parameters.abs_diff(unit.side.parameters) <= unit.side.parameters / 8
            }
            _ => false,
        };
        let Some(place) = halves.windows(2).position(are_its) else { continue };
        let second = halves.remove(place + 1);
        if let Some(first) = halves.get_mut(place) {
            first.side.name = format!("{} + {}", first.side.name, second.side.name);
            first.side.op = format!("{} + {}", first.side.op, second.side.op);
            first.side.macs = Some(macs);
            first.side.parameters = first.side.parameters.saturating_add(second.side.parameters);
            first.side.weight_bytes = first.side.weight_bytes.saturating_add(second.side.weight_bytes);
            first.bias = first.bias.saturating_add(second.bias);
        }
    }
}

/// Models of which fewer layers than one in so many are found in the other are no two files of one network.
const LEAST_SHARE: usize = 4;

/// Says that the models are different networks, where hardly any layer with weights matches.
fn other_networks(a: &[Unit], b: &[Unit], matched: usize) -> Option<Reason> {
    let fewer = a.len().min(b.len());
    if fewer == 0 || matched.saturating_mul(LEAST_SHARE) > fewer {
        return None;
    }
    let sentence = format!(
        "these look like different networks: of {} and {} layers only {matched} match, \
         and what follows is mere difference",
        a.len(),
        b.len()
    );
    Some(Reason { cause: Cause::Networks, sentence, layers: matched as u64, parameters: 0, macs: 0, bytes: 0 })
}

/// Says why the peak of activations differs where nothing else does: other nodes stand between the same layers.
fn activations(first: &Inspection, second: &Inspection, others: &[Reason]) -> Option<Reason> {
    let (one, two) = (first.peak_activation_bytes?, second.peak_activation_bytes?);
    if one == two || !others.is_empty() {
        return None;
    }
    let layers = first.layers.len().abs_diff(second.layers.len()) as u64;
    let what = match layers {
        0 => "they run in another order or in another number format".to_owned(),
        1 => "1 node more stands between them in one of the files".to_owned(),
        many => format!("{many} nodes more stand between them in one of the files"),
    };
    let sentence = format!("the layers agree, but their results take {one} against {two} bytes at the peak: {what}");
    Some(Reason { cause: Cause::Activations, sentence, layers, parameters: 0, macs: 0, bytes: 0 })
}

/// The layers that hold weights or have MACs; a bias that is added in a node of its own belongs to the product before.
fn units(of: &Inspection) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for layer in &of.layers {
        if layer.parameters == 0 && layer.weight_bytes.unwrap_or(0) == 0 && layer.macs.unwrap_or(0) == 0 {
            continue;
        }
        let is_sum = ["add", "biasadd", "addv2", "addn"].contains(&layer.op.to_lowercase().as_str());
        let width = layer.output_shape.as_ref().and_then(|shape| {
            // A bias has an element for each channel, which stand in the second or in the last place.
            shape.iter().skip(1).flatten().copied().find(|size| *size == layer.parameters)
        });
        if let (true, Some(bias), Some(before)) = (is_sum, width, units.last_mut())
            && before.side.macs.unwrap_or(0) > 0
            && before.bias == 0
        {
            before.bias = bias;
            before.side.parameters = before.side.parameters.saturating_add(bias);
            before.side.weight_bytes = before.side.weight_bytes.saturating_add(layer.weight_bytes.unwrap_or(0));
            continue;
        }
        let side = Side {
            name: layer.name.clone(),
            op: layer.op.clone(),
            parameters: layer.parameters,
            macs: layer.macs,
            weight_bytes: layer.weight_bytes.unwrap_or(0),
        };
        units.push(Unit {
            side,
            module: module_of(layer, of.weights_only),
            kind: kind_of(layer, of.weights_only),
            bias: 0,
        });
    }
    units
}

fn kind_of(layer: &Layer, weights_only: bool) -> Kind {
    let (op, name) = (layer.op.to_lowercase(), layer.name.to_lowercase());
    let last = name.rsplit(['.', '/']).next().unwrap_or(&name);
    let is_norm = |text: &str| text.contains("norm") || text.starts_with("bn") || text.starts_with("ln_");
    let is_table = |text: &str| text.contains("embed") || ["wte", "wpe"].contains(&text);
    match () {
        () if is_norm(&op) || weights_only && is_norm(last) => Kind::Norm,
        () if op == "gather" || is_table(&op) || weights_only && is_table(last) => Kind::Table,
        () if layer.macs.unwrap_or(0) > 0 || weights_only => Kind::Product,
        () => Kind::Constant,
    }
}

/// The module of a layer in the words of its framework, whatever the file made of it:
/// `/layer1/layer1.0/conv1/Conv` and `layer1.0.conv1` are one.
fn module_of(layer: &Layer, weights_only: bool) -> String {
    let name = layer.name.trim_start_matches('/').to_lowercase();
    let mut parts: Vec<&str> = name.split('/').collect();
    if !weights_only && parts.len() > 1 {
        // The last part is the operator.
        parts.pop();
    }
    let mut module = String::new();
    for part in parts {
        let nested = part.strip_prefix(module.rsplit('/').next().unwrap_or_default());
        if !module.is_empty() && nested.is_some_and(|rest| rest.starts_with('.')) {
            let kept = module.rfind('/').map_or(0, |place| place + 1);
            module.truncate(kept);
        } else if !module.is_empty() {
            module.push('/');
        }
        module.push_str(part);
    }
    let module = module.replace('/', ".");
    let module = ["model.", "module.", "network."]
        .iter()
        .fold(module.as_str(), |name, start| name.strip_prefix(start).unwrap_or(name));
    module.to_owned()
}

fn fits(a: &Unit, b: &Unit) -> bool {
    a.kind == b.kind || a.side.parameters == b.side.parameters
}

/// Pairs layers whose modules have the same name, once on each side.
fn match_by_name(a: &[Unit], b: &[Unit], partner: &mut [Option<usize>], taken: &mut [bool]) {
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, unit) in b.iter().enumerate() {
        named.entry(unit.module.as_str()).or_default().push(place);
    }
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for unit in a {
        *uses.entry(unit.module.as_str()).or_default() += 1;
    }
    for (unit, slot) in a.iter().zip(partner.iter_mut()) {
        let [place] = named.get(unit.module.as_str()).map(Vec::as_slice).unwrap_or_default() else { continue };
        if unit.module.is_empty() || uses.get(unit.module.as_str()) != Some(&1) {
            continue;
        }
        if let (Some(other), Some(taken)) = (b.get(*place), taken.get_mut(*place))
            && fits(unit, other)
        {
            *slot = Some(*place);
            *taken = true;
        }
    }
}

/// Whether two layers could be the same by what they compute and hold.
fn alike(a: &Unit, b: &Unit) -> bool {
    let close = |a: u64, b: u64, by: u64| a.abs_diff(b) <= by;
    // A bias may be on one side only; a bias is far smaller than the weights it goes with.
    let bias = (a.side.parameters.max(b.side.parameters) / 8).max(1);
    match (a.side.macs, b.side.macs) {
        // Of layers that share their weights the first counts their parameters, and files begin at different ones.
        (Some(x @ 1..), Some(y @ 1..)) => {
            x == y
                && (close(a.side.parameters, b.side.parameters, bias)
                    || close(a.side.weight_bytes, b.side.weight_bytes, 0))
        }
        _ => a.kind == b.kind && a.side.parameters == b.side.parameters,
    }
}

/// Pairs what is left in the order in which it runs: the longest common sequence of layers that compute the same.
fn match_by_work(a: &[Unit], b: &[Unit], partner: &mut [Option<usize>], taken: &mut [bool]) {
    let left: Vec<usize> = (0..a.len()).filter(|place| partner.get(*place) == Some(&None)).collect();
    let right: Vec<usize> = (0..b.len()).filter(|place| taken.get(*place) == Some(&false)).collect();
    let width = right.len() + 1;
    if left.len().saturating_mul(right.len()) > MOST_ALIGNED {
        return;
    }
    let same = |i: usize, j: usize| {
        let units = left.get(i).and_then(|place| a.get(*place)).zip(right.get(j).and_then(|place| b.get(*place)));
        units.is_some_and(|(a, b)| alike(a, b))
    };
    // The length of the best sequence from each pair of places on.
    let mut best = vec![0u32; (left.len() + 1) * width];
    let at = |best: &[u32], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or(0);
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            let with = if same(i, j) { at(&best, i + 1, j + 1) + 1 } else { 0 };
            let length = with.max(at(&best, i + 1, j)).max(at(&best, i, j + 1));
            if let Some(cell) = best.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if same(i, j) && at(&best, i, j) == at(&best, i + 1, j + 1) + 1 {
            if let (Some(one), Some(other)) = (left.get(i), right.get(j))
                && let (Some(slot), Some(taken)) = (partner.get_mut(*one), taken.get_mut(*other))
            {
                *slot = Some(*other);
                *taken = true;
            }
            (i, j) = (i + 1, j + 1);
        } else if at(&best, i + 1, j) >= at(&best, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
}

/// Pairs what is left by size, whatever the order: files without a graph keep none, and exporters order branches differently.
/// Of several alike the first goes with the first; where there are no MACs to tell layers apart, only a single one is paired.
fn match_by_size(a: &[Unit], b: &[Unit], partner: &mut [Option<usize>], taken: &mut [bool]) {
    let has_macs = |unit: &&Unit| unit.side.macs.unwrap_or(0) > 0;
    let with_macs = a.iter().any(|unit| has_macs(&unit)) && b.iter().any(|unit| has_macs(&unit));
    let key = |unit: &Unit| match unit.side.macs {
        Some(macs @ 1..) if with_macs => (macs, unit.side.weight_bytes),
        _ => (0, unit.side.parameters),
    };
    let mut sizes: BTreeMap<(u64, u64), (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (place, unit) in a.iter().enumerate().filter(|(place, _)| partner.get(*place) == Some(&None)) {
        sizes.entry(key(unit)).or_default().0.push(place);
    }
    for (place, unit) in b.iter().enumerate().filter(|(place, _)| taken.get(*place) == Some(&false)) {
        sizes.entry(key(unit)).or_default().1.push(place);
    }
    for ((macs, size), (left, right)) in sizes {
        let is_certain = macs > 0 || (size > 0 && left.len() == 1 && right.len() == 1);
        for (one, other) in left.iter().zip(&right).filter(|_| is_certain) {
            if let (Some(first), Some(second)) = (a.get(*one), b.get(*other))
                && alike(first, second)
                && let (Some(slot), Some(taken)) = (partner.get_mut(*one), taken.get_mut(*other))
            {
                *slot = Some(*other);
                *taken = true;
            }
        }
    }
}

/// Sums of one cause, with which side has it.
#[derive(Default)]
struct Sum {
    layers: u64,
    in_first: u64,
    parameters: i128,
    macs: i128,
    bytes: i128,
    example: String,
    formats: BTreeMap<(u64, u64), u64>,
}

fn reasons(a: &[Unit], b: &[Unit], partner: &[Option<usize>], taken: &[bool]) -> Vec<Reason> {
    let mut sums: BTreeMap<Cause, Sum> = BTreeMap::new();
    let mut add = |cause: Cause, first: Option<&Unit>, second: Option<&Unit>| {
        let sum = sums.entry(cause).or_default();
        let of = |part: fn(&Side) -> u64| {
            let amount = |unit: Option<&Unit>| unit.map_or(0, |unit| i128::from(part(&unit.side)));
            amount(second) - amount(first)
        };
        sum.layers += 1;
        sum.in_first += u64::from(first.is_some());
        sum.parameters += of(|side| side.parameters);
        // Files without a graph have no MACs to compare.
        let has_macs = |unit: Option<&Unit>| unit.is_none_or(|unit| unit.side.macs.is_some());
        if has_macs(first) && has_macs(second) {
            sum.macs += of(|side| side.macs.unwrap_or(0));
        }
        sum.bytes += of(|side| side.weight_bytes);
        if sum.example.is_empty() {
            sum.example = first.or(second).map(|unit| unit.side.name.clone()).unwrap_or_default();
        }
        if let (Some(first), Some(second)) = (first, second) {
            let bits =
                |unit: &Unit| (unit.side.weight_bytes.saturating_mul(80) / unit.side.parameters.max(1)).div_ceil(10);
            *sum.formats.entry((bits(first), bits(second))).or_default() += 1;
        }
    };
    let alone = |units: &[Unit], place: usize, unit: &Unit, is_alone: &dyn Fn(usize) -> bool| match unit.kind {
        // A norm goes with the layer before it: where that is dropped, so is the norm.
        Kind::Norm if before(units, place).is_some_and(is_alone) => Cause::Layer,
        Kind::Norm => Cause::FoldedNorm,
        Kind::Table => Cause::Table,
        Kind::Product => Cause::Layer,
        Kind::Constant => Cause::Constant,
    };
    for (place, (unit, other)) in a.iter().zip(partner).enumerate() {
        let Some(other) = other.and_then(|place| b.get(place)) else {
            add(alone(a, place, unit, &|place| partner.get(place) == Some(&None)), Some(unit), None);
            continue;
        };
        let (one, two) = (&unit.side, &other.side);
        let macs = matches!((one.macs, two.macs), (Some(one), Some(two)) if one != two);
        match one.parameters.abs_diff(two.parameters) {
            0 if macs => add(Cause::InputSize, Some(unit), Some(other)),
            0 if one.parameters > 0 && one.weight_bytes != two.weight_bytes => {
                add(Cause::Quantised, Some(unit), Some(other));
            }
            0 => {}
            // They share their weights with other layers, which count them.
            _ if !macs && one.weight_bytes == two.weight_bytes => {}
            more if !macs && more <= one.parameters.max(two.parameters) / 8 => {
                add(Cause::Bias, Some(unit), Some(other))
            }
            _ => add(Cause::Shape, Some(unit), Some(other)),
        }
    }
    for (place, (unit, is_taken)) in b.iter().zip(taken).enumerate() {
        if !is_taken {
            add(alone(b, place, unit, &|place| taken.get(place) == Some(&false)), None, Some(unit));
        }
    }
    let mut reasons: Vec<Reason> = sums
        .into_iter()
        .map(|(cause, sum)| Reason {
            cause,
            sentence: sentence(cause, &sum),
            layers: sum.layers,
            parameters: sum.parameters,
            macs: sum.macs,
            bytes: sum.bytes,
        })
        .collect();
    let size =
        |reason: &Reason| (reason.parameters.unsigned_abs(), reason.macs.unsigned_abs(), reason.bytes.unsigned_abs());
    reasons.sort_by_key(|reason| std::cmp::Reverse(size(reason)));
    reasons
}

/// The layer with a product that a norm follows.
fn before(units: &[Unit], place: usize) -> Option<usize> {
    let before = units.get(..place)?;
    before.iter().rposition(|unit| unit.kind == Kind::Product)
}

fn sentence(cause: Cause, sum: &Sum) -> String {
    let many = |one: &str, many: &str| format!("{} {}", sum.layers, if sum.layers == 1 { one } else { many });
    let example = crate::notes::clip(&sum.example);
    let only = match (sum.in_first, sum.layers - sum.in_first) {
        (_, 0) => "only the first has",
        (0, _) => "only the second has",
        _ => "that only one of them has",
    };
    let other = if sum.in_first == sum.layers { "the second" } else { "the first" };
    match cause {
        Cause::FoldedNorm => format!(
            "{} {only}: {other} folded them into the layers before, or drops them ({example})",
            many("norm", "norms")
        ),
        Cause::Bias => format!(
            "{} with a bias in one file and none in the other, as folding a norm leaves them ({example})",
            many("layer", "layers")
        ),
        Cause::Table => format!(
            "{} {only}: stored twice where the network ties it to its head, or left out ({example})",
            many("table", "tables")
        ),
        Cause::Layer => format!("{} {only}, such as a head ({example})", many("layer", "layers")),
        Cause::Constant => format!("{} {only} outside of its layers ({example})", many("weight", "weights")),
        Cause::Quantised => {
            let formats = sum.formats.iter().max_by_key(|(_, layers)| **layers).map(|(bits, _)| *bits);
            let (from, to) = formats.unwrap_or_default();
            format!(
                "{} stored in other formats, mostly {from} against {to} bits a weight",
                many("layer is", "layers are")
            )
        }
        Cause::InputSize => format!(
            "{} with the same weights at another size of input, so with other MACs ({example})",
            many("layer", "layers")
        ),
        Cause::Shape => format!("{} whose weights have other shapes ({example})", many("layer", "layers")),
        // These have their sentences from the whole models.
        Cause::Networks | Cause::Activations => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, op: &str, parameters: u64, macs: u64, bytes: u64) -> Layer {
        Layer {
            name: name.to_owned(),
            op: op.to_owned(),
            times: 1,
            parameters,
            macs: Some(macs),
            weight_bytes: Some(bytes),
            output_shape: Some(vec![Some(1), Some(64)]),
            ..Layer::default()
        }
    }

    fn model(layers: &[Layer]) -> Inspection {
        Inspection {
            parameters: Some(layers.iter().map(|layer| layer.parameters).sum()),
            macs: Some(layers.iter().filter_map(|layer| layer.macs).sum()),
            layers: layers.to_vec(),
            ..Inspection::default()
        }
    }

    /// The differences that the reasons explain.
    fn explained(found: &Comparison) -> (i128, i128) {
        let sum = |part: fn(&Reason) -> i128| found.reasons.iter().map(part).sum();
        (sum(|reason| reason.parameters), sum(|reason| reason.macs))
    }

    #[test]
    fn folded_norms_and_dropped_heads_are_told_apart() {
        let a = model(&[
            layer("/layer1/layer1.0/conv1/Conv", "Conv", 1000, 50_000, 4000),
            layer("/layer1/layer1.0/bn1/BatchNormalization", "BatchNormalization", 128, 0, 1024),
            layer("/fc/Gemm", "Gemm", 6400, 6400, 25_600),
        ]);
        let b = model(&[layer("conv_0", "CONV_2D", 1064, 50_000, 4256)]);
        let found = compare(&a, &b);
        let causes: Vec<(Cause, i128)> = found.reasons.iter().map(|reason| (reason.cause, reason.parameters)).collect();
        assert_eq!(causes, [(Cause::Layer, -6400), (Cause::FoldedNorm, -128), (Cause::Bias, 64)]);
        assert_eq!((found.matched, explained(&found)), (1, (1064 - 7528, -6400)));
    }

    #[test]
    fn names_match_across_frameworks_and_quantised_weights_are_the_same_ones() {
        let a = model(&[
            layer("/layer1/layer1.0/conv1/Conv", "Conv", 1000, 50_000, 4000),
            layer("/layer1/layer1.0/conv2/Conv", "Conv", 1000, 50_000, 4000),
        ]);
        let mut b = model(&[
            layer("layer1.0.conv2", "weights", 1000, 0, 1000),
            layer("layer1.0.conv1", "weights", 1000, 0, 1000),
        ]);
        b.weights_only = true;
        b.layers.iter_mut().for_each(|layer| layer.macs = None);
        let found = compare(&a, &b);
        assert_eq!(found.matched, 2);
        let second = found.pairs.first().and_then(|pair| pair.second.clone()).unwrap();
        assert_eq!(second.name, "layer1.0.conv1");
        let reason = found.reasons.first().unwrap();
        assert_eq!((found.reasons.len(), reason.cause, reason.bytes), (1, Cause::Quantised, -6000));
        assert!(reason.sentence.contains("32 against 8 bits"), "{}", reason.sentence);
    }

    #[test]
    fn a_bias_in_a_node_of_its_own_belongs_to_its_product() {
        let a = model(&[layer("q/MatMul", "MatMul", 640, 640, 2560), layer("q/Add", "Add", 64, 0, 256)]);
        let b = model(&[layer("dense", "Gemm", 704, 640, 2816)]);
        let found = compare(&a, &b);
        assert_eq!((found.matched, found.reasons.len()), (1, 0));
    }

    #[test]
    fn a_separable_convolution_is_its_two_halves() {
        let a = model(&[layer("s", "SeparableConv2D", 1100, 50_000, 4400), layer("fc", "Dense", 640, 640, 2560)]);
        let b = model(&[
            layer("d", "DEPTHWISE_CONV_2D", 100, 10_000, 400),
            layer("p", "CONV_2D", 1000, 40_000, 4000),
            layer("f", "FULLY_CONNECTED", 640, 640, 2560),
        ]);
        for (one, other) in [(&a, &b), (&b, &a)] {
            let found = compare(one, other);
            assert_eq!((found.matched, found.reasons.len()), (2, 0), "{:?}", found.reasons);
        }
    }

    #[test]
    fn networks_without_a_layer_in_common_are_called_so() {
        let a = model(&[layer("a", "Conv", 100, 10_000, 400), layer("b", "Conv", 200, 20_000, 800)]);
        let b = model(&[layer("c", "MatMul", 7000, 7000, 28_000), layer("d", "MatMul", 9000, 9000, 36_000)]);
        let found = compare(&a, &b);
        assert_eq!(found.reasons.first().map(|reason| reason.cause), Some(Cause::Networks));
        assert_eq!(compare(&a, &a).reasons.len(), 0);
    }

    #[test]
    fn the_norm_of_a_dropped_head_is_dropped_with_it() {
        let body = layer("encoder/MatMul", "MatMul", 1000, 50_000, 4000);
        let a = model(&[
            body.clone(),
            layer("cls/dense/MatMul", "MatMul", 640, 640, 2560),
            layer("cls/LayerNorm", "LayerNormalization", 128, 0, 512),
        ]);
        let found = compare(&a, &model(&[body]));
        let causes: Vec<(Cause, u64)> = found.reasons.iter().map(|reason| (reason.cause, reason.layers)).collect();
        assert_eq!(causes, [(Cause::Layer, 2)]);
    }

    #[test]
    fn another_peak_alone_is_a_difference_too() {
        let mut a = model(&[layer("a/Conv", "Conv", 10, 100, 40)]);
        let mut b = a.clone();
        (a.peak_activation_bytes, b.peak_activation_bytes) = (Some(100), Some(200));
        let found = compare(&a, &b);
        assert_eq!(found.reasons.first().map(|reason| reason.cause), Some(Cause::Activations));
    }

    #[test]
    fn the_same_model_has_no_differences() {
        let a = model(&[layer("a/Conv", "Conv", 10, 100, 40), layer("b/Conv", "Conv", 10, 100, 40)]);
        let found = compare(&a, &a);
        assert!(found.reasons.is_empty());
        assert!(found.pairs.iter().all(|pair| pair.first == pair.second));
    }
}
