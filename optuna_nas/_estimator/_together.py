"""The trials of one ``fit`` in several processes, of which the caller's is one.

The others are joblib's (loky), as everywhere in scikit-learn, so that functions of a notebook can
go there. Nobody waits for them to start, so that a short timeout holds: until they are there, the
caller's process is alone.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
import math
from pathlib import Path
import pickle
from tempfile import TemporaryDirectory
from time import sleep
from time import time
from typing import Any
import warnings

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend.reduction import dumps
import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from threadpoolctl import threadpool_limits
import torch

from optuna_nas._estimator._candidate import read_candidate
from optuna_nas._estimator._held_out import HeldOut
from optuna_nas.study import Objective
from optuna_nas.study import open_storage
from optuna_nas.study._heartbeat import BEAT
from optuna_nas.study._heartbeat import Heartbeat
from optuna_nas.study._heartbeat import running
from optuna_nas.study._heartbeat import WORKER
from optuna_nas.study._optimize import COUNTED
from optuna_nas.study._optimize import ENDED
from optuna_nas.study._optimize import run_trials


Callback = Callable[[optuna.Study, optuna.trial.FrozenTrial], None]

GOING = "going"
"""A file that is there as long as the search goes on."""


def run_together(
    study: optuna.Study,
    objective: Objective,
    held_out: HeldOut,
    n_trials: int | None,
    jobs: int,
    callback: Callback,
) -> optuna.Study:
    """Runs trials in several processes until there are enough or the time is over.

    What a sampler proposes depends on which trials ended before, so a search cannot be repeated
    exactly.

    Args:
        study:
            Any; one in memory is carried to a file and back.
        objective:
            What a trial is.
        held_out:
            Its first evaluator, which learns of the best candidates of all processes.
        n_trials:
            How many more; None for as many as the time allows.
        jobs:
            How many processes.
        callback:
            Called here after each trial of any process; ``study.stop()`` ends the search.

    Returns:
        The study with all trials; another object if it was in memory.

    Raises:
        ValueError:
            If the objective cannot go to another process.
    """
    before = len(study.get_trials(deepcopy=False, states=COUNTED))
    total = None if n_trials is None else before + n_trials
    with TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / GOING).touch()
        shared = _shared(study, folder)
        clock = held_out.clock
        payload = _payload((shared, objective, held_out, total, folder))
        threads = max(1, torch.get_num_threads() // jobs)
        pool = ProcessPoolExecutor(jobs - 1)  # the reusable one is joblib.Parallel's
        others = [pool.submit(_work, payload, threads) for _ in range(jobs - 1)]
        try:
            with _threads(threads), Heartbeat(shared) as watch:
                each = _Each(shared, callback, others)
                run_trials(shared, objective, total, math.inf, watch, [each])
                patience = time() + clock.left() / 2  # the other half is to train the best again
                while _others_run(shared) and time() < patience:
                    sleep(0.02)
            each.check()
        finally:
            (folder / GOING).unlink()
            # One that runs a trial may be writing to a storage; others need not even start.
            pool.shutdown(wait=False, kill_workers=not _others_run(shared))
        complete = {t.number for t in shared.get_trials(deepcopy=False) if t.values is not None}
        for path in folder.glob("*.pt"):
            candidate = read_candidate(path)
            if candidate.number in complete:
                held_out.kept.add(candidate)
        return shared if shared is study else _copied(shared, InMemoryStorage())


class _Each:
    """Tells a callback of the trials of all processes, each once.

    Args:
        study:
            Theirs.
        callback:
            Whom to tell.
        others:
            What the other processes do.
    """

    def __init__(
        self, study: optuna.Study, callback: Callback, others: Sequence[Future[None]]
    ) -> None:
        self._known = {trial.number for trial in study.get_trials(deepcopy=False, states=ENDED)}
        self._callback = callback
        self._others = list(others)

    def __call__(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        self.check()
        for one in study.get_trials(deepcopy=False, states=ENDED):
            if one.number not in self._known:
                self._known.add(one.number)
                self._callback(study, one)

    def check(self) -> None:
        """Raises what the objective raised elsewhere; that a process died is a warning."""
        for future in [f for f in self._others if f.done() and not f.cancelled()]:
            self._others.remove(future)
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                warnings.warn(
                    f"n_jobs: a process died, and its trial is repeated here: {error}",
                    RuntimeWarning,
                    stacklevel=2,
                )
            elif error is not None:
                raise error


def _work(payload: bytes, threads: int) -> None:
    """What another process does."""
    study, objective, held_out, total, folder = pickle.loads(payload)
    going = folder / GOING
    clock = held_out.clock
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)

    def stop(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if clock.is_over():
            study.stop()

    with _threads(threads):
        study.sampler.reseed_rng()
        held_out.kept.folder = folder
        if going.exists():
            with Heartbeat(study) as watch:
                run_trials(
                    study,
                    objective,
                    total,
                    time() + clock.left(),
                    watch,
                    [stop],
                    stopped=lambda: not going.exists(),
                )


def _others_run(study: optuna.Study) -> bool:
    return any(WORKER in trial.user_attrs for trial in running(study))


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def _payload(work: Any) -> bytes:
    try:
        return bytes(dumps(work))
    except Exception as error:  # what cannot be pickled says so in many ways
        raise ValueError(
            f"n_jobs: the search cannot go to other processes: {error}. Take n_jobs=None, or "
            "a space, scoring, sampler, pruner and storage that can be pickled."
        ) from error


def _shared(study: optuna.Study, folder: Path) -> optuna.Study:
    if not isinstance(study._storage, InMemoryStorage):
        return study
    return _copied(study, open_storage(folder / "study.journal"))


def _copied(study: optuna.Study, storage: Any) -> optuna.Study:
    """The study in another storage, each trial with its number; one that still runs has failed."""
    copy = optuna.create_study(
        storage=storage,
        study_name=study.study_name,
        directions=study.directions,
        sampler=study.sampler,
        pruner=study.pruner,
    )
    for name, value in study.user_attrs.items():
        copy.set_user_attr(name, value)
    attrs: Mapping[str, Any] = study._storage.get_study_system_attrs(study._study_id)
    for name, value in attrs.items():
        copy._storage.set_study_system_attr(copy._study_id, name, value)
    for trial in study.get_trials():
        if trial.state == TrialState.RUNNING:
            trial.state, trial.datetime_complete = TrialState.FAIL, datetime.now()
        trial.user_attrs.pop(WORKER, None)
        trial.system_attrs.pop(BEAT, None)
        copy.add_trial(trial)
    return copy
