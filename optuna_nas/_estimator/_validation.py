"""X, y and weights as the user gives them, checked before any work."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils import check_consistent_length
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight
from sklearn.utils.validation import _check_y
from sklearn.utils.validation import column_or_1d
from sklearn.utils.validation import validate_data

from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._columns import is_frame
from optuna_nas._estimator._columns import is_missing
from optuna_nas._estimator._columns import read_columns
from optuna_nas._estimator._split import FEWEST_ROWS


def read_x(estimator: Any, x: Any, *, reset: bool) -> Any:
    """X as an array, or as the DataFrame that it is.

    Args:
        estimator:
            Whose number and names of columns are set or held against.
        x:
            What the user gave.
        reset:
            Whether they are set, in ``fit``.

    Raises:
        TypeError, ValueError:
            As scikit-learn's ``validate_data``.
    """
    if callable(getattr(x, "collect", None)):
        raise TypeError(
            f"X must be a table with its rows, but is a {type(x).__name__}, which has none before "
            "X.collect()."
        )
    if is_frame(x):
        read_columns(x)
        validate_data(estimator, x, skip_check_array=True, reset=reset)
        if len(x) == 0:
            raise ValueError("Found array with 0 sample(s): X has no rows.")
        return x
    checked = validate_data(
        estimator,
        x,
        dtype=None,
        ensure_all_finite="allow-nan",
        allow_nd=True,
        ensure_min_samples=FEWEST_ROWS if reset else 1,
        reset=reset,
    )
    if checked.ndim > 2 and (checked.dtype.kind not in "biuf" or np.isnan(checked).any()):
        raise ValueError("X of more than two dimensions must hold numbers, none of them NaN.")
    return checked


def read_labels(y: Any, x: Any) -> Array:
    """The labels of a classification, ``[n]``.

    Args:
        y:
            What the user gave.
        x:
            The rows.

    Raises:
        ValueError:
            If they are no labels, or not one a row, or are a column of ``x``.
    """
    _check_given(y)
    _check_not_in(x, y)
    given = column_or_1d(y, warn=True)
    _check_labels(given)
    labels: Array = column_or_1d(_check_y(given))
    check_classification_targets(labels)
    check_consistent_length(x, labels)
    return labels


def read_numbers(y: Any, x: Any) -> Array:
    """The numbers of a regression, ``[n]`` or ``[n, k]``, float64.

    Args:
        y:
            What the user gave.
        x:
            The rows.

    Raises:
        ValueError:
            If they are no finite numbers, or not one or several a row, or are a column of ``x``.
    """
    _check_given(y)
    _check_not_in(x, y)
    numbers = _check_y(y, multi_output=True, y_numeric=True)
    check_consistent_length(x, numbers)
    if numbers.dtype.kind not in "biuf" or numbers.ndim > 2:
        raise ValueError(
            f"y must hold numbers, [n] or [n, outputs], but is {numbers.dtype} of shape "
            f"{numbers.shape}. For classes take NASClassifier."
        )
    finite: Array = numbers.astype(np.float64)
    return finite


def weigh(
    x: Any, y: Array, sample_weight: Any, class_weight: Any = None
) -> tuple[Any, Array, Array | None, Array]:
    """Rows with their weights, of the mean 1; those that weigh nothing are left out.

    Args:
        x:
            The rows.
        y:
            What to predict.
        sample_weight:
            Of each row, or None.
        class_weight:
            ``"balanced"``, a dict from label to weight, or None.

    Returns:
        x, y, the weights or None if they are all the same, and the numbers of the rows kept.
    """
    weights: Array = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
    if class_weight is not None:
        weights = weights * compute_sample_weight(class_weight, y)
    if not weights.any():
        raise ValueError("sample_weight is zero in each row.")
    rows = np.flatnonzero(weights)
    if len(rows) < len(weights):
        x, y, weights = _safe_indexing(x, rows), y[rows], weights[rows]
    if np.all(weights == weights[0]):
        return x, y, None, rows
    return x, y, weights / weights.mean(), rows


def _check_given(y: Any) -> None:
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")


def _check_labels(labels: Array) -> None:
    """Labels must be sorted; Python's own message does not say which cannot be."""
    if labels.dtype.kind != "O":
        return
    missing = next((i for i, label in enumerate(labels) if is_missing(label)), None)
    if missing is not None:
        raise ValueError(
            f"Input y contains NaN: there is no label in row {missing}, but {labels[missing]!r}. "
            "Leave such rows out."
        )
    kinds = sorted({type(label).__name__ for label in labels})
    if "str" in kinds and len(kinds) > 1:
        raise ValueError(
            f"y must hold labels that can be sorted, but holds {' and '.join(kinds)}. Take "
            "strings for all of them: [str(label) for label in y]."
        )


def _check_not_in(x: Any, y: Any) -> None:
    if not is_frame(x):
        return
    given = {name: y[name] for name in y.columns} if is_frame(y) else {}
    for name, cells in (given or {getattr(y, "name", None): y}).items():
        if name is None or name not in list(x.columns):
            continue
        if np.array_equal(np.asarray(x[name]).astype(str), np.asarray(cells).astype(str)):
            raise ValueError(
                f"the target {name!r} is a column of X too, so there is nothing to learn. Leave "
                f"it out: X.drop(columns=[{name!r}])."
            )
