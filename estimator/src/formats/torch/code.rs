//! The code in TorchScript archives: the small part of Python that PyTorch writes, as a tree.
//!
//! Only what its printer produces is understood: classes with methods, functions, assignments, branches, loops, returns,
//! calls and literals. What an expression means is `tracing`'s business.

use std::collections::HashMap;
use std::rc::Rc;

/// Deepest nesting of expressions and blocks.
const MOST_DEPTH: u32 = 150;
/// Most expressions and statements of all code together.
const MOST_PARTS: usize = 400_000;

/// Something that has a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Name(Rc<str>),
    /// A list or a tuple.
    List(Vec<Expr>),
    /// An attribute of something, or a part of a dotted name.
    Attribute(Box<Expr>, Rc<str>),
    /// What is called, and its arguments, some with their names.
    Call(Box<Expr>, Vec<(Option<Rc<str>>, Expr)>),
    Index(Box<Expr>, Box<Expr>),
}

/// A line, or a block under one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    /// Names to the left, one value to the right.
    Assign(Vec<Expr>, Expr),
    Return(Expr),
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// A loop over a range: its variable, what it runs over, its body.
    For(Rc<str>, Expr, Vec<Statement>),
    /// A block that runs as it stands, under `with`.
    Block(Vec<Statement>),
    Call(Expr),
    /// A loop whose end is not known before.
    While,
    Pass,
}

/// A parameter's name, its type as written, and its default.
pub(super) type Parameter = (Rc<str>, String, Option<Expr>);

/// A function or method.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Function {
    pub parameters: Vec<Parameter>,
    pub body: Vec<Statement>,
}

/// The functions of an archive, by their full names (`__torch__.m.Net.forward`).
#[derive(Debug, Default)]
pub(super) struct Code {
    pub functions: HashMap<String, Rc<Function>>,
    parts: usize,
}

/// Why code was not understood.
type Result<T> = std::result::Result<T, String>;

impl Code {
    /// Adds the functions of one file.
    ///
    /// # Errors
    /// It is not as PyTorch writes it, or there is too much of it.
    pub fn add(&mut self, text: &str, module: &str) -> Result<()> {
        let mut reader = Reader { text: text.as_bytes(), at: 0, open: 0, depth: 0, parts: self.parts };
        while let Some(indent) = reader.next_line() {
            reader.definitions(module, indent, &mut self.functions)?;
        }
        self.parts = reader.parts;
        Ok(())
    }
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// How many brackets are open: lines end in none.
    open: u32,
    depth: u32,
    parts: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn fail<T>(&self, what: &str) -> Result<T> {
        let line = 1 + self.text.iter().take(self.at).filter(|byte| **byte == b'\n').count();
        Err(format!("{what} in line {line}"))
    }

    /// Goes to the next line that says something; gives how far it is indented.
    fn next_line(&mut self) -> Option<usize> {
        loop {
            let start = self.at;
            while self.peek() == Some(b' ') {
                self.at += 1;
            }
            match self.peek()? {
                b'\n' | b'\r' => self.at += 1,
                b'#' => self.skip_line(),
                _ => return Some(self.at - start),
            }
        }
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    /// Steps over blanks; within brackets over line ends too.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\n') if self.open > 0 => self.at += 1,
                Some(b'#') => self.skip_line(),
                _ => return,
            }
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn wants(&mut self, byte: u8) -> Result<()> {
        if self.takes(byte) { Ok(()) } else { self.fail(&format!("'{}' is missing", char::from(byte))) }
    }

    fn ends_line(&mut self) -> Result<()> {
        self.blanks();
        if matches!(self.peek(), None | Some(b'\n')) { Ok(()) } else { self.fail("more than one value") }
    }

    fn word(&mut self) -> Option<&str> {
        self.blanks();
        let rest = self.text.get(self.at..)?;
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let length = rest.iter().take_while(|byte| is_letter(byte)).count();
        if rest.first().is_none_or(u8::is_ascii_digit) || length == 0 {
            return None;
        }
        self.at += length;
        std::str::from_utf8(rest.get(..length)?).ok()
    }

    /// The next word without taking it.
    fn coming(&mut self) -> String {
        let at = self.at;
        let word = self.word().unwrap_or_default().to_owned();
        self.at = at;
        word
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.parts += 1;
        if self.depth >= MOST_DEPTH || self.parts > MOST_PARTS {
            return Err("it is too long or nests too deeply".to_owned());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// A class with its methods, a function, or a line of neither.
    fn definitions(
        &mut self,
        within: &str,
        indent: usize,
        functions: &mut HashMap<String, Rc<Function>>,
    ) -> Result<()> {
        match self.coming().as_str() {
            "class" => {
                self.word();
                let name = format!("{within}.{}", self.word().unwrap_or_default());
                self.skip_line();
                loop {
                    let at = self.at;
                    match self.next_line() {
                        Some(deeper) if deeper > indent => {
                            self.deeper(|this| this.definitions(&name, deeper, functions))?;
                        }
                        _ => {
                            self.at = at;
                            return Ok(());
                        }
                    }
                }
            }
            "def" => {
                self.word();
                let name = format!("{within}.{}", self.word().unwrap_or_default());
                let parameters = self.parameters()?;
                // The type of what it gives.
                while self.peek().is_some_and(|byte| byte != b':' && byte != b'\n') {
                    self.at += 1;
                }
                self.wants(b':')?;
                let body = self.block(indent)?;
                functions.insert(name, Rc::new(Function { parameters, body }));
            }
            // Types and lists of attributes.
            _ => self.skip_line(),
        }
        Ok(())
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>> {
        let mut parameters = Vec::new();
        self.open += 1;
        self.wants(b'(')?;
        while !self.takes(b')') {
            let Some(name) = self.word() else { return self.fail("a parameter's name is missing") };
            let name: Rc<str> = name.into();
            let mut of = String::new();
            if self.takes(b':') {
                let start = self.at;
                self.expression()?;
                of = String::from_utf8_lossy(self.text.get(start..self.at).unwrap_or_default()).trim().to_owned();
            }
            let default = if self.takes(b'=') { Some(self.expression()?) } else { None };
            parameters.push((name, of, default));
            self.takes(b',');
        }
        self.open -= 1;
        Ok(parameters)
    }

    /// The lines that are indented further than the one above them.
    fn block(&mut self, above: usize) -> Result<Vec<Statement>> {
        self.deeper(|this| {
            let mut lines = Vec::new();
            loop {
                let at = this.at;
                match this.next_line() {
                    Some(indent) if indent > above => lines.push(this.deeper(|this| this.statement(indent))?),
                    _ => {
                        this.at = at;
                        return Ok(lines);
                    }
                }
            }
        })
    }

    fn statement(&mut self, indent: usize) -> Result<Statement> {
        let word = self.coming();
        match word.as_str() {
            "return" => {
                self.word();
                self.blanks();
                let value = if matches!(self.peek(), None | Some(b'\n')) { Expr::None } else { self.values()?.1 };
                self.ends_line()?;
                Ok(Statement::Return(value))
            }
            "pass" | "raise" | "assert" | "del" | "break" | "continue" => {
                self.skip_line();
                Ok(if word == "pass" || word == "del" { Statement::Pass } else { Statement::While })
            }
            "if" | "elif" => {
                self.word();
                let condition = self.expression()?;
                self.wants(b':')?;
                let yes = self.block(indent)?;
                let at = self.at;
                let mut no = Vec::new();
                if self.next_line() == Some(indent) {
                    match self.coming().as_str() {
                        "elif" => no = vec![self.deeper(|this| this.statement(indent))?],
                        "else" => {
                            self.word();
                            self.wants(b':')?;
                            no = self.block(indent)?;
                        }
                        _ => self.at = at,
                    }
                } else {
                    self.at = at;
                }
                Ok(Statement::If(condition, yes, no))
            }
            "for" => {
                self.word();
                let Some(name) = self.word() else { return self.fail("a name is missing") };
                let name = name.into();
                if self.word() != Some("in") {
                    return self.fail("'in' is missing");
                }
                let over = self.expression()?;
                self.wants(b':')?;
                Ok(Statement::For(name, over, self.block(indent)?))
            }
            "while" | "with" => {
                self.skip_line();
                let body = self.block(indent)?;
                Ok(if word == "with" { Statement::Block(body) } else { Statement::While })
            }
            _ => {
                let (many, left) = self.values()?;
                if self.takes(b':') {
                    self.expression()?;
                }
                if !self.takes(b'=') {
                    self.ends_line()?;
                    return Ok(Statement::Call(left));
                }
                let right = self.values()?.1;
                self.ends_line()?;
                Ok(Statement::Assign(
                    match left {
                        Expr::List(names) if many => names,
                        one => vec![one],
                    },
                    right,
                ))
            }
        }
    }

    /// One expression, or several with commas between them; whether there was a comma.
    fn values(&mut self) -> Result<(bool, Expr)> {
        let first = self.expression()?;
        if !self.takes(b',') {
            return Ok((false, first));
        }
        let mut items = vec![first];
        loop {
            self.blanks();
            if matches!(self.peek(), None | Some(b'\n' | b'=' | b':')) {
                return Ok((true, Expr::List(items)));
            }
            items.push(self.expression()?);
            self.takes(b',');
        }
    }

    fn expression(&mut self) -> Result<Expr> {
        self.deeper(Self::expression_here)
    }

    fn expression_here(&mut self) -> Result<Expr> {
        let mut found = self.primary()?;
        // A chain nests too, when it is walked or dropped.
        for _ in 0..MOST_DEPTH {
            self.parts += 1;
            self.blanks();
            match self.peek() {
                Some(b'.') => {
                    self.at += 1;
                    let Some(name) = self.word() else { return self.fail("a name is missing after '.'") };
                    let name = name.into();
                    found = Expr::Attribute(Box::new(found), name);
                }
                Some(b'(') => {
                    found = Expr::Call(Box::new(found), self.arguments()?);
                }
                Some(b'[') => {
                    let items = self.bracketed(b'[', b']')?.0;
                    let index = match <[Expr; 1]>::try_from(items) {
                        Ok([one]) => one,
                        Err(items) => Expr::List(items),
                    };
                    found = Expr::Index(Box::new(found), Box::new(index));
                }
                _ => return Ok(found),
            }
        }
        self.fail("a chain of names is too long")
    }

    fn arguments(&mut self) -> Result<Vec<(Option<Rc<str>>, Expr)>> {
        let mut arguments = Vec::new();
        self.open += 1;
        self.wants(b'(')?;
        while !self.takes(b')') {
            let at = self.at;
            let name: Option<Rc<str>> = self.word().map(Into::into);
            let is_named = name.is_some() && self.takes(b'=');
            if !is_named {
                self.at = at;
            }
            arguments.push((name.filter(|_| is_named), self.expression()?));
            self.takes(b',');
        }
        self.open -= 1;
        Ok(arguments)
    }

    /// What stands between brackets, and whether a comma did.
    fn bracketed(&mut self, from: u8, to: u8) -> Result<(Vec<Expr>, bool)> {
        let (mut items, mut commas) = (Vec::new(), false);
        self.open += 1;
        self.wants(from)?;
        while !self.takes(to) {
            items.push(self.expression()?);
            // A dictionary's values follow its keys.
            commas |= self.takes(b',') || self.takes(b':');
        }
        self.open -= 1;
        Ok((items, commas))
    }

    fn primary(&mut self) -> Result<Expr> {
        self.blanks();
        match self.peek() {
            Some(b'(') => {
                let (mut items, commas) = self.bracketed(b'(', b')')?;
                Ok(match (items.len(), commas) {
                    (1, false) => items.pop().unwrap_or(Expr::None),
                    _ => Expr::List(items),
                })
            }
            Some(b'[') => Ok(Expr::List(self.bracketed(b'[', b']')?.0)),
            Some(b'{') => Ok(Expr::List(self.bracketed(b'{', b'}')?.0)),
            Some(quote @ (b'"' | b'\'')) => self.text(quote),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let Some(word) = self.word() else { return self.fail("an expression is missing") };
                Ok(match word {
                    "None" => Expr::None,
                    "True" => Expr::Bool(true),
                    "False" => Expr::Bool(false),
                    "inf" | "nan" => Expr::Float(f64::INFINITY),
                    name => Expr::Name(name.into()),
                })
            }
        }
    }

    fn text(&mut self, quote: u8) -> Result<Expr> {
        self.at += 1;
        let start = self.at;
        while let Some(byte) = self.peek().filter(|byte| *byte != b'\n') {
            if byte == quote {
                let text = self.text.get(start..self.at).unwrap_or_default();
                self.at += 1;
                return Ok(Expr::Text(String::from_utf8_lossy(text).as_ref().into()));
            }
            self.at += 1 + usize::from(byte == b'\\');
        }
        self.fail("a text does not end")
    }

    fn number(&mut self) -> Result<Expr> {
        let start = self.at;
        let is_part = |byte: u8, before: u8| match byte {
            b'0'..=b'9' | b'.' | b'e' | b'E' | b'j' => true,
            b'-' | b'+' => matches!(before, b'e' | b'E'),
            _ => false,
        };
        let mut before = 0;
        while let Some(byte) = self.peek().filter(|byte| is_part(*byte, before) || (before == 0 && *byte == b'-')) {
            before = byte;
            self.at += 1;
        }
        let text = std::str::from_utf8(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        if text == "-" {
            // `-inf`.
            self.word();
            return Ok(Expr::Float(f64::NEG_INFINITY));
        }
        match (text.parse(), text.parse()) {
            (Ok(integer), _) => Ok(Expr::Int(integer)),
            (_, Ok(float)) => Ok(Expr::Float(float)),
            _ => self.fail("a number is not one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "class Net(Module):\n  __parameters__ = [\"w\", ]\n  w : Tensor\n  def forward(self: __torch__.Net,\n    \
        x: Tensor,\n    n: Optional[int]=None) -> Tuple[Tensor, int]:\n    w = self.w\n    if torch.eq(n, -1):\n      \
        y = torch.relu(x)\n    else:\n      pass\n    a, b, = torch.split((self.l).forward(x, ), [2, 3], dim=-1)\n    \
        return (a, 1.5e-05)\ndef f(x: Tensor) -> Tensor:\n  return x\n";

    #[test]
    fn what_torch_writes_is_understood() {
        let mut code = Code::default();
        code.add(TEXT, "__torch__").unwrap();
        let mut names: Vec<&String> = code.functions.keys().collect();
        names.sort();
        assert_eq!(names, ["__torch__.Net.forward", "__torch__.f"]);
        let forward = &code.functions["__torch__.Net.forward"];
        let parameters: Vec<(&str, &str)> =
            forward.parameters.iter().map(|(name, of, _)| (name.as_ref(), of.as_str())).collect();
        assert_eq!(parameters, [("self", "__torch__.Net"), ("x", "Tensor"), ("n", "Optional[int]")]);
        let [_, Statement::If(_, yes, no), Statement::Assign(left, Expr::Call(_, arguments)), Statement::Return(last)] =
            forward.body.as_slice()
        else {
            panic!("{:?}", forward.body)
        };
        assert_eq!((yes.len(), no.as_slice()), (1, [Statement::Pass].as_slice()));
        assert_eq!(left.len(), 2);
        assert_eq!(arguments.last(), Some(&(Some("dim".into()), Expr::Int(-1))));
        assert_eq!(last, &Expr::List(vec![Expr::Name("a".into()), Expr::Float(1.5e-5)]));
    }

    #[test]
    fn nonsense_ends_in_a_reason() {
        for text in
            ["def f(x: Tensor) -> T:\n  return ((((", "def f(\n", "def f() -> T:\n  x = \"abc\n", "def f() -> T:\n  3x"]
        {
            assert!(Code::default().add(text, "m").is_err(), "{text}");
        }
        let deep = format!("def f() -> T:\n  return {}", "(".repeat(100_000));
        assert!(Code::default().add(&deep, "m").unwrap_err().contains("too deeply"));
        let long = format!("def f() -> T:\n  return x{}", ".y".repeat(100_000));
        assert!(Code::default().add(&long, "m").is_err());
    }
}
