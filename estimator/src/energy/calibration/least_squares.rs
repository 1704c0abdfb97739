//! The point with the least sum of squared errors, by Levenberg’s and Marquardt’s method, and how sure it is.
//!
//! What the errors are of is not known here. Nothing is random.

/// Beyond this error, in the natural logarithm, a row counts as its size and not as its square.
const LARGE: f64 = 0.3;
/// Turns after which the search ends, and the gain below which it does.
const TURNS: usize = 60;
const LEAST_GAIN: f64 = 1e-7;
/// The step by which derivatives are taken, in the natural logarithm.
const NUDGE: f64 = 1e-4;

/// An error as it counts: as its square while small, as its size when large.
pub(crate) fn counted(error: f64) -> f64 {
    let scaled = error / LARGE;
    let square = 2.0 * LARGE * LARGE * ((1.0 + scaled * scaled).sqrt() - 1.0);
    libm::copysign(square.max(0.0).sqrt(), error)
}

/// The point with the least sum of squared errors, and the standard error of each of its coordinates.
pub(crate) fn least_squares<const N: usize>(
    errors: &dyn Fn(&[f64; N]) -> Vec<f64>,
    from: [f64; N],
) -> ([f64; N], [f64; N]) {
    let sum = |errors: &[f64]| errors.iter().map(|error| error * error).sum::<f64>();
    let mut point = from;
    let mut here = errors(&point);
    let mut damping = 1e-3;
    let (mut normal, mut gradient) = normal_equations(errors, &point, &here);
    for _ in 0..TURNS {
        let mut damped = normal;
        for (n, line) in damped.iter_mut().enumerate() {
            if let Some(cell) = line.get_mut(n) {
                *cell *= 1.0 + damping;
            }
        }
        let Some(step) = solve(damped, gradient) else { break };
        let mut next = point;
        for (value, step) in next.iter_mut().zip(step) {
            *value -= step.clamp(-1.0, 1.0);
        }
        let there = errors(&next);
        let (before, after) = (sum(&here), sum(&there));
        if after < before {
            (point, here) = (next, there);
            damping = (damping / 4.0).max(1e-9);
            if before - after < LEAST_GAIN * before {
                break;
            }
            (normal, gradient) = normal_equations(errors, &point, &here);
        } else if damping > 1e6 {
            break;
        } else {
            damping *= 5.0;
        }
    }
    let (normal, _) = normal_equations(errors, &point, &here);
    let mut standard_errors = [0.0; N];
    for (n, error) in standard_errors.iter_mut().enumerate() {
        let mut unit = [0.0; N];
        if let Some(one) = unit.get_mut(n) {
            *one = 1.0;
        }
        *error = solve(normal, unit).and_then(|column| column.get(n).copied()).unwrap_or(0.0).max(0.0).sqrt();
    }
    (point, standard_errors)
}

/// Jᵀ J and Jᵀ e at a point, with the derivatives by differences.
fn normal_equations<const N: usize>(
    errors: &dyn Fn(&[f64; N]) -> Vec<f64>,
    point: &[f64; N],
    here: &[f64],
) -> ([[f64; N]; N], [f64; N]) {
    let columns: Vec<Vec<f64>> = (0..N)
        .map(|n| {
            let mut nudged = *point;
            if let Some(value) = nudged.get_mut(n) {
                *value += NUDGE;
            }
            errors(&nudged).iter().zip(here).map(|(there, here)| (there - here) / NUDGE).collect()
        })
        .collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut normal = [[0.0; N]; N];
    let mut gradient = [0.0; N];
    for ((line, slope), a) in normal.iter_mut().zip(&mut gradient).zip(&columns) {
        *slope = product(a, here);
        for (cell, b) in line.iter_mut().zip(&columns) {
            *cell = product(a, b);
        }
    }
    (normal, gradient)
}

/// The solution of a symmetric positive system by Cholesky's factors; `None` where it has none.
fn solve<const N: usize>(system: [[f64; N]; N], right: [f64; N]) -> Option<[f64; N]> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(N);
    for (n, line) in system.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(n + 1);
        for (m, cell) in line.iter().enumerate().take(n) {
            let other = lower.get(m)?;
            let before: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.push((cell - before) / other.get(m)?);
        }
        let rest = line.get(n)? - row.iter().map(|a| a * a).sum::<f64>();
        if rest.is_nan() || rest <= 0.0 {
            return None;
        }
        row.push(rest.sqrt());
        lower.push(row);
    }
    let mut forward = Vec::with_capacity(N);
    for (row, right) in lower.iter().zip(right) {
        let before: f64 = row.iter().zip(&forward).map(|(a, b): (&f64, &f64)| a * b).sum();
        forward.push((right - before) / row.last()?);
    }
    let mut solution = [0.0; N];
    for n in (0..N).rev() {
        let mut rest = *forward.get(n)?;
        for m in n + 1..N {
            rest -= lower.get(m)?.get(n)? * solution.get(m)?;
        }
        *solution.get_mut(n)? = rest / lower.get(n)?.last()?;
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_points_is_found_with_its_error() {
        let points = [(0.0, 1.1), (1.0, 2.9), (2.0, 5.1), (3.0, 6.9)];
        let errors = |line: &[f64; 2]| points.iter().map(|(x, y)| line[0] + line[1] * x - y).collect();
        let (line, error) = least_squares(&errors, [0.0, 0.0]);
        assert!((line[0] - 1.06).abs() < 1e-6 && (line[1] - 1.96).abs() < 1e-6, "{line:?}");
        // Of a line through x = 0, 1, 2, 3 the variances are 14/20 and 4/20 of that of a point.
        assert!((error[0] - 0.7_f64.sqrt()).abs() < 1e-3 && (error[1] - 0.2_f64.sqrt()).abs() < 1e-3, "{error:?}");
    }

    #[test]
    fn large_errors_count_as_their_size() {
        assert!((counted(0.01) - 0.01).abs() < 1e-5 && counted(-3.0) > -3.0 && counted(-3.0) < -1.0);
    }
}
