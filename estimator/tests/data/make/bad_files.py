"""Make the corpus of files that must be refused, or read with a warning, and never crash a reader.

    python bad_files.py

Writes `../bad/*` and `../bad/expected.json`. Each entry says how its file was made and
what a good message mentions: `mentions` is a list of alternatives, of which a message
should contain at least one in each inner list, whatever the case of its letters.
`outcome` is `error` (the file cannot be understood), `warning` (it can be read, and the
fault is named), `fault` (named, as an error or as a warning), or `ok` (odd but legal).

Needs only Python and the `onnx` package. Every file is small: what is huge is what the
bytes claim.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BAD = Path(__file__).resolve().parent.parent / "bad"
ENTRIES: list[dict] = []

# Words of which a message about the end of the data contains one.
CUT = ["truncated", "ends", "end of file", "cut", "incomplete", "unexpected end", "short"]
NOT_ONNX = ["not an onnx", "not onnx", "no onnx", "not a model", "looks like", "is a", "unknown format", "not recognised"]


def add(name: str, data: bytes, outcome: str, how: str, *mentions: list[str]) -> None:
    (BAD / name).write_bytes(data)
    ENTRIES.append({"file": name, "bytes": len(data), "outcome": outcome, "how": how, "mentions": [list(m) for m in mentions]})


# ---- protobuf by hand: what no library would write -------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        low = value & 0x7F
        value >>= 7
        if value:
            out.append(low | 0x80)
        else:
            out.append(low)
            return bytes(out)


def field(number: int, payload: bytes, length: int | None = None) -> bytes:
    """A length-delimited field; `length` may lie."""
    return varint(number << 3 | 2) + varint(len(payload) if length is None else length) + payload


def number(field_number: int, value: int) -> bytes:
    return varint(field_number << 3) + varint(value & (2**64 - 1))


# Field numbers of onnx.proto.
MODEL_IR, MODEL_GRAPH, MODEL_OPSET, MODEL_FUNCTIONS = 1, 7, 8, 25
GRAPH_NODE, GRAPH_NAME, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 2, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OP, NODE_ATTRIBUTE = 1, 2, 3, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_G, ATTRIBUTE_TYPE = 1, 6, 20
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW = 1, 2, 8, 9


def wrap(graph: bytes, opset: int = 17) -> bytes:
    return number(MODEL_IR, 8) + field(MODEL_GRAPH, graph) + field(MODEL_OPSET, number(2, opset))


def node(op: str, inputs: list[str], outputs: list[str], name: str = "", attributes: bytes = b"") -> bytes:
    body = b"".join(field(NODE_INPUT, i.encode()) for i in inputs) + b"".join(field(NODE_OUTPUT, o.encode()) for o in outputs)
    return field(GRAPH_NODE, body + field(NODE_NAME, name.encode()) + field(NODE_OP, op.encode()) + attributes)


def raw_tensor(name: str, dims: list[int], data_type: int, raw: bytes = b"", raw_length: int | None = None) -> bytes:
    body = b"".join(number(TENSOR_DIMS, d) for d in dims) + number(TENSOR_TYPE, data_type) + field(TENSOR_NAME, name.encode())
    if raw or raw_length is not None:
        body += field(TENSOR_RAW, raw, raw_length)
    return field(GRAPH_INITIALIZER, body)


def value(number_of_field: int, name: str, dims: list[int | str]) -> bytes:
    shape = b"".join(field(1, number(1, d) if isinstance(d, int) else field(2, d.encode())) for d in dims)
    return field(number_of_field, field(1, name.encode()) + field(2, field(1, number(1, 1) + field(2, shape))))


X, Y = value(GRAPH_INPUT, "x", ["batch", 16]), value(GRAPH_OUTPUT, "y", ["batch", 16])


# ---- a good small model to spoil -----------------------------------------------------------------


def good(**changes) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    weight = numpy_helper.from_array(rng.standard_normal((16, 16)).astype(np.float32), "w")
    nodes = changes.get("nodes") or [helper.make_node("MatMul", ["x", "w"], ["h"], name="product"), helper.make_node("Relu", ["h"], ["y"], name="act")]
    inputs = changes.get("inputs") or [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 16])]
    outputs = changes.get("outputs") or [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 16])]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, changes.get("initializers", [weight]))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", changes.get("opset", 17))], ir_version=8)


def truncated() -> None:
    data = good().SerializeToString()
    for cut, where in ((1, "after the first byte"), (7, "inside the producer or the first fields"), (len(data) // 3, "inside the first third"), (len(data) - 600, "inside the weight's bytes"), (len(data) - 40, "inside the outputs"), (len(data) - 1, "before the last byte")):
        if 0 < cut < len(data):
            add(f"truncated_{cut}.onnx", data[:cut], "error", f"A good model of {len(data)} bytes cut {where}.", CUT + NOT_ONNX)
    add("trailing_garbage.onnx", data + b"\xff" * 64, "error", "A good model followed by 64 bytes of 0xFF.", ["offset", "byte", "after", "trailing", "invalid", "wire", "varint", "tag"])


def other_kinds() -> None:
    add("empty.onnx", b"", "error", "An empty file.", ["empty", "0 bytes", "no bytes"])
    add("one_zero_byte.onnx", b"\0", "error", "One zero byte.", NOT_ONNX + CUT + ["tag", "field"])
    add("zeros.onnx", bytes(4096), "error", "4,096 zero bytes, as an interrupted download leaves.", NOT_ONNX + ["zero", "field", "tag"])
    add("noise.onnx", np.random.default_rng(7).integers(0, 256, 4096, dtype=np.uint8).tobytes(), "error", "4,096 random bytes.", NOT_ONNX + CUT + ["wire", "tag", "varint", "field", "invalid"])
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    add("picture.onnx", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""), "error", "A PNG picture of one pixel.", ["png", "picture", "image"])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr(zipfile.ZipInfo("notes.txt", (2020, 1, 1, 0, 0, 0)), "no model here")
    add("archive.onnx", archive.getvalue(), "error", "A zip archive without a model.", ["zip", "archive"])
    safetensors = json.dumps({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    add("safetensors.onnx", struct.pack("<Q", len(safetensors)) + safetensors + bytes(16), "error", "A safetensors file named .onnx.", ["safetensors"])
    add("gguf.onnx", b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "error", "The header of a GGUF file.", ["gguf"])
    add("hdf5.onnx", b"\x89HDF\r\n\x1a\n" + bytes(56), "error", "The signature of an HDF5 file.", ["hdf5", "keras", "h5"])
    add("tflite.onnx", struct.pack("<I", 28) + b"TFL3" + bytes(40), "error", "The signature of a TensorFlow Lite file.", ["tflite", "tensorflow lite"])
    add("page.onnx", b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Not found</body></html>\n", "error", "A web page, as a wrong download link gives.", ["html", "web page"])
    add("lfs_pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 102400\n", "error", "A Git LFS pointer instead of the file.", ["lfs", "pointer"])
    add("text.onnx", b"This is not a model. It is a letter.\n" * 8, "error", "Plain text.", NOT_ONNX + ["text"])
    add("json.onnx", b'{"model_type": "bert", "hidden_size": 768}\n', "error", "A JSON file.", ["json"] + NOT_ONNX)
    add("gzip.onnx", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + zlib.compress(good().SerializeToString())[2:-4], "error", "A gzip file.", ["gzip", "compressed"])
    add("tensor.onnx", numpy_helper.from_array(np.zeros((2, 2), np.float32), "t").SerializeToString(), "error", "One TensorProto, not a model.", NOT_ONNX + ["graph"])
    add("no_graph.onnx", number(MODEL_IR, 8) + field(MODEL_OPSET, number(2, 17)), "error", "A model without a graph.", ["graph"])


def lies() -> None:
    """Sizes that are not true."""
    add("length_beyond_end.onnx", number(MODEL_IR, 8) + field(MODEL_GRAPH, b"\x0a\x00", 2**31), "error", "A graph that claims 2 GiB in a file of a few bytes.", CUT + ["length", "claims", "beyond"])
    add("length_2_63.onnx", number(MODEL_IR, 8) + varint(MODEL_GRAPH << 3 | 2) + varint(2**63), "error", "A length of 2^63.", CUT + ["length", "large", "overflow"])
    add("length_negative.onnx", number(MODEL_IR, 8) + varint(MODEL_GRAPH << 3 | 2) + varint(2**64 - 1), "error", "A length of 2^64 - 1, which is -1 when signed.", CUT + ["length", "large", "overflow", "negative"])
    add("varint_too_long.onnx", b"\xff" * 11 + b"\x01", "error", "A variable-length integer of more than ten bytes.", ["varint", "integer", "tag", "byte", "field"] + NOT_ONNX)
    add("group_wire_type.onnx", number(MODEL_IR, 8) + varint(7 << 3 | 3) + varint(7 << 3 | 4), "error", "The withdrawn group encoding where the graph should be.", ["group", "wire", "field", "graph"])
    add("field_number_zero.onnx", number(MODEL_IR, 8) + b"\x02\x00", "error", "A field with the number zero.", ["field", "zero", "tag", "number"])
    add("wrong_wire_type.onnx", number(MODEL_IR, 8) + number(MODEL_GRAPH, 5), "error", "The graph as an integer.", ["wire", "graph", "type", "field"])
    add("raw_length_beyond.onnx", wrap(X + Y + raw_tensor("w", [16, 16], 1, b"1234", 1024) + node("MatMul", ["x", "w"], ["y"], "product")), "error", "A weight whose raw data claims more bytes than its tensor message has.", ["w", "length"] + CUT)
    huge = raw_tensor("w", [2**62, 16], 1) + X + Y + node("MatMul", ["x", "w"], ["y"], "product")
    add("dims_overflow.onnx", wrap(huge), "fault", "A weight of 2^62 x 16 elements: the product overflows 64 bits.", ["w", "overflow", "large", "elements", "dimension"])
    add("dims_2_63.onnx", wrap(raw_tensor("w", [2**63 - 1], 1) + X + Y + node("Add", ["x", "w"], ["y"], "sum")), "fault", "A weight of 2^63 - 1 elements.", ["w", "large", "elements", "dimension"])
    add("dims_negative.onnx", wrap(raw_tensor("w", [-4, 16], 1) + X + Y + node("MatMul", ["x", "w"], ["y"], "product")), "fault", "A weight with a dimension of -4.", ["w", "negative", "-4"])
    add("dims_disagree_with_bytes.onnx", wrap(raw_tensor("w", [16, 16], 1, bytes(16)) + X + Y + node("MatMul", ["x", "w"], ["y"], "product")), "warning", "A weight of 256 floats with 16 bytes.", ["w", "bytes", "16"])
    add("data_type_unknown.onnx", wrap(raw_tensor("w", [16, 16], 99) + X + Y + node("MatMul", ["x", "w"], ["y"], "product")), "fault", "A weight of the data type 99.", ["w", "99", "type"])
    many = b"".join(number(TENSOR_DIMS, 2) for _ in range(5000))
    add("five_thousand_dimensions.onnx", wrap(field(GRAPH_INITIALIZER, many + number(TENSOR_TYPE, 1) + field(TENSOR_NAME, b"w")) + X + Y + node("Add", ["x", "w"], ["y"], "sum")), "fault", "A weight with 5,000 dimensions of two.", ["w", "dimension", "rank", "overflow", "large"])
    input_huge = value(GRAPH_INPUT, "x", [2**40, 2**40])
    add("input_overflow.onnx", wrap(input_huge + Y + node("Relu", ["x"], ["y"], "act")), "warning", "An input of 2^40 x 2^40 elements.", ["x", "overflow", "large", "elements"])
    name = field(GRAPH_NODE, field(NODE_OUTPUT, b"y") + field(NODE_NAME, b"\xff\xfe\xfd") + field(NODE_OP, b"Relu") + field(NODE_INPUT, b"x"))
    add("name_not_utf8.onnx", wrap(X + Y + name), "ok", "A node's name that is not UTF-8.")
    add("long_name.onnx", wrap(X + Y + node("Relu", ["x"], ["y"], "a" * 20_000)), "ok", "A node's name of 20,000 letters.")


def bombs() -> None:
    """Small files that cost a careless reader its stack or its memory."""
    inner = node("Relu", ["x"], ["y"], "innermost")
    for depth, name in ((60, "nesting_60.onnx"), (2000, "nesting_2000.onnx")):
        graph = inner
        for level in range(depth):
            attribute = field(NODE_ATTRIBUTE, field(ATTRIBUTE_NAME, b"then_branch") + field(ATTRIBUTE_G, graph) + number(ATTRIBUTE_TYPE, 5))
            graph = node("If", ["c"], ["y"], "", attribute)
        outcome = "error"
        add(name, wrap(X + Y + graph), outcome, f"If nodes nested {depth} deep.", ["nest", "deep", "depth", "recursion", "levels"])
    call = lambda target: node("F" + str(target), ["x"], ["y"], "", field(7, b"loop"))[0:]

    def function(name: str, body: bytes) -> bytes:
        # FunctionProto: name 1, input 4, output 5, node 7, opset_import 9, domain 10.
        inner_node = body[1:]  # drop GraphProto's field tag of `node`; FunctionProto has its own
        return field(MODEL_FUNCTIONS, field(1, name.encode()) + field(4, b"x") + field(5, b"y") + varint(7 << 3 | 2) + inner_node + field(9, field(1, b"") + number(2, 17)) + field(10, b"loop"))

    imports = field(MODEL_OPSET, field(1, b"loop") + number(2, 1))
    add("function_calls_itself.onnx", wrap(X + Y + call(0)) + imports + function("F0", call(0)), "fault", "A model-local function that calls itself.", ["recurs", "itself", "cycl", "F0", "depth"])
    add("functions_call_each_other.onnx", wrap(X + Y + call(0)) + imports + function("F0", call(1)) + function("F1", call(0)), "fault", "Two functions that call each other.", ["recurs", "itself", "cycl", "F0", "F1", "depth"])
    doubling = b"".join(function(f"F{i}", call(i + 1) + b"") if i == 39 else function_twice(i) for i in range(40))
    add("functions_doubling.onnx", wrap(X + Y + call(0)) + imports + doubling + function("F40", node("Relu", ["x"], ["y"])), "fault", "Forty functions, each calling the next twice: 2^40 nodes when expanded.", ["large", "too many", "limit", "expand", "nodes"])
    chain = b"".join(node("Concat", [f"t{i}", f"t{i}"], [f"t{i + 1}"], "", field(NODE_ATTRIBUTE, field(1, b"axis") + number(3, 0) + number(20, 2))) for i in range(70))
    add("concat_doubling.onnx", wrap(value(GRAPH_INPUT, "t0", [1024]) + value(GRAPH_OUTPUT, "t70", ["n"]) + chain), "warning", "Seventy Concats, each doubling: 2^80 elements.", ["overflow", "large", "elements", "not known"])
    fill = numpy_helper.from_array(np.array([2**40, 2**20], np.int64), "dims")
    graph = helper.make_graph([helper.make_node("ConstantOfShape", ["dims"], ["big"], name="fill"), helper.make_node("Shape", ["big"], ["s"]), helper.make_node("ConstantOfShape", ["s"], ["y"])], "g", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [fill])
    add("constant_of_huge_shape.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(), "ok", "ConstantOfShape of 2^60 elements, which must not be filled.")
    limit = numpy_helper.from_array(np.array(2**50, np.int64), "limit")
    zero, one = (numpy_helper.from_array(np.array(v, np.int64), n) for v, n in ((0, "zero"), (1, "one")))
    graph = helper.make_graph([helper.make_node("Range", ["zero", "limit", "one"], ["r"], name="range")], "g", [], [helper.make_tensor_value_info("r", TensorProto.INT64, None)], [zero, one, limit])
    add("range_2_50.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(), "ok", "Range of 2^50 integers, which must not be written out.")
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["co"]), helper.make_node("Relu", ["v"], ["vo"])], "b", [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("c", TensorProto.BOOL, []), helper.make_tensor_value_info("v", TensorProto.FLOAT, None)], [helper.make_tensor_value_info("co", TensorProto.BOOL, []), helper.make_tensor_value_info("vo", TensorProto.FLOAT, None)])
    trips = numpy_helper.from_array(np.array(2**62, np.int64), "trips")
    graph = helper.make_graph([helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body, name="loop")], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [trips])
    add("loop_2_62.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString(), "warning", "A Loop of 2^62 steps, which must not be walked.", ["loop", "overflow", "large", "trip", "fit"])
    equation = ",".join(["a"] * 3000) + "->a"
    inputs = ["x1"] * 3000
    add("einsum_3000_operands.onnx", wrap(value(GRAPH_INPUT, "x1", [4]) + value(GRAPH_OUTPUT, "y", [4]) + node("Einsum", inputs, ["y"], "sum", field(NODE_ATTRIBUTE, field(1, b"equation") + field(4, equation.encode()) + number(20, 3)))), "ok", "Einsum of 3,000 operands.")


def function_twice(i: int) -> bytes:
    first = node(f"F{i + 1}", ["x"], ["m"], "", field(7, b"loop"))
    second = node(f"F{i + 1}", ["m"], ["y"], "", field(7, b"loop"))
    body = b"".join(varint(7 << 3 | 2) + n[1:] for n in (first, second))
    return field(MODEL_FUNCTIONS, field(1, f"F{i}".encode()) + field(4, b"x") + field(5, b"y") + body + field(9, field(1, b"") + number(2, 17)) + field(10, b"loop"))


def graphs() -> None:
    """Well-formed files whose graph is wrong."""
    make = helper.make_node
    weight = numpy_helper.from_array(np.zeros((16, 16), np.float32), "w")

    def save(name, outcome, how, mentions, **changes):
        add(name, good(**changes).SerializeToString(), outcome, how, *mentions)

    save("cycle.onnx", "fault", "Two nodes that need each other's output.", [["cycl", "circle", "loop", "order", "each other"], ["a", "b", "first", "second"]], nodes=[make("Add", ["x", "b"], ["a"], name="first"), make("Relu", ["a"], ["b"], name="second"), make("Relu", ["b"], ["y"], name="act")])
    save("self_loop.onnx", "fault", "A node that reads its own output.", [["cycl", "circle", "own output", "itself", "order"]], nodes=[make("Add", ["x", "y"], ["y"], name="self")])
    save("not_sorted.onnx", "warning", "Nodes in the wrong order, but without a cycle.", [["order", "sorted"]], nodes=[make("Relu", ["h"], ["y"], name="act"), make("MatMul", ["x", "w"], ["h"], name="product")])
    save("duplicate_output.onnx", "fault", "Two nodes with one output name.", [["twice", "duplicate", "already", "two nodes"], ["h"]], nodes=[make("MatMul", ["x", "w"], ["h"], name="product"), make("Relu", ["x"], ["h"], name="again"), make("Relu", ["h"], ["y"], name="act")])
    save("duplicate_initializer.onnx", "warning", "Two weights of one name.", [["twice", "duplicate", "already", "two"], ["w"]], initializers=[weight, weight])
    save("missing_tensor.onnx", "fault", "A node that reads a tensor which nothing makes.", [["missing", "nowhere", "unknown", "not found", "no such", "undefined", "nothing"], ["ghost"]], nodes=[make("MatMul", ["x", "ghost"], ["y"], name="product")])
    save("missing_input.onnx", "warning", "MatMul with one input.", [["product", "MatMul"], ["input"]], nodes=[make("MatMul", ["x"], ["y"], name="product")])
    save("output_never_made.onnx", "fault", "A graph output that no node makes.", [["output"], ["z"]], outputs=[helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])])
    save("unknown_operator.onnx", "warning", "An operator of a domain that nobody knows.", [["Frobnicate", "com.example"]], nodes=[make("Frobnicate", ["x", "w"], ["y"], name="odd", domain="com.example")])
    save("unknown_standard_operator.onnx", "warning", "An operator that the standard does not have.", [["Frobnicate"]], nodes=[make("Frobnicate", ["x", "w"], ["y"], name="odd")])
    save("shapes_disagree.onnx", "warning", "A product of 16 columns and 8 rows.", [["product", "MatMul"], ["16"], ["8"]], initializers=[numpy_helper.from_array(np.zeros((8, 16), np.float32), "w")])
    save("reshape_impossible.onnx", "warning", "Reshape of 16 elements to 5 x 7.", [["Reshape", "reshape"]], inputs=[helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16])], nodes=[make("Reshape", ["x", "shape"], ["y"], name="reshape")], initializers=[numpy_helper.from_array(np.array([5, 7], np.int64), "shape")])
    save("axis_out_of_range.onnx", "warning", "Concat along axis 7 of two dimensions.", [["axis"], ["7"]], nodes=[make("Concat", ["x", "x"], ["y"], axis=7, name="concat")])
    save("axis_int_min.onnx", "warning", "Softmax along the smallest 64-bit axis.", [["axis"]], nodes=[make("Softmax", ["x"], ["y"], axis=-(2**63), name="softmax")])
    kernel = numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.float32), "w")
    image = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])]
    save("stride_zero.onnx", "warning", "A convolution with strides of zero.", [["stride"]], inputs=image, initializers=[kernel], nodes=[make("Conv", ["x", "w"], ["y"], strides=[0, 0], name="conv")])
    save("group_zero.onnx", "warning", "A convolution with no groups.", [["group", "channels"]], inputs=image, initializers=[kernel], nodes=[make("Conv", ["x", "w"], ["y"], group=0, name="conv")])
    save("kernel_larger_than_input.onnx", "warning", "A kernel of 3 x 3 on an image of 2 x 2.", [["kernel", "negative", "smaller", "larger", "Conv"]], inputs=[helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 2, 2])], initializers=[kernel], nodes=[make("Conv", ["x", "w"], ["y"], name="conv")])
    save("pads_huge.onnx", "warning", "Pads of 2^62.", [["pad", "large", "overflow", "not known"]], inputs=image, initializers=[kernel], nodes=[make("Conv", ["x", "w"], ["y"], pads=[2**62] * 4, name="conv")])
    save("pads_negative.onnx", "warning", "Pads that leave nothing.", [["pad", "negative", "window"]], inputs=image, initializers=[kernel], nodes=[make("Conv", ["x", "w"], ["y"], pads=[-9] * 4, name="conv")])
    save("transpose_twice_same.onnx", "warning", "Transpose that names an axis twice.", [["perm", "Transpose", "transpose"]], nodes=[make("Transpose", ["x"], ["y"], perm=[0, 0], name="transpose")])
    save("split_negative.onnx", "warning", "Split into parts of -5 and 21.", [["split", "negative", "Split"]], nodes=[make("Split", ["x", "s"], ["y", "z"], axis=1, name="split")], initializers=[numpy_helper.from_array(np.array([-5, 21], np.int64), "s")])
    save("einsum_nonsense.onnx", "warning", "Einsum with an equation that is none.", [["einsum", "equation"]], nodes=[make("Einsum", ["x", "w"], ["y"], equation="ij,,->->k", name="sum")])
    save("wrong_attribute_type.onnx", "warning", "Concat whose axis is text.", [["axis"]], nodes=[make("Concat", ["x", "x"], ["y"], axis="one", name="concat")])
    save("missing_attribute.onnx", "warning", "Concat without its axis.", [["axis"]], nodes=[make("Concat", ["x", "x"], ["y"], name="concat")])
    save("opset_zero.onnx", "warning", "Operator set 0.", [["opset", "operator set"]], opset=0)
    save("opset_future.onnx", "warning", "Operator set 999.", [["opset", "operator set"], ["999"]], opset=999)
    old = good()
    old.opset_import.pop()
    add("no_opset.onnx", old.SerializeToString(), "warning", "No operator set at all.", ["opset", "operator set"])
    nothing = helper.make_model(helper.make_graph([], "empty", [], []), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    add("empty_graph.onnx", nothing.SerializeToString(), "warning", "A graph without nodes.", ["no nodes", "empty", "nothing"])

    outside = good()
    tensor = outside.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, entry in (("location", "../../../../etc/passwd"), ("offset", "0"), ("length", "1024")):
        item = tensor.external_data.add()
        item.key, item.value = key, entry
    add("external_escapes.onnx", outside.SerializeToString(), "warning", "External data outside the model's folder.", ["outside", "path", "..", "external"])
    tensor.external_data[0].value = "weights.bin"
    tensor.external_data[1].value = "-7"
    add("external_negative_offset.onnx", outside.SerializeToString(), "fault", "External data at a negative offset.", ["offset", "external"])
    tensor.external_data[1].value = "not a number"
    add("external_offset_text.onnx", outside.SerializeToString(), "fault", "External data at an offset that is text.", ["offset", "external"])
    del tensor.external_data[:]
    add("external_without_location.onnx", outside.SerializeToString(), "warning", "External data without a location.", ["location", "external", "not here"])


def main() -> None:
    BAD.mkdir(exist_ok=True)
    for old in BAD.glob("*.onnx"):
        old.unlink()
    truncated()
    other_kinds()
    lies()
    bombs()
    graphs()
    lines = ",\n".join(json.dumps(entry) for entry in ENTRIES)
    (BAD / "expected.json").write_text('{"version": 1, "files": [\n' + lines + "\n]}\n")
    print(len(ENTRIES), "files,", sum(e["bytes"] for e in ENTRIES), "bytes; largest", max(e["bytes"] for e in ENTRIES))


if __name__ == "__main__":
    main()
