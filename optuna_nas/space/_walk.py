"""``SurveyTrial``: a walk through every option at once, to meet as many decisions as it can."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import IntDistribution
from torch import nn

from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._decisions import first
from optuna_nas.space._decisions import inputs_distribution
from optuna_nas.space._decisions import module_distribution
from optuna_nas.space._node import checked_module
from optuna_nas.space._node import Node
from optuna_nas.space._sampled import SampledTrial


def most(name: str, distribution: BaseDistribution) -> Any:
    """The answer that opens most: ``high`` of an integer (a loop may run over it), else the first.

    Args:
        name:
            The decision's name.
        distribution:
            What may be answered.
    """
    return distribution.high if isinstance(distribution, IntDistribution) else first(distribution)


class SurveyTrial(SampledTrial):
    """A trial of no study that walks every option of every module and takes ``high`` for repeats.

    After ``network(trial)`` its ``distributions`` hold the decisions met; ``contexts`` says, for
    each, which options lead to it. :func:`survey` runs the network further, since an ``if`` on a
    plain decision may hide more.
    """

    def __init__(self) -> None:
        super().__init__(AnsweredTrial(self._meet))
        self.contexts: dict[str, dict[str, Any]] = {}
        self._path: dict[str, Any] = {}

    def suggest_module(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]]
    ) -> nn.Module:
        """Calls every factory; returns the first option's module."""
        self._ask(name, module_distribution(name, options))
        modules = []
        for option, factory in options.items():
            with self._within(name, option):
                module = checked_module(factory(), f"Decision {name!r}: option {option!r}")
            modules.append(module)
        return modules[0]

    def suggest_inputs(
        self, name: str, n: int, k: int, edge: Callable[[int], nn.Module]
    ) -> nn.Module:
        """Calls ``edge`` for every input; returns the node that takes them all."""
        distribution = inputs_distribution(name, n, k)
        self._ask(name, distribution)
        edges = []
        for i in range(n):
            taking_i = next(c for c in distribution.choices if str(i) in str(c).split("+"))
            with self._within(name, taking_i):
                edges.append(checked_module(edge(i), f"Decision {name!r}: edge {i}"))
        return Node(range(n), edges)

    def _meet(self, name: str, distribution: BaseDistribution) -> Any:
        self.contexts[name] = dict(self._path)
        return most(name, distribution)

    @contextmanager
    def _within(self, name: str, option: Any) -> Iterator[None]:
        outside, self._path = self._path, {**self._path, name: option}
        try:
            yield
        finally:
            self._path = outside
