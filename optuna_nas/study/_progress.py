"""What a search had found by then, as numbers; and of several searches mean and deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna._hypervolume import compute_hypervolume
from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import costs
from optuna_nas._ranking import fronts
from optuna_nas._ranking import parted
from optuna_nas.pruners._reports import last_step
from optuna_nas.study._hypervolume import checked_reference


Floats: TypeAlias = NDArray[np.float64]
Spent: TypeAlias = Literal["trials", "seconds", "epochs"]
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True)
class Progress:
    """Of one study, after each trial.

    Args:
        spent:
            What all trials so far took, shape [n], not falling.
        value:
            The best value or the hypervolume, shape [n]; NaN as long as there is none.
    """

    spent: Floats
    value: Floats


@dataclass(frozen=True)
class Band:
    """Of several studies.

    Args:
        x:
            Shape [k].
        mean:
            Of the studies' values there, shape [k].
        deviation:
            The standard deviation of one study, shape [k].
        of:
            How many studies have a value.
        without:
            How many have none.
    """

    x: Floats
    mean: Floats
    deviation: Floats
    of: int
    without: int


def progress(study: Study, unit: Spent, reference: Sequence[float] | None) -> Progress:
    """Returns the best so far after each trial that ended, in the order they did.

    Args:
        study:
            Any.
        unit:
            What is counted.
        reference:
            Of the hypervolume; None with one objective.

    Raises:
        ValueError:
            If epochs are to be counted, and no trial says how many it took though some are
            complete, or if the reference does not fit.
    """
    trials = study.get_trials(deepcopy=False, states=ENDED)
    trials.sort(key=lambda trial: (_end(trial), trial.number))
    took = [_took(trial, unit, len(study.directions)) for trial in trials]
    complete = any(trial.state == TrialState.COMPLETE for trial in trials)
    if unit == "epochs" and complete and not any(took):
        raise ValueError(
            "x='epochs' needs trials that reported steps or have the user attr 'epochs', which "
            f"Train leaves; of the {len(trials)} of study {study.study_name!r} none has."
        )
    value = _best(trials, study) if reference is None else _volumes(trials, study, reference)
    return Progress(np.cumsum(np.array(took, dtype=float)), value)


def band(searches: Sequence[Progress]) -> Band | None:
    """Returns the mean of searches where each has a value, or None if none has any.

    Args:
        searches:
            At least one.
    """
    valued = [one for one in searches if not np.isnan(one.value).all()]
    if not valued:
        return None
    begin = max(one.spent[~np.isnan(one.value)][0] for one in valued)
    end = max(begin, min(one.spent[-1] for one in valued))
    x = np.unique(np.concatenate([[begin, end], *(one.spent for one in valued)]))
    x = x[(x >= begin) & (x <= end)]
    rows = np.array([one.value[np.searchsorted(one.spent, x, side="right") - 1] for one in valued])
    deviation = rows.std(0, ddof=1) if len(rows) > 1 else np.zeros_like(x)
    return Band(x, rows.mean(0), deviation, len(valued), len(searches) - len(valued))


def worst_values(studies: Sequence[Study]) -> list[float] | None:
    """Returns the worst value of each objective in the feasible trials, or None without any.

    Args:
        studies:
            Of the same objectives.
    """
    directions = studies[0].directions
    trials = [t for study in studies for t in study.get_trials(deepcopy=False)]
    feasible, _ = parted([t for t in trials if t.state == TrialState.COMPLETE], directions)
    if not feasible:
        return None
    worst: list[float] = (costs(feasible, directions).max(0) * _signs(studies[0])).tolist()
    return worst


def _signs(study: Study) -> Floats:
    return np.array([-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions])


def _best(trials: Sequence[FrozenTrial], study: Study) -> Floats:
    found = np.full(len(trials), np.inf)
    feasible = _feasible(trials, study)
    for i, trial in enumerate(trials):
        if trial.number in feasible:
            found[i] = costs([trial], study.directions)[0, 0]
    best = np.minimum.accumulate(found) * _signs(study)[0]
    return np.where(np.isfinite(best), best, np.nan)


def _volumes(trials: Sequence[FrozenTrial], study: Study, reference: Sequence[float]) -> Floats:
    point = checked_reference(study, reference) * _signs(study)
    feasible = _feasible(trials, study)
    volumes, volume = np.full(len(trials), np.nan), np.nan
    front = np.empty((0, len(point)))
    for i, trial in enumerate(trials):
        if trial.number in feasible:
            value = costs([trial], study.directions)
            volume = np.nan_to_num(volume)
            if (value < point).all() and not (front <= value).all(1).any():
                front = np.vstack([front, value])
                front = front[next(fronts(front))]
                volume = float(compute_hypervolume(front, point))
        volumes[i] = volume
    return volumes


def _feasible(trials: Sequence[FrozenTrial], study: Study) -> set[int]:
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return {trial.number for trial in parted(complete, study.directions)[0]}


def _end(trial: FrozenTrial) -> float:
    assert trial.datetime_complete is not None
    return trial.datetime_complete.timestamp()


def _took(trial: FrozenTrial, unit: Spent, objectives: int) -> float:
    if unit == "trials":
        return 1.0
    if unit == "seconds":
        return trial.duration.total_seconds() if trial.duration else 0.0
    told = trial.user_attrs.get("epochs")
    if isinstance(told, int | float):
        return float(told)
    return float(last_step(trial, objectives) or 0)
