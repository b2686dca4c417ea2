"""``to_svg``: a scene as the text of an SVG file."""

from __future__ import annotations

from html import escape

from optuna_nas.visualization._shapes import Curve
from optuna_nas.visualization._shapes import curve_segments
from optuna_nas.visualization._shapes import FONT
from optuna_nas.visualization._shapes import Rectangle
from optuna_nas.visualization._shapes import Scene
from optuna_nas.visualization._shapes import Text


HEAD = 5.0
"""The length of an arrow's head, in pixels."""


def to_svg(scene: Scene) -> str:
    """The text of an SVG file that needs no other; texts in it are escaped.

    Args:
        scene:
            What is drawn.
    """
    width, height = round(scene.width), round(scene.height)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="{FONT}">',
            f'<rect width="{width}" height="{height}" fill="{scene.background}"/>',
            *map(_shape, scene.shapes),
            "</svg>\n",
        ]
    )


def _shape(shape: Rectangle | Text | Curve) -> str:
    if isinstance(shape, Rectangle):
        return _rectangle(shape)
    return _text(shape) if isinstance(shape, Text) else _curve(shape)


def _rectangle(one: Rectangle) -> str:
    dashes = ' stroke-dasharray="4 3"' if one.dashed else ""
    return (
        f'<rect x="{one.x:.1f}" y="{one.y:.1f}" width="{one.width:.1f}" '
        f'height="{one.height:.1f}" rx="{one.radius:g}" fill="{one.fill}" '
        f'stroke="{one.stroke}" stroke-width="{one.line:g}"{dashes}/>'
    )


def _text(one: Text) -> str:
    weight = ' font-weight="bold"' if one.bold else ""
    return (
        f'<text x="{one.x:.1f}" y="{one.y:.1f}" font-size="{one.size:g}" fill="{one.colour}" '
        f'text-anchor="{one.anchor}"{weight}>{escape(one.text)}</text>'
    )


def _curve(one: Curve) -> str:
    (x, y), (end_x, end_y) = one.points[0], one.points[-1]
    path = [f"M{x:.1f} {y:.1f}"]
    path += [
        f"C{a:.1f} {b:.1f} {c:.1f} {d:.1f} {e:.1f} {f:.1f}"
        for (a, b), (c, d), (e, f) in curve_segments(one.points)
    ]
    dashes = ' stroke-dasharray="4 3"' if one.dashed else ""
    line = (
        f'<path d="{"".join(path)}" fill="none" stroke="{one.colour}" '
        f'stroke-width="{one.line:g}"{dashes}/>'
    )
    if not one.head:
        return line
    tip = f"M{end_x:.1f} {end_y:.1f}l{-HEAD * 0.6:g} {-HEAD:g}h{HEAD * 1.2:g}z"
    return f'{line}<path d="{tip}" fill="{one.colour}"/>'
