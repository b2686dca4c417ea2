"""``AnsweredTrial``: a trial whose answers come from a function. The survey's and ``build``'s."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import TypeAlias

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from optuna.trial import FixedTrial


Answer: TypeAlias = Callable[[str, BaseDistribution], Any]


class AnsweredTrial(FixedTrial):
    """A trial of no study that asks a function for each value, and keeps what it was told.

    Args:
        answer:
            From a name and its distribution to a value; called once a name.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__({})
        self._answer = answer

    def suggest_float(
        self,
        name: str,
        low: float,
        high: float,
        *,
        step: float | None = None,
        log: bool = False,
    ) -> float:
        return float(self._once(name, FloatDistribution(low, high, log=log, step=step)))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        return int(self._once(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self._once(name, CategoricalDistribution(choices))

    def _once(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self.params:
            self.params[name] = self._answer(name, distribution)
            self.distributions[name] = distribution
        return self.params[name]
