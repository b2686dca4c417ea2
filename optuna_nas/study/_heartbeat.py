"""``Heartbeat``: trials of a worker that died are found and run again, on any storage.

A worker counts in its running trial, once a minute. Others look as often, and take a trial for
dead whose count has stood still for five of their own looks. So no clock is compared with that of
another machine, and a storage that is away for an hour, or a machine that sleeps, kills nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
import os
from pathlib import Path
import tempfile
from threading import Event
from threading import Thread
from types import TracebackType
from typing import Any

from filelock import FileLock
import optuna
from optuna.exceptions import StorageInternalError
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.study._process import identity
from optuna_nas.study._process import is_gone


WORKER = "optuna_nas:worker"
"""Trial user attr: the process that runs the trial, how often it beats, and which user attrs the
trial had before it began."""

BEAT = "optuna_nas:beat"
"""Trial system attr: how often the worker has said that it is alive."""

RETRY_OF = "retry_of"
"""Trial user attr: the numbers of the trials that this one repeats, the first of them first."""

PATIENCE = 5
LOCKS = 16

AWAY = (OSError, StorageInternalError, SQLAlchemyError)
"""A storage that cannot be reached just now."""

_logger = optuna.logging.get_logger(f"optuna.{__name__}")  # obeys Optuna's verbosity


class Heartbeat:
    """Says that this process is alive, and repeats the trials of those that are not.

    :func:`optimize` has one; it is for loops of your own. Within the block, a thread counts in
    each trial that was signed, and looks for trials whose worker died: a process of this host that
    is gone is known at once, any other once its count has stood still for ``5 * interval``. Such a
    trial is told FAIL, by one worker only, and its params are enqueued.

    Running trials that nobody signed are left alone, if they were asked a param or reported.

    Example:

        .. code-block:: python

            with Heartbeat(study) as heartbeat:
                for _ in range(50):
                    heartbeat.retry_dead()
                    trial = study.ask()
                    heartbeat.sign(trial)
                    study.tell(trial, objective(trial))

    Args:
        study:
            Of any storage.
        interval:
            Seconds from beat to beat. In a journal each is a line of about 130 bytes.
        max_retry:
            How often one trial may be repeated. What dies each time, as a network that takes all
            memory, would else kill one worker after another.
        say:
            Whom to tell of each trial that is repeated or given up; by default Optuna's log.

    Raises:
        ValueError:
            If ``interval`` is not above 0 or ``max_retry`` negative.
    """

    def __init__(
        self,
        study: Study,
        *,
        interval: float = 60.0,
        max_retry: int = 1,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.turn = turn(study)
        self._study = study
        self._interval = checked_float("interval", interval, above=0, otherwise=" seconds")
        self._max_retry = checked_int("max_retry", max_retry, 0)
        self._say = say or _logger.warning
        self._beats: dict[int, int] = {}
        self._seen: dict[int, tuple[Any, int]] = {}
        self._ended = Event()
        self._thread = Thread(target=self._run, name="optuna_nas heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def sign(self, trial: optuna.Trial) -> None:
        """Says that this process runs a trial, which it does at once.

        Args:
            trial:
                What ``study.ask()`` just gave.
        """
        given = [name for name in trial.user_attrs if name != WORKER]
        signature = {**identity(), "interval": self._interval, "given": given}
        trial.set_user_attr(WORKER, signature)
        self._beats[trial._trial_id] = 0

    def retry_dead(self) -> list[int]:
        """Repeats the trials whose worker is known to be dead by now.

        Returns:
            Their numbers, without those that another worker found first.
        """
        dead = [t for t in running(self._study) if self._is_dead(t)]
        if not dead:
            return []
        with self.turn:  # the state of a trial in SQLite could be changed by two at once
            ended = [trial for trial in dead if _end(self._study, trial)]
            for trial in ended:
                self._repeat(trial)
        return [trial.number for trial in ended]

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            with suppress(*AWAY):  # the next beat will do
                self._beat()
                self._look()
                self.retry_dead()
        self._study._storage.remove_session()

    def _beat(self) -> None:
        for trial_id in list(self._beats):
            self._beats[trial_id] += 1
            try:
                self._study._storage.set_trial_system_attr(trial_id, BEAT, self._beats[trial_id])
            except UpdateFinishedTrialError:
                del self._beats[trial_id]

    def _look(self) -> None:
        """Notes for how many looks the count of each running trial has stood still."""
        seen, self._seen = self._seen, {}
        for trial in running(self._study):
            before, looks = seen.get(trial._trial_id, (None, 0))
            now = (WORKER in trial.user_attrs, trial.system_attrs.get(BEAT, 0))
            self._seen[trial._trial_id] = (now, looks + 1 if now == before else 0)

    def _is_dead(self, trial: FrozenTrial) -> bool:
        if trial._trial_id in self._beats:
            return False
        worker = trial.user_attrs.get(WORKER)
        if worker is None and (trial.params or trial.intermediate_values):
            return False  # of a worker without a heartbeat; ours sign before they ask anything
        if worker is not None and is_gone(worker):
            return True
        slower = max(1.0, (worker or {}).get("interval", 0.0) / self._interval)
        _, looks = self._seen.get(trial._trial_id, (None, 0))
        return bool(looks >= PATIENCE * slower)

    def _repeat(self, trial: FrozenTrial) -> None:
        history = [*trial.user_attrs.get(RETRY_OF, ()), trial.number]
        if len(history) > self._max_retry:
            self._say(f"the worker of trial {trial.number} died; it is not repeated again.")
            return
        # What the trial wrote of itself is left behind: it is trained from the beginning.
        given = trial.user_attrs.get(WORKER, {}).get("given", trial.user_attrs)
        attrs = {name: trial.user_attrs[name] for name in given if name in trial.user_attrs}
        params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        self._study.enqueue_trial(params, user_attrs={**attrs, RETRY_OF: history})
        self._say(f"the worker of trial {trial.number} died; the trial is repeated.")


def running(study: Study) -> list[FrozenTrial]:
    """Returns the trials that run now, wherever.

    Args:
        study:
            Any.
    """
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def at_work(study: Study) -> list[FrozenTrial]:
    """Returns the running trials that were signed by a process that is not known to be gone.

    Args:
        study:
            Any.
    """
    signed = [trial for trial in running(study) if WORKER in trial.user_attrs]
    return [trial for trial in signed if not is_gone(trial.user_attrs[WORKER])]


def turn(study: Study) -> FileLock:
    """A lock that one process of this host has at a time; when it dies, the system opens it.

    Args:
        study:
            Studies of one name share a lock. Others may too, which costs them a moment: there are
            a few files for all, since nobody could ever take one away.
    """
    user = os.getuid() if hasattr(os, "getuid") else ""  # on Windows the directory is the user's
    number = sha256(study.study_name.encode()).digest()[0] % LOCKS
    return FileLock(Path(tempfile.gettempdir(), f"optuna_nas-{user}-study-{number}.lock"))


def _end(study: Study, trial: FrozenTrial) -> bool:
    """Tells a trial FAIL; whether it was this process that did."""
    if study._storage.get_trial(trial._trial_id).state != TrialState.RUNNING:
        return False
    try:
        return bool(study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL))
    except UpdateFinishedTrialError:
        return False
