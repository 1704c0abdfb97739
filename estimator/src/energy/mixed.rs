//! A linear model with random effects: what many small groups of observations have in common, and how each group differs.
//!
//! y = x·β + Σ effect of each group the observation belongs to + noise, all of them normal.
//! β has a prior, the effects of a grouping a common spread, so a group with few observations stays near the others (shrinkage).
//! With every spread given, the estimates are the posterior means (best linear unbiased predictors, Henderson 1975)
//! and the likelihood is exact, by one Cholesky factorisation of the covariance of the observations.
//! What is observed, and which spreads are tried, is for the caller.

use std::collections::BTreeMap;

/// One observation.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    /// What was observed.
    pub(super) y: f64,
    /// The values of the variables, in the order of the priors.
    pub(super) x: Vec<f64>,
    /// The group that it belongs to in each grouping.
    pub(super) groups: Vec<String>,
    /// Noise of its own, beside that of all: a standard deviation.
    pub(super) noise: f64,
}

/// What is expected of a coefficient before anything is observed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// The standard deviations of the noise and of the effects of each grouping.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deviations {
    pub(super) noise: f64,
    pub(super) groups: Vec<f64>,
}

/// A number with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimated {
    pub(super) value: f64,
    pub(super) error: f64,
}

/// A fitted model.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    pub(super) coefficients: Vec<Estimated>,
    /// The effect of each group, by grouping.
    pub(super) effects: Vec<BTreeMap<String, Estimated>>,
}

/// The factor of the covariance of the observations, and their residuals from the priors' means, solved for it.
fn factored(
    observations: &[Observation],
    priors: &[Prior],
    deviations: &Deviations,
) -> Option<(Vec<Vec<f64>>, Vec<f64>)> {
    if observations.is_empty() {
        return None;
    }
    let covariance = |a: &Observation, b: &Observation, same: bool| {
        let of_priors: f64 = priors
            .iter()
            .zip(a.x.iter().zip(&b.x))
            .map(|(prior, (left, right))| prior.deviation.powi(2) * left * right)
            .sum();
        let of_groups: f64 = deviations
            .groups
            .iter()
            .zip(a.groups.iter().zip(&b.groups))
            .map(|(deviation, (left, right))| if left == right { deviation.powi(2) } else { 0.0 })
            .sum();
        let of_noise = if same { deviations.noise.powi(2) + a.noise.powi(2) } else { 0.0 };
        of_priors + of_groups + of_noise
    };
    let rows = observations.iter().enumerate().map(|(i, a)| {
        observations.iter().take(i + 1).enumerate().map(|(j, b)| covariance(a, b, i == j)).collect::<Vec<_>>()
    });
    let factor = cholesky(rows)?;
    let residuals: Vec<f64> = observations
        .iter()
        .map(|one| one.y - priors.iter().zip(&one.x).map(|(prior, x)| prior.mean * x).sum::<f64>())
        .collect();
    let residuals = forward(&factor, &residuals);
    Some((factor, residuals))
}

/// The logarithm of the marginal likelihood; `None` as for [`fit`].
pub(super) fn log_likelihood(observations: &[Observation], priors: &[Prior], deviations: &Deviations) -> Option<f64> {
    let (factor, residuals) = factored(observations, priors, deviations)?;
    let log_determinant: f64 = factor.iter().filter_map(|row| row.last()).map(|pivot| 2.0 * libm::log(*pivot)).sum();
    let constant = observations.len() as f64 * libm::log(std::f64::consts::TAU);
    Some(-0.5 * (log_determinant + dot(&residuals, &residuals) + constant))
}

/// Fits the model; `None` where the covariance is not positive definite (no noise at all) or nothing is observed.
pub(super) fn fit(observations: &[Observation], priors: &[Prior], deviations: &Deviations) -> Option<Fitted> {
    let (factor, residuals) = factored(observations, priors, deviations)?;
    let estimated = |mean: f64, deviation: f64, loading: Vec<f64>| {
        let loading = forward(&factor, &loading);
        let variance = deviation.powi(2);
        Estimated {
            value: mean + variance * dot(&loading, &residuals),
            error: (variance - variance.powi(2) * dot(&loading, &loading)).max(0.0).sqrt(),
        }
    };
    let coefficients = priors
        .iter()
        .enumerate()
        .map(|(place, prior)| {
            let loading = observations.iter().map(|one| one.x.get(place).copied().unwrap_or(0.0)).collect();
            estimated(prior.mean, prior.deviation, loading)
        })
        .collect();
    let effects = deviations
        .groups
        .iter()
        .enumerate()
        .map(|(grouping, deviation)| {
            let names = observations.iter().filter_map(|one| one.groups.get(grouping));
            let mut effects = BTreeMap::new();
            for name in names {
                if !effects.contains_key(name) {
                    let belongs = |one: &Observation| f64::from(one.groups.get(grouping) == Some(name));
                    let loading = observations.iter().map(belongs).collect();
                    effects.insert(name.clone(), estimated(0.0, *deviation, loading));
                }
            }
            effects
        })
        .collect();
    Some(Fitted { coefficients, effects })
}

/// The lower triangular factor of a positive definite matrix, of which the rows up to the diagonal are given.
fn cholesky(rows: impl Iterator<Item = Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let mut factor: Vec<Vec<f64>> = Vec::new();
    for row in rows {
        let mut new: Vec<f64> = Vec::with_capacity(row.len());
        for (above, cell) in factor.iter().zip(&row) {
            new.push((cell - dot(&new, above)) / above.last()?);
        }
        let pivot = row.last()? - dot(&new, &new);
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        new.push(pivot.sqrt());
        factor.push(new);
    }
    Some(factor)
}

/// Solves factor × solution = right.
fn forward(factor: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let mut solution: Vec<f64> = Vec::with_capacity(right.len());
    for (row, value) in factor.iter().zip(right) {
        let pivot = row.last().copied().unwrap_or(1.0);
        solution.push((value - dot(row, &solution)) / pivot);
    }
    solution
}

/// The sum of products, over the shorter of the two.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(y: f64, x: f64, group: &str) -> Observation {
        Observation { y, x: vec![1.0, x], groups: vec![group.to_owned()], noise: 0.0 }
    }

    const VAGUE: [Prior; 2] = [Prior { mean: 0.0, deviation: 1e3 }, Prior { mean: 0.0, deviation: 1e3 }];

    #[test]
    fn a_line_is_found_and_its_error_is_that_of_least_squares() {
        // y = 1 + 2x with the residuals 0.1, −0.2, 0.1 that leave the line as it is.
        let points = [(0.0, 1.1), (1.0, 2.8), (2.0, 5.1)];
        let observations: Vec<_> = points.iter().map(|(x, y)| observed(*y, *x, "a")).collect();
        let deviations = Deviations { noise: 0.2, groups: vec![0.0] };
        let fitted = fit(&observations, &VAGUE, &deviations).unwrap();
        assert!((fitted.coefficients[0].value - 1.0).abs() < 1e-4, "{fitted:?}");
        assert!((fitted.coefficients[1].value - 2.0).abs() < 1e-4);
        // σ ÷ √Σ(x − mean)² = 0.2 ÷ √2.
        assert!((fitted.coefficients[1].error - 0.2 / 2.0f64.sqrt()).abs() < 1e-4);
    }

    #[test]
    fn a_group_with_one_observation_stays_nearer_to_the_others() {
        let mut observations: Vec<_> = (0..20).map(|_| observed(0.0, 0.0, "many")).collect();
        observations.push(observed(1.0, 0.0, "one"));
        observations.extend((0..20).map(|_| observed(1.0, 0.0, "also many")));
        let deviations = Deviations { noise: 0.5, groups: vec![0.5] };
        let fitted = fit(&observations, &VAGUE, &deviations).unwrap();
        let effects = &fitted.effects[0];
        assert!(effects["one"].value > 0.0 && effects["one"].value < effects["also many"].value, "{effects:?}");
        assert!(effects["one"].error > effects["many"].error);
    }

    #[test]
    fn the_likelihood_prefers_the_spread_that_made_the_data() {
        // Two groups a unit apart, and little noise inside them.
        let observations: Vec<_> = (0..10)
            .flat_map(|n| {
                let noise = if n % 2 == 0 { 0.05 } else { -0.05 };
                [observed(0.5 + noise, 0.0, "a"), observed(-0.5 + noise, 0.0, "b")]
            })
            .collect();
        let of =
            |noise, group| log_likelihood(&observations, &VAGUE, &Deviations { noise, groups: vec![group] }).unwrap();
        assert!(of(0.05, 0.5) > of(0.5, 0.0) && of(0.05, 0.5) > of(0.05, 0.01));
        assert!(fit(&observations, &VAGUE, &Deviations { noise: 0.0, groups: vec![0.0] }).is_none());
        assert!(fit(&[], &VAGUE, &Deviations { noise: 1.0, groups: vec![0.0] }).is_none());
    }
}
