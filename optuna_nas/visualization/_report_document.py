"""A report as data: what stands in it, whatever it is written as.

All text in it is plain; only what writes it knows markup, and escapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

from optuna_nas.study._text_table import is_number
from optuna_nas.study._text_table import texts


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Args:
        text:
            Plain.
    """

    text: str


@dataclass(frozen=True)
class Code:
    """What is typed as it stands.

    Args:
        text:
            Some lines.
        language:
            As Markdown names it.
    """

    text: str
    language: str


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        columns:
            The headers.
        rows:
            The cells.
        right:
            For each column, whether it is flush right.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]


@dataclass(frozen=True)
class Picture:
    """A picture.

    Args:
        name:
            Of its file, without the ending.
        caption:
            What it shows.
        drawn:
            A :class:`Drawing`, or a Matplotlib figure.
    """

    name: str
    caption: str
    drawn: Any


Part: TypeAlias = Text | Code | Table | Picture


@dataclass(frozen=True)
class Section:
    """A part of a report with a heading.

    Args:
        title:
            The heading.
        parts:
            What stands below.
        folded:
            Whether only the heading is seen before it is opened, where that can be.
    """

    title: str
    parts: tuple[Part, ...]
    folded: bool = False


@dataclass(frozen=True)
class Document:
    """A report.

    Args:
        title:
            The first heading.
        sections:
            In order.
        footer:
            The last line.
    """

    title: str
    sections: tuple[Section, ...]
    footer: str


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Returns a table of values, the numbers of a column with as many decimals each.

    Args:
        columns:
            The headers.
        rows:
            The values, None for none.
    """
    values = list(zip(*rows, strict=True))
    right = (all(value is None or is_number(value) for value in column) for column in values)
    cells = zip(*(texts([_single(v) for v in column]) for column in values), strict=True)
    return Table(tuple(columns), tuple(cells), tuple(right))


def in_seconds(values: Sequence[float | None]) -> list[float | None]:
    """Returns seconds for a column of a table: a clock that others disturb has no more digits.

    Args:
        values:
            At least 0, None for none.
    """
    digits = 1 if any(value is not None and value >= 1 for value in values) else 3
    return [None if value is None else round(value, digits) for value in values]


def number(value: float) -> str:
    """Returns a number as it stands in a sentence.

    Args:
        value:
            Any, but not None.
    """
    return texts([float(value)])[0]


def duration(seconds: float) -> str:
    """Returns ``4.2 s``, ``3 min 20 s`` or ``2 h 5 min``.

    Args:
        seconds:
            At least 0.
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _single(value: Any) -> Any:
    """Whole numbers among others would lose their decimals as floats do; ints stay as they are."""
    return value if is_number(value) or value is None else str(value)
