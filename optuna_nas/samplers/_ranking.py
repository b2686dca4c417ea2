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
    trials: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    limit: int | None = None,
) -> list[FrozenTrial]:
    """Orders finished trials, the best first.

    Args:
        trials:
            Complete or pruned.
        directions:
            The study's.
        limit:
            How many are wanted; None for all. With several objectives, all take the square of
            their number.
    """
    complete, others = _parted(sorted(trials, key=_number), directions)
    order = _order(costs(complete, directions), limit)
    return [*(complete[i] for i in order), *(trial for _, trial in others)][:limit]


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
    return np.array([found[t.number] for t in trials]).reshape(-1, len(directions))


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
    front = _nondominated(costs(complete, directions))
    return sorted((t for t, yes in zip(complete, front, strict=True) if yes), key=_number)


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


def _order(costs: Floats, limit: int | None) -> list[int]:
    """The rows by front, then the least crowded first; perhaps not all, but as many as wanted."""
    if costs.shape[1] == 1:
        return [int(i) for i in np.argsort(costs[:, 0], kind="stable")]
    order: list[int] = []
    for front in fronts(costs):
        order += front[np.argsort(-_crowding(costs[front]), kind="stable")].tolist()
        if limit is not None and len(order) >= limit:
            break
    return order


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
    left = np.arange(len(costs))
    while len(left):
        front = _nondominated(costs[left])
        yield left[front]
        left = left[~front]


def _nondominated(costs: Floats) -> NDArray[np.bool_]:
    """Which rows are dominated by no other; each of these takes one pass over what is left.

    The first in lexicographic order is dominated by none, and neither is, once all that it
    dominates are gone, the next.
    """
    front = np.zeros(len(costs), dtype=bool)
    left = np.lexsort(costs.T[::-1])
    while len(left):
        first = costs[left[0]]
        equal = (costs[left] == first).all(1)
        front[left[equal]] = True
        left = left[~equal & (costs[left] < first).any(1)]
    return front


def _crowding(costs: Floats) -> Floats:
    """Each row's distance to its neighbours on the front, infinite at the ends."""
    distance = np.zeros(len(costs))
    for cost in costs.T:
        order = np.argsort(cost, kind="stable")
        least, most = cost[order[[0, -1]]]
        distance[order[[0, -1]]] = math.inf
        if math.isfinite(least) and math.isfinite(most) and least < most:
            distance[order[1:-1]] += (cost[order[2:]] - cost[order[:-2]]) / (most - least)
    return distance
