//! Arithmetic that exporters write in the place of a dimension: `2*batch + 1`, `floor(height/2)`, `Mul(Integer(2), Symbol('s0'))`.
//!
//! Here is its grammar, in the spellings of torch's exporters (Python's operators, and sympy's own notation), and its value.
//! Which number a name stands for is the caller's business.

use crate::model::Dim;

/// Longest text that is read, in bytes, and deepest nesting.
const LONGEST: usize = 20_000;
const MOST_DEPTH: u32 = 64;
/// Largest power.
const MOST_POWER: i64 = 8;

/// The dimension that a text describes; `None` where it is no arithmetic. `name` says what a name stands for.
pub(super) fn dimension(text: &str, name: &mut dyn FnMut(&str) -> Dim) -> Option<Dim> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { rest: text, name, depth: 0 };
    let value = reader.sum()?;
    reader.skip_spaces();
    reader.rest.is_empty().then(|| value.rounded_down())
}

/// A number over a whole one: sympy divides before it rounds.
#[derive(Debug, Clone)]
struct Ratio {
    above: Dim,
    below: i64,
}

impl Ratio {
    fn whole(above: Dim) -> Self {
        Self { above, below: 1 }
    }

    fn over(&self, below: i64) -> Dim {
        self.above.mul(&Dim::known(below))
    }

    fn add(&self, other: &Self) -> Self {
        if self.below == other.below {
            return Self { above: self.above.add(&other.above), below: self.below };
        }
        match self.below.checked_mul(other.below) {
            Some(below) => Self { above: self.over(other.below).add(&other.over(self.below)), below },
            None => Self::whole(Dim::UNKNOWN),
        }
    }

    fn negative(&self) -> Self {
        Self { above: Dim::known(0).sub(&self.above), below: self.below }
    }

    fn times(&self, other: &Self) -> Self {
        match self.below.checked_mul(other.below) {
            Some(below) => Self { above: self.above.mul(&other.above), below },
            None => Self::whole(Dim::UNKNOWN),
        }
    }

    /// Divided exactly; by anything but a number the quotient is rounded down, which in shapes it always is in the end.
    fn divided(&self, other: &Self) -> Self {
        let (above, below) = (self.over(other.below), other.above.mul(&Dim::known(self.below)));
        match below.value() {
            Some(number) if number > 0 && !below.is_symbolic() => Self { above, below: number },
            _ => Self::whole(above.floor_div(&below)),
        }
    }

    fn rounded_down(&self) -> Dim {
        if self.below == 1 { self.above.clone() } else { self.above.floor_div(&Dim::known(self.below)) }
    }

    fn rounded_up(&self) -> Dim {
        if self.below == 1 { self.above.clone() } else { self.above.ceil_div(&Dim::known(self.below)) }
    }
}

struct Reader<'t, 'n> {
    rest: &'t str,
    name: &'n mut dyn FnMut(&str) -> Dim,
    depth: u32,
}

impl Reader<'_, '_> {
    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Steps over a sign if it comes next.
    fn take(&mut self, sign: &str) -> bool {
        self.skip_spaces();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<Ratio> {
        if self.depth > MOST_DEPTH {
            return None;
        }
        self.depth += 1;
        let mut value = self.product()?;
        loop {
            value = match () {
                () if self.take("+") => value.add(&self.product()?),
                () if self.take("-") => value.add(&self.product()?.negative()),
                () => break,
            };
        }
        self.depth -= 1;
        Some(value)
    }

    fn product(&mut self) -> Option<Ratio> {
        let mut value = self.signed()?;
        loop {
            value = match () {
                () if self.take("//") => Ratio::whole(value.divided(&self.signed()?).rounded_down()),
                () if self.take("/") => value.divided(&self.signed()?),
                () if self.take("*") => value.times(&self.signed()?),
                () if self.take("%") => remainder(&value, &self.signed()?),
                () => return Some(value),
            };
        }
    }

    fn signed(&mut self) -> Option<Ratio> {
        let mut negative = false;
        while self.take("-") {
            negative = !negative;
        }
        let value = self.atom()?;
        let value = if self.take("**") { power(&value, &self.atom()?) } else { value };
        Some(if negative { value.negative() } else { value })
    }

    fn atom(&mut self) -> Option<Ratio> {
        if self.take("(") {
            let value = self.sum()?;
            return self.take(")").then_some(value);
        }
        let end = self.rest.find(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '.')));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        if word.is_empty() {
            return None;
        }
        self.rest = rest;
        if let Ok(number) = word.parse::<i64>() {
            return Some(Ratio::whole(Dim::known(number)));
        }
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            return None;
        }
        if self.rest.starts_with('(') {
            return self.call(word);
        }
        Some(Ratio::whole((self.name)(word)))
    }

    /// A function and its arguments, keywords left out.
    fn call(&mut self, function: &str) -> Option<Ratio> {
        self.take("(");
        if function == "Symbol" {
            self.skip_spaces();
            let quoted = self.rest.strip_prefix(['\'', '"'])?;
            let end = quoted.find(['\'', '"'])?;
            let (word, after) = quoted.split_at_checked(end)?;
            // What follows are assumptions about the symbol.
            self.rest = after.split_once(')')?.1;
            return Some(Ratio::whole((self.name)(word)));
        }
        let mut given = Vec::new();
        while !self.take(")") {
            // `evaluate=False` and the like.
            let keyword = self.rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
            if keyword.is_some_and(|at| at > 0 && self.rest.get(at..).is_some_and(|rest| rest.starts_with('='))) {
                let end = self.rest.find([',', ')'])?;
                self.rest = self.rest.get(end..)?;
            } else {
                given.push(self.sum()?);
            }
            self.take(",");
            if self.rest.is_empty() || given.len() > 1000 {
                return None;
            }
        }
        applied(function, &given)
    }
}

/// The value of a function, for those that stand in shapes; unknown for others.
fn applied(function: &str, given: &[Ratio]) -> Option<Ratio> {
    let unknown = || Some(Ratio::whole(Dim::UNKNOWN));
    let whole = |fold: fn(&Dim, &Dim) -> Dim| {
        let mut dims = given.iter().map(Ratio::rounded_down);
        let first = dims.next()?;
        Some(Ratio::whole(dims.fold(first, |all, dim| fold(&all, &dim))))
    };
    match (function, given) {
        ("Integer" | "CleanDiv" | "Identity", [one]) => Some(one.clone()),
        ("Rational", [above, below]) => Some(above.divided(below)),
        ("Add", _) => Some(given.iter().fold(Ratio::whole(Dim::known(0)), |sum, item| sum.add(item))),
        ("Mul", _) => Some(given.iter().fold(Ratio::whole(Dim::known(1)), |product, item| product.times(item))),
        ("Pow" | "PowByNatural", [base, exponent]) => Some(power(base, exponent)),
        ("FloorDiv" | "CleanDiv" | "IntTrueDiv", [a, b]) => Some(Ratio::whole(a.divided(b).rounded_down())),
        ("CeilDiv", [a, b]) => Some(Ratio::whole(a.rounded_down().ceil_div(&b.rounded_down()))),
        ("Mod" | "PythonMod", [a, b]) => Some(remainder(a, b)),
        ("ModularIndexing", [a, b, c]) => Some(remainder(&Ratio::whole(a.divided(b).rounded_down()), c)),
        ("floor" | "FloorToInt" | "TruncToInt" | "trunc", [one]) => Some(Ratio::whole(one.rounded_down())),
        ("ceiling" | "CeilToInt" | "ceil", [one]) => Some(Ratio::whole(one.rounded_up())),
        ("Max" | "max", _) => whole(Dim::max),
        ("Min" | "min", _) => whole(Dim::min),
        _ => unknown(),
    }
}

fn remainder(a: &Ratio, b: &Ratio) -> Ratio {
    let (a, b) = (a.rounded_down(), b.rounded_down());
    Ratio::whole(a.sub(&a.floor_div(&b).mul(&b)))
}

/// A small whole power; a power of −1 divides.
fn power(base: &Ratio, exponent: &Ratio) -> Ratio {
    let one = Ratio::whole(Dim::known(1));
    match exponent.above.value().filter(|_| exponent.below == 1) {
        Some(count @ 0..=MOST_POWER) => (0..count).fold(one, |product, _| product.times(base)),
        Some(-1) => one.divided(base),
        _ => Ratio::whole(Dim::UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<i64> {
        let mut name = |name: &str| if name == "s0" || name == "x.0" { Dim::symbol(name, 7) } else { Dim::UNKNOWN };
        dimension(text, &mut name).and_then(|dim| dim.value())
    }

    #[test]
    fn both_notations_are_read() {
        for (text, wanted) in [
            ("2*s0 + 1", 15),
            ("((s0 - 1)//2) + 1", 4),
            ("-s0 + 10", 3),
            ("floor(s0/2 - 1/2) + 1", 4),
            ("ceiling(s0/2)", 4),
            ("s0**2 % 10", 9),
            ("Max(1, s0 - 3)", 4),
            ("x.0", 7),
            ("Symbol('s0', positive=True, integer=True)", 7),
            ("Add(Mul(Integer(2), Symbol('s0', integer=True)), Integer(-1))", 13),
            ("FloorDiv(Symbol('s0'), Integer(2))", 3),
            ("Mul(Rational(1, 2), Add(Symbol('s0'), Integer(-1)), evaluate=False)", 3),
            ("Pow(Symbol('s0'), Integer(2))", 49),
            ("Mod(Symbol('s0'), Integer(4))", 3),
        ] {
            assert_eq!(value(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_arithmetic_is_refused() {
        for text in ["", "a b", "2x", "s0 +", "f(", "(s0", "s0)", "Symbol('s0", "3.5*s0"] {
            assert_eq!(dimension(text, &mut |_| Dim::known(1)).and_then(|dim| dim.value()), None, "{text}");
        }
        assert_eq!(value("unheard_of(s0)"), None);
        assert_eq!(value(&"(".repeat(10_000)), None);
        assert_eq!(value(&"-".repeat(10_000)), None);
    }
}
