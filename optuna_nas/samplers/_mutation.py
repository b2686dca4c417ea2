"""Another value of one decision: a step to a neighbour, or a new draw."""

from __future__ import annotations

import math
from typing import Any
from typing import TypeAlias

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution

from optuna_nas.samplers._draw import draw


Number: TypeAlias = IntDistribution | FloatDistribution

STEP = 0.1
"""A step of a continuous number, as the standard deviation in shares of its (log) range."""

SHARES = (0.1, 0.01)
"""How far away, in shares of the (log) range, the neighbours of a number are."""


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
        others = neighbours(distribution, value)
        return others[rng.integers(len(others))]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    # Stepped floats of other samplers may be off by a rounding error, which is no mutation.
    other = value = _nearest(distribution, value)
    while other == value:
        other = _step(distribution, value, rng) if neighbour else draw(distribution, rng)
    return other


def neighbours(distribution: BaseDistribution, value: Any) -> list[Any]:
    """Returns the values that are one step away: a finite number of them.

    Args:
        distribution:
            What to take them from.
        value:
            Where to start.

    Returns:
        Of a categorical all other choices. Of a number the next ones, if it has steps, and those a
        tenth and a hundredth of its (log) range away.
    """
    if isinstance(distribution, CategoricalDistribution):
        # By place, since True equals 1, and nan does not equal itself.
        place = int(distribution.to_internal_repr(value))
        return [choice for i, choice in enumerate(distribution.choices) if i != place]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    value = _nearest(distribution, value)
    step = distribution.step or 0.0
    near = [_nearest(distribution, value + by) for by in (-step, step)]
    near += [_moved(distribution, value, by) for share in SHARES for by in (-share, share)]
    return [other for other in dict.fromkeys(near) if other != value]


def _step(distribution: Number, value: float, rng: np.random.Generator) -> float:
    """One step up or down; by ``step`` where there is one, else by a share of the (log) range."""
    if distribution.step is not None and not distribution.log:
        up = bool(rng.integers(2)) if distribution.low < value < distribution.high else False
        up = up or value <= distribution.low
        return _nearest(distribution, value + (distribution.step if up else -distribution.step))
    by = rng.normal(scale=STEP)
    other = _moved(distribution, value, by)
    if other == value and distribution.step is not None:
        return _nearest(distribution, value + math.copysign(distribution.step, by))
    return other


def _moved(distribution: Number, value: float, by: float) -> float:
    """The legal number that is a share of the (log) range away."""
    to, back = (math.log, math.exp) if distribution.log else (float, float)
    span = to(distribution.high) - to(distribution.low)
    return _nearest(distribution, back(to(value) + by * span))


def _nearest(distribution: Number, number: float) -> float:
    """The legal number next to one."""
    if distribution.step is not None:
        steps = round((number - distribution.low) / distribution.step)
        number = distribution.low + steps * distribution.step
    number = min(max(number, distribution.low), distribution.high)
    return distribution.to_external_repr(number)
