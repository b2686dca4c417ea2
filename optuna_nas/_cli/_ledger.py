"""What a search writes into its study beside the trials: its runs, its finalists, its choice.

So a search that goes on, or was stopped in its last trainings, does not train a finalist again,
and whoever opens the study knows who proposed what, how long all of it took, and what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import nullcontext
from contextlib import suppress
from datetime import datetime
from datetime import timezone
from hashlib import sha256
from importlib.metadata import version
from time import perf_counter
from typing import Any

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import torch

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import finalist_of
from optuna_nas._cli._finish import Outcome
from optuna_nas._cli._interrupt import unbroken
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._study import without_password
from optuna_nas.space import build
from optuna_nas.study._heartbeat import AWAY
from optuna_nas.training import resolve_device
from optuna_nas.visualization._report_search import RUN


FINALIST = "optuna_nas:finalist"
"""Study user attr, followed by a trial's number: what came out of training it again."""

CHOSEN = "optuna_nas:chosen"
"""Study user attr: the trial whose network was exported, its mean score, of how many trials."""

CAME_OUT = ("scores", "epochs", "learning")
"""Of a finalist; all else is what its trial says."""


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
        self._told: dict[str, Any] = {
            "command": without_password(command),
            "trials before": begun(study),
            "sampler": type(study.sampler).__name__,
            "pruner": type(study.pruner).__name__,
            "seconds": self.seconds,
        }
        _note(study, self._key, self._told)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Notes that it has ended; a storage that is away hides no error."""
        with suppress(*AWAY) if kind else nullcontext():
            _note(self._study, self._key, {**self._told, "trials after": begun(self._study)})

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
    told = {name: getattr(finalist, name) for name in CAME_OUT}
    how = _with(setup, finalist.params)
    _note(study, f"{FINALIST} {finalist.number}", {**told, "with": how})


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
    told = study.user_attrs.get(f"{FINALIST} {trial.number}")
    if told is None or told.get("with") != _with(setup, trial.params):
        return None
    came_out = {name: told[name] for name in CAME_OUT}
    return finalist_of(setup, trial, **{**came_out, "scores": tuple(told["scores"])})


def with_remembered(
    study: optuna.Study, setup: Setup, trials: list[FrozenTrial]
) -> list[FrozenTrial]:
    """Returns finalists, and behind them those of earlier ends of the search.

    Args:
        study:
            Of the trials.
        setup:
            What is searched.
        trials:
            The best of now.
    """
    told, attrs = {trial.number for trial in trials}, study.user_attrs
    before = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if f"{FINALIST} {trial.number}" in attrs and trial.number not in told
    ]
    return [*trials, *(trial for trial in before if recall(study, setup, trial))]


def note_choices(studies: Iterable[optuna.Study], tested: Iterable[Outcome]) -> None:
    """Notes in each study which of its networks was chosen.

    Args:
        studies:
            The search, and random search beside it.
        tested:
            Their winners' outcomes, and then perhaps others.
    """
    for study, outcome in zip(studies, tested, strict=False):
        if winner := outcome.winner:
            told = {"trial": winner.number, "mean": winner.mean, "of": begun(study)}
            _note(study, CHOSEN, told)


def _note(study: optuna.Study, name: str, told: Mapping[str, Any]) -> None:
    with unbroken():
        study.set_user_attr(name, dict(told))


def _with(setup: Setup, params: dict[str, Any]) -> dict[str, Any]:
    """What the same seed gives the same training with; the study has the rest in its name."""
    text = repr(build(setup.space.network, params))  # a space of the user's may have changed
    return {
        "optuna_nas": version("optuna-nas"),
        "torch": torch.__version__,
        "device": str(resolve_device(setup.options.device)),
        "threads": setup.options.threads,
        "network": sha256(text.encode()).hexdigest()[:16],
    }
