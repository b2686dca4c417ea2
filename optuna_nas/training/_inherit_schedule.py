"""The end of a schedule: what inherits is not warmed up again, nor undone by high rates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from optuna_nas.training._recipe import Recipe
from optuna_nas.training._schedules import Schedule


def at_the_end(recipe: Recipe, epochs: int | None, of: int | None) -> Recipe:
    """Returns a recipe whose schedule is the last part of another's.

    Args:
        recipe:
            How to train from scratch.
        epochs:
            How many are to be trained; None if only a budget ends them.
        of:
            How many the schedule was made for; with as many, or None, it is the recipe itself.
    """
    if epochs is None or of is None or epochs == of:
        return recipe
    return replace(
        recipe, schedule=partial(_late, schedule=recipe.schedule, from_=1 - epochs / of)
    )


def _late(progress: float, schedule: Schedule, from_: float) -> float:
    return schedule(from_ + (1 - from_) * progress)
