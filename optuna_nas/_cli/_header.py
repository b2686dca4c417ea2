"""A table's header, and what its names alone tell of a command line, before anything is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import csv
import math
from pathlib import Path
from typing import Any
from typing import TypeAlias

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._options import Options


Lines: TypeAlias = Iterator[tuple[int, list[str]]]
"""Rows that are not blank, each with the number of its last line."""

TEXTS = (".csv", ".tsv", ".txt")
DELIMITERS = (",", ";", "\t")


def check_columns(options: Options) -> None:
    """Checks the options that name columns by the header of DATA, if that is a text file.

    Args:
        options:
            The command line.

    Raises:
        BadInput:
            If there is no such header, or one of them is not in it.
    """
    path = Path(options.data)
    if path.suffix.lower() in TEXTS and path.is_file():
        with text_rows(path) as (_, header, _):
            check_names(header, options.target, options.drop, path)


@contextmanager
def text_rows(path: Path) -> Iterator[tuple[str, list[str], Lines]]:
    """Opens a text file: what is between its cells, its header, and what is under it.

    Args:
        path:
            Of the file, in UTF-8; it is read as far as the rows are asked for.

    Raises:
        BadInput:
            If it cannot be read, is empty, or has no header or a bad one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), "")
            delimiter = max(DELIMITERS, key=first.count)
            file.seek(0)
            rows = _rows(csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True))
            _, header = next(rows, (0, []))
            if not header:
                raise BadInput(f"{path} is empty: it needs a header and rows of data.")
            header = [name.strip() for name in header]
            check_header(path, header)
            yield delimiter, header, rows
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} cannot be read as a table: it is not text in UTF-8 ({error.reason} at byte "
            f"{error.start:,})."
        ) from None
    except (OSError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as a table: {error}.") from None


def check_header(path: Path, header: list[str]) -> None:
    """Checks that there is a header, in which each column has a name of its own.

    Args:
        path:
            The table, for errors.
        header:
            Its names.

    Raises:
        BadInput:
            If not.
    """
    if all(number(name) is not None for name in header):
        raise BadInput(
            f"{path} has no header: its first line holds only numbers ({', '.join(header[:3])}"
            f"{', ...' if len(header) > 3 else ''}). Put the columns' names above it."
        )
    if "" in header:
        raise BadInput(
            f"{path}: column {header.index('') + 1} has no name in the header. If it numbers the "
            "rows, write the file without it (pandas: to_csv(..., index=False))."
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise BadInput(
            f"{path}: the header names {', '.join(map(repr, twice))} more than once. Give each "
            "column a name of its own."
        )


def check_names(header: list[str], target: str | None, drop: Sequence[str], path: Path) -> None:
    """Checks what the command line says of columns.

    Args:
        header:
            The columns that there are.
        target:
            The one to predict.
        drop:
            Which to leave out.
        path:
            Their file, for errors.

    Raises:
        BadInput:
            If one is not there, or none is left to learn from.
    """
    for option, name in [("--target", target), *(("--drop", name) for name in drop)]:
        _check_there(option, name, header, path)
    if target in drop:
        raise BadInput(f"--drop {target!r}: that is the target.")
    if set(header) == {target, *drop}:
        raise BadInput(f"{path} has no column beside the target {target!r} to learn from.")


def number(cell: str) -> float | None:
    """Returns a text as a finite number, or None.

    Args:
        cell:
            The text.
    """
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _rows(reader: Any) -> Lines:
    return ((reader.line_num, row) for row in reader if any(map(str.strip, row)))


def _check_there(option: str, name: str | None, header: list[str], path: Path) -> None:
    listed = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
    if name is None:
        raise BadInput(f"--target is missing: which column of {path} to predict ({listed}).")
    if name not in header:
        raise BadInput(
            f"{option} {name!r} is not a column of {path}.{nearest(name, header)} The columns are "
            f"{listed}."
        )
