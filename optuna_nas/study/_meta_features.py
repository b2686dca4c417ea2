"""What a data set is like, in a few numbers: so one can tell which earlier ones it resembles.

Feurer et al. 2015, "Initializing Bayesian Hyperparameter Optimization via Meta-Learning",
https://doi.org/10.1609/aaai.v29i1.9354, begins a search with what did best on the nearest data
sets by such numbers. Here they are scaled by what they are, and not by how they spread: the
studies at hand are few.
"""

from __future__ import annotations

from collections.abc import Mapping
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from scipy.spatial.distance import cdist

from optuna_nas.training._data import load
from optuna_nas.training._data import Resident


DATA = "optuna_nas:data"
"""Study user attr: the meta-features of the data that it searches on."""

ROWS, COLUMNS = 1000, 256
"""How many, at most, are looked at, drawn at random, beyond counting."""

VARIANCE = 0.95
"""The share that the principal components counted explain."""

Floats = NDArray[np.float64]


def meta_features(X: Any, y: Any) -> dict[str, float]:
    """Returns what a data set is like.

    Args:
        X:
            Inputs, an array or tensor, rows first.
        y:
            Targets: integers and bools are classes, floats are numbers to predict.

    Returns:
        ``rows``, ``features`` (numbers a row) and ``classes``, as logarithms to base 10;
        ``axes`` of a row, 1 for a table and 3 for images; ``regression``, 0 or 1;
        ``class_entropy``, 1 if all classes are as frequent; ``mean_correlation``, absolute, of
        two features; ``pca_share``, how many of the principal components explain 95 % of the
        variance; ``one_nn``, the accuracy or R2 (at least 0) of the nearest neighbour, on half
        of the rows. What is not a logarithm or a count of axes lies in 0..1; what has no meaning
        for a data set is 0.

    Raises:
        TypeError:
            If X or y are no numbers.
        ValueError:
            If there are no rows, not as many X as y, or values that are not finite.
    """
    data = load((X, y), "data")
    assert isinstance(data, Resident)
    whole = data.inputs.cpu().reshape(len(data.inputs), -1)
    is_regression = data.targets.is_floating_point()
    targets = data.targets.cpu().numpy().reshape(len(whole), -1).astype(float)
    rng = np.random.default_rng(0)
    rows, columns = (
        np.sort(rng.permutation(n)[:most])
        for n, most in zip(whole.shape, (ROWS, COLUMNS), strict=True)
    )
    x = whole[rows][:, columns].double().numpy()
    frequencies = np.zeros(0) if is_regression else _frequencies(targets)
    return {
        "rows": math.log10(len(whole)),
        "features": math.log10(max(1, whole.shape[1])),
        "axes": float(data.inputs.ndim - 1),
        "regression": float(is_regression),
        "classes": math.log10(max(1, len(frequencies))),
        "class_entropy": _entropy(frequencies),
        "mean_correlation": _mean_correlation(x),
        "pca_share": _pca_share(x),
        "one_nn": _one_nn(x, targets[rows], is_regression, rng),
    }


def describe_data(study: Study, X: Any, y: Any) -> dict[str, float]:
    """Notes in a study what its data are like, for :func:`warm_start` from it, or of it.

    Example:

        .. code-block:: python

            describe_data(study, X_train, y_train)
            study.optimize(objective, n_trials=50)

    Args:
        study:
            A new or a loaded study; what it knew of its data is replaced.
        X:
            Inputs, as for :func:`meta_features`.
        y:
            Targets.

    Returns:
        The meta-features.

    Raises:
        TypeError:
            If X or y are no numbers.
        ValueError:
            If there are no rows, not as many X as y, or values that are not finite.
    """
    found = meta_features(X, y)
    study.set_user_attr(DATA, found)
    return found


def similarity(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Returns how much two data sets are alike: 1 if their meta-features are equal, 0 at worst.

    It is exp(-d), d being the sum of the absolute differences: ten times as many rows count as
    much as features that are all correlated against features that are not at all.

    Args:
        one:
            Meta-features; those that only one of the two has do not count.
        other:
            Likewise.
    """
    names = one.keys() & other.keys()
    return math.exp(-sum(abs(one[name] - other[name]) for name in sorted(names)))


def _frequencies(classes: Floats) -> Floats:
    _, counts = np.unique(classes, return_counts=True)
    shares: Floats = counts / counts.sum()
    return shares


def _entropy(frequencies: Floats) -> float:
    """In units of its maximum."""
    if len(frequencies) < 2:
        return 0.0
    return float(-(frequencies * np.log(frequencies)).sum() / math.log(len(frequencies)))


def _mean_correlation(x: Floats) -> float:
    varied = x[:, x.std(0) > 0]
    if varied.shape[1] < 2:
        return 0.0
    correlations = np.abs(np.corrcoef(varied, rowvar=False))
    return float(correlations[np.triu_indices(len(correlations), 1)].mean())


def _pca_share(x: Floats) -> float:
    centred = x - x.mean(0)
    variances = np.linalg.eigvalsh(centred.T @ centred)[::-1].clip(0)
    if variances.sum() == 0:
        return 0.0
    explained = np.cumsum(variances) / variances.sum()
    return float((np.searchsorted(explained, VARIANCE) + 1) / len(variances))


def _one_nn(x: Floats, y: Floats, is_regression: bool, rng: np.random.Generator) -> float:
    order = rng.permutation(len(x))
    known, asked = order[: len(x) // 2], order[len(x) // 2 :]
    if len(known) == 0:
        return 0.0
    answers = y[known[cdist(x[asked], x[known]).argmin(1)]]
    if not is_regression:
        return float((answers == y[asked]).mean())
    spread = ((y[asked] - y[asked].mean(0)) ** 2).sum()
    return max(0.0, 1 - float(((answers - y[asked]) ** 2).sum() / spread)) if spread else 0.0
