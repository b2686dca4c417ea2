"""What a search writes into its study beside the trials: its runs, its finalists, its choice.

So a search that goes on, or was stopped in its last trainings, does not train a finalist again,
and whoever opens the study knows who proposed what, how long all of it took, and what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from datetime import timezone
from time import perf_counter
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import torch

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import without_password
from optuna_nas.training import resolve_device
from optuna_nas.visualization._report_search import RUN


FINALIST = "optuna_nas:finalist"
"""Study user attr, followed by a trial's number: what came out of training it again."""

CHOSEN = "optuna_nas:chosen"
"""Study user attr: the number of the trial whose network was exported, and of how many."""


class Run:
    """One run of the command line on a study, which the study remembers.

    Args:
        study:
            The search, before this run adds to it.
        command:
            What was typed.
    """

    def __init__(self, study: optuna.Study, command: str) -> None:
        self.seconds: dict[str, float] = {}
        self._study = study
        self._key = f"{RUN} {datetime.now(timezone.utc).isoformat()}"
        self._began_at = begun(study)
        self._command = without_password(command)
        self._note()

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Counts the seconds of the block, though it be interrupted.

        Args:
            what:
                What is done in it.
        """
        started = perf_counter()
        try:
            yield
        finally:
            self.seconds[what] = round(perf_counter() - started, 1)
            self._note()

    def _note(self) -> None:
        told = {
            "command": self._command,
            "trials before": self._began_at,
            "sampler": type(self._study.sampler).__name__,
            "pruner": type(self._study.pruner).__name__,
            "seconds": self.seconds,
        }
        self._study.set_user_attr(self._key, told)


def begun(study: optuna.Study) -> int:
    """Returns how many trials were begun so far.

    Args:
        study:
            Any.
    """
    trials = study.get_trials(deepcopy=False)
    return sum(trial.state != TrialState.WAITING for trial in trials)


def remember(study: optuna.Study, setup: Setup, finalist: Finalist) -> None:
    """Notes what came out of training a network again.

    Args:
        study:
            Of its trial.
        setup:
            What was searched.
        finalist:
            What came out.
    """
    told = {**asdict(finalist), "with": _with(setup)}
    study.set_user_attr(f"{FINALIST} {finalist.number}", told)


def recall(study: optuna.Study, setup: Setup, trial: FrozenTrial) -> Finalist | None:
    """Returns what came out when a network was trained again; None if it was not, or otherwise.

    Args:
        study:
            Of the trial.
        setup:
            What is searched.
        trial:
            A finalist.
    """
    told = dict(study.user_attrs.get(f"{FINALIST} {trial.number}", {}))
    if told.pop("with", None) != _with(setup):
        return None
    return Finalist(**{**told, "scores": tuple(told["scores"])})


def note_choice(study: optuna.Study, finalist: Finalist) -> None:
    """Notes which network was chosen.

    Args:
        study:
            Of its trial.
        finalist:
            The winner.
    """
    told = {"trial": finalist.number, "mean": finalist.mean, "of": begun(study)}
    study.set_user_attr(CHOSEN, told)


def _with(setup: Setup) -> dict[str, Any]:
    """What the same seed gives the same training with; the study has the rest in its name."""
    device = str(resolve_device(setup.options.device))
    return {"torch": torch.__version__, "device": device, "threads": setup.options.threads}
