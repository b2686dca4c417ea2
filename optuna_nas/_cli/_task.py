"""Classification or regression: told from the target, with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from optuna_nas._cli._errors import BadInput
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import classes_of
from optuna_nas._estimator._targets import Numbers
from optuna_nas._estimator._targets import numbers_of


MAX_CLASSES = 20
"""More whole numbers than this are taken for quantities, not classes."""

ROWS_PER_CLASS = 5
"""The least that is found in a training, a validation and a test part of 60, 20 and 20 %."""


def make_targets(name: str, y: Any, task: str | None) -> tuple[Any, Classes | Numbers, str]:
    """Tells classes from numbers.

    Args:
        name:
            What the target is called.
        y:
            What is to be predicted, ``[n]``, or several numbers ``[n, k]``.
        task:
            ``"classification"``, ``"regression"``, or None to tell from ``y``.

    Returns:
        y as labels or float64; what it is; and why it is taken for that.

    Raises:
        BadInput:
            If it does not fit the task, or leaves nothing to learn.
    """
    y = _plain(np.asarray(y))
    found, seen = _tell(y)
    reason = f"target {name!r}: {seen}, so {found}"
    if task is not None and task != found:
        reason = f"target {name!r}: {seen}; {task}, as --task says"
    if (task or found) == "classification":
        _check_classes(name, y)
        return y, classes_of(y), reason
    if y.dtype.kind not in "iuf":
        raise BadInput(f"--task regression needs numbers, but target {name!r} holds {seen}.")
    y = y.astype(np.float64)
    if (y == y[0]).all():
        raise BadInput(
            f"target {name!r} is {y[0].tolist():g} in every row, so there is nothing to learn."
            if y.ndim == 1
            else f"target {name!r} is the same in every row, so there is nothing to learn."
        )
    return y, numbers_of(y), reason


def _plain(y: Any) -> Any:
    """Whole numbers as ints, whatever they were written as; what is no number as texts."""
    if y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.round(y)).all():
        return y.astype(np.int64)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    return y if y.dtype.kind in "biuf" else y.astype(str).astype(object)


def _tell(y: Any) -> tuple[str, str]:
    """The task, and what was seen."""
    if y.ndim == 2:
        return "regression", f"{y.shape[1]} numbers a row"
    different = len(np.unique(y))
    if y.dtype.kind not in "iuf":
        return "classification", f"{different:,} different texts"
    whole = y.dtype.kind in "iu"
    seen = f"{different:,} different {'whole numbers' if whole else 'numbers'}"
    few = different <= MAX_CLASSES and different * ROWS_PER_CLASS <= len(y)
    return ("classification" if whole and few else "regression"), seen


def _check_classes(name: str, y: Any) -> None:
    if y.ndim == 2:
        raise BadInput(
            f"--task classification needs one label a row, but target {name!r} has {y.shape[1]}."
        )
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) == 1:
        raise BadInput(
            f"target {name!r} has one class only ({labels.tolist()[0]!r}), so there is nothing to "
            "learn."
        )
    rare = [
        (label, int(count))
        for label, count in zip(labels.tolist(), counts, strict=True)
        if count < ROWS_PER_CLASS
    ]
    if rare:
        told = ", ".join(f"{label!r} ({count})" for label, count in rare[:5])
        more = f" and {len(rare) - 5:,} more" if len(rare) > 5 else ""
        other = ", or take it for a number: --task regression" if y.dtype.kind in "iuf" else ""
        raise BadInput(
            f"target {name!r} has classes with fewer than {ROWS_PER_CLASS} rows, too few to be "
            f"in the training, validation and test part: {told}{more}. Take those rows out or "
            f"join classes{other}."
        )
