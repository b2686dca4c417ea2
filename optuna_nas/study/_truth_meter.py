"""The truth meter: what an estimate made before training turned out to be worth.

Only trials that were trained whatever their score are measured. Those that a screen chose are
alike in their scores, and so would make a good estimate look poor.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
import math
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._arguments import checked_int
from optuna_nas._ranking import has_value
from optuna_nas._ranking import key_by
from optuna_nas.metrics._latency_fit import interval
from optuna_nas.metrics._latency_fit import spearman
from optuna_nas.space import SampledTrial


SCREEN = "screen"
"""Trial user attr: ``{"estimate": its name, "score", "parameters", "flops": numbers, "chosen":
whether the score had a say in that the candidate is trained, "ended": from just before the end,
the trial's number and values}``; what there is none of is None."""

BASELINES = ("parameters", "flops")


@dataclass(frozen=True)
class Coefficient:
    """A rank correlation, and where it may lie.

    Args:
        spearman:
            In -1..1.
        low:
            The lower end of its 95 % interval.
        high:
            The upper end.
    """

    spearman: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.spearman:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Truth:
    """What an estimate is worth, beside what costs nothing.

    Args:
        trials:
            How many were measured.
        coefficients:
            By name, the estimate first, then ``"parameters"`` and ``"flops"``: Spearman's rho with
            what trials came to. One that is not known of all of them is left out.
    """

    trials: int
    coefficients: dict[str, Coefficient]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.coefficients.items())
        return f"{told}, {self.trials} trials"


def truth(study: Study, estimate: str, *, objective: int = 0) -> list[Truth]:
    """How the worth of an estimate was measured, trial by trial.

    The coefficient is Spearman's, with trials in the order of an objective and behind them those
    that were pruned after a report; the interval that of Bonett and Wright (2000), eq. 6,
    https://doi.org/10.1007/BF02294183. It is pointwise: looked at after each trial, it is left
    sooner or later by chance.

    Args:
        study:
            Whose trials a screen has seen.
        estimate:
            Its name.
        objective:
            By which to order trials.

    Returns:
        One for each trial measured, in the order they ended; the last is from all of them.

    Raises:
        ValueError:
            If the study has no such objective.
    """
    check_objective(study, objective, "objective")
    trials = measured_trials(study, estimate)
    worth = _worth(study, trials, objective)  # once: it takes longer than all the rest
    counts = range(1, len(trials) + 1)
    return [_truth(trials[:n], worth[:n], estimate) for n in counts]


def measured_trials(study: Study, estimate: str) -> list[FrozenTrial]:
    """The trials that were trained whatever their score, in the order they ended.

    Args:
        study:
            Whose trials a screen has seen.
        estimate:
            Its name.
    """
    # Not from the cache: while a trial was trained, those of other workers have ended.
    trials = map(_as_ended, study.get_trials(deepcopy=False))
    return sorted((trial for trial in trials if _is_measured(trial, estimate)), key=_when)


def note_values(study: Study, trial: SampledTrial) -> None:
    """Notes what a trial came to a moment before it ends, so that whoever looks may count it.

    Else, of two that end at the same moment, each would be counted without the other.

    Args:
        study:
            Its study.
        trial:
            About to end; a screen has seen it.
    """
    known = [trial.known[i] for i in range(len(study.directions)) if i in trial.known]
    values = known if len(known) == len(study.directions) else None
    ended = {"number": trial.number, "values": values}
    trial.set_user_attr(SCREEN, {**trial.user_attrs[SCREEN], "ended": ended})


def _is_measured(trial: FrozenTrial, estimate: str) -> bool:
    seen = trial.user_attrs.get(SCREEN, {})
    return seen.get("estimate") == estimate and not seen["chosen"] and has_value(trial)


def _as_ended(trial: FrozenTrial) -> FrozenTrial:
    """A trial that is about to end as it will be, any other as it is."""
    noted = trial.user_attrs.get(SCREEN, {}).get("ended", {})
    # One that is run again has the attrs of the first time.
    if trial.state != TrialState.RUNNING or noted.get("number") != trial.number:
        return trial
    ended = copy(trial)  # a storage in memory gives the trial itself
    ended.values = noted["values"]
    ended.state = TrialState.PRUNED if ended.values is None else TrialState.COMPLETE
    ended.datetime_complete = datetime.now()
    return ended


def check_objective(study: Study, objective: Any, name: str) -> None:
    """Checks the index of an objective.

    Args:
        study:
            Which must have it.
        objective:
            The index.
        name:
            The argument's.

    Raises:
        ValueError:
            If the study has no such objective.
    """
    count = len(study.directions)
    legal = f" and below {count}, the number of objectives of study {study.study_name!r}"
    if checked_int(name, objective, 0, otherwise=legal) >= count:
        raise ValueError(f"{name} must be an int of at least 0{legal}, but got {objective!r}.")


def as_number(value: Any) -> float:
    """A score as it is noted: None, which JSON can hold, for minus infinity."""
    return -math.inf if value is None else float(value)


def truth_of(study: Study, trials: Sequence[FrozenTrial], estimate: str, objective: int) -> Truth:
    """What an estimate is worth, by some trials.

    Args:
        study:
            Theirs.
        trials:
            Of :func:`measured_trials`; there may be none.
        estimate:
            Its name.
        objective:
            By which to order trials.
    """
    return _truth(trials, _worth(study, trials, objective), estimate)


def _worth(study: Study, trials: Sequence[FrozenTrial], objective: int) -> list[float]:
    """Places in the order of the objective, more is better, equal trials at one place."""
    keys = [key_by(trial, study.directions, objective) for trial in trials]
    places = {key: -i for i, key in enumerate(sorted(set(keys)))}
    return [float(places[key]) for key in keys]


def _truth(trials: Sequence[FrozenTrial], worth: list[float], estimate: str) -> Truth:
    if not trials:
        return Truth(0, {})
    seen = [trial.user_attrs[SCREEN] for trial in trials]
    columns = {estimate: [as_number(one["score"]) for one in seen]}
    for name in BASELINES:
        if name != estimate and all(one[name] is not None for one in seen):
            columns[name] = [float(one[name]) for one in seen]
    return Truth(len(trials), {name: _measured(x, worth) for name, x in columns.items()})


def _measured(estimates: list[float], worth: list[float]) -> Coefficient:
    if len(worth) < 4:
        return Coefficient(spearman(estimates, worth) if len(worth) > 1 else 0.0, -1.0, 1.0)
    rho = spearman(estimates, worth)
    return Coefficient(rho, *interval(rho, len(worth)))


def _when(trial: FrozenTrial) -> tuple[float, int]:
    assert trial.datetime_complete is not None
    return trial.datetime_complete.timestamp(), trial.number
