"""Checks of a table's columns before a search: what cannot be learned from is told by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._table import number


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
    header = list(frame.columns)
    for option, name in [("--target", target), *(("--drop", name) for name in drop)]:
        _check_there(option, name, header, path)
    if target in drop:
        raise BadInput(f"--drop {target!r}: that is the target.")
    frame = frame.drop(columns=list(drop))
    if len(frame.columns) == 1:
        raise BadInput(f"{path} has no column beside the target {target!r} to learn from.")
    _check_target(frame[target], path)
    for name in frame.columns.drop(target):
        _check_column(frame[name], path)
        if frame[name].equals(frame[target]):
            raise BadInput(
                f"{path}: column {name!r} is the same as the target {target!r} in each row, so "
                f"there is nothing to learn. Leave it out: --drop {name!r}."
            )
    return frame


def _check_there(option: str, name: str | None, header: list[str], path: Path) -> None:
    listed = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
    if name is None:
        raise BadInput(f"--target is missing: which column of {path} to predict ({listed}).")
    if name not in header:
        raise BadInput(
            f"{option} {name!r} is not a column of {path}.{nearest(name, header)} The columns are "
            f"{listed}."
        )


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
