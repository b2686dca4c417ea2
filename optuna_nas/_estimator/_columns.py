"""Columns of a table, as arrays or DataFrames of any library hold them, become NumPy arrays.

A DataFrame is what has ``columns`` and ``dtypes``: neither pandas nor polars need be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from decimal import Decimal
from typing import Any
from typing import TypeAlias

import numpy as np


Array: TypeAlias = np.ndarray[Any, Any]

NUMBER, DURATION, TIME, CATEGORY = "number", "duration", "time", "category"

PARTS = 11
"""A time is its year, month, day and hour, and whether it is a Monday, ... a Sunday."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        name:
            What to call it in an error.
        values:
            Its cells, one dimension; of any dtype.
        marked:
            Whether its table says that it holds categories.
    """

    name: str
    values: Array
    marked: bool = False


def is_frame(x: Any) -> bool:
    """Whether it is a DataFrame.

    Args:
        x:
            What the user gave as X.
    """
    return hasattr(x, "columns") and hasattr(x, "dtypes")


def read_columns(x: Any) -> list[Column]:
    """The columns of a table.

    Args:
        x:
            A DataFrame, or an array of two dimensions.

    Raises:
        ValueError:
            If columns of a DataFrame share a name, there is none, or one is complex.
    """
    if not is_frame(x):
        return [Column(f"{i}", x[:, i]) for i in range(x.shape[1])]
    names = list(x.columns)
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"X has several columns of one name: {', '.join(map(repr, twice))}.")
    if not names:
        raise ValueError("X has no columns, so there is nothing to learn from.")
    columns = [Column(repr(name), _cells(x[name]), _is_marked(x[name])) for name in names]
    for column in columns:
        if column.values.dtype.kind == "c":
            raise ValueError(f"Complex data not supported, but column {column.name} of X is such.")
    return columns


def columns_like(x: Any, names: Sequence[str] | None, count: int) -> list[Column]:
    """The columns of a table, in the order of one before.

    Args:
        x:
            As for :func:`read_columns`.
        names:
            Of the columns before, as strings; None if they had none.
        count:
            How many they were.

    Raises:
        ValueError:
            If columns are missing or unknown.
    """
    columns = read_columns(x)
    if names is None or not is_frame(x):
        if len(columns) != count:
            raise ValueError(f"X has {len(columns)} columns, but had {count} in fit.")
        return columns
    by_name = dict(zip(map(str, x.columns), columns, strict=True))
    missing = [name for name in names if name not in by_name]
    unknown = [name for name in by_name if name not in names]
    if missing or unknown:
        problems = [f"{name!r} is missing" for name in missing]
        problems += [f"{name!r} was not there" for name in unknown]
        raise ValueError(f"the columns of X are not those of fit: {', '.join(problems)}.")
    return [by_name[name] for name in names]


def kind_of(column: Column) -> str:
    """Whether a column holds numbers (and bools), durations, times, or categories.

    Args:
        column:
            As :func:`read_columns` gives it.
    """
    if column.marked:
        return CATEGORY
    kind = column.values.dtype.kind
    if kind in "biuf":
        return NUMBER
    if kind in "mM":
        return DURATION if kind == "m" else TIME
    present = [cell for cell in column.values if not is_missing(cell)]
    if present and all(isinstance(cell, timedelta | np.timedelta64) for cell in present):
        return DURATION
    if kind == "O" and all(_is_number(cell) for cell in present):
        return NUMBER
    if kind == "O" and all(isinstance(cell, datetime) for cell in present):
        return TIME
    return CATEGORY


def read(column: Column, kind: str) -> Array:
    """The cells of a column, as one kind.

    Args:
        column:
            As :func:`read_columns` gives it.
        kind:
            What it was in ``fit``.

    Returns:
        Numbers or seconds ``[n, 1]`` or parts of times ``[n, 11]``, float64; or categories ``[n,
        1]``, strings. What is missing is NaN in all of them.

    Raises:
        ValueError:
            If it holds something else, or an infinity.
        TypeError:
            If a cell is none of number, string, time, duration and missing.
    """
    if kind == CATEGORY:
        return np.array([_category(cell, column) for cell in column.values], object)[:, None]
    found = kind_of(column)
    if found != kind and not all(is_missing(cell) for cell in column.values):
        raise ValueError(
            f"column {column.name} of X held a {kind} in each row in fit, but now holds "
            f"{'other things' if found == CATEGORY else f'a {found}'}; "
            f"the first cell is {column.values[0]!r}."
        )
    return _parts(column.values) if kind == TIME else _numbers(column)[:, None]


def is_missing(cell: Any) -> bool:
    """Whether a cell is None, NaN, NaT or pandas' NA.

    Args:
        cell:
            Of any type.
    """
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, float | np.floating | np.datetime64 | np.timedelta64) and cell != cell


def _cells(series: Any) -> Array:
    if str(series.dtype) == "category":
        # As an array, pandas' whole numbers would become floats where one is missing.
        series = series.astype(object)
    return np.asarray(series)


def _is_marked(series: Any) -> bool:
    return str(series.dtype).lower().startswith(("cat", "enum"))


def _is_number(cell: Any) -> bool:
    return isinstance(cell, bool | int | float | Decimal | np.number | np.bool_)


def _category(cell: Any, column: Column) -> str | float:
    if is_missing(cell):
        return np.nan  # what OrdinalEncoder takes for missing; None it does not
    if isinstance(cell, str | bytes | datetime | np.datetime64) or _is_number(cell):
        return str(cell)
    raise TypeError(
        f"argument must be a string or a number: column {column.name} of X holds {cell!r} "
        f"({type(cell).__name__})."
    )


def _numbers(column: Column) -> Array:
    values = column.values
    if values.dtype.kind == "O":
        cells = (np.nan if is_missing(cell) else _seconds(cell) for cell in values)
        values = np.fromiter(cells, np.float64, len(values))
    elif values.dtype.kind == "m":
        values = values / np.timedelta64(1, "s")
    values = values.astype(np.float64)
    if np.isinf(values).any():
        raise ValueError(
            f"Input X contains infinity, in column {column.name}; the first in row "
            f"{int(np.flatnonzero(np.isinf(values))[0])}."
        )
    return values


def _seconds(cell: Any) -> Any:
    if isinstance(cell, np.timedelta64):
        return cell / np.timedelta64(1, "s")
    return cell.total_seconds() if isinstance(cell, timedelta) else cell


def _parts(values: Array) -> Array:
    if values.dtype.kind == "O":
        local = [None if is_missing(cell) else cell.replace(tzinfo=None) for cell in values]
        values = np.array(local, "datetime64[s]")
    days, months = values.astype("datetime64[D]"), values.astype("datetime64[M]")
    years = values.astype("datetime64[Y]")
    parts = np.column_stack(
        [
            years.astype(np.int64) + 1970,
            months.astype(np.int64) % 12 + 1,
            (days - months).astype(np.int64) + 1,
            (values.astype("datetime64[h]") - days).astype(np.int64),
            np.eye(7)[(days.astype(np.int64) + 3) % 7],  # 1970 began on a Thursday
        ]
    ).astype(np.float64)
    parts[np.isnat(values)] = np.nan
    return parts
