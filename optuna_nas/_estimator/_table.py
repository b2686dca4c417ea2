"""``TableInputs``: from a table to what a network takes, by scikit-learn's own transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.preprocessing import QuantileTransformer
from sklearn.preprocessing import StandardScaler
import torch
from torch import Tensor

from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._columns import CATEGORY
from optuna_nas._estimator._columns import columns_like
from optuna_nas._estimator._columns import is_frame
from optuna_nas._estimator._columns import kind_of
from optuna_nas._estimator._columns import read
from optuna_nas._estimator._columns import read_columns


MOST_CATEGORIES = 256
"""A column's rarer categories share a code."""

FEWEST_ROWS = 500
"""From so many rows on, quantiles say more than noise."""

FAR = 5.0
"""A number so many interquartile ranges from the median makes a column's tail a heavy one."""


class TableInputs:
    """Takes tables apart, and gives float32 ``[n, features]``: numbers first, then categories.

    Numbers, bools and parts of times are imputed by the median, with an indicator for columns
    with missing cells, and standardized; columns with a heavy tail become normal by their
    quantiles. A category is its code, 0 for what is unknown or missing, or one-hot.

    Args:
        one_hot:
            Whether categories are one-hot, for networks that take numbers only.
        seed:
            For the rows that quantiles are taken of.
    """

    kind = "table"

    def __init__(self, one_hot: bool, seed: int) -> None:
        self.one_hot = one_hot
        self.seed = seed

    def fit(self, x: Any) -> Tensor:
        """Learns from a table, and gives its features.

        Args:
            x:
                A DataFrame or an array ``[n, columns]``.
        """
        self.names = [str(name) for name in x.columns] if is_frame(x) else None
        self.kinds = _kinds(x)
        numbers, categories = self._read(x)
        parts = []
        self.numbers = _numbers_to_features(numbers, self.seed) if numbers.size else None
        if self.numbers is not None:
            parts.append(self.numbers.fit_transform(numbers))
        self.numeric = parts[0].shape[1] if parts else 0
        self.categories = _categories_to_codes() if categories.size else None
        self.sizes: list[int] = []
        if self.categories is not None:
            codes = self.categories.fit_transform(categories) + 1
            self.sizes = [max(1, int(size)) for size in codes.max(0)]
            parts.append(self._codes(codes))
        return torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32))

    def transform(self, x: Any) -> Tensor:
        """The features of another table with the same columns.

        Args:
            x:
                As for :meth:`fit`. Columns with names are taken by name.

        Raises:
            ValueError:
                If columns are missing or unknown, or hold something else than in ``fit``.
        """
        numbers, categories = self._read(x)
        parts = []
        if self.numbers is not None:
            parts.append(self.numbers.transform(numbers))
        if self.categories is not None:
            parts.append(self._codes(self.categories.transform(categories) + 1))
        return torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32))

    @property
    def features(self) -> int:
        """How many there are."""
        return self.numeric + (sum(self.sizes) if self.one_hot else len(self.sizes))

    def _read(self, x: Any) -> tuple[Array, Array]:
        found = columns_like(x, self.names, len(self.kinds))
        if not is_frame(x) and x.dtype.kind in "biuf":
            return x.astype(np.float64), np.empty((len(x), 0), object)
        columns = [
            (kind, read(column, kind)) for column, kind in zip(found, self.kinds, strict=True)
        ]
        numbers = [values for kind, values in columns if kind != CATEGORY]
        categories = [values for kind, values in columns if kind == CATEGORY]
        nothing = np.empty((len(x), 0))
        return (
            np.concatenate([nothing, *numbers], axis=1),
            np.concatenate([nothing.astype(object), *categories], axis=1),
        )

    def _codes(self, codes: Array) -> Array:
        if not self.one_hot:
            return codes
        columns = zip(codes.T.astype(int), self.sizes, strict=True)
        return np.concatenate([np.eye(size + 1)[code][:, 1:] for code, size in columns], axis=1)


def _kinds(x: Any) -> list[str]:
    if not is_frame(x) and x.dtype.kind in "biuf":
        return ["number"] * int(x.shape[1])
    return [kind_of(column) for column in read_columns(x)]


def _numbers_to_features(numbers: Array, seed: int) -> FeatureUnion:
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    heavy = _have_heavy_tails(numbers)
    quantiles = QuantileTransformer(
        n_quantiles=min(1000, len(numbers)), output_distribution="normal", random_state=seed
    )
    scaler = ColumnTransformer(
        [
            ("standard", StandardScaler(), np.flatnonzero(~heavy)),
            ("quantile", quantiles, np.flatnonzero(heavy)),
        ]
    )
    return FeatureUnion(
        [
            ("values", make_pipeline(imputer, scaler)),
            ("missing", MissingIndicator(error_on_new=False)),
        ]
    )


def _have_heavy_tails(numbers: Array) -> Array:
    """Which columns; those of mostly one value are no such, whatever the others are."""
    heavy = np.zeros(numbers.shape[1], bool)
    if len(numbers) < FEWEST_ROWS:
        return heavy
    for i, column in enumerate(numbers.T):
        present = column[~np.isnan(column)]
        if len(present) >= FEWEST_ROWS:
            low, median, high = np.quantile(present, [0.25, 0.5, 0.75])
            heavy[i] = high > low and np.abs(present - median).max() > FAR * (high - low)
    return heavy


def _categories_to_codes() -> OrdinalEncoder:
    """Codes from 0 on, and -1 for what is unknown or missing."""
    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=-1,
        encoded_missing_value=-1,
        max_categories=MOST_CATEGORIES,
    )
