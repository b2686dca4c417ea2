"""``hypervolume``: how much a study's front dominates, as one number to compare studies by."""

from __future__ import annotations

from collections.abc import Sequence
import math

import numpy as np
from numpy.typing import NDArray
from optuna._hypervolume import compute_hypervolume
from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_nas._ranking import costs
from optuna_nas._ranking import parted


def hypervolume(study: Study, reference: Sequence[float]) -> float:
    """Returns the volume between the front of a study and a reference point (more is better).

    It is that of the values as they are: objectives of large numbers do not weigh more in a
    comparison of two studies, but the reference decides how much the ends of the front weigh, so
    take one for all (Zitzler & Thiele 1998, "Multiobjective optimization using evolutionary
    algorithms", PPSN V). :func:`optuna.visualization.plot_hypervolume_history` draws it over the
    trials.

    Example:

        .. code-block:: python

            hypervolume(study, reference=[0.1, 5.0])  # accuracy by chance, 5 ms

    Args:
        study:
            Only feasible complete trials count; without any, the volume is 0.
        reference:
            A value for each objective, in the study's own units and directions. Trials that are
            not better than it in every objective add nothing.

    Raises:
        ValueError:
            If the reference is not one finite number for each objective.
    """
    point = checked_reference(study, reference)
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials, _ = parted(complete, study.directions)
    signs = [-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions]
    values = costs(trials, study.directions)
    better = values[(values < point * signs).all(axis=1)]
    return float(compute_hypervolume(better, point * signs)) if len(better) else 0.0


def checked_reference(study: Study, reference: Sequence[float]) -> NDArray[np.float64]:
    """Returns a reference point as an array.

    Args:
        study:
            Whose objectives it is for.
        reference:
            As for :func:`hypervolume`.

    Raises:
        ValueError:
            If it is not one finite number for each objective.
    """
    try:
        point = np.asarray(reference, dtype=float)
    except (TypeError, ValueError):
        point = np.array(math.nan)
    if point.shape != (len(study.directions),) or not np.isfinite(point).all():
        raise ValueError(
            "reference must be a finite number for each objective of study "
            f"{study.study_name!r}, {len(study.directions)} of them, but got {reference!r}."
        )
    return point
