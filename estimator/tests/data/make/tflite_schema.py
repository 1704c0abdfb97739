"""Prints the tables of `src/formats/tflite/operators.rs` from the schema as TensorFlow's package carries it.

    venv/bin/python tflite_schema.py path/to/tensorflow/lite/python/schema_py_generated.py
"""

import re
import sys

SCHEMA = open(sys.argv[1]).read()
# What no rule needs.
LEFT_OUT = {
    "QuantizedBiasType", "AsymmetricQuantizeInputs", "PotScaleInt16", "ValidateIndices", "InDataType", "WindowReversal",
    "PrecisionConfig", "CustomAttributes", "CompositeAttributes", "CompositeAttributesFormat", "BackendConfig",
    "IndicesAreSorted", "Boundaries", "Seed", "Seed2",
}
KINDS = {
    "Int8": "Int8", "Int32": "Int32", "Uint32": "Int32", "Int64": "Int64", "Bool": "Bool", "Float32": "Float",
    "vec Int32": "Ints32", "vec Int64": "Ints64", "string": "Text",
}


def enum(name):
    body = re.search(r"^class %s\(object\):\n((?:    .*\n|\n)*?)(?=^class |^def |\Z)" % name, SCHEMA, re.M).group(1)
    return {int(number): word for word, number in re.findall(r"^    (\w+) = (-?\d+)$", body, re.M)}


def fields(table):
    body = re.search(r"^class %s\(object\):\n(.*?)(?=^class )" % table, SCHEMA, re.M | re.S).group(1)
    for method in re.finditer(r"    def (\w+)\(self(?:, j)?\):\n(.*?)(?=\n    def |\n    # |\Z)", body, re.S):
        name, code = method.groups()
        offset = re.search(r"self\._tab\.Offset\((\d+)\)", code)
        if not offset or name in LEFT_OUT or name.endswith(("AsNumpy", "Length", "IsNone")):
            continue
        number = re.search(r"flatbuffers\.number_types\.(\w+)Flags", code.split("Offset", 1)[1])
        stored = "string" if "String(" in code else ("vec " if "Vector(" in code else "") + (number.group(1) if number else "")
        kind = {"FusedActivationFunction": "Activation"}.get(name, KINDS.get(stored))
        if name == "Padding" and stored == "Int8":
            kind = "Padding"
        usual = int("Dilation" in name and name.endswith("Factor") or (table, name) == ("BidirectionalSequenceLSTMOptions", "TimeMajor"))
        if kind:
            yield re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), (int(offset.group(1)) - 4) // 2, kind, usual


print("OPERATORS")
for number, name in sorted(enum("BuiltinOperator").items()):
    print(f'    "{name}",  // {number}')
for union in ("BuiltinOptions", "BuiltinOptions2"):
    print(union)
    for number, table in sorted(enum(union).items()):
        options = ", ".join(f'("{name}", {slot}, {kind}, {usual})' for name, slot, kind, usual in (fields(table) if number else ()))
        if options:
            print(f"    // {table}\n    ({number}, &[{options}]),")
