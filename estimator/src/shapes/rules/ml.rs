//! Classical machine learning (`ai.onnx.ml`): encoders, linear models, support vectors and trees.

use super::Rule;
use crate::model::{Attribute, DType, Dim, SequenceType, ValueType};
use crate::shapes::call::{Call, Mismatch, Outcome, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "ArrayFeatureExtractor" => array_feature_extractor,
        "Binarizer" | "Imputer" => |call| {
            call.pass_type(0, 0);
            Ok(())
        },
        "CastMap" => cast_map,
        "CategoryMapper" => label_swap,
        "DictVectorizer" => dict_vectorizer,
        "FeatureVectorizer" => feature_vectorizer,
        "LabelEncoder" => label_encoder,
        "LinearClassifier" => linear_classifier,
        "LinearRegressor" => |call| regressor(call, call.int_or("targets", 1)),
        "Normalizer" | "Scaler" => |call| {
            let shape = call.shape(0);
            call.set_tensor(0, Some(DType::F32), shape);
            Ok(())
        },
        "OneHotEncoder" => one_hot_encoder,
        "SVMClassifier" => svm_classifier,
        "SVMRegressor" => |call| regressor(call, 1),
        "TreeEnsemble" => tree_ensemble,
        "TreeEnsembleClassifier" => tree_classifier,
        "TreeEnsembleRegressor" => |call| regressor(call, call.int_or("n_targets", 1)),
        "ZipMap" => zip_map,
        _ => return None,
    })
}

/// How many items a list attribute holds; 0 where it is not given.
fn listed(call: &Call<'_, '_>, name: &str) -> usize {
    match call.node.attributes.get(name) {
        Some(Attribute::Ints(items)) => items.len(),
        Some(Attribute::Floats(items)) => items.len(),
        Some(Attribute::Texts(items)) => items.len(),
        _ => 0,
    }
}

/// Rows of a table; a plain list is one row.
fn rows(call: &Call<'_, '_>) -> Dim {
    match call.shape(0).as_deref() {
        Some([rows, ..]) if call.rank(0) != Some(1) => rows.clone(),
        Some([_]) => Dim::known(1),
        _ => Dim::UNKNOWN,
    }
}

/// Picks columns of the last dimension; a plain list comes out as one row.
fn array_feature_extractor(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let picked = call.shape(1).map_or(Dim::UNKNOWN, |shape| crate::shapes::call::product(&shape));
    let shape = call.shape(0).map(|shape| match shape.split_last() {
        Some((_, [])) | None => vec![Dim::known(1), picked],
        Some((_, front)) => [front, &[picked]].concat(),
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// One row: dense maps have as many columns as keys, which only the data tells.
fn cast_map(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = match call.node.text("cast_to") {
        Some("TO_STRING") => DType::Text,
        Some("TO_INT64") => DType::I64,
        _ => DType::F32,
    };
    let columns = match call.node.text("map_form") {
        Some("SPARSE") => Dim::known(call.int_or("max_map", 1)),
        _ => call.data_dim("keys", 1),
    };
    call.set_tensor(0, Some(dtype), Some(vec![Dim::known(1), columns]));
    Ok(())
}

/// Texts become integers and integers texts.
fn label_swap(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = match call.dtype(0) {
        Some(DType::Text) => Some(DType::I64),
        Some(DType::I64) => Some(DType::Text),
        _ => None,
    };
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn dict_vectorizer(call: &mut Call<'_, '_>) -> Outcome {
    let columns = listed(call, "string_vocabulary").max(listed(call, "int64_vocabulary"));
    call.set_tensor(0, None, Some(vec![Dim::known(1), Dim::from_len(columns)]));
    Ok(())
}

/// Tables side by side; `inputdimensions` says how many columns each has.
fn feature_vectorizer(call: &mut Call<'_, '_>) -> Outcome {
    let columns = match call.node.ints("inputdimensions") {
        Some(columns) => columns.iter().fold(Dim::known(0), |sum, columns| sum.add(&Dim::known(*columns))),
        None => {
            let columns =
                (0..call.node.inputs.len()).map(|index| call.shape(index).and_then(|shape| shape.last().cloned()));
            columns.fold(Dim::known(0), |sum, columns| sum.add(&columns.unwrap_or_default()))
        }
    };
    let shape = vec![rows(call), columns];
    call.set_tensor(0, Some(DType::F32), Some(shape));
    Ok(())
}

/// Version 1 swaps texts and integers; since version 2 the values' attribute says what comes out.
fn label_encoder(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = match call.node.tensor("values_tensor") {
        Some(values) => Some(values.dtype),
        None if listed(call, "values_strings") > 0 => Some(DType::Text),
        None if listed(call, "values_int64s") > 0 => Some(DType::I64),
        None if listed(call, "values_floats") > 0 => Some(DType::F32),
        None => return label_swap(call),
    };
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// A label for each row and a score for each row and class.
fn classifier(call: &mut Call<'_, '_>, texts: bool, scores: usize) -> Outcome {
    let rows = rows(call);
    let labels = if texts { DType::Text } else { DType::I64 };
    call.set_tensor(0, Some(labels), Some(vec![rows.clone()]));
    let scores = if scores == 0 { Dim::UNKNOWN } else { Dim::from_len(scores) };
    call.set_tensor(1, Some(DType::F32), Some(vec![rows, scores]));
    Ok(())
}

/// Two classes may have one set of coefficients; there are scores for both all the same.
fn linear_classifier(call: &mut Call<'_, '_>) -> Outcome {
    let (texts, integers) = (listed(call, "classlabels_strings"), listed(call, "classlabels_ints"));
    let classes = texts.max(integers).max(listed(call, "intercepts"));
    classifier(call, texts > 0, classes)
}

/// With probabilities there is one score per class; without, machines that decide pair by pair give one per pair.
fn svm_classifier(call: &mut Call<'_, '_>) -> Outcome {
    let (texts, integers) = (listed(call, "classlabels_strings"), listed(call, "classlabels_ints"));
    let classes = texts.max(integers);
    let linear = listed(call, "vectors_per_class") == 0;
    let scores =
        if listed(call, "prob_a") > 0 || linear || classes <= 2 { classes } else { classes * (classes - 1) / 2 };
    classifier(call, texts > 0, scores)
}

fn tree_classifier(call: &mut Call<'_, '_>) -> Outcome {
    let (texts, integers) = (listed(call, "classlabels_strings"), listed(call, "classlabels_int64s"));
    classifier(call, texts > 0, texts.max(integers))
}

fn regressor(call: &mut Call<'_, '_>, targets: i64) -> Outcome {
    let shape = vec![rows(call), Dim::known(targets)];
    call.set_tensor(0, Some(DType::F32), Some(shape));
    Ok(())
}

fn tree_ensemble(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = vec![rows(call), Dim::known(call.int_or("n_targets", 1))];
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// A new last dimension with one place for each category.
fn one_hot_encoder(call: &mut Call<'_, '_>) -> Outcome {
    let categories = listed(call, "cats_strings").max(listed(call, "cats_int64s"));
    if categories == 0 {
        return Err(Mismatch("it has no categories".to_owned()));
    }
    let shape = call.shape(0).map(|shape| [shape, vec![Dim::from_len(categories)]].concat());
    call.set_tensor(0, Some(DType::F32), shape);
    Ok(())
}

/// One map for each row.
fn zip_map(call: &mut Call<'_, '_>) -> Outcome {
    if let Some(shape) = call.shape(0).filter(|shape| shape.is_empty() || shape.len() > 2) {
        return Err(Mismatch(format!("{} instead of rows × classes", show(&shape))));
    }
    let items = rows(call).size().filter(|rows| *rows <= 4096).map(|rows| vec![ValueType::Map; rows as usize]);
    call.set(0, ValueType::Sequence(SequenceType { element: Some(Box::new(ValueType::Map)), items }));
    Ok(())
}
