"""The largest architecture of a search space, and what every smaller choice leaves of it.

Found on the meta device: from the answers that open most, each decision in turn takes the choice
with the most parameters, until none has more.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution
import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot._slices import tensors_of
from optuna_nas.oneshot._slices import without_memory
from optuna_nas.space import AnsweredTrial
from optuna_nas.space import CANNOT_BE_BUILT
from optuna_nas.space import decisions
from optuna_nas.space import describe
from optuna_nas.space import Network
from optuna_nas.space import SampledTrial
from optuna_nas.space import SearchSpaceError
from optuna_nas.space import sketch
from optuna_nas.space._decisions import first
from optuna_nas.space._decisions import legal
from optuna_nas.space._explore import tried
from optuna_nas.space._walk import most


SOME = 5
"""Of a number with more values than this, so many are tried, the ends among them."""


@dataclass(frozen=True)
class Skeleton:
    """An architecture on the meta device.

    Attributes:
        params:
            What was answered.
        distributions:
            What was asked.
        module:
            The network.
    """

    params: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]
    module: nn.Module

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers, by name."""
        return dict(tensors_of(self.module))

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return sum(parameter.numel() for parameter in self.module.parameters())


@dataclass(frozen=True)
class Change:
    """The largest architecture with another choice of one decision.

    Attributes:
        name:
            The decision.
        choice:
            What it is here.
        skeleton:
            What comes out.
    """

    name: str
    choice: Any
    skeleton: Skeleton


class Sketches:
    """Builds a network on the meta device, with given answers, once for each.

    Args:
        network:
            The search space.
        values:
            Of the decisions that are fixed.
    """

    def __init__(self, network: Network, values: Mapping[str, Any]) -> None:
        self.device = "meta"
        self._network = network
        self._values = values
        self._known: dict[frozenset[tuple[str, Any]], Skeleton | None] = {}
        self._asked: set[str] = set()
        self._illegal: dict[str, BaseDistribution] = {}

    def build(self, wanted: Mapping[str, Any]) -> Skeleton:
        """Builds an architecture.

        Args:
            wanted:
                Answers; what they lack is answered by what opens most.
        """

        def answer(name: str, distribution: BaseDistribution) -> Any:
            self._asked.add(name)
            if name in self._values and not legal(distribution, self._values[name]):
                self._illegal[name] = distribution
                return first(distribution)
            given = {**wanted, **self._values}
            if name not in given or not legal(distribution, given[name]):
                return most(name, distribution)
            return distribution.to_external_repr(distribution.to_internal_repr(given[name]))

        trial = AnsweredTrial(answer)
        with torch.random.fork_rng(devices=[]):
            module, self.device = sketch(self._network, SampledTrial(trial), self.device)
        return Skeleton(trial.params, trial.distributions, without_memory(module))

    def changes(self, skeleton: Skeleton, name: str) -> Iterator[Change]:
        """Yields an architecture with the other choices of a decision, those that can be built.

        Args:
            skeleton:
                The architecture.
            name:
                The decision.
        """
        if name in self._values:
            return
        for choice in tried(skeleton.distributions[name], SOME):
            if choice != skeleton.params[name]:
                other = self._built({**skeleton.params, name: choice})
                if other is not None:
                    yield Change(name, choice, other)

    def check_values(self) -> None:
        """Raises unless the fixed values are legal ones of decisions that the network asks."""
        unknown = set(self._values) - self._asked
        if unknown:  # it may be asked where two decisions differ from the largest
            unknown -= set(decisions(self._network)[0])
        problems = [
            f"{name!r} is {self._values[name]!r}, but legal is {describe(distribution)}"
            for name, distribution in self._illegal.items()
        ]
        problems += [f"{name!r} is not asked by the network" for name in sorted(unknown)]
        if problems:
            raise ValueError(f"values do not fit the network: {'; '.join(problems)}.")

    def _built(self, wanted: Mapping[str, Any]) -> Skeleton | None:
        key = frozenset(wanted.items())
        if key not in self._known:
            try:
                self._known[key] = self.build(wanted)
            except SearchSpaceError:
                raise
            except CANNOT_BE_BUILT:
                self._known[key] = None
        return self._known[key]


def find_largest(sketches: Sketches) -> tuple[Skeleton, list[Change]]:
    """Finds the architecture with the most parameters.

    Args:
        sketches:
            Of the search space.

    Returns:
        The architecture, and all with one other choice, of numbers of many values with some.
    """
    try:
        largest = sketches.build({})
    except SearchSpaceError:
        raise
    except CANNOT_BE_BUILT as error:
        raise ValueError(
            f"the largest architecture cannot be built, and all others are slices of it: {error} "
            "Fix some decisions, OnceForAll(network, values={...})."
        ) from error
    before = None
    while before is not largest:
        before = largest
        largest = _grown(sketches, largest, list(largest.params))
    return largest, [c for name in largest.params for c in sketches.changes(largest, name)]


def _grown(sketches: Sketches, skeleton: Skeleton, names: Iterable[str]) -> Skeleton:
    """Gives each decision in turn the choice with most parameters; so too what that leads to."""
    for name in names:
        if name in skeleton.params:
            others = [skeleton]
            for change in sketches.changes(skeleton, name):
                new = [n for n in change.skeleton.params if n not in skeleton.params]
                others.append(_grown(sketches, change.skeleton, new))
            skeleton = max(others, key=lambda other: other.size)
    return skeleton


def met(
    values: Mapping[str, Any], largest: Skeleton, changes: Iterable[Change]
) -> dict[str, BaseDistribution]:
    """Returns the distributions of the decisions that are open, as far as they were asked.

    Args:
        values:
            Of those that are fixed.
        largest:
            The largest architecture.
        changes:
            What one other choice makes of it.
    """
    found = dict(largest.distributions)
    for change in changes:
        found.update((n, d) for n, d in change.skeleton.distributions.items() if n not in found)
    return {name: d for name, d in found.items() if name not in values}
