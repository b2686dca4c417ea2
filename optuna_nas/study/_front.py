"""The Pareto front of a study, and the one trial on it that gives most for what it costs."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import costs
from optuna_nas._ranking import leaders
from optuna_nas._ranking import parted


def feasible_trials(study: Study) -> list[FrozenTrial]:
    """Returns the complete trials that break no constraint and have finite values, by number.

    Args:
        study:
            Any study.

    Raises:
        ValueError:
            If there is none.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    feasible, others = parted(complete, study.directions)
    if not feasible:
        why = f"; {len(others)} break a constraint or have no finite values" if others else ""
        raise ValueError(
            f"study {study.study_name!r} has no complete trial that is feasible: of its "
            f"{len(study.get_trials(deepcopy=False))} trials, {len(complete)} are complete{why}."
        )
    return feasible


def front(study: Study) -> list[FrozenTrial]:
    """Returns the feasible trials that no other is better than, by number.

    Of trials with the same params, such as one that was enqueued twice, it is the first.

    Args:
        study:
            Any study; with one objective, its front are the best trials.

    Raises:
        ValueError:
            If no trial is complete and feasible.
    """
    trials: list[FrozenTrial] = []
    for trial in leaders(feasible_trials(study), study.directions):
        if all(trial.params != other.params for other in trials):
            trials.append(trial)
    return trials


def knee_point(study: Study) -> FrozenTrial:
    """Returns the trial of the front beyond which a little more of one costs much of another.

    The front is scaled to [0, 1] in each objective, 0 the best; the knee is where the sum is
    least (Chiu et al. 2016, "Minimum Manhattan distance approach to multiple criteria decision
    making", IEEE TEVC, https://arxiv.org/abs/1705.01705). For two objectives that is the point
    farthest below the line through the two ends (Das 1999, "On characterizing the 'knee' of the
    Pareto curve based on normal-boundary intersection", Structural Optimization 18).

    A front that bulges the other way has no such point; then it is an end. Of several as good, it
    is the one better by the first objective. With one objective it is the best trial.

    Example:

        .. code-block:: python

            network = optuna_nas.build(Net, knee_point(study))

    Args:
        study:
            Only feasible complete trials count.

    Raises:
        ValueError:
            If no trial is complete and feasible.
    """
    trials = front(study)
    values = costs(trials, study.directions)
    span = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(span > 0, span, 1.0)
    order = np.lexsort([*values.T[::-1], scaled.sum(axis=1)])
    return deepcopy(trials[int(order[0])])
