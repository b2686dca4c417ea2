"""The trials that wait or run, found by what they answer.

Each is read when it changes; so to look one up takes a step a decision, however many wait.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeAlias

from optuna_nas.samplers._architectures import key


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from optuna_nas.samplers._history import History


Known: TypeAlias = Callable[["FrozenTrial"], Mapping[str, Any]]
"""What one can tell of an open trial's answers, by name."""


class UnderWay:
    """Architectures that will be evaluated; a pickle of it is empty, and reads again."""

    def __init__(self) -> None:
        self._distributions: Mapping[str, BaseDistribution] = {}
        self._trials: dict[int, FrozenTrial] = {}
        self._answers: dict[int, list[tuple[str, Hashable]]] = {}
        self._numbers: dict[tuple[str, Hashable], set[int]] = {}

    def __reduce__(self) -> tuple[type[UnderWay], tuple[()]]:
        return UnderWay, ()

    def read(self, history: History, number: int, known: Known) -> None:
        """Brings itself up to date.

        Args:
            history:
                With the open trials, which are read anew if the distributions are other ones.
            number:
                Of the trial that is thought of, which is left out.
            known:
                Tells what an open trial answers.
        """
        now = {other: history.trials[other] for other in history.open if other != number}
        for other in self._trials.keys() - now.keys():
            self._drop(other)
        renewed = history.distributions is not self._distributions
        for other, trial in now.items():
            if renewed or not _same(self._trials.get(other), trial):
                self._drop(other)
                self._put(other, known(trial))
        self._trials, self._distributions = now, history.distributions

    def __bool__(self) -> bool:
        return bool(self._trials)

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Returns whether an open trial answers the same.

        Args:
            params:
                All that the architecture would be asked, with its answers.
        """
        found: set[int] | None = None
        for name, value in params.items():
            alike = self._numbers.get((name, key(value)), set())
            found = alike if found is None else found & alike
            if not found:
                return False
        return found is not None

    def _put(self, number: int, answers: Mapping[str, Any]) -> None:
        self._answers[number] = [(name, key(value)) for name, value in answers.items()]
        for answer in self._answers[number]:
            self._numbers.setdefault(answer, set()).add(number)

    def _drop(self, number: int) -> None:
        for answer in self._answers.pop(number, ()):
            self._numbers[answer].discard(number)
            if not self._numbers[answer]:
                del self._numbers[answer]


def _same(one: FrozenTrial | None, other: FrozenTrial) -> bool:
    """Whether nothing was answered or planned since; some storages make new objects each time."""
    return one is other or (
        one is not None
        and one.state == other.state
        and one.params == other.params
        and one.system_attrs == other.system_attrs
    )
