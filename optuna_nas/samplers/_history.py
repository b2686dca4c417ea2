"""What a study's trials tell a sampler; each is read once, when it ends.

So a trial costs what is new, however long the history; and since nothing is kept but what the
storage holds, another process that reads it knows the same.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_nas.samplers._activity import Activity
from optuna_nas.samplers._architectures import Architectures
from optuna_nas.samplers._ranking import has_value


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class History:
    """A study as far as it is known; a pickle of it is empty, and reads again.

    Attributes:
        trials:
            All, by number.
        valued:
            Those that can be ranked, in the order they ended: complete ones, and pruned ones that
            reported.
        rejected:
            Those that cannot: they ended before they had a value.
        arrived:
            Those of ``valued`` in the order they were read; until another study comes, the list
            only grows.
        open:
            The numbers of those that run or wait.
        distributions:
            Of every decision that was asked, by name.
        architectures:
            Those of complete and pruned trials.
        activity:
            Which names these trials were asked.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._forget(None, -1)

    def __reduce__(self) -> tuple[type[History], tuple[()]]:
        return History, ()

    @contextmanager
    def of(self, study: Study) -> Iterator[History]:
        """Brings itself up to date; one thread at a time.

        Args:
            study:
                Another one than the last time begins a new history.
        """
        with self._lock:
            if study._storage is not self._storage or study._study_id != self._study_id:
                self._forget(study._storage, study._study_id)
            self._read(study._get_trials(deepcopy=False, use_cache=True))
            yield self

    def _forget(self, storage: BaseStorage | None, study_id: int) -> None:
        self._storage, self._study_id = storage, study_id
        self.trials: list[FrozenTrial] = []
        self.valued: list[FrozenTrial] = []
        self.rejected: list[FrozenTrial] = []
        self.arrived: list[FrozenTrial] = []
        self.open: list[int] = []
        self.distributions: dict[str, BaseDistribution] = {}
        self.architectures = Architectures()
        self.activity = Activity()

    def _read(self, trials: list[FrozenTrial]) -> None:
        unread = [*self.open, *range(len(self.trials), len(trials))]
        self.trials, self.open = trials, []
        for number in unread:
            trial = trials[number]
            new = trial.distributions.keys() - self.distributions.keys()
            self.distributions |= trial.distributions
            if new:
                self.distributions = dict(sorted(self.distributions.items()))
            if not trial.state.is_finished():
                self.open.append(number)
            elif trial.state != TrialState.FAIL:
                self._learn(trial)

    def _learn(self, trial: FrozenTrial) -> None:
        self.architectures.add(trial.params)
        self.activity.add(trial.params)
        if has_value(trial):
            insort(self.valued, trial, key=_ended)
            self.arrived.append(trial)
        else:
            insort(self.rejected, trial, key=_ended)


def _ended(trial: FrozenTrial) -> tuple[float, int]:
    assert trial.datetime_complete is not None
    return trial.datetime_complete.timestamp(), trial.number
