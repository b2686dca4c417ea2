"""Which plots a study has to show, of those that take no longer than a blink."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from optuna.study import Study

from optuna_nas.samplers._planning import plan_of
from optuna_nas.study import metric_names
from optuna_nas.study._screen import TRUTH
from optuna_nas.study._truth_meter import SCREEN
from optuna_nas.visualization._anytime import plot_anytime
from optuna_nas.visualization._decisions import plot_decisions
from optuna_nas.visualization._front import plot_pareto_front
from optuna_nas.visualization._genealogy import plot_genealogy
from optuna_nas.visualization._proxies import plot_proxies
from optuna_nas.visualization._rungs import plot_rungs


if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def study_plots(study: Study) -> Iterator[tuple[str, Figure]]:
    """Yields the plots that have something to show, each with a name.

    The importance of decisions is not among them, since it takes seconds.

    Args:
        study:
            Any.
    """
    yield from rungs_plots(study)
    objectives = len(metric_names(study))
    figures = {"decisions": plot_decisions(study)}
    if objectives > 1:
        figures |= {"front": plot_pareto_front(study), "anytime": plot_anytime(study)}
    if any(plan_of(trial).parents for trial in study.get_trials(deepcopy=False)):
        figures["genealogy"] = plot_genealogy(study)
    yield from ((name, figure) for name, figure in figures.items() if figure.data)
    yield from proxies_plots(study)


def rungs_plots(study: Study) -> Iterator[tuple[str, Figure]]:
    """Yields the curves of each objective that changes, with a name.

    Args:
        study:
            Any.
    """
    for i in range(len(metric_names(study))):
        figure = plot_rungs(study, objective=i)
        if any(_changes(trace.y) for trace in figure.data if trace.mode == "lines"):
            yield f"rungs-{i}", figure


def proxies_plots(study: Study) -> Iterator[tuple[str, Figure]]:
    """Yields what a screen's estimate was worth, with a name; nothing if no trial was screened.

    Args:
        study:
            Any.
    """
    if any(SCREEN in trial.user_attrs for trial in study.get_trials(deepcopy=False)):
        objective = study.user_attrs.get(TRUTH, {}).get("objective", 0)
        figure = plot_proxies(study, objective=objective)
        if figure.data:
            yield "proxies", figure


def _changes(y: tuple[float | None, ...]) -> bool:
    """Whether any curve does: costs that are known before training do not."""
    return any(a is not None and b is not None and a != b for a, b in pairwise(y))
