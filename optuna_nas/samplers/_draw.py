"""Draws from a distribution. Every random number is a function of a seed and what it is for."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from optuna._transform import _SearchSpaceTransform
from optuna.distributions import BaseDistribution


def generator(*keys: int | str) -> np.random.Generator:
    """Returns a generator that depends on the keys alone.

    Args:
        *keys:
            A seed, then what the numbers are for: a trial's number, a parameter's name.
    """
    return np.random.default_rng([crc32(k.encode()) if isinstance(k, str) else k for k in keys])


def draw(distribution: BaseDistribution, rng: np.random.Generator) -> Any:
    """Draws uniformly, or log-uniformly where the distribution says so.

    Args:
        distribution:
            Any of Optuna's three distributions.
        rng:
            Where random numbers come from.
    """
    transform = _SearchSpaceTransform({"": distribution})
    drawn = rng.uniform(transform.bounds[:, 0], transform.bounds[:, 1])
    return transform.untransform(drawn)[""]
