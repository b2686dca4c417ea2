"""``drawn``: diagrams as shapes. Boxes within a box are laid out first, and then are one box."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from optuna_nas.visualization._graph import Box
from optuna_nas.visualization._graph import Diagram
from optuna_nas.visualization._layout import LANE
from optuna_nas.visualization._layout import Layout
from optuna_nas.visualization._layout import layout
from optuna_nas.visualization._shapes import Curve
from optuna_nas.visualization._shapes import mixed
from optuna_nas.visualization._shapes import Point
from optuna_nas.visualization._shapes import Rectangle
from optuna_nas.visualization._shapes import Text
from optuna_nas.visualization._shapes import text_width
from optuna_nas.visualization._style import MARK
from optuna_nas.visualization._style import Style


Shape = Rectangle | Text | Curve

SIZE, SMALL = 12.0, 10.0
"""Of fonts, in pixels."""

LINE_HEIGHT, PADDING, FRAME = 16.0, 8.0, 14.0
ROUND = 24.0
"""The diameter of a sum."""

BEHIND = 4.0
"""How far what stands for several shows a second one behind it."""


Drawn = tuple[list[Shape], float, float, float]


def drawn(diagram: Diagram, style: Style) -> Drawn:
    """The shapes of a diagram, their width and height, and the middle of the first box.

    Args:
        diagram:
            What is drawn.
        style:
            How.
    """
    inner = [drawn(box.inside, style) if box.inside else None for box in diagram.boxes]
    sizes = [
        _frame_size(box, within, style) if within else _size(box, style)
        for box, within in zip(diagram.boxes, inner, strict=True)
    ]
    placed = layout(sizes, [(arrow.tail, arrow.head) for arrow in diagram.arrows])
    shapes: list[Shape] = [*_curves(diagram, placed, style)]
    for n, box in enumerate(diagram.boxes):
        within = inner[n]
        if within:
            shapes += _framed(box, within, placed.corners[n], sizes[n], style)
        elif box.kind != "port":
            shapes += _box(box, placed.corners[n], sizes[n], style)
    return shapes, placed.width, placed.height, placed.corners[0][0] + sizes[0][0] / 2


def moved(shapes: Sequence[Shape], by: Point) -> list[Shape]:
    """Shapes elsewhere.

    Args:
        shapes:
            Any.
        by:
            How far to the right and down.
    """
    dx, dy = by
    return [
        replace(one, points=tuple((x + dx, y + dy) for x, y in one.points))
        if isinstance(one, Curve)
        else replace(one, x=one.x + dx, y=one.y + dy)
        for one in shapes
    ]


def _curves(diagram: Diagram, placed: Layout, style: Style) -> Iterator[Curve]:
    """The arrows, those with a mark last and so on top; a way that several share once."""
    drawn_already: set[tuple[Point, ...]] = set()
    for number in sorted(range(len(diagram.arrows)), key=lambda n: diagram.arrows[n].changed):
        arrow, points = diagram.arrows[number], placed.routes[number]
        tail, head = diagram.boxes[arrow.tail], diagram.boxes[arrow.head]
        while not arrow.changed and len(points) > 2 and points[:2] in drawn_already:
            points = points[1:]
        drawn_already |= {(a, b) for a, b in pairwise(points)}
        yield Curve(
            points,
            MARK if arrow.changed else style.faint,
            line=2.6 if arrow.changed else 1.2,
            head=head.kind != "port",
            dashed=not head.used or not tail.used,
        )


def _size(box: Box, style: Style) -> tuple[float, float]:
    if box.kind == "port":
        return LANE, 0.0
    if box.kind == "sum":
        return ROUND, ROUND
    widths = [text_width(line.text, SIZE, bold=_is_bold(box)) for line in box.lines]
    asides = [aside for aside in (box.note, style.footer(box)) if aside]
    widths += [text_width(aside, SMALL) for aside in asides]
    more = _times_width(box) + (BEHIND if box.times > 1 else 0.0)
    height = LINE_HEIGHT * (len(box.lines) + len(asides)) + PADDING
    return max(widths) + 2 * PADDING + more, height + (BEHIND if box.times > 1 else 0.0)


def _is_bold(box: Box) -> bool:
    return bool(box.letter) or box.changed


def _times_width(box: Box) -> float:
    return text_width(f" ×{box.times}", SIZE + 3, bold=True) if box.times > 1 else 0.0


def _box(box: Box, corner: Point, size: tuple[float, float], style: Style) -> list[Shape]:
    (x, y), (width, height) = corner, size
    behind = BEHIND if box.times > 1 else 0.0
    card = Rectangle(
        x,
        y,
        width - behind,
        height - behind,
        style.fill(box),
        style.stroke(box),
        line=2.6 if box.changed else 1.2,
        radius=ROUND / 2 if box.kind in ("sum", "input") else 5.0,
        dashed=not box.used,
    )
    shapes: list[Shape] = [card]
    if behind:
        shapes.insert(0, replace(card, x=x + behind, y=y + behind))
    middle = x + (width - behind - _times_width(box)) / 2
    if box.kind == "sum":
        return [card, Text(middle, y + ROUND / 2 + 5, "+", SIZE + 3, style.ink)]
    below = y + LINE_HEIGHT
    for line in box.lines:
        bold = line.changed or bool(box.letter)
        shapes.append(Text(middle, below, line.text, SIZE, style.ink, bold))
        below += LINE_HEIGHT
    for aside in (box.note, style.footer(box)):
        if aside:
            shapes.append(Text(middle, below - 1, aside, SMALL, style.aside))
            below += LINE_HEIGHT
    if box.times > 1:
        side, base = x + width - behind - PADDING / 2, y + (height - behind) / 2 + 5
        shapes.append(Text(side, base, f"×{box.times}", SIZE + 3, style.ink, True, "end"))
    return shapes


def _frame_size(box: Box, within: Drawn, style: Style) -> tuple[float, float]:
    """So that what comes in does so in the middle, with words left and right of it."""
    assert box.inside is not None
    _, width, height, entry = within
    words = max(_times_width(box), text_width(style.footer(box), SMALL)) + 2 * PADDING
    return 2 * max(entry + FRAME, width - entry + FRAME, words) + BEHIND, height + BEHIND


def _framed(
    box: Box, within: Drawn, corner: Point, size: tuple[float, float], style: Style
) -> list[Shape]:
    """A frame around other boxes, with what comes in led to them, and what they give led out."""
    (x, y), (width, height), (shapes, _, _, entry) = corner, size, within
    wide, high = width - BEHIND, height - BEHIND
    fill = mixed(style.faint, style.background, 0.07)
    card = Rectangle(x, y, wide, high, fill, style.faint, radius=8.0)
    top = y + LINE_HEIGHT + 4
    total = Text(x + PADDING, top - 2, style.footer(box), SMALL, style.faint, anchor="start")
    side = x + wide - PADDING
    times = Text(side, top, f"×{box.times}", SIZE + 3, style.ink, True, "end")
    inside = moved(shapes, (x + width / 2 - entry, y))
    return [replace(card, x=x + BEHIND, y=y + BEHIND), card, *inside, total, times]
