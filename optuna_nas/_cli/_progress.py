"""How far a step of a search is: a bar in a terminal, elsewhere a line once it is over."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import math
from time import monotonic
from typing import Protocol

import optuna
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
from rich.console import Console
from rich.console import RenderableType
from rich.markup import escape
from rich.progress import BarColumn
from rich.progress import Progress
from rich.progress import ProgressColumn
from rich.progress import SpinnerColumn
from rich.progress import Task
from rich.progress import TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from optuna_nas._cli._consoles import say
from optuna_nas._ranking import costs
from optuna_nas.visualization._so_far import counts
from optuna_nas.visualization._so_far import duration
from optuna_nas.visualization._so_far import plural
from optuna_nas.visualization._so_far import seconds_left


TITLE, BAR = 20, 16
"""Letters of titles, so that bars begin below each other, and of the bars."""

WIDE = 100
"""On a narrower terminal there are no bars, so that there is room for what was found."""


class Step(Protocol):
    """Called when one more is done, with something to say about it."""

    def __call__(self, done: int, said: str) -> None: ...


@contextmanager
def progress(
    console: Console,
    title: str,
    done: int,
    total: int | None,
    below: RenderableType = "",
    *,
    seconds: float | None = None,
) -> Iterator[Step]:
    """Shows how far a step is, and how long it took.

    Args:
        console:
            Where; if it is no terminal, a line on stderr says it at the end.
        title:
            What it is.
        done:
            How much of it is done already.
        total:
            How much there is to do; None if only its seconds end it.
        below:
            What else is shown; it is asked for again a few times a second.
        seconds:
            When it ends at the latest, or None.
    """
    if not console.is_terminal:
        yield from _in_a_line(title, done, total)
        return
    wide = console.width >= WIDE
    title_column = Column(min_width=TITLE if wide else None, no_wrap=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=title_column),
        *([_Bar(BAR, table_column=Column(no_wrap=True))] if wide else []),
        _Count(Column(no_wrap=True)),
        _Time(Column(no_wrap=True)),
        _Said(),
    )
    with _Bars(*columns, below=below, console=console) as bars:
        task = bars.add_task(
            title, total=total, completed=done, said="", before=done, seconds=seconds
        )
        yield lambda done, said: bars.update(task, completed=done, said=said)
        bars.stop_task(task)


def _in_a_line(title: str, done: int, total: int | None) -> Iterator[Step]:
    """``Searching: 20 of 20, best accuracy 0.9917 (network 0), 3 pruned, 42 s``."""
    started, last = monotonic(), (done, "")

    def step(done: int, said: str) -> None:
        nonlocal last
        last = done, said

    yield step
    told = (_counted(last[0], total), last[1], duration(monotonic() - started))
    say(escape(f"{title}: {', '.join(filter(None, told))}"))


def _counted(done: int, total: int | None) -> str:
    if total is None:
        return plural(done, "network")
    return f"{done} of {total}" if total > 1 else ""


class _Bar(BarColumn):
    """Over what there is to do; over time, where only that ends it."""

    def render(self, task: Task) -> ProgressBar:
        if task.total is not None:
            return super().render(task)
        seconds = task.fields["seconds"]
        return ProgressBar(seconds, min(task.elapsed or 0.0, seconds), width=self.bar_width)


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(_counted(int(task.completed), None if task.total is None else int(task.total)))


class _Time(ProgressColumn):
    """What is left, as far as that is known; at the end, what it took."""

    def render(self, task: Task) -> Text:
        spent = task.elapsed or 0.0
        if task.stop_time is not None:
            return Text(duration(spent))
        done, seconds = int(task.completed) - task.fields["before"], task.fields["seconds"]
        total = None if task.total is None or not done else int(task.total) - task.fields["before"]
        left = seconds_left(spent, done, total, seconds)
        if seconds is not None and spent >= seconds:
            return Text("time is up, ending the last")
        return Text("" if math.isinf(left) else f"{duration(left)} left")


class _Said(ProgressColumn):
    """Cut where the terminal is narrow, so that the other columns are not."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["said"], "dim", no_wrap=True, overflow="ellipsis")


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
    """

    def __init__(self, step: Step, metric: str) -> None:
        self._step = step
        self._metric = metric

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        trials = study.get_trials(deepcopy=False)
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        done = sum(trial.state in states for trial in trials)
        self._step(done, ", ".join([best_so_far(study, self._metric), *counts(trials)]))


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
    best = by_score(study, trials)[0]
    front = f", front of {len(study.best_trials)}" if len(study.directions) > 1 else ""
    return f"best {metric} {best.values[0]:.4f} (network {best.number}){front}"


def by_score(study: optuna.Study, complete: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Orders trials by the score, then by what they cost, then by number.

    Args:
        study:
            With the score as its first objective.
        complete:
            Its trials that are complete.
    """
    values = costs(complete, study.directions).tolist() if complete else []
    pairs = sorted(zip(values, complete, strict=True), key=lambda pair: (pair[0], pair[1].number))
    return [trial for _, trial in pairs]
