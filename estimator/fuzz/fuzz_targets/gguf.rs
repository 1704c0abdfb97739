//! Any bytes behind GGUF's magic: reading and counting must end without a panic, a hang or a flood of memory.

#![no_main]

use estimator::formats;
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let bytes = [b"GGUF".as_slice(), bytes].concat();
    let Ok(model) = formats::open_lone("fuzz.gguf", Cursor::new(bytes)) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
});
