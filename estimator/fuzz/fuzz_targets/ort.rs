//! Any bytes, taken as a file: reading, inferring and counting must end without a panic, a hang or a flood of memory.

#![no_main]

use estimator::formats;
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = formats::open_lone("fuzz.ort", Cursor::new(bytes.to_vec())) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
});
