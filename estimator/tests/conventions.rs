//! Other counters: what `conventions.csv` says of each against what it reported on the same network.
//!
//! The figures were printed by the tools themselves (fvcore 0.1.5, ptflops 0.7.5, thop 0.1.1, calflops 0.3.2, torchinfo 1.8.0,
//! on torchvision's networks at 1×3×224×224; onnx-tool 1.0.1 on exports of them), FLOPs halved.

use estimator::cost::inspect;
use estimator::formats::open_lone;
use estimator::shapes::{Choices, infer};
use std::fs::File;
use std::path::Path;

const RESNET50: &[(&str, u64)] = &[
    ("torch FlopCounterMode", 4_089_184_256),
    ("fvcore and timm", 4_111_512_576),
    ("ptflops, pytorch backend", 4_132_436_968),
    ("ptflops, aten backend", 4_089_185_256),
    ("thop", 4_133_742_592),
    ("calflops and DeepSpeed", 4_089_184_256),
    ("torchinfo", 4_089_238_376),
    ("onnx-tool, all operators", 4_106_200_000),
    ("onnx-tool, products alone", 4_089_200_000),
];
const VIT_B_16: &[(&str, u64)] = &[
    ("torch FlopCounterMode", 17_563_828_224),
    ("fvcore and timm", 16_867_412_736),
    ("ptflops, pytorch backend", 17_606_030_584),
    ("ptflops, aten backend", 16_864_992_232),
    ("thop", 11_286_254_592),
    ("calflops and DeepSpeed", 16_848_500_736),
    ("torchinfo", 173_232_616),
    ("onnx-tool, all operators", 18_060_500_000),
    ("onnx-tool, products alone", 17_563_800_000),
];

#[test]
fn other_tools_are_met_within_a_thousandth() {
    let mut wrong = Vec::new();
    for (model, expected) in [("resnet50", RESNET50), ("vit_b_16", VIT_B_16)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../examples/models/{model}.onnx"));
        let read = open_lone(model, File::open(path).unwrap()).unwrap();
        let found = inspect(&read, &infer(&read, &Choices::default()));
        assert_eq!(found.conventions.len(), expected.len());
        for (tool, macs) in expected {
            let count = found.conventions.iter().find(|count| count.tool == *tool).unwrap();
            if count.macs.abs_diff(*macs) * 1000 > *macs {
                wrong.push(format!("{model}, {tool}: {} against {macs}", count.macs));
            }
            // The differences explain the whole of the disagreement.
            let explained: i64 = count.differences.iter().map(|difference| difference.macs).sum();
            assert_eq!(found.macs.unwrap() as i64 + explained, count.macs as i64, "{tool}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// PyTorch's own files name the operators that tools listen to; exports of the two networks above met the same figures.
#[test]
fn programs_of_pytorch_are_recounted_and_other_frameworks_say_why_not() {
    let inspected = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        let read = open_lone(name, File::open(path).unwrap()).unwrap();
        inspect(&read, &infer(&read, &Choices::default()))
    };
    for name in ["torch/picture.pt2", "torch/traced.pt"] {
        let found = inspected(name);
        assert_eq!((found.conventions.len(), found.conventions_missing), (7, None), "{name}");
        let ours = found.macs.unwrap();
        let of = |tool: &str| found.conventions.iter().find(|count| count.tool == tool).unwrap().macs;
        assert_eq!(of("torch FlopCounterMode"), ours, "{name}");
        assert!(of("ptflops, pytorch backend") > ours, "{name}: biases and activations count there");
        assert_ne!(of("torchinfo"), ours, "{name}");
    }
    for name in ["coreml/picture.mlmodel", "torch/table.pt"] {
        let found = inspected(name);
        assert!(found.conventions.is_empty() && found.conventions_missing.is_some(), "{name}");
    }
}
