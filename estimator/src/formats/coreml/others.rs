//! The message around everything, and the kinds that are neither program nor network: pipelines, classical models, features.

use super::build::{Builder, Feature, Growing, Result, Settings};
use super::{network, program};
use crate::formats::budget::MOST_DEPTH;
use crate::formats::protobuf::{Content, Fields, Span};
use crate::model::{DType, DeclaredType, Graph, Storage, TensorRole, ValueId, Weight};
use std::collections::HashMap;

/// What a model is, by the field of the message that holds it, and how it is read.
const KINDS: &[(u64, &str)] = &[
    (200, "pipelineClassifier"),
    (201, "pipelineRegressor"),
    (202, "pipeline"),
    (300, "glmRegressor"),
    (301, "supportVectorRegressor"),
    (302, "treeEnsembleRegressor"),
    (303, "neuralNetworkRegressor"),
    (304, "bayesianProbitRegressor"),
    (400, "glmClassifier"),
    (401, "supportVectorClassifier"),
    (402, "treeEnsembleClassifier"),
    (403, "neuralNetworkClassifier"),
    (404, "kNearestNeighborsClassifier"),
    (500, "neuralNetwork"),
    (501, "itemSimilarityRecommender"),
    (502, "mlProgram"),
    (555, "customModel"),
    (556, "linkedModel"),
    (560, "classConfidenceThresholding"),
    (600, "oneHotEncoder"),
    (601, "imputer"),
    (602, "featureVectorizer"),
    (603, "dictVectorizer"),
    (604, "scaler"),
    (606, "categoricalMapping"),
    (607, "normalizer"),
    (609, "arrayFeatureExtractor"),
    (610, "nonMaximumSuppression"),
    (900, "identity"),
    (2000, "textClassifier"),
    (2001, "wordTagger"),
    (2002, "visionFeaturePrint"),
    (2003, "soundAnalysisPreprocessing"),
    (2004, "gazetteer"),
    (2005, "wordEmbedding"),
    (2006, "audioFeaturePrint"),
    (3000, "serializedModel"),
];

/// What the model in this field of the message is called.
pub(super) fn kind(number: u64) -> Option<&'static str> {
    KINDS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The description of a model: what goes in and what comes out.
#[derive(Debug, Default)]
pub(super) struct Description {
    pub inputs: Vec<Feature>,
    pub outputs: Vec<Feature>,
    /// The function of a program that is meant.
    pub function: String,
}

/// Reads the message that is the whole file.
pub(super) fn whole_model(builder: &mut Builder<'_>, span: Span) -> Result<Graph> {
    let mut growing = Growing::default();
    let description = member(builder, span, "", 0, &mut growing)?;
    let mut graph = growing.graph;
    let named = description.outputs.iter().filter_map(|output| growing.scope.get(&output.name).copied());
    let mut outputs: Vec<ValueId> = named.collect();
    if outputs.is_empty() {
        outputs = std::mem::take(&mut graph.outputs);
    }
    graph.outputs = outputs;
    if graph.nodes.is_empty() {
        builder.notes.warn("", "the model has nothing to compute");
    }
    Ok(graph)
}

/// Adds a model to a graph. What its inputs are called is looked for in the scope, and made an input where it is not there.
fn member(builder: &mut Builder<'_>, span: Span, path: &str, depth: u32, into: &mut Growing) -> Result<Description> {
    if depth > MOST_DEPTH {
        return Err(builder.over(path, format!("models are nested more than {MOST_DEPTH} deep")));
    }
    let mut fields = Fields::of(span);
    let mut described = Description::default();
    let mut found = None;
    while let Some(field) = fields.next(&mut builder.source)? {
        match (field.number, field.content) {
            (1, Content::Number(version)) if depth == 0 => builder.version = i64::try_from(version).ok(),
            (2, Content::Bytes(span)) => described = description(builder, span, depth == 0)?,
            (number, Content::Bytes(span)) => found = kind(number).map(|kind| (kind, span)).or(found),
            _ => {}
        }
    }
    let Some((kind, span)) = found else {
        return Err(builder.corrupt(span.start, path, "it does not say what kind of model it is"));
    };
    if depth == 0 {
        builder.property("kind", kind);
    }
    match kind {
        "mlProgram" => program::add(builder, span, &described, path, into)?,
        "neuralNetwork" | "neuralNetworkClassifier" | "neuralNetworkRegressor" => {
            network::add(builder, span, &described, path, into)?;
        }
        "pipeline" => pipeline(builder, span, path, depth, into)?,
        "pipelineClassifier" | "pipelineRegressor" => {
            let inner = builder.fields(span)?.span(1);
            if let Some(inner) = inner {
                pipeline(builder, inner, path, depth, into)?;
            }
        }
        _ => classical(builder, kind, span, &described, path, into)?,
    }
    Ok(described)
}

fn pipeline(builder: &mut Builder<'_>, span: Span, path: &str, depth: u32, into: &mut Growing) -> Result<()> {
    let fields = builder.fields(span)?;
    let names = builder.texts_of(&fields, 2)?;
    let mut last = Vec::new();
    for (place, model) in fields.all(1).enumerate() {
        let span = model.span(&builder.source)?;
        let own =
            names.get(place).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| format!("model_{}", place + 1));
        let own = if path.is_empty() { own } else { format!("{path}/{own}") };
        last = member(builder, span, &own, depth + 1, into)?.outputs;
    }
    into.graph.outputs = last.iter().filter_map(|output| into.scope.get(&output.name).copied()).collect();
    Ok(())
}

fn description(builder: &mut Builder<'_>, span: Span, is_outermost: bool) -> Result<Description> {
    let fields = builder.fields(span)?;
    let mut found = Description { function: builder.text_of(&fields, 21)?, ..Description::default() };
    let mut features = fields;
    // Several functions are described one by one.
    for field in features.all(20).collect::<Vec<_>>() {
        let function = builder.fields(field.span(&builder.source)?)?;
        let name = builder.text_of(&function, 1)?;
        if is_outermost {
            builder.property("function", &name);
        }
        if found.function.is_empty() || found.function == name {
            found.function = name;
            features_of(builder, &function, &[2, 6], &mut found.inputs)?;
            features_of(builder, &function, &[3], &mut found.outputs)?;
        }
    }
    features_of(builder, &features, &[1, 13], &mut found.inputs)?;
    features_of(builder, &features, &[10], &mut found.outputs)?;
    if !is_outermost {
        return Ok(found);
    }
    for feature in &found.inputs {
        builder.note_ranges(feature);
    }
    if let Some(span) = features.span(100) {
        features = builder.fields(span)?;
        for (number, name) in [(1, "description"), (2, "version"), (3, "author"), (4, "licence")] {
            let text = builder.text_of(&features, number)?;
            builder.property(name, &text);
        }
        for (key, value) in user_defined(builder, &features)? {
            if key == "com.github.apple.coremltools.version" {
                builder.producer = crate::notes::clip(&format!("coremltools {value}"));
            }
            builder.property(&key, &value);
        }
    }
    Ok(found)
}

fn features_of(builder: &mut Builder<'_>, fields: &Settings, numbers: &[u64], into: &mut Vec<Feature>) -> Result<()> {
    for number in numbers {
        for field in fields.all(*number) {
            into.push(builder.feature(field.span(&builder.source)?)?);
        }
    }
    Ok(())
}

fn user_defined(builder: &mut Builder<'_>, metadata: &Settings) -> Result<Vec<(String, String)>> {
    let mut entries = Vec::new();
    for field in metadata.all(100) {
        let entry = builder.fields(field.span(&builder.source)?)?;
        // A whole file may stand in here: only short texts are facts for people.
        if entry.span(2).is_some_and(|span| span.len() <= 4096) {
            entries.push((builder.text_of(&entry, 1)?, builder.text_of(&entry, 2)?));
        }
    }
    Ok(entries)
}

/// A model that is neither program nor network: one node, with the parameters that stand in it plainly.
fn classical(
    builder: &mut Builder<'_>,
    kind: &str,
    span: Span,
    described: &Description,
    path: &str,
    into: &mut Growing,
) -> Result<()> {
    let mut node = builder.node(kind, path, path)?;
    for feature in &described.inputs {
        node.inputs.push(Some(input(builder, feature, feature.declared(&[]), into)?));
    }
    for (name, dtype, elements, offset) in parameters(builder, kind, span)? {
        let mut weight = Weight::new(dtype, vec![elements], Storage::Inside { offset });
        weight.role = Some(TensorRole::Parameter);
        let id = builder.weight(&name, weight)?;
        into.graph.weights.push(id);
        node.inputs.push(Some(id));
    }
    for feature in &described.outputs {
        let id = builder.value(&feature.name, Some(feature.declared(&[])))?;
        into.scope.insert(feature.name.clone(), id);
        node.outputs.push(Some(id));
    }
    into.graph.nodes.push(node);
    Ok(())
}

/// The value of an input: what came before of that name, else an input of the whole.
pub(super) fn input(
    builder: &mut Builder<'_>,
    feature: &Feature,
    declared: DeclaredType,
    into: &mut Growing,
) -> Result<ValueId> {
    if let Some(id) = into.scope.get(&feature.name) {
        return Ok(*id);
    }
    let id = builder.value(&feature.name, Some(declared))?;
    into.scope.insert(feature.name.clone(), id);
    into.graph.inputs.push(id);
    Ok(id)
}

/// What a classical model learned, where it stands plainly: name, type, elements, place.
fn parameters(builder: &mut Builder<'_>, kind: &str, span: Span) -> Result<Vec<(String, DType, u64, u64)>> {
    let fields = builder.fields(span)?;
    let mut found: HashMap<&str, (u64, u64)> = HashMap::new();
    let mut add = |name, elements: u64, offset| {
        let entry = found.entry(name).or_insert((0, offset));
        entry.0 = entry.0.saturating_add(elements);
    };
    // Doubles, packed or single.
    let doubles = |settings: &Settings, number: u64| {
        settings.all(number).fold(0u64, |sum, field| match field.content {
            Content::Bytes(span) => sum.saturating_add(span.len() / 8),
            _ => sum.saturating_add(1),
        })
    };
    match kind {
        // Rows of weights, and offsets.
        "glmRegressor" | "glmClassifier" => {
            for row in fields.all(1) {
                let row = builder.fields(row.span(&builder.source)?)?;
                add("weights", doubles(&row, 1), row.start);
            }
            add("offsets", doubles(&fields, 2), span.start);
        }
        // Support vectors and their coefficients.
        "supportVectorRegressor" | "supportVectorClassifier" => {
            let classifier = kind == "supportVectorClassifier";
            let (sparse, dense, coefficients, shift) = if classifier { (3, 4, 5, 2) } else { (2, 3, 4, 5) };
            if let Some(vectors) = builder.inner(&fields, dense)? {
                for vector in vectors.all(1) {
                    let vector = builder.fields(vector.span(&builder.source)?)?;
                    add("support vectors", doubles(&vector, 1), vectors.start);
                }
            }
            if let Some(vectors) = builder.inner(&fields, sparse)? {
                for vector in vectors.all(1) {
                    let vector = builder.fields(vector.span(&builder.source)?)?;
                    add("support vectors", vector.all(1).count() as u64, vectors.start);
                }
            }
            for set in fields.all(coefficients) {
                let set = builder.fields(set.span(&builder.source)?)?;
                add("coefficients", doubles(&set, 1), set.start);
            }
            if classifier {
                add("rho", doubles(&fields, shift), span.start);
            } else if fields.has(shift) {
                add("rho", 1, span.start);
            }
        }
        // A threshold for each branch and a value for each evaluation of a leaf.
        "treeEnsembleRegressor" | "treeEnsembleClassifier" => {
            let Some(ensemble) = builder.inner(&fields, 1)? else { return Ok(Vec::new()) };
            for node in ensemble.all(1) {
                let node = builder.fields(node.span(&builder.source)?)?;
                match node.all(20).count() as u64 {
                    0 if node.int(3) != 6 => add("thresholds", 1, ensemble.start),
                    leaves => add("leaf values", leaves, ensemble.start.saturating_add(1)),
                }
            }
        }
        "scaler" => {
            add("shift", doubles(&fields, 1), span.start);
            add("scale", doubles(&fields, 2), span.start.saturating_add(1));
        }
        _ => {}
    }
    let mut list: Vec<_> =
        found.into_iter().map(|(name, (elements, offset))| (name.to_owned(), DType::F64, elements, offset)).collect();
    list.retain(|(_, _, elements, _)| *elements > 0);
    list.sort();
    Ok(list)
}
