"""What rows to predict hold that a network never learned from: new categories, missing cells."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np

from optuna_nas._estimator._columns import CATEGORY
from optuna_nas._estimator._columns import is_frame
from optuna_nas._estimator._columns import is_missing
from optuna_nas._export._predict import cells_of


MOST = 10
"""Columns told of."""


def unfamiliar(rows: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """A line for each column with such cells: how many, and what is made of them.

    Args:
        rows:
            A DataFrame or an array, whose columns are those of the network, in its order.
        schema:
            What ``model.json`` says of its inputs, which are a table.
    """
    told = [line for i, column in enumerate(schema["columns"]) if (line := _line(rows, i, column))]
    yield from told[:MOST]
    if len(told) > MOST:
        yield f"{len(told) - MOST} more of the {len(schema['columns'])} columns have such cells."


def _line(rows: Any, i: int, column: Mapping[str, Any]) -> str:
    cells = rows.iloc[:, [i]] if is_frame(rows) else rows[:, [i]]
    values = np.asarray(cells_of(cells, {"kind": "table", "named": False, "columns": [column]}))
    before, of = f"column {column['name']!r}:", f"of {len(values)} rows"
    if column["kind"] != CATEGORY:
        empty = int(np.isnan(values).any(axis=1).sum())
        return f"{before} {_none(empty, of)}; the median of training is taken" if empty else ""
    unknown = values[:, 0] == 0  # the code of what is unknown or missing
    texts = np.asarray(cells, object)[unknown, 0]
    new = [str(text) for text in texts if not is_missing(text)]
    empty = len(texts) - len(new)
    parts = [_none(empty, of)] * bool(empty)
    if new:
        have = "has a value" if len(new) == 1 else "have values"
        parts.append(
            f"{len(new)} {of} {have} not seen in training ({new[0]!r}"
            f"{', ...' if len(set(new)) > 1 else ''}), treated as missing"
        )
    return f"{before} {'; '.join(parts)}" if parts else ""


def _none(count: int, of: str) -> str:
    return f"{count} {of} {'has' if count == 1 else 'have'} no value"
