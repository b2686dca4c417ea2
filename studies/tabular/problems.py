"""Small tables: five bundled with scikit-learn or generated as there, and four of our own."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import train_test_split


Array = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Numeric columns, then columns of codes 0..cardinality-1; y is int for classes."""

    x: Array
    y: NDArray[np.generic]
    cardinalities: tuple[int, ...] = ()

    @property
    def numeric(self) -> int:
        return self.x.shape[1] - len(self.cardinalities)

    @property
    def is_classification(self) -> bool:
        return self.y.dtype.kind == "i"

    def split(self, seed: int) -> tuple[Table, Table]:
        """Four fifths to train on and one to test on."""
        stratify = self.y if self.is_classification else None
        parts = train_test_split(
            self.x, self.y, test_size=0.2, random_state=seed, stratify=stratify
        )
        train_x, test_x, train_y, test_y = parts
        return (
            Table(train_x, train_y, self.cardinalities),
            Table(test_x, test_y, self.cardinalities),
        )


def bundled(load: Callable[..., tuple[Array, Array]]) -> Callable[[np.random.Generator], Table]:
    return lambda rng: Table(*load(return_X_y=True))


def friedman1(rng: np.random.Generator) -> Table:
    return Table(*datasets.make_friedman1(1000, noise=1.0, random_state=int(rng.integers(2**31))))


def moons(rng: np.random.Generator) -> Table:
    return Table(*datasets.make_moons(1000, noise=0.3, random_state=int(rng.integers(2**31))))


def mixed(rng: np.random.Generator) -> tuple[Array, Array, tuple[int, ...]]:
    """Six numbers, of which two are skewed, three categories, and what follows from them.

    Categories change which number counts; one of them has 30 values.
    """
    n, cardinalities = 2000, (3, 6, 30)
    numbers = rng.normal(size=(n, 6))
    numbers[:, 4:] = np.exp(numbers[:, 4:])
    codes = np.stack([rng.integers(size, size=n) for size in cardinalities], axis=1)
    effects = [rng.normal(size=size) for size in cardinalities]
    slope = np.choose(codes[:, 0], [numbers[:, 0], -numbers[:, 1], np.abs(numbers[:, 2])])
    score = (
        1.5 * slope
        + effects[1][codes[:, 1]] * np.sign(numbers[:, 3])
        + effects[2][codes[:, 2]]
        + np.log(numbers[:, 4])
        + 0.5 * rng.normal(size=n)
    )
    return np.hstack([numbers, codes]), score, cardinalities


def mixed_classes(rng: np.random.Generator) -> Table:
    x, score, cardinalities = mixed(rng)
    return Table(x, np.digitize(score, np.quantile(score, [0.4, 0.8])), cardinalities)


def mixed_numbers(rng: np.random.Generator) -> Table:
    return Table(*mixed(rng))


def steps(rng: np.random.Generator) -> Table:
    """Thresholds and an exclusive or, as trees like them; half of ten columns is noise."""
    x = rng.normal(size=(1500, 10))
    score = 2.0 * ((x[:, 0] > 0.3) ^ (x[:, 1] > -0.2)) + (x[:, 2] > 0.5) - 1.5 * (x[:, 3] < -0.8)
    score += 0.3 * x[:, 4] + 0.5 * rng.normal(size=len(x))
    return Table(x, (score > np.median(score)).astype(int))


def places(rng: np.random.Generator) -> Table:
    """Like California's houses: prices that depend on where (three towns), skewed numbers."""
    n = 2000
    where = rng.uniform(-2, 2, size=(n, 2))
    towns = rng.uniform(-2, 2, size=(3, 2))
    near = np.exp(-3 * ((where[:, None] - towns) ** 2).sum(2)).max(1)
    income, rooms = rng.lognormal(size=n), rng.gamma(3, size=n)
    people, age = rng.lognormal(sigma=0.7, size=n), rng.integers(1, 52, size=n)
    price = 2 * near + np.sqrt(income) + 0.3 * np.log(rooms / people) + 0.5 * (age > 40)
    price *= np.exp(0.15 * rng.normal(size=n))
    return Table(np.column_stack([where, income, rooms, people, age]), np.minimum(price, 6.0))


TUNED_ON: Mapping[str, Callable[[np.random.Generator], Table]] = {
    "wine": bundled(datasets.load_wine),
    "diabetes": bundled(datasets.load_diabetes),
    "friedman1": friedman1,
    "moons": moons,
    "mixed, classes": mixed_classes,
}
NEW: Mapping[str, Callable[[np.random.Generator], Table]] = {
    "breast cancer": bundled(datasets.load_breast_cancer),
    "digits": bundled(datasets.load_digits),
    "mixed, numbers": mixed_numbers,
    "steps": steps,
    "places": places,
}
PROBLEMS = {**TUNED_ON, **NEW}
