//! Files that OpenVINO wrote, one of version 7 by hand, and bytes that nobody exported.

use crate::formats::{Files, InMemory, Problem, ReadError, open};
use crate::model::Model;
use crate::report::Inspection;
use crate::shapes::{Choices, infer};
use proptest::prelude::*;
use std::path::Path;

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openvino").join(name)).unwrap()
}

fn pair(name: &str) -> Vec<(String, Vec<u8>)> {
    [".xml", ".bin"].map(|ending| (format!("a/{name}{ending}"), read(&format!("{name}{ending}")))).to_vec()
}

fn model(files: Vec<(String, Vec<u8>)>) -> Result<Model, ReadError> {
    let name = files[0].0.clone();
    open(&Files::new(InMemory(files.into_iter().collect())), &name)
}

fn counted(model: &Model, dims: &[(&str, u64)]) -> Inspection {
    let dims = dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    crate::cost::inspect(model, &infer(model, &Choices { dims, ..Choices::default() }))
}

fn text(xml: &str) -> Result<Model, ReadError> {
    model(vec![("x.xml".to_owned(), xml.as_bytes().to_vec())])
}

#[test]
fn convolutions_of_every_layout() {
    let cnn = model(pair("cnn")).unwrap();
    let found = counted(&cnn, &[]);
    // 8·16·16·27, 8·8·8·9, 8·8·8 inputs · 4·2·2, 256·10; weights likewise, and 8 biases.
    let macs = 55_296 + 4_608 + 8_192 + 2_560;
    assert_eq!((found.macs, found.parameters, found.buffers), (Some(macs), Some(216 + 72 + 128 + 2_560 + 8), 0));
    assert_eq!((found.format.as_str(), found.weight_bytes), ("openvino", Some(4 * 2_984)));
    assert!(found.not_counted.is_empty());
    let head = found.layers.iter().find(|layer| layer.op == "MatMul").unwrap();
    assert_eq!(head.group, "classifier/0");
    // The batch is open and everything follows it, with the weights' file and without.
    assert_eq!(counted(&cnn, &[("batch", 8)]).macs, Some(8 * macs));
    let alone = model(pair("cnn")[..1].to_vec()).unwrap();
    let found = counted(&alone, &[("batch", 8)]);
    assert_eq!((found.macs, found.parameters), (Some(8 * macs), Some(2_984)));
    assert!(found.warnings.iter().any(|note| note.text.contains("not here")));
}

#[test]
fn weights_that_are_unpacked_when_used_count_unpacked() {
    let found = counted(&model(pair("packed")).unwrap(), &[("sequence", 5), ("batch", 2)]);
    assert_eq!(found.macs, Some(2 * 5 * 64 * 32));
    // A table of 100 rows in 8 bits and a layer in 4; scales and zero points are buffers.
    assert_eq!((found.parameters, found.buffers), (Some(6_400 + 2_048), 100 + 128 + 128));
    assert_eq!(found.dtypes, [("i8".to_owned(), 6_400), ("u4".to_owned(), 2_048)].into());
    assert_eq!(found.weight_bytes, Some(6_400 + 200 + 1_024 + 64 + 256));
}

#[test]
fn bodies_turn_and_branches_are_chosen() {
    let found = counted(&model(pair("loops")).unwrap(), &[]);
    let lstm = 2 * 7 * (24 * 5 + 24 * 6);
    let attention = 2 * 7 * 7 * (6 + 6);
    let branch = 2 * 7 * 3 * 8 * 2;
    assert_eq!(found.macs, Some(lstm + lstm + attention + 2 * 7 * 6 * 3 + branch));
    let cell = found.layers.iter().find(|layer| layer.op == "LSTMCell").unwrap();
    assert_eq!((cell.times, cell.macs), (7, Some(lstm)));
    // Two cells, the einsum's factor, both branches; the states at the start are no parameters.
    assert_eq!((found.parameters, found.buffers), (Some(2 * 288 + 18 + 48 + 9), 24));
    assert_eq!(found.outputs[0].shape, Some(vec![Some(2), Some(7), Some(3)]));
    assert!(found.not_counted.is_empty());
}

#[test]
fn open_dimensions_that_belong_together_have_one_name() {
    let input = |name: &str, kind: &str, shape: &str, id: u8| {
        format!(
            "<layer id='{id}' name='{name}' type='Parameter'><data shape='{shape}' element_type='{kind}'/><output>\
             <port id='0' names='{name}'/></output></layer>"
        )
    };
    let inputs =
        [("ids", "i64", "?,?"), ("beams", "i32", "?"), ("picture", "f32", "-1,3,?,1..9"), ("sound", "f32", "?")];
    let layers: Vec<String> =
        inputs.iter().zip(0..).map(|((name, kind, shape), id)| input(name, kind, shape, id)).collect();
    let model = text(&format!("<net version='11'><layers>{}</layers></net>", layers.concat())).unwrap();
    let shapes: Vec<String> = counted(&model, &[]).inputs.iter().map(|input| input.symbolic.clone()).collect();
    assert_eq!(shapes, ["batch × sequence", "batch", "batch × 3 × height × width", "sound.0"]);
}

/// Version 7: weights are blobs of a layer, there are no results, and precision stands at the layer.
const VERSION_7: &str = r#"<?xml version="1.0" ?>
<!-- made by hand -->
<net name="old" version="7" batch="1"><layers>
<layer id="0" name="data" precision="FP32" type="Input"><output><port id="0"><dim>1</dim><dim>4</dim><dim>8</dim><dim>8</dim></port></output></layer>
<layer id="1" name="conv" precision="FP16" type="Convolution">
<data dilations="1,1" group="2" kernel="3,3" output="6" pads_begin="1,1" pads_end="1,1" strides="2,2"/>
<input><port id="0"><dim>1</dim><dim>4</dim><dim>8</dim><dim>8</dim></port></input>
<output><port id="3"><dim>1</dim><dim>6</dim><dim>4</dim><dim>4</dim></port></output>
<blobs><weights offset="0" size="216"/><biases offset="216" size="12"/></blobs></layer>
<layer id="2" name="pool" precision="FP16" type="Pooling"><data kernel="4,4" pool-method="max" strides="4,4"/>
<input><port id="0"><dim>1</dim><dim>6</dim><dim>4</dim><dim>4</dim></port></input>
<output><port id="1"><dim>1</dim><dim>6</dim><dim>1</dim><dim>1</dim></port></output></layer>
<layer id="3" name="fc" precision="FP16" type="FullyConnected"><data out-size="5"/>
<input><port id="0"><dim>1</dim><dim>6</dim><dim>1</dim><dim>1</dim></port></input>
<output><port id="3"><dim>1</dim><dim>5</dim></port></output>
<blobs><weights offset="228" size="60"/><biases offset="288" size="10"/></blobs></layer>
</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>
<edge from-layer="1" from-port="3" to-layer="2" to-port="0"/><edge from-layer="2" from-port="1" to-layer="3" to-port="0"/></edges>
<meta_data><MO_version value="2020"/></meta_data></net>"#;

#[test]
fn version_7_keeps_weights_in_its_layers() {
    let found = counted(&text(VERSION_7).unwrap(), &[]);
    // 6·4·4 outputs of 2 channels · 3·3, and 5 · 6.
    assert_eq!((found.macs, found.parameters), (Some(96 * 18 + 30), Some(108 + 6 + 30 + 5)));
    assert_eq!((found.dtypes.get("f16"), found.weight_bytes), (Some(&149), Some(298)));
    assert_eq!(found.outputs[0].shape, Some(vec![Some(1), Some(5)]));
    assert!(found.warnings.iter().all(|note| !note.text.contains("does not fit")), "{:?}", found.warnings);
}

#[test]
fn entities_stay_unexpanded_and_broken_files_are_named() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
        <net name="&b;" version="11"><layers><layer id="0" name="&b;" type="Parameter"><data shape="1" element_type="f32"/>
        <output><port id="0" precision="FP32"><dim>&b;</dim></port></output></layer></layers></net>"#;
    // A declaration of entities is no sign of an IR, so such a file is not even tried as one.
    assert!(matches!(text(bomb).unwrap_err().problem, Problem::Unsupported(_)));
    let (_, inside) = bomb.split_once("]>").unwrap();
    assert_eq!(text(inside).unwrap().graph.name.as_ref(), "&b;");
    let refused = |xml: &str| text(xml).unwrap_err().problem;
    let layer = |inner: &str| format!("<net version=\"11\"><layers>{inner}</layers></net>");
    assert!(matches!(refused(VERSION_7.split_at(900).0), Problem::Truncated { .. } | Problem::Corrupt(_)));
    assert!(matches!(refused(&layer("<layer name='x' type='Const'/>")), Problem::Corrupt(_)));
    assert!(matches!(refused(&layer("<layer id='1'/><layer id='1'/>")), Problem::Corrupt(_)));
    let lying = "<layer id='1' type='Const'><data element_type='f32' shape='9, 9' offset='0' size='4'/></layer>";
    assert!(matches!(refused(&layer(lying)), Problem::Corrupt(_)));
    let deep = format!("<net>{}", "<a>".repeat(1000));
    assert!(matches!(refused(&deep), Problem::OverLimit(_)));
    let long = format!("<net><layers a='{}'/></net>", "x".repeat(3 << 20));
    assert!(matches!(refused(&long), Problem::OverLimit(_)));
    let circle = "<net version='11'><layers><layer id='0' type='ReLU'/><layer id='1' type='ReLU'/></layers><edges>\
        <edge from-layer='0' to-layer='1'/><edge from-layer='1' to-layer='0'/></edges></net>";
    assert!(matches!(refused(circle), Problem::Corrupt(why) if why.contains("circle")));
}

fn survives(bytes: Vec<u8>) {
    if let Ok(model) = model(vec![("x.xml".to_owned(), bytes)]) {
        counted(&model, &[]);
    }
}

#[test]
fn cut_off_anywhere() {
    let xml = read("loops.xml");
    for length in (0..xml.len()).step_by(37) {
        survives(xml[..length].to_vec());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn digits_and_letters_exchanged(changes in prop::collection::vec((0usize..18_000, 0u8..128), 1..12)) {
        let mut xml = read("loops.xml");
        for (place, byte) in changes {
            if let Some(slot) = xml.get_mut(place) {
                *slot = byte;
            }
        }
        survives(xml);
    }

    #[test]
    fn numbers_made_huge(place in 0usize..200, number in "[0-9]{1,22}|-[0-9]{1,20}") {
        let xml = String::from_utf8(read("cnn.xml")).unwrap();
        let starts: Vec<usize> = xml.match_indices(|letter: char| letter.is_ascii_digit()).map(|(at, _)| at).collect();
        let at = starts[place * starts.len() / 200];
        survives([&xml[..at], &number, &xml[at + 1..]].concat().into_bytes());
    }
}
