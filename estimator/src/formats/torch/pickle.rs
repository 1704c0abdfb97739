//! A restricted pickle machine: it builds containers, texts, numbers and descriptions of tensors, and can do nothing else.
//!
//! Python's own machine imports names and calls them, which is how a pickle runs whatever its author likes.
//! This one has no way to import or to call: a name is a text, and a "call" is looked up in the short list of `calls`.
//! Whatever is not in that list becomes an [`Object`] that remembers its class and what it was given.
//!
//! All protocols from 0 to 5 are read, straight from the file: long strings of bytes are remembered by their place and stepped over.
//! Stack, memo and everything built are charged against one budget, and things live in one list, so nothing nests in memory.

use super::super::budget::Budget;
use super::super::error::{Problem, ReadError};
use super::super::source::Source;
use super::calls;
use crate::model::DType;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Longest line of the textual opcodes.
const LONGEST_LINE: u64 = 64 * 1024;
/// Longest text that is kept; longer ones are remembered by their place.
const LONGEST_TEXT: u64 = 64 * 1024;
/// Longest integer that is kept, in bytes. Nothing that matters here is longer than the magic number of ten.
const LONGEST_INTEGER: u64 = 64;
/// Most values on the stack.
const MOST_STACKED: usize = 1 << 20;
/// Most entries of a dictionary in which a key is looked for.
const MOST_LOOKED_UP: usize = 1000;
/// Most unknown classes and functions that are told apart.
const MOST_NAMED: usize = 1000;
/// What one value costs of the budget: in a list, in the memo, and beside a thing's own contents.
const VALUE_BYTES: u64 = 24;
const MEMO_BYTES: u64 = 48;
const THING_BYTES: u64 = 160;

/// What the machine handles.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer past 64 bits: little-endian, two's complement.
    Long(Rc<[u8]>),
    Float(f64),
    Text(Rc<str>),
    /// Bytes, or a text too long to keep, where they lie in the file.
    Blob(Blob),
    /// Something imported, as `module.name`.
    Name(Rc<str>),
    /// A place in [`Machine::things`].
    Thing(u32),
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blob {
    pub at: u64,
    pub length: u64,
}

/// What can be changed after it was made, and is therefore shared.
#[derive(Debug)]
pub(super) enum Thing {
    /// A list, tuple or set.
    List(Vec<Value>),
    /// A dictionary, in order.
    Dict(Vec<(Value, Value)>),
    /// Anything that is not known; never run.
    Object(Object),
    /// A stretch of numbers that tensors are views of.
    Storage(Storage),
    Tensor(Tensor),
    /// An element type of NumPy.
    DType(DType),
}

/// A Python object of a class that is not known here.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// `module.name` of its class, or of the function that would make it.
    pub class: Rc<str>,
    /// What it would be made with.
    pub arguments: Option<Value>,
    /// Its attributes: a dictionary, or a pair of dictionaries.
    pub state: Option<Value>,
    /// Its items, if it is also a list.
    pub items: Vec<Value>,
    /// Its entries, if it is also a dictionary.
    pub entries: Vec<(Value, Value)>,
}

/// A storage as a persistent id describes it.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub key: Rc<str>,
    /// `None` for one of plain bytes.
    pub dtype: Option<DType>,
    /// Elements, or bytes where there is no element type.
    pub elements: u64,
    /// For a view of another storage (older files), where it begins there, in elements.
    pub first: u64,
}

/// A tensor: a view of a storage, or an array whose bytes stand in the pickle.
#[derive(Debug, Clone, Default)]
pub(super) struct Tensor {
    pub dtype: Option<DType>,
    pub shape: Vec<u64>,
    pub strides: Vec<i64>,
    /// The storage and the first element in it.
    pub storage: Option<(u32, u64)>,
    /// Where the bytes of an array are.
    pub blob: Option<Blob>,
    /// Elements stored, for a sparse tensor.
    pub stored: Option<u64>,
    /// Whether its numbers lie in another file.
    pub is_elsewhere: bool,
    /// Whether it is wrapped as a parameter.
    pub is_parameter: bool,
    /// A class that packs it in tensors of its own, and those.
    pub packed: Option<(Rc<str>, Vec<u32>)>,
}

/// The argument that an opcode is followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Argument {
    Nothing,
    /// An unsigned number of so many bytes.
    Unsigned(u8),
    /// A signed number of four bytes.
    Signed,
    /// Eight bytes of a float, big-endian.
    Float,
    /// A text up to the end of the line.
    Line,
    /// The same with escapes, other letters as single bytes.
    Escaped,
    /// Two such texts.
    Lines,
    /// As many bytes as a number of so many bytes says.
    Counted(u8),
}

/// Every opcode: its byte, Python's name for it, its argument.
const OPCODES: &[(u8, &str, Argument)] = &[
    (b'(', "MARK", Argument::Nothing),
    (b'.', "STOP", Argument::Nothing),
    (b'0', "POP", Argument::Nothing),
    (b'1', "POP_MARK", Argument::Nothing),
    (b'2', "DUP", Argument::Nothing),
    (b'F', "FLOAT", Argument::Line),
    (b'I', "INT", Argument::Line),
    (b'J', "BININT", Argument::Signed),
    (b'K', "BININT1", Argument::Unsigned(1)),
    (b'L', "LONG", Argument::Line),
    (b'M', "BININT2", Argument::Unsigned(2)),
    (b'N', "NONE", Argument::Nothing),
    (b'P', "PERSID", Argument::Line),
    (b'Q', "BINPERSID", Argument::Nothing),
    (b'R', "REDUCE", Argument::Nothing),
    (b'S', "STRING", Argument::Line),
    (b'T', "BINSTRING", Argument::Counted(4)),
    (b'U', "SHORT_BINSTRING", Argument::Counted(1)),
    (b'V', "UNICODE", Argument::Escaped),
    (b'X', "BINUNICODE", Argument::Counted(4)),
    (b'a', "APPEND", Argument::Nothing),
    (b'b', "BUILD", Argument::Nothing),
    (b'c', "GLOBAL", Argument::Lines),
    (b'd', "DICT", Argument::Nothing),
    (b'}', "EMPTY_DICT", Argument::Nothing),
    (b'e', "APPENDS", Argument::Nothing),
    (b'g', "GET", Argument::Line),
    (b'h', "BINGET", Argument::Unsigned(1)),
    (b'i', "INST", Argument::Lines),
    (b'j', "LONG_BINGET", Argument::Unsigned(4)),
    (b'l', "LIST", Argument::Nothing),
    (b']', "EMPTY_LIST", Argument::Nothing),
    (b'o', "OBJ", Argument::Nothing),
    (b'p', "PUT", Argument::Line),
    (b'q', "BINPUT", Argument::Unsigned(1)),
    (b'r', "LONG_BINPUT", Argument::Unsigned(4)),
    (b's', "SETITEM", Argument::Nothing),
    (b't', "TUPLE", Argument::Nothing),
    (b')', "EMPTY_TUPLE", Argument::Nothing),
    (b'u', "SETITEMS", Argument::Nothing),
    (b'G', "BINFLOAT", Argument::Float),
    (0x80, "PROTO", Argument::Unsigned(1)),
    (0x81, "NEWOBJ", Argument::Nothing),
    (0x82, "EXT1", Argument::Unsigned(1)),
    (0x83, "EXT2", Argument::Unsigned(2)),
    (0x84, "EXT4", Argument::Unsigned(4)),
    (0x85, "TUPLE1", Argument::Nothing),
    (0x86, "TUPLE2", Argument::Nothing),
    (0x87, "TUPLE3", Argument::Nothing),
    (0x88, "NEWTRUE", Argument::Nothing),
    (0x89, "NEWFALSE", Argument::Nothing),
    (0x8a, "LONG1", Argument::Counted(1)),
    (0x8b, "LONG4", Argument::Counted(4)),
    (b'B', "BINBYTES", Argument::Counted(4)),
    (b'C', "SHORT_BINBYTES", Argument::Counted(1)),
    (0x8c, "SHORT_BINUNICODE", Argument::Counted(1)),
    (0x8d, "BINUNICODE8", Argument::Counted(8)),
    (0x8e, "BINBYTES8", Argument::Counted(8)),
    (0x8f, "EMPTY_SET", Argument::Nothing),
    (0x90, "ADDITEMS", Argument::Nothing),
    (0x91, "FROZENSET", Argument::Nothing),
    (0x92, "NEWOBJ_EX", Argument::Nothing),
    (0x93, "STACK_GLOBAL", Argument::Nothing),
    (0x94, "MEMOIZE", Argument::Nothing),
    (0x95, "FRAME", Argument::Unsigned(8)),
    (0x96, "BYTEARRAY8", Argument::Counted(8)),
    (0x97, "NEXT_BUFFER", Argument::Nothing),
    (0x98, "READONLY_BUFFER", Argument::Nothing),
];

/// An argument as read.
enum Operand {
    Nothing,
    Number(u64),
    Signed(i64),
    Float(f64),
    Line(String),
    Lines(String, String),
    Stretch(Blob),
}

/// The machine: what it built, and what it was asked for and did not do.
#[derive(Debug, Default)]
pub(super) struct Machine {
    pub things: Vec<Thing>,
    pub budget: Budget,
    /// Classes and functions that are not known, with how often they were asked for.
    pub unknown: BTreeMap<Rc<str>, u64>,
    /// What stands before the keys of storages, so that those of a pickle within a pickle are their own.
    pub prefix: String,
    names: HashMap<String, Rc<str>>,
    nested: u32,
}

/// Most pickles within pickles.
const MOST_NESTED: u32 = 4;

impl Machine {
    /// Runs the pickle that begins at a place; gives its result and the place behind it.
    ///
    /// # Errors
    /// The pickle is cut off, contradicts itself, or asks for too much.
    pub fn run(&mut self, source: &mut Source<'_>, at: u64) -> Result<(Value, u64), ReadError> {
        let mut run = Run { machine: self, source, at, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
        let value = run.until_stop()?;
        let end = run.at;
        Ok((value, end))
    }

    /// Runs something one pickle deeper; `None` when that is too deep.
    pub fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.nested >= MOST_NESTED {
            return None;
        }
        self.nested += 1;
        let result = inner(self);
        self.nested -= 1;
        Some(result)
    }

    /// The thing that a value stands for.
    pub fn thing(&self, value: &Value) -> Option<&Thing> {
        match value {
            Value::Thing(index) => self.things.get(*index as usize),
            _ => None,
        }
    }

    pub fn thing_mut(&mut self, value: &Value) -> Option<&mut Thing> {
        match value {
            Value::Thing(index) => self.things.get_mut(*index as usize),
            _ => None,
        }
    }

    /// The items of a list or tuple; none for anything else.
    pub fn items(&self, value: &Value) -> &[Value] {
        match self.thing(value) {
            Some(Thing::List(items)) => items,
            _ => &[],
        }
    }

    /// The entries of a dictionary, or of an object that is one; none for anything else.
    pub fn entries(&self, value: &Value) -> &[(Value, Value)] {
        match self.thing(value) {
            Some(Thing::Dict(entries)) => entries,
            Some(Thing::Object(object)) => &object.entries,
            _ => &[],
        }
    }

    /// The value of a key, looked for among the first entries: what is asked for by name stands in small dictionaries.
    pub fn get(&self, dict: &Value, key: &str) -> Option<&Value> {
        let found = self
            .entries(dict)
            .iter()
            .take(MOST_LOOKED_UP)
            .find(|(name, _)| matches!(name, Value::Text(text) if text.as_ref() == key));
        found.map(|(_, value)| value)
    }

    pub fn tensor(&self, value: &Value) -> Option<&Tensor> {
        match self.thing(value) {
            Some(Thing::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    pub fn storage(&self, index: u32) -> Option<&Storage> {
        match self.things.get(index as usize) {
            Some(Thing::Storage(storage)) => Some(storage),
            _ => None,
        }
    }

    /// Adds a thing.
    pub fn add(&mut self, source: &Source<'_>, thing: Thing) -> Result<Value, ReadError> {
        let contents = match &thing {
            Thing::List(items) => items.len() as u64 * VALUE_BYTES,
            Thing::Dict(entries) => entries.len() as u64 * 2 * VALUE_BYTES,
            Thing::Tensor(tensor) => (tensor.shape.len() + tensor.strides.len()) as u64 * 8,
            _ => 0,
        };
        self.budget.charge(source, THING_BYTES + contents)?;
        let index = u32::try_from(self.things.len()).unwrap_or(u32::MAX);
        self.things.push(thing);
        Ok(Value::Thing(index))
    }

    /// Counts a class or function that is not known.
    pub fn meet(&mut self, name: &Rc<str>) {
        if let Some(times) = self.unknown.get_mut(name) {
            *times += 1;
        } else if self.unknown.len() < MOST_NAMED {
            self.unknown.insert(Rc::clone(name), 1);
        }
    }

    /// `module.name` with each spelling kept once.
    fn name(&mut self, source: &Source<'_>, module: &str, name: &str) -> Result<Rc<str>, ReadError> {
        let full = format!("{module}.{name}");
        if let Some(known) = self.names.get(&full) {
            return Ok(Rc::clone(known));
        }
        self.budget.charge(source, 2 * full.len() as u64 + THING_BYTES)?;
        let shared: Rc<str> = full.as_str().into();
        self.names.insert(full, Rc::clone(&shared));
        Ok(shared)
    }
}

/// One pickle being read.
struct Run<'m, 's, 'f> {
    machine: &'m mut Machine,
    source: &'s mut Source<'f>,
    at: u64,
    stack: Vec<Value>,
    /// The heights of the stack at which marks stand.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

impl Run<'_, '_, '_> {
    fn corrupt(&self, why: &str) -> ReadError {
        self.source.error(Some(self.at), "pickle", Problem::Corrupt(why.to_owned()))
    }

    fn until_stop(&mut self) -> Result<Value, ReadError> {
        loop {
            let byte = self.source.byte(self.at)?;
            let Some((_, name, argument)) = OPCODES.iter().find(|(code, _, _)| *code == byte) else {
                return Err(self.corrupt(&format!("{byte:#04x} is not an opcode")));
            };
            self.at += 1;
            let operand = self.operand(*argument)?;
            if *name == "STOP" {
                return self.pop();
            }
            self.execute(byte, name, operand)?;
            if self.stack.len() + self.marks.len() > MOST_STACKED {
                let what = format!("the pickle stacks more than {MOST_STACKED} values");
                return Err(self.source.error(Some(self.at), "pickle", Problem::OverLimit(what)));
            }
        }
    }

    fn unsigned(&mut self, width: u8) -> Result<u64, ReadError> {
        let bytes = self.source.stretch(self.at, usize::from(width))?;
        self.at += u64::from(width);
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Result<String, ReadError> {
        Ok(String::from_utf8_lossy(&self.line_bytes()?).into_owned())
    }

    fn line_bytes(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        loop {
            let byte = self.source.byte(self.at)?;
            self.at += 1;
            match byte {
                b'\n' => {
                    if bytes.last() == Some(&b'\r') {
                        bytes.pop();
                    }
                    return Ok(bytes);
                }
                _ if bytes.len() as u64 >= LONGEST_LINE => {
                    return Err(self.corrupt("a line of the pickle does not end"));
                }
                _ => bytes.push(byte),
            }
        }
    }

    fn operand(&mut self, argument: Argument) -> Result<Operand, ReadError> {
        Ok(match argument {
            Argument::Nothing => Operand::Nothing,
            Argument::Unsigned(width) => Operand::Number(self.unsigned(width)?),
            Argument::Signed => {
                let number = u32::try_from(self.unsigned(4)?).unwrap_or(0);
                Operand::Signed(i64::from(number.cast_signed()))
            }
            Argument::Float => Operand::Float(f64::from_bits(self.unsigned(8)?.swap_bytes())),
            Argument::Line => Operand::Line(self.line()?),
            Argument::Escaped => Operand::Line(unescaped(&self.line_bytes()?)),
            Argument::Lines => Operand::Lines(self.line()?, self.line()?),
            Argument::Counted(width) => {
                let length = self.unsigned(width)?;
                let at = self.at;
                let end = at.checked_add(length).filter(|end| *end <= self.source.size());
                self.at = end.ok_or_else(|| self.source.truncated(at.saturating_add(length)))?;
                Operand::Stretch(Blob { at, length })
            }
        })
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Takes the value on top, which must lie above the last mark.
    fn pop(&mut self) -> Result<Value, ReadError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(value) if self.stack.len() >= floor => Ok(value),
            _ => Err(self.corrupt("it takes a value from an empty stack")),
        }
    }

    /// Takes everything above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Value>, ReadError> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        match mark {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => Err(self.corrupt("it goes back to a mark that is not there")),
        }
    }

    /// The value on top, left there.
    fn top(&self) -> Result<Value, ReadError> {
        self.stack.last().cloned().ok_or_else(|| self.corrupt("it looks at an empty stack"))
    }

    fn make(&mut self, thing: Thing) -> Result<(), ReadError> {
        let value = self.machine.add(self.source, thing)?;
        self.push(value);
        Ok(())
    }

    fn charge_values(&mut self, count: usize) -> Result<(), ReadError> {
        self.machine.budget.charge(self.source, count as u64 * VALUE_BYTES)
    }

    /// The text in a stretch, or the stretch where it is long.
    fn text(&mut self, blob: Blob) -> Result<Value, ReadError> {
        if blob.length > LONGEST_TEXT {
            return Ok(Value::Blob(blob));
        }
        self.machine.budget.charge(self.source, blob.length + VALUE_BYTES)?;
        let bytes = self.source.stretch(blob.at, usize::try_from(blob.length).unwrap_or(0))?;
        Ok(Value::Text(String::from_utf8_lossy(&bytes).into()))
    }

    /// The integer whose two's complement stands in a stretch.
    fn integer(&mut self, blob: Blob) -> Result<Value, ReadError> {
        if blob.length > LONGEST_INTEGER {
            return Ok(Value::Blob(blob));
        }
        let bytes = self.source.stretch(blob.at, usize::try_from(blob.length).unwrap_or(0))?;
        Ok(integer(&bytes))
    }

    fn remember(&mut self, key: u64) -> Result<(), ReadError> {
        let value = self.top()?;
        self.machine.budget.charge(self.source, MEMO_BYTES)?;
        self.memo.insert(u32::try_from(key).unwrap_or(u32::MAX), value);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), ReadError> {
        let known = u32::try_from(key).ok().and_then(|key| self.memo.get(&key)).cloned();
        let value = known.ok_or_else(|| self.corrupt(&format!("it recalls {key}, which it never stored")))?;
        self.push(value);
        Ok(())
    }

    fn number_of(&self, line: &str) -> Result<u64, ReadError> {
        line.trim().parse().map_err(|_| self.corrupt(&format!("'{}' is not a number", crate::notes::clip(line))))
    }

    /// Adds items to a list, or to an object that is one.
    fn extend(&mut self, items: Vec<Value>) -> Result<(), ReadError> {
        self.charge_values(items.len())?;
        let target = self.top()?;
        match self.machine.thing_mut(&target) {
            Some(Thing::List(list)) => list.extend(items),
            Some(Thing::Object(object)) => object.items.extend(items),
            _ => {}
        }
        Ok(())
    }

    /// Sets entries of a dictionary, or of an object that is one.
    fn set(&mut self, items: Vec<Value>) -> Result<(), ReadError> {
        self.charge_values(items.len())?;
        let target = self.top()?;
        let entries = pairs(items);
        match self.machine.thing_mut(&target) {
            Some(Thing::Dict(dict)) => dict.extend(entries),
            Some(Thing::Object(object)) => object.entries.extend(entries),
            _ => {}
        }
        Ok(())
    }

    fn object(&mut self, class: Value, arguments: Value) -> Result<(), ReadError> {
        let value = calls::new_object(self.machine, self.source, &class, arguments)?;
        self.push(value);
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str) -> Result<Value, ReadError> {
        Ok(Value::Name(self.machine.name(self.source, module, name)?))
    }

    fn execute(&mut self, byte: u8, name: &str, operand: Operand) -> Result<(), ReadError> {
        match (name, operand) {
            ("PROTO", Operand::Number(version)) if version > 5 => {
                return Err(self.corrupt(&format!("protocol {version} is not known")));
            }
            ("PROTO" | "FRAME" | "READONLY_BUFFER", _) => {}
            ("MARK", _) => self.marks.push(self.stack.len()),
            ("POP", _) => {
                // Python lets this take a mark as well.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            ("POP_MARK", _) => drop(self.pop_mark()?),
            ("DUP", _) => {
                let value = self.top()?;
                self.push(value);
            }
            ("NONE" | "NEXT_BUFFER", _) => self.push(Value::None),
            ("NEWTRUE", _) => self.push(Value::Bool(true)),
            ("NEWFALSE", _) => self.push(Value::Bool(false)),
            ("BININT1" | "BININT2", Operand::Number(number)) => {
                self.push(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
            }
            ("BININT", Operand::Signed(number)) => self.push(Value::Int(number)),
            ("LONG1" | "LONG4", Operand::Stretch(blob)) => {
                let value = self.integer(blob)?;
                self.push(value);
            }
            ("INT" | "LONG", Operand::Line(line)) => {
                let value = match line.as_str() {
                    "00" => Value::Bool(false),
                    "01" => Value::Bool(true),
                    // What is longer than 128 bits is nothing that matters here.
                    line => line
                        .trim_end_matches('L')
                        .parse::<i128>()
                        .map_or(Value::None, |number| integer(&number.to_le_bytes())),
                };
                self.push(value);
            }
            ("FLOAT", Operand::Line(line)) => self.push(line.parse().map_or(Value::None, Value::Float)),
            ("BINFLOAT", Operand::Float(number)) => self.push(Value::Float(number)),
            ("STRING" | "UNICODE", Operand::Line(line)) => {
                let text = if byte == b'S' { line.trim_matches(['\'', '"']) } else { &line };
                self.machine.budget.charge(self.source, text.len() as u64 + VALUE_BYTES)?;
                self.push(Value::Text(text.into()));
            }
            (
                "BINSTRING" | "SHORT_BINSTRING" | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8",
                Operand::Stretch(blob),
            ) => {
                let value = self.text(blob)?;
                self.push(value);
            }
            ("BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8" | "BYTEARRAY8", Operand::Stretch(blob)) => {
                self.push(Value::Blob(blob));
            }
            ("EMPTY_LIST" | "EMPTY_TUPLE" | "EMPTY_SET", _) => self.make(Thing::List(Vec::new()))?,
            ("EMPTY_DICT", _) => self.make(Thing::Dict(Vec::new()))?,
            ("LIST" | "TUPLE" | "FROZENSET", _) => {
                let items = self.pop_mark()?;
                self.make(Thing::List(items))?;
            }
            ("TUPLE1" | "TUPLE2" | "TUPLE3", _) => {
                let mut items = Vec::with_capacity(3);
                for _ in 0x85..=byte {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.make(Thing::List(items))?;
            }
            ("DICT", _) => {
                let items = self.pop_mark()?;
                self.make(Thing::Dict(pairs(items)))?;
            }
            ("APPEND", _) => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            ("APPENDS" | "ADDITEMS", _) => {
                let items = self.pop_mark()?;
                self.extend(items)?;
            }
            ("SETITEM", _) => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(vec![key, value])?;
            }
            ("SETITEMS", _) => {
                let items = self.pop_mark()?;
                self.set(items)?;
            }
            ("GET", Operand::Line(line)) => {
                let key = self.number_of(&line)?;
                self.recall(key)?;
            }
            ("BINGET" | "LONG_BINGET", Operand::Number(key)) => self.recall(key)?,
            ("PUT", Operand::Line(line)) => {
                let key = self.number_of(&line)?;
                self.remember(key)?;
            }
            ("BINPUT" | "LONG_BINPUT", Operand::Number(key)) => self.remember(key)?,
            ("MEMOIZE", _) => self.remember(self.memo.len() as u64)?,
            ("GLOBAL", Operand::Lines(module, name)) => {
                let value = self.import(&module, &name)?;
                self.push(value);
            }
            ("STACK_GLOBAL", _) => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (module, name) else {
                    return Err(self.corrupt("it imports something that is not named by a text"));
                };
                let value = self.import(&module, &name)?;
                self.push(value);
            }
            ("EXT1" | "EXT2" | "EXT4", Operand::Number(code)) => {
                let value = self.import("copyreg", &format!("extension {code}"))?;
                self.push(value);
            }
            ("PERSID", Operand::Line(line)) => {
                let id = Value::Text(line.as_str().into());
                let value = calls::persistent(self.machine, self.source, &id)?;
                self.push(value);
            }
            ("BINPERSID", _) => {
                let id = self.pop()?;
                let value = calls::persistent(self.machine, self.source, &id)?;
                self.push(value);
            }
            ("REDUCE", _) => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let value = calls::reduce(self.machine, self.source, &function, &arguments)?;
                self.push(value);
            }
            ("BUILD", _) => {
                let state = self.pop()?;
                let target = self.top()?;
                calls::build(self.machine, self.source, &target, state)?;
            }
            ("NEWOBJ", _) => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.object(class, arguments)?;
            }
            ("NEWOBJ_EX", _) => {
                let (_, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.object(class, arguments)?;
            }
            ("INST", Operand::Lines(module, name)) => {
                let arguments = self.pop_mark()?;
                let class = self.import(&module, &name)?;
                let arguments = self.machine.add(self.source, Thing::List(arguments))?;
                self.object(class, arguments)?;
            }
            ("OBJ", _) => {
                let mut items = self.pop_mark()?.into_iter();
                let class = items.next().ok_or_else(|| self.corrupt("it makes an object without a class"))?;
                let arguments = self.machine.add(self.source, Thing::List(items.collect()))?;
                self.object(class, arguments)?;
            }
            _ => return Err(self.corrupt(&format!("{name} cannot be understood"))),
        }
        Ok(())
    }
}

/// Keys and values in turn, as pairs; a key without a value is left out.
fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// A text in Python's raw-unicode-escape: `\uXXXX`, `\UXXXXXXXX`, anything else a byte for a letter.
fn unescaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        let digits = match after {
            [b'u', digits @ ..] if *first == b'\\' => digits.get(..4),
            [b'U', digits @ ..] if *first == b'\\' => digits.get(..8),
            _ => None,
        };
        let escaped = digits.and_then(|digits| {
            let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
            Some((char::from_u32(number)?, digits.len() + 1))
        });
        match escaped {
            Some((letter, length)) => {
                text.push(letter);
                rest = after.get(length..).unwrap_or_default();
            }
            None => text.push(char::from(*first)),
        }
    }
    text
}

/// The integer of these little-endian bytes in two's complement.
fn integer(bytes: &[u8]) -> Value {
    let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
    let filler = if negative { 0xff } else { 0 };
    // Bytes at the end that only repeat the sign.
    let mut kept = bytes;
    while let [rest @ .., before, last] = kept {
        if *last != filler || (*before >= 0x80) != negative {
            break;
        }
        kept = bytes.get(..=rest.len()).unwrap_or_default();
    }
    if kept.len() > 8 {
        return Value::Long(kept.into());
    }
    let mut wide = [filler; 8];
    for (to, from) in wide.iter_mut().zip(kept) {
        *to = *from;
    }
    Value::Int(i64::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_any_length() {
        for (bytes, wanted) in [
            (&[][..], 0),
            (&[0x7f], 127),
            (&[0x80], -128),
            (&[0xff, 0], 255),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0),
            (&[0xff; 12], -1),
        ] {
            assert!(matches!(integer(bytes), Value::Int(number) if number == wanted), "{bytes:?}");
        }
        let magic = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
        assert!(matches!(integer(&magic), Value::Long(bytes) if *bytes == magic));
        let wide = 119_547_037_146_038_801_333_356_i128.to_le_bytes();
        assert!(matches!(integer(&wide), Value::Long(bytes) if *bytes == magic));
    }

    #[test]
    fn escapes_are_taken_off() {
        assert_eq!(unescaped(br"a\u0041\U00000042\n\u00"), r"aAB\n\u00");
        assert_eq!(unescaped(&[0x80, b'x']), "\u{80}x");
    }

    #[test]
    fn every_opcode_stands_once() {
        for (index, (code, name, _)) in OPCODES.iter().enumerate() {
            let twice = OPCODES.iter().skip(index + 1).any(|(other, same, _)| other == code || same == name);
            assert!(!twice, "{name}");
        }
        assert_eq!(OPCODES.len(), 68);
    }
}
