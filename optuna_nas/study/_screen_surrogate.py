"""``Surrogate``: an estimate learned from the trials that have finished, in place of a proxy."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import math
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from torch import nn

from optuna_nas._arguments import checked_int
from optuna_nas._ranking import has_value
from optuna_nas.samplers._encoding import Encoding
from optuna_nas.samplers._gaussian_process import GaussianProcess
from optuna_nas.samplers._gaussian_process import Kernel
from optuna_nas.samplers._predictor import _one_thread
from optuna_nas.samplers._scores import scores
from optuna_nas.space import ARCHITECTURE
from optuna_nas.study._truth_meter import check_objective


LATEST = 200
"""From how many trials it learns, at most."""


class Surrogate:
    """Predicts what a candidate will come to from the finished trials of its study.

    It is fitted anew for each candidate, to the architecture's decisions alone, and before the
    candidate is trained: so the truth meter measures predictions, not memory.

    Example:

        .. code-block:: python

            Objective(network, train, screen=Screen(Surrogate(RandomForestRegressor)))

    Args:
        regressor:
            Makes a regressor with scikit-learn's ``fit(X, y)`` and ``predict(X)``; options are
            one-hot, numbers in 0..1. By default the Gaussian process of ``PredictorSampler``.
        n_initial:
            With fewer finished trials it has no opinion (NaN).
        objective:
            Which one to predict, by its index.

    Raises:
        TypeError:
            If the regressor is no factory.
        ValueError:
            If ``n_initial`` is no int of at least 2, or the objective none of at least 0.
    """

    name = "surrogate"

    def __init__(
        self,
        regressor: Callable[[], Any] | None = None,
        *,
        n_initial: int = 10,
        objective: int = 0,
    ) -> None:
        if regressor is not None and not callable(regressor):
            raise TypeError(
                "regressor must be a function or class that makes a regressor, "
                f"RandomForestRegressor, but is {regressor!r}; give the class, not an instance."
            )
        self.regressor = regressor
        self.n_initial = checked_int("n_initial", n_initial, 2)
        self.objective = checked_int("objective", objective, 0)

    def __call__(self, module: nn.Module, trial: Any) -> float:
        """What the trial will come to; more is better, in the units that samplers score by.

        Args:
            module:
                Not looked at.
            trial:
                Of a study.

        Raises:
            ValueError:
                If the study has no such objective.
        """
        check_objective(trial.study, self.objective, "the surrogate's objective")
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        ended = trial.study._get_trials(deepcopy=False, states=states, use_cache=True)
        learned = [one for one in ended if has_value(one)][-LATEST:]
        if len(learned) < self.n_initial:
            return math.nan
        distributions: dict[str, BaseDistribution] = dict(trial.asked)
        for one in learned:
            distributions |= {name: one.distributions[name] for name in _architecture(one)}
        encoding = Encoding(dict(sorted(distributions.items())))
        rows = encoding.rows([_architecture(one) for one in learned])
        worth = scores(learned, trial.study.directions)[:, self.objective]
        asked = {name: trial.params[name] for name in trial.asked}
        with _one_thread():
            return self._predicted(encoding, rows, worth, encoding.rows([asked]))

    def _predicted(self, encoding: Encoding, rows: Any, worth: Any, row: Any) -> float:
        if self.regressor is not None:
            model = self.regressor()
            model.fit(rows, worth)
            return float(model.predict(row)[0])
        mean = worth.mean()
        process = GaussianProcess(Kernel(encoding), rows, worth - mean, np.arange(len(rows)))
        return float(process.predict(row)[0][0] + mean)


def _architecture(trial: FrozenTrial) -> Mapping[str, Any]:
    """What the network asked, without what evaluators did."""
    names = trial.user_attrs.get(ARCHITECTURE, trial.params)
    return {name: trial.params[name] for name in names if name in trial.params}
