//! Real files against what torch counted, and hostile ones: what they ask for is not done, and what they weigh is bounded.

use crate::cost::inspect;
use crate::formats::{InMemory, Problem, ReadError, open, open_lone};
use crate::model::Model;
use crate::report::Inspection;
use crate::shapes::{Choices, infer};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use zip::write::SimpleFileOptions;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch")
}

fn inspected(model: &Model) -> Inspection {
    inspect(model, &infer(model, &Choices::default()))
}

fn said(found: &Inspection) -> String {
    found.warnings.iter().map(|note| format!("{}: {}\n", note.place, note.text)).collect()
}

#[test]
fn files_that_torch_wrote() {
    let expected: Json = serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for row in expected["files"].as_array().unwrap() {
        let name = row["file"].as_str().unwrap();
        let model = match open_lone(name, std::fs::File::open(folder().join(name)).unwrap()) {
            Ok(model) => model,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let found = inspected(&model);
        let facts = [
            ("parameters", found.parameters.unwrap_or(0)),
            ("buffers", found.buffers),
            ("weight_bytes", found.weight_bytes.unwrap_or(0)),
            ("optimizer_state", found.optimizer_state),
        ];
        for (key, value) in facts {
            if row[key].as_u64() != Some(value) {
                wrong.push(format!("{name}: {key} is {value}, torch says {}", row[key]));
            }
        }
        if row["format"] != model.format.as_str() {
            wrong.push(format!("{name}: it is called {}", model.format));
        }
        if let Some(macs) = row.get("macs").and_then(Json::as_u64).filter(|macs| found.macs != Some(*macs)) {
            wrong.push(format!("{name}: {:?} MACs, torch says {macs}", found.macs));
        }
        for run in row.get("runs").and_then(Json::as_array).into_iter().flatten() {
            let dims = run["dims"].as_object().unwrap();
            let dims = dims.iter().map(|(name, size)| (name.clone(), size.as_u64().unwrap())).collect();
            let found = inspect(&model, &infer(&model, &Choices { dims, ..Choices::default() }));
            if found.macs != run["macs"].as_u64() {
                wrong.push(format!("{name}: {:?} MACs with {}, torch says {}", found.macs, run["dims"], run["macs"]));
            }
            if !said(&found).is_empty() && row["mentions"].as_array().is_some_and(Vec::is_empty) {
                wrong.push(format!("{name}: {}", said(&found)));
            }
        }
        let said = said(&found);
        for words in row["mentions"].as_array().unwrap().iter().filter_map(Json::as_str) {
            if !said.contains(words) {
                wrong.push(format!("{name}: '{words}' is not in {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cut_or_changed_anywhere_a_file_is_refused_or_read() {
    for name in [
        "table.pt",
        "module.pt",
        "table_legacy.pth",
        "oldest.pt",
        "plain_0.pkl",
        "plain_5.pkl",
        "script.pt",
        "scripted.pt",
        "sentence_2_4.pt2",
    ] {
        let bytes = std::fs::read(folder().join(name)).unwrap();
        let step = bytes.len() / 60 + 1;
        for length in (0..bytes.len()).step_by(step) {
            let _ = open_lone(name, Cursor::new(bytes.get(..length).unwrap().to_vec()));
        }
        for place in (0..bytes.len()).step_by(step) {
            for bit in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                *changed.get_mut(place).unwrap() ^= bit;
                if let Ok(model) = open_lone(name, Cursor::new(changed)) {
                    inspected(&model);
                }
            }
        }
    }
}

#[test]
fn a_stream_that_was_cut_off_says_so() {
    let bytes = std::fs::read(folder().join("table_legacy.pth")).unwrap();
    let error = open_lone("x.pth", Cursor::new(bytes.get(..bytes.len() - 1).unwrap().to_vec())).unwrap_err();
    assert_eq!(error.problem, Problem::Truncated { needs: bytes.len() as u64, has: bytes.len() as u64 - 1 });
}

/// A plain pickle of protocol 2 around some opcodes.
fn pickle(body: &[u8]) -> Result<Model, ReadError> {
    let bytes = [b"\x80\x02", body, b"."].concat();
    open_lone("x.pkl", Cursor::new(bytes))
}

/// Opcodes that rebuild a vector of so many floats.
fn tensor(elements: u8) -> Vec<u8> {
    let storage = [b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK".as_slice(), &[elements], b"tQ"].concat();
    let head = b"ctorch._utils\n_rebuild_tensor_v2\n(".as_slice();
    [head, &storage, b"K\0K", &[elements], b"\x85K\x01\x85\x89NtR"].concat()
}

#[test]
fn what_a_pickle_wants_called_is_named_and_not_called() {
    let body = [b"}(U\x01a".as_slice(), &tensor(5), b"U\x01bcposix\nsystem\nU\x08rm -rf /\x85Ru"].concat();
    let found = inspected(&pickle(&body).unwrap());
    assert_eq!(found.parameters, Some(5));
    let said = said(&found);
    assert!(said.contains("posix.system: the file asks Python to call this"), "{said}");
    let error = pickle(b"cbuiltins\neval\nU\x011\x85R").unwrap_err();
    assert!(error.to_string().contains("without tensors (it holds builtins.eval)"), "{error}");
}

#[test]
fn classes_that_are_not_known_are_walked() {
    let state = [b"}(U\x05inner".as_slice(), &tensor(7), b"u"].concat();
    let body = [b"cmy.models\nNet\n)\x81".as_slice(), &state, b"b"].concat();
    let model = pickle(&body).unwrap();
    assert_eq!(model.name(*model.graph.weights.first().unwrap()), "inner");
    assert!(said(&inspected(&model)).contains("my.models.Net"));
}

#[test]
fn bombs_are_bounded() {
    // A list of two lists of two lists … sixty deep: 2^60 tensors if walked as a tree.
    let mut doubling = [b"]q\0".as_slice(), &tensor(3), b"a"].concat();
    for _ in 0..60 {
        doubling.extend_from_slice(b"0](h\0h\0eq\0");
    }
    let model = pickle(&doubling).unwrap();
    assert_eq!((model.graph.weights.len(), inspected(&model).parameters), (1, Some(3)));
    // Nested past every bound, closed again.
    let depth = 300_000;
    let nested = [vec![b']'; depth], vec![b'a'; depth - 1]].concat();
    assert!(matches!(pickle(&nested).unwrap_err().problem, Problem::NotAModel(_)));
    assert!(matches!(pickle(&vec![b'('; 3 << 20]).unwrap_err().problem, Problem::OverLimit(_)));
    assert!(matches!(pickle(&vec![b'}'; 3 << 20]).unwrap_err().problem, Problem::OverLimit(_)));
    // The memo grows and grows.
    let mut memo = vec![b'N'];
    for place in 0u32..2_000_000 {
        memo.push(b'r');
        memo.extend_from_slice(&place.to_le_bytes());
    }
    assert!(matches!(pickle(&memo).unwrap_err().problem, Problem::OverLimit(_)));
    for lengths in [
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff".as_slice(),
        b"\x8b\xff\xff\xff\x7f",
        b"X\xff\xff\xff\xff",
        b"\x96\0\0\0\0\0\0\0\x80",
    ] {
        assert!(matches!(pickle(lengths).unwrap_err().problem, Problem::Truncated { .. }), "{lengths:?}");
    }
}

#[test]
fn nonsense_on_the_stack_is_named() {
    for body in [
        b"R".as_slice(),
        b"a",
        b"u",
        b"\x93",
        b"h\x07",
        b"t",
        b"o",
        b"b",
        b"(o",
        b"Q",
        b"\xff",
        b"gx\n",
        b"NN\x93",
        b"s",
    ] {
        let error = pickle(body).unwrap_err();
        assert!(matches!(error.problem, Problem::Corrupt(_)), "{body:?}: {error}");
        assert!(error.offset.is_some(), "{body:?}");
    }
}

#[test]
fn a_tensor_with_impossible_sizes_counts_nothing_silently() {
    let huge = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f".as_slice();
    let storage = b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ".as_slice();
    let sizes = [b"(".as_slice(), huge, huge, huge, b"t"].concat();
    let body =
        [b"ctorch._utils\n_rebuild_tensor_v2\n(".as_slice(), storage, b"K\0", &sizes, b"(K\x01K\x01K\x01t\x89NtR"]
            .concat();
    let found = inspected(&pickle(&body).unwrap());
    assert_eq!(found.parameters, None);
    assert!(said(&found).contains("past the end of its storage") || said(&found).contains("does not fit 64 bits"));
}

fn archive(files: &[(&str, &[u8])], packed: bool) -> Vec<u8> {
    let method = if packed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_that_swells_is_refused() {
    let bomb = archive(&[("a/data.pkl", &vec![b'N'; 64 << 20])], true);
    assert!(bomb.len() < 1 << 20);
    let error = open_lone("bomb.pt", Cursor::new(bomb)).unwrap_err();
    assert!(matches!(error.problem, Problem::OverLimit(_)), "{error}");
}

#[test]
fn a_packed_archive_is_read_too() {
    let table = std::fs::read(folder().join("table.pt")).unwrap();
    let mut read = zip::ZipArchive::new(Cursor::new(table)).unwrap();
    let mut pickle = Vec::new();
    read.by_name("table/data.pkl").unwrap().read_to_end(&mut pickle).unwrap();
    let packed = archive(&[("t/data.pkl", &pickle)], true);
    let found = inspected(&open_lone("t.pt", Cursor::new(packed)).unwrap());
    assert_eq!(found.parameters, Some(845));
}

#[test]
fn a_program_keeps_its_sizes() {
    let name = "sentence.pt2";
    let model = open_lone(name, std::fs::File::open(folder().join(name)).unwrap()).unwrap();
    let shapes = [("ids".to_owned(), vec![4, 9])].into();
    let found = inspect(&model, &infer(&model, &Choices { shapes, ..Choices::default() }));
    assert!(said(&found).contains("ids: exported for exactly 7 here"), "{}", said(&found));
    assert_eq!(found.inputs.first().unwrap().shape, Some(vec![Some(4), Some(7)]));
    assert_eq!(found.not_counted, []);
    // Every node knows its module.
    let attention = found.layers.iter().find(|layer| layer.op == "linear").unwrap();
    assert_eq!((attention.group.as_str(), attention.macs), ("queries", Some(4 * 7 * 16 * 16)));
}

#[test]
fn hostile_programs_are_refused() {
    let graph = |nodes: &str, values: &str| {
        let text = format!(
            "{{\"graph_module\":{{\"graph\":{{\"inputs\":[],\"outputs\":[],\"nodes\":{nodes},\"tensor_values\":{values}}},\
             \"signature\":{{\"input_specs\":[]}}}}}}"
        );
        let bytes = archive(&[("archive_format", b"pt2"), ("models/model.json", text.as_bytes())], true);
        open_lone("x.pt2", Cursor::new(bytes))
    };
    assert!(graph("[]", "{}").is_ok());
    assert!(matches!(graph("7", "{}").unwrap_err().problem, Problem::Corrupt(_)));
    // Graphs within graphs within graphs.
    let inner = "{\"inputs\":[],\"outputs\":[],\"tensor_values\":{},\"nodes\":";
    let node = |nodes: &str| {
        format!(
            "[{{\"target\":\"torch.ops.higher_order.wrap_with_autocast\",\"outputs\":[],\
             \"inputs\":[{{\"arg\":{{\"as_graph\":{{\"name\":\"g\",\"graph\":{inner}{nodes}}}}}}}}}]}}]"
        )
    };
    let mut nested = "[]".to_owned();
    for _ in 0..12 {
        nested = node(&nested);
    }
    assert!(graph(&nested, "{}").is_ok());
    for _ in 0..40 {
        nested = node(&nested);
    }
    assert!(graph(&nested, "{}").is_err());
    // Sizes past all bounds, and expressions that are none.
    let sizes = "{\"a\":{\"dtype\":7,\"sizes\":[{\"as_int\":-5},{\"as_int\":9223372036854775807},{\"as_expr\":{\"expr_str\":\"((((((\"}}]}}";
    let conv =
        "[{\"target\":\"torch.ops.aten.conv2d.default\",\"inputs\":[],\"outputs\":[{\"as_tensor\":{\"name\":\"a\"}}]}]";
    let found = inspected(&graph(conv, sizes).unwrap());
    assert_eq!(found.macs, None);
}

/// A file of which only a few stretches are not zeros.
#[derive(Clone)]
struct Sparse {
    size: u64,
    pieces: BTreeMap<u64, Vec<u8>>,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = into.len().min(rest);
        let into = &mut into[..count];
        into.fill(0);
        for (start, bytes) in &self.pieces {
            for (index, byte) in bytes.iter().enumerate() {
                if let Some(to) = (start + index as u64).checked_sub(self.at).and_then(|to| into.get_mut(to as usize)) {
                    *to = *byte;
                }
            }
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.checked_add_signed(by).unwrap(),
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}

/// An archive in the layout of ZIP64 with one stored file of ten gigabytes behind the pickle.
fn ten_gigabytes(pickle: &[u8]) -> Sparse {
    let local = |name: &str, size: u64| {
        let mut bytes = b"PK\x03\x04\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
        bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&20u16.to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&[1, 0, 16, 0]);
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes
    };
    let central = |name: &str, size: u64, offset: u64| {
        let mut bytes = b"PK\x01\x02\x2d\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
        bytes.extend_from_slice(&(name.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&28u16.to_le_bytes());
        bytes.extend_from_slice(&[0; 10]);
        bytes.extend_from_slice(&[0xff; 4]);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&[1, 0, 24, 0]);
        for number in [size, size, offset] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    };
    let large = 10_000_000_000u64;
    let mut head = local("x/data.pkl", pickle.len() as u64);
    head.extend_from_slice(pickle);
    let second = head.len() as u64;
    head.extend_from_slice(&local("x/data/0", large));
    let directory_at = head.len() as u64 + large;
    let mut tail = [central("x/data.pkl", pickle.len() as u64, 0), central("x/data/0", large, second)].concat();
    let (length, end_at) = (tail.len() as u64, directory_at + tail.len() as u64);
    tail.extend_from_slice(b"PK\x06\x06");
    tail.extend_from_slice(&44u64.to_le_bytes());
    tail.extend_from_slice(&[0x2d, 0, 0x2d, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [2, 2, length, directory_at] {
        tail.extend_from_slice(&number.to_le_bytes());
    }
    tail.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    tail.extend_from_slice(&end_at.to_le_bytes());
    tail.extend_from_slice(&1u32.to_le_bytes());
    tail.extend_from_slice(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    let size = directory_at + tail.len() as u64;
    Sparse { size, pieces: [(0, head), (directory_at, tail)].into(), at: 0 }
}

#[test]
fn ten_gigabytes_cost_a_few_blocks() {
    let elements = 2_500_000_000u32.to_le_bytes();
    let count = [b"\x8a\x05".as_slice(), &elements, b"\0"].concat();
    let storage = [b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu".as_slice(), &count, b"tQ"].concat();
    let body = [
        b"\x80\x02}U\x01actorch._utils\n_rebuild_tensor_v2\n(".as_slice(),
        &storage,
        b"K\0",
        &count,
        b"\x85K\x01\x85\x89NtRs.",
    ]
    .concat();
    let model = open_lone("large.pt", ten_gigabytes(&body)).unwrap();
    assert!(model.bytes_read < 512 * 1024, "{}", model.bytes_read);
    let found = inspected(&model);
    assert_eq!((found.parameters, found.weight_bytes), (Some(2_500_000_000), Some(10_000_000_000)));
    assert!(!said(&found).contains("past the end"), "{}", said(&found));
}

#[test]
fn shards_are_one_model() {
    let shard = |name: &[u8], elements| {
        let length = u8::try_from(name.len()).unwrap();
        [b"\x80\x02}U".as_slice(), &[length], name, &tensor(elements), b"s."].concat()
    };
    let index = r#"{"metadata": {"total_size": 48}, "weight_map": {"a.weight": "pytorch_model-00001-of-00002.bin",
        "b.weight": "pytorch_model-00002-of-00002.bin"}}"#;
    let mut folder = InMemory(
        [
            ("m/pytorch_model.bin.index.json".to_owned(), index.as_bytes().to_vec()),
            ("m/pytorch_model-00001-of-00002.bin".to_owned(), shard(b"a.weight", 5)),
            ("m/pytorch_model-00002-of-00002.bin".to_owned(), shard(b"b.weight", 7)),
            ("m/config.json".to_owned(), br#"{"model_type": "none", "hidden_size": 7}"#.to_vec()),
        ]
        .into(),
    );
    let files = crate::formats::Files::new(folder.clone());
    let whole = crate::formats::open_folder(&files).unwrap();
    assert_eq!(inspected(&whole).parameters, Some(12));
    assert!(whole.hyperparameters.is_some());
    // Any of the shards leads to all of them.
    let one = open(&crate::formats::Files::new(folder.clone()), "m/pytorch_model-00002-of-00002.bin").unwrap();
    assert_eq!(inspected(&one).parameters, Some(12));
    folder.0.remove("m/pytorch_model-00002-of-00002.bin");
    let part = crate::formats::open_folder(&crate::formats::Files::new(folder)).unwrap();
    let found = inspected(&part);
    assert_eq!(found.parameters, Some(5));
    assert!(said(&found).contains("1 of 2 shards are missing"), "{}", said(&found));
}

#[test]
fn a_tar_archive_of_something_else_is_told() {
    let mut bytes = vec![0u8; 1024];
    bytes[..5].copy_from_slice(b"a.txt");
    bytes[124..135].copy_from_slice(b"00000000000");
    bytes[257..262].copy_from_slice(b"ustar");
    let error = open(&crate::formats::Files::new(InMemory::one("x.tar", bytes)), "x.tar").unwrap_err();
    assert!(error.to_string().contains("tar archive"), "{error}");
}

#[test]
fn of_an_optimiser_alone_no_work_is_known() {
    let name = "optimizer_alone.pt";
    let found = inspected(&open_lone(name, std::fs::File::open(folder().join(name)).unwrap()).unwrap());
    assert_eq!((found.macs, found.flops, found.layers.len()), (None, None, 0));
    assert!(said(&found).contains("does not say what is computed"), "{}", said(&found));
}

/// An archive like another, with one file changed; all are stored as they are.
fn changed_archive(files: &BTreeMap<String, Vec<u8>>, name: &str, text: &[u8]) -> Vec<u8> {
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (file, contents) in files {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        new.start_file(file.as_str(), stored).unwrap();
        new.write_all(if file == name { text } else { contents }).unwrap();
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn changed_code_ends_in_a_model_with_or_without_a_graph() {
    let bytes = std::fs::read(folder().join("scripted.pt")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).unwrap();
        files.insert(file.name().unwrap().to_string(), contents);
    }
    let own = files.keys().find(|name| name.ends_with("code/__torch__.py")).unwrap().clone();
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".py")) {
        for place in (0..text.len()).step_by(text.len() / 20 + 1) {
            for letter in *b"([=,.\n9 " {
                let mut changed = text.clone();
                changed[place] = letter;
                inspected(&open_lone("x.pt", Cursor::new(changed_archive(&files, name, &changed))).unwrap());
            }
        }
    }
    // A function that calls itself, loops in loops, and a value that is built on itself again and again.
    let bodies = [
        "    return (self).forward(words, )\n",
        "    for i in range(4000):\n      for j in range(4000):\n        x = words\n    return words\n",
        "    x = [words]\n    for i in range(4000):\n      x = [x, x]\n    return x\n",
    ];
    for body in bodies {
        let code = format!("class Words(Module):\n  def forward(self: T,\n    words: Tensor) -> Tensor:\n{body}");
        let model = open_lone("x.pt", Cursor::new(changed_archive(&files, &own, code.as_bytes()))).unwrap();
        assert!(model.weights_only, "{body}");
    }
}
