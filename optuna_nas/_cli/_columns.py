"""Checks of a table's columns before a search: what cannot be learned from is told by name."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._header import check_names
from optuna_nas._cli._header import number


MANY = 100
"""A column of so many texts, most of them different, names things or is prose."""


def take_columns(frame: Any, target: str | None, drop: Sequence[str], path: Path) -> Any:
    """A table without the columns to leave out.

    Args:
        frame:
            The table.
        target:
            The column to predict.
        drop:
            Which to leave out.
        path:
            Its file, for errors.

    Raises:
        BadInput:
            If a column is not there, none is left to learn from, or one cannot be learned from.
    """
    check_names(list(frame.columns), target, drop, path)
    frame = frame.drop(columns=list(drop))
    _check_target(frame[target], path)
    for name in frame.columns.drop(target):
        _check_column(frame[name], path)
        if frame[name].equals(frame[target]):
            raise BadInput(
                f"{path}: column {name!r} is the same as the target {target!r} in each row, so "
                f"there is nothing to learn. Leave it out: --drop {name!r}."
            )
    return frame


def numbering(frame: Any) -> Iterator[str]:
    """A note for each column that may only number or name the rows, which teaches nothing.

    Its cells are all different: texts, or whole numbers in equal steps. Other numbers may be so
    too where they measure something.

    Args:
        frame:
            The table without its target.
    """
    for name in frame.columns:
        if has := _other_in_each_row(frame[name]):
            yield (
                f"note: column {name!r} has another {has} in each row. If it only "
                f"{'numbers' if has == 'number' else 'names'} the rows, there is nothing to learn "
                f"from it: a search with --drop {name!r} leaves it out."
            )


def _other_in_each_row(column: Any) -> str | None:
    if column.isna().any() or not column.is_unique:
        return None
    if column.dtype.kind in "iu":
        steps = np.diff(np.sort(column.to_numpy()))
        return "number" if (steps == steps[:1]).all() else None
    return "text" if all(isinstance(cell, str) for cell in column) else None


def _check_target(column: Any, path: Path) -> None:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise BadInput(
            f"{path}: the target {column.name!r} is missing in {len(missing):,} of "
            f"{len(column):,} rows, the first of them row {missing[0] + 1:,}. Take those rows "
            "out, or fill them in."
        )
    _check_finite(column, path, "Correct such cells.")


def _check_column(column: Any, path: Path) -> None:
    remedy = f"Correct such cells, or leave the column out: --drop {column.name!r}."
    _check_finite(column, path, remedy)
    present = column.dropna()
    if not len(present):
        raise BadInput(
            f"{path}: column {column.name!r} is empty. Leave it out: --drop {column.name!r}."
        )
    if not all(isinstance(cell, str) for cell in present):
        return
    different = present.nunique()
    texts = [row for row, cell in present.items() if number(cell) is None]
    if 0 < len(texts) <= len(present) / 10 and different > MANY:
        raise BadInput(
            f"{path}: column {column.name!r} holds numbers, but also {column[texts[0]]!r} (row "
            f"{texts[0] + 1:,}). {remedy}"
        )
    if different > MANY and different > len(present) / 2:
        raise BadInput(
            f"{path}: column {column.name!r} holds {different:,} different texts in "
            f"{len(present):,} rows, which looks like names or prose. Leave the column out: "
            f"--drop {column.name!r}."
        )


def _check_finite(column: Any, path: Path, remedy: str) -> None:
    if column.dtype.kind != "f":
        return
    infinite = np.flatnonzero(np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan)))
    if len(infinite):
        raise BadInput(
            f"{path}: column {column.name!r} holds an infinity (row {infinite[0] + 1:,}). {remedy}"
        )
