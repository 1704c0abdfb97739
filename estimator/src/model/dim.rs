//! Dimensions: a number that also remembers how it came from the model's symbolic dimensions.
//!
//! Every symbolic dimension (`batch`, `sequence`, an unnamed one) has a number, chosen by the user or by default,
//! so arithmetic on shapes is arithmetic on integers and always comes to a result.
//! Beside the number runs the formula (`batch·12`, `⌊(height − 1)/2⌋ + 1`), for people to read.
//! A formula that grows past reading is dropped; the number stays.
//! A dimension that cannot be known (behind an operator without a rule) is [`Dim::UNKNOWN`].

use std::fmt;
use std::sync::Arc;

/// A dimension or a small integer of shape arithmetic: its value for the chosen symbols, and its formula if it has symbols.
#[derive(Clone, Default)]
pub struct Dim {
    value: Option<i64>,
    origin: Origin,
}

/// Where a number comes from.
#[derive(Clone, Default)]
enum Origin {
    /// It is a constant of the model.
    #[default]
    Constant,
    /// It follows from symbols by this formula.
    Formula(Arc<Formula>),
    /// It follows from symbols in a way too long to write down.
    Unwritten,
}

/// A sum of products of symbols and of quotients, in a canonical order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Formula {
    terms: Vec<Term>,
}

/// `coefficient × factors`; a constant has no factors.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    factors: Vec<Factor>,
    coefficient: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Factor {
    Symbol(Arc<str>),
    Floor(Arc<Formula>, i64),
    Ceil(Arc<Formula>, i64),
}

/// Longest formula kept, in terms; past this nobody reads it.
const MOST_TERMS: usize = 6;
/// Most factors in one term.
const MOST_FACTORS: usize = 6;
/// Deepest nesting of quotients, which also bounds the recursion of printing.
const MOST_DEPTH: usize = 6;

impl Dim {
    /// A dimension about which nothing is known.
    pub const UNKNOWN: Dim = Dim { value: None, origin: Origin::Constant };

    /// A plain number.
    pub fn known(value: i64) -> Self {
        Self { value: Some(value), origin: Origin::Constant }
    }

    /// A number from a length in memory.
    pub fn from_len(len: usize) -> Self {
        i64::try_from(len).map_or(Self::UNKNOWN, Self::known)
    }

    /// A symbolic dimension with the number that stands for it now.
    pub fn symbol(name: &str, value: i64) -> Self {
        let term = Term { factors: vec![Factor::Symbol(Arc::from(name))], coefficient: 1 };
        Self { value: Some(value), origin: Origin::Formula(Arc::new(Formula { terms: vec![term] })) }
    }

    /// The number, if known.
    pub fn value(&self) -> Option<i64> {
        self.value
    }

    /// The number as a size, if known and not negative.
    pub fn size(&self) -> Option<u64> {
        self.value.and_then(|value| u64::try_from(value).ok())
    }

    /// Whether the number is this one.
    pub fn is(&self, value: i64) -> bool {
        self.value == Some(value)
    }

    /// The symbols in the formula, each once; none for a constant and for a formula that was dropped.
    pub fn symbols(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        if let Origin::Formula(formula) = &self.origin {
            formula.add_symbols(&mut names);
        }
        names.sort();
        names.dedup();
        names
    }

    /// The formula for other numbers; `None` where there is no formula, a symbol has no number, or it does not fit 64 bits.
    pub fn at(&self, number: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        match &self.origin {
            Origin::Constant => self.value,
            Origin::Formula(formula) => formula.at(number),
            Origin::Unwritten => None,
        }
    }

    /// Whether the number depends on a symbol.
    pub fn is_symbolic(&self) -> bool {
        !matches!(self.origin, Origin::Constant)
    }

    /// Sum; unknown where either side is unknown or the sum does not fit 64 bits.
    pub fn add(&self, other: &Dim) -> Dim {
        self.combine(other, i64::checked_add, |a, b| Some(a.plus(b, 1)))
    }

    /// Difference; see [`Dim::add`].
    pub fn sub(&self, other: &Dim) -> Dim {
        self.combine(other, i64::checked_sub, |a, b| Some(a.plus(b, -1)))
    }

    /// Product; see [`Dim::add`].
    pub fn mul(&self, other: &Dim) -> Dim {
        self.combine(other, i64::checked_mul, Formula::times)
    }

    /// Quotient rounded towards minus infinity; unknown for a zero divisor.
    pub fn floor_div(&self, other: &Dim) -> Dim {
        let floor = |a: i64, b: i64| {
            let quotient = a.checked_div(b)?;
            Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
        };
        self.combine(other, floor, |a, b| a.over(b, true))
    }

    /// Quotient rounded towards plus infinity; unknown for a zero divisor.
    pub fn ceil_div(&self, other: &Dim) -> Dim {
        let ceil = |a: i64, b: i64| {
            let quotient = a.checked_div(b)?;
            Some(if a % b != 0 && (a < 0) == (b < 0) { quotient + 1 } else { quotient })
        };
        self.combine(other, ceil, |a, b| a.over(b, false))
    }

    /// Quotient rounded towards zero, as ONNX divides integers; unknown for a zero divisor.
    pub fn truncating_div(&self, other: &Dim) -> Dim {
        if self.value.is_some_and(|a| a >= 0) && other.value.is_some_and(|b| b > 0) {
            return self.floor_div(other);
        }
        self.apply(other, i64::checked_div)
    }

    /// An operation whose formula is not written down.
    pub fn apply(&self, other: &Dim, operation: impl Fn(i64, i64) -> Option<i64>) -> Dim {
        self.combine(other, operation, |_, _| None)
    }

    /// The smaller of two.
    pub fn min(&self, other: &Dim) -> Dim {
        self.pick(other, |a, b| a <= b)
    }

    /// The larger of two.
    pub fn max(&self, other: &Dim) -> Dim {
        self.pick(other, |a, b| a >= b)
    }

    fn pick(&self, other: &Dim, first: impl Fn(i64, i64) -> bool) -> Dim {
        match (self.value, other.value) {
            (Some(a), Some(b)) => (if first(a, b) { self } else { other }).clone(),
            _ => Dim::UNKNOWN,
        }
    }

    fn combine(
        &self,
        other: &Dim,
        number: impl Fn(i64, i64) -> Option<i64>,
        formula: impl Fn(&Formula, &Formula) -> Option<Formula>,
    ) -> Dim {
        let (Some(a), Some(b)) = (self.value, other.value) else { return Dim::UNKNOWN };
        let Some(value) = number(a, b) else { return Dim::UNKNOWN };
        if !self.is_symbolic() && !other.is_symbolic() {
            return Dim::known(value);
        }
        let origin = match (self.formula(a), other.formula(b)) {
            (Some(left), Some(right)) => formula(&left, &right).map_or(Origin::Unwritten, Formula::kept),
            _ => Origin::Unwritten,
        };
        Dim { value: Some(value), origin }
    }

    fn formula(&self, value: i64) -> Option<Formula> {
        match &self.origin {
            Origin::Constant => Some(Formula::constant(value)),
            Origin::Formula(formula) => Some(formula.as_ref().clone()),
            Origin::Unwritten => None,
        }
    }
}

impl Formula {
    fn constant(value: i64) -> Self {
        let terms = if value == 0 { Vec::new() } else { vec![Term { factors: Vec::new(), coefficient: value }] };
        Self { terms }
    }

    /// The formula if it is short enough to read; one without symbols is a constant again.
    fn kept(self) -> Origin {
        if self.terms.iter().all(|term| term.factors.is_empty()) {
            return Origin::Constant;
        }
        let short = self.terms.len() <= MOST_TERMS
            && self.terms.iter().all(|term| term.factors.len() <= MOST_FACTORS)
            && self.depth() <= MOST_DEPTH;
        if short { Origin::Formula(Arc::new(self)) } else { Origin::Unwritten }
    }

    /// Whether it reads as one thing without parentheses.
    fn is_one_term(&self) -> bool {
        matches!(self.terms.as_slice(), [term] if term.coefficient > 0)
    }

    fn depth(&self) -> usize {
        let factor_depth = |factor: &Factor| match factor {
            Factor::Symbol(_) => 0,
            Factor::Floor(inner, _) | Factor::Ceil(inner, _) => 1 + inner.depth(),
        };
        self.terms.iter().flat_map(|term| &term.factors).map(factor_depth).max().unwrap_or(0)
    }

    fn add_symbols(&self, names: &mut Vec<Arc<str>>) {
        for factor in self.terms.iter().flat_map(|term| &term.factors) {
            match factor {
                Factor::Symbol(name) => names.push(Arc::clone(name)),
                Factor::Floor(inner, _) | Factor::Ceil(inner, _) => inner.add_symbols(names),
            }
        }
    }

    fn at(&self, number: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        let factor = |factor: &Factor| match factor {
            Factor::Symbol(name) => number(name),
            Factor::Floor(inner, by) => Dim::known(inner.at(number)?).floor_div(&Dim::known(*by)).value,
            Factor::Ceil(inner, by) => Dim::known(inner.at(number)?).ceil_div(&Dim::known(*by)).value,
        };
        self.terms.iter().try_fold(0i64, |sum, term| {
            let product =
                term.factors.iter().try_fold(term.coefficient, |product, f| product.checked_mul(factor(f)?))?;
            sum.checked_add(product)
        })
    }

    fn plus(&self, other: &Self, sign: i64) -> Self {
        let mut terms = self.terms.clone();
        for term in &other.terms {
            let coefficient = term.coefficient.saturating_mul(sign);
            match terms.iter_mut().find(|kept| kept.factors == term.factors) {
                Some(kept) => kept.coefficient = kept.coefficient.saturating_add(coefficient),
                None => terms.push(Term { factors: term.factors.clone(), coefficient }),
            }
        }
        terms.retain(|term| term.coefficient != 0);
        // Symbols first and the constant last, as people write it.
        terms.sort_by(|a, b| a.factors.is_empty().cmp(&b.factors.is_empty()).then_with(|| a.cmp(b)));
        Self { terms }
    }

    fn times(&self, other: &Self) -> Option<Self> {
        if self.terms.len() * other.terms.len() > MOST_TERMS * 2 {
            return None;
        }
        let mut sum = Self { terms: Vec::new() };
        for a in &self.terms {
            for b in &other.terms {
                let mut factors = [a.factors.as_slice(), b.factors.as_slice()].concat();
                factors.sort();
                let coefficient = a.coefficient.checked_mul(b.coefficient)?;
                sum = sum.plus(&Self { terms: vec![Term { factors, coefficient }] }, 1);
            }
        }
        Some(sum)
    }

    /// Divided by another, rounded; `None` where the quotient has no short form.
    fn over(&self, divisor: &Self, floor: bool) -> Option<Self> {
        match divisor.terms.as_slice() {
            [by] if by.factors.is_empty() => self.over_number(by.coefficient, floor),
            // The same expression above and below cancels, which reshape arithmetic does all the time.
            _ => self.cancel(divisor),
        }
    }

    /// Divided by a positive number: exactly where every coefficient divides, else as a rounded quotient.
    ///
    /// What divides is taken out of the quotient, and a quotient of a quotient becomes one,
    /// so that a stack of convolutions still reads as one line.
    fn over_number(&self, divisor: i64, floor: bool) -> Option<Self> {
        if divisor <= 0 {
            return None;
        }
        let (exact, rest): (Vec<Term>, Vec<Term>) =
            self.terms.iter().cloned().partition(|term| term.coefficient % divisor == 0);
        let share = |term: Term| Term { coefficient: term.coefficient / divisor, ..term };
        let exact = Self { terms: exact.into_iter().map(share).collect() };
        if rest.is_empty() {
            return Some(exact);
        }
        let rest = Self { terms: rest };
        let (inner, by) = rest
            .nested(floor)
            .and_then(|(inner, by)| Some((inner, by.checked_mul(divisor)?)))
            .unwrap_or((rest, divisor));
        let inner = Arc::new(inner);
        let factor = if floor { Factor::Floor(inner, by) } else { Factor::Ceil(inner, by) };
        Some(Self { terms: vec![Term { factors: vec![factor], coefficient: 1 }] }.plus(&exact, 1))
    }

    /// For `⌊x/a⌋ + c`, which is `⌊(x + a·c)/a⌋`: the sum and `a`. The same for a quotient rounded up.
    fn nested(&self, floor: bool) -> Option<(Self, i64)> {
        let (first, constant) = match self.terms.as_slice() {
            [first] => (first, 0),
            [first, last] if last.factors.is_empty() => (first, last.coefficient),
            _ => return None,
        };
        match (first.factors.as_slice(), floor) {
            ([Factor::Floor(inner, by)], true) | ([Factor::Ceil(inner, by)], false) if first.coefficient == 1 => {
                Some((inner.plus(&Self::constant(constant.checked_mul(*by)?), 1), *by))
            }
            _ => None,
        }
    }

    /// Divided by a formula of which this is a multiple: the quotient is one product, or a sum where the divisor is one.
    fn cancel(&self, divisor: &Self) -> Option<Self> {
        let first = divisor.terms.first()?;
        match divisor.terms.as_slice() {
            [by] => {
                let terms = self.terms.iter().map(|term| term.over(by)).collect::<Option<Vec<_>>>()?;
                Some(Self { terms: Vec::new() }.plus(&Self { terms }, 1))
            }
            _ => self.terms.iter().find_map(|term| {
                let quotient = Self { terms: vec![term.over(first)?] };
                (divisor.times(&quotient)? == *self).then_some(quotient)
            }),
        }
    }
}

impl Term {
    /// Divided by a term whose every factor it contains.
    fn over(&self, by: &Term) -> Option<Term> {
        let mut factors = self.factors.clone();
        for factor in &by.factors {
            let place = factors.iter().position(|kept| kept == factor)?;
            factors.remove(place);
        }
        let whole = self.coefficient.checked_rem(by.coefficient) == Some(0);
        whole.then(|| Term { factors, coefficient: self.coefficient / by.coefficient })
    }
}

/// Dimensions are equal when their numbers are; two unknown dimensions are not known to be equal.
impl PartialEq for Dim {
    fn eq(&self, other: &Self) -> bool {
        self.value.is_some() && self.value == other.value
    }
}

impl From<u64> for Dim {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::UNKNOWN, Self::known)
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let magnitude = term.coefficient.unsigned_abs();
            match (index, term.coefficient < 0) {
                (0, false) => {}
                (0, true) => write!(f, "−")?,
                (_, false) => write!(f, " + ")?,
                (_, true) => write!(f, " − ")?,
            }
            if term.factors.is_empty() {
                write!(f, "{magnitude}")?;
                continue;
            }
            if magnitude != 1 {
                write!(f, "{magnitude}·")?;
            }
            for (place, factor) in term.factors.iter().enumerate() {
                if place > 0 {
                    write!(f, "·")?;
                }
                match factor {
                    Factor::Symbol(name) => write!(f, "{name}")?,
                    Factor::Floor(inner, by) if inner.is_one_term() => write!(f, "⌊{inner}/{by}⌋")?,
                    Factor::Floor(inner, by) => write!(f, "⌊({inner})/{by}⌋")?,
                    Factor::Ceil(inner, by) if inner.is_one_term() => write!(f, "⌈{inner}/{by}⌉")?,
                    Factor::Ceil(inner, by) => write!(f, "⌈({inner})/{by}⌉")?,
                }
            }
        }
        if self.terms.is_empty() { write!(f, "0") } else { Ok(()) }
    }
}

/// The formula where there is one, else the number, else `?`.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.value) {
            (_, None) => write!(f, "?"),
            (Origin::Formula(formula), _) => write!(f, "{formula}"),
            (_, Some(value)) => write!(f, "{value}"),
        }
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.value) {
            (Origin::Formula(formula), Some(value)) => write!(f, "{formula}={value}"),
            _ => write!(f, "{self}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Dim {
        Dim::symbol("batch", 4)
    }

    #[test]
    fn number_and_formula_go_together() {
        let dim = batch().mul(&Dim::known(12)).add(&Dim::known(1));
        assert_eq!((dim.value(), dim.to_string()), (Some(49), "12·batch + 1".to_owned()));
    }

    #[test]
    fn reshape_arithmetic_cancels() {
        let elements = batch().mul(&Dim::symbol("sequence", 7)).mul(&Dim::known(768));
        let heads = elements.floor_div(&batch().mul(&Dim::symbol("sequence", 7)).mul(&Dim::known(64)));
        assert_eq!((heads.value(), heads.to_string()), (Some(12), "12".to_owned()));
    }

    #[test]
    fn sums_cancel_too() {
        let frames = Dim::symbol("samples", 900).sub(&Dim::known(400)).floor_div(&Dim::known(320)).add(&Dim::known(1));
        let rows = batch().mul(&frames);
        let heads = rows.mul(&Dim::known(768)).floor_div(&rows.mul(&Dim::known(64)));
        assert_eq!((heads.value(), heads.to_string(), heads.is_symbolic()), (Some(12), "12".to_owned(), false));
        let batches = rows.floor_div(&frames);
        assert_eq!((batches.value(), batches.to_string()), (Some(4), "batch".to_owned()));
    }

    #[test]
    fn convolution_arithmetic_reads_well() {
        let out = Dim::symbol("height", 224).sub(&Dim::known(1)).floor_div(&Dim::known(2)).add(&Dim::known(1));
        assert_eq!((out.value(), out.to_string()), (Some(112), "⌊(height − 1)/2⌋ + 1".to_owned()));
    }

    #[test]
    fn a_formula_holds_for_other_numbers() {
        let frames = Dim::symbol("samples", 400).sub(&Dim::known(10)).floor_div(&Dim::known(5)).add(&batch());
        assert_eq!(frames.symbols().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["batch", "samples"]);
        assert_eq!(frames.at(&|name| Some(if name == "batch" { 1 } else { 1000 })), Some(199));
        assert_eq!(frames.at(&|_| None), None);
        assert_eq!(Dim::known(7).at(&|_| None), Some(7));
    }

    #[test]
    fn quotients_of_quotients_become_one() {
        let two = Dim::known(2);
        let pooled = |dim: &Dim| dim.sub(&two).floor_div(&two).add(&Dim::known(1));
        let halved = |dim: &Dim| dim.sub(&Dim::known(1)).floor_div(&two).add(&Dim::known(1));
        let height = Dim::symbol("height", 225);
        assert_eq!(pooled(&height).to_string(), "⌊height/2⌋");
        assert_eq!(halved(&halved(&halved(&height))).to_string(), "⌊(height − 1)/8⌋ + 1");
        assert_eq!(height.ceil_div(&two).ceil_div(&Dim::known(3)).to_string(), "⌈height/6⌉");
        // Whatever the form, the numbers are the same.
        for size in -20..60 {
            let height = Dim::symbol("height", size);
            for dim in
                [pooled(&halved(&height)), halved(&pooled(&pooled(&height))), pooled(&height).ceil_div(&Dim::known(3))]
            {
                assert_eq!(dim.at(&|_| Some(size)), dim.value(), "{dim} for {size}");
            }
        }
    }

    #[test]
    fn differences_vanish() {
        let zero = batch().sub(&batch());
        assert_eq!((zero.value(), zero.to_string()), (Some(0), "0".to_owned()));
    }

    #[test]
    fn rounding_follows_the_sign() {
        assert!(Dim::known(-7).floor_div(&Dim::known(2)).is(-4));
        assert!(Dim::known(-7).truncating_div(&Dim::known(2)).is(-3));
        assert!(Dim::known(-7).ceil_div(&Dim::known(2)).is(-3));
        assert!(Dim::known(7).floor_div(&Dim::known(-2)).is(-4));
        assert!(Dim::known(7).ceil_div(&Dim::known(2)).is(4));
        assert_eq!(Dim::known(7).floor_div(&Dim::known(0)).value(), None);
    }

    #[test]
    fn overflow_is_unknown_not_wrong() {
        assert_eq!(Dim::known(i64::MAX).mul(&Dim::known(2)).value(), None);
        assert_eq!(Dim::known(i64::MIN).floor_div(&Dim::known(-1)).value(), None);
    }

    #[test]
    fn a_formula_past_reading_is_dropped_and_the_number_stays() {
        let mut dim = batch();
        for step in 0..40 {
            dim = dim.add(&Dim::symbol(&format!("s{step}"), 1));
        }
        assert_eq!((dim.value(), dim.to_string(), dim.is_symbolic()), (Some(44), "44".to_owned(), true));
        let mut nested = batch();
        for _ in 0..1000 {
            nested = nested.add(&Dim::known(1)).floor_div(&Dim::known(2));
        }
        assert!(nested.value().is_some());
    }

    #[test]
    fn unknown_is_never_equal() {
        assert_ne!(Dim::UNKNOWN, Dim::UNKNOWN);
    }
}
