"""What the controller has learned from a study.

It learns from each trial once, in the order in which they ended, whoever proposed them. So what it
knows is a function of the seed and of the trials, in any process and after a resume.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.samplers._actions import Actions
from optuna_nas.samplers._controller import Controller
from optuna_nas.samplers._controller import Decision
from optuna_nas.samplers._controller import State
from optuna_nas.samplers._reward import Baseline
from optuna_nas.samplers._reward import Reward
from optuna_nas.samplers._reward import Rewards


SNAPSHOT = 16
"""After how many trials the state is kept, to go back to if a trial arrives late."""

RUNNING = 64
"""Of how many trials the LSTM's state is kept, while they are being asked."""


class Learned(NamedTuple):
    """All that learning changes."""

    controller: Controller
    rewards: Rewards
    baseline: Baseline

    def copy(self) -> Learned:
        """Returns the same, to be kept."""
        return Learned(self.controller.copy(), deepcopy(self.rewards), deepcopy(self.baseline))


class Learner:
    """Learns from the trials of one study, in the order in which they ended.

    If one ended earlier than others already learned from (workers' clocks differ), it goes back to
    a snapshot. Of the snapshots after every 16 trials, it keeps the latest for each power of two
    that divides their count: they are few, and to go back n trials costs 8 n + 64 at most.

    Args:
        study:
            Whose trials they are.
        controller:
            A new one.
        baseline:
            A new one.
        reward:
            The user's, or None.
        bins:
            How many actions a number has at most.
    """

    def __init__(
        self,
        study: Study,
        controller: Controller,
        baseline: Baseline,
        reward: Reward | None,
        bins: int,
    ) -> None:
        self._storage, self._study_id = study._storage, study._study_id
        self._reward, self._bins = reward, bins
        self._learned = Learned(controller, Rewards(study.directions), baseline)
        self._order: list[tuple[datetime, int]] = []
        self._ahead: list[tuple[datetime, int]] = []
        self._snapshots = {0: (0, self._learned.copy())}
        self._seen = 0
        self._open: list[int] = []
        self._version = 0
        self._states: dict[int, tuple[int, int, State]] = {}

    def belongs_to(self, study: Study) -> bool:
        """Returns whether it learns from this study."""
        return self._storage is study._storage and self._study_id == study._study_id

    def update(self, trials: Sequence[FrozenTrial]) -> None:
        """Learns from those that have ended since the last time.

        Args:
            trials:
                All of the study's, by number.
        """
        numbers = [*self._open, *range(self._seen, len(trials))]
        self._seen = len(trials)
        self._open = [n for n in numbers if not trials[n].state.is_finished()]
        ended = [
            _end(trials[n])
            for n in numbers
            if trials[n].state in (TrialState.COMPLETE, TrialState.PRUNED)
        ]
        if ended and self._order and min(ended) < self._order[-1]:
            ended += self._back_to(bisect(self._order, min(ended)))
        self._ahead = sorted(self._ahead + ended)
        while self._ahead:
            self._learn(trials[self._ahead[0][1]])
            self._order.append(self._ahead.pop(0))
            self._version += 1
            count = len(self._order)
            if count % SNAPSHOT == 0:
                self._snapshots[count & -count] = (count, self._learned.copy())

    def policy(self, trial: FrozenTrial, name: str, actions: int) -> NDArray[np.float64]:
        """Returns how probable the actions are, after what a trial has answered so far.

        Args:
            trial:
                The one that is being asked.
            name:
                Of the decision.
            actions:
                How many there are.
        """
        controller = self._learned.controller
        version, count, state = self._states.pop(trial.number, (-1, 0, None))
        if version != self._version or state is None:
            count, state = 0, controller.start()
        for asked in list(trial.params)[count:]:
            state = controller.advance(state, *self._answer(trial, asked))
        self._states[trial.number] = (self._version, len(trial.params), state)
        if len(self._states) > RUNNING:
            del self._states[next(iter(self._states))]
        return controller.probabilities(state, Decision(name, actions))

    def _back_to(self, count: int) -> list[tuple[datetime, int]]:
        """Forgets at least all after the first so many, and returns what was forgotten."""
        self._snapshots = {key: kept for key, kept in self._snapshots.items() if kept[0] <= count}
        count, learned = max(self._snapshots.values(), key=lambda kept: kept[0])
        self._learned = learned.copy()
        forgotten = self._order[count:]
        del self._order[count:]
        return forgotten

    def _learn(self, trial: FrozenTrial) -> None:
        reward = self._learned.rewards.of(trial, self._reward)
        if reward is None or not trial.params:
            return
        advantage = self._learned.baseline.advantage(reward)
        answers = [self._answer(trial, name) for name in trial.params]
        self._learned.controller.learn(answers, advantage)

    def _answer(self, trial: FrozenTrial, name: str) -> tuple[Decision, int]:
        actions = Actions(trial.distributions[name], self._bins)
        return Decision(name, len(actions)), actions.index(trial.params[name])


def _end(trial: FrozenTrial) -> tuple[datetime, int]:
    assert trial.datetime_complete is not None
    return trial.datetime_complete, trial.number
