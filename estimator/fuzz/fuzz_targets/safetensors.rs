//! Any bytes, taken as a safetensors file or as an index of such files.

#![no_main]

use estimator::formats::{self, Files, InMemory};
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses between a header, to which its length is added, and a JSON index.
    let Some((choice, rest)) = bytes.split_first() else { return };
    let cut = usize::from(*choice) * 8;
    let header = rest.get(..rest.len().saturating_sub(cut)).unwrap_or_default();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(rest);
    let names = match choice % 3 {
        0 => ["model.safetensors", "config.json"],
        1 => ["model.safetensors.index.json", "a.safetensors"],
        _ => ["model_index.json", "model.safetensors"],
    };
    let contents = if choice % 3 == 0 { [file, rest.to_vec()] } else { [rest.to_vec(), file] };
    let files = InMemory(names.into_iter().map(str::to_owned).zip(contents).collect());
    let Ok(model) = formats::open(&Files::new(files), names[0]) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
});
