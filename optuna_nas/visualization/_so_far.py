"""What a search has found so far and what is left of it, for those who watch it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas.study._front import knee_point
from optuna_nas.study._progress import progress
from optuna_nas.study._progress import worst_values
from optuna_nas.visualization._card import sparkline
from optuna_nas.visualization._params import in_short


@dataclass(frozen=True)
class SoFar:
    """The best of a study, or the knee of its front, and the way to it.

    Args:
        what:
            What the value is: the metric's name, or ``"hypervolume"``.
        value:
            The best, or the hypervolume, of now.
        curve:
            The values trial by trial, as a sparkline.
        network:
            Whose it is, in words, with its decisions.
    """

    what: str
    value: float
    curve: str
    network: str


def so_far(study: Study, metric: str) -> SoFar | None:
    """Returns what was found so far; None if there is nothing yet.

    Args:
        study:
            What is searched.
        metric:
            The name of its first objective.
    """
    several = len(study.directions) > 1
    curve = progress(study, "trials", worst_values([study]) if several else None)
    found = [float(value) for value in curve.value if math.isfinite(value)]
    if not found:
        return None
    best = knee_point(study)
    which = "knee, network" if several else "network"
    return SoFar(
        what="hypervolume" if several else metric,
        value=found[-1],
        curve=sparkline(found),
        network=f"{which} {best.number}: {in_short(best.params)}",
    )


def seconds_left(spent: float, done: int, total: int | None, timeout: float | None) -> float:
    """Returns the seconds until a search ends, if it goes on as it did; infinity if unknown.

    Args:
        spent:
            Seconds.
        done:
            Trials in that time.
        total:
            Trials that there will be, or None.
        timeout:
            Seconds after which it ends at the latest, or None.
    """
    left = math.inf if total is None else spent / max(done, 1) * max(total - done, 0)
    return left if timeout is None else max(0.0, min(left, timeout - spent))


def counts(trials: Sequence[FrozenTrial]) -> list[str]:
    """How many trials were pruned and rejected, where there are such.

    Args:
        trials:
            All of a study.
    """
    pruned = [trial for trial in trials if trial.state == TrialState.PRUNED]
    rejected = sum("rejected" in trial.user_attrs for trial in pruned)
    told = {"pruned": len(pruned) - rejected, "rejected": rejected}
    return [f"{number} {what}" for what, number in told.items() if number]


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s`` or ``2 h 5 min``.

    Args:
        seconds:
            At least 0.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(number: float, noun: str) -> str:
    """``1 network``, ``1,200 networks``.

    Args:
        number:
            How many.
        noun:
            Of what.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
