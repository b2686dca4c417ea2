"""``Explorer``: runs a network with chosen answers until what it asks is known.

A decision behind an ``if`` shows only in a run whose answers open it. So every value of every
decision is tried alone, then values are combined until every two of them met in some run:
conditions that look at one or two decisions cannot hide. Random runs then have to agree.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from random import Random
import sys
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
import torch

from optuna_nas.space._answered import Answer
from optuna_nas.space._answered import AnsweredTrial
from optuna_nas.space._build import construct
from optuna_nas.space._build import sketch
from optuna_nas.space._conditions import Run
from optuna_nas.space._decisions import cardinality
from optuna_nas.space._decisions import check_same
from optuna_nas.space._decisions import first
from optuna_nas.space._decisions import SearchSpaceError
from optuna_nas.space._decisions import value_at
from optuna_nas.space._pairs import Pairs
from optuna_nas.space._protocol import Network
from optuna_nas.space._reuse import Made
from optuna_nas.space._reuse import ReusingTrial
from optuna_nas.space._sampled import SampledTrial
from optuna_nas.space._walk import most
from optuna_nas.space._walk import SurveyTrial


CANNOT_BE_BUILT = (ValueError, RuntimeError, AssertionError, ArithmeticError, MemoryError)
"""What a network raises for answers that do not go together; any other error is a bug."""

ALONE = 32
IN_PAIRS = 14
"""Of a number with more values than this, so many are tried, the ends among them."""


def tried(distribution: BaseDistribution, limit: int = ALONE) -> Sequence[Any]:
    """Returns the values that a survey tries: all, or an even selection of a number's many.

    Args:
        distribution:
            Any of Optuna's three distributions.
        limit:
            How many values of a number are tried at the most; at least 2.
    """
    values = cardinality(distribution)
    if values is None:
        assert isinstance(distribution, FloatDistribution)
        return (distribution.low, (distribution.low + distribution.high) / 2, distribution.high)
    if isinstance(distribution, CategoricalDistribution) or values <= limit:
        return [value_at(distribution, i) for i in range(values)]
    return [value_at(distribution, i * (values - 1) // (limit - 1)) for i in range(limit)]


class Explorer:
    """Runs a network again and again, and keeps what it asked.

    Args:
        network:
            The search space.
        seed:
            Of the random answers.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.search_space: dict[str, BaseDistribution] = {}
        self.runs: list[Run] = []
        self.count = 0
        self.unbuildable = 0
        self.error: Exception | None = None
        self.device = "meta"
        self._network = network
        self._random = Random(seed)
        self._contexts: dict[str, Mapping[str, Any]] = {}
        self._tried_alone: set[str] = set()
        self._made: dict[Hashable, list[Made]] = {}

    def walk(self) -> None:
        """Meets every option of every module in one run."""
        trial = SurveyTrial()
        self.count += 1
        self._construct(trial)
        for name, distribution in trial.distributions.items():
            self._meet(name, distribution, trial.contexts[name])

    def run(self, required: Mapping[str, Any], otherwise: Answer = most) -> tuple[Run, bool]:
        """Runs the network once.

        Args:
            required:
                Answers that are given.
            otherwise:
                Answers the rest.

        Returns:
            All answers in the order asked, and whether the network could be built from them.
        """

        def answer(name: str, distribution: BaseDistribution) -> Any:
            return required[name] if name in required else otherwise(name, distribution)

        trial = AnsweredTrial(answer)
        self.count += 1
        built = self._constructs_with_old_parts(trial) or self._construct(SampledTrial(trial))
        for name, distribution in trial.distributions.items():
            self._meet(name, distribution, trial.params)
        if built:
            self.runs.append(trial.params)
        else:
            self.unbuildable += 1
        return trial.params, built

    def singles(self) -> None:
        """Gives each decision each of its values alone, the others as in the first run."""
        done: set[frozenset[tuple[str, Any]]] = set()
        for name, value in self._values():
            required = {**self._contexts[name], name: value}
            change = frozenset(
                (n, v) for n, v in required.items() if v != most(n, self.search_space[n])
            )
            if change not in done:
                done.add(change)
                self.run(required)

    def pairs(self, budget: int) -> None:
        """Gives every two decisions every two of their values; of long numbers, of 14 values.

        Args:
            budget:
                How many runs at the most.
        """
        pairs = Pairs(self._random)
        answered: dict[str, Any] = {}

        def answer(name: str, distribution: BaseDistribution) -> Any:
            pairs.add(name, tried(distribution, IN_PAIRS))
            answered[name] = pairs.best(name, answered)
            return answered[name]

        for name, distribution in self.search_space.items():
            pairs.add(name, tried(distribution, IN_PAIRS))
        for run in self.runs:
            pairs.mark(run)
        for _ in range(budget):
            two = pairs.next()
            if two is None:
                break
            (a, _), (b, _) = two
            required = {**self._contexts[a], **self._contexts[b], **dict(two)}
            answered = dict(required)
            run, _ = self.run(required, answer)
            pairs.mark(run)

    def random(self, count: int) -> list[Run | None]:
        """Gives uniformly random answers.

        Args:
            count:
                How many runs.

        Returns:
            The runs; None for one that could not be built.
        """

        def answer(name: str, distribution: BaseDistribution) -> Any:
            values = cardinality(distribution)
            if values is None:
                return self._random.choice(tried(distribution))
            return value_at(distribution, self._random.randrange(values))

        runs = (self.run({}, answer) for _ in range(count))
        return [run if built else None for run, built in runs]

    def leaves(self, limit: int) -> int | None:
        """Runs every architecture, depth first, and counts those that can be built.

        Args:
            limit:
                How many runs at the most.

        Returns:
            Their number, or None if there are more.
        """
        path: Run = {}
        count = 0
        for _ in range(limit):
            run, built = self.run(path, lambda name, distribution: first(distribution))
            count += built
            next_path = self._next_path(run)
            if next_path is None:
                return count
            path = next_path
        return None

    def _next_path(self, run: Run) -> Run | None:
        """The run's answers up to the last one that has a next value, and that value."""
        answers = list(run.items())
        for i, (name, value) in reversed(list(enumerate(answers))):
            values = tried(self.search_space[name], limit=sys.maxsize)
            position = values.index(value) + 1
            if position < len(values):
                return {**dict(answers[:i]), name: values[position]}
        return None

    def _values(self) -> Iterator[tuple[str, Any]]:
        """Every decision with every value to try, those that are met on the way included."""
        while new := [name for name in self.search_space if name not in self._tried_alone]:
            for name in new:
                self._tried_alone.add(name)
                for value in tried(self.search_space[name]):
                    yield name, value

    def _construct(self, trial: Any) -> bool:
        try:
            with torch.random.fork_rng(devices=[]):
                _, self.device = sketch(self._network, trial, self.device)
        except SearchSpaceError:
            raise
        except CANNOT_BE_BUILT as error:
            self.error = error
            return False
        return True

    def _constructs_with_old_parts(self, trial: Any) -> bool:
        """Whether it can be built with modules of earlier runs. If not, that decides nothing."""
        if self.device != "meta":
            return False
        with suppress(Exception), torch.random.fork_rng(devices=[]), torch.device("meta"):
            construct(self._network, ReusingTrial(trial, self._made))
            return True
        return False

    def _meet(self, name: str, distribution: BaseDistribution, answers: Mapping[str, Any]) -> None:
        """Notes a decision, and of a new one the answers that were given before it."""
        if name not in self.search_space:
            before = takewhile(lambda item: item[0] != name, answers.items())
            self.search_space[name], self._contexts[name] = distribution, dict(before)
        elif distribution is not self.search_space[name]:
            check_same(name, self.search_space[name], distribution)
