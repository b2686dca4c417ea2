"""How far a search is: a bar in a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from rich.console import Console
from rich.console import RenderableType
from rich.progress import BarColumn
from rich.progress import Progress
from rich.progress import ProgressColumn
from rich.progress import SpinnerColumn
from rich.progress import TextColumn

from optuna_nas.visualization._so_far import counts
from optuna_nas.visualization._so_far import duration
from optuna_nas.visualization._so_far import seconds_left


class Step(Protocol):
    """Called when one more is done, with something to say about it."""

    def __call__(self, done: int, said: str) -> None: ...


@contextmanager
def progress(
    console: Console, title: str, done: int, total: int, below: RenderableType = ""
) -> Iterator[Step]:
    """Shows how far something is.

    Args:
        console:
            Where; if it is no terminal, nothing is shown.
        title:
            What it is.
        done:
            How much of it is done already.
        total:
            How much there is to do.
        below:
            What else is shown; it is asked for again a few times a second.
    """
    if not console.is_terminal:
        yield lambda done, said: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed} of {task.total}"),
        TextColumn("[dim]{task.fields[said]}"),
    )
    with _Bars(*columns, below=below, console=console) as bars:
        task = bars.add_task(title, total=total, completed=done, said="")
        yield lambda done, said: bars.update(task, completed=done, said=said)


class _Bars(Progress):
    """With something below, as rich's own documentation does it."""

    def __init__(self, *columns: ProgressColumn, below: RenderableType, console: Console) -> None:
        self._below = below
        super().__init__(*columns, console=console, refresh_per_second=4)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self._below:
            yield self._below


class Report:
    """A callback of a study that says how its search goes.

    Args:
        step:
            Whom to tell.
        metric:
            The name of the score, the study's first objective.
        done:
            How many trials there were before.
        total:
            How many there will be.
        timeout:
            When the search ends at the latest, in seconds, or None.
    """

    def __init__(
        self, step: Step, metric: str, done: int, total: int, timeout: float | None
    ) -> None:
        self._step = step
        self._metric = metric
        self._before = done
        self._total = total
        self._timeout = timeout
        self._started = monotonic()

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        trials = study.get_trials(deepcopy=False)
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        done = sum(trial.state in states for trial in trials)
        said = [best_so_far(study, self._metric), *counts(trials)]
        if done < self._total:
            said.append(f"{duration(self._left(done))} left")
        self._step(done, ", ".join(said))

    def _left(self, done: int) -> float:
        spent, total = monotonic() - self._started, self._total - self._before
        return seconds_left(spent, done - self._before, total, self._timeout)


def best_so_far(study: optuna.Study, metric: str) -> str:
    """The best score, and of two objectives how many networks are on the front.

    Args:
        study:
            With the score as its first objective.
        metric:
            The score's name.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not trials:
        return "none trained to the end yet"
    best = max(trials, key=lambda trial: trial.values[0])
    front = f", front of {len(study.best_trials)}" if len(study.directions) > 1 else ""
    return f"best {metric} {best.values[0]:.4f} (network {best.number}){front}"
