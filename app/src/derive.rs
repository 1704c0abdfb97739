//! Everything that follows from the state: the one place that calls the estimator, with the sums that its records do not hold.

use crate::charts::{Bar, Bars, Case, Point, Roofline, Swing, Tornado};
use crate::numbers;
use crate::text;
use estimator::compare::Comparison;
use estimator::energy::{self, Defaults, EstimateError};
use estimator::format::Readable;
use estimator::hardware::roofline::{Bound, Roof};
use estimator::hardware::{Device, Precision};
use estimator::report::{Estimate, Inspection, Layer};
use estimator::scenario::{Hardware, ModelSummary, Scenario, Workload};
use estimator::units::{Bytes, Flops};
use std::collections::{HashMap, HashSet};

pub mod measured;
pub mod methods;
pub mod plan;
pub mod schedule;
pub mod smaller;
pub mod validation;

/// What the scenario costs.
///
/// # Errors
/// See [`EstimateError`]; its words are for people.
pub fn estimate(scenario: &Scenario, model: &ModelSummary) -> Result<Estimate, EstimateError> {
    energy::estimate(scenario, model)
}

/// The work that is usual for a model, on such devices.
pub fn usual(model: &ModelSummary, hardware: &Hardware) -> Option<Defaults> {
    // An error is a fault of our tables, which the estimator's own tests find.
    energy::defaults_for(model, hardware).ok()
}

/// What a bar chart of the model can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Multiply-accumulates.
    #[default]
    Compute,
    /// Parameters.
    Parameters,
    /// Bytes of weights and outputs.
    Memory,
}

/// How layers are gathered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Each by itself.
    None,
    /// By operator.
    #[default]
    Operator,
    /// By the part of the model they belong to.
    Part,
}

impl Measure {
    /// The amount of a layer.
    pub fn of(self, layer: &Layer) -> u64 {
        match self {
            Measure::Compute => layer.macs.unwrap_or(0),
            Measure::Parameters => layer.parameters,
            Measure::Memory => layer.weight_bytes.unwrap_or(0).saturating_add(layer.activation_bytes.unwrap_or(0)),
        }
    }
}

/// How deep the path of a part is followed before layers are gathered: as deep as it takes for several parts.
const PART_DEPTHS: std::ops::RangeInclusive<usize> = 2..=4;
/// So many parts are enough to see something.
const ENOUGH_PARTS: usize = 6;

/// How deep the paths of this model's parts are followed.
pub fn part_depth(inspection: &Inspection) -> usize {
    let enough = |depth: &usize| {
        let parts = inspection.layers.iter().map(|layer| group_of(layer, Grouping::Part, *depth));
        parts.collect::<HashSet<String>>().len() >= ENOUGH_PARTS
    };
    PART_DEPTHS.clone().find(enough).unwrap_or(*PART_DEPTHS.end())
}

/// What the estimator calls the operator of a module of which there are weights alone.
const OF_WEIGHTS: &str = "weights";

/// The name of a module without the numbers of the blocks around it: `model.layers.*.mlp.up_proj`.
fn kind_of(name: &str) -> String {
    let step = |step: &str| if step.parse::<u64>().is_ok() { "*".to_owned() } else { step.to_owned() };
    name.split('.').map(step).collect::<Vec<String>>().join(".")
}

/// The group that a layer belongs to, parts being followed so deep.
pub fn group_of(layer: &Layer, grouping: Grouping, depth: usize) -> String {
    match grouping {
        Grouping::None => layer.name.clone(),
        // What a module computes is not known; modules of one name in all blocks are of one kind.
        Grouping::Operator if layer.op == OF_WEIGHTS => kind_of(&layer.name),
        Grouping::Operator => layer.op.clone(),
        Grouping::Part => {
            let path = if layer.group.is_empty() {
                layer.name.trim_start_matches('/')
            } else {
                layer.group.trim_start_matches('/')
            };
            // Modules of weights alone have dots between their steps, nodes of a graph have slashes.
            let step = if path.contains('/') { '/' } else { '.' };
            let parts: Vec<&str> = path.split(step).take(depth).collect();
            let whole = path.split(step).count() <= parts.len();
            // The last step of a name is the node itself, which is no part.
            let parts =
                if layer.group.is_empty() && whole { parts.get(..parts.len() - 1).unwrap_or_default() } else { &parts };
            if parts.is_empty() { text::layers::NO_PART.to_owned() } else { parts.join("/") }
        }
    }
}

/// Whether the model's file says to which parts its layers belong.
pub fn has_parts(inspection: &Inspection) -> bool {
    let mut parts = inspection.layers.iter().map(|layer| group_of(layer, Grouping::Part, *PART_DEPTHS.start()));
    let first = parts.next();
    parts.any(|part| Some(part) != first)
}

/// Most bars in one chart; the rest is one bar.
const MOST_BARS: usize = 8;

/// Where a model's compute, parameters or memory go.
pub fn breakdown(inspection: &Inspection, measure: Measure, grouping: Grouping) -> Bars {
    let mut sums: HashMap<String, u64> = HashMap::new();
    let depth = part_depth(inspection);
    for layer in &inspection.layers {
        let amount = measure.of(layer);
        if amount > 0 {
            let sum = sums.entry(group_of(layer, grouping, depth)).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
    let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let whole: u64 = sums.iter().fold(0, |whole, (_, sum)| whole.saturating_add(*sum));
    let share = |sum: u64| if whole == 0 { 0.0 } else { sum as f64 / whole as f64 };
    let bar = |label: String, sum: u64, rest: bool| {
        let shown = match measure {
            Measure::Compute => numbers::count(sum, "MACs"),
            Measure::Parameters => numbers::count(sum, ""),
            Measure::Memory => numbers::size(sum),
        };
        Bar { label, share: share(sum), shown: format!("{} ({})", shown.text(), numbers::percent(share(sum))), rest }
    };
    let kept = if sums.len() > MOST_BARS { MOST_BARS - 1 } else { sums.len() };
    let rest = sums.split_off(kept);
    let first = sums.first().map(|(label, sum)| (label.clone(), share(*sum)));
    let mut bars: Vec<Bar> = sums.into_iter().map(|(label, sum)| bar(label, sum, false)).collect();
    if !rest.is_empty() {
        let sum = rest.iter().fold(0u64, |sum, (_, part)| sum.saturating_add(*part));
        bars.push(bar(text::charts::rest(rest.len()), sum, true));
    }
    Bars {
        bars,
        summary: text::charts::breakdown(measure, first.as_ref().map(|(label, share)| (label.as_str(), *share))),
        head: [text::charts::group_head(grouping).to_owned(), text::charts::measure_head(measure).to_owned()],
    }
}

/// Two models side by side.
pub fn compare(first: &Inspection, second: &Inspection) -> Comparison {
    estimator::compare::compare(first, second)
}

/// The precision that an estimate on this device works in.
pub fn precision(scenario: &Scenario, device: &Device) -> Option<Precision> {
    match &scenario.hardware.precision {
        Some(code) => Precision::from_code(code),
        None => energy::usual_precision(device),
    }
}

/// Most layers drawn under the roof; the shortest are left out.
const MOST_POINTS: usize = 400;

/// Samples that one device computes at once: of a service its batch, of a training run its share of the batch.
pub fn batch_each(scenario: &Scenario) -> f64 {
    match &scenario.workload {
        Workload::Serve(serving) => serving.batch as f64,
        Workload::Train(training) => (training.batch as f64 / scenario.hardware.count.max(1) as f64).max(1.0),
    }
}

/// The model's layers under the device's roof when each pass computes `batch` samples, in the precision of the estimate;
/// `counted` samples are what the counts are of. `None` where the device's peak or bandwidth is not known.
pub fn roofline(
    inspection: &Inspection,
    counted: u64,
    device: &Device,
    precision: Precision,
    batch: f64,
) -> Option<Roofline> {
    let roof = Roof { arithmetic: device.peak(precision)?.rate, traffic: device.memory_bandwidth };
    let (bandwidth, ridge) = (roof.traffic?, roof.ridge()?);
    // Weights are read once however large the batch is; everything else grows with it.
    let samples = batch / counted.max(1) as f64;
    let bytes_each = f64::from(precision.bits()) / 8.0;
    let stored = match (inspection.weight_bytes, inspection.parameters) {
        (Some(bytes), Some(parameters)) if bytes > 0 && parameters > 0 => bytes as f64 / parameters as f64,
        _ => bytes_each,
    };
    let mut points = Vec::new();
    let (mut whole, mut by_memory) = (0.0, 0.0);
    for layer in &inspection.layers {
        let (Some(macs), Some(moved)) = (layer.macs, layer.traffic_bytes) else { continue };
        let work = Flops((2.0 * macs as f64 + layer.other_operations.unwrap_or(0) as f64) * samples);
        if moved == 0 || work.0 == 0.0 {
            continue;
        }
        let weights = layer.weight_bytes.unwrap_or(0).min(moved) as f64;
        let moved = (weights + (moved as f64 - weights) * samples) * bytes_each / stored;
        let (time, bound) = roof.time(work, Bytes(moved));
        whole += time.0;
        if bound == Bound::Memory {
            by_memory += time.0;
        }
        let intensity = work.0 / moved;
        let attainable = roof.height(intensity).0;
        points.push(Point {
            label: layer.name.clone(),
            intensity,
            attainable,
            share: time.0,
            compute_bound: bound == Bound::Compute,
        });
    }
    if points.is_empty() {
        return None;
    }
    for point in &mut points {
        point.share /= whole;
    }
    points.sort_by(|a, b| b.share.total_cmp(&a.share));
    points.truncate(MOST_POINTS);
    let memory_share = if whole > 0.0 { by_memory / whole } else { 0.0 };
    Some(Roofline {
        peak: roof.arithmetic.0,
        bandwidth: bandwidth.0,
        ridge,
        points,
        summary: text::charts::roofline(
            &device.name,
            batch,
            precision.code(),
            roof.arithmetic,
            bandwidth,
            ridge,
            memory_share,
        ),
        axes: text::charts::ROOFLINE_AXES.map(str::to_owned),
        head: text::charts::ROOFLINE_HEAD.map(str::to_owned),
        bounds: text::charts::BOUNDS.map(str::to_owned),
    })
}

/// Most assumptions in the chart of what changes the result.
const MOST_SWINGS: usize = 8;

/// What changes the emissions most.
pub fn tornado(estimate: &Estimate) -> Tornado {
    // The alternatives hold use and making together, so what they are compared with does too.
    let now = estimate.counted_co2e_kg().central;
    let case = |alternative: &estimator::report::Alternative| Case {
        label: alternative.label.clone(),
        shown: alternative.total_co2e_kg.readable(),
        factor: if now.0 > 0.0 { alternative.total_co2e_kg / now } else { 1.0 },
    };
    let swing = |sensitivity: &estimator::report::Sensitivity| Swing {
        name: sensitivity.name.clone(),
        low: case(&sensitivity.low),
        high: case(&sensitivity.high),
    };
    Tornado {
        swings: estimate.sensitivity.iter().take(MOST_SWINGS).map(swing).collect(),
        now: text::charts::now(&now.readable()),
        summary: text::charts::tornado(estimate.sensitivity.first().map(|first| {
            (
                first.name.as_str(),
                first.low.total_co2e_kg.readable(),
                first.low.label.as_str(),
                first.high.total_co2e_kg.readable(),
                first.high.label.as_str(),
            )
        })),
        head: text::charts::TORNADO_HEAD.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, op: &str, macs: u64) -> Layer {
        Layer { name: name.to_owned(), op: op.to_owned(), macs: Some(macs), ..Layer::default() }
    }

    #[test]
    fn small_groups_become_one_bar_and_nothing_is_lost() {
        let layers: Vec<Layer> = (1..=20).map(|n| layer("x", &format!("Op{n}"), n)).collect();
        let bars = breakdown(&Inspection { layers, ..Inspection::default() }, Measure::Compute, Grouping::Operator);
        assert_eq!(bars.bars.len(), MOST_BARS);
        assert!((bars.bars.iter().map(|bar| bar.share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(bars.bars.last().is_some_and(|bar| bar.rest) && bars.bars[0].label == "Op20");
    }

    #[test]
    fn a_part_is_the_beginning_of_the_path() {
        for (name, group, part) in [
            ("/layer1/layer1.0/conv1/Conv", "", "layer1/layer1.0"),
            ("/conv1/Conv", "", "conv1"),
            ("Conv_0", "", text::layers::NO_PART),
            ("x", "encoder/layer.3/attention", "encoder/layer.3"),
            ("model.layers.0.mlp", "", "model/layers"),
        ] {
            let layer = Layer { name: name.to_owned(), group: group.to_owned(), ..Layer::default() };
            assert_eq!(group_of(&layer, Grouping::Part, 2), part, "{name} {group}");
        }
    }

    #[test]
    fn a_larger_batch_moves_layers_with_weights_away_from_the_memory() {
        let fc =
            Layer { weight_bytes: Some(4_000_000), traffic_bytes: Some(4_008_000), ..layer("fc", "Gemm", 1_000_000) };
        let model = Inspection { layers: vec![fc], ..Inspection::default() };
        let device = estimator::hardware::device("a100-sxm4-80gb").unwrap();
        let intensity = |batch: f64| roofline(&model, 1, device, Precision::Bf16, batch).unwrap().points[0].intensity;
        assert!((intensity(1.0) - 2e6 / 4_008_000.0).abs() < 1e-9);
        assert!((intensity(64.0) - 64.0 * 2e6 / (4_000_000.0 + 64.0 * 8_000.0)).abs() < 1e-9);
    }

    #[test]
    fn modules_of_one_name_are_of_one_kind() {
        let layer = layer("model.layers.12.mlp.up_proj", OF_WEIGHTS, 0);
        assert_eq!(group_of(&layer, Grouping::Operator, 2), "model.layers.*.mlp.up_proj");
    }

    #[test]
    fn paths_are_followed_until_there_are_several_parts() {
        let named = |name: String| Layer { name, ..Layer::default() };
        let deep: Vec<Layer> = (0..12).map(|at| named(format!("model.layers.{at}.mlp"))).collect();
        assert_eq!(part_depth(&Inspection { layers: deep, ..Inspection::default() }), 3);
        let flat: Vec<Layer> = (0..12).map(|at| named(format!("a{at}/b/c/Conv"))).collect();
        assert_eq!(part_depth(&Inspection { layers: flat, ..Inspection::default() }), 2);
    }

    #[test]
    fn an_empty_model_has_empty_charts() {
        let bars = breakdown(&Inspection::default(), Measure::Memory, Grouping::Part);
        assert!(bars.bars.is_empty() && !bars.summary.is_empty());
    }
}
