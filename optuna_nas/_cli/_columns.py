"""The columns of a table as features: numbers standardised, texts one-hot, both fitted on the
training part only, and kept as plain numbers so that a saved network can be used again."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import OneHotEncoder
from sklearn.preprocessing import StandardScaler

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._table import number
from optuna_nas._cli._table import numbers
from optuna_nas._cli._table import Table


MAX_CATEGORIES = 100
"""A column with more texts than this names things or is prose, and would be mostly zeros."""


def make_features(
    table: Table, train: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], list[dict[str, Any]]]:
    """Makes features of a table's columns.

    Args:
        table:
            The columns, without the target.
        train:
            Which rows the transformers are fitted on.

    Returns:
        X, ``[rows, features]`` in float32, and for each column what was done to it:
        ``{"column", "mean", "scale"}`` or ``{"column", "categories"}``. A category that is not
        among those is all zeros.

    Raises:
        BadInput:
            If a column holds too many different texts.
    """
    made = [_feature(table, name, train) for name in table.columns]
    x = np.hstack([features for features, _ in made]).astype(np.float32)
    return x, [done for _, done in made]


def _feature(
    table: Table, name: str, train: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    cells = table.columns[name]
    values = numbers(cells)
    if values is not None:
        column = np.array(values)[:, None]
        scaler = StandardScaler().fit(column[train])
        done = {"column": name, "mean": float(scaler.mean_[0]), "scale": float(scaler.scale_[0])}
        return scaler.transform(column), done
    _check_categories(table, name)
    column = np.array(cells, dtype=object)[:, None]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(column[train])
    return encoder.transform(column), {"column": name, "categories": list(encoder.categories_[0])}


def _check_categories(table: Table, name: str) -> None:
    cells = table.columns[name]
    different = set(cells)
    if len(different) <= MAX_CATEGORIES:
        return
    texts = [row for row, cell in enumerate(cells) if number(cell) is None]
    if len(texts) <= len(cells) / 10:
        raise BadInput(
            f"{table.path}: column {name!r} holds numbers, but also {cells[texts[0]]!r} (line "
            f"{table.lines[texts[0]]}). Correct such cells, or leave the column out: "
            f"--drop {name!r}."
        )
    raise BadInput(
        f"{table.path}: column {name!r} holds {len(different):,} different texts, which looks "
        f"like names or prose; at most {MAX_CATEGORIES} categories can be learned from. Leave the "
        f"column out: --drop {name!r}."
    )
