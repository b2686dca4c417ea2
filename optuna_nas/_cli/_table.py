"""``read_table``: a CSV file as columns of text, or one error that says what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
import csv
from dataclasses import dataclass
import math
from pathlib import Path

from optuna_nas._cli._errors import BadInput


MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """The cells of a file.

    Args:
        path:
            The file.
        columns:
            From a column's name to its cells.
        lines:
            Where in the file each row ends.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)


def read_table(path: Path) -> Table:
    """Reads a CSV file with a header; comma, semicolon or tab between the cells.

    Args:
        path:
            The file, in UTF-8.

    Raises:
        BadInput:
            If it cannot be read, is empty, has no header or a bad one, or has rows that are too
            long or too short.
    """
    rows = _rows(path)
    if not rows:
        raise BadInput(f"{path} is empty: it needs a header and rows of data.")
    _, header = rows.pop(0)
    _check_header(path, header)
    if not rows:
        raise BadInput(f"{path} has a header but no rows.")
    for line, row in rows:
        if len(row) != len(header):
            raise BadInput(
                f"{path}, line {line}: {len(row)} cells, but the header has {len(header)}."
            )
    cells = zip(*(row for _, row in rows), strict=True)
    columns = {name: list(column) for name, column in zip(header, cells, strict=True)}
    return Table(path, columns, [line for line, _ in rows])


def check_complete(table: Table) -> None:
    """Checks that no cell is missing.

    Args:
        table:
            What to check, without the columns that nobody uses.

    Raises:
        BadInput:
            If some are, with how many in which columns.
    """
    holes = {
        name: rows
        for name, cells in table.columns.items()
        if (rows := [row for row, cell in enumerate(cells) if cell.lower() in MISSING])
    }
    if not holes:
        return
    told = [
        f"column {name!r} has {len(rows):,} (first in line {table.lines[rows[0]]})"
        for name, rows in list(holes.items())[:5]
    ]
    more = f", and {len(holes) - 5} columns more" if len(holes) > 5 else ""
    raise BadInput(
        f"{table.path} has missing cells: {', '.join(told)}{more}. Fill them in, take those rows "
        f"out, or leave a column out: --drop {next(iter(holes))!r}."
    )


def numbers(cells: Sequence[str]) -> list[float] | None:
    """Returns the cells as numbers, or None if one of them is none.

    Args:
        cells:
            A column.
    """
    values = []
    for cell in cells:
        value = number(cell)
        if value is None:
            return None
        values.append(value)
    return values


def number(cell: str) -> float | None:
    """Returns a cell as a finite number, or None.

    Args:
        cell:
            A cell.
    """
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its last line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(DELIMITERS, key=first.count)
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except FileNotFoundError:
        raise BadInput(
            f"{path} is not there. DATA is a CSV file, or 'digits' for scikit-learn's digits."
        ) from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a directory; DATA is a CSV file, or 'digits'.") from None
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} cannot be read as a CSV file: it is not text in UTF-8 ({error.reason} at "
            f"byte {error.start:,})."
        ) from None
    except (OSError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as a CSV file: {error}.") from None
    return [(line, row) for line, row in rows if any(row)]


def _check_header(path: Path, header: list[str]) -> None:
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
