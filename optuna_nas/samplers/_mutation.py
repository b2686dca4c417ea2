"""Another value of one decision: a step to a neighbour, or a new draw."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution

from optuna_nas.samplers._draw import draw


STEP = 0.1
"""A step of a continuous number, as the standard deviation in shares of its (log) range."""


def mutated(
    distribution: BaseDistribution, value: Any, rng: np.random.Generator, *, neighbour: bool
) -> Any:
    """Returns another value than the one given.

    Args:
        distribution:
            What to take it from; more than one value.
        value:
            What it was.
        rng:
            Where random numbers come from.
        neighbour:
            Whether an ordered number steps to a neighbour. Otherwise, and for categoricals, any
            other value is drawn.
    """
    if isinstance(distribution, CategoricalDistribution):
        others = [choice for choice in distribution.choices if choice != value]
        return others[rng.integers(len(others))]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    other = value
    while other == value:
        other = _step(distribution, value, rng) if neighbour else draw(distribution, rng)
    return other


def _step(
    distribution: IntDistribution | FloatDistribution, value: float, rng: np.random.Generator
) -> float:
    """One step up or down; by ``step`` where there is one, else by a share of the (log) range."""
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is not None and not distribution.log:
        up = bool(rng.integers(2)) if low < value < high else value <= low
        other = round((value - low) / step) + (1 if up else -1)
        return distribution.to_external_repr(min(max(low + other * step, low), high))
    to, back = (math.log, math.exp) if distribution.log else (float, float)
    moved = back(to(value) + rng.normal(scale=STEP * (to(high) - to(low))))
    if isinstance(distribution, IntDistribution):
        moved = round(moved) if round(moved) != value else value + (1 if moved > value else -1)
    return distribution.to_external_repr(min(max(moved, low), high))
