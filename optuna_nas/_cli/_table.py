"""``read_table``: a CSV, TSV or Parquet file as a DataFrame, or one error that says what is wrong.

The form of a text file is checked line by line, since pandas mends silently what it can; what the
cells are, numbers, bools, times or texts, is then told by pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import re
from typing import Any

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._header import check_header
from optuna_nas._cli._header import text_rows
from optuna_nas._cli._header import TEXTS
from optuna_nas._cli._options import DATA


TABLES = (*TEXTS, ".parquet")
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?")


def read_table(path: Path, texts: Sequence[str] = ()) -> Any:
    """Reads a table with a header; in a text file comma, semicolon or tab between the cells.

    Cells that are empty or say NA, NaN, null, None or ? are missing. A column of dates, all as in
    2024-01-31 or 2024-01-31 12:30, holds times.

    Args:
        path:
            The file; a text file in UTF-8.
        texts:
            Columns that are to stay texts, whatever they look like.

    Returns:
        A ``pandas.DataFrame``.

    Raises:
        BadInput:
            If it cannot be read, is empty, has no header or a bad one, or rows that are too long
            or too short.
    """
    check_file(path)
    frame = _parquet(path) if path.suffix.lower() == ".parquet" else _text(path, texts)
    check_header(path, list(map(str, frame.columns)))
    if not len(frame):
        raise BadInput(f"{path} has a header but no rows.")
    return frame


def check_file(path: Path) -> None:
    """Checks that a file is there and not empty.

    Args:
        path:
            Where.

    Raises:
        BadInput:
            If not.
    """
    if not path.exists():
        raise BadInput(f"{path} is not there. DATA is {DATA}.")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty: it needs a header and rows of data.")


def _parquet(path: Path) -> Any:
    import pandas

    try:
        return pandas.read_parquet(path).reset_index(drop=True)
    except ImportError:
        raise BadInput(
            f"{path}: reading Parquet needs pyarrow, which is not installed: "
            "pip install 'optuna-nas[parquet]'."
        ) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as a Parquet file: {error}.") from None


def _text(path: Path, texts: Sequence[str]) -> Any:
    import pandas

    delimiter = _check_lines(path)
    try:
        frame = pandas.read_csv(
            path,
            sep=delimiter,
            skipinitialspace=True,
            na_values=["?"],
            encoding="utf-8-sig",
            dtype=dict.fromkeys(texts, str),
            index_col=False,
            low_memory=False,
        )
    except (OSError, pandas.errors.ParserError) as error:
        raise BadInput(f"{path} cannot be read as a table: {error}.") from None
    frame.columns = frame.columns.str.strip()
    for name in frame.columns.difference(list(texts)):
        frame[name] = _stripped(frame[name])
    return frame


def _stripped(column: Any) -> Any:
    """A column of texts without the spaces around them, or the times that they all are."""
    import pandas

    present = column.dropna()
    if column.dtype.kind != "O" or not all(isinstance(cell, str) for cell in present):
        return column
    column = column.str.strip()
    if len(present) and column.dropna().str.fullmatch(TIME).all():
        return pandas.to_datetime(column, format="ISO8601", utc=True).dt.tz_localize(None)
    return column


def _check_lines(path: Path) -> str:
    """Checks the form of a text file, and returns what is between its cells."""
    with text_rows(path) as (delimiter, header, rows):
        for line, row in rows:
            if len(row) != len(header):
                raise BadInput(
                    f"{path}, line {line}: {len(row)} cells, but the header has {len(header)}."
                )
    return delimiter
