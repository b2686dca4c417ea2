"""``plot_importance``: which decisions matter."""

from __future__ import annotations

import math
from typing import Any
from typing import TYPE_CHECKING

import numpy as np
from optuna.study import Study
from optuna.trial import TrialState

from optuna_nas.samplers._draw import checked_seed
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import COLOURS
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import GREY
from optuna_nas.visualization._chart import LINE
from optuna_nas.visualization._chart import names_for
from optuna_nas.visualization._functional_anova import Importances
from optuna_nas.visualization._functional_anova import importances
from optuna_nas.visualization._grid import HEAD
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


FEWEST = 8
"""Trials below which a forest learns nothing."""

ROW = 24
FEW_ROWS = 4
SHOWN = 20
LITTLE = 0.1
ENDS = (0.05, 0.5, 0.95)


def plot_importance(study: Study, *, objective: int = 0, seed: int = 0) -> Figure:
    """Plots how much of an objective's variance over the whole space each decision explains.

    It is a functional ANOVA (Hutter et al. 2014) that is not misled by a sampler which tried
    mostly one kind of architecture: random forests learn from the trials, but the variance is
    that of their predictions for architectures drawn uniformly from the space. A decision that is
    asked only in some architectures explains what its value does there; whether it is asked is
    the doing of the decision that brings it. What decisions do only together is the grey bar.

    A bar is the median of 20 forests, each learned from a bootstrap sample of the trials, its line
    the 90 % interval. The title says how much of the variance of trials they have not seen the
    forests explain: if little, believe little. Where options were never tried, as the hover
    says, nobody knows.

    Example:

        .. code-block:: python

            plot_importance(study).show()

    Args:
        study:
            Any; its complete trials count, those that break a constraint too.
        objective:
            Which one, by its index.
        seed:
            Of the bootstrap, the forests and the draws; at least 0.

    Returns:
        A figure; empty, and saying so, with fewer than 8 complete trials, or if all have the same
        value.

    Raises:
        ValueError:
            If the study has no such objective, or the seed is below 0.
        ImportError:
            If plotly is missing.
    """
    names = names_for(study, objective)
    checked_seed(seed)
    go = graph_objects("plot_importance")
    title = f"Which decisions matter for {escaped(names[objective])}"
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials = [trial for trial in complete if math.isfinite(trial.values[objective])]
    values = np.array([trial.values[objective] for trial in trials])
    if len(trials) < FEWEST:
        return blank(go, title, f"It takes {FEWEST} complete trials; there are {len(trials)}.")
    if np.ptp(values) == 0:
        return blank(go, title, "All trials have the same value.")
    if all(d.single() for trial in trials for d in trial.distributions.values()):
        return blank(go, title, "The trials were asked no decision with a choice.")
    found = importances(trials, values, seed)
    return _figure(go, found, len(trials), title)


def _figure(go: Any, found: Importances, trials: int, title: str) -> Figure:
    together = np.clip(1 - found.shares.sum(1, keepdims=True), 0, 1)
    shares = np.hstack([found.shares, together])
    low, middle, high = np.quantile(shares, ENDS, axis=0)
    order = [int(i) for i in np.argsort(-middle[:-1], kind="stable")][:SHOWN]
    rows = [*order, len(found.names)]
    labels = [escaped(found.names[i]) for i in order] + ["several together"]
    more = len(found.names) - len(order)
    bars = go.Bar(
        x=middle[rows],
        y=list(range(len(rows))),
        orientation="h",
        marker={"color": [COLOURS[0]] * len(order) + [GREY]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (high - middle)[rows],
            "arrayminus": (middle - low)[rows],
            "thickness": 1,
        },
        hovertext=[
            f"{label}<br>{100 * middle[i]:.1f} % "
            f"({100 * low[i]:.1f} to {100 * high[i]:.1f} %){_tried(found, i)}"
            for i, label in zip(rows, labels, strict=True)
        ],
        hoverinfo="text",
    )
    told = f"{100 * max(0.0, found.explained):.0f} % of the variance of unseen trials explained"
    note = f"{trials} trials, {told}" + (f"; {more} decisions less important" if more else "")
    note += (
        "<br>That is next to nothing: read nothing from this" if found.explained < LITTLE else ""
    )
    ticks = {"tickvals": list(range(len(rows))), "ticktext": labels, "showgrid": False}
    return chart(
        go,
        [bars],
        f"{title}<br>{note}",
        xaxis=axis("Share of the variance over the space", tickformat=".0%", rangemode="tozero"),
        yaxis=axis("", range=[len(rows) - 0.5, -0.5], automargin=True, **ticks),
        height=HEAD + LINE * note.count("<br>") + ROW * max(len(rows), FEW_ROWS),
        showlegend=False,
    )


def _tried(found: Importances, i: int) -> str:
    if i == len(found.names):
        return ""
    return f"<br>{found.tried[i]} of {found.levels[i]} levels tried"
