"""The rows as pictures: how far from the best there is, evaluation by evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter
import numpy as np
from protocols import EVALUATIONS
from protocols import EVERY
from protocols import Row
from protocols import TWO_EVALUATIONS
from protocols import TWO_EVERY
from report import Measured


# Okabe and Ito's colours, which colour-blind people tell apart; ours are solid, Optuna's dashed.
STYLES = {
    "random": ("#999999", (0, (1, 1.2))),
    "TPE": ("#CC79A7", (0, (5, 1.5))),
    "GP": ("#000000", (0, (5, 1.5))),
    "NSGA-II (20)": ("#E69F00", (0, (5, 1.5))),
    "NSGA-II (50)": ("#E69F00", (0, (5, 1.5, 1, 1.5))),
    "evolution": ("#0072B2", "-"),
    "controller": ("#56B4E9", "-"),
    "local search": ("#009E73", "-"),
    "predictor": ("#D55E00", "-"),
}
TITLES = {
    "mean": "The signal is the mean over the seeds",
    "noisy": "The signal is one seed, drawn per query",
}
INK = "#333333"


def plot_regret(measured: Mapping[str, Measured], path: Path) -> None:
    """Draws a panel for each of the signals."""
    figure = Figure(figsize=(4.9 * len(measured) + 1.6, 4.3), layout="constrained")
    panels = figure.subplots(1, len(measured), sharey=True, squeeze=False)[0]
    for axes, (protocol, methods) in zip(panels, measured.items(), strict=True):
        _lines(axes, methods, "regret", range(EVERY, EVALUATIONS + 1, EVERY))
        axes.set_title(TITLES[protocol], loc="left", fontsize=10, color=INK)
    panels[0].set_ylabel("Validation regret, points of accuracy")
    panels[0].set_ylim(bottom=0.005)  # 0, where all have found the optimum, is out of sight
    _finish(figure, panels, path)


def plot_hypervolume(measured: Mapping[str, Measured], path: Path) -> None:
    """Draws what is missing of the hypervolume, a panel for each of the devices."""
    figure = Figure(figsize=(4.0 * len(measured) + 1.6, 4.3), layout="constrained")
    panels = figure.subplots(1, len(measured), sharey=True, squeeze=False)[0]
    for axes, (device, methods) in zip(panels, measured.items(), strict=True):
        missing = {
            method: [
                {c.replace("share", "missing"): 100 - x for c, x in row.items() if "share" in c}
                for row in rows
            ]
            for method, rows in methods.items()
        }
        _lines(axes, missing, "missing", range(TWO_EVERY, TWO_EVALUATIONS + 1, TWO_EVERY))
        title = f"Validation error against {device} latency"
        axes.set_title(title, loc="left", fontsize=9, color=INK)
    panels[0].set_ylabel("Hypervolume missing, %")
    _finish(figure, panels, path)


def _lines(axes: Axes, methods: Measured, name: str, steps: Sequence[int]) -> None:
    for method, (colour, dashes) in STYLES.items():
        rows = methods.get(method, [])
        reached = [n for n in steps if any(f"{name} {n}" in row for row in rows)]
        if reached:
            values = np.array([_curve(row, name, reached) for row in rows])
            centre = values.mean(0)
            error = values.std(0, ddof=1) / np.sqrt(len(values))
            axes.plot(reached, centre, color=colour, ls=dashes, lw=1.8, label=method)
            # A logarithmic axis has no place for what is below 0.
            low = np.maximum(centre - error, centre / 10)
            axes.fill_between(reached, low, centre + error, color=colour, alpha=0.14, lw=0)
    axes.set_xlim(0, steps[-1])


def _curve(row: Row, name: str, steps: Sequence[int]) -> list[float]:
    return [row[f"{name} {n}"] for n in steps]


def _finish(figure: Figure, panels: Sequence[Axes], path: Path) -> None:
    for axes in panels:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
        axes.set_xlabel("Evaluations")
        axes.grid(color="#E6E6E6", lw=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK, which="both", labelsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside right upper",
        frameon=False,
        fontsize=9,
        handlelength=2.8,
        labelspacing=0.7,
        title="Mean over the seeds;\nband: +- 1 standard error",
        title_fontsize=8,
        alignment="left",
    )
    figure.savefig(path, dpi=160)
