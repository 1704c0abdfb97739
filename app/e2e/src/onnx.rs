//! Models made by hand: as many layers or as many weights as a test or a measurement asks for.
//!
//! Protobuf is written byte by byte, so that these files owe nothing to the reader that they try.

/// A number as it is written.
fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field that holds a number.
fn whole(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    number(field << 3, &mut out);
    number(value, &mut out);
    out
}

/// The beginning of a field that holds so many bytes.
fn head(field: u64, length: u64) -> Vec<u8> {
    let mut out = Vec::new();
    number(field << 3 | 2, &mut out);
    number(length, &mut out);
    out
}

/// A field that holds bytes, a text or a message.
fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [&head(field, value.len() as u64), value].concat()
}

/// An input or output: floats in one dimension.
fn port(field: u64, name: &str, size: u64) -> Vec<u8> {
    let dim = bytes(1, &whole(1, size));
    let tensor = [whole(1, 1), bytes(2, &dim)].concat();
    bytes(field, &[bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat())
}

fn add(name: &str, left: &str, right: &str, to: &str) -> Vec<u8> {
    let node = [bytes(1, left.as_bytes()), bytes(1, right.as_bytes()), bytes(2, to.as_bytes())];
    bytes(1, &[node.concat(), bytes(3, name.as_bytes()), bytes(4, b"Add")].concat())
}

/// A model whose weights lie in its file, this many bytes of them: what stands before them, and what stands behind.
/// Whoever writes the file may leave a hole between the two.
pub fn around_weights(weights: u64) -> (Vec<u8>, Vec<u8>) {
    let elements = weights / 4;
    let tensor = [whole(1, elements), whole(2, 1), bytes(8, b"w"), head(9, weights)].concat();
    let before =
        [add("add", "x", "w", "y"), bytes(2, b"heavy"), head(5, tensor.len() as u64 + weights), tensor].concat();
    let ports = [port(11, "x", elements), port(12, "y", elements)].concat();
    let graph = head(7, before.len() as u64 + weights + ports.len() as u64);
    ([whole(1, 8), graph, before].concat(), [ports, bytes(8, &whole(2, 17))].concat())
}

/// A model with this many bytes of weights behind its graph.
pub fn heavy_model(weights: usize) -> Vec<u8> {
    let (before, behind) = around_weights(weights as u64);
    [before, vec![1u8; weights], behind].concat()
}

/// A chain of many additions, a hundred to a block.
pub fn long_model(nodes: usize) -> Vec<u8> {
    let mut graph = Vec::new();
    for at in 0..nodes {
        let from = format!("v{at}");
        graph.extend(add(&format!("block{}/add{at}", at / 100), &from, &from, &format!("v{}", at + 1)));
    }
    graph.extend(bytes(2, b"long"));
    graph.extend(port(11, "v0", 64));
    graph.extend(port(12, &format!("v{nodes}"), 64));
    [whole(1, 8), bytes(7, &graph), bytes(8, &whole(2, 17))].concat()
}
