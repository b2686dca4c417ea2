"""Which trials have weights in the store, and which lose them when the budget is spent.

All of it stands in the trials' user attrs, so that workers agree and a study can be resumed. What
a trial took away stands in its own attrs: those of a finished trial no longer change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState


WEIGHTS = "weights"
"""User attr: ``artifact`` (its id), ``bytes``, ``sha256``, and whose weights were ``removed``."""


def with_weights(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Returns the trials whose weights should be there, also those that have not ended yet.

    Args:
        trials:
            All of a study.
    """
    told = [(trial, trial.user_attrs.get(WEIGHTS, {})) for trial in trials]
    removed = {number for _, weights in told for number in weights.get("removed", ())}
    return [trial for trial, w in told if "artifact" in w and trial.number not in removed]


def best_first(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> list[FrozenTrial]:
    """Orders finished trials: complete ones, pruned ones, failed ones.

    Complete ones by value; with several objectives, the front first. What that leaves open, the
    younger ones first.

    Args:
        trials:
            In any order.
        directions:
            The study's.
    """
    leaders = {trial.number for trial in front(trials, directions)}

    def rank(trial: FrozenTrial) -> tuple[float, ...]:
        if trial.state != TrialState.COMPLETE:
            return 2 + (trial.state == TrialState.FAIL), 0.0, -trial.number
        first = float(_costs([trial], directions)[0, 0]) if len(directions) == 1 else 0.0
        return trial.number not in leaders, first, -trial.number

    return sorted(trials, key=rank)


def front(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> list[FrozenTrial]:
    """Returns the complete trials that no other dominates; with one objective, the best.

    Args:
        trials:
            In any order.
        directions:
            The study's.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    costs = _costs(complete, directions)
    return [
        trial
        for trial, own in zip(complete, costs, strict=True)
        if not ((costs <= own).all(axis=1) & (costs < own).any(axis=1)).any()
    ]


def to_remove(
    kept: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    size: int,
    budget: int,
) -> list[FrozenTrial] | None:
    """Returns the trials whose weights make room for new ones; None if there is not enough.

    First those of failed trials, then of pruned ones, the oldest first; then of complete ones, the
    worst first, with several objectives the oldest first. Never those on the front, nor those of
    trials that run.

    Args:
        kept:
            The trials with weights.
        directions:
            The study's.
        size:
            Of the new weights, in bytes.
        budget:
            For all weights, in bytes.
    """
    excess = size + sum(trial.user_attrs[WEIGHTS]["bytes"] for trial in kept) - budget
    leaders = {trial.number for trial in front(kept, directions)}
    ended = [t for t in kept if t.state.is_finished() and t.number not in leaders]
    removed: list[FrozenTrial] = []
    for trial in reversed(best_first(ended, directions)):
        if excess <= 0:
            break
        removed.append(trial)
        excess -= trial.user_attrs[WEIGHTS]["bytes"]
    return removed if excess <= 0 else None


def _costs(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> NDArray[Any]:
    """Values, small where good. ``[trials, objectives]``"""
    signs = [-1.0 if direction == StudyDirection.MAXIMIZE else 1.0 for direction in directions]
    return np.array([trial.values for trial in trials]).reshape(-1, len(signs)) * signs
