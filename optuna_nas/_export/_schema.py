"""What rows look like, as ``model.json`` says it for ``predict.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from optuna_nas._estimator._columns import CATEGORY
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._table import TableInputs
from optuna_nas._export._fitted import Fitted


def schema_of(fitted: Fitted) -> dict[str, Any]:
    """What rows look like.

    Args:
        fitted:
            With what prepares inputs; without, with an example that is a tensor.
    """
    inputs = fitted.inputs
    if isinstance(inputs, TableInputs):
        return {
            "kind": "table",
            "named": inputs.names is not None,
            "columns": _columns(inputs),
            "target": fitted.target,
        }
    if isinstance(inputs, GridInputs):
        return {"kind": inputs.kind, "shape": list(inputs.shape), "dtype": "float64"}
    example: Tensor = fitted.example
    dtype = str(example.dtype).removeprefix("torch.")
    return {"kind": "tensor", "shape": list(example.shape[1:]), "dtype": dtype}


def _columns(inputs: TableInputs) -> list[dict[str, Any]]:
    names = inputs.names or [str(i) for i in range(len(inputs.kinds))]
    codes = iter(codes_of(inputs))
    return [
        {"name": name, "kind": kind, **({"codes": next(codes)} if kind == CATEGORY else {})}
        for name, kind in zip(names, inputs.kinds, strict=True)
    ]


def codes_of(inputs: TableInputs) -> list[dict[str, int]]:
    """Of each column with categories, the code of each; rare ones share one.

    Args:
        inputs:
            What prepares rows.
    """
    if inputs.categories is None:
        return []
    found = []
    for i, categories in enumerate(inputs.categories.categories_):
        texts = [text for text in categories if isinstance(text, str)]
        cells = np.full((len(texts), len(inputs.categories.categories_)), np.nan, object)
        cells[:, i] = texts
        codes = inputs.categories.transform(cells)[:, i] + 1 if texts else ()
        found.append({text: int(code) for text, code in zip(texts, codes, strict=True)})
    return found
