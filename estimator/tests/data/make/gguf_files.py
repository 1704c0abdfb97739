"""Writes tests/data/gguf: small GGUF files by the format's own Python package, and what it reads from them.

    python -m venv /tmp/gguf && /tmp/gguf/bin/pip install gguf==0.19.0
    /tmp/gguf/bin/python gguf_files.py
"""

import json
from pathlib import Path

import numpy as np
from gguf import GGUFEndian, GGUFReader, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

OUT = Path(__file__).parent.parent / "gguf"
PLAIN = {
    "F32": np.float32, "F16": np.float16, "F64": np.float64,
    "I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64,
}


def metadata(writer):
    writer.add_name("Every type")
    writer.add_author("Greenprint")
    writer.add_license("mit")
    writer.add_quantized_by("a script")
    writer.add_file_type(15)
    writer.add_context_length(2048)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_head_count_kv([4, 4, 2])
    writer.add_token_list([f"token {i}" for i in range(200)])
    writer.add_token_scores([0.5] * 2000)
    writer.add_array("general.languages", ["en", "de"])
    writer.add_chat_template("x" * 5000)
    writer.add_bool("test.flag", True)
    writer.add_int8("test.i8", -8)
    writer.add_uint16("test.u16", 65535)
    writer.add_int64("test.i64", -(2**40))
    writer.add_float64("test.f64", 0.1)


def tensors(writer, endianess):
    for kind, (block, size) in GGML_QUANT_SIZES.items():
        name = f"blk.0.{kind.name.lower()}.weight"
        if kind.name in PLAIN:
            values = np.zeros((3, 256), PLAIN[kind.name])
            writer.add_tensor(name, values)
        else:
            raw = np.zeros((3, 256 // block * size), np.uint8)
            writer.add_tensor(name, raw, raw_dtype=kind)


def write(name, endianess=GGUFEndian.LITTLE):
    path = OUT / name
    writer = GGUFWriter(path, "llama", endianess=endianess)
    metadata(writer)
    tensors(writer, endianess)
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def shards():
    writer = GGUFWriter(OUT / "shards.gguf", "llama", split_max_tensors=2)
    writer.add_name("Shards")
    for number in range(5):
        writer.add_tensor(f"blk.{number}.weight", np.zeros((8, number + 1), np.float32))
    finish(writer)


def adapter():
    writer = GGUFWriter(OUT / "adapter.gguf", "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    writer.add_tensor("blk.0.attn_q.weight.lora_a", np.zeros((8, 64), np.float32))
    writer.add_tensor("blk.0.attn_q.weight.lora_b", np.zeros((64, 8), np.float16))
    finish(writer)


def projector():
    writer = GGUFWriter(OUT / "mmproj.gguf", "clip")
    writer.add_type("mmproj")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_tensor("v.patch_embd.weight", np.zeros((16, 3, 4, 4), np.float16))
    writer.add_tensor("mm.0.weight", np.zeros((32, 16), np.float32))
    finish(writer)


def expected():
    files = []
    for path in sorted(OUT.glob("*.gguf")):
        reader = GGUFReader(path)
        rows = [
            # The package gives dimensions with the innermost first.
            {"name": t.name, "shape": [int(d) for d in reversed(t.shape)], "type": t.tensor_type.name.lower(), "bytes": int(t.n_bytes),
             "offset": int(t.data_offset)}
            for t in reader.tensors
        ]
        files.append({"file": path.name, "tensors": rows})
    text = "[\n" + ",\n".join(json.dumps(row) for row in files) + "\n]\n"
    (OUT / "expected.json").write_text(text)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    write("every_type.gguf")
    write("every_type_big_endian.gguf", GGUFEndian.BIG)
    shards()
    adapter()
    projector()
    expected()
