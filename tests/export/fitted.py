"""Small estimators of each kind, fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optuna_nas import NASClassifier
from optuna_nas import NASRegressor
from tests.estimator.tables import CHEAP
from tests.estimator.tables import numbers
from tests.estimator.tables import people
from tests.estimator.tables import two_classes


def with_tails(rows: int = 600) -> tuple[pd.DataFrame, Any]:
    """Columns that quantiles make normal, one of them rounded, with missing cells; two outputs."""
    rng = np.random.default_rng(0)
    tails = 1e3 * rng.standard_cauchy((rows, 2))
    x = pd.DataFrame({"a": tails[:, 0], "b": np.round(tails[:, 1]), "c": rng.normal(size=rows)})
    x.loc[::7, "a"] = np.nan
    y = np.column_stack([1e4 + 500 * x["c"], 1e-3 * np.tanh(x["b"])])
    return x, y


def images() -> tuple[Any, Any]:
    """Images of uint8; the class is which half is brighter."""
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    return x, np.where(x[:, :4].mean((1, 2)) > x[:, 4:].mean((1, 2)), "up", "down")


def sequences() -> tuple[Any, Any]:
    """Sequences of two features; what is predicted is the sum of one."""
    x = np.random.default_rng(0).normal(size=(40, 5, 2))
    return x, 100 * x[:, :, 0].sum(1) - 7


def estimators() -> dict[str, tuple[Any, Any]]:
    """From what it shows to an estimator and the rows that it was fitted on."""
    cheap = {**CHEAP, "epochs": 2}
    auto = {**cheap, "space": "auto", "n_trials": 1}
    one_hot, tails, mixed = NASClassifier(**cheap), NASRegressor(**auto), NASClassifier(**auto)
    x, y = two_classes()
    people_x, people_y = people()
    tails_x, tails_y = with_tails()
    numbers_x, numbers_y = numbers()
    images_x, images_y = images()
    sequences_x, sequences_y = sequences()
    averaged = NASRegressor(**{**cheap, "n_trials": 3, "epochs": 3}, ensemble=3, pruner=None)
    folds = NASClassifier(**cheap, cv=2, refit=False)
    return {
        "one-hot categories": (one_hot.fit(people_x, people_y), people_x),
        "heavy tails, two outputs": (tails.fit(tails_x, tails_y), tails_x),
        "codes of categories": (mixed.fit(people_x, people_y == "yes"), people_x),
        "an ensemble": (averaged.fit(numbers_x, numbers_y), numbers_x),
        "folds": (folds.fit(x, y), x),
        "images": (NASClassifier(**auto).fit(images_x, images_y), images_x),
        "sequences": (NASRegressor(**auto).fit(sequences_x, sequences_y), sequences_x),
    }
