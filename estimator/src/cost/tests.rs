//! Whole small models, with every figure of the inspection worked out by hand.

use super::inspect;
use crate::model::{
    Attribute, Contents, DType, DeclaredDim, DeclaredType, Graph, Model, Node, Packing, Storage, TensorRole, Value,
    ValueId, Weight,
};
use crate::report::Inspection;
use crate::shapes::{Choices, infer};

/// A model under construction; values are named as they are made.
#[derive(Default)]
struct Build {
    model: Model,
}

impl Build {
    fn value(&mut self, name: &str) -> ValueId {
        self.model.values.push(Value { name: name.into(), ..Value::default() });
        ValueId(self.model.values.len() as u32 - 1)
    }

    fn value_mut(&mut self, id: ValueId) -> &mut Value {
        self.model.values.get_mut(id.0 as usize).unwrap()
    }

    fn declare(&mut self, id: ValueId, dtype: DType, shape: &[i64]) {
        let dims =
            shape.iter().map(|size| u64::try_from(*size).map_or(DeclaredDim::Open, DeclaredDim::Fixed)).collect();
        self.value_mut(id).declared = Some(DeclaredType::Tensor { dtype: Some(dtype), shape: Some(dims) });
    }

    fn input(&mut self, name: &str, shape: &[i64]) -> ValueId {
        let id = self.value(name);
        self.declare(id, DType::F32, shape);
        self.model.graph.inputs.push(id);
        id
    }

    fn weight(&mut self, name: &str, dtype: DType, shape: &[u64]) -> ValueId {
        let id = self.value(name);
        let storage = Storage::Inside { offset: id.0.into() };
        self.value_mut(id).weight = Some(tensor(dtype, shape, storage, None));
        self.model.graph.weights.push(id);
        id
    }

    fn integers(&mut self, name: &str, items: &[i64]) -> ValueId {
        let id = self.weight(name, DType::I64, &[items.len() as u64]);
        self.value_mut(id).weight.as_mut().unwrap().contents = Some(Contents::Integers(items.to_vec()));
        id
    }

    /// A node made but not yet placed in a graph.
    fn loose(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> (Node, ValueId) {
        let output = self.value(&format!("{op}.out{}", self.model.values.len()));
        let (domain, op) = op.split_once("::").unwrap_or(("", op));
        let node = Node {
            name: format!("{op}{}", output.0).into(),
            domain: domain.into(),
            op: op.into(),
            opset: 21,
            inputs: inputs.iter().map(|id| Some(*id)).collect(),
            outputs: vec![Some(output)],
            attributes: attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
            ..Node::default()
        };
        (node, output)
    }

    fn node(&mut self, op: &str, inputs: &[ValueId], attributes: &[(&str, Attribute)]) -> ValueId {
        let (node, output) = self.loose(op, inputs, attributes);
        self.model.graph.nodes.push(node);
        output
    }

    fn inspect(mut self, outputs: &[ValueId]) -> Inspection {
        self.model.graph.outputs = outputs.to_vec();
        inspect(&self.model, &infer(&self.model, &Choices::default()))
    }
}

fn tensor(dtype: DType, shape: &[u64], storage: Storage, contents: Option<Contents>) -> Weight {
    Weight { contents, ..Weight::new(dtype, shape.to_vec(), storage) }
}

fn layer<'a>(of: &'a Inspection, op: &str) -> &'a crate::report::Layer {
    of.layers.iter().find(|layer| layer.op == op).unwrap()
}

fn warned(of: &Inspection, words: &str) -> bool {
    of.warnings.iter().any(|note| note.text.contains(words))
}

#[test]
fn a_convolution_with_its_norm() {
    let mut build = Build::default();
    let x = build.input("x", &[1, 3, 8, 8]);
    let (w, b) = (build.weight("w", DType::F32, &[4, 3, 3, 3]), build.weight("b", DType::F32, &[4]));
    let norm: Vec<_> = ["scale", "shift", "mean", "var"].map(|name| build.weight(name, DType::F32, &[4])).to_vec();
    let c = build.node("Conv", &[x, w, b], &[]);
    let n = build.node("BatchNormalization", &[&[c][..], &norm].concat(), &[]);
    let y = build.node("Relu", &[n], &[]);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.buffers), (Some(108 + 4 + 8), 8));
    assert_eq!((found.macs, found.flops), (Some(144 * 27), Some(2 * 144 * 27)));
    // Bias, norm and activation: 1 + 2 + 1 for each of 4 × 6 × 6 elements.
    assert_eq!(found.other_operations, Some(144 * 4));
    assert_eq!(found.weight_bytes, Some(4 * (108 + 4 + 16)));
    assert_eq!(found.dtypes.get("f32"), Some(&120));
    // The input and the convolution's output, which is more than two of the latter.
    assert_eq!(found.peak_activation_bytes, Some(4 * (192 + 144)));
    let traffic = [192 + 112 + 144, 144 + 16 + 144, 144 + 144].map(|elements: u64| elements * 4);
    assert_eq!(found.layers.iter().map(|layer| layer.traffic_bytes).collect::<Vec<_>>(), traffic.map(Some));
    assert_eq!(found.traffic_bytes, Some(traffic.iter().sum()));
    assert!(found.not_counted.is_empty() && found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn a_weight_used_twice_counts_once() {
    let mut build = Build::default();
    let x = build.input("x", &[2, 4]);
    let w = build.weight("w", DType::F16, &[4, 4]);
    let a = build.node("MatMul", &[x, w], &[]);
    let y = build.node("MatMul", &[a, w], &[]);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.weight_bytes), (Some(16), Some(32)));
    assert_eq!(found.layers.iter().map(|layer| layer.parameters).collect::<Vec<_>>(), [16, 0]);
    assert_eq!(found.layers.iter().map(|layer| layer.weight_bytes).collect::<Vec<_>>(), [Some(32), Some(32)]);
    assert_eq!(found.macs, Some(64));
}

#[test]
fn weights_in_one_place_of_a_file_are_one() {
    let mut build = Build::default();
    let x = build.input("x", &[2, 4]);
    let ids = ["table", "head", "other"].map(|name| build.weight(name, DType::F32, &[4, 4]));
    for (id, offset) in ids.iter().zip([0, 0, 64]) {
        let storage = Storage::Outside { file: "weights.bin".into(), offset, present: false };
        build.value_mut(*id).weight.as_mut().unwrap().storage = storage;
    }
    let mut y = x;
    for id in ids {
        y = build.node("MatMul", &[y, id], &[]);
    }
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.weight_bytes), (Some(32), Some(128)));
    assert!(warned(&found, "shares its place"));
}

#[test]
fn a_table_that_may_be_tied_is_pointed_out() {
    let mut build = Build::default();
    let ids = build.input("ids", &[2, 5]);
    build.declare(ids, DType::I64, &[2, 5]);
    let (table, head) = (build.weight("table", DType::F32, &[100, 8]), build.weight("head", DType::F32, &[8, 100]));
    let words = build.node("Gather", &[table, ids], &[]);
    let scores = build.node("MatMul", &[words, head], &[]);
    let found = build.inspect(&[scores]);
    assert_eq!(found.parameters, Some(1600));
    assert!(warned(&found, "800 parameters fewer"), "{:?}", found.warnings);
}

#[test]
fn quantised_weights_are_found_behind_their_dequantisation() {
    let mut build = Build::default();
    let x = build.input("x", &[2, 4]);
    let w = build.weight("w", DType::I8, &[4, 6]);
    let (scale, zero) = (build.weight("scale", DType::F32, &[6]), build.weight("zero", DType::I8, &[6]));
    let float = build.node("DequantizeLinear", &[w, scale, zero], &[("axis", Attribute::Int(1))]);
    let turned = build.node("Identity", &[float], &[]);
    let y = build.node("MatMul", &[x, turned], &[]);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.buffers), (Some(24), 12));
    assert_eq!(found.dtypes.get("i8"), Some(&24));
    assert_eq!(found.weight_bytes, Some(24 + 24 + 6));
    // The product is the first real use: it owns the parameters and reads them as they are stored.
    let product = layer(&found, "MatMul");
    assert_eq!((product.parameters, product.weight_bytes), (24, Some(54)));
    assert_eq!(product.traffic_bytes, Some(32 + 54 + 48));
    let dequantised = layer(&found, "DequantizeLinear");
    assert_eq!((dequantised.parameters, dequantised.activation_bytes), (0, Some(0)));
    assert_eq!(found.peak_activation_bytes, Some(32 + 48));
}

#[test]
fn packed_weights_count_unpacked() {
    let mut build = Build::default();
    let x = build.input("x", &[2, 64]);
    let w = build.weight("w", DType::U8, &[48, 2, 16]);
    let scales = build.weight("scales", DType::F32, &[48, 2]);
    let attributes = [("K", Attribute::Int(64)), ("N", Attribute::Int(48)), ("block_size", Attribute::Int(32))];
    let y = build.node("com.microsoft::MatMulNBits", &[x, w, scales], &attributes);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.buffers), (Some(64 * 48), 96));
    assert_eq!(found.dtypes.get("u4"), Some(&(64 * 48)));
    assert_eq!(found.weight_bytes, Some(48 * 32 + 96 * 4));
    assert_eq!(found.macs, Some(2 * 64 * 48));
}

#[test]
fn settings_are_no_parameters() {
    let mut build = Build::default();
    let x = build.input("x", &[1, 2, 4, 4]);
    let shape = build.integers("shape", &[1, 32]);
    let scales = build.weight("scales", DType::F32, &[4]);
    build.value_mut(scales).weight.as_mut().unwrap().contents = Some(Contents::Floats(vec![1.0, 1.0, 2.0, 2.0]));
    let half = tensor(DType::F32, &[], Storage::Inside { offset: 900 }, Some(Contents::Floats(vec![0.5])));
    let mask = tensor(DType::F32, &[8], Storage::Inside { offset: 901 }, None);
    let mut constants = Vec::new();
    for weight in [half, mask] {
        let id = build.node("Constant", &[], &[("value", Attribute::Tensor(Box::new(weight.clone())))]);
        build.value_mut(id).weight = Some(weight);
        constants.push(id);
    }
    let region = build.weight("roi", DType::F32, &[0]);
    let large = build.node("Resize", &[x, region, scales], &[]);
    let halved = build.node("Mul", &[large, constants[0]], &[]);
    let masked = build.node("Mul", &[halved, constants[1]], &[]);
    let small = build.node("Reshape", &[x, shape], &[]);
    let found = build.inspect(&[masked, small]);
    // Only the eight floats of the mask, which are written as a constant.
    assert_eq!((found.parameters, found.buffers), (Some(8), 0));
}

#[test]
fn a_view_takes_no_memory_and_a_residual_keeps_its_input() {
    let mut build = Build::default();
    let x = build.input("x", &[4, 4]);
    let shape = build.integers("shape", &[16]);
    let a = build.node("Relu", &[x], &[]);
    let flat = build.node("Reshape", &[a, shape], &[]);
    let b = build.node("Relu", &[flat], &[]);
    let c = build.node("Relu", &[b], &[]);
    let y = build.node("Add", &[c, flat], &[]);
    let found = build.inspect(&[y]);
    // At the addition: the residual (which is `a` under another name), `c` and the result.
    assert_eq!(found.peak_activation_bytes, Some(3 * 64));
    assert_eq!(layer(&found, "Reshape").activation_bytes, Some(0));
    assert_eq!(layer(&found, "Reshape").traffic_bytes, Some(0));
}

#[test]
fn a_table_is_read_by_the_row() {
    let mut build = Build::default();
    let ids = build.input("ids", &[2, 5]);
    build.declare(ids, DType::I64, &[2, 5]);
    let table = build.weight("table", DType::F32, &[1000, 8]);
    let y = build.node("Gather", &[table, ids], &[]);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.macs, found.other_operations), (Some(8000), Some(0), Some(0)));
    // Ten rows read, ten written, and the indices.
    assert_eq!(found.traffic_bytes, Some(320 + 320 + 80));
}

#[test]
fn a_loop_counts_every_turn_in_one_layer() {
    let mut build = Build::default();
    let x = build.input("x", &[3, 4]);
    let w = build.weight("w", DType::F32, &[4, 4]);
    let turns = build.integers("turns", &[5]);
    build.value_mut(turns).weight.as_mut().unwrap().shape = Vec::new();
    let (count, goes_on, state) = (build.value("count"), build.value("goes_on"), build.value("state"));
    let (product, next) = build.loose("MatMul", &[state, w], &[]);
    let body = Graph {
        inputs: vec![count, goes_on, state],
        outputs: vec![goes_on, next],
        nodes: vec![product],
        ..Graph::default()
    };
    let (mut node, y) = build.loose("Loop", &[turns, x], &[("body", Attribute::Graphs(vec![body]))]);
    node.inputs.insert(1, None);
    build.model.graph.nodes.push(node);
    let found = build.inspect(&[y]);
    assert_eq!((found.macs, found.parameters), (Some(5 * 48), Some(16)));
    let product = layer(&found, "MatMul");
    assert_eq!((product.times, product.macs), (5, Some(5 * 48)));
    assert_eq!(product.group, layer(&found, "Loop").name);
}

#[test]
fn of_two_branches_the_costlier_counts() {
    let mut build = Build::default();
    let (flag, x) = (build.input("flag", &[]), build.input("x", &[3, 4]));
    build.declare(flag, DType::Bool, &[]);
    let w = build.weight("w", DType::F32, &[4, 4]);
    let (cheap, cheap_out) = build.loose("Relu", &[x], &[]);
    let (dear, dear_out) = build.loose("MatMul", &[x, w], &[]);
    let graph = |node, output| Graph { nodes: vec![node], outputs: vec![output], ..Graph::default() };
    let branches = [
        ("then_branch", Attribute::Graphs(vec![graph(cheap, cheap_out)])),
        ("else_branch", Attribute::Graphs(vec![graph(dear, dear_out)])),
    ];
    let y = build.node("If", &[flag], &branches);
    let found = build.inspect(&[y]);
    assert_eq!((found.macs, found.other_operations, found.parameters), (Some(48), Some(0), Some(16)));
    assert_eq!(found.layers.iter().map(|layer| layer.op.as_str()).collect::<Vec<_>>(), ["If", "MatMul"]);
}

#[test]
fn a_branch_that_cannot_run_with_these_sizes_is_left_aside() {
    let mut build = Build::default();
    let (flag, x) = (build.input("flag", &[]), build.input("x", &[1, 1, 200]));
    build.declare(flag, DType::Bool, &[]);
    let (long, short) =
        (build.weight("long", DType::F32, &[4, 1, 256]), build.weight("short", DType::F32, &[4, 1, 100]));
    let graph = |(node, output)| Graph { nodes: vec![node], outputs: vec![output], ..Graph::default() };
    let branches = [
        ("then_branch", Attribute::Graphs(vec![graph(build.loose("Conv", &[x, long], &[]))])),
        ("else_branch", Attribute::Graphs(vec![graph(build.loose("Conv", &[x, short], &[]))])),
    ];
    let y = build.node("If", &[flag], &branches);
    let found = build.inspect(&[y]);
    assert_eq!((found.macs, found.parameters), (Some(4 * 100 * 101), Some(1424)));
    let told: Vec<&str> = found.warnings.iter().map(|note| note.text.as_str()).collect();
    assert!(told.iter().any(|text| text.contains("only the else branch fits")), "{told:?}");
    assert!(found.outputs.first().is_some_and(|of| of.shape == Some(vec![Some(1), Some(4), Some(101)])));
}

#[test]
fn an_open_length_that_nothing_names_grows_until_a_window_fits() {
    let mut build = Build::default();
    let (x, state) = (build.input("x", &[-1, 1, -1]), build.input("state", &[2, -1, 4]));
    let w = build.weight("w", DType::F32, &[4, 1, 256]);
    let (y, z) = (build.node("Conv", &[x, w], &[]), build.node("Relu", &[state], &[]));
    let found = build.inspect(&[y, z]);
    assert_eq!(found.macs, Some(4 * 256 * (512 - 255)));
    let sizes: Vec<(&str, u64)> = found.dynamic_dims.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    assert_eq!(sizes, [("state.1", 1), ("x.0", 1), ("x.2", 512)]);
}

#[test]
fn what_has_no_rule_is_listed_and_what_lacks_a_shape_is_unknown() {
    let mut build = Build::default();
    let x = build.input("x", &[1, 3, 8, 8]);
    let w = build.weight("w", DType::F32, &[4, 3, 3, 3]);
    let odd = build.node("org.example::Frobnicate", &[x], &[]);
    let strange = build.node("org.example::Frobnicate", &[x], &[]);
    let c = build.node("Conv", &[odd, w], &[]);
    let y = build.node("Relu", &[x], &[]);
    let found = build.inspect(&[c, y, strange]);
    assert_eq!(found.not_counted.len(), 1);
    let not = found.not_counted.first().unwrap();
    assert_eq!((not.op.as_str(), not.nodes, not.share), ("org.example::Frobnicate", 2, 0.5));
    assert_eq!((found.macs, found.flops), (None, None));
    assert!(warned(&found, "MACs are not counted"));
    assert_eq!(found.peak_activation_bytes, None);
    assert!(warned(&found, "peak activation memory"));
    assert_eq!(layer(&found, "org.example::Frobnicate").macs, None);
    assert_eq!(layer(&found, "Relu").other_operations, Some(192));
}

#[test]
fn counts_past_64_bits_are_left_out_with_a_word() {
    let mut build = Build::default();
    let side = 1 << 31;
    let x = build.input("x", &[side, side]);
    let w = build.weight("w", DType::F32, &[side as u64, side as u64]);
    let y = build.node("MatMul", &[x, w], &[]);
    let found = build.inspect(&[y]);
    assert_eq!((found.macs, found.flops), (None, None));
    assert_eq!(found.parameters, Some(1 << 62));
    assert!(warned(&found, "does not fit 64 bits"));
}

#[test]
fn coefficients_in_attributes_are_parameters() {
    let mut build = Build::default();
    let x = build.input("x", &[5, 9]);
    let attributes = [
        ("targets", Attribute::Int(3)),
        ("coefficients", Attribute::Floats(vec![0.1; 27])),
        ("intercepts", Attribute::Floats(vec![0.2; 3])),
    ];
    let y = build.node("ai.onnx.ml::LinearRegressor", &[x], &attributes);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.weight_bytes), (Some(30), Some(120)));
    assert_eq!((found.macs, found.other_operations), (Some(5 * 27), Some(15)));
    assert_eq!(found.layers.first().unwrap().parameters, 30);
    assert_eq!(found.traffic_bytes, Some(4 * (45 + 30 + 15)));
}

#[test]
fn folded_norms_are_pointed_out() {
    for (weight, bias, folded) in [
        ("onnx::Conv_497", "onnx::Conv_498", true),
        ("layer1.conv.weight", "layer1.conv.weight_bias", true),
        ("layer1.conv.weight", "layer1.conv.bias", false),
    ] {
        let mut build = Build::default();
        let x = build.input("x", &[1, 3, 8, 8]);
        let (w, b) = (build.weight(weight, DType::F32, &[4, 3, 3, 3]), build.weight(bias, DType::F32, &[4]));
        let y = build.node("Conv", &[x, w, b], &[]);
        let found = build.inspect(&[y]);
        assert_eq!(warned(&found, "folded 1 batch norms") && warned(&found, "at least 4 parameters"), folded, "{bias}");
    }
}

#[test]
fn bodies_that_no_rule_runs_are_pointed_out() {
    let mut build = Build::default();
    let x = build.input("ids", &[1, 4]);
    let w = build.weight("w", DType::F32, &[4, 4]);
    let (product, inner) = build.loose("MatMul", &[x, w], &[]);
    let decoder = Graph { nodes: vec![product], outputs: vec![inner], ..Graph::default() };
    let y = build.node("com.microsoft::GreedySearch", &[x], &[("decoder", Attribute::Graphs(vec![decoder]))]);
    let found = build.inspect(&[y]);
    assert_eq!((found.parameters, found.not_counted.len()), (Some(16), 1));
    assert!(warned(&found, "bodies") && warned(&found, "16 parameters are in the file but no node that runs"));
}

#[test]
fn modules_are_found_in_names() {
    let mut build = Build::default();
    let x = build.input("x", &[4]);
    let y = build.node("Relu", &[x], &[]);
    build.model.graph.nodes.first_mut().unwrap().name = "/layer1/layer1.0/relu/Relu".into();
    let found = build.inspect(&[y]);
    assert_eq!(layer(&found, "Relu").group, "layer1/layer1.0/relu");
}

#[test]
fn weights_made_of_one_value_count_where_a_layer_keeps_them() {
    let mut build = Build::default();
    let x = build.input("x", &[1, 3, 8, 8]);
    let filled = |build: &mut Build, name: &str, sizes: &[i64]| {
        let shape = build.integers(name, sizes);
        build.node("ConstantOfShape", &[shape], &[])
    };
    let w = filled(&mut build, "w_shape", &[4, 3, 3, 3]);
    let y = build.node("Conv", &[x, w], &[]);
    let mask = filled(&mut build, "mask_shape", &[1, 4, 6, 6]);
    let z = build.node("Add", &[y, mask], &[]);
    let found = build.inspect(&[z]);
    assert_eq!(found.parameters, Some(4 * 3 * 3 * 3), "the kernel, not the mask");
    assert!(warned(&found, "tensors of one repeated value"));
}

#[test]
fn weights_without_a_graph_are_listed_by_module_and_nothing_is_said_of_operations() {
    let mut model = Model { format: "test".to_owned(), weights_only: true, ..Model::default() };
    let mut add = |name: &str, dtype: DType, shape: &[u64], role: TensorRole, packing: Option<(&str, u64)>| {
        let offset = model.values.len() as u64;
        let packing = packing.map(|(name, bytes)| Packing { name: name.into(), bytes });
        let weight =
            Weight { role: Some(role), packing, ..Weight::new(dtype, shape.to_vec(), Storage::Inside { offset }) };
        model.add_weight(name, weight);
    };
    add("layer.0.linear.weight", DType::U4, &[8, 8], TensorRole::Parameter, Some(("q4_0", 36)));
    add("layer.0.linear.bias", DType::F32, &[8], TensorRole::Parameter, None);
    add("layer.0.norm.running_mean", DType::F32, &[8], TensorRole::Buffer, None);
    add("layer.0.norm.step", DType::I64, &[], TensorRole::Setting, None);
    add("state.0.exp_avg", DType::F32, &[72], TensorRole::OptimizerState, None);
    let found = inspect(&model, &infer(&model, &Choices::default()));
    assert_eq!((found.parameters, found.buffers, found.optimizer_state), (Some(72), 8, 72));
    assert_eq!((found.weight_bytes, found.optimizer_state_bytes), (Some(36 + 32 + 32), 288));
    assert_eq!(found.dtypes, [("f32".to_owned(), 8), ("q4_0".to_owned(), 64)].into());
    assert_eq!(
        (found.macs, found.flops, found.other_operations, found.peak_activation_bytes),
        (None, None, None, None)
    );
    let layers: Vec<_> = found.layers.iter().map(|layer| (layer.name.as_str(), layer.parameters)).collect();
    assert_eq!(layers, [("layer.0.linear", 72), ("layer.0.norm", 0)]);
    assert!(warned(&found, "without a graph"));
}
