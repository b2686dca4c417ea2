"""``save_png``: a scene as a PNG file, by matplotlib."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from optuna_nas.visualization._shapes import Curve
from optuna_nas.visualization._shapes import curve_segments
from optuna_nas.visualization._shapes import Rectangle
from optuna_nas.visualization._shapes import Scene
from optuna_nas.visualization._shapes import Text
from optuna_nas.visualization._svg import HEAD


POINTS = 0.75
"""Of a font's size, in one pixel: matplotlib has 72 to an inch, this 96."""


def save_png(scene: Scene, path: Path, scale: float) -> None:
    """Writes a PNG file.

    Args:
        scene:
            What is drawn.
        path:
            Where to.
        scale:
            How many of its pixels are one of the scene's.

    Raises:
        ImportError:
            If matplotlib is missing.
    """
    try:
        figures, patches = import_module("matplotlib.figure"), import_module("matplotlib.patches")
        paths = import_module("matplotlib.path")
    except ImportError as error:
        raise ImportError(
            'A PNG needs matplotlib: pip install "optuna-nas[plot]"; or save as .svg, which '
            "needs nothing."
        ) from error
    figure = figures.Figure(figsize=(scene.width / 96, scene.height / 96), dpi=96)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, scene.width), ylim=(scene.height, 0))
    axes.set_axis_off()
    for order, shape in enumerate(scene.shapes):
        if isinstance(shape, Text):
            _add_text(axes, shape, order)
        elif isinstance(shape, Rectangle):
            axes.add_patch(_rectangle(patches, shape, order))
        else:
            for patch in _curve(patches, paths.Path, shape, order):
                axes.add_patch(patch)
    figure.savefig(path, dpi=96 * scale, facecolor=scene.background, format="png")


def _add_text(axes: Any, one: Text, order: int) -> None:
    axes.text(
        one.x,
        one.y,
        one.text,
        parse_math=False,
        fontsize=one.size * POINTS,
        color=one.colour,
        weight="bold" if one.bold else "normal",
        family="DejaVu Sans",
        ha={"start": "left", "middle": "center", "end": "right"}[one.anchor],
        va="baseline",
        zorder=order,
    )


def _rectangle(patches: Any, one: Rectangle, order: int) -> Any:
    radius = min(one.radius, one.width / 2, one.height / 2)
    return patches.FancyBboxPatch(
        (one.x, one.y),
        one.width,
        one.height,
        boxstyle=patches.BoxStyle("Round", pad=0, rounding_size=radius),
        facecolor=one.fill,
        edgecolor=one.stroke,
        linewidth=one.line * POINTS,
        linestyle=(0, (4, 3)) if one.dashed else "solid",
        zorder=order,
    )


def _curve(patches: Any, path: Any, one: Curve, order: int) -> list[Any]:
    vertices, codes = [one.points[0]], [path.MOVETO]
    for segment in curve_segments(one.points):
        vertices += segment
        codes += [path.CURVE4] * 3
    style = (0, (4, 3)) if one.dashed else "solid"
    line = patches.PathPatch(
        path(vertices, codes),
        facecolor="none",
        edgecolor=one.colour,
        linewidth=one.line * POINTS,
        linestyle=style,
        zorder=order,
    )
    x, y = one.points[-1]
    tip = [(x, y), (x - HEAD * 0.6, y - HEAD), (x + HEAD * 0.6, y - HEAD)]
    head = patches.Polygon(tip, closed=True, facecolor=one.colour, edgecolor="none", zorder=order)
    return [line, head] if one.head else [line]
