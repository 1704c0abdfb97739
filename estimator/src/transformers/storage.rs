//! In how many bits a configuration says that weights are stored: `torch_dtype`, and the `quantization_config` of the libraries that pack them.
//!
//! Only what a `config.json` states is known here; where there are tensors, they tell themselves.
//! Layouts are those that the libraries write: packed words, and beside them scales, zero points and tables of codes.

use super::parts::{Part, Role, Weight, Work};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// How the weights of a model are stored, as its configuration says.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    plain: Option<(&'static str, u64)>,
    packing: Option<Packing>,
    skipped: Skipped,
    /// What a reader should know of the quantisation, where it is not laid out here.
    pub doubt: Option<String>,
}

/// How one weight is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The element type or the packing, as the dtypes of files are called.
    pub dtype: String,
    /// Bytes with its scales; `None` where they are not known.
    pub bytes: Option<u64>,
    /// Elements of scales, zero points and tables of codes beside it.
    pub scales: u64,
}

/// A way of packing the matrices of linear layers.
#[derive(Debug, Clone)]
struct Packing {
    dtype: String,
    /// `None` where the bits are not stated.
    bits: Option<u64>,
    scales: Scales,
    /// Tables that are looked up are packed, too (MLX).
    tables: bool,
    /// The output head is packed, too.
    head: bool,
    /// Stacked experts alone are packed (gpt-oss).
    experts_alone: bool,
}

/// What lies beside packed weights.
#[derive(Debug, Clone, Copy)]
enum Scales {
    /// Nothing that is known.
    Unknown,
    /// A number of so many bytes for each tile of rows × columns; 0 stands for all of them.
    Tiles { rows: u64, columns: u64, bytes: u64 },
    /// The same for groups of columns of each row, with a packed zero point for each, and an index for each column (GPTQ).
    Groups { group: u64, scale_bytes: u64, zero_bits: u64, index: bool },
    /// One for so many elements of all, quantised once more or not (bitsandbytes).
    Blocks { elements: u64, nested: bool },
    /// One of a byte for so many columns, and a 32-bit one for the whole (NVFP4).
    Nested { group: u64 },
}

/// Bits of a 32-bit float's scale, in bytes.
const FLOAT: u64 = 4;
/// Bytes of a 16-bit scale.
const HALF: u64 = 2;
/// Elements that share a scale in bitsandbytes' 4-bit types, and scales that share one when they are quantised once more.
const BITSANDBYTES: (u64, u64) = (64, 256);
/// Entries of the tables of codes that bitsandbytes keeps with each matrix.
const CODES: (u64, u64) = (16, 256);
/// Elements that share a scale in the OCP microscaling formats, and in NVFP4.
const MICROSCALING: u64 = 32;
const NVFP4: u64 = 16;

impl Storage {
    /// What a `config.json` says.
    pub fn of(config: &Map<String, Value>) -> Self {
        let text = config.get("text_config").or_else(|| config.get("llm_config")).and_then(Value::as_object);
        let either = |key: &str| config.get(key).or_else(|| text?.get(key)).filter(|value| !value.is_null());
        let named = either("torch_dtype").or_else(|| either("dtype")).and_then(Value::as_str).unwrap_or_default();
        let plain = match named.trim_start_matches("torch.") {
            "float32" => Some(("f32", 4)),
            "float16" => Some(("f16", 2)),
            "bfloat16" => Some(("bf16", 2)),
            _ => None,
        };
        let mut storage = Self { plain, ..Self::default() };
        if let Some(own) = either("quantization_config").and_then(Value::as_object) {
            storage.quantised(own);
        } else if let Some(own) = either("compression_config").and_then(Value::as_object) {
            storage.quantised(own);
        } else if let Some(own) = either("quantization").and_then(Value::as_object) {
            storage.mlx(own);
        }
        if storage.packing.is_some() && storage.plain.is_none() {
            // What is not packed is kept in 16 bits by all of these libraries.
            storage.plain = Some(("f16", 2));
        }
        storage
    }

    /// Whether the bits of all weights are known.
    pub fn is_known(&self) -> bool {
        self.plain.is_some() && self.packing.as_ref().is_none_or(|packing| packing.bits.is_some())
    }

    fn quantised(&mut self, own: &Map<String, Value>) {
        let text = |key: &str| own.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let is = |key: &str| own.get(key).and_then(Value::as_bool).unwrap_or(false);
        let whole = |key: &str| own.get(key).and_then(Value::as_u64);
        let bits = whole("bits").or_else(|| whole("w_bit")).or_else(|| whole("nbits")).filter(|bits| *bits <= 32);
        // A group of −1 is a whole row.
        let group = whole("group_size").or_else(|| whole("q_group_size")).unwrap_or(0);
        self.skipped = Skipped::of(own);
        let method = match text("quant_method") {
            method if !method.is_empty() => method,
            _ if is("load_in_4bit") || is("load_in_8bit") => "bitsandbytes".to_owned(),
            _ if own.contains_key("config_groups") => "compressed-tensors".to_owned(),
            _ if own.contains_key("w_bit") => "awq".to_owned(),
            _ if own.contains_key("desc_act") => "gptq".to_owned(),
            _ => String::new(),
        };
        let packing = |dtype: String, bits, scales| Packing {
            dtype,
            bits,
            scales,
            tables: false,
            head: is("lm_head"),
            experts_alone: false,
        };
        let integers = |library: &str, bits: u64| format!("{library}-int{bits}");
        self.packing = Some(match method.as_str() {
            "fp8" | "fbgemm_fp8" => {
                let block = own.get("weight_block_size").and_then(Value::as_array);
                let side = |place: usize| block.and_then(|block| block.get(place)?.as_u64()).unwrap_or(0);
                let per_row = method == "fbgemm_fp8";
                let (rows, columns) = if per_row { (1, 0) } else { (side(0), side(1)) };
                packing("f8e4m3".to_owned(), Some(8), Scales::Tiles { rows, columns, bytes: FLOAT })
            }
            "gptq" => {
                let bits = bits.unwrap_or(4);
                let scales = Scales::Groups { group, scale_bytes: HALF, zero_bits: bits, index: true };
                packing(integers("gptq", bits), Some(bits), scales)
            }
            "awq" => {
                let bits = bits.unwrap_or(4);
                let scales = Scales::Groups { group, scale_bytes: HALF, zero_bits: bits, index: false };
                packing(integers("awq", bits), Some(bits), scales)
            }
            "bitsandbytes" if is("load_in_8bit") => {
                packing("i8".to_owned(), Some(8), Scales::Tiles { rows: 1, columns: 0, bytes: FLOAT })
            }
            "bitsandbytes" => {
                let kind = text("bnb_4bit_quant_type");
                let nested = is("bnb_4bit_use_double_quant");
                let scales = Scales::Blocks { elements: BITSANDBYTES.0, nested };
                packing(if kind == "nf4" { "nf4" } else { "fp4" }.to_owned(), Some(4), scales)
            }
            "mxfp4" => Packing { experts_alone: true, ..packing("mxfp4".to_owned(), Some(4), MXFP4) },
            "compressed-tensors" | "compressed_tensors" => match compressed(own) {
                Some((dtype, bits, scales)) => packing(dtype, Some(bits), scales),
                None => packing("compressed-tensors".to_owned(), None, Scales::Unknown),
            },
            other => {
                let name = if other.is_empty() { "a quantisation that names no method" } else { other };
                self.doubt = Some(match bits {
                    Some(bits) => format!("weights are packed by “{name}” in {bits} bits; its scales are not counted"),
                    None => format!(
                        "weights are packed by “{name}”, and the configuration does not say in how many bits: their size is not known"
                    ),
                });
                let dtype = bits.map_or_else(|| name.to_owned(), |bits| format!("{name}-int{bits}"));
                packing(dtype, bits, Scales::Unknown)
            }
        });
    }

    /// MLX: bits and group for all linear layers and tables.
    fn mlx(&mut self, own: &Map<String, Value>) {
        let whole = |key: &str| own.get(key).and_then(Value::as_u64);
        let Some(bits) = whole("bits").filter(|bits| *bits <= 32) else { return };
        let mode = own.get("mode").and_then(Value::as_str).unwrap_or("affine");
        let (dtype, scales) = match mode {
            "mxfp4" => ("mxfp4".to_owned(), MXFP4),
            // A scale and a bias of 16 bits for each group.
            _ => {
                let scales = Scales::Groups {
                    group: whole("group_size").unwrap_or(64),
                    scale_bytes: 2 * HALF,
                    zero_bits: 0,
                    index: false,
                };
                (format!("mlx-int{bits}"), scales)
            }
        };
        self.packing =
            Some(Packing { dtype, bits: Some(bits), scales, tables: true, head: true, experts_alone: false });
    }

    /// How a weight of a part is stored, all its modules together; `None` where nothing is known.
    pub fn of_weight(&self, part: &Part, place: usize, weight: &Weight) -> Option<Stored> {
        let modules = part.modules()?;
        let each = weight.elements()?;
        let plain = |modules: u64| -> Option<Stored> {
            let (dtype, bytes) = self.plain?;
            let bytes = each.checked_mul(modules).and_then(|elements| elements.checked_mul(bytes));
            Some(Stored { dtype: dtype.to_owned(), bytes, scales: 0 })
        };
        let Some(packing) = self.packing.as_ref().filter(|packing| place == 0 && packing.takes(part)) else {
            return plain(modules);
        };
        let skipped = self.skipped.modules(part);
        if skipped >= modules {
            return plain(modules);
        }
        // A part of which some modules are left alone is told by the others.
        let (bytes, scales) = packing.size(&weight.shape).map_or((None, 0), |(bytes, scales)| (Some(bytes), scales));
        let packed = modules - skipped;
        let left = if skipped > 0 { plain(skipped)?.bytes } else { Some(0) };
        Some(Stored {
            dtype: packing.dtype.clone(),
            bytes: bytes.and_then(|bytes| bytes.checked_mul(packed)?.checked_add(left?)),
            scales: scales.checked_mul(packed)?,
        })
    }
}

const MXFP4: Scales = Scales::Tiles { rows: 1, columns: MICROSCALING, bytes: 1 };

/// The first group of modules of a compressed-tensors configuration; `None` where groups differ.
fn compressed(own: &Map<String, Value>) -> Option<(String, u64, Scales)> {
    let groups = own.get("config_groups")?.as_object()?;
    let mut all = groups.values().map(|group| group.get("weights").and_then(Value::as_object));
    let weights = all.next()??;
    if all.any(|other| other != Some(weights)) {
        return None;
    }
    let bits = weights.get("num_bits")?.as_u64().filter(|bits| (1..=16).contains(bits))?;
    let text = |key: &str| weights.get(key).and_then(Value::as_str).unwrap_or_default();
    let group = weights.get("group_size").and_then(Value::as_u64).unwrap_or(0);
    let is_float = text("type") == "float";
    let is_symmetric = weights.get("symmetric").and_then(Value::as_bool).unwrap_or(true);
    let format = own.get("format").and_then(Value::as_str).unwrap_or_default();
    let dtype = match (bits, is_float) {
        (8, true) => "f8e4m3".to_owned(),
        (4, true) if group == MICROSCALING => "mxfp4".to_owned(),
        (4, true) => "nvfp4".to_owned(),
        (8, false) if format == "int-quantized" => "i8".to_owned(),
        (bits, _) => format!("compressed-int{bits}"),
    };
    let block = weights.get("block_structure").and_then(Value::as_array);
    let side = |place: usize| block.and_then(|block| block.get(place)?.as_u64()).unwrap_or(128);
    let scales = match text("strategy") {
        _ if dtype == "mxfp4" => MXFP4,
        _ if dtype == "nvfp4" => Scales::Nested { group: NVFP4 },
        "tensor" => Scales::Tiles { rows: 0, columns: 0, bytes: HALF },
        "block" => Scales::Tiles { rows: side(0), columns: side(1), bytes: HALF },
        "channel" => Scales::Tiles { rows: 1, columns: 0, bytes: HALF },
        _ => {
            let zero_bits = if is_symmetric { 0 } else { bits };
            Scales::Groups { group, scale_bytes: HALF, zero_bits, index: false }
        }
    };
    Some((dtype, bits, scales))
}

impl Packing {
    /// Whether the first weight of this part is packed.
    fn takes(&self, part: &Part) -> bool {
        if part.role == Role::OutputHead && !self.head {
            return false;
        }
        match (part.kind, part.work) {
            ("Linear" | "Conv1D", _) => !self.experts_alone,
            ("Embedding", _) => self.tables,
            ("Parameter", Work::Product(_)) => part.routed.is_some(),
            _ => false,
        }
    }

    /// Bytes of a matrix of this shape with its scales, and elements of the scales.
    fn size(&self, shape: &[u64]) -> Option<(u64, u64)> {
        let elements = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size))?;
        let columns = shape.last().copied().unwrap_or(1).max(1);
        let rows = elements / columns;
        let bytes = elements.checked_mul(self.bits?)?.div_ceil(8);
        let of = |size: u64, tile: u64| if tile == 0 { 1 } else { size.div_ceil(tile) };
        let (more, scales) = match self.scales {
            Scales::Unknown => (0, 0),
            Scales::Tiles { rows: tall, columns: wide, bytes } => {
                let scales = of(rows, tall).checked_mul(of(columns, wide))?;
                (scales.checked_mul(bytes)?, scales)
            }
            Scales::Groups { group, scale_bytes, zero_bits, index } => {
                let groups = rows.checked_mul(of(columns, group))?;
                let index = if index { columns } else { 0 };
                let zeros = groups.checked_mul(zero_bits)?.div_ceil(8);
                let bytes = groups.checked_mul(scale_bytes)?.checked_add(zeros)?.checked_add(index * FLOAT)?;
                (bytes, groups)
            }
            Scales::Blocks { elements: block, nested } => {
                let blocks = elements.div_ceil(block);
                if nested {
                    let outer = blocks.div_ceil(BITSANDBYTES.1);
                    let codes = CODES.0 + CODES.1;
                    (blocks + (outer + codes) * FLOAT, blocks + outer + codes)
                } else {
                    ((blocks + CODES.0) * FLOAT, blocks + CODES.0)
                }
            }
            Scales::Nested { group } => {
                let groups = rows.checked_mul(columns.div_ceil(group))?;
                (groups.checked_add(FLOAT)?, groups + 1)
            }
        };
        Some((bytes.checked_add(more)?, scales))
    }
}

/// Modules that a configuration leaves unpacked.
#[derive(Debug, Clone, Default)]
struct Skipped {
    /// Whole paths with numbers in them.
    exact: HashSet<String>,
    /// Names, and patterns with `*`, that hold for every layer.
    patterns: Vec<String>,
}

/// The longest list of names that is looked at.
const MOST_NAMES: usize = 100_000;

impl Skipped {
    fn of(own: &Map<String, Value>) -> Self {
        let mut skipped = Self::default();
        for key in ["modules_to_not_convert", "llm_int8_skip_modules", "ignore", "ignored_layers"] {
            let names = own.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for name in names.iter().take(MOST_NAMES).filter_map(Value::as_str) {
                // A regular expression, of which only wildcards are understood.
                let name = name.strip_prefix("re:").map_or(name.to_owned(), |text| {
                    text.replace(".*", "*").replace("\\.", ".").trim_matches(['^', '$']).to_owned()
                });
                let is_numbered = name.split('.').any(|step| step.bytes().all(|byte| byte.is_ascii_digit()));
                if is_numbered && !name.contains('*') {
                    skipped.exact.insert(name);
                } else {
                    skipped.patterns.push(name);
                }
            }
        }
        skipped
    }

    /// How many modules of a part are left alone.
    fn modules(&self, part: &Part) -> u64 {
        let modules = part.modules().unwrap_or(0);
        if self.patterns.iter().any(|pattern| fits(pattern, &part.path)) {
            return modules;
        }
        if self.exact.is_empty() {
            return 0;
        }
        let named = |path: &String| {
            let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
            ends.filter_map(|end| path.get(..end)).any(|whole| self.exact.contains(whole))
        };
        (0..modules).filter(|module| named(&part.path_of(*module))).count() as u64
    }
}

/// Whether a name, or a pattern with `*`, is a path or a stretch of whole steps of it; `{}` in the path stands for any number.
fn fits(pattern: &str, path: &str) -> bool {
    if !pattern.contains('*') {
        let wrapped = format!(".{path}.");
        return wrapped.contains(&format!(".{pattern}."));
    }
    let path = path.replace("{}", "0");
    let mut rest = path.as_str();
    for (place, piece) in pattern.split('*').enumerate() {
        match rest.find(piece) {
            Some(found) if place > 0 || found == 0 || piece.is_empty() => {
                rest = rest.get(found + piece.len()..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::parts::Parts;
    use serde_json::json;

    fn storage(config: Value) -> Storage {
        Storage::of(config.as_object().unwrap())
    }

    fn linear() -> Part {
        let mut p = Parts::new();
        p.each("model.layers", 0..2, |p| _ = p.linear("mlp.up_proj", 64, 96, true));
        p.finish().unwrap().remove(0)
    }

    /// Names and numbers of scales as the libraries' own files in `tests/data/safetensors` have them, where the config is enough to tell.
    #[test]
    fn packings_are_those_of_the_files_that_the_libraries_write() {
        let group = |bits: u64, kind: &str, group: u64, symmetric: bool, strategy: &str, format: &str| {
            json!({"quant_method": "compressed-tensors", "format": format, "config_groups": {"group_0": {"weights":
                {"num_bits": bits, "type": kind, "group_size": group, "symmetric": symmetric, "strategy": strategy}}}})
        };
        for (config, dtype, scales, bytes) in [
            (
                json!({"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": true}),
                "nf4",
                96 + 1 + 16 + 256,
                3072 + 96 + 4 * 273,
            ),
            (
                json!({"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "fp4"}),
                "fp4",
                96 + 16,
                3072 + 4 * 112,
            ),
            (json!({"quant_method": "bitsandbytes", "load_in_8bit": true}), "i8", 96, 6144 + 4 * 96),
            (group(4, "int", 32, true, "group", "pack-quantized"), "compressed-int4", 192, 3072 + 384),
            (group(3, "int", 32, true, "group", "pack-quantized"), "compressed-int3", 192, 2304 + 384),
            (group(8, "int", 0, true, "channel", "int-quantized"), "i8", 96, 6144 + 192),
            (group(8, "float", 0, true, "tensor", "float-quantized"), "f8e4m3", 1, 6144 + 2),
            (group(8, "float", 0, true, "block", "float-quantized"), "f8e4m3", 1, 6144 + 2),
            (group(4, "float", 32, true, "group", "mxfp4-pack-quantized"), "mxfp4", 192, 3072 + 192),
            (group(4, "float", 16, true, "tensor_group", "nvfp4-pack-quantized"), "nvfp4", 384 + 1, 3072 + 384 + 4),
            (json!({"quant_method": "gptq", "bits": 4, "group_size": 32}), "gptq-int4", 192, 3072 + 384 + 96 + 256),
            (json!({"quant_method": "awq", "bits": 4, "group_size": 32}), "awq-int4", 192, 3072 + 384 + 96),
            (json!({"quant_method": "fp8", "weight_block_size": [32, 32]}), "f8e4m3", 6, 6144 + 24),
        ] {
            let storage = storage(json!({"torch_dtype": "bfloat16", "quantization_config": config}));
            assert!(storage.is_known(), "{config}");
            let part = linear();
            let found = storage.of_weight(&part, 0, &part.weights[0]).unwrap();
            // Two modules.
            assert_eq!(
                (found.dtype.as_str(), found.scales, found.bytes),
                (dtype, 2 * scales, Some(2 * bytes)),
                "{config}"
            );
            let bias = storage.of_weight(&part, 1, &part.weights[1]).unwrap();
            assert_eq!((bias.dtype.as_str(), bias.bytes), ("bf16", Some(2 * 2 * 96)));
        }
        let mlx = storage(json!({"torch_dtype": "bfloat16", "quantization": {"bits": 4, "group_size": 32}}));
        let part = linear();
        assert_eq!(mlx.of_weight(&part, 0, &part.weights[0]).unwrap().bytes, Some(2 * (3072 + 192 * 4)));
    }

    #[test]
    fn modules_that_are_named_stay_as_they_are() {
        let of = |names: Value| {
            let config = json!({"dtype": "bfloat16", "quantization_config": {"quant_method": "fp8", "modules_to_not_convert": names}});
            let part = linear();
            storage(config).of_weight(&part, 0, &part.weights[0]).unwrap()
        };
        let (packed, plain) = (6144 + 4, 2 * 6144);
        assert_eq!(of(json!([])).bytes, Some(2 * packed));
        for names in [json!(["up_proj"]), json!(["model.layers.*.mlp"]), json!(["re:.*up_proj$"])] {
            assert_eq!((of(names.clone()).dtype.as_str(), of(names).bytes), ("bf16", Some(2 * plain)));
        }
        assert_eq!(of(json!(["model.layers.1.mlp.up_proj"])).bytes, Some(packed + plain));
        assert_eq!(of(json!(["model.layers.1"])).bytes, Some(packed + plain));
        assert_eq!(of(json!(["lm_head", "proj"])).bytes, Some(2 * packed));
    }

    #[test]
    fn what_is_not_stated_is_not_known() {
        assert!(!storage(json!({})).is_known());
        let unknown = storage(json!({"torch_dtype": "float16", "quantization_config": {"quant_method": "newest"}}));
        assert!(!unknown.is_known() && unknown.doubt.is_some());
        assert!(storage(json!({"text_config": {"dtype": "float32"}})).is_known());
    }
}
