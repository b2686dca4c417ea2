"""Draws from the controller, but not what has been evaluated: sampling without replacement.

Shi et al. 2020, "Incremental Sampling Without Replacement for Sequence Models",
https://arxiv.org/abs/2002.09067, algorithm 1; but here the policy changes with every trial, so
that it is found out anew, by drawing, how probable those are that were evaluated:

    left <- P(. | the answers so far), at every node of the tree of evaluated architectures
    repeat:
        a_1 ~ left, a_2 ~ left after a_1, ... down the tree, to where it leaves it or ends
        if it left the tree: answer a_1
        take the end's probability from left, there and at all nodes above

What comes out is distributed as the policy is on architectures that were not evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray


if TYPE_CHECKING:
    from optuna_nas.samplers._controller import Controller
    from optuna_nas.samplers._controller import Decision
    from optuna_nas.samplers._controller import State


DRAWS = 100
"""After how many that were evaluated one of them is proposed again."""


class Evaluated:
    """A tree of what has been asked and answered: after some answers, all that came next."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next: dict[Decision, dict[int, Evaluated]] = {}

    def add(self, answers: Iterable[tuple[Decision, int]]) -> None:
        """Adds an architecture.

        Args:
            answers:
                Decisions in the order asked, and the action taken at each.
        """
        node = self
        for decision, action in answers:
            node = node.next.setdefault(decision, {}).setdefault(action, Evaluated())

    def after(self, decision: Decision, action: int) -> Evaluated | None:
        """Returns what came after this answer; None if nobody has given it."""
        return self.next.get(decision, {}).get(action)


class Place:
    """Where a candidate stands, after the answers it has given so far.

    Args:
        controller:
            Whose policy it is.
        state:
            Of the controller, after these answers.
        evaluated:
            What earlier trials were asked after the same answers; None if there are none.
    """

    __slots__ = ("_after", "_controller", "_evaluated", "_policies", "_state")

    def __init__(self, controller: Controller, state: State, evaluated: Evaluated | None) -> None:
        self._controller, self._state, self._evaluated = controller, state, evaluated
        self._policies: dict[Decision, NDArray[np.float64]] = {}
        self._after: dict[tuple[Decision, int], Place] = {}

    def policy(self, decision: Decision) -> NDArray[np.float64]:
        """Returns how probable the controller finds each action."""
        if decision not in self._policies:
            self._policies[decision] = self._controller.probabilities(self._state, decision)
        return self._policies[decision]

    def after(self, decision: Decision, action: int) -> Place:
        """Returns where it stands with one answer more."""
        answer = decision, action
        if answer not in self._after:
            state = self._controller.advance(self._state, decision, action)
            evaluated = None if self._evaluated is None else self._evaluated.after(*answer)
            self._after[answer] = Place(self._controller, state, evaluated)
        return self._after[answer]

    def draw(self, decision: Decision, rng: np.random.Generator) -> int:
        """Returns an action that leads to what was not evaluated, if 100 draws find one.

        Args:
            decision:
                What is asked.
            rng:
                Where random numbers come from.
        """
        left: dict[Place, NDArray[np.float64]] = {}
        first: int | None = None
        for _ in range(DRAWS):
            action, is_new = self._try(decision, left, rng)
            if is_new:
                return action
            first = action if first is None else first
            if not left[self].any():
                break
        assert first is not None  # what the policy alone would have answered
        return first

    def _try(
        self, decision: Decision, left: dict[Place, NDArray[np.float64]], rng: np.random.Generator
    ) -> tuple[int, bool]:
        """Draws a candidate: its next action, and whether it was not evaluated.

        If it was, its probability is no longer left.
        """
        policy = self.policy(decision)
        here = left.setdefault(self, policy.copy())
        action = _drawn(here, rng)
        known = None if self._evaluated is None else self._evaluated.after(decision, action)
        if known is None:
            return action, True
        share = 0.0
        if known.next:
            # Mostly there is one; added trials may be in another order.
            after, asked = self.after(decision, action), min(known.next)
            if after._try(asked, left, rng)[1]:
                return action, True
            share = left[after].sum()
        here[action] = share * policy[action]
        return action, False


def _drawn(weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    sums = weights.cumsum()
    action = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    return min(action, int(np.flatnonzero(weights)[-1]))
