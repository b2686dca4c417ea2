"""The curves as pictures: what has been found when so much has been spent, supernet included."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from anytime import Curve
from anytime import UNITS
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from measure import Run
import numpy as np


# Okabe and Ito's colours, which colour-blind people tell apart.
STYLES = {
    "random": ("#999999", (0, (1, 1.2))),
    "cold": ("#0072B2", "-"),
    "warm (DARTS)": ("#D55E00", "-"),
    "warm (one-shot)": ("#009E73", "-"),
}
POINTS = 200
INK = "#333333"


def plot(curves: Mapping[Run, Curve], datasets: Sequence[str], path: Path) -> None:
    """Draws a row of panels for each dataset, with a panel for each unit of cost."""
    height = 3.1 * len(datasets) + 0.6
    figure = Figure(figsize=(13.2, height), layout="constrained")
    rows = figure.subplots(len(datasets), 1 + len(UNITS), sharey="row", squeeze=False)
    for dataset, panels in zip(datasets, rows, strict=True):
        chosen = {run: curve for run, curve in curves.items() if run.dataset == dataset}
        for axes, unit in zip(panels, ("trials", *UNITS), strict=True):
            _lines(axes, chosen, unit)
            axes.set_xlabel(f"Total cost: {UNITS[unit]}" if unit in UNITS else "Trials")
            _finish(axes)
        panels[0].set_ylabel(f"{dataset}: best validation accuracy, %")
    handles, labels = rows[0][0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside right upper",
        frameon=False,
        fontsize=9,
        title="Mean over the seeds;\nband: +- 1 standard error",
        title_fontsize=8,
        alignment="left",
    )
    figure.savefig(path, dpi=130)


def _lines(axes: Axes, curves: Mapping[Run, Curve], unit: str) -> None:
    cold = [_spent(curve, unit)[-1] for run, curve in curves.items() if run.method == "cold"]
    grid = np.linspace(0, np.mean(cold), POINTS)
    for method, (colour, dashes) in STYLES.items():
        chosen = [curve for run, curve in curves.items() if run.method == method]
        if chosen:
            values = np.array([_best_at(curve, unit, grid) for curve in chosen])
            centre = values.mean(0)  # NaN until the first trial of every seed has ended
            axes.plot(grid, centre, color=colour, ls=dashes, lw=1.8, label=method)
            if len(values) > 1:
                error = values.std(0, ddof=1) / np.sqrt(len(values))
                low, high = centre - error, centre + error
                axes.fill_between(grid, low, high, color=colour, alpha=0.14, lw=0)
    final = np.mean([curve.best[-1] for run, curve in curves.items() if run.method == "cold"])
    axes.axhline(final, color=INK, lw=0.8, ls=(0, (5, 3)))
    axes.set_xlim(0, grid[-1])
    axes.set_ylim(final - 6, final + 1)


def _spent(curve: Curve, unit: str) -> np.ndarray:
    return np.arange(1, len(curve.best) + 1) if unit == "trials" else curve.spent[unit]


def _best_at(curve: Curve, unit: str, grid: np.ndarray) -> np.ndarray:
    ended = np.searchsorted(_spent(curve, unit), grid, side="right")
    return np.concatenate([[np.nan], curve.best])[ended]


def _finish(axes: Axes) -> None:
    axes.grid(color="#E6E6E6", lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
