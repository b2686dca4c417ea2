"""Predicts with the model of this folder: ``python predict.py rows.csv``, or from Python
``Program(folder).predict(rows)``. It needs NumPy, and torch or onnxruntime."""

from __future__ import annotations

import argparse
import csv
from datetime import datetime
from datetime import timedelta
from importlib.util import find_spec
import json
from pathlib import Path
import re
import sys
from typing import Any

import numpy as np


BATCH = 1024
ENDINGS = (".csv", ".json", ".npy", ".npz")
MISSING = ("", "na", "nan", "nat", "none", "null", "n/a", "#n/a", "<na>")
SECONDS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
DURATION = (
    r"(?:(?P<days>-?\d+) days?,? ?)?(?:\+?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>[\d.]+))?",
    r"(?P<minus>-)?P(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>[\d.]+)S)?)?",
)


class Program:
    """The model of a folder.

    Args:
        folder:
            With ``model.json``, and ``program.pt2`` or ``model.onnx``.
        runtime:
            ``"torch"``, ``"onnx"``, or None for the first of them that is installed.
    """

    def __init__(self, folder: Any, runtime: str | None = None) -> None:
        folder = Path(folder)
        self.model = json.loads((folder / "model.json").read_text("utf-8"))
        if runtime is None:
            runtime = "torch" if find_spec("torch") else "onnx"
        load, name = {"torch": (_torch, "program.pt2"), "onnx": (_onnx, "model.onnx")}[runtime]
        self.run = load(str(folder / name))

    def predict(self, rows: Any) -> Any:
        """The likeliest class of each row, or numbers.

        Args:
            rows:
                A DataFrame, a dict of columns, or an array, rows first.
        """
        outputs = self.outputs(rows)
        if self.model["classes"] is not None:
            return np.array(self.model["classes"])[outputs.argmax(1)]
        return outputs[:, 0] if self.model["flat"] else outputs

    def predict_proba(self, rows: Any) -> Any:
        """The probability of each class, ``[n, classes]``.

        Args:
            rows:
                As for :meth:`predict`.
        """
        if self.model["classes"] is None:
            raise ValueError("this model has no classes, so there are no probabilities.")
        return self.outputs(rows)

    def outputs(self, rows: Any) -> Any:
        """Probabilities or numbers, ``[n, outputs]``.

        Args:
            rows:
                As for :meth:`predict`.
        """
        cells = cells_of(rows, self.model["inputs"])
        if len(cells) == 0:
            raise ValueError("there are no rows to predict.")
        starts = range(0, len(cells), BATCH)
        return np.concatenate([self.run(cells[i : i + BATCH]) for i in starts])


def read_file(path: Any) -> Any:
    """Rows: a .npy file, X of a .npz file, a .json file, ``{column: cells}``, or a CSV file.

    Args:
        path:
            The file.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in ENDINGS:
        raise ValueError(f"{path}: rows must be in a file that ends in {', '.join(ENDINGS)}.")
    if suffix == ".json":
        return json.loads(Path(path).read_text("utf-8"))
    if suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            if "X" not in arrays:
                raise ValueError(f"{path} holds no X, but {', '.join(arrays)}.")
            return arrays["X"]
    with open(path, newline="", encoding="utf-8-sig") as file:
        names, *lines = [line for line in csv.reader(file) if line] or [[]]
    for i, line in enumerate(lines):
        if len(line) != len(names):
            raise ValueError(f"row {i} has {len(line)} cells, but the first line {len(names)}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"several columns have one name: {', '.join(map(repr, twice))}.")
    return {name: [line[i] for line in lines] for i, name in enumerate(names)}


def cells_of(rows: Any, inputs: Any) -> Any:
    """What the program takes of rows.

    Args:
        rows:
            A DataFrame, a dict of columns, or an array.
        inputs:
            What ``model.json`` says of them.
    """
    return _table(rows, inputs) if inputs["kind"] == "table" else _array(rows, inputs)


def main() -> None:
    """Prints predictions as CSV."""
    parser = argparse.ArgumentParser(description="Predicts with the model of this folder.")
    parser.add_argument("rows", help="a .csv, .json, .npy or .npz file")
    parser.add_argument("--proba", action="store_true", help="probabilities of all classes")
    parser.add_argument("--runtime", choices=("torch", "onnx"), help="what runs the model")
    given = parser.parse_args()
    try:
        rows = read_file(given.rows)
        program = Program(Path(__file__).parent, given.runtime)
        found = program.predict_proba(rows) if given.proba else program.predict(rows)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    names = program.model["classes"] if given.proba else ["prediction"]
    if found.ndim > 1 and not given.proba:
        found = found.reshape(len(found), -1)
        names = [f"prediction{i}" for i in range(found.shape[1])]
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(names)
    lines.writerows(found.tolist() if found.ndim > 1 else [[one] for one in found.tolist()])


def _torch(path: str) -> Any:
    import torch

    program = torch.export.load(path).module()

    def run(rows: Any) -> Any:
        with torch.no_grad():
            return program(torch.from_numpy(rows)).numpy()

    return run


def _onnx(path: str) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda rows: session.run(None, {name: rows})[0]


def _array(rows: Any, inputs: Any) -> Any:
    array, shape = np.asarray(rows), inputs["shape"]
    if [*array.shape[1:]] != shape or array.dtype.kind not in "biuf":
        expected = ", ".join(map(str, ["n", *shape]))
        raise ValueError(
            f"rows must be numbers of shape [{expected}], but are {array.dtype} of shape "
            f"{[*array.shape]}."
        )
    return np.ascontiguousarray(array.astype(inputs["dtype"]))


def _table(rows: Any, inputs: Any) -> Any:
    """Numbers and parts of times, NaN where one is missing; then codes of categories."""
    numbers, codes = [], []
    for column, cells in zip(inputs["columns"], _columns(rows, inputs), strict=True):
        if column["kind"] == "category":
            found = [column["codes"].get(_text(cell), 0) for cell in cells]
            codes.append(np.array(found, np.float64)[:, None])
        elif column["kind"] == "time":
            numbers.append(_parts([_cell(_time, cell, column, i) for i, cell in enumerate(cells)]))
        elif getattr(cells, "dtype", np.dtype(object)).kind in "biuf":
            numbers.append(_finite(cells.astype(np.float64), column))
        else:
            read = _duration if column["kind"] == "duration" else _number
            found = [_cell(read, cell, column, i) for i, cell in enumerate(cells)]
            numbers.append(_finite(np.array(found, np.float64), column))
    return np.concatenate([*numbers, *codes], axis=1)


def _columns(rows: Any, inputs: Any) -> Any:
    """By name, if the rows that the model learned from had names; else in order."""
    names = [column["name"] for column in inputs["columns"]]
    given = [*(rows if isinstance(rows, dict) else getattr(rows, "columns", ()))]
    if not given:
        array = np.asarray(rows)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise ValueError(
                f"rows must have the shape [n, {len(names)}], but have {[*array.shape]}."
            )
        return array.T
    texts = [str(name) for name in given]
    problems = {"twice": sorted({name for name in texts if texts.count(name) > 1})}
    if inputs["named"]:
        problems["missing"] = [name for name in names if name not in texts]
        problems["unknown"] = [name for name in texts if name not in [*names, inputs["target"]]]
        given = [given[texts.index(name)] for name in names if name in texts]
    if any(problems.values()) or len(given) != len(names):
        told = "".join(f" {what} {', '.join(map(repr, n))};" for what, n in problems.items() if n)
        expected = ", ".join(map(repr, names)) if inputs["named"] else f"{len(names)} of them"
        raise ValueError(f"columns of rows do not fit:{told} the model takes {expected}.")
    return [_cells(rows[name]) for name in given]


def _cells(column: Any) -> Any:
    if str(getattr(column, "dtype", "")).startswith("cat"):
        column = column.astype(object)  # else whole numbers become floats where one is missing
    cells = np.array(column, object) if isinstance(column, list) else np.asarray(column)
    return cells / np.timedelta64(1, "s") if cells.dtype.kind == "m" else cells


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() in MISSING
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or bool(cell != cell)


def _cell(read: Any, cell: Any, column: Any, row: int) -> Any:
    try:
        return None if _is_missing(cell) else read(cell)
    except (AttributeError, TypeError, ValueError):
        raise ValueError(
            f"column {column['name']!r} holds {column['kind']}s, but row {row} has {cell!r}."
        ) from None


def _text(cell: Any) -> str | None:
    """A text that looks missing may be a category: it is unknown, and so missing, if it is not."""
    return cell if isinstance(cell, str) else None if _is_missing(cell) else str(cell)


def _number(cell: Any) -> float:
    words = {"true": 1.0, "false": 0.0}
    return float(words.get(cell.strip().lower(), cell) if isinstance(cell, str) else cell)


def _duration(cell: Any) -> float:
    """Seconds; of a text as in ``1 days 02:30:00`` or ``P1DT2H30M``. A number is in seconds."""
    if isinstance(cell, np.timedelta64):
        return float(cell / np.timedelta64(1, "s"))
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    text = cell.strip() if isinstance(cell, str) else ""
    told = next((form for form in (re.fullmatch(f, text) for f in DURATION) if form), None)
    if told is None or told[0] in ("", "P"):
        return float(cell)
    parts = told.groupdict()
    sign = -1.0 if parts.pop("minus", None) else 1.0
    return sign * sum(SECONDS[unit] * float(count) for unit, count in parts.items() if count)


def _finite(values: Any, column: Any) -> Any:
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise ValueError(f"column {column['name']!r} holds an infinity, in row {row}.")
    return values[:, None]


def _time(cell: Any) -> Any:
    if isinstance(cell, np.datetime64):
        return cell.astype("datetime64[s]")
    if isinstance(cell, str):
        cell = datetime.fromisoformat(cell.strip().replace("Z", "+00:00"))
    return np.datetime64(cell.replace(tzinfo=None), "s")


def _parts(times: Any) -> Any:
    """Year, month, day and hour, and whether it is a Monday, ... a Sunday."""
    values = np.array([np.datetime64("NaT") if t is None else t for t in times], "datetime64[s]")
    days, months = values.astype("datetime64[D]"), values.astype("datetime64[M]")
    parts = (
        values.astype("datetime64[Y]").astype(np.int64) + 1970,
        months.astype(np.int64) % 12 + 1,
        (days - months).astype(np.int64) + 1,
        (values.astype("datetime64[h]") - days).astype(np.int64),
        np.eye(7)[(days.astype(np.int64) + 3) % 7],
    )
    return np.where(np.isnat(values)[:, None], np.nan, np.column_stack(parts))


if __name__ == "__main__":
    main()
