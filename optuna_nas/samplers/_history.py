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

from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from optuna_nas._ranking import has_value
from optuna_nas.samplers._activity import Activity
from optuna_nas.samplers._architectures import Architectures


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
            All that ended, failed ones too, in the order they were read; until another study
            comes, the list only grows.
        open:
            The numbers of those that run or wait.
        distributions:
            Of every decision that was asked, by name; if it changed, that of the youngest trial.
            As long as none changes, it is the same dict.
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
        self._youngest: dict[str, int] = {}
        self.architectures = Architectures()
        self.activity = Activity()

    def _read(self, trials: list[FrozenTrial]) -> None:
        before, running = self.trials, self.open
        self.trials, self.open = trials, []
        for number in running:
            trial = trials[number]
            # Storages replace what they change, so that those that wait cost next to nothing.
            if trial is before[number] and not trial.state.is_finished():
                self.open.append(number)
            else:
                self._read_one(trial)
        for trial in trials[len(before) :]:
            self._read_one(trial)

    def _read_one(self, trial: FrozenTrial) -> None:
        self._read_distributions(trial)
        if not trial.state.is_finished():
            self.open.append(trial.number)
            return
        self.arrived.append(trial)
        if trial.state != TrialState.FAIL:
            self._learn(trial)

    def _read_distributions(self, trial: FrozenTrial) -> None:
        youngest = {
            name: distribution
            for name, distribution in trial.distributions.items()
            if self._youngest.get(name, -1) <= trial.number
        }
        self._youngest |= dict.fromkeys(youngest, trial.number)
        if any(self.distributions.get(name) != d for name, d in youngest.items()):
            self.distributions = dict(sorted({**self.distributions, **youngest}.items()))

    def _learn(self, trial: FrozenTrial) -> None:
        self.architectures.add(trial.params)
        floats = {n for n, d in trial.distributions.items() if isinstance(d, FloatDistribution)}
        self.activity.add(trial.params, continuous=floats)
        insort(self.valued if has_value(trial) else self.rejected, trial, key=_ended)


def _ended(trial: FrozenTrial) -> tuple[float, int]:
    assert trial.datetime_complete is not None
    return trial.datetime_complete.timestamp(), trial.number
