"""``plot_proxies``: what an estimate said before training against what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.study import Truth
from optuna_nas.study import truth
from optuna_nas.study._screen import TRUTH
from optuna_nas.study._truth_meter import SCREEN
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import COLOURS
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import GREY
from optuna_nas.visualization._chart import hover
from optuna_nas.visualization._chart import names_for
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


FEWEST = 4
"""With fewer trials there is no interval."""


def plot_proxies(study: Study, *, objective: int = 0) -> Figure:
    """Plots what a screen's estimate said of trials before training, and how right it was.

    Left, each trial trained to the end; grey are those that the screen chose, which are not
    measured. Right, the truth meter: Spearman's rank correlation over the trials measured, with
    its 95 % interval, beside those of parameters and FLOPs. The title says whether the screen is
    off, and why.

    Example:

        .. code-block:: python

            optuna_nas.visualization.plot_proxies(study).show()

    Args:
        study:
            A study whose objective has a ``screen``.
        objective:
            Which one the estimate is of, by its index.

    Returns:
        A figure; empty, and saying so, if no trial was scored and trained to the end.

    Raises:
        ValueError:
            If the study has no such objective.
        ImportError:
            If plotly is missing.
    """
    names = names_for(study, objective)
    go = graph_objects("plot_proxies")
    trials = _scored(study)
    if not trials:
        why = "No trial was scored before its training and then trained to the end."
        return blank(go, "What was known before training", why)
    name = str(trials[-1].user_attrs[SCREEN]["estimate"])
    trials = [trial for trial in trials if trial.user_attrs[SCREEN]["estimate"] == name]
    readings = [one for one in truth(study, name, objective=objective) if one.trials >= FEWEST]
    off = study.user_attrs.get(TRUTH, {}).get("off")
    title = f"{name} before training" + (f": the screen is off, {_short(off)}" if off else "")
    return chart(
        go,
        [*_dots(go, trials, names, objective), *_meter(go, readings, name)],
        escaped(title),
        xaxis=axis(escaped(name), domain=[0, 0.45]),
        yaxis=axis(escaped(names[objective])),
        xaxis2=axis("Trials measured", anchor="y2", domain=[0.57, 1]),
        yaxis2=axis("Spearman", anchor="x2", range=[-1.05, 1.05]),
    )


def _scored(study: Study) -> list[FrozenTrial]:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [t for t in complete if t.user_attrs.get(SCREEN, {}).get("score") is not None]


def _short(off: str) -> str:
    """The verdict; the numbers are in the figure."""
    return "it is below the parameter count" if "parameter count" in off else "it is not above 0"


def _dots(
    go: Any, trials: Sequence[FrozenTrial], names: Sequence[str], objective: int
) -> list[Any]:
    traces = []
    for chosen, legend, colour in ((False, "measured", COLOURS[0]), (True, "chosen", GREY)):
        shown = [t for t in trials if t.user_attrs[SCREEN]["chosen"] == chosen]
        if not shown:
            continue
        traces.append(
            go.Scatter(
                x=[trial.user_attrs[SCREEN]["score"] for trial in shown],
                y=[trial.values[objective] for trial in shown],
                mode="markers",
                marker={"color": colour, "size": 7},
                hovertext=[hover(trial, names) for trial in shown],
                hoverinfo="text",
                name=legend,
            )
        )
    return traces


def _meter(go: Any, readings: Sequence[Truth], name: str) -> list[Any]:
    if not readings:
        return []
    trials = [one.trials for one in readings]
    own = [one.coefficients[name] for one in readings]
    band = go.Scatter(
        x=[*trials, *reversed(trials)],
        y=[*(one.high for one in own), *(one.low for one in reversed(own))],
        fill="toself",
        fillcolor=COLOURS[0],
        opacity=0.18,
        mode="lines",
        line={"color": COLOURS[0], "width": 0},
        hoverinfo="skip",
        name="95 % interval",
        xaxis="x2",
        yaxis="y2",
    )
    lines = [
        go.Scatter(
            x=trials,
            y=[one.coefficients[column].spearman for one in readings],
            mode="lines",
            line={"color": colour, "width": 2, "dash": "solid" if column == name else "dash"},
            name=escaped(column),
            xaxis="x2",
            yaxis="y2",
        )
        for column, colour in zip(readings[-1].coefficients, COLOURS, strict=False)
    ]
    return [band, *lines]
