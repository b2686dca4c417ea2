"""Which decisions an architecture would be asked, guessed from what trials were asked.

A sampler sees no network, only trials. A candidate that differs from one of them in some
decisions is asked what that trial was, except for names that come or go with the new values:
precedents tell. A wrong guess does little harm, since in the end it is the network that asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from optuna_nas.samplers._architectures import key


class Activity:
    """How often each name was asked in trials that gave some answer."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, Hashable], Counter[str]] = {}

    def add(self, params: Mapping[str, Any], continuous: Collection[str] = ()) -> None:
        """Takes a trial into account.

        Args:
            params:
                All that it was asked, and answered.
            continuous:
                Names whose values are left out, since few come twice.
        """
        for name, value in params.items():
            if name not in continuous:
                self._asked.setdefault((name, key(value)), Counter()).update(params.keys())

    def expected(self, known: Mapping[str, Any], answer: Callable[[str], Any]) -> dict[str, Any]:
        """Returns what a candidate would be asked, with its answers.

        Args:
            known:
                The params of a trial, the more alike the better.
            answer:
                The candidate: its value of the decision with that name.
        """
        expected = {name: answer(name) for name in known}
        changed = [name for name in known if expected[name] != known[name]]
        for name in changed:  # and in the names that come with them, each once
            precedents = self._of(name, expected[name]) if name in expected else None
            if precedents is None:
                continue
            for gone in expected.keys() - precedents.keys():
                del expected[gone]
            # Sorted, since the order in which trials were read is not the same for all workers.
            for come in sorted(self._coming(name, precedents, known)):
                if come not in expected and come not in changed:
                    expected[come] = answer(come)
                    changed.append(come)
        return expected

    def _coming(
        self, name: str, precedents: Counter[str], known: Mapping[str, Any]
    ) -> Iterator[str]:
        """Names that were always asked after the new answer, and never after the old one."""
        before = self._of(name, known[name]) if name in known else None
        for other, count in precedents.items():
            if count == precedents[name] and other not in (before or ()):
                yield other

    def _of(self, name: str, value: Any) -> Counter[str] | None:
        return self._asked.get((name, key(value)))
