//! Architectures of well-known language models, by the names under which they are published, and what they say of a model of which only the size is known.
//!
//! A size alone does not tell how many layers there are or what a token adds to the KV cache, on which the time of a step depends.
//! Both are then taken from the published models: layers by least squares in logarithms over the active parameters and over
//! how many times as many there are in all, the cache of a layer by its geometric mean.

use crate::scenario::LanguageModel;
use crate::tables::{Row, Table, TableError, built_in};
use std::sync::OnceLock;

/// A published architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    names: Vec<String>,
    /// All parameters.
    pub parameters: f64,
    /// The parameters that one token uses.
    pub active_parameters: f64,
    /// Layers.
    pub layers: f64,
    /// Width of a token's vector.
    pub width: f64,
    /// What one token adds to the cache, in elements.
    kv_elements: f64,
    windowed_kv_elements: Option<f64>,
    window: Option<f64>,
    state_elements: Option<f64>,
    experts: Option<f64>,
    experts_per_token: Option<f64>,
    expert_parameters: Option<f64>,
}

impl Architecture {
    fn read(row: &Row<'_>) -> Result<Self, TableError> {
        let number = |column: &str| row.number(column);
        Ok(Self {
            names: row.list("names")?.map(str::to_owned).collect(),
            parameters: row.required_number("total_params_b")? * 1e9,
            active_parameters: row.required_number("active_params_b")? * 1e9,
            layers: row.required_number("layers")?,
            width: row.required_number("width")?,
            kv_elements: row.required_number("kv_elements_per_token")?,
            windowed_kv_elements: number("windowed_kv_elements_per_token")?,
            window: number("window")?,
            state_elements: number("state_elements")?,
            experts: number("experts")?,
            experts_per_token: number("experts_per_token")?,
            expert_parameters: number("expert_parameters")?,
        })
    }

    /// The model of this architecture; products of attention are not in its MACs.
    pub fn model(&self) -> LanguageModel {
        LanguageModel {
            weight_macs_per_token: Some(self.active_parameters),
            kv_elements_per_token: Some(self.kv_elements),
            windowed_kv_elements_per_token: self.windowed_kv_elements,
            window: self.window,
            state_elements: self.state_elements,
            experts: self.experts,
            experts_per_token: self.experts_per_token,
            expert_parameters: self.expert_parameters,
            layers: Some(self.layers),
            width: Some(self.width),
            ..LanguageModel::from_size(self.parameters, Some(self.active_parameters))
        }
    }
}

/// All of them.
pub fn all() -> &'static [Architecture] {
    static ALL: OnceLock<Vec<Architecture>> = OnceLock::new();
    ALL.get_or_init(|| {
        let text = include_str!("../../data/served_architectures.csv");
        let table = Table::parse("served_architectures.csv", text);
        built_in(table.and_then(|table| table.rows().map(|row| Architecture::read(&row)).collect()))
    })
}

/// The architecture of a model by its published name, `Qwen/Qwen3-8B`: the longest of our names that stands in it.
pub fn named(model: &str) -> Option<&'static Architecture> {
    let found = all().iter().flat_map(|one| one.names.iter().map(move |name| (name.len(), name, one)));
    found.filter(|(_, name, _)| model.contains(name.as_str())).max_by_key(|(length, ..)| *length).map(|(.., one)| one)
}

/// What the published architectures say of any model.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Law {
    /// Logarithm of the layers: constant, per logarithm of active parameters, per logarithm of all over active.
    layers: [f64; 3],
    /// Elements of the cache that one token adds in a layer.
    elements: f64,
}

fn law() -> &'static Law {
    static LAW: OnceLock<Law> = OnceLock::new();
    LAW.get_or_init(|| {
        let known = all();
        let terms: Vec<([f64; 3], f64)> = known
            .iter()
            .map(|one| {
                let (active, more) =
                    (libm::log(one.active_parameters), libm::log(one.parameters / one.active_parameters));
                ([1.0, active, more], libm::log(one.layers))
            })
            .collect();
        let elements =
            known.iter().map(|one| libm::log((one.kv_elements + one.windowed_kv_elements.unwrap_or(0.0)) / one.layers));
        Law { layers: least_squares(&terms), elements: libm::exp(elements.sum::<f64>() / known.len().max(1) as f64) }
    })
}

/// Layers of a model of which only the size is known.
pub fn layers(model: &LanguageModel) -> f64 {
    let active = model.active_parameters.max(1.0);
    let [constant, by_active, by_more] = law().layers;
    libm::exp(constant + by_active * libm::log(active) + by_more * libm::log((model.parameters / active).max(1.0)))
        .max(1.0)
}

/// Elements that one token adds to the KV cache of a model of so many layers, of which no more is known.
pub fn cache_elements(layers: f64) -> f64 {
    law().elements * layers
}

/// Width of a token's vector in a model of so many layers: a layer has about 12 × width² parameters (Kaplan and others 2020).
pub fn width(model: &LanguageModel, layers: f64) -> f64 {
    (model.active_parameters / (12.0 * layers.max(1.0))).sqrt()
}

/// The coefficients that come nearest to the values in the sense of least squares; zeros where the terms do not determine them.
fn least_squares(rows: &[([f64; 3], f64)]) -> [f64; 3] {
    let mut system = [[0.0; 4]; 3];
    for (terms, value) in rows {
        for (line, a) in system.iter_mut().zip(terms) {
            for (cell, b) in line.iter_mut().zip(terms.iter().chain([value])) {
                *cell += a * b;
            }
        }
    }
    // Cramer's rule on the normal equations.
    let column = |n: usize| system.map(|line| line.get(n).copied().unwrap_or(0.0));
    let (a, b, c, d) = (column(0), column(1), column(2), column(3));
    let whole = determinant(a, b, c);
    if whole == 0.0 {
        return [0.0; 3];
    }
    [determinant(d, b, c) / whole, determinant(a, d, c) / whole, determinant(a, b, d) / whole]
}

fn determinant([a, b, c]: [f64; 3], [d, e, f]: [f64; 3], [g, h, i]: [f64; 3]) -> f64 {
    a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_names_are_found_and_the_longest_wins() {
        let layers = |name: &str| named(name).map(|one| one.layers);
        assert_eq!(layers("Qwen/Qwen3-8B"), Some(36.0));
        assert_eq!(layers("Qwen/Qwen3-VL-235B-A22B-Instruct-FP8"), Some(94.0));
        assert_eq!(layers("meta-llama/Llama-3.3-70B-Instruct"), Some(80.0));
        assert_eq!(layers("nobody/unheard-of"), None);
    }

    #[test]
    fn sizes_tell_layers_within_half() {
        for one in all() {
            let found = layers(&LanguageModel::from_size(one.parameters, Some(one.active_parameters)));
            let off = libm::log(found / one.layers).abs();
            assert!(off < libm::log(1.7), "{}: {found} for {}", one.names.join(", "), one.layers);
        }
        assert!((400.0..4000.0).contains(&cache_elements(1.0)), "{}", cache_elements(1.0));
    }

    #[test]
    fn least_squares_find_a_plane() {
        let rows = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 2.0, 3.0]];
        let found = least_squares(&rows.map(|terms| (terms, 2.0 * terms[0] - 3.0 * terms[1] + 0.5 * terms[2])));
        for (found, expected) in found.into_iter().zip([2.0, -3.0, 0.5]) {
            assert!((found - expected).abs() < 1e-9, "{found}");
        }
    }
}
