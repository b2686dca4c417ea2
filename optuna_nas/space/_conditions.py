"""Which decisions are asked only when, found from what runs of the network asked.

One run says which names were asked and what was answered. A name that not every run asked has
parents: the smallest set of earlier decisions, of at most two, whose answers tell in all runs
whether the name was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from typing import Any
from typing import TypeAlias


Run: TypeAlias = dict[str, Any]
"""One run's answers, in the order asked."""


class _Answer(Enum):
    NOT_ASKED = "not asked"

    def __str__(self) -> str:
        return self.value


MANY = 50
"""With more candidates than this, not every two of them are tried as parents."""

NOT_ASKED = _Answer.NOT_ASKED
"""Stands for the answer of a decision that a run did not ask."""


@dataclass(frozen=True)
class Condition:
    """When a decision is asked.

    Args:
        parents:
            The decisions that it depends on; none if it is always asked.
        asked:
            For each answer of the parents that was seen, whether the decision was asked.
    """

    parents: tuple[str, ...]
    asked: Mapping[tuple[Any, ...], bool]

    def __str__(self) -> str:
        yes = sorted((answers for answers, asked in self.asked.items() if asked), key=str)
        if len(self.parents) == 1:
            return f"{self.parents[0]} in {', '.join(str(answer) for (answer,) in yes)}"
        names = ", ".join(self.parents)
        return f"({names}) in {', '.join(str(tuple(map(str, answers))) for answers in yes)}"

    def holds(self, run: Run) -> bool | None:
        """Whether a run with these answers asks the decision, or None if nothing like it was seen.

        Args:
            run:
                The answers.
        """
        return self.asked.get(tuple(run.get(parent, NOT_ASKED) for parent in self.parents))


def find_conditions(names: Sequence[str], runs: Sequence[Run]) -> dict[str, Condition] | None:
    """Finds each decision's condition.

    Sets of runs are the bits of an int, so that a question about all runs is one operation.

    Args:
        names:
            The decisions, in the order first asked. Earlier ones are preferred as parents.
        runs:
            What was seen.

    Returns:
        A condition for every name, or None if some name needs three parents or more, or the
        parents form a cycle.
    """
    seen = _Seen(names, runs)
    conditions = {}
    for name in names:
        condition = _find(name, names, seen)
        if condition is None:
            return None
        conditions[name] = condition
    return conditions if _acyclic(conditions) else None


def agrees(conditions: Mapping[str, Condition], run: Run) -> bool:
    """Whether the conditions foretell which names a run asked.

    Args:
        conditions:
            By name.
        run:
            The answers.
    """
    return set(run) <= set(conditions) and all(
        condition.holds(run) is (name in run) for name, condition in conditions.items()
    )


class _Seen:
    def __init__(self, names: Sequence[str], runs: Sequence[Run]) -> None:
        self.all = (1 << len(runs)) - 1
        self.with_answer: dict[str, dict[Any, int]] = {name: {} for name in names}
        self.asked_after: dict[str, set[str]] = {name: set() for name in names}
        for i, run in enumerate(runs):
            later: set[str] = set()
            for name, answer in reversed(run.items()):
                masks = self.with_answer[name]
                masks[answer] = masks.get(answer, 0) | 1 << i
                self.asked_after[name] |= later
                later.add(name)
        self.asked = {name: sum(masks.values()) for name, masks in self.with_answer.items()}
        for name, masks in self.with_answer.items():
            if self.asked[name] != self.all:
                masks[NOT_ASKED] = self.all & ~self.asked[name]

    def decides(self, parent: str, name: str) -> bool:
        """Whether some answer of one decision tells alone whether the other is asked."""
        masks = self.with_answer[parent].values()
        return any(self.asked[name] & mask in (0, mask) for mask in masks)


def _find(name: str, names: Sequence[str], seen: _Seen) -> Condition | None:
    candidates = [p for p in names if p != name and p not in seen.asked_after[name]]
    for count in range(3):
        if count == 2 and len(candidates) > MANY:  # leave out those that alone decide nothing
            candidates = [p for p in candidates if seen.decides(p, name)]
        for parents in combinations(candidates, count):
            asked = _table(parents, seen.all, seen.asked[name], seen)
            if asked is not None:
                return Condition(parents, asked)
    return None


def _table(
    parents: Sequence[str], runs: int, asked: int, seen: _Seen
) -> dict[tuple[Any, ...], bool] | None:
    """Whether the name is asked, by the parents' answers, or None if these do not tell."""
    if not parents:
        return {(): bool(asked & runs)} if asked & runs in (0, runs) else None
    table: dict[tuple[Any, ...], bool] = {}
    for answer, with_answer in seen.with_answer[parents[0]].items():
        if runs & with_answer:
            rest = _table(parents[1:], runs & with_answer, asked, seen)
            if rest is None:
                return None
            table |= {(answer, *answers): yes for answers, yes in rest.items()}
    return table


def _acyclic(conditions: Mapping[str, Condition]) -> bool:
    left = dict(conditions)
    while left:
        free = [n for n, c in left.items() if not any(parent in left for parent in c.parents)]
        if not free:
            return False
        for name in free:
            del left[name]
    return True
