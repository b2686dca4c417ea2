"""Rows to check a program with: with all that the input may hold, drawn from what it learned."""

from __future__ import annotations

from datetime import datetime
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import numpy as np

from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._columns import CATEGORY
from optuna_nas._estimator._columns import columns_like
from optuna_nas._estimator._columns import DURATION
from optuna_nas._estimator._columns import is_missing
from optuna_nas._estimator._columns import NUMBER
from optuna_nas._estimator._columns import PARTS
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._table import TableInputs
from optuna_nas._export._features import features_of
from optuna_nas._export._schema import codes_of


TABLE_ROWS = 96
GRID_ROWS = 6
UNSEEN = "a category that fit has never seen"


def drawn_rows(inputs: TableInputs | GridInputs) -> Array:
    """Rows like those that it learned from; of a table also missing cells and unseen categories.

    Args:
        inputs:
            What prepares rows.

    Returns:
        Of a table, an array of objects ``[n, columns]``, in the order of its columns.
    """
    rng = np.random.default_rng(0)
    if isinstance(inputs, GridInputs):
        scaled = rng.normal(size=(GRID_ROWS, *inputs.shape))
        if inputs.kind == "image" and len(inputs.shape) == 2:
            scaled = scaled[..., None]
        grids: Array = inputs.mean + inputs.deviation * scaled
        return grids.reshape(GRID_ROWS, *inputs.shape)
    numbers, codes = iter(_numbers(inputs, rng).T), iter(codes_of(inputs))
    columns: list[list[Any]] = []
    for kind in inputs.kinds:
        if kind == NUMBER:
            columns.append([float(value) for value in next(numbers)])
        elif kind == DURATION:
            columns.append([timedelta(seconds=float(value)) for value in next(numbers)])
        elif kind == CATEGORY:
            texts = [*next(codes), UNSEEN]
            columns.append([texts[i] for i in rng.integers(len(texts), size=TABLE_ROWS)])
        else:
            columns.append(_times([next(numbers) for _ in range(PARTS)]))
    rows = np.empty((TABLE_ROWS, len(columns)), object)
    for i, cells in enumerate(columns):
        rows[:, i] = cells
    rows[rng.random(rows.shape) < 0.1] = None
    rows[0] = None
    return rows


def write_rows(rows: Any, inputs: TableInputs | GridInputs | None, folder: Path) -> Path:
    """Writes rows as ``predict.py`` reads them: a .json file of a table, a .npy file of an array.

    Args:
        rows:
            As the user has them.
        inputs:
            What prepares them, or None.
        folder:
            Where.

    Returns:
        The file.
    """
    if not isinstance(inputs, TableInputs):
        path = folder / "rows.npy"
        np.save(path, np.asarray(rows), allow_pickle=False)
        return path
    path = folder / "rows.json"
    columns = columns_like(rows, inputs.names, len(inputs.kinds))
    names = inputs.names or map(str, range(len(columns)))
    cells = {
        name: [_written(cell, kind) for cell in _plain(column.values)]
        for name, column, kind in zip(names, columns, inputs.kinds, strict=True)
    }
    path.write_text(json.dumps(cells), "utf-8")
    return path


def _numbers(inputs: TableInputs, rng: np.random.Generator) -> Array:
    """Numbers and parts of times, each within and a bit beyond what was there."""
    learned = {name: values.numpy() for name, values in features_of(inputs).items()}
    numbers = np.tile(learned["median"], (TABLE_ROWS, 1))
    shape = (TABLE_ROWS, len(learned["plain"]))
    numbers[:, learned["plain"]] = learned["mean"] + learned["scale"] * rng.normal(size=shape)
    for column, quantiles in zip(learned["heavy"], learned["quantiles"], strict=True):
        spread = rng.normal(scale=0.1 * (1 + np.abs(quantiles)), size=(2, len(quantiles)))
        numbers[:, column] = rng.choice(
            np.concatenate([quantiles, *(quantiles + spread)]), TABLE_ROWS
        )
    return numbers


def _times(parts: list[Array]) -> list[datetime]:
    limits = ((1700, 2200), (1, 12), (1, 28), (0, 23))
    year, month, day, hour = (
        np.clip(np.round(values), low, high).astype(int)
        for values, (low, high) in zip(parts, limits, strict=False)
    )
    times = zip(year.tolist(), month.tolist(), day.tolist(), hour.tolist(), strict=True)
    return [datetime(*time) for time in times]


def _plain(values: Array) -> Array:
    return values / np.timedelta64(1, "s") if values.dtype.kind == "m" else values


def _written(cell: Any, kind: str) -> Any:
    if is_missing(cell):
        return None
    if kind in (NUMBER, DURATION):
        return cell.total_seconds() if isinstance(cell, timedelta) else float(cell)
    return str(cell) if kind == CATEGORY or not hasattr(cell, "isoformat") else cell.isoformat()
