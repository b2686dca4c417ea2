"""Pictures of a report as images: inline, or as files."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

from optuna_nas.visualization._drawing import Drawing
from optuna_nas.visualization._report_document import Picture


SCALE = 2
"""Pixels of a PNG to one on the page, which is also what paper wants."""

PIXELS = 96
MARKS = 2000
"""A figure with more is a PNG: as SVG it would be large, and slow to show."""


def data_uri(picture: Picture) -> str:
    """Returns an image as the address of itself.

    Args:
        picture:
            Any.
    """
    if isinstance(picture.drawn, Drawing):
        return _uri("svg+xml", picture.drawn.svg.encode())
    kind = "png" if _marks(picture.drawn) > MARKS else "svg"
    return _uri("png" if kind == "png" else "svg+xml", _saved(picture.drawn, kind))


def save_image(picture: Picture, folder: Path) -> str:
    """Writes an image, and returns the name of the file.

    Args:
        picture:
            A drawing is an SVG where Matplotlib, which makes PNGs, is missing.
        folder:
            Where.
    """
    name = f"{picture.name}.png"
    if isinstance(picture.drawn, Drawing):
        try:
            picture.drawn.save(folder / name)
        except ImportError:
            name = f"{picture.name}.svg"
            picture.drawn.save(folder / name)
        return name
    (folder / name).write_bytes(_saved(picture.drawn, "png"))
    return name


def width(picture: Picture) -> int:
    """Returns how wide a picture is, in pixels of a page.

    Args:
        picture:
            Any.
    """
    if isinstance(picture.drawn, Drawing):
        return round(picture.drawn.scene.width)
    inches: float = picture.drawn.get_figwidth()
    return round(inches * PIXELS)


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode('ascii')}"


def _saved(figure: Any, kind: str) -> bytes:
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=PIXELS * SCALE)
    return file.getvalue()


def _marks(figure: Any) -> int:
    """About how many things are drawn."""
    marks = 0
    for panel in figure.axes:
        marks += sum(len(line.get_xdata()) for line in panel.lines)
        marks += sum(max(len(c.get_offsets()), len(c.get_paths())) for c in panel.collections)
        marks += len(panel.patches)
    return marks
