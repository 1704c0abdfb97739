//! Bytes that nobody exported: truncated, corrupted, made to exhaust. A reader ends in a model or in an error that helps;
//! it never panics and never runs away, and what it lets through, the later rooms survive.

mod support;

use estimator::formats::{self, Problem, ReadError};
use estimator::model::Model;
use estimator::shapes::{Choices, infer};
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, SeekFrom};
use support::{Axis, Message, graph_attribute, int, model, node, tensor, value};

fn open(bytes: &[u8]) -> Result<Model, ReadError> {
    formats::open_lone("test.onnx", Cursor::new(bytes.to_vec()))
}

/// Reads, infers and counts, as a user's file goes through.
fn run_through(bytes: &[u8]) -> Result<(), ReadError> {
    let model = open(bytes)?;
    let trace = infer(&model, &Choices::default());
    estimator::cost::inspect(&model, &trace);
    Ok(())
}

/// A small convolutional network with a branch and a loop, so that mutations reach most of the reader.
fn sound() -> Vec<u8> {
    let body = Message::new()
        .message(1, node("Add", &["carried", "bias"], &["next"]))
        .message(1, node("Identity", &["going"], &["goes_on"]))
        .bytes(2, "body")
        .message(11, value("turn", &[]))
        .message(11, value("going", &[]))
        .message(11, value("carried", &[Axis::Fixed(1), Axis::Fixed(8)]))
        .message(12, value("goes_on", &[]))
        .message(12, value("next", &[Axis::Fixed(1), Axis::Fixed(8)]));
    let limit = Message::new().number(2, 7).bytes(8, "limit").bytes(9, 3i64.to_le_bytes());
    let target = Message::new()
        .number(1, 2)
        .number(2, 7)
        .bytes(8, "target")
        .bytes(9, [1i64.to_le_bytes(), (-1i64).to_le_bytes()].concat());
    let graph = Message::new()
        .message(1, node("Conv", &["x", "w"], &["c"]).message(5, int("group", 1)))
        .message(1, node("Relu", &["c"], &["r"]))
        .message(1, node("GlobalAveragePool", &["r"], &["g"]))
        .message(1, node("Reshape", &["g", "target"], &["f"]))
        .message(1, node("Loop", &["limit", "", "f"], &["y"]).message(5, graph_attribute("body", body)))
        .bytes(2, "net")
        .message(5, tensor("w", &[8, 3, 3, 3]))
        .message(5, tensor("bias", &[8]))
        .message(5, limit)
        .message(5, target)
        .message(11, value("x", &[Axis::Named("batch"), Axis::Fixed(3), Axis::Fixed(32), Axis::Fixed(32)]))
        .message(12, value("y", &[Axis::Fixed(1), Axis::Fixed(8)]));
    model(graph)
}

#[test]
fn the_sound_network_is_read() {
    let model = open(&sound()).unwrap();
    assert_eq!(model.graph.nodes.len(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_end_in_a_model_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = run_through(&bytes);
    }

    #[test]
    fn bytes_that_begin_like_a_model(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = run_through(&model(Message(bytes)));
    }

    #[test]
    fn a_changed_byte(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = sound();
        for (place, byte) in places {
            let length = bytes.len();
            bytes[place.index(length)] = byte;
        }
        let _ = run_through(&bytes);
    }

    #[test]
    fn pieces_cut_out_and_doubled(from in any::<prop::sample::Index>(), length in 0usize..64, to in any::<prop::sample::Index>()) {
        let mut bytes = sound();
        let start = from.index(bytes.len());
        let end = (start + length).min(bytes.len());
        let piece: Vec<u8> = bytes.drain(start..end).collect();
        let _ = run_through(&bytes);
        let at = to.index(bytes.len() + 1);
        bytes.splice(at..at, [piece.clone(), piece].concat());
        let _ = run_through(&bytes);
    }
}

#[test]
fn every_cut_is_an_error_or_a_model() {
    let whole = sound();
    let mut truncated = 0;
    for length in 0..whole.len() {
        if let Err(error) = run_through(&whole[..length]) {
            let text = error.to_string();
            assert!(text.starts_with("test.onnx: "), "{text}");
            truncated += usize::from(matches!(error.problem, Problem::Truncated { .. }));
        }
    }
    assert!(truncated > whole.len() * 9 / 10, "{truncated} of {} cuts are called cuts", whole.len());
}

#[test]
fn a_dimension_near_two_to_the_64_is_an_error_that_names_the_tensor() {
    for dims in [&[i64::MAX, i64::MAX][..], &[-1, 4], &[1 << 40, 1 << 40]] {
        let graph = Message::new().message(5, tensor("huge", dims)).message(1, node("Relu", &["huge"], &["y"]));
        let error = open(&model(graph)).unwrap_err();
        assert_eq!(error.place, "tensor huge");
        assert!(matches!(error.problem, Problem::Corrupt(_)));
    }
}

#[test]
fn declared_sizes_that_overflow_become_unknown() {
    let huge = [Axis::Fixed(i64::MAX), Axis::Fixed(i64::MAX)];
    let graph = Message::new()
        .message(11, value("x", &huge))
        .message(1, node("MatMul", &["x", "x"], &["y"]))
        .message(1, node("Concat", &["x", "x"], &["z"]).message(5, int("axis", i64::MIN)))
        .message(12, value("y", &huge));
    run_through(&model(graph)).unwrap();
}

#[test]
fn nesting_is_bounded() {
    let mut graph = Message::new().message(1, node("Relu", &["x"], &["y"]));
    for _ in 0..2000 {
        graph = Message::new().message(1, node("If", &["c"], &["y"]).message(5, graph_attribute("then_branch", graph)));
    }
    let error = open(&model(graph)).unwrap_err();
    assert!(matches!(error.problem, Problem::OverLimit(_)), "{error}");
}

#[test]
fn functions_that_call_themselves_or_explode_are_bounded() {
    let function = |name: &str, callee: &str, calls: usize| {
        let outputs: Vec<String> = (0..calls).map(|call| format!("o{call}")).collect();
        let mut function = Message::new().bytes(1, name).bytes(4, "x").bytes(5, "o0").bytes(10, "mine");
        for output in &outputs {
            function = function.message(7, node(callee, &["x"], &[output]).bytes(7, "mine"));
        }
        function
    };
    let of = |functions: Vec<Message>| {
        let graph = Message::new().message(1, node("f0", &["x"], &["y"]).bytes(7, "mine"));
        let bytes = model(graph);
        functions.into_iter().fold(Message(bytes), |model, function| model.message(25, function)).0
    };
    let circle = open(&of(vec![function("f0", "f0", 1)])).unwrap_err();
    assert!(matches!(circle.problem, Problem::Corrupt(_)), "{circle}");
    let names: Vec<String> = (0..20).map(|level| format!("f{level}")).collect();
    let bomb = names.windows(2).map(|pair| function(&pair[0], &pair[1], 10)).collect();
    let error = open(&of(bomb)).unwrap_err();
    assert!(matches!(error.problem, Problem::OverLimit(_)), "{error}");
}

#[test]
fn contradictions_are_named() {
    let twice = Message::new().message(1, node("Relu", &["x"], &["y"])).message(1, node("Relu", &["x"], &["y"]));
    assert!(open(&model(twice)).unwrap_err().to_string().contains("y is produced twice"));
    let circle = Message::new().message(1, node("Relu", &["b"], &["a"])).message(1, node("Relu", &["a"], &["b"]));
    assert!(open(&model(circle)).unwrap_err().to_string().contains("circle"));
    let missing = Message::new().message(1, node("Relu", &["nowhere"], &["y"])).message(12, value("y", &[]));
    assert!(open(&model(missing)).unwrap().notes.iter().any(|note| note.place == "nowhere"));
}

#[test]
fn nodes_out_of_order_are_sorted() {
    let graph = Message::new()
        .message(1, node("Relu", &["a"], &["b"]))
        .message(1, node("Relu", &["x"], &["a"]))
        .message(11, value("x", &[Axis::Fixed(2)]))
        .message(12, value("b", &[]));
    let model = open(&model(graph)).unwrap();
    let order: Vec<&str> = model.graph.nodes.iter().map(|node| node.name.as_ref()).collect();
    assert_eq!(order, ["Relu_a", "Relu_b"]);
}

#[test]
fn what_is_not_a_model_is_called_what_it_is() {
    for (bytes, words) in [
        (&b""[..], "the file is empty"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"hello, world", "a text file"),
        (&[0; 4096], "nothing but zeros"),
    ] {
        let text = open(bytes).unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
    }
}

/// A model whose one weight takes gigabytes: the bytes exist only as a rule.
struct Sparse {
    head: Vec<u8>,
    size: u64,
    at: u64,
}

impl Read for Sparse {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.size.saturating_sub(self.at).min(into.len() as u64) as usize;
        for (place, byte) in into[..left].iter_mut().enumerate() {
            *byte = self.head.get(self.at as usize + place).copied().unwrap_or(0);
        }
        self.at += left as u64;
        Ok(left)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn six_gigabytes_of_weights_are_skipped() {
    // model { graph { node, input, initializer { dims, type, name, raw_data: 6 GB } } }, each length promised in front.
    let raw = 6_000_000_000u64;
    let shaped = tensor("w", &[1_500_000_000]).promise(9, raw);
    let tensor_length = shaped.0.len() as u64 + raw;
    let mut graph =
        Message::new().message(1, node("Relu", &["w"], &["y"])).message(12, value("y", &[])).promise(5, tensor_length);
    graph.0.extend(&shaped.0);
    let graph_length = graph.0.len() as u64 + raw;
    let mut head = Message::new().number(1, 8).promise(7, graph_length);
    head.0.extend(&graph.0);
    let size = head.0.len() as u64 + raw;
    let model = formats::open_lone("six.onnx", Sparse { head: head.0, size, at: 0 }).unwrap();
    assert_eq!(model.values.iter().find_map(|value| value.weight.as_ref()?.elements()), Some(1_500_000_000));
    assert!(model.bytes_read < 100_000, "{} bytes were read", model.bytes_read);
}

#[test]
fn endless_small_nodes_stop_at_the_memory_limit() {
    // A file of zeros is no model; one that repeats a two-byte node for gigabytes is, and must not fill memory.
    struct Endless(Vec<u8>, u64, u64);
    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            for byte in into.iter_mut() {
                let at = self.2 as usize;
                *byte = *self.0.get(at).unwrap_or(&[0x0a, 0x00][at.wrapping_sub(self.0.len()) % 2]);
                self.2 += 1;
            }
            Ok(into.len())
        }
    }
    impl Seek for Endless {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.2 = match to {
                SeekFrom::Start(at) => at,
                _ => self.1,
            };
            Ok(self.2)
        }
    }
    let head = Message::new().number(1, 8).promise(7, 4_000_000_000);
    let size = head.0.len() as u64 + 4_000_000_000;
    let error = formats::open_lone("endless.onnx", Endless(head.0, size, 0)).unwrap_err();
    assert!(matches!(error.problem, Problem::OverLimit(_)), "{error}");
}

#[test]
fn a_default_that_does_not_fit_gives_way_to_a_smaller_one() {
    let graph = Message::new()
        .message(11, value("x", &[Axis::Named("sequence"), Axis::Fixed(8)]))
        .message(1, node("Concat", &["x", "x"], &["both"]).message(5, int("axis", 0)))
        .message(1, node("MatMul", &["both", "square"], &["y"]))
        .message(5, tensor("square", &[8, 8]))
        .message(5, tensor("table", &[128, 8]))
        .message(1, node("Add", &["y", "table"], &["z"]))
        .message(12, value("z", &[]));
    let read = open(&model(graph)).unwrap();
    let sequence = |choices: &Choices| infer(&read, choices).symbols.first().map(|symbol| symbol.value);
    assert_eq!(sequence(&Choices::default()), Some(64));
    // What the user chose stays, fitting or not.
    let chosen = Choices { dims: [("sequence".to_owned(), 100)].into(), ..Choices::default() };
    assert_eq!(sequence(&chosen), Some(100));
}
