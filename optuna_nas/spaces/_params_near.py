"""``params_near``: what a space is by hand, whatever its candidates are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import torch

from optuna_nas.space import AnsweredTrial
from optuna_nas.space import construct
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space._decisions import legal


def params_near(network: Network, preferred: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the params of an architecture: of each decision that it asks, the preferred value.

    Where that is no candidate, it is the nearest number, or the first choice.

    Args:
        network:
            The search space.
        preferred:
            A value for each decision that may be asked.
    """
    trial = AnsweredTrial(lambda name, distribution: _nearest(distribution, preferred[name]))
    with torch.device("meta"):
        construct(network, SampledTrial(trial))
    return dict(trial.params)


def _nearest(distribution: BaseDistribution, value: Any) -> Any:
    if legal(distribution, value):
        return value
    if isinstance(distribution, IntDistribution | FloatDistribution):
        return min(max(value, distribution.low), distribution.high)
    assert isinstance(distribution, CategoricalDistribution)
    if isinstance(value, str):
        return distribution.choices[0]
    return min(distribution.choices, key=lambda choice: abs(choice - value))
