"""Which of some trials is better: one order for several objectives, constraints and pruned trials.

Feasible before infeasible; among the feasible, complete ones by non-dominated rank and, in a rank,
by crowding distance (Deb et al. 2002, "NSGA-II", sec. III); then pruned ones, by how far they got
and by their last value.
"""

from __future__ import annotations

from collections.abc import Sequence
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState


Floats: TypeAlias = NDArray[np.float64]


def best_first(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> list[FrozenTrial]:
    """Orders finished trials, the best first.

    Args:
        trials:
            Complete or pruned; a pruned one has a last value (:func:`last_value`).
        directions:
            The study's.
    """
    signs = np.array([-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in directions])
    complete = [t for t in trials if t.state == TrialState.COMPLETE and violation(t) == 0]
    costs = np.array([t.values for t in complete]).reshape(-1, len(signs)) * signs
    place = {t.number: i for t, i in zip(complete, _places(costs), strict=True)}

    def key(trial: FrozenTrial) -> tuple[float, ...]:
        if trial.number in place:
            return (0, 0, 0, place[trial.number])
        step, value = last_value(trial) or (0, math.inf)
        return (1, violation(trial), -step, signs[0] * value)

    return sorted(trials, key=key)


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


def violation(trial: FrozenTrial) -> float:
    """Returns by how much a trial breaks its constraints; 0 if it breaks none.

    Args:
        trial:
            A finished trial.
    """
    return sum(max(0.0, by) for by in trial.constraints.values())


def _places(costs: Floats) -> list[int]:
    """Each row's place in the order: by front, then the least crowded first."""
    order: list[int] = []
    for front in _fronts(costs):
        crowding = _crowding(costs[front])
        order += [front[i] for i in np.argsort(-crowding, kind="stable")]
    return [order.index(i) for i in range(len(costs))]


def _fronts(costs: Floats) -> list[list[int]]:
    """The rows by non-dominated rank."""
    no_worse = np.all(costs[:, None] <= costs[None], axis=-1)
    better = np.array(no_worse & np.any(costs[:, None] < costs[None], axis=-1))
    left, fronts = np.arange(len(costs)), []
    while len(left):
        dominated = better[np.ix_(left, left)].any(0)
        fronts.append(left[~dominated].tolist())
        left = left[dominated]
    return fronts


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
