"""Classification or regression: told from the target column, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest
from optuna_nas._cli._table import numbers


TASKS = ("classification", "regression")
MAX_CLASSES = 20
"""More whole numbers than this are taken for quantities, not classes."""

ROWS_PER_CLASS = 5
"""The least that is found in a training, a validation and a test part of 60, 20 and 20 %."""


@dataclass(frozen=True)
class Target:
    """What to predict.

    Args:
        values:
            A class of ``classes`` by number (int64), or floats.
        classes:
            Their names, or None for a regression.
        reason:
            Why it is taken for the one or the other.
    """

    values: np.ndarray[Any, Any]
    classes: tuple[str, ...] | None
    reason: str


def make_target(column: str, cells: Sequence[str], task: str | None) -> Target:
    """Makes a target of a column.

    Args:
        column:
            Its name.
        cells:
            Its cells, none of them missing.
        task:
            ``"classification"``, ``"regression"``, or None to tell from the cells.

    Raises:
        BadInput:
            If the cells do not fit the task, or leave nothing to learn.
    """
    if task not in (*TASKS, None):
        raise BadInput(f"--task must be one of {list(TASKS)}, not {task!r}.{nearest(task, TASKS)}")
    values = numbers(cells)
    found, seen = _tell(cells, values)
    reason = f"target {column!r}: {seen}, so {found}"
    if task is not None and task != found:
        reason = f"target {column!r}: {seen}; {task}, as --task says"
    if (task or found) == "classification":
        return _classes(column, cells, values, reason)
    if values is None:
        raise BadInput(f"--task regression needs numbers, but target {column!r} holds {seen}.")
    if min(values) == max(values):
        raise BadInput(
            f"target {column!r} is {cells[0]} in every row, so there is nothing to learn."
        )
    return Target(np.array(values, dtype=np.float64), None, reason)


def _tell(cells: Sequence[str], values: list[float] | None) -> tuple[str, str]:
    """The task, and what was seen."""
    if values is None:
        return "classification", f"{len(set(cells)):,} different texts"
    different = len(set(values))
    whole = all(value.is_integer() for value in values)
    seen = f"{different:,} different {'whole numbers' if whole else 'numbers'}"
    few = different <= MAX_CLASSES and different * ROWS_PER_CLASS <= len(values)
    return ("classification" if whole and few else "regression"), seen


def _classes(column: str, cells: Sequence[str], values: list[float] | None, reason: str) -> Target:
    labels = list(cells) if values is None else [f"{value:.15g}" for value in values]
    counts = Counter(labels)
    names = sorted(counts) if values is None else sorted(counts, key=float)
    if len(names) == 1:
        raise BadInput(
            f"target {column!r} has one class only ({names[0]!r}), so there is nothing to learn."
        )
    rare = [name for name in names if counts[name] < ROWS_PER_CLASS]
    if rare:
        told = ", ".join(f"{name!r} ({counts[name]})" for name in rare[:5])
        more = f" and {len(rare) - 5:,} more" if len(rare) > 5 else ""
        other = "" if values is None else ", or take it for a number: --task regression"
        raise BadInput(
            f"target {column!r} has classes with fewer than {ROWS_PER_CLASS} rows, too few to be "
            f"in the training, validation and test part: {told}{more}. Take those rows out or "
            f"join classes{other}."
        )
    number_of = {name: i for i, name in enumerate(names)}
    return Target(np.array([number_of[x] for x in labels], np.int64), tuple(names), reason)
