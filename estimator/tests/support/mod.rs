//! Writes small ONNX files by hand, so that tests can say exactly which bytes a reader meets.

#![allow(dead_code, reason = "each test binary uses a part of it")]

/// A message under construction.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    pub fn new() -> Self {
        Self::default()
    }

    /// A field with a variable-length integer.
    pub fn number(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    /// A field with bytes, a text or a message.
    pub fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.as_ref().len() as u64);
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// A field with a message.
    pub fn message(self, field: u64, message: Message) -> Self {
        self.bytes(field, message.0)
    }

    /// A field that says it has `length` bytes, without having them.
    pub fn promise(mut self, field: u64, length: u64) -> Self {
        self.varint(field << 3 | 2);
        self.varint(length);
        self
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A dimension of a declared type.
pub enum Axis<'a> {
    Fixed(i64),
    Named(&'a str),
}

/// `ValueInfoProto` of a float tensor.
pub fn value(name: &str, shape: &[Axis<'_>]) -> Message {
    let mut dims = Message::new();
    for axis in shape {
        dims = dims.message(
            1,
            match axis {
                Axis::Fixed(size) => Message::new().number(1, *size),
                Axis::Named(name) => Message::new().bytes(2, name),
            },
        );
    }
    let tensor = Message::new().number(1, 1).message(2, dims);
    Message::new().bytes(1, name).message(2, Message::new().message(1, tensor))
}

/// `TensorProto` of floats whose contents are left out.
pub fn tensor(name: &str, dims: &[i64]) -> Message {
    let shaped = dims.iter().fold(Message::new(), |message, dim| message.number(1, *dim));
    shaped.number(2, 1).bytes(8, name)
}

/// `NodeProto`.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let with_inputs = inputs.iter().fold(Message::new(), |message, name| message.bytes(1, name));
    let with_outputs = outputs.iter().fold(with_inputs, |message, name| message.bytes(2, name));
    with_outputs.bytes(3, format!("{op}_{}", outputs.first().unwrap_or(&""))).bytes(4, op)
}

/// `AttributeProto` with an integer.
pub fn int(name: &str, value: i64) -> Message {
    Message::new().bytes(1, name).number(3, value).number(20, 2)
}

/// `AttributeProto` with a graph.
pub fn graph_attribute(name: &str, graph: Message) -> Message {
    Message::new().bytes(1, name).message(6, graph).number(20, 5)
}

/// `ModelProto` around a graph, at operator set 17.
pub fn model(graph: Message) -> Vec<u8> {
    let opset = Message::new().bytes(1, "").number(2, 17);
    Message::new().number(1, 8).bytes(2, "test").message(7, graph).message(8, opset).0
}
