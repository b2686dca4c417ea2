"""Whose weights a trial takes: its parent's, or those of the most similar trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.trial import FrozenTrial


PLAN = "optuna_nas:plan"
"""Trial system attr of our samplers: among others ``parents``, the closest first."""

NEAR = 0.25
"""The largest share of its decisions in which a trial differs from one that is no parent."""

ARCHITECTURE = "architecture"
"""Trial user attr of ``Objective``: the names that the network asked."""


def closest(trial: FrozenTrial, others: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Returns a parent, where a sampler noted one; else the trial with the nearest architecture.

    None if it differs in more than a quarter of the decisions, since what strangers have in common
    is worth less than the epochs that it would save.

    Args:
        trial:
            The one that is to be trained.
        others:
            Those to choose from, at least one, the best first, which decides ties.
    """
    by_number = {other.number: other for other in others}
    for parent in trial.system_attrs.get(PLAN, {}).get("parents", ()):
        if parent in by_number:
            return by_number[parent]
    nearest = min(others, key=lambda other: distance(trial, other))
    return nearest if distance(trial, nearest) <= NEAR * len(_architecture(trial)) else None


def distance(trial: FrozenTrial, other: FrozenTrial) -> int:
    """Returns in how many decisions two architectures differ, those that only one has among them.

    Args:
        trial:
            One of them; what evaluators asked does not count.
        other:
            The other, likewise.
    """
    ours, theirs = _architecture(trial), _architecture(other)
    nothing = object()
    return sum(ours.get(n, nothing) != theirs.get(n, nothing) for n in {*ours, *theirs})


def _architecture(trial: FrozenTrial) -> dict[str, Any]:
    asked = trial.user_attrs.get(ARCHITECTURE, trial.params)
    return {name: trial.params[name] for name in asked if name in trial.params}
