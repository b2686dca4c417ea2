"""Why a search ends with one network and not with another, and how to have the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import shlex

from optuna.trial import FrozenTrial

from optuna_nas._cli._finish import Finalist
from optuna_nas._cli._finish import SEEDS


def why(
    finalists: Sequence[Finalist], objectives: Sequence[str], front: Sequence[FrozenTrial]
) -> str:
    """Says in a line by what rule and numbers the winner was chosen.

    Args:
        finalists:
            The winner first.
        objectives:
            The names of the score, and perhaps of a cost.
        front:
            The trials that no other beats in both.
    """
    winner, *others = finalists
    rule = (
        f"Chosen by the mean {objectives[0]} of {SEEDS} trainings: {winner.mean:.4f}"
        f"{_next(winner, others)}."
    )
    if len(objectives) == 1:
        return rule
    on_front = any(trial.params == winner.params for trial in front)
    other = "" if on_front else ", so it need not be on the front, and is not"
    return f"{rule} {objectives[1]} had no say in it{other}."


def another(
    finalists: Sequence[Finalist], front: Sequence[FrozenTrial], folder: Path
) -> str | None:
    """Returns the command that exports another network; None if there is none.

    Args:
        finalists:
            The winner first.
        front:
            Of two objectives, the trials that no other beats in both; else the best trial.
        folder:
            Of the search.
    """
    winner, *others = finalists
    cheapest_first = sorted(front, key=lambda trial: trial.values[-1])
    numbers = [trial.number for trial in cheapest_first if trial.params != winner.params]
    numbers += [finalist.number for finalist in others]
    untrainable = {finalist.number for finalist in others if not finalist.scores}
    numbers = [number for number in numbers if number not in untrainable]
    if not numbers:
        return None
    to = folder.parent / f"{folder.resolve().name}_{numbers[0]}"
    command = ["optuna-nas", "export", str(folder), "--trial", str(numbers[0]), "--to", str(to)]
    return shlex.join(command)


def _next(winner: Finalist, others: Sequence[Finalist]) -> str:
    if not others:
        return ", the only finalist"
    second = others[0]
    if not second.scores:
        return ", the only one that could be trained again"
    if second.mean == winner.mean:
        return f", as much as network {second.number}, which came behind it in the search"
    return f", the highest (next: {second.mean:.4f}, network {second.number})"
