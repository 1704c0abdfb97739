//! The JSON of an exported program, as far as it is needed: everything else is stepped over without being kept.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// The whole program.
#[derive(Debug, Deserialize)]
pub(super) struct Program {
    pub graph_module: GraphModule,
    #[serde(default)]
    pub opset_version: BTreeMap<String, i64>,
    #[serde(default)]
    pub range_constraints: BTreeMap<String, Range>,
    #[serde(default)]
    pub torch_version: Option<String>,
}

/// What a symbol may stand for.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    #[serde(default)]
    pub min_val: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GraphModule {
    pub graph: Graph,
    pub signature: Signature,
}

#[derive(Debug, Deserialize)]
pub(super) struct Graph {
    pub inputs: Vec<Argument>,
    pub outputs: Vec<Argument>,
    pub nodes: Vec<Node>,
    pub tensor_values: HashMap<String, TensorMeta>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub target: String,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Argument>,
    #[serde(default)]
    pub metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub nn_module_stack: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(default)]
    pub name: String,
    pub arg: Argument,
}

#[derive(Debug, Deserialize)]
pub(super) struct TensorMeta {
    pub dtype: i64,
    pub sizes: Vec<Size>,
}

/// A size: a number, or an expression with the number that it had.
#[derive(Debug, Deserialize)]
pub(super) struct Size {
    #[serde(default)]
    pub as_int: Option<i64>,
    #[serde(default)]
    pub as_expr: Option<Expression>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Expression {
    pub expr_str: String,
    #[serde(default)]
    pub hint: Option<Hint>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hint {
    #[serde(default)]
    pub as_int: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    pub input_specs: Vec<InputSpec>,
}

/// What one input of the graph is: exactly one of these.
#[derive(Debug, Deserialize)]
pub(super) struct InputSpec {
    #[serde(default)]
    pub user_input: Option<UserInput>,
    #[serde(default)]
    pub parameter: Option<ParameterSpec>,
    #[serde(default)]
    pub buffer: Option<BufferSpec>,
    #[serde(default)]
    pub tensor_constant: Option<ConstantSpec>,
}

#[derive(Debug, Deserialize)]
pub(super) struct UserInput {
    pub arg: Argument,
}

#[derive(Debug, Deserialize)]
pub(super) struct ParameterSpec {
    pub arg: Named,
    pub parameter_name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct BufferSpec {
    pub arg: Named,
    pub buffer_name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConstantSpec {
    pub arg: Named,
    pub tensor_constant_name: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    pub name: String,
}

/// A graph as an argument of a node.
#[derive(Debug, Deserialize)]
pub(super) struct GraphArgument {
    pub graph: Graph,
}

/// Where the numbers of each weight are.
#[derive(Debug, Deserialize)]
pub(super) struct WeightsConfig {
    pub config: HashMap<String, WeightEntry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WeightEntry {
    pub path_name: String,
}

/// An argument of a node, an input or an output of a graph.
#[derive(Debug)]
pub(super) enum Argument {
    None,
    Tensor(String),
    /// Tensors, of which some may be absent.
    Tensors(Vec<Option<String>>),
    Int(i64),
    Ints(Vec<i64>),
    Float(f64),
    Text(String),
    Graph(Box<Graph>),
    /// Anything else.
    Other,
}

impl<'de> Deserialize<'de> for Argument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArgumentVisitor)
    }
}

struct ArgumentVisitor;

impl<'de> Visitor<'de> for ArgumentVisitor {
    type Value = Argument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an argument")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Argument, A::Error> {
        let mut found = Argument::Other;
        while let Some(key) = map.next_key::<String>()? {
            // Older versions write every kind and leave all but one null.
            found = match key.as_str() {
                "as_none" => {
                    map.next_value::<IgnoredAny>()?;
                    Argument::None
                }
                "as_tensor" => map.next_value::<Option<Named>>()?.map_or(found, |tensor| Argument::Tensor(tensor.name)),
                "as_tensors" => {
                    let tensors = map.next_value::<Option<Vec<Named>>>()?;
                    tensors
                        .map_or(found, |list| Argument::Tensors(list.into_iter().map(|one| Some(one.name)).collect()))
                }
                "as_optional_tensors" => map.next_value::<Option<Vec<OptionalTensor>>>()?.map_or(found, |list| {
                    Argument::Tensors(list.into_iter().map(|one| one.as_tensor.map(|tensor| tensor.name)).collect())
                }),
                "as_optional_tensor" => {
                    let tensor = map.next_value::<Option<OptionalTensor>>()?;
                    let name = tensor.and_then(|tensor| tensor.as_tensor).map(|tensor| tensor.name);
                    name.map_or(Argument::None, Argument::Tensor)
                }
                "as_int" => map.next_value::<Option<i64>>()?.map_or(found, Argument::Int),
                "as_ints" => map.next_value::<Option<Vec<i64>>>()?.map_or(found, Argument::Ints),
                "as_bool" => map.next_value::<Option<bool>>()?.map_or(found, |truth| Argument::Int(i64::from(truth))),
                "as_float" => match map.next_value::<Option<Number>>()? {
                    Some(Number::Float(number)) => Argument::Float(number),
                    // Infinities are written as texts.
                    _ => found,
                },
                "as_string" => map.next_value::<Option<String>>()?.map_or(found, Argument::Text),
                "as_sym_int" => match map.next_value::<Option<Size>>()?.and_then(|size| size.as_int) {
                    Some(number) => Argument::Int(number),
                    None => found,
                },
                "as_sym_ints" => match map.next_value::<Option<Vec<Size>>>()? {
                    Some(sizes) => match sizes.iter().map(|size| size.as_int).collect::<Option<Vec<_>>>() {
                        Some(numbers) => Argument::Ints(numbers),
                        None => found,
                    },
                    None => found,
                },
                "as_graph" => match map.next_value::<Option<GraphArgument>>()? {
                    Some(argument) => Argument::Graph(Box::new(argument.graph)),
                    None => found,
                },
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    found
                }
            };
        }
        Ok(found)
    }
}

#[derive(Debug, Deserialize)]
struct OptionalTensor {
    #[serde(default)]
    as_tensor: Option<Named>,
}

/// A number, or a text in its place.
#[derive(Debug)]
enum Number {
    Float(f64),
    Other,
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number::Float(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(Number::Float(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number::Float(number as f64))
    }

    fn visit_str<E>(self, _: &str) -> Result<Number, E> {
        Ok(Number::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
        Ok(Number::Other)
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number::Other)
    }
}
