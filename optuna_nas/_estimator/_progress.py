"""A progress bar of a search, on stderr."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from typing import TypeAlias

import optuna
from optuna.trial import FrozenTrial
from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeElapsedColumn

from optuna_nas._estimator._clock import Clock


Callback: TypeAlias = Callable[[optuna.Study, FrozenTrial], None]


@contextmanager
def progress(said: str, n_trials: int | None, clock: Clock) -> Iterator[Callback]:
    """Shows how far a search is: in trials, or without a number of them in seconds.

    Args:
        said:
            What is searched, in a line above the bar.
        n_trials:
            How many there will be; None if only time ends them.
        clock:
            How much time there is.
    """
    console = Console(stderr=True)
    console.print(said, highlight=False)
    total: Any = n_trials if n_trials is not None else round(clock.timeout)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("trials" if n_trials is not None else "seconds"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[best]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Searching", total=total, best="")

        def step(study: optuna.Study, trial: FrozenTrial) -> None:
            trials = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
            best = max((t.values[0] for t in trials), default=None)
            told = "" if best is None else f"best score {best:.4f}"
            if n_trials is None:
                bar.update(task, completed=round(clock.passed()), best=told)
            else:
                bar.update(task, advance=1, best=told)

        yield step
