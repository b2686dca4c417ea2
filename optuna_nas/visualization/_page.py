"""``page``: diagrams side by side, with a title above and a legend below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from optuna_nas.visualization._draw import drawn
from optuna_nas.visualization._draw import moved
from optuna_nas.visualization._draw import Shape
from optuna_nas.visualization._draw import SIZE
from optuna_nas.visualization._draw import SMALL
from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._shapes import mixed
from optuna_nas.visualization._shapes import Point
from optuna_nas.visualization._shapes import Rectangle
from optuna_nas.visualization._shapes import Scene
from optuna_nas.visualization._shapes import Text
from optuna_nas.visualization._shapes import text_width
from optuna_nas.visualization._style import Style


Size = tuple[float, float]

MARGIN, GAP, PANEL = 18.0, 26.0, 14.0
ASPECT = 1.5
TITLE = 17.0
LINE = 18.0


def page(
    diagrams: Sequence[Diagram],
    style: Style,
    *,
    title: str,
    remarks: Sequence[str] = (),
    legend: Sequence[tuple[str, str, str]] = (),
) -> Drawing:
    """One drawing of several diagrams; those with a title are in panels.

    Args:
        diagrams:
            At least one; of those without a title only the first.
        style:
            How they look.
        title:
            Of all.
        remarks:
            Lines below the title.
        legend:
            Fill, stroke and meaning of colours.
    """
    top = MARGIN + TITLE + LINE * len(remarks) + GAP / 2
    shapes: list[Shape] = []
    first, width, height = list[Shape](), -GAP, 0.0
    if not diagrams[0].title:
        first, width, height, _ = drawn(diagrams[0], style)
    panels = [_panel(diagram, style) for diagram in diagrams if diagram.title]
    sizes = [panel[1:] for panel in panels]
    corners, right, bottom = _best_rows(sizes, MARGIN + width + GAP, top, height)
    for (panel, _, _), corner in zip(panels, corners, strict=True):
        shapes += moved(panel, corner)
    right, bottom = max(right, MARGIN + width), max(bottom, top + height)
    words = [Text(MARGIN, MARGIN + TITLE - 3, title, TITLE, style.ink, True, "start")]
    for i, remark in enumerate(remarks):
        y = MARGIN + TITLE + LINE * (i + 1) - 2
        words.append(Text(MARGIN, y, remark, SIZE, style.faint, anchor="start"))
    widest = max(text_width(one.text, one.size, bold=one.bold) for one in words)
    meanings = (_swatch_width(meaning) for _, _, meaning in legend)
    right = max(right, MARGIN + widest, MARGIN + max(meanings, default=0.0))
    left = MARGIN if panels else MARGIN + (right - MARGIN - width) / 2
    shapes = [*moved(first, (left, top)), *shapes, *words]
    below, end = _legend(legend, style, bottom + GAP, right)
    return Drawing(Scene(right + MARGIN, end + MARGIN, style.background, (*shapes, *below)))


def _panel(diagram: Diagram, style: Style) -> tuple[list[Shape], float, float]:
    shapes, width, height, _ = drawn(diagram, style)
    wide = max(width, text_width(diagram.title, SIZE + 1, bold=True)) + 2 * PANEL
    high = height + 2 * PANEL + LINE + 4
    fill = mixed(style.faint, style.background, 0.05)
    card = Rectangle(0, 0, wide, high, fill, mixed(style.faint, style.background, 0.4), radius=8.0)
    title = Text(PANEL, PANEL + SIZE - 2, diagram.title, SIZE + 1, style.ink, True, "start")
    inside = moved(shapes, ((wide - width) / 2, PANEL + LINE + 4))
    return [card, title, *inside], wide, high


def _best_rows(
    sizes: Sequence[Size], left: float, top: float, height: float
) -> tuple[list[Point], float, float]:
    """Corners of panels in rows, so that all is about as wide as a page; right and bottom."""
    tallest_first = sorted(sizes, key=lambda size: -size[1])
    widths = list(accumulate(width + GAP for width, _ in tallest_first)) or [0.0]
    ways = [_rows(sizes, left, top, limit) for limit in widths]
    return min(ways, key=lambda way: max(way[1] / ASPECT, way[2], top + height))


def _rows(
    sizes: Sequence[Size], left: float, top: float, limit: float
) -> tuple[list[Point], float, float]:
    """The same, the tallest first; a row of several is no wider than the limit."""
    corners: dict[int, Point] = {}
    x, y, right, bottom = left, top, 0.0, 0.0
    for n in sorted(range(len(sizes)), key=lambda n: -sizes[n][1]):
        wide, high = sizes[n]
        if x > left and x + wide > left + limit:
            x, y = left, bottom + GAP
        corners[n] = (x, y)
        right, bottom = max(right, x + wide), max(bottom, y + high)
        x += wide + GAP
    return [corners[n] for n in range(len(sizes))], right, bottom


def _legend(
    entries: Sequence[tuple[str, str, str]], style: Style, top: float, right: float
) -> tuple[list[Shape], float]:
    """Swatches with what they mean, in lines; and where they end."""
    shapes: list[Shape] = []
    x, y = MARGIN, top
    for fill, stroke, meaning in entries:
        wide = _swatch_width(meaning)
        if x > MARGIN and x + wide > right:
            x, y = MARGIN, y + LINE
        swatch = 20 if fill != style.background else 0
        if swatch:
            shapes.append(Rectangle(x, y, 14, 12, fill, stroke, radius=3.0))
        shapes.append(Text(x + swatch, y + 10, meaning, SMALL, style.ink, anchor="start"))
        x += wide
    return shapes, y + (LINE if entries else 0.0)


def _swatch_width(meaning: str) -> float:
    return 20 + text_width(meaning, SMALL) + 10
