//! Any bytes, taken as what NumPy, Flax or Orbax write.

#![no_main]

use estimator::formats::{self, Files, InMemory};
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;

const METADATA: &[u8] = br#"{"use_ocdbt": true, "tree_metadata": {"('a', 'b')": {"key_metadata": [{"key": "a"}, {"key": "b"}],
    "value_metadata": {"value_type": "jax.Array"}}}}"#;
/// The Zstandard-packed parts are not mutated usefully: nodes are given unpacked, with their headers added here.
fn node(magic: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_be_bytes().to_vec();
    bytes.extend((body.len() as u64 + 18).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(body);
    bytes.extend([0; 4]);
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let (first, second) = rest.split_at(rest.len().min(usize::from(*choice)));
    let files = match choice % 4 {
        0 => vec![("a.npy", rest.to_vec())],
        1 => vec![("a.msgpack", rest.to_vec())],
        2 => vec![("_METADATA", rest.to_vec()), ("a.b/.zarray", second.to_vec())],
        _ => vec![
            ("_METADATA", METADATA.to_vec()),
            ("manifest.ocdbt", node(0x0cdb_3a2a, first)),
            ("d/x", node(0x0cdb_20de, second)),
        ],
    };
    let name = files[0].0;
    let files = InMemory(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect());
    let Ok(model) = formats::open(&Files::new(files), name) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
});
