"""Make the golden ONNX files and the truth about them.

    pip install -r ../../../../examples/make/requirements.txt
    python goldens.py                 # all groups
    python goldens.py torch quantised # some

Writes `../onnx/*.onnx`, `../shapes/*.tsv` and `../expected.json`. Nothing there is
worked out by the estimator: parameters and MACs come from torch or from the formulas
in `graph_only.py`, shapes from running the graph in ONNX Runtime.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE.parent
sys.path.insert(0, str(DATA.parent.parent.parent / "examples" / "make"))
sys.path.insert(0, str(HERE))

import onnx  # noqa: E402

import graph_only as go  # noqa: E402

GROUPS = ["torch_exports", "transformer_exports", "quantised", "contrib", "hand_made"]


def describe_input(value) -> dict:
    """dtype and shape of a fed value, and the value itself where it is a few integers that may steer the graph."""
    dtype = "string" if value.dtype.kind in "OU" else value.dtype.name
    described = {"dtype": dtype, "shape": list(value.shape)}
    if value.dtype.kind in "iub" and value.size <= 16:
        described["values"] = [int(v) for v in value.flatten()]
    return described


class Recorder:
    """Collects one group's files."""

    def __init__(self, group: str):
        self.group = group
        self.rows: list[dict] = []
        self.failed: list[str] = []

    def add(
        self,
        name: str,
        model: onnx.ModelProto,
        runs: list[dict],
        *,
        about: str,
        exporter: str,
        macs: list[int] | None = None,
        macs_how: str = "formula over the shapes of a run",
        parameters: int | None = None,
        save=None,
        data_dependent: list[str] | None = None,
        note: str = "",
    ) -> None:
        """Record one graph. `runs` are feeds (input name -> array), `macs` one figure for each run.

        `save` replaces the usual graph-only writing. `data_dependent` names outputs whose shape
        follows from values: their expected shape holds for the fed values only.
        """
        path = DATA / "onnx" / f"{name}.onnx"
        path.parent.mkdir(exist_ok=True)
        described = []
        for index, feeds in enumerate(runs):
            fed = {i.name for i in model.graph.input}
            feeds = {k: v for k, v in feeds.items() if k in fed}
            shapes, outputs = go.runtime_shapes(model, feeds)
            by_formula, per_op = go.graph_macs(model, shapes)
            dims = {}
            for info in model.graph.input:
                if info.type.HasField("tensor_type") and info.name in feeds:
                    for dim, size in zip(info.type.tensor_type.shape.dim, feeds[info.name].shape):
                        if dim.dim_param:
                            dims[dim.dim_param] = size
            suffix = "" if len(runs) == 1 else f".{index}"
            go.write_shapes(DATA / "shapes" / f"{name}{suffix}.tsv", shapes)
            row = {
                "dims": dims,
                "inputs": {n: describe_input(v) for n, v in feeds.items()},
                "outputs": [{"name": n, "dtype": shapes[n][0], "shape": shapes[n][1]} for n in outputs if n in shapes],
                "macs": macs[index] if macs else by_formula,
                "macs_by_formula": by_formula if go.formula_covers(model) else None,
                "shapes": f"shapes/{name}{suffix}.tsv",
            }
            described.append(row)
        size = save(model, path) if save else go.save(model, path)
        initializers, with_constants = go.float_elements(model)
        self.rows.append(
            {
                "file": f"onnx/{name}.onnx",
                "group": self.group,
                "about": about,
                "exporter": exporter,
                "opset": {o.domain or "ai.onnx": o.version for o in model.opset_import},
                "ir_version": model.ir_version,
                "nodes": len(model.graph.node),
                "functions": len(model.functions),
                "parameters_of_network": parameters,
                "float_elements_initializers": initializers,
                "float_elements_with_constants": with_constants,
                "macs_how": macs_how,
                "data_dependent": data_dependent or [],
                "note": note,
                "runs": described,
            }
        )
        differ = [(r["macs"], r["macs_by_formula"]) for r in described if None not in (r["macs"], r["macs_by_formula"]) and r["macs"] != r["macs_by_formula"]]
        print(f"{name}: {size} bytes, {len(model.graph.node)} nodes, macs {[r['macs'] for r in described]}", f"DIFFER {differ}" if differ else "", flush=True)

    def attempt(self, name: str, make) -> None:
        """Run one case; a failure is printed and the others go on."""
        try:
            make()
        except Exception as error:  # noqa: BLE001
            self.failed.append(name)
            text = "".join(traceback.format_exception_only(error)).strip()
            print(f"FAILED {name}: {text[:700]}", flush=True)


def cache(group: str) -> Path:
    """What a group's last run measured, so that one group can be made again alone."""
    return Path(tempfile.gettempdir()) / f"greenprint-goldens-{group}.json"


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--group":
        recorder = Recorder(sys.argv[2])
        importlib.import_module(sys.argv[2]).make(recorder)
        cache(sys.argv[2]).write_text(json.dumps(recorder.rows))
        return
    for group in sys.argv[1:] or GROUPS:
        subprocess.run([sys.executable, __file__, "--group", group], check=False)
    rows = []
    for group in GROUPS:
        if cache(group).exists():
            rows += json.loads(cache(group).read_text())
    text = ",\n".join(json.dumps(row) for row in rows)
    (DATA / "expected.json").write_text('{"version": 1, "files": [\n' + text + "\n]}\n")
    keep = {row["file"] for row in rows} | {run["shapes"] for row in rows for run in row["runs"]}
    for path in (*DATA.glob("onnx/*.onnx"), *DATA.glob("shapes/*.tsv")):
        if str(path.relative_to(DATA)) not in keep and not path.name.startswith("gallery_"):
            path.unlink()
    print(len(rows), "files")


if __name__ == "__main__":
    main()
