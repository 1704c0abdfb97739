//! Models in words, and which file of a folder was read.

use e2e::{Page, output_dir};
use std::fs;
use std::path::{Path, PathBuf};
use xtask::tools;

fn estimator_data(name: &str) -> PathBuf {
    tools::root().join("estimator/tests/data").join(name)
}

fn open() -> Page {
    let page = Page::open("");
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
    page
}

#[test]
fn a_sentence_is_counted_and_its_link_gives_the_same_estimate() {
    let page = open();
    page.click("button >> Describe a model");
    page.type_into("#sentence", "32 layers, d=4096, 32 heads, 8 kv heads, ffn 11008, vocab 32000");
    page.press("Enter");
    page.wait_for_text("#model h2", "32 layers");
    let exact = page.eval("[...document.querySelectorAll('#model .exactly')].map((e) => e.textContent)").to_string();
    assert!(exact.contains("5,933,109,248"), "{exact}");
    page.wait_for("#layers tbody tr");
    page.wait_for_true("the address carries it", "/32.{1,3}layers/.test(location.hash)");
    let headline = page.text("#result .headline");
    page.reload();
    page.wait_for("#result .headline");
    assert_eq!(page.text("#result .headline"), headline);
    page.assert_no_errors();
}

#[test]
fn a_sentence_that_says_no_model_says_what_is_missing() {
    let page = open();
    page.click("button >> Describe a model");
    page.type_into("#sentence", "a very good model");
    page.click("button >> Count it");
    page.wait_for_text("[role=alert]", "not understood");
    page.assert_accessible();
}

#[test]
fn the_file_that_leads_a_folder_is_named() {
    let folder = output_dir().join("led");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(tools::root().join("examples/models/tinybert_4l_312.onnx"), folder.join("model.onnx")).unwrap();
    fs::write(folder.join("notes.txt"), "not a model").unwrap();
    let page = open();
    page.drop_files("main", &[&folder]);
    page.wait_for_text("#model", "Read from led/model.onnx");
}

#[test]
fn a_file_of_the_second_worker_is_read() {
    let page = open();
    let file: &Path = &estimator_data("tflite/cnn_int8.tflite");
    page.upload("#file-input", &[file]);
    page.wait_for_text("#model h2", "cnn_int8.tflite");
    page.wait_for_text("#layers tbody", "CONV_2D");
    page.assert_no_errors();
}
