//! Any bytes behind HDF5's signature: reading, inferring and counting must end without a panic, a hang or a flood of memory.

#![no_main]

use estimator::formats;
use estimator::shapes::{Choices, infer};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    // A text is taken for a configuration that stands in an archive.
    let bytes = match bytes.first() {
        Some(b'{') => archive(bytes),
        _ => [b"\x89HDF\r\n\x1a\n".as_slice(), bytes].concat(),
    };
    let Ok(model) = formats::open_lone("fuzz.h5", Cursor::new(bytes)) else { return };
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
});

/// A ZIP archive of two files, stored as they are.
fn archive(config: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let files: [(&[u8], &[u8]); 2] = [(b"config.json", config), (b"metadata.json", b"{}")];
    for (name, contents) in files {
        let offset = bytes.len() as u32;
        let size = contents.len() as u32;
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(checksum(contents).to_le_bytes());
        fields.extend(size.to_le_bytes());
        fields.extend(size.to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        bytes.extend([b"PK\x03\x04".as_slice(), &fields, name, contents].concat());
        let rest = [[0; 10].as_slice(), &offset.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\x00".as_slice(), &fields, &rest, name].concat());
    }
    let start = bytes.len() as u32;
    let length = directory.len() as u32;
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
    bytes.extend(length.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// CRC-32 as ZIP archives use it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 != 0 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}
