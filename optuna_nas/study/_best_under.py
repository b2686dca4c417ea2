"""``best_under``: the best trial that keeps to limits which are set after the search."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
import math
from numbers import Real

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from optuna_nas._ranking import costs
from optuna_nas.study._costs import COSTS
from optuna_nas.study._front import feasible_trials
from optuna_nas.study._names import metric_names


def best_under(study: Study, /, **limits: float) -> FrozenTrial:
    """Returns the best feasible trial within limits.

    The best is that by the first objective that has no limit here (the first of all, if each
    has); of several, by the others.

    Example:

        .. code-block:: python

            best_under(study, latency_ms=5)  # the most accurate one within 5 ms
            best_under(study, accuracy=0.97)  # the fastest one with at least 97 %

    Args:
        study:
            Only feasible complete trials count.
        **limits:
            By name the most that a trial may have, or for an objective to maximise the least.
            Names are those of the objectives and of every metric that a trial measured (its user
            attr ``metrics``). Names that are no Python words go in a dict:
            ``best_under(study, **{"value 1": 5})``.

    Raises:
        TypeError:
            If a limit is no number.
        ValueError:
            If there is no limit, a limit is NaN, a name is unknown, no trial is complete and
            feasible, or none is within the limits: then it says which is nearest.
    """
    _check_limits(limits)
    trials = feasible_trials(study)
    names = metric_names(study)
    measured = [_measured(trial, names) for trial in trials]
    _check_names(study, limits, measured)
    largest = {n for n, d in zip(names, study.directions, strict=True) if _is_max(d)}
    excess = [_excess(values, limits, largest) for values in measured]
    within = [i for i, beyond in enumerate(excess) if beyond == 0]
    if not within:
        i = min(range(len(trials)), key=excess.__getitem__)
        reached = ", ".join(f"{n} = {measured[i].get(n, math.nan):.6g}" for n in limits)
        asked = " and ".join(
            f"{n} {'>=' if n in largest else '<='} {limit:.6g}" for n, limit in limits.items()
        )
        raise ValueError(
            f"none of the {len(trials)} feasible trials of study {study.study_name!r} has "
            f"{asked}; the nearest is trial {trials[i].number}, with {reached}."
        )
    values = costs(trials, study.directions)
    first = [k for k, name in enumerate(names) if name not in limits]
    order = [*first, *(k for k in range(len(names)) if k not in first)]
    best = min(within, key=lambda i: ([values[i, k] for k in order], trials[i].number))
    return deepcopy(trials[best])


def _is_max(direction: StudyDirection) -> bool:
    return direction == StudyDirection.MAXIMIZE


def _measured(trial: FrozenTrial, names: list[str]) -> dict[str, float]:
    """All numbers of a trial that a limit can be on."""
    return {**trial.user_attrs.get(COSTS, {}), **dict(zip(names, trial.values, strict=True))}


def _excess(values: Mapping[str, float], limits: Mapping[str, float], largest: set[str]) -> float:
    """How far values are beyond limits, in parts of the limit; infinity for one not known."""
    total = 0.0
    for name, limit in limits.items():
        value = values.get(name, math.nan)
        beyond = limit - value if name in largest else value - limit
        if not beyond <= 0:
            total += math.inf if math.isnan(beyond) else beyond / (abs(limit) or 1.0)
    return total


def _check_limits(limits: Mapping[str, object]) -> None:
    if not limits:
        raise ValueError("best_under needs a limit by its name: best_under(study, latency_ms=5).")
    for name, limit in limits.items():
        if not isinstance(limit, Real) or isinstance(limit, bool):
            raise TypeError(
                f"the limit of {name} must be a number, but is {limit!r} ({type(limit).__name__})."
            )
        if math.isnan(limit):
            raise ValueError(f"the limit of {name} must be a number, but is NaN.")


def _check_names(
    study: Study, limits: Mapping[str, float], measured: list[dict[str, float]]
) -> None:
    known = {name: None for values in measured for name in values}
    unknown = [name for name in limits if name not in known]
    if unknown:
        raise ValueError(
            f"study {study.study_name!r} has no metric {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(map(repr, known))}."
        )
