"""Which of some trials is better: one order for several objectives, constraints and pruned trials.

Feasible before infeasible; among the feasible, complete ones by non-dominated rank and, in a rank,
by crowding distance (Deb et al. 2002, "NSGA-II", sec. III); then pruned ones, by how far they got
and by their last value.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState


Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[float, float, float]


def best_first(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> list[FrozenTrial]:
    """Orders finished trials, the best first.

    Args:
        trials:
            Complete or pruned.
        directions:
            The study's.
    """
    complete, others = _parted(sorted(trials, key=_number), directions)
    order = _order(costs(complete, directions))
    return [complete[i] for i in order] + [t for _, t in others]


def ranks(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Floats:
    """Returns how many trials are better, by each objective; those as good count half.

    Args:
        trials:
            n trials, complete or pruned.
        directions:
            The study's, m.

    Returns:
        Shape [n, m]. What is not complete and feasible is behind all others in each objective.
    """
    complete, others = _parted(trials, directions)
    ahead = np.array([_average_ranks(cost) for cost in costs(complete, directions).T]).T
    place = {key: i for i, key in enumerate(dict.fromkeys(key for key, _ in others))}
    behind = len(complete) + _average_ranks(np.array([place[key] for key, _ in others]))
    found = {t.number: row for t, row in zip(complete, ahead, strict=True)}
    for (_, trial), rank in zip(others, behind, strict=True):
        found[trial.number] = np.full(len(directions), rank)
    return np.array([found[trial.number] for trial in trials])


def leaders(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> list[FrozenTrial]:
    """Returns the front, by number; if no trial is complete and feasible, the best there is.

    The leaders of some trials and the leaders of others have the leaders of all among them.

    Args:
        trials:
            Complete or pruned.
        directions:
            The study's.
    """
    complete, others = _parted(trials, directions)
    if not complete:
        return [trial for _, trial in others[:1]]
    turned = costs(complete, directions)
    dominated = np.atleast_1d(_dominates(turned, turned).any(0))
    return sorted((t for t, no in zip(complete, dominated, strict=True) if not no), key=_number)


def _number(trial: FrozenTrial) -> int:
    return trial.number


def _parted(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> tuple[list[FrozenTrial], list[tuple[Key, FrozenTrial]]]:
    """The complete and feasible ones, and the others with what they are sorted by, best first."""

    def key(trial: FrozenTrial) -> Key:
        step, value = last_value(trial) or (0, math.nan)
        return violation(trial), -step, _cost(value, directions[0])

    first = [t for t in trials if t.state == TrialState.COMPLETE and violation(t) == 0]
    those = {trial.number for trial in first}
    others = [(key(trial), trial) for trial in trials if trial.number not in those]
    return first, sorted(others, key=lambda pair: (pair[0], pair[1].number))


def costs(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Floats:
    """Returns the values of complete trials, turned so that less is better.

    Args:
        trials:
            n complete trials.
        directions:
            The study's, m.

    Returns:
        Shape [n, m]; what is not a number counts as worst.
    """
    rows = [[_cost(v, d) for v, d in zip(t.values, directions, strict=True)] for t in trials]
    return np.array(rows, dtype=float).reshape(-1, len(directions))


def _cost(value: float, direction: StudyDirection) -> float:
    if math.isnan(value):
        return math.inf
    return -value if direction == StudyDirection.MAXIMIZE else value


def last_value(trial: FrozenTrial) -> tuple[int, float] | None:
    """Returns the last step that a trial reported and the value there, or None.

    Args:
        trial:
            Of a study with one objective, which keeps intermediate values, or with several, where
            ``SampledTrial.report`` keeps them in the user attr ``reports``.
    """
    reports = {int(step): value for step, value in trial.user_attrs.get("reports", {}).items()}
    values = trial.intermediate_values or reports
    values = {step: value for step, value in values.items() if not math.isnan(value)}
    return max(values.items()) if values else None


def has_value(trial: FrozenTrial) -> bool:
    """Returns whether a trial can be ranked: it is complete, or was pruned after a report.

    Args:
        trial:
            Of any state.
    """
    if trial.state == TrialState.PRUNED:
        return last_value(trial) is not None
    return trial.state == TrialState.COMPLETE


def violation(trial: FrozenTrial) -> float:
    """Returns by how much a trial breaks its constraints; 0 if it breaks none.

    Args:
        trial:
            A finished trial.
    """
    return sum(max(0.0, by) for by in trial.constraints.values())


def _order(costs: Floats) -> NDArray[np.int64]:
    """The rows by front, then the least crowded first."""
    if costs.shape[1] == 1:
        return np.argsort(costs[:, 0], kind="stable")
    ordered = [f[np.argsort(-_crowding(costs[f]), kind="stable")] for f in fronts(costs)]
    return np.concatenate([np.array([], dtype=np.int64), *ordered])


def _average_ranks(costs: Floats) -> Floats:
    """How many are less, and half of the others that are equal."""
    _, inverse, counts = np.unique(costs, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - counts + (counts - 1) / 2)[inverse])


def fronts(costs: Floats) -> Iterator[NDArray[np.int64]]:
    """Yields the rows by non-dominated rank, the front first.

    Args:
        costs:
            Shape [n, m]; less is better.
    """
    better = _dominates(costs, costs)
    dominated_by = better.sum(0)
    while (dominated_by == 0).any():
        front = np.flatnonzero(dominated_by == 0)
        yield front
        dominated_by -= better[front].sum(0)
        dominated_by[front] = -1


def _dominates(costs: Floats, others: Floats) -> NDArray[np.bool_]:
    """Which rows are nowhere worse than which others, and somewhere better."""
    no_worse = np.all(costs[:, None] <= others[None], axis=-1)
    return np.array(no_worse & np.any(costs[:, None] < others[None], axis=-1))


def _crowding(costs: Floats) -> Floats:
    """Each row's distance to its neighbours on the front, infinite at the ends."""
    distance = np.zeros(len(costs))
    for cost in costs.T:
        order = np.argsort(cost, kind="stable")
        spread = cost[order[-1]] - cost[order[0]]
        distance[order[[0, -1]]] = math.inf
        if math.isfinite(spread) and spread > 0:
            distance[order[1:-1]] += (cost[order[2:]] - cost[order[:-2]]) / spread
    return distance
