"""The plane that a front is drawn in: which objectives, and how far the axes go."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.study import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from optuna_nas.study import metric_names
from optuna_nas.visualization._chart import axis
from optuna_nas.visualization._chart import escaped
from optuna_nas.visualization._chart import fenced
from optuna_nas.visualization._chart import widened
from optuna_nas.visualization._so_far import plural


MANY = 20
"""Trials of which some may lie beyond the axes; of fewer all are drawn."""


@dataclass(frozen=True)
class Plane:
    """What is drawn of a study.

    Args:
        names:
            Of the two objectives, x first.
        places:
            Their indices.
        all_names:
            Of all objectives.
        directions:
            Of all objectives.
    """

    names: tuple[str, str]
    places: tuple[int, int]
    all_names: Sequence[str]
    directions: Sequence[StudyDirection]


def plane_of(study: Study, objectives: tuple[str, str] | None) -> Plane:
    """The plane of two objectives.

    Args:
        study:
            Whose.
        objectives:
            Their names, x first; None for the first to minimise against the first other one.

    Raises:
        ValueError:
            If the study has one objective, or it has no such two.
    """
    names, directions = metric_names(study), study.directions
    if len(names) < 2:
        raise ValueError(
            f"plot_pareto_front needs two objectives, but study {study.study_name!r} has one, "
            f"{names[0]!r}; plot_anytime draws it."
        )
    if objectives is None:
        first = next((i for i, d in enumerate(directions) if d == StudyDirection.MINIMIZE), 0)
        places = (first, 1 if first == 0 else 0)
    else:
        two = [] if isinstance(objectives, str) else list(objectives)
        if len(two) != 2 or len(set(two)) != 2 or any(name not in names for name in two):
            raise ValueError(
                f"objectives must be two of {', '.join(map(repr, names))}, but is {objectives!r}."
            )
        places = (names.index(two[0]), names.index(two[1]))
    return Plane((names[places[0]], names[places[1]]), places, names, directions)


def axis_of(
    plane: Plane,
    i: int,
    trials: Sequence[FrozenTrial],
    first: Sequence[FrozenTrial],
    limits: Mapping[str, float],
) -> dict[str, Any]:
    """An axis that is as long as most trials, all that must be seen, and the limits need.

    Args:
        plane:
            What is drawn.
        i:
            0 for x, 1 for y.
        trials:
            Those of whom most are to be seen.
        first:
            Those of whom all are.
        limits:
            By objective.
    """
    low, high = fenced([trial.values[plane.places[i]] for trial in trials])
    shown = [t.values[plane.places[i]] for t in (trials if len(trials) < MANY else first)]
    shown += [at for name, at in limits.items() if name == plane.names[i]]
    more = plane.directions[plane.places[i]] == StudyDirection.MAXIMIZE
    title = f"{escaped(plane.names[i])} ({'higher' if more else 'lower'} is better)"
    return axis(title, range=widened(min([low, *shown]), max([high, *shown])))


def beyond(
    trials: Sequence[FrozenTrial], plane: Plane, x: Mapping[str, Any], y: Mapping[str, Any]
) -> list[str]:
    """A note of how many trials are so far off that they would flatten the picture, or none.

    Args:
        trials:
            All that are drawn.
        plane:
            Where.
        x:
            What :func:`axis_of` gave.
        y:
            The same.
    """
    ranges = [x["range"], y["range"]]
    inside = sum(
        all(
            low <= trial.values[place] <= high
            for place, (low, high) in zip(plane.places, ranges, strict=True)
        )
        for trial in trials
    )
    more = len(trials) - inside
    lie = f"{plural(more, 'far-off trial')} {'lies' if more == 1 else 'lie'}"
    return [f"{lie} beyond the axes"] if more else []
