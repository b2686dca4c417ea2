"""A distribution as a few actions, for a policy that gives each of them a probability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution


class Actions:
    """The values of a distribution: an action each or, where they are many, bins of them.

    Choices are never put together. Bins are equally wide, in the logarithm where the distribution
    says so; of ints there are fewer than asked for where a bin would be empty.

    Args:
        distribution:
            Any of Optuna's three distributions.
        bins:
            How many actions a number has at most.
    """

    def __init__(self, distribution: BaseDistribution, bins: int) -> None:
        self._distribution = distribution
        if isinstance(distribution, CategoricalDistribution):
            self._edges: NDArray[Any] = np.arange(len(distribution.choices) + 1)
        else:
            assert isinstance(distribution, IntDistribution | FloatDistribution)
            self._edges = _edges(distribution, bins)

    def __len__(self) -> int:
        return len(self._edges) - 1

    @property
    def exact(self) -> bool:
        """Whether each action is one value."""
        d = self._distribution
        stepped = isinstance(d, CategoricalDistribution) or getattr(d, "step", None) is not None
        return d.single() or (stepped and bool((np.diff(self._edges) == 1).all()))

    def index(self, value: Any) -> int:
        """Returns which action a value belongs to."""
        d = self._distribution
        if isinstance(d, CategoricalDistribution):
            return int(d.to_internal_repr(value))
        assert isinstance(d, IntDistribution | FloatDistribution)
        if d.step is None:
            position = math.log(value) if d.log else value
        else:
            position = round((value - d.low) / d.step)
        found = int(np.searchsorted(self._edges, position, side="right")) - 1
        return min(max(found, 0), len(self) - 1)

    def draw(self, action: int, rng: np.random.Generator) -> Any:
        """Returns one of an action's values, each as likely as the others.

        Args:
            action:
                Which, from 0.
            rng:
                Where random numbers come from.
        """
        d = self._distribution
        if isinstance(d, CategoricalDistribution):
            return d.choices[action]
        assert isinstance(d, IntDistribution | FloatDistribution)
        low, high = self._edges[action : action + 2]
        if d.step is None:
            drawn = math.exp(rng.uniform(low, high)) if d.log else rng.uniform(low, high)
        else:
            drawn = d.low + d.step * int(rng.integers(low, high))
        return d.to_external_repr(min(max(drawn, d.low), d.high))


def _edges(d: IntDistribution | FloatDistribution, bins: int) -> NDArray[Any]:
    """Where the bins of a number begin, and the last one ends; with a step, counted in steps."""
    if d.single():
        return np.array([0, 1])
    if d.step is None:
        ends = (math.log(d.low), math.log(d.high)) if d.log else (d.low, d.high)
        return np.linspace(*ends, bins + 1)
    many = round((d.high - d.low) / d.step) + 1
    if many <= bins:
        return np.arange(many + 1)
    if d.log:
        cuts = np.geomspace(d.low, d.low + many, bins + 1) - d.low
    else:
        cuts = np.linspace(0, many, bins + 1)
    return np.unique(cuts.round().astype(int))
