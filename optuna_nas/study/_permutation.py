"""Permutation tests of a difference of means, two-sided (Edgington & Onghena 2007, "Randomization
tests"): how often chance alone, which could have dealt the same numbers otherwise, gives as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from itertools import product
import math

import numpy as np
from numpy.typing import NDArray


MOST = 20_000
"""Of more permutations than these, so many are drawn."""


def by_flipping(differences: Sequence[float]) -> float:
    """Returns p for pairs, of which chance could have exchanged any.

    Args:
        differences:
            Of each pair.
    """
    n = len(differences)
    if 2**n <= MOST:
        signs = np.array(list(product((1.0, -1.0), repeat=n)))
    else:
        signs = np.random.default_rng(0).choice((1.0, -1.0), size=(MOST, n))
        signs[0] = 1.0  # what was seen is one of them
    return _share(abs(signs @ np.array(differences)), abs(sum(differences)))


def least_by_flipping(pairs: int) -> float:
    """Returns the least p that so many pairs can give.

    Args:
        pairs:
            How many.
    """
    return min(1.0, 2.0 ** (1 - pairs))


def by_exchanging(one: Sequence[float], two: Sequence[float]) -> float:
    """Returns p for two samples, between which chance could have dealt the numbers otherwise.

    Args:
        one:
            A sample.
        two:
            Another, of any size.
    """
    both, n = np.array([*one, *two]), len(one)
    if math.comb(len(both), n) <= MOST:
        chosen = np.array(list(combinations(range(len(both)), n)))
    else:
        rng = np.random.default_rng(0)
        chosen = np.argsort(rng.random((MOST, len(both))), axis=1)[:, :n]
        chosen[0] = np.arange(n)  # what was seen is one of them
    sums = both[chosen].sum(axis=1)
    means = sums / n - (both.sum() - sums) / (len(both) - n)
    return _share(abs(means), abs(float(np.mean(one) - np.mean(two))))


def least_by_exchanging(one: int, two: int) -> float:
    """Returns the least p that samples of these sizes can give.

    Args:
        one:
            How many are in a sample.
        two:
            And in the other; of as many, the best deal has a mirror image that is as extreme.
    """
    return (2 if one == two else 1) / math.comb(one + two, one)


def _share(found: NDArray[np.float64], seen: float) -> float:
    """How many are as large as what was seen; equal sums may differ in their last bits."""
    return float(np.mean(found >= seen - 1e-12 * np.max(found)))
