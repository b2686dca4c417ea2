"""The search as a picture: what was trained, what was stopped, the front and its knee."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.pruners import reports


INK = "#333333"


def plot_front(study: optuna.Study, knee: FrozenTrial, path: Path) -> None:
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    front = sorted(study.best_trials, key=lambda trial: trial.values[1])
    # What learned nothing would push all that matters into the upper edge.
    bottom = max(0.0, min(trial.values[0] for trial in front) - 0.04)
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    last = [list(reports(trial, objectives=2).values())[-1] for trial in pruned]
    below = sum(accuracy < bottom for accuracy, _ in last)
    axes.scatter(
        [latency for _, latency in last],
        [accuracy for accuracy, _ in last],
        s=22,
        marker="x",
        lw=1,
        color="#B0B0B0",
        label=f"stopped early, at its last score ({below} more lie below)",
    )
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    axes.scatter(
        [trial.values[1] for trial in complete],
        [trial.values[0] for trial in complete],
        s=22,
        color="#7FB2D9",
        label="trained to the end",
    )
    latency = [trial.values[1] for trial in front]
    ends = [trial.user_attrs["latency_ms"] for trial in front]
    axes.errorbar(
        latency,
        [trial.values[0] for trial in front],
        xerr=[
            [ms - end["low_ms"] for ms, end in zip(latency, ends, strict=True)],
            [end["high_ms"] - ms for ms, end in zip(latency, ends, strict=True)],
        ],
        color="#0072B2",
        marker="o",
        ms=6,
        lw=1.8,
        capsize=3,
        drawstyle="steps-post",
        label="Pareto front, with the 95 % interval of the latency",
    )
    axes.scatter(
        *knee.values[::-1],
        s=170,
        facecolor="none",
        edgecolor="#D55E00",
        lw=2,
        label=f"the front's knee: {knee.values[0]:.3f} at {knee.values[1]:.2f} ms",
    )
    axes.set_xlabel("Latency of one image, ms (left is better)")
    axes.set_ylabel("Validation accuracy (up is better)")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_ylim(bottom=bottom, top=1.003)
    axes.grid(color="#E6E6E6", lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9, which="both")
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=150)
