//! Profiles: ONNX Runtime's profiling file, and what TensorRT's `trtexec` exports (`--exportProfile`, `--exportLayerInfo`, `--exportTimes`).
//!
//! Times are those of kernels. Which nodes of a model a kernel computes is read from its name or from the layer information, as far as
//! these tell; matching with a model is for [`super::beside_layers`].
//! Layouts: ONNX Runtime 1.22's own file, and `samples/common/sampleReporting.cpp` of NVIDIA/TensorRT.

use super::error::LogError;
use super::text::{Text, sensible};
use crate::notes::{Notes, clip};
use crate::report::{Measured, MeasuredRun, Method, Profile, ProfiledLayer, Stage};
use crate::units::Seconds;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

/// The most kernels of one profile that are kept.
const MOST_LAYERS: usize = 100_000;
/// Seconds in a microsecond.
const MICROSECOND: f64 = 1e-6;
/// Seconds in a millisecond.
const MILLISECOND: f64 = 1e-3;

/// Whether a file is ONNX Runtime's.
pub(super) fn recognises_onnxruntime(beginning: &str) -> bool {
    beginning.trim_start().starts_with('[')
        && beginning.contains("\"cat\"")
        && beginning.contains("\"Session\"")
        && (beginning.contains("model_loading")
            || beginning.contains("session_initialization")
            || beginning.contains("\"model_run\""))
}

/// Whether a file is one that `trtexec` exported.
pub(super) fn recognises_tensorrt(beginning: &str) -> bool {
    is_times(beginning) || is_profile(beginning) || is_layers(beginning)
}

fn is_times(beginning: &str) -> bool {
    beginning.trim_start().starts_with('[') && beginning.contains("\"startComputeMs\"")
}

fn is_profile(beginning: &str) -> bool {
    beginning.trim_start().starts_with('[')
        && beginning.contains("\"averageMs\"")
        && beginning.contains("\"percentage\"")
}

fn is_layers(beginning: &str) -> bool {
    beginning.trim_start().starts_with('{') && beginning.contains("\"Layers\"")
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    cat: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(default)]
    dur: f64,
    #[serde(borrow, default)]
    args: Arguments<'a>,
}

#[derive(Default, Deserialize)]
struct Arguments<'a> {
    #[serde(borrow, default)]
    op_name: Cow<'a, str>,
    #[serde(borrow, default)]
    provider: Cow<'a, str>,
    #[serde(borrow, default)]
    node_index: Cow<'a, str>,
}

/// What ONNX Runtime puts behind the name of a node in the names of its events.
const KERNEL: &str = "_kernel_time";

/// Reads ONNX Runtime's files.
pub(super) fn read_onnxruntime(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    for text in texts {
        let whole = text.text.trim_end();
        // A session that did not end leaves the list open.
        let closed = match whole.ends_with(']') {
            true => Cow::Borrowed(whole),
            false => {
                notes.warn(
                    &text.name,
                    "the profile is not closed: the session did not end, and its last event may be missing",
                );
                let end = whole.rfind("}}").map_or(whole.len(), |at| at + 2);
                Cow::Owned(format!("{}]", whole.get(..end).unwrap_or_default().trim_end_matches(',')))
            }
        };
        let events: Vec<Event<'_>> = serde_json::from_str(&closed).map_err(|error| {
            text.broken(Some(error.line()), format!("the JSON cannot be read: {}", clip(&error.to_string())))
        })?;
        let mut order: Vec<(String, String, f64)> = Vec::new();
        let mut by_name: HashMap<(String, String), usize> = HashMap::new();
        let (mut runs, mut run_time, mut providers) = (0u64, 0.0, BTreeSet::new());
        for event in &events {
            let Some(micros) = sensible(event.dur) else {
                return Err(text.broken(None, format!("“{}” takes {} µs", clip(&event.name), event.dur)));
            };
            if event.cat == "Session" && event.name == "model_run" {
                runs += 1;
                run_time += micros;
            }
            let Some(node) = event.name.strip_suffix(KERNEL).filter(|_| event.cat == "Node") else { continue };
            if !event.args.provider.is_empty() {
                providers.insert(clip(&event.args.provider));
            }
            let key = (clip(node), event.args.node_index.clone().into_owned());
            let place = match by_name.get(&key) {
                Some(place) => *place,
                None if order.len() >= MOST_LAYERS => {
                    return Err(text.over(format!("more than {MOST_LAYERS} kernels are not read")));
                }
                None => {
                    order.push((key.0.clone(), clip(&event.args.op_name), 0.0));
                    by_name.insert(key, order.len() - 1);
                    order.len() - 1
                }
            };
            if let Some(kernel) = order.get_mut(place) {
                kernel.2 += micros;
            }
        }
        if order.is_empty() {
            return Err(text.no_run("the profile holds no kernel: the session was made and never run"));
        }
        if runs == 0 {
            notes.warn(&text.name, "no whole run is in the profile; its kernels count as one");
        }
        let passes = runs.max(1);
        if passes == 1 {
            notes.warn(&text.name, "one pass alone was profiled: the first pass is slower than those after it");
        } else {
            notes.info(
                &text.name,
                format!("means over {passes} passes, the first among them, which is slower than those after it"),
            );
        }
        let layers = order
            .into_iter()
            .map(|(name, op, micros)| ProfiledLayer {
                nodes: vec![plain_node(&name)],
                name,
                op,
                mean_s: Seconds(micros * MICROSECOND / passes as f64),
            })
            .collect();
        let pass_s = (runs > 0).then(|| Seconds(run_time * MICROSECOND / passes as f64));
        push(&mut measured, text, Profile { passes, pass_s, runs_on: providers.into_iter().collect(), layers });
    }
    notes.info("", "profiling itself slows each kernel a little, small ones most");
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

fn push(measured: &mut Measured, text: &Text, profile: Profile) {
    measured.files.push(text.name.clone());
    measured.runs.push(MeasuredRun {
        name: crate::formats::base_name(&text.name).to_owned(),
        stage: Some(Stage::Inference),
        duration_s: profile.pass_s.map(|pass| pass * profile.passes as f64),
        method: Method::Measured,
        ..MeasuredRun::default()
    });
    // Of several profiles the first is shown by layer; all are runs.
    measured.profile.get_or_insert(profile);
}

/// The name of the node in the file behind a kernel's: a fused kernel is called after the tensor that it gives,
/// which exporters call after its node, and a converted one has the new layout behind its name.
fn plain_node(name: &str) -> String {
    let name = name.strip_suffix("_nchwc").unwrap_or(name);
    let name = name.strip_prefix("fused ").unwrap_or(name);
    match name.rsplit_once("_output_") {
        Some((node, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => node.to_owned(),
        _ => name.to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ProfileEntry {
    Layer {
        name: String,
        #[serde(rename = "averageMs")]
        average: f64,
    },
    Count {
        count: u64,
    },
}

#[derive(Deserialize)]
struct Trace {
    #[serde(rename = "computeMs")]
    compute: f64,
    #[serde(rename = "startComputeMs", default)]
    start: f64,
}

#[derive(Deserialize)]
struct Layers {
    #[serde(rename = "Layers")]
    layers: Vec<LayerEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LayerEntry {
    Detailed {
        #[serde(rename = "Name")]
        name: String,
        #[serde(rename = "LayerType", default)]
        kind: String,
        #[serde(rename = "Metadata", default)]
        metadata: String,
    },
    Name(String),
}

/// Reads what `trtexec` exported; profile, layers and times of one engine belong together.
pub(super) fn read_tensorrt(texts: &[&Text]) -> Result<Measured, LogError> {
    let mut notes = Notes::new();
    let mut measured = Measured::default();
    let mut profile: Option<Profile> = None;
    let mut information: HashMap<String, (String, Vec<String>)> = HashMap::new();
    for text in texts {
        let beginning = text.beginning();
        measured.files.push(text.name.clone());
        if is_profile(beginning) {
            let entries: Vec<ProfileEntry> = text.json()?;
            if entries.len() > MOST_LAYERS {
                return Err(text.over(format!("more than {MOST_LAYERS} layers are not read")));
            }
            let mut found = Profile { passes: 1, ..Profile::default() };
            for entry in entries {
                match entry {
                    ProfileEntry::Count { count } => found.passes = count.max(1),
                    ProfileEntry::Layer { name, average } => {
                        let mean = sensible(average)
                            .ok_or_else(|| text.broken(None, format!("“{}” takes {average} ms", clip(&name))))?;
                        found.layers.push(ProfiledLayer {
                            nodes: nodes(&name),
                            name: clip(&name),
                            op: String::new(),
                            mean_s: Seconds(mean * MILLISECOND),
                        });
                    }
                }
            }
            profile = profile.or(Some(found));
        } else if is_times(beginning) {
            let traces: Vec<Trace> = text.json()?;
            let times: Vec<f64> =
                traces.iter().filter(|trace| trace.start >= 0.0).filter_map(|trace| sensible(trace.compute)).collect();
            if times.is_empty() {
                return Err(text.no_run("the file holds no query"));
            }
            let mean = times.iter().sum::<f64>() / times.len() as f64 * MILLISECOND;
            measured.runs.push(MeasuredRun {
                name: crate::formats::base_name(&text.name).to_owned(),
                stage: Some(Stage::Inference),
                duration_s: Some(Seconds(mean * times.len() as f64)),
                method: Method::Measured,
                items: vec![crate::report::Items { of: "queries".to_owned(), count: times.len() as f64 }],
                ..MeasuredRun::default()
            });
            notes.info(
                &text.name,
                format!("a query takes {} of GPU time on average", crate::format::Readable::readable(Seconds(mean))),
            );
        } else {
            let layers: Layers = text.json()?;
            for layer in layers.layers.into_iter().take(MOST_LAYERS) {
                match layer {
                    LayerEntry::Detailed { name, kind, metadata } => {
                        information.insert(clip(&name), (clip(&kind), onnx_layers(&metadata)));
                    }
                    LayerEntry::Name(name) => {
                        let parts = nodes(&name);
                        information.insert(clip(&name), (String::new(), parts));
                    }
                }
            }
            notes.info(&text.name, "layer information says which nodes each kernel computes; it holds no times");
        }
    }
    if let Some(profile) = &mut profile {
        for layer in &mut profile.layers {
            if let Some((kind, nodes)) = information.get(&layer.name) {
                layer.op.clone_from(kind);
                if !nodes.is_empty() {
                    layer.nodes.clone_from(nodes);
                }
            }
        }
        notes.info("", "TensorRT times each layer by itself, which keeps layers from running at once: the layers together take longer than a pass");
        measured.runs.push(MeasuredRun {
            name: "profile".to_owned(),
            stage: Some(Stage::Inference),
            duration_s: Some(Seconds(
                profile.layers.iter().map(|layer| layer.mean_s.0).sum::<f64>() * profile.passes as f64,
            )),
            method: Method::Measured,
            ..MeasuredRun::default()
        });
    } else if measured.runs.is_empty() {
        let first = texts
            .first()
            .map(|text| text.no_run("layer information holds no times; bring the file of --exportProfile too"));
        return Err(first.unwrap_or_else(super::nothing));
    }
    measured.profile = profile;
    measured.warnings = notes.iter().cloned().collect();
    Ok(measured)
}

/// The nodes in a layer's metadata: `[ONNX Layer: /conv1/Conv]\u{1e}[ONNX Layer: /act1/Relu]`.
fn onnx_layers(metadata: &str) -> Vec<String> {
    let pieces = metadata.split("[ONNX Layer: ").skip(1);
    pieces.filter_map(|piece| Some(clip(piece.split(']').next()?))).take(1000).collect()
}

/// The nodes in the name of a fused layer: `/conv1/Conv + /act1/Relu`, `Conv_0 + PWN(Clip_3)`, `PWN(PWN(a), b)`.
/// Copies and reformatting name the node they serve and compute none.
fn nodes(name: &str) -> Vec<String> {
    if name.starts_with("Reformatting CopyNode") || name.contains("[NoOp]") {
        return Vec::new();
    }
    let pieces = name.split(['+', ',', '(', ')', '{', '}']).map(str::trim);
    pieces
        .filter(|piece| !piece.is_empty() && !matches!(*piece, "PWN" | "ForeignNode" | "PointWiseV2"))
        .flat_map(|piece| piece.split("..."))
        .map(|piece| clip(piece.trim_matches(['[', ']'])))
        .take(1000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_traced_back_to_nodes() {
        assert_eq!(plain_node("/features/features.3/Relu_output_0_nchwc"), "/features/features.3/Relu");
        assert_eq!(plain_node("/conv1/Conv"), "/conv1/Conv");
        assert_eq!(nodes("/conv1/Conv + /act1/Relu"), ["/conv1/Conv", "/act1/Relu"]);
        assert_eq!(
            nodes("PWN(PWN(/model.0/act/Sigmoid), /model.0/act/Mul)"),
            ["/model.0/act/Sigmoid", "/model.0/act/Mul"]
        );
        assert_eq!(nodes("Reformatting CopyNode for Input Tensor 0 to /conv1/Conv"), [""; 0]);
        assert_eq!(onnx_layers("[ONNX Layer: a]\u{1e}[ONNX Layer: b]"), ["a", "b"]);
    }
}
