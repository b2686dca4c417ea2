"""What a search is at, in some lines below its bar: whoever works on it, here or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from optuna_nas.pruners._reports import last_step
from optuna_nas.visualization._so_far import so_far


EVERY = 2.0
"""Seconds between two looks at the study: each takes the time of those who work on it."""

RUNNING = 6
"""How many running trials are shown at most."""


class Lines:
    """Lines that rich asks for again and again; also a callback, to look anew after a trial.

    Args:
        study:
            What is searched.
        metric:
            The name of its first objective.
    """

    def __init__(self, study: optuna.Study, metric: str) -> None:
        self._study = study
        self._metric = metric
        self._text = Text()
        self._next = 0.0

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self._next = 0.0

    def __rich__(self) -> Text:
        if monotonic() >= self._next:
            self._next = monotonic() + EVERY
            try:
                self._text = Text("\n".join(self._lines()), no_wrap=True, overflow="ellipsis")
            except (OSError, SQLAlchemyError, StorageInternalError):
                pass  # such as a locked database: the next look may find more
            finally:
                self._study._storage.remove_session()  # of the thread that draws
        return self._text

    def _lines(self) -> Iterator[str]:
        found = so_far(self._study, self._metric)
        if found:
            yield f"  {found.what} {found.curve}"
            yield f"  {found.network}"
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        if running:
            told = ", ".join(self._at(trial) for trial in running[:RUNNING])
            more = f" and {len(running) - RUNNING} more" if len(running) > RUNNING else ""
            yield f"  running: {told}{more}"

    def _at(self, trial: FrozenTrial) -> str:
        step = last_step(trial, len(self._study.directions))
        return f"network {trial.number}{'' if step is None else f' (step {step})'}"
