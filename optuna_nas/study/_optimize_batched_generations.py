"""``Generations``: batches of trials, whose candidates are trained in groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import TrialState

from optuna_nas.study._objective import Objective
from optuna_nas.study._optimize import _run
from optuna_nas.study._optimize import Callback
from optuna_nas.study._optimize_batched_halting import given
from optuna_nas.study._optimize_batched_halting import Halted
from optuna_nas.study._optimize_batched_halting import Halting
from optuna_nas.study._optimize_batched_halting import Waiting
from optuna_nas.study._seeds import trial_rng
from optuna_nas.training._stacked_groups import groups
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_probe import objection
from optuna_nas.training._stacked_structure import structure
from optuna_nas.training._stacked_train import train_together
from optuna_nas.training._stacked_train import Unfinished


@dataclass
class Turn:
    """The trials of a batch, each told as soon as it ends.

    Args:
        study:
            Theirs.
        callbacks:
            Called with (study, trial) after each.
    """

    study: Study
    callbacks: Sequence[Callback]
    _open: dict[int, optuna.Trial] = field(default_factory=dict)

    def ask(self) -> optuna.Trial:
        """A new trial."""
        trial = self.study.ask()
        self._open[trial.number] = trial
        return trial

    def run(self, trial: optuna.Trial, end: Callable[[], Any]) -> None:
        """Tells the study what became of a trial, and calls the callbacks.

        Args:
            trial:
                One that was asked here.
            end:
                Gives its values, or raises why there are none.
        """
        self._open.pop(trial.number, None)
        _run(self.study, lambda _: end(), trial)
        for callback in self.callbacks:
            callback(self.study, self.study._storage.get_trial(trial._trial_id))

    @contextmanager
    def all_told(self) -> Iterator[None]:
        """A bug or an interrupt ends the batch; its trials do not go on as running for ever."""
        try:
            yield
        finally:
            for trial in self._open.values():
                self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


class Generations:
    """Batches of one objective, and how their candidates were trained.

    Args:
        objective:
            One that can be halted before its training.
        measure:
            Whether groups are trained as one only where that is faster.
    """

    def __init__(self, objective: Objective, measure: bool) -> None:
        self.together = 0
        """How many were trained as part of a group."""
        self.alone: Counter[str] = Counter()
        """How many were trained one by one, by the reason."""
        self.untrained = 0
        """How many ended before their training."""
        self._halting = Halting(objective)
        self._measure = measure
        self._slower: dict[Hashable, int] = {}

    def run(self, turn: Turn, size: int) -> None:
        """Asks a batch, and trains it.

        Args:
            turn:
                Where its trials are asked and told.
            size:
                How many trials.
        """
        waiting = self._begun(turn, size)
        members = [w.member for _, w in waiting.values() if w.member is not None]
        together, apart = groups(members)
        alone = dict.fromkeys(waiting, "its recipe cannot be had")
        for reason, of in apart.items():
            alone.update((member.trial.number, reason) for member in of)
        for group in together:
            reasons = self._trained(turn, group, waiting)
            for member in group:
                del alone[member.trial.number]
            alone.update(reasons)
        for number, reason in sorted(alone.items()):
            trial, candidate = waiting[number]
            self.alone[reason] += 1
            turn.run(trial, partial(self._halting.alone, candidate))

    def _begun(self, turn: Turn, size: int) -> dict[int, tuple[optuna.Trial, Waiting]]:
        """The candidates of a batch that have to be trained; trials that have not are told."""
        waiting = {}
        for _ in range(size):
            trial = turn.ask()
            try:
                came: Any = self._halting(trial)
            except Halted as halted:
                waiting[trial.number] = trial, halted.waiting
                continue
            except optuna.TrialPruned as stopped:
                came = stopped
            self.untrained += 1
            turn.run(trial, partial(given, came))
        return waiting

    def _trained(
        self, turn: Turn, group: Sequence[Member], waiting: dict[int, tuple[optuna.Trial, Waiting]]
    ) -> dict[int, str]:
        """Trains a group; those members that were not, with the reason."""
        reason = self._objection(group)
        if reason is not None:
            return {member.trial.number: reason for member in group}
        with trial_rng(turn.study, group[0].trial.number):
            came = train_together(self._halting.train, group)
        unfinished = {}
        each = zip(group, came, strict=True)
        for member, one in sorted(each, key=lambda pair: pair[0].trial.number):
            number = member.trial.number
            trial, candidate = waiting[number]
            if isinstance(one, Unfinished):
                waiting[number] = trial, self._halting.anew(candidate, one.reported)
                unfinished[number] = "out of memory as one"
                continue
            self.together += 1
            turn.run(trial, partial(self._halting.trained, candidate, one))
        return unfinished

    def _objection(self, group: Sequence[Member]) -> str | None:
        """Asked once for groups that are slower as one."""
        kind = structure(group[0].module)
        if len(group) <= self._slower.get(kind, 0):
            return "slower as one"
        train = self._halting.train
        reason = objection(group, train, measure=self._measure)
        if reason == "slower as one":
            self._slower[kind] = len(group)
        return reason
