//! TorchScript archives: the module tree in `data.pkl`, and beside it the code, which says what each attribute is.
//!
//! The code is a text like Python's. Of it the lists of parameters and buffers are read, and the names of the operators it calls;
//! where it runs straight, `tracing` makes a graph of it.

use super::super::archive::Archive;
use super::super::error::ReadError;
use super::super::source::Source;
use super::checkpoint::{self, Declared};
use super::code::Code;
use super::pickle::{Machine, Thing};
use super::{container, tracing};
use crate::model::{Contents as Numbers, DType, Model, Storage, TensorRole, Weight};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Most code that is read, in files and in bytes of one and of all.
const MOST_FILES: usize = 20_000;
const MOST_OF_ONE: u64 = 8 << 20;
const MOST_OF_ALL: u64 = 32 << 20;
/// Most of the constants' pickle.
const MOST_CONSTANTS: u64 = 4 << 20;
/// Most operators that are told apart, and shown.
const MOST_OPERATORS: usize = 2000;
const MOST_SHOWN: usize = 40;

/// Reads an archive.
pub(super) fn read(file: &str, file_bytes: u64, mut archive: Archive<'_>) -> Result<Model, ReadError> {
    let folder = container::folder(archive.entries()).unwrap_or_default();
    let start = format!("{folder}code/");
    let is_code = |name: &str| name.starts_with(&start) && name.ends_with(".py");
    let names: Vec<String> =
        archive.entries().iter().map(|entry| entry.name.clone()).filter(|name| is_code(name)).collect();
    let mut declared = Declared::new();
    let mut operators = BTreeMap::new();
    let mut left = MOST_OF_ALL;
    let mut program = Ok(Code::default());
    for name in names.iter().take(MOST_FILES) {
        let Ok(bytes) = archive.bytes(name, MOST_OF_ONE.min(left)) else { continue };
        left = left.saturating_sub(bytes.len() as u64);
        let code = String::from_utf8_lossy(&bytes);
        let module =
            name.strip_prefix(&start).and_then(|name| name.strip_suffix(".py")).unwrap_or_default().replace('/', ".");
        read_classes(&code, &module, &mut declared);
        read_operators(&code, &mut operators);
        program = program.and_then(|mut program| program.add(&code, &module).map(|()| program));
    }
    let constants = constants(&mut archive, &folder);
    let contents = container::zip(archive)?;
    let mut model = checkpoint::model(file, file_bytes, &contents, Some(&declared))?;
    model.format = "torchscript".to_owned();
    if !constants.is_empty() {
        let elements = constants.iter().fold(0u64, |sum, of| sum.saturating_add(of.elements().unwrap_or(u64::MAX)));
        let text = format!(
            "the code holds {} constant tensors ({elements} elements), which are not counted among the weights",
            constants.len()
        );
        model.notes.info("", text);
    }
    let followed = program.and_then(|program| tracing::graph(&program, &contents, constants, &mut model));
    let mut operators: Vec<(String, u64)> = operators.into_iter().collect();
    operators.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let shown: Vec<String> = operators.iter().take(MOST_SHOWN).map(|(name, times)| format!("{name} {times}")).collect();
    if !shown.is_empty() {
        model.properties.push(("operators in its code".to_owned(), shown.join(", ")));
    }
    match followed {
        Ok(()) => model.notes.info(
            "",
            "the operations are read from the file's code, which says nothing of the inputs' sizes: \
             what the first layers take is assumed, and can be set",
        ),
        Err(why) => {
            let text = format!(
                "only its weights are counted, because its code could not be followed: {}; \
                 export the model with torch.export (.pt2) or to ONNX to see its operations",
                crate::notes::clip(&why)
            );
            model.notes.warn("", text);
        }
    }
    Ok(model)
}

/// The lists of parameters and buffers of each class in a file of code.
fn read_classes(code: &str, module: &str, declared: &mut Declared) {
    let mut class: Option<Rc<str>> = None;
    for line in code.lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            let name = rest.split(['(', ':']).next().unwrap_or_default().trim();
            let full: Rc<str> = format!("{module}.{name}").into();
            declared.entry(Rc::clone(&full)).or_default();
            class = Some(full);
            continue;
        }
        let Some(roles) = class.as_ref().and_then(|class| declared.get_mut(class)) else { continue };
        let line = line.trim_start();
        for (start, role) in [("__parameters__", TensorRole::Parameter), ("__buffers__", TensorRole::Buffer)] {
            if line.starts_with(start) {
                roles.extend(quoted(line).map(|name| (name, role)));
            }
        }
    }
}

/// The texts in double quotes on a line.
fn quoted(line: &str) -> impl Iterator<Item = String> {
    line.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// Counts the operators that a file of code calls: `torch.conv2d(`, `ops.torchvision.nms(`.
fn read_operators(code: &str, operators: &mut BTreeMap<String, u64>) {
    for start in ["torch.", "ops."] {
        for (place, _) in code.match_indices(start) {
            let before = code.get(..place).and_then(|before| before.chars().next_back());
            if before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.')) {
                continue;
            }
            let rest = code.get(place + start.len()..).unwrap_or_default();
            let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.')));
            let Some((name, after)) = end.and_then(|end| rest.split_at_checked(end)) else { continue };
            if after.starts_with('(') && !name.is_empty() && name.len() < 100 {
                if let Some(times) = operators.get_mut(name) {
                    *times += 1;
                } else if operators.len() < MOST_OPERATORS {
                    operators.insert(name.to_owned(), 1);
                }
            }
        }
    }
}

/// The code's constants in their order; none where they cannot be read.
fn constants(archive: &mut Archive<'_>, folder: &str) -> Vec<Weight> {
    read_constants(archive, folder).unwrap_or_default()
}

fn read_constants(archive: &mut Archive<'_>, folder: &str) -> Option<Vec<Weight>> {
    let name = format!("{folder}constants.pkl");
    let bytes = archive.bytes(&name, MOST_CONSTANTS).ok()?;
    let mut machine = Machine::default();
    let (root, _) = machine.run(&mut Source::new(&name, std::io::Cursor::new(bytes)).ok()?, 0).ok()?;
    let mut weights = Vec::new();
    for item in machine.items(&root).iter().take(MOST_OPERATORS) {
        // Numbered by their places: one that is no tensor is an empty one.
        let Some(Thing::Tensor(tensor)) = machine.thing(item) else {
            weights.push(Weight::new(DType::F32, vec![0], Storage::Inside { offset: 0 }));
            continue;
        };
        let dtype = tensor.dtype.unwrap_or(DType::F32);
        let mut weight = Weight::new(dtype, tensor.shape.clone(), Storage::Inside { offset: 0 });
        let storage = tensor.storage.and_then(|(index, first)| Some((machine.storage(index)?, first)));
        if weight.elements() == Some(1)
            && let Some((storage, 0)) = storage
            && let Ok(bytes) = archive.beginning(&format!("{folder}constants/{}", storage.key), 8)
        {
            weight.contents = number(dtype, &bytes);
        }
        weights.push(weight);
    }
    Some(weights)
}

/// The one number in these bytes.
fn number(dtype: DType, bytes: &[u8]) -> Option<Numbers> {
    Some(match dtype {
        DType::I64 => Numbers::Integers(vec![i64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)]),
        DType::I32 => Numbers::Integers(vec![i32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).into()]),
        DType::F64 => Numbers::Floats(vec![f64::from_le_bytes(bytes.get(..8)?.try_into().ok()?)]),
        DType::F32 => Numbers::Floats(vec![f32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).into()]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "class Conv2d(Module):\n  __parameters__ = [\"weight\", \"bias\", ]\n  __buffers__ = [\"mean\", ]\n  \
                        def forward(self, x: Tensor) -> Tensor:\n    a = torch.conv2d(x, self.weight)\n    \
                        return ops.torchvision.nms(torch.relu(a), __torch__.f(a))\n";

    #[test]
    fn code_says_what_attributes_are() {
        let mut declared = Declared::new();
        read_classes(CODE, "__torch__.m", &mut declared);
        let roles = declared.get("__torch__.m.Conv2d").unwrap();
        assert_eq!(roles.get("weight"), Some(&TensorRole::Parameter));
        assert_eq!(roles.get("mean"), Some(&TensorRole::Buffer));
        assert_eq!(roles.len(), 3);
    }

    #[test]
    fn operators_are_found_in_code() {
        let mut operators = BTreeMap::new();
        read_operators(CODE, &mut operators);
        let names: Vec<&str> = operators.keys().map(String::as_str).collect();
        assert_eq!(names, ["conv2d", "relu", "torchvision.nms"]);
    }
}
