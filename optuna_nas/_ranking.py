"""Which of some trials is better: one order for several objectives, constraints and pruned trials.

Feasible before infeasible; among the feasible, complete ones by non-dominated rank and, in a rank,
by crowding distance (Deb et al. 2002, "NSGA-II", sec. III); then pruned ones, by how far they got
and by their last value, with several objectives by the non-dominated rank of their last values.
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

from optuna_nas._reports import reports_in
from optuna_nas._reports import Values


Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[float, float, int, tuple[float, ...]]


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
    complete, others = parted(sorted(trials, key=_number), directions)
    order = _order(costs(complete, directions), limit)
    return [*(complete[i] for i in order), *(trial for _, trial in others)][:limit]


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
    complete, others = parted(trials, directions)
    if not complete:
        return [trial for _, trial in others[:1]]
    front = nondominated(costs(complete, directions))
    return sorted((t for t, yes in zip(complete, front, strict=True) if yes), key=_number)


def _number(trial: FrozenTrial) -> int:
    return trial.number


def parted(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> tuple[list[FrozenTrial], list[tuple[Key, FrozenTrial]]]:
    """Returns the complete and feasible trials of finite values, and those behind them.

    Args:
        trials:
            Complete or pruned.
        directions:
            The study's.

    Returns:
        The first as they came; the others best first, with what they are sorted by.
    """
    first = [trial for trial in trials if _is_first(trial)]
    those = {trial.number for trial in first}
    others = [trial for trial in trials if trial.number not in those]
    keyed = zip(_keys(others, directions), others, strict=True)
    return first, sorted(keyed, key=lambda pair: (pair[0], pair[1].number))


def key_by(
    trial: FrozenTrial, directions: Sequence[StudyDirection], objective: int
) -> tuple[float, ...]:
    """Returns what sorts trials by one objective alone, whatever other trials there are.

    Args:
        trial:
            Complete or pruned.
        directions:
            The study's.
        objective:
            Its index.

    Returns:
        Less is better: the complete, feasible and finite trials are first; then as in the order
        above, but by that objective's last value.
    """
    step, cost = _reached(trial, directions)
    return not _is_first(trial), violation(trial), -step, cost[objective]


def _is_first(trial: FrozenTrial) -> bool:
    is_feasible = trial.state == TrialState.COMPLETE and violation(trial) == 0
    return is_feasible and all(map(math.isfinite, trial.values))


def _keys(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> list[Key]:
    """Violation, how far it got, rank among those that got as far, and costs; less is better."""
    reached = [(violation(trial), *_reached(trial, directions)) for trial in trials]
    ranks = [0] * len(trials)
    if len(directions) > 1:
        for far in {(by, step) for by, step, _ in reached}:
            alike = [i for i, (by, step, _) in enumerate(reached) if (by, step) == far]
            for rank, front in enumerate(fronts(np.array([reached[i][2] for i in alike]))):
                for i in front:
                    ranks[alike[i]] = rank
    return [(by, -step, rank, cost) for (by, step, cost), rank in zip(reached, ranks, strict=True)]


def _reached(
    trial: FrozenTrial, directions: Sequence[StudyDirection]
) -> tuple[int, tuple[float, ...]]:
    """The last step, and the costs there; unknown and infinite ones are infinite."""
    step, values = last_values(trial) or (0, ())
    if trial.state == TrialState.COMPLETE:
        step, values = 0, trial.values
    padded = [*values, *([None] * (len(directions) - len(values)))]
    signed = [
        math.inf if value is None else -value if direction == StudyDirection.MAXIMIZE else value
        for value, direction in zip(padded, directions, strict=False)
    ]
    return step, tuple(cost if math.isfinite(cost) else math.inf for cost in signed)


def costs(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Floats:
    """Returns the values of complete trials, turned so that less is better.

    Args:
        trials:
            n complete trials.
        directions:
            The study's, m.

    Returns:
        Shape [n, m].
    """
    return turned([trial.values for trial in trials], directions)


def turned(values: Sequence[Values], directions: Sequence[StudyDirection]) -> Floats:
    """Returns values turned so that less is better, NaN where one is not known.

    Args:
        values:
            n reports, or what n complete trials are worth.
        directions:
            The study's, m.

    Returns:
        Shape [n, m].
    """
    signs = [-1.0 if direction == StudyDirection.MAXIMIZE else 1.0 for direction in directions]
    return np.array(values, dtype=float).reshape(-1, len(signs)) * signs


def last_value(trial: FrozenTrial) -> tuple[int, float] | None:
    """Returns the last step that a trial reported and the first objective's value there, or None.

    Args:
        trial:
            Of any state.
    """
    last = last_values(trial)
    if last is None or last[1][0] is None:
        return None
    return last[0], last[1][0]


def last_values(trial: FrozenTrial) -> tuple[int, Sequence[float | None]] | None:
    """Returns the last step that a trial reported numbers for, and these, or None.

    Args:
        trial:
            Of a study with one objective, which keeps intermediate values, or with several, where
            ``SampledTrial.report`` keeps them in the user attr ``reports``: one for each
            objective, None for those not known.
    """
    reports: dict[int, Sequence[float | None]]
    reports = reports_in(trial.user_attrs)
    reports = reports or {step: [value] for step, value in trial.intermediate_values.items()}
    told = [step for step, values in reports.items() if not any(map(_is_nan, values))]
    return (max(told), reports[max(told)]) if told else None


def _is_nan(value: float | None) -> bool:
    return value is not None and math.isnan(value)


def has_value(trial: FrozenTrial) -> bool:
    """Returns whether a trial can be ranked: it is complete, or was pruned after a report.

    Args:
        trial:
            Of any state.
    """
    if trial.state == TrialState.PRUNED:
        return last_values(trial) is not None
    return trial.state == TrialState.COMPLETE


def violation(trial: FrozenTrial) -> float:
    """Returns by how much a trial breaks the constraints that are known; 0 if it breaks none.

    Args:
        trial:
            Of any state.
    """
    return sum(max(0.0, by) for by in trial.constraints.values())


def _order(costs: Floats, limit: int | None) -> list[int]:
    """The rows by front, then the least crowded first; perhaps not all, but as many as wanted."""
    if costs.shape[1] == 1:
        return [int(i) for i in np.argsort(costs[:, 0], kind="stable")]
    order: list[int] = []
    for front in fronts(costs):
        order += front[np.argsort(-crowding(costs[front]), kind="stable")].tolist()
        if limit is not None and len(order) >= limit:
            break
    return order


def fronts(costs: Floats) -> Iterator[NDArray[np.int64]]:
    """Yields the rows by non-dominated rank, the front first.

    Args:
        costs:
            Shape [n, m]; less is better.
    """
    left = np.arange(len(costs))
    while len(left):
        front = nondominated(costs[left])
        yield left[front]
        left = left[~front]


def nondominated(costs: Floats) -> NDArray[np.bool_]:
    """Returns which rows no other dominates; each of these takes one pass over what is left.

    Args:
        costs:
            Shape [n, m]; less is better.
    """
    # The first in lexicographic order is dominated by none, and neither is, once all that it
    # dominates are gone, the next.
    front = np.zeros(len(costs), dtype=bool)
    left = np.lexsort(costs.T[::-1])
    while len(left):
        first = costs[left[0]]
        equal = (costs[left] == first).all(1)
        front[left[equal]] = True
        left = left[~equal & (costs[left] < first).any(1)]
    return front


def crowding(costs: Floats) -> Floats:
    """Returns each row's distance to its neighbours on the front, infinite at the ends.

    Args:
        costs:
            Shape [n, m], of a front.
    """
    distance = np.zeros(len(costs))
    for cost in costs.T:
        order = np.argsort(cost, kind="stable")
        least, most = cost[order[[0, -1]]]
        distance[order[[0, -1]]] = math.inf
        if least < most:
            distance[order[1:-1]] += (cost[order[2:]] - cost[order[:-2]]) / (most - least)
    return distance
