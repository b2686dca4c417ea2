"""``write``: the files of an export."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save
import torch
from torch import Tensor
from torch.export import Dim
from torch.export import ExportedProgram

import optuna_nas
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas._export import _predict
from optuna_nas._export._features import features_of
from optuna_nas._export._fitted import Fitted
from optuna_nas._export._folder import FORMAT
from optuna_nas._export._folder import MODEL
from optuna_nas._export._folder import ONNX
from optuna_nas._export._folder import PREDICT
from optuna_nas._export._folder import PROGRAM
from optuna_nas._export._folder import README
from optuna_nas._export._folder import VERSION
from optuna_nas._export._folder import WEIGHTS
from optuna_nas._export._networks import described
from optuna_nas._export._networks import structure
from optuna_nas._export._onnx import silent
from optuna_nas._export._onnx import to_onnx
from optuna_nas._export._onnx import where
from optuna_nas._export._prediction import make_prediction
from optuna_nas._export._prediction import Prediction
from optuna_nas._export._readme import readme
from optuna_nas._export._rows import drawn_rows
from optuna_nas._export._schema import schema_of


ROWS = 4
"""To trace a program with; it then takes any number."""

LABELS = "biufU"
"""Kinds of NumPy's dtypes that JSON has."""


def check_fitted(fitted: Fitted) -> None:
    """Checks what is to be exported.

    Args:
        fitted:
            What was trained.

    Raises:
        TypeError, ValueError:
            If its example is empty, or missing where it is needed; if labels are of a kind that
            JSON has not, or not as many as outputs; or if it gives something else than a tensor.
    """
    if fitted.inputs is None and not isinstance(fitted.example, Tensor):
        raise TypeError(
            "example must be a tensor of rows, [n, ...], as the module takes them, but is "
            f"{type(fitted.example).__name__}."
        )
    if fitted.example is not None and len(fitted.example) == 0:
        raise ValueError("example must hold at least one row, but is empty.")
    labels = fitted.targets.labels if isinstance(fitted.targets, Classes) else ()
    wrong = [label for label in labels if np.asarray(label).dtype.kind not in LABELS]
    if wrong:
        raise TypeError(
            f"classes must be strings, numbers or bools, but there is {wrong[0]!r} "
            f"({type(wrong[0]).__name__})."
        )
    rows = fitted.example if fitted.inputs is None else drawn_rows(fitted.inputs)
    rows = rows[:ROWS]
    _check_outputs(fitted.outputs(rows), len(rows), len(labels))


def _check_outputs(outputs: Any, rows: int, classes: int) -> None:
    legal = "the network must give one tensor, [n, ...], but"
    if not isinstance(outputs, Tensor):
        raise TypeError(f"{legal} gives a {type(outputs).__name__}.")
    shape = list(outputs.shape)
    if shape[:1] != [rows] or len(shape) < 2:
        raise TypeError(f"{legal} of {rows} rows gives {shape}.")
    if classes and shape[1:] != [classes]:
        raise ValueError(
            f"classes are {classes}, but the network gives [n, {', '.join(map(str, shape[1:]))}]."
        )


def write(fitted: Fitted, folder: Path, *, onnx: bool = True) -> str | None:
    """Writes the files of an export, all but the README.

    Args:
        fitted:
            What was trained.
        folder:
            Where; it exists.
        onnx:
            Whether to try ``model.onnx``.

    Returns:
        Why there is no ``model.onnx``, or None if there is.

    Raises:
        ValueError:
            If ``torch.export`` cannot export the network; says where.
        OSError:
            If a file cannot be written.
    """
    schema = schema_of(fitted)
    rows = _rows_to_trace(fitted, schema)
    prediction = make_prediction(fitted, doubles=fitted.doubles)
    program = _program(prediction, rows)
    (folder / PROGRAM).write_bytes(_saved(program))
    without_onnx = _write_onnx(fitted, program, rows, folder) if onnx else "onnx=False was given"
    (folder / WEIGHTS).write_bytes(save(_weights(fitted, prediction)))
    _write_model(folder, _model(fitted, schema, without_onnx))
    (folder / PREDICT).write_text(Path(_predict.__file__).read_text("utf-8"), "utf-8")
    return without_onnx


def finish(folder: Path, rows: int, difference: float, without_onnx: str | None) -> None:
    """Writes down how the programs were checked, and the README.

    Args:
        folder:
            Of the export.
        rows:
            With how many they were checked.
        difference:
            The largest.
        without_onnx:
            Why there shall be no ``model.onnx``, or None.
    """
    if without_onnx is not None:
        (folder / ONNX).unlink(missing_ok=True)
    model = json.loads((folder / MODEL).read_text("utf-8"))
    model |= {"without_onnx": without_onnx, "checked": {"rows": rows, "difference": difference}}
    _write_model(folder, model)
    (folder / README).write_text(readme(model), "utf-8")


def _write_model(folder: Path, model: dict[str, Any]) -> None:
    text = json.dumps(model, indent=1, default=_plain, ensure_ascii=False)
    (folder / MODEL).write_text(text + "\n", "utf-8")


def _model(fitted: Fitted, schema: dict[str, Any], without_onnx: str | None) -> dict[str, Any]:
    targets = fitted.targets
    known = fitted.network is not None and fitted.params is not None
    return {
        "format": FORMAT,
        "version": VERSION,
        "task": None if targets is None else targets.task,
        "classes": targets.labels.tolist() if isinstance(targets, Classes) else None,
        "flat": isinstance(targets, Numbers) and targets.flat,
        "inputs": schema,
        "network": described(fitted.network),
        "params": structure(fitted.module, fitted.params) if known else None,
        "metrics": dict(fitted.metrics),
        "without_onnx": without_onnx,
        "versions": {"optuna_nas": optuna_nas.__version__, "torch": str(torch.__version__)},
    }


def _rows_to_trace(fitted: Fitted, schema: dict[str, Any]) -> Tensor:
    """Their values do not matter, but to a network that takes rows as they are."""
    if fitted.inputs is None:
        example: Tensor = fitted.example
        return example[torch.arange(ROWS) % len(example)]
    if schema["kind"] != "table":
        return torch.zeros(ROWS, *schema["shape"], dtype=torch.float64)
    categories = sum("codes" in column for column in schema["columns"])
    numbers = len(features_of(fitted.inputs)["median"])
    return torch.zeros(ROWS, numbers + categories, dtype=torch.float64)


def _write_onnx(
    fitted: Fitted, program: ExportedProgram, rows: Tensor, folder: Path
) -> str | None:
    """ONNX Runtime has few operations in float64, so the network computes in float32."""
    if fitted.doubles:
        program = _program(make_prediction(fitted, doubles=False), rows)
    content, reason = to_onnx(program)
    if content is not None:
        (folder / ONNX).write_bytes(content)
    return reason


def _program(prediction: Prediction, rows: Tensor) -> ExportedProgram:
    try:
        with silent():
            return torch.export.export(
                prediction, (rows,), dynamic_shapes=({0: Dim("rows")},), strict=False
            )
    except Exception as error:  # torch's errors have no class in common
        raise ValueError(
            f"the network cannot be exported by torch.export{where(error)}. If its forward has "
            f"len(x), take x.shape[0]: any number of rows must be possible. {error}"
        ) from error


def _saved(program: ExportedProgram) -> bytes:
    """In memory first: of a full disk torch says less than the system does."""
    buffer = io.BytesIO()
    with silent():
        torch.export.save(program, buffer)
    return buffer.getvalue()


def _weights(fitted: Fitted, prediction: Prediction) -> dict[str, Tensor]:
    """The network's as they were trained; copies, since the format takes no shared memory."""
    network = {f"network.{n}": values for n, values in fitted.module.state_dict().items()}
    others = {n: v for n, v in prediction.state_dict().items() if not n.startswith("network.")}
    return {n: v.detach().cpu().clone().contiguous() for n, v in {**network, **others}.items()}


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays, and tuples of them, as JSON has them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"model.json cannot hold {value!r} ({type(value).__name__}).")
