"""The architectures that a study has seen, as a tree of the questions they were asked.

A network asks the same questions after the same answers. So a candidate that answers as some
earlier trial did, down the tree to where that trial's questions ended, is the same architecture,
whatever it would answer elsewhere. Finding out costs one step a question.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Mapping
from typing import Any


def key(value: Any) -> Hashable:
    """Returns what tells a value from others: itself, or its text if it is a list or a dict.

    Args:
        value:
            Of any parameter. Optuna warns of such choices, but takes them.
    """
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value  # type: ignore[no-any-return]


class Architectures:
    """A set of params, in which a candidate is looked up by how it would answer."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, params: Mapping[str, Any]) -> None:
        """Adds an architecture.

        Args:
            params:
                What a trial was asked and answered, in that order. None at all are not kept.
        """
        node = self._root
        for name, value in params.items():
            node = node.questions.setdefault(name, {}).setdefault(key(value), _Node())
        node.ends = bool(params)

    def holds(self, answer: Callable[[str], Any]) -> bool:
        """Returns whether the candidate is one of these.

        Args:
            answer:
                The candidate: its value of the decision with that name. A KeyError if it would
                not be asked that; None is a value like others.
        """
        return self._root.holds(answer)


class _Node:
    """After the same answers mostly one question comes; added trials may be in another order."""

    __slots__ = ("ends", "questions")

    def __init__(self) -> None:
        self.ends = False
        self.questions: dict[str, dict[Hashable, _Node]] = {}

    def holds(self, answer: Callable[[str], Any]) -> bool:
        for name, after in self.questions.items():
            try:
                node = after.get(key(answer(name)))
            except KeyError:
                continue
            if node is not None and node.holds(answer):
                return True
        # A trial that ended where others were asked on (before the objective asked more, or added
        # in part) says nothing about them.
        return self.ends and not self.questions
