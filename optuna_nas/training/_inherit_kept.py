"""Which trials have weights in the store, and which lose them when the budget is spent.

All of it stands in the trials' user attrs, so that workers agree and a study can be resumed. What
a trial took away stands in its own attrs: those of a finished trial no longer change.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._ranking import costs
from optuna_nas._ranking import nondominated


WEIGHTS = "weights"
"""User attr: ``artifact`` (its id), ``bytes``, ``sha256``, whose weights were ``removed``, and how
many trials had ``ended``."""

GIVEN_UP = 100
"""How many trials end until one that has kept its weights and still runs is taken for dead.

Training is over then, so that a worker that lives tells it soon. No clock is asked: those of two
machines differ. Whoever lives after all loses no more than that others could inherit from it.
"""


def with_weights(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Returns the trials whose weights should be there, also those that have not ended yet.

    Args:
        trials:
            All of a study.
    """
    told = [(trial, trial.user_attrs.get(WEIGHTS, {})) for trial in trials]
    removed = {number for _, weights in told for number in weights.get("removed", ())}
    return [trial for trial, w in told if "artifact" in w and trial.number not in removed]


def best_then_youngest(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> list[FrozenTrial]:
    """Orders trials: complete ones, pruned ones, and those that failed or never ended.

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
            return 2 + (trial.state != TrialState.PRUNED), 0.0, -trial.number
        first = float(costs([trial], directions)[0, 0]) if len(directions) == 1 else 0.0
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
    leads = nondominated(costs(complete, directions))
    return [trial for trial, yes in zip(complete, leads, strict=True) if yes]


def to_remove(
    trials: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    size: int,
    budget: int,
) -> list[FrozenTrial] | None:
    """Returns the trials whose weights make room for new ones; None if there is not enough.

    First those of failed trials, and of running ones that are given up; then of pruned ones, the
    oldest first; then of complete ones, the worst first, with several objectives the oldest first.
    Never those on the front, nor those of other trials that run.

    Args:
        trials:
            All of a study.
        directions:
            The study's.
        size:
            Of the new weights, in bytes.
        budget:
            For all weights, in bytes.
    """
    kept, given_up = with_weights(trials), number_ended(trials) - GIVEN_UP
    excess = size + sum(trial.user_attrs[WEIGHTS]["bytes"] for trial in kept) - budget
    leaders = {trial.number for trial in front(kept, directions)}
    ended = [
        trial
        for trial in kept
        if trial.state.is_finished() or trial.user_attrs[WEIGHTS].get("ended", inf) <= given_up
    ]
    removed: list[FrozenTrial] = []
    others = [trial for trial in ended if trial.number not in leaders]
    for trial in reversed(best_then_youngest(others, directions)):
        if excess <= 0:
            break
        removed.append(trial)
        excess -= trial.user_attrs[WEIGHTS]["bytes"]
    return removed if excess <= 0 else None


def number_ended(trials: Sequence[FrozenTrial]) -> int:
    """Returns how many trials have ended, however they did.

    Args:
        trials:
            All of a study.
    """
    return sum(trial.state.is_finished() for trial in trials)
