"""``plot_decisions``: which operation where, over time and in the best trials."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any
from typing import TYPE_CHECKING

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import parted
from optuna_nas.samplers import best_first
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import blank
from optuna_nas.visualization._chart import chart
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._grid import Grid
from optuna_nas.visualization._grid import grid_axis
from optuna_nas.visualization._grid import HEAD
from optuna_nas.visualization._grid import heatmap
from optuna_nas.visualization._levels import Levels
from optuna_nas.visualization._levels import levels_of
from optuna_nas.visualization._plotly import graph_objects


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


PERIODS = 10
GAP = 0.04


@dataclass(frozen=True)
class Column:
    """Some trials.

    Args:
        name:
            What they are called.
        trials:
            Of any state.
    """

    name: str
    trials: Sequence[FrozenTrial]


def plot_decisions(
    study: Study, *, params: Sequence[str] | None = None, best: float = 0.1
) -> Figure:
    """Plots the share of each option of each decision, over time and in the best trials.

    A row is an option, or a range of a number of more than 8 values. The columns are tenths of
    the trials by number, of all states, which shows what the sampler came to prefer; and on the
    right the best of those complete and feasible. A decision that is asked only in some
    architectures has shares among those trials that were asked; where none was, it is grey.

    Example:

        .. code-block:: python

            plot_decisions(study).show()

    Args:
        study:
            Any.
        params:
            Which decisions are drawn; by default all that have a choice.
        best:
            The share of the trials that is best, in ``0..1``, but not 0; with several objectives
            by front and crowding.

    Returns:
        A figure; empty, and saying so, if no trial was asked anything.

    Raises:
        ValueError:
            If ``best`` is out of range, or no trial was asked one of ``params``.
        ImportError:
            If plotly is missing.
    """
    if not 0 < best <= 1:
        raise ValueError(f"best must be above 0 and at most 1, but is {best!r}.")
    go = graph_objects("plot_decisions")
    trials = [t for t in study.get_trials(deepcopy=False) if t.state != TrialState.WAITING]
    levels = _chosen(levels_of(trials), params, study)
    title = "Which option where: share of the trials that were asked"
    if not levels:
        return blank(go, title, "No trial was asked a decision with a choice yet.")
    grid = Grid({name: one.labels for name, one in levels.items()})
    periods = _periods([trial for trial in trials if trial.distributions.keys() & levels.keys()])
    traces = _panel(go, grid, levels, periods, "x")
    across: dict[str, Any] = {"xaxis": _across(periods, "Trials, in the order they began")}
    leading = _best(study, best)
    if leading is not None:
        traces[0].update(showscale=False)
        traces += _panel(go, grid, levels, [leading], "x2")
        split = (PERIODS - 1.5) / PERIODS
        across["xaxis"]["domain"] = [0, split - GAP]
        across["xaxis2"] = _across([leading], "", domain=[split, 1], anchor="y")
    frame: dict[str, Any] = {
        "height": grid.height + HEAD,
        "showlegend": False,
        "yaxis": grid_axis(grid),
    }
    return chart(go, traces, title, **across, **frame)


def _chosen(
    levels: Mapping[str, Levels], params: Sequence[str] | None, study: Study
) -> dict[str, Levels]:
    if params is None:
        return dict(levels)
    if isinstance(params, str) or (unknown := [name for name in params if name not in levels]):
        what = repr(params) if isinstance(params, str) else ", ".join(map(repr, unknown))
        raise ValueError(
            f"params must be a list of decisions with a choice, but has {what}; study "
            f"{study.study_name!r} has {', '.join(map(repr, levels)) or 'none'}."
        )
    return {name: levels[name] for name in params}


def _periods(trials: Sequence[FrozenTrial]) -> list[Column]:
    parts = np.array_split(np.arange(len(trials)), min(PERIODS, len(trials)))
    return [Column(_span(part), part) for part in ([trials[i] for i in p] for p in parts)]


def _span(trials: Sequence[FrozenTrial]) -> str:
    first, last = trials[0].number, trials[-1].number
    return str(first) if first == last else f"{first}-{last}"


def _best(study: Study, share: float) -> Column | None:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    feasible, _ = parted(complete, study.directions)
    if not feasible:
        return None
    count = math.ceil(share * len(feasible))
    return Column(f"best {count}", best_first(feasible, study.directions, count))


def _panel(
    go: Any, grid: Grid, levels: Mapping[str, Levels], columns: Sequence[Column], xaxis: str
) -> list[Any]:
    shares = [_shares(levels, column.trials) for column in columns]
    texts = [
        {
            (name, i): f"trials {column.name}<br>{count} of {asked} that were asked"
            for name, (counts, asked) in _counts(levels, column.trials).items()
            for i, count in enumerate(counts)
        }
        for column in columns
    ]
    return heatmap(go, grid, shares, texts, xaxis=xaxis, legend="share")


def _counts(
    levels: Mapping[str, Levels], trials: Sequence[FrozenTrial]
) -> dict[str, tuple[list[int], int]]:
    found = {}
    for name, one in levels.items():
        places = [one.place(trial.params[name]) for trial in trials if name in trial.params]
        found[name] = ([places.count(i) for i in range(len(one))], len(places))
    return found


def _shares(
    levels: Mapping[str, Levels], trials: Sequence[FrozenTrial]
) -> dict[tuple[str, int], float]:
    return {
        (name, i): count / asked
        for name, (counts, asked) in _counts(levels, trials).items()
        for i, count in enumerate(counts)
        if asked
    }


def _across(columns: Sequence[Column], title: str, **options: Any) -> dict[str, Any]:
    ticks = list(range(len(columns)))
    names = [escaped(column.name) for column in columns]
    return axis(title, tickvals=ticks, ticktext=names, showgrid=False, tickangle=0, **options)
