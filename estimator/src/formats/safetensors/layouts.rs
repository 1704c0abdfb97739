//! Quantised tensors put together again: each library packs a weight in its own way and spreads it over several tensors.
//!
//! A layout is recognised by names, types and shapes, which say what is really stored; the config only settles
//! what they leave open. What comes out are logical tensors with the shape of the weight, unpacked;
//! their scales and zero points stay as buffers, permutations and flags as settings.
//!
//! Where the shapes come from: AutoGPTQ and GPTQModel (`qweight` of GPTQ), AutoAWQ (`qweight` of AWQ),
//! bitsandbytes (`Linear4bit`, `Linear8bitLt`), gpt-oss (`_blocks`), compressed-tensors (`weight_packed`, `compressed`),
//! ModelOpt and Quark (`weight` of bytes with block scales), MLX (`QuantizedLinear`), HQQ (`W_q`), AQLM (`codes`),
//! ExLlama (`q_weight`, `trellis`), Marlin (`B`), torchao (`_weight_qdata`), quanto (`_data`), BitNet.

use super::super::huggingface::Quantisation;
use super::{Named, role};
use crate::model::{Contents, DType, Packing, TensorRole, Weight};
use crate::notes::Notes;
use std::collections::{HashMap, HashSet};

/// Last parts of names of what belongs to a packed tensor: scales, zero points, codebooks.
const BUFFERS: &[&str] = &[
    "scales",
    "qzeros",
    "biases",
    "scale",
    "zero",
    "s",
    "suh",
    "svh",
    "q_scale",
    "q_scale_max",
    "codebooks",
    "weight_scale",
    "weight_scale_2",
    "weight_zero_point",
    "scale_packed",
    "_scale",
    "_shift",
];

/// Last parts of names of what orders or describes a packed tensor.
const SETTINGS: &[&str] = &[
    "g_idx",
    "weight_g_idx",
    "weight_shape",
    "shape",
    "bitmask",
    "row_offsets",
    "meta",
    "workspace",
    "perm",
    "q_perm",
    "q_invperm",
    "q_groups",
    "q_group_map",
    "su",
    "sv",
    "mcg",
    "mul1",
    "nbits",
    "group_size",
    "axis",
    "packing",
    "unpack_view_dtype",
    "view_as_float",
    "quant_scale",
    "quant_zero",
    "compute_dtype",
    "offload_meta",
    "encoded_state_dict",
    "stores_quant_config",
    "channel_wise",
    "optimize",
    "round_zero",
];

/// What follows the whole name of a tensor that bitsandbytes packed, and whether it holds numbers or a description.
const BITSANDBYTES: &[(&str, TensorRole)] = &[
    (".absmax", TensorRole::Buffer),
    (".quant_map", TensorRole::Buffer),
    (".nested_absmax", TensorRole::Buffer),
    (".nested_quant_map", TensorRole::Buffer),
    (".quant_state.bitsandbytes__nf4", TensorRole::Setting),
    (".quant_state.bitsandbytes__fp4", TensorRole::Setting),
];

/// What follows the name of a tensor of 8 bits or fewer to name its scale or zero point.
const SCALE_ENDINGS: &[&str] =
    &["_scale_inv", "_scale_2", "_scales", "_scale", "_zero_point", "_global_scale", ".scale", ".SCB"];

/// Bits that one weight may take.
const WIDTHS: &[u64] = &[4, 8, 2, 3, 6, 5, 1];

/// A weight put together again.
#[derive(Debug)]
struct Layout {
    name: String,
    dtype: DType,
    shape: Vec<u64>,
    /// What the packing is called; `None` where the elements are stored at their own width.
    packing: Option<String>,
    /// Elements stored, for a sparse tensor.
    stored: Option<u64>,
    /// The zero points that are packed like the weight: their place, and their shape unpacked.
    zeros: Option<(usize, Vec<u64>)>,
    /// What had to be assumed.
    doubt: Option<String>,
}

impl Layout {
    /// Weights of whole numbers of so many bits, packed by a library.
    fn integers(name: String, library: &str, bits: u64, shape: Vec<u64>) -> Self {
        let packing = Some(format!("{library}-int{bits}"));
        Self { name, dtype: integer(bits), shape, packing, stored: None, zeros: None, doubt: None }
    }

    /// Weights of a packed type that has a name of its own.
    fn named(name: String, packing: &str, dtype: DType, shape: Vec<u64>) -> Self {
        Self { name, dtype, shape, packing: Some(packing.to_owned()), stored: None, zeros: None, doubt: None }
    }
}

/// The type of whole numbers of so many bits, or the next wider one.
fn integer(bits: u64) -> DType {
    match bits {
        0..=2 => DType::U2,
        3 | 4 => DType::U4,
        _ => DType::U8,
    }
}

/// Puts packed tensors together and gives every tensor its role.
///
/// `prefix` stands in front of all names and not of those in the config; `metadata` are the file's free-form entries.
pub(in crate::formats) fn unpack(
    mut tensors: Vec<Named>,
    prefix: &str,
    quantisation: &Quantisation,
    metadata: &[(String, String)],
    notes: &mut Notes,
) -> Vec<Named> {
    let (found, told) = {
        let places = tensors.iter().enumerate().map(|(place, (name, _))| (name.as_ref(), place)).collect();
        let metadata = metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let search = Search { tensors: &tensors, places, quantisation, metadata, prefix };
        search.all(notes)
    };
    let mut roles: Vec<Option<TensorRole>> = vec![None; tensors.len()];
    for (place, role) in told {
        if let Some(slot) = roles.get_mut(place) {
            *slot = Some(role);
        }
    }
    let is_found = !found.is_empty();
    for (place, layout) in found {
        if let Some((zeros, shape)) = layout.zeros
            && let (Some((_, weight)), Some(slot)) = (tensors.get_mut(zeros), roles.get_mut(zeros))
        {
            let name = layout.packing.as_deref().unwrap_or_default().into();
            let bytes = weight.bytes().unwrap_or(0);
            *weight = Weight { dtype: layout.dtype, shape, packing: Some(Packing { name, bytes }), ..weight.clone() };
            *slot = Some(TensorRole::Buffer);
        }
        let Some((name, weight)) = tensors.get_mut(place) else { continue };
        if let Some(doubt) = layout.doubt {
            notes.warn(&layout.name, doubt);
        }
        let bytes = weight.bytes().unwrap_or(0);
        weight.packing = layout.packing.map(|name| Packing { name: name.into(), bytes });
        weight.dtype = layout.dtype;
        weight.shape = layout.shape;
        weight.stored_elements = layout.stored;
        *name = layout.name.into();
        if let Some(slot) = roles.get_mut(place) {
            *slot = Some(TensorRole::Parameter);
        }
    }
    for ((name, weight), told) in tensors.iter_mut().zip(roles) {
        weight.role = Some(told.unwrap_or_else(|| role(name, weight)));
    }
    note_unknown(&tensors, quantisation, is_found, notes);
    tensors
}

/// Says so where the config speaks of a quantisation that no tensor shows.
fn note_unknown(tensors: &[Named], quantisation: &Quantisation, is_found: bool, notes: &mut Notes) {
    let narrow = |weight: &Weight| weight.role == Some(TensorRole::Parameter) && weight.dtype.bits() <= 8;
    if quantisation.method.is_empty() || is_found || tensors.iter().any(|(_, weight)| narrow(weight)) {
        return;
    }
    let text = format!(
        "the config says that the weights are quantised ({}), but their layout is not known here: \
         they are counted as the tensors show them",
        quantisation.method
    );
    notes.warn("", text);
}

/// All tensors of a network, to be looked up by name.
struct Search<'t> {
    tensors: &'t [Named],
    places: HashMap<&'t str, usize>,
    quantisation: &'t Quantisation,
    metadata: HashMap<&'t str, &'t str>,
    prefix: &'t str,
}

type Roles = Vec<(usize, TensorRole)>;

impl Search<'_> {
    /// Every packed tensor by its place, and the roles of what belongs to them.
    fn all(&self, notes: &mut Notes) -> (Vec<(usize, Layout)>, Roles) {
        let mut found = Vec::new();
        let mut roles = Roles::new();
        for (place, (name, weight)) in self.tensors.iter().enumerate() {
            if let Some(layout) = self.layout(name, weight) {
                self.companions(name, &mut roles);
                found.push((place, layout));
            } else if let Some(role) = self.scale(name) {
                roles.push((place, role));
            } else if let Some(layout) = self.unknown(name, weight) {
                notes.warn(
                    name,
                    "packed in a layout that is not known here; counted by the bits that the config states",
                );
                found.push((place, layout));
            }
        }
        // What belongs to a packed tensor is no packed tensor itself.
        let companions: HashSet<usize> = roles.iter().map(|(place, _)| *place).collect();
        found.retain(|(place, layout)| layout.packing.as_deref() != Some(UNKNOWN) || !companions.contains(place));
        (found, roles)
    }

    fn get(&self, stem: &str, ending: &str) -> Option<(usize, &Weight)> {
        let place = *self.places.get(format!("{stem}{ending}").as_str())?;
        self.tensors.get(place).map(|(_, weight)| (place, weight))
    }

    fn shape(&self, stem: &str, ending: &str) -> Option<&[u64]> {
        self.get(stem, ending).map(|(_, weight)| weight.shape.as_slice())
    }

    /// Bits and group that the config states for a module.
    fn stated(&self, stem: &str) -> (Option<u64>, Option<u64>) {
        let (bits, group) = self.quantisation.of(stem.strip_prefix(self.prefix).unwrap_or(stem));
        (bits.filter(|bits| (1..=8).contains(bits)), group.filter(|group| (1..=65_536).contains(group)))
    }

    /// The shape that stands in a small tensor beside a packed one.
    fn kept_shape(&self, stem: &str, ending: &str) -> Option<Vec<u64>> {
        let (_, weight) = self.get(stem, ending)?;
        let Some(Contents::Integers(sizes)) = &weight.contents else { return None };
        let sizes: Option<Vec<u64>> = sizes.iter().map(|size| u64::try_from(*size).ok()).collect();
        sizes.filter(|sizes| elements(sizes).is_some_and(|count| count > 0))
    }

    /// The roles of what stands beside a packed tensor.
    fn companions(&self, name: &str, roles: &mut Roles) {
        for (ending, role) in BITSANDBYTES {
            roles.extend(self.get(name, ending).map(|(place, _)| (place, *role)));
        }
        if let Some(stem) = name.strip_suffix("blocks") {
            roles.extend(self.get(stem, "scales").map(|(place, _)| (place, TensorRole::Buffer)));
        }
        if let Some(stem) = name.strip_suffix("_qdata") {
            for ending in ["_scale", "_zero_point", "_per_tensor_scale", "_scale_and_zero"] {
                roles.extend(self.get(stem, ending).map(|(place, _)| (place, TensorRole::Buffer)));
            }
        }
        let whole = name.strip_suffix("._data").map(|rest| rest.strip_suffix("._data").unwrap_or(rest));
        let Some(stem) = whole.or_else(|| Some(name.rsplit_once('.')?.0)) else { return };
        for (leaves, role) in [(BUFFERS, TensorRole::Buffer), (SETTINGS, TensorRole::Setting)] {
            for leaf in leaves {
                roles.extend(self.get(stem, &format!(".{leaf}")).map(|(place, _)| (place, role)));
            }
        }
    }

    /// Whether a tensor is the scale or zero point of one that is stored in 8 bits or fewer.
    fn scale(&self, name: &str) -> Option<TensorRole> {
        let ending = SCALE_ENDINGS.iter().find(|ending| name.ends_with(**ending))?;
        let base = name.strip_suffix(ending)?;
        let of = |ending: &str| self.get(base, ending).is_some_and(|(_, weight)| weight.dtype.bits() <= 8);
        let is_scale = if ending.starts_with('.') { of(".weight") } else { of("") || of("_packed") };
        is_scale.then_some(TensorRole::Buffer)
    }

    /// What a tensor is the packed part of, if of anything known.
    fn layout(&self, name: &str, weight: &Weight) -> Option<Layout> {
        if let Some(layout) = self.bitsandbytes(name, weight) {
            return Some(layout);
        }
        let (stem, leaf) = name.rsplit_once('.').unwrap_or(("", name));
        match leaf {
            "qweight" => self.qweight(stem, weight),
            "weight_packed" => self.weight_packed(stem, weight),
            "weight" if weight.dtype == DType::U32 => self.mlx(stem, weight),
            "weight" if weight.dtype == DType::U8 => self.bytes(stem, weight),
            "W_q" => self.hqq(stem, weight),
            "codes" => self.aqlm(stem, weight),
            "q_weight" => self.exllama2(stem, weight),
            "trellis" => self.exllama3(stem, weight),
            "B" => self.marlin(stem, weight),
            "compressed" => self.sparse(stem, weight),
            "_data" => self.quanto(stem, weight),
            _ if leaf.ends_with("blocks") => self.blocks(name, weight),
            _ if leaf.ends_with("_qdata") => self.torchao(stem, leaf, weight),
            _ => None,
        }
    }

    /// `qweight` of 32-bit words: GPTQ packs along the inputs, AWQ along the outputs.
    ///
    /// GPTQ: `[inputs · bits / 32, outputs]`, `scales` `[groups, outputs]`, `qzeros` `[groups, outputs · bits / 32]`.
    /// AWQ: `[inputs, outputs · bits / 32]` with the same `scales` and `qzeros`; its older kernels turn all of them around.
    fn qweight(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        if weight.dtype != DType::I32 {
            return None;
        }
        let [rows, columns] = *weight.shape.as_slice() else { return None };
        let name = format!("{stem}.weight");
        let (stated, _) = self.stated(stem);
        let zeros = self.get(stem, ".qzeros").filter(|(_, zeros)| zeros.dtype == DType::I32);
        let scales = match self.shape(stem, ".scales") {
            Some([groups, outputs]) => Some((*groups, *outputs)),
            _ => None,
        };
        let zeros_shape = scales.map(|(groups, outputs)| vec![groups, outputs]);
        let with_zeros = |mut layout: Layout| {
            layout.zeros = zeros.and_then(|(place, _)| Some((place, zeros_shape.clone()?)));
            layout
        };
        match scales {
            Some((_, outputs)) if outputs == columns && outputs > 0 => {
                let by_zeros = zeros.and_then(|(_, zeros)| divided(zeros.shape.get(1)?.checked_mul(32)?, outputs));
                let by_order =
                    self.shape(stem, ".g_idx").and_then(|order| divided(rows.checked_mul(32)?, *order.first()?));
                let seen = by_zeros.or(by_order).filter(|bits| WIDTHS.contains(bits));
                let bits = seen.or(stated).unwrap_or(4);
                let inputs = rows.checked_mul(32)? / bits;
                let mut layout = with_zeros(Layout::integers(name, "gptq", bits, vec![outputs, inputs]));
                layout.doubt = match stated {
                    Some(stated) if seen.is_some_and(|seen| seen != stated) => {
                        Some(format!("the config says {stated} bits, the shapes of the tensors {bits}; these count"))
                    }
                    None if seen.is_none() => Some(assumed(4)),
                    _ => None,
                };
                Some(layout)
            }
            Some((_, outputs)) if divided(outputs, columns).is_some_and(|each| [4, 8, 16].contains(&each)) => {
                let bits = 32 / divided(outputs, columns)?;
                Some(with_zeros(Layout::integers(name, "awq", bits, vec![outputs, rows])))
            }
            Some((outputs, _)) if outputs == rows => {
                let bits = stated.unwrap_or(4);
                let inputs = columns.checked_mul(32)? / bits;
                Some(with_zeros(Layout::integers(name, "awq", bits, vec![outputs, inputs])))
            }
            _ => {
                let bits = stated.unwrap_or(4);
                let library = if self.quantisation.method.is_empty() { "packed" } else { &self.quantisation.method };
                let count = rows.checked_mul(columns)?.checked_mul(32)? / bits;
                let mut layout = Layout::integers(name, library, bits, vec![count]);
                layout.doubt = stated.is_none().then(|| assumed(4));
                Some(layout)
            }
        }
    }

    /// compressed-tensors: `weight_packed` holds whole numbers in 32-bit words, or floats of 4 or 6 bits in bytes.
    fn weight_packed(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let name = format!("{stem}.weight");
        let (columns, front) = weight.shape.split_last()?;
        if weight.dtype == DType::U8 {
            return self.small_floats(stem, name, weight);
        }
        if weight.dtype != DType::I32 {
            return None;
        }
        let (stated, _) = self.stated(stem);
        // Marlin's tiles of 2:4 sparse weights: [inputs / 32, outputs · bits / 2].
        if let (Some([_, outputs]), [rows]) = (self.shape(stem, ".scale_packed"), front) {
            let bits = divided(columns.checked_mul(2)?, *outputs).filter(|bits| WIDTHS.contains(bits))?;
            return Some(Layout::integers(name, "marlin24", bits, vec![*outputs, rows.checked_mul(32)?]));
        }
        let shape = self.kept_shape(stem, ".weight_shape").filter(|shape| {
            // A shape that the words cannot hold is not believed.
            let words = weight.elements().and_then(|words| words.checked_mul(32));
            words.zip(elements(shape)).is_some_and(|(words, elements)| elements <= words)
        });
        let fits = |bits: u64, inputs: u64| {
            let dense = inputs.checked_mul(bits).map(|bits| bits.div_ceil(32));
            dense == Some(*columns) || inputs.div_ceil(32 / bits) == *columns
        };
        let inputs = shape.as_ref().and_then(|shape| shape.last().copied());
        let seen =
            inputs.and_then(|inputs| stated.into_iter().chain(WIDTHS.iter().copied()).find(|bits| fits(*bits, inputs)));
        let bits = seen.or(stated).unwrap_or(4);
        let shape = match shape {
            Some(shape) => shape,
            None => front.iter().copied().chain([columns.checked_mul(32)? / bits]).collect(),
        };
        let rows = shape.first().copied().unwrap_or(0);
        let mut layout = Layout::integers(name, "compressed", bits, shape);
        layout.zeros = match self.get(stem, ".weight_zero_point") {
            Some((place, zeros)) if zeros.dtype == DType::I32 => {
                let [_, groups] = *zeros.shape.as_slice() else { return Some(layout) };
                Some((place, vec![rows, groups]))
            }
            _ => None,
        };
        layout.doubt = (seen.is_none() && stated.is_none()).then(|| assumed(4));
        Some(layout)
    }

    /// Floats of 4 or 6 bits in bytes, with a scale for each block of 16 (NVFP4) or 32 (MXFP4, MXFP6):
    /// bytes per scale tell which.
    fn small_floats(&self, stem: &str, name: String, weight: &Weight) -> Option<Layout> {
        let (columns, front) = weight.shape.split_last()?;
        let (_, scale) = self.get(stem, ".weight_scale")?;
        let (groups, front_of_scale) = scale.shape.split_last()?;
        if front != front_of_scale {
            return None;
        }
        let (packing, dtype, inputs) = match divided(*columns, *groups)? {
            8 => ("nvfp4", DType::F4E2M1, columns.checked_mul(2)?),
            16 => ("mxfp4", DType::F4E2M1, columns.checked_mul(2)?),
            24 => ("mxfp6", DType::F8E4M3, columns.checked_mul(8)? / 6),
            _ => return None,
        };
        Some(Layout::named(name, packing, dtype, front.iter().copied().chain([inputs]).collect()))
    }

    /// `weight` of bytes: floats with block scales (ModelOpt, Quark), or BitNet's four weights in a byte.
    fn bytes(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let name = format!("{stem}.weight");
        if self.quantisation.method == "bitnet"
            && let [rows, columns] = *weight.shape.as_slice()
        {
            return Some(Layout::named(name, "bitnet", DType::U2, vec![rows.checked_mul(4)?, columns]));
        }
        self.small_floats(stem, name, weight)
    }

    /// bitsandbytes packs two weights in a byte and keeps everything else under the tensor's own name.
    fn bitsandbytes(&self, name: &str, weight: &Weight) -> Option<Layout> {
        if weight.dtype.bits() != 8 && !matches!(weight.dtype, DType::Bf16 | DType::F16 | DType::F32) {
            return None;
        }
        self.get(name, ".absmax")?;
        self.get(name, ".quant_map")?;
        let is_fp4 = self.get(name, ".quant_state.bitsandbytes__fp4").is_some();
        let packing = if is_fp4 { "fp4" } else { "nf4" };
        let dtype = if is_fp4 { DType::F4E2M1 } else { DType::U4 };
        // The words may be of any type (`bnb_4bit_quant_storage`); the shape stands only in a text beside them.
        let count = weight.dtype.bytes(weight.elements()?)?.checked_mul(2)?;
        Some(Layout::named(name.to_owned(), packing, dtype, vec![count]))
    }

    /// MLX: `weight` `[…, inputs · bits / 32]`, `scales` and `biases` `[…, inputs / group]`.
    fn mlx(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let (columns, front) = weight.shape.split_last()?;
        let (_, scales) = self.get(stem, ".scales")?;
        let groups = *scales.shape.last()?;
        let words = columns.checked_mul(32)?;
        let (bits, group) = self.stated(stem);
        let fits = |bits: u64, group: u64| {
            groups.checked_mul(group).and_then(|inputs| inputs.checked_mul(bits)) == Some(words)
        };
        let stated = bits.zip(group).filter(|(bits, group)| fits(*bits, *group));
        // Scales in bytes are those of the types with block scales.
        let small = match scales.dtype {
            DType::U8 if fits(4, 32) => Some(("mxfp4", DType::F4E2M1, 4, 32)),
            DType::U8 if fits(4, 16) => Some(("nvfp4", DType::F4E2M1, 4, 16)),
            DType::U8 if fits(8, 32) => Some(("mxfp8", DType::F8E4M3, 8, 32)),
            _ => None,
        };
        let usual = || {
            let all = [64, 32, 128, 16].iter().flat_map(|group| WIDTHS.iter().map(move |bits| (*bits, *group)));
            all.into_iter().find(|(bits, group)| fits(*bits, *group))
        };
        let (bits, group) = small.map(|(.., bits, group)| (bits, group)).or(stated).or_else(usual)?;
        let shape = front.iter().copied().chain([groups.checked_mul(group)?]).collect();
        let name = format!("{stem}.weight");
        let mut layout = match small {
            Some((packing, dtype, ..)) => Layout::named(name, packing, dtype, shape),
            None => Layout::integers(name, "mlx", bits, shape),
        };
        layout.doubt = (stated.is_none() && small.is_none()).then(|| assumed(bits));
        Some(layout)
    }

    /// gpt-oss: `…_blocks` `[…, blocks, 16]` bytes of 32 floats, `…_scales` `[…, blocks]`.
    fn blocks(&self, name: &str, weight: &Weight) -> Option<Layout> {
        let stem = name.strip_suffix("blocks")?;
        let (_, scales) = self.get(stem, "scales")?;
        let (front, [blocks, 16]) = weight.shape.split_at_checked(weight.shape.len().checked_sub(2)?)? else {
            return None;
        };
        if weight.dtype != DType::U8 || !scales.shape.starts_with(front) || scales.shape.last() != Some(blocks) {
            return None;
        }
        let shape = front.iter().copied().chain([blocks.checked_mul(32)?]).collect();
        let whole = stem.strip_suffix(['_', '.']).unwrap_or(stem).to_owned();
        Some(Layout::named(whole, "mxfp4", DType::F4E2M1, shape))
    }

    /// HQQ: `W_q` holds the weights in bytes (3 bits: ten in a 32-bit word), `shape` their shape.
    fn hqq(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        self.get(stem, ".scale")?;
        let name = format!("{stem}.weight");
        let (stated, _) = self.stated(stem);
        let bytes = weight.dtype.bytes(weight.elements()?)?;
        let kept =
            self.kept_shape(stem, ".shape").filter(|shape| elements(shape).is_some_and(|count| count / 8 <= bytes));
        if let Some(shape) = kept {
            let count = elements(&shape)?.max(1);
            let bits = stated.unwrap_or_else(|| (bytes.saturating_mul(8) / count).clamp(1, 8));
            return Some(Layout::integers(name, "hqq", bits, shape));
        }
        let bits = if weight.dtype == DType::I32 { 3 } else { stated.unwrap_or(4) };
        let count = if bits == 3 { (bytes / 4).checked_mul(10)? } else { bytes.checked_mul(8)? / bits };
        let mut layout = Layout::integers(name, "hqq", bits, vec![count]);
        layout.doubt = stated.is_none().then(|| assumed(bits));
        Some(layout)
    }

    /// AQLM: `codes` `[outputs / a, inputs / b, books]`, `codebooks` `[books, entries, a, b]`.
    fn aqlm(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let [_, _, a, b] = *self.shape(stem, ".codebooks")? else { return None };
        let [outputs, inputs, _] = *weight.shape.as_slice() else { return None };
        let shape = vec![outputs.checked_mul(a)?, inputs.checked_mul(b)?];
        Some(Layout::named(format!("{stem}.weight"), "aqlm", DType::U8, shape))
    }

    /// ExLlamaV2: rows of differing bits; the permutation of the inputs tells how many there are.
    fn exllama2(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let [inputs] = *self.shape(stem, ".q_invperm").or_else(|| self.shape(stem, ".q_perm"))? else { return None };
        let shape = vec![*weight.shape.get(1)?, inputs];
        Some(Layout::named(format!("{stem}.weight"), "exl2", DType::U8, shape))
    }

    /// ExLlamaV3: tiles of 16 × 16 weights.
    fn exllama3(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let [inputs, outputs, _] = *weight.shape.as_slice() else { return None };
        let shape = vec![outputs.checked_mul(16)?, inputs.checked_mul(16)?];
        Some(Layout::named(format!("{stem}.weight"), "exl3", DType::U8, shape))
    }

    /// Marlin: `B` `[inputs / 16, outputs · 2]` 32-bit words of eight weights, `s` `[groups, outputs]`.
    fn marlin(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let [_, outputs] = *self.shape(stem, ".s")? else { return None };
        let [rows, columns] = *weight.shape.as_slice() else { return None };
        if weight.dtype != DType::I32 || outputs.checked_mul(2) != Some(columns) {
            return None;
        }
        Some(Layout::integers(format!("{stem}.weight"), "marlin", 4, vec![outputs, rows.checked_mul(16)?]))
    }

    /// compressed-tensors' sparse weights: `compressed` values, and a `bitmask` with a bit for each place.
    fn sparse(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let (_, mask) = self.get(stem, ".bitmask")?;
        let (columns, front) = mask.shape.split_last()?;
        let shape = front.iter().copied().chain([columns.checked_mul(8)?]).collect::<Vec<_>>();
        // The mask is padded to whole bytes; the shape, where it could be read, is not.
        let fits =
            |kept: &Vec<u64>| kept.len() == shape.len() && kept.iter().zip(&shape).all(|(kept, held)| kept <= held);
        let shape = self.kept_shape(stem, ".shape").filter(fits).unwrap_or(shape);
        let name = if stem.ends_with(".weight") { stem.to_owned() } else { format!("{stem}.weight") };
        let stored = weight.elements();
        Some(Layout { name, dtype: weight.dtype, shape, packing: None, stored, zeros: None, doubt: None })
    }

    /// quanto: `weight._data` is the tensor, `weight._data._data` the same packed in bytes.
    fn quanto(&self, stem: &str, weight: &Weight) -> Option<Layout> {
        let packed = stem.strip_suffix("._data");
        let name = packed.unwrap_or(stem);
        self.get(name, "._scale")?;
        if packed.is_none() {
            let shape = weight.shape.clone();
            let dtype = weight.dtype;
            return Some(Layout {
                name: name.to_owned(),
                dtype,
                shape,
                packing: None,
                stored: None,
                zeros: None,
                doubt: None,
            });
        }
        let (stated, _) = self.stated(name);
        // Rows are packed above each other; without groups each has one scale.
        let [rows, columns] = *weight.shape.as_slice() else { return None };
        let scales = self.shape(name, "._scale").and_then(|shape| shape.first().copied());
        let each = scales.and_then(|scales| divided(scales, rows)).filter(|each| [2, 4].contains(each));
        if let Some(each) = each {
            return Some(Layout::integers(name.to_owned(), "quanto", 8 / each, vec![rows.checked_mul(each)?, columns]));
        }
        let bits = stated.unwrap_or(4);
        let count = weight.dtype.bytes(weight.elements()?)?.checked_mul(8)? / bits;
        let mut layout = Layout::integers(name.to_owned(), "quanto", bits, vec![count]);
        layout.doubt = stated.is_none().then(|| assumed(4));
        Some(layout)
    }

    /// torchao: `_weight_qdata` is the tensor; what class it had stands in the file's metadata.
    fn torchao(&self, stem: &str, leaf: &str, weight: &Weight) -> Option<Layout> {
        let parameter = leaf.strip_suffix("_qdata")?.strip_prefix('_')?;
        let name = if stem.is_empty() { parameter.to_owned() } else { format!("{stem}.{parameter}") };
        let said = self.metadata.get(name.strip_prefix(self.prefix).unwrap_or(&name))?;
        let said: serde_json::Value = serde_json::from_str(said).ok()?;
        let class = said.get("_type")?.as_str()?;
        let (columns, front) = weight.shape.split_last()?;
        let inside =
            |key: &str| said.get("_data").and_then(|data| data.get(key)).map(ToString::to_string).unwrap_or_default();
        let is_four =
            class.starts_with("Int4") || class.starts_with("NVFP4") || inside("elem_dtype").contains("float4");
        if !is_four || weight.dtype.bits() < 8 {
            let shape = weight.shape.clone();
            return Some(Layout {
                name,
                dtype: weight.dtype,
                shape,
                packing: None,
                stored: None,
                zeros: None,
                doubt: None,
            });
        }
        let columns = columns.checked_mul(weight.dtype.bits() / 4)?;
        let shape = front.iter().copied().chain([columns]).collect();
        Some(match class.starts_with("Int4") {
            true => Layout::integers(name, "torchao", 4, shape),
            false if class.starts_with("NVFP4") => Layout::named(name, "nvfp4", DType::F4E2M1, shape),
            false => Layout::named(name, "mxfp4", DType::F4E2M1, shape),
        })
    }

    /// A large tensor of integers in a model that the config calls quantised: packed weights of a layout not known here.
    fn unknown(&self, name: &str, weight: &Weight) -> Option<Layout> {
        let leaf = name.rsplit('.').next().unwrap_or(name);
        let is_order =
            ["ids", "idx", "index", "perm", "shape", "zeros", "zero_point"].iter().any(|end| leaf.ends_with(end));
        let is_large = weight.shape.len() >= 2 && weight.elements().is_some_and(|count| count > 4_096);
        let is_packed = matches!(weight.dtype, DType::I32 | DType::I16 | DType::U32 | DType::U16 | DType::I64);
        if self.quantisation.method.is_empty() || is_order || !is_large || !is_packed {
            return None;
        }
        let bits = self.stated(name).0?;
        let count = weight.dtype.bytes(weight.elements()?)?.checked_mul(8)? / bits;
        Some(Layout::named(name.to_owned(), UNKNOWN, integer(bits), vec![count]))
    }
}

/// What a packing is called whose layout is not known.
const UNKNOWN: &str = "packed";

/// The quotient, if it is whole and not zero.
fn divided(a: u64, b: u64) -> Option<u64> {
    (b > 0 && a > 0 && a.is_multiple_of(b)).then(|| a / b)
}

fn elements(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim))
}

fn assumed(bits: u64) -> String {
    format!("neither the config nor the shapes say how many bits a weight has; {bits} are assumed")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Written, counts, file, folder, weight};
    use crate::formats::{Files, InMemory, open_folder};
    use crate::model::{Model, TensorRole};

    /// Tensors with a config beside them.
    fn quantised(tensors: &[Written<'_>], config: &str) -> Model {
        folder(&[("model.safetensors", file(tensors)), ("config.json", config.as_bytes().to_vec())]).unwrap()
    }

    fn is_sure(model: &Model) -> bool {
        !model.notes.iter().any(|note| note.text.contains("assumed") || note.text.contains("not known"))
    }

    /// Parameters by type, elements of buffers, and the shape of `l.weight`.
    fn found(model: &Model) -> (Vec<(String, u64)>, u64, Vec<u64>) {
        let counts = counts(model);
        (counts.dtypes.into_iter().collect(), counts.buffers, weight(model, "l.weight").shape.clone())
    }

    fn one(dtype: &str, count: u64) -> Vec<(String, u64)> {
        vec![(dtype.to_owned(), count)]
    }

    #[test]
    fn what_the_libraries_write_counts_as_the_layer_that_it_was() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/safetensors");
        let (inputs, outputs) = (64, 96);
        let mut seen = 0;
        for (name, packing, bias, buffers) in [
            // Elements of scales and zero points as the libraries' own settings make them, and of their tables of codes.
            ("bitsandbytes_nf4", "nf4", "f32", 96 + 1 + 16 + 256),
            ("bitsandbytes_fp4", "fp4", "f32", 96 + 16),
            ("bitsandbytes_int8", "i8", "f32", 96),
            ("compressed_w3a16", "compressed-int3", "bf16", 192),
            ("compressed_w4a16", "compressed-int4", "bf16", 192),
            ("compressed_w4a16_asym", "compressed-int4", "bf16", 192 + 192),
            ("compressed_w8a16", "compressed-int8", "bf16", 192),
            ("compressed_w8a8", "i8", "bf16", 96),
            ("compressed_fp8", "f8e4m3", "bf16", 2),
            ("compressed_fp8_block", "f8e4m3", "bf16", 1),
            ("compressed_nvfp4", "nvfp4", "bf16", 384 + 2),
            ("compressed_mxfp4", "mxfp4", "bf16", 192),
            ("compressed_mxfp6a16", "mxfp6", "bf16", 192),
            ("compressed_mxfp8", "f8e4m3", "bf16", 192),
            ("hqq_2", "hqq-int2", "f32", 192),
            ("hqq_3", "hqq-int3", "f32", 192),
            ("hqq_4", "hqq-int4", "f32", 192),
            ("mlx_3", "mlx-int3", "f32", 384),
            ("mlx_4", "mlx-int4", "f32", 192),
            ("mlx_8", "mlx-int8", "f32", 192),
            ("mlx_mxfp4", "mxfp4", "f32", 192),
            ("mlx_nvfp4", "nvfp4", "f32", 384),
            ("mlx_mxfp8", "mxfp8", "f32", 192),
            ("quanto_int8", "i8", "f32", 98),
            ("quanto_int4", "quanto-int4", "f32", 194),
            ("quanto_int2", "quanto-int2", "f32", 194),
            ("quanto_float8", "f8e4m3", "f32", 98),
            ("torchao_int8", "i8", "bf16", 192),
            ("torchao_float8", "f8e4m3", "bf16", 96),
            ("torchao_intx4", "i8", "bf16", 384),
        ] {
            let bytes = std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
            let size = bytes.len() as u64;
            let mut files = vec![("model.safetensors".to_owned(), bytes)];
            // MLX's bits and groups stand in the config alone.
            if let Some(bits) = name.strip_prefix("mlx_").and_then(|bits| bits.parse::<u64>().ok()) {
                let group = if bits == 3 { 32 } else { 64 };
                let config = format!("{{\"quantization\": {{\"bits\": {bits}, \"group_size\": {group}}}}}");
                files.push(("config.json".to_owned(), config.into_bytes()));
            }
            let model = open_folder(&Files::new(InMemory(files.into_iter().collect()))).unwrap();
            let counts = counts(&model);
            let mut expected = [(packing.to_owned(), inputs * outputs), (bias.to_owned(), outputs)];
            expected.sort();
            assert_eq!(counts.dtypes.into_iter().collect::<Vec<_>>(), expected, "{name}");
            assert_eq!((counts.parameters, counts.buffers), (Some(outputs * (inputs + 1)), buffers), "{name}");
            let shape = &weight(&model, "layers.0.weight").shape;
            let flat = name.starts_with("bitsandbytes_") && !name.ends_with("int8");
            let expected = if flat { vec![inputs * outputs] } else { vec![outputs, inputs] };
            assert_eq!(*shape, expected, "{name}");
            assert!(is_sure(&model), "{name}: {:?}", model.notes);
            assert!(counts.weight_bytes.unwrap() < size, "{name}");
            seen += 1;
        }
        assert_eq!(seen, std::fs::read_dir(folder).unwrap().count());
    }

    #[test]
    fn gptq_packs_along_the_inputs() {
        for (bits, words) in [(2, 8), (3, 12), (4, 16), (8, 32)] {
            let zeros = 96 * bits / 32;
            let tensors = [
                ("l.qweight", "I32", 32, &[words, 96][..]),
                ("l.qzeros", "I32", 32, &[4, zeros]),
                ("l.scales", "F16", 16, &[4, 96]),
                ("l.g_idx", "I32", 32, &[128]),
            ];
            let name = format!("gptq-int{bits}");
            let model = quantised(&tensors, "{}");
            assert_eq!(found(&model), (one(&name, 128 * 96), 2 * 4 * 96, vec![96, 128]));
            assert!(is_sure(&model));
            assert_eq!(weight(&model, "l.qzeros").bytes(), Some(4 * zeros * 4));
        }
        // The shapes win over a config that says otherwise.
        let tensors = [
            ("l.qweight", "I32", 32, &[16, 96][..]),
            ("l.qzeros", "I32", 32, &[4, 12]),
            ("l.scales", "F16", 16, &[4, 96]),
        ];
        let config = r#"{"quantization_config": {"quant_method": "gptq", "bits": 8}}"#;
        let model = quantised(&tensors, config);
        assert_eq!(found(&model).0, one("gptq-int4", 128 * 96));
        assert!(model.notes.iter().any(|note| note.text.contains("the config says 8 bits")));
        // Without zero points or an order, only the config knows.
        let bare = [("l.qweight", "I32", 32, &[32, 96][..]), ("l.scales", "F16", 16, &[4, 96])];
        assert_eq!(found(&quantised(&bare, config)).0, one("gptq-int8", 128 * 96));
        assert!(!is_sure(&quantised(&bare, "{}")));
    }

    #[test]
    fn awq_packs_along_the_outputs() {
        let tensors = [
            ("l.qweight", "I32", 32, &[128, 12][..]),
            ("l.qzeros", "I32", 32, &[4, 12]),
            ("l.scales", "F16", 16, &[4, 96]),
        ];
        let model = quantised(&tensors, "{}");
        assert_eq!(found(&model), (one("awq-int4", 128 * 96), 2 * 4 * 96, vec![96, 128]));
        // The older kernels keep everything the other way round.
        let turned = [
            ("l.qweight", "I32", 32, &[96, 16][..]),
            ("l.qzeros", "I32", 32, &[96, 1]),
            ("l.scales", "F16", 16, &[96, 8]),
        ];
        let model = quantised(&turned, r#"{"quantization_config": {"quant_method": "awq", "bits": 4}}"#);
        assert_eq!(found(&model).2, [96, 128]);
    }

    #[test]
    fn gpt_oss_keeps_experts_in_blocks() {
        let model = quantised(
            &[
                ("model.layers.0.mlp.experts.gate_up_proj_blocks", "U8", 8, &[4, 64, 3, 16]),
                ("model.layers.0.mlp.experts.gate_up_proj_scales", "U8", 8, &[4, 64, 3]),
                ("model.layers.0.mlp.experts.gate_up_proj_bias", "BF16", 16, &[4, 64]),
                ("block.0.mlp.mlp1_weight.blocks", "U8", 8, &[4, 64, 3, 16]),
                ("block.0.mlp.mlp1_weight.scales", "U8", 8, &[4, 64, 3]),
            ],
            "{}",
        );
        let counts = counts(&model);
        assert_eq!(counts.dtypes, [("bf16".to_owned(), 256), ("mxfp4".to_owned(), 2 * 4 * 64 * 96)].into());
        assert_eq!(counts.buffers, 2 * 4 * 64 * 3);
        assert_eq!(weight(&model, "model.layers.0.mlp.experts.gate_up_proj").shape, [4, 64, 96]);
        assert_eq!(weight(&model, "block.0.mlp.mlp1_weight").bytes(), Some(4 * 64 * 48));
    }

    #[test]
    fn eight_bit_floats_keep_their_shape_and_their_scales_are_buffers() {
        let model = quantised(
            &[
                ("model.layers.3.mlp.experts.0.up_proj.weight", "F8_E4M3", 8, &[256, 384]),
                ("model.layers.3.mlp.experts.0.up_proj.weight_scale_inv", "F32", 32, &[2, 3]),
                ("model.layers.3.mlp.gate.e_score_correction_bias", "F32", 32, &[8]),
                ("layers.0.attn.wo.weight", "F8_E4M3", 8, &[128, 128]),
                ("layers.0.attn.wo.scale", "F8_E8M0", 8, &[1, 1]),
                ("experts.gate_up_proj", "F8_E4M3", 8, &[2, 8, 8]),
                ("experts.gate_up_proj_scale", "F32", 32, &[2, 1, 8]),
                ("self_attn.k_scale", "F32", 32, &[1]),
                ("norm.scale", "F32", 32, &[16]),
            ],
            r#"{"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}"#,
        );
        let counts = counts(&model);
        let floats = 256 * 384 + 128 * 128 + 128;
        assert_eq!(counts.dtypes, [("f32".to_owned(), 16), ("f8e4m3".to_owned(), floats)].into());
        assert_eq!(counts.buffers, 6 + 8 + 1 + 16 + 1);
        assert!(is_sure(&model));
    }

    #[test]
    fn modelopt_and_quark_keep_small_floats_in_plain_weights() {
        let tensors = [
            ("l.weight", "U8", 8, &[96, 64][..]),
            ("l.weight_scale", "F8_E4M3", 8, &[96, 8]),
            ("l.weight_scale_2", "F32", 32, &[]),
            ("l.input_scale", "F32", 32, &[]),
        ];
        assert_eq!(found(&quantised(&tensors, "{}")), (one("nvfp4", 128 * 96), 96 * 8 + 2, vec![96, 128]));
        let tensors = [("l.weight", "U8", 8, &[96, 64][..]), ("l.weight_scale", "U8", 8, &[96, 4])];
        assert_eq!(found(&quantised(&tensors, "{}")), (one("mxfp4", 128 * 96), 96 * 4, vec![96, 128]));
        let tensors = [("l.weight", "U8", 8, &[24, 128][..]), ("l.weight_scale", "BF16", 16, &[1])];
        let model = quantised(&tensors, r#"{"quantization_config": {"quant_method": "bitnet"}}"#);
        assert_eq!(found(&model), (one("bitnet", 128 * 96), 1, vec![96, 128]));
    }

    #[test]
    fn codebooks_tiles_and_sparse_weights() {
        let aqlm = [
            ("l.codes", "I16", 16, &[96, 16, 2][..]),
            ("l.codebooks", "F16", 16, &[2, 16, 1, 8]),
            ("l.scales", "F16", 16, &[96, 1, 1, 1]),
        ];
        assert_eq!(found(&quantised(&aqlm, "{}")), (one("aqlm", 128 * 96), 256 + 96, vec![96, 128]));
        let exl2 = [
            ("l.q_weight", "I32", 32, &[20, 96][..]),
            ("l.q_invperm", "I16", 16, &[128]),
            ("l.q_scale", "I32", 32, &[4, 12]),
            ("l.q_scale_max", "F16", 16, &[4]),
            ("l.q_groups", "I16", 16, &[8]),
        ];
        assert_eq!(found(&quantised(&exl2, "{}")), (one("exl2", 128 * 96), 52, vec![96, 128]));
        let exl3 =
            [("l.trellis", "I16", 16, &[8, 6, 64][..]), ("l.suh", "F16", 16, &[128]), ("l.svh", "F16", 16, &[96])];
        assert_eq!(found(&quantised(&exl3, "{}")), (one("exl3", 128 * 96), 224, vec![96, 128]));
        let marlin = [("l.B", "I32", 32, &[8, 192][..]), ("l.s", "F16", 16, &[1, 96])];
        assert_eq!(found(&quantised(&marlin, "{}")), (one("marlin-int4", 128 * 96), 96, vec![96, 128]));
        let sparse = [
            ("l.compressed", "BF16", 16, &[96, 64][..]),
            ("l.bitmask", "U8", 8, &[96, 16]),
            ("l.shape", "I64", 64, &[2, 1]),
        ];
        let model = quantised(&sparse, "{}");
        // The zeros that stand for the shape here are not believed over the mask.
        assert_eq!(found(&model), (one("bf16", 128 * 96), 0, vec![96, 128]));
        assert_eq!(weight(&model, "l.weight").bytes(), Some(96 * 64 * 2));
    }

    #[test]
    fn a_layout_that_is_not_known_is_said_so() {
        let config = r#"{"quantization_config": {"quant_method": "novel", "bits": 2}}"#;
        let model = quantised(&[("l.packed_codes", "I32", 32, &[128, 64])], config);
        assert_eq!(counts(&model).parameters, Some(128 * 64 * 16));
        assert!(!is_sure(&model));
        let config = r#"{"quantization_config": {"quant_method": "novel"}}"#;
        let model = quantised(&[("l.weight", "F16", 16, &[128, 64])], config);
        assert_eq!(counts(&model).parameters, Some(128 * 64));
        assert!(!is_sure(&model));
        // A quantised name alone makes no layout.
        let model = quantised(&[("l.qweight", "F32", 32, &[8, 8]), ("x.codes", "F32", 32, &[4])], "{}");
        assert_eq!(counts(&model).parameters, Some(68));
        assert_eq!(weight(&model, "l.qweight").role, Some(TensorRole::Parameter));
    }
}
