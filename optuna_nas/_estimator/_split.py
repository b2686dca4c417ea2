"""``folds``: which rows a candidate is trained on, and which it is scored on."""

from __future__ import annotations

from numbers import Integral
from typing import Any
from typing import TypeAlias

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.model_selection import train_test_split

from optuna_nas._estimator._columns import Array


Fold: TypeAlias = tuple[Array, Array]
"""The numbers of the rows to train on, and of those held out."""

FEWEST_ROWS = 4
MOST_HELD_OUT = 10_000
"""Of a share. So many tell networks apart; more would cost time in each epoch."""


def make_folds(
    cv: Any, x: Any, y: Array, classes: bool, seed: int, kept: Array | None = None
) -> list[Fold]:
    """The folds of some data.

    Args:
        cv:
            A share to hold out, of 10,000 rows at most; a number of folds, or a splitter.
        x:
            The rows.
        y:
            What to predict.
        classes:
            Whether ``y`` holds classes, of which each part gets its share where it can.
        seed:
            For the rows that a share holds out.
        kept:
            The numbers that these rows had for the user, which folds written out by hand name.

    Raises:
        ValueError:
            If there are too few rows, or ``cv`` gives no fold.
    """
    rows = len(y)
    if rows < FEWEST_ROWS:
        raise ValueError(
            f"X has n_samples = {rows}, too few to train on some and to score on the others; "
            f"there must be at least {FEWEST_ROWS}."
        )
    if not isinstance(cv, float):
        splitter = check_cv(cv, y, classifier=classes)
        folds = [(np.asarray(a), np.asarray(b)) for a, b in splitter.split(x, y)]
        if not folds:
            raise ValueError(f"cv={cv!r} gave no fold.")
        if kept is None or isinstance(cv, Integral) or cv is None or hasattr(cv, "split"):
            return folds
        return [(_places(train, kept), _places(valid, kept)) for train, valid in folds]
    held_out = min(max(2, round(cv * rows)), rows - 2, MOST_HELD_OUT)
    counts = np.unique(y, return_counts=True)[1] if classes else np.empty(0)
    fits = classes and counts.min() >= 2 and len(counts) <= min(held_out, rows - held_out)
    train, valid = train_test_split(
        np.arange(rows), test_size=held_out, stratify=y if fits else None, random_state=seed
    )
    return [(np.sort(train), np.sort(valid))]


def _places(rows: Array, kept: Array) -> Array:
    found: Array = np.flatnonzero(np.isin(kept, rows))
    return found
