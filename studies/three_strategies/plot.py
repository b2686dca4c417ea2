"""The rows as a picture: the best so far, evaluation by evaluation, a panel for each strategy."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from measure import Row
from methods import EVALUATIONS
import numpy as np


# Okabe and Ito's colours, which colour-blind people tell apart; plain algorithms are dashed.
RANDOM = ("random", "#999999", (0, (1, 1.2)))
PANELS = {
    "Evolution": [
        ("evolution", "#0072B2", "-"),
        ("plain evolution", "#E69F00", (0, (5, 1.5))),
    ],
    "Reinforcement learning": [
        ("controller", "#0072B2", "-"),
        ("plain REINFORCE", "#E69F00", (0, (5, 1.5))),
    ],
    "Gradients": [
        ("gradients, then evolution", "#0072B2", "-"),
        ("gradients, then predictor", "#D55E00", "-"),
        ("gradients", "#56B4E9", "-"),
        ("gradients, weights kept", "#009E73", "-"),
        ("plain supernet", "#000000", (0, (5, 1.5))),
        ("plain supernet, then random", "#E69F00", (0, (5, 1.5))),
    ],
    "Others": [
        ("predictor", "#D55E00", "-"),
        ("local search", "#009E73", "-"),
        ("TPE", "#CC79A7", (0, (5, 1.5))),
    ],
}
INK = "#333333"


def plot(rows: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Draws the panels of the methods that were measured."""
    figure = Figure(figsize=(9.6, 7.2), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True).flatten()
    for panel, (title, methods) in zip(axes, PANELS.items(), strict=True):
        for method, colour, dashes in [RANDOM, *methods]:
            if method in rows:
                _line(panel, method, rows[method], colour, dashes)
        _finish(panel, title)
    for panel in axes[2:]:
        panel.set_xlabel("Evaluations")
    for panel in axes[::2]:
        panel.set_ylabel("Validation MSE of the best so far")
    figure.suptitle("Median over the seeds; band: quartiles", fontsize=9, color=INK)
    figure.savefig(path, dpi=150)


def _line(
    axes: Axes, method: str, rows: Sequence[Row], colour: str, dashes: str | tuple[object, ...]
) -> None:
    reached = [n for n in range(1, EVALUATIONS + 1) if f"valid {n}" in rows[0]]
    values = np.array([[row[f"valid {n}"] for n in reached] for row in rows])
    # Infinite values cannot be interpolated, and are out of sight anyway.
    low, middle, high = np.quantile(np.minimum(values, 1000), [0.25, 0.5, 0.75], axis=0)
    axes.plot(reached, middle, color=colour, ls=dashes, lw=1.8, label=method)
    axes.fill_between(reached, low, high, color=colour, alpha=0.13, lw=0)


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_yscale("log")
    axes.set_yticks([0.3, 0.5, 1, 2, 4, 8, 16])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(1, EVALUATIONS)
    axes.set_ylim(0.25, 30)
    axes.grid(color="#E6E6E6", lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, which="both", labelsize=9)
    axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=8, handlelength=2.8)
