"""``Levels``: the values of a decision, as few as a picture can show."""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Sequence
import math
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial

from optuna_nas.samplers._architectures import key
from optuna_nas.samplers._encoding import unit
from optuna_nas.space._decisions import cardinality
from optuna_nas.space._decisions import value_at


FEW = 8
"""Numbers of more values than this are cut into ranges."""

RANGES = 4


class Levels:
    """The values of a decision.

    Args:
        distribution:
            Of the decision.

    Attributes:
        labels:
            What each is called.
    """

    def __init__(self, distribution: BaseDistribution) -> None:
        self._distribution = distribution
        self._places: dict[Hashable, int] = {}
        self._count = cardinality(distribution)
        if isinstance(distribution, CategoricalDistribution):
            self.labels = [_short(choice) for choice in distribution.choices]
            self._places = {_key(choice): i for i, choice in enumerate(distribution.choices)}
        elif self._count is not None and self._count <= FEW:
            self.labels = [_short(value_at(distribution, i)) for i in range(self._count)]
        else:
            ends = [_short(_at(distribution, i / RANGES)) for i in range(RANGES + 1)]
            self.labels = [f"{ends[i]} to {ends[i + 1]}" for i in range(RANGES)]

    def __len__(self) -> int:
        return len(self.labels)

    def place(self, value: Any) -> int | None:
        """The level of a value; None if a categorical has no such choice (any more).

        Args:
            value:
                What a trial answered.
        """
        distribution = self._distribution
        if isinstance(distribution, CategoricalDistribution):
            return self._places.get(_key(value))
        if self._count is not None and self._count <= FEW:
            assert isinstance(distribution, IntDistribution | FloatDistribution)
            place = round(float(value - distribution.low) / (distribution.step or 1))
        else:
            place = int(RANGES * unit(distribution, value))
        return min(max(place, 0), len(self) - 1)


def levels_of(trials: Sequence[FrozenTrial]) -> dict[str, Levels]:
    """The decisions that trials were asked and that have a choice, in the order asked.

    Args:
        trials:
            Of any state, by number; of a decision that changed, the last one's distribution
            counts.
    """
    last = {name: d for trial in trials for name, d in trial.distributions.items()}
    return {name: Levels(last[name]) for name in _order(trials) if not last[name].single()}


def _order(trials: Sequence[FrozenTrial]) -> list[str]:
    """All decisions, each behind the one that some trial was asked before it."""
    order: list[str] = []
    for trial in trials:
        place = 0
        for name in trial.params:
            if name not in order:
                order.insert(place, name)
            place = order.index(name) + 1
    return order


def _at(distribution: BaseDistribution, share: float) -> float:
    """The number so far between low and high."""
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    low, high = distribution.low, distribution.high
    if distribution.log:
        number = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        number = low + share * (high - low)
    return round(number) if isinstance(distribution, IntDistribution) else number


def _key(value: Any) -> Hashable:
    """Tells 1 from True."""
    return type(value), key(value)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
