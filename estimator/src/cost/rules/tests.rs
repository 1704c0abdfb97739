//! Each formula against numbers worked out by hand from the operator's definition.

use super::find;
use crate::cost::count::Seen;
use crate::model::{Attribute, Contents, DType, Dim, Model, Node, Storage, Value, ValueId, ValueType, Weight};
use crate::shapes::Step;
use std::sync::Arc;

/// An operator with its inputs, its first output and its attributes, for counting.
pub(in crate::cost) struct Case {
    domain: &'static str,
    op: &'static str,
    inputs: Vec<Option<Vec<i64>>>,
    contents: Vec<(usize, Vec<i64>)>,
    output: Vec<i64>,
    attributes: Vec<(&'static str, Attribute)>,
    opset: i64,
}

/// A standard operator whose inputs have these shapes; an empty text stands for an absent input.
pub(in crate::cost) fn op(op: &'static str, inputs: &[&str], output: &str) -> Case {
    let shape =
        |text: &str| text.split('x').filter(|size| *size != "scalar").map(|size| size.parse().unwrap()).collect();
    Case {
        domain: "",
        op,
        inputs: inputs.iter().map(|text| (!text.is_empty()).then(|| shape(text))).collect(),
        contents: Vec::new(),
        output: shape(output),
        attributes: Vec::new(),
        opset: 23,
    }
}

impl Case {
    pub fn domain(mut self, domain: &'static str) -> Self {
        self.domain = domain;
        self
    }

    pub fn int(self, name: &'static str, value: i64) -> Self {
        self.with(name, Attribute::Int(value))
    }

    pub fn ints(self, name: &'static str, values: &[i64]) -> Self {
        self.with(name, Attribute::Ints(values.to_vec()))
    }

    pub fn text(self, name: &'static str, value: &str) -> Self {
        self.with(name, Attribute::Text(value.into()))
    }

    fn with(mut self, name: &'static str, value: Attribute) -> Self {
        self.attributes.push((name, value));
        self
    }

    pub fn holding(mut self, index: usize, items: &[i64]) -> Self {
        self.contents.push((index, items.to_vec()));
        self
    }

    /// The MACs and other operations of one run; a size of -1 is unknown.
    pub fn counts(self) -> (Option<u64>, Option<u64>) {
        let dims = |shape: &Vec<i64>| {
            shape.iter().map(|size| if *size < 0 { Dim::UNKNOWN } else { Dim::known(*size) }).collect()
        };
        let tensor = |shape: &Vec<i64>| Arc::new(ValueType::tensor(Some(DType::F32), Some(dims(shape))));
        let mut model = Model::default();
        let mut node = Node {
            domain: self.domain.into(),
            op: self.op.into(),
            opset: self.opset,
            attributes: self.attributes.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            outputs: vec![Some(ValueId(1000))],
            ..Node::default()
        };
        for (index, input) in self.inputs.iter().enumerate() {
            node.inputs.push(input.as_ref().map(|_| ValueId(index as u32)));
            let contents = self.contents.iter().find(|(of, _)| *of == index).map(|(_, items)| items.clone());
            let weight = contents.map(|items| {
                let shape = vec![items.len() as u64];
                let weight = Weight::new(DType::I64, shape, Storage::Inside { offset: index as u64 });
                Weight { contents: Some(Contents::Integers(items)), ..weight }
            });
            model.values.push(Value { weight, ..Value::default() });
        }
        let step = Step {
            node: &node,
            inputs: self.inputs.iter().map(|input| input.as_ref().map(tensor)).collect(),
            outputs: vec![Some(tensor(&self.output))],
            blocks: Vec::new(),
        };
        let work = find(self.domain, self.op).map(|rule| rule(&Seen::new(&model, &step)));
        let work = work.expect("the operator has a counting rule");
        (work.macs, work.other)
    }
}

/// Known MACs and other operations.
pub(in crate::cost) fn work(macs: u64, other: u64) -> (Option<u64>, Option<u64>) {
    (Some(macs), Some(other))
}

#[test]
fn convolutions_count_window_times_channels_of_the_group() {
    // ResNet-50's first layer.
    let first = op("Conv", &["1x3x224x224", "64x3x7x7"], "1x64x112x112");
    assert_eq!(first.counts(), work(118_013_952, 0));
    let biased = op("Conv", &["2x8x10", "6x4x3", "6"], "2x6x8").int("group", 2);
    assert_eq!(biased.counts(), work(2 * 6 * 8 * 4 * 3, 2 * 6 * 8));
    let depthwise = op("Conv", &["1x32x56x56", "32x1x3x3"], "1x32x56x56").int("group", 32);
    assert_eq!(depthwise.counts(), work(32 * 56 * 56 * 9, 0));
    let volume = op("Conv", &["1x2x4x4x4", "5x2x2x2x2"], "1x5x3x3x3");
    assert_eq!(volume.counts(), work(5 * 27 * 16, 0));
}

#[test]
fn transposed_convolutions_count_each_input_element() {
    let up = op("ConvTranspose", &["1x16x14x14", "16x8x3x3", "8"], "1x8x28x28");
    assert_eq!(up.counts(), work(16 * 14 * 14 * 8 * 9, 8 * 28 * 28));
    let grouped = op("ConvTranspose", &["1x16x7", "16x2x4"], "1x8x16").int("group", 4);
    assert_eq!(grouped.counts(), work(16 * 7 * 2 * 4, 0));
}

#[test]
fn deformable_convolutions_interpolate_every_sample() {
    let case = op("DeformConv", &["1x4x8x8", "6x4x3x3", "1x18x6x6", "", "1x9x6x6"], "1x6x6x6");
    assert_eq!(case.counts(), work(6 * 36 * 4 * 9, 36 * 4 * 9 * (7 + 1)));
}

#[test]
fn stateful_convolutions_are_depthwise() {
    let case = op("CausalConvWithState", &["2x6x10", "6x1x4", "6"], "2x6x10").text("activation", "silu");
    assert_eq!(case.counts(), work(2 * 6 * 10 * 4, 2 * 6 * 10 * (1 + 5)));
}

#[test]
fn matrix_products_count_the_contracted_axis() {
    assert_eq!(op("MatMul", &["8x1x5x3", "12x3x7"], "8x12x5x7").counts(), work(8 * 12 * 5 * 7 * 3, 0));
    assert_eq!(op("MatMul", &["3", "3x7"], "7").counts(), work(21, 0));
    assert_eq!(op("MatMul", &["5x3", "3"], "5").counts(), work(15, 0));
    assert_eq!(op("MatMul", &["3", "3"], "scalar").counts(), work(3, 0));
    assert_eq!(op("Gemm", &["1x512", "1000x512", "1000"], "1x1000").int("transB", 1).counts(), work(512_000, 1000));
    let scaled = op("Gemm", &["4x2", "4x3"], "2x3").int("transA", 1).with("alpha", Attribute::Float(0.5));
    assert_eq!(scaled.counts(), work(24, 6));
}

#[test]
fn einsum_multiplies_pairwise_from_the_left() {
    let einsum = |equation, inputs: &[&str], output| op("Einsum", inputs, output).text("equation", equation).counts();
    assert_eq!(einsum("bij,bjk->bik", &["2x3x4", "2x4x5"], "2x3x5"), work(2 * 3 * 4 * 5, 0));
    assert_eq!(einsum("b...d,de->b...e", &["2x6x7x3", "3x4"], "2x6x7x4"), work(2 * 6 * 7 * 3 * 4, 0));
    // First i·j·k, then i·k·l.
    assert_eq!(einsum("ij,jk,kl->il", &["2x3", "3x4", "4x5"], "2x5"), work(2 * 3 * 4 + 2 * 4 * 5, 0));
    // Nothing is summed: plain products.
    assert_eq!(einsum("i,j->ij", &["3", "4"], "3x4"), work(0, 12));
    assert_eq!(einsum("ij,ij->ij", &["3x4", "3x4"], "3x4"), work(0, 12));
    // j stands in the left operand alone and is summed first: 12 operations, then 3 products.
    assert_eq!(einsum("ij,i->i", &["3x4", "3"], "3"), work(0, 12 + 3));
    assert_eq!(einsum("ij->ji", &["3x4"], "4x3"), work(0, 0));
    assert_eq!(einsum("ij->i", &["3x4"], "3"), work(0, 12));
    assert_eq!(einsum("i,i", &["5", "5"], "scalar"), work(5, 0));
}

#[test]
fn recurrent_layers_count_input_and_recurrent_products() {
    // 7 steps, batch 2, input 3, hidden 5, one direction.
    let lstm = op("LSTM", &["7x2x3", "1x20x3", "1x20x5"], "7x1x2x5").int("hidden_size", 5);
    // Per unit: 4 sums, 3 sigmoids of 4, 2 tanh, 3 for the cell, 1 for the output.
    assert_eq!(lstm.counts(), work(7 * 2 * (20 * 3 + 20 * 5), 7 * 2 * 5 * (4 + 12 + 2 + 3 + 1)));
    let both = op("LSTM", &["7x2x3", "2x20x3", "2x20x5", "2x40"], "7x2x2x5").int("hidden_size", 5);
    assert_eq!(both.counts(), work(2 * 7 * 2 * 160, 2 * 7 * 2 * 5 * (4 + 8 + 12 + 2 + 3 + 1)));
    let gru = op("GRU", &["7x2x3", "1x15x3", "1x15x5"], "7x1x2x5").int("hidden_size", 5).int("linear_before_reset", 1);
    assert_eq!(gru.counts(), work(7 * 2 * (15 * 3 + 15 * 5), 7 * 2 * 5 * (3 + 8 + 1 + 1 + 4)));
    let rnn = op("RNN", &["7x2x3", "1x5x3", "1x5x5", "1x10"], "7x1x2x5");
    assert_eq!(rnn.counts(), work(7 * 2 * (15 + 25), 7 * 2 * 5 * (1 + 2 + 1)));
    let peeping = op("LSTM", &["7x2x3", "1x20x3", "1x20x5", "", "", "", "", "1x15"], "7x1x2x5");
    assert_eq!(peeping.counts().1, Some(7 * 2 * 5 * (22 + 6)));
}

#[test]
fn linear_attention_counts_its_recurrence() {
    let case = |rule| {
        op("LinearAttention", &["2x9x32", "2x9x16", "2x9x12"], "2x9x24")
            .int("q_num_heads", 4)
            .int("kv_num_heads", 2)
            .text("update_rule", rule)
            .counts()
    };
    // Keys of 8 and values of 6: 48 MACs for each head's update or query.
    assert_eq!(case("linear"), work(18 * 48 * (4 + 2), 18 * 4 * 6));
    assert_eq!(case("gated_delta"), work(18 * 48 * (4 + 2 * 2), 18 * (2 * 48 + 2 * 2 * 6 + 4 * 6)));
}

#[test]
fn attention_counts_both_products() {
    // ViT-B/16: 12 heads of 64 over 197 tokens.
    let vit = op("Attention", &["1x12x197x64", "1x12x197x64", "1x12x197x64"], "1x12x197x64");
    let scores = 12 * 197 * 197;
    assert_eq!(vit.counts(), work(scores * 128, scores * 6));
    // Grouped queries, packed heads, a cache of 10 tokens, a mask.
    let grouped = op("Attention", &["2x3x32", "2x3x16", "2x3x8", "3x13", "2x2x10x8", "2x2x10x4"], "2x3x16")
        .int("q_num_heads", 4)
        .int("kv_num_heads", 2);
    let scores = 2 * 4 * 3 * 13;
    assert_eq!(grouped.counts(), work(scores * (8 + 4), scores * 7));
}

#[test]
fn rotary_embeddings_take_three_operations_per_element_turned() {
    assert_eq!(op("RotaryEmbedding", &["1x4x7x16"], "1x4x7x16").counts(), work(0, 4 * 7 * 16 * 3));
    let partly = op("RotaryEmbedding", &["1x7x64"], "1x7x64").int("num_heads", 4).int("rotary_embedding_dim", 8);
    assert_eq!(partly.counts(), work(0, 4 * 7 * 8 * 3));
}

#[test]
fn pooling_compares_or_adds_its_window() {
    let max = op("MaxPool", &["1x8x4x4"], "1x8x2x2").ints("kernel_shape", &[2, 2]);
    assert_eq!(max.counts(), work(0, 8 * 4 * 3));
    let average = op("AveragePool", &["1x8x4x4"], "1x8x2x2").ints("kernel_shape", &[2, 2]);
    assert_eq!(average.counts(), work(0, 8 * 4 * 4));
    assert_eq!(op("GlobalAveragePool", &["1x8x4x4"], "1x8x1x1").counts(), work(0, 8 * 16));
    assert_eq!(op("GlobalMaxPool", &["1x8x4x4"], "1x8x1x1").counts(), work(0, 8 * 15));
}

#[test]
fn norms_and_reductions() {
    assert_eq!(op("Softmax", &["4x10"], "4x10").counts(), work(0, 200));
    assert_eq!(op("LayerNormalization", &["4x10", "10", "10"], "4x10").counts(), work(0, 280));
    assert_eq!(op("BatchNormalization", &["1x2x5", "2", "2", "2", "2"], "1x2x5").counts(), work(0, 20));
    assert_eq!(op("ReduceSum", &["4x10"], "4").counts(), work(0, 36));
    assert_eq!(op("ReduceMean", &["4x10"], "4").counts(), work(0, 40));
    assert_eq!(op("ReduceL2", &["4x10"], "4").counts(), work(0, 36 + 40 + 4));
    assert_eq!(op("ReduceLogSum", &["4x10"], "4").counts(), work(0, 40));
    // Ten numbers in a row: log₂ 10, rounded up, is 4.
    assert_eq!(op("TopK", &["4x10", "1"], "4x3").counts(), work(0, 160));
    assert_eq!(op("LRN", &["1x4x5"], "1x4x5").int("size", 3).counts(), work(0, 20 * 7));
}

#[test]
fn element_wise_operators() {
    assert_eq!(op("Relu", &["4x10"], "4x10").counts(), work(0, 40));
    assert_eq!(op("Add", &["4x10", "10"], "4x10").counts(), work(0, 40));
    assert_eq!(op("Sigmoid", &["4x10"], "4x10").counts(), work(0, 160));
    assert_eq!(op("Sum", &["4x10", "10", "1"], "4x10").counts(), work(0, 80));
    assert_eq!(op("Mean", &["4x10", "10", "1"], "4x10").counts(), work(0, 120));
    assert_eq!(op("Gelu", &["10"], "10").counts(), work(0, 50));
    assert_eq!(op("Gelu", &["10"], "10").text("approximate", "tanh").counts(), work(0, 90));
}

#[test]
fn moving_data_is_no_operation() {
    assert_eq!(op("Reshape", &["4x10", "1"], "40").counts(), work(0, 0));
    assert_eq!(op("ScatterND", &["4x10", "2x1", "2x10"], "4x10").counts(), work(0, 0));
    assert_eq!(op("ScatterND", &["4x10", "2x1", "2x10"], "4x10").text("reduction", "add").counts(), work(0, 20));
}

#[test]
fn quantised_products_are_macs() {
    let convolution =
        op("QLinearConv", &["1x3x8x8", "scalar", "scalar", "4x3x3x3", "4", "4", "scalar", "scalar", "4"], "1x4x6x6");
    assert_eq!(convolution.counts(), work(4 * 36 * 27, 192 + 108 + 4 * 36 * 6));
    let product =
        op("QLinearMatMul", &["2x3", "scalar", "scalar", "3x5", "scalar", "scalar", "scalar", "scalar"], "2x5");
    assert_eq!(product.counts(), work(30, 6 + 15 + 10 * 5));
    assert_eq!(op("MatMulInteger", &["2x3", "3x5", "scalar"], "2x5").counts(), work(30, 6));
    assert_eq!(op("ConvInteger", &["1x3x8x8", "4x3x3x3"], "1x4x6x6").counts(), work(4 * 36 * 27, 0));
    assert_eq!(op("DequantizeLinear", &["10", "scalar", "scalar"], "10").counts(), work(0, 20));
}

#[test]
fn transforms_and_sampling() {
    // Two real transforms of 16 points: half of 5·16·4.
    let real = op("DFT", &["2x16x1", "", "1"], "2x9x2").holding(2, &[1]);
    assert_eq!(real.counts(), work(0, 2 * 160));
    // Ten frames of 16 points with a window.
    let frames = op("STFT", &["1x160x1", "scalar", "16"], "1x10x9x2");
    assert_eq!(frames.counts(), work(0, 10 * (16 + 160)));
    let linear = op("Resize", &["1x3x4x4", "", "", "4"], "1x3x8x8").text("mode", "linear");
    assert_eq!(linear.counts(), work(0, 3 * 64 * 7));
    let cubic = op("Resize", &["1x3x4x4", "", "", "4"], "1x3x8x8").text("mode", "cubic");
    assert_eq!(cubic.counts(), work(0, 3 * 64 * 31));
    assert_eq!(op("Resize", &["1x3x4x4", "", "", "4"], "1x3x8x8").counts(), work(0, 0));
    assert_eq!(op("GridSample", &["1x3x4x4", "1x6x6x2"], "1x3x6x6").counts(), work(0, 3 * 36 * 7 + 72 * 2));
    assert_eq!(op("AffineGrid", &["1x2x3", "4"], "1x6x6x2").counts(), work(0, 72 * 5));
}

#[test]
fn an_unknown_size_is_unknown_and_never_zero() {
    assert_eq!(op("Conv", &["1x3x-1x8", "4x3x3x3"], "1x4x-1x6").counts(), (None, Some(0)));
    assert_eq!(op("Relu", &["-1"], "-1").counts(), (Some(0), None));
    assert_eq!(op("Attention", &["-1x12x197x64", "1x12x197x64", "1x12x197x64"], "1x12x197x64").counts(), (None, None));
}

#[test]
fn what_does_not_fit_64_bits_is_unknown() {
    let huge = op("MatMul", &["4294967296x4294967296", "4294967296x4294967296"], "4294967296x4294967296");
    assert_eq!(huge.counts().0, None);
    // Nothing times anything is nothing.
    assert_eq!(op("MatMul", &["0x4294967296", "4294967296x4294967296"], "0x4294967296").counts(), work(0, 0));
}

fn microsoft(name: &'static str, inputs: &[&str], output: &str) -> Case {
    op(name, inputs, output).domain("com.microsoft")
}

#[test]
fn attention_with_projections_counts_three_products() {
    // Batch 2, 5 tokens of width 8, four heads of 2, a cache of 3 tokens.
    let case = microsoft("Attention", &["2x5x8", "8x24", "24", "", "2x2x4x3x2"], "2x5x8").int("num_heads", 4);
    let (projection, scores) = (2 * 5 * 8 * 24, 2 * 4 * 5 * 8);
    assert_eq!(case.counts(), work(projection + scores * (2 + 2), 2 * 5 * 24 + scores * (5 + 1)));
    let sized =
        microsoft("Attention", &["2x5x8", "8x28"], "2x5x12").int("num_heads", 2).ints("qkv_hidden_sizes", &[8, 8, 12]);
    assert_eq!(sized.counts().0, Some(2 * 5 * 8 * 28 + 2 * 2 * 5 * 5 * (4 + 6)));
    let quantised = microsoft("QAttention", &["2x5x8", "8x24", "24", "scalar", "scalar"], "2x5x8").int("num_heads", 4);
    assert_eq!(quantised.counts().0, Some(projection + 2 * 4 * 5 * 5 * 4));
}

#[test]
fn attention_after_projections_counts_two() {
    let cross = microsoft("MultiHeadAttention", &["2x5x8", "2x7x8", "2x7x12"], "2x5x12").int("num_heads", 4);
    assert_eq!(cross.counts(), work(2 * 4 * 5 * 7 * (2 + 3), 2 * 4 * 5 * 7 * 6));
    let packed = microsoft("MultiHeadAttention", &["2x5x4x3x2"], "2x5x8").int("num_heads", 4);
    assert_eq!(packed.counts().0, Some(2 * 4 * 5 * 5 * 4));
    let cached = microsoft("MultiHeadAttention", &["2x5x8", "2x4x7x2", "2x4x7x2"], "2x5x8").int("num_heads", 4);
    assert_eq!(cached.counts().0, Some(2 * 4 * 5 * 7 * 4));
}

#[test]
fn grouped_queries_count_every_query_head_and_the_whole_cache() {
    let gqa =
        |inputs: &[&str]| microsoft("GroupQueryAttention", inputs, "1x5x32").int("num_heads", 4).int("kv_num_heads", 2);
    let cached = gqa(&["1x5x32", "1x5x16", "1x5x16", "1x2x3x8", "1x2x3x8", "1", "1"]);
    assert_eq!(cached.counts().0, Some(4 * 5 * 8 * (8 + 8)));
    let packed = gqa(&["1x5x64", "", "", "", "", "1", "1"]).int("do_rotary", 1);
    let scores = 4 * 5 * 5;
    assert_eq!(packed.counts(), work(scores * 16, scores * 7 + 5 * (4 + 2) * 8 * 3));
    let window = gqa(&["1x5x32", "1x5x16", "1x5x16", "1x2x3x8", "1x2x3x8", "1", "1"]).int("local_window_size", 6);
    assert_eq!(window.counts().0, Some(4 * 5 * 6 * 16));
    // The number of all tokens is a constant: the cache is a buffer.
    let stated = gqa(&["1x5x32", "1x5x16", "1x5x16", "1x2x64x8", "1x2x64x8", "1", "1"]).holding(6, &[7]);
    assert_eq!(stated.counts().0, Some(4 * 5 * 7 * 16));
}

#[test]
fn weights_of_a_few_bits_are_dequantised_and_multiplied() {
    let nbits = microsoft("MatMulNBits", &["2x5x64", "48x2x16", "48x2"], "2x5x48").int("K", 64).int("N", 48);
    assert_eq!(nbits.counts(), work(10 * 64 * 48, 2 * 64 * 48));
    let bnb = microsoft("MatMulBnb4", &["2x5x64", "1536", "96"], "2x5x48").int("K", 64).int("N", 48);
    assert_eq!(bnb.counts(), work(10 * 64 * 48, 64 * 48));
}

#[test]
fn fused_products_find_the_contracted_axis() {
    let fused = |inputs: &[&str], output| microsoft("FusedMatMul", inputs, output);
    assert_eq!(fused(&["2x3x5", "2x7x3"], "2x5x7").int("transA", 1).int("transB", 1).counts(), work(210, 0));
    assert_eq!(fused(&["5x2x3", "2x3x7"], "2x5x7").int("transBatchA", 1).counts(), work(210, 0));
    assert_eq!(fused(&["3x2x5", "2x3x7"], "2x5x7").int("transBatchA", 1).int("transA", 1).counts(), work(210, 0));
    let gemm = microsoft("QGemm", &["5x8", "scalar", "scalar", "6x8", "scalar", "scalar", "6"], "5x6").int("transB", 1);
    assert_eq!(gemm.counts(), work(240, 40 + 48 + 30 * 2));
    let convolution = microsoft("FusedConv", &["1x3x8x8", "4x3x3x3", "4"], "1x4x8x8").text("activation", "Relu");
    assert_eq!(convolution.counts(), work(4 * 64 * 27, 4 * 64 * 2));
}

#[test]
fn experts_count_as_often_as_they_are_chosen() {
    // Six tokens of width 8, two of four experts each, 16 units inside.
    let experts = microsoft("MoE", &["6x8", "6x4", "4x16x8", "", "4x8x16"], "6x8").int("k", 2);
    assert_eq!(experts.counts(), work(6 * 2 * 256, 6 * 4 * (5 + 2) + 12 * 16 + 12 * 8 * 2));
}

/// All operators of ONNX 1.23 (opset 28) and those that older sets have besides.
const STANDARD: &str = "Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool \
    BatchNormalization Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike \
    CausalConvWithState Ceil Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape \
    Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Dropout \
    DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu \
    Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow \
    HannWindow HardSigmoid HardSwish Hardmax Identity If ImageDecoder InstanceNormalization IsInf IsNaN LRN LSTM \
    LayerNormalization LeakyRelu Less LessOrEqual LinearAttention Log LogSoftmax Loop LpNormalization LpPool MatMul \
    MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul \
    Multinomial Neg NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement \
    OptionalHasElement Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal \
    RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp \
    ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize \
    ReverseSequence RoiAlign RotaryEmbedding Round STFT Scan Scatter ScatterElements ScatterND Selu SequenceAt \
    SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap Shape Shrink Sigmoid Sign \
    Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt \
    Squeeze StringConcat StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan Tanh TensorScatter TfIdfVectorizer \
    ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor";

/// What they do depends on the data so much that a formula would be a guess.
const UNCOUNTED: &[&str] = &["ImageDecoder", "MaxRoiPool", "NonMaxSuppression", "TfIdfVectorizer"];

#[test]
fn every_standard_operator_has_a_rule_or_is_listed_as_uncounted() {
    for op in STANDARD.split_whitespace() {
        assert_eq!(find("", op).is_some(), !UNCOUNTED.contains(&op), "{op}");
    }
}

#[test]
fn an_unknown_operator_has_no_rule() {
    assert!(find("", "Frobnicate").is_none() && find("org.example", "Conv").is_none());
}

/// Nodes as a hostile file may hold them: any sizes, any attributes. A rule may not know, but never panics.
#[test]
fn no_rule_panics() {
    let mut seed = 7u64;
    let mut roll = move |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides
    };
    let names = [
        "K",
        "N",
        "Nq",
        "Nkv",
        "axis",
        "bits",
        "do_rotary",
        "expert_weight_bits",
        "group",
        "hidden_size",
        "k",
        "kernel_shape",
        "kv_num_heads",
        "local_window_size",
        "num_heads",
        "qkv_hidden_sizes",
        "q_num_heads",
        "rotary_embedding_dim",
        "sampling_ratio",
        "size",
        "swiglu_fusion",
        "transA",
        "transBatchA",
    ];
    let sizes = [-1, 0, 1, 2, 3, 4, 8, 64, 5000, i64::MAX];
    let numbers = [i64::MIN, -1, 0, 1, 2, 3, 8, i64::MAX];
    let contrib =
        crate::shapes::contrib_operators().split_whitespace().map(|name| name.split_once("::").unwrap_or(("", name)));
    let standard = STANDARD.split_whitespace().map(|name| ("", name));
    let all: Vec<(&'static str, &'static str)> =
        contrib.chain(standard).filter(|(domain, op)| find(domain, op).is_some()).collect();
    assert!(all.len() > 250, "{}", all.len());
    for (domain, name) in all {
        for _ in 0..200 {
            let shape = |roll: &mut dyn FnMut(usize) -> usize| -> Vec<i64> {
                (0..roll(6)).map(|_| sizes.get(roll(sizes.len())).copied().unwrap()).collect()
            };
            let inputs = (0..roll(8)).map(|_| (roll(6) != 0).then(|| shape(&mut roll))).collect();
            let mut case = Case {
                domain,
                op: name,
                inputs,
                contents: Vec::new(),
                output: shape(&mut roll),
                attributes: Vec::new(),
                opset: 1 + roll(24) as i64,
            };
            for attribute in names {
                if roll(3) == 0 {
                    let number = numbers.get(roll(numbers.len())).copied().unwrap();
                    case = match roll(4) {
                        0 => case.ints(attribute, &[number, number, number]),
                        _ => case.int(attribute, number),
                    };
                }
            }
            for input in 0..4 {
                if roll(4) == 0 {
                    case = case.holding(input, &[numbers.get(roll(numbers.len())).copied().unwrap()]);
                }
            }
            case.counts();
        }
    }
}
