"""What the controller has learned from a study.

It learns from each trial once, in the order in which they ended, whoever proposed them. So what it
knows is a function of the seed and of the trials, in any process and after a resume.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime
import math
from typing import Any
from typing import NamedTuple

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import violation
from optuna_nas.samplers._actions import Actions
from optuna_nas.samplers._controller import Controller
from optuna_nas.samplers._controller import Decision
from optuna_nas.samplers._reward import Baseline
from optuna_nas.samplers._reward import Reward
from optuna_nas.samplers._reward import Rewards
from optuna_nas.samplers._unseen import Evaluated
from optuna_nas.samplers._unseen import Place


SNAPSHOT = 16
"""After how many trials the state is kept, to go back to if a trial arrives late."""

RUNNING = 64
"""Of how many trials it is kept where they stand, while they are being asked."""


class Learned(NamedTuple):
    """All that learning changes."""

    controller: Controller
    rewards: Rewards
    baseline: Baseline
    best: list[tuple[float, list[tuple[Decision, int]]]]
    """Rewards and answers of the best trials, the best first; of equals the latest."""

    def copy(self) -> Learned:
        """Returns the same, to be kept."""
        rewards, baseline = deepcopy(self.rewards), deepcopy(self.baseline)
        return Learned(self.controller.copy(), rewards, baseline, self.best.copy())


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
        queue_size:
            With how many of the best trials each is learned together.
        avoid_repeats:
            Whether what has been evaluated is not drawn again.
    """

    def __init__(
        self,
        study: Study,
        controller: Controller,
        baseline: Baseline,
        reward: Reward | None,
        bins: int,
        *,
        queue_size: int,
        avoid_repeats: bool,
    ) -> None:
        self._storage, self._study_id = study._storage, study._study_id
        self._reward, self._bins, self._avoid_repeats = reward, bins, avoid_repeats
        self._queue_size = queue_size
        self._evaluated = Evaluated()
        self._learned = Learned(controller, Rewards(study.directions), baseline, [])
        self._order: list[tuple[datetime, int]] = []
        self._ahead: list[tuple[datetime, int]] = []
        self._snapshots = {0: (0, self._learned.copy())}
        self._seen = 0
        self._open: list[int] = []
        self._version = 0
        self._places: dict[int, tuple[int, int, Place]] = {}

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

    def draw(self, trial: FrozenTrial, name: str, actions: int, rng: np.random.Generator) -> int:
        """Returns an action, drawn by the policy after what a trial has answered so far.

        Args:
            trial:
                The one that is being asked.
            name:
                Of the decision.
            actions:
                How many there are.
            rng:
                Where random numbers come from.
        """
        return self.place(trial).draw(Decision(name, actions), rng)

    def place(self, trial: FrozenTrial) -> Place:
        """Returns where a trial stands."""
        controller = self._learned.controller
        version, count, place = self._places.pop(trial.number, (-1, 0, None))
        if version != self._version or place is None:
            count, place = 0, Place(controller, controller.start(), self._evaluated)
        for asked in list(trial.params)[count:]:
            actions = Actions(trial.distributions[asked], self._bins)
            place = place.after(*_answer(asked, actions, trial.params[asked]))
        self._places[trial.number] = (self._version, len(trial.params), place)
        if len(self._places) > RUNNING:
            del self._places[next(iter(self._places))]
        return place

    def _back_to(self, count: int) -> list[tuple[datetime, int]]:
        """Forgets at least all after the first so many, and returns what was forgotten."""
        self._snapshots = {key: kept for key, kept in self._snapshots.items() if kept[0] <= count}
        count, learned = max(self._snapshots.values(), key=lambda kept: kept[0])
        self._learned = learned.copy()
        forgotten = self._order[count:]
        del self._order[count:]
        return forgotten

    def _learn(self, trial: FrozenTrial) -> None:
        actions = {name: Actions(d, self._bins) for name, d in trial.distributions.items()}
        answers = [_answer(name, actions[name], value) for name, value in trial.params.items()]
        if self._avoid_repeats and all(each.exact for each in actions.values()):
            # Not undone if a trial arrives late: in which order they came does not matter here.
            self._evaluated.add(answers)
        reward = self._learned.rewards.of(trial, self._reward)
        if reward is None or not answers:
            return
        advantage = self._learned.baseline.advantage(reward)
        if _is_sound(trial):
            self._remember(reward, answers)
        best = [kept for _, kept in self._learned.best]
        self._learned.controller.learn(answers, advantage, best)

    def _remember(self, reward: float, answers: list[tuple[Decision, int]]) -> None:
        best = self._learned.best
        if answers not in [kept for _, kept in best]:
            best.insert(0, (reward, answers))
            best.sort(key=lambda kept: -kept[0])
            del best[self._queue_size :]


def _is_sound(trial: FrozenTrial) -> bool:
    """Whether its reward is its own: others are worth what the worst is, or what they reached."""
    finite = trial.values is not None and all(map(math.isfinite, trial.values))
    return trial.state == TrialState.COMPLETE and finite and violation(trial) <= 0


def _answer(name: str, actions: Actions, value: Any) -> tuple[Decision, int]:
    return Decision(name, len(actions)), actions.index(value)


def _end(trial: FrozenTrial) -> tuple[datetime, int]:
    assert trial.datetime_complete is not None
    return trial.datetime_complete, trial.number
