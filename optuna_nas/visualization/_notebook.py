"""``NotebookProgress``: how far a search is, in a notebook; HTML without widgets or scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from importlib import import_module
import math
from threading import Lock
from time import monotonic
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from optuna_nas.metrics._counts import check_count
from optuna_nas.study import metric_names
from optuna_nas.visualization._so_far import counts
from optuna_nas.visualization._so_far import duration
from optuna_nas.visualization._so_far import seconds_left
from optuna_nas.visualization._so_far import so_far


PAUSE = 20.0
"""So many times as long as a look at the study took, the next one waits."""


class NotebookProgress:
    """Shows below a notebook's cell how far a search is: a callback of a study.

    One display, renewed after a trial: how many trials are done and what time is left; the best
    value, or of several objectives the hypervolume, with its curve; the best network, or the
    front's knee, in one line; and how many trials of the study, those of other workers too, are
    complete, pruned, rejected, failed or running. In a study of many trials it is renewed less
    often, so that it takes at most a twentieth of the time.

    Example:

        .. code-block:: python

            study.optimize(objective, n_trials=50, callbacks=[NotebookProgress(n_trials=50)])

    Args:
        n_trials:
            How many trials there will be, as ``study.optimize`` is told, if it is.
        timeout:
            Seconds after which it ends, likewise.

    Raises:
        TypeError:
            If one of them is no number.
        ValueError:
            If one of them is too small.
        ImportError:
            If IPython is missing.
        RuntimeError:
            If this is no notebook.
    """

    def __init__(self, n_trials: int | None = None, timeout: float | None = None) -> None:
        if n_trials is not None:
            check_count("n_trials", n_trials)
        if timeout is not None:
            _check_timeout(timeout)
        self._display = _display()
        self._n_trials = n_trials
        self._timeout = timeout
        self._lock = Lock()  # n_jobs > 1 calls from several threads
        self._handle: Any = None
        self._done = 0
        self._started = 0.0
        self._next = 0.0

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        with self._lock:
            now = monotonic()
            if not self._done:
                self._started = now - (trial.duration.total_seconds() if trial.duration else 0.0)
            self._done += 1
            if now < self._next and self._done != self._n_trials:
                return
            try:
                html = "".join(f"<div>{line}</div>" for line in self._lines(study, now))
            except (OSError, SQLAlchemyError, StorageInternalError):
                return  # such as a locked database: the next look may find more
            self._show(html)
            self._next = monotonic() + PAUSE * (monotonic() - now)

    def _show(self, html: str) -> None:
        shown = self._display.HTML(html)
        if self._handle is None:
            self._handle = self._display.display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def _lines(self, study: Study, now: float) -> Iterator[str]:
        yield self._bar(now)
        found = so_far(study, metric_names(study)[0])
        if found:
            yield f"{escape(found.what)} <b>{found.value:,.5g}</b> <code>{found.curve}</code>"
            yield escape(found.network)
        yield _states(study.get_trials(deepcopy=False))

    def _bar(self, now: float) -> str:
        left = seconds_left(now - self._started, self._done, self._n_trials, self._timeout)
        told = f", {duration(left)} left" if 0 < left < math.inf else ""
        if self._n_trials is None:
            return f"{self._done} trials done{told}"
        bar = f'<progress value="{self._done}" max="{self._n_trials}"></progress>'
        return f"{bar} {self._done} of {self._n_trials} trials{told}"


def _states(trials: list[FrozenTrial]) -> str:
    number = Counter(trial.state for trial in trials)
    told = [f"{number[TrialState.COMPLETE]} complete", *counts(trials)]
    for state, word in ((TrialState.FAIL, "failed"), (TrialState.RUNNING, "running")):
        told += [f"{number[state]} {word}"] if number[state] else []
    return f"in the study: {', '.join(told)}"


def _display() -> Any:
    try:
        running = import_module("IPython").get_ipython()
        display = import_module("IPython.display")
    except ImportError as error:
        raise ImportError("NotebookProgress needs IPython: pip install ipython.") from error
    if running is None:
        raise RuntimeError(
            "NotebookProgress shows itself in a notebook, but this is none. Elsewhere "
            "study.optimize has show_progress_bar=True."
        )
    return display


def _check_timeout(timeout: Any) -> None:
    if not isinstance(timeout, int | float) or isinstance(timeout, bool):
        raise TypeError(
            f"timeout must be a number of seconds, but is {timeout!r} ({type(timeout).__name__})."
        )
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be seconds, above 0 and finite, but is {timeout}.")
