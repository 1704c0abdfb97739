//! The estimator as the page runs it: compiled for wasm32, where a machine word has 32 bits and a model may have more weights
//! than that counts.

#![cfg(target_arch = "wasm32")]

mod support;

use estimator::formats;
use estimator::shapes::{Choices, infer};
use std::io::Cursor;
use support::{Axis, Message, model, node, tensor, value};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn counts_beyond_32_bits_are_exact() {
    let graph = Message::new()
        .message(1, node("MatMul", &["x", "w"], &["y"]))
        .bytes(2, "wide")
        .message(5, tensor("w", &[3_000_000, 2_000]))
        .message(11, value("x", &[Axis::Fixed(4), Axis::Fixed(3_000_000)]))
        .message(12, value("y", &[Axis::Fixed(4), Axis::Fixed(2_000)]));
    let model = formats::open_lone("wide.onnx", Cursor::new(model(graph))).unwrap();
    let counts = estimator::cost::inspect(&model, &infer(&model, &Choices::default()));
    assert_eq!(counts.parameters, Some(6_000_000_000));
    assert_eq!(counts.macs, Some(24_000_000_000));
    assert_eq!(counts.weight_bytes, Some(24_000_000_000));
}

#[wasm_bindgen_test]
fn a_length_beyond_the_file_is_refused() {
    let graph = Message::new().bytes(2, "short").promise(5, 1 << 33);
    assert!(formats::open_lone("short.onnx", Cursor::new(model(graph))).is_err());
}
