//! Exported programs (`.pt2`): a graph of ATen operators with the shape of every tensor.
//!
//! Both layouts are read: one JSON beside pickled weights (torch 2.1 to 2.5), and `models/…json` with a file for each weight since.
//! Of the weights only names, shapes and places matter, and all of these stand in the JSON.
//! A shape that depends on an open dimension stands there as an expression, so nothing needs to be inferred:
//! the expressions become the declared shapes, with symbols named after the input and axis that they come from.

mod json;

use super::super::archive::{Archive, Entry};
use super::super::error::{Problem, ReadError};
use super::super::sniff::Look;
use super::super::source::Source;
use super::{container, pickle};
use crate::model::{
    Attribute, DType, DeclaredDim, DeclaredType, Model, Node, Storage, TensorRole, Value, ValueId, Weight,
};
use json::{Argument, Program, TensorMeta, WeightsConfig};
use std::collections::{BTreeMap, HashMap};
use std::io::BufReader;
use std::sync::Arc;

/// Largest program, and largest list of weights, in bytes.
const MOST_JSON: u64 = 48 << 20;
/// Most nodes, inlined ones included, and most values.
const MOST_NODES: usize = 500_000;
/// Most dimensions of a tensor.
const MOST_RANK: usize = 64;
/// Longest expression of a size, in bytes.
const LONGEST_EXPRESSION: usize = 20_000;
/// Deepest nesting of graphs in nodes.
const MOST_DEPTH: usize = 16;
/// The domain of these operators.
const DOMAIN: &str = "aten";

/// Whether an entry's name is that of a program.
pub(super) fn is_program(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with("serialized_exported_program.json")
        || (name.ends_with(".json") && (name.starts_with("models/") || name.contains("/models/")))
}

/// Whether an archive holds a program and says that it is one.
pub(super) fn recognises(look: &Look) -> bool {
    look.entries.iter().any(|name| is_program(name)) && (look.holds("archive_format") || look.holds("version"))
}

/// Reads an archive.
pub(super) fn read(mut source: Source<'_>) -> Result<Model, ReadError> {
    let (file, file_bytes) = (source.name().to_owned(), source.size());
    let mut places = pickled_places(Archive::open(source.again())?).unwrap_or_default();
    let mut archive = Archive::open(source)?;
    let programs: Vec<Entry> = archive.entries().iter().filter(|entry| is_program(&entry.name)).cloned().collect();
    let Some(entry) = programs.first() else {
        return Err(archive.error("models", Problem::Corrupt("it holds no program".to_owned())));
    };
    let folder = entry.name.split_once("models/").map_or("", |(folder, _)| folder).to_owned();
    places.extend(config_places(&mut archive, &folder));
    if entry.size > MOST_JSON {
        let what = format!("the program has {} bytes, and at most {MOST_JSON} are read", entry.size);
        return Err(archive.error(&entry.name, Problem::OverLimit(what)));
    }
    let source = match entry.in_place {
        true => archive.into_part(entry)?,
        false => {
            let bytes = archive.bytes(&entry.name, MOST_JSON)?;
            Source::new(&format!("{file}/{}", entry.name), std::io::Cursor::new(bytes))?
        }
    };
    let name = source.name().to_owned();
    let fail = |problem| ReadError { file: name.clone(), offset: None, place: "program".to_owned(), problem };
    let program: Program = serde_json::from_reader(BufReader::new(source))
        .map_err(|error| fail(Problem::Corrupt(format!("its program is not as torch.export writes it: {error}"))))?;
    let mut building = Building::new(&program, places);
    building.program(&program).map_err(fail)?;
    let mut model = building.model;
    model.file_bytes = file_bytes;
    if programs.len() > 1 {
        let names: Vec<&str> = programs.iter().map(|entry| entry.name.as_str()).take(5).collect();
        model.notes.warn(
            "",
            format!("the archive holds {} programs ({}); the first is read", programs.len(), names.join(", ")),
        );
    }
    Ok(model)
}

/// Where each weight's record begins, by the weight's name. Two names of one record are one weight.
fn config_places(archive: &mut Archive<'_>, folder: &str) -> HashMap<String, u64> {
    let ends = |name: &str| name.ends_with("_weights_config.json") || name.ends_with("_constants_config.json");
    let configs: Vec<String> =
        archive.entries().iter().map(|entry| entry.name.clone()).filter(|name| ends(name)).take(16).collect();
    let mut places = HashMap::new();
    for name in configs {
        let Ok(bytes) = archive.bytes(&name, MOST_JSON) else { continue };
        let Ok(read) = serde_json::from_slice::<WeightsConfig>(&bytes) else { continue };
        let beside = name.rsplit_once('/').map_or(folder, |(beside, _)| beside).to_owned();
        let known: HashMap<&str, u64> =
            archive.entries().iter().map(|entry| (entry.name.as_str(), entry.offset)).collect();
        for (weight, entry) in read.config {
            if let Some(offset) = known.get(format!("{beside}/{}", entry.path_name).as_str()) {
                places.insert(weight, *offset);
            }
        }
    }
    places
}

/// The same where all weights are one pickled table, a file of PyTorch within this one.
fn pickled_places(mut archive: Archive<'_>) -> Option<HashMap<String, u64>> {
    let entry = archive.ending("serialized_state_dict.pt")?.clone();
    let inner = match entry.in_place {
        true => archive.into_part(&entry).ok()?,
        false => {
            let bytes = archive.bytes(&entry.name, MOST_JSON).ok()?;
            Source::new(&entry.name, std::io::Cursor::new(bytes)).ok()?
        }
    };
    let contents = container::zip(Archive::open(inner).ok()?).ok()?;
    let place = |(name, value): &(pickle::Value, pickle::Value)| {
        let pickle::Value::Text(name) = name else { return None };
        let (index, first) = contents.machine.tensor(value)?.storage?;
        let place = contents.places.get(&contents.machine.storage(index)?.key)?;
        Some((name.to_string(), entry.offset.checked_add(place.offset)?.checked_add(first)?))
    };
    Some(contents.machine.entries(&contents.root).iter().filter_map(place).collect())
}

/// The element type of torch's number for it in these files.
fn dtype(number: i64) -> Option<DType> {
    Some(match number {
        1 => DType::U8,
        2 => DType::I8,
        3 => DType::I16,
        4 => DType::I32,
        5 => DType::I64,
        6 => DType::F16,
        7 => DType::F32,
        8 => DType::F64,
        10 => DType::C64,
        11 => DType::C128,
        12 => DType::Bool,
        13 => DType::Bf16,
        28 => DType::U16,
        29 => DType::F8E4M3,
        30 => DType::F8E5M2,
        31 => DType::F8E4M3Fnuz,
        32 => DType::F8E5M2Fnuz,
        33 => DType::F8E8M0,
        34 => DType::U32,
        35 => DType::U64,
        _ => return None,
    })
}

/// A model on its way from a program.
struct Building {
    model: Model,
    /// Where weights lie, by name.
    places: HashMap<String, u64>,
    /// Our names for the program's symbols.
    symbols: HashMap<String, String>,
}

impl Building {
    fn new(program: &Program, places: HashMap<String, u64>) -> Self {
        let version = program.torch_version.clone().unwrap_or_default();
        let producer = match version.trim_start_matches('<') {
            "" => "torch.export".to_owned(),
            version => format!("torch.export {}", crate::notes::clip(version)),
        };
        let model = Model {
            format: "exported_program".to_owned(),
            producer,
            opsets: program
                .opset_version
                .iter()
                .take(32)
                .map(|(name, version)| (crate::notes::clip(name), *version))
                .collect(),
            states_all_shapes: true,
            ..Model::default()
        };
        Self { model, places, symbols: HashMap::new() }
    }

    fn program(&mut self, program: &Program) -> Result<(), Problem> {
        let graph = &program.graph_module.graph;
        let inputs = inputs(program);
        self.name_symbols(program, &inputs);
        let mut values: HashMap<&str, ValueId> = HashMap::new();
        let mut shared: HashMap<(u64, Vec<u64>), ValueId> = HashMap::new();
        let mut fresh = u64::MAX;
        for spec in &program.graph_module.signature.input_specs {
            let (name, of, role) = match () {
                () if let Some(of) = &spec.parameter => (&of.arg.name, &of.parameter_name, TensorRole::Parameter),
                () if let Some(of) = &spec.buffer => (&of.arg.name, &of.buffer_name, TensorRole::Buffer),
                // Numbers written in the code, which the exporter lifted out of it.
                () if let Some(of) = &spec.tensor_constant => {
                    (&of.arg.name, &of.tensor_constant_name, TensorRole::Setting)
                }
                () => continue,
            };
            let Some(meta) = graph.tensor_values.get(name) else { continue };
            let shape: Option<Vec<u64>> = meta.sizes.iter().map(|size| u64::try_from(size.as_int?).ok()).collect();
            let (Some(shape), Some(dtype)) = (shape.filter(|shape| shape.len() <= MOST_RANK), dtype(meta.dtype)) else {
                self.model.notes.warn(of, "the size or the type of this weight is not known, so it is not counted");
                continue;
            };
            fresh -= 1;
            let offset = self.places.get(of).copied().unwrap_or(fresh);
            // Two names of one record are one value, so that it belongs to whichever node uses it first.
            if let Some(id) = shared.get(&(offset, shape.clone())) {
                values.insert(name, *id);
                continue;
            }
            let weight = Weight { role: Some(role), ..Weight::new(dtype, shape.clone(), Storage::Inside { offset }) };
            let id = self.model.add_weight(of, weight);
            shared.insert((offset, shape), id);
            values.insert(name, id);
        }
        for name in inputs {
            let id = self.value(name, graph.tensor_values.get(name))?;
            self.model.graph.inputs.push(id);
            values.insert(name, id);
        }
        self.nodes(graph, values, "", 0, true)?;
        let symbols: Vec<(String, Option<i64>)> = self
            .symbols
            .iter()
            .map(|(own, name)| (name.clone(), program.range_constraints.get(own).and_then(|range| range.min_val)))
            .collect();
        // A symbol without a number that it was exported with depends on the data.
        for (name, least) in symbols {
            let least = least.and_then(|least| u64::try_from(least).ok()).unwrap_or(1).max(1);
            self.model.sizes_made_with.entry(name).or_insert(least);
        }
        Ok(())
    }

    /// Names each symbol after the first input and axis where it stands alone; others keep their own names.
    fn name_symbols(&mut self, program: &Program, inputs: &[&str]) {
        let values = &program.graph_module.graph.tensor_values;
        for name in inputs {
            for (axis, size) in values.get(*name).iter().flat_map(|meta| &meta.sizes).enumerate() {
                let Some(expression) = &size.as_expr else { continue };
                let Some(symbol) = lone_symbol(&expression.expr_str) else { continue };
                let known = self.symbols.entry(symbol.to_owned()).or_insert_with(|| format!("{name}.{axis}"));
                let made_with = expression.hint.as_ref().and_then(|hint| u64::try_from(hint.as_int?).ok());
                if let Some(number) = made_with {
                    self.model.sizes_made_with.entry(known.clone()).or_insert(number);
                }
            }
        }
        let expressions = values.values().flat_map(|meta| &meta.sizes).filter_map(|size| size.as_expr.as_ref());
        for expression in expressions {
            if let Some(symbol) = lone_symbol(&expression.expr_str)
                && !self.symbols.contains_key(symbol)
            {
                self.symbols.insert(symbol.to_owned(), symbol.to_owned());
                if let Some(number) = expression.hint.as_ref().and_then(|hint| u64::try_from(hint.as_int?).ok()) {
                    self.model.sizes_made_with.insert(symbol.to_owned(), number);
                }
            }
        }
        // Those that stand in sums and products alone.
        for symbol in program.range_constraints.keys().filter_map(|name| lone_symbol(name)) {
            self.symbols.entry(symbol.to_owned()).or_insert_with(|| symbol.to_owned());
        }
    }

    /// Adds a value with the type that the program states.
    fn value(&mut self, name: &str, meta: Option<&TensorMeta>) -> Result<ValueId, Problem> {
        if self.model.values.len() >= 2 * MOST_NODES {
            return Err(Problem::OverLimit(format!("it has more than {} values", 2 * MOST_NODES)));
        }
        let declared = meta.filter(|meta| meta.sizes.len() <= MOST_RANK).map(|meta| DeclaredType::Tensor {
            dtype: dtype(meta.dtype),
            shape: Some(meta.sizes.iter().map(|size| self.dim(size)).collect()),
        });
        let id = ValueId(u32::try_from(self.model.values.len()).unwrap_or(u32::MAX));
        self.model.values.push(Value { name: name.into(), declared, weight: None });
        Ok(id)
    }

    fn dim(&self, size: &json::Size) -> DeclaredDim {
        match (size.as_int.map(u64::try_from), &size.as_expr) {
            (Some(Ok(number)), _) => DeclaredDim::Fixed(number),
            (None, Some(expression)) => DeclaredDim::Named(renamed(&expression.expr_str, &self.symbols).into()),
            _ => DeclaredDim::Open,
        }
    }

    /// Adds the nodes of a graph whose inputs are bound already; gives what its outputs are.
    fn nodes<'g>(
        &mut self,
        graph: &'g json::Graph,
        mut values: HashMap<&'g str, ValueId>,
        within: &str,
        depth: usize,
        is_main: bool,
    ) -> Result<Vec<Option<ValueId>>, Problem> {
        if depth > MOST_DEPTH {
            return Err(Problem::OverLimit(format!("graphs nest deeper than {MOST_DEPTH}")));
        }
        for node in &graph.nodes {
            if self.model.graph.nodes.len() >= MOST_NODES {
                return Err(Problem::OverLimit(format!("it has more than {MOST_NODES} nodes")));
            }
            let path = path(node.metadata.nn_module_stack.as_deref()).unwrap_or_else(|| within.to_owned());
            // Graphs that only run under another setting (without gradients, in another precision) are part of this one.
            if node.target.contains("wrap_")
                && let Some(inner) = self.inlined(node, &values, &path, depth)?
            {
                for (name, id) in output_names(&node.outputs).into_iter().zip(inner) {
                    if let (Some(name), Some(id)) = (name, id) {
                        values.insert(name, id);
                    }
                }
                continue;
            }
            let names = output_names(&node.outputs);
            // Sizes computed from sizes, and assertions about them: no tensor comes out.
            if names.iter().flatten().next().is_none() {
                continue;
            }
            let mut built = self.node(node, &values, path);
            for name in names {
                let id = match name {
                    Some(name) => {
                        let id = self.value(name, graph.tensor_values.get(name))?;
                        values.insert(name, id);
                        Some(id)
                    }
                    None => None,
                };
                built.outputs.push(id);
            }
            if let Some(first) = built.outputs.iter().flatten().next() {
                built.name = self.model.name(*first).into();
            }
            self.model.graph.nodes.push(built);
        }
        let names = output_names(&graph.outputs);
        let outputs: Vec<Option<ValueId>> = names.into_iter().map(|name| values.get(name?).copied()).collect();
        if is_main {
            self.model.graph.outputs = outputs.iter().flatten().copied().collect();
        }
        Ok(outputs)
    }

    /// Adds the nodes of the graph in a node's arguments, whose inputs are the arguments behind it.
    fn inlined(
        &mut self,
        node: &json::Node,
        values: &HashMap<&str, ValueId>,
        path: &str,
        depth: usize,
    ) -> Result<Option<Vec<Option<ValueId>>>, Problem> {
        let place = node.inputs.iter().position(|input| matches!(input.arg, Argument::Graph(_)));
        let Some(place) = place else { return Ok(None) };
        let Some(Argument::Graph(graph)) = node.inputs.get(place).map(|input| &input.arg) else { return Ok(None) };
        let given = node.inputs.get(place + 1..).unwrap_or_default();
        let given = given.iter().flat_map(|input| names_in(&input.arg));
        let wanted = graph.inputs.iter().flat_map(names_in);
        let mut bound = HashMap::new();
        for (inner, outer) in wanted.zip(given) {
            if let (Some(inner), Some(id)) = (inner, outer.and_then(|outer| values.get(outer))) {
                bound.insert(inner, *id);
            }
        }
        self.nodes(graph, bound, path, depth + 1, false).map(Some)
    }

    /// A node with its inputs: tensors in the order of the operator's arguments, everything else as attributes.
    fn node(&mut self, node: &json::Node, values: &HashMap<&str, ValueId>, path: String) -> Node {
        let mut inputs: Vec<Option<ValueId>> = Vec::new();
        let mut attributes: BTreeMap<Arc<str>, Attribute> = BTreeMap::new();
        for input in &node.inputs {
            let attribute = match &input.arg {
                Argument::Tensor(name) => {
                    inputs.push(values.get(name.as_str()).copied());
                    None
                }
                Argument::Tensors(names) => {
                    // Where the list stands among the inputs, and how long it is.
                    let stretch = [inputs.len(), names.len()].map(|place| i64::try_from(place).unwrap_or(i64::MAX));
                    inputs.extend(names.iter().map(|name| values.get(name.as_deref()?).copied()));
                    Some(Attribute::Ints(stretch.to_vec()))
                }
                Argument::None => {
                    inputs.push(None);
                    None
                }
                Argument::Int(number) => Some(Attribute::Int(*number)),
                Argument::Ints(numbers) => Some(Attribute::Ints(numbers.clone())),
                Argument::Float(number) => Some(Attribute::Float(*number)),
                Argument::Text(text) => Some(Attribute::Text(crate::notes::clip(text).into())),
                Argument::Graph(_) | Argument::Other => None,
            };
            if let Some(attribute) = attribute {
                attributes.insert(input.name.as_str().into(), attribute);
            }
        }
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        Node {
            op: operator(&node.target).into(),
            domain: DOMAIN.into(),
            inputs,
            attributes,
            path: path.into(),
            ..Node::default()
        }
    }
}

/// The names of the tensors that the caller provides.
fn inputs(program: &Program) -> Vec<&str> {
    let specs = &program.graph_module.signature.input_specs;
    specs.iter().filter_map(|spec| spec.user_input.as_ref()).flat_map(|input| names_in(&input.arg)).flatten().collect()
}

/// The names of the tensors in an argument, in order; `None` for one that is left out.
fn names_in(argument: &Argument) -> Vec<Option<&str>> {
    match argument {
        Argument::Tensor(name) => vec![Some(name)],
        Argument::Tensors(names) => names.iter().map(Option::as_deref).collect(),
        _ => vec![None],
    }
}

fn output_names(outputs: &[Argument]) -> Vec<Option<&str>> {
    outputs.iter().flat_map(names_in).collect()
}

/// The operator's own name: `conv2d` for `torch.ops.aten.conv2d.default`, with its library where that is not ATen.
fn operator(target: &str) -> String {
    let name = target.strip_prefix("torch.ops.").unwrap_or(target);
    let name = name.strip_prefix("higher_order.").unwrap_or(name);
    let own = name.strip_prefix("aten.").map(|name| name.split('.').next().unwrap_or(name));
    own.map_or_else(
        || match name.rsplit_once('.') {
            Some((name, "default" | "overload")) => crate::notes::clip(name),
            _ => crate::notes::clip(name),
        },
        crate::notes::clip,
    )
}

/// The module that a node comes from: of a stack `key,path,class;key,path,class` the last path.
fn path(stack: Option<&str>) -> Option<String> {
    let last = stack?.rsplit(';').next()?;
    let path = last.split(',').nth(1)?;
    Some(crate::notes::clip(&path.replace('.', "/")))
}

/// The symbol, if an expression is nothing else.
fn lone_symbol(expression: &str) -> Option<&str> {
    let name = match expression.strip_prefix("Symbol('") {
        Some(rest) => {
            let (name, rest) = rest.split_once('\'')?;
            rest.find(')').is_some_and(|end| end + 1 == rest.len()).then_some(name)?
        }
        None => expression,
    };
    let is_word = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_word && name.starts_with(|letter: char| letter.is_ascii_alphabetic())).then_some(name)
}

/// An expression with our names for its symbols.
fn renamed(expression: &str, names: &HashMap<String, String>) -> String {
    if let Some(symbol) = lone_symbol(expression) {
        return names.get(symbol).cloned().unwrap_or_else(|| symbol.to_owned());
    }
    if expression.len() > LONGEST_EXPRESSION {
        return "?".to_owned();
    }
    let mut text = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let symbol = rest.strip_prefix("Symbol('").and_then(|inner| {
            let (name, after) = inner.split_once('\'')?;
            Some((name, after.split_once(')')?.1))
        });
        if let Some((name, after)) = symbol {
            text.push_str(names.get(name).map_or(name, String::as_str));
            rest = after;
            continue;
        }
        let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end.max(first.len_utf8())).unwrap_or((rest, ""));
        text.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_renamed_in_both_notations() {
        let names = HashMap::from([("s0".to_owned(), "x.0".to_owned())]);
        assert_eq!(renamed("Symbol('s0', positive=True, integer=True)", &names), "x.0");
        assert_eq!(renamed("s0", &names), "x.0");
        assert_eq!(renamed("2*s0 + s01", &names), "2*x.0 + s01");
        assert_eq!(renamed("Mul(Integer(2), Symbol('s0', integer=True))", &names), "Mul(Integer(2), x.0)");
        assert_eq!(lone_symbol("Mul(Symbol('s0'), Integer(2))"), None);
        assert_eq!(lone_symbol("Symbol('a')Symbol('b')"), None);
    }

    #[test]
    fn operators_lose_their_overload() {
        assert_eq!(operator("torch.ops.aten.conv2d.default"), "conv2d");
        assert_eq!(operator("torch.ops.aten.add.Tensor"), "add");
        assert_eq!(operator("torch.ops.torchvision.nms.default"), "torchvision.nms");
        assert_eq!(operator("torch.ops.higher_order.cond"), "cond");
    }

    #[test]
    fn the_last_module_of_a_stack_is_where_a_node_belongs() {
        let stack = "L__self__,,torch.nn.Module;L__self___a,a,m.A;L__self___a_0,a.0,m.B";
        assert_eq!(path(Some(stack)).as_deref(), Some("a/0"));
        assert_eq!(path(None), None);
    }
}
