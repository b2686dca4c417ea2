"""``Crew``: worker processes that may die at any moment without holding up the others.

Each is spawned and has a pipe to this process. Locks and events of ``multiprocessing`` are not
used: one that a killed process held is closed for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
import pickle
import signal
import sys
from threading import current_thread
from threading import main_thread
from time import time
import traceback
from types import FrameType
from types import TracebackType
from typing import Any

import optuna
from threadpoolctl import threadpool_limits
import torch


DEATHS = 5
"""So many one after the other, without a finished trial in between, end the search."""

STOPPED = ""
"""What a worker tells whose objective or sampler wants no other trial; else it is an error."""

PATIENCE = 5.0
"""Seconds that a worker has to end in good order."""

NOT_YET = 0.0
"""The deadline before the first worker is ready."""


@dataclass(frozen=True)
class _Worker:
    number: int
    process: BaseProcess
    pipe: Connection


class Crew:
    """Worker processes, of which none outlives the block. One that dies is replaced.

    Args:
        workers:
            How many.
        work:
            Study, objective, total, timeout and the heartbeat's arguments, for each of them.
        threads:
            Of torch and NumPy in each.
        say:
            Whom to tell that a worker is gone.
        turn:
            What a worker holds while it begins a trial, where it must not be ended.

    Raises:
        ValueError:
            If the work cannot be sent to another process.
    """

    def __init__(
        self,
        workers: int,
        work: Any,
        threads: int,
        say: Callable[[str], None],
        turn: AbstractContextManager[Any],
    ) -> None:
        self._payload = _pickled(work)
        self._workers = workers
        self._threads = threads
        self._say = say
        self._turn = turn
        self._deadline = get_context("spawn").Value("d", NOT_YET, lock=False)
        self._there: list[_Worker] = []
        self._stopping = False
        self._failed: list[str] = []
        self._died = 0

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._turn:
            for worker in self._there:
                worker.process.terminate()
        for worker in self._there:
            worker.process.join(PATIENCE)
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def begin(self) -> None:
        """Begins the workers."""
        for number in range(self._workers):
            self._begin(number)

    def wait(self, seconds: float) -> bool:
        """Waits until a worker ends, or for some seconds; whether any is left.

        Args:
            seconds:
                At most.
        """
        wait([worker.process.sentinel for worker in self._there], seconds)
        for worker in [w for w in self._there if not w.process.is_alive()]:
            self._there.remove(worker)
            self._part(worker)
        return bool(self._there)

    def forgive(self) -> None:
        """Counts deaths anew: a trial was finished."""
        self._died = 0

    def stop(self) -> None:
        """Lets no worker begin another trial."""
        if self._stopping:
            return
        self._stopping = True
        for worker in self._there:
            try:
                worker.pipe.send("stop")
            except OSError:
                continue  # it has just ended

    def check(self) -> None:
        """Raises what went wrong, once all have ended.

        Raises:
            RuntimeError:
                If the objective raised in one of them, or they died one after the other.
        """
        if self._failed:
            raise RuntimeError(self._failed[0])
        if self._died >= DEATHS and not self._stopping:
            raise RuntimeError(
                f"{self._died} workers died and no trial was finished in between, as when the "
                "system runs out of memory. What was finished before is in the storage."
            )

    def _begin(self, number: int) -> None:
        context = get_context("spawn")
        here, there = context.Pipe()
        verbosity = optuna.logging.get_verbosity()
        arguments = (self._payload, self._deadline, number, self._threads, verbosity, there)
        process = context.Process(target=_work, args=arguments, name=f"worker {number}")
        with _deaf():
            process.start()
        there.close()  # so that the pipe ends here when it ends there
        self._there.append(_Worker(number, process, here))

    def _part(self, worker: _Worker) -> None:
        worker.process.join()
        try:
            told = worker.pipe.recv() if worker.pipe.poll() else None
        except (EOFError, OSError):
            told = None
        worker.pipe.close()
        if told == STOPPED:
            self.stop()
        elif told is not None:
            self._failed.append(f"worker {worker.number} ended by an error:\n{told}")
            self._say(f"worker {worker.number} ended by an error; the others finish their trial.")
            self.stop()
        elif worker.process.exitcode != 0:
            self._died += 1
            again = self._died < DEATHS and not self._stopping
            self._say(
                f"worker {worker.number} died ({_how(worker.process.exitcode)})"
                f"{'; another takes its place.' if again else '.'}"
            )
            if again:
                self._begin(worker.number)


@contextmanager
def _deaf() -> Iterator[None]:
    """A process begun here never hears Ctrl-C, which is for the one who waits."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(
    payload: bytes, deadline: Any, number: int, threads: int, verbosity: int, pipe: Connection
) -> None:
    """What a worker process does. The clock runs from when the first of them is ready."""
    from optuna_nas.study._heartbeat import Heartbeat
    from optuna_nas.study._optimize import run_trials

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    optuna.logging.set_verbosity(verbosity)
    torch.set_num_threads(threads)
    if torch.cuda.device_count() > 1:
        torch.cuda.set_device(number % torch.cuda.device_count())
    try:
        with threadpool_limits(threads):
            study, objective, total, timeout, beating = pickle.loads(payload)
            study.sampler.reseed_rng()
            if deadline.value == NOT_YET:
                deadline.value = time() + timeout
            with Heartbeat(study, **beating) as watch:
                run_trials(study, objective, total, deadline.value, watch, stopped=pipe.poll)
            if study._stop_flag:
                pipe.send(STOPPED)
    except Exception:
        pipe.send(traceback.format_exc())
        sys.exit(1)


def _leave(number: int, frame: FrameType | None) -> None:
    """Ends the process in good order; the trial stays as it is, to be repeated."""
    raise SystemExit(128 + number)


def _pickled(work: Any) -> bytes:
    remedy = (
        "Workers are new processes, which import what they use: define networks and functions in "
        "a module, outside of other functions and of notebooks; or take workers=1."
    )
    try:
        payload = pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"the objective cannot go to worker processes: {error}. {remedy}"
        ) from error
    main = sys.modules["__main__"]
    if b"__main__" in payload and getattr(main, "__file__", None) is None:
        raise ValueError(
            "the objective cannot go to worker processes: a part of it is defined in a notebook "
            f"or at a prompt. {remedy}"
        )
    return payload


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"signal {signal.Signals(-exitcode).name}"
    return f"exit status {exitcode}"
