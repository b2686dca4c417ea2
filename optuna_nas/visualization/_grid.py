"""``Grid``: a row for each option of each decision, with a gap between decisions."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import escaped


ROW = 17
"""Pixels."""

HEAD = 125
"""What is above and below the rows, in pixels."""

BAR = 200
"""Pixels of the colours' legend."""

PALE = "#e4e4e4"
LONGEST = 32
"""Letters of a label."""


class Grid:
    """Where rows are.

    Args:
        labels:
            For each decision what its options are called.

    Attributes:
        rows:
            The decision and the place of its option in each row, or None in a gap.
        texts:
            What stands beside each row, escaped.
    """

    def __init__(self, labels: Mapping[str, Sequence[str]]) -> None:
        self.rows: list[tuple[str, int] | None] = []
        self.texts: list[str] = []
        for name, options in labels.items():
            if self.rows:
                self.rows.append(None)
                self.texts.append("")
            self.rows += [(name, i) for i in range(len(options))]
            self.texts += [escaped(_label(name, option)) for option in options]

    @property
    def height(self) -> int:
        """Of all rows, in pixels."""
        return max(6, len(self.rows)) * ROW


def heatmap(
    go: Any,
    grid: Grid,
    columns: Sequence[Mapping[tuple[str, int], float]],
    texts: Sequence[Mapping[tuple[str, int], str]],
    *,
    legend: str,
    xaxis: str = "x",
    x: Sequence[float] | None = None,
) -> list[Any]:
    """Traces with a cell for each option and column, from 0 (white) to 1, or grey.

    Args:
        go:
            ``plotly.graph_objects``.
        grid:
            The rows.
        columns:
            What is known in each, by decision and option; the rest is grey.
        texts:
            Likewise what is said of it; escaped already.
        legend:
            What the colours stand for.
        xaxis:
            Plotly's name of it.
        x:
            Where the columns are; by default 0, 1, and so on.
    """
    z = [[None if row is None else one.get(row) for one in columns] for row in grid.rows]
    said = [
        ["" if row is None else f"{label}<br>{one.get(row, '')}" for one in texts]
        for row, label in zip(grid.rows, grid.texts, strict=True)
    ]
    unknown = [
        [1 if row is not None and cell is None else None for cell in cells]
        for row, cells in zip(grid.rows, z, strict=True)
    ]
    shared = {
        "x": list(range(len(columns))) if x is None else list(x),
        "y": list(range(len(grid.rows))),
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "xaxis": xaxis,
    }
    bar = {"title": {"text": legend}, "thickness": 12, "y": 1, "yanchor": "top"}
    bar |= {"len": min(BAR, grid.height), "lenmode": "pixels"}
    cells = {"text": said, "hoverinfo": "text", "colorscale": "Blues", "colorbar": bar}
    known = go.Heatmap(z=z, **cells, **shared)
    if not any(any(row) for row in unknown):
        return [known]
    grey = {"colorscale": [[0, PALE], [1, PALE]], "showscale": False, "hoverinfo": "skip"}
    return [known, go.Heatmap(z=unknown, **grey, **shared)]


def grid_axis(grid: Grid, **options: Any) -> dict[str, Any]:
    """The axis beside the rows.

    Args:
        grid:
            The rows.
        **options:
            What else Plotly's axis has.
    """
    ticks = [i for i, row in enumerate(grid.rows) if row is not None]
    return axis(
        "",
        tickvals=ticks,
        ticktext=[grid.texts[i] for i in ticks],
        range=[len(grid.rows) - 0.5, -0.5],
        showgrid=False,
        automargin=True,
        **options,
    )


def _label(name: str, option: str) -> str:
    text = f"{name} = {option}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 15]}...{text[-12:]}"
