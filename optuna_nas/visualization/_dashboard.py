"""``save_plots``: our plots on a study's page in optuna-dashboard."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_nas.study import metric_names
from optuna_nas.visualization._rungs import plot_rungs


EVERY = 10
"""As a callback, a save costs what storing a figure does: so not after each trial."""


def save_plots(study: Study, trial: FrozenTrial | None = None) -> None:
    """Puts the curves of a study, one plot for each objective that changes, on its page.

    Example:

        .. code-block:: python

            study.optimize(objective, n_trials=100, callbacks=[save_plots])  # every ten trials
            save_plots(study)  # as it is now

    Args:
        study:
            In a storage that optuna-dashboard opens.
        trial:
            The one that has just ended, if it is called as a callback.

    Raises:
        ImportError:
            If plotly or optuna-dashboard is missing.
    """
    if trial is not None and (trial.number + 1) % EVERY:
        return
    try:
        dashboard = import_module("optuna_dashboard")
    except ImportError as error:
        raise ImportError(
            'save_plots needs optuna-dashboard: pip install "optuna-nas[dashboard,plot]".'
        ) from error
    for i in range(len(metric_names(study))):
        figure = plot_rungs(study, objective=i)
        if any(_changes(trace.y) for trace in figure.data if trace.mode == "lines"):
            dashboard.save_plotly_graph_object(study, figure, graph_object_id=f"rungs-{i}")


def _changes(y: tuple[float | None, ...]) -> bool:
    """Whether any curve does: costs that are known before training do not."""
    return any(a is not None and b is not None and a != b for a, b in pairwise(y))
