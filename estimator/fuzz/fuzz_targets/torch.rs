//! Any bytes, taken as one of PyTorch's files: reading, inferring and counting must end without a panic, a hang or a flood of memory.
//!
//! Most inputs should get past the shells, so a pickle is also read as the one in an archive, and a text as a program.

#![no_main]

use estimator::formats;
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    try_file(bytes.to_vec());
    match bytes.first() {
        Some(0x80) => try_file(stored("a/data.pkl", bytes)),
        Some(b'{') => try_file(stored("models/version.json", bytes)),
        _ => {}
    }
});

fn try_file(bytes: Vec<u8>) {
    let Ok(model) = formats::open_lone("fuzz.pt", Cursor::new(bytes)) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
}

/// A ZIP archive with one file stored as it is.
fn stored(name: &str, bytes: &[u8]) -> Vec<u8> {
    let (length, size) = ((name.len() as u16).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    // Version, flags, method, time, date and a checksum that nobody looks at in a file that is read in place.
    let common = [&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &size, &size, &length, &[0, 0]].concat();
    let local = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), bytes].concat();
    let central = [b"PK\x01\x02\x0a\0", common.as_slice(), &[0; 14], name.as_bytes()].concat();
    let sizes = [(central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes()].concat();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", sizes.as_slice(), &[0, 0]].concat();
    [local, central, end].concat()
}
