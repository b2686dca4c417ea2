"""``Drawing``: what ``plot_architecture`` and its kin give, to look at or to save."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from optuna_nas.visualization._png import save_png
from optuna_nas.visualization._shapes import Scene
from optuna_nas.visualization._svg import to_svg


@dataclass(frozen=True)
class Drawing:
    """A drawing; notebooks show it.

    Args:
        scene:
            Its shapes.
    """

    scene: Scene

    @property
    def svg(self) -> str:
        """The text of an SVG file that needs no other."""
        return to_svg(self.scene)

    def save(self, path: str | Path, *, scale: float = 2.0) -> None:
        """Writes a file.

        Args:
            path:
                It ends in ``.svg``, or in ``.png``, which needs matplotlib.
            scale:
                Of a PNG: how many of its pixels are one of the SVG's.

        Raises:
            ValueError:
                If the path ends otherwise, or the scale is not above 0.
            ImportError:
                If matplotlib is missing.
        """
        path = Path(path)
        if path.suffix.lower() not in (".svg", ".png"):
            raise ValueError(f"path must end in .svg or .png, but is {str(path)!r}.")
        if not scale > 0:
            raise ValueError(f"scale must be above 0, but is {scale!r}.")
        if path.suffix.lower() == ".svg":
            path.write_text(self.svg, encoding="utf-8")
        else:
            save_png(self.scene, path, scale)

    def _repr_svg_(self) -> str:
        return self.svg
