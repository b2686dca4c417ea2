"""``optimize``: a number of trials for a whole study, by this process, several, or many hosts."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
import math
from time import sleep
from time import time
from typing import Any
from typing import TypeAlias

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.study._crew import Crew
from optuna_nas.study._heartbeat import Heartbeat
from optuna_nas.study._heartbeat import running
from optuna_nas.study._heartbeat import WORKER
from optuna_nas.study._objective import Objective


Callback: TypeAlias = Callable[[Study, FrozenTrial], None]

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
"""What counts toward the total."""

ENDED = (*COUNTED, TrialState.FAIL)
PAUSE = 0.5
"""Seconds until a worker without anything to begin, or the process that waits, looks again."""

_logger = optuna.logging.get_logger(f"optuna.{__name__}")  # obeys Optuna's verbosity


def optimize(
    study: Study,
    objective: Callable[[optuna.Trial], Any],
    n_trials: int | None = None,
    *,
    workers: int = 1,
    timeout: float | None = None,
    callbacks: Sequence[Callback] = (),
    threads: int = 1,
    heartbeat: float = 60.0,
    max_retry: int = 1,
    say: Callable[[str], None] | None = None,
) -> None:
    """Runs trials until the study has a total of them, whoever ran them.

    Started again, after a crash or on another machine with the same storage, it goes on where the
    study is. The trial of a worker that died is repeated. See :class:`Heartbeat`.

    Example:

        .. code-block:: python

            if __name__ == "__main__":  # workers import this file
                study = optuna_nas.create_study(storage="search.journal", load_if_exists=True)
                optuna_nas.study.optimize(study, objective, n_trials=100, workers=4)

    Args:
        study:
            With more than one worker, in a storage that processes can share.
        objective:
            An :class:`Objective`, or any function of a trial. Workers are new processes, which get
            it pickled: what is defined in a function or a notebook cannot go there.
        n_trials:
            How many trials, complete or pruned, the study is to have at the end. Exact on one
            host; of several, each may run one more if they begin their last at the same moment.
        workers:
            How many processes. With one, the trials run in this process.
        timeout:
            Seconds after which no other trial is begun; of several workers, from when the first of
            them is ready.
        callbacks:
            As Optuna's: called here with (study, trial) for each trial that ended, with several
            workers those of other hosts too. ``study.stop()`` in one of them, in the objective
            or in the sampler ends the search.
        threads:
            Of each worker, if they are several. The n-th takes the n-th CUDA device, and begins
            again with the first, where the objective says ``"cuda"`` or ``"auto"``.
        heartbeat:
            Seconds between two beats.
        max_retry:
            How often a trial may be repeated whose worker died.
        say:
            Whom to tell that a worker died or a trial is repeated; by default Optuna's log.

    Raises:
        ValueError:
            If a number is out of range, there is neither ``n_trials`` nor ``timeout``, several
            workers cannot have this study or objective, or the study is of another
            :class:`Objective`.
        RuntimeError:
            If the objective raised in a worker (the others finish their trial first), or
            workers died one after the other without finishing a trial.
    """
    _check(study, n_trials, workers, timeout, threads, heartbeat)
    if isinstance(objective, Objective):
        objective.check(study)
    seconds = math.inf if timeout is None else timeout
    beating: dict[str, Any] = {"interval": heartbeat, "max_retry": max_retry}
    with Heartbeat(study, **beating, say=say) as watch:
        if workers == 1:
            run_trials(study, objective, n_trials, time() + seconds, watch, callbacks)
            return
        work = (study, objective, n_trials, seconds, beating)
        crew = Crew(workers, work, threads, say or _logger.warning, watch.turn)
        with _loop(study):
            _watch(study, crew, watch, callbacks)


def run_trials(
    study: Study,
    objective: Callable[[optuna.Trial], Any],
    total: int | None,
    deadline: float,
    watch: Heartbeat,
    callbacks: Sequence[Callback] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Runs trials in this process until the study has enough.

    Args:
        study:
            Any.
        objective:
            A function of a trial.
        total:
            How many trials are to count, or None.
        deadline:
            Seconds since the epoch, as ``time()``.
        watch:
            The heartbeat of this process.
        callbacks:
            Called after each trial.
        stopped:
            Whether someone wants no other trial.
    """
    with _loop(study):
        while time() < deadline and not study._stop_flag and not stopped():
            with watch.turn:
                watch.retry_dead()
                left = _left(study, total)
                trial = _begin(study, watch) if left > _alive(study) else None
            if trial is not None:
                _run(study, objective, trial)
                for callback in callbacks:
                    callback(study, study._storage.get_trial(trial._trial_id))
            elif left > 0:
                sleep(PAUSE)  # others run the last ones, and may die before the end
            else:
                break
    study._storage.remove_session()


@contextmanager
def _loop(study: Study) -> Iterator[None]:
    """Lets callbacks, objectives and samplers call ``study.stop()``, as in Optuna's loop."""
    study._stop_flag, study._thread_local.in_optimize_loop = False, True
    try:
        yield
    finally:
        study._thread_local.in_optimize_loop = False


def _begin(study: Study, watch: Heartbeat) -> optuna.Trial:
    trial = study.ask()
    watch.sign(trial)
    return trial


def _run(study: Study, objective: Callable[[optuna.Trial], Any], trial: optuna.Trial) -> None:
    values, state = None, None
    # Raised if this machine slept for so long that another worker gave the trial up.
    with suppress(UpdateFinishedTrialError):
        try:
            values = objective(trial)
        except optuna.TrialPruned:
            state = TrialState.PRUNED
        except (Exception, KeyboardInterrupt):
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            raise
        told = study.tell(trial, values, state, skip_if_finished=True)
        if told.state == TrialState.COMPLETE:
            study._log_completed_trial(told.values, told.number, told.params)
        else:
            _logger.info(f"Trial {told.number} ended as {told.state.name.lower()}.")


def _left(study: Study, total: int | None) -> float:
    if total is None:
        return math.inf
    return total - len(study.get_trials(deepcopy=False, states=COUNTED))


def _alive(study: Study) -> int:
    """How many trials run that will end: those that somebody signed."""
    return sum(WORKER in trial.user_attrs for trial in running(study))


def _watch(study: Study, crew: Crew, watch: Heartbeat, callbacks: Sequence[Callback]) -> None:
    """Waits for the workers; tells callbacks of what they did."""
    known = {trial.number for trial in study.get_trials(deepcopy=False, states=ENDED)}
    try:
        with crew:
            crew.begin()
            there = True
            while there:
                there = crew.wait(PAUSE)
                watch.retry_dead()
                for trial in study.get_trials(deepcopy=False, states=ENDED):
                    if trial.number not in known:
                        known.add(trial.number)
                        if trial.state in COUNTED:
                            crew.forgive()
                        for callback in callbacks:
                            callback(study, study._storage.get_trial(trial._trial_id))
                if study._stop_flag:
                    crew.stop()
    finally:
        watch.retry_dead()
    crew.check()


def _check(
    study: Study, n_trials: Any, workers: Any, timeout: Any, threads: Any, heartbeat: Any
) -> None:
    if n_trials is None and timeout is None:
        raise ValueError("optimize needs n_trials, timeout, or both: else it would never end.")
    if n_trials is not None:
        checked_int("n_trials", n_trials, 1, otherwise=", or None")
    checked_int("workers", workers, 1)
    checked_int("threads", threads, 1)
    if timeout is not None:
        checked_float("timeout", timeout, above=0, otherwise=" seconds, or None")
    checked_float("heartbeat", heartbeat, above=0, otherwise=" seconds")
    if workers > 1 and _in_memory(study._storage):
        raise ValueError(
            f"workers={workers} need a storage that processes share, but study "
            f'{study.study_name!r} is in memory: create_study(storage="search.journal", ...).'
        )


def _in_memory(storage: BaseStorage) -> bool:
    url = getattr(getattr(storage, "_backend", None), "url", "")
    return isinstance(storage, InMemoryStorage) or url in ("sqlite://", "sqlite:///:memory:")
