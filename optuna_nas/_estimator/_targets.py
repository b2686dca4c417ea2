"""What is to be predicted: classes of any kind, or numbers; for a network, and back from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax
import torch
from torch import Tensor

from optuna_nas._estimator._columns import Array


@dataclass(frozen=True)
class Classes:
    """Classes, which a network sees by number.

    Args:
        labels:
            Sorted, as ``classes_``.
    """

    labels: Array
    task = "classification"

    @property
    def out_features(self) -> int:
        """How many numbers a network gives."""
        return len(self.labels)

    def encode(self, y: Array) -> Tensor:
        """The number of each row's class.

        Args:
            y:
                Labels, all known.
        """
        return torch.from_numpy(np.searchsorted(self.labels, y).astype(np.int64))

    def probabilities(self, outputs: Tensor) -> Array:
        """Of each row and class.

        Args:
            outputs:
                Of the network, ``[n, classes]``.
        """
        found: Array = softmax(outputs.double().numpy(), axis=1)
        return found

    def predict(self, outputs: Tensor) -> Array:
        """The likeliest label of each row.

        Args:
            outputs:
                Of the network, ``[n, classes]``.
        """
        chosen: Array = self.labels[outputs.argmax(1).numpy()]
        return chosen


@dataclass(frozen=True)
class Numbers:
    """Numbers, which a network sees standardized.

    Args:
        mean:
            Of each, over the rows of fit.
        deviation:
            Likewise, and 1 where it is 0.
        flat:
            Whether ``y`` has one dimension.
    """

    mean: Array
    deviation: Array
    flat: bool
    task = "regression"

    @property
    def out_features(self) -> int:
        """How many numbers a network gives."""
        return len(self.mean)

    def encode(self, y: Array) -> Tensor:
        """Standardized numbers, ``[n, out_features]``.

        Args:
            y:
                ``[n]`` or ``[n, out_features]``.
        """
        numbers = (y.reshape(len(y), -1) - self.mean) / self.deviation
        return torch.from_numpy(numbers.astype(np.float32))

    def predict(self, outputs: Tensor) -> Array:
        """Numbers as they were in fit.

        Args:
            outputs:
                Of the network, ``[n, out_features]``.
        """
        numbers = outputs.double().numpy() * self.deviation + self.mean
        return numbers[:, 0] if self.flat else numbers


def classes_of(y: Array) -> Classes:
    """The classes that there are.

    Args:
        y:
            Labels.

    Raises:
        ValueError:
            If there is one only, or as many as rows.
    """
    labels, counts = np.unique(y, return_counts=True)
    if len(labels) < 2:
        raise ValueError(
            f"y has one class only ({labels.tolist()[0]!r}), so there is nothing to learn."
        )
    if counts.max() < 2:
        raise ValueError(
            f"y has {len(labels)} classes in {len(y)} rows, so no class has two rows to learn "
            "from and to be scored on. If y holds numbers to predict, take NASRegressor."
        )
    return Classes(labels)


def numbers_of(y: Array) -> Numbers:
    """The scale of numbers to predict.

    Args:
        y:
            ``[n]`` or ``[n, k]``.

    Raises:
        ValueError:
            If all of them are the same.
    """
    table = y.reshape(len(y), -1)
    constant = table.max(0) == table.min(0)
    if constant.all():
        raise ValueError(f"y is {table[0, 0]} in every row, so there is nothing to learn.")
    deviation = np.where(constant, 1.0, table.std(0))
    return Numbers(table.mean(0), deviation, y.ndim == 1)
