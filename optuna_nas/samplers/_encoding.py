"""Architectures as rows of numbers: one-hot for options, 0..1 for numbers, a flag for inactive."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import math
from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution

from optuna_nas.samplers._architectures import key


Floats: TypeAlias = NDArray[np.float64]


class Encoding:
    """Columns for every decision, the last of them 1 where it is not asked.

    Args:
        distributions:
            Of every decision.

    Attributes:
        columns:
            Of each decision, where its columns are.
        options:
            Of each decision, what decisions with the same options have in common: the options.
            None for a number.
        width:
            How many columns there are.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self._distributions = dict(distributions)
        self.columns: dict[str, slice] = {}
        self.options: dict[str, tuple[Any, ...] | None] = {}
        self.width = 0
        self._places: dict[str, dict[Any, int]] = {}
        for name, distribution in distributions.items():
            options = None
            if isinstance(distribution, CategoricalDistribution):
                options = tuple(map(key, distribution.choices))
            count = len(options) if options is not None else 1
            self.options[name] = options
            self._places[name] = {option: i for i, option in enumerate(options or ())}
            self.columns[name] = slice(self.width, self.width + count + 1)
            self.width += count + 1

    def rows(self, architectures: Sequence[Mapping[str, Any]]) -> Floats:
        """Returns the encoded architectures.

        Args:
            architectures:
                n times what is asked, with its value.

        Returns:
            Shape [n, width].
        """
        rows = np.zeros((len(architectures), self.width))
        every = np.arange(len(architectures))
        for name, distribution in self._distributions.items():
            columns = self.columns[name]
            asked = np.array([name in params for params in architectures], dtype=bool)
            rows[~asked, columns.stop - 1] = 1.0
            values = [params[name] for params in architectures if name in params]
            if isinstance(distribution, CategoricalDistribution):
                chosen = [self._place(name, value) for value in values]
                rows[every[asked], columns.start + np.array(chosen, dtype=int)] = 1.0
            else:
                rows[~asked, columns.start] = 0.5
                rows[asked, columns.start] = [unit(distribution, value) for value in values]
        return rows

    def _place(self, name: str, value: Any) -> int:
        """The place of an option; faster than asking the distribution."""
        try:
            place = self._places[name].get(value)
        except TypeError:  # it cannot be hashed
            place = self._places[name].get(key(value))
        return (
            place if place is not None else int(self._distributions[name].to_internal_repr(value))
        )


def unit(distribution: BaseDistribution, value: float) -> float:
    """Returns where a number lies between low (0) and high (1), on the log scale if it has one.

    Args:
        distribution:
            Of the number.
        value:
            One of its values.
    """
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    to = math.log if distribution.log else float
    low, high = to(distribution.low), to(distribution.high)
    return (to(value) - low) / (high - low) if high > low else 0.5
