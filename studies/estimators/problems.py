"""Tables with a train and a test part: scikit-learn's bundled ones, generated ones, and USPS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split


TOWNS = ["Bern", "Lima", "Oslo", "Pune", "Rome"]


class Split(NamedTuple):
    """X is a DataFrame where columns differ in kind, else an array; y is int for classes."""

    train_x: Any
    test_x: Any
    train_y: np.ndarray
    test_y: np.ndarray

    @property
    def is_classification(self) -> bool:
        return self.train_y.dtype.kind == "i"


def split(x: Any, y: np.ndarray, seed: int) -> Split:
    """Three quarters to train on."""
    classes = y if y.dtype.kind == "i" else None
    return Split(*train_test_split(x, y, test_size=0.25, random_state=seed, stratify=classes))


def bundled(load: Callable[..., Any]) -> Callable[[int], Split]:
    return lambda seed: split(*load(return_X_y=True), seed)


def generated(make: Callable[..., Any], **arguments: Any) -> Callable[[int], Split]:
    return lambda seed: split(*make(**arguments, random_state=seed), seed)


def mixed(seed: int, classes: bool) -> Split:
    """Numbers (one skewed, two with missing cells), two categories, a bool and a date."""
    rng, rows = np.random.default_rng(seed), 1500
    age, income = rng.uniform(18, 80, rows), rng.lognormal(10, 0.6, rows)
    score, noise = rng.normal(size=(2, rows))
    town = rng.choice(TOWNS, rows, p=[0.3, 0.3, 0.2, 0.15, 0.05])
    plan = rng.choice(["basic", "plus", "pro"], rows)
    member = rng.random(rows) < 0.4
    day = rng.integers(0, 730, rows)
    effect = dict(zip(TOWNS, rng.normal(0, 1.5, 5), strict=True))
    y = np.log(income / 22_000) * np.where(plan == "pro", 2.0, 0.5)
    y += np.where(member, np.sin(age / 8), 0.02 * (age - 45)) + [effect[name] for name in town]
    y += 0.8 * (day % 7 >= 5) + 0.5 * score + 0.4 * rng.normal(size=rows)
    table = pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.1, np.nan, age),
            "income": income,
            "score": np.where(rng.random(rows) < 0.15, np.nan, score),
            "noise": noise,
            "town": pd.Series(town).where(rng.random(rows) > 0.05),
            "plan": pd.Categorical(plan),
            "member": member,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
        }
    )
    if classes:
        return split(table, np.digitize(y, np.quantile(y, [0.5, 0.8])).astype(np.int64), seed)
    return split(table, y, seed)


def usps(path: Path, rows: int = 2000) -> Callable[[int], Split]:
    """2,000 of the 7,291 digits to train on, and the 2,007 of the test part."""

    def load(seed: int) -> Split:
        with np.load(path) as file:
            x, test_x = (file[name].reshape(-1, 256) / 255 for name in ("x_train", "x_test"))
            y, test_y = (file[name].astype(np.int64) for name in ("y_train", "y_test"))
        chosen = np.random.default_rng(seed).choice(len(x), rows, replace=False)
        return Split(x[chosen], test_x, y[chosen], test_y)

    return load


PROBLEMS: dict[str, Callable[[int], Split]] = {
    "iris": bundled(datasets.load_iris),
    "wine": bundled(datasets.load_wine),
    "breast cancer": bundled(datasets.load_breast_cancer),
    "digits": bundled(datasets.load_digits),
    "moons": generated(datasets.make_moons, n_samples=1000, noise=0.3),
    "mixed, classes": lambda seed: mixed(seed, classes=True),
    "diabetes": bundled(datasets.load_diabetes),
    "friedman1": generated(datasets.make_friedman1, n_samples=1000, noise=1.0),
    "friedman2": generated(datasets.make_friedman2, n_samples=1000, noise=50.0),
    "friedman3": generated(datasets.make_friedman3, n_samples=1000, noise=0.1),
    "mixed, numbers": lambda seed: mixed(seed, classes=False),
}
