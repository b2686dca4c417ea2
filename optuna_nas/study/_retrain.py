"""``retrain``: the best of a study, each trained on its own, after a study of cheap scores."""

from __future__ import annotations

from copy import deepcopy
import math

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._arguments import checked_int
from optuna_nas.samplers import best_first
from optuna_nas.space import build
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.study._objective_arguments import Evaluator
from optuna_nas.study._seeds import trial_rng
from optuna_nas.training import Rejected


def retrain(
    study: Study, network: Network, train: Evaluator, k: int
) -> list[tuple[FrozenTrial, float]]:
    """Trains the k best architectures of a study from fresh weights.

    Weights and order are those that the trials would have had with ``train`` in the study's
    objective: functions of the study's seed and the trial's number.

    Example:

        .. code-block:: python

            study.optimize(Objective(Net, OneShot(supernet, valid)), n_trials=1000)
            (best, score), *others = retrain(study, Net, Train(train, valid, epochs=50), k=5)

    Args:
        study:
            With several objectives, the best are those of the front, and then those behind it.
        network:
            The search space of the study.
        train:
            An evaluator, :class:`Train`. What it asks must be in the trials' params.
        k:
            How many at the most; architectures that differ.

    Returns:
        Trials of the study with their new scores, best first; those that ``train`` rejects come
        last, with NaN.

    Raises:
        ValueError:
            If ``k`` is below 1, or no trial of the study is complete.
    """
    best = _best(study, checked_int("k", k, 1))
    scored = [(trial, _score(study, network, train, trial)) for trial in best]
    wanted = getattr(train, "direction", None) or study.directions[0].name
    sign = -1 if str(getattr(wanted, "name", wanted)).lower() == "maximize" else 1
    return sorted(scored, key=lambda pair: math.inf if math.isnan(pair[1]) else sign * pair[1])


def _best(study: Study, k: int) -> list[FrozenTrial]:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        raise ValueError(
            f"study {study.study_name!r} has no complete trial, so there is none to train again."
        )
    best: list[FrozenTrial] = []
    for trial in best_first(complete, study.directions):
        if len(best) < k and all(trial.params != other.params for other in best):
            best.append(trial)
    return best


def _score(study: Study, network: Network, train: Evaluator, trial: FrozenTrial) -> float:
    with trial_rng(study, trial.number):
        try:
            return float(train(build(network, trial), SampledTrial(deepcopy(trial))))
        except Rejected:
            return math.nan
