"""A small table as aligned text, Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
import math
from typing import Any


DIGITS = 4
"""How many significant digits the smallest number of a column has."""

MAX_DECIMALS = 6
"""Numbers that would need more are written one by one, with an exponent."""


def is_number(value: Any) -> bool:
    """Returns whether a value is written as a number; bools are words.

    Args:
        value:
            Anything.
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def texts(values: Sequence[Any]) -> list[str]:
    """Returns values as they stand in a column, numbers with as many decimals each.

    Args:
        values:
            Of one column; None is a dash.
    """
    numbers = [float(v) for v in values if is_number(v) and math.isfinite(v)]
    decimals = _decimals(numbers)
    return [_text(value, decimals) for value in values]


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Returns a table for a terminal.

    Args:
        columns:
            The headers.
        rows:
            The cells.
        right:
            For each column, whether it is flush right.
    """
    lines = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Returns a table in Markdown.

    Args:
        columns:
            The headers.
        rows:
            The cells.
        right:
            For each column, whether it is flush right.
    """
    lines = [[cell.replace("|", "\\|") for cell in line] for line in (columns, *rows)]
    lines.insert(1, ["---:" if flush else "---" for flush in right])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def html(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """Returns a table in HTML.

    Args:
        columns:
            The headers.
        rows:
            The cells.
        right:
            For each column, whether it is flush right.
    """

    def line(tag: str, cells: Sequence[str]) -> str:
        sides = ["right" if flush else "left" for flush in right]
        return "".join(
            f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{line('th', columns)}</tr></thead><tbody>{body}</tbody></table>"


def _decimals(numbers: Sequence[float]) -> int | None:
    """As many as the smallest number needs, less zeros that all end with; None for an exponent."""
    smallest = min((abs(number) for number in numbers if number), default=1.0)
    if max(map(abs, numbers), default=0.0) >= 1e15:
        return None
    if all(number.is_integer() for number in numbers):
        return 0
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(smallest)))
    if decimals > MAX_DECIMALS:
        return None
    written = [f"{number:.{decimals}f}" for number in numbers]
    while decimals and all(number.endswith("0") for number in written):
        written, decimals = [number[:-1] for number in written], decimals - 1
    return decimals


def _text(value: Any, decimals: int | None) -> str:
    if value is None:
        return "-"
    if not is_number(value):
        return str(value)
    return f"{value:.{DIGITS}g}" if decimals is None else f"{value:,.{decimals}f}"
