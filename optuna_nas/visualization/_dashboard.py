"""``save_plots``: our plots on a study's page in optuna-dashboard."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from optuna_nas.visualization._study_plots import study_plots


EVERY = 10
"""As a callback, a save costs what storing a figure does: so not after each trial."""


def save_plots(study: Study, trial: FrozenTrial | None = None) -> None:
    """Puts the plots of a study on its page.

    They are the curves, for each objective that changes; the decisions; with several objectives
    the front and its hypervolume; and who came from whom, where the sampler says so.

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
    for name, figure in study_plots(study):
        # The storage keeps each save, and the page has the rest beside the plot.
        figure.for_each_trace(_shorten)
        dashboard.save_plotly_graph_object(study, figure, graph_object_id=name)


def _shorten(trace: Any) -> None:
    """Leaves the first line of what is said of each trial."""
    if trace.type == "scatter" and trace.hovertext is not None:
        trace.hovertext = [text.split("<br>")[0] for text in trace.hovertext]
