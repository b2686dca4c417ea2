"""Random search: the control that every other sampler has to beat."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

from optuna.samplers import BaseSampler

from optuna_nas.samplers._draw import checked_seed
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class RandomSampler(BaseSampler):
    """Samples uniformly, each value a function of (seed, trial number, parameter name).

    So 25 + 25 trials after a resume equal 50 in one go, and several workers share one search
    without repeating each other. Otherwise it is :class:`optuna.samplers.RandomSampler`.

    Example:

        .. code-block:: python

            study = optuna.create_study(sampler=optuna_nas.samplers.RandomSampler(seed=0))

    Args:
        seed:
            At least 0; None draws one.
    """

    def __init__(self, *, seed: int | None = None) -> None:
        self._seed = checked_seed(seed)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return draw(param_distribution, generator(self._seed, trial.number, param_name))
