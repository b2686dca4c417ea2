"""Draws from a distribution. Every random number is a function of a seed and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
import math
import secrets
from typing import Any
from zlib import crc32

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution

from optuna_nas._arguments import checked_int


def checked_seed(seed: int | None) -> int:
    """Returns the seed, or a random one if there is none.

    Args:
        seed:
            At least 0, or None.

    Raises:
        ValueError:
            If it is anything else.
    """
    if seed is None:
        return secrets.randbits(32)
    return checked_int("seed", seed, 0, otherwise=", or None")


def generator(*keys: int | str) -> np.random.Generator:
    """Returns a generator that depends on the keys alone.

    Args:
        *keys:
            A seed, then what the numbers are for: a trial's number, a parameter's name.
    """
    return np.random.default_rng([crc32(k.encode()) if isinstance(k, str) else k for k in keys])


@dataclass(frozen=True)
class Quantile:
    """Answers in place of a generator, always with the same share of all that could be drawn.

    Args:
        share:
            At least 0, below 1.
    """

    share: float

    def integers(self, high: int) -> int:
        """Returns an int from 0 to ``high - 1``."""
        return int(self.share * high)

    def uniform(self, low: float, high: float) -> float:
        """Returns a number from ``low`` to ``high``."""
        return low + self.share * (high - low)


def draw(distribution: BaseDistribution, rng: np.random.Generator | Quantile) -> Any:
    """Draws uniformly, or log-uniformly where the distribution says so.

    Args:
        distribution:
            Any of Optuna's three distributions.
        rng:
            Where random numbers come from.
    """
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[rng.integers(len(distribution.choices))]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    if distribution.log:
        # An int is drawn as if its interval reached half a step further, so that ends are as
        # likely as they should be.
        reach = 0.5 if isinstance(distribution, IntDistribution) else 0.0
        drawn = math.exp(rng.uniform(math.log(low - reach), math.log(high + reach)))
        number = round(drawn) if reach else drawn
    elif step is not None:
        number = low + step * int(rng.integers(round((high - low) / step) + 1))
    else:
        number = rng.uniform(low, high)
    return distribution.to_external_repr(min(max(number, low), high))


def legal(distribution: BaseDistribution, value: Any) -> bool:
    """Returns whether a value can be answered.

    Args:
        distribution:
            What is asked.
        value:
            Anything.
    """
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False
