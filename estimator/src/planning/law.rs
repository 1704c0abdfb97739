//! Chinchilla's law: the loss of a language model from its size and the tokens it learns from, and what is best for a compute budget.
//!
//! `L(N, D) = E + A ÷ N^α + B ÷ D^β` with `C = 6 N D` (Hoffmann and others 2022, third approach; corrected fit by Besiroglu and others 2024).

use crate::range::{Range, Ratio};
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use std::sync::OnceLock;

/// Floating-point operations of training for each parameter and token, as the law's authors count them.
pub(crate) const FLOPS_PER_PARAMETER_TOKEN: f64 = 6.0;
/// Standard deviations on either side that hold 80 % of a normal distribution.
const EIGHTY_PERCENT: f64 = 1.2816;

/// Standard errors of a fit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Errors {
    e: f64,
    a: f64,
    b: f64,
    alpha: f64,
    beta: f64,
}

/// A fit of the law.
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// The id: `besiroglu-2024`.
    pub id: String,
    /// The name that people read.
    pub label: String,
    /// The loss that no model gets below.
    pub e: f64,
    /// Coefficient of the size.
    pub a: f64,
    /// Coefficient of the tokens.
    pub b: f64,
    /// Exponent of the size.
    pub alpha: f64,
    /// Exponent of the tokens.
    pub beta: f64,
    errors: Option<Errors>,
    /// Who published it.
    pub evidence: Evidence,
    /// What to beware of.
    pub note: String,
}

/// The best size and amount of text for some compute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimum {
    /// Parameters.
    pub parameters: f64,
    /// Tokens.
    pub tokens: f64,
    /// The loss that they reach.
    pub loss: f64,
}

impl Law {
    /// The loss of a model of `parameters` that learns from `tokens`.
    pub fn loss(&self, parameters: f64, tokens: f64) -> f64 {
        self.e + self.a * libm::pow(parameters, -self.alpha) + self.b * libm::pow(tokens, -self.beta)
    }

    /// The share of compute, as an exponent, that goes into size: parameters grow with `C^a`.
    pub fn size_exponent(&self) -> f64 {
        self.beta / (self.alpha + self.beta)
    }

    /// The best size and tokens for so many floating-point operations.
    pub fn optimum(&self, flops: f64) -> Optimum {
        let parameters = libm::exp(self.log_size(flops));
        let tokens = flops / (FLOPS_PER_PARAMETER_TOKEN * parameters);
        Optimum { parameters, tokens, loss: self.loss(parameters, tokens) }
    }

    fn log_size(&self, flops: f64) -> f64 {
        let log = libm::log;
        (log(self.alpha * self.a) - log(self.beta * self.b) + self.beta * log(flops / FLOPS_PER_PARAMETER_TOKEN))
            / (self.alpha + self.beta)
    }

    /// The compute with which the best model has this size.
    pub fn flops_of_size(&self, parameters: f64) -> f64 {
        let log = libm::log;
        let ratio = log(self.alpha * self.a) - log(self.beta * self.b);
        let tokens = (log(parameters) * (self.alpha + self.beta) - ratio) / self.beta;
        FLOPS_PER_PARAMETER_TOKEN * libm::exp(tokens)
    }

    /// The tokens with which a model of this size reaches a loss; `None` where it never does.
    pub fn tokens_for(&self, loss: f64, parameters: f64) -> Option<f64> {
        let left = loss - self.e - self.a * libm::pow(parameters, -self.alpha);
        (left > 0.0).then(|| libm::pow(self.b / left, 1.0 / self.beta)).filter(|tokens| tokens.is_finite())
    }

    /// The least size that can reach a loss at all.
    pub fn least_size(&self, loss: f64) -> Option<f64> {
        let left = loss - self.e;
        (left > 0.0).then(|| libm::pow(self.a / left, 1.0 / self.alpha))
    }

    /// The law with its exponents moved, and each coefficient with its exponent.
    ///
    /// The covariance of the fit is not published. A power law through data turns about their middle, so a coefficient and its exponent err together:
    /// they are taken as one error each, and the two exponents as independent, which gives the published standard error of `size_exponent`.
    fn moved(&self, errors: &Errors, alpha: f64, beta: f64) -> Self {
        let turned = |coefficient: f64, error: f64, exponent_error: f64, step: f64| {
            coefficient * libm::exp(error / coefficient / exponent_error * step)
        };
        Self {
            a: turned(self.a, errors.a, errors.alpha, alpha),
            b: turned(self.b, errors.b, errors.beta, beta),
            alpha: self.alpha + alpha,
            beta: self.beta + beta,
            ..self.clone()
        }
    }

    /// The standard error of anything that depends on the law, by the delta method; zero for a fit without standard errors.
    fn error_of(&self, value: impl Fn(&Self) -> f64) -> f64 {
        let Some(errors) = &self.errors else { return 0.0 };
        let slope = |alpha: f64, beta: f64| {
            (value(&self.moved(errors, alpha, beta)) - value(&self.moved(errors, -alpha, -beta))) / 2.0
        };
        // A tenth of a standard error to either side, scaled back: close enough to a derivative, and far from rounding.
        let small = 0.1;
        let alpha = slope(errors.alpha * small, 0.0) / small;
        let beta = slope(0.0, errors.beta * small) / small;
        (alpha * alpha + beta * beta).sqrt()
    }

    /// The factor by which the best size for some compute may be larger or smaller, for 80 %.
    pub fn size_factor(&self, flops: f64) -> f64 {
        libm::exp(EIGHTY_PERCENT * self.error_of(|law| law.log_size(flops)))
    }

    /// The standard error of [`Law::size_exponent`].
    pub fn size_exponent_error(&self) -> f64 {
        self.error_of(Self::size_exponent)
    }

    /// The loss with its span, for 80 %.
    pub fn loss_range(&self, parameters: f64, tokens: f64) -> Range<Ratio> {
        let central = self.loss(parameters, tokens);
        let slope = self.error_of(|law| law.loss(parameters, tokens));
        let floor = self.errors.map_or(0.0, |errors| errors.e);
        let error = EIGHTY_PERCENT * (slope * slope + floor * floor).sqrt();
        Range::new(Ratio(central - error), Ratio(central), Ratio(central + error))
    }
}

/// All fits, in the file's order: the corrected one in front.
pub fn laws() -> &'static [Law] {
    static ALL: OnceLock<Vec<Law>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("scaling_laws.csv", include_str!("../../data/scaling_laws.csv"))))
}

/// The corrected fit.
pub fn corrected() -> Option<&'static Law> {
    laws().iter().find(|law| law.id == "besiroglu-2024")
}

/// The original fit.
pub fn original() -> Option<&'static Law> {
    laws().iter().find(|law| law.id == "hoffmann-2022")
}

fn read(name: &str, text: &str) -> Result<Vec<Law>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let positive = |column: &str| {
                let value = row.required_number(column)?;
                if value > 0.0 { Ok(value) } else { Err(row.fault(column, format!("{value} is not positive"))) }
            };
            let errors = ["e_se", "a_se", "b_se", "alpha_se", "beta_se"].map(|column| row.number(column));
            let [e, a, b, alpha, beta] = errors;
            let errors = match (e?, a?, b?, alpha?, beta?) {
                (Some(e), Some(a), Some(b), Some(alpha), Some(beta)) => Some(Errors { e, a, b, alpha, beta }),
                (None, None, None, None, None) => None,
                _ => return Err(row.fault("e_se", "standard errors are given for all five or for none")),
            };
            Ok(Law {
                id: row.required_text("id")?.to_owned(),
                label: row.required_text("label")?.to_owned(),
                e: positive("e")?,
                a: positive("a")?,
                b: positive("b")?,
                alpha: positive("alpha")?,
                beta: positive("beta")?,
                errors,
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The compute of Gopher and of Chinchilla.
    const CHINCHILLA: f64 = 5.76e23;

    fn both() -> (&'static Law, &'static Law) {
        (corrected().unwrap(), original().unwrap())
    }

    #[test]
    fn the_table_reads() {
        assert_eq!(read("scaling_laws.csv", include_str!("../../data/scaling_laws.csv")).unwrap().len(), 2);
    }

    #[test]
    fn the_optimum_is_a_minimum_along_its_compute() {
        for law in laws() {
            for flops in [1e18, 1e21, CHINCHILLA, 1e27] {
                let best = law.optimum(flops);
                for step in [0.5, 0.9, 0.99, 1.01, 1.1, 2.0] {
                    let parameters = best.parameters * step;
                    let loss = law.loss(parameters, flops / (6.0 * parameters));
                    assert!(loss > best.loss, "{} at {flops}: {step}", law.id);
                }
                assert!((6.0 * best.parameters * best.tokens / flops - 1.0).abs() < 1e-12);
                assert!((law.flops_of_size(best.parameters) / flops - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn published_figures_come_out() {
        let (corrected, original) = both();
        // The original paper: 40 billion parameters for Gopher's compute by its third approach.
        assert!((original.optimum(CHINCHILLA).parameters / 40e9 - 1.0).abs() < 0.05);
        assert!((original.size_exponent() - 0.4565).abs() < 1e-3);
        // The correction: a = 0.5126 with a standard error of 0.02, and about 20 tokens for each parameter.
        assert!((corrected.size_exponent() - 0.5126).abs() < 1e-4);
        assert!((corrected.size_exponent_error() - 0.02).abs() < 0.002, "{}", corrected.size_exponent_error());
        let best = corrected.optimum(CHINCHILLA);
        assert!((15.0..25.0).contains(&(best.tokens / best.parameters)), "{best:?}");
        // Chinchilla itself, 70 billion parameters and 1.4 trillion tokens, lies inside the range.
        let factor = corrected.size_factor(CHINCHILLA);
        assert!(factor > 1.2 && factor < 2.0, "{factor}");
        assert!((best.parameters / factor..best.parameters * factor).contains(&70e9));
    }

    #[test]
    fn tokens_and_loss_undo_each_other() {
        let (law, _) = both();
        for (parameters, tokens) in [(1e8, 1e10), (7e9, 2e12), (70e9, 1.4e12)] {
            let loss = law.loss(parameters, tokens);
            assert!((law.tokens_for(loss, parameters).unwrap() / tokens - 1.0).abs() < 1e-9);
            assert!(law.least_size(loss).unwrap() < parameters);
            assert_eq!(law.tokens_for(loss, law.least_size(loss).unwrap() * 0.99), None);
        }
        assert_eq!(law.least_size(law.e * 0.9), None);
    }

    #[test]
    fn a_fit_without_errors_has_no_span() {
        let (corrected, original) = both();
        assert_eq!(original.size_factor(1e23), 1.0);
        let loss = corrected.loss_range(70e9, 1.4e12);
        assert!(loss.low.0 < loss.central.0 && loss.high.0 - loss.low.0 < 0.2, "{loss:?}");
    }
}
