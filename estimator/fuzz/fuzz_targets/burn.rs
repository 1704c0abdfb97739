//! Any bytes behind the beginning of a Burn container or record: reading and counting must end in an answer.

#![no_main]

use estimator::formats;
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let beginning: &[u8] = match first % 2 {
        0 => b"NRUB",
        _ => b"\x82\xa8metadata\x85\xa5float",
    };
    let Ok(model) = formats::open_lone("fuzz.bpk", Cursor::new([beginning, rest].concat())) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
});
