"""What a drawing is made of, for any backend: rectangles, texts and lines, with their colours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


Point = tuple[float, float]

FONT = "DejaVu Sans, Verdana, Arial, sans-serif"
NARROW, WIDE = " .,:;'|!()[]/iljtfrI", "mwMWΣ@%×+−÷="


@dataclass(frozen=True)
class Rectangle:
    """A rounded rectangle.

    Args:
        x:
            Of its left side.
        y:
            Of its top.
        width:
            In pixels.
        height:
            In pixels.
        fill:
            Its colour.
        stroke:
            The colour of its border.
        line:
            The width of its border.
        radius:
            Of its corners.
        dashed:
            Whether the border is.
    """

    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str
    line: float = 1.2
    radius: float = 5.0
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text.

    Args:
        x:
            Of its left end, middle or right end.
        y:
            Of its base line.
        text:
            What it says.
        size:
            Of the font, in pixels.
        colour:
            Of the letters.
        bold:
            Whether they are.
        anchor:
            ``"start"``, ``"middle"`` or ``"end"``: what x is.
    """

    x: float
    y: float
    text: str
    size: float
    colour: str
    bold: bool = False
    anchor: str = "middle"


@dataclass(frozen=True)
class Curve:
    """An arrow, vertical at each point.

    Args:
        points:
            Where it begins, passes and ends.
        colour:
            Of the line.
        line:
            Its width.
        head:
            Whether it ends in an arrow's head.
        dashed:
            Whether the line is.
    """

    points: tuple[Point, ...]
    colour: str
    line: float = 1.2
    head: bool = True
    dashed: bool = False


@dataclass(frozen=True)
class Scene:
    """All of a drawing, the undermost first.

    Args:
        width:
            In pixels.
        height:
            In pixels.
        background:
            Its colour.
        shapes:
            What is drawn.
    """

    width: float
    height: float
    background: str
    shapes: tuple[Rectangle | Text | Curve, ...]


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is in pixels, rather more than less.

    Args:
        text:
            One line.
        size:
            Of the font, in pixels.
        bold:
            Whether it is.
    """
    ems = sum(0.38 if c in NARROW else 0.86 if c in WIDE else 0.64 for c in text)
    return ems * size * (1.1 if bold else 1.0)


def mixed(colour: str, other: str, share: float) -> str:
    """A colour between two, as ``"#rrggbb"``.

    Args:
        colour:
            As ``"#rrggbb"``.
        other:
            Likewise.
        share:
            Of the first, from 0 to 1.
    """
    pairs = (
        (int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in range(1, len(colour), 2)
    )
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def curve_segments(points: tuple[Point, ...]) -> list[tuple[Point, Point, Point]]:
    """The control points and the end of each cubic curve between two points.

    Args:
        points:
            Of a :class:`Curve`.
    """
    segments = []
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        segments.append(((x0, middle), (x1, middle), (x1, y1)))
    return segments
