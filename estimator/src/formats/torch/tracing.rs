//! TorchScript's code, followed from a module's `forward` through all that it calls: a graph comes out.
//!
//! Numbers, lists and modules are followed as they are; tensors and sizes only as values of the graph. Nothing of the file is
//! run: calls of `torch` become nodes (`operators` says which), everything else is read.
//! What hangs on numbers that only a run knows ends it with a reason, and the file is then read as weights alone.

use super::calls;
use super::code::{Code, Expr, Function, Statement};
use super::container::Contents;
use super::pickle::{self, Thing};
use crate::model::{
    Attribute, Contents as Numbers, DType, DeclaredDim, DeclaredType, Model, Node, Storage, TensorRole, Value, ValueId,
    Weight,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Most statements and calls that are followed, and the nodes they make.
const MOST_STEPS: usize = 500_000;
const MOST_NODES: usize = 200_000;
/// Deepest nesting of calls, and of expressions within them.
const MOST_DEPTH: usize = 200;
/// Longest path of a module.
const MOST_PATH: usize = 2000;
/// Most turns of a loop.
const MOST_TURNS: i64 = 4096;

/// Why the code cannot be followed to its end.
pub(super) type Result<T> = std::result::Result<T, String>;

/// A tensor as far as reading knows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub id: ValueId,
    pub rank: Option<usize>,
    /// The model's input that it is, element for element.
    pub input: Option<usize>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Val {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    List(Vec<Val>),
    Tensor(Tensor),
    /// A whole number that a run computes: a value of the graph with one element and no dimensions.
    Number(ValueId),
    /// All sizes of a tensor of unknown rank.
    Sizes(ValueId),
    /// A module: its place in the pickle and its path.
    Module(u32, Rc<str>),
    /// A function by its full name.
    Function(Rc<str>),
    /// What plays no part in shapes.
    Unknown,
}

/// Follows the code.
pub(super) struct Tracing<'a> {
    code: &'a Code,
    contents: &'a Contents,
    /// The constants of the code, by their numbers.
    constants: Vec<Val>,
    pub model: Model,
    names: HashMap<Arc<str>, ValueId>,
    /// Values of the pickle's tensors, by their storages, beginnings and shapes: some stand in modules under several names.
    tensors: HashMap<(u32, u64, Vec<u64>), ValueId>,
    /// Attributes that the code has set.
    set: HashMap<(u32, Rc<str>), Val>,
    /// Whole numbers that stand in the graph as constants.
    integers: HashMap<Vec<i64>, ValueId>,
    path: Rc<str>,
    steps: usize,
    depth: usize,
}

/// The names of one call.
type Names = HashMap<Rc<str>, Val>;

/// Adds the graph of the code's `forward` to a model that holds the weights already.
///
/// # Errors
/// Says why the code cannot be followed; the model then stays as it was.
pub(super) fn graph(code: &Code, contents: &Contents, constants: Vec<Weight>, model: &mut Model) -> Result<()> {
    let (values, notes) = (model.values.len(), model.notes.clone());
    let names = (0u32..).zip(&model.values).map(|(id, value)| (Arc::clone(&value.name), ValueId(id))).collect();
    let mut tracing = Tracing {
        code,
        contents,
        constants: Vec::new(),
        model: std::mem::take(model),
        names,
        tensors: HashMap::new(),
        set: HashMap::new(),
        integers: HashMap::new(),
        path: "".into(),
        steps: 0,
        depth: 0,
    };
    let outcome = tracing.forward(constants);
    *model = tracing.model;
    match outcome {
        Ok(()) => model.weights_only = false,
        Err(_) => {
            model.values.truncate(values);
            model.notes = notes;
            model.graph.inputs.clear();
            model.graph.outputs.clear();
            model.graph.nodes.clear();
        }
    }
    outcome
}

impl Tracing<'_> {
    /// Follows the outermost module's `forward` with its inputs.
    fn forward(&mut self, constants: Vec<Weight>) -> Result<()> {
        let pickle::Value::Thing(root) = self.contents.root else { return Err("the file holds no module".to_owned()) };
        self.know_weights();
        for (place, weight) in constants.into_iter().enumerate() {
            let rank = Some(weight.shape.len());
            let id = self.constant(&format!("CONSTANTS.c{place}"), weight);
            self.constants.push(Val::Tensor(Tensor { id, rank, input: None }));
        }
        let Some(function) = self.method(root, "forward") else {
            return Err("its module has no method 'forward'".to_owned());
        };
        let mut arguments = vec![Val::Module(root, "".into())];
        for (name, of, default) in function.parameters.iter().skip(1) {
            arguments.push(match (of.as_str(), default) {
                (_, Some(default)) => self.eval(default, &Names::new())?,
                ("Tensor", None) => self.input(name),
                ("Optional[Tensor]", None) => Val::None,
                ("int", None) => self.number(name),
                (of, None) => return Err(format!("its input '{name}' is of the type {}", crate::notes::clip(of))),
            });
        }
        let result = self.call(&function, arguments, Vec::new())?;
        self.outputs(&result)?;
        if self.model.graph.nodes.is_empty() || self.model.graph.outputs.is_empty() {
            return Err("its code computes nothing with tensors".to_owned());
        }
        Ok(())
    }

    fn add_value(&mut self, value: Value) -> ValueId {
        let id = ValueId(u32::try_from(self.model.values.len()).unwrap_or(u32::MAX));
        self.model.values.push(value);
        id
    }

    fn input(&mut self, name: &str) -> Val {
        let declared = Some(DeclaredType::Tensor { dtype: Some(DType::F32), shape: None });
        let id = self.add_value(Value { name: name.into(), declared, weight: None });
        self.model.graph.inputs.push(id);
        Val::Tensor(Tensor { id, rank: None, input: Some(self.model.graph.inputs.len() - 1) })
    }

    /// A whole number that the caller gives.
    fn number(&mut self, name: &str) -> Val {
        let declared = Some(DeclaredType::Tensor { dtype: Some(DType::I64), shape: Some(Vec::new()) });
        let id = self.add_value(Value { name: name.into(), declared, weight: None });
        self.model.graph.inputs.push(id);
        Val::Number(id)
    }

    /// Says what an input must be, by the first operator that takes it.
    pub fn suppose(&mut self, tensor: &mut Tensor, dtype: DType, dims: &[DeclaredDim]) {
        let Some(id) = tensor.input.and_then(|place| self.model.graph.inputs.get(place)) else { return };
        let Some(value) = self.model.values.get_mut(id.0 as usize) else { return };
        if let Some(DeclaredType::Tensor { shape: shape @ None, dtype: of }) = &mut value.declared {
            (*shape, *of) = (Some(dims.to_vec()), Some(dtype));
            tensor.rank = Some(dims.len());
        } else if let Some(DeclaredType::Tensor { shape: Some(shape), .. }) = &value.declared {
            tensor.rank = Some(shape.len());
        }
    }

    /// A constant of the code: a value with contents that belongs to no module.
    pub fn constant(&mut self, name: &str, weight: Weight) -> ValueId {
        let weight = Weight { role: Some(TensorRole::Setting), ..weight };
        self.add_value(Value { name: name.into(), declared: None, weight: Some(weight) })
    }

    /// Whole numbers as a value with one dimension.
    pub fn integers(&mut self, items: &[i64]) -> ValueId {
        self.whole(items, vec![items.len() as u64])
    }

    /// A whole number as a value without dimensions.
    pub fn integer(&mut self, item: i64) -> ValueId {
        self.whole(&[item], Vec::new())
    }

    fn whole(&mut self, items: &[i64], shape: Vec<u64>) -> ValueId {
        let key: Vec<i64> = std::iter::once(shape.len() as i64).chain(items.iter().copied()).collect();
        if let Some(id) = self.integers.get(&key) {
            return *id;
        }
        let contents = Some(Numbers::Integers(items.to_vec()));
        let nowhere = Storage::Inside { offset: NOWHERE + self.model.values.len() as u64 };
        let id = self.constant("", Weight { contents, ..Weight::new(DType::I64, shape, nowhere) });
        self.integers.insert(key, id);
        id
    }

    /// A float as a value without dimensions.
    pub fn float(&mut self, item: f64) -> ValueId {
        let contents = Some(Numbers::Floats(vec![item]));
        let nowhere = Storage::Inside { offset: NOWHERE + self.model.values.len() as u64 };
        self.constant("", Weight { contents, ..Weight::new(DType::F32, Vec::new(), nowhere) })
    }

    /// Adds a node; gives its outputs.
    pub fn emit(
        &mut self,
        op: &str,
        inputs: &[Option<ValueId>],
        attributes: Vec<(&str, Attribute)>,
        outputs: usize,
    ) -> Result<Vec<ValueId>> {
        if self.model.graph.nodes.len() >= MOST_NODES {
            return Err(format!("it makes more than {MOST_NODES} nodes"));
        }
        let (domain, op) = op.split_once("::").unwrap_or(("", op));
        let name = format!("{}/{op}_{}", self.path, self.model.graph.nodes.len());
        let mut ids = Vec::with_capacity(outputs);
        for place in 0..outputs {
            let name = if place == 0 { name.clone() } else { format!("{name}.{place}") };
            ids.push(self.add_value(Value { name: name.into(), ..Value::default() }));
        }
        let mut inputs = inputs.to_vec();
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        self.model.graph.nodes.push(Node {
            name: name.into(),
            domain: domain.into(),
            op: op.into(),
            opset: OPSET,
            inputs,
            outputs: ids.iter().copied().map(Some).collect(),
            attributes: attributes.into_iter().map(|(name, value)| (name.into(), value)).collect::<BTreeMap<_, _>>(),
            path: self.path.as_ref().into(),
        });
        Ok(ids)
    }

    /// The first output of a node.
    pub fn one(&mut self, op: &str, inputs: &[Option<ValueId>], attributes: Vec<(&str, Attribute)>) -> Result<ValueId> {
        let ids = self.emit(op, inputs, attributes, 1)?;
        ids.first().copied().ok_or_else(String::new)
    }

    /// The sizes of a weight.
    pub fn sizes_of(&self, id: ValueId) -> Option<&[u64]> {
        Some(&self.model.value(id)?.weight.as_ref()?.shape)
    }

    fn outputs(&mut self, result: &Val) -> Result<()> {
        match result {
            Val::Tensor(tensor) => self.model.graph.outputs.push(tensor.id),
            Val::List(items) => items.iter().try_for_each(|item| self.outputs(item))?,
            // What is lost on the way would be missing from every count.
            Val::Unknown => return Err("part of it works with values that are not followed here".to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// The method of a module's class.
    fn method(&self, module: u32, name: &str) -> Option<Rc<Function>> {
        let Some(Thing::Object(object)) = self.contents.machine.things.get(module as usize) else { return None };
        self.code.functions.get(&format!("{}.{name}", object.class)).cloned()
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS { Err("its code is too long to follow".to_owned()) } else { Ok(()) }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.step()?;
        if self.depth >= MOST_DEPTH {
            return Err("its calls nest too deeply".to_owned());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Follows a function.
    fn call(&mut self, function: &Function, given: Vec<Val>, named: Vec<(Rc<str>, Val)>) -> Result<Val> {
        self.deeper(|this| {
            let mut names = Names::new();
            let mut given = given.into_iter();
            for (name, _, default) in &function.parameters {
                let value = match (given.next(), named.iter().find(|(of, _)| of == name), default) {
                    (Some(value), _, _) => value,
                    (None, Some((_, value)), _) => value.clone(),
                    (None, None, Some(default)) => this.eval(default, &Names::new())?,
                    (None, None, None) => Val::Unknown,
                };
                names.insert(Rc::clone(name), value);
            }
            let path = Rc::clone(&this.path);
            if let Some(Val::Module(_, own)) = names.get("self") {
                this.path = Rc::clone(own);
            }
            let result = this.run(&function.body, &mut names);
            this.path = path;
            Ok(result?.unwrap_or(Val::None))
        })
    }

    /// Follows lines; gives what they return, if they do.
    fn run(&mut self, lines: &[Statement], names: &mut Names) -> Result<Option<Val>> {
        for line in lines {
            self.step()?;
            if let Statement::Call(call) | Statement::Assign(_, call) = line
                && self.appends(call, names)?
            {
                continue;
            }
            match line {
                Statement::Pass => {}
                Statement::Call(expr) => {
                    self.eval(expr, names)?;
                }
                Statement::Return(expr) => return self.eval(expr, names).map(Some),
                Statement::Assign(left, right) => {
                    let value = self.wanting(right, names, left.len())?;
                    self.assign(left, value, names)?;
                }
                Statement::Block(body) => {
                    if let Some(result) = self.run(body, names)? {
                        return Ok(Some(result));
                    }
                }
                Statement::If(condition, yes, no) => {
                    let taken = match truth(&self.eval(condition, names)?) {
                        Some(true) => yes,
                        Some(false) => no,
                        // A check that stops a run with the wrong input.
                        None if raises(yes) => no,
                        None if raises(no) => yes,
                        None => return Err("it branches on values that only a run knows".to_owned()),
                    };
                    if let Some(result) = self.deeper(|this| this.run(taken, names))? {
                        return Ok(Some(result));
                    }
                }
                Statement::For(name, over, body) => {
                    let turns = match self.eval(over, names)? {
                        Val::Int(turns) if turns <= MOST_TURNS => turns,
                        _ => return Err("it loops so often as only a run knows".to_owned()),
                    };
                    for turn in 0..turns {
                        names.insert(Rc::clone(name), Val::Int(turn));
                        if let Some(result) = self.deeper(|this| this.run(body, names))? {
                            return Ok(Some(result));
                        }
                    }
                }
                Statement::While => return Err("it loops so often as only a run knows".to_owned()),
            }
        }
        Ok(None)
    }

    /// Whether a line puts something at the end of a list, the only change of a value that stands under a name.
    fn appends(&mut self, call: &Expr, names: &mut Names) -> Result<bool> {
        let Expr::Call(callee, arguments) = call else { return Ok(false) };
        if dotted(callee, names).as_deref() != Some("torch.append") {
            return Ok(false);
        }
        if let [(None, Expr::Name(list)), (None, item)] = arguments.as_slice() {
            let item = self.eval(item, names)?;
            if let Some(Val::List(items)) = names.get_mut(list)
                && items.len() < MOST_STEPS
            {
                items.push(item);
                return Ok(true);
            }
        }
        Err("it fills a list that is not followed here".to_owned())
    }

    fn assign(&mut self, left: &[Expr], value: Val, names: &mut Names) -> Result<()> {
        if let [one] = left {
            // `a, = …` and `a = …` look alike where the value is no list of one.
            let value = match (one, value) {
                (Expr::List(inner), value) => return self.assign(inner, value, names),
                (_, value) => value,
            };
            return self.assign_one(one, value, names);
        }
        let items = match value {
            Val::List(items) if items.len() == left.len() => items,
            _ => vec![Val::Unknown; left.len()],
        };
        for (name, item) in left.iter().zip(items) {
            self.assign_one(name, item, names)?;
        }
        Ok(())
    }

    fn assign_one(&mut self, name: &Expr, value: Val, names: &mut Names) -> Result<()> {
        match name {
            Expr::Name(name) => {
                names.insert(Rc::clone(name), value);
            }
            Expr::Attribute(of, name) => {
                if let Val::Module(module, _) = self.eval(of, names)? {
                    self.set.insert((module, Rc::clone(name)), value);
                }
            }
            Expr::List(inner) => self.assign(inner, value, names)?,
            _ => {}
        }
        Ok(())
    }

    fn eval(&mut self, expr: &Expr, names: &Names) -> Result<Val> {
        self.wanting(expr, names, 1)
    }

    /// The value of an expression of which so many parts are wanted.
    fn wanting(&mut self, expr: &Expr, names: &Names, wanted: usize) -> Result<Val> {
        self.deeper(|this| {
            Ok(match expr {
                Expr::None => Val::None,
                Expr::Bool(value) => Val::Bool(*value),
                Expr::Int(value) => Val::Int(*value),
                Expr::Float(value) => Val::Float(*value),
                Expr::Text(value) => Val::Text(Rc::clone(value)),
                Expr::List(items) => Val::List(items.iter().map(|item| this.eval(item, names)).collect::<Result<_>>()?),
                Expr::Name(name) => match names.get(name) {
                    Some(value) => {
                        // A list is copied: lists of lists would grow without end.
                        this.steps = this.steps.saturating_add(size_of(value));
                        this.step()?;
                        value.clone()
                    }
                    None => Val::Unknown,
                },
                Expr::Attribute(of, name) => match dotted(expr, names) {
                    Some(full) => this.global(&full),
                    None => match this.eval(of, names)? {
                        Val::Module(module, path) => this.attribute(module, &path, name),
                        _ => Val::Unknown,
                    },
                },
                Expr::Index(of, index) => {
                    let (of, index) = (this.eval(of, names)?, this.eval(index, names)?);
                    this.item(of, &index)?
                }
                Expr::Call(callee, arguments) => this.called(callee, arguments, names, wanted)?,
            })
        })
    }

    /// What a dotted name outside of the call's own names stands for.
    fn global(&self, name: &str) -> Val {
        match name.strip_prefix("CONSTANTS.c").and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => self.constants.get(number).cloned().unwrap_or(Val::Unknown),
            None if self.code.functions.contains_key(name) => Val::Function(name.into()),
            None => Val::Unknown,
        }
    }

    fn attribute(&mut self, module: u32, path: &Rc<str>, name: &Rc<str>) -> Val {
        if let Some(value) = self.set.get(&(module, Rc::clone(name))) {
            return value.clone();
        }
        let contents = self.contents;
        let Some(Thing::Object(object)) = contents.machine.things.get(module as usize) else { return Val::Unknown };
        let Some(value) = object.state.as_ref().and_then(|state| contents.machine.get(state, name)) else {
            return Val::Unknown;
        };
        let path = if path.is_empty() { Rc::clone(name) } else { format!("{path}.{name}").into() };
        self.held(value, &path, 0)
    }

    /// A value of the pickle, by the path that leads to it.
    fn held(&mut self, value: &pickle::Value, path: &Rc<str>, depth: usize) -> Val {
        match value {
            pickle::Value::None => Val::None,
            pickle::Value::Bool(value) => Val::Bool(*value),
            pickle::Value::Int(value) => Val::Int(*value),
            pickle::Value::Float(value) => Val::Float(*value),
            pickle::Value::Text(value) => Val::Text(Rc::clone(value)),
            pickle::Value::Thing(index) => match self.contents.machine.things.get(*index as usize) {
                Some(Thing::Tensor(tensor)) => {
                    let rank = Some(tensor.shape.len());
                    let id = self.weight(*index, path, tensor);
                    Val::Tensor(Tensor { id, rank, input: None })
                }
                Some(Thing::Object(_)) => Val::Module(*index, Rc::clone(path)),
                Some(Thing::List(items)) if depth == 0 && items.len() < 1000 => {
                    self.steps = self.steps.saturating_add(items.len());
                    Val::List(items.iter().map(|item| self.held(item, path, depth + 1)).collect())
                }
                _ => Val::Unknown,
            },
            _ => Val::Unknown,
        }
    }

    /// The value of a tensor of the pickle: the weight of its name, or of the name under which it came first.
    fn weight(&mut self, index: u32, path: &str, tensor: &pickle::Tensor) -> ValueId {
        let key = place(index, tensor);
        if let Some(id) = self.tensors.get(&key) {
            return *id;
        }
        let known = self.names.get(path).copied();
        let id = known.unwrap_or_else(|| {
            let nowhere = Storage::Inside { offset: NOWHERE + self.model.values.len() as u64 };
            let weight = Weight::new(tensor.dtype.unwrap_or(DType::F32), tensor.shape.clone(), nowhere);
            self.constant(path, weight)
        });
        self.tensors.insert(key, id);
        id
    }

    /// Finds which tensors of the pickle are which weights.
    fn know_weights(&mut self) {
        let machine = &self.contents.machine;
        let mut met = HashSet::new();
        let mut waiting: Vec<(pickle::Value, String)> = vec![(self.contents.root.clone(), String::new())];
        while let Some((value, path)) = waiting.pop() {
            let pickle::Value::Thing(index) = value else { continue };
            match machine.things.get(index as usize) {
                Some(Thing::Tensor(tensor)) => {
                    if let Some(id) = self.names.get(path.as_str()) {
                        self.tensors.entry(place(index, tensor)).or_insert(*id);
                    }
                }
                Some(Thing::Object(object)) if met.insert(index) && path.len() < MOST_PATH => {
                    let entries = object.state.as_ref().map(|state| machine.entries(state)).unwrap_or_default();
                    for (key, value) in entries {
                        if let (pickle::Value::Text(key), pickle::Value::Thing(_)) = (key, value) {
                            let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                            waiting.push((value.clone(), path));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn item(&mut self, of: Val, index: &Val) -> Result<Val> {
        let Val::Int(place) = *index else { return Ok(Val::Unknown) };
        Ok(match of {
            Val::List(items) => {
                let place = if place < 0 { place.saturating_add(items.len() as i64) } else { place };
                let item = usize::try_from(place).ok().and_then(|place| items.into_iter().nth(place));
                item.unwrap_or(Val::Unknown)
            }
            Val::Sizes(id) => {
                let place = self.integer(place);
                Val::Number(self.one("Gather", &[Some(id), Some(place)], Vec::new())?)
            }
            _ => Val::Unknown,
        })
    }

    fn called(
        &mut self,
        callee: &Expr,
        arguments: &[(Option<Rc<str>>, Expr)],
        names: &Names,
        wanted: usize,
    ) -> Result<Val> {
        let full = match callee {
            Expr::Name(name) if !names.contains_key(name) => Some(name.to_string()),
            other => dotted(other, names),
        };
        let mut given = Vec::with_capacity(arguments.len());
        let mut named = Vec::new();
        for (name, argument) in arguments {
            // A list of parts is cut into as many as are wanted.
            let value = self.eval(argument, names)?;
            match name {
                Some(name) => named.push((Rc::clone(name), value)),
                None => given.push(value),
            }
        }
        if let Some(full) = full {
            if let Some(op) = full.strip_prefix("torch.") {
                return self.operator(op, &given, &named, wanted);
            }
            if let Some(function) = self.code.functions.get(&full).cloned() {
                return self.call(&function, given, named);
            }
            return self.builtin(&full, given, wanted);
        }
        if let Expr::Attribute(of, method) = callee
            && let Val::Module(module, path) = self.eval(of, names)?
        {
            let Some(function) = self.method(module, method) else {
                return Err(format!("its method '{}' is not in the file", crate::notes::clip(method)));
            };
            given.insert(0, Val::Module(module, path));
            return self.call(&function, given, named);
        }
        match self.eval(callee, names)? {
            Val::Function(name) => match self.code.functions.get(name.as_ref()).cloned() {
                Some(function) => self.call(&function, given, named),
                None => Ok(Val::Unknown),
            },
            _ => Ok(Val::Unknown),
        }
    }

    /// Python's own functions, and those of the script's machine.
    fn builtin(&mut self, name: &str, mut given: Vec<Val>, wanted: usize) -> Result<Val> {
        let last = given.pop();
        Ok(match (name, last) {
            ("ops.prim.RaiseException", _) => return Err("it ends in an error with this input".to_owned()),
            (
                "annotate" | "unchecked_cast" | "ops.prim.NumToTensor" | "ops.prim.unchecked_unwrap_optional",
                Some(value),
            ) => value,
            ("int" | "float", Some(Val::Bool(value))) => Val::Int(i64::from(value)),
            ("int", Some(Val::Float(value))) => Val::Int(value as i64),
            ("int" | "float", Some(Val::Tensor(tensor))) if name == "int" => self.whole_of(&tensor),
            ("int" | "float", Some(value)) => value,
            ("bool", Some(value)) => truth(&value).map_or(Val::Unknown, Val::Bool),
            ("range", Some(value)) if given.is_empty() => value,
            ("getattr", Some(Val::Text(attribute))) => match given.pop() {
                Some(Val::Module(module, path)) => self.attribute(module, &path, &attribute),
                _ => Val::Unknown,
            },
            ("isinstance", _) => Val::Unknown,
            ("ops.prim.data", Some(value)) => value,
            (other, Some(last)) if other.starts_with("ops.") => {
                given.push(last);
                let op =
                    other.strip_prefix("ops.aten.").or_else(|| other.strip_prefix("ops.")).unwrap_or(other).to_owned();
                if op.starts_with("prim.") {
                    return Ok(Val::Unknown);
                }
                self.operator(&op, &given, &[], wanted)?
            }
            _ => Val::Unknown,
        })
    }

    /// A tensor of one element as a whole number.
    pub fn whole_of(&self, tensor: &Tensor) -> Val {
        let contents = self.model.value(tensor.id).and_then(|value| value.weight.as_ref()?.contents.as_ref());
        match contents {
            Some(Numbers::Integers(items)) => items.first().map_or(Val::Unknown, |item| Val::Int(*item)),
            Some(Numbers::Floats(items)) => items.first().map_or(Val::Unknown, |item| Val::Int(*item as i64)),
            _ if tensor.rank == Some(0) => Val::Number(tensor.id),
            _ => Val::Unknown,
        }
    }
}

/// The version of ONNX's operators that the nodes follow: reductions have their axes as attributes, `Split` its parts as input.
const OPSET: i64 = 13;
/// Places past every file, for constants that stand in the code.
const NOWHERE: u64 = 3 << 61;

/// A dotted name that begins with none of the call's own names.
fn dotted(expr: &Expr, names: &Names) -> Option<String> {
    match expr {
        Expr::Name(name) if !names.contains_key(name) => Some(name.to_string()),
        Expr::Attribute(of, name) => Some(format!("{}.{name}", dotted(of, names)?)),
        _ => None,
    }
}

/// How many values a value is made of.
fn size_of(value: &Val) -> usize {
    match value {
        Val::List(items) => items.iter().fold(1, |sum, item| sum.saturating_add(size_of(item))),
        _ => 0,
    }
}

/// What tells a tensor of the pickle from others.
fn place(index: u32, tensor: &pickle::Tensor) -> (u32, u64, Vec<u64>) {
    let (storage, first) = tensor.storage.unwrap_or((index, u64::MAX));
    (storage, first, tensor.shape.clone())
}

/// Whether a value is true, where that is known.
pub(super) fn truth(value: &Val) -> Option<bool> {
    match value {
        Val::None => Some(false),
        Val::Bool(value) => Some(*value),
        Val::Int(value) => Some(*value != 0),
        Val::Float(value) => Some(*value != 0.0),
        Val::Text(text) => Some(!text.is_empty()),
        Val::List(items) => Some(!items.is_empty()),
        _ => None,
    }
}

/// Whether these lines end in an error.
fn raises(lines: &[Statement]) -> bool {
    lines.iter().any(|line| match line {
        Statement::Call(Expr::Call(callee, _)) => {
            dotted(callee, &Names::new()).is_some_and(|name| name == "ops.prim.RaiseException")
        }
        Statement::If(_, yes, no) => raises(yes) && raises(no),
        _ => false,
    })
}

/// The element type that PyTorch's number stands for.
pub(super) fn scalar_type(number: i64) -> Option<DType> {
    let name = match number {
        0 => "uint8",
        1 => "int8",
        2 => "int16",
        3 => "int32",
        4 => "int64",
        5 => "float16",
        6 => "float32",
        7 => "float64",
        9 => "complex64",
        10 => "complex128",
        11 => "bool",
        15 => "bfloat16",
        _ => return None,
    };
    calls::torch_dtype(name)
}
