"""Why a search ends with one network and not with another, and how to have the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import shlex

from optuna.trial import FrozenTrial

from optuna_nas._cli._decisions import in_digits
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
    return f"{rule} {objectives[1]} counts only between equal means{other}."


def another(
    finalists: Sequence[Finalist],
    objectives: Sequence[str],
    front: Sequence[FrozenTrial],
    folder: Path,
) -> tuple[str, str] | None:
    """Says what another network has instead, and the command that exports it.

    None without one, and with one objective, by which other finalists are no better.

    Args:
        finalists:
            The winner first.
        objectives:
            The names of the score, and perhaps of a cost.
        front:
            The trials that no other beats in both, the knee first.
        folder:
            Of the search.
    """
    if len(objectives) == 1:
        return None
    winner, *others = finalists
    again = {other.number: other for other in others}
    saving = [one.number for one in others if not _costs_as_much(one, winner)]
    numbers = [trial.number for trial in front if trial.params != winner.params] + saving
    number = next((n for n in numbers if n not in again or again[n].scores), None)
    if number is None:
        return None
    trials = {trial.number: trial for trial in front}
    knee = len(front) > 1 and number == front[0].number
    which = f"network {number}{', the knee of the front' if knee else ''}"
    instead = _instead(winner, again.get(number) or trials[number], objectives)
    to = folder.parent / f"{folder.resolve().name}_{number}"
    command = ["optuna-nas", "export", str(folder), "--trial", str(number), "--to", str(to)]
    return f"{which}: {instead}", shlex.join(command)


def _costs_as_much(other: Finalist, winner: Finalist) -> bool:
    return None not in (other.cost, winner.cost) and other.cost >= winner.cost  # type: ignore[operator]


def _instead(winner: Finalist, other: Finalist | FrozenTrial, objectives: Sequence[str]) -> str:
    """``parameters 2,962 instead of 17,698, mean accuracy 0.9861 instead of 0.9907``."""
    score, *also = objectives
    if isinstance(other, Finalist):
        cost = other.cost
        scores = (f"mean {score}", other.mean, winner.mean)
    else:
        cost = other.values[-1]
        scores = (f"{score} in the search", other.values[0], winner.searched)
    pairs = [(name, cost, winner.cost) for name in also] + [scores]
    told = [(name, in_digits(a), in_digits(b)) for name, a, b in pairs]
    return ", ".join(
        f"{name} {a} {'as well' if a == b else f'instead of {b}'}" for name, a, b in told
    )


def _next(winner: Finalist, others: Sequence[Finalist]) -> str:
    if not others:
        return ", the only finalist"
    second = others[0]
    if not second.scores:
        return ", the only one that could be trained again"
    if second.mean == winner.mean and (winner.cost or 0.0) < (second.cost or 0.0):
        return f", as much as network {second.number}, which costs more"
    if second.mean == winner.mean:
        return f", as much as network {second.number}, which came behind it in the search"
    return f", the highest (next: {second.mean:.4f}, network {second.number})"
