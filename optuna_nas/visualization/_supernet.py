"""``plot_supernet``: what the gates of a gradient-based search did, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from optuna_nas.oneshot import SearchEpoch
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import COLOURS
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._grid import Grid
from optuna_nas.visualization._grid import grid_axis
from optuna_nas.visualization._grid import HEAD
from optuna_nas.visualization._grid import heatmap
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


BLUE, RED, GREEN = COLOURS[:3]
CURVES = 150
"""Pixels of the lower panel."""


def plot_supernet(epochs: Iterable[SearchEpoch], *, params: Sequence[str] | None = None) -> Figure:
    """Plots the gates over epochs, and below their entropy, with a mark where they collapsed.

    A row is an option, its colour the softmax of the gate, grey once it was dropped. Below stand
    the mean entropy of the gates, from 1 (all options equal) to 0 (all decided), and the share of
    operations without parameters in the derived architecture; crosses are on epochs that count as
    collapsed, and why is in their hover.

    Example:

        .. code-block:: python

            epochs = list(darts(supernet, train, valid, epochs=50))
            plot_supernet(epochs).show()

    Args:
        epochs:
            What :func:`optuna_nas.oneshot.darts` yields, or what it has yielded so far; of
            ``progressive`` and its like the second of each pair.
        params:
            Which decisions are drawn; by default all.

    Returns:
        A figure; empty, and saying so, without epochs.

    Raises:
        TypeError:
            If something else is among the epochs.
        ValueError:
            If the search has no decision of a name in ``params``.
        ImportError:
            If plotly is missing.
    """
    seen = list(epochs)
    for one in seen:
        if not isinstance(one, SearchEpoch):
            raise TypeError(
                "epochs must be a list of what darts(...) yields, SearchEpochs, but has "
                f"{one!r} ({type(one).__name__})."
            )
    go = graph_objects("plot_supernet")
    title = "Gates of the supernet"
    if not seen:
        return blank(go, title, "There is no epoch yet.")
    labels = _chosen(_labels(seen), params)
    grid = Grid({name: list(map(str, those)) for name, those in labels.items()})
    places = {(name, i): label for name, those in labels.items() for i, label in enumerate(those)}
    # Stages of a progressive search count their epochs anew, but the axis goes on.
    x = list(range(1, len(seen) + 1))
    shares = [
        {at: one.gates[at[0]][label] for at, label in places.items() if label in one.gates[at[0]]}
        for one in seen
    ]
    texts = [
        {at: f"epoch {epoch}: {share:.3f}" for at, share in of.items()}
        for epoch, of in zip(x, shares, strict=True)
    ]
    drawn = heatmap(go, grid, shares, texts, legend="softmax", x=x)
    height = grid.height + CURVES + HEAD
    split = CURVES / (grid.height + CURVES)
    ends = [0.5, len(seen) + 0.5]
    return chart(
        go,
        [*drawn, *_curves(go, seen, x)],
        title,
        xaxis=axis("", anchor="y", matches="x2", range=ends, showgrid=False, showticklabels=False),
        xaxis2=axis("Epoch", anchor="y2", range=ends),
        yaxis=grid_axis(grid, domain=[split + 0.03, 1]),
        yaxis2=axis("Share", domain=[0, split - 0.03], range=[-0.05, 1.05]),
        height=height,
    )


def _labels(epochs: Sequence[SearchEpoch]) -> dict[str, list[Any]]:
    """All that gates ever had, also what was dropped later."""
    found: dict[str, dict[Any, None]] = {}
    for one in epochs:
        for name, gate in one.gates.items():
            found.setdefault(name, {}).update(dict.fromkeys(gate))
    return {name: list(those) for name, those in found.items()}


def _chosen(labels: Mapping[str, list[Any]], params: Sequence[str] | None) -> dict[str, list[Any]]:
    if params is None:
        return dict(labels)
    if isinstance(params, str) or (unknown := [name for name in params if name not in labels]):
        what = repr(params) if isinstance(params, str) else ", ".join(map(repr, unknown))
        raise ValueError(
            f"params must be a list of the supernet's decisions, but has {what}; it has "
            f"{', '.join(map(repr, labels))}."
        )
    return {name: labels[name] for name in params}


def _curves(go: Any, epochs: Sequence[SearchEpoch], x: Sequence[int]) -> list[Any]:
    entropy = [one.entropy for one in epochs]
    traces = [_line(go, x, entropy, "entropy of the gates", BLUE, "solid")]
    free = [one.parameter_free for one in epochs]
    if any(share is not None for share in free):
        name = "operations without parameters"
        traces.append(_line(go, x, free, name, GREEN, "dash"))
    collapsed = [(at, one) for at, one in zip(x, epochs, strict=True) if one.collapsed]
    if collapsed:
        traces.append(
            go.Scatter(
                x=[at for at, _ in collapsed],
                y=[one.entropy for _, one in collapsed],
                mode="markers",
                marker={"color": RED, "symbol": "x", "size": 6},
                hovertext=[escaped(f"epoch {at}: {one.collapsed}") for at, one in collapsed],
                hoverinfo="text",
                name="collapsed",
                xaxis="x2",
                yaxis="y2",
            )
        )
    return traces


def _line(
    go: Any, x: Sequence[int], y: Sequence[float | None], name: str, colour: str, dash: str
) -> Any:
    return go.Scatter(
        x=list(x),
        y=list(y),
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"color": colour, "size": 4},
        name=name,
        xaxis="x2",
        yaxis="y2",
    )
