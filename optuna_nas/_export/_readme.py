"""``readme``: what an exported folder says of itself."""

from __future__ import annotations

from typing import Any


def readme(model: dict[str, Any]) -> str:
    """A page for who finds the folder.

    Args:
        model:
            What ``model.json`` says.
    """
    task = {"classification": "tells classes apart", "regression": "predicts numbers"}
    does = task.get(model["task"] or "", "gives the outputs of a network")
    scores = "".join(f"- {name}: {value:.6g}\n" for name, value in model["metrics"].items())
    onnx = "the same program for ONNX Runtime, in float32"
    if model["without_onnx"] is not None:
        onnx = f"is not there: {model['without_onnx']}"
    return f"""\
# A model that {does}

    python predict.py rows.{"csv" if model["inputs"]["kind"] == "table" else "npy"}

predicts; {_takes(model["inputs"])} From Python:

    from predict import Program
    Program("this folder").predict(rows)

That needs NumPy, and torch or onnxruntime, but no other package. Inputs are prepared by the model.

| file | what it is |
|---|---|
| `predict.py` | turns cells into numbers, and runs the program |
| `program.pt2` | the program, of `torch.export`: preparation, network and outputs |
| `model.onnx` | {onnx} |
| `weights.safetensors` | the weights, to go on training |
| `model.json` | columns, classes, decisions, scores, versions |

`optuna_nas.load("this folder")` gives back the network. A program is code: load only what comes
from someone you trust.
{scores and chr(10) + scores}"""


def _takes(inputs: dict[str, Any]) -> str:
    shape = ", ".join(map(str, ["n", *inputs.get("shape", [])]))
    if inputs["kind"] != "table":
        return f"rows are an array [{shape}] of {inputs['dtype']}."
    names = ", ".join(f"{c['name']} ({c['kind']})" for c in inputs["columns"][:20])
    more = len(inputs["columns"]) - 20
    listed = f"{names}, and {more} more" if more > 0 else names
    order = "in any order" if inputs["named"] else "in this order, whatever their names"
    return f"the first line of the file names the columns: {listed}; {order}."
