"""``Constraint``: a limit on a metric, as data, so that a search can reject a network by it."""

from __future__ import annotations

from dataclasses import dataclass
import math
from numbers import Real
from typing import NoReturn
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna_nas.metrics._metric import Metric


@dataclass(frozen=True)
class Constraint:
    """What ``metric <= limit`` and its like give.

    Args:
        metric:
            What is limited.
        limit:
            Its limit, in the metric's unit.
        upper:
            Whether it is the largest value allowed, rather than the smallest.
        strict:
            Whether the limit itself is already too much, or too little.

    Raises:
        TypeError:
            If the limit is no number; from ``bool(constraint)``, always.
        ValueError:
            If the limit is NaN.
    """

    metric: Metric
    limit: float
    upper: bool
    strict: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.limit, Real) or isinstance(self.limit, bool):
            raise TypeError(
                f"{self.metric.name}: a limit must be a number, but is {self.limit!r} "
                f"({type(self.limit).__name__})."
            )
        if math.isnan(self.limit):
            raise ValueError(f"{self.metric.name}: a limit must be a number, but is NaN.")

    @property
    def name(self) -> str:
        """How it is written: ``"parameters <= 1000000"``."""
        sign = ("<" if self.upper else ">") + ("" if self.strict else "=")
        return f"{self.metric.name} {sign} {float(self.limit):.15g}"

    def violation(self, value: float) -> float:
        """How far a value is beyond the limit, in the metric's unit.

        Args:
            value:
                What the metric measured.

        Returns:
            0 or less if the constraint holds, as Optuna has it; infinity for NaN.
        """
        if math.isnan(value):
            return math.inf
        if value == self.limit:  # infinite ones too, whose difference is no number
            return math.ulp(self.limit) if self.strict else 0.0
        return float(value - self.limit if self.upper else self.limit - value)

    def __bool__(self) -> NoReturn:
        name = self.metric.name
        raise TypeError(
            f"The constraint {self.name!r} has no truth value: it holds for one network and not "
            f"for another. In place of low <= {name} <= high write two constraints: "
            f"constraints=({name} >= low, {name} <= high)."
        )
