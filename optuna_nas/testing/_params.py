"""Params of a search space, drawn by hypothesis decision by decision, so that failures shrink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
import torch
from torch import nn

from optuna_nas.oneshot import NothingToMixError
from optuna_nas.oneshot import Supernet
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import construct
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial


def values(distribution: BaseDistribution) -> st.SearchStrategy[Any]:
    """Returns a strategy for the values of a distribution; they shrink to the first or lowest.

    Args:
        distribution:
            Any of Optuna's three distributions.
    """
    if isinstance(distribution, CategoricalDistribution):
        return st.sampled_from(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is None:
        return st.floats(low, high, allow_nan=False)
    return st.integers(0, round((high - low) / step)).map(lambda i: low + i * step)


@st.composite
def params_of(draw: st.DrawFn, network: Network, device: torch.device) -> dict[str, Any]:
    """Returns a strategy for the params of a search space: what one trial of it is asked.

    Args:
        draw:
            Given by hypothesis.
        network:
            The search space.
        device:
            Where it is built to find out which decisions follow from those before.
    """
    trial = AnsweredTrial(lambda name, distribution: draw(values(distribution)))
    with device:
        construct(network, SampledTrial(trial))
    return dict(trial.params)


def replay(
    network: Network, params: Mapping[str, Any]
) -> tuple[nn.Module, dict[str, BaseDistribution]]:
    """Builds an architecture without ``build``; returns it with what was asked, in that order.

    Args:
        network:
            The search space.
        params:
            The value of each decision.

    Raises:
        AssertionError:
            If the network asks for a name that params lack.
    """

    def answer(name: str, distribution: BaseDistribution) -> Any:
        assert name in params, f"{name!r} was asked, but not when these params were drawn"
        return params[name]

    trial = AnsweredTrial(answer)
    module = construct(network, SampledTrial(trial))
    return module, dict(trial.distributions)


def supernet_for(network: Network, params: Mapping[str, Any]) -> Supernet | None:
    """Builds the supernet of all architectures that agree with params on what cannot be mixed.

    Args:
        network:
            The search space.
        params:
            The value of each decision. Those that are asked in other options only are set to
            their first.

    Returns:
        The supernet, or None if there is nothing to mix.
    """

    def answer(name: str, distribution: BaseDistribution) -> Any:
        return params.get(name, _first(distribution))

    try:
        return Supernet(network, AnsweredTrial(answer))
    except NothingToMixError:
        return None


def _first(distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return distribution.low
